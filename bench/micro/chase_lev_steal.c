/* From a push on the textbook deque (tests/model/chase_lev.h) until its owner knows that a thief has the item: two
 * threads that spin and no runtime, hence the floor of a steal on this machine. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "chase_lev.h"
#include "steal.h"

static struct ref_deque deque;
static uint64_t last;                   /* the item that ends the thief */
static FL_ATOMIC(const uint64_t *) got; /* the thief's last item */

static void *thief(void *unused)
{
    void *item = NULL;
    do {
        if (ref_steal(&deque, &item) == REF_STOLEN)
            fl_store_rel(steal_got, &got, item); /* pairs with the acquire in bench_region */
        else
            fl_spin(steal_idle);
    } while (item != &last);
    return unused;
}

static void start(pthread_t *thread)
{
    if (!ref_init(&deque, 1024, 0) || pthread_create(thread, NULL, thief, NULL)) {
        fprintf(stderr, "chase_lev_steal: no memory or no thread\n");
        exit(2);
    }
}

uint64_t bench_region(long size)
{
    static uint64_t items[2];
    pthread_t thread;
    uint64_t sum = 0;
    start(&thread);
    for (uint64_t i = 0; i < (uint64_t)size; i++) {
        uint64_t *item = &items[i % 2];
        *item = i;
        (void)ref_push(&deque, item);                 /* at most two items: never grows */
        while (fl_load_acq(steal_wait, &got) != item) /* pairs with the release in thief */
            fl_spin(steal_wait);
        sum += *item;
    }
    (void)ref_push(&deque, &last);
    pthread_join(thread, NULL);
    ref_free(&deque);
    return sum;
}

bool bench_steal_mode(const char *name)
{
    (void)name;
    return false;
}
