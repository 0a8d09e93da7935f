/*
 * journal/files.c: files that are opened for reading until they are held for writing, and what becomes of them when the
 * system has no descriptor left.
 */
#include "unit/rig.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 12, MANY = 200 };

#define OPENS (RECORD_BIT(RECORD_FILE_OPEN) | RECORD_BIT(RECORD_FILE_CREATE) | RECORD_BIT(RECORD_FILE_CLOSE))

typedef struct fixture {
    rig_t *rig;
    segj_files_t *files;
    segj_handle_t handles[FILES];
} fixture_t;

static fixture_t *new_fixture(uint32_t limit)
{
    static fixture_t fixture;
    fixture.rig = rig_new((rig_sizes_t){.files_limit = limit});
    fixture.files = &fixture.rig->shared.files;
    fixture.rig->shared.index.give_back = segj_files_give_back;
    fixture.rig->shared.index.owner = fixture.files;
    for (uint64_t i = 0; i < FILES; i++) {
        segj_io_file_t file = rig_create(fixture.rig, &fixture.rig->shared.index, i);
        segj_io_close(&file);
        segj_handle_init(&fixture.handles[i], &fixture.rig->shared.index, i);
    }
    recorder_clear(fixture.rig->recorder);
    return &fixture;
}

static void free_fixture(fixture_t *fixture)
{
    recorder_watch(fixture->rig->recorder, NULL, NULL);
    segj_lock(fixture->files->state);
    for (int i = 0; i < FILES; i++)
        segj_files_forget(fixture->files, &fixture->handles[i]);
    assert_int_equal(fixture->files->held + fixture->files->opening + fixture->files->stuck, 0);
    segj_unlock(fixture->files->state);
    rig_free(fixture->rig);
}

typedef segj_status_t take_t(segj_files_t *files, segj_handle_t *handle);

static segj_status_t take(fixture_t *fixture, take_t *how, int number)
{
    segj_lock(fixture->files->state);
    segj_status_t status = how(fixture->files, &fixture->handles[number]);
    segj_unlock(fixture->files->state);
    return status;
}

static void pin(fixture_t *fixture, int number)
{
    assert_ok(take(fixture, segj_files_pin, number));
}

static void unpin(fixture_t *fixture, int number)
{
    segj_files_unpin_unlocked(fixture->files, &fixture->handles[number]);
}

static void use(fixture_t *fixture, int number)
{
    pin(fixture, number);
    unpin(fixture, number);
}

static void hold(fixture_t *fixture, int number)
{
    assert_ok(take(fixture, segj_files_pin_for_write, number));
    assert_true(fixture->handles[number].file.writable);
}

static void release(fixture_t *fixture, int number)
{
    segj_lock(fixture->files->state);
    segj_files_unpin_for_write(fixture->files, &fixture->handles[number]);
    segj_unlock(fixture->files->state);
}

/* --- for reading, for writing --- */

static void a_file_is_opened_for_writing_when_it_is_held(void **state)
{
    fixture_t *fixture = new_fixture(4);
    use(fixture, 1);
    assert_false(fixture->handles[1].file.writable);
    hold(fixture, 1);
    use(fixture, 1);
    release(fixture, 1);
    assert_calls(fixture->rig->recorder, OPENS, "open index/1; close index/1; open index/1");
    recorder_clear(fixture->rig->recorder);
    use(fixture, 1); /* it stays so */
    hold(fixture, 1);
    release(fixture, 1);
    hold(fixture, 2);
    release(fixture, 2);
    assert_calls(fixture->rig->recorder, OPENS, "open index/2");
    assert_int_equal(fixture->handles[1].openings, 2);
    assert_int_equal(fixture->files->held, 0);
    free_fixture(fixture);
}

static void a_failed_hold_leaves_the_file_to_readers(void **state)
{
    fixture_t *fixture = new_fixture(4);
    use(fixture, 1);
    recorder_clear(fixture->rig->recorder);
    recorder_fail(fixture->rig->recorder, RECORD_FILE_OPEN, 0, 1, ENOSPC);
    assert_status(take(fixture, segj_files_pin_for_write, 1), SEGJ_ERR_NO_SPACE);
    assert_int_equal(fixture->handles[1].pins + fixture->files->held, 0);
    use(fixture, 1);
    assert_false(fixture->handles[1].file.writable);
    assert_calls(fixture->rig->recorder, OPENS, "close index/1; open index/1 !; open index/1");
    free_fixture(fixture);
}

typedef struct waiter {
    fixture_t *fixture;
    take_t *how;
    int number;
    segj_status_t status;
    bool asked; /* under the state lock: set in the same breath */
    bool ended; /* the same */
} waiter_t;

static void *take_in_thread(void *argument)
{
    waiter_t *waiter = argument;
    segj_files_t *files = waiter->fixture->files;
    segj_lock(files->state);
    waiter->asked = true;
    waiter->status = waiter->how(files, &waiter->fixture->handles[waiter->number]);
    waiter->ended = true;
    segj_unlock(files->state);
    return NULL;
}

static pthread_t start(waiter_t *waiter)
{
    pthread_t thread;
    bool asked = false;
    assert_int_equal(pthread_create(&thread, NULL, take_in_thread, waiter), 0);
    while (!asked) {
        segj_lock(waiter->fixture->files->state);
        asked = waiter->asked;
        segj_unlock(waiter->fixture->files->state);
    }
    return thread;
}

static bool has_ended(const waiter_t *waiter)
{
    segj_lock(waiter->fixture->files->state);
    bool ended = waiter->ended;
    segj_unlock(waiter->fixture->files->state);
    return ended;
}

static void end(pthread_t thread, const waiter_t *waiter, segj_status_t expected)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_status(waiter->status, expected);
}

/* Who reads through the old descriptor ends first; who comes meanwhile gets the new one. */
static void a_hold_waits_for_readers_and_readers_for_it(void **state)
{
    fixture_t *fixture = new_fixture(4);
    waiter_t writer = {.fixture = fixture, .how = segj_files_pin_for_write, .number = 1};
    waiter_t reader = {.fixture = fixture, .how = segj_files_pin, .number = 1};
    pin(fixture, 1);
    pin(fixture, 1);
    pthread_t one = start(&writer);
    pthread_t two = start(&reader);
    unpin(fixture, 1);
    assert_false(has_ended(&writer) || has_ended(&reader));
    assert_int_equal(fixture->handles[1].openings, 1);
    unpin(fixture, 1);
    end(one, &writer, SEGJ_OK);
    end(two, &reader, SEGJ_OK);
    assert_int_equal(fixture->handles[1].openings, 2);
    assert_true(fixture->handles[1].file.writable);
    assert_calls(fixture->rig->recorder, OPENS, "open index/1; close index/1; open index/1");
    unpin(fixture, 1);
    release(fixture, 1);
    free_fixture(fixture);
}

/* --- no descriptor left --- */

static void fail_opens(fixture_t *fixture, uint32_t times, int code)
{
    recorder_clear(fixture->rig->recorder);
    recorder_fail(fixture->rig->recorder, RECORD_FILE_OPEN, 0, times, code);
}

static void what_nobody_uses_is_given_back(void **state)
{
    fixture_t *fixture = new_fixture(8);
    pin(fixture, 0);
    for (int i = 1; i < 4; i++)
        use(fixture, i);
    fail_opens(fixture, 1, EMFILE);
    use(fixture, 4);
    assert_calls(fixture->rig->recorder, OPENS, "open index/4 !; close index/1; open index/4");
    fail_opens(fixture, 2, ENFILE);
    hold(fixture, 5);
    assert_calls(fixture->rig->recorder, OPENS,
                 "close index/2; open index/5 !; close index/3; open index/5 !; close index/4; open index/5");
    unpin(fixture, 0);
    release(fixture, 5);
    free_fixture(fixture);
}

/* With some more, which the application may want; and no more are kept open from then on, until things have gone
 * well for a while. */
static void the_limit_falls_and_rises_again(void **state)
{
    fixture_t *fixture = new_fixture(FILES);
    for (int i = 0; i < FILES - 1; i++)
        use(fixture, i);
    fail_opens(fixture, 1, EMFILE);
    use(fixture, FILES - 1);
    assert_int_equal(fixture->files->limit, FILES - 1 - 4);
    assert_int_equal(fixture->files->open, FILES - 1 - 4 + 1);
    use(fixture, 0);
    assert_int_equal(fixture->files->open, FILES - 1 - 4);
    uint32_t limit = fixture->files->limit;
    recorder_clear(fixture->rig->recorder);
    while (fixture->files->limit < FILES) {
        size_t opened = recorder_count(fixture->rig->recorder, RECORD_FILE_OPEN);
        for (int i = 0; i < MANY && fixture->files->limit == limit; i++)
            use(fixture, i % FILES);
        assert_int_equal(fixture->files->limit, limit + 1);
        assert_in_range(recorder_count(fixture->rig->recorder, RECORD_FILE_OPEN) - opened, 60, 64);
        assert_true(fixture->files->open <= limit + 1);
        limit = fixture->files->limit;
    }
    for (int i = 0; i < MANY; i++)
        use(fixture, i % FILES);
    assert_int_equal(fixture->files->limit, FILES);
    assert_int_equal(fixture->files->open, FILES);
    free_fixture(fixture);
}

/* Those are the caller's own, who may be the one that opens. */
static void what_is_reserved_is_not_waited_for(void **state)
{
    fixture_t *fixture = new_fixture(8);
    hold(fixture, 0);
    segj_lock(fixture->files->state);
    segj_files_reserve(fixture->files, 2);
    segj_unlock(fixture->files->state);
    fail_opens(fixture, 1, EMFILE);
    assert_status(take(fixture, segj_files_pin, 1), SEGJ_ERR_IO);
    segj_lock(fixture->files->state);
    segj_files_give_up_reserve(fixture->files, 2);
    segj_unlock(fixture->files->state);
    use(fixture, 1);
    release(fixture, 0);
    free_fixture(fixture);
}

static void what_writers_hold_is_not_waited_for(void **state)
{
    fixture_t *fixture = new_fixture(8);
    for (int i = 0; i < 4; i++)
        hold(fixture, i);
    fail_opens(fixture, 1, EMFILE);
    assert_status(take(fixture, segj_files_pin, 4), SEGJ_ERR_IO);
    assert_true(fixture->handles[4].file.exhausted);
    assert_non_null(strstr(segj_last_error(), "index/0000000000000004: open: Too many open files (raise the limit"));
    fail_opens(fixture, 1, EIO);
    assert_status(take(fixture, segj_files_pin, 4), SEGJ_ERR_IO);
    assert_false(fixture->handles[4].file.exhausted);
    recorder_clear(fixture->rig->recorder);
    release(fixture, 0);
    use(fixture, 4);
    assert_calls(fixture->rig->recorder, OPENS, "close index/0; open index/4"); /* the limit has fallen */
    for (int i = 1; i < 4; i++)
        release(fixture, i);
    free_fixture(fixture);
}

static void readers_are_waited_for(void **state)
{
    fixture_t *fixture = new_fixture(8);
    waiter_t waiter = {.fixture = fixture, .how = segj_files_pin, .number = 4};
    hold(fixture, 0);
    pin(fixture, 1);
    fail_opens(fixture, 1, EMFILE);
    pthread_t thread = start(&waiter);
    while (recorder_count(fixture->rig->recorder, RECORD_FILE_OPEN) == 0)
        (void)has_ended(&waiter);
    assert_false(has_ended(&waiter));
    unpin(fixture, 1);
    end(thread, &waiter, SEGJ_OK);
    assert_calls(fixture->rig->recorder, OPENS, "open index/4 !; close index/1; open index/4");
    unpin(fixture, 4);
    release(fixture, 0);
    free_fixture(fixture);
}

/* Openings that found no descriptor do not wait for each other. */
static void what_is_being_opened_in_vain_is_not_waited_for(void **state)
{
    enum { THREADS = 4 };
    fixture_t *fixture = new_fixture(8);
    waiter_t waiters[THREADS];
    pthread_t threads[THREADS];
    hold(fixture, 0);
    fail_opens(fixture, MANY, EMFILE);
    for (int i = 0; i < THREADS; i++) {
        waiters[i] = (waiter_t){.fixture = fixture, .how = segj_files_pin, .number = 1 + i};
        threads[i] = start(&waiters[i]);
    }
    for (int i = 0; i < THREADS; i++)
        end(threads[i], &waiters[i], SEGJ_ERR_IO);
    assert_int_equal(fixture->files->open, 1);
    recorder_fail(fixture->rig->recorder, RECORD_FILE_OPEN, 0, 0, 0);
    release(fixture, 0);
    free_fixture(fixture);
}

/* A listing opens its directory anew. */
static void a_listing_gets_a_descriptor_too(void **state)
{
    fixture_t *fixture = new_fixture(8);
    uint64_t *sections = NULL;
    size_t count = 0;
    const segj_io_partition_t *partition = &fixture->rig->shared.index;
    use(fixture, 3);
    recorder_clear(fixture->rig->recorder);
    recorder_fail(fixture->rig->recorder, RECORD_PARTITION_LIST, 0, 1, EMFILE);
    assert_ok(segj_partition_sections(partition, &sections, &count));
    assert_int_equal(count, FILES);
    free(sections);
    assert_calls(fixture->rig->recorder, OPENS, "close index/3");
    recorder_fail(fixture->rig->recorder, RECORD_PARTITION_LIST, 0, 1, EMFILE);
    assert_status(segj_partition_sections(partition, &sections, &count), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "rig/index: listing: Too many open files (raise the limit"));
    free_fixture(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_opened_for_writing_when_it_is_held),
        cmocka_unit_test(a_failed_hold_leaves_the_file_to_readers),
        cmocka_unit_test(a_hold_waits_for_readers_and_readers_for_it),
        cmocka_unit_test(what_nobody_uses_is_given_back),
        cmocka_unit_test(the_limit_falls_and_rises_again),
        cmocka_unit_test(what_is_reserved_is_not_waited_for),
        cmocka_unit_test(what_writers_hold_is_not_waited_for),
        cmocka_unit_test(readers_are_waited_for),
        cmocka_unit_test(what_is_being_opened_in_vain_is_not_waited_for),
        cmocka_unit_test(a_listing_gets_a_descriptor_too),
    };
    return cmocka_run_group_tests_name("files_few", tests, NULL, NULL);
}
