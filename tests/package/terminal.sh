#!/bin/sh
# The archive example before a terminal: its line of progress fits, however narrow that is; it uses no escapes where there
# is none; Ctrl-C and other signals end it, and it says how far it came and leaves no temporary files. It shows records
# that were synced, of a small tree too.
set -eu

failed=0
work=$SEGJ_WORK/terminal
chmod -R u+w "$work" 2>/dev/null || true
rm -rf "$work"
mkdir -p "$work/tmp"
TMPDIR=$work/tmp
TERM=xterm
export TMPDIR TERM

# A tree that takes long to compress: names of one file that is linked to.
tree=$work/large
mkdir -p "$tree"
head -c 2000000 /dev/urandom >"$tree/0"
for name in $(seq 1 80); do
    ln "$tree/0" "$tree/$name"
done

wrong()
{
    echo "$*"
    failed=1
}

is_empty()
{
    [ -z "$(ls -A "$TMPDIR")" ] || wrong "$1: temporary files are left: $(ls "$TMPDIR")"
}

# --- no terminal ---

"$SEGJ_ARCHIVE" "$SEGJ_SOURCE/src" >"$work/plain" 2>&1 || wrong "failed: $(cat "$work/plain")"
if grep -q "$(printf '[\r\033]')" "$work/plain"; then
    wrong "escapes where there is no terminal"
fi
is_empty "a whole run"
synced=$(sed -n 's/^archive   killed .* \([0-9]*\) of them synced$/\1/p' "$work/plain")
[ "${synced:-0}" -gt 0 ] || wrong "no record was synced when the process was killed"

# --- signals ---

# archive OPTION...: takes its time
archive()
{
    exec "$SEGJ_ARCHIVE" --compress 19 "$@" "$tree"
}

# stopped SIGNAL NUMBER OPTION...: in the process that archives (--kill-percent 100) or in the one that resumes (0)
stopped()
{
    signal=$1
    number=$2
    shift 2
    (archive "$@") >"$work/out" 2>&1 &
    process=$!
    tries=0
    while [ -z "$(find "$TMPDIR" -path '*/journal/values/*' 2>/dev/null)" ] && [ $tries -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s "$signal" "$process"
    answer=0
    wait "$process" || answer=$?
    [ "$answer" -eq $((128 + number)) ] || wrong "SIG$signal $*: answered $answer: $(cat "$work/out")"
    grep -q '^stopped   by signal .* names; .* is removed$' "$work/out" || wrong "SIG$signal $*: $(cat "$work/out")"
    is_empty "SIG$signal $*"
}

for percent in 0 100; do
    stopped TERM 15 --kill-percent $percent
    stopped HUP 1 --kill-percent $percent
done

# --- terminals ---

if ! script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    [ $failed -eq 0 ] || exit 1
    echo "SKIPPED: there is no script(1) here, which makes a terminal (Debian: bsdutils)"
    exit 77
fi

# on_terminal COLUMNS COMMAND: leaves what the terminal was sent in $work/seen
on_terminal()
{
    script -qec "stty cols $1; $2" /dev/null >"$work/seen"
}

# What is drawn, and not text: between two carriage returns, with no line end behind.
# LINES is how many there are, TOO_WIDE how many fill more than the columns less one.
drawn()
{
    awk -v RS='\r' -v columns="$1" '
        { sub(/^\n/, "", previous) }
        NR > 1 && $0 !~ /^\n/ && previous ~ /%/ && previous !~ /\n/ {
            gsub(/\033\[K/, "", previous)
            count++
            if (length(previous) > columns - 1) { wide++; print "too wide: " previous > "/dev/stderr" }
        }
        { previous = $0 }
        END { print count + 0, wide + 0 }' "$work/seen"
}

for columns in 100 50 20 5; do
    on_terminal $columns "'$SEGJ_ARCHIVE' --compress 12 '$SEGJ_SOURCE/src'" </dev/null || wrong "failed at $columns columns"
    # shellcheck disable=SC2046 # two numbers
    set -- $(drawn $columns)
    echo "$columns columns: progress is drawn $1 times, $2 of them too wide"
    [ "$1" -ge 1 ] && [ "$2" -eq 0 ] || wrong "$columns columns: the progress does not fit, or is not drawn"
    is_empty "$columns columns"
done

answer=0
(sleep 2; printf '\003'; sleep 1) |
    on_terminal 50 "'$SEGJ_ARCHIVE' --compress 19 --kill-percent 100 '$tree'; echo answered \$?" || answer=$?
grep -q 'stopped   by signal 2 ' "$work/seen" || wrong "Ctrl-C: $(tail -n 3 "$work/seen")"
is_empty "Ctrl-C"
exit $failed
