/*
 * oversized/section/codec.h: what a journal has for zstd, and payloads to values. Contexts and scratch memory are kept
 * for reuse: those to compress (encoder.h), and as many to decompress as readers were ever at it at once.
 */
#ifndef SEGJ_OVERSIZED_SECTION_CODEC_H
#define SEGJ_OVERSIZED_SECTION_CODEC_H

#include <stdatomic.h>
#include <stdint.h>
#include <zstd.h>

#include "base/error.h"
#include "oversized/section/buffer.h"
#include "oversized/section/encoder.h"
#include "segjournal/oversized.h"

typedef struct segj_dictionary segj_dictionary_t; /* dictionary.h */

/** So many prepared dictionaries are kept, or as many as are in use. */
#define SEGJ_DICTIONARIES 64

/** Under state. */
typedef struct segj_dictionaries {
    segj_dictionary_t *slots[SEGJ_DICTIONARIES];
    segj_dictionary_t *next; /* which new sections get, taken; or NULL */
    uint64_t stamps, clock;
    size_t memory;   /* of those in the list */
    atomic_bool any; /* a section may have one */
} segj_dictionaries_t;

typedef struct segj_decoder {
    struct segj_decoder *next;
    ZSTD_DCtx *context;
    segj_dictionary_t *dictionary; /* taken with it, or NULL */
    segj_buffer_t frame;           /* of the frame that is being read */
} segj_decoder_t;

typedef struct segj_codec {
    int level;
    bool mixed;         /* a section's values are compressed and new ones are not, or the other way; set by open */
    segj_crew_t crew;   /* freed apart: a child of fork has none of its threads */
    segj_encoder_t own; /* used under the change lock */
    /* Of threads that compress before they take that lock (payload.c), under the state lock: idle ones, how many there
     * are, and how many threads wait for one. */
    segj_encoder_t *encoders;
    unsigned encoders_made, encoders_wanted;
    segj_decoder_t *decoders; /* idle ones, under the state lock */
    segj_dictionaries_t dictionaries;
} segj_codec_t;

/* How a frame begins that zstd has made without knowing its content's size, and as it is stored, with the size. */
#define SEGJ_OPENING_BARE 6
#define SEGJ_OPENING 10

/** The beginning of a frame with the size of its content; false where it is no beginning as zstd makes it. */
bool segj_codec_opening(const uint8_t bare[SEGJ_OPENING_BARE], uint64_t content, uint8_t opening[SEGJ_OPENING]);

/** False where zstd has no such level. */
bool segj_codec_level_valid(int level);

SEGJ_MUST_CHECK segj_status_t segj_decoder_new(segj_decoder_t **made);
void segj_decoder_free(segj_decoder_t *decoder);

/** Judges a payload: one frame of data that says its size and names no dictionary; anything else was not written here.
 *  Gives the content's size: SEGJ_ERR_TOO_LARGE, SEGJ_ERR_COMPRESSION. */
SEGJ_MUST_CHECK segj_status_t segj_codec_inspect(const uint8_t *payload, size_t size, uint32_t limit, size_t *content);

/** The same by its first bytes alone: whether something follows the frame is not looked at. */
SEGJ_MUST_CHECK segj_status_t segj_codec_begin(const uint8_t *payload, size_t size, uint32_t limit, size_t *content);

/** Decompresses an inspected payload to `content` bytes. dictionary: the section's, or NULL. */
SEGJ_MUST_CHECK segj_status_t segj_codec_unpack(segj_decoder_t *decoder, const ZSTD_DDict *dictionary,
                                                const uint8_t *payload, size_t size, void *to, size_t content);

/** Decompresses one frame into `value`, which has at most `limit` bytes: SEGJ_ERR_TOO_LARGE, SEGJ_ERR_COMPRESSION. */
SEGJ_MUST_CHECK segj_status_t segj_codec_decompress(segj_decoder_t *decoder, const ZSTD_DDict *dictionary,
                                                    const uint8_t *payload, size_t size, uint32_t limit,
                                                    segj_buffer_t *value);

/** The largest payload that a value of `limit` bytes can have. */
uint64_t segj_codec_bound(uint32_t limit);

/** Frees all but the crew. */
void segj_codec_free(segj_codec_t *codec);

#endif
