#!/bin/sh
# Expected of json-c 0.16 (Debian's libjson-c5 0.16-2): json_object_set_string() gives a string object another text, and
# json_object_put() frees whatever the object has, so that a program may use one object for many texts.
#
# Seen: a text that is longer than all before is kept in memory of its own. When the next text is the empty one, that memory
# is lost: neither that call nor json_object_put() frees it. Shorter texts that are not empty do no harm. The header says
# nothing about it. An object that is used for lines of a log, some of which are empty, grows the process without end.
#
#     1000 times 200 bytes, then 100 bytes: nothing is lost
#     1000 times 200 bytes, then none: lost more than 200,000 bytes
#
# Needs Debian 12 on x86-64 with apt-get, dpkg-deb and gcc.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# apt as root would drop its rights, and this folder belongs to the caller alone
apt-get -qq -o APT::Sandbox::User= download libjson-c5=0.16-2 libjson-c-dev=0.16-2 >/dev/null
for package in *.deb; do
    dpkg-deb -x "$package" root
done

cat >program.c <<'PROGRAM'
#include <json-c/json.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

static size_t in_use(const char *second)
{
    char longer[201];
    memset(longer, 'x', 200);
    longer[200] = '\0';
    json_object_put(json_object_new_string("a")); /* what is allocated once */
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 1000; i++) {
        struct json_object *text = json_object_new_string("a");
        json_object_set_string(text, longer);
        json_object_set_string(text, second);
        json_object_put(text);
    }
    return mallinfo2().uordblks - before;
}

int main(void)
{
    char shorter[101];
    memset(shorter, 'y', 100);
    shorter[100] = '\0';
    printf("1000 times 200 bytes, then 100 bytes: %s\n", in_use(shorter) <= 400 ? "nothing is lost" : "lost");
    printf("1000 times 200 bytes, then none: %s\n", in_use("") > 200000 ? "lost more than 200,000 bytes" : "kept");
    return 0;
}
PROGRAM
gcc -Iroot/usr/include program.c -o program "$(find root -name 'libjson-c.so.5' | head -n 1)"
LD_LIBRARY_PATH=$(dirname "$PWD/$(find root -name 'libjson-c.so.5' | head -n 1)") ./program | tee seen

cat >expected <<'EXPECTED'
1000 times 200 bytes, then 100 bytes: nothing is lost
1000 times 200 bytes, then none: lost more than 200,000 bytes
EXPECTED
diff expected seen && echo "as it was"
