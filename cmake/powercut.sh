#!/bin/sh
# sh cmake/powercut.sh [CUTS [SEED]]
#
# Installs what is missing, builds with optimisation, and cuts the power so many times, 1,000 where no number is given, under
# each of ext4, xfs and btrfs (tests/powercut/test_powercut.c): a FUSE server records what a file system does to its
# device, the device is built as a power cut leaves it, mounted, and judged. Wants root, /dev/fuse and loop devices, and
# answers 77 where it has not got them; mounts are in a name space of their own, and device mapper is not needed.
#
#   SEGJ_BUILD_DIR       where to build; build/powercut beside the sources when it is not set
#   SEGJ_FILE_SYSTEM     these file systems only
#   SEGJ_MOUNT_OPTIONS   of the file system, such as data=writeback for ext4
#   TMPDIR               where images lie, up to 1 GB; /dev/shm where that exists
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

need_file_systems()
{
    need e2fsprogs has mkfs.ext4
    need xfsprogs has mkfs.xfs
    need btrfs-progs has mkfs.btrfs
    need mount has mount
}

install_missing need_build_tools need_test_tools need_file_systems
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/powercut}")
configure_tree "$build" -DCMAKE_BUILD_TYPE=Release -DSEGJ_BUILD_TESTS=ON
cmake --build "$build" --parallel "$jobs" --target powercut_powercut || die "the build in $build failed"

if [ -z "${TMPDIR:-}" ] && [ -d /dev/shm ]; then
    TMPDIR=/dev/shm
    export TMPDIR
fi
export SEGJ_POWERCUTS="${1:-1000}" SEGJ_SEED="${2:-1}"
for system in ${SEGJ_FILE_SYSTEM:-ext4 xfs btrfs}; do
    say "$system: $SEGJ_POWERCUTS power cuts, seed $SEGJ_SEED"
    SEGJ_FILE_SYSTEM=$system "$build/tests/powercut/test_powercut"
done
