/*
 * journal/dictionary_file.h: a section's dictionary as its two files have it (FORMAT.md, "Dictionary"): after the
 * header of each, before its data. Version 2 alone.
 */
#ifndef SEGJ_JOURNAL_DICTIONARY_FILE_H
#define SEGJ_JOURNAL_DICTIONARY_FILE_H

#include "journal/header_format.h"
#include "storage/io.h"

/** By what these bytes are known. */
segj_dictionary_id_t segj_dictionary_identify(const void *bytes, uint32_t size);

/** Reads a file's copy; `to` has room for it. *right: it is there, and is the one. */
SEGJ_MUST_CHECK segj_status_t segj_dictionary_read(const segj_io_file_t *file, segj_kind_t kind,
                                                   segj_dictionary_id_t dictionary, uint8_t *to, bool *right);

/** Writes a file's copy, and zeros up to where the data begins; does not sync. The identity is durable. */
SEGJ_MUST_CHECK segj_status_t segj_dictionary_write(const segj_io_file_t *file, segj_kind_t kind, const uint8_t *bytes,
                                                    uint32_t size);

#endif
