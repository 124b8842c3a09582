/* runtime/parking.c with real threads: tokens pass from publishers to workers that sleep in between.
 *
 *   Program   Publishers put tokens into the words of their victims, in bursts with pauses, and wake; each token has
 *             a cell of plain data, too (a race that ThreadSanitizer sees).  Workers search a little, sleep, and after
 *             a token they are busy: others must be woken for the rest.  In every other run a token that is taken
 *             publishes the next one, so that nobody from outside wakes.
 *   Oracle    Every token is taken once.  A lost wake-up is a run that does not end: the watching thread says what it
 *             sees.  At the end nobody is counted.
 *   Clock     Each second look at it is half a second later, so that many rests are long enough.  At the end of a run
 *             all threads may run where they might at its beginning.
 *   Stalls    fl_seam.at, as in forkjoin.c: at random, or at each point in turn.
 *   Exercised Parkings, wake-ups, cancelled sleeps, sleeps that end by time, chained wake-ups, letters; with stalls
 *             each point of the seam, and sleeps that end because a waker comes late.  Else it fails. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "os.h"
#include "parking.h"

#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
enum { TOKENS = 20000 };
#else
enum { TOKENS = 100000 };
#endif

enum { MOST_WORKERS = 70, PUBLISHERS = 2, TURN_TOKENS = 3000 };

struct worker {
    _Alignas(FL_CACHE_LINE) struct fl_nap nap;
    FL_ATOMIC(uint32_t) mail; /* only this worker looks at it */
    uint32_t letters, random;
    cpu_set_t at_end; /* its affinity */
    pthread_t thread;
};

struct victim {
    _Alignas(FL_CACHE_LINE) FL_ATOMIC(uint32_t) published;
    FL_ATOMIC(uint32_t) taken;
};

#define COUNTS(X)                                                                                                     \
    X(parkings)                                                                                                       \
    X(woken)                                                                                                          \
    X(cancelled)                                                                                                      \
    X(cancelled_by_wake) /* and somebody had woken it already */                                                      \
    X(spurious)          /* an untimed sleep that nobody ended */                                                     \
    X(timed_out)                                                                                                      \
    X(chained)                                                                                                        \
    X(trusted)                                                                                                        \
    X(moved) /* kept away from its waker's processor */                                                               \
    X(woke)                                                                                                           \
    X(letters)

static struct {
#define COUNT(name) _Atomic uint64_t name;
    COUNTS(COUNT)
#undef COUNT
} counts;

static struct run {
    unsigned workers;
    uint32_t tokens; /* of each victim */
    bool passed_on;  /* a token that is taken publishes the next one */
} run;

static struct fl_parking parking;
static struct fl_asleep asleep[(MOST_WORKERS + 63) / 64];
static struct worker *worker;
static struct victim victim[PUBLISHERS];
static uint32_t *cell[PUBLISHERS]; /* plain: what token i says, and then how often it was taken */
static _Atomic uint32_t left;
static _Atomic bool stop;

static void count(_Atomic uint64_t *c)
{
    atomic_fetch_add_explicit(c, 1, memory_order_relaxed);
}

static uint32_t random_of(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* ---- stalls ---- */

static const char *const point_names[] = {
#define NAME(point) #point,
    FL_POINTS(NAME)
#undef NAME
};
static const enum fl_point points[] = {FL_AT_PARK_COUNTED, FL_AT_PARK_ENTERED, FL_AT_PARK_LOOKED,
                                       FL_AT_WAKE_CLEARED, FL_AT_WAKE_COUNTED, FL_AT_WAKE_CALLED};
enum { POINTS = sizeof points / sizeof *points };
static _Atomic uint64_t passed[FL_POINT_COUNT];
static _Atomic int held_point = -1;
static _Thread_local uint32_t chaos;

static void hold(long ns)
{
    nanosleep(&(struct timespec){0, ns}, NULL);
}

static void stall(enum fl_point point)
{
    if (!chaos)
        chaos = (uint32_t)(uintptr_t)&chaos | 1;
    uint32_t dice = random_of(&chaos);
    atomic_fetch_add_explicit(&passed[point], 1, memory_order_relaxed);
    int only = atomic_load_explicit(&held_point, memory_order_relaxed);
    if (only >= 0) {
        if (only == (int)point && dice % 4 == 0)
            hold(200000);
    } else if (dice % 512 == 0) {
        hold(200000);
    } else if (dice % 16 == 1) {
        sched_yield();
    } else if (dice % 16 == 2) {
        for (volatile unsigned i = 0; i < dice / 16 % 1000; i++)
            continue;
    }
}

static _Thread_local uint64_t looks;

static uint64_t leaping_clock(void)
{
    return fl_os_now() + looks++ / 2 * 500000000;
}

/* ---- tokens ---- */

static uint32_t meaning(unsigned v, uint32_t token)
{
    return (token + v) * 2654435761u | 1;
}

/* The next n of victim v, by the one thread that publishes there. */
static void publish(unsigned v, uint32_t n, unsigned near)
{
    uint32_t first = fl_load_rlx(test, &victim[v].published);
    for (uint32_t i = first; i < first + n; i++)
        cell[v][i] = meaning(v, i);
    fl_store_rel(test, &victim[v].published, first + n);
    count(fl_parking_wake(&parking, near) ? &counts.woke : &counts.trusted);
}

static bool work_there(void)
{
    for (unsigned v = 0; v < PUBLISHERS; v++)
        if (fl_load_rlx(test, &victim[v].taken) != fl_load_acq(test, &victim[v].published))
            return true;
    return false;
}

static bool take(unsigned *v, uint32_t *token)
{
    for (*v = 0; *v < PUBLISHERS; ++*v) {
        uint32_t taken = fl_load_rlx(test, &victim[*v].taken);
        while (taken < fl_load_acq(test, &victim[*v].published))
            if (fl_cas_acq_rel(test, &victim[*v].taken, &taken, taken + 1)) {
                *token = taken;
                return true;
            }
    }
    return false;
}

static void call_all(void)
{
    for (unsigned i = 0; i < run.workers; i++)
        fl_parking_wake_worker(&parking, i);
}

static void consume(struct worker *w, unsigned v, uint32_t token)
{
    cr_assert(cell[v][token] == meaning(v, token), "token %u of victim %u was taken twice or came too early", token,
              v);
    cell[v][token] = 0;
    if (run.passed_on && token + 1 < run.tokens)
        publish(v, 1, (unsigned)(w - worker) + 1);
    for (volatile uint32_t i = 0; i < random_of(&w->random) % 200; i++)
        continue;
    if (random_of(&w->random) % 32 == 0) { /* a letter to anybody */
        struct worker *to = &worker[random_of(&w->random) % run.workers];
        fl_add_rel(test, &to->mail, 1);
        fl_parking_wake_worker(&parking, (unsigned)(to - worker));
    }
    if (atomic_fetch_sub(&left, 1) == 1) {
        atomic_store(&stop, true);
        call_all();
    }
}

/* ---- workers ---- */

static bool has_mail(const struct worker *w)
{
    return fl_load_acq(test, &w->mail) != w->letters || atomic_load(&stop);
}

static void sleep_once(struct worker *w, bool searching)
{
    unsigned id = (unsigned)(w - worker);
    fl_parking_enter(&parking, id, searching);
    fl_os_fence_heavy();
    if (work_there() || has_mail(w)) {
        count(fl_parking_leave(&parking, id) ? &counts.cancelled_by_wake : &counts.cancelled);
        return;
    }
    fl_at(FL_AT_PARK_LOOKED);
    uint64_t limit = random_of(&w->random) % 8 ? 0 : 1 + random_of(&w->random) % 100000;
    count(&counts.parkings);
    if (limit) {
        fl_parking_wait(&parking, id, limit);
    } else {
        fl_parking_rest(&parking, fl_parking_nap(&parking, id));
        if (w->nap.away >= 0)
            count(&counts.moved);
    }
    count(fl_parking_leave(&parking, id) ? &counts.woken : limit ? &counts.timed_out : &counts.spurious);
}

static void found(const struct worker *w)
{
    if (fl_parking_found(&parking) && work_there() && fl_parking_wake(&parking, (unsigned)(w - worker) + 1))
        count(&counts.chained);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    bool searching = fl_parking_search(&parking, parking.slots);
    while (!atomic_load(&stop)) {
        unsigned v;
        uint32_t token, mail = fl_load_acq(test, &w->mail);
        if (w->letters != mail) {
            w->letters = mail;
            count(&counts.letters);
        }
        if (searching && take(&v, &token)) {
            found(w);
            consume(w, v, token);
            searching = fl_parking_search(&parking, parking.slots);
        } else {
            sleep_once(w, searching);
            searching = true;
        }
    }
    if (searching)
        found(w);
    sched_getaffinity(0, sizeof w->at_end, &w->at_end);
    return NULL;
}

/* ---- publishers ---- */

static void *publish_all(void *arg)
{
    unsigned v = *(const unsigned *)arg;
    uint32_t random = v + 1, n;
    for (uint32_t done = 0; done < run.tokens; done += n) {
        n = 1 + random_of(&random) % 8;
        if (n > run.tokens - done)
            n = run.tokens - done;
        publish(v, n, random_of(&random) % run.workers);
        switch (random_of(&random) % 16) {
        case 0: hold(20000); break; /* they fall asleep */
        case 1: sched_yield(); break;
        default:
            for (volatile uint32_t i = 0; i < random_of(&random) % 2000; i++)
                continue;
        }
    }
    return NULL;
}

/* ---- runs ---- */

static pthread_mutex_t watch_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t watch_end = PTHREAD_COND_INITIALIZER;
static bool ended;

/* Says what stands still, since the test's time limit says nothing. */
static void *watch(void *arg)
{
    uint32_t before = 0;
    pthread_mutex_lock(&watch_lock);
    for (int still = 0; !ended && still < 20;) {
        struct timespec at;
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_sec++;
        pthread_cond_timedwait(&watch_end, &watch_lock, &at);
        uint32_t now = atomic_load(&left);
        still = now == before ? still + 1 : 0;
        before = now;
    }
    if (!ended) {
        uint64_t idle = fl_load_rlx(test, &parking.idle);
        fprintf(stderr, "lost wake-up? %u tokens left, %u sleepers, %d searchers, bits %" PRIx64 "\n", before,
                fl_sleepers(idle), fl_searchers(idle), fl_load_rlx(test, &asleep[0].bits));
        abort();
    }
    pthread_mutex_unlock(&watch_lock);
    return arg;
}

static void start(pthread_t *thread, void *(*body)(void *), void *arg)
{
    cr_assert_eq(pthread_create(thread, NULL, body, arg), 0);
}

static bool always(void)
{
    return true;
}

static void set_up(void)
{
    worker = aligned_alloc(FL_CACHE_LINE, sizeof *worker * run.workers);
    cr_assert(worker);
    memset(worker, 0, sizeof *worker * run.workers);
    fl_parking_init(&parking, run.workers, &worker->nap, sizeof *worker, asleep);
    parking.moves = always;
    memset(victim, 0, sizeof victim);
    for (unsigned v = 0; v < PUBLISHERS; v++) {
        cell[v] = calloc(run.tokens, sizeof *cell[v]);
        cr_assert(cell[v]);
    }
    atomic_store(&left, run.tokens * PUBLISHERS);
    atomic_store(&stop, false);
    ended = false;
}

static void check_end(void)
{
    cpu_set_t all;
    bool countable = sched_getaffinity(0, sizeof all, &all) == 0; /* else there are more than 1,024 */
    for (unsigned i = 0; i < run.workers && countable; i++)
        cr_assert(CPU_EQUAL(&worker[i].at_end, &all), "worker %u was moved and not let back", i);
    cr_assert_eq(fl_load_rlx(test, &parking.idle), 0, "somebody is still counted");
    for (unsigned i = 0; i < sizeof asleep / sizeof *asleep && i < (run.workers + 63) / 64; i++)
        cr_assert_eq(fl_load_rlx(test, &asleep[i].bits), 0, "a bit is still set");
    for (unsigned v = 0; v < PUBLISHERS; v++) {
        cr_assert_eq(fl_load_rlx(test, &victim[v].taken), run.tokens);
        for (uint32_t i = 0; i < run.tokens; i++)
            cr_assert(cell[v][i] == 0, "token %u was not taken", i);
        free(cell[v]);
    }
    free(worker);
}

static void run_once(unsigned workers, uint32_t tokens, bool passed_on)
{
    static unsigned number[PUBLISHERS] = {0, 1};
    pthread_t publisher[PUBLISHERS], watcher;
    run = (struct run){workers, tokens, passed_on};
    set_up();
    start(&watcher, watch, NULL);
    for (unsigned i = 0; i < workers; i++) {
        worker[i].random = i * 7919 + 1;
        start(&worker[i].thread, work, &worker[i]);
    }
    for (unsigned v = 0; v < PUBLISHERS; v++) {
        if (passed_on)
            publish(v, 1, v);
        else
            start(&publisher[v], publish_all, &number[v]);
    }
    for (unsigned v = 0; v < PUBLISHERS && !passed_on; v++)
        pthread_join(publisher[v], NULL);
    for (unsigned i = 0; i < workers; i++)
        pthread_join(worker[i].thread, NULL);
    pthread_mutex_lock(&watch_lock);
    ended = true;
    pthread_cond_signal(&watch_end);
    pthread_mutex_unlock(&watch_lock);
    pthread_join(watcher, NULL);
    check_end();
}

static void check_exercised(void)
{
    fprintf(stderr, "exercised:");
#define PRINT(name) fprintf(stderr, " %s %" PRIu64, #name, atomic_load(&counts.name));
    COUNTS(PRINT)
#undef PRINT
    fprintf(stderr, "\n");
    cr_assert(counts.parkings && counts.woken && counts.cancelled && counts.timed_out && counts.chained &&
                  counts.trusted && counts.woke && counts.letters,
              "not exercised");
    cr_assert(counts.moved || fl_os_cpu_count() == 1, "not exercised");
    if (!fl_seam.at)
        return;
    cr_assert(counts.cancelled_by_wake, "not exercised");
    for (int i = 0; i < POINTS; i++)
        cr_assert(atomic_load(&passed[points[i]]), "not exercised: %s", point_names[points[i]]);
}

static void run_sizes(uint32_t tokens)
{
    fl_seam.now = leaping_clock;
    static const unsigned sizes[] = {1, 2, 3, 8, MOST_WORKERS};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        run_once(sizes[i], tokens, false);
        run_once(sizes[i], tokens / 4, true);
    }
}

Test(parking, undisturbed, .timeout = 300)
{
    run_sizes(TOKENS);
    check_exercised();
}

Test(parking, without_membarrier, .timeout = 300)
{
    fl_os_deny_heavy();
    cr_assert_not(fl_os_has_heavy());
    run_sizes(TOKENS);
    check_exercised();
}

Test(parking, stalled_at_random, .timeout = 300)
{
    fl_seam.at = stall;
    run_sizes(TOKENS / 4);
    check_exercised();
}

Test(parking, stalled_at_each_point_in_turn, .timeout = 300)
{
    fl_seam.at = stall;
    for (int i = 0; i < POINTS; i++) {
        atomic_store(&held_point, (int)points[i]);
        run_sizes(TURN_TOKENS);
    }
    check_exercised();
}
