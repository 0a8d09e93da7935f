/*
 * oversized/flush.c: handing what was appended to the storage, and no more: it survives the process, and not a power
 * cut. Like a sync a flush takes over what its section holds (under the change lock), writes it (under none), and says
 * what has been handed over (under the state lock); and of a section either one of them is under way at a time.
 *
 * If the power goes at any time, the disk holds what unsynced appends may leave: frames behind the last synced one,
 * pages behind the last synced one, and in the page that was synced in part any mixture of states of which each has the
 * synced slot and its bytes (DESIGN.md, "Flush").
 */
#include <assert.h>

#include "oversized/journal.h"

/** What a flush has taken over. */
typedef struct flush {
    segj_paged_capture_t index;
    segj_glob_capture_t values;
    uint64_t appended;
    bool values_written;
} flush_t;

/* Under change. */
static segj_status_t take(oversized_t *journal, segj_section_t *section, flush_t *flush)
{
    assert(section->index.tail != NULL);
    segj_status_t status = segj_paged_capture(section->index.tail, &journal->env.pages, &flush->index);
    if (status != SEGJ_OK)
        return status;
    segj_glob_capture(&section->values, &journal->env, &flush->values);
    flush->index.quiet = flush->values.quiet = true;
    flush->values_written = false;
    segj_lock(&journal->env.state);
    section->syncing = true;
    flush->appended = section->appended;
    segj_unlock(&journal->env.state);
    return SEGJ_OK;
}

/* Values come first: of a record that is there, the value is too. */
static segj_status_t flush_transfer(const segj_section_t *section, flush_t *flush)
{
    segj_status_t status = segj_glob_write(&section->values.handle.file, &flush->values);
    flush->values_written = status == SEGJ_OK;
    return status == SEGJ_OK ? segj_paged_write(section->index.tail, &section->index.handle.file, &flush->index)
                             : status;
}

static void flush_finish(oversized_t *journal, segj_section_t *section, const flush_t *flush, bool written)
{
    segj_lock(&journal->env.state);
    segj_glob_finish(&section->values, &journal->env, &flush->values, flush->values_written);
    if (written) {
        segj_paged_hand_over(section->index.tail, &journal->env.pages, &flush->index);
        section->handed = flush->appended;
    } else {
        segj_paged_finish(section->index.tail, &journal->env.pages, &flush->index, false);
    }
    section->syncing = false;
    segj_wake_all(&journal->env.changed);
    segj_unlock(&journal->env.state);
}

static segj_status_t flush_section(oversized_t *journal, uint64_t number)
{
    flush_t flush;
    segj_section_t *section;
    bool done = true;
    segj_lock(&journal->change);
    segj_status_t status = segj_section_to_sync(journal, number, &section);
    if (section != NULL && status == SEGJ_OK)
        status = segj_section_await(journal, section, &section->handed, section->appended, &done);
    if (status == SEGJ_OK && !done)
        status = take(journal, section, &flush);
    segj_unlock(&journal->change);
    if (status == SEGJ_OK && !done) {
        status = flush_transfer(section, &flush);
        flush_finish(journal, section, &flush, status == SEGJ_OK);
        if (status == SEGJ_ERR_NO_SPACE)
            status = segj_section_fail_room(journal, section);
    }
    if (section != NULL)
        segj_section_let_go(journal, section);
    return status;
}

segj_status_t oversized_flush(oversized_t *journal, uint64_t section)
{
    SEGJ_ENTER(journal, oversized_flush(journal, section));
    segj_journal_enter(journal);
    segj_status_t status = flush_section(journal, section);
    segj_journal_leave(journal);
    return status;
}
