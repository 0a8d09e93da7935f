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
[ "$(./readme)" = "a value" ]
echo "README.md's example: ok"
