#!/bin/sh
# format.sh ROOT: every C file is as clang-format would write it.  To repair: clang-format -i FILE.
set -eu
cd "$1"
command -v clang-format >/dev/null || { echo "clang-format is not there" >&2; exit 77; }
find include runtime tests bench examples tools -type f \
    \( -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name '*.hpp' \) \
    -exec clang-format --dry-run --Werror {} +
