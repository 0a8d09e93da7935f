#!/bin/sh
# sh cmake/histories.sh [HISTORIES [SEED]]
#
# Installs what is missing, builds with optimisation, and runs so many long random histories of a journal on a simulated disk
# (tests/crash/test_histories.c: power cuts, kills, faults, readers beside), 100,000 where no number is given, on every
# processor, saying now and then how far it is. The first history is number SEED, 1. One that fails is made shorter and
# printed with the line that runs it again.
#
#   SEGJ_BUILD_DIR   where to build; build/histories beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

install_missing need_build_tools need_test_tools
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/histories}")
configure_tree "$build" -DCMAKE_BUILD_TYPE=Release -DSEGJ_BUILD_TESTS=ON
cmake --build "$build" --parallel "$jobs" --target crash_histories || die "the build in $build failed"

say "${1:-100000} histories from number ${2:-1} on"
SEGJ_HISTORIES=${1:-100000} SEGJ_SEED=${2:-1} SEGJ_WORKERS=$jobs SEGJ_PROGRESS=1 "$build/tests/crash/test_histories"
