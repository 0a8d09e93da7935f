/*
 * promises/fixture.h: a journal in a directory of its own, and records whose bytes follow from their place.
 *
 * A sample is the record that a test puts at a position of a section: its entry and its value are derived from the
 * section, the position and a salt (another salt is another record for the same place). So a test appends any number of
 * them, does what it is about, and later says which records must be there.
 */
#ifndef TESTS_PROMISES_FIXTURE_H
#define TESTS_PROMISES_FIXTURE_H

#include "support/support.h"

typedef struct fixture {
    path_t root;      /* temporary, removed at the end */
    path_t directory; /* the journal's; absent before the first open */
    oversized_config_t config;
    oversized_t *journal; /* abandoned at the end */
    segj_buffer_t value;
    unsigned logged[4]; /* lines of each level */
    char lines[4][256]; /* the last one of each */
} fixture_t;

int set_up(void **state);
int tear_down(void **state);

/** The test with a fixture in *state: small_config() of the support, a log that counts, a quick storage
 *  (promises/watch.h: these tests are not about power cuts), and no journal yet. */
#define PROMISE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* --- the journal --- */

/** A configuration that knows nothing but where the journal lies, in which storage. */
oversized_config_t config_of_place(const fixture_t *f);
void open_journal(fixture_t *f);
void close_journal(fixture_t *f);
void abandon_journal(fixture_t *f);
void close_and_open(fixture_t *f);
void abandon_and_open(fixture_t *f);
/** The open answers this status and gives no journal. */
void refuse_open(fixture_t *f, segj_status_t status);
/** The same, and no byte and no name below the root differs afterwards. */
void refuse_open_untouched(fixture_t *f, segj_status_t status);

path_t index_path(const fixture_t *f, uint64_t section);
path_t values_path(const fixture_t *f, uint64_t section);
/** A copy of the journal's directory, beside it; and what the directory is now equals it (which removes the copy). */
path_t snapshot(const fixture_t *f);
void assert_untouched(const fixture_t *f, path_t before);
/** W as the section's index file has it. */
uint64_t watermark_on_disk(const fixture_t *f, uint64_t section);
/** Inverts a byte of a file. */
void flip_byte(const char *path, uint64_t offset);

/* --- samples --- */

enum { SAMPLE_VALUE_LIMIT = 61 };

/** 0 to SAMPLE_VALUE_LIMIT - 1 bytes. */
size_t sample_value_size(uint64_t section, uint64_t position, unsigned salt);
void sample_value(uint64_t section, uint64_t position, unsigned salt, uint8_t *value);
void sample_entry(uint64_t section, uint64_t position, unsigned salt, uint8_t *entry, size_t size);
/** `size` bytes that do not compress. */
void fill_noise(uint8_t *bytes, size_t size, uint64_t seed);

/** Appends the next sample of the section and checks where it went: the count before, the end of the values before. */
oversized_location_t append_sample(oversized_t *journal, uint64_t section, unsigned salt);
void append_samples(oversized_t *journal, uint64_t section, uint64_t count, unsigned salt);
/** The same, without a look at where they go: of any version. */
void put_samples(oversized_t *journal, uint64_t section, uint64_t count, unsigned salt);

/** The record at a position is the sample, by get, get_value and read. */
void check_sample(oversized_t *journal, uint64_t section, uint64_t position, unsigned salt);
/** The positions from `first` to `last` - 1. */
void check_samples(oversized_t *journal, uint64_t section, uint64_t first, uint64_t last, unsigned salt);
/** The section has these `count` samples and no more, by every call that tells of it. */
void check_section(oversized_t *journal, uint64_t section, uint64_t count, unsigned salt);
/** What a replay has given is the sample. */
void check_item(oversized_t *journal, const oversized_item_t *item, uint64_t section, uint64_t position, unsigned salt);
/** The value of what a replay has given is the sample's. */
void check_replay_value(oversized_replay_t *replay, uint64_t section, uint64_t position, unsigned salt);
/** A replay from (section, position) gives the samples from there up to `count`, and then SEGJ_END; one backwards from
 *  the section's end gives the same ones in the opposite order. */
void check_replay_of(oversized_t *journal, uint64_t section, uint64_t position, uint64_t count, size_t buffer,
                     unsigned salt);

/** The files of the section hold these `count` samples at rest, as the format says. */
void check_files(const fixture_t *f, uint64_t section, uint64_t count, unsigned salt);

/** The journal's sections are these, by walking them. */
void check_walk(oversized_t *journal, const uint64_t *sections, size_t count);
#define assert_sections(journal, ...)                                                                                  \
    check_walk((journal), (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
void assert_no_sections(oversized_t *journal);

uint64_t count_of(oversized_t *journal, uint64_t section);
uint64_t value_size_of(oversized_t *journal, uint64_t section);

#endif /* TESTS_PROMISES_FIXTURE_H */
