#!/bin/sh
# sh cmake/fuzz.sh format|image|log|script SECONDS
# sh cmake/fuzz.sh format|image|log|script merge
#
# Builds the fuzzing targets with clang's libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, and lets one of them
# run, from the inputs in tests/fuzz/corpus and from what earlier runs have found. An input that fails is left in the build
# directory; its name is printed. "merge" takes what covers something new over into tests/fuzz/corpus.
#
#   SEGJ_BUILD_DIR   where to build, and to keep what was found; build/fuzz beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

target=${1:-}
seconds=${2:-}
case $target in
format | image | log | script) ;;
*) die "there are four targets: format, image, log and script; \"$target\" is none" ;;
esac
case $seconds in
merge | *[0-9]) ;;
*) die "how many seconds? \"$seconds\" is no number, and not \"merge\"" ;;
esac

# any clang with libFuzzer; Debian 12's otherwise
clang="clang-14"
for candidate in "${CC:-}" clang clang-14; do
    if [ -n "$candidate" ] && has "$candidate"; then
        clang=$candidate
        break
    fi
done

fuzzes()
{
    printf '#include <stddef.h>\n#include <stdint.h>\nint LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);\n' \
        >"$scratch/fuzz.c"
    printf 'int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return data[0] > size; }\n' >>"$scratch/fuzz.c"
    "$clang" -fsanitize=fuzzer,address,undefined "$scratch/fuzz.c" -o "$scratch/fuzz" >/dev/null 2>&1
}

need_fuzzer()
{
    need "clang-14 libclang-rt-14-dev" fuzzes
}

install_missing need_build_tools need_test_tools need_fuzzer
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/fuzz}")
configure_tree "$build" -DCMAKE_C_COMPILER="$clang" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-g -O1" \
    -DSEGJ_SANITIZE=address,undefined -DSEGJ_FUZZ=ON
cmake --build "$build" --parallel "$jobs" --target "fuzz_target_$target" || die "the build in $build failed"

corpus=$root/tests/fuzz/corpus/$target
grown=$(absolute "$build/grown/$target")
found=$(absolute "$build/found")
choose_launcher address,undefined
# shellcheck disable=SC2086 # the launcher is several words
set -- $test_launcher "$build/tests/fuzz_target_$target" -timeout=30 -malloc_limit_mb=300 \
    -artifact_prefix="$found/$target-"

if [ "$seconds" = merge ]; then
    merged=$scratch/merged
    mkdir "$merged"
    # few and short ones, for the sake of the repository and of those who run them all
    "$@" -set_cover_merge=1 -max_len=1000 "$merged" "$corpus" "$grown" || die "the merge failed"
    rm -rf "$corpus"
    mv "$merged" "$corpus"
    say "$corpus: $(find "$corpus" -type f | wc -l) inputs, $(du -sk "$corpus" | cut -f 1) KiB on disk"
    exit 0
fi
say "$target: $seconds seconds"
"$@" -max_total_time="$seconds" -print_final_stats=1 "$grown" "$corpus" ||
    die "$target has found something; $build/tests/fuzz_target_$target $found/FILE runs it again"
