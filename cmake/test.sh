#!/bin/sh
# sh cmake/test.sh [CTEST-OPTION...]
#
# Installs what is missing (Debian's compilers, CMake, zstd, zlib and cmocka), builds the library and passes the whole
# suite twice: as it is delivered, and with assertions under AddressSanitizer and UndefinedBehaviorSanitizer.
# Arguments go to both runs of ctest, as in: sh cmake/test.sh -L unit
#
#   SEGJ_BUILD_DIR   where to build; build/test beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

start=$(date +%s)
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/test}")
install_missing need_build_tools need_test_tools need_sanitizers
good=true

build_tree "$build/plain" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DSEGJ_BUILD_TESTS=ON -DSEGJ_BUILD_EXAMPLES=ON \
    -DSEGJ_INSTALL=ON
test_tree "$build/plain" "$@" || good=false

build_tree "$build/sanitize" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-g -O1" -DSEGJ_BUILD_TESTS=ON \
    -DSEGJ_BUILD_EXAMPLES=ON -DSEGJ_SANITIZE=address,undefined
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export ASAN_OPTIONS UBSAN_OPTIONS
choose_launcher address,undefined
test_tree "$build/sanitize" "$@" || good=false

say_skipped
say_failed
say "it took $(($(date +%s) - start)) s; $build takes $(du -sm "$build" | cut -f 1) MB"
printf '%s passed, %s failed\n' "$passed" "$failed"
$good
