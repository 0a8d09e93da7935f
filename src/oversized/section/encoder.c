/*
 * oversized/section/encoder.c: see the header.
 */
#include "oversized/section/encoder.h"

#include <stdlib.h>
#include <string.h>

#include "oversized/section/buffer.h"

segj_status_t segj_encoder_new(segj_encoder_t **made)
{
    *made = calloc(1, sizeof **made);
    return *made != NULL ? SEGJ_OK : segj_fail_memory(sizeof **made);
}

void segj_encoder_clear(segj_encoder_t *encoder)
{
    (void)ZSTD_freeCCtx(encoder->context);
    encoder->context = NULL;
    segj_buffer_free(&encoder->payloads);
    segj_buffer_free(&encoder->gathered);
}

void segj_encoder_free(segj_encoder_t *encoder)
{
    if (encoder != NULL)
        segj_encoder_clear(encoder);
    free(encoder);
}

void segj_encoder_begin(segj_encoder_t *encoder)
{
    encoder->payloads.size = 0;
    segj_buffer_trim(&encoder->payloads);
    segj_buffer_trim(&encoder->gathered);
}

/* Makes room after what there is, which it keeps. */
static segj_status_t make_room(segj_buffer_t *payloads, size_t more)
{
    if (more <= payloads->capacity - payloads->size)
        return SEGJ_OK;
    if (payloads->size == 0)
        return segj_buffer_reserve(payloads, more, SIZE_MAX);
    if (more > SIZE_MAX / 2 - payloads->size)
        return segj_fail_memory(SIZE_MAX);
    segj_buffer_t larger = {.capacity = 0};
    size_t least = payloads->size + more;
    size_t wanted =
        payloads->capacity < SIZE_MAX / 4 && 2 * payloads->capacity > least ? 2 * payloads->capacity : least;
    segj_status_t status = segj_buffer_reserve(&larger, wanted, SIZE_MAX);
    if (status != SEGJ_OK)
        return status;
    memcpy(larger.data, payloads->data, payloads->size);
    larger.size = payloads->size;
    segj_buffer_free(payloads);
    *payloads = larger;
    return SEGJ_OK;
}

/* Puts a value that is in pieces together. */
static segj_status_t gather(segj_encoder_t *encoder, const segj_slice_t *pieces, size_t count, size_t size,
                            const void **whole)
{
    segj_status_t status = segj_buffer_reserve(&encoder->gathered, size, SIZE_MAX);
    if (status != SEGJ_OK)
        return status;
    uint8_t *to = encoder->gathered.data;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].size > 0)
            memcpy(to, pieces[i].data, pieces[i].size);
        to += pieces[i].size;
    }
    *whole = encoder->gathered.data;
    return SEGJ_OK;
}

/* The frame does not name the dictionary, which saves its bytes: the section's is the only one it can be. */
static size_t refer(ZSTD_CCtx *context, const ZSTD_CDict *dictionary)
{
    size_t answer = ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0);
    return ZSTD_isError(answer) ? answer : ZSTD_CCtx_refCDict(context, dictionary);
}

static size_t pack(ZSTD_CCtx *context, segj_packing_t packing, void *to, size_t room, const void *from, size_t size)
{
    if (packing.dictionary == NULL)
        return ZSTD_compressCCtx(context, to, room, from, size, packing.level);
    size_t answer = refer(context, packing.dictionary);
    return ZSTD_isError(answer) ? answer : ZSTD_compress2(context, to, room, from, size);
}

segj_status_t segj_encoder_bound(size_t size, size_t *bound)
{
    *bound = ZSTD_compressBound(size);
    if (ZSTD_isError(*bound))
        return segj_fail(SEGJ_ERR_TOO_LARGE, "a value of %zu bytes is too large for zstd", size);
    return SEGJ_OK;
}

static segj_status_t encoder_judge(size_t answer, size_t size, size_t *payload_size)
{
    if (ZSTD_isError(answer))
        return segj_fail(SEGJ_ERR_COMPRESSION, "zstd could not compress a value of %zu bytes: %s", size,
                         ZSTD_getErrorName(answer));
    *payload_size = answer;
    return SEGJ_OK;
}

segj_status_t segj_encoder_into(ZSTD_CCtx **context, segj_packing_t packing, const void *value, size_t size, void *to,
                                size_t room, size_t *payload_size)
{
    if (*context == NULL)
        *context = ZSTD_createCCtx();
    if (*context == NULL)
        return segj_fail(SEGJ_ERR_MEMORY, "out of memory: zstd could not make a compression context");
    return encoder_judge(pack(*context, packing, to, room, value, size), size, payload_size);
}

/* By zstd's own threads, which begin in here. */
static segj_status_t compress_wide(ZSTD_CCtx *wide, segj_packing_t packing, const void *value, size_t size, void *to,
                                   size_t room, size_t *payload_size)
{
    sigset_t usual;
    size_t answer = packing.dictionary != NULL ? refer(wide, packing.dictionary)
                                               : ZSTD_CCtx_setParameter(wide, ZSTD_c_compressionLevel, packing.level);
    (void)segj_signals_off(&usual);
    if (!ZSTD_isError(answer))
        answer = ZSTD_compress2(wide, to, room, value, size);
    segj_signals_on(&usual);
    return encoder_judge(answer, size, payload_size);
}

segj_status_t segj_encoder_add(segj_encoder_t *encoder, segj_packing_t packing, const void *value, size_t size,
                               size_t *at, size_t *payload_size)
{
    size_t bound;
    segj_status_t status = segj_encoder_bound(size, &bound);
    if (status == SEGJ_OK)
        status = make_room(&encoder->payloads, bound);
    if (status != SEGJ_OK)
        return status;
    segj_buffer_t *payloads = &encoder->payloads;
    uint8_t *to = (uint8_t *)payloads->data + payloads->size;
    size_t room = payloads->capacity - payloads->size;
    ZSTD_CCtx *wide = segj_crew_reserve_wide(packing.crew, size);
    if (wide != NULL) {
        status = compress_wide(wide, packing, value, size, to, room, payload_size);
        segj_crew_release_wide(packing.crew);
    } else {
        status = segj_encoder_into(&encoder->context, packing, value, size, to, room, payload_size);
    }
    if (status != SEGJ_OK)
        return status;
    *at = payloads->size;
    payloads->size += *payload_size;
    return SEGJ_OK;
}

segj_status_t segj_encoder_make(segj_encoder_t *encoder, segj_packing_t packing, const segj_slice_t *pieces,
                                size_t count, size_t size, segj_slice_t *payload)
{
    size_t at;
    const void *whole = count > 0 ? pieces[0].data : NULL;
    segj_encoder_begin(encoder);
    segj_status_t status = count > 1 ? gather(encoder, pieces, count, size, &whole) : SEGJ_OK;
    if (status == SEGJ_OK)
        status = segj_encoder_add(encoder, packing, whole, size, &at, &payload->size);
    if (status == SEGJ_OK)
        payload->data = (const uint8_t *)encoder->payloads.data + at;
    return status;
}
