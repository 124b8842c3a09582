/* Texts: files read whole, by name or by a list of names.  Different texts may be read at the same time. */
#ifndef TEXTS_H
#define TEXTS_H

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"

enum {
    TEXT_PAD = 8,             /* bytes that can be read behind a text: a word from its last byte on */
    TEXT_FIRST_READ = 1 << 16 /* for files that do not know their size */
};

struct text {
    const char *name;
    char *data;
    size_t size;
    const char *failed; /* what could not be done, or NULL */
    int error;
};

/* Reads fd to its end, which its size only announces. */
static inline int text_read_all(int fd, struct text *t)
{
    struct stat s;
    if (fstat(fd, &s))
        return errno;
    size_t room = s.st_size > 0 ? (size_t)s.st_size + 1 : TEXT_FIRST_READ;
    t->data = app_alloc(room + TEXT_PAD);
    for (;;) {
        ssize_t got = read(fd, t->data + t->size, room - t->size);
        if (got < 0 && errno != EINTR)
            return errno;
        if (got == 0)
            return 0;
        if (got > 0)
            t->size += (size_t)got;
        if (t->size == room) {
            room *= 2;
            t->data = app_grow(t->data, room + TEXT_PAD);
        }
    }
}

/* Fills data and size, or failed and error; the caller frees data in both cases. */
static inline void text_read(struct text *t)
{
    int fd = open(t->name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        t->failed = "open";
        t->error = errno;
        return;
    }
    t->error = text_read_all(fd, t);
    if (t->error)
        t->failed = "read";
    close(fd); /* only read: nothing can be lost */
}

/* Reads a text of lines: the last one ends with a newline, and TEXT_PAD bytes can be read behind it. */
static inline void text_read_lines(void *text)
{
    struct text *t = text;
    text_read(t);
    if (t->failed)
        return;
    if (t->size > 0 && t->data[t->size - 1] != '\n')
        t->data[t->size++] = '\n'; /* text_read_all leaves room for it before the pad */
    memset(t->data + t->size, 0, TEXT_PAD - 1);
}

/* Names each text that could not be read; false if there is none. */
static inline bool texts_report(const struct text *texts, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++)
        if (texts[i].failed) {
            fprintf(stderr, "%s: cannot %s '%s': %s\n", program_invocation_short_name, texts[i].failed, texts[i].name,
                    strerror(texts[i].error));
            any = true;
        }
    return any;
}

/* Ends each name of the list with a NUL; returns how many there are. */
static inline size_t text_split_names(struct text *list)
{
    char separator = memchr(list->data, '\0', list->size) ? '\0' : '\n';
    size_t n = 0;
    for (size_t i = 0; i < list->size; i++)
        if (list->data[i] == separator) {
            list->data[i] = '\0';
            n++;
        }
    if (list->size > 0 && list->data[list->size - 1] != '\0')
        n++;
    list->data[list->size] = '\0'; /* in the pad */
    return n;
}

/* The texts that the command line and the list name, still to be read.  The caller frees *texts. */
static inline size_t texts_of_names(char **files, size_t n, struct text *list, struct text **texts)
{
    size_t listed = list->data ? text_split_names(list) : 0;
    *texts = app_alloc((n + listed) * sizeof **texts);
    const char *name = list->data;
    for (size_t i = 0; i < n + listed; i++) {
        (*texts)[i] = (struct text){.name = i < n ? files[i] : name};
        if (i >= n)
            name += strlen(name) + 1;
    }
    return n + listed;
}

#endif
