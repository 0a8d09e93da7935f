/*
 * promises/test_open.c: what oversized_config_init() and oversized_open() promise: the defaults, configurations that
 * can never work, what is made and what must be there, and that a refused open leaves everything as it was.
 */
#include "promises/fixture.h"
#include "support/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the configuration --- */

static void test_the_defaults(void **state)
{
    (void)state;
    oversized_config_t config;
    memset(&config, 0x5A, sizeof config);
    oversized_config_init(&config);
    config.native_version = 1;
    assert_int_equal(config.struct_size, sizeof config);
    assert_null(config.directory);
    assert_string_equal(config.index_partition, "index");
    assert_string_equal(config.value_partition, "values");
    assert_int_equal(config.entry_size, 0);
    assert_int_equal(config.page_size, 4084);
    assert_int_equal(config.page_cache_pages, 1024);
    assert_null(config.page_cache);
    assert_int_equal(config.index_write_buffer, 64 * 1024);
    assert_int_equal(config.value_write_buffer, 1024 * 1024);
    assert_int_equal(config.write_memory, 64 * 1024 * 1024);
    assert_int_equal(config.compression, 0);
    assert_true(config.max_value_size == UINT32_MAX - 4); /* 2^32 - 5 */
    assert_int_equal(config.max_open_files, 256);
    assert_int_equal(config.format, SEGJ_FORMAT_NATIVE);
    assert_int_equal(config.verify, OVERSIZED_VERIFY_DEFAULT);
    assert_false(config.strict);
    assert_false(config.read_only);
    assert_false(config.must_exist);
    assert_null(config.checkpoint);
    assert_null(config.storage);
    assert_true(config.log == NULL);
    assert_null(config.log_context);
}

/* The directory and the entry size are all that a first journal needs. */
static void test_the_defaults_make_a_journal(void **state)
{
    fixture_t *f = *state;
    oversized_config_init(&f->config);
    f->config.directory = f->directory.text;
    f->config.native_version = tested_version() == 2 ? 2 : 1;
    open_journal(f);
    append_samples(f->journal, 1, 100, 0);
    close_and_open(f);
    check_section(f->journal, 1, 100, 0);
    close_journal(f);
    assert_true(path_exists(section_path(f->directory.text, "index", 1).text));
    assert_true(path_exists(section_path(f->directory.text, "values", 1).text));
    check_files(f, 1, 100, 0);
}

/* The open refuses, names the field, and makes nothing. */
static void assert_invalid(fixture_t *f, const char *field)
{
    refuse_open_untouched(f, SEGJ_ERR_INVALID);
    if (strstr(segj_last_error(), field) == NULL)
        fail_msg("\"%s\" does not name %s", segj_last_error(), field);
}

#define assert_field_invalid(f, field, wrong)                                                                          \
    do {                                                                                                               \
        oversized_config_t whole = (f)->config;                                                                        \
        (f)->config.field = (wrong);                                                                                   \
        assert_invalid((f), #field);                                                                                   \
        (f)->config = whole;                                                                                           \
    } while (0)

static void test_fields_that_can_never_work_are_refused_by_name(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    static const segj_storage_t no_storage = {.struct_size = sizeof(segj_storage_t)};
    assert_field_invalid(f, struct_size, 0);
    assert_field_invalid(f, directory, NULL);
    assert_field_invalid(f, directory, "");
    assert_field_invalid(f, entry_size, 65536);
    assert_field_invalid(f, entry_size, UINT32_MAX);
    assert_field_invalid(f, page_cache_pages, 0);
    assert_field_invalid(f, page_cache_pages, ((uint32_t)1 << 28) + 1);
    assert_field_invalid(f, index_write_buffer, 0);
    assert_field_invalid(f, index_write_buffer, ((size_t)1 << 30) + 1);
    assert_field_invalid(f, value_write_buffer, 0);
    assert_field_invalid(f, value_write_buffer, ((size_t)1 << 30) + 1);
    assert_field_invalid(f, write_memory, 0);
    assert_field_invalid(f, max_value_size, UINT32_MAX - 3);
    assert_field_invalid(f, max_value_size, UINT32_MAX);
    assert_field_invalid(f, max_open_files, 0);
    assert_field_invalid(f, max_open_files, 3);
    assert_field_invalid(f, verify, OVERSIZED_VERIFY_RANGES);
    assert_field_invalid(f, verify, OVERSIZED_VERIFY_TAIL);
    assert_field_invalid(f, storage, &no_storage);
    open_journal(f); /* and what is left is right */
}

static void test_partition_names(void **state)
{
    fixture_t *f = *state;
    static const char *const wrong[] = {"", ".", "..", "a/b", "a.b", "a b", "\xC3\xA4", "a\n"};
    char longest[257];
    assert_field_invalid(f, index_partition, NULL);
    assert_field_invalid(f, value_partition, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_field_invalid(f, index_partition, wrong[i]);
        assert_field_invalid(f, value_partition, wrong[i]);
    }
    assert_field_invalid(f, index_partition, f->config.value_partition);
    memset(longest, 'x', sizeof longest);
    longest[256] = '\0';
    assert_field_invalid(f, index_partition, longest);
    longest[255] = '\0';
    f->config.index_partition = longest;
    f->config.value_partition = "AZaz09_-";
    open_journal(f);
    append_sample(f->journal, 1, 0);
    close_journal(f);
    check_files(f, 1, 1, 0);
}

static void test_null_arguments(void **state)
{
    fixture_t *f = *state;
    oversized_t *journal = (oversized_t *)(void *)f;
    assert_status(oversized_open(NULL, &journal), SEGJ_ERR_INVALID);
    assert_null(journal);
    assert_status(oversized_open(&f->config, NULL), SEGJ_ERR_INVALID);
    assert_false(path_exists(f->directory.text));
}

/* Nothing of the configuration need outlive the open. */
static void test_the_configuration_is_copied(void **state)
{
    fixture_t *f = *state;
    char *directory = malloc(PATH_LIMIT);
    char *index = malloc(8);
    char *values = malloc(8);
    segj_storage_t *storage = malloc(sizeof *storage);
    assert_true(directory != NULL && index != NULL && values != NULL && storage != NULL);
    snprintf(directory, PATH_LIMIT, "%s", f->directory.text);
    snprintf(index, 8, "one");
    snprintf(values, 8, "two");
    *storage = *segj_storage_posix();
    oversized_config_t config = f->config;
    config.directory = directory;
    config.index_partition = index;
    config.value_partition = values;
    config.storage = storage;
    assert_ok(oversized_open(&config, &f->journal));
    memset(directory, 'x', PATH_LIMIT);
    memset(index, 'x', 8);
    memset(values, 'x', 8);
    memset(storage, 0, sizeof *storage);
    free(directory);
    free(index);
    free(values);
    free(storage);
    memset(&config, 0x5A, sizeof config);
    append_samples(f->journal, 1, 50, 0);
    assert_ok(oversized_sync(f->journal, 1));
    assert_ok(oversized_rewind_section(f->journal, 1, 20 * SMALL_RECORD));
    check_section(f->journal, 1, 20, 0);
    assert_true(path_exists(section_path(f->directory.text, "one", 1).text));
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_ok(oversized_destroy(journal));
    assert_false(path_exists(join_path(f->directory.text, "one").text));
    assert_false(path_exists(join_path(f->directory.text, "two").text));
}

/* --- directories --- */

static void test_one_level_of_directories_is_made(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    assert_true(path_exists(join_path(f->directory.text, "test_index").text));
    assert_true(path_exists(join_path(f->directory.text, "test_values").text));
    close_journal(f);
    path_t deeper = join_path(f->root.text, "absent/journal");
    f->config.directory = deeper.text;
    oversized_t *journal = NULL;
    assert_int_not_equal(oversized_open(&f->config, &journal), SEGJ_OK);
    assert_null(journal);
    assert_false(path_exists(join_path(f->root.text, "absent").text));
}

static void test_directories_that_are_there_already(void **state)
{
    fixture_t *f = *state;
    make_directory(f->directory.text);
    open_journal(f);
    close_journal(f);
    remove_tree(join_path(f->directory.text, "test_values").text); /* the index partition has no sections */
    open_journal(f);
    append_sample(f->journal, 1, 0);
    close_journal(f);
    f->config.must_exist = true;
    open_journal(f);
    check_section(f->journal, 1, 1, 0);
}

static void test_a_partition_that_is_missing_beside_sections_is_a_mismatch(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_sample(f->journal, 1, 0);
    close_journal(f);
    f->config.value_partition = "mistyped";
    refuse_open_untouched(f, SEGJ_ERR_MISMATCH);
    f->config.read_only = true;
    refuse_open_untouched(f, SEGJ_ERR_MISMATCH);
    f->config.read_only = false;
    f->config.value_partition = "test_values";
    f->config.index_partition = "mistyped";
    refuse_open_untouched(f, SEGJ_ERR_MISMATCH);
    f->config.must_exist = true;
    refuse_open_untouched(f, SEGJ_ERR_MISMATCH);
}

static void test_must_exist_and_read_only_make_nothing(void **state)
{
    fixture_t *f = *state;
    for (int made = 0; made < 3; made++) {
        f->config.must_exist = true;
        refuse_open_untouched(f, SEGJ_ERR_NOT_FOUND);
        f->config.must_exist = false;
        f->config.read_only = true;
        refuse_open_untouched(f, SEGJ_ERR_NOT_FOUND);
        f->config.read_only = false;
        make_directory(made == 0   ? f->directory.text
                       : made == 1 ? join_path(f->directory.text, "test_index").text
                                   : join_path(f->directory.text, "test_values").text);
    }
    f->config.must_exist = true; /* two empty partitions are a journal without sections */
    open_journal(f);
    assert_no_sections(f->journal);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    assert_no_sections(f->journal);
}

/* --- files of another configuration --- */

static void test_another_page_or_entry_size_is_a_mismatch(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    abandon_journal(f); /* nothing of it is durable: that makes no difference */
    f->config.page_size = SMALL_PAGE + 1;
    refuse_open_untouched(f, SEGJ_ERR_MISMATCH);
    f->config.page_size = SMALL_PAGE;
    f->config.entry_size = SMALL_ENTRY - 1;
    refuse_open_untouched(f, SEGJ_ERR_MISMATCH);
    f->config.page_size = 0;
    refuse_open_untouched(f, SEGJ_ERR_MISMATCH);
    f->config.entry_size = SMALL_ENTRY;
    open_journal(f);
}

static void test_partitions_in_each_others_place_are_a_mismatch(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    close_journal(f);
    f->config.index_partition = "test_values";
    f->config.value_partition = "test_index";
    refuse_open_untouched(f, SEGJ_ERR_MISMATCH);
}

static void test_a_refused_open_gives_the_locks_back(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    close_journal(f);
    oversized_config_t right = f->config;
    f->config.page_size = 99;
    refuse_open(f, SEGJ_ERR_MISMATCH);
    f->config = right;
    open_journal(f);
    check_section(f->journal, 1, 5, 0);
}

/* --- page_size 0 --- */

static uint16_t page_size_on_disk(const fixture_t *f, uint64_t section)
{
    identity_t identity;
    log_identity_t log_identity = {0};
    bytes_t file = read_file(index_path(f, section).text);
    bool log = tested_version() == 2;
    assert_true(log ? decode_log_identity(file.data, &log_identity) : decode_identity(file.data, &identity));
    free_bytes(&file);
    return log ? log_identity.page_size : identity.page_size;
}

static void test_page_size_zero_is_what_the_files_have(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    f->config.page_size = 33;
    open_journal(f);
    append_samples(f->journal, 5, 40, 0);
    close_journal(f);
    f->config.page_size = 0;
    open_journal(f);
    check_section(f->journal, 5, 40, 0);
    append_samples(f->journal, 5, 40, 0);
    append_samples(f->journal, 1, 3, 0);
    close_journal(f);
    assert_int_equal(page_size_on_disk(f, 1), 33);
    f->config.page_size = 33;
    check_files(f, 5, 80, 0);
    check_files(f, 1, 3, 0);
    open_journal(f);
    check_section(f->journal, 5, 80, 0);
}

static void test_page_size_zero_is_4084_where_there_are_no_files(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    f->config.page_size = 0;
    open_journal(f);
    append_samples(f->journal, 1, 300, 0);
    close_journal(f);
    assert_int_equal(page_size_on_disk(f, 1), 4084);
    f->config.page_size = 4084;
    check_files(f, 1, 300, 0);
}

/* --- the log --- */

static void test_a_journal_at_rest_gives_no_warning(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 100, 0);
    assert_ok(oversized_sync(f->journal, 1));
    assert_ok(oversized_rewind(f->journal, 1, 10 * SMALL_RECORD));
    close_and_open(f);
    check_section(f->journal, 1, 10, 0);
    close_journal(f);
    assert_int_equal(f->logged[SEGJ_LOG_WARNING], 0);
    assert_int_equal(f->logged[SEGJ_LOG_ERROR], 0);
}

static void test_what_a_crash_explains_is_a_warning(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    assert_ok(oversized_sync(f->journal, 1));
    abandon_journal(f);
    resize_file(values_path(f, 1).text, file_size(values_path(f, 1).text) - 1);
    open_journal(f);
    assert_int_equal(count_of(f->journal, 1), 29);
    assert_int_not_equal(f->logged[SEGJ_LOG_WARNING], 0);
    assert_int_equal(f->logged[SEGJ_LOG_ERROR], 0);
}

static void test_a_loss_of_synced_data_is_an_error(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    close_journal(f);
    resize_file(values_path(f, 1).text, file_size(values_path(f, 1).text) - 1);
    open_journal(f);
    assert_int_equal(count_of(f->journal, 1), 29);
    assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 1);
    assert_int_equal(oversized_recovery(f->journal)->sections_damaged, 1);
    assert_int_not_equal(f->logged[SEGJ_LOG_ERROR], 0);
}

/* The warning says how much goes with the records, as the report does. */
static void assert_says_cut(const fixture_t *f, const char *what)
{
    char expected[160];
    const oversized_recovery_t *found = oversized_recovery(f->journal);
    (void)snprintf(expected, sizeof expected,
                   "section 1 %s cut to 29 records, by %" PRIu64 " bytes of its index and %" PRIu64
                   " bytes of its values",
                   what, found->index_bytes_truncated, found->value_bytes_truncated);
    assert_true(found->value_bytes_truncated > 0);
    assert_non_null(strstr(f->lines[SEGJ_LOG_WARNING], expected));
}

/* What an open for writing does, a read-only one would do: it says so, and does not claim to have done it. */
static void test_a_read_only_open_says_what_would_be_done(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    assert_ok(oversized_sync(f->journal, 1));
    abandon_journal(f);
    resize_file(values_path(f, 1).text, file_size(values_path(f, 1).text) - 1);
    f->config.read_only = true;
    open_journal(f);
    assert_says_cut(f, "would be");
    assert_non_null(strstr(f->lines[SEGJ_LOG_INFO], "read-only"));
    close_journal(f);
    f->config.read_only = false;
    open_journal(f);
    assert_says_cut(f, "is");
    assert_null(strstr(f->lines[SEGJ_LOG_INFO], "read-only"));
}

/* The call gives a line of this level with the text in it. */
#define assert_told(f, level, words, call)                                                                             \
    do {                                                                                                               \
        unsigned before = (f)->logged[level];                                                                          \
        call;                                                                                                          \
        assert_int_not_equal((f)->logged[level], before);                                                              \
        assert_non_null(strstr((f)->lines[level], words));                                                             \
        assert_non_null(strstr((f)->lines[level], (f)->directory.text));                                               \
    } while (0)

static void test_the_journals_work_can_be_followed(void **state)
{
    fixture_t *f = *state;
    f->config.max_open_files = 4; /* one section at a time is written to */
    assert_told(f, SEGJ_LOG_INFO, "0 sections, 0 records", open_journal(f));
    assert_told(f, SEGJ_LOG_INFO, "section 1 is new", append_samples(f->journal, 1, 30, 0));
    assert_non_null(strstr(f->lines[SEGJ_LOG_DEBUG], "section 1 becomes active"));
    assert_told(f, SEGJ_LOG_DEBUG, "section 1 is synced: 30 records", assert_ok(oversized_sync(f->journal, 1)));
    assert_told(f, SEGJ_LOG_INFO, "section 2 is new", append_samples(f->journal, 2, 1, 0));
    assert_told(f, SEGJ_LOG_DEBUG, "section 1 becomes active", append_samples(f->journal, 1, 1, 0));
    assert_told(f, SEGJ_LOG_INFO, "section 1 is rewound to 7 records",
                assert_ok(oversized_rewind_section_to(f->journal, 1, 7)));
    if (tested_version() != 2) /* there it goes on being active */
        assert_non_null(strstr(f->lines[SEGJ_LOG_DEBUG], "section 1 rests"));
    assert_told(f, SEGJ_LOG_INFO, "1 sections were removed: 1 to 1", assert_ok(oversized_prune(f->journal, 2, NULL)));
    append_samples(f->journal, 2, 1, 0);
    assert_told(f, SEGJ_LOG_DEBUG, "section 2 rests", close_journal(f));
    assert_told(f, SEGJ_LOG_INFO, "1 sections, 2 records", open_journal(f));
    assert_int_equal(f->logged[SEGJ_LOG_WARNING] + f->logged[SEGJ_LOG_ERROR], 0);
}

static void test_a_journal_without_a_log_is_silent(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    f->config.log = NULL;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    close_journal(f);
    resize_file(values_path(f, 1).text, file_size(values_path(f, 1).text) - 1);
    open_journal(f);
    assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_defaults),
        PROMISE(test_the_defaults_make_a_journal),
        PROMISE(test_fields_that_can_never_work_are_refused_by_name),
        PROMISE(test_partition_names),
        PROMISE(test_null_arguments),
        PROMISE(test_the_configuration_is_copied),
        PROMISE(test_one_level_of_directories_is_made),
        PROMISE(test_directories_that_are_there_already),
        PROMISE(test_a_partition_that_is_missing_beside_sections_is_a_mismatch),
        PROMISE(test_must_exist_and_read_only_make_nothing),
        PROMISE(test_another_page_or_entry_size_is_a_mismatch),
        PROMISE(test_partitions_in_each_others_place_are_a_mismatch),
        PROMISE(test_a_refused_open_gives_the_locks_back),
        PROMISE(test_page_size_zero_is_what_the_files_have),
        PROMISE(test_page_size_zero_is_4084_where_there_are_no_files),
        PROMISE(test_a_journal_at_rest_gives_no_warning),
        PROMISE(test_what_a_crash_explains_is_a_warning),
        PROMISE(test_a_loss_of_synced_data_is_an_error),
        PROMISE(test_a_read_only_open_says_what_would_be_done),
        PROMISE(test_the_journals_work_can_be_followed),
        PROMISE(test_a_journal_without_a_log_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
