#!/bin/sh
# fzstd gives wrong bytes, and no error, where a match lies more than about 96 MiB back.
#
# Version: fzstd 0.1.1 from npm (the newest), on Node.js; frames by zstandard 0.23.0 from pip (zstd 1.5.6), which
# reads them back right. Input: random bytes, followed by pieces of their beginning, so that every match lies as far
# back as they are many. The frame has a content size and no checksum, and its window is within the 128 MiB that zstd
# itself accepts.
#
# Seen: the same frame but for the distance is right at 70 MB and wrong at 120 MB. The length is right each time,
# nothing is thrown. One would expect an error ("window too large"), which fzstd has for windows above 2 GiB. An
# offset takes as many extra bits as its logarithm; from 2^26 on these, read from a word of 32 bits behind up to 7
# bits that are used up, do not all fit.
#
#     70 MB: 70880000 bytes, right
#     120 MB: 120880000 bytes, WRONG
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
for program in npm node python3 pip; do
    command -v $program >/dev/null || { echo "not run: there is no $program here"; exit 77; }
done
npm install --silent --no-fund --no-audit --prefix "$place" fzstd@0.1.1 >/dev/null
pip install --quiet --no-input --root-user-action=ignore --target "$place/python" zstandard==0.23.0

cat >make.py <<'END'
import random, sys, zstandard

random.seed(1)
size, name = int(sys.argv[1]), sys.argv[2]
far = random.randbytes(size)
pieces = [far]
for _ in range(4000):
    at = random.randrange(1000000)
    pieces += [far[at:at + 200], random.randbytes(20)]
data = b"".join(pieces)
parameters = zstandard.ZstdCompressionParameters(compression_level=3, window_log=27, enable_ldm=True)
frame = zstandard.ZstdCompressor(compression_params=parameters).compress(data)
assert zstandard.decompress(frame) == data
open(name, "wb").write(data)
open(name + ".zst", "wb").write(frame)
END
cat >read.mjs <<'END'
import { decompress } from 'fzstd';
import { readFileSync } from 'fs';
const data = readFileSync(process.argv[2]), given = decompress(readFileSync(process.argv[2] + '.zst'));
console.log(`${process.argv[3]}: ${given.length} bytes, ${Buffer.compare(data, given) === 0 ? 'right' : 'WRONG'}`);
END
for megabytes in 70 120; do
    PYTHONPATH=$place/python python3 make.py ${megabytes}000000 data
    node read.mjs data "$megabytes MB"
done | tee seen
diff - seen <<'END' || { echo "it behaves otherwise now"; exit 1; }
70 MB: 70880000 bytes, right
120 MB: 120880000 bytes, WRONG
END
