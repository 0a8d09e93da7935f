#!/bin/sh
# What the C++ headers add to the instructions of the C calls, as callgrind counts them: a handful a call, for appends,
# reads, views, walks and batches, with every compiler that is here.
set -eu

here=$(cd "$(dirname "$0")" && pwd)/cost
work=$SEGJ_WORK/cost
# What a call may take more: the size of the entry is looked at, and what goes wrong is looked for once more.
limit=16
times=2000

skip()
{
    echo "SKIPPED: $*"
    exit 77
}

[ -n "$CXX" ] || skip "there is no C++ compiler"
valgrind -q true >/dev/null 2>&1 || skip "there is no valgrind here (Debian: valgrind libc6-dbg)"
mkdir -p "$work"
"$CC" -std=c11 -O2 -DNDEBUG -I "$SEGJ_SOURCE/include" -c "$here/work.c" -o "$work/c.o"

failed=0
for compiler in "$CXX" g++ clang++ clang++-14; do
    command -v "$compiler" >/dev/null || continue
    version=$("$compiler" -dM -E -x c++ /dev/null | cksum) # by another name it may have been here already
    case " ${seen:-} " in *" $version "*) continue ;; esac
    seen="${seen:-} $version"
    # shellcheck disable=SC2086 # several libraries
    "$compiler" -std=c++17 -O2 -DNDEBUG -I "$SEGJ_SOURCE/include" "$here/work.cpp" "$work/c.o" -o "$work/program" \
        "$SEGJ_LIBRARY" $SEGJ_LINK
    valgrind --tool=callgrind --callgrind-out-file="$work/counts" "$work/program" $times >"$work/log" 2>&1 ||
        { cat "$work/log" && exit 1; }
    callgrind_annotate --inclusive=yes --threshold=100 "$work/counts" >"$work/table"
    echo "$compiler: instructions a call"
    awk -v times=$times -v limit=$limit '
        {
            # COUNT (PERCENT) FILE:FUNCTION [PROGRAM]
            if (!match($0, /:c(pp)?_[a-z_]+ /)) next
            name = substr($0, RSTART + 1, RLENGTH - 2)
            count = $1
            gsub(/,/, "", count)
            counts[name] = count / times
        }
        END {
            for (name in counts) {
                if (name !~ /^c_/) continue
                other = "cpp_" substr(name, 3)
                if (!(other in counts)) continue
                seen++
                more = counts[other] - counts[name]
                printf "  %-14s C %9.1f, C++ %+6.1f\n", substr(name, 3), counts[name], more
                if (more > limit) { print "  that is more than " limit; bad++ }
            }
            if (seen != 7) { print "  only " seen + 0 " of 7 were counted"; bad++ }
            exit bad > 0
        }' "$work/table" || failed=1
done
exit $failed
