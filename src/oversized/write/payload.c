/*
 * oversized/write/payload.c: see the header. Who has an encoder never waits for another one, and who waits for one has
 * no lock; so those that wait for the change lock with one in hand do not keep its holder waiting.
 */
#include "oversized/write/payload.h"

#include <stdlib.h>

#include "oversized/section/section.h"

/* What is compressed of a batch before the lock is taken; the rest would take too much memory at a time. */
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
    *payloads = (segj_payloads_t){.encoder = NULL};
    if (!wants_payloads(journal, section))
        return SEGJ_OK;
    segj_status_t status = take_encoder(journal, &payloads->encoder);
    if (status == SEGJ_OK)
        status = segj_encoder_make(payloads->encoder, journal->codec.level, pieces, pieces_count, size, &payloads->one);
    payloads->count = status == SEGJ_OK;
    if (status != SEGJ_OK)
        segj_payloads_free(payloads, journal);
    return status;
}

static segj_status_t make_each(segj_payloads_t *payloads, int level, const oversized_record_t *records, size_t count)
{
    segj_encoder_t *encoder = payloads->encoder;
    size_t taken = 0;
    segj_status_t status = SEGJ_OK;
    segj_encoder_begin(encoder);
    while (payloads->count < count && taken <= BATCH_MOST && status == SEGJ_OK) {
        const oversized_record_t *record = &records[payloads->count];
        segj_slice_t piece = {record->value, record->size};
        size_t at;
        status =
            segj_encoder_add(encoder, level, &piece, 1, record->size, &at, &payloads->slices[payloads->count].size);
        payloads->count += status == SEGJ_OK;
        taken += record->size;
    }
    /* They lie one behind the other, in memory that has moved. */
    const uint8_t *data = encoder->payloads.data;
    for (size_t i = 0; i < payloads->count; data += payloads->slices[i++].size)
        payloads->slices[i].data = data;
    return status;
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
        status = make_each(payloads, journal->codec.level, records, count);
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
