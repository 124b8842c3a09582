/* All samples, as JSON by hand: objects, arrays, strings and numbers are all it takes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

extern char **environ;

struct writer {
    FILE *file;
    int depth;
    bool first; /* in the innermost object or array */
};

static void next(struct writer *w)
{
    fprintf(w->file, "%s\n%*s", w->first ? "" : ",", 2 * w->depth, "");
    w->first = false;
}

static void text(struct writer *w, const char *s)
{
    fputc('"', w->file);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            fprintf(w->file, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f) /* beyond ASCII byte by byte: it need not be UTF-8 */
            fprintf(w->file, "\\u%04x", c);
        else
            fputc(c, w->file);
    }
    fputc('"', w->file);
}

static void key(struct writer *w, const char *name)
{
    next(w);
    if (name) {
        text(w, name);
        fputs(": ", w->file);
    }
}

static void open_with(struct writer *w, const char *name, char bracket)
{
    key(w, name);
    fputc(bracket, w->file);
    w->depth++;
    w->first = true;
}

static void close_with(struct writer *w, char bracket)
{
    w->depth--;
    fprintf(w->file, "\n%*s%c", 2 * w->depth, "", bracket);
    w->first = false;
}

static void string(struct writer *w, const char *name, const char *value)
{
    key(w, name);
    text(w, value);
}

static void number(struct writer *w, const char *name, double value)
{
    key(w, name);
    fprintf(w->file, "%.9g", value);
}

static void whole(struct writer *w, const char *name, uint64_t value)
{
    key(w, name);
    fprintf(w->file, "%" PRIu64, value);
}

static void write_machine(struct writer *w, const struct bench_machine *m)
{
    open_with(w, "machine", '{');
    string(w, "cpu", m->cpu);
    whole(w, "cpus", m->cpus);
    whole(w, "online", m->online);
    string(w, "kernel", m->kernel);
    string(w, "architecture", m->architecture);
    string(w, "governor", m->governor);
    number(w, "load", m->load);
    close_with(w, '}');
    open_with(w, "build", '{');
    string(w, "filch", m->version);
    string(w, "revision", m->revision);
    string(w, "compiler", m->compiler);
    string(w, "flags", m->flags);
    close_with(w, '}');
    string(w, "date", m->date);
}

static void write_environment(struct writer *w)
{
    open_with(w, "environment", '[');
    for (char **setting = environ; *setting; setting++)
        if (strncmp(*setting, "FILCH_", 6) == 0)
            string(w, NULL, *setting);
    close_with(w, ']');
}

/* One sample a line. */
static void write_sample(struct writer *w, const struct bench_plan *plan, const struct bench_sample *s)
{
    const struct bench_metric *metric = &plan->entry->metrics[s->metric];
    next(w);
    fprintf(w->file, "{\"round\": %u, ", s->round);
    if (metric->name)
        fprintf(w->file, "\"metric\": \"%s\", ", metric->name);
    fprintf(w->file, "\"%s\": %.9f, \"result\": ", metric->unit == BENCH_BYTES ? "bytes" : "seconds", s->value);
    text(w, s->result);
    fprintf(w->file, ", \"steals\": %" PRIu64 ", \"workers\": %u, \"tasks\": %" PRIu64 "}", s->steals, s->workers,
            s->tasks);
}

static void write_limits(struct writer *w, const struct bench_plan *plan, const struct bench_series *s)
{
    bool any = false;
    for (size_t metric = 0; metric < BENCH_METRICS; metric++)
        any = any || s->limit[metric].most > 0;
    if (!any)
        return;
    open_with(w, "limits", '[');
    for (size_t metric = 0; metric < BENCH_METRICS; metric++) {
        if (s->limit[metric].most <= 0)
            continue;
        open_with(w, NULL, '{');
        if (plan->entry->metrics[metric].name)
            string(w, "metric", plan->entry->metrics[metric].name);
        number(w, "most", s->limit[metric].most);
        if (s->limit[metric].is_ratio)
            string(w, "times", plan->series[s->base].label);
        close_with(w, '}');
    }
    close_with(w, ']');
}

static void write_series(struct writer *w, const struct bench_plan *plan, const struct bench_series *s)
{
    static const char *const kinds[] = {"serial", "elision", "filch", "other"};
    open_with(w, NULL, '{');
    string(w, "label", s->label);
    string(w, "kind", kinds[s->kind]);
    whole(w, "workers", s->workers);
    if (s->wrong[0])
        string(w, "wrong", s->wrong);
    write_limits(w, plan, s);
    open_with(w, "samples", '[');
    for (size_t i = 0; i < s->sample_count; i++)
        write_sample(w, plan, &s->samples[i]);
    close_with(w, ']');
    close_with(w, '}');
}

static void write_plan(struct writer *w, const struct bench_plan *plan)
{
    open_with(w, NULL, '{');
    string(w, "name", plan->entry->name);
    string(w, "size", plan->size);
    if (plan->skipped[0])
        string(w, "skipped", plan->skipped);
    open_with(w, "series", '[');
    for (size_t i = 0; i < plan->series_count; i++)
        write_series(w, plan, &plan->series[i]);
    close_with(w, ']');
    close_with(w, '}');
}

bool bench_report_json(const char *path, const struct bench_machine *machine, const struct bench_plan *plans,
                       size_t count, unsigned rounds, const char *const *command)
{
    struct writer w = {.file = fopen(path, "w"), .depth = 1, .first = true};
    if (!w.file) {
        fprintf(stderr, "filch-bench: %s: %s\n", path, strerror(errno));
        return false;
    }
    fputc('{', w.file);
    whole(&w, "format", 1);
    open_with(&w, "command", '[');
    for (; *command; command++)
        string(&w, NULL, *command);
    close_with(&w, ']');
    write_machine(&w, machine);
    write_environment(&w);
    whole(&w, "rounds", rounds);
    open_with(&w, "workloads", '[');
    for (size_t i = 0; i < count; i++)
        write_plan(&w, &plans[i]);
    close_with(&w, ']');
    fputs("\n}\n", w.file);
    bool ok = !ferror(w.file);
    ok = fclose(w.file) == 0 && ok;
    if (!ok)
        fprintf(stderr, "filch-bench: %s: %s\n", path, strerror(errno));
    return ok;
}
