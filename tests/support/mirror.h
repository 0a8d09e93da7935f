/*
 * support/mirror.h: what somebody has who does what a follower tells: records are added where they must come, and taken
 * away where it says so. At the end, and at any time between, that must be what the journal has.
 */
#ifndef TESTS_SUPPORT_MIRROR_H
#define TESTS_SUPPORT_MIRROR_H

#include "segjournal/follow.h"
#include "support/support.h"

typedef struct mirror_section {
    uint64_t number;
    uint64_t *records; /* of each, a hash of its entry and its value */
    bool *synced;      /* and whether it was said to be synced when it was shown */
    size_t count, capacity;
} mirror_section_t;

typedef struct mirror {
    mirror_section_t *sections;
    size_t count;
    uint64_t shown, rewound, removed; /* what it was told, how often */
    uint64_t last_position;           /* of the last cut or removal */
} mirror_t;

/** Of a record; the sizes count too. */
uint64_t mirror_hash(const void *entry, size_t entry_size, const void *value, size_t value_size);
/** Does what it is told. NULL: fine, else why that cannot be. */
const char *mirror_take(mirror_t *mirror, const oversized_followed_t *followed);
/** Takes all that there is now; fails the test where it cannot be. Gives how many were records. */
uint64_t mirror_drain(mirror_t *mirror, oversized_follower_t *follower);
/** Fails the test unless it has what the journal has, in all sections from `first` on. */
void mirror_check_from(const mirror_t *mirror, oversized_t *journal, uint64_t first);
#define mirror_check(mirror, journal) mirror_check_from((mirror), (journal), 0)
/** Records that it has of a section. */
uint64_t mirror_count(const mirror_t *mirror, uint64_t section);
/** The first section's; NULL: it has nothing of it. */
mirror_section_t *mirror_find(const mirror_t *mirror, uint64_t section);
void mirror_free(mirror_t *mirror);

#endif
