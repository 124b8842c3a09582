#!/bin/sh
# expect.sh SOURCE PROGRAM: runs an example and compares what it prints with the comment in its source
#     /* expect: text */        or one that begins so and goes on, a line of output to a line:
#     /* expect:
#      * text */
# Without such a comment only the exit status counts.
set -u
source=$1
program=$2

directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT INT TERM

"$program" >"$directory/output" || {
    echo "$program: exit status $?" >&2
    exit 1
}

awk '
    function put(line) {
        ended = sub(/ *\*\/.*$/, "", line)
        if (!(first && line == "")) print line
        first = 0
        if (ended) exit
    }
    !inside && match($0, /\/\* expect: ?/) { inside = first = 1; put(substr($0, RSTART + RLENGTH)); next }
    inside { sub(/^ *\* ?/, ""); if ($0 == "/") exit; put($0) }
' "$source" >"$directory/expected"

grep -q '/\* expect:' "$source" || exit 0
diff -u --label "expected by $source" --label printed "$directory/expected" "$directory/output"
