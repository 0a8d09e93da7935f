/*
 * oversized/section/dictionary.c: see the header.
 */
#include "oversized/section/dictionary.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zdict.h>
#include <zstd_errors.h>

#include "base/bytes.h"
#include "journal/dictionary_file.h"

/* What those that are not in use may take together with those that are. */
#define MEMORY_MOST ((size_t)16 << 20)

/* --- one --- */

void segj_dictionary_free(segj_dictionary_t *dictionary)
{
    if (dictionary == NULL)
        return;
    (void)ZSTD_freeCDict(dictionary->packs);
    (void)ZSTD_freeDDict(dictionary->unpacks);
    free(dictionary);
}

/* Bytes that begin with this are taken for what a trainer of zstd has made, and no others (RFC 8878, 5). */
static bool begins_as_trained(const uint8_t *bytes, uint32_t size)
{
    uint32_t magic = 0;
    for (unsigned i = 0; i < 4 && size >= 8; i++)
        magic |= (uint32_t)bytes[i] << (8 * i);
    return magic == ZSTD_MAGIC_DICTIONARY;
}

static segj_status_t lacks_memory(void)
{
    return segj_fail(SEGJ_ERR_MEMORY, "out of memory: zstd could not prepare a dictionary");
}

static segj_status_t check_trained(const uint8_t *bytes, uint32_t size)
{
    if (!begins_as_trained(bytes, size))
        return SEGJ_OK;
    size_t header = ZDICT_getDictHeaderSize(bytes, size);
    if (!ZDICT_isError(header))
        return SEGJ_OK;
    if (ZSTD_getErrorCode(header) == ZSTD_error_memory_allocation)
        return lacks_memory();
    return segj_fail(SEGJ_ERR_COMPRESSION,
                     "the dictionary of %u bytes begins as a trained one, and zstd cannot use it: %s", (unsigned)size,
                     ZDICT_getErrorName(header));
}

segj_status_t segj_dictionary_unpacks(const uint8_t *bytes, uint32_t size, ZSTD_DDict **made)
{
    segj_status_t status = check_trained(bytes, size);
    if (status != SEGJ_OK)
        return status;
    *made = ZSTD_createDDict(bytes, size);
    return *made != NULL ? SEGJ_OK : lacks_memory();
}

/* The bytes are there. */
static segj_status_t prepare_to_unpack(segj_dictionary_t *dictionary)
{
    segj_status_t status = segj_dictionary_unpacks(dictionary->bytes, dictionary->id.size, &dictionary->unpacks);
    if (status != SEGJ_OK)
        return status;
    dictionary->memory = sizeof *dictionary + dictionary->id.size + ZSTD_sizeof_DDict(dictionary->unpacks);
    return SEGJ_OK;
}

static segj_status_t make_empty(segj_dictionary_id_t id, segj_dictionary_t **made)
{
    size_t size = sizeof **made + id.size;
    *made = calloc(1, size);
    if (*made == NULL)
        return segj_fail_memory(size);
    (*made)->id = id;
    (*made)->users = 1;
    return SEGJ_OK;
}

segj_status_t segj_dictionary_new(const void *bytes, uint32_t size, segj_dictionary_t **made)
{
    segj_status_t status = make_empty(segj_dictionary_identify(bytes, size), made);
    if (status != SEGJ_OK)
        return status;
    memcpy((*made)->bytes, bytes, size);
    status = prepare_to_unpack(*made);
    if (status != SEGJ_OK) {
        segj_dictionary_free(*made);
        *made = NULL;
    }
    return status;
}

/* --- the list, under state --- */

/* Takes the one that is not in use, and was not used for longest, out of the list, and frees it; false: there is
 * none. */
static bool drop_oldest(segj_dictionaries_t *list)
{
    size_t oldest = SEGJ_DICTIONARIES;
    for (size_t i = 0; i < SEGJ_DICTIONARIES; i++)
        if (list->slots[i] != NULL && list->slots[i]->users == 0 &&
            (oldest == SEGJ_DICTIONARIES || list->slots[i]->used < list->slots[oldest]->used))
            oldest = i;
    if (oldest == SEGJ_DICTIONARIES)
        return false;
    list->memory -= list->slots[oldest]->memory;
    segj_dictionary_free(list->slots[oldest]);
    list->slots[oldest] = NULL;
    return true;
}

static segj_dictionary_t *find_same(const segj_dictionaries_t *list, const segj_dictionary_t *dictionary)
{
    for (size_t i = 0; i < SEGJ_DICTIONARIES; i++) {
        segj_dictionary_t *at = list->slots[i];
        if (at != NULL && segj_dictionary_same(at->id, dictionary->id) &&
            memcmp(at->bytes, dictionary->bytes, at->id.size) == 0)
            return at;
    }
    return NULL;
}

/* A place where there is none; SEGJ_DICTIONARIES: all are in use. */
static size_t room_for(segj_dictionaries_t *list, size_t memory)
{
    size_t free_slot = 0;
    while (list->memory > 0 && memory > MEMORY_MOST - segj_min_u64(list->memory, MEMORY_MOST) && drop_oldest(list))
        continue;
    while (free_slot < SEGJ_DICTIONARIES && list->slots[free_slot] != NULL)
        free_slot++;
    if (free_slot < SEGJ_DICTIONARIES || !drop_oldest(list))
        return free_slot;
    for (free_slot = 0; list->slots[free_slot] != NULL;)
        free_slot++;
    return free_slot;
}

segj_dictionary_t *segj_dictionary_list(oversized_t *journal, segj_dictionary_t *dictionary)
{
    segj_assert_held(&journal->shared.state);
    segj_dictionaries_t *list = &journal->codec.dictionaries;
    segj_dictionary_t *same = find_same(list, dictionary);
    if (same != NULL) {
        segj_dictionary_free(dictionary);
        same->users++;
        return same;
    }
    dictionary->stamp = ++list->stamps; /* also where there is no room: payloads made with it are for no other */
    size_t slot = room_for(list, dictionary->memory);
    if (slot == SEGJ_DICTIONARIES)
        return dictionary;
    list->slots[slot] = dictionary;
    list->memory += dictionary->memory;
    dictionary->slot = (uint32_t)slot;
    dictionary->used = ++list->clock;
    dictionary->listed = true;
    return dictionary;
}

void segj_dictionary_link(segj_section_t *section, const segj_dictionary_t *dictionary)
{
    section->dictionary_stamp = dictionary->stamp;
    section->dictionary_slot = dictionary->slot;
}

segj_dictionary_t *segj_dictionary_find(oversized_t *journal, const segj_section_t *section)
{
    segj_assert_held(&journal->shared.state);
    segj_dictionaries_t *list = &journal->codec.dictionaries;
    segj_dictionary_t *found = section->dictionary_stamp > 0 ? list->slots[section->dictionary_slot] : NULL;
    if (found == NULL || found->stamp != section->dictionary_stamp)
        return NULL;
    found->users++;
    found->used = ++list->clock;
    return found;
}

segj_dictionary_t *segj_dictionary_take_next(oversized_t *journal)
{
    segj_assert_held(&journal->shared.state);
    segj_dictionary_t *next = journal->codec.dictionaries.next;
    if (next != NULL)
        next->users++;
    return next;
}

void segj_dictionary_give_locked(oversized_t *journal, segj_dictionary_t *dictionary)
{
    segj_assert_held(&journal->shared.state);
    (void)journal;
    if (dictionary == NULL)
        return;
    assert(dictionary->users > 0);
    dictionary->users--;
    if (dictionary->users == 0 && !dictionary->listed)
        segj_dictionary_free(dictionary);
}

void segj_dictionary_give(oversized_t *journal, segj_dictionary_t *dictionary)
{
    if (dictionary == NULL)
        return;
    segj_lock(&journal->shared.state);
    segj_dictionary_give_locked(journal, dictionary);
    segj_unlock(&journal->shared.state);
}

void segj_dictionaries_free(segj_dictionaries_t *dictionaries)
{
    bool listed = dictionaries->next != NULL && dictionaries->next->listed;
    if (!listed)
        segj_dictionary_free(dictionaries->next);
    dictionaries->next = NULL;
    for (size_t i = 0; i < SEGJ_DICTIONARIES; i++) {
        segj_dictionary_free(dictionaries->slots[i]);
        dictionaries->slots[i] = NULL;
    }
}

/* --- from the files --- */

/* Under state, which is given up while it reads. Who has read a frame may have the values pinned. *answer: of the
 * reading. */
SEGJ_UNDER_STATE static segj_status_t read_copy(segj_shared_t *shared, segj_handle_t *handle, segj_kind_t kind,
                                                segj_dictionary_t *dictionary, segj_status_t *answer, bool *right)
{
    *right = false;
    segj_status_t status = segj_files_pin_once_more(&shared->files, handle);
    if (status != SEGJ_OK)
        return status;
    segj_unlock(&shared->state);
    *answer = segj_dictionary_read(&handle->file, kind, dictionary->id, dictionary->bytes, right);
    segj_lock(&shared->state);
    segj_files_unpin(&shared->files, handle);
    return SEGJ_OK;
}

static segj_status_t dictionary_lost(const segj_section_t *section)
{
    return segj_io_fail(SEGJ_ERR_COMPRESSION, &section->values.handle.file, SEGJ_VALUES_DATA_OFFSET,
                        "the section's dictionary of %u bytes is damaged here and in its index file: values that were "
                        "compressed with it cannot be read",
                        (unsigned)section->values.dictionary.size);
}

/* Under state, which is given up while it reads. A copy that cannot be read is no better than one that is damaged; but
 * where neither is right, it may be read another time. */
SEGJ_UNDER_STATE static segj_status_t read_either(oversized_t *journal, segj_section_t *section,
                                                  segj_dictionary_t *dictionary)
{
    segj_shared_t *shared = &journal->shared;
    segj_status_t first = SEGJ_OK;
    segj_status_t second = SEGJ_OK;
    segj_sentence_t cause;
    bool right = false;
    segj_status_t status = read_copy(shared, &section->values.handle, SEGJ_KIND_VALUES, dictionary, &first, &right);
    if (first != SEGJ_OK)
        segj_keep(&cause);
    if (status == SEGJ_OK && !right)
        status = read_copy(shared, &section->index.handle, SEGJ_KIND_INDEX, dictionary, &second, &right);
    if (status != SEGJ_OK || right)
        return status;
    if (first != SEGJ_OK)
        segj_say_again(&cause);
    if (first != SEGJ_OK || second != SEGJ_OK)
        return first != SEGJ_OK ? first : second;
    return dictionary_lost(section);
}

segj_status_t segj_dictionary_take(oversized_t *journal, segj_section_t *section, segj_dictionary_t **taken)
{
    segj_shared_t *shared = &journal->shared;
    segj_lock(&shared->state);
    *taken = segj_dictionary_find(journal, section);
    segj_unlock(&shared->state);
    if (*taken != NULL)
        return SEGJ_OK;
    segj_dictionary_t *made;
    segj_status_t status = make_empty(section->values.dictionary, &made);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&shared->state);
    status = read_either(journal, section, made);
    segj_unlock(&shared->state);
    if (status == SEGJ_OK)
        status = prepare_to_unpack(made);
    if (status == SEGJ_ERR_COMPRESSION) /* no thread can compress with it either */
        atomic_store(&section->dictionary_lost, true);
    if (status != SEGJ_OK) {
        segj_dictionary_free(made);
        return status;
    }
    segj_lock(&shared->state);
    *taken = segj_dictionary_list(journal, made);
    if ((*taken)->listed)
        segj_dictionary_link(section, *taken);
    segj_unlock(&shared->state);
    return SEGJ_OK;
}

segj_status_t segj_dictionary_prepare(oversized_t *journal, segj_dictionary_t *dictionary)
{
    segj_shared_t *shared = &journal->shared;
    segj_lock(&shared->state);
    bool prepared = dictionary->packs != NULL;
    segj_unlock(&shared->state);
    if (prepared)
        return SEGJ_OK;
    ZSTD_CDict *packs = ZSTD_createCDict(dictionary->bytes, dictionary->id.size, journal->codec.level);
    if (packs == NULL)
        return lacks_memory();
    segj_lock(&shared->state);
    prepared = dictionary->packs != NULL; /* another thread was faster */
    if (!prepared) {
        dictionary->packs = packs;
        dictionary->memory += ZSTD_sizeof_CDict(packs);
        journal->codec.dictionaries.memory += dictionary->listed ? ZSTD_sizeof_CDict(packs) : 0;
    }
    segj_unlock(&shared->state);
    if (prepared)
        (void)ZSTD_freeCDict(packs);
    return SEGJ_OK;
}

segj_status_t segj_dictionary_take_to_pack(oversized_t *journal, segj_section_t *section, segj_dictionary_t **taken)
{
    segj_status_t status = SEGJ_OK;
    *taken = NULL;
    if (section == NULL && atomic_load_explicit(&journal->codec.dictionaries.any, memory_order_relaxed)) {
        segj_lock(&journal->shared.state);
        *taken = segj_dictionary_take_next(journal);
        segj_unlock(&journal->shared.state);
    } else if (section != NULL && section->values.dictionary.size > 0) {
        status = segj_dictionary_take(journal, section, taken);
    }
    if (status != SEGJ_OK || *taken == NULL)
        return status;
    status = segj_dictionary_prepare(journal, *taken);
    if (status != SEGJ_OK) {
        segj_dictionary_give(journal, *taken);
        *taken = NULL;
    }
    return status;
}

/* --- to the files --- */

segj_status_t segj_dictionary_write_both(oversized_t *journal, const segj_section_t *section,
                                         const segj_dictionary_t *dictionary)
{
    const segj_io_file_t *index = &section->index.handle.file;
    const segj_io_file_t *values = &section->values.handle.file;
    segj_status_t status = segj_dictionary_write(index, SEGJ_KIND_INDEX, dictionary->bytes, dictionary->id.size);
    if (status == SEGJ_OK)
        status = segj_dictionary_write(values, SEGJ_KIND_VALUES, dictionary->bytes, dictionary->id.size);
    if (status != SEGJ_OK)
        return status;
    segj_io_write_back(values, 0, values->data);
    status = segj_io_sync(index);
    if (status == SEGJ_OK)
        status = segj_io_sync(values);
    return status == SEGJ_OK ? status : segj_shared_poison(&journal->shared, status);
}

/* One copy is written again, as the other is. */
static segj_status_t write_again(oversized_t *journal, const segj_io_file_t *file, segj_kind_t kind,
                                 const segj_dictionary_t *dictionary)
{
    segj_status_t status = segj_dictionary_write(file, kind, dictionary->bytes, dictionary->id.size);
    if (status != SEGJ_OK)
        return status;
    status = segj_io_sync(file);
    if (status != SEGJ_OK)
        return segj_shared_poison(&journal->shared, status);
    segj_shared_log(&journal->shared, SEGJ_LOG_WARNING,
                    "%s/%s/%016llx: the section's dictionary was damaged, and is "
                    "written again",
                    file->partition->directory, file->partition->name, (unsigned long long)file->section);
    return SEGJ_OK;
}

/* Of the two copies one is right, or both are. One that is damaged is written again; one that cannot be read is left as
 * it is. */
static segj_status_t mend_other(oversized_t *journal, const segj_section_t *section, segj_dictionary_t *const read[2],
                                const segj_status_t answers[2], const bool right[2])
{
    const segj_io_file_t *index = &section->index.handle.file;
    const segj_io_file_t *values = &section->values.handle.file;
    if (answers[0] != SEGJ_OK || answers[1] != SEGJ_OK) {
        segj_shared_log(&journal->shared, SEGJ_LOG_WARNING, "%s: the section's dictionary is read from its other file",
                        segj_last_error());
        return SEGJ_OK;
    }
    if (!right[1])
        return write_again(journal, index, SEGJ_KIND_INDEX, read[0]);
    return right[0] ? SEGJ_OK : write_again(journal, values, SEGJ_KIND_VALUES, read[1]);
}

segj_status_t segj_dictionary_mend(oversized_t *journal, segj_section_t *section)
{
    segj_dictionary_t *read[2] = {NULL, NULL};
    segj_status_t answers[2];
    segj_sentence_t cause = {.text = ""};
    bool right[2] = {false, false};
    if (section->values.dictionary.size == 0 || section->dictionary_checked)
        return SEGJ_OK;
    segj_status_t status = make_empty(section->values.dictionary, &read[0]);
    if (status == SEGJ_OK)
        status = make_empty(section->values.dictionary, &read[1]);
    if (status == SEGJ_OK) {
        answers[0] = segj_dictionary_read(&section->values.handle.file, SEGJ_KIND_VALUES, read[0]->id, read[0]->bytes,
                                          &right[0]);
        if (answers[0] != SEGJ_OK)
            segj_keep(&cause);
        answers[1] =
            segj_dictionary_read(&section->index.handle.file, SEGJ_KIND_INDEX, read[1]->id, read[1]->bytes, &right[1]);
        if (right[0] || right[1])
            status = mend_other(journal, section, read, answers, right);
        else
            status = answers[0] != SEGJ_OK ? answers[0] : answers[1];
        if (status != SEGJ_OK && answers[0] == status)
            segj_say_again(&cause);
    }
    if (status == SEGJ_OK && !right[0] && !right[1]) {
        atomic_store(&section->dictionary_lost, true);
        (void)dictionary_lost(section);
        segj_shared_log(&journal->shared, SEGJ_LOG_ERROR, "%s; new ones are stored as they are", segj_last_error());
    }
    section->dictionary_checked = status == SEGJ_OK;
    segj_dictionary_free(read[0]);
    segj_dictionary_free(read[1]);
    return status;
}
