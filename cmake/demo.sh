#!/bin/sh
# sh cmake/demo.sh [ARGUMENT...]
#
# Installs what is missing (Debian's compiler, CMake, zstd, zlib and json-c), builds the library, the command segj and the
# archive example, and runs them: without arguments the example stores /usr/include in a journal below the build directory
# (another tree where that is missing or small), is killed half way, recovers, goes on, restores everything and compares.
# Then segj looks at the journal, reads it through, and draws it. Arguments go to the example as they are (try --help).
# Ctrl-C ends it at any time, and leaves nothing but what was built.
#
#   SEGJ_BUILD_DIR   where to build; build/demo beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

# look DIRECTORY: what the command says of a journal
look()
{
    say "segj stat"
    "$build/segj" stat "$1"
    say "segj verify"
    "$build/segj" verify "$1"
    say "segj map > $build/journal.svg"
    "$build/segj" map "$1" >"$build/journal.svg"
}

build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/demo}")
install_missing need_build_tools need_command_tools
build_tree "$build" -DSEGJ_BUILD_TESTS=OFF -DSEGJ_BUILD_EXAMPLES=ON

work=$build/work # where the example works, unless an argument says otherwise
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$scratch" ${memory:+"$memory"} "$work"' EXIT
say "examples/archive${*:+ $*}"
TMPDIR=$work "$build/examples/archive" --keep "$@"
for journal in "$work"/*/journal; do
    [ ! -d "$journal" ] || look "$journal"
done
