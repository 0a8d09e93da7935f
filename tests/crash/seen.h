/*
 * crash/seen.h: a set of states by a number each, with how closely they were looked at.
 */
#ifndef CRASH_SEEN_H
#define CRASH_SEEN_H

#include <stddef.h>
#include <stdint.h>

#define SEEN_LEVELS 7

typedef struct seen {
    uint64_t *table; /* 0: free; else the number's upper 61 bits, and the level + 1 */
    size_t count, capacity;
} seen_t;

typedef enum seen_answer { SEEN_NEW, SEEN_LESS, SEEN_ENOUGH } seen_answer_t;

/** Notes that a state is looked at, at a level from 0 to SEEN_LEVELS - 1. SEEN_LESS: it was, at lower levels;
 *  SEEN_ENOUGH: it was at this one or above. */
seen_answer_t seen_note(seen_t *seen, uint64_t state, unsigned level);
void seen_free(seen_t *seen);

#endif
