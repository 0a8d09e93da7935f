#!/bin/sh
# A static library shares its user's namespace: every symbol it defines begins with oversized_ or segj_, and but for
# thread-local ones none of them is data that changes. It computes checksums with the library that was chosen, and no other.
# A shared object made of all of it exports what the public headers declare, and nothing else; so does one that holds a
# call of it beside a function of its own.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$SEGJ_WORK"

failed=0

"$NM" -g --defined-only "$SEGJ_LIBRARY" | awk '
    NF == 3 { count++; if ($3 !~ /^(oversized_|segj_)/) { print "no prefix: " $3; bad++ } }
    END {
        if (count == 0) { print "no symbols found"; exit 1 }
        print count " symbols, " bad + 0 " without prefix"
        exit bad > 0
    }' || failed=1

# Writable data: the sections .data and .bss (relocated constants are .data.rel.ro, thread-local data .tdata and .tbss).
"$NM" -f sysv --defined-only "$SEGJ_LIBRARY" | awk -F '|' '
    { section = $7; gsub(/[ \t]/, "", section); name = $1; sub(/[ \t]+$/, "", name) }
    section ~ /^\.(data|bss)/ && section !~ /^\.data\.rel\.ro/ { print "mutable state: " name " in " section; bad++ }
    END { exit bad > 0 }' || failed=1

checksums="isal:crc32_gzip_refl libdeflate:libdeflate_crc32 zlib:crc32_z"
for pair in $checksums; do
    wanted=0
    [ "${pair%:*}" != "$SEGJ_CHECKSUM" ] || wanted=1
    if [ "$("$NM" -u "$SEGJ_LIBRARY" | grep -cw "${pair#*:}")" -ne $wanted ]; then
        echo "${pair#*:} with SEGJ_CHECKSUM=$SEGJ_CHECKSUM: wanted $wanted reference, and found otherwise"
        failed=1
    fi
done

# --- shared objects ---

shared=$SEGJ_WORK/symbols
sh "$folder/declared.sh" "$SEGJ_SOURCE/include" >"$shared.declared"

# exports FILE: names that a shared object defines for others
exports()
{
    "$NM" -D --defined-only "$1" | awk '{ print $NF }' | grep -vE '^(_init|_fini|__bss_start|_edata|_end)$' | LC_ALL=C sort
}

case $(uname -s) in
Darwin) echo "shared objects: NOT CHECKED on macOS" ;;
*)
    # shellcheck disable=SC2086 # several libraries
    "$CC" -shared -o "$shared.whole.so" -Wl,--whole-archive "$SEGJ_LIBRARY" -Wl,--no-whole-archive $SEGJ_LINK
    exports "$shared.whole.so" >"$shared.exported"
    if ! diff "$shared.declared" "$shared.exported"; then
        echo "a shared object of the archive exports other names (>) than the headers declare (<)"
        failed=1
    fi
    cat >"$shared.c" <<'END'
#include <segjournal/oversized.h>
#include <segjournal/version.h>
int plugin(const oversized_config_t *config);
int plugin(const oversized_config_t *config)
{
    oversized_t *journal = NULL;
    return (int)oversized_open(config, &journal) + (int)oversized_close(journal) + (segj_version()[0] == '0');
}
END
    # shellcheck disable=SC2086 # several libraries
    "$CC" -shared -fPIC -I "$SEGJ_SOURCE/include" -o "$shared.plugin.so" "$shared.c" "$SEGJ_LIBRARY" $SEGJ_LINK
    exports "$shared.plugin.so" | grep -vx plugin >"$shared.exported"
    if LC_ALL=C comm -13 "$shared.declared" "$shared.exported" | grep .; then
        echo "a plugin that uses the library exports inner names"
        failed=1
    fi
    # whoever wants none of it exported says so when linking
    # shellcheck disable=SC2086 # several libraries
    "$CC" -shared -fPIC -I "$SEGJ_SOURCE/include" -o "$shared.private.so" "$shared.c" "$SEGJ_LIBRARY" \
        -Wl,--exclude-libs,ALL $SEGJ_LINK
    [ "$(exports "$shared.private.so")" = plugin ] || { echo "--exclude-libs leaves calls exported"; failed=1; }
    echo "$(wc -l <"$shared.declared") public calls, exported and no others"
    ;;
esac
exit $failed
