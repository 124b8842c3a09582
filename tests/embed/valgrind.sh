#!/bin/sh
# valgrind.sh PROGRAM: it ends well, valgrind finds no error, and no block is left.
set -eu
program=$1
skip() {
    echo "$1: skipped"
    exit 77
}
command -v valgrind >/dev/null || skip "no valgrind"

directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT INT TERM
valgrind -q --log-file="$directory/log" true || skip "valgrind does not run here: $(head -1 "$directory/log")"

strip -g -o "$directory/program" "$program" && program=$directory/program # valgrind 3.19 cannot read clang 14's
status=0
valgrind --error-exitcode=9 --leak-check=full --log-file="$directory/log" "$program" || status=$?
grep -q 'ERROR SUMMARY: 0 errors' "$directory/log" || status=1
grep -q 'All heap blocks were freed' "$directory/log" || status=1
[ "$status" = 0 ] || cat "$directory/log" >&2
exit "$status"
