/*
 * salvage/wreck.h: a journal that a test damages, and a judge of what a salvage brings back of it. A record says in its
 * entry which one it is, and its value follows from that; so nothing wrong goes unseen.
 */
#ifndef TESTS_SALVAGE_WRECK_H
#define TESTS_SALVAGE_WRECK_H

#include "segjournal/tools.h"
#include "support/support.h"

enum { WRECK_SECTIONS = 2, WRECK_RECORDS = 40, WRECK_LONGEST = 300, WRECK_GAPS = 64, WRECK_RUNS = 64 };

/** The kinds of journals: the two versions and the commonware format, plain and compressed. */
typedef struct make {
    const char *name;
    segj_format_t format;
    uint8_t version;
    int compression;
} make_t;

extern const make_t makes[6];

typedef struct wreck {
    const make_t *make;
    path_t root, source, copy, made;
    oversized_config_t config;                                         /* opens the source */
    oversized_location_t locations[WRECK_SECTIONS + 1][WRECK_RECORDS]; /* by section, from 1 on */
    uint64_t index_data, values_data, head;                            /* where data begins; bytes of a frame's head */
} wreck_t;

/** What came back. */
typedef struct haul_seen {
    oversized_salvaged_t told;
    bool back[WRECK_SECTIONS + 1][WRECK_RECORDS];
    unsigned records[WRECK_SECTIONS + 1]; /* of `back` */
    oversized_gap_t gaps[WRECK_GAPS];     /* the first ones */
    oversized_salvaged_run_t runs[WRECK_RUNS];
    size_t gap_count, run_count;
    unsigned bare; /* records with an entry of zeros */
} haul_seen_t;

/** Makes sections 1 and 2 of a kind, and closes the journal. */
void wreck_make(wreck_t *wreck, const make_t *make);
void wreck_free(wreck_t *wreck);
/** Makes the source again what it was at first. */
void wreck_mend(wreck_t *wreck);

path_t wreck_index(const wreck_t *wreck, uint64_t section);
path_t wreck_values(const wreck_t *wreck, uint64_t section);
/** Where a record's frame begins and ends in the values file. */
uint64_t wreck_frame(const wreck_t *wreck, uint64_t section, unsigned record);
uint64_t wreck_frame_end(const wreck_t *wreck, uint64_t section, unsigned record);
/** Fills part of a file: with zeros, or with noise. */
void wreck_zero(path_t file, uint64_t offset, size_t size);
void wreck_noise(path_t file, uint64_t offset, size_t size, uint64_t seed);
void wreck_flip(path_t file, uint64_t offset);

size_t wreck_value(uint64_t section, unsigned record, uint8_t *value);

/**
 * Salvages, and judges: each record that came back is one of the journal's, in their order, and at the place that its run
 * says; no byte of the source has changed. options may be NULL.
 */
haul_seen_t wreck_salvage(wreck_t *wreck, const oversized_salvage_options_t *options);

/** Whether a record lies in a gap that was told. */
bool wreck_in_gap(const haul_seen_t *seen, uint64_t section, unsigned record);

/** Records of section 1 that an open shows and reads right; -1: it is refused. On a copy. */
int wreck_opened(wreck_t *wreck);

#endif
