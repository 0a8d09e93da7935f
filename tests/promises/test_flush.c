/*
 * promises/test_flush.c: oversized_flush(): what was appended survives the process that appended it, and costs no sync.
 * A journal that is abandoned leaves what a killed process leaves.
 */
#include "promises/fixture.h"
#include "promises/watch.h"
#include "support/recorder.h"

#include <errno.h>
#include <string.h>

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

static void append_ten(fixture_t *f, uint64_t section)
{
    assert_ok(oversized_append(f->journal, section, entry, "0123456789", 10, NULL, NULL));
}

static recorder_t *record(fixture_t *f)
{
    recorder_t *recorder = recorder_new(f->config.storage);
    f->config.storage = recorder_storage(recorder);
    open_journal(f);
    return recorder;
}

static void end_record(fixture_t *f, recorder_t *recorder)
{
    abandon_journal(f);
    f->config.storage = watch_begin();
    recorder_free(recorder);
}

static void test_what_was_flushed_survives_the_process(void **state)
{
    fixture_t *f = *state;
    uint64_t flushed = 0;
    open_journal(f);
    for (unsigned round = 0; round < 40; round++) {
        append_samples(f->journal, 1, round % 9 + 1, 0);
        flushed = count_of(f->journal, 1);
        assert_ok(oversized_flush(f->journal, 1));
        append_samples(f->journal, 1, round % 3, 0); /* these need not */
        abandon_and_open(f);
        assert_true(count_of(f->journal, 1) >= flushed);
        check_section(f->journal, 1, count_of(f->journal, 1), 0);
    }
}

static void test_without_a_flush_or_a_sync_they_do_not(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 2, 0);
    abandon_and_open(f);
    assert_true(count_of(f->journal, 1) == 0);
}

static void test_flushes_and_syncs_take_turns(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (unsigned round = 0; round < 60; round++) {
        append_sample(f->journal, 1, 0);
        assert_ok(round % 4 == 3 ? oversized_sync(f->journal, 1) : oversized_flush(f->journal, 1));
        check_section(f->journal, 1, round + 1, 0);
    }
    assert_true(watch_seen()->unsynced == 0 || tested_version() == 2); /* the last one was a sync */
    close_journal(f);
    check_files(f, 1, 60, 0);
}

/* A frame and a page a flush, and nothing else; where there is nothing new, nothing. */
static void test_a_flush_writes_what_is_new_and_syncs_nothing(void **state)
{
    not_in_version_2();
    for_native_only();
    fixture_t *f = *state;
    recorder_t *recorder = record(f);
    append_ten(f, 1);
    recorder_clear(recorder);
    assert_ok(oversized_flush(f->journal, 1));
    assert_calls(recorder, RECORD_ALL, "write test_values/1 4096+14; write test_index/1 12288+76");
    assert_ok(oversized_flush(f->journal, 1));
    assert_ok(oversized_flush(f->journal, 9)); /* there is none */
    assert_calls(recorder, RECORD_ALL, "");
    append_ten(f, 1);
    append_ten(f, 1);
    append_ten(f, 1);
    recorder_clear(recorder);
    assert_ok(oversized_flush(f->journal, 1));
    assert_calls(recorder, RECORD_ALL, "write test_values/1 4110+42; write test_index/1 12288+152");
    assert_ok(oversized_sync(f->journal, 1));
    recorder_clear(recorder);
    assert_ok(oversized_flush(f->journal, 1));
    assert_calls(recorder, RECORD_ALL, "");
    end_record(f, recorder);
}

/* The slot of the synced state, and the bytes it covers, stay; the other one takes each new state. */
static void test_the_synced_slot_stays_however_often_the_page_is_flushed(void **state)
{
    not_in_version_2();
    for_native_only();
    fixture_t *f = *state;
    open_journal(f);
    append_ten(f, 1);
    assert_ok(oversized_sync(f->journal, 1));
    bytes_t synced = read_file(index_path(f, 1).text);
    const size_t slots = INDEX_DATA_OFFSET + SMALL_PAGE;
    assert_int_equal(get_u16(synced.data + slots), SMALL_RECORD);
    for (unsigned i = 2; i <= 3; i++) {
        append_ten(f, 1);
        assert_ok(oversized_flush(f->journal, 1));
        bytes_t now = read_file(index_path(f, 1).text);
        assert_memory_equal(now.data + slots, synced.data + slots, 6);
        assert_memory_equal(now.data + INDEX_DATA_OFFSET, synced.data + INDEX_DATA_OFFSET, SMALL_RECORD);
        assert_int_equal(get_u16(now.data + slots + 6), i * SMALL_RECORD);
        free_bytes(&now);
    }
    free_bytes(&synced);
}

/* A value that came through a writer is in the file when the writer finishes; its record when it is flushed. */
static void test_a_writers_record_is_handed_over_by_a_flush(void **state)
{
    fixture_t *f = *state;
    for (unsigned flushed = 0; flushed < 2; flushed++) {
        static uint8_t value[5000];
        oversized_writer_t *writer;
        open_journal(f);
        uint64_t before = count_of(f->journal, 1);
        assert_ok(oversized_writer_open(f->journal, 1, entry, sizeof value, &writer));
        assert_ok(oversized_writer_write(writer, value, sizeof value));
        assert_ok(oversized_flush(f->journal, 1)); /* what comes before it */
        assert_ok(oversized_writer_finish(writer, NULL, NULL));
        if (flushed == 1)
            assert_ok(oversized_flush(f->journal, 1));
        abandon_and_open(f);
        bool handed_over = flushed == 1 || tested_version() == 2; /* there the frame is the record */
        assert_int_equal(count_of(f->journal, 1), before + handed_over);
        abandon_journal(f);
    }
}

static void test_who_may_not_flush(void **state)
{
    fixture_t *f = *state;
    assert_status(oversized_flush(NULL, 1), SEGJ_ERR_INVALID);
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    append_samples(f->journal, 2, 3, 0);
    assert_ok(oversized_prune(f->journal, 2, NULL));
    assert_status(oversized_flush(f->journal, 1), SEGJ_ERR_PRUNED);
    assert_ok(oversized_flush(f->journal, 2));
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    assert_status(oversized_flush(f->journal, 2), SEGJ_ERR_READ_ONLY);
}

/* --- a storage whose writes have only begun when they return --- */

static segj_storage_t beginning;
static unsigned handed_over;
static int hand_over_code;

static int begin_hand_over(segj_file_t *file)
{
    (void)file;
    handed_over++;
    return hand_over_code;
}

/* Of each file that the flush has written to, after both; not where nothing is new, and never of a sync. */
static void test_a_flush_waits_for_a_storage_that_has_only_begun(void **state)
{
    fixture_t *f = *state;
    const unsigned files = tested_version() == 2 ? 1 : 2;
    beginning = *f->config.storage;
    beginning.file_hand_over = begin_hand_over;
    f->config.storage = &beginning;
    handed_over = 0;
    hand_over_code = 0;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    assert_int_equal(handed_over, 0);
    assert_ok(oversized_flush(f->journal, 1));
    assert_int_equal(handed_over, files);
    assert_ok(oversized_flush(f->journal, 1));
    assert_int_equal(handed_over, files);
    append_samples(f->journal, 1, 3, 0);
    assert_ok(oversized_sync(f->journal, 1));
    assert_ok(oversized_flush(f->journal, 1));
    assert_int_equal(handed_over, files);

    append_samples(f->journal, 1, 3, 0);
    hand_over_code = EIO;
    assert_status(oversized_flush(f->journal, 1), SEGJ_ERR_IO);
    assert_int_equal(handed_over, files + 1);
    assert_status(oversized_flush(f->journal, 1), SEGJ_ERR_IO); /* it asks again */
    assert_null(oversized_error(f->journal));
    hand_over_code = 0;
    assert_ok(oversized_flush(f->journal, 1));
    assert_int_equal(handed_over, 2 * files + 2);
    check_section(f->journal, 1, 9, 0);
    close_journal(f);
    open_journal(f);
    check_section(f->journal, 1, 9, 0);
}

static void test_a_flush_that_finds_no_room_is_made_again(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    for (unsigned writes = 0; writes < 2; writes++) {
        open_journal(f);
        uint64_t before = count_of(f->journal, 1);
        append_samples(f->journal, 1, 7, 0);
        watch_seen()->full = true;
        watch_seen()->writes_before_full = writes;
        for (unsigned times = 0; times < 3; times++) {
            assert_status(oversized_flush(f->journal, 1), SEGJ_ERR_NO_SPACE);
            assert_non_null(strstr(segj_last_error(), " records are durable, a rewind to "));
        }
        assert_null(oversized_error(f->journal));
        check_section(f->journal, 1, before + 7, 0);
        watch_seen()->full = false;
        assert_ok(oversized_flush(f->journal, 1));
        abandon_and_open(f);
        check_section(f->journal, 1, before + 7, 0);
        abandon_journal(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_what_was_flushed_survives_the_process),
        PROMISE(test_without_a_flush_or_a_sync_they_do_not),
        PROMISE(test_flushes_and_syncs_take_turns),
        PROMISE(test_a_flush_writes_what_is_new_and_syncs_nothing),
        PROMISE(test_the_synced_slot_stays_however_often_the_page_is_flushed),
        PROMISE(test_a_writers_record_is_handed_over_by_a_flush),
        PROMISE(test_who_may_not_flush),
        PROMISE(test_a_flush_waits_for_a_storage_that_has_only_begun),
        PROMISE(test_a_flush_that_finds_no_room_is_made_again),
    };
    return cmocka_run_group_tests_name("flush", tests, NULL, NULL);
}
