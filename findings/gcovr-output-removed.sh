#!/bin/sh
# Expected of gcovr 8.4: --output NAME is opened for writing when the report is ready, as a shell's redirection would open
# it. So a link is followed, a device or a pipe receives the report, and a run that ends with an error before it has a
# report leaves an older one alone.
#
# Seen: while gcovr still reads its options it opens NAME for writing, which empties it, and then removes the name. So a
# run that is refused because of another option has already removed the older report. Through a link it empties the file that
# the link names, and then makes a file of its own in the link's place. A pipe and a device become files: with
# "--output /dev/null", as root, every program on that machine that discards its output fills a file from then on.
# Debian's gcovr 5.2 does the same.
#
#     refused run: answer 1, older report: gone
#     through a link: link is a file, the file that it named has 0 bytes
#     to a pipe: it is a file
#
# Needs python3 with venv, and gcc with gcov. Nothing outside a temporary folder is touched.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip --quiet --disable-pip-version-check install gcovr==8.4

echo 'int main(int count, char **words) { (void)words; return count > 3; }' >program.c
gcc --coverage -O0 program.c -o program
./program

kind()
{
    if [ -p "$1" ]; then echo a pipe; elif [ -L "$1" ]; then echo a link; elif [ -f "$1" ]; then echo a file; else echo gone; fi
}

{
    echo "an older report" >report
    answer=0
    python/bin/gcovr --output report --fail-under-line eleven >log 2>&1 || answer=$?
    echo "refused run: answer $answer, older report: $(kind report)"

    echo "an older report" >far
    ln -s far near
    python/bin/gcovr --output near 2>>log
    echo "through a link: link is $(kind near), the file that it named has $(wc -c <far) bytes"

    mkfifo pipe
    (exec 3<>pipe; sleep 60) & # a reader, so that opening the pipe waits for nobody
    python/bin/gcovr --output pipe 2>>log
    kill $!
    echo "to a pipe: it is $(kind pipe)"
} | tee seen

cat >expected <<'EXPECTED'
refused run: answer 1, older report: gone
through a link: link is a file, the file that it named has 0 bytes
to a pipe: it is a file
EXPECTED
diff expected seen && echo "as it was"
