/*
 * storage/io.c: the wrappers' promises, on a storage that follows a script: short transfers, interruptions, lies.
 */
#include "unit/scripted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void io_names(void **state)
{
    (void)state;
    static const struct {
        uint64_t section;
        const char *name;
    } good[] = {
        {0, "0000000000000000"},
        {1, "0000000000000001"},
        {0x0123456789abcdef, "0123456789abcdef"},
        {UINT64_MAX, "ffffffffffffffff"},
    };
    static const char *const bad[] = {
        "",
        "1",
        "000000000000001",
        "00000000000000001",
        "000000000000000A",
        "000000000000000g",
        "000000000000000:",
        "000000000000000`",
        "000000000000000/",
        "0000000000000001.tmp",
        "0x00000000000001",
        "-000000000000001",
        "+000000000000001",
        " 000000000000001",
        "000000000000001 ",
        "000000000000000\n",
        "\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90\x30",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        char name[SEGJ_NAME_LENGTH + 1];
        uint64_t section = 99;
        segj_section_name(good[i].section, name);
        assert_string_equal(name, good[i].name);
        assert_true(segj_section_parse(name, &section));
        assert_int_equal(section, good[i].section);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint64_t section = 99;
        assert_false(segj_section_parse(bad[i], &section));
        assert_int_equal(section, 99);
    }
}

static void io_read_goes_on(void **state)
{
    (void)state;
    uint8_t found[100];
    SCRIPT({EINTR, 0}, {0, 1}, {EINTR, 5}, {0, 30}, {EINTR, 0}, {EINTR, 0}, {0, 60}, {0, WHOLE});
    for (size_t i = 0; i < 200; i++)
        script.bytes[i] = (uint8_t)i;
    script.size = 200;
    assert_int_equal(segj_io_read(&scripted_file, 50, found, sizeof found, NULL), SEGJ_OK);
    assert_memory_equal(found, script.bytes + 50, sizeof found);
    static const uint64_t offsets[] = {50, 50, 51, 51, 81, 81, 81, 141};
    assert_int_equal(script.transfers, COUNT_OF(offsets));
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        assert_int_equal(script.offsets[i], offsets[i]);
        assert_int_equal(script.offsets[i] + script.sizes[i], 150);
    }
}

static void io_read_meets_the_end(void **state)
{
    (void)state;
    uint8_t found[100];
    size_t got = 77;
    SCRIPT({0, 30});
    script.size = 60;
    assert_int_equal(segj_io_read(&scripted_file, 10, found, 100, &got), SEGJ_OK);
    assert_int_equal(got, 50);
    assert_int_equal(segj_io_read(&scripted_file, 60, found, 100, &got), SEGJ_OK);
    assert_int_equal(got, 0);
    assert_int_equal(segj_io_read(&scripted_file, 10, found, 20, &got), SEGJ_OK);
    assert_int_equal(got, 20);
    assert_int_equal(segj_io_read(&scripted_file, 10, found, 100, NULL), SEGJ_ERR_IO);
    assert_string_equal(
        segj_last_error(),
        "DIR/partition/0000000000000001: pread of 100 bytes at offset 10: the file ends after 50 bytes");

    script_set(NULL, 0); /* nothing asked for, nothing called */
    assert_int_equal(segj_io_read(&scripted_file, 10, NULL, 0, &got), SEGJ_OK);
    assert_int_equal(got, 0);
    assert_int_equal(segj_io_read(&scripted_file, 10, NULL, 0, NULL), SEGJ_OK);
    assert_int_equal(script.calls, 0);
}

static void io_read_fails(void **state)
{
    (void)state;
    uint8_t found[100];
    size_t got = 77;
    SCRIPT({EIO, 0});
    assert_int_equal(segj_io_read(&scripted_file, 12288, found, 100, &got), SEGJ_ERR_IO);
    expect_sentence("DIR/partition/0000000000000001: pread of 100 bytes at offset 12288", EIO);
    SCRIPT({0, 40}, {EIO, 0});
    script.size = 60000;
    assert_int_equal(segj_io_read(&scripted_file, 12288, found, 100, &got), SEGJ_ERR_IO);
    expect_sentence("DIR/partition/0000000000000001: pread of 60 bytes at offset 12328", EIO);
    SCRIPT({EWOULDBLOCK, 0}); /* "locked" is said of locks only */
    assert_int_equal(segj_io_read(&scripted_file, 0, found, 100, NULL), SEGJ_ERR_IO);
    SCRIPT({ENOMEM, 0});
    assert_int_equal(segj_io_read(&scripted_file, 0, found, 100, NULL), SEGJ_ERR_MEMORY);
    SCRIPT({0, TOO_MUCH});
    assert_int_equal(segj_io_read(&scripted_file, 0, found, 100, &got), SEGJ_ERR_IO);
    assert_string_equal(segj_last_error(), "DIR/partition/0000000000000001: pread of 100 bytes at offset 0: the "
                                           "storage claims 101 bytes");
    assert_int_equal(got, 77);
}

/** Cut anywhere, in two and in single bytes, slices end up in the file as one piece. */
static void io_write_goes_on(void **state)
{
    (void)state;
    const segj_slice_t slices[] = {{"abc", 3}, {NULL, 0}, {"d", 1}, {"", 0}, {"efghi", 5}, {"jk", 2}};
    for (size_t cut = 1; cut <= 11; cut++) {
        SCRIPT({EINTR, 0}, {0, cut}, {EINTR, 0});
        assert_int_equal(segj_io_write_slices(&scripted_file, 100, slices, COUNT_OF(slices)), SEGJ_OK);
        assert_memory_equal(script.bytes + 100, "abcdefghijk", 11);
        assert_int_equal(script.size, 111);
        for (size_t i = 0; i < script.transfers; i++)
            assert_int_equal(script.offsets[i] + script.sizes[i], 111);
    }
    SCRIPT({0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1});
    assert_int_equal(segj_io_write_slices(&scripted_file, 0, slices, COUNT_OF(slices)), SEGJ_OK);
    assert_memory_equal(script.bytes, "abcdefghijk", 11);
    assert_int_equal(script.transfers, 11);

    SCRIPT({EINTR, 4}); /* interrupted with bytes taken: not what the interface says, and no reason to write twice */
    assert_int_equal(segj_io_write_slices(&scripted_file, 0, slices, COUNT_OF(slices)), SEGJ_OK);
    assert_memory_equal(script.bytes, "abcdefghijk", 11);
    assert_int_equal(script.offsets[1], 4);

    script_set(NULL, 0);
    assert_int_equal(segj_io_write(&scripted_file, 0, NULL, 0), SEGJ_OK);
    assert_int_equal(segj_io_write_slices(&scripted_file, 0, slices, 0), SEGJ_OK);
    assert_int_equal(script.calls, 0);
}

static void io_write_fails(void **state)
{
    (void)state;
    static const uint8_t data[4096];
    SCRIPT({ENOSPC, 0});
    assert_int_equal(segj_io_write(&scripted_file, 12288, data, 4096), SEGJ_ERR_NO_SPACE);
    expect_sentence("DIR/partition/0000000000000001: pwrite of 4096 bytes at offset 12288", ENOSPC);
    SCRIPT({0, 1000}, {EINTR, 0}, {ENOSPC, 0}); /* half way */
    assert_int_equal(segj_io_write(&scripted_file, 12288, data, 4096), SEGJ_ERR_NO_SPACE);
    expect_sentence("DIR/partition/0000000000000001: pwrite of 3096 bytes at offset 13288", ENOSPC);
    assert_int_equal(script.calls, 3);
    SCRIPT({EDQUOT, 10});
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_NO_SPACE);
    SCRIPT({EIO, 0});
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_IO);
    SCRIPT({EWOULDBLOCK, 0});
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_IO);
    SCRIPT({0, 96}, {0, 0}); /* success that moves nothing would go on for ever */
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_IO);
    assert_string_equal(segj_last_error(),
                        "DIR/partition/0000000000000001: pwrite of 4000 bytes at offset 96: the storage took none");
    assert_int_equal(script.calls, 2);
    SCRIPT({0, TOO_MUCH});
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_IO);
    assert_string_equal(segj_last_error(), "DIR/partition/0000000000000001: pwrite of 4096 bytes at offset 0: the "
                                           "storage claims 4097 bytes");
    SCRIPT({EINTR, TOO_MUCH});
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_IO);
    assert_int_equal(script.calls, 1);
}

/** Nothing beyond 2^63 - 1 goes in or comes out; what overflows does not come out small. */
static void io_bounds(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {SEGJ_FILE_SIZE_MAX - 9, SEGJ_FILE_SIZE_MAX, SEGJ_FILE_SIZE_MAX + 1,
                                       UINT64_MAX - 9, UINT64_MAX};
    uint8_t data[10] = {0};
    uint64_t size = 77;
    script_set(NULL, 0);
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        assert_int_equal(segj_io_read(&scripted_file, offsets[i], data, 10, NULL), SEGJ_ERR_IO);
        assert_non_null(strstr(segj_last_error(), "pread of 10 bytes at offset "));
        assert_int_equal(segj_io_write(&scripted_file, offsets[i], data, 10), SEGJ_ERR_IO);
        assert_non_null(strstr(segj_last_error(), "pwrite of 10 bytes at offset "));
        segj_io_write_back(&scripted_file, offsets[i], 10);
    }
    const segj_slice_t huge[] = {{data, SIZE_MAX}, {data, SIZE_MAX}};
    const uint64_t from = SIZE_MAX < UINT64_MAX ? SEGJ_FILE_SIZE_MAX - SIZE_MAX : 0; /* 32 bits need help to overflow */
    assert_int_equal(segj_io_write_slices(&scripted_file, from, huge, 2), SEGJ_ERR_IO);
    assert_int_equal(segj_io_truncate(&scripted_file, SEGJ_FILE_SIZE_MAX + 1), SEGJ_ERR_IO);
    assert_int_equal(script.calls, 0);

    size_t got = 77;
    assert_int_equal(segj_io_read(&scripted_file, SEGJ_FILE_SIZE_MAX - 10, data, 10, &got), SEGJ_OK);
    assert_int_equal(got, 0);
    assert_int_equal(segj_io_truncate(&scripted_file, SEGJ_FILE_SIZE_MAX), SEGJ_OK);
    assert_int_equal(segj_io_size(&scripted_file, &size), SEGJ_OK);
    assert_int_equal(size, SEGJ_FILE_SIZE_MAX);
    script.size++;
    size = 77;
    assert_int_equal(segj_io_size(&scripted_file, &size), SEGJ_ERR_IO);
    assert_int_equal(size, 77);
}

static void io_write_back_is_a_hint(void **state)
{
    (void)state;
    script_set(NULL, 0);
    segj_io_write_back(&scripted_file, 0, 10);
    assert_int_equal(script.calls, 1);
    const segj_storage_t before = scripted;
    scripted.file_write_back = NULL; /* a storage may have no hints */
    segj_io_write_back(&scripted_file, 0, 10);
    scripted = before;
    assert_int_equal(script.calls, 1);
}

static void io_write_behind_asks_for_large_parts(void **state)
{
    (void)state;
    enum { PIECE = 256 << 10, PIECES = 20 };
    segj_io_behind_t behind = {0, 0};
    script_set(NULL, 0);
    for (uint64_t i = 0; i < PIECES; i++)
        segj_io_write_behind(&scripted_file, &behind, 4096 + i * PIECE, PIECE);
    assert_int_equal(script.calls, PIECES / 8);
    segj_io_end_behind(&scripted_file, &behind);
    segj_io_end_behind(&scripted_file, &behind);
    assert_int_equal(script.calls, PIECES / 8 + 1);
    /* What does not lie after it is another part. */
    segj_io_write_behind(&scripted_file, &behind, 0, PIECE);
    segj_io_write_behind(&scripted_file, &behind, 3 * PIECE, PIECE);
    assert_int_equal(script.calls, PIECES / 8 + 2);
    assert_int_equal(behind.from, 3 * PIECE);
    segj_io_end_behind(&scripted_file, &behind);
    assert_int_equal(script.calls, PIECES / 8 + 3);
}

static segj_status_t call_create(void)
{
    return segj_partition_create(&scripted_part);
}

static segj_status_t call_open_part(void)
{
    segj_io_partition_t partition = scripted_part;
    bool missing;
    segj_status_t status = segj_partition_open(&partition, &missing);
    if (status == SEGJ_OK)
        segj_partition_close(&partition);
    return status;
}

static segj_status_t call_lock(void)
{
    segj_io_partition_t partition = scripted_part;
    bool replaced;
    return segj_partition_lock(&partition, true, &replaced);
}

static segj_status_t call_sections(void)
{
    uint64_t *sections;
    size_t count;
    segj_status_t status = segj_partition_sections(&scripted_part, &sections, &count);
    if (status == SEGJ_OK)
        free(sections);
    return status;
}

static segj_status_t call_sync_part(void)
{
    return segj_partition_sync(&scripted_part);
}

static segj_status_t call_sync_directory(void)
{
    return segj_partition_sync_directory(&scripted_part);
}

static segj_status_t call_remove(void)
{
    segj_io_partition_t partition = scripted_part;
    return segj_partition_remove(&partition);
}

static segj_status_t call_unlink(void)
{
    return segj_partition_unlink(&scripted_part, 1);
}

static segj_status_t call_open(void)
{
    segj_io_file_t file;
    return segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_WRITE, NULL);
}

static segj_status_t call_create_file(void)
{
    segj_io_file_t file;
    return segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_CREATE, NULL);
}

static segj_status_t call_size(void)
{
    uint64_t size;
    return segj_io_size(&scripted_file, &size);
}

static segj_status_t call_truncate(void)
{
    return segj_io_truncate(&scripted_file, 512);
}

static segj_status_t call_sync(void)
{
    return segj_io_sync(&scripted_file);
}

/** All of them: made again after EINTR for as long as it takes, and a failure names what and where. */
static void io_calls_and_their_sentences(void **state)
{
    (void)state;
    static const struct {
        segj_status_t (*call)(void);
        const char *sentence;
        bool locks;
        bool changes; /* and without it a journal can still be read */
    } cases[] = {
        {call_create, "DIR/partition: creation", false, false},
        {call_open_part, "DIR/partition: open", false, false},
        {call_lock, "DIR/partition: lock", true, false},
        {call_sections, "DIR/partition: listing", false, false},
        {call_sync_part, "DIR/partition: sync of the partition", false, false},
        {call_sync_directory, "DIR: sync of the directory", false, false},
        {call_remove, "DIR/partition: removal", false, false},
        {call_unlink, "DIR/partition/0000000000000001: removal", false, false},
        {call_open, "DIR/partition/0000000000000001: open", false, true},
        {call_create_file, "DIR/partition/0000000000000001: creation", false, true},
        {call_size, "DIR/partition/0000000000000001: size", false, false},
        {call_truncate, "DIR/partition/0000000000000001: truncation to 512 bytes", false, false},
        {call_sync, "DIR/partition/0000000000000001: sync", false, false},
    };
    static const struct {
        int code;
        segj_status_t status;
    } codes[] = {{EIO, SEGJ_ERR_IO},        {EMFILE, SEGJ_ERR_IO},       {EACCES, SEGJ_ERR_IO},
                 {ENOMEM, SEGJ_ERR_MEMORY}, {ENOSPC, SEGJ_ERR_NO_SPACE}, {EDQUOT, SEGJ_ERR_NO_SPACE}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        script_set(NULL, 0);
        script.count = 40;
        for (size_t j = 0; j < script.count; j++)
            script.steps[j].code = EINTR;
        assert_int_equal(cases[i].call(), SEGJ_OK);
        assert_int_equal(script.calls, 41);
        for (size_t j = 0; j < COUNT_OF(codes); j++) {
            SCRIPT({EINTR, 0}, {codes[j].code, 0});
            if (codes[j].code == ENOSPC) /* for good: a removal is tried again */
                while (script.count < 10)
                    script.steps[script.count++] = script.steps[1];
            assert_int_equal(cases[i].call(), codes[j].status);
            if (cases[i].changes && codes[j].code == EACCES)
                assert_non_null(strstr(segj_last_error(), "config.read_only opens a journal without a change"));
            else
                expect_sentence(cases[i].sentence, codes[j].code);
            assert_int_equal(script.calls, cases[i].call == call_unlink && codes[j].code == ENOSPC ? 10 : 2);
        }
        SCRIPT({EWOULDBLOCK, 0});
        assert_int_equal(cases[i].call(), cases[i].locks ? SEGJ_ERR_LOCKED : SEGJ_ERR_IO);
    }
}

/* FUSE renames what is still open, and a full file system has no room for the name until the close has arrived. */
static void io_a_removal_waits_for_room(void **state)
{
    (void)state;
    SCRIPT({ENOSPC, 0}, {EINTR, 0}, {ENOSPC, 0}, {0, 0});
    assert_int_equal(call_unlink(), SEGJ_OK);
    assert_int_equal(script.calls, 4);
    SCRIPT({EIO, 0}, {0, 0});
    assert_int_equal(call_unlink(), SEGJ_ERR_IO);
    assert_int_equal(script.calls, 1);
}

static void io_only_enoent_is_missing(void **state)
{
    (void)state;
    static const int others[] = {ENOTDIR, ELOOP, EACCES, EIO, EMFILE, ESTALE, EINVAL, -ENOENT};
    segj_io_partition_t partition = {.storage = &scripted, .directory = "DIR", .name = "partition"};
    segj_io_file_t file = {.section = 42};
    bool missing = false;
    SCRIPT({EINTR, 0}, {ENOENT, 0}, {ENOENT, 0}, {ENOENT, 0});
    assert_int_equal(segj_partition_open(&partition, &missing), SEGJ_OK);
    assert_true(missing);
    assert_null(partition.opened);
    missing = false;
    assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_READ, &missing), SEGJ_OK);
    assert_true(missing);
    assert_null(file.opened);
    assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_READ, NULL), SEGJ_ERR_IO);
    SCRIPT({ENOENT, 0}, {ENOENT, 0}, {ENOENT, 0}, {ENOENT, 0});
    missing = false;
    assert_int_equal(segj_partition_open(&partition, NULL), SEGJ_ERR_IO);
    assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_CREATE, &missing), SEGJ_ERR_IO);
    assert_int_equal(segj_partition_create(&partition), SEGJ_ERR_IO);
    assert_int_equal(segj_last_errno(), ENOENT);
    assert_int_equal(segj_partition_sync_directory(&partition), SEGJ_ERR_IO);
    assert_false(missing);

    file.section = 42;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        SCRIPT({others[i], 0}, {others[i], 0});
        assert_int_equal(segj_partition_open(&partition, &missing), SEGJ_ERR_IO);
        assert_int_equal(segj_last_errno(), others[i]);
        assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_WRITE, &missing), SEGJ_ERR_IO);
        assert_int_equal(segj_last_errno(), others[i]);
        assert_false(missing);
        assert_int_equal(file.section, 42); /* untouched */
    }
    script_set(NULL, 0);
    script.gives_nothing = true; /* success, and nothing opened */
    assert_int_equal(segj_partition_open(&partition, &missing), SEGJ_ERR_IO);
    assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_WRITE, &missing), SEGJ_ERR_IO);
}

/** A file that is there before it is made was not made here: no failure of the storage, and nothing to be undone. */
static void io_creation_meets_a_file(void **state)
{
    (void)state;
    segj_io_file_t file = {.section = 42};
    bool missing = true;
    SCRIPT({EINTR, 0}, {EEXIST, 0}, {EEXIST, 0});
    assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_CREATE, &missing), SEGJ_ERR_CORRUPT);
    expect_sentence("DIR/partition/0000000000000001: creation", EEXIST);
    assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_WRITE, &missing), SEGJ_ERR_IO);
    assert_true(missing); /* both untouched */
    assert_int_equal(file.section, 42);
}

/** What is gone already was to be gone. The name goes while the partition is open and locked, and it stays so, so
 *  that nobody can lock it in between. */
static void io_removal_leaves_the_partition_open(void **state)
{
    (void)state;
    static const struct {
        int code;
        segj_status_t status;
    } cases[] = {{0, SEGJ_OK}, {ENOENT, SEGJ_OK}, {EBUSY, SEGJ_ERR_IO}, {ESTALE, SEGJ_ERR_MISMATCH}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        segj_io_partition_t partition = scripted_part;
        SCRIPT({EINTR, 0}, {cases[i].code, 0});
        assert_int_equal(segj_partition_remove(&partition), cases[i].status);
        assert_non_null(partition.opened);
        assert_int_equal(script.closed, 0);
    }
    SCRIPT({ENOENT, 0});
    assert_int_equal(segj_partition_unlink(&scripted_part, 1), SEGJ_OK);
}

static void io_closing_twice_closes_once(void **state)
{
    (void)state;
    segj_io_partition_t partition = scripted_part;
    segj_io_file_t file = scripted_file;
    script_set(NULL, 0);
    for (int i = 0; i < 2; i++) {
        segj_partition_close(&partition);
        segj_io_close(&file);
    }
    assert_int_equal(script.closed, 2);
}

static void io_lock_answers(void **state)
{
    (void)state;
    segj_io_partition_t partition = scripted_part;
    bool replaced = false;
    SCRIPT({EINTR, 0}, {ESTALE, 0}, {0, 0}, {EWOULDBLOCK, 0});
    assert_int_equal(segj_partition_lock(&partition, true, &replaced), SEGJ_OK);
    assert_true(replaced);
    assert_int_equal(segj_partition_lock(&partition, true, &replaced), SEGJ_OK);
    assert_false(replaced);
    replaced = true;
    assert_int_equal(segj_partition_lock(&partition, true, &replaced), SEGJ_ERR_LOCKED);
    assert_true(replaced);
    assert_string_equal(
        segj_last_error(),
        "DIR/partition: open elsewhere, exclusive lock refused: a writer or a reader, or a child process "
        "forked by one, holds it");
}

static void io_listing_is_judged(void **state)
{
    (void)state;
    uint64_t *sections = NULL;
    size_t count = 99;
    SCRIPT({EINTR, 0}, {EINTR, 0}); /* interrupted after its visits: what they found does not count twice */
    script.entries[0] = "0000000000000002";
    script.entries[1] = "0000000000000001";
    script.entries[2] = ".0000000000000003";
    script.entries[3] = "0000000000000002"; /* some file systems repeat themselves */
    script.entries[4] = "lost+found";
    assert_int_equal(segj_partition_sections(&scripted_part, &sections, &count), SEGJ_OK);
    assert_int_equal(count, 2);
    assert_int_equal(sections[0], 1);
    assert_int_equal(sections[1], 2);
    free(sections);
    sections = NULL;
    count = 99;

    SCRIPT({EINTR, 0}, {EIO, 0});
    script.entries[0] = "0000000000000001";
    script.entries[1] = "000000000000000X";
    script.entries[2] = "0000000000000002x";
    script.ignores_visitor = true; /* the first entry is named, even so */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(segj_partition_sections(&scripted_part, &sections, &count), SEGJ_ERR_CORRUPT);
        assert_string_equal(segj_last_error(),
                            "DIR/partition: the entry \"000000000000000X\" is not named like a section: move it away");
        assert_int_equal(script.calls, i + 1);
    }
    script_set(NULL, 0);
    script.entries[0] = "lost+found"; /* passed over, whatever it is */
    script.entries[1] = "0000000000000001";
    script.kind = SEGJ_ENTRY_OTHER;
    assert_int_equal(segj_partition_sections(&scripted_part, &sections, &count), SEGJ_ERR_CORRUPT);
    assert_string_equal(segj_last_error(),
                        "DIR/partition/0000000000000001: named like a section, but no regular file: move it away");
    assert_null(sections);
    assert_int_equal(count, 99);
}

static void io_fail_names_the_place(void **state)
{
    (void)state;
    assert_int_equal(segj_io_fail(SEGJ_ERR_CORRUPT, &scripted_file, 12288, "page %d: no valid slot", 3),
                     SEGJ_ERR_CORRUPT);
    assert_string_equal(segj_last_error(), "DIR/partition/0000000000000001, offset 12288: page 3: no valid slot");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(io_names),
        cmocka_unit_test(io_read_goes_on),
        cmocka_unit_test(io_read_meets_the_end),
        cmocka_unit_test(io_read_fails),
        cmocka_unit_test(io_write_goes_on),
        cmocka_unit_test(io_write_fails),
        cmocka_unit_test(io_bounds),
        cmocka_unit_test(io_write_back_is_a_hint),
        cmocka_unit_test(io_write_behind_asks_for_large_parts),
        cmocka_unit_test(io_calls_and_their_sentences),
        cmocka_unit_test(io_a_removal_waits_for_room),
        cmocka_unit_test(io_only_enoent_is_missing),
        cmocka_unit_test(io_creation_meets_a_file),
        cmocka_unit_test(io_removal_leaves_the_partition_open),
        cmocka_unit_test(io_closing_twice_closes_once),
        cmocka_unit_test(io_lock_answers),
        cmocka_unit_test(io_listing_is_judged),
        cmocka_unit_test(io_fail_names_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
