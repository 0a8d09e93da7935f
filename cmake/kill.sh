#!/bin/sh
# sh cmake/kill.sh [KILLS [SEED]]
#
# Installs what is missing, builds with optimisation, and kills a process that writes a journal in files so many times
# (tests/kill/test_kill.c), 10,000 where no number is given, saying after each thousand how far it is. What each kill leaves is
# judged. Another SEED is another course of events; when threads run, it does not fix what happens.
#
#   SEGJ_BUILD_DIR   where to build; build/kill beside the sources when it is not set
#   TMPDIR           where one journal in four is written; the others are in /dev/shm where that exists
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

install_missing need_build_tools need_test_tools
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/kill}")
configure_tree "$build" -DCMAKE_BUILD_TYPE=Release -DSEGJ_BUILD_TESTS=ON
cmake --build "$build" --parallel "$jobs" --target kill_kill || die "the build in $build failed"

say "${1:-10000} kills, seed ${2:-1}"
SEGJ_KILLS=${1:-10000} SEGJ_SEED=${2:-1} "$build/tests/kill/test_kill"
