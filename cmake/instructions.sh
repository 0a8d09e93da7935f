#!/bin/sh
# sh cmake/instructions.sh [NAME...]
#
# Prints how many instructions the hot functions take, as callgrind counts them: no clock, so the same on a busy machine,
# and comparable from one change to the next. All of them, or those that are named. Each is run twice, with few and with many
# repetitions; the difference, by repetition, is what is printed, flushes of full buffers included. The journal lies in
# memory. valgrind shows programs a machine without AVX-512, so ISA-L's checksums take a little more here than they do
# outside.
#
#   SEGJ_BUILD_DIR   where to build; build/instructions beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

need_valgrind()
{
    need "valgrind libc6-dbg" valgrind -q true
}

install_missing need_build_tools need_test_tools need_valgrind
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/instructions}")
configure_tree "$build" -DCMAKE_BUILD_TYPE=Release -DSEGJ_BUILD_TESTS=ON -DSEGJ_BUILD_EXAMPLES=OFF
cmake --build "$build" --parallel "$jobs" --target instructions >"$scratch/build.log" 2>&1 ||
    { cat "$scratch/build.log" && die "the build in $build failed"; }
program=$build/tests/instructions

few=2000
many=12000

# count NAME TIMES: prints the instructions of a run
count()
{
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>"$scratch/callgrind.log" ||
        { cat "$scratch/callgrind.log" >&2 && die "valgrind failed"; }
    sed -n 's/.*Collected : *//p' "$scratch/callgrind.log"
}

if [ $# -eq 0 ]; then
    # shellcheck disable=SC2046 # names
    set -- $("$program")
fi
sed -n 's/^-- segjournal: //p' "$scratch/configure.log"
printf '%-18s %14s\n' "" "instructions"
for name; do
    printf '%-18s %14.1f\n' "$name" "$(awk -v a="$(count "$name" $few)" -v b="$(count "$name" $many)" \
        -v n=$((many - few)) 'BEGIN { print (b - a) / n }')"
done
