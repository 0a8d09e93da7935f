/*
 * commonware/story.h: a journal of the commonware format in a directory of its own, as files and as a journal. Entries
 * are ids of 8 bytes unless a test asks for others, pages have 64 bytes, values are filled with one byte.
 */
#ifndef TESTS_COMMONWARE_STORY_H
#define TESTS_COMMONWARE_STORY_H

#include "support/commonware.h"
#include "support/recorder.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum {
    STORY_SECTION = 7,
    STORY_VALUE = 16,
    STORY_FRAME = STORY_VALUE + FRAME_CHECKSUM,
    STORY_PHYSICAL = SMALL_PAGE + 12
};

typedef struct story {
    path_t root, directory, index, values; /* files of STORY_SECTION */
    recorder_t *recorder;                  /* of what opened journals ask of the file system */
    oversized_config_t config;
    oversized_t *journal;
} story_t;

int story_set_up(void **state);
int story_tear_down(void **state);
#define STORY(test) cmocka_unit_test_setup_teardown(test, story_set_up, story_tear_down)

void story_open(story_t *story);
/** Drops the journal as a killed process does. */
void story_drop(story_t *story);
/** Records `first` to `last`: the id and the fill are the record's position. */
void story_append(story_t *story, uint64_t section, uint64_t first, uint64_t last);
void story_check(const story_t *story, uint64_t section, uint64_t first, uint64_t last);
uint64_t story_count(const story_t *story, uint64_t section);
/** Makes the journal with one section of records 0 to count - 1, synced, and drops it. */
void story_make(story_t *story, uint64_t count);

/** Open answers this status, also read-only, and changes no byte; `text` (or NULL) is in the sentence. */
void story_refuse(story_t *story, segj_status_t expected, const char *text);

/** Spoils a byte. */
void spoil(const char *path, uint64_t offset);

/** Makes the partitions and both files of STORY_SECTION: `count` records of STORY_VALUE bytes in a row, in
 *  containers whose data begins at these offsets. */
void story_write(const story_t *story, size_t index_data, size_t values_data, uint64_t count);
/** The same with these locations and no values: `values` bytes of zeros instead. */
void story_write_locations(const story_t *story, const oversized_location_t *locations, size_t count, size_t values);

#endif
