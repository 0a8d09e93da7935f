/*
 * recovery/test_log_order.c: version 2 of the native format: in which order a journal writes and flushes. A crash shows
 * that a state is wrong; that a flush was missing where nothing happened to need it only the calls show.
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

enum { SECTION = 7, SIZE = 25, HEAD = LOG_HEAD + SMALL_ENTRY, FRAME = HEAD + SIZE + FRAME_CHECKSUM };

typedef struct place {
    path_t root;
    oversized_config_t config;
    recorder_t *recorder;
    oversized_t *journal;
} place_t;

static int set_up(void **state)
{
    place_t *place = calloc(1, sizeof *place);
    if (place == NULL)
        return -1;
    place->root = make_temp_directory();
    small_config(&place->config, place->root.text);
    place->config.native_version = 2;
    place->config.index_partition = "index";
    place->config.value_partition = "values";
    place->recorder = recorder_new(segj_storage_posix());
    place->config.storage = recorder_storage(place->recorder);
    assert_ok(oversized_open(&place->config, &place->journal));
    recorder_clear(place->recorder);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    oversized_abandon(place->journal);
    recorder_free(place->recorder);
    remove_tree(place->root.text);
    free(place);
    return 0;
}

static void append(const place_t *place, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        (void)append_filled(place->journal, SECTION, i, (uint8_t)i, SIZE, NULL);
}

static void append_to(const place_t *place, uint64_t section)
{
    (void)append_filled(place->journal, section, 0, 0, SIZE, NULL);
}

/* Records of which W says so. */
static void begin_closed(place_t *place, uint64_t count)
{
    append(place, count);
    assert_ok(oversized_close(place->journal));
    assert_ok(oversized_open(&place->config, &place->journal));
    recorder_clear(place->recorder);
}

/* --- */

/* Headers are durable before any data; names are made durable once. */
static void a_new_section_is_durable_with_its_names(void **state)
{
    place_t *place = *state;
    append(place, 1);
    /* That of the first index file before a frame: an index partition without any beside frames is one that is lost. */
    assert_changes(place->recorder, "create index/7; create values/7; write index/7 0+12288; write values/7 0+4096; "
                                    "sync index/7; sync values/7; sync index");
    assert_ok(oversized_sync(place->journal, SECTION));
    assert_changes(place->recorder, "write values/7 4096+47; sync values/7; sync values");
    append_to(place, SECTION + 1);
    assert_changes(place->recorder, "create index/8; create values/8; write index/8 0+12288; write values/8 0+4096; "
                                    "sync index/8; sync values/8");
    assert_ok(oversized_sync(place->journal, SECTION + 1));
    assert_changes(place->recorder, "write values/8 4096+47; sync values/8; sync index; sync values");
}

/* Zeros ahead, which come from some small syncs on, are written within a sync that is due anyway. */
static void zeros_ahead_cost_a_write_and_no_flush(void **state)
{
    place_t *place = *state;
    size_t writes = 0;
    append(place, 1);
    assert_ok(oversized_sync(place->journal, SECTION));
    for (uint64_t i = 1; i < 40; i++) {
        append(place, 1);
        recorder_clear(place->recorder);
        assert_ok(oversized_sync(place->journal, SECTION));
        assert_int_equal(recorder_count(place->recorder, RECORD_FILE_SYNC), 1);
        writes += recorder_count(place->recorder, RECORD_FILE_WRITE);
    }
    assert_int_equal(writes, 39 + 1);
}

static void a_sync_is_one_flush_of_one_file(void **state)
{
    place_t *place = *state;
    oversized_abandon(place->journal);
    place->config.preallocate = 0;
    assert_ok(oversized_open(&place->config, &place->journal));
    append(place, 1);
    assert_ok(oversized_sync(place->journal, SECTION));
    for (uint64_t i = 1; i < 20; i++) {
        append(place, 1);
        recorder_clear(place->recorder);
        assert_ok(oversized_sync(place->journal, SECTION));
        assert_int_equal(recorder_count(place->recorder, RECORD_FILE_SYNC), 1);
        assert_int_equal(recorder_count(place->recorder, RECORD_PARTITION_SYNC), 0);
        assert_int_equal(recorder_count(place->recorder, RECORD_FILE_WRITE), 1);
    }
    append(place, 1);
    recorder_clear(place->recorder);
    assert_ok(oversized_sync(place->journal, SECTION));
    assert_changes(place->recorder, "write values/7 5036+47; sync values/7");
}

static void what_could_not_be_flushed_is_not_acknowledged(void **state)
{
    place_t *place = *state;
    append(place, 1);
    assert_ok(oversized_sync(place->journal, SECTION));
    append(place, 1);
    recorder_clear(place->recorder);
    recorder_fail(place->recorder, RECORD_FILE_SYNC, 0, 1, EIO);
    assert_status(oversized_sync(place->journal, SECTION), SEGJ_ERR_IO);
    assert_changes(place->recorder, "write values/7 4143+47; sync values/7 !");
    assert_status(oversized_sync(place->journal, SECTION), SEGJ_ERR_POISONED);
    assert_changes(place->recorder, "");
}

/* Values, index, W: each durable before the next. */
static void w_is_raised_behind_the_flush_of_the_index(void **state)
{
    place_t *place = *state;
    append(place, 3);
    assert_ok(oversized_sync(place->journal, SECTION));
    append(place, 1);
    recorder_clear(place->recorder);
    oversized_t *journal = place->journal;
    place->journal = NULL;
    assert_ok(oversized_close(journal));
    assert_changes(place->recorder, "write values/7 4237+47; sync values/7; write index/7 12288+152; sync index/7; "
                                    "write index/7 4096+32; sync index/7");
}

static void a_rewind_marks_cuts_and_clears(void **state)
{
    place_t *place = *state;
    begin_closed(place, 5);
    assert_ok(oversized_rewind_section_to(place->journal, SECTION, 2));
    assert_changes(place->recorder, "write index/7 8192+32; sync index/7; cut values/7 4190; sync values/7; cut "
                                    "index/7 12364; write index/7 4096+32; sync index/7");
    append(place, 1);
    assert_ok(oversized_sync(place->journal, SECTION));
    assert_changes(place->recorder, "write values/7 4190+47; sync values/7");
}

static void a_rewind_above_w_is_a_cut_and_its_flush(void **state)
{
    place_t *place = *state;
    begin_closed(place, 2);
    append(place, 5);
    assert_ok(oversized_sync(place->journal, SECTION));
    recorder_clear(place->recorder);
    assert_ok(oversized_rewind_section_to(place->journal, SECTION, 4));
    assert_changes(place->recorder, "cut values/7 4284; sync values/7");
}

/* A whole frame of a refused record may be there. It is gone, durably, before the refusal is answered. */
static void a_refused_value_is_cut_before_the_answer(void **state)
{
    place_t *place = *state;
    static const uint8_t entry[SMALL_ENTRY];
    static uint8_t value[3000];
    append(place, 1);
    assert_ok(oversized_sync(place->journal, SECTION));
    recorder_clear(place->recorder);
    recorder_tear(place->recorder, 0, sizeof value, EIO);
    assert_status(oversized_append(place->journal, SECTION, entry, value, sizeof value, NULL, NULL), SEGJ_ERR_IO);
    assert_changes(place->recorder, "write values/7 4143+3022 !; cut values/7 4143; sync values/7");
}

static void the_head_of_a_stream_is_written_last(void **state)
{
    place_t *place = *state;
    static const uint8_t entry[SMALL_ENTRY];
    static uint8_t value[3000];
    oversized_writer_t *writer;
    append(place, 1);
    assert_ok(oversized_sync(place->journal, SECTION));
    recorder_clear(place->recorder);
    assert_ok(oversized_writer_open(place->journal, SECTION, entry, sizeof value, &writer));
    assert_ok(oversized_writer_write(writer, value, sizeof value));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
    assert_changes(place->recorder, "write values/7 4161+3004; write values/7 4143+18");
}

static void open_cuts_the_values_before_the_index_and_raises_w_last(void **state)
{
    place_t *place = *state;
    begin_closed(place, 3);
    append(place, 4);
    assert_ok(oversized_sync(place->journal, SECTION));
    oversized_abandon(place->journal);
    path_t values = section_path(place->root.text, "values", SECTION);
    resize_file(values.text, VALUES_DATA_OFFSET + 6 * FRAME + 3);
    recorder_clear(place->recorder);
    assert_ok(oversized_open(&place->config, &place->journal));
    assert_changes(place->recorder,
                   "sync index; sync values; write values/7 4237+141; write index/7 12288+152; cut values/7 4378; sync "
                   "values/7; cut index/7 12440; sync index/7; write index/7 8192+32");
}

/* Frames that W covers are durable, and are read alone where the index is made of them. */
static void what_w_covers_of_the_log_is_not_written_again(void **state)
{
    place_t *place = *state;
    begin_closed(place, 3);
    append(place, 2);
    assert_ok(oversized_flush(place->journal, SECTION));
    oversized_abandon(place->journal);
    path_t index = section_path(place->root.text, "index", SECTION);
    resize_file(index.text, INDEX_DATA_OFFSET);
    recorder_clear(place->recorder);
    assert_ok(oversized_open(&place->config, &place->journal));
    assert_changes(place->recorder,
                   "sync index; sync values; write index/7 0+4096; sync index/7; write values/7 4237+94; write index/7 "
                   "12288+152; cut values/7 4331; sync values/7; cut index/7 12440; sync index/7; write index/7 "
                   "8192+32");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_section_is_durable_with_its_names),
        TEST(zeros_ahead_cost_a_write_and_no_flush),
        TEST(a_sync_is_one_flush_of_one_file),
        TEST(what_could_not_be_flushed_is_not_acknowledged),
        TEST(w_is_raised_behind_the_flush_of_the_index),
        TEST(a_rewind_marks_cuts_and_clears),
        TEST(a_rewind_above_w_is_a_cut_and_its_flush),
        TEST(a_refused_value_is_cut_before_the_answer),
        TEST(the_head_of_a_stream_is_written_last),
        TEST(open_cuts_the_values_before_the_index_and_raises_w_last),
        TEST(what_w_covers_of_the_log_is_not_written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
