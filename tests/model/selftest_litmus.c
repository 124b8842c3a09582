/* The checker tested: classic litmus shapes against RC11's verdicts, and small programs with a known fault.
 *
 *   Language  Statements separated by spaces.  w x y z are atomic objects, 0 at first; a b c d are registers.
 *               x=1.rel      store           a=x.acq         load           (no suffix: relaxed)
 *               a=x+1.acq    fetch and add   a=x?0:1.rel     compare 0 and swap in 1; a is whether it did
 *               a=x|1.rel    fetch and or    a=x&1.acq       fetch and and
 *               F.sc         fence           L H             light, heavy fence
 *   Verdicts  "forbidden": the outcome never comes.  "allowed": some execution has it.  "missed": RC11 allows it and
 *             this checker does not explore it; README.md says why.
 *   Checked   --mutants plants faults in the checker, one at a time; each must change some verdict here. */
#include "mc.h"

#include <filch/detail/atomic.h>

#include <string.h>

enum { THREADS = 4 };

struct litmus {
    const char *outcome;
    const char *thread[THREADS];
    bool allowed;
};

static const struct litmus *current;
static uint64_t objects[4]; /* w x y z */
static uint64_t registers[4];

static const char *const object_names[] = {"w", "x", "y", "z"};

static bool is_object(char c)
{
    return c >= 'w' && c <= 'z';
}

static uint64_t *object_of(char c)
{
    return &objects[c - 'w'];
}

static enum mc_order order_after(const char *dot)
{
    static const char *const names[] = {"rlx", "acq_rel", "acq", "rel", "sc"};
    static const enum mc_order orders[] = {MC_RLX, MC_ACQ_REL, MC_ACQ, MC_REL, MC_SC};

    if (*dot != '.')
        return MC_RLX;
    for (int i = 0; i < 5; i++) {
        size_t n = strlen(names[i]);
        if (strncmp(dot + 1, names[i], n) == 0 && (dot[1 + n] == ' ' || dot[1 + n] == '\0'))
            return orders[i];
    }
    mc_fail("litmus: no order at %s", dot);
}

static void statement(const char *s)
{
    const uint64_t size = sizeof objects[0];

    if (s[0] == 'F') {
        mc_fence(mc_site_of(MC_FENCE, order_after(s + 1)));
    } else if (s[0] == 'L') {
        mc_fence_light(mc_site_of(MC_LIGHT, MC_SC));
    } else if (s[0] == 'H') {
        mc_fence_heavy(mc_site_of(MC_HEAVY, MC_SC));
    } else if (is_object(s[0])) {
        mc_store(mc_site_of(MC_STORE, order_after(s + 3)), object_of(s[0]), size, (uint64_t)(s[2] - '0'));
    } else {
        uint64_t *to = &registers[s[0] - 'a'];
        uint64_t *from = object_of(s[2]);
        if (s[3] == '+') {
            *to = mc_add(mc_site_of(MC_RMW, order_after(s + 5)), from, size, (uint64_t)(s[4] - '0'));
        } else if (s[3] == '|') {
            *to = mc_or(mc_site_of(MC_RMW, order_after(s + 5)), from, size, (uint64_t)(s[4] - '0'));
        } else if (s[3] == '&') {
            *to = mc_and(mc_site_of(MC_RMW, order_after(s + 5)), from, size, (uint64_t)(s[4] - '0'));
        } else if (s[3] == '?') {
            uint64_t expected = (uint64_t)(s[4] - '0');
            *to = mc_cas(mc_site_of(MC_RMW, order_after(s + 7)), from, size, &expected, (uint64_t)(s[6] - '0'));
        } else {
            *to = mc_load(mc_site_of(MC_LOAD, order_after(s + 3)), from, size);
        }
    }
}

static void run_thread(void *arg)
{
    const char *s = current->thread[*(const int *)arg];

    while (*s != '\0') {
        statement(s);
        s += strcspn(s, " ");
        s += strspn(s, " ");
    }
}

static bool holds(const char *outcome)
{
    for (const char *s = outcome; *s != '\0'; s += strcspn(s, " "), s += strspn(s, " ")) {
        uint64_t value = is_object(s[0]) ? *object_of(s[0]) : registers[s[0] - 'a'];
        if (value != (uint64_t)(s[2] - '0'))
            return false;
    }
    return true;
}

static void litmus(const void *arg)
{
    static const int numbers[THREADS] = {0, 1, 2, 3};
    static const char *const names[THREADS] = {"P0", "P1", "P2", "P3"};
    int threads[THREADS];
    int n = 0;

    current = arg;
    memset(objects, 0, sizeof objects);
    memset(registers, 0, sizeof registers);
    for (int i = 0; i < 4; i++)
        mc_name(&objects[i], object_names[i]);
    for (; n < THREADS && current->thread[n] != NULL; n++)
        threads[n] = mc_spawn(names[n], run_thread, (void *)(uintptr_t)&numbers[n]);
    for (int i = 0; i < n; i++)
        mc_join(threads[i]);
    if (!holds(current->outcome))
        return;
    mc_count("weak");
    if (!current->allowed)
        mc_fail("outcome %s, which RC11 forbids", current->outcome);
}

/* ---- programs with a known fault, and their sound twins -------------------------------------------------------- */

static FL_ATOMIC(uint32_t) flag;
static FL_ATOMIC(uint32_t) other;
static int data;
static void *block;

static void reset(void)
{
    flag.fl_value = 0;
    other.fl_value = 0;
    data = 0;
    block = NULL;
    mc_name(&flag, "flag");
    mc_name(&other, "other");
    mc_name(&data, "data");
}

static void pair(void (*a)(void *), void (*b)(void *))
{
    int first = mc_spawn("a", a, NULL);
    int second = mc_spawn("b", b, NULL);

    mc_join(first);
    mc_join(second);
}

static void publish_release(void *arg)
{
    (void)arg;
    mc_write(&data);
    data = 1;
    fl_store_rel(publish, &flag, 1);
}

static void publish_relaxed(void *arg)
{
    (void)arg;
    mc_write(&data);
    data = 1;
    fl_store_rlx(publish_relaxed, &flag, 1);
}

static void consume(void *arg)
{
    (void)arg;
    if (fl_load_acq(consume, &flag) == 1) {
        mc_count("seen");
        mc_read(&data);
        mc_assert(data == 1);
    }
}

static void consume_spinning(void *arg)
{
    (void)arg;
    while (fl_load_acq(consume_loop, &flag) != 1)
        fl_spin(consume_spin);
    mc_count("seen");
    mc_read(&data);
    mc_assert(data == 1);
}

static void ordered_data(const void *arg)
{
    (void)arg;
    reset();
    pair(publish_release, consume);
    mc_read(&data);
    mc_assert(data == 1);
}

static void racy_data(const void *arg)
{
    (void)arg;
    reset();
    pair(publish_relaxed, consume);
}

static void spin_until_published(const void *arg)
{
    (void)arg;
    reset();
    pair(publish_release, consume_spinning);
}

/* The spawn must not lend main's write of data to the new thread's relaxed store. */
static void store_flag(void *arg)
{
    (void)arg;
    fl_store_rlx(store_flag, &flag, 1);
}

static void spawn_race(const void *arg)
{
    (void)arg;
    reset();
    int reader = mc_spawn("reader", consume, NULL);
    mc_write(&data);
    data = 1;
    mc_join(mc_spawn("writer", store_flag, NULL));
    mc_join(reader);
}

static void free_block(void *arg)
{
    (void)arg;
    mc_free(block);
}

static void read_block(void *arg)
{
    (void)arg;
    mc_read(block);
}

static void use_after_free(const void *arg)
{
    (void)arg;
    reset();
    block = mc_alloc(64);
    mc_write(block);
    mc_free(block);
    mc_read(block);
}

static void free_during_use(const void *arg)
{
    (void)arg;
    reset();
    block = mc_alloc(64);
    mc_write(block);
    pair(free_block, read_block);
}

static void double_free(const void *arg)
{
    (void)arg;
    reset();
    block = mc_alloc(64);
    mc_free(block);
    mc_free(block);
}

static void beyond_the_block(const void *arg)
{
    (void)arg;
    char *p = mc_alloc(24);
    mc_write(p + 24);
}

static void alloc_and_free(const void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        FL_ATOMIC(uint64_t) *p = mc_alloc(sizeof *p);
        fl_store_rlx(alloc_store, p, 7);
        mc_assert(fl_load_rlx(alloc_load, p) == 7);
        mc_free(p);
    }
    mc_assert(mc_blocks() == 0);
}

struct node {
    FL_ATOMIC(int) value;
};

static FL_ATOMIC(struct node *) head;

static void publish_node(void *arg)
{
    (void)arg;
    struct node *n = mc_alloc(sizeof *n);
    fl_store_rlx(node_value, &n->value, 1);
    fl_store_rlx(node_publish, &head, n);
}

static void read_node(void *arg)
{
    (void)arg;
    struct node *n = fl_load_acq(node_head, &head);
    if (n != NULL)
        mc_assert(fl_load_rlx(node_read, &n->value) == 1);
}

static void uninitialised(const void *arg)
{
    (void)arg;
    head.fl_value = NULL;
    pair(publish_node, read_node);
}

static void plain_store_to_atomic(const void *arg)
{
    (void)arg;
    reset();
    fl_store_rlx(behind_store, &flag, 1);
    flag.fl_value = 2;
    (void)fl_load_rlx(behind_load, &flag);
}

static void plain_reset_of_atomic(const void *arg)
{
    (void)arg;
    reset();
    fl_store_rlx(again_store, &flag, 1);
    mc_write(&flag);
    flag.fl_value = 2;
    mc_assert(fl_load_rlx(again_load, &flag) == 2);
}

static void seq_cst_load(const void *arg)
{
    (void)arg;
    reset();
    (void)mc_load(mc_site_of(MC_LOAD, MC_SC), &flag, sizeof flag);
}

/* A sleeper and its waker.  The sound one stores before it wakes. */
static void sleeper(void *arg)
{
    (void)arg;
    while (fl_load_rlx(sleeper_load, &flag) == 0)
        if (mc_futex_wait(&flag, 0))
            mc_count("slept");
}

static void waker(void *arg)
{
    (void)arg;
    fl_store_rlx(waker_store, &flag, 1);
    mc_futex_wake(&flag, 1);
}

static void early_waker(void *arg)
{
    (void)arg;
    mc_futex_wake(&flag, 1);
    fl_store_rlx(early_store, &flag, 1);
}

static void wake_one(const void *arg)
{
    (void)arg;
    reset();
    pair(sleeper, waker);
}

static void lost_wake_up(const void *arg)
{
    (void)arg;
    reset();
    pair(sleeper, early_waker);
}

static void sleep_once(void *arg)
{
    (void)arg;
    if (mc_futex_wait(&flag, 0)) {
        mc_count(mc_self() == 1 ? "first" : "second");
        mc_futex_wake(&flag, 1);
    }
}

static void wake_any(const void *arg)
{
    (void)arg;
    reset();
    int a = mc_spawn("a", sleep_once, NULL);
    int b = mc_spawn("b", sleep_once, NULL);
    int c = mc_spawn("c", waker, NULL);
    mc_join(a);
    mc_join(b);
    mc_join(c);
}

static void wait_for_other(void *arg)
{
    (void)arg;
    while (fl_load_acq(other_loop, &other) == 0)
        fl_spin(other_spin);
    fl_store_rel(other_store, &flag, 1);
}

static void wait_for_flag(void *arg)
{
    (void)arg;
    while (fl_load_acq(flag_loop, &flag) == 0)
        fl_spin(flag_spin);
    fl_store_rel(flag_store, &other, 1);
}

static void deadlock_by_spinning(const void *arg)
{
    (void)arg;
    reset();
    pair(wait_for_other, wait_for_flag);
}

static void endless(const void *arg)
{
    (void)arg;
    reset();
    while (fl_load_rlx(endless_load, &flag) == 0)
        ;
}

static void add_by_cas(void *arg)
{
    (void)arg;
    uint32_t seen = fl_load_rlx(count_load, &flag);
    while (!fl_cas_rlx(count_cas, &flag, &seen, seen + 1))
        fl_spin(count_spin);
}

static void counter(const void *arg)
{
    (void)arg;
    reset();
    pair(add_by_cas, add_by_cas);
    mc_assert(fl_load_rlx(count_end, &flag) == 2);
}

static void choices(const void *arg)
{
    static const char *const names[] = {"zero", "one", "two"};
    (void)arg;
    mc_count(names[mc_choose(3)]);
}

#define LITMUS(title, verdict, can, events, result, ...)                                                              \
    {                                                                                                                 \
        .name = title, .about = verdict, .run = litmus, .reach = events, .arg = &(const struct litmus)                \
        {                                                                                                             \
            .outcome = result, .allowed = can, .thread = { __VA_ARGS__ }                                              \
        }                                                                                                             \
    }
#define FORBIDDEN(title, ...) LITMUS(title, "forbidden, not seen", false, NULL, __VA_ARGS__)
#define ALLOWED(title, ...) LITMUS(title, "allowed, seen", true, "weak", __VA_ARGS__)
#define MISSED(title, ...) LITMUS(title, "allowed, MISSED", false, NULL, __VA_ARGS__)
#define SEARCHED(title, how, can, events, result, ...)                                                                \
    {                                                                                                                 \
        .name = title, .about = "search", .run = litmus, .reach = events, .search = {how},                            \
        .arg = &(const struct litmus)                                                                                 \
        {                                                                                                             \
            .outcome = result, .allowed = can, .thread = { __VA_ARGS__ }                                              \
        }                                                                                                             \
    }
#define SOUND(title, function, events)                                                                                \
    {                                                                                                                 \
        .name = title, .about = "sound", .run = function, .reach = events                                             \
    }
#define FAULTY(title, function, text)                                                                                 \
    {                                                                                                                 \
        .name = title, .about = "fault found", .run = function, .fails = text                                         \
    }

static const struct mc_scenario scenarios[] = {
    ALLOWED("SB rlx", "a=0 b=0", "x=1 a=y", "y=1 b=x"),
    ALLOWED("SB rel-acq", "a=0 b=0", "x=1.rel a=y.acq", "y=1.rel b=x.acq"),
    ALLOWED("SB acq_rel fences", "a=0 b=0", "x=1 F.acq_rel a=y", "y=1 F.acq_rel b=x"),
    ALLOWED("SB one sc fence", "a=0 b=0", "x=1 F.sc a=y", "y=1 b=x"),
    FORBIDDEN("SB sc fences", "a=0 b=0", "x=1 F.sc a=y", "y=1 F.sc b=x"),
    FORBIDDEN("SB light-heavy", "a=0 b=0", "x=1 L a=y", "y=1 H b=x"),
    FORBIDDEN("SB heavy-heavy", "a=0 b=0", "x=1 H a=y", "y=1 H b=x"),
    FORBIDDEN("SB heavy-sc fence", "a=0 b=0", "x=1 H a=y", "y=1 F.sc b=x"),
    ALLOWED("SB light-light", "a=0 b=0", "x=1 L a=y", "y=1 L b=x"),
    ALLOWED("SB light-sc fence", "a=0 b=0", "x=1 L a=y", "y=1 F.sc b=x"),
    ALLOWED("SB heavy-nothing", "a=0 b=0", "x=1 H a=y", "y=1 b=x"),
    FORBIDDEN("SB exchange and sc fence", "a=0 b=0", "x=1 F.sc a=y", "c=y+1.acq_rel F.sc b=x"),

    ALLOWED("MP rlx", "a=1 b=0", "x=1 y=1", "a=y b=x"),
    ALLOWED("MP rel-rlx", "a=1 b=0", "x=1 y=1.rel", "a=y b=x"),
    ALLOWED("MP rlx-acq", "a=1 b=0", "x=1 y=1", "a=y.acq b=x"),
    FORBIDDEN("MP rel-acq", "a=1 b=0", "x=1 y=1.rel", "a=y.acq b=x"),
    FORBIDDEN("MP acq_rel fences", "a=1 b=0", "x=1 F.acq_rel y=1", "a=y F.acq_rel b=x"),
    FORBIDDEN("MP rel, acquire fence", "a=1 b=0", "x=1 y=1.rel", "a=y F.acq b=x"),
    FORBIDDEN("MP release fence, acq", "a=1 b=0", "x=1 F.rel y=1", "a=y.acq b=x"),
    ALLOWED("MP light-light", "a=1 b=0", "x=1 L y=1", "a=y L b=x"),
    FORBIDDEN("MP rmw continues the sequence", "a=2 b=0", "x=1 y=1.rel", "c=y+1", "a=y.acq b=x"),
    FORBIDDEN("MP cas continues the sequence", "a=2 b=0", "x=1 y=1.rel", "c=y?1:2", "a=y.acq b=x"),
    ALLOWED("MP own store ends the sequence", "a=2 b=0", "x=1 y=1.rel y=2", "a=y.acq b=x"),
    ALLOWED("MP other's store ends the sequence", "a=2 b=0", "x=1 y=1.rel", "y=2", "a=y.acq b=x"),

    FORBIDDEN("CoRR", "a=2 b=1", "x=1 x=2", "a=x b=x"),
    FORBIDDEN("CoRR two readers", "a=1 b=2 c=2 d=1", "x=1", "x=2", "a=x b=x", "c=x d=x"),
    FORBIDDEN("CoWR", "a=0", "x=1 a=x", "x=2"),
    FORBIDDEN("CoRW", "a=1 x=1", "a=x x=1", "x=2"),
    FORBIDDEN("CoWW", "x=1", "x=1 x=2"),
    FORBIDDEN("rmw are atomic", "a=0 b=0", "a=x+1", "b=x+1"),
    FORBIDDEN("or is atomic", "x=4", "a=x|3", "b=x|4 c=x&6"),
    FORBIDDEN("and is atomic", "x=7", "a=x|3", "b=x|4 c=x&3"),
    FORBIDDEN("MP or rel, and acq", "a=1 b=0", "x=1 c=y|1.rel", "a=y&0.acq b=x"),
    ALLOWED("MP or rlx, and acq", "a=1 b=0", "x=1 c=y|1", "a=y&0.acq b=x"),
    ALLOWED("MP or rel, and rlx", "a=1 b=0", "x=1 c=y|1.rel", "a=y&0 b=x"),
    FORBIDDEN("cas wins once", "a=1 b=1", "a=x?0:1.acq_rel", "b=x?0:2.acq_rel"),
    ALLOWED("cas fails on an old value", "b=1 a=0 x=0", "x=1 x=0 y=1", "b=y a=x?0:3"),

    ALLOWED("WRC rlx", "a=1 b=1 c=0", "x=1", "a=x y=1", "b=y c=x"),
    FORBIDDEN("WRC rel-acq", "a=1 b=1 c=0", "x=1.rel", "a=x.acq y=1.rel", "b=y.acq c=x"),
    FORBIDDEN("WRC acq_rel fences", "a=1 b=1 c=0", "x=1", "a=x F.acq_rel y=1", "b=y F.acq_rel c=x"),
    ALLOWED("ISA2 rlx", "a=1 b=1 c=0", "x=1 y=1", "a=y z=1", "b=z c=x"),
    FORBIDDEN("ISA2 rel-acq", "a=1 b=1 c=0", "x=1 y=1.rel", "a=y.acq z=1.rel", "b=z.acq c=x"),
    ALLOWED("RWC rel-acq", "a=1 b=0 c=0", "x=1.rel", "a=x.acq b=y.acq", "y=1.rel c=x.acq"),
    FORBIDDEN("RWC sc fences", "a=1 b=0 c=0", "x=1", "a=x F.sc b=y", "y=1 F.sc c=x"),
    ALLOWED("IRIW rel-acq", "a=1 b=0 c=1 d=0", "x=1.rel", "y=1.rel", "a=x.acq b=y.acq", "c=y.acq d=x.acq"),
    FORBIDDEN("IRIW sc fences", "a=1 b=0 c=1 d=0", "x=1", "y=1", "a=x F.sc b=y", "c=y F.sc d=x"),
    ALLOWED("W+RWC no last fence", "a=1 b=0 c=0", "x=1 z=1.rel", "a=z.acq F.sc b=y", "y=1 c=x"),
    FORBIDDEN("W+RWC sc fences", "a=1 b=0 c=0", "x=1 z=1.rel", "a=z.acq F.sc b=y", "y=1 F.sc c=x"),
    ALLOWED("R rlx", "a=0 y=2", "x=1 y=1", "y=2 a=x"),
    FORBIDDEN("R sc fences", "a=0 y=2", "x=1 F.sc y=1", "y=2 F.sc a=x"),
    MISSED("S rlx", "a=1 x=2", "x=2 y=1", "a=y x=1"),
    FORBIDDEN("S rel-acq", "a=1 x=2", "x=2 y=1.rel", "a=y.acq x=1"),
    MISSED("LB rlx", "a=1 b=1", "a=x y=1", "b=y x=1"),
    FORBIDDEN("LB rel-acq", "a=1 b=1", "a=x.acq y=1.rel", "b=y.acq x=1.rel"),
    MISSED("2+2W rlx", "x=1 y=1", "x=1 y=2", "y=1 x=2"),
    FORBIDDEN("2+2W sc fences", "x=1 y=1", "x=1 F.sc y=2", "y=1 F.sc x=2"),

    SEARCHED("SB two preemptions", .preemptions = MC_BOUND(2), true, "weak", "a=0 b=0", "x=1 a=y", "y=1 b=x"),
    SEARCHED("IRIW two preemptions", .preemptions = MC_BOUND(2), true, "weak", "a=1 b=0 c=1 d=0", "x=1.rel", "y=1.rel",
             "a=x.acq b=y.acq", "c=y.acq d=x.acq"),
    SEARCHED("SB random", .strategy = MC_RANDOM, true, "weak", "a=0 b=0", "x=1 a=y", "y=1 b=x"),
    SEARCHED("SB pct", .strategy = MC_PCT, true, "weak", "a=0 b=0", "x=1 a=y", "y=1 b=x"),
    SEARCHED("SB no stale read", .stale = MC_BOUND(0), false, NULL, "a=0 b=0", "x=1 a=y", "y=1 b=x"),
    SEARCHED("SB one stale read", .stale = MC_BOUND(1), true, "weak", "a=0 b=0", "x=1 a=y", "y=1 b=x"),

    SOUND("ordered plain data", ordered_data, "seen"),
    SOUND("spinning until published", spin_until_published, "seen"),
    SOUND("counter by cas", counter, NULL),
    SOUND("allocation and free", alloc_and_free, NULL),
    SOUND("plain reset of an atomic", plain_reset_of_atomic, NULL),
    SOUND("futex sleep and wake", wake_one, "slept"),
    SOUND("futex wakes any sleeper", wake_any, "first second"),
    SOUND("choices", choices, "zero one two"),
    FAULTY("plain data race", racy_data, "data race: read of data"),
    FAULTY("spawn is no release fence", spawn_race, "data race: read of data"),
    FAULTY("use after free", use_after_free, "use after free"),
    FAULTY("free during use", free_during_use, ""),
    FAULTY("double free", double_free, "double free"),
    FAULTY("access beyond the block", beyond_the_block, "outside of any allocation"),
    FAULTY("read of uninitialised memory", uninitialised, "nobody has initialised"),
    FAULTY("plain store to an atomic", plain_store_to_atomic, "changed by a plain store"),
    FAULTY("seq_cst load refused", seq_cst_load, "seq_cst load or store"),
    FAULTY("lost futex wake-up", lost_wake_up, "lost wake-up"),
    FAULTY("deadlock by spinning", deadlock_by_spinning, "livelock"),
    FAULTY("endless loop", endless, "no end after"),
    {.name = NULL},
};

const struct mc_program mc_program = {.name = "selftest_litmus", .scenarios = scenarios, .breaks = true};
