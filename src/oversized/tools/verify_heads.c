/*
 * oversized/tools/verify_heads.c: see the header.
 */
#include "oversized/tools/verify_heads.h"

#include "base/bytes.h"
#include "journal/frame_format.h"

void segj_verify_heads_begin(segj_verify_heads_t *heads, oversized_t *journal, uint64_t number)
{
    *heads = (segj_verify_heads_t){.journal = journal, .unjudged = UINT64_MAX};
    segj_lock(&journal->shared.state);
    segj_section_t *section = segj_journal_find(journal, number);
    if (section != NULL && segj_section_is_log(section)) {
        segj_section_acquire(section);
        heads->section = section;
        heads->file = &section->values.handle.file;
        heads->durable = section->index.durable;
    }
    segj_unlock(&journal->shared.state);
}

/* The file is pinned for this read alone: who reads values in between must be able to wait for a writer that opens it
 * anew, and who waits for readers. */
static segj_status_t verify_read_trailer(const segj_verify_heads_t *heads, uint64_t offset, uint8_t *to)
{
    segj_shared_t *shared = &heads->journal->shared;
    segj_handle_t *handle = &heads->section->values.handle;
    segj_lock(&shared->state);
    segj_status_t status = segj_files_pin(&shared->files, handle);
    segj_unlock(&shared->state);
    if (status != SEGJ_OK)
        return status;
    status = segj_io_read(&handle->file, handle->file.data + offset, to, SEGJ_FRAME_TRAILER, NULL);
    segj_files_unpin_unlocked(&shared->files, handle);
    return status;
}

/* The trailer before a frame is what its head begins with. */
static segj_status_t find_place(segj_verify_heads_t *heads, uint64_t position, uint64_t offset)
{
    uint8_t trailer[SEGJ_FRAME_TRAILER] = {0};
    segj_status_t status = SEGJ_OK;
    if (offset >= sizeof trailer)
        status = verify_read_trailer(heads, offset - sizeof trailer, trailer);
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

void segj_verify_heads_end(segj_verify_heads_t *heads)
{
    if (heads->section != NULL)
        segj_section_release(heads->journal, heads->section);
    heads->section = NULL;
}
