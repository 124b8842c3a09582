/* Every use, on main's thread and from outside in a runtime of its own.  Its status is the number of wrong values. */
#include "shared.h"

#include <stdio.h>

static int wrong;

static void all(void *arg)
{
    int w[5];
    (void)arg;
    w[0] = shared_one();
    w[1] = shared_two();
    w[2] = local_all();
    w[3] = static_all();
    w[4] = ping(200) != 200;
    wrong += w[0] + w[1] + w[2] + w[3] + w[4];
    if (wrong)
        fprintf(stderr, "wrong values: one %d, two %d, local %d, static %d, ping %d\n", w[0], w[1], w[2], w[3], w[4]);
}

int main(void)
{
    filch_runtime *rt;
    filch_config config = {sizeof config, 3, FILCH_PIN_DEFAULT, 64, 0, 0, 0, FILCH_DETAIL_NULL};
    int value = 0;

    all(FILCH_DETAIL_NULL);
    if (filch_start(&rt, &config) != 0)
        return 99;
    for (int i = 0; i < 5 && !wrong; i++)
        if (filch_run(rt, all, FILCH_DETAIL_NULL) != 0)
            return 98;
    if (ping_run(rt, &value, 50) != 0 || value != 50)
        return 97;
    if (shared_v0_run(rt) != 0 || filch_stop(rt) != 0)
        return 96;
    return wrong;
}
