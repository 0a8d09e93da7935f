#!/bin/sh
# sh cmake/zig.sh [TARGET...]
#
# Compiles the library for other machines with `zig cc`, warnings being errors: Linux with musl and macOS, on aarch64 and
# on x86-64, where no target is named. For Linux, programs are linked, too, and run where the machine or qemu can. Installs
# Python's venv where it is missing, and ziglang (pinned) by pip into the build directory. Answers 77 where it cannot.
#
#   SEGJ_BUILD_DIR   where to build; build/zig beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

ziglang=0.13.0
[ $# -gt 0 ] || set -- x86_64-linux-musl aarch64-linux-musl x86_64-macos aarch64-macos
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/zig}")
ZIG_GLOBAL_CACHE_DIR=$build/cache
ZIG_LOCAL_CACHE_DIR=$build/cache
export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR

not_run()
{
    printf '\n*** NOT RUN: %s ***\n\n' "$*"
    exit 77
}

need_venv()
{
    need python3-venv python3 -c 'import ensurepip'
}

# what the build needs, and Python; qemu is of use and not needed
(install_missing need_build_tools need_venv) || not_run "zig cc needs Python's venv, which could not be installed"
if ! "$build/venv/bin/python" -m ziglang version 2>/dev/null | grep -qx "$ziglang"; then
    rm -rf "$build/venv"
    python3 -m venv "$build/venv" && "$build/venv/bin/pip" install -q --disable-pip-version-check "ziglang==$ziglang" ||
        not_run "ziglang $ziglang could not be had by pip"
fi

zig=$("$build/venv/bin/python" -c 'import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), "zig"))')

# --- zstd and zlib: the headers are the same for every machine; archives for linking are made of Debian's sources ---

# sources: unpacks them into $build/sources; apt is asked with lists and a state of its own
sources()
{
    [ ! -e "$build/sources/complete" ] || return 0
    has apt-get && has xz && has bzip2 || return 1
    rm -rf "$build/sources"
    mkdir -p "$build/sources/lists/partial" "$build/sources/cache/archives/partial"
    : >"$build/sources/status"
    mirror=$(sed -nE 's/^URIs: (.*\/debian\/?) *$/\1/p; s/^deb (\[.*\] )?([^ ]*\/debian\/?) .*/\2/p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    echo "deb-src ${mirror:-http://deb.debian.org/debian} $suite main" >"$build/sources/list"
    set -- -o Dir::Etc::sourcelist="$build/sources/list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$build/sources/lists" -o Dir::State::status="$build/sources/status" \
        -o Dir::Cache="$build/sources/cache" -o Acquire::Languages=none -o APT::Sandbox::User=
    apt-get "$@" update -qq && (cd "$build/sources" && apt-get "$@" -qq source --download-only libzstd zlib) || return 1
    for archive in "$build"/sources/*.orig.tar.*; do
        case $archive in *.asc) continue ;; esac
        tar -C "$build/sources" -xf "$archive" || return 1
    done
    touch "$build/sources/complete"
}

zlib=""
zstd=""
mkdir -p "$build/root/include"
if sources >"$build/sources.log" 2>&1; then
    zstd=$(echo "$build"/sources/zstd-*/lib)
    zlib=$(echo "$build"/sources/zlib-*)
    cp "$zstd"/zstd.h "$zstd"/zdict.h "$zstd"/zstd_errors.h "$zlib"/zlib.h "$zlib"/zconf.h "$build/root/include/"
else
    say "Debian's sources of zstd and zlib could not be had: nothing will be linked"
    for header in zstd.h zdict.h zstd_errors.h zlib.h zconf.h; do
        file=$(printf '#include <%s>\n' "$header" | ${CC:-cc} -E - | sed -n "s/^# 1 \"\\(.*\\/$header\\)\".*/\\1/p" | head -n 1)
        cp "$file" "$build/root/include/"
    done
fi

# tools TARGET: the commands cc, ar and ranlib for it
tools()
{
    mkdir -p "$build/tools/$1"
    for tool in cc ar ranlib; do
        options=""
        [ $tool != cc ] || options="-target $1"
        printf '#!/bin/sh\nexec "%s" %s %s "$@"\n' "$zig" "$tool" "$options" >"$build/tools/$1/$tool"
        chmod +x "$build/tools/$1/$tool"
    done
}

# archives TARGET: zstd and the checksum of zlib for it
archives()
{
    to=$build/root/$1
    [ ! -e "$to/libz.a" ] || return 0
    mkdir -p "$to/objects"
    printf '%s\n' "$zstd"/common/*.c "$zstd"/compress/*.c "$zstd"/decompress/*.c "$zstd"/dictBuilder/*.c "$zlib"/crc32.c "$zlib"/zutil.c |
        (cd "$to/objects" && xargs -n 1 -P "$jobs" "$build/tools/$1/cc" -O1 -DZSTD_DISABLE_ASM -w -c)
    "$build/tools/$1/ar" rcs "$to/libz.a" "$to/objects/crc32.o" "$to/objects/zutil.o"
    rm "$to/objects/crc32.o" "$to/objects/zutil.o"
    "$build/tools/$1/ar" rcs "$to/libzstd.a" "$to/objects"/*.o
}

# runner TARGET: what runs its programs, "no" where nothing does
runner()
{
    case $1 in
    "$(uname -m)"-linux-*) echo env ;;
    *) command -v "qemu-${1%%-*}-static" || command -v "qemu-${1%%-*}" || echo no ;;
    esac
}

# program TARGET NAME SOURCE...: links a program, statically as musl does, and runs it
program()
{
    target=$1
    name=$2
    shift 2
    "$build/tools/$target/cc" -std=c11 -O1 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L -DSEGJ_CHECKSUM_ZLIB=1 \
        -I "$root/include" -I "$root/src" -I "$build/root/include" -o "$build/$target/$name" "$@" \
        "$build/$target/libsegjournal.a" "$build/root/$target/libzstd.a" "$build/root/$target/libz.a"
    runs=$(runner "$target")
    if [ "$runs" = no ]; then
        say "$target: $name is linked, and NOT RUN: there is no qemu-${target%%-*}"
        return 0
    fi
    rm -rf "$build/$target/$name.data"
    (cd "$build/$target" && "$runs" "./$name" "$name.data")
}

for target; do
    tools "$target"
    cmake -S "$root" -B "$build/$target" -G "$(has ninja && echo Ninja || echo "Unix Makefiles")" \
        -DCMAKE_TOOLCHAIN_FILE="$root/cmake/zig.cmake" -DSEGJ_ZIG_TOOLS="$build/tools/$target" \
        -DSEGJ_ZIG_TARGET="$target" -DSEGJ_ZIG_ROOT="$build/root" -DCMAKE_BUILD_TYPE=Release -DSEGJ_WERROR=ON \
        -DSEGJ_CHECKSUM=zlib -DSEGJ_BUILD_TESTS=OFF -DSEGJ_BUILD_EXAMPLES=OFF >"$build/$target.log" 2>&1 ||
        { cat "$build/$target.log" && die "cmake could not configure $target"; }
    cmake --build "$build/$target" --parallel "$jobs" || die "the library does not compile for $target"
    say "$target: the library is compiled"
    case $target in
    *-linux-*)
        [ -n "$zstd" ] || continue
        archives "$target"
        program "$target" consumer "$root/tests/package/consumer/consumer.c"
        program "$target" checksums "$root/tests/package/checksums.c"
        ;;
    esac
done
