/*
 * promises/test_layers.c: a journal in the lower layer of an overlay: reading copies no file up, a first change copies
 * the files of its section alone, and whoever reads sees old records and new ones from then on, views included.
 */
#include "promises/fixture.h"

#include <stdlib.h>
#include <string.h>

#include "support/layered.h"
#include "unit/random.h"

enum { SECTIONS = 5, RECORDS = 200 };

static layered_t before;

/* Files that were copied, and opened for writing, since then. */
static void note(void)
{
    before = *layered_seen();
}

static void assert_copied(size_t copied)
{
    assert_int_equal(layered_seen()->copied - before.copied, copied);
}

static fixture_t *begin(void **state)
{
    fixture_t *f = *state;
    layered_seen()->full = false;
    f->config.storage = layered_storage();
    f->config.map_values = true;
    note();
    open_journal(f);
    for (uint64_t section = 1; section <= SECTIONS; section++)
        append_samples(f->journal, section, RECORDS, 0);
    close_and_open(f);
    return f;
}

static void view_sample(oversized_t *journal, uint64_t section, uint64_t position, oversized_view_t *view)
{
    assert_ok(oversized_view(journal, section, position, NULL, view));
}

static bool is_borrowed(const oversized_view_t *view)
{
    return view->data != NULL && view->data != view->copy.data;
}

static void assert_shows(const oversized_view_t *view, uint64_t section, uint64_t position)
{
    uint8_t expected[SAMPLE_VALUE_LIMIT];
    sample_value(section, position, 0, expected);
    assert_int_equal(view->size, sample_value_size(section, position, 0));
    if (view->size > 0)
        assert_memory_equal(view->data, expected, view->size);
}

static void check_replay(fixture_t *f, uint64_t section, uint64_t count)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    assert_ok(oversized_replay_open(f->journal, section, 0, 4096, &replay));
    for (uint64_t position = 0; position < count; position++) {
        assert_ok(oversized_replay_next(replay, &item));
        check_item(f->journal, &item, section, position, 0);
        check_replay_value(replay, section, position, 0);
    }
    oversized_replay_close(replay);
}

/* Every way of reading there is. */
static void check_reads(fixture_t *f, uint64_t section, uint64_t count)
{
    oversized_view_t view = {0};
    uint8_t bytes[SAMPLE_VALUE_LIMIT];
    check_section(f->journal, section, count, 0);
    check_replay(f, section, count);
    for (uint64_t position = 0; position < count; position++) {
        view_sample(f->journal, section, position, &view);
        assert_shows(&view, section, position);
    }
    oversized_value_t values[2] = {{.position = 0}, {.position = count - 1}};
    assert_ok(oversized_read_values(f->journal, section, values, 2, &f->value));
    oversized_reader_t *reader;
    size_t done = 0;
    assert_ok(oversized_reader_open(f->journal, section, values[1].location, true, &reader));
    segj_status_t status = oversized_reader_read(reader, bytes, sizeof bytes, &done);
    assert_true(status == SEGJ_OK || status == SEGJ_END);
    assert_int_equal(done, sample_value_size(section, count - 1, 0));
    oversized_reader_close(reader);
    oversized_view_release(&view);
}

static void test_reading_opens_nothing_for_writing(void **state)
{
    fixture_t *f = begin(state);
    note();
    close_and_open(f);
    for (uint64_t section = 1; section <= SECTIONS; section++)
        check_reads(f, section, RECORDS);
    assert_copied(0);
    assert_int_equal(layered_seen()->writing - before.writing, 0);
    /* In the commonware format a sync that is asked for settles what an earlier process may have left. */
    assert_ok(oversized_sync(f->journal, SECTIONS));
    size_t copied = tested_format() == SEGJ_FORMAT_NATIVE ? 0 : 2;
    assert_copied(copied);
    close_journal(f);
    assert_copied(copied);
}

static void test_a_change_copies_its_section_alone(void **state)
{
    fixture_t *f = begin(state);
    for (uint64_t section = 1; section <= SECTIONS; section++)
        check_reads(f, section, RECORDS);
    note();
    append_samples(f->journal, 2, 10, 0);
    assert_copied(2);
    check_reads(f, 2, RECORDS + 10);
    assert_ok(oversized_sync(f->journal, 2));
    check_reads(f, 2, RECORDS + 10);
    append_samples(f->journal, 2, RECORDS, 0);
    check_reads(f, 2, 2 * RECORDS + 10);
    assert_ok(oversized_rewind_section(f->journal, 3, 5 * f->config.entry_size + 5 * OVERSIZED_LOCATION_SIZE));
    assert_copied(4);
    check_reads(f, 3, 5);
    append_samples(f->journal, 3, 20, 0);
    check_reads(f, 3, 25);
    assert_copied(4);
    close_and_open(f);
    check_reads(f, 1, RECORDS);
    check_reads(f, 2, 2 * RECORDS + 10);
    check_reads(f, 3, 25);
}

/* What a view shows stays; what comes behind it is shown by another mapping, also where the first one has room for
 * it. */
static void test_views_from_before_a_change_stay_and_show_no_more(void **state)
{
    fixture_t *f = begin(state);
    oversized_view_t held[3] = {{0}};
    oversized_view_t view = {0};
    view_sample(f->journal, 2, 0, &held[0]);
    view_sample(f->journal, 2, RECORDS - 1, &held[1]);
    assert_true(is_borrowed(&held[0]) && is_borrowed(&held[1]));
    append_samples(f->journal, 2, 300, 0);
    assert_ok(oversized_sync(f->journal, 2));
    for (uint64_t position = RECORDS; position < RECORDS + 300; position++) {
        view_sample(f->journal, 2, position, &view);
        assert_shows(&view, 2, position);
        assert_true(is_borrowed(&view));
    }
    view_sample(f->journal, 2, RECORDS + 299, &held[2]);
    view_sample(f->journal, 2, RECORDS - 1, &view);
    assert_shows(&view, 2, RECORDS - 1);
    assert_shows(&held[0], 2, 0);
    assert_shows(&held[1], 2, RECORDS - 1);
    assert_shows(&held[2], 2, RECORDS + 299);
    assert_status(oversized_rewind_section(f->journal, 2, 0), SEGJ_ERR_BUSY);
    for (int i = 0; i < 3; i++)
        oversized_view_release(&held[i]);
    oversized_view_release(&view);
    assert_ok(oversized_rewind_section(f->journal, 2, 0));
}

/* The bytes behind the end of the old file are in the same page of memory as its last ones. */
static void test_a_mapping_from_before_a_change_ends_with_the_old_file(void **state)
{
    fixture_t *f = begin(state);
    oversized_view_t view = {0};
    for (uint64_t count = RECORDS; count < RECORDS + 40; count++) {
        view_sample(f->journal, 4, count - 1, &view);
        assert_shows(&view, 4, count - 1);
        append_samples(f->journal, 4, 1, 0);
        oversized_view_release(&view);
        close_and_open(f);
    }
    check_reads(f, 4, RECORDS + 40);
}

static void test_a_full_upper_layer_leaves_reads_working(void **state)
{
    fixture_t *f = begin(state);
    note();
    layered_seen()->full = true;
    for (uint64_t section = 1; section <= SECTIONS; section++)
        check_reads(f, section, RECORDS);
    uint8_t entry[SMALL_ENTRY] = {0};
    for (uint64_t section = 1; section < SECTIONS; section++) {
        assert_status(oversized_append(f->journal, section, entry, "x", 1, NULL, NULL), SEGJ_ERR_NO_SPACE);
        assert_status(oversized_rewind_section(f->journal, section, 0), SEGJ_ERR_NO_SPACE);
    }
    assert_null(oversized_error(f->journal));
    for (uint64_t section = 1; section <= SECTIONS; section++)
        check_reads(f, section, RECORDS);
    assert_copied(0);
    layered_seen()->full = false;
    append_samples(f->journal, 1, 5, 0);
    check_reads(f, 1, RECORDS + 5);
    assert_copied(2);
    bool pruned = false;
    layered_seen()->full = true;
    assert_ok(oversized_prune(f->journal, 3, &pruned)); /* needs no copy */
    assert_true(pruned);
    layered_seen()->full = false;
}

/* Pages that an open shortens are not read as they were. */
static void test_what_a_checkpoint_cuts_is_read_from_the_copy(void **state)
{
    fixture_t *f = begin(state);
    uint64_t records = RECORDS - 2;
    while (records * SMALL_RECORD / f->config.page_size != (records + 2) * SMALL_RECORD / f->config.page_size)
        records--;
    close_journal(f);
    oversized_checkpoint_t checkpoint = {.section = SECTIONS, .index_size = records * SMALL_RECORD};
    f->config.checkpoint = &checkpoint;
    f->config.max_open_files = 4;
    open_journal(f);
    f->config.checkpoint = NULL;
    check_section(f->journal, SECTIONS, records, 0);
    uint8_t entry[SMALL_ENTRY];
    uint8_t found[SMALL_ENTRY];
    memset(entry, 0x5a, sizeof entry);
    for (int i = 0; i < 2; i++)
        assert_ok(oversized_append(f->journal, SECTIONS, entry, "another", 7, NULL, NULL));
    append_samples(f->journal, 1, 1, 0); /* the other one rests */
    for (uint64_t position = records; position < records + 2; position++) {
        assert_ok(oversized_read(f->journal, SECTIONS, position, found, &f->value));
        assert_memory_equal(found, entry, sizeof entry);
        assert_int_equal(f->value.size, 7);
    }
}

/* Anything, with few descriptors, so that files are closed, opened for reading and for writing again and again. */
static void test_anything(void **state)
{
    fixture_t *f = begin(state);
    uint64_t counts[SECTIONS + 1];
    oversized_view_t view = {0};
    uint64_t random = 7;
    for (uint64_t section = 1; section <= SECTIONS; section++)
        counts[section] = RECORDS;
    for (int step = 0; step < 1500; step++) {
        uint64_t section = 1 + random_below(&random, SECTIONS);
        uint64_t count = counts[section];
        uint64_t less = count > 8 ? count - random_below(&random, 8) : count;
        switch (random_below(&random, 12)) {
        case 0:
            oversized_view_release(&view);
            assert_ok(oversized_rewind_section(f->journal, section, less * SMALL_RECORD));
            counts[section] = less;
            break;
        case 1:
            oversized_view_release(&view);
            f->config.max_open_files = 4 + (uint32_t)random_below(&random, 8);
            close_and_open(f);
            break;
        case 2:
        case 3:
            append_samples(f->journal, section, 1 + random_below(&random, 9), 0);
            assert_ok(oversized_count(f->journal, section, &counts[section]));
            break;
        case 4:
            assert_ok(oversized_sync(f->journal, section));
            break;
        default:
            view_sample(f->journal, section, less - 1, &view);
            assert_shows(&view, section, less - 1);
            check_samples(f->journal, section, less - 1, less, 0);
        }
    }
    oversized_view_release(&view);
    for (uint64_t section = 1; section <= SECTIONS; section++)
        check_reads(f, section, counts[section]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_reading_opens_nothing_for_writing),
        PROMISE(test_a_change_copies_its_section_alone),
        PROMISE(test_views_from_before_a_change_stay_and_show_no_more),
        PROMISE(test_a_mapping_from_before_a_change_ends_with_the_old_file),
        PROMISE(test_a_full_upper_layer_leaves_reads_working),
        PROMISE(test_what_a_checkpoint_cuts_is_read_from_the_copy),
        PROMISE(test_anything),
    };
    return cmocka_run_group_tests_name("layers", tests, NULL, NULL);
}
