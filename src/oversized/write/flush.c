/*
 * oversized/write/flush.c: handing what was appended to the storage, and no more: it survives the process, and not a
 * power cut. Like a sync a flush takes over what its section holds (under the change lock), writes it (under none), and
 * says what has been handed over (under the state lock); and of a section either one of them is under way at a time.
 *
 * If the power goes at any time, the disk holds what unsynced appends may leave: frames after the last synced one,
 * pages after the last synced one, and in the page that was synced in part any mixture of states of which each has the
 * synced slot and its bytes (DESIGN.md, "Flush").
 */
#include <assert.h>

#include "oversized/section/group.h"
#include "oversized/section/room.h"
#include "oversized/write/sync.h"

/** What a flush has taken over. */
typedef struct flush {
    segj_paged_capture_t index;
    segj_glob_capture_t values;
    uint64_t appended;
    bool values_written;
} flush_t;

/* Under change. */
SEGJ_UNDER_CHANGE static segj_status_t take(oversized_t *journal, segj_section_t *section, flush_t *flush)
{
    assert(section->index.tail != NULL);
    flush->index = segj_paged_capture_nothing();
    /* In version 2 the values have all. */
    segj_status_t status = segj_section_is_log(section)
                               ? SEGJ_OK
                               : segj_paged_capture(section->index.tail, &journal->shared.pages, &flush->index);
    if (status != SEGJ_OK)
        return status;
    segj_glob_capture(&section->values, &journal->shared, &flush->values);
    flush->index.quiet = flush->values.quiet = true;
    flush->values_written = false;
    segj_lock(&journal->shared.state);
    section->syncing = true;
    flush->appended = segj_section_appended(section);
    segj_unlock(&journal->shared.state);
    return SEGJ_OK;
}

/* Values come first: of a record that is there, the value is too. Where the storage has only begun with all that, it is
 * waited for then. */
static segj_status_t flush_transfer(const segj_section_t *section, flush_t *flush)
{
    const segj_io_file_t *values = &section->values.handle.file;
    const segj_io_file_t *index = &section->index.handle.file;
    segj_status_t status = segj_glob_write(values, &flush->values);
    flush->values_written = status == SEGJ_OK;
    if (status == SEGJ_OK)
        status = segj_paged_write(section->index.tail, index, &flush->index);
    if (status == SEGJ_OK)
        status = segj_io_hand_over(values);
    return status == SEGJ_OK && !segj_section_is_log(section) ? segj_io_hand_over(index) : status;
}

static void flush_finish(oversized_t *journal, segj_section_t *section, const flush_t *flush, bool written)
{
    segj_lock(&journal->shared.state);
    segj_glob_finish(&section->values, &journal->shared, &flush->values, flush->values_written);
    if (written) {
        if (!segj_section_is_log(section))
            segj_paged_hand_over(section->index.tail, &journal->shared.pages, &flush->index);
        section->handed = flush->appended;
        journal->tally.flushes++;
    } else {
        segj_paged_finish(section->index.tail, &journal->shared.pages, &flush->index, false);
    }
    segj_waiter_t *told = segj_group_end(journal, section, 0, SEGJ_OK);
    segj_unlock(&journal->shared.state);
    segj_group_wake(told);
}

static segj_status_t try_flush(oversized_t *journal, uint64_t number)
{
    flush_t flush;
    segj_section_t *section;
    bool done = true;
    segj_gate_enter(&journal->change);
    segj_status_t status = segj_section_to_sync(journal, number, &section);
    if (section != NULL && status == SEGJ_OK)
        status = segj_section_await(journal, section, &section->handed, segj_section_appended(section), &done);
    if (status == SEGJ_OK && !done)
        status = take(journal, section, &flush);
    segj_gate_leave(&journal->change);
    if (status == SEGJ_OK && !done) {
        status = flush_transfer(section, &flush);
        flush_finish(journal, section, &flush, status == SEGJ_OK);
        if (status == SEGJ_ERR_NO_SPACE)
            status = segj_section_fail_room(journal, section);
    }
    if (section != NULL)
        segj_section_release(journal, section);
    return status;
}

static segj_status_t flush_section(oversized_t *journal, uint64_t number)
{
    segj_status_t status = try_flush(journal, number);
    return status == SEGJ_ERR_NO_SPACE && segj_room_is_made(journal) ? try_flush(journal, number) : status;
}

segj_status_t oversized_flush(oversized_t *journal, uint64_t section)
{
    SEGJ_ENTER(journal, oversized_flush(journal, section));
    segj_journal_enter(journal);
    segj_status_t status = flush_section(journal, section);
    segj_journal_leave(journal);
    return status;
}
