#!/bin/sh
# orders.sh ROOT: what each atomic access says of its order.
#   An ordered one (acquire, release, seq_cst, a fence) has a comment, on its line or right above, of the form
#   `LABEL: ... pairs with ... PARTNER`, and PARTNER is the site of an ordered access or an fl_ function in the sources.
#   A relaxed one has a comment on its line or within the two lines above.
# The accesses of planted faults (sites that begin with `mutant`) are no part of the program.
set -eu
cd "$1"
sources=$(find include runtime -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.c' \) | sort)
[ -n "$sources" ] || { echo "no sources under $1" >&2; exit 1; }

# Twice over the sources: first the names that a comment may point to, then the comments.
# shellcheck disable=SC2086 # a list of files
awk '
    function complain(text) { printf "%s:%d: %s\n", file, at, text; bad = 1 }
    function code_of(line) {
        gsub(/\/\*.*\*\//, "", line)
        sub(/\/\*.*/, "", line)
        sub(/^ \*.*/, "", line)
        return line
    }
    function is_comment(line) { return line ~ /^[ \t]*(\/\*|\*)/ && code_of(line) !~ /[;{}]/ }

    # The comment right above line i, and those on the lines of the statement that i is part of.
    function comment_of(i,    text, j) {
        text = ""
        for (j = i - 1; j > 0 && is_comment(lines[j]); j--) text = lines[j] " " text
        for (j = i; j <= count; j++) {
            if (match(lines[j], /\/\*.*/)) text = text " " substr(lines[j], RSTART)
            if (code_of(lines[j]) ~ /[;{}]/) break
        }
        return text
    }
    function names_partner(text,    words, n, j) {
        sub(/^.*pairs with/, "", text)
        n = split(text, words, /[^A-Za-z0-9_]+/)
        for (j = 1; j <= n; j++)
            if (words[j] in site || words[j] in identifier) return 1
        return 0
    }
    function check_file(    i, code, call, name) {
        for (i = 1; i <= count; i++) {
            at = i
            code = code_of(lines[i])
            if (code ~ /^[ \t]*#[ \t]*define[ \t]+fl_/) defining = 1
            if (!defining)
                while (match(code, ordered "|" relaxed)) {
                    call = substr(code, RSTART, RLENGTH)
                    code = substr(code, RSTART + RLENGTH)
                    name = call
                    sub(/^.*\(/, "", name)
                    sub(/\(.*/, "()", call)
                    if (name ~ /^mutant/) continue
                    checked++
                    if (call !~ /_rlx\(/) {
                        if (comment_of(i) !~ /[A-Z]+[0-9]+[a-z]?:.*pairs with/)
                            complain(call " " name ": no comment of the form \"LABEL: ... pairs with ...\"")
                        else if (!names_partner(comment_of(i)))
                            complain(call " " name ": its partner is not the site of an ordered access, nor a function")
                    } else if (comment_of(i) == "" && lines[i - 1] !~ /\/\*|\*\// && lines[i - 2] !~ /\/\*|\*\//)
                        complain(call " " name ": no comment says why relaxed is enough")
                }
            if (lines[i] !~ /\\$/) defining = 0
        }
    }

    BEGIN {
        # a prototype or a parameter list in the vocabulary has no site: the first argument is a bare word
        ordered = "fl_(fence_[a-z_]+|[a-z_]+_(acq|rel|acq_rel|sc))\\([A-Za-z_0-9]+"
        relaxed = "fl_[a-z_]+_rlx\\([A-Za-z_0-9]+"
        half = (ARGC - 1) / 2
    }
    FNR == 1 {
        files++
        if (files > half + 1) check_file()
        file = FILENAME
        count = 0
    }
    files <= half {
        code = code_of($0)
        if (code ~ /^[ \t]*#[ \t]*define/) next
        while (match(code, /(fl|filch)_[a-z_0-9]+/)) {
            name = substr(code, RSTART, RLENGTH)
            if (name !~ /_(rlx|acq|rel|acq_rel|sc)$/ && name !~ /^fl_fence/) identifier[name] = 1
            rest = substr(code, RSTART)
            if (match(rest, "^" ordered)) {
                name = substr(rest, 1, RLENGTH)
                sub(/^.*\(/, "", name)
                site[name] = 1
                code = substr(rest, RLENGTH + 1)
            } else {
                match(rest, /(fl|filch)_[a-z_0-9]+/)
                code = substr(rest, RLENGTH + 1)
            }
        }
        next
    }
    { lines[++count] = $0 }
    END {
        check_file()
        if (!checked) { print "no atomic access was found: the vocabulary has changed" ; bad = 1 }
        exit bad
    }
' $sources $sources >&2
