/*
 * storage/memory.c: a storage in memory, for tests. Directories hold partitions, partitions hold files; one mutex
 * guards the tree and everything in it, so any call may come from any thread.
 *
 * Names and things are apart, as in a file system: a file or partition that lost its name lives on, out of the tree,
 * until the last object that has it open is closed. References count those objects, and the name as one more.
 */
#include "segjournal/storage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/process.h"
#include "base/thread.h"

/** A file; `bytes` past `size` are of no meaning and are cleared when the file grows over them. */
struct memory_file {
    char *name;
    unsigned references;
    uint8_t *bytes;
    size_t size;
    size_t capacity;
    bool removed; /* it has no name any more */
};

struct memory_partition {
    struct memory_partition *next;
    char *name;
    unsigned references;
    bool removed;
    struct memory_directory *parent; /* directories live as long as the storage */
    unsigned shared_locks;
    bool exclusive_lock;
    struct memory_file **files; /* sorted by name */
    size_t count;
    size_t capacity;
};

struct memory_directory {
    struct memory_directory *next;
    char *path;
    struct memory_partition *partitions;
};

struct memory {
    segj_storage_t storage;
    segj_mutex_t mutex;
    int64_t process; /* that made it */
    struct memory_directory *directories;
};

enum lock_kind { LOCK_NONE, LOCK_SHARED, LOCK_EXCLUSIVE };

struct segj_partition {
    struct memory *memory;
    struct memory_partition *node;
    enum lock_kind held;
};

struct segj_file {
    struct memory *memory;
    struct memory_file *node;
    bool writable;
};

/** Whether this is a child of the process that made it. The mutex may be held there by a thread that the child has not:
 *  what is closed gives its own memory back and leaves the tree alone. */
static bool memory_is_childs(const struct memory *memory)
{
    return memory->process != segj_process_id();
}

/* --- the tree; its mutex is held by the caller --- */

static char *memory_copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

static void release_file(struct memory_file *file)
{
    if (--file->references > 0)
        return;
    free(file->bytes);
    free(file->name);
    free(file);
}

static void release_partition(struct memory_partition *partition)
{
    if (--partition->references > 0)
        return;
    for (size_t i = 0; i < partition->count; i++)
        release_file(partition->files[i]);
    free(partition->files);
    free(partition->name);
    free(partition);
}

static struct memory_directory *find_directory(struct memory *memory, const char *path) SEGJ_REQUIRES(memory->mutex);
static struct memory_directory *find_directory(struct memory *memory, const char *path)
{
    segj_assert_held(&memory->mutex);
    struct memory_directory *directory = memory->directories;
    while (directory != NULL && strcmp(directory->path, path) != 0)
        directory = directory->next;
    return directory;
}

/** Where the partition of a name hangs, or would be hung: a pointer to NULL. */
static struct memory_partition **find_partition(struct memory_directory *directory, const char *name)
{
    struct memory_partition **place = &directory->partitions;
    while (*place != NULL && strcmp((*place)->name, name) != 0)
        place = &(*place)->next;
    return place;
}

/** The index of a name among a partition's files, or the one it would have; *found tells which. */
static size_t find_file(const struct memory_partition *partition, const char *name, bool *found)
{
    size_t low = 0;
    size_t high = partition->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(partition->files[middle]->name, name);
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
            *found = *found || order == 0;
        }
    }
    return low;
}

static struct memory_directory *add_directory(struct memory *memory, const char *path) SEGJ_REQUIRES(memory->mutex);
static struct memory_directory *add_directory(struct memory *memory, const char *path)
{
    segj_assert_held(&memory->mutex);
    struct memory_directory *directory = calloc(1, sizeof *directory);
    if (directory == NULL)
        return NULL;
    directory->path = memory_copy_text(path);
    if (directory->path == NULL) {
        free(directory);
        return NULL;
    }
    directory->next = memory->directories;
    memory->directories = directory;
    return directory;
}

static int add_partition(struct memory_directory *parent, struct memory_partition **place, const char *name)
{
    struct memory_partition *partition = calloc(1, sizeof *partition);
    if (partition == NULL)
        return ENOMEM;
    partition->references = 1;
    partition->parent = parent;
    partition->name = memory_copy_text(name);
    if (partition->name == NULL) {
        free(partition);
        return ENOMEM;
    }
    *place = partition;
    return 0;
}

static int add_file(struct memory_partition *partition, const char *name, size_t index)
{
    if (partition->count == partition->capacity) {
        size_t capacity = partition->capacity == 0 ? 16 : partition->capacity * 2;
        struct memory_file **larger = realloc(partition->files, capacity * sizeof(struct memory_file *));
        if (larger == NULL)
            return ENOMEM;
        partition->files = larger;
        partition->capacity = capacity;
    }
    struct memory_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return ENOMEM;
    file->references = 1;
    file->name = memory_copy_text(name);
    if (file->name == NULL) {
        free(file);
        return ENOMEM;
    }
    struct memory_file **place = partition->files + index;
    memmove(place + 1, place, (partition->count - index) * sizeof(struct memory_file *));
    *place = file;
    partition->count++;
    return 0;
}

/* --- partitions --- */

static int memory_partition_create(void *context, const char *directory, const char *partition)
{
    struct memory *memory = context;
    int code = ENOMEM;
    segj_lock(&memory->mutex);
    struct memory_directory *parent = find_directory(memory, directory);
    if (parent == NULL)
        parent = add_directory(memory, directory);
    if (parent != NULL) {
        struct memory_partition **place = find_partition(parent, partition);
        code = *place != NULL ? 0 : add_partition(parent, place, partition);
    }
    segj_unlock(&memory->mutex);
    return code;
}

static int memory_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    struct memory *memory = context;
    struct memory_partition *node = NULL;
    segj_partition_t *result = malloc(sizeof *result);
    if (result == NULL)
        return ENOMEM;
    segj_lock(&memory->mutex);
    struct memory_directory *parent = find_directory(memory, directory);
    if (parent != NULL)
        node = *find_partition(parent, partition);
    if (node != NULL)
        node->references++;
    segj_unlock(&memory->mutex);
    if (node == NULL) {
        free(result);
        return ENOENT;
    }
    result->memory = memory;
    result->node = node;
    result->held = LOCK_NONE;
    *opened = result;
    return 0;
}

static void drop_lock(segj_partition_t *partition)
{
    if (partition->held == LOCK_SHARED)
        partition->node->shared_locks--;
    else if (partition->held == LOCK_EXCLUSIVE)
        partition->node->exclusive_lock = false;
    partition->held = LOCK_NONE;
}

static int memory_partition_lock(segj_partition_t *partition, bool exclusive)
{
    struct memory_partition *node = partition->node;
    int code = 0;
    segj_lock(&partition->memory->mutex);
    unsigned others = node->shared_locks - (partition->held == LOCK_SHARED ? 1 : 0);
    bool taken = node->exclusive_lock && partition->held != LOCK_EXCLUSIVE;
    if (taken || (exclusive && others > 0)) {
        code = EWOULDBLOCK;
    } else if (node->removed) {
        drop_lock(partition);
        code = ESTALE;
    } else {
        drop_lock(partition);
        if (exclusive)
            node->exclusive_lock = true;
        else
            node->shared_locks++;
        partition->held = exclusive ? LOCK_EXCLUSIVE : LOCK_SHARED;
    }
    segj_unlock(&partition->memory->mutex);
    return code;
}

static int memory_partition_unlock(segj_partition_t *partition)
{
    segj_lock(&partition->memory->mutex);
    drop_lock(partition);
    segj_unlock(&partition->memory->mutex);
    return 0;
}

/** A partition's files at one moment, each with a reference; NULL without memory. */
static struct memory_file **files_now(segj_partition_t *partition, size_t *count)
{
    struct memory_partition *node = partition->node;
    segj_lock(&partition->memory->mutex);
    struct memory_file **files = malloc((node->count + 1) * sizeof(struct memory_file *));
    *count = files == NULL ? 0 : node->count;
    for (size_t i = 0; i < *count; i++) {
        files[i] = node->files[i];
        files[i]->references++;
    }
    segj_unlock(&partition->memory->mutex);
    return files;
}

/* The visitor is called without the mutex: it may use the storage. */
static int memory_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    size_t count;
    struct memory_file **files = files_now(partition, &count);
    if (files == NULL)
        return ENOMEM;
    int code = 0;
    for (size_t i = 0; i < count && code == 0; i++)
        code = visit(visit_context, files[i]->name, SEGJ_ENTRY_FILE);
    segj_lock(&partition->memory->mutex);
    for (size_t i = 0; i < count; i++)
        release_file(files[i]);
    segj_unlock(&partition->memory->mutex);
    free(files);
    return code;
}

static int memory_partition_sync(segj_partition_t *partition)
{
    (void)partition;
    return 0;
}

static void memory_partition_close(segj_partition_t *partition)
{
    if (!memory_is_childs(partition->memory)) {
        segj_lock(&partition->memory->mutex);
        drop_lock(partition);
        release_partition(partition->node);
        segj_unlock(&partition->memory->mutex);
    }
    free(partition);
}

/* With the mutex. */
static int remove_partition(struct memory_partition **place)
{
    struct memory_partition *node = *place;
    if (node == NULL)
        return ENOENT;
    if (node->count > 0)
        return ENOTEMPTY;
    *place = node->next;
    node->removed = true;
    release_partition(node);
    return 0;
}

static int memory_partition_remove(void *context, const char *directory, const char *partition)
{
    struct memory *memory = context;
    int code = ENOENT;
    segj_lock(&memory->mutex);
    struct memory_directory *parent = find_directory(memory, directory);
    struct memory_partition **place = parent == NULL ? NULL : find_partition(parent, partition);
    if (place != NULL && *place != NULL)
        code = remove_partition(place);
    segj_unlock(&memory->mutex);
    return code;
}

/* Names are never given to other partitions here: one that was removed is gone. */
static int memory_partition_named(segj_partition_t *partition)
{
    segj_lock(&partition->memory->mutex);
    bool removed = partition->node->removed;
    segj_unlock(&partition->memory->mutex);
    return removed ? ENOENT : 0;
}

static int memory_partition_beside(segj_partition_t *partition, segj_partition_t *other)
{
    return partition->node->parent == other->node->parent ? 0 : ESTALE;
}

static int memory_partition_remove_open(segj_partition_t *partition)
{
    struct memory_partition *node = partition->node;
    segj_lock(&partition->memory->mutex);
    int code = node->removed ? ENOENT : remove_partition(find_partition(node->parent, node->name));
    segj_unlock(&partition->memory->mutex);
    return code;
}

static int memory_partition_sync_directory(segj_partition_t *partition)
{
    (void)partition;
    return 0;
}

static int memory_directory_sync(void *context, const char *directory)
{
    struct memory *memory = context;
    segj_lock(&memory->mutex);
    int code = find_directory(memory, directory) != NULL ? 0 : ENOENT;
    segj_unlock(&memory->mutex);
    return code;
}

/* --- files --- */

static int memory_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    struct memory_partition *node = partition->node;
    bool found;
    int code = 0;
    segj_file_t *result = malloc(sizeof *result);
    if (result == NULL)
        return ENOMEM;
    segj_lock(&partition->memory->mutex);
    size_t index = find_file(node, name, &found);
    if (mode == SEGJ_OPEN_CREATE && found)
        code = EEXIST;
    else if (mode == SEGJ_OPEN_CREATE && !node->removed)
        code = add_file(node, name, index);
    else if (!found)
        code = ENOENT;
    if (code == 0) {
        result->memory = partition->memory;
        result->node = node->files[index];
        result->node->references++;
        result->writable = mode != SEGJ_OPEN_READ;
        *opened = result;
    }
    segj_unlock(&partition->memory->mutex);
    if (code != 0)
        free(result);
    return code;
}

static int memory_file_remove(segj_partition_t *partition, const char *name)
{
    struct memory_partition *node = partition->node;
    bool found;
    segj_lock(&partition->memory->mutex);
    size_t index = find_file(node, name, &found);
    if (found) {
        struct memory_file **place = node->files + index;
        (*place)->removed = true;
        release_file(*place);
        node->count--;
        memmove(place, place + 1, (node->count - index) * sizeof(struct memory_file *));
    }
    segj_unlock(&partition->memory->mutex);
    return found ? 0 : ENOENT;
}

static int memory_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    struct memory_file *node = file->node;
    segj_lock(&file->memory->mutex);
    size_t count = 0;
    if (offset < node->size) {
        size_t left = node->size - (size_t)offset;
        count = size < left ? size : left;
    }
    if (count > 0)
        memcpy(buffer, node->bytes + offset, count);
    segj_unlock(&file->memory->mutex);
    *done = count;
    return 0;
}

/** Makes a file at least `size` bytes long, what is new being zeros; at least twice the room each time it moves. */
static int grow(struct memory_file *file, uint64_t size)
{
    if (size > (uint64_t)INT64_MAX)
        return EFBIG;
    if (size > SIZE_MAX / 2)
        return ENOMEM;
    if (size <= file->size)
        return 0;
    if (size > file->capacity) {
        size_t capacity = file->capacity * 2 > (size_t)size ? file->capacity * 2 : (size_t)size;
        uint8_t *larger = realloc(file->bytes, capacity);
        if (larger == NULL)
            return ENOMEM;
        file->bytes = larger;
        file->capacity = capacity;
    }
    memset(file->bytes + file->size, 0, (size_t)size - file->size);
    file->size = (size_t)size;
    return 0;
}

static int memory_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    struct memory_file *node = file->node;
    uint64_t size = 0;
    *done = 0;
    if (!file->writable)
        return EBADF;
    for (size_t i = 0; i < count; i++)
        if (!segj_add_u64(size, slices[i].size, &size))
            return EINVAL;
    uint64_t end;
    if (!segj_add_u64(offset, size, &end))
        return EFBIG;
    if (size == 0)
        return 0;
    segj_lock(&file->memory->mutex);
    int code = grow(node, end);
    for (size_t i = 0; i < count && code == 0; i++) {
        if (slices[i].size > 0)
            memcpy(node->bytes + offset + *done, slices[i].data, slices[i].size);
        *done += slices[i].size;
    }
    segj_unlock(&file->memory->mutex);
    return code;
}

static int memory_file_size(segj_file_t *file, uint64_t *size)
{
    segj_lock(&file->memory->mutex);
    *size = file->node->size;
    segj_unlock(&file->memory->mutex);
    return 0;
}

/* What is written is seen at once. */
static int memory_file_refresh(segj_file_t *file, bool written)
{
    (void)written;
    segj_lock(&file->memory->mutex);
    bool removed = file->node->removed;
    segj_unlock(&file->memory->mutex);
    return removed ? ESTALE : 0;
}

static int memory_file_truncate(segj_file_t *file, uint64_t size)
{
    if (!file->writable)
        return EINVAL;
    segj_lock(&file->memory->mutex);
    int code = grow(file->node, size);
    if (code == 0)
        file->node->size = (size_t)size;
    segj_unlock(&file->memory->mutex);
    return code;
}

static int memory_file_sync(segj_file_t *file)
{
    (void)file;
    return 0;
}

static void memory_file_close(segj_file_t *file)
{
    if (!memory_is_childs(file->memory)) {
        segj_lock(&file->memory->mutex);
        release_file(file->node);
        segj_unlock(&file->memory->mutex);
    }
    free(file);
}

/* --- the storage --- */

static const segj_storage_t memory_calls = {
    .struct_size = sizeof(segj_storage_t),
    .partition_create = memory_partition_create,
    .partition_open = memory_partition_open,
    .partition_lock = memory_partition_lock,
    .partition_unlock = memory_partition_unlock,
    .partition_list = memory_partition_list,
    .partition_sync = memory_partition_sync,
    .partition_close = memory_partition_close,
    .partition_remove = memory_partition_remove,
    .directory_sync = memory_directory_sync,
    .file_open = memory_file_open,
    .file_remove = memory_file_remove,
    .file_read = memory_file_read,
    .file_write = memory_file_write,
    .file_size = memory_file_size,
    .file_truncate = memory_file_truncate,
    .file_sync = memory_file_sync,
    .file_close = memory_file_close,
    .partition_beside = memory_partition_beside,
    .partition_named = memory_partition_named,
    .partition_remove_open = memory_partition_remove_open,
    .partition_sync_directory = memory_partition_sync_directory,
    .file_refresh = memory_file_refresh,
    .file_read_device = memory_file_read, /* every sync is taken for granted */
};

segj_status_t segj_storage_memory_create(segj_storage_t **storage)
{
    if (storage == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "segj_storage_memory_create: storage is NULL");
    *storage = NULL;
    struct memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return segj_fail_memory(sizeof *memory);
    if (!segj_mutex_init(&memory->mutex)) {
        free(memory);
        return segj_fail(SEGJ_ERR_MEMORY, "segj_storage_memory_create: no mutex to be had");
    }
    memory->process = segj_process_id();
    memory->storage = memory_calls;
    memory->storage.context = memory;
    *storage = &memory->storage;
    return SEGJ_OK;
}

void segj_storage_memory_destroy(segj_storage_t *storage)
{
    if (storage == NULL)
        return;
    struct memory *memory = storage->context;
    while (memory->directories != NULL) {
        struct memory_directory *directory = memory->directories;
        memory->directories = directory->next;
        while (directory->partitions != NULL) {
            struct memory_partition *partition = directory->partitions;
            directory->partitions = partition->next;
            release_partition(partition);
        }
        free(directory->path);
        free(directory);
    }
    if (!memory_is_childs(memory))
        segj_mutex_destroy(&memory->mutex);
    free(memory);
}
