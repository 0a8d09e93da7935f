/*
 * oversized/section/dictionary.h: the dictionaries of a journal's sections, as zstd wants them: prepared. A section's
 * is read from its files when a value wants it first. What is not in use goes when others want its room, so that what
 * they take is bounded however many sections there are; sections with the same bytes share one.
 *
 * A section knows its dictionary by a place in the journal's list and a stamp. Where another one is there by now, or
 * none, it is read again. So no section need be told when one goes.
 */
#ifndef SEGJ_OVERSIZED_SECTION_DICTIONARY_H
#define SEGJ_OVERSIZED_SECTION_DICTIONARY_H

#include <zstd.h>

#include "oversized/section/journal.h"

struct segj_dictionary {
    segj_dictionary_id_t id;
    uint64_t stamp;      /* no two have the same; 0: it was never to be listed */
    uint64_t used;       /* when it was taken last; under state, as these: */
    unsigned users;      /* who uses it now */
    bool listed;         /* it is in the list, and stays when it is not in use */
    uint32_t slot;       /* there */
    ZSTD_CDict *packs;   /* NULL until a value must be compressed */
    ZSTD_DDict *unpacks; /* of one that is in use */
    size_t memory;       /* that all of it takes */
    uint8_t bytes[];
};

/** Prepares bytes to unpack. SEGJ_ERR_COMPRESSION: they begin as a dictionary of zstd does, and are none. */
SEGJ_MUST_CHECK segj_status_t segj_dictionary_unpacks(const uint8_t *bytes, uint32_t size, ZSTD_DDict **made);

/** Makes one of bytes that are its own from then on, and prepares it to unpack. SEGJ_ERR_COMPRESSION,
 *  as above. users is 1. */
SEGJ_MUST_CHECK segj_status_t segj_dictionary_new(const void *bytes, uint32_t size, segj_dictionary_t **made);
void segj_dictionary_free(segj_dictionary_t *dictionary); /**< it is not in use; NULL is fine */

/** Puts one into the list, where there is room; gives the one that counts from then on, which has one user more than
 *  before: the same, or one that was there with the same bytes. Under state. */
SEGJ_UNDER_STATE segj_dictionary_t *segj_dictionary_list(oversized_t *journal, segj_dictionary_t *dictionary);
/** A section that has one in the list finds it there. Under state. */
SEGJ_UNDER_STATE void segj_dictionary_link(segj_section_t *section, const segj_dictionary_t *dictionary);

/** The dictionary of a section that has one, if it is in the list: with a user more. NULL: it is not. Under state. */
SEGJ_UNDER_STATE segj_dictionary_t *segj_dictionary_find(oversized_t *journal, const segj_section_t *section);
/** The same, read from the section's files where it is not in the list. The section is referenced; without state.
 *  SEGJ_ERR_COMPRESSION: it is damaged in both files. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_dictionary_take(oversized_t *journal, segj_section_t *section,
                                                                      segj_dictionary_t **taken);
/** The one that new sections get, or NULL. Under state. */
SEGJ_UNDER_STATE segj_dictionary_t *segj_dictionary_take_next(oversized_t *journal);
/** NULL is fine. */
SEGJ_UNDER_STATE void segj_dictionary_give_locked(oversized_t *journal, segj_dictionary_t *dictionary);
SEGJ_WITHOUT_STATE void segj_dictionary_give(oversized_t *journal, segj_dictionary_t *dictionary);

/** Prepares one that is taken to compress. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_dictionary_prepare(oversized_t *journal,
                                                                         segj_dictionary_t *dictionary);

/** Takes the one by which values of a section are compressed (NULL: of one that will be made), prepared. *taken is NULL
 *  where there is none. Without state. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_dictionary_take_to_pack(oversized_t *journal,
                                                                              segj_section_t *section,
                                                                              segj_dictionary_t **taken);

/** Both files of a section are to have its dictionary, before anything else is written: a copy that is damaged is
 *  written again, durably. Both are open for writing; under change, without state. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_dictionary_mend(oversized_t *journal,
                                                                           segj_section_t *section);

/** At the journal's end. */
void segj_dictionaries_free(segj_dictionaries_t *dictionaries);

/** In a new section's files, whose identities are durable; durably. Under change, without state. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_dictionary_write_both(oversized_t *journal,
                                                                                 const segj_section_t *section,
                                                                                 const segj_dictionary_t *dictionary);

#endif
