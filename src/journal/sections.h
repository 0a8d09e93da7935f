/*
 * journal/sections.h: the sections of a journal by number: found in constant time, walked in order. A node is the first
 * member of what the journal keeps of a section. Under the state lock.
 */
#ifndef SEGJ_JOURNAL_SECTIONS_H
#define SEGJ_JOURNAL_SECTIONS_H

#include "base/error.h"
#include "base/guard.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct segj_node {
    uint64_t number;
    struct segj_node *next; /* in the bucket */
} segj_node_t;

typedef struct segj_sections {
    segj_node_t **buckets; /* a power of two of them, at least `capacity` */
    segj_node_t **order;   /* ascending */
    size_t count, capacity, mask;
} segj_sections_t;

/** Makes room, so that insertions up to `count` sections cannot fail. */
SEGJ_MUST_CHECK segj_status_t segj_sections_reserve(segj_sections_t *sections, size_t count);
void segj_sections_free(segj_sections_t *sections); /**< the nodes are their owner's */

segj_node_t *segj_sections_find(const segj_sections_t *sections, uint64_t number);

/** Index in `order` of the first section that is `number` or above; count when there is none. */
size_t segj_sections_lower(const segj_sections_t *sections, uint64_t number);

/** Inserts a section that is not there, in reserved room. */
SEGJ_UNDER_STATE void segj_sections_insert(segj_sections_t *sections, segj_node_t *node);

/** Takes the sections order[first] to order[last - 1] out. */
SEGJ_UNDER_STATE void segj_sections_remove(segj_sections_t *sections, size_t first, size_t last);

#endif
