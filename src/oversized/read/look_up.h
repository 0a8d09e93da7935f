/*
 * oversized/read/look_up.h: how every way of reading finds what it reads: a section, one of its records, the section
 * that it has been reading all along.
 *
 * All under state. A look-up that has to read a page gives the lock up while it reads, and says whether the section was
 * cut or removed since. Then the reader discards what it found, and begins anew (DESIGN.md, I11).
 */
#ifndef SEGJ_OVERSIZED_READ_LOOK_UP_H
#define SEGJ_OVERSIZED_READ_LOOK_UP_H

#include "oversized/section/section.h"

/** Copies a record that is in no memory: gives the lock up while it reads. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_look_up_in_file(oversized_t *journal, segj_section_t *section,
                                                                    uint64_t position, uint8_t *record, bool *changed);

/** SEGJ_ERR_NO_RECORD, with what the section has. */
segj_status_t segj_look_up_missing(const segj_section_t *section, uint64_t position);

/** Copies a record. SEGJ_ERR_NO_RECORD: the section has no such position. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE static inline segj_status_t
segj_look_up_record(oversized_t *journal, segj_section_t *section, uint64_t position, uint8_t *record, bool *changed)
{
    uint32_t size = journal->shared.record_size;
    *changed = false;
    if (position >= section->index.records)
        return segj_look_up_missing(section, position);
    if (segj_fixed_peek(&section->index, &journal->shared, position * size, size, record))
        return SEGJ_OK;
    return segj_look_up_in_file(journal, section, position, record, changed);
}

/** Finds the section that a reader of several calls began with, where it has still that generation:
 *  SEGJ_ERR_PRUNED, SEGJ_ERR_NO_RECORD otherwise. `reader`: what the reader is, for the sentence. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_look_up_again(const oversized_t *journal, uint64_t number,
                                                                  uint64_t generation, const char *reader,
                                                                  segj_section_t **section);

#endif
