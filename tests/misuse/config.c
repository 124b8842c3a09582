/* Wrong configurations are refused with a code, wrong environment values get one line each and count as not set. */
#define _GNU_SOURCE
#include <filch.h>

#include <criterion/criterion.h>
#include <stdint.h>

#include "fib.h"
#include "misuse.h"

TestSuite(config, .init = clear_environment, .timeout = 60);

/* ---- in the code ---- */

static int try(filch_config c)
{
    filch_runtime *rt = NULL;
    c.size = sizeof c;
    int error = filch_start(&rt, &c);
    CHILD_REQUIRE(error == 0 ? filch_stop(rt) == 0 : rt == NULL);
    return error;
}

static void out_of_range(void)
{
    CHILD_REQUIRE(try((filch_config){.workers = 1025}) == FILCH_EINVAL);
    CHILD_REQUIRE(try((filch_config){.workers = (unsigned)-1}) == FILCH_EINVAL);
    CHILD_REQUIRE(try((filch_config){.workers = 1, .pin = (unsigned)-1}) == FILCH_EINVAL);
    CHILD_REQUIRE(try((filch_config){.workers = 1, .deque = 63}) == FILCH_EINVAL);
    CHILD_REQUIRE(try((filch_config){.workers = 1, .deque = ((size_t)1 << 28) + 1}) == FILCH_EINVAL);
    CHILD_REQUIRE(try((filch_config){.workers = 1, .deque = SIZE_MAX}) == FILCH_EINVAL);
    CHILD_REQUIRE(try((filch_config){.workers = 1, .stack_size = 65535}) == FILCH_EINVAL);
    CHILD_REQUIRE(try((filch_config){.workers = 1}) == 0);
}

static void without_its_size(void)
{
    filch_runtime *rt = NULL;
    filch_config c = {.workers = 1};
    CHILD_REQUIRE(filch_start(&rt, &c) == FILCH_EINVAL);
    CHILD_REQUIRE(filch_start(NULL, &c) == FILCH_EINVAL);
    c.size = sizeof c.size - 1;
    CHILD_REQUIRE(filch_start(&rt, &c) == FILCH_EINVAL);
    CHILD_REQUIRE(rt == NULL && filch_num_workers(NULL) == 0);
}

static void with_a_stack_larger_than_memory(void)
{
    CHILD_REQUIRE(try((filch_config){.workers = 2, .stack_size = (size_t)1 << 47}) == FILCH_ENOMEM);
}

Test(config, in_the_code)
{
    expect_silence(child_of(out_of_range));
    expect_silence(child_of(without_its_size));
    expect_silence(child_of(with_a_stack_larger_than_memory));
}

/* ---- in the environment ---- */

static const char *name, *value;

static void with_variable(void)
{
    setenv("FILCH_NUM_WORKERS", "1", 1);
    setenv(name, value, 1);
    for (int i = 0; i < 2; i++) { /* the line comes once per process */
        CHILD_REQUIRE(fib(N) == FIB_N);
        CHILD_REQUIRE(filch_stop(NULL) == 0);
    }
}

static struct child with(const char *variable, const char *text)
{
    name = variable;
    value = text;
    struct child child = child_of(with_variable);
    expect_success(child);
    return child;
}

static void expect_line(const char *variable, const char *text, const char *line)
{
    struct child child = with(variable, text);
    cr_assert(strcmp(child.said, line) == 0, "expected: %sit said: %s", line, child.said);
}

static void expect_ignored(const char *variable, const char *const *bad, const char *needed)
{
    char line[256];
    for (; *bad; bad++) {
        snprintf(line, sizeof line, "filch: %s=%s is ignored: %s is needed\n", variable, *bad, needed);
        expect_line(variable, *bad, line);
    }
}

Test(config, numbers_of_workers)
{
    static const char *const bad[] = {"0", "-1", "1025", "two", "2x", " 2", "2.5", "99999999999999999999999", NULL};
    expect_ignored("FILCH_NUM_WORKERS", bad, "a number from 1 to 1024");
    expect_line("FILCH_NUM_WORKERS", "", "");
}

Test(config, sizes_of_stacks)
{
    static const char *const bad[] = {"0", "-8M", "63K", "2G", "8MB", "many", "18446744073709551616G", NULL};
    expect_ignored("FILCH_STACK", bad, "a size from 64K to 1G");
    expect_line("FILCH_STACK", "", "");
}

Test(config, pins)
{
    struct child child = with("FILCH_PIN", "no-such-pin");
    cr_assert(strncmp(child.said, "filch: FILCH_PIN=no-such-pin is ", 32) == 0, "%s", child.said);
    cr_assert_eq(lines_of(child.said), 1u, "%s", child.said);
    expect_line("FILCH_PIN", "", "");
}

Test(config, unknown_names)
{
    expect_line("FILCH_NUM_WORKER", "3",
                "filch: FILCH_NUM_WORKER is not known and ignored; did you mean FILCH_NUM_WORKERS?\n");
    expect_line("FILCH_STACKS", "8M", "filch: FILCH_STACKS is not known and ignored; did you mean FILCH_STACK?\n");
}

/* One line, which says what is needed, whatever the value is. */
Test(config, values_that_would_break_the_line)
{
    static char text[5000], line[512];
    expect_line("FILCH_NUM_WORKERS", "1\n2\t3",
                "filch: FILCH_NUM_WORKERS=1?2?3 is ignored: a number from 1 to 1024 is needed\n");
    memset(text, '1', sizeof text - 1);
    snprintf(line, sizeof line, "filch: FILCH_NUM_WORKERS=%.100s is ignored: a number from 1 to 1024 is needed\n",
             text);
    expect_line("FILCH_NUM_WORKERS", text, line);
    snprintf(line, sizeof line, "filch: FILCH_STACK=%.100s is ignored: a size from 64K to 1G is needed\n", text);
    expect_line("FILCH_STACK", text, line);
}
