/* runtime/config.c: what the code, the environment and the defaults say, and what is said about mistakes. */
#define _GNU_SOURCE
#include "config.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "budget.h"
#include "os.h"
#include "process.h"

TestSuite(config, .init = clear_environment);

static struct fl_settings settings_of(const filch_config *config)
{
    struct fl_settings s;
    memset(&s, 0xAB, sizeof s);
    cr_assert_eq(fl_configure(&s, config, false), 0);
    return s;
}

static unsigned processors(void)
{
    cpu_set_t set;
    struct fl_budget b;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        cr_skip_test("more processors than this test counts");
    fl_budget_read(&b, "", (unsigned)CPU_COUNT(&set));
    unsigned cpus = b.cpus;
    fl_budget_free(&b);
    return cpus;
}

/* ---- precedence ---- */

Test(config, defaults)
{
    struct fl_settings s = settings_of(NULL);
    cr_assert_eq(s.workers, processors());
    cr_assert_eq(s.pin, FILCH_PIN_AUTO);
    cr_assert_eq(s.deque, (size_t)1 << 20);
    cr_assert(s.stack_size >= (size_t)8 << 20, "%zu bytes", s.stack_size);
    cr_assert_eq(s.overflow_message, FL_DEBUG);
}

Test(config, default_workers_are_those_of_the_mask)
{
    cpu_set_t one, all;
    cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_assert_eq(settings_of(NULL).workers, 1u);
    cr_assert_eq(sched_setaffinity(0, sizeof all, &all), 0);
    cr_assert_eq(settings_of(NULL).workers, processors());
}

Test(config, default_stack_is_as_deep_as_mains)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_STACK, &limit), 0);
    if (limit.rlim_max < (rlim_t)20 << 20)
        cr_skip_test("the limit of the stack cannot be raised here");
    limit.rlim_cur = (rlim_t)20 << 20;
    cr_assert_eq(setrlimit(RLIMIT_STACK, &limit), 0);
    cr_assert_eq(settings_of(NULL).stack_size, (size_t)20 << 20);
    limit.rlim_cur = (rlim_t)1 << 20;
    cr_assert_eq(setrlimit(RLIMIT_STACK, &limit), 0);
    cr_assert_eq(settings_of(NULL).stack_size, (size_t)8 << 20, "at least 8 MiB");
}

Test(config, environment_beats_default)
{
    setenv("FILCH_NUM_WORKERS", "7", 1);
    setenv("FILCH_PIN", "core", 1);
    setenv("FILCH_STACK", "300K", 1);
    struct fl_settings s = settings_of(NULL);
    cr_assert_eq(s.workers, 7u);
    cr_assert_eq(s.pin, FILCH_PIN_CORE);
    cr_assert_eq(s.stack_size, 300u << 10);
}

Test(config, code_beats_environment)
{
    setenv("FILCH_NUM_WORKERS", "7", 1);
    setenv("FILCH_PIN", "core", 1);
    setenv("FILCH_STACK", "300K", 1);
    filch_config c = {.size = sizeof c, .workers = 3, .pin = FILCH_PIN_NONE, .deque = 1000, .stack_size = 1 << 17};
    struct fl_settings s = settings_of(&c);
    cr_assert_eq(s.workers, 3u);
    cr_assert_eq(s.pin, FILCH_PIN_NONE);
    cr_assert_eq(s.deque, 1000u);
    cr_assert_eq(s.stack_size, 1u << 17);
}

Test(config, a_zero_field_says_nothing)
{
    setenv("FILCH_NUM_WORKERS", "7", 1);
    setenv("FILCH_PIN", "core", 1);
    setenv("FILCH_STACK", "300K", 1);
    filch_config c = {.size = sizeof c};
    struct fl_settings s = settings_of(&c);
    cr_assert_eq(s.workers, 7u);
    cr_assert_eq(s.pin, FILCH_PIN_CORE);
    cr_assert_eq(s.stack_size, 300u << 10);
    cr_assert_eq(s.deque, (size_t)1 << 20);
}

Test(config, pin_none_of_the_environment)
{
    setenv("FILCH_PIN", "none", 1);
    cr_assert_eq(settings_of(NULL).pin, FILCH_PIN_NONE);
}

Test(config, tasks_migrate_unless_the_code_says_no)
{
    filch_config c = {.size = sizeof c};
    cr_assert(settings_of(&c).migrate);
    c.migrate = 1;
    cr_assert(settings_of(&c).migrate);
    c.migrate = -1;
    cr_assert(!settings_of(&c).migrate);
    c.size = offsetof(filch_config, migrate); /* a caller that does not know the field */
    cr_assert(settings_of(&c).migrate);
}

Test(config, the_overflow_message_is_the_codes_or_else_of_debug_builds)
{
    filch_config c = {.size = sizeof c};
    cr_assert_eq(settings_of(&c).overflow_message, FL_DEBUG);
    c.overflow_message = 1;
    cr_assert(settings_of(&c).overflow_message);
    c.overflow_message = -1;
    cr_assert(!settings_of(&c).overflow_message);
    c.size = offsetof(filch_config, overflow_message); /* a caller that does not know the field */
    cr_assert_eq(settings_of(&c).overflow_message, FL_DEBUG);
}

/* ---- size ---- */

Test(config, fields_beyond_its_size_are_not_read)
{
    filch_config c = {.size = offsetof(filch_config, pin), .workers = 5, .pin = 99, .deque = 1, .stack_size = 1};
    struct fl_settings s = settings_of(&c);
    cr_assert_eq(s.workers, 5u);
    cr_assert_eq(s.pin, FILCH_PIN_AUTO);
    cr_assert_eq(s.deque, (size_t)1 << 20);
    c.size = sizeof c.size;
    cr_assert_eq(settings_of(&c).workers, processors());
}

Test(config, a_newer_caller_knows_more_fields)
{
    struct {
        filch_config c;
        char more[64];
    } newer;
    memset(&newer, 0xFF, sizeof newer);
    memset(&newer.c, 0, sizeof newer.c);
    newer.c.size = sizeof newer;
    newer.c.workers = 5;
    cr_assert_eq(settings_of(&newer.c).workers, 5u);
}

Test(config, a_size_that_does_not_hold_itself_is_an_error)
{
    struct fl_settings s;
    filch_config c = {.workers = 2};
    cr_assert_eq(fl_configure(&s, &c, false), FILCH_EINVAL);
    c.size = sizeof c.size - 1;
    cr_assert_eq(fl_configure(&s, &c, false), FILCH_EINVAL);
}

/* ---- ranges ---- */

static int try(filch_config c)
{
    struct fl_settings s;
    c.size = sizeof c;
    return fl_configure(&s, &c, false);
}

Test(config, ranges_of_the_code)
{
    cr_assert_eq(try((filch_config){.workers = 1}), 0);
    cr_assert_eq(try((filch_config){.workers = 1024}), 0);
    cr_assert_eq(try((filch_config){.workers = 1025}), FILCH_EINVAL);
    cr_assert_eq(try((filch_config){.workers = ~0u}), FILCH_EINVAL);
    cr_assert_eq(try((filch_config){.pin = FILCH_PIN_CORE}), 0);
    cr_assert_eq(try((filch_config){.pin = FILCH_PIN_AUTO + 1}), FILCH_EINVAL);
    cr_assert_eq(try((filch_config){.pin = FILCH_PIN_LIST, .pin_list = "8,0-3"}), 0);
    static const char *const wrong[] = {NULL, "", ",", "1,", "3-1", "1-", "-1", "a", "1 2", "99999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_eq(try((filch_config){.pin = FILCH_PIN_LIST, .pin_list = wrong[i]}), FILCH_EINVAL, "%zu", i);
    cr_assert_eq(try((filch_config){.deque = 63}), FILCH_EINVAL);
    cr_assert_eq(try((filch_config){.deque = 64}), 0);
    cr_assert_eq(try((filch_config){.deque = (size_t)1 << 28}), 0);
    cr_assert_eq(try((filch_config){.deque = ((size_t)1 << 28) + 1}), FILCH_EINVAL);
    cr_assert_eq(try((filch_config){.deque = SIZE_MAX}), FILCH_EINVAL);
    cr_assert_eq(try((filch_config){.stack_size = (1 << 16) - 1}), FILCH_EINVAL);
    cr_assert_eq(try((filch_config){.stack_size = 1 << 16}), 0);
}

Test(config, ranges_of_the_environment)
{
    setenv("FILCH_NUM_WORKERS", "1024", 1);
    cr_assert_eq(settings_of(NULL).workers, 1024u);
}

/* ---- warnings ---- */

/* Three threads and three calls: a warning comes once per process. */
static void *configure(void *arg)
{
    struct fl_settings s;
    (void)arg;
    CHILD_REQUIRE(fl_configure(&s, NULL, false) == 0);
    return NULL;
}

static const char *name, *value;
static unsigned expected_workers;
static size_t expected_stack;

static void with_variable(void)
{
    pthread_t thread[3];
    clear_environment();
    setenv(name, value, 1);
    for (int i = 0; i < 3; i++)
        CHILD_REQUIRE(pthread_create(&thread[i], NULL, configure, NULL) == 0);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    struct fl_settings s;
    CHILD_REQUIRE(fl_configure(&s, NULL, false) == 0);
    CHILD_REQUIRE(s.workers == expected_workers);
    CHILD_REQUIRE(s.pin == FILCH_PIN_AUTO);
    CHILD_REQUIRE(s.stack_size == expected_stack);
}

static void expect_warning(const char *variable, const char *text, const char *says)
{
    name = variable;
    value = text;
    expected_workers = processors();
    expected_stack = fl_os_stack_size();
    struct child child = child_of(with_variable);
    expect_success(child);
    if (!says) {
        cr_assert_str_empty(child.said, "%s=%s: %s", variable, text, child.said);
        return;
    }
    cr_assert(strncmp(child.said, "filch: ", 7) == 0, "%s=%s: %s", variable, text, child.said);
    cr_assert_eq(lines_of(child.said), 1u, "not one warning for %s=%s: %s", variable, text, child.said);
    cr_assert(strstr(child.said, variable), "%s is not named in: %s", variable, child.said);
    cr_assert(strstr(child.said, says), "\"%s\" is not in: %s", says, child.said);
}

Test(config, a_bad_number_of_workers_counts_as_not_set)
{
    static const char *const bad[] = {"0",  "-1", "+3",  "1025", "abc", "3x",
                                      " 3", "3 ", "0x3", "2.5",  "1,2", "99999999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_warning("FILCH_NUM_WORKERS", bad[i], "1 to 1024");
}

Test(config, a_bad_size_of_stacks_counts_as_not_set)
{
    static const char *const bad[] = {"0",
                                      "1",
                                      "65535",
                                      "63K",
                                      "2G",
                                      "1025M",
                                      "1073741825",
                                      "8 M",
                                      "8MB",
                                      "8KiB",
                                      "M",
                                      "-8M",
                                      "+8M",
                                      "0x10",
                                      "1e6",
                                      "8.5M",
                                      " 8M",
                                      "8M ",
                                      "many",
                                      "8M,8M",
                                      "8T",
                                      "17179869184G",
                                      "99999999999999999999999999M"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_warning("FILCH_STACK", bad[i], "64K to 1G");
}

static void expect_stack(const char *text, size_t bytes)
{
    name = "FILCH_STACK";
    value = text;
    expected_workers = processors();
    expected_stack = bytes;
    struct child child = child_of(with_variable);
    expect_success(child);
    cr_assert_str_empty(child.said, "FILCH_STACK=%s: %s", text, child.said);
}

Test(config, sizes_of_stacks)
{
    expect_stack("65536", 65536);
    expect_stack("64K", 65536);
    expect_stack("64k", 65536);
    expect_stack("100000", 100000);
    expect_stack("1023K", 1023 << 10);
    expect_stack("8M", 8 << 20);
    expect_stack("8m", 8 << 20);
    expect_stack("1024M", 1 << 30);
    expect_stack("1G", 1 << 30);
    expect_stack("1g", 1 << 30);
    expect_stack("1073741824", 1 << 30);
    expect_stack("0000064K", 65536);
}

Test(config, a_bad_pin_names_the_nearest)
{
    expect_warning("FILCH_PIN", "cor", "did you mean core?");
    expect_warning("FILCH_PIN", "cores", "did you mean core?");
    expect_warning("FILCH_PIN", "nome", "did you mean none?");
    expect_warning("FILCH_PIN", "None", "did you mean none?");
    expect_warning("FILCH_PIN", "1", "did you mean");
    expect_warning("FILCH_PIN", "threads", "did you mean thread?");
    expect_warning("FILCH_PIN", "list:", "list: needs processors such as 8,0-3");
    expect_warning("FILCH_PIN", "list:0-", "list: needs processors such as 8,0-3");
    expect_warning("FILCH_PIN", "auto", NULL);
}

Test(config, an_empty_value_is_not_set)
{
    expect_warning("FILCH_NUM_WORKERS", "", NULL);
    expect_warning("FILCH_PIN", "", NULL);
    expect_warning("FILCH_STACK", "", NULL);
}

Test(config, an_unknown_name_names_the_nearest)
{
    expect_warning("FILCH_NUM_WORKER", "3", "did you mean FILCH_NUM_WORKERS?");
    expect_warning("FILCH_NUMWORKERS", "3", "did you mean FILCH_NUM_WORKERS?");
    expect_warning("FILCH_PINN", "core", "did you mean FILCH_PIN?");
    expect_warning("FILCH_STACKS", "8M", "did you mean FILCH_STACK?");
    expect_warning("FILCH_", "", "did you mean FILCH_PIN?");
}

Test(config, a_long_unknown_name_is_not_passed_over)
{
    expect_warning("FILCH_THE_NUMBER_OF_WORKERS_THAT_SHALL_RUN_MY_TASKS_ON_THIS_MACHINE_PLEASE", "3", "not known");
}

Test(config, a_long_value_is_cut_and_the_line_ends)
{
    static char text[5000];
    memset(text, '1', sizeof text - 1);
    name = "FILCH_NUM_WORKERS";
    value = text;
    expected_workers = processors();
    expected_stack = fl_os_stack_size();
    struct child child = child_of(with_variable);
    expect_success(child);
    cr_assert_eq(lines_of(child.said), 1u);
    cr_assert_eq(child.said[strlen(child.said) - 1], '\n');
}

Test(config, other_names_are_none_of_our_business)
{
    expect_warning("FILCHER", "3", NULL);
    expect_warning("filch_num_workers", "3", NULL);
    expect_warning("MY_FILCH_PIN", "3", NULL);
}

static void two_mistakes(void)
{
    clear_environment();
    setenv("FILCH_NUM_WORKERS", "many", 1);
    setenv("FILCH_PINS", "core", 1);
    configure(NULL);
}

Test(config, each_mistake_has_its_own_line)
{
    struct child child = child_of(two_mistakes);
    expect_success(child);
    cr_assert_eq(lines_of(child.said), 2u, "%s", child.said);
}

/* ---- errno ---- */

static void with_stderr_closed(void)
{
    int said = dup(STDERR_FILENO);
    clear_environment();
    setenv("FILCH_NUM_WORKERS", "99999999999999999999999999", 1);
    close(STDERR_FILENO);
    errno = 1234;
    struct fl_settings s;
    int error = fl_configure(&s, NULL, false), after = errno;
    dup2(said, STDERR_FILENO);
    CHILD_REQUIRE(error == 0);
    CHILD_REQUIRE(after == 1234);
}

Test(config, errno_is_left_alone_even_where_nothing_can_be_said)
{
    expect_success(child_of(with_stderr_closed));
}
