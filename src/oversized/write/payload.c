/*
 * oversized/write/payload.c: see the header. A thread that has an encoder never waits for another one, and a thread
 * that waits for an encoder holds no lock. So the holder of the change lock never waits for a thread that waits for
 * that lock.
 */
#include "oversized/write/payload.h"

#include <stdlib.h>

#include "oversized/section/section.h"

/* What is compressed of a batch at a time, and so before the lock is taken; more would take too much memory. */
#define BATCH_MOST ((size_t)16 << 20)

/** A section as far as can be seen now; the append looks again. */
typedef struct payload_target {
    bool compressed;
    segj_section_t *section;       /* referenced, where its dictionary is still to be read; or NULL */
    segj_dictionary_t *dictionary; /* taken; or NULL */
    segj_payload_for_t made_for;
} payload_target_t;

/* Under state. */
SEGJ_UNDER_STATE static void look_at_dictionary(oversized_t *journal, segj_section_t *section, payload_target_t *target)
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
    *packing = (segj_packing_t){.level = journal->codec.level, .crew = &journal->codec.crew};
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

/* True: no value must be compressed, or an encoder and all that it needs is there. */
static segj_status_t payload_begin(segj_payloads_t *payloads, oversized_t *journal, payload_target_t *target)
{
    segj_status_t status = SEGJ_OK;
    payloads->made_for = target->made_for;
    if (target->compressed)
        status = get_packing(journal, target, &payloads->packing);
    payloads->dictionary = target->dictionary;
    if (target->section != NULL)
        segj_section_release(journal, target->section);
    return status == SEGJ_OK && target->compressed ? take_encoder(journal, &payloads->encoder) : status;
}

static segj_status_t payload_end(segj_payloads_t *payloads, oversized_t *journal, segj_status_t status)
{
    if (status != SEGJ_OK)
        segj_payloads_free(payloads, journal);
    return status;
}

/* False: no value must be compressed, or the append will be refused anyway. */
static bool may_want_payloads(const oversized_t *journal)
{
    return segj_payloads_may_be(journal) && segj_journal_changeable(journal) == SEGJ_OK;
}

segj_status_t segj_payloads_make(segj_payloads_t *payloads, oversized_t *journal, uint64_t section,
                                 const segj_slice_t *pieces, size_t pieces_count, size_t size)
{
    *payloads = (segj_payloads_t){.encoder = NULL};
    if (!may_want_payloads(journal))
        return SEGJ_OK;
    payload_target_t target = look_at_target(journal, section);
    segj_status_t status = payload_begin(payloads, journal, &target);
    if (status == SEGJ_OK && payloads->encoder != NULL) {
        status = segj_encoder_make(payloads->encoder, payloads->packing, pieces, pieces_count, size, &payloads->one);
        payloads->count = status == SEGJ_OK;
    }
    return payload_end(payloads, journal, status);
}

/* --- of batches --- */

/* The values of a batch that are compressed at a time. */
typedef struct window {
    segj_round_t round; /* first: steps get it */
    segj_packing_t packing;
    const oversized_record_t *records;
    segj_slice_t *slices; /* each has its place and its room before its step */
} window_t;

static segj_status_t window_step(segj_round_t *round, ZSTD_CCtx **context, size_t number)
{
    window_t *window = (window_t *)round;
    const oversized_record_t *record = &window->records[number];
    segj_slice_t *slice = &window->slices[number];
    /* The memory is the encoder's. */
    return segj_encoder_into(context, window->packing, record->value, record->size, (void *)(uintptr_t)slice->data,
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
static segj_status_t make_together(segj_payloads_t *payloads, const oversized_record_t *records, size_t left,
                                   bool *done)
{
    segj_encoder_t *encoder = payloads->encoder;
    segj_crew_t *crew = payloads->packing.crew;
    size_t count;
    size_t bytes;
    size_t room;
    *done = false;
    if (crew->most < 2)
        return SEGJ_OK;
    segj_status_t status = window_size(records, left, &count, &bytes, &room);
    if (status != SEGJ_OK || count < 2 || bytes < SEGJ_CREW_BATCH_LEAST)
        return status;
    status = segj_buffer_reserve(&encoder->payloads, room, SIZE_MAX);
    if (status != SEGJ_OK)
        return status;
    window_t window = {.round = {.step = window_step, .count = count},
                       .packing = payloads->packing,
                       .records = records,
                       .slices = payloads->slices + payloads->count};
    uint8_t *to = encoder->payloads.data;
    for (size_t i = 0; i < count; i++) {
        window.slices[i] = (segj_slice_t){to, ZSTD_compressBound(records[i].size)};
        to += window.slices[i].size;
    }
    status = segj_crew_run(crew, &window.round, &encoder->context, done);
    if (status == SEGJ_OK && *done)
        payloads->count += count;
    return status;
}

static segj_status_t make_alone(segj_payloads_t *payloads, const oversized_record_t *records, size_t left)
{
    segj_encoder_t *encoder = payloads->encoder;
    segj_slice_t *slices = payloads->slices + payloads->count;
    size_t count = 0;
    size_t taken = 0;
    segj_status_t status = SEGJ_OK;
    while (count < left && taken <= BATCH_MOST && status == SEGJ_OK) {
        size_t at;
        status = segj_encoder_add(encoder, payloads->packing, records[count].value, records[count].size, &at,
                                  &slices[count].size);
        taken += records[count].size;
        count += status == SEGJ_OK;
    }
    /* They lie one after the other, in memory that has moved. */
    const uint8_t *data = encoder->payloads.data;
    for (size_t i = 0; i < count; data += slices[i++].size)
        slices[i].data = data;
    payloads->count += count;
    return status;
}

segj_status_t segj_payloads_more(segj_payloads_t *payloads, const oversized_record_t *records, size_t count)
{
    bool done;
    records += payloads->count;
    count -= payloads->count;
    segj_encoder_begin(payloads->encoder);
    segj_status_t status = make_together(payloads, records, count, &done);
    return status == SEGJ_OK && !done ? make_alone(payloads, records, count) : status;
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
    *payloads = (segj_payloads_t){.encoder = NULL};
    if (count == 0 || !may_want_payloads(journal))
        return SEGJ_OK;
    payload_target_t target = look_at_target(journal, section);
    segj_status_t status = payload_begin(payloads, journal, &target);
    if (status == SEGJ_OK && payloads->encoder != NULL) {
        status = make_slices(payloads, count);
        if (status == SEGJ_OK)
            status = segj_payloads_more(payloads, records, count);
    }
    return payload_end(payloads, journal, status);
}

void segj_payloads_free(segj_payloads_t *payloads, oversized_t *journal)
{
    if (payloads->encoder != NULL)
        give_encoder(journal, payloads->encoder);
    segj_dictionary_give(journal, payloads->dictionary);
    free(payloads->slices);
    *payloads = (segj_payloads_t){.encoder = NULL};
}
