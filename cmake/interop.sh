#!/bin/sh
# interop.sh: this library and commonware-storage 2026.2.0 play the same scripts, and must see the same and leave the
# same files; each opens what the other has left, whole and damaged. POSIX sh; needs cargo.
#
#     cmake/interop.sh PROGRAM WORK-DIRECTORY       PROGRAM is segj_interop, as built by CMake
#     cmake/interop.sh golden WORK-DIRECTORY        makes tests/interop/golden/ anew, from the crate alone
#
#   SEGJ_INTEROP_SEED      what the scripts are drawn from (1)
#   SEGJ_INTEROP_SCRIPTS   how many (1200)
#
# Exits with 77 where there is no cargo, or no way to the crate. tests/interop/README.md has the rest.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -eq 2 ] || { echo "usage: cmake/interop.sh PROGRAM|golden WORK-DIRECTORY" >&2; exit 2; }
program=$1
mkdir -p "$2"
work=$(cd "$2" && pwd)
seed=${SEGJ_INTEROP_SEED:-1}
scripts=${SEGJ_INTEROP_SCRIPTS:-1200}
golden=$root/tests/interop/golden

# What is built stays for the next run; the scripts' files live in memory where there is such a place.
fast=$work
[ ! -w /dev/shm ] || fast=/dev/shm
files=$(mktemp -d "$fast/segj_interop.XXXXXX")
trap 'rm -rf "$files"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say()
{
    printf '== %s\n' "$*"
}

# what: fails with a sentence; the files stay out of the work directory, the batches and texts are there
fail()
{
    echo "FAILED: $* (seed $seed, $scripts scripts; batches and texts are in $work)" >&2
    exit 1
}

build_crate()
{
    command -v cargo >/dev/null 2>&1 || { echo "SKIPPED: there is no cargo here, which builds commonware-storage"; exit 77; }
    start=$(date +%s)
    manifest=$root/tests/interop/rust/Cargo.toml
    cargo fetch --quiet --locked --manifest-path "$manifest" ||
        { echo "SKIPPED: commonware-storage could not be had from the package registry"; exit 77; }
    CARGO_TARGET_DIR=$work/cargo cargo build --quiet --locked --offline -j 2 --manifest-path "$manifest" ||
        fail "the crate's program could not be built"
    crate=$work/cargo/debug/segj-interop
    say "the crate's program is built: $(($(date +%s) - start)) s"
}

# both NAME BATCH LEFT RIGHT: this library plays below LEFT, the crate below RIGHT, at the same time
both()
{
    mkdir -p "$3" "$4"
    "$crate" play "$2" "$4" >"$work/$1.crate" 2>"$work/$1.crate.log" &
    if ! "$program" play "$2" "$3" >"$work/$1.library" 2>"$work/$1.library.log"; then
        wait
        tail -n 3 "$work/$1.library.log"
        fail "this library could not play $2"
    fi
    wait $! || { tail -n 3 "$work/$1.crate.log" && fail "the crate could not play $2"; }
}

# compared NAME BATCH LEFT RIGHT: what they told, and what they left
compared()
{
    "$program" texts "$work/$1.library" "$work/$1.crate" || fail "$1: they tell different things"
    "$program" trees "$2" "$3" "$4" || fail "$1: they leave different files"
}

rounds()
{
    say "seed $seed, $scripts scripts, each played on both sides"
    "$program" generate "$seed" "$scripts" >"$work/first"
    both first "$work/first" "$files/library" "$files/crate"
    compared first "$work/first" "$files/library" "$files/crate"

    say "what one side has left, damaged in one of these ways, opened by both"
    mkdir "$files/library2" "$files/crate2"
    "$program" damage "$seed" "$work/first" "$files/library" "$files/crate" "$files/library2" "$files/crate2" \
        >"$work/second"
    both second "$work/second" "$files/library2" "$files/crate2"
    compared second "$work/second" "$files/library2" "$files/crate2"

    say "each opens what the other one has made of it"
    "$program" swap "$seed" "$work/second" "$files/library2" >"$work/third"
    both third "$work/third" "$files/crate2" "$files/library2"
    compared third "$work/third" "$files/crate2" "$files/library2"
}

# play_golden DIRECTORY: the crate makes the golden files there, and opens copies of them
play_golden()
{
    mkdir -p "$1/files"
    "$crate" play "$golden/scripts" "$1/files" >"$1/made"
    cp -R "$1/files" "$files/opened"
    awk '/^script/ { print; print "open"; print "dump"; print "replay 0 0"; print "close"; print "end" }' \
        "$golden/scripts" >"$files/opening"
    "$crate" play "$files/opening" "$files/opened" >"$1/opened"
}

make_golden()
{
    play_golden "$files/golden"
    rm -rf "$golden/files"
    cp -R "$files/golden/." "$golden"
    say "$(du -sh "$golden" | cut -f 1) in $golden"
}

check_golden()
{
    say "the golden files are what the crate makes today"
    play_golden "$files/golden"
    for part in files made opened; do
        diff -r "$golden/$part" "$files/golden/$part" || fail "golden/$part"
    done
}

# The benchmark's engine shares what it needs with the crate's program here, so it is cheap to see that it works.
check_engine()
{
    say "the benchmark's engine answers"
    CARGO_TARGET_DIR=$work/cargo cargo build --quiet --locked -j 2 --manifest-path "$root/tests/bench/rust/Cargo.toml" ||
        fail "tests/bench/rust could not be built"
    mkdir "$files/store"
    # 1 MiB + 64 KiB for both pools
    dd if=/dev/urandom of="$files/pool" bs=65536 count=17 2>/dev/null
    printf '%s\n' options "create 100" "append 1 1000 100 10" close "first 3" open "warm 1001" "random 100 1001 1 1" \
        "random 100 1001 1 2" "scan 1001" "replay 1001" "verify 1001 100" close quit |
        "$work/cargo/debug/segj-bench-commonware" "$files/store" "$files/pool" "$files/pool" >"$work/engine" ||
        fail "tests/bench/rust"
    [ "$(grep -c '^ok\|^time [0-9]' "$work/engine")" -eq 13 ] || { cat "$work/engine" && fail "tests/bench/rust"; }
}

build_crate
if [ "$program" = golden ]; then
    make_golden
else
    check_golden
    rounds
    check_engine
fi
