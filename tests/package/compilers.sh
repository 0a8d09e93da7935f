#!/bin/sh
# Checksums compile with every compiler that is here, whatever machine its options are for, and are right; the instruction
# is used where the machine has it, and nowhere else: a program runs on a processor without it, too (by qemu).
set -eu

failed=0
work=$SEGJ_WORK/compilers
mkdir -p "$work"
macro=SEGJ_CHECKSUM_$(printf '%s' "$SEGJ_CHECKSUM" | tr '[:lower:]' '[:upper:]')
warnings="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wstrict-prototypes -Werror"

wanted="by tables"
if [ "$(uname -m)" = x86_64 ] && grep -qw sse4_2 /proc/cpuinfo 2>/dev/null; then
    wanted="by instruction"
fi

wrong()
{
    echo "$*"
    failed=1
}

# understands COMPILER OPTION...
understands()
{
    echo 'int main(void) { return 0; }' >"$work/empty.c"
    "$@" -Werror -c "$work/empty.c" -o "$work/empty.o" >/dev/null 2>&1
}

# compile COMPILER OPTION...: a program of the checksums, $work/program
compile()
{
    # shellcheck disable=SC2086 # several options
    "$@" -std=c11 $warnings -D_POSIX_C_SOURCE=200809L -D$macro=1 -I "$SEGJ_SOURCE/src" -I "$SEGJ_SOURCE/include" \
        "$SEGJ_SOURCE/tests/package/checksums.c" "$SEGJ_SOURCE/src/checksum/checksum.c" \
        "$SEGJ_SOURCE/src/checksum/tables.c" -o "$work/program" $SEGJ_LINK
}

emulator=""
for candidate in qemu-x86_64-static qemu-x86_64; do
    if [ -z "$emulator" ] && command -v $candidate >/dev/null; then
        emulator="$candidate -cpu core2duo"
    fi
done
[ -n "$emulator" ] || echo "no qemu-x86_64: a processor without the instruction is NOT TRIED"

# variant COMPILER OPTION...
variant()
{
    if ! understands "$@"; then
        return 0
    fi
    if ! compile "$@"; then
        wrong "does not compile: $*"
        return 0
    fi
    before=$failed
    failed=0
    # what is compiled for this very machine may need all of it
    answer=$("$work/program") || wrong "wrong checksums: $*"
    [ "$answer" = "crc32c $wanted" ] || wrong "$*: wanted checksums $wanted, not: $answer"
    case "$*" in
    *native* | *\ -msse4.2* | *v2*) ;;
    *)
        if [ -n "$emulator" ] && [ "$(uname -m)" = x86_64 ]; then
            answer=$($emulator "$work/program") || wrong "does not run on a processor of 2006: $*"
            [ "$answer" = "crc32c by tables" ] || wrong "$*: on a processor of 2006: $answer"
        fi
        ;;
    esac
    [ $failed -ne 0 ] || echo "$*: ok"
    [ $before -eq 0 ] || failed=1
}

seen=""
for compiler in "$CC" gcc clang clang-14 clang-16 clang-19; do
    command -v "$compiler" >/dev/null || continue
    version=$("$compiler" -dM -E -x c /dev/null | cksum) # by another name it may have been here already
    case " $seen " in *" $version "*) continue ;; esac
    seen="$seen $version"
    for option in -O0 -march=native -march=x86-64-v2 -mno-crc32 -mno-sse4.2 -msse4.2 -flto \
        -masm=intel -march=armv8-a -march=armv8-a+crc -march=armv8-a+nocrc; do
        variant "$compiler" -O2 $option
    done
    variant "$compiler" -O2 -msse4.2 -mno-crc32
    variant "$compiler" -O2 -march=x86-64 -mno-sse4.2 -mno-crc32
done
exit $failed
