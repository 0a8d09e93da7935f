#!/bin/sh
# A static library shares its user's namespace: every symbol it defines begins with oversized_ or segj_, and but for
# thread-local ones none of them is data that changes. It computes checksums with the library that was chosen, and no other.
set -eu

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
exit $failed
