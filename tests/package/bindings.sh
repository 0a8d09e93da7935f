#!/bin/sh
# bindings.sh go | python | rust | rust_plain
#
# Programs of other languages bind the header that was installed, link its library, and do the same: they open, append, sync,
# read, and fail in many users at once, each of which must read its own sentence (tests/package/bindings/). Answers 77, with
# a sentence, where the language's tools are missing, or what they would have to fetch first.
set -eu

here=$(cd "$(dirname "$0")" && pwd)/bindings
prefix="$SEGJ_WORK/moved prefix"
work="$SEGJ_WORK/bindings $1"
library=$(find "$prefix" -name libsegjournal.a)

skip()
{
    echo "SKIPPED: $*"
    exit 77
}

has()
{
    command -v "$1" >/dev/null 2>&1
}

# fresh DIRECTORY: one that does not exist yet, for the journal
fresh()
{
    rm -rf "$1"
    printf '%s\n' "$1"
}

# work_on FOLDER: copies the program, so that nothing is written beside the sources, and goes there
work_on()
{
    mkdir -p "$work"
    cp -R "$here/$1/." "$work/"
    cd "$work"
}

# Go's module has no other: nothing is fetched, not a toolchain either.
bind_go()
{
    has go || skip "there is no go here"
    work_on go
    export CGO_ENABLED=1 GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod CC="${CC:-cc}"
    export CGO_CFLAGS="'-I$prefix/include'" CGO_LDFLAGS="'$library' $SEGJ_LINK"
    go vet .
    go build -o program .
    ./program "$(fresh "$work/journal")"
}

# cffi's parser knows no directives and no attributes: the preprocessor takes them away. Of the three headers of the system that
# ours include it needs nothing, and gets empty ones. It loads shared objects: all of the archive makes one.
bind_python()
{
    python=""
    for candidate in python3 /usr/bin/python3; do
        if "$candidate" -c 'import cffi' >/dev/null 2>&1; then
            python=$candidate
            break
        fi
    done
    [ -n "$python" ] || skip "there is no python3 with cffi here (Debian: python3-cffi)"
    work_on python
    mkdir -p system
    for header in stdbool stddef stdint; do
        : >"system/$header.h"
    done
    printf '#include <segjournal/oversized.h>\n' |
        "$CC" -E -P -nostdinc -U__GNUC__ -U__clang__ '-D__attribute__(x)=' -I system -I "$prefix/include" - >declarations.h
    # shellcheck disable=SC2086 # several libraries
    "$CC" -shared -o libbound.so -Wl,--whole-archive "$library" -Wl,--no-whole-archive $SEGJ_LINK
    "$python" bindings.py declarations.h ./libbound.so "$(fresh "$work/journal")"
}

# bindgen comes from the registry of crates; what it was built into stays for the next run, in SEGJ_CARGO_TARGET where that is
# set.
bind_rust()
{
    has cargo || skip "there is no cargo here"
    work_on rust
    cargo fetch --quiet --locked || skip "bindgen could not be had from the registry of crates"
    export SEGJ_PREFIX="$prefix" CARGO_TARGET_DIR="${SEGJ_CARGO_TARGET:-$work/target}"
    SEGJ_LIBRARY_DIRECTORY=$(dirname "$library")
    export SEGJ_LIBRARY_DIRECTORY
    if ! cargo build --quiet --locked --offline -j 2 2>cargo.log; then
        cat cargo.log
        if grep -q 'Unable to find libclang' cargo.log; then
            skip "there is no libclang here (Debian: libclang-14-dev)"
        fi
        exit 1
    fi
    "$CARGO_TARGET_DIR/debug/segj-bindings" "$(fresh "$work/journal")"
}

# The same program with declarations written by hand: the compiler alone.
bind_rust_plain()
{
    has rustc || skip "there is no rustc here"
    work_on rust
    set --
    for word in $SEGJ_LINK; do
        set -- "$@" -C "link-arg=$word"
    done
    rustc --edition 2021 --cfg plain --check-cfg 'cfg(plain)' -o plain src/main.rs -C "link-arg=$library" "$@"
    ./plain "$(fresh "$work/journal")"
}

[ -n "$library" ] || { echo "nothing is installed in $prefix"; exit 1; }
case $1 in
go | python | rust | rust_plain) "bind_$1" ;;
*)
    echo "bindings.sh: no such language: $1"
    exit 2
    ;;
esac
