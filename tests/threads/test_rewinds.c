/*
 * threads/test_rewinds.c: sections that are appended to, rewound, removed, made again and pruned in one thread, or in
 * two, beneath readers and replays. Whoever reads gets a record with its own value, or learns that there is none; never
 * a mix of two, and never damage.
 *
 * An id is the section and a number that no other record has. Where one thread alone changes sections their ids ascend,
 * and a replay must yield them so.
 */
#include "threads/quick.h"

#include <inttypes.h>

enum {
    READERS = 4,
    WALKERS = 2,
    SECTIONS = 6,
    STEPS = 900,
    MOST_CHANGERS = 2,
    TEAM = MOST_CHANGERS + READERS + WALKERS
};

typedef struct scene {
    place_t *place;
    size_t changers;
    atomic_uint_fast64_t first_section; /* older ones are pruned */
    atomic_uint_fast64_t next_id;
    atomic_size_t changing;
    atomic_bool steady; /* no sections go: they are rewound alone */
} scene_t;

static bool is_gone(segj_status_t status)
{
    return status == SEGJ_ERR_NO_RECORD || status == SEGJ_ERR_NO_SECTION || status == SEGJ_ERR_PRUNED;
}

/* --- the changer --- */

static segj_status_t append_some(scene_t *scene, uint64_t section, uint64_t count)
{
    segj_status_t status = SEGJ_OK;
    for (uint64_t i = 0; i < count && status == SEGJ_OK; i++) {
        uint64_t id = section << 32 | atomic_fetch_add(&scene->next_id, 1);
        status = append_sample(scene->place->journal, section, id, NULL);
    }
    return status;
}

static segj_status_t change(scene_t *scene, uint64_t *random)
{
    oversized_t *journal = scene->place->journal;
    uint64_t first = atomic_load(&scene->first_section);
    uint64_t section = first + next_random(random) % SECTIONS;
    uint64_t count = 0;
    bool steady = atomic_load(&scene->steady);
    segj_status_t status = oversized_count(journal, section, &count);
    if (status != SEGJ_OK)
        return status;
    uint64_t kept = count > 0 ? next_random(random) % count : 0;
    switch (next_random(random) % 16) {
    case 0:
        return steady ? SEGJ_OK : oversized_rewind(journal, section, kept * SMALL_RECORD);
    case 1:
    case 2:
        return oversized_rewind_section(journal, section, kept * SMALL_RECORD);
    case 3:
        if (steady || next_random(random) % 4 != 0)
            return SEGJ_OK;
        status = oversized_prune(journal, first + 1, NULL);
        atomic_store(&scene->first_section, first + 1);
        return status;
    case 4:
    case 5:
        return oversized_sync(journal, section);
    case 6:
        return oversized_sync_all(journal);
    default:
        return append_some(scene, section, 1 + next_random(random) % 12);
    }
}

/* With two changers a section may go, or be shortened further, between the look at it and the call. */
static void change_all(worker_t *worker, scene_t *scene)
{
    uint64_t random = 1000 + worker->number;
    for (int step = 0; step < STEPS; step++) {
        segj_status_t status = change(scene, &random);
        bool good = status == SEGJ_OK || (scene->changers > 1 && is_gone(status));
        if (!worker_expect(worker, good, "a change answers %s: %s", segj_status_name(status), segj_last_error()))
            break;
    }
    atomic_fetch_sub(&scene->changing, 1);
}

/* --- readers --- */

static bool judge(worker_t *worker, uint64_t section, segj_status_t status, const uint8_t *entry, const char *call)
{
    if (is_gone(status))
        return true;
    return worker_expect(worker, status == SEGJ_OK, "%s answers %s: %s", call, segj_status_name(status),
                         segj_last_error()) &&
           worker_expect(worker, get_u64(entry) >> 32 == section, "%s: section %" PRIu64 " has the id %" PRIx64, call,
                         section, get_u64(entry));
}

static bool read_one(worker_t *worker, const scene_t *scene, uint64_t section, uint64_t position, segj_buffer_t *value)
{
    oversized_t *journal = scene->place->journal;
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_location_t location;
    segj_status_t status = oversized_read(journal, section, position, entry, value);
    if (!judge(worker, section, status, entry, "read"))
        return false;
    if (status == SEGJ_OK && !worker_expect(worker, is_sample(section, entry, value), "a record with a foreign value"))
        return false;
    status = oversized_get(journal, section, position, entry, &location);
    if (!judge(worker, section, status, entry, "get"))
        return false;
    status = oversized_last(journal, section, entry, &location);
    return status == SEGJ_END || judge(worker, section, status, entry, "last");
}

static void read_all(worker_t *worker, scene_t *scene)
{
    segj_buffer_t value = {NULL, 0, 0};
    uint64_t random = worker->number;
    bool good = true;
    while (good && atomic_load(&scene->changing) > 0) {
        uint64_t section = atomic_load(&scene->first_section) + next_random(&random) % (SECTIONS + 1);
        uint64_t count = 0;
        good = worker_ok(worker, oversized_count(scene->place->journal, section - 1, &count));
        if (good && section > 0)
            good = read_one(worker, scene, section - 1, count > 0 ? next_random(&random) % count : 0, &value);
    }
    segj_buffer_free(&value);
}

/* --- replays --- */

static bool value_fits(worker_t *worker, oversized_replay_t *replay, const oversized_item_t *item)
{
    const void *value = NULL;
    segj_buffer_t shown = {NULL, 0, 0};
    segj_status_t status = oversized_replay_value(replay, &value, &shown.size);
    shown.data = (void *)(uintptr_t)value;
    return is_gone(status) ||
           (worker_status(worker, status, SEGJ_OK, "replay_value") &&
            worker_expect(worker, is_sample(item->section, item->entry, &shown), "a walk gives a foreign value"));
}

/* Newest first: sections and positions fall, whatever is rewound and pruned during it, until the walk ends or is
 * told. */
static bool walk_back(worker_t *worker, const scene_t *scene)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    segj_status_t status = oversized_replay_open_back(scene->place->journal, UINT64_MAX, OVERSIZED_END, 512, &replay);
    if (!worker_status(worker, status, SEGJ_OK, "replay_open_back"))
        return false;
    uint64_t section = UINT64_MAX;
    uint64_t position = 0;
    bool good = true;
    while (good && (status = oversized_replay_next(replay, &item)) == SEGJ_OK) {
        if (item.section != section) {
            good = worker_expect(worker, item.section < section && position == 0,
                                 "section %" PRIu64 " follows record %" PRIu64 " of %" PRIu64, item.section, position,
                                 section);
            section = item.section;
            position = item.position + 1;
        }
        good = good && worker_expect(worker, item.position == --position, "position %" PRIu64, item.position);
        good = good && judge(worker, section, SEGJ_OK, item.entry, "replay_next");
        if (good && item.position % 4 != 0)
            good = value_fits(worker, replay, &item);
    }
    good = good && worker_expect(worker, status == SEGJ_END || is_gone(status), "replay_next answers %s: %s",
                                 segj_status_name(status), segj_last_error());
    oversized_replay_close(replay);
    return good;
}

static bool walk(worker_t *worker, const scene_t *scene, uint64_t start)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    segj_status_t status = oversized_replay_open(scene->place->journal, start, 0, 512, &replay);
    if (is_gone(status))
        return true;
    if (!worker_status(worker, status, SEGJ_OK, "replay_open"))
        return false;
    uint64_t section = start;
    uint64_t position = 0;
    uint64_t id = 0;
    bool good = true;
    while (good && (status = oversized_replay_next(replay, &item)) == SEGJ_OK) {
        if (item.section != section) {
            good = worker_expect(worker, item.section > section, "a replay goes back to %" PRIu64, item.section);
            section = item.section;
            position = id = 0;
        }
        good = good && judge(worker, section, SEGJ_OK, item.entry, "replay_next");
        good = good && worker_expect(worker, item.position == position++, "position %" PRIu64, item.position);
        good = good &&
               worker_expect(worker, get_u64(item.entry) > id || scene->changers > 1,
                             "section %" PRIu64 ": id %" PRIx64 " behind %" PRIx64, section, get_u64(item.entry), id);
        id = get_u64(item.entry);
    }
    good = good && worker_expect(worker, status == SEGJ_END || is_gone(status), "replay_next answers %s: %s",
                                 segj_status_name(status), segj_last_error());
    oversized_replay_close(replay);
    return good;
}

static void walk_all(worker_t *worker, scene_t *scene)
{
    uint64_t random = worker->number;
    while (atomic_load(&scene->changing) > 0)
        if (!walk(worker, scene, atomic_load(&scene->first_section) + next_random(&random) % SECTIONS) ||
            !walk_back(worker, scene))
            return;
}

/* --- scenes --- */

static void play(worker_t *worker)
{
    scene_t *scene = worker->context;
    if (worker->number < scene->changers)
        change_all(worker, scene);
    else if (worker->number < scene->changers + READERS)
        read_all(worker, scene);
    else
        walk_all(worker, scene);
}

static void check_files(const place_t *place)
{
    uint64_t section = 0;
    segj_status_t status = oversized_oldest_section(place->journal, &section);
    while (status == SEGJ_OK) {
        section_image_t image;
        load_section(&place->config, section, &image);
        for (uint64_t i = 0; i < image.records; i++)
            assert_int_equal(get_u64(image.logical.data + i * SMALL_RECORD) >> 32, section);
        free_section(&image);
        status = oversized_next_section(place->journal, section, &section);
    }
}

static void check_scene(place_t *place, size_t changers, bool steady)
{
    worker_t team[TEAM];
    scene_t scene = {.place = place, .changers = changers};
    atomic_init(&scene.first_section, 1);
    atomic_init(&scene.next_id, 1);
    atomic_init(&scene.changing, changers);
    atomic_init(&scene.steady, steady);
    place_open(place);
    team_run(team, changers + READERS + WALKERS, play, &scene);
    assert_null(oversized_error(place->journal));
    place_reopen(place);
    check_files(place);
}

static void sections_are_rewound_beneath_readers(void **state)
{
    check_scene(*state, 1, true);
}

static void sections_are_removed_and_made_again_and_pruned_beneath_readers(void **state)
{
    check_scene(*state, 1, false);
}

static void two_threads_change_sections_beneath_readers(void **state)
{
    check_scene(*state, 2, true);
}

static void compressed_sections_are_rewound_beneath_readers(void **state)
{
    place_t *place = *state;
    place->config.compression = 1;
    check_scene(place, 1, false);
}

static void sections_are_rewound_beneath_readers_with_four_descriptors(void **state)
{
    place_t *place = *state;
    place->config.max_open_files = 4;
    place->config.page_cache_pages = 2;
    check_scene(place, 1, false);
    assert_true(quick_most_files() <= (tested_version() == 2 ? 5 : 4)); /* a removal's mark is one more for a moment */
}

static void sections_are_rewound_beneath_readers_with_large_buffers(void **state)
{
    place_t *place = *state;
    place->config.index_write_buffer = place->config.value_write_buffer = 1 << 16;
    check_scene(place, 2, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(sections_are_rewound_beneath_readers),
        PLACE_TEST(sections_are_removed_and_made_again_and_pruned_beneath_readers),
        PLACE_TEST(two_threads_change_sections_beneath_readers),
        PLACE_TEST(compressed_sections_are_rewound_beneath_readers),
        PLACE_TEST(sections_are_rewound_beneath_readers_with_four_descriptors),
        PLACE_TEST(sections_are_rewound_beneath_readers_with_large_buffers),
    };
    return cmocka_run_group_tests_name("rewinds", tests, NULL, NULL);
}
