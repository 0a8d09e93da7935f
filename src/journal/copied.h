/*
 * journal/copied.h: what tells a copy that oversized_copy() has made from other journals, and a copy that is not
 * complete from one that is (FORMAT.md, "Copies").
 */
#ifndef SEGJ_JOURNAL_COPIED_H
#define SEGJ_JOURNAL_COPIED_H

#include "journal/shared.h"

/** The partition beside the journal's two, and the file in it. */
#define SEGJ_COPIED_SUFFIX ".copy"
#define SEGJ_COPIED_NAME "copy"
#define SEGJ_COPIED_SIZE 32

/** What that file says of the journal. */
typedef struct segj_copied {
    segj_format_t format;
    uint16_t page_size;
    uint32_t record_size;
} segj_copied_t;

void segj_copied_encode(uint8_t to[SEGJ_COPIED_SIZE], const segj_copied_t *copied);

/** False: these `size` bytes are no such file. */
bool segj_copied_decode(const uint8_t *from, size_t size, segj_copied_t *copied);

/** Removes the file and its partition, where there are any, with a journal that is removed. */
SEGJ_MUST_CHECK segj_status_t segj_copied_remove(const segj_shared_t *shared);

#endif
