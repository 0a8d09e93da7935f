/*
 * oversized/tools/follow_list.c: which sections a follower follows, and which may have something new (follow.h).
 */
#include <stdlib.h>
#include <string.h>

#include "oversized/tools/follow.h"

/* --- sections --- */

/* Where the section is in the list, or would be. */
static size_t section_lower(const oversized_follower_t *follower, uint64_t number)
{
    size_t low = 0;
    size_t high = follower->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (follower->sections[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

segj_follow_section_t *segj_follow_find(const oversized_follower_t *follower, uint64_t number)
{
    size_t at = section_lower(follower, number);
    return at < follower->count && follower->sections[at]->number == number ? follower->sections[at] : NULL;
}

static segj_status_t section_add(oversized_follower_t *follower, uint64_t number, bool orphan)
{
    if (follower->count == follower->capacity) {
        size_t capacity = follower->capacity == 0 ? 16 : 2 * follower->capacity;
        segj_follow_section_t **more =
            (segj_follow_section_t **)realloc((void *)follower->sections, capacity * sizeof *more);
        if (more == NULL)
            return segj_fail_memory(capacity * sizeof *more);
        follower->sections = more;
        follower->capacity = capacity;
    }
    segj_follow_section_t *made = calloc(1, sizeof *made);
    if (made == NULL)
        return segj_fail_memory(sizeof *made);
    size_t at = section_lower(follower, number);
    made->number = number;
    made->dirty = made->listed = true;
    made->orphan = orphan;
    memmove((void *)(follower->sections + at + 1), (const void *)(follower->sections + at),
            (follower->count - at) * sizeof(segj_follow_section_t *));
    follower->sections[at] = made;
    follower->count++;
    return SEGJ_OK;
}

void segj_follow_remove(oversized_follower_t *follower, size_t at)
{
    segj_follow_section_t *section = follower->sections[at];
    segj_follow_close(follower, section);
    free(section->passed);
    free(section);
    follower->count--;
    memmove((void *)(follower->sections + at), (const void *)(follower->sections + at + 1),
            (follower->count - at) * sizeof(segj_follow_section_t *));
}

/* --- partitions --- */

static void leave_partitions(oversized_follower_t *follower)
{
    segj_shared_t *shared = &follower->journal->shared;
    for (size_t i = 0; i < follower->count; i++) {
        segj_follow_close(follower, follower->sections[i]);
        follower->sections[i]->gone = follower->sections[i]->dirty = true;
    }
    segj_partition_close(&shared->index);
    segj_partition_close(&shared->values);
    segj_watch_end(follower->watch);
    follower->away = true;
}

segj_status_t segj_follow_enter_partitions(oversized_follower_t *follower)
{
    segj_shared_t *shared = &follower->journal->shared;
    bool missing = false;
    segj_status_t status = segj_partition_open(&shared->index, &missing);
    if (status == SEGJ_OK && missing)
        return segj_partition_not_found(&shared->index);
    if (status == SEGJ_OK)
        status = segj_partition_open(&shared->values, &missing);
    if (status == SEGJ_OK && missing)
        status = segj_partition_not_found(&shared->values);
    if (status == SEGJ_OK) {
        segj_watch_begin(follower->watch, &shared->index, &shared->values);
        follower->away = false;
        follower->relist = true;
    } else {
        segj_partition_close(&shared->index);
        segj_partition_close(&shared->values);
    }
    return status;
}

/* Whether the names still stand for what is open. Removed partitions have nothing in them; others may come instead. */
static segj_status_t check_partitions(oversized_follower_t *follower)
{
    const segj_shared_t *shared = &follower->journal->shared;
    segj_status_t status = segj_partition_named(&shared->index);
    if (status == SEGJ_OK)
        status = segj_partition_named(&shared->values);
    if (status != SEGJ_ERR_MISMATCH)
        return status;
    leave_partitions(follower);
    return SEGJ_OK;
}

/* Takes what a partition has. orphans: of the values; each has been listed with its index file, or has none. */
static segj_status_t take_listed(oversized_follower_t *follower, const uint64_t *numbers, size_t count, bool orphans)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < count && status == SEGJ_OK; i++) {
        segj_follow_section_t *section = segj_follow_find(follower, numbers[i]);
        if (section != NULL) {
            section->orphan = section->orphan && orphans;
            section->listed = true;
        } else if (numbers[i] >= follower->first)
            status = section_add(follower, numbers[i], orphans);
    }
    return status;
}

/* Sections that are not there any more are looked at, and found missing. */
static segj_status_t list_partition(oversized_follower_t *follower)
{
    const segj_shared_t *shared = &follower->journal->shared;
    uint64_t *numbers = NULL;
    uint64_t *values = NULL;
    size_t count = 0;
    size_t value_count = 0;
    bool removing = false;
    segj_sentence_t strange = {.text = ""};
    segj_status_t status = segj_partition_sections_among(&shared->index, &numbers, &count, &strange);
    if (status == SEGJ_OK)
        status = segj_partition_values(&shared->values, &values, &value_count, &strange, &removing);
    for (size_t i = 0; i < follower->count; i++)
        follower->sections[i]->listed = false;
    if (status == SEGJ_OK)
        status = take_listed(follower, numbers, count, false);
    if (status == SEGJ_OK && !removing)
        status = take_listed(follower, values, value_count, true);
    free(numbers);
    free(values);
    if (status != SEGJ_OK)
        return status;
    for (size_t i = 0; i < follower->count; i++)
        if (!follower->sections[i]->listed)
            follower->sections[i]->dirty = true;
    follower->relist = false;
    /* Where the storage does not tell what a name stands for, it is opened again. So it is where all that was followed
     * has gone: of a directory that was removed with the one above it nothing more is told. */
    bool emptied = follower->count == 0 && follower->turns > 0;
    if (emptied || (follower->count == 0 && !SEGJ_STORAGE_HAS(&follower->journal->storage, partition_named)))
        leave_partitions(follower);
    return SEGJ_OK;
}

/* Looks which sections there are, where that may have changed. */
segj_status_t segj_follow_list(oversized_follower_t *follower)
{
    segj_status_t status = SEGJ_OK;
    if (!follower->away)
        status = check_partitions(follower);
    if (status != SEGJ_OK || !follower->away)
        return status == SEGJ_OK ? list_partition(follower) : status;
    for (size_t i = 0; i < follower->count; i++)
        if (!follower->sections[i]->told)
            return SEGJ_OK; /* what has gone is told before what comes */
    while (follower->count > 0)
        segj_follow_remove(follower, follower->count - 1);
    status = segj_follow_enter_partitions(follower);
    if (status == SEGJ_ERR_NOT_FOUND) {
        follower->relist = false;
        return SEGJ_OK;
    }
    return status == SEGJ_OK ? list_partition(follower) : status;
}

static void note_change(void *context, const char *name)
{
    oversized_follower_t *follower = context;
    uint64_t number;
    if (name != NULL) {
        segj_follow_section_t *section = segj_section_parse(name, &number) ? segj_follow_find(follower, number) : NULL;
        if (section != NULL)
            section->dirty = true;
        else
            follower->relist = true;
        return;
    }
    follower->relist = true;
    for (size_t i = 0; i < follower->count; i++)
        follower->sections[i]->dirty = true;
}

void segj_follow_take(oversized_follower_t *follower)
{
    segj_watch_take(follower->watch, note_change, follower);
}
