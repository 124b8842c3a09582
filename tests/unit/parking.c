/* runtime/parking.c: one thread against a plain reference, and what it does to the words.
 *
 *   Model     Of each worker whether it sleeps and nobody has woken it; the two counts.  A wake must choose the first
 *             such worker from `near` on, around.
 *   Counted   what happened; a run in which something never happened fails as not exercised. */
#define _GNU_SOURCE
#include "parking.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "os.h"
#include "process.h"

enum { MOST = 300, STEPS = 20000 };

/* As in a worker: the nap is embedded, on a line of its own. */
struct bed {
    _Alignas(FL_CACHE_LINE) long before;
    struct fl_nap nap;
    long after;
};

enum state { AWAKE, SEARCHING, ASLEEP, ROUSED };

static struct bed *beds;
static struct fl_parking parking;
static struct fl_asleep bits[(MOST + 63) / 64 + 1];
static enum state state[MOST];
static unsigned slots;
static uint32_t seed = 1;

static struct {
    uint64_t searches, too_many, found, last, slept, woken, woke, around, far, trusted, nobody, mail, no_mail,
        cancelled;
} seen;

static uint32_t below(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static unsigned count_of(enum state s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < slots; i++)
        n += state[i] == s;
    return n;
}

static unsigned sleepers(void)
{
    return count_of(ASLEEP);
}

static unsigned searchers(void)
{
    return count_of(SEARCHING) + count_of(ROUSED);
}

static bool bit(unsigned id)
{
    return fl_load_rlx(test, &bits[id / 64].bits) >> id % 64 & 1;
}

static void check(void)
{
    uint64_t idle = fl_load_rlx(test, &parking.idle);
    cr_assert_eq(fl_sleepers(idle), sleepers());
    cr_assert_eq(fl_searchers(idle), (int)searchers());
    for (unsigned i = 0; i < slots; i++) {
        cr_assert(bit(i) == (state[i] == ASLEEP), "worker %u of %u, state %d", i, slots, state[i]);
        if (state[i] == ASLEEP || state[i] == ROUSED)
            cr_assert(fl_load_rlx(test, &beds[i].nap.word) == (state[i] == ASLEEP ? FL_ASLEEP : FL_AWAKE));
        cr_assert(beds[i].before == -1 && beds[i].after == -1);
    }
    for (unsigned i = slots; i < (slots + 63) / 64 * 64; i++)
        cr_assert(!bit(i));
    cr_assert_eq(fl_load_rlx(test, &bits[(slots + 63) / 64].bits), 77, "a word beyond the last one was written");
}

static void begin(unsigned n)
{
    slots = n;
    beds = aligned_alloc(FL_CACHE_LINE, sizeof *beds * n);
    cr_assert(beds);
    memset(beds, 0xff, sizeof *beds * n);
    memset(bits, 0xff, sizeof bits);
    memset(state, 0, sizeof state);
    fl_store_rlx(test, &bits[(n + 63) / 64].bits, 77);
    fl_parking_init(&parking, n, &beds->nap, sizeof *beds, bits);
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(fl_parking_nap(&parking, i), &beds[i].nap);
    check();
}

static void end(void)
{
    free(beds);
}

static void search(unsigned id)
{
    unsigned awake = slots - sleepers(), most = awake > 3 ? awake / 2 : 2;
    bool may = searchers() < most;
    cr_assert_eq(fl_parking_search(&parking, parking.slots), may);
    if (may)
        state[id] = SEARCHING;
    seen.searches += may;
    seen.too_many += !may;
}

static void found(unsigned id)
{
    bool last = searchers() == 1 && sleepers() > 0;
    cr_assert_eq(fl_parking_found(&parking), last);
    state[id] = AWAKE;
    seen.found++;
    seen.last += last;
}

static void enter(unsigned id)
{
    fl_parking_enter(&parking, id, state[id] == SEARCHING);
    state[id] = ASLEEP;
    seen.slept++;
}

static void leave(unsigned id)
{
    if (state[id] == ROUSED)
        fl_parking_rest(&parking, fl_parking_nap(&parking, id)); /* returns: the word is AWAKE */
    cr_assert_eq(fl_parking_leave(&parking, id), state[id] == ROUSED);
    seen.woken += state[id] == ROUSED;
    seen.cancelled += state[id] == ASLEEP;
    state[id] = SEARCHING;
}

/* The first sleeper from near on; slots if there is none. */
static unsigned next_asleep(unsigned near)
{
    for (unsigned i = 0; i < slots; i++)
        if (state[(near + i) % slots] == ASLEEP)
            return (near + i) % slots;
    return slots;
}

static void wake(unsigned near)
{
    unsigned id = searchers() ? slots : next_asleep(near);
    cr_assert(fl_parking_wake(&parking, near) == (id < slots), "near %u, expected %u of %u", near, id, slots);
    if (id < slots)
        state[id] = ROUSED;
    seen.woke += id < slots;
    seen.around += id < near;
    seen.far += id < slots && id / 64 != near / 64;
    seen.trusted += searchers() > 0 && id == slots;
    seen.nobody += !searchers() && id == slots;
}

static void wake_worker(unsigned id)
{
    bool asleep = state[id] == ASLEEP;
    cr_assert_eq(fl_parking_wake_worker(&parking, id), asleep);
    if (asleep)
        state[id] = ROUSED;
    seen.mail += asleep;
    seen.no_mail += !asleep;
}

/* Sleepers are many or few by turns. */
static void step(unsigned turn)
{
    unsigned id = below(slots);
    bool drowsy = turn / 500 % 2;
    switch (state[id]) {
    case AWAKE:
        if (below(2))
            search(id);
        else
            enter(id);
        break;
    case SEARCHING:
        if (below(4) < (drowsy ? 3 : 1))
            enter(id);
        else
            found(id);
        break;
    case ASLEEP:
        if (!drowsy || below(8) == 0)
            leave(id);
        break;
    case ROUSED: leave(id); break;
    }
    if (below(drowsy ? 4 : 2) == 0)
        wake(below(slots + 1)); /* slots is 0 again */
    if (below(4) == 0)
        wake_worker(below(slots));
}

Test(parking, against_a_reference, .timeout = 60)
{
    static const unsigned sizes[] = {1, 2, 3, 7, 63, 64, 65, 127, 128, 129, 192, MOST};
    for (unsigned k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        begin(sizes[k]);
        for (unsigned i = 0; i < STEPS; i++) {
            step(i);
            if (slots < 8 || i % 64 == 0)
                check();
        }
        check();
        end();
    }
    cr_assert(seen.searches && seen.too_many && seen.found && seen.last && seen.slept && seen.woken && seen.woke,
              "not exercised");
    cr_assert(seen.around && seen.far && seen.trusted && seen.nobody && seen.mail && seen.no_mail && seen.cancelled,
              "not exercised");
}

Test(parking, wakes_the_next_from_near_on, .timeout = 60)
{
    begin(200);
    static const unsigned asleep[] = {3, 64, 127, 199}, near[] = {65, 128, 128, 200};
    static const unsigned expected[] = {127, 199, 3, 64};
    for (unsigned i = 0; i < 4; i++)
        enter(asleep[i]);
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(next_asleep(near[i]), expected[i]);
        wake(near[i]);
        leave(expected[i]);
        found(expected[i]);
        check();
    }
    wake(0);
    end();
}

Test(parking, half_of_those_awake_search)
{
    begin(10);
    for (unsigned i = 0; i < 6; i++)
        search(i);
    cr_assert_eq(searchers(), 5);
    for (unsigned i = 6; i < 10; i++)
        enter(i);
    found(0);
    found(1);
    search(0); /* six are awake, three search */
    cr_assert_eq(state[0], AWAKE);
    found(2);
    search(0);
    cr_assert_eq(state[0], SEARCHING);
    check();
    end();
}

Test(parking, one_worker_may_search)
{
    begin(3);
    enter(1);
    enter(2);
    search(0);
    cr_assert_eq(state[0], SEARCHING);
    cr_assert(fl_parking_found(&parking));
    end();
}

/* What a waker that was held up leaves behind: its count and its AWAKE come into the worker's next sleep. */
Test(parking, a_late_waker, .timeout = 60)
{
    begin(2);
    enter(0);
    fl_store_rlx(test, &bits[0].bits, 0); /* a waker has cleared the bit, and is held up */
    cr_assert(fl_parking_leave(&parking, 0));
    cr_assert(fl_parking_found(&parking), "too few searchers, too many sleepers: the safe side");
    cr_assert_eq(fl_searchers(fl_load_rlx(test, &parking.idle)), -1);
    cr_assert_eq(fl_sleepers(fl_load_rlx(test, &parking.idle)), 1);
    cr_assert_not(fl_parking_wake(&parking, 0)); /* a sleeper is counted, but there is no bit */
    fl_parking_enter(&parking, 0, false);
    cr_assert_eq(fl_sleepers(fl_load_rlx(test, &parking.idle)), 2);
    cr_assert(fl_parking_search(&parking, parking.slots)); /* nobody searches, and of two slots two seem to sleep */
    cr_assert(fl_parking_found(&parking));                 /* the last one, as it seems */
    fl_add_rlx(test, &parking.idle, ((uint64_t)1 << 40) - 1);
    fl_store_rlx(test, &beds[0].nap.word, FL_AWAKE); /* the waker goes on */
    fl_parking_wait(&parking, 0, 0);                 /* ends for no reason */
    cr_assert_not(fl_parking_leave(&parking, 0), "nobody has woken this sleep");
    cr_assert_eq(fl_load_rlx(test, &parking.idle), (uint64_t)1 << 40);
    cr_assert_not(fl_parking_found(&parking));
    state[0] = AWAKE;
    check();
    end();
}

Test(parking, a_timed_wait_ends, .timeout = 60)
{
    begin(1);
    enter(0);
    fl_parking_wait(&parking, 0, 1000);
    leave(0);
    check();
    end();
}

/* ---- rests ---- */

static uint64_t time_now;
static cpu_set_t during, after;

static uint64_t clock_of_test(void)
{
    return time_now;
}

static bool filtered;

static void deny_setaffinity(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setaffinity, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof rules / sizeof *rules, rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        cr_skip_test("no filters here");
}

static const cpu_set_t *narrow; /* the sleeper's, or NULL: its waker's */

static void *rest_once(void *arg)
{
    uint64_t *called = arg;
    if (narrow)
        cr_assert_eq(sched_setaffinity(0, sizeof *narrow, narrow), 0);
    if (filtered)
        deny_setaffinity();
    errno = 77;
    fl_parking_enter(&parking, 0, false);
    *called = fl_parking_rest(&parking, fl_parking_nap(&parking, 0));
    cr_assert_eq(errno, 77);
    sched_getaffinity(0, sizeof after, &after);
    cr_assert(fl_parking_leave(&parking, 0));
    return NULL;
}

static void see_the_sleeper(enum fl_point point)
{
    if (point != FL_AT_WAKE_CALLED)
        return;
    cr_assert_eq(fl_load_rlx(test, &beds[0].nap.word), FL_CALLED);
    sched_getaffinity(beds[0].nap.thread, sizeof during, &during);
}

/* Where a thread that has rested for so long was moved away from, or -1. */
static bool always(void)
{
    return true;
}

static int away_after(uint64_t ns, bool moves)
{
    pthread_t thread;
    uint64_t called = 0;
    begin(1);
    parking.moves = moves ? always : NULL;
    fl_seam.now = clock_of_test;
    time_now = 77;
    cr_assert_eq(pthread_create(&thread, NULL, rest_once, &called), 0);
    while (fl_load_acq(test, &beds[0].nap.word) != FL_RESTING)
        sched_yield();
    time_now += ns;
    fl_seam.at = see_the_sleeper;
    CPU_ZERO(&during);
    errno = 78;
    cr_assert(fl_parking_wake_worker(&parking, 0));
    cr_assert_eq(errno, 78);
    fl_seam.at = NULL;
    pthread_join(thread, NULL);
    cr_assert_eq(called, 77 + ns);
    cr_assert_eq(fl_load_rlx(test, &beds[0].nap.word), FL_AWAKE);
    int away = beds[0].nap.away;
    end();
    return away;
}

Test(parking, a_thread_that_has_rested_long_is_kept_off_its_waker, .timeout = 60)
{
    cpu_set_t all, here;
    if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2)
        cr_skip_test("one processor, or more than this test counts");
    int away = away_after(10000000, true);
    cr_assert(away >= 0 && CPU_ISSET((size_t)away, &all));
    cr_assert_not(CPU_ISSET((size_t)away, &during));
    CPU_SET((size_t)away, &during);
    cr_assert(CPU_EQUAL(&during, &all));
    cr_assert(CPU_EQUAL(&after, &all), "let back");

    cr_assert_eq(away_after(9999999, true), -1, "a short rest");
    cr_assert(CPU_EQUAL(&during, &all));
    cr_assert_eq(away_after(10000000, false), -1);
    CPU_ZERO(&here);
    CPU_SET((size_t)away, &here);
    cr_assert_eq(sched_setaffinity(0, sizeof here, &here), 0); /* the sleeper's, too */
    cr_assert_eq(away_after(10000000, true), -1, "nowhere else to go");
    cr_assert(CPU_EQUAL(&after, &here));

    cpu_set_t elsewhere = all;
    CPU_CLR((size_t)away, &elsewhere);
    narrow = &elsewhere;
    cr_assert_eq(away_after(10000000, true), -1, "it would not come here anyway");
    cr_assert(CPU_EQUAL(&after, &elsewhere));
}

/* Its own filter forbids it what its waker may do: it could not come back. */
Test(parking, a_thread_that_may_not_set_its_mask_is_not_moved, .timeout = 60)
{
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        cr_skip_test("more processors than this test counts");
    filtered = true;
    cr_assert_eq(away_after(10000000, true), -1);
    cr_assert(CPU_EQUAL(&after, &all));
}

static pid_t parent_thread;

static void move_the_parent(void)
{
    if (fl_os_keep_away(parent_thread) != -1)
        abort();
}

Test(parking, a_thread_of_another_process_is_not_moved, .timeout = 60)
{
    cpu_set_t all, now;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        cr_skip_test("more processors than this test counts");
    parent_thread = fl_os_thread_id();
    cr_assert_eq(child_of(move_the_parent).status, 0);
    sched_getaffinity(0, sizeof now, &now);
    cr_assert(CPU_EQUAL(&now, &all));
}
