/*
 * recovery/test_log_cut_memory.c: version 2: a rewind into pages of the index that appends have written while a sync
 * wrote the index. In memory are then a page before them, which that sync had in flight, and the pages after them.
 */
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

enum { SECTION = 7, BIG = 5 << 20, VALUE = 10, MORE = 200 };

static segj_storage_t storage;
static oversized_t *journal;
static unsigned until; /* file syncs until appends come in between; 0: none */

static void append(uint64_t id, size_t size)
{
    (void)append_filled(journal, SECTION, id, (uint8_t)id, size, NULL);
}

/* Others append while a sync is under way; it holds no lock. */
static int sync_beside_appends(segj_file_t *file)
{
    if (until > 0 && --until == 0)
        for (uint64_t id = 2; id < MORE; id++)
            append(id, VALUE);
    return segj_storage_posix()->file_sync(file);
}

static void check(uint64_t records)
{
    uint64_t count;
    assert_ok(oversized_count(journal, SECTION, &count));
    assert_int_equal(count, records);
    for (uint64_t i = 1; i < records; i++)
        check_filled(journal, SECTION, i, i, (uint8_t)i, VALUE);
}

static void try_rewind(uint64_t records)
{
    path_t root = make_temp_directory();
    oversized_config_t config;
    small_config(&config, root.text);
    storage = *segj_storage_posix();
    storage.file_sync = sync_beside_appends;
    config.storage = &storage;
    config.format = SEGJ_FORMAT_NATIVE;
    config.native_version = 2;
    config.preallocate = 0;
    assert_ok(oversized_open(&config, &journal));
    append(0, BIG); /* the index follows the next sync */
    append(1, VALUE);
    until = 2; /* that of the index */
    assert_ok(oversized_sync(journal, SECTION));
    assert_int_equal(until, 0);
    assert_ok(oversized_sync(journal, SECTION)); /* of the values alone */
    check(MORE);
    assert_ok(oversized_rewind_section_to(journal, SECTION, records));
    check(records);
    for (uint64_t id = records; id < records + 3; id++)
        append(id, VALUE);
    assert_ok(oversized_sync(journal, SECTION));
    check(records + 3);
    assert_ok(oversized_close(journal));
    config.strict = true;
    assert_ok(oversized_open(&config, &journal));
    check(records + 3);
    assert_ok(oversized_close(journal));
    remove_tree(root.text);
}

static void a_rewind_ends_in_a_page_that_is_not_in_memory(void **state)
{
    for (uint64_t records = 2; records <= MORE; records += 3)
        try_rewind(records);
}

/* --- readers --- */

static uint64_t appended;

/* Others append while the values are flushed, before a page of the index is written, and walk backwards. */
static int sync_beside_a_walk(segj_file_t *file)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    uint64_t left;
    if (until == 0 || --until > 0)
        return segj_storage_posix()->file_sync(file);
    for (; appended < MORE; appended++)
        append(1000 + appended, VALUE);
    left = appended;
    assert_ok(oversized_replay_open_back(journal, SECTION, UINT64_MAX, 65536, &replay));
    while (oversized_replay_next(replay, &item) == SEGJ_OK) {
        left--;
        assert_int_equal(item.position, left);
        assert_int_equal(get_u64(item.entry), left < 20 ? left : 1000 + left);
    }
    assert_int_equal(left, 0);
    oversized_replay_close(replay);
    return segj_storage_posix()->file_sync(file);
}

static void a_walk_back_sees_no_page_from_before_a_rewind(void **state)
{
    path_t root = make_temp_directory();
    oversized_config_t config;
    small_config(&config, root.text);
    storage = *segj_storage_posix();
    storage.file_sync = sync_beside_a_walk;
    config.storage = &storage;
    config.format = SEGJ_FORMAT_NATIVE;
    config.native_version = 2;
    config.preallocate = 0;
    assert_ok(oversized_open(&config, &journal));
    for (uint64_t id = 0; id < 30; id++)
        append(id, VALUE);
    assert_ok(oversized_close(journal));
    assert_ok(oversized_open(&config, &journal));
    assert_ok(oversized_rewind_section_to(journal, SECTION, 20));
    append(1020, BIG); /* the index follows the next sync */
    appended = 21;
    until = 1; /* that of the values */
    assert_ok(oversized_sync(journal, SECTION));
    assert_int_equal(until, 0);
    assert_ok(oversized_close(journal));
    remove_tree(root.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rewind_ends_in_a_page_that_is_not_in_memory),
        cmocka_unit_test(a_walk_back_sees_no_page_from_before_a_rewind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
