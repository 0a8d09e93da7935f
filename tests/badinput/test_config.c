/*
 * badinput/test_config.c: every field of a configuration, below, at and above its range.
 *
 * What can never work is SEGJ_ERR_INVALID with a sentence that names the field, and nothing is made on the disk; what
 * is at the edge of a range works.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "badinput/badinput.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* --- requests for more memory than a test machine should give --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static const size_t largest = (size_t)256 << 20;

void *__wrap_malloc(size_t size)
{
    return size > largest ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return size > 0 && count > largest / size ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return size > largest ? NULL : __real_realloc(old, size);
}

/* --- the two outcomes --- */

#define refused(place, field) refuse((place), (field), __FILE__, __LINE__)

/* Refused where there is no journal, which makes none, and where there is one, which stays as it is. */
static void refuse(place_t *place, const char *field, const char *file, int line)
{
    const oversized_config_t wrong = place->config;
    check_refused(&wrong, place->root.text, SEGJ_ERR_INVALID, file, line);
    check_sentence(file, line, field, (const char *)NULL);
    assert_false(path_exists(place->directory.text));

    small_config(&place->config, place->directory.text);
    fill_journal(&place->config, 1, 2);
    check_refused(&wrong, place->root.text, SEGJ_ERR_INVALID, file, line);
    check_sentence(file, line, field, (const char *)NULL);
    check_journal(&place->config, 1, 2);
    remove_tree(place->directory.text);
}

/* A journal of this configuration takes a value of `size` bytes, keeps it over a close and is destroyed again. */
static void accept_value(place_t *place, size_t size)
{
    static const uint8_t value[100] = "a value";
    uint8_t *entry = calloc(1, (size_t)place->config.entry_size + 1);
    segj_buffer_t found = {NULL, 0, 0};
    oversized_t *journal;
    assert_non_null(entry);
    assert_ok(oversized_open(&place->config, &journal));
    assert_int_equal(oversized_record_size(journal), place->config.entry_size + LOCATION_BYTES);
    for (int i = 0; i < 3; i++)
        assert_ok(oversized_append(journal, 5, entry, value, size, NULL, NULL));
    assert_ok(oversized_close(journal));
    assert_ok(oversized_open(&place->config, &journal));
    assert_ok(oversized_read(journal, 5, 2, entry, &found));
    assert_int_equal(found.size, size);
    if (size > 0)
        assert_memory_equal(found.data, value, size);
    assert_ok(oversized_destroy(journal));
    segj_buffer_free(&found);
    free(entry);
}

static void accept(place_t *place)
{
    accept_value(place, 100);
}

/* --- struct_size --- */

static void a_struct_size_of_another_version_is_refused(void **state)
{
    place_t *place = *state;
    const size_t sizes[] = {0,
                            1,
                            sizeof(oversized_config_t) - 1,
                            sizeof(oversized_config_t) + 1,
                            2 * sizeof(oversized_config_t),
                            SIZE_MAX,
                            (size_t)0xAAAAAAAA};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        place->config.struct_size = sizes[i];
        refused(place, "struct_size");
    }
}

/* Of a configuration that says it is smaller, nothing behind its size is looked at: it may end there. */
static void nothing_behind_a_wrong_struct_size_is_read(void **state)
{
    oversized_t *journal = NULL;
    size_t *alone = malloc(sizeof *alone);
    assert_non_null(alone);
    *alone = sizeof *alone;
    assert_status(oversized_open((const oversized_config_t *)(const void *)alone, &journal), SEGJ_ERR_INVALID);
    assert_sentence("struct_size");
    assert_null(journal);
    free(alone);
}

/* A configuration that was never initialised, but zeroed or filled with anything. */
static void a_configuration_that_was_not_initialised_is_refused(void **state)
{
    place_t *place = *state;
    const int fillers[] = {0, 0xAA, 0xFF};
    for (size_t i = 0; i < COUNT_OF(fillers); i++) {
        oversized_t *journal = NULL;
        oversized_config_t config;
        memset(&config, fillers[i], sizeof config);
        manifest_t before = take_manifest(place->root.text);
        assert_status(oversized_open(&config, &journal), SEGJ_ERR_INVALID);
        assert_sentence("struct_size");
        assert_null(journal);
        assert_unchanged(place->root.text, &before);
        free_manifest(&before);
    }
}

/* --- names --- */

static void a_directory_without_a_name_is_refused(void **state)
{
    place_t *place = *state;
    place->config.directory = NULL;
    refused(place, "directory");
    place->config.directory = "";
    refused(place, "directory");
}

static const char *const bad_names[] = {NULL,  "",     ".",   "..",  ".hidden", "a/b", "/a",    "a/",
                                        "a b", "a.b",  " a",  "a\n", "a\t",     "a*",  "\x80",  "\xC3\xA4",
                                        "a:b", "a\\b", "a@b", "a`",  "a[",      "a{",  "a\x7F", "a+"};

static void a_partition_name_is_of_letters_digits_and_two_signs(void **state)
{
    place_t *place = *state;
    for (size_t i = 0; i < COUNT_OF(bad_names); i++) {
        place->config.index_partition = bad_names[i];
        refused(place, "index_partition");
        place->config.value_partition = bad_names[i];
        refused(place, "value_partition");
    }
    place->config.index_partition = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefghijklmnopqrstuvwxyz";
    place->config.value_partition = "_0123456789";
    accept(place);
    place->config.index_partition = "-";
    place->config.value_partition = "_";
    accept(place);
}

static void a_partition_name_has_at_most_255_bytes(void **state)
{
    place_t *place = *state;
    char name[257];
    memset(name, 'x', 256);
    name[256] = '\0';
    place->config.index_partition = name;
    refused(place, "index_partition");
    place->config.value_partition = name;
    refused(place, "value_partition");
    name[255] = '\0';
    place->config.index_partition = name;
    accept(place);
    small_config(&place->config, place->directory.text);
    place->config.value_partition = name;
    accept(place);
}

static void both_partitions_are_never_the_same(void **state)
{
    place_t *place = *state;
    char same[] = "same";
    place->config.index_partition = "same";
    place->config.value_partition = same;
    refused(place, "index_partition");
    place->config.index_partition = "same";
    place->config.value_partition = "Same";
    accept(place);
}

/* --- numbers --- */

static void entry_size_is_0_to_65535(void **state)
{
    place_t *place = *state;
    const uint32_t wrong[] = {65536, 65537, (uint32_t)1 << 31, UINT32_MAX - 12, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        place->config.entry_size = wrong[i];
        refused(place, "entry_size");
    }
    place->config.entry_size = 0;
    accept(place);
    place->config.entry_size = 65535;
    accept(place);
}

static void page_size_is_1_to_65535_or_0(void **state)
{
    place_t *place = *state;
    const uint16_t right[] = {0, 1, 2, 4084, 65534, 65535};
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        place->config.page_size = right[i];
        accept(place);
    }
}

/* 2^28 pages are possible, where there is the memory. */
static void page_cache_pages_is_1_to_2_to_the_28(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    const uint32_t wrong[] = {0, ((uint32_t)1 << 28) + 1, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        place->config.page_cache_pages = wrong[i];
        refused(place, "page_cache_pages");
    }
    place->config.page_cache_pages = 1;
    accept(place);
    place->config.page_cache_pages = (uint32_t)1 << 28;
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_MEMORY);
    assert_null(journal);
}

/* The number of pages is not looked at where a cache is shared. */
static void page_cache_pages_is_ignored_where_a_cache_is_shared(void **state)
{
    place_t *place = *state;
    assert_ok(segj_page_cache_create(SMALL_PAGE, 8, &place->config.page_cache));
    place->config.page_cache_pages = 0;
    accept(place);
    place->config.page_cache_pages = UINT32_MAX;
    accept(place);
    segj_page_cache_release(place->config.page_cache);
}

static void write_buffers_have_1_to_2_to_the_30_bytes(void **state)
{
    place_t *place = *state;
    const size_t wrong[] = {0, ((size_t)1 << 30) + 1, SIZE_MAX};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        place->config.index_write_buffer = wrong[i];
        refused(place, "index_write_buffer");
        place->config.value_write_buffer = wrong[i];
        refused(place, "value_write_buffer");
    }
    place->config.index_write_buffer = place->config.value_write_buffer = 1;
    accept(place);
    place->config.index_write_buffer = place->config.value_write_buffer = (size_t)1 << 30;
    accept(place);
}

static void write_memory_is_1_byte_or_more(void **state)
{
    place_t *place = *state;
    place->config.write_memory = 0;
    refused(place, "write_memory");
    place->config.write_memory = 1;
    accept(place);
    place->config.write_memory = SIZE_MAX;
    accept(place);
}

static const uint8_t words[OVERSIZED_DICTIONARY_MAX + 1] = "words";

/* A refusal puts the configuration back. */
static void refuse_dictionary(place_t *place, const void *dictionary, size_t size, size_t trained, int compression,
                              uint8_t version, const char *why)
{
    place->config.native_version = version;
    place->config.compression = compression;
    place->config.dictionary = dictionary;
    place->config.dictionary_size = size;
    place->config.auto_dictionary = trained;
    refused(place, why);
}

static void dictionaries_have_8_to_262144_bytes(void **state)
{
    place_t *place = *state;
    static const uint8_t broken[300] = {0x37, 0xA4, 0x30, 0xEC, 1, 2, 3}; /* begins as a trained one */
    refuse_dictionary(place, NULL, 100, 0, 3, 2, "dictionary is NULL");
    refuse_dictionary(place, words, 7, 0, 3, 2, "dictionary_size");
    refuse_dictionary(place, words, sizeof words, 0, 3, 2, "dictionary_size");
    refuse_dictionary(place, words, 8, 0, 0, 2, "dictionary is set, and config.compression");
    refuse_dictionary(place, words, 8, 0, 3, 1, "dictionary is set, and config.native_version is 1");
    refuse_dictionary(place, broken, sizeof broken, 0, 3, 2, "config.dictionary");
    refuse_dictionary(place, NULL, 0, 255, 3, 2, "auto_dictionary");
    refuse_dictionary(place, words, 8, OVERSIZED_DICTIONARY_MAX + 1, 3, 2, "auto_dictionary");
    refuse_dictionary(place, NULL, 0, 256, 0, 2, "auto_dictionary is set, and config.compression");
    refuse_dictionary(place, NULL, 0, 256, 3, 1, "auto_dictionary is set, and config.native_version is 1");
    for (size_t i = 0; i < 4; i++) {
        static const size_t sizes[] = {0, 8, OVERSIZED_DICTIONARY_MAX, 8};
        static const size_t trained[] = {256, 0, 0, OVERSIZED_DICTIONARY_MAX};
        place->config.native_version = i % 2 == 0 ? 2 : 0;
        place->config.compression = 3;
        place->config.dictionary = words;
        place->config.dictionary_size = sizes[i];
        place->config.auto_dictionary = trained[i];
        accept(place);
    }
}

static void the_native_version_is_1_or_2(void **state)
{
    place_t *place = *state;
    for (unsigned version = 3; version <= UINT8_MAX; version += 84) {
        place->config.native_version = (uint8_t)version;
        refused(place, "native_version");
    }
    place->config.format = SEGJ_FORMAT_COMMONWARE;
    place->config.native_version = 1;
    refused(place, "native_version");
    for (uint8_t version = 0; version <= 2; version++) {
        place->config.native_version = version;
        accept(place);
    }
}

static void compression_is_a_level_of_zstd(void **state)
{
    place_t *place = *state;
    const int wrong[] = {ZSTD_maxCLevel() + 1, ZSTD_minCLevel() - 1, INT_MAX, INT_MIN};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        place->config.compression = wrong[i];
        refused(place, "compression");
    }
    const int right[] = {ZSTD_minCLevel(), -1, 0, 1, ZSTD_maxCLevel()};
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        place->config.compression = right[i];
        accept(place);
    }
}

static void max_value_size_leaves_room_for_a_frame(void **state)
{
    place_t *place = *state;
    place->config.max_value_size = OVERSIZED_VALUE_MAX + 1;
    refused(place, "max_value_size");
    place->config.max_value_size = UINT32_MAX;
    refused(place, "max_value_size");
    place->config.max_value_size = OVERSIZED_VALUE_MAX;
    accept(place);
    place->config.max_value_size = 100;
    accept(place);
    place->config.max_value_size = 0;
    accept_value(place, 0);
}

static void max_open_files_is_4_or_more(void **state)
{
    place_t *place = *state;
    for (uint32_t files = 0; files < 4; files++) {
        place->config.max_open_files = files;
        refused(place, "max_open_files");
    }
    place->config.max_open_files = 4;
    accept(place);
    place->config.max_open_files = UINT32_MAX;
    accept(place);
}

static void compression_threads_are_64_at_most(void **state)
{
    place_t *place = *state;
    place->config.compression_threads = 65;
    refused(place, "compression_threads");
    place->config.compression_threads = UINT32_MAX;
    refused(place, "compression_threads");
    place->config.compression_threads = 64;
    accept(place);
}

/* --- enumerations --- */

static void a_format_that_is_none_is_refused(void **state)
{
    place_t *place = *state;
    const int wrong[] = {2, 3, 255, INT_MAX};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        memcpy(&place->config.format, &wrong[i], sizeof place->config.format);
        refused(place, "format");
    }
}

static void the_native_format_is_verified_in_one_way(void **state)
{
    place_t *place = *state;
    const int wrong[] = {OVERSIZED_VERIFY_RANGES, OVERSIZED_VERIFY_TAIL, 3, INT_MAX};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        memcpy(&place->config.verify, &wrong[i], sizeof place->config.verify);
        refused(place, "verify");
    }
}

static void what_is_done_with_a_damaged_page_is_one_of_two(void **state)
{
    place_t *place = *state;
    const int wrong[] = {OVERSIZED_HOLE_CUT, 2, 255, INT_MAX};
    for (int native = 1; native >= 0; native--) {
        for (size_t i = native ? 0 : 1; i < COUNT_OF(wrong); i++) {
            place->config.format = native ? SEGJ_FORMAT_NATIVE : SEGJ_FORMAT_COMMONWARE;
            place->config.native_version = 0;
            memcpy(&place->config.hole, &wrong[i], sizeof place->config.hole);
            refused(place, "hole");
        }
    }
}

static void what_becomes_of_values_without_an_index_is_one_of_three(void **state)
{
    place_t *place = *state;
    const int wrong[] = {OVERSIZED_ORPHANS_REBUILD, OVERSIZED_ORPHANS_REMOVE, 3, 255, INT_MAX};
    for (int native = 1; native >= 0; native--) {
        for (size_t i = native ? 2 : 0; i < COUNT_OF(wrong); i++) {
            place->config.format = native ? SEGJ_FORMAT_NATIVE : SEGJ_FORMAT_COMMONWARE;
            memcpy(&place->config.orphans, &wrong[i], sizeof place->config.orphans);
            refused(place, "orphans");
        }
    }
}

static void counts_lie_in_a_partition_of_their_own(void **state)
{
    place_t *place = *state;
    static const char *const wrong[] = {"a/b", ".", "..", "counts ", "\xc3\xa4"};
    for (size_t i = 0; i < 2; i++) { /* the native format has none */
        place->config.counts_partition = i == 0 ? "counts" : "";
        refused(place, "counts_partition");
    }
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        place->config.format = SEGJ_FORMAT_COMMONWARE;
        place->config.native_version = 0;
        place->config.counts_partition = wrong[i];
        refused(place, "counts_partition");
    }
    for (size_t i = 0; i < 2; i++) {
        place->config.format = SEGJ_FORMAT_COMMONWARE;
        place->config.native_version = 0;
        place->config.counts_partition = i == 0 ? place->config.index_partition : place->config.value_partition;
        refused(place,
                i == 0 ? "counts_partition and config.index_partition" : "counts_partition and config.value_partition");
    }
}

/* --- a shared page cache --- */

static void a_page_cache_of_another_page_size_is_refused(void **state)
{
    place_t *place = *state;
    segj_page_cache_t *cache;
    assert_ok(segj_page_cache_create(SMALL_PAGE + 1, 8, &cache));
    place->config.page_cache = cache;
    refused(place, "page_cache");
    segj_page_cache_release(cache);
}

/* Without files, page size 0 stands for 4084, and a cache of another size does not fit; the journal is not made. */
static void a_page_cache_that_does_not_fit_a_new_journal_is_refused(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    segj_page_cache_t *cache;
    assert_ok(segj_page_cache_create(SMALL_PAGE, 8, &cache));
    place->config.page_cache = cache;
    place->config.page_size = 0;
    manifest_t before = take_manifest(place->root.text);
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_INVALID);
    assert_sentence("page_cache", "64", "4084");
    assert_null(journal);
    assert_unchanged(place->root.text, &before);
    free_manifest(&before);
    segj_page_cache_release(cache);
}

/* --- a checkpoint --- */

static void a_checkpoint_is_ordered_and_of_whole_records(void **state)
{
    place_t *place = *state;
    static const oversized_checkpoint_t wrong[] = {
        {1, 0, 0}, {UINT64_MAX, UINT64_MAX - 1, 0}, {3, 2, SMALL_RECORD},     {0, 1, 1},
        {0, 1, 8}, {0, 1, SMALL_RECORD - 1},        {0, 1, SMALL_RECORD + 1}, {0, 1, UINT64_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        place->config.checkpoint = &wrong[i];
        refused(place, "checkpoint");
    }
}

/* Records that are not there cannot be restored. No number of them makes the sum of their bytes overflow. */
static void a_checkpoint_beyond_the_journal_is_refused(void **state)
{
    place_t *place = *state;
    const uint64_t beyond[] = {3, 4, 1000, UINT64_MAX / SMALL_RECORD};
    fill_journal(&place->config, 2, 2);
    for (size_t i = 0; i < COUNT_OF(beyond); i++) {
        oversized_checkpoint_t checkpoint = {0, 2, beyond[i] * SMALL_RECORD};
        place->config.checkpoint = &checkpoint;
        assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
        assert_sentence(place->directory.text, "checkpoint", "section 2");
        checkpoint.section = 3;
        assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
        assert_sentence(place->directory.text, "checkpoint", "section 3");
    }
    place->config.checkpoint = NULL;
    check_journal(&place->config, 2, 2);
}

/* The same where there is no journal at all: none is made. */
static void a_checkpoint_of_a_journal_that_is_not_there_makes_none(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    static const oversized_checkpoint_t checkpoint = {0, 2, SMALL_RECORD};
    place->config.checkpoint = &checkpoint;
    manifest_t before = take_manifest(place->root.text);
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_CORRUPT);
    assert_sentence(place->directory.text, "checkpoint", "section 2");
    assert_null(journal);
    assert_unchanged(place->root.text, &before);
    free_manifest(&before);
}

/* Nor does an open that found no memory make a journal: "out of memory; nothing changed". */
static void an_open_without_memory_makes_no_journal(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    place->config.page_cache_pages = (uint32_t)1 << 28;
    manifest_t before = take_manifest(place->root.text);
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_MEMORY);
    assert_null(journal);
    assert_unchanged(place->root.text, &before);
    free_manifest(&before);
}

/* --- a storage --- */

static void a_storage_smaller_than_any_version_is_refused(void **state)
{
    place_t *place = *state;
    segj_storage_t storage = *segj_storage_posix();
    const size_t least = offsetof(segj_storage_t, file_map); /* the first version's */
    const size_t sizes[] = {0, 1, least - 1, least - sizeof(void *)};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        storage.struct_size = sizes[i];
        place->config.storage = &storage;
        refused(place, "storage");
        assert_sentence("storage", "struct_size");
    }
}

static void a_storage_without_one_of_its_functions_is_refused(void **state)
{
    place_t *place = *state;
#define AT(function) offsetof(segj_storage_t, function)
    const size_t offsets[] = {
        AT(partition_create), AT(partition_open),  AT(partition_lock),   AT(partition_unlock), AT(partition_list),
        AT(partition_sync),   AT(partition_close), AT(partition_remove), AT(directory_sync),   AT(file_open),
        AT(file_remove),      AT(file_read),       AT(file_write),       AT(file_size),        AT(file_truncate),
        AT(file_sync),        AT(file_close),
    };
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        segj_storage_t storage = *segj_storage_posix();
        memset((char *)&storage + offsets[i], 0, sizeof storage.file_close);
        place->config.storage = &storage;
        refused(place, "storage");
    }
}

/* The table is copied by open, and hints may be missing. */
static void a_storage_without_hints_works(void **state)
{
    place_t *place = *state;
    segj_storage_t storage = *segj_storage_posix();
    storage.file_write_back = NULL;
    storage.file_evict = NULL;
    place->config.storage = &storage;
    accept(place);
}

/* --- open's own arguments --- */

static void open_without_configuration_or_result_is_refused(void **state)
{
    place_t *place = *state;
    static char nothing;
    oversized_t *journal = (oversized_t *)(void *)&nothing;
    manifest_t before = take_manifest(place->root.text);
    assert_status(oversized_open(NULL, &journal), SEGJ_ERR_INVALID);
    assert_sentence("oversized_open", "config");
    assert_null(journal);
    assert_status(oversized_open(&place->config, NULL), SEGJ_ERR_INVALID);
    assert_sentence("oversized_open", "journal");
    assert_status(oversized_open(NULL, NULL), SEGJ_ERR_INVALID);
    assert_unchanged(place->root.text, &before);
    free_manifest(&before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, drop_place)
    const struct CMUnitTest tests[] = {
        TEST(a_struct_size_of_another_version_is_refused),
        TEST(nothing_behind_a_wrong_struct_size_is_read),
        TEST(a_configuration_that_was_not_initialised_is_refused),
        TEST(a_directory_without_a_name_is_refused),
        TEST(a_partition_name_is_of_letters_digits_and_two_signs),
        TEST(a_partition_name_has_at_most_255_bytes),
        TEST(both_partitions_are_never_the_same),
        TEST(entry_size_is_0_to_65535),
        TEST(page_size_is_1_to_65535_or_0),
        TEST(page_cache_pages_is_1_to_2_to_the_28),
        TEST(page_cache_pages_is_ignored_where_a_cache_is_shared),
        TEST(write_buffers_have_1_to_2_to_the_30_bytes),
        TEST(write_memory_is_1_byte_or_more),
        TEST(dictionaries_have_8_to_262144_bytes),
        TEST(the_native_version_is_1_or_2),
        TEST(compression_is_a_level_of_zstd),
        TEST(max_value_size_leaves_room_for_a_frame),
        TEST(max_open_files_is_4_or_more),
        TEST(compression_threads_are_64_at_most),
        TEST(a_format_that_is_none_is_refused),
        TEST(the_native_format_is_verified_in_one_way),
        TEST(what_is_done_with_a_damaged_page_is_one_of_two),
        TEST(what_becomes_of_values_without_an_index_is_one_of_three),
        TEST(counts_lie_in_a_partition_of_their_own),
        TEST(a_page_cache_of_another_page_size_is_refused),
        TEST(a_page_cache_that_does_not_fit_a_new_journal_is_refused),
        TEST(a_checkpoint_is_ordered_and_of_whole_records),
        TEST(a_checkpoint_beyond_the_journal_is_refused),
        TEST(a_checkpoint_of_a_journal_that_is_not_there_makes_none),
        TEST(an_open_without_memory_makes_no_journal),
        TEST(a_storage_smaller_than_any_version_is_refused),
        TEST(a_storage_without_one_of_its_functions_is_refused),
        TEST(a_storage_without_hints_works),
        TEST(open_without_configuration_or_result_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
