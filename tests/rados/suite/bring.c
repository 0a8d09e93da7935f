/* rados/suite/bring.c: see the header. */
#include "rados/suite/bring.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- bringing files to the cluster --- */

void bring_file(segj_partition_t *objects, const char *path, const char *name)
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
void bring_all(const char *directory, const char *partition, segj_partition_t *objects)
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

bool is_as_left(const char *path)
{
    (void)pthread_mutex_lock(&places_lock);
    const struct place_left *place = place_of(path);
    bool left = place != NULL && place->sign == sign_of(path);
    (void)pthread_mutex_unlock(&places_lock);
    return left;
}

void note_left(const char *path)
{
    (void)pthread_mutex_lock(&places_lock);
    struct place_left *place = place_of(path);
    if (place == NULL)
        place = &places[place_count < PLACES ? place_count++ : PLACES - 1];
    (void)snprintf(place->path, sizeof place->path, "%s", path);
    place->sign = sign_of(path);
    (void)pthread_mutex_unlock(&places_lock);
}
