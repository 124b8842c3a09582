#!/bin/sh
# info.sh FILCH: what `filch info` prints, against the .expected files here, and what it says of wrong usage.
#   UPDATE=1 writes those files anew: read the difference before you commit it.
set -eu
filch=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
status=0
count=0

complain()
{
    echo "$*" >&2
    status=1
}

# No FILCH_ or HWLOC_ variable but those named here; hwloc's version is the machine's.
run()
{
    (cd "$here/../topology" && env -i PATH="$PATH" ASAN_OPTIONS="${ASAN_OPTIONS:-}" TSAN_OPTIONS="${TSAN_OPTIONS:-}" \
        "$@") | sed 's/hwloc [0-9][0-9.a-z]*/hwloc VERSION/'
}

compare()
{
    count=$((count + 1))
    if [ -n "${UPDATE:-}" ]; then
        cp "$work/out" "$here/$1.expected"
    elif ! diff -u "$here/$1.expected" "$work/out" >&2; then
        complain "$1 differs"
    fi
}

# golden NAME [VARIABLE=VALUE...] -- OPTION...: as text and as JSON
golden()
{
    name=$1
    shift
    variables=
    while [ "$1" != -- ]; do
        variables="$variables $1"
        shift
    done
    shift
    # shellcheck disable=SC2086 # a list
    run $variables "$filch" info "$@" >"$work/out"
    compare "$name.text"
    # shellcheck disable=SC2086 # a list
    run $variables "$filch" info --json "$@" >"$work/out"
    compare "$name.json"
    valid "$name"
}

valid()
{
    if command -v python3 >/dev/null; then
        python3 -m json.tool <"$work/out" >/dev/null || complain "$1: not JSON"
    fi
}

# refuses STATUS TEXT ARGUMENT...: nothing on stdout, TEXT on stderr
refuses()
{
    wanted=$1
    text=$2
    shift 2
    got=0
    "$filch" "$@" >"$work/out" 2>"$work/err" || got=$?
    [ "$got" -eq "$wanted" ] || complain "filch $*: exit status $got, expected $wanted"
    [ ! -s "$work/out" ] || complain "filch $*: prints to stdout"
    grep -qF -- "$text" "$work/err" || complain "filch $*: expected \"$text\", got: $(cat "$work/err")"
    count=$((count + 1))
}

put()
{
    mkdir -p "$work/root/$(dirname "$1")"
    printf '%b' "$2" >"$work/root/$1"
}

# ---- machines ----

most=topology,budget,placement,victims # features and the size of stacks are the machine's
golden server -- --topology 'synthetic:pack:2 l3:1 l2:2 core:1 pu:2' --only $most
golden hybrid FILCH_PIN=core -- --topology hybrid.xml --workers 6 --only $most
golden flat FILCH_NUM_WORKERS=5 -- --topology synthetic:pu:3 --only $most

put proc/self/cgroup '0::/kubepods.slice/pod1.slice/c\"é\"\n'
put proc/self/mountinfo '30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'
put sys/fs/cgroup/kubepods.slice/cpu.max 'max 100000\n'
put sys/fs/cgroup/kubepods.slice/pod1.slice/cpu.max '250000 100000\n'
put sys/fs/cgroup/kubepods.slice/pod1.slice/cpuset.cpus.effective '0-5\n'
put 'sys/fs/cgroup/kubepods.slice/pod1.slice/c\"é\"/cpu.max' 'nonsense\n'
golden container -- --topology 'synthetic:numa:2 core:4 pu:1' --mask 2-5 --root "$work/root" --only $most

if (ulimit -s 8192) 2>/dev/null; then
    ulimit -s 8192
    golden environment FILCH_STACK=256K FILCH_PIN=core -- --topology synthetic:pu:3 --only environment
    golden defaults -- --topology synthetic:pu:3 --only=environment
fi

# ---- this machine ----

run "$filch" info >"$work/out"
for word in topology budget placement victims features membarrier environment FILCH_NUM_WORKERS; do
    grep -q "$word" "$work/out" || complain "filch info says nothing of $word"
done
run "$filch" info --json >"$work/out"
valid 'this machine'
run "$filch" --version | grep -q '^filch [0-9]' || complain 'filch --version'
run "$filch" --help | grep -q '^usage: filch' || complain 'filch --help'
run "$filch" info --help | grep -q '^usage: filch info' || complain 'filch info --help'

# ---- wrong usage ----

refuses 2 'usage: filch'
refuses 2 'no command nope' nope
refuses 2 'no option --nope' --nope
refuses 2 'no option --nope' info --nope
refuses 2 'no option more' info more
refuses 2 '1 to 1024, not 0' info --workers 0
refuses 2 '1 to 1024, not 1025' info --workers=1025
refuses 2 '1 to 1024, not 3x' info --workers 3x
refuses 2 'not places' info --only topology,places
refuses 2 'not nothing' info --only ''
refuses 2 'not nothing' info --only topology,
refuses 2 'missing after --topology' info --topology
refuses 2 'no value for --json' info --json=1
refuses 2 'cannot be read' info --topology no/such/file.xml
refuses 2 'cannot be read' info --topology synthetic:nonsense
refuses 2 'cannot be read: an XML file of lstopo is needed, or synthetic:' info --topology 'core:4 pu:2'
refuses 2 'such as 0-3,8' info --mask all
refuses 2 'no processor of the machine is in the mask' info --topology synthetic:pu:3 --mask 3-9
if [ -w /dev/full ] && "$filch" info >/dev/full 2>"$work/err"; then complain 'a full disk goes unnoticed'; fi

[ "$count" -ge 20 ] || complain "only $count comparisons were made"
exit $status
