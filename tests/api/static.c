/* Static functions, in the file that defines them. */
#include "shared.h"

API_DECLARE(static, own_);
API_TASKS(FILCH_TASK, own_);
API_DEFINE(static, own_)
API_USE(own_, static_all)

/* The largest task there is. */
struct large {
    char byte[1000];
};
static void take_large(struct large large)
{
    (void)large;
}
FILCH_TASK(void, take_large, struct large);

/* A FILCH_TASK that nobody uses is no warning. */
static int unused_function(int n)
{
    return n;
}
FILCH_TASK(int, unused_function, int);
FILCH_TASK_AS(another_name, int, unused_function, int);
