/* support/changes.c: see the header. */
#include "support/changes.h"

#include <string.h>

#include "segjournal/tools.h"

enum { FIRST = 3, SECOND, STARTED, NEW = 9, SIZE = 30, LARGE = 5000 };

static const uint8_t entry[SMALL_ENTRY] = {1};
static uint8_t large[LARGE]; /* fits no buffer */
static oversized_ticket_t ticket;

void changes_prepare(oversized_t *journal, bool unsynced)
{
    for (uint64_t section = FIRST; section <= STARTED; section++) {
        for (uint64_t id = 0; id < CHANGES_RECORDS; id++)
            (void)append_filled(journal, section, id, (uint8_t)section, SIZE, NULL);
        assert_ok(oversized_sync(journal, section));
        for (uint64_t id = CHANGES_RECORDS; unsynced && id < CHANGES_RECORDS + 3; id++)
            (void)append_filled(journal, section, id, (uint8_t)section, SIZE, NULL);
    }
    assert_ok(oversized_sync_start(journal, STARTED, &ticket));
}

void changes_check(oversized_t *journal)
{
    for (uint64_t section = FIRST; section <= STARTED; section++)
        for (uint64_t id = 0; id < CHANGES_RECORDS; id++)
            check_filled(journal, section, id, id, (uint8_t)section, SIZE);
}

static segj_status_t make_append(oversized_t *journal)
{
    return oversized_append(journal, FIRST, entry, large, sizeof large, NULL, NULL);
}

static segj_status_t make_appendv(oversized_t *journal)
{
    const segj_slice_t pieces[2] = {{large, 1}, {large, sizeof large - 1}};
    return oversized_appendv(journal, FIRST, entry, pieces, 2, NULL, NULL);
}

static segj_status_t make_append_batch(oversized_t *journal)
{
    const oversized_record_t records[2] = {{.entry = entry, .value = large, .size = 1},
                                           {.entry = entry, .value = large, .size = sizeof large}};
    return oversized_append_batch(journal, FIRST, records, 2, NULL, NULL);
}

static segj_status_t make_section(oversized_t *journal)
{
    return oversized_append(journal, NEW, entry, large, 1, NULL, NULL);
}

static segj_status_t make_writer_in_new_section(oversized_t *journal)
{
    oversized_writer_t *writer = NULL;
    segj_status_t status = oversized_writer_open(journal, NEW, entry, 1, &writer);
    oversized_writer_abandon(writer);
    return status;
}

static segj_status_t make_writer(oversized_t *journal)
{
    oversized_writer_t *writer = NULL;
    segj_status_t status = oversized_writer_open(journal, FIRST, entry, sizeof large, &writer);
    if (status == SEGJ_OK)
        status = oversized_writer_write(writer, large, sizeof large);
    if (status == SEGJ_OK)
        return oversized_writer_finish(writer, NULL, NULL);
    oversized_writer_abandon(writer);
    return status;
}

static segj_status_t make_flush(oversized_t *journal)
{
    return oversized_flush(journal, FIRST);
}

static segj_status_t make_sync(oversized_t *journal)
{
    return oversized_sync(journal, FIRST);
}

static segj_status_t make_sync_all(oversized_t *journal)
{
    return oversized_sync_all(journal);
}

static segj_status_t make_sync_sections(oversized_t *journal)
{
    static const uint64_t sections[2] = {FIRST, SECOND};
    return oversized_sync_sections(journal, sections, 2);
}

static segj_status_t make_sync_start(oversized_t *journal)
{
    oversized_ticket_t started;
    return oversized_sync_start(journal, FIRST, &started);
}

static segj_status_t make_sync_wait(oversized_t *journal)
{
    return oversized_sync_wait(journal, &ticket);
}

static segj_status_t make_rewind(oversized_t *journal)
{
    return oversized_rewind(journal, FIRST, (uint64_t)3 * SMALL_RECORD);
}

static segj_status_t make_rewind_section(oversized_t *journal)
{
    return oversized_rewind_section(journal, FIRST, (uint64_t)3 * SMALL_RECORD);
}

static segj_status_t make_rewind_to(oversized_t *journal)
{
    return oversized_rewind_to(journal, FIRST, 3);
}

static segj_status_t make_rewind_section_to(oversized_t *journal)
{
    return oversized_rewind_section_to(journal, FIRST, 3);
}

/* Some of what no sync has covered stays. */
static segj_status_t make_rewind_of_unsynced(oversized_t *journal)
{
    return oversized_rewind_section_to(journal, FIRST, CHANGES_RECORDS + 1);
}

static segj_status_t make_prune(oversized_t *journal)
{
    return oversized_prune(journal, SECOND, NULL);
}

static bool goes_on(void *context, const oversized_progress_t *progress)
{
    (void)context;
    (void)progress;
    return false;
}

static oversized_removal_options_t in_steps(void)
{
    oversized_removal_options_t options;
    oversized_removal_options_init(&options);
    options.progress = goes_on;
    return options;
}

static segj_status_t make_prune_with(oversized_t *journal)
{
    const oversized_removal_options_t options = in_steps();
    return oversized_prune_with(journal, STARTED, &options, NULL);
}

static segj_status_t make_retain(oversized_t *journal)
{
    oversized_retain_options_t options;
    oversized_retain_options_init(&options);
    options.sections = 1;
    return oversized_retain(journal, &options, NULL);
}

static segj_status_t make_destroy(oversized_t *journal)
{
    return oversized_destroy(journal);
}

static segj_status_t make_destroy_with(oversized_t *journal)
{
    const oversized_removal_options_t options = in_steps();
    return oversized_destroy_with(journal, &options, NULL);
}

static segj_status_t make_close(oversized_t *journal)
{
    return oversized_close(journal);
}

const change_t changes[] = {
    {.name = "append", .make = make_append},
    {.name = "appendv", .make = make_appendv},
    {.name = "append_batch", .make = make_append_batch},
    {.name = "append to a new section", .make = make_section},
    {.name = "writer in a new section", .make = make_writer_in_new_section},
    {.name = "writer", .make = make_writer},
    {.name = "flush", .make = make_flush, .of_unsynced = true},
    {.name = "sync", .make = make_sync, .of_unsynced = true},
    {.name = "sync_all", .make = make_sync_all, .of_unsynced = true},
    {.name = "sync_sections", .make = make_sync_sections, .of_unsynced = true},
    {.name = "sync_start", .make = make_sync_start, .of_unsynced = true},
    {.name = "sync_wait", .make = make_sync_wait, .of_unsynced = true},
    {.name = "rewind", .make = make_rewind},
    {.name = "rewind_section", .make = make_rewind_section},
    {.name = "rewind_to", .make = make_rewind_to},
    {.name = "rewind_section_to", .make = make_rewind_section_to},
    {.name = "rewind_section_to of unsynced records", .make = make_rewind_of_unsynced, .of_unsynced = true},
    {.name = "prune", .make = make_prune},
    {.name = "prune_with", .make = make_prune_with},
    {.name = "retain", .make = make_retain},
    {.name = "close", .make = make_close, .of_unsynced = true, .ends = true},
    {.name = "destroy", .make = make_destroy, .ends = true},
    {.name = "destroy_with", .make = make_destroy_with, .ends = true},
};
const size_t change_count = sizeof changes / sizeof *changes;
