/* treewalk [--timing] DIR: counts the entries and bytes of a file tree, on all cores.
 *
 *   Prints    entries      DIR and all that is below it; a hard link each time that it is met
 *             directories  those among them
 *             bytes        the sum of st_size, directories included
 *             deepest      levels below DIR, and the path; of several the first in byte order
 *             errors       what could not be read; each is named on stderr
 *   Equal to  find DIR -xdev -printf '%s\n', down to MAX_LEVELS levels: entries is its count of lines, bytes their
 *             sum.  Also to du -lxs --apparent-size -B1 DIR, where du counts directories (coreutils before 9.2) and no
 *             file system is mounted below DIR (du leaves a mount point out, find and treewalk count it).
 *   Links     never followed.  A directory that is its own ancestor (a bind mount) is an error, as for find.
 *   Status    0, or 1 if there were errors, or 2: wrong use, no memory, stdout cannot be written.
 *
 * One task per directory.  It reads the names, 8 KiB of them to a task that stats them (a directory with 100,000
 * entries is many such tasks), closes the directory, and only then spawns a task per subdirectory: the depth of a tree
 * costs no descriptors.  So a directory is opened by its path from one above that is open: from DIR, or from an anchor,
 * which is a directory that stays open while what lies below it is walked.  Every 64th level is one, so that the paths
 * of a deep tree stay short, as long as half of the process's descriptors last; without anchors a path may be longer
 * than PATH_MAX and is opened in steps.  The inode of what was opened is compared with the one that was counted: a
 * directory that somebody replaced by a link is not walked into.
 *
 * The recursion is the program's own stack: below MAX_LEVELS levels a directory is an error. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"

enum {
    BATCH_BYTES = 8192, /* some 250 names: a quarter of a millisecond of stat */
    WINDOW = 64,        /* batches in flight: 512 KiB, however wide the directory */
    ANCHOR_LEVELS = 64, /* between two anchors; 10,000 levels take 0.4 s, without anchors 17 s */
    MAX_LEVELS = 10000  /* some 300 bytes of stack for each */
};

struct node;
struct batch;

struct tree {
    dev_t device;
    atomic_int anchors; /* how many more there may be */
};

/* What is known of a directory's contents.  deepest: the path from there to the lowest entry, NULL if there is none. */
struct totals {
    uint64_t entries, directories, bytes, errors;
    unsigned level; /* of the end of deepest */
    struct node *deepest;
};

static struct totals walk(struct tree *tree, struct node *dir);
FILCH_TASK(struct totals, walk, struct tree *, struct node *);

static void count_batch(struct tree *tree, struct node *dir, int fd, struct batch *batch);
FILCH_TASK(void, count_batch, struct tree *, struct node *, int, struct batch *);

/* A directory on its way to be walked, then perhaps a component of a deepest path.
 *   to be walked   owned by the walk of its parent, which outlives its task; fd is written before its own
 *                  subdirectories are spawned, whose walks read it
 *   component      owned by the totals whose deepest leads to it; parent is no longer valid */
struct node {
    struct node *parent; /* NULL: DIR */
    struct node *next;   /* in a list of siblings */
    struct node *below;  /* the next component of a deepest path */
    ino_t inode;
    unsigned level; /* DIR: 0 */
    int fd;         /* of DIR and of an anchor; else -1 */
    walk_task task;
    char name[];
};

/* What one getdents64 gave, and what became of it. */
struct batch {
    count_batch_task task;
    struct batch *next;
    struct totals totals;
    struct node *subdirectories;
    size_t used;
    alignas(struct dirent64) char names[BATCH_BYTES];
};

static struct node *new_node(struct node *parent, const char *name, ino_t inode)
{
    size_t length = strlen(name);
    struct node *n = app_alloc(sizeof *n + length + 1);
    n->parent = parent;
    n->next = NULL;
    n->below = NULL;
    n->inode = inode;
    n->level = parent ? parent->level + 1 : 0;
    n->fd = -1;
    memcpy(n->name, name, length + 1);
    return n;
}

static void free_path(struct node *n)
{
    while (n) {
        struct node *below = n->below;
        free(n);
        n = below;
    }
}

/* ---- paths ---- */

/* True if a slash must follow before the next name: only DIR may bring its own. */
static bool wants_slash(const char *name)
{
    size_t length = strlen(name);
    return length == 0 || name[length - 1] != '/';
}

/* The path to n from below top; from DIR itself on if top is NULL.  The caller frees it. */
static char *path_below(const struct node *top, const struct node *n)
{
    size_t room = 1;
    for (const struct node *p = n; p != top; p = p->parent)
        room += strlen(p->name) + 1;

    char *path = app_alloc(room);
    char *at = path + room - 1;
    *at = '\0';
    for (const struct node *p = n; p != top; p = p->parent) {
        size_t length = strlen(p->name);
        if (p != n && wants_slash(p->name))
            *--at = '/';
        at -= length;
        memcpy(at, p->name, length);
    }
    memmove(path, at, (size_t)(path + room - at));
    return path;
}

/* Names what could not be read; name is an entry of dir, or NULL for dir itself. */
static void report(const struct node *dir, const char *name, const char *failed, int error)
{
    char *path = path_below(NULL, dir);
    const char *slash = name && wants_slash(path) ? "/" : "";
    fprintf(stderr, "treewalk: cannot %s '%s%s%s': %s\n", failed, path, slash, name ? name : "", strerror(error));
    free(path);
}

/* Opens a path relative to at, which may be longer than PATH_MAX: then in steps, each ending at a slash. */
static int open_long(int at, char *path, int flags)
{
    int from = at;
    int fd;
    while (strlen(path) >= PATH_MAX) {
        char *cut = memrchr(path, '/', PATH_MAX - 1); /* there is one: no name is longer than NAME_MAX */
        *cut = '\0';
        fd = openat(from, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        if (from != at)
            close(from);
        errno = error;
        if (fd < 0)
            return -1;
        from = fd;
        path = cut + 1;
    }
    fd = openat(from, path, flags);
    int error = errno;
    if (from != at)
        close(from);
    errno = error;
    return fd;
}

/* A descriptor to read dir with, or -1 and errno; ESTALE if another file is there than the one counted. */
static int open_directory(const struct tree *tree, const struct node *dir)
{
    int fd;
    if (!dir->parent) {
        fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } else {
        const struct node *anchor = dir->parent;
        while (anchor->fd < 0)
            anchor = anchor->parent;
        char *path = path_below(anchor, dir);
        fd = open_long(anchor->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        free(path);
    }
    if (fd < 0)
        return -1;

    struct stat s;
    int error = fstat(fd, &s) ? errno : 0;
    if (!error && (s.st_dev != tree->device || s.st_ino != dir->inode))
        error = ESTALE;
    if (error) {
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* ---- totals ---- */

/* Compares two entries of one directory as the paths that go on behind them. */
static int compare_names(const struct node *a, const struct node *b)
{
    const char *s = a->name, *t = b->name;
    while (*s && *s == *t) {
        s++;
        t++;
    }
    unsigned char c = (unsigned char)(!*s && a->below ? '/' : *s);
    unsigned char d = (unsigned char)(!*t && b->below ? '/' : *t);
    return c - d;
}

/* Takes what was found in a part of the directory that *sum is of.  Any order of the parts gives the same sum. */
static void add(struct totals *sum, const struct totals *part)
{
    sum->entries += part->entries;
    sum->directories += part->directories;
    sum->bytes += part->bytes;
    sum->errors += part->errors;

    bool deeper = part->deepest && (!sum->deepest || part->level > sum->level ||
                                    (part->level == sum->level && compare_names(part->deepest, sum->deepest) < 0));
    if (deeper) {
        free_path(sum->deepest);
        sum->deepest = part->deepest;
        sum->level = part->level;
    } else {
        free_path(part->deepest);
    }
}

/* ---- reading a directory ---- */

static bool is_own_ancestor(const struct node *dir, ino_t inode)
{
    while (dir && dir->inode != inode)
        dir = dir->parent;
    return dir != NULL;
}

/* Counts one entry of dir; a directory to be walked goes to the batch's list.  False if it could not be counted. */
static bool count_entry(const struct tree *tree, struct node *dir, int fd, const char *name, struct batch *batch)
{
    struct stat s;
    if (fstatat(fd, name, &s, AT_SYMLINK_NOFOLLOW)) {
        report(dir, name, "stat", errno);
        batch->totals.errors++;
        return false;
    }
    bool inside = S_ISDIR(s.st_mode) && s.st_dev == tree->device;
    if (inside && is_own_ancestor(dir, s.st_ino)) {
        report(dir, name, "walk into", ELOOP);
        batch->totals.errors++;
        return false;
    }
    batch->totals.entries++;
    batch->totals.bytes += (uint64_t)s.st_size;
    batch->totals.directories += S_ISDIR(s.st_mode);
    if (inside) {
        struct node *n = new_node(dir, name, s.st_ino);
        n->next = batch->subdirectories;
        batch->subdirectories = n;
    }
    return true;
}

static void count_batch(struct tree *tree, struct node *dir, int fd, struct batch *batch)
{
    const char *first = NULL;
    size_t at = 0;
    while (at < batch->used) {
        const struct dirent64 *e = (const void *)(batch->names + at);
        at += e->d_reclen;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        if (count_entry(tree, dir, fd, e->d_name, batch) && (!first || strcmp(e->d_name, first) < 0))
            first = e->d_name;
    }
    if (first) {
        batch->totals.deepest = new_node(dir, first, 0);
        batch->totals.level = dir->level + 1;
    }
}

/* The next names of fd, or NULL at the end and after an error, which is counted. */
static struct batch *read_batch(const struct node *dir, int fd, struct totals *sum)
{
    struct batch *b = app_alloc(sizeof *b);
    ssize_t got = getdents64(fd, b->names, sizeof b->names);
    if (got <= 0) {
        if (got < 0) {
            report(dir, NULL, "read", errno);
            sum->errors++;
        }
        free(b);
        return NULL;
    }
    b->used = (size_t)got;
    b->totals = (struct totals){.entries = 0};
    b->subdirectories = NULL;
    return b;
}

/* Syncs the batches of a list, last spawned first, and adds what they counted. */
static void sync_batches(struct batch *list, struct totals *sum, struct node **subdirectories)
{
    while (list) {
        struct batch *b = list;
        list = b->next;
        count_batch_sync(&b->task);
        add(sum, &b->totals);
        while (b->subdirectories) {
            struct node *n = b->subdirectories;
            b->subdirectories = n->next;
            n->next = *subdirectories;
            *subdirectories = n;
        }
        free(b);
    }
}

/* Counts the entries of dir; returns the list of the directories to be walked. */
static struct node *read_directory(struct tree *tree, struct node *dir, int fd, struct totals *sum)
{
    struct node *subdirectories = NULL;
    struct batch *pending = NULL;
    unsigned n = 0;
    for (struct batch *b = read_batch(dir, fd, sum); b; b = read_batch(dir, fd, sum)) {
        count_batch_spawn(&b->task, tree, dir, fd, b);
        b->next = pending;
        pending = b;
        if (++n % WINDOW == 0) {
            sync_batches(pending, sum, &subdirectories);
            pending = NULL;
        }
    }
    sync_batches(pending, sum, &subdirectories);
    return subdirectories;
}

/* ---- walking ---- */

/* Spawns a walk of each directory of the list, and syncs them, last spawned first. */
static void walk_all(struct tree *tree, struct node *list, struct totals *sum)
{
    struct node *spawned = NULL;
    while (list) {
        struct node *n = list;
        list = n->next;
        walk_spawn(&n->task, tree, n);
        n->next = spawned;
        spawned = n;
    }
    while (spawned) {
        struct node *n = spawned;
        spawned = n->next;
        struct totals below = walk_sync(&n->task);
        if (below.deepest) {
            n->below = below.deepest;
            below.deepest = n;
        } else {
            free(n);
        }
        add(sum, &below);
    }
}

/* True if dir shall be an anchor; then drop_anchor when all below is walked. */
static bool may_be_anchor(struct tree *tree, const struct node *dir)
{
    if (dir->level == 0 || dir->level % ANCHOR_LEVELS != 0)
        return false;
    if (atomic_fetch_sub_explicit(&tree->anchors, 1, memory_order_relaxed) > 0) /* a count that guards nothing */
        return true;
    atomic_fetch_add_explicit(&tree->anchors, 1, memory_order_relaxed); /* the same */
    return false;
}

static void drop_anchor(struct tree *tree, struct node *dir)
{
    close(dir->fd);
    dir->fd = -1;
    atomic_fetch_add_explicit(&tree->anchors, 1, memory_order_relaxed); /* the same */
}

static struct totals walk(struct tree *tree, struct node *dir)
{
    struct totals sum = {.entries = 0};
    int fd = -1;
    errno = EOVERFLOW;
    if (dir->level < MAX_LEVELS)
        fd = open_directory(tree, dir);
    if (fd < 0) {
        report(dir, NULL, "open", errno);
        sum.errors++;
        return sum;
    }
    struct node *subdirectories = read_directory(tree, dir, fd, &sum);
    bool anchor = subdirectories && may_be_anchor(tree, dir);
    if (anchor)
        dir->fd = fd;
    else
        close(fd); /* only read: nothing can be lost */
    walk_all(tree, subdirectories, &sum);
    if (anchor)
        drop_anchor(tree, dir);
    return sum;
}

static int half_of_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    return limit.rlim_cur < INT_MAX ? (int)(limit.rlim_cur / 2) : INT_MAX / 2;
}

/* DIR itself and all below it. */
static struct totals walk_tree(struct node *top)
{
    struct totals sum = {.entries = 0};
    struct stat s;
    if (lstat(top->name, &s)) {
        report(top, NULL, "stat", errno);
        sum.errors++;
        return sum;
    }
    sum.entries++;
    sum.bytes += (uint64_t)s.st_size;
    if (!S_ISDIR(s.st_mode))
        return sum;

    sum.directories++;
    top->inode = s.st_ino;
    top->fd = open(top->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top->fd < 0) {
        report(top, NULL, "open", errno);
        sum.errors++;
        return sum;
    }
    struct tree tree = {.device = s.st_dev};
    atomic_init(&tree.anchors, half_of_descriptors());
    struct totals below = walk(&tree, top);
    add(&sum, &below);
    close(top->fd);
    return sum;
}

/* ---- the program ---- */

static bool print_totals(const char *dir, const struct totals *sum)
{
    printf("entries %" PRIu64 "\ndirectories %" PRIu64 "\nbytes %" PRIu64 "\n", sum->entries, sum->directories,
           sum->bytes);
    printf("deepest %u %s", sum->level, dir);
    bool slash = wants_slash(dir);
    for (const struct node *n = sum->deepest; n; n = n->below, slash = true)
        printf("%s%s", slash ? "/" : "", n->name);
    printf("\nerrors %" PRIu64 "\n", sum->errors);
    if (fflush(stdout)) {
        fprintf(stderr, "treewalk: cannot write: %s\n", strerror(errno));
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    bool timing = argc > 1 && !strcmp(argv[1], "--timing");
    int at = timing ? 2 : 1;
    if (at < argc && !strcmp(argv[at], "--"))
        at++;
    else if (at < argc && argv[at][0] == '-')
        at = argc;
    if (at + 1 != argc) {
        fprintf(stderr, "usage: treewalk [--timing] DIR\n");
        return APP_TROUBLE;
    }

    double since = app_now();
    struct node *top = new_node(NULL, argv[at], 0);
    struct totals sum = walk_tree(top);
    app_phase(timing, "walk", &since);
    bool written = print_totals(argv[at], &sum);
    free_path(sum.deepest);
    free(top);
    app_finish(timing);
    return !written ? APP_TROUBLE : sum.errors ? APP_SOME_ERRORS : APP_OK;
}
