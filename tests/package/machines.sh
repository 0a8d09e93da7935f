#!/bin/sh
# What is missing on a machine is said with what installs it, by distribution; without cmocka the tests are left out, and
# nothing else. The README's commands build and install where there is Ninja and no make.
set -eu

failed=0
work=$SEGJ_WORK/machines
rm -rf "$work"
mkdir -p "$work/empty"
log=$work/log

wrong()
{
    echo "$*"
    cat "$log"
    failed=1
}

# says TEXT...: the log has each of them
says()
{
    for text; do
        tr -s ' \n' ' ' <"$log" | grep -qF -e "$text" || wrong "not said: $text"
    done
}

# configure NAME OPTION...: in a world where CMake finds no library, unless an option names it
configure()
{
    tree=$work/$1
    shift
    "$CMAKE" -S "$SEGJ_SOURCE" -B "$tree" -G "$CMAKE_GENERATOR" -DCMAKE_C_COMPILER="$CC" -DSEGJ_CHECKSUM=zlib \
        -DCMAKE_FIND_ROOT_PATH="$work/empty" -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY \
        -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY \
        -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON "$@" >"$log" 2>&1
}

cached()
{
    sed -n "s/^$1:[A-Z]*=//p" "$SEGJ_BUILD/CMakeCache.txt"
}

# include HEADER, library NAME: where the compiler has them
include()
{
    printf '#include <%s>\n' "$1" | "$CC" -E - | sed -n "s/^# 1 \"\\(.*\\)\\/$1\".*/\\1/p" | head -n 1
}

library()
{
    "$CC" -print-file-name="lib$1.so"
}

everywhere="Debian Ubuntu Fedora RHEL Arch Alpine openSUSE Homebrew FreeBSD"

if configure no_zstd; then
    wrong "configured without zstd"
fi
# shellcheck disable=SC2086 # several texts
says $everywhere "zstd" "install libzstd-dev" "dnf install libzstd-devel" "apk add zstd-dev" "SEGJ_ZSTD_LIBRARY"

zstd="-DSEGJ_ZSTD_INCLUDE_DIR=$(include zstd.h) -DSEGJ_ZSTD_LIBRARY=$(library zstd)"
zlib="-DSEGJ_ZLIB_INCLUDE_DIR=$(include zlib.h) -DSEGJ_ZLIB_LIBRARY=$(library z)"
# shellcheck disable=SC2086 # several options
if configure no_zlib $zstd; then
    wrong "configured without zlib"
fi
says "zlib" "install zlib1g-dev" "dnf install zlib-devel" "apk add zlib-dev"

# shellcheck disable=SC2086 # several options
if configure no_threads $zstd $zlib -DCMAKE_DISABLE_FIND_PACKAGE_Threads=ON; then
    wrong "configured without threads"
fi
says "threads" "install libc6-dev" "apk add musl-dev"

# shellcheck disable=SC2086 # several options
if ! configure no_cmocka $zstd $zlib -DSEGJ_BUILD_TESTS=ON -DSEGJ_BUILD_EXAMPLES=OFF; then
    wrong "not configured without cmocka"
fi
says "NOT BUILT" "cmocka" "install libcmocka-dev" "apk add cmocka-dev"
"$CMAKE" --build "$work/no_cmocka" --config "$SEGJ_CONFIG" --parallel 2 >"$log" 2>&1 || wrong "not built without cmocka"
[ -n "$(find "$work/no_cmocka" -name 'libsegjournal.a')" ] || wrong "no library without cmocka"

# --- a source tree that cannot be written to ---

mkdir -p "$work/read_only"
cp -r "$SEGJ_SOURCE/cmake" "$work/read_only/"
echo "no directory can be made here" >"$work/read_only/build"
for script in test demo; do
    if (unset SEGJ_BUILD_DIR && sh "$work/read_only/cmake/$script.sh") >"$log" 2>&1; then
        wrong "$script.sh worked without a place to build"
    fi
    says "cannot write to $work/read_only/build/$script" "SEGJ_BUILD_DIR=" "read-only"
done

# --- Ninja and no make, by the README's own commands ---

if ! command -v ninja >/dev/null; then
    echo "there is no ninja: the README's commands are NOT TRIED"
    exit $failed
fi
mkdir -p "$work/bin"
for tool in sh env ninja cmake ar ranlib nm ld as strip uname; do
    ln -s "$(command -v $tool)" "$work/bin/$tool"
done
ln -s "$(command -v "$CC")" "$work/bin/cc"
command=$(grep -o 'cmake -S \. -B build[^`]*--prefix /usr/local' "$SEGJ_SOURCE/README.md" || true)
[ -n "$command" ] || wrong "the README does not say how to install"
command=$(printf '%s' "$command" | sed "s|-S \\.|-S '$SEGJ_SOURCE'|; s|/usr/local|'$work/prefix'|")
(cd "$work" && PATH=$work/bin CC=cc sh -c "$command") >"$log" 2>&1 || wrong "failed without make: $command"
[ -n "$(find "$work/prefix" -name 'libsegjournal.a')" ] || wrong "nothing was installed"
rm -rf "$work/build"

# Without -G Ninja the first command says what to do, and the second one, the same, works.
without_make="PATH=$work/bin CC=cc cmake -S '$SEGJ_SOURCE' -B '$work/plain' -DSEGJ_BUILD_TESTS=OFF -DSEGJ_BUILD_EXAMPLES=OFF"
if (unset CMAKE_GENERATOR && eval "$without_make") >"$log" 2>&1; then
    wrong "configured makefiles without make"
fi
says "there is no make" "ninja" "the same" "-G Ninja"
(unset CMAKE_GENERATOR && eval "$without_make") >"$log" 2>&1 || wrong "the second time did not take Ninja"
PATH=$work/bin cmake --build "$work/plain" >"$log" 2>&1 || wrong "did not build with the Ninja that was found"
rm -rf "$work/plain"
exit $failed
