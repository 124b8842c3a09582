#!/bin/sh
# selftest.sh: each lint passes a small good tree and fails each of the faults below; a lint that cannot fail is none.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
tree=$work/tree
status=0
LAYERS=$work/layers.txt
export LAYERS

good_tree()
{
    rm -rf "$tree"
    mkdir -p "$tree/include/filch/detail" "$tree/runtime/arch"
    cat >"$LAYERS" <<'END'
L0 base.h arch/
side error.c
L1 deque.c
L2 topology.c
L3 worker.h
END
    cat >"$tree/include/filch/detail/atomic.h" <<'END'
#ifndef FILCH_DETAIL_ATOMIC_H
#define FILCH_DETAIL_ATOMIC_H
#define fl_load_acq(site, p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define fl_store_rel(site, p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define fl_store_rlx(site, p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#endif
END
    echo '#include "filch/detail/atomic.h"' >"$tree/include/filch.h"
    echo '#include "filch.h"' >"$tree/runtime/base.h"
    echo '#include "base.h"' >"$tree/runtime/error.c"
    echo '#include "base.h"' >"$tree/runtime/worker.h"
    printf '#include "base.h"\n#include <hwloc.h>\n' >"$tree/runtime/topology.c"
    echo '__asm__("nop");' >"$tree/runtime/arch/x86.c"
    cat >"$tree/runtime/deque.c" <<'END'
#include "base.h"
int fl_give(int *p)
{
    fl_store_rlx(unshared, p, 1); /* nobody else knows p */
    fl_store_rel(given, p, 1); /* D1: pairs with the acquire taken */
    return 0;
}
int fl_take(int *p)
{
    /* D1: pairs with the release given,
     * over two lines */
    return fl_load_acq(taken, p);
}
END
}

passes()
{
    sh "$here/$1.sh" "$tree" >"$work/log" 2>&1 || {
        echo "$1 fails the good tree:" >&2
        cat "$work/log" >&2
        status=1
    }
}

# fails LINT FILE TEXT: with TEXT added to FILE, LINT must fail and name the file.
fails()
{
    good_tree
    mkdir -p "$(dirname "$tree/$2")"
    printf '%b' "$3" >>"$tree/$2"
    if sh "$here/$1.sh" "$tree" >"$work/log" 2>&1; then
        echo "$1 passes $2 with: $3" >&2
        status=1
    elif ! grep -q "${2#include/}" "$work/log"; then
        echo "$1 fails without naming $2:" >&2
        cat "$work/log" >&2
        status=1
    fi
}

good_tree
for lint in layers orders words headers; do passes "$lint"; done

fails layers runtime/base.h '#include "deque.h"\n'
fails layers runtime/deque.c '#include "worker.h"\n'
fails layers runtime/error.c '#include "worker.h"\n'
fails layers runtime/new.c 'int fl_x;\n'
fails layers runtime/deque.c '#include <hwloc.h>\n'
fails layers runtime/deque.c '__asm__ volatile("pause");\n'
fails layers include/filch.h '#include <pthread.h>\n'
fails layers include/filch.h '#include <sys/mman.h>\n'
fails layers include/filch/detail/atomic.h '#include "../task.h"\n'
fails layers include/filch.h '#include "../runtime/base.h"\n'

fails orders runtime/deque.c 'void f(int *p) {\n fl_store_rel(s, p, 1);\n}\n'
fails orders runtime/deque.c 'void f(int *p) {\n fl_store_rel(s, p, 1); /* D1: before the others */\n}\n'
fails orders runtime/deque.c 'void f(int *p) {\n fl_store_rel(s, p, 1); /* pairs with the acquire taken */\n}\n'
fails orders runtime/deque.c 'void f(int *p) {\n fl_store_rel(s, p, 1); /* D1: pairs with the acquire gone */\n}\n'
fails orders runtime/deque.c 'void f(int *p) {\n int a;\n a = 0;\n fl_store_rlx(s, p, a);\n}\n'
fails orders runtime/deque.c 'void f(void) {\n fl_fence_sc(s);\n}\n'

# in two parts, that this file may pass the lint itself
fails words runtime/deque.c "/* /ho""me/someone/filch */\n"
fails words runtime/deque.c 'int fl_x; \n'
fails words runtime/deque.c '\tint fl_x;\n'
fails words runtime/deque.c 'int fl_x;'
fails words runtime/deque.c "/* $(printf '%120s' x) */\n"

fails headers include/filch.h '#define MAX 1\n'
fails headers include/filch.h 'static inline int filch_x(int *p) { char c = *p; return c; }\n'
fails headers include/filch/needs.h 'static inline size_t filch_x(void) { return 0; }\n'

# Stale lines of the table.
good_tree
echo 'L1 gone.c' >>"$LAYERS"
if sh "$here/layers.sh" "$tree" >/dev/null 2>&1; then
    echo 'layers passes a table that lists a file which is not there' >&2
    status=1
fi

# exports: libraries with a symbol too many.
cd "$work"
echo 'int filch_x; int stray;' >stray.c
"${CC:-cc}" -fPIC -c stray.c -o stray.o
"${CC:-cc}" -shared -Wl,-soname,libfilch.so.0 stray.o -o stray.so
ar rc stray.a stray.o
objcopy --strip-symbol=stray stray.o clean.o
"${CC:-cc}" -shared -Wl,-soname,libfilch.so.0 clean.o -o clean.so
"${CC:-cc}" -shared clean.o -o unnamed.so
ar rc clean.a clean.o
sh "$here/exports.sh" clean.so clean.a || { echo 'exports fails the good libraries' >&2; status=1; }
for pair in stray.so:clean.a clean.so:stray.a unnamed.so:clean.a; do
    if sh "$here/exports.sh" "${pair%:*}" "${pair#*:}" 2>/dev/null; then
        echo "exports passes $pair" >&2
        status=1
    fi
done

exit $status
