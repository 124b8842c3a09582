/* System calls that a filter denies to the process: from before the first use of filch on, and, for all threads at
 * once, while a runtime runs.
 *
 *   Oracle    The right result, or a negative code.  Only membarrier that worked and is denied later has nothing in its
 *             place: a sentence and an abort. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "work.h"

enum { LATE = 100, CODE = 32, DENIED = 4 };

static const struct denial {
    const char *name;
    unsigned call[DENIED]; /* __NR_...; those behind the last are 0, read, which nobody denies */
    bool sanitizers_live;  /* they do without it */
} denials[] = {
    {"membarrier", {SYS_membarrier}, true},
    {"sched_setaffinity", {SYS_sched_setaffinity}, true},
    {"madvise", {SYS_madvise}, true},
    {"sched_setaffinity and madvise", {SYS_sched_setaffinity, SYS_madvise}, true},
    {"all that is asked about processors", {SYS_sched_setaffinity, SYS_sched_getaffinity, SYS_getcpu}, false},
    {"madvise and mprotect", {SYS_madvise, SYS_mprotect}, false},
    {"clone", {SYS_clone, SYS_clone3}, false},
    {"mmap", {SYS_mmap}, false},
    {"files", {SYS_openat, SYS_pipe2}, false},
    {"prctl and sigaltstack", {SYS_prctl, SYS_sigaltstack}, false},
    {"tgkill", {SYS_tgkill}, false},
};
enum { DENIALS = sizeof denials / sizeof *denials };

static struct {
    const struct denial *denial;
    int error;
    unsigned pin;
    bool while_it_runs;
} now;

static void deny(void)
{
    struct sock_filter code[DENIED + 4];
    unsigned short n = 0, calls = 0;
    while (calls < DENIED && now.denial->call[calls])
        calls++;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < calls; i++) /* on a match to the last */
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, now.denial->call[i],
                                                 (unsigned char)(calls - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)now.error);
    struct sock_fprog program = {n, code};
    CHILD_REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHILD_REQUIRE(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0);
}

static void late(int signal)
{
    (void)signal;
    filch_dump(stderr); /* what it may not do in a handler it does in a process that is lost anyway */
    fflush(stderr);
    _exit(8);
}

static void compute(void)
{
    filch_config c = {.size = sizeof c, .workers = 3, .pin = now.pin, .overflow_message = 1};
    filch_runtime *rt = NULL;
    setenv("FILCH_NUM_WORKERS", "2", 1); /* the default runtime's: somebody must be there who steals */
    signal(SIGALRM, late);
    alarm(LATE);
    fl_seam.at = at_wait;
    if (!now.while_it_runs)
        deny();
    int error = filch_start(&rt, &c);
    if (now.while_it_runs && !error) {
        CHILD_REQUIRE(filch_run(rt, work, NULL) == 0);
        deny();
    }
    CHILD_REQUIRE(!error == !!rt && error <= 0);
    if (!error) {
        CHILD_REQUIRE(filch_run(rt, work, NULL) == 0);
        CHILD_REQUIRE(filch_run(rt, work, NULL) == 0);
        CHILD_REQUIRE(filch_stop(rt) == 0);
    }
    work(NULL); /* of the default runtime; where it cannot be started tasks run at their spawns */
    (void)filch_stop(NULL);
    _exit(error ? CODE - error : 0);
}

static unsigned right, clean;

static void judge(struct child child)
{
    char text[160];
    snprintf(text, sizeof text, "%s denied by %s%s, pin %u", now.denial->name, strerror(now.error),
             now.while_it_runs ? " while it runs" : "", now.pin);
    if (now.while_it_runs && now.denial->call[0] == SYS_membarrier) {
        cr_assert(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT &&
                      strstr(child.said, "membarrier worked when filch started and is denied now"),
                  "%s: status %#x; it said: %s", text, (unsigned)child.status, child.said);
        return;
    }
    int code = WIFEXITED(child.status) ? WEXITSTATUS(child.status) : -1;
    cr_assert(code == 0 || (code > CODE && code < CODE + 16), "%s: status %#x; it said: %s", text,
              (unsigned)child.status, child.said);
    right += code == 0;
    clean += code != 0;
    fprintf(stderr, "%-100s %s\n", text, code ? filch_strerror(CODE - code) : "right");
}

static void deny_each(bool while_it_runs)
{
    static const int errors[] = {EPERM, ENOSYS};
    now.while_it_runs = while_it_runs;
    for (size_t i = 0; i < DENIALS * 4; i++) {
        now.denial = &denials[i / 4];
        now.error = errors[i % 2];
        now.pin = i % 4 < 2 ? FILCH_PIN_NONE : FILCH_PIN_CORE;
        if (!SANITIZED || now.denial->sanitizers_live)
            judge(child_of(compute));
    }
}

TestSuite(seccomp, .init = clear_environment, .timeout = 200);

Test(seccomp, before_the_first_use)
{
    deny_each(false);
    cr_assert(right > 0 && clean > 0);
}

Test(seccomp, while_a_runtime_runs)
{
    deny_each(true);
    cr_assert(right > 0);
}
