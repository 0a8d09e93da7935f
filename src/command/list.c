/*
 * command/list.c: `segj list`: records, one a line, oldest first or newest first, with their values where that is asked
 * for. It walks, so that no more than a window is in memory, and one value.
 */
#include "command/command.h"

#define LIST_WINDOW ((size_t)1 << 20)

/** A list under way. */
typedef struct list {
    const options_t *options;
    range_t range;
    oversized_t *journal;
    oversized_replay_t *replay;
    uint32_t entry_size;
    answer_t answer; /* of what was found so far */
} list_t;

/* --- a record --- */

/* A record whose value cannot be read is reported, and the list continues. */
static bool list_record(list_t *list, const oversized_item_t *item)
{
    const void *value = NULL;
    size_t size = 0;
    if (list->options->value != SHOW_NONE) {
        segj_status_t status = oversized_replay_value(list->replay, &value, &size);
        if (status != SEGJ_OK) {
            list->answer = complain_of(list->options, status);
            return list->answer == ANSWER_DAMAGED;
        }
        if (value == NULL)
            value = ""; /* of no bytes */
    }
    const record_t record = {.section = item->section,
                             .position = item->position,
                             .entry = item->entry,
                             .entry_size = list->entry_size,
                             .stored = item->location,
                             .value = value,
                             .value_size = size};
    if (!record_print(list->options, &record))
        list->answer = complain(ANSWER_FAILED, "out of memory");
    return list->answer != ANSWER_FAILED;
}

/* --- the walk --- */

/* Where it ends: whether the record is one of those asked for. */
static bool is_within(const list_t *list, const oversized_item_t *item)
{
    const range_t *range = &list->range;
    if (range->all)
        return true;
    if (item->section != range->section)
        return false;
    return list->options->reverse ? item->position >= range->first : item->position <= range->last;
}

static void list_walk(list_t *list)
{
    segj_status_t status = SEGJ_OK;
    oversized_item_t item;
    for (uint64_t done = 0; done < list->options->most;) {
        status = oversized_replay_next(list->replay, &item);
        if (status == SEGJ_END || ((status == SEGJ_OK || status == SEGJ_ERR_CORRUPT) && !is_within(list, &item)))
            return;
        if (status == SEGJ_ERR_CORRUPT) {
            list->answer = complain_of(list->options, status);
            continue;
        }
        if (status != SEGJ_OK) {
            list->answer = complain_of(list->options, status);
            return;
        }
        done++;
        if (!list_record(list, &item))
            return;
    }
}

static segj_status_t list_begin(list_t *list)
{
    const range_t *range = &list->range;
    uint64_t count = 0;
    bool exists = true;
    segj_status_t status = SEGJ_OK;
    if (!range->all)
        status = oversized_section_exists(list->journal, range->section, &exists);
    if (status == SEGJ_OK && !exists)
        status = oversized_get(list->journal, range->section, 0, NULL, NULL); /* whose sentence names it */
    if (status == SEGJ_OK && !range->all)
        status = oversized_count(list->journal, range->section, &count);
    if (status != SEGJ_OK)
        return status;
    if (!list->options->reverse)
        return oversized_replay_open(list->journal, range->all ? 0 : range->section, range->first, LIST_WINDOW,
                                     &list->replay);
    uint64_t from = range->all || range->last >= count ? OVERSIZED_END : range->last + 1;
    return oversized_replay_open_back(list->journal, range->all ? UINT64_MAX : range->section, from, LIST_WINDOW,
                                      &list->replay);
}

answer_t command_list(const options_t *options)
{
    list_t list = {.options = options, .answer = ANSWER_FINE};
    oversized_config_t config;
    if (!range_read(options->range, &list.range))
        return complain(ANSWER_USAGE, "no records are named by \"%s\": N, N:P, N:P-Q or N:P-", options->range);
    if (options->json && options->value == SHOW_RAW)
        return complain(ANSWER_USAGE, "--value=raw is no JSON: hex, text or base64");
    answer_t answer = open_for_reading(options, &list.journal, &config);
    if (answer != ANSWER_FINE)
        return answer;
    list.entry_size = config.entry_size;
    segj_status_t status = list_begin(&list);
    if (status == SEGJ_OK)
        list_walk(&list);
    else
        list.answer = complain_of(options, status);
    oversized_replay_close(list.replay);
    list.answer = tell_lost(options, list.journal, &list.range, list.answer);
    oversized_abandon(list.journal);
    return list.answer;
}
