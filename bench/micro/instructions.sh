#!/bin/sh
# Instructions per spawn of fib without cut-off, for the plain source, the serial elision and filch with one worker,
# counted by callgrind: unlike a time the figure is the same in every run.  The difference between eleven repetitions
# and one leaves out the start of the process, the runtime's and the warm-up.
#
#   instructions.sh [FOLDER [N]]      FOLDER: where fib-serial is, default build/release/bench/cases; N: fib's argument
set -eu

folder=${1:-build/release/bench/cases}
n=${2:-18}

if ! command -v valgrind >/dev/null; then
    echo "instructions.sh: valgrind is not installed" >&2
    exit 77
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# Copies without debug information: valgrind before 3.20 gives up at what clang 14 writes.
for variant in serial elision filch; do
    strip --strip-debug -o "$scratch/fib-$variant" "$folder/fib-$variant"
done
library=$(ldd "$folder/fib-filch" | sed -n 's/^[[:space:]]*\(libfilch[^ ]*\) => \([^ ]*\) .*/\1 \2/p')
if [ -n "$library" ]; then
    strip --strip-debug -o "$scratch/${library%% *}" "${library#* }"
fi

# Instructions of a whole process: VARIANT REPETITIONS
count() {
    if ! text=$(LD_LIBRARY_PATH="$scratch" FILCH_NUM_WORKERS=1 valgrind --tool=callgrind \
        --callgrind-out-file=/dev/null "$scratch/fib-$1" "$n" "$2" 2>&1); then
        echo "$text" >&2
        exit 1
    fi
    echo "$text" | sed -n 's/^==[0-9]*== Collected : //p'
}

tasks=$("$folder/fib-serial" "$n" | sed -n 's/.* tasks=//p')
printf '%-10s %22s %14s\n' "fib $n" "instructions per spawn" "beyond plain"
plain=
for variant in serial elision filch; do
    one=$(count "$variant" 1)
    eleven=$(count "$variant" 11)
    each=$(awk -v a="$one" -v b="$eleven" -v t="$tasks" 'BEGIN { printf "%.2f", (b - a) / 10 / t }')
    plain=${plain:-$each}
    awk -v v="$variant" -v e="$each" -v p="$plain" 'BEGIN { printf "%-10s %22.2f %14.2f\n", v, e, e - p }'
done
