#!/bin/sh
# valgrind.sh PROGRAM: valgrind knows the stacks of fibers: it finds no error where tasks change them, and does not
# guess that a stack was changed (it says so without -q only).
set -eu
# shellcheck source=tests/backtrace/frames.sh
. "$(dirname "$0")/frames.sh"
program=$1
command -v valgrind >/dev/null || skip "no valgrind"

directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT INT TERM
valgrind -q --log-file="$directory/log" true || skip "valgrind does not run here: $(head -1 "$directory/log")"

# valgrind 3.19 gives up at the debug information of clang 14.
strip -g -o "$directory/climber" "$program" 2>/dev/null && program=$directory/climber
status=0
valgrind --error-exitcode=9 --log-file="$directory/log" "$program" valgrind || status=$?
[ "$status" != 77 ] || skip "built without valgrind's header"
[ "$status" = 0 ] || echo "the program under valgrind ends with $status" >&2
if ! grep -q 'ERROR SUMMARY: 0 errors' "$directory/log"; then
    echo "valgrind does not say that there was no error" >&2
    status=1
fi
if grep -i 'switching stacks' "$directory/log" >&2; then
    echo "valgrind was not told of the stacks of fibers" >&2
    status=1
fi
[ "$status" = 0 ] || cat "$directory/log" >&2
exit "$status"
