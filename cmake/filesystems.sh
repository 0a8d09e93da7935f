#!/bin/sh
# sh cmake/filesystems.sh [FILE-SYSTEM...]
#
# Installs what is missing, builds with optimisation, makes small file systems, mounts them and plays the scenes of
# tests/filesystems on each: filled to the last byte, pruned, rewound, killed, opened again, by two openers, in views.
# A line a scene. Without arguments all of
#
#   ext4 xfs btrfs        in images, on loop devices
#   btrfs-quota           a subvolume at the limit of its quota group
#   btrfs-nodatacow       whose files are overwritten in place
#   overlay               a journal in the lower layer; other journals in the upper one
#   bindfs                FUSE, over ext4, the same files by two mounts
#   bindfs-direct         the same, with direct_io, where mappings are refused
#   fuse2fs               FUSE, an ext4 file system in a process
#
# Wants root and loop devices, and /dev/fuse for the last three. A file system that this kernel or machine lacks is
# left out, with a sentence; where none is left the answer is 77. Mounts are in a name space of their own, and go with
# it.
#
#   SEGJ_BUILD_DIR   where to build; build/filesystems beside the sources when it is not set
#   SEGJ_ONLY        scenes whose names hold this word
#   TMPDIR           where images lie, up to 200 MB; /dev/shm where that exists
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

not_run()
{
    say "NOT RUN: $*"
    exit 77
}

[ "$(uname)" = Linux ] || not_run "file systems are mounted on Linux alone"
[ "$(id -u)" -eq 0 ] || not_run "mounting file systems wants root"
[ -w /dev/loop-control ] || not_run "there are no loop devices here"
if [ "${SEGJ_MOUNTS_OF_OUR_OWN:-}" != 1 ]; then
    has unshare || not_run "there is no unshare, which belongs to util-linux"
    unshare --mount --propagation private true 2>/dev/null || not_run "nobody may make a name space of mounts here"
    rm -rf "$scratch" # exec runs no trap
    SEGJ_MOUNTS_OF_OUR_OWN=1 exec unshare --mount --propagation private sh "$root/cmake/filesystems.sh" "$@"
fi

need_file_systems()
{
    need e2fsprogs has mkfs.ext4
    need xfsprogs has mkfs.xfs
    need btrfs-progs has mkfs.btrfs
    need mount has mount
    need fuse2fs has fuse2fs
    need bindfs has bindfs
}

install_missing need_build_tools need_test_tools need_file_systems
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/filesystems}")
configure_tree "$build" -DCMAKE_BUILD_TYPE=Release -DSEGJ_BUILD_TESTS=ON
cmake --build "$build" --parallel "$jobs" --target filesystems_filesystems || die "the build in $build failed"
program=$build/tests/filesystems/test_filesystems

if [ -z "${TMPDIR:-}" ] && [ -d /dev/shm ]; then
    TMPDIR=/dev/shm
    export TMPDIR
fi
place=$(mktemp -d)
made=""  # what is mounted, the last one first
trap 'clean_up; rm -rf "$scratch"' EXIT

clean_up()
{
    for directory in $made; do
        umount "$directory" 2>/dev/null || umount -l "$directory" 2>/dev/null || true
    done
    made=""
    rm -rf --one-file-system "$place"
}

# --- making file systems ---

# image NAME SIZE COMMAND...: an image, and a file system in it
image()
{
    image=$place/$1.image
    truncate -s "$2" "$image"
    shift 2
    "$@" "$image" >"$scratch/make.log" 2>&1 || { cat "$scratch/make.log" && return 1; }
}

# mounted NAME COMMAND...: makes $place/NAME, and runs the command, whose last argument that is
mounted()
{
    directory=$place/$1
    mkdir -p "$directory"
    shift
    "$@" "$directory" || return 1
    made="$directory $made"
}

# knows TYPE: has the kernel that file system? It may come as a module.
knows()
{
    grep -qw "$1" /proc/filesystems || modprobe "$1" 2>/dev/null
}

# ballast NAME SIZE: takes some of its room
ballast()
{
    fallocate -l "$2" "$place/$1/ballast"
    sync -f "$place/$1"
}

ext4()
{
    image "$1" 40M mkfs.ext4 -q -F -m 0 && mounted "$1" mount -t ext4 -o loop "$image"
}

# Below 300 MiB there is none; most of that is taken.
xfs()
{
    image "$1" 320M mkfs.xfs -q -f && mounted "$1" mount -t xfs -o loop "$image" && ballast "$1" 210M
}

btrfs()
{
    options=$2
    image "$1" 160M mkfs.btrfs -q -f && mounted "$1" mount -t btrfs -o "loop$options" "$image" &&
        ballast "$1" "${3:-40M}"
}

needs_fuse()
{
    [ -w /dev/fuse ] && knows fuse
}

# --- playing on them ---

passed=0
failed=0
left_out=0

# play NAME TRAIT...: all scenes on the file system that is mounted there
play()
{
    name=$1
    shift
    answer=0
    [ -z "${SEGJ_ONLY:-}" ] || set -- "$@" "only=$SEGJ_ONLY"
    {
        "$program" "$name" "${journals:-$place/$name}" "$@" 2>&1 || answer=$?
        echo "$answer" >"$scratch/answer"
    } | tee "$scratch/played"
    answer=$(cat "$scratch/answer")
    passed=$((passed + $(grep -c '^ok' "$scratch/played" || true)))
    wrong=$(grep -c '^FAILED' "$scratch/played" || true)
    [ "$answer" -eq 0 ] || [ "$wrong" -gt 0 ] || wrong=1 # the program itself has failed
    failed=$((failed + wrong))
}

lacks()
{
    left_out=$((left_out + 1))
    say "$1 is left out: $2"
}

play_ext4()
{
    knows ext4 || { lacks ext4 "this kernel has none"; return; }
    ext4 ext4 || { lacks ext4 "it cannot be mounted"; return; }
    play ext4 "image=$image"
}

play_xfs()
{
    knows xfs || { lacks xfs "this kernel has none"; return; }
    xfs xfs || { lacks xfs "it cannot be mounted"; return; }
    play xfs "image=$image"
}

# play_btrfs NAME OPTIONS TRAIT...
play_btrfs()
{
    name=$1
    knows btrfs || { lacks "$name" "this kernel has no btrfs"; return; }
    btrfs "$name" "$2" || { lacks "$name" "it cannot be mounted"; return; }
    shift 2
    play "$name" "$@"
}

limited()
{
    command btrfs quota enable "$1" && command btrfs subvolume create "$1/limited" >/dev/null &&
        command btrfs qgroup limit 24M "$1/limited"
}

play_btrfs_quota()
{
    knows btrfs || { lacks btrfs-quota "this kernel has no btrfs"; return; }
    btrfs btrfs-quota "" 1M && limited "$place/btrfs-quota" ||
        { lacks btrfs-quota "there are no quota groups"; return; }
    journals=$place/btrfs-quota/limited
    play btrfs-quota cow
    journals=""
}

# Two file systems beneath, so that each has its own room.
overlay()
{
    ext4 overlay-lower && "$program" lower "$place/overlay-lower" && mount -o remount,ro "$place/overlay-lower" &&
        ext4 overlay-upper && mkdir "$place/overlay-upper/upper" "$place/overlay-upper/work" &&
        mounted overlay mount -t overlay overlay \
            -o "lowerdir=$place/overlay-lower,upperdir=$place/overlay-upper/upper,workdir=$place/overlay-upper/work"
}

play_overlay()
{
    knows overlay && knows ext4 || { lacks overlay "this kernel has none, or no ext4 to lie on"; return; }
    overlay || { lacks overlay "it cannot be mounted"; return; }
    play overlay "upper=$place/overlay-upper/upper"
}

# play_bindfs NAME OPTION TRAIT...
play_bindfs()
{
    name=$1
    option=$2
    needs_fuse || { lacks "$name" "there is no /dev/fuse"; return; }
    # shellcheck disable=SC2086 # an option or none
    ext4 "$name-below" && mounted "$name" bindfs $option "$place/$name-below" ||
        { lacks "$name" "it cannot be mounted"; return; }
    shift 2
    play "$name" "beneath=$place/$name-below" "$@"
}

# It wants free blocks to overwrite, too.
play_fuse2fs()
{
    needs_fuse || { lacks fuse2fs "there is no /dev/fuse"; return; }
    image fuse2fs 40M mkfs.ext4 -q -F -m 0 && mounted fuse2fs fuse2fs -o fakeroot "$image" ||
        { lacks fuse2fs "it cannot be mounted"; return; }
    play fuse2fs cow
}

[ $# -gt 0 ] || set -- ext4 xfs btrfs btrfs-quota btrfs-nodatacow overlay bindfs bindfs-direct fuse2fs
for system; do
    start=$(date +%s)
    case $system in
    ext4) play_ext4 ;;
    xfs) play_xfs ;;
    btrfs) play_btrfs btrfs "" cow ;;
    btrfs-quota) play_btrfs_quota ;;
    btrfs-nodatacow) play_btrfs btrfs-nodatacow ,nodatacow ;;
    overlay) play_overlay ;;
    bindfs) play_bindfs bindfs "" ;;
    bindfs-direct) play_bindfs bindfs-direct "-o direct_io" nomap ;;
    fuse2fs) play_fuse2fs ;;
    *) die "file systems are ext4, xfs, btrfs, btrfs-quota, btrfs-nodatacow, overlay, bindfs, bindfs-direct and fuse2fs;
       \"$system\" is none" ;;
    esac
    say "$system: $(($(date +%s) - start)) s"
    clean_up
    mkdir -p "$place"
done

[ -z "${SEGJ_TALLY:-}" ] || [ $((passed + failed)) -eq 0 ] || echo "$passed $failed $left_out" >>"$SEGJ_TALLY"
[ $((passed + failed)) -gt 0 ] || not_run "none of these file systems can be mounted here"
[ "$left_out" -eq 0 ] || printf '%s left out\n' "$left_out"
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
