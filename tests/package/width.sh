#!/bin/sh
# Lines of documents have at most 100 columns, but for tables and what stands there as it is typed or printed; those of
# public headers have at most 120.
set -eu

cd "$SEGJ_SOURCE"
documents=$(find README.md src tests examples findings cmake -name '*.md' -not -path '*/golden/*')
headers=$(find include -name '*.h' -o -name '*.hpp')
# shellcheck disable=SC2086 # names without blanks
long=$(awk '
    FNR == 1 { typed = 0 }
    /^```/ { typed = !typed }
    length($0) > 100 && !typed && !/^(    |\||```)/ { print FILENAME ":" FNR ": " length($0) " columns, at most 100" }
' $documents
    awk 'length($0) > 120 { print FILENAME ":" FNR ": " length($0) " columns, at most 120" }' $headers)
echo "$(echo "$documents" | wc -w) documents, $(echo "$headers" | wc -w) headers"
[ "$(echo "$documents" | wc -w)" -ge 10 ] && [ "$(echo "$headers" | wc -w)" -ge 15 ] || { echo "there must be more"; exit 1; }
[ -z "$long" ] || { echo "$long"; exit 1; }
