/*
 * package/cost/work.c: what a program in C does.
 */
#include <stdio.h>
#include <stdlib.h>

#include "work.h"

static const char bytes[WORK_VALUE];
static volatile size_t sink;

static void need(segj_status_t status)
{
    if (status == SEGJ_OK)
        return;
    fprintf(stderr, "%s\n", segj_last_error());
    exit(1);
}

void c_append(oversized_t *journal, unsigned long times)
{
    uint64_t position;
    for (unsigned long i = 0; i < times; i++)
        need(oversized_append(journal, WORK_SECTION + 1, bytes, bytes, WORK_VALUE, &position, NULL));
}

void c_get(oversized_t *journal, unsigned long times)
{
    char entry[WORK_ENTRY];
    oversized_location_t location;
    for (unsigned long i = 0; i < times; i++)
        need(oversized_get(journal, WORK_SECTION, i, entry, &location));
}

void c_read(oversized_t *journal, unsigned long times)
{
    char entry[WORK_ENTRY];
    segj_buffer_t value = SEGJ_ZERO;
    for (unsigned long i = 0; i < times; i++) {
        need(oversized_read(journal, WORK_SECTION, i, entry, &value));
        sink = value.size;
    }
    segj_buffer_free(&value);
}

void c_view(oversized_t *journal, unsigned long times)
{
    oversized_view_t view = SEGJ_ZERO;
    for (unsigned long i = 0; i < times; i++) {
        need(oversized_view(journal, WORK_SECTION, i, NULL, &view));
        sink = view.size;
    }
    oversized_view_release(&view);
}

void c_walk(oversized_t *journal, unsigned long times)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    segj_status_t status;
    size_t sum = 0;
    need(oversized_replay_open(journal, WORK_SECTION, 0, 65536, &replay));
    while ((status = oversized_replay_next(replay, &item)) == SEGJ_OK && item.section == WORK_SECTION)
        sum += (size_t)item.position;
    if (status != SEGJ_END)
        need(status);
    sink = sum + times;
    oversized_replay_close(replay);
}

void c_walk_values(oversized_t *journal, unsigned long times)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    segj_status_t status;
    size_t sum = 0;
    need(oversized_replay_open(journal, WORK_SECTION, 0, 65536, &replay));
    while ((status = oversized_replay_next(replay, &item)) == SEGJ_OK && item.section == WORK_SECTION) {
        const void *data;
        size_t size;
        need(oversized_replay_value(replay, &data, &size));
        sum += size;
    }
    if (status != SEGJ_END)
        need(status);
    sink = sum + times;
    oversized_replay_close(replay);
}

void c_batch(oversized_t *journal, unsigned long times)
{
    uint64_t position;
    oversized_record_t *records = (oversized_record_t *)malloc(times * sizeof *records);
    if (records == NULL)
        abort();
    for (unsigned long i = 0; i < times; i++) {
        records[i].entry = bytes;
        records[i].value = bytes;
        records[i].size = WORK_VALUE;
    }
    need(oversized_append_batch(journal, WORK_SECTION + 2, records, times, &position, NULL));
    free(records);
}
