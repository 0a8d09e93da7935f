/*
 * badinput/badinput.h: what the tests of bad input share.
 *
 * Three groups: sentences and whole trees of files, with whatever lies in them; a vault, which is a journal of one
 * section whose two files are held as bytes and kept in memory, so that tens of thousands of damaged copies can be
 * opened in seconds; and a judge, which says from the contract alone what open must make of such bytes.
 */
#ifndef TESTS_BADINPUT_H
#define TESTS_BADINPUT_H

#include "support/support.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- sentences --- */

/** segj_last_error() holds each of these texts. */
#define assert_sentence(...) check_sentence(__FILE__, __LINE__, __VA_ARGS__, (const char *)NULL)
void check_sentence(const char *file, int line, ...);

/* --- trees of files, links, fifos and whatever else lies there --- */

typedef struct manifest {
    char *text;
    size_t size;
} manifest_t;

/** A line for each name below a directory: what it is, its size, its bytes' checksum or its link's target. */
manifest_t take_manifest(const char *directory);
void free_manifest(manifest_t *manifest);
/** The tree is what it was when the manifest was taken; prints both otherwise. */
void assert_unchanged(const char *directory, const manifest_t *before);

/**
 * Open answers this status and gives no journal, also read-only and strict, and the tree below `root` stays as it is.
 * The sentence of the plain open is the last.
 */
#define assert_refused(config, root, expected) check_refused((config), (root), (expected), __FILE__, __LINE__)
void check_refused(const oversized_config_t *config, const char *root, segj_status_t expected, const char *file,
                   int line);

/* --- a journal in a directory of its own --- */

typedef struct place {
    path_t root;      /* temporary, removed at the end */
    path_t directory; /* root/journal */
    oversized_config_t config;
} place_t;

int make_place(void **state);
int drop_place(void **state);

/** Appends records 0 to count - 1 of a sample: ids 100, 101, ..., values of 16 bytes, fills 0x40, 0x41, ... */
void append_samples(oversized_t *journal, uint64_t section, size_t count);
void check_sample(oversized_t *journal, uint64_t section, uint64_t position);
/** Makes the journal of `sections` sections (1, 2, ...) of `count` records each, and closes it. */
void fill_journal(const oversized_config_t *config, uint64_t sections, size_t count);
/** The journal opens and has all of that. */
void check_journal(const oversized_config_t *config, uint64_t sections, size_t count);

/* --- the vault --- */

enum {
    VAULT_SECTION = 7,
    SAMPLES = 8, /* records: three synced, then five more, so that page 0 has both of its slots */
    SAMPLE_SIZE = 16,
    SAMPLE_FRAME = SAMPLE_SIZE + FRAME_CHECKSUM,
    SAMPLE_PAGES = 3, /* 8 * 20 bytes on pages of 64 */
    PHYSICAL_PAGE = SMALL_PAGE + PAGE_CHECKSUMS,
    VAULT_ROOM = 256 /* bytes by which a damaged file may grow */
};

/** A section's two files. */
typedef struct pair {
    bytes_t index, values;
} pair_t;

typedef struct vault {
    segj_storage_t *storage; /* in memory */
    oversized_config_t config;
    pair_t sample;  /* as they were made */
    pair_t damaged; /* a copy, for the test to spoil; each file has VAULT_ROOM bytes more */
    path_t index_path, values_path;
} vault_t;

typedef enum leave { LEAVE_CLOSED, LEAVE_DROPPED } leave_t;

/** Makes a journal of SAMPLES records, closed (W = SAMPLES) or dropped after its sync (W = 0), and takes its bytes. */
void open_vault(vault_t *vault, leave_t leave);
void close_vault(vault_t *vault);
/** Makes `damaged` the sample's bytes again. */
void mend(vault_t *vault);
/** Puts `damaged` into the storage. */
void put_damaged(vault_t *vault);
/** The storage holds `damaged`, byte for byte. */
void assert_still_damaged(vault_t *vault);
/** The bytes of both files, to be given back to free_pair(). */
pair_t take_pair(vault_t *vault);
void free_pair(pair_t *pair);
/** Both files are what a journal leaves that has these first records of the sample and is at rest. */
void assert_at_rest(vault_t *vault, size_t records);

/* --- the judge --- */

/** What DESIGN.md ("Open") and FORMAT.md say of a section's bytes. */
typedef struct verdict {
    segj_status_t status; /* of open: SEGJ_OK, SEGJ_ERR_MISMATCH, SEGJ_ERR_CORRUPT */
    bool in_values;       /* which file the status is about */
    uint64_t watermark;
    size_t kept;               /* records */
    bool readable[SAMPLES];    /* the record's pages are valid so far */
    bool value_right[SAMPLES]; /* its frame's checksum is right */
} verdict_t;

/** Judges `damaged`, of which bytes were changed, cut off or added: locations are the sample's where readable. */
verdict_t judge(const vault_t *vault);
/** Each record of the journal, by get, read and replay, is the sample's or answers what the verdict says. */
void check_verdict(const vault_t *vault, oversized_t *journal, const verdict_t *verdict);
/**
 * Puts `damaged` into the storage and opens it: plainly, then again; with `thoroughly`, before that read-only and
 * strict. What comes out is held against the verdict, and where nothing was to be changed the bytes are compared.
 */
void try_damaged(vault_t *vault, const verdict_t *verdict, bool thoroughly);

#endif /* TESTS_BADINPUT_H */
