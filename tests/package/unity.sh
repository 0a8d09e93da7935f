#!/bin/sh
# With CMAKE_UNITY_BUILD the library compiles without a warning, in batches as CMake makes them and in one piece: a name of
# a file's own stands in no other file.
set -eu

for batch in 8 0; do
    build=$SEGJ_WORK/unity_$batch
    rm -rf "$build"
    "$CMAKE" -S "$SEGJ_SOURCE" -B "$build" -G "$CMAKE_GENERATOR" -DCMAKE_C_COMPILER="$CC" -DCMAKE_BUILD_TYPE="$SEGJ_CONFIG" \
        -DSEGJ_CHECKSUM="$SEGJ_CHECKSUM" -DSEGJ_BUILD_TESTS=OFF -DSEGJ_BUILD_EXAMPLES=OFF -DSEGJ_WERROR=ON \
        -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=$batch
    "$CMAKE" --build "$build" --config "$SEGJ_CONFIG" --parallel 2
    [ -n "$(find "$build" -name 'unity_*')" ] || { echo "nothing was put together"; exit 1; }
done
