#!/bin/sh
# recorder.sh: hours of a recorder's life in fast motion. It is killed ten times, and followed all along; it is copied twice
# while it records, and keeps no more than a number of bytes. Then a file is ruined by hand, found, and salvaged.
#
#     sh examples/recorder.sh PROGRAMS [HOURS [BYTES]]    PROGRAMS has recorder and segj; 10 hours, 1,000,000,000 bytes
#
# It works in a directory of its own below TMPDIR, takes some three times BYTES there, and removes it.
set -eu

[ $# -ge 1 ] && [ $# -le 3 ] || { echo "usage: recorder.sh PROGRAMS [HOURS [BYTES]]" >&2; exit 1; }
programs=$(cd "$1" && pwd)
hours=${2:-10}
bytes=${3:-1000000000}
segj=$programs/segj
recorder=$programs/recorder
[ -x "$recorder" ] || recorder=$programs/examples/recorder
[ -x "$segj" ] || { echo "SKIPPED: there is no command segj in $programs"; exit 77; }

work=$(mktemp -d)
recording=
following=
trap 'kill -9 $recording $following 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"
: >synced
: >said

fail()
{
    cat said
    echo "FAILED: $*"
    exit 1
}

# Begins to record, or goes on.
record()
{
    "$recorder" events "$hours" "$bytes" >>synced 2>>said &
    recording=$!
}

# syncs COUNT: waits until there were so many; false: the recorder is through before
syncs()
{
    while [ "$(wc -l <synced)" -lt "$1" ]; do
        kill -0 "$recording" 2>/dev/null || return 1
        sleep 0.02
    done
}

# of a section's ten minutes, 60 are synced
total=$(awk "BEGIN { print int($hours * 360) }")

echo "== $hours hours are recorded; it is killed ten times, followed, and copied twice"
record
syncs 1 || fail "it did not begin"
"$segj" tail -f -n 1000000000 --json --value=none events >followed &
following=$!
for kill in 1 2 3 4 5 6 7 8 9 10; do
    syncs $((total * kill / 11)) || fail "it ended before kill $kill"
    if [ $kill -eq 4 ] || [ $kill -eq 8 ]; then
        kill -USR1 "$recording"
        until [ "$(grep -c 'records are copied' said)" -eq $((kill / 4)) ]; do
            kill -0 "$recording" 2>/dev/null || fail "it ended before the copy was made"
            sleep 0.02
        done
    fi
    kill -9 "$recording"
    wait "$recording" 2>/dev/null || true
    record
done
wait "$recording" || fail "it did not end well"
recording=

echo "== what is kept of them"
"$segj" stat events

last=$(tail -n 1 synced | awk '{ printf "\"section\":%d,\"position\":%d,", $2, $3 - 1 }')
until grep -q "$last" followed; do
    kill -0 "$following" 2>/dev/null || fail "the follower has ended"
    sleep 0.05
done
kill -TERM "$following"
ended=0
wait "$following" || ended=$?
[ $ended -eq 143 ] || fail "the follower did not end well"
following=
# Every event once: what is shown again after a kill had not been synced before.
awk -F '[:,]' -v hours="$hours" '
    /^{"section":/ { seen[$2 ":" $4] = 1 }
    END {
        for (record in seen) count++
        if (count != int(hours * 3600) * 5) { printf "FAILED: the follower has shown %d events\n", count; exit 1 }
        printf "== the follower has shown all %d events\n", count
    }' followed

echo "== the copies; a whole one opens strict, and is read through"
cat said
"$segj" verify events.copy

echo "== noise over 64 bytes of a values file"
ruined=$(ls events/values | tail -n 2 | head -n 1)
printf 'ruined by hand %049d' 0 | dd of="events/values/$ruined" bs=1 seek=$((1 << 20)) conv=notrunc 2>/dev/null
"$segj" verify events && fail "it was not found" || [ $? -eq 4 ] || fail "verify could not be done"

echo "== whatever verifies goes into a new journal"
"$segj" salvage events salvaged || [ $? -eq 4 ] || fail "it could not be salvaged"
"$segj" verify salvaged
