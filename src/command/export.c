/*
 * command/export.c: `segj export`: values as files, or as a tar stream on standard output. Names follow a template. A
 * file that is there is never written over.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/json.h"
#include "command/progress.h"
#include "command/tar.h"

#define EXPORT_PIECE ((size_t)256 << 10)
#define EXPORT_WINDOW ((size_t)1 << 20)
#define EXPORT_TEMPLATE "%s/%P"
#define PATH_SIZE 4096

/** An export under way. */
typedef struct export
{
    const options_t *options;
    oversized_t *journal;
    range_t range;
    uint32_t entry_size;
    uint64_t records, bytes;
    oversized_progress_t progress;
    uint8_t *piece;
    answer_t answer; /* of what was found so far */
}
export_t;

/* --- names --- */

/** A name that is being made. */
typedef struct name {
    char text[TAR_NAME];
    size_t size;
    bool fits;
} name_t;

static void add_text(name_t *name, const char *text, size_t size)
{
    name->fits = name->fits && size < sizeof name->text - name->size;
    if (!name->fits)
        return;
    memcpy(name->text + name->size, text, size);
    name->size += size;
    name->text[name->size] = '\0';
}

static void add_number(name_t *name, const char *format, uint64_t number)
{
    char text[32];
    int size = snprintf(text, sizeof text,
                        format[0] == 'x'   ? "%016" PRIx64
                        : format[0] == '0' ? "%010" PRIu64
                                           : "%" PRIu64,
                        number);
    add_text(name, text, (size_t)size);
}

/* What may stand in a name everywhere stays; zeros and spaces at the end go. */
static void add_entry_text(name_t *name, const uint8_t *entry, size_t size)
{
    while (size > 0 && (entry[size - 1] == 0 || entry[size - 1] == ' '))
        size--;
    for (size_t i = 0; i < size; i++) {
        char byte = (char)entry[i];
        bool plain = isalnum((unsigned char)byte) != 0 || byte == '-' || byte == '_' || (byte == '.' && i > 0);
        add_text(name, plain ? &byte : "_", 1);
    }
}

static void add_shown(name_t *name, const void *entry, size_t size, show_t show)
{
    char *text = shown_text(entry, size, show);
    if (text == NULL)
        name->fits = false;
    else
        add_text(name, text, strlen(text));
    free(text);
}

/* False: the template has something that is not known. */
static bool add_field(name_t *name, char letter, const oversized_item_t *item, uint32_t entry_size)
{
    switch (letter) {
    case 's':
        add_number(name, "", item->section);
        return true;
    case 'S':
        add_number(name, "x", item->section);
        return true;
    case 'p':
        add_number(name, "", item->position);
        return true;
    case 'P':
        add_number(name, "0", item->position);
        return true;
    case 'e':
        add_shown(name, item->entry, entry_size, SHOW_HEX);
        return true;
    case 'u':
        add_shown(name, item->entry, entry_size, SHOW_U64);
        return true;
    case 't':
        add_entry_text(name, item->entry, entry_size);
        return true;
    case '%':
        add_text(name, "%", 1);
        return true;
    default:
        return false;
    }
}

static bool make_name(const export_t *export, const oversized_item_t *item, name_t *name)
{
    const char *template = export->options->name != NULL ? export->options->name : EXPORT_TEMPLATE;
    *name = (name_t){.fits = true};
    for (const char *at = template; *at != '\0'; at++) {
        if (*at != '%')
            add_text(name, at, 1);
        else if (!add_field(name, *++at, item, export->entry_size))
            return false;
    }
    return true;
}

/* --- where values go --- */

static answer_t failed_file(const char *path)
{
    int code = errno;
    return complain(ANSWER_FAILED, "%s: %s%s", path, strerror(code), /* NOLINT(concurrency-mt-unsafe) */
                    code == EEXIST ? "; nothing is written over: export into a new directory, or by another --name"
                                   : "");
}

/* Directories that the name leads through. */
static bool make_directories(char *path, size_t from)
{
    for (size_t i = from; path[i] != '\0'; i++) {
        if (path[i] != '/')
            continue;
        path[i] = '\0';
        bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
        path[i] = '/';
        if (!made)
            return false;
    }
    return true;
}

/* The status of the last read is SEGJ_END: all of the value was handed on. */
static segj_status_t hand_on(export_t *export, oversized_reader_t *reader, FILE *file)
{
    for (;;) {
        size_t done = 0;
        segj_status_t status = oversized_reader_read(reader, export->piece, EXPORT_PIECE, &done);
        if (status != SEGJ_OK)
            return status;
        if (fwrite(export->piece, 1, done, file) != done)
            return SEGJ_OK; /* the caller looks */
        export->bytes += done;
    }
}

static answer_t export_file(export_t *export, oversized_reader_t *reader, const char *name)
{
    char path[PATH_SIZE];
    int size = snprintf(path, sizeof path, "%s/%s", export->options->to, name);
    if (size < 0 || (size_t)size >= sizeof path)
        return complain(ANSWER_FAILED, "%s/%s: the name is too long", export->options->to, name);
    if (!make_directories(path, strlen(export->options->to)))
        return failed_file(path);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "wb") : NULL;
    if (file == NULL) {
        answer_t answer = failed_file(path);
        if (descriptor >= 0)
            (void)close(descriptor);
        return answer;
    }
    segj_status_t status = hand_on(export, reader, file);
    bool written = ferror(file) == 0;
    written = fclose(file) == 0 && written;
    if (status == SEGJ_END && written)
        return ANSWER_FINE;
    answer_t answer = written ? complain_of(export->options, status) : failed_file(path);
    (void)unlink(path);
    return answer;
}

static answer_t export_member(export_t *export, oversized_reader_t *reader, const char *name)
{
    uint8_t block[TAR_BLOCK];
    tar_member_t member = {.size = oversized_reader_size(reader)};
    (void)snprintf(member.name, sizeof member.name, "%s", name);
    if (!tar_make(&member, block))
        return complain(ANSWER_FAILED, "%s: the name is too long for a tar stream: 100 bytes, or 155, \"/\" and 100",
                        name);
    print_bytes(block, sizeof block);
    segj_status_t status = hand_on(export, reader, stdout);
    memset(block, 0, sizeof block);
    print_bytes(block, tar_padding(member.size));
    if (ferror(stdout) != 0)
        return ANSWER_FAILED; /* said at the end */
    if (status == SEGJ_END)
        return ANSWER_FINE;
    (void)complain_of(export->options, status);
    return ANSWER_FAILED; /* the member is cut short, and so is the stream */
}

/* --- the walk --- */

/* A damaged value is reported, and the export continues. False: it ends. */
static bool export_record(export_t *export, const oversized_item_t *item)
{
    oversized_reader_t *reader = NULL;
    name_t name;
    if (!make_name(export, item, &name)) {
        export->answer =
            complain(ANSWER_USAGE, "\"%s\": after %% come s, S, p, P, e, u, t or %%", export->options->name);
        return false;
    }
    if (!name.fits || !tar_name_is_tame(name.text)) {
        export->answer = complain(ANSWER_FAILED,
                                  "%" PRIu64 ":%" PRIu64 ": \"%s\" is no name for a file; --name says how "
                                  "names are made",
                                  item->section, item->position, name.fits ? name.text : "too long");
        return false;
    }
    segj_status_t status = oversized_reader_open(export->journal, item->section, item->location, true, &reader);
    if (status != SEGJ_OK) {
        export->answer = complain_of(export->options, status);
        return export->answer == ANSWER_DAMAGED;
    }
    answer_t answer =
        export->options->tar ? export_member(export, reader, name.text) : export_file(export, reader, name.text);
    oversized_reader_close(reader);
    if (answer != ANSWER_FINE) {
        export->answer = answer;
        return answer == ANSWER_DAMAGED;
    }
    export->records++;
    export->progress.records_done++;
    export->progress.bytes_done += item->location.size;
    return !progress_count(&export->progress);
}

static void export_walk(export_t *export, oversized_replay_t *replay)
{
    const range_t *range = &export->range;
    for (;;) {
        oversized_item_t item;
        segj_status_t status = oversized_replay_next(replay, &item);
        if (status == SEGJ_END)
            return;
        bool named = status == SEGJ_OK || status == SEGJ_ERR_CORRUPT;
        if (named && !range->all && (item.section != range->section || item.position > range->last))
            return;
        if (status != SEGJ_OK) {
            export->answer = complain_of(export->options, status);
            if (status == SEGJ_ERR_CORRUPT)
                continue;
            return;
        }
        if (!export_record(export, &item))
            return;
    }
}

static answer_t export_say(const export_t *export)
{
    const options_t *options = export->options;
    if (options->tar)
        return export->answer;
    if (options->json) {
        json_t *object = json_new();
        json_text(object, "directory", options->directory);
        json_text(object, "to", options->to);
        json_number(object, "records", export->records);
        json_number(object, "bytes", export->bytes);
        return json_print(object) ? export->answer : complain(ANSWER_FAILED, "out of memory");
    }
    print("%s: %" PRIu64 " values are in %s, %" PRIu64 " bytes\n", options->directory, export->records, options->to,
          export->bytes);
    return export->answer;
}

static answer_t export_opened(export_t *export)
{
    static const uint8_t end[2 * TAR_BLOCK];
    const options_t *options = export->options;
    oversized_replay_t *replay = NULL;
    bool exists = true;
    segj_status_t status = SEGJ_OK;
    if (!export->range.all)
        status = oversized_section_exists(export->journal, export->range.section, &exists);
    if (status == SEGJ_OK && !exists)
        status = oversized_get(export->journal, export->range.section, 0, NULL, NULL);
    if (status == SEGJ_OK)
        status = oversized_replay_open(export->journal, export->range.all ? 0 : export->range.section,
                                       export->range.first, EXPORT_WINDOW, &replay);
    if (status != SEGJ_OK)
        return complain_of(options, status);
    if (!options->tar && mkdir(options->to, 0777) != 0 && errno != EEXIST) {
        oversized_replay_close(replay);
        return failed_file(options->to);
    }
    progress_begin();
    export_walk(export, replay);
    progress_clear();
    oversized_replay_close(replay);
    if (options->tar && !progress_cancelled() && export->answer != ANSWER_FAILED && export->answer != ANSWER_USAGE)
        print_bytes(end, sizeof end);
    return export_say(export);
}

answer_t command_export(const options_t *options)
{
    export_t export = {.options = options, .answer = ANSWER_FINE, .progress = {.stage = "export"}};
    oversized_config_t config;
    if (!range_read(options->range, &export.range))
        return complain(ANSWER_USAGE, "no records are named by \"%s\": N, N:P, N:P-Q or N:P-", options->range);
    if (options->tar == (options->to != NULL))
        return complain(ANSWER_USAGE, "--to names a directory for the files, or --tar writes them to standard output");
    if (options->tar && isatty(STDOUT_FILENO) == 1)
        return complain(ANSWER_USAGE, "a tar stream is no text for a terminal: send it to a file or a pipe");
    answer_t answer = open_for_reading(options, &export.journal, &config);
    if (answer != ANSWER_FINE)
        return answer;
    export.entry_size = config.entry_size;
    export.progress.records_total = oversized_recovery(export.journal)->records;
    export.piece = malloc(EXPORT_PIECE);
    answer = export.piece != NULL ? export_opened(&export) : complain(ANSWER_FAILED, "out of memory");
    answer = tell_lost(options, export.journal, &export.range, answer);
    free(export.piece);
    oversized_abandon(export.journal);
    progress_end();
    return answer;
}
