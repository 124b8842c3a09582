/* With filch; compiled a second time with FILCH_SERIAL as the serial elision.  The right half is spawned, so that both
 * read the nodes in the order of the plain source; missing children are spawned like others. */
#include <filch.h>

#include "case.h"
#include "tree.h"

static uint64_t sum(const struct tree_node *node);
FILCH_TASK(uint64_t, sum, const struct tree_node *);

static uint64_t sum(const struct tree_node *node)
{
    if (!node)
        return 0;
    sum_task right;
    sum_spawn(&right, node->right);
    uint64_t left = sum(node->left);
    return node->value + left + sum_sync(&right);
}

uint64_t bench_region(long size)
{
    (void)size;
    return sum(tree_root);
}
