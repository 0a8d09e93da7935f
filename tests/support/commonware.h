/*
 * support/commonware.h: the commonware format, written from its specification as support.h has the native one. Pages
 * and frames are laid out alike; what differs are headers, checksums, and that the frames of a section need not begin
 * at 0.
 */
#ifndef TESTS_SUPPORT_COMMONWARE_H
#define TESTS_SUPPORT_COMMONWARE_H

#include "support/support.h"

/** Where the data of a file begins, by the version of its container. */
enum { COMMONWARE_V0 = 8, COMMONWARE_V1 = 4096 };

/** CRC-32C, bit by bit. */
uint32_t plain_checksum(const void *bytes, size_t size);

/** Writes the header of a file whose data begins at `data`; V1 with this version of the application's. */
void encode_commonware_header(uint8_t *header, size_t data, uint16_t version);

page_slot_t plain_slot(const void *bytes, uint16_t length);
/** The authoritative length of a physical page, 0 where no slot is valid. */
uint16_t decode_plain_page(const uint8_t *physical, uint16_t page_size);
void encode_plain_frame(uint8_t *frame, const void *payload, size_t size);

/** Makes an index file of full pages and a last one, each in its first slot. */
void write_commonware_index(const char *path, size_t data, uint16_t page_size, const void *records, size_t size);
/** Makes a values file of one frame a value. */
void write_commonware_values(const char *path, size_t data, const segj_slice_t *values, size_t count);

/**
 * load_section() for this format, by which it is called where the configuration asks for it: headers of either version,
 * frames in order, gaps before and between them, nothing behind the last one where there is one; watermark 0.
 */
void load_commonware_section(const oversized_config_t *config, uint64_t section, section_image_t *image);

#endif /* TESTS_SUPPORT_COMMONWARE_H */
