/* command/stream.c: see the header. Numbers are big-endian; the checksum is CRC-32C. */
#include "command/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "command/progress.h"

#define TABLES 8
static const char magic[8] = {'S', 'E', 'G', 'J', 'D', 'U', 'M', 'P'};

/* --- the checksum --- */

static uint32_t tables[TABLES][256];

static void make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t sum = i;
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? UINT32_C(0x82f63b78) : 0);
        tables[0][i] = sum;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int table = 1; table < TABLES; table++)
            tables[table][i] = tables[table - 1][i] >> 8 ^ tables[0][tables[table - 1][i] & 255];
}

static uint32_t get_little(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint32_t sum_on(uint32_t sum, const uint8_t *bytes, size_t size)
{
    sum = ~sum;
    for (; size >= 8; size -= 8, bytes += 8) {
        uint32_t low = sum ^ get_little(bytes);
        uint32_t high = get_little(bytes + 4);
        sum = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^ tables[4][low >> 24] ^
              tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^ tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
    }
    for (; size > 0; size--, bytes++)
        sum = sum >> 8 ^ tables[0][(sum ^ *bytes) & 255];
    return ~sum;
}

void stream_begin(stream_t *stream, FILE *file, const char *name)
{
    *stream = (stream_t){.file = file, .name = name};
    make_tables();
}

/* --- writing --- */

void stream_write(stream_t *stream, const void *bytes, size_t size)
{
    (void)fwrite(bytes, 1, size, stream->file);
    stream->sum = sum_on(stream->sum, bytes, size);
    stream->offset += size;
}

void stream_write_number(stream_t *stream, uint64_t number, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(number >> 8 * (size - 1 - i));
    stream_write(stream, bytes, size);
}

void stream_write_sum(stream_t *stream)
{
    stream_write_number(stream, stream->sum, 4);
}

void stream_write_header(stream_t *stream, const stream_header_t *header)
{
    stream_write(stream, magic, sizeof magic);
    stream_write_number(stream, STREAM_VERSION, 1);
    stream_write_number(stream, header->format == SEGJ_FORMAT_NATIVE ? 0 : 1, 1);
    stream_write_number(stream, header->version, 1);
    stream_write_number(stream, (header->compressed ? 1u : 0) | (header->whole ? 2u : 0), 1);
    stream_write_number(stream, header->entry_size, 2);
    stream_write_number(stream, header->page_size, 2);
    stream_write_number(stream, header->records, 8);
    stream_write_number(stream, header->bytes, 8);
    stream_write_sum(stream);
}

/* --- reading --- */

bool stream_read(stream_t *stream, void *bytes, size_t size)
{
    size_t got = fread(bytes, 1, size, stream->file);
    stream->sum = sum_on(stream->sum, bytes, got);
    stream->offset += got;
    if (got == size)
        return true;
    if (progress_cancelled())
        (void)complain(ANSWER_FAILED, "%s: stopped at offset %" PRIu64, stream->name, stream->offset);
    else if (ferror(stream->file) != 0)
        (void)complain(ANSWER_FAILED, "%s, offset %" PRIu64 ": it could not be read: %s", stream->name, stream->offset,
                       strerror(errno)); /* NOLINT(concurrency-mt-unsafe) */
    else
        (void)complain(ANSWER_DAMAGED,
                       "%s, offset %" PRIu64 ": the stream ends here and is not complete; load it again, whole: that "
                       "goes on where this has ended",
                       stream->name, stream->offset);
    return false;
}

bool stream_read_number(stream_t *stream, uint64_t *number, size_t size)
{
    uint8_t bytes[8];
    *number = 0;
    if (!stream_read(stream, bytes, size))
        return false;
    for (size_t i = 0; i < size; i++)
        *number = *number << 8 | bytes[i];
    return true;
}

bool stream_read_sum(stream_t *stream, const char *what, uint64_t from)
{
    uint32_t expected = stream->sum;
    uint64_t found;
    if (!stream_read_number(stream, &found, 4))
        return false;
    if (found == expected)
        return true;
    (void)complain(ANSWER_DAMAGED,
                   "%s, offset %" PRIu64 ": the %s that begins here is damaged: its checksum is %08" PRIx64
                   ", expected %08" PRIx32 "; it was not loaded. Dump the journal again",
                   stream->name, from, what, found, expected);
    return false;
}

/* Fields that are right by their checksum, but not known. */
static bool is_known(const stream_t *stream, uint64_t version, uint64_t format, uint64_t flags)
{
    if (version == STREAM_VERSION && format <= 1 && flags <= 3)
        return true;
    (void)complain(ANSWER_DAMAGED,
                   "%s, offset 8: the stream is of version %" PRIu64 ", format %" PRIu64 " and flags %" PRIu64
                   ", and this program reads version %u, formats 0 and 1 and flags 0 to 3: load it with a newer one",
                   stream->name, version, format, flags, STREAM_VERSION);
    return false;
}

static bool read_fields(stream_t *stream, uint64_t *fields)
{
    static const uint8_t sizes[] = {1, 1, 1, 1, 2, 2, 8, 8};
    for (size_t i = 0; i < sizeof sizes; i++)
        if (!stream_read_number(stream, &fields[i], sizes[i]))
            return false;
    return true;
}

bool stream_read_header(stream_t *stream, stream_header_t *header)
{
    char found[sizeof magic];
    uint64_t fields[8];
    if (!stream_read(stream, found, sizeof found))
        return false;
    if (memcmp(found, magic, sizeof magic) != 0) {
        (void)complain(ANSWER_DAMAGED, "%s, offset 0: this is no stream that `segj dump` has written", stream->name);
        return false;
    }
    if (!read_fields(stream, fields) || !stream_read_sum(stream, "header", 0) ||
        !is_known(stream, fields[0], fields[1], fields[3]))
        return false;
    *header = (stream_header_t){.format = fields[1] == 0 ? SEGJ_FORMAT_NATIVE : SEGJ_FORMAT_COMMONWARE,
                                .version = (uint8_t)fields[2],
                                .compressed = (fields[3] & 1) != 0,
                                .whole = (fields[3] & 2) != 0,
                                .entry_size = (uint32_t)fields[4],
                                .page_size = (uint16_t)fields[5],
                                .records = fields[6],
                                .bytes = fields[7]};
    return true;
}

bool stream_at_end(stream_t *stream)
{
    if (fgetc(stream->file) == EOF)
        return true;
    (void)complain(ANSWER_DAMAGED, "%s, offset %" PRIu64 ": bytes follow the end of the stream; they were not loaded",
                   stream->name, stream->offset);
    return false;
}
