#!/bin/sh
# On btrfs, bytes that posix_fallocate has reserved can be written once; the second time a full disk refuses them.
#
# Version: Linux 6.18.44, btrfs-progs 6.2 (Debian 12), mounted with defaults. Root and loop devices are needed. Two
# files of 1 MiB are reserved with posix_fallocate, one of them with copying on write turned off (chattr +C). Then
# another file takes all room.
#
# Seen: POSIX says that writes to the reserved range do not fail for lack of space. The first one of a block does not.
# The second one of the same block does, because it is written elsewhere, and the reservation is used up: a file that
# is made in full size so that it can be overwritten for ever cannot. With +C both work, and the file has no
# checksums.
#
#     plain, first write of a block: ok
#     plain, second write of that block: ENOSPC
#     nodatacow, first write of a block: ok
#     nodatacow, second write of that block: ok
set -eu

[ "$(id -u)" -eq 0 ] && [ -w /dev/loop-control ] && grep -qw btrfs /proc/filesystems ||
    { echo "not run: this wants root, loop devices and a kernel with btrfs"; exit 77; }
command -v mkfs.btrfs >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -qq -y btrfs-progs >/dev/null
place=$(mktemp -d)
trap 'umount "$place/mounted" 2>/dev/null || true; rm -rf "$place"' EXIT
truncate -s 160M "$place/image"
mkfs.btrfs -q "$place/image" >/dev/null
mkdir "$place/mounted"
mount -o loop "$place/image" "$place/mounted"
cat >"$place/fill.py" <<'END'
import errno, os, subprocess, sys

os.chdir(sys.argv[1])
files = {}
for name in "plain", "nodatacow":
    files[name] = os.open(name, os.O_RDWR | os.O_CREAT)
    if name == "nodatacow":
        subprocess.run(["chattr", "+C", name], check=True)
    os.posix_fallocate(files[name], 0, 1 << 20)
os.sync()
other, size = os.open("other", os.O_WRONLY | os.O_CREAT), 1 << 20
while size > 0:
    try:
        os.write(other, os.urandom(size))
        os.fsync(other)
    except OSError:
        size //= 2

for name, file in files.items():
    for what in "first write of a block", "second write of that block":
        try:
            os.pwrite(file, what[:1].encode() * 4096, 0)
            os.fsync(file)
            found = "ok"
        except OSError as error:
            found = errno.errorcode[error.errno]
        print(f"{name}, {what}: {found}")
END
python3 "$place/fill.py" "$place/mounted" | tee "$place/seen"
diff - "$place/seen" <<'END' || { echo "it behaves otherwise now"; exit 1; }
plain, first write of a block: ok
plain, second write of that block: ENOSPC
nodatacow, first write of a block: ok
nodatacow, second write of that block: ok
END
