/*
 * command/dump.c: `segj dump`: a journal, or a part of it, as a stream on standard output. No more than a window of it
 * is in memory: large values are read in pieces, and so are those that may become large when they are unpacked.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "command/progress.h"
#include "command/stream.h"

#define DUMP_WINDOW ((size_t)1 << 20)
#define WHOLE_MOST ((uint32_t)64 << 10)
#define PACKED_MOST 256 /* zstd makes at most some 30,000 bytes of one */

/** A dump under way. */
typedef struct dump {
    const options_t *options;
    oversized_t *journal;
    oversized_replay_t *replay;
    range_t range;
    stream_t stream;
    stream_header_t header;
    oversized_progress_t progress;
    uint64_t sections;
    uint8_t *piece;
} dump_t;

/* --- a record --- */

static void begin_record(dump_t *dump, const void *entry, uint64_t size)
{
    stream_write_number(&dump->stream, BLOCK_RECORD, 1);
    if (dump->header.entry_size > 0)
        stream_write(&dump->stream, entry, dump->header.entry_size);
    stream_write_number(&dump->stream, size, 4);
    stream_write_sum(&dump->stream);
}

/* In pieces; it is checked before the first of them. */
static segj_status_t dump_pieces(dump_t *dump, const oversized_item_t *item)
{
    oversized_reader_t *reader = NULL;
    segj_status_t status = oversized_reader_open(dump->journal, item->section, item->location, true, &reader);
    if (status != SEGJ_OK)
        return status;
    begin_record(dump, item->entry, oversized_reader_size(reader));
    for (;;) {
        size_t done = 0;
        status = oversized_reader_read(reader, dump->piece, STREAM_PIECE, &done);
        if (status != SEGJ_OK)
            break;
        stream_write(&dump->stream, dump->piece, done);
    }
    oversized_reader_close(reader);
    return status == SEGJ_END ? SEGJ_OK : status;
}

static segj_status_t dump_record(dump_t *dump, const oversized_item_t *item)
{
    segj_status_t status;
    if (item->location.size > (dump->header.compressed ? PACKED_MOST : WHOLE_MOST)) {
        status = dump_pieces(dump, item);
    } else {
        const void *value = NULL;
        size_t size = 0;
        status = oversized_replay_value(dump->replay, &value, &size);
        if (status != SEGJ_OK)
            return status;
        begin_record(dump, item->entry, size);
        if (size > 0)
            stream_write(&dump->stream, value, size);
    }
    if (status != SEGJ_OK)
        return status; /* nothing of the record that could not be read */
    stream_write_sum(&dump->stream);
    dump->progress.records_done++;
    dump->progress.bytes_done += item->location.size;
    return SEGJ_OK;
}

/* --- sections --- */

static segj_status_t dump_records(dump_t *dump, uint64_t section, uint64_t first, uint64_t count)
{
    segj_status_t status =
        count > 0 ? oversized_replay_open(dump->journal, section, first, DUMP_WINDOW, &dump->replay) : SEGJ_OK;
    for (uint64_t i = 0; i < count && status == SEGJ_OK; i++) {
        oversized_item_t item;
        status = oversized_replay_next(dump->replay, &item);
        if (status == SEGJ_OK)
            status = dump_record(dump, &item);
        if (status == SEGJ_OK && (ferror(dump->stream.file) != 0 || progress_count(&dump->progress)))
            break; /* seen by the caller */
    }
    oversized_replay_close(dump->replay);
    dump->replay = NULL;
    return status;
}

/* What the range names is there; where it is not the library says so. */
static segj_status_t check_range(dump_t *dump)
{
    const range_t *range = &dump->range;
    bool exists = false;
    uint64_t count = 0;
    if (range->all)
        return SEGJ_OK;
    segj_status_t status = oversized_section_exists(dump->journal, range->section, &exists);
    if (status == SEGJ_OK)
        status = oversized_count(dump->journal, range->section, &count);
    if (status != SEGJ_OK)
        return status;
    if (exists && range->first <= count && (range->last == UINT64_MAX || range->last < count))
        return SEGJ_OK;
    return oversized_get(dump->journal, range->section, range->last == UINT64_MAX ? range->first : range->last, NULL,
                         NULL);
}

/* The records of the range in a section that is there. */
static segj_status_t dump_section(dump_t *dump, uint64_t section)
{
    uint64_t count;
    segj_status_t status = oversized_count(dump->journal, section, &count);
    if (status != SEGJ_OK)
        return status;
    uint64_t first = dump->range.all ? 0 : dump->range.first;
    uint64_t last = dump->range.all ? UINT64_MAX : dump->range.last;
    count = last == UINT64_MAX ? count - first : last - first + 1;
    stream_write_number(&dump->stream, BLOCK_SECTION, 1);
    stream_write_number(&dump->stream, section, 8);
    stream_write_number(&dump->stream, first, 8);
    stream_write_number(&dump->stream, count, 8);
    stream_write_sum(&dump->stream);
    dump->sections++;
    return dump_records(dump, section, first, count);
}

static segj_status_t dump_sections(dump_t *dump)
{
    uint64_t section;
    segj_status_t status;
    if (!dump->range.all)
        return dump_section(dump, dump->range.section);
    for (status = oversized_oldest_section(dump->journal, &section); status == SEGJ_OK;
         status = oversized_next_section(dump->journal, section, &section)) {
        status = dump_section(dump, section);
        if (status != SEGJ_OK || ferror(dump->stream.file) != 0 || progress_cancelled())
            return status;
    }
    return status == SEGJ_END ? SEGJ_OK : status;
}

static void end_stream(dump_t *dump)
{
    stream_write_number(&dump->stream, BLOCK_END, 1);
    stream_write_number(&dump->stream, dump->sections, 8);
    stream_write_number(&dump->stream, dump->progress.records_done, 8);
    stream_write_sum(&dump->stream);
}

/* --- the journal --- */

/* Of the sections that are dumped. */
static void expect(dump_t *dump, const oversized_inspection_t *found)
{
    for (size_t i = 0; i < found->section_count; i++) {
        const oversized_look_t *look = &found->sections[i];
        if (!dump->range.all && look->section != dump->range.section)
            continue;
        dump->header.compressed = dump->header.compressed || look->compressed;
        dump->progress.records_total += look->records;
        dump->progress.bytes_total += look->stored_bytes;
    }
    dump->header.format = found->config.format;
    dump->header.version = (uint8_t)found->version;
    dump->header.entry_size = found->config.entry_size;
    dump->header.page_size = found->config.page_size;
    dump->header.whole = dump->range.all;
    dump->header.records = dump->progress.records_total;
    dump->header.bytes = dump->progress.bytes_total;
}

static answer_t dump_opened(dump_t *dump)
{
    const options_t *options = dump->options;
    uint64_t lost = oversized_recovery(dump->journal)->synced_records_lost;
    if (lost > 0)
        return complain(ANSWER_DAMAGED,
                        "%s: %" PRIu64
                        " records that were synced are lost: nothing was dumped; `segj stat %s` tells of "
                        "which sections, and `segj recover` cuts them",
                        options->directory, lost, options->directory);
    segj_status_t status = check_range(dump);
    if (status != SEGJ_OK)
        return complain_of(options, status);
    progress_begin();
    stream_write_header(&dump->stream, &dump->header);
    status = dump_sections(dump);
    progress_clear();
    if (status != SEGJ_OK) {
        answer_t answer = complain_of(options, status);
        return complain(answer, "the stream ends before this record, and `segj load` will say that it is not complete");
    }
    if (ferror(dump->stream.file) == 0 && !progress_cancelled())
        end_stream(dump);
    return ANSWER_FINE; /* what could not be written is seen at the end */
}

answer_t command_dump(const options_t *options)
{
    dump_t dump = {.options = options, .progress = {.stage = "dump"}};
    oversized_inspection_t *found = NULL;
    oversized_config_t config;
    if (!range_read(options->range, &dump.range))
        return complain(ANSWER_USAGE, "no records are named by \"%s\": N, N:P, N:P-Q or N:P-", options->range);
    if (isatty(STDOUT_FILENO) == 1)
        return complain(ANSWER_USAGE, "a dump is no text for a terminal: send it to a file or a pipe");
    answer_t answer = inspect(options, &found);
    if (answer != ANSWER_FINE)
        return answer;
    expect(&dump, found);
    oversized_inspection_free(found);
    answer = open_for_reading(options, &dump.journal, &config);
    if (answer != ANSWER_FINE)
        return answer;
    dump.piece = malloc(STREAM_PIECE);
    stream_begin(&dump.stream, stdout, "standard output");
    if (dump.piece == NULL)
        answer = complain(ANSWER_FAILED, "out of memory");
    else
        answer = dump_opened(&dump);
    free(dump.piece);
    oversized_abandon(dump.journal);
    progress_end();
    return answer;
}
