/*
 * oversized/read/frames.h: what every way of reading a value shares: a location is judged, its frame found and kept
 * where it is while no lock is held, its bytes are got and checked, and what they were in is given back.
 *
 * From pin to unpin the section and the frame's place stay. Unpin tells whether the frame is still the section's. If
 * the section has changed, the caller discards what was read (DESIGN.md, I11).
 */
#ifndef SEGJ_OVERSIZED_READ_FRAMES_H
#define SEGJ_OVERSIZED_READ_FRAMES_H

#include "oversized/section/dictionary.h"
#include "oversized/section/section.h"

/** Where a frame is: in a write buffer, or in the file. */
typedef struct segj_source {
    segj_section_t *section; /* referenced */
    uint64_t generation;
    segj_write_buffer_t *buffer; /* referenced; NULL: the file, pinned */
    oversized_location_t location;
} segj_source_t;

static inline const segj_io_file_t *segj_source_file(const segj_source_t *source)
{
    return &source->section->values.handle.file;
}

/** What can be refused of a location without looking at the bytes, before any memory is taken: SEGJ_ERR_RANGE, and
 *  SEGJ_ERR_TOO_LARGE. `end`: of the section's last frame. */
SEGJ_MUST_CHECK segj_status_t segj_frame_judge(const oversized_t *journal, const segj_io_file_t *file, bool compressed,
                                               oversized_location_t location, uint64_t end);

/** The same of a frame of a compressed section that turns out to be stored raw: SEGJ_ERR_TOO_LARGE. */
SEGJ_MUST_CHECK segj_status_t segj_frame_judge_raw(const oversized_t *journal, const segj_io_file_t *file,
                                                   oversized_location_t location);

/** Judges a location, and finds its frame: the write buffer that holds it, or NULL where the file has it.
 *  SEGJ_ERR_CHECKSUM: no frame lies like that. Under state. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_frame_find(const oversized_t *journal,
                                                               const segj_section_t *section,
                                                               oversized_location_t location,
                                                               segj_write_buffer_t **buffer);

/** Judges a location, finds its frame and keeps it. Under state, which it may give up; *changed: and the section was
 *  cut or removed since, so that the caller discards a failure. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_frame_pin(oversized_t *journal, segj_section_t *section,
                                                              oversized_location_t location, segj_source_t *source,
                                                              bool *changed);

/** Gives back what pin has kept. Without state. *changed: what was pinned may not have been what was asked for. */
SEGJ_WITHOUT_STATE void segj_frame_unpin(oversized_t *journal, const segj_source_t *source, bool *changed);

/** Gives the frame's bytes, checked: in its buffer, or in `memory`, which is made large enough (at most `limit`). */
SEGJ_MUST_CHECK segj_status_t segj_frame_get(const segj_shared_t *shared, const segj_source_t *source,
                                             segj_buffer_t *memory, size_t limit, const uint8_t **frame);

/** Makes a value of a checked frame of a compressed section, which is referenced; or NULL: of one without a
 *  dictionary. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_frame_unpack(oversized_t *journal, segj_section_t *section,
                                                                   const segj_io_file_t *file,
                                                                   oversized_location_t location, const uint8_t *frame,
                                                                   segj_buffer_t *value);

/** The same of a frame that is not checked yet, wherever it lies, or of its value in the cache. The section, its
 *  generation and the location are the source's. */
SEGJ_MUST_CHECK segj_status_t segj_frame_unpack_there(oversized_t *journal, const segj_source_t *source,
                                                      const uint8_t *frame, segj_buffer_t *value);

/** Puts the frame's place before the sentence of what is wrong with its payload. */
segj_status_t segj_frame_context(const segj_io_file_t *file, oversized_location_t location, segj_status_t status);

/** Gives the value, and lets the frame go. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_frame_copy(oversized_t *journal, const segj_source_t *source,
                                                                 segj_buffer_t *value, bool *changed);

/** A decoder of the journal's for values of a section, which is referenced, or NULL; to be given back; without
 *  state. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_decoder_take(oversized_t *journal, const segj_section_t *section,
                                                                   segj_decoder_t **decoder);
SEGJ_WITHOUT_STATE void segj_decoder_give(oversized_t *journal, segj_decoder_t *decoder);
/** Before a payload is unpacked: has the section's dictionary, if it has one. SEGJ_ERR_COMPRESSION: that is damaged. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_decoder_ready(oversized_t *journal, segj_section_t *section,
                                                                    segj_decoder_t *decoder);
/** The dictionary that a decoder has, or NULL. */
static inline const ZSTD_DDict *segj_decoder_dictionary(const segj_decoder_t *decoder)
{
    return decoder->dictionary != NULL ? decoder->dictionary->unpacks : NULL;
}

#endif
