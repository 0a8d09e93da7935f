/*
 * crash/inspect.c: see the header. What pairs of files hold is kept by a number for their bytes, because most are met often.
 */
#include "crash/inspect.h"

#include <stdio.h>
#include <stdlib.h>

#include "crash/raw.h"
#include "support/simdisk_image.h"
#include "support/support.h"

#define KEPT ((size_t)1 << 16)

typedef struct kept {
    uint64_t key, records;
} kept_t;

struct inspector {
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

static uint64_t count(const inspector_t *inspector, simdisk_t *disk, uint64_t section, const char *name)
{
    uint64_t end;
    raw_section_t raw = {.section = section, .page_size = inspector->page_size, .entry_size = MODEL_ENTRY};
    raw.index = simdisk_visible(disk, "index", name, &raw.index_size);
    raw.values = simdisk_visible(disk, "values", name, &raw.values_size);
    return raw_records(&raw, &end);
}

void inspect(inspector_t *inspector, simdisk_t *disk, inspection_t *inspection)
{
    for (uint64_t section = 0; section < MODEL_SECTIONS; section++) {
        files_t files = files_of(disk, section);
        inspection->records[section] = 0;
        if (!files.index || !files.values)
            continue;
        uint64_t key = simdisk_mix(simdisk_mix(section + 1, files.index_hash), files.values_hash) | 1;
        kept_t *kept = &inspector->kept[(key >> 9) % KEPT];
        if (kept->key != key)
            *kept = (kept_t){key, count(inspector, disk, section, files.name)};
        inspection->records[section] = kept->records;
    }
}

const char *inspect_again(const inspector_t *inspector, const simdisk_t *disk, const inspection_t *before,
                          oversized_t *journal)
{
    for (uint64_t section = 0; section < MODEL_SECTIONS; section++) {
        files_t files = files_of(disk, section);
        raw_section_t raw = {.section = section, .page_size = inspector->page_size, .entry_size = MODEL_ENTRY};
        uint64_t records = 0;
        uint64_t size = 0;
        if (oversized_count(journal, section, &records) != SEGJ_OK || records != before->records[section])
            return "it has not found the records that the files held";
        if (files.index != files.values)
            return "a section's file without the other";
        if (!files.index)
            continue;
        if (oversized_value_size(journal, section, &size) != SEGJ_OK || files.values_size != VALUES_DATA_OFFSET + size)
            return "bytes behind the last frame";
        if (files.index_size != raw_index_size(&raw, records))
            return "the index file ends elsewhere than its records";
    }
    return NULL;
}

inspector_t *inspector_new(uint16_t page_size)
{
    inspector_t *inspector = calloc(1, sizeof *inspector);
    if (inspector == NULL)
        abort();
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
