#!/bin/sh
# sh cmake/reference.sh
#
# Makes the HTML reference and the manual pages from the comments of the public headers, and checks both: Doxygen and mandoc
# have no warning. Installs doxygen and mandoc where they are missing.
#
#   SEGJ_BUILD_DIR   where to build; build/reference beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

need_reference_tools()
{
    need doxygen has doxygen
    need mandoc has mandoc
}

install_missing need_build_tools need_reference_tools
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/reference}")
configure_tree "$build" -DSEGJ_BUILD_TESTS=OFF -DSEGJ_BUILD_EXAMPLES=OFF
cmake --build "$build" --target reference

pages=$build/reference/man3
written=$(find "$pages" -name '*.3' -exec grep -L '^\.so ' {} +)
# shellcheck disable=SC2086 # names without blanks
mandoc -T lint -W warning $written >"$scratch/mandoc" || true
# No date: a page is the same whenever it is made.
if grep -v 'missing date' "$scratch/mandoc"; then
    die "mandoc is not content with the manual pages in $pages"
fi
# Every public call has a page.
missing=
for call in $(sed -n 's/^.*[ *]\(\(oversized\|segj\)_[a-z0-9_]*\)(.*/\1/p' "$root"/include/segjournal/*.h "$root"/include/segjournal/oversized/*.h | LC_ALL=C sort -u); do
    if grep -q "^[a-z].*[ *]$call(" "$root"/include/segjournal/*.h "$root"/include/segjournal/oversized/*.h && [ ! -f "$pages/$call.3" ]; then
        missing="$missing $call"
    fi
done
[ -z "$missing" ] || die "these calls have no manual page:$missing"
say "the reference: $build/reference/html/index.html"
# The example is C there, too: Doxygen writes other quotes.
sed -n 's/^ \*     //p' "$root/include/segjournal/oversized.h" | grep . >"$scratch/example" ||
    die "there is no example at the top of oversized.h"
mandoc -T ascii "$pages/segjournal.3" | sed "s/.$(printf '\b')//g; s/^ *//" >"$scratch/page"
sed 's/^ *//' "$scratch/example" >"$scratch/flat"
if grep -vxFf "$scratch/page" "$scratch/flat"; then
    die "these lines of the example in oversized.h are not in segjournal(3)"
fi

say "the manual pages: man -M $build/reference segjournal ($(find "$pages" -name '*.3' | wc -l) pages)"
