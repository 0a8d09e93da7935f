/*
 * oversized/section/encoder.h: values to payloads, by zstd. An encoder is a context of zstd and the memory for what it
 * makes. A journal has one that is used under the change lock, and a bounded number of others for threads that compress
 * before they take it.
 */
#ifndef SEGJ_OVERSIZED_SECTION_ENCODER_H
#define SEGJ_OVERSIZED_SECTION_ENCODER_H

#include <stdint.h>
#include <zstd.h>

#include "base/error.h"
#include "oversized/section/crew.h"
#include "segjournal/oversized.h"

/** So many threads compress at a time; more of them wait. A context takes from some 100 KiB to many MiB, by its
 *  level. */
#define SEGJ_ENCODERS_MOST 16

/** How values are compressed. */
typedef struct segj_packing {
    int level;
    const ZSTD_CDict *dictionary; /* with a level of its own; NULL: none */
    segj_crew_t *crew;            /* for large values; NULL: none */
} segj_packing_t;

typedef struct segj_encoder {
    struct segj_encoder *next;
    ZSTD_CCtx *context;
    segj_buffer_t payloads; /* one after the other */
    segj_buffer_t gathered; /* a value that came in pieces */
} segj_encoder_t;

SEGJ_MUST_CHECK segj_status_t segj_encoder_new(segj_encoder_t **made);
/** Frees what it holds, and not the structure. */
void segj_encoder_clear(segj_encoder_t *encoder);
void segj_encoder_free(segj_encoder_t *encoder);

/** Forgets the payloads, and gives memory back that huge ones have made. */
void segj_encoder_begin(segj_encoder_t *encoder);
/** Makes the payload of a value of `size` bytes, after the others, with the crew's threads if it is large. *at: where
 *  it lies in `payloads.data`, which moves when more follow. */
SEGJ_MUST_CHECK segj_status_t segj_encoder_add(segj_encoder_t *encoder, segj_packing_t packing, const void *value,
                                               size_t size, size_t *at, size_t *payload_size);
/** Makes the payload of one value alone, which is in `count` pieces; *payload stays valid until the encoder's next
 *  use. */
SEGJ_MUST_CHECK segj_status_t segj_encoder_make(segj_encoder_t *encoder, segj_packing_t packing,
                                                const segj_slice_t *pieces, size_t count, size_t size,
                                                segj_slice_t *payload);

/** Bytes that the payload of a value may take: SEGJ_ERR_TOO_LARGE. */
SEGJ_MUST_CHECK segj_status_t segj_encoder_bound(size_t size, size_t *bound);
/** Makes a payload in memory of the caller's, with a context that is made where there is none yet. Any thread. */
SEGJ_MUST_CHECK segj_status_t segj_encoder_into(ZSTD_CCtx **context, segj_packing_t packing, const void *value,
                                                size_t size, void *to, size_t room, size_t *payload_size);

#endif
