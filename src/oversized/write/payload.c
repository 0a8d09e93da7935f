/*
 * oversized/write/payload.c: see the header. Who has an encoder never waits for another one, and who waits for one has
 * no lock; so those that wait for the change lock with one in hand do not keep its holder waiting.
 */
#include "oversized/write/payload.h"

#include <stdlib.h>

#include "oversized/section/section.h"

/* What is compressed of a batch before the lock is taken; the rest would take too much memory at a time. */
#define BATCH_MOST ((size_t)16 << 20)

/** A section as far as can be seen now; the append looks again. */
typedef struct payload_target {
    bool compressed;
    segj_section_t *section;       /* referenced, where its dictionary is still to be read; or NULL */
    segj_dictionary_t *dictionary; /* taken; or NULL */
    segj_payload_for_t made_for;
} payload_target_t;

/* Under state. */
static void look_at_dictionary(oversized_t *journal, segj_section_t *section, payload_target_t *target)
{
    if (section == NULL) {
        target->dictionary = segj_dictionary_take_next(journal);
        if (target->dictionary != NULL)
            target->made_for = (segj_payload_for_t){.packed = true, .stamp = target->dictionary->stamp};
        return;
    }
    if (section->values.dictionary.size == 0)
        return;
    target->compressed = !atomic_load(&section->dictionary_lost); /* or its values are stored as they are */
    target->made_for = (segj_payload_for_t){.packed = true, .exists = true, .salt = section->values.salt};
    target->dictionary = target->compressed ? segj_dictionary_find(journal, section) : NULL;
    if (target->compressed && target->dictionary == NULL) {
        segj_section_acquire(section);
        target->section = section;
    }
}

static payload_target_t look_at_target(oversized_t *journal, uint64_t number)
{
    payload_target_t target = {.compressed = journal->codec.level != 0};
    bool dictionaries = atomic_load_explicit(&journal->codec.dictionaries.any, memory_order_relaxed);
    if (!journal->codec.mixed && !dictionaries)
        return target;
    segj_lock(&journal->shared.state);
    segj_section_t *section = segj_journal_find(journal, number);
    if (section != NULL)
        target.compressed = section->values.compressed;
    if (target.compressed && dictionaries)
        look_at_dictionary(journal, section, &target);
    segj_unlock(&journal->shared.state);
    return target;
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

/* What the values are compressed by. Where a dictionary is damaged the append stores them as they are. */
static segj_status_t get_packing(oversized_t *journal, payload_target_t *target, segj_packing_t *packing)
{
    segj_status_t status = SEGJ_OK;
    *packing = (segj_packing_t){.level = journal->codec.level};
    if (target->section != NULL)
        status = segj_dictionary_take(journal, target->section, &target->dictionary);
    if (status == SEGJ_ERR_COMPRESSION) {
        target->compressed = false;
        status = SEGJ_OK;
    }
    if (status == SEGJ_OK && target->dictionary != NULL)
        status = segj_dictionary_prepare(journal, target->dictionary);
    if (status == SEGJ_OK && target->dictionary != NULL)
        packing->dictionary = target->dictionary->packs;
    return status;
}

/* Nothing is to be compressed, or an encoder and what else is wanted for it is there. */
static segj_status_t payload_begin(segj_payloads_t *payloads, oversized_t *journal, payload_target_t *target,
                                   segj_packing_t *packing)
{
    payloads->made_for = target->made_for;
    if (!target->compressed)
        return SEGJ_OK;
    segj_status_t status = get_packing(journal, target, packing);
    return status == SEGJ_OK && target->compressed ? take_encoder(journal, &payloads->encoder) : status;
}

static void payload_end(segj_payloads_t *payloads, oversized_t *journal, const payload_target_t *target,
                        segj_status_t status)
{
    segj_dictionary_give(journal, target->dictionary);
    if (target->section != NULL)
        segj_section_release(journal, target->section);
    if (status != SEGJ_OK)
        segj_payloads_free(payloads, journal);
}

/* False: nothing is to be compressed, or the append will be refused anyway. */
static bool may_want_payloads(const oversized_t *journal)
{
    return segj_payloads_may_be(journal) && segj_journal_changeable(journal) == SEGJ_OK;
}

segj_status_t segj_payloads_make(segj_payloads_t *payloads, oversized_t *journal, uint64_t section,
                                 const segj_slice_t *pieces, size_t pieces_count, size_t size)
{
    segj_packing_t packing;
    *payloads = (segj_payloads_t){.encoder = NULL};
    if (!may_want_payloads(journal))
        return SEGJ_OK;
    payload_target_t target = look_at_target(journal, section);
    segj_status_t status = payload_begin(payloads, journal, &target, &packing);
    if (status == SEGJ_OK && payloads->encoder != NULL) {
        status = segj_encoder_make(payloads->encoder, packing, pieces, pieces_count, size, &payloads->one);
        payloads->count = status == SEGJ_OK;
    }
    payload_end(payloads, journal, &target, status);
    return status;
}

static segj_status_t make_each(segj_payloads_t *payloads, segj_packing_t packing, const oversized_record_t *records,
                               size_t count)
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
            segj_encoder_add(encoder, packing, &piece, 1, record->size, &at, &payloads->slices[payloads->count].size);
        payloads->count += status == SEGJ_OK;
        taken += record->size;
    }
    /* They lie one behind the other, in memory that has moved. */
    const uint8_t *data = encoder->payloads.data;
    for (size_t i = 0; i < payloads->count; data += payloads->slices[i++].size)
        payloads->slices[i].data = data;
    return status;
}

static segj_status_t make_slices(segj_payloads_t *payloads, size_t count)
{
    payloads->slices = calloc(count, sizeof *payloads->slices);
    if (payloads->slices != NULL)
        return SEGJ_OK;
    bool fits = count <= SIZE_MAX / sizeof *payloads->slices;
    return segj_fail_memory(fits ? count * sizeof *payloads->slices : SIZE_MAX);
}

segj_status_t segj_payloads_make_many(segj_payloads_t *payloads, oversized_t *journal, uint64_t section,
                                      const oversized_record_t *records, size_t count)
{
    segj_packing_t packing;
    *payloads = (segj_payloads_t){.encoder = NULL};
    if (count == 0 || !may_want_payloads(journal))
        return SEGJ_OK;
    payload_target_t target = look_at_target(journal, section);
    segj_status_t status = payload_begin(payloads, journal, &target, &packing);
    if (status == SEGJ_OK && payloads->encoder != NULL) {
        status = make_slices(payloads, count);
        if (status == SEGJ_OK)
            status = make_each(payloads, packing, records, count);
    }
    payload_end(payloads, journal, &target, status);
    return status;
}

void segj_payloads_free(segj_payloads_t *payloads, oversized_t *journal)
{
    if (payloads->encoder != NULL)
        give_encoder(journal, payloads->encoder);
    free(payloads->slices);
    *payloads = (segj_payloads_t){.encoder = NULL};
}
