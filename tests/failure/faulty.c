/* failure/faulty.c: see faulty.h. */
#include "failure/faulty.h"

#include "failure/sites.h"
#include "support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool faulty_working;

struct segj_partition {
    faulty_t *faulty;
    segj_partition_t *inner;
    char path[2 * TEXT_MAX];
};

struct segj_file {
    faulty_t *faulty;
    segj_file_t *inner;
    bool index; /* in an index partition */
    char path[160];
};

/** What becomes of a call. */
typedef enum act { ACT_WORK, ACT_FAIL, ACT_WORK_AND_FAIL } act_t;

const char *call_name(call_kind_t kind)
{
    static const char *const names[CALL_KINDS] = {
        [CALL_PARTITION_CREATE] = "partition_create",
        [CALL_PARTITION_OPEN] = "partition_open",
        [CALL_PARTITION_LOCK] = "partition_lock",
        [CALL_PARTITION_UNLOCK] = "partition_unlock",
        [CALL_PARTITION_LIST] = "partition_list",
        [CALL_PARTITION_SYNC] = "partition_sync",
        [CALL_PARTITION_REMOVE] = "partition_remove",
        [CALL_DIRECTORY_SYNC] = "directory_sync",
        [CALL_FILE_OPEN] = "file_open",
        [CALL_FILE_CREATE] = "file_open (create)",
        [CALL_FILE_REMOVE] = "file_remove",
        [CALL_FILE_READ] = "file_read",
        [CALL_FILE_READ_DEVICE] = "file_read_device",
        [CALL_FILE_WRITE] = "file_write",
        [CALL_FILE_SIZE] = "file_size",
        [CALL_FILE_TRUNCATE] = "file_truncate",
        [CALL_FILE_SYNC] = "file_sync",
        [CALL_PARTITION_CLOSE] = "partition_close",
        [CALL_FILE_CLOSE] = "file_close",
        [CALL_FILE_WRITE_BACK] = "file_write_back",
        [CALL_FILE_EVICT] = "file_evict",
    };
    return names[kind];
}

/* --- what becomes of a call --- */

static bool changes_something(call_kind_t kind)
{
    switch (kind) {
    case CALL_PARTITION_CREATE:
    case CALL_PARTITION_SYNC:
    case CALL_PARTITION_REMOVE:
    case CALL_DIRECTORY_SYNC:
    case CALL_FILE_CREATE:
    case CALL_FILE_REMOVE:
    case CALL_FILE_WRITE:
    case CALL_FILE_TRUNCATE:
    case CALL_FILE_SYNC:
        return true;
    default:
        return false;
    }
}

static bool needs_space(call_kind_t kind)
{
    return kind == CALL_PARTITION_CREATE || kind == CALL_FILE_CREATE || kind == CALL_FILE_WRITE;
}

static bool is_hit(faulty_t *faulty, call_kind_t kind)
{
    if (faulty->fault.kinds != 0 && (faulty->fault.kinds & CALL_BIT(kind)) == 0)
        return false;
    faulty->counted++;
    switch (faulty->fault.mode) {
    case FAULT_ONCE:
    case FAULT_AFTER_WORK:
    case FAULT_TORN:
        return faulty->counted == faulty->fault.at;
    case FAULT_LASTING:
        return faulty->counted == faulty->fault.at || (faulty->fired && kind == faulty->lasting);
    case FAULT_DEVICE_GONE:
        return faulty->counted >= faulty->fault.at;
    case FAULT_DEVICE_FULL:
        return faulty->counted >= faulty->fault.at && needs_space(kind);
    default:
        return false;
    }
}

/* A removal does without its mark, and does not mind that it stays; of the two copies of a dictionary one is enough. */
static bool is_idle(const faulty_t *faulty, call_kind_t kind, const char *path, int code)
{
    if (kind == CALL_FILE_READ_DEVICE)
        return true;
    if (kind == CALL_FILE_READ)
        return faulty->two_copies && (faulty->reading == VALUES_DATA_OFFSET || faulty->reading == INDEX_DATA_OFFSET);
    bool lacks = code == ENOSPC || code == EDQUOT || code == EFBIG || code == EMFILE || code == ENFILE;
    return strstr(path, "/.removing") != NULL && (kind == CALL_FILE_REMOVE || (kind == CALL_FILE_CREATE && lacks));
}

static void note_failure(faulty_t *faulty, call_kind_t kind, const char *path, bool slot_write)
{
    faulty->failures[kind]++;
    faulty->lasting = kind;
    site_failed(SITE_STORAGE);
    /* A watermark that could not be written is no failure of its step: what fails behind it counts. */
    if (faulty->fired && !faulty->first.slot_write && !faulty->first.idle)
        return;
    faulty->fired = true;
    faulty->first = (failed_call_t){.kind = kind,
                                    .code = faulty->fault.code,
                                    .slot_write = slot_write,
                                    .idle = is_idle(faulty, kind, path, faulty->fault.code),
                                    .done = faulty->done,
                                    .made = faulty->made.calls[kind],
                                    .changes = faulty->changes};
    (void)snprintf(faulty->first.path, sizeof faulty->first.path, "%s", path);
}

/** Decides about a call. Every call that can fail begins here; *code is what it answers unless it works. */
static act_t begin(faulty_t *faulty, call_kind_t kind, const char *path, bool slot_write, int *code)
{
    faulty_working = true;
    if (faulty->interrupted < faulty->interruptions) {
        faulty->interrupted++;
        faulty->interruptions_made++;
        *code = EINTR;
        return ACT_FAIL;
    }
    faulty->interrupted = 0;
    faulty->made.calls[kind]++;
    faulty->made.slot_writes += slot_write;
    faulty->changes += changes_something(kind);
    if (faulty->paused)
        return ACT_WORK;
    if (faulty->number < NUMBERED_MAX)
        faulty->numbered[faulty->number] = (uint8_t)kind;
    faulty->number++;
    if (!is_hit(faulty, kind))
        return ACT_WORK;
    note_failure(faulty, kind, path, slot_write);
    *code = faulty->fault.code;
    bool works = faulty->fault.mode == FAULT_AFTER_WORK || faulty->fault.mode == FAULT_TORN;
    return works ? ACT_WORK_AND_FAIL : ACT_FAIL;
}

/** Ends a call with what it answers: `worked` from the storage beneath, `code` where it was to fail. */
static int end(faulty_t *faulty, call_kind_t kind, act_t act, int worked, int code)
{
    faulty_working = false;
    if (act == ACT_WORK && worked == 0) {
        faulty->done.calls[kind]++;
        return 0;
    }
    return act == ACT_WORK ? worked : code;
}

/* --- partitions --- */

static int faulty_partition_create(void *context, const char *directory, const char *partition)
{
    faulty_t *faulty = context;
    char path[2 * TEXT_MAX];
    int code = 0;
    int worked = 0;
    (void)snprintf(path, sizeof path, "%s/%s", directory, partition);
    act_t act = begin(faulty, CALL_PARTITION_CREATE, path, false, &code);
    if (act != ACT_FAIL)
        worked = faulty->inner->partition_create(faulty->inner->context, directory, partition);
    return end(faulty, CALL_PARTITION_CREATE, act, worked, code);
}

static int open_inner_partition(faulty_t *faulty, const char *directory, const char *partition,
                                segj_partition_t **opened)
{
    segj_partition_t *made = calloc(1, sizeof *made);
    if (made == NULL)
        return ENOMEM;
    made->faulty = faulty;
    (void)snprintf(made->path, sizeof made->path, "%s/%s", directory, partition);
    int code = faulty->inner->partition_open(faulty->inner->context, directory, partition, &made->inner);
    if (code == 0)
        *opened = made;
    else
        free(made);
    return code;
}

static int faulty_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    faulty_t *faulty = context;
    char path[2 * TEXT_MAX];
    segj_partition_t *made = NULL;
    int code = 0;
    int worked = 0;
    (void)snprintf(path, sizeof path, "%s/%s", directory, partition);
    act_t act = begin(faulty, CALL_PARTITION_OPEN, path, false, &code);
    if (act != ACT_FAIL)
        worked = open_inner_partition(faulty, directory, partition, &made);
    if (act == ACT_WORK && worked == 0) {
        faulty->open_partitions++;
        *opened = made;
    } else if (made != NULL) {
        faulty->inner->partition_close(made->inner);
        free(made);
    }
    return end(faulty, CALL_PARTITION_OPEN, act, worked, code);
}

static int faulty_partition_lock(segj_partition_t *partition, bool exclusive)
{
    faulty_t *faulty = partition->faulty;
    int code = 0;
    int worked = 0;
    act_t act = begin(faulty, CALL_PARTITION_LOCK, partition->path, false, &code);
    if (act != ACT_FAIL)
        worked = faulty->inner->partition_lock(partition->inner, exclusive);
    return end(faulty, CALL_PARTITION_LOCK, act, worked, code);
}

static int faulty_partition_unlock(segj_partition_t *partition)
{
    faulty_t *faulty = partition->faulty;
    int code = 0;
    int worked = 0;
    act_t act = begin(faulty, CALL_PARTITION_UNLOCK, partition->path, false, &code);
    if (act != ACT_FAIL)
        worked = faulty->inner->partition_unlock(partition->inner);
    return end(faulty, CALL_PARTITION_UNLOCK, act, worked, code);
}

/** A listing, perhaps interrupted behind its first entry. */
typedef struct listing {
    segj_list_visit_t visit;
    void *context;
    bool interrupted, visited;
} listing_t;

static int visit_one(void *visit_context, const char *name, segj_entry_kind_t kind)
{
    listing_t *listing = visit_context;
    if (listing->interrupted && listing->visited)
        return EINTR;
    listing->visited = true;
    faulty_working = false; /* what the visitor allocates is the library's */
    int code = listing->visit(listing->context, name, kind);
    faulty_working = true;
    return code;
}

static int faulty_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    faulty_t *faulty = partition->faulty;
    listing_t listing = {visit, visit_context, false, false};
    int code = 0;
    int worked = 0;
    act_t act = begin(faulty, CALL_PARTITION_LIST, partition->path, false, &code);
    listing.interrupted = act == ACT_FAIL;
    if (act != ACT_FAIL)
        worked = faulty->inner->partition_list(partition->inner, visit_one, &listing);
    else if (code == EINTR)
        (void)faulty->inner->partition_list(partition->inner, visit_one, &listing);
    return end(faulty, CALL_PARTITION_LIST, act, worked, code);
}

static int faulty_partition_sync(segj_partition_t *partition)
{
    faulty_t *faulty = partition->faulty;
    int code = 0;
    int worked = 0;
    act_t act = begin(faulty, CALL_PARTITION_SYNC, partition->path, false, &code);
    if (act != ACT_FAIL)
        worked = faulty->inner->partition_sync(partition->inner);
    return end(faulty, CALL_PARTITION_SYNC, act, worked, code);
}

static void faulty_partition_close(segj_partition_t *partition)
{
    faulty_t *faulty = partition->faulty;
    faulty->made.calls[CALL_PARTITION_CLOSE]++;
    faulty->open_partitions--;
    faulty->inner->partition_close(partition->inner);
    free(partition);
}

static int faulty_partition_remove(void *context, const char *directory, const char *partition)
{
    faulty_t *faulty = context;
    char path[2 * TEXT_MAX];
    int code = 0;
    int worked = 0;
    (void)snprintf(path, sizeof path, "%s/%s", directory, partition);
    act_t act = begin(faulty, CALL_PARTITION_REMOVE, path, false, &code);
    if (act != ACT_FAIL)
        worked = faulty->inner->partition_remove(faulty->inner->context, directory, partition);
    return end(faulty, CALL_PARTITION_REMOVE, act, worked, code);
}

static int faulty_directory_sync(void *context, const char *directory)
{
    faulty_t *faulty = context;
    int code = 0;
    int worked = 0;
    act_t act = begin(faulty, CALL_DIRECTORY_SYNC, directory, false, &code);
    if (act != ACT_FAIL)
        worked = faulty->inner->directory_sync(faulty->inner->context, directory);
    return end(faulty, CALL_DIRECTORY_SYNC, act, worked, code);
}

/* --- files --- */

static int open_inner_file(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    faulty_t *faulty = partition->faulty;
    segj_file_t *made = calloc(1, sizeof *made);
    if (made == NULL)
        return ENOMEM;
    made->faulty = faulty;
    made->index = strstr(partition->path, "index") != NULL;
    (void)snprintf(made->path, sizeof made->path, "%s/%s", partition->path, name);
    int code = faulty->inner->file_open(partition->inner, name, mode, &made->inner);
    if (code == 0)
        *opened = made;
    else
        free(made);
    return code;
}

static int faulty_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    faulty_t *faulty = partition->faulty;
    call_kind_t kind = mode == SEGJ_OPEN_CREATE ? CALL_FILE_CREATE : CALL_FILE_OPEN;
    char path[160];
    segj_file_t *made = NULL;
    int code = 0;
    int worked = 0;
    (void)snprintf(path, sizeof path, "%s/%s", partition->path, name);
    act_t act = begin(faulty, kind, path, false, &code);
    if (act != ACT_FAIL)
        worked = open_inner_file(partition, name, mode, &made);
    if (act == ACT_WORK && worked == 0) {
        faulty->open_files++;
        if (faulty->open_files > faulty->most_open_files)
            faulty->most_open_files = faulty->open_files;
        *opened = made;
    } else if (made != NULL) {
        faulty->inner->file_close(made->inner);
        free(made);
    }
    return end(faulty, kind, act, worked, code);
}

static int faulty_file_remove(segj_partition_t *partition, const char *name)
{
    faulty_t *faulty = partition->faulty;
    char path[160];
    int code = 0;
    int worked = 0;
    (void)snprintf(path, sizeof path, "%s/%s", partition->path, name);
    act_t act = begin(faulty, CALL_FILE_REMOVE, path, false, &code);
    if (act != ACT_FAIL)
        worked = faulty->inner->file_remove(partition->inner, name);
    return end(faulty, CALL_FILE_REMOVE, act, worked, code);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int faulty_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    faulty_t *faulty = file->faulty;
    int code = 0;
    int worked = 0;
    faulty->reading = offset;
    act_t act = begin(faulty, CALL_FILE_READ, file->path, false, &code);
    if (faulty->during_read != NULL)
        faulty->during_read(faulty->during_context);
    if (act != ACT_FAIL)
        worked = faulty->inner->file_read(file->inner, offset, buffer,
                                          faulty->transfer > 0 ? smaller(size, faulty->transfer) : size, done);
    return end(faulty, CALL_FILE_READ, act, worked, code);
}

static int faulty_file_read_device(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    faulty_t *faulty = file->faulty;
    int code = 0;
    int worked = 0;
    act_t act = begin(faulty, CALL_FILE_READ_DEVICE, file->path, false, &code);
    if (act != ACT_FAIL)
        worked = faulty->inner->file_read_device(file->inner, offset, buffer, size, done);
    return end(faulty, CALL_FILE_READ_DEVICE, act, worked, code);
}

/** Hands the first `size` bytes of the slices on. */
static int write_prefix(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t size,
                        size_t *done)
{
    segj_slice_t prefix[16];
    size_t used = 0;
    for (size_t i = 0; i < count && used < 16 && size > 0; i++) {
        prefix[used] = (segj_slice_t){slices[i].data, smaller(slices[i].size, size)};
        size -= prefix[used].size;
        used++;
    }
    return file->faulty->inner->file_write(file->inner, offset, prefix, used, done);
}

static int faulty_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    faulty_t *faulty = file->faulty;
    bool slot_write = file->index && !faulty->no_slots && (offset == 4096 || offset == 8192);
    size_t size = 0;
    int code = 0;
    int worked = 0;
    *done = 0;
    for (size_t i = 0; i < count; i++)
        size += slices[i].size;
    act_t act = begin(faulty, CALL_FILE_WRITE, file->path, slot_write, &code);
    if (act == ACT_WORK && faulty->transfer > 0)
        worked = write_prefix(file, offset, slices, count, smaller(size, faulty->transfer), done);
    else if (act == ACT_WORK)
        worked = faulty->inner->file_write(file->inner, offset, slices, count, done);
    else if (act == ACT_WORK_AND_FAIL)
        worked = write_prefix(file, offset, slices, count, faulty->fault.mode == FAULT_TORN ? size / 2 : size, done);
    else if (code == EINTR && faulty->interrupted == 1)
        worked = write_prefix(file, offset, slices, count, 1, done); /* interrupted behind the first byte */
    if (act == ACT_WORK && worked == 0)
        faulty->done.slot_writes += slot_write;
    return end(faulty, CALL_FILE_WRITE, act, worked, code);
}

static int faulty_file_size(segj_file_t *file, uint64_t *size)
{
    faulty_t *faulty = file->faulty;
    int code = 0;
    int worked = 0;
    act_t act = begin(faulty, CALL_FILE_SIZE, file->path, false, &code);
    if (act != ACT_FAIL)
        worked = faulty->inner->file_size(file->inner, size);
    return end(faulty, CALL_FILE_SIZE, act, worked, code);
}

/* It asks about a file, as file_size does. */
static int faulty_file_refresh(segj_file_t *file, bool written)
{
    faulty_t *faulty = file->faulty;
    int code = 0;
    int worked = 0;
    act_t act = begin(faulty, CALL_FILE_SIZE, file->path, false, &code);
    if (act != ACT_FAIL && faulty->inner->file_refresh != NULL)
        worked = faulty->inner->file_refresh(file->inner, written);
    return end(faulty, CALL_FILE_SIZE, act, worked, code);
}

static int faulty_file_truncate(segj_file_t *file, uint64_t size)
{
    faulty_t *faulty = file->faulty;
    int code = 0;
    int worked = 0;
    act_t act = begin(faulty, CALL_FILE_TRUNCATE, file->path, false, &code);
    if (act != ACT_FAIL)
        worked = faulty->inner->file_truncate(file->inner, size);
    return end(faulty, CALL_FILE_TRUNCATE, act, worked, code);
}

static int sync_file(segj_file_t *file)
{
    faulty_t *faulty = file->faulty;
    int code = 0;
    int worked = 0;
    act_t act = begin(faulty, CALL_FILE_SYNC, file->path, false, &code);
    if (act != ACT_FAIL)
        worked = faulty->inner->file_sync(file->inner);
    return end(faulty, CALL_FILE_SYNC, act, worked, code);
}

static int faulty_file_sync(segj_file_t *file)
{
    flush_order_t *order = &file->faulty->flushes;
    flush_order_before(order);
    int code = sync_file(file);
    flush_order_after(order, code);
    return code;
}

static void faulty_file_close(segj_file_t *file)
{
    faulty_t *faulty = file->faulty;
    faulty->made.calls[CALL_FILE_CLOSE]++;
    faulty->open_files--;
    faulty->inner->file_close(file->inner);
    free(file);
}

static void faulty_file_write_back(segj_file_t *file, uint64_t offset, uint64_t size)
{
    file->faulty->made.calls[CALL_FILE_WRITE_BACK]++;
    if (file->faulty->inner->file_write_back != NULL)
        file->faulty->inner->file_write_back(file->inner, offset, size);
}

static void faulty_file_evict(segj_file_t *file, uint64_t offset, uint64_t size)
{
    file->faulty->made.calls[CALL_FILE_EVICT]++;
    if (file->faulty->inner->file_evict != NULL)
        file->faulty->inner->file_evict(file->inner, offset, size);
}

/* --- the storage --- */

void faulty_init(faulty_t *faulty, const segj_storage_t *inner)
{
    memset(faulty, 0, sizeof *faulty);
    faulty->inner = inner;
    faulty->storage = (segj_storage_t){
        .struct_size = sizeof(segj_storage_t),
        .context = faulty,
        .partition_create = faulty_partition_create,
        .partition_open = faulty_partition_open,
        .partition_lock = faulty_partition_lock,
        .partition_unlock = faulty_partition_unlock,
        .partition_list = faulty_partition_list,
        .partition_sync = faulty_partition_sync,
        .partition_close = faulty_partition_close,
        .partition_remove = faulty_partition_remove,
        .directory_sync = faulty_directory_sync,
        .file_open = faulty_file_open,
        .file_remove = faulty_file_remove,
        .file_read = faulty_file_read,
        .file_write = faulty_file_write,
        .file_size = faulty_file_size,
        .file_truncate = faulty_file_truncate,
        .file_sync = faulty_file_sync,
        .file_close = faulty_file_close,
        .file_write_back = faulty_file_write_back,
        .file_evict = faulty_file_evict,
        .file_refresh = faulty_file_refresh,
        .file_read_device = inner->file_read_device != NULL ? faulty_file_read_device : NULL,
    };
}

void faulty_arm(faulty_t *faulty, fault_t fault)
{
    faulty->fault = fault;
    faulty->number = faulty->counted = 0;
    faulty->fired = false;
}

void faulty_disarm(faulty_t *faulty)
{
    faulty->fault = (fault_t){FAULT_NONE, 0, 0, 0};
}
