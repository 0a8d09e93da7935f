/*
 * storage/posix_holder.c: which process holds the lock of a directory. Linux lists the locks of files in /proc/locks,
 * one a line: "12: FLOCK  ADVISORY  WRITE 4711 fd:00:131074 0 EOF". It shows 0 or -1 for a process that this one may
 * not see. Other systems list nothing.
 *
 * Who reads that list for the first time in a while waits for a grace period of the kernel's (fs/locks.c, locks_start,
 * takes file_rwsem for writing): 4 to 15 ms, longer than it takes to open a journal. So it is read where a lock is known
 * to be held. Of a flock nothing tells that but the attempt to take it, which would keep an opener out meanwhile; of a
 * lock of the open file (OFD) the kernel does. So who takes the flock of a directory marks it with a shared one of
 * those, which keeps nobody out.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* major, minor and F_OFD_SETLK are beyond POSIX */
#endif

#include "storage/posix_system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#if defined(__linux__)
#include <sys/sysmacros.h>
#endif

#if defined(__linux__) && defined(F_OFD_GETLK)

void segj_posix_mark(int fd, bool locked)
{
    struct flock range = {.l_type = locked ? F_RDLCK : F_UNLCK, .l_whence = SEEK_SET};
    (void)fcntl(fd, F_OFD_SETLK, &range);
}

bool segj_posix_is_marked(int fd)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_GETLK, &range) != 0 || range.l_type != F_UNLCK;
}

#else

void segj_posix_mark(int fd, bool locked)
{
    (void)fd;
    (void)locked;
}

bool segj_posix_is_marked(int fd)
{
    (void)fd;
    return true;
}

#endif

#if defined(__linux__)

/* Longer lines are no locks. */
#define LINE_SIZE 256

/* Reads a number and the character that follows it; false: there is none. */
static bool take_number(const char **at, int base, char follows, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(*at, &end, base);
    if (errno != 0 || end == *at || *end != follows)
        return false;
    *at = end + 1;
    return true;
}

/* The process that a line of the list says holds a lock of the file; 0: another file's, or not told. "-1" reads as the
 * largest number there is. */
static int64_t holder_in_line(const char *line, const struct stat *file)
{
    static const char *const kinds[] = {": FLOCK  ADVISORY  WRITE ", ": FLOCK  ADVISORY  READ  "};
    uint64_t process;
    uint64_t device_major;
    uint64_t device_minor;
    uint64_t inode;
    const char *at = strchr(line, ':');
    if (at == NULL)
        return 0;
    bool known = strncmp(at, kinds[0], strlen(kinds[0])) == 0 || strncmp(at, kinds[1], strlen(kinds[1])) == 0;
    at += strlen(kinds[0]);
    if (!known || !take_number(&at, 10, ' ', &process) || !take_number(&at, 16, ':', &device_major) ||
        !take_number(&at, 16, ':', &device_minor) || !take_number(&at, 10, ' ', &inode))
        return 0;
    bool same =
        inode == (uint64_t)file->st_ino && device_major == major(file->st_dev) && device_minor == minor(file->st_dev);
    return same && process <= INT32_MAX ? (int64_t)process : 0;
}

int segj_posix_holder(int fd, int64_t *process)
{
    struct stat file;
    char line[LINE_SIZE];
    int64_t found = 0;
    if (fstat(fd, &file) != 0)
        return errno;
    FILE *list = fopen("/proc/locks", "re");
    if (list == NULL)
        return errno;
    while (found == 0 && fgets(line, sizeof line, list) != NULL)
        found = holder_in_line(line, &file);
    (void)fclose(list);
    *process = found;
    return found != 0 ? 0 : ENOENT;
}

#else

int segj_posix_holder(int fd, int64_t *process)
{
    (void)fd;
    (void)process;
    return ENOTSUP;
}

#endif
