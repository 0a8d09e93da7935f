/*
 * command/load.c: `segj load`: a journal from the stream of a dump. What the journal has already is compared, and
 * loading continues after it. A record is appended when its checksum is right, and no more than a window of it is in
 * memory.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/json.h"
#include "command/progress.h"
#include "command/stream.h"

#define SYNC_BYTES ((uint64_t)64 << 20) /* so many are appended between two syncs */

/** A load under way. */
typedef struct load {
    const options_t *options;
    oversized_t *journal;
    stream_t stream;
    stream_header_t header;
    oversized_progress_t progress;
    bool begun;                            /* a section was */
    uint64_t section, position, left;      /* the next record, and how many follow in its section */
    uint64_t there;                        /* records that the section had */
    uint64_t sections, loaded, kept;       /* records: appended, and found there */
    uint64_t unsynced;                     /* bytes */
    segj_buffer_t value;                   /* of a record that is there */
    uint8_t *piece, *other, *entry, *mine; /* of values, STREAM_PIECE bytes; of entries */
} load_t;

/* Every step gives an answer; another one than ANSWER_FINE was said. */

static answer_t stream_answer(const load_t *load)
{
    return ferror(load->stream.file) != 0 ? ANSWER_FAILED : ANSWER_DAMAGED;
}

static answer_t damaged(const load_t *load, uint64_t offset, const char *what)
{
    return complain(ANSWER_DAMAGED, "%s, offset %" PRIu64 ": %s: the stream is not as `segj dump` has written it",
                    load->stream.name, offset, what);
}

static answer_t failed(const load_t *load, segj_status_t status)
{
    return status == SEGJ_OK ? ANSWER_FINE : complain_of(load->options, status);
}

/* --- a record that is there --- */

static answer_t differs(const load_t *load, uint64_t offset)
{
    return complain(ANSWER_FAILED,
                    "%s: %" PRIu64 ":%" PRIu64 " is not the record that begins at offset %" PRIu64
                    " of the stream: the journal is of another origin, and stays as it is; load into a new directory",
                    load->options->directory, load->section, load->position, offset);
}

/* Whether all bytes of the value follow in the stream, which is read to its end. */
static answer_t compare_pieces(load_t *load, oversized_reader_t *reader, uint64_t size, bool *same)
{
    while (size > 0) {
        size_t wanted = size < STREAM_PIECE ? (size_t)size : STREAM_PIECE;
        if (!stream_read(&load->stream, load->piece, wanted))
            return stream_answer(load);
        for (size_t at = 0; at < wanted && *same;) {
            size_t done = 0;
            segj_status_t status = oversized_reader_read(reader, load->other, wanted - at, &done);
            if (status != SEGJ_OK)
                return failed(load, status == SEGJ_END ? SEGJ_ERR_CORRUPT : status);
            *same = memcmp(load->piece + at, load->other, done) == 0;
            at += done;
        }
        size -= wanted;
    }
    return ANSWER_FINE;
}

static answer_t compare_large(load_t *load, oversized_location_t location, uint64_t size, bool *same)
{
    oversized_reader_t *reader = NULL;
    segj_status_t status = oversized_reader_open(load->journal, load->section, location, true, &reader);
    if (status != SEGJ_OK)
        return failed(load, status);
    *same = *same && oversized_reader_size(reader) == size;
    answer_t answer = compare_pieces(load, reader, size, same);
    oversized_reader_close(reader);
    return answer;
}

static answer_t compare_small(load_t *load, oversized_location_t location, size_t size, bool *same)
{
    if (!stream_read(&load->stream, load->piece, size))
        return stream_answer(load);
    segj_status_t status = oversized_get_value(load->journal, load->section, location, &load->value);
    if (status != SEGJ_OK)
        return failed(load, status);
    *same = *same && load->value.size == size && (size == 0 || memcmp(load->value.data, load->piece, size) == 0);
    return ANSWER_FINE;
}

static answer_t compare_record(load_t *load, uint64_t offset, uint64_t size)
{
    oversized_location_t location;
    segj_status_t status = oversized_get(load->journal, load->section, load->position, load->mine, &location);
    if (status != SEGJ_OK)
        return failed(load, status);
    bool same = load->header.entry_size == 0 || memcmp(load->mine, load->entry, load->header.entry_size) == 0;
    /* Stored as they are, and no larger than a piece: what is compressed may be anything. */
    bool small = size <= STREAM_PIECE && location.size == size + 4;
    answer_t answer =
        small ? compare_small(load, location, (size_t)size, &same) : compare_large(load, location, size, &same);
    if (answer != ANSWER_FINE)
        return answer;
    if (!stream_read_sum(&load->stream, "record", offset))
        return stream_answer(load);
    load->kept++;
    return same ? ANSWER_FINE : differs(load, offset);
}

/* --- a new record --- */

static answer_t append_pieces(load_t *load, oversized_writer_t *writer, uint64_t offset, uint64_t size)
{
    while (size > 0) {
        size_t wanted = size < STREAM_PIECE ? (size_t)size : STREAM_PIECE;
        if (!stream_read(&load->stream, load->piece, wanted))
            return stream_answer(load);
        segj_status_t status = oversized_writer_write(writer, load->piece, wanted);
        if (status != SEGJ_OK)
            return failed(load, status);
        size -= wanted;
    }
    return stream_read_sum(&load->stream, "record", offset) ? ANSWER_FINE : stream_answer(load);
}

static answer_t append_large(load_t *load, uint64_t offset, uint64_t size)
{
    oversized_writer_t *writer = NULL;
    segj_status_t status = oversized_writer_open(load->journal, load->section, load->entry, size, &writer);
    if (status != SEGJ_OK)
        return failed(load, status);
    answer_t answer = append_pieces(load, writer, offset, size);
    if (answer == ANSWER_FINE)
        return failed(load, oversized_writer_finish(writer, NULL, NULL));
    oversized_writer_abandon(writer);
    return answer;
}

static answer_t append_record(load_t *load, uint64_t offset, uint64_t size)
{
    answer_t answer;
    if (size > STREAM_PIECE) {
        answer = append_large(load, offset, size);
    } else if (!stream_read(&load->stream, load->piece, (size_t)size) ||
               !stream_read_sum(&load->stream, "record", offset)) {
        return stream_answer(load);
    } else {
        answer = failed(
            load, oversized_append(load->journal, load->section, load->entry, load->piece, (size_t)size, NULL, NULL));
    }
    if (answer != ANSWER_FINE)
        return answer;
    load->loaded++;
    load->unsynced += size + load->header.entry_size;
    if (load->unsynced < SYNC_BYTES)
        return ANSWER_FINE;
    load->unsynced = 0;
    return failed(load, oversized_sync_all(load->journal));
}

static answer_t load_record(load_t *load, uint64_t offset)
{
    uint64_t size;
    if (load->left == 0)
        return damaged(load, offset, "there is a record more than the section has");
    if ((load->header.entry_size > 0 && !stream_read(&load->stream, load->entry, load->header.entry_size)) ||
        !stream_read_number(&load->stream, &size, 4) || !stream_read_sum(&load->stream, "record", offset))
        return stream_answer(load);
    answer_t answer =
        load->position < load->there ? compare_record(load, offset, size) : append_record(load, offset, size);
    load->position++;
    load->left--;
    load->progress.records_done++;
    load->progress.bytes_done = load->stream.offset;
    return answer;
}

/* --- sections --- */

/* A section without records: a writer makes it, and is taken back. */
static segj_status_t make_empty(load_t *load)
{
    oversized_writer_t *writer = NULL;
    segj_status_t status = oversized_writer_open(load->journal, load->section, load->entry, 0, &writer);
    oversized_writer_abandon(writer);
    return status;
}

static answer_t load_section(load_t *load, uint64_t offset)
{
    uint64_t section;
    uint64_t first;
    bool exists = false;
    if (!stream_read_number(&load->stream, &section, 8) || !stream_read_number(&load->stream, &first, 8) ||
        !stream_read_number(&load->stream, &load->left, 8) || !stream_read_sum(&load->stream, "section", offset))
        return stream_answer(load);
    if (load->begun && section <= load->section)
        return damaged(load, offset, "a section follows a later one");
    load->begun = true;
    load->sections++;
    load->section = section;
    load->position = first;
    load->there = 0;
    segj_status_t status = oversized_section_exists(load->journal, section, &exists);
    if (status == SEGJ_OK && exists)
        status = oversized_count(load->journal, section, &load->there);
    if (status != SEGJ_OK)
        return failed(load, status);
    if (first > load->there)
        return complain(ANSWER_FAILED,
                        "%s: section %" PRIu64 " has %" PRIu64 " records, and the stream goes on with record %" PRIu64
                        ": load first the dump of the records before it",
                        load->options->directory, section, load->there, first);
    return exists || load->left > 0 ? ANSWER_FINE : failed(load, make_empty(load));
}

static answer_t load_end(load_t *load, uint64_t offset)
{
    uint64_t sections;
    uint64_t records;
    if (!stream_read_number(&load->stream, &sections, 8) || !stream_read_number(&load->stream, &records, 8) ||
        !stream_read_sum(&load->stream, "end", offset))
        return stream_answer(load);
    if (sections != load->sections || records != load->progress.records_done)
        return damaged(load, offset, "the end counts other records than there were");
    return stream_at_end(&load->stream) ? ANSWER_FINE : ANSWER_DAMAGED;
}

static answer_t load_blocks(load_t *load)
{
    for (;;) {
        uint64_t offset = load->stream.offset;
        uint64_t kind;
        answer_t answer = ANSWER_FINE;
        if (progress_count(&load->progress))
            return complain(ANSWER_FAILED, "%s: stopped at offset %" PRIu64, load->stream.name, offset);
        if (!stream_read_number(&load->stream, &kind, 1))
            return stream_answer(load);
        if (kind != BLOCK_RECORD && load->left > 0)
            return damaged(load, offset, "records of the section are missing");
        if (kind == BLOCK_RECORD)
            answer = load_record(load, offset);
        else if (kind == BLOCK_SECTION)
            answer = load_section(load, offset);
        else if (kind == BLOCK_END)
            return load_end(load, offset);
        else
            answer = damaged(load, offset, "there is no such block");
        if (answer != ANSWER_FINE)
            return answer;
    }
}

/* --- the journal --- */

static answer_t check_journal(const load_t *load, const oversized_inspection_t *found)
{
    const options_t *options = load->options;
    if (found->sizes_known && found->section_count > 0 && found->config.entry_size != load->header.entry_size)
        return complain(ANSWER_FAILED,
                        "%s has entries of %" PRIu32 " bytes, and the stream of %" PRIu32
                        " bytes: load into a new directory",
                        options->directory, found->config.entry_size, load->header.entry_size);
    return ANSWER_FINE;
}

/* A new journal is as the dumped one was. */
static void configure(const load_t *load, oversized_config_t *config)
{
    const stream_header_t *header = &load->header;
    bool native = header->format == SEGJ_FORMAT_NATIVE;
    config->format = header->format;
    config->entry_size = header->entry_size;
    config->page_size = header->page_size;
    config->native_version = native && header->version <= 2 ? header->version : 0;
    config->commonware_header = !native && header->version == 1 ? 1 : 0;
    config->compression = header->compressed ? 3 : 0;
}

static answer_t open_destination(load_t *load)
{
    const options_t *options = load->options;
    oversized_inspection_t *found = NULL;
    oversized_config_t config;
    oversized_config_init(&config);
    config.directory = options->directory;
    config.index_partition = options->index;
    config.value_partition = options->values;
    config.storage = options->storage;
    configure(load, &config);
    segj_status_t status = oversized_inspect(&config, &found);
    if (status != SEGJ_OK && status != SEGJ_ERR_NOT_FOUND)
        return complain_of(options, status);
    answer_t answer = status == SEGJ_OK ? check_journal(load, found) : ANSWER_FINE;
    if (answer == ANSWER_FINE && status == SEGJ_OK && found->section_count > 0)
        configure_as_found(found, &config);
    config.strict = true;
    if (answer == ANSWER_FINE) {
        status = open_followed(&config, &load->journal);
        answer = status == SEGJ_OK ? ANSWER_FINE : complain_of(options, status);
    }
    oversized_inspection_free(found);
    return answer;
}

static bool load_json(const load_t *load, bool complete)
{
    json_t *object = json_new();
    json_text(object, "directory", load->options->directory);
    json_flag(object, "complete", complete);
    json_number(object, "sections", load->sections);
    json_number(object, "records", load->loaded);
    json_number(object, "records_kept", load->kept);
    json_number(object, "bytes", load->stream.offset);
    return json_print(object);
}

static answer_t load_say(const load_t *load, answer_t answer)
{
    if (load->options->json)
        return load_json(load, answer == ANSWER_FINE) ? answer : complain(ANSWER_FAILED, "out of memory");
    print("%s: %" PRIu64 " records in %" PRIu64 " sections were loaded", load->options->directory, load->loaded,
          load->sections);
    if (load->kept > 0)
        print("; %" PRIu64 " were there already", load->kept);
    print("%s\n", answer == ANSWER_FINE ? "" : "; it is not complete");
    return answer;
}

static answer_t load_opened(load_t *load)
{
    size_t entry = load->header.entry_size > 0 ? load->header.entry_size : 1;
    load->piece = malloc(STREAM_PIECE);
    load->other = malloc(STREAM_PIECE);
    load->entry = calloc(entry, 1);
    load->mine = malloc(entry);
    answer_t answer = ANSWER_FAILED;
    progress_begin();
    if (load->piece != NULL && load->other != NULL && load->entry != NULL && load->mine != NULL)
        answer = load_blocks(load);
    else
        (void)complain(ANSWER_FAILED, "out of memory");
    progress_clear();
    free(load->piece);
    free(load->other);
    free(load->entry);
    free(load->mine);
    segj_buffer_free(&load->value);
    segj_status_t status = oversized_close(load->journal);
    if (status != SEGJ_OK) {
        answer_t closing = complain_of(load->options, status);
        (void)complain(closing, "not all records that were loaded are durable: load the stream again, and it goes on "
                                "where they end");
        answer = answer == ANSWER_FINE ? closing : answer;
    }
    return load_say(load, answer);
}

/* Bytes of a file, for the progress; 0: it is none, or is empty. */
static uint64_t size_of(FILE *file)
{
    struct stat about;
    return fstat(fileno(file), &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 ? (uint64_t)about.st_size
                                                                                           : 0;
}

answer_t command_load(const options_t *options)
{
    load_t load = {.options = options, .progress = {.stage = "load"}, .value = SEGJ_ZERO};
    bool given = options->range != NULL && strcmp(options->range, "-") != 0;
    if (!given && isatty(STDIN_FILENO) == 1)
        return complain(ANSWER_USAGE, "the stream is missing: a file, or a pipe from `segj dump`");
    FILE *file = given ? fopen(options->range, "rb") : stdin;
    if (file == NULL)
        return complain(ANSWER_FAILED, "%s: %s", options->range, strerror(errno)); /* NOLINT(concurrency-mt-unsafe) */
    stream_begin(&load.stream, file, given ? options->range : "standard input");
    load.progress.bytes_total = size_of(file);
    answer_t answer = ANSWER_FINE;
    if (!stream_read_header(&load.stream, &load.header))
        answer = stream_answer(&load);
    if (answer == ANSWER_FINE)
        answer = open_destination(&load);
    if (answer == ANSWER_FINE)
        answer = load_opened(&load);
    if (given)
        (void)fclose(file);
    progress_end();
    return answer;
}
