/* L0: a lock for what is done seldom, in slow paths only.  Under the model checker it is a word that its threads can
 * wait for.
 *
 *   L1 What was done under the lock is seen by who has it next. */
#ifndef FL_LOCK_H
#define FL_LOCK_H

#include "base.h"

#if defined FL_MODEL
struct fl_lock {
    FL_ATOMIC(uint32_t) word;
};

static inline void fl_lock_init(struct fl_lock *l)
{
    fl_store_rlx(lock_init, &l->word, 0); /* nobody else knows it */
}

static inline bool fl_try_lock(struct fl_lock *l)
{
    return !fl_xchg_acq(try_lock, &l->word, 1); /* L1: pairs with the release unlock */
}

static inline void fl_lock(struct fl_lock *l)
{
    while (!fl_try_lock(l))
        fl_spin(lock_wait);
}

static inline void fl_unlock(struct fl_lock *l)
{
    fl_store_rel(unlock, &l->word, 0); /* L1: pairs with the acquire try_lock */
}

static inline void fl_lock_destroy(struct fl_lock *l)
{
    (void)l;
}
#else
#include <pthread.h>

struct fl_lock {
    pthread_mutex_t mutex;
};

static inline void fl_lock_init(struct fl_lock *l)
{
    pthread_mutex_init(&l->mutex, NULL);
}

static inline bool fl_try_lock(struct fl_lock *l)
{
    return pthread_mutex_trylock(&l->mutex) == 0;
}

static inline void fl_lock(struct fl_lock *l)
{
    pthread_mutex_lock(&l->mutex);
}

static inline void fl_unlock(struct fl_lock *l)
{
    pthread_mutex_unlock(&l->mutex);
}

static inline void fl_lock_destroy(struct fl_lock *l)
{
    pthread_mutex_destroy(&l->mutex);
}
#endif

#endif
