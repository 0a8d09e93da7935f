/*
 * paged/page_cache.c: verified pages, shared by readers.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "support/support.h"

#include <pthread.h>
#include <string.h>

#include "paged/page_cache.h"
#include "paged/page_format.h"
#include "unit/random.h"
#include "unit/wrapped_memory.h"

enum { P = 64, THREADS = 4, ROUNDS = 3000 };

static segj_page_cache_t *new_cache(uint32_t pages)
{
    segj_page_cache_t *cache = NULL;
    assert_ok(segj_page_cache_create(P, pages, &cache));
    return cache;
}

/* The bytes of a page: told apart by owner, page and place. */
static uint8_t byte_of(uint64_t id, uint64_t page, size_t at)
{
    return (uint8_t)(id * 101 + page * 7 + at);
}

static bool put(segj_page_cache_t *cache, uint64_t id, uint64_t page, uint16_t length)
{
    uint8_t *frame = segj_page_cache_reserve(cache);
    if (frame == NULL)
        return false;
    for (uint16_t i = 0; i < length; i++)
        frame[i] = byte_of(id, page, i);
    memset(frame + length, 0xee, segj_page_physical(P) - length);
    segj_page_cache_publish(cache, frame, id, page, length);
    return true;
}

/* Whether the cache has this part; it must be right where it has it, and the output untouched where it has not. */
static bool has(segj_page_cache_t *cache, uint64_t id, uint64_t page, size_t from, size_t size)
{
    uint8_t bytes[P + 1];
    memset(bytes, 0xdd, sizeof bytes);
    bool found = segj_page_cache_read(cache, id, page, from, size, bytes);
    for (size_t i = 0; i < size && i < sizeof bytes; i++)
        assert_int_equal(bytes[i], found ? byte_of(id, page, from + i) : 0xdd);
    return found;
}

/* --- making --- */

static void what_can_never_work_is_refused(void **state)
{
    segj_page_cache_t *cache = NULL;
    assert_status(segj_page_cache_create(P, 4, NULL), SEGJ_ERR_INVALID);
    assert_status(segj_page_cache_create(0, 4, &cache), SEGJ_ERR_INVALID);
    assert_status(segj_page_cache_create(P, 0, &cache), SEGJ_ERR_INVALID);
    assert_null(cache);
    segj_page_cache_release(NULL);
}

static void a_cache_is_of_one_page_size(void **state)
{
    static const uint16_t sizes[] = {1, 20, 4084, 65535};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        segj_page_cache_t *cache = NULL;
        assert_ok(segj_page_cache_create(sizes[i], 3, &cache));
        assert_int_equal(segj_page_cache_page_size(cache), sizes[i]);
        uint8_t *frames[3];
        for (uint8_t j = 0; j < 3; j++) { /* each frame is a whole physical page of its own */
            frames[j] = segj_page_cache_reserve(cache);
            assert_non_null(frames[j]);
            memset(frames[j], j, (size_t)sizes[i] + 12);
        }
        for (uint8_t j = 0; j < 3; j++) {
            assert_int_equal(frames[j][0], j);
            assert_int_equal(frames[j][sizes[i] + 11], j);
            segj_page_cache_publish(cache, frames[j], 0, j, sizes[i]);
        }
        for (uint8_t j = 0; j < 3; j++) {
            uint8_t last = 0xff;
            assert_true(segj_page_cache_read(cache, 0, j, sizes[i] - 1u, 1, &last));
            assert_int_equal(last, j);
        }
        segj_page_cache_release(cache);
    }
}

static void no_memory_is_told(void **state)
{
    for (int left = 0;; left++) {
        segj_page_cache_t *cache = NULL;
        allocations_left = left;
        segj_status_t status = segj_page_cache_create(P, 4, &cache);
        allocations_left = -1;
        if (status == SEGJ_OK) {
            assert_int_equal(left, 1); /* all of it in one piece */
            segj_page_cache_release(cache);
            return;
        }
        assert_int_equal(status, SEGJ_ERR_MEMORY);
        assert_null(cache);
    }
}

/* --- finding --- */

static void an_empty_cache_has_nothing(void **state)
{
    segj_page_cache_t *cache = new_cache(4);
    assert_false(has(cache, 0, 0, 0, 1));
    assert_false(has(cache, UINT64_MAX, UINT64_MAX, 0, 1));
    segj_page_cache_release(cache);
}

static void a_page_is_known_by_owner_and_number(void **state)
{
    segj_page_cache_t *cache = new_cache(8);
    assert_true(put(cache, 1, 2, P));
    assert_true(put(cache, 2, 1, P));
    assert_true(put(cache, 1, UINT64_MAX, P));
    assert_true(has(cache, 1, 2, 0, P));
    assert_true(has(cache, 2, 1, 0, P));
    assert_true(has(cache, 1, UINT64_MAX, 0, P));
    assert_false(has(cache, 1, 1, 0, 1));
    assert_false(has(cache, 2, 2, 0, 1));
    assert_false(has(cache, 3, 2, 0, 1));
    segj_page_cache_release(cache);
}

static void any_part_of_a_page_is_found(void **state)
{
    segj_page_cache_t *cache = new_cache(2);
    assert_true(put(cache, 1, 0, 40));
    for (size_t from = 0; from <= 40; from++)
        for (size_t size = 0; from + size <= P; size++)
            assert_int_equal(has(cache, 1, 0, from, size), from + size <= 40);
    segj_page_cache_release(cache);
}

/* --- pages grow --- */

static void a_longer_page_takes_the_place_of_a_shorter(void **state)
{
    segj_page_cache_t *cache = new_cache(4);
    for (uint16_t length = 1; length <= P; length++) {
        assert_false(has(cache, 1, 5, 0, length));
        assert_true(put(cache, 1, 5, length));
        assert_true(has(cache, 1, 5, 0, length));
    }
    segj_page_cache_release(cache);
}

/* Two readers have read the page; the one that saw less of it comes last. */
static void a_shorter_page_that_comes_late_is_dropped(void **state)
{
    segj_page_cache_t *cache = new_cache(4);
    uint8_t *late = segj_page_cache_reserve(cache);
    assert_non_null(late);
    assert_true(put(cache, 1, 5, 40));
    memset(late, 0xaa, P);
    segj_page_cache_publish(cache, late, 1, 5, 20);
    assert_true(has(cache, 1, 5, 0, 40));
    late = segj_page_cache_reserve(cache);
    assert_non_null(late);
    for (size_t i = 0; i < 40; i++)
        late[i] = byte_of(1, 5, i);
    segj_page_cache_publish(cache, late, 1, 5, 40);
    assert_true(has(cache, 1, 5, 0, 40));
    segj_page_cache_release(cache);
}

/* Frames that a longer page has replaced, or that came too late, can be used again. */
static void replaced_frames_are_not_lost(void **state)
{
    segj_page_cache_t *cache = new_cache(3);
    for (int i = 0; i < 50; i++) {
        assert_true(put(cache, 1, 5, (uint16_t)(1 + i)));
        assert_true(put(cache, 1, 5, 1));
    }
    uint8_t *frames[3];
    for (int i = 0; i < 3; i++) {
        frames[i] = segj_page_cache_reserve(cache);
        assert_non_null(frames[i]);
    }
    for (int i = 0; i < 3; i++)
        segj_page_cache_cancel(cache, frames[i]);
    segj_page_cache_release(cache);
}

/* --- owners --- */

static void no_two_owners_have_the_same_id(void **state)
{
    segj_page_cache_t *cache = new_cache(2);
    uint64_t last = segj_page_cache_id(cache);
    for (int i = 0; i < 1000; i++) {
        uint64_t id = segj_page_cache_id(cache);
        assert_true(id > last); /* so none comes twice */
        last = id;
    }
    segj_page_cache_release(cache);
}

/* A section is rewound while a page of it is being read: the page arrives under the id that the section had, and
 * whoever asks with the new one does not see it. */
static void a_page_that_comes_late_lands_where_nobody_looks(void **state)
{
    segj_page_cache_t *cache = new_cache(4);
    uint64_t old = segj_page_cache_id(cache);
    uint8_t *frame = segj_page_cache_reserve(cache);
    assert_non_null(frame);
    uint64_t new = segj_page_cache_id(cache);
    assert_true(put(cache, new, 5, 20));
    for (size_t i = 0; i < P; i++)
        frame[i] = byte_of(old, 5, i);
    segj_page_cache_publish(cache, frame, old, 5, P);
    assert_true(has(cache, new, 5, 0, 20));
    assert_false(has(cache, new, 5, 0, 21));
    assert_true(has(cache, old, 5, 0, P));
    segj_page_cache_release(cache);
}

static void journals_share_a_cache_by_reference(void **state)
{
    segj_page_cache_t *cache = new_cache(4);
    segj_page_cache_retain(cache);
    segj_page_cache_retain(cache);
    uint64_t first = segj_page_cache_id(cache);
    uint64_t second = segj_page_cache_id(cache);
    assert_true(put(cache, first, 1, P));
    assert_true(put(cache, second, 1, 10));
    segj_page_cache_release(cache); /* the maker is gone */
    assert_true(has(cache, first, 1, 0, P));
    segj_page_cache_release(cache);
    assert_true(has(cache, second, 1, 0, 10));
    segj_page_cache_release(cache); /* the sanitizer sees whether this was the last */
}

/* --- replacement --- */

static void the_page_read_longest_ago_goes_first(void **state)
{
    segj_page_cache_t *cache = new_cache(3);
    for (uint64_t page = 0; page < 3; page++)
        assert_true(put(cache, 1, page, P));
    assert_true(put(cache, 1, 3, P)); /* one has to go; the hand has passed the others */
    assert_false(has(cache, 1, 0, 0, 1));
    assert_true(has(cache, 1, 1, 0, 1)); /* read since: stays */
    assert_true(put(cache, 1, 4, P));
    assert_true(has(cache, 1, 1, 0, 1));
    assert_false(has(cache, 1, 2, 0, 1)); /* not read since */
    assert_true(has(cache, 1, 4, 0, P));
    segj_page_cache_release(cache);
}

/* Which of pages 0 to 7 are there, a bit each; asked with no bytes of them, which is no less a read. */
static unsigned held(segj_page_cache_t *cache)
{
    unsigned found = 0;
    for (uint64_t page = 0; page < 8; page++)
        found |= has(cache, 1, page, 0, 0) ? 1u << page : 0;
    return found;
}

/* The hand goes round: a page that was read since it last passed is passed over once more. */
static void pages_go_in_clock_order(void **state)
{
    segj_page_cache_t *cache = new_cache(4);
    for (uint64_t page = 0; page < 5; page++)
        assert_true(put(cache, 1, page, P)); /* 4 in place of 0, and 1 to 3 have been passed */
    assert_true(has(cache, 1, 2, 0, 1));
    assert_true(put(cache, 1, 5, P)); /* in place of 1 */
    assert_true(put(cache, 1, 6, P)); /* 2 is passed over: in place of 3 */
    assert_true(put(cache, 1, 7, P)); /* 4 and 5 are new: in place of 2 */
    assert_int_equal(held(cache), 0xf0);
    segj_page_cache_release(cache);
}

static void a_cache_of_one_page_works(void **state)
{
    segj_page_cache_t *cache = new_cache(1);
    for (uint64_t page = 0; page < 5; page++) {
        assert_true(put(cache, 1, page, P));
        assert_true(has(cache, 1, page, 0, P));
        assert_false(has(cache, 1, page - 1, 0, 1));
    }
    segj_page_cache_release(cache);
}

static void when_all_frames_are_reserved_there_is_none(void **state)
{
    segj_page_cache_t *cache = new_cache(3);
    uint8_t *frames[3];
    assert_true(put(cache, 1, 0, P));
    for (int i = 0; i < 3; i++) {
        frames[i] = segj_page_cache_reserve(cache);
        assert_non_null(frames[i]);
        for (int j = 0; j < i; j++)
            assert_ptr_not_equal(frames[i], frames[j]);
    }
    assert_false(has(cache, 1, 0, 0, 1)); /* its frame is somebody's */
    assert_null(segj_page_cache_reserve(cache));
    segj_page_cache_cancel(cache, frames[1]);
    assert_ptr_equal(segj_page_cache_reserve(cache), frames[1]);
    assert_null(segj_page_cache_reserve(cache));
    for (uint64_t i = 0; i < 3; i++)
        segj_page_cache_publish(cache, frames[i], 2, i, 1); /* frames may come back in any state */
    assert_non_null(frames[0] = segj_page_cache_reserve(cache));
    segj_page_cache_cancel(cache, frames[0]);
    segj_page_cache_release(cache);
}

/* Nobody sees what is being read into a reserved frame. */
static void a_reserved_frame_is_found_by_nobody(void **state)
{
    segj_page_cache_t *cache = new_cache(1);
    assert_true(put(cache, 1, 0, P));
    uint8_t *frame = segj_page_cache_reserve(cache);
    assert_non_null(frame);
    memset(frame, 0xaa, P);
    assert_false(has(cache, 1, 0, 0, 1));
    segj_page_cache_cancel(cache, frame);
    assert_false(has(cache, 1, 0, 0, 1));
    segj_page_cache_release(cache);
}

/* Whatever is done, in whatever order: what the cache gives is right. */
static void random_use_gives_only_what_was_put(void **state)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        segj_page_cache_t *cache = new_cache(1 + (uint32_t)seed);
        uint16_t longest[3][20] = {{0}};
        uint64_t random = seed;
        size_t hits = 0;
        for (int step = 0; step < 2000; step++) {
            uint64_t id = random_below(&random, 3);
            uint64_t page = random_below(&random, 20);
            size_t from = (size_t)random_below(&random, P);
            size_t size = (size_t)random_below(&random, P - from) + 1;
            bool found = has(cache, id, page, from, size);
            assert_true(!found || from + size <= longest[id][page]);
            hits += found;
            uint16_t length = (uint16_t)(1 + random_below(&random, P));
            if (random_below(&random, 3) != 0) {
                assert_true(put(cache, id, page, length));
                longest[id][page] = length > longest[id][page] ? length : longest[id][page];
                assert_true(has(cache, id, page, 0, length));
            }
        }
        assert_true(hits > 0);
        segj_page_cache_release(cache);
    }
}

typedef struct worker {
    segj_page_cache_t *cache;
    uint64_t seed;
    int wrong;
} worker_t;

static void *work(void *argument)
{
    worker_t *worker = argument;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t page = random_below(&worker->seed, 12);
        size_t size = 1 + (size_t)random_below(&worker->seed, P);
        uint8_t bytes[P];
        if (segj_page_cache_read(worker->cache, 1, page, 0, size, bytes)) {
            for (size_t j = 0; j < size; j++)
                worker->wrong += bytes[j] != byte_of(1, page, j);
            continue;
        }
        uint8_t *frame = segj_page_cache_reserve(worker->cache);
        if (frame == NULL)
            continue;
        for (size_t j = 0; j < size; j++)
            frame[j] = byte_of(1, page, j);
        if (i % 7 == 0)
            segj_page_cache_cancel(worker->cache, frame);
        else
            segj_page_cache_publish(worker->cache, frame, 1, page, (uint16_t)size);
        (void)segj_page_cache_id(worker->cache);
    }
    segj_page_cache_release(worker->cache);
    return NULL;
}

static void threads_see_whole_pages(void **state)
{
    segj_page_cache_t *cache = new_cache(3);
    pthread_t threads[THREADS];
    worker_t workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (worker_t){cache, i + 1, 0};
        segj_page_cache_retain(cache);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    segj_page_cache_release(cache);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].wrong, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_never_work_is_refused),
        cmocka_unit_test(a_cache_is_of_one_page_size),
        cmocka_unit_test(no_memory_is_told),
        cmocka_unit_test(an_empty_cache_has_nothing),
        cmocka_unit_test(a_page_is_known_by_owner_and_number),
        cmocka_unit_test(any_part_of_a_page_is_found),
        cmocka_unit_test(a_longer_page_takes_the_place_of_a_shorter),
        cmocka_unit_test(a_shorter_page_that_comes_late_is_dropped),
        cmocka_unit_test(replaced_frames_are_not_lost),
        cmocka_unit_test(no_two_owners_have_the_same_id),
        cmocka_unit_test(a_page_that_comes_late_lands_where_nobody_looks),
        cmocka_unit_test(journals_share_a_cache_by_reference),
        cmocka_unit_test(the_page_read_longest_ago_goes_first),
        cmocka_unit_test(pages_go_in_clock_order),
        cmocka_unit_test(a_cache_of_one_page_works),
        cmocka_unit_test(when_all_frames_are_reserved_there_is_none),
        cmocka_unit_test(a_reserved_frame_is_found_by_nobody),
        cmocka_unit_test(random_use_gives_only_what_was_put),
        cmocka_unit_test(threads_see_whole_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
