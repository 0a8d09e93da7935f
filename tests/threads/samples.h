/*
 * threads/samples.h: records that know who they are. An entry is an id, and the value is made from the section and the
 * id, so that a reader who gets one record's entry with another one's value, or another section's, notices.
 */
#ifndef TESTS_THREADS_SAMPLES_H
#define TESTS_THREADS_SAMPLES_H

#include "threads/team.h"

enum {
    SAMPLE_MAX = 2400, /* bytes of the largest value; larger than the write buffer of small_config() */
    SAMPLE_SMALLEST = 16
};

/** Bytes of the value: one id in eight has one that fits no small buffer. */
size_t sample_size(uint64_t id);
/** Makes the value in SAMPLE_MAX bytes of memory. Compressible. */
void make_sample(uint64_t section, uint64_t id, uint8_t *value);

/** Appends the record of an id. For any thread. */
segj_status_t append_sample(oversized_t *journal, uint64_t section, uint64_t id, uint64_t *position);

/** The entry and the value are of this section, and of one and the same record. For any thread. */
bool is_sample(uint64_t section, const uint8_t *entry, const segj_buffer_t *value);

/* For the test's own thread: */

/** Appends the records first .. first + count - 1, which take the positions from `first` on. */
void append_samples(oversized_t *journal, uint64_t section, uint64_t first, uint64_t count);
/** The section holds the records 0 .. count - 1, by every call that reads. */
void check_samples(oversized_t *journal, uint64_t section, uint64_t count);
/** A replay from a position on yields the records position .. count - 1 of the section; one backwards yields all of
 *  them from count - 1 down, with their values. */
void check_replay(oversized_t *journal, uint64_t section, uint64_t position, uint64_t count);

#endif /* TESTS_THREADS_SAMPLES_H */
