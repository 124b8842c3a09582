#!/bin/sh
# fiber.sh ROOT MACHINE [INCLUDE...]: the tests of fibers for another machine, under qemu, with the machine's own switch
# and with the portable one.  77 if there is no cross compiler or no qemu.
set -eu
root=$1
machine=$2
shift 2
cc=$machine-linux-gnu-gcc
qemu=$(command -v "qemu-$machine" || command -v "qemu-$machine-static" || :)
if ! command -v "$cc" >/dev/null || [ -z "$qemu" ]; then
    echo "$cc or qemu-$machine is not there" >&2
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cd "$root/runtime"

# Criterion's headers are the same for every machine, and only its headers are used; the system's own come first.  The
# folders that may have spaces in their names go by the environment.
C_INCLUDE_PATH=$root/include:$root/runtime:$root/tests/support
export C_INCLUDE_PATH
includes=
for folder in "$@"; do
    includes="$includes -idirafter $folder"
done
includes="$includes -idirafter /usr/include"

# build NAME-OF-SWITCH SWITCH TEST
build()
{
    # shellcheck disable=SC2086 # a list
    "$cc" -std=c11 -O2 -g -static $includes -DFL_SWITCH="\"$1\"" "$root/tests/unit/$3.c" fiber.c os_stack.c \
        os_linux.c os_wait.c deque.c notes.c seam.c message.c error.c "$2" "$root/tests/support/plain_main.c" \
        -o "$work/$3" -lpthread -lm
}

for switch in "$machine:arch/$machine/switch.S" ucontext:arch/ucontext/switch.c; do
    build "${switch%%:*}" "${switch#*:}" fiber
    "$qemu" "$work/fiber"
    build "${switch%%:*}" "${switch#*:}" fiber_memory
    for filter in 'each_*' '*_ends_*' '*stack*'; do # the others ask for more than a quick look under emulation
        "$qemu" "$work/fiber_memory" --filter "fiber_memory/$filter"
    done
done
