/*
 * oversized/open/partitions.h: the partitions of a journal: opened, locked, made, listed.
 */
#ifndef SEGJ_OVERSIZED_OPEN_PARTITIONS_H
#define SEGJ_OVERSIZED_OPEN_PARTITIONS_H

#include "oversized/section/journal.h"

/** How often a partition that is replaced between its opening and its locking is opened again. */
#define LOCK_TRIES 8

/** The sections that the partitions hold, ascending. */
typedef struct segj_listing {
    uint64_t *index, *values;
    size_t index_count, value_count;
    bool removing; /* the mark of a removal is there */
} segj_listing_t;

/** Opens, locks and lists the partitions that are there; one that is missing stays closed, where that is no failure. */
SEGJ_MUST_CHECK segj_status_t segj_partitions_open(oversized_t *journal, const oversized_config_t *config,
                                                   segj_listing_t *listing);

/** SEGJ_ERR_LOCKED: a partition was replaced again and again. */
segj_status_t segj_partitions_replaced_often(const segj_io_partition_t *partition);

/** Of the two partitions one is missing, and the other one has `sections` files: SEGJ_ERR_MISMATCH, or
 *  SEGJ_ERR_NOT_FOUND where open must not make one. */
SEGJ_MUST_CHECK segj_status_t segj_partitions_judge_missing(const oversized_config_t *config,
                                                            const segj_io_partition_t *missing,
                                                            const segj_io_partition_t *other, size_t sections);

/** Makes the partitions that are not open. Another opener may have made them, and have written to them, before: the
 *  caller opens, locks and lists them next. */
SEGJ_MUST_CHECK segj_status_t segj_partitions_make(segj_shared_t *shared);

#endif
