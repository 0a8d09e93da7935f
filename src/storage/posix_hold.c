/*
 * storage/posix_hold.c: holding a directory by the lock of a file in it, shared, as segj_storage_t says. flock, because
 * the other program takes that: its locks and fcntl's do not see each other.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* flock is beyond POSIX */
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE
#elif !defined(__linux__)
#undef _POSIX_C_SOURCE
#endif

#include "storage/posix_system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* Longer marks are not compared. */
#define MARK_MOST 32

struct segj_held {
    int fd;
    pid_t locked_by; /* the process that took the lock */
};

/* A regular file alone; a fifo would wait. */
static int open_at(const char *path, int flags, int *fd)
{
    struct stat found;
    *fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666);
    if (*fd < 0)
        return errno;
    int code = fstat(*fd, &found) != 0 ? errno : 0;
    if (code == 0 && !S_ISREG(found.st_mode))
        code = EINVAL;
    if (code != 0)
        (void)close(*fd);
    return code;
}

/* A file that is there need not be writable to be locked. */
static int open_or_make(const char *path, const char *mark, bool make, int *fd)
{
    int code = open_at(path, O_RDONLY, fd);
    if (code != ENOENT || !make)
        return code;
    code = open_at(path, O_RDWR | O_CREAT | O_EXCL, fd);
    if (code == EEXIST)
        return open_at(path, O_RDONLY, fd);
    if (code == 0)
        (void)!write(*fd, mark, strlen(mark)); /* a file without it counts as the other program's */
    return code;
}

static bool is_marked(int fd, const char *mark)
{
    char found[MARK_MOST + 1];
    ssize_t size = pread(fd, found, sizeof found, 0);
    return size > 0 && (size_t)size == strlen(mark) && memcmp(found, mark, (size_t)size) == 0;
}

int segj_posix_directory_hold(void *context, const char *directory, const char *name, const char *mark, bool make,
                              bool *marked, segj_held_t **held)
{
    (void)context;
    segj_held_t *made = malloc(sizeof *made);
    char *path = made != NULL ? segj_posix_join(directory, name) : NULL;
    if (path == NULL) {
        free(made);
        return ENOMEM;
    }
    int code = open_or_make(path, mark, make, &made->fd);
    free(path);
    if (code == 0 && flock(made->fd, LOCK_SH | LOCK_NB) != 0) {
        code = errno;
        (void)close(made->fd);
    }
    if (code != 0) {
        free(made);
        return code;
    }
    made->locked_by = getpid();
    *marked = is_marked(made->fd, mark);
    *held = made;
    return 0;
}

/* A child of fork shares the lock: its close leaves it alone. */
void segj_posix_directory_release(segj_held_t *held)
{
    if (held->locked_by == getpid())
        (void)flock(held->fd, LOCK_UN);
    (void)close(held->fd);
    free(held);
}
