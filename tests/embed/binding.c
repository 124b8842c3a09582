/* What a binding compiles for itself, as spawn and sync are inline: fib by untyped tasks, in the form of filch_run. */
#include <filch.h>

struct fib {
    int n;
    long value;
};

__attribute__((visibility("default"))) void binding_fib(void *arg);

void binding_fib(void *arg)
{
    struct fib *f = arg, first = {f->n - 1, 0}, second = {f->n - 2, 0};
    f->value = f->n;
    if (f->n < 2)
        return;
    filch_task t;
    filch_spawn(&t, binding_fib, &first);
    binding_fib(&second);
    filch_sync(&t);
    f->value = first.value + second.value;
}
