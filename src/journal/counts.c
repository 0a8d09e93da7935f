/*
 * journal/counts.c: see the header.
 */
#include "journal/counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "journal/commonware_format.h"
#include "journal/owner.h"
#include "journal/shared.h"

/* "left" and "right", as that program names files. */
static const char *const counts_names[2] = {"6c656674", "7269676874"};

/* The largest store of counts that is read: 2^24 sections. */
#define COUNTS_DATA_MOST ((uint64_t)SEGJ_COUNTS_EACH << 24)

/* --- reading --- */

/** A copy as it was read. */
typedef struct counts_copy {
    uint8_t *bytes; /* its data, to be freed */
    size_t size;
    uint64_t version;
    size_t count;
    bool damaged;
} counts_copy_t;

/* Judges the header, and gives how many bytes of data follow it. */
static segj_status_t counts_read_header(segj_counts_t *counts, unsigned at, segj_io_file_t *file, uint64_t *size)
{
    uint8_t header[SEGJ_COMMONWARE_V1_SIZE];
    const char *why;
    size_t got;
    uint64_t file_size = 0;
    *size = 0;
    segj_status_t status = segj_io_size(file, &file_size);
    if (status == SEGJ_OK)
        status = segj_io_read(file, 0, header, sizeof header, &got);
    if (status != SEGJ_OK)
        return status;
    file->data = counts->data[at];
    segj_header_verdict_t verdict = segj_commonware_decode(header, got, file_size, &file->data, &why);
    if (verdict == SEGJ_HEADER_FOREIGN || verdict == SEGJ_HEADER_DAMAGED)
        return segj_io_fail(verdict == SEGJ_HEADER_FOREIGN ? SEGJ_ERR_MISMATCH : SEGJ_ERR_CORRUPT, file, 0, "%s", why);
    counts->whole[at] = verdict == SEGJ_HEADER_VALID;
    counts->data[at] = file->data;
    if (counts->whole[at] && file_size > file->data)
        *size = file_size - file->data;
    return SEGJ_OK;
}

static segj_status_t counts_read_data(const segj_io_file_t *file, uint64_t size, counts_copy_t *copy)
{
    if (size > COUNTS_DATA_MOST + SEGJ_COUNTS_LEAST)
        return segj_io_fail(SEGJ_ERR_MISMATCH, file, file->data, "it is no store of counts: it has %llu bytes",
                            (unsigned long long)size);
    copy->size = (size_t)size;
    copy->bytes = malloc(copy->size + 1);
    if (copy->bytes == NULL)
        return segj_fail_memory(copy->size);
    segj_status_t status = segj_io_read(file, file->data, copy->bytes, copy->size, NULL);
    if (status != SEGJ_OK)
        return status;
    segj_counts_verdict_t verdict = segj_counts_judge(copy->bytes, copy->size, &copy->version, &copy->count);
    copy->damaged = verdict == SEGJ_COUNTS_DAMAGED;
    if (verdict == SEGJ_COUNTS_FOREIGN)
        return segj_io_fail(SEGJ_ERR_MISMATCH, file, file->data,
                            "it is a store of something else than counts of records");
    return SEGJ_OK;
}

static segj_status_t counts_read_copy(segj_counts_t *counts, unsigned at, counts_copy_t *copy)
{
    segj_io_file_t file;
    uint64_t size;
    bool missing = false;
    *copy = (counts_copy_t){0};
    counts->whole[at] = false;
    segj_status_t status = segj_io_open_named(&file, &counts->partition, counts_names[at], SEGJ_OPEN_READ, &missing);
    counts->there[at] = status == SEGJ_OK && !missing;
    if (!counts->there[at])
        return status;
    status = counts_read_header(counts, at, &file, &size);
    if (status == SEGJ_OK)
        status = counts_read_data(&file, size, copy);
    segj_io_close(&file);
    return status;
}

static void counts_give_memory_back(segj_counts_t *counts)
{
    free(counts->list);
    free(counts->spare);
    free(counts->bytes);
    counts->list = counts->spare = NULL;
    counts->bytes = NULL;
    counts->count = 0;
}

/* There are never more than these. */
static segj_status_t counts_have_memory(segj_counts_t *counts, size_t count)
{
    counts_give_memory_back(counts);
    counts->list = malloc((count + 1) * sizeof *counts->list);
    counts->spare = malloc((count + 1) * sizeof *counts->spare);
    counts->bytes = malloc(SEGJ_COUNTS_LEAST + count * SEGJ_COUNTS_EACH);
    if (counts->list == NULL || counts->spare == NULL || counts->bytes == NULL)
        return segj_fail_memory((count + 1) * sizeof *counts->list);
    return SEGJ_OK;
}

/* Takes the counts of the copy that counts: the newer one that is whole. */
static segj_status_t counts_take(segj_counts_t *counts, const counts_copy_t copies[2])
{
    if (copies[0].damaged && copies[1].damaged)
        return segj_fail(SEGJ_ERR_CORRUPT,
                         "%s/%s: both copies of the counts are damaged: bring one back, or move that partition away",
                         counts->partition.directory, counts->partition.name);
    unsigned newest = copies[1].version > copies[0].version ? 1 : 0;
    const counts_copy_t *copy = &copies[newest];
    segj_status_t status = counts_have_memory(counts, copy->count);
    if (status != SEGJ_OK)
        return status;
    for (size_t i = 0; i < copy->count; i++)
        counts->list[i] = segj_counts_get(copy->bytes, i);
    counts->count = copy->count;
    counts->version = copy->version;
    counts->newest = newest;
    return SEGJ_OK;
}

static segj_status_t counts_load(segj_counts_t *counts)
{
    counts_copy_t copies[2] = {{0}, {0}};
    counts->data[0] = counts->data[1] = SEGJ_COMMONWARE_V1_SIZE; /* of files that do not tell */
    segj_status_t status = counts_read_copy(counts, 0, &copies[0]);
    if (status == SEGJ_OK)
        status = counts_read_copy(counts, 1, &copies[1]);
    if (status == SEGJ_OK)
        status = counts_take(counts, copies);
    free(copies[0].bytes);
    free(copies[1].bytes);
    return status;
}

static size_t counts_find(const segj_counts_t *counts, uint64_t section)
{
    size_t low = 0;
    size_t high = counts->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (counts->list[middle].section < section)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t segj_counts_of(const segj_counts_t *counts, uint64_t section)
{
    size_t at = counts_find(counts, section);
    return at < counts->count && counts->list[at].section == section ? counts->list[at].records : 0;
}

/* --- the partition --- */

static segj_status_t counts_missing(const segj_counts_t *counts, bool has_sections)
{
    if (has_sections)
        return segj_fail(SEGJ_ERR_MISMATCH,
                         "%s/%s, which config.counts_partition names, is missing: bring it back, or correct the name",
                         counts->partition.directory, counts->partition.name);
    return SEGJ_OK;
}

segj_status_t segj_counts_open(segj_shared_t *shared, const char *name, bool read_only, bool has_sections)
{
    segj_counts_t *counts = &shared->counts;
    bool missing = false;
    bool replaced = false;
    segj_counts_free(counts);
    counts->ruled_out = name != NULL;
    if (name == NULL || name[0] == '\0')
        return SEGJ_OK;
    size_t size = strlen(name) + 1;
    counts->name = malloc(size);
    if (counts->name == NULL)
        return segj_fail_memory(size);
    memcpy(counts->name, name, size);
    counts->partition = shared->index;
    counts->partition.name = counts->name;
    counts->partition.opened = NULL;
    counts->partition.guard = NULL;
    segj_status_t status = segj_partition_open(&counts->partition, &missing);
    if (status != SEGJ_OK || missing)
        return status == SEGJ_OK ? counts_missing(counts, has_sections) : status;
    status = segj_partition_lock(&counts->partition, !read_only, &replaced);
    if (status == SEGJ_OK && replaced)
        status = segj_fail(SEGJ_ERR_LOCKED, "%s/%s: the partition was replaced while it was being locked",
                           counts->partition.directory, counts->name);
    return status == SEGJ_OK ? counts_load(counts) : status;
}

void segj_counts_free(segj_counts_t *counts)
{
    segj_partition_close(&counts->partition);
    counts_give_memory_back(counts);
    free(counts->name);
    *counts = (segj_counts_t){0};
}

/* --- lowering --- */

/* The new counts; *changed: they differ from the present ones. */
static size_t counts_limit(const segj_counts_t *counts, segj_counts_most_t *most, void *context, segj_count_t *to,
                           bool *changed)
{
    size_t kept = 0;
    *changed = false;
    for (size_t i = 0; i < counts->count; i++) {
        segj_count_t each = counts->list[i];
        uint64_t limit = most(context, each.section);
        *changed = *changed || limit == 0 || limit < each.records;
        each.records = segj_min_u64(each.records, limit);
        if (limit > 0)
            to[kept++] = each;
    }
    return kept;
}

/* A killed process may not have synced the copy that counts, and the other copy is about to be written. */
static segj_status_t counts_sync_current(segj_shared_t *shared)
{
    segj_counts_t *counts = &shared->counts;
    segj_io_file_t file;
    if (counts->synced || !counts->there[counts->newest])
        return SEGJ_OK;
    segj_status_t status =
        segj_io_open_named(&file, &counts->partition, counts_names[counts->newest], SEGJ_OPEN_WRITE, NULL);
    if (status != SEGJ_OK)
        return status;
    status = segj_io_sync(&file);
    segj_io_close(&file);
    counts->synced = status == SEGJ_OK;
    return status == SEGJ_OK ? SEGJ_OK : segj_shared_poison(shared, status);
}

static segj_status_t counts_write_file(segj_counts_t *counts, unsigned at, const segj_io_file_t *file,
                                       const uint8_t *bytes, size_t size)
{
    uint8_t header[SEGJ_COMMONWARE_V1_SIZE];
    segj_status_t status = SEGJ_OK;
    if (!counts->whole[at])
        status = segj_io_write(file, 0, header, segj_commonware_encode(header, file->data));
    if (status == SEGJ_OK)
        status = segj_io_write(file, file->data, bytes, size);
    return status == SEGJ_OK ? segj_io_truncate(file, file->data + size) : status;
}

/* Writes the older copy, durably. */
static segj_status_t counts_write(segj_shared_t *shared, const uint8_t *bytes, size_t size)
{
    segj_counts_t *counts = &shared->counts;
    segj_io_file_t file;
    unsigned at = 1 - counts->newest;
    bool made = !counts->there[at];
    segj_status_t status = segj_io_open_named(&file, &counts->partition, counts_names[at],
                                              made ? SEGJ_OPEN_CREATE : SEGJ_OPEN_WRITE, NULL);
    if (status != SEGJ_OK)
        return status;
    counts->there[at] = true;
    file.data = counts->data[at];
    status = counts_write_file(counts, at, &file, bytes, size);
    if (status != SEGJ_OK) {
        segj_io_close(&file);
        return status;
    }
    status = segj_io_sync(&file);
    segj_io_close(&file);
    if (status == SEGJ_OK)
        status = segj_partition_sync(&counts->partition);
    counts->whole[at] = status == SEGJ_OK;
    return status == SEGJ_OK ? SEGJ_OK : segj_shared_poison(shared, status);
}

/* Has the counts be the spare ones, `count` of them. */
static segj_status_t counts_commit(segj_shared_t *shared, size_t count)
{
    segj_counts_t *counts = &shared->counts;
    segj_count_t *list = counts->spare;
    size_t size = SEGJ_COUNTS_LEAST + count * SEGJ_COUNTS_EACH;
    if (counts->version == UINT64_MAX)
        return segj_fail(SEGJ_ERR_CORRUPT, "%s/%s: the counts have the last version there is",
                         counts->partition.directory, counts->name);
    segj_counts_encode(counts->bytes, counts->version + 1, list, count);
    segj_status_t status = segj_owner_check(shared);
    if (status == SEGJ_OK)
        status = counts_sync_current(shared);
    if (status == SEGJ_OK)
        status = counts_write(shared, counts->bytes, size);
    if (status != SEGJ_OK)
        return status;
    counts->spare = counts->list;
    counts->list = list;
    counts->count = count;
    counts->version++;
    counts->newest = 1 - counts->newest;
    return SEGJ_OK;
}

segj_status_t segj_counts_lower(segj_shared_t *shared, segj_counts_most_t *most, void *context)
{
    bool changed;
    if (shared->counts.count == 0)
        return SEGJ_OK;
    size_t kept = counts_limit(&shared->counts, most, context, shared->counts.spare, &changed);
    segj_status_t status = changed ? counts_commit(shared, kept) : SEGJ_OK;
    return status == SEGJ_OK ? SEGJ_OK : segj_context(status, "lowering the counts of the archive");
}

/* --- one that has no name --- */

/** A look for a partition of counts. */
typedef struct counts_search {
    segj_shared_t *shared;
    segj_counts_most_t *most, *is_there;
    void *context;
    char (*names)[256];
    size_t count, capacity;
    bool failed;
    bool alike; /* a partition is named like one of counts */
} counts_search_t;

static int counts_collect(void *context, const char *name, segj_entry_kind_t kind)
{
    counts_search_t *search = context;
    const segj_shared_t *shared = search->shared;
    if (kind == SEGJ_ENTRY_FILE || name[0] == '.' || strlen(name) > 255 || strcmp(name, shared->index.name) == 0 ||
        strcmp(name, shared->values.name) == 0)
        return 0;
    if (search->count == search->capacity) {
        size_t capacity = search->capacity > 0 ? 2 * search->capacity : 8;
        char(*names)[256] = realloc(search->names, capacity * sizeof *names);
        search->failed = names == NULL;
        if (names == NULL)
            return ECANCELED;
        search->names = names;
        search->capacity = capacity;
    }
    memcpy(search->names[search->count++], name, strlen(name) + 1);
    return 0;
}

/* The names of the directory. A storage that has no such listing keeps no other partitions either. */
static segj_status_t counts_list_directory(counts_search_t *search)
{
    segj_io_partition_t directory = search->shared->index;
    bool missing = false;
    directory.name = ".";
    directory.opened = NULL;
    directory.guard = NULL;
    segj_status_t status = segj_partition_open(&directory, &missing);
    if (status == SEGJ_ERR_IO && segj_last_errno() == EINVAL)
        return SEGJ_OK;
    if (status != SEGJ_OK || missing)
        return status;
    size_t visited;
    status = segj_partition_visit(&directory, counts_collect, search, &visited);
    if (search->failed)
        status = segj_fail_memory(2 * search->capacity * sizeof *search->names);
    segj_partition_close(&directory);
    return status;
}

/** What the names of a partition tell. */
typedef struct counts_names {
    bool own, others; /* those of a store of counts, and any else */
} counts_names_t;

static int counts_judge_name(void *context, const char *name, segj_entry_kind_t kind)
{
    counts_names_t *names = context;
    bool own = kind == SEGJ_ENTRY_FILE && (strcmp(name, counts_names[0]) == 0 || strcmp(name, counts_names[1]) == 0);
    names->own = names->own || own;
    names->others = names->others || (!own && name[0] != '.');
    return 0;
}

/* Whether all sections that it counts are the journal's, and it counts more of one than what stays. */
static bool counts_hinder(const counts_search_t *search, const segj_counts_t *counts)
{
    bool more = false;
    for (size_t i = 0; i < counts->count; i++) {
        const segj_count_t *each = &counts->list[i];
        uint64_t limit = search->most(search->context, each->section);
        if (search->is_there(search->context, each->section) < each->records)
            return false;
        more = more || limit == 0 || limit < each->records;
    }
    return more;
}

static segj_status_t counts_look_into(counts_search_t *search, segj_counts_t *counts, bool *hinders)
{
    bool missing = false;
    counts_names_t names = {false, false};
    size_t visited;
    segj_status_t status = segj_partition_open(&counts->partition, &missing);
    if (status == SEGJ_ERR_IO && (segj_last_errno() == ENOTDIR || segj_last_errno() == ELOOP))
        return SEGJ_OK;
    if (status != SEGJ_OK || missing)
        return status;
    status = segj_partition_visit(&counts->partition, counts_judge_name, &names, &visited);
    if (status != SEGJ_OK || !names.own || names.others)
        return status;
    search->alike = true;
    status = counts_load(counts);
    *hinders = status == SEGJ_OK && counts_hinder(search, counts);
    /* What is no store of counts, or a damaged one, is none that the program would open. */
    return status == SEGJ_ERR_MISMATCH || status == SEGJ_ERR_CORRUPT ? SEGJ_OK : status;
}

static segj_status_t counts_judge_partition(counts_search_t *search, const char *name)
{
    segj_counts_t counts = {0};
    bool hinders = false;
    counts.partition = search->shared->index;
    counts.partition.name = name;
    counts.partition.opened = NULL;
    counts.partition.guard = NULL;
    segj_status_t status = counts_look_into(search, &counts, &hinders);
    segj_counts_free(&counts);
    if (status != SEGJ_OK || !hinders)
        return status;
    return segj_fail(
        SEGJ_ERR_MISMATCH,
        "%s/%s counts records of sections that this would take: commonware-storage would refuse the journal "
        "from then on. Name that partition in config.counts_partition, by which its counts are lowered first, "
        "or say there with \"\" that none is this journal's",
        search->shared->index.directory, name);
}

segj_status_t segj_counts_guard(segj_shared_t *shared, segj_counts_most_t *most, segj_counts_most_t *is_there,
                                void *context)
{
    counts_search_t search = {.shared = shared, .most = most, .is_there = is_there, .context = context};
    if (shared->format == SEGJ_FORMAT_NATIVE || shared->counts.ruled_out)
        return SEGJ_OK;
    segj_status_t status = counts_list_directory(&search);
    for (size_t i = 0; i < search.count && status == SEGJ_OK; i++)
        status = counts_judge_partition(&search, search.names[i]);
    /* The other program is kept out, so it makes no such partition now. */
    shared->counts.ruled_out = status == SEGJ_OK && !search.alike;
    free(search.names);
    if (status == SEGJ_ERR_IO)
        segj_say_after("; partitions of the directory are looked through for counts of an archive, unless "
                       "config.counts_partition names the one, or says with \"\" that there is none");
    return status;
}
