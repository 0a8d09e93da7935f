#!/bin/sh
# sh cmake/bench.sh [OPTION...]
#
# Installs what is missing (compilers and CMake; ISA-L; LMDB, SQLite, RocksDB and LevelDB to compare with), builds the
# library and segj_bench for speed, and measures: a table, every measurement in bench.csv, a chart in bench.svg. Wants two
# idle cores and 5 GB of disk. Options go to segj_bench, for example
#
#   sh cmake/bench.sh --rows W2,R1 --engines segjournal,lmdb --rounds 9 --directory /mnt/disk
#
# (tests/bench/main.c has them all; --list prints the rows and the engines). The same build with zlib's checksums takes
# part as segjournal-zlib, and two releases of commonware-storage where cargo is there to build them (some minutes, once):
# 2026.2.0 as commonware, 2026.10.0 as commonware-2026.10.
#
#   sh cmake/bench.sh --tools [ROUNDS]
#
# measures the command segj instead: verify, dump and copy beside cat and cp of the same files, and what a copy and a
# follower cost a writer (tests/bench/tools.c). 5 rounds, 4 GB of disk.
#
#   SEGJ_BENCH_COMMONWARE   0 leaves the crates out
#   SEGJ_BUILD_DIR   where to build, and where the results go; build/bench beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

# What takes part where it is there; nothing fails without it.
need_isal()
{
    need libisal-dev builds c isa-l/crc.h -lisal
}

need_lmdb()
{
    need liblmdb-dev builds c lmdb.h -llmdb
}

need_sqlite()
{
    need libsqlite3-dev builds c sqlite3.h -lsqlite3
}

need_rocksdb()
{
    need librocksdb-dev builds c rocksdb/c.h -lrocksdb
}

need_leveldb()
{
    need libleveldb-dev builds c leveldb/c.h -lleveldb
}

# All at once; where that fails one by one, in shells of their own, as die ends the shell.
install_engines()
{
    (install_missing need_isal need_lmdb need_sqlite need_rocksdb need_leveldb) && return 0
    for engine in isal lmdb sqlite rocksdb leveldb; do
        (install_missing "need_$engine") || say "going on without $engine"
    done
}

# build_bench DIRECTORY OPTION...
build_bench()
{
    configure_tree "$@" -DCMAKE_BUILD_TYPE=Release -DSEGJ_BUILD_BENCH=ON -DSEGJ_BUILD_TESTS=OFF -DSEGJ_BUILD_EXAMPLES=OFF
    cmake --build "$1" --parallel "$jobs" --target segj_bench || die "the build in $1 failed"
}

# measure_tools [ROUNDS [DIVISOR]]
measure_tools()
{
    install_missing need_build_tools need_isal need_command_tools
    build_bench "$build/best" -DSEGJ_BUILD_COMMAND=ON
    cmake --build "$build/best" --parallel "$jobs" --target segj segj_bench_tools || die "the build in $build failed"
    "$build/best/tests/bench/segj_bench_tools" "$build/best/segj" "$build/files" "${1:-5}" "${2:-1}"
}

# build_commonware RELEASE: of commonware-storage, by cargo; .ci/run does without.
build_commonware()
{
    [ "${SEGJ_BENCH_COMMONWARE:-1}" = 1 ] && has cargo || return 1
    say "building commonware-storage $1"
    CARGO_TARGET_DIR=$build/cargo cargo build --quiet --release --locked -j "$jobs" \
        --manifest-path "$root/tests/bench/rust/$1/Cargo.toml"
}

build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/bench}")
if [ "${1:-}" = --tools ]; then
    shift
    measure_tools "$@"
    exit 0
fi
install_missing need_build_tools
install_engines
build_bench "$build/best"
build_bench "$build/zlib" -DSEGJ_CHECKSUM=zlib
if build_commonware 2026.10; then
    set -- --external commonware-2026.10="$build/cargo/release/segj-bench-commonware-2026-10" "$@"
else
    say "going on without commonware-storage 2026.10.0"
fi
if build_commonware 2026.2; then
    set -- --external commonware="$build/cargo/release/segj-bench-commonware-2026-2" "$@"
else
    say "going on without commonware-storage 2026.2.0"
fi

"$build/best/tests/bench/segj_bench" --directory "$build" --csv "$build/bench.csv" --chart "$build/bench.svg" \
    --external segjournal-zlib="$build/zlib/tests/bench/segj_bench" "$@"
say "every measurement is in $build/bench.csv, a chart in $build/bench.svg"
