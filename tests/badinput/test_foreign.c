/*
 * badinput/test_foreign.c: files of other journals, other sections and other formats, and configurations that are not
 * those of the files: a wrong page size, record size, format or partition never costs a byte.
 */
#include "badinput/badinput.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static path_t index_of(const place_t *place, uint64_t section)
{
    return section_path(place->directory.text, place->config.index_partition, section);
}

static path_t values_of(const place_t *place, uint64_t section)
{
    return section_path(place->directory.text, place->config.value_partition, section);
}

static path_t file_of(const place_t *place, bool in_values, uint64_t section)
{
    return in_values ? values_of(place, section) : index_of(place, section);
}

static void move_file(const path_t *from, const path_t *to)
{
    assert_int_equal(rename(from->text, to->text), 0);
}

static void copy_file(const path_t *from, const path_t *to)
{
    bytes_t content = read_file(from->text);
    write_file(to->text, content.data, content.size);
    free_bytes(&content);
}

static void exchange(const place_t *place, const path_t *one, const path_t *two)
{
    path_t aside = join_path(place->root.text, "aside");
    move_file(one, &aside);
    move_file(two, one);
    move_file(&aside, two);
}

/* --- configurations that are not the files' --- */

static void a_wrong_page_size_is_a_mismatch(void **state)
{
    place_t *place = *state;
    const uint16_t sizes[] = {1, 20, 63, 65, 128, 4084, 65535};
    fill_journal(&place->config, 2, 7);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char asked[32];
        snprintf(asked, sizeof asked, "expected %u", (unsigned)sizes[i]);
        place->config.page_size = sizes[i];
        assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
        assert_sentence(index_of(place, 1).text, "offset 0", "page size", "64", asked);
    }
    place->config.page_size = SMALL_PAGE;
    check_journal(&place->config, 2, 7);
}

/* Page size 0 takes what the files have; files that differ from each other are refused all the same. */
static void page_size_0_takes_what_the_files_have(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, 2, 7);
    oversized_config_t any = place->config;
    any.page_size = 0;
    check_journal(&any, 2, 7);
    check_journal(&place->config, 2, 7);

    identity_t identity = {1, IDENTITY_INDEX, 0, 65, SMALL_RECORD, 3};
    write_index_file(index_of(place, 3).text, &identity, 0, "", 0);
    assert_refused(&any, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(index_of(place, 3).text, "page size", "65", "64");
}

static void a_wrong_entry_size_is_a_mismatch(void **state)
{
    place_t *place = *state;
    const uint32_t sizes[] = {0, 7, 9, 16, 65535};
    fill_journal(&place->config, 2, 7);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char asked[64];
        snprintf(asked, sizeof asked, "expected %u", (unsigned)sizes[i] + LOCATION_BYTES);
        place->config.entry_size = sizes[i];
        assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
        assert_sentence(index_of(place, 1).text, "offset 0", "record size", "20", asked);
        snprintf(asked, sizeof asked, "config.entry_size is %u bytes", (unsigned)sizes[i]);
        assert_sentence("entry_size is 8 bytes", asked);
    }
    place->config.entry_size = SMALL_ENTRY;
    check_journal(&place->config, 2, 7);
}

/* A shared page cache of another page size than the files: known only when they were looked at. */
static void a_page_cache_of_another_page_size_is_refused(void **state)
{
    place_t *place = *state;
    segj_page_cache_t *cache;
    fill_journal(&place->config, 2, 7);
    assert_ok(segj_page_cache_create(128, 8, &cache));
    place->config.page_size = 0;
    place->config.page_cache = cache;
    assert_refused(&place->config, place->root.text, SEGJ_ERR_INVALID);
    assert_sentence("page_cache", "128", "64");
    place->config.page_cache = NULL;
    check_journal(&place->config, 2, 7);
    segj_page_cache_release(cache);
}

static void partitions_in_each_others_places_are_a_mismatch(void **state)
{
    place_t *place = *state;
    oversized_config_t right = place->config;
    fill_journal(&place->config, 2, 7);
    place->config.index_partition = right.value_partition;
    place->config.value_partition = right.index_partition;
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(index_of(place, 1).text, "kind");
    place->config.page_size = 0;
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    check_journal(&right, 2, 7);
}

/* --- files in places that are not theirs --- */

static void an_index_file_in_another_sections_place_is_a_mismatch(void **state)
{
    place_t *place = *state;
    path_t one = index_of(place, 1);
    path_t nine = index_of(place, 9);
    fill_journal(&place->config, 3, 7);
    move_file(&one, &nine);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(nine.text, "section", "is 1", "expected 9");
    copy_file(&nine, &one);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(nine.text, "section", "is 1", "expected 9");
    remove_file(nine.text);
    check_journal(&place->config, 3, 7);
}

static void a_section_renamed_in_both_partitions_is_a_mismatch(void **state)
{
    place_t *place = *state;
    path_t names[] = {index_of(place, 1), index_of(place, 9), values_of(place, 1), values_of(place, 9)};
    fill_journal(&place->config, 3, 7);
    move_file(&names[0], &names[1]);
    move_file(&names[2], &names[3]);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(names[1].text, "section", "is 1", "expected 9");
    move_file(&names[1], &names[0]);
    move_file(&names[3], &names[2]);
    check_journal(&place->config, 3, 7);
}

static void sections_in_each_others_places_are_a_mismatch(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, 3, 7);
    for (int in_values = 0; in_values < 2; in_values++) {
        path_t one = file_of(place, in_values != 0, 1);
        path_t two = file_of(place, in_values != 0, 2);
        exchange(place, &one, &two);
        assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
        assert_sentence(one.text, "section", "is 2", "expected 1");
        exchange(place, &one, &two);
    }
    check_journal(&place->config, 3, 7);
}

static void index_and_values_in_each_others_places_are_a_mismatch(void **state)
{
    place_t *place = *state;
    path_t index = index_of(place, 2);
    path_t values = values_of(place, 2);
    path_t aside = join_path(place->root.text, "aside");
    fill_journal(&place->config, 3, 7);
    exchange(place, &index, &values);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(index.text, "kind", "is 2", "expected 1");
    exchange(place, &index, &values);

    copy_file(&values, &aside);
    copy_file(&index, &values);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(values.text, "kind", "is 1", "expected 2");
    move_file(&aside, &values);
    check_journal(&place->config, 3, 7);
}

/* A values file under the number of a section that has no index: not that section's values, and not an orphan
 * either. */
static void a_values_file_in_another_sections_place_is_a_mismatch(void **state)
{
    place_t *place = *state;
    path_t one = values_of(place, 1);
    path_t nine = values_of(place, 9);
    fill_journal(&place->config, 3, 7);
    move_file(&one, &nine);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(nine.text, "section", "is 1", "expected 9");
    move_file(&nine, &one);
    check_journal(&place->config, 3, 7);
}

static void a_copy_of_a_values_file_in_another_sections_place_is_a_mismatch(void **state)
{
    place_t *place = *state;
    path_t one = values_of(place, 1);
    path_t nine = values_of(place, 9);
    fill_journal(&place->config, 3, 7);
    copy_file(&one, &nine);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(nine.text, "section", "is 1", "expected 9");
}

/* --- files of other journals --- */

/* Another journal in the same directory, whose section 1 is put into this one's, and is its section 9 as well. */
static void put_foreign_section(place_t *place, oversized_config_t *other, const char *what, const char *found,
                                const char *expected)
{
    other->index_partition = "other_index";
    other->value_partition = "other_values";
    oversized_t *journal;
    uint8_t entry[64] = {1};
    fill_journal(&place->config, 2, 7);
    assert_ok(oversized_open(other, &journal));
    assert_ok(oversized_append(journal, 2, entry, "value", 5, NULL, NULL));
    assert_ok(oversized_append(journal, 9, entry, "value", 5, NULL, NULL));
    assert_ok(oversized_close(journal));

    path_t own = index_of(place, 2);
    path_t aside = join_path(place->root.text, "aside");
    path_t foreign = section_path(place->directory.text, other->index_partition, 2);
    move_file(&own, &aside);
    copy_file(&foreign, &own);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(own.text, what, found, expected);
    move_file(&aside, &own);

    path_t new_index = index_of(place, 9);
    path_t new_values = values_of(place, 9);
    path_t ninth = section_path(place->directory.text, other->index_partition, 9);
    path_t ninth_values = section_path(place->directory.text, other->value_partition, 9);
    copy_file(&ninth, &new_index);
    copy_file(&ninth_values, &new_values);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(new_index.text, what, found, expected);
    remove_file(new_index.text);
    remove_file(new_values.text);
    check_journal(&place->config, 2, 7);
}

static void an_index_of_a_journal_with_other_pages_is_a_mismatch(void **state)
{
    place_t *place = *state;
    oversized_config_t other = place->config;
    other.page_size = 100;
    put_foreign_section(place, &other, "page size", "100", "64");
}

static void an_index_of_a_journal_with_other_records_is_a_mismatch(void **state)
{
    place_t *place = *state;
    oversized_config_t other = place->config;
    other.entry_size = 9;
    put_foreign_section(place, &other, "record size", "21", "20");
}

/* --- files of other formats --- */

/* Bytes that stand in the place of a section's file. */
typedef struct format {
    const char *first; /* its first bytes */
    size_t first_size;
    char filler; /* what follows */
    size_t size;
    segj_status_t status; /* SEGJ_OK: new and empty */
} format_t;

static void put_format(const path_t *path, const format_t *format)
{
    uint8_t bytes[20000];
    assert_true(format->size <= sizeof bytes && format->first_size <= format->size);
    memset(bytes, format->filler, sizeof bytes);
    memcpy(bytes, format->first, format->first_size);
    write_file(path->text, bytes, format->size);
}

static void refuse_format(place_t *place, const path_t *path, const format_t *format)
{
    path_t aside = join_path(place->root.text, "aside");
    move_file(path, &aside);
    put_format(path, format);
    assert_refused(&place->config, place->root.text, format->status);
    assert_sentence(path->text, "offset 0");
    move_file(&aside, path);
}

/* Another format's magic, or our own with another version, is a mismatch for the whole open, of whatever length. */
static void files_that_begin_like_another_format_are_a_mismatch(void **state)
{
    place_t *place = *state;
    const size_t sizes[] = {8, 31, 32, 4096, 4097, 12288, 12289, 20000};
    const char v0[] = {'C', 'W', 'I', 'C', 0, 0, 0, 0};
    const char v1[] = {'C', 'W', 'I', 'K', 0, 1, 0, 0};
    const char version3[] = {'S', 'E', 'G', 'J', 0, 3, 1, 0};
    const char version256[] = {'S', 'E', 'G', 'J', 1, 0, 2, 0};
    const char *const firsts[] = {v0, v1, version3, version256};
    fill_journal(&place->config, 2, 7);
    for (size_t i = 0; i < COUNT_OF(firsts); i++)
        for (size_t k = 0; k < COUNT_OF(sizes); k++) {
            format_t format = {firsts[i], 8, k % 2 == 0 ? '\0' : 'x', sizes[k], SEGJ_ERR_MISMATCH};
            path_t index = index_of(place, 1);
            path_t values = values_of(place, 2);
            refuse_format(place, &index, &format);
            refuse_format(place, &values, &format);
        }
    check_journal(&place->config, 2, 7);
}

/* The magic alone, and the magic with the version. */
static void the_shortest_files_of_another_format_are_a_mismatch(void **state)
{
    place_t *place = *state;
    const format_t formats[] = {
        {"CWIC", 4, 0, 4, SEGJ_ERR_MISMATCH},
        {"CWIK", 4, 0, 4, SEGJ_ERR_MISMATCH},
        {"SEGJ\0\3", 6, 0, 6, SEGJ_ERR_MISMATCH},
        {"SEGJ\377\377", 6, 0, 6, SEGJ_ERR_MISMATCH},
    };
    fill_journal(&place->config, 2, 7);
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        path_t index = index_of(place, 1);
        path_t values = values_of(place, 2);
        refuse_format(place, &index, &formats[i]);
        refuse_format(place, &values, &formats[i]);
    }
    check_journal(&place->config, 2, 7);
}

/* A whole identity block of version 2, with its checksum right. */
static void a_valid_header_of_another_version_is_a_mismatch(void **state)
{
    place_t *place = *state;
    uint8_t block[HEADER_BLOCK];
    path_t aside = join_path(place->root.text, "aside");
    fill_journal(&place->config, 2, 7);
    for (int in_values = 0; in_values < 2; in_values++) {
        path_t path = file_of(place, in_values != 0, 1);
        identity_t index = {3, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, 1};
        identity_t values = {3, IDENTITY_VALUES, 0, 0, 0, 1};
        copy_file(&path, &aside);
        encode_identity(block, in_values ? &values : &index);
        write_file_at(path.text, 0, block, sizeof block);
        assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
        assert_sentence(path.text, "version");
        move_file(&aside, &path);
    }
    check_journal(&place->config, 2, 7);
}

/* Longer than a header and no header: not ours, and not a crash's. */
static void long_files_without_a_header_are_corrupt(void **state)
{
    place_t *place = *state;
    const format_t formats[] = {
        {"", 0, '\0', 20000, SEGJ_ERR_CORRUPT},
        {"", 0, '\0', 12289, SEGJ_ERR_CORRUPT},
        {"", 0, '\377', 20000, SEGJ_ERR_CORRUPT},
        {"It was a dark and stormy night; ", 32, 'z', 20000, SEGJ_ERR_CORRUPT},
        {"SEG", 3, 'K', 20000, SEGJ_ERR_CORRUPT},
        {"SEGJ\0\1\1\0", 8, '\0', 20000, SEGJ_ERR_CORRUPT},
        {"SEGJ\0\1\2\0", 8, 'x', 12289, SEGJ_ERR_CORRUPT},
        {"CWI", 3, 'Z', 20000, SEGJ_ERR_CORRUPT},
        {"\177ELF\2\1\1", 7, '\0', 20000, SEGJ_ERR_CORRUPT},
        {"SQLite format 3", 16, '\0', 20000, SEGJ_ERR_CORRUPT},
        {"\x28\xB5\x2F\xFD", 4, '\0', 20000, SEGJ_ERR_CORRUPT},
    };
    fill_journal(&place->config, 2, 7);
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        path_t index = index_of(place, 1);
        path_t values = values_of(place, 2);
        refuse_format(place, &index, &formats[i]);
        refuse_format(place, &values, &formats[i]);
    }
    format_t just_too_long = {"", 0, '\0', VALUES_DATA_OFFSET + 1, SEGJ_ERR_CORRUPT};
    path_t values = values_of(place, 1);
    refuse_format(place, &values, &just_too_long);
    check_journal(&place->config, 2, 7);
}

/* No longer than a header, no header, and no magic: what a crash leaves of a new file. */
static void short_files_without_a_header_are_new(void **state)
{
    place_t *place = *state;
    const format_t formats[] = {
        {"", 0, '\0', 0, SEGJ_OK},     {"", 0, '\0', 1, SEGJ_OK},      {"", 0, '\0', 4096, SEGJ_OK},
        {"SEGJ", 4, 0, 4, SEGJ_OK},    {"SEG", 3, 0, 3, SEGJ_OK},      {"CWI", 3, 0, 3, SEGJ_OK},
        {"", 0, '\0', 12288, SEGJ_OK}, {"", 0, '\377', 4096, SEGJ_OK}, {"SEGJ\0\1", 6, 'x', 6, SEGJ_OK},
    };
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        oversized_t *journal;
        uint64_t count = 1;
        fill_journal(&place->config, 2, 7);
        path_t index = index_of(place, 3);
        path_t values = values_of(place, 3);
        put_format(&index, &formats[i]);
        if (formats[i].size <= VALUES_DATA_OFFSET)
            put_format(&values, &formats[i]);
        assert_ok(oversized_open(&place->config, &journal));
        assert_ok(oversized_count(journal, 3, &count));
        assert_int_equal(count, 0);
        append_samples(journal, 3, 7);
        assert_ok(oversized_close(journal));
        check_journal(&place->config, 3, 7);
        remove_tree(place->directory.text);
    }
}

/* --- values without an index --- */

/* What is removed as an orphan is looked at first: only a values file of that section is one. */
static void refuse_orphan(place_t *place, segj_status_t status)
{
    path_t orphan = values_of(place, 9);
    assert_refused(&place->config, place->root.text, status);
    assert_sentence(orphan.text, "offset 0");
    remove_file(orphan.text);
    check_journal(&place->config, 2, 7);
}

static void an_orphan_of_another_format_is_a_mismatch(void **state)
{
    place_t *place = *state;
    const format_t formats[] = {
        {"CWIC\0\0\0\0", 8, 'x', 20000, SEGJ_ERR_MISMATCH},
        {"CWIK\0\1\0\0", 8, '\0', 4096, SEGJ_ERR_MISMATCH},
        {"SEGJ\0\3\2\0", 8, 'x', 20000, SEGJ_ERR_MISMATCH},
    };
    fill_journal(&place->config, 2, 7);
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        path_t orphan = values_of(place, 9);
        put_format(&orphan, &formats[i]);
        refuse_orphan(place, SEGJ_ERR_MISMATCH);
    }
}

static void an_orphan_that_is_an_index_file_is_a_mismatch(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, 2, 7);
    identity_t identity = {1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, 9};
    write_index_file(values_of(place, 9).text, &identity, 0, "12345678901234567890", SMALL_RECORD);
    refuse_orphan(place, SEGJ_ERR_MISMATCH);
}

static void an_orphan_without_a_header_that_holds_data_is_corrupt(void **state)
{
    place_t *place = *state;
    const format_t text = {"It was a dark and stormy night; ", 32, 'z', 20000, SEGJ_ERR_CORRUPT};
    fill_journal(&place->config, 2, 7);
    path_t orphan = values_of(place, 9);
    put_format(&orphan, &text);
    refuse_orphan(place, SEGJ_ERR_CORRUPT);
}

/* The control: values of section 9 under its own number are the rest of a removal, and go. */
static void an_orphan_of_its_own_section_is_removed(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    segj_slice_t value = {"value", 5};
    fill_journal(&place->config, 2, 7);
    write_values_file(values_of(place, 9).text, 9, &value, 1);
    write_file(values_of(place, 10).text, "", 0);
    assert_ok(oversized_open(&place->config, &journal));
    assert_int_equal(oversized_recovery(journal)->orphan_sections_removed, 2);
    assert_ok(oversized_close(journal));
    assert_false(path_exists(values_of(place, 9).text));
    assert_false(path_exists(values_of(place, 10).text));
    check_journal(&place->config, 2, 7);
}

/* --- a volume that is not mounted --- */

/* Where the values should be there is an empty directory: several sections that have all lost their synced values at
 * once are no crash. Not a byte changes, and the journal is whole when the volume is back. */
static void an_empty_values_partition_beside_synced_sections_is_a_mismatch(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    path_t values = join_path(place->directory.text, place->config.value_partition);
    path_t away = join_path(place->root.text, "away");
    fill_journal(&place->config, 2, 7);
    move_file(&values, &away);
    make_directory(values.text);
    manifest_t before = take_manifest(place->root.text);
    for (int strict = 0; strict < 2; strict++) {
        place->config.strict = strict == 1;
        assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_MISMATCH);
        assert_null(journal);
        assert_sentence(place->directory.text, place->config.value_partition,
                        "2 sections that have synced values: mount or bring back that partition");
    }
    place->config.strict = false;
    assert_unchanged(place->root.text, &before);
    free_manifest(&before);
    assert_int_equal(rmdir(values.text), 0);
    move_file(&away, &values);
    check_journal(&place->config, 2, 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, drop_place)
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_page_size_is_a_mismatch),
        TEST(page_size_0_takes_what_the_files_have),
        TEST(a_wrong_entry_size_is_a_mismatch),
        TEST(a_page_cache_of_another_page_size_is_refused),
        TEST(partitions_in_each_others_places_are_a_mismatch),
        TEST(an_index_file_in_another_sections_place_is_a_mismatch),
        TEST(a_section_renamed_in_both_partitions_is_a_mismatch),
        TEST(sections_in_each_others_places_are_a_mismatch),
        TEST(index_and_values_in_each_others_places_are_a_mismatch),
        TEST(a_values_file_in_another_sections_place_is_a_mismatch),
        TEST(a_copy_of_a_values_file_in_another_sections_place_is_a_mismatch),
        TEST(an_index_of_a_journal_with_other_pages_is_a_mismatch),
        TEST(an_index_of_a_journal_with_other_records_is_a_mismatch),
        TEST(files_that_begin_like_another_format_are_a_mismatch),
        TEST(the_shortest_files_of_another_format_are_a_mismatch),
        TEST(a_valid_header_of_another_version_is_a_mismatch),
        TEST(long_files_without_a_header_are_corrupt),
        TEST(short_files_without_a_header_are_new),
        TEST(an_orphan_of_another_format_is_a_mismatch),
        TEST(an_orphan_that_is_an_index_file_is_a_mismatch),
        TEST(an_orphan_without_a_header_that_holds_data_is_corrupt),
        TEST(an_orphan_of_its_own_section_is_removed),
        TEST(an_empty_values_partition_beside_synced_sections_is_a_mismatch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
