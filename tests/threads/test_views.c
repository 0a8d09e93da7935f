/*
 * threads/test_views.c: values shown where they are, while one thread appends, syncs, rewinds and prunes. What a view
 * shows is a value of its section and stays so until it is released; whoever would take it away is told that it is
 * busy, or comes before or after it. And scans of values beneath the same changes.
 */
#include "threads/quick.h"

#include <inttypes.h>
#include <string.h>

enum { VIEWERS = 3, SCANNERS = 2, SECTIONS = 4, STEPS = 1500, HELD = 3 };

typedef struct scene {
    place_t *place;
    atomic_uint_fast64_t first_section;
    atomic_size_t changing, cuts, refusals;
    uint64_t next_id;
} scene_t;

static bool is_gone(segj_status_t status)
{
    return status == SEGJ_ERR_NO_RECORD || status == SEGJ_ERR_NO_SECTION || status == SEGJ_ERR_PRUNED;
}

/* --- the changer --- */

static segj_status_t append_some(scene_t *scene, uint64_t section, uint64_t count)
{
    segj_status_t status = SEGJ_OK;
    for (uint64_t i = 0; i < count && status == SEGJ_OK; i++)
        status = append_sample(scene->place->journal, section, section << 32 | ++scene->next_id, NULL);
    return status;
}

static segj_status_t change(scene_t *scene, uint64_t *random)
{
    oversized_t *journal = scene->place->journal;
    uint64_t first = atomic_load(&scene->first_section);
    uint64_t section = first + next_random(random) % SECTIONS;
    uint64_t count = 0;
    segj_status_t status = oversized_count(journal, section, &count);
    uint64_t kept = count > 0 ? next_random(random) % count : 0;
    if (status != SEGJ_OK)
        return status;
    switch (next_random(random) % 12) {
    case 0:
        status = oversized_rewind(journal, section, kept * SMALL_RECORD);
        break;
    case 1:
    case 2:
        status = oversized_rewind_section(journal, section, kept * SMALL_RECORD);
        break;
    case 3:
        status = oversized_prune(journal, first + 1, NULL);
        if (status == SEGJ_OK)
            atomic_store(&scene->first_section, first + 1);
        break;
    case 4:
    case 5:
        return oversized_sync(journal, section);
    default:
        return append_some(scene, section, 1 + next_random(random) % 10);
    }
    atomic_fetch_add(status == SEGJ_OK ? &scene->cuts : &scene->refusals, 1);
    return status == SEGJ_ERR_BUSY ? SEGJ_OK : status;
}

static void change_all(worker_t *worker, scene_t *scene)
{
    uint64_t random = 77;
    for (int step = 0; step < STEPS; step++)
        if (!worker_ok(worker, change(scene, &random)))
            break;
    atomic_fetch_sub(&scene->changing, 1);
}

/* --- views --- */

typedef struct held {
    uint64_t section;
    uint8_t entry[SMALL_ENTRY];
    oversized_view_t view;
} held_t;

static bool is_right(const held_t *held)
{
    segj_buffer_t shown = {(void *)(uintptr_t)held->view.data, held->view.size, held->view.size};
    return get_u64(held->entry) >> 32 == held->section && is_sample(held->section, held->entry, &shown);
}

static bool view_one(worker_t *worker, const scene_t *scene, held_t *held, uint64_t *random)
{
    oversized_t *journal = scene->place->journal;
    uint64_t count = 0;
    /* What it has shown until now was there all the time. */
    if (held->view.size > 0 && !worker_expect(worker, is_right(held), "a view's bytes have changed"))
        return false;
    held->section = atomic_load(&scene->first_section) + next_random(random) % SECTIONS;
    if (!worker_ok(worker, oversized_count(journal, held->section, &count)))
        return false;
    segj_status_t status =
        oversized_view(journal, held->section, count > 0 ? next_random(random) % count : 0, held->entry, &held->view);
    if (is_gone(status))
        return worker_expect(worker, held->view.data == NULL && held->view.size == 0, "a failed view shows something");
    return worker_status(worker, status, SEGJ_OK, "view") &&
           worker_expect(worker, is_right(held), "a view shows a foreign value");
}

static void view_all(worker_t *worker, scene_t *scene)
{
    held_t held[HELD];
    uint64_t random = worker->number;
    bool good = true;
    memset(held, 0, sizeof held);
    while (good && atomic_load(&scene->changing) > 0) {
        held_t *one = &held[next_random(&random) % HELD];
        if (next_random(&random) % 3 != 0)
            good = view_one(worker, scene, one, &random);
        else
            oversized_view_release(&one->view);
        if (next_random(&random) % 64 == 0) /* so that a rewind has its turn */
            for (size_t i = 0; i < HELD; i++)
                oversized_view_release(&held[i].view);
    }
    for (size_t i = 0; i < HELD; i++)
        oversized_view_release(&held[i].view);
}

/* --- scans --- */

static bool scan(worker_t *worker, const scene_t *scene, size_t buffer, bool back)
{
    oversized_t *journal = scene->place->journal;
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    segj_status_t status = back
                               ? oversized_replay_open_back(journal, UINT64_MAX, OVERSIZED_END, buffer, &replay)
                               : oversized_replay_open(journal, atomic_load(&scene->first_section), 0, buffer, &replay);
    if (is_gone(status))
        return true;
    bool good = worker_status(worker, status, SEGJ_OK, "replay_open");
    while (good && (status = oversized_replay_next(replay, &item)) == SEGJ_OK) {
        const void *value = NULL;
        size_t size = 0;
        status = oversized_replay_value(replay, &value, &size);
        if (status != SEGJ_OK)
            break;
        segj_buffer_t shown = {(void *)(uintptr_t)value, size, size};
        good = worker_expect(worker, is_sample(item.section, item.entry, &shown), "a scan gives a foreign value");
    }
    good = good && worker_expect(worker, status == SEGJ_END || is_gone(status), "a scan answers %s: %s",
                                 segj_status_name(status), segj_last_error());
    oversized_replay_close(replay);
    return good;
}

/* Some records of a section together; and one of their values in pieces. */
static bool read_some(worker_t *worker, const scene_t *scene, uint64_t *random, segj_buffer_t *memory)
{
    enum { SOME = 12 };
    oversized_t *journal = scene->place->journal;
    uint64_t section = atomic_load(&scene->first_section) + next_random(random) % SECTIONS;
    oversized_value_t values[SOME];
    uint8_t entries[SOME][SMALL_ENTRY];
    uint64_t count = 0;
    if (!worker_ok(worker, oversized_count(journal, section, &count)))
        return false;
    for (size_t i = 0; i < SOME; i++)
        values[i] = (oversized_value_t){.position = count > 0 ? next_random(random) % count : 0, .entry = entries[i]};
    segj_status_t status = oversized_read_values(journal, section, values, SOME, memory);
    bool good = worker_expect(worker, status == SEGJ_OK || is_gone(status), "read_values answers %s: %s",
                              segj_status_name(status), segj_last_error());
    for (size_t i = 0; good && i < SOME; i++) {
        segj_buffer_t shown = {(void *)(uintptr_t)values[i].data, values[i].size, values[i].size};
        good = worker_expect(worker, is_gone(values[i].status) || values[i].status == SEGJ_OK, "%s",
                             segj_status_name(values[i].status)) &&
               worker_expect(worker, values[i].status != SEGJ_OK || is_sample(section, entries[i], &shown),
                             "read_values gives a foreign value");
    }
    return good;
}

/* A value of some record of the section: it says which. */
static bool is_value_of(uint64_t section, const uint8_t *bytes, size_t size)
{
    uint8_t entry[SMALL_ENTRY];
    segj_buffer_t shown = {(void *)(uintptr_t)bytes, size, size};
    put_u64(entry, get_u64(bytes + 8));
    return size >= SAMPLE_SMALLEST && is_sample(section, entry, &shown);
}

static bool read_in_pieces(worker_t *worker, const scene_t *scene, uint64_t *random)
{
    oversized_t *journal = scene->place->journal;
    uint64_t section = atomic_load(&scene->first_section) + next_random(random) % SECTIONS;
    uint8_t entry[SMALL_ENTRY];
    uint8_t bytes[SAMPLE_MAX];
    size_t at = 0;
    size_t done = 0;
    oversized_location_t location;
    oversized_reader_t *reader = NULL;
    segj_status_t status = oversized_last(journal, section, entry, &location);
    if (status == SEGJ_OK)
        status = oversized_reader_open(journal, section, location, next_random(random) % 2 == 0, &reader);
    if (status != SEGJ_OK) /* after a rewind the location may be nobody's */
        return true;
    while ((status = oversized_reader_read(reader, bytes + at, SAMPLE_MAX / 9, &done)) == SEGJ_OK)
        at += done;
    bool complete = status == SEGJ_END && at == oversized_reader_size(reader);
    oversized_reader_close(reader);
    /* A record that was rewound between the look at it and the opening leaves its place to another one, of the
     * section. */
    return !complete || worker_expect(worker, is_value_of(section, bytes, at), "a reader gives a foreign value");
}

static void scan_all(worker_t *worker, scene_t *scene)
{
    static const size_t buffers[] = {0, 512, 4096, 65536};
    segj_buffer_t memory = {NULL, 0, 0};
    uint64_t random = worker->number;
    bool good = true;
    while (good && atomic_load(&scene->changing) > 0)
        good = read_some(worker, scene, &random, &memory) && read_in_pieces(worker, scene, &random) &&
               scan(worker, scene, buffers[next_random(&random) % 4], next_random(&random) % 2 == 0);
    segj_buffer_free(&memory);
}

static void play(worker_t *worker)
{
    scene_t *scene = worker->context;
    if (worker->number == 0)
        change_all(worker, scene);
    else if (worker->number <= VIEWERS)
        view_all(worker, scene);
    else
        scan_all(worker, scene);
}

static void check_scene(place_t *place)
{
    worker_t team[1 + VIEWERS + SCANNERS];
    scene_t scene = {.place = place};
    atomic_init(&scene.first_section, 1);
    atomic_init(&scene.changing, 1);
    place_open(place);
    team_run(team, 1 + VIEWERS + SCANNERS, play, &scene);
    assert_null(oversized_error(place->journal));
    assert_true(atomic_load(&scene.cuts) > 0);
    place_reopen(place);
}

static void mapped_values_are_viewed_beneath_changes(void **state)
{
    place_t *place = *state;
    place->config.map_values = true;
    check_scene(place);
}

static void copied_values_are_viewed_beneath_changes(void **state)
{
    check_scene(*state);
}

static void compressed_values_are_viewed_beneath_changes(void **state)
{
    place_t *place = *state;
    place->config.map_values = true;
    place->config.compression = 1;
    check_scene(place);
}

static void mapped_values_are_viewed_with_four_descriptors(void **state)
{
    place_t *place = *state;
    place->config.map_values = true;
    place->config.max_open_files = 4;
    place->config.page_cache_pages = 2;
    check_scene(place);
    assert_true(quick_most_files() <= (tested_version() == 2 ? 5 : 4)); /* a removal's mark is one more for a moment */
}

/* --- many threads begin to view the same file at once --- */

typedef struct rush {
    oversized_t *journal;
} rush_t;

static void rush_in(worker_t *worker)
{
    const rush_t *rush = worker->context;
    held_t held = {.section = 1};
    for (uint64_t position = 0; position < 50; position++)
        if (!worker_ok(worker, oversized_view(rush->journal, 1, position, held.entry, &held.view)) ||
            !worker_expect(
                worker,
                is_sample(1, held.entry,
                          &(segj_buffer_t){(void *)(uintptr_t)held.view.data, held.view.size, held.view.size}),
                "a foreign value"))
            break;
    oversized_view_release(&held.view);
}

static void threads_map_a_file_together(void **state)
{
    place_t *place = *state;
    place->config.map_values = true;
    place_open(place);
    append_samples(place->journal, 1, 0, 50);
    for (int i = 0; i < 50; i++) {
        worker_t team[4];
        place_reopen(place);
        rush_t rush = {place->journal};
        team_run(team, 4, rush_in, &rush);
        assert_ok(oversized_rewind_section(place->journal, 1, 50 * SMALL_RECORD));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(mapped_values_are_viewed_beneath_changes),
        PLACE_TEST(copied_values_are_viewed_beneath_changes),
        PLACE_TEST(compressed_values_are_viewed_beneath_changes),
        PLACE_TEST(mapped_values_are_viewed_with_four_descriptors),
        PLACE_TEST(threads_map_a_file_together),
    };
    return cmocka_run_group_tests_name("views", tests, NULL, NULL);
}
