/* lessons/crashdisk.c: the storage that a journal sees; see lessons/crashdisk.h. Each call passes the gate, which
 * counts it, disturbs it and lets the power go; then it works on lessons/diskimage.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lessons/diskimage.h"

typedef enum held { HELD_NONE, HELD_SHARED, HELD_EXCLUSIVE } held_t;

struct segj_partition {
    crashdisk_t *disk;
    size_t part;
    unsigned generation;
    held_t held;
};

struct segj_file {
    crashdisk_t *disk;
    size_t node;
    unsigned generation;
    unsigned busy;
    bool writable, reports; /* reports: the next sync says that a write-back failed */
    struct segj_file *next;
};

/* --- the gate --- */

/** What a call is allowed to do. */
typedef struct gate {
    int code;     /* not 0: nothing, and this is the answer; a write takes `limit` bytes before */
    size_t limit; /* bytes to transfer at most */
    uint64_t log; /* the log's newest number when the call began */
    bool drop;    /* a sync that loses what it should write */
    bool late;    /* a read that waits before it answers */
} gate_t;

static bool is_change(disk_call_t call)
{
    return call == CALL_WRITE || call == CALL_TRUNCATE || call == CALL_SYNC || call == CALL_CREATE ||
           call == CALL_REMOVE || call == CALL_PARTITION_CREATE || call == CALL_PARTITION_SYNC ||
           call == CALL_PARTITION_REMOVE || call == CALL_DIRECTORY_SYNC;
}

static bool call_matches(disk_call_t wanted, disk_call_t call)
{
    bool sync = call == CALL_SYNC || call == CALL_PARTITION_SYNC || call == CALL_DIRECTORY_SYNC;
    return wanted == CALL_ANY || wanted == call || (wanted == CALL_ANY_SYNC && sync) ||
           (wanted == CALL_ANY_CHANGE && is_change(call));
}

static void note_call(crashdisk_t *disk, disk_call_t call, disk_target_t on)
{
    disk->calls = disk_grow(disk->calls, &disk->call_capacity, disk->call_count, sizeof *disk->calls);
    disk->calls[disk->call_count++] = (made_call_t){call, on};
}

static void park(crashdisk_t *disk)
{
    unsigned releases = disk->releases;
    disk->parked++;
    (void)pthread_cond_broadcast(&disk->changed);
    while (disk->releases == releases)
        (void)pthread_cond_wait(&disk->changed, &disk->mutex);
    disk->parked--;
}

/* The fault that this call meets, or NULL. */
static const disk_fault_t *meet_fault(crashdisk_t *disk, disk_call_t call, disk_target_t on)
{
    for (size_t i = 0; i < disk->fault_count; i++) {
        armed_fault_t *armed = &disk->faults[i];
        const disk_fault_t *fault = &armed->fault;
        if (!call_matches(fault->call, call) || !disk_matches(fault->on, on))
            continue;
        unsigned number = armed->matched++;
        if (number < fault->skip || (fault->times != 0 && number - fault->skip >= fault->times))
            continue;
        disk->disturbed++;
        return fault;
    }
    return NULL;
}

static void disturb(crashdisk_t *disk, const disk_fault_t *fault, gate_t *gate)
{
    switch (fault->action) {
    case ACTION_FAIL:
        gate->code = fault->code;
        gate->limit = fault->bytes;
        break;
    case ACTION_TRANSFER:
        gate->limit = fault->bytes;
        break;
    case ACTION_DROP:
        gate->code = fault->code;
        gate->drop = true;
        break;
    case ACTION_LATE:
        gate->late = true;
        break;
    default:
        park(disk);
        break;
    }
}

static bool power_lasts(crashdisk_t *disk, disk_call_t call)
{
    if (disk->powerless)
        return false;
    if (!disk->power_limited || !is_change(call))
        return true;
    disk->powerless = disk->changes_left == 0;
    if (!disk->powerless)
        disk->changes_left--;
    return !disk->powerless;
}

/* With the mutex, which a call that is parked gives up meanwhile. */
static gate_t enter(crashdisk_t *disk, unsigned generation, disk_call_t call, disk_target_t on)
{
    gate_t gate = {0, SIZE_MAX, disk->op_number, false, false};
    gate_t dead = {EIO, 0, 0, false, false};
    note_call(disk, call, on);
    if (generation != disk->generation)
        return dead;
    if (disk->difficult != 0) {
        gate.limit = disk->difficult;
        disk->interrupt = !disk->interrupt;
        if (disk->interrupt)
            return (gate_t){EINTR, 0, 0, false, false};
    }
    if (!power_lasts(disk, call))
        return dead;
    const disk_fault_t *fault = meet_fault(disk, call, on);
    if (fault != NULL) {
        const disk_fault_t copy = *fault;
        disturb(disk, &copy, &gate);
    }
    return generation == disk->generation && !disk->powerless ? gate : dead;
}

static void lock(crashdisk_t *disk)
{
    (void)pthread_mutex_lock(&disk->mutex);
}

static void unlock(crashdisk_t *disk)
{
    (void)pthread_mutex_unlock(&disk->mutex);
}

static disk_target_t whole_part(const crashdisk_t *disk, size_t part)
{
    return (disk_target_t){disk_part(disk, part)->text, -1};
}

/* The target of a call that names a partition which may not exist: a text that lives as long as the disk. */
static disk_target_t named_part(crashdisk_t *disk, const char *partition)
{
    for (size_t i = 0; i < disk->part_count; i++)
        if (strcmp(disk->parts[i]->text, partition) == 0)
            return whole_part(disk, i);
    return whole_part(disk, disk_add_part(disk, partition));
}

/* --- partitions --- */

static int disk_partition_create(void *context, const char *directory, const char *partition)
{
    crashdisk_t *disk = context;
    (void)directory;
    lock(disk);
    gate_t gate = enter(disk, disk->generation, CALL_PARTITION_CREATE, named_part(disk, partition));
    if (gate.code == 0 && disk_find_part(disk, partition) == NO_ITEM) {
        size_t part = disk_add_part(disk, partition);
        disk_part(disk, part)->seen_there = true;
        disk_log(disk, UNIT_PARTITION, part, 0)->made = true;
    }
    unlock(disk);
    return gate.code;
}

static int disk_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    crashdisk_t *disk = context;
    (void)directory;
    segj_partition_t *result = calloc(1, sizeof *result);
    if (result == NULL)
        return ENOMEM;
    lock(disk);
    gate_t gate = enter(disk, disk->generation, CALL_PARTITION_OPEN, named_part(disk, partition));
    size_t part = disk_find_part(disk, partition);
    int code = gate.code != 0 ? gate.code : part == NO_ITEM ? ENOENT : 0;
    *result = (segj_partition_t){disk, part, disk->generation, HELD_NONE};
    unlock(disk);
    if (code == 0)
        *opened = result;
    else
        free(result);
    return code;
}

static void drop_lock(segj_partition_t *partition)
{
    part_t *part = disk_part(partition->disk, partition->part);
    if (partition->generation == partition->disk->generation) {
        part->shared -= partition->held == HELD_SHARED;
        part->exclusive = part->exclusive && partition->held != HELD_EXCLUSIVE;
    }
    partition->held = HELD_NONE;
}

static int disk_partition_lock(segj_partition_t *partition, bool exclusive)
{
    crashdisk_t *disk = partition->disk;
    lock(disk);
    gate_t gate = enter(disk, partition->generation, CALL_PARTITION_LOCK, whole_part(disk, partition->part));
    part_t *part = disk_part(disk, partition->part);
    if (gate.code == 0 && (part->exclusive || (exclusive && part->shared > 0))) {
        gate.code = EWOULDBLOCK;
    } else if (gate.code == 0 && !part->seen_there) {
        gate.code = ESTALE;
    } else if (gate.code == 0) {
        partition->held = exclusive ? HELD_EXCLUSIVE : HELD_SHARED;
        part->exclusive = exclusive;
        part->shared += !exclusive;
    }
    unlock(disk);
    return gate.code;
}

static int disk_partition_unlock(segj_partition_t *partition)
{
    lock(partition->disk);
    drop_lock(partition);
    unlock(partition->disk);
    return 0;
}

static int disk_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    crashdisk_t *disk = partition->disk;
    lock(disk);
    gate_t gate = enter(disk, partition->generation, CALL_PARTITION_LIST, whole_part(disk, partition->part));
    const listing_t *listing = &disk_part(disk, partition->part)->seen;
    int code = gate.code;
    for (size_t i = 0; i < listing->count && code == 0; i++)
        code = visit(visit_context, listing->items[i].text, disk_node(disk, listing->items[i].node)->kind);
    unlock(disk);
    return code;
}

static int disk_partition_sync(segj_partition_t *partition)
{
    crashdisk_t *disk = partition->disk;
    lock(disk);
    gate_t gate = enter(disk, partition->generation, CALL_PARTITION_SYNC, whole_part(disk, partition->part));
    if (gate.code == 0)
        disk_settle(disk, op_of_names, partition->part, gate.log);
    unlock(disk);
    return gate.code;
}

static void disk_partition_close(segj_partition_t *partition)
{
    lock(partition->disk);
    drop_lock(partition);
    unlock(partition->disk);
    free(partition);
}

static int disk_partition_remove(void *context, const char *directory, const char *partition)
{
    crashdisk_t *disk = context;
    (void)directory;
    lock(disk);
    gate_t gate = enter(disk, disk->generation, CALL_PARTITION_REMOVE, named_part(disk, partition));
    size_t part = disk_find_part(disk, partition);
    int code = gate.code != 0 ? gate.code : part == NO_ITEM ? ENOENT : 0;
    if (code == 0 && disk_part(disk, part)->seen.count > 0)
        code = ENOTEMPTY;
    if (code == 0) {
        disk_part(disk, part)->seen_there = false;
        disk_log(disk, UNIT_PARTITION, part, 0)->made = false;
    }
    unlock(disk);
    return code;
}

static int disk_directory_sync(void *context, const char *directory)
{
    crashdisk_t *disk = context;
    (void)directory;
    lock(disk);
    gate_t gate = enter(disk, disk->generation, CALL_DIRECTORY_SYNC, (disk_target_t){NULL, -1});
    if (gate.code == 0)
        disk_settle(disk, op_of_directory, 0, gate.log);
    unlock(disk);
    return gate.code;
}

/* --- names of files --- */

static void make_name(crashdisk_t *disk, size_t part, const char *name)
{
    size_t node = disk_add_node(disk, part, name, SEGJ_ENTRY_FILE);
    listing_set(&disk_part(disk, part)->seen, name, node);
    op_t *op = disk_log(disk, UNIT_CREATE, part, node);
    snprintf(op->name, sizeof op->name, "%s", name);
}

/* Opens a name that is there. */
static segj_file_t *open_name(crashdisk_t *disk, size_t part, const char *name, bool writable)
{
    const listing_t *listing = &disk_part(disk, part)->seen;
    segj_file_t *file = calloc(1, sizeof *file);
    if (file == NULL)
        abort();
    *file = (segj_file_t){.disk = disk,
                          .node = listing->items[listing_find(listing, name)].node,
                          .generation = disk->generation,
                          .writable = writable,
                          .next = disk->files};
    disk->files = file;
    disk->open_files++;
    if (disk->open_files > disk->open_peak)
        disk->open_peak = disk->open_files;
    return file;
}

static int disk_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    crashdisk_t *disk = partition->disk;
    bool create = mode == SEGJ_OPEN_CREATE;
    lock(disk);
    disk_target_t on = {disk_part(disk, partition->part)->text, disk_section(name)};
    gate_t gate = enter(disk, partition->generation, create ? CALL_CREATE : CALL_OPEN, on);
    bool there = listing_find(&disk_part(disk, partition->part)->seen, name) != NO_ITEM;
    int code = gate.code;
    if (code == 0 && create && there)
        code = EEXIST;
    if (code == 0 && !create && !there)
        code = ENOENT;
    if (code == 0 && create)
        make_name(disk, partition->part, name);
    if (code == 0)
        *opened = open_name(disk, partition->part, name, mode != SEGJ_OPEN_READ);
    unlock(disk);
    return code;
}

static int disk_file_remove(segj_partition_t *partition, const char *name)
{
    crashdisk_t *disk = partition->disk;
    lock(disk);
    part_t *part = disk_part(disk, partition->part);
    gate_t gate = enter(disk, partition->generation, CALL_REMOVE, (disk_target_t){part->text, disk_section(name)});
    size_t at = listing_find(&part->seen, name);
    int code = gate.code != 0 ? gate.code : at == NO_ITEM ? ENOENT : 0;
    if (code == 0) {
        op_t *op = disk_log(disk, UNIT_REMOVE, partition->part, part->seen.items[at].node);
        snprintf(op->name, sizeof op->name, "%s", name);
        listing_drop(&part->seen, name);
    }
    unlock(disk);
    return code;
}

/* --- files --- */

static gate_t enter_file(segj_file_t *file, disk_call_t call)
{
    crashdisk_t *disk = file->disk;
    file->busy++;
    gate_t gate = enter(disk, file->generation, call, disk_target_of(disk, disk_node(disk, file->node)));
    file->busy--;
    return gate;
}

static int disk_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    lock(file->disk);
    gate_t gate = enter_file(file, CALL_READ);
    const blob_t *seen = &disk_node(file->disk, file->node)->seen;
    size_t left = offset < seen->size ? seen->size - (size_t)offset : 0;
    size_t count = size < left ? size : left;
    if (count > gate.limit)
        count = gate.limit;
    if (gate.code == 0 && count > 0)
        memcpy(buffer, seen->data + offset, count);
    if (gate.code == 0)
        *done = count;
    if (gate.late) {
        file->busy++;
        park(file->disk);
        file->busy--;
    }
    unlock(file->disk);
    return gate.code;
}

/* Up to `limit` bytes of the slices, in one piece. */
static uint8_t *gather(const segj_slice_t *slices, size_t count, size_t limit, size_t *size)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += slices[i].size;
    *size = total < limit ? total : limit;
    uint8_t *bytes = malloc(*size + 1);
    if (bytes == NULL)
        abort();
    size_t at = 0;
    for (size_t i = 0; i < count && at < *size; i++) {
        size_t part = slices[i].size < *size - at ? slices[i].size : *size - at;
        if (part > 0)
            memcpy(bytes + at, slices[i].data, part);
        at += part;
    }
    return bytes;
}

static int disk_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    crashdisk_t *disk = file->disk;
    lock(disk);
    gate_t gate = enter_file(file, CALL_WRITE);
    size_t size = 0;
    *done = 0;
    if (gate.code == 0 && !file->writable)
        gate = (gate_t){EBADF, 0, 0, false, false};
    if (gate.limit > 0) {
        uint8_t *bytes = gather(slices, count, gate.limit, &size);
        blob_write(&disk_node(disk, file->node)->seen, offset, bytes, size);
        op_t *op = disk_log(disk, UNIT_WRITE, disk_node(disk, file->node)->part, file->node);
        op->offset = offset;
        op->size = size;
        op->data = bytes;
        *done = size;
    }
    unlock(disk);
    return gate.code;
}

static int disk_file_size(segj_file_t *file, uint64_t *size)
{
    lock(file->disk);
    gate_t gate = enter_file(file, CALL_SIZE);
    if (gate.code == 0)
        *size = disk_node(file->disk, file->node)->seen.size;
    unlock(file->disk);
    return gate.code;
}

static int disk_file_truncate(segj_file_t *file, uint64_t size)
{
    crashdisk_t *disk = file->disk;
    lock(disk);
    gate_t gate = enter_file(file, CALL_TRUNCATE);
    if (gate.code == 0 && !file->writable)
        gate.code = EBADF;
    if (gate.code == 0) {
        node_t *node = disk_node(disk, file->node);
        blob_resize(&node->seen, size);
        disk_log(disk, UNIT_TRUNCATE, node->part, file->node)->size = size;
    }
    unlock(disk);
    return gate.code;
}

static int disk_file_sync(segj_file_t *file)
{
    crashdisk_t *disk = file->disk;
    lock(disk);
    gate_t gate = enter_file(file, CALL_SYNC);
    if (gate.code == 0 && file->reports) {
        file->reports = false;
        gate.code = EIO;
    } else if (gate.code == 0) {
        disk_settle(disk, op_of_node, file->node, gate.log);
    } else if (gate.drop) {
        disk_forget_writes(disk, file->node, gate.log);
    }
    unlock(disk);
    return gate.code;
}

static void disk_file_close(segj_file_t *file)
{
    crashdisk_t *disk = file->disk;
    lock(disk);
    segj_file_t **link = &disk->files;
    while (*link != file)
        link = &(*link)->next;
    *link = file->next;
    disk->open_files--;
    disk->misuses += file->busy > 0;
    unlock(disk);
    free(file);
}

/* --- the disk --- */

static const segj_storage_t disk_calls = {
    .struct_size = sizeof(segj_storage_t),
    .partition_create = disk_partition_create,
    .partition_open = disk_partition_open,
    .partition_lock = disk_partition_lock,
    .partition_unlock = disk_partition_unlock,
    .partition_list = disk_partition_list,
    .partition_sync = disk_partition_sync,
    .partition_close = disk_partition_close,
    .partition_remove = disk_partition_remove,
    .directory_sync = disk_directory_sync,
    .file_open = disk_file_open,
    .file_remove = disk_file_remove,
    .file_read = disk_file_read,
    .file_write = disk_file_write,
    .file_size = disk_file_size,
    .file_truncate = disk_file_truncate,
    .file_sync = disk_file_sync,
    .file_close = disk_file_close,
};

crashdisk_t *disk_new(void)
{
    crashdisk_t *disk = calloc(1, sizeof *disk);
    if (disk == NULL)
        abort();
    disk->storage = disk_calls;
    disk->storage.context = disk;
    if (pthread_mutex_init(&disk->mutex, NULL) != 0 || pthread_cond_init(&disk->changed, NULL) != 0)
        abort();
    return disk;
}

void disk_free(crashdisk_t *disk)
{
    if (disk == NULL)
        return;
    for (size_t i = 0; i < disk->node_count; i++) {
        free(disk->nodes[i]->seen.data);
        free(disk->nodes[i]->stable.data);
        free(disk->nodes[i]);
    }
    for (size_t i = 0; i < disk->part_count; i++) {
        free(disk->parts[i]->seen.items);
        free(disk->parts[i]->stable.items);
        free(disk->parts[i]);
    }
    for (size_t i = 0; i < disk->log_count; i++)
        free(disk->log[i].data);
    free(disk->nodes);
    free(disk->parts);
    free(disk->log);
    free(disk->calls);
    (void)pthread_cond_destroy(&disk->changed);
    (void)pthread_mutex_destroy(&disk->mutex);
    free(disk);
}

const segj_storage_t *disk_storage(crashdisk_t *disk)
{
    return &disk->storage;
}

/* --- what a test does to it --- */

void disk_inject(crashdisk_t *disk, disk_fault_t fault)
{
    lock(disk);
    bool room = disk->fault_count < DISK_FAULTS;
    if (room)
        disk->faults[disk->fault_count++] = (armed_fault_t){fault, 0};
    unlock(disk);
    assert_true(room);
}

void disk_release(crashdisk_t *disk)
{
    lock(disk);
    disk->releases++;
    (void)pthread_cond_broadcast(&disk->changed);
    unlock(disk);
}

void disk_heal(crashdisk_t *disk)
{
    lock(disk);
    disk->fault_count = 0;
    disk->disturbed = 0;
    disk->difficult = 0;
    unlock(disk);
    disk_release(disk);
}

unsigned disk_disturbed(const crashdisk_t *disk)
{
    return disk->disturbed;
}

void disk_await_parked(crashdisk_t *disk)
{
    lock(disk);
    while (disk->parked == 0)
        (void)pthread_cond_wait(&disk->changed, &disk->mutex);
    unlock(disk);
}

unsigned disk_count(crashdisk_t *disk, disk_call_t call, disk_target_t on)
{
    unsigned count = 0;
    lock(disk);
    for (size_t i = 0; i < disk->call_count; i++)
        count += call_matches(call, disk->calls[i].call) && disk_matches(on, disk->calls[i].on);
    unlock(disk);
    return count;
}

void disk_be_difficult(crashdisk_t *disk, size_t bytes)
{
    disk->difficult = bytes;
}

unsigned disk_open_files(const crashdisk_t *disk, disk_target_t on)
{
    unsigned count = 0;
    for (const segj_file_t *file = disk->files; file != NULL; file = file->next)
        count += disk_matches(on, disk_target_of(disk, disk_node(disk, file->node)));
    return count;
}

unsigned disk_open_peak(const crashdisk_t *disk)
{
    return disk->open_peak;
}

unsigned disk_misuses(const crashdisk_t *disk)
{
    return disk->misuses;
}

void disk_kill(crashdisk_t *disk)
{
    lock(disk);
    disk->generation++;
    for (size_t i = 0; i < disk->part_count; i++) {
        disk->parts[i]->shared = 0;
        disk->parts[i]->exclusive = false;
    }
    unlock(disk);
    disk_heal(disk);
}

void disk_cut_power_after(crashdisk_t *disk, unsigned changes)
{
    disk->power_limited = true;
    disk->changes_left = changes;
}

bool disk_powered(const crashdisk_t *disk)
{
    return !disk->powerless;
}

void disk_restore_power(crashdisk_t *disk)
{
    disk->power_limited = disk->powerless = false;
}

void disk_lose_write_back(crashdisk_t *disk, disk_target_t on)
{
    lock(disk);
    for (size_t i = 0; i < disk->log_count;) {
        size_t node = disk->log[i].node;
        bool lost = disk->log[i].kind == UNIT_WRITE && disk_matches(on, disk_target_of(disk, disk_node(disk, node)));
        if (!lost) {
            i++;
            continue;
        }
        disk_forget_writes(disk, node, disk->op_number);
        for (segj_file_t *file = disk->files; file != NULL; file = file->next)
            file->reports = file->reports || file->node == node;
        i = 0;
    }
    unlock(disk);
}
