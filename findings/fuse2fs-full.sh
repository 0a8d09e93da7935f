#!/bin/sh
# On a full fuse2fs (an ext4 file system) bytes that are there cannot be overwritten, and a file that is open cannot
# be unlinked.
#
# Version: fuse2fs 1.47.0 of e2fsprogs (Debian 12), libfuse 2.9.9, Linux 6.18.44. Root and /dev/fuse are needed.
#
# Seen: ext4 overwrites in place, so the kernel's own ext4 allows all four calls on a full disk. fuse2fs counts free
# blocks before it looks whether a write needs any. And libfuse renames an open file that is unlinked (to
# .fuse_hidden...), for which fuse2fs wants free blocks; so who means to make room by removing files has to close them
# first.
#
#     overwriting 16 bytes: ENOSPC
#     unlink of an open file: ENOSPC
#     truncation: ok
#     unlink of a closed file: ok
set -eu

[ "$(id -u)" -eq 0 ] && [ -w /dev/fuse ] || { echo "not run: this wants root and /dev/fuse"; exit 77; }
command -v fuse2fs >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -qq -y fuse2fs >/dev/null
place=$(mktemp -d)
trap 'umount "$place/mounted" 2>/dev/null || true; rm -rf "$place"' EXIT
truncate -s 20M "$place/image"
mkfs.ext4 -q -F -m 0 "$place/image"
mkdir "$place/mounted"
fuse2fs -o fakeroot "$place/image" "$place/mounted"
cat >"$place/fill.py" <<'END'
import errno, os, sys

os.chdir(sys.argv[1])
files = {}
for name in "open", "closed", "long":
    files[name] = os.open(name, os.O_RDWR | os.O_CREAT)
    os.write(files[name], b"x" * 20000)
    os.fsync(files[name])
os.close(files["closed"])
other, size = os.open("other", os.O_WRONLY | os.O_CREAT), 1 << 16
while size > 0:
    try:
        os.write(other, b"y" * size)
    except OSError:
        size //= 2

def seen(what, call, *arguments):
    try:
        call(*arguments)
        print(what + ": ok")
    except OSError as error:
        print(what + ": " + errno.errorcode[error.errno])

seen("overwriting 16 bytes", os.pwrite, files["open"], b"z" * 16, 0)
seen("unlink of an open file", os.unlink, "open")
seen("truncation", os.ftruncate, files["long"], 16384)
seen("unlink of a closed file", os.unlink, "closed")
END
python3 "$place/fill.py" "$place/mounted" | tee "$place/seen"
diff - "$place/seen" <<'END' || { echo "it behaves otherwise now"; exit 1; }
overwriting 16 bytes: ENOSPC
unlink of an open file: ENOSPC
truncation: ok
unlink of a closed file: ok
END
