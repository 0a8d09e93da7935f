/*
 * threads/test_small_stacks.c: how much of a thread's stack the library takes, zstd and the system's libraries
 * included. A thread is given a stack that was painted, makes every kind of call, and what it has painted over is
 * measured: 32 KiB must be enough, with what the C library keeps at the top of a stack. Instrumented and unoptimised
 * code is measured too, and may take more.
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "support/support.h"

enum { STACK = 4 << 20, ENOUGH = 32 << 10, PAINT = 0xA5, VALUE = 300000, MANY = 60, PLAIN = 1200000 };

typedef struct job {
    segj_format_t format;
    uint8_t version; /* of the native format */
    int compression;
    bool parallel, mapped;
    path_t directory;
    const char *wrong; /* NULL: all went well */
} job_t;

#define NEED(job, call)                                                                                                \
    do {                                                                                                               \
        if ((job)->wrong == NULL && !(call))                                                                           \
            (job)->wrong = #call;                                                                                      \
    } while (0)

static void log_line(void *context, segj_log_level_t level, const char *message)
{
    char line[64];
    (void)context;
    (void)level;
    (void)snprintf(line, sizeof line, "%.40s", message);
}

static void job_config(const job_t *job, oversized_config_t *config)
{
    oversized_config_init(config);
    config->native_version = job->format == SEGJ_FORMAT_NATIVE ? job->version : 0;
    config->directory = job->directory.text;
    config->entry_size = 8;
    config->format = job->format;
    config->compression = job->compression;
    config->parallel_flush = job->parallel;
    config->map_values = job->mapped;
    config->log = log_line;
}

/* Half of it repeats. */
static void make_value(uint8_t *value)
{
    uint32_t state = 7;
    for (size_t i = 0; i < VALUE; i++) {
        state = state * 1664525 + 1013904223;
        value[i] = (uint8_t)(i / 1000 % 2 == 0 ? state >> 24 : i % 7);
    }
}

static void append(job_t *job, oversized_t *journal, const uint8_t *value)
{
    oversized_record_t batch[3] = {{"abcdefgh", value, 10}, {"bcdefghi", value, 5000}, {"cdefghij", value, 100}};
    const segj_slice_t pieces[2] = {{value, 400}, {value + 400, 70000}};
    oversized_writer_t *writer;
    uint64_t stored = 0;
    for (size_t i = 0; i < MANY; i++)
        NEED(job, oversized_append(journal, i / 20, "abcdefgh", value, i * i * 20, NULL, NULL) == SEGJ_OK);
    NEED(job, oversized_append_batch(journal, 2, batch, 3, NULL, NULL) == SEGJ_OK);
    NEED(job, oversized_appendv(journal, 2, "abcdefgh", pieces, 2, NULL, NULL) == SEGJ_OK);
    NEED(job, oversized_writer_open(journal, 2, "abcdefgh", VALUE, &writer) == SEGJ_OK);
    if (job->wrong != NULL)
        return;
    for (size_t i = 0; i < VALUE; i += VALUE / 10)
        NEED(job, oversized_writer_write(writer, value + i, VALUE / 10) == SEGJ_OK);
    NEED(job, oversized_writer_finish(writer, NULL, NULL) == SEGJ_OK);
    NEED(job, oversized_sync(journal, 2) == SEGJ_OK);
    NEED(job, oversized_sync_all(journal) == SEGJ_OK);
    NEED(job, oversized_value_size(journal, 2, &stored) == SEGJ_OK && (stored < PLAIN) == (job->compression != 0));
}

static void read_streamed(job_t *job, oversized_t *journal, const uint8_t *value)
{
    oversized_location_t location;
    oversized_reader_t *reader;
    uint8_t *piece = malloc(VALUE);
    size_t done = 0;
    NEED(job, piece != NULL && oversized_last(journal, 2, NULL, &location) == SEGJ_OK);
    NEED(job, oversized_reader_open(journal, 2, location, true, &reader) == SEGJ_OK);
    if (job->wrong == NULL) {
        NEED(job, oversized_reader_read(reader, piece, VALUE, &done) == SEGJ_OK);
        NEED(job, done == VALUE && memcmp(piece, value, VALUE) == 0);
        oversized_reader_close(reader);
    }
    free(piece);
}

static void read_all(job_t *job, oversized_t *journal, const uint8_t *value)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    oversized_view_t view = {0};
    segj_buffer_t buffer = {0};
    oversized_value_t many[2] = {{.position = 3}, {.position = 1}};
    const void *bytes;
    size_t size;
    NEED(job, oversized_read_values(journal, 1, many, 2, &buffer) == SEGJ_OK);
    NEED(job, oversized_read(journal, 1, 5, NULL, &buffer) == SEGJ_OK && memcmp(buffer.data, value, buffer.size) == 0);
    NEED(job, oversized_view(journal, 1, 6, NULL, &view) == SEGJ_OK && memcmp(view.data, value, view.size) == 0);
    NEED(job, oversized_read(journal, 9, 5, NULL, &buffer) == SEGJ_ERR_NO_SECTION); /* a sentence is made */
    NEED(job, oversized_replay_open(journal, 0, 0, 1 << 16, &replay) == SEGJ_OK);
    while (job->wrong == NULL && oversized_replay_next(replay, &item) == SEGJ_OK)
        NEED(job, oversized_replay_value(replay, &bytes, &size) == SEGJ_OK);
    if (job->wrong == NULL)
        oversized_replay_close(replay);
    oversized_view_release(&view);
    segj_buffer_free(&buffer);
    read_streamed(job, journal, value);
}

/* What a killed process leaves is recovered; then the journal is cut, pruned and destroyed. */
static void recover_and_end(job_t *job, oversized_t *journal, const uint8_t *value)
{
    oversized_config_t config;
    job_config(job, &config);
    NEED(job, oversized_append(journal, 2, "abcdefgh", value, 200000, NULL, NULL) == SEGJ_OK);
    oversized_abandon(journal);
    NEED(job, oversized_open(&config, &journal) == SEGJ_OK);
    NEED(job, oversized_rewind(journal, 2, 7 * oversized_record_size(journal)) == SEGJ_OK);
    NEED(job, oversized_prune(journal, 1, NULL) == SEGJ_OK);
    NEED(job, oversized_close(journal) == SEGJ_OK);
    config.strict = true;
    NEED(job, oversized_open(&config, &journal) == SEGJ_OK);
    NEED(job, oversized_destroy(journal) == SEGJ_OK);
}

static void *do_job(void *context)
{
    job_t *job = context;
    oversized_config_t config;
    oversized_t *journal;
    uint8_t *value = malloc(VALUE);
    job_config(job, &config);
    NEED(job, value != NULL && oversized_open(&config, &journal) == SEGJ_OK);
    if (job->wrong == NULL) {
        make_value(value);
        append(job, journal, value);
        read_all(job, journal, value);
        recover_and_end(job, journal, value);
    }
    free(value);
    return NULL;
}

/* A thread on a painted stack; answers how much of it is not as it was painted. */
static size_t stack_of(job_t *job)
{
    pthread_attr_t attributes;
    pthread_t thread;
    size_t untouched = 0;
    uint8_t *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(stack != MAP_FAILED);
    memset(stack, PAINT, STACK);
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK), 0);
    assert_int_equal(pthread_create(&thread, &attributes, do_job, job), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_attr_destroy(&attributes);
    while (untouched < STACK && stack[untouched] == PAINT)
        untouched++;
    (void)munmap(stack, STACK);
    return STACK - untouched;
}

/* Whether the library is built as it is delivered, more or less. */
static bool is_as_delivered(void)
{
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    return true;
#else
    return false;
#endif
}

static void thirty_two_kibibytes_are_enough(void **state)
{
    static const int compressions[] = {0, 1, 3, 19, 22, -5};
    size_t most = 0;
    (void)state;
    for (unsigned i = 0; i < 2 * sizeof compressions / sizeof compressions[0]; i++) {
        job_t job = {.format = i % 2 == 0 ? SEGJ_FORMAT_NATIVE : SEGJ_FORMAT_COMMONWARE,
                     .version = tested_version() == 2 ? 2 : 1,
                     .compression = compressions[i / 2],
                     .parallel = i % 4 == 0,
                     .mapped = i / 2 % 2 == 0};
        job.directory = make_temp_directory();
        size_t taken = stack_of(&job);
        if (job.wrong != NULL)
            fail_msg("%s: %s", job.wrong, segj_last_error());
        print_message("level %d, %s: %zu bytes of stack\n", job.compression, i % 2 == 0 ? "native" : "commonware",
                      taken);
        most = taken > most ? taken : most;
        remove_tree(job.directory.text);
    }
    assert_true(most <= ENOUGH || !is_as_delivered());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thirty_two_kibibytes_are_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
