/*
 * What reading costs.
 * LINK_WRAP: malloc calloc realloc memcpy memmove
 */
#include "counted/rig.h"

enum { STORED = 10000, SIZE = 1000, FRAME = SIZE + FRAME_CHECKSUM };

static void store(rig_t *rig)
{
    append_many(rig, 7, STORED, SIZE);
    reserve(rig, FRAME);
}

static void a_record_in_memory_costs_nothing(void **state)
{
    rig_t *rig = *state;
    uint8_t entry[ENTRY];
    oversized_location_t location;
    store(rig);
    costs_t before = costs();
    assert_ok(oversized_get(rig->journal, 7, STORED - 1, entry, &location));
    assert_ok(oversized_last(rig->journal, 7, entry, &location));
    assert_costs(before, (costs_t){0});
}

/* Record 30 lies in page 0, which is read into the cache, where 31 finds it. */
static void a_record_in_the_file_costs_its_page_once(void **state)
{
    rig_t *rig = *state;
    uint8_t entry[ENTRY];
    oversized_location_t location;
    store(rig);
    costs_t before = costs();
    assert_ok(oversized_get(rig->journal, 7, 30, entry, &location));
    assert_costs(before, (costs_t){.reads = 1, .read_bytes = PAGE});
    before = costs();
    assert_ok(oversized_get(rig->journal, 7, 31, entry, &location));
    assert_costs(before, (costs_t){0});
}

static void a_value_in_memory_is_copied_once(void **state)
{
    rig_t *rig = *state;
    oversized_location_t location;
    store(rig);
    assert_ok(oversized_last(rig->journal, 7, NULL, &location));
    costs_t before = costs();
    assert_ok(oversized_get_value(rig->journal, 7, location, &rig->value));
    assert_costs(before, (costs_t){.copied = SIZE});
}

static void a_value_in_the_file_is_read_to_where_it_is_wanted(void **state)
{
    rig_t *rig = *state;
    oversized_location_t location;
    store(rig);
    assert_ok(oversized_get(rig->journal, 7, 30, NULL, &location));
    costs_t before = costs();
    assert_ok(oversized_get_value(rig->journal, 7, location, &rig->value));
    assert_costs(before, (costs_t){.reads = 1, .read_bytes = FRAME});
}

static void a_read_is_a_get_and_a_value(void **state)
{
    rig_t *rig = *state;
    uint8_t entry[ENTRY];
    store(rig);
    costs_t before = costs();
    assert_ok(oversized_read(rig->journal, 7, 30, entry, &rig->value));
    assert_costs(before, (costs_t){.reads = 2, .read_bytes = PAGE + FRAME});
    before = costs();
    assert_ok(oversized_read(rig->journal, 7, STORED - 1, entry, &rig->value));
    assert_costs(before, (costs_t){.copied = SIZE});
}

static void the_first_of_an_older_section_opens_two_files(void **state)
{
    rig_t *rig = *state;
    store(rig);
    append_many(rig, 8, 1, 100);
    close_and_open(rig);
    costs_t before = costs();
    assert_ok(oversized_read(rig->journal, 7, 30, NULL, &rig->value));
    assert_costs(before, (costs_t){.reads = 2, .read_bytes = PAGE + FRAME, .opens = 2});
    before = costs();
    assert_ok(oversized_read(rig->journal, 7, 5000, NULL, &rig->value));
    assert_costs(before, (costs_t){.reads = 2, .read_bytes = PAGE + FRAME});
}

static void the_first_of_the_newest_section_opens_none(void **state)
{
    rig_t *rig = *state;
    store(rig);
    close_and_open(rig);
    costs_t before = costs();
    assert_ok(oversized_read(rig->journal, 7, 30, NULL, &rig->value));
    assert_costs(before, (costs_t){.reads = 2, .read_bytes = PAGE + FRAME});
}

/* The frame is read into memory that is kept, and decoded into the caller's. */
static void a_compressed_value_needs_no_memory_either(void **state)
{
    rig_t *rig = *state;
    oversized_location_t location;
    rig->config.compression = 1;
    open_other(rig, "compressed");
    store(rig);
    assert_ok(oversized_sync(rig->journal, 7));
    assert_ok(oversized_read(rig->journal, 7, 30, NULL, &rig->value));
    assert_ok(oversized_get(rig->journal, 7, 31, NULL, &location));
    costs_t before = costs();
    assert_ok(oversized_read(rig->journal, 7, 31, NULL, &rig->value));
    assert_int_equal(rig->value.size, SIZE);
    assert_costs(before, (costs_t){.reads = 1, .read_bytes = location.size});
}

/* Pages in bulk, each once; memory for the walk, none for a record. */
static void check_replay(rig_t *rig, bool back)
{
    oversized_item_t item;
    oversized_replay_t *replay;
    store(rig);
    close_and_open(rig);
    costs_t before = costs();
    assert_ok(back ? oversized_replay_open_back(rig->journal, 7, OVERSIZED_END, (size_t)8 * PAGE, &replay)
                   : oversized_replay_open(rig->journal, 7, 0, (size_t)8 * PAGE, &replay));
    assert_costs(before, (costs_t){.allocations = 5});
    uint64_t pages = ((uint64_t)STORED * RECORD + PAGE_BYTES - 1) / PAGE_BYTES, found = 0;
    before = costs();
    while (oversized_replay_next(replay, &item) == SEGJ_OK)
        found++;
    assert_costs(before, (costs_t){.reads = (pages + 7) / 8, .read_bytes = pages * PAGE});
    assert_int_equal(found, STORED);
    oversized_replay_close(replay);
}

static void a_replay_reads_every_page_once(void **state)
{
    check_replay(*state, false);
}

static void a_replay_backwards_reads_every_page_once(void **state)
{
    check_replay(*state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COUNTED(a_record_in_memory_costs_nothing),
        COUNTED(a_record_in_the_file_costs_its_page_once),
        COUNTED(a_value_in_memory_is_copied_once),
        COUNTED(a_value_in_the_file_is_read_to_where_it_is_wanted),
        COUNTED(a_read_is_a_get_and_a_value),
        COUNTED(the_first_of_an_older_section_opens_two_files),
        COUNTED(the_first_of_the_newest_section_opens_none),
        COUNTED(a_compressed_value_needs_no_memory_either),
        COUNTED(a_replay_reads_every_page_once),
        COUNTED(a_replay_backwards_reads_every_page_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
