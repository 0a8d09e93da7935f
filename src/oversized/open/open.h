/*
 * oversized/open/open.h: a journal in memory, as its configuration has it, before any of its files is opened.
 */
#ifndef SEGJ_OVERSIZED_OPEN_OPEN_H
#define SEGJ_OVERSIZED_OPEN_OPEN_H

#include "oversized/section/journal.h"

/** Makes the memory of a journal and fills it by the configuration. No partition is opened, and no call is let in. */
SEGJ_MUST_CHECK segj_status_t segj_journal_make(const oversized_config_t *config, oversized_t **made);

/** Sets what the files of a journal decide, before they are judged. */
void segj_journal_set_sizes(oversized_t *journal, segj_format_t format, uint32_t entry_size, uint16_t page_size);

#endif
