/*
 * threads/test_first_changes.c: sections that were opened for reading are written to for the first time while threads
 * read and view them, of files as an overlay shows them (support/layered.h): who reads sees old records and new ones.
 * And the same while the system has too few descriptors, a number that changes.
 */
#include "threads/quick.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "support/layered.h"

enum { READERS = 3, SECTIONS = 12, RECORDS = 12, STEPS = 250, ROUNDS = 4 };

/* --- a storage with few descriptors --- */

static atomic_int open_now;
static atomic_int most_open; /* 0: as many as are wanted */
static atomic_uint refused;

static int few_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    int most = atomic_load(&most_open);
    if (atomic_fetch_add(&open_now, 1) >= most && most > 0) {
        atomic_fetch_sub(&open_now, 1);
        atomic_fetch_add(&refused, 1);
        return EMFILE;
    }
    int code = layered_storage()->file_open(partition, name, mode, opened);
    if (code != 0)
        atomic_fetch_sub(&open_now, 1);
    return code;
}

static void few_file_close(segj_file_t *file)
{
    layered_storage()->file_close(file);
    atomic_fetch_sub(&open_now, 1);
}

static const segj_storage_t *few_storage(void)
{
    static segj_storage_t storage;
    if (storage.struct_size == 0) {
        storage = *layered_storage();
        storage.file_sync = quick_storage()->file_sync;
        storage.partition_sync = quick_storage()->partition_sync;
        storage.directory_sync = quick_storage()->directory_sync;
        storage.file_open = few_file_open;
        storage.file_close = few_file_close;
    }
    return &storage;
}

/* --- the threads --- */

typedef struct scene {
    place_t *place;
    bool few; /* descriptors */
    atomic_uint_fast64_t written[SECTIONS];
    atomic_bool done;
    atomic_size_t read, missed;
} scene_t;

/* Sections in a random order, a few records each. */
static void write_all(worker_t *worker, scene_t *scene)
{
    uint64_t random = atomic_load(&scene->written[0]);
    for (int step = 0; step < STEPS; step++) {
        uint64_t section = next_random(&random) % SECTIONS;
        if (scene->few && step % 16 == 0)
            atomic_store(&most_open, 5 + (int)(next_random(&random) % 10));
        for (uint64_t i = next_random(&random) % 3 + 1; i > 0; i--) {
            uint64_t id = atomic_load(&scene->written[section]);
            if (!worker_ok(worker, append_sample(scene->place->journal, section, id, NULL)))
                return;
            atomic_store(&scene->written[section], id + 1);
        }
    }
}

/* Where writers hold all that is open, a reader is told so. */
static bool is_answer(const scene_t *scene, segj_status_t status)
{
    return status == SEGJ_OK ||
           (scene->few && status == SEGJ_ERR_IO && strstr(segj_last_error(), "Too many open files") != NULL);
}

static bool read_one(worker_t *worker, scene_t *scene, uint64_t *random, oversized_view_t *view, segj_buffer_t *value)
{
    oversized_t *journal = scene->place->journal;
    uint64_t section = next_random(random) % SECTIONS;
    uint64_t written = atomic_load(&scene->written[section]);
    uint64_t position = next_random(random) % 2 == 0 ? written - 1 : next_random(random) % written;
    uint8_t entry[SMALL_ENTRY] = {0};
    bool viewed = next_random(random) % 3 != 0;
    segj_status_t status = viewed ? oversized_view(journal, section, position, entry, view)
                                  : oversized_read(journal, section, position, entry, value);
    if (!worker_expect(worker, is_answer(scene, status), "%s: %s", segj_status_name(status), segj_last_error()))
        return false;
    atomic_fetch_add(status == SEGJ_OK ? &scene->read : &scene->missed, 1);
    segj_buffer_t shown = {(void *)(uintptr_t)view->data, view->size, view->size};
    return status != SEGJ_OK ||
           worker_expect(worker, get_u64(entry) == position && is_sample(section, entry, viewed ? &shown : value),
                         "record %" PRIu64 " of section %" PRIu64 " is not itself", position, section);
}

static void read_all(worker_t *worker, scene_t *scene)
{
    oversized_view_t views[4];
    segj_buffer_t value = {NULL, 0, 0};
    uint64_t random = worker->number;
    memset(views, 0, sizeof views);
    while (!atomic_load(&scene->done))
        if (!read_one(worker, scene, &random, &views[next_random(&random) % 4], &value))
            break;
    for (int i = 0; i < 4; i++)
        oversized_view_release(&views[i]);
    segj_buffer_free(&value);
}

static void play(worker_t *worker)
{
    scene_t *scene = worker->context;
    if (worker->number == 0) {
        write_all(worker, scene);
        atomic_store(&scene->done, true);
    } else {
        read_all(worker, scene);
    }
}

static void check_scene(place_t *place, bool few)
{
    scene_t scene = {.place = place, .few = few};
    place->config.storage = few_storage();
    place->config.map_values = true;
    place->config.page_cache_pages = 2;
    place->config.format = tested_format();
    place_open(place);
    for (uint64_t section = 0; section < SECTIONS; section++) {
        append_samples(place->journal, section, 0, RECORDS);
        atomic_init(&scene.written[section], RECORDS);
    }
    for (int round = 0; round < ROUNDS; round++) {
        worker_t team[1 + READERS];
        place_reopen(place);
        atomic_store(&scene.done, false);
        team_run(team, 1 + READERS, play, &scene);
        atomic_store(&most_open, 0);
        assert_null(oversized_error(place->journal));
    }
    print_message("  %zu records were read, %zu were not; %u openings were refused\n", atomic_load(&scene.read),
                  atomic_load(&scene.missed), atomic_load(&refused));
    assert_true(atomic_load(&scene.read) >=
                (size_t)ROUNDS * READERS); /* readers and the one who changes take turns as it comes */
    for (uint64_t section = 0; section < SECTIONS; section++)
        check_samples(place->journal, section, atomic_load(&scene.written[section]));
    place_close(place);
    assert_int_equal(atomic_load(&open_now), 0);
}

static void first_changes_beneath_readers(void **state)
{
    check_scene(*state, false);
}

static void first_changes_with_few_descriptors(void **state)
{
    place_t *place = *state;
    place->config.max_open_files = 6;
    check_scene(place, false);
}

static void first_changes_while_descriptors_are_taken(void **state)
{
    place_t *place = *state;
    place->config.max_open_files = 16;
    check_scene(place, true);
    assert_true(atomic_load(&refused) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(first_changes_beneath_readers),
        PLACE_TEST(first_changes_with_few_descriptors),
        PLACE_TEST(first_changes_while_descriptors_are_taken),
    };
    return cmocka_run_group_tests_name("first_changes", tests, NULL, NULL);
}
