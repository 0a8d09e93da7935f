#!/bin/sh
# Every public header compiles alone, twice in a row, and free of warnings, without extensions: as C11 and C17, and as
# C++11 to C++23, with every compiler that is here. Structures start with SEGJ_ZERO without a warning in both languages,
# with {0} in both, and with {} in C++. No tag of a structure or an enumeration is a function's name as well (in C++ the
# function would hide the type), and no header points at a file of the source tree, which an installed one does not have.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
include=$SEGJ_SOURCE/include
mkdir -p "$SEGJ_WORK"
headers=$(cd "$include" && find segjournal -name '*.h' | LC_ALL=C sort) # names without blanks
unit=$SEGJ_WORK/header
failed=0

wrong()
{
    echo "$*"
    failed=1
}

# structures: names of the types that a user makes variables of
structures()
{
    # shellcheck disable=SC2086 # several names
    (cd "$include" && awk '/^typedef enum/ { enumeration = 1 }
        /^} [a-z_]*_t;$/ { if (!enumeration) print substr($2, 1, length($2) - 1); enumeration = 0 }' $headers)
    echo segj_storage_t
}

# functions: names of the functions that the headers declare
functions()
{
    sh "$folder/declared.sh" "$include"
}

# --- text ---

[ "$(functions | wc -l)" -ge 40 ] && [ "$(structures | wc -l)" -ge 15 ] || wrong "the headers could not be understood"
# shellcheck disable=SC2086 # several names
tags=$(cd "$include" && sed -nE 's/^(typedef )?(struct|enum|union) ([a-z_]+) .*/\3/p' $headers)
for tag in $tags; do
    ! functions | grep -qx "$tag" || wrong "$tag is a tag and a function: in C++ one hides the other"
done
# shellcheck disable=SC2086 # several names
if (cd "$include" && grep -nE '(src|examples|tests|cmake)/|[A-Z]+\.md' $headers); then
    wrong "an installed header points at a file that is not installed"
fi

# --- the compilers ---

# every COMPILER OPTION...: headers alone and twice, then one unit that makes a variable of each type
every()
{
    for header in $headers "$unit.all.h"; do
        printf '#include "%s"\n#include "%s"\nextern int nothing_else;\n' "$header" "$header" >"$unit.$suffix"
        "$@" -Werror -fsyntax-only -I "$include" "$unit.$suffix" || wrong "failed: $* $header"
    done
    echo "$1 $2: ok"
}

# compilers COMMAND...: the first, and those of the others that are on this machine
compilers()
{
    echo "$1"
    shift
    for candidate; do
        if command -v "$candidate" >/dev/null; then
            echo "$candidate"
        fi
    done
}

# variables INITIALISER...: a function for each, with a variable of every type
variables()
{
    for header in $headers; do
        echo "#include \"$header\""
    done
    for initialiser; do
        number=$((${number:-0} + 1))
        echo "static inline void use_$number(void) {"
        for type in $(structures); do
            echo "    $type $type$number = $initialiser; (void)$type$number;"
        done
        echo "}"
    done
}

common="-pedantic -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wundef -Wcast-qual -Wmissing-braces"
suffix=c
{ echo '#ifndef ALL_H'; echo '#define ALL_H'; variables SEGJ_ZERO '{0}'; echo '#endif'; } >"$unit.all.h"
for compiler in $(compilers "$CC" gcc clang clang-14 clang-16 clang-19); do
    for standard in c11 c17; do
        # shellcheck disable=SC2086 # several options
        every "$compiler" -std=$standard $common -Wstrict-prototypes -Wmissing-prototypes
    done
done

if [ -z "$CXX" ]; then
    echo "as C++: NOT CHECKED, there is no C++ compiler"
    exit $failed
fi
suffix=cpp
{ echo '#ifndef ALL_H'; echo '#define ALL_H'; variables SEGJ_ZERO '{}' '{0}'; echo '#endif'; } >"$unit.all.h"
for compiler in $(compilers "$CXX" g++ clang++ clang++-14 clang++-16 clang++-19); do
    own=""
    echo >"$unit.probe.cpp"
    ! "$compiler" -Werror -Wuseless-cast -fsyntax-only "$unit.probe.cpp" 2>/dev/null || own=-Wuseless-cast
    for standard in c++11 c++14 c++17 c++20 c++23 c++2b; do
        if ! "$compiler" -std=$standard -fsyntax-only "$unit.probe.cpp" 2>/dev/null; then
            echo "$compiler does not know -std=$standard"
            continue
        fi
        # shellcheck disable=SC2086 # several options
        every "$compiler" -std=$standard $common -Wold-style-cast $own
    done
done
exit $failed
