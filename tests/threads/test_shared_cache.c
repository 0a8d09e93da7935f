/*
 * threads/test_shared_cache.c: one page cache, smaller than what is read through it, for two journals with the same
 * section numbers, and threads that read both: no page of one journal is ever taken for the other's.
 */
#include "threads/quick.h"

#include <inttypes.h>

enum { JOURNALS = 2, SECTIONS = 3, COUNT = 60, TEAM = 6, READS = 1500 };

typedef struct scene {
    place_t *places[JOURNALS];
    segj_page_cache_t *cache;
} scene_t;

/* The sections of the second journal hold what would be in other sections of the first. */
static uint64_t content_of(size_t journal, uint64_t section)
{
    return section + 100 * journal;
}

static void fill(oversized_t *journal, size_t number)
{
    uint8_t value[SAMPLE_MAX];
    uint8_t entry[SMALL_ENTRY];
    for (uint64_t section = 0; section < SECTIONS; section++) {
        for (uint64_t i = 0; i < COUNT; i++) {
            uint64_t id = content_of(number, section) << 32 | i;
            put_u64(entry, id);
            make_sample(content_of(number, section), id, value);
            assert_ok(oversized_append(journal, section, entry, value, sample_size(id), NULL, NULL));
        }
    }
}

static bool check_one(worker_t *worker, oversized_t *journal, size_t number, uint64_t *random, segj_buffer_t *value)
{
    uint64_t section = next_random(random) % SECTIONS;
    uint64_t position = next_random(random) % COUNT;
    uint64_t content = content_of(number, section);
    uint8_t entry[SMALL_ENTRY] = {0};
    return worker_ok(worker, oversized_read(journal, section, position, entry, value)) &&
           worker_expect(worker, get_u64(entry) == (content << 32 | position),
                         "journal %zu, section %" PRIu64 ", record %" PRIu64 " is %" PRIx64, number, section, position,
                         get_u64(entry)) &&
           worker_expect(worker, is_sample(content, entry, value), "a foreign value");
}

static void start(scene_t *scene, void **state, uint32_t pages)
{
    assert_ok(segj_page_cache_create(SMALL_PAGE, pages, &scene->cache));
    for (size_t i = 0; i < JOURNALS; i++) {
        void *made = NULL;
        assert_int_equal(place_set_up(&made), 0);
        scene->places[i] = made;
        scene->places[i]->config.page_cache = scene->cache;
        place_open(scene->places[i]);
        fill(scene->places[i]->journal, i);
        scene->places[i]->beside = 2 * i; /* the newest section's stay open behind an open */
        place_reopen(scene->places[i]);
    }
    segj_page_cache_release(scene->cache); /* the journals have references of their own */
    *state = scene;
}

static void end(scene_t *scene)
{
    for (size_t i = 0; i < JOURNALS; i++) {
        void *made = scene->places[i];
        assert_int_equal(place_tear_down(&made), 0);
    }
}

static void read_both(worker_t *worker)
{
    const scene_t *scene = worker->context;
    segj_buffer_t value = {NULL, 0, 0};
    uint64_t random = worker->number;
    for (int i = 0; i < READS; i++) {
        size_t number = (worker->number + (size_t)i) % JOURNALS;
        if (!check_one(worker, scene->places[number]->journal, number, &random, &value))
            break;
    }
    segj_buffer_free(&value);
}

static void check_with(uint32_t pages)
{
    scene_t scene;
    void *state = NULL;
    worker_t team[TEAM];
    start(&scene, &state, pages);
    team_run(team, TEAM, read_both, &scene);
    end(&scene);
}

static void two_journals_share_a_cache_of_one_page(void **state)
{
    check_with(1);
}

static void two_journals_share_a_small_cache(void **state)
{
    check_with(7);
}

static void two_journals_share_a_cache_that_holds_everything(void **state)
{
    check_with(1000);
}

/* One journal is rewound, written again, closed and opened again and again; the other one is read meanwhile. */
static void change_first_read_second(worker_t *worker)
{
    scene_t *scene = worker->context;
    segj_buffer_t value = {NULL, 0, 0};
    uint64_t random = worker->number;
    place_t *first = scene->places[0];
    for (int i = 0; i < READS && worker->number > 0; i++)
        if (!check_one(worker, scene->places[1]->journal, 1, &random, &value))
            break;
    for (uint64_t i = 0; i < 30 && worker->number == 0; i++) {
        bool good = worker_ok(worker, oversized_rewind(first->journal, 1, i * SMALL_RECORD)) &&
                    worker_ok(worker, append_sample(first->journal, 1, 7, NULL)) &&
                    worker_ok(worker, oversized_get(first->journal, 1, i, NULL, NULL)) &&
                    worker_ok(worker, oversized_close(first->journal));
        first->journal = NULL;
        if (!good || !worker_ok(worker, oversized_open(&first->config, &first->journal)))
            break;
        (void)worker_ok(worker, oversized_get(first->journal, 1, i, NULL, NULL));
    }
    segj_buffer_free(&value);
}

static void journal_that_changes_and_closes_disturbs_no_other_one(void **state)
{
    scene_t scene;
    void *made = NULL;
    worker_t team[TEAM];
    start(&scene, &made, 9);
    team_run(team, TEAM, change_first_read_second, &scene);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_journals_share_a_cache_of_one_page),
        cmocka_unit_test(two_journals_share_a_small_cache),
        cmocka_unit_test(two_journals_share_a_cache_that_holds_everything),
        cmocka_unit_test(journal_that_changes_and_closes_disturbs_no_other_one),
    };
    return cmocka_run_group_tests_name("shared_cache", tests, NULL, NULL);
}
