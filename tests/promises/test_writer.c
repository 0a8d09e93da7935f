/*
 * promises/test_writer.c: values that arrive in pieces over time: oversized_writer_open(), _write(), _finish() and
 * _abandon(), and what the rest of the journal may do meanwhile.
 */
#include "promises/fixture.h"
#include "promises/watch.h"
#include "segjournal/tools.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

static oversized_writer_t *begin(fixture_t *f, uint64_t section, uint64_t size)
{
    oversized_writer_t *writer = NULL;
    assert_ok(oversized_writer_open(f->journal, section, entry, size, &writer));
    assert_non_null(writer);
    return writer;
}

/* Noise, so that compression leaves its size; written in parts of `part` bytes. */
static uint8_t *stream(oversized_writer_t *writer, size_t size, size_t part)
{
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    fill_noise(bytes, size, size + part);
    for (size_t at = 0; at < size; at += part)
        assert_ok(oversized_writer_write(writer, bytes + at, size - at < part ? size - at : part));
    return bytes;
}

static void check_value(fixture_t *f, uint64_t section, uint64_t position, const uint8_t *bytes, size_t size)
{
    uint8_t found[SMALL_ENTRY];
    assert_ok(oversized_read(f->journal, section, position, found, &f->value));
    assert_memory_equal(found, entry, sizeof entry);
    assert_int_equal(f->value.size, size);
    if (size > 0)
        assert_memory_equal(f->value.data, bytes, size);
}

/* Appends a value of this size through a writer, behind and before samples, and reads it back, also after a reopen. */
static void write_and_read(fixture_t *f, uint64_t announced, size_t size, size_t part)
{
    uint64_t position = UINT64_MAX;
    oversized_location_t location;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    uint64_t end = value_size_of(f->journal, 1);
    oversized_writer_t *writer = begin(f, 1, announced);
    uint8_t *bytes = stream(writer, size, part);
    assert_int_equal(count_of(f->journal, 1), 3);
    assert_ok(oversized_writer_finish(writer, &position, &location));
    assert_int_equal(position, 3);
    assert_int_equal(location.offset, end);
    assert_int_equal(tested_frame_end(location, SMALL_ENTRY), value_size_of(f->journal, 1));
    check_value(f, 1, 3, bytes, size);
    append_sample(f->journal, 1, 0);
    check_sample(f->journal, 1, 4, 0);
    assert_ok(oversized_sync(f->journal, 1));
    abandon_and_open(f);
    check_value(f, 1, 3, bytes, size);
    check_sample(f->journal, 1, 4, 0);
    free(bytes);
    assert_ok(oversized_destroy(f->journal));
    f->journal = NULL;
}

static void test_what_is_written_reads_back(void **state)
{
    fixture_t *f = *state;
    static const size_t sizes[] = {0, 1, 1000, 262139, 262140, 262141, 262144, 262145, 524284, 1000000};
    for (int zstd = 0; zstd < 2; zstd++) {
        f->config.compression = zstd;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            write_and_read(f, sizes[i], sizes[i], sizes[i] + 1);
            write_and_read(f, sizes[i], sizes[i], 70001);
            write_and_read(f, OVERSIZED_SIZE_UNKNOWN, sizes[i], sizes[i] + 1);
            write_and_read(f, OVERSIZED_SIZE_UNKNOWN, sizes[i], 70001);
        }
        write_and_read(f, 3000, 3000, 1);
        write_and_read(f, OVERSIZED_SIZE_UNKNOWN, 3000, 1);
    }
}

/* Nobody says how long the value will be: it may be as long as any. What compresses, and what does not; the stored value
 * says its size, as others do, so that all ways to read it know that before. */
static void test_the_size_may_be_unknown(void **state)
{
    fixture_t *f = *state;
    static uint8_t same[300000];
    f->config.compression = 1;
    f->config.max_value_size = sizeof same;
    open_journal(f);
    for (size_t size = 0; size <= sizeof same; size += 100000) {
        uint64_t position;
        oversized_location_t location;
        oversized_reader_t *reader = NULL;
        oversized_writer_t *writer = begin(f, 1, OVERSIZED_SIZE_UNKNOWN);
        for (size_t at = 0; at < size; at += 50000)
            assert_ok(oversized_writer_write(writer, same, 50000));
        assert_status(oversized_writer_write(writer, same, sizeof same - size + 1), SEGJ_ERR_TOO_LARGE);
        assert_ok(oversized_writer_finish(writer, &position, &location));
        assert_true(location.size < 100);
        check_value(f, 1, position, same, size);
        assert_ok(oversized_reader_open(f->journal, 1, location, true, &reader));
        oversized_reader_close(reader);
    }
    assert_ok(oversized_verify(f->journal, NULL, NULL));
    close_and_open(f);
    assert_ok(oversized_verify(f->journal, NULL, NULL));
    check_value(f, 1, 3, same, sizeof same);
}

static void test_a_writer_may_make_its_section(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    oversized_writer_t *writer = begin(f, 7, 5);
    assert_int_equal(count_of(f->journal, 7), 0);
    assert_ok(oversized_writer_write(writer, "hello", 5));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
    assert_ok(oversized_sync(f->journal, 7));
    abandon_and_open(f);
    check_value(f, 7, 0, (const uint8_t *)"hello", 5);
}

static void test_an_abandoned_writer_appends_nothing(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    for (size_t size = 1; size < 600000; size = size * 7 + 1) {
        oversized_writer_t *writer = begin(f, 1, size);
        free(stream(writer, size, 5000));
        oversized_writer_abandon(writer);
        check_section(f->journal, 1, 3, 0);
    }
    oversized_writer_abandon(NULL);
    append_sample(f->journal, 1, 0);
    close_and_open(f);
    check_section(f->journal, 1, 4, 0);
    check_files(f, 1, 4, 0);
}

/* The bytes of a value that was given up lie behind the end until a close, a sync's retirement or an append cuts
 * them. */
static void test_a_close_cuts_what_an_abandoned_writer_left(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    oversized_writer_t *writer = begin(f, 1, 600000);
    free(stream(writer, 600000, 600000));
    oversized_writer_abandon(writer);
    close_journal(f);
    f->config.strict = true;
    open_journal(f);
    assert_int_equal(oversized_recovery(f->journal)->value_bytes_truncated, 0);
    check_section(f->journal, 1, 3, 0);
    check_files(f, 1, 3, 0);
}

static void test_a_kill_beneath_a_writer_leaves_what_was_before(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    assert_ok(oversized_sync(f->journal, 1));
    oversized_writer_t *writer = begin(f, 1, 600000);
    free(stream(writer, 600000, 600000));
    path_t copy = snapshot(f);
    oversized_writer_abandon(writer);
    close_journal(f);
    remove_tree(f->directory.text);
    assert_int_equal(rename(copy.text, f->directory.text), 0);
    open_journal(f);
    assert_true(oversized_recovery(f->journal)->value_bytes_truncated > 500000);
    check_section(f->journal, 1, 3, 0);
}

static void test_sizes_are_kept_to(void **state)
{
    fixture_t *f = *state;
    f->config.max_value_size = 1000;
    open_journal(f);
    append_sample(f->journal, 1, 0);
    oversized_writer_t *writer = NULL;
    assert_status(oversized_writer_open(f->journal, 1, entry, 1001, &writer), SEGJ_ERR_TOO_LARGE);
    assert_null(writer);
    writer = begin(f, 1, 10);
    assert_ok(oversized_writer_write(writer, "12345", 5));
    assert_status(oversized_writer_write(writer, "123456", 6), SEGJ_ERR_INVALID);
    assert_status(oversized_writer_finish(writer, NULL, NULL), SEGJ_ERR_INVALID);
    check_section(f->journal, 1, 1, 0);
    writer = begin(f, 1, 10);
    assert_ok(oversized_writer_write(writer, "12345", 5));
    assert_status(oversized_writer_write(writer, "123456", 6), SEGJ_ERR_INVALID);
    assert_ok(oversized_writer_write(writer, "67890", 5)); /* what was refused was not taken */
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
    check_value(f, 1, 1, (const uint8_t *)"1234567890", 10);
}

static void test_null_arguments_are_refused(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    oversized_writer_t *writer = NULL;
    assert_status(oversized_writer_open(NULL, 1, entry, 1, &writer), SEGJ_ERR_INVALID);
    assert_status(oversized_writer_open(f->journal, 1, NULL, 1, &writer), SEGJ_ERR_INVALID);
    assert_status(oversized_writer_open(f->journal, 1, entry, 1, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_writer_write(NULL, "x", 1), SEGJ_ERR_INVALID);
    assert_status(oversized_writer_finish(NULL, NULL, NULL), SEGJ_ERR_INVALID);
    assert_no_sections(f->journal);
    writer = begin(f, 1, 1);
    assert_status(oversized_writer_write(writer, NULL, 1), SEGJ_ERR_INVALID);
    assert_ok(oversized_writer_write(writer, NULL, 0));
    oversized_writer_abandon(writer);
}

/* --- the rest of the journal meanwhile --- */

static void test_a_streamed_section_refuses_other_changes(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    append_samples(f->journal, 2, 3, 0);
    oversized_writer_t *writer = begin(f, 2, 5);
    oversized_writer_t *second = NULL;
    oversized_record_t record = {entry, "x", 1};
    assert_ok(oversized_writer_write(writer, "he", 2));
    assert_status(oversized_append(f->journal, 2, entry, "x", 1, NULL, NULL), SEGJ_ERR_BUSY);
    assert_status(oversized_append_batch(f->journal, 2, &record, 1, NULL, NULL), SEGJ_ERR_BUSY);
    assert_status(oversized_writer_open(f->journal, 2, entry, 1, &second), SEGJ_ERR_BUSY);
    assert_status(oversized_rewind_section(f->journal, 2, 0), SEGJ_ERR_BUSY);
    assert_status(oversized_rewind(f->journal, 2, SMALL_RECORD), SEGJ_ERR_BUSY);
    assert_status(oversized_rewind(f->journal, 1, 3 * SMALL_RECORD), SEGJ_ERR_BUSY);
    assert_status(oversized_rewind_to(f->journal, 2, 2), SEGJ_ERR_BUSY);
    assert_status(oversized_rewind_section_to(f->journal, 2, 2), SEGJ_ERR_BUSY);
    assert_status(oversized_prune(f->journal, 3, NULL), SEGJ_ERR_BUSY);
    assert_status(oversized_destroy(f->journal), SEGJ_ERR_BUSY); /* and the journal is still there */
    check_section(f->journal, 1, 3, 0);
    check_section(f->journal, 2, 3, 0);
    assert_ok(oversized_writer_write(writer, "llo", 3));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
    check_value(f, 2, 3, (const uint8_t *)"hello", 5);
    assert_ok(oversized_prune(f->journal, 3, NULL));
}

static void test_syncs_and_other_sections_go_on_beneath_a_writer(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    append_samples(f->journal, 2, 3, 0);
    oversized_writer_t *writer = begin(f, 2, 300000);
    for (unsigned part = 0; part < 30; part++) {
        static const uint8_t bytes[10000] = {7, 8, 9};
        assert_ok(oversized_writer_write(writer, bytes, sizeof bytes));
        append_sample(f->journal, 1, 0);
        assert_ok(oversized_sync(f->journal, 1 + part % 2));
        check_section(f->journal, 2, 3, 0);
    }
    assert_ok(oversized_prune(f->journal, 2, NULL));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
    append_sample(f->journal, 2, 0);
    assert_ok(oversized_sync_all(f->journal));
    abandon_and_open(f);
    assert_int_equal(count_of(f->journal, 2), 5);
    check_samples(f->journal, 2, 0, 3, 0);
    check_sample(f->journal, 2, 4, 0);
}

/* A section that is streamed into keeps its descriptors: of four, two are readers', so no second one can be written. */
static void test_a_streamed_section_is_never_closed_for_another(void **state)
{
    fixture_t *f = *state;
    f->config.max_open_files = 4;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    append_samples(f->journal, 2, 3, 0);
    oversized_writer_t *writer = begin(f, 1, 5);
    assert_status(oversized_append(f->journal, 2, entry, "x", 1, NULL, NULL), SEGJ_ERR_BUSY);
    assert_status(oversized_append(f->journal, 3, entry, "x", 1, NULL, NULL), SEGJ_ERR_BUSY);
    check_section(f->journal, 2, 3, 0);
    assert_ok(oversized_writer_write(writer, "hello", 5));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
    append_sample(f->journal, 2, 0);
    check_section(f->journal, 2, 4, 0);
    check_value(f, 1, 3, (const uint8_t *)"hello", 5);
}

/* What a killed process has left of a commonware section is made durable by a sync that is asked of it, through
 * descriptors that it does not get while the only section that may be written to is streamed into. */
static void test_a_sync_of_an_inherited_section_may_find_no_descriptors(void **state)
{
    fixture_t *f = *state;
    bool commonware = f->config.format == SEGJ_FORMAT_COMMONWARE;
    f->config.max_open_files = 4;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    append_samples(f->journal, 2, 3, 0);
    assert_ok(oversized_sync_all(f->journal));
    abandon_and_open(f);
    oversized_writer_t *writer = begin(f, 2, 5);
    assert_status(oversized_sync(f->journal, 1), commonware ? SEGJ_ERR_BUSY : SEGJ_OK);
    check_section(f->journal, 1, 3, 0);
    assert_ok(oversized_rewind_section_to(f->journal, 1, 1)); /* it lets go of the section again */
    check_section(f->journal, 1, 1, 0);
    oversized_writer_abandon(writer);
    assert_ok(oversized_sync(f->journal, 1));
    check_section(f->journal, 1, 1, 0);
}

static void test_a_writer_without_space_can_only_be_abandoned(void **state)
{
    fixture_t *f = *state;
    static const uint8_t zeros[300000];
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    oversized_writer_t *writer = begin(f, 1, 600000);
    assert_ok(oversized_writer_write(writer, zeros, sizeof zeros));
    watch_seen()->full = true;
    assert_status(oversized_writer_write(writer, zeros, sizeof zeros), SEGJ_ERR_NO_SPACE);
    char cause[512];
    char expected[600];
    (void)snprintf(cause, sizeof cause, "%s", segj_last_error());
    assert_non_null(strstr(cause, ": pwrite of "));
    watch_seen()->full = false;
    assert_status(oversized_get(f->journal, 1, 77, NULL, NULL), SEGJ_ERR_NO_RECORD); /* another sentence */
    assert_status(oversized_writer_write(writer, zeros, 1), SEGJ_ERR_NO_SPACE);
    (void)snprintf(expected, sizeof expected, "the writer has failed before, abandon it: %s", cause);
    assert_string_equal(segj_last_error(), expected);
    assert_int_equal(segj_last_errno(), ENOSPC);
    assert_status(oversized_get(f->journal, 1, 77, NULL, NULL), SEGJ_ERR_NO_RECORD);
    assert_status(oversized_writer_finish(writer, NULL, NULL), SEGJ_ERR_NO_SPACE);
    (void)snprintf(expected, sizeof expected, "the writer has failed before: %s", cause);
    assert_string_equal(segj_last_error(), expected);
    assert_int_equal(segj_last_errno(), ENOSPC);
    append_sample(f->journal, 1, 0);
    close_and_open(f);
    check_section(f->journal, 1, 4, 0);
    check_files(f, 1, 4, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_what_is_written_reads_back),
        PROMISE(test_the_size_may_be_unknown),
        PROMISE(test_a_writer_may_make_its_section),
        PROMISE(test_an_abandoned_writer_appends_nothing),
        PROMISE(test_a_close_cuts_what_an_abandoned_writer_left),
        PROMISE(test_a_kill_beneath_a_writer_leaves_what_was_before),
        PROMISE(test_sizes_are_kept_to),
        PROMISE(test_null_arguments_are_refused),
        PROMISE(test_a_streamed_section_refuses_other_changes),
        PROMISE(test_syncs_and_other_sections_go_on_beneath_a_writer),
        PROMISE(test_a_streamed_section_is_never_closed_for_another),
        PROMISE(test_a_sync_of_an_inherited_section_may_find_no_descriptors),
        PROMISE(test_a_writer_without_space_can_only_be_abandoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
