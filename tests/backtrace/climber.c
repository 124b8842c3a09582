/* A program for debuggers and profilers: main asks for an errand; a thief runs it on a fiber; at the summit of a
 * recursion it syncs out of order, then waits for a stolen child and goes on on another thread; then it spawns until
 * its deque is full.
 *
 *   climber [labour|overrun sync|spawn]   Before the sync that has waited returns, or in the spawn that finds the deque
 *                                         full, it labours or writes beyond a block.
 *   climber valgrind                      The same as without arguments; 77 if the library cannot tell valgrind.
 *   climber marks                         No runtime: two stacks, and all that a switch must keep has known values. */
#include <filch.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/switch.h"
#include "stolen.h"
#include "suspended.h"
#include "worker.h"

/* Stays a function of its own, so that its name is in every backtrace. */
#if defined __clang__
#define FRAME __attribute__((noinline))
#else
#define FRAME __attribute__((noinline, noclone))
#endif

enum { HEIGHT = 4, DEQUE = 64 };
enum { HERE = 1000, THERE = 2000, SUMMIT = 3000 }; /* marks; gdb.sh knows them */

struct fl_fiber *suspended; /* that of the errand; debuggers read it */
static atomic_bool errand_began, valley_began;
static const char *what, *where;
static volatile unsigned long sink;

/* ---- marks ---- */

typedef void *switches(void **from, void *to, void *pass);

/* Calls fn(from, to, pass) with rbx, r12, r13, r14, r15 = mark, mark + 1, ... mark + 4 and a frame pointer in rbp, 48
 * above the stack pointer.  Whoever finds other values in this frame was misled about what a function below saved.
 * Stops the program if fn itself did not keep them. */
#if defined __x86_64__
void *with_marks(long mark, void **from, void *to, void *pass, switches *fn);
__asm__(".text\n"
        ".globl with_marks\n"
        ".hidden with_marks\n"
        ".type with_marks, @function\n"
        "with_marks:\n"
        ".cfi_startproc\n"
        "endbr64\n"
        "pushq %rbp\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %rbp, 0\n"
        "movq %rsp, %rbp\n"
        ".cfi_def_cfa_register %rbp\n"
        "pushq %rbx\n"
        ".cfi_offset %rbx, -24\n"
        "pushq %r12\n"
        ".cfi_offset %r12, -32\n"
        "pushq %r13\n"
        ".cfi_offset %r13, -40\n"
        "pushq %r14\n"
        ".cfi_offset %r14, -48\n"
        "pushq %r15\n"
        ".cfi_offset %r15, -56\n"
        "pushq %rdi\n"
        "movq %rdi, %rbx\n"
        "leaq 1(%rdi), %r12\n"
        "leaq 2(%rdi), %r13\n"
        "leaq 3(%rdi), %r14\n"
        "leaq 4(%rdi), %r15\n"
        "movq %rsi, %rdi\n"
        "movq %rdx, %rsi\n"
        "movq %rcx, %rdx\n"
        "call *%r8\n"
        "popq %rdi\n"
        "cmpq %rdi, %rbx\n"
        "jne 1f\n"
        "incq %rdi\n"
        "cmpq %rdi, %r12\n"
        "jne 1f\n"
        "incq %rdi\n"
        "cmpq %rdi, %r13\n"
        "jne 1f\n"
        "incq %rdi\n"
        "cmpq %rdi, %r14\n"
        "jne 1f\n"
        "incq %rdi\n"
        "cmpq %rdi, %r15\n"
        "jne 1f\n"
        "leaq 40(%rsp), %rdi\n"
        "cmpq %rdi, %rbp\n"
        "jne 1f\n"
        "popq %r15\n"
        "popq %r14\n"
        "popq %r13\n"
        "popq %r12\n"
        "popq %rbx\n"
        "popq %rbp\n"
        ".cfi_def_cfa %rsp, 8\n"
        "ret\n"
        ".cfi_def_cfa %rbp, 16\n"
        "1: ud2\n"
        ".cfi_endproc\n"
        ".size with_marks, . - with_marks\n");
#else
FRAME static void *with_marks(long mark, void **from, void *to, void *pass, switches *fn)
{
    sink = (unsigned long)mark;
    void *result = fn(from, to, pass);
    sink = 6;
    return result;
}
#endif

static void *here_sp, *there_sp;
static _Alignas(16) char marked_stack[1 << 16];

static void there(void *self, void *passed)
{
    (void)self;
    (void)passed;
    for (;;)
        with_marks(THERE, &there_sp, here_sp, NULL, fl_switch);
}

/* To a stack's beginning, back, to its middle, and back. */
static void two_rounds(uintptr_t control)
{
    there_sp = fl_switch_prepare(marked_stack + sizeof marked_stack, there, marked_stack, control);
    for (int i = 0; i < 2; i++)
        with_marks(HERE, &here_sp, there_sp, NULL, fl_switch);
}

static void marks(void)
{
    uintptr_t control = fl_switch_control();
    two_rounds(control);
#if defined __x86_64__
    two_rounds(control ^ 0x8000); /* flush to zero: these switches load the control words, too */
#endif
    fl_switch_control_free(control);
}

/* ---- what happens in a slow path ---- */

FRAME static void labour(void)
{
    for (unsigned long i = 0; i < 300000000; i++)
        sink = i;
}

FRAME static void overrun(void)
{
    volatile size_t size = 3;            /* so that no compiler sees it coming */
    volatile char *three = malloc(size); /* and none leaves the store out */
    if (!three)
        abort();
    three[3] = 1;
    free((void *)(uintptr_t)three);
}

FRAME void arrived(const char *here)
{
    if (strcmp(what, "labour") == 0 && strcmp(where, here) == 0)
        labour();
    else if (strcmp(what, "overrun") == 0 && strcmp(where, here) == 0)
        overrun();
    sink = 1;
}

static _Atomic(int) expected = -1; /* the point where the errand's fiber calls arrived */

static void at_point(enum fl_point point)
{
    if ((int)point != atomic_load(&expected) || !fl_self() || fl_self()->fiber != suspended)
        return;
    atomic_store(&expected, -1);
    arrived(point == FL_AT_RELEASE ? "sync" : "spawn");
    sink = 7;
}

/* ---- the child ---- */

/* Its parent is suspended now. */
FRAME void below(void)
{
    sink = 2;
}

static void valley(void)
{
    atomic_store(&valley_began, true);
    until_slot_says(2);
    below();
    sink = 5;
}
FILCH_TASK(void, valley);

/* ---- the errand ---- */

FRAME void out_of_order(void)
{
    nothing_task a, b;
    nothing_spawn(&a);
    nothing_spawn(&b);
    nothing_sync(&a);
    nothing_sync(&b);
    sink = 3;
}

static bool toiled;

FRAME void toil(void)
{
    toiled = true;
}
FILCH_TASK(void, toil);

/* The deque is full, and its task runs at its spawn. */
FRAME static void crowd(void)
{
    nothing_task tasks[DEQUE];
    toil_task t;
    for (int i = 0; i < DEQUE; i++)
        nothing_spawn(&tasks[i]);
    atomic_store(&expected, FL_AT_SPAWN_SLOW);
    toil_spawn(&t);
    if (!toiled || atomic_load(&expected) != -1)
        abort(); /* not exercised */
    toil_sync(&t);
    for (int i = DEQUE; i--;)
        nothing_sync(&tasks[i]);
}

FRAME static void *summit(void **from, void *to, void *pass)
{
    (void)from;
    (void)to;
    (void)pass;
    valley_task t;
    out_of_order();
    new_race();
    valley_spawn(&t);
    until_thief_raises(&valley_began);
    suspended = fl_self()->fiber;
    atomic_store(&expected, FL_AT_RELEASE);
    at_sync(&t.head);
    valley_sync(&t);
    if (atomic_load(&expected) != -1)
        abort(); /* not exercised */
    crowd();
    sink = 4;
    return NULL;
}

FRAME static int climb(int height)
{
    volatile int above = 1;
    if (height)
        above = climb(height - 1);
    else
        with_marks(SUMMIT, NULL, NULL, NULL, summit);
    return above + 1;
}

FRAME static int errand(int height)
{
    atomic_store(&errand_began, true);
    volatile int steps = climb(height);
    return steps;
}
FILCH_TASK(int, errand, int);

static int may_tell_valgrind(void)
{
#if defined __has_include
#if __has_include(<valgrind/valgrind.h>)
    return 1;
#endif
#endif
    return 0;
}

int main(int argc, char **argv)
{
    filch_config c = {.size = sizeof c, .workers = 2, .deque = DEQUE};
    errand_task t;
    what = argc > 1 ? argv[1] : "";
    where = argc > 2 ? argv[2] : "";
    if (strcmp(what, "marks") == 0) {
        marks();
        return 0;
    }
    if (strcmp(what, "valgrind") == 0 && !may_tell_valgrind())
        return 77;
    fl_seam.at = at_point;
    if (filch_start(NULL, &c) != 0)
        return 1;
    errand_spawn(&t, HEIGHT);
    until_thief_raises(&errand_began);
    int steps = errand_sync(&t);
    return steps == HEIGHT + 2 && filch_stop(NULL) == 0 ? 0 : 1;
}
