/* The source that one would write without any library: one board for all, changed in place. */
#include "case.h"
#include "nqueens.h"

static long place(int n, int column, signed char *board)
{
    if (column == n)
        return 1;
    long solutions = 0;
    for (int row = 0; row < n; row++) {
        if (nqueens_safe(board, column, row)) {
            board[column] = (signed char)row;
            solutions += place(n, column + 1, board);
        }
    }
    return solutions;
}

uint64_t bench_region(long size)
{
    signed char board[NQUEENS_MOST];
    return (uint64_t)place((int)size, 0, board);
}
