#!/bin/sh
# asan.sh PROGRAM: a heap overflow in a task that was suspended and has migrated is reported with the program's
# functions.
set -eu
# shellcheck source=tests/backtrace/frames.sh
. "$(dirname "$0")/frames.sh"
program=$1

directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT INT TERM
"$program" overrun 2>"$directory/report" && {
    echo "nothing was reported" >&2
    exit 1
}
status=0
grep -q 'heap-buffer-overflow' "$directory/report" || status=1
# Twice: where it was written, and where it was allocated.
frames_in_order overrun arrived summit climb climb climb climb climb errand fl_worker_loop \
    overrun arrived summit climb climb climb climb climb errand fl_worker_loop <"$directory/report" || status=1
[ "$status" = 0 ] || cat "$directory/report" >&2
exit "$status"
