/* What all variants of nqueens share: the board, one row number for each column. */
#ifndef BENCH_NQUEENS_H
#define BENCH_NQUEENS_H

#include <stdbool.h>

enum { NQUEENS_MOST = 15 };

/* Whether a queen in the given column and row is attacked by none in the columns before. */
static inline bool nqueens_safe(const signed char *board, int column, int row)
{
    for (int i = 0; i < column; i++) {
        int distance = board[i] - row;
        if (distance == 0 || distance == column - i || distance == i - column)
            return false;
    }
    return true;
}
#endif
