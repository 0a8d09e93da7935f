#!/bin/sh
# Go's klauspost/compress leaves the content size out of zstd frames of 1 to 255 bytes, though it knows it.
#
# Version: github.com/klauspost/compress 1.20.4 (and 1.18.0). EncodeAll is given the whole input, and writes the size of
# every other input into the frame's header: of an empty one, and of 256 bytes and more.
#
# Seen: a reader that takes memory by the frame's content size (ZSTD_getFrameContentSize) works in all tests with
# large values, and fails for small ones. One byte for the size is only there in frames of a single segment, and the
# encoder makes small frames with a window of 1 KiB instead. zstd.WithSingleSegment(true) puts the size in.
#
#     0: true   1: false   100: false   255: false   256: true   100000: true
#     0: true   1: true   100: true   255: true   256: true   100000: true
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
command -v go >/dev/null || { echo "not run: there is no go here"; exit 77; }
export GOPATH="$place/go" GOCACHE="$place/cache" GOFLAGS=-modcacherw
cat >go.mod <<'END'
module sizes

go 1.22
END
cat >main.go <<'END'
package main

import (
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"
)

func main() {
	for _, single := range []bool{false, true} {
		options := []zstd.EOption{}
		if single {
			options = append(options, zstd.WithSingleSegment(true))
		}
		encoder, err := zstd.NewWriter(nil, options...)
		if err != nil {
			panic(err)
		}
		line := []string{}
		for _, size := range []int{0, 1, 100, 255, 256, 100000} {
			var header zstd.Header
			if err := header.Decode(encoder.EncodeAll(make([]byte, size), nil)); err != nil {
				panic(err)
			}
			line = append(line, fmt.Sprintf("%d: %v", size, header.HasFCS))
		}
		fmt.Println(strings.Join(line, "   "))
	}
}
END
go get github.com/klauspost/compress@v1.20.4 >get.log 2>&1 ||
    { tail -n 2 get.log; echo "not run: go could not get the package"; exit 77; }
go run . | tee seen
diff - seen <<'END' || { echo "it behaves otherwise now"; exit 1; }
0: true   1: false   100: false   255: false   256: true   100000: true
0: true   1: true   100: true   255: true   256: true   100000: true
END
