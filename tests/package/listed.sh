#!/bin/sh
# Every test has its line in `sh cmake/tests.sh`, which says what it shows; and a test that is skipped says why.
set -eu

cd "$SEGJ_SOURCE"
work=$SEGJ_WORK/listed
mkdir -p "$work"
sh cmake/tests.sh >"$work/lines"
awk 'NF < 3 { print "no sentence for " $1; bad++ } END { exit bad > 0 }' "$work/lines"
awk '{ print $1 }' "$work/lines" | LC_ALL=C sort -u >"$work/named"
# Asked from elsewhere: in the build it would begin the log anew of the run that this is a part of.
mkdir -p "$work/asked"
printf 'subdirs("%s")\n' "$SEGJ_BUILD" >"$work/asked/CTestTestfile.cmake"
ctest --test-dir "$work/asked" -N | sed -n 's/^ *Test *#[0-9]*: //p' | LC_ALL=C sort -u >"$work/tests"
[ "$(wc -l <"$work/tests")" -gt 100 ] || { echo "ctest lists too few tests"; exit 1; }
# What other programs bind is listed where their tools are there.
missing=$(LC_ALL=C comm -23 "$work/tests" "$work/named")
[ -z "$missing" ] || { echo "tests without a line: $missing"; exit 1; }
# SKIP(why) says it, which is told in the terminal (cmake/skipped_tests.awk).
if grep -rnE '[^_a-z]skip\(\)|"(skipped|not run): ' tests --include='*.c'; then
    echo "these are skipped without a line \"SKIPPED: why\""
    exit 1
fi
echo "$(wc -l <"$work/tests") tests, each with a line"
