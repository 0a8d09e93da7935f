#!/bin/sh
# Expected of python-zstandard 0.23.0, given two zstd frames one behind the other (which RFC 8878 allows, and the zstd
# command reads as one stream): every way to read them gives both contents, or says that something is left over; and
# stream_reader(..., read_across_frames=False), which is the default, stops at the end of the first frame.
#
# Seen: ZstdDecompressor().decompress() gives the first frame's content and drops the second one without an error.
# decompressobj() does the same, and keeps the rest in unused_data. stream_reader() crosses the frames although it was told
# not to: a read of N bytes ends at the frame's end, so that it looks like the end of the stream to who compares
# lengths, and the next read begins the second frame; readall() gives both. The zstd package 1.5.5.1 and pyzstd 0.16.2 give
# both contents. So what a reader gets of such a value depends on which call of the same package it makes.
#
#     zstd decompress: b'first second'
#     pyzstd decompress: b'first second'
#     zstandard decompress: b'first '
#     zstandard decompressobj: b'first ' left over: True
#     zstandard stream_reader, False, read(100) three times: [b'first ', b'second', b'']
#     zstandard stream_reader, False, readall: b'first second'
#
# Needs python3 with venv.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip --quiet --disable-pip-version-check install zstandard==0.23.0 pyzstd==0.16.2 zstd==1.5.5.1

python/bin/python - <<'PROGRAM' | tee seen
import io

import pyzstd
import zstandard
import zstd

two = pyzstd.compress(b"first ") + pyzstd.compress(b"second")
print("zstd decompress:", zstd.decompress(two))
print("pyzstd decompress:", pyzstd.decompress(two))
print("zstandard decompress:", zstandard.ZstdDecompressor().decompress(two))
whole = zstandard.ZstdDecompressor().decompressobj()
print("zstandard decompressobj:", whole.decompress(two), "left over:", len(whole.unused_data) > 0)
reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(two), read_across_frames=False)
print("zstandard stream_reader, False, read(100) three times:", [reader.read(100) for _ in range(3)])
reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(two), read_across_frames=False)
print("zstandard stream_reader, False, readall:", reader.readall())
PROGRAM

cat >expected <<'EXPECTED'
zstd decompress: b'first second'
pyzstd decompress: b'first second'
zstandard decompress: b'first '
zstandard decompressobj: b'first ' left over: True
zstandard stream_reader, False, read(100) three times: [b'first ', b'second', b'']
zstandard stream_reader, False, readall: b'first second'
EXPECTED
diff expected seen && echo "as it was"
