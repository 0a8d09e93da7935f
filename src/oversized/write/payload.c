/*
 * oversized/write/payload.c: see the header. Who has an encoder never waits for another one, and who waits for one has
 * no lock; so those that wait for the change lock with one in hand do not keep its holder waiting.
 */
#include "oversized/write/payload.h"

#include <stdlib.h>

#include "oversized/section/section.h"

/* What is compressed of a batch at a time, and so before the lock is taken; more would take too much memory. */
#define BATCH_MOST ((size_t)16 << 20)

/* Whether the values of a section are compressed as far as can be seen now; the append looks again. */
static bool is_compressed(oversized_t *journal, uint64_t number)
{
    bool compressed = journal->codec.level != 0;
    if (!journal->codec.mixed)
        return compressed;
    segj_lock(&journal->shared.state);
    const segj_section_t *section = segj_journal_find(journal, number);
    if (section != NULL)
        compressed = section->values.compressed;
    segj_unlock(&journal->shared.state);
    return compressed;
}

static segj_status_t take_encoder(oversized_t *journal, segj_encoder_t **taken)
{
    segj_codec_t *codec = &journal->codec;
    segj_lock(&journal->shared.state);
    codec->encoders_wanted++;
    while (codec->encoders == NULL && codec->encoders_made == SEGJ_ENCODERS_MOST)
        segj_wait(&journal->shared.changed, &journal->shared.state);
    codec->encoders_wanted--;
    *taken = codec->encoders;
    if (*taken != NULL)
        codec->encoders = (*taken)->next;
    else
        codec->encoders_made++;
    segj_unlock(&journal->shared.state);
    segj_status_t status = *taken == NULL ? segj_encoder_new(taken) : SEGJ_OK;
    if (status != SEGJ_OK) {
        segj_lock(&journal->shared.state);
        codec->encoders_made--;
        segj_wake_all(&journal->shared.changed);
        segj_unlock(&journal->shared.state);
    }
    return status;
}

static void give_encoder(oversized_t *journal, segj_encoder_t *encoder)
{
    segj_codec_t *codec = &journal->codec;
    segj_encoder_begin(encoder);
    segj_lock(&journal->shared.state);
    encoder->next = codec->encoders;
    codec->encoders = encoder;
    if (codec->encoders_wanted > 0)
        segj_wake_all(&journal->shared.changed);
    segj_unlock(&journal->shared.state);
}

/* False: nothing is to be compressed, or the append will be refused anyway. */
static bool wants_payloads(oversized_t *journal, uint64_t section)
{
    return segj_payloads_may_be(journal) && segj_journal_changeable(journal) == SEGJ_OK &&
           is_compressed(journal, section);
}

segj_status_t segj_payloads_make(segj_payloads_t *payloads, oversized_t *journal, uint64_t section,
                                 const segj_slice_t *pieces, size_t pieces_count, size_t size)
{
    segj_codec_t *codec = &journal->codec;
    *payloads = (segj_payloads_t){.encoder = NULL};
    if (!wants_payloads(journal, section))
        return SEGJ_OK;
    segj_status_t status = take_encoder(journal, &payloads->encoder);
    if (status == SEGJ_OK)
        status = segj_encoder_make(payloads->encoder, codec->level, &codec->crew, pieces, pieces_count, size,
                                   &payloads->one);
    payloads->count = status == SEGJ_OK;
    if (status != SEGJ_OK)
        segj_payloads_free(payloads, journal);
    return status;
}

/* --- of batches --- */

/* The values of a batch that are compressed at a time. */
typedef struct window {
    segj_round_t round; /* first: steps get it */
    int level;
    const oversized_record_t *records;
    segj_slice_t *slices; /* each has its place and its room before its step */
} window_t;

static segj_status_t window_step(segj_round_t *round, ZSTD_CCtx **context, size_t number)
{
    window_t *window = (window_t *)round;
    const oversized_record_t *record = &window->records[number];
    segj_slice_t *slice = &window->slices[number];
    /* The memory is the encoder's. */
    return segj_encoder_into(context, window->level, record->value, record->size, (void *)(uintptr_t)slice->data,
                             slice->size, &slice->size);
}

/* Of the values from here on: how many are compressed at a time, their bytes, and the room that their payloads want. */
static segj_status_t window_size(const oversized_record_t *records, size_t left, size_t *count, size_t *bytes,
                                 size_t *room)
{
    size_t bound;
    *count = *bytes = *room = 0;
    while (*count < left && *bytes <= BATCH_MOST && (*count == 0 || records[*count].size <= BATCH_MOST)) {
        segj_status_t status = segj_encoder_bound(records[*count].size, &bound);
        if (status != SEGJ_OK)
            return status;
        if (bound > SIZE_MAX - *room)
            return segj_fail_memory(SIZE_MAX);
        *bytes += records[(*count)++].size;
        *room += bound;
    }
    return SEGJ_OK;
}

/* By several threads, each value into a place of its own. *done: false where this thread is to do it alone. */
static segj_status_t make_together(segj_payloads_t *payloads, segj_codec_t *codec, const oversized_record_t *records,
                                   size_t left, bool *done)
{
    segj_encoder_t *encoder = payloads->encoder;
    size_t count;
    size_t bytes;
    size_t room;
    *done = false;
    if (codec->crew.most < 2)
        return SEGJ_OK;
    segj_status_t status = window_size(records, left, &count, &bytes, &room);
    if (status != SEGJ_OK || count < 2 || bytes < SEGJ_CREW_BATCH_LEAST)
        return status;
    status = segj_buffer_reserve(&encoder->payloads, room, SIZE_MAX);
    if (status != SEGJ_OK)
        return status;
    window_t window = {.round = {.step = window_step, .count = count},
                       .level = codec->level,
                       .records = records,
                       .slices = payloads->slices + payloads->count};
    uint8_t *to = encoder->payloads.data;
    for (size_t i = 0; i < count; i++) {
        window.slices[i] = (segj_slice_t){to, ZSTD_compressBound(records[i].size)};
        to += window.slices[i].size;
    }
    status = segj_crew_run(&codec->crew, &window.round, &encoder->context, done);
    if (status == SEGJ_OK && *done)
        payloads->count += count;
    return status;
}

static segj_status_t make_alone(segj_payloads_t *payloads, segj_codec_t *codec, const oversized_record_t *records,
                                size_t left)
{
    segj_encoder_t *encoder = payloads->encoder;
    segj_slice_t *slices = payloads->slices + payloads->count;
    size_t count = 0;
    size_t taken = 0;
    segj_status_t status = SEGJ_OK;
    while (count < left && taken <= BATCH_MOST && status == SEGJ_OK) {
        size_t at;
        status = segj_encoder_add(encoder, codec->level, &codec->crew, records[count].value, records[count].size, &at,
                                  &slices[count].size);
        taken += records[count].size;
        count += status == SEGJ_OK;
    }
    /* They lie one behind the other, in memory that has moved. */
    const uint8_t *data = encoder->payloads.data;
    for (size_t i = 0; i < count; data += slices[i++].size)
        slices[i].data = data;
    payloads->count += count;
    return status;
}

segj_status_t segj_payloads_more(segj_payloads_t *payloads, oversized_t *journal, const oversized_record_t *records,
                                 size_t count)
{
    segj_codec_t *codec = &journal->codec;
    bool done;
    records += payloads->count;
    count -= payloads->count;
    segj_encoder_begin(payloads->encoder);
    segj_status_t status = make_together(payloads, codec, records, count, &done);
    return status == SEGJ_OK && !done ? make_alone(payloads, codec, records, count) : status;
}

segj_status_t segj_payloads_make_many(segj_payloads_t *payloads, oversized_t *journal, uint64_t section,
                                      const oversized_record_t *records, size_t count)
{
    *payloads = (segj_payloads_t){.encoder = NULL};
    if (count == 0 || !wants_payloads(journal, section))
        return SEGJ_OK;
    payloads->slices = calloc(count, sizeof *payloads->slices);
    if (payloads->slices == NULL)
        return segj_fail_memory(count <= SIZE_MAX / sizeof *payloads->slices ? count * sizeof *payloads->slices
                                                                             : SIZE_MAX);
    segj_status_t status = take_encoder(journal, &payloads->encoder);
    if (status == SEGJ_OK)
        status = segj_payloads_more(payloads, journal, records, count);
    if (status != SEGJ_OK)
        segj_payloads_free(payloads, journal);
    return status;
}

void segj_payloads_free(segj_payloads_t *payloads, oversized_t *journal)
{
    if (payloads->encoder != NULL)
        give_encoder(journal, payloads->encoder);
    free(payloads->slices);
    *payloads = (segj_payloads_t){.encoder = NULL};
}
