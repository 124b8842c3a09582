#!/bin/sh
# asan.sh PROGRAM: a heap overflow in a slow path of a task that was suspended and has migrated is reported with the
# program's functions and with that slow path.
set -eu
# shellcheck source=tests/backtrace/frames.sh
. "$(dirname "$0")/frames.sh"
program=$1

directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT INT TERM
status=0

# reported WHERE NAME...: climber overruns there, and these functions are in the report, each between the slow path's
# seam and the summit.
reported()
{
    where=$1
    shift
    if "$program" overrun "$where" 2>"$directory/report"; then
        echo "$where: nothing was reported" >&2
        status=1
    fi
    chain="overrun arrived at_point $* summit with_marks climb climb climb climb climb errand fl_worker_loop"
    # Twice: where it was written, and where it was allocated.
    # shellcheck disable=SC2086 # a list of names
    if ! grep -q 'heap-buffer-overflow' "$directory/report" ||
        ! frames_in_order $chain $chain <"$directory/report"; then
        echo "$where: not reported with these functions: $chain" >&2
        cat "$directory/report" >&2
        status=1
    fi
}

reported sync "$slow_sync"
reported spawn filch_detail_spawn_slow crowd
exit "$status"
