/*
 * oversized/verdict.c: what a section holds (semantics.md: "Verdict of a section, native"; DESIGN.md, "Open"). Reads only,
 * and every failed read is a failure: nothing here mistakes one for the end of a section.
 *
 * Up to the watermark W records are believed; their last one is looked at, and where it is not readable or its value is
 * missing, synced data is lost and the section ends at the last record that is there. From W on a record is believed
 * when its pages are valid, it begins where the one before ended, and its value's checksum is right; the first that is
 * not is the end, because a crash may have kept any part of what was never synced.
 */
#include "oversized/recover.h"

#include <stdlib.h>
#include <string.h>

#include "journal/record_format.h"

#define PAGES_BYTES ((size_t)128 << 10)
#define WINDOW_BYTES ((size_t)256 << 10)

/** The two files of the section that is being judged. */
typedef struct judged {
    segj_io_file_t index, values;
    uint64_t pages;       /* whole pages of the index */
    uint64_t values_size; /* bytes of data */
} judged_t;

segj_status_t segj_scan_init(segj_scan_t *scan, oversized_t *journal)
{
    size_t physical = segj_page_physical(journal->env.page_size);
    *scan = (segj_scan_t){.journal = journal, .window_size = WINDOW_BYTES};
    scan->capacity = PAGES_BYTES > physical ? PAGES_BYTES / physical : 1;
    scan->pages = malloc(scan->capacity * physical);
    scan->record = malloc(journal->env.record_size);
    scan->window = malloc(scan->window_size);
    if (scan->pages != NULL && scan->record != NULL && scan->window != NULL)
        return SEGJ_OK;
    segj_scan_free(scan);
    return segj_fail_memory(scan->capacity * physical + scan->window_size);
}

void segj_scan_free(segj_scan_t *scan)
{
    free(scan->pages);
    free(scan->record);
    free(scan->window);
    scan->pages = scan->record = scan->window = NULL;
}

/* Another section: what is in memory is not its own. */
static void forget(segj_scan_t *scan)
{
    scan->loaded = 0;
    scan->window_loaded = 0;
    scan->known = SEGJ_NO_PAGE;
}

/* --- headers --- */

static segj_status_t differs(const segj_io_file_t *file, const char *what, uint64_t found, uint64_t expected)
{
    return segj_io_fail(SEGJ_ERR_MISMATCH, file, 0, "%s is %llu, expected %llu", what, (unsigned long long)found,
                        (unsigned long long)expected);
}

static segj_status_t compare(const segj_io_file_t *file, const segj_identity_t *found, const segj_identity_t *expected)
{
    if (found->kind != expected->kind)
        return differs(file, "the kind of the file (1: index, 2: values)", found->kind, expected->kind);
    if (found->section != expected->section)
        return differs(file, "the section in the header", found->section, expected->section);
    if (found->page_size != expected->page_size)
        return differs(file, "the page size", found->page_size, expected->page_size);
    if (found->record_size != expected->record_size)
        return differs(file, "the record size", found->record_size, expected->record_size);
    return SEGJ_OK;
}

/* Judges a header of which `size` bytes are there, in a file of `file_size` bytes. */
static segj_status_t judge_header(const segj_io_file_t *file, const uint8_t *block, size_t size, uint64_t file_size,
                                  segj_identity_t *identity, bool *valid)
{
    segj_identity_t found;
    const char *why;
    bool has_data = file_size > (identity->kind == SEGJ_KIND_INDEX ? SEGJ_INDEX_DATA_OFFSET : SEGJ_VALUES_DATA_OFFSET);
    /* Bytes behind the fields are judged only where they must have been durable: a crash while the header was written
     * may have left anything there. */
    size_t judged = size < SEGJ_BLOCK_SIZE ? size : SEGJ_BLOCK_SIZE;
    if (!has_data && judged > 32)
        judged = 32;
    *valid = false;
    switch (segj_identity_decode(block, judged, &found, &why)) {
    case SEGJ_HEADER_VALID:
        break;
    case SEGJ_HEADER_NONE:
        return has_data ? segj_io_fail(SEGJ_ERR_CORRUPT, file, 0, "%s, and the file holds data", why) : SEGJ_OK;
    case SEGJ_HEADER_FOREIGN:
        return segj_io_fail(SEGJ_ERR_MISMATCH, file, 0, "%s", why);
    default:
        return segj_io_fail(SEGJ_ERR_CORRUPT, file, 0, "%s", why);
    }
    segj_status_t status = compare(file, &found, identity);
    if (status != SEGJ_OK)
        return status;
    *identity = found;
    *valid = true;
    return SEGJ_OK;
}

static segj_status_t read_index_header(const segj_scan_t *scan, segj_plan_t *plan, judged_t *judged)
{
    const segj_env_t *env = &scan->journal->env;
    const segj_io_file_t *file = &judged->index;
    uint8_t header[3 * SEGJ_BLOCK_SIZE];
    size_t got;
    segj_status_t status = segj_io_size(file, &plan->index_size);
    if (status == SEGJ_OK)
        status = segj_io_read(file, 0, header, sizeof header, &got);
    if (status != SEGJ_OK)
        return status;
    segj_identity_t identity = {SEGJ_KIND_INDEX, false, env->page_size, env->record_size, file->section};
    status = judge_header(file, header, got, plan->index_size, &identity, &plan->index_valid);
    if (status != SEGJ_OK || !plan->index_valid)
        return status;
    for (unsigned slot = 0; slot < 2; slot++)
        if (got >= segj_mark_offset(slot) + SEGJ_SLOT_SIZE)
            plan->marks[slot] = segj_mark_decode(header + segj_mark_offset(slot), file->section);
    if (plan->index_size > SEGJ_INDEX_DATA_OFFSET)
        judged->pages = (plan->index_size - SEGJ_INDEX_DATA_OFFSET) / segj_page_physical(env->page_size);
    return SEGJ_OK;
}

static segj_status_t read_values_header(segj_plan_t *plan, judged_t *judged)
{
    const segj_io_file_t *file = &judged->values;
    uint8_t header[SEGJ_BLOCK_SIZE];
    size_t got;
    segj_status_t status = segj_io_size(file, &plan->value_size);
    if (status == SEGJ_OK)
        status = segj_io_read(file, 0, header, sizeof header, &got);
    if (status != SEGJ_OK)
        return status;
    segj_identity_t identity = {.kind = SEGJ_KIND_VALUES, .section = file->section};
    status = judge_header(file, header, got, plan->value_size, &identity, &plan->value_valid);
    if (status == SEGJ_OK && plan->value_valid)
        plan->section->values.compressed = identity.compressed;
    if (status == SEGJ_OK && plan->value_size > SEGJ_VALUES_DATA_OFFSET)
        judged->values_size = plan->value_size - SEGJ_VALUES_DATA_OFFSET;
    return status;
}

/* The valid slot with the higher number counts. */
static void take_marks(segj_plan_t *plan)
{
    segj_fixed_t *index = &plan->section->index;
    bool second = plan->marks[1].valid && (!plan->marks[0].valid || plan->marks[1].sequence > plan->marks[0].sequence);
    const segj_mark_t *newest = &plan->marks[second ? 1 : 0];
    if (!newest->valid)
        return;
    plan->watermark = newest->records;
    index->newest_slot = second ? 1 : 0;
    index->sequence = newest->sequence;
    index->marked = newest->records;
}

segj_status_t segj_scan_page_size(const segj_part_t *index, const uint64_t *sections, size_t count, uint16_t *page_size)
{
    *page_size = 0;
    for (size_t i = 0; i < count && *page_size == 0; i++) {
        segj_io_file_t file;
        uint8_t header[32];
        size_t got;
        segj_identity_t identity;
        const char *why;
        segj_status_t status = segj_io_open(&file, index, sections[i], SEGJ_OPEN_READ, NULL);
        if (status != SEGJ_OK)
            return status;
        status = segj_io_read(&file, 0, header, sizeof header, &got);
        segj_io_close(&file);
        if (status != SEGJ_OK)
            return status;
        if (segj_identity_decode(header, got, &identity, &why) == SEGJ_HEADER_VALID)
            *page_size = identity.page_size;
    }
    return SEGJ_OK;
}

/* --- records --- */

/* Has page `page` in memory; reads `count` pages from `first` on where it does not. */
static segj_status_t load(segj_scan_t *scan, const judged_t *judged, uint64_t page, uint64_t first, size_t count)
{
    size_t physical = segj_page_physical(scan->journal->env.page_size);
    if (page >= scan->first && page - scan->first < scan->loaded)
        return SEGJ_OK;
    if (count > judged->pages - first)
        count = (size_t)(judged->pages - first);
    scan->loaded = 0;
    segj_status_t status =
        segj_io_read(&judged->index, SEGJ_INDEX_DATA_OFFSET + first * physical, scan->pages, count * physical, NULL);
    if (status != SEGJ_OK)
        return status;
    scan->first = first;
    scan->loaded = count;
    return SEGJ_OK;
}

typedef enum direction { ONE_PAGE, FORWARD, BACKWARD } direction_t;

/* The valid bytes of a page that exists. */
static segj_status_t page_length(segj_scan_t *scan, const judged_t *judged, uint64_t page, direction_t direction,
                                 const uint8_t **bytes, uint16_t *length)
{
    uint16_t page_size = scan->journal->env.page_size;
    uint64_t first = page;
    if (direction == BACKWARD)
        first = page + 1 > scan->capacity ? page + 1 - scan->capacity : 0;
    segj_status_t status = load(scan, judged, page, first, direction == ONE_PAGE ? 1 : scan->capacity);
    if (status != SEGJ_OK)
        return status;
    *bytes = scan->pages + (size_t)(page - scan->first) * segj_page_physical(page_size);
    if (page != scan->known) {
        scan->known = page;
        scan->known_length = segj_page_verify(*bytes, page_size, judged->index.section, page).length;
    }
    *length = scan->known_length;
    return SEGJ_OK;
}

/* Reads a record into scan->record; *readable: each of its pages is valid that far. */
static segj_status_t read_record(segj_scan_t *scan, const judged_t *judged, uint64_t number, direction_t direction,
                                 bool *readable, oversized_location_t *location)
{
    const segj_env_t *env = &scan->journal->env;
    uint64_t offset = number * env->record_size;
    size_t done = 0;
    *readable = false;
    while (done < env->record_size) {
        uint64_t page = (offset + done) / env->page_size;
        size_t from = (size_t)((offset + done) % env->page_size);
        size_t left = env->record_size - done;
        size_t part = env->page_size - from < left ? env->page_size - from : left;
        const uint8_t *bytes;
        uint16_t length;
        if (page >= judged->pages)
            return SEGJ_OK;
        segj_status_t status = page_length(scan, judged, page, direction, &bytes, &length);
        if (status != SEGJ_OK || from + part > length)
            return status;
        memcpy(scan->record + done, bytes + from, part);
        done += part;
    }
    *readable = true;
    *location = segj_location_decode(scan->record + env->record_size - OVERSIZED_LOCATION_SIZE);
    return SEGJ_OK;
}

/* --- values --- */

/* Has at least one byte at `offset` in the window, and tells how many. */
static segj_status_t look(segj_scan_t *scan, const judged_t *judged, uint64_t offset, const uint8_t **bytes,
                          size_t *size)
{
    if (offset < scan->window_offset || offset - scan->window_offset >= scan->window_loaded) {
        uint64_t left = judged->values_size - offset;
        size_t wanted = left < scan->window_size ? (size_t)left : scan->window_size;
        scan->window_loaded = 0;
        segj_status_t status =
            segj_io_read(&judged->values, SEGJ_VALUES_DATA_OFFSET + offset, scan->window, wanted, NULL);
        if (status != SEGJ_OK)
            return status;
        scan->window_offset = offset;
        scan->window_loaded = wanted;
    }
    *bytes = scan->window + (size_t)(offset - scan->window_offset);
    *size = scan->window_loaded - (size_t)(offset - scan->window_offset);
    return SEGJ_OK;
}

/* Whether the frame at a location, which is in range, has the right checksum. Streams: memory does not grow with it. */
static segj_status_t verify_value(segj_scan_t *scan, const judged_t *judged, oversized_location_t location, bool *right)
{
    uint64_t at = location.offset;
    uint64_t end = at + location.size - SEGJ_FRAME_TRAILER;
    uint32_t crc = segj_frame_seed(judged->values.section, at);
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    size_t have = 0;
    scan->verified++;
    while (have < sizeof trailer) {
        const uint8_t *bytes;
        size_t size;
        segj_status_t status = look(scan, judged, at, &bytes, &size);
        if (status != SEGJ_OK)
            return status;
        if (at < end) {
            size = (size_t)segj_min_u64(size, end - at);
            crc = segj_crc32(crc, bytes, size);
            at += size;
        } else {
            trailer[have++] = bytes[0];
            at++;
        }
    }
    *right = segj_get_u32(trailer) == crc;
    return SEGJ_OK;
}

/* --- the verdict --- */

/* From record `count` back to the last one that is readable and whose value is there. */
static segj_status_t go_back(segj_scan_t *scan, segj_plan_t *plan, const judged_t *judged, uint64_t count)
{
    direction_t direction = ONE_PAGE;
    while (count > 0) {
        bool readable;
        oversized_location_t location;
        segj_status_t status = read_record(scan, judged, count - 1, direction, &readable, &location);
        if (status != SEGJ_OK)
            return status;
        if (readable && segj_location_end(location, judged->values_size, &plan->end))
            break;
        direction = BACKWARD;
        count--;
    }
    plan->records = count;
    if (count == 0)
        plan->end = 0;
    return SEGJ_OK;
}

/* From W on, as long as everything is right. */
static segj_status_t go_forward(segj_scan_t *scan, segj_plan_t *plan, const judged_t *judged)
{
    for (;;) {
        bool right;
        uint64_t end;
        oversized_location_t location;
        segj_status_t status = read_record(scan, judged, plan->records, FORWARD, &right, &location);
        if (status != SEGJ_OK || !right)
            return status;
        if (location.offset != plan->end || !segj_location_end(location, judged->values_size, &end))
            return SEGJ_OK;
        status = verify_value(scan, judged, location, &right);
        if (status != SEGJ_OK || !right)
            return status;
        plan->records++;
        plan->end = end;
    }
}

/* Whole records that the index has, by its size and the length of its last page. */
static segj_status_t count_records(segj_scan_t *scan, segj_plan_t *plan, const judged_t *judged)
{
    const segj_env_t *env = &scan->journal->env;
    const uint8_t *bytes;
    uint16_t length;
    if (judged->pages == 0)
        return SEGJ_OK;
    segj_status_t status = page_length(scan, judged, judged->pages - 1, ONE_PAGE, &bytes, &length);
    if (status == SEGJ_OK)
        plan->exist = ((judged->pages - 1) * env->page_size + length) / env->record_size;
    return status;
}

/* What lies behind the records that stay, and with it whether there is anything to do. */
static segj_status_t compare_with_files(segj_scan_t *scan, segj_plan_t *plan, const judged_t *judged)
{
    const segj_env_t *env = &scan->journal->env;
    uint64_t bytes = plan->records * env->record_size;
    uint16_t partial = (uint16_t)(bytes % env->page_size);
    plan->last_length = partial;
    if (partial > 0) {
        const uint8_t *page;
        segj_status_t status = page_length(scan, judged, bytes / env->page_size, ONE_PAGE, &page, &plan->last_length);
        if (status != SEGJ_OK)
            return status;
    }
    plan->cut = plan->index_size > segj_fixed_file_size(env, plan->records) || plan->last_length != partial ||
                judged->values_size > plan->end;
    bool cut_marked = plan->marks[0].valid && plan->marks[1].valid && plan->marks[0].records == plan->marks[1].records;
    plan->clean = !plan->cut && !cut_marked && plan->records == plan->watermark && plan->records > 0 &&
                  plan->index_valid && plan->value_valid;
    return SEGJ_OK;
}

static segj_status_t judge(segj_scan_t *scan, segj_plan_t *plan, judged_t *judged)
{
    const segj_env_t *env = &scan->journal->env;
    segj_status_t status = read_index_header(scan, plan, judged);
    /* A file that is new, or will be made, follows the configuration; others go on as they are. */
    plan->section->values.compressed = scan->journal->codec.level != 0;
    if (status == SEGJ_OK && plan->value_there)
        status = read_values_header(plan, judged);
    if (status != SEGJ_OK)
        return status;
    take_marks(plan);
    forget(scan);
    uint64_t most = judged->pages * env->page_size / env->record_size;
    status = count_records(scan, plan, judged);
    if (status == SEGJ_OK)
        status = go_back(scan, plan, judged, segj_min_u64(plan->watermark, most));
    plan->watermark_end = plan->end;
    if (status == SEGJ_OK && plan->records == plan->watermark)
        status = go_forward(scan, plan, judged);
    return status == SEGJ_OK ? compare_with_files(scan, plan, judged) : status;
}

static segj_status_t open_both(const segj_scan_t *scan, const segj_plan_t *plan, judged_t *judged)
{
    const segj_env_t *env = &scan->journal->env;
    uint64_t number = plan->number;
    *judged = (judged_t){.index = {&env->index, number, NULL}, .values = {&env->values, number, NULL}};
    segj_status_t status = segj_io_open(&judged->index, &env->index, number, SEGJ_OPEN_READ, NULL);
    if (status == SEGJ_OK && plan->value_there)
        status = segj_io_open(&judged->values, &env->values, number, SEGJ_OPEN_READ, NULL);
    return status;
}

segj_status_t segj_verdict(segj_scan_t *scan, segj_plan_t *plan)
{
    judged_t judged;
    segj_status_t status = open_both(scan, plan, &judged);
    if (status == SEGJ_OK)
        status = judge(scan, plan, &judged);
    segj_io_close(&judged.index);
    segj_io_close(&judged.values);
    return status;
}

segj_status_t segj_verdict_orphan(segj_scan_t *scan, uint64_t number)
{
    const segj_env_t *env = &scan->journal->env;
    judged_t judged;
    uint8_t header[SEGJ_BLOCK_SIZE];
    segj_identity_t identity = {.kind = SEGJ_KIND_VALUES, .section = number};
    uint64_t file_size = 0;
    size_t got = 0;
    bool valid;
    segj_status_t status = segj_io_open(&judged.values, &env->values, number, SEGJ_OPEN_READ, NULL);
    if (status != SEGJ_OK)
        return status;
    status = segj_io_size(&judged.values, &file_size);
    if (status == SEGJ_OK)
        status = segj_io_read(&judged.values, 0, header, sizeof header, &got);
    if (status == SEGJ_OK)
        status = judge_header(&judged.values, header, got, file_size, &identity, &valid);
    segj_io_close(&judged.values);
    return status;
}

/* The end of the last record's values; a checkpoint that ends in a damaged page cannot be restored. */
static segj_status_t shorten(segj_scan_t *scan, segj_plan_t *plan, judged_t *judged, uint64_t records)
{
    const segj_env_t *env = &scan->journal->env;
    bool readable = true;
    oversized_location_t location;
    judged->pages = (plan->index_size - SEGJ_INDEX_DATA_OFFSET) / segj_page_physical(env->page_size);
    judged->values_size = plan->value_size - SEGJ_VALUES_DATA_OFFSET;
    plan->end = 0;
    forget(scan);
    if (records > 0) {
        segj_status_t status = read_record(scan, judged, records - 1, ONE_PAGE, &readable, &location);
        if (status != SEGJ_OK)
            return status;
        if (!readable || !segj_location_end(location, judged->values_size, &plan->end))
            return segj_io_fail(SEGJ_ERR_CORRUPT, &judged->index, 0, "record %llu, the checkpoint's last, is damaged",
                                (unsigned long long)(records - 1));
    }
    plan->records = records;
    if (records < plan->watermark)
        plan->watermark_end = plan->end;
    return compare_with_files(scan, plan, judged);
}

segj_status_t segj_verdict_shorten(segj_scan_t *scan, segj_plan_t *plan, uint64_t records)
{
    judged_t judged;
    if (records == plan->records)
        return SEGJ_OK;
    segj_status_t status = open_both(scan, plan, &judged);
    if (status == SEGJ_OK)
        status = shorten(scan, plan, &judged, records);
    segj_io_close(&judged.index);
    segj_io_close(&judged.values);
    return status;
}
