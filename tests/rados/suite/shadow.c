/*
 * rados/suite/shadow.c: the suites of other folders on a cluster. They make journals in files, look into those and damage
 * them; a program that is linked with this (--wrap=segj_storage_posix) gets, for the storage of files, one that does
 * everything twice: in files, and in a cluster. What the journal reads, and which files and sizes there are, comes from the
 * cluster. What a test has done to the files is brought to the cluster when a partition is opened.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rados/cluster.h"
#include "support/support.h"

const segj_storage_t *__real_segj_storage_posix(void);
const segj_storage_t *__wrap_segj_storage_posix(void);

struct segj_partition {
    segj_partition_t *files;
    segj_partition_t *objects;
    char path[PATH_LIMIT];
};

struct segj_file {
    segj_file_t *file;
    segj_file_t *objects;
};

/* A reader of a journal that is written elsewhere in the process sees the objects only; so does everybody else. */
static const segj_storage_t *files;
static segj_storage_t *cluster;
static char prefix[64];

/* Differences between the two are defects of one of them. */
static void same(int left, int right, const char *what, const char *name)
{
    if (left == right)
        return;
    fprintf(stderr, "shadow: %s of %s: %d in files, %d in the cluster\n", what, name, left, right);
    abort();
}

/* Paths are names of directories in the cluster, which hold no colon. */
static const char *in_cluster(const char *directory, char room[PATH_LIMIT])
{
    size_t size = strlen(directory);
    while (size > 1 && directory[size - 1] == '/')
        size--;
    (void)snprintf(room, PATH_LIMIT, "%s%.*s", prefix, (int)size, directory);
    return room;
}

/* --- bringing files to the cluster --- */

static void bring_file(segj_partition_t *objects, const char *path, const char *name)
{
    segj_file_t *file = NULL;
    uint64_t size = 0;
    bytes_t have = read_file(path);
    uint8_t *found = malloc(have.size + 1);
    size_t got = 0;
    bool equal = false;
    assert_non_null(found);
    if (cluster->file_open(objects, name, SEGJ_OPEN_READ, &file) == 0) {
        equal = cluster->file_size(file, &size) == 0 && size == have.size;
        while (equal && got < have.size) {
            size_t done = 0;
            equal = cluster->file_read(file, got, found + got, have.size - got, &done) == 0 && done > 0;
            got += done;
        }
        equal = equal && memcmp(found, have.data, have.size) == 0;
        cluster->file_close(file);
    }
    free(found);
    if (!equal) {
        size_t done = 0;
        const segj_slice_t slice = {.data = have.data, .size = have.size};
        if (cluster->file_open(objects, name, SEGJ_OPEN_WRITE, &file) != 0)
            assert_int_equal(cluster->file_open(objects, name, SEGJ_OPEN_CREATE, &file), 0);
        assert_int_equal(cluster->file_truncate(file, 0), 0);
        assert_int_equal(cluster->file_write(file, 0, &slice, 1, &done), 0);
        assert_int_equal(done, have.size);
        assert_int_equal(cluster->file_sync(file), 0);
        cluster->file_close(file);
    }
    free_bytes(&have);
}

struct extra {
    const char *directory;
    segj_partition_t *objects;
};

static int drop_extra(void *context, const char *name, segj_entry_kind_t kind)
{
    const struct extra *extra = context;
    char path[2 * PATH_LIMIT];
    (void)kind;
    (void)snprintf(path, sizeof path, "%s/%s", extra->directory, name);
    return access(path, F_OK) == 0 ? 0 : cluster->file_remove(extra->objects, name);
}

/* A link or a device is no file of the cluster's. */
static void bring(const char *directory, const char *partition, segj_partition_t *objects)
{
    char path[2 * PATH_LIMIT];
    char name[3 * PATH_LIMIT];
    struct stat found;
    const struct dirent *entry;
    (void)snprintf(path, sizeof path, "%s/%s", directory, partition);
    struct extra extra = {path, objects};
    assert_int_equal(cluster->partition_list(objects, drop_extra, &extra), 0);
    DIR *stream = opendir(path);
    assert_non_null(stream);
    while ((entry = readdir(stream)) != NULL) {
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (lstat(name, &found) == 0 && S_ISREG(found.st_mode))
            bring_file(objects, name, entry->d_name);
    }
    (void)closedir(stream);
}

/* --- what has changed since --- */

enum { PLACES = 512 };

/* Partitions, and how they were left: what has been left so need not be compared. */
static struct place_left {
    char path[PATH_LIMIT];
    uint64_t sign;
} places[PLACES];
static size_t place_count;
static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t mix(uint64_t sign, uint64_t number)
{
    return (sign ^ number) * UINT64_C(0x9e3779b97f4a7c15) ^ (sign >> 29);
}

/* Of names, sizes and times, in whatever order. */
static uint64_t sign_of(const char *path)
{
    char name[3 * PATH_LIMIT];
    struct stat found;
    const struct dirent *entry;
    uint64_t sum = 1;
    DIR *stream = opendir(path);
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (lstat(name, &found) != 0 || !S_ISREG(found.st_mode))
            continue;
        uint64_t sign = mix((uint64_t)found.st_ino, (uint64_t)found.st_size);
        sign = mix(sign, (uint64_t)found.st_mtim.tv_sec * 1000000000u + (uint64_t)found.st_mtim.tv_nsec);
        for (const char *c = entry->d_name; *c != '\0'; c++)
            sign = mix(sign, (uint64_t)(unsigned char)*c);
        sum += sign;
    }
    if (stream != NULL)
        (void)closedir(stream);
    return sum;
}

static struct place_left *place_of(const char *path)
{
    for (size_t i = 0; i < place_count; i++)
        if (strcmp(places[i].path, path) == 0)
            return &places[i];
    return NULL;
}

static bool is_as_left(const char *path)
{
    (void)pthread_mutex_lock(&places_lock);
    const struct place_left *place = place_of(path);
    bool left = place != NULL && place->sign == sign_of(path);
    (void)pthread_mutex_unlock(&places_lock);
    return left;
}

static void note_left(const char *path)
{
    (void)pthread_mutex_lock(&places_lock);
    struct place_left *place = place_of(path);
    if (place == NULL)
        place = &places[place_count < PLACES ? place_count++ : PLACES - 1];
    (void)snprintf(place->path, sizeof place->path, "%s", path);
    place->sign = sign_of(path);
    (void)pthread_mutex_unlock(&places_lock);
}

/* --- partitions --- */

static int shadow_create_mode(void *context, const char *directory, const char *partition, unsigned mode)
{
    char room[PATH_LIMIT];
    (void)context;
    int code = mode == 0 ? files->partition_create(files->context, directory, partition)
                         : files->partition_create_mode(files->context, directory, partition, mode);
    if (code == 0)
        same(code, cluster->partition_create(cluster->context, in_cluster(directory, room), partition), "making",
             partition);
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
        bring(directory, partition, made.objects);
        (void)files->partition_unlock(made.files);
    }
    return 0;
}

static int shadow_lock(segj_partition_t *partition, bool exclusive)
{
    int code = files->partition_lock(partition->files, exclusive);
    if (code == 0)
        same(code, cluster->partition_lock(partition->objects, exclusive), "locking", "a partition");
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
    if (code == 0)
        (void)cluster->partition_remove(cluster->context, in_cluster(directory, room), partition);
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

static void end(void)
{
    segj_storage_rados_destroy(cluster);
}

static void begin(void)
{
    files = __real_segj_storage_posix();
    table = *files;
    if (!cluster_is_there())
        exit(77);
    (void)cluster_directory(prefix);
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
}

/* A setting of its own: the storage in the cluster asks this one for random numbers while it is made, and the table is
 * there by then. */
static pthread_once_t connected = PTHREAD_ONCE_INIT;

static void connect_once(void)
{
    segj_storage_rados_options_t options = cluster_options();
    cluster = cluster_storage(&options);
    (void)atexit(end);
}

const segj_storage_t *__wrap_segj_storage_posix(void)
{
    (void)pthread_once(&once, begin);
    if (cluster == NULL)
        (void)pthread_once(&connected, connect_once);
    return &table;
}
