/*
 * counted/rig.h: a journal over the storage that counts: entries of 8 bytes, pages of 4096, an index buffer of 64 KiB,
 * a values buffer of 256 KiB. Steady state is what is counted: buffers begin small and grow to what is needed, so a
 * section is warmed before.
 */
#ifndef TESTS_COUNTED_RIG_H
#define TESTS_COUNTED_RIG_H

#include "counted/counting.h"

enum {
    ENTRY = 8,
    RECORD = ENTRY + OVERSIZED_LOCATION_SIZE,
    PAGE = 4096,
    PAGE_BYTES = PAGE - PAGE_CHECKSUMS,
    VALUES_BUFFER = 256 << 10,
    INDEX_BUFFER = 64 << 10,
    WARM_RECORDS = 7000,
    BIG = 1 << 20 /* a value larger than the buffer */
};

typedef struct rig {
    oversized_config_t config;
    oversized_t *journal;
    segj_buffer_t value;
} rig_t;

int rig_set_up(void **state);
int rig_tear_down(void **state);
#define COUNTED(test) cmocka_unit_test_setup_teardown(test, rig_set_up, rig_tear_down)

/** Appends `count` values of `size` bytes. */
void append_many(const rig_t *rig, uint64_t section, uint64_t count, size_t size);
/** Appends WARM_RECORDS and syncs: behind it there are buffers of the full size to be used again. */
void warm(const rig_t *rig, uint64_t section);
/** What a section with so many records has in its last, partial page. */
uint64_t partial_bytes(uint64_t records);
/** Has the buffer of the rig hold `size` bytes, so that a read needs no memory. */
void reserve(rig_t *rig, size_t size);
void close_and_open(rig_t *rig);
/** Closes the journal and opens the one in this directory. */
void open_other(rig_t *rig, const char *directory);

#endif
