#!/bin/sh
# interop.sh: this library and releases of commonware-storage play the same scripts, and must see the same and leave the
# same files; each opens what the other has left, whole, damaged and killed; one waits while the other has the directory.
# POSIX sh; needs cargo.
#
#     cmake/interop.sh PROGRAM WORK-DIRECTORY       PROGRAM is segj_interop, as built by CMake
#     cmake/interop.sh golden WORK-DIRECTORY        makes tests/interop/golden/ anew, from the crates alone
#
#   SEGJ_INTEROP_SEED      what the scripts are drawn from (1)
#   SEGJ_INTEROP_SCRIPTS   how many of them release 2026.2.0 and 2026.10.0 play, each (300)
#   SEGJ_INTEROP_KILLS     how many processes of each are killed (15)
#
# Exits with 77 where there is no cargo, or no way to the crates. tests/interop/README.md has the rest.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -eq 2 ] || { echo "usage: cmake/interop.sh PROGRAM|golden WORK-DIRECTORY" >&2; exit 2; }
program=$1
mkdir -p "$2"
work=$(cd "$2" && pwd)
seed=${SEGJ_INTEROP_SEED:-1}
scripts=${SEGJ_INTEROP_SCRIPTS:-300}
kills=${SEGJ_INTEROP_KILLS:-15}
golden=$root/tests/interop/golden
releases="2026.2 2026.9 2026.10"

# What is built stays for the next run; the scripts' files live in memory where there is such a place.
fast=$work
[ ! -w /dev/shm ] || fast=/dev/shm
files=$(mktemp -d "$fast/segj_interop.XXXXXX")
holder=
trap 'rm -rf "$files"; [ -z "$holder" ] || kill "$holder" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
start=$(date +%s)

say()
{
    printf '== %4d s  %s\n' $(($(date +%s) - start)) "$*"
}

# what: fails with a sentence; the files stay out of the work directory, the batches and texts are there
fail()
{
    echo "FAILED: $* (seed $seed, $scripts scripts; batches and texts are in $work)" >&2
    exit 1
}

# crate RELEASE: its program
crate()
{
    echo "$work/cargo/debug/segj-interop-$(echo "$1" | tr . -)"
}

build_crates()
{
    command -v cargo >/dev/null 2>&1 || { echo "SKIPPED: there is no cargo here, which builds commonware-storage"; exit 77; }
    for release in $releases; do
        manifest=$root/tests/interop/rust/$release/Cargo.toml
        cargo fetch --quiet --locked --manifest-path "$manifest" ||
            { echo "SKIPPED: commonware-storage $release could not be had from the package registry"; exit 77; }
    done
    for release in $releases; do
        CARGO_TARGET_DIR=$work/cargo cargo build --quiet --locked --offline -j 2 \
            --manifest-path "$root/tests/interop/rust/$release/Cargo.toml" || fail "the program of $release could not be built"
        say "the program of $release is built"
    done
    start=$(date +%s)
}

# play_library NAME BATCH DIRECTORY, play_crate NAME BATCH DIRECTORY RELEASE LAYOUTS: what is told goes to work/NAME.*
play_library()
{
    "$program" play "$2" "$3" >"$work/$1.library" 2>"$work/$1.library.log" ||
        { tail -n 3 "$work/$1.library.log" && fail "this library could not play $2"; }
}

play_crate()
{
    "$(crate "$4")" play "$5" "$2" "$3" >"$work/$1.crate" 2>"$work/$1.crate.log" ||
        { tail -n 3 "$work/$1.crate.log" && fail "release $4 could not play $2"; }
}

# both NAME BATCH LEFT RIGHT RELEASE LAYOUTS: this library plays below LEFT, the crate below RIGHT, at the same time
both()
{
    mkdir -p "$3" "$4"
    # That a release has been at work which has such a file is to be seen where this library plays, too.
    [ "$5" = 2026.2 ] || : >>"$3/.hold"
    play_crate "$1" "$2" "$4" "$5" "$6" &
    play_library "$1" "$2" "$3"
    wait $! || fail "release $5 could not play $2"
}

# compared NAME BATCH LEFT RIGHT: what they told, and what they left
compared()
{
    "$program" texts "$work/$1.library" "$work/$1.crate" || fail "$1: they tell different things"
    "$program" trees "$2" "$3" "$4" || fail "$1: they leave different files"
}

# rounds RELEASE HEADER LAYOUTS COUNT: HEADER is the container of new journals; later rounds have all that the release has
rounds()
{
    name=$1-v$2 layouts=$3
    release=$1
    [ "$1" = 2026.2 ] || release=$1/$2
    mine=$files/$name.library theirs=$files/$name.crate
    say "release $1, container V$2: seed $seed, $4 scripts, each played on both sides"
    "$program" generate "$release" "$seed" "$4" >"$work/$name.first"
    both "$name.first" "$work/$name.first" "$mine" "$theirs" "$1" "$layouts"
    compared "$name.first" "$work/$name.first" "$mine" "$theirs"

    say "what one side has left, damaged in one of these ways, opened by both"
    [ "$1" = 2026.2 ] || layouts=all
    mkdir "$mine.2" "$theirs.2"
    "$program" damage "$release" "$seed" "$work/$name.first" "$mine" "$theirs" "$mine.2" "$theirs.2" >"$work/$name.second"
    both "$name.second" "$work/$name.second" "$mine.2" "$theirs.2" "$1" "$layouts"
    compared "$name.second" "$work/$name.second" "$mine.2" "$theirs.2"

    say "each opens what the other one has made of it"
    "$program" swap "$release" "$seed" "$work/$name.second" "$mine.2" >"$work/$name.third"
    both "$name.third" "$work/$name.third" "$theirs.2" "$mine.2" "$1" "$layouts"
    compared "$name.third" "$work/$name.third" "$theirs.2" "$mine.2"
    rm -rf "$mine" "$theirs" "$mine.2" "$theirs.2"
}

# chain NAME RELEASE COUNT LINK...: each link goes on in the same journals: "library", or a release and its layouts. This
# library alone, in a directory of its own, plays all parts too.
chain()
{
    name=chain-$1 release=$2 count=$3 link=0
    shift 3
    say "$count chains: $*"
    mkdir "$files/$name" "$files/$name.alone"
    : >"$work/$name.library"
    : >"$work/$name.crate"
    for player in "$@"; do
        batch=$work/$name.$link
        "$program" chain "$release" "$seed" "$count" "$link" >"$batch"
        case $player in
        library) play_library "$name.link" "$batch" "$files/$name" && cat "$work/$name.link.library" ;;
        *) play_crate "$name.link" "$batch" "$files/$name" "${player%/*}" "${player#*/}" && cat "$work/$name.link.crate" ;;
        esac >>"$work/$name.crate" || exit 1
        play_library "$name.alone" "$batch" "$files/$name.alone"
        cat "$work/$name.alone.library" >>"$work/$name.library"
        link=$((link + 1))
    done
    compared "$name" "$work/$name.0" "$files/$name.alone" "$files/$name"
}

# A release that is told to read V1 alone opens no journal of V0.
refused_by_v1()
{
    say "release 2026.10, told to read V1 alone, refuses the journals of V0"
    sed 's/^open_at .*/open/' "$work/chain-v0.0" >"$work/refused"
    play_crate refused "$work/refused" "$files/chain-v0" 2026.10 v1
    [ "$(grep -c '^  refused$' "$work/refused.crate")" -ge "$(grep -c '^script' "$work/refused")" ] &&
        ! grep -q '^  ok$' "$work/refused.crate" || fail "a journal of V0 was opened"
}

# counts COUNT: archives, with a partition in which the crate counts what was synced
counts()
{
    chain counts 2026.10/1+counts 30 2026.10/all library 2026.10/all library library 2026.10/all library 2026.10/all
    unnamed_counts
    damaged_counts "$1"
}

# What the counts are not known to would break them, and is refused; the crate opens all that is left.
unnamed_counts()
{
    say "a prune that does not know of an archive's counts is refused"
    sed -n 's/^\(script .*\) counts 1 /\1 counts 0 /p' "$work/chain-counts.0" |
        awk '{ print; print "open"; print "prune 100"; print "close"; print "end" }' >"$work/unnamed"
    play_library unnamed "$work/unnamed" "$files/chain-counts"
    grep -q '^  SEGJ_ERR_MISMATCH$' "$work/unnamed.library" && ! grep -q '^  pruned$' "$work/unnamed.library" ||
        fail "counted records were pruned unawares"
    sed 's/ counts 0 / counts 1 /; s/^prune .*/dump/' "$work/unnamed" >"$work/unnamed.then"
    play_crate unnamed.then "$work/unnamed.then" "$files/chain-counts" 2026.10 all
    ! grep -q '^  refused$' "$work/unnamed.then.crate" || fail "the crate refuses an archive after a refused prune"
}

# Below its counts the crate refuses an archive at every open. This library opens it, and then the crate does.
damaged_counts()
{
    say "$1 archives of the crate, damaged, opened by this library, then by the crate"
    name=archives
    "$program" generate 2026.10/1+counts "$seed" "$1" >"$work/$name.first"
    mkdir "$files/$name" "$files/$name.2" "$files/$name.3"
    play_crate "$name.first" "$work/$name.first" "$files/$name" 2026.10 all
    "$program" damage 2026.10/1+counts "$seed" "$work/$name.first" "$files/$name" "$files/$name" "$files/$name.2" \
        "$files/$name.3" >"$work/$name.second" 2>"$work/$name.damage"
    : >"$files/$name.2/.hold"
    play_library "$name.second" "$work/$name.second" "$files/$name.2"
    rm -rf "$files/$name.3"
    cp -R "$files/$name.2" "$files/$name.3"
    "$program" swap 2026.10/1+counts "$seed" "$work/$name.second" "$files/$name.2" >"$work/$name.third"
    play_crate "$name.third" "$work/$name.third" "$files/$name.2" 2026.10 all
    play_library "$name.third" "$work/$name.third" "$files/$name.3"
    compared "$name.third" "$work/$name.third" "$files/$name.3" "$files/$name.2"
    rm -rf "$files/$name" "$files/$name.2" "$files/$name.3"
}

# damage_first_pages BATCH DIRECTORY: of each index file of three pages and more; prints how many there are
damage_first_pages()
{
    damaged=0
    for index in $(sed -n 's/^script \([^ ]*\) .* page \([0-9]*\) .*/\1:\2/p' "$1"); do
        for file in "$2/${index%:*}-index"/[0-9a-f]*; do
            # A header of V1 has 4096 bytes, and a page's two checksums with their lengths have 12.
            [ -f "$file" ] && [ "$(wc -c <"$file")" -ge $((4096 + 3 * (${index#*:} + 12))) ] || continue
            byte='\377'
            [ "$(od -An -tu1 -j 4096 -N 1 "$file" | tr -d ' ')" -ne 255 ] || byte='\0'
            # shellcheck disable=SC2059 # the byte is the format
            printf "$byte" | dd of="$file" bs=1 seek=4096 conv=notrunc 2>/dev/null
            damaged=$((damaged + 1))
        done
    done
    echo "$damaged"
}

# refused_holes COUNT: by default this library appends nothing behind a damaged page, where the crate cuts. What it does
# take, elsewhere, the crate must have.
refused_holes()
{
    say "$1 journals with damaged first pages: this library appends where no page is damaged, then the crate opens"
    name=holes
    mkdir "$files/$name"
    "$program" generate 2026.10/1 "$seed" "$1" >"$work/$name.first"
    play_library "$name.first" "$work/$name.first" "$files/$name"
    damaged=$(damage_first_pages "$work/$name.first" "$files/$name")
    : >"$files/$name/.hold"
    awk '/^script / {
        sub(/ hole 1 /, " hole 0 ")
        print
        print "open"
        list = $0
        sub(/.* sections /, "", list)
        count = split(list, sections, " ")
        for (i = 1; i <= count; i++)
            print "append " sections[i] " " 8000000 + i " 20"
        print "sync_all"
        print "close"
        print "end"
    }' "$work/$name.first" >"$work/$name.second"
    play_library "$name.second" "$work/$name.second" "$files/$name"
    refused=$(grep -c '^  corrupt$' "$work/$name.second.library" || true)
    # A section whose only record lies in the damaged page has none behind it, and begins anew on both sides.
    [ "$damaged" -ge 10 ] && [ "$refused" -le "$damaged" ] && [ "$refused" -ge $((damaged * 9 / 10)) ] ||
        fail "$name: $refused appends were refused, and $damaged sections have a damaged page before others"
    rm -rf "$work/$name.told"
    mkdir "$work/$name.told"
    awk -v directory="$work/$name.told" '/^script / { file = directory "/" $2 } { print >file }' \
        "$work/$name.second.library"
    awk '/^script / { print; print "open"; print "dump"; print "close"; print "end" }' "$work/$name.second" \
        >"$work/$name.third"
    play_crate "$name.third" "$work/$name.third" "$files/$name" 2026.10 all
    "$program" survived "$work/$name.second" "$work/$name.told" "$work/$name.third.crate" ||
        fail "$name: the crate has cut off what this library had acknowledged"
    echo "$refused appends were refused"
    rm -rf "$files/$name"
}

# killed RELEASE HEADER LAYOUTS PLAYER: processes of PLAYER, killed; what they leave is opened by both
killed()
{
    name=killed-$4-$1-v$2
    release=$1
    [ "$1" = 2026.2 ] || release=$1/$2
    say "$kills processes killed: $4, then both open (release $1, container V$2)"
    mkdir "$work/$name.told" 2>/dev/null || true
    mkdir "$files/$name"
    [ "$1" = 2026.2 ] || : >"$files/$name/.hold"
    : >"$work/$name"
    i=0
    while [ "$i" -lt "$kills" ]; do
        "$program" busy "$release" "$seed" "$i" >"$work/$name.busy"
        cat "$work/$name.busy" >>"$work/$name"
        case $4 in
        library) set -- "$1" "$2" "$3" "$4" "$program" play "$work/$name.busy" "$files/$name" ;;
        *) set -- "$1" "$2" "$3" "$4" "$(crate "$1")" play "$3" "$work/$name.busy" "$files/$name" ;;
        esac
        told=$work/$name.told/p$i
        first=$1 second=$2 third=$3 fourth=$4
        shift 4
        "$program" kill "$seed" "$i" "$told" "$@" || fail "$name"
        set -- "$first" "$second" "$third" "$fourth"
        i=$((i + 1))
    done
    cp -R "$files/$name" "$files/$name.2"
    "$program" reopen "$release" "$seed" "$work/$name" >"$work/$name.reopen"
    both "$name" "$work/$name.reopen" "$files/$name" "$files/$name.2" "$1" "$3"
    compared "$name" "$work/$name.reopen" "$files/$name" "$files/$name.2"
    "$program" survived "$work/$name" "$work/$name.told" "$work/$name.library" || fail "$name: synced records are missing"
    rm -rf "$files/$name" "$files/$name.2"
}

# held PROGRAM...: starts a program that has a directory until its input, the pipe, ends; waits for its word
held()
{
    rm -f "$files/input" "$files/held"
    mkfifo "$files/input"
    "$@" <"$files/input" >"$files/held" 2>"$work/held.log" &
    holder=$!
    exec 3>"$files/input"
    [ "${until:-held}" = start ] || wait_for_word
}

wait_for_word()
{
    until grep -q '^held$' "$files/held"; do
        kill -0 "$holder" 2>/dev/null || { cat "$work/held.log" && fail "the directory could not be had"; }
        sleep 0.1
    done
}

let_go()
{
    exec 3>&-
    wait "$holder" || { cat "$work/held.log" && fail "the one that had the directory"; }
    holder=
}

# two_openers RELEASE
two_openers()
{
    say "two openers: release $1 waits for this library, which waits for it"
    directory=$files/two-$1
    mkdir "$directory"
    printf '%s\n' "script held entry 8 value 16 page 64 cache 8 index 1024 values 1024 zstd 0 header 0 hole 0 counts 0 sections 1" \
        open "append 1 7 16" "sync 1" dump close end >"$work/held"
    held "$program" hold "$directory"
    "$(crate "$1")" play all "$work/held" "$directory" >"$work/held.crate" 2>"$work/held.crate.log" 3>&- &
    waiting=$!
    sleep 1
    [ ! -s "$work/held.crate" ] || fail "release $1 has opened a directory in which a journal was open"
    let_go
    wait "$waiting" || fail "release $1 could not open what was let go"
    grep -q '^  1 at 20+20$' "$work/held.crate" || fail "release $1 does not see the record that was there first"

    held "$(crate "$1")" hold "$directory"
    "$program" refused "$directory" || fail "a journal was opened while release $1 had its directory"
    "$program" hold "$directory" </dev/null >"$work/held.library" 2>&1 3>&- &
    waiting=$!
    sleep 1
    [ ! -s "$work/held.library" ] || fail "a journal did not wait for release $1"
    let_go
    wait "$waiting" || { cat "$work/held.library" && fail "a journal could not be opened when release $1 had ended"; }
    play_crate held "$work/held" "$directory" "$1" all
    grep -q '^  3 at 60+20$' "$work/held.crate" || fail "records are missing where two programs took turns"
}

# play_golden RELEASE LAYOUTS DIRECTORY: the crate makes the golden files there, and opens copies of them
play_golden()
{
    mkdir -p "$3/files"
    "$(crate "$1")" play "$2" "$golden/$1/scripts" "$3/files" >"$3/made"
    rm -f "$3/files/.hold"
    cp -R "$3/files" "$files/opened-$1"
    awk '/^script/ { print; print "open"; print "dump"; print "replay 0 0"; print "close"; print "end" }' \
        "$golden/$1/scripts" >"$files/opening"
    "$(crate "$1")" play "$2" "$files/opening" "$files/opened-$1" >"$3/opened"
}

make_golden()
{
    play_golden "$1" "$2" "$files/golden-$1"
    rm -rf "$golden/$1/files"
    cp -R "$files/golden-$1/." "$golden/$1"
    say "$(du -sh "$golden/$1" | cut -f 1) in $golden/$1"
}

check_golden()
{
    say "the golden files are what release $1 makes today"
    play_golden "$1" "$2" "$files/golden-$1"
    for part in files made opened; do
        diff -r "$golden/$1/$part" "$files/golden-$1/$part" || fail "golden/$1/$part"
    done
}

# The benchmark's engine shares what it needs with the crate's program here, so it is cheap to see that it works.
check_engine()
{
    say "the benchmark's engine of release $1 answers"
    CARGO_TARGET_DIR=$work/cargo cargo build --quiet --locked -j 2 --manifest-path "$root/tests/bench/rust/$1/Cargo.toml" ||
        fail "tests/bench/rust/$1 could not be built"
    mkdir "$files/store-$1"
    # 1 MiB + 64 KiB for both pools
    dd if=/dev/urandom of="$files/pool" bs=65536 count=17 2>/dev/null
    printf '%s\n' options "create 100" "append 1 1000 100 10" close "first 3" open "warm 1001" "random 100 1001 1 1" \
        "random 100 1001 1 2" "scan 1001" "replay 1001" "verify 1001 100" close quit |
        "$work/cargo/debug/segj-bench-commonware-$(echo "$1" | tr . -)" "$files/store-$1" "$files/pool" "$files/pool" \
            >"$work/engine" || fail "tests/bench/rust/$1"
    [ "$(grep -c '^ok\|^time [0-9]' "$work/engine")" -eq 13 ] || { cat "$work/engine" && fail "tests/bench/rust/$1"; }
}

build_crates
if [ "$program" = golden ]; then
    make_golden 2026.2 v0
    make_golden 2026.10 v1
    exit 0
fi
check_golden 2026.2 v0
check_golden 2026.10 v1
rounds 2026.2 0 v0 "$scripts"
rounds 2026.10 1 all "$scripts"
rounds 2026.10 0 v0 $((scripts / 4))
rounds 2026.9 1 all $((scripts / 8))
chain v0 2026.10/0 40 2026.2/v0 library 2026.10/v0 library 2026.2/v0 2026.9/v0 library 2026.10/v0 2026.2/v0 library
chain v1 2026.10/1 40 library 2026.10/v1 library 2026.9/all 2026.10/all library 2026.9/v1 library
refused_by_v1
counts $((scripts / 6))
refused_holes $((scripts / 2))
killed 2026.2 0 v0 crate
killed 2026.10 1 all crate
killed 2026.10 1 all library
killed 2026.2 0 v0 library
two_openers 2026.10
two_openers 2026.9
check_engine 2026.2
check_engine 2026.10
say "done"
