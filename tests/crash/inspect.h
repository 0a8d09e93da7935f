/*
 * crash/inspect.h: the files of a simulated disk around an open, looked at without the library (crash/raw.h): what open
 * shows is what the files held, neither less nor more, and what they are then is that and nothing else.
 */
#ifndef CRASH_INSPECT_H
#define CRASH_INSPECT_H

#include <stdbool.h>

#include "crash/model.h"
#include "support/simdisk.h"

typedef struct inspector inspector_t;

typedef struct inspection {
    uint64_t records[MODEL_SECTIONS]; /* that the files of a section hold */
    uint64_t ends[MODEL_SECTIONS];    /* of their values */
} inspection_t;

inspector_t *inspector_new(segj_format_t format, uint16_t page_size);
void inspector_free(inspector_t *inspector);

/** Commonware: a file is nothing but a header, and that is garbage. Whether such a file was ever finished nobody can
 *  tell, so it is refused: FORMAT.md makes files new whose header is cut short or zeros, and no others. */
bool inspect_garbage_header(simdisk_t *disk);

/** Before open. */
void inspect(inspector_t *inspector, simdisk_t *disk, inspection_t *inspection);
/** Behind it. NULL, or a sentence. */
const char *inspect_again(const inspector_t *inspector, simdisk_t *disk, const inspection_t *before,
                          oversized_t *journal);

#endif
