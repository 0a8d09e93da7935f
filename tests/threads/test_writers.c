/*
 * threads/test_writers.c: several threads that append and sync, each its own sections or all the same ones. Nothing is
 * lost, mixed or doubled, and a close leaves what all of them have appended.
 */
#include "threads/quick.h"

#include <inttypes.h>
#include <stdlib.h>

enum { TEAM = 6, EACH = 250, SECTIONS = 9 };

/* --- each its own section --- */

static void write_own_section(worker_t *worker)
{
    const place_t *place = worker->context;
    uint64_t section = worker->number;
    for (uint64_t id = 0; id < EACH; id++) {
        uint64_t position = UINT64_MAX;
        if (!worker_ok(worker, append_sample(place->journal, section, id, &position)))
            return;
        (void)worker_expect(worker, position == id, "record %" PRIu64 " went to %" PRIu64, id, position);
        if (id % 20 == 19 && !worker_ok(worker, oversized_sync(place->journal, section)))
            return;
    }
}

static void check_own_sections(place_t *place)
{
    worker_t team[TEAM];
    place_open(place);
    team_run(team, TEAM, write_own_section, place);
    for (uint64_t section = 0; section < TEAM; section++)
        check_samples(place->journal, section, EACH);
    place_reopen(place);
    for (uint64_t section = 0; section < TEAM; section++)
        check_samples(place->journal, section, EACH);
}

static void threads_write_sections_of_their_own(void **state)
{
    check_own_sections(*state);
}

/* One section at a time has descriptors and buffers: each append of another thread's takes them away. */
static void threads_write_sections_of_their_own_with_four_descriptors(void **state)
{
    place_t *place = *state;
    place->config.max_open_files = 4;
    check_own_sections(place);
    assert_true(quick_most_files() <= 4);
}

static void threads_write_sections_of_their_own_with_little_memory(void **state)
{
    place_t *place = *state;
    place->config.write_memory = 4096;
    check_own_sections(place);
}

static void threads_write_compressed_sections_of_their_own(void **state)
{
    place_t *place = *state;
    place->config.compression = 1;
    check_own_sections(place);
}

/* --- all the same sections --- */

typedef struct shared {
    place_t *place;
    uint64_t sections;
    uint64_t where[TEAM * EACH]; /* the position that each id was given */
} shared_t;

static void write_shared_sections(worker_t *worker)
{
    shared_t *shared = worker->context;
    oversized_t *journal = shared->place->journal;
    for (uint64_t i = 0; i < EACH; i++) {
        uint64_t id = worker->number * EACH + i;
        uint64_t section = id % shared->sections;
        if (!worker_ok(worker, append_sample(journal, section, id, &shared->where[id])))
            return;
        if (i % 16 == 15 && !worker_ok(worker, oversized_sync(journal, section)))
            return;
        if (i % 64 == 63 && !worker_ok(worker, oversized_sync_all(journal)))
            return;
    }
}

/* Every id is where its thread was told, and each section has as many records as ids. */
static void check_shared_sections(const shared_t *shared)
{
    oversized_t *journal = shared->place->journal;
    segj_buffer_t value = {NULL, 0, 0};
    uint64_t counts[SECTIONS] = {0};
    for (uint64_t id = 0; id < TEAM * EACH; id++) {
        uint8_t entry[SMALL_ENTRY];
        uint64_t section = id % shared->sections;
        assert_ok(oversized_read(journal, section, shared->where[id], entry, &value));
        assert_int_equal(get_u64(entry), id);
        assert_true(is_sample(section, entry, &value));
        counts[section]++;
    }
    for (uint64_t section = 0; section < shared->sections; section++) {
        uint64_t count = 0;
        assert_ok(oversized_count(journal, section, &count));
        assert_int_equal(count, counts[section]);
    }
    segj_buffer_free(&value);
}

/* Records of a thread keep their order, and frames lie back to back: load_section() looks at the bytes. */
static void check_files(const shared_t *shared)
{
    for (uint64_t section = 0; section < shared->sections; section++) {
        section_image_t image;
        uint64_t last[TEAM] = {0};
        load_section(&shared->place->config, section, &image);
        for (uint64_t i = 0; i < image.records; i++) {
            uint64_t id = get_u64(image.logical.data + i * SMALL_RECORD);
            assert_int_equal(shared->where[id], i);
            assert_true(last[id / EACH] == 0 || id > last[id / EACH]);
            last[id / EACH] = id;
        }
        free_section(&image);
    }
}

static void check_shared(place_t *place, uint64_t sections)
{
    worker_t team[TEAM];
    shared_t *shared = calloc(1, sizeof *shared);
    assert_non_null(shared);
    shared->place = place;
    shared->sections = sections;
    place_open(place);
    team_run(team, TEAM, write_shared_sections, shared);
    check_shared_sections(shared);
    place_reopen(place);
    check_shared_sections(shared);
    check_files(shared);
    free(shared);
}

static void threads_write_one_section(void **state)
{
    check_shared(*state, 1);
}

static void threads_write_one_section_through_large_buffers(void **state)
{
    place_t *place = *state;
    place->config.index_write_buffer = place->config.value_write_buffer = 1 << 20;
    check_shared(place, 1);
}

static void threads_write_the_same_sections(void **state)
{
    check_shared(*state, SECTIONS);
}

static void threads_write_the_same_sections_with_four_descriptors(void **state)
{
    place_t *place = *state;
    place->config.max_open_files = 4;
    check_shared(place, SECTIONS);
    assert_true(quick_most_files() <= 4);
}

static void threads_write_the_same_sections_with_seven_descriptors_and_little_memory(void **state)
{
    place_t *place = *state;
    place->config.max_open_files = 7;
    place->config.write_memory = 8192;
    check_shared(place, SECTIONS);
    assert_true(quick_most_files() <= 7);
}

/* --- sections that come into being --- */

/* All threads want to be the first to append to each section: it is made once. */
static void make_sections(worker_t *worker)
{
    const place_t *place = worker->context;
    for (uint64_t section = 0; section < 40; section++)
        (void)worker_ok(worker, append_sample(place->journal, section, worker->number, NULL));
}

static void sections_that_threads_make_at_the_same_time_are_made_once(void **state)
{
    place_t *place = *state;
    worker_t team[TEAM];
    place_open(place);
    team_run(team, TEAM, make_sections, place);
    place_reopen(place);
    assert_int_equal(oversized_recovery(place->journal)->sections, 40);
    for (uint64_t section = 0; section < 40; section++) {
        uint64_t seen = 0;
        for (uint64_t position = 0; position < TEAM; position++) {
            uint8_t entry[SMALL_ENTRY];
            assert_ok(oversized_get(place->journal, section, position, entry, NULL));
            seen |= (uint64_t)1 << get_u64(entry);
        }
        assert_int_equal(seen, (1 << TEAM) - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(threads_write_sections_of_their_own),
        PLACE_TEST(threads_write_sections_of_their_own_with_four_descriptors),
        PLACE_TEST(threads_write_sections_of_their_own_with_little_memory),
        PLACE_TEST(threads_write_compressed_sections_of_their_own),
        PLACE_TEST(threads_write_one_section),
        PLACE_TEST(threads_write_one_section_through_large_buffers),
        PLACE_TEST(threads_write_the_same_sections),
        PLACE_TEST(threads_write_the_same_sections_with_four_descriptors),
        PLACE_TEST(threads_write_the_same_sections_with_seven_descriptors_and_little_memory),
        PLACE_TEST(sections_that_threads_make_at_the_same_time_are_made_once),
    };
    return cmocka_run_group_tests_name("writers", tests, NULL, NULL);
}
