#!/bin/sh
# words.sh ROOT: the form of text files: no machine's paths, no trailing blanks, no tabs in C, 120 columns, a last
# newline.  Prose (.md) and LICENSE may have long lines.
set -eu
cd "$1"
files=$(find . \( -path ./.git -o -path ./build \) -prune -o -type f \( \
    -name '*.[chS]' -o -name '*.cpp' -o -name '*.hpp' -o -name '*.sh' -o -name '*.md' -o -name '*.txt' \
    -o -name '*.cmake' -o -name '*.in' -o -name '*.map' -o -name '*.json' -o -path ./dev -o -path './.ci/*' \
    -o -name .clang-format -o -name .gitignore -o -name LICENSE \) -print | sort)
[ -n "$files" ] || { echo "no files under $1" >&2; exit 1; }

# Bytes, so that each awk counts the same: the continuation bytes of UTF-8 are taken off.
# shellcheck disable=SC2086 # a list of files
LC_ALL=C awk '
    function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
    FNR == 1 {
        c = FILENAME ~ /\.(c|h|cpp|hpp|S)$/
        prose = FILENAME ~ /\.md$|LICENSE$/
    }
    /(^|[^A-Za-z0-9_.}>)*])\/(work|home|root)(\/|$)/ { complain("a path of one machine") }
    /[ \t\r]$/ { complain("a blank at the end") }
    c && /\t/ { complain("a tab") }
    !prose {
        line = $0
        gsub(/[\200-\277]/, "", line)
        if (length(line) > 120) complain(length(line) " columns, at most 120")
    }
    END { exit bad }
' $files >&2 || status=1

for file in $files; do
    if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then
        echo "$file: no newline at the end" >&2
        status=1
    fi
done
exit "${status:-0}"
