/* The tree that all variants sum: complete, its nodes in depth-first order in one array, which is the order in which
 * the plain source reads them. */
#ifndef BENCH_TREE_H
#define BENCH_TREE_H

#include <stdint.h>

struct tree_node {
    const struct tree_node *left, *right;
    uint64_t value;
};

extern const struct tree_node *tree_root;
#endif
