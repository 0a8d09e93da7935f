#!/bin/sh
# Every public header compiles alone, twice in a row, and free of warnings: as C11 and as C++17, without extensions.
set -eu

mkdir -p "$SEGJ_WORK"
unit=$SEGJ_WORK/header
for header in "$SEGJ_SOURCE"/include/segjournal/*.h; do
    name=segjournal/${header##*/}
    printf '#include "%s"\n#include "%s"\nextern int nothing_else;\n' "$name" "$name" >"$unit.c"
    cp "$unit.c" "$unit.cpp"
    "$CC" -std=c11 -pedantic -Wall -Wextra -Wconversion -Wstrict-prototypes -Wundef -Werror -fsyntax-only \
        -I "$SEGJ_SOURCE/include" "$unit.c"
    echo "$name as C11: ok"
    if [ -n "$CXX" ]; then
        "$CXX" -std=c++17 -pedantic -Wall -Wextra -Wconversion -Wundef -Werror -fsyntax-only \
            -I "$SEGJ_SOURCE/include" "$unit.cpp"
        echo "$name as C++17: ok"
    else
        echo "$name as C++17: NOT CHECKED, there is no C++ compiler"
    fi
done
