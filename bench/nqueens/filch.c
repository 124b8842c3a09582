/* With filch; compiled a second time with FILCH_SERIAL as the serial elision.  As in Cilk's nqueens each safe row is a
 * task with a board of its own; its elision therefore copies boards, which the plain source need not. */
#include <string.h>

#include <filch.h>

#include "case.h"
#include "nqueens.h"

static long place(int n, int column, const signed char *board);
FILCH_TASK(long, place, int, int, const signed char *);

static long place(int n, int column, const signed char *board)
{
    if (column == n)
        return 1;
    place_task tasks[NQUEENS_MOST];
    signed char boards[NQUEENS_MOST][NQUEENS_MOST];
    size_t spawned = 0;
    for (int row = 0; row < n; row++) {
        if (!nqueens_safe(board, column, row))
            continue;
        memcpy(boards[spawned], board, (size_t)column);
        boards[spawned][column] = (signed char)row;
        place_spawn(&tasks[spawned], n, column + 1, boards[spawned]);
        spawned++;
    }
    place_sync_all(tasks, spawned);
    long solutions = 0;
    for (size_t i = 0; i < spawned; i++)
        solutions += tasks[i].result;
    return solutions;
}

uint64_t bench_region(long size)
{
    signed char board[1] = {0};
    return (uint64_t)place((int)size, 0, board);
}
