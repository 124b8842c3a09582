#!/bin/sh
# build.sh PREFIX: compiles ../main.c into the current folder with what pkg-config says of the filch in PREFIX.
set -eu
main=$(dirname "$0")/../main.c
file=$(find "$1" -name filch.pc)
PKG_CONFIG_PATH=$(dirname "$file")
export PKG_CONFIG_PATH
warnings='-Wall -Wextra -Wpedantic -Werror'

cflags=$(pkg-config --cflags filch)
libs=$(pkg-config --libs filch)
libdir=$(dirname "$PKG_CONFIG_PATH")
# eval: pkg-config quotes for the shell what is special in a path
eval "${CC:-cc} -std=c11 $warnings $cflags \"\$main\" -o c_shared $libs -Wl,-rpath,\"\$libdir\""
eval "${CXX:-c++} -std=c++17 $warnings $cflags -x c++ \"\$main\" -x none -o cxx_shared $libs -Wl,-rpath,\"\$libdir\""

# Both libraries lie in one folder, where the linker prefers the shared one: name the archive.
libs=$(pkg-config --static --libs filch | sed 's/-lfilch/-l:libfilch.a/')
eval "${CC:-cc} -std=c11 $warnings $cflags \"\$main\" -o c_static $libs"
eval "${CXX:-c++} -std=c++17 $warnings $cflags -x c++ \"\$main\" -x none -o cxx_static $libs"
