/* Runs Criterion's tests without Criterion.
 *
 *   Purpose   The same test files and headers, linked with this file instead of libcriterion: under ThreadSanitizer,
 *             where Criterion does not start; under LeakSanitizer and valgrind, whose verdict Criterion does not see;
 *             and where there is no libcriterion.
 *   How       Criterion's headers leave a pointer to each test in the section cr_tst and to each suite in cr_sts.  Each
 *             test runs in a fork of this process, which has never started a thread, so no test sees another's state.
 *             The child leaves by exit(): that is when the sanitizers speak, by its exit status.
 *   Honours   .init .fini .signal .exit_code .disabled .timeout, of the test or else of its suite; parameterized
 *             tests; cr_skip_test.  The classic assertions and those of criterion/new/assert.h, less wide strings.
 *   Differs   A failed assertion ends the child at once, without .fini.  Theories, redirection and report hooks are not
 *             here: a test that needs them does not link.
 *   Options   --filter SUITE/NAME (a shell pattern), --list; -jN is taken and ignored, one test runs at a time.
 *             PLAIN_TIMEOUT_SCALE multiplies every .timeout: a sanitizer is slow.
 *   Status    0 all passed, 1 a test failed or none ran, 2 bad usage, 77 every test was skipped. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The linker makes these for a section whose name is an identifier; weak, since a file may hold no test or suite. */
extern struct criterion_test *__start_cr_tst[] __attribute__((weak, visibility("hidden")));
extern struct criterion_test *__stop_cr_tst[] __attribute__((weak, visibility("hidden")));
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak, visibility("hidden")));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak, visibility("hidden")));

/* Criterion's macros read .full_stats of this. */
struct criterion_options criterion_options;

/* What a child says besides its exit status, which a test may choose (.exit_code). */
static volatile struct verdict {
    int failed;
    int skipped;
} * verdict;

static struct criterion_test_extra_data none;
static struct criterion_test_extra_data *test_data = &none;
static struct criterion_test_extra_data *suite_data = &none;
static void *parameter;

/* ---- what Criterion's headers call, in the child ---- */

static void call(void (*fixture)(void))
{
    if (fixture)
        fixture();
}

void criterion_internal_test_setup(void)
{
    call(suite_data->init);
    call(test_data->init);
}

void criterion_internal_test_main(void (*test)(void))
{
    if (test_data->kind_ == CR_TEST_PARAMETERIZED)
        ((void (*)(void *))test)(parameter);
    else
        test();
}

void criterion_internal_test_teardown(void)
{
    call(test_data->fini);
    call(suite_data->fini);
}

void criterion_continue_test(void)
{
    verdict->failed = 1;
}

void criterion_abort_test(void)
{
    verdict->failed = 1;
    fflush(NULL);
    _exit(EXIT_FAILURE);
}

static void say(const char *format, va_list arguments)
{
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void criterion_skip_test(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    verdict->skipped = 1;
    fflush(NULL);
    _exit(EXIT_SUCCESS);
}

void criterion_test_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    criterion_abort_test();
}

void cr_log(enum criterion_severity severity, const char *format, ...)
{
    va_list arguments;
    if (severity == CR_LOG_INFO)
        return; /* as Criterion without --verbose */
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

void criterion_send_assert(struct criterion_assert_stats *stats)
{
    if (!stats->passed)
        fprintf(stderr, "%s:%u: %s\n", stats->file, stats->line, stats->message);
}

void cri_asserts_passed_incr(void)
{
}

int cr_vasprintf(char **text, const char *format, va_list arguments)
{
    return vasprintf(text, format, arguments);
}

int cr_asprintf(char **text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(text, format, arguments);
    va_end(arguments);
    return length;
}

void cr_asprintf_free(char *text)
{
    free(text);
}

char *cr_translate_assert_msg(int message, ...)
{
    static const char *const sentences[] = {
        [CRITERION_ASSERT_MSG_FAIL] = "the test failed",
        [CRITERION_ASSERT_MSG_EXPR_FALSE] = "false: %s",
        [CRITERION_ASSERT_MSG_EXPR_AS_STRINGS_FALSE] = "false: %s, with \"%s\" and \"%s\"",
        [CRITERION_ASSERT_MSG_IS_NULL] = "not null: %s",
        [CRITERION_ASSERT_MSG_IS_NOT_NULL] = "null: %s",
        [CRITERION_ASSERT_MSG_IS_EMPTY] = "not empty: %s",
        [CRITERION_ASSERT_MSG_IS_NOT_EMPTY] = "empty: %s",
    };
    char *text = NULL;
    va_list arguments;
    va_start(arguments, message);
    if ((size_t)message < sizeof sentences / sizeof *sentences && vasprintf(&text, sentences[message], arguments) < 0)
        text = NULL;
    va_end(arguments);
    return text ? text : strdup("an assertion failed");
}

void *cr_malloc(size_t size)
{
    return malloc(size);
}

void *cr_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

void *cr_realloc(void *memory, size_t size)
{
    return realloc(memory, size);
}

void cr_free(void *memory)
{
    free(memory);
}

/* criterion/new/assert.h builds a tree: a node for each false condition, with its operands as strings. */

void cri_assert_node_init(struct cri_assert_node *node)
{
    memset(node, 0, sizeof *node);
}

struct cri_assert_node *cri_assert_node_add(struct cri_assert_node *tree, struct cri_assert_node *node)
{
    if (tree->nchild == tree->maxchild) {
        /* The macros hold on to a child while they add its sisters, so the children never move. */
        if (tree->maxchild)
            abort();
        tree->maxchild = 64;
        tree->children = calloc(tree->maxchild, sizeof *tree->children);
        if (!tree->children)
            abort();
    }
    struct cri_assert_node *child = &tree->children[tree->nchild++];
    *child = *node;
    return child;
}

void cri_assert_node_negate(struct cri_assert_node *node)
{
    node->pass = !node->pass;
}

static void print_node(const struct cri_assert_node *node)
{
    if (node->repr && !node->pass) {
        fprintf(stderr, "    false: %s", node->repr);
        for (int i = 0; i < CRI_ASSERT_MAX_PARAMS && node->params[i].name; i++)
            if (node->params[i].data && node->params[i].type == CRI_ASSERT_RT_STR)
                fprintf(stderr, "%s%s = %s", i ? ", " : "; ", node->params[i].name, (char *)node->params[i].data);
        fputc('\n', stderr);
    }
    for (uint32_t i = 0; i < node->nchild; i++)
        print_node(&node->children[i]);
}

void cri_assert_node_send(const char *file, size_t line, struct cri_assert_node *tree)
{
    fprintf(stderr, "%s:%zu: %s\n", file, line, tree->message ? tree->message : "assertion failed");
    print_node(tree);
}

void cri_assert_node_term(struct cri_assert_node *node)
{
    for (uint32_t i = 0; i < node->nchild; i++)
        cri_assert_node_term(&node->children[i]);
    free(node->children);
}

char *cri_assert_message(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    return text && text[1] ? text + 1 : NULL; /* the macro puts an x in front: an empty format would be a warning */
}

int cr_user_str_eq(char **actual, char **expected)
{
    return strcmp(*actual, *expected) == 0;
}

int cr_user_str_lt(char **actual, char **expected)
{
    return strcmp(*actual, *expected) < 0;
}

int cr_user_str_zero(char **value)
{
    return !**value;
}

char *cr_user_str_tostr(char **value)
{
    char *text;
    return asprintf(&text, "\"%s\"", *value) < 0 ? NULL : text;
}

/* ---- the runner, in the parent ---- */

static int tested, passed, failed, skipped;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double timeout_scale(void)
{
    const char *text = getenv("PLAIN_TIMEOUT_SCALE");
    double scale = text ? strtod(text, NULL) : 1;
    return scale > 0 ? scale : 1;
}

/* True if the child ended in time; otherwise it and all that it forked are killed. */
static bool await(pid_t child, int *status, double timeout)
{
    double end = now() + timeout * timeout_scale();
    sigset_t sigchld;
    sigemptyset(&sigchld);
    sigaddset(&sigchld, SIGCHLD);
    for (;;) {
        pid_t ended = waitpid(child, status, WNOHANG);
        if (ended == child)
            return true;
        if (ended < 0 && errno != EINTR) {
            perror("waitpid");
            exit(EXIT_FAILURE);
        }
        double left = timeout > 0 ? end - now() : 1;
        if (left <= 0)
            break;
        struct timespec t = {.tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
        sigtimedwait(&sigchld, NULL, &t); /* SIGCHLD is blocked in main: one that came earlier is pending */
    }
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
    waitpid(child, status, 0);
    return false;
}

static void run_child(struct criterion_test *test, int expected_signal)
{
    sigset_t nothing;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* ctest kills only the parent */
    setpgid(0, 0);
    sigemptyset(&nothing);
    sigprocmask(SIG_SETMASK, &nothing, NULL);
    if (expected_signal)
        signal(expected_signal, SIG_DFL); /* a sanitizer would turn a SIGSEGV into an exit */
    test->test();
    exit(EXIT_SUCCESS);
}

static void report(const char *result, struct criterion_test *test, size_t instance, const char *format, ...)
{
    printf("[%s] %s::%s", result, test->category, test->name);
    if (test->data->kind_ == CR_TEST_PARAMETERIZED)
        printf("[%zu]", instance);
    if (format) {
        va_list arguments;
        fputs(": ", stdout);
        va_start(arguments, format);
        vprintf(format, arguments);
        va_end(arguments);
    }
    putchar('\n');
    fflush(stdout);
}

static void run(struct criterion_test *test, size_t instance)
{
    int signal_wanted = test_data->signal ? test_data->signal : suite_data->signal;
    int exit_wanted = test_data->exit_code ? test_data->exit_code : suite_data->exit_code;
    double timeout = test_data->timeout > 0 ? test_data->timeout : suite_data->timeout;

    if (test_data->disabled || suite_data->disabled) {
        skipped++;
        report("SKIP", test, instance, "disabled");
        return;
    }
    verdict->failed = verdict->skipped = 0;
    fflush(NULL); /* else the child would print the parent's buffer once more */
    double start = now();
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        exit(EXIT_FAILURE);
    }
    if (child == 0)
        run_child(test, signal_wanted);

    int status = 0;
    bool in_time = await(child, &status, timeout);
    double seconds = now() - start;
    int signal_got = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    int exit_got = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

    if (verdict->skipped) {
        skipped++;
        report("SKIP", test, instance, NULL);
        return;
    }
    tested++;
    failed++;
    if (!in_time)
        report("FAIL", test, instance, "still running after %.1f s", seconds);
    else if (verdict->failed)
        report("FAIL", test, instance, "assertion (%.2f s)", seconds);
    else if (signal_got != signal_wanted)
        report("FAIL", test, instance, "signal %d (%s), expected %d", signal_got,
               signal_got ? strsignal(signal_got) : "none", signal_wanted);
    else if (!signal_wanted && exit_got != exit_wanted)
        report("FAIL", test, instance, "exit status %d, expected %d", exit_got, exit_wanted);
    else {
        failed--;
        passed++;
        report("PASS", test, instance, "%.2f s", seconds);
    }
}

static struct criterion_test_extra_data *find_suite(const char *name)
{
    for (struct criterion_suite **s = __start_cr_sts; s < __stop_cr_sts; s++)
        if (*s && strcmp((*s)->name, name) == 0)
            return (*s)->data;
    return &none;
}

static void run_instances(struct criterion_test *test)
{
    if (test->data->kind_ != CR_TEST_PARAMETERIZED) {
        run(test, 0);
        return;
    }
    struct criterion_test_params params = test->data->param_();
    for (size_t i = 0; i < params.length; i++) {
        parameter = (char *)params.params + i * params.size;
        run(test, i);
    }
    if (params.cleanup)
        params.cleanup(&params);
}

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [--filter SUITE/NAME] [--list] [-jN]\n", program);
    return 2;
}

int main(int argc, char **argv)
{
    const char *filter = "*";
    bool list = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--filter") == 0 && i + 1 < argc)
            filter = argv[++i];
        else if (strcmp(argv[i], "--list") == 0)
            list = true;
        else if (strncmp(argv[i], "-j", 2) != 0)
            return usage(argv[0]);
    }

    sigset_t sigchld;
    sigemptyset(&sigchld);
    sigaddset(&sigchld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &sigchld, NULL);
    verdict = mmap(NULL, sizeof *verdict, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (verdict == MAP_FAILED) {
        perror("mmap");
        return EXIT_FAILURE;
    }

    for (struct criterion_test **t = __start_cr_tst; t < __stop_cr_tst; t++) {
        char name[512];
        if (!*t)
            continue; /* padding of the section */
        snprintf(name, sizeof name, "%s/%s", (*t)->category, (*t)->name);
        if (fnmatch(filter, name, 0) != 0)
            continue;
        if (list) {
            puts(name);
            continue;
        }
        test_data = (*t)->data;
        suite_data = find_suite((*t)->category);
        run_instances(*t);
    }
    if (list)
        return EXIT_SUCCESS;
    printf("[====] Tested: %d | Passing: %d | Failing: %d | Skipped: %d\n", tested, passed, failed, skipped);
    if (tested == 0 && skipped > 0)
        return 77;
    return tested == 0 || failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
