#!/bin/sh
# python.sh ROOT SHARED WORK: binding.py with libfilch.so.
set -eu
root=$1
shared=$2
work=$3
command -v python3 >/dev/null && python3 -c 'import ctypes, multiprocessing' 2>/dev/null || {
    echo 'skipped: python3 with ctypes and multiprocessing is not there'
    exit 77
}
rm -rf "$work"
mkdir -p "$work"
"${CC:-cc}" -std=c11 -O2 -fPIC -fvisibility=hidden -shared -I"$root/include" "$root/tests/embed/binding.c" "$shared" \
    -Wl,-rpath,"$(dirname "$shared")" -o "$work/binding.so"
timeout 250 python3 -W ignore::DeprecationWarning "$root/tests/embed/binding.py" "$shared" "$work/binding.so"
