#!/bin/sh
# Includes point down: base <- checksum, storage <- paged <- journal <- oversized. Within journal, fixed and glob never
# see each other, and sections sees neither. Only storage/posix.c and posix_system.c know the system's files. No include root holds a
# glob.h, which would shadow the system's <glob.h>.
set -eu

cd "$SEGJ_SOURCE"
find src include -name '*.[ch]' | LC_ALL=C sort | xargs awk '
    BEGIN {
        rank["base"] = 1; rank["checksum"] = 2; rank["storage"] = 2; rank["paged"] = 3; rank["journal"] = 4
        rank["oversized"] = 5
    }
    function wrong(why) { print FILENAME ":" FNR ": " why ": " $0; bad++ }
    FNR == 1 {
        files++
        count = split(FILENAME, path, "/")
        layer = path[2]
        module = path[count]
        sub(/\.[ch]$/, "", module)
        public = path[1] == "include"
        if (!public && !(layer in rank)) wrong("in no known layer")
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        target = $0
        sub(/^[^"]*"/, "", target)
        sub(/".*/, "", target)
        if (target ~ /^segjournal\/[a-z_]+\.h$/) next
        if (public) { wrong("a public header includes what is not public"); next }
        if (split(target, to, "/") != 2 || !(to[1] in rank)) { wrong("not written as \"layer/name.h\""); next }
        if (to[1] != layer && rank[to[1]] >= rank[layer]) wrong("points up or across")
        other = to[2]
        sub(/\.h$/, "", other)
        if (layer == "journal" && to[1] == "journal" && other != module) {
            if (other == "fixed" || other == "glob") wrong("fixed and glob are for the layer above")
        }
    }
    /^[ \t]*#[ \t]*include[ \t]*</ {
        target = $0
        sub(/^[^<]*</, "", target)
        sub(/>.*/, "", target)
        if (target ~ /^(unistd\.h|fcntl\.h|dirent\.h|sys\/.*)$/ && FILENAME !~ /^src\/(storage\/posix(_system)?|base\/process)\.c$/)
            wrong("only storage/posix.c and posix_system.c know the system'"'"'s files")
        if (public && target !~ /^(stdbool|stddef|stdint)\.h$/) wrong("a public header includes more than it needs")
    }
    END { print files " files, " bad + 0 " wrong includes"; exit bad > 0 || files == 0 }'

# Include roots as the compiler got them.
commands=$SEGJ_BUILD/compile_commands.json
[ -f "$commands" ] || { echo "no $commands: include roots NOT CHECKED"; exit 0; }
grep -oE '(-I|-isystem) *[^ "\\]+' "$commands" | sed -E 's/^(-I|-isystem) *//' | LC_ALL=C sort -u | {
    bad=0
    while read -r root; do
        echo "include root: $root"
        if [ -e "$root/glob.h" ] && [ "$root" != /usr/include ]; then
            echo "$root holds a glob.h that shadows <glob.h>"
            bad=1
        fi
    done
    exit $bad
}
