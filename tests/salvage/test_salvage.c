/*
 * salvage/test_salvage.c: what a salvage promises besides what it brings back: arguments, progress and its end, large values,
 * values without entries, positions behind gaps, headers that are all lost, writers beside it, blocks that cannot be read.
 */
#include "salvage/wreck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void for_all(void (*test)(wreck_t *wreck))
{
    for (size_t m = 0; m < 6; m++) {
        wreck_t wreck;
        wreck_make(&wreck, &makes[m]);
        test(&wreck);
        wreck_free(&wreck);
    }
}

static segj_status_t salvage(wreck_t *wreck, const oversized_salvage_options_t *options, oversized_salvaged_t *told)
{
    oversized_config_t to = wreck->config;
    to.directory = wreck->made.text;
    return oversized_salvage(&wreck->config, &to, options, told);
}

/* --- arguments --- */

static void wrong_arguments_change_nothing(void **state)
{
    wreck_t wreck;
    oversized_salvaged_t told;
    oversized_salvage_options_t options;
    wreck_make(&wreck, &makes[0]);
    oversized_config_t to = wreck.config;
    to.directory = wreck.made.text;
    assert_status(oversized_salvage(NULL, &to, NULL, &told), SEGJ_ERR_INVALID);
    assert_status(oversized_salvage(&wreck.config, NULL, NULL, NULL), SEGJ_ERR_INVALID);
    oversized_salvage_options_init(&options);
    options.struct_size--;
    assert_status(oversized_salvage(&wreck.config, &to, &options, &told), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "options.struct_size"));
    oversized_config_t wrong = to;
    wrong.read_only = true;
    assert_status(oversized_salvage(&wreck.config, &wrong, NULL, &told), SEGJ_ERR_INVALID);
    wrong = to;
    wrong.struct_size = 8;
    assert_status(oversized_salvage(&wreck.config, &wrong, NULL, &told), SEGJ_ERR_INVALID);
    assert_status(oversized_salvage(&wrong, &to, NULL, &told), SEGJ_ERR_INVALID);
    wrong = to;
    wrong.compression = 1000;
    assert_status(oversized_salvage(&wreck.config, &wrong, NULL, &told), SEGJ_ERR_INVALID);
    wrong = to;
    wrong.directory = join_path(wreck.root.text, "nowhere").text;
    assert_status(oversized_salvage(&wrong, &to, NULL, &told), SEGJ_ERR_NOT_FOUND);
    assert_false(path_exists(wreck.made.text));
    assert_trees_equal(wreck.source.text, wreck.copy.text);
    wreck_free(&wreck);
}

/* What is there is not written to, the source itself least of all. */
static void the_new_journal_must_be_new(void **state)
{
    wreck_t wreck;
    oversized_salvaged_t told;
    wreck_make(&wreck, &makes[0]);
    assert_status(oversized_salvage(&wreck.config, &wreck.config, NULL, &told), SEGJ_ERR_MISMATCH);
    assert_trees_equal(wreck.source.text, wreck.copy.text);
    assert_ok(salvage(&wreck, NULL, &told));
    assert_int_equal(told.records, 2 * WRECK_RECORDS);
    path_t before = join_path(wreck.root.text, "before");
    copy_tree(wreck.made.text, before.text);
    assert_status(salvage(&wreck, NULL, &told), SEGJ_ERR_MISMATCH);
    assert_int_equal(told.records, 0);
    assert_trees_equal(before.text, wreck.made.text);
    remove_tree(wreck.made.text);
    make_directory(wreck.made.text);
    make_directory(join_path(wreck.made.text, "values").text);
    assert_status(salvage(&wreck, NULL, &told), SEGJ_ERR_MISMATCH);
    assert_non_null(strstr(segj_last_error(), "values is there already"));
    wreck_free(&wreck);
}

/* --- progress, and the end --- */

typedef struct followed {
    unsigned calls, gaps, runs;
    unsigned end_at; /* the call that cancels; 0: none */
    oversized_progress_t last;
} followed_t;

static bool follow(void *context, const oversized_progress_t *progress)
{
    followed_t *followed = context;
    assert_true(progress->bytes_done <= progress->bytes_total);
    assert_true(progress->bytes_done >= followed->last.bytes_done);
    assert_string_equal(progress->stage, "salvage");
    followed->last = *progress;
    return ++followed->calls == followed->end_at;
}

static bool follow_gap(void *context, const oversized_gap_t *gap)
{
    followed_t *followed = context;
    return ++followed->gaps == followed->end_at;
}

static bool follow_run(void *context, const oversized_salvaged_run_t *run)
{
    followed_t *followed = context;
    return ++followed->runs == followed->end_at;
}

static void progress_is_told(wreck_t *wreck)
{
    followed_t followed = {.calls = 0};
    oversized_salvage_options_t options;
    oversized_salvaged_t told;
    uint64_t bytes = 0;
    oversized_salvage_options_init(&options);
    options.progress = follow;
    options.context = &followed;
    assert_ok(salvage(wreck, &options, &told));
    for (uint64_t section = 1; section <= 2; section++)
        bytes += file_size(wreck_index(wreck, section).text) + file_size(wreck_values(wreck, section).text);
    assert_true(followed.calls >= 1);
    assert_int_equal(followed.last.bytes_total, bytes);
    assert_int_equal(followed.last.bytes_done, bytes);
    assert_int_equal(followed.last.records_done, told.records);
}

static void progress_is_told_in_every_format(void **state)
{
    for_all(progress_is_told);
}

/* What was salvaged until then is durable, and told. */
static void check_cancelled(wreck_t *wreck, const oversized_salvage_options_t *options)
{
    oversized_salvaged_t told;
    oversized_t *journal;
    oversized_config_t config = wreck->config;
    assert_status(salvage(wreck, options, &told), SEGJ_ERR_CANCELLED);
    assert_non_null(strstr(segj_last_error(), "cancelled"));
    assert_in_range(told.records, 1, 2 * WRECK_RECORDS - 1);
    config.directory = wreck->made.text;
    config.strict = true;
    assert_ok(oversized_open(&config, &journal));
    assert_int_equal(oversized_recovery(journal)->records, told.records);
    assert_int_equal(oversized_recovery(journal)->sections, told.sections);
    assert_ok(oversized_close(journal));
    remove_tree(wreck->made.text);
}

static void it_may_be_cancelled(wreck_t *wreck)
{
    followed_t followed = {.end_at = 1};
    oversized_salvage_options_t options;
    oversized_salvage_options_init(&options);
    options.context = &followed;
    options.progress = follow;
    check_cancelled(wreck, &options);
    options.progress = NULL;
    options.on_run = follow_run;
    check_cancelled(wreck, &options);
    wreck_flip(wreck_values(wreck, 1), wreck_frame(wreck, 1, 7) + wreck->head);
    options.on_run = NULL;
    options.on_gap = follow_gap;
    check_cancelled(wreck, &options);
}

static void it_may_be_cancelled_in_every_format(void **state)
{
    for_all(it_may_be_cancelled);
}

/* --- large values --- */

enum { LARGE = 5000000, LARGE_VALUES = 4 };

/* 0: noise; 1: nothing but zeros; 2: a small one; 3: noise again. */
static uint8_t *large_value(unsigned record, size_t *size)
{
    uint8_t *value = calloc(1, LARGE);
    uint32_t state = record + 1;
    assert_non_null(value);
    *size = record == 2 ? 10 : LARGE;
    for (size_t i = 0; i < *size && record != 1; i++) {
        state = state * 1664525u + 1013904223u;
        value[i] = (uint8_t)(state >> 24);
    }
    return value;
}

static void check_large(const wreck_t *wreck, const oversized_config_t *config, const unsigned *records, size_t count)
{
    oversized_t *journal;
    uint64_t found;
    assert_ok(oversized_open(config, &journal));
    assert_ok(oversized_count(journal, 5, &found));
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++) {
        segj_buffer_t value = SEGJ_ZERO;
        uint8_t entry[SMALL_ENTRY];
        size_t size;
        uint8_t *expected = large_value(records[i], &size);
        assert_ok(oversized_read(journal, 5, i, entry, &value));
        assert_int_equal(get_u64(entry), records[i]);
        assert_int_equal(value.size, size);
        assert_memory_equal(value.data, expected, size);
        segj_buffer_free(&value);
        free(expected);
    }
    assert_ok(oversized_close(journal));
}

static void large_values(wreck_t *wreck)
{
    static const unsigned all[] = {0, 1, 2, 3};
    static const unsigned rest[] = {1, 2, 3};
    oversized_t *journal;
    oversized_config_t config = wreck->config;
    oversized_salvaged_t told;
    oversized_location_t locations[LARGE_VALUES];
    assert_ok(oversized_open(&config, &journal));
    for (unsigned i = 0; i < LARGE_VALUES; i++) {
        uint8_t entry[SMALL_ENTRY];
        size_t size;
        uint8_t *value = large_value(i, &size);
        put_u64(entry, i);
        assert_ok(oversized_append(journal, 5, entry, value, size, NULL, &locations[i]));
        free(value);
    }
    assert_ok(oversized_close(journal));
    assert_ok(salvage(wreck, NULL, &told));
    assert_int_equal(told.gaps, 0);
    config.directory = wreck->made.text;
    check_large(wreck, &config, all, 4);
    remove_tree(wreck->made.text);
    /* Its middle, and in version 2 its head: what follows is found a long way behind. */
    path_t values = wreck_values(wreck, 5);
    wreck_zero(values, wreck->values_data + locations[0].size / 2, 5);
    if (wreck->make->version == 2) {
        wreck_flip(values, wreck->values_data + 6);
        remove_file(wreck_index(wreck, 5).text);
    }
    assert_ok(salvage(wreck, NULL, &told));
    assert_int_equal(told.gaps, 1);
    check_large(wreck, &config, rest, 3);
}

static void large_values_are_streamed(void **state)
{
    for_all(large_values);
}

/* --- values without entries --- */

static void values_without_entries_are_written_where_they_are_wanted(void **state)
{
    for (size_t m = 0; m < 2; m++) {
        wreck_t wreck;
        oversized_salvage_options_t options;
        oversized_salvage_options_init(&options);
        options.values_without_entries = true;
        wreck_make(&wreck, &makes[m]);
        wreck_zero(wreck_index(&wreck, 1), INDEX_DATA_OFFSET + 4 * (SMALL_PAGE + PAGE_CHECKSUMS), SMALL_PAGE);
        haul_seen_t seen = wreck_salvage(&wreck, &options);
        assert_int_equal(seen.records[1], WRECK_RECORDS);
        assert_int_equal(seen.bare, 4);
        assert_int_equal(seen.told.values_without_entries, 4);
        assert_int_equal(seen.gap_count, 0);
        assert_int_equal(seen.run_count, 2); /* one a section: all have their places */
        remove_file(wreck_index(&wreck, 1).text);
        seen = wreck_salvage(&wreck, &options);
        assert_int_equal(seen.records[1], WRECK_RECORDS);
        assert_int_equal(seen.bare, WRECK_RECORDS);
        wreck_free(&wreck);
    }
}

/* Where the trailer before a frame is lost with the index, the head cannot be judged; the value can. */
static void in_version_2_such_a_value_may_follow_damage(void **state)
{
    wreck_t wreck;
    oversized_salvage_options_t options;
    oversized_salvage_options_init(&options);
    wreck_make(&wreck, &makes[2]);
    uint64_t end = wreck_frame_end(&wreck, 1, 10);
    wreck_zero(wreck_values(&wreck, 1), end - 8, 8);
    remove_file(wreck_index(&wreck, 1).text);
    haul_seen_t seen = wreck_salvage(&wreck, &options);
    assert_int_equal(seen.records[1], WRECK_RECORDS - 2);
    assert_int_equal(seen.told.values_without_entries, 1);
    options.values_without_entries = true;
    seen = wreck_salvage(&wreck, &options);
    assert_int_equal(seen.records[1], WRECK_RECORDS - 1);
    assert_int_equal(seen.bare, 1);
    assert_int_equal(seen.runs[1].source, 11);
    wreck_free(&wreck);
}

/* --- positions --- */

static void spoil_frames(wreck_t *wreck, unsigned first, unsigned last)
{
    uint64_t begin = wreck_frame(wreck, 1, first);
    wreck_zero(wreck_values(wreck, 1), begin, (size_t)(wreck_frame_end(wreck, 1, last) - 10 - begin));
}

static void check_run(const haul_seen_t *seen, size_t at, uint64_t source, uint64_t made, uint64_t records)
{
    assert_true(at < seen->run_count);
    assert_int_equal(seen->runs[at].source, source);
    assert_int_equal(seen->runs[at].made, made);
    assert_int_equal(seen->runs[at].records, records);
}

static void positions(wreck_t *wreck)
{
    spoil_frames(wreck, 10, 12);
    spoil_frames(wreck, 30, 30);
    haul_seen_t seen = wreck_salvage(wreck, NULL);
    check_run(&seen, 0, 0, 0, 10);
    check_run(&seen, 1, 13, 10, 17);
    check_run(&seen, 2, 31, 27, 9);
    assert_int_equal(seen.gap_count, 2);
    assert_int_equal(seen.gaps[0].first, 10);
    assert_int_equal(seen.gaps[0].last, 12);
    assert_int_equal(seen.gaps[0].made, 10);
    assert_int_equal(seen.gaps[1].first, 30);
    assert_int_equal(seen.gaps[1].last, 30);
    assert_int_equal(seen.told.records_missing, 4);
    assert_int_equal(seen.told.gaps_unknown, 0);
}

static void positions_behind_gaps_are_known(void **state)
{
    for_all(positions);
}

/* A watermark knows how many records there were, where no page does: so the last run is placed. */
static void watermarks_place_records(void **state)
{
    wreck_t wreck;
    wreck_make(&wreck, &makes[2]);
    spoil_frames(&wreck, 10, 12);
    spoil_frames(&wreck, 30, 30);
    wreck_noise(wreck_index(&wreck, 1), INDEX_DATA_OFFSET, 13 * (SMALL_PAGE + PAGE_CHECKSUMS), 3);
    haul_seen_t seen = wreck_salvage(&wreck, NULL);
    check_run(&seen, 0, 0, 0, 10);
    check_run(&seen, 1, OVERSIZED_UNKNOWN, 10, 17);
    check_run(&seen, 2, 31, 27, 9);
    assert_int_equal(seen.gaps[0].first, 10);
    assert_int_equal(seen.gaps[0].last, OVERSIZED_UNKNOWN);
    assert_int_equal(seen.told.gaps_unknown, 2);
    remove_file(wreck_index(&wreck, 1).text);
    seen = wreck_salvage(&wreck, NULL);
    check_run(&seen, 2, OVERSIZED_UNKNOWN, 27, 9);
    wreck_free(&wreck);
}

/* --- what a crash leaves --- */

/* Not a loss: what was never synced may be torn. */
static void a_torn_end_is_no_loss(void **state)
{
    for (size_t m = 0; m < 4; m++) {
        wreck_t wreck;
        oversized_t *journal;
        wreck_make(&wreck, &makes[m]);
        assert_ok(oversized_open(&wreck.config, &journal));
        assert_ok(oversized_append(journal, 1, "xxxxxxxx", "torn", 4, NULL, NULL));
        assert_ok(oversized_flush(journal, 1));
        oversized_abandon(journal);
        forget_owner(wreck.source.text, "index");
        path_t values = wreck_values(&wreck, 1);
        resize_file(values.text, wreck_frame_end(&wreck, 1, WRECK_RECORDS - 1) + wreck.head + 3);
        haul_seen_t seen = wreck_salvage(&wreck, NULL);
        assert_int_equal(seen.records[1], WRECK_RECORDS);
        assert_int_equal(seen.told.gaps, 0);
        assert_int_equal(seen.told.gaps_unsynced, 1);
        assert_true(seen.gaps[0].unsynced);
        assert_int_equal(seen.gaps[0].first, WRECK_RECORDS);
        wreck_free(&wreck);
    }
}

/* --- headers --- */

static void lose_headers(const wreck_t *wreck)
{
    for (uint64_t section = 1; section <= 2; section++) {
        wreck_zero(wreck_index(wreck, section), 0, HEADER_BLOCK);
        wreck_noise(wreck_values(wreck, section), 0, HEADER_BLOCK, section);
    }
}

/* Without any header the sizes of version 1 are tried, whatever the configuration says. */
static void sizes_are_tried_where_no_file_tells(void **state)
{
    for (size_t m = 0; m < 2; m++) {
        wreck_t wreck;
        oversized_salvaged_t told;
        wreck_make(&wreck, &makes[m]);
        lose_headers(&wreck);
        oversized_config_t from = wreck.config;
        oversized_config_t to = wreck.config;
        to.directory = wreck.made.text;
        from.entry_size = 9;
        from.page_size = 0;
        assert_ok(oversized_salvage(&from, &to, NULL, &told));
        assert_int_equal(told.records, 2 * WRECK_RECORDS);
        assert_int_equal(told.gaps, 0);
        assert_true(told.sizes_known);
        assert_int_equal(told.entry_size, SMALL_ENTRY);
        assert_int_equal(told.page_size, SMALL_PAGE);
        wreck_free(&wreck);
    }
}

/* Where the first pages are lost as well the configuration says how large pages and entries are; a wrong one brings
 * nothing wrong back. */
static void sizes_are_taken_where_none_can_be_tried(void **state)
{
    for (size_t m = 0; m < 2; m++) {
        wreck_t wreck;
        wreck_make(&wreck, &makes[m]);
        lose_headers(&wreck);
        for (uint64_t section = 1; section <= 2; section++)
            wreck_noise(wreck_index(&wreck, section), INDEX_DATA_OFFSET, SMALL_PAGE, section);
        haul_seen_t seen = wreck_salvage(&wreck, NULL);
        uint64_t records = seen.records[1] + seen.records[2];
        assert_in_range(records, 2 * WRECK_RECORDS - 8, 2 * WRECK_RECORDS - 1); /* those of two pages lack */
        assert_false(seen.told.sizes_known);
        oversized_salvaged_t told;
        oversized_config_t from = wreck.config;
        oversized_config_t to = wreck.config;
        to.directory = wreck.made.text;
        from.entry_size = 9;
        assert_ok(oversized_salvage(&from, &to, NULL, &told));
        assert_int_equal(told.records, 0);
        assert_true(told.gaps >= 2);
        wreck_free(&wreck);
    }
}

static void a_lost_salt_is_said(void **state)
{
    wreck_t wreck;
    wreck_make(&wreck, &makes[2]);
    wreck_zero(wreck_index(&wreck, 1), 0, HEADER_BLOCK);
    wreck_zero(wreck_values(&wreck, 1), 0, HEADER_BLOCK);
    haul_seen_t seen = wreck_salvage(&wreck, NULL);
    assert_int_equal(seen.records[1], 0);
    assert_int_equal(seen.records[2], WRECK_RECORDS);
    assert_int_equal(seen.gap_count, 1);
    assert_int_equal(seen.gaps[0].first, 0);
    assert_int_equal(seen.gaps[0].last, OVERSIZED_UNKNOWN);
    wreck_free(&wreck);
}

/* Both versions in one journal, each as its files are; and into a journal of another format. */
static void each_section_is_read_as_it_is(void **state)
{
    wreck_t wreck;
    oversized_t *journal;
    oversized_salvaged_t told;
    wreck_make(&wreck, &makes[0]);
    oversized_config_t config = wreck.config;
    config.native_version = 2;
    config.compression = 1;
    assert_ok(oversized_open(&config, &journal));
    assert_ok(oversized_append(journal, 9, "12345678", "of version 2", 12, NULL, NULL));
    assert_ok(oversized_close(journal));
    oversized_config_t to;
    oversized_config_init(&to);
    to.native_version = 1;
    to.directory = wreck.made.text;
    to.format = SEGJ_FORMAT_COMMONWARE;
    to.native_version = 0;
    to.page_size = 100;
    assert_ok(oversized_salvage(&wreck.config, &to, NULL, &told));
    assert_int_equal(told.records, 2 * WRECK_RECORDS + 1);
    assert_int_equal(told.gaps, 0);
    to.entry_size = SMALL_ENTRY;
    assert_ok(oversized_open(&to, &journal));
    segj_buffer_t value = SEGJ_ZERO;
    assert_ok(oversized_read(journal, 9, 0, NULL, &value));
    assert_int_equal(value.size, 12);
    assert_memory_equal(value.data, "of version 2", 12);
    segj_buffer_free(&value);
    assert_ok(oversized_close(journal));
    wreck_free(&wreck);
}

/* --- beside a writer --- */

static void a_writer_goes_on(wreck_t *wreck)
{
    oversized_t *journal;
    oversized_salvaged_t told;
    assert_ok(oversized_open(&wreck->config, &journal));
    assert_ok(oversized_append(journal, 1, "12345678", "new", 3, NULL, NULL));
    assert_ok(salvage(wreck, NULL, &told));
    assert_int_equal(told.holder, (int64_t)getpid());
    assert_int_equal(told.records, 2 * WRECK_RECORDS);
    assert_ok(oversized_append(journal, 1, "12345678", "new", 3, NULL, NULL));
    assert_ok(oversized_close(journal));
}

static void a_writer_goes_on_beside_it(void **state)
{
    for_all(a_writer_goes_on);
}

/* --- blocks that cannot be read --- */

static uint64_t bad_block;
static const segj_storage_t *beneath;

static int read_around_a_bad_block(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    if (bad_block != 0 && offset < bad_block + 4096 && offset + size > bad_block)
        return EIO;
    return beneath->file_read(file, offset, buffer, size, done);
}

/* Each section has bytes there in its values file alone. */
static void unreadable_blocks_cost_their_records(void **state)
{
    for (size_t m = 0; m < 6; m += 2) {
        wreck_t wreck;
        oversized_salvaged_t told;
        segj_storage_t storage = *segj_storage_posix();
        wreck_make(&wreck, &makes[m]);
        oversized_config_t from = wreck.config;
        oversized_config_t to = wreck.config;
        to.directory = wreck.made.text;
        beneath = segj_storage_posix();
        storage.file_read = read_around_a_bad_block;
        from.storage = &storage;
        oversized_t *journal;
        assert_ok(oversized_open(&wreck.config, &journal));
        for (unsigned i = 0; i < 200; i++) {
            uint8_t value[1000];
            memset(value, (int)i, sizeof value);
            assert_ok(oversized_append(journal, 3, "12345678", value, sizeof value, NULL, NULL));
        }
        assert_ok(oversized_close(journal));
        bad_block = 25 * 4096;
        assert_ok(oversized_salvage(&from, &to, NULL, &told));
        bad_block = 0;
        assert_in_range(told.records, 2 * WRECK_RECORDS + 194, 2 * WRECK_RECORDS + 196);
        assert_int_equal(told.records + told.records_missing, 2 * WRECK_RECORDS + 200);
        assert_true(told.unreadable_bytes >= 4096);
        assert_int_equal(told.gaps_unknown, 0);
        wreck_free(&wreck);
    }
}

/* --- the new journal's storage fails --- */

static int refuse_partition(void *context, const char *directory, const char *name, segj_partition_t **opened)
{
    return EIO;
}

static unsigned writes_left;

static int write_until_it_is_full(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count,
                                  size_t *done)
{
    if (writes_left == 0)
        return ENOSPC;
    writes_left--;
    return beneath->file_write(file, offset, slices, count, done);
}

static void what_the_new_journal_cannot_do_ends_it(void **state)
{
    wreck_t wreck;
    oversized_salvaged_t told;
    segj_storage_t storage = *segj_storage_posix();
    wreck_make(&wreck, &makes[0]);
    oversized_config_t to = wreck.config;
    to.directory = wreck.made.text;
    to.storage = &storage;
    storage.partition_open = refuse_partition;
    assert_status(oversized_salvage(&wreck.config, &to, NULL, &told), SEGJ_ERR_IO);
    storage = *segj_storage_posix();
    beneath = segj_storage_posix();
    storage.file_write = write_until_it_is_full;
    for (unsigned most = 0; most < 100; most++) {
        writes_left = most;
        segj_status_t status = oversized_salvage(&wreck.config, &to, NULL, &told);
        remove_tree(wreck.made.text);
        assert_trees_equal(wreck.source.text, wreck.copy.text);
        if (status == SEGJ_OK) {
            assert_true(most >= 4);
            assert_int_equal(told.records, 2 * WRECK_RECORDS);
            wreck_free(&wreck);
            return;
        }
        assert_int_equal(status, SEGJ_ERR_NO_SPACE);
    }
    fail_msg("it never had room");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_arguments_change_nothing),
        cmocka_unit_test(the_new_journal_must_be_new),
        cmocka_unit_test(progress_is_told_in_every_format),
        cmocka_unit_test(it_may_be_cancelled_in_every_format),
        cmocka_unit_test(large_values_are_streamed),
        cmocka_unit_test(values_without_entries_are_written_where_they_are_wanted),
        cmocka_unit_test(in_version_2_such_a_value_may_follow_damage),
        cmocka_unit_test(positions_behind_gaps_are_known),
        cmocka_unit_test(watermarks_place_records),
        cmocka_unit_test(a_torn_end_is_no_loss),
        cmocka_unit_test(sizes_are_tried_where_no_file_tells),
        cmocka_unit_test(sizes_are_taken_where_none_can_be_tried),
        cmocka_unit_test(a_lost_salt_is_said),
        cmocka_unit_test(each_section_is_read_as_it_is),
        cmocka_unit_test(a_writer_goes_on_beside_it),
        cmocka_unit_test(unreadable_blocks_cost_their_records),
        cmocka_unit_test(what_the_new_journal_cannot_do_ends_it),
    };
    return cmocka_run_group_tests_name("salvage", tests, NULL, NULL);
}
