/*
 * rados/suite/shadow.c: the suites of other folders on a cluster. They make journals in files, look into those and damage
 * them; a program that is linked with this (--wrap=segj_storage_posix) gets, for the storage of files, one that does
 * everything twice: in files, and in a cluster. What the journal reads, and which files and sizes there are, comes from the
 * cluster. What a test has done to the files is brought to the cluster when a partition is opened, or at once where it is
 * open.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rados/cluster.h"
#include "rados/suite/bring.h"

const segj_storage_t *__real_segj_storage_posix(void);
const segj_storage_t *__wrap_segj_storage_posix(void);

struct segj_partition {
    segj_partition_t *next; /* of those that are open */
    segj_partition_t *files;
    segj_partition_t *objects;
    bool locked; /* for writing */
    char path[PATH_LIMIT];
};

struct segj_file {
    segj_file_t *file;
    segj_file_t *objects;
};

/* A reader of a journal that is written elsewhere in the process sees the objects only; so does everybody else. */
static const segj_storage_t *files;
segj_storage_t *cluster;
static char prefix[64];

/* Differences between the two are defects of one of them. */
static void same(int left, int right, const char *what, const char *name)
{
    if (left == right)
        return;
    fprintf(stderr, "shadow: %s of %s: %d in files, %d in the cluster\n", what, name, left, right);
    abort();
}

static void end(void)
{
    segj_storage_rados_destroy(cluster);
}

static void begin_cluster(void)
{
    segj_storage_rados_options_t options = cluster_options();
    (void)cluster_directory(prefix);
    cluster = cluster_storage(&options);
    (void)atexit(end);
}

/* Paths are names of directories in the cluster, which hold no colon. The first one that is wanted makes the connection: a
 * child of fork has one of its own while its parent has none. */
static const char *in_cluster(const char *directory, char room[PATH_LIMIT])
{
    static pthread_once_t connected = PTHREAD_ONCE_INIT;
    size_t size = strlen(directory);
    (void)pthread_once(&connected, begin_cluster);
    while (size > 1 && directory[size - 1] == '/')
        size--;
    (void)snprintf(room, PATH_LIMIT, "%s%.*s", prefix, (int)size, directory);
    return room;
}

/* --- bringing a file to a partition that is open --- */

static segj_partition_t *opened_partitions;
static pthread_mutex_t opened_lock = PTHREAD_MUTEX_INITIALIZER;

static void note_open(segj_partition_t *partition)
{
    (void)pthread_mutex_lock(&opened_lock);
    partition->next = opened_partitions;
    opened_partitions = partition;
    (void)pthread_mutex_unlock(&opened_lock);
}

static void note_closed(const segj_partition_t *partition)
{
    (void)pthread_mutex_lock(&opened_lock);
    segj_partition_t **at = &opened_partitions;
    while (*at != partition)
        at = &(*at)->next;
    *at = partition->next;
    (void)pthread_mutex_unlock(&opened_lock);
}

/* Its owner's, where it has one. */
static segj_partition_t *find_open(const char *path, size_t size)
{
    segj_partition_t *found = NULL;
    for (segj_partition_t *at = opened_partitions; at != NULL; at = at->next)
        if (strlen(at->path) == size && strncmp(at->path, path, size) == 0 && (found == NULL || at->locked))
            found = at;
    return found;
}

static void bring_changed(const char *path)
{
    const char *name = strrchr(path, '/');
    if (name == NULL)
        return;
    (void)pthread_mutex_lock(&opened_lock);
    const segj_partition_t *partition = find_open(path, (size_t)(name - path));
    (void)pthread_mutex_unlock(&opened_lock);
    if (partition == NULL)
        return;
    if (access(path, F_OK) == 0)
        bring_file(partition->objects, path, name + 1);
    else
        same(0, cluster->file_remove(partition->objects, name + 1), "removing", name + 1);
}

/* --- partitions --- */

static int shadow_create_mode(void *context, const char *directory, const char *partition, unsigned mode)
{
    char room[PATH_LIMIT];
    (void)context;
    int code = mode == 0 ? files->partition_create(files->context, directory, partition)
                         : files->partition_create_mode(files->context, directory, partition, mode);
    if (code != 0)
        return code;
    (void)in_cluster(directory, room);
    same(code, cluster->partition_create(cluster->context, room, partition), "making", partition);
    return code;
}

static int shadow_create(void *context, const char *directory, const char *partition)
{
    return shadow_create_mode(context, directory, partition, 0);
}

/* Two journals of a directory that are open at a time: what the first one does is in the cluster already. */
static int shadow_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    char room[PATH_LIMIT];
    segj_partition_t made = {0};
    (void)context;
    int code = files->partition_open(files->context, directory, partition, &made.files);
    if (code != 0)
        return code;
    (void)in_cluster(directory, room);
    (void)snprintf(made.path, sizeof made.path, "%.900s/%.100s", directory, partition);
    bool left = is_as_left(made.path);
    if (!left)
        same(0, cluster->partition_create(cluster->context, room, partition), "making", partition);
    same(0, cluster->partition_open(cluster->context, room, partition, &made.objects), "opening", partition);
    *opened = malloc(sizeof made);
    assert_non_null(*opened);
    **opened = made;
    if (!left && files->partition_lock(made.files, true) == 0) {
        bring_all(directory, partition, made.objects);
        (void)files->partition_unlock(made.files);
    }
    note_open(*opened);
    return 0;
}

static int shadow_lock(segj_partition_t *partition, bool exclusive)
{
    int code = files->partition_lock(partition->files, exclusive);
    if (code == 0)
        same(code, cluster->partition_lock(partition->objects, exclusive), "locking", "a partition");
    partition->locked = code == 0 && exclusive;
    return code;
}

static int shadow_unlock(segj_partition_t *partition)
{
    same(0, cluster->partition_unlock(partition->objects), "unlocking", "a partition");
    return files->partition_unlock(partition->files);
}

struct listing {
    segj_list_visit_t visit;
    void *context;
};

static int list_other(void *context, const char *name, segj_entry_kind_t kind)
{
    const struct listing *listing = context;
    return kind == SEGJ_ENTRY_FILE ? 0 : listing->visit(listing->context, name, kind);
}

static int shadow_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    struct listing listing = {visit, visit_context};
    int code = files->partition_list(partition->files, list_other, &listing);
    return code == 0 ? cluster->partition_list(partition->objects, visit, visit_context) : code;
}

static int shadow_sync(segj_partition_t *partition)
{
    int code = files->partition_sync(partition->files);
    return code == 0 ? cluster->partition_sync(partition->objects) : code;
}

static void shadow_close(segj_partition_t *partition)
{
    note_closed(partition);
    cluster->partition_close(partition->objects);
    files->partition_close(partition->files);
    note_left(partition->path);
    free(partition);
}

static int shadow_remove(void *context, const char *directory, const char *partition)
{
    char room[PATH_LIMIT];
    (void)context;
    int code = files->partition_remove(files->context, directory, partition);
    if (code != 0)
        return code;
    (void)in_cluster(directory, room);
    (void)cluster->partition_remove(cluster->context, room, partition);
    return code;
}

static int shadow_beside(segj_partition_t *partition, segj_partition_t *other)
{
    return files->partition_beside(partition->files, other->files);
}

static int shadow_named(segj_partition_t *partition)
{
    return files->partition_named(partition->files);
}

static int shadow_remove_open(segj_partition_t *partition)
{
    int code = files->partition_remove_open(partition->files);
    if (code == 0)
        same(code, cluster->partition_remove_open(partition->objects), "removing", "a partition");
    return code;
}

static int shadow_sync_directory(segj_partition_t *partition)
{
    return files->partition_sync_directory(partition->files);
}

static int shadow_space(segj_partition_t *partition, uint64_t *bytes)
{
    return files->partition_space(partition->files, bytes);
}

static int shadow_holder(segj_partition_t *partition, int64_t *process)
{
    return files->partition_holder(partition->files, process);
}

/* --- files --- */

static int shadow_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    segj_file_t made = {0};
    int code = files->file_open(partition->files, name, mode, &made.file);
    if (code != 0)
        return code;
    same(code, cluster->file_open(partition->objects, name, mode, &made.objects), "opening", name);
    *opened = malloc(sizeof made);
    assert_non_null(*opened);
    **opened = made;
    return 0;
}

static int shadow_file_remove(segj_partition_t *partition, const char *name)
{
    int code = files->file_remove(partition->files, name);
    if (code == 0)
        same(code, cluster->file_remove(partition->objects, name), "removing", name);
    return code;
}

static int shadow_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    return cluster->file_read(file->objects, offset, buffer, size, done);
}

/* The files first, whose end may have come; what they took goes to the cluster. */
static int shadow_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    int code = files->file_write(file->file, offset, slices, count, done);
    size_t left = *done;
    for (size_t i = 0; i < count && left > 0; i++) {
        segj_slice_t slice = {.data = slices[i].data, .size = slices[i].size < left ? slices[i].size : left};
        size_t taken = 0;
        same(0, cluster->file_write(file->objects, offset, &slice, 1, &taken), "writing", "a file");
        same(1, taken == slice.size, "writing all", "a file");
        offset += taken;
        left -= taken;
    }
    return code;
}

static int shadow_size(segj_file_t *file, uint64_t *size)
{
    return cluster->file_size(file->objects, size);
}

static int shadow_truncate(segj_file_t *file, uint64_t size)
{
    int code = files->file_truncate(file->file, size);
    if (code == 0)
        same(code, cluster->file_truncate(file->objects, size), "truncating", "a file");
    return code;
}

static int shadow_file_sync(segj_file_t *file)
{
    int code = files->file_sync(file->file);
    return code == 0 ? cluster->file_sync(file->objects) : code;
}

static int shadow_hand_over(segj_file_t *file)
{
    return cluster->file_hand_over(file->objects);
}

static void shadow_file_close(segj_file_t *file)
{
    cluster->file_close(file->objects);
    files->file_close(file->file);
    free(file);
}

static int shadow_file_lock(segj_file_t *file, bool exclusive)
{
    return files->file_lock(file->file, exclusive);
}

static int shadow_refresh(segj_file_t *file, bool written)
{
    int code = files->file_refresh(file->file, written);
    if (code == 0)
        same(code, cluster->file_refresh(file->objects, written), "refreshing", "a file");
    return code;
}

static int shadow_mode(segj_file_t *file, unsigned mode)
{
    return files->file_mode(file->file, mode);
}

/* --- the table --- */

static segj_storage_t table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin(void)
{
    files = __real_segj_storage_posix();
    table = *files;
    if (!cluster_is_there())
        exit(77);
    table.partition_create = shadow_create;
    table.partition_open = shadow_open;
    table.partition_lock = shadow_lock;
    table.partition_unlock = shadow_unlock;
    table.partition_list = shadow_list;
    table.partition_sync = shadow_sync;
    table.partition_close = shadow_close;
    table.partition_remove = shadow_remove;
    table.file_open = shadow_file_open;
    table.file_remove = shadow_file_remove;
    table.file_read = shadow_read;
    table.file_write = shadow_write;
    table.file_size = shadow_size;
    table.file_truncate = shadow_truncate;
    table.file_sync = shadow_file_sync;
    table.file_close = shadow_file_close;
    table.file_write_back = NULL;
    table.file_evict = NULL;
    table.file_map = NULL;
    table.file_unmap = NULL;
    table.partition_beside = shadow_beside;
    table.partition_named = shadow_named;
    table.partition_remove_open = shadow_remove_open;
    table.partition_sync_directory = shadow_sync_directory;
    table.file_lock = shadow_file_lock;
    table.file_refresh = shadow_refresh;
    table.partition_holder = shadow_holder;
    table.file_copy = NULL;
    table.partition_create_mode = shadow_create_mode;
    table.file_mode = shadow_mode;
    table.partition_space = shadow_space;
    table.file_hand_over = shadow_hand_over;
}

/* Before the first test, which may ask for it. */
__attribute__((constructor)) static void follow_files(void)
{
    file_was_changed = bring_changed;
}

const segj_storage_t *__wrap_segj_storage_posix(void)
{
    (void)pthread_once(&once, begin);
    return &table;
}
