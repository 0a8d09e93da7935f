#!/bin/sh
# sh cmake/mutate.sh [--check] [REGEX]
#
# The tests tested: puts deliberate faults into a copy of the library, one after the other (tests/mutation/faults),
# builds each, and runs the tests that should notice it. Prints which one did; fails where none does. With a regular
# expression only the faults whose names match it; with --check it only looks whether the faults still fit the sources.
#
#   SEGJ_BUILD_DIR   where to build; build/mutate beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

if [ "${1:-}" = --check ]; then
    exec cmake -DTREE="$root" -DCHECK=ON -P "$root/tests/mutation/mutate.cmake"
fi

install_missing need_build_tools need_test_tools
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/mutate}")
copy=$build/tree
rm -rf "$copy"
mkdir -p "$copy"
for entry in CMakeLists.txt include src tests examples cmake README.md; do
    cp -R "$root/$entry" "$copy/$entry"
done
sources=$root
root=$copy
configure_tree "$build/build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-g -O1" -DSEGJ_BUILD_TESTS=ON \
    -DSEGJ_BUILD_EXAMPLES=OFF
cmake -DTREE="$root" -DBUILD="$build/build" -DJOBS="$jobs" -DONLY="${1:-}" -P "$sources/tests/mutation/mutate.cmake"
