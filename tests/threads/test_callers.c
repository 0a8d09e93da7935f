/*
 * threads/test_callers.c: callers, which keep how their last failing call did, whatever thread it ran on. Many users
 * share few threads, as goroutines and tasks do: one thread makes a user's call, another one asks why it failed.
 */
#include "segjournal/tools.h"
#include "threads/stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USERS = 64, THREADS = 4, ROUNDS = 500, SECTION = 3 };

/** Somebody who makes one call after the other, and asks between them. */
typedef struct user {
    oversized_t *caller;
    uint64_t section; /* that does not exist, and that the sentence must name */
    segj_status_t answer;
    bool asking;
    unsigned rounds;
    struct user *next;
} user_t;

/** Users that wait for a thread; whichever is free takes the next one. */
typedef struct queue {
    pthread_mutex_t mutex;
    user_t *first, *last;
    unsigned at_work;
    _Atomic(uint64_t) foreign; /* sentences of others that segj_last_error() gave */
} queue_t;

static void put(queue_t *queue, user_t *user)
{
    user->next = NULL;
    if (queue->first == NULL)
        queue->first = user;
    else
        queue->last->next = user;
    queue->last = user;
}

static user_t *take(queue_t *queue)
{
    user_t *user = queue->first;
    if (user != NULL)
        queue->first = user->next;
    return user;
}

static void sentence_of(uint64_t section, char *text, size_t size)
{
    (void)snprintf(text, size, "there is no section %llu", (unsigned long long)section);
}

static void step(worker_t *worker, user_t *user, queue_t *queue)
{
    char expected[64];
    user->asking = !user->asking;
    if (user->asking) {
        user->section = 1000 + user->section % 1000 * USERS + user->rounds;
        user->answer = oversized_get(user->caller, user->section, 0, NULL, NULL);
        return;
    }
    const segj_error_t *error = oversized_caller_error(user->caller);
    sentence_of(user->section, expected, sizeof expected);
    worker_expect(worker, user->answer == SEGJ_ERR_NO_SECTION && error->status == user->answer && error->code == 0,
                  "answer %d, status %d", (int)user->answer, (int)error->status);
    worker_expect(worker, strcmp(error->text, expected) == 0, "\"%s\" for \"%s\"", error->text, expected);
    if (strcmp(segj_last_error(), expected) != 0)
        (void)atomic_fetch_add(&queue->foreign, 1);
    user->rounds++;
}

static void serve(worker_t *worker)
{
    queue_t *queue = worker->context;
    for (bool more = true; more;) {
        (void)pthread_mutex_lock(&queue->mutex);
        user_t *user = take(queue);
        (void)pthread_mutex_unlock(&queue->mutex);
        if (user != NULL) {
            step(worker, user, queue);
            (void)pthread_mutex_lock(&queue->mutex);
            if (user->rounds < ROUNDS)
                put(queue, user);
            (void)pthread_mutex_unlock(&queue->mutex);
        }
        more = user != NULL;
    }
}

static void every_user_reads_its_own_sentence(void **state)
{
    stage_t *stage = *state;
    static user_t users[USERS];
    worker_t team[THREADS];
    queue_t queue = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    memset(users, 0, sizeof users);
    for (uint64_t i = 0; i < USERS; i++) {
        users[i].section = i;
        assert_ok(oversized_caller_open(stage->journal, &users[i].caller));
        put(&queue, &users[i]);
    }
    team_run(team, THREADS, serve, &queue);
    for (int i = 0; i < USERS; i++) {
        assert_int_equal(users[i].rounds, ROUNDS);
        oversized_caller_close(users[i].caller);
    }
    print_message("  %d calls, the thread's sentence was another call's %llu times, the caller's never\n",
                  USERS * ROUNDS, (unsigned long long)atomic_load(&queue.foreign));
    assert_true(atomic_load(&queue.foreign) > 0); /* or this shows nothing */
}

/* --- every call delivers --- */

typedef struct tools {
    oversized_t *caller;
    oversized_writer_t *writer; /* whose value is never whole */
    oversized_reader_t *reader;
    oversized_replay_t *replay;
    oversized_location_t location;
} tools_t;

static uint64_t number_out;
static segj_buffer_t buffer_out;
static oversized_view_t view_out;
static const oversized_location_t far_away = {1u << 20, 100};

typedef segj_status_t (*failing_t)(const tools_t *t);
#define FAILING(call, ...)                                                                                             \
    static segj_status_t fail_##call(const tools_t *t)                                                                 \
    {                                                                                                                  \
        return call(__VA_ARGS__);                                                                                      \
    }
FAILING(oversized_append, t->caller, SECTION, NULL, NULL, 0, NULL, NULL)
FAILING(oversized_appendv, t->caller, SECTION, NULL, NULL, 0, NULL, NULL)
FAILING(oversized_append_batch, t->caller, SECTION, NULL, 1, NULL, NULL)
FAILING(oversized_writer_open, t->caller, SECTION, NULL, 1, NULL)
FAILING(oversized_writer_write, t->writer, "vv", 2)
FAILING(oversized_get, t->caller, 99, 0, NULL, NULL)
FAILING(oversized_last, t->caller, 99, NULL, NULL)
FAILING(oversized_get_value, t->caller, SECTION, far_away, &buffer_out)
FAILING(oversized_read, t->caller, SECTION, 1000, NULL, &buffer_out)
FAILING(oversized_get_values, t->caller, 99, NULL, 1, &buffer_out)
FAILING(oversized_read_values, t->caller, 99, NULL, 1, &buffer_out)
FAILING(oversized_reader_open, t->caller, SECTION, far_away, false, NULL)
FAILING(oversized_reader_read, t->reader, NULL, 0, NULL)
FAILING(oversized_view_value, t->caller, SECTION, far_away, &view_out)
FAILING(oversized_view, t->caller, SECTION, 1000, NULL, &view_out)
FAILING(oversized_replay_open, t->caller, SECTION, 1000, 0, NULL)
FAILING(oversized_replay_next, t->replay, NULL)
FAILING(oversized_replay_value, t->replay, NULL, NULL)
FAILING(oversized_sync, t->caller, 0)
FAILING(oversized_sync_start, t->caller, 0, NULL)
FAILING(oversized_sync_wait, t->caller, NULL)
FAILING(oversized_sync_sections, t->caller, NULL, 1)
FAILING(oversized_prune, t->caller, SECTION + 1, NULL)
FAILING(oversized_prune_with, t->caller, SECTION + 1, NULL, NULL)
FAILING(oversized_rewind, t->caller, SECTION, 1)
FAILING(oversized_rewind_section, t->caller, SECTION, 1)
FAILING(oversized_rewind_to, t->caller, SECTION, 1000)
FAILING(oversized_rewind_section_to, t->caller, SECTION, 1000)
FAILING(oversized_flush, t->caller, 0)
FAILING(oversized_section_exists, t->caller, SECTION, NULL)
FAILING(oversized_prev_section, t->caller, 9, NULL)
FAILING(oversized_replay_open_back, t->caller, SECTION, 1000, 0, NULL)
FAILING(oversized_size, t->caller, SECTION, NULL)
FAILING(oversized_count, t->caller, SECTION, NULL)
FAILING(oversized_value_size, t->caller, SECTION, NULL)
FAILING(oversized_oldest_section, t->caller, NULL)
FAILING(oversized_newest_section, t->caller, NULL)
FAILING(oversized_next_section, t->caller, 0, NULL)
static const oversized_verify_options_t no_options;
FAILING(oversized_verify, t->caller, &no_options, NULL)
FAILING(oversized_copy, t->caller, NULL, NULL, NULL)
FAILING(oversized_copy_into, t->caller, NULL, NULL, NULL)
FAILING(oversized_retain, t->caller, NULL, NULL)
FAILING(oversized_stats, t->caller, NULL)
FAILING(oversized_train_section, t->caller, SECTION, 1, NULL)
FAILING(oversized_caller_open, t->caller, NULL)
FAILING(oversized_writer_finish, t->writer, &number_out, NULL)

static const struct {
    const char *name;
    failing_t call;
} failing[] = {
#define ENTRY(call)                                                                                                    \
    {                                                                                                                  \
#call, fail_##call                                                                                             \
    }
    ENTRY(oversized_append),         ENTRY(oversized_appendv),
    ENTRY(oversized_append_batch),   ENTRY(oversized_writer_open),
    ENTRY(oversized_writer_write),   ENTRY(oversized_get),
    ENTRY(oversized_last),           ENTRY(oversized_get_value),
    ENTRY(oversized_read),           ENTRY(oversized_get_values),
    ENTRY(oversized_read_values),    ENTRY(oversized_reader_open),
    ENTRY(oversized_reader_read),    ENTRY(oversized_view_value),
    ENTRY(oversized_view),           ENTRY(oversized_replay_open),
    ENTRY(oversized_replay_next),    ENTRY(oversized_replay_value),
    ENTRY(oversized_sync),           ENTRY(oversized_sync_start),
    ENTRY(oversized_sync_wait),      ENTRY(oversized_sync_sections),
    ENTRY(oversized_prune),          ENTRY(oversized_prune_with),
    ENTRY(oversized_rewind),         ENTRY(oversized_rewind_section),
    ENTRY(oversized_size),           ENTRY(oversized_count),
    ENTRY(oversized_value_size),     ENTRY(oversized_oldest_section),
    ENTRY(oversized_newest_section), ENTRY(oversized_next_section),
    ENTRY(oversized_rewind_to),      ENTRY(oversized_rewind_section_to),
    ENTRY(oversized_flush),          ENTRY(oversized_section_exists),
    ENTRY(oversized_prev_section),   ENTRY(oversized_replay_open_back),
    ENTRY(oversized_stats),          ENTRY(oversized_retain),
    ENTRY(oversized_verify),         ENTRY(oversized_copy),
    ENTRY(oversized_copy_into),      ENTRY(oversized_caller_open),
    ENTRY(oversized_writer_finish),  ENTRY(oversized_train_section)};
enum { FAILING = sizeof failing / sizeof *failing };

/* Another sentence for this thread. */
static void fail_otherwise(void)
{
    assert_status(oversized_open(NULL, NULL), SEGJ_ERR_INVALID);
}

static void every_call_leaves_its_failure(void **state)
{
    stage_t *stage = *state;
    tools_t t;
    oversized_view_t out = {NULL, 0, NULL, {NULL, 0, 0}};
    append_samples(stage->journal, SECTION, 0, 20);
    assert_ok(oversized_prune(stage->journal, 1, NULL)); /* a sync of section 0 is refused from here on */
    assert_ok(oversized_caller_open(stage->journal, &t.caller));
    assert_ok(oversized_get(t.caller, SECTION, 0, NULL, &t.location));
    assert_ok(oversized_writer_open(t.caller, SECTION + 1, "12345678", 1, &t.writer));
    assert_ok(oversized_reader_open(t.caller, SECTION, t.location, false, &t.reader));
    assert_ok(oversized_replay_open(t.caller, SECTION, 0, 0, &t.replay));
    assert_ok(oversized_view(t.caller, SECTION, 0, NULL, &out)); /* a prune is refused */
    assert_int_equal(oversized_caller_error(t.caller)->status, SEGJ_OK);
    assert_string_equal(oversized_caller_error(t.caller)->text, "");
    for (size_t i = 0; i < FAILING; i++) {
        fail_otherwise();
        segj_status_t status = failing[i].call(&t);
        const segj_error_t *error = oversized_caller_error(t.caller);
        if (status < SEGJ_ERR_INVALID)
            fail_msg("%s answered %s", failing[i].name, segj_status_name(status));
        if (error->status != status || strcmp(error->text, segj_last_error()) != 0 || error->text[0] == '\0')
            fail_msg("%s left %s, \"%s\"", failing[i].name, segj_status_name(error->status), error->text);
    }
    segj_error_t before = *oversized_caller_error(t.caller);
    assert_ok(oversized_sync_all(t.caller)); /* leaves it alone */
    assert_memory_equal(&before, oversized_caller_error(t.caller), sizeof before);
    oversized_view_release(&out);
    oversized_reader_close(t.reader);
    oversized_replay_close(t.replay);
    oversized_caller_close(t.caller);
}

/* A caller that is closed before what was opened through it. */
static void handles_go_on_without_their_caller(void **state)
{
    stage_t *stage = *state;
    oversized_t *caller = NULL;
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    append_samples(stage->journal, SECTION, 0, 20);
    assert_ok(oversized_caller_open(stage->journal, &caller));
    assert_ok(oversized_replay_open(caller, SECTION, 0, 0, &replay));
    oversized_caller_close(caller);
    for (int i = 0; i < 20; i++)
        assert_ok(oversized_replay_next(replay, &item));
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    assert_status(oversized_replay_next(replay, NULL), SEGJ_ERR_INVALID);
    oversized_replay_close(replay);
}

static void a_journal_is_no_caller(void **state)
{
    stage_t *stage = *state;
    assert_null(oversized_caller_error(stage->journal));
    assert_null(oversized_caller_error(NULL));
    oversized_caller_close(NULL);
    oversized_caller_close(stage->journal); /* nothing */
    append_samples(stage->journal, SECTION, 0, 20);
}

/* --- what the storage said --- */

static void check_code(const oversized_t *caller, int code)
{
    const segj_error_t *error = oversized_caller_error(caller);
    assert_int_equal(segj_last_errno(), code);
    assert_int_equal(error->code, code);
    assert_string_equal(error->text, segj_last_error());
}

typedef struct attempt {
    oversized_t *caller;
    segj_status_t (*change)(oversized_t *journal, uint64_t argument);
    segj_status_t answer;
    int code;
} attempt_t;

static void attempt(worker_t *worker)
{
    attempt_t *a = worker->context;
    a->answer = a->change(a->caller, SECTION);
    a->code = segj_last_errno();
}

static void check_failure(stage_t *stage, watched_call_t call, watched_part_t part, int code,
                          segj_status_t (*change)(oversized_t *journal, uint64_t argument), segj_status_t answer)
{
    worker_t worker;
    attempt_t a = {.change = change};
    assert_ok(oversized_caller_open(stage->journal, &a.caller));
    gate_t *gate = gate_close(stage->watched, call, part, ANY_SECTION, 1);
    team_start(&worker, 1, attempt, &a);
    gate_await(gate, 1);
    gate_open(gate, code);
    team_join(&worker, 1);
    assert_int_equal(a.answer, answer);
    assert_int_equal(a.code, code);
    assert_int_equal(oversized_caller_error(a.caller)->code, code);
    oversized_caller_close(a.caller);
}

static segj_status_t call_append_elsewhere(oversized_t *journal, uint64_t section)
{
    return oversized_append(journal, section + 10, "12345678", "v", 1, NULL, NULL);
}

static segj_status_t call_prune_all(oversized_t *journal, uint64_t section)
{
    return oversized_prune(journal, section + 1, NULL);
}

static void the_errno_of_the_storage_is_told(void **state)
{
    stage_t *stage = *state;
    oversized_t *caller = NULL;
    append_samples(stage->journal, SECTION, 0, 20);
    check_failure(stage, CALL_WRITE, PART_VALUES, ENOSPC, call_sync, SEGJ_ERR_NO_SPACE);
    check_failure(stage, CALL_WRITE, part_of_sync(), EIO, call_sync, SEGJ_ERR_IO);
    check_failure(stage, CALL_WRITE, part_of_sync(), EDQUOT, call_sync_all, SEGJ_ERR_NO_SPACE); /* says it again */
    check_failure(stage, CALL_OPEN, PART_INDEX, EPERM, call_append_elsewhere, SEGJ_ERR_IO);
    check_failure(stage, CALL_REMOVE, PART_INDEX, EACCES, call_prune_all, SEGJ_ERR_IO);
    check_failure(stage, CALL_SYNC, PART_VALUES, ENXIO, call_sync, SEGJ_ERR_IO);
    /* It is poisoned now, and tells why. */
    assert_ok(oversized_caller_open(stage->journal, &caller));
    assert_status(oversized_sync(caller, SECTION), SEGJ_ERR_POISONED);
    check_code(caller, ENXIO);
    assert_status(oversized_get(caller, 99, 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
    check_code(caller, 0);
    oversized_caller_close(caller);
}

static void a_failed_flush_of_the_journals_thread_tells_its_errno(void **state)
{
    stage_t *stage = *state;
    stage->config.parallel_flush = true;
    stage_reopen(stage);
    append_samples(stage->journal, SECTION, 0, 20);
    check_failure(stage, CALL_SYNC, PART_VALUES, ENXIO, call_sync, SEGJ_ERR_IO);
}

static void a_failed_close_tells_its_errno(void **state)
{
    stage_t *stage = *state;
    append_samples(stage->journal, SECTION, 0, 20);
    check_failure(stage, CALL_WRITE, PART_VALUES, ENOSPC, call_close, SEGJ_ERR_NO_SPACE);
    stage->journal = NULL;
}

/* --- open --- */

static void an_open_leaves_its_failure(void **state)
{
    stage_t *stage = *state;
    segj_error_t error = {.status = SEGJ_OK};
    oversized_config_t config = stage->config;
    oversized_t *journal = NULL;
    config.error = &error;
    assert_status(oversized_open(&config, &journal), SEGJ_ERR_LOCKED);
    assert_int_equal(error.status, SEGJ_ERR_LOCKED);
    assert_int_equal(error.code, segj_last_errno());
    assert_string_equal(error.text, segj_last_error());
    config.entry_size = 1u << 30;
    assert_status(oversized_open(&config, &journal), SEGJ_ERR_INVALID);
    assert_int_equal(error.status, SEGJ_ERR_INVALID);
    assert_int_equal(error.code, 0);
    assert_string_equal(error.text, segj_last_error());
    assert_status(oversized_open(&config, NULL), SEGJ_ERR_INVALID);
    assert_string_equal(error.text, segj_last_error());
    config = stage->config;
    config.directory = "another";
    config.error = &error;
    segj_error_t before = error;
    assert_ok(oversized_open(&config, &journal));
    assert_memory_equal(&before, &error, sizeof error);
    assert_ok(oversized_close(journal));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(every_user_reads_its_own_sentence),
        STAGE_TEST(every_call_leaves_its_failure),
        STAGE_TEST(handles_go_on_without_their_caller),
        STAGE_TEST(a_journal_is_no_caller),
        STAGE_TEST(the_errno_of_the_storage_is_told),
        STAGE_TEST(a_failed_flush_of_the_journals_thread_tells_its_errno),
        STAGE_TEST(a_failed_close_tells_its_errno),
        STAGE_TEST(an_open_leaves_its_failure),
    };
    return cmocka_run_group_tests_name("callers", tests, NULL, NULL);
}
