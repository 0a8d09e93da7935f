/*
 * fuzz/verdict.h: what open must make of a section's two files, from the contract alone, with decoders of its own:
 * where the section ends, which records can be read, and what reading a value gives.
 */
#ifndef FUZZ_VERDICT_H
#define FUZZ_VERDICT_H

#include "support/support.h"

typedef struct section_files {
    uint64_t number;
    bytes_t index, values; /* data NULL: no such file */
} section_files_t;

typedef struct geometry {
    bool commonware;
    bool asked_tail;  /* commonware: the configuration asks for it */
    bool verify_tail; /* commonware: the last value decides */
    bool newer;       /* commonware: a newer release has been at work there */
    uint16_t page_size;
    uint32_t entry_size;
    bool compress;           /* what new values files are */
    uint32_t max_value_size; /* of the configuration */
} geometry_t;

typedef struct verdict {
    bool refused;       /* for a header */
    bool may_refuse;    /* commonware: what it holds may be taken for another configuration's */
    size_t index_data;  /* where the data of each file begins */
    size_t values_data; /* */
    uint64_t watermark; /* */
    uint64_t kept;      /* records */
    uint64_t end;       /* of their values */
    bool compressed;
} verdict_t;

verdict_t judge_section(const section_files_t *files, const geometry_t *geometry);

/** Sets what follows from the release of the other program that has been at work: by the newest section. */
void follow_release(geometry_t *geometry, const section_files_t *files, size_t count);

/** The page size that the index file says it has; 0: it has no valid header. */
uint16_t judge_page_size(const bytes_t *index);

/** Copies a record; false: a page of it cannot be read. */
bool read_raw_record(const section_files_t *files, const geometry_t *geometry, uint64_t number, uint8_t *record);

/** What reading the value at a location gives, in a section that ends where the verdict says. *value: to be freed. */
segj_status_t read_raw_value(const section_files_t *files, const geometry_t *geometry, const verdict_t *verdict,
                             oversized_location_t location, bytes_t *value);

#endif
