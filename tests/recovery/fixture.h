/*
 * recovery/fixture.h: a journal that is written, left, damaged and recovered, and a model of what must come out.
 *
 * A test appends through the fixture, which notes each record in the model, leaves the journal (dropped as a killed
 * process drops it, or closed), damages the files, tells the model what the damage costs (keep_records() and its
 * like), and calls recover(). That opens the journal and holds everything that can be seen against the model: the
 * records and values by every call that reads them, the recovery report, the bytes of all files, a read-only open and
 * a strict one before it and a second open after it.
 *
 * A test runs in either format, its journal in the native one dropped or closed, in the commonware one, which tells no
 * difference between the two, dropped.
 *
 * Left dropped, a section's watermark on disk is still what it was when the journal was opened, so recovery goes
 * forward from there and what is gone was never covered; left closed, the watermark is the record count, and the same
 * damage is a loss of synced data. Tests where both ways are of interest are registered twice. Commonware files have no
 * watermark: nothing there counts as synced, and values are not verified.
 */
#ifndef TESTS_RECOVERY_FIXTURE_H
#define TESTS_RECOVERY_FIXTURE_H

#include "support/commonware.h"

enum {
    VALUE_SIZE = 16,                                 /* bytes of every value */
    FRAME_SIZE = VALUE_SIZE + FRAME_CHECKSUM,        /* 20 */
    PHYSICAL_PAGE = SMALL_PAGE + PAGE_CHECKSUMS,     /* 76 */
    PHYSICAL_RECORD = SMALL_RECORD + PAGE_CHECKSUMS, /* a page of its own for each record: 32 */
    MODEL_SECTIONS = 8,
    MODEL_RECORDS = 16
};

typedef enum leave { LEAVE_DROPPED, LEAVE_CLOSED } leave_t;

/** How a test is run. */
typedef struct variant {
    leave_t leave;
    segj_format_t format;
} variant_t;

/** A record: its entry is the id, its value VALUE_SIZE times the fill. */
typedef struct sample {
    uint64_t id;
    uint8_t fill;
} sample_t;

typedef struct section_model {
    uint64_t section;
    size_t count; /* records that the section must have */
    sample_t samples[MODEL_RECORDS];
    uint64_t base;      /* where the first record's frame begins: behind old bytes, in the commonware format */
    uint64_t watermark; /* W as it stands in the index file */
    uint64_t found;     /* whole records in the index file when it is opened */
    bool disturbed;     /* the files do not end where the last record does */
} section_model_t;

/** What recover() must find beside what the model tells. */
typedef struct damage {
    uint64_t index_bytes;        /* by which index files become shorter */
    uint64_t index_slack;        /* at most so many more, that a page gives up which stays, shortened */
    uint64_t value_bytes;        /* by which values files become shorter */
    uint64_t orphans;            /* values sections without an index section */
    uint64_t unreadable_records; /* records whose page does not verify: dropped, whether or not they are counted */
} damage_t;

typedef struct fixture {
    leave_t leave;
    uint64_t index_data; /* where the data of an index file begins, and that of a values file */
    uint64_t values_data;
    path_t root;      /* temporary, removed at the end */
    path_t directory; /* the journal's */
    oversized_config_t config;
    oversized_t *journal;
    segj_buffer_t value;
    unsigned errors_logged;
    uint64_t unacknowledged; /* records that were lost so far */
    size_t section_count;    /* in ascending order of section numbers */
    section_model_t sections[MODEL_SECTIONS];
} fixture_t;

/* --- registration --- */

extern variant_t native_dropped;
extern variant_t native_closed;
extern variant_t commonware_dropped;
int set_up(void **state);
int tear_down(void **state);

/** The test with the journal dropped, under its own name; with the journal closed; and in the commonware format. */
#define DROPPED(test)                                                                                                  \
    {                                                                                                                  \
#test, test, set_up, tear_down, &native_dropped                                                                \
    }
#define CLOSED(test)                                                                                                   \
    {                                                                                                                  \
#test "_after_close", test, set_up, tear_down, &native_closed                                                  \
    }

#define COMMONWARE(test)                                                                                               \
    {                                                                                                                  \
#test "_commonware", test, set_up, tear_down, &commonware_dropped                                              \
    }

bool is_commonware(const fixture_t *f);

/* --- writing --- */

/** Each record on an index page of its own. Before open_new(). */
void use_record_pages(fixture_t *f);
/** Makes the journal. */
void open_new(fixture_t *f);
/** Appends, notes in the model, and checks position, location and that the record reads back at once. */
oversized_location_t append_record(fixture_t *f, uint64_t section, uint64_t id, uint8_t fill);
/** append_record() of `count` records with ids and fills first, first + 1, ... */
void append_records(fixture_t *f, uint64_t section, uint8_t first, size_t count);
void sync_section(fixture_t *f, uint64_t section);
/** Drops or closes the journal, all of it synced, and checks its files. */
void leave_journal(fixture_t *f);
/** Drops the journal, of whose section only the first `synced` records were synced, and checks its files. */
void drop_unsynced(fixture_t *f, uint64_t section, size_t synced);
/** oversized_destroy(): both partitions are gone, the directory is empty. */
void destroy_journal(fixture_t *f);

/* --- damage: offsets and sizes are the data's, behind the file header --- */

path_t index_path(const fixture_t *f, uint64_t section);
path_t values_path(const fixture_t *f, uint64_t section);
uint64_t index_data_size(const fixture_t *f, uint64_t section);
uint64_t values_data_size(const fixture_t *f, uint64_t section);
void resize_index(const fixture_t *f, uint64_t section, uint64_t size);
void resize_values(const fixture_t *f, uint64_t section, uint64_t size);
/** Makes a values section of one frame, VALUE_SIZE times the fill. */
void write_orphan(const fixture_t *f, uint64_t section, uint8_t fill);

/** The section will keep `kept` of the `found` whole records that its index file now holds. */
void keep_records(fixture_t *f, uint64_t section, size_t kept, uint64_t found);
/** The section has lost all of its records and, in the commonware format, keeps `bytes` of values before new ones.
 *  Answers the bytes of values that its recovery cuts. */
uint64_t keep_no_records(fixture_t *f, uint64_t section, uint64_t bytes);
/** The slot that describes the first bytes of a page. */
page_slot_t slot_of(const fixture_t *f, uint64_t section, uint64_t page, const void *bytes, uint16_t length);
/** The section's index file is gone, and the section with it. */
void forget_section(fixture_t *f, uint64_t section);

/* --- recovery --- */

/** Opens the damaged journal and checks everything against the model; leaves it open. */
void recover(fixture_t *f, damage_t damage);

/** The record reads back: entry, location and value. */
void check_record(const fixture_t *f, uint64_t section, uint64_t position, uint64_t id, uint8_t fill);
/** `count` records from a position on, with ids and fills first, first + 1, ... */
void check_records(const fixture_t *f, uint64_t section, uint64_t position, uint8_t first, size_t count);
/** oversized_get() of the position answers this status. */
void check_answer(const fixture_t *f, uint64_t section, uint64_t position, segj_status_t status);
/** The location holds VALUE_SIZE times the fill. */
void check_value(fixture_t *f, uint64_t section, oversized_location_t location, uint8_t fill);
/** The journal's smallest and largest section number. */
void check_ends(const fixture_t *f, uint64_t oldest, uint64_t newest);
/** The end of the frame at a location. */
uint64_t byte_end(oversized_location_t location);

#endif /* TESTS_RECOVERY_FIXTURE_H */
