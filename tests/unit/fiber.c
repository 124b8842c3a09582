/* Fibers: the switch, what travels with it, the pool, from thread to thread.
 *
 *   Compiled twice: once it is linked with the portable switch in place of the library's.  FL_SWITCH is its name. */
#define _GNU_SOURCE
#include <execinfo.h>
#include <fenv.h>
#include <setjmp.h>
#if defined __SSE__
#include <xmmintrin.h>
#endif

#include "arch/switch.h"
#include "fiber_turns.h"

TestSuite(fiber, .timeout = 55);

static int turns;

static void count_turns(void)
{
    for (;;) {
        turns++;
        back();
    }
}

/* ---- the switch ---- */

Test(fiber, the_switch_is_the_one_that_was_asked_for)
{
    cr_assert_str_eq(fl_switch_name, FL_SWITCH);
}

Test(fiber, ping_pong)
{
    begin_with(count_turns);
    struct fl_fiber *f = get();
    for (int i = 1; i <= 10000; i++) {
        go(f);
        cr_assert_eq(turns, i);
    }
    end();
}

/* What the compiler can neither compute again nor combine with others. */
static inline long opaque(long value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

/* More values than there are registers, made before the switches and used after. */
__attribute__((noinline)) static double mixture(int seed, int depth)
{
    long a = opaque(seed), b = opaque(a + 1), c = opaque(b + 1), d = opaque(c + 1), e = opaque(d + 1);
    long f = opaque(e + 1), g = opaque(f + 1), h = opaque(g + 1), i = opaque(h + 1), j = opaque(i + 1);
    long k = opaque(j + 1), l = opaque(k + 1);
    double r = seed, s = r * 1.5 + 1, t = s * 2.5 + r, u = t * 3.5 + s, v = u * 4.5 + t, w = v * 5.5 + u;
    double x = w * 6.5 + v, y = x * 7.5 + w, z = y * 8.5 + x;
    double deeper = 0;
    if (current != &native)
        back();
    if (depth)
        deeper = mixture(seed + 1, depth - 1);
    if (current != &native)
        back();
    long sum = opaque(a) + opaque(b) * 3 + opaque(c) * 5 + opaque(d) * 7 + opaque(e) * 11 + opaque(f) * 13;
    sum += opaque(g) * 17 + opaque(h) * 19 + opaque(i) * 23 + opaque(j) * 29 + opaque(k) * 31 + opaque(l) * 37;
    return (double)sum + r + s + t + u + v + w + x + y + z + deeper;
}

static double mixtures[5];
static int mixture_count;

static void mix(void)
{
    int me = mixture_count++;
    mixtures[me] = mixture(me * 100, 9);
    for (;;)
        back();
}

Test(fiber, values_survive)
{
    enum { N = sizeof mixtures / sizeof *mixtures };
    struct fl_fiber *f[N];
    begin_with(mix);
    for (int i = 0; i < N; i++)
        f[i] = get();
    for (int round = 0; round < 25; round++)
        for (int i = 0; i < N; i++)
            go(f[i]);
    cr_assert_eq(current, &native);
    for (int i = 0; i < N; i++)
        cr_assert_eq(mixtures[i], mixture(i * 100, 9), "fiber %d", i);
    end();
}

static uintptr_t misaligned;

static void look_at_alignment(void)
{
    _Alignas(16) char object[16];
    char *volatile p = object;
    misaligned = (uintptr_t)p % 16 | (uintptr_t)__builtin_frame_address(0) % 16;
    back();
}

Test(fiber, the_stack_is_aligned_and_the_fiber_too)
{
    misaligned = 1;
    begin_with(look_at_alignment);
    for (int i = 0; i < 20; i++) {
        struct fl_fiber *f = get();
        go(f);
        cr_assert_eq(misaligned, 0u);
        cr_assert_eq((uintptr_t)f % FL_CACHE_LINE, 0u);
        cr_assert_eq((uintptr_t)f->deque % FL_CACHE_LINE, 0u);
        cr_assert(f->stack_size >= STACK);
    }
    end();
}

/* ---- what travels ---- */

/* The rounding mode of a type's unit, by effect: FE_TONEAREST, FE_UPWARD or FE_DOWNWARD. */
#define ROUNDING_OF(T, one, tiny)                                                                                     \
    static int rounding_of_##T(void)                                                                                  \
    {                                                                                                                 \
        volatile T unit = one, little = tiny;                                                                         \
        return unit + little > unit ? FE_UPWARD : unit - little < unit ? FE_DOWNWARD : FE_TONEAREST;                  \
    }
typedef long double extended;
ROUNDING_OF(float, 1, 0x1p-60f)
ROUNDING_OF(extended, 1, 0x1p-200L)

/* valgrind computes with the default control words, whatever a program sets. */
static void require_control(bool works)
{
    if (!works)
        cr_skip_test("control words have no effect here");
}

static void require_rounding(void)
{
    fesetround(FE_UPWARD);
    require_control(rounding_of_float() == FE_UPWARD && rounding_of_extended() == FE_UPWARD);
    fesetround(FE_TONEAREST);
}

static int float_inside, extended_inside;

static void look_at_rounding(void)
{
    for (;;) {
        float_inside = rounding_of_float();
        extended_inside = rounding_of_extended();
        back();
        fesetround(FE_DOWNWARD);
    }
}

Test(fiber, rounding_modes_travel)
{
    require_rounding();
    begin_with(look_at_rounding);
    struct fl_fiber *f = get();
    for (int i = 0; i < 4; i++) {
        fesetround(i % 2 ? FE_TONEAREST : FE_UPWARD);
        go(f);
        cr_assert_eq(rounding_of_float(), i % 2 ? FE_TONEAREST : FE_UPWARD);
        cr_assert_eq(rounding_of_extended(), i % 2 ? FE_TONEAREST : FE_UPWARD);
        cr_assert_eq(float_inside, i ? FE_DOWNWARD : FE_TONEAREST);
        cr_assert_eq(extended_inside, i ? FE_DOWNWARD : FE_TONEAREST);
    }
    end();
}

Test(fiber, a_fiber_begins_with_the_rounding_of_who_made_the_pool)
{
    require_rounding();
    fesetround(FE_DOWNWARD);
    begin_with(look_at_rounding);
    fesetround(FE_UPWARD);
    go(get());
    cr_assert_eq(float_inside, FE_DOWNWARD);
    cr_assert_eq(extended_inside, FE_DOWNWARD);
    cr_assert_eq(rounding_of_float(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    end();
}

#if defined __SSE__
static unsigned mxcsr_inside;

static void flush_to_zero(void)
{
    _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
    for (;;) {
        back();
        mxcsr_inside = _mm_getcsr();
    }
}

Test(fiber, flush_to_zero_travels)
{
    _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
    require_control(_MM_GET_FLUSH_ZERO_MODE() == _MM_FLUSH_ZERO_ON);
    _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_OFF);
    begin_with(flush_to_zero);
    struct fl_fiber *f = get();
    go(f);
    cr_assert_eq(_MM_GET_FLUSH_ZERO_MODE(), (unsigned)_MM_FLUSH_ZERO_OFF);
    go(f);
    cr_assert_eq(mxcsr_inside & _MM_FLUSH_ZERO_MASK, (unsigned)_MM_FLUSH_ZERO_ON);
    cr_assert_eq(_MM_GET_FLUSH_ZERO_MODE(), (unsigned)_MM_FLUSH_ZERO_OFF);
    end();
}
#endif

#if defined __x86_64__
static unsigned control_word(void)
{
    unsigned short word;
    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
}

static void set_control_word(unsigned word)
{
    unsigned short w = (unsigned short)word;
    __asm__ volatile("fldcw %0" : : "m"(w));
}

static unsigned word_inside;

static void narrow(void)
{
    set_control_word(control_word() & ~0x300u);
    for (;;) {
        back();
        word_inside = control_word();
    }
}

/* Unlike rounding it is not in MXCSR, too. */
Test(fiber, the_precision_of_the_x87_travels)
{
    unsigned word = control_word();
    set_control_word(word & ~0x300u);
    require_control(control_word() == (word & ~0x300u));
    set_control_word(word);
    begin_with(narrow);
    struct fl_fiber *f = get();
    cr_assert_eq(word & 0x300, 0x300u);
    go(f);
    cr_assert_eq(control_word(), word);
    go(f);
    cr_assert_eq(word_inside, word & ~0x300u);
    cr_assert_eq(control_word(), word);
    end();
}
#endif

static bool blocked(void)
{
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    return sigismember(&now, SIGUSR1);
}

static bool blocked_inside;

static void look_at_mask(void)
{
    for (;;) {
        blocked_inside = blocked();
        back();
    }
}

Test(fiber, the_signal_mask_stays_with_the_thread)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    begin_with(look_at_mask);
    struct fl_fiber *f = get();
    for (int i = 0; i < 4; i++) {
        pthread_sigmask(i % 2 ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
        go(f);
        cr_assert_eq(blocked_inside, i % 2 == 0);
        cr_assert_eq(blocked(), i % 2 == 0);
    }
    end();
}

/* ---- unwinding ---- */

static int frames_seen;

static void look_at_frames(void)
{
    void *frames[64];
    frames_seen = backtrace(frames, 64);
    back();
}

Test(fiber, frames_end_where_the_fiber_begins)
{
    begin_with(look_at_frames);
    go(get());
    cr_assert(frames_seen >= 2 && frames_seen <= 6, "%d frames", frames_seen);
    end();
}

static jmp_buf jump;

__attribute__((noinline)) static int leap(int depth)
{
    volatile char frame[100];
    frame[0] = (char)depth;
    if (depth == 20)
        longjmp(jump, 1);
    return depth > 20 ? 0 : leap(depth + 1) + frame[0];
}

__attribute__((noinline)) static void use_what_was_left(size_t bytes)
{
    volatile char *frame = __builtin_alloca(bytes);
    for (size_t i = 0; i < bytes; i++)
        frame[i] = 1;
}

static void leap_and_go_on(void)
{
    if (setjmp(jump) == 0)
        turns += leap(0);
    use_what_was_left(8192);
    turns++;
    back();
}

/* AddressSanitizer must know the stack's bounds to forget of the frames that were left. */
Test(fiber, a_long_jump_on_a_fiber)
{
    begin_with(leap_and_go_on);
    go(get());
    cr_assert_eq(turns, 1);
    end();
}

/* ---- the pool ---- */

Test(fiber, a_fiber_that_was_put_is_got_again_and_goes_on)
{
    begin_with(count_turns);
    struct fl_fiber *a = get(), *b = get();
    struct fl_deque *deque = a->deque;
    cr_assert(deque && a->deque != b->deque);
    cr_assert(fl_deque_idle(deque) && fl_deque_is_valid(deque));
    go(a);
    go(b);
    fl_fibers_put(&fibers, a);
    fl_fibers_put(&fibers, b);
    cr_assert_eq(get(), b, "last in, first out");
    cr_assert_eq(get(), a);
    cr_assert_eq(a->deque, deque);
    go(a);
    cr_assert_eq(turns, 3);
    cr_assert_eq(fibers.made, 2u);
    cr_assert_eq(fibers.pooled, 0u);
    end();
}

Test(fiber, every_slot_of_the_deque_is_memory_and_no_other_fibers)
{
    begin_with(count_turns);
    struct fl_fiber *f[20];
    for (int i = 0; i < 20; i++)
        f[i] = get();
    for (int i = 0; i < 20; i++) {
        struct filch_detail_deque *d = &f[i]->deque->hot;
        cr_assert_eq(d->base, (uintptr_t)0 - SLOTS);
        *(uintptr_t *)filch_detail_slot_at(d, d->base) = (uintptr_t)i + 1;
        *(uintptr_t *)filch_detail_slot_at(d, FILCH_DETAIL_LAST) = (uintptr_t)i + 1;
        go(f[i]);
    }
    for (int i = 0; i < 20; i++) {
        struct filch_detail_deque *d = &f[i]->deque->hot;
        cr_assert_eq(*(uintptr_t *)filch_detail_slot_at(d, d->base), (uintptr_t)i + 1);
        cr_assert_eq(*(uintptr_t *)filch_detail_slot_at(d, FILCH_DETAIL_LAST), (uintptr_t)i + 1);
        cr_assert(f[i]->stack_low + f[i]->stack_size == (char *)filch_detail_slot_at(d, d->base));
        go(f[i]);
    }
    cr_assert_eq(turns, 40);
    end();
}

Test(fiber, at_the_limit_there_is_none_and_later_one_again)
{
    begin_with(count_turns);
    fibers.most = 5;
    struct fl_fiber *f[5];
    for (int i = 0; i < 5; i++)
        f[i] = get();
    for (int i = 0; i < 3; i++)
        cr_assert_null(fl_fibers_get(&fibers));
    fl_fibers_put(&fibers, f[3]);
    cr_assert_eq(get(), f[3]);
    cr_assert_null(fl_fibers_get(&fibers));
    cr_assert_eq(fibers.in_use, 5u);
    cr_assert_eq(fibers.peak, 5u);
    cr_assert_eq(fibers.made, 5u);
    fibers.most = 30;
    for (int i = 5; i < 30; i++)
        (void)get();
    cr_assert_null(fl_fibers_get(&fibers));
    end();
}

/* ---- from thread to thread ---- */

enum { HANDOVERS = 2000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t handed = PTHREAD_COND_INITIALIZER;
static int holder;                  /* guarded by lock: who may resume the traveller */
static struct fl_fiber *traveller;  /* not running while the lock is free */
static struct fl_fiber *resumed_by; /* written before each switch to it */
static int rounds_travelled, same_thread;
static double travelled;

/* A call, so that no address of thread-local storage is kept over a switch. */
__attribute__((noinline)) static pthread_t who(void)
{
    __asm__ volatile("");
    return pthread_self();
}

static void travel(void)
{
    long sum = 0;
    double product = 1;
    pthread_t before = who();
    for (int i = 1;; i++) {
        sum += i;
        product *= 1.0001;
        rounds_travelled = i;
        travelled = (double)sum + product;
        fl_fiber_switch(traveller, resumed_by);
        same_thread += pthread_equal(before, who()) != 0;
        before = who();
    }
}

static void *resume_in_turn(void *arg)
{
    int me = *(int *)arg;
    struct fl_fiber own;
    fl_fiber_init_native(&own, NULL, NULL);
    for (int i = 0; i < HANDOVERS; i++) {
        pthread_mutex_lock(&lock);
        while (holder != me)
            pthread_cond_wait(&handed, &lock);
        pthread_mutex_unlock(&lock);
        resumed_by = &own;
        fl_fiber_switch(&own, traveller);
        pthread_mutex_lock(&lock);
        holder = !me;
        pthread_cond_broadcast(&handed);
        pthread_mutex_unlock(&lock);
    }
    fl_fiber_end_native(&own);
    return NULL;
}

Test(fiber, a_fiber_goes_on_on_another_thread)
{
    pthread_t threads[2];
    int id[2] = {0, 1};
    fl_fibers_init(&fibers, STACK, SLOTS, travel);
    traveller = get();
    for (int i = 0; i < 2; i++)
        start_thread(&threads[i], resume_in_turn, &id[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    long sum = 0;
    double product = 1;
    for (int i = 1; i <= 2 * HANDOVERS; i++) {
        sum += i;
        product *= 1.0001;
    }
    cr_assert_eq(rounds_travelled, 2 * HANDOVERS);
    cr_assert_eq(travelled, (double)sum + product);
    cr_assert_eq(same_thread, 0, "not exercised");
    fl_fibers_destroy(&fibers);
}

/* Deep on one thread, up again on another. */
enum { DIVERS = 10, DEPTH = 10000 };

static struct fl_fiber *diver;
static int risen;

__attribute__((noinline)) static int dive(int depth)
{
    if (depth == DEPTH)
        fl_fiber_switch(diver, resumed_by);
    else
        depth = dive(depth + 1) - 1;
    return depth;
}

static void dive_and_rise(void)
{
    for (;;) {
        risen += dive(0) == 0;
        fl_fiber_switch(diver, resumed_by);
    }
}

static void *resume_divers(void *arg)
{
    struct fl_fiber **divers = arg, own;
    fl_fiber_init_native(&own, NULL, NULL);
    resumed_by = &own;
    for (int i = 0; i < DIVERS; i++) {
        diver = divers[i];
        fl_fiber_switch(&own, diver);
    }
    fl_fiber_end_native(&own);
    return NULL;
}

/* ThreadSanitizer counts calls and returns of a thread and has room for 65,536: it ends badly if nobody tells it of
 * fibers. */
Test(fiber, many_frames_of_one_thread_return_on_another)
{
    struct fl_fiber *divers[DIVERS];
    fl_fibers_init(&fibers, STACK, SLOTS, dive_and_rise);
    for (int i = 0; i < DIVERS; i++)
        divers[i] = get();
    run_thread(resume_divers, divers);
    cr_assert_eq(risen, 0);
    run_thread(resume_divers, divers);
    cr_assert_eq(risen, (int)DIVERS);
    fl_fibers_destroy(&fibers);
}

static void *get_and_put(void *arg)
{
    struct fl_fiber *mine[8];
    for (int i = 0; i < 500; i++) {
        for (int k = 0; k < 8; k++) {
            mine[k] = fl_fibers_get(&fibers);
            if (mine[k])
                mine[k]->tied = arg; /* a race here means that a fiber was given to two */
        }
        for (int k = 0; k < 8; k++)
            if (mine[k]) {
                if (mine[k]->tied != arg)
                    abort();
                fl_fibers_put(&fibers, mine[k]);
            }
    }
    return NULL;
}

Test(fiber, many_threads_share_a_pool)
{
    pthread_t threads[4];
    int id[4];
    fl_fibers_init(&fibers, STACK, SLOTS, count_turns);
    fibers.keep = 5;
    fibers.most = 30;
    for (int i = 0; i < 4; i++)
        start_thread(&threads[i], get_and_put, &id[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(fibers.in_use, 0u);
    cr_assert_eq(fibers.pooled, fibers.made);
    cr_assert(fibers.made >= 8 && fibers.made <= 30);
    fl_fibers_destroy(&fibers);
}
