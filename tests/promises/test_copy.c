/*
 * promises/test_copy.c: a copy holds what was synced, opens clean and strict, is brought up to date by the next one without
 * more writes than are needed, is not opened while it is not complete, and never takes the place of anything else.
 */
#include "promises/fixture.h"
#include "promises/watch.h"
#include "segjournal/tools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** A journal and its copy. */
typedef struct pair {
    fixture_t *f;
    path_t directory; /* the copy's */
    oversized_config_t config;
    oversized_copied_t copied;
} pair_t;

static pair_t pair_of(fixture_t *f)
{
    pair_t pair = {.f = f, .directory = join_path(f->root.text, "copy"), .config = f->config};
    pair.config.strict = true;
    pair.config.read_only = true;
    pair.config.log = NULL;
    return pair;
}

/* The same promises twice: of a journal that is open here, and of its files, beside whoever has it open. */
static bool from_files;

static segj_status_t copy_by(fixture_t *f, const char *directory, const oversized_copy_options_t *options,
                             oversized_copied_t *copied)
{
    if (!from_files)
        return oversized_copy(f->journal, directory, options, copied);
    for_native_only();
    return oversized_copy_beside(&f->config, directory, options, copied);
}

static segj_status_t copy_journal(pair_t *pair)
{
    return copy_by(pair->f, pair->directory.text, NULL, &pair->copied);
}

/* --- what a copy has --- */

static void check_same_records(oversized_t *journal, oversized_t *copy, uint64_t section, uint64_t count)
{
    segj_buffer_t values[2] = {SEGJ_ZERO, SEGJ_ZERO};
    for (uint64_t i = 0; i < count; i++) {
        uint8_t entries[2][SMALL_ENTRY];
        assert_ok(oversized_read(journal, section, i, entries[0], &values[0]));
        assert_ok(oversized_read(copy, section, i, entries[1], &values[1]));
        assert_memory_equal(entries[0], entries[1], SMALL_ENTRY);
        assert_int_equal(values[0].size, values[1].size);
        assert_true(values[0].size == 0 || memcmp(values[0].data, values[1].data, values[0].size) == 0);
    }
    segj_buffer_free(&values[0]);
    segj_buffer_free(&values[1]);
}

static void check_same_section(oversized_t *journal, oversized_t *copy, uint64_t section)
{
    uint64_t count = count_of(journal, section);
    assert_int_equal(count_of(copy, section), count);
    assert_int_equal(value_size_of(copy, section), value_size_of(journal, section));
    check_same_records(journal, copy, section, count);
}

/* Its files are as a close leaves them. */
static void check_clean(pair_t *pair)
{
    oversized_inspection_t *found = NULL;
    pair->config.directory = pair->directory.text;
    assert_ok(oversized_inspect(&pair->config, &found));
    if (found->health != OVERSIZED_CLEAN)
        fail_msg("health %d: %s", (int)found->health, found->problem);
    oversized_inspection_free(found);
}

/* The copy has all sections of the journal, with all of their records, all of which are synced. */
static void check_equal(pair_t *pair)
{
    oversized_t *copy = NULL;
    uint64_t section;
    uint64_t of_copy;
    uint64_t sections = 0;
    uint64_t records = 0;
    check_clean(pair);
    assert_ok(oversized_open(&pair->config, &copy));
    segj_status_t status = oversized_oldest_section(pair->f->journal, &section);
    assert_status(oversized_oldest_section(copy, &of_copy), status);
    while (status == SEGJ_OK) {
        assert_int_equal(of_copy, section);
        check_same_section(pair->f->journal, copy, section);
        sections++;
        records += count_of(copy, section);
        uint64_t last = section;
        status = oversized_next_section(pair->f->journal, last, &section);
        assert_status(oversized_next_section(copy, last, &of_copy), status);
    }
    assert_int_equal(pair->copied.sections, sections);
    assert_int_equal(pair->copied.records, records);
    assert_ok(oversized_verify(copy, NULL, NULL));
    assert_ok(oversized_close(copy));
}

/* Each section of the copy is a beginning of the journal's. */
static void check_beginnings(pair_t *pair)
{
    oversized_t *copy = NULL;
    uint64_t section;
    check_clean(pair);
    assert_ok(oversized_open(&pair->config, &copy));
    for (segj_status_t status = oversized_oldest_section(copy, &section); status == SEGJ_OK;
         status = oversized_next_section(copy, section, &section)) {
        uint64_t count = count_of(copy, section);
        assert_true(count <= count_of(pair->f->journal, section));
        check_same_records(pair->f->journal, copy, section, count);
    }
    assert_ok(oversized_close(copy));
}

/* Sections 3, 4 and 9, some of them at rest. */
static void make_sections(fixture_t *f)
{
    open_journal(f);
    put_samples(f->journal, 3, 40, 0);
    put_samples(f->journal, 4, 1, 0);
    put_samples(f->journal, 9, 200, 0);
    assert_ok(oversized_sync_all(f->journal));
}

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

static void refuse_open_of_copy(pair_t *pair)
{
    oversized_t *copy = NULL;
    pair->config.directory = pair->directory.text;
    for (unsigned read_only = 0; read_only < 2; read_only++) {
        pair->config.read_only = read_only == 1;
        pair->config.strict = false;
        assert_status(oversized_open(&pair->config, &copy), SEGJ_ERR_CORRUPT);
        assert_non_null(strstr(segj_last_error(), "was not completed: copy it once more"));
    }
    pair->config.strict = true;
}

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

/* --- what is refused --- */

static void refuse_copy(pair_t *pair, segj_status_t status, const char *why)
{
    path_t before = join_path(pair->f->root.text, "copy_before");
    copy_tree(pair->directory.text, before.text);
    assert_status(copy_journal(pair), status);
    if (strstr(segj_last_error(), why) == NULL)
        fail_msg("%s", segj_last_error());
    assert_trees_equal(pair->directory.text, before.text);
    remove_tree(before.text);
}

static void test_other_directories_are_refused(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    oversized_t *other = NULL;
    make_sections(f);
    /* A journal. */
    pair.config.directory = pair.directory.text;
    pair.config.read_only = false;
    assert_ok(oversized_open(&pair.config, &other));
    put_samples(other, 3, 3, 5);
    assert_ok(oversized_close(other));
    refuse_copy(&pair, SEGJ_ERR_MISMATCH, "has not made");
    forget_owner(pair.directory.text, f->config.index_partition);
    refuse_copy(&pair, SEGJ_ERR_MISMATCH, "has not made");
    remove_tree(pair.directory.text);
    /* A copy that has become a journal. */
    assert_ok(copy_journal(&pair));
    assert_ok(oversized_open(&pair.config, &other));
    refuse_copy(&pair, SEGJ_ERR_MISMATCH, "was opened for writing");
    put_samples(other, 4, 3, 5);
    assert_ok(oversized_close(other));
    refuse_copy(&pair, SEGJ_ERR_MISMATCH, "was opened for writing");
    /* And goes like one. */
    assert_ok(oversized_open(&pair.config, &other));
    assert_ok(oversized_destroy(other));
    names_t left = list_directory(pair.directory.text);
    assert_int_equal(left.count, 0);
    free_names(&left);
    /* One that is being read. */
    assert_ok(copy_journal(&pair));
    pair.config.read_only = true;
    assert_ok(oversized_open(&pair.config, &other));
    refuse_copy(&pair, SEGJ_ERR_LOCKED, "open elsewhere");
    assert_ok(oversized_close(other));
    /* Something else. */
    path_t name = join_path(join_path(pair.directory.text, f->config.value_partition).text, "notes");
    write_file(name.text, "x", 1);
    refuse_copy(&pair, SEGJ_ERR_MISMATCH, "\"notes\"");
    remove_file(name.text);
    assert_ok(copy_journal(&pair));
    assert_int_equal(pair.copied.sections_kept, 3);
    /* The journal's own. */
    assert_status(copy_by(f, f->directory.text, NULL, NULL), SEGJ_ERR_MISMATCH);
    assert_int_equal(count_of(f->journal, 9), 200);
    assert_status(copy_by(f, join_path(pair.directory.text, "a/b").text, NULL, NULL), SEGJ_ERR_IO);
    assert_status(copy_by(f, NULL, NULL, NULL), SEGJ_ERR_INVALID);
    assert_status(copy_by(f, "", NULL, NULL), SEGJ_ERR_INVALID);
}

static void test_copies_of_other_journals_are_refused(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(copy_journal(&pair));
    abandon_journal(f);
    remove_tree(f->directory.text);
    open_journal(f);
    put_samples(f->journal, 1, 3, 0);
    put_samples(f->journal, 3, 40, 1);
    put_samples(f->journal, 4, 1, 0);
    assert_ok(oversized_sync_all(f->journal));
    refuse_copy(&pair, SEGJ_ERR_MISMATCH, "a copy of another journal");
    abandon_journal(f);
    remove_tree(f->directory.text);
    open_journal(f);
    put_samples(f->journal, 1, 3, 0);
    assert_ok(oversized_sync_all(f->journal));
    refuse_copy(&pair, SEGJ_ERR_MISMATCH, "none of its 3 sections");
    abandon_journal(f);
    remove_tree(f->directory.text);
    f->config.entry_size = SMALL_ENTRY + 1;
    open_journal(f);
    refuse_copy(&pair, SEGJ_ERR_MISMATCH, "with pages of 64 bytes and entries of 8 bytes");
}

static void test_options_are_checked(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    oversized_copy_options_t options = {.struct_size = 3};
    open_journal(f);
    assert_status(copy_by(f, pair.directory.text, &options, NULL), SEGJ_ERR_INVALID);
    assert_false(path_exists(pair.directory.text));
    oversized_copy_options_init(NULL);
}

/* A page that cannot be read in the file is one that cannot be copied; version 2 makes it again. */
static void test_damage_of_the_index_is_named(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    close_and_open(f);
    flip_byte(index_path(f, 9).text, tested_index_data() + 5);
    if (f->config.native_version == 2) {
        assert_ok(copy_journal(&pair));
        check_equal(&pair);
        return;
    }
    assert_status(copy_journal(&pair), SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), index_path(f, 9).text));
    refuse_open_of_copy(&pair);
    flip_byte(index_path(f, 9).text, tested_index_data() + 5);
    assert_ok(copy_journal(&pair));
    check_equal(&pair);
}

/** A storage whose reads of one size fail, from one on. */
static struct {
    const segj_storage_t *below;
    segj_storage_t table;
    unsigned left;
    bool failed;
} sick;

static int sick_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    sick.failed = sick.left == 0;
    if (sick.failed)
        return EIO;
    sick.left--;
    return sick.below->file_read(file, offset, buffer, size, done);
}

/* A value that is damaged in the journal is as damaged in the copy; each read of the way there may fail. */
static void test_a_damaged_value_is_copied_as_it_is(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    oversized_t *copy = NULL;
    segj_buffer_t value = SEGJ_ZERO;
    uint8_t entry[SMALL_ENTRY];
    make_sections(f);
    close_and_open(f); /* a watermark covers it */
    oversized_location_t location;
    assert_ok(oversized_get(f->journal, 9, 7, entry, &location));
    uint64_t data = tested_values_data();
    uint64_t head = f->config.native_version == 2 ? 10 + SMALL_ENTRY : 0;
    flip_byte(values_path(f, 9).text, data + location.offset + head);
    sick.below = f->config.storage;
    sick.table = *f->config.storage;
    sick.table.file_read = sick_file_read;
    for (unsigned reads = 0; from_files; reads++) {
        f->config.storage = &sick.table;
        sick.left = reads;
        segj_status_t status = copy_journal(&pair);
        f->config.storage = sick.below;
        if (status == SEGJ_OK)
            break;
        assert_status(status, SEGJ_ERR_IO);
        assert_true(sick.failed);
        remove_tree(pair.directory.text);
    }
    if (!from_files)
        assert_ok(copy_journal(&pair));
    check_clean(&pair);
    assert_ok(oversized_open(&pair.config, &copy));
    assert_status(oversized_read(copy, 9, 7, entry, &value), SEGJ_ERR_CHECKSUM);
    assert_ok(oversized_read(copy, 9, 6, entry, &value));
    assert_ok(oversized_read(copy, 9, 8, entry, &value));
    assert_int_equal(count_of(copy, 9), 200);
    segj_buffer_free(&value);
    assert_ok(oversized_close(copy));
}

/* Of what follows a damaged head nothing tells but the index, which a copy of files of version 2 does not believe. */
static void test_a_damaged_head_is_named(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    close_and_open(f);
    if (f->config.native_version != 2)
        skip();
    oversized_location_t location;
    assert_ok(oversized_get(f->journal, 9, 7, NULL, &location));
    flip_byte(values_path(f, 9).text, VALUES_DATA_OFFSET + location.offset + 5);
    if (from_files) {
        assert_status(copy_journal(&pair), SEGJ_ERR_CORRUPT);
        assert_non_null(strstr(segj_last_error(), "the head of record 7 is damaged"));
        refuse_open_of_copy(&pair);
        from_files = false;
    }
    assert_ok(copy_journal(&pair));
    check_clean(&pair);
}

/* An earlier copy may have what the journal has lost. */
static void test_a_journal_that_has_lost_records_is_not_copied_from_files(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(copy_journal(&pair));
    close_journal(f);
    path_t before = join_path(f->root.text, "copy_before");
    copy_tree(pair.directory.text, before.text);
    resize_file(values_path(f, 9).text, file_size(values_path(f, 9).text) - 1);
    if (from_files) {
        assert_status(copy_journal(&pair), SEGJ_ERR_CORRUPT);
        assert_non_null(strstr(segj_last_error(), "records that were synced are gone"));
        assert_trees_equal(pair.directory.text, before.text);
    }
}

/* What lies in a directory of which one is removed has not been removed from a journal. */
static void test_a_journal_that_is_not_there_is_not_copied(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(copy_journal(&pair));
    path_t before = join_path(f->root.text, "copy_before");
    copy_tree(pair.directory.text, before.text);
    assert_ok(oversized_destroy(f->journal));
    f->journal = NULL;
    if (from_files) {
        assert_status(copy_journal(&pair), SEGJ_ERR_NOT_FOUND);
        assert_trees_equal(pair.directory.text, before.text);
        /* A copy is not copied into itself, and not while it is not complete. */
        path_t itself = pair.directory;
        f->config.directory = itself.text;
        assert_status(copy_journal(&pair), SEGJ_ERR_LOCKED);
        assert_trees_equal(itself.text, before.text);
        pair.directory = join_path(f->root.text, "another");
        write_file(join_path(join_path(itself.text, f->config.index_partition).text, "unfinished-copy").text, "x", 1);
        assert_status(copy_journal(&pair), SEGJ_ERR_CORRUPT);
        assert_false(path_exists(pair.directory.text));
        f->config.directory = f->directory.text;
    }
}

/* Its files do not tell what was taken back. */
static void test_files_of_the_commonware_format_are_not_copied(void **state)
{
    fixture_t *f = *state;
    if (tested_format() != SEGJ_FORMAT_COMMONWARE)
        skip();
    make_sections(f);
    assert_status(oversized_copy_beside(&f->config, join_path(f->root.text, "copy").text, NULL, NULL),
                  SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "have the process that has it open call oversized_copy()"));
    assert_false(path_exists(join_path(f->root.text, "copy").text));
}

/* The same in version 2, where a copy tells otherwise what is equal. */
static int set_up_version_2(void **state)
{
    int answer = set_up(state);
    fixture_t *f = *state;
    if (answer == 0 && tested_format() == SEGJ_FORMAT_NATIVE)
        f->config.native_version = 2;
    return answer;
}

static int set_up_files(void **state)
{
    from_files = true;
    return set_up(state);
}

static int set_up_files_of_version_2(void **state)
{
    from_files = true;
    return set_up_version_2(state);
}

static int tear_down_files(void **state)
{
    from_files = false;
    return tear_down(state);
}

#define ALL(test)                                                                                                      \
    PROMISE(test), cmocka_unit_test_setup_teardown(test, set_up_version_2, tear_down),                                 \
        {#test "_from_files", test, set_up_files, tear_down_files, NULL},                                              \
    {                                                                                                                  \
#test "_from_files_of_version_2", test, set_up_files_of_version_2, tear_down_files, NULL                       \
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
        ALL(test_other_directories_are_refused),
        ALL(test_copies_of_other_journals_are_refused),
        ALL(test_options_are_checked),
        ALL(test_damage_of_the_index_is_named),
        ALL(test_a_damaged_value_is_copied_as_it_is),
        ALL(test_a_damaged_head_is_named),
        ALL(test_a_journal_that_has_lost_records_is_not_copied_from_files),
        ALL(test_a_journal_that_is_not_there_is_not_copied),
        PROMISE(test_files_of_the_commonware_format_are_not_copied),
    };
    return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
