#include "check.h"

#include <stdio.h>

#include "fork.h"
#include "message.h"
#include "notes.h"
#include "os.h"

static int id_of(const struct fl_worker *w)
{
    return w ? (int)w->id : -1;
}

/* ---- in every build ---- */

void fl_check_sync_failed(const struct filch_detail_task *t)
{
    fl_fork_check("sync", NULL);
    struct fl_worker *w = fl_self();
    const struct filch_detail_task *known = t->slot == FILCH_DETAIL_SYNCED ? t : w ? fl_own_deque(w)->task : NULL;
    fl_misuse(known == t || !known ? "sync" : "sync inside", known ? known->site : NULL, id_of(w),
              "this task was not spawned by this function call on this thread, or was synced before: sync each task "
              "once, where it was spawned");
}

const filch_site *fl_check_unsynced_site(struct fl_deque *d)
{
    uintptr_t slot;
    const struct filch_detail_task *t = fl_deque_youngest(d, &slot);
    return t ? fl_notes_site(d, slot, t) : NULL;
}

void fl_check_left(const char *call, const filch_site *site, struct fl_deque *d)
{
    const filch_site *unsynced = fl_check_unsynced_site(d);
    char where[128];
    snprintf(where, sizeof where, site && unsynced ? "%s of %s" : "%s", call, site ? site->name : "");
    if (unsynced)
        fl_misuse(where, unsynced, id_of(fl_self()),
                  "this task is not synced: sync it in the function call that spawned it, on each path");
    fl_misuse(
        where, site, id_of(fl_self()),
        "a task was left unsynced: sync each task in the function call that spawned it, on each path; FILCH_CHECK "
        "names the task");
}

/* ---- FILCH_CHECK ---- */

/* M1's bounds: of the stack that d's owner runs on; asked once. */
static void find_stack(struct fl_notes *notes, const struct fl_fiber *f)
{
    if (notes->stack_high)
        return;
    if (f->stack_low) {
        notes->stack_low = (uintptr_t)f->stack_low;
        notes->stack_high = notes->stack_low + f->stack_size;
    } else {
        fl_os_stack_bounds(&notes->stack_low, &notes->stack_high);
    }
}

/* M1: the unsynced task that was spawned last, unless it is t, whose sync this is, lives still.  `frame` is at or above
 * all that lies on the stack beneath the caller of filch's function. */
static void check_last(struct fl_worker *w, const struct filch_detail_task *t, const char *call, uintptr_t frame)
{
    uintptr_t slot;
    struct fl_deque *d = fl_own_deque(w);
    const struct filch_detail_task *last = fl_deque_youngest(d, &slot);
    struct fl_notes *notes = last && last != t ? fl_notes_of(d) : NULL;
    if (!notes)
        return;
    find_stack(notes, w->fiber);
    if ((uintptr_t)last < notes->stack_low || (uintptr_t)last >= frame || frame > notes->stack_high)
        return;
    fl_misuse(call, fl_notes_site(d, slot, last), id_of(w),
              "a function that has returned left this task unsynced: sync it in the function call that spawned it, on "
              "each path");
}

__attribute__((noreturn)) void filch_detail_no_function(const filch_site *site)
{
    fl_misuse("spawn", site, id_of(fl_self()), "its function is NULL: give it one");
}

/* noinline: it asks for its frame, below which nothing of its callers lies. */
__attribute__((noinline)) void filch_detail_spawn_checked(struct filch_detail_task *t, const filch_site *site)
{
    struct fl_worker *w = fl_self();
    if (w && fl_notes_know(fl_own_deque(w), t))
        fl_misuse("spawn", site, id_of(w),
                  "this task was spawned before and is not synced: sync it before it is spawned again");
    if (w)
        check_last(w, NULL, "a later spawn", (uintptr_t)__builtin_frame_address(0));
    filch_detail_spawn_on(filch_detail_here(), t, site);
    w = fl_self(); /* the first spawn has attached the thread; one without room may have run t, and migrated */
    if (w && t->slot != FILCH_DETAIL_RAN)
        fl_notes_add(fl_own_deque(w), t, site);
}

/* Never touches *t beyond its slot before it is known to be waiting here. */
__attribute__((noinline)) int filch_detail_sync_checked(struct filch_detail_task *t)
{
    struct fl_worker *w = fl_self();
    bool ran = t->slot == FILCH_DETAIL_RAN;
    if (!ran && (!w || !fl_deque_holds(fl_own_deque(w), t)))
        fl_check_sync_failed(t);
    if (w)
        check_last(w, t, "a later sync", (uintptr_t)__builtin_frame_address(0));
    if (!ran)
        fl_notes_wipe(fl_own_deque(w), t);
    int run = ran ? 0 : filch_detail_sync_on(filch_detail_here(), t);
    t->slot = run ? FILCH_DETAIL_CALLED + fl_deque_count(fl_own_deque(fl_self())) : FILCH_DETAIL_SYNCED;
    return run;
}

/* M2.  The task may have detached its thread, or stopped the runtime: there was nothing unsynced then, nor is there. */
void filch_detail_returned(struct filch_detail_task *t)
{
    struct fl_worker *w = fl_self();
    uintptr_t before = t->slot - FILCH_DETAIL_CALLED, after = w ? fl_deque_count(fl_own_deque(w)) : before;
    t->slot = FILCH_DETAIL_SYNCED;
    if (after > before)
        fl_check_left("return", t->site, fl_own_deque(w));
    if (after < before)
        fl_misuse("return", t->site, id_of(w),
                  "it synced a task of its caller's: sync each task in the function call that spawned it");
}
