/*
 * oversized/open/partitions.c: the partitions of a journal: they are opened and locked, made where they are missing,
 * and listed.
 */
#include "oversized/open/partitions.h"

#include <string.h>

segj_status_t segj_partitions_replaced_often(const segj_io_partition_t *partition)
{
    return segj_fail(SEGJ_ERR_LOCKED, "%s/%s: the partition was replaced %d times while it was being locked",
                     partition->directory, partition->name, LOCK_TRIES);
}

/* Opens and locks a partition, unless it is open; *missing is no failure. */
static segj_status_t open_partition(segj_io_partition_t *partition, bool read_only, bool *missing)
{
    *missing = false;
    for (int i = 0; i < LOCK_TRIES && partition->opened == NULL; i++) {
        bool replaced = false;
        segj_status_t status = segj_partition_open(partition, missing);
        if (status != SEGJ_OK || *missing)
            return status;
        status = segj_partition_lock(partition, !read_only, &replaced);
        if (status == SEGJ_OK && !replaced)
            return SEGJ_OK;
        segj_partition_close(partition);
        if (status != SEGJ_OK)
            return status;
    }
    return partition->opened != NULL ? SEGJ_OK : segj_partitions_replaced_often(partition);
}

/* Whether the index is there by now, which was missing when it was looked for. */
static segj_status_t index_appeared(segj_shared_t *shared, bool *appeared)
{
    bool missing = false;
    segj_status_t status = segj_partition_open(&shared->index, &missing);
    segj_partition_close(&shared->index);
    *appeared = status == SEGJ_OK && !missing;
    return status;
}

/* The values, of an index that is missing: it is looked for again before they are locked, so that of two openers of a
 * new journal one gets both locks, and once more under their lock, which is the look that counts. */
static segj_status_t lock_values_alone(segj_shared_t *shared, bool read_only, bool *missing, bool *appeared)
{
    *appeared = false;
    segj_status_t status = segj_partition_open(&shared->values, missing);
    if (status != SEGJ_OK || *missing)
        return status;
    segj_partition_close(&shared->values);
    status = index_appeared(shared, appeared);
    if (status != SEGJ_OK || *appeared)
        return status;
    status = open_partition(&shared->values, read_only, missing);
    if (status != SEGJ_OK || *missing)
        return status;
    status = index_appeared(shared, appeared);
    if (*appeared)
        segj_partition_close(&shared->values);
    return status;
}

/* Both partitions are open, but in two directories: the path was given to another one since. */
static bool are_apart(segj_shared_t *shared)
{
    if (shared->index.opened == NULL || shared->values.opened == NULL ||
        segj_partition_is_beside(&shared->index, &shared->values))
        return false;
    segj_partition_close(&shared->index);
    segj_partition_close(&shared->values);
    return true;
}

/* Both partitions, the index always first. Values without an index may be what an opener has left that made both, and
 * closed them, since the index was looked for. *missing[0]: the index, [1]: the values. */
static segj_status_t lock_partitions(segj_shared_t *shared, bool read_only, bool missing[2])
{
    bool appeared = true;
    segj_status_t status = SEGJ_OK;
    for (int i = 0; i < LOCK_TRIES && appeared && status == SEGJ_OK; i++) {
        appeared = false;
        status = open_partition(&shared->index, read_only, &missing[0]);
        if (status == SEGJ_OK && missing[0])
            status = lock_values_alone(shared, read_only, &missing[1], &appeared);
        else if (status == SEGJ_OK)
            status = open_partition(&shared->values, read_only, &missing[1]);
        if (status == SEGJ_OK)
            appeared = appeared || are_apart(shared);
    }
    return status == SEGJ_OK && appeared ? segj_partitions_replaced_often(&shared->index) : status;
}

/* Values that were locked before the index was there are let go: the next look locks both in their order. */
segj_status_t segj_partitions_make(segj_shared_t *shared)
{
    bool no_values = shared->values.opened == NULL;
    segj_status_t status = SEGJ_OK;
    if (shared->index.opened == NULL) {
        segj_partition_close(&shared->values);
        status = segj_partition_create(&shared->index);
    }
    return status == SEGJ_OK && no_values ? segj_partition_create(&shared->values) : status;
}

/* One partition is there, with `sections` files, and the other one is not: a mistyped name, an unmounted volume; unless
 * it is said that the index is lost. */
segj_status_t segj_partitions_judge_missing(const oversized_config_t *config, const segj_io_partition_t *missing,
                                            const segj_io_partition_t *other, size_t sections)
{
    bool lost = !config->read_only && config->orphans != OVERSIZED_ORPHANS_JUDGE &&
                strcmp(missing->name, config->index_partition) == 0;
    if (lost && sections > 0)
        return SEGJ_OK;
    if (sections > 0)
        return segj_fail(
            SEGJ_ERR_MISMATCH,
            "%s/%s is missing, while %s holds %zu sections: mount or bring back that partition, or correct its "
            "name in the configuration",
            missing->directory, missing->name, other->name, sections);
    if (config->read_only || config->must_exist)
        return segj_partition_not_found(missing);
    return SEGJ_OK;
}

segj_status_t segj_partitions_open(oversized_t *journal, const oversized_config_t *config, segj_listing_t *listing)
{
    segj_io_partition_t *index = &journal->shared.index;
    segj_io_partition_t *values = &journal->shared.values;
    bool missing[2] = {false, false};
    segj_status_t status = segj_hold_take(&journal->shared, config->read_only);
    if (status == SEGJ_OK)
        status = lock_partitions(&journal->shared, config->read_only, missing);
    /* Before the lists: what a former owner has acknowledged until it finds this claim is in them. */
    if (status == SEGJ_OK && !missing[0] && !missing[1])
        status = config->read_only ? segj_owner_share(&journal->shared) : segj_owner_claim(&journal->shared);
    if (status == SEGJ_OK && !missing[0])
        status = segj_partition_sections(index, &listing->index, &listing->index_count);
    if (status == SEGJ_OK && !missing[1])
        status = segj_partition_values(values, &listing->values, &listing->value_count, NULL, &listing->removing);
    if (status == SEGJ_OK && missing[0])
        status = segj_partitions_judge_missing(config, index, values, listing->value_count);
    if (status == SEGJ_OK && missing[1])
        status = segj_partitions_judge_missing(config, values, index, listing->index_count);
    if (status == SEGJ_OK)
        status = segj_counts_open(&journal->shared, config->counts_partition, config->read_only,
                                  listing->index_count + listing->value_count > 0);
    return status;
}
