/*
 * promises/test_inspect.c: an inspection tells, from the files alone and without a lock, what a read-only open would tell,
 * and finds the sizes with which the journal can be opened.
 */
#include "promises/fixture.h"
#include "promises/watch.h"
#include "segjournal/tools.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static oversized_inspection_t *inspect_as(fixture_t *f, segj_format_t format)
{
    oversized_inspection_t *found = NULL;
    oversized_config_t config = config_of_place(f);
    config.entry_size = 77;
    config.format = format;
    assert_ok(oversized_inspect(&config, &found));
    assert_non_null(found);
    return found;
}

static oversized_inspection_t *inspect_journal(fixture_t *f)
{
    return inspect_as(f, SEGJ_FORMAT_NATIVE);
}

/* Opens with what the inspection found. */
static void open_as_found(fixture_t *f, const oversized_inspection_t *found)
{
    assert_null(f->journal);
    assert_ok(oversized_open(&found->config, &f->journal));
}

static void test_a_closed_journal_is_clean_and_its_sizes_are_found(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 3, 30, 0);
    append_samples(f->journal, 9, 1, 0);
    close_journal(f);
    path_t before = snapshot(f);
    uint64_t changes = watch_seen()->changes;
    oversized_inspection_t *found = inspect_journal(f);
    assert_int_equal(found->health, OVERSIZED_CLEAN);
    assert_string_equal(found->problem, "");
    assert_true(found->sizes_known);
    assert_int_equal(found->config.format, f->config.format);
    assert_int_equal(found->config.entry_size, SMALL_ENTRY);
    assert_int_equal(found->config.page_size, SMALL_PAGE);
    assert_int_equal(found->config.compression, 0);
    assert_int_equal(found->version, tested_version() == 2 ? 2 : (f->config.format == SEGJ_FORMAT_NATIVE ? 1 : 0));
    assert_int_equal(found->holder, 0);
    assert_int_equal(found->section_count, 2);
    const oversized_look_t *look = &found->sections[0];
    assert_int_equal(look->section, 3);
    assert_int_equal(found->sections[1].section, 9);
    assert_int_equal(look->records, 30);
    assert_int_equal(look->synced_records, f->config.format == SEGJ_FORMAT_NATIVE ? 30 : 0);
    assert_int_equal(look->lost_records + look->dropped_records, 0);
    assert_int_equal(look->index_bytes, file_size(index_path(f, 3).text));
    assert_int_equal(look->value_bytes, file_size(values_path(f, 3).text));
    assert_int_equal(look->stored_bytes, look->value_bytes - tested_values_data());
    assert_true(look->has_index && look->has_values && !look->compressed);
    assert_string_equal(look->problem, "");
    assert_int_equal(found->recovery.sections, 2);
    assert_int_equal(found->recovery.records, 31);
    assert_int_equal(watch_seen()->changes, changes);
    assert_int_equal(watch_seen()->files_open, 0);
    assert_untouched(f, before);
    open_as_found(f, found);
    check_section(f->journal, 3, 30, 0);
    oversized_inspection_free(found);
}

/* The lock is the writer's, and stays; what it has in memory is not seen. */
static void test_it_may_be_made_beside_a_writer(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 3, 30, 0);
    assert_ok(oversized_sync(f->journal, 3));
    append_samples(f->journal, 3, 1, 1);
    oversized_inspection_t *found = inspect_journal(f);
    assert_int_equal(found->section_count, 1);
    assert_int_equal(found->sections[0].records, 30);
    assert_true(found->health <= OVERSIZED_REPAIR);
    assert_int_equal(found->holder, (int64_t)getpid());
    oversized_inspection_free(found);
    append_samples(f->journal, 3, 1, 1);
    assert_ok(oversized_sync(f->journal, 3));
    found = inspect_journal(f);
    assert_int_equal(found->sections[0].records, 32);
    oversized_inspection_free(found);
}

static void test_compressed_values_are_told(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 1;
    open_journal(f);
    append_samples(f->journal, 3, 30, 0);
    close_journal(f);
    oversized_inspection_t *found = inspect_journal(f);
    assert_int_equal(found->config.compression, 3);
    assert_true(found->sections[0].compressed && found->sections[0].dictionary == 0);
    open_as_found(f, found);
    check_section(f->journal, 3, 30, 0);
    oversized_inspection_free(found);
}

/* --- sizes --- */

static void check_sizes(fixture_t *f, uint64_t records)
{
    open_journal(f);
    for (uint64_t i = 0; i < records; i++) {
        uint8_t entry[700];
        fill_noise(entry, sizeof entry, i);
        assert_ok(oversized_append(f->journal, 5, entry, entry, 10 + (size_t)i % 300, NULL, NULL));
    }
    close_journal(f);
    oversized_inspection_t *found = inspect_journal(f);
    assert_true(found->sizes_known);
    assert_int_equal(found->config.format, f->config.format);
    assert_int_equal(found->config.entry_size, f->config.entry_size);
    assert_int_equal(found->config.page_size, f->config.page_size);
    assert_int_equal(found->health, OVERSIZED_CLEAN);
    assert_int_equal(found->sections[0].records, records);
    assert_true(strlen(found->evidence) > 20);
    oversized_inspection_free(found);
    remove_tree(f->directory.text);
}

static void test_every_size_is_found(void **state)
{
    static const uint32_t entries[] = {0, 1, 8, 52, 600};
    static const uint16_t pages[] = {20, 64, 1000, 4084};
    static const uint64_t counts[] = {1, 2, 3, 40};
    fixture_t *f = *state;
    /* Commonware files do not record their sizes: this test is about them in either run. */
    static const segj_format_t formats[] = {SEGJ_FORMAT_NATIVE, SEGJ_FORMAT_COMMONWARE};
    for (size_t e = 0; e < 2 * sizeof entries / sizeof entries[0]; e++)
        for (size_t p = 0; p < sizeof pages / sizeof pages[0]; p++)
            for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
                f->config.format = formats[e % 2];
                f->config.native_version = formats[e % 2] == SEGJ_FORMAT_NATIVE ? tested_version() : 0;
                f->config.entry_size = entries[e / 2];
                f->config.page_size = pages[p];
                check_sizes(f, counts[c]);
            }
}

static void test_without_a_file_that_tells_the_given_sizes_stay(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    close_journal(f);
    oversized_inspection_t *found = inspect_as(f, f->config.format);
    assert_false(found->sizes_known);
    assert_int_equal(found->config.format, f->config.format);
    assert_int_equal(found->config.entry_size, 77);
    assert_int_equal(found->config.page_size, 4084);
    assert_int_equal(found->section_count, 0);
    assert_int_equal(found->health, OVERSIZED_CLEAN);
    oversized_inspection_free(found);
}

/* --- damage --- */

/* What a read-only open makes of the files is what the inspection says. */
static void check_agreement(fixture_t *f)
{
    oversized_t *journal = NULL;
    oversized_config_t config = f->config;
    oversized_inspection_t *found = NULL;
    config.read_only = true;
    assert_ok(oversized_inspect(&config, &found));
    /* Where the files do not tell, open judges by what it is told. */
    config.entry_size = found->config.entry_size;
    config.page_size = found->config.page_size;
    segj_status_t status = oversized_open(&config, &journal);
    if (status != SEGJ_OK) {
        assert_true(status == SEGJ_ERR_CORRUPT || status == SEGJ_ERR_MISMATCH);
        assert_int_equal(found->health, OVERSIZED_REFUSED);
        assert_string_equal(found->problem, segj_last_error());
    } else {
        const oversized_recovery_t *told = oversized_recovery(journal);
        bool changes = told->sections_repaired + told->orphan_sections_removed + told->index_bytes_truncated +
                           told->value_bytes_truncated >
                       0;
        assert_int_equal(found->health, told->synced_records_lost > 0 ? OVERSIZED_LOSS
                                        : changes                     ? OVERSIZED_REPAIR
                                                                      : OVERSIZED_CLEAN);
        assert_int_equal(strlen(found->problem) > 0, found->health != OVERSIZED_CLEAN);
        assert_memory_equal(&found->recovery, told, offsetof(oversized_recovery_t, quarantine));
        assert_int_equal(found->recovery.quarantine == NULL, told->quarantine == NULL);
        for (size_t i = 0; i < found->section_count; i++) {
            const oversized_look_t *look = &found->sections[i];
            uint64_t records = 0;
            assert_ok(oversized_count(journal, look->section, &records));
            assert_int_equal(look->records, records);
            assert_true(look->health <= found->health);
            assert_int_equal(look->problem[0] == '\0', look->health == OVERSIZED_CLEAN);
        }
        oversized_abandon(journal);
    }
    oversized_inspection_free(found);
}

static void make_three(fixture_t *f)
{
    open_journal(f);
    append_samples(f->journal, 1, 12, 0);
    append_samples(f->journal, 2, 7, 0);
    append_samples(f->journal, 3, 5, 0);
    close_journal(f);
}

static void test_every_damaged_byte_is_seen_as_an_open_sees_it(void **state)
{
    fixture_t *f = *state;
    make_three(f);
    unsigned seen = 0;
    for (int values = 0; values < 2; values++) {
        path_t path = values ? values_path(f, 2) : index_path(f, 2);
        uint64_t size = file_size(path.text);
        for (uint64_t at = 0; at < size; at += at < 40 || at + 300 > size ? 2 : 499) {
            flip_byte(path.text, at);
            check_agreement(f);
            flip_byte(path.text, at);
            seen++;
        }
        for (uint64_t cut = 0; cut<size; cut += cut + 200> size ? 11 : 1019) {
            bytes_t whole = read_file(path.text);
            resize_file(path.text, cut);
            check_agreement(f);
            write_file(path.text, whole.data, whole.size);
            free_bytes(&whole);
            seen++;
        }
    }
    assert_true(seen > 60);
    check_agreement(f);
}

static void test_missing_files_are_seen_as_an_open_sees_them(void **state)
{
    fixture_t *f = *state;
    make_three(f);
    remove_file(index_path(f, 1).text);
    check_agreement(f);
    remove_file(values_path(f, 2).text);
    check_agreement(f);
    remove_file(values_path(f, 1).text);
    remove_file(values_path(f, 3).text);
    check_agreement(f);
}

static void test_one_refused_section_hides_no_other(void **state)
{
    not_in_version_2();
    for_native_only();
    fixture_t *f = *state;
    make_three(f);
    flip_byte(index_path(f, 2).text, 2);
    oversized_inspection_t *found = inspect_journal(f);
    assert_int_equal(found->health, OVERSIZED_REFUSED);
    assert_int_equal(found->section_count, 3);
    assert_int_equal(found->sections[0].health, OVERSIZED_CLEAN);
    assert_int_equal(found->sections[1].health, OVERSIZED_REFUSED);
    assert_int_equal(found->sections[2].health, OVERSIZED_CLEAN);
    assert_int_equal(found->sections[2].records, 5);
    assert_string_equal(found->problem, found->sections[1].problem);
    assert_non_null(strstr(found->problem, "0000000000000002"));
    oversized_inspection_free(found);
}

static void test_what_was_lost_and_set_aside_is_told(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    make_three(f);
    resize_file(values_path(f, 2).text, file_size(values_path(f, 2).text) - 1);
    oversized_inspection_t *found = inspect_journal(f);
    assert_int_equal(found->health, OVERSIZED_LOSS);
    assert_int_equal(found->sections[1].lost_records, 1);
    assert_int_equal(found->sections[1].records, 6);
    assert_int_equal(found->sections[1].synced_records, 7);
    oversized_inspection_free(found);
    open_journal(f);
    close_journal(f);
    check_agreement(f);
    found = inspect_journal(f);
    assert_int_equal(found->health, OVERSIZED_CLEAN);
    assert_int_equal(found->recovery.unacknowledged_records, 1);
    assert_non_null(found->recovery.quarantine);
    assert_true(path_exists(found->recovery.quarantine));
    oversized_inspection_free(found);
}

static void test_a_foreign_name_is_named(void **state)
{
    fixture_t *f = *state;
    make_three(f);
    path_t strange = join_path(join_path(f->directory.text, f->config.value_partition).text, "notes.txt");
    write_file(strange.text, "x", 1);
    check_agreement(f);
    oversized_inspection_t *found = inspect_journal(f);
    assert_int_equal(found->section_count, 3);
    assert_int_equal(found->sections[2].health, OVERSIZED_CLEAN);
    assert_non_null(strstr(found->problem, "\"notes.txt\""));
    oversized_inspection_free(found);
}

/* The first page is read with room for the largest one, and nothing else is read like that. */
static int fail_first_pages(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    return size > UINT16_MAX && offset == INDEX_DATA_OFFSET
               ? EIO
               : segj_storage_posix()->file_read(file, offset, buffer, size, done);
}

/* Without headers the sizes of version 1 are tried; a disk that fails then is told. */
static void test_sizes_are_tried_where_no_header_is_left(void **state)
{
    fixture_t *f = *state;
    for_version_1_only();
    open_journal(f);
    append_samples(f->journal, 3, 30, 0);
    close_journal(f);
    for (uint64_t byte = 0; byte < 6; byte++) {
        flip_byte(index_path(f, 3).text, byte);
        flip_byte(values_path(f, 3).text, byte);
    }
    oversized_inspection_t *found = inspect_journal(f);
    assert_true(found->sizes_known);
    assert_int_equal(found->config.entry_size, SMALL_ENTRY);
    assert_int_equal(found->config.page_size, SMALL_PAGE);
    assert_non_null(strstr(found->evidence, "tried"));
    assert_int_equal(found->health, OVERSIZED_REFUSED);
    oversized_inspection_free(found);

    segj_storage_t storage = *segj_storage_posix();
    storage.file_read = fail_first_pages;
    f->config.storage = &storage;
    assert_status(oversized_inspect(&f->config, &found), SEGJ_ERR_IO);
    f->config.storage = NULL;
}

static void test_a_missing_partition_is_told(void **state)
{
    fixture_t *f = *state;
    make_three(f);
    remove_tree(join_path(f->directory.text, f->config.index_partition).text);
    check_agreement(f);
    oversized_inspection_t *found = inspect_journal(f);
    assert_int_equal(found->section_count, 3);
    assert_false(found->sections[0].has_index);
    oversized_inspection_free(found);
}

/* --- errors --- */

static void test_no_journal_is_not_found(void **state)
{
    fixture_t *f = *state;
    segj_error_t error = {.status = SEGJ_OK};
    oversized_inspection_t *found = (oversized_inspection_t *)(void *)f;
    f->config.error = &error;
    assert_status(oversized_inspect(&f->config, &found), SEGJ_ERR_NOT_FOUND);
    assert_null(found);
    assert_int_equal(error.status, SEGJ_ERR_NOT_FOUND);
    assert_string_equal(error.text, segj_last_error());
    assert_false(path_exists(f->directory.text));
}

static void test_bad_arguments_are_refused(void **state)
{
    fixture_t *f = *state;
    oversized_inspection_t *found = (oversized_inspection_t *)(void *)f;
    assert_status(oversized_inspect(NULL, &found), SEGJ_ERR_INVALID);
    assert_null(found);
    assert_status(oversized_inspect(&f->config, NULL), SEGJ_ERR_INVALID);
    f->config.struct_size--;
    assert_status(oversized_inspect(&f->config, &found), SEGJ_ERR_INVALID);
    f->config.struct_size++;
    f->config.index_partition = "a/b";
    assert_status(oversized_inspect(&f->config, &found), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "index_partition"));
    oversized_inspection_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_closed_journal_is_clean_and_its_sizes_are_found),
        PROMISE(test_it_may_be_made_beside_a_writer),
        PROMISE(test_compressed_values_are_told),
        PROMISE(test_every_size_is_found),
        PROMISE(test_without_a_file_that_tells_the_given_sizes_stay),
        PROMISE(test_every_damaged_byte_is_seen_as_an_open_sees_it),
        PROMISE(test_missing_files_are_seen_as_an_open_sees_them),
        PROMISE(test_one_refused_section_hides_no_other),
        PROMISE(test_what_was_lost_and_set_aside_is_told),
        PROMISE(test_a_foreign_name_is_named),
        PROMISE(test_sizes_are_tried_where_no_header_is_left),
        PROMISE(test_a_missing_partition_is_told),
        PROMISE(test_no_journal_is_not_found),
        PROMISE(test_bad_arguments_are_refused),
    };
    return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
