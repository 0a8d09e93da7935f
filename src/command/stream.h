/*
 * command/stream.h: the stream that `segj dump` writes and `segj load` reads (DUMP.md has its bytes). It is written to
 * standard output and read from a file; each block ends with a checksum of all bytes before it.
 */
#ifndef SEGJ_COMMAND_STREAM_H
#define SEGJ_COMMAND_STREAM_H

#include <stdio.h>

#include "command/command.h"

#define STREAM_VERSION 1u
#define STREAM_HEADER 36 /* bytes, its checksum included */
#define STREAM_PIECE ((size_t)256 << 10)

/** Blocks, by their first byte. */
typedef enum block_kind { BLOCK_SECTION = 'S', BLOCK_RECORD = 'R', BLOCK_END = 'E' } block_kind_t;

/** What the stream says of the journal. */
typedef struct stream_header {
    segj_format_t format;
    uint8_t version; /* of the native format; of headers in the commonware format */
    bool compressed; /* some of its sections are */
    bool whole;      /* all of the journal */
    uint16_t page_size;
    uint32_t entry_size;
    uint64_t records, bytes; /* that follow, and about how many bytes of values: for the progress */
} stream_header_t;

/** A stream that is written or read. */
typedef struct stream {
    FILE *file;
    const char *name;
    uint64_t offset; /* bytes so far */
    uint32_t sum;    /* their checksum */
} stream_t;

void stream_begin(stream_t *stream, FILE *file, const char *name);

void stream_write(stream_t *stream, const void *bytes, size_t size);
void stream_write_number(stream_t *stream, uint64_t number, size_t size);
/** The checksum of what was written. */
void stream_write_sum(stream_t *stream);
void stream_write_header(stream_t *stream, const stream_header_t *header);

/** These say what is wrong and give false: the stream ends, is damaged, or is none. */
bool stream_read(stream_t *stream, void *bytes, size_t size);
bool stream_read_number(stream_t *stream, uint64_t *number, size_t size);
/** Reads a checksum, and compares; `what` it is of, in a word, which began at `from`. */
bool stream_read_sum(stream_t *stream, const char *what, uint64_t from);
bool stream_read_header(stream_t *stream, stream_header_t *header);
/** Whether nothing follows. */
bool stream_at_end(stream_t *stream);

#endif
