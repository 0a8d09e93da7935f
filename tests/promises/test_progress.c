/*
 * promises/test_progress.c: an open, an inspection, a prune, a retain and a destroy tell how far they are, no more often than
 * promised, and end where that is answered so: an open with nothing changed, the others with what they removed.
 *
 * LINK_WRAP: segj_process_time
 */
#include "promises/fixture.h"
#include "segjournal/tools.h"

#include <stdio.h>
#include <string.h>

enum { SECTIONS = 6, RECORDS = 40 };

/* --- the clock --- */

static uint64_t clock_now, clock_step = 200000000; /* nanoseconds; each look at it takes so long */

uint64_t __wrap_segj_process_time(void);

uint64_t __wrap_segj_process_time(void)
{
    return clock_now += clock_step;
}

/* --- who follows --- */

typedef struct follower {
    unsigned calls, cancel_at; /* 0: never */
    unsigned looks, repairs;   /* calls of these stages */
    uint64_t last;             /* when it was told */
    bool early;                /* sooner than a tenth of a second after the call before; the last call may be */
    oversized_progress_t told;
} follower_t;

static bool follow(void *context, const oversized_progress_t *progress)
{
    follower_t *follower = context;
    assert_true(progress->bytes_done <= progress->bytes_total);
    assert_true(progress->sections_done <= progress->sections_total);
    assert_false(follower->early);
    follower->early = follower->calls > 0 && clock_now - follower->last < 100000000;
    follower->last = clock_now;
    follower->calls++;
    follower->looks += strcmp(progress->stage, "look") == 0;
    follower->repairs += strcmp(progress->stage, "repair") == 0;
    follower->told = *progress;
    return follower->cancel_at > 0 && follower->calls >= follower->cancel_at;
}

static int set_up_clock(void **state)
{
    clock_step = 200000000;
    return set_up(state);
}

#define FOLLOWED(test) cmocka_unit_test_setup_teardown(test, set_up_clock, tear_down)

static void follow_open(fixture_t *f, follower_t *follower)
{
    f->config.progress = follow;
    f->config.progress_context = follower;
}

/* Sections 1 to 6; the newest two have records that no sync has covered, and are to be repaired. */
static void make_sections(fixture_t *f)
{
    open_journal(f);
    for (uint64_t section = 1; section <= SECTIONS; section++) {
        append_samples(f->journal, section, RECORDS, 0);
        if (section <= 4)
            assert_ok(oversized_sync(f->journal, section));
        else
            assert_ok(oversized_flush(f->journal, section));
    }
    abandon_journal(f);
}

static void check_from(fixture_t *f, uint64_t first)
{
    uint64_t oldest;
    assert_ok(oversized_oldest_section(f->journal, &oldest));
    assert_int_equal(oldest, first);
    for (uint64_t section = first; section <= SECTIONS; section++)
        check_section(f->journal, section, RECORDS, 0);
}

/* --- open --- */

static void test_an_open_is_cancelled_and_has_changed_nothing(void **state)
{
    fixture_t *f = *state;
    unsigned calls;
    make_sections(f);
    for (unsigned at = 1;; at++) {
        follower_t follower = {.cancel_at = at};
        follow_open(f, &follower);
        segj_status_t status = oversized_open(&f->config, &f->journal);
        calls = follower.calls;
        if (status == SEGJ_OK) { /* it had begun to repair */
            assert_int_equal(follower.looks, at - 1);
            assert_true(follower.repairs > 0);
            break;
        }
        assert_status(status, SEGJ_ERR_CANCELLED);
        assert_null(f->journal);
        assert_int_equal(follower.repairs, 0);
        assert_non_null(strstr(segj_last_error(), "nothing was changed"));
        follower.calls = 0;
        refuse_open_untouched(f, SEGJ_ERR_CANCELLED);
    }
    assert_true(calls > SECTIONS);
    check_from(f, 1);
    close_journal(f);
}

static void test_an_open_tells_of_what_it_reads(void **state)
{
    fixture_t *f = *state;
    follower_t follower = {.cancel_at = 0};
    make_sections(f);
    follow_open(f, &follower);
    f->config.read_only = true;
    open_journal(f);
    assert_string_equal(follower.told.stage, "look");
    assert_int_equal(follower.told.sections_done, SECTIONS);
    assert_int_equal(follower.told.sections_total, SECTIONS);
    assert_int_equal(follower.told.records_done, SECTIONS * RECORDS);
    assert_int_equal(follower.told.bytes_done, follower.told.bytes_total);
    if (f->config.format == SEGJ_FORMAT_NATIVE)
        assert_true(follower.told.bytes_done >= value_size_of(f->journal, 5) + value_size_of(f->journal, 6));
    unsigned calls = follower.calls;
    check_from(f, 1);
    close_journal(f);
    assert_int_equal(follower.calls, calls); /* it is no more called when the open has ended */
}

static void test_it_is_not_told_more_often_than_promised(void **state)
{
    fixture_t *f = *state;
    make_sections(f);
    f->config.read_only = true;
    for (clock_step = 1; clock_step < 100000000; clock_step *= 7) {
        follower_t follower = {.cancel_at = 0};
        follow_open(f, &follower);
        open_journal(f);
        assert_true(follower.calls >= 1);
        if (clock_step < 1000)
            assert_int_equal(follower.calls, 1); /* at the end of the look */
        close_journal(f);
    }
}

static void test_a_new_journal_tells_nothing(void **state)
{
    fixture_t *f = *state;
    follower_t follower = {.cancel_at = 1};
    follow_open(f, &follower);
    open_journal(f);
    assert_int_equal(follower.calls, 0);
}

static void test_waiting_for_the_lock_is_cancelled(void **state)
{
    fixture_t *f = *state;
    follower_t follower = {.cancel_at = 1};
    oversized_t *second = NULL;
    open_journal(f);
    oversized_config_t config = f->config;
    config.progress = follow;
    config.progress_context = &follower;
    config.lock_wait_ms = 1000000;
    assert_status(oversized_open(&config, &second), SEGJ_ERR_CANCELLED);
    assert_null(second);
    assert_string_equal(follower.told.stage, "wait");
    assert_non_null(strstr(segj_last_error(), "waiting"));
}

static void test_an_inspection_is_cancelled(void **state)
{
    fixture_t *f = *state;
    unsigned cancelled = 0;
    make_sections(f);
    for (unsigned at = 1;; at++) {
        follower_t follower = {.cancel_at = at};
        oversized_inspection_t *found;
        follow_open(f, &follower);
        segj_status_t status = oversized_inspect(&f->config, &found);
        if (status == SEGJ_OK) {
            assert_int_equal(found->recovery.records, SECTIONS * RECORDS);
            oversized_inspection_free(found);
            break;
        }
        assert_status(status, SEGJ_ERR_CANCELLED);
        assert_null(found);
        cancelled++;
    }
    assert_true(cancelled >= SECTIONS);
    f->config.progress = NULL;
}

/* --- removals --- */

static oversized_removal_options_t followed_by(follower_t *follower)
{
    oversized_removal_options_t options;
    oversized_removal_options_init(&options);
    options.progress = follow;
    options.context = follower;
    return options;
}

static uint64_t bytes_below(const fixture_t *f, uint64_t line)
{
    uint64_t sum = 0;
    for (uint64_t section = 1; section < line; section++)
        sum += file_size(index_path(f, section).text) + file_size(values_path(f, section).text);
    return sum;
}

static void make_closed_sections(fixture_t *f)
{
    make_sections(f);
    open_journal(f);
    close_and_open(f);
}

static void test_a_prune_is_cancelled_and_says_what_is_gone(void **state)
{
    fixture_t *f = *state;
    make_closed_sections(f);
    close_journal(f);
    path_t before = snapshot(f);
    path_t kept = join_path(f->root.text, "kept");
    assert_int_equal(rename(before.text, kept.text), 0);
    for (unsigned at = 1; at <= SECTIONS - 1; at++) {
        follower_t follower = {.cancel_at = at};
        oversized_removal_options_t options = followed_by(&follower);
        oversized_removed_t removed;
        remove_tree(f->directory.text);
        copy_tree(kept.text, f->directory.text);
        open_journal(f);
        uint64_t bytes = bytes_below(f, at + 1);
        uint64_t total = bytes_below(f, SECTIONS);
        segj_status_t status = oversized_prune_with(f->journal, SECTIONS, &options, &removed);
        assert_status(status, at < SECTIONS - 1 ? SEGJ_ERR_CANCELLED : SEGJ_OK); /* the last call changes nothing */
        assert_int_equal(removed.sections, at);
        assert_int_equal(removed.records, at * RECORDS);
        assert_int_equal(removed.bytes, bytes);
        assert_string_equal(follower.told.stage, "remove");
        assert_int_equal(follower.told.sections_done, at);
        assert_int_equal(follower.told.sections_total, SECTIONS - 1);
        assert_int_equal(follower.told.bytes_done, bytes);
        assert_int_equal(follower.told.bytes_total, total);
        assert_int_equal(follower.told.records_total, (SECTIONS - 1) * RECORDS);
        assert_null(oversized_error(f->journal));
        assert_status(oversized_get(f->journal, at, 0, NULL, NULL), SEGJ_ERR_PRUNED);
        check_from(f, at + 1);
        abandon_and_open(f); /* it is durable */
        check_from(f, at + 1);
        close_journal(f);
    }
}

static void test_a_prune_that_is_not_followed_is_one_step(void **state)
{
    fixture_t *f = *state;
    oversized_removed_t removed;
    make_closed_sections(f);
    assert_ok(oversized_prune_with(f->journal, 3, NULL, &removed));
    assert_int_equal(removed.sections, 2);
    check_from(f, 3);
    assert_ok(oversized_prune_with(f->journal, 3, NULL, NULL));
    assert_ok(oversized_prune_with(f->journal, 3, NULL, &removed));
    assert_int_equal(removed.sections + removed.records + removed.bytes, 0);
    oversized_removal_options_t options = {.struct_size = 1};
    assert_status(oversized_prune_with(f->journal, 5, &options, &removed), SEGJ_ERR_INVALID);
    check_from(f, 3);
    clock_step = 1; /* steps grow where they take no time */
    follower_t follower = {.cancel_at = 0};
    options = followed_by(&follower);
    assert_ok(oversized_prune_with(f->journal, SECTIONS, &options, &removed));
    assert_int_equal(removed.sections, 3);
    assert_int_equal(follower.calls, 1);
    check_from(f, SECTIONS);
}

/* A later section is in use: those before it are gone, and it says so. */
static void test_a_prune_that_fails_says_what_is_gone(void **state)
{
    fixture_t *f = *state;
    follower_t follower = {.cancel_at = 0};
    oversized_removal_options_t options = followed_by(&follower);
    oversized_removed_t removed;
    oversized_writer_t *writer;
    make_closed_sections(f);
    uint8_t entry[SMALL_ENTRY] = {0};
    assert_ok(oversized_writer_open(f->journal, 3, entry, 5, &writer));
    assert_status(oversized_prune_with(f->journal, SECTIONS, &options, &removed), SEGJ_ERR_BUSY);
    assert_int_equal(removed.sections, 2);
    oversized_writer_abandon(writer);
    check_from(f, 3);
}

static void test_a_retain_is_cancelled(void **state)
{
    fixture_t *f = *state;
    follower_t follower = {.cancel_at = 2};
    oversized_retain_options_t options;
    oversized_retained_t found;
    make_closed_sections(f);
    oversized_retain_options_init(&options);
    options.sections = 1;
    options.progress = follow;
    options.context = &follower;
    assert_status(oversized_retain(f->journal, &options, &found), SEGJ_ERR_CANCELLED);
    assert_int_equal(found.sections, 2);
    assert_int_equal(found.records, 2 * RECORDS);
    check_from(f, 3);
    follower = (follower_t){.cancel_at = 0};
    assert_ok(oversized_retain(f->journal, &options, &found));
    assert_int_equal(found.sections, 3);
    assert_int_equal(follower.calls, 3);
    check_from(f, SECTIONS);
}

static void test_a_destroy_is_cancelled_and_the_journal_stays_open(void **state)
{
    fixture_t *f = *state;
    oversized_removed_t removed;
    make_closed_sections(f);
    oversized_removal_options_t options = {.struct_size = 1};
    assert_status(oversized_destroy_with(f->journal, &options, &removed), SEGJ_ERR_INVALID);
    check_from(f, 1);
    for (uint64_t gone = 1; gone < SECTIONS; gone++) {
        follower_t follower = {.cancel_at = 1};
        options = followed_by(&follower);
        assert_status(oversized_destroy_with(f->journal, &options, &removed), SEGJ_ERR_CANCELLED);
        assert_non_null(strstr(segj_last_error(), "1 of"));
        assert_int_equal(removed.sections, 1);
        assert_int_equal(follower.told.sections_total, SECTIONS - gone + 1);
        check_from(f, gone + 1);
        if (gone % 2 == 0)
            abandon_and_open(f);
        check_from(f, gone + 1);
    }
    append_samples(f->journal, SECTIONS + 3, 5, 0);
    assert_ok(oversized_sync_all(f->journal));
    follower_t follower = {.cancel_at = 2}; /* the last one, which cancels nothing */
    options = followed_by(&follower);
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_ok(oversized_destroy_with(journal, &options, &removed));
    assert_int_equal(removed.sections, 2);
    assert_int_equal(removed.records, RECORDS + 5);
    names_t list = list_directory(f->directory.text);
    assert_int_equal(list.count, 0);
    free_names(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLLOWED(test_an_open_is_cancelled_and_has_changed_nothing),
        FOLLOWED(test_an_open_tells_of_what_it_reads),
        FOLLOWED(test_it_is_not_told_more_often_than_promised),
        FOLLOWED(test_a_new_journal_tells_nothing),
        FOLLOWED(test_waiting_for_the_lock_is_cancelled),
        FOLLOWED(test_an_inspection_is_cancelled),
        FOLLOWED(test_a_prune_is_cancelled_and_says_what_is_gone),
        FOLLOWED(test_a_prune_that_is_not_followed_is_one_step),
        FOLLOWED(test_a_prune_that_fails_says_what_is_gone),
        FOLLOWED(test_a_retain_is_cancelled),
        FOLLOWED(test_a_destroy_is_cancelled_and_the_journal_stays_open),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
