/*
 * fuzz/log_target.c: the target over the files of a section of version 2 (fuzz/log.h). Whatever they hold:
 *   - open refuses them or shows a state, read-only or not the same; a refused and a read-only open change no byte;
 *   - where index and slots agree with the frames, every frame from the first on that is right is a record, with its entry and its value; what else is shown is so
 *     because W, or a later frame, says that it was durable, and can be read or is found to be damaged;
 *   - a second open shows the same, and so does one behind an abandoned or a closed journal;
 *   - appends go on at the right place, and are there when the journal is opened again; so do rewinds.
 * The frames are read by a decoder of its own (support/log.h).
 */
#include "fuzz/log.h"

#include <stdlib.h>
#include <string.h>

#include "crash/raw.h"
#include "fuzz/vessel.h"

enum { MOST_VALUE = 1 << 16, STATES = 512, MORE = 3 };

/* What a journal shows. */
typedef struct state {
    uint64_t count;
    segj_status_t answers[STATES]; /* of reads */
    uint32_t sums[STATES];         /* of what they gave */
} state_t;

typedef struct run {
    segj_storage_t *storage;
    oversized_config_t config;
    uint8_t how;
    bytes_t index, values; /* as they are in the storage */
    size_t index_data, values_data;
    uint64_t whole;  /* frames from the first on that are right, to the end of a batch or to W */
    bool ends_there; /* nothing speaks for more */
    bool agrees;     /* the index and the slots say nothing that the frames do not */
    bool compressed;
    uint32_t sector;
} run_t;

/* --- the files --- */

static void take_files(run_t *run)
{
    free_bytes(&run->index);
    free_bytes(&run->values);
    run->index = vessel_take(run->storage, run->config.index_partition, LOG_SECTION);
    run->values = vessel_take(run->storage, run->config.value_partition, LOG_SECTION);
}

static void require_same(const bytes_t *now, const bytes_t *before, const char *when)
{
    fuzz_require((now->data == NULL) == (before->data == NULL) && now->size == before->size, "%s changes a file", when);
    fuzz_require(now->size == 0 || memcmp(now->data, before->data, now->size) == 0, "%s changes bytes", when);
}

static void require_unchanged(const run_t *run, const char *when)
{
    bytes_t index = vessel_take(run->storage, run->config.index_partition, LOG_SECTION);
    bytes_t values = vessel_take(run->storage, run->config.value_partition, LOG_SECTION);
    require_same(&index, &run->index, when);
    require_same(&values, &run->values, when);
    free_bytes(&index);
    free_bytes(&values);
}

/* --- what is to be expected --- */

static bool is_identity(const run_t *run, const bytes_t *file, size_t data, uint8_t kind, log_identity_t *identity)
{
    return file->size > data && decode_log_identity(file->data, identity) && identity->kind == kind &&
           identity->section == LOG_SECTION && identity->record_size == run->config.entry_size + LOCATION_BYTES;
}

/* The frame at a place of the data; one that is stored as it is in a file that is not compressed is none. */
static bool next_frame(const run_t *run, uint64_t binding, uint64_t at, uint32_t before, log_frame_t *frame)
{
    return decode_next_log_frame(run->values.data + run->values_data, run->values.size - run->values_data, binding,
                                 run->values_data, run->sector, at, before, run->config.entry_size, frame) &&
           (run->compressed || (frame->flags & LOG_RAW) == 0);
}

/* Whether a slot that counts says anything that the frames do not. */
static bool marks_agree(const run_t *run, uint64_t binding)
{
    for (unsigned slot = 0; slot < 2; slot++) {
        log_mark_t mark;
        log_frame_t frame;
        uint64_t at = 0;
        uint32_t before = 0;
        uint64_t records = 0;
        size_t place = (slot + 1) * (size_t)HEADER_BLOCK;
        if (run->index.size < place + LOG_SLOT || !decode_log_mark(run->index.data + place, binding, slot, &mark))
            continue;
        while (records < mark.records && next_frame(run, binding, at, before, &frame) && frame.right) {
            at += frame.size;
            before = frame.trailer;
            records++;
        }
        if (records != mark.records || at != mark.end || before != mark.trailer)
            return false;
    }
    return true;
}

/* Whether pages that are valid hold the records that the frames are. */
static bool pages_agree(const run_t *run, uint64_t binding)
{
    uint32_t record = run->config.entry_size + (uint32_t)LOCATION_BYTES;
    size_t physical = (size_t)run->config.page_size + PAGE_CHECKSUMS;
    uint8_t *records = fuzz_allocate((size_t)STATES * record);
    size_t size = 0;
    uint64_t at = 0;
    uint32_t before = 0;
    bool agree = true;
    log_frame_t frame;
    while (size < (size_t)STATES * record && next_frame(run, binding, at, before, &frame)) {
        encode_record(records + size, frame.entry, run->config.entry_size,
                      (oversized_location_t){at, frame.stored + FRAME_CHECKSUM});
        size += record;
        at += frame.size;
        before = frame.trailer;
    }
    for (size_t page = 0; run->index_data + (page + 1) * physical <= run->index.size; page++) {
        const uint8_t *bytes = run->index.data + run->index_data + page * physical;
        size_t from = page * run->config.page_size;
        uint16_t length = decode_page(bytes, run->config.page_size, binding, page);
        agree = agree && (length == 0 || (from + length <= size && memcmp(bytes, records + from, length) == 0));
    }
    free(records);
    return agree;
}

/* Where the right frames end, and whether no head follows there. */
static bool has_end(const run_t *run, uint64_t binding)
{
    log_frame_t frame;
    uint64_t at = 0;
    uint32_t before = 0;
    while (next_frame(run, binding, at, before, &frame)) {
        if (!frame.right)
            return false;
        at += frame.size;
        before = frame.trailer;
    }
    return true;
}

static void judge(run_t *run)
{
    log_identity_t identity;
    uint64_t end;
    raw_section_t raw = {.format = SEGJ_FORMAT_NATIVE,
                         .log = true,
                         .section = LOG_SECTION,
                         .index = run->index.data,
                         .values = run->values.data,
                         .index_size = run->index.size,
                         .values_size = run->values.size,
                         .page_size = run->config.page_size,
                         .entry_size = run->config.entry_size};
    run->whole = 0;
    run->ends_there = run->agrees = false;
    run->index_data = log_data_of(&run->index, INDEX_DATA_OFFSET);
    run->values_data = log_data_of(&run->values, VALUES_DATA_OFFSET);
    if (run->values.data == NULL || !is_identity(run, &run->values, run->values_data, IDENTITY_VALUES, &identity))
        return;
    uint64_t binding = LOG_SECTION ^ identity.salt;
    run->compressed = identity.compression != 0;
    run->sector = identity.sector;
    run->agrees = marks_agree(run, binding) && pages_agree(run, binding);
    if (!run->agrees)
        return;
    run->whole = raw_records(&raw, &end);
    run->ends_there = has_end(run, binding);
}

/* --- what the journal shows --- */

static uint32_t sum(uint32_t so_far, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        so_far = (so_far ^ at[i]) * UINT32_C(16777619); /* FNV-1a */
    return so_far;
}

static state_t look(const run_t *run, oversized_t *journal)
{
    state_t state = {0};
    segj_buffer_t value = {0};
    uint8_t entry[LOG_ENTRY_MOST];
    fuzz_require(oversized_count(journal, LOG_SECTION, &state.count) == SEGJ_OK, "%s", segj_last_error());
    fuzz_require(state.count < STATES, "%llu records", (unsigned long long)state.count);
    for (uint64_t i = 0; i < state.count; i++) {
        segj_status_t status = oversized_read(journal, LOG_SECTION, i, entry, &value);
        state.answers[i] = status;
        state.sums[i] = UINT32_C(2166136261);
        fuzz_require(status == SEGJ_OK || status == SEGJ_ERR_CHECKSUM || status == SEGJ_ERR_CORRUPT ||
                         status == SEGJ_ERR_COMPRESSION || status == SEGJ_ERR_TOO_LARGE || status == SEGJ_ERR_RANGE,
                     "read of record %llu: %s", (unsigned long long)i, segj_last_error());
        if (status == SEGJ_OK)
            state.sums[i] = sum(sum(state.sums[i], entry, run->config.entry_size), value.data, value.size);
    }
    fuzz_require(oversized_get(journal, LOG_SECTION, state.count, NULL, NULL) == SEGJ_ERR_NO_RECORD, "one too many");
    segj_buffer_free(&value);
    return state;
}

/* The first frames, which are right, are records. */
static void require_frames(const run_t *run, const state_t *state)
{
    log_identity_t identity;
    log_frame_t frame;
    uint64_t at = 0;
    uint32_t before = 0;
    fuzz_require(state->count >= run->whole, "%llu records, and %llu frames are right",
                 (unsigned long long)state->count, (unsigned long long)run->whole);
    fuzz_require(!run->ends_there || state->count == run->whole, "%llu records, and %llu frames are all there is",
                 (unsigned long long)state->count, (unsigned long long)run->whole);
    if (run->whole == 0 || !decode_log_identity(run->values.data, &identity))
        return;
    for (uint64_t i = 0; i < run->whole; i++) {
        (void)decode_next_log_frame(run->values.data + run->values_data, run->values.size - run->values_data,
                                    LOG_SECTION ^ identity.salt, run->values_data, run->sector, at, before,
                                    run->config.entry_size, &frame);
        at += frame.size;
        before = frame.trailer;
        if (run->compressed)
            continue;
        uint32_t expected =
            sum(sum(UINT32_C(2166136261), frame.entry, run->config.entry_size), frame.payload, frame.stored);
        fuzz_require(state->answers[i] == SEGJ_OK && state->sums[i] == expected, "record %llu is another one",
                     (unsigned long long)i);
    }
}

/* Unless index and frames are damaged both, or contradict each other: then it is by chance what makes what good, and values
 * may lie over each other. How a damaged value is told may change with what lies behind it. */
static void require_same_state(const run_t *run, const state_t *now, const state_t *before, uint64_t records,
                               const char *when)
{
    if (!run->agrees)
        return;
    for (uint64_t i = 0; i < records; i++)
        fuzz_require((now->answers[i] == SEGJ_OK) == (before->answers[i] == SEGJ_OK) && now->sums[i] == before->sums[i],
                     "%s: record %llu answers %s, it was %s", when, (unsigned long long)i,
                     segj_status_name(now->answers[i]), segj_status_name(before->answers[i]));
}

static oversized_t *open_it(const run_t *run, bool read_only)
{
    oversized_t *journal = NULL;
    oversized_config_t config = run->config;
    config.read_only = read_only;
    segj_status_t status = oversized_open(&config, &journal);
    fuzz_require(status == SEGJ_OK || status == SEGJ_ERR_MISMATCH || status == SEGJ_ERR_CORRUPT, "open: %s: %s",
                 segj_status_name(status), segj_last_error());
    return journal;
}

static void end_journal(const run_t *run, oversized_t *journal)
{
    if ((run->how & LOG_CLOSE) != 0)
        fuzz_require(oversized_close(journal) == SEGJ_OK, "close: %s", segj_last_error());
    else
        oversized_abandon(journal);
}

/* --- changes --- */

static bool is_sound(const state_t *state)
{
    for (uint64_t i = 0; i < state->count; i++)
        if (state->answers[i] != SEGJ_OK)
            return false;
    return true;
}

/* False: what is damaged stands in the way. */
static bool append_more(const run_t *run, oversized_t *journal, const state_t *state)
{
    uint8_t entry[LOG_ENTRY_MOST];
    uint8_t bytes[700];
    memset(entry, 0xA7, sizeof entry);
    memset(bytes, 0x61, sizeof bytes);
    for (uint64_t i = 0; i < MORE; i++) {
        uint64_t position = 0;
        segj_status_t status = oversized_append(journal, LOG_SECTION, entry, bytes, (size_t)i * 340, &position, NULL);
        if (status == SEGJ_ERR_CORRUPT && i == 0 && !is_sound(state))
            return false;
        fuzz_require(status == SEGJ_OK, "append: %s", segj_last_error());
        fuzz_require(position == state->count + i, "an append at the wrong place");
    }
    fuzz_require(oversized_sync(journal, LOG_SECTION) == SEGJ_OK, "sync: %s", segj_last_error());
    (void)run;
    return true;
}

static uint64_t rewind_half(oversized_t *journal, const state_t *state)
{
    uint64_t keep = state->count / 2;
    segj_status_t status = oversized_rewind_section_to(journal, LOG_SECTION, keep);
    fuzz_require(status == SEGJ_OK || (status == SEGJ_ERR_CORRUPT && !is_sound(state)), "rewind: %s",
                 segj_last_error());
    return status == SEGJ_OK ? keep : state->count;
}

static void go_on(run_t *run, state_t before)
{
    oversized_t *journal = open_it(run, false);
    fuzz_require(journal != NULL || !run->agrees, "a third open: %s", segj_last_error());
    if (journal == NULL)
        return;
    if ((run->how & LOG_REWIND) != 0)
        before.count = rewind_half(journal, &before);
    bool more = append_more(run, journal, &before);
    end_journal(run, journal);
    journal = open_it(run, false);
    fuzz_require(journal != NULL || !run->agrees, "behind appends: %s", segj_last_error());
    if (journal == NULL)
        return;
    state_t after = look(run, journal);
    /* Behind a frame and a part of the index that would make each other good a section ends when it is repaired. */
    fuzz_require(after.count == before.count + (more ? MORE : 0) || !run->agrees, "%llu records behind appends to %llu",
                 (unsigned long long)after.count, (unsigned long long)before.count);
    require_same_state(run, &after, &before, before.count < after.count ? before.count : after.count, "behind appends");
    end_journal(run, journal);
}

static void run_journal(run_t *run)
{
    state_t shown = {0};
    judge(run);
    oversized_t *journal = open_it(run, true);
    bool refused = journal == NULL;
    if (!refused) {
        shown = look(run, journal);
        require_frames(run, &shown);
        oversized_abandon(journal);
    }
    require_unchanged(run, "a read-only open");
    journal = open_it(run, false);
    fuzz_require((journal == NULL) == refused, "a read-only open answers otherwise: %s", segj_last_error());
    if (journal == NULL) {
        require_unchanged(run, "a refused open");
        return;
    }
    state_t state = look(run, journal);
    fuzz_require(state.count == shown.count, "%llu records, read-only %llu", (unsigned long long)state.count,
                 (unsigned long long)shown.count);
    require_same_state(run, &state, &shown, state.count, "after a read-only open");
    end_journal(run, journal);
    take_files(run);
    journal = open_it(run, false);
    fuzz_require(journal != NULL || !run->agrees, "a second open: %s", segj_last_error());
    if (journal == NULL)
        return;
    state_t again = look(run, journal);
    fuzz_require(again.count == state.count || !run->agrees, "a second open shows %llu records, the first %llu",
                 (unsigned long long)again.count, (unsigned long long)state.count);
    require_same_state(run, &again, &state, state.count, "a second open");
    end_journal(run, journal);
    go_on(run, again);
}

static void run_log(const uint8_t *data, size_t size)
{
    log_image_t image;
    run_t run = {.how = 0};
    if (!log_parse(data, size, &image))
        return;
    run.how = image.how;
    fuzz_require(segj_storage_memory_create(&run.storage) == SEGJ_OK, "no storage");
    oversized_config_init(&run.config);
    run.config.directory = vessel_directory;
    run.config.storage = run.storage;
    run.config.entry_size = image.entry_size;
    run.config.page_size = image.page_size;
    run.config.page_cache_pages = 2;
    run.config.index_write_buffer = run.config.value_write_buffer = 500;
    run.config.max_value_size = MOST_VALUE;
    run.config.native_version = 2;
    run.index = log_index(&image);
    run.values = log_values(&image);
    vessel_put(run.storage, run.config.index_partition, LOG_SECTION, &run.index);
    vessel_put(run.storage, run.config.value_partition, LOG_SECTION, &run.values);
    run_journal(&run);
    free_bytes(&run.index);
    free_bytes(&run.values);
    segj_storage_memory_destroy(run.storage);
}

const fuzz_target_t fuzz_log = {"log", LOG_MOST, run_log, log_mutate};
