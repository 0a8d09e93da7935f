#!/bin/sh
# sh cmake/demo.sh [ARGUMENT...]
#
# Installs what is missing (Debian's compiler, CMake, zstd and zlib), builds the library and the archive example, and
# runs it: without arguments it stores /usr/include in a journal below the build directory (another tree where that is
# missing or small), is killed half way, recovers, goes on, restores everything and compares. Arguments go to the example as
# they are (try --help). Ctrl-C ends it at any time, and leaves nothing but what was built.
#
#   SEGJ_BUILD_DIR   where to build; build/demo beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/demo}")
install_missing need_build_tools
build_tree "$build" -DSEGJ_BUILD_TESTS=OFF -DSEGJ_BUILD_EXAMPLES=ON

say "examples/archive${*:+ $*}"
TMPDIR=$build "$build/examples/archive" "$@" # where it works, unless an argument says otherwise
