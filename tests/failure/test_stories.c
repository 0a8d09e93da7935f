/*
 * Failures told one by one: what a user sees of a full disk, of a journal that is poisoned, of a sync that goes on past
 * a section that failed. What every single call may do wrong is tried in test_storage_faults.c.
 */
#include "failure/lossy.h"
#include "failure/world.h"

#include <errno.h>
#include <string.h>

/* A journal on a disk that knows what a power cut leaves. */
typedef struct story {
    world_t world;
    lossy_t *lossy;
    segj_storage_t *left; /* after a power cut */
} story_t;

static story_t story;

static world_t *begin(void (*configure)(oversized_config_t *config))
{
    static const step_t open[] = {{.kind = DO_OPEN}, {.kind = DO_END}};
    memset(&story, 0, sizeof story);
    story.lossy = lossy_new();
    world_init(&story.world, lossy_storage(story.lossy), configure);
    take_steps(&story.world, open);
    return &story.world;
}

static void finish(world_t *w)
{
    oversized_abandon(w->journal);
    w->journal = NULL;
    world_free(w);
    segj_storage_memory_destroy(story.left);
    lossy_free(story.lossy);
}

/* What is there afterwards is what a completed sync has covered, and what the disk kept besides. */
static void cut_power(world_t *w)
{
    oversized_abandon(w->journal);
    w->journal = NULL;
    allow_loss(w, NULL);
    story.left = lossy_power_cut(story.lossy, w->config.directory);
    w->disk = w->faulty.inner = story.left;
    reopen(w);
}

static void append(world_t *w, uint64_t section, uint32_t size, uint32_t times)
{
    const step_t step[] = {{.kind = DO_APPEND, .section = section, .size = size, .times = times}, {.kind = DO_END}};
    take_steps(w, step);
}

static void sync_section(world_t *w, uint64_t section)
{
    const step_t step[] = {{.kind = DO_SYNC, .section = section}, {.kind = DO_END}};
    take_steps(w, step);
}

static void fail_once(world_t *w, call_kind_t kind, uint64_t at, int code)
{
    faulty_arm(&w->faulty, (fault_t){FAULT_ONCE, at, code, CALL_BIT(kind)});
}

static uint64_t count_of(world_t *w, uint64_t section)
{
    uint64_t records = 0;
    assert_ok(oversized_count(w->journal, section, &records));
    return records;
}

static void poison(world_t *w)
{
    append(w, 1, 20, 1);
    fail_once(w, CALL_FILE_SYNC, 1, EIO);
    assert_status(oversized_sync(w->journal, 1), SEGJ_ERR_IO);
    faulty_disarm(&w->faulty);
    assert_non_null(oversized_error(w->journal));
}

/* --- several sections --- */

static void sync_all_goes_on_past_a_section_that_failed(void **state)
{
    world_t *w = begin(NULL);
    for (uint64_t i = 1; i <= 3; i++)
        append(w, i, 20, 3);
    fail_once(w, CALL_FILE_WRITE, 1, ENOSPC);
    assert_status(oversized_sync_all(w->journal), SEGJ_ERR_NO_SPACE);
    assert_non_null(strstr(segj_last_error(), "/0000000000000001"));
    assert_null(oversized_error(w->journal));
    cut_power(w);
    assert_int_equal(count_of(w, 1), 0);
    assert_int_equal(count_of(w, 2), 3);
    assert_int_equal(count_of(w, 3), 3);
    finish(w);
}

static void sync_all_says_what_failed_first(void **state)
{
    world_t *w = begin(NULL);
    for (uint64_t i = 1; i <= 3; i++)
        append(w, i, 20, 3);
    /* Of sections 1 and 2, each in its first write. */
    faulty_arm(&w->faulty, (fault_t){FAULT_DEVICE_FULL, 1, EDQUOT, 0});
    assert_status(oversized_sync_all(w->journal), SEGJ_ERR_NO_SPACE);
    assert_non_null(strstr(segj_last_error(), "/0000000000000001"));
    finish(w);
}

static void close_goes_on_past_a_section_that_failed(void **state)
{
    world_t *w = begin(NULL);
    for (uint64_t i = 1; i <= 3; i++)
        append(w, i, 20, 3);
    fail_once(w, CALL_FILE_WRITE, 1, EIO);
    assert_status(oversized_close(w->journal), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "/0000000000000001"));
    w->journal = NULL;
    cut_power(w);
    assert_int_equal(count_of(w, 1), 0);
    assert_int_equal(count_of(w, 2), 3);
    assert_int_equal(count_of(w, 3), 3);
    finish(w);
}

/* --- poison --- */

static void the_first_cause_of_poison_is_kept(void **state)
{
    world_t *w = begin(NULL);
    poison(w);
    char cause[1024];
    strcpy(cause, oversized_error(w->journal));
    assert_non_null(strstr(cause, "disk/test_index/0000000000000001"));
    assert_non_null(strstr(cause, strerror(EIO)));
    assert_status(oversized_sync(w->journal, 1), SEGJ_ERR_POISONED);
    assert_non_null(strstr(segj_last_error(), cause));
    assert_string_equal(oversized_error(w->journal), cause);
    finish(w);
}

/* Records that are in memory only, and can never be written any more, are readable as long as the journal is open. */
static void a_poisoned_journal_reads_what_it_could_not_write(void **state)
{
    world_t *w = begin(NULL);
    append(w, 1, 20, 3);
    sync_section(w, 1);
    append(w, 1, 20, 2);
    append(w, 2, 500, 1);
    poison(w);
    check_world(w);
    const step_t replay[] = {{.kind = DO_REPLAY, .section = 1, .extra = 64}, {.kind = DO_READ}, {.kind = DO_END}};
    take_steps(w, replay);
    finish(w);
}

static void a_replay_goes_on_when_the_journal_is_poisoned(void **state)
{
    world_t *w = begin(NULL);
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    append(w, 1, 20, 9);
    assert_ok(oversized_replay_open(w->journal, 0, 0, 0, &replay));
    assert_ok(oversized_replay_next(replay, &item));
    poison(w);
    for (uint64_t i = 1; i < 9; i++) {
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(item.position, i);
    }
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
    finish(w);
}

static void poison_is_logged_as_an_error_once(void **state)
{
    world_t *w = begin(NULL);
    poison(w);
    assert_status(oversized_sync(w->journal, 1), SEGJ_ERR_POISONED);
    assert_status(oversized_prune(w->journal, 9, NULL), SEGJ_ERR_POISONED);
    assert_int_equal(w->errors, 1);
    finish(w);
}

/* The fsync of a values file, when the one of the index has succeeded: still nobody knows, and the records are not
 * counted as synced. */
static void half_a_sync_is_none(void **state)
{
    world_t *w = begin(NULL);
    append(w, 1, 20, 2);
    sync_section(w, 1);
    append(w, 1, 20, 2);
    fail_once(w, CALL_FILE_SYNC, 2, EIO);
    assert_status(oversized_sync(w->journal, 1), SEGJ_ERR_IO);
    assert_non_null(strstr(oversized_error(w->journal), "test_values"));
    cut_power(w);
    assert_in_range(count_of(w, 1), 2, 4);
    finish(w);
}

/* A value reached the disk although its append failed. The next one gets its place and has its size; of this one the
 * record becomes durable, and the bytes do not. The first one verifies in that place, and must not stand in for it. */
static void a_value_whose_append_failed_never_comes_back(void **state)
{
    world_t *w = begin(NULL);
    const step_t failing = {.kind = DO_APPEND, .section = 1, .size = 300};
    append(w, 1, 20, 1);
    sync_section(w, 1);
    faulty_arm(&w->faulty, (fault_t){FAULT_AFTER_WORK, 1, EIO, CALL_BIT(CALL_FILE_WRITE)});
    assert_status(take_step(w, &failing), SEGJ_ERR_IO);
    faulty_disarm(&w->faulty);
    lossy_write_back(story.lossy, w->config.directory);
    w->model.next_id++; /* so that the next value is another one */
    append(w, 1, 300, 1);
    lossy_fail_sync(story.lossy, 2, EIO);
    assert_status(oversized_sync(w->journal, 1), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "test_values"));
    lossy_fail_sync(story.lossy, 0, 0);
    cut_power(w);
    assert_int_equal(count_of(w, 1), 1);
    finish(w);
}

/* --- the watermark --- */

static void a_watermark_that_cannot_be_written_is_logged_and_nothing_else(void **state)
{
    world_t *w = begin(NULL);
    append(w, 1, 20, 3);
    sync_section(w, 1);
    assert_int_equal(w->warnings, 0);
    fail_once(w, CALL_FILE_WRITE, 1, ENOSPC);
    const step_t close[] = {{.kind = DO_CLOSE}, {.kind = DO_END}};
    take_steps(w, close);
    assert_true(w->faulty.first.slot_write);
    assert_int_equal(w->warnings, 1);
    assert_int_equal(w->errors, 0);
    cut_power(w);
    assert_int_equal(count_of(w, 1), 3);
    finish(w);
}

/* --- a full disk --- */

static void little_memory(oversized_config_t *config)
{
    config->write_memory = 16384;
    config->value_write_buffer = 4096;
    config->index_write_buffer = 4096;
}

/* While nothing can be written appends fill the memory that they may have, and then answer that the storage is full:
 * every one that was accepted is there when there is room again. */
static void a_full_disk_stops_appends_and_loses_none(void **state)
{
    enum { TRIES = 1000, SIZE = 100 };
    world_t *w = begin(little_memory);
    uint8_t entry[SMALL_ENTRY] = {0};
    uint8_t value[SIZE];
    uint64_t accepted = 1;
    assert_int_equal(append_filled(w->journal, 1, 0, 0, SIZE, NULL).offset, 0);
    assert_ok(oversized_sync(w->journal, 1));
    faulty_arm(&w->faulty, (fault_t){FAULT_DEVICE_FULL, 1, ENOSPC, 0});
    for (int i = 0; i < TRIES; i++) {
        put_u64(entry, accepted);
        memset(value, (uint8_t)accepted, SIZE);
        segj_status_t status = oversized_append(w->journal, 1, entry, value, SIZE, NULL, NULL);
        assert_true(status == SEGJ_OK || status == SEGJ_ERR_NO_SPACE);
        accepted += status == SEGJ_OK;
        assert_status(oversized_sync(w->journal, 1), SEGJ_ERR_NO_SPACE);
    }
    assert_true(accepted > 1);
    assert_true(accepted * SIZE <= 16384 + 2 * 4096);
    faulty_disarm(&w->faulty);
    assert_ok(oversized_sync(w->journal, 1));
    assert_int_equal(count_of(w, 1), accepted);
    for (uint64_t i = 0; i < accepted; i++)
        check_filled(w->journal, 1, i, i, (uint8_t)i, SIZE);
    assert_ok(oversized_close(w->journal));
    assert_ok(oversized_open(&w->config, &w->journal));
    for (uint64_t i = 0; i < accepted; i++)
        check_filled(w->journal, 1, i, i, (uint8_t)i, SIZE);
    finish(w);
}

/* --- beginnings and ends --- */

static void a_partition_that_was_replaced_is_opened_and_locked_again(void **state)
{
    world_t *w = begin(NULL);
    append(w, 1, 20, 1);
    for (uint64_t at = 1; at <= 2; at++) {
        const step_t close[] = {{.kind = DO_CLOSE}, {.kind = DO_END}};
        take_steps(w, close);
        fail_once(w, CALL_PARTITION_LOCK, at, ESTALE);
        reopen(w);
        assert_true(w->faulty.fired);
        faulty_disarm(&w->faulty);
        assert_int_equal(w->faulty.open_partitions, 2);
    }
    finish(w);
}

/* The sections go, the partition cannot: somebody keeps a file of his own there, which no journal touches. */
static void destroy_leaves_a_partition_with_names_of_others(void **state)
{
    world_t *w = begin(NULL);
    segj_partition_t *partition = NULL;
    segj_file_t *file = NULL;
    append(w, 1, 20, 3);
    sync_section(w, 1);
    assert_int_equal(w->disk->partition_open(w->disk->context, "disk", "test_index", &partition), 0);
    assert_int_equal(w->disk->file_open(partition, ".mine", SEGJ_OPEN_CREATE, &file), 0);
    w->disk->file_close(file);
    assert_status(oversized_destroy(w->journal), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "disk/test_index"));
    w->journal = NULL;
    image_t image = {.count = 0};
    take_image(w->disk, "disk", &image);
    assert_int_equal(image.count, 1);
    assert_string_equal(image.paths[0], "test_index/.mine");
    free_image(&image);
    w->disk->partition_close(partition);
    memset(w->model.sections, 0, sizeof w->model.sections);
    reopen(w);
    finish(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sync_all_goes_on_past_a_section_that_failed),
        cmocka_unit_test(sync_all_says_what_failed_first),
        cmocka_unit_test(close_goes_on_past_a_section_that_failed),
        cmocka_unit_test(the_first_cause_of_poison_is_kept),
        cmocka_unit_test(a_poisoned_journal_reads_what_it_could_not_write),
        cmocka_unit_test(a_replay_goes_on_when_the_journal_is_poisoned),
        cmocka_unit_test(poison_is_logged_as_an_error_once),
        cmocka_unit_test(half_a_sync_is_none),
        cmocka_unit_test(a_value_whose_append_failed_never_comes_back),
        cmocka_unit_test(a_watermark_that_cannot_be_written_is_logged_and_nothing_else),
        cmocka_unit_test(a_full_disk_stops_appends_and_loses_none),
        cmocka_unit_test(a_partition_that_was_replaced_is_opened_and_locked_again),
        cmocka_unit_test(destroy_leaves_a_partition_with_names_of_others),
    };
    return cmocka_run_group_tests_name("stories", tests, NULL, NULL);
}
