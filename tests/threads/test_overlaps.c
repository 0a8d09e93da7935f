/*
 * threads/test_overlaps.c: readers of a page that is written just then. A storage may answer a read in several calls,
 * and a page that a reader has in part may be written several times before it has the rest. A record that is there
 * reads back whatever happens to its page: no healthy page is SEGJ_ERR_CORRUPT.
 */
#include "threads/stage.h"

#include <string.h>

enum { SECTION = 3, COUNT = 10 };

/* Ten records end in the fourth page, which is partial. The last one begins in the third: who gets it reads both. */
static void fill(stage_t *stage)
{
    append_samples(stage->journal, SECTION, 0, COUNT);
    stage_reopen(stage);
    /* Written to since it was opened: a first change would open its files anew, and wait for who reads them. */
    append_samples(stage->journal, SECTION, COUNT, 1);
    assert_ok(oversized_rewind_section(stage->journal, SECTION, (uint64_t)COUNT * SMALL_RECORD));
}

static segj_status_t call_get_last(oversized_t *journal, uint64_t section)
{
    uint8_t entry[SMALL_ENTRY];
    segj_status_t status = oversized_get(journal, section, COUNT - 1, entry, NULL);
    if (status == SEGJ_OK && get_u64(entry) != COUNT - 1)
        status = SEGJ_ERR_CHECKSUM;
    return status;
}

static segj_status_t call_replay(oversized_t *journal, uint64_t section)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    segj_status_t status = oversized_replay_open(journal, section, 0, 4096, &replay);
    for (uint64_t position = 0; position < COUNT && status == SEGJ_OK; position++) {
        status = oversized_replay_next(replay, &item);
        if (status == SEGJ_OK && get_u64(item.entry) != position)
            status = SEGJ_ERR_CHECKSUM;
    }
    oversized_replay_close(replay);
    return status;
}

static segj_status_t call_replay_back(oversized_t *journal, uint64_t section)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    segj_status_t status = oversized_replay_open_back(journal, section, OVERSIZED_END, 4096, &replay);
    for (uint64_t position = COUNT; position-- > 0 && status == SEGJ_OK;) {
        status = oversized_replay_next(replay, &item);
        if (status == SEGJ_OK && get_u64(item.entry) != position)
            status = SEGJ_ERR_CHECKSUM;
    }
    oversized_replay_close(replay);
    return status;
}

/* Every sync writes the last page again, in the other of its two slots. */
static void grow_twice(oversized_t *journal)
{
    append_samples(journal, SECTION, COUNT, 1);
    assert_ok(oversized_sync(journal, SECTION));
    append_samples(journal, SECTION, COUNT + 1, 1);
    assert_ok(oversized_sync(journal, SECTION));
}

/* Lets the reader make `calls` - 1 of its read calls, and stops it at the next one. */
static gate_t *park_reader(stage_t *stage, errand_t *reader, uint32_t calls, size_t most,
                           segj_status_t (*call)(oversized_t *journal, uint64_t section))
{
    watched_short_reads(stage->watched, most);
    gate_t *gate = gate_close(stage->watched, CALL_READ, PART_INDEX, SECTION, calls);
    errand_start(reader, stage, call, SECTION);
    for (uint32_t passed = 1; passed < calls; passed++) {
        gate_await(gate, passed);
        gate_pass(gate, 0);
    }
    gate_await(gate, calls);
    return gate;
}

/* The read has the page's bytes and not yet its slots when the page is written twice: neither slot is then the one of
 * the bytes. */
static void get_of_a_page_that_grows_meanwhile_finds_no_damage(void **state)
{
    not_in_version_2(); /* no sync and no rewind writes the page */
    stage_t *stage = *state;
    errand_t reader;
    fill(stage);
    gate_t *gate = park_reader(stage, &reader, 4, SMALL_PAGE, call_get_last);
    grow_twice(stage->journal);
    gate_open(gate, 0);
    errand_join(&reader, SEGJ_OK);
}

/* The same, and the section is idle again when the reader goes on: its page is in the file alone. */
static void get_of_a_page_that_grew_and_is_idle_again_finds_no_damage(void **state)
{
    not_in_version_2(); /* no sync and no rewind writes the page */
    stage_t *stage = *state;
    errand_t reader;
    stage->config.max_open_files = 4;
    fill(stage);
    gate_t *gate = park_reader(stage, &reader, 4, SMALL_PAGE, call_get_last);
    grow_twice(stage->journal);
    append_samples(stage->journal, SECTION + 1, 0, 1);
    gate_open(gate, 0);
    errand_join(&reader, SEGJ_OK);
}

/* A replay reads its four pages in one go, which is five calls here; the last one brings the last page's slots. */
static void replay_of_a_page_that_grows_meanwhile_finds_no_damage(void **state)
{
    not_in_version_2(); /* no sync and no rewind writes the page */
    stage_t *stage = *state;
    errand_t reader;
    fill(stage);
    gate_t *gate = park_reader(stage, &reader, 5, SMALL_PAGE, call_replay);
    grow_twice(stage->journal);
    gate_open(gate, 0);
    errand_join(&reader, SEGJ_OK);
}

static void replay_backwards_from_a_page_that_grows_meanwhile_finds_no_damage(void **state)
{
    not_in_version_2(); /* no sync and no rewind writes the page */
    stage_t *stage = *state;
    errand_t reader;
    fill(stage);
    gate_t *gate = park_reader(stage, &reader, 5, SMALL_PAGE, call_replay_back);
    grow_twice(stage->journal);
    gate_open(gate, 0);
    errand_join(&reader, SEGJ_OK);
}

/* Values that are too large for a buffer, and are written behind those that a sync has not written yet. */
static void append_large(oversized_t *journal, uint8_t *bytes, size_t size, uint64_t id)
{
    uint8_t entry[SMALL_ENTRY];
    put_u64(entry, id);
    memset(bytes, (int)id, size);
    assert_ok(oversized_append(journal, SECTION, entry, bytes, size, NULL, NULL));
}

/* What lies below a value in its file is not all there while a sync is writing it: a walk backwards reads ahead down to
 * that, and no further. */
static void values_backwards_beside_a_sync_that_writes_them(void **state)
{
    enum { LARGE = 10000, LARGE_ID = 200 };
    static uint8_t bytes[LARGE];
    stage_t *stage = *state;
    errand_t sync;
    oversized_item_t item;
    oversized_replay_t *replay;
    fill(stage);
    append_samples(stage->journal, SECTION, COUNT, 5);
    gate_t *gate = gate_close(stage->watched, CALL_WRITE, PART_VALUES, SECTION, 1);
    errand_start(&sync, stage, call_sync, SECTION);
    gate_await(gate, 1);
    append_large(stage->journal, bytes, LARGE, LARGE_ID);
    append_large(stage->journal, bytes, LARGE, LARGE_ID);
    assert_ok(oversized_replay_open_back(stage->journal, SECTION, OVERSIZED_END, 1u << 20, &replay));
    for (uint64_t position = COUNT + 7; position-- > 0;) {
        segj_buffer_t value = {NULL, 0, 0};
        const void *data = NULL;
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(item.position, position);
        assert_ok(oversized_replay_value(replay, &data, &value.size));
        value.data = (void *)(uintptr_t)data;
        if (get_u64(item.entry) == LARGE_ID)
            assert_true(value.size == LARGE && memcmp(value.data, bytes, LARGE) == 0);
        else
            assert_true(is_sample(SECTION, item.entry, &value));
    }
    oversized_replay_close(replay);
    gate_open(gate, 0);
    errand_join(&sync, SEGJ_OK);
}

static segj_status_t call_rewind_to_11(oversized_t *journal, uint64_t section)
{
    return oversized_rewind_section(journal, section, (uint64_t)11 * SMALL_RECORD);
}

static segj_status_t call_get_10(oversized_t *journal, uint64_t section)
{
    uint8_t entry[SMALL_ENTRY];
    segj_status_t status = oversized_get(journal, section, 10, entry, NULL);
    return status == SEGJ_OK && get_u64(entry) != 10 ? SEGJ_ERR_CHECKSUM : status;
}

/* A rewind shortens the page: it fills the first slot, then clears the second. The reader has the first slot as it was
 * before, and the second one as it is afterwards. */
static void get_of_a_page_that_shrinks_meanwhile_finds_no_damage(void **state)
{
    not_in_version_2(); /* no sync and no rewind writes the page */
    stage_t *stage = *state;
    errand_t rewind;
    errand_t reader;
    fill(stage);
    append_samples(stage->journal, SECTION, COUNT, 10);
    stage_reopen(stage);
    assert_ok(oversized_sync(stage->journal, SECTION)); /* so that the rewind's is the first cut, in both formats */
    gate_t *cut = gate_close(stage->watched, CALL_TRUNCATE, PART_INDEX, SECTION, 1);
    errand_start(&rewind, stage, call_rewind_to_11, SECTION);
    gate_await(cut, 1);
    gate_t *gate = park_reader(stage, &reader, 2, SMALL_PAGE + 6, call_get_10);
    gate_open(cut, 0);
    errand_join(&rewind, SEGJ_OK);
    gate_open(gate, 0);
    errand_join(&reader, SEGJ_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(get_of_a_page_that_grows_meanwhile_finds_no_damage),
        STAGE_TEST(get_of_a_page_that_grew_and_is_idle_again_finds_no_damage),
        STAGE_TEST(replay_of_a_page_that_grows_meanwhile_finds_no_damage),
        STAGE_TEST(replay_backwards_from_a_page_that_grows_meanwhile_finds_no_damage),
        STAGE_TEST(values_backwards_beside_a_sync_that_writes_them),
        STAGE_TEST(get_of_a_page_that_shrinks_meanwhile_finds_no_damage),
    };
    return cmocka_run_group_tests_name("overlaps", tests, NULL, NULL);
}
