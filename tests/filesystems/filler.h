/*
 * filesystems/filler.h: fills a journal until its file system has no room left, notes what it was told, and judges by
 * that what is there afterwards. What it notes lies in memory that is shared with forked children: it is there when
 * these were killed. Helpers print what is wrong and end the process, as those of support.h do.
 */
#ifndef FILESYSTEMS_FILLER_H
#define FILESYSTEMS_FILLER_H

#include <stdbool.h>
#include <stdint.h>

#include "support/support.h"

enum { FILLER_SECTIONS = 10, FILLER_RECORDS = 12000, FILLER_ENTRY = 8, FILLER_LARGE = 65536 };

/** What a section was given, and what a sync has covered of it. */
typedef struct filled {
    uint32_t count, synced;
    uint32_t ids[FILLER_RECORDS], sizes[FILLER_RECORDS];
    bool gone; /* pruned */
} filled_t;

typedef struct filled_ledger {
    filled_t sections[FILLER_SECTIONS];
    uint32_t ids;       /* handed out */
    uint32_t refusals;  /* calls that found no room */
    uint32_t unrewound; /* rewinds that a file system which copies on write had no room for */
} filled_ledger_t;

/** The ways a journal is kept. */
typedef enum filler_kind { FILLER_PLAIN, FILLER_AHEAD, FILLER_ZSTD, FILLER_COMMONWARE, FILLER_KINDS } filler_kind_t;

enum { FILLER_STRICT = 1, FILLER_READ_ONLY = 2, FILLER_MAPPED = 4 };

typedef struct filler {
    path_t directory; /* of the journal */
    filler_kind_t kind;
    bool copies_on_write;   /* the file system needs room to overwrite */
    uint64_t share;         /* bytes of values of a section; the last one gets the rest */
    unsigned operations;    /* left; before the first behind them it kills itself; 0: it does not */
    filled_ledger_t *noted; /* shared */
    oversized_t *journal;   /* NULL: not open */
} filler_t;

extern const char *const filler_kind_names[FILLER_KINDS];

/** `share`: see there. The directory does not exist yet; the journal makes it. */
void filler_begin(filler_t *filler, const char *directory, filler_kind_t kind, uint64_t share);
void filler_end(filler_t *filler);

void filler_config(const filler_t *filler, oversized_config_t *config, unsigned how);
/** Opens and judges; what is there is what was noted from then on. */
void filler_open(filler_t *filler, unsigned how);
void filler_close(filler_t *filler);

/** Appends a record of so many bytes. False: SEGJ_ERR_NO_SPACE, which has changed nothing. */
bool filler_append(filler_t *filler, unsigned section, uint32_t size);
bool filler_sync(filler_t *filler, unsigned section);
/** Cuts the section. False: there was no room for it, where the file system copies on write; a journal that this has
 *  poisoned is opened again. */
bool filler_rewind(filler_t *filler, unsigned section, uint32_t records);
/** Removes the sections below. */
void filler_prune(filler_t *filler, unsigned section);

/**
 * Appends to one section after the other until there is no room: large values first, then smaller ones down to one
 * byte, each with a sync. A sync without room ends it, or, `to_the_last_byte`, what it left behind is dropped by a
 * rewind, and smaller values are tried.
 */
void filler_fill(filler_t *filler, bool to_the_last_byte);

/** The section that was written to last. */
unsigned filler_newest(const filler_t *filler);

/** Every record that must be there is, with its bytes, by read and by replay; and no other. `exact`: what was appended
 *  and not synced is there too. Returns how many there are. */
uint64_t filler_judge(filler_t *filler, bool exact);

/** Lets another program take the rest of the room: bytes in this file until not one more is taken. */
void take_the_rest(const char *path);

#endif
