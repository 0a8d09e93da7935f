#!/bin/sh
# consumers.sh install            installs the build below SEGJ_WORK, then moves the prefix
# consumers.sh find_package       a C and a C++ program against the moved prefix, by CMake
# consumers.sh pkg_config         the same by pkg-config --static
# consumers.sh add_subdirectory   the same with the sources as a part of their project
# consumers.sh fetch_content      the same with the sources by FetchContent
#
# The last two are built with the library of checksums of the build that is tested; an installed one brings its own.
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

# by_cmake NAME LANGUAGES OPTION...: configures, builds and runs the consumers
by_cmake()
{
    build=$SEGJ_WORK/$1
    languages=$2
    shift 2
    rm -rf "$build"
    "$CMAKE" -S "$here/consumer" -B "$build" -G "$CMAKE_GENERATOR" -DCMAKE_BUILD_TYPE="$SEGJ_CONFIG" \
        -DCMAKE_C_COMPILER="$CC" ${CXX:+-DCMAKE_CXX_COMPILER="$CXX"} -DCONSUMER_LANGUAGES="$languages" "$@"
    "$CMAKE" --build "$build" --config "$SEGJ_CONFIG" --parallel $jobs
    for program in consumer_c consumer_cpp; do
        if [ -x "$build/$program" ]; then
            run "$build/$program"
        fi
    done
}

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
    command -v pkg-config >/dev/null || { echo "there is no pkg-config"; exit 77; }
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
*)
    echo "consumers.sh: no such way: $1"
    exit 2
    ;;
esac
