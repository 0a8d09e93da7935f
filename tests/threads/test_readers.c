/*
 * threads/test_readers.c: every call that reads, from several threads, beside a writer, beside threads that sync. What
 * is there stays there and reads back as it was appended; counts only grow.
 */
#include "threads/quick.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>

enum { WRITERS = 1, SYNCERS = 2, READERS = 4, TEAM = WRITERS + SYNCERS + READERS, MOST_SECTIONS = 12 };

typedef struct scene {
    place_t *place;
    uint64_t sections, records; /* that the writer appends, to each section as many */
    atomic_uint_fast64_t written[MOST_SECTIONS];
    atomic_bool done;
} scene_t;

static void write_all(worker_t *worker, scene_t *scene)
{
    oversized_t *journal = scene->place->journal;
    for (uint64_t id = 0; id < scene->records; id++) {
        for (uint64_t section = 0; section < scene->sections; section++) {
            if (!worker_ok(worker, append_sample(journal, section, id, NULL)))
                return;
            atomic_store(&scene->written[section], id + 1);
        }
    }
}

static void sync_in_turn(worker_t *worker, scene_t *scene)
{
    uint64_t random = worker->number;
    while (!atomic_load(&scene->done)) {
        uint64_t turn = next_random(&random) % (scene->sections + 1);
        segj_status_t status = turn == scene->sections ? oversized_sync_all(scene->place->journal)
                                                       : oversized_sync(scene->place->journal, turn);
        if (!worker_status(worker, status, SEGJ_OK, "sync"))
            return;
        sched_yield();
    }
}

/* A record that was there before the call. */
static bool read_record(worker_t *worker, scene_t *scene, uint64_t section, uint64_t position, segj_buffer_t *value)
{
    oversized_t *journal = scene->place->journal;
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_location_t location;
    bool good = worker_ok(worker, oversized_read(journal, section, position, entry, value));
    good = good && worker_expect(worker, get_u64(entry) == position && is_sample(section, entry, value),
                                 "read: record %" PRIu64 " of section %" PRIu64 " is not itself", position, section);
    memset(entry, 0, sizeof entry);
    good = good && worker_ok(worker, oversized_get(journal, section, position, entry, &location));
    good = good && worker_ok(worker, oversized_get_value(journal, section, location, value));
    return good && worker_expect(worker, get_u64(entry) == position && is_sample(section, entry, value),
                                 "get: record %" PRIu64 " of section %" PRIu64 " is not itself", position, section);
}

/* The end moves on meanwhile, in one direction. */
static bool ask(worker_t *worker, scene_t *scene, uint64_t section, uint64_t written)
{
    oversized_t *journal = scene->place->journal;
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_location_t location;
    uint64_t count = 0;
    uint64_t size = 0;
    uint64_t end = 0;
    bool good = worker_ok(worker, oversized_count(journal, section, &count)) &&
                worker_ok(worker, oversized_last(journal, section, entry, &location)) &&
                worker_ok(worker, oversized_size(journal, section, &size)) &&
                worker_ok(worker, oversized_value_size(journal, section, &end));
    good = good && worker_expect(worker, count >= written && get_u64(entry) + 1 >= count,
                                 "%" PRIu64 " were written, the count is %" PRIu64 ", the last one %" PRIu64, written,
                                 count, get_u64(entry));
    good = good &&
           worker_expect(worker, size >= count * SMALL_RECORD && size % SMALL_RECORD == 0, "a size of %" PRIu64, size);
    good = good && worker_expect(worker, end >= tested_frame_end(location, SMALL_ENTRY), "values end at %" PRIu64, end);
    good = good && worker_expect(worker, oversized_error(journal) == NULL, "poisoned");
    return good && worker_expect(worker, oversized_recovery(journal)->sections == 0, "a journal that was not new");
}

static bool walk_sections(worker_t *worker, scene_t *scene)
{
    oversized_t *journal = scene->place->journal;
    uint64_t section = 0;
    uint64_t newest = 0;
    uint64_t expected = 0;
    bool good = worker_ok(worker, oversized_newest_section(journal, &newest));
    for (segj_status_t status = oversized_oldest_section(journal, &section); good && status != SEGJ_END;
         status = oversized_next_section(journal, section, &section))
        good = worker_status(worker, status, SEGJ_OK, "the walk over sections") &&
               worker_expect(worker, section == expected++, "section %" PRIu64 " in the walk", section);
    return good && worker_expect(worker, newest < scene->sections && expected > newest,
                                 "%" PRIu64 " sections, the newest was %" PRIu64, expected, newest);
}

static bool replay(worker_t *worker, scene_t *scene, uint64_t section, uint64_t position, uint64_t written)
{
    oversized_t *journal = scene->place->journal;
    oversized_replay_t *walk = NULL;
    oversized_item_t item = {0};
    if (!worker_ok(worker, oversized_replay_open(journal, section, position, 512, &walk)))
        return false;
    bool good = true;
    uint64_t at = position;
    for (int i = 0; good && i < 60; i++) {
        segj_status_t status = oversized_replay_next(walk, &item);
        if (status == SEGJ_END || (status == SEGJ_OK && item.section != section)) {
            good = worker_expect(worker, at >= written, "a replay ends at %" PRIu64 " of %" PRIu64, at, written);
            break;
        }
        good = worker_status(worker, status, SEGJ_OK, "replay_next");
        good = good && worker_expect(worker, item.position == at && get_u64(item.entry) == at,
                                     "a replay yields %" PRIu64 ", expected %" PRIu64, get_u64(item.entry), at);
        at++;
    }
    oversized_replay_close(walk);
    return good;
}

/* The newest sixty records or so that were there, whoever appends meanwhile. */
static bool replay_back(worker_t *worker, scene_t *scene, uint64_t section, uint64_t written)
{
    oversized_replay_t *walk = NULL;
    oversized_item_t item = {0};
    if (!worker_ok(worker, oversized_replay_open_back(scene->place->journal, section, OVERSIZED_END, 512, &walk)))
        return false;
    bool good = true;
    uint64_t at = 0;
    for (int i = 0; good && i < 60 && (i == 0 || at > 0); i++) {
        const void *value = NULL;
        segj_buffer_t shown = {NULL, 0, 0};
        good = worker_ok(worker, oversized_replay_next(walk, &item));
        at = i == 0 ? item.position : at - 1;
        good = good && worker_expect(worker, at + 1 >= written || i > 0, "a walk backwards begins at %" PRIu64, at);
        good = good && worker_expect(worker, item.position == at && get_u64(item.entry) == at,
                                     "a walk backwards yields %" PRIu64 ", expected %" PRIu64, get_u64(item.entry), at);
        good = good && worker_ok(worker, oversized_replay_value(walk, &value, &shown.size));
        shown.data = (void *)(uintptr_t)value;
        good = good && worker_expect(worker, is_sample(section, item.entry, &shown), "a walk gives a foreign value");
    }
    oversized_replay_close(walk);
    return good;
}

static void read_all(worker_t *worker, scene_t *scene)
{
    segj_buffer_t value = {NULL, 0, 0};
    uint64_t random = worker->number;
    bool good = true;
    bool last_round = false;
    for (int extra = 0; good && extra < 100; extra += last_round) {
        last_round = atomic_load(&scene->done);
        uint64_t section = next_random(&random) % scene->sections;
        uint64_t written = atomic_load(&scene->written[section]);
        if (written == 0)
            continue;
        /* the newest ones are in memory, in flight or in files just now */
        uint64_t back = next_random(&random) % (next_random(&random) % 2 == 0 ? 8 : written);
        uint64_t position = back < written ? written - 1 - back : 0;
        switch (next_random(&random) % 9) {
        case 0:
            good = ask(worker, scene, section, written);
            break;
        case 1:
            good = walk_sections(worker, scene);
            break;
        case 2:
            good = replay(worker, scene, section, position, written);
            break;
        case 3:
            good = replay_back(worker, scene, section, written);
            break;
        default:
            good = read_record(worker, scene, section, position, &value);
            break;
        }
    }
    segj_buffer_free(&value);
}

static void play(worker_t *worker)
{
    scene_t *scene = worker->context;
    if (worker->number < WRITERS) {
        write_all(worker, scene);
        atomic_store(&scene->done, true);
    } else if (worker->number < WRITERS + SYNCERS) {
        sync_in_turn(worker, scene);
    } else {
        read_all(worker, scene);
    }
}

static void check_scene(place_t *place, uint64_t sections, uint64_t records)
{
    worker_t team[TEAM];
    scene_t scene = {.place = place, .sections = sections, .records = records};
    place_open(place);
    team_run(team, TEAM, play, &scene);
    for (uint64_t section = 0; section < sections; section++)
        check_samples(place->journal, section, records);
    place_reopen(place);
    for (uint64_t section = 0; section < sections; section++)
        check_samples(place->journal, section, records);
}

static void readers_beside_a_writer_beside_syncs(void **state)
{
    check_scene(*state, 2, 600);
}

static void readers_beside_a_writer_with_large_buffers(void **state)
{
    place_t *place = *state;
    place->config.index_write_buffer = place->config.value_write_buffer = 1 << 16;
    place->config.page_size = 500;
    check_scene(place, 2, 600);
}

static void readers_of_compressed_values(void **state)
{
    place_t *place = *state;
    place->config.compression = 3;
    check_scene(place, 2, 400);
}

static void readers_with_a_cache_of_one_page(void **state)
{
    place_t *place = *state;
    place->config.page_cache_pages = 1;
    check_scene(place, 3, 300);
}

/* Of four descriptors the writer has two: the readers take turns with the others, over twelve sections. */
static void readers_with_four_descriptors(void **state)
{
    place_t *place = *state;
    place->config.max_open_files = 4;
    check_scene(place, MOST_SECTIONS, 60);
    assert_true(quick_most_files() <= 4);
}

static void readers_with_little_write_memory(void **state)
{
    place_t *place = *state;
    place->config.max_open_files = 9;
    place->config.write_memory = 4096;
    check_scene(place, MOST_SECTIONS, 60);
    assert_true(quick_most_files() <= 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(readers_beside_a_writer_beside_syncs), PLACE_TEST(readers_beside_a_writer_with_large_buffers),
        PLACE_TEST(readers_of_compressed_values),         PLACE_TEST(readers_with_a_cache_of_one_page),
        PLACE_TEST(readers_with_four_descriptors),        PLACE_TEST(readers_with_little_write_memory),
    };
    return cmocka_run_group_tests_name("readers", tests, NULL, NULL);
}
