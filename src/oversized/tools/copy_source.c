/*
 * oversized/tools/copy_source.c: see the header. Pages that are full and durable, and no longer in memory, are read
 * from the file many at a time. Every other page is read as any reader reads it, and put together anew.
 */
#include "oversized/tools/copy_source.h"

#include <string.h>

#include "base/bytes.h"
#include "journal/dictionary_file.h"
#include "journal/record_format.h"
#include "oversized/section/dictionary.h"

/* Under state: the section as it was when it was looked at, or NULL. */
SEGJ_UNDER_STATE static segj_section_t *source_find(const segj_copy_source_t *source)
{
    segj_section_t *section = segj_journal_find(source->journal, source->number);
    return section != NULL && !segj_section_changed(section, source->generation) ? section : NULL;
}

static segj_status_t source_begin(segj_copy_source_t *source)
{
    segj_shared_t *shared = &source->journal->shared;
    segj_lock(&shared->state);
    const segj_section_t *section = source_find(source);
    if (section != NULL) {
        source->index = segj_io_like(&section->index.handle.file);
        source->values = segj_io_like(&section->values.handle.file);
        source->version = section->index.version;
        source->salt = section->index.salt;
        source->dictionary = section->values.dictionary;
        source->compressed = section->values.compressed;
    }
    segj_unlock(&shared->state);
    return section != NULL ? SEGJ_OK : SEGJ_END;
}

/* Takes the state lock, and a reference of the section as it was noted. False, without the lock: it was cut or
 * removed. Clang checks the callers, and is not told of a lock that is held on one way out alone. */
static bool source_enter(const segj_copy_source_t *source, segj_section_t **section) SEGJ_TRIES(segj_role_state, true);
SEGJ_NO_THREAD_SAFETY_ANALYSIS static bool source_enter(const segj_copy_source_t *source, segj_section_t **section)
{
    segj_lock(&source->journal->shared.state);
    *section = source_find(source);
    if (*section == NULL) {
        segj_unlock(&source->journal->shared.state);
        return false;
    }
    segj_section_acquire(*section);
    return true;
}

/* Under state, with the section's reference: both are given back. */
SEGJ_GIVES(segj_role_state)
static segj_status_t source_leave(const segj_copy_source_t *source, segj_section_t *section, segj_status_t status)
{
    bool changed = segj_section_changed(section, source->generation);
    segj_section_release_locked(source->journal, section);
    segj_unlock(&source->journal->shared.state);
    return changed ? SEGJ_END : status;
}

/* Reads from a file of the section; got as segj_io_read. Under state, which is given up while it reads. */
SEGJ_UNDER_STATE static segj_status_t source_read(segj_shared_t *shared, segj_handle_t *handle, uint64_t offset,
                                                  void *to, size_t size, size_t *got)
{
    segj_status_t status = segj_files_pin(&shared->files, handle);
    if (status != SEGJ_OK)
        return status;
    segj_unlock(&shared->state);
    status = segj_io_read(&handle->file, handle->file.data + offset, to, size, got);
    segj_lock(&shared->state);
    segj_files_unpin(&shared->files, handle);
    return status;
}

static segj_status_t source_dictionary(const segj_copy_source_t *source, uint8_t *to)
{
    segj_shared_t *shared = &source->journal->shared;
    segj_section_t *section;
    if (!source_enter(source, &section))
        return SEGJ_END;
    segj_dictionary_t *dictionary = NULL;
    segj_unlock(&shared->state);
    segj_status_t status = segj_dictionary_take(source->journal, section, &dictionary);
    if (status == SEGJ_OK)
        memcpy(to, dictionary->bytes, dictionary->id.size);
    segj_lock(&shared->state);
    segj_dictionary_give_locked(source->journal, dictionary);
    if (status != SEGJ_ERR_COMPRESSION)
        return source_leave(source, section, status);
    status = segj_files_pin(&shared->files, &section->values.handle);
    if (status == SEGJ_OK) {
        bool right;
        segj_unlock(&shared->state);
        memset(to, 0, source->dictionary.size);
        status = segj_dictionary_read(&section->values.handle.file, SEGJ_KIND_VALUES, source->dictionary, to, &right);
        segj_lock(&shared->state);
        segj_files_unpin(&shared->files, &section->values.handle);
    }
    return source_leave(source, section, status);
}

static segj_status_t source_values(const segj_copy_source_t *source, uint64_t offset, void *to, size_t size)
{
    segj_shared_t *shared = &source->journal->shared;
    segj_section_t *section;
    if (!source_enter(source, &section))
        return SEGJ_END;
    return source_leave(source, section, source_read(shared, &section->values.handle, offset, to, size, NULL));
}

static segj_status_t source_hand_over(const segj_copy_source_t *source, uint64_t offset, const segj_io_file_t *to,
                                      size_t size, size_t *done)
{
    segj_shared_t *shared = &source->journal->shared;
    segj_section_t *section;
    *done = 0;
    if (!source_enter(source, &section))
        return SEGJ_END;
    segj_handle_t *handle = &section->values.handle;
    segj_status_t status = segj_files_pin(&shared->files, handle);
    if (status != SEGJ_OK)
        return source_leave(source, section, status);
    segj_unlock(&shared->state);
    status = segj_io_copy(&handle->file, to, to->data + offset, size, done);
    segj_lock(&shared->state);
    segj_files_unpin(&shared->files, handle);
    return source_leave(source, section, status);
}

/* Bytes of the index as its records are, `offset` among them. */
static segj_status_t source_bytes(const segj_copy_source_t *source, uint64_t offset, void *to, size_t size)
{
    segj_shared_t *shared = &source->journal->shared;
    segj_section_t *section;
    if (!source_enter(source, &section))
        return SEGJ_END;
    return source_leave(source, section, segj_fixed_read(&section->index, shared, offset, size, to));
}

static segj_status_t source_point(const segj_copy_source_t *source, uint64_t records, segj_point_t *at)
{
    uint8_t bytes[OVERSIZED_LOCATION_SIZE];
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    *at = (segj_point_t){0};
    if (records == 0)
        return SEGJ_OK;
    segj_status_t status =
        source_bytes(source, records * source->journal->shared.record_size - sizeof bytes, bytes, sizeof bytes);
    if (status != SEGJ_OK)
        return status;
    if (!segj_location_end(source->values.head, segj_location_decode(bytes), SEGJ_FILE_SIZE_MAX - source->values.data,
                           &at->end))
        return segj_io_fail(SEGJ_ERR_CORRUPT, &source->index, source->index.data,
                            "the place of the value of record %llu is none", (unsigned long long)(records - 1));
    status = source_values(source, at->end - sizeof trailer, trailer, sizeof trailer);
    if (status != SEGJ_OK)
        return status;
    at->records = records;
    at->trailer = segj_get_u32(trailer);
    return SEGJ_OK;
}

/* Under state: how many pages from `first` on are full, durable, and in the file alone. */
SEGJ_UNDER_STATE static size_t pages_at_rest(const segj_copy_source_t *source, const segj_section_t *section,
                                             uint64_t first, size_t count)
{
    const segj_shared_t *shared = &source->journal->shared;
    const segj_fixed_t *index = &section->index;
    uint64_t full = source->records * shared->record_size / shared->page_size;
    size_t at = 0;
    uint8_t byte;
    while (at < count && first + at < full && segj_fixed_trusts(index, shared, first + at) &&
           (index->tail == NULL || !segj_paged_peek(index->tail, first + at, 0, 1, &byte)))
        at++;
    return at;
}

/* *got: how many of them were read. */
static segj_status_t read_at_rest(const segj_copy_source_t *source, uint64_t first, size_t count, uint8_t *to,
                                  size_t *got)
{
    segj_shared_t *shared = &source->journal->shared;
    size_t physical = segj_page_physical(shared->page_size);
    segj_section_t *section;
    if (!source_enter(source, &section))
        return SEGJ_END;
    size_t pages = pages_at_rest(source, section, first, count);
    segj_status_t status = SEGJ_OK;
    *got = 0;
    if (pages > 0)
        status = source_read(shared, &section->index.handle, first * physical, to, pages * physical, got);
    *got /= physical;
    return source_leave(source, section, status);
}

/* A page that is not in the file, or not whole there. */
static segj_status_t put_page(const segj_copy_source_t *source, uint64_t page, uint8_t *to)
{
    const segj_shared_t *shared = &source->journal->shared;
    uint64_t offset = page * shared->page_size;
    uint64_t left = source->records * shared->record_size - offset;
    uint16_t length = left < shared->page_size ? (uint16_t)left : shared->page_size;
    segj_status_t status = source_bytes(source, offset, to, length);
    if (status == SEGJ_OK)
        (void)segj_page_complete(shared->checksum, to, shared->page_size, source->index.binding, page, length,
                                 (segj_page_state_t){0, 0, 0});
    return status;
}

static segj_status_t source_pages(const segj_copy_source_t *source, uint64_t first, size_t count, uint8_t *to)
{
    const segj_shared_t *shared = &source->journal->shared;
    size_t physical = segj_page_physical(shared->page_size);
    size_t got = 0;
    segj_status_t status = read_at_rest(source, first, count, to, &got);
    for (size_t i = 0; i < count && status == SEGJ_OK; i++) {
        uint8_t *page = to + i * physical;
        bool whole =
            i < got &&
            segj_page_verify(shared->checksum, page, shared->page_size, source->index.binding, first + i).length ==
                shared->page_size;
        if (!whole)
            status = put_page(source, first + i, page);
    }
    return status;
}

/* Files are opened, and closed, as those of the journal. */
static void source_end(segj_copy_source_t *source)
{
    (void)source;
}

static const segj_copy_reads_t source_reads = {.begin = source_begin,
                                               .end = source_end,
                                               .point = source_point,
                                               .dictionary = source_dictionary,
                                               .values = source_values,
                                               .hand_over = source_hand_over,
                                               .pages = source_pages};

void segj_copy_source_note(oversized_t *journal, const segj_section_t *section, segj_copy_source_t *source)
{
    const segj_shared_t *shared = &journal->shared;
    *source = (segj_copy_source_t){.reads = &source_reads,
                                   .journal = journal,
                                   .number = section->node.number,
                                   .generation = section->generation,
                                   .records = section->index.durable};
    source->bytes = segj_fixed_file_size(shared, 0, source->records) + (source->records > 0 ? section->synced_size : 0);
}

segj_status_t segj_copy_source_look(oversized_t *journal, uint64_t number, segj_copy_source_t *source)
{
    segj_shared_t *shared = &journal->shared;
    const segj_sections_t *sections = &journal->sections;
    segj_lock(&shared->state);
    while (journal->hidden > 0) /* they may come back */
        segj_wait(&shared->changed, &shared->state);
    size_t at = segj_sections_lower(sections, number);
    bool found = at < sections->count;
    if (found)
        segj_copy_source_note(journal, segj_section_at(journal, at), source);
    segj_unlock(&shared->state);
    return found ? SEGJ_OK : SEGJ_END;
}
