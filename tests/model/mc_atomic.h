/* The fl_ vocabulary as the model checker hears it: included by filch/detail/atomic.h when FL_MODEL is defined.
 *
 *   Purpose   Each operation becomes a call of mc.h with a static record of its site.  The records' addresses are
 *             gathered in a linker section, so that a program knows the sites that it never reached, too.
 *   Rules     A site name is one identifier.  Written in several places, it has one kind and one order.  Objects are
 *             integers, enums, bool or pointers of 1 to 8 bytes; results have the object's own type. */
#ifndef MC_ATOMIC_H
#define MC_ATOMIC_H

#include "mc.h"

#define MC_SITE(site, site_kind, order)                                                                               \
    __extension__({                                                                                                   \
        static struct mc_site mc_site_##site = {.name = #site,                                                        \
                                                .file = __FILE__,                                                     \
                                                .kind = (site_kind),                                                  \
                                                .written = (order),                                                   \
                                                .now = (order),                                                       \
                                                .main = &mc_site_##site};                                             \
        static struct mc_site *const mc_entry_##site __attribute__((section("mc_sites"), used)) = &mc_site_##site;    \
        &mc_site_##site;                                                                                              \
    })

/* The comma takes the qualifiers off. */
#define MC_TYPE(p) __typeof__(((void)0, (p)->fl_value))
#define MC_AT(p) &(p)->fl_value, sizeof((p)->fl_value)
#define MC_FROM(p, v) ((uint64_t)(uintptr_t)(MC_TYPE(p))(v))
#define MC_TO(p, v) ((MC_TYPE(p))(uintptr_t)(v))

#define MC_LOAD_AT(site, o, p) MC_TO(p, mc_load(MC_SITE(site, MC_LOAD, o), MC_AT(p)))
#define MC_STORE_AT(site, o, p, v) mc_store(MC_SITE(site, MC_STORE, o), MC_AT(p), MC_FROM(p, v))
#define MC_XCHG_AT(site, o, p, v) MC_TO(p, mc_exchange(MC_SITE(site, MC_RMW, o), MC_AT(p), MC_FROM(p, v)))
#define MC_ADD_AT(site, o, p, v) MC_TO(p, mc_add(MC_SITE(site, MC_RMW, o), MC_AT(p), MC_FROM(p, v)))
#define MC_OR_AT(site, o, p, v) MC_TO(p, mc_or(MC_SITE(site, MC_RMW, o), MC_AT(p), MC_FROM(p, v)))
#define MC_AND_AT(site, o, p, v) MC_TO(p, mc_and(MC_SITE(site, MC_RMW, o), MC_AT(p), MC_FROM(p, v)))
#define MC_CAS_AT(site, o, p, e, v) mc_cas(MC_SITE(site, MC_RMW, o), MC_AT(p), (e), MC_FROM(p, v))

#define fl_load_rlx(site, p) MC_LOAD_AT(site, MC_RLX, p)
#define fl_load_acq(site, p) MC_LOAD_AT(site, MC_ACQ, p)

#define fl_store_rlx(site, p, v) MC_STORE_AT(site, MC_RLX, p, v)
#define fl_store_rel(site, p, v) MC_STORE_AT(site, MC_REL, p, v)

#define fl_xchg_rlx(site, p, v) MC_XCHG_AT(site, MC_RLX, p, v)
#define fl_xchg_acq(site, p, v) MC_XCHG_AT(site, MC_ACQ, p, v)
#define fl_xchg_rel(site, p, v) MC_XCHG_AT(site, MC_REL, p, v)
#define fl_xchg_acq_rel(site, p, v) MC_XCHG_AT(site, MC_ACQ_REL, p, v)

#define fl_add_rlx(site, p, v) MC_ADD_AT(site, MC_RLX, p, v)
#define fl_add_acq(site, p, v) MC_ADD_AT(site, MC_ACQ, p, v)
#define fl_add_rel(site, p, v) MC_ADD_AT(site, MC_REL, p, v)
#define fl_add_acq_rel(site, p, v) MC_ADD_AT(site, MC_ACQ_REL, p, v)

#define fl_or_rel(site, p, v) MC_OR_AT(site, MC_REL, p, v)
#define fl_and_acq(site, p, v) MC_AND_AT(site, MC_ACQ, p, v)
#define fl_and_acq_rel(site, p, v) MC_AND_AT(site, MC_ACQ_REL, p, v)

#define fl_cas_rlx(site, p, expected, v) MC_CAS_AT(site, MC_RLX, p, expected, v)
#define fl_cas_acq(site, p, expected, v) MC_CAS_AT(site, MC_ACQ, p, expected, v)
#define fl_cas_rel(site, p, expected, v) MC_CAS_AT(site, MC_REL, p, expected, v)
#define fl_cas_acq_rel(site, p, expected, v) MC_CAS_AT(site, MC_ACQ_REL, p, expected, v)
#define fl_cas_sc(site, p, expected, v) MC_CAS_AT(site, MC_SC, p, expected, v)

#define fl_fence_sc(site) mc_fence(MC_SITE(site, MC_FENCE, MC_SC))
#define fl_fence_light(site) mc_fence_light(MC_SITE(site, MC_LIGHT, MC_SC))
#define fl_fence_heavy(site) mc_fence_heavy(MC_SITE(site, MC_HEAVY, MC_SC))

#define fl_spin(site) mc_spin(MC_SITE(site, MC_SPIN, MC_NONE))

#define FL_MUTANT(fault_name)                                                                                         \
    __extension__({                                                                                                   \
        static struct mc_fault mc_fault_##fault_name = {                                                              \
            .name = #fault_name, .file = __FILE__, .main = &mc_fault_##fault_name};                                   \
        static struct mc_fault *const mc_fentry_##fault_name __attribute__((section("mc_faults"), used)) =            \
            &mc_fault_##fault_name;                                                                                   \
        mc_fault_on(&mc_fault_##fault_name);                                                                          \
    })

#endif
