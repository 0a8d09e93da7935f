#!/bin/sh
# bindfs with --enable-lock-forwarding forwards flock of a file to what lies beneath, and of a directory it does not,
# and says yes.
#
# Version: bindfs 1.14.7 (Debian 12), libfuse 3.14, Linux 6.18.44. Root and /dev/fuse are needed.
#
# Seen: FUSE has a request for locks of files; for directories there is none, whatever the server offers. flock of a
# directory in a FUSE mount succeeds, and excludes others within that mount alone. Nothing tells it from a lock that
# works: so a lock file and a lock on the directory itself, either of which does on a local file system, differ here.
#
#     a file, locked in the mount: beneath it is locked
#     a directory, locked in the mount: beneath it is free
set -eu

[ "$(id -u)" -eq 0 ] && [ -w /dev/fuse ] || { echo "not run: this wants root and /dev/fuse"; exit 77; }
command -v bindfs >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -qq -y bindfs >/dev/null
place=$(mktemp -d)
trap 'umount "$place/mounted" 2>/dev/null || true; rm -rf "$place"' EXIT
mkdir "$place/mounted" "$place/beneath" "$place/beneath/directory"
: >"$place/beneath/file"
bindfs --multithreaded --enable-lock-forwarding "$place/beneath" "$place/mounted"
cat >"$place/lock.py" <<'END'
import fcntl, os, sys

place = sys.argv[1]
for what, name in ("a file", "file"), ("a directory", "directory"):
    mounted = os.open(f"{place}/mounted/{name}", os.O_RDONLY)
    fcntl.flock(mounted, fcntl.LOCK_EX | fcntl.LOCK_NB)
    beneath = os.open(f"{place}/beneath/{name}", os.O_RDONLY)
    try:
        fcntl.flock(beneath, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = "free"
    except BlockingIOError:
        found = "locked"
    print(f"{what}, locked in the mount: beneath it is {found}")
END
python3 "$place/lock.py" "$place" | tee "$place/seen"
diff - "$place/seen" <<'END' || { echo "it behaves otherwise now"; exit 1; }
a file, locked in the mount: beneath it is locked
a directory, locked in the mount: beneath it is free
END
