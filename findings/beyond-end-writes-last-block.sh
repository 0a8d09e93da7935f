#!/bin/sh
# A write that begins beyond the end of a file has the device write the file's old last block once more, synced or not.
#
# Version: Linux 6.18.44; e2fsprogs 1.47.0, xfsprogs 6.1.0, btrfs-progs 6.2 (Debian 12), mounted with defaults, blocks of
# 4 KiB. Root and loop devices are needed. A file of 100 bytes is synced. Then 4 bytes are written at offset 8192, in a
# block of their own, and synced; the sectors that the device has written for that are counted. The same is done with
# files that end with a block.
#
# Seen: one might think that bytes which were synced are left alone as long as nothing is written to their block. All
# three file systems fill the old last block with zeros up to its end, which they were already, and write it again. So
# a log that begins a new block after each sync, to keep synced bytes out of what a power cut may tear, must also make
# its file end with a block at each sync.
#
#     ext4: 1 block more where the file ended within one
#     xfs: 1 block more where the file ended within one
#     btrfs: 1 block more where the file ended within one
set -eu

[ "$(id -u)" -eq 0 ] && [ -w /dev/loop-control ] || { echo "not run: this wants root and loop devices"; exit 77; }
for kind in ext4 xfs btrfs; do
    grep -qw "$kind" /proc/filesystems || modprobe "$kind" 2>/dev/null || { echo "not run: no $kind"; exit 77; }
done
command -v mkfs.xfs >/dev/null && command -v mkfs.btrfs >/dev/null && command -v mkfs.ext4 >/dev/null ||
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y e2fsprogs xfsprogs btrfs-progs >/dev/null
place=$(mktemp -d)
trap 'umount "$place/mounted" 2>/dev/null || true; rm -rf "$place"' EXIT
mkdir "$place/mounted"
cat >"$place/count.py" <<'END'
import os, statistics, sys

kind, device = sys.argv[1], os.path.basename(sys.argv[3])
os.chdir(sys.argv[2])

def sectors():
    with open(f"/sys/block/{device}/stat") as stat:
        return int(stat.read().split()[6])

def written_for(name, size):
    file = os.open(name, os.O_RDWR | os.O_CREAT)
    os.pwrite(file, b"x" * size, 0)
    os.fsync(file)
    os.sync()
    before = sectors()
    os.pwrite(file, b"next", 8192)
    os.fdatasync(file)
    found = sectors() - before
    os.close(file)
    return found

found = {100: [], 4096: []}
for turn in range(24):
    for size in found:
        found[size].append(written_for(f"{size}-{turn}", size))
more = statistics.median(found[100]) - statistics.median(found[4096])
print(f"{kind}: {more * 512 / 4096:g} block more where the file ended within one")
END
for kind in ext4 xfs btrfs; do
    rm -f "$place/image"
    truncate -s 512M "$place/image"
    case $kind in
    ext4) mkfs.ext4 -q -F -b 4096 "$place/image" ;;
    xfs) mkfs.xfs -q "$place/image" ;;
    btrfs) mkfs.btrfs -q "$place/image" >/dev/null 2>&1 ;;
    esac
    mount -o loop "$place/image" "$place/mounted"
    python3 "$place/count.py" "$kind" "$place/mounted" "$(findmnt -n -o SOURCE "$place/mounted")"
    umount "$place/mounted"
done | tee "$place/seen"
diff - "$place/seen" <<'END' || { echo "it behaves otherwise now"; exit 1; }
ext4: 1 block more where the file ended within one
xfs: 1 block more where the file ended within one
btrfs: 1 block more where the file ended within one
END
