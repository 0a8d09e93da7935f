/*
 * promises/test_handles.c: a call that gives a handle gives NULL with every failure, whatever its output held before,
 * so that what ends a handle may be called without a look at the answer.
 */
#include "promises/fixture.h"

#include <string.h>

#include "promises/watch.h"

static char garbage;

/* The call answers this status, and its handle is NULL. */
#define assert_no_handle(handle, call, status)                                                                         \
    do {                                                                                                               \
        (handle) = (void *)&garbage;                                                                                   \
        assert_status(call, status);                                                                                   \
        assert_null(handle);                                                                                           \
    } while (0)

static const uint8_t entry[SMALL_ENTRY] = {1};

/* Sections 3 and 5 with samples, at rest. */
static void open_two(fixture_t *f)
{
    open_journal(f);
    append_samples(f->journal, 3, 10, 0);
    append_samples(f->journal, 5, 10, 0);
    close_and_open(f);
}

static void test_a_journal_that_cannot_be_opened(void **state)
{
    fixture_t *f = *state;
    oversized_t *journal;
    assert_no_handle(journal, oversized_open(NULL, &journal), SEGJ_ERR_INVALID);
    f->config.must_exist = true;
    assert_no_handle(journal, oversized_open(&f->config, &journal), SEGJ_ERR_NOT_FOUND);
    f->config.must_exist = false;
    open_two(f);
    assert_no_handle(journal, oversized_open(&f->config, &journal), SEGJ_ERR_LOCKED);
    close_journal(f);
    f->config.entry_size++;
    assert_no_handle(journal, oversized_open(&f->config, &journal), SEGJ_ERR_MISMATCH);
    f->config.entry_size--;
    oversized_abandon(journal);
}

static void test_a_writer_that_cannot_be_opened(void **state)
{
    fixture_t *f = *state;
    oversized_writer_t *writer;
    oversized_writer_t *busy;
    f->config.max_value_size = 100;
    open_two(f);
    assert_no_handle(writer, oversized_writer_open(NULL, 3, entry, 1, &writer), SEGJ_ERR_INVALID);
    assert_no_handle(writer, oversized_writer_open(f->journal, 3, NULL, 1, &writer), SEGJ_ERR_INVALID);
    assert_no_handle(writer, oversized_writer_open(f->journal, 3, entry, 101, &writer), SEGJ_ERR_TOO_LARGE);
    assert_ok(oversized_writer_open(f->journal, 5, entry, 1, &busy));
    assert_no_handle(writer, oversized_writer_open(f->journal, 5, entry, 1, &writer), SEGJ_ERR_BUSY);
    oversized_writer_abandon(busy);
    assert_ok(oversized_prune(f->journal, 4, NULL));
    assert_no_handle(writer, oversized_writer_open(f->journal, 3, entry, 1, &writer), SEGJ_ERR_PRUNED);
    watch_seen()->full = true;
    assert_no_handle(writer, oversized_writer_open(f->journal, 9, entry, 1, &writer), SEGJ_ERR_NO_SPACE);
    watch_seen()->full = false;
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    assert_no_handle(writer, oversized_writer_open(f->journal, 5, entry, 1, &writer), SEGJ_ERR_READ_ONLY);
    oversized_writer_abandon(writer);
}

static void test_a_reader_that_cannot_be_opened(void **state)
{
    fixture_t *f = *state;
    oversized_reader_t *reader;
    oversized_location_t location;
    open_two(f);
    assert_ok(oversized_get(f->journal, 5, 4, NULL, &location));
    const oversized_location_t past = {value_size_of(f->journal, 5), 40};
    assert_no_handle(reader, oversized_reader_open(NULL, 5, location, false, &reader), SEGJ_ERR_INVALID);
    assert_no_handle(reader, oversized_reader_open(f->journal, 4, location, false, &reader), SEGJ_ERR_NO_SECTION);
    assert_no_handle(reader, oversized_reader_open(f->journal, 5, past, false, &reader), SEGJ_ERR_RANGE);
    assert_ok(oversized_prune(f->journal, 4, NULL));
    assert_no_handle(reader, oversized_reader_open(f->journal, 3, location, false, &reader), SEGJ_ERR_PRUNED);
    close_journal(f);
    flip_byte(values_path(f, 5).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset);
    f->config.max_value_size = 0;
    open_journal(f);
    if (location.size > FRAME_CHECKSUM)
        assert_no_handle(reader, oversized_reader_open(f->journal, 5, location, true, &reader), SEGJ_ERR_TOO_LARGE);
    close_journal(f);
    f->config.max_value_size = OVERSIZED_VALUE_MAX;
    open_journal(f);
    assert_no_handle(reader, oversized_reader_open(f->journal, 5, location, true, &reader), SEGJ_ERR_CHECKSUM);
    oversized_reader_close(reader);
}

/* The first bytes say what zstd would need: they are looked at when the reader is opened. */
static void test_a_compressed_reader_that_cannot_be_opened(void **state)
{
    fixture_t *f = *state;
    oversized_reader_t *reader;
    f->config.compression = 3;
    open_two(f);
    oversized_location_t location = append_filled(f->journal, 5, 1, 'x', 200, NULL); /* not one that is stored raw */
    close_journal(f);
    flip_byte(values_path(f, 5).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset);
    open_journal(f);
    assert_no_handle(reader, oversized_reader_open(f->journal, 5, location, false, &reader), SEGJ_ERR_CHECKSUM);
    oversized_reader_close(reader);
}

static void test_a_replay_that_cannot_be_opened(void **state)
{
    fixture_t *f = *state;
    oversized_replay_t *replay;
    open_two(f);
    assert_no_handle(replay, oversized_replay_open(NULL, 5, 0, 0, &replay), SEGJ_ERR_INVALID);
    assert_no_handle(replay, oversized_replay_open_back(NULL, 5, 0, 0, &replay), SEGJ_ERR_INVALID);
    assert_no_handle(replay, oversized_replay_open(f->journal, 5, 11, 0, &replay), SEGJ_ERR_NO_RECORD);
    assert_no_handle(replay, oversized_replay_open_back(f->journal, 5, 11, 0, &replay), SEGJ_ERR_NO_RECORD);
    assert_ok(oversized_prune(f->journal, 4, NULL));
    assert_no_handle(replay, oversized_replay_open(f->journal, 3, 1, 0, &replay), SEGJ_ERR_PRUNED);
    assert_no_handle(replay, oversized_replay_open_back(f->journal, 3, 1, 0, &replay), SEGJ_ERR_PRUNED);
    oversized_replay_close(replay);
}

static void test_a_page_cache_that_cannot_be(void **state)
{
    (void)state;
    segj_page_cache_t *cache;
    assert_no_handle(cache, segj_page_cache_create(0, 8, &cache), SEGJ_ERR_INVALID);
    assert_no_handle(cache, segj_page_cache_create(64, 0, &cache), SEGJ_ERR_INVALID);
    segj_page_cache_release(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_journal_that_cannot_be_opened), PROMISE(test_a_writer_that_cannot_be_opened),
        PROMISE(test_a_reader_that_cannot_be_opened),  PROMISE(test_a_compressed_reader_that_cannot_be_opened),
        PROMISE(test_a_replay_that_cannot_be_opened),  PROMISE(test_a_page_cache_that_cannot_be),
    };
    return cmocka_run_group_tests_name("handles", tests, NULL, NULL);
}
