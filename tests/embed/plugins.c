/* plugins PLUGIN TIMES OVERFLOW_MESSAGE: loads, uses and unloads the plugin so many times; in the end there are no
 * more threads, keys, maps, files and pages than soon after the beginning, and no handler of SIGSEGV.
 * plugins PLUGIN leave: unloads it while its runtime runs. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    N = 12,
    FIB_N = 144,
    EARLY = 200 /* caches are full by then */,
    PAGES = 1024 /* of RSS, what a heap may waver */
};

#define REQUIRE(c) ((c) ? (void)0 : fail(#c, __LINE__))

static int round_now;

static void fail(const char *what, int line)
{
    const char *error = dlerror();
    fprintf(stderr, "plugins.c:%d: %s does not hold in round %d; %s\n", line, what, round_now, error ? error : "");
    exit(1);
}

struct use {
    long threads, keys, maps, files, pages;
};

static long entries(const char *folder)
{
    long n = 0;
    DIR *d = opendir(folder);
    REQUIRE(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static long lines(const char *file)
{
    long n = 0;
    FILE *f = fopen(file, "r");
    REQUIRE(f);
    for (int c; (c = getc(f)) != EOF;)
        n += c == '\n';
    fclose(f);
    return n;
}

static long pages(void)
{
    long total, resident;
    FILE *f = fopen("/proc/self/statm", "r");
    REQUIRE(f && fscanf(f, "%ld %ld", &total, &resident) == 2);
    fclose(f);
    return resident;
}

/* Those in use, found by taking all that are left. */
static long keys(void)
{
    static pthread_key_t key[PTHREAD_KEYS_MAX];
    long n = 0;
    while (n < PTHREAD_KEYS_MAX && pthread_key_create(&key[n], NULL) == 0)
        n++;
    for (long i = 0; i < n; i++)
        pthread_key_delete(key[i]);
    return PTHREAD_KEYS_MAX - n;
}

static struct use use_now(void)
{
    while (entries("/proc/self/task") > 1) /* a joined thread is listed a moment longer; a lost one for ever */
        sched_yield();
    return (struct use){entries("/proc/self/task"), keys(), lines("/proc/self/maps"), entries("/proc/self/fd"),
                        pages()};
}

/* A data pointer becomes one to a function, as POSIX promises. */
static void find(void *plugin, const char *name, void *function)
{
    void *symbol = dlsym(plugin, name);
    REQUIRE(symbol);
    memcpy(function, &symbol, sizeof symbol);
}

static void fork_once(void)
{
    int status = -1;
    pid_t pid = fork(); /* handlers of what is not there any more would be called */
    if (pid == 0)
        _exit(0);
    waitpid(pid, &status, 0);
    REQUIRE(status == 0);
}

static void again_and_again(const char *path, int times, int overflow_message)
{
    struct use early = {0};
    for (round_now = 0; round_now < times; round_now++) {
        long (*plugin_fib)(int, int);
        void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        REQUIRE(plugin);
        find(plugin, "plugin_fib", &plugin_fib);
        REQUIRE(plugin_fib(N, overflow_message) == FIB_N);
        REQUIRE(dlclose(plugin) == 0);
        REQUIRE(!dlopen(path, RTLD_NOW | RTLD_NOLOAD)); /* it really was unloaded */
        if (round_now == EARLY)
            early = use_now();
    }
    struct use late = use_now();
    printf("rounds %d to %d: threads %ld %ld, keys %ld %ld, maps %ld %ld, files %ld %ld, pages %ld %ld\n", EARLY,
           times, early.threads, late.threads, early.keys, late.keys, early.maps, late.maps, early.files, late.files,
           early.pages, late.pages);
    REQUIRE(late.threads == early.threads && late.keys == early.keys && late.files == early.files);
    REQUIRE(late.maps <=
            early.maps + 8); /* a heap may be split; the C library keeps stacks of threads, and of spares */
    REQUIRE(late.pages <= early.pages + PAGES);
    struct sigaction a;
    REQUIRE(sigaction(SIGSEGV, NULL, &a) == 0 && a.sa_handler == SIG_DFL);
    fork_once();
}

static void leave(const char *path)
{
    for (round_now = 0; round_now < 20; round_now++) {
        long (*plugin_fib_and_leave)(int);
        void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        REQUIRE(plugin);
        find(plugin, "plugin_fib_and_leave", &plugin_fib_and_leave);
        REQUIRE(plugin_fib_and_leave(N) == FIB_N);
        long threads = entries("/proc/self/task");
        REQUIRE(threads >= 2 && threads <= 4); /* the first one makes the others; and there may be a spare */
        REQUIRE(dlclose(plugin) == 0);
        REQUIRE(!dlopen(path, RTLD_NOW | RTLD_NOLOAD));
        for (int i = 0; i < 1000; i++) /* its threads find nothing to do, and sleep */
            sched_yield();
    }
    fork_once();
}

int main(int argc, char **argv)
{
    if (argc == 4)
        again_and_again(argv[1], atoi(argv[2]), atoi(argv[3]));
    else if (argc == 3 && strcmp(argv[2], "leave") == 0)
        leave(argv[1]);
    else
        return 2;
    return 0;
}
