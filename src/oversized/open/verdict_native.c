/*
 * oversized/open/verdict_native.c: what a section of the native format holds (DESIGN.md, "Open"). Reads only, and
 * every failed read is a failure: nothing here mistakes one for the end of a section.
 *
 * Up to the watermark W records are trusted; their last one is looked at, and where it is not readable or its value is
 * missing, synced data is lost and the section ends at the last record that is there. From W on a record is trusted
 * when its pages are valid, it begins where the one before ended, and its value's checksum is right; the first that is
 * not is the end, because a crash may have kept any part of what was never synced.
 */
#include "oversized/open/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "journal/dictionary_file.h"
#include "journal/record_format.h"
#include "journal/salt.h"
#include "oversized/open/verdict_log.h"
#include "oversized/section/section.h"

static segj_status_t differs(const segj_io_file_t *file, const char *what, uint64_t found, uint64_t expected)
{
    return segj_io_fail(SEGJ_ERR_MISMATCH, file, 0, "%s is %llu, expected %llu", what, (unsigned long long)found,
                        (unsigned long long)expected);
}

segj_status_t segj_say_entry_sizes(segj_status_t status, uint32_t found, uint32_t expected)
{
    segj_say_after(": entry_size is %u bytes, config.entry_size is %u bytes",
                   (unsigned)(found - OVERSIZED_LOCATION_SIZE), (unsigned)(expected - OVERSIZED_LOCATION_SIZE));
    return status;
}

static segj_status_t compare_identity(const segj_io_file_t *file, const segj_identity_t *found,
                                      const segj_identity_t *expected)
{
    if (found->kind != expected->kind)
        return differs(file, "the kind of the file (1: index, 2: values)", found->kind, expected->kind);
    if (found->section != expected->section)
        return differs(file, "the section in the header", found->section, expected->section);
    bool sized = expected->page_size > 0 && (found->kind == SEGJ_KIND_INDEX || found->version == 2);
    if (sized && found->page_size != expected->page_size)
        return differs(file, "the page size in bytes", found->page_size, expected->page_size);
    if (sized && found->record_size != expected->record_size)
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
    /* Bytes after the fields are judged only where they must have been durable: a crash while the header was written
     * may have left anything there. */
    size_t scanned = size < SEGJ_BLOCK_SIZE ? size : SEGJ_BLOCK_SIZE;
    size_t fields = segj_identity_fields(size >= 6 && segj_get_u16(block + 4) == 2 ? 2 : 1);
    if (!has_data && scanned > fields)
        scanned = fields;
    *valid = false;
    switch (segj_identity_decode(block, scanned, &found, &why)) {
    case SEGJ_HEADER_VALID:
        break;
    case SEGJ_HEADER_NONE:
        return has_data ? segj_io_fail(SEGJ_ERR_CORRUPT, file, 0, "%s, and the file holds data", why) : SEGJ_OK;
    case SEGJ_HEADER_FOREIGN:
        return segj_io_fail(SEGJ_ERR_MISMATCH, file, 0, "%s", why);
    default:
        return segj_io_fail(SEGJ_ERR_CORRUPT, file, 0, "%s", why);
    }
    segj_status_t status = compare_identity(file, &found, identity);
    if (status != SEGJ_OK)
        return status;
    *identity = found;
    *valid = true;
    return SEGJ_OK;
}

/* Whether the header is all that a completed write leaves; one without data is judged by its fields alone. */
static bool is_whole(const uint8_t *block, size_t size)
{
    segj_identity_t identity;
    const char *why;
    return size >= SEGJ_BLOCK_SIZE &&
           segj_identity_decode(block, SEGJ_BLOCK_SIZE, &identity, &why) == SEGJ_HEADER_VALID;
}

/** What the headers of a section's two files say. */
typedef struct headers {
    segj_identity_t index, values; /* where they are valid */
    uint8_t slots[2][SEGJ_SLOT_SIZE_2];
} headers_t;

/* Where the data of a file begins, as its header says. */
static void set_data(segj_io_file_t *file, const segj_identity_t *identity)
{
    file->data = segj_data_offset(identity->kind, identity->dictionary);
}

static segj_status_t read_index_header(const segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned,
                                       headers_t *headers)
{
    const segj_shared_t *shared = &scan->journal->shared;
    const segj_io_file_t *file = &scanned->index;
    uint8_t header[3 * SEGJ_BLOCK_SIZE];
    size_t got;
    segj_status_t status = segj_io_size(file, &plan->index_size);
    if (status == SEGJ_OK)
        status = segj_io_read(file, 0, header, sizeof header, &got);
    if (status != SEGJ_OK)
        return status;
    segj_identity_t identity = {.kind = SEGJ_KIND_INDEX,
                                .page_size = shared->page_size,
                                .record_size = shared->record_size,
                                .section = file->section};
    for (unsigned slot = 0; slot < 2; slot++)
        if (got >= segj_mark_offset(slot) + SEGJ_SLOT_SIZE)
            memcpy(headers->slots[slot], header + segj_mark_offset(slot),
                   (size_t)segj_min_u64(got - segj_mark_offset(slot), SEGJ_SLOT_SIZE_2));
    status = judge_header(file, header, got, plan->index_size, &identity, &plan->index_valid);
    if (status != SEGJ_OK || !plan->index_valid)
        return status;
    plan->index_whole = got == sizeof header && is_whole(header, got);
    headers->index = identity;
    set_data(&scanned->index, &identity);
    if (plan->index_size > file->data)
        scanned->pages = (plan->index_size - file->data) / segj_page_physical(shared->page_size);
    return SEGJ_OK;
}

static segj_status_t read_values_header(const segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned,
                                        headers_t *headers)
{
    const segj_io_file_t *file = &scanned->values;
    uint8_t header[SEGJ_BLOCK_SIZE];
    size_t got;
    segj_status_t status = segj_io_size(file, &plan->value_size);
    if (status == SEGJ_OK)
        status = segj_io_read(file, 0, header, sizeof header, &got);
    if (status != SEGJ_OK)
        return status;
    segj_identity_t identity = {.kind = SEGJ_KIND_VALUES,
                                .page_size = scan->journal->shared.page_size,
                                .record_size = scan->journal->shared.record_size,
                                .section = file->section};
    status = judge_header(file, header, got, plan->value_size, &identity, &plan->value_valid);
    headers->values = identity;
    if (status == SEGJ_OK && plan->value_valid) {
        segj_codec_t *codec = &scan->journal->codec;
        segj_section_set_compressed(plan->section, identity.compressed);
        codec->mixed = codec->mixed || identity.compressed != (codec->level != 0);
    }
    if (status == SEGJ_OK && plan->value_valid)
        set_data(&scanned->values, &identity);
    plan->value_whole = status == SEGJ_OK && is_whole(header, got);
    if (status == SEGJ_OK && plan->value_size > file->data)
        scanned->values_size = plan->value_size - file->data;
    return status;
}

/* The valid slot with the higher number counts. */
static void take_marks(segj_recovery_plan_t *plan)
{
    segj_fixed_t *index = &plan->section->index;
    bool second = plan->marks[1].valid && (!plan->marks[0].valid || plan->marks[1].sequence > plan->marks[0].sequence);
    const segj_mark_t *newest = &plan->marks[second ? 1 : 0];
    if (!newest->valid)
        return;
    plan->watermark = newest->at.records;
    index->newest_slot = second ? 1 : 0;
    index->sequence = newest->sequence;
    index->mark = newest->at;
    index->claimed = newest->at.records;
}

segj_status_t segj_scan_page_size(const segj_io_partition_t *partition, const uint64_t *sections, size_t count,
                                  uint16_t *page_size)
{
    for (size_t i = 0; i < count && *page_size == 0; i++) {
        segj_io_file_t file;
        uint8_t header[SEGJ_IDENTITY_MOST];
        size_t got;
        segj_identity_t identity;
        const char *why;
        segj_status_t status = segj_io_open(&file, partition, sections[i], SEGJ_OPEN_READ, NULL);
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

/* From W on, as long as everything is right. */
static segj_status_t go_forward(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_scanned_t *scanned)
{
    for (;;) {
        bool right;
        uint64_t end;
        oversized_location_t location;
        segj_status_t status = segj_scan_record(scan, scanned, plan->records, SEGJ_FORWARD, &right, &location);
        if (status != SEGJ_OK || !right)
            return status;
        if (location.offset != plan->end || !segj_location_end(0, location, scanned->values_size, &end))
            return SEGJ_OK;
        status = segj_scan_value(scan, scanned, location, &right);
        if (status != SEGJ_OK || !right)
            return status;
        plan->records++;
        plan->end = end;
    }
}

/* Whole records that the index has, by its size and the length of its last page. */
static segj_status_t native_count_records(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_scanned_t *scanned)
{
    const segj_shared_t *shared = &scan->journal->shared;
    const uint8_t *bytes;
    uint16_t length;
    if (scanned->pages == 0)
        return SEGJ_OK;
    segj_status_t status = segj_scan_page(scan, scanned, scanned->pages - 1, SEGJ_ONE_PAGE, &bytes, &length);
    if (status == SEGJ_OK)
        plan->records_on_disk = ((scanned->pages - 1) * shared->page_size + length) / shared->record_size;
    return status;
}

/* Of one file the header is missing, and the other one holds data. */
static segj_status_t headless(const segj_io_file_t *file, const segj_io_file_t *other, uint64_t data)
{
    return segj_io_fail(
        SEGJ_ERR_CORRUPT, file, 0,
        "the file has no whole header, while %s/%016llx holds %llu bytes of data: no crash leaves that. "
        "Bring the file back from a copy, or move both away to do without the section",
        other->partition->name, (unsigned long long)other->section, (unsigned long long)data);
}

/*
 * Both headers are durable, at their full size, before any data follows in either file, and a values file that is made
 * for an index that was there finds it without pages. So data beside a file without its header is no crash's work, and
 * is not cut for it. Where W says that values were synced they are reported as lost instead, as any others that are
 * gone.
 */
static segj_status_t check_headers(const segj_recovery_plan_t *plan, const segj_scanned_t *scanned)
{
    const segj_io_file_t *index = &scanned->index;
    const segj_io_file_t *values = &scanned->values;
    bool index_whole = plan->index_valid && plan->index_size >= index->data;
    bool values_whole = plan->value_valid && plan->value_size >= values->data;
    if (!index_whole && plan->value_size > values->data)
        return headless(index, values, plan->value_size - values->data);
    if (plan->value_there && !values_whole && plan->index_size > index->data && plan->watermark == 0)
        return headless(values, index, plan->index_size - index->data);
    return SEGJ_OK;
}

/* The header of the index is damaged: the values file of version 2 says all that it said. */
static segj_status_t do_without_index(const segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned,
                                      headers_t *headers)
{
    segj_sentence_t cause;
    segj_keep(&cause);
    segj_status_t status = plan->value_there ? read_values_header(scan, plan, scanned, headers) : SEGJ_ERR_CORRUPT;
    if (status == SEGJ_OK && plan->value_valid && headers->values.version == 2)
        return SEGJ_OK;
    segj_say_again(&cause);
    return SEGJ_ERR_CORRUPT;
}

static segj_status_t read_both_headers(const segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned,
                                       headers_t *headers)
{
    segj_status_t status = plan->index_missing ? SEGJ_OK : read_index_header(scan, plan, scanned, headers);
    if (status == SEGJ_ERR_CORRUPT)
        return do_without_index(scan, plan, scanned, headers);
    return status == SEGJ_OK && plan->value_there ? read_values_header(scan, plan, scanned, headers) : status;
}

/* Files of two sections, or of two journals. One without data may be what is left of another one of that name. */
static segj_status_t compare_headers(const segj_recovery_plan_t *plan, const segj_scanned_t *scanned,
                                     const headers_t *headers)
{
    bool both = plan->index_size > scanned->index.data && plan->value_size > scanned->values.data;
    if (!plan->index_valid || !plan->value_valid ||
        (headers->index.version == headers->values.version && headers->index.salt == headers->values.salt))
        return SEGJ_OK;
    if (headers->index.version != headers->values.version)
        return differs(&scanned->values, "the version of the format", headers->values.version, headers->index.version);
    if (!both)
        return SEGJ_OK;
    return segj_io_fail(SEGJ_ERR_MISMATCH, &scanned->values, 0,
                        "the file does not belong to the index %s/%016llx: they were not made together",
                        scanned->index.partition->name, (unsigned long long)plan->number);
}

/* What the files hold after their headers and dictionaries, now that it is known where these end. */
static void count_data(const segj_scan_t *scan, const segj_recovery_plan_t *plan, segj_scanned_t *scanned)
{
    size_t physical = segj_page_physical(scan->journal->shared.page_size);
    bool pages = plan->index_valid && plan->index_size > scanned->index.data;
    scanned->pages = pages ? (plan->index_size - scanned->index.data) / physical : 0;
    scanned->values_size = plan->value_size > scanned->values.data ? plan->value_size - scanned->values.data : 0;
}

/* A dictionary that is damaged in both files, and after which nothing lies or lay, was being written when the power
 * went: the section is made anew, without one. */
static segj_status_t judge_dictionary(segj_recovery_plan_t *plan, segj_scanned_t *scanned)
{
    segj_section_t *section = plan->section;
    const segj_dictionary_id_t dictionary = section->values.dictionary;
    bool right = false;
    if (dictionary.size == 0 || plan->watermark > 0 || scanned->pages > 0 || scanned->values_size > 0)
        return SEGJ_OK;
    uint8_t *bytes = malloc(dictionary.size);
    if (bytes == NULL)
        return segj_fail_memory(dictionary.size);
    segj_status_t status = SEGJ_OK;
    if (plan->value_there)
        status = segj_dictionary_read(&scanned->values, SEGJ_KIND_VALUES, dictionary, bytes, &right);
    if (status == SEGJ_OK && !right)
        status = segj_dictionary_read(&scanned->index, SEGJ_KIND_INDEX, dictionary, bytes, &right);
    free(bytes);
    if (status != SEGJ_OK || right)
        return status;
    plan->undo_dictionary = true;
    plan->index_valid = plan->index_whole = false;
    plan->value_valid = plan->value_whole = false;
    segj_section_set_dictionary(section, (segj_dictionary_id_t){0, 0});
    segj_io_take_properties(&scanned->index, &section->index.handle.file);
    segj_io_take_properties(&scanned->values, &section->values.handle.file);
    return SEGJ_OK;
}

/* A salt is never made up while a file has one; the values file's counts where that has data, because nothing is read
 * without it. */
static void take_version(segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned,
                         const headers_t *headers)
{
    segj_shared_t *shared = &scan->journal->shared;
    const segj_identity_t *identity = plan->index_valid ? &headers->index : &headers->values;
    bool values = plan->value_valid && (!plan->index_valid || plan->value_size > scanned->values.data);
    if (values)
        identity = &headers->values;
    bool alike = headers->index.salt == headers->values.salt && headers->index.sector == headers->values.sector &&
                 segj_dictionary_same(headers->index.dictionary, headers->values.dictionary);
    if (values && plan->index_valid && !alike)
        plan->index_valid = plan->index_whole = false;
    else if (!values && plan->value_valid && !alike) {
        plan->value_valid = plan->value_whole = false;
        plan->other_dictionary = headers->values.dictionary.size > 0;
    }
    if (plan->index_valid || plan->value_valid) {
        segj_section_set_version(scan->journal, plan->section, identity->version, identity->salt);
        segj_section_set_sector(plan->section, identity->sector);
        segj_section_set_dictionary(plan->section, identity->dictionary);
        if (identity->dictionary.size > 0)
            atomic_store(&scan->journal->codec.dictionaries.any, true);
    } else if (shared->native_version == 2) {
        segj_section_set_version(scan->journal, plan->section, 2, segj_salt_make(shared));
        segj_section_set_sector(plan->section, shared->sector_size);
    }
    segj_io_take_properties(&scanned->index, &plan->section->index.handle.file);
    segj_io_take_properties(&scanned->values, &plan->section->values.handle.file);
    count_data(scan, plan, scanned);
}

static void decode_slots(segj_recovery_plan_t *plan, const segj_scanned_t *scanned, const headers_t *headers)
{
    bool log = segj_section_is_log(plan->section);
    for (unsigned slot = 0; slot < 2; slot++) {
        const uint8_t *bytes = headers->slots[slot];
        if (log)
            plan->marks[slot] = segj_mark_decode_2(bytes, scanned->index.binding, slot);
        else if (plan->index_valid)
            plan->marks[slot] = segj_mark_decode(bytes, plan->number);
    }
}

segj_status_t segj_judge_native(segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned)
{
    const segj_shared_t *shared = &scan->journal->shared;
    headers_t headers = {.slots = {{0}}};
    segj_status_t status = read_both_headers(scan, plan, scanned, &headers);
    if (status == SEGJ_OK)
        status = compare_headers(plan, scanned, &headers);
    if (status != SEGJ_OK)
        return status;
    take_version(scan, plan, scanned, &headers);
    decode_slots(plan, scanned, &headers);
    take_marks(plan);
    status = judge_dictionary(plan, scanned);
    if (status != SEGJ_OK)
        return status;
    if (segj_section_is_log(plan->section) && (plan->value_valid || plan->undo_dictionary))
        return segj_judge_log(scan, plan, scanned);
    status = check_headers(plan, scanned);
    if (status != SEGJ_OK)
        return status;
    if (segj_section_is_log(plan->section))
        return segj_judge_log(scan, plan, scanned);
    uint64_t most = scanned->pages * shared->page_size / shared->record_size;
    status = native_count_records(scan, plan, scanned);
    if (status == SEGJ_OK)
        status =
            segj_scan_back(scan, scanned, segj_min_u64(plan->watermark, most), UINT64_MAX, &plan->records, &plan->end);
    plan->watermark_end = plan->end;
    if (status != SEGJ_OK || plan->records != plan->watermark)
        return status;
    segj_scan_expect(scan, scanned->values_size > plan->end ? scanned->values_size - plan->end : 0);
    return go_forward(scan, plan, scanned);
}

segj_status_t segj_judge_native_header(segj_io_file_t *file, uint64_t file_size, bool *valid, bool *log)
{
    uint8_t header[SEGJ_BLOCK_SIZE];
    segj_identity_t identity = {.kind = SEGJ_KIND_VALUES, .section = file->section};
    size_t got;
    segj_status_t status = segj_io_read(file, 0, header, sizeof header, &got);
    file->data = SEGJ_VALUES_DATA_OFFSET;
    if (status == SEGJ_OK)
        status = judge_header(file, header, got, file_size, &identity, valid);
    if (status == SEGJ_OK && *valid)
        set_data(file, &identity);
    *log = status == SEGJ_OK && *valid && identity.version == 2;
    return status;
}
