/*
 * oversized/codec.h: values to payloads and back, by zstd. Contexts and scratch memory are kept for reuse: one to
 * compress, used under the change lock, and as many to decompress as readers were ever at it at once.
 */
#ifndef SEGJ_OVERSIZED_CODEC_H
#define SEGJ_OVERSIZED_CODEC_H

#include <stdint.h>
#include <zstd.h>

#include "base/error.h"
#include "segjournal/oversized.h"

typedef struct segj_decoder {
    struct segj_decoder *next;
    ZSTD_DCtx *context;
    segj_buffer_t frame; /* of the frame that is being read */
} segj_decoder_t;

typedef struct segj_codec {
    int level;
    ZSTD_CCtx *compressor;
    segj_buffer_t payload;
    segj_buffer_t gathered;   /* a value that came in pieces */
    segj_decoder_t *decoders; /* idle ones, under the state lock */
} segj_codec_t;

/** False where zstd has no such level. */
bool segj_codec_level_valid(int level);

/** Compresses a value; *payload stays valid until the next call. */
SEGJ_MUST_CHECK segj_status_t segj_codec_compress(segj_codec_t *codec, const void *value, size_t size,
                                                  const void **payload, size_t *payload_size);

SEGJ_MUST_CHECK segj_status_t segj_decoder_new(segj_decoder_t **made);
void segj_decoder_free(segj_decoder_t *decoder);

/** Judges a payload: one frame of data that says its size and needs no dictionary; anything else was not written here.
 *  Gives the content's size: SEGJ_ERR_TOO_LARGE, SEGJ_ERR_COMPRESSION. */
SEGJ_MUST_CHECK segj_status_t segj_codec_inspect(const uint8_t *payload, size_t size, uint32_t limit, size_t *content);

/** The same by its first bytes alone: whether something follows the frame is not looked at. */
SEGJ_MUST_CHECK segj_status_t segj_codec_begin(const uint8_t *payload, size_t size, uint32_t limit, size_t *content);

/** Decompresses an inspected payload to `content` bytes. */
SEGJ_MUST_CHECK segj_status_t segj_codec_unpack(segj_decoder_t *decoder, const uint8_t *payload, size_t size, void *to,
                                                size_t content);

/** Decompresses one frame into `value`, which has at most `limit` bytes: SEGJ_ERR_TOO_LARGE, SEGJ_ERR_COMPRESSION. */
SEGJ_MUST_CHECK segj_status_t segj_codec_decompress(segj_decoder_t *decoder, const uint8_t *payload, size_t size,
                                                    uint32_t limit, segj_buffer_t *value);

/** The largest payload that a value of `limit` bytes can have. */
uint64_t segj_codec_bound(uint32_t limit);

/** Makes room for `size` bytes, at most `limit` with what it adds for later growth; contents are lost. */
SEGJ_MUST_CHECK segj_status_t segj_buffer_reserve(segj_buffer_t *buffer, size_t size, size_t limit);

/** Gives scratch memory back that one huge value has made. */
void segj_codec_trim(segj_buffer_t *scratch);

void segj_codec_free(segj_codec_t *codec);

#endif
