#!/bin/sh
# treewalk.sh PROGRAM: treewalk counts what find and du count, in trees of all that is awkward, with 1, 2 and 4 workers.
set -u
LC_ALL=C
export LC_ALL
[ $# -eq 1 ] || { echo "usage: treewalk.sh PROGRAM" >&2; exit 2; }
find --version 2>/dev/null | grep -q GNU || { echo "skipped: this find has no -printf"; exit 77; }
case $1 in
    /*) program=$1 ;;
    *) program=$PWD/$1 ;;
esac

directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' INT TERM
cd "$directory" || exit 1
chmod 755 . # nobody must come in, too
status=0
checks=0

fail()
{
    echo "treewalk.sh: $*" >&2
    status=1
}

# expected DIR [COMMAND...]: what treewalk shall print of it but for the errors, as find counts.
expected()
{
    dir=$1
    shift
    "$@" find "$dir" -xdev -printf '%s %y %d %p\0' 2>/dev/null | tr '\n\0' '\001\n' | awk -v dir="$dir" '
        {
            split($0, f, " ")
            path = substr($0, length(f[1] f[2] f[3]) + 4)
            bytes += f[1]
            directories += f[2] == "d"
            if (NR == 1 || f[3] > level || (f[3] == level && path < deepest)) {
                level = f[3] + 0
                deepest = path
            }
        }
        END {
            printf "entries %d\ndirectories %d\nbytes %.0f\n", NR, directories, bytes
            printf "deepest %d %s\n", level, NR ? deepest : dir
        }' | tr '\001' '\n'
}

# check WHAT DIR ERRORS [COMMAND...]: treewalk, run by COMMAND, prints what find counts, and so many errors.
check()
{
    what=$1
    dir=$2
    errors=$3
    shift 3
    expected "$dir" "$@" >expected
    echo "errors $errors" >>expected
    for workers in 1 2 4; do
        FILCH_NUM_WORKERS=$workers "$@" "$program" "$dir" >printed 2>messages
        result=$?
        [ "$result" -eq "$((errors > 0))" ] || fail "$what, $workers workers: exit status $result"
        [ "$(grep -c '^treewalk: cannot' messages)" -eq "$errors" ] ||
            fail "$what, $workers workers: not $errors messages: $(cat messages)"
        diff expected printed || fail "$what, $workers workers: the above is between find and treewalk"
        checks=$((checks + 1))
    done
}

# ---- a directory for each awkward thing ----

mkdir -p tree/empty tree/links tree/hard tree/names/inside tree/sizes tree/wide

ln -s . tree/links/self
ln -s ../.. tree/links/up
ln -s loop tree/links/loop
ln -s nowhere tree/links/dangling
ln -s ../names tree/links/directory

echo "counted twice" >tree/hard/one
ln tree/hard/one tree/hard/two

newline='
'
for name in "new${newline}line" 'a b' ' ' '*' '-rf' '...' '.hidden' 'quo"te' "apo'strophe" 'back\slash' \
    "$(printf 'latin1-\344\366')" "$(printf 'bad-utf8-\377\300')" "$(printf 'tab\there')" \
    "$(awk 'BEGIN { for (i = 0; i < 255; i++) printf "n" }')"; do
    mkdir "tree/names/inside/$name"
    echo "$name" >"tree/names/$name"
    echo "$name" >"tree/names/inside/$name/file"
done

: >tree/sizes/nothing
echo one >tree/sizes/one
dd if=/dev/null of=tree/sizes/sparse bs=1 seek=1000000000000 2>/dev/null || fail "no sparse file"
mkfifo tree/sizes/fifo

awk 'BEGIN { for (i = 0; i < 20000; i++) print "tree/wide/entry-of-a-wide-directory-" i }' | xargs touch
awk 'BEGIN { for (i = 0; i < 2000; i++) print "tree/wide/d" i }' | xargs mkdir

# Equally deep, and before in byte order as a path: "a!/" is before "a/".
mkdir -p ties/a/x ties/a!/x ties/b/x
: >ties/a/x/y
: >ties/a!/x/z
: >ties/a!/x/y
: >ties/b/x/a
mkdir ties/a!/x/yy

check 'awkward things' tree 0
check 'a trailing slash' tree/ 0
check 'an empty directory' tree/empty 0
check 'equally deep paths' ties 0
check 'links' tree/links 0
check 'a file' tree/sizes/one 0
check 'a link' tree/links/directory 0
check 'a directory by a link and a slash' tree/links/directory/ 0
check 'a dangling link' tree/links/dangling 0
check 'a path through the directory above' ties/../tree/names 0
check 'the current directory' . 0 sh -c 'cd tree && exec "$@"' sh

check 'a directory that is not there' tree/none 1
check 'a file as a directory' tree/sizes/one/ 1
check 'a loop of links as a directory' tree/links/loop/ 1

# du before coreutils 9.2 counts directories in apparent sizes, a later one does not.
if [ "$(du -s --apparent-size -B1 tree/empty 2>/dev/null | cut -f 1)" = "$(stat -c %s tree/empty)" ]; then
    counted=$(du -lxs --apparent-size -B1 tree | cut -f 1)
    printed=$("$program" tree | sed -n 's/^bytes //p')
    [ "$printed" = "$counted" ] || fail "du counts $counted bytes, treewalk $printed"
    checks=$((checks + 1))
else
    echo "not compared with du: this one counts no directory in apparent sizes"
fi

# ---- deeper than a path may be long, and than files may be open ----

mkdir deep
(
    cd deep || exit 1
    name=a-directory-in-a-deep-tree
    path=$name
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
        path=$path/$name
    done
    count=0
    while [ "$count" -lt 100 ]; do
        mkdir -p "$path" || exit 1
        cd -P "$path" 2>/dev/null || exit 1 # says that the path is long
        count=$((count + 1))
    done
    : >file
) || fail "no deep tree"
check 'a deep tree' deep 0
check 'a deep tree and 32 descriptors' deep 0 sh -c 'ulimit -n 32 && exec "$@"' sh
grep -q '^deepest 2001 ' printed || fail "the deep tree has not 2001 levels"
rm -rf deep

path=$(awk 'BEGIN { for (i = 0; i < 70; i++) printf "/level" }')
mkdir comb
awk -v path="$path" 'BEGIN { for (i = 0; i < 60; i++) print "comb/tooth" i path }' | xargs mkdir -p
check 'many deep trees and 32 descriptors' comb 0 sh -c 'ulimit -n 32 && exec "$@"' sh

# ---- closed directories, read as nobody where this is root ----

mkdir -p closed/unreadable/inside closed/unsearchable closed/open/inside
: >closed/unsearchable/one
: >closed/unsearchable/two
: >closed/open/inside/file
chmod -R u=rwX,go=rX closed
chmod a-rwx closed/unreadable
chmod a-x closed/unsearchable
nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
[ "$(id -u)" -eq 0 ] || nobody=
if $nobody "$program" closed/open >/dev/null 2>&1; then
    # shellcheck disable=SC2086 # a command and its arguments, or none
    check 'closed directories' closed/ 3 $nobody
    for path in closed/unreadable closed/unsearchable/one closed/unsearchable/two; do
        grep -q "cannot .* '$path': Permission denied" messages || fail "no message names $path: $(cat messages)"
    done
else
    echo "not tried: closed directories, since root reads all and nobody cannot run $program"
fi
chmod -R u+rwX closed

# ---- a file system mounted below, and a directory mounted below itself ----

mkdir -p mounts/point/hidden mounts/again/inside
if unshare -rm mount -t tmpfs none mounts/point 2>/dev/null; then
    # shellcheck disable=SC2016 # for the shell inside
    check 'mounts' mounts 1 unshare -rm sh -c 'mount -t tmpfs none mounts/point && : >mounts/point/file &&
        mount --bind mounts/again mounts/again/inside && exec "$@"' sh
else
    echo "not tried: mounts, since this system lets nobody mount in a name space"
fi

# ---- a tree that changes meanwhile ----
# Any count may be right, but the walk ends, counts its errors, and never goes through the link that stands for a
# directory now and then: outside, all is deeper.

mkdir busy
awk 'BEGIN { for (i = 0; i < 200; i++) print "busy/a/b" i "\noutside/b" i "/deeper/and/deeper" }' | xargs mkdir -p
while mkdir -p busy/d/e && : >busy/d/e/file; do
    mv busy/a busy/moved
    ln -s ../outside busy/a
    rm -rf busy/d
    rm busy/a
    mv busy/moved busy/a
done 2>/dev/null &
busy=$!
for workers in 1 2 4; do
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        FILCH_NUM_WORKERS=$workers "$program" busy >printed 2>messages
        result=$?
        errors=$(sed -n 's/^errors //p' printed)
        said=$(grep -c '^treewalk: cannot' messages)
        [ "$result $said" = "$((errors > 0)) $errors" ] ||
            fail "a changing tree, $workers workers: exit status $result, $errors errors: $(cat messages)"
        grep -q '^deepest [0-3] ' printed || fail "a changing tree, $workers workers: outside, $(cat printed)"
        checks=$((checks + 1))
    done
done
kill "$busy"
wait "$busy" 2>/dev/null

# ---- the command line ----

for arguments in '' '--timing' 'tree tree' '--nothing tree' '--timing --timing tree'; do
    # shellcheck disable=SC2086 # arguments
    "$program" $arguments >printed 2>messages
    result=$?
    if [ "$result" -ne 2 ] || [ -s printed ] || ! grep -q '^usage:' messages; then
        fail "wrong use '$arguments': exit status $result: $(cat printed messages)"
    fi
done

"$program" --timing -- tree >printed 2>messages || fail "--timing -- tree: $(cat messages)"
grep -q '^filch-timing phase=walk seconds=[0-9.]*$' messages || fail "the walk is not timed: $(cat messages)"
grep -q '^filch-timing workers=[0-9]* steals=[0-9]*$' messages || fail "no workers are named: $(cat messages)"

if [ -c /dev/full ]; then
    "$program" tree >/dev/full 2>messages
    result=$?
    [ "$result" -eq 2 ] || fail "a full disk: exit status $result: $(cat messages)"
fi

[ "$status" -eq 0 ] && echo "treewalk.sh: $checks walks are right"
exit "$status"
