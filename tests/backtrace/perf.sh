#!/bin/sh
# perf.sh PROGRAM METHOD...: what perf shows of a slow path of a task that has migrated, with each METHOD of
# --call-graph: of the samples in a function called there nearly all have the slow path and the program's functions up
# to the loop of the worker.
set -eu
# shellcheck source=tests/backtrace/frames.sh
. "$(dirname "$0")/frames.sh"
program=$1
shift
command -v perf >/dev/null || skip "no perf"

directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT INT TERM
perf record -q -o "$directory/data" -e cpu-clock:u -- true >"$directory/log" 2>&1 || {
    paranoid=$(cat /proc/sys/kernel/perf_event_paranoid 2>/dev/null || echo '?')
    skip "perf may not record here (perf_event_paranoid $paranoid): $(head -1 "$directory/log")"
}

# samples METHOD WHERE CHAIN: prints how many samples lie in labour, called there, and how many have the whole chain.
samples()
{
    perf record -q -o "$directory/data" -e cpu-clock:u -F 499 --call-graph "$1" -- "$program" labour "$2" \
        >"$directory/log" 2>&1 || {
        cat "$directory/log" >&2
        return 1
    }
    perf script -i "$directory/data" --no-inline -F ip,sym 2>>"$directory/log" >"$directory/script"
    awk -v RS= -v chain="$3" '
        / labour/ {
            all++
            n = split($0, line, "\n")
            count = split(chain, name, " ")
            next_name = 1
            for (i = 1; i <= n && next_name <= count; i++) {
                split(line[i], word, " ")
                sub(/\..*/, "", word[2]) # crowd.cold: a part of crowd
                if (word[2] ~ "^(" name[next_name] ")$") next_name++
            }
            whole += next_name > count
        }
        END { print all + 0, whole + 0 }' "$directory/script"
}

status=0
# judge METHOD WHERE NAME...
judge()
{
    method=$1
    where=$2
    shift 2
    counts=$(samples "$method" "$where" \
        "$* summit with_marks climb climb climb climb climb errand fl_worker_loop")
    all=${counts% *} whole=${counts#* }
    echo "$method, $where: $whole of $all samples have the whole chain" >&2
    if [ "$all" -lt 5 ] || [ $((whole * 10)) -lt $((all * 9)) ]; then
        head -60 "$directory/script" >&2
        status=1
    fi
}

for method in "$@"; do
    if [ "${method%%,*}" = dwarf ] &&
        ! perf version --build-options 2>/dev/null | grep -E 'dwarf-unwind|libunwind' | grep -q '\[ *on *\]'; then
        skip "this perf does not unwind by DWARF"
    fi
    judge "$method" sync "$slow_sync"
    judge "$method" spawn filch_detail_spawn_slow crowd
done
exit "$status"
