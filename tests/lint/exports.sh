#!/bin/sh
# exports.sh SHARED STATIC: the shared library exports filch_* alone and has its soname; the archive, whose symbols
# share the program's namespace, defines filch_* and fl_* alone.
set -eu
status=0

nm -D --defined-only "$1" | awk '
    { sub(/@.*/, "", $NF) }
    $NF !~ /^filch_/ { print "exported: " $NF; bad = 1 }
    $NF ~ /^filch_/ { count++ }
    END { if (!count) { print "no filch_ symbol is exported"; bad = 1 }; exit bad }
' >&2 || status=1

readelf -d "$1" | grep -q 'SONAME.*\[libfilch\.so\.0\]' || {
    echo "the soname is not libfilch.so.0" >&2
    status=1
}

nm -g --defined-only "$2" | awk '
    NF == 3 && $3 !~ /^(filch|fl)_/ { print "global in the archive: " $3; bad = 1 }
    NF == 3 { count++ }
    END { if (!count) { print "the archive defines nothing"; bad = 1 }; exit bad }
' >&2 || status=1

exit $status
