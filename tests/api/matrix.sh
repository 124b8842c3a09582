#!/bin/sh
# matrix.sh KIND ROOT LIBRARY WORK: where FILCH_TASK may stand, tried by compilers with all warnings as errors.
#   KIND      gcc, clang   each place x C11, C17, C++17 x -O0, -O3 x FILCH_HOT, _SERIAL, _UNCHECKED, _CHECK; linked, run
#             mixed        one header, compiled as C in one file and as C++ in the other, and by both compilers
#             refused      what must not compile says why
#   ROOT      of the sources.   LIBRARY  libfilch.a or .so.   WORK  a folder for what is built.
# Places: a public header that two files share (one.c, two.c), the defining file (local.c), static functions (static.c).
set -u
LC_ALL=C
export LC_ALL
kind=$1
root=$2
library=$3
work=$4/$kind
here=$(cd "$(dirname "$0")" && pwd)

warnings='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wredundant-decls -Wcast-qual -Wundef -Werror'
c_only='-Wstrict-prototypes'
cxx_only='-Wold-style-cast'
links="$(pkg-config --libs hwloc 2>/dev/null || echo -lhwloc) -pthread"
cells=0
failed=0

rm -rf "$work"
mkdir -p "$work" || exit 1
cd "$work" || exit 1

has()
{
    command -v "$1" >/dev/null
}

need()
{
    for compiler in "$@"; do
        has "$compiler" || {
            echo "skipped: $compiler is not there"
            exit 77
        }
    done
}

bad()
{
    echo "failed: $*" >&2
    failed=$((failed + 1))
}

# compile OBJECT SOURCE LANGUAGE COMPILER OPTION...
compile()
{
    object=$1
    source=$2
    language=$3
    shift 3
    if [ "$language" = c ]; then only=$c_only; else only=$cxx_only; fi
    # shellcheck disable=SC2086 # flags are lists
    "$@" -I"$root/include" $warnings $only -x "$language" -c "$here/$source" -o "$object" || {
        bad "$source by $*"
        return 1
    }
}

# run WHAT LINKER OBJECT...: links and runs; a program that hangs is a failure, too.
run()
{
    what=$1
    linker=$2
    shift 2
    cells=$((cells + 1))
    # shellcheck disable=SC2086 # flags are lists
    "$linker" "$@" "$library" -Wl,-rpath,"$(dirname "$library")" $links -o program || {
        bad "link of $what"
        return
    }
    timeout 60 ./program || bad "run of $what: exit status $?"
}

# cell LANGUAGE COMPILER OPTION...: all places in one program
cell()
{
    language=$1
    compiler=$2
    ok=true
    for place in one two local static main; do
        compile $place.o $place.c "$@" || ok=false
    done
    if $ok; then
        shift
        run "all places by $*" "$compiler" one.o two.o local.o static.o main.o
    fi
}

by_one_pair()
{
    need "$1" "$2"
    for level in -O0 -O3; do
        for variant in '' -DAPI_HOT=FILCH_HOT -DFILCH_SERIAL -DFILCH_UNCHECKED -DFILCH_CHECK; do
            # shellcheck disable=SC2086 # no variant is no word
            {
                cell c "$1" -std=c11 $level $variant
                cell c "$1" -std=c17 $level $variant
                cell c++ "$2" -std=c++17 $level $variant
            }
        done
        compile names.o names.cpp c++ "$2" -std=c++17 $level && run "names.cpp by $2 $level" "$2" names.o
    done
    # where gcc inlines the recursion
    cell c "$1" -std=c11 -O2 -DAPI_HOT=FILCH_HOT
}

# place LETTER COMPILER: the file $3 in the language that the compiler's name says
place()
{
    case $2 in
        *++) compile "$1.o" "$3" c++ "$2" -std=c++17 -O2 ;;
        *) compile "$1.o" "$3" c "$2" -std=c11 -O2 ;;
    esac
}

mixed()
{
    need gcc g++
    for pair in gcc:g++ g++:gcc gcc:clang++ g++:clang clang:g++ clang++:gcc clang:clang++ clang++:clang gcc:clang; do
        first=${pair%:*}
        second=${pair#*:}
        if ! has "$first" || ! has "$second"; then
            echo "not tried: $pair"
            continue
        fi
        place one "$first" one.c && place local "$first" local.c && place main "$first" main.c &&
            place two "$second" two.c && place static "$second" static.c &&
            run "one.c by $first with two.c by $second" g++ one.o two.o local.o static.o main.o
    done
    # each file its own macros: tasks of all of them meet in one deque
    compile one.o one.c c gcc -std=c11 -O2 -DFILCH_UNCHECKED && compile two.o two.c c gcc -std=c11 -O2 &&
        compile local.o local.c c gcc -std=c11 -O2 -DFILCH_CHECK &&
        compile static.o static.c c gcc -std=c11 -O2 -DFILCH_SERIAL && compile main.o main.c c gcc -std=c11 -O2 &&
        run "files with different macros" gcc one.o two.o local.o static.o main.o
}

# refuse WHAT SENTENCE: the source on standard input must not compile, and the compiler says SENTENCE
refuse()
{
    what=$1
    sentence=$2
    cat >refused.c
    for compiler in 'gcc -std=c11 -x c' 'clang -std=c11 -x c' 'g++ -std=c++17 -x c++' 'clang++ -std=c++17 -x c++'; do
        has "${compiler%% *}" || continue
        cells=$((cells + 1))
        # shellcheck disable=SC2086 # a compiler and its flags
        if $compiler -Wall -Wextra -I"$root/include" -fsyntax-only refused.c >log 2>&1; then
            bad "$what compiles by $compiler"
        elif ! grep -q "$sentence" log; then
            bad "$what by $compiler does not say \"$sentence\" but:"
            cat log >&2
        fi
    done
}

refused()
{
    refuse '9 arguments' 'FILCH_TASK takes a function of at most 8 arguments: pass the others in a struct' <<'END'
#include <filch.h>
int f(int, int, int, int, int, int, int, int, int);
FILCH_TASK(int, f, int, int, int, int, int, int, int, int, int);
END
    refuse '16 arguments' 'FILCH_TASK takes a function of at most 8 arguments: pass the others in a struct' <<'END'
#include <filch.h>
void f(int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int);
FILCH_TASK(void, f, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int);
END
    refuse '9 arguments of FILCH_TASK_AS' 'at most 8 arguments' <<'END'
#include <filch.h>
int f(int, int, int, int, int, int, int, int, int);
FILCH_TASK_AS(g, int, f, int, int, int, int, int, int, int, int, int);
END
    refuse '9 arguments of FILCH_HOT' 'at most 8 arguments' <<'END'
#include <filch.h>
int f(int, int, int, int, int, int, int, int, int);
FILCH_HOT(int, f, int, int, int, int, int, int, int, int, int);
END
    refuse 'a task of more than 1,024 bytes' "a task has at most 1,024 bytes: pass f.*s large arguments by" <<'END'
#include <filch.h>
struct large { char byte[1009]; };
void f(struct large);
FILCH_TASK(void, f, struct large);
END
    refuse 'no semicolon' "expected ';'" <<'END'
#include <filch.h>
int f(int);
FILCH_TASK(int, f, int)
int g;
END
    refuse 'no semicolon after FILCH_TASK_AS' "expected ';'" <<'END'
#include <filch.h>
void f(void);
FILCH_TASK_AS(g, void, f)
int h;
END
    refuse 'no semicolon after FILCH_HOT' "expected ';'" <<'END'
#include <filch.h>
int f(int);
FILCH_HOT(int, f, int)
int g;
END
    refuse 'an argument of another type' 'f_spawn' <<'END'
#include <filch.h>
int f(int *);
FILCH_TASK(int, f, int *);
struct s { int i; };
void g(struct s s) { f_task t; f_spawn(&t, s); f_sync(&t); }
END
    refuse 'the task of another function' 'sync' <<'END'
#pragma GCC diagnostic error "-Wincompatible-pointer-types"
#include <filch.h>
int f(int);
int g(int);
FILCH_TASK(int, f, int);
FILCH_TASK(int, g, int);
void h(void) { f_task t; f_spawn(&t, 1); g_sync(&t); }
END
    refuse 'the result of a void task' 'result' <<'END'
#include <filch.h>
void f(void);
FILCH_TASK(void, f);
int g(f_task *t) { return t->result; }
END
    [ "$cells" -gt 0 ] || {
        echo 'skipped: no compiler is there'
        exit 77
    }
}

case $kind in
    gcc) by_one_pair gcc g++ ;;
    clang) by_one_pair clang clang++ ;;
    mixed) mixed ;;
    refused) refused ;;
    *)
        echo "unknown kind: $kind" >&2
        exit 2
        ;;
esac
echo "$cells cells, $failed failures"
[ "$failed" -eq 0 ] && [ "$cells" -gt 0 ]
