/*
 * promises/test_append.c: what oversized_append() promises: where records and values go, what may be empty or NULL,
 * what is too large, and that an append that fails has changed nothing.
 */
#include "promises/fixture.h"
#include "promises/watch.h"
#include "support/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

/* --- files that are not what they were --- */

/* The last page of a section at rest is read before something is put behind its records. */
static void test_an_append_behind_a_page_that_has_rotted_is_refused(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    oversized_writer_t *writer;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    append_samples(f->journal, 2, 5, 0);
    close_and_open(f);
    flip_byte(index_path(f, 1).text, file_size(index_path(f, 1).text) - SMALL_PAGE - PAGE_CHECKSUMS);
    path_t before = snapshot(f);
    assert_status(oversized_append(f->journal, 1, entry, "x", 1, NULL, NULL), SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), index_path(f, 1).text));
    assert_status(oversized_writer_open(f->journal, 1, entry, 1, &writer), SEGJ_ERR_CORRUPT);
    assert_null(writer);
    assert_int_equal(count_of(f->journal, 1), 5);
    assert_untouched(f, before);
    append_samples(f->journal, 2, 5, 0);
    check_section(f->journal, 2, 10, 0);
}

/* A name that the journal did not make is somebody's: it stays. */
static void test_a_new_section_whose_name_is_taken_is_refused(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 2, 5, 0);
    for (int values = 0; values < 2; values++) {
        path_t taken = values == 1 ? values_path(f, 7) : index_path(f, 7);
        write_file(taken.text, "somebody's", 10);
        assert_status(oversized_append(f->journal, 7, entry, "x", 1, NULL, NULL), SEGJ_ERR_CORRUPT);
        assert_non_null(strstr(segj_last_error(), taken.text));
        assert_int_equal(file_size(taken.text), 10);
        assert_sections(f->journal, 2);
        assert_null(oversized_error(f->journal));
        remove_file(taken.text);
    }
    append_samples(f->journal, 7, 5, 0);
    check_section(f->journal, 7, 5, 0);
}

/* --- where things go --- */

static void test_positions_count_up_from_zero_in_each_section(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (uint64_t expected = 0; expected < 5; expected++) {
        uint64_t position = UINT64_MAX;
        assert_ok(oversized_append(f->journal, 3, entry, "x", 1, &position, NULL));
        assert_int_equal(position, expected);
        position = UINT64_MAX;
        assert_ok(oversized_append(f->journal, 9, entry, "y", 1, &position, NULL));
        assert_int_equal(position, expected);
    }
}

static void test_positions_go_on_after_a_reopen(void **state)
{
    fixture_t *f = *state;
    uint64_t position = UINT64_MAX;
    oversized_location_t location = {UINT64_MAX, 0};
    open_journal(f);
    assert_ok(oversized_append(f->journal, 1, entry, "abc", 3, NULL, NULL));
    close_and_open(f);
    assert_ok(oversized_append(f->journal, 1, entry, "de", 2, &position, &location));
    assert_int_equal(position, 1);
    assert_int_equal(location.offset, tested_head(SMALL_ENTRY) + 7);
    assert_int_equal(location.size, 6);
}

static void test_frames_lie_back_to_back_from_offset_zero(void **state)
{
    fixture_t *f = *state;
    static const uint8_t value[3000] = {0};
    static const size_t sizes[] = {1, 0, 1019, 1020, 1021, 3000, 17, 1024, 1023, 0, 5};
    uint64_t end = 0;
    open_journal(f);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        oversized_location_t location = {UINT64_MAX, 0};
        assert_ok(oversized_append(f->journal, 1, entry, value, sizes[i], NULL, &location));
        assert_int_equal(location.offset, end);
        assert_int_equal(location.size, sizes[i] + FRAME_CHECKSUM);
        end = tested_frame_end(location, SMALL_ENTRY);
        assert_int_equal(value_size_of(f->journal, 1), end);
    }
}

static void test_each_section_has_offsets_of_its_own(void **state)
{
    fixture_t *f = *state;
    oversized_location_t location = {UINT64_MAX, 0};
    open_journal(f);
    assert_ok(oversized_append(f->journal, 1, entry, "abc", 3, NULL, &location));
    assert_ok(oversized_append(f->journal, 2, entry, "abcde", 5, NULL, &location));
    assert_int_equal(location.offset, 0);
    assert_ok(oversized_append(f->journal, 1, entry, "abc", 3, NULL, &location));
    assert_int_equal(location.offset, tested_head(SMALL_ENTRY) + 7);
}

static void test_a_section_comes_into_being_with_its_first_append(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    assert_status(oversized_get(f->journal, 5, 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
    assert_no_sections(f->journal);
    assert_false(path_exists(index_path(f, 5).text));
    append_sample(f->journal, 5, 0);
    assert_sections(f->journal, 5);
    assert_true(path_exists(index_path(f, 5).text));
    assert_true(path_exists(values_path(f, 5).text));
}

static void test_sections_may_be_appended_to_in_any_order(void **state)
{
    fixture_t *f = *state;
    static const uint64_t order[] = {9, UINT64_MAX, 0, 9, 3, UINT64_MAX - 1, 0, 3};
    open_journal(f);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        append_sample(f->journal, order[i], 0);
    assert_sections(f->journal, 0, 3, 9, UINT64_MAX - 1, UINT64_MAX);
    close_and_open(f);
    check_section(f->journal, 0, 2, 0);
    check_section(f->journal, 9, 2, 0);
    check_section(f->journal, UINT64_MAX, 1, 0);
}

static void test_the_journal_keeps_no_pointer_to_what_was_appended(void **state)
{
    fixture_t *f = *state;
    uint8_t *own = malloc(SMALL_ENTRY);
    uint8_t *value = malloc(5000);
    uint8_t found[SMALL_ENTRY];
    assert_non_null(own);
    assert_non_null(value);
    memset(own, 7, SMALL_ENTRY);
    memset(value, 9, 5000);
    open_journal(f);
    assert_ok(oversized_append(f->journal, 1, own, value, 100, NULL, NULL));
    assert_ok(oversized_append(f->journal, 1, own, value, 5000, NULL, NULL));
    free(own);
    free(value);
    for (uint64_t position = 0; position < 2; position++) {
        assert_ok(oversized_read(f->journal, 1, position, found, &f->value));
        assert_int_equal(found[0], 7);
        assert_int_equal(found[SMALL_ENTRY - 1], 7);
        const uint8_t *bytes = f->value.data;
        assert_int_equal(bytes[0], 9);
        assert_int_equal(bytes[f->value.size - 1], 9);
    }
}

static void test_a_value_far_beyond_every_buffer_reads_back(void **state)
{
    fixture_t *f = *state;
    const size_t size = 5 * 1024 * 1024 + 3;
    uint8_t *value = malloc(size);
    assert_non_null(value);
    fill_noise(value, size, 1);
    open_journal(f);
    append_sample(f->journal, 1, 0);
    assert_ok(oversized_append(f->journal, 1, entry, value, size, NULL, NULL));
    assert_ok(oversized_read(f->journal, 1, 1, NULL, &f->value));
    assert_int_equal(f->value.size, size);
    assert_memory_equal(f->value.data, value, size);
    close_and_open(f);
    assert_ok(oversized_read(f->journal, 1, 1, NULL, &f->value));
    assert_int_equal(f->value.size, size);
    assert_memory_equal(f->value.data, value, size);
    free(value);
}

/* --- what may be empty or NULL --- */

static void test_a_value_may_be_empty(void **state)
{
    fixture_t *f = *state;
    oversized_location_t location = {UINT64_MAX, 0};
    open_journal(f);
    assert_ok(oversized_append(f->journal, 1, entry, NULL, 0, NULL, &location));
    assert_int_equal(location.size, FRAME_CHECKSUM);
    assert_ok(oversized_append(f->journal, 1, entry, "not looked at", 0, NULL, &location));
    assert_int_equal(location.size, FRAME_CHECKSUM);
    for (int opened = 0; opened < 2; opened++) {
        for (uint64_t position = 0; position < 2; position++) {
            f->value.size = 99;
            assert_ok(oversized_read(f->journal, 1, position, NULL, &f->value));
            assert_int_equal(f->value.size, 0);
        }
        close_and_open(f);
    }
}

static void test_an_entry_may_be_empty(void **state)
{
    fixture_t *f = *state;
    uint8_t untouched = 0x5A;
    f->config.entry_size = 0;
    open_journal(f);
    assert_int_equal(oversized_record_size(f->journal), OVERSIZED_LOCATION_SIZE);
    assert_ok(oversized_append(f->journal, 1, NULL, "abc", 3, NULL, NULL));
    assert_ok(oversized_append(f->journal, 1, entry, "defg", 4, NULL, NULL));
    close_and_open(f);
    assert_ok(oversized_read(f->journal, 1, 1, &untouched, &f->value));
    assert_int_equal(untouched, 0x5A);
    assert_int_equal(f->value.size, 4);
    assert_memory_equal(f->value.data, "defg", 4);
    assert_ok(oversized_last(f->journal, 1, NULL, NULL));
}

static void test_both_outputs_may_be_null(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    assert_ok(oversized_append(f->journal, 1, entry, "abc", 3, NULL, NULL));
    assert_int_equal(count_of(f->journal, 1), 1);
    assert_int_equal(value_size_of(f->journal, 1), tested_head(SMALL_ENTRY) + 7);
}

/* An entry that says where the value before went, as a list that leads backwards has it. */
static void test_the_entry_may_lie_where_the_location_goes(void **state)
{
    fixture_t *f = *state;
    f->config.entry_size = sizeof(oversized_location_t);
    open_journal(f);
    oversized_location_t at[4] = {{UINT64_MAX, 7}};
    oversized_location_t expected[4] = {{UINT64_MAX, 7}};
    oversized_location_t found;
    assert_ok(oversized_append(f->journal, 1, &at[0], "first", 5, NULL, &at[0]));
    expected[1] = at[1] = at[0];
    assert_ok(oversized_append(f->journal, 1, &at[1], "second", 6, NULL, &at[1]));
    expected[2] = at[2] = (oversized_location_t){11, 22};
    expected[3] = at[3] = (oversized_location_t){33, 44};
    const oversized_record_t records[] = {{&at[2], "third", 5}, {&at[3], "fourth", 6}};
    assert_ok(oversized_append_batch(f->journal, 1, records, 2, NULL, &at[2]));
    for (int opened = 0; opened < 2; opened++) {
        for (uint64_t i = 0; i < 4; i++) {
            oversized_location_t entry_found;
            assert_ok(oversized_get(f->journal, 1, i, &entry_found, &found));
            assert_int_equal(entry_found.offset, expected[i].offset);
            assert_int_equal(entry_found.size, expected[i].size);
            assert_int_equal(found.offset, at[i].offset);
            assert_int_equal(found.size, at[i].size);
        }
        close_and_open(f);
    }
}

/* Such a frame has no place in any buffer, and goes past them. */
static void test_no_pieces_are_an_empty_value_that_no_buffer_holds(void **state)
{
    fixture_t *f = *state;
    f->config.value_write_buffer = 1;
    open_journal(f);
    assert_ok(oversized_appendv(f->journal, 1, entry, NULL, 0, NULL, NULL));
    assert_ok(oversized_appendv(f->journal, 1, entry, NULL, 0, NULL, NULL));
    assert_ok(oversized_read(f->journal, 1, 1, NULL, &f->value));
    assert_int_equal(f->value.size, 0);
}

static void test_null_arguments_are_refused(void **state)
{
    fixture_t *f = *state;
    assert_status(oversized_append(NULL, 1, entry, "a", 1, NULL, NULL), SEGJ_ERR_INVALID);
    open_journal(f);
    assert_status(oversized_append(f->journal, 1, NULL, "a", 1, NULL, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_append(f->journal, 1, entry, NULL, 1, NULL, NULL), SEGJ_ERR_INVALID);
    assert_no_sections(f->journal);
}

/* --- what is too large --- */

static void test_a_value_of_max_value_size_goes_and_one_byte_more_does_not(void **state)
{
    fixture_t *f = *state;
    uint8_t value[101] = {0};
    f->config.max_value_size = 100;
    open_journal(f);
    assert_ok(oversized_append(f->journal, 1, entry, value, 100, NULL, NULL));
    assert_status(oversized_append(f->journal, 1, entry, value, 101, NULL, NULL), SEGJ_ERR_TOO_LARGE);
    assert_int_equal(count_of(f->journal, 1), 1);
    assert_ok(oversized_read(f->journal, 1, 0, NULL, &f->value));
    assert_int_equal(f->value.size, 100);
}

static void test_a_max_value_size_of_zero_takes_empty_values(void **state)
{
    fixture_t *f = *state;
    f->config.max_value_size = 0;
    open_journal(f);
    assert_status(oversized_append(f->journal, 1, entry, "a", 1, NULL, NULL), SEGJ_ERR_TOO_LARGE);
    assert_ok(oversized_append(f->journal, 1, entry, NULL, 0, NULL, NULL));
    close_and_open(f);
    assert_ok(oversized_read(f->journal, 1, 0, NULL, &f->value));
    assert_int_equal(f->value.size, 0);
}

/* The value is refused for its size alone: the one byte that is really there would not do for more. */
static void test_a_value_beyond_the_format_is_refused_unseen(void **state)
{
    fixture_t *f = *state;
    for (int level = 0; level < 2; level++) {
        f->config.compression = level;
        open_journal(f);
        if (SIZE_MAX > OVERSIZED_VALUE_MAX)
            assert_status(oversized_append(f->journal, 1, entry, "a", (size_t)OVERSIZED_VALUE_MAX + 1, NULL, NULL),
                          SEGJ_ERR_TOO_LARGE);
        assert_status(oversized_append(f->journal, 1, entry, "a", SIZE_MAX, NULL, NULL), SEGJ_ERR_TOO_LARGE);
        assert_no_sections(f->journal);
        close_journal(f);
    }
}

/* --- failed appends --- */

static void test_a_refused_append_leaves_its_outputs_alone(void **state)
{
    fixture_t *f = *state;
    uint64_t position = 77;
    oversized_location_t location = {78, 79};
    f->config.max_value_size = 4;
    open_journal(f);
    assert_ok(oversized_prune(f->journal, 2, NULL));
    assert_status(oversized_append(f->journal, 3, entry, "abcde", 5, &position, &location), SEGJ_ERR_TOO_LARGE);
    assert_status(oversized_append(f->journal, 3, NULL, "abcd", 4, &position, &location), SEGJ_ERR_INVALID);
    assert_status(oversized_append(f->journal, 1, entry, "abcd", 4, &position, &location), SEGJ_ERR_PRUNED);
    assert_int_equal(position, 77);
    assert_int_equal(location.offset, 78);
    assert_int_equal(location.size, 79);
}

static void test_a_refused_first_append_leaves_no_section(void **state)
{
    fixture_t *f = *state;
    f->config.max_value_size = 4;
    open_journal(f);
    path_t before = snapshot(f);
    assert_status(oversized_append(f->journal, 3, entry, "abcde", 5, NULL, NULL), SEGJ_ERR_TOO_LARGE);
    assert_status(oversized_append(f->journal, 3, NULL, "abcd", 4, NULL, NULL), SEGJ_ERR_INVALID);
    assert_no_sections(f->journal);
    assert_status(oversized_last(f->journal, 3, NULL, NULL), SEGJ_ERR_NO_SECTION);
    assert_untouched(f, before);
}

static void test_a_refused_append_leaves_the_section_as_it_was(void **state)
{
    fixture_t *f = *state;
    f->config.max_value_size = SAMPLE_VALUE_LIMIT;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    uint64_t end = value_size_of(f->journal, 1);
    uint8_t value[SAMPLE_VALUE_LIMIT + 1] = {0};
    assert_status(oversized_append(f->journal, 1, entry, value, sizeof value, NULL, NULL), SEGJ_ERR_TOO_LARGE);
    assert_status(oversized_append(f->journal, 1, NULL, value, 1, NULL, NULL), SEGJ_ERR_INVALID);
    assert_int_equal(value_size_of(f->journal, 1), end);
    check_section(f->journal, 1, 5, 0);
    append_samples(f->journal, 1, 5, 0);
    close_and_open(f);
    check_section(f->journal, 1, 10, 0);
}

/* Writes are refused from the n-th on, for every n, until the append gets by with the writes that it has. */
static void test_a_first_append_without_space_leaves_no_section(void **state)
{
    fixture_t *f = *state;
    uint8_t value[5000];
    fill_noise(value, sizeof value, 3);
    f->config.storage = watch_begin();
    open_journal(f);
    path_t before = snapshot(f);
    segj_status_t status = SEGJ_ERR_NO_SPACE;
    for (uint64_t writes = 0; status != SEGJ_OK; writes++) {
        watch_seen()->full = true;
        watch_seen()->writes_before_full = writes;
        status = oversized_append(f->journal, 1, entry, value, sizeof value, NULL, NULL);
        watch_seen()->full = false;
        if (status == SEGJ_OK)
            break;
        assert_int_equal(status, SEGJ_ERR_NO_SPACE);
        assert_null(oversized_error(f->journal));
        assert_no_sections(f->journal);
        assert_status(oversized_get(f->journal, 1, 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
        assert_trees_equal(f->directory.text, before.text);
    }
    assert_true(watch_seen()->writes_refused > 0);
    close_and_open(f);
    assert_ok(oversized_read(f->journal, 1, 0, NULL, &f->value));
    assert_int_equal(f->value.size, sizeof value);
    assert_memory_equal(f->value.data, value, sizeof value);
}

/* The same with a section that is there, has bytes in its buffers, and gets a value too large for them. */
static void test_an_append_without_space_leaves_the_section_as_it_was(void **state)
{
    fixture_t *f = *state;
    uint8_t value[5000];
    fill_noise(value, sizeof value, 3);
    f->config.storage = watch_begin();
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    uint64_t end = value_size_of(f->journal, 1);
    oversized_location_t location = {UINT64_MAX, 0};
    watch_seen()->full = true;
    assert_status(oversized_append(f->journal, 1, entry, value, sizeof value, NULL, &location), SEGJ_ERR_NO_SPACE);
    assert_true(watch_seen()->writes_refused > 0);
    assert_int_equal(location.offset, UINT64_MAX);
    assert_null(oversized_error(f->journal));
    assert_int_equal(value_size_of(f->journal, 1), end);
    check_section(f->journal, 1, 20, 0);
    watch_seen()->full = false;
    assert_ok(oversized_append(f->journal, 1, entry, value, sizeof value, NULL, &location));
    assert_int_equal(location.offset, end);
    close_and_open(f);
    check_samples(f->journal, 1, 0, 20, 0);
    assert_int_equal(count_of(f->journal, 1), 21);
    assert_ok(oversized_read(f->journal, 1, 20, NULL, &f->value));
    assert_memory_equal(f->value.data, value, sizeof value);
}

/* Small values land in buffers: the refusal comes when these are full, and hits the append that would not fit. */
static void test_buffered_appends_without_space_lose_nothing(void **state)
{
    fixture_t *f = *state;
    f->config.storage = watch_begin();
    open_journal(f);
    append_sample(f->journal, 1, 0);
    watch_seen()->full = true;
    segj_status_t status = SEGJ_OK;
    uint64_t count = 1;
    for (; status == SEGJ_OK; count++) {
        uint8_t bytes[SMALL_ENTRY];
        uint8_t value[SAMPLE_VALUE_LIMIT];
        sample_entry(1, count, 0, bytes, sizeof bytes);
        sample_value(1, count, 0, value);
        status = oversized_append(f->journal, 1, bytes, value, sample_value_size(1, count, 0), NULL, NULL);
    }
    count--;
    assert_int_equal(status, SEGJ_ERR_NO_SPACE);
    check_section(f->journal, 1, count, 0);
    watch_seen()->full = false;
    append_samples(f->journal, 1, 100, 0);
    close_and_open(f);
    check_section(f->journal, 1, count + 100, 0);
    check_files(f, 1, count + 100, 0);
}

#define REFUSED                                                                                                        \
    "create test_index/7; create test_values/7; write test_index/7 0+12288; write test_values/7 0+4096; "              \
    "sync test_index/7; sync test_values/7; write test_values/7 4096+3004 !; remove test_index/7; sync test_index"

/* Its frame may be in a values file whose name is taken back: durably, or else the name could come back with that
 * file. The call of this kind that comes after `passed` others fails. */
static void refuse_first_value(fixture_t *f, record_kind_t failing, unsigned passed, const char *expected)
{
    static const uint8_t value[3000] = {1};
    for_native_only(); /* elsewhere headers have another size */
    not_in_version_2();
    recorder_t *recorder = recorder_new(f->config.storage);
    f->config.storage = recorder_storage(recorder);
    open_journal(f);
    recorder_clear(recorder);
    recorder_fail(recorder, RECORD_FILE_WRITE, 2, 1, EIO); /* behind the two headers */
    bool poisons = failing != RECORD_FILE_WRITE;
    if (poisons)
        recorder_fail(recorder, failing, passed, 1, EIO);
    assert_status(oversized_append(f->journal, 7, entry, value, sizeof value, NULL, NULL), SEGJ_ERR_IO);
    assert_changes(recorder, expected);
    assert_no_sections(f->journal);
    if (poisons)
        assert_status(oversized_append(f->journal, 7, entry, "x", 1, NULL, NULL), SEGJ_ERR_POISONED);
    else
        append_sample(f->journal, 7, 0);
    oversized_abandon(f->journal);
    f->journal = NULL;
    recorder_free(recorder);
}

static void test_a_refused_first_value_takes_its_names_away_durably_the_index_first(void **state)
{
    refuse_first_value(*state, RECORD_FILE_WRITE, 0, REFUSED "; remove test_values/7; sync test_values");
}

static void test_an_index_name_that_cannot_be_taken_away_durably_poisons(void **state)
{
    refuse_first_value(*state, RECORD_PARTITION_SYNC, 0, REFUSED " !");
}

static void test_a_values_name_that_cannot_be_taken_away_poisons(void **state)
{
    refuse_first_value(*state, RECORD_FILE_REMOVE, 1, REFUSED "; remove test_values/7 !");
}

static void test_a_values_name_that_cannot_be_taken_away_durably_poisons(void **state)
{
    refuse_first_value(*state, RECORD_PARTITION_SYNC, 1, REFUSED "; remove test_values/7; sync test_values !");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_positions_count_up_from_zero_in_each_section),
        PROMISE(test_positions_go_on_after_a_reopen),
        PROMISE(test_frames_lie_back_to_back_from_offset_zero),
        PROMISE(test_each_section_has_offsets_of_its_own),
        PROMISE(test_a_section_comes_into_being_with_its_first_append),
        PROMISE(test_sections_may_be_appended_to_in_any_order),
        PROMISE(test_the_journal_keeps_no_pointer_to_what_was_appended),
        PROMISE(test_a_value_far_beyond_every_buffer_reads_back),
        PROMISE(test_a_value_may_be_empty),
        PROMISE(test_an_entry_may_be_empty),
        PROMISE(test_both_outputs_may_be_null),
        PROMISE(test_the_entry_may_lie_where_the_location_goes),
        PROMISE(test_no_pieces_are_an_empty_value_that_no_buffer_holds),
        PROMISE(test_null_arguments_are_refused),
        PROMISE(test_a_value_of_max_value_size_goes_and_one_byte_more_does_not),
        PROMISE(test_a_max_value_size_of_zero_takes_empty_values),
        PROMISE(test_a_value_beyond_the_format_is_refused_unseen),
        PROMISE(test_a_refused_append_leaves_its_outputs_alone),
        PROMISE(test_a_refused_first_append_leaves_no_section),
        PROMISE(test_a_refused_append_leaves_the_section_as_it_was),
        PROMISE(test_a_first_append_without_space_leaves_no_section),
        PROMISE(test_an_append_without_space_leaves_the_section_as_it_was),
        PROMISE(test_buffered_appends_without_space_lose_nothing),
        PROMISE(test_a_refused_first_value_takes_its_names_away_durably_the_index_first),
        PROMISE(test_an_append_behind_a_page_that_has_rotted_is_refused),
        PROMISE(test_a_new_section_whose_name_is_taken_is_refused),
        PROMISE(test_an_index_name_that_cannot_be_taken_away_durably_poisons),
        PROMISE(test_a_values_name_that_cannot_be_taken_away_poisons),
        PROMISE(test_a_values_name_that_cannot_be_taken_away_durably_poisons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
