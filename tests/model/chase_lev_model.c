/* The textbook deque under the model checker.
 *
 *   Scenario  The owner works off a string of P (push) and T (take), each thief steals a few times; then the owner
 *             empties the deque.
 *   Asserts   Every pushed item comes out once, whoever gets it sees the data written before its push, and no slot is
 *             written while the read of it by a winning thief is unordered with that (R5).
 *   Bounds    One thief: everything.  Two thieves: preemptions and stale reads as given below. */
#include "chase_lev.h"

#include "mc.h"

enum { ITEMS = 12, MAX_THIEVES = 2 };

struct plan {
    const char *owner;
    int thieves;
    int steals; /* by each thief */
    size_t capacity;
    size_t first;
};

static struct ref_deque deque;
static int payload[ITEMS];
static int received[ITEMS];
static const struct plan *plan;

static void receive(void *item)
{
    int *p = item;

    mc_assert(p >= payload && p < payload + ITEMS);
    mc_read(p);
    mc_assert(*p == 100 + (int)(p - payload));
    received[p - payload]++;
    mc_assert(received[p - payload] == 1);
}

static void thief(void *arg)
{
    (void)arg;
    for (int i = 0; i < plan->steals; i++) {
        void *item = NULL;
        switch (ref_steal(&deque, &item)) {
        case REF_STOLEN:
            mc_count("steals");
            receive(item);
            break;
        case REF_LOST: mc_count("lost"); break;
        case REF_EMPTY: mc_count("empty"); break;
        }
    }
}

static void owner_takes(void)
{
    void *item = ref_take(&deque);

    if (item != NULL) {
        mc_count("takes");
        receive(item);
    }
}

static void run_plan(const void *arg)
{
    int threads[MAX_THIEVES];
    int pushed = 0;

    plan = arg;
    for (int i = 0; i < ITEMS; i++)
        payload[i] = received[i] = 0;
    mc_write(&deque.top);
    mc_write(&deque.bottom);
    mc_write(&deque.array);
    mc_name(&deque.top, "top");
    mc_name(&deque.bottom, "bottom");
    mc_name(&deque.array, "array");
    mc_name_each(payload, ITEMS, sizeof payload[0], "payload");
    mc_assert(ref_init(&deque, plan->capacity, plan->first));
    const struct ref_array *first_array = fl_load_rlx(model_array, &deque.array);
    mc_name(&first_array->mask, "first array");
    mc_name_each(first_array->slot, plan->capacity, sizeof(struct ref_slot), "slot");
    mc_name_each((const char *)first_array->slot + 1, plan->capacity, sizeof(struct ref_slot), "content");

    for (int i = 0; i < plan->thieves; i++)
        threads[i] = mc_spawn(i == 0 ? "thief" : "thief 2", thief, NULL);
    for (const char *c = plan->owner; *c != '\0'; c++)
        if (*c == 'P') {
            mc_write(&payload[pushed]);
            payload[pushed] = 100 + pushed;
            mc_assert(ref_push(&deque, &payload[pushed]));
            pushed++;
        } else {
            owner_takes();
        }
    if (fl_load_rlx(model_array, &deque.array) != first_array)
        mc_count("growth");
    if ((size_t)pushed > plan->capacity && fl_load_rlx(model_array, &deque.array) == first_array)
        mc_count("reuse");
    for (int i = 0; i < plan->thieves; i++)
        mc_join(threads[i]);
    for (int i = 0; i < pushed; i++)
        owner_takes();
    for (int i = 0; i < pushed; i++)
        mc_assert(received[i] == 1);
    ref_free(&deque);
    mc_assert(mc_blocks() == 0);
}

#define PLAN(title, events, ...)                                                                                      \
    .name = title, .run = run_plan, .reach = events, .arg = &(const struct plan)                                      \
    {                                                                                                                 \
        __VA_ARGS__                                                                                                   \
    }

static const struct mc_scenario scenarios[] = {
    {PLAN("one thief", "steals lost empty takes", "PPTT", 1, 2, 4, 0)},
    {PLAN("one thief, last item again", "steals lost takes", "PTPT", 1, 2, 4, 0)},
    {PLAN("growth from one", "steals takes growth", "PPPTT", 1, 2, 1, 0), .search = {.stale = MC_BOUND(2)}},
    {PLAN("slot reuse", "steals takes reuse", "PTPTP", 1, 2, 2, 0)},
    {PLAN("slot reuse, one slot", "steals takes reuse growth", "PTPP", 1, 2, 1, 0), .search = {.stale = MC_BOUND(2)}},
    {PLAN("indices wrap", "steals takes growth", "PPPTT", 1, 2, 2, SIZE_MAX - 1), .search = {.stale = MC_BOUND(2)}},
    {PLAN("two thieves", "steals lost empty takes", "PPTT", 2, 1, 4, 0),
     .search = {.preemptions = MC_BOUND(2), .stale = MC_BOUND(2)}},
    {PLAN("two thieves, growth", "steals lost takes growth", "PPPTT", 2, 1, 1, 0),
     .search = {.preemptions = MC_BOUND(2), .stale = MC_BOUND(1)}},
    {.name = NULL},
};

static const struct mc_equivalent equivalents[] = {
    {"ref_steal_top:rlx", "the seq_cst fence right behind it makes the relaxed load an acquire; "
                          "written acquire because ThreadSanitizer models no fence"},
    {NULL, NULL},
};

const struct mc_program mc_program = {.name = "chase_lev_model", .scenarios = scenarios, .equivalents = equivalents};
