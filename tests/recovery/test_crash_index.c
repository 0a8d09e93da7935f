/*
 * recovery/test_crash_index.c: an open after a crash makes the index of what no sync covered in version 2 from the heads
 * of the frames, while it writes them again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/support.h"

enum { LARGEST = 65535, LARGE = 30000, MANY = 700, FEW = 40, SECTIONS = 4 };

typedef struct place {
    path_t root;
    oversized_config_t config;
    uint8_t entry[LARGEST], found[LARGEST];
} place_t;

static int set_up(void **state)
{
    place_t *place = calloc(1, sizeof *place);
    if (place == NULL)
        return -1;
    place->root = make_temp_directory();
    oversized_config_init(&place->config);
    place->config.directory = place->root.text;
    place->config.native_version = 2;
    place->config.page_cache_pages = 2;
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    remove_tree(place->root.text);
    free(place);
    return 0;
}

static void fill_entry(place_t *place, uint64_t section, uint64_t position)
{
    for (size_t i = 0; i < place->config.entry_size; i++)
        place->entry[i] = (uint8_t)(section * 101 + position * 7 + i + (position >> 3));
}

/* Appends records, of which the first `synced` are durable; the process dies behind a flush. */
static void leave(place_t *place, uint64_t sections, uint64_t records, uint64_t synced)
{
    oversized_t *journal;
    assert_ok(oversized_open(&place->config, &journal));
    for (uint64_t section = 1; section <= sections; section++) {
        for (uint64_t i = 0; i < records + section; i++) {
            fill_entry(place, section, i);
            assert_ok(oversized_append(journal, section, place->entry, "value", 5, NULL, NULL));
            if (i + 1 == synced)
                assert_ok(oversized_sync(journal, section));
        }
        assert_ok(oversized_flush(journal, section));
    }
    oversized_abandon(journal);
}

static void check_records(place_t *place, oversized_t *journal, uint64_t sections, uint64_t records)
{
    for (uint64_t section = 1; section <= sections; section++) {
        uint64_t count = 0;
        assert_ok(oversized_count(journal, section, &count));
        assert_int_equal(count, records + section);
        for (uint64_t i = 0; i < count; i++) {
            fill_entry(place, section, i);
            assert_ok(oversized_get(journal, section, i, place->found, NULL));
            assert_memory_equal(place->found, place->entry, place->config.entry_size);
        }
    }
}

/* The open that repairs, and another one, which reads the index that the first has made. */
static void check_opens(place_t *place, uint64_t sections, uint64_t records)
{
    for (int again = 0; again <= 1; again++) {
        oversized_t *journal;
        place->config.strict = again == 1;
        assert_ok(oversized_open(&place->config, &journal));
        assert_int_equal(oversized_recovery(journal)->sections_repaired, again == 1 ? 0 : sections);
        check_records(place, journal, sections, records);
        assert_ok(oversized_close(journal));
    }
}

static void heads_lie_across_the_reads(void **state)
{
    place_t *place = *state;
    place->config.entry_size = LARGE;
    leave(place, 1, MANY, 3);
    check_opens(place, 1, MANY);
}

static uint64_t bytes_read;

static int count_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    int code = segj_storage_posix()->file_read(file, offset, buffer, size, done);
    bytes_read += *done;
    return code;
}

/* Once to look at them, and once to write them again. */
static void large_records_are_read_twice(void **state)
{
    place_t *place = *state;
    segj_storage_t storage = *segj_storage_posix();
    oversized_t *journal;
    uint64_t size;
    storage.file_read = count_read;
    place->config.entry_size = LARGEST;
    place->config.storage = &storage;
    leave(place, 1, FEW, 1);
    bytes_read = 0;
    assert_ok(oversized_open(&place->config, &journal));
    assert_ok(oversized_value_size(journal, 1, &size));
    assert_in_range(bytes_read, size, 5 * size / 2);
    check_records(place, journal, 1, FEW);
    assert_ok(oversized_close(journal));
}

static void each_section_gets_its_own(void **state)
{
    place_t *place = *state;
    place->config.entry_size = 8;
    leave(place, SECTIONS, 500, 2);
    check_opens(place, SECTIONS, 500);
}

/* The second time that the values are read their first frame says another size, still within the file. */
static int read_otherwise(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    int code = segj_storage_posix()->file_read(file, offset, buffer, size, done);
    if (offset == VALUES_DATA_OFFSET && size > 1000 && bytes_read++ == 1)
        ((uint8_t *)buffer)[3]++;
    return code;
}

/* The heads were checked, and are taken at their word: but what they make must come to the same end. */
static void frames_that_changed_between_two_looks_are_told(void **state)
{
    place_t *place = *state;
    segj_storage_t storage = *segj_storage_posix();
    oversized_t *journal;
    storage.file_read = read_otherwise;
    place->config.entry_size = 8;
    place->config.storage = &storage;
    leave(place, 1, MANY, 0);
    bytes_read = 0;
    assert_int_equal(oversized_open(&place->config, &journal), SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "is not what it was when open looked at it first"));
    check_opens(place, 1, MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(heads_lie_across_the_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_records_are_read_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_section_gets_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frames_that_changed_between_two_looks_are_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
