/* The reference deque of tests/model/chase_lev.h, compiled for real: one owner, three thieves, no item lost or doubled.
 * It begins just before the indices wrap, grows from one slot, and fails as not exercised without steals and growth. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../model/chase_lev.h"

#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
enum { ITEMS = 200000 };
#else
enum { ITEMS = 4000000 };
#endif

enum { THIEVES = 3 };

static struct ref_deque deque;
static _Atomic bool pushed_all, stealing;
static _Atomic unsigned char *seen; /* how often each item was received */
static _Atomic uint64_t stolen, lost;

static void receive(void *item)
{
    atomic_fetch_add_explicit(&seen[(uintptr_t)item - 1], 1, memory_order_relaxed);
}

static void *thief(void *arg)
{
    uint64_t mine = 0, misses = 0;
    (void)arg;
    for (;;) {
        bool last = atomic_load(&pushed_all); /* read before the look: what was pushed by then is seen */
        void *item;
        enum ref_outcome outcome = ref_steal(&deque, &item);
        if (outcome == REF_STOLEN) {
            receive(item);
            mine++;
            atomic_store_explicit(&stealing, true, memory_order_relaxed);
        } else if (outcome == REF_LOST) {
            misses++;
        } else if (last) {
            break;
        }
    }
    atomic_fetch_add(&stolen, mine);
    atomic_fetch_add(&lost, misses);
    return NULL;
}

static void push(uintptr_t item)
{
    cr_assert(ref_push(&deque, (void *)item));
}

Test(chase_lev, every_item_once, .timeout = 120)
{
    pthread_t thread[THIEVES];
    size_t grown = 0;
    seen = calloc(ITEMS, sizeof *seen);
    cr_assert(seen && ref_init(&deque, 1, (size_t)-5));
    for (int i = 0; i < THIEVES; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, thief, NULL), 0);
    for (uintptr_t i = 1; i <= ITEMS; i++) { /* bursts of a changing length, taken back by half */
        push(i);
        while (i == ITEMS / 2 && !atomic_load(&stealing)) /* however late the threads come */
            sched_yield();
        if (i % 64 < 32)
            for (void *item; i % 3 == 0 && (item = ref_take(&deque));) {
                receive(item);
                if (i % 2)
                    break;
            }
    }
    atomic_store(&pushed_all, true);
    for (void *item; (item = ref_take(&deque));)
        receive(item);
    for (int i = 0; i < THIEVES; i++)
        pthread_join(thread[i], NULL);
    for (struct ref_array *a = fl_load_rlx(test, &deque.array)->older; a; a = a->older) /* all threads have ended */
        grown++;
    for (size_t i = 0; i < ITEMS; i++)
        cr_assert(seen[i] == 1, "item %zu received %d times", i + 1, seen[i]);
    fprintf(stderr, "exercised: %llu stolen, %llu lost, grown %zu times\n", (unsigned long long)stolen,
            (unsigned long long)lost, grown);
    cr_assert(stolen && grown, "not exercised");
    ref_free(&deque);
    free((void *)(uintptr_t)seen);
}
