/*
 * oversized/tools/follow_section.c: a section's files, as a follower reads them (follow.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "journal/dictionary_file.h"
#include "oversized/section/dictionary.h"
#include "oversized/tools/follow.h"
#include "paged/page_format.h"

/* --- windows --- */

void segj_follow_drop(oversized_follower_t *follower)
{
    follower->pages.loaded = follower->values.loaded = 0;
}

segj_status_t segj_follow_fill(segj_follow_window_t *window, const segj_io_file_t *file, uint64_t offset)
{
    window->loaded = 0;
    window->offset = offset;
    window->page = UINT64_MAX;
    if (offset > SEGJ_FILE_SIZE_MAX - file->data - window->room)
        return SEGJ_OK;
    size_t got = 0;
    segj_status_t status = segj_io_read(file, file->data + offset, window->bytes, window->room, &got);
    window->loaded = status == SEGJ_OK ? got : 0;
    return status;
}

const uint8_t *segj_follow_peek(const segj_follow_window_t *window, uint64_t offset, uint64_t size)
{
    if (offset < window->offset || offset - window->offset > window->loaded ||
        size > window->loaded - (size_t)(offset - window->offset))
        return NULL;
    return window->bytes + (size_t)(offset - window->offset);
}

static segj_status_t make_window(segj_follow_window_t *window, size_t room)
{
    if (window->room >= room)
        return SEGJ_OK;
    uint8_t *bytes = malloc(room);
    if (bytes == NULL)
        return segj_fail_memory(room);
    free(window->bytes);
    *window = (segj_follow_window_t){.bytes = bytes, .room = room};
    return SEGJ_OK;
}

/* A record of the section, and all the pages in which it may lie, fit. */
static segj_status_t make_windows(oversized_follower_t *follower, const segj_follow_section_t *section)
{
    size_t pages = section->record_size / section->page_size + 2;
    size_t room = pages * segj_page_physical(section->page_size);
    segj_status_t status = make_window(&follower->pages, room > SEGJ_FOLLOW_WINDOW ? room : SEGJ_FOLLOW_WINDOW);
    if (status == SEGJ_OK)
        status = make_window(&follower->values, SEGJ_FOLLOW_WINDOW);
    if (status != SEGJ_OK || follower->record_room >= section->record_size)
        return status;
    uint8_t *record = malloc(section->record_size);
    if (record == NULL)
        return segj_fail_memory(section->record_size);
    free(follower->record);
    follower->record = record;
    follower->record_room = section->record_size;
    return SEGJ_OK;
}

/* --- files --- */

void segj_follow_close(oversized_follower_t *follower, segj_follow_section_t *section)
{
    (void)ZSTD_freeDDict(section->unpacks);
    section->unpacks = NULL;
    if (section->values.opened != NULL)
        follower->open--;
    segj_io_close(&section->index);
    segj_io_close(&section->values);
    if (follower->shown == section) {
        segj_follow_drop(follower);
        follower->shown = NULL;
    }
}

void segj_follow_forget(oversized_follower_t *follower, segj_follow_section_t *section)
{
    segj_follow_close(follower, section);
    free(section->passed);
    *section = (segj_follow_section_t){.number = section->number, .dirty = true, .listed = section->listed};
}

bool segj_follow_give_back(void *owner)
{
    oversized_follower_t *follower = owner;
    segj_follow_section_t *oldest = NULL;
    for (size_t i = 0; i < follower->count; i++) {
        segj_follow_section_t *section = follower->sections[i];
        if (section->values.opened != NULL && section != follower->shown &&
            (oldest == NULL || section->used < oldest->used))
            oldest = section;
    }
    if (oldest != NULL)
        segj_follow_close(follower, oldest);
    return oldest != NULL;
}

/* Whether the index has its name still. */
static segj_status_t has_name(const segj_follow_section_t *section, bool *there)
{
    segj_status_t status = segj_io_refresh(&section->index, false);
    *there = status == SEGJ_OK;
    return status == SEGJ_ERR_IO && segj_last_errno() == ESTALE ? SEGJ_OK : status;
}

void segj_follow_tell_removed(oversized_follower_t *follower, segj_follow_section_t *section,
                              oversized_followed_t *followed)
{
    *followed = (oversized_followed_t){
        .kind = OVERSIZED_FOLLOW_REMOVED, .section = section->number, .position = section->at.records};
    segj_follow_forget(follower, section);
    section->told = true;
}

/* Reads and judges a file's header. *ready: it is there. What has data and no header is damaged. */
static segj_status_t read_header(const segj_io_file_t *file, segj_kind_t kind, uint64_t data, segj_identity_t *identity,
                                 bool *ready)
{
    uint8_t block[SEGJ_BLOCK_SIZE];
    const char *why;
    uint64_t size = 0;
    size_t got = 0;
    *ready = false;
    segj_status_t status = segj_io_size(file, &size); /* before the header, which is durable before there are data */
    if (status == SEGJ_OK)
        status = segj_io_read(file, 0, block, sizeof block, &got);
    if (status != SEGJ_OK)
        return status;
    /* What lies after the fields need not be durable yet, and may be anything after a crash. */
    size_t fields = segj_identity_fields(got >= 6 && segj_get_u16(block + 4) == 2 ? 2 : 1);
    if (size <= data && got > fields)
        got = fields;
    switch (segj_identity_decode(block, got, identity, &why)) {
    case SEGJ_HEADER_VALID:
        if (identity->kind != kind || identity->section != file->section)
            return segj_io_fail(SEGJ_ERR_MISMATCH, file, 0, "it is the file of another section or kind");
        *ready = true;
        return SEGJ_OK;
    case SEGJ_HEADER_NONE:
        return size <= data ? SEGJ_OK : segj_io_fail(SEGJ_ERR_CORRUPT, file, 0, "%s", why);
    case SEGJ_HEADER_FOREIGN:
        if (got >= 4 && block[0] == 'C')
            why = "it is a file of the commonware format, which does not tell what was synced or taken back, and "
                  "cannot be followed";
        return segj_io_fail(SEGJ_ERR_MISMATCH, file, 0, "%s", why);
    default:
        return segj_io_fail(SEGJ_ERR_CORRUPT, file, 0, "%s", why);
    }
}

/* What both headers say together. *same: it is what was known. */
static void take_identity(segj_follow_section_t *section, const segj_identity_t *index, const segj_identity_t *values,
                          bool *same)
{
    section->reopened = section->known;
    *same = !section->known || (section->version == index->version && section->salt == index->salt &&
                                segj_dictionary_same(section->dictionary, index->dictionary) &&
                                section->page_size == index->page_size && section->record_size == index->record_size);
    section->known = true;
    section->version = index->version;
    section->salt = index->salt;
    section->compressed = section->values.packed = values->compressed;
    section->page_size = index->page_size;
    section->record_size = index->record_size;
    section->dictionary = index->dictionary;
    section->index.data = segj_data_offset(SEGJ_KIND_INDEX, index->dictionary);
    section->values.data = segj_data_offset(SEGJ_KIND_VALUES, index->dictionary);
    section->index.binding = section->values.binding = segj_binding(index);
    section->index.sector = section->values.sector = index->sector;
    section->index.head = section->values.head =
        index->version == 2 ? segj_head_size(index->record_size - OVERSIZED_LOCATION_SIZE) : 0;
}

/* In version 2 the values file says all that an index file says that is missing, or whose header is damaged. */
static segj_status_t follow_read_headers(const segj_follow_section_t *section, segj_identity_t *index,
                                         segj_identity_t *values, bool *whole)
{
    segj_sentence_t cause = {.text = ""};
    segj_status_t status = SEGJ_OK;
    const bool alone = section->alone;
    *whole = alone;
    if (!alone)
        status = read_header(&section->index, SEGJ_KIND_INDEX, SEGJ_INDEX_DATA_OFFSET, index, whole);
    bool damaged = status == SEGJ_ERR_CORRUPT;
    if (damaged)
        segj_keep(&cause);
    if (damaged || (status == SEGJ_OK && *whole))
        status = read_header(&section->values, SEGJ_KIND_VALUES, SEGJ_VALUES_DATA_OFFSET, values, whole);
    if (status != SEGJ_OK || !(damaged || alone))
        return status;
    *whole = *whole && values->version == 2;
    *index = *values;
    if (damaged && !*whole)
        segj_say_again(&cause);
    return damaged && !*whole ? SEGJ_ERR_CORRUPT : SEGJ_OK;
}

/* Both are open, the index first. Its name goes first, and is looked at before anything is read (segj_follow_check): if
 * it is there still, both are of one section. */
static segj_status_t judge_files(oversized_follower_t *follower, segj_follow_section_t *section, bool *ready,
                                 bool *same)
{
    segj_identity_t index;
    segj_identity_t values;
    bool whole = false;
    *same = true;
    *ready = false;
    segj_status_t status = follow_read_headers(section, &index, &values, &whole);
    if (status != SEGJ_OK || !whole || index.version != values.version || index.salt != values.salt ||
        index.sector != values.sector || !segj_dictionary_same(index.dictionary, values.dictionary))
        return status;
    if (index.version == 1 && !SEGJ_STORAGE_HAS(&follower->journal->storage, file_refresh))
        return segj_io_fail(SEGJ_ERR_INVALID, &section->index, 0,
                            "it is of version 1, which cannot be followed in a storage without file_refresh");
    take_identity(section, &index, &values, same);
    status = *same ? make_windows(follower, section) : SEGJ_OK;
    *ready = status == SEGJ_OK && *same;
    return status;
}

/* Opens what there is of the section. *whole: it can be judged. */
static segj_status_t follow_open_files(oversized_follower_t *follower, segj_follow_section_t *section, bool *no_index,
                                       bool *whole)
{
    const segj_shared_t *shared = &follower->journal->shared;
    bool no_values = false;
    segj_io_file_t index = {.opened = NULL};
    segj_io_file_t values = {.opened = NULL};
    *whole = section->alone = false;
    segj_status_t status = segj_io_open(&index, &shared->index, section->number, SEGJ_OPEN_READ, no_index);
    if (status == SEGJ_OK)
        status = segj_io_open(&values, &shared->values, section->number, SEGJ_OPEN_READ, &no_values);
    if (status == SEGJ_OK && *no_index && !no_values)
        status = segj_follow_alone(follower, &values, &section->alone);
    section->index = index; /* and not before: an opening may give back what other sections have */
    section->values = values;
    follower->open += values.opened != NULL;
    *whole = status == SEGJ_OK && !no_values && (!*no_index || section->alone);
    return status;
}

segj_status_t segj_follow_open(oversized_follower_t *follower, segj_follow_section_t *section, bool *ready,
                               oversized_followed_t *followed, bool *told)
{
    bool no_index = false;
    bool whole = false;
    bool same = true;
    *told = false;
    *ready = section->values.opened != NULL && !section->gone;
    if (*ready)
        return SEGJ_OK;
    if (section->gone || follower->journal->shared.index.opened == NULL) {
        *told = !section->told;
        if (*told)
            segj_follow_tell_removed(follower, section, followed);
        return SEGJ_OK;
    }
    segj_status_t status = follow_open_files(follower, section, &no_index, &whole);
    if (whole)
        status = judge_files(follower, section, ready, &same);
    section->alone = section->alone && *ready;
    if (*ready)
        section->told = false;
    else if (section->orphan && !section->known)
        section->told = true; /* nothing was, and it has gone if it is not listed */
    if (status == SEGJ_OK && ((no_index && !section->alone && !section->told) || !same)) {
        *told = true;
        segj_follow_tell_removed(follower, section, followed);
    } else if (!*ready)
        segj_follow_close(follower, section);
    return status;
}

/* --- what the files say --- */

segj_status_t segj_follow_check(oversized_follower_t *follower, segj_follow_section_t *section,
                                oversized_followed_t *followed, bool *told, bool *ready)
{
    bool there = false;
    *told = false;
    *ready = true;
    /* Where the storage does not tell whether a file has its name, it is opened again; so it is where an index file may
     * have come back. */
    if (section->alone || !SEGJ_STORAGE_HAS(&follower->journal->storage, file_refresh)) {
        segj_follow_close(follower, section);
        follower->shown = section;
        return segj_follow_open(follower, section, ready, followed, told);
    }
    segj_status_t status = has_name(section, &there);
    if (status == SEGJ_OK && there)
        status = segj_io_refresh(&section->values, false); /* removed after the index */
    if (status == SEGJ_ERR_IO && there && segj_last_errno() == ESTALE)
        status = has_name(section, &there);
    if (status != SEGJ_OK || there)
        return status;
    /* An index file that a removal has not taken may be missing. */
    if (section->version == 2)
        status = segj_follow_alone(follower, &section->values, &section->alone);
    if (status != SEGJ_OK || section->alone)
        return status;
    *told = true;
    segj_follow_tell_removed(follower, section, followed);
    return SEGJ_OK;
}

/* Whether the window has so many bytes of a page, verified. */
static bool window_has_page(segj_follow_window_t *window, const segj_follow_section_t *section,
                            segj_checksum_kind_t checksum, uint64_t page, uint32_t size)
{
    size_t physical = segj_page_physical(section->page_size);
    const uint8_t *bytes = segj_follow_peek(window, page * physical, physical);
    if (bytes == NULL)
        return false;
    if (window->page != page) {
        window->page = page;
        window->valid = segj_page_verify(checksum, bytes, section->page_size, section->index.binding, page).length;
    }
    return window->valid >= size;
}

segj_status_t segj_follow_record(oversized_follower_t *follower, const segj_follow_section_t *section,
                                 uint64_t position, bool *there)
{
    size_t physical = segj_page_physical(section->page_size);
    uint64_t at;
    uint32_t done = 0;
    *there = false;
    if (!segj_mul_u64(position, section->record_size, &at) || at > SEGJ_FILE_SIZE_MAX / 16)
        return SEGJ_OK;
    while (done < section->record_size) {
        uint64_t page = (at + done) / section->page_size;
        uint32_t begin = (uint32_t)((at + done) % section->page_size);
        uint32_t part = (uint32_t)segj_min_u64(section->record_size - done, section->page_size - begin);
        if (!window_has_page(&follower->pages, section, follower->journal->shared.checksum, page, begin + part))
            return SEGJ_OK;
        memcpy(follower->record + done, segj_follow_peek(&follower->pages, page * physical, physical) + begin, part);
        done += part;
    }
    *there = true;
    return SEGJ_OK;
}

segj_status_t segj_follow_big_frame(oversized_follower_t *follower, const segj_follow_section_t *section,
                                    uint64_t offset, uint64_t size, const uint8_t **frame)
{
    uint64_t length = 0;
    size_t got = 0;
    *frame = NULL;
    segj_status_t status = segj_io_size(&section->values, &length);
    if (status != SEGJ_OK || length < section->values.data || length - section->values.data < offset ||
        length - section->values.data - offset < size)
        return status;
    if (size > SIZE_MAX)
        return segj_fail_memory(SIZE_MAX);
    status = segj_buffer_reserve(&follower->frame, (size_t)size, (size_t)size);
    if (status == SEGJ_OK)
        status =
            segj_io_read(&section->values, section->values.data + offset, follower->frame.data, (size_t)size, &got);
    if (status == SEGJ_OK && got == size)
        *frame = follower->frame.data;
    return status;
}

segj_status_t segj_follow_confirm(const segj_follow_section_t *section, segj_point_t at, bool *confirmed)
{
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    size_t got = 0;
    *confirmed = at.records == 0 && at.end == 0 && at.trailer == 0;
    if (at.records == 0 || at.end < (uint64_t)section->values.head + sizeof trailer ||
        at.end > SEGJ_FILE_SIZE_MAX - section->values.data)
        return SEGJ_OK;
    segj_status_t status =
        segj_io_read(&section->values, section->values.data + at.end - sizeof trailer, trailer, sizeof trailer, &got);
    *confirmed = status == SEGJ_OK && got == sizeof trailer && segj_get_u32(trailer) == at.trailer;
    return status;
}

/* --- what is told --- */

/* The section's dictionary, from either file. */
static segj_status_t read_dictionary(segj_follow_section_t *section, uint8_t *bytes)
{
    bool right = false;
    segj_status_t status = segj_dictionary_read(&section->values, SEGJ_KIND_VALUES, section->dictionary, bytes, &right);
    if (!right && !section->alone && (status == SEGJ_OK || status == SEGJ_ERR_IO)) {
        const segj_status_t first = status;
        segj_sentence_t why;
        segj_keep(&why);
        status = segj_dictionary_read(&section->index, SEGJ_KIND_INDEX, section->dictionary, bytes, &right);
        if (status == SEGJ_OK && !right && first != SEGJ_OK) {
            segj_say_again(&why);
            return first;
        }
    }
    if (status == SEGJ_OK && !right)
        status = segj_io_fail(SEGJ_ERR_COMPRESSION, &section->values, SEGJ_VALUES_DATA_OFFSET,
                              "the section's dictionary of %u bytes is damaged here and in its index file",
                              (unsigned)section->dictionary.size);
    return status;
}

static segj_status_t have_dictionary(segj_follow_section_t *section)
{
    if (section->dictionary.size == 0 || section->unpacks != NULL)
        return SEGJ_OK;
    uint8_t *bytes = malloc(section->dictionary.size);
    if (bytes == NULL)
        return segj_fail_memory(section->dictionary.size);
    segj_status_t status = read_dictionary(section, bytes);
    if (status == SEGJ_OK)
        status = segj_dictionary_unpacks(bytes, section->dictionary.size, &section->unpacks);
    free(bytes);
    return status;
}

segj_status_t segj_follow_tell(oversized_follower_t *follower, segj_follow_section_t *section,
                               oversized_location_t location, const uint8_t *payload, bool raw,
                               oversized_followed_t *followed)
{
    size_t size = location.size - SEGJ_FRAME_TRAILER;
    segj_status_t status = SEGJ_OK;
    bool large = payload == NULL;
    bool packed = section->compressed && !raw;
    followed->entry_size = section->record_size - OVERSIZED_LOCATION_SIZE;
    followed->location = location;
    followed->value = payload;
    followed->value_size = size;
    if (!large && packed && follower->decoder == NULL)
        status = segj_decoder_new(&follower->decoder);
    if (status == SEGJ_OK && !large && packed)
        status = have_dictionary(section);
    if (status == SEGJ_OK && !large && packed) {
        status = segj_codec_decompress(follower->decoder, section->unpacks, payload, size, follower->max_value_size,
                                       &follower->value);
        followed->value = follower->value.data != NULL ? follower->value.data : (const void *)"";
        followed->value_size = follower->value.size;
    } else if (status == SEGJ_OK && (large || size > follower->max_value_size))
        status = segj_fail(SEGJ_ERR_TOO_LARGE, "a value of %zu stored bytes is larger than max_value_size, %u bytes",
                           size, (unsigned)follower->max_value_size);
    return status == SEGJ_OK || status == SEGJ_ERR_MEMORY
               ? status
               : segj_context(status, "section %llu, record %llu", (unsigned long long)section->number,
                              (unsigned long long)(section->at.records - 1));
}
