/*
 * oversized/tools/sizes.c: see the header. Native index files record their sizes. Commonware files do not, and native
 * files of version 1 may have lost all their headers. Then sizes are tried: the page size is one by which the first
 * page is valid, the record size one by which the first records' frames follow each other, and that they are right is
 * shown by checksums of values, which no other sizes lead to.
 */
#include "oversized/tools/sizes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "journal/record_format.h"
#include "oversized/open/open.h"
#include "oversized/open/verdict.h"
#include "oversized/tools/text.h"

/* How many values are looked at. */
#define SIZES_VALUES 16
/* The first bytes of a file, by which it tells its format. */
#define SIZES_HEAD SEGJ_IDENTITY_MOST

static const uint8_t zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};

/** What speaks for the sizes of a section. */
typedef struct trial {
    segj_format_t format;
    uint64_t section;
    uint16_t page_size;
    uint32_t record_size; /* 0: none fits */
    uint64_t records;     /* that follow each other */
    unsigned looked;      /* at so many of their values */
    unsigned right;       /* of them, with the right checksum */
    unsigned packed;      /* and with the beginning of a zstd frame */
} trial_t;

/* The first bytes of a file that may have been removed since it was listed; *got is 0 then. */
static segj_status_t head_of(const segj_io_partition_t *partition, uint64_t number, uint8_t head[SIZES_HEAD],
                             size_t *got)
{
    segj_io_file_t file;
    bool missing = false;
    *got = 0;
    segj_status_t status = segj_io_open(&file, partition, number, SEGJ_OPEN_READ, &missing);
    if (status != SEGJ_OK || missing)
        return status;
    status = segj_io_read(&file, 0, head, SIZES_HEAD, got);
    segj_io_close(&file);
    return status;
}

/* The first file that tells its format: index files before values files. */
static segj_status_t sizes_tell(const segj_io_partition_t *partition, const uint64_t *sections, size_t count,
                                segj_told_t *told, uint16_t *version)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < count && *told == SEGJ_TOLD_NOTHING && status == SEGJ_OK; i++) {
        uint8_t head[SIZES_HEAD];
        size_t got;
        status = head_of(partition, sections[i], head, &got);
        if (status == SEGJ_OK)
            *told = segj_header_tell(head, got, version);
    }
    return status;
}

bool segj_failed_in_passing(segj_status_t status)
{
    return status == SEGJ_ERR_IO && (segj_last_errno() == 0 || segj_last_errno() == ENOENT);
}

/* --- by trying --- */

/* Looks at the values of the first records: they have the right checksums, or the sizes are others. */
static segj_status_t try_values(segj_scan_t *scan, const segj_scanned_t *scanned, trial_t *trial)
{
    segj_status_t status = segj_scan_have_window(scan);
    for (uint64_t i = 0; i < trial->records && i < SIZES_VALUES && status == SEGJ_OK; i++) {
        bool right;
        uint64_t end;
        uint8_t begin[sizeof zstd_magic] = {0};
        size_t got = 0;
        oversized_location_t location;
        status = segj_scan_record(scan, scanned, i, SEGJ_FORWARD, &right, &location);
        if (status != SEGJ_OK || !right || !segj_location_end(0, location, scanned->values_size, &end))
            continue;
        trial->looked++;
        status = segj_scan_value(scan, scanned, location, &right);
        if (status == SEGJ_OK && location.size >= sizeof begin + SEGJ_FRAME_TRAILER)
            status = segj_io_read(&scanned->values, scanned->values.data + location.offset, begin, sizeof begin, &got);
        trial->right += status == SEGJ_OK && right;
        trial->packed += status == SEGJ_OK && right && memcmp(begin, zstd_magic, sizeof begin) == 0;
    }
    return status;
}

/* Tries the record sizes by which the first bytes make records. A single record is all that there is. */
static segj_status_t try_record_size(oversized_t *journal, segj_scanned_t *scanned, trial_t *trial)
{
    segj_scan_t scan;
    uint8_t *bytes = NULL;
    size_t size = 0;
    segj_status_t status = segj_scan_init(&scan, journal);
    if (status != SEGJ_OK)
        return status;
    segj_scan_forget(&scan);
    status = segj_scan_head(&scan, scanned, &bytes, &size);
    uint32_t found = status == SEGJ_OK ? segj_commonware_record_size(bytes, size, OVERSIZED_LOCATION_SIZE) : 0;
    free(bytes);
    segj_scan_free(&scan);
    if (found == 0 && size >= OVERSIZED_LOCATION_SIZE && size <= UINT16_MAX + OVERSIZED_LOCATION_SIZE)
        found = (uint32_t)size;
    if (status != SEGJ_OK || found == 0)
        return status;
    segj_journal_set_sizes(journal, trial->format, found - OVERSIZED_LOCATION_SIZE, trial->page_size);
    status = segj_scan_init(&scan, journal);
    if (status != SEGJ_OK)
        return status;
    segj_scan_forget(&scan);
    trial->records = size / found;
    status = try_values(&scan, scanned, trial);
    segj_scan_free(&scan);
    if (trial->right > 0)
        trial->record_size = found;
    return status;
}

/* Judges the header of a commonware file. */
static segj_status_t judge_commonware(segj_io_file_t *file, uint64_t size, bool *usable)
{
    segj_status_t status = segj_judge_commonware_header(file, size, usable);
    return status == SEGJ_ERR_CORRUPT || status == SEGJ_ERR_MISMATCH ? SEGJ_OK : status;
}

/* Opens a file that may have been removed; false: it is of no use here. Version 1 of the native format needs no
 * header. */
static segj_status_t try_open(segj_io_file_t *file, const segj_io_partition_t *partition, const trial_t *trial,
                              uint64_t data, uint64_t *data_size, bool *usable)
{
    bool missing = false;
    uint64_t size = 0;
    *usable = false;
    segj_status_t status = segj_io_open(file, partition, trial->section, SEGJ_OPEN_READ, &missing);
    if (status != SEGJ_OK || missing)
        return status;
    status = segj_io_size(file, &size);
    if (status == SEGJ_OK && trial->format == SEGJ_FORMAT_COMMONWARE)
        status = judge_commonware(file, size, usable);
    else if (status == SEGJ_OK) {
        file->data = data;
        file->binding = trial->section;
        *usable = true;
    }
    *usable = *usable && status == SEGJ_OK && size > file->data;
    *data_size = *usable ? size - file->data : 0;
    return status;
}

/* The page size by which the first page of a native index file is valid; 0: none. */
static segj_status_t native_page_size(const segj_io_file_t *index, uint16_t *found)
{
    size_t most = segj_page_physical(UINT16_MAX);
    size_t got = 0;
    uint8_t *bytes = malloc(most);
    if (bytes == NULL)
        return segj_fail_memory(most);
    segj_status_t status = segj_io_read(index, index->data, bytes, most, &got);
    for (uint32_t size = 1; size <= UINT16_MAX && segj_page_physical((uint16_t)size) <= got && *found == 0; size++)
        if (segj_page_verify(SEGJ_CHECKSUM_PLACED, bytes, (uint16_t)size, index->binding, 0).length > 0)
            *found = (uint16_t)size;
    free(bytes);
    return status;
}

static segj_status_t try_files(oversized_t *journal, segj_scanned_t *scanned, trial_t *trial)
{
    bool usable;
    uint64_t data = 0;
    segj_status_t status =
        try_open(&scanned->index, &journal->shared.index, trial, SEGJ_INDEX_DATA_OFFSET, &data, &usable);
    if (status == SEGJ_OK && usable)
        status = trial->format == SEGJ_FORMAT_NATIVE
                     ? native_page_size(&scanned->index, &trial->page_size)
                     : segj_commonware_page_size(&scanned->index, data, 0, &trial->page_size);
    if (status != SEGJ_OK || trial->page_size == 0)
        return status;
    scanned->pages = data / segj_page_physical(trial->page_size);
    status = try_open(&scanned->values, &journal->shared.values, trial, SEGJ_VALUES_DATA_OFFSET, &scanned->values_size,
                      &usable);
    if (status != SEGJ_OK || !usable)
        return status;
    segj_journal_set_sizes(journal, trial->format, 0, trial->page_size);
    return try_record_size(journal, scanned, trial);
}

/* A section that a writer is just cutting or removing tells nothing. */
static segj_status_t try_section(oversized_t *journal, trial_t *trial)
{
    segj_scanned_t scanned = {0};
    segj_status_t status = try_files(journal, &scanned, trial);
    segj_io_close(&scanned.index);
    segj_io_close(&scanned.values);
    if (!segj_failed_in_passing(status))
        return status;
    trial->record_size = 0;
    return SEGJ_OK;
}

/* The first section by which all can be told. */
static segj_status_t find_by_trying(oversized_t *journal, const segj_listing_t *listing, segj_sizes_t *sizes)
{
    uint32_t entry_size = journal->entry_size;
    uint16_t page_size = journal->shared.page_size;
    segj_status_t status = SEGJ_OK;
    trial_t trial = {0};
    for (size_t i = 0; i < listing->index_count && trial.record_size == 0 && status == SEGJ_OK; i++) {
        trial = (trial_t){.format = sizes->format, .section = listing->index[i]};
        status = try_section(journal, &trial);
    }
    sizes->known = trial.record_size > 0;
    sizes->entry_size = sizes->known ? trial.record_size - OVERSIZED_LOCATION_SIZE : entry_size;
    sizes->page_size = sizes->known ? trial.page_size : page_size;
    sizes->compressed = sizes->known && trial.packed == trial.right;
    if (status != SEGJ_OK || !sizes->known)
        return status;
    return segj_text_format(
        &sizes->evidence,
        "tried: the first page of %s/%016llx is valid with %u bytes, its first %llu records of %u "
        "bytes follow each other, the checksums of %u of %u values are right, and %u of these begin "
        "as zstd frames do",
        journal->index_name, (unsigned long long)trial.section, (unsigned)trial.page_size,
        (unsigned long long)trial.records, (unsigned)trial.record_size, trial.right, trial.looked, trial.packed);
}

/* --- native --- */

/* The first file whose header is valid and has sizes: those of index files have, and of version 2 those of values. */
static segj_status_t find_native_in(const segj_io_partition_t *partition, const uint64_t *sections, size_t count,
                                    segj_sizes_t *sizes)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < count && !sizes->known && status == SEGJ_OK; i++) {
        uint8_t head[SIZES_HEAD];
        size_t got;
        segj_identity_t identity;
        const char *why;
        status = head_of(partition, sections[i], head, &got);
        if (status != SEGJ_OK || segj_identity_decode(head, got, &identity, &why) != SEGJ_HEADER_VALID ||
            identity.page_size == 0)
            continue;
        sizes->known = true;
        sizes->page_size = identity.page_size;
        sizes->entry_size = identity.record_size - OVERSIZED_LOCATION_SIZE;
        status = segj_text_format(&sizes->evidence, "the header of %s/%016llx says so", partition->name,
                                  (unsigned long long)identity.section);
    }
    return status;
}

static segj_status_t find_native(oversized_t *journal, const segj_listing_t *listing, segj_sizes_t *sizes)
{
    segj_status_t status = find_native_in(&journal->shared.index, listing->index, listing->index_count, sizes);
    return status == SEGJ_OK ? find_native_in(&journal->shared.values, listing->values, listing->value_count, sizes)
                             : status;
}

/* --- both --- */

/* Whether the newest native section is one of compressed values, and by what it keeps them apart. */
static segj_status_t find_compression(const oversized_t *journal, const segj_listing_t *listing, segj_sizes_t *sizes)
{
    segj_identity_t identity;
    const char *why;
    uint8_t head[SIZES_HEAD];
    size_t got;
    if (listing->value_count == 0)
        return SEGJ_OK;
    segj_status_t status = head_of(&journal->shared.values, listing->values[listing->value_count - 1], head, &got);
    if (status == SEGJ_OK && segj_identity_decode(head, got, &identity, &why) == SEGJ_HEADER_VALID) {
        sizes->compressed = identity.compressed;
        sizes->sector = identity.sector;
    }
    return status;
}

static segj_status_t sizes_find(oversized_t *journal, const segj_listing_t *listing, segj_sizes_t *sizes)
{
    const segj_shared_t *shared = &journal->shared;
    segj_told_t told = SEGJ_TOLD_NOTHING;
    segj_status_t status = sizes_tell(&shared->index, listing->index, listing->index_count, &told, &sizes->version);
    if (status == SEGJ_OK)
        status = sizes_tell(&shared->values, listing->values, listing->value_count, &told, &sizes->version);
    if (status != SEGJ_OK)
        return status;
    if (told != SEGJ_TOLD_NOTHING)
        sizes->format = told == SEGJ_TOLD_NATIVE ? SEGJ_FORMAT_NATIVE : SEGJ_FORMAT_COMMONWARE;
    else
        sizes->version = sizes->format == SEGJ_FORMAT_NATIVE;
    if (sizes->format == SEGJ_FORMAT_COMMONWARE)
        return find_by_trying(journal, listing, sizes);
    status = find_native(journal, listing, sizes);
    if (status == SEGJ_OK && !sizes->known)
        return find_by_trying(journal, listing, sizes);
    return status == SEGJ_OK ? find_compression(journal, listing, sizes) : status;
}

segj_status_t segj_sizes_find(oversized_t *journal, const segj_listing_t *listing, segj_sizes_t *sizes)
{
    const segj_shared_t *shared = &journal->shared;
    *sizes = (segj_sizes_t){
        .format = shared->format, .entry_size = journal->entry_size, .page_size = shared->page_size, .version = 1};
    segj_status_t status = sizes_find(journal, listing, sizes);
    if (status == SEGJ_OK && sizes->evidence == NULL)
        status = segj_text_copy("no file tells, so that they are as the configuration has them", &sizes->evidence);
    if (status == SEGJ_OK)
        segj_journal_set_sizes(journal, sizes->format, sizes->entry_size, sizes->page_size);
    return status;
}
