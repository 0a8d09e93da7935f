/*
 * base/readers.h: who changes something waits until nobody is inside, and nobody comes in meanwhile.
 */
#include "base/readers.h"

#include <pthread.h>
#include <stdlib.h>

#include "support/support.h"

typedef struct door {
    segj_readers_t readers;
    atomic_bool shut; /* for good: nobody is inside */
} door_t;

static void *shut(void *argument)
{
    door_t *door = argument;
    segj_readers_block(&door->readers);
    atomic_store(&door->shut, true);
    return NULL;
}

static void who_shuts_waits_for_those_inside_and_lets_nobody_in(void **state)
{
    door_t *door = calloc(1, sizeof *door);
    pthread_t thread;
    assert_non_null(door);
    atomic_uint *inside = segj_readers_enter(&door->readers);
    assert_non_null(inside);
    assert_int_equal(pthread_create(&thread, NULL, shut, door), 0);
    while (!atomic_load(&door->readers.blocked))
        (void)sched_yield();
    for (int i = 0; i < 1000; i++) {
        assert_null(segj_readers_enter(&door->readers));
        assert_false(atomic_load(&door->shut));
        (void)sched_yield();
    }
    segj_readers_leave(inside);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(atomic_load(&door->shut));
    assert_null(segj_readers_enter(&door->readers));
    segj_readers_allow(&door->readers);
    inside = segj_readers_enter(&door->readers);
    assert_non_null(inside);
    segj_readers_leave(inside);
    free(door);
}

enum { READERS = 24, ROUNDS = 200 };

typedef struct board {
    segj_readers_t readers;
    uint64_t left, right; /* equal, whenever somebody looks */
    atomic_uint mistakes, looked, running;
} board_t;

static void *look(void *argument)
{
    board_t *board = argument;
    while (atomic_load(&board->running) > 0) {
        (void)sched_yield();
        atomic_uint *inside = segj_readers_enter(&board->readers);
        if (inside == NULL)
            continue;
        if (board->left != board->right)
            atomic_fetch_add(&board->mistakes, 1);
        segj_readers_leave(inside);
        atomic_fetch_add(&board->looked, 1);
    }
    return NULL;
}

/* More threads than there are counters. What they look at is no atomic: ThreadSanitizer has its say. */
static void what_is_changed_behind_the_door_is_never_seen_half(void **state)
{
    board_t *board = calloc(1, sizeof *board);
    pthread_t threads[READERS];
    assert_non_null(board);
    atomic_store(&board->running, 1);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look, board), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        segj_readers_block(&board->readers);
        board->left++;
        board->right++;
        segj_readers_allow(&board->readers);
    }
    while (atomic_load(&board->looked) < READERS)
        (void)sched_yield();
    atomic_store(&board->running, 0);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&board->mistakes), 0);
    free(board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_shuts_waits_for_those_inside_and_lets_nobody_in),
        cmocka_unit_test(what_is_changed_behind_the_door_is_never_seen_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
