/*
 * unit/values_file.h: the values file of a section (journal/glob.h) on a rig, and a model of it: the frames that must
 * be there, each with a payload that is told by its offset.
 */
#ifndef TESTS_UNIT_VALUES_FILE_H
#define TESTS_UNIT_VALUES_FILE_H

#include "unit/rig.h"

#include "journal/glob.h"

enum { VALUES_SECTION = 9, VALUES_FRAMES = 2000 };

typedef struct values_file {
    rig_t *rig;
    segj_glob_t glob;
    oversized_location_t frames[VALUES_FRAMES];
    size_t count;
} values_file_t;

/** A new values file with a header, pinned; the recorder's list is empty. `capacity`: bytes of a buffer. */
values_file_t *values_new(size_t capacity);
void values_free(values_file_t *values);
const segj_io_file_t *values_handle(const values_file_t *values);

/** The payload of a frame at `offset`; to be freed. */
uint8_t *values_payload(uint64_t offset, size_t size);

/** Places a frame of so many bytes, its checksum included, and shows it. */
segj_status_t values_try_put(values_file_t *values, size_t frame);
void values_put(values_file_t *values, size_t frame);

segj_status_t values_drain(values_file_t *values);
/* The parts of a sync. */
/** Puts a payload in place, where nobody sees it. */
segj_status_t values_place(values_file_t *values, const void *payload, size_t size, oversized_location_t *location);
segj_glob_capture_t values_capture(values_file_t *values);
segj_status_t values_write(values_file_t *values, const segj_glob_capture_t *capture);
void values_finish(values_file_t *values, const segj_glob_capture_t *capture, bool written);

/** Every frame of the model is whole in one buffer, or whole in the file. */
void check_frames(values_file_t *values);
/** The file is the header and the frames of the model, byte for byte; nothing is in memory. */
void check_file(values_file_t *values);
bytes_t values_bytes(values_file_t *values);

#endif
