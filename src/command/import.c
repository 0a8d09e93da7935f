/*
 * command/import.c: `segj import`: files, the members of a tar stream, or lines become records of a section. All of
 * them do, durably, or none: after a failure the section is rewound to where it was.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command/json.h"
#include "command/progress.h"
#include "command/tar.h"

#define IMPORT_PIECE ((size_t)256 << 10)
#define LINE_MOST ((size_t)1 << 20)

/** An import under way. */
typedef struct import {
    const options_t *options;
    oversized_t *journal;
    uint64_t section, before; /* records that it had */
    uint32_t entry_size;
    uint64_t records, bytes;
    oversized_progress_t progress;
    uint8_t *entry, *piece; /* LINE_MOST bytes */
} import_t;

/* Every step gives an answer; another one than ANSWER_FINE was said. */

static answer_t failed(const import_t *import, segj_status_t status)
{
    return status == SEGJ_OK ? ANSWER_FINE : complain_of(import->options, status);
}

static answer_t failed_input(const char *name)
{
    if (progress_cancelled())
        return complain(ANSWER_FAILED, "%s: stopped", name);
    return complain(ANSWER_FAILED, "%s: %s", name, strerror(errno)); /* NOLINT(concurrency-mt-unsafe) */
}

/* --- a record --- */

static answer_t make_entry(import_t *import, const char *name)
{
    memset(import->entry, 0, import->entry_size);
    if (import->options->fill == FILL_NAME) {
        if (strlen(name) > import->entry_size)
            return complain(ANSWER_FAILED, "%s: the name is longer than an entry, which has %" PRIu32 " bytes", name,
                            import->entry_size);
        memcpy(import->entry, name, strlen(name));
    } else if (import->options->fill == FILL_NUMBER) {
        uint64_t number = import->before + import->records;
        if (import->entry_size != 8)
            return complain(ANSWER_FAILED, "entries have %" PRIu32 " bytes: --fill=number needs 8", import->entry_size);
        for (size_t i = 0; i < 8; i++)
            import->entry[i] = (uint8_t)(number >> 8 * (7 - i));
    }
    return ANSWER_FINE;
}

static answer_t imported(import_t *import, uint64_t size)
{
    import->records++;
    import->bytes += size;
    import->progress.records_done++;
    import->progress.bytes_done += size;
    return progress_count(&import->progress) ? complain(ANSWER_FAILED, "stopped") : ANSWER_FINE;
}

static answer_t append_whole(import_t *import, size_t size)
{
    answer_t answer = failed(
        import, oversized_append(import->journal, import->section, import->entry, import->piece, size, NULL, NULL));
    return answer == ANSWER_FINE ? imported(import, size) : answer;
}

/* The next bytes of an input. */
static answer_t take(import_t *import, FILE *file, const char *name, size_t size)
{
    if (fread(import->piece, 1, size, file) == size)
        return ANSWER_FINE;
    if (ferror(file) != 0)
        return failed_input(name);
    return complain(ANSWER_FAILED, "%s: it ends before the %zu bytes that were announced are read", name, size);
}

static answer_t append_pieces(import_t *import, FILE *file, const char *name, uint64_t size)
{
    oversized_writer_t *writer = NULL;
    uint64_t left = size;
    answer_t answer =
        failed(import, oversized_writer_open(import->journal, import->section, import->entry, size, &writer));
    while (answer == ANSWER_FINE && left > 0) {
        size_t wanted = left < IMPORT_PIECE ? (size_t)left : IMPORT_PIECE;
        answer = take(import, file, name, wanted);
        if (answer == ANSWER_FINE)
            answer = failed(import, oversized_writer_write(writer, import->piece, wanted));
        if (answer == ANSWER_FINE && progress_cancelled())
            answer = complain(ANSWER_FAILED, "stopped");
        left -= wanted;
    }
    if (answer == ANSWER_FINE)
        answer = failed(import, oversized_writer_finish(writer, NULL, NULL));
    else
        oversized_writer_abandon(writer);
    return answer == ANSWER_FINE ? imported(import, size) : answer;
}

static answer_t append_value(import_t *import, FILE *file, const char *name, uint64_t size)
{
    if (size > OVERSIZED_VALUE_MAX)
        return complain(ANSWER_FAILED, "%s has %" PRIu64 " bytes, a value at most %u", name, size, OVERSIZED_VALUE_MAX);
    answer_t answer = make_entry(import, name);
    if (answer != ANSWER_FINE)
        return answer;
    if (size > IMPORT_PIECE)
        return append_pieces(import, file, name, size);
    answer = take(import, file, name, (size_t)size);
    return answer == ANSWER_FINE ? append_whole(import, (size_t)size) : answer;
}

/* --- files --- */

static answer_t import_file(import_t *import, const char *path)
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return failed_input(path);
    const char *slash = strrchr(path, '/');
    answer_t answer;
    if (fstat(fileno(file), &about) != 0)
        answer = failed_input(path);
    else if (!S_ISREG(about.st_mode))
        answer = complain(ANSWER_FAILED, "%s is no regular file", path);
    else
        answer = append_value(import, file, slash != NULL ? slash + 1 : path, (uint64_t)about.st_size);
    /* It has grown, or is one of those of which the system does not tell how long they are. */
    if (answer == ANSWER_FINE && getc(file) != EOF)
        answer = complain(ANSWER_FAILED, "%s has more than the %" PRIu64 " bytes that the system tells of", path,
                          (uint64_t)about.st_size);
    (void)fclose(file);
    return answer;
}

/* --- tar --- */

/* Zeros follow the end of a tar stream, and nothing else. They are read, so that who writes them can do so. */
static answer_t tar_rest(import_t *import, FILE *file, const char *source, uint64_t offset)
{
    for (;;) {
        size_t got = fread(import->piece, 1, IMPORT_PIECE, file);
        if (ferror(file) != 0)
            return failed_input(source);
        for (size_t i = 0; i < got; i++)
            if (import->piece[i] != 0)
                return complain(ANSWER_FAILED,
                                "%s, offset %" PRIu64
                                ": bytes follow the end of the tar stream; import tar streams one "
                                "after the other",
                                source, offset + i);
        if (got == 0)
            return ANSWER_FINE;
        offset += got;
    }
}

static answer_t skip(import_t *import, FILE *file, const char *name, size_t size)
{
    return size > 0 ? take(import, file, name, size) : ANSWER_FINE;
}

static answer_t import_tar(import_t *import, FILE *file, const char *source)
{
    for (uint64_t offset = 0;;) {
        uint8_t block[TAR_BLOCK];
        tar_member_t member;
        bool end;
        size_t got = fread(block, 1, sizeof block, file);
        if (ferror(file) != 0)
            return failed_input(source);
        if (got < sizeof block)
            return complain(ANSWER_FAILED, "%s, offset %" PRIu64 ": the tar stream ends here and is not complete",
                            source, offset + got);
        const char *wrong = tar_read(block, &member, &end);
        if (wrong != NULL)
            return complain(ANSWER_FAILED, "%s, offset %" PRIu64 ": %s", source, offset, wrong);
        if (end)
            return tar_rest(import, file, source, offset + sizeof block);
        answer_t answer = member.is_file ? append_value(import, file, member.name, member.size) : ANSWER_FINE;
        if (answer == ANSWER_FINE)
            answer = skip(import, file, member.name, tar_padding(member.size));
        if (answer != ANSWER_FINE)
            return answer;
        offset += sizeof block + member.size + tar_padding(member.size);
    }
}

/* --- lines --- */

/* Without the line feed; the last line may lack it. *size: SIZE_MAX: there is none. */
static answer_t read_line(import_t *import, FILE *file, const char *source, size_t *size)
{
    size_t at = 0;
    for (;;) {
        int byte = getc(file);
        if (byte == EOF && ferror(file) != 0)
            return failed_input(source);
        if (byte == EOF || byte == '\n') {
            *size = byte == EOF && at == 0 ? SIZE_MAX : at;
            return ANSWER_FINE;
        }
        if (at == LINE_MOST)
            return complain(ANSWER_FAILED, "%s: line %" PRIu64 " has more than %zu bytes", source, import->records + 1,
                            LINE_MOST);
        import->piece[at++] = (uint8_t)byte;
    }
}

static answer_t import_lines(import_t *import, FILE *file, const char *source)
{
    for (;;) {
        size_t size = 0;
        answer_t answer = read_line(import, file, source, &size);
        if (answer != ANSWER_FINE || size == SIZE_MAX)
            return answer;
        answer = make_entry(import, "");
        if (answer == ANSWER_FINE)
            answer = append_whole(import, size);
        if (answer != ANSWER_FINE)
            return answer;
    }
}

/* --- the journal --- */

/* A file of the command line, or standard input. */
static answer_t import_stream(import_t *import)
{
    const options_t *options = import->options;
    bool given = options->more_count > 0 && strcmp(options->more[0], "-") != 0;
    const char *source = given ? options->more[0] : "standard input";
    FILE *file = given ? fopen(source, "rb") : stdin;
    if (file == NULL)
        return failed_input(source);
    answer_t answer = options->tar ? import_tar(import, file, source) : import_lines(import, file, source);
    if (given)
        (void)fclose(file);
    return answer;
}

static answer_t import_all(import_t *import)
{
    const options_t *options = import->options;
    if (options->tar || options->lines)
        return import_stream(import);
    answer_t answer = ANSWER_FINE;
    for (int i = 0; i < options->more_count && answer == ANSWER_FINE; i++)
        answer = import_file(import, options->more[i]);
    return answer;
}

/* After a failure: as if nothing had been begun. */
static void take_back(const import_t *import)
{
    bool exists = false;
    segj_status_t status = oversized_section_exists(import->journal, import->section, &exists);
    if (status == SEGJ_OK && exists)
        status = oversized_rewind_section_to(import->journal, import->section, import->before);
    if (status != SEGJ_OK)
        (void)complain(ANSWER_FAILED, "%s; %" PRIu64 " records were imported until then", segj_last_error(),
                       import->records);
    else
        (void)complain(ANSWER_FAILED, "nothing was imported");
}

static answer_t import_say(const import_t *import)
{
    const options_t *options = import->options;
    if (options->json) {
        json_t *object = json_new();
        json_text(object, "directory", options->directory);
        json_number(object, "section", import->section);
        json_number(object, "first", import->before);
        json_number(object, "records", import->records);
        json_number(object, "bytes", import->bytes);
        return json_print(object) ? ANSWER_FINE : complain(ANSWER_FAILED, "out of memory");
    }
    print("%s: %" PRIu64 " records were appended to section %" PRIu64 ", from position %" PRIu64 " on: %" PRIu64
          " bytes\n",
          options->directory, import->records, import->section, import->before, import->bytes);
    return ANSWER_FINE;
}

static answer_t import_opened(import_t *import)
{
    import->entry = calloc(import->entry_size + (size_t)1, 1);
    import->piece = malloc(LINE_MOST);
    answer_t answer = failed(import, oversized_count(import->journal, import->section, &import->before));
    progress_begin();
    if (import->entry == NULL || import->piece == NULL)
        answer = complain(ANSWER_FAILED, "out of memory");
    if (answer == ANSWER_FINE) {
        answer = import_all(import);
        if (answer == ANSWER_FINE) /* while it can still be taken back */
            answer = failed(import, oversized_sync_all(import->journal));
        if (answer != ANSWER_FINE)
            take_back(import);
    }
    progress_clear();
    free(import->entry);
    free(import->piece);
    segj_status_t status = oversized_close(import->journal);
    if (answer == ANSWER_FINE)
        answer = failed(import, status);
    return answer == ANSWER_FINE ? import_say(import) : answer;
}

/* What the command line says of a new journal, or of one whose files do not tell. */
static void configure(const options_t *options, oversized_config_t *config)
{
    if (options->entry_size != UINT64_MAX)
        config->entry_size = (uint32_t)options->entry_size;
    if (options->page_size != UINT64_MAX)
        config->page_size = (uint16_t)options->page_size;
    config->format = options->commonware ? SEGJ_FORMAT_COMMONWARE : SEGJ_FORMAT_NATIVE;
    config->compression = options->compressed ? 3 : 0;
}

/* Where it has sections, what is asked for must be what they are. */
static answer_t check_found(const options_t *options, const oversized_inspection_t *found)
{
    const oversized_config_t *config = &found->config;
    if (!found->sizes_known && options->entry_size == UINT64_MAX)
        return complain(ANSWER_USAGE, "no file of %s tells how large entries are; --entry-size=COUNT says so",
                        options->directory);
    if (!found->sizes_known)
        return ANSWER_FINE;
    if (options->entry_size != UINT64_MAX && options->entry_size != config->entry_size)
        return complain(ANSWER_FAILED, "%s has entries of %" PRIu32 " bytes, not of %" PRIu64 ": nothing was imported",
                        options->directory, config->entry_size, options->entry_size);
    return ANSWER_FINE;
}

/* A journal that is there, or a new one with entries of the size that is given. */
static answer_t open_or_make(import_t *import)
{
    const options_t *options = import->options;
    oversized_inspection_t *found = NULL;
    oversized_config_t config;
    answer_t answer = ANSWER_FINE;
    oversized_config_init(&config);
    config.directory = options->directory;
    config.index_partition = options->index;
    config.value_partition = options->values;
    config.storage = options->storage;
    segj_status_t status = oversized_inspect(&config, &found);
    if (status != SEGJ_OK && status != SEGJ_ERR_NOT_FOUND)
        return complain_of(options, status);
    configure(options, &config);
    if (status == SEGJ_OK && found->section_count > 0) {
        answer = check_found(options, found);
        configure_as_found(found, &config);
    } else if (options->entry_size == UINT64_MAX) {
        answer = complain(ANSWER_USAGE, "%s holds no journal; --entry-size=COUNT makes one", options->directory);
    }
    oversized_inspection_free(found);
    if (answer != ANSWER_FINE)
        return answer;
    config.strict = true;
    import->entry_size = config.entry_size;
    return failed(import, open_followed(&config, &import->journal));
}

answer_t command_import(const options_t *options)
{
    import_t import = {.options = options, .progress = {.stage = "import"}};
    range_t range;
    if (!range_read(options->range, &range) || range.first != 0 || range.last != UINT64_MAX)
        return complain(ANSWER_USAGE, "\"%s\" is no section", options->range);
    if (options->tar && options->lines)
        return complain(ANSWER_USAGE, "--tar and --lines are two kinds of input: one of them");
    if (options->lines && options->fill == FILL_NAME)
        return complain(ANSWER_USAGE, "lines have no names: --fill=number, or no --fill");
    if ((options->tar || options->lines) && options->more_count > 1)
        return complain(ANSWER_USAGE, "too many arguments: one stream at a time");
    if (!options->tar && !options->lines && options->more_count == 0)
        return complain(ANSWER_USAGE, "there is nothing to import: FILEs, or --tar or --lines for a stream");
    import.section = range.section;
    answer_t answer = open_or_make(&import);
    if (answer == ANSWER_FINE)
        answer = import_opened(&import);
    progress_end();
    return answer;
}
