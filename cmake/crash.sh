#!/bin/sh
# sh cmake/crash.sh [--length N] [--depth N] [--states N] [--jobs N] [--tear] [--spoil]
#
# Builds the explorer of crashes and lets it look at every script of operations in sixteen configurations: pages of 20, 64
# and 4084 bytes, values plain, compressed and with a dictionary, in both versions of the native format (log/: version 2;
# sectors: values that are kept apart, and sectors that turn to garbage) and in the commonware format. A line every few seconds says how far each has come; the last says what has been seen in
# all. A state is an image of the disk with what the application was told, and counts once.
#
#   --length N   operations of a script, 1 to 6; 4
#   --depth N    crashes within recovery, one within the other, 0 to 5; 2. All scripts are done with one, then with two, ...
#   --states N   enough after so many states, a sixteenth of them in each configuration; 100000000
#   --jobs N     configurations at the same time; as many as there are processors
#   --tear       single bytes of a write are lost or kept, not sectors
#   --spoil      sectors that were being written may turn to garbage, with the synced bytes in them: says what that costs
#
#   SEGJ_BUILD_DIR   where to build; build/crash beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

length=4
depth=2
states=100000000
parallel=$jobs
tear=0
spoil=0
while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
    --tear) tear=1 ;;
    --spoil) spoil=1 ;;
    --length | --depth | --states | --jobs)
        [ $# -gt 0 ] || die "$option wants a number"
        case $1 in
        '' | *[!0-9]*) die "$option wants a number, not \"$1\"" ;;
        esac
        case $option in
        --length) length=$1 ;;
        --depth) depth=$1 ;;
        --states) states=$1 ;;
        --jobs) parallel=$1 ;;
        esac
        shift
        ;;
    *) die "there is no option \"$option\": --length --depth --states --jobs --tear --spoil" ;;
    esac
done

install_missing need_build_tools need_test_tools
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/crash}")
configure_tree "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-g -O2" -DSEGJ_BUILD_TESTS=ON \
    -DSEGJ_BUILD_EXAMPLES=OFF
cmake --build "$build" --parallel "$jobs" --target crash_exhaustive crash_exhaustive_zstd \
    crash_exhaustive_commonware crash_exhaustive_log crash_exhaustive_sectors ||
    die "the build in $build failed"

# One configuration to a process: what one has seen another cannot meet.
cat >"$scratch/explore" <<'SCRIPT'
case $SEGJ_CRASH_ONLY in
commonware/*) program=test_exhaustive_commonware ;;
log/*/sectors) program=test_exhaustive_sectors ;;
log/*) program=test_exhaustive_log ;;
*/plain) program=test_exhaustive ;;
*) program=test_exhaustive_zstd ;;
esac
log=$1/$(echo "$SEGJ_CRASH_ONLY" | tr / -)
"$2/tests/crash/$program" >"$log" || { cat "$log"; exit 1; }
grep "^$SEGJ_CRASH_ONLY" "$log"
SCRIPT

say "scripts of up to $length operations, $depth crashes within recovery, $states states"
export SEGJ_CRASH_LENGTH="$length" SEGJ_CRASH_DEPTH="$depth" SEGJ_CRASH_TEAR="$tear" SEGJ_CRASH_SPOIL="$spoil"
export SEGJ_CRASH_STATES=$(((states + 15) / 16)) SEGJ_CRASH_PROGRESS=1
begun=$(date +%s)
answer=0
printf '%s\n' 20/plain 20/zstd 64/plain 64/zstd 4084/plain 4084/zstd \
    log/20/plain log/64/plain log/64/zstd log/64/dictionary log/64/sectors log/4084/plain \
    commonware/20/plain commonware/64/plain commonware/64/zstd commonware/4084/plain |
    xargs -P "$parallel" -I '{}' env SEGJ_CRASH_ONLY='{}' sh "$scratch/explore" "$scratch" "$build" || answer=1

# A line is: NAME: SCRIPTS of ALL scripts, POINTS points (N exhaustive, N sampled), N states, ...
cat "$scratch"/*-plain "$scratch"/*-zstd "$scratch"/*-dictionary "$scratch"/*-sectors | awk -v seconds=$(($(date +%s) - begun)) '
    / scripts, / {
        gsub(/[(,]/, "")
        scripts += $2; all += $4; points += $6; exhaustive += $8; sampled += $10; states += $12
    }
    END {
        printf "%d states of %d scripts (of %d), %d points crashed: %d exhaustive, %d sampled; %d s, %d states a second\n",
            states, scripts, all, points, exhaustive, sampled, seconds, states / (seconds > 0 ? seconds : 1)
    }'
exit "$answer"
