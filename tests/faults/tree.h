/* Trees of tasks whose value any lost, doubled or mixed-up task changes, and the threads that compute them. */
#ifndef FILCH_TESTS_FAULT_TREE_H
#define FILCH_TESTS_FAULT_TREE_H

#include <filch.h>

#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

#include "process.h"

enum { BRANCHES = 4, DEPTH = 6, THREADS = 64 };

static inline uint64_t mix(uint64_t x) /* Steele, Lea, Flood, "SplitMix", OOPSLA 2014 */
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static inline unsigned branches_of(uint64_t seed, int depth)
{
    return depth ? 1 + (unsigned)(mix(seed) % BRANCHES) : 0;
}

static inline uint64_t serial_tree(uint64_t seed, int depth)
{
    uint64_t value = seed;
    for (unsigned i = 0; i < branches_of(seed, depth); i++)
        value = mix(value ^ serial_tree(mix(seed + i), depth - 1));
    return value;
}

static inline uint64_t tree(uint64_t seed, int depth);
FILCH_TASK(uint64_t, tree, uint64_t, int);

static inline uint64_t tree(uint64_t seed, int depth)
{
    tree_task t[BRANCHES];
    uint64_t value = seed, branch[BRANCHES];
    unsigned n = branches_of(seed, depth);
    for (unsigned i = 0; i < n; i++)
        tree_spawn(&t[i], mix(seed + i), depth - 1);
    if (seed % 8 == 0) /* in an order that costs more */
        for (unsigned i = 0; i < n; i++)
            branch[i] = tree_sync(&t[i]);
    else
        for (unsigned i = n; i-- > 0;)
            branch[i] = tree_sync(&t[i]);
    for (unsigned i = 0; i < n; i++)
        value = mix(value ^ branch[i]);
    return value;
}

static inline void expect_tree(filch_runtime *rt, uint64_t seed)
{
    uint64_t value;
    cr_assert_eq(tree_run(rt, &value, seed, DEPTH), 0);
    cr_assert_eq(value, serial_tree(seed, DEPTH), "wrong result of seed %llu", (unsigned long long)seed);
}

static inline void pause_ns(long ns)
{
    struct timespec t = {0, ns};
    (void)nanosleep(&t, NULL);
}

/* ---- threads of this process ---- */

static inline pid_t own_id(void)
{
    return (pid_t)syscall(SYS_gettid);
}

/* Main's, and those of the library.  (A test framework may have some of its own.) */
static inline bool is_ours(pid_t thread)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/task/%d/comm", (int)thread);
    FILE *file = fopen(name, "r");
    bool ours = file && fgets(name, sizeof name, file) && strncmp(name, "filch ", 6) == 0;
    if (file)
        fclose(file);
    return ours || thread == getpid();
}

/* All of ours but the calling one; some may end meanwhile. */
static inline unsigned other_threads(pid_t *out)
{
    unsigned n = 0;
    DIR *tasks = opendir("/proc/self/task");
    cr_assert(tasks);
    for (struct dirent *entry; n < THREADS && (entry = readdir(tasks));) {
        pid_t id = (pid_t)atoi(entry->d_name);
        if (id > 0 && id != own_id() && is_ours(id))
            out[n++] = id;
    }
    closedir(tasks);
    return n;
}

/* ---- a thread that troubles the others until it is told to stop ---- */

struct trouble {
    void (*once)(void); /* again and again */
    atomic_bool stop;
    pthread_t thread;
};

static inline void *make_trouble(void *arg)
{
    struct trouble *t = arg;
    while (!atomic_load(&t->stop))
        t->once();
    return NULL;
}

static inline void begin_trouble(struct trouble *t)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* its own signals are for others */
    atomic_store(&t->stop, false);
    start_thread(&t->thread, make_trouble, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static inline void end_trouble(struct trouble *t)
{
    atomic_store(&t->stop, true);
    pthread_join(t->thread, NULL);
}

static inline filch_runtime *start_with(filch_config c)
{
    filch_runtime *rt = NULL;
    c.size = sizeof c;
    cr_assert_eq(filch_start(&rt, &c), 0);
    return rt;
}

#endif
