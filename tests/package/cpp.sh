#!/bin/sh
# The C++ headers compile alone and free of warnings as C++17, 20 and 23, with every compiler that is here, also without
# exceptions; so does the example, which runs. The README's example in C++ is that example. Every function of the C headers
# stands in the C++ ones.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
include=$SEGJ_SOURCE/include
work=$SEGJ_WORK/cpp
example=$SEGJ_SOURCE/examples/quickstart_cpp.cpp
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wold-style-cast -Wconversion -Wsign-conversion -Wundef -Wcast-qual -Werror"
failed=0
rm -rf "$work"
mkdir -p "$work"
cd "$work"

wrong()
{
    echo "$*"
    failed=1
}

# --- every function of the C headers is there ---

# missing: of the names that are read, those that are not in the C++ headers
cat "$include"/segjournal/oversized.hpp "$include"/segjournal/cpp/*.hpp >all.hpp
missing()
{
    while read -r function; do
        grep -qE "[^a-z_]$function\(" all.hpp || echo "$function"
    done
}

# The tools' calls come one by one, and those that are not there yet are told; the journal's are all there.
mkdir -p core/segjournal tools/segjournal
cp -R "$include"/segjournal/*.h "$include"/segjournal/oversized core/segjournal/
[ ! -f core/segjournal/tools.h ] || mv core/segjournal/tools.h tools/segjournal/
sh "$folder/declared.sh" core >functions
[ "$(wc -l <functions)" -ge 60 ] || wrong "only $(wc -l <functions) functions were found: the headers could not be read"
for function in $(missing <functions); do
    wrong "$function() is not in the C++ headers (include/segjournal/cpp)"
done
if [ -f tools/segjournal/tools.h ]; then
    echo "of tools.h, not yet in C++:" $(sh "$folder/declared.sh" tools | missing)
fi

# --- the README shows the example ---

awk '/^```cpp$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$SEGJ_SOURCE/README.md" >readme.cpp
[ -s readme.cpp ] || wrong "README.md has no example in C++"
[ "$(grep -c . readme.cpp)" -le 18 ] || wrong "README.md's example in C++ has become long"
sed -n '/^#include <iostream>/,$p' "$example" | diff readme.cpp - || wrong "README.md's example in C++ is not $example"

# --- the compilers ---

if [ -z "$CXX" ]; then
    echo "the compilers: NOT TRIED, there is no C++ compiler"
    exit $failed
fi

# understands COMPILER OPTION...
understands()
{
    echo >empty.cpp
    "$@" -fsyntax-only empty.cpp >/dev/null 2>&1
}

# alone COMPILER OPTION...: each header by itself, and twice
alone()
{
    for header in "$include"/segjournal/cpp/*.hpp; do
        printf '#include "%s"\n#include "%s"\nextern int nothing_else;\n' "$header" "$header" >unit.cpp
        "$@" -fsyntax-only -I "$include" unit.cpp || wrong "failed: $* $header"
    done
}

# run_example COMPILER OPTION...: compiles it, and runs it twice
run_example()
{
    # shellcheck disable=SC2086 # several options and libraries
    if ! "$@" $warnings -I "$include" "$example" -o example "$SEGJ_LIBRARY" $SEGJ_LINK; then
        wrong "the example does not compile: $*"
        return 0
    fi
    rm -rf quickstart_cpp.journal
    ./example >first && ./example >second || wrong "the example fails: $*"
    printf 'record 0 is "a value"\n7/0: an entry: a value\n' | diff - first || wrong "the example says something else: $*"
    [ "$(wc -l <second)" -eq 3 ] || wrong "the example does not go on: $*: $(cat second)"
}

# shellcheck disable=SC2086 # several options
alone "$CXX" -std=c++17 $warnings
printf '#include <segjournal/oversized.hpp>\n#include <segjournal/oversized.hpp>\nextern int nothing_else;\n' >unit.cpp

seen=""
for compiler in "$CXX" g++ clang++ clang++-14 clang++-16 clang++-19; do
    command -v "$compiler" >/dev/null || continue
    version=$("$compiler" -dM -E -x c++ /dev/null | cksum) # by another name it may have been here already
    case " $seen " in *" $version "*) continue ;; esac
    seen="$seen $version"
    newest=""
    for standard in c++17 c++20 c++23 c++2b; do
        if [ "$standard" = c++2b ] && [ "$newest" = c++23 ]; then
            continue # the same by its older name
        fi
        understands "$compiler" -std=$standard || continue
        newest=$standard
        run_example "$compiler" -std=$standard
        # shellcheck disable=SC2086 # several options
        "$compiler" -std=$standard -fno-exceptions -fno-rtti $warnings -I "$include" -fsyntax-only unit.cpp ||
            wrong "failed without exceptions: $compiler $standard"
        echo "$compiler $standard: ok"
    done
    run_example "$compiler" -std=c++17 -O2
    # with the spans and the views of the newest library that the compiler has
    # shellcheck disable=SC2086 # several options and libraries
    "$compiler" -std=$newest $warnings -I "$include" -I "$SEGJ_SOURCE/tests" "$SEGJ_SOURCE/tests/cpp/test_ranges.cpp" \
        -o ranges "$SEGJ_LIBRARY" $SEGJ_LINK && ./ranges >ranges.log || wrong "cpp/ranges fails: $compiler $newest"
done
exit $failed
