/*
 * promises/test_copy.c: a copy holds what was synced, opens clean and strict, is brought up to date by the next one without
 * more writes than are needed, and is not opened while it is not complete.
 */
#include "promises/copies.h"
#include "promises/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void test_a_copy_has_what_was_synced(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(copy_journal(&pair));
    assert_int_equal(pair.copied.sections_kept, 0);
    assert_true(pair.copied.bytes > 0);
    check_equal(&pair);
    /* What was not synced may be missing, and here is. */
    put_samples(f->journal, 9, 3, 0);
    put_samples(f->journal, 12, 3, 0);
    assert_ok(copy_journal(&pair));
    assert_int_equal(pair.copied.records, 241);
    check_clean(&pair);
    assert_ok(oversized_sync_all(f->journal));
    assert_ok(copy_journal(&pair));
    check_equal(&pair);
}

static void test_a_copy_of_nothing_opens(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    open_journal(f);
    assert_ok(copy_journal(&pair));
    assert_int_equal(pair.copied.sections, 0);
    pair.config.directory = pair.directory.text;
    oversized_t *copy = NULL;
    assert_ok(oversized_open(&pair.config, &copy));
    assert_no_sections(copy);
    assert_ok(oversized_close(copy));
    put_samples(f->journal, 1, 5, 0);
    assert_ok(oversized_sync_all(f->journal));
    assert_ok(copy_journal(&pair));
    check_equal(&pair);
}

static void test_sections_without_records_are_copied(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(oversized_rewind_section_to(f->journal, 4, 0));
    assert_ok(copy_journal(&pair));
    check_equal(&pair);
    assert_ok(copy_journal(&pair));
    assert_int_equal(pair.copied.sections_kept, 3);
    put_samples(f->journal, 4, 7, 1);
    assert_ok(oversized_sync_all(f->journal));
    assert_ok(copy_journal(&pair));
    check_equal(&pair);
}

static void test_compressed_and_large_values_are_copied_as_they_are(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    size_t size = (size_t)3 << 20;
    uint8_t *value = malloc(size);
    assert_non_null(value);
    fill_noise(value, size, 7);
    f->config.compression = 1;
    pair.config.compression = 1;
    open_journal(f);
    put_samples(f->journal, 1, 50, 0);
    assert_ok(oversized_append(f->journal, 1, "12345678", value, size, NULL, NULL));
    put_samples(f->journal, 2, 50, 0);
    assert_ok(oversized_append(f->journal, 2, "12345678", value, size - 1, NULL, NULL));
    assert_ok(oversized_sync_all(f->journal));
    free(value);
    assert_ok(copy_journal(&pair));
    check_equal(&pair);
}

static void test_a_journal_open_read_only_is_copied(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    put_samples(f->journal, 9, 5, 0);
    assert_ok(oversized_flush(f->journal, 9));
    abandon_journal(f); /* the watermark lags */
    f->config.read_only = true;
    open_journal(f);
    path_t before = snapshot(f);
    assert_ok(copy_journal(&pair));
    check_equal(&pair);
    assert_ok(copy_journal(&pair));
    assert_int_equal(pair.copied.sections_kept, 3);
    assert_untouched(f, before);
}

/* --- copying again --- */

static void test_a_copy_that_is_equal_is_not_touched(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(copy_journal(&pair));
    close_and_open(f);
    uint64_t changes = watch_seen()->changes;
    assert_ok(copy_journal(&pair));
    assert_int_equal(watch_seen()->changes, changes);
    assert_int_equal(pair.copied.sections_kept, 3);
    assert_int_equal(pair.copied.bytes, 0);
    check_equal(&pair);
}

static void test_what_has_grown_gets_the_rest(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(copy_journal(&pair));
    uint64_t all = pair.copied.bytes;
    for (unsigned round = 0; round < 30; round++) {
        put_samples(f->journal, 9, 1 + round % 5, 0);
        if (round % 3 == 0)
            put_samples(f->journal, 20 + round, 2, 0);
        assert_ok(oversized_sync_all(f->journal));
        if (round % 4 == 1)
            close_and_open(f);
        assert_ok(copy_journal(&pair));
        assert_true(pair.copied.bytes > 0 && pair.copied.bytes < all / 4);
        assert_true(pair.copied.sections_kept + 2 >= pair.copied.sections);
        check_equal(&pair);
    }
}

static void test_pruned_sections_leave_the_copy(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(copy_journal(&pair));
    assert_ok(oversized_prune(f->journal, 4, NULL));
    assert_ok(copy_journal(&pair));
    assert_int_equal(pair.copied.sections_removed, 1);
    assert_int_equal(pair.copied.sections_kept, 2);
    check_equal(&pair);
}

/* The same sizes and other bytes: nothing but these tells. */
static void test_what_was_rewound_is_copied_again(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(copy_journal(&pair));
    for (unsigned round = 0; round < 8; round++) {
        uint64_t keep = round * 27 % 200;
        assert_ok(oversized_rewind_section_to(f->journal, 9, keep));
        for (uint64_t i = keep; i < 200; i++) {
            uint8_t entry[SMALL_ENTRY];
            uint8_t value[SAMPLE_VALUE_LIMIT];
            sample_entry(9, i, 0, entry, sizeof entry);
            sample_value(9, i, 1 + round, value);
            assert_ok(oversized_append(f->journal, 9, entry, value, sample_value_size(9, i, 0), NULL, NULL));
        }
        assert_ok(oversized_sync_all(f->journal));
        if (round % 2 == 1)
            close_and_open(f);
        assert_ok(copy_journal(&pair));
        assert_int_equal(pair.copied.sections_kept, 2);
        check_equal(&pair);
    }
    assert_ok(oversized_rewind_to(f->journal, 4, 1)); /* removes section 9 */
    put_samples(f->journal, 9, 200, 9);
    assert_ok(oversized_sync_all(f->journal));
    assert_ok(copy_journal(&pair));
    check_equal(&pair);
}

/* --- copies that are not complete --- */

/** Cancels after so many calls of progress. */
typedef struct patience {
    unsigned left, told;
    oversized_progress_t last;
} patience_t;

static bool lose_patience(void *context, const oversized_progress_t *progress)
{
    patience_t *patience = context;
    assert_string_equal(progress->stage, "copy");
    assert_true(progress->bytes_done <= progress->bytes_total);
    patience->last = *progress;
    patience->told++;
    return patience->told > patience->left;
}

static void test_progress_is_told_and_cancels(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    patience_t patience = {.left = 0};
    oversized_copy_options_t options;
    make_sections(f);
    oversized_copy_options_init(&options);
    options.progress = lose_patience;
    options.context = &patience;
    options.bytes_per_second = 20000;
    assert_status(copy_by(f, pair.directory.text, &options, &pair.copied), SEGJ_ERR_CANCELLED);
    assert_non_null(strstr(segj_last_error(), "the next one goes on"));
    refuse_open_of_copy(&pair);
    patience = (patience_t){.left = 1000};
    options.bytes_per_second = 0;
    assert_ok(copy_by(f, pair.directory.text, &options, &pair.copied));
    assert_int_equal(patience.last.bytes_done, patience.last.bytes_total);
    assert_int_equal(patience.last.records_done, 241);
    assert_int_equal(patience.last.records_total, 241);
    check_equal(&pair);
}

static void test_a_full_storage_is_said_and_the_copy_goes_on_later(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    path_t before = snapshot(f);
    for (uint64_t writes = 0;; writes++) {
        watch_seen()->full = true;
        watch_seen()->writes_before_full = writes;
        segj_status_t status = copy_journal(&pair);
        bool refused = watch_seen()->writes_refused > 0;
        watch_seen()->full = false;
        watch_seen()->writes_refused = 0;
        if (!refused) {
            assert_ok(status);
            break;
        }
        assert_status(status, SEGJ_ERR_NO_SPACE);
        assert_non_null(strstr(segj_last_error(), pair.directory.text));
        if (path_exists(section_path(pair.directory.text, f->config.index_partition, 3).text))
            refuse_open_of_copy(&pair);
        assert_untouched(f, before);
        before = snapshot(f);
        /* Every second time it is completed, and else it begins anew. */
        if (writes % 2 == 1) {
            assert_ok(copy_journal(&pair));
            check_equal(&pair);
        }
        remove_tree(pair.directory.text);
    }
    check_equal(&pair);
    remove_tree(before.text);
}

/* --- changes meanwhile --- */

/** Changes the journal within a read of the copy's, which then has old bytes. */
static struct {
    const segj_storage_t *below;
    segj_storage_t table;
    oversized_t *journal;
    unsigned salt; /* of what comes next */
    unsigned left; /* long reads before the one that it comes in; 0: no more */
} meddler;

static void meddle(oversized_t *journal)
{
    unsigned salt = ++meddler.salt;
    assert_ok(oversized_rewind_section_to(journal, 9, 100));
    for (uint64_t i = 100; i < 200; i++) {
        uint8_t entry[SMALL_ENTRY];
        uint8_t value[SAMPLE_VALUE_LIMIT];
        sample_entry(9, i, salt, entry, sizeof entry);
        sample_value(9, i, salt, value);
        assert_ok(oversized_append(journal, 9, entry, value, sample_value_size(9, i, 0), NULL, NULL));
    }
    assert_ok(oversized_rewind_section_to(journal, 3, 7));
    put_samples(journal, 3, 2, salt);
    assert_ok(oversized_sync_all(journal));
}

static int meddle_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    int result = meddler.below->file_read(file, offset, buffer, size, done);
    if (size < 500 || meddler.left == 0 || --meddler.left > 0)
        return result;
    meddle(meddler.journal);
    return result;
}

static int meddle_file_copy(segj_file_t *from, segj_file_t *to, uint64_t offset, size_t size, size_t *done)
{
    int result = meddler.below->file_copy(from, to, offset, size, done);
    if (size < 500 || meddler.left == 0 || --meddler.left > 0)
        return result;
    meddle(meddler.journal);
    return result;
}

static void test_what_is_cut_meanwhile_is_copied_again(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    meddler.below = f->config.storage;
    meddler.table = *f->config.storage;
    meddler.table.file_read = meddle_file_read;
    if (meddler.table.file_copy != NULL)
        meddler.table.file_copy = meddle_file_copy;
    f->config.storage = &meddler.table;
    meddler.left = 0;
    make_sections(f);
    for (unsigned read = 1; read < 6; read++) {
        meddler.journal = f->journal;
        meddler.left = read;
        assert_ok(copy_journal(&pair));
        assert_true(meddler.left == 0 || read > 2);
        meddler.left = 0;
        check_beginnings(&pair);
        if (from_files) /* what is synced meanwhile may be missing */
            assert_ok(copy_journal(&pair));
        check_equal(&pair);
        remove_tree(pair.directory.text);
    }
}

/* --- storages that copy by themselves --- */

/** How one does it. */
typedef enum way { WAY_WHOLE, WAY_FAILS, WAY_ENDS, WAY_PIECES, WAY_INTERRUPTED, WAY_CLAIMS, WAY_COUNT } way_t;

static struct {
    const segj_storage_t *below;
    segj_storage_t table;
    way_t way;
    unsigned calls;
} copier;

static int copier_file_copy(segj_file_t *from, segj_file_t *to, uint64_t offset, size_t size, size_t *done)
{
    uint8_t bytes[100];
    size_t got;
    unsigned call = copier.calls++;
    switch (copier.way) {
    case WAY_FAILS:
        return ENOSYS;
    case WAY_ENDS:
        *done = 0;
        return 0;
    case WAY_CLAIMS: /* more than was asked for */
        *done = size + 1;
        return 0;
    case WAY_INTERRUPTED:
        if (call % 2 == 0)
            return EINTR;
        break;
    default:
        break;
    }
    if (copier.way == WAY_PIECES && call == 2)
        return EIO;
    size_t part = size < sizeof bytes ? size : sizeof bytes;
    assert_int_equal(copier.below->file_read(from, offset, bytes, part, &got), 0);
    assert_int_equal(got, part);
    const segj_slice_t slice = {bytes, part};
    return copier.below->file_write(to, offset, &slice, 1, done);
}

static void test_a_storage_may_copy_in_any_way(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    copier.below = f->config.storage;
    copier.table = *f->config.storage;
    copier.table.file_copy = copier_file_copy;
    f->config.storage = &copier.table;
    make_sections(f);
    for (copier.way = WAY_WHOLE; copier.way < WAY_COUNT; copier.way++) {
        copier.calls = 0;
        assert_ok(copy_journal(&pair));
        check_equal(&pair);
        bool by_storage = copier.way == WAY_WHOLE || copier.way == WAY_INTERRUPTED;
        if (by_storage ? copier.calls < 10 : copier.calls != (copier.way == WAY_PIECES ? 3 : 1)) /* asked once */
            fail_msg("way %d: %u calls", (int)copier.way, copier.calls);
        remove_tree(pair.directory.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALL(test_a_copy_has_what_was_synced),
        ALL(test_a_copy_of_nothing_opens),
        ALL(test_sections_without_records_are_copied),
        ALL(test_compressed_and_large_values_are_copied_as_they_are),
        ALL(test_a_journal_open_read_only_is_copied),
        ALL(test_a_copy_that_is_equal_is_not_touched),
        ALL(test_what_has_grown_gets_the_rest),
        ALL(test_pruned_sections_leave_the_copy),
        ALL(test_what_was_rewound_is_copied_again),
        ALL(test_progress_is_told_and_cancels),
        ALL(test_a_full_storage_is_said_and_the_copy_goes_on_later),
        ALL(test_what_is_cut_meanwhile_is_copied_again),
        ALL(test_a_storage_may_copy_in_any_way),
    };
    return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
