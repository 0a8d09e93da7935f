/*
 * oversized/section/codec.c: see the header.
 */
#include "oversized/section/codec.h"

#include <stdlib.h>
#include <string.h>

/* RFC 8878, 3.1.1.1.1.6 and 3.1.2. */
#define SKIPPABLE_MAGIC 0x184D2A50u
#define SKIPPABLE_MASK 0xFFFFFFF0u

bool segj_codec_level_valid(int level)
{
    return level == 0 || (level >= ZSTD_minCLevel() && level <= ZSTD_maxCLevel());
}

segj_status_t segj_decoder_new(segj_decoder_t **made)
{
    segj_decoder_t *decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL)
        return segj_fail_memory(sizeof *decoder);
    decoder->context = ZSTD_createDCtx();
    if (decoder->context == NULL) {
        free(decoder);
        return segj_fail(SEGJ_ERR_MEMORY, "out of memory: zstd could not make a decompression context");
    }
    *made = decoder;
    return SEGJ_OK;
}

void segj_decoder_free(segj_decoder_t *decoder)
{
    if (decoder == NULL)
        return;
    (void)ZSTD_freeDCtx(decoder->context);
    segj_buffer_free(&decoder->frame);
    free(decoder);
}

uint64_t segj_codec_bound(uint32_t limit)
{
    /* ZSTD_COMPRESSBOUND of zstd.h, in 64 bits on every machine. */
    uint64_t size = limit;
    return size + (size >> 8) + (size < (128u << 10) ? ((128u << 10) - size) >> 11 : 0);
}

/* RFC 8878, 3.1.1: the magic number, a descriptor of 0, the window, and nothing else; then with four bytes for the
 * size. */
bool segj_codec_opening(const uint8_t bare[SEGJ_OPENING_BARE], uint64_t content, uint8_t opening[SEGJ_OPENING])
{
    if (bare[4] != 0 || content > UINT32_MAX)
        return false;
    memcpy(opening, bare, SEGJ_OPENING_BARE);
    opening[4] = 2 << 6;
    for (unsigned i = 0; i < 4; i++)
        opening[SEGJ_OPENING_BARE + i] = (uint8_t)(content >> (8 * i));
    return true;
}

segj_status_t segj_codec_begin(const uint8_t *payload, size_t size, uint32_t limit, size_t *content)
{
    uint32_t magic = 0;
    if (size >= 4)
        magic =
            (uint32_t)payload[0] | (uint32_t)payload[1] << 8 | (uint32_t)payload[2] << 16 | (uint32_t)payload[3] << 24;
    if ((magic & SKIPPABLE_MASK) == SKIPPABLE_MAGIC)
        return segj_fail(SEGJ_ERR_COMPRESSION, "the payload is a skippable zstd frame");
    if (magic != ZSTD_MAGICNUMBER)
        return segj_fail(SEGJ_ERR_COMPRESSION, "the payload is no zstd frame");
    unsigned long long announced = ZSTD_getFrameContentSize(payload, size);
    if (announced == ZSTD_CONTENTSIZE_ERROR)
        return segj_fail(SEGJ_ERR_COMPRESSION, "the payload is no zstd frame");
    if (announced == ZSTD_CONTENTSIZE_UNKNOWN)
        return segj_fail(SEGJ_ERR_COMPRESSION, "the zstd frame does not say its content's size");
    if (ZSTD_getDictID_fromFrame(payload, size) != 0)
        return segj_fail(SEGJ_ERR_COMPRESSION, "the zstd frame names a dictionary");
    if (announced > limit || announced > SIZE_MAX)
        return segj_fail(SEGJ_ERR_TOO_LARGE, "a value of %llu bytes is larger than max_value_size, %u bytes", announced,
                         (unsigned)limit);
    *content = (size_t)announced;
    return SEGJ_OK;
}

segj_status_t segj_codec_inspect(const uint8_t *payload, size_t size, uint32_t limit, size_t *content)
{
    segj_status_t status = segj_codec_begin(payload, size, limit, content);
    if (status == SEGJ_ERR_COMPRESSION)
        return status;
    size_t length = ZSTD_findFrameCompressedSize(payload, size);
    if (ZSTD_isError(length))
        return segj_fail(SEGJ_ERR_COMPRESSION, "the zstd frame is damaged: %s", ZSTD_getErrorName(length));
    if (length != size)
        return segj_fail(SEGJ_ERR_COMPRESSION, "%zu bytes follow the zstd frame", size - length);
    return status;
}

segj_status_t segj_codec_unpack(segj_decoder_t *decoder, const ZSTD_DDict *dictionary, const uint8_t *payload,
                                size_t size, void *to, size_t content)
{
    size_t got = dictionary != NULL
                     ? ZSTD_decompress_usingDDict(decoder->context, to, content, payload, size, dictionary)
                     : ZSTD_decompressDCtx(decoder->context, to, content, payload, size);
    if (ZSTD_isError(got))
        return segj_fail(SEGJ_ERR_COMPRESSION, "zstd could not decompress: %s", ZSTD_getErrorName(got));
    if (got != content)
        return segj_fail(SEGJ_ERR_COMPRESSION, "zstd gave %zu bytes, expected %zu bytes", got, content);
    return SEGJ_OK;
}

segj_status_t segj_codec_decompress(segj_decoder_t *decoder, const ZSTD_DDict *dictionary, const uint8_t *payload,
                                    size_t size, uint32_t limit, segj_buffer_t *value)
{
    size_t content = 0;
    segj_status_t status = segj_codec_inspect(payload, size, limit, &content);
    if (status == SEGJ_OK)
        status = segj_buffer_reserve(value, content, limit);
    if (status == SEGJ_OK)
        status = segj_codec_unpack(decoder, dictionary, payload, size, value->data, content);
    if (status == SEGJ_OK)
        value->size = content;
    return status;
}

void segj_codec_free(segj_codec_t *codec)
{
    segj_encoder_clear(&codec->own);
    while (codec->encoders != NULL) {
        segj_encoder_t *next = codec->encoders->next;
        segj_encoder_free(codec->encoders);
        codec->encoders = next;
    }
    while (codec->decoders != NULL) {
        segj_decoder_t *next = codec->decoders->next;
        segj_decoder_free(codec->decoders);
        codec->decoders = next;
    }
}
