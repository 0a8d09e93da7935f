#!/bin/sh
# A truncation that a power cut interrupts can leave a file with its old size and with zeros in the middle.
#
# Version: Linux 6.18.44; e2fsprogs 1.47.0, xfsprogs 6.1.0, btrfs-progs 6.2 (Debian 12); blocks of 4 KiB, mounted with
# defaults but for commit=300. Root and loop devices are needed. A file of 20,000 bytes is durable. It is cut to 10,100
# bytes, and the block in which it ends then is written back, as the system may do at any time. Then the device is copied
# as it is, which is what a power cut leaves, and the copy is mounted.
#
# Seen: one would guess that the file has its old size and bytes, or its new size. ext4 and xfs zero the rest of the last
# block before they log the new size. So the size is the old one, and the bytes from the new end to the end of its block
# are zeros; those behind are the old ones. Who takes bytes that are left by a cut-off truncation for what was there
# before is wrong about them. btrfs writes the block elsewhere, and shows the old file.
#
#     ext4: 20000 bytes, zeros from 10100 to 12287
#     xfs: 20000 bytes, zeros from 10100 to 12287
#     btrfs: 20000 bytes, no zeros
set -eu

[ "$(id -u)" -eq 0 ] && [ -w /dev/loop-control ] || { echo "not run: this wants root and loop devices"; exit 77; }
for package in e2fsprogs:ext4 xfsprogs:xfs btrfs-progs:btrfs; do
    grep -qw "${package#*:}" /proc/filesystems || modprobe "${package#*:}" 2>/dev/null ||
        { echo "not run: the kernel has no ${package#*:}"; exit 77; }
    command -v "mkfs.${package#*:}" >/dev/null ||
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "${package%:*}" >/dev/null
done
place=$(mktemp -d)
trap 'umount "$place/mounted" "$place/after" 2>/dev/null || true; rm -rf "$place"' EXIT
mkdir "$place/mounted" "$place/after"
cat >"$place/cut.py" <<'END'
import ctypes, os, sys

file = os.open(sys.argv[1] + "/file", os.O_RDWR | os.O_CREAT)
os.write(file, b"x" * 20000)
os.fsync(file)
os.fsync(os.open(sys.argv[1], os.O_RDONLY))
os.ftruncate(file, 10100)
wait_write_wait = ctypes.c_uint(7)
ctypes.CDLL(None).sync_file_range(file, ctypes.c_int64(8192), ctypes.c_int64(4096), wait_write_wait)
END
cat >"$place/look.py" <<'END'
import sys

found = open(sys.argv[1] + "/file", "rb").read()
zeros = [at for at, byte in enumerate(found) if byte == 0]
print(f"{len(found)} bytes,", f"zeros from {zeros[0]} to {zeros[-1]}" if zeros else "no zeros")
END
for system in ext4 xfs btrfs; do
    image=$place/$system
    truncate -s 400M "$image"
    mounting=loop
    remounting=loop
    case $system in
    ext4) mkfs.ext4 -q -F -b 4096 "$image" && mounting=loop,commit=300 ;;
    xfs) mkfs.xfs -q "$image" && remounting=loop,nouuid ;;
    btrfs) mkfs.btrfs -q "$image" >/dev/null && mounting=loop,commit=300 ;;
    esac
    mount -o "$mounting" "$image" "$place/mounted"
    python3 "$place/cut.py" "$place/mounted"
    cp --reflink=never "$image" "$image.after"
    umount "$place/mounted"
    mount -o "$remounting" "$image.after" "$place/after"
    echo "$system: $(python3 "$place/look.py" "$place/after")"
    umount "$place/after"
    rm -f "$image" "$image.after"
done | tee "$place/seen"
diff - "$place/seen" <<'END' || { echo "it behaves otherwise now"; exit 1; }
ext4: 20000 bytes, zeros from 10100 to 12287
xfs: 20000 bytes, zeros from 10100 to 12287
btrfs: 20000 bytes, no zeros
END
