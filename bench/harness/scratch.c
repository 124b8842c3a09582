#define _XOPEN_SOURCE 700 /* nftw */

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

bool bench_scratch_make(struct bench_options *o)
{
    const char *slash = strrchr(o->json, '/');
    int folder = slash ? (int)(slash - o->json) + 1 : 0;
    int n = snprintf(o->scratch, sizeof o->scratch, "%.*sfilch-bench-XXXXXX", folder, o->json);
    if (n < BENCH_PATH - 64 && mkdtemp(o->scratch))
        return true;
    fprintf(stderr, "filch-bench: no folder for temporary files beside %s: %s\n", o->json, strerror(errno));
    o->scratch[0] = '\0';
    return false;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void bench_scratch_remove(const struct bench_options *o)
{
    if (o->scratch[0] && nftw(o->scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT))
        fprintf(stderr, "filch-bench: %s stays: %s\n", o->scratch, strerror(errno));
}
