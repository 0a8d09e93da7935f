/*
 * oversized/tools/salvage_frames.c: frames of version 1 whose records are lost. Where one begins is known, for it
 * begins where the one before ends. Its length is tried: the checksum grows by a byte a try. One try in 2^32 is right
 * by chance, so a length counts only where the frame ends the bytes that are looked at, or another frame follows it.
 */
#include "base/bytes.h"
#include "journal/record_format.h"
#include "oversized/tools/salvage_section.h"

/* The most lengths that are tried for one frame. */
#define FRAMES_LONGEST ((uint64_t)16 << 20)

typedef struct trial_frames {
    segj_salvage_work_t *work;
    uint64_t binding, end;
} trial_frames_t;

/* The first length from `from` on with which the checksum is right; `begun` is that of the bytes before `from`. */
static bool frames_try(const trial_frames_t *trial, uint64_t at, uint64_t from, uint64_t *length)
{
    segj_salvage_input_t *input = &trial->work->values;
    if (trial->end - at < from + SEGJ_FRAME_TRAILER)
        return false;
    uint64_t most = segj_min_u64(trial->end - at - SEGJ_FRAME_TRAILER, FRAMES_LONGEST);
    uint32_t crc = segj_crc32_of_place(trial->binding, at);
    crc = segj_salvage_input_sum(input, SEGJ_CHECKSUM_PLACED, crc, at, segj_min_u64(from, most));
    for (uint64_t done = from; done <= most;) {
        size_t count;
        const uint8_t *bytes = segj_salvage_input_span(input, at + done, SEGJ_FRAME_TRAILER, &count);
        for (size_t i = 0; i + SEGJ_FRAME_TRAILER <= count && done <= most; i++, done++) {
            if (segj_get_u32(bytes + i) == crc) {
                *length = done;
                return true;
            }
            crc = segj_crc32(crc, bytes + i, 1);
        }
    }
    return false;
}

/* Whether nothing can follow: the bytes end there, or only zeros are left, which were kept for frames to come. */
static bool frames_end(const trial_frames_t *trial, uint64_t end)
{
    segj_salvage_input_t *input = &trial->work->values;
    return end == trial->end || (trial->end == input->length && segj_salvage_input_is_zero(input, end));
}

/* A length that something speaks for besides its checksum; *next: of the frame that follows, which was tried then. */
static bool frames_find(const trial_frames_t *trial, uint64_t at, uint64_t first, uint64_t *length, uint64_t *next)
{
    bool found = true;
    *length = first;
    while (found) {
        uint64_t end = at + *length + SEGJ_FRAME_TRAILER;
        if (frames_end(trial, end) || frames_try(trial, end, 0, next))
            return true;
        found = frames_try(trial, at, *length + 1, length);
    }
    return false;
}

segj_status_t segj_salvage_frames(segj_salvage_work_t *work, uint64_t binding, uint64_t end, uint64_t *position,
                                  uint64_t *at)
{
    const trial_frames_t trial = {work, binding, end};
    segj_status_t status = SEGJ_OK;
    uint64_t length = 0;
    bool found = *at < end && frames_try(&trial, *at, 0, &length);
    while (found && status == SEGJ_OK) {
        uint64_t next = 0;
        found = frames_find(&trial, *at, length, &length, &next);
        if (!found)
            break;
        const segj_frame_t frame = {.offset = *at,
                                    .payload = *at,
                                    .size = length,
                                    .checksum = SEGJ_CHECKSUM_PLACED,
                                    .begun = segj_crc32_of_place(binding, *at)};
        status = segj_salvage_work_half(work, &frame, *position);
        ++*position;
        *at += length + SEGJ_FRAME_TRAILER;
        length = next;
        found = !frames_end(&trial, *at);
    }
    return status;
}
