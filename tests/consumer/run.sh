#!/bin/sh
# run.sh install BUILD WORK            installs the build into WORK/prefix, by way of another place
# run.sh KIND SOURCE WORK              builds the consumer of that kind in WORK/KIND and runs its programs
# KIND: find_package, add_subdirectory, pkg_config.  CC and CXX name the compilers.
set -eu
kind=$1
work=$3
here=$(cd "$(dirname "$0")" && pwd)
prefix=$work/prefix
mkdir -p "$work"

fail()
{
    echo "$*" >&2
    exit 1
}

run_all()
{
    count=0
    for program in "$1"/c_* "$1"/cxx_*; do
        [ -x "$program" ] || fail "$program was not built"
        "$program" || fail "$program: exit status $?"
        case $program in
            *static) ldd "$program" | grep -q libfilch && fail "$program is linked with the shared library" ;;
            *) ldd "$program" | grep -q 'libfilch\.so\.0 ' || fail "$program is not linked with libfilch.so.0" ;;
        esac
        count=$((count + 1))
    done
    [ "$count" -eq "$2" ] || fail "$count programs, expected $2"
}

cmake_consumer()
{
    rm -rf "${work:?}/$kind"
    cmake -S "$here/$kind" -B "$work/$kind" -DCMAKE_C_COMPILER="${CC:-cc}" -DCMAKE_CXX_COMPILER="${CXX:-c++}" \
        -DCMAKE_C_STANDARD=11 -DCMAKE_CXX_STANDARD=17 -DCMAKE_C_FLAGS='-Wall -Wextra -Wpedantic -Werror' \
        -DCMAKE_CXX_FLAGS='-Wall -Wextra -Wpedantic -Werror' "$@"
    cmake --build "$work/$kind"
}

case $kind in
    install)
        rm -rf "$prefix" "$work/elsewhere"
        cmake --install "$2" --prefix "$work/elsewhere"
        mv "$work/elsewhere" "$prefix" # an installed tree may be moved: whatever holds the old place fails below
        if grep -rIl "$work\|$2" "$prefix"; then fail "these installed files name the place of their build"; fi
        ;;
    find_package)
        cmake_consumer -DCMAKE_PREFIX_PATH="$prefix"
        run_all "$work/$kind" 6
        ;;
    add_subdirectory)
        cmake_consumer -DFILCH_SOURCE_DIR="$2"
        run_all "$work/$kind" 4
        ;;
    pkg_config)
        rm -rf "${work:?}/$kind"
        mkdir "$work/$kind"
        (cd "$work/$kind" && sh "$here/pkg_config/build.sh" "$prefix")
        run_all "$work/$kind" 4
        ;;
    *) fail "unknown kind of consumer: $kind" ;;
esac
