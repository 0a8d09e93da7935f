#!/bin/sh
# The README's example compiles as it stands, links with the library, and does what it says.
set -eu

mkdir -p "$SEGJ_WORK"
cd "$SEGJ_WORK"
rm -rf events
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$SEGJ_SOURCE/README.md" >readme.c
[ "$(grep -c . readme.c)" -ge 15 ] || { echo "README.md has no example"; exit 1; }
# shellcheck disable=SC2086 # several libraries
"$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$SEGJ_SOURCE/include" readme.c -o readme "$SEGJ_LIBRARY" $SEGJ_LINK
[ "$(./readme)" = "a value" ]
[ "$(./readme 2>errors)" = "a value" ]
[ ! -s errors ] || { echo "a journal that is well:"; cat errors; exit 1; }
# The disk loses the end of the last value: the example says so, and goes on.
values=events/values/0000000000000007
head -c "$(($(wc -c <"$values") - 1))" "$values" >shorter
cp shorter "$values"
[ "$(./readme 2>errors)" = "a value" ]
grep -q "synced records are lost" errors || { echo "a loss is not told"; exit 1; }
[ "$(./readme 2>errors)" = "a value" ]
grep -q "synced records are lost" errors || { echo "a loss is not told again"; exit 1; }
echo "README.md's example: ok"
