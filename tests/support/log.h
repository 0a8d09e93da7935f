/*
 * support/log.h: version 2 of the native format by a decoder of its own, written from FORMAT.md: identities, watermark
 * slots, and the frames of a values file from the first on. Shares no code with the library.
 */
#ifndef SUPPORT_LOG_H
#define SUPPORT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOG_HEAD = 10,      /* bytes of a frame's head besides the entry */
    LOG_SLOT = 32,      /* of a watermark slot */
    LOG_GOES_ON = 0x01, /* flags of a head */
    LOG_RAW = 0x02,
    LOG_FRAME = 0x80
};

typedef struct log_identity {
    uint8_t kind, compression;
    uint16_t page_size;
    uint32_t record_size;
    uint64_t section, salt;
    uint32_t dictionary_size, dictionary_crc;
    uint32_t sector; /* a power of two, or 0 */
} log_identity_t;

typedef struct log_mark {
    uint64_t records, end, sequence;
    uint32_t trailer;
} log_mark_t;

/** A frame that was found. */
typedef struct log_frame {
    uint64_t offset, size; /* of all of it */
    uint32_t stored;
    uint8_t flags, unsynced;
    const uint8_t *entry, *payload;
    uint32_t trailer;
    bool right; /* the value is */
} log_frame_t;

/** Blocks of 4096 bytes. */
void encode_log_identity(uint8_t *block, const log_identity_t *identity);
bool decode_log_identity(const uint8_t *block, log_identity_t *identity);

/** A slot, number 0 or 1, of the file whose checksums begin with `binding`: the section xor the salt. */
void encode_log_mark(uint8_t *at, uint64_t binding, unsigned slot, log_mark_t mark);
bool decode_log_mark(const uint8_t *at, uint64_t binding, unsigned slot, log_mark_t *mark);

/** Writes a frame, LOG_HEAD + entry_size + size + 4 bytes; gives its checksum, with which the next head begins. */
uint32_t encode_log_frame(uint8_t *to, uint64_t binding, uint64_t offset, uint32_t before, uint8_t flags,
                          uint8_t unsynced, const void *entry, size_t entry_size, const void *payload, uint32_t size);

/** The frame at an offset of the data, of which there are `size` bytes; false: its head is none. */
bool decode_log_frame(const uint8_t *data, uint64_t size, uint64_t binding, uint64_t offset, uint32_t before,
                      size_t entry_size, log_frame_t *frame);

/** The frame that follows one that ends at `at` of data that begin at `from` of their file: there, or in the next sector
 *  after a copy of the checksum before. frame->size is counted from `at`. */
bool decode_next_log_frame(const uint8_t *data, uint64_t size, uint64_t binding, uint64_t from, uint32_t sector,
                           uint64_t at, uint32_t before, size_t entry_size, log_frame_t *frame);

/** For sections that are made from now on by this thread: salts that count on from a number. */
void count_salts_from(uint64_t number);

#endif
