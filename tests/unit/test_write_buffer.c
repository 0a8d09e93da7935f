/*
 * paged/write_buffer.c: chains of buffers, references, and the memory they are charged with.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "support/support.h"

#include <string.h>

#include "paged/write_buffer.h"
#include "unit/wrapped_memory.h"

enum { CAPACITY = 20000 };

/* A pool, its mutex and its budget, one for each test. */
typedef struct fixture {
    segj_state_t state;
    segj_budget_t budget;
    segj_pool_t pool;
    segj_chain_t chain;
} fixture_t;

static int set_up(void **state)
{
    static fixture_t fixture;
    memset(&fixture, 0, sizeof fixture);
    assert_true(segj_state_init(&fixture.state));
    fixture.pool = (segj_pool_t){.state = &fixture.state, .budget = &fixture.budget, .capacity = CAPACITY};
    *state = &fixture;
    return 0;
}

/* Every test gives its buffers back: without the spare ones nothing is charged any more. */
static int tear_down(void **state)
{
    fixture_t *fixture = *state;
    segj_pool_free(&fixture->pool);
    assert_int_equal(fixture->budget.used, 0);
    assert_null(fixture->pool.spare);
    assert_int_equal(fixture->pool.spares, 0);
    segj_state_destroy(&fixture->state);
    return 0;
}

static segj_write_buffer_t *take(fixture_t *fixture, uint64_t offset)
{
    segj_write_buffer_t *buffer = NULL;
    assert_ok(segj_buffer_take(&fixture->pool, offset, CAPACITY, &buffer));
    return buffer;
}

static void release(fixture_t *fixture, segj_write_buffer_t *buffer)
{
    segj_lock(&fixture->state);
    segj_buffer_release(&fixture->pool, buffer);
    segj_unlock(&fixture->state);
}

static void resize(fixture_t *fixture, segj_write_buffer_t *buffer, size_t size)
{
    segj_lock(&fixture->state);
    buffer->size = size;
    segj_unlock(&fixture->state);
}

static segj_write_buffer_t *add(fixture_t *fixture, uint64_t offset, size_t size)
{
    segj_write_buffer_t *buffer = take(fixture, offset);
    segj_lock(&fixture->state);
    segj_chain_add(&fixture->chain, buffer);
    segj_unlock(&fixture->state);
    resize(fixture, buffer, size);
    return buffer;
}

static void drop(fixture_t *fixture, segj_write_buffer_t *buffer)
{
    segj_lock(&fixture->state);
    segj_chain_drop(&fixture->pool, &fixture->chain, buffer);
    segj_unlock(&fixture->state);
}

/* --- buffers --- */

static void check_fresh(const segj_write_buffer_t *buffer, uint64_t offset)
{
    assert_null(buffer->next);
    assert_null(buffer->captured);
    assert_int_equal(buffer->offset, offset);
    assert_int_equal(buffer->size, 0);
    assert_int_equal(buffer->capacity, CAPACITY);
    assert_int_equal(buffer->references, 1);
    assert_int_equal(buffer->state, SEGJ_BUFFER_LIVE);
}

static void a_taken_buffer_is_live_and_empty(void **state)
{
    fixture_t *fixture = *state;
    segj_write_buffer_t *buffer = take(fixture, UINT64_MAX);
    check_fresh(buffer, UINT64_MAX);
    memset(buffer->data, 0xff, CAPACITY); /* the sanitizer sees whether all of it is there */
    release(fixture, buffer);
}

/* Nothing of its earlier life is left in a buffer that comes from the spares. */
static void a_spare_is_as_good_as_new(void **state)
{
    fixture_t *fixture = *state;
    segj_write_buffer_t *buffer = add(fixture, 5, 10000);
    segj_write_buffer_t *other = add(fixture, 10005, 10000);
    buffer->captured = other;
    buffer->state = SEGJ_BUFFER_WRITING;
    drop(fixture, buffer);
    segj_write_buffer_t *again = take(fixture, 77);
    assert_ptr_equal(again, buffer);
    check_fresh(again, 77);
    release(fixture, again);
    drop(fixture, other);
}

static void two_spares_are_kept(void **state)
{
    fixture_t *fixture = *state;
    segj_write_buffer_t *buffers[4];
    for (size_t i = 0; i < 4; i++)
        buffers[i] = take(fixture, i);
    for (size_t i = 0; i < 4; i++) {
        release(fixture, buffers[i]);
        assert_int_equal(fixture->pool.spares, i < 2 ? i + 1 : 2);
    }
    allocations_left = 0; /* these need no memory */
    segj_write_buffer_t *first = take(fixture, 1);
    segj_write_buffer_t *second = take(fixture, 2);
    allocations_left = -1;
    assert_ptr_not_equal(first, second);
    assert_int_equal(fixture->pool.spares, 0);
    release(fixture, first);
    release(fixture, second);
}

/* A section's buffer doubles as it fills. Were its small selves kept, each large one would be fresh memory, again and
 * again; and a small one that is asked for must not take the largest. */
static void the_largest_spares_are_kept_and_the_smallest_that_will_do_is_taken(void **state)
{
    fixture_t *fixture = *state;
    static const size_t capacities[] = {200, 800, 100, 400};
    segj_write_buffer_t *buffers[4];
    for (size_t i = 0; i < 4; i++)
        assert_ok(segj_buffer_take(&fixture->pool, 0, capacities[i], &buffers[i]));
    for (size_t i = 0; i < 4; i++)
        release(fixture, buffers[i]);
    assert_int_equal(fixture->budget.used, 800 + 400);
    segj_write_buffer_t *small = NULL, *large = NULL;
    allocations_left = 0;
    assert_ok(segj_buffer_take(&fixture->pool, 0, 50, &small));
    assert_ok(segj_buffer_take(&fixture->pool, 0, 500, &large));
    allocations_left = -1;
    assert_int_equal(small->capacity, 400);
    assert_int_equal(large->capacity, 800);
    release(fixture, large);
    release(fixture, small);
}

static void no_memory_is_told(void **state)
{
    fixture_t *fixture = *state;
    segj_write_buffer_t *buffer = NULL;
    allocations_left = 0;
    segj_status_t status = segj_buffer_take(&fixture->pool, 0, CAPACITY, &buffer);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    assert_null(buffer);
}

/* --- references and charges --- */

/* What is allocated is charged, whether it is in use or spare. */
static void memory_is_charged_while_it_is_held(void **state)
{
    fixture_t *fixture = *state;
    segj_write_buffer_t *buffers[3];
    for (size_t i = 0; i < 3; i++) {
        assert_ok(segj_buffer_take(&fixture->pool, 0, 100 * (i + 1), &buffers[i]));
        assert_int_equal(buffers[i]->capacity, 100 * (i + 1));
    }
    assert_int_equal(fixture->budget.used, 600);
    for (size_t i = 0; i < 3; i++)
        release(fixture, buffers[i]);
    assert_int_equal(fixture->budget.used, 500); /* the last two are spare, the first went */
    segj_write_buffer_t *again = NULL;
    assert_ok(segj_buffer_take(&fixture->pool, 0, 250, &again));
    assert_ptr_equal(again, buffers[2]); /* the spare one that is large enough */
    assert_int_equal(fixture->budget.used, 500);
    release(fixture, again);
    segj_lock(&fixture->state);
    segj_pool_free(&fixture->pool);
    segj_unlock(&fixture->state);
    assert_int_equal(fixture->budget.used, 0);
}

static void pools_share_a_budget(void **state)
{
    fixture_t *fixture = *state;
    segj_pool_t other = {.state = &fixture->state, .budget = &fixture->budget, .capacity = 100};
    segj_write_buffer_t *first = take(fixture, 0);
    segj_write_buffer_t *second = NULL;
    assert_ok(segj_buffer_take(&other, 0, 100, &second));
    assert_int_equal(fixture->budget.used, CAPACITY + 100);
    segj_lock(&fixture->state);
    segj_buffer_release(&other, second);
    segj_pool_free(&other);
    segj_unlock(&fixture->state);
    assert_int_equal(fixture->budget.used, CAPACITY);
    release(fixture, first);
}

/* A buffer that is full makes way for a larger one, with its bytes; readers keep the one they have. */
static void a_chain_goes_on_in_a_larger_buffer(void **state)
{
    fixture_t *fixture = *state;
    segj_write_buffer_t *before = NULL;
    assert_ok(segj_buffer_take(&fixture->pool, 70, 100, &before));
    segj_chain_add(&fixture->chain, before);
    memset(before->data, 0x5a, 100);
    before->size = 100;
    before->references++; /* a reader */
    allocations_left = 0;
    assert_int_equal(segj_chain_resize(&fixture->pool, &fixture->chain, 300, 100), SEGJ_ERR_MEMORY);
    allocations_left = -1;
    assert_ptr_equal(fixture->chain.last, before);
    assert_ok(segj_chain_resize(&fixture->pool, &fixture->chain, 300, 100));
    segj_write_buffer_t *after = fixture->chain.last;
    assert_ptr_not_equal(after, before);
    assert_int_equal(after->offset, 70);
    assert_int_equal(after->size, 100);
    assert_int_equal(after->capacity, 300);
    assert_int_equal(after->state, SEGJ_BUFFER_LIVE);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(after->data[i], before->data[i]);
    assert_int_equal(before->references, 1);
    release(fixture, before);
    drop(fixture, after);
}

/* A reader still copies from a buffer that was written: its bytes and its charge stay until the last reference. */
static void a_buffer_lives_as_long_as_its_last_reference(void **state)
{
    fixture_t *fixture = *state;
    segj_write_buffer_t *buffer = add(fixture, 0, 5000);
    memset(buffer->data, 0x5a, 5000);
    buffer->references += 2;
    drop(fixture, buffer);
    assert_null(fixture->chain.first);
    assert_int_equal(fixture->pool.spares, 0);
    release(fixture, buffer);
    assert_int_equal(fixture->pool.spares, 0);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(buffer->data[i], 0x5a);
    segj_write_buffer_t *another = take(fixture, 0);
    assert_ptr_not_equal(another, buffer);
    release(fixture, another);
    release(fixture, buffer);
    assert_int_equal(fixture->pool.spares, 2);
}

/* --- chains --- */

static void check_chain(const fixture_t *fixture, segj_write_buffer_t *const *expected, size_t count)
{
    const segj_write_buffer_t *at = fixture->chain.first;
    const segj_write_buffer_t *last = NULL;
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(at, expected[i]);
        last = at;
        at = at->next;
    }
    assert_null(at);
    assert_ptr_equal(fixture->chain.last, last);
}

static void buffers_come_last_and_go_from_anywhere(void **state)
{
    fixture_t *fixture = *state;
    segj_write_buffer_t *b[5] = {NULL};
    check_chain(fixture, b, 0);
    for (uint64_t i = 0; i < 5; i++)
        b[i] = add(fixture, 100 * i, 100);
    check_chain(fixture, b, 5);
    drop(fixture, b[2]); /* from the middle */
    check_chain(fixture, (segj_write_buffer_t *[]){b[0], b[1], b[3], b[4]}, 4);
    drop(fixture, b[4]); /* the last */
    check_chain(fixture, (segj_write_buffer_t *[]){b[0], b[1], b[3]}, 3);
    segj_write_buffer_t *more = add(fixture, 400, 1);
    check_chain(fixture, (segj_write_buffer_t *[]){b[0], b[1], b[3], more}, 4);
    drop(fixture, b[0]); /* the first */
    check_chain(fixture, (segj_write_buffer_t *[]){b[1], b[3], more}, 3);
    drop(fixture, b[1]);
    drop(fixture, more);
    drop(fixture, b[3]); /* the only one */
    check_chain(fixture, b, 0);
    more = add(fixture, 0, 1);
    check_chain(fixture, &more, 1);
    drop(fixture, more);
}

static void a_byte_is_found_in_its_buffer(void **state)
{
    fixture_t *fixture = *state;
    segj_write_buffer_t *first = add(fixture, 1000, 100);
    segj_write_buffer_t *second = add(fixture, 1100, 50);
    segj_write_buffer_t *empty = add(fixture, 1150, 0);
    static const struct {
        uint64_t offset;
        int buffer;
    } cases[] = {{0, 0},    {999, 0},  {1000, 1}, {1099, 1},       {1100, 2},
                 {1149, 2}, {1150, 0}, {1151, 0}, {UINT64_MAX, 0}, {UINT64_MAX - 1000, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const segj_write_buffer_t *found = segj_chain_find(&fixture->chain, cases[i].offset);
        assert_ptr_equal(found, cases[i].buffer == 0 ? NULL : cases[i].buffer == 1 ? first : second);
    }
    drop(fixture, first);
    drop(fixture, second);
    drop(fixture, empty);
    assert_null(segj_chain_find(&fixture->chain, 1000));
}

/* A partial page is in the buffer that a sync writes and, longer by now, in the one that is being filled. */
static void of_two_buffers_with_a_byte_the_newer_is_found(void **state)
{
    fixture_t *fixture = *state;
    segj_write_buffer_t *older = add(fixture, 0, 200);
    segj_write_buffer_t *newer = add(fixture, 100, 150);
    assert_ptr_equal(segj_chain_find(&fixture->chain, 99), older);
    assert_ptr_equal(segj_chain_find(&fixture->chain, 100), newer);
    assert_ptr_equal(segj_chain_find(&fixture->chain, 199), newer);
    assert_ptr_equal(segj_chain_find(&fixture->chain, 249), newer);
    drop(fixture, older);
    drop(fixture, newer);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_taken_buffer_is_live_and_empty),
        TEST(a_spare_is_as_good_as_new),
        TEST(two_spares_are_kept),
        TEST(the_largest_spares_are_kept_and_the_smallest_that_will_do_is_taken),
        TEST(no_memory_is_told),
        TEST(memory_is_charged_while_it_is_held),
        TEST(pools_share_a_budget),
        TEST(a_chain_goes_on_in_a_larger_buffer),
        TEST(a_buffer_lives_as_long_as_its_last_reference),
        TEST(buffers_come_last_and_go_from_anywhere),
        TEST(a_byte_is_found_in_its_buffer),
        TEST(of_two_buffers_with_a_byte_the_newer_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
