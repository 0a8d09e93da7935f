/*
 * threads/test_copy_beside.c: copies beside a writer that appends, syncs, rewinds, removes and prunes open clean and strict,
 * have everything that was synced before they began, and no record with another one's value.
 */
#include "threads/stage.h"

#include "segjournal/tools.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 300, GROWS = 100000, CUT, COMES, RING = 100, VALUE = 40, COPIES = 3 };

typedef struct beside {
    stage_t *stage;
    bool from_files; /* the copies are made, as another process makes them */
    atomic_bool over;
    atomic_uint copies;
    _Atomic(uint64_t) synced; /* records of GROWS that a completed sync has covered */
    uint64_t next;            /* of ids */
} beside_t;

/* All values have one size: nothing but their bytes tells one from another. */
static segj_status_t append_next(beside_t *beside, uint64_t section)
{
    uint8_t entry[SMALL_ENTRY];
    uint8_t value[VALUE];
    put_u64(entry, ++beside->next);
    memset(value, (int)(beside->next % 251), sizeof value);
    put_u64(value, beside->next);
    return oversized_append(beside->stage->journal, section, entry, value, sizeof value, NULL, NULL);
}

static void append_some(worker_t *worker, beside_t *beside, uint64_t section, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        worker_ok(worker, append_next(beside, section));
    worker_ok(worker, oversized_sync(beside->stage->journal, section));
}

static void write_round(worker_t *worker, beside_t *beside, uint64_t round)
{
    oversized_t *journal = beside->stage->journal;
    uint64_t records = 0;
    append_some(worker, beside, RING + round, 1 + round % 3);
    append_some(worker, beside, GROWS, 3);
    atomic_store(&beside->synced, (round + 1) * 3);
    append_some(worker, beside, CUT, 5);
    worker_ok(worker, oversized_count(journal, CUT, &records));
    if (round % 2 == 0)
        worker_ok(worker, oversized_rewind_section_to(journal, CUT, records - 5 + round % 5));
    if (round % 11 == 10)
        worker_ok(worker, oversized_rewind_section_to(journal, CUT, round % 7));
    append_some(worker, beside, COMES, 2);
    worker_ok(worker, append_next(beside, COMES));
    worker_ok(worker, oversized_count(journal, CUT, &records));
    if (round % 3 == 0)
        worker_ok(worker, oversized_rewind_to(journal, CUT, records));
    if (round % 4 == 3)
        worker_ok(worker, oversized_prune(journal, RING + round - 2, NULL));
}

static void write_all(worker_t *worker)
{
    beside_t *beside = worker->context;
    /* Until some copies were made beside it, however slow they are. */
    for (uint64_t round = 0; (round < ROUNDS || atomic_load(&beside->copies) < 3) && worker->complaint[0] == '\0';
         round++)
        write_round(worker, beside, round);
    atomic_store(&beside->over, true);
}

/* Each record's value is its own, and later records have later ids. */
static void check_section(oversized_t *copy, uint64_t section, uint64_t count)
{
    segj_buffer_t value = SEGJ_ZERO;
    uint64_t before = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint8_t entry[SMALL_ENTRY];
        assert_ok(oversized_read(copy, section, i, entry, &value));
        assert_int_equal(value.size, VALUE);
        assert_int_equal(get_u64(value.data), get_u64(entry));
        assert_int_equal(((const uint8_t *)value.data)[VALUE - 1], get_u64(entry) % 251);
        assert_true(get_u64(entry) > before);
        before = get_u64(entry);
    }
    segj_buffer_free(&value);
}

static void check_copy(const beside_t *beside, const char *directory, uint64_t synced)
{
    oversized_config_t config = beside->stage->config;
    oversized_inspection_t *found = NULL;
    oversized_t *copy = NULL;
    uint64_t grown = 0;
    config.directory = directory;
    config.read_only = config.strict = true;
    assert_ok(oversized_inspect(&config, &found));
    if (found->health != OVERSIZED_CLEAN)
        fail_msg("health %d: %s", (int)found->health, found->problem);
    assert_ok(oversized_open(&config, &copy));
    for (size_t i = 0; i < found->section_count; i++) {
        const oversized_look_t *look = &found->sections[i];
        check_section(copy, look->section, look->records);
        grown = look->section == GROWS ? look->records : grown;
    }
    assert_true(grown >= synced);
    assert_ok(oversized_close(copy));
    oversized_inspection_free(found);
}

/* A cut of the oldest section that both have, to nothing, makes the copy another journal's; here none is. */
static void copy_once(const beside_t *beside, unsigned number)
{
    char directory[24];
    uint64_t synced = atomic_load(&beside->synced);
    oversized_config_t outside = beside->stage->config;
    outside.storage = beside->stage->memory; /* which tells whether a file has its name */
    (void)snprintf(directory, sizeof directory, "copy%u", number % COPIES);
    segj_status_t status = beside->from_files ? oversized_copy_beside(&outside, directory, NULL, NULL)
                                              : oversized_copy(beside->stage->journal, directory, NULL, NULL);
    if (status == SEGJ_ERR_BUSY) /* it is said to be cut too often; the next one goes on */
        return;
    assert_ok(status);
    check_copy(beside, directory, synced);
}

static void copy_beside_a_writer(stage_t *stage, bool from_files)
{
    beside_t beside = {.stage = stage, .from_files = from_files};
    worker_t writer;
    atomic_init(&beside.copies, 0);
    atomic_init(&beside.over, false);
    atomic_init(&beside.synced, 0);
    /* In the copies from the beginning. */
    assert_ok(append_next(&beside, 1));
    assert_ok(append_next(&beside, GROWS));
    assert_ok(append_next(&beside, GROWS));
    assert_ok(append_next(&beside, GROWS));
    assert_ok(append_next(&beside, CUT));
    assert_ok(oversized_sync_all(beside.stage->journal));
    team_start(&writer, 1, write_all, &beside);
    while (!atomic_load(&beside.over))
        copy_once(&beside, atomic_fetch_add(&beside.copies, 1));
    team_join(&writer, 1);
    for (unsigned i = 0; i < COPIES; i++)
        copy_once(&beside, i);
    print_message("  %u copies beside %d rounds or more\n", atomic_load(&beside.copies), (int)ROUNDS);
    assert_true(atomic_load(&beside.copies) > 2);
}

static void copies_beside_a_writer_are_whole(void **state)
{
    copy_beside_a_writer(*state, false);
}

static void copies_of_version_2_are_whole(void **state)
{
    stage_t *stage = *state;
    for_native_only();
    stage->config.native_version = 2;
    stage_reopen(stage);
    copy_beside_a_writer(stage, false);
}

static void copies_of_its_files_are_whole(void **state)
{
    for_native_only();
    copy_beside_a_writer(*state, true);
}

static void copies_of_its_files_of_version_2_are_whole(void **state)
{
    stage_t *stage = *state;
    for_native_only();
    stage->config.native_version = 2;
    stage_reopen(stage);
    copy_beside_a_writer(stage, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(copies_beside_a_writer_are_whole), STAGE_TEST(copies_of_version_2_are_whole),
        STAGE_TEST(copies_of_its_files_are_whole), STAGE_TEST(copies_of_its_files_of_version_2_are_whole)};
    return cmocka_run_group_tests_name("copy_beside", tests, NULL, NULL);
}
