// What only C++ has: namespaces, overloads, members, templates, types with constructors.
#include <filch.h>

#include <string>
#include <vector>

namespace outer::inner
{
long square(long n)
{
    return n * n;
}
FILCH_TASK(long, square, long);

struct point {
    double x = 1, y = 2;
    static double sum(const point &p)
    {
        return p.x + p.y;
    }
};
} // namespace outer::inner

FILCH_TASK_AS(inner_square, long, outer::inner::square, long);
FILCH_TASK_AS(point_sum, double, outer::inner::point::sum, outer::inner::point);

namespace
{
long twice(long n)
{
    return 2 * n;
}
double twice(double x)
{
    return 2 * x;
}
template <typename T>
T largest(const std::vector<T> *v)
{
    T best = (*v)[0];
    for (const T &x : *v)
        if (best < x)
            best = x;
    return best;
}
std::string join(std::string a, std::string b)
{
    return a + b;
}
FILCH_TASK_AS(twice_long, long, twice, long);
FILCH_TASK_AS(twice_double, double, twice, double);
FILCH_TASK_AS(largest_int, int, largest<int>, const std::vector<int> *);
FILCH_TASK(std::string, join, std::string, std::string);

void bump(int *n)
{
    ++*n;
}
FILCH_TASK(void, bump, int *);
} // namespace

int main()
{
    int wrong = 0, bumps = 0;
    outer::inner::square_task a;
    inner_square_task b;
    point_sum_task p;
    twice_long_task l;
    twice_double_task d;
    largest_int_task m;
    join_task j;
    std::vector<int> v = {3, 9, 2};

    outer::inner::square_spawn(&a, 3);
    inner_square_spawn(&b, 4);
    point_sum_spawn(&p, outer::inner::point());
    twice_long_spawn(&l, 21);
    twice_double_spawn(&d, 1.5);
    largest_int_spawn(&m, &v);
    join_spawn(&j, "work", "-stealing, and long enough to be on the heap");
    {
        FILCH_AUTO(bump, end_of_scope, &bumps);
    }
    wrong += join_sync(&j) != "work-stealing, and long enough to be on the heap";
    wrong += largest_int_sync(&m) != 9;
    wrong += twice_double_sync(&d) < 2.99;
    wrong += twice_long_sync(&l) != 42;
    wrong += point_sum_sync(&p) < 2.99;
    wrong += inner_square_sync(&b) != 16;
    wrong += outer::inner::square_sync(&a) != 9;
    wrong += bumps != 1;

    std::string text;
    wrong += join_run(nullptr, &text, "a", "b") != 0 || text != "ab";
    return wrong + (filch_stop(nullptr) != 0);
}
