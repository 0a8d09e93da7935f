#!/bin/sh
# consumers.sh install            installs the build below SEGJ_WORK, then moves the prefix
# consumers.sh find_package       a C and a C++ program against the moved prefix, by CMake
# consumers.sh pkg_config         the same by pkg-config --static
# consumers.sh add_subdirectory   the same with the sources as a part of their project
# consumers.sh fetch_content      the same with the sources by FetchContent
# consumers.sh static             fully static programs by each of these ways
# consumers.sh vendored           a project that makes zstd itself installs segjournal; consumers that see no other zstd
#
# Those with the sources are built with the library of checksums of the build that is tested; an installed one brings its own.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
prefix="$SEGJ_WORK/moved prefix"
jobs=2
unset DESTDIR MAKEFLAGS MAKELEVEL

# run PROGRAM: with a directory of its own that does not exist yet
run()
{
    rm -rf "$1.data"
    "$1" "$1.data"
}

# What is built here runs for a moment: how fast it is does not matter, how long it takes to be built does.
built=Debug

# by_cmake NAME LANGUAGES OPTION...: configures, builds and runs the consumers
by_cmake()
{
    build=$SEGJ_WORK/$1
    languages=$2
    shift 2
    rm -rf "$build"
    "$CMAKE" -S "$here/consumer" -B "$build" -G "$CMAKE_GENERATOR" -DCMAKE_BUILD_TYPE=$built \
        -DCMAKE_C_COMPILER="$CC" ${CXX:+-DCMAKE_CXX_COMPILER="$CXX"} -DCONSUMER_LANGUAGES="$languages" "$@"
    "$CMAKE" --build "$build" --config $built --parallel $jobs
    for program in consumer_c consumer_cpp; do
        if [ -x "$build/$program" ]; then
            run "$build/$program"
        fi
    done
}

skip()
{
    echo "SKIPPED: $*"
    exit 77
}

# is_static PROGRAM: nothing is loaded when it starts
is_static()
{
    if "${READELF:-readelf}" -l "$1" | grep -q INTERP; then
        echo "$1 is not fully static"
        exit 1
    fi
}

# compiles OPTION...: can this be linked here?
compiles()
{
    echo 'int main(void) { return 0; }' >"$SEGJ_WORK/compiles.c"
    "$CC" "$SEGJ_WORK/compiles.c" -o "$SEGJ_WORK/compiles" "$@" >/dev/null 2>&1
}

# by_hand NAME OPTION...: compiles, links and runs the C consumer
by_hand()
{
    program=$SEGJ_WORK/$1
    shift
    "$CC" -std=c11 -pedantic -Wall -Wextra -Werror -o "$program" "$here/consumer/consumer.c" "$@"
    run "$program"
}

mkdir -p "$SEGJ_WORK"
languages=C
if [ -n "$CXX" ]; then
    languages="C;CXX"
else
    echo "no C++ compiler: the C++ consumer is NOT BUILT"
fi

case $1 in
install)
    first="$SEGJ_WORK/first prefix"
    rm -rf "$first" "$prefix"
    "$CMAKE" --install "$SEGJ_BUILD" --prefix "$first" --config "$SEGJ_CONFIG"
    for place in "$first" "$SEGJ_SOURCE/" "$SEGJ_BUILD"; do
        if grep -rIF -e "$place" "$first"; then
            echo "an installed file names $place: it cannot be moved"
            exit 1
        fi
    done
    mv "$first" "$prefix"
    ;;
find_package)
    by_cmake find_package "$languages" -DCONSUMER_VIA=find_package -DCMAKE_PREFIX_PATH="$prefix"
    # where zstd has no CMake package of its own
    by_cmake find_package_bare_zstd "$languages" -DCONSUMER_VIA=find_package -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_DISABLE_FIND_PACKAGE_zstd=ON
    # nor pkg-config, in a project that knows no C
    if [ -n "$CXX" ]; then
        by_cmake find_package_cxx CXX -DCONSUMER_VIA=find_package -DCMAKE_PREFIX_PATH="$prefix" \
            -DCMAKE_DISABLE_FIND_PACKAGE_zstd=ON -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON
    fi
    ;;
add_subdirectory)
    by_cmake add_subdirectory "$languages" -DCONSUMER_VIA=add_subdirectory -DSEGJ_SOURCE="$SEGJ_SOURCE" \
        -DSEGJ_CHECKSUM="$SEGJ_CHECKSUM"
    # with whatever library of checksums is there, and where zstd has no CMake package of its own
    by_cmake add_subdirectory_bare_zstd "$languages" -DCONSUMER_VIA=add_subdirectory -DSEGJ_SOURCE="$SEGJ_SOURCE" \
        -DCMAKE_DISABLE_FIND_PACKAGE_zstd=ON
    ;;
fetch_content)
    by_cmake fetch_content "$languages" -DCONSUMER_VIA=fetch_content -DSEGJ_SOURCE="$SEGJ_SOURCE" \
        -DSEGJ_CHECKSUM="$SEGJ_CHECKSUM"
    ;;
pkg_config)
    command -v pkg-config >/dev/null || skip "there is no pkg-config"
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name segjournal.pc)")
    export PKG_CONFIG_PATH
    build=$SEGJ_WORK/pkg_config
    rm -rf "$build"
    mkdir -p "$build"
    version=$(pkg-config --modversion segjournal)
    echo "segjournal $version: $(pkg-config --cflags --libs --static segjournal)"
    # The answer quotes spaces in paths for a shell to read.
    eval "set -- $(pkg-config --cflags --libs --static segjournal)"
    "$CC" -std=c11 -pedantic -Wall -Wextra -Werror -o "$build/consumer_c" "$here/consumer/consumer.c" "$@"
    run "$build/consumer_c"
    # the README's example, as a reader of the README compiles it
    "$CC" -std=c11 -pedantic -Wall -Wextra -Werror -o "$build/quickstart" "$SEGJ_SOURCE/examples/quickstart.c" "$@"
    run "$build/quickstart"
    if [ -n "$CXX" ]; then
        "$CXX" -std=c++17 -pedantic -Wall -Wextra -Werror -o "$build/consumer_cpp" "$here/consumer/consumer.cpp" "$@"
        run "$build/consumer_cpp"
    fi
    ;;
static)
    compiles -static -lzstd -lz || skip "there is no static libc, libzstd.a or libz.a here (Debian: libc6-dev libzstd-dev zlib1g-dev)"
    by_cmake static_add_subdirectory C -DCONSUMER_VIA=add_subdirectory -DSEGJ_SOURCE="$SEGJ_SOURCE" \
        -DCMAKE_EXE_LINKER_FLAGS=-static
    is_static "$SEGJ_WORK/static_add_subdirectory/consumer_c"
    # archives asked for, by name and by CMake's list of suffixes: nothing that is linked is a shared library
    for option in -DSEGJ_STATIC=ON -DCMAKE_FIND_LIBRARY_SUFFIXES=.a; do
        rm -rf "$SEGJ_WORK/static_archives"
        "$CMAKE" -S "$here/consumer" -B "$SEGJ_WORK/static_archives" -G "$CMAKE_GENERATOR" -DCMAKE_C_COMPILER="$CC" \
            -DCONSUMER_LANGUAGES=C -DCONSUMER_VIA=add_subdirectory -DSEGJ_SOURCE="$SEGJ_SOURCE" $option
        find "$SEGJ_WORK/static_archives" -name link.txt -o -name '*.ninja' | xargs cat >"$SEGJ_WORK/static_archives.link"
        if grep -oE '[^ ]*lib(zstd|z|isal|deflate)\.(so|dylib)' "$SEGJ_WORK/static_archives.link"; then
            echo "$option: a shared library is linked"
            exit 1
        fi
        grep -q 'libzstd\.a' "$SEGJ_WORK/static_archives.link"
    done
    [ -d "$prefix" ] || exit 0
    link=""
    case $SEGJ_CHECKSUM in
    isal) link=-lisal ;;
    libdeflate) link=-ldeflate ;;
    esac
    if ! compiles -static $link; then
        # what was installed cannot be linked so, and says what to do
        if "$CMAKE" -S "$here/consumer" -B "$SEGJ_WORK/static_refused" -G "$CMAKE_GENERATOR" -DCONSUMER_LANGUAGES=C \
            -DCONSUMER_VIA=find_package -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_EXE_LINKER_FLAGS=-static \
            >"$SEGJ_WORK/static_refused.log" 2>&1; then
            echo "a static link with $SEGJ_CHECKSUM, which has no archive, is not refused"
            exit 1
        fi
        grep -q 'SEGJ_CHECKSUM=zlib' "$SEGJ_WORK/static_refused.log"
        exit 0
    fi
    by_cmake static_find_package C -DCONSUMER_VIA=find_package -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_EXE_LINKER_FLAGS=-static
    is_static "$SEGJ_WORK/static_find_package/consumer_c"
    command -v pkg-config >/dev/null || exit 0
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name segjournal.pc)")
    export PKG_CONFIG_PATH
    eval "set -- $(pkg-config --cflags --libs --static segjournal)"
    by_hand static_pkg_config -static "$@"
    is_static "$SEGJ_WORK/static_pkg_config"
    ;;
vendored)
    compiles -Wl,--whole-archive -l:libzstd.a -Wl,--no-whole-archive -pthread || skip "there is no libzstd.a here (Debian: libzstd-dev)"
    build=$SEGJ_WORK/vendored
    prefix="$SEGJ_WORK/vendored prefix"
    rm -rf "$build" "$build.objects" "$prefix" "$build.moved"
    mkdir -p "$build.objects/zstd"
    (cd "$build.objects" && "${AR:-ar}" x "$("$CC" -print-file-name=libzstd.a)")
    printf '#include <zstd.h>\n' | "$CC" -E - | sed -n 's/^# 1 "\(.*\/zstd\.h\)".*/\1/p' | head -n 1 |
        while read -r header; do cp "$header" "$(dirname "$header")/zstd_errors.h" "$build.objects/zstd/"; done
    [ -f "$build.objects/zstd/zstd.h" ]
    "$CMAKE" -S "$here/vendored" -B "$build" -G "$CMAKE_GENERATOR" -DCMAKE_BUILD_TYPE=$built \
        -DCMAKE_C_COMPILER="$CC" -DSEGJ_SOURCE="$SEGJ_SOURCE" -DSEGJ_CHECKSUM="$SEGJ_CHECKSUM" \
        -DVENDORED_OBJECTS="$build.objects" -DCMAKE_INSTALL_LIBDIR=lib
    "$CMAKE" --build "$build" --config $built --parallel $jobs
    "$CMAKE" --install "$build" --prefix "$build.moved" --config $built
    mv "$build.moved" "$prefix"
    rm -rf "$build"
    # nothing but the prefix tells of a zstd; the system's, if there is one, is not taken
    by_cmake vendored_find_package C -DCONSUMER_VIA=find_package -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_DISABLE_FIND_PACKAGE_zstd=ON
    if grep '^SEGJ_ZSTD_LIBRARY' "$SEGJ_WORK/vendored_find_package/CMakeCache.txt"; then
        echo "the installed package looks for another zstd than the one it was built with"
        exit 1
    fi
    command -v pkg-config >/dev/null || exit 0
    PKG_CONFIG_PATH=$prefix/lib/pkgconfig
    export PKG_CONFIG_PATH
    eval "set -- $(pkg-config --cflags --libs --static segjournal)"
    case " $* " in *" -lzstd "*) echo "pkg-config names the system's zstd: $*"; exit 1 ;; esac
    by_hand vendored_pkg_config "$@"
    ;;
*)
    echo "consumers.sh: no such way: $1"
    exit 2
    ;;
esac
