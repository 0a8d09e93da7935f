#!/bin/sh
# aircompressor refuses a zstd frame with a window of 16 MiB, and reads one of the same data with a window of 34 MiB.
#
# Version: io.airlift:aircompressor 2.0.2 from Maven, Java 17; frames by zstandard 0.23.0 from pip (zstd 1.5.6), whose
# own decoder reads both. Input: 36 MB that repeat, compressed with windowLog 24 and with windowLog 27.
#
# Seen: "Window size too large (not yet supported)" for the smaller window. Where the window would be as large as the
# content, zstd leaves the window out of the header (a single segment), and aircompressor checks only a window that is
# there. So of two values the one with the larger window may be the one that can be read: at level 20 36 MB are
# refused, at level 22 they are read.
#
#     windowLog 24: MalformedInputException: Window size too large (not yet supported)
#     windowLog 27: right
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
for program in mvn java javac python3 pip; do
    command -v $program >/dev/null || { echo "not run: there is no $program here"; exit 77; }
done
pip install --quiet --no-input --root-user-action=ignore --target "$place/python" zstandard==0.23.0
mvn -q -Dmaven.repo.local="$place/maven" dependency:get -Dartifact=io.airlift:aircompressor:2.0.2 >mvn.log 2>&1 ||
    { tail -n 3 mvn.log; echo "not run: Maven could not get the package"; exit 77; }
jar=$place/maven/io/airlift/aircompressor/2.0.2/aircompressor-2.0.2.jar

PYTHONPATH=$place/python python3 - <<'END'
import random, zstandard

random.seed(2)
data = bytearray(random.randbytes(3000000))
while len(data) < 36000000:
    at = random.randrange(len(data) - 300)
    data += data[at:at + 300] + random.randbytes(100)
data = bytes(data[:36000000])
open("data", "wb").write(data)
for log in 24, 27:
    parameters = zstandard.ZstdCompressionParameters(compression_level=3, window_log=log, enable_ldm=True)
    frame = zstandard.ZstdCompressor(compression_params=parameters).compress(data)
    assert zstandard.decompress(frame) == data
    open(f"{log}.zst", "wb").write(frame)
END
cat >Read.java <<'END'
import io.airlift.compress.zstd.ZstdDecompressor;
import java.nio.file.*;
import java.util.Arrays;

public class Read {
    public static void main(String[] arguments) throws Exception {
        byte[] data = Files.readAllBytes(Path.of("data")), given = new byte[data.length];
        for (String log : arguments) {
            byte[] frame = Files.readAllBytes(Path.of(log + ".zst"));
            String seen;
            try {
                new ZstdDecompressor().decompress(frame, 0, frame.length, given, 0, given.length);
                seen = Arrays.equals(data, given) ? "right" : "WRONG";
            } catch (RuntimeException wrong) {
                seen = wrong.getClass().getSimpleName() + ": " + wrong.getMessage().replaceAll(": offset.*", "");
            }
            System.out.println("windowLog " + log + ": " + seen);
        }
    }
}
END
javac -cp "$jar" Read.java
java -cp "$jar:." Read 24 27 | tee seen
diff - seen <<'END' || { echo "it behaves otherwise now"; exit 1; }
windowLog 24: MalformedInputException: Window size too large (not yet supported)
windowLog 27: right
END
