#!/bin/sh
# The first read of /proc/locks in a while takes milliseconds, whatever is locked; the next one, microseconds.
#
# Version: Linux 6.18.44, two processors; any file system. The list is made under file_rwsem (fs/locks.c, locks_start),
# one of the kernel's locks that are cheap for many readers, here all who lock files: a first writer, here who lists,
# waits for a grace period of RCU.
#
# Seen: one would guess that a list of three lines costs as much as any other small file of /proc. Who asks it which
# process holds a lock, for a sentence or a display, and does so where nothing is locked or once a second, adds 4 to 30 ms
# to each call. /proc/self/mountinfo, which is longer, stays below 0.1 ms. fcntl's F_OFD_GETLK tells for nothing that a
# lock is held, but not by whom, and knows nothing of flock's.
#
#     after a rest, /proc/locks takes more than 1 ms: yes
#     a moment later: no
#     after a rest, /proc/self/mountinfo takes more than 1 ms: no
set -eu

[ -r /proc/locks ] || { echo "not run: this wants Linux, and /proc/locks"; exit 77; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat >"$place/read.py" <<'END'
import os, time


def median(path, rest):
    took = []
    for _ in range(9):
        time.sleep(rest)
        if rest == 0:
            open("/proc/locks").read()
        file = os.open(path, os.O_RDONLY)
        begun = time.perf_counter()
        os.read(file, 1 << 16)
        took.append(time.perf_counter() - begun)
        os.close(file)
    return "yes" if sorted(took)[4] > 0.001 else "no"


print("after a rest, /proc/locks takes more than 1 ms:", median("/proc/locks", 0.4))
print("a moment later:", median("/proc/locks", 0))
print("after a rest, /proc/self/mountinfo takes more than 1 ms:", median("/proc/self/mountinfo", 0.4))
END
python3 "$place/read.py" | tee "$place/seen"
diff - "$place/seen" <<'END' || { echo "it behaves otherwise now"; exit 1; }
after a rest, /proc/locks takes more than 1 ms: yes
a moment later: no
after a rest, /proc/self/mountinfo takes more than 1 ms: no
END
