#define _GNU_SOURCE
#include "budget.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os.h"

/* ---- reading ---- */

/* The whole file with a zero behind it, to be freed; NULL if it cannot be read.  /proc answers in pieces. */
static char *read_file(const char *root, const char *path)
{
    enum { FIRST = 4096, MOST = 1 << 24 };
    char *name;
    if (asprintf(&name, "%s%s", root, path) < 0)
        return NULL;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    free(name);
    if (fd < 0)
        return NULL;
    size_t room = FIRST, n = 0;
    char *text = malloc(room);
    while (text) {
        ssize_t got = read(fd, text + n, room - n - 1);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        n += got > 0 ? (size_t)got : 0;
        char *more = text;
        if (got > 0 && n + 1 == room)
            more = room < MOST ? realloc(text, room *= 2) : NULL;
        if (got < 0 || !more)
            free(text);
        text = got < 0 ? NULL : more;
    }
    close(fd);
    if (text)
        text[n] = 0;
    return text;
}

/* The next line of a text, its newline made a zero; NULL at the end. */
static char *next_line(char **rest)
{
    char *line = *rest, *end = line + strcspn(line, "\n");
    if (!*line)
        return NULL;
    *rest = *end ? end + 1 : end;
    *end = 0;
    return line;
}

/* "cpu" is in "rw,cpu,cpuacct", and not in "cpuacct,cpuset". */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (; *list; list += strcspn(list, ","), list += *list == ',')
        if (strncmp(list, word, n) == 0 && (list[n] == ',' || !list[n]))
            return true;
    return false;
}

/* mountinfo writes blanks, newlines and backslashes as three octal digits. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' &&
            from[3] >= '0' && from[3] <= '7') {
            int byte = (from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0');
            *to++ = (char)byte;
            from += 3;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
}

/* ---- which groups, and where they are seen ---- */

enum hierarchy { UNIFIED, CPU, CPUSET, HIERARCHIES };

struct group {
    const char *path;  /* as /proc/self/cgroup says; NULL: not listed */
    const char *mount; /* where it is seen; NULL: nowhere */
    const char *rest;  /* of the path, below the mount */
    bool around;       /* the mount shows only groups around it, by names that are not known */
};

static void find_groups(char *text, struct group group[])
{
    for (char *line; (line = next_line(&text));) {
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL; /* the path may have colons of its own */
        if (!path || path[1] != '/')
            continue;
        *controllers++ = *path++ = 0;
        if (!*controllers && strcmp(line, "0") == 0)
            group[UNIFIED].path = path;
        if (has_word(controllers, "cpu"))
            group[CPU].path = path;
        if (has_word(controllers, "cpuset"))
            group[CPUSET].path = path;
    }
}

/* How often a path says "one up" from the root of this process's cgroup namespace; *only: and nothing else. */
static size_t steps_up(const char *path, bool *only)
{
    size_t n = 0;
    for (; strncmp(path, "/..", 3) == 0 && (path[3] == '/' || !path[3]); path += 3)
        n++;
    *only = !path[strcmp(path, "/") == 0];
    return n;
}

/* What is left of path inside the tree of root: "/a/b" in "/a" is "/b".  "" and *around: root is a group around the
 * namespace's own, and what path is called in there cannot be known.  NULL: it is not there. */
static const char *below(const char *root, const char *path, bool *around)
{
    size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
    bool only, unused;
    *around = false;
    if (strncmp(path, root, n) == 0 && (path[n] == '/' || !path[n])) {
        const char *rest = strcmp(path + n, "/") == 0 ? "" : path + n;
        return steps_up(rest, &unused) ? NULL : rest;
    }
    *around = steps_up(root, &only) > steps_up(path, &unused) && only;
    return *around ? "" : NULL;
}

/* A mount that shows the group itself is better than one that does not, one that shows more groups around it better
 * than one that shows fewer; of equals the last, which may cover the others. */
static void offer_mount(struct group *g, const char *root, const char *mount)
{
    bool around;
    const char *rest = g->path ? below(root, g->path, &around) : NULL;
    if (!rest || (g->mount && (around > g->around || (around == g->around && strlen(rest) < strlen(g->rest)))))
        return;
    g->mount = strcmp(mount, "/") == 0 ? "" : mount;
    g->rest = rest;
    g->around = around;
}

/* id parent device root mount options [tags...] - type source options of the file system (proc(5)) */
static void find_mounts(char *text, struct group group[])
{
    enum { ROOT = 3, MOUNT = 4 };
    for (char *line; (line = next_line(&text));) {
        char *tail = strstr(line, " - "), *field[MOUNT + 1], *save, *type, *options;
        size_t n = 0;
        if (!tail || strncmp(tail + 3, "cgroup", 6) != 0)
            continue;
        *tail = 0;
        for (char *word = strtok_r(line, " ", &save); word && n <= MOUNT; word = strtok_r(NULL, " ", &save))
            field[n++] = word;
        type = strtok_r(tail + 3, " ", &save);
        (void)strtok_r(NULL, " ", &save); /* the source says nothing */
        options = strtok_r(NULL, " ", &save);
        if (n <= MOUNT || *field[ROOT] != '/' || *field[MOUNT] != '/')
            continue;
        unescape(field[ROOT]);
        unescape(field[MOUNT]);
        if (strcmp(type, "cgroup2") == 0) {
            offer_mount(&group[UNIFIED], field[ROOT], field[MOUNT]);
        } else if (strcmp(type, "cgroup") == 0 && options) {
            if (has_word(options, "cpu"))
                offer_mount(&group[CPU], field[ROOT], field[MOUNT]);
            if (has_word(options, "cpuset"))
                offer_mount(&group[CPUSET], field[ROOT], field[MOUNT]);
        }
    }
}

/* ---- what the values mean ---- */

/* A decimal number at *text, which is moved behind it; false if there is none or it is too large. */
static bool number(const char **text, unsigned long long *value)
{
    const char *p = *text;
    unsigned long long n = 0;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (unsigned)(*p - '0'), &n))
            return false;
    *value = n;
    bool any = p != *text;
    *text = p;
    return any;
}

/* "150000 100000": microseconds in each period; "max 100000" and "-1": as many as there are. */
static enum fl_budget_verdict parse_quota(const char *text, unsigned *cpus)
{
    unsigned long long quota, period;
    if (strcmp(text, "-1") == 0 || strcmp(text, "max") == 0 || strncmp(text, "max ", 4) == 0)
        return FL_BUDGET_FREE;
    if (!number(&text, &quota) || *text++ != ' ' || !number(&text, &period) || *text || !quota || !period)
        return FL_BUDGET_BROKEN;
    unsigned long long n = quota / period + (quota % period != 0);
    *cpus = n < UINT_MAX ? (unsigned)n : UINT_MAX;
    return FL_BUDGET_LIMITS;
}

/* "0-3,8": ascending, as the kernel writes it; nothing in a group of version 1 that was not set up. */
static enum fl_budget_verdict parse_set(const char *text, unsigned *cpus)
{
    enum { MOST = 1 << 24 };
    unsigned long long from, to, next = 0, n = 0;
    if (!*text)
        return FL_BUDGET_FREE;
    for (;; text++) {
        if (!number(&text, &from))
            return FL_BUDGET_BROKEN;
        to = from;
        if (*text == '-' && (text++, !number(&text, &to)))
            return FL_BUDGET_BROKEN;
        if (from < next || to < from || to >= MOST)
            return FL_BUDGET_BROKEN;
        n += to - from + 1;
        next = to + 1;
        if (*text != ',')
            break;
    }
    *cpus = (unsigned)n;
    return *text ? FL_BUDGET_BROKEN : FL_BUDGET_LIMITS;
}

/* ---- the chain ---- */

/* Takes file and value. */
static void add(struct fl_budget *b, const char *kind, char *file, char *value, enum fl_budget_verdict verdict,
                unsigned limit)
{
    bool least = verdict == FL_BUDGET_LIMITS && limit < b->cpus;
    if (least)
        b->cpus = limit;
    struct fl_budget_level *more = realloc(b->level, (b->levels + 1) * sizeof *more);
    if (!more) {
        free(file);
        free(value);
        return;
    }
    b->level = more;
    if (least)
        b->decisive = b->levels;
    more[b->levels++] = (struct fl_budget_level){kind, file, value, limit, verdict};
}

/* Reads one file of a group and adds it; where both is given, its text comes behind. */
static enum fl_budget_verdict look(struct fl_budget *b, const char *root, const char *kind, const char *folder,
                                   const char *file, const char *both,
                                   enum fl_budget_verdict (*parse)(const char *, unsigned *))
{
    enum fl_budget_verdict verdict = FL_BUDGET_ABSENT;
    unsigned limit = 0;
    char *path = NULL, *second = NULL, *more = NULL, *value = NULL, *together = NULL;
    if (asprintf(&path, "%s/%s", folder, file) < 0)
        return verdict;
    value = read_file(root, path);
    if (value) {
        value[strcspn(value, "\n")] = 0;
        if (both && strcmp(value, "-1") != 0 && asprintf(&second, "%s/%s", folder, both) >= 0) {
            more = read_file(root, second);
            free(second);
            if (more)
                more[strcspn(more, "\n")] = 0;
            if (more && asprintf(&together, "%s %s", value, more) >= 0) {
                free(value);
                value = together;
            }
            free(more);
        }
        verdict = parse(value, &limit);
    }
    add(b, kind, path, value, verdict, limit);
    return verdict;
}

static void hidden(struct fl_budget *b, const char *kind, const struct group *g)
{
    add(b, kind, strdup("/proc/self/cgroup"), strdup(g->path), FL_BUDGET_HIDDEN, 0);
}

/* Calls at(folder) for the group and each around it, outwards, until it returns true. */
static void outwards(struct fl_budget *b, const char *root, const struct group *g,
                     bool (*at)(struct fl_budget *, const char *, const char *))
{
    size_t top = strlen(g->mount);
    char *folder = NULL;
    if (asprintf(&folder, "%s%s", g->mount, g->rest) < 0)
        return;
    size_t n = strlen(folder);
    while (n > top && folder[n - 1] == '/')
        folder[--n] = 0;
    while (!at(b, root, folder) && strlen(folder) > top)
        *strrchr(folder, '/') = 0;
    free(folder);
}

static bool quota_v2(struct fl_budget *b, const char *root, const char *folder)
{
    (void)look(b, root, "quota", folder, "cpu.max", NULL, parse_quota);
    return false;
}

static bool quota_v1(struct fl_budget *b, const char *root, const char *folder)
{
    (void)look(b, root, "quota", folder, "cpu.cfs_quota_us", "cpu.cfs_period_us", parse_quota);
    return false;
}

static bool cpuset_v2(struct fl_budget *b, const char *root, const char *folder)
{
    return look(b, root, "cpuset", folder, "cpuset.cpus.effective", NULL, parse_set) == FL_BUDGET_LIMITS;
}

static bool cpuset_v1(struct fl_budget *b, const char *root, const char *folder)
{
    return look(b, root, "cpuset", folder, "cpuset.effective_cpus", NULL, parse_set) == FL_BUDGET_LIMITS ||
           look(b, root, "cpuset", folder, "cpuset.cpus", NULL, parse_set) == FL_BUDGET_LIMITS;
}

void fl_budget_read(struct fl_budget *out, const char *root, unsigned affinity)
{
    int saved = errno;
    struct group group[HIERARCHIES];
    memset(group, 0, sizeof group);
    *out = (struct fl_budget){.cpus = UINT_MAX};
    add(out, "affinity", NULL, NULL, FL_BUDGET_LIMITS, affinity);

    char *groups = root ? read_file(root, "/proc/self/cgroup") : NULL, *mounts = NULL;
    if (groups)
        find_groups(groups, group);
    if (group[UNIFIED].path || group[CPU].path || group[CPUSET].path)
        mounts = read_file(root, "/proc/self/mountinfo");
    if (mounts)
        find_mounts(mounts, group);

    static const struct {
        const char *kind;
        enum hierarchy from;
        bool (*at)(struct fl_budget *, const char *, const char *);
    } searches[] = {{"cpuset", CPUSET, cpuset_v1},
                    {"cpuset", UNIFIED, cpuset_v2},
                    {"quota", CPU, quota_v1},
                    {"quota", UNIFIED, quota_v2}};
    for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
        const struct group *g = &group[searches[i].from];
        /* a controller of version 1 is not one of version 2 at the same time */
        bool elsewhere = searches[i].from == UNIFIED && searches[i - 1].kind == searches[i].kind &&
                         group[searches[i - 1].from].path;
        if (g->mount && !elsewhere)
            outwards(out, root, g, searches[i].at);
        else if (g->path && !elsewhere)
            hidden(out, searches[i].kind, g);
    }
    free(groups);
    free(mounts);
    out->cpus = out->cpus ? out->cpus : 1;
    errno = saved;
}

void fl_budget_free(struct fl_budget *b)
{
    for (size_t i = 0; i < b->levels; i++) {
        free(b->level[i].file);
        free(b->level[i].value);
    }
    free(b->level);
    *b = (struct fl_budget){0};
}

const char *fl_budget_verdict_text(enum fl_budget_verdict verdict)
{
    static const char *const texts[] = {
#define TEXT(name, text) text,
        FL_BUDGET_VERDICTS(TEXT)
#undef TEXT
    };
    return texts[verdict];
}

/* ---- this process ---- */

static unsigned of_groups;
static FL_ATOMIC(uint32_t) is_read;

static void read_groups(void)
{
    struct fl_budget b;
    fl_budget_read(&b, "", UINT_MAX);
    of_groups = b.cpus;
    fl_budget_free(&b);
    fl_store_rlx(budget_read, &is_read, 1); /* pthread_once orders it */
}

bool fl_budget_is_read(void)
{
    return fl_load_rlx(budget_is_read, &is_read); /* a hint: fl_budget_cpus waits for who reads */
}

unsigned fl_budget_cpus(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_groups);
    unsigned cpus = fl_os_cpu_count();
    return cpus < of_groups ? cpus : of_groups;
}
