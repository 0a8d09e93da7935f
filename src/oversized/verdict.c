/*
 * oversized/verdict.c: what a section holds (DESIGN.md, "Open"). Reads only,
 * and every failed read is a failure: nothing here mistakes one for the end of a section.
 *
 * Up to the watermark W records are believed; their last one is looked at, and where it is not readable or its value is
 * missing, synced data is lost and the section ends at the last record that is there. From W on a record is believed
 * when its pages are valid, it begins where the one before ended, and its value's checksum is right; the first that is
 * not is the end, because a crash may have kept any part of what was never synced.
 */
#include "oversized/recover.h"

#include "journal/record_format.h"

/* --- headers --- */

static segj_status_t differs(const segj_io_file_t *file, const char *what, uint64_t found, uint64_t expected)
{
    return segj_io_fail(SEGJ_ERR_MISMATCH, file, 0, "%s is %llu, expected %llu", what, (unsigned long long)found,
                        (unsigned long long)expected);
}

segj_status_t segj_say_entry_sizes(segj_status_t status, uint32_t found, uint32_t expected)
{
    segj_say_behind(": entry_size is %u bytes, config.entry_size is %u bytes",
                    (unsigned)(found - OVERSIZED_LOCATION_SIZE), (unsigned)(expected - OVERSIZED_LOCATION_SIZE));
    return status;
}

static segj_status_t verdict_compare(const segj_io_file_t *file, const segj_identity_t *found,
                                     const segj_identity_t *expected)
{
    if (found->kind != expected->kind)
        return differs(file, "the kind of the file (1: index, 2: values)", found->kind, expected->kind);
    if (found->section != expected->section)
        return differs(file, "the section in the header", found->section, expected->section);
    if (found->page_size != expected->page_size)
        return differs(file, "the page size in bytes", found->page_size, expected->page_size);
    if (found->record_size != expected->record_size)
        return segj_say_entry_sizes(
            differs(file, "the record size in bytes", found->record_size, expected->record_size), found->record_size,
            expected->record_size);
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
    segj_status_t status = verdict_compare(file, &found, identity);
    if (status != SEGJ_OK)
        return status;
    *identity = found;
    *valid = true;
    return SEGJ_OK;
}

static segj_status_t read_index_header(const segj_scan_t *scan, segj_plan_t *plan, segj_judged_t *judged)
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
    if (plan->index_size > file->data)
        judged->pages = (plan->index_size - file->data) / segj_page_physical(env->page_size);
    return SEGJ_OK;
}

static segj_status_t read_values_header(segj_plan_t *plan, segj_judged_t *judged)
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
    if (status == SEGJ_OK && plan->value_size > file->data)
        judged->values_size = plan->value_size - file->data;
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

/* --- the verdict --- */

/* From W on, as long as everything is right. */
static segj_status_t go_forward(segj_scan_t *scan, segj_plan_t *plan, const segj_judged_t *judged)
{
    for (;;) {
        bool right;
        uint64_t end;
        oversized_location_t location;
        segj_status_t status = segj_scan_record(scan, judged, plan->records, SEGJ_FORWARD, &right, &location);
        if (status != SEGJ_OK || !right)
            return status;
        if (location.offset != plan->end || !segj_location_end(location, judged->values_size, &end))
            return SEGJ_OK;
        status = segj_scan_value(scan, judged, location, &right);
        if (status != SEGJ_OK || !right)
            return status;
        plan->records++;
        plan->end = end;
    }
}

/* Whole records that the index has, by its size and the length of its last page. */
static segj_status_t verdict_count_records(segj_scan_t *scan, segj_plan_t *plan, const segj_judged_t *judged)
{
    const segj_env_t *env = &scan->journal->env;
    const uint8_t *bytes;
    uint16_t length;
    if (judged->pages == 0)
        return SEGJ_OK;
    segj_status_t status = segj_scan_page(scan, judged, judged->pages - 1, SEGJ_ONE_PAGE, &bytes, &length);
    if (status == SEGJ_OK)
        plan->exist = ((judged->pages - 1) * env->page_size + length) / env->record_size;
    return status;
}

/* What lies behind the records that stay, and with it whether there is anything to do. */
static segj_status_t compare_with_files(segj_scan_t *scan, segj_plan_t *plan, const segj_judged_t *judged)
{
    const segj_env_t *env = &scan->journal->env;
    uint64_t bytes = plan->records * env->record_size;
    uint16_t partial = (uint16_t)(bytes % env->page_size);
    plan->last_length = partial;
    if (partial > 0) {
        const uint8_t *page;
        segj_status_t status =
            segj_scan_page(scan, judged, bytes / env->page_size, SEGJ_ONE_PAGE, &page, &plan->last_length);
        if (status != SEGJ_OK)
            return status;
    }
    plan->cut_index =
        plan->index_size > segj_fixed_file_size(env, judged->index.data, plan->records) || plan->last_length != partial;
    plan->cut = plan->cut_index || judged->values_size > plan->end;
    bool cut_marked = plan->marks[0].valid && plan->marks[1].valid && plan->marks[0].records == plan->marks[1].records;
    bool marked = plan->records == plan->watermark && plan->records > 0 && !cut_marked;
    plan->clean = !plan->cut && plan->index_valid && plan->value_valid && (marked || env->format != SEGJ_FORMAT_NATIVE);
    return SEGJ_OK;
}

/* Of one file the header is missing, and the other one holds data. */
static segj_status_t headless(const segj_io_file_t *file, const segj_io_file_t *other, uint64_t data)
{
    return segj_io_fail(
        SEGJ_ERR_CORRUPT, file, 0,
        "the file has no whole header, while %s/%016llx holds %llu bytes of data: no crash leaves that. "
        "Bring the file back from a copy, or move both away to do without the section",
        other->part->name, (unsigned long long)other->section, (unsigned long long)data);
}

/*
 * Both headers are durable, at their full size, before any data follows in either file, and a values file that is made
 * for an index that was there finds it without pages. So data beside a file without its header is no crash's work, and
 * is not cut for it. Where W says that values were synced they are reported as lost instead, as any others that are
 * gone.
 */
static segj_status_t check_headers(const segj_plan_t *plan, const segj_judged_t *judged)
{
    const segj_io_file_t *index = &judged->index;
    const segj_io_file_t *values = &judged->values;
    bool index_whole = plan->index_valid && plan->index_size >= index->data;
    bool values_whole = plan->value_valid && plan->value_size >= values->data;
    if (!index_whole && plan->value_size > values->data)
        return headless(index, values, plan->value_size - values->data);
    if (plan->value_there && !values_whole && plan->index_size > index->data && plan->watermark == 0)
        return headless(values, index, plan->index_size - index->data);
    return SEGJ_OK;
}

static segj_status_t judge_native(segj_scan_t *scan, segj_plan_t *plan, segj_judged_t *judged)
{
    const segj_env_t *env = &scan->journal->env;
    segj_status_t status = read_index_header(scan, plan, judged);
    if (status == SEGJ_OK && plan->value_there)
        status = read_values_header(plan, judged);
    if (status != SEGJ_OK)
        return status;
    take_marks(plan);
    status = check_headers(plan, judged);
    if (status != SEGJ_OK)
        return status;
    uint64_t most = judged->pages * env->page_size / env->record_size;
    status = verdict_count_records(scan, plan, judged);
    if (status == SEGJ_OK)
        status = segj_scan_back(scan, judged, segj_min_u64(plan->watermark, most), false, &plan->records, &plan->end);
    plan->watermark_end = plan->end;
    if (status == SEGJ_OK && plan->records == plan->watermark)
        status = go_forward(scan, plan, judged);
    return status;
}

static segj_status_t open_both(const segj_scan_t *scan, const segj_plan_t *plan, segj_judged_t *judged)
{
    const segj_env_t *env = &scan->journal->env;
    uint64_t number = plan->number;
    *judged = (segj_judged_t){0};
    segj_status_t status = segj_io_open(&judged->index, &env->index, number, SEGJ_OPEN_READ, NULL);
    if (status == SEGJ_OK && plan->value_there)
        status = segj_io_open(&judged->values, &env->values, number, SEGJ_OPEN_READ, NULL);
    judged->index.data = plan->section->index.handle.file.data;
    judged->values.data = plan->section->values.handle.file.data;
    return status;
}

static void keep_open(const segj_scan_t *scan, const segj_plan_t *plan, segj_judged_t *judged)
{
    segj_files_t *files = &scan->journal->env.files;
    segj_lock(files->state);
    segj_files_adopt(files, &plan->section->index.handle, &judged->index);
    segj_files_adopt(files, &plan->section->values.handle, &judged->values);
    segj_unlock(files->state);
}

segj_status_t segj_verdict(segj_scan_t *scan, segj_plan_t *plan)
{
    segj_judged_t judged;
    segj_status_t status = open_both(scan, plan, &judged);
    /* A file that is new, or will be made, follows the configuration; native ones that are there go on as they are. */
    plan->section->values.compressed = scan->journal->codec.level != 0;
    segj_scan_forget(scan);
    if (status == SEGJ_OK)
        status = scan->journal->env.format == SEGJ_FORMAT_NATIVE ? judge_native(scan, plan, &judged)
                                                                 : segj_judge_commonware(scan, plan, &judged);
    if (status == SEGJ_OK)
        status = compare_with_files(scan, plan, &judged);
    if (status == SEGJ_OK && plan->keep && plan->clean)
        keep_open(scan, plan, &judged);
    segj_io_close(&judged.index);
    segj_io_close(&judged.values);
    return status;
}

static segj_status_t judge_orphan_header(const segj_io_file_t *file, uint64_t file_size, bool *valid)
{
    uint8_t header[SEGJ_BLOCK_SIZE];
    segj_identity_t identity = {.kind = SEGJ_KIND_VALUES, .section = file->section};
    size_t got;
    segj_status_t status = segj_io_read(file, 0, header, sizeof header, &got);
    return status == SEGJ_OK ? judge_header(file, header, got, file_size, &identity, valid) : status;
}

segj_status_t segj_verdict_orphan(segj_scan_t *scan, uint64_t number, uint64_t *data)
{
    const segj_env_t *env = &scan->journal->env;
    segj_io_file_t file;
    uint64_t file_size = 0;
    bool valid;
    *data = 0;
    segj_status_t status = segj_io_open(&file, &env->values, number, SEGJ_OPEN_READ, NULL);
    if (status != SEGJ_OK)
        return status;
    status = segj_io_size(&file, &file_size);
    if (status == SEGJ_OK)
        status = env->format == SEGJ_FORMAT_NATIVE ? judge_orphan_header(&file, file_size, &valid)
                                                   : segj_judge_commonware_header(&file, file_size, &valid);
    segj_io_close(&file);
    if (env->format == SEGJ_FORMAT_NATIVE)
        file.data = SEGJ_VALUES_DATA_OFFSET;
    if (status == SEGJ_OK && file_size > file.data)
        *data = file_size - file.data;
    return status;
}

/* The end of the last record's values; a checkpoint that ends in a damaged page cannot be restored. */
static segj_status_t verdict_shorten(segj_scan_t *scan, segj_plan_t *plan, segj_judged_t *judged, uint64_t records)
{
    const segj_env_t *env = &scan->journal->env;
    bool readable = true;
    oversized_location_t location;
    judged->pages = (plan->index_size - judged->index.data) / segj_page_physical(env->page_size);
    judged->values_size = plan->value_size - judged->values.data;
    plan->end = 0;
    segj_scan_forget(scan);
    if (records > 0) {
        segj_status_t status = segj_scan_record(scan, judged, records - 1, SEGJ_ONE_PAGE, &readable, &location);
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
    segj_judged_t judged;
    if (records == plan->records)
        return SEGJ_OK;
    segj_status_t status = open_both(scan, plan, &judged);
    if (status == SEGJ_OK)
        status = verdict_shorten(scan, plan, &judged, records);
    segj_io_close(&judged.index);
    segj_io_close(&judged.values);
    return status;
}
