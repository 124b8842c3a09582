/* C++ exceptions on fibers: what is caught and what is in flight belongs to the fiber, not to the thread.
 *
 *   Linked with support/one_fiber.c; and once more with the portable switch. */
#include <criterion/criterion.h>

#include <csignal>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include "one_fiber.h"

TestSuite(fiber_cxx, .timeout = 20);

static void resume_on_another_thread()
{
    std::thread(one_fiber_resume).join();
}

static std::string caught;

/* Throws and catches on the calling thread, as other tasks do meanwhile. */
static void exceptions_of_others()
{
    try {
        throw std::string("another");
    } catch (const std::string &) {
        try {
            throw 1;
        } catch (int) {
        }
    }
}

static void suspend_in_catch_blocks()
{
    try {
        try {
            throw std::runtime_error("outer");
        } catch (const std::exception &) {
            try {
                throw std::runtime_error("inner");
            } catch (const std::exception &inner) {
                one_fiber_suspend();
                caught = inner.what();
                one_fiber_suspend();
            }
            one_fiber_suspend();
            throw;
        }
    } catch (const std::exception &again) {
        caught += std::string(", ") + again.what();
    }
    caught += std::current_exception() ? ", and one is left" : ", none is left";
    for (;;)
        one_fiber_suspend();
}

static void expect_no_exception_here()
{
    cr_assert_not(std::current_exception());
    cr_assert_eq(std::uncaught_exceptions(), 0);
    exceptions_of_others();
    cr_assert_not(std::current_exception());
}

static void rethrow(void (*resume)())
{
    one_fiber_begin(suspend_in_catch_blocks);
    for (int i = 0; i < 4; i++) {
        resume();
        expect_no_exception_here();
    }
    cr_assert_str_eq(caught.c_str(), "inner, outer, none is left");
    one_fiber_end();
}

Test(fiber_cxx, a_catch_block_goes_on_and_rethrows)
{
    rethrow(one_fiber_resume);
}

Test(fiber_cxx, a_catch_block_goes_on_on_another_thread_and_rethrows)
{
    rethrow(resume_on_another_thread);
}

/* The one who resumes is in a catch block itself. */
Test(fiber_cxx, a_catch_block_is_left_for_a_fiber_with_its_own)
{
    one_fiber_begin(suspend_in_catch_blocks);
    try {
        try {
            throw std::runtime_error("mine");
        } catch (...) {
            for (int i = 0; i < 4; i++)
                one_fiber_resume();
            throw;
        }
    } catch (const std::exception &mine) {
        cr_assert_str_eq(mine.what(), "mine");
    }
    cr_assert_str_eq(caught.c_str(), "inner, outer, none is left");
    one_fiber_end();
}

static int in_flight_before = -1, in_flight_after = -1;

struct suspends_when_destroyed {
    ~suspends_when_destroyed()
    {
        in_flight_before = std::uncaught_exceptions();
        one_fiber_suspend();
        in_flight_after = std::uncaught_exceptions();
    }
};

static void suspend_while_unwinding()
{
    try {
        suspends_when_destroyed object;
        throw std::runtime_error("in flight");
    } catch (const std::exception &e) {
        caught = e.what();
    }
    for (;;)
        one_fiber_suspend();
}

Test(fiber_cxx, an_exception_in_flight_is_the_fibers)
{
    one_fiber_begin(suspend_while_unwinding);
    one_fiber_resume();
    cr_assert_eq(in_flight_before, 1);
    expect_no_exception_here();
    resume_on_another_thread();
    cr_assert_eq(in_flight_after, 1);
    expect_no_exception_here();
    cr_assert_str_eq(caught.c_str(), "in flight");
    one_fiber_end();
}

[[noreturn]] static void leave()
{
    std::_Exit(42);
}

static void throw_out_of_the_fiber()
{
    std::set_terminate(leave);
    throw std::runtime_error("nobody catches this");
}

/* The unwinder finds the end of the stack: it calls terminate, and does not crash. */
Test(fiber_cxx, what_nobody_catches_terminates, .exit_code = 42)
{
    one_fiber_begin(throw_out_of_the_fiber);
    one_fiber_resume();
}
