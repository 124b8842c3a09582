/* expect: 65535 nodes, sum 2147450880 */
/* The sum over a binary tree.  No cut-off: a spawn costs little more than a call, so each node has its own. */
#include <filch.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
    struct node *left, *right;
    long value;
};

struct total {
    long nodes, sum;
};

static struct total tree_sum(const struct node *n);
FILCH_TASK(struct total, tree_sum, const struct node *); /* results and arguments may be structs */

static struct total tree_sum(const struct node *n)
{
    if (!n)
        return (struct total){0, 0};
    tree_sum_task left;
    tree_sum_spawn(&left, n->left);
    struct total r = tree_sum(n->right);
    struct total l = tree_sum_sync(&left);
    return (struct total){l.nodes + r.nodes + 1, l.sum + r.sum + n->value};
}

/* A complete tree of the values first, first + 1, ... in the array's order: it has no pointers to free one by one. */
static struct node *link_tree(struct node *array, size_t n)
{
    if (n == 0)
        return NULL;
    struct node *middle = array + n / 2;
    middle->left = link_tree(array, n / 2);
    middle->right = link_tree(middle + 1, n - n / 2 - 1);
    return middle;
}

int main(void)
{
    enum { NODES = 65535 };
    struct node *array = malloc(NODES * sizeof *array);
    if (!array)
        return 1;
    for (int i = 0; i < NODES; i++)
        array[i].value = i + 1;

    struct total t = tree_sum(link_tree(array, NODES));
    printf("%ld nodes, sum %ld\n", t.nodes, t.sum);
    free(array);
    return filch_stop(NULL) ? 1 : 0;
}
