#!/bin/sh
# Includes and calls point down: base <- checksum, storage <- paged <- journal <- oversized. Within oversized there are
# wings: section <- write, read, lost <- the face (oversized.c, child.c) <- open <- tools; wings side by side do not see each
# other. Within journal, fixed and glob never see each other, and sections sees neither. No calls run in a circle between
# sources. The command stands on public headers alone. Only storage/posix*.c know the system's files; base/process.c and base/park.c know its processes and threads; rados/rados_librados.c knows librados, which wants its struct timeval.
# rados/, an archive of its own, stands on base and public headers. No include root holds a glob.h, which would shadow the system's <glob.h>.
set -eu

cd "$SEGJ_SOURCE"
find src include -name '*.[ch]' | LC_ALL=C sort | xargs awk '
    BEGIN {
        rank["base"] = 1; rank["checksum"] = 2; rank["storage"] = 2; rank["rados"] = 2; rank["paged"] = 3; rank["journal"] = 4
        rank["oversized/section"] = 5; rank["oversized/write"] = 6; rank["oversized/read"] = 6; rank["oversized/lost"] = 6
        rank["oversized"] = 7; rank["oversized/open"] = 8; rank["oversized/tools"] = 9; rank["command"] = 10
    }
    function wrong(why) { print FILENAME ":" FNR ": " why ": " $0; bad++ }
    FNR == 1 {
        files++
        count = split(FILENAME, path, "/")
        layer = path[2]
        for (i = 3; i < count; i++) layer = layer "/" path[i]
        module = path[count]
        sub(/\.[ch]$/, "", module)
        public = path[1] == "include"
        if (!public && !(layer in rank)) wrong("in no known layer")
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        target = $0
        sub(/^[^"]*"/, "", target)
        sub(/".*/, "", target)
        if (target ~ /^segjournal\/(oversized\/)?[a-z_]+\.h$/) next
        if (public) { wrong("a public header includes what is not public"); next }
        to = target
        sub(/\/[^\/]*$/, "", to)
        if (!(to in rank)) { wrong("not written as \"layer/name.h\""); next }
        if (to != layer && rank[to] >= rank[layer]) wrong("points up or across")
        if (layer == "command" && to != layer) wrong("the command stands on public headers alone")
        other = target
        sub(/.*\//, "", other)
        sub(/\.h$/, "", other)
        if (layer == "journal") sub(/^glob_.*/, "glob", module) # glob_place.c, glob_read.c
        if (layer == "journal" && to == "journal" && other != module) {
            if (other == "fixed" || other == "glob") wrong("fixed and glob are for the layer above")
        }
    }
    /^[ \t]*#[ \t]*include[ \t]*</ {
        target = $0
        sub(/^[^<]*</, "", target)
        sub(/>.*/, "", target)
        if (target ~ /^(unistd\.h|fcntl\.h|dirent\.h|sys\/.*)$/ && FILENAME !~ /^src\/(command\/[a-z]+|storage\/posix(_file|_system|_hold|_holder|_watch)?|base\/(process|park)|rados\/rados_librados)\.c$/)
            wrong("only storage/posix*.c know the system'"'"'s files")
        if (public && target !~ /^(stdbool|stddef|stdint)\.h$/) wrong("a public header includes more than it needs")
    }
    END { print files " files, " bad + 0 " wrong includes"; exit bad > 0 || files == 0 }'

# Calls, as the objects of the library have them. An archive names its members without folders, so no two sources may
# have the same name.
sources=$(find src -name '*.c' | LC_ALL=C sort)
twins=$(echo "$sources" | sed 's:.*/::' | LC_ALL=C sort | uniq -d)
[ -z "$twins" ] || { echo "two sources are called $twins"; exit 1; }
calls=$(mktemp)
trap 'rm -f "$calls"' EXIT
{ echo "$sources"; "${NM:-nm}" -A "$SEGJ_LIBRARY"; } | awk '
    BEGIN {
        rank["base"] = 1; rank["checksum"] = 2; rank["storage"] = 2; rank["rados"] = 2; rank["paged"] = 3; rank["journal"] = 4
        rank["oversized/section"] = 5; rank["oversized/write"] = 6; rank["oversized/read"] = 6; rank["oversized/lost"] = 6
        rank["oversized"] = 7; rank["oversized/open"] = 8; rank["oversized/tools"] = 9; rank["command"] = 10
    }
    /^src\// { path = $0; sub(/^src\//, "", path); name = path; sub(/.*\//, "", name); place[name] = path; next }
    {
        # ARCHIVE:MEMBER:ADDRESS TYPE NAME
        member = $0
        sub(/\.(c\.)?o(bj)?:.*/, "", member)
        sub(/.*[:(]/, "", member)
        from = place[member ".c"]
        if (from == "") next
        seen[from] = 1
        symbol = $NF
        sub(/^_/, "", symbol)
        type = $(NF - 1)
        sub(/.*:/, "", type)
        if (type == "U") wanted[from, symbol] = 1
        else if (type ~ /^[TDBRCVW]$/) home[symbol] = from
    }
    function layer_of(path) { sub(/\/[^\/]*$/, "", path); return path }
    END {
        for (pair in wanted) {
            split(pair, part, SUBSEP)
            from = part[1]
            to = home[part[2]]
            if (to == "" || to == from) continue
            print from, to
            count++
            a = layer_of(from)
            b = layer_of(to)
            if (a != b && rank[b] >= rank[a]) {
                print from " calls " part[2] " of " to ": points up or across" > "/dev/stderr"
                bad++
            }
        }
        for (path in seen) sources++
        print sources + 0 " sources, " count + 0 " calls between them, " bad + 0 " wrong ones" > "/dev/stderr"
        exit bad > 0 || sources < 30 || count < 100
    }' >"$calls"
tsort <"$calls" >/dev/null || { echo "calls run in a circle"; exit 1; }

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
