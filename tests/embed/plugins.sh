#!/bin/sh
# plugins.sh ROOT LIBRARY WORK: a plugin with LIBRARY, libfilch.a or libfilch.so, in it is loaded, used and unloaded
# thousands of times by a program that knows nothing of filch (plugins.c).  By gcc and clang, as C and as C++.
set -u
root=$1
library=$2
work=$3
failed=0
tried=0
links="$(pkg-config --libs hwloc 2>/dev/null || echo -lhwloc) -pthread"

rm -rf "$work"
mkdir -p "$work" || exit 1

run()
{
    timeout 240 "$work/host" "$work/plugin.so" "$@" || {
        echo "failed: $compiler, host $*" >&2
        failed=$((failed + 1))
    }
}

for compiler in 'gcc -std=c11 -x c' 'g++ -std=c++17 -x c++' 'clang -std=c11 -x c' 'clang++ -std=c++17 -x c++'; do
    cc=${compiler%% *}
    command -v "$cc" >/dev/null || continue
    tried=$((tried + 1))
    # shellcheck disable=SC2086 # flags are lists
    $compiler -O2 -fPIC -fvisibility=hidden -I"$root/include" -c "$root/tests/embed/plugin.c" -o "$work/plugin.o" &&
        "$cc" -shared "$work/plugin.o" "$library" -Wl,-rpath,"$(dirname "$library")" -Wl,--exclude-libs,ALL \
            -Wl,-z,defs $links -o "$work/plugin.so" &&
        "${CC:-cc}" -std=c11 -O2 "$root/tests/embed/plugins.c" -pthread -ldl -o "$work/host" || {
        echo "failed: the build by $compiler" >&2
        failed=$((failed + 1))
        continue
    }
    case $cc in
        gcc) run 5000 -1 && run 5000 1 ;;
        *) run 500 1 ;;
    esac
    case $library in
        *.so*) run leave ;; # the static one is unloaded under its threads: include/filch/runtime.h
    esac
done
[ "$tried" -gt 0 ] || { echo 'skipped: no compiler is there'; exit 77; }
[ "$failed" -eq 0 ]
