/*
 * crash/readers.h: threads that read a journal beside the one that changes it, and judge what they see. What must be
 * there is published by the writer around each of its steps. While a step may take records away (it `moves`), a reader
 * may find either answer, but what it is given must be a record that was once appended at that very place, with its own
 * value.
 */
#ifndef CRASH_READERS_H
#define CRASH_READERS_H

#include "crash/model.h"

typedef struct readers readers_t;

readers_t *readers_new(uint64_t seed);
void readers_free(readers_t *readers);

/** Starts and ends the threads; the journal is open in between. */
void readers_start(readers_t *readers, oversized_t *journal, const model_t *model);
void readers_stop(readers_t *readers);

/** Around each step. */
void readers_before(readers_t *readers, bool moves);
void readers_after(readers_t *readers, const model_t *model);

/** Before an append: the record that may show from now on. */
void readers_note(readers_t *readers, uint32_t id, size_t slot, size_t position);

/** Grants some reads more, and waits while many are left. */
void readers_pace(readers_t *readers);

/** What was wrong, or NULL. */
const char *readers_wrong(readers_t *readers);
uint64_t readers_reads(readers_t *readers);

#endif
