/* expect: area 5.04, length 1.20, weight 9.90 */
/* Untyped tasks: a function pointer and an argument, for callbacks that are known only at run time.  The result goes
 * where the argument points. */
#include <filch.h>
#include <stdio.h>

struct box {
    double side[3];
    double area, length, weight;
};

static void find_area(void *arg)
{
    struct box *b = arg;
    b->area = 2 * (b->side[0] * b->side[1] + b->side[1] * b->side[2] + b->side[2] * b->side[0]);
}

static void find_length(void *arg)
{
    struct box *b = arg;
    b->length = b->side[0];
    for (int i = 1; i < 3; i++)
        if (b->side[i] > b->length)
            b->length = b->side[i];
}

static void find_weight(void *arg)
{
    struct box *b = arg;
    b->weight = 13.75 * b->side[0] * b->side[1] * b->side[2];
}

int main(void)
{
    static void (*const all[])(void *) = {find_area, find_length, find_weight};
    enum { N = sizeof all / sizeof *all };
    struct box b = {.side = {1.2, 1.0, 0.6}};

    filch_task tasks[N];
    for (size_t i = 0; i < N; i++)
        filch_spawn(&tasks[i], all[i], &b); /* each writes a field of its own */
    for (size_t i = N; i-- > 0;)
        filch_sync(&tasks[i]);

    printf("area %.2f, length %.2f, weight %.2f\n", b.area, b.length, b.weight);
    return filch_stop(NULL) ? 1 : 0;
}
