#!/bin/sh
# Clang refuses code that calls a function without the lock that it wants (src/base/guard.h): sources of the library pass,
# and the same sources do not once a lock is not taken, not given back, or taken twice. Skipped where there is no clang.
set -eu

work=$SEGJ_WORK/guards
rm -rf "$work"
mkdir -p "$work"
cd "$SEGJ_SOURCE"

clang=
for compiler in "$CC" clang clang-14 clang-16 clang-19; do
    if command -v "$compiler" >/dev/null && "$compiler" --version 2>/dev/null | grep -q "clang version"; then
        clang=$compiler
        break
    fi
done
[ -n "$clang" ] || { echo "there is no clang"; exit 77; }

failed=0
count=0

# compiles FILE: by itself, with the checks of locks
compiles()
{
    "$clang" -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -I include -I src -fsyntax-only -Wthread-safety \
        -Werror=thread-safety "$1" >"$work/output" 2>&1
}

# refused FILE PATTERN N: the source passes, and does not without its line N of those that match
refused()
{
    count=$((count + 1))
    compiles "src/$1" || { cat "$work/output"; echo "src/$1 does not pass"; failed=1; return 0; }
    awk -v pattern="$2" -v number="$3" '$0 ~ pattern && ++seen == number { cut = 1; next } { print } END { exit !cut }' \
        "src/$1" >"$work/without.c" || { echo "src/$1 has no line $3 of $2"; failed=1; return 0; }
    if compiles "$work/without.c"; then
        echo "src/$1 passes without line $3 of $2"
        failed=1
    elif ! grep -q 'Wthread-safety' "$work/output"; then
        cat "$work/output"
        echo "src/$1 without line $3 of $2 is refused for something else"
        failed=1
    else
        echo "src/$1 without $2: $(sed -n 's/.*error: \(.*\) \[.*/\1/p' "$work/output" | head -n 1)"
    fi
}

refused oversized/write/append.c 'segj_gate_enter' 1
refused oversized/write/append.c 'segj_behind_leave' 1
refused oversized/write/flush.c 'segj_gate_enter' 1
refused oversized/write/rewind.c 'segj_lock\(' 1
refused oversized/write/remove.c 'segj_unlock\(' 1
refused oversized/section/writers.c 'segj_lock\(' 1
refused oversized/section/durable.c 'segj_lock\(' 1
refused oversized/read/read.c 'segj_lock\(' 1
refused oversized/section/flusher.c 'segj_lock\(' 2
refused journal/glob.c 'segj_lock\(' 1
refused journal/files.c 'segj_unlock\(' 1
refused paged/paged_blob.c 'segj_lock\(' 1
refused paged/page_cache.c 'segj_lock\(' 1
refused storage/memory.c 'segj_lock\(' 1

# A caller that has not been there yet.
cat >"$work/caller.c" <<'END'
#include "oversized/section/section.h"
void caller(oversized_t *journal, segj_section_t *section);
void caller(oversized_t *journal, segj_section_t *section)
{
    TAKE segj_writers_add(journal, section);
    GIVE
}
END
# with TAKE GIVE: the same with these in place
with()
{
    sed -e "s/TAKE/$1/" -e "s/GIVE/$2/" "$work/caller.c" >"$work/with.c"
    compiles "$work/with.c"
}
enter='segj_gate_enter(\&journal->change);'
leave='segj_gate_leave(\&journal->change);'
state='segj_lock(\&journal->shared.state);'
with "$enter" "$leave" || { cat "$work/output"; echo "a caller with the change lock is refused"; failed=1; }
for wrong in ":" ":$leave" "$enter:" "$enter$enter:$leave" "$state:segj_unlock(\&journal->shared.state);"; do
    count=$((count + 1))
    if with "${wrong%%:*}" "${wrong#*:}"; then
        echo "this passes: $(cat "$work/with.c")"
        failed=1
    fi
done

echo "$count faults, by $("$clang" --version | head -n 1)"
exit $failed
