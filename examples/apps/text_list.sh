#!/bin/sh
# text_list.sh DIR MAXBYTES: names readable text files below DIR, at most MAXBYTES altogether, each name ended by a NUL.
# In byte order of their names, so that the same tree gives the same list.  A text is what grep takes for one: no NUL in
# its first 32 KiB.  Files that do not fit any more are left out, and names with a newline.
set -eu
LC_ALL=C
export LC_ALL
if [ $# -ne 2 ] || [ ! -d "$1" ]; then
    echo "usage: text_list.sh DIR MAXBYTES" >&2
    exit 2
fi

# grep ends with 1 where a batch holds no text, which xargs turns into 123: neither is an error here.
find "$1" -xdev -type f -size +0 -readable ! -name '*
*' -print0 |
    { xargs -0 grep -lIZ '' || [ $? -eq 123 ]; } |
    xargs -0 -r stat --printf '%s %n\n' |
    sort -k 2 |
    awk -v max="$2" 'sum + $1 <= max { sum += $1; sub(/^[0-9]+ /, ""); print }' |
    tr '\n' '\0'
