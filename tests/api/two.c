/* Uses what shared.h declares: each file has its own site and functions of a task. */
#include "shared.h"

API_USE(shared_, shared_two)

int pong(int n)
{
    if (n == 0)
        return 0;
    ping_task t;
    ping_spawn(&t, n - 1);
    return ping_sync(&t) + 1;
}
