/* unit/wrapped_syncs.c: see the header. */
#include "unit/wrapped_syncs.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_syncfs(int fd);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);

struct synced synced;

static pthread_mutex_t synced_mutex = PTHREAD_MUTEX_INITIALIZER;

static bool watch_sync(int fd, char kind)
{
    int code = 0;
    (void)pthread_mutex_lock(&synced_mutex);
    if (synced.count < SYNCED_MAX) {
        (void)fstat(fd, &synced.what[synced.count]);
        synced.kinds[synced.count++] = kind;
    }
    if (synced.fail_code != 0 && synced.fail_after-- == 0) {
        code = synced.fail_code;
        synced.fail_code = 0;
    }
    (void)pthread_mutex_unlock(&synced_mutex);
    errno = code;
    return code == 0;
}

int __wrap_fsync(int fd)
{
    return watch_sync(fd, 'f') ? __real_fsync(fd) : -1;
}

int __wrap_fdatasync(int fd)
{
    return watch_sync(fd, 'd') ? __real_fdatasync(fd) : -1;
}

int __wrap_syncfs(int fd)
{
    return watch_sync(fd, 'a') ? __real_syncfs(fd) : -1;
}
