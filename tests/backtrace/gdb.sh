#!/bin/sh
# gdb.sh PROGRAM SWITCH: what gdb shows of a task: in a slow path, while it leaves its fiber, suspended, and on the next
# thread.  Each backtrace has the program's own functions and ends where the fiber begins.  Where SWITCH, the folder of
# runtime/arch/, is x86_64, callee-saved registers are compared, too: a backtrace of names alone does not need them.
set -eu
# shellcheck source=tests/backtrace/frames.sh
. "$(dirname "$0")/frames.sh"
program=$1
switch=$2
command -v gdb >/dev/null || skip "no gdb"

directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT INT TERM

cat >"$directory/settings" <<'END_OF_FILE'
set pagination off
set confirm off
set width 0
set print frame-arguments none
END_OF_FILE

# What the commands below call: `marks` prints the registers in the frame of with_marks (climber.c), `note_registers`
# keeps those at the entry of fl_switch, `compare_registers` prints whether the frame above fl_switch has them.
if [ "$switch" = x86_64 ]; then
    cat >>"$directory/settings" <<'END_OF_FILE'
define registers
printf "registers %ld %ld %ld %ld %ld %ld %ld\n", $rbx, $r12, $r13, $r14, $r15, (long)$rbp - (long)$sp, (long)$rbp
end
define marks
select-frame function with_marks
registers
select-frame 0
end
define note_registers
eval "tbreak *(long)&fl_switch thread %d", $_thread
continue
set $rbx_was = $rbx
set $rbp_was = $rbp
set $r12_was = $r12
set $r13_was = $r13
set $r14_was = $r14
set $r15_was = $r15
set $sp_was = $sp + 8
end
define compare_registers
select-frame 1
printf "same %d %d %d", $rbx == $rbx_was, $rbp == $rbp_was, $r12 == $r12_was
printf " %d %d %d %d\n", $r13 == $r13_was, $r14 == $r14_was, $r15 == $r15_was, $sp == $sp_was
select-frame 0
end
END_OF_FILE
else
    for name in marks note_registers compare_registers; do
        printf 'define %s\nend\n' "$name"
    done >>"$directory/settings"
fi

cat "$directory/settings" - >"$directory/commands" <<'END_OF_FILE'
break out_of_order
run
break fl_deque_sync_any
continue
echo == slow\n
backtrace
echo == slow registers\n
marks
tbreak at_sync
continue
eval "tbreak fl_fiber_switch thread %d", $_thread
continue
echo == leaving\n
backtrace
echo == leaving registers\n
marks
note_registers
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
echo == suspended registers\n
marks
compare_registers
set $pc = $here_pc
set $sp = $here_sp
break arrived
continue
echo == arrived\n
backtrace
echo == arrived registers\n
marks
continue
echo == crowded\n
backtrace
echo == crowded registers\n
marks
break toil
continue
echo == toil\n
backtrace
delete
continue
END_OF_FILE
DEBUGINFOD_URLS='' gdb -nx -batch -x "$directory/commands" "$program" >"$directory/out" 2>&1 || true
if grep -qiE 'ptrace: Operation not permitted|Could not trace the inferior|cannot disable.*randomization' \
    "$directory/out" && ! grep -q '^== slow' "$directory/out"; then
    skip "gdb may not trace here: $(head -1 "$directory/out")"
fi

status=0
# section_of NAME: its lines
section_of()
{
    awk -v section="== $1" '$0 == section { on = 1; next } /^==/ { on = 0 } on' "$directory/out"
}

# expect SECTION NAME...
expect()
{
    section=$1
    shift
    section_of "$section" | grep '^#' >"$directory/section" || true
    if ! frames_in_order "$@" <"$directory/section"; then
        echo "$section: not these functions in this order: $*" >&2
        status=1
    fi
    section_of "$section" | grep -E '\?\?|corrupt|Backtrace stopped|previous frame|Cannot access' >&2 && {
        echo "$section: it does not end cleanly" >&2
        status=1
    }
    tail -1 "$directory/section" | grep -qwE 'begins|__start_context' || {
        echo "$section: it ends elsewhere than where a fiber begins: $(tail -1 "$directory/section")" >&2
        status=1
    }
}

# expect_marks SECTION: the frame of with_marks has what it put into the registers.
expect_marks()
{
    [ "$switch" = x86_64 ] || return 0
    section_of "$1 registers" | grep -q '^registers 3000 3001 3002 3003 3004 48 ' || {
        echo "$1: with_marks shows other registers than 3000 3001 3002 3003 3004, 48:" >&2
        section_of "$1 registers" >&2
        status=1
    }
}

climbs='summit with_marks climb climb climb climb climb errand fl_worker_loop'
# shellcheck disable=SC2086 # a list of names
{
    expect slow fl_deque_sync_any filch_detail_sync_any out_of_order $climbs
    expect leaving fl_fiber_switch "$slow_sync" $climbs
    expect child below valley fl_worker_loop
    expect arrived arrived "$slow_sync" $climbs
    expect crowded arrived filch_detail_spawn_slow crowd $climbs
    expect toil toil crowd $climbs # the slow spawn ends with a jump to the task
}
expect_marks slow
expect_marks leaving
expect_marks arrived
expect_marks crowded
if grep -q 'No symbol "fl_switch_resumed"' "$directory/out"; then
    echo "suspended fibers are not shown: the portable switch does not tell where they stand" >&2
else
    # shellcheck disable=SC2086 # a list of names
    expect suspended fl_switch "$slow_sync" $climbs
    expect_marks suspended
    [ "$switch" != x86_64 ] || section_of 'suspended registers' | grep -qx 'same 1 1 1 1 1 1 1' || {
        echo "suspended: not the registers that fl_switch was called with: rbx rbp r12 r13 r14 r15 rsp" >&2
        status=1
    }
fi
grep -q 'exited normally' "$directory/out" || {
    echo "the program did not end well" >&2
    status=1
}
[ "$status" = 0 ] || cat "$directory/out" >&2
[ "$switch" = x86_64 ] || exit "$status"

# ---- each instruction of the switch ----

# The frame above the switch has the registers of whoever called it, before the stacks change and after; or, on a stack
# that begins, those that fl_switch_prepare put there.  What lies below the stack pointer belongs to nobody and is
# cleared, so that a rule cannot find there what was popped.
cat "$directory/settings" - >"$directory/commands" <<'END_OF_FILE'
tbreak main
run marks
printf "prepared %ld %ld\n", (long)&there, (long)&marked_stack
break *(long)&fl_switch
set $switches = 0
while $switches < 8
continue
while (long)$pc >= (long)&fl_switch && (long)$pc < (long)&begins
printf "on %s", (long)$sp >= (long)&marked_stack && (long)$sp < (long)(&marked_stack + 1) ? "there" : "here"
printf " %ld\n", (long)$pc - (long)&fl_switch
set {long}((long)$sp - 8) = 0
set {long}((long)$sp - 16) = 0
set {long}((long)$sp - 24) = 0
set {long}((long)$sp - 32) = 0
set {long}((long)$sp - 40) = 0
set {long}((long)$sp - 48) = 0
set {long}((long)$sp - 56) = 0
set {long}((long)$sp - 64) = 0
select-frame 1
frame
registers
select-frame 0
stepi
end
set $switches = $switches + 1
end
delete
continue
END_OF_FILE
DEBUGINFOD_URLS='' gdb -nx -batch -x "$directory/commands" "$program" >"$directory/out" 2>&1 || true
awk '
    function is_marked(mark) {
        return $2 == mark && $3 == mark + 1 && $4 == mark + 2 && $5 == mark + 3 && $6 == mark + 4 && $7 == 48
    }
    $1 == "prepared" { begin = $2; self = $3 }
    $1 == "on" { stack = $2; offset = $3; name = "" }
    /^#1 / { name = / with_marks / ? "with_marks" : / begins / ? "begins" : "?" }
    $1 == "registers" {
        steps++
        right = 0
        if (name == "with_marks")
            right = is_marked(stack == "there" ? 2000 : 1000)
        else if (name == "begins" && stack == "there")
            right = $2 == begin && $3 == self && $4 == 0 && $5 == 0 && $6 == 0 && $8 == 0
        seen[stack " " name]++
        if (!right) {
            print "fl_switch+" offset ", stack " stack ", frame " name ": other " $0
            wrong++
        }
    }
    / exited normally/ { ended = 1 }
    END {
        if (!ended) print "the program with marks did not end well"
        if (steps < 8 * 20 || !seen["here with_marks"] || !seen["there with_marks"] || !seen["there begins"]) {
            print "only " steps + 0 " steps in fl_switch were seen"
            wrong++
        }
        exit wrong || !ended
    }' "$directory/out" >"$directory/wrong" || {
    cat "$directory/wrong" "$directory/out" | head -200 >&2
    status=1
}
exit "$status"
