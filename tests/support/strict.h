/*
 * support/strict.h: the open of tests that cut the power or kill. `strict` refuses values without an index, which an
 * interrupted removal leaves; everything else that it refuses no crash leaves. So where it refuses such values the
 * journal is opened without it, and then it must not have lost anything that was synced.
 */
#ifndef SUPPORT_STRICT_H
#define SUPPORT_STRICT_H

#include <string.h>

#include "segjournal/oversized.h"

static inline segj_status_t open_behind_a_crash(const oversized_config_t *config, oversized_t **journal)
{
    segj_status_t status = oversized_open(config, journal);
    if (status != SEGJ_ERR_CORRUPT || !config->strict || strstr(segj_last_error(), "has no index file") == NULL)
        return status;
    oversized_config_t lenient = *config;
    lenient.strict = false;
    status = oversized_open(&lenient, journal);
    if (status != SEGJ_OK || oversized_recovery(*journal)->synced_records_lost == 0)
        return status;
    oversized_abandon(*journal);
    *journal = NULL;
    return SEGJ_ERR_CORRUPT;
}

#endif
