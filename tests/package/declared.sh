#!/bin/sh
# declared.sh INCLUDE-DIRECTORY: prints the names of the functions that the library's public headers declare, one a line.
# storage_rados.h is of an archive of its own.
set -eu

find "$1/segjournal" -name '*.h' ! -name storage_rados.h -exec cat {} + | awk '
    # comments out, then everything between braces that belongs to a structure
    { text = text $0 "\n" }
    END {
        while ((start = index(text, "/*")) > 0) {
            rest = substr(text, start + 2)
            text = substr(text, 1, start - 1) " " substr(rest, index(rest, "*/") + 2)
        }
        count = split(text, lines, "\n")
        depth = 0
        for (i = 1; i <= count; i++) {
            line = lines[i]
            if (line ~ /^[ \t]*#/) continue
            opened = gsub(/\{/, "{", line)
            closed = gsub(/\}/, "}", line)
            if (depth == 0 && line !~ /^extern "C"/ && line !~ /^typedef/ &&
                match(line, /(oversized|segj)_[a-z0-9_]+\(/))
                print substr(line, RSTART, RLENGTH - 1)
            if (line !~ /^extern "C"/ && !(depth == 0 && closed)) depth += opened - closed
        }
    }' | LC_ALL=C sort -u
