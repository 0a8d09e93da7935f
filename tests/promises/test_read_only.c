/*
 * promises/test_read_only.c: a journal opened read-only writes nothing, refuses every change, and shows the state that
 * an open for writing would recover.
 */
#include "promises/fixture.h"
#include "promises/watch.h"
#include "segjournal/tools.h"

#include <stdio.h>
#include <string.h>

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

/* Section 1 with 30 samples, section 2 with 10, left by a close. */
static void make_journal(fixture_t *f)
{
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    append_samples(f->journal, 2, 10, 0);
    close_journal(f);
}

static void open_read_only(fixture_t *f)
{
    f->config.read_only = true;
    open_journal(f);
}

static void test_everything_may_be_read(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    open_read_only(f);
    assert_sections(f->journal, 1, 2);
    check_section(f->journal, 1, 30, 0);
    check_section(f->journal, 2, 10, 0);
    check_replay_of(f->journal, 2, 0, 10, 1024, 0);
    assert_int_equal(oversized_recovery(f->journal)->records, 40);
    assert_int_equal(oversized_recovery(f->journal)->sections, 2);
    assert_null(oversized_error(f->journal));
    close_journal(f);
}

/* An open for writing makes it again from the values of version 2. Its records may be read before that, by position, in
 * bulk and in either direction. */
static void test_a_section_without_an_index_file_may_be_read(void **state)
{
    fixture_t *f = *state;
    for_native_only();
    f->config.native_version = 2;
    open_journal(f);
    put_samples(f->journal, 1, 30, 0);
    put_samples(f->journal, 2, 10, 0);
    close_journal(f);
    remove_file(index_path(f, 1).text);
    open_read_only(f);
    path_t before = snapshot(f);
    check_samples(f->journal, 1, 0, 30, 0);
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    for (int back = 0; back < 2; back++) {
        assert_ok(back == 0 ? oversized_replay_open(f->journal, 0, 0, 4096, &replay)
                            : oversized_replay_open_back(f->journal, UINT64_MAX, 0, 4096, &replay));
        for (uint64_t i = 0; i < 40; i++) {
            uint64_t at = back == 0 ? i : 39 - i;
            assert_ok(oversized_replay_next(replay, &item));
            assert_int_equal(item.section, at < 30 ? 1 : 2);
            assert_int_equal(item.position, at % 30);
            check_replay_value(replay, item.section, item.position, 0);
        }
        assert_status(oversized_replay_next(replay, &item), SEGJ_END);
        oversized_replay_close(replay);
    }
    oversized_verified_t verified;
    assert_ok(oversized_verify(f->journal, NULL, &verified));
    assert_int_equal(verified.records, 40);
    assert_untouched(f, before);
    close_journal(f);
}

static void test_every_change_is_refused(void **state)
{
    fixture_t *f = *state;
    uint64_t position = 77;
    make_journal(f);
    open_read_only(f);
    path_t before = snapshot(f);
    assert_status(oversized_append(f->journal, 1, entry, "a", 1, &position, NULL), SEGJ_ERR_READ_ONLY);
    assert_status(oversized_append(f->journal, 9, entry, "a", 1, &position, NULL), SEGJ_ERR_READ_ONLY);
    assert_status(oversized_sync(f->journal, 1), SEGJ_ERR_READ_ONLY);
    assert_status(oversized_sync_all(f->journal), SEGJ_ERR_READ_ONLY);
    assert_status(oversized_prune(f->journal, 2, NULL), SEGJ_ERR_READ_ONLY);
    assert_status(oversized_rewind(f->journal, 1, 0), SEGJ_ERR_READ_ONLY);
    assert_status(oversized_rewind_section(f->journal, 1, 0), SEGJ_ERR_READ_ONLY);
    assert_int_equal(position, 77);
    assert_sections(f->journal, 1, 2);
    check_section(f->journal, 1, 30, 0);
    check_section(f->journal, 2, 10, 0);
    assert_null(oversized_error(f->journal));
    assert_untouched(f, before);
}

static void test_a_destroy_is_refused_and_removes_nothing(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    open_read_only(f);
    path_t before = snapshot(f);
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_status(oversized_destroy(journal), SEGJ_ERR_READ_ONLY);
    assert_untouched(f, before);
    f->config.read_only = false;
    open_journal(f); /* it was freed, with its lock */
    check_section(f->journal, 1, 30, 0);
}

static void test_nothing_is_written_while_it_is_open(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    path_t before = snapshot(f);
    f->config.storage = watch_begin();
    open_read_only(f);
    check_section(f->journal, 1, 30, 0);
    check_replay_of(f->journal, 2, 0, 10, 0, 0);
    close_journal(f);
    open_journal(f);
    abandon_journal(f);
    assert_int_equal(watch_seen()->changes, 0);
    assert_int_equal(watch_seen()->names_synced, 0);
    assert_int_equal(watch_seen()->files_open, 0);
    assert_untouched(f, before);
}

/* --- what has to be recovered --- */

/* Everything that a crash and damage may leave at once. Section 1 was synced, but no watermark says so yet, and is torn
 * in its last page; 2 has lost synced records, 3 has no values, 4 no index, and 5 nothing but the beginning of a
 * header. */
static void make_wreck(fixture_t *f)
{
    open_journal(f);
    append_samples(f->journal, 2, 30, 0);
    append_samples(f->journal, 3, 5, 0);
    append_samples(f->journal, 4, 5, 0);
    close_and_open(f);
    append_samples(f->journal, 1, 29, 0);
    append_samples(f->journal, 5, 1, 0);
    assert_ok(oversized_sync_all(f->journal));
    abandon_journal(f);
    flip_byte(index_path(f, 1).text, file_size(index_path(f, 1).text) - SMALL_PAGE - PAGE_CHECKSUMS);
    resize_file(values_path(f, 2).text, (tested_values_data() + file_size(values_path(f, 2).text)) / 2);
    remove_file(values_path(f, 3).text);
    remove_file(index_path(f, 4).text);
    resize_file(index_path(f, 5).text, 3);
    resize_file(values_path(f, 5).text, tested_values_data());
}

static uint64_t counts[4];

/* The journal has sections 1, 2, 3 and 5; notes how many records each has, or holds them against what was noted. */
static void look(fixture_t *f, bool note)
{
    static const uint64_t sections[4] = {1, 2, 3, 5};
    assert_sections(f->journal, 1, 2, 3, 5);
    for (size_t i = 0; i < 4; i++) {
        uint64_t count = count_of(f->journal, sections[i]);
        if (note)
            counts[i] = count;
        assert_int_equal(count, counts[i]);
        check_section(f->journal, sections[i], count, 0);
    }
    assert_status(oversized_get(f->journal, 4, 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
}

static void test_a_wreck_is_shown_as_it_would_be_recovered_and_left_as_it_is(void **state)
{
    not_in_version_2();
    for_native_only();
    fixture_t *f = *state;
    make_wreck(f);
    path_t before = snapshot(f);
    open_read_only(f);
    look(f, true);
    assert_int_equal(counts[0], 28);
    assert_in_range(counts[1], 1, 29);
    assert_int_equal(counts[2], 0);
    assert_int_equal(counts[3], 0);
    oversized_recovery_t shown = *oversized_recovery(f->journal);
    assert_int_equal(shown.sections, 4);
    assert_int_equal(shown.records, 28 + counts[1]);
    assert_int_equal(shown.orphan_sections_removed, 1);
    assert_int_equal(shown.sections_damaged, 2);
    assert_int_equal(shown.synced_records_lost, 30 - counts[1] + 5);
    close_journal(f);
    assert_untouched(f, before);

    f->config.read_only = false;
    open_journal(f);
    look(f, false);
    assert_memory_equal(oversized_recovery(f->journal), &shown, offsetof(oversized_recovery_t, unacknowledged_records));
    assert_int_equal(shown.unacknowledged_records, 0);
    assert_null(shown.quarantine);
    assert_int_equal(oversized_recovery(f->journal)->unacknowledged_records, 30 - counts[1] + 5);
    assert_non_null(oversized_recovery(f->journal)->quarantine);
    assert_false(path_exists(values_path(f, 4).text));
    close_and_open(f);
    look(f, false);
}

/* The records behind what a torn section keeps are shown neither by get nor by a replay, nor are their values. */
static void test_what_would_be_cut_cannot_be_read(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    oversized_location_t last;
    open_journal(f);
    append_samples(f->journal, 1, 29, 0);
    append_sample(f->journal, 1, 0);
    assert_ok(oversized_last(f->journal, 1, NULL, &last));
    assert_ok(oversized_sync(f->journal, 1));
    abandon_journal(f);
    flip_byte(values_path(f, 1).text, tested_values_data() + last.offset + last.size - 1);
    open_read_only(f);
    check_section(f->journal, 1, 29, 0);
    check_replay_of(f->journal, 1, 0, 29, 1u << 20, 0);
    assert_status(oversized_get_value(f->journal, 1, last, &f->value), SEGJ_ERR_RANGE);
    assert_int_equal(value_size_of(f->journal, 1), last.offset);
}

static void test_a_loss_is_refused_where_strict_is_set(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    make_wreck(f);
    f->config.strict = true;
    f->config.read_only = true;
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
}

static void says_of_the_loss(fixture_t *f, const char *expected)
{
    char line[sizeof f->lines[0]];
    (void)snprintf(line, sizeof line, "%s: section 2 has lost 1 records that were synced%s", f->config.directory,
                   expected);
    open_journal(f);
    assert_string_equal(f->lines[SEGJ_LOG_ERROR], line);
    abandon_journal(f);
}

/* With what becomes of it at an open for writing, and without strict: nothing is set aside where that is forbidden. */
static void test_of_a_loss_it_is_said_what_would_be_done(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 2, 30, 0);
    close_journal(f);
    resize_file(values_path(f, 2).text, file_size(values_path(f, 2).text) - 1);
    f->config.read_only = true;
    says_of_the_loss(f, "; an open for writing would cut it to 29 records, and set aside what it cuts");
    f->config.quarantine = 0;
    says_of_the_loss(f, "; an open for writing would cut it to 29 records");
    f->config.strict = true;
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "section 2 has lost 1 of 30 synced records (strict): an open without "
                                              "strict cuts it; config.quarantine is 0: nothing of it is set aside"));
    f->config.quarantine = 1;
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "section 2 has lost 1 of 30 synced records (strict): an open without "
                                              "strict cuts it, and sets aside what it cuts"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_everything_may_be_read),
        PROMISE(test_a_section_without_an_index_file_may_be_read),
        PROMISE(test_every_change_is_refused),
        PROMISE(test_a_destroy_is_refused_and_removes_nothing),
        PROMISE(test_nothing_is_written_while_it_is_open),
        PROMISE(test_a_wreck_is_shown_as_it_would_be_recovered_and_left_as_it_is),
        PROMISE(test_what_would_be_cut_cannot_be_read),
        PROMISE(test_a_loss_is_refused_where_strict_is_set),
        PROMISE(test_of_a_loss_it_is_said_what_would_be_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
