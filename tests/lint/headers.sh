#!/bin/sh
# headers.sh ROOT [PROGRAM.c]: each public header compiles alone, and PROGRAM.c with them, as C11, C17 and C++17 by gcc
# and clang, whichever there are, without a warning; every macro that a header defines has filch's prefix.
set -eu
root=$1
program=${2:-}
status=0
headers=$(cd "$root/include" && find . -name '*.h' | sed 's,^\./,,' | sort)
[ -n "$headers" ] || { echo "no headers under $root/include" >&2; exit 1; }

warnings='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wredundant-decls -Wcast-qual -Wundef -Werror'
c_only='-Wstrict-prototypes'
cxx_only='-Wold-style-cast'

# -O1: some warnings come from the optimiser's analysis.
compile()
{
    "$@" -O1 -I"$root/include" -c -o /dev/null || {
        echo "failed: $what by $*" >&2
        status=1
    }
}

try_all()
{
    for header in $headers; do
        what=$header
        # a header of macros alone would leave an empty translation unit, which C forbids
        compile "$@" - <<END
#include "$header"
extern int filch_header_was_read;
END
    done
    if [ -n "$program" ]; then
        what=$program
        compile "$@" - <"$program"
    fi
}

compilers=0
for pair in gcc:g++ clang:clang++; do
    cc=${pair%:*}
    cxx=${pair#*:}
    if command -v "$cc" >/dev/null && command -v "$cxx" >/dev/null; then
        compilers=$((compilers + 1))
        # shellcheck disable=SC2086 # flags are lists
        {
            try_all "$cc" -std=c11 $warnings $c_only -x c
            try_all "$cc" -std=c17 $warnings $c_only -x c
            try_all "$cxx" -std=c++17 $warnings $cxx_only -x c++
        }
    else
        echo "$cc or $cxx is not there: not tried" >&2
    fi
done
[ "$compilers" -gt 0 ] || { echo "no compiler was tried" >&2; exit 1; }

cd "$root/include"
# shellcheck disable=SC2086 # a list of files
awk '
    /^[ \t]*#[ \t]*define[ \t]/ {
        name = $0
        sub(/^[ \t]*#[ \t]*define[ \t]+/, "", name)
        sub(/[^A-Za-z0-9_].*/, "", name)
        if (name ~ /^(FILCH_|filch_|FL_|fl_)/) next
        printf "%s:%d: unprefixed macro %s\n", FILENAME, FNR, name
        bad = 1
    }
    END { exit bad }
' $headers >&2 || status=1

exit $status
