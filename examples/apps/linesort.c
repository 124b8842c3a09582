/* linesort [--timing] [-o OUT] [--files-from LIST] [FILE...]: sorts the lines of all files in byte order, on all cores.
 *
 *   Equal to     LC_ALL=C sort FILE..., byte for byte (but `-` is a file of that name): lines may be long, hold NULs
 *                and be there twice; a last line without a newline gets one.
 *   LIST         more names, each ended by a newline, or by a NUL if LIST holds one.  No FILE at all is wrong use.
 *   OUT          may be one of the files: it is opened when all are read.  Default: stdout.
 *   Status       0, or 2 as sort's: wrong use, no memory, a file that cannot be read or written.  Each unreadable file
 *                is named on stderr, and then nothing is written.
 *
 * How it sorts.  A line is a record of 16 bytes: its address and a key, seven of its bytes as a number.  A merge sort
 * whose merges are parallel, too, orders the records by key and never looks at the text.  Then each group of equal keys
 * takes the next seven bytes of its lines as keys and is sorted again, until the groups are single lines or equal ones.
 * So a line's bytes are fetched once each and not at every comparison; what is compared lies side by side.
 *   Source    the cached pieces of keys of Ng, Kakehi, Cache efficient radix sort for string sorting, IEICE Trans.
 *             E90-A, 2007, with a merge sort in place of the radix sort; the parallel merge of Cormen, Leiserson,
 *             Rivest, Stein, Introduction to Algorithms, chapter 27.3.
 *   Depth     The recursions halve their range, or stay in ranges of at most SCAN lines: equal lines
 *             of megabytes cost time in proportion to their bytes, never a deep stack.
 *   Memory    The text, and 32 bytes for each line. */
#define _GNU_SOURCE
#include <endian.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "texts.h"

enum {
    KEY_BYTES = 7,   /* and one that says how the line goes on: TEXT_PAD bytes can be loaded from its last one on */
    PIECE = 1 << 20, /* bytes of text to be cut into lines by one task */
    INSERTION = 16,  /* records sorted by insertion */
    MERGE = 4096,    /* records merged by one task: 64 KiB in, 64 KiB out, in the second-level cache */
    LOAD = 1024,     /* keys loaded by one task */
    SCAN = 512,      /* sorted records whose groups are found one after the other */
    BLOCK = 8192,    /* lines gathered for one write */
    RING = 16,       /* such blocks at a time */
    AHEAD = 16       /* lines whose text is prefetched: some 100 ns of work */
};

struct line {
    uint64_t key;
    const char *text; /* ends with a newline */
};

/* Whole lines of one text. */
struct piece {
    const char *begin, *end;
    size_t lines;
    struct line *out;
};

/* Lines on their way out. */
struct block;
static void gather(struct block *b);
FILCH_TASK(void, gather, struct block *);

struct block {
    gather_task task;
    const struct line *lines;
    size_t n;
    char *data;
    size_t used, room;
};

/* ---- for each of an array ---- */

static void each(char *items, size_t n, size_t size, void (*visit)(void *));
FILCH_TASK(void, each, char *, size_t, size_t, void (*)(void *));

/* Calls visit for each of n items of that size, in any order. */
static void each(char *items, size_t n, size_t size, void (*visit)(void *))
{
    if (n <= 1) {
        if (n == 1)
            visit(items);
        return;
    }
    each_task left;
    each_spawn(&left, items, n / 2, size, visit);
    each(items + n / 2 * size, n - n / 2, size, visit);
    each_sync(&left);
}

/* ---- cutting texts into lines ---- */

/* Behind the newline of the line that `at` lies in. */
static const char *next_line(const char *at)
{
    return (const char *)rawmemchr(at, '\n') + 1;
}

/* Cuts each text behind a newline every PIECE bytes or somewhat later.  The caller frees *pieces. */
static size_t cut_texts(const struct text *texts, size_t n, struct piece **pieces)
{
    size_t room = 0;
    for (size_t i = 0; i < n; i++)
        room += texts[i].size / PIECE + 1;
    *pieces = app_alloc(room * sizeof **pieces);

    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const char *at = texts[i].data;
        const char *end = at + texts[i].size;
        while (at < end) {
            struct piece *p = &(*pieces)[count++];
            p->begin = at;
            at = end - at <= PIECE ? end : next_line(at + PIECE - 1);
            p->end = at;
        }
    }
    return count;
}

static void count_lines(void *piece)
{
    struct piece *p = piece;
    p->lines = 0;
    for (const char *at = p->begin; at < p->end; at = next_line(at))
        p->lines++;
}

/* The key of what a line has from `text` on: its first seven bytes, zeros for those that it has not, and in the lowest
 * byte how many they are, or 8 if the line goes on behind them.  So the order of keys is the order of lines, and lines
 * whose equal keys do not say 8 are equal. */
static uint64_t load_key(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    uint64_t differs = le64toh(word) ^ 0x0a0a0a0a0a0a0a0aU;
    uint64_t newlines = (differs - 0x0101010101010101U) & ~differs & 0x8080808080808080U; /* exact up to the first */
    unsigned length = newlines ? (unsigned)__builtin_ctzll(newlines) / 8 : 8;
    unsigned kept = length < KEY_BYTES ? length : KEY_BYTES;
    return (be64toh(word) & ~(UINT64_MAX >> (8 * kept))) | length;
}

static bool goes_on(uint64_t key)
{
    return (key & 0xff) == 8;
}

static void fill_lines(void *piece)
{
    struct piece *p = piece;
    struct line *out = p->out;
    for (const char *at = p->begin; at < p->end; at = next_line(at))
        *out++ = (struct line){load_key(at), at};
}

/* The lines of all texts, in their order, with their first keys.  The caller frees *lines. */
static size_t split_texts(const struct text *texts, size_t n, struct line **lines)
{
    struct piece *pieces;
    size_t count = cut_texts(texts, n, &pieces);
    each((char *)pieces, count, sizeof *pieces, count_lines);
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].lines;

    *lines = app_alloc(total * sizeof **lines);
    struct line *out = *lines;
    for (size_t i = 0; i < count; i++) {
        pieces[i].out = out;
        out += pieces[i].lines;
    }
    each((char *)pieces, count, sizeof *pieces, fill_lines);
    free(pieces);
    return total;
}

/* ---- sorting by keys ---- */

static void merge(const struct line *a, size_t na, const struct line *b, size_t nb, struct line *out);
FILCH_TASK(void, merge, const struct line *, size_t, const struct line *, size_t, struct line *);

static void sort_keys(struct line *a, struct line *spare, size_t n, bool to_spare);
FILCH_TASK(void, sort_keys, struct line *, struct line *, size_t, bool);

static void merge_here(const struct line *a, size_t na, const struct line *b, size_t nb, struct line *out)
{
    const struct line *end_a = a + na, *end_b = b + nb;
    while (a < end_a && b < end_b) {
        bool second = b->key < a->key; /* no branch: it would be missed half the time */
        *out++ = *(second ? b : a);
        a += !second;
        b += second;
    }
    memcpy(out, a, (size_t)(end_a - a) * sizeof *a);
    out += end_a - a;
    memcpy(out, b, (size_t)(end_b - b) * sizeof *b);
}

/* How many of n sorted records have a key below `key`, or not above it if or_equal. */
static size_t count_below(const struct line *a, size_t n, uint64_t key, bool or_equal)
{
    size_t low = 0;
    while (n > 0) {
        size_t half = n / 2;
        uint64_t k = a[low + half].key;
        bool below = k < key || (or_equal && k == key);
        low = below ? low + half + 1 : low;
        n = below ? n - half - 1 : half;
    }
    return low;
}

/* Merges two sorted ranges; which of two equal keys comes first does not matter. */
static void merge(const struct line *a, size_t na, const struct line *b, size_t nb, struct line *out)
{
    if (na + nb <= MERGE) {
        merge_here(a, na, b, nb, out);
        return;
    }
    if (na < nb) {
        merge(b, nb, a, na, out);
        return;
    }
    size_t ha = na / 2;
    size_t hb = count_below(b, nb, a[ha].key, false);
    merge_task left;
    merge_spawn(&left, a, ha, b, hb, out);
    merge(a + ha, na - ha, b + hb, nb - hb, out + ha + hb);
    merge_sync(&left);
}

static void insert(const struct line *a, size_t n, struct line *out)
{
    for (size_t i = 0; i < n; i++) {
        struct line x = a[i];
        size_t at = i;
        for (; at > 0 && x.key < out[at - 1].key; at--)
            out[at] = out[at - 1];
        out[at] = x;
    }
}

/* Sorts a by key, into spare if to_spare; the other array's contents are lost. */
static void sort_keys(struct line *a, struct line *spare, size_t n, bool to_spare)
{
    struct line *out = to_spare ? spare : a;
    if (n <= INSERTION) {
        insert(a, n, out);
        return;
    }
    size_t half = n / 2;
    sort_keys_task left;
    sort_keys_spawn(&left, a, spare, half, !to_spare);
    sort_keys(a + half, spare + half, n - half, !to_spare);
    sort_keys_sync(&left);
    const struct line *in = to_spare ? a : spare;
    merge(in, half, in + half, n - half, out);
}

/* ---- sorting what equal keys leave open ---- */

static void load_keys(struct line *a, size_t n, size_t depth);
FILCH_TASK(void, load_keys, struct line *, size_t, size_t);

static void sort_ties(struct line *a, struct line *spare, size_t n, size_t depth);
FILCH_TASK(void, sort_ties, struct line *, struct line *, size_t, size_t);

/* The keys from byte `depth` on of lines that all are at least that long. */
static void load_keys(struct line *a, size_t n, size_t depth)
{
    if (n > LOAD) {
        load_keys_task left;
        load_keys_spawn(&left, a, n / 2, depth);
        load_keys(a + n / 2, n - n / 2, depth);
        load_keys_sync(&left);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(a[i + AHEAD].text + depth);
        a[i].key = load_key(a[i].text + depth);
    }
}

static bool all_equal(const struct line *a, size_t n)
{
    size_t i = 1;
    while (i < n && a[i].key == a[0].key)
        i++;
    return i >= n;
}

/* Sorts lines that are equal before depth by their bytes from there on. */
static void sort_group(struct line *a, struct line *spare, size_t n, size_t depth)
{
    load_keys(a, n, depth);
    while (all_equal(a, n)) {
        if (!goes_on(a[0].key))
            return;
        depth += KEY_BYTES;
        load_keys(a, n, depth);
    }
    sort_keys(a, spare, n, false);
    sort_ties(a, spare, n, depth);
}

/* sort_ties for few lines: their groups, one after the other.  Each is smaller than n, so this nests SCAN deep at
 * most. */
static void scan_ties(struct line *a, struct line *spare, size_t n, size_t depth)
{
    for (size_t begin = 0, end; begin < n; begin = end) {
        uint64_t key = a[begin].key;
        end = begin + 1;
        while (end < n && a[end].key == key)
            end++;
        if (end - begin > 1 && goes_on(key))
            sort_group(a + begin, spare + begin, end - begin, depth + KEY_BYTES);
    }
}

/* Sorts lines, equal before depth and sorted by their keys from there on, by all their bytes.  What lies before and
 * behind the group of the middle record is at most half each: tasks.  The group itself may be nearly all: the loop. */
static void sort_ties(struct line *a, struct line *spare, size_t n, size_t depth)
{
    while (n > SCAN) {
        uint64_t key = a[n / 2].key;
        size_t begin = count_below(a, n, key, false);
        size_t end = count_below(a, n, key, true);
        sort_ties_task before, behind;
        sort_ties_spawn(&before, a, spare, begin, depth);
        sort_ties_spawn(&behind, a + end, spare + end, n - end, depth);
        a += begin;
        spare += begin;
        n = goes_on(key) ? end - begin : 0;
        if (n > 1) {
            depth += KEY_BYTES;
            load_keys(a, n, depth);
            if (!all_equal(a, n))
                sort_keys(a, spare, n, false);
        }
        sort_ties_sync(&behind);
        sort_ties_sync(&before);
    }
    scan_ties(a, spare, n, depth);
}

static void sort_lines(struct line *lines, size_t n)
{
    struct line *spare = app_alloc(n * sizeof *spare);
    sort_keys(lines, spare, n, false);
    sort_ties(lines, spare, n, 0);
    free(spare);
}

/* ---- writing ---- */

static void gather(struct block *b)
{
    b->used = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (i + AHEAD < b->n)
            __builtin_prefetch(b->lines[i + AHEAD].text);
        const char *text = b->lines[i].text;
        size_t length = (size_t)(next_line(text) - text);
        if (b->room - b->used < length) {
            b->room = 2 * (b->used + length);
            b->data = app_grow(b->data, b->room);
        }
        memcpy(b->data + b->used, text, length);
        b->used += length;
    }
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno != EINTR)
            return errno;
        if (put > 0) {
            data += put;
            size -= (size_t)put;
        }
    }
    return 0;
}

/* Blocks are gathered by tasks and written in order by the caller, each before its place in the ring is used again:
 * the first spawned is the first synced.  0 or an errno. */
static int write_lines(int fd, const struct line *lines, size_t n)
{
    struct block ring[RING];
    for (size_t i = 0; i < RING; i++)
        ring[i] = (struct block){.data = NULL};

    size_t blocks = n / BLOCK + (n % BLOCK > 0);
    int error = 0;
    for (size_t i = 0; i < blocks + RING; i++) {
        struct block *b = &ring[i % RING];
        if (i >= RING && i - RING < blocks) {
            gather_sync(&b->task);
            if (!error)
                error = write_all(fd, b->data, b->used);
        }
        if (i < blocks) {
            b->lines = lines + i * BLOCK;
            b->n = i + 1 < blocks ? BLOCK : n - i * BLOCK;
            gather_spawn(&b->task, b);
        }
    }
    for (size_t i = 0; i < RING; i++)
        free(ring[i].data);
    return error;
}

/* Writes to the file `name`, or to stdout if it is NULL; false after an error, which is reported. */
static bool write_output(const char *name, const struct line *lines, size_t n)
{
    int fd = name ? open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : STDOUT_FILENO;
    if (fd < 0) {
        fprintf(stderr, "linesort: cannot open '%s': %s\n", name, strerror(errno));
        return false;
    }
    int error = write_lines(fd, lines, n);
    if (close(fd) && !error) /* where some file systems say at last that they are full */
        error = errno;
    if (error)
        fprintf(stderr, "linesort: cannot write '%s': %s\n", name ? name : "standard output", strerror(error));
    return !error;
}

/* ---- the program ---- */

struct options {
    bool timing;
    const char *output;
    const char *list;
};

static bool parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {{"timing", no_argument, NULL, 't'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"files-from", required_argument, NULL, 'f'},
                                          {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "o:", names, NULL)) != -1;) {
        switch (c) {
        case 't': o->timing = true; break;
        case 'o': o->output = optarg; break;
        case 'f': o->list = optarg; break;
        default: return false;
        }
    }
    return optind < argc || o->list;
}

static bool sort_texts(struct text *texts, size_t n, const struct options *o)
{
    double since = app_now();
    each((char *)texts, n, sizeof *texts, text_read_lines);
    if (texts_report(texts, n))
        return false;
    app_phase(o->timing, "read", &since);

    struct line *lines;
    size_t count = split_texts(texts, n, &lines);
    app_phase(o->timing, "split", &since);

    sort_lines(lines, count);
    app_phase(o->timing, "sort", &since);

    bool written = write_output(o->output, lines, count);
    app_phase(o->timing, "write", &since);
    free(lines);
    return written;
}

/* Sorts the files of the command line and the list; false after trouble, which is reported. */
static bool sort_files(char **files, size_t count, struct text *list, const struct options *o)
{
    struct text *texts;
    size_t n = texts_of_names(files, count, list, &texts);
    bool sorted = n > 0 && sort_texts(texts, n, o);
    if (n == 0)
        fprintf(stderr, "linesort: '%s' names no file\n", list->name);
    for (size_t i = 0; i < n; i++)
        free(texts[i].data);
    free(texts);
    return sorted;
}

int main(int argc, char **argv)
{
    struct options o = {.timing = false};
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: linesort [--timing] [-o OUT] [--files-from LIST] [FILE...]\n");
        return APP_TROUBLE;
    }
    struct text list = {.name = o.list};
    if (o.list)
        text_read(&list);
    bool sorted = !texts_report(&list, 1) && sort_files(argv + optind, (size_t)(argc - optind), &list, &o);
    free(list.data);
    app_finish(o.timing);
    return sorted ? APP_OK : APP_TROUBLE;
}
