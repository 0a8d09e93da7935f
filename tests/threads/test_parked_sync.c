/*
 * threads/test_parked_sync.c: a sync that waits for its device, for as long as the test likes, and what goes on beside
 * it: "a sync holds no lock while the storage works: it delays neither readers nor appends beyond handing the buffer
 * over". In version 2 it is the values alone that a sync writes and flushes.
 *
 * LINK_WRAP: pthread_cond_wait segj_park_wait
 */
#include "threads/stage.h"
#include "threads/waits.h"

#include <errno.h>

enum { BEFORE = 7, SECTION = 3, OTHER = 4 };

/* Seven records, of which the sync that is parked takes over all: they end in the third page, which is partial. */
#define PAGE_IN_FLIGHT ((uint64_t)INDEX_DATA_OFFSET + (uint64_t)2 * STAGE_PHYSICAL_PAGE)

typedef struct parked {
    gate_t *gate;
    errand_t sync;
} parked_t;

/* Parks a sync of seven records, the first of which were synced before, at its first call of this kind. */
static void park(stage_t *stage, parked_t *parked, uint64_t synced, watched_call_t call, watched_part_t part)
{
    append_samples(stage->journal, SECTION, 0, synced);
    assert_ok(oversized_sync(stage->journal, SECTION));
    append_samples(stage->journal, SECTION, synced, BEFORE - synced);
    uint64_t section = call == CALL_SYNC_NAMES ? ANY_SECTION : SECTION;
    parked->gate = gate_close(stage->watched, call, part, section, 1);
    errand_start(&parked->sync, stage, call_sync, SECTION);
    gate_await(parked->gate, 1);
    watched_forget(stage->watched);
}

static void release(parked_t *parked)
{
    assert_false(errand_finished(&parked->sync));
    gate_open(parked->gate, 0);
    errand_join(&parked->sync, SEGJ_OK);
}

/* Every call that answers questions, about both sections. */
static void check_questions(const stage_t *stage)
{
    uint64_t section = 0;
    assert_ok(oversized_oldest_section(stage->journal, &section));
    assert_int_equal(section, SECTION);
    assert_ok(oversized_next_section(stage->journal, section, &section));
    assert_int_equal(section, OTHER);
    assert_status(oversized_next_section(stage->journal, section, &section), SEGJ_END);
    assert_ok(oversized_newest_section(stage->journal, &section));
    assert_int_equal(section, OTHER);
    assert_null(oversized_error(stage->journal));
    assert_int_equal(oversized_recovery(stage->journal)->sections, 0);
}

/* Appends that fill both buffers of the section several times, with values too large for one among them, and the first
 * records of another section. Nothing of it waits: it all happens in this thread, and the gate stays closed. */
static void check_all_goes_on(stage_t *stage, parked_t *parked)
{
    for (uint64_t count = BEFORE; count < 119; count += 16) {
        append_samples(stage->journal, SECTION, count, 16);
        check_samples(stage->journal, SECTION, count + 16);
    }
    append_samples(stage->journal, OTHER, 0, 90);
    check_samples(stage->journal, OTHER, 90);
    assert_ok(oversized_sync(stage->journal, OTHER));
    check_questions(stage);
    release(parked);
    check_samples(stage->journal, SECTION, 119);
    assert_ok(oversized_sync_all(stage->journal));
    stage_t *crash = stage_crash(stage);
    check_samples(crash->journal, SECTION, 119);
    check_samples(crash->journal, OTHER, 90);
    stage_free(crash);
    assert_writes_apart(stage->watched);
}

static void all_goes_on_while_a_sync_writes_values(void **state)
{
    parked_t parked;
    park(*state, &parked, 5, CALL_WRITE, PART_VALUES);
    check_all_goes_on(*state, &parked);
}

static void all_goes_on_while_a_sync_writes_pages(void **state)
{
    not_in_version_2(); /* its index follows later */
    parked_t parked;
    park(*state, &parked, 5, CALL_WRITE, PART_INDEX);
    check_all_goes_on(*state, &parked);
}

static void all_goes_on_while_a_sync_waits_for_the_index_file(void **state)
{
    not_in_version_2(); /* its index follows later */
    parked_t parked;
    park(*state, &parked, 5, CALL_SYNC, PART_INDEX);
    check_all_goes_on(*state, &parked);
}

static void all_goes_on_while_a_sync_waits_for_the_values_file(void **state)
{
    parked_t parked;
    park(*state, &parked, 5, CALL_SYNC, PART_VALUES);
    check_all_goes_on(*state, &parked);
}

/* A section's first sync also makes its names durable. The gate is there before the section is. */
static void all_goes_on_while_a_first_sync_waits_for_names(void **state)
{
    stage_t *stage = *state;
    parked_t parked;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    parked.gate = gate_close(stage->watched, CALL_SYNC_NAMES, PART_VALUES, ANY_SECTION, 1);
    errand_start(&parked.sync, stage, call_sync, SECTION);
    gate_await(parked.gate, 1);
    check_all_goes_on(stage, &parked);
}

/* "From the moment a sync has taken a page over until that sync has completed, the page is not written at all (later
 * pages may be)." */
static void check_page_in_flight(stage_t *stage, uint64_t synced, watched_call_t call, watched_part_t part)
{
    parked_t parked;
    park(stage, &parked, synced, call, part);
    append_samples(stage->journal, SECTION, BEFORE, 150);
    assert_int_equal(watched_touched(stage->watched, PART_INDEX, SECTION, PAGE_IN_FLIGHT, STAGE_PHYSICAL_PAGE), 0);
    assert_true(watched_touched(stage->watched, PART_INDEX, SECTION, PAGE_IN_FLIGHT + STAGE_PHYSICAL_PAGE, 100000) > 0);
    check_samples(stage->journal, SECTION, BEFORE + 150);
    release(&parked);
    assert_ok(oversized_sync(stage->journal, SECTION));
    assert_true(watched_touched(stage->watched, PART_INDEX, SECTION, PAGE_IN_FLIGHT, STAGE_PHYSICAL_PAGE) > 0);
    stage_reopen(stage);
    check_samples(stage->journal, SECTION, BEFORE + 150);
}

static void page_taken_over_is_not_written_before_its_values_are(void **state)
{
    not_in_version_2(); /* its index follows later */
    check_page_in_flight(*state, 5, CALL_WRITE, PART_VALUES);
}

static void page_taken_over_is_not_written_while_its_file_is_synced(void **state)
{
    not_in_version_2(); /* its index follows later */
    check_page_in_flight(*state, 5, CALL_SYNC, PART_INDEX);
}

static void page_taken_over_is_not_written_while_the_values_are_synced(void **state)
{
    not_in_version_2(); /* its index follows later */
    check_page_in_flight(*state, 5, CALL_SYNC, PART_VALUES);
}

/* The page's first sync. */
static void new_page_taken_over_is_not_written_while_it_is_synced(void **state)
{
    not_in_version_2(); /* its index follows later */
    check_page_in_flight(*state, 6, CALL_SYNC, PART_INDEX);
}

/* "A sync acknowledges what was handed over before it began, no more." */
static void check_acknowledged(stage_t *stage, watched_call_t call, watched_part_t part)
{
    parked_t parked;
    park(stage, &parked, 2, call, part);
    append_samples(stage->journal, SECTION, BEFORE, 60);
    stage_t *crash = stage_crash(stage);
    check_samples(crash->journal, SECTION, 2);
    stage_free(crash);
    release(&parked);
    crash = stage_crash(stage);
    check_samples(crash->journal, SECTION, BEFORE);
    append_samples(crash->journal, SECTION, BEFORE, 20);
    check_samples(crash->journal, SECTION, BEFORE + 20);
    stage_free(crash);
    assert_ok(oversized_sync(stage->journal, SECTION));
    crash = stage_crash(stage);
    check_samples(crash->journal, SECTION, BEFORE + 60);
    stage_free(crash);
}

static void acknowledged_is_what_came_before_a_sync_parked_at_the_values_write(void **state)
{
    not_in_version_2(); /* what follows is written before the flush begins, and needs no index */
    check_acknowledged(*state, CALL_WRITE, PART_VALUES);
}

static void acknowledged_is_what_came_before_a_sync_parked_at_the_values_sync(void **state)
{
    check_acknowledged(*state, CALL_SYNC, PART_VALUES);
}

static void acknowledged_is_what_came_before_a_sync_parked_at_the_index_write(void **state)
{
    not_in_version_2(); /* its index follows later */
    check_acknowledged(*state, CALL_WRITE, PART_INDEX);
}

static void acknowledged_is_what_came_before_a_sync_parked_at_the_index_sync(void **state)
{
    not_in_version_2(); /* its index follows later */
    check_acknowledged(*state, CALL_SYNC, PART_INDEX);
}

/* The storage is full just now: the parked sync fails, nothing is lost, and the next one covers all. */
static void write_that_fails_in_a_parked_sync_is_made_again(void **state)
{
    stage_t *stage = *state;
    const watched_part_t parts[] = {PART_VALUES, part_of_sync()};
    for (uint64_t i = 0; i < 2; i++) {
        parked_t parked;
        append_samples(stage->journal, i, 0, BEFORE);
        parked.gate = gate_close(stage->watched, CALL_WRITE, parts[i], i, 1);
        errand_start(&parked.sync, stage, call_sync, i);
        gate_await(parked.gate, 1);
        append_samples(stage->journal, i, BEFORE, 80);
        gate_open(parked.gate, i == 0 ? ENOSPC : EIO);
        errand_join(&parked.sync, i == 0 ? SEGJ_ERR_NO_SPACE : SEGJ_ERR_IO);
        assert_null(oversized_error(stage->journal));
        check_samples(stage->journal, i, BEFORE + 80);
        assert_ok(oversized_sync(stage->journal, i));
        stage_t *crash = stage_crash(stage);
        check_samples(crash->journal, i, BEFORE + 80);
        stage_free(crash);
    }
}

/* --- beside a sync that writes the index, which in version 2 lags behind for so many records ---
 *
 * While it works, appends write the pages after the one that it has taken over, which stays in memory. */

enum { LAG = 4096, PAGE = 1000 }; /* of 50 records */

static void park_at_the_index(stage_t *stage, parked_t *parked)
{
    parked->gate = gate_close(stage->watched, CALL_WRITE, PART_INDEX, SECTION, 1);
    errand_start(&parked->sync, stage, call_sync, SECTION);
    gate_await(parked->gate, 1);
}

static void a_rewind_to_a_page_that_was_written_beside_a_sync(void **state)
{
    stage_t *stage = *state;
    parked_t parked;
    uint64_t count = LAG + 4;
    append_samples(stage->journal, SECTION, 0, count);
    park_at_the_index(stage, &parked);
    append_samples(stage->journal, SECTION, count, 300);
    release(&parked);
    count += 150;
    assert_ok(oversized_rewind_section_to(stage->journal, SECTION, count));
    check_samples(stage->journal, SECTION, count);
    append_samples(stage->journal, SECTION, count, 100);
    check_samples(stage->journal, SECTION, count + 100);
    assert_ok(oversized_sync(stage->journal, SECTION));
    check_crash(stage, SECTION, count + 100);
    stage_reopen(stage);
    check_samples(stage->journal, SECTION, count + 100);
}

/* The page that is in flight was rewound before: its file has more records of it, which are others. */
static void a_walk_backwards_beside_a_sync_gives_no_record_that_was_taken_back(void **state)
{
    enum { KEPT = LAG - 6, OTHERS = 10000 };
    stage_t *stage = *state;
    parked_t parked;
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    uint64_t id = OTHERS;
    stage->config.page_size = PAGE;
    stage_reopen(stage);
    append_samples(stage->journal, SECTION, 0, LAG);
    assert_ok(oversized_sync(stage->journal, SECTION));
    append_samples(stage->journal, SECTION, LAG, 200);
    assert_ok(oversized_rewind_section_to(stage->journal, SECTION, KEPT));
    while (id < OTHERS + 8)
        assert_ok(append_sample(stage->journal, SECTION, id++, NULL));
    park_at_the_index(stage, &parked);
    while (id < OTHERS + 300)
        assert_ok(append_sample(stage->journal, SECTION, id++, NULL));
    assert_ok(oversized_replay_open_back(stage->journal, SECTION, KEPT + 60, 8192, &replay));
    for (uint64_t position = KEPT + 60; position-- > KEPT - 100;) {
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(item.position, position);
        assert_int_equal(get_u64(item.entry), position < KEPT ? position : OTHERS + position - KEPT);
    }
    oversized_replay_close(replay);
    release(&parked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(all_goes_on_while_a_sync_writes_values),
        STAGE_TEST(all_goes_on_while_a_sync_writes_pages),
        STAGE_TEST(all_goes_on_while_a_sync_waits_for_the_index_file),
        STAGE_TEST(all_goes_on_while_a_sync_waits_for_the_values_file),
        STAGE_TEST(all_goes_on_while_a_first_sync_waits_for_names),
        STAGE_TEST(page_taken_over_is_not_written_before_its_values_are),
        STAGE_TEST(page_taken_over_is_not_written_while_its_file_is_synced),
        STAGE_TEST(page_taken_over_is_not_written_while_the_values_are_synced),
        STAGE_TEST(new_page_taken_over_is_not_written_while_it_is_synced),
        STAGE_TEST(acknowledged_is_what_came_before_a_sync_parked_at_the_values_write),
        STAGE_TEST(acknowledged_is_what_came_before_a_sync_parked_at_the_values_sync),
        STAGE_TEST(acknowledged_is_what_came_before_a_sync_parked_at_the_index_write),
        STAGE_TEST(acknowledged_is_what_came_before_a_sync_parked_at_the_index_sync),
        STAGE_TEST(write_that_fails_in_a_parked_sync_is_made_again),
        STAGE_TEST(a_rewind_to_a_page_that_was_written_beside_a_sync),
        STAGE_TEST(a_walk_backwards_beside_a_sync_gives_no_record_that_was_taken_back),
    };
    return cmocka_run_group_tests_name("parked_sync", tests, NULL, NULL);
}
