/* runtime/region.c: when a region opens, what traps in it, when it counts as old, what a watcher sees.
 *
 *   Time      The test's: it stands still unless it is moved.
 *   Owner     This thread, by the hot path of <filch.h>, with slow paths like those of runtime/join.c and idle.c.
 *   Watcher   This thread, too. */
#include "region.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "seam.h"
#include "worker.h"

enum { CAPACITY = 256, US = 1000, YOUNG = FL_REGION_AGE - 1, OLD = FL_REGION_AGE };

static struct fl_deque *d;
static uint64_t now;
static unsigned looks_at_the_clock, spawns_trapped, syncs_trapped, opened, hot, calm;

static uint64_t clock_of_test(void)
{
    looks_at_the_clock++;
    return now;
}

/* ---- an owner ---- */

static void after(bool sync)
{
    if (d->region.guest && sync && fl_deque_idle(d)) {
        fl_region_close(d);
    } else if (d->region.guest && fl_deque_is_cold(d)) {
        enum fl_turn turn = fl_region_step(d, sync);
        opened += turn == FL_TURN_OPENED;
        calm += turn == FL_TURN_CALM;
        hot += turn == FL_TURN_HOT;
        if (turn == FL_TURN_HOT)
            fl_deque_answer(d);
    }
    fl_spawn_on(&d->hot);
}

void filch_detail_spawn_slow(struct filch_detail_deque *h, struct filch_detail_task *t)
{
    spawns_trapped++;
    if (fl_region_climbs(fl_deque_of(h), t))
        return;
    if (fl_region_opens(fl_deque_of(h), t)) {
        opened++;
        return;
    }
    cr_assert(fl_deque_spawned(fl_deque_of(h), t));
    after(false);
}

int filch_detail_sync_slow(struct filch_detail_deque *h, struct filch_detail_task *t)
{
    syncs_trapped++;
    if (fl_region_falls(fl_deque_of(h), t->slot))
        return 1;
    cr_assert_eq(fl_deque_sync(fl_deque_of(h), t), FL_RUN);
    after(true);
    return 1;
}

int filch_detail_sync_any(struct filch_detail_deque *h, struct filch_detail_task *t)
{
    (void)h;
    (void)t;
    cr_assert_fail("out of order");
    return 0;
}

static void run_nothing(void *arg)
{
    (void)arg;
}

static const filch_site site = {run_nothing, "run_nothing", __FILE__, __LINE__, sizeof(struct filch_detail_task)};

static void spawn(struct filch_detail_task *t)
{
    fl_spawn_on(&d->hot);
    filch_detail_spawn_on(filch_detail_here(), t, &site);
}

static void sync(struct filch_detail_task *t)
{
    fl_spawn_on(&d->hot);
    cr_assert_eq(filch_detail_sync_on(filch_detail_here(), t), 1);
}

static uint64_t leaf; /* how long it takes */

static void tree(unsigned depth)
{
    struct filch_detail_task t;
    if (depth == 1) {
        now += leaf;
        return;
    }
    spawn(&t);
    tree(depth - 1);
    sync(&t);
    tree(depth - 1);
}

static void forget_counts(void)
{
    looks_at_the_clock = spawns_trapped = syncs_trapped = opened = hot = calm = 0;
}

static uint32_t asked(void)
{
    return fl_load_rlx(test_asked, &d->asked);
}

static bool traps_all(void)
{
    return fl_load_rlx(test_limit, &d->hot.limit) == FILCH_DETAIL_REQUEST;
}

static uint32_t open_now(void)
{
    return fl_load_rlx(test_open, &d->region.open);
}

static void begin(void)
{
    size_t bytes = fl_deque_bytes(CAPACITY);
    void *storage = aligned_alloc(FL_CACHE_LINE, bytes);
    cr_assert(storage);
    d = fl_deque_init(memset(storage, 0, bytes), CAPACITY);
    fl_seam.now = clock_of_test;
    now = 1000 * (uint64_t)OLD;
    leaf = 0;
    fl_region_begin(d);
    forget_counts();
}

TestSuite(region, .init = begin);

/* Nobody has posted anything, and no region has been open yet. */
static void expect_calm(void)
{
    cr_assert(fl_deque_is_cold(d) && !fl_region_is_open(d) && !traps_all());
    cr_assert_eq(asked(), FL_ASK_NOTHING);
}

static void one_region(void)
{
    struct filch_detail_task t;
    spawn(&t);
    sync(&t);
}

static void calm_down(void)
{
    one_region();
    expect_calm();
    forget_counts();
}

/* ---- opening and closing ---- */

Test(region, who_moves_in_is_watched)
{
    cr_assert(fl_deque_is_cold(d) && !fl_region_is_open(d) && traps_all());
    cr_assert_eq(asked(), FL_ASK_WATCH);
}

Test(region, the_first_spawn_after_watch_opens)
{
    struct filch_detail_task t;
    spawn(&t);
    cr_assert_eq(opened, 1u);
    cr_assert(fl_region_is_open(d) && fl_deque_is_cold(d) && traps_all());
    cr_assert_eq(asked(), FL_ASK_NOTHING);
    cr_assert_eq(looks_at_the_clock, 0u);
    uint32_t open = open_now();
    sync(&t);
    expect_calm();
    cr_assert_neq(open_now(), open);
}

Test(region, without_watch_nothing_traps)
{
    calm_down();
    for (int i = 0; i < 3; i++)
        tree(10);
    cr_assert_eq(spawns_trapped + syncs_trapped + looks_at_the_clock + opened, 0u);
    expect_calm();
}

Test(region, each_has_another_number)
{
    struct filch_detail_task t;
    uint32_t last = open_now();
    for (int i = 0; i < 5; i++) {
        spawn(&t);
        cr_assert_neq(open_now(), last);
        cr_assert(fl_region_is_open(d));
        last = open_now();
        sync(&t);
        cr_assert(!fl_region_is_open(d));
        fl_deque_ask(d, FL_ASK_WATCH, false);
    }
    cr_assert_eq(opened, 5u);
}

Test(region, a_late_watch_opens_at_a_sync)
{
    struct filch_detail_task a, b;
    calm_down();
    spawn(&a);
    spawn(&b);
    fl_deque_ask(d, FL_ASK_WATCH, false);
    sync(&b);
    cr_assert(opened == 1 && fl_region_is_open(d));
    sync(&a);
    cr_assert(!fl_region_is_open(d));
}

/* ---- the ladder ---- */

/* docs/decisions/0007: nine times up, nine times down, and the clock is read in few of them. */
Test(region, the_ladder_of_a_small_tree)
{
    leaf = 1;
    tree(10);
    cr_assert_eq(opened, 1u);
    cr_assert_eq(hot, 0u);
    cr_assert(spawns_trapped + syncs_trapped <= 2 * 9 + 2, "%u spawns and %u syncs trapped", spawns_trapped,
              syncs_trapped);
    cr_assert(spawns_trapped >= 9 && syncs_trapped >= 9, "not exercised");
    cr_assert(looks_at_the_clock >= 1 && looks_at_the_clock <= 2, "%u looks", looks_at_the_clock);
    expect_calm();
}

Test(region, the_ladder_of_a_large_tree_grows_with_its_depth_only)
{
    tree(16); /* in no time at all, so that it never counts as old */
    cr_assert_eq(hot, 0u);
    cr_assert(spawns_trapped + syncs_trapped <= 2 * 15 + 2, "%u spawns and %u syncs trapped", spawns_trapped,
              syncs_trapped);
    cr_assert(looks_at_the_clock <= 5, "%u looks", looks_at_the_clock);
}

/* ---- age ---- */

/* How long after its beginning a region of leaves of that length turns hot. */
static uint64_t hot_after(uint64_t ns)
{
    uint64_t began = now, turned = 0;
    leaf = ns;
    struct filch_detail_task t[12];
    for (int i = 0; i < 12; i++)
        spawn(&t[i]);
    for (int i = 11; i >= 0 && !hot; i--) {
        now += leaf << (11 - i); /* the sibling subtree */
        sync(&t[i]);
        turned = now;
    }
    cr_assert_eq(hot, 1u);
    return turned - began;
}

Test(region, an_old_one_turns_hot_at_a_fall)
{
    uint64_t turned = hot_after(100);
    cr_assert(turned > OLD && turned <= 4 * OLD, "after %u ns", (unsigned)turned);
    cr_assert(!fl_deque_is_cold(d) && d->floor == d->hot.base + 1);
    cr_assert(fl_deque_has_public(d), "it has answered");
}

Test(region, a_young_one_does_not)
{
    leaf = YOUNG / 512;
    tree(10);
    cr_assert_eq(hot, 0u);
    cr_assert(now - 1000 * (uint64_t)OLD > OLD - 1000, "not exercised");
}

Test(region, an_old_one_turns_hot_at_a_spawn)
{
    enum { QUICK = 16, MORE = 4 };
    struct filch_detail_task t[QUICK + MORE];
    for (int i = 0; i < QUICK + 2; i++)
        spawn(&t[i]);
    cr_assert_eq(looks_at_the_clock, 1u, "after the quick ones");
    now += OLD;
    for (int i = 0; i < QUICK + 1 && !hot; i++) {
        struct filch_detail_task more;
        spawn(&more);
        sync(&more);
    }
    cr_assert_eq(hot, 0u, "not older than that");
    now++;
    sync(&t[QUICK + 1]);
    cr_assert_eq(hot, 1u);
}

Test(region, who_is_asked_for_work_turns_hot_at_once)
{
    struct filch_detail_task a, b, c;
    spawn(&a);
    spawn(&b);
    spawn(&c);
    fl_deque_ask(d, FL_ASK_WORK, true);
    sync(&c);
    cr_assert_eq(hot, 1u);
    cr_assert(!fl_deque_is_cold(d) && fl_deque_has_public(d));
    cr_assert_eq(looks_at_the_clock, 0u);
    sync(&b);
    sync(&a);
    cr_assert(fl_deque_is_cold(d) && !fl_region_is_open(d), "its end is seen");
}

Test(region, a_hot_one_leaves_a_watch)
{
    struct filch_detail_task a, b;
    spawn(&a);
    spawn(&b);
    fl_deque_ask(d, FL_ASK_WORK, true);
    sync(&b);
    sync(&a);
    cr_assert_eq(asked(), FL_ASK_WATCH);
    cr_assert(traps_all());
}

Test(region, who_moves_out_leaves_a_deque_like_any)
{
    struct filch_detail_task a, b;
    fl_region_end(d);
    cr_assert(!fl_deque_is_cold(d) && !fl_region_is_open(d) && !traps_all());
    spawn(&a);
    fl_deque_ask(d, FL_ASK_WORK, false);
    spawn(&b);
    cr_assert(fl_deque_has_public(d));
    sync(&b);
    sync(&a);
    cr_assert_eq(opened + hot, 0u);
}

/* ---- the watcher ---- */

static struct fl_watch watch;

static enum fl_sight look(void)
{
    return fl_region_look(d, &watch, now);
}

Test(region, a_watcher_sees_a_young_region_and_asks_an_old_one)
{
    struct filch_detail_task t;
    spawn(&t);
    cr_assert_eq(look(), FL_SEE_OPEN);
    now += YOUNG;
    cr_assert_eq(look(), FL_SEE_OPEN);
    cr_assert_eq(asked(), FL_ASK_NOTHING);
    now += 1;
    cr_assert_eq(look(), FL_SEE_WORK);
    cr_assert_eq(asked(), FL_ASK_WORK);
    cr_assert_eq(watch.since, now, "from now on the owner has time to answer");
    now += US;
    cr_assert_eq(look(), FL_SEE_WORK);
    cr_assert_eq(watch.since, now - US);
}

Test(region, a_new_region_is_young_again)
{
    struct filch_detail_task t;
    spawn(&t);
    cr_assert_eq(look(), FL_SEE_OPEN);
    sync(&t);
    fl_deque_ask(d, FL_ASK_WATCH, false);
    now += OLD;
    spawn(&t);
    cr_assert_eq(look(), FL_SEE_OPEN);
    cr_assert_neq(asked(), FL_ASK_WORK);
}

Test(region, who_was_called_counts_from_then)
{
    struct filch_detail_task t;
    watch = (struct fl_watch){.open = open_now(), .asked = true};
    spawn(&t);
    fl_region_called(d, &watch, now - OLD); /* it took so long to wake up */
    cr_assert_eq(look(), FL_SEE_WORK);
    cr_assert_eq(watch.since, now, "the owner has time to answer");
}

Test(region, who_was_called_for_another_region_does_not)
{
    struct filch_detail_task t;
    watch = (struct fl_watch){.open = open_now()};
    one_region();
    fl_region_called(d, &watch, now - OLD); /* it is over */
    cr_assert_eq(look(), FL_SEE_ACTIVITY);
    watch = (struct fl_watch){.open = open_now() - 1, .since = 1};
    fl_region_called(d, &watch, now - OLD); /* over since it was seen open */
    cr_assert_eq(watch.since, 1u);
    fl_deque_ask(d, FL_ASK_WATCH, false);
    watch = (struct fl_watch){.open = open_now() - 2};
    spawn(&t);
    fl_region_called(d, &watch, now - OLD); /* not the first one */
    cr_assert_eq(look(), FL_SEE_OPEN);
}

Test(region, a_watcher_sees_that_regions_came_and_went)
{
    watch = (struct fl_watch){.open = open_now(), .since = now};
    one_region();
    now += US;
    cr_assert_eq(look(), FL_SEE_ACTIVITY);
    cr_assert_eq(look(), FL_SEE_NOTHING);
    now += OLD;
    cr_assert_eq(look(), FL_SEE_NOTHING);
    cr_assert_eq(asked(), FL_ASK_WATCH, "it shall see the next one, too");
}

Test(region, watch_is_posted_once_in_20_us)
{
    unsigned posted = 0;
    calm_down();
    watch = (struct fl_watch){.open = open_now()};
    uint64_t began = now;
    while (now - began < 10 * (uint64_t)OLD) {
        (void)look();
        posted += asked() == FL_ASK_WATCH;
        one_region();
        expect_calm();
        now += US / 2;
    }
    cr_assert(posted >= 9 && posted <= 11, "%u times", posted);
}

Test(region, a_region_that_cannot_hear_is_work)
{
    struct filch_detail_task t;
    calm_down();
    watch = (struct fl_watch){.open = open_now()};
    spawn(&t); /* no trap: nobody has posted WATCH */
    cr_assert_eq(look(), FL_SEE_NOTHING);
    cr_assert_eq(asked(), FL_ASK_WATCH);
    now += OLD;
    cr_assert_eq(look(), FL_SEE_WORK);
    cr_assert_eq(watch.since, now);
    now += US;
    cr_assert_eq(look(), FL_SEE_WORK);
    cr_assert_eq(watch.since, now - US);
    sync(&t);
    now += OLD;
    cr_assert_neq(look(), FL_SEE_WORK);
}

Test(region, a_deque_without_tasks_has_nothing_to_hear)
{
    calm_down();
    watch = (struct fl_watch){.open = open_now()};
    for (int i = 0; i < 5; i++, now += OLD)
        cr_assert_eq(look(), FL_SEE_NOTHING);
}
