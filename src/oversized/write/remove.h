/*
 * oversized/write/remove.h: removing sections. All under change.
 */
#ifndef SEGJ_OVERSIZED_WRITE_REMOVE_H
#define SEGJ_OVERSIZED_WRITE_REMOVE_H

#include "oversized/section/section.h"

/** Waits until no prune is under way, and gives `change` up while it waits. */
SEGJ_UNDER_CHANGE_ALONE void segj_journal_await_removal(oversized_t *journal);
/** Removes order[first] to order[last - 1] of the table. No prune is under way. *noted*: what they had lost is told by
 *  later opens. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_sections_unlink(oversized_t *journal, size_t first, size_t last, bool noted);

#endif
