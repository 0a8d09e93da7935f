/*
 * oversized/open/config.h: what of a configuration is refused.
 */
#ifndef SEGJ_OVERSIZED_OPEN_CONFIG_H
#define SEGJ_OVERSIZED_OPEN_CONFIG_H

#include "oversized/section/journal.h"

/** The least that max_open_files may be. */
#define OPEN_FILES_LEAST 4

/** The storage's table ended here in its first version. */
#define STORAGE_SIZE_LEAST offsetof(segj_storage_t, file_map)

/** SEGJ_ERR_INVALID: it was not filled by this version's oversized_config_init(). */
SEGJ_MUST_CHECK segj_status_t segj_config_check_size(const oversized_config_t *config);

/** What counts of a configuration where files are looked at alone, and no journal is opened: places and sizes. The rest
 *  is as it may be. */
void segj_config_to_look(const oversized_config_t *given, oversized_config_t *config);

/** SEGJ_ERR_INVALID, with the field and what it should be. */
SEGJ_MUST_CHECK segj_status_t segj_config_check(const oversized_config_t *config);

#endif
