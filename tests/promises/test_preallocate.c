/*
 * promises/test_preallocate.c: zeros kept behind the values of a section that is synced again and again: what they are
 * for, when they go, and that nobody takes them for data.
 */
#include "promises/fixture.h"
#include "promises/watch.h"
#include "support/recorder.h"

#include <errno.h>
#include <string.h>

enum { AHEAD = 1000, VALUE = 60 };

#define FRAME (tested_head(SMALL_ENTRY) + VALUE + FRAME_CHECKSUM)

static void append_and_sync(fixture_t *f, uint64_t section)
{
    (void)append_filled(f->journal, section, 1, 'v', VALUE, NULL);
    assert_ok(oversized_sync(f->journal, section));
}

static uint64_t values_size(const fixture_t *f, uint64_t section)
{
    return file_size(values_path(f, section).text) - tested_values_data();
}

/* From the second sync on the file is longer than its frames, and stays as long as it is until they reach its end. */
static void test_a_sync_leaves_the_size_alone(void **state)
{
    fixture_t *f = *state;
    f->config.preallocate = AHEAD;
    open_journal(f);
    append_and_sync(f, 1);
    assert_int_equal(values_size(f, 1), FRAME);
    for (uint64_t records = 2, size = 0; records < 100; records++) {
        append_and_sync(f, 1);
        size = records * FRAME > size ? records * FRAME + AHEAD : size;
        assert_int_equal(values_size(f, 1), size);
    }
    for (uint64_t position = 0; position < 99; position++)
        check_filled(f->journal, 1, position, 1, 'v', VALUE);
}

/* However many are asked for, in however many calls: they are zeros, and all of them. */
static void test_as_many_as_are_asked_for(void **state)
{
    fixture_t *f = *state;
    static const size_t sizes[] = {1, 32767, 32769, 524288, 524289, 1300000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t section = i + 1;
        f->config.preallocate = sizes[i];
        open_journal(f);
        append_and_sync(f, section);
        append_and_sync(f, section);
        assert_int_equal(values_size(f, section), 2 * FRAME + sizes[i]);
        bytes_t file = read_file(values_path(f, section).text);
        for (size_t k = file.size - sizes[i]; k < file.size; k++)
            assert_int_equal(file.data[k], 0);
        free_bytes(&file);
        close_journal(f);
    }
}

static void test_without_it_files_end_with_their_frames(void **state)
{
    fixture_t *f = *state;
    f->config.preallocate = 0;
    open_journal(f);
    for (uint64_t records = 1; records < 30; records++) {
        append_and_sync(f, 1);
        assert_int_equal(values_size(f, 1), records * FRAME);
    }
}

/* Nothing is said: a section of version 2 gets them from its ninth small sync on. */
static void test_the_library_finds_out_itself(void **state)
{
    fixture_t *f = *state;
    bool log = f->config.native_version == 2;
    assert_true(f->config.preallocate == SEGJ_PREALLOCATE_AUTO);
    open_journal(f);
    for (uint64_t records = 1; records < 30; records++) {
        append_and_sync(f, 1);
        uint64_t zeros = log && records > 8 ? 9 * FRAME + 65536 - records * FRAME : 0;
        assert_int_equal(values_size(f, 1), records * FRAME + zeros);
    }
    /* A large sync goes over them, and ends them. */
    (void)append_filled(f->journal, 1, 1, 'l', 140000, NULL);
    assert_ok(oversized_sync(f->journal, 1));
    uint64_t end = 29 * FRAME + 140000 + FRAME - VALUE;
    assert_int_equal(values_size(f, 1), end);
    for (uint64_t more = 1; more < 9; more++) {
        append_and_sync(f, 1);
        assert_int_equal(values_size(f, 1), end + more * FRAME);
    }
    /* Where there is more, more is kept: an eighth. */
    (void)append_filled(f->journal, 1, 1, 'l', 600000, NULL);
    assert_ok(oversized_sync(f->journal, 1));
    end += 8 * FRAME + 600000 + FRAME - VALUE;
    for (uint64_t more = 1; more < 9; more++)
        append_and_sync(f, 1);
    append_and_sync(f, 1);
    end += 9 * FRAME;
    assert_int_equal(values_size(f, 1), end + (log ? end / 8 : 0));
    close_journal(f);
    assert_int_equal(values_size(f, 1), end);
}

/* Syncs of some size get enough zeros for a few more like them, and a sync of 128 KiB gets none. */
static void test_larger_syncs_keep_more(void **state)
{
    fixture_t *f = *state;
    enum { LARGE = 100000, LARGEST = 131072 };
    bool log = f->config.native_version == 2;
    uint64_t frame = tested_head(SMALL_ENTRY) + LARGE + FRAME_CHECKSUM;
    open_journal(f);
    for (uint64_t records = 1; records < 30; records++) {
        (void)append_filled(f->journal, 1, 1, 'm', LARGE, NULL);
        assert_ok(oversized_sync(f->journal, 1));
        uint64_t after = log && records > 8 ? 4 - (records - 9) % 5 : 0; /* so many syncs find room */
        assert_int_equal(values_size(f, 1), (records + after) * frame);
    }
    for (unsigned i = 0; i < 12; i++) {
        (void)append_filled(f->journal, 1, 1, 'n', LARGEST - tested_head(SMALL_ENTRY) - FRAME_CHECKSUM, NULL);
        assert_ok(oversized_sync(f->journal, 1));
    }
    assert_int_equal(values_size(f, 1), 29 * frame + (uint64_t)12 * LARGEST);
}

/* The cut is durable too: the next open finds nothing to do. */
static void test_close_gives_them_back(void **state)
{
    fixture_t *f = *state;
    f->config.preallocate = AHEAD;
    open_journal(f);
    append_and_sync(f, 1);
    append_and_sync(f, 1);
    assert_int_equal(values_size(f, 1), 2 * FRAME + AHEAD);
    close_journal(f);
    assert_int_equal(values_size(f, 1), 2 * FRAME);
    assert_int_equal(watch_seen()->unsynced, 0);
    open_journal(f);
    assert_int_equal(oversized_recovery(f->journal)->sections_repaired, 0);
    assert_int_equal(oversized_recovery(f->journal)->value_bytes_truncated, 0);
}

static void test_after_a_crash_open_cuts_them(void **state)
{
    fixture_t *f = *state;
    f->config.preallocate = AHEAD;
    f->config.strict = true;
    open_journal(f);
    append_and_sync(f, 1);
    append_and_sync(f, 1);
    abandon_and_open(f);
    assert_int_equal(oversized_recovery(f->journal)->records, 2);
    assert_int_equal(oversized_recovery(f->journal)->value_bytes_truncated, AHEAD);
    assert_int_equal(values_size(f, 1), 2 * FRAME);
    check_filled(f->journal, 1, 1, 1, 'v', VALUE);
}

/* Four descriptors are enough for one section at a time: to write to another one it comes to rest. */
static void test_a_section_that_comes_to_rest_gives_them_back(void **state)
{
    fixture_t *f = *state;
    f->config.preallocate = AHEAD;
    f->config.max_open_files = 4;
    open_journal(f);
    append_and_sync(f, 1);
    append_and_sync(f, 1);
    append_and_sync(f, 2);
    assert_int_equal(values_size(f, 1), 2 * FRAME);
    append_and_sync(f, 1);
    append_and_sync(f, 1);
    assert_int_equal(values_size(f, 1), 4 * FRAME + AHEAD);
    check_filled(f->journal, 1, 3, 1, 'v', VALUE);
}

/* What is cut away and written again is never followed by what was there before. */
static void test_a_rewind_takes_them_along(void **state)
{
    fixture_t *f = *state;
    f->config.preallocate = AHEAD;
    open_journal(f);
    for (unsigned i = 0; i < 5; i++)
        append_and_sync(f, 1);
    assert_ok(oversized_rewind_section(f->journal, 1, 2 * SMALL_RECORD));
    assert_int_equal(values_size(f, 1), 2 * FRAME);
    append_and_sync(f, 1);
    append_and_sync(f, 1);
    assert_int_equal(values_size(f, 1), 4 * FRAME + AHEAD);
    abandon_and_open(f);
    for (uint64_t position = 0; position < 4; position++)
        check_filled(f->journal, 1, position, 1, 'v', VALUE);
}

/* Values that need no sync to reach the file go over the zeros, whole buffers and large ones too. */
static void test_values_of_all_sizes_go_over_them(void **state)
{
    fixture_t *f = *state;
    static const size_t sizes[] = {0, 1, 500, 2000, 5000, 10, 1020};
    f->config.preallocate = AHEAD;
    open_journal(f);
    append_and_sync(f, 1);
    for (uint64_t i = 0; i < 70; i++) {
        (void)append_filled(f->journal, 1, i, (uint8_t)i, sizes[i % 7], NULL);
        if (i % 3 == 0)
            assert_ok(oversized_sync(f->journal, 1));
    }
    for (uint64_t i = 0; i < 70; i++)
        check_filled(f->journal, 1, i + 1, i, (uint8_t)i, sizes[i % 7]);
    close_and_open(f);
    for (uint64_t i = 0; i < 70; i++)
        check_filled(f->journal, 1, i + 1, i, (uint8_t)i, sizes[i % 7]);
}

/* A stream has the end of the file, without a lock: a sync of what came before it keeps off, once its bytes are
 * there. */
static void test_a_stream_is_not_written_over(void **state)
{
    fixture_t *f = *state;
    static const uint8_t entry[SMALL_ENTRY] = {1};
    static uint8_t piece[100000];
    oversized_writer_t *writer;
    uint64_t position;
    memset(piece, 's', sizeof piece);
    f->config.preallocate = AHEAD;
    open_journal(f);
    append_and_sync(f, 1);
    (void)append_filled(f->journal, 1, 1, 'v', VALUE, NULL);
    assert_ok(oversized_writer_open(f->journal, 1, entry, 10 * sizeof piece, &writer));
    for (unsigned i = 0; i < 10; i++) {
        assert_ok(oversized_writer_write(writer, piece, sizeof piece));
        if (i == 7)
            assert_true(values_size(f, 1) > (uint64_t)2 * FRAME + AHEAD); /* some of it */
        if (i >= 7)
            assert_ok(oversized_sync(f->journal, 1));
    }
    assert_ok(oversized_writer_finish(writer, &position, NULL));
    assert_ok(oversized_sync(f->journal, 1));
    assert_ok(oversized_read(f->journal, 1, position, NULL, &f->value));
    assert_int_equal(f->value.size, 10 * sizeof piece);
    for (size_t i = 0; i < f->value.size; i++)
        assert_int_equal(((const uint8_t *)f->value.data)[i], 's');
}

/* They are a convenience: a disk that has room for the value and none for them is not full. */
/* The values are written before them, what of them was written is given back, and they are tried again later. */
static void test_no_room_for_them_is_no_failure(void **state)
{
    fixture_t *f = *state;
    recorder_t *recorder = recorder_new(f->config.storage);
    f->config.storage = recorder_storage(recorder);
    f->config.preallocate = AHEAD;
    open_journal(f);
    append_and_sync(f, 1);
    recorder_fail(recorder, RECORD_FILE_WRITE, 1, 1, ENOSPC);
    append_and_sync(f, 1);
    assert_int_equal(values_size(f, 1), 2 * FRAME);
    append_and_sync(f, 1);
    assert_int_equal(values_size(f, 1), 3 * FRAME);
    append_and_sync(f, 1);
    assert_int_equal(values_size(f, 1), 4 * FRAME + AHEAD);
    close_and_open(f);
    check_filled(f->journal, 1, 3, 1, 'v', VALUE);
    close_journal(f);
    recorder_free(recorder);
}

/* Where they cannot be given back either they stay, and are no values. */
static void test_zeros_that_stay_are_no_values(void **state)
{
    fixture_t *f = *state;
    recorder_t *recorder = recorder_new(f->config.storage);
    f->config.storage = recorder_storage(recorder);
    f->config.preallocate = 600000; /* two writes */
    open_journal(f);
    append_and_sync(f, 1);
    recorder_fail(recorder, RECORD_FILE_WRITE, 2, 1, ENOSPC);
    recorder_fail(recorder, RECORD_FILE_TRUNCATE, 0, 1, EIO);
    append_and_sync(f, 1);
    assert_int_equal(values_size(f, 1), 2 * FRAME + 524288);
    append_and_sync(f, 1);
    append_and_sync(f, 1);
    close_and_open(f);
    assert_int_equal(values_size(f, 1), 4 * FRAME);
    for (uint64_t position = 0; position < 4; position++)
        check_filled(f->journal, 1, position, 1, 'v', VALUE);
    close_journal(f);
    recorder_free(recorder);
}

/* Where there is no room for something else, zeros are given back, but not those that a stream has written over. */
static void test_a_stream_keeps_what_it_has_written(void **state)
{
    fixture_t *f = *state;
    static const uint8_t entry[SMALL_ENTRY] = {1};
    static uint8_t piece[100000];
    oversized_writer_t *writer;
    uint64_t position;
    recorder_t *recorder = recorder_new(f->config.storage);
    f->config.storage = recorder_storage(recorder);
    memset(piece, 's', sizeof piece);
    f->config.preallocate = AHEAD;
    open_journal(f);
    append_and_sync(f, 1);
    append_and_sync(f, 1);
    assert_ok(oversized_writer_open(f->journal, 1, entry, 20 * sizeof piece, &writer));
    for (unsigned i = 0; i < 20; i++) {
        assert_ok(oversized_writer_write(writer, piece, sizeof piece));
        if (i != 17)
            continue;
        assert_true(values_size(f, 1) > (uint64_t)2 * FRAME + AHEAD);
        recorder_fail(recorder, RECORD_FILE_WRITE, 0, 1, ENOSPC);
        assert_status(oversized_append(f->journal, 2, entry, piece, 10, NULL, NULL), SEGJ_ERR_NO_SPACE);
        assert_ok(oversized_append(f->journal, 2, entry, piece, 10, NULL, NULL));
    }
    assert_ok(oversized_writer_finish(writer, &position, NULL));
    assert_ok(oversized_read(f->journal, 1, position, NULL, &f->value));
    assert_int_equal(f->value.size, 20 * sizeof piece);
    for (size_t i = 0; i < f->value.size; i++)
        assert_int_equal(((const uint8_t *)f->value.data)[i], 's');
    close_journal(f);
    recorder_free(recorder);
}

/* A prune that is refused has changed nothing: what is appended then goes on where it was. */
static void test_a_prune_that_fails_leaves_the_section_as_it_was(void **state)
{
    fixture_t *f = *state;
    recorder_t *recorder = recorder_new(f->config.storage);
    f->config.storage = recorder_storage(recorder);
    f->config.preallocate = AHEAD;
    open_journal(f);
    append_and_sync(f, 1);
    for (unsigned i = 0; i < 5000; i++) /* so many that the index of version 2 follows */
        (void)append_filled(f->journal, 1, 1, 'v', VALUE, NULL);
    assert_ok(oversized_sync(f->journal, 1));
    assert_true(values_size(f, 1) > 5001 * FRAME);
    recorder_fail(recorder, RECORD_FILE_REMOVE, 0, 1, EIO);
    assert_status(oversized_prune(f->journal, 2, NULL), SEGJ_ERR_IO);
    assert_null(oversized_error(f->journal));
    append_and_sync(f, 1);
    check_filled(f->journal, 1, 5001, 1, 'v', VALUE);
    close_and_open(f);
    check_filled(f->journal, 1, 5001, 1, 'v', VALUE);
    close_journal(f);
    recorder_free(recorder);
}

static void test_its_bounds_are_told(void **state)
{
    fixture_t *f = *state;
    f->config.preallocate = ((size_t)1 << 30) + 1;
    refuse_open(f, SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "preallocate"));
    f->config.preallocate = AHEAD;
    f->config.format = SEGJ_FORMAT_COMMONWARE;
    f->config.native_version = 0;
    refuse_open(f, SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "preallocate"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_sync_leaves_the_size_alone),
        PROMISE(test_as_many_as_are_asked_for),
        PROMISE(test_without_it_files_end_with_their_frames),
        PROMISE(test_the_library_finds_out_itself),
        PROMISE(test_larger_syncs_keep_more),
        PROMISE(test_close_gives_them_back),
        PROMISE(test_after_a_crash_open_cuts_them),
        PROMISE(test_a_section_that_comes_to_rest_gives_them_back),
        PROMISE(test_a_rewind_takes_them_along),
        PROMISE(test_values_of_all_sizes_go_over_them),
        PROMISE(test_a_stream_is_not_written_over),
        PROMISE(test_no_room_for_them_is_no_failure),
        PROMISE(test_zeros_that_stay_are_no_values),
        PROMISE(test_a_stream_keeps_what_it_has_written),
        PROMISE(test_a_prune_that_fails_leaves_the_section_as_it_was),
        PROMISE(test_its_bounds_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
