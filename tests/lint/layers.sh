#!/bin/sh
# layers.sh ROOT: the arrows between the levels of runtime/ (layers.txt), and what no file but one may do.
set -eu
root=$1
table=${LAYERS:-$(dirname "$0")/layers.txt}
cd "$root"
sources=$(find include runtime -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.S' \) | sort)
[ -n "$sources" ] || { echo "no sources under $root" >&2; exit 1; }

# shellcheck disable=SC2086 # a list of files
awk '
    function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
    function rank(level) { return level == "side" ? 0 : substr(level, 2) + 0 }
    function level_of(name,    folder) {
        if (name in level) return level[name]
        folder = name
        while (sub(/[^\/]+\/?$/, "", folder) && folder != "")
            if (folder in level) return level[folder]
        return ""
    }

    FNR == 1 { files++ }
    files == 1 {
        if (/^#/ || NF == 0) next
        if ($1 !~ /^(L[0-9]|side)$/) complain("the level " $1 " is not L0, L1, ... or side")
        for (i = 2; i <= NF; i++) {
            if ($i in level) complain($i " is listed twice")
            level[$i] = $1
            line_of[$i] = FNR
        }
        next
    }

    FNR == 1 {
        name = FILENAME
        public = sub(/^include\//, "", name)
        if (!public) {
            sub(/^runtime\//, "", name)
            own = level_of(name)
            if (own == "") complain(name " is not in the table of levels, tests/lint/layers.txt")
            present[name] = 1
            folder = name
            while (sub(/[^\/]+\/?$/, "", folder) && folder != "") present[folder] = 1
        }
    }

    /__asm__|(^|[^A-Za-z0-9_])asm[ (]/ {
        # an empty template is a barrier for the compiler, not an instruction
        if ($0 !~ /__asm__ volatile\(""/ && (public ? name !~ /^filch\/detail\// : name !~ /^arch\//))
            complain("assembly belongs in runtime/arch/ or include/filch/detail/")
    }
    !public && name ~ /\.S$/ && name !~ /^arch\// && FNR == 1 { complain("assembly belongs in runtime/arch/") }

    !/^[ \t]*#[ \t]*include/ { next }
    /[<"]hwloc/ && name != "topology.c" { complain("only runtime/topology.c includes hwloc") }
    public && /<(pthread|unistd|sched|semaphore|sys\/.*|linux\/.*)(\.h)?>/ {
        complain("no public header shows pthread or the system")
    }
    !/"/ { next }
    {
        split($0, part, "\"")
        target = part[2]
    }
    public {
        if (name ~ /^filch\/detail\// && target ~ /^\.\.\//) complain("detail/ includes a public header: " target)
        if (name == "filch/detail/atomic.h" && target == "mc_atomic.h") next
        folder = name
        sub(/[^\/]+$/, "", folder)
        path = folder target
        while (sub(/[^\/]+\/\.\.\//, "", path)) continue
        if (!(("include/" path) in exists)) complain("a public header includes what is not one: " target)
        next
    }
    own == "" || target ~ /^filch(\/|\.h)/ { next }
    {
        folder = name
        sub(/[^\/]+$/, "", folder)
        other = level_of(folder target)
        if (other == "") other = level_of(target)
        if (other == "") complain("includes " target ", which is not in the table of levels")
        else if (rank(other) > rank(own)) complain(own " includes " target " of " other)
    }

    BEGIN { for (i = 2; i < ARGC; i++) exists[ARGV[i]] = 1 }
    END {
        for (file in level)
            if (!(file in present)) {
                printf "%s:%d: %s is listed and not there\n", ARGV[1], line_of[file], file
                bad = 1
            }
        exit bad
    }
' "$table" $sources >&2
