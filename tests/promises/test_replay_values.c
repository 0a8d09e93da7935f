/*
 * promises/test_replay_values.c: what oversized_replay_value() promises: the value of the record that the replay gave
 * last, checked, wherever it is; few reads for a scan and no more than asked for otherwise; and a walk that goes on
 * behind a damaged value.
 */
#include "promises/fixture.h"

#include <string.h>

#include "promises/watch.h"

enum { MANY = 300 };

static oversized_replay_t *begin(fixture_t *f, uint64_t section, uint64_t position, size_t buffer)
{
    oversized_replay_t *replay = NULL;
    assert_ok(oversized_replay_open(f->journal, section, position, buffer, &replay));
    return replay;
}

static void assert_no_value(oversized_replay_t *replay, segj_status_t status)
{
    const void *marked = replay;
    const void *value = marked;
    size_t size = 77;
    assert_status(oversized_replay_value(replay, &value, &size), status);
    assert_ptr_equal(value, marked);
    assert_int_equal(size, 77);
}

/* A scan of the whole section, with each buffer size. */
static void check_scans(fixture_t *f, uint64_t count)
{
    static const size_t buffers[] = {0, 1, 60, 61, 500, 4096, 1 << 20};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        check_replay_of(f->journal, 1, 0, count, buffers[i], 0);
}

static void test_values_are_given_wherever_they_are(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 10, 0); /* in a write buffer */
    check_scans(f, 10);
    for (uint64_t position = 10; position < MANY; position++)
        (void)append_sample(f->journal, 1, 0); /* in the file and in a buffer */
    check_scans(f, MANY);
    assert_ok(oversized_sync(f->journal, 1));
    check_scans(f, MANY);
    close_and_open(f);
    check_scans(f, MANY);
    (void)append_sample(f->journal, 1, 0);
    check_scans(f, MANY + 1);
}

static void test_compressed_values_are_given_wherever_they_are(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 3;
    open_journal(f);
    append_samples(f->journal, 1, MANY, 0);
    check_scans(f, MANY);
    close_and_open(f);
    check_scans(f, MANY);
}

static void test_a_walk_over_sections_gives_each_ones_values(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (uint64_t section = 3; section < 9; section += 2)
        append_samples(f->journal, section, 40, 0);
    close_and_open(f);
    oversized_replay_t *replay = begin(f, 0, 0, 4096);
    oversized_item_t item;
    for (uint64_t section = 3; section < 9; section += 2)
        for (uint64_t position = 0; position < 40; position++) {
            assert_ok(oversized_replay_next(replay, &item));
            check_replay_value(replay, section, position, 0);
            check_replay_value(replay, section, position, 0); /* as often as one likes */
        }
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
}

/* What was read of one section is not taken for another one's: first values alone, all at the same place. */
static void test_the_same_place_of_another_section_is_another_value(void **state)
{
    fixture_t *f = *state;
    oversized_item_t item;
    const void *value;
    size_t size;
    open_journal(f);
    for (uint64_t section = 1; section < 6; section++)
        for (uint64_t id = 0; id < 3; id++)
            (void)append_filled(f->journal, section, id, (uint8_t)section, 50, NULL);
    close_and_open(f);
    oversized_replay_t *replay = begin(f, 0, 0, 4096);
    while (oversized_replay_next(replay, &item) == SEGJ_OK) {
        if (item.position != 0)
            continue;
        assert_ok(oversized_replay_value(replay, &value, &size));
        assert_int_equal(*(const uint8_t *)value, item.section);
    }
    oversized_replay_close(replay);
}

static void test_a_scan_reads_far_less_often_than_once_a_value(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, MANY, 0);
    uint64_t bytes = value_size_of(f->journal, 1);
    close_and_open(f);
    oversized_replay_t *replay = begin(f, 1, 0, 4096);
    oversized_item_t item;
    uint64_t before = watch_seen()->reads;
    for (uint64_t position = 0; position < MANY; position++) {
        assert_ok(oversized_replay_next(replay, &item));
        check_replay_value(replay, 1, position, 0);
    }
    uint64_t pages = (MANY * SMALL_RECORD + SMALL_PAGE - 1) / SMALL_PAGE;
    uint64_t most = 2 + bytes / (4096 - SAMPLE_VALUE_LIMIT - FRAME_CHECKSUM) + 1 +
                    pages / (4096 / (SMALL_PAGE + PAGE_CHECKSUMS)) + 1;
    assert_in_range(watch_seen()->reads - before, 1, most);
    assert_true(most < MANY / 10);
    oversized_replay_close(replay);
}

/* Reading ahead would read what nobody wants. */
static void test_values_asked_for_here_and_there_are_read_alone(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, MANY, 0);
    close_and_open(f);
    oversized_replay_t *replay = begin(f, 1, 0, 4096);
    oversized_item_t item;
    assert_ok(oversized_replay_next(replay, &item));
    for (uint64_t position = 1; position < MANY; position++) {
        uint64_t before = watch_seen()->reads;
        assert_ok(oversized_replay_next(replay, &item));
        if (position % 50 != 0)
            continue;
        check_replay_value(replay, 1, position, 0);
        assert_in_range(watch_seen()->reads - before, 1, 2);
    }
    oversized_replay_close(replay);
}

static void test_without_a_record_there_is_no_value(void **state)
{
    fixture_t *f = *state;
    oversized_item_t item;
    const void *value;
    size_t size;
    open_journal(f);
    append_samples(f->journal, 1, 1, 0);
    oversized_replay_t *replay = begin(f, 1, 0, 4096);
    assert_no_value(replay, SEGJ_ERR_INVALID);
    assert_ok(oversized_replay_next(replay, &item));
    assert_status(oversized_replay_value(NULL, &value, &size), SEGJ_ERR_INVALID);
    assert_status(oversized_replay_value(replay, NULL, &size), SEGJ_ERR_INVALID);
    assert_status(oversized_replay_value(replay, &value, NULL), SEGJ_ERR_INVALID);
    check_replay_value(replay, 1, 0, 0);
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    assert_no_value(replay, SEGJ_ERR_INVALID);
    oversized_replay_close(replay);
}

static void test_the_walk_goes_on_behind_a_damaged_value(void **state)
{
    fixture_t *f = *state;
    oversized_item_t item;
    oversized_location_t location;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    assert_ok(oversized_get(f->journal, 1, 7, NULL, &location));
    close_journal(f);
    flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset);
    open_journal(f);
    for (size_t buffer = 1; buffer < 10000; buffer *= 100) {
        oversized_replay_t *replay = begin(f, 1, 0, buffer);
        for (uint64_t position = 0; position < 30; position++) {
            assert_ok(oversized_replay_next(replay, &item));
            if (position == 7)
                assert_no_value(replay, SEGJ_ERR_CHECKSUM);
            else
                check_replay_value(replay, 1, position, 0);
        }
        oversized_replay_close(replay);
    }
}

static void test_a_rewind_beneath_the_walk_is_told(void **state)
{
    fixture_t *f = *state;
    oversized_item_t item;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    oversized_replay_t *replay = begin(f, 1, 0, 0);
    assert_ok(oversized_replay_next(replay, &item));
    assert_ok(oversized_rewind_section(f->journal, 1, 0));
    append_samples(f->journal, 1, 30, 1); /* something else at the same place */
    assert_no_value(replay, SEGJ_ERR_NO_RECORD);
    assert_no_value(replay, SEGJ_ERR_NO_RECORD);
    assert_status(oversized_replay_next(replay, &item), SEGJ_ERR_NO_RECORD);
    oversized_replay_close(replay);
}

static void test_a_prune_beneath_the_walk_is_told(void **state)
{
    fixture_t *f = *state;
    oversized_item_t item;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    close_and_open(f);
    oversized_replay_t *replay = begin(f, 1, 0, 0);
    assert_ok(oversized_replay_next(replay, &item));
    assert_ok(oversized_prune(f->journal, 2, NULL));
    assert_no_value(replay, SEGJ_ERR_PRUNED);
    oversized_replay_close(replay);
}

static void test_a_value_beyond_max_value_size_is_refused_and_passed(void **state)
{
    fixture_t *f = *state;
    oversized_item_t item;
    const void *value;
    size_t size;
    open_journal(f);
    for (uint64_t id = 0; id < 6; id++)
        (void)append_filled(f->journal, 1, id, (uint8_t)id, id == 4 ? 101 : 100, NULL);
    close_journal(f);
    f->config.max_value_size = 100;
    open_journal(f);
    oversized_replay_t *replay = begin(f, 1, 0, 4096);
    for (uint64_t id = 0; id < 6; id++) {
        assert_ok(oversized_replay_next(replay, &item));
        if (id == 4) {
            assert_no_value(replay, SEGJ_ERR_TOO_LARGE);
            continue;
        }
        assert_ok(oversized_replay_value(replay, &value, &size));
        assert_int_equal(size, 100);
        assert_int_equal(*(const uint8_t *)value, id);
    }
    oversized_replay_close(replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_values_are_given_wherever_they_are),
        PROMISE(test_compressed_values_are_given_wherever_they_are),
        PROMISE(test_a_walk_over_sections_gives_each_ones_values),
        PROMISE(test_the_same_place_of_another_section_is_another_value),
        PROMISE(test_a_scan_reads_far_less_often_than_once_a_value),
        PROMISE(test_values_asked_for_here_and_there_are_read_alone),
        PROMISE(test_without_a_record_there_is_no_value),
        PROMISE(test_the_walk_goes_on_behind_a_damaged_value),
        PROMISE(test_a_rewind_beneath_the_walk_is_told),
        PROMISE(test_a_prune_beneath_the_walk_is_told),
        PROMISE(test_a_value_beyond_max_value_size_is_refused_and_passed),
    };
    return cmocka_run_group_tests_name("replay_values", tests, NULL, NULL);
}
