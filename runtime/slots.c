#include "slots.h"

#include "filch/error.h"
#include "notes.h"
#include "os.h"

void fl_slot_name(struct filch_runtime *rt, unsigned id)
{
    if (rt->worker[id].runtime)
        return;
    rt->worker[id].runtime = rt;
    rt->worker[id].id = id;
}

static bool make_deque(struct fl_worker *w)
{
    size_t capacity = w->runtime->capacity;
    if (w->own)
        return true;
    void *storage = fl_os_map(fl_deque_bytes(capacity));
    if (!storage)
        return false;
    w->own = fl_deque_init(storage, capacity);
    return true;
}

bool fl_slot_first(struct filch_runtime *rt)
{
    return make_deque(&rt->worker[0]);
}

static void free_deque(struct fl_worker *w)
{
    struct fl_deque *d = w->own;
    if (d) {
        size_t bytes = fl_deque_bytes(w->runtime->capacity);
        fl_notes_free(d);
        fl_os_unmap((char *)d + sizeof *d - bytes, bytes);
    }
}

void fl_slots_free_deques(struct filch_runtime *rt)
{
    for (unsigned i = 0, n = fl_load_rlx(ever_had, &rt->ever); i < n; i++) /* nobody else knows rt any more */
        free_deque(&rt->worker[i]);
}

/* ---- under the lock ---- */

static bool is_taken(const struct fl_worker *w)
{
    return w->lent || fl_load_rlx(slot_helps, &w->helps); /* by the lock */
}

/* The slots that may be taken, but slot 0. */
static unsigned end_of_slots(const struct filch_runtime *rt)
{
    unsigned ever = fl_load_rlx(ever_taken, &rt->ever); /* by the lock */
    return ever < rt->slots ? ever + 1 : rt->slots;
}

static void use(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    if (w->id >= fl_slots(rt))
        fl_store_rlx(slot_used, &rt->used, w->id + 1); /* see fl_slots */
    if (w->id >= fl_load_rlx(ever_used, &rt->ever))    /* by the lock */
        fl_store_rlx(slot_first_used, &rt->ever, w->id + 1);
}

/* Thieves need not look at what nobody has: the last slots that are free. */
static void forget_free_slots(struct filch_runtime *rt)
{
    unsigned n = fl_slots(rt);
    while (n > rt->threads && !is_taken(&rt->worker[n - 1]))
        n--;
    fl_store_rlx(slots_free, &rt->used, n); /* see fl_slots */
}

/* ---- threads of the user ---- */

static struct fl_worker *find(struct filch_runtime *rt, int *error)
{
    *error = FILCH_EFULL;
    for (unsigned i = 0, end = end_of_slots(rt); i < end; i += i ? 1 : rt->threads) {
        if (is_taken(&rt->worker[i]))
            continue;
        fl_slot_name(rt, i);
        if (make_deque(&rt->worker[i]))
            return &rt->worker[i];
        *error = FILCH_ENOMEM;
    }
    return NULL;
}

struct fl_worker *fl_slot_lend(struct filch_runtime *rt, int *error)
{
    pthread_mutex_lock(&rt->lock);
    struct fl_worker *w = find(rt, error);
    if (w) {
        w->lent = true;
        use(w);
    }
    pthread_mutex_unlock(&rt->lock);
    return w;
}

void fl_slot_return(struct fl_worker *w)
{
    pthread_mutex_lock(&w->runtime->lock);
    w->lent = false;
    forget_free_slots(w->runtime);
    pthread_mutex_unlock(&w->runtime->lock);
}

/* ---- helpers ---- */

static void set_helps(struct fl_worker *w, bool helps)
{
    fl_store_rlx(set_helps, &w->helps, helps);                           /* by the lock; and for filch_dump */
    fl_store_rlx(helper_state, &w->state, helps ? FL_RUNNING : FL_FREE); /* for all_wait, by the lock; and the same */
}

static struct fl_worker *take_for_helper(struct filch_runtime *rt)
{
    for (unsigned i = rt->threads, end = end_of_slots(rt); i < end; i++)
        if (!is_taken(&rt->worker[i])) {
            fl_slot_name(rt, i);
            set_helps(&rt->worker[i], true);
            use(&rt->worker[i]);
            return &rt->worker[i];
        }
    return NULL;
}

static void leave(struct fl_worker *w)
{
    struct filch_runtime *rt = w->runtime;
    pthread_mutex_lock(&rt->lock);
    set_helps(w, false);
    forget_free_slots(rt);
    pthread_mutex_unlock(&rt->lock);
}

static void *help(void *arg)
{
    struct fl_worker *w = fl_worker_main(arg);
    struct fl_fibers *pool = &w->runtime->fibers;
    for (struct fl_fiber *f = w->kept, *next; f; f = next) {
        next = f->next;
        f->tied = NULL;
        fl_fibers_put(pool, f);
    }
    w->kept = NULL;
    w->kept_count = 0;
    leave(w);
    return NULL;
}

bool fl_slot_help(struct filch_runtime *rt, bool (*all_wait)(struct filch_runtime *rt))
{
    if (pthread_mutex_trylock(&rt->lock) != 0) /* perhaps by another that waits: hundreds may */
        return true;
    bool needed = all_wait(rt);
    struct fl_worker *w = needed ? take_for_helper(rt) : NULL;
    pthread_mutex_unlock(&rt->lock);
    if (!w)
        return !needed;
    if (w->has_thread) /* of a helper that has left: what ends with it may want the lock */
        pthread_join(w->thread, NULL);
    if (fl_worker_start(w, help) == 0)
        return true;
    leave(w);
    return false;
}
