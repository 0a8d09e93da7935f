#!/bin/sh
# sh cmake/tests.sh [REGEX]
#
# Prints every test, or those whose names match, with one line each: the name that `ctest -R` takes, and what it shows. The
# line is the first sentence of the comment at the top of the test. Builds nothing.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

# sentence FILE [NAME]: the first sentence of the comment at its top, without the file's own name; of a script that runs
# several tests, what it says of NAME
sentence()
{
    awk -v name="${2:-}" '
        FNR == 1 && /^#!/ { next }
        /^\/\*+$/ { next }
        /^[ ]?\*\/|^[^ #\/*]/ || (/^$/ && seen) { exit }
        {
            line = $0
            sub(/^(\/\*+|[ ]?\*|#)[ ]?/, "", line)
            if (line == "" && seen) exit
            if (line == "") next
            # What a script is called with is no sentence, but for the line of this test.
            if (line ~ /^[a-z_]+\.sh [a-z_]+  /) {
                if (line !~ ("^[a-z_]+\\.sh " name "  ")) next
                sub(/^[a-z_]+\.sh [a-z_]+ +/, "", line)
                text = line
                exit
            }
            if (line ~ /^[a-z_]+\.sh /) next
            text = text (text == "" ? "" : " ") line
            seen = 1
        }
        END {
            sub(/^[a-z_]+\/[a-z_]+\.[ch](pp)?: /, "", text)
            if (match(text, /\. /)) text = substr(text, 1, RSTART)
            sub(/[.:,]$/, "", text)
            print text
        }' "$1"
}

list()
{
    for source in tests/*/test_*.c tests/*/test_*.cpp; do
        name=${source#tests/}
        printf '%s\t%s\n' "$(echo "$name" | sed 's#/test_#/#; s#\.c\(pp\)*$##')" "$(sentence "$source")"
    done
    for variant in commonware version_2 layered; do
        case $variant in
        commonware) how="the same program in the commonware format" ;;
        version_2) how="the same program in version 2 of the native format" ;;
        layered) how="the same program in the upper layer of an overlay" ;;
        esac
        sed -n "/add_test(NAME $variant/,\$!p" tests/CMakeLists.txt | awk -v variant="$variant" '
            variant != "layered" && /^foreach\(name / { inside = 1; names = "" }
            variant != "layered" && inside { names = names " " $0 }
            index($0, "list(APPEND segj_" variant "_tests ") && /_tests [a-z]+_\$\{name\}\)/ {
                folder = $0; sub(/.*tests /, "", folder); sub(/_\$.*/, "", folder)
                sub(/.*foreach\(name /, "", names); sub(/\).*/, "", names)
                count = split(names, each, " ")
                for (i = 1; i <= count; i++) print folder "_" each[i]
                inside = 0; next
            }
            index($0, "list(APPEND segj_" variant "_tests ") == 1 {
                sub(/^list\(APPEND segj_[a-z_0-9]*_tests /, ""); sub(/\).*/, "")
                count = split($0, each, " ")
                for (i = 1; i <= count; i++) print each[i]
            }
            variant == "layered" && /^foreach\(target promises/ {
                sub(/^foreach\(target /, ""); sub(/\).*/, "")
                count = split($0, each, " ")
                for (i = 1; i <= count; i++) print each[i]
            }' | while read -r name; do
            printf '%s/%s\t%s\n' "$variant" "$name" "$how"
        done
    done
    # All programs of three folders but those that a list names.
    not_on_cluster=$(sed 's/#.*//' tests/CMakeLists.txt | sed -n '/^set(segj_not_on_cluster/,/)$/{s/)//;p;}')
    for source in tests/promises/test_*.c tests/recovery/test_*.c tests/lessons/test_*.c; do
        name=$(echo "${source#tests/}" | sed 's#/test_#_#; s#\.c$##')
        echo "$not_on_cluster" | grep -qw "$name" ||
            printf 'on_cluster/%s\tthe same program, its journals in a Ceph cluster (where one runs)\n' "$name"
    done
    sed -n 's/^ *segj_package_test(\([a-z_]*\) .*\/\([a-z_]*\.sh\)".*/\1 \2/p' tests/package/CMakeLists.txt |
        while read -r name script; do
            printf 'package/%s\t%s\n' "$name" "$(sentence "tests/package/$script" "$name")"
        done
    for language in go python rust rust_plain; do
        printf 'package/%s\ta program in that language binds the header, appends, syncs, reads, and reads its own errors\n' \
            "$language"
    done
    printf 'examples/empty_directory\tan empty directory for the examples to run in\n'
    printf 'interop/crate\tthe files of the reference, a Rust crate, read and continued both ways (where there is cargo)\n'
    for source in examples/*.c examples/*.cpp; do
        name=$(basename "$source" .cpp)
        printf 'examples/%s\t%s\n' "${name%.c}" "$(sentence "$source")"
    done
}

tab=$(printf '\t')
list | grep -E "^[^$tab]*(${1:-})" | LC_ALL=C sort -u | awk -F '\t' '{ printf "%-40s %s\n", $1, $2 }'
