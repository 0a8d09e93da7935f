/*
 * promises/test_copy_refused.c: a copy never takes the place of anything else, and what is damaged, lost or missing in the journal
 * does not get into it without a word.
 */
#include "promises/copies.h"
#include "promises/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/** A storage of which one opening of a file fails. */
static struct {
    const segj_storage_t *below;
    segj_storage_t table;
    unsigned left;
    bool failed;
} stiff;

static int stiff_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **file)
{
    stiff.failed = stiff.failed || stiff.left == 0;
    if (stiff.left-- == 0)
        return EIO;
    return stiff.below->file_open(partition, name, mode, file);
}

/* Each opening of a file on the way to a copy may fail: no section is left out for that. */
static void check_openings(pair_t *pair)
{
    const segj_storage_t *storage = pair->f->config.storage;
    stiff.below = storage != NULL ? storage : segj_storage_posix();
    stiff.table = *stiff.below;
    stiff.table.file_open = stiff_file_open;
    pair->f->config.storage = &stiff.table;
    segj_status_t status = SEGJ_ERR_IO;
    for (unsigned at = 0; status != SEGJ_OK; at++) {
        stiff.left = at;
        stiff.failed = false;
        status = copy_journal(pair);
        assert_true(stiff.failed == (status == SEGJ_ERR_IO));
        assert_true(status == SEGJ_OK || status == SEGJ_ERR_IO);
    }
    pair->f->config.storage = storage;
}

/* Of version 2 an open for writing makes it again. */
static void test_a_missing_index_file_is_named(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    if (!from_files || f->config.native_version != 2)
        SKIP("version 2 alone has sections without an index file, and their files alone show it");
    make_sections(f);
    close_and_open(f);
    path_t mark = values_path(f, 4);
    memcpy(strrchr(mark.text, '/') + 1, ".removing", sizeof ".removing");
    path_t index = index_path(f, 4);
    bytes_t kept = read_file(index.text);
    remove_file(index.text);
    assert_status(copy_journal(&pair), SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "the index file of section 4 is missing"));
    /* The rest of a removal is no section. */
    write_file(mark.text, "", 0);
    check_openings(&pair);
    remove_file(mark.text);
    write_file(index.text, kept.data, kept.size);
    free_bytes(&kept);
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
        SKIP("version 2 alone has heads before its values");
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
        SKIP("files of the native format are copied (promises/copy)");
    make_sections(f);
    assert_status(oversized_copy_beside(&f->config, join_path(f->root.text, "copy").text, NULL, NULL),
                  SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "have the process that has it open call oversized_copy()"));
    assert_false(path_exists(join_path(f->root.text, "copy").text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALL(test_other_directories_are_refused),
        ALL(test_copies_of_other_journals_are_refused),
        ALL(test_options_are_checked),
        ALL(test_damage_of_the_index_is_named),
        ALL(test_a_missing_index_file_is_named),
        ALL(test_a_damaged_value_is_copied_as_it_is),
        ALL(test_a_damaged_head_is_named),
        ALL(test_a_journal_that_has_lost_records_is_not_copied_from_files),
        ALL(test_a_journal_that_is_not_there_is_not_copied),
        PROMISE(test_files_of_the_commonware_format_are_not_copied),
    };
    return cmocka_run_group_tests_name("copy_refused", tests, NULL, NULL);
}
