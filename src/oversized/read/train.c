/*
 * oversized/read/train.c: see the header. What the trainer is given is a sample, one value after the other in one piece
 * of memory: of a section from places that are as far from each other as they can be, in each a run of records.
 */
#include "oversized/read/train.h"

#include <stdlib.h>
#include <string.h>
#include <zdict.h>

#include "base/bytes.h"
#include "oversized/read/replay.h"
#include "oversized/section/entrance.h"
#include "oversized/section/section.h"

/* Bytes of values for each byte of the dictionary, and at least. */
#define SAMPLE_FACTOR 128
#define SAMPLE_LEAST ((size_t)1 << 20)
/* Of a value; zstd looks at no more. */
#define VALUE_MOST ((size_t)128 << 10)
/* Of a section. */
#define PLACES 16
#define READ_AHEAD ((size_t)64 << 10)
/* zstd wants some; and a bound, so that sizes of the smallest values do not take more than the values. */
#define VALUES_LEAST 8
#define VALUES_MOST ((size_t)1 << 20)

typedef struct sample {
    uint8_t *bytes;
    size_t used, room;
    size_t *sizes;
    size_t count, capacity;
} sample_t;

static size_t budget_of(size_t size)
{
    return size * SAMPLE_FACTOR > SAMPLE_LEAST ? size * SAMPLE_FACTOR : SAMPLE_LEAST;
}

static segj_status_t sample_init(sample_t *sample, size_t room)
{
    *sample = (sample_t){.bytes = malloc(room), .room = room};
    return sample->bytes != NULL ? SEGJ_OK : segj_fail_memory(room);
}

static void sample_free(sample_t *sample)
{
    free(sample->bytes);
    free(sample->sizes);
}

/* *full: there is no room for more. An empty value says nothing. */
static segj_status_t sample_add(sample_t *sample, const void *value, size_t size, bool *full)
{
    size = size < VALUE_MOST ? size : VALUE_MOST;
    *full = sample->count == VALUES_MOST || size > sample->room - sample->used;
    if (*full || size == 0)
        return SEGJ_OK;
    if (sample->count == sample->capacity) {
        size_t capacity = sample->capacity == 0 ? 256 : 2 * sample->capacity;
        size_t *sizes = realloc(sample->sizes, capacity * sizeof *sizes);
        if (sizes == NULL)
            return segj_fail_memory(capacity * sizeof *sizes);
        sample->sizes = sizes;
        sample->capacity = capacity;
    }
    memcpy(sample->bytes + sample->used, value, size);
    sample->sizes[sample->count++] = size;
    sample->used += size;
    return SEGJ_OK;
}

/* --- training --- */

static segj_status_t train_untrainable(const sample_t *sample, const char *why)
{
    return segj_fail(SEGJ_ERR_COMPRESSION,
                     "zstd could not train a dictionary from %zu values of %zu bytes together: %s", sample->count,
                     sample->used, why);
}

static segj_status_t train(const sample_t *sample, size_t size, segj_buffer_t *dictionary)
{
    if (sample->count < VALUES_LEAST)
        return train_untrainable(sample, "they are too few");
    segj_status_t status = segj_buffer_reserve(dictionary, size, size);
    if (status != SEGJ_OK)
        return status;
    size_t made = ZDICT_trainFromBuffer(dictionary->data, size, sample->bytes, sample->sizes, (unsigned)sample->count);
    if (ZDICT_isError(made))
        return train_untrainable(sample, ZDICT_getErrorName(made));
    dictionary->size = made;
    return SEGJ_OK;
}

static segj_status_t check_size(const char *call, size_t size, const segj_buffer_t *dictionary)
{
    if (dictionary == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "%s: dictionary is NULL", call);
    if (size < OVERSIZED_DICTIONARY_TRAINED_MIN || size > OVERSIZED_DICTIONARY_MAX)
        return segj_fail(SEGJ_ERR_INVALID, "%s: size is %zu, expected 256 to 262144 bytes", call, size);
    return SEGJ_OK;
}

/* --- values of the caller's --- */

static segj_status_t total_of(const segj_slice_t *values, size_t count, uint64_t *total)
{
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i].data == NULL && values[i].size > 0)
            return segj_fail(SEGJ_ERR_INVALID, "oversized_train_dictionary: value %zu is NULL, expected %zu bytes", i,
                             values[i].size);
        *total += values[i].size < VALUE_MOST ? values[i].size : VALUE_MOST;
    }
    return SEGJ_OK;
}

segj_status_t oversized_train_dictionary(const segj_slice_t *values, size_t count, size_t size,
                                         segj_buffer_t *dictionary)
{
    sample_t sample;
    uint64_t total;
    if (dictionary != NULL)
        dictionary->size = 0;
    segj_status_t status = check_size("oversized_train_dictionary", size, dictionary);
    if (status == SEGJ_OK && values == NULL && count > 0)
        status = segj_fail(SEGJ_ERR_INVALID, "oversized_train_dictionary: values is NULL, expected %zu values", count);
    if (status == SEGJ_OK)
        status = total_of(values, count, &total);
    if (status != SEGJ_OK)
        return status;
    size_t room = budget_of(size);
    size_t step = (size_t)segj_min_u64(total / room + 1, SIZE_MAX / 2);
    status = sample_init(&sample, room);
    bool full = false;
    for (size_t i = 0; i < count && status == SEGJ_OK; i += step)
        status = sample_add(&sample, values[i].data, values[i].size, &full);
    if (status == SEGJ_OK)
        status = train(&sample, size, dictionary);
    sample_free(&sample);
    return status;
}

/* --- values of a section --- */

/* A run of records from `first` on, until the sample has `most` bytes. */
static segj_status_t sample_run(oversized_t *journal, uint64_t section, uint64_t first, uint64_t last, size_t most,
                                const atomic_bool *ending, sample_t *sample)
{
    oversized_replay_t *replay = NULL;
    bool full = false;
    segj_status_t status = segj_replay_begin(journal, section, first, READ_AHEAD, &replay);
    for (uint64_t i = first; i < last && status == SEGJ_OK && !full && sample->used < most; i++) {
        oversized_item_t item;
        const void *value;
        size_t size;
        status = oversized_replay_next(replay, &item);
        if (status == SEGJ_OK && (ending != NULL && atomic_load(ending)))
            status = segj_fail(SEGJ_ERR_CANCELLED, "the journal is being closed");
        if (status == SEGJ_OK)
            status = oversized_replay_value(replay, &value, &size);
        if (status == SEGJ_OK)
            status = sample_add(sample, value, size, &full);
    }
    oversized_replay_close(replay);
    return status;
}

segj_status_t segj_train_section(oversized_t *journal, uint64_t section, size_t size, const atomic_bool *ending,
                                 segj_buffer_t *dictionary)
{
    sample_t sample;
    uint64_t records = 0;
    segj_section_t *found;
    segj_lock(&journal->shared.state);
    segj_status_t status = segj_journal_require(journal, section, &found);
    if (status == SEGJ_OK)
        records = found->index.records;
    segj_unlock(&journal->shared.state);
    if (status != SEGJ_OK)
        return status;
    size_t room = budget_of(size);
    status = sample_init(&sample, room);
    for (uint64_t place = 0; place < PLACES && status == SEGJ_OK; place++) {
        uint64_t first = records / PLACES * place;
        uint64_t last = place + 1 < PLACES ? records / PLACES * (place + 1) : records;
        if (first < last)
            status = sample_run(journal, section, first, last, room / PLACES * (size_t)(place + 1), ending, &sample);
    }
    if (status == SEGJ_OK)
        status = train(&sample, size, dictionary);
    sample_free(&sample);
    return status;
}

segj_status_t oversized_train_section(oversized_t *journal, uint64_t section, size_t size, segj_buffer_t *dictionary)
{
    if (dictionary != NULL)
        dictionary->size = 0;
    SEGJ_ENTER(journal, oversized_train_section(journal, section, size, dictionary));
    segj_status_t status = check_size("oversized_train_section", size, dictionary);
    return status == SEGJ_OK ? segj_train_section(journal, section, size, NULL, dictionary) : status;
}
