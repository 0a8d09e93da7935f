#!/bin/sh
# sh cmake/scale.sh [sections] [huge]
#
# Builds the library as it is delivered and runs what is too large for every day; both without an argument:
#
#   sections   100,000 sections and real syncs
#   huge       values of 2^32 - 5 bytes, offsets beyond 2^32 and 2^40
#
#   SEGJ_BUILD_DIR        where to build; build/scale beside the sources when it is not set
#   SEGJ_SCALE_SECTIONS   another number of sections
#   TMPDIR                where the journals go; the build directory when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

for run; do
    case $run in
    sections | huge) ;;
    *) die "there are two runs, sections and huge; \"$run\" is none" ;;
    esac
done
[ $# -gt 0 ] || set -- sections huge

install_missing need_build_tools need_test_tools
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/scale}")
configure_tree "$build" -DCMAKE_BUILD_TYPE=Release -DSEGJ_BUILD_TESTS=ON -DSEGJ_BUILD_EXAMPLES=OFF
cmake --build "$build" --parallel "$jobs" --target scale_sections scale_huge || die "the build in $build failed"

TMPDIR=$(absolute "${TMPDIR:-$build}")
export TMPDIR
answer=0
for run; do
    case $run in
    sections)
        say "sections: needs 3 GB of disk with 200,000 free inodes in $TMPDIR, 100 MB of memory, and up to an hour"
        SEGJ_SCALE_SECTIONS=${SEGJ_SCALE_SECTIONS:-100000} SEGJ_SCALE_SYNCS=1 "$build/tests/scale/test_sections" ||
            answer=1
        ;;
    huge)
        say "huge: needs 5 GB of disk with sparse files in $TMPDIR, 9 GB of memory, and some minutes"
        SEGJ_SCALE_HUGE=1 "$build/tests/scale/test_huge" || answer=1
        ;;
    esac
done
exit "$answer"
