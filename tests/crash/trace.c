/*
 * crash/trace.c: see the header. A call is looked at before it is made. Whether a write has changed anything is known
 * when the next one comes: till then the bytes that were there before are kept.
 */
#include "crash/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/model.h"
#include "crash/raw.h"
#include "support/log.h"

#define FILES_MAX 64
#define RANGES_MAX 256
#define PAGE_SLOT 6
#define MARK 16 /* a watermark slot of version 1, at the start of its block */

typedef enum part { INDEX, VALUES, PARTS } part_t;

typedef struct range {
    uint64_t from, to;
} range_t;

typedef struct file {
    part_t part;
    uint64_t section;
    bool name_pending;
    bool header;                /* written, */
    bool header_durable;        /* and synced */
    bool cut;                   /* and not synced since */
    bool must_sync;             /* before anything else is done to it */
    range_t ranges[RANGES_MAX]; /* written and not synced, but for slots */
    size_t count;
    bool slots[2]; /* changed and not synced */
    bool again[3]; /* written by this open: slots, header */
    bool raised;   /* a watermark, by close, and not synced */
} file_t;

/* The write that was seen last. */
typedef struct pending {
    file_t *file; /* NULL: none */
    uint64_t offset;
    size_t size;
    uint8_t *before;         /* what was there */
    bool repeated;           /* over bytes that no sync has covered */
    bool of_a_page;          /* begins with a page, of which that alone may be so */
    uint64_t records_before; /* that the slot it is of has had; version 2 */
} pending_t;

struct trace {
    recorder_t *recorder;
    simdisk_t *disk;
    uint16_t page_size;
    bool log; /* version 2 */
    file_t files[FILES_MAX];
    size_t count;
    bool removals[PARTS];    /* not durable */
    bool parts_removed;      /* and the directory is not synced since */
    bool mark, mark_durable; /* of a removal: it is there, and so is its name */
    bool opening, closing, killed;
    bool names_synced[PARTS], directory_synced;
    pending_t pending;
    void (*during)(void *context);
    void *during_context;
    uint64_t calls;
    char wrong[512];
};

/* --- files --- */

static void say(trace_t *trace, const record_t *call, const char *what)
{
    if (trace->wrong[0] == '\0')
        (void)snprintf(trace->wrong, sizeof trace->wrong, "call %" PRIu64 " (kind %d, %s, %" PRIu64 "+%" PRIu64 "): %s",
                       trace->calls, call != NULL ? (int)call->kind : -1, call != NULL ? call->place : "returned",
                       call != NULL ? call->offset : 0, call != NULL ? call->size : 0, what);
}

static part_t part_of(const char *place)
{
    return strncmp(place, "index", 5) == 0 ? INDEX : VALUES;
}

/* The mark of a removal. */
static bool is_mark(const char *place)
{
    return strcmp(place, "values/.removing") == 0;
}

static uint64_t section_of(const char *place)
{
    const char *slash = strchr(place, '/');
    return slash != NULL ? strtoull(slash + 1, NULL, 16) : 0;
}

static uint64_t data_offset(part_t part)
{
    return part == INDEX ? INDEX_DATA_OFFSET : VALUES_DATA_OFFSET;
}

static const uint8_t *visible(const trace_t *trace, part_t part, uint64_t section, uint64_t *size)
{
    char name[20];
    *size = 0;
    (void)snprintf(name, sizeof name, "%016" PRIx64, section);
    return simdisk_visible(trace->disk, part == INDEX ? "index" : "values", name, size);
}

static file_t *find(trace_t *trace, part_t part, uint64_t section)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->files[i].part == part && trace->files[i].section == section)
            return &trace->files[i];
    return NULL;
}

static file_t *add(trace_t *trace, part_t part, uint64_t section)
{
    if (trace->count == FILES_MAX)
        abort();
    file_t *file = &trace->files[trace->count++];
    memset(file, 0, sizeof *file);
    file->part = part;
    file->section = section;
    return file;
}

/* A watermark slot of either version. */
typedef struct slot {
    bool valid;
    uint64_t records, end, sequence; /* end and sequence: of version 2 */
} slot_t;

static slot_t log_slot(const uint8_t *bytes, uint64_t section, unsigned number)
{
    log_identity_t identity;
    log_mark_t mark;
    if (!decode_log_identity(bytes, &identity) ||
        !decode_log_mark(bytes + (size_t)(number + 1) * HEADER_BLOCK, section ^ identity.salt, number, &mark))
        return (slot_t){.valid = false};
    return (slot_t){true, mark.records, mark.end, mark.sequence};
}

static slot_t slot_of(const trace_t *trace, uint64_t section, unsigned number)
{
    uint64_t size;
    watermark_t mark;
    const uint8_t *bytes = visible(trace, INDEX, section, &size);
    if (bytes == NULL || size < INDEX_DATA_OFFSET)
        return (slot_t){.valid = false};
    if (trace->log)
        return log_slot(bytes, section, number);
    bool valid = decode_watermark(bytes + (size_t)(number + 1) * HEADER_BLOCK, section, &mark);
    return (slot_t){.valid = valid, .records = valid ? mark.records : 0};
}

static size_t mark_size(const trace_t *trace)
{
    return trace->log ? LOG_SLOT : MARK;
}

/* Exactly one slot of the section's watermark is valid: it was written when both headers were durable. */
static bool has_one_slot(const trace_t *trace, uint64_t section)
{
    return slot_of(trace, section, 0).valid != slot_of(trace, section, 1).valid;
}

/* A file that was there before the trace began has a durable header where it has data, and where a slot tells. */
static file_t *known(trace_t *trace, part_t part, uint64_t section)
{
    file_t *file = find(trace, part, section);
    if (file != NULL)
        return file;
    uint64_t size;
    file = add(trace, part, section);
    (void)visible(trace, part, section, &size);
    file->header_durable = size > data_offset(part) || (size == data_offset(part) && has_one_slot(trace, section));
    return file;
}

static void forget(trace_t *trace, part_t part, uint64_t section)
{
    file_t *file = find(trace, part, section);
    if (file != NULL)
        *file = trace->files[--trace->count];
}

/* --- writes --- */

/* A page that a flush has written grows: the bytes it had stay, and of its slots one, so that the synced one does. */
static bool has_grown(const trace_t *trace, const pending_t *pending, uint64_t section, const uint8_t *now)
{
    const uint8_t *before = pending->before;
    uint16_t size = trace->page_size;
    uint64_t page = (pending->offset - INDEX_DATA_OFFSET) / ((uint64_t)size + PAGE_CHECKSUMS);
    uint16_t length = decode_page(before, size, section, page);
    bool first = memcmp(now + size, before + size, PAGE_SLOT) != 0;
    bool second = memcmp(now + size + PAGE_SLOT, before + size + PAGE_SLOT, PAGE_SLOT) != 0;
    return length > 0 && decode_page(now, size, section, page) > length && memcmp(now, before, length) == 0 &&
           !(first && second);
}

/* A slot of version 2 has changed. */
static void check_raise(trace_t *trace, const record_t *call, const file_t *index, unsigned number)
{
    slot_t now = slot_of(trace, index->section, number);
    slot_t other = slot_of(trace, index->section, 1 - number);
    const file_t *values = known(trace, VALUES, index->section);
    if (!now.valid || now.records <= trace->pending.records_before || (other.valid && now.records <= other.records))
        return;
    if (index->count > 0)
        say(trace, call, "a watermark was raised before the index was synced");
    for (size_t i = 0; i < values->count; i++)
        if (values->ranges[i].from < VALUES_DATA_OFFSET + now.end)
            say(trace, call, "a watermark was raised before the values were synced");
}

/* What the write before has changed. */
static void settle_write(trace_t *trace, const record_t *call)
{
    pending_t *pending = &trace->pending;
    file_t *file = pending->file;
    if (file == NULL)
        return;
    uint64_t size;
    const uint8_t *now = visible(trace, file->part, file->section, &size);
    bool changed = now == NULL || size < pending->offset + pending->size ||
                   memcmp(now + pending->offset, pending->before, pending->size) != 0;
    pending->file = NULL;
    if (!changed)
        return;
    bool may_repeat = trace->log && file->part == INDEX; /* a cache: no sync speaks of its pages */
    if (pending->repeated && !may_repeat &&
        !(pending->of_a_page && now != NULL && size >= pending->offset + pending->size &&
          has_grown(trace, pending, file->section, now + pending->offset)))
        say(trace, call, "the call before has changed bytes that no sync has covered yet");
    if (file->part == INDEX && pending->size == mark_size(trace) && pending->offset >= HEADER_BLOCK &&
        pending->offset < INDEX_DATA_OFFSET) {
        unsigned slot = pending->offset < 2 * HEADER_BLOCK ? 0 : 1;
        if (trace->log)
            check_raise(trace, call, file, slot);
        file->slots[slot] = true;
        file->raised = trace->closing;
        file->must_sync = file->must_sync || file->slots[1 - slot];
    }
}

static void note_range(file_t *file, uint64_t from, uint64_t to)
{
    if (file->count == RANGES_MAX)
        abort();
    file->ranges[file->count++] = (range_t){from, to};
}

static bool overlaps(const file_t *file, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < file->count; i++)
        if (file->ranges[i].from < to && from < file->ranges[i].to)
            return true;
    return false;
}

static bool is_page_slot(const trace_t *trace, const file_t *file, const record_t *call)
{
    uint64_t physical = (uint64_t)trace->page_size + PAGE_CHECKSUMS;
    uint64_t within = call->offset >= INDEX_DATA_OFFSET ? (call->offset - INDEX_DATA_OFFSET) % physical : 0;
    return !trace->log && file->part == INDEX && call->size == PAGE_SLOT &&
           (within == trace->page_size || within == (uint64_t)trace->page_size + PAGE_SLOT);
}

static void keep_before(trace_t *trace, file_t *file, const record_t *call, bool repeated)
{
    uint64_t size;
    const uint8_t *now = visible(trace, file->part, file->section, &size);
    trace->pending = (pending_t){.file = file,
                                 .offset = call->offset,
                                 .size = (size_t)call->size,
                                 .before = trace->pending.before,
                                 .repeated = repeated};
    trace->pending.before = realloc(trace->pending.before, (size_t)call->size + 1);
    if (trace->pending.before == NULL)
        abort();
    memset(trace->pending.before, 0, (size_t)call->size);
    if (now != NULL && call->offset < size)
        memcpy(trace->pending.before, now + call->offset,
               (size_t)(size - call->offset < call->size ? size - call->offset : call->size));
}

/* That one index file has a durable name keeps frames from being all that there is. */
static bool has_named_index(trace_t *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->files[i].part == INDEX && !trace->files[i].name_pending)
            return true;
    for (uint64_t section = 0; section < MODEL_SECTIONS; section++) {
        uint64_t size;
        if (find(trace, INDEX, section) == NULL && visible(trace, INDEX, section, &size) != NULL)
            return true;
    }
    return false;
}

static void on_write(trace_t *trace, const record_t *call)
{
    file_t *file = known(trace, part_of(call->place), section_of(call->place));
    if (trace->log && file->part == VALUES && call->offset >= VALUES_DATA_OFFSET && !has_named_index(trace))
        say(trace, call, "a frame beside index files whose names are not durable");
    uint64_t offset = data_offset(file->part);
    bool slot = file->part == INDEX && call->offset >= HEADER_BLOCK && call->offset + call->size <= INDEX_DATA_OFFSET;
    bool repeated = !slot && call->offset >= offset && overlaps(file, call->offset, call->offset + call->size);
    uint64_t physical = (uint64_t)trace->page_size + PAGE_CHECKSUMS;
    bool of_a_page = file->part == INDEX && !slot && call->offset >= offset && call->size >= physical &&
                     (call->offset - offset) % physical == 0 &&
                     !overlaps(file, call->offset + physical, call->offset + call->size);
    if (file->must_sync)
        say(trace, call, "the file is to be synced first");
    if (call->offset >= offset && !file->header_durable)
        say(trace, call, "data behind a header that is not durable");
    if (call->offset < offset && call->offset + call->size > offset)
        say(trace, call, "header and data in one write");
    if (is_page_slot(trace, file, call)) {
        if (file->count > 0 || file->cut || file->slots[0] || file->slots[1])
            say(trace, call, "a page's slot is changed while the step before is not durable");
        file->must_sync = true;
    }
    if (call->offset == 0)
        file->header = file->again[2] = true;
    if (slot)
        file->again[call->offset < 2 * HEADER_BLOCK ? 0 : 1] = true;
    if (slot && known(trace, VALUES, file->section)->cut)
        say(trace, call, "a mark changes while a cut is not durable");
    if (!slot)
        note_range(file, call->offset, call->offset + call->size);
    keep_before(trace, file, call, repeated);
    trace->pending.of_a_page = of_a_page;
    if (slot)
        trace->pending.records_before = slot_of(trace, file->section, call->offset < 2 * HEADER_BLOCK ? 0 : 1).records;
}

/* Both slots hold the same, durably. */
static bool is_marked(trace_t *trace, uint64_t section)
{
    uint64_t size;
    const file_t *file = known(trace, INDEX, section);
    const uint8_t *bytes = visible(trace, INDEX, section, &size);
    watermark_t marks[2];
    if (bytes == NULL || size < 2 * HEADER_BLOCK + MARK || file->slots[0] || file->slots[1])
        return false;
    return decode_watermark(bytes + HEADER_BLOCK, section, &marks[0]) &&
           decode_watermark(bytes + (size_t)2 * HEADER_BLOCK, section, &marks[1]) &&
           marks[0].records == marks[1].records;
}

/* Where the values end that the index speaks of, as far as they are whole. */
static uint64_t end_of_records(trace_t *trace, uint64_t section)
{
    uint64_t end;
    raw_section_t raw = {.section = section, .page_size = trace->page_size, .entry_size = MODEL_ENTRY};
    raw.index = visible(trace, INDEX, section, &raw.index_size);
    raw.values = visible(trace, VALUES, section, &raw.values_size);
    (void)raw_records(&raw, &end);
    return end;
}

/* The newest slot speaks of nothing that goes, durably. */
static bool is_log_marked(trace_t *trace, uint64_t section, uint64_t size)
{
    const file_t *index = known(trace, INDEX, section);
    slot_t first = slot_of(trace, section, 0);
    slot_t second = slot_of(trace, section, 1);
    const slot_t *newest = !second.valid || (first.valid && first.sequence > second.sequence) ? &first : &second;
    return !index->slots[0] && !index->slots[1] && (!newest->valid || VALUES_DATA_OFFSET + newest->end <= size);
}

static void log_truncate(trace_t *trace, const record_t *call, file_t *file)
{
    if (file->part == INDEX && known(trace, VALUES, file->section)->cut)
        say(trace, call, "an index is cut before the cut of its values is durable");
    if (file->part == VALUES && !is_log_marked(trace, file->section, call->size))
        say(trace, call, "values are cut that a watermark speaks of");
    file->cut = file->must_sync = file->part == VALUES;
}

static void on_truncate(trace_t *trace, const record_t *call)
{
    file_t *file = known(trace, part_of(call->place), section_of(call->place));
    uint64_t size;
    (void)visible(trace, file->part, file->section, &size);
    if (file->must_sync)
        say(trace, call, "the file is to be synced first");
    if (call->size >= size)
        return; /* a header gets its length back, or a cut is made again that a killed process may have left unsynced */
    if (trace->log) {
        log_truncate(trace, call, file);
        return;
    }
    if (!is_marked(trace, file->section))
        say(trace, call, "a cut that is not marked durably");
    if (file->part == VALUES) {
        const file_t *index = known(trace, INDEX, file->section);
        if (index->cut || index->count > 0)
            say(trace, call, "values are cut before their index is durable");
        if (VALUES_DATA_OFFSET + end_of_records(trace, file->section) > call->size)
            say(trace, call, "values are cut that the index speaks of");
    }
    file->cut = file->must_sync = true;
}

/* What a killed process has left may not be on its way to the disk any more: a sync alone would not cover it. */
static void check_again(trace_t *trace, const record_t *call, const file_t *file)
{
    uint64_t size;
    watermark_t mark;
    const uint8_t *bytes = visible(trace, INDEX, file->section, &size);
    if (size < INDEX_DATA_OFFSET)
        return;
    for (size_t slot = 0; slot < 2; slot++)
        if (!file->again[slot] && decode_watermark(bytes + (slot + 1) * HEADER_BLOCK, file->section, &mark))
            say(trace, call, "open syncs a section, and has not written its slots again");
    if (!file->again[2] && effective_watermark(bytes + HEADER_BLOCK, file->section) == 0)
        say(trace, call, "open syncs a section without a watermark, and has not written its header again");
}

static void on_sync(trace_t *trace, const record_t *call)
{
    file_t *file = known(trace, part_of(call->place), section_of(call->place));
    size_t covered = file->count;
    if (trace->opening && file->part == INDEX && !trace->log)
        check_again(trace, call, file);
    bool slots[2] = {file->slots[0], file->slots[1]};
    if (trace->during != NULL && file->part == INDEX) {
        trace->during(trace->during_context);
        settle_write(trace, call);
    }
    memmove(file->ranges, file->ranges + covered, (file->count - covered) * sizeof *file->ranges);
    file->count -= covered;
    for (int i = 0; i < 2; i++)
        file->slots[i] = file->slots[i] && !slots[i];
    file->cut = file->must_sync = file->raised = false;
    file->header_durable = file->header_durable || file->header;
}

/* --- names --- */

static void on_create(trace_t *trace, const record_t *call)
{
    if (is_mark(call->place)) {
        trace->mark = true;
        return;
    }
    forget(trace, part_of(call->place), section_of(call->place));
    add(trace, part_of(call->place), section_of(call->place))->name_pending = true;
}

static void on_remove(trace_t *trace, const record_t *call)
{
    part_t part = part_of(call->place);
    uint64_t size;
    if (is_mark(call->place)) {
        if (trace->removals[VALUES])
            say(trace, call, "the mark of a removal goes before the removal is durable");
        trace->mark = trace->mark_durable = false;
        return;
    }
    if (part == INDEX && trace->log && !trace->mark_durable)
        say(trace, call, "an index file is removed before the mark of that is durable");
    if (part == VALUES && (trace->removals[INDEX] || visible(trace, INDEX, section_of(call->place), &size) != NULL))
        say(trace, call, "values are removed before their index is durably gone");
    trace->removals[part] = true;
    forget(trace, part, section_of(call->place));
}

static void on_partition_sync(trace_t *trace, const record_t *call)
{
    part_t part = part_of(call->place);
    trace->removals[part] = false;
    trace->names_synced[part] = true;
    trace->mark_durable = trace->mark_durable || (trace->mark && part == VALUES);
    for (size_t i = 0; i < trace->count; i++)
        if (trace->files[i].part == part)
            trace->files[i].name_pending = false;
}

static void on_partition_remove(trace_t *trace, const record_t *call)
{
    if (simdisk_names(trace->disk, "index") > 0 || simdisk_names(trace->disk, "values") > 0)
        say(trace, call, "a partition is removed while there are files");
    trace->parts_removed = true;
}

static bool is_dirty(const file_t *file)
{
    return file->count > 0 || file->cut;
}

static void on_close(trace_t *trace, const record_t *call)
{
    if (is_mark(call->place))
        return;
    const file_t *file = find(trace, part_of(call->place), section_of(call->place));
    bool cache = trace->log && file != NULL && file->part == INDEX;
    if (!trace->killed && file != NULL && is_dirty(file) && !cache)
        say(trace, call, "a file is closed with bytes that no sync has covered");
}

/* --- all calls --- */

/* A section has been synced: then the directory had been, before that section was made. */
static bool has_watermark(trace_t *trace)
{
    for (uint64_t section = 0; section < MODEL_SECTIONS; section++) {
        if (slot_of(trace, section, 0).records > 0 || slot_of(trace, section, 1).records > 0)
            return true;
    }
    return false;
}

/* What must come before this change. */
static void check_before_change(trace_t *trace, const record_t *call)
{
    for (int part = 0; part < PARTS; part++) {
        bool same = (int)part_of(call->place) == part;
        bool allowed = same && (call->kind == RECORD_FILE_REMOVE || call->kind == RECORD_PARTITION_SYNC);
        if (trace->removals[part] && !allowed)
            say(trace, call, "files were removed, and their partition is not synced");
    }
    bool names = call->kind == RECORD_PARTITION_SYNC || call->kind == RECORD_DIRECTORY_SYNC ||
                 call->kind == RECORD_PARTITION_CREATE;
    if (trace->opening && !names &&
        !(trace->names_synced[INDEX] && trace->names_synced[VALUES] &&
          (trace->directory_synced || has_watermark(trace))))
        say(trace, call, "open changes something before all names are synced");
}

static void look(void *context, const record_t *call)
{
    trace_t *trace = context;
    trace->calls++;
    settle_write(trace, call);
    if ((RECORD_BIT(call->kind) & RECORD_CHANGES) != 0)
        check_before_change(trace, call);
    switch (call->kind) {
    case RECORD_FILE_CREATE:
        on_create(trace, call);
        break;
    case RECORD_FILE_REMOVE:
        on_remove(trace, call);
        break;
    case RECORD_FILE_WRITE:
        on_write(trace, call);
        break;
    case RECORD_FILE_TRUNCATE:
        on_truncate(trace, call);
        break;
    case RECORD_FILE_SYNC:
        on_sync(trace, call);
        break;
    case RECORD_FILE_CLOSE:
        on_close(trace, call);
        break;
    case RECORD_PARTITION_SYNC:
        on_partition_sync(trace, call);
        break;
    case RECORD_PARTITION_REMOVE:
        on_partition_remove(trace, call);
        break;
    case RECORD_DIRECTORY_SYNC:
        trace->directory_synced = true;
        trace->parts_removed = false;
        break;
    default:
        break;
    }
}

/* --- the trace --- */

trace_t *trace_new(simdisk_t *disk, uint16_t page_size, bool log)
{
    trace_t *trace = calloc(1, sizeof *trace);
    if (trace == NULL)
        abort();
    trace->disk = disk;
    trace->page_size = page_size;
    trace->log = log;
    trace->recorder = recorder_new(simdisk_storage(disk));
    recorder_watch(trace->recorder, look, trace);
    return trace;
}

void trace_free(trace_t *trace)
{
    recorder_free(trace->recorder);
    free(trace->pending.before);
    free(trace);
}

const segj_storage_t *trace_storage(const trace_t *trace)
{
    return recorder_storage(trace->recorder);
}

void trace_open(trace_t *trace)
{
    trace->opening = true;
    trace->names_synced[INDEX] = trace->names_synced[VALUES] = trace->directory_synced = false;
    for (size_t i = 0; i < trace->count; i++)
        memset(trace->files[i].again, 0, sizeof trace->files[i].again);
}

void trace_close(trace_t *trace)
{
    trace->closing = true;
}

void trace_killed(trace_t *trace)
{
    trace->killed = true;
}

void trace_during_sync(trace_t *trace, void (*during)(void *context), void *context)
{
    trace->during = during;
    trace->during_context = context;
}

static void check_file(trace_t *trace, const file_t *file)
{
    bool cache = trace->log && file->part == INDEX;
    if (is_dirty(file) && !cache)
        say(trace, NULL, file->part == INDEX ? "an index file is not synced" : "a values file is not synced");
    if (file->name_pending)
        say(trace, NULL, "a new file's name is not synced");
    if (file->raised)
        say(trace, NULL, "a watermark that close has raised is not synced");
}

void trace_returned(trace_t *trace, trace_call_t call, uint64_t section)
{
    settle_write(trace, NULL);
    trace->opening = trace->closing = false;
    recorder_clear(trace->recorder);
    if (trace->removals[INDEX] || trace->removals[VALUES] || trace->parts_removed)
        say(trace, NULL, "removals are not synced");
    for (size_t i = 0; i < trace->count && call != TRACE_APPEND; i++)
        if (call != TRACE_SYNC || trace->files[i].section == section)
            check_file(trace, &trace->files[i]);
}

uint64_t trace_calls(const trace_t *trace)
{
    return trace->calls;
}

const char *trace_wrong(trace_t *trace)
{
    settle_write(trace, NULL);
    return trace->wrong[0] != '\0' ? trace->wrong : NULL;
}
