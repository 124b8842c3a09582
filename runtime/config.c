#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "budget.h"
#include "message.h"
#include "os.h"

enum {
    MOST_WORKERS = 1024,
    LEAST_DEQUE = 64,
    DEFAULT_DEQUE = 1 << 20,
    MOST_DEQUE = 1 << 28,
    LEAST_STACK = 1 << 16,
    MOST_STACK = 1 << 30
};

/* ---- the environment ---- */

enum variable { NUM_WORKERS, PIN, STACK };

static const char *const names[FL_VARIABLES] = {"FILCH_NUM_WORKERS", "FILCH_PIN", "FILCH_STACK"};

static const struct {
    const char *name;
    enum filch_pin value;
} pins[] = {{"auto", FILCH_PIN_AUTO},
            {"none", FILCH_PIN_NONE},
            {"core", FILCH_PIN_CORE},
            {"thread", FILCH_PIN_THREAD},
            {"numa", FILCH_PIN_NUMA}};
static const char listed[] = "list:";

/* Processors such as 8,0-3. */
static bool is_list(const char *list)
{
    do {
        char *end;
        if (*list < '0' || *list > '9')
            return false;
        unsigned long from = strtoul(list, &end, 10), to = from;
        if (*end == '-' && end[1] >= '0' && end[1] <= '9')
            to = strtoul(end + 1, &end, 10);
        if ((*end && *end != ',') || to < from || to > INT_MAX)
            return false;
        list = end + (*end == ',');
        if (*end && !*list)
            return false;
    } while (*list);
    return true;
}

/* Edits that turn a into b (Levenshtein 1965); names longer than the row count as far away. */
static size_t distance(const char *a, const char *b)
{
    enum { ROW = 64 };
    size_t row[ROW + 1], n = strlen(b);
    if (n > ROW)
        return ROW;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 1; j <= n; j++) {
            size_t change = corner + (a[i] != b[j - 1]);
            corner = row[j];
            row[j] = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            if (change < row[j])
                row[j] = change;
        }
    }
    return row[n];
}

static void warn_unknown_names(void)
{
    for (char **e = environ; e && *e; e++) {
        if (strncmp(*e, "FILCH_", 6) != 0)
            continue;
        char name[65]; /* enough to tell which name is near */
        size_t n = strcspn(*e, "="), kept = n < sizeof name ? n : sizeof name - 1;
        memcpy(name, *e, kept);
        name[kept] = 0;
        const char *nearest = names[0];
        for (int i = 0; i < FL_VARIABLES; i++)
            if (distance(name, names[i]) < distance(name, nearest))
                nearest = names[i];
        if (strcmp(name, nearest) != 0)
            fl_warn("%.*s is not known and ignored; did you mean %s?", (int)(n < 100 ? n : 100), *e, nearest);
    }
}

static unsigned read_workers(void)
{
    const char *value = getenv(names[NUM_WORKERS]);
    if (!value || !*value)
        return 0;
    int saved = errno;
    char *end;
    errno = 0;
    unsigned long n = strtoul(value, &end, 10);
    bool valid = !errno && !*end && *value >= '0' && *value <= '9' && n >= 1 && n <= MOST_WORKERS;
    errno = saved;
    if (valid)
        return (unsigned)n;
    fl_warn("%s=%.100s is ignored: a number from 1 to %d is needed", names[NUM_WORKERS], value, MOST_WORKERS);
    return 0;
}

static enum filch_pin read_pin(void)
{
    const char *value = getenv(names[PIN]);
    if (!value || !*value)
        return FILCH_PIN_DEFAULT;
    size_t nearest = 0;
    if (strncmp(value, listed, sizeof listed - 1) == 0) {
        if (is_list(value + sizeof listed - 1))
            return FILCH_PIN_LIST;
        fl_warn("%s=%.100s is ignored: list: needs processors such as 8,0-3", names[PIN], value);
        return FILCH_PIN_DEFAULT;
    }
    for (size_t i = 0; i < sizeof pins / sizeof *pins; i++) {
        if (strcmp(value, pins[i].name) == 0)
            return pins[i].value;
        if (distance(value, pins[i].name) < distance(value, pins[nearest].name))
            nearest = i;
    }
    fl_warn("%s=%s is not known and ignored; did you mean %s?", names[PIN], value, pins[nearest].name);
    return FILCH_PIN_DEFAULT;
}

/* Bytes, or with a suffix: 512K, 8M, 1G. */
static size_t read_stack(void)
{
    const char *value = getenv(names[STACK]);
    if (!value || !*value)
        return 0;
    int saved = errno;
    char *end;
    errno = 0;
    unsigned long n = strtoul(value, &end, 10);
    unsigned shift = *end == 'K' || *end == 'k'   ? 10
                     : *end == 'M' || *end == 'm' ? 20
                     : *end == 'G' || *end == 'g' ? 30
                                                  : 0;
    bool valid =
        !errno && !end[shift != 0] && *value >= '0' && *value <= '9' && n <= (unsigned long)MOST_STACK >> shift;
    errno = saved;
    if (valid && n << shift >= LEAST_STACK)
        return n << shift;
    fl_warn("%s=%.100s is ignored: a size from 64K to 1G is needed", names[STACK], value);
    return 0;
}

static struct {
    unsigned workers;
    enum filch_pin pin;
    const char *pin_list;
    size_t stack_size;
} environment;

static void read_environment(void)
{
    warn_unknown_names();
    environment.workers = read_workers();
    environment.pin = read_pin();
    if (environment.pin == FILCH_PIN_LIST)
        environment.pin_list = strdup(getenv(names[PIN]) + sizeof listed - 1); /* the environment may change */
    if (environment.pin == FILCH_PIN_LIST && !environment.pin_list)
        environment.pin = FILCH_PIN_DEFAULT;
    environment.stack_size = read_stack();
}

static void read_environment_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_environment);
}

/* ---- code beats environment beats default ---- */

static size_t first_of(size_t code, size_t otherwise)
{
    return code ? code : otherwise;
}

int fl_configure(struct fl_settings *out, const filch_config *config, bool later)
{
    filch_config c;
    memset(&c, 0, sizeof c);
    if (config) {
        if (config->size < sizeof config->size)
            return FILCH_EINVAL;
        memcpy(&c, config, config->size < sizeof c ? config->size : sizeof c);
    }
    bool list = c.pin != FILCH_PIN_LIST || (c.pin_list && is_list(c.pin_list));
    if (c.workers > MOST_WORKERS || c.pin > FILCH_PIN_AUTO || !list || (c.deque && c.deque < LEAST_DEQUE) ||
        c.deque > MOST_DEQUE || (c.stack_size && c.stack_size < LEAST_STACK))
        return FILCH_EINVAL;
    read_environment_once();
    unsigned workers = c.workers ? c.workers : environment.workers;
    out->uncounted = !workers && later && !fl_budget_is_read();
    if (!workers)
        workers = out->uncounted ? fl_os_cpu_count() : fl_budget_cpus();
    out->uncounted = out->uncounted && workers > 1;
    out->workers = workers < MOST_WORKERS ? workers : MOST_WORKERS;
    enum filch_pin pin = c.pin ? (enum filch_pin)c.pin : environment.pin;
    out->pin = pin ? pin : FILCH_PIN_AUTO;
    out->pin_list = c.pin ? c.pin_list : environment.pin_list;
    out->deque = first_of(c.deque, DEFAULT_DEQUE);
    out->stack_size = first_of(c.stack_size, first_of(environment.stack_size, fl_os_stack_size()));
    out->migrate = c.migrate >= 0;
    out->overflow_message = c.overflow_message ? c.overflow_message > 0 : FL_DEBUG;
    return 0;
}

/* ---- for people ---- */

static void write_size(char *out, size_t room, size_t bytes)
{
    static const char suffix[] = "\0KMG";
    unsigned i = 0;
    while (i < 3 && bytes && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    snprintf(out, room, "%zu%.1s", bytes, suffix + i);
}

void fl_config_variables(struct fl_variable out[FL_VARIABLES], unsigned workers)
{
    read_environment_once();
    size_t pin = 0;
    for (size_t i = 0; i < sizeof pins / sizeof *pins; i++)
        if (pins[i].value == environment.pin)
            pin = i;
    out[NUM_WORKERS] = (struct fl_variable){.what = "worker slots, 1 to 1024", .set = environment.workers};
    out[PIN] = (struct fl_variable){.what = "where workers run: auto, none, core, thread, numa, list:8,0-3",
                                    .set = environment.pin};
    out[STACK] = (struct fl_variable){.what = "a fiber's stack, 64K to 1G", .set = environment.stack_size};
    for (size_t i = 0; i < FL_VARIABLES; i++)
        out[i].name = names[i];
    unsigned n = environment.workers ? environment.workers : workers;
    snprintf(out[NUM_WORKERS].value, sizeof out->value, "%u", n < MOST_WORKERS ? n : MOST_WORKERS);
    bool list = environment.pin == FILCH_PIN_LIST;
    snprintf(out[PIN].value, sizeof out->value, "%s%s", list ? listed : pins[pin].name,
             list ? environment.pin_list : "");
    write_size(out[STACK].value, sizeof out->value, first_of(environment.stack_size, fl_os_stack_size()));
}
