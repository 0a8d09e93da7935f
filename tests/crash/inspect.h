/*
 * crash/inspect.h: the files of a simulated disk around an open, looked at without the library (crash/raw.h): what open
 * shows is what the files held, neither less nor more, and what they are then is that and nothing else.
 */
#ifndef CRASH_INSPECT_H
#define CRASH_INSPECT_H

#include "crash/model.h"
#include "support/simdisk.h"

typedef struct inspector inspector_t;

typedef struct inspection {
    uint64_t records[MODEL_SECTIONS]; /* that the files of a section hold */
} inspection_t;

inspector_t *inspector_new(uint16_t page_size);
void inspector_free(inspector_t *inspector);

/** Before open. */
void inspect(inspector_t *inspector, simdisk_t *disk, inspection_t *inspection);
/** Behind it. NULL, or a sentence. */
const char *inspect_again(const inspector_t *inspector, const simdisk_t *disk, const inspection_t *before,
                          oversized_t *journal);

#endif
