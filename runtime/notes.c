#include "notes.h"

#include "os.h"

/* ---- storage ---- */

static size_t before(const struct fl_deque *d)
{
    return ((uintptr_t)0 - d->hot.base) * sizeof(struct fl_note);
}

struct fl_notes *fl_notes_of(struct fl_deque *d)
{
    if (d->notes)
        return d->notes;
    char *low = fl_os_map(before(d) + sizeof(struct fl_notes));
    if (low)
        d->notes = (struct fl_notes *)(void *)(low + before(d));
    return d->notes;
}

void fl_notes_free(struct fl_deque *d)
{
    if (d->notes)
        fl_os_unmap((char *)d->notes - before(d), before(d) + sizeof(struct fl_notes));
    d->notes = NULL;
}

/* ---- notes ---- */

static uintptr_t *hint_of(struct fl_notes *notes, const struct filch_detail_task *t)
{
    return &notes->hint[(uintptr_t)t / sizeof *t % FL_HINTS];
}

void fl_notes_add(struct fl_deque *d, const struct filch_detail_task *t, const filch_site *site)
{
    struct fl_notes *notes = fl_notes_of(d);
    if (!notes)
        return;
    *fl_note_at(notes, t->slot) = (struct fl_note){t, site};
    *hint_of(notes, t) = t->slot;
}

void fl_notes_wipe(struct fl_deque *d, const struct filch_detail_task *t)
{
    if (d->notes)
        *fl_note_at(d->notes, t->slot) = (struct fl_note){NULL, NULL};
}

const filch_site *fl_notes_site(struct fl_deque *d, uintptr_t i, const struct filch_detail_task *t)
{
    return d->notes && fl_note_at(d->notes, i)->task == t ? fl_note_at(d->notes, i)->site : NULL;
}

bool fl_notes_know(struct fl_deque *d, const struct filch_detail_task *t)
{
    return d->notes && fl_deque_has(d, *hint_of(d->notes, t), t);
}
