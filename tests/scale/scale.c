/* scale/scale.c: see the header. */
#include "scale/scale.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

/* --- the storage --- */

static calls_t counted;

static int counted_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    int code = segj_storage_posix()->file_open(partition, name, mode, opened);
    if (mode == SEGJ_OPEN_CREATE)
        counted.creates++;
    else
        counted.opens++;
    if (code == 0)
        counted.files++;
    if (counted.files > counted.most_files)
        counted.most_files = counted.files;
    return code;
}

static void counted_file_close(segj_file_t *file)
{
    segj_storage_posix()->file_close(file);
    counted.closes++;
    counted.files--;
}

static int counted_file_remove(segj_partition_t *partition, const char *name)
{
    counted.removes++;
    return segj_storage_posix()->file_remove(partition, name);
}

static int counted_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    int code = segj_storage_posix()->file_read(file, offset, buffer, size, done);
    counted.reads++;
    counted.bytes_read += code == 0 ? *done : 0;
    return code;
}

static int counted_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count,
                              size_t *done)
{
    int code = segj_storage_posix()->file_write(file, offset, slices, count, done);
    counted.writes++;
    counted.bytes_written += *done;
    return code;
}

static int counted_file_size(segj_file_t *file, uint64_t *size)
{
    counted.sizes++;
    return segj_storage_posix()->file_size(file, size);
}

static int counted_file_truncate(segj_file_t *file, uint64_t size)
{
    counted.truncates++;
    return segj_storage_posix()->file_truncate(file, size);
}

static int counted_file_sync(segj_file_t *file)
{
    counted.file_syncs++;
    return real_syncs() ? segj_storage_posix()->file_sync(file) : 0;
}

static int counted_partition_sync(segj_partition_t *partition)
{
    counted.name_syncs++;
    return real_syncs() ? segj_storage_posix()->partition_sync(partition) : 0;
}

static int counted_directory_sync(void *context, const char *directory)
{
    counted.name_syncs++;
    return real_syncs() ? segj_storage_posix()->directory_sync(context, directory) : 0;
}

const segj_storage_t *counted_storage(void)
{
    static segj_storage_t storage;
    storage = *segj_storage_posix();
    storage.opener = NULL; /* no file but those of sections */
    storage.file_open = counted_file_open;
    storage.file_close = counted_file_close;
    storage.file_remove = counted_file_remove;
    storage.file_read = counted_file_read;
    storage.file_write = counted_file_write;
    storage.file_size = counted_file_size;
    storage.file_truncate = counted_file_truncate;
    storage.file_sync = counted_file_sync;
    storage.partition_sync = counted_partition_sync;
    storage.directory_sync = counted_directory_sync;
    if (!real_syncs())
        storage.file_write_back = NULL;
    return &storage;
}

void counted_reset(void)
{
    counted = (calls_t){.files = counted.files, .most_files = counted.most_files};
}

calls_t counted_calls(void)
{
    return counted;
}

uint64_t counted_all(const calls_t *calls)
{
    return calls->opens + calls->creates + calls->removes + calls->closes + calls->reads + calls->writes +
           calls->sizes + calls->truncates + calls->file_syncs + calls->name_syncs;
}

/* --- settings --- */

uint64_t environment_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    if (text == NULL || text[0] == '\0')
        return otherwise;
    char *end = NULL;
    unsigned long long number = strtoull(text, &end, 10);
    if (*end != '\0') {
        print_error("%s is \"%s\", expected a number\n", name, text);
        exit(2);
    }
    return number;
}

bool real_syncs(void)
{
    static int real = -1;
    if (real < 0)
        real = environment_number("SEGJ_SCALE_SYNCS", 0) != 0;
    return real == 1;
}

bool is_instrumented(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

/* --- the process --- */

size_t open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t count = 0;
    if (directory == NULL)
        return 0;
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count - 1; /* the listing's own */
}

size_t heap_bytes(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
    struct mallinfo2 info = mallinfo2();
    return is_instrumented() ? 0 : info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

/* A line of /proc/self/status, in bytes. */
static size_t status_bytes(const char *field)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    size_t kilobytes = 0;
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            kilobytes = (size_t)strtoull(line + strlen(field), NULL, 10);
    fclose(file);
    return kilobytes * 1024;
}

size_t resident_bytes(void)
{
    return status_bytes("VmRSS:");
}

size_t peak_bytes(void)
{
    return status_bytes("VmHWM:");
}

bool reset_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file == NULL)
        return false;
    bool written = fputs("5", file) >= 0;
    return fclose(file) == 0 && written;
}

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
