#!/bin/sh
# misuse.sh ROOT: docs/misuse.md has each sentence that the sources say before they abort.
set -eu
cd "$1"
bad=0
# The string literals of each call of fl_misuse and fl_say, joined; those with a sentence end in ");".
sentences=$(awk '
    FNR == 1 { inside = 0 }
    /fl_(misuse|say)\(/ && !/^(void|__attribute__)/ { inside = 1; text = "" }
    inside {
        rest = $0
        while (match(rest, /"[^"]*"/)) {
            literal = substr(rest, RSTART + 1, RLENGTH - 2)
            if (literal ~ / / || text != "") text = text literal
            rest = substr(rest, RSTART + RLENGTH)
        }
    }
    inside && /;/ {
        sub(/^(sync inside|the end of a thread|a later spawn|a later sync)/, "", text)
        if (text != "") print text
        inside = 0
    }' runtime/*.c)
[ "$(echo "$sentences" | wc -l)" -ge 10 ] || { echo "sentences were not found: the calls have changed" >&2; exit 1; }
while IFS= read -r sentence; do
    grep -qF "$sentence" docs/misuse.md || { echo "docs/misuse.md lacks: $sentence" >&2; bad=1; }
done <<END
$sentences
END
exit $bad
