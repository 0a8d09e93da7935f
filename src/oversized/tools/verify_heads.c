/*
 * oversized/tools/verify_heads.c: see the header.
 */
#include "oversized/tools/verify_heads.h"

#include "base/bytes.h"
#include "journal/frame_format.h"

/* Under state. */
SEGJ_UNDER_STATE static segj_status_t hold_values(segj_verify_heads_t *heads, oversized_t *journal, uint64_t number)
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
    heads->file = &section->values.handle.file;
    heads->durable = section->index.durable;
    return SEGJ_OK;
}

segj_status_t segj_verify_heads_begin(segj_verify_heads_t *heads, oversized_t *journal, uint64_t section)
{
    *heads = (segj_verify_heads_t){.unjudged = UINT64_MAX};
    segj_lock(&journal->shared.state);
    segj_status_t status = hold_values(heads, journal, section);
    segj_unlock(&journal->shared.state);
    return status;
}

/* The trailer before a frame is what its head begins with. */
static segj_status_t find_place(segj_verify_heads_t *heads, uint64_t position, uint64_t offset)
{
    const segj_io_file_t *file = heads->file;
    uint8_t trailer[SEGJ_FRAME_TRAILER] = {0};
    segj_status_t status = SEGJ_OK;
    if (offset >= sizeof trailer)
        status = segj_io_read(file, file->data + offset - sizeof trailer, trailer, sizeof trailer, NULL);
    heads->at = (segj_point_t){position, offset, segj_get_u32(trailer)};
    heads->known = status == SEGJ_OK;
    return status;
}

segj_status_t segj_verify_head(segj_verify_heads_t *heads, uint64_t position, oversized_location_t location,
                               const uint8_t *frame, bool *right)
{
    *right = true;
    if (heads->section == NULL || position >= heads->durable || position == heads->unjudged)
        return SEGJ_OK;
    segj_status_t status = SEGJ_OK;
    if (!heads->known || heads->at.records != position || heads->at.end != location.offset)
        status = find_place(heads, position, location.offset);
    if (status != SEGJ_OK)
        return status;
    segj_head_t head;
    uint32_t size = heads->file->head;
    const segj_frame_place_t place = {segj_crc32_of_place(heads->file->binding, location.offset), heads->at.trailer};
    *right = segj_head_decode(frame, size, place, &head) && head.stored == location.size - SEGJ_FRAME_TRAILER;
    const uint8_t *trailer = frame + size + (location.size - SEGJ_FRAME_TRAILER);
    heads->at = (segj_point_t){position + 1, location.offset + segj_frame_size(size, location), segj_get_u32(trailer)};
    return SEGJ_OK;
}

void segj_verify_heads_end(segj_verify_heads_t *heads, oversized_t *journal)
{
    if (heads->section == NULL)
        return;
    segj_lock(&journal->shared.state);
    segj_files_unpin(&journal->shared.files, &heads->section->values.handle);
    segj_section_release_locked(journal, heads->section);
    segj_unlock(&journal->shared.state);
    heads->section = NULL;
}
