/*
 * crash/model.h: what an application was told, and the judgement of what a journal shows after a crash.
 *
 * Every appended record has an id of its own, its entry is the id, its value is made from it; so a record that shows
 * another one's bytes is found out, whatever its place. Of each section the model keeps the ids in order (the lineage)
 * and how many of them were covered by a completed sync. While a change is under way it also keeps how far that may
 * have gone.
 *
 * The commonware format promises less: a record that no sync has covered may be there without its value or its page,
 * and what open has shown of a section that it did not touch may still go in the next crash. Which records were found
 * damaged is kept, because a later sync of the section does not mend them.
 */
#ifndef CRASH_MODEL_H
#define CRASH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized.h"

#define MODEL_SECTIONS 6
#define MODEL_RECORDS 128 /* a section */
#define MODEL_ENTRY 8
#define MODEL_VALUE_MAX 65535

typedef struct model_section {
    bool exists;   /* it was appended to, and not removed */
    bool durable;  /* a completed sync has covered its name */
    bool going;    /* a removal is under way */
    bool pruned;   /* for good, in this run */
    bool phantom;  /* its first append has failed: an empty section may be left */
    size_t count;  /* records appended */
    size_t synced; /* of them, covered by a completed sync */
    size_t floor;  /* what must be left at least, while a rewind is under way: at most synced */
    size_t handed; /* records that a flush has handed to the system: a kill leaves them, a power cut need not */
    size_t left;   /* behind a kill: of them, what must be there */
    uint32_t ids[MODEL_RECORDS];
    bool damaged[MODEL_RECORDS]; /* commonware: when it was opened */
    size_t cut;                  /* commonware: records, `count` included, of which a crash may bring back those that a
                                    process before had cut without a sync; 0: none */
} model_section_t;

typedef struct model {
    model_section_t sections[MODEL_SECTIONS];
    const uint64_t *numbers; /* section numbers, ascending; NULL: they are the indices */
    uint32_t next_id;
    uint32_t head;   /* bytes of a frame before what its location counts: version 2 */
    uint32_t sector; /* by which frames are kept apart, 0: they are not */
    bool commonware;
} model_t;

/** The value of a record: its size comes with the id. */
size_t model_value(uint32_t id, uint8_t *value, size_t capacity);
void model_entry(uint32_t id, uint8_t entry[MODEL_ENTRY]);

uint32_t model_entry_id(const uint8_t entry[MODEL_ENTRY]); /**< 0: it is no entry */

/** The section number of an index. */
uint64_t model_number(const model_t *model, size_t index);

/** An id whose value has `size` bytes (0 to MODEL_VALUE_MAX). */
uint32_t model_new_id(model_t *model, size_t size);

/** Says that everything in the section is durable. */
void model_synced(model_section_t *section);

/** Says that a flush has handed over all there is, and that a rewind to `count` records begins. */
void model_flushed(model_section_t *section);
void model_rewinds(model_section_t *section, size_t count);

/** Makes of the model what must be there behind a kill, which takes no byte that reached the system, and behind a
 *  crash that takes whatever is not durable. */
void model_killed(model_t *model);
void model_cut(model_t *model);

/** What the record must be that is read at a position. NULL, or a sentence. */
const char *model_judge_record(oversized_t *journal, uint64_t number, uint64_t position, uint32_t id,
                               segj_buffer_t *value);

/**
 * Holds what the journal shows against the model. `seen` (may be NULL) becomes the model of what is there, all of it
 * durable. Gives NULL when all is well, else a sentence in the thread's static memory.
 */
const char *model_judge(const model_t *model, oversized_t *journal, model_t *seen);

uint64_t model_hash(const model_t *model);

#endif
