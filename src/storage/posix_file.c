/*
 * storage/posix_file.c: see the header. One call here is one attempt: interruptions, short transfers and sentences are
 * storage/io.c's.
 */
/* sync_file_range is beyond POSIX; each system has its own word for "show everything", on the BSDs it is to ask for no
 * standard at all. */
#if defined(__linux__)
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE
#else
#undef _POSIX_C_SOURCE
#endif

#include "storage/posix_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "storage/posix_system.h"

static_assert(sizeof(off_t) == 8, "segjournal needs 64-bit file offsets: define _FILE_OFFSET_BITS=64");

/** What one system call transfers at most: every system takes 16 slices, and counts below 2^31. */
#define SLICES_MAX 16
#define TRANSFER_MAX ((size_t)1 << 30)

struct segj_file {
    int fd;
    pid_t locked_by; /* the process that took its lock, 0: not locked */
    atomic_int away; /* whether others may write to it past this system's cache: 0 not known yet, 1 no, 2 yes */
    /* Truncations made, and how many of them had been made when the last completed full sync began. */
    atomic_uint truncated;
    atomic_uint truncated_synced;
};

/** Moves a descriptor above the standard three: in a process that closed those, whatever is printed to number 2 would
 *  otherwise land in the journal. The old number is closed; a negative result leaves errno. */
static int above_standard(int fd)
{
    if (fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int code = errno;
    (void)close(fd);
    errno = code;
    return moved;
}

/** Opens a name, which must be a regular file. O_NONBLOCK means nothing to one, and keeps a fifo from waiting. */
static int open_regular(int directory, const char *name, int flags, int *fd)
{
    struct stat found = {0};
    int result = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666);
    if (result < 0)
        return errno;
    result = above_standard(result);
    int code = result < 0 ? errno : segj_posix_result(fstat(result, &found));
    if (code == 0 && S_ISREG(found.st_mode)) {
        *fd = result;
        return 0;
    }
    if (result >= 0)
        (void)close(result);
    if ((flags & O_EXCL) != 0)
        (void)unlinkat(directory, name, 0); /* made by this call, which fails */
    return code != 0 ? code : EINVAL;
}

static segj_file_t *new_file(void)
{
    segj_file_t *file = malloc(sizeof *file);
    if (file == NULL)
        return NULL;
    file->locked_by = 0;
    atomic_init(&file->away, 0);
    atomic_init(&file->truncated, 0);
    atomic_init(&file->truncated_synced, 0);
    return file;
}

int segj_posix_file_open(int directory, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    int flags = O_RDONLY;
    if (mode == SEGJ_OPEN_WRITE)
        flags = O_RDWR;
    else if (mode == SEGJ_OPEN_CREATE)
        flags = O_RDWR | O_CREAT | O_EXCL;
    else if (mode != SEGJ_OPEN_READ)
        return EINVAL;
    segj_file_t *result = new_file(); /* before the file: no name is made and then found without memory */
    if (result == NULL)
        return ENOMEM;
    int code = open_regular(directory, name, flags, &result->fd);
    if (code != 0)
        free(result);
    else
        *opened = result;
    return code;
}

int segj_posix_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    if (size > TRANSFER_MAX)
        size = TRANSFER_MAX;
    ssize_t count = pread(file->fd, buffer, size, (off_t)offset);
    if (count < 0)
        return errno;
    *done = (size_t)count;
    return 0;
}

int segj_posix_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    struct iovec pieces[SLICES_MAX];
    size_t room = TRANSFER_MAX;
    int used = 0;
    *done = 0;
    for (size_t i = 0; i < count && used < SLICES_MAX && room > 0; i++) {
        size_t size = slices[i].size < room ? slices[i].size : room;
        pieces[used].iov_base = (void *)(uintptr_t)slices[i].data; /* the system's type serves reads too: no const */
        pieces[used].iov_len = size;
        room -= size;
        used++;
    }
    ssize_t written = pwritev(file->fd, pieces, used, (off_t)offset);
    if (written < 0)
        return errno;
    *done = (size_t)written;
    return 0;
}

#if defined(SEGJ_POSIX_COPIES)
int segj_posix_file_copy(segj_file_t *from, segj_file_t *to, uint64_t offset, size_t size, size_t *done)
{
    return segj_posix_copy_range(from->fd, to->fd, offset, size < TRANSFER_MAX ? size : TRANSFER_MAX, done);
}
#endif

#if defined(SEGJ_POSIX_DEVICE)
int segj_posix_file_read_device(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    return segj_posix_read_device(file->fd, offset, buffer, size < TRANSFER_MAX ? size : TRANSFER_MAX, done);
}
#endif

int segj_posix_file_mode(segj_file_t *file, unsigned mode)
{
    return segj_posix_result(fchmod(file->fd, (mode_t)mode));
}

int segj_posix_file_size(segj_file_t *file, uint64_t *size)
{
    struct stat found;
    if (fstat(file->fd, &found) != 0)
        return errno;
    *size = (uint64_t)found.st_size;
    return 0;
}

/* Counted after the call, so that a sync which began before cannot pass for one that covers it, and counted when it
   failed too: what it did then is unknown. */
int segj_posix_file_truncate(segj_file_t *file, uint64_t size)
{
    int code = segj_posix_result(ftruncate(file->fd, (off_t)size));
    (void)atomic_fetch_add(&file->truncated, 1);
    return code;
}

/* POSIX has fdatasync write what is needed to read the written bytes back. A size that became smaller is not needed for
   that, and a file system may keep it in memory: after a power cut the bytes that were cut off would be back. So the
   first sync after a truncation is a full one, and stays one until it has succeeded. Of two syncs at the same time both
   are full, as neither knows when the other will be through. */
int segj_posix_file_sync(segj_file_t *file)
{
    unsigned truncated = atomic_load(&file->truncated);
    if (truncated == atomic_load(&file->truncated_synced))
        return segj_posix_sync_data(file->fd);
    int code = segj_posix_sync_all(file->fd);
    if (code == 0)
        atomic_store(&file->truncated_synced, truncated);
    return code;
}

/* Like a partition's: a child of fork shares the lock, and its close leaves it alone. */
int segj_posix_file_lock(segj_file_t *file, bool exclusive)
{
    int code = segj_posix_lock_file(file->fd, exclusive);
    if (code == 0)
        file->locked_by = getpid();
    return code;
}

/* Where this system's cache is the file, reads see everything. */
int segj_posix_file_refresh(segj_file_t *file, bool written)
{
    struct stat found;
    if (fstat(file->fd, &found) != 0)
        return errno;
    if (found.st_nlink == 0)
        return ESTALE;
    int away = atomic_load_explicit(&file->away, memory_order_relaxed);
    if (away == 0) {
        away = segj_posix_is_remote(file->fd) ? 2 : 1;
        atomic_store_explicit(&file->away, away, memory_order_relaxed);
    }
    return away == 2 ? segj_posix_refresh(file->fd, written) : 0;
}

void segj_posix_file_close(segj_file_t *file)
{
    if (file->locked_by != 0 && file->locked_by == getpid())
        segj_posix_unlock_file(file->fd);
    (void)close(file->fd); /* never again after EINTR: the number may be another file's by then */
    free(file);
}

/* --- hints: a size of 0 would mean "to the end of the file" to both system calls --- */

#if defined(SYNC_FILE_RANGE_WRITE)
/* Without the flags that wait: those would also collect a failure of the writing, and the file's next sync, which has
   to report it, would find none. */
void segj_posix_file_write_back(segj_file_t *file, uint64_t offset, uint64_t size)
{
    if (size > 0)
        (void)sync_file_range(file->fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
}
#endif

#if defined(POSIX_FADV_DONTNEED)
void segj_posix_file_evict(segj_file_t *file, uint64_t offset, uint64_t size)
{
    if (size > 0)
        (void)posix_fadvise(file->fd, (off_t)offset, (off_t)size, POSIX_FADV_DONTNEED);
}
#endif

/* --- mappings: where one memory serves mappings, reads and writes, so that a mapping shows what was written --- */

#if defined(SEGJ_POSIX_MAPS)

#if !defined(__linux__)
/** How much of the range the file has. On Linux all of it can be mapped; elsewhere it is not said what becomes of the
 *  rest. */
static int mappable(const segj_file_t *file, uint64_t offset, size_t *size)
{
    struct stat found;
    if (fstat(file->fd, &found) != 0)
        return errno;
    if ((uint64_t)found.st_size <= offset)
        return EINVAL;
    if ((uint64_t)found.st_size - offset < *size)
        *size = (size_t)((uint64_t)found.st_size - offset);
    return 0;
}
#endif

int segj_posix_file_map(segj_file_t *file, uint64_t offset, size_t size, const void **address, size_t *mapped)
{
#if !defined(__linux__)
    int code = mappable(file, offset, &size);
    if (code != 0)
        return code;
#endif
    void *made = mmap(NULL, size, PROT_READ, MAP_SHARED, file->fd, (off_t)offset);
    if (made == MAP_FAILED)
        return errno;
    *address = made;
    *mapped = size;
    return 0;
}

void segj_posix_file_unmap(void *context, const void *address, size_t mapped)
{
    (void)context;
    (void)munmap((void *)(uintptr_t)address, mapped); /* the system's type has no const */
}
#endif
