#!/bin/sh
# ISA-L's CRC leaves the upper halves of the wide registers dirty, which slows down the code that comes after it.
#
# Version: ISA-L 2.30.0 (Debian 12, libisal2 2.30.0-5), on a processor with AVX-512 and VPCLMULQDQ. crc32_gzip_refl() is
# called once, and the processor asked (XGETBV with ECX = 1) which parts of its registers are in use. Then a loop is
# timed that has 100 bytes checksummed, by VEX instructions of 128 bits, and moves a number with an SSE instruction, as
# compilers make them for every x86-64.
#
# Seen: one expects a routine that uses the 512-bit registers to end with VZEROUPPER, as Intel's manual of optimization
# has it and compilers do. Up to 255 bytes nothing is left; from 256 bytes on (crc32_gzip_refl_by16_10) the upper halves
# stay in use until somebody else clears them. It is one call that does it, and everything in the process that pays. On
# an Intel Xeon with AMX a program that appended records of 100 bytes, with a page of 4 KiB checksummed now and then,
# took 0.246 s instead of 0.130 s a million, and was slower than with zlib, whose CRC alone takes 20 times as long.
#
#     after 255 bytes: clear; after 256 bytes: in use; after VZEROUPPER: clear
#     100 bytes and an SSE instruction: 31 ns when clear, 224 ns when in use
set -eu

for flag in avx512f vpclmulqdq xgetbv1; do
    grep -qw "$flag" /proc/cpuinfo || { echo "not run: the processor has no $flag"; exit 77; }
done
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
command -v gcc >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -qq -y gcc libc6-dev >/dev/null
wanted="libisal2=2.30.0-5 libisal-dev=2.30.0-5"
# shellcheck disable=SC2086 # two words
apt-get download -qq $wanted 2>/dev/null || { apt-get update -qq && apt-get download -qq $wanted; }
for package in libisal*.deb; do
    dpkg -x "$package" .
done
cat >look.c <<'END'
#include <immintrin.h>
#include <isa-l/crc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static unsigned char bytes[4096];
static volatile unsigned sink;

__attribute__((target("xsave"))) static const char *upper(void)
{
    return (_xgetbv(1) & 4) != 0 ? "in use" : "clear";
}

__attribute__((target("avx"))) static void clear(void)
{
    _mm256_zeroupper();
}

static double round_of_both(void)
{
    enum { ROUNDS = 1000000 };
    struct timespec from, to;
    unsigned crc = 0;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < ROUNDS; i++) {
        crc = crc32_gzip_refl(crc, bytes, 100);
        __asm__ volatile("movd %0, %%xmm0\n\tpunpcklqdq %%xmm0, %%xmm0" : : "r"(crc) : "xmm0");
    }
    sink = crc;
    clock_gettime(CLOCK_MONOTONIC, &to);
    return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / ROUNDS;
}

int main(void)
{
    const char *seen[3];
    clear();
    if (strcmp(upper(), "clear") != 0) {
        puts("not run: the processor does not tell");
        return 77;
    }
    double quick = round_of_both();
    clear();
    sink = crc32_gzip_refl(0, bytes, 255);
    seen[0] = upper();
    clear();
    sink = crc32_gzip_refl(0, bytes, 256);
    seen[1] = upper();
    double slow = round_of_both();
    clear();
    seen[2] = upper();
    printf("after 255 bytes: %s; after 256 bytes: %s; after VZEROUPPER: %s\n", seen[0], seen[1], seen[2]);
    printf("100 bytes and an SSE instruction: %.0f ns when clear, %.0f ns when in use\n", quick, slow);
    return strcmp(seen[0], "clear") != 0 || strcmp(seen[1], "in use") != 0 || strcmp(seen[2], "clear") != 0;
}
END
gcc -O2 -o look look.c -I usr/include -L usr/lib/x86_64-linux-gnu -lisal
LD_LIBRARY_PATH=$place/usr/lib/x86_64-linux-gnu ./look
