/*
 * bench/floor_sections.c: the least that opening many sections takes. The two partitions are listed; then, for every
 * section: open, size, headers and last page of the index; open, size and header of the values; close both. Nothing of
 * what was read is judged.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "floor.h"

#define INDEX_HEADER 12288
#define VALUES_HEADER 4096
#define NAME_SIZE 17 /* 16 digits and the end */

static bool list(int partition, char (*names)[NAME_SIZE], uint64_t room, uint64_t *count)
{
    DIR *directory = fdopendir(dup(partition));
    if (directory == NULL)
        return bench_fail_errno("fdopendir");
    *count = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        if (*count < room && names != NULL)
            memcpy(names[*count], entry->d_name, NAME_SIZE);
        (*count)++;
    }
    (void)closedir(directory);
    return true;
}

static bool look_at(int partition, const char *name, size_t header, bool last_page)
{
    uint8_t bytes[INDEX_HEADER];
    struct stat found;
    int fd = openat(partition, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return bench_fail_errno(name);
    bool good = fstat(fd, &found) == 0 && pread(fd, bytes, header, 0) == (ssize_t)header;
    if (good && last_page)
        good = pread(fd, bytes, FLOOR_PAGE_ON_DISK, found.st_size - (off_t)FLOOR_PAGE_ON_DISK) > 0;
    (void)close(fd);
    return good || bench_fail_errno(name);
}

static bool look_at_all(int index, int values, char (*names)[NAME_SIZE], uint64_t sections)
{
    uint64_t found = 0, others = 0;
    if (!list(index, names, sections, &found) || !list(values, NULL, 0, &others))
        return false;
    if (found != sections || others != sections)
        return bench_fail("not the sections that were expected");
    for (uint64_t i = 0; i < sections; i++)
        if (!look_at(index, names[i], INDEX_HEADER, true) || !look_at(values, names[i], VALUES_HEADER, false))
            return false;
    return true;
}

bool floor_open_sections(const char *directory, uint64_t sections, double *seconds)
{
    char *index_path = bench_path(directory, "index"), *values_path = bench_path(directory, "values");
    char(*names)[NAME_SIZE] = calloc((size_t)sections + 1, sizeof *names);
    bool good = index_path != NULL && values_path != NULL && names != NULL;
    int index = good ? open(index_path, O_RDONLY | O_DIRECTORY) : -1;
    int values = good ? open(values_path, O_RDONLY | O_DIRECTORY) : -1;
    double start = bench_now();
    good = index >= 0 && values >= 0 ? look_at_all(index, values, names, sections) : bench_fail_errno(directory);
    *seconds = bench_now() - start;
    if (index >= 0)
        (void)close(index);
    if (values >= 0)
        (void)close(values);
    free(names);
    free(index_path);
    free(values_path);
    return good;
}
