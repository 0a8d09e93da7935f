/*
 * recovery/test_log.c: version 2 of the native format: the bytes are FORMAT.md's, whatever becomes of the index costs no
 * record, and a frame counts at its place, behind its predecessor, in its own file, with its own head, and nowhere else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "support/log.h"
#include "support/recorder.h"
#include "support/support.h"

enum { SECTION = 7, RECORDS = 40, SIZE = 25, HEAD = LOG_HEAD + SMALL_ENTRY, FRAME = HEAD + SIZE + FRAME_CHECKSUM };

typedef struct place {
    path_t root, index, values;
    oversized_config_t config;
    unsigned errors; /* lines in the log */
} place_t;

static void on_line(void *context, segj_log_level_t level, const char *message)
{
    place_t *place = context;
    (void)message;
    place->errors += level == SEGJ_LOG_ERROR;
}

static int set_up(void **state)
{
    place_t *place = calloc(1, sizeof *place);
    if (place == NULL)
        return -1;
    place->root = make_temp_directory();
    small_config(&place->config, place->root.text);
    place->config.native_version = 2;
    place->config.log = on_line;
    place->config.log_context = place;
    path_t index = join_path(place->root.text, "test_index");
    path_t values = join_path(place->root.text, "test_values");
    place->index = join_path(index.text, "0000000000000007");
    place->values = join_path(values.text, "0000000000000007");
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    remove_tree(place->root.text);
    free(place);
    return 0;
}

static oversized_t *open_it(const place_t *place)
{
    oversized_t *journal;
    assert_ok(oversized_open(&place->config, &journal));
    return journal;
}

/* Records 0 to `synced` - 1 are synced one by one; then others, of which a close makes the end. */
static void fill(const place_t *place, size_t synced, size_t more)
{
    oversized_t *journal = open_it(place);
    for (size_t i = 0; i < synced + more; i++) {
        (void)append_filled(journal, SECTION, i, (uint8_t)i, SIZE, NULL);
        if (i < synced)
            assert_ok(oversized_sync(journal, SECTION));
    }
    if (more > 0)
        assert_ok(oversized_close(journal));
    else
        oversized_abandon(journal);
}

/* Each record is there; but of those marked in `damaged`, if any, the value is not. */
static void check(const place_t *place, oversized_t *journal, uint64_t count, uint64_t damaged)
{
    uint64_t found;
    segj_buffer_t value = {0};
    (void)place;
    assert_ok(oversized_count(journal, SECTION, &found));
    assert_int_equal(found, count);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t entry[SMALL_ENTRY];
        segj_status_t status = oversized_read(journal, SECTION, i, entry, &value);
        if (i == damaged) {
            assert_status(status, SEGJ_ERR_CHECKSUM);
            continue;
        }
        assert_ok(status);
        assert_int_equal(get_u64(entry), i);
        assert_int_equal(value.size, SIZE);
        for (size_t k = 0; k < SIZE; k++)
            assert_int_equal(((const uint8_t *)value.data)[k], (uint8_t)i);
    }
    segj_buffer_free(&value);
}

static void check_opened(place_t *place, uint64_t count, uint64_t damaged)
{
    oversized_t *journal = open_it(place);
    check(place, journal, count, damaged);
    assert_ok(oversized_close(journal));
}

/* --- the bytes --- */

static void the_files_are_what_the_format_says(void **state)
{
    place_t *place = *state;
    uint8_t block[HEADER_BLOCK];
    uint8_t expected[FRAME];
    log_identity_t identity;
    log_mark_t mark;
    count_salts_from(5);
    fill(place, 0, 3);
    bytes_t index = read_file(place->index.text);
    bytes_t values = read_file(place->values.text);
    assert_true(decode_log_identity(values.data, &identity));
    uint64_t salt = identity.salt;
    assert_int_equal(salt, 5 * UINT64_C(0x9E3779B97F4A7C15));
    encode_log_identity(block, &(log_identity_t){IDENTITY_VALUES, 0, SMALL_PAGE, SMALL_RECORD, SECTION, salt, 0, 0, 0});
    assert_memory_equal(values.data, block, sizeof block);
    encode_log_identity(block, &(log_identity_t){IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, SECTION, salt, 0, 0, 0});
    assert_memory_equal(index.data, block, sizeof block);
    uint64_t binding = SECTION ^ salt;
    uint32_t trailer = 0;
    assert_int_equal(values.size, VALUES_DATA_OFFSET + 3 * FRAME);
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t entry[SMALL_ENTRY];
        uint8_t value[SIZE];
        put_u64(entry, i);
        memset(value, i, sizeof value);
        trailer = encode_log_frame(expected, binding, (uint64_t)i * FRAME, trailer, LOG_FRAME, i, entry, sizeof entry,
                                   value, sizeof value);
        assert_memory_equal(values.data + VALUES_DATA_OFFSET + (size_t)i * FRAME, expected, FRAME);
    }
    assert_true(decode_log_mark(index.data + HEADER_BLOCK, binding, 0, &mark));
    assert_true(mark.records == 3 && mark.end == 3 * FRAME && mark.trailer == trailer && mark.sequence == 1);
    uint8_t record[SMALL_RECORD];
    uint8_t entry[SMALL_ENTRY];
    put_u64(entry, 2);
    encode_record(record, entry, sizeof entry, (oversized_location_t){2 * FRAME, SIZE + FRAME_CHECKSUM});
    assert_memory_equal(index.data + INDEX_DATA_OFFSET + (size_t)2 * SMALL_RECORD, record, sizeof record);
    assert_int_equal(decode_page(index.data + INDEX_DATA_OFFSET, SMALL_PAGE, binding, 0), 3 * SMALL_RECORD);
    free_bytes(&index);
    free_bytes(&values);
}

/* --- the index is a cache --- */

static void an_index_file_of_zeros_or_garbage_costs_no_record(void **state)
{
    place_t *place = *state;
    place->config.strict = true;
    fill(place, 5, RECORDS - 5);
    bytes_t index = read_file(place->index.text);
    for (int fill_with = 0; fill_with <= 0xA5; fill_with += 0xA5) {
        uint8_t *bytes = malloc(index.size);
        assert_non_null(bytes);
        memset(bytes, fill_with, index.size);
        write_file(place->index.text, bytes, index.size);
        free(bytes);
        check_opened(place, RECORDS, UINT64_MAX);
        bytes_t again = read_file(place->index.text);
        assert_int_equal(again.size, index.size);
        assert_memory_equal(again.data, index.data, HEADER_BLOCK);
        assert_memory_equal(again.data + INDEX_DATA_OFFSET, index.data + INDEX_DATA_OFFSET, SMALL_PAGE);
        free_bytes(&again);
    }
    free_bytes(&index);
}

/* What is not asked for is found in the files, also where the index has nothing to tell any more. */
static void the_page_size_is_found(void **state)
{
    place_t *place = *state;
    static const uint8_t zeros[HEADER_BLOCK];
    fill(place, 5, RECORDS - 5);
    place->config.page_size = 0;
    check_opened(place, RECORDS, UINT64_MAX);
    write_file_at(place->index.text, 0, zeros, sizeof zeros);
    check_opened(place, RECORDS, UINT64_MAX);
}

static void an_index_file_of_every_length_costs_no_record(void **state)
{
    place_t *place = *state;
    place->config.strict = true;
    fill(place, 5, RECORDS - 5);
    bytes_t index = read_file(place->index.text);
    for (uint64_t size = 0; size < index.size; size += size < INDEX_DATA_OFFSET ? 509 : 1) {
        write_file(place->index.text, index.data, (size_t)size);
        check_opened(place, RECORDS, UINT64_MAX);
        assert_int_equal(file_size(place->index.text), index.size);
    }
    free_bytes(&index);
}

static void a_damaged_page_of_the_index_costs_no_record(void **state)
{
    place_t *place = *state;
    fill(place, 5, RECORDS - 5);
    bytes_t index = read_file(place->index.text);
    size_t physical = SMALL_PAGE + PAGE_CHECKSUMS;
    for (size_t at = INDEX_DATA_OFFSET; at < index.size; at += physical) {
        static const uint8_t zeros[SMALL_PAGE + PAGE_CHECKSUMS];
        write_file(place->index.text, index.data, index.size);
        write_file_at(place->index.text, at, zeros, sizeof zeros);
        place->config.page_cache_pages = 1;
        check_opened(place, RECORDS, UINT64_MAX);
        oversized_t *journal = open_it(place); /* and goes on */
        (void)append_filled(journal, SECTION, RECORDS, RECORDS, SIZE, NULL);
        check(place, journal, RECORDS + 1, UINT64_MAX);
        assert_ok(oversized_rewind_section_to(journal, SECTION, RECORDS));
        assert_ok(oversized_close(journal));
    }
    free_bytes(&index);
}

/* A journal that is open read-only has no pages for what lies above W. */
static void a_read_only_journal_shows_what_the_index_does_not_have(void **state)
{
    place_t *place = *state;
    fill(place, RECORDS, 0);
    bytes_t index = read_file(place->index.text);
    assert_int_equal(index.size, INDEX_DATA_OFFSET);
    place->config.read_only = true;
    place->config.page_cache_pages = 2;
    oversized_t *journal = open_it(place);
    check(place, journal, RECORDS, UINT64_MAX);
    oversized_replay_t *replay;
    oversized_item_t item;
    assert_ok(oversized_replay_open(journal, 0, 0, 300, &replay));
    for (uint64_t i = 0; i < RECORDS; i++) {
        const void *value;
        size_t size;
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(get_u64(item.entry), i);
        assert_ok(oversized_replay_value(replay, &value, &size));
        assert_int_equal(size, SIZE);
    }
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
    assert_ok(oversized_replay_open_back(journal, SECTION, OVERSIZED_END, 300, &replay));
    for (uint64_t i = RECORDS; i > 0; i--) {
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(get_u64(item.entry), i - 1);
    }
    oversized_replay_close(replay);
    assert_ok(oversized_close(journal));
    free_bytes(&index);
}

/* And of the page in which W lies it has what is below W, also where a damaged head leads to no frame any more. */
static void a_read_only_journal_reads_what_the_index_has_behind_a_damaged_head(void **state)
{
    place_t *place = *state;
    const uint8_t wrong = 0xEE;
    assert_int_not_equal(RECORDS * SMALL_RECORD % SMALL_PAGE, 0);
    fill(place, 0, RECORDS);
    write_file_at(place->values.text, VALUES_DATA_OFFSET + 11 * FRAME + 6, &wrong, 1);      /* an entry */
    write_file_at(place->values.text, VALUES_DATA_OFFSET + RECORDS * FRAME + 5, &wrong, 1); /* open has work to do */
    place->config.read_only = true;
    check_opened(place, RECORDS, UINT64_MAX);
}

/* Where that page cannot be read the frames are there. */
static void a_read_only_journal_makes_the_page_of_w_where_it_cannot_be_read(void **state)
{
    place_t *place = *state;
    const uint8_t more = 0xEE;
    uint8_t entry[SMALL_ENTRY];
    fill(place, 0, RECORDS);
    write_file_at(place->values.text, VALUES_DATA_OFFSET + RECORDS * FRAME, &more, 1); /* open has work to do */
    recorder_t *recorder = recorder_new(segj_storage_posix());
    place->config.storage = recorder_storage(recorder);
    place->config.read_only = true;
    oversized_t *journal = open_it(place);
    recorder_clear(recorder);
    recorder_fail(recorder, RECORD_FILE_READ, 0, 1, EIO);
    assert_ok(oversized_get(journal, SECTION, RECORDS - 1, entry, NULL));
    assert_int_equal(get_u64(entry), RECORDS - 1);
    assert_calls(recorder, RECORD_BIT(RECORD_FILE_READ), "read test_index/7 13200+76 !; read test_values/7 4096+1880");
    assert_ok(oversized_close(journal));
    recorder_free(recorder);
}

/* --- a frame counts where it belongs --- */

static uint64_t binding_of(const bytes_t *values)
{
    log_identity_t identity;
    assert_true(decode_log_identity(values->data, &identity));
    return SECTION ^ identity.salt;
}

/* Makes record 2 of three anew, as a frame that is right but for what the test changes, and expects that the section
 * ends before it. */
static void put_frame(place_t *place, uint64_t binding, uint64_t offset, uint32_t before, bool heads_own)
{
    uint8_t frame[FRAME];
    uint8_t entry[SMALL_ENTRY];
    uint8_t value[SIZE];
    put_u64(entry, 2);
    memset(value, 2, sizeof value);
    (void)encode_log_frame(frame, binding, offset, before, LOG_FRAME, 2, entry, sizeof entry, value, sizeof value);
    if (!heads_own) {
        uint8_t other[FRAME];
        put_u64(entry, 3);
        (void)encode_log_frame(other, binding, offset, before, LOG_FRAME, 2, entry, sizeof entry, value, sizeof value);
        memcpy(frame, other, HEAD);
    }
    write_file_at(place->values.text, VALUES_DATA_OFFSET + 2 * FRAME, frame, sizeof frame);
}

static void try_frame(place_t *place, const bytes_t *files, uint64_t binding, uint64_t offset, uint32_t before,
                      bool heads_own, uint64_t count)
{
    write_file(place->index.text, files[0].data, files[0].size);
    write_file(place->values.text, files[1].data, files[1].size);
    put_frame(place, binding, offset, before, heads_own);
    check_opened(place, count, UINT64_MAX);
}

static void a_frame_counts_in_its_file_at_its_place_behind_its_predecessor_with_its_head(void **state)
{
    place_t *place = *state;
    fill(place, 3, 0); /* the index has none of it, and W is 0 */
    bytes_t files[2] = {read_file(place->index.text), read_file(place->values.text)};
    uint64_t binding = binding_of(&files[1]);
    uint32_t before = get_u32(files[1].data + VALUES_DATA_OFFSET + 2 * FRAME - FRAME_CHECKSUM);
    uint64_t offset = 2 * FRAME;
    try_frame(place, files, binding, offset, before, true, 3);
    try_frame(place, files, binding ^ 1, offset, before, true, 2); /* another salt, or section */
    try_frame(place, files, binding, offset - FRAME, before, true, 2);
    try_frame(place, files, binding, offset, before ^ 1, true, 2);
    try_frame(place, files, binding, offset, 0, true, 2);
    try_frame(place, files, binding, offset, before, false, 2); /* another head with that payload */
    free_bytes(&files[0]);
    free_bytes(&files[1]);
}

static void files_that_were_not_made_together_are_a_mismatch(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    fill(place, 0, RECORDS);
    bytes_t index = read_file(place->index.text);
    assert_ok(oversized_open(&place->config, &journal));
    assert_ok(oversized_destroy(journal));
    fill(place, 0, RECORDS); /* the same records, another salt */
    bytes_t own = read_file(place->index.text);
    write_file(place->index.text, index.data, index.size);
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_MISMATCH);
    /* A header alone says nothing against the values. */
    write_file(place->index.text, index.data, INDEX_DATA_OFFSET);
    check_opened(place, RECORDS, UINT64_MAX);
    bytes_t again = read_file(place->index.text);
    assert_memory_equal(again.data, own.data, HEADER_BLOCK);
    free_bytes(&again);
    free_bytes(&own);
    free_bytes(&index);
}

/* No crash leaves a watermark that the frames contradict. Nothing is done about it, and the sentence says where it is. */
static void a_watermark_that_the_frames_contradict_is_refused(void **state)
{
    place_t *place = *state;
    uint8_t slot[LOG_SLOT];
    oversized_t *journal;
    fill(place, 0, 5);
    bytes_t index = read_file(place->index.text);
    bytes_t values = read_file(place->values.text);
    uint32_t trailer = get_u32(values.data + VALUES_DATA_OFFSET + 3 * FRAME - FRAME_CHECKSUM);
    encode_log_mark(slot, binding_of(&values), 1, (log_mark_t){4, 3 * FRAME, 9, trailer}); /* of three records */
    write_file_at(place->index.text, (uint64_t)2 * HEADER_BLOCK, slot, sizeof slot);
    resize_file(place->index.text, INDEX_DATA_OFFSET);
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "its watermark says that the first 4 records end at byte"));
    bytes_t again = read_file(place->values.text);
    assert_int_equal(again.size, values.size);
    assert_memory_equal(again.data, values.data, values.size);
    assert_int_equal(file_size(place->index.text), INDEX_DATA_OFFSET);
    write_file(place->index.text, index.data, index.size);
    check_opened(place, 5, UINT64_MAX);
    free_bytes(&again);
    free_bytes(&values);
    free_bytes(&index);
}

/* --- damage --- */

static void spoil(const place_t *place, uint64_t record)
{
    const uint8_t wrong = 0xEE;
    write_file_at(place->values.text, VALUES_DATA_OFFSET + record * FRAME + HEAD + 3, &wrong, 1);
}

static void one_damaged_value_is_lost_alone(void **state)
{
    place_t *place = *state;
    fill(place, 0, RECORDS); /* all of it below W */
    spoil(place, 11);
    place->config.strict = true;
    check_opened(place, RECORDS, 11);
    bytes_t index = read_file(place->index.text);
    resize_file(place->index.text, HEADER_BLOCK); /* and where the index is gone */
    check_opened(place, 11, UINT64_MAX);
    free_bytes(&index);
}

static void damage_above_the_watermark_is_told_from_a_crash(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    fill(place, RECORDS, 0); /* W is 0; each frame says that those before it were durable */
    spoil(place, 11);
    place->config.strict = true;
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "1 damaged values"));
    place->config.strict = false;
    check_opened(place, RECORDS, 11);
    assert_int_equal(place->errors, 1);
    check_opened(place, RECORDS, 11);
}

static void a_lost_frame_among_unsynced_ones_ends_the_section(void **state)
{
    place_t *place = *state;
    oversized_t *journal = open_it(place);
    for (size_t i = 0; i < RECORDS; i++)
        (void)append_filled(journal, SECTION, i, (uint8_t)i, SIZE, NULL);
    assert_ok(oversized_flush(journal, SECTION));
    oversized_abandon(journal);
    spoil(place, 11);
    place->config.strict = true;
    check_opened(place, 11, UINT64_MAX);
    assert_int_equal(place->errors, 0);
}

/* --- batches --- */

static void append_together(oversized_t *journal, uint64_t first, size_t count)
{
    oversized_record_t records[8];
    uint8_t entries[8][SMALL_ENTRY];
    uint8_t values[8][SIZE];
    for (size_t i = 0; i < count; i++) {
        put_u64(entries[i], first + i);
        memset(values[i], (int)(first + i), SIZE);
        records[i] = (oversized_record_t){entries[i], values[i], SIZE};
    }
    assert_ok(oversized_append_batch(journal, SECTION, records, count, NULL, NULL));
}

static void a_batch_is_whole_or_not_there(void **state)
{
    place_t *place = *state;
    oversized_t *journal = open_it(place);
    append_together(journal, 0, 3);
    append_together(journal, 3, 4);
    assert_ok(oversized_flush(journal, SECTION));
    oversized_abandon(journal);
    bytes_t files[2] = {read_file(place->index.text), read_file(place->values.text)};
    for (uint64_t frames = 0; frames <= 7; frames++) {
        write_file(place->index.text, files[0].data, files[0].size);
        write_file(place->values.text, files[1].data, (size_t)(VALUES_DATA_OFFSET + frames * FRAME));
        check_opened(place, frames < 3 ? 0 : frames < 7 ? 3 : 7, UINT64_MAX);
    }
    for (uint64_t wrong = 0; wrong < 7; wrong++) { /* a payload whose head is right, also that of a batch's last one */
        write_file(place->index.text, files[0].data, files[0].size);
        write_file(place->values.text, files[1].data, files[1].size);
        spoil(place, wrong);
        check_opened(place, wrong < 3 ? 0 : 3, UINT64_MAX);
    }
    free_bytes(&files[0]);
    free_bytes(&files[1]);
}

static void a_rewind_into_a_batch_stays_where_it_ended(void **state)
{
    place_t *place = *state;
    oversized_t *journal = open_it(place);
    append_together(journal, 0, 3);
    append_together(journal, 3, 4);
    assert_ok(oversized_rewind_section_to(journal, SECTION, 5));
    oversized_abandon(journal);
    check_opened(place, 5, UINT64_MAX);
}

/* A checkpoint may ask for that too. */
static void a_checkpoint_may_end_within_a_batch(void **state)
{
    place_t *place = *state;
    oversized_checkpoint_t checkpoint;
    oversized_t *journal = open_it(place);
    append_together(journal, 0, 3);
    append_together(journal, 3, 4);
    assert_ok(oversized_sync(journal, SECTION));
    oversized_abandon(journal);
    assert_ok(oversized_checkpoint_at(&place->config, SECTION, SECTION, 5, &checkpoint));
    place->config.checkpoint = &checkpoint;
    journal = open_it(place);
    check(place, journal, 5, UINT64_MAX);
    oversized_abandon(journal);
    place->config.checkpoint = NULL;
    check_opened(place, 5, UINT64_MAX);
}

/* --- both versions --- */

static void a_section_goes_on_in_the_version_of_its_files(void **state)
{
    place_t *place = *state;
    place->config.native_version = 1;
    fill(place, 2, 3);
    bytes_t values = read_file(place->values.text);
    assert_int_equal(get_u16(values.data + 4), 1);
    free_bytes(&values);
    place->config.native_version = 2;
    oversized_t *journal = open_it(place);
    (void)append_filled(journal, SECTION, 5, 5, SIZE, NULL);
    oversized_location_t first = append_filled(journal, SECTION + 1, 0, 0, SIZE, NULL);
    oversized_location_t second = append_filled(journal, SECTION + 1, 1, 1, SIZE, NULL);
    assert_int_equal(first.size, SIZE + FRAME_CHECKSUM);
    assert_int_equal(second.offset, SMALL_ENTRY + OVERSIZED_FRAME_HEAD + first.size);
    assert_ok(oversized_close(journal));
    place->config.native_version = 0;
    check_opened(place, 6, UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_files_are_what_the_format_says),
        TEST(an_index_file_of_zeros_or_garbage_costs_no_record),
        TEST(the_page_size_is_found),
        TEST(an_index_file_of_every_length_costs_no_record),
        TEST(a_damaged_page_of_the_index_costs_no_record),
        TEST(a_read_only_journal_shows_what_the_index_does_not_have),
        TEST(a_read_only_journal_reads_what_the_index_has_behind_a_damaged_head),
        TEST(a_read_only_journal_makes_the_page_of_w_where_it_cannot_be_read),
        TEST(a_frame_counts_in_its_file_at_its_place_behind_its_predecessor_with_its_head),
        TEST(files_that_were_not_made_together_are_a_mismatch),
        TEST(a_watermark_that_the_frames_contradict_is_refused),
        TEST(one_damaged_value_is_lost_alone),
        TEST(damage_above_the_watermark_is_told_from_a_crash),
        TEST(a_lost_frame_among_unsynced_ones_ends_the_section),
        TEST(a_batch_is_whole_or_not_there),
        TEST(a_rewind_into_a_batch_stays_where_it_ended),
        TEST(a_checkpoint_may_end_within_a_batch),
        TEST(a_section_goes_on_in_the_version_of_its_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
