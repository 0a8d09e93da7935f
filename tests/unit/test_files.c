/* journal/files.c: descriptors, never more than configured, and the one that nobody has used longest goes first. */
#include "unit/rig.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "unit/random.h"

enum { FILES = 6 };

#define OPENS (RECORD_BIT(RECORD_FILE_OPEN) | RECORD_BIT(RECORD_FILE_CREATE) | RECORD_BIT(RECORD_FILE_CLOSE))

/* Sections 0 to FILES - 1 have files; `handles` are theirs. */
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
    for (uint64_t i = 0; i < FILES; i++) {
        segj_io_file_t file = rig_create(fixture.rig, &fixture.rig->shared.index, i);
        segj_io_close(&file);
        segj_handle_init(&fixture.handles[i], &fixture.rig->shared.index, i);
    }
    recorder_clear(fixture.rig->recorder);
    return &fixture;
}

static segj_status_t try_pin(const fixture_t *fixture, segj_handle_t *handle)
{
    segj_lock(fixture->files->state);
    segj_status_t status = segj_files_pin(fixture->files, handle);
    segj_unlock(fixture->files->state);
    return status;
}

static void pin(fixture_t *fixture, int number)
{
    assert_ok(try_pin(fixture, &fixture->handles[number]));
    assert_non_null(fixture->handles[number].file.opened);
}

static void unpin(fixture_t *fixture, int number)
{
    segj_lock(fixture->files->state);
    segj_files_unpin(fixture->files, &fixture->handles[number]);
    segj_unlock(fixture->files->state);
}

static void hold(fixture_t *fixture, int number)
{
    segj_lock(fixture->files->state);
    assert_ok(segj_files_pin_for_write(fixture->files, &fixture->handles[number]));
    segj_unlock(fixture->files->state);
}

static void release(fixture_t *fixture, int number)
{
    segj_lock(fixture->files->state);
    segj_files_unpin_for_write(fixture->files, &fixture->handles[number]);
    segj_unlock(fixture->files->state);
}

static void use(fixture_t *fixture, int number)
{
    pin(fixture, number);
    unpin(fixture, number);
}

static void forget(fixture_t *fixture, int number)
{
    segj_lock(fixture->files->state);
    segj_files_forget(fixture->files, &fixture->handles[number]);
    segj_unlock(fixture->files->state);
    assert_null(fixture->handles[number].file.opened);
}

static void free_fixture(fixture_t *fixture)
{
    recorder_watch(fixture->rig->recorder, NULL, NULL);
    for (int i = 0; i < FILES; i++)
        forget(fixture, i);
    rig_free(fixture->rig);
}

/* --- one thread --- */

static void a_file_is_opened_when_it_is_first_pinned(void **state)
{
    fixture_t *fixture = new_fixture(4);
    assert_null(fixture->handles[1].file.opened);
    assert_int_equal(fixture->handles[1].file.section, 1);
    pin(fixture, 1);
    pin(fixture, 1);
    assert_int_equal(fixture->files->open, 1);
    assert_calls(fixture->rig->recorder, OPENS, "open index/1");
    unpin(fixture, 1);
    unpin(fixture, 1);
    free_fixture(fixture);
}

static void an_unused_file_stays_open(void **state)
{
    fixture_t *fixture = new_fixture(4);
    use(fixture, 1);
    use(fixture, 2);
    use(fixture, 1);
    use(fixture, 2);
    assert_calls(fixture->rig->recorder, OPENS, "open index/1; open index/2");
    free_fixture(fixture);
}

static void a_held_file_works(void **state)
{
    fixture_t *fixture = new_fixture(4);
    char found[5] = {0};
    hold(fixture, 3);
    assert_ok(segj_io_write(&fixture->handles[3].file, 0, "text", 5));
    assert_ok(segj_io_read(&fixture->handles[3].file, 0, found, 5, NULL));
    assert_string_equal(found, "text");
    release(fixture, 3);
    free_fixture(fixture);
}

static void the_file_unused_longest_is_closed_first(void **state)
{
    fixture_t *fixture = new_fixture(3);
    use(fixture, 0);
    use(fixture, 1);
    use(fixture, 2);
    use(fixture, 0);
    recorder_clear(fixture->rig->recorder);
    use(fixture, 3);
    assert_calls(fixture->rig->recorder, OPENS, "close index/1; open index/3");
    use(fixture, 4);
    assert_calls(fixture->rig->recorder, OPENS, "close index/2; open index/4");
    use(fixture, 5);
    assert_calls(fixture->rig->recorder, OPENS, "close index/0; open index/5");
    use(fixture, 1);
    assert_calls(fixture->rig->recorder, OPENS, "close index/3; open index/1");
    free_fixture(fixture);
}

/* How long it has been unused counts from its last unpin. */
static void a_pinned_file_is_not_closed(void **state)
{
    fixture_t *fixture = new_fixture(2);
    pin(fixture, 0);
    for (int i = 1; i < FILES; i++)
        use(fixture, i);
    assert_non_null(fixture->handles[0].file.opened);
    assert_calls(fixture->rig->recorder, OPENS,
                 "open index/0; open index/1; close index/1; open index/2; close index/2; open index/3; "
                 "close index/3; open index/4; close index/4; open index/5");
    unpin(fixture, 0);
    use(fixture, 1);
    assert_calls(fixture->rig->recorder, OPENS, "close index/5; open index/1");
    free_fixture(fixture);
}

/* The storage is asked, not the books: pins and unpins at random, and the files that are open counted there. */
static void never_more_files_are_open_than_configured(void **state)
{
    for (uint32_t limit = 1; limit <= FILES; limit++) {
        fixture_t *fixture = new_fixture(limit);
        uint64_t random = limit;
        uint32_t pins[FILES] = {0};
        uint32_t pinned = 0;
        for (int step = 0; step < 2000; step++) {
            int number = (int)random_below(&random, FILES);
            if (pins[number] > 0 && random_below(&random, 2) == 0) {
                unpin(fixture, number);
                pinned -= --pins[number] == 0;
            } else if (pins[number] > 0 || pinned < limit) {
                pin(fixture, number);
                pinned += pins[number]++ == 0;
            }
            size_t open = recorder_count(fixture->rig->recorder, RECORD_FILE_OPEN) -
                          recorder_count(fixture->rig->recorder, RECORD_FILE_CLOSE);
            assert_int_equal(fixture->files->open, open);
            assert_in_range(open, pinned, limit);
            for (int i = 0; i < FILES; i++)
                assert_true(pins[i] == 0 || fixture->handles[i].file.opened != NULL);
        }
        for (int i = 0; i < FILES; i++)
            while (pins[i]-- > 0)
                unpin(fixture, i);
        free_fixture(fixture);
    }
}

static void a_failed_open_pins_nothing(void **state)
{
    fixture_t *fixture = new_fixture(1);
    static const struct {
        int code;
        segj_status_t status;
    } cases[] = {{EMFILE, SEGJ_ERR_IO}, {ENOMEM, SEGJ_ERR_MEMORY}, {ENOENT, SEGJ_ERR_IO}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        recorder_fail(fixture->rig->recorder, RECORD_FILE_OPEN, 0, 1, cases[i].code);
        assert_status(try_pin(fixture, &fixture->handles[1]), cases[i].status);
        assert_non_null(strstr(segj_last_error(), "rig/index/0000000000000001: open: "));
        assert_int_equal(fixture->handles[1].pins, 0);
        assert_int_equal(fixture->files->open, 0);
        use(fixture, 1); /* the only descriptor is free, and the next try succeeds */
        forget(fixture, 1);
    }
    free_fixture(fixture);
}

static void creation_makes_the_file_and_pins_it(void **state)
{
    fixture_t *fixture = new_fixture(1);
    segj_handle_t handle;
    segj_handle_init(&handle, &fixture->rig->shared.index, 100);
    use(fixture, 0);
    recorder_clear(fixture->rig->recorder);
    segj_lock(fixture->files->state);
    assert_ok(segj_files_create(fixture->files, &handle));
    assert_int_equal(handle.pins, 1);
    segj_files_unpin_for_write(fixture->files, &handle);
    segj_files_forget(fixture->files, &handle);
    assert_status(segj_files_create(fixture->files, &handle), SEGJ_ERR_CORRUPT); /* it is there already */
    assert_int_equal(handle.pins, 0);
    assert_int_equal(fixture->files->open, 0);
    segj_unlock(fixture->files->state);
    assert_calls(fixture->rig->recorder, OPENS, "close index/0; create index/64; close index/64; create index/64 !");
    free_fixture(fixture);
}

static void forgetting_closes_what_is_open(void **state)
{
    fixture_t *fixture = new_fixture(4);
    forget(fixture, 1); /* not open: nothing to do */
    use(fixture, 0);
    use(fixture, 1);
    use(fixture, 2);
    forget(fixture, 1); /* from the middle of those that nobody uses */
    forget(fixture, 0);
    assert_int_equal(fixture->files->open, 1);
    assert_calls(fixture->rig->recorder, OPENS,
                 "open index/0; open index/1; open index/2; close index/1; close index/0");
    use(fixture, 1); /* and can be opened again */
    forget(fixture, 2);
    assert_calls(fixture->rig->recorder, OPENS, "open index/1; close index/2");
    free_fixture(fixture);
}

static void a_pinned_file_is_read(void **state)
{
    fixture_t *fixture = new_fixture(4);
    pin(fixture, 0);
    assert_status(segj_io_write(&fixture->handles[0].file, 0, "x", 1), SEGJ_ERR_IO);
    unpin(fixture, 0);
    free_fixture(fixture);
}

/* Whether the state lock was free whenever the storage was at work. */
typedef struct watch {
    segj_state_t *state;
    int free, held;
} watch_t;

static void look_at_the_lock(void *context, const record_t *call)
{
    watch_t *watch = context;
    (void)call;
    if (segj_try_lock(watch->state)) {
        watch->free++;
        segj_unlock(watch->state);
    } else {
        watch->held++;
    }
}

static void the_state_lock_is_free_while_the_storage_works(void **state)
{
    fixture_t *fixture = new_fixture(1);
    watch_t watch = {.state = fixture->files->state};
    recorder_watch(fixture->rig->recorder, look_at_the_lock, &watch);
    use(fixture, 0);
    use(fixture, 1);
    forget(fixture, 1);
    assert_int_equal(watch.free, 4); /* open, close, open, close */
    assert_int_equal(watch.held, 0);
    free_fixture(fixture);
}

/* --- several threads --- */

typedef struct waiter {
    fixture_t *fixture;
    int number;
    bool asked; /* under the state lock: set in the same breath as the pin */
    segj_status_t status;
} waiter_t;

static void *pin_in_thread(void *argument)
{
    waiter_t *waiter = argument;
    segj_files_t *files = waiter->fixture->files;
    segj_lock(files->state);
    waiter->asked = true;
    waiter->status = segj_files_pin(files, &waiter->fixture->handles[waiter->number]);
    segj_wake_all(files->changed);
    segj_unlock(files->state);
    return NULL;
}

static pthread_t start(waiter_t *waiter)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, pin_in_thread, waiter), 0);
    return thread;
}

/* Returns when the waiter has given the lock up inside of its pin. */
static void await_asking(const waiter_t *waiter)
{
    bool asked = false;
    while (!asked) {
        segj_lock(waiter->fixture->files->state);
        asked = waiter->asked;
        segj_unlock(waiter->fixture->files->state);
    }
}

static void a_pin_waits_until_a_descriptor_is_free(void **state)
{
    fixture_t *fixture = new_fixture(2);
    waiter_t waiter = {.fixture = fixture, .number = 2, .status = SEGJ_ERR_IO};
    pin(fixture, 0);
    pin(fixture, 1);
    pthread_t thread = start(&waiter);
    await_asking(&waiter);
    segj_lock(fixture->files->state);
    assert_int_equal(fixture->files->open, 2);
    assert_null(fixture->handles[2].file.opened);
    segj_unlock(fixture->files->state);
    unpin(fixture, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(waiter.status, SEGJ_OK);
    assert_calls(fixture->rig->recorder, OPENS, "open index/0; open index/1; close index/1; open index/2");
    unpin(fixture, 2);
    unpin(fixture, 0);
    free_fixture(fixture);
}

/* A reader lets go without the lock: it must not miss who waits. */
static void letting_go_wakes_who_waits_for_a_descriptor(void **state)
{
    for (int i = 0; i < 200; i++) {
        fixture_t *fixture = new_fixture(1);
        waiter_t waiter = {.fixture = fixture, .number = 1, .status = SEGJ_ERR_IO};
        pin(fixture, 0);
        pthread_t thread = start(&waiter);
        if (i % 2 == 0)
            await_asking(&waiter);
        segj_files_unpin_unlocked(fixture->files, &fixture->handles[0]);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(waiter.status, SEGJ_OK);
        unpin(fixture, 1);
        free_fixture(fixture);
    }
}

static void a_file_that_was_let_go_can_be_closed(void **state)
{
    fixture_t *fixture = new_fixture(1);
    pin(fixture, 0);
    pin(fixture, 0);
    segj_files_unpin_unlocked(fixture->files, &fixture->handles[0]);
    assert_int_equal(fixture->handles[0].pins, 1);
    segj_files_unpin_unlocked(fixture->files, &fixture->handles[0]);
    use(fixture, 1);
    assert_calls(fixture->rig->recorder, OPENS, "open index/0; close index/0; open index/1");
    free_fixture(fixture);
}

/* A file is pinned twice: the waiter goes on only after the second unpin. */
static void a_pin_waits_for_the_last_pin_of_another(void **state)
{
    fixture_t *fixture = new_fixture(1);
    waiter_t waiter = {.fixture = fixture, .number = 1, .status = SEGJ_ERR_IO};
    pin(fixture, 0);
    pin(fixture, 0);
    pthread_t thread = start(&waiter);
    await_asking(&waiter);
    unpin(fixture, 0);
    segj_lock(fixture->files->state);
    segj_wake_all(fixture->files->changed); /* a wake-up for another reason */
    segj_unlock(fixture->files->state);
    pin(fixture, 0); /* still open: needs no descriptor */
    unpin(fixture, 0);
    assert_calls(fixture->rig->recorder, OPENS, "open index/0");
    unpin(fixture, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(waiter.status, SEGJ_OK);
    unpin(fixture, 1);
    free_fixture(fixture);
}

/* Holds the first open until the test lets it go. */
typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool arrived, open;
} gate_t;

static void stop_at_open(void *context, const record_t *call)
{
    gate_t *gate = context;
    if (call->kind != RECORD_FILE_OPEN)
        return;
    (void)pthread_mutex_lock(&gate->mutex);
    gate->arrived = true;
    (void)pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        (void)pthread_cond_wait(&gate->changed, &gate->mutex);
    (void)pthread_mutex_unlock(&gate->mutex);
}

static void await_arrival(gate_t *gate)
{
    (void)pthread_mutex_lock(&gate->mutex);
    while (!gate->arrived)
        (void)pthread_cond_wait(&gate->changed, &gate->mutex);
    (void)pthread_mutex_unlock(&gate->mutex);
}

static void let_go(gate_t *gate)
{
    (void)pthread_mutex_lock(&gate->mutex);
    gate->open = true;
    (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->mutex);
}

/* Two threads want a file that is closed; `code` is what its first open answers. */
static void two_want_the_same_file(int code, const char *calls)
{
    fixture_t *fixture = new_fixture(4);
    gate_t gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    waiter_t first = {.fixture = fixture, .number = 1, .status = SEGJ_ERR_INVALID};
    waiter_t second = first;
    if (code != 0)
        recorder_fail(fixture->rig->recorder, RECORD_FILE_OPEN, 0, 1, code);
    recorder_watch(fixture->rig->recorder, stop_at_open, &gate);
    pthread_t one = start(&first);
    await_arrival(&gate);
    pthread_t two = start(&second);
    await_asking(&second);
    let_go(&gate);
    assert_int_equal(pthread_join(one, NULL), 0);
    assert_int_equal(pthread_join(two, NULL), 0);
    assert_int_equal(first.status, code == 0 ? SEGJ_OK : SEGJ_ERR_IO);
    assert_int_equal(second.status, SEGJ_OK);
    assert_int_equal(fixture->handles[1].pins, code == 0 ? 2 : 1);
    assert_int_equal(fixture->files->open, 1);
    assert_calls(fixture->rig->recorder, OPENS, calls);
    unpin(fixture, 1);
    if (code == 0)
        unpin(fixture, 1);
    free_fixture(fixture);
}

static void two_threads_open_a_file_once(void **state)
{
    two_want_the_same_file(0, "open index/1");
}

static void a_failed_open_lets_the_next_try(void **state)
{
    two_want_the_same_file(EIO, "open index/1 !; open index/1");
}

/* A failed open gives its descriptor's place back to whoever waits for one. */
static void a_failed_open_wakes_who_waits_for_a_descriptor(void **state)
{
    fixture_t *fixture = new_fixture(1);
    gate_t gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    waiter_t first = {.fixture = fixture, .number = 1};
    waiter_t second = {.fixture = fixture, .number = 2, .status = SEGJ_ERR_INVALID};
    recorder_fail(fixture->rig->recorder, RECORD_FILE_OPEN, 0, 1, EIO);
    recorder_watch(fixture->rig->recorder, stop_at_open, &gate);
    pthread_t one = start(&first);
    await_arrival(&gate);
    pthread_t two = start(&second);
    await_asking(&second);
    let_go(&gate);
    assert_int_equal(pthread_join(one, NULL), 0);
    assert_int_equal(pthread_join(two, NULL), 0);
    assert_int_equal(first.status, SEGJ_ERR_IO);
    assert_int_equal(second.status, SEGJ_OK);
    unpin(fixture, 2);
    free_fixture(fixture);
}

static void *use_at_random(void *argument)
{
    waiter_t *waiter = argument;
    segj_files_t *files = waiter->fixture->files;
    uint64_t random = (uint64_t)waiter->number;
    for (int i = 0; i < 300 && waiter->status == SEGJ_OK; i++) {
        segj_handle_t *handle = &waiter->fixture->handles[random_below(&random, FILES)];
        char byte;
        size_t got;
        segj_lock(files->state);
        waiter->status = segj_files_pin(files, handle);
        segj_unlock(files->state);
        if (waiter->status != SEGJ_OK)
            break;
        waiter->status = segj_io_read(&handle->file, 0, &byte, 1, &got);
        segj_lock(files->state);
        segj_files_unpin(files, handle);
        segj_unlock(files->state);
    }
    return NULL;
}

static void threads_share_two_descriptors(void **state)
{
    enum { THREADS = 4 };
    fixture_t *fixture = new_fixture(2);
    waiter_t waiters[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        waiters[i] = (waiter_t){.fixture = fixture, .number = i + 1, .status = SEGJ_OK};
        assert_int_equal(pthread_create(&threads[i], NULL, use_at_random, &waiters[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(waiters[i].status, SEGJ_OK);
    }
    assert_in_range(fixture->files->open, 1, 2);
    free_fixture(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_opened_when_it_is_first_pinned),
        cmocka_unit_test(an_unused_file_stays_open),
        cmocka_unit_test(a_held_file_works),
        cmocka_unit_test(the_file_unused_longest_is_closed_first),
        cmocka_unit_test(a_pinned_file_is_not_closed),
        cmocka_unit_test(never_more_files_are_open_than_configured),
        cmocka_unit_test(a_failed_open_pins_nothing),
        cmocka_unit_test(creation_makes_the_file_and_pins_it),
        cmocka_unit_test(forgetting_closes_what_is_open),
        cmocka_unit_test(a_pinned_file_is_read),
        cmocka_unit_test(the_state_lock_is_free_while_the_storage_works),
        cmocka_unit_test(a_pin_waits_until_a_descriptor_is_free),
        cmocka_unit_test(letting_go_wakes_who_waits_for_a_descriptor),
        cmocka_unit_test(a_file_that_was_let_go_can_be_closed),
        cmocka_unit_test(a_pin_waits_for_the_last_pin_of_another),
        cmocka_unit_test(two_threads_open_a_file_once),
        cmocka_unit_test(a_failed_open_lets_the_next_try),
        cmocka_unit_test(a_failed_open_wakes_who_waits_for_a_descriptor),
        cmocka_unit_test(threads_share_two_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
