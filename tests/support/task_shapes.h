/* Programs of every shape that filch/task.h promises, each with its expected value.  unit/task.c, serial.c, unchecked.c
 * and check.c run all of them, each with its own macros before <filch.h>.
 *
 *   Callers   A shape runs on any thread, so it counts what is wrong instead of asserting; run_shapes asserts. */
#ifndef FILCH_TESTS_TASK_SHAPES_H
#define FILCH_TESTS_TASK_SHAPES_H

#include <filch.h>

#include <criterion/criterion.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined FILCH_UNCHECKED
#define LIFO_ONLY 1 /* another order is undefined there */
#else
#define LIFO_ONLY 0
#endif

static atomic_uint wrong;
#define EXPECT(c)                                                                                                     \
    ((c) ? (void)0 : (void)(atomic_fetch_add(&wrong, 1), fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c)))

/* ---- 0 to 8 arguments, void and not ---- */

static atomic_int calls;

static inline void v0(void)
{
    atomic_fetch_add(&calls, 1);
}
static inline int a0(void)
{
    return 40;
}
static inline int a1(char a)
{
    return a;
}
static inline double a2(float a, double b)
{
    return (double)a * 10 + b;
}
static inline long a3(int a, long b, const int *c)
{
    return a * 100 + b * 10 + *c;
}
static inline unsigned long long a4(unsigned char a, short b, unsigned c, unsigned long long d)
{
    return (unsigned long long)a * 1000 + (unsigned long long)b * 100 + c * 10ull + d;
}
static inline void v5(int a, int b, int c, int d, int *out)
{
    *out = a * 1000 + b * 100 + c * 10 + d;
}
static inline long a6(int a, int b, int c, int d, int e, int f)
{
    return a * 100000L + b * 10000 + c * 1000 + d * 100 + e * 10 + f;
}
static inline long a7(int a, int b, int c, int d, int e, int f, int g)
{
    return a6(a, b, c, d, e, f) * 10 + g;
}
static inline long a8(int a, int b, int c, int d, int e, int f, int g, int h)
{
    return a7(a, b, c, d, e, f, g) * 10 + h;
}
static inline void v8(int a, int b, int c, int d, int e, int f, int g, long *out)
{
    *out = a7(a, b, c, d, e, f, g);
}
FILCH_TASK(void, v0);
FILCH_TASK(int, a0);
FILCH_TASK(int, a1, char);
FILCH_TASK(double, a2, float, double);
FILCH_TASK(long, a3, int, long, const int *);
FILCH_TASK(unsigned long long, a4, unsigned char, short, unsigned, unsigned long long);
FILCH_TASK(void, v5, int, int, int, int, int *);
FILCH_TASK(long, a6, int, int, int, int, int, int);
FILCH_TASK(long, a7, int, int, int, int, int, int, int);
FILCH_TASK(long, a8, int, int, int, int, int, int, int, int);
FILCH_TASK(void, v8, int, int, int, int, int, int, int, long *);

static inline void each_number_of_arguments(void)
{
    int before = atomic_load(&calls), three = 3, out5 = 0;
    long out8 = 0;
    v0_task t0;
    a0_task u0;
    a1_task u1;
    a2_task u2;
    a3_task u3;
    a4_task u4;
    v5_task t5;
    a6_task u6;
    a7_task u7;
    a8_task u8;
    v8_task t8;
    v0_spawn(&t0);
    a0_spawn(&u0);
    a1_spawn(&u1, 'x');
    a2_spawn(&u2, 1.5f, 0.25);
    a3_spawn(&u3, 1, 2, &three);
    a4_spawn(&u4, 1, 2, 3, 4);
    v5_spawn(&t5, 1, 2, 3, 4, &out5);
    a6_spawn(&u6, 1, 2, 3, 4, 5, 6);
    a7_spawn(&u7, 1, 2, 3, 4, 5, 6, 7);
    a8_spawn(&u8, 1, 2, 3, 4, 5, 6, 7, 8);
    v8_spawn(&t8, 1, 2, 3, 4, 5, 6, 7, &out8);
    v8_sync(&t8);
    EXPECT(a8_sync(&u8) == 12345678);
    EXPECT(a7_sync(&u7) == 1234567);
    EXPECT(a6_sync(&u6) == 123456);
    v5_sync(&t5);
    EXPECT(a4_sync(&u4) == 1234);
    EXPECT(a3_sync(&u3) == 123);
    double value = a2_sync(&u2);
    EXPECT(value > 15.24 && value < 15.26);
    EXPECT(a1_sync(&u1) == 'x');
    EXPECT(a0_sync(&u0) == 40);
    v0_sync(&t0);
    EXPECT(out5 == 1234);
    EXPECT(out8 == 1234567);
    EXPECT(atomic_load(&calls) > before);
}

/* ---- types ---- */

struct pair {
    long first;
    double second;
    char text[8];
};
enum colour { RED, GREEN = 5 };
typedef int (*unary)(int);

static inline struct pair swap(struct pair p, struct pair q)
{
    struct pair r = {q.first, p.second, "swapped"};
    return r;
}
static inline bool is_even(long n)
{
    return n % 2 == 0;
}
static inline enum colour mix(enum colour a)
{
    return a == RED ? GREEN : RED;
}
static inline const char *name_of(const char *const *names, size_t i)
{
    return names[i];
}
static inline int twice(int n)
{
    return 2 * n;
}
static inline int apply(int (*f)(int), unary g, int n)
{
    return f(n) * 100 + g(n);
}
static inline void call(void (*f)(void))
{
    f();
}
static inline unary choose(bool first)
{
    return first ? twice : abs;
}
static inline void fill(int row[4], int n)
{
    for (int i = 0; i < 4; i++)
        row[i] = n;
}
static inline float half(float x)
{
    return x / 2;
}
static inline long double third(long double x)
{
    return x / 3;
}
FILCH_TASK(struct pair, swap, struct pair, struct pair);
FILCH_TASK(bool, is_even, long);
FILCH_TASK(enum colour, mix, enum colour);
FILCH_TASK(const char *, name_of, const char *const *, size_t);
FILCH_TASK(int, apply, int (*)(int), unary, int);
FILCH_TASK(void, call, void (*)(void));
FILCH_TASK(unary, choose, bool);
FILCH_TASK(void, fill, int *, int);
FILCH_TASK(float, half, float);
FILCH_TASK(long double, third, long double);

static inline void each_kind_of_type(void)
{
    static const char *const names[] = {"zero", "one"};
    int before = atomic_load(&calls), row[4] = {0};
    struct pair p = {1, 1.5, "p"}, q = {2, 2.5, "q"};
    swap_task t;
    is_even_task e;
    mix_task m;
    name_of_task n;
    apply_task a;
    call_task c;
    choose_task o;
    fill_task f;
    half_task h;
    third_task d;
    swap_spawn(&t, p, q);
    p.first = q.first = 99; /* its arguments are its own */
    is_even_spawn(&e, 4);
    mix_spawn(&m, RED);
    name_of_spawn(&n, names, 1);
    apply_spawn(&a, twice, abs, -3);
    call_spawn(&c, v0);
    choose_spawn(&o, true);
    fill_spawn(&f, row, 7);
    half_spawn(&h, 5);
    third_spawn(&d, 1);
    long double value = third_sync(&d) * 3;
    EXPECT(value > 0.999999L && value < 1.000001L);
    EXPECT(half_sync(&h) > 2.49f);
    fill_sync(&f);
    EXPECT(row[0] == 7 && row[3] == 7);
    EXPECT(choose_sync(&o)(21) == 42);
    call_sync(&c);
    EXPECT(atomic_load(&calls) > before);
    EXPECT(apply_sync(&a) == -600 + 3);
    EXPECT(strcmp(name_of_sync(&n), "one") == 0);
    EXPECT(mix_sync(&m) == GREEN);
    EXPECT(is_even_sync(&e));
    struct pair r = swap_sync(&t);
    EXPECT(r.first == 2 && r.second > 1.49 && r.second < 1.51 && strcmp(r.text, "swapped") == 0);
}

/* ---- orders ---- */

static inline long square(long n)
{
    if (n % 16 == 0)
        sched_yield(); /* a thief gets its chance */
    return n * n;
}
FILCH_TASK(long, square, long);

static inline void set(long *where, long n)
{
    *where = n * n;
}
FILCH_TASK(void, set, long *, long);

enum { MANY = 300 }; /* more than the smallest deque holds */

static inline void sync_all_of_an_array(void)
{
    square_task t[MANY];
    set_task s[MANY];
    long value[MANY];
    for (int i = 0; i < MANY; i++)
        square_spawn(&t[i], i);
    for (int i = 0; i < MANY; i++)
        set_spawn(&s[i], &value[i], i);
    set_sync_all(s, MANY);
    square_sync_all(t, MANY);
    square_sync_all(t, 0);
    for (int i = 0; i < MANY; i++)
        EXPECT(t[i].result == (long)i * i && value[i] == (long)i * i);
}

static inline void tasks_on_the_heap(void)
{
    square_task *t = malloc(MANY * sizeof *t);
    for (int i = 0; i < MANY; i++)
        square_spawn(&t[i], i);
    for (int i = MANY; i-- > 0;)
        EXPECT(square_sync(&t[i]) == (long)i * i);
    free(t); /* nobody touches a task after its sync */
}

static inline void one_task_again_and_again(void)
{
    square_task t;
    for (long i = 0; i < MANY; i++) {
        square_spawn(&t, i);
        EXPECT(square_sync(&t) == i * i);
    }
}

static inline void first_in_first_out(void)
{
    square_task t[MANY];
    for (int i = 0; i < MANY; i++)
        square_spawn(&t[i], i);
    for (int k = 0; k < MANY; k++) {
        int i = LIFO_ONLY ? MANY - 1 - k : k;
        EXPECT(square_sync(&t[i]) == (long)i * i);
    }
}

static inline uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* A tree whose nodes spawn and sync their children in an order drawn from the seed. */
static inline long tree(int depth, uint32_t seed);
FILCH_TASK(long, tree, int, uint32_t);

static inline long tree_serially(int depth, uint32_t seed)
{
    long sum = 1;
    uint32_t random = seed;
    unsigned n = depth ? next_random(&random) % 6 : 0;
    for (unsigned i = 0; i < n; i++)
        sum += (long)(i + 1) * tree_serially(depth - 1, seed * 31 + i);
    return sum;
}

static inline long tree(int depth, uint32_t seed)
{
    enum { MOST = 6 };
    tree_task t[MOST];
    unsigned open[MOST], n, left;
    long sum = 1;
    uint32_t random = seed;
    n = left = depth ? next_random(&random) % MOST : 0;
    if (seed % 64 == 0)
        sched_yield();
    for (unsigned i = 0; i < n; i++) {
        tree_spawn(&t[i], depth - 1, seed * 31 + i);
        open[i] = i;
    }
    while (left) {
        unsigned k = LIFO_ONLY ? left - 1 : next_random(&random) % left, i = open[k];
        sum += (long)(i + 1) * tree_sync(&t[i]);
        memmove(&open[k], &open[k + 1], (--left - k) * sizeof *open);
    }
    return sum;
}

static inline void a_tree_synced_in_random_order(void)
{
    for (uint32_t seed = 1; seed <= 8; seed++) {
        long value = tree(6, seed);
        EXPECT(value == tree_serially(6, seed));
    }
}

static inline long count_down(int n);
FILCH_TASK(long, count_down, int);

static inline long count_down(int n)
{
    count_down_task t;
    if (n == 0)
        return 0;
    count_down_spawn(&t, n - 1);
    return count_down_sync(&t) + 1;
}

/* Deeper than the smallest deque: each level's own task waits while its child runs. */
static inline long stairs(int n)
{
    square_task t;
    if (n == 0)
        return 0;
    square_spawn(&t, n);
    long below = stairs(n - 1);
    return square_sync(&t) + below;
}

static inline void deep_recursion(void)
{
    EXPECT(count_down(3000) == 3000);
    EXPECT(stairs(MANY) == (long)MANY * (MANY + 1) * (2 * MANY + 1) / 6);
}

/* ---- FILCH_AUTO, untyped tasks, NAME_run ---- */

static inline long auto_leaves_early(int n)
{
    FILCH_AUTO(set, a, &(long){0}, 1);
    if (n == 0)
        return 0; /* synced on this path */
    FILCH_AUTO(square, b, n);
    if (n == 1)
        return 1; /* both are, in the right order */
    return square_sync(&b);
}

static inline void automatic_tasks(void)
{
    long value[4] = {0};
    for (long i = 0; i < 4; i++) {
        FILCH_AUTO(set, a, &value[i], i + 10);
        if (i == 2)
            continue;
        FILCH_AUTO(square, b, i);
        EXPECT(square_sync(&b) == i * i); /* before its scope ends: not once more there */
    }
    EXPECT(value[0] == 100 && value[1] == 121 && value[2] == 144 && value[3] == 169);

    int before = atomic_load(&calls);
    {
        FILCH_AUTO(v0, a);
        FILCH_AUTO(v0, b);
        {
            FILCH_AUTO(v0, c);
            v0_sync(&c);
        }
        if (!LIFO_ONLY)
            v0_sync(&a); /* before b, which its scope syncs */
    }
    EXPECT(atomic_load(&calls) >= before + 3);
    EXPECT(auto_leaves_early(0) == 0);
    EXPECT(auto_leaves_early(1) == 1);
    EXPECT(auto_leaves_early(12) == 144);
}

static inline void add_one(void *number)
{
    atomic_fetch_add((atomic_int *)number, 1);
}

static inline void untyped_tasks(void)
{
    filch_task t[MANY];
    atomic_int number = 0;
    for (int i = 0; i < MANY; i++)
        filch_spawn(&t[i], add_one, &number);
    for (int i = MANY; i-- > 0;)
        filch_sync(&t[i]);
    EXPECT(atomic_load(&number) == MANY);
}

static inline void tasks_of_several_kinds(void)
{
    long value = 0;
    square_task s;
    set_task e;
    a8_task a;
    filch_task u;
    atomic_int number = 0;
    square_spawn(&s, 9);
    set_spawn(&e, &value, 8);
    a8_spawn(&a, 1, 2, 3, 4, 5, 6, 7, 8);
    filch_spawn(&u, add_one, &number);
    if (LIFO_ONLY) {
        filch_sync(&u);
        EXPECT(a8_sync(&a) == 12345678);
        set_sync(&e);
        EXPECT(square_sync(&s) == 81);
    } else {
        set_sync(&e);
        EXPECT(square_sync(&s) == 81);
        filch_sync(&u);
        EXPECT(a8_sync(&a) == 12345678);
    }
    EXPECT(value == 64 && atomic_load(&number) == 1);
}

#define SHAPES(X)                                                                                                     \
    X(each_number_of_arguments)                                                                                       \
    X(each_kind_of_type)                                                                                              \
    X(sync_all_of_an_array)                                                                                           \
    X(tasks_on_the_heap)                                                                                              \
    X(one_task_again_and_again)                                                                                       \
    X(first_in_first_out)                                                                                             \
    X(a_tree_synced_in_random_order)                                                                                  \
    X(deep_recursion)                                                                                                 \
    X(automatic_tasks)                                                                                                \
    X(untyped_tasks)                                                                                                  \
    X(tasks_of_several_kinds)

/* ---- running them ---- */

static inline void all_shapes(void *arg)
{
    (void)arg;
#define RUN(name) name();
    SHAPES(RUN)
#undef RUN
}

static inline void expect_shapes(filch_runtime *rt)
{
    cr_assert_eq(filch_run(rt, all_shapes, NULL), 0);
    cr_assert_eq(atomic_load(&wrong), 0u);
}

/* In a runtime of its own, until so many tasks were stolen there (0: once); returns its counters. */
static inline struct filch_counters run_shapes(unsigned workers, size_t deque, uint64_t steals)
{
    filch_config c = {.size = sizeof c, .workers = workers, .deque = deque};
    struct filch_counters stats = {.size = sizeof stats};
    filch_runtime *rt;
    cr_assert_eq(filch_start(&rt, &c), 0);
    for (int round = 0; round == 0 || (round < 500 && stats.steals < steals); round++) {
        expect_shapes(rt);
        cr_assert_eq(filch_stats(rt, FILCH_ALL_WORKERS, &stats), 0);
    }
    cr_assert(stats.steals >= steals, "not exercised: %zu steals", (size_t)stats.steals);
    cr_assert_eq(filch_stop(rt), 0);
    return stats;
}

#endif
