/* rados/worker.c: see the header. */
#include "rados/worker.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double seconds_now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void sleep_milliseconds(unsigned milliseconds)
{
    (void)nanosleep(
        &(struct timespec){.tv_sec = (time_t)(milliseconds / 1000), .tv_nsec = (long)(milliseconds % 1000) * 1000000},
        NULL);
}

oversized_config_t worker_config(segj_storage_t *storage, const char *directory)
{
    oversized_config_t config;
    oversized_config_init(&config);
    config.storage = storage;
    config.directory = directory;
    config.entry_size = 8;
    config.native_version = 2;
    config.strict = true; /* a synced record that is not there is refused */
    config.lock_wait_ms = PATIENCE;
    return config;
}

/* --- numbers --- */

static size_t number_text(uint64_t number, char text[600])
{
    int size = snprintf(text, 600, "number %" PRIu64 " ", number);
    size_t most = (size_t)size + (size_t)(number * 37 % 500);
    for (size_t i = (size_t)size; i < most; i++)
        text[i] = (char)('a' + (number + i) % 26);
    return most;
}

segj_status_t number_append_only(oversized_t *journal, uint64_t number)
{
    char text[600];
    uint64_t section = number / NUMBERS_A_SECTION + 1;
    uint64_t position = 0;
    size_t size = number_text(number, text);
    segj_status_t status = oversized_append(journal, section, "numbered", text, size, &position, NULL);
    if (status == SEGJ_OK && position != number % NUMBERS_A_SECTION)
        return SEGJ_ERR_CORRUPT;
    return status;
}

segj_status_t number_append(oversized_t *journal, uint64_t number)
{
    segj_status_t status = number_append_only(journal, number);
    return status == SEGJ_OK ? oversized_sync(journal, number / NUMBERS_A_SECTION + 1) : status;
}

segj_status_t numbers_rewind(oversized_t *journal, uint64_t number)
{
    uint64_t record = 8 + OVERSIZED_LOCATION_SIZE;
    return oversized_rewind_section(journal, number / NUMBERS_A_SECTION + 1, number % NUMBERS_A_SECTION * record);
}

uint64_t numbers_check(oversized_t *journal)
{
    return numbers_check_from(journal, 1);
}

uint64_t numbers_check_from(oversized_t *journal, uint64_t first)
{
    segj_buffer_t value = SEGJ_ZERO;
    uint64_t number = (first - 1) * NUMBERS_A_SECTION;
    bool ended = false;
    for (uint64_t section = first;; section++) {
        uint64_t count = 0;
        bool exists = false;
        assert_ok(oversized_section_exists(journal, section, &exists));
        if (exists)
            assert_ok(oversized_count(journal, section, &count));
        if (ended)
            assert_int_equal(count, 0); /* nothing after a section that is not full */
        if (!exists)
            break;
        for (uint64_t position = 0; position < count; position++, number++) {
            char text[600];
            size_t size = number_text(number, text);
            assert_ok(oversized_read(journal, section, position, NULL, &value));
            assert_int_equal(value.size, size);
            assert_memory_equal(value.data, text, size);
        }
        ended = count < NUMBERS_A_SECTION;
    }
    segj_buffer_free(&value);
    return number;
}

/* --- the process --- */

static void tell(int to, const told_t *told)
{
    if (write(to, told, sizeof *told) != (ssize_t)sizeof *told)
        _exit(3);
}

static void tell_failed(int to, segj_status_t status, double after)
{
    told_t told = {.word = WORD_FAILED, .status = (uint32_t)status, .after = after};
    (void)snprintf(told.sentence, sizeof told.sentence, "%.250s", segj_last_error());
    tell(to, &told);
}

/* How many there are, without a look at each. */
static uint64_t count_numbers(oversized_t *journal)
{
    uint64_t number = 0;
    uint64_t section = 0;
    if (oversized_newest_section(journal, &section) == SEGJ_OK && oversized_count(journal, section, &number) == SEGJ_OK)
        number += (section - 1) * NUMBERS_A_SECTION;
    return number;
}

static segj_status_t number_hand_over(oversized_t *journal, uint64_t number, bool flush)
{
    if (!flush)
        return number_append(journal, number);
    segj_status_t status = number_append_only(journal, number);
    return status == SEGJ_OK ? oversized_flush(journal, number / NUMBERS_A_SECTION + 1) : status;
}

static int work(int to, const char *directory, const segj_storage_rados_options_t *options, unsigned pause, bool flush)
{
    segj_storage_t *storage = NULL;
    oversized_t *journal = NULL;
    double begin = seconds_now();
    segj_status_t status = segj_storage_rados_create(options, &storage);
    oversized_config_t config = worker_config(storage, directory);
    if (status == SEGJ_OK)
        status = oversized_open(&config, &journal);
    told_t told = {.word = WORD_OPEN};
    if (status == SEGJ_OK) {
        told.number = count_numbers(journal);
        tell(to, &told);
    }
    told.word = WORD_SYNCED;
    while (status == SEGJ_OK) {
        begin = seconds_now();
        status = number_hand_over(journal, told.number, flush);
        if (status == SEGJ_OK) {
            tell(to, &told);
            told.number++;
            if (pause > 0)
                (void)nanosleep(&(struct timespec){.tv_nsec = (long)pause * 1000}, NULL);
        }
    }
    tell_failed(to, status, seconds_now() - begin);
    if (journal != NULL) {
        told.word = WORD_NEXT;
        told.status = (uint32_t)number_append(journal, told.number);
        tell(to, &told);
        oversized_abandon(journal);
    }
    segj_storage_rados_destroy(storage);
    return 0;
}

/* A program that was started as a worker is one, and nothing else. */
__attribute__((constructor)) static void be_a_worker(void)
{
    static char directory[64];
    const char *text = getenv("SEGJ_RADOS_WORKER");
    unsigned settings[5];
    int to = -1;
    if (text == NULL)
        return;
    if (sscanf(text, "%d %u %u %u %u %u %63s", &to, &settings[0], &settings[1], &settings[2], &settings[3],
               &settings[4], directory) != 7)
        _exit(2);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive the test, stopped or not */
    segj_storage_rados_options_t options = cluster_options();
    options.object_size = settings[0];
    options.lock_seconds = settings[1];
    options.timeout_seconds = settings[2];
    _exit(work(to, directory, &options, settings[3], settings[4] != 0));
}

/* By exec: librados gives children of a process that has used it one address, and the cluster takes them for one client. */
static worker_t start(const char *directory, const segj_storage_rados_options_t *options, unsigned pause, bool flush)
{
    int ends[2];
    worker_t worker;
    char text[256];
    assert_int_equal(pipe(ends), 0);
    (void)snprintf(text, sizeof text, "%d %u %u %u %u %u %s", ends[1], (unsigned)options->object_size,
                   (unsigned)options->lock_seconds, (unsigned)options->timeout_seconds, pause, flush ? 1u : 0u,
                   directory);
    (void)fflush(stdout);
    assert_int_equal(setenv("SEGJ_RADOS_WORKER", text, 1), 0);
    worker.process = fork();
    assert_true(worker.process >= 0);
    if (worker.process == 0) {
        (void)close(ends[0]);
        (void)execl("/proc/self/exe", "worker", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(unsetenv("SEGJ_RADOS_WORKER"), 0);
    (void)close(ends[1]);
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC); /* of no other worker */
    worker.told = ends[0];
    return worker;
}

worker_t worker_start(const char *directory, const segj_storage_rados_options_t *options, unsigned pause)
{
    return start(directory, options, pause, false);
}

worker_t worker_start_flushing(const char *directory, const segj_storage_rados_options_t *options)
{
    return start(directory, options, 0, true);
}

bool worker_hear(const worker_t *worker, int milliseconds, told_t *told)
{
    struct pollfd waits = {.fd = worker->told, .events = POLLIN};
    if (poll(&waits, 1, milliseconds) != 1)
        return false;
    return read(worker->told, told, sizeof *told) == (ssize_t)sizeof *told;
}

told_t worker_expect(const worker_t *worker, word_t word, int milliseconds)
{
    told_t told;
    do {
        if (!worker_hear(worker, milliseconds, &told))
            fail_msg("a worker tells nothing within %d ms, word %d was expected", milliseconds, (int)word);
    } while (told.word == WORD_SYNCED && word != WORD_SYNCED);
    if (told.word != (uint32_t)word)
        fail_msg("a worker tells %u (%s: %s) instead of %d", (unsigned)told.word,
                 segj_status_name((segj_status_t)told.status), told.word == WORD_FAILED ? told.sentence : "",
                 (int)word);
    return told;
}

uint64_t worker_drain(const worker_t *worker, uint64_t told)
{
    told_t next;
    while (worker_hear(worker, 0, &next))
        if (next.word == WORD_SYNCED && next.number + 1 > told)
            told = next.number + 1;
    return told;
}

void worker_kill(worker_t *worker)
{
    (void)kill(worker->process, SIGKILL);
    (void)waitpid(worker->process, NULL, 0);
    (void)close(worker->told);
}
