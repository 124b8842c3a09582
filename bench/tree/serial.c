/* The source that one would write without any library. */
#include <stddef.h>

#include "case.h"
#include "tree.h"

static uint64_t sum(const struct tree_node *node)
{
    if (!node)
        return 0;
    return node->value + sum(node->left) + sum(node->right);
}

uint64_t bench_region(long size)
{
    (void)size;
    return sum(tree_root);
}
