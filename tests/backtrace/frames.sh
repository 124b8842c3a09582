# shellcheck shell=sh
# For the scripts beside it: . frames.sh
#   frames_in_order NAME... <TEXT    true if lines with these words come in this order, others between them;
#                                 a NAME may be a choice: a|b
#   skip REASON                      ends as a test that was skipped
frames_in_order()
{
    awk -v names="$*" '
        BEGIN { count = split(names, name, " "); next_name = 1 }
        next_name <= count {
            n = split($0, word, /[^A-Za-z0-9_]+/)
            for (i = 1; i <= n; i++)
                if (word[i] ~ "^(" name[next_name] ")$") { next_name++; break }
        }
        END { exit next_name <= count }'
}

# The slow path of a sync: where the compiler keeps the second function, the first ends with a jump to it.
# shellcheck disable=SC2034 # for the scripts
slow_sync='filch_detail_sync_slow|finish_sync'

skip()
{
    echo "skipped: $1" >&2
    exit 77
}
