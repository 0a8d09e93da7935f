/*
 * crash/inspect.c: see the header. What pairs of files hold is kept by a number for their bytes, because most are met
 * often.
 */
#include "crash/inspect.h"

#include <stdio.h>
#include <stdlib.h>

#include "crash/raw.h"
#include "support/simdisk_image.h"
#include "support/commonware.h"

#define KEPT ((size_t)1 << 16)

typedef struct kept {
    uint64_t key, records, end;
} kept_t;

struct inspector {
    segj_format_t format;
    uint16_t page_size;
    kept_t *kept; /* by the lower bits of the key */
};

typedef struct files {
    char name[20];
    bool index, values;
    uint64_t index_size, values_size, index_hash, values_hash;
} files_t;

static files_t files_of(const simdisk_t *disk, uint64_t section)
{
    files_t files = {.index_size = 0};
    (void)snprintf(files.name, sizeof files.name, "%016llx", (unsigned long long)section);
    files.index = simdisk_stat(disk, "index", files.name, &files.index_size, &files.index_hash);
    files.values = simdisk_stat(disk, "values", files.name, &files.values_size, &files.values_hash);
    return files;
}

static raw_section_t raw_of(const inspector_t *inspector, uint64_t section)
{
    return (raw_section_t){
        .format = inspector->format, .section = section, .page_size = inspector->page_size, .entry_size = MODEL_ENTRY};
}

static void see(raw_section_t *raw, simdisk_t *disk, const char *name)
{
    raw->index = simdisk_visible(disk, "index", name, &raw->index_size);
    raw->values = simdisk_visible(disk, "values", name, &raw->values_size);
    raw->log = raw->format == SEGJ_FORMAT_NATIVE && raw_is_log(raw);
}

static uint64_t count(const inspector_t *inspector, simdisk_t *disk, uint64_t section, const char *name, uint64_t *end)
{
    raw_section_t raw = raw_of(inspector, section);
    see(&raw, disk, name);
    return raw_records(&raw, end);
}

/* The beginning of a header, zeros behind it. */
static bool is_cut_short(const uint8_t *bytes)
{
    static const uint8_t header[COMMONWARE_V0] = {'C', 'W', 'I', 'C', 0, 0, 0, 0};
    size_t same = 0;
    while (same < sizeof header && bytes[same] == header[same])
        same++;
    while (same < sizeof header && bytes[same] == 0)
        same++;
    return same == sizeof header;
}

bool inspect_garbage_header(simdisk_t *disk)
{
    const char *const partitions[2] = {"index", "values"};
    for (uint64_t at = 0; at < (uint64_t)2 * MODEL_SECTIONS; at++) {
        char name[20];
        uint64_t size = 0;
        (void)snprintf(name, sizeof name, "%016llx", (unsigned long long)(at / 2));
        const uint8_t *bytes = simdisk_visible(disk, partitions[at % 2], name, &size);
        if (bytes != NULL && size == COMMONWARE_V0 && !is_cut_short(bytes))
            return true;
    }
    return false;
}

/* Values without an index file hold records where they are of version 2, and no removal has left them. */
static bool holds_records(const inspector_t *inspector, simdisk_t *disk, uint64_t section, const files_t *files)
{
    uint64_t size;
    uint64_t hash;
    raw_section_t raw = raw_of(inspector, section);
    if (!files->values)
        return false;
    if (files->index)
        return true;
    see(&raw, disk, files->name);
    return raw.log && !simdisk_stat(disk, "values", ".removing", &size, &hash);
}

void inspect(inspector_t *inspector, simdisk_t *disk, inspection_t *inspection)
{
    for (uint64_t section = 0; section < MODEL_SECTIONS; section++) {
        files_t files = files_of(disk, section);
        inspection->records[section] = inspection->ends[section] = 0;
        if (!holds_records(inspector, disk, section, &files))
            continue;
        uint64_t key = simdisk_mix(simdisk_mix(section + 1, files.index_hash), files.values_hash) | 1;
        kept_t *kept = &inspector->kept[(key >> 9) % KEPT];
        if (kept->key != key) {
            uint64_t end;
            uint64_t records = count(inspector, disk, section, files.name, &end);
            *kept = (kept_t){key, records, end};
        }
        inspection->records[section] = kept->records;
        inspection->ends[section] = kept->end;
    }
}

const char *inspect_again(const inspector_t *inspector, simdisk_t *disk, const inspection_t *before,
                          oversized_t *journal)
{
    for (uint64_t section = 0; section < MODEL_SECTIONS; section++) {
        files_t files = files_of(disk, section);
        raw_section_t raw = raw_of(inspector, section);
        uint64_t records = 0;
        uint64_t size = 0;
        if (oversized_count(journal, section, &records) != SEGJ_OK || records != before->records[section])
            return "it has not found the records that the files held";
        if (files.index != files.values)
            return "a section's file without the other";
        if (!files.index)
            continue;
        see(&raw, disk, files.name);
        if (oversized_value_size(journal, section, &size) != SEGJ_OK ||
            size != (records > 0 ? before->ends[section] : 0) || !raw_values_end(&raw, before->ends[section]))
            return "bytes behind the last frame";
        if (files.index_size != raw_index_size(&raw, records))
            return "the index file ends elsewhere than its records";
    }
    return NULL;
}

inspector_t *inspector_new(segj_format_t format, uint16_t page_size)
{
    inspector_t *inspector = calloc(1, sizeof *inspector);
    if (inspector == NULL)
        abort();
    inspector->format = format;
    inspector->page_size = page_size;
    inspector->kept = calloc(KEPT, sizeof *inspector->kept);
    if (inspector->kept == NULL)
        abort();
    return inspector;
}

void inspector_free(inspector_t *inspector)
{
    free(inspector->kept);
    free(inspector);
}
