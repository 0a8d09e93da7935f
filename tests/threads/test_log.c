/*
 * threads/test_log.c: the application's log function, which "may be called from any thread that is in a call of the
 * library, with no lock held that a reader needs".
 */
#include "threads/stage.h"

#include <errno.h>
#include <string.h>

enum { TEAM = 6, ROUNDS = 3, RECORDS = 4200, SMALL = 20 };

/** What the log function has been told. It can stop its callers. */
typedef struct told {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned warnings, errors; /* what goes as it should is passed over */
    unsigned stopped;          /* callers that stand in the log function */
    bool closed;               /* they stop */
    bool malformed;            /* an empty line, or one with a line end */
} told_t;

static void listen(void *log_context, segj_log_level_t level, const char *message)
{
    told_t *told = log_context;
    pthread_mutex_lock(&told->mutex);
    told->warnings += level == SEGJ_LOG_WARNING;
    told->errors += level == SEGJ_LOG_ERROR;
    told->malformed = told->malformed || message[0] == '\0' || strchr(message, '\n') != NULL;
    if (level < SEGJ_LOG_WARNING) {
        pthread_mutex_unlock(&told->mutex);
        return;
    }
    told->stopped++;
    pthread_cond_broadcast(&told->changed);
    while (told->closed)
        test_wait(&told->changed, &told->mutex);
    told->stopped--;
    pthread_mutex_unlock(&told->mutex);
}

static void start_listening(stage_t *stage, told_t *told)
{
    *told = (told_t){.warnings = 0};
    assert_int_equal(pthread_mutex_init(&told->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&told->changed, NULL), 0);
    stage->config.log = listen;
    stage->config.log_context = told;
    stage_reopen(stage);
}

static void stop_listening(stage_t *stage, told_t *told)
{
    oversized_abandon(stage->journal);
    stage->journal = NULL;
    pthread_cond_destroy(&told->changed);
    pthread_mutex_destroy(&told->mutex);
}

static void await_told(told_t *told, unsigned stopped)
{
    pthread_mutex_lock(&told->mutex);
    while (told->stopped < stopped)
        test_wait(&told->changed, &told->mutex);
    pthread_mutex_unlock(&told->mutex);
}

static void close_log(told_t *told, bool closed)
{
    pthread_mutex_lock(&told->mutex);
    told->closed = closed;
    pthread_cond_broadcast(&told->changed);
    pthread_mutex_unlock(&told->mutex);
}

/* Each syncs more than 1024 records of its own section, in version 2 more than 4096, so that each sync writes a watermark, which the storage
 * refuses: "a failure to write it is logged and nothing else". */
static void sync_and_mark(worker_t *worker)
{
    oversized_t *journal = worker->context;
    uint64_t section = worker->number;
    uint8_t entry[SMALL_ENTRY] = {0};
    for (uint64_t i = 0; i < RECORDS; i++)
        if (!worker_ok(worker, oversized_append(journal, section, entry, "value", 5, NULL, NULL)))
            return;
    (void)worker_ok(worker, oversized_sync(journal, section));
}

/* The first block behind the identity and the one behind that. */
static int refuse_watermarks(watched_part_t part, uint64_t offset)
{
    return part == PART_INDEX && offset >= HEADER_BLOCK && offset < INDEX_DATA_OFFSET ? EIO : 0;
}

static void watermarks_that_cannot_be_written_are_logged_by_every_thread(void **state)
{
    stage_t *stage = *state;
    told_t told;
    worker_t team[TEAM];
    start_listening(stage, &told);
    watched_refuse_writes(stage->watched, refuse_watermarks);
    team_run(team, TEAM, sync_and_mark, stage->journal);
    assert_int_equal(told.warnings, TEAM);
    assert_int_equal(told.errors, 0);
    assert_false(told.malformed);
    assert_null(oversized_error(stage->journal));
    watched_refuse_writes(stage->watched, NULL);
    stop_listening(stage, &told);
}

/* All stand in the log function at the same time: none holds a lock that another one's call of it, or a reader,
 * needs. */
static void log_function_that_waits_delays_no_reader(void **state)
{
    stage_t *stage = *state;
    told_t told;
    worker_t team[TEAM];
    start_listening(stage, &told);
    append_samples(stage->journal, TEAM, 0, SMALL);
    watched_refuse_writes(stage->watched, refuse_watermarks);
    close_log(&told, true);
    team_start(team, TEAM, sync_and_mark, stage->journal);
    await_told(&told, TEAM);
    for (uint64_t section = 0; section < TEAM; section++) {
        uint64_t count = 0;
        assert_ok(oversized_count(stage->journal, section, &count));
        assert_int_equal(count, RECORDS);
        assert_ok(oversized_get(stage->journal, section, RECORDS - 1, NULL, NULL));
    }
    check_samples(stage->journal, TEAM, SMALL);
    close_log(&told, false);
    team_join(team, TEAM);
    watched_refuse_writes(stage->watched, NULL);
    stop_listening(stage, &told);
}

/* The one line about the poison is told by the thread that found it, and the others meanwhile find the journal
 * poisoned. */
static void poison_is_told_once_and_with_no_lock_held(void **state)
{
    stage_t *stage = *state;
    told_t told;
    errand_t sync;
    start_listening(stage, &told);
    append_samples(stage->journal, 1, 0, SMALL);
    append_samples(stage->journal, 2, 0, SMALL);
    watched_fail(stage->watched, CALL_SYNC, part_of_sync(), ANY_SECTION, EIO);
    close_log(&told, true);
    errand_start(&sync, stage, call_sync, 1);
    await_told(&told, 1);
    assert_non_null(oversized_error(stage->journal));
    check_samples(stage->journal, 1, SMALL);
    check_samples(stage->journal, 2, SMALL);
    assert_status(append_sample(stage->journal, 2, 0, NULL), SEGJ_ERR_POISONED);
    assert_status(oversized_sync(stage->journal, 2), SEGJ_ERR_POISONED);
    close_log(&told, false);
    errand_join(&sync, SEGJ_ERR_IO);
    assert_int_equal(told.errors, 1);
    assert_int_equal(told.warnings, 0);
    stop_listening(stage, &told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(watermarks_that_cannot_be_written_are_logged_by_every_thread),
        STAGE_TEST(log_function_that_waits_delays_no_reader),
        STAGE_TEST(poison_is_told_once_and_with_no_lock_held),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
