/*
 * oversized/tools/copy_target.c: see the header. What lies in the directory is judged twice: before partitions are made
 * in it, which would change what other files there mean, and once more under the locks.
 */
#include "oversized/tools/copy_target.h"

#include <stdlib.h>
#include <string.h>

#include "journal/copied.h"
#include "oversized/section/writers.h"

/* --- what lies there --- */

/** The names in a partition. */
typedef struct names {
    uint64_t *sections;
    size_t count, capacity;
    bool unfinished, owner, memory_lacks;
    char strange[64]; /* a name that is none of a copy's; "": there is none */
} names_t;

static void add_section(names_t *names, uint64_t section)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 64 : 2 * names->capacity;
        uint64_t *larger =
            capacity <= SIZE_MAX / sizeof *larger ? realloc(names->sections, capacity * sizeof *larger) : NULL;
        if (larger == NULL) {
            names->memory_lacks = true; /* also where the next one finds some */
            return;
        }
        names->sections = larger;
        names->capacity = capacity;
    }
    names->sections[names->count++] = section;
}

static int visit_name(void *context, const char *name, segj_entry_kind_t kind)
{
    names_t *names = context;
    uint64_t section;
    if (kind == SEGJ_ENTRY_FILE && segj_section_parse(name, &section))
        add_section(names, section);
    else if (strcmp(name, SEGJ_UNFINISHED_NAME) == 0)
        names->unfinished = true;
    else if (strcmp(name, SEGJ_OWNER_NAME) == 0)
        names->owner = true;
    else if (name[0] != '.' && strcmp(name, "lost+found") != 0 && names->strange[0] == '\0')
        for (size_t i = 0; i + 1 < sizeof names->strange && name[i] != '\0'; i++)
            names->strange[i] = name[i];
    return 0;
}

/* Opens a partition if it is there, and lists it. */
static segj_status_t list_names(segj_io_partition_t *partition, names_t *names)
{
    bool missing = false;
    segj_status_t status = partition->opened != NULL ? SEGJ_OK : segj_partition_open(partition, &missing);
    if (status != SEGJ_OK || missing)
        return status;
    status = segj_partition_visit(partition, visit_name, names, &names->count);
    if (status == SEGJ_OK && names->memory_lacks)
        return segj_fail_memory(names->count * sizeof *names->sections);
    return status;
}

static int target_compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* Sections that have a file in either partition. */
static segj_status_t join_names(segj_copy_target_t *target, const names_t *index, const names_t *values)
{
    size_t count = index->count + values->count;
    uint64_t *all = malloc((count + 1) * sizeof *all);
    size_t kept = 0;
    if (all == NULL)
        return segj_fail_memory((count + 1) * sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = i < index->count ? index->sections[i] : values->sections[i - index->count];
    qsort(all, count, sizeof *all, target_compare);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || all[i] != all[kept - 1])
            all[kept++] = all[i];
    free(target->sections);
    target->sections = all;
    target->count = kept;
    return SEGJ_OK;
}

static segj_status_t look_at_mark(segj_copy_target_t *target)
{
    const segj_shared_t *shared = target->shared;
    segj_io_file_t file = {.opened = NULL};
    uint8_t bytes[SEGJ_COPIED_SIZE + 1];
    size_t got = 0;
    bool missing = false;
    segj_copied_t copied;
    segj_status_t status = target->mark.opened != NULL ? SEGJ_OK : segj_partition_open(&target->mark, &missing);
    if (status == SEGJ_OK && !missing)
        status = segj_io_open_named(&file, &target->mark, SEGJ_COPIED_NAME, SEGJ_OPEN_READ, &missing);
    if (status != SEGJ_OK || missing)
        return status;
    status = segj_io_read(&file, 0, bytes, sizeof bytes, &got);
    segj_io_close(&file);
    target->marked = status == SEGJ_OK && segj_copied_decode(bytes, got, &copied);
    if (!target->marked || (copied.format == shared->format && copied.page_size == shared->page_size &&
                            copied.record_size == shared->record_size))
        return status;
    return segj_fail(
        SEGJ_ERR_MISMATCH,
        "%s: it is a copy of another journal, of %s format with pages of %u bytes and entries of %u bytes: "
        "name another directory",
        target->index.directory, copied.format == SEGJ_FORMAT_NATIVE ? "the native" : "the commonware",
        (unsigned)copied.page_size, (unsigned)(copied.record_size - OVERSIZED_LOCATION_SIZE));
}

/* A commonware journal that was open for writing has this beside its partitions. */
static segj_status_t look_for_owner(const segj_copy_target_t *target, bool *owner)
{
    segj_io_partition_t place = target->index;
    bool missing = false;
    if (target->shared->format == SEGJ_FORMAT_NATIVE)
        return SEGJ_OK;
    char name[SEGJ_BESIDE_NAME_MAX + 1];
    segj_beside_put(name, target->index.name, ".owner");
    place.name = name;
    place.opened = NULL;
    segj_status_t status = segj_partition_open(&place, &missing);
    *owner = *owner || (status == SEGJ_OK && !missing);
    segj_partition_close(&place);
    return status;
}

/* The other program's lock; that it has made the file says that it has been at work there. */
static segj_status_t look_for_other_program(segj_copy_target_t *target, bool *owner)
{
    bool marked = false;
    if (target->shared->format == SEGJ_FORMAT_NATIVE || target->held != NULL || target->index.opened == NULL)
        return SEGJ_OK;
    segj_status_t status =
        segj_directory_hold(&target->index, SEGJ_HOLD_NAME, SEGJ_HOLD_MARK, false, &marked, &target->held);
    *owner = *owner || (target->held != NULL && !marked);
    return status == SEGJ_ERR_IO ? SEGJ_OK : status; /* there is no such lock */
}

static segj_status_t judge_names(const segj_copy_target_t *target, const names_t *names, bool owner)
{
    const char *directory = target->index.directory;
    const char *advice = "name a directory that is new or holds an earlier copy, or remove this one";
    if (names->strange[0] != '\0')
        return segj_fail(SEGJ_ERR_MISMATCH, "%s: the entry \"%s\" in %s or %s is none that a copy has: %s", directory,
                         names->strange, target->index.name, target->values.name, advice);
    if (!target->marked && names->count > 0)
        return segj_fail(SEGJ_ERR_MISMATCH, "%s: it holds a journal that oversized_copy has not made: %s", directory,
                         advice);
    if (owner)
        return segj_fail(SEGJ_ERR_MISMATCH,
                         "%s: the journal there was opened for writing, and may hold records of its own: %s", directory,
                         advice);
    return SEGJ_OK;
}

static segj_status_t look_at_both(segj_copy_target_t *target, names_t *index, names_t *values)
{
    segj_status_t status = look_at_mark(target);
    if (status == SEGJ_OK)
        status = list_names(&target->index, index);
    if (status == SEGJ_OK)
        status = list_names(&target->values, values);
    bool owner = index->owner;
    if (status == SEGJ_OK)
        status = look_for_owner(target, &owner);
    if (status == SEGJ_OK)
        status = look_for_other_program(target, &owner);
    target->unfinished = index->unfinished;
    if (status == SEGJ_OK)
        status = judge_names(target, index, owner);
    if (status == SEGJ_OK)
        status = judge_names(target, values, false);
    return status == SEGJ_OK ? join_names(target, index, values) : status;
}

static segj_status_t look(segj_copy_target_t *target)
{
    names_t index = {.strange = ""};
    names_t values = {.strange = ""};
    segj_status_t status = look_at_both(target, &index, &values);
    free(index.sections);
    free(values.sections);
    return status;
}

/* --- beginning --- */

static segj_status_t make_and_lock(segj_io_partition_t *partition)
{
    bool replaced = false;
    segj_status_t status = SEGJ_OK;
    if (partition->opened == NULL) {
        status = segj_partition_create(partition);
        if (status == SEGJ_OK)
            status = segj_partition_open(partition, NULL);
    }
    if (status == SEGJ_OK)
        status = segj_partition_lock(partition, true, &replaced);
    if (status == SEGJ_OK && replaced)
        status = segj_fail(SEGJ_ERR_LOCKED, "%s/%s: the partition was replaced while it was being locked",
                           partition->directory, partition->name);
    return status;
}

/* --- changes --- */

static segj_status_t make_file(const segj_io_partition_t *partition, const char *name, const void *bytes, size_t size)
{
    segj_io_file_t file = {.opened = NULL};
    bool missing = false;
    segj_status_t status = segj_io_open_named(&file, partition, name, SEGJ_OPEN_WRITE, &missing);
    if (status == SEGJ_OK && missing)
        status = segj_io_open_named(&file, partition, name, SEGJ_OPEN_CREATE, NULL);
    if (status == SEGJ_OK)
        status = segj_io_truncate(&file, size);
    if (status == SEGJ_OK)
        status = segj_io_write(&file, 0, bytes, size);
    if (status == SEGJ_OK)
        status = segj_io_sync(&file);
    segj_io_close(&file);
    return status == SEGJ_OK ? segj_partition_sync(partition) : status;
}

static segj_status_t make_mark(segj_copy_target_t *target)
{
    const segj_shared_t *shared = target->shared;
    const segj_copied_t copied = {shared->format, shared->page_size, shared->record_size};
    uint8_t bytes[SEGJ_COPIED_SIZE];
    segj_status_t status = SEGJ_OK;
    if (target->mark.opened == NULL) {
        status = segj_partition_create(&target->mark);
        if (status == SEGJ_OK)
            status = segj_partition_open(&target->mark, NULL);
    }
    segj_copied_encode(bytes, &copied);
    if (status == SEGJ_OK)
        status = make_file(&target->mark, SEGJ_COPIED_NAME, bytes, sizeof bytes);
    target->marked = status == SEGJ_OK;
    return status;
}

segj_status_t segj_copy_target_change(segj_copy_target_t *target)
{
    static const char text[] = "a copy that is not complete\n";
    if (target->changing)
        return SEGJ_OK;
    segj_status_t status = target->marked ? SEGJ_OK : make_mark(target);
    if (status == SEGJ_OK)
        status = make_file(&target->index, SEGJ_UNFINISHED_NAME, text, sizeof text - 1);
    if (status == SEGJ_OK)
        status = segj_partition_sync_directory(&target->index);
    target->changing = status == SEGJ_OK;
    return status;
}

/* In a directory that has the name by now. */
static segj_status_t make_values(segj_copy_target_t *target)
{
    segj_status_t status = segj_copy_target_change(target);
    if (status == SEGJ_OK)
        status = make_and_lock(&target->values);
    return status == SEGJ_OK ? segj_partition_sync_directory(&target->index) : status;
}

segj_status_t segj_copy_target_open(oversized_t *journal, const char *directory, segj_copy_target_t *target)
{
    const segj_shared_t *shared = &journal->shared;
    *target = (segj_copy_target_t){.shared = shared};
    segj_beside_put(target->mark_name, shared->index.name, SEGJ_COPIED_SUFFIX);
    target->index = (segj_io_partition_t){.storage = shared->index.storage,
                                          .directory = directory,
                                          .name = shared->index.name,
                                          .give_back = segj_journal_give_back,
                                          .owner = journal,
                                          .mode = shared->index.mode};
    target->values = target->mark = target->index;
    target->values.name = shared->values.name;
    target->mark.name = target->mark_name;
    segj_status_t status = look(target);
    if (status == SEGJ_OK)
        status = make_and_lock(&target->index);
    /* Until both partitions are there, and the name is, there is no journal to be opened. */
    bool whole = target->values.opened != NULL;
    if (status == SEGJ_OK && whole)
        status = make_and_lock(&target->values);
    if (status == SEGJ_OK)
        status = look(target);
    return status == SEGJ_OK && !whole ? make_values(target) : status;
}

static segj_status_t remove_file_of(const segj_io_partition_t *partition, uint64_t section)
{
    segj_io_file_t file = {.opened = NULL};
    bool missing = false;
    segj_status_t status = segj_io_open(&file, partition, section, SEGJ_OPEN_READ, &missing);
    segj_io_close(&file);
    return status == SEGJ_OK && !missing ? segj_partition_unlink(partition, section) : status;
}

segj_status_t segj_copy_target_remove(segj_copy_target_t *target, uint64_t section)
{
    segj_status_t status = segj_copy_target_change(target);
    if (status == SEGJ_OK)
        status = remove_file_of(&target->index, section);
    return status == SEGJ_OK ? remove_file_of(&target->values, section) : status;
}

segj_status_t segj_copy_target_sync(const segj_copy_target_t *target)
{
    segj_status_t status = segj_partition_sync(&target->index);
    return status == SEGJ_OK ? segj_partition_sync(&target->values) : status;
}

segj_status_t segj_copy_target_finish(segj_copy_target_t *target)
{
    /* An unfinished copy may lack nothing but this. */
    segj_status_t status = target->unfinished || !target->marked ? segj_copy_target_change(target) : SEGJ_OK;
    if (status == SEGJ_OK && target->changing)
        status = segj_copy_target_sync(target);
    if (status == SEGJ_OK && target->changing)
        status = segj_partition_unlink_named(&target->index, SEGJ_UNFINISHED_NAME);
    if (status != SEGJ_OK)
        return status;
    target->changing = false;
    /* Also where nothing was changed: an earlier copy may have ended between the two. */
    return segj_partition_sync(&target->index);
}

void segj_copy_target_close(segj_copy_target_t *target)
{
    if (target->held != NULL)
        target->index.storage->directory_release(target->held);
    segj_partition_close(&target->mark);
    segj_partition_close(&target->values);
    segj_partition_close(&target->index);
    free(target->sections);
}
