#!/bin/sh
# linesort.sh PROGRAM [TEXT...]: linesort's output is that of LC_ALL=C sort, byte for byte, with 1, 2 and 4 workers; for
# awkward files, and for the TEXTs together, which are filch's own sources if none is named.
set -u
LC_ALL=C
export LC_ALL
[ $# -ge 1 ] || { echo "usage: linesort.sh PROGRAM [TEXT...]" >&2; exit 2; }
case $1 in
    /*) program=$1 ;;
    *) program=$PWD/$1 ;;
esac
shift
if [ $# -eq 0 ]; then
    root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
    set -- "$root"/LICENSE "$root"/*/*.[ch] "$root"/*/*/*.[ch] "$root"/*/*.md
fi

directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' INT TERM
cat -- "$@" >"$directory/text" || exit 1
cd "$directory" || exit 1
status=0
checks=0

fail()
{
    echo "linesort.sh: $*" >&2
    status=1
}

# check WHAT FILE...: linesort FILE... writes what sort FILE... writes.
check()
{
    what=$1
    shift
    sort -- "$@" >expected || exit 1
    for workers in 1 2 4; do
        FILCH_NUM_WORKERS=$workers "$program" -- "$@" >printed || fail "$what, $workers workers: exit status $?"
        cmp expected printed || fail "$what, $workers workers: the above is between sort and linesort"
        checks=$((checks + 1))
    done
}

# refuse WHAT STDERR ARGUMENT...: exit status 2, nothing on stdout, and a message that holds the words STDERR.
refuse()
{
    what=$1
    words=$2
    shift 2
    for workers in 1 2 4; do
        FILCH_NUM_WORKERS=$workers "$program" "$@" >printed 2>messages
        result=$?
        [ "$result" -eq 2 ] || fail "$what, $workers workers: exit status $result, not 2"
        [ ! -s printed ] || fail "$what, $workers workers: it writes something"
        grep -q -e "$words" messages || fail "$what, $workers workers: it says '$(cat messages)', not '$words'"
        checks=$((checks + 1))
    done
}

# ---- short and empty ----

: >empty
printf '\n' >newline
printf '\n\n\n' >newlines
printf 'no newline' >unended
printf 'b\na' >unended2
printf '\0' >nul
printf 'a\0b\na\na\0\n\0\n\0\0\na\0a\n\n' >nuls
printf '\377\n\200\n\177\n\1\n\t\n\v\n\r\na\r\na\na\t\na\v\n' >bytes
check 'an empty file' empty
check 'empty files' empty empty empty
check 'an empty line' newline
check 'empty lines' newlines newline
check 'no last newline' unended
check 'no last newlines' unended unended2 unended empty unended2
check 'a NUL' nul
check 'NULs' nuls nul
check 'bytes on both sides of a newline' bytes nuls
printf 'b\na\n' >'-o
 name'
check 'a name with a newline and a dash' '-o
 name' unended

# ---- each length around the seven bytes of a key, each kind of next byte ----

awk 'BEGIN {
    for (length_ = 0; length_ <= 24; length_++)
        for (c = 0; c < 6; c++) {
            for (i = 0; i < length_; i++)
                printf "a"
            printf "%s\n", substr("\001\011\013a\377", c, 1)
        }
}' >lengths
tr 'a' '\000' <lengths >lengths-of-nuls
check 'lengths' lengths
check 'lengths of NULs' lengths-of-nuls
check 'both lengths' lengths lengths-of-nuls lengths

# ---- many lines: all equal, equal but for the end, in pairs, each a prefix of the next, sorted, reversed ----

awk 'BEGIN { for (i = 0; i < 60000; i++) print "the same line, sixty thousand times" }' >equal
awk 'BEGIN { for (i = 0; i < 60000; i++) print "a common beginning of thirty-five " i * 7919 % 60000 }' >ends
awk 'BEGIN { for (i = 0; i < 1500; i++) { line = line "prefix "; print line } }' >prefixes
awk 'BEGIN { for (i = 0; i < 60000; i++) printf "%06d\n", i }' >ascending
awk 'BEGIN { for (i = 60000; i > 0; i--) printf "%06d\n", i }' >descending
awk 'BEGIN { for (i = 0; i < 30000; i++) printf "%06d a pair, b\n%06d a pair, a\n", i * 7919 % 30000, i }' >pairs
awk 'BEGIN { for (i = 0; i < 60000; i++) print i % 3 ? "common" : i % 2 ? "less common but longer" : "" i % 100 }' >few
check 'equal lines' equal
check 'lines equal but for their end' ends
check 'lines that are prefixes of each other' prefixes
check 'pairs of lines that begin alike' pairs
check 'sorted lines' ascending
check 'reversed lines' descending
check 'few different lines' few
check 'all of these' equal ends prefixes ascending descending few lengths empty unended

# ---- lines of megabytes ----

awk 'BEGIN { for (i = 0; i < 50000; i++) printf "a line of one and a half megabytes" }' >long
for end in 'x' '' 'a\n' '\nshort' ''; do
    cat long
    printf '%b\n' "$end"
done >longs
tr 'a' '\000' <longs >longs-with-nuls
check 'a long line' long
check 'long lines' longs
check 'long lines with NULs' longs longs-with-nuls longs

# ---- noise, and real text ----

dd if=/dev/urandom of=noise bs=65536 count=16 2>/dev/null
tr -d '\001-\011\013-\176' <noise >few-bytes
check 'noise' noise
check 'noise of few bytes' few-bytes
check 'noise twice and more' noise few-bytes noise empty longs
check 'real text' text
check 'real text and more' text ends few nuls text

# ---- names from a list, and where the output goes ----

printf 'few\nends\nunended' >by-newlines
printf 'few\0ends\0unended\0' >by-nuls
sort few ends unended >expected
for list in by-newlines by-nuls; do
    "$program" --files-from "$list" -o out || fail "$list: exit status $?"
    cmp expected out || fail "the names of $list"
    "$program" --files-from=/dev/stdin unended empty <"$list" >out || fail "$list on stdin: exit status $?"
    sort few ends unended unended | cmp - out || fail "the names of $list on stdin"
    checks=$((checks + 2))
done

cp few same
"$program" -o same same ends || fail "the output is an input: exit status $?"
sort few ends | cmp - same || fail "the output is an input"
cat few ends | "$program" /dev/stdin >printed || fail "a file without a size: exit status $?"
sort few ends | cmp - printed || fail "a file without a size"
checks=$((checks + 2))

"$program" --timing empty few >printed 2>messages || fail "--timing: exit status $?"
for phase in read split sort write; do
    grep -q "^filch-timing phase=$phase seconds=[0-9.]*\$" messages || fail "no time of $phase: $(cat messages)"
done
grep -q '^filch-timing workers=[0-9]* steals=[0-9]*$' messages || fail "no workers are named: $(cat messages)"

# ---- trouble ----

refuse 'no files' usage
refuse 'an unknown option' usage --nothing few
refuse 'an empty list' 'no file' --files-from empty
refuse 'no list' "open 'none'" --files-from none
refuse 'a list that is a directory' "read '\.'" --files-from .
refuse 'no such file' "open 'none'" few none ends
refuse 'no such files' "open 'none2'" none few none2
refuse 'a directory' "read '\.'" few .
refuse 'no directory for the output' "open 'none/out'" -o none/out few
if [ -c /dev/full ]; then
    refuse 'a full disk' "write '/dev/full'" -o /dev/full few
    "$program" few >/dev/full 2>messages
    result=$?
    [ "$result" -eq 2 ] || fail "stdout is full: exit status $result"
    grep -q "write 'standard output': No space" messages || fail "stdout is full: $(cat messages)"
fi
"$program" --files-from by-newlines none -o kept 2>/dev/null
[ ! -e kept ] || fail "an output is opened although an input is missing"

[ "$status" -eq 0 ] && echo "linesort.sh: $checks sorts are right"
exit "$status"
