#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "process.h"

extern char **environ;

enum { CAPTURED = 1 << 20 };

struct capture {
    int fd; /* -1: closed */
    char *text;
    size_t length;
};

static volatile sig_atomic_t caught;
static sigset_t outside; /* the signals blocked while a child runs, none of ours */

static void on_signal(int number)
{
    caught = number;
}

void bench_signals_catch(void)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t block;
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigemptyset(&block);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        sigaction(ours[i], &action, NULL);
        sigaddset(&block, ours[i]);
    }
    sigprocmask(SIG_BLOCK, &block, &outside);
}

int bench_interrupted(void)
{
    struct timespec none = {0, 0};
    pselect(0, NULL, NULL, NULL, &none, &outside); /* lets one that waits in */
    return caught;
}

void bench_signals_die(int signal_number)
{
    signal(signal_number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &outside, NULL);
    raise(signal_number);
}

/* environ with the given settings in place of its own of the same name; free the array, not its strings. */
static char **environment_with(const char *const *settings)
{
    size_t ours = 0, theirs = 0;
    while (environ[ours])
        ours++;
    while (settings && settings[theirs])
        theirs++;
    char **all = calloc(ours + theirs + 1, sizeof *all);
    if (!all)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < ours; i++) {
        bool replaced = false;
        for (size_t k = 0; k < theirs; k++) {
            size_t name = strcspn(settings[k], "=") + 1;
            replaced = replaced || strncmp(environ[i], settings[k], name) == 0;
        }
        if (!replaced)
            all[n++] = environ[i];
    }
    for (size_t k = 0; k < theirs; k++)
        all[n++] = (char *)(uintptr_t)settings[k]; /* posix_spawn takes char *const * and writes nothing */
    return all;
}

static bool open_pipe(struct capture *capture, int *write_end)
{
    int ends[2];
    if (pipe(ends))
        return false;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    capture->fd = ends[0];
    *write_end = ends[1];
    return true;
}

/* Starts the child in a process group of its own, so that it ends together with its own children. */
static int start(const struct bench_command *command, int out, int err, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (command->output)
        posix_spawn_file_actions_addopen(&actions, 1, command->output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    else
        posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGTERM);
    sigaddset(&defaults, SIGHUP);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &outside);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

    char **environment = environment_with(command->environment);
    char *const *argv = (char *const *)(uintptr_t)command->argv; /* see above */
    int error = environment ? posix_spawnp(child, argv[0], &actions, &attributes, argv, environment) : ENOMEM;
    free(environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static void take(struct capture *capture)
{
    char dropped[4096];
    bool room = capture->length < CAPTURED;
    ssize_t n = room ? read(capture->fd, capture->text + capture->length, CAPTURED - capture->length)
                     : read(capture->fd, dropped, sizeof dropped);
    if (n > 0 && room) {
        capture->length += (size_t)n;
    } else if (n == 0 || (n < 0 && errno != EINTR)) {
        close(capture->fd);
        capture->fd = -1;
    }
    capture->text[capture->length] = '\0';
}

/* Waits up to a tenth of a second for output. */
static void listen_to(struct capture *captures)
{
    fd_set readable;
    int most = -1;
    FD_ZERO(&readable);
    for (int i = 0; i < 2; i++) {
        if (captures[i].fd < 0)
            continue;
        FD_SET(captures[i].fd, &readable);
        most = captures[i].fd > most ? captures[i].fd : most;
    }
    /* Once both are closed the child is about to end. */
    struct timespec patience = {0, most < 0 ? 200000 : 100000000};
    if (pselect(most + 1, &readable, NULL, NULL, &patience, &outside) <= 0)
        return;
    for (int i = 0; i < 2; i++)
        if (captures[i].fd >= 0 && FD_ISSET(captures[i].fd, &readable))
            take(&captures[i]);
}

static const char *short_name(const struct bench_command *command)
{
    const char *slash = strrchr(command->argv[0], '/');
    return slash ? slash + 1 : command->argv[0];
}

static void explain(const struct bench_command *command, struct bench_outcome *outcome, int status, bool late)
{
    const char *program = short_name(command);
    outcome->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    outcome->ok = outcome->status == 0 || (command->partial && outcome->status == 1);
    if (caught)
        snprintf(outcome->why, BENCH_WHY, "interrupted");
    else if (late)
        snprintf(outcome->why, BENCH_WHY, "%s was ended after %.0f s", program, command->limit);
    else if (WIFSIGNALED(status))
        snprintf(outcome->why, BENCH_WHY, "%s: %s", program, strsignal(WTERMSIG(status)));
    else if (!outcome->ok) /* the first line of what it said */
        snprintf(outcome->why, BENCH_WHY, "%s: exit status %d: %.*s", program, outcome->status,
                 (int)strcspn(outcome->err, "\n"), outcome->err);
}

static void wait_for(const struct bench_command *command, pid_t child, struct capture *captures,
                     struct bench_outcome *outcome, double begin)
{
    int status = 0;
    bool killed = false, late = false, ended = false;
    while (!ended || captures[0].fd >= 0 || captures[1].fd >= 0) {
        listen_to(captures);
        late = late || (command->limit > 0 && bench_now() - begin > command->limit);
        if ((late || caught) && !killed) {
            kill(-child, SIGKILL);
            killed = true;
        }
        if (!ended && waitpid(child, &status, WNOHANG) == child) {
            outcome->seconds = bench_now() - begin;
            ended = true;
        }
    }
    outcome->out = captures[0].text;
    outcome->err = captures[1].text;
    explain(command, outcome, status, late);
}

bool bench_run(const struct bench_command *command, struct bench_outcome *outcome)
{
    struct capture captures[2] = {{.fd = -1}, {.fd = -1}};
    int out = -1, err = -1;
    pid_t child = -1;
    *outcome = (struct bench_outcome){.status = -1};
    captures[0].text = calloc(1, CAPTURED + 1);
    captures[1].text = calloc(1, CAPTURED + 1);
    if (!captures[0].text || !captures[1].text) {
        fprintf(stderr, "filch-bench: no memory\n");
        exit(2);
    }
    int error = open_pipe(&captures[0], &out) && open_pipe(&captures[1], &err) ? 0 : errno;
    double begin = bench_now();
    if (!error)
        error = start(command, out, err, &child);
    if (out >= 0)
        close(out);
    if (err >= 0)
        close(err);
    if (!error) {
        wait_for(command, child, captures, outcome, begin);
        return outcome->ok;
    }
    for (int i = 0; i < 2; i++)
        if (captures[i].fd >= 0)
            close(captures[i].fd);
    outcome->out = captures[0].text;
    outcome->err = captures[1].text;
    snprintf(outcome->why, BENCH_WHY, "%s: %s", short_name(command), strerror(error));
    return false;
}

void bench_outcome_free(struct bench_outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
    outcome->out = outcome->err = NULL;
}
