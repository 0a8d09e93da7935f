/*
 * failure/test_follow.c: each call of the storage that a follower makes fails once, and each allocation. The call of the
 * follower says so, and made again it goes on as if nothing had been: nothing is shown twice, left out or wrong.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "failure/faulty.h"
#include "segjournal/follow.h"
#include "support/mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static struct {
    bool counting; /* a call of the follower is under way */
    uint64_t number, fail;
} taken;

static bool fails_now(void)
{
    return taken.counting && !faulty_working && ++taken.number == taken.fail;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails_now() ? NULL : __real_realloc(old, size);
}

/** A journal on a storage that works, and a follower to whom the same storage fails. */
typedef struct scene {
    segj_storage_t *memory;
    faulty_t faulty;
    oversized_config_t config;
    oversized_t *journal;
    oversized_follower_t *follower;
    mirror_t mirror;
    segj_status_t expected; /* of what fails */
    unsigned failures;
} scene_t;

static void expect_failure(scene_t *scene, segj_status_t status)
{
    if (status != scene->expected)
        fail_msg("it answered %d, expected %d: %s", (int)status, (int)scene->expected, segj_last_error());
    assert_true(segj_last_error()[0] != '\0');
    scene->failures++;
    assert_int_equal(scene->failures, 1);
}

static void begin(scene_t *scene, oversized_follow_from_t from, uint64_t section, uint64_t position)
{
    oversized_config_t config = scene->config;
    oversized_follow_options_t options;
    oversized_follow_options_init(&options);
    options.from = from;
    options.section = section;
    options.position = position;
    config.storage = &scene->faulty.storage;
    for (;;) {
        taken.counting = true;
        segj_status_t status = oversized_follow_open(&config, &options, &scene->follower);
        taken.counting = false;
        if (status == SEGJ_OK)
            return;
        assert_null(scene->follower);
        expect_failure(scene, status);
    }
}

static void drain(scene_t *scene)
{
    for (;;) {
        oversized_followed_t followed;
        taken.counting = true;
        segj_status_t status = oversized_follow_next(scene->follower, &followed);
        taken.counting = false;
        if (status == SEGJ_END)
            return;
        if (status != SEGJ_OK) {
            expect_failure(scene, status);
            continue;
        }
        const char *wrong = mirror_take(&scene->mirror, &followed);
        if (wrong != NULL)
            fail_msg("%s: section %llu, position %llu", wrong, (unsigned long long)followed.section,
                     (unsigned long long)followed.position);
    }
}

static void append(scene_t *scene, uint64_t section, unsigned count, uint8_t fill, size_t size)
{
    for (unsigned i = 0; i < count; i++)
        append_filled(scene->journal, section, i, fill, size, NULL);
}

/* Somebody removes an index file. */
static void lose_index(const scene_t *scene, const char *name)
{
    segj_partition_t *partition = NULL;
    assert_int_equal(scene->memory->partition_open(scene->memory->context, scene->config.directory,
                                                   scene->config.index_partition, &partition),
                     0);
    assert_int_equal(scene->memory->file_remove(partition, name), 0);
    scene->memory->partition_close(partition);
}

/* Records, cuts seen and not seen, removals, batches, large values, a writer that comes again, a lost index file. */
static void play(scene_t *scene)
{
    oversized_record_t records[12];
    uint8_t entry[SMALL_ENTRY] = {0};
    append(scene, 1, 10, 'a', 20);
    append(scene, 2, 3, 'b', 300);
    assert_ok(oversized_sync_all(scene->journal));
    begin(scene, OVERSIZED_FOLLOW_OLDEST, 0, 0);
    drain(scene);
    mirror_check(&scene->mirror, scene->journal);
    append(scene, 2, 1, 'c', 300000);
    assert_ok(oversized_sync(scene->journal, 2));
    drain(scene);
    assert_ok(oversized_rewind_to(scene->journal, 1, 4));
    drain(scene);
    append(scene, 1, 30, 'd', 20);
    assert_ok(oversized_sync(scene->journal, 1));
    assert_ok(oversized_rewind_to(scene->journal, 1, 20));
    append(scene, 1, 1500, 'e', 20);
    append(scene, 2, 2, 'e', 20);
    for (size_t i = 0; i < 12; i++)
        records[i] = (oversized_record_t){entry, "value", 5};
    assert_ok(oversized_append_batch(scene->journal, 1, records, 12, NULL, NULL));
    assert_ok(oversized_sync_all(scene->journal));
    drain(scene);
    mirror_check(&scene->mirror, scene->journal);
    oversized_abandon(scene->journal);
    assert_ok(oversized_open(&scene->config, &scene->journal));
    append(scene, 3, 2, 'f', 20);
    assert_ok(oversized_prune(scene->journal, 2, NULL));
    assert_ok(oversized_sync_all(scene->journal));
    drain(scene);
    mirror_check(&scene->mirror, scene->journal);
    oversized_follow_close(scene->follower);
    begin(scene, OVERSIZED_FOLLOW_END, 0, 0);
    append(scene, 3, 2, 'g', 20);
    assert_ok(oversized_sync(scene->journal, 3));
    drain(scene);
    oversized_follow_close(scene->follower);
    append(scene, 4, 1200, 'h', 20);
    assert_ok(oversized_sync_all(scene->journal));
    begin(scene, OVERSIZED_FOLLOW_PLACE, 4, 0);
    drain(scene);
    oversized_follow_close(scene->follower);
    begin(scene, OVERSIZED_FOLLOW_PLACE, 4, 1200);
    append(scene, 4, 1, 'i', 20);
    assert_ok(oversized_sync_all(scene->journal));
    drain(scene);
    if (scene->config.native_version == 2) {
        lose_index(scene, "0000000000000004");
        append(scene, 4, 1, 'j', 20);
        assert_ok(oversized_sync_all(scene->journal));
        drain(scene);
        oversized_follow_close(scene->follower);
        begin(scene, OVERSIZED_FOLLOW_PLACE, 4, 1202);
        append(scene, 4, 1, 'k', 20);
        assert_ok(oversized_sync_all(scene->journal));
        drain(scene);
    }
    mirror_check(&scene->mirror, scene->journal);
    oversized_follow_close(scene->follower);
    scene->follower = NULL;
}

static bool packs; /* values are compressed, with a dictionary */

/* Gives how many calls, or allocations, there were. */
static uint64_t run(uint64_t at, int code, uint64_t allocation, uint8_t version)
{
    scene_t scene = {.expected = allocation > 0 ? SEGJ_ERR_MEMORY : SEGJ_ERR_IO};
    assert_ok(segj_storage_memory_create(&scene.memory));
    faulty_init(&scene.faulty, scene.memory);
    scene.faulty.two_copies = packs;
    if (at > 0)
        faulty_arm(&scene.faulty,
                   (fault_t){.mode = FAULT_ONCE,
                             .at = at,
                             .code = code,
                             .kinds = code == EMFILE ? CALL_BIT(CALL_FILE_OPEN) | CALL_BIT(CALL_PARTITION_OPEN) : 0});
    small_config(&scene.config, "memory");
    scene.config.native_version = version;
    scene.config.storage = scene.memory;
    scene.config.compression = packs;
    if (packs && version == 2) {

        scene.config.dictionary = "a dictionary: aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd";
        scene.config.dictionary_size = 76;
    }
    taken.number = 0;
    taken.fail = allocation;
    assert_ok(oversized_open(&scene.config, &scene.journal));
    play(&scene);
    /* A failure may be met where it costs nothing: another descriptor could be had. */
    if (at > 0 && code != EMFILE && !scene.faulty.first.idle)
        assert_int_equal(scene.failures, scene.faulty.fired);
    assert_int_equal(scene.faulty.open_files, 0);
    assert_int_equal(scene.faulty.open_partitions, 0);
    oversized_abandon(scene.journal);
    mirror_free(&scene.mirror);
    segj_storage_memory_destroy(scene.memory);
    return allocation > 0 ? taken.number : scene.faulty.counted;
}

static void each_call_of_the_storage_fails_once(uint8_t version, int code)
{
    for_native_only();
    uint64_t calls = run(UINT64_MAX, code, 0, version);
    print_message("  %llu calls\n", (unsigned long long)calls);
    assert_true(calls > (code == EMFILE ? 10 : 100));
    for (uint64_t at = 1; at <= calls; at++)
        (void)run(at, code, 0, version);
}

static void each_call_fails_once_in_version_1(void **state)
{
    each_call_of_the_storage_fails_once(1, EIO);
}

static void each_call_fails_once_in_version_2(void **state)
{
    each_call_of_the_storage_fails_once(2, EIO);
}

static void each_descriptor_is_wanting_once(void **state)
{
    each_call_of_the_storage_fails_once(2, EMFILE);
}

static void each_allocation_fails_once(void **state)
{
    for_native_only();
    for (uint8_t version = 1; version <= 2; version++) {
        uint64_t count = run(0, 0, UINT64_MAX, version);
        print_message("  %llu allocations\n", (unsigned long long)count);
        assert_true(count > 20);
        for (uint64_t at = 1; at <= count; at++)
            (void)run(0, 0, at, version);
    }
}

static void each_allocation_fails_once_of_packed_values(void **state)
{
    packs = true;
    each_allocation_fails_once(state);
    packs = false;
}

static void each_read_fails_once_of_packed_values(void **state)
{
    packs = true;
    each_call_of_the_storage_fails_once(1, EIO);
    each_call_of_the_storage_fails_once(2, EIO);
    packs = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_fails_once_in_version_1),
        cmocka_unit_test(each_call_fails_once_in_version_2),
        cmocka_unit_test(each_descriptor_is_wanting_once),
        cmocka_unit_test(each_allocation_fails_once),
        cmocka_unit_test(each_allocation_fails_once_of_packed_values),
        cmocka_unit_test(each_read_fails_once_of_packed_values),
    };
    return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
