/* unit/storage_contract_io.c: the wrappers over a real storage. */
#include "unit/storage_contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/wrapped_memory.h"

void contract_through_the_wrappers(void **state)
{
    const struct place *place = *state;
    segj_io_partition_t partition = part_of(place, "index");
    segj_io_file_t file = {0};
    bool missing = false;
    bool replaced = true;
    assert_int_equal(segj_partition_open(&partition, &missing), SEGJ_OK);
    assert_true(missing);
    segj_partition_close(&partition);
    partition = make_part(place, "index");
    assert_int_equal(segj_partition_lock(&partition, true, &replaced), SEGJ_OK);
    assert_false(replaced);

    missing = false;
    assert_int_equal(segj_io_open(&file, &partition, 7, SEGJ_OPEN_WRITE, &missing), SEGJ_OK);
    assert_true(missing);
    segj_io_close(&file);
    assert_int_equal(segj_io_open(&file, &partition, 7, SEGJ_OPEN_CREATE, NULL), SEGJ_OK);
    const segj_slice_t slices[] = {{"head", 4}, {NULL, 0}, {"and tail", 8}};
    assert_int_equal(segj_io_write_slices(&file, 100, slices, 3), SEGJ_OK);
    assert_int_equal(segj_io_write(&file, 0, "begin", 5), SEGJ_OK);
    segj_io_write_back(&file, 0, 112);
    assert_int_equal(segj_io_sync(&file), SEGJ_OK);

    char found[16] = {0};
    uint64_t size = 0;
    size_t got = 0;
    assert_int_equal(segj_io_size(&file, &size), SEGJ_OK);
    assert_int_equal(size, 112);
    assert_int_equal(segj_io_read(&file, 100, found, 12, NULL), SEGJ_OK);
    assert_memory_equal(found, "headand tail", 12);
    assert_int_equal(segj_io_read(&file, 104, found, 16, &got), SEGJ_OK);
    assert_int_equal(got, 8);
    assert_int_equal(segj_io_truncate(&file, 3), SEGJ_OK);
    assert_int_equal(segj_io_read(&file, 0, found, 5, NULL), SEGJ_ERR_IO);
    segj_io_close(&file);
    missing = true;
    assert_int_equal(segj_io_open(&file, &partition, 7, SEGJ_OPEN_READ, &missing), SEGJ_OK);
    assert_false(missing);
    assert_int_equal(segj_io_write(&file, 0, "x", 1), SEGJ_ERR_IO);
    segj_io_close(&file);
    segj_io_close(&file);

    assert_int_equal(segj_partition_sync(&partition), SEGJ_OK);
    assert_int_equal(segj_partition_sync_directory(&partition), SEGJ_OK);
    assert_int_equal(segj_partition_unlink(&partition, 7), SEGJ_OK);
    assert_int_equal(segj_partition_unlink(&partition, 7), SEGJ_OK); /* gone is what was asked for */
    assert_int_equal(segj_partition_named(&partition), SEGJ_OK);
    assert_int_equal(segj_partition_remove(&partition), SEGJ_OK);
    assert_int_equal(segj_partition_named(&partition), SEGJ_OK); /* gone is as good */
    assert_int_equal(segj_partition_remove(&partition), SEGJ_OK);
    assert_int_equal(segj_partition_sync_directory(&partition), SEGJ_OK);
    segj_partition_close(&partition);
    assert_int_equal(segj_partition_remove(&partition), SEGJ_OK); /* by its name */
    assert_int_equal(segj_partition_open(&partition, &missing), SEGJ_OK);
    assert_true(missing);
}

void contract_sections_are_sorted(void **state)
{
    const struct place *place = *state;
    static const uint64_t made[] = {16, 0, UINT64_MAX, 9, 10, 0x123456789abcdef0, 1, (uint64_t)1 << 63};
    static const uint64_t sorted[] = {0, 1, 9, 10, 16, 0x123456789abcdef0, (uint64_t)1 << 63, UINT64_MAX};
    segj_io_partition_t partition = make_part(place, "index");
    uint64_t *sections = NULL;
    size_t count = 99;
    assert_int_equal(segj_partition_sections(&partition, &sections, &count), SEGJ_OK);
    assert_int_equal(count, 0);
    free(sections);
    for (size_t i = 0; i < COUNT_OF(made); i++) {
        segj_io_file_t file;
        assert_int_equal(segj_io_open(&file, &partition, made[i], SEGJ_OPEN_CREATE, NULL), SEGJ_OK);
        segj_io_close(&file);
    }
    assert_int_equal(try_open(place, partition.opened, ".hidden", SEGJ_OPEN_CREATE), 0);
    assert_int_equal(try_open(place, partition.opened, "lost+found", SEGJ_OPEN_CREATE), 0);
    assert_int_equal(segj_partition_sections(&partition, &sections, &count), SEGJ_OK);
    assert_int_equal(count, COUNT_OF(sorted));
    assert_memory_equal(sections, sorted, sizeof sorted);
    free(sections);

    uint64_t *untouched = NULL;
    count = 99;
    assert_int_equal(try_open(place, partition.opened, "notes.txt", SEGJ_OPEN_CREATE), 0);
    assert_int_equal(segj_partition_sections(&partition, &untouched, &count), SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "notes.txt"));
    assert_non_null(strstr(segj_last_error(), place->directory));
    assert_null(untouched);
    assert_int_equal(count, 99);
    segj_partition_close(&partition);
}

/** Many sections, so that the list has to grow. */
void contract_many_sections(void **state)
{
    const struct place *place = *state;
    segj_io_partition_t partition = make_part(place, "index");
    uint64_t *sections = NULL;
    size_t count = 0;
    for (uint64_t i = 0; i < 300; i++) {
        segj_io_file_t file;
        assert_int_equal(segj_io_open(&file, &partition, i * 7919 % 300, SEGJ_OPEN_CREATE, NULL), SEGJ_OK);
        segj_io_close(&file);
    }
    assert_int_equal(segj_partition_sections(&partition, &sections, &count), SEGJ_OK);
    assert_int_equal(count, 300);
    for (uint64_t i = 0; i < 300; i++)
        assert_int_equal(sections[i], i);
    free(sections);
    segj_partition_close(&partition);
}

void contract_lock_refused_names_the_partition(void **state)
{
    const struct place *place = *state;
    segj_io_partition_t first = make_part(place, "index");
    segj_io_partition_t second = make_part(place, "index");
    bool replaced = false;
    assert_int_equal(segj_partition_lock(&first, true, &replaced), SEGJ_OK);
    assert_int_equal(segj_partition_lock(&second, false, &replaced), SEGJ_ERR_LOCKED);
    char expected[PATH_LIMIT * 2];
    (void)snprintf(expected, sizeof expected, "%s/index: ", place->directory);
    assert_ptr_equal(strstr(segj_last_error(), expected), segj_last_error());
    assert_true(segj_partition_is_beside(&first, &second));
    segj_partition_close(&first);
    assert_int_equal(segj_partition_remove(&second), SEGJ_OK);
    segj_partition_close(&second);
    first = part_of(place, "index");
    second = make_part(place, "index");
    bool missing = true;
    assert_int_equal(segj_partition_open(&first, &missing), SEGJ_OK);
    assert_int_equal(remove_partition(place, "index"), 0);
    assert_int_equal(segj_partition_lock(&first, true, &replaced), SEGJ_OK);
    assert_true(replaced);
    segj_partition_close(&first);
    segj_partition_close(&second);
}

/** Works a storage from its making to its end; the first failure, which can only be one of memory. */
static segj_status_t work_through(const struct place *place)
{
    segj_io_partition_t partition = part_of(place, "index");
    segj_io_file_t file = {0};
    bool flag = false;
    uint64_t *sections = NULL;
    size_t count = 0;
    segj_status_t status = segj_partition_create(&partition);
    if (status == SEGJ_OK)
        status = segj_partition_open(&partition, &flag);
    if (status == SEGJ_OK)
        status = segj_partition_lock(&partition, true, &flag);
    if (status == SEGJ_OK)
        status = segj_io_open(&file, &partition, 1, SEGJ_OPEN_CREATE, NULL);
    if (status == SEGJ_OK)
        status = segj_io_write(&file, 10, "text", 4);
    if (status == SEGJ_OK)
        status = segj_partition_sections(&partition, &sections, &count);
    if (status == SEGJ_OK)
        status = segj_partition_sync_directory(&partition);
    free(sections);
    if (partition.opened != NULL)
        assert_int_equal(segj_partition_unlink(&partition, 1), SEGJ_OK);
    segj_io_close(&file);
    segj_partition_close(&partition);
    return status;
}

void contract_every_allocation_fails_once(void **state)
{
    struct place fresh = *(const struct place *)*state;
    size_t end = strlen(fresh.directory);
    segj_status_t status = SEGJ_ERR_MEMORY;
    int fails = 0;
    for (; status != SEGJ_OK; fails++) { /* in a new directory each time, so that all of it is made anew */
        assert_true(fails < 100);
        (void)snprintf(fresh.directory + end, sizeof fresh.directory - end, "%d", fails);
        allocations_left = fails;
        status = work_through(&fresh);
        allocations_left = -1;
        if (status != SEGJ_OK)
            assert_int_equal(status, SEGJ_ERR_MEMORY);
    }
    assert_true(fails > 4);
}
