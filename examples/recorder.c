/*
 * recorder: hours of events in fast motion, as something that records day and night would keep them. Each second has four
 * readings of sensors, as JSON, and one frame of a camera. A section has ten minutes. What is over a number of bytes
 * is removed, ten minutes at a time, the oldest first. It goes on where it ended, however it ended.
 *
 *     recorder DIRECTORY [HOURS [BYTES]]       10 hours, of which 1,000,000,000 bytes are kept
 *
 * Ten seconds take it five milliseconds, and what the disk takes. It says "synced SECTION RECORDS" whenever so many
 * records of a section are safe. SIGUSR1: it copies the journal to DIRECTORY.copy, and goes on recording meanwhile. SIGINT
 * and SIGTERM end it. recorder.sh has a day of its life.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "segjournal/oversized.h"
#include "segjournal/tools.h"

enum { SENSORS = 4, FRAME_SIZE = 48 << 10, SECONDS_OF_SECTION = 600, SECONDS_OF_SYNC = 10 };

/** An entry: when, and of what. */
typedef struct event {
    uint64_t second;
    uint32_t source; /* a sensor; SENSORS: the camera */
    uint32_t size;   /* of the value */
} event_t;

static volatile sig_atomic_t stopped, copy_wanted;
static char copy_directory[4096];
static atomic_bool copying;
static bool copied_before; /* a thread has, and waits to be joined */

static void on_signal(int number)
{
    if (number == SIGUSR1)
        copy_wanted = 1;
    else
        stopped = 1;
}

static void must(segj_status_t status)
{
    if (status == SEGJ_OK)
        return;
    fprintf(stderr, "recorder: %s: %s\n", segj_status_name(status), segj_last_error());
    exit(EXIT_FAILURE);
}

static void log_line(void *context, segj_log_level_t level, const char *message)
{
    (void)context;
    if (level >= SEGJ_LOG_WARNING)
        fprintf(stderr, "recorder: %s\n", message);
}

/* --- what is recorded --- */

static size_t reading(const event_t *event, char *to, size_t room)
{
    uint64_t wave = (event->second * (event->source + 3)) % 1000;
    return (size_t)snprintf(to, room,
                            "{\"second\":%" PRIu64 ",\"sensor\":%" PRIu32 ",\"temperature\":%" PRIu64 ".%" PRIu64
                            ",\"state\":\"%s\"}",
                            event->second, event->source, 15 + wave / 100, wave % 10, wave > 990 ? "high" : "normal");
}

/* A frame differs from the one before in a part of it. */
static size_t frame(const event_t *event, uint8_t *to)
{
    uint64_t state = event->second;
    for (size_t i = 0; i < FRAME_SIZE; i++) {
        if (i % 4096 < 1024)
            state = state * UINT64_C(6364136223846793005) + 1;
        to[i] = (uint8_t)((state >> 56) ^ i);
    }
    return FRAME_SIZE;
}

static void record(oversized_t *journal, uint64_t second, uint32_t source)
{
    static uint8_t value[FRAME_SIZE];
    event_t event = {.second = second, .source = source};
    size_t size = source < SENSORS ? reading(&event, (char *)value, sizeof value) : frame(&event, value);
    event.size = (uint32_t)size;
    must(oversized_append(journal, second / SECONDS_OF_SECTION, &event, value, size, NULL, NULL));
}

/* Where it goes on: at the first event that is not there. */
static void find_end(oversized_t *journal, uint64_t *second, uint32_t *source)
{
    uint64_t section;
    uint64_t records;
    event_t last;
    *second = *source = 0;
    segj_status_t status = oversized_newest_section(journal, &section);
    if (status == SEGJ_END)
        return;
    must(status);
    must(oversized_count(journal, section, &records));
    *second = section * SECONDS_OF_SECTION;
    if (records == 0)
        return;
    must(oversized_get(journal, section, records - 1, &last, NULL));
    *second = last.source < SENSORS ? last.second : last.second + 1;
    *source = last.source < SENSORS ? last.source + 1 : 0;
}

/* --- beside recording --- */

static void *copy(void *context)
{
    oversized_copied_t copied;
    must(oversized_copy(context, copy_directory, NULL, &copied));
    fprintf(stderr, "recorder: %" PRIu64 " records are copied to %s; of %" PRIu64 " sections it had %" PRIu64 "\n",
            copied.records, copy_directory, copied.sections, copied.sections_kept);
    atomic_store(&copying, false);
    return NULL;
}

static void begin_copy(oversized_t *journal, pthread_t *thread)
{
    copy_wanted = 0;
    if (copied_before)
        (void)pthread_join(*thread, NULL);
    atomic_store(&copying, true);
    copied_before = pthread_create(thread, NULL, copy, journal) == 0;
    if (!copied_before)
        atomic_store(&copying, false);
}

static void sync_section(oversized_t *journal, uint64_t section)
{
    uint64_t records;
    must(oversized_count(journal, section, &records));
    must(oversized_sync(journal, section));
    printf("synced %" PRIu64 " %" PRIu64 "\n", section, records);
    (void)fflush(stdout);
    const struct timespec moment = {.tv_nsec = 5000000};
    (void)nanosleep(&moment, NULL);
}

static void keep_newest(oversized_t *journal, uint64_t bytes)
{
    oversized_retain_options_t options;
    oversized_retain_options_init(&options);
    options.bytes = bytes;
    must(oversized_retain(journal, &options, NULL));
}

/* ------------------------------------------------------------------------------------------------------------------ */

int main(int argc, char **argv)
{
    double hours = argc > 2 ? strtod(argv[2], NULL) : 10;
    uint64_t bytes = argc > 3 ? strtoull(argv[3], NULL, 10) : 1000000000;
    const struct sigaction action = {.sa_handler = on_signal};
    static const int signals[] = {SIGUSR1, SIGINT, SIGTERM};
    if (argc < 2 || argc > 4 || !(hours > 0 && hours < 1e6) || bytes == 0) {
        fprintf(stderr, "usage: recorder DIRECTORY [HOURS [BYTES]]\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        (void)sigaction(signals[i], &action, NULL);
    (void)snprintf(copy_directory, sizeof copy_directory, "%s.copy", argv[1]);

    oversized_config_t config;
    oversized_config_init(&config);
    config.directory = argv[1];
    config.entry_size = sizeof(event_t);
    config.log = log_line;
    oversized_t *journal;
    must(oversized_open(&config, &journal));

    uint64_t second;
    uint32_t source;
    pthread_t thread;
    uint64_t end = (uint64_t)(hours * 3600);
    find_end(journal, &second, &source);
    for (; second < end && !stopped; second++, source = 0) {
        uint64_t section = second / SECONDS_OF_SECTION;
        while (source <= SENSORS)
            record(journal, second, source++);
        bool full = (second + 1) % SECONDS_OF_SECTION == 0;
        if (full || (second + 1) % SECONDS_OF_SYNC == 0)
            sync_section(journal, section);
        if (full)
            keep_newest(journal, bytes);
        if (copy_wanted && !atomic_load(&copying))
            begin_copy(journal, &thread);
    }
    if (copied_before)
        (void)pthread_join(thread, NULL);
    must(oversized_close(journal));
    return EXIT_SUCCESS;
}
