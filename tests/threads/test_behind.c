/*
 * threads/test_behind.c: where others wait for the change lock, a full buffer of values is written after its append has
 * given the lock up (write/behind.h): others append and read meanwhile, and what needs the section at rest waits.
 *
 * LINK_WRAP: segj_gate_is_wanted
 */
#include "oversized/section/journal.h"
#include "support/wanted.h"
#include "threads/stage.h"

#include <errno.h>

enum { REHEARSED = 2, SECTION = 3, BUFFER = 16384 };

static segj_status_t append_wanted(oversized_t *journal, uint64_t id)
{
    gates_are_wanted = true;
    segj_status_t status = append_sample(journal, SECTION, id, NULL);
    gates_are_wanted = false;
    return status;
}

static segj_status_t append_alone(oversized_t *journal, uint64_t id)
{
    return append_sample(journal, SECTION, id, NULL);
}

static size_t values_written(const stage_t *stage, uint64_t section)
{
    return watched_count(stage->watched, CALL_WRITE, PART_VALUES, section);
}

/* The id of the record whose append finds the buffer full. */
static uint64_t rehearse(const stage_t *stage)
{
    uint64_t id = 0;
    append_samples(stage->journal, REHEARSED, id, 1);
    watched_forget(stage->watched);
    while (values_written(stage, REHEARSED) == 0)
        append_samples(stage->journal, REHEARSED, ++id, 1);
    return id;
}

/* Its buffer is full, and the thread that appends the next record comes to the device with it. The number of records,
 * with that one. */
static uint64_t begin(stage_t *stage, gate_t **gate, errand_t *errand, segj_status_t (*append)(oversized_t *, uint64_t))
{
    stage->config.value_write_buffer = BUFFER;
    stage_reopen(stage);
    uint64_t full = rehearse(stage);
    append_samples(stage->journal, SECTION, 0, full);
    *gate = gate_close(stage->watched, CALL_WRITE, PART_VALUES, SECTION, 1);
    errand_start(errand, stage, append, full);
    gate_await(*gate, 1);
    return full + 1;
}

static void check_all(const stage_t *stage, uint64_t count)
{
    check_samples(stage->journal, SECTION, count);
    assert_writes_apart(stage->watched);
}

/* It is written, and what follows is made durable. */
static void end(stage_t *stage, gate_t *gate, errand_t *errand, uint64_t count)
{
    gate_open(gate, 0);
    errand_join(errand, SEGJ_OK);
    assert_ok(oversized_sync(stage->journal, SECTION));
    check_all(stage, count);
    check_crash(stage, SECTION, count);
}

static void others_append_and_read_meanwhile(void **state)
{
    stage_t *stage = *state;
    errand_t errand;
    gate_t *gate;
    uint64_t count = begin(stage, &gate, &errand, append_wanted);
    check_all(stage, count);
    append_samples(stage->journal, SECTION, count, 2);
    append_samples(stage->journal, REHEARSED + 2, 0, 1);
    assert_ok(oversized_sync(stage->journal, REHEARSED));
    check_all(stage, count + 2);
    assert_false(errand_finished(&errand));
    end(stage, gate, &errand, count + 2);
}

/* It keeps the lock, and makes the room that it needs. */
static void not_where_nobody_waits(void **state)
{
    stage_t *stage = *state;
    errand_t errand;
    gate_t *gate;
    uint64_t count = begin(stage, &gate, &errand, append_alone);
    assert_false(segj_gate_try(&stage->journal->change));
    gate_open(gate, 0);
    errand_join(&errand, SEGJ_OK);
    check_all(stage, count);
}

/* The next buffer that is full is written under the lock: memory does not grow with the number of threads. */
static void one_buffer_at_a_time(void **state)
{
    stage_t *stage = *state;
    errand_t errand;
    gate_t *gate;
    uint64_t count = begin(stage, &gate, &errand, append_wanted);
    uint64_t two_buffers = 2 * count + 8;
    size_t before = values_written(stage, SECTION);
    while (values_written(stage, SECTION) == before)
        assert_ok(append_wanted(stage->journal, count++));
    assert_true(count <= two_buffers);
    assert_false(errand_finished(&errand));
    check_all(stage, count);
    end(stage, gate, &errand, count);
}

/* The append has been done; the next one that needs room, or a sync, writes what could not be written. */
static void what_cannot_be_written_stays(void **state)
{
    stage_t *stage = *state;
    errand_t errand;
    gate_t *gate;
    uint64_t count = begin(stage, &gate, &errand, append_wanted);
    gate_open(gate, EIO);
    errand_join(&errand, SEGJ_OK);
    check_all(stage, count);
    watched_fail(stage->watched, CALL_WRITE, PART_VALUES, SECTION, EIO);
    assert_status(oversized_sync(stage->journal, SECTION), SEGJ_ERR_IO);
    watched_fail(stage->watched, CALL_WRITE, PART_VALUES, SECTION, 0);
    assert_ok(oversized_sync(stage->journal, SECTION));
    check_all(stage, count);
    check_crash(stage, SECTION, count);
}

/* These wait for the buffer, and find the section with all that was appended. */
static uint64_t check_wait(stage_t *stage, segj_status_t (*call)(oversized_t *journal, uint64_t argument),
                           uint64_t argument)
{
    errand_t errand, waits;
    gate_t *gate;
    uint64_t count = begin(stage, &gate, &errand, append_wanted);
    errand_start(&waits, stage, call, argument);
    gate_open(gate, 0);
    errand_join(&errand, SEGJ_OK);
    errand_join(&waits, SEGJ_OK);
    assert_writes_apart(stage->watched);
    return count;
}

static void a_rewind_waits(void **state)
{
    stage_t *stage = *state;
    (void)check_wait(stage, call_rewind_section_to_3, SECTION);
    check_all(stage, 3);
    check_crash(stage, SECTION, 3);
}

static void a_prune_waits(void **state)
{
    stage_t *stage = *state;
    (void)check_wait(stage, call_prune, SECTION + 1);
    assert_status(append_sample(stage->journal, SECTION, 0, NULL), SEGJ_ERR_PRUNED);
}

static void a_close_waits(void **state)
{
    stage_t *stage = *state;
    uint64_t count = check_wait(stage, call_close, 0);
    stage->journal = NULL;
    stage_reopen(stage);
    check_all(stage, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(others_append_and_read_meanwhile),
        STAGE_TEST(not_where_nobody_waits),
        STAGE_TEST(one_buffer_at_a_time),
        STAGE_TEST(what_cannot_be_written_stays),
        STAGE_TEST(a_rewind_waits),
        STAGE_TEST(a_prune_waits),
        STAGE_TEST(a_close_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
