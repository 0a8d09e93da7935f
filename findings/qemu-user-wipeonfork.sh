#!/bin/sh
# Expected: madvise(page, size, MADV_WIPEONFORK) either answers 0, and a child of fork then reads zeros, as Linux has it
# since 4.14, or fails with EINVAL, so that a program that must notice a fork can fall back to getpid().
#
# Seen: a program that runs under QEMU's user emulation (Debian's qemu-user-static 1:7.2+dfsg-7+deb12u18+b3, programs for
# aarch64 and riscv64 on x86-64, as containers of other architectures run them) is answered 0, and its child reads what the
# parent wrote. The emulator answers 0 to numbers that are no advice at all, too. That is the way to find out: an
# answer to a number that does not exist shows whether the answer to MADV_WIPEONFORK means anything.
#
#     x86_64 itself: unknown advice refused, wipe answered 0, child reads 0
#     riscv64 under qemu-user: unknown advice answered 0, wipe answered 0, child reads 7
#     aarch64 under qemu-user: unknown advice answered 0, wipe answered 0, child reads 7
#
# Needs Debian 12 on x86-64 with apt-get, dpkg-deb, python3 and pip. Takes about 400 MB in a temporary folder.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m pip --quiet --disable-pip-version-check install --target tools ziglang==0.13.0
# apt as root would drop its rights, and this folder belongs to the caller alone
apt-get -qq -o APT::Sandbox::User= download 'qemu-user-static=1:7.2+dfsg-7+deb12u18+b3' >/dev/null
dpkg-deb -x qemu-user-static_*.deb qemu

cat >program.c <<'PROGRAM'
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int status = 0;
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return 1;
    int unknown = madvise(page, 4096, 12345);
    int wipe = madvise(page, 4096, 18); /* MADV_WIPEONFORK */
    *page = 7;
    pid_t child = fork();
    if (child == 0)
        _exit(*page);
    waitpid(child, &status, 0);
    printf("unknown advice %s, wipe %s, child reads %d\n", unknown == 0 ? "answered 0" : "refused",
           wipe == 0 ? "answered 0" : "refused", WEXITSTATUS(status));
    return 0;
}
PROGRAM

for machine in x86_64 riscv64 aarch64; do
    ZIG_GLOBAL_CACHE_DIR=$work/cache ZIG_LOCAL_CACHE_DIR=$work/cache PYTHONPATH=tools \
        python3 -m ziglang cc -target "$machine-linux-musl" -o "$machine" program.c 2>log || { cat log >&2; exit 1; }
done
{
    printf 'x86_64 itself: '
    ./x86_64
    for machine in riscv64 aarch64; do
        printf '%s under qemu-user: ' "$machine"
        "qemu/usr/bin/qemu-$machine-static" "./$machine"
    done
} | tee seen

cat >expected <<'EXPECTED'
x86_64 itself: unknown advice refused, wipe answered 0, child reads 0
riscv64 under qemu-user: unknown advice answered 0, wipe answered 0, child reads 7
aarch64 under qemu-user: unknown advice answered 0, wipe answered 0, child reads 7
EXPECTED
diff expected seen && echo "as it was"
