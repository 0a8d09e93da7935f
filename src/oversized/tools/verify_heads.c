/*
 * oversized/tools/verify_heads.c: see the header.
 */
#include "oversized/tools/verify_heads.h"

#include <stdlib.h>

#include "base/bytes.h"

#define HEADS_WINDOW ((size_t)64 << 10)

/* Under state. */
static segj_status_t hold_values(segj_verify_heads_t *heads, oversized_t *journal, uint64_t number)
{
    segj_section_t *section = segj_journal_find(journal, number);
    if (section == NULL || !segj_section_is_log(section))
        return SEGJ_OK;
    segj_section_acquire(section);
    segj_status_t status = segj_files_pin(&journal->shared.files, &section->values.handle);
    if (status != SEGJ_OK) {
        segj_section_release_locked(journal, section);
        return status;
    }
    heads->section = section;
    heads->durable = section->index.durable;
    return SEGJ_OK;
}

segj_status_t segj_verify_heads_begin(segj_verify_heads_t *heads, oversized_t *journal, uint64_t section)
{
    *heads = (segj_verify_heads_t){.unjudged = UINT64_MAX};
    segj_lock(&journal->shared.state);
    segj_status_t status = hold_values(heads, journal, section);
    uint64_t size = heads->section != NULL ? heads->section->synced_size : 0;
    segj_unlock(&journal->shared.state);
    if (status != SEGJ_OK || heads->section == NULL)
        return status;
    heads->window = malloc(HEADS_WINDOW);
    if (heads->window == NULL) {
        segj_verify_heads_end(heads, journal);
        return segj_fail_memory(HEADS_WINDOW);
    }
    heads->walk =
        segj_walk_begin(&heads->section->values.handle.file, size, (segj_point_t){0}, heads->window, HEADS_WINDOW);
    return SEGJ_OK;
}

/* The trailer before a frame is what its head begins with. */
static segj_status_t find_place(segj_verify_heads_t *heads, uint64_t position, uint64_t offset)
{
    const segj_io_file_t *file = heads->walk.file;
    uint8_t trailer[SEGJ_FRAME_TRAILER] = {0};
    segj_status_t status = SEGJ_OK;
    if (offset >= sizeof trailer)
        status = segj_io_read(file, file->data + offset - sizeof trailer, trailer, sizeof trailer, NULL);
    heads->walk.at = (segj_point_t){position, offset, segj_get_u32(trailer)};
    heads->known = status == SEGJ_OK;
    return status;
}

segj_status_t segj_verify_head(segj_verify_heads_t *heads, uint64_t position, oversized_location_t location,
                               bool *right)
{
    segj_head_t head;
    oversized_location_t found;
    bool ignored;
    *right = true;
    if (heads->section == NULL || position >= heads->durable || position == heads->unjudged)
        return SEGJ_OK;
    segj_status_t status = SEGJ_OK;
    if (!heads->known || heads->walk.at.records != position || heads->walk.at.end != location.offset)
        status = find_place(heads, position, location.offset);
    if (status == SEGJ_OK)
        status = segj_walk_look(&heads->walk, &head, &found, right);
    if (status != SEGJ_OK)
        return status;
    *right = *right && found.size == location.size;
    return *right ? segj_walk_pass(&heads->walk, found, false, &ignored) : SEGJ_OK;
}

void segj_verify_heads_end(segj_verify_heads_t *heads, oversized_t *journal)
{
    free(heads->window);
    if (heads->section == NULL)
        return;
    segj_lock(&journal->shared.state);
    segj_files_unpin(&journal->shared.files, &heads->section->values.handle);
    segj_section_release_locked(journal, heads->section);
    segj_unlock(&journal->shared.state);
    heads->section = NULL;
}
