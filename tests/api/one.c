/* Defines what shared.h declares, and uses it. */
#include "shared.h"

API_DEFINE(, shared_)
API_USE(shared_, shared_one)

int ping(int n)
{
    if (n == 0)
        return 0;
    pong_task t;
    pong_spawn(&t, n - 1);
    return pong_sync(&t) + 1;
}
