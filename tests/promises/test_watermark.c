/*
 * promises/test_watermark.c: W on disk: it never says more than a completed sync covered; a close brings it to the
 * count, a sync that moves it far does too, and so does a section that goes idle.
 */
#include "promises/fixture.h"

#include <stdlib.h>

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

/* Appends `count` values of `size` bytes. */
static void append_values(fixture_t *f, uint64_t section, uint64_t count, size_t size)
{
    uint8_t *value = calloc(1, size + 1);
    assert_non_null(value);
    for (uint64_t i = 0; i < count; i++)
        assert_ok(oversized_append(f->journal, section, entry, value, size, NULL, NULL));
    free(value);
}

static void test_a_close_brings_it_to_the_count(void **state)
{
    fixture_t *f = *state;
    uint64_t count = 0;
    open_journal(f);
    for (uint64_t more = 1; more < 60; more += 7) {
        append_samples(f->journal, 1, more, 0);
        append_samples(f->journal, 1000 + more, 2, 0);
        count += more;
        close_journal(f);
        assert_int_equal(watermark_on_disk(f, 1), count);
        assert_int_equal(watermark_on_disk(f, 1000 + more), 2);
        open_journal(f);
    }
}

static void test_a_close_after_a_sync_brings_it_to_the_count(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 10, 0);
    assert_ok(oversized_sync(f->journal, 1));
    close_journal(f);
    assert_int_equal(watermark_on_disk(f, 1), 10);
}

static void test_unsynced_records_do_not_move_it(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_values(f, 1, 5000, 8);
    assert_true(file_size(index_path(f, 1).text) > tested_index_data() + 4000 * SMALL_RECORD);
    assert_int_equal(watermark_on_disk(f, 1), 0);
    abandon_journal(f);
    assert_int_equal(watermark_on_disk(f, 1), 0);
}

static void test_a_sync_that_moves_it_by_1024_records_does_not_write_it(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_values(f, 1, 1024, 8);
    assert_ok(oversized_sync(f->journal, 1));
    assert_int_equal(watermark_on_disk(f, 1), 0);
}

static void test_a_sync_that_moves_it_by_more_than_1024_records_writes_it(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    open_journal(f);
    append_values(f, 1, 1025, 8);
    assert_ok(oversized_sync(f->journal, 1));
    assert_int_equal(watermark_on_disk(f, 1), 1025);
    append_values(f, 1, 1024, 8);
    assert_ok(oversized_sync(f->journal, 1));
    assert_int_equal(watermark_on_disk(f, 1), 1025);
    append_values(f, 1, 1, 8);
    assert_ok(oversized_sync(f->journal, 1));
    assert_int_equal(watermark_on_disk(f, 1), 2050);
}

/* Small steps count together. */
static void test_many_small_syncs_move_it_in_the_end(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    open_journal(f);
    for (int i = 0; i < 41; i++) {
        append_values(f, 1, 50, 8);
        assert_ok(oversized_sync(f->journal, 1));
    }
    assert_in_range(watermark_on_disk(f, 1), 1025, 2050);
}

static void test_a_sync_that_moves_it_by_more_than_a_mebibyte_of_values_writes_it(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    const size_t half = (size_t)1 << 19;
    open_journal(f);
    append_values(f, 1, 1, half);
    assert_ok(oversized_sync(f->journal, 1));
    assert_int_equal(watermark_on_disk(f, 1), 0);
    append_values(f, 1, 1, half); /* with two checksums that is more than a mebibyte */
    assert_ok(oversized_sync(f->journal, 1));
    assert_int_equal(watermark_on_disk(f, 1), 2);
    append_values(f, 1, 1, half);
    assert_ok(oversized_sync(f->journal, 1));
    assert_int_equal(watermark_on_disk(f, 1), 2);
}

/* With four descriptors one section can be written at a time: the other one goes idle. */
static void test_a_section_that_goes_idle_brings_it_to_the_count(void **state)
{
    fixture_t *f = *state;
    f->config.max_open_files = 4;
    open_journal(f);
    append_samples(f->journal, 1, 10, 0);
    append_samples(f->journal, 2, 20, 0);
    assert_int_equal(watermark_on_disk(f, 1), 10);
    append_samples(f->journal, 1, 5, 0);
    assert_int_equal(watermark_on_disk(f, 2), 20);
    assert_int_equal(watermark_on_disk(f, 1), 10);
    abandon_and_open(f); /* what went idle was synced */
    check_section(f->journal, 1, 10, 0);
    check_section(f->journal, 2, 20, 0);
}

/* Section 2 takes the memory that section 1 had, which is written, synced and marked first. */
static void test_a_section_that_gives_its_memory_back_brings_it_to_the_count(void **state)
{
    fixture_t *f = *state;
    f->config.write_memory = 1;
    open_journal(f);
    append_samples(f->journal, 1, 10, 0);
    append_samples(f->journal, 2, 2, 0);
    assert_int_equal(watermark_on_disk(f, 1), 10);
    abandon_and_open(f);
    check_section(f->journal, 1, 10, 0);
}

/* After a rewind it says no more than what is kept, and does not mark a cut any more. */
static void test_a_rewind_lowers_it(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 40, 0);
    close_and_open(f);
    assert_int_equal(watermark_on_disk(f, 1), 40);
    assert_ok(oversized_rewind_section(f->journal, 1, 17 * SMALL_RECORD));
    assert_int_equal(watermark_on_disk(f, 1), 17);
    check_files(f, 1, 17, 0);
    append_samples(f->journal, 1, 40, 0);
    assert_ok(oversized_sync(f->journal, 1));
    assert_in_range(watermark_on_disk(f, 1), 0, 17);
    assert_ok(oversized_rewind_section(f->journal, 1, 0));
    assert_int_equal(watermark_on_disk(f, 1), 0);
    close_journal(f);
    assert_int_equal(watermark_on_disk(f, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_close_brings_it_to_the_count),
        PROMISE(test_a_close_after_a_sync_brings_it_to_the_count),
        PROMISE(test_unsynced_records_do_not_move_it),
        PROMISE(test_a_sync_that_moves_it_by_1024_records_does_not_write_it),
        PROMISE(test_a_sync_that_moves_it_by_more_than_1024_records_writes_it),
        PROMISE(test_many_small_syncs_move_it_in_the_end),
        PROMISE(test_a_sync_that_moves_it_by_more_than_a_mebibyte_of_values_writes_it),
        PROMISE(test_a_section_that_goes_idle_brings_it_to_the_count),
        PROMISE(test_a_section_that_gives_its_memory_back_brings_it_to_the_count),
        PROMISE(test_a_rewind_lowers_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
