/*
 * oversized/section/writers.h: the sections that are being written. All under change, and not under state.
 */
#ifndef SEGJ_OVERSIZED_SECTION_WRITERS_H
#define SEGJ_OVERSIZED_SECTION_WRITERS_H

#include "oversized/section/section.h"

/** Pins the files of a section at rest for its writer, which makes the section active. Makes room for it first. Does
 *  not read the last page: appends call segj_section_activate, and a cut may be about to remove a damaged page. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_pin_for_write(oversized_t *journal, segj_section_t *section);
/** The same without making room, because that may need a sync of another section. For a change that puts the section
 *  back to rest before it ends. Until then readers may have to wait for the two descriptors. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_pin_for_write_briefly(oversized_t *journal, segj_section_t *section);
/** Pins the files, and reads the last page of the index, so that records can be appended. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_activate(oversized_t *journal, segj_section_t *section);

/** segj_counts_guard (journal/counts.h) before a change that removes records. Where it finds no descriptor, sections
 *  that were written to give up their own. Under change, and with no section held. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_journal_guard_counts(oversized_t *journal,
                                                                                segj_counts_most_t *most,
                                                                                segj_counts_most_t *is_there,
                                                                                void *context);

/** A partition's give_back: closes files that are not in use. Where there are none, and no change is under way, it
 *  puts the section that was written to longest ago to rest. Without locks, or under change. */
SEGJ_WITHOUT_STATE bool segj_journal_give_back(void *journal);
/** A partition's lost: poisons the journal, the context, which another opener has. */
SEGJ_WITHOUT_STATE void segj_journal_lost(void *context);

/** Makes a section at rest durable that open could not repair, or whose records an earlier process may have left
 *  without a sync. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_sync_inherited(oversized_t *journal, segj_section_t *section);

/** What looks like damage to a change may be the work of another opener that locks did not keep out. Answers
 *  SEGJ_ERR_POISONED then, and otherwise the status with its sentence. */
SEGJ_WITHOUT_STATE segj_status_t segj_journal_judge_damage(oversized_t *journal, segj_status_t status);

/** Makes both files of a section, and makes it active. Readers do not find it yet; the table has room for it. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_create(oversized_t *journal, uint64_t number,
                                                          segj_section_t **created);
/** Puts a section that was made into the table, where readers find it. */
SEGJ_UNDER_CHANGE_ALONE void segj_section_show(oversized_t *journal, segj_section_t *section);
/** Takes a creation back: after a failed first append the section does not exist. Keeps the thread's sentence. */
SEGJ_UNDER_CHANGE_ALONE void segj_section_discard(oversized_t *journal, segj_section_t *section);

/** Brings write memory below its limit: sections write what they hold, those written to longest ago first. Where
 *  that is not enough they are synced and come to rest, except `keep` (or NULL). */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_journal_shrink_write_memory(oversized_t *journal,
                                                                       const segj_section_t *keep);

#endif
