// A C++ program that knows threads, exceptions and destructors: several std::threads and main use filch at once.  Each
// task that throws catches inside; what a function inside filch_run wants to throw it hands out by exception_ptr.
#include <filch.h>

#include <atomic>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{

std::atomic<int> wrong{0}, alive{0};

void require(bool holds, const char *what)
{
    if (!holds) {
        std::fprintf(stderr, "failed: %s\n", what);
        wrong++;
    }
}

// Counts itself: after all is done nobody may be alive.
class Guard
{
  public:
    Guard() : name_(std::make_unique<std::string>("a name that is too long for a small string"))
    {
        alive++;
    }
    Guard(const Guard &) = delete;
    Guard &operator=(const Guard &) = delete;
    ~Guard()
    {
        alive--;
    }
    bool whole() const
    {
        return name_->size() == 42;
    }

  private:
    std::unique_ptr<std::string> name_;
};

struct Odd : std::runtime_error {
    explicit Odd(long n) : std::runtime_error("odd"), value(n)
    {
    }
    long value;
};

long even_or_throw(long n)
{
    Guard guard;
    if (n % 2)
        throw Odd(n);
    return n;
}

long fib(int n);
FILCH_TASK(long, fib, int);

// Every sum is thrown or returned, through frames with guards, while a child is in flight.
long fib(int n)
{
    Guard guard;
    if (n < 2)
        return n;
    FILCH_AUTO(fib, a, n - 1);
    long y = fib(n - 2), sum = 0;
    try {
        sum = even_or_throw(fib_sync(&a) + y);
    } catch (const Odd &odd) {
        require(std::string(odd.what()) == "odd", "the exception caught");
        sum = odd.value;
    }
    require(guard.whole(), "the guard is whole");
    return sum;
}

// An exception unwinds a frame with a task in flight: FILCH_AUTO syncs it on the way.
long give_up(int n)
{
    FILCH_AUTO(fib, a, n);
    throw Odd(n);
}

enum { N = 12, FIB_N = 144, LARGER = 16, FIB_LARGER = 987, ROUNDS = 40, THREADS = 4 };

void compute_with_exceptions(void *out)
{
    try {
        require(fib(N) == FIB_N, "fib");
        give_up(N);
        require(false, "give_up throws");
    } catch (...) {
        // Syncs that wait leave this handler for other tasks, which throw and catch on the same thread meanwhile.
        require(fib(LARGER) == FIB_LARGER, "fib in a handler");
        *static_cast<std::exception_ptr *>(out) = std::current_exception();
    }
}

void use_filch(filch_runtime *rt)
{
    for (int i = 0; i < ROUNDS; i++) {
        std::exception_ptr thrown;
        require(filch_run(rt, compute_with_exceptions, &thrown) == 0, "filch_run");
        try {
            if (thrown)
                std::rethrow_exception(thrown);
            require(false, "an exception was handed out");
        } catch (const Odd &odd) {
            require(odd.value == N, "the exception handed out");
        }
    }
}

// Owns a runtime.
class Runtime
{
  public:
    explicit Runtime(unsigned workers)
    {
        filch_config config = {};
        config.size = sizeof config;
        config.workers = workers;
        if (int error = filch_start(&rt_, &config))
            throw std::runtime_error(filch_strerror(error));
    }
    Runtime(const Runtime &) = delete;
    Runtime &operator=(const Runtime &) = delete;
    ~Runtime()
    {
        require(filch_stop(rt_) == 0, "filch_stop");
    }
    filch_runtime *get() const
    {
        return rt_;
    }

  private:
    filch_runtime *rt_ = nullptr;
};

} // namespace

int main()
{
    {
        Runtime own(2);
        std::vector<std::thread> threads;
        for (int i = 0; i < THREADS; i++)
            threads.emplace_back(use_filch, i % 2 ? own.get() : nullptr);
        require(fib(N) == FIB_N, "fib of main");
        use_filch(own.get());
        for (std::thread &thread : threads)
            thread.join();
    }
    require(filch_stop(nullptr) == 0, "filch_stop of the default runtime");
    require(alive == 0, "all guards are gone");
    return wrong ? 1 : 0;
}
