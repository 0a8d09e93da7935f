/*
 * instructions: does one thing so many times, for cmake/instructions.sh to count the machine's instructions.
 *
 *     instructions WHAT TIMES      WHAT: see works[]; no argument: their names
 *
 * The journal lies in memory. What is done before the counted thing does not depend on TIMES, so that the difference
 * between two runs is the thing alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checksum/numbers.h"
#include "segjournal/oversized.h"

enum { ENTRY = 8, RECORDS = 20000, SECTION = 7, OTHER = 8, PER_BATCH = 100 };

static oversized_t *journal;
static segj_buffer_t value;
static const uint8_t bytes[65536];
static volatile uint32_t sink;

static void need(segj_status_t status)
{
    if (status == SEGJ_OK)
        return;
    fprintf(stderr, "instructions: %s\n", segj_last_error());
    exit(1);
}

/* --- what can be counted --- */

static void append(size_t size, unsigned long times)
{
    for (unsigned long i = 0; i < times; i++)
        need(oversized_append(journal, OTHER, bytes, bytes, size, NULL, NULL));
}

static void append_100(unsigned long times)
{
    append(100, times);
}

static void append_4096(unsigned long times)
{
    append(4096, times);
}

static void batch_100(unsigned long times)
{
    oversized_record_t records[PER_BATCH];
    for (size_t i = 0; i < PER_BATCH; i++)
        records[i] = (oversized_record_t){bytes, bytes, 100};
    for (unsigned long i = 0; i < times; i += PER_BATCH)
        need(oversized_append_batch(journal, OTHER, records, PER_BATCH, NULL, NULL));
}

/* The pages of all records are in the cache. */
static void get(unsigned long times)
{
    uint8_t entry[ENTRY];
    oversized_location_t location;
    for (unsigned long i = 0; i < times; i++)
        need(oversized_get(journal, SECTION, i * 7919 % RECORDS, entry, &location));
}

static void read_1000(unsigned long times)
{
    uint8_t entry[ENTRY];
    for (unsigned long i = 0; i < times; i++)
        need(oversized_read(journal, SECTION, i * 7919 % RECORDS, entry, &value));
}

/* TIMES is at most RECORDS. */
static void replay_next(unsigned long times)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    need(oversized_replay_open(journal, SECTION, 0, 65536, &replay));
    for (unsigned long i = 0; i < times; i++)
        need(oversized_replay_next(replay, &item));
    oversized_replay_close(replay);
}

static void sync_one(unsigned long times)
{
    for (unsigned long i = 0; i < times; i++) {
        append(100, 1);
        need(oversized_sync(journal, OTHER));
    }
}

static void crc(size_t size, unsigned long times)
{
    for (unsigned long i = 0; i < times; i++)
        sink = segj_crc32(segj_crc32_of_place(i, 1), bytes, size);
}

static void crc_20(unsigned long times)
{
    crc(20, times);
}

static void crc_100(unsigned long times)
{
    crc(100, times);
}

static void crc_4096(unsigned long times)
{
    crc(4096, times);
}

static void crc32c_100(unsigned long times)
{
    for (unsigned long i = 0; i < times; i++)
        sink = segj_crc32c(0, bytes, 100);
}

static void crc32c_4096(unsigned long times)
{
    for (unsigned long i = 0; i < times; i++)
        sink = segj_crc32c(0, bytes, 4096);
}

static const struct work {
    const char *name;
    void (*run)(unsigned long times);
} works[] = {{"append_100", append_100},    {"append_4096", append_4096},
             {"batch_100", batch_100},      {"get", get},
             {"read_1000", read_1000},      {"replay_next", replay_next},
             {"append_100_sync", sync_one}, {"crc_20", crc_20},
             {"crc_100", crc_100},          {"crc_4096", crc_4096},
             {"crc32c_100", crc32c_100},    {"crc32c_4096", crc32c_4096}};

enum { WORKS = sizeof works / sizeof *works };

/* Records of 1000 bytes, synced, their pages read once; and a section to append to, its buffers grown. */
static void prepare(const segj_storage_t *storage)
{
    oversized_config_t config;
    oversized_config_init(&config);
    config.native_version = 1;
    config.directory = "instructions";
    config.entry_size = ENTRY;
    config.storage = storage;
    need(oversized_open(&config, &journal));
    for (unsigned i = 0; i < RECORDS; i++)
        need(oversized_append(journal, SECTION, bytes, bytes, 1000, NULL, NULL));
    need(oversized_sync_all(journal));
    for (unsigned i = 0; i < RECORDS; i++)
        need(oversized_get(journal, SECTION, i, NULL, NULL));
    append(1000, 3000);
    append(1, 10000);
    need(oversized_sync_all(journal));
    need(oversized_read(journal, SECTION, 0, NULL, &value));
}

int main(int argc, char **argv)
{
    size_t which = 0;
    if (argc != 3) {
        for (size_t i = 0; i < WORKS; i++)
            printf("%s\n", works[i].name);
        return argc == 1 ? 0 : 2;
    }
    while (which < WORKS && strcmp(works[which].name, argv[1]) != 0)
        which++;
    if (which == WORKS) {
        fprintf(stderr, "instructions: there is no %s\n", argv[1]);
        return 2;
    }
    segj_storage_t *storage;
    need(segj_storage_memory_create(&storage));
    prepare(storage);
    works[which].run(strtoul(argv[2], NULL, 10));
    oversized_abandon(journal);
    segj_buffer_free(&value);
    segj_storage_memory_destroy(storage);
    return 0;
}
