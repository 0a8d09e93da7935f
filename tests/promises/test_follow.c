/*
 * promises/test_follow.c: a follower shows what has come to a journal's files, in order, and says where records were taken
 * back or removed; it writes nothing, keeps nobody out, and waits without looking.
 */
#include "promises/following.h"
#include "promises/watch.h"
#include "support/mirror.h"

#include <stdlib.h>
#include <string.h>

/* --- records --- */

static void test_what_a_sync_covers_is_shown_in_order(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_and_sync(f, 3, 30, 0);
    append_and_sync(f, 9, 3, 0);
    path_t before = snapshot(f);
    uint64_t changes = watch_seen()->changes;
    oversized_follower_t *follower = follow(f);
    expect_samples(follower, 3, 0, 30, 0);
    expect_samples(follower, 9, 0, 3, 0);
    expect_end(follower);
    expect_end(follower);
    assert_int_equal(watch_seen()->changes, changes);
    assert_untouched(f, before);
    append_and_sync(f, 9, 2, 0);
    append_and_sync(f, 10, 1, 0);
    append_and_sync(f, 3, 1, 0);
    expect_sample(follower, 3, 30, 0);
    expect_samples(follower, 9, 3, 5, 0);
    expect_sample(follower, 10, 0, 0);
    expect_end(follower);
    oversized_follow_close(follower);
}

/* What is read beside a writer is taken from the same memory and caches that it writes to. */
static void test_each_byte_is_read_about_once(void **state)
{
    fixture_t *f = *state;
    const uint64_t count = 24000;
    for (f->config.native_version = 1; f->config.native_version <= 2; f->config.native_version++) {
        const uint64_t section = f->config.native_version;
        open_journal(f);
        for (uint64_t i = 0; i < count; i++)
            append_filled(f->journal, section, i, 'a', 60, NULL);
        assert_ok(oversized_sync(f->journal, section));
        uint64_t bytes = file_size(values_path(f, section).text);
        bytes += f->config.native_version == 1 ? file_size(index_path(f, section).text) : 0;
        oversized_follower_t *follower = follow_from(f, OVERSIZED_FOLLOW_PLACE, section, 0);
        uint64_t before = watch_seen()->bytes_read;
        for (uint64_t i = 0; i < count; i++)
            (void)expect(follower, OVERSIZED_FOLLOW_RECORD, section, i);
        expect_end(follower);
        assert_in_range(watch_seen()->bytes_read - before, bytes / 2, bytes + bytes / 8);
        oversized_follow_close(follower);
        close_journal(f);
    }
}

static void test_what_a_flush_hands_over_is_shown_and_what_is_in_memory_is_not(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_and_sync(f, 3, 1, 0);
    append_samples(f->journal, 3, 1, 0);
    oversized_follower_t *follower = follow(f);
    expect_sample(follower, 3, 0, 0);
    expect_end(follower);
    assert_ok(oversized_flush(f->journal, 3));
    expect_sample(follower, 3, 1, 0);
    expect_end(follower);
    oversized_follow_close(follower);
}

/* With small buffers most of it is in the files before any sync. */
static void test_records_that_no_sync_has_covered_say_so(void **state)
{
    fixture_t *f = *state;
    mirror_t mirror = {0};
    open_journal(f);
    append_samples(f->journal, 3, 1000, 0);
    oversized_follower_t *follower = follow(f);
    mirror_drain(&mirror, follower);
    uint64_t shown = mirror_count(&mirror, 3);
    assert_in_range(shown, 800, 1000);
    for (uint64_t i = 0; i < shown; i++)
        assert_false(mirror_find(&mirror, 3)->synced[i]);
    oversized_follow_close(follower);
    close_journal(f);
    mirror_free(&mirror);
    follower = follow(f);
    assert_int_equal(mirror_drain(&mirror, follower), 1000);
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(mirror_find(&mirror, 3)->synced[i]);
    oversized_follow_close(follower);
    mirror_free(&mirror);
}

static void test_synced_only_shows_what_the_files_say_is_synced(void **state)
{
    fixture_t *f = *state;
    mirror_t mirror = {0};
    oversized_follow_options_t options;
    oversized_follow_options_init(&options);
    options.synced_only = true;
    open_journal(f);
    append_and_sync(f, 3, 10, 0);
    append_samples(f->journal, 3, 90, 0);
    oversized_follower_t *follower = follow_with(f, &options);
    /* In version 2 each head says how many records before it were not synced. */
    uint64_t shown = mirror_drain(&mirror, follower);
    assert_int_equal(shown, tested_version() == 2 ? 10 : 0);
    append_and_sync(f, 3, 5000, 0); /* moves the watermark */
    shown += mirror_drain(&mirror, follower);
    assert_int_equal(shown, watermark_on_disk(f, 3));
    assert_true(shown > 10);
    append_samples(f->journal, 3, 7, 0);
    close_journal(f);
    assert_int_equal(mirror_drain(&mirror, follower), 5107 - shown);
    expect_end(follower);
    open_journal(f);
    mirror_check(&mirror, f->journal);
    oversized_follow_close(follower);
    mirror_free(&mirror);
}

/* A journal of version 2 that is synced after each record is a record behind, at most. */
static void test_the_next_head_says_that_a_record_is_synced(void **state)
{
    fixture_t *f = *state;
    oversized_follow_options_t options;
    oversized_followed_t followed;
    if (tested_version() != 2)
        SKIP("records of version 1 have no heads");
    oversized_follow_options_init(&options);
    options.synced_only = true;
    open_journal(f);
    append_and_sync(f, 3, 1, 0);
    oversized_follower_t *follower = follow_with(f, &options);
    oversized_follower_t *early = follow(f);
    expect_end(follower);
    followed = expect(early, OVERSIZED_FOLLOW_RECORD, 3, 0);
    assert_false(followed.synced);
    for (uint64_t i = 1; i < 20; i++) {
        append_samples(f->journal, 3, 1, 0);
        expect_end(follower);
        assert_ok(oversized_flush(f->journal, 3)); /* the record before was synced, this one is not */
        expect_sample(follower, 3, i - 1, 0);
        expect_end(follower);
        assert_ok(oversized_sync(f->journal, 3));
        expect_end(follower);
    }
    for (uint64_t i = 1; i < 20; i++)
        assert_true(expect(early, OVERSIZED_FOLLOW_RECORD, 3, i).synced == (i < 19));

    /* Records that no sync has covered stay hidden, however many follow them, and so do the rest of them when a rewind
       takes some back. */
    append_samples(f->journal, 3, 5, 0);
    assert_ok(oversized_flush(f->journal, 3));
    expect_sample(follower, 3, 19, 0);
    expect_end(follower);
    append_samples(f->journal, 3, 300, 0);
    assert_ok(oversized_flush(f->journal, 3));
    expect_end(follower);
    assert_ok(oversized_rewind_section_to(f->journal, 3, 22));
    append_samples(f->journal, 3, 1, 0);
    assert_ok(oversized_flush(f->journal, 3));
    expect_samples(follower, 3, 20, 22, 0);
    expect_end(follower);
    oversized_follow_close(follower);
    oversized_follow_close(early);
}

static void test_large_and_compressed_values_are_shown(void **state)
{
    fixture_t *f = *state;
    enum { LARGE = 700000 };
    uint8_t *large = malloc(LARGE);
    uint8_t entry[SMALL_ENTRY] = {1};
    assert_non_null(large);
    for (int level = 0; level <= 1; level++) {
        f->config.compression = level;
        open_journal(f);
        oversized_follower_t *follower = follow(f);
        uint64_t section = 3 + (uint64_t)level;
        for (uint8_t i = 0; i < 3; i++) {
            fill_noise(large, LARGE, i);
            assert_ok(oversized_append(f->journal, section, entry, large, i == 1 ? 5 : LARGE, NULL, NULL));
        }
        assert_ok(oversized_append(f->journal, section, entry, NULL, 0, NULL, NULL));
        assert_ok(oversized_sync(f->journal, section));
        if (level == 1)
            for (uint64_t i = 0; i < 4; i++)
                (void)expect(follower, OVERSIZED_FOLLOW_RECORD, 3, i);
        for (uint8_t i = 0; i < 3; i++) {
            oversized_followed_t followed = expect(follower, OVERSIZED_FOLLOW_RECORD, section, i);
            fill_noise(large, LARGE, i);
            assert_int_equal(followed.value_size, i == 1 ? 5 : LARGE);
            assert_memory_equal(followed.value, large, followed.value_size);
        }
        assert_int_equal(expect(follower, OVERSIZED_FOLLOW_RECORD, section, 3).value_size, 0);
        expect_end(follower);
        oversized_follow_close(follower);
        close_journal(f);
    }
    free(large);
}

/* Version 2: the batch's frames may be in the file before it is whole. */
static void test_a_batch_is_shown_when_it_is_whole(void **state)
{
    fixture_t *f = *state;
    oversized_record_t records[40];
    uint8_t entry[SMALL_ENTRY] = {0};
    uint8_t value[100] = {0};
    mirror_t mirror = {0};
    open_journal(f);
    append_and_sync(f, 3, 1, 0);
    for (size_t i = 0; i < 40; i++)
        records[i] = (oversized_record_t){entry, value, sizeof value};
    assert_ok(oversized_append_batch(f->journal, 3, records, 40, NULL, NULL));
    oversized_follower_t *follower = follow(f);
    uint64_t shown = mirror_drain(&mirror, follower);
    if (tested_version() == 2)
        assert_true(shown == 1 || shown == 41);
    assert_ok(oversized_sync(f->journal, 3));
    mirror_drain(&mirror, follower);
    mirror_check(&mirror, f->journal);
    /* Cut off, as a crash leaves it. */
    uint64_t end = file_size(values_path(f, 3).text);
    assert_ok(oversized_append_batch(f->journal, 3, records, 40, NULL, NULL));
    assert_ok(oversized_sync(f->journal, 3));
    abandon_journal(f);
    resize_file(values_path(f, 3).text, end + 500);
    shown = mirror_drain(&mirror, follower);
    if (tested_version() == 2)
        assert_int_equal(shown, 0);
    open_journal(f);
    mirror_drain(&mirror, follower);
    mirror_check(&mirror, f->journal);
    oversized_follow_close(follower);
    mirror_free(&mirror);
}

/* --- what is taken back --- */

static void test_a_rewind_is_told(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_and_sync(f, 3, 40, 0);
    append_and_sync(f, 4, 2, 0);
    oversized_follower_t *follower = follow(f);
    expect_samples(follower, 3, 0, 40, 0);
    expect_samples(follower, 4, 0, 2, 0);
    expect_end(follower);
    assert_ok(oversized_rewind_to(f->journal, 3, 25));
    (void)expect(follower, OVERSIZED_FOLLOW_REWOUND, 3, 25);
    (void)expect(follower, OVERSIZED_FOLLOW_REMOVED, 4, 2);
    expect_end(follower);
    append_and_sync(f, 3, 5, 1);
    append_and_sync(f, 4, 1, 1);
    expect_samples(follower, 3, 25, 30, 1);
    expect_sample(follower, 4, 0, 1);
    expect_end(follower);
    assert_ok(oversized_rewind_to(f->journal, 4, 0));
    (void)expect(follower, OVERSIZED_FOLLOW_REWOUND, 4, 0);
    expect_end(follower);
    oversized_follow_close(follower);
}

/* The records that come instead are alike: only the values' bytes are others. */
static void test_a_rewind_that_was_overtaken_by_appends_is_told(void **state)
{
    fixture_t *f = *state;
    for (unsigned again = 0; again < 4; again++) {
        mirror_t mirror = {0};
        uint64_t section = 3 + again;
        open_journal(f);
        append_alike(f, section, 100 + 1200 * (again % 2), 1);
        oversized_follower_t *follower = follow_from(f, OVERSIZED_FOLLOW_PLACE, section, 0);
        mirror_drain(&mirror, follower);
        assert_ok(oversized_rewind_section_to(f->journal, section, 50));
        append_alike(f, section, 3000, 2);
        if (again >= 2) { /* and the watermark was moved more than once since */
            append_alike(f, section, 3000, 2);
            append_alike(f, section, 6000, 2);
        }
        mirror_drain(&mirror, follower);
        assert_int_equal(mirror.rewound, 1);
        assert_true(mirror.last_position <= 50);
        mirror_check_from(&mirror, f->journal, section);
        /* Two cuts between looks, the second above the first. */
        assert_ok(oversized_rewind_section_to(f->journal, section, 10));
        append_alike(f, section, 90, 3);
        assert_ok(oversized_rewind_section_to(f->journal, section, 60));
        append_alike(f, section, 9000, 4);
        mirror_drain(&mirror, follower);
        mirror_check_from(&mirror, f->journal, section);
        oversized_follow_close(follower);
        mirror_free(&mirror);
        close_journal(f);
    }
}

static void test_many_marks_are_no_rewind(void **state)
{
    fixture_t *f = *state;
    mirror_t mirror = {0};
    open_journal(f);
    append_and_sync(f, 3, 10, 0);
    oversized_follower_t *follower = follow(f);
    mirror_drain(&mirror, follower);
    for (unsigned i = 0; i < 8; i++)
        append_and_sync(f, 3, 1100, 0);
    mirror_drain(&mirror, follower);
    assert_int_equal(mirror.rewound, 0);
    mirror_check(&mirror, f->journal);
    oversized_follow_close(follower);
    mirror_free(&mirror);
}

static void test_a_prune_and_a_journal_made_again_are_told(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (uint64_t section = 3; section < 6; section++)
        append_and_sync(f, section, 2, 0);
    oversized_follower_t *follower = follow(f);
    expect_samples(follower, 3, 0, 2, 0);
    assert_ok(oversized_prune(f->journal, 5, NULL));
    oversized_followed_t followed;
    mirror_t mirror = {0};
    unsigned removed = 0;
    for (segj_status_t status; (status = oversized_follow_next(follower, &followed)) != SEGJ_END;) {
        assert_status(status, SEGJ_OK);
        removed += followed.kind == OVERSIZED_FOLLOW_REMOVED;
        if (followed.kind == OVERSIZED_FOLLOW_RECORD)
            assert_true(followed.section != 3);
        if (followed.kind == OVERSIZED_FOLLOW_REMOVED)
            assert_int_equal(followed.position, followed.section == 3 ? 2 : followed.position);
    }
    assert_int_equal(removed, 2);
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_ok(oversized_destroy(journal));
    (void)expect(follower, OVERSIZED_FOLLOW_REMOVED, 5, 2);
    expect_end(follower);
    open_journal(f);
    append_and_sync(f, 5, 3, 1);
    expect_samples(follower, 5, 0, 3, 1);
    expect_end(follower);
    /* Made again between two looks. */
    journal = f->journal;
    f->journal = NULL;
    assert_ok(oversized_destroy(journal));
    open_journal(f);
    append_and_sync(f, 5, 4, 2);
    (void)expect(follower, OVERSIZED_FOLLOW_REMOVED, 5, 3);
    expect_samples(follower, 5, 0, 4, 2);
    expect_end(follower);
    oversized_follow_close(follower);
    mirror_free(&mirror);
}

/* More sections than have open files, of which one is removed and made again while its files are closed. */
static void test_many_sections_are_followed(void **state)
{
    fixture_t *f = *state;
    enum { MANY = 90 };
    mirror_t mirror = {0};
    f->config.max_open_files = 32;
    open_journal(f);
    oversized_follower_t *follower = follow(f);
    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t section = 0; section < MANY; section++)
            append_and_sync(f, section, 1 + section % 3, round);
        mirror_drain(&mirror, follower);
        mirror_check(&mirror, f->journal);
        assert_true(watch_seen()->files_open < 110);
    }
    assert_ok(oversized_rewind_to(f->journal, 2, 1));
    for (uint64_t section = 3; section < MANY; section++)
        append_and_sync(f, section, 4, 9);
    mirror_drain(&mirror, follower);
    mirror_check(&mirror, f->journal);
    assert_int_equal(mirror.removed, MANY - 3);
    oversized_follow_close(follower);
    mirror_free(&mirror);
}

/* A writer that is killed leaves bytes that the next open cuts. */
static void test_a_writer_that_dies_and_comes_back_is_followed(void **state)
{
    fixture_t *f = *state;
    mirror_t mirror = {0};
    open_journal(f);
    append_and_sync(f, 3, 20, 0);
    oversized_follower_t *follower = follow(f);
    for (unsigned round = 0; round < 20; round++) {
        append_samples(f->journal, 3, 37 * round, round);
        if (round % 3 == 1)
            assert_ok(oversized_sync(f->journal, 3));
        if (round % 2 == 1)
            mirror_drain(&mirror, follower);
        abandon_journal(f);
        uint64_t size = file_size(values_path(f, 3).text);
        if (round % 5 == 2) /* the last record's value was not written */
            resize_file(values_path(f, 3).text, size - 3);
        if (round % 5 == 4)
            mirror_drain(&mirror, follower);
        open_journal(f);
        assert_ok(oversized_sync(f->journal, 3));
        mirror_drain(&mirror, follower);
        mirror_check(&mirror, f->journal);
    }
    oversized_follow_close(follower);
    mirror_free(&mirror);
}

/* --- where it begins --- */

static void test_it_begins_at_the_end_or_at_a_place(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_and_sync(f, 3, 2000, 0);
    append_and_sync(f, 4, 10, 0);
    append_and_sync(f, 5, 10, 0);
    oversized_follower_t *end = follow_from(f, OVERSIZED_FOLLOW_END, 0, 0);
    oversized_follower_t *place = follow_from(f, OVERSIZED_FOLLOW_PLACE, 4, 7);
    oversized_follower_t *far = follow_from(f, OVERSIZED_FOLLOW_PLACE, 3, 1999);
    oversized_follower_t *beyond = follow_from(f, OVERSIZED_FOLLOW_PLACE, 5, 12);
    oversized_follower_t *later = follow_from(f, OVERSIZED_FOLLOW_PLACE, 6, 0);
    expect_end(end);
    expect_samples(place, 4, 7, 10, 0);
    expect_samples(place, 5, 0, 10, 0);
    expect_end(place);
    expect_sample(far, 3, 1999, 0);
    expect_samples(far, 4, 0, 10, 0);
    expect_end(beyond);
    expect_end(later);
    append_and_sync(f, 3, 1, 0);
    append_and_sync(f, 5, 4, 0);
    append_and_sync(f, 6, 1, 0);
    expect_sample(end, 3, 2000, 0);
    expect_samples(end, 5, 10, 14, 0);
    expect_sample(end, 6, 0, 0);
    expect_end(end);
    expect_samples(place, 5, 10, 14, 0);
    expect_sample(place, 6, 0, 0);
    expect_end(place);
    expect_samples(beyond, 5, 12, 14, 0);
    expect_sample(beyond, 6, 0, 0);
    expect_sample(later, 6, 0, 0);
    /* What was cut below the beginning is shown from there on, and not from the journal's first record. */
    assert_ok(oversized_rewind_section_to(f->journal, 3, 1900));
    append_and_sync(f, 3, 2, 1);
    oversized_followed_t followed;
    assert_ok(oversized_follow_next(end, &followed));
    assert_int_equal(followed.kind, OVERSIZED_FOLLOW_REWOUND);
    assert_in_range(followed.position, 1700, 1900);
    expect_samples(end, 3, followed.position, 1900, 0);
    expect_samples(end, 3, 1900, 1902, 1);
    oversized_follow_close(end);
    oversized_follow_close(place);
    oversized_follow_close(far);
    oversized_follow_close(beyond);
    oversized_follow_close(later);
}

/* --- waiting, and what is refused --- */

static void test_a_wait_ends_with_a_change_a_time_or_an_interruption(void **state)
{
    fixture_t *f = *state;
    f->config.storage = NULL; /* of which the system tells */
    open_journal(f);
    append_and_sync(f, 3, 1, 0);
    oversized_follower_t *follower = follow(f);
    expect_sample(follower, 3, 0, 0);
    expect_end(follower);
    oversized_follow_interrupt(follower);
    assert_status(oversized_follow_wait(follower, OVERSIZED_FOLLOW_FOREVER), SEGJ_ERR_CANCELLED);
    segj_status_t idle = oversized_follow_wait(follower, 0);
    assert_true(idle == SEGJ_END || idle == SEGJ_OK); /* OK: nothing tells of changes here */
    append_and_sync(f, 3, 1, 0);
    assert_ok(oversized_follow_wait(follower, OVERSIZED_FOLLOW_FOREVER));
    expect_sample(follower, 3, 1, 0);
    append_and_sync(f, 4, 1, 0); /* between the last look and the wait */
    assert_ok(oversized_follow_wait(follower, OVERSIZED_FOLLOW_FOREVER));
    expect_sample(follower, 4, 0, 0);
    expect_end(follower);
    oversized_follow_interrupt(NULL);
    oversized_follow_close(follower);
    oversized_follow_close(NULL);
}

/* A follower's end leaves the writer's locks. */
static void test_the_writer_keeps_its_lock(void **state)
{
    fixture_t *f = *state;
    mirror_t mirror = {0};
    f->config.storage = NULL;
    open_journal(f);
    append_and_sync(f, 3, 1, 0);
    for (unsigned i = 0; i < 2; i++) {
        oversized_follower_t *follower = follow(f);
        mirror_drain(&mirror, follower);
        oversized_follow_close(follower);
        mirror_free(&mirror);
        refuse_open(f, SEGJ_ERR_LOCKED);
    }
    append_and_sync(f, 3, 1, 0);
}

static void test_what_cannot_be_followed_is_refused(void **state)
{
    fixture_t *f = *state;
    oversized_follower_t *follower = (oversized_follower_t *)(void *)f;
    oversized_follow_options_t options;
    assert_status(oversized_follow_open(&f->config, NULL, &follower), SEGJ_ERR_NOT_FOUND);
    assert_null(follower);
    assert_status(oversized_follow_open(NULL, NULL, &follower), SEGJ_ERR_INVALID);
    assert_status(oversized_follow_open(&f->config, NULL, NULL), SEGJ_ERR_INVALID);
    oversized_follow_options_init(&options);
    options.struct_size--;
    assert_status(oversized_follow_open(&f->config, &options, &follower), SEGJ_ERR_INVALID);
    oversized_follow_options_init(&options);
    options.from = (oversized_follow_from_t)3;
    assert_status(oversized_follow_open(&f->config, &options, &follower), SEGJ_ERR_INVALID);
    f->config.format = SEGJ_FORMAT_COMMONWARE;
    f->config.native_version = 0;
    assert_status(oversized_follow_open(&f->config, NULL, &follower), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "commonware"));
    open_journal(f);
    append_filled(f->journal, 3, 1, 'a', 20, NULL);
    close_journal(f);
    f->config.format = SEGJ_FORMAT_NATIVE;
    assert_status(oversized_follow_open(&f->config, NULL, &follower), SEGJ_ERR_MISMATCH);
    assert_non_null(strstr(segj_last_error(), "cannot be followed"));
    oversized_followed_t followed;
    assert_status(oversized_follow_next(NULL, &followed), SEGJ_ERR_INVALID);
    assert_status(oversized_follow_wait(NULL, 0), SEGJ_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_what_a_sync_covers_is_shown_in_order),
        PROMISE(test_each_byte_is_read_about_once),
        PROMISE(test_what_a_flush_hands_over_is_shown_and_what_is_in_memory_is_not),
        PROMISE(test_records_that_no_sync_has_covered_say_so),
        PROMISE(test_synced_only_shows_what_the_files_say_is_synced),
        PROMISE(test_the_next_head_says_that_a_record_is_synced),
        PROMISE(test_large_and_compressed_values_are_shown),
        PROMISE(test_a_batch_is_shown_when_it_is_whole),
        PROMISE(test_a_rewind_is_told),
        PROMISE(test_a_rewind_that_was_overtaken_by_appends_is_told),
        PROMISE(test_many_marks_are_no_rewind),
        PROMISE(test_a_prune_and_a_journal_made_again_are_told),
        PROMISE(test_many_sections_are_followed),
        PROMISE(test_a_writer_that_dies_and_comes_back_is_followed),
        PROMISE(test_it_begins_at_the_end_or_at_a_place),
        PROMISE(test_a_wait_ends_with_a_change_a_time_or_an_interruption),
        PROMISE(test_the_writer_keeps_its_lock),
        PROMISE(test_what_cannot_be_followed_is_refused),
    };
    return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
