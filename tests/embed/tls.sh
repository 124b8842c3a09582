#!/bin/sh
# tls.sh ROOT SHARED STATIC WORK: the library's thread-local storage is one variable of at most 64 bytes on a line of
# its own, and neither the library nor a user's object that is compiled for a shared library calls __tls_get_addr.
set -u
LC_ALL=C
export LC_ALL
root=$1
shared=$2
static=$3
work=$4
status=0

rm -rf "$work"
mkdir -p "$work" || exit 1

bad()
{
    echo "failed: $*" >&2
    status=1
}

# one_variable FILE: the TLS symbols that it defines, once each
one_variable()
{
    variables=$(readelf -sW "$1" | awk '$4 == "TLS" && $7 != "UND" { print $3, $8 }' | sort -u)
    count=$(echo "$variables" | grep -c .)
    [ "$count" -eq 1 ] || bad "$1 defines $count thread-local variables:" "$variables"
    [ "${variables#* }" = filch_detail_self ] || bad "$1: another variable than filch_detail_self: $variables"
    [ "${variables% *}" -le 64 ] || bad "$1: ${variables% *} bytes of thread-local storage, at most 64"
}

# never_asks FILE: no dynamic model, whose relocations the linker may or may not relax
never_asks()
{
    if nm "$1" 2>/dev/null | grep -w __tls_get_addr || nm -D "$1" 2>/dev/null | grep -w __tls_get_addr; then
        bad "$1 calls __tls_get_addr"
    fi
    if readelf -rW "$1" | grep -E 'TLSGD|TLSLD|DTPMOD|DTPOFF|TLSDESC' | grep -v debug; then
        bad "$1 is relocated for a dynamic model of thread-local storage"
    fi
}

one_variable "$shared"
never_asks "$shared"
one_variable "$static"

# Objects one by one: readelf of an archive, relocations of debug sections aside, names its sections only.
mkdir "$work/objects" && (cd "$work/objects" && ar x "$static") || exit 1
for object in "$work"/objects/*.o; do
    strip --strip-debug "$object"
    never_asks "$object"
done

size=$(readelf -lW "$shared" | awk '$1 == "TLS" { print $6, $NF }')
case $size in
    "0x0000"[0-3]?" 0x40" | "0x000040 0x40") ;;
    *) bad "$shared: size and alignment of its TLS segment are $size" ;;
esac

compilers=0
for compiler in 'gcc -std=c11 -x c' 'clang -std=c11 -x c' 'g++ -std=c++17 -x c++' 'clang++ -std=c++17 -x c++'; do
    command -v "${compiler%% *}" >/dev/null || continue
    for level in -O0 -O3; do
        for variant in '' -DFILCH_UNCHECKED -DFILCH_CHECK; do
            compilers=$((compilers + 1))
            # shellcheck disable=SC2086 # a compiler and its flags
            $compiler -fPIC $level $variant -I"$root/include" -c "$root/tests/embed/plugin.c" -o "$work/user.o" ||
                bad "plugin.c by $compiler $level $variant"
            never_asks "$work/user.o"
        done
    done
done
[ "$compilers" -gt 0 ] || bad "no compiler is there"
exit $status
