#!/bin/sh
# gdb.sh PROGRAM: what gdb shows of a task: in a slow path, while it leaves its fiber, suspended, and on the next
# thread.  Each backtrace has the program's own functions and ends where the fiber begins.
set -eu
# shellcheck source=tests/backtrace/frames.sh
. "$(dirname "$0")/frames.sh"
program=$1
command -v gdb >/dev/null || skip "no gdb"

directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT INT TERM

cat >"$directory/commands" <<'END'
set pagination off
set confirm off
set width 0
set print frame-arguments none
break out_of_order
run
break fl_deque_sync_any
continue
echo == slow\n
backtrace
tbreak at_sync
continue
eval "tbreak fl_fiber_switch thread %d", $_thread
continue
echo == leaving\n
backtrace
break below
continue
echo == child\n
backtrace
set $here_pc = $pc
set $here_sp = $sp
set $pc = (long)&fl_switch_resumed
set $sp = (long)suspended->sp
echo == suspended\n
backtrace
set $pc = $here_pc
set $sp = $here_sp
break arrived
continue
echo == arrived\n
backtrace
delete
continue
END
DEBUGINFOD_URLS='' gdb -nx -batch -x "$directory/commands" "$program" >"$directory/out" 2>&1 || true
if grep -qiE 'ptrace: Operation not permitted|Could not trace the inferior|cannot disable.*randomization' \
    "$directory/out" && ! grep -q '^== slow' "$directory/out"; then
    skip "gdb may not trace here: $(head -1 "$directory/out")"
fi

status=0
# expect SECTION NAME...
expect()
{
    section=$1
    shift
    awk -v section="== $section" '$0 == section { on = 1; next } /^==/ { on = 0 } on && /^#/' "$directory/out" \
        >"$directory/section"
    if ! frames_in_order "$@" <"$directory/section"; then
        echo "$section: not these functions in this order: $*" >&2
        status=1
    fi
    awk -v section="== $section" '$0 == section { on = 1; next } /^==/ { on = 0 } on' "$directory/out" |
        grep -E '\?\?|corrupt|Backtrace stopped|previous frame|Cannot access' >&2 && {
        echo "$section: it does not end cleanly" >&2
        status=1
    }
    tail -1 "$directory/section" | grep -qwE 'begins|__start_context' || {
        echo "$section: it ends elsewhere than where a fiber begins: $(tail -1 "$directory/section")" >&2
        status=1
    }
}

expect slow fl_deque_sync_any out_of_order summit climb climb climb climb climb errand fl_worker_loop
expect leaving fl_fiber_switch summit climb climb climb climb climb errand fl_worker_loop
expect child below valley fl_worker_loop
if grep -q 'No symbol "fl_switch_resumed"' "$directory/out"; then
    echo "suspended fibers are not shown: the portable switch does not tell where they stand" >&2
else
    expect suspended fl_switch summit climb climb climb climb climb errand fl_worker_loop
fi
expect arrived arrived summit climb climb climb climb climb errand fl_worker_loop
grep -q 'exited normally' "$directory/out" || {
    echo "the program did not end well" >&2
    status=1
}
[ "$status" = 0 ] || cat "$directory/out" >&2
exit "$status"
