/* What the tests ask of the operating system: a child whose stderr is read, threads counted, a thread that must start.
 *
 *   Why not Criterion's redirection: the tests run under support/plain_main.c, too, which has none.
 *   Include it in a file that defines _GNU_SOURCE. */
#ifndef FILCH_TESTS_PROCESS_H
#define FILCH_TESTS_PROCESS_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A sanitizer needs address space that a limit would take away. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* ThreadSanitizer ends, or stops, a child that starts a thread if its parent had more than one; AddressSanitizer's
 * allocator may be locked in it, by a thread that is not there any more. */
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
#define NO_THREADS_AFTER_FORK 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define NO_THREADS_AFTER_FORK 1
#endif
#endif
#ifndef NO_THREADS_AFTER_FORK
#define NO_THREADS_AFTER_FORK 0
#endif

struct child {
    int status;      /* as of waitpid */
    char said[8192]; /* its stderr, cut there */
};

/* Runs body in a fork, whose calling thread is its main thread, and reads what it says on stderr. */
static inline struct child child_of(void (*body)(void))
{
    struct child child = {0, ""};
    int ends[2];
    fflush(NULL);
    cr_assert_eq(pipe(ends), 0);
    pid_t pid = fork();
    cr_assert(pid >= 0, "fork: %s", strerror(errno));
    if (pid == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        close(ends[0]);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        body();
        _exit(EXIT_SUCCESS); /* the handlers of exit are the runner's */
    }
    close(ends[1]);
    size_t n = 0;
    for (;;) {
        ssize_t got = read(ends[0], child.said + n, sizeof child.said - 1 - n);
        if (got > 0)
            n += (size_t)got;
        else if (got == 0 || errno != EINTR)
            break;
    }
    close(ends[0]);
    while (waitpid(pid, &child.status, 0) < 0 && errno == EINTR)
        continue;
    return child;
}

/* In a child: ends it with a status that is not 0 and a line. */
#define CHILD_REQUIRE(c) ((c) ? (void)0 : (dprintf(STDERR_FILENO, "%s:%d: %s\n", __FILE__, __LINE__, #c), _exit(9)))

static inline void expect_success(struct child child)
{
    cr_assert(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0, "the child's status is %#x; it said: %s",
              (unsigned)child.status, child.said);
}

/* Misuse: one sentence, then SIGABRT. */
static inline void expect_abort(struct child child, const char *sentence)
{
    cr_assert(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
              "expected an abort; the child's status is %#x; it said: %s", (unsigned)child.status, child.said);
    cr_assert(strncmp(child.said, "filch: ", 7) == 0 && strstr(child.said, sentence), "expected \"%s\"; it said: %s",
              sentence, child.said);
}

static inline size_t lines_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* No FILCH_ variable is left, wherever the tests were started from. */
static inline void clear_environment(void)
{
    for (char **e = environ; *e;) {
        char name[256];
        size_t n = strcspn(*e, "=");
        if (strncmp(*e, "FILCH_", 6) == 0 && n < sizeof name) {
            memcpy(name, *e, n);
            name[n] = 0;
            unsetenv(name);
            e = environ;
        } else {
            e++;
        }
    }
}

static inline void *say_number(void *number)
{
    *(pid_t *)number = gettid();
    return NULL;
}

/* Threads of this process; the runner, or a sanitizer from the first thread on, may have some of its own. */
static inline unsigned thread_count(void)
{
    unsigned n = 0;
    DIR *tasks = opendir("/proc/self/task");
    cr_assert(tasks);
    for (struct dirent *entry; (entry = readdir(tasks));)
        n += entry->d_name[0] != '.';
    closedir(tasks);
    return n;
}

/* A joined thread is listed a moment longer: waits for the number; what never comes ends by the test's time limit. */
static inline void await_thread_count(unsigned n)
{
    while (thread_count() != n)
        sched_yield();
}

static inline void start_thread(pthread_t *thread, void *(*body)(void *), void *arg)
{
    cr_assert_eq(pthread_create(thread, NULL, body, arg), 0);
}

static inline void run_thread(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    start_thread(&thread, body, arg);
    pthread_join(thread, NULL);
}

/* The number that is there before a test starts anything. */
static inline unsigned thread_count_at_rest(void)
{
    unsigned before, after;
    pid_t first;
    run_thread(say_number, &first);         /* a sanitizer's own thread comes with the first */
    while (tgkill(getpid(), first, 0) == 0) /* joined, but still listed */
        sched_yield();
    do {
        before = thread_count();
        sched_yield();
        after = thread_count();
    } while (before != after);
    return after;
}

#endif
