/*
 * oversized/lost/set_aside.c: what repairs are going to cut of sections that have lost records is copied, and noted.
 */
#include "oversized/lost/set_aside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/bytes.h"
#include "checksum/checksum.h"
#include "oversized/lost/catalogue.h"
#include "oversized/lost/items.h"
#include "oversized/lost/losses.h"

/* --- copies --- */

/* Bytes that are copied at a time. */
#define SET_ASIDE_WINDOW ((size_t)256 << 10)

/** What setting aside works with. */
typedef struct set_aside_copy {
    oversized_t *journal;
    uint8_t *window; /* SET_ASIDE_WINDOW bytes; NULL: not yet wanted */
} set_aside_copy_t;

static segj_status_t set_aside_have_window(set_aside_copy_t *copy)
{
    if (copy->window == NULL)
        copy->window = malloc(SET_ASIDE_WINDOW);
    return copy->window != NULL ? SEGJ_OK : segj_fail_memory(SET_ASIDE_WINDOW);
}

/** A range of a section's file. */
typedef struct set_aside_range {
    const segj_io_partition_t *partition;
    uint64_t section, offset, size;
} set_aside_range_t;

/* Passes it through the window: into `to`, or nowhere; and gives its checksum. */
static segj_status_t pass(set_aside_copy_t *copy, const segj_io_file_t *from, const set_aside_range_t *range,
                          const segj_io_file_t *to, uint32_t *crc)
{
    uint64_t done = 0;
    segj_status_t status = set_aside_have_window(copy);
    while (done < range->size && status == SEGJ_OK) {
        size_t part = (size_t)segj_min_u64(range->size - done, SET_ASIDE_WINDOW);
        status = segj_io_read(from, range->offset + done, copy->window, part, NULL);
        if (status != SEGJ_OK)
            break;
        *crc = segj_crc32(*crc, copy->window, part);
        if (to != NULL)
            status = segj_io_write(to, done, copy->window, part);
        done += part;
    }
    return status;
}

static segj_status_t copy_range(set_aside_copy_t *copy, const set_aside_range_t *range, const segj_io_file_t *to,
                                uint32_t *crc)
{
    segj_io_file_t from;
    *crc = 0;
    if (range->size == 0)
        return SEGJ_OK;
    segj_status_t status = segj_io_open(&from, range->partition, range->section, SEGJ_OPEN_READ, NULL);
    if (status != SEGJ_OK)
        return status;
    status = pass(copy, &from, range, to, crc);
    segj_io_close(&from);
    return status;
}

/* Makes an item, durable but for its name. */
static segj_status_t make_item(set_aside_copy_t *copy, const set_aside_range_t *range, const char *name, uint32_t *crc)
{
    segj_io_file_t to;
    if (range->size == 0)
        return SEGJ_OK;
    segj_status_t status = segj_io_open_named(&to, &copy->journal->quarantine.partition, name, SEGJ_OPEN_CREATE, NULL);
    if (status != SEGJ_OK)
        return status;
    status = copy_range(copy, range, &to, crc);
    if (status == SEGJ_OK)
        status = segj_io_sync(&to);
    segj_io_close(&to);
    return status;
}

static set_aside_range_t range_of(const segj_shared_t *shared, const segj_loss_t *loss, bool values)
{
    return values ? (set_aside_range_t){&shared->values, loss->section, loss->values_offset, loss->values_size}
                  : (set_aside_range_t){&shared->index, loss->section, loss->index_offset, loss->index_size};
}

/* --- one loss --- */

/* Lets older items go where the bound asks for it, and takes what then fits: the index first, then values from their
 * start. */
SEGJ_UNDER_CHANGE static segj_status_t fit(segj_quarantine_t *quarantine, segj_loss_t *loss)
{
    uint64_t wanted = loss->index_size + loss->values_size;
    segj_status_t status = SEGJ_OK;
    while (wanted > 0 && segj_loss_excess(quarantine->limit, segj_losses_held(quarantine)) < wanted &&
           segj_losses_drop_oldest(quarantine, &status))
        continue;
    uint64_t room = segj_loss_excess(quarantine->limit, segj_losses_held(quarantine));
    loss->index_size = segj_min_u64(loss->index_size, room);
    loss->values_size = segj_min_u64(loss->values_size, room - loss->index_size);
    loss->missed = wanted - loss->index_size - loss->values_size;
    return status;
}

/* An open that was cut off has set the very same bytes aside: its copy goes, because a killed process's need not be
 * durable, and is made again. */
SEGJ_UNDER_CHANGE static segj_status_t drop_copy(set_aside_copy_t *copy, const segj_loss_t *loss)
{
    segj_quarantine_t *quarantine = &copy->journal->quarantine;
    segj_status_t status = SEGJ_OK;
    for (size_t i = quarantine->count; i-- > 0 && status == SEGJ_OK;) {
        const segj_loss_t *at = &quarantine->losses[i];
        const set_aside_range_t index = range_of(&copy->journal->shared, at, false);
        const set_aside_range_t values = range_of(&copy->journal->shared, at, true);
        uint32_t crcs[2] = {0, 0};
        if (!segj_loss_alike(at, loss))
            continue;
        status = copy_range(copy, &index, NULL, &crcs[0]);
        if (status == SEGJ_OK)
            status = copy_range(copy, &values, NULL, &crcs[1]);
        if (status != SEGJ_OK || crcs[0] != at->index_crc || crcs[1] != at->values_crc)
            continue;
        status = segj_items_unlink(quarantine, at);
        segj_losses_forget(quarantine, i);
    }
    return status;
}

/* Both items of a loss. What fails leaves none, or what the next open removes, because no catalogue lists it. */
static segj_status_t make_items(set_aside_copy_t *copy, segj_loss_t *loss)
{
    const set_aside_range_t index = range_of(&copy->journal->shared, loss, false);
    const set_aside_range_t values = range_of(&copy->journal->shared, loss, true);
    char name[SEGJ_ITEM_NAME];
    segj_item_name(loss, false, name);
    segj_status_t status = make_item(copy, &index, name, &loss->index_crc);
    segj_item_name(loss, true, name);
    if (status == SEGJ_OK)
        status = make_item(copy, &values, name, &loss->values_crc);
    if (status == SEGJ_OK)
        return SEGJ_OK;
    char cause[SEGJ_POISON_CAPACITY];
    (void)snprintf(cause, sizeof cause, "%s", segj_last_error());
    (void)!segj_items_unlink(&copy->journal->quarantine, loss);
    segj_say("%s", cause);
    return status;
}

/* As long as acknowledged losses are there to make room. */
SEGJ_UNDER_CHANGE static segj_status_t make_items_somehow(set_aside_copy_t *copy, segj_loss_t *loss)
{
    for (;;) {
        segj_status_t dropped = SEGJ_OK;
        segj_status_t status = make_items(copy, loss);
        if (status != SEGJ_ERR_NO_SPACE || !segj_losses_drop_oldest(&copy->journal->quarantine, &dropped))
            return dropped != SEGJ_OK ? dropped : status;
    }
}

SEGJ_UNDER_CHANGE static segj_status_t keep_one(set_aside_copy_t *copy, const segj_recovery_plan_t *plan)
{
    segj_quarantine_t *quarantine = &copy->journal->quarantine;
    segj_loss_t loss = segj_loss_of(copy->journal, plan);
    segj_status_t status = drop_copy(copy, &loss);
    if (status != SEGJ_OK)
        return status;
    loss.ordinal = quarantine->next_ordinal++;
    loss.when = (uint64_t)time(NULL);
    status = fit(quarantine, &loss);
    if (status == SEGJ_OK)
        status = make_items_somehow(copy, &loss);
    if (status == SEGJ_OK)
        status = segj_losses_add(quarantine, &loss);
    return status;
}

/* --- all of them --- */

/* *kept: something was, and the catalogue must be written. */
SEGJ_UNDER_CHANGE static segj_status_t keep_each(set_aside_copy_t *copy, segj_recovery_plan_t *plans, size_t count,
                                                 bool *kept)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < count && status == SEGJ_OK; i++) {
        if (segj_plan_unwanted_loss(&plans[i]) == 0 || plans[i].noted)
            continue;
        status = keep_one(copy, &plans[i]);
        plans[i].noted = status == SEGJ_OK;
        *kept = *kept || status == SEGJ_OK;
        if (status == SEGJ_ERR_NO_SPACE)
            status = SEGJ_OK; /* another one may fit */
    }
    return status;
}

/* Nothing is cut yet, and what is not set aside will be. */
static void say_missed(const oversized_t *journal, const segj_loss_t *loss)
{
    if (loss->missed > 0)
        segj_shared_log(&journal->shared, SEGJ_LOG_ERROR,
                        "%s: %" PRIu64 " bytes that section %" PRIu64 " loses are not set aside: the bound of the "
                        "quarantine, config.quarantine, is %" PRIu64 " bytes",
                        journal->directory, loss->missed, loss->section, journal->quarantine.limit);
}

static void say_each_missed(const oversized_t *journal, uint32_t first)
{
    const segj_quarantine_t *quarantine = &journal->quarantine;
    for (size_t i = 0; i < quarantine->count; i++)
        if (quarantine->losses[i].ordinal >= first)
            say_missed(journal, &quarantine->losses[i]);
}

SEGJ_UNDER_CHANGE static segj_status_t keep_and_note(set_aside_copy_t *copy, segj_recovery_plan_t *plans, size_t count)
{
    segj_quarantine_t *quarantine = &copy->journal->quarantine;
    bool kept = false;
    segj_status_t status = segj_losses_begin(copy->journal);
    if (status != SEGJ_OK)
        return status;
    uint32_t first = quarantine->next_ordinal;
    status = keep_each(copy, plans, count, &kept);
    if (status == SEGJ_OK && kept)
        status = segj_partition_sync(&quarantine->partition);
    if (status == SEGJ_OK && kept)
        status = segj_catalogue_commit(quarantine);
    if (status == SEGJ_OK) {
        say_each_missed(copy->journal, first);
        return SEGJ_OK;
    }
    segj_losses_roll_back(quarantine, first);
    for (size_t i = 0; i < count; i++)
        plans[i].noted = false;
    return status;
}

segj_status_t segj_quarantine_keep(oversized_t *journal, segj_recovery_plan_t *plans, size_t count)
{
    bool lost = false;
    for (size_t i = 0; i < count; i++)
        lost = lost || (segj_plan_unwanted_loss(&plans[i]) > 0 && !plans[i].noted);
    if (!lost)
        return SEGJ_OK;
    set_aside_copy_t copy = {journal, NULL};
    segj_status_t status = keep_and_note(&copy, plans, count);
    free(copy.window);
    if (status == SEGJ_ERR_NO_SPACE)
        return SEGJ_OK; /* plan->noted says so */
    return status == SEGJ_OK ? SEGJ_OK : segj_context(status, "setting aside what is lost");
}
