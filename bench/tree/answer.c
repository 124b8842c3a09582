/* Sum of a complete binary tree with 2^size - 1 nodes: some 2 ns of work in each, bound by memory at the default size.
 * No task runtime known to us beats the plain source here with few cores. */
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "tree.h"

const struct tree_node *tree_root;
static uint64_t sum;

/* Takes the next node of the array for each call. */
static const struct tree_node *build(struct tree_node **next, long depth)
{
    if (depth == 0)
        return NULL;
    struct tree_node *node = (*next)++;
    node->value = (uint64_t)depth * 2654435761u % 1009u + 1u;
    sum += node->value;
    node->left = build(next, depth - 1);
    node->right = build(next, depth - 1);
    return node;
}

static void prepare(long depth)
{
    struct tree_node *nodes = malloc((((size_t)1 << depth) - 1) * sizeof *nodes);
    if (!nodes) {
        fprintf(stderr, "tree: no memory for 2^%ld nodes\n", depth);
        exit(2);
    }
    tree_root = build(&nodes, depth); /* lives as long as the process */
}

static uint64_t expected(long depth)
{
    (void)depth;
    return sum;
}

/* One for each node. */
static uint64_t tasks(long depth)
{
    return ((uint64_t)1 << depth) - 1;
}

const struct bench_workload bench_workload = {
    .name = "tree",
    .size = 22,
    .smallest = 1,
    .largest = 30,
    .prepare = prepare,
    .expected = expected,
    .tasks = tasks,
};
