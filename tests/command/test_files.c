/*
 * command/test_files.c: `segj export` and `segj import`: values become files and members of tar streams under the names that
 * are asked for, and these become values again; nothing is written over, and an import that fails leaves nothing.
 */
#include "command/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void append(shell_t *shell, uint64_t section, const char *entry, const char *value, size_t size)
{
    assert_ok(oversized_append(shell->journal, section, entry, value, size, NULL, NULL));
}

/* Section 3: three values, one of them empty and one that is read in pieces; section 300: one. */
static void make_journal(shell_t *shell, segj_format_t format, uint8_t version)
{
    static char large[600001];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)(i * i >> 7);
    path_t directory = join_path(shell->root.text, "journal");
    remove_tree(directory.text);
    shell->config.directory = directory.text;
    shell->config.format = format;
    shell->config.native_version = version;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    append(shell, 3, "a/b: c\0\0", "first", 5);
    append(shell, 3, "second  ", "", 0);
    append(shell, 3, "\0\0\0\0\0\0\1\1", large, sizeof large);
    append(shell, 300, "last.txt", "last", 4);
    assert_ok(oversized_close(shell->journal));
    shell->journal = NULL;
    write_file(join_path(shell->root.text, "large").text, large, sizeof large);
}

static const struct {
    segj_format_t format;
    uint8_t version;
} kinds[] = {{SEGJ_FORMAT_NATIVE, 1}, {SEGJ_FORMAT_NATIVE, 2}, {SEGJ_FORMAT_COMMONWARE, 0}};

static void values_become_files(void **state)
{
    shell_t *shell = *state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        make_journal(shell, kinds[i].format, kinds[i].version);
        shell_expect(shell, "rm -rf files && segj export --to=files journal", 0,
                     "journal: 4 values are in files, 600010 bytes\n", NULL);
        shell_expect(
            shell,
            "find files -type f | LC_ALL=C sort; cat files/3/0000000000; cmp files/3/0000000002 large && wc -c "
            "<files/3/0000000001",
            0, "files/3/0000000000\nfiles/3/0000000001\nfiles/3/0000000002\nfiles/300/0000000000\nfirst0\n", NULL);
    }
    shell_expect(shell, "segj export --to=files journal 3", 2, "journal: 0 values are in files, 0 bytes\n",
                 "files/3/0000000000: File exists; nothing is written over");
    shell_expect(shell, "echo mine >files/300/0000000000; rm -r files/3; segj export --to=files journal", 2,
                 "journal: 3 values are in files, 600006 bytes\n", "files/300/0000000000: File exists");
    shell_expect(shell, "cat files/300/0000000000", 0, "mine\n", NULL);
    shell_expect(shell, "segj export --json --to=more journal 3:0-1", 0,
                 "{\"directory\":\"journal\",\"to\":\"more\",\"records\":2,\"bytes\":5}\n", NULL);
}

static void names_follow_a_template(void **state)
{
    shell_t *shell = *state;
    make_journal(shell, SEGJ_FORMAT_NATIVE, 1);
    static const struct {
        const char *template, *names;
    } cases[] = {
        {"%s-%p", "3-0\n3-1\n3-2\n300-0\n"},
        {"x/%S.%P", "x/0000000000000003.0000000000\nx/0000000000000003.0000000001\nx/0000000000000003.0000000002\n"
                    "x/000000000000012c.0000000000\n"},
        {"%p%t", "0a_b__c\n1second\n2________\n0last.txt\n"},
        {"%e", "612f623a20630000\n7365636f6e642020\n0000000000000101\n6c6173742e747874\n"},
        {"%u%%", "7002923947375394816%\n8315161617254064160%\n257%\n7809650171669936244%\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[200];
        (void)snprintf(line, sizeof line, "segj export --tar --name='%s' journal | tar -tf -", cases[i].template);
        shell_expect(shell, line, 0, cases[i].names, NULL);
    }
    shell_expect(shell, "segj export --to=files --name=%s/../%p journal", 2,
                 "journal: 0 values are in files, 0 bytes\n", "3:0: \"3/../0\" is no name for a file");
    shell_expect(shell, "segj export --to=files --name=/%p journal", 2, "journal: 0 values are in files, 0 bytes\n",
                 "is no name");
    shell_expect(shell, "segj export --to=files --name=%x journal", 1, "journal: 0 values are in files, 0 bytes\n",
                 "after % come s, S, p, P, e, u, t or %");
    shell_expect(shell, "segj export --tar --name=$(printf %0150d 7)/%p journal 300 | tar -tf - | wc -c", 0, "153\n",
                 NULL);
    shell_expect(shell, "segj export --tar --name=$(printf %0150d 7) journal 300 | wc -c", 0, "0\n",
                 "too long for a tar stream");
}

static void a_tar_stream_goes_both_ways(void **state)
{
    shell_t *shell = *state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        make_journal(shell, kinds[i].format, kinds[i].version);
        shell_expect(shell,
                     "rm -rf out new; segj export --tar journal >stream && mkdir out && tar -C out -xf stream && cmp "
                     "out/3/0000000002 large && tar --version | head -c 0; segj export --to=files$$ journal 3 >1; ls "
                     "files*/3 | wc "
                     "-l; rm -rf files*",
                     0, "3\n", NULL);
        shell_expect(shell, "segj import --tar --entry-size=14 --fill=name new 5 stream", 0,
                     "new: 4 records were appended to section 5, from position 0 on: 600010 bytes\n", NULL);
        shell_expect(shell,
                     "segj list -e text new | cut -d' ' -f1,2 | head -n 2; segj get new 5:2 | cmp - large && echo same",
                     0, "5:0 3/0000000000\\x00\\x00\n5:1 3/0000000001\\x00\\x00\nsame\n", NULL);
    }
    /* As GNU tar makes them: directories, a prefix, and formats that are refused. */
    shell_expect(shell,
                 "cd out && mkdir -p $(printf %090d/%090d 1 2) && echo deep >$(printf %090d/%090d 1 2)/file && "
                 "tar --format=ustar -cf ../made . && cd .. && segj import --tar new 6 <made",
                 0, "new: 5 records were appended to section 6, from position 0 on: 600015 bytes\n", NULL);
    shell_expect(shell, "tar --format=gnu -cf made out && segj import --tar new 7 made", 2, "",
                 "tar --format=ustar makes");
    shell_expect(shell, "tar --format=pax --pax-option=comment=x -cf made large && segj import --tar new 7 made", 2, "",
                 "made, offset 0: the member is no regular file and no directory, or of another format");
    shell_expect(shell, "segj list -e none new | grep -c '^7:'", 1, "0\n", NULL);
}

/* Nothing but zeros follows its end, and these are read: who writes them is not ended by a pipe that is closed. */
static void a_tar_stream_is_read_to_its_end(void **state)
{
    shell_t *shell = *state;
    shell_expect(shell,
                 "echo one >one; tar --format=ustar -cf stream one; cat stream stream | "
                 "segj import --tar --entry-size=8 new 5; segj list new | wc -l",
                 0, "0\n", "standard input, offset 10240: bytes follow the end of the tar stream");
    shell_expect(shell,
                 "{ cat stream; head -c 1000000 /dev/zero; echo $? >2; } | segj import --tar "
                 "new 5 >1; cat 2",
                 0, "0\n", NULL);
}

/* What is asked for is what the journal has, or it is what no file tells. */
static void the_size_of_entries_is_the_journals(void **state)
{
    shell_t *shell = *state;
    make_journal(shell, SEGJ_FORMAT_NATIVE, 2);
    shell_expect(shell, "echo x | segj import --lines --entry-size=9 journal 3", 2, "",
                 "journal has entries of 8 bytes, not of 9: nothing was imported");
    shell_expect(shell, "echo x | segj import --lines --entry-size=8 journal 400 && segj stat journal | sed -n 2p", 0,
                 "journal: 1 records were appended to section 400, from position 0 on: 1 bytes\n"
                 "  native format, version 2: pages of 4084 bytes, entries of 8 bytes\n",
                 NULL);
    /* Of version 2 as the others are: byte 5 of its index file says so. */
    shell_expect(shell, "od -An -tu1 -j5 -N1 journal/index/0000000000000190", 0, "   2\n", NULL);
    /* The files of a section that a crash has left before their headers were written. */
    shell_expect(shell,
                 "mkdir -p bare/index bare/values && : >bare/index/0000000000000007 && "
                 ": >bare/values/0000000000000007; echo x | segj import --lines bare 7",
                 1, "", "no file of bare tells how large entries are; --entry-size=COUNT says so");
    shell_expect(shell, "echo x | segj import --lines --entry-size=4 bare 7 && segj list bare", 0,
                 "bare: 1 records were appended to section 7, from position 0 on: 1 bytes\n7:0 00000000 5\n", NULL);
}

static void an_import_that_fails_leaves_nothing(void **state)
{
    shell_t *shell = *state;
    make_journal(shell, SEGJ_FORMAT_NATIVE, 1);
    shell_expect(
        shell,
        "segj export --tar journal >stream; for n in 100 512 600 1536 2048 602000; do head -c $n stream | "
        "segj import --tar journal 3; done 2>&1 | grep -c 'nothing was imported'; segj list -e none journal 3 | wc -l",
        0, "6\n3\n", NULL);
    shell_expect(shell, "printf x | dd of=stream bs=1 seek=1600 conv=notrunc 2>1; segj import --tar journal 3 stream",
                 2, "", "stream, offset 1536: this is no header of a member: its checksum is wrong");
    shell_expect(shell, "segj import journal 3 large nothing", 2, "", "nothing: No such file");
    shell_expect(shell, "segj import journal 3 large /dev/null", 2, "", "/dev/null is no regular file");
    shell_expect(shell, "segj import --fill=name journal 3 large stream journal", 2, "", "nothing was imported");
    shell_expect(shell, "segj list -e none journal 3 | wc -l && segj stat journal | head -n 1", 0,
                 "3\njournal: clean\n", NULL);
    shell_expect(shell, "segj import --json journal 3 large", 0,
                 "{\"directory\":\"journal\",\"section\":3,\"first\":3,\"records\":1,\"bytes\":600001}\n", NULL);
    shell_expect(shell, "segj get journal 3:3 | cmp - large && echo same", 0, "same\n", NULL);
}

static void lines_become_records(void **state)
{
    shell_t *shell = *state;
    shell_expect(shell, "printf 'one\\n\\nthree' | segj import --lines --entry-size=8 --fill=number new 1", 0,
                 "new: 3 records were appended to section 1, from position 0 on: 8 bytes\n", NULL);
    shell_expect(shell, "printf 'four\\n' | segj import --lines --fill=number new 1 -", 0,
                 "new: 1 records were appended to section 1, from position 3 on: 4 bytes\n", NULL);
    shell_expect(shell, "segj list -e u64 -v text new", 0, "1:0 0 7 one\n1:1 1 4 \n1:2 2 9 three\n1:3 3 8 four\n",
                 NULL);
    shell_expect(shell, "(echo five; head -c 1048577 /dev/zero) | segj import --lines new 1", 2, "",
                 "line 2 has more than 1048576 bytes");
    shell_expect(shell, "segj import --lines new 2 </dev/null", 0,
                 "new: 0 records were appended to section 2, from position 0 on: 0 bytes\n", NULL);
    shell_expect(shell, "segj list -e none new | wc -l", 0, "4\n", NULL);
    shell_expect(shell, "echo x | segj import --lines other 2", 1, "",
                 "other holds no journal; --entry-size=COUNT makes one");
    shell_expect(shell, "echo x | segj import --lines --fill=number --entry-size=4 --format=commonware other 2", 2, "",
                 "needs 8");
    shell_expect(shell, "segj import new 1", 1, "", "there is nothing to import");
    shell_expect(shell, "segj import --lines --tar new 1", 1, "", "one of them");
    shell_expect(shell, "segj import new 1:0 file", 1, "", "is no section");
    shell_expect(shell, "segj export new", 1, "", "--to names a directory for the files, or --tar");
}

static void damaged_values_are_left_out(void **state)
{
    shell_t *shell = *state;
    make_journal(shell, SEGJ_FORMAT_NATIVE, 1);
    write_file_at(section_path(join_path(shell->root.text, "journal").text, "values", 3).text, 4096, "F", 1);
    shell_expect(shell, "segj export --to=files journal", 4, "journal: 3 values are in files, 600005 bytes\n",
                 "checksum");
    shell_expect(shell, "segj export --tar journal | tar -tf - | wc -l", 0, "3\n", "checksum");
}

/* A section whose values lost their last synced record, and one that is whole. */
static void what_is_lost_is_no_success(void **state)
{
    const shell_t *shell = *state;
    shell_expect(shell,
                 "seq 1 3 | segj import --lines --entry-size=8 journal 7 >out && "
                 "seq 1 3 | segj import --lines journal 9 >out && truncate -s -1 journal/values/0000000000000007",
                 0, "", NULL);
    shell_expect(shell, "segj verify journal 7 >out", 4, "", NULL);
    shell_expect(shell, "segj list journal 7 >out", 4, "", "1 records that were synced are lost");
    shell_expect(shell, "segj list journal >out", 4, "", "1 records that were synced are lost");
    shell_expect(shell, "segj export --to=all journal >out", 4, "", "1 records that were synced are lost");
    shell_expect(shell, "segj verify journal 9 >out", 0, "", NULL);
    shell_expect(shell, "segj list journal 9 >out", 0, "", NULL);
    shell_expect(shell, "segj list journal 7:0 >out", 0, "", NULL);
}

/* The first two values are in their files before the third finds the limit of a file's size; the close finds it for
 * small ones. */
static void an_import_whose_close_finds_no_room_leaves_nothing(void **state)
{
    const shell_t *shell = *state;
    shell_expect(shell, "seq 1 10 | segj import --lines --entry-size=8 journal 1 >out", 0, "", NULL);
    shell_expect(shell,
                 "trap '' XFSZ; ulimit -f 100; seq -f %090.0f 1 3000 | segj import --lines journal 1 >out; "
                 "test $? = 2 && segj list -e none journal | wc -l | tr -d ' '",
                 0, "10\n", "nothing was imported");
}

static void what_is_not_said_is_not_guessed(void **state)
{
    const shell_t *shell = *state;
    shell_expect(shell, "echo x | segj import --lines --fill=name --entry-size=8 journal 1", 1, "",
                 "lines have no names");
    shell_expect(shell, "test -r /proc/version || exit 2; segj import --entry-size=8 journal 1 /proc/version", 2, "",
                 access("/proc/version", R_OK) == 0 ? "more than the 0 bytes" : NULL);
}

static void a_copy_has_the_partitions_of_the_journal(void **state)
{
    const shell_t *shell = *state;
    shell_expect(shell,
                 "seq 1 3 | segj import --lines --entry-size=8 --index=a --values=b journal 7 >out && "
                 "segj copy --level=3 --index=a --values=b journal copy >out && ls copy && "
                 "segj list -e none -v text --index=a --values=b copy | wc -l | tr -d ' '",
                 0, "a\nb\n3\n", NULL);
}

int main(void)
{
#ifndef SEGJ_COMMAND_BUILT
    print_message("SKIPPED: %s\n", "the command segj is left out");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        SHELL_TEST(values_become_files),
        SHELL_TEST(names_follow_a_template),
        SHELL_TEST(a_tar_stream_goes_both_ways),
        SHELL_TEST(a_tar_stream_is_read_to_its_end),
        SHELL_TEST(the_size_of_entries_is_the_journals),
        SHELL_TEST(an_import_that_fails_leaves_nothing),
        SHELL_TEST(lines_become_records),
        SHELL_TEST(damaged_values_are_left_out),
        SHELL_TEST(what_is_lost_is_no_success),
        SHELL_TEST(an_import_whose_close_finds_no_room_leaves_nothing),
        SHELL_TEST(what_is_not_said_is_not_guessed),
        SHELL_TEST(a_copy_has_the_partitions_of_the_journal),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
