/*
 * bench/interpose.c: see the header. Both names of what has two (pread and pread64) are defined, so offsets must have
 * 64 bits under either: 64-bit Linux only, as CMakeLists.txt checks.
 */
#undef _FILE_OFFSET_BITS
#include "interpose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

const char *const bench_counter_names[BENCH_COUNTERS] = {
    "calls", "fsync",  "fdatasync",  "msync",         "dsync_writes", "write_back",
    "reads", "writes", "bytes_read", "bytes_written", "allocations",  "bytes_copied"};

bool bench_counting;
bool bench_elide_syncs;

static atomic_uint_least64_t counters[BENCH_COUNTERS];

/* Which descriptors wait with every write. */
#define DESCRIPTORS 65536
static atomic_bool waits[DESCRIPTORS];

static void count(bench_counter_t counter, uint64_t amount)
{
    if (bench_counting)
        (void)atomic_fetch_add_explicit(&counters[counter], amount, memory_order_relaxed);
}

void bench_take_counts(uint64_t counts[BENCH_COUNTERS])
{
    for (unsigned i = 0; i < BENCH_COUNTERS; i++)
        counts[i] = atomic_exchange_explicit(&counters[i], 0, memory_order_relaxed);
}

/* --- reading and writing --- */

static ssize_t counted_read(long result)
{
    count(BENCH_CALLS, 1);
    count(BENCH_READS, 1);
    if (result > 0)
        count(BENCH_BYTES_READ, (uint64_t)result);
    return result;
}

static ssize_t counted_write(int fd, long result)
{
    count(BENCH_CALLS, 1);
    count(BENCH_WRITES, 1);
    if (result > 0)
        count(BENCH_BYTES_WRITTEN, (uint64_t)result);
    if (fd >= 0 && fd < DESCRIPTORS && atomic_load_explicit(&waits[fd], memory_order_relaxed))
        count(BENCH_DSYNC, 1);
    return result;
}

ssize_t read(int fd, void *buffer, size_t size)
{
    return counted_read(syscall(SYS_read, fd, buffer, size));
}

ssize_t write(int fd, const void *buffer, size_t size)
{
    return counted_write(fd, syscall(SYS_write, fd, buffer, size));
}

ssize_t writev(int fd, const struct iovec *pieces, int pieces_count)
{
    return counted_write(fd, syscall(SYS_writev, fd, pieces, pieces_count));
}

#define POSITIONED(suffix, offset_type)                                                                                \
    ssize_t pread##suffix(int fd, void *buffer, size_t size, offset_type offset)                                       \
    {                                                                                                                  \
        return counted_read(syscall(SYS_pread64, fd, buffer, size, offset));                                           \
    }                                                                                                                  \
    ssize_t pwrite##suffix(int fd, const void *buffer, size_t size, offset_type offset)                                \
    {                                                                                                                  \
        return counted_write(fd, syscall(SYS_pwrite64, fd, buffer, size, offset));                                     \
    }                                                                                                                  \
    ssize_t preadv##suffix(int fd, const struct iovec *pieces, int pieces_count, offset_type offset)                   \
    {                                                                                                                  \
        return counted_read(syscall(SYS_preadv, fd, pieces, pieces_count, offset, 0));                                 \
    }                                                                                                                  \
    ssize_t pwritev##suffix(int fd, const struct iovec *pieces, int pieces_count, offset_type offset)                  \
    {                                                                                                                  \
        return counted_write(fd, syscall(SYS_pwritev, fd, pieces, pieces_count, offset, 0));                           \
    }
POSITIONED(, off_t)
POSITIONED(64, off64_t)

/* --- flushing --- */

static int counted_flush(bench_counter_t counter, long number, int fd)
{
    if (bench_elide_syncs)
        return 0;
    count(BENCH_CALLS, 1);
    count(counter, 1);
    return (int)syscall(number, fd);
}

int fsync(int fd)
{
    return counted_flush(BENCH_FSYNC, SYS_fsync, fd);
}

int syncfs(int fd)
{
    return counted_flush(BENCH_FSYNC, SYS_syncfs, fd);
}

int fdatasync(int fd)
{
    return counted_flush(BENCH_FDATASYNC, SYS_fdatasync, fd);
}

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags)
{
    if (bench_elide_syncs)
        return 0;
    count(BENCH_CALLS, 1);
    count(BENCH_WRITE_BACK, 1);
    return (int)syscall(SYS_sync_file_range, fd, offset, size, flags);
}

int msync(void *start, size_t size, int flags)
{
    count(BENCH_CALLS, 1);
    count((flags & MS_SYNC) != 0 ? BENCH_MSYNC : BENCH_WRITE_BACK, 1);
    return (int)syscall(SYS_msync, start, size, flags);
}

/* --- opening and the rest --- */

static int counted_open(int directory, const char *path, int flags, mode_t mode)
{
    count(BENCH_CALLS, 1);
    int fd = (int)syscall(SYS_openat, directory, path, flags | O_LARGEFILE, mode);
    if (fd >= 0 && fd < DESCRIPTORS)
        atomic_store_explicit(&waits[fd], (flags & O_DSYNC) != 0, memory_order_relaxed);
    return fd;
}

#define OPENING(name, directory)                                                                                       \
    int name                                                                                                           \
    {                                                                                                                  \
        mode_t mode = 0;                                                                                               \
        if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {                                              \
            va_list arguments;                                                                                         \
            va_start(arguments, flags);                                                                                \
            mode = va_arg(arguments, mode_t);                                                                          \
            va_end(arguments);                                                                                         \
        }                                                                                                              \
        return counted_open(directory, path, flags, mode);                                                             \
    }
OPENING(open(const char *path, int flags, ...), AT_FDCWD)
OPENING(open64(const char *path, int flags, ...), AT_FDCWD)
OPENING(openat(int at, const char *path, int flags, ...), at)
OPENING(openat64(int at, const char *path, int flags, ...), at)

int close(int fd)
{
    count(BENCH_CALLS, 1);
    return (int)syscall(SYS_close, fd);
}

int fstat(int fd, struct stat *found)
{
    count(BENCH_CALLS, 1);
    return fstatat(fd, "", found, AT_EMPTY_PATH);
}

int fstat64(int fd, struct stat64 *found)
{
    count(BENCH_CALLS, 1);
    return fstatat64(fd, "", found, AT_EMPTY_PATH);
}

#define TRUNCATING(suffix, offset_type)                                                                                \
    int ftruncate##suffix(int fd, offset_type size)                                                                    \
    {                                                                                                                  \
        count(BENCH_CALLS, 1);                                                                                         \
        return (int)syscall(SYS_ftruncate, fd, size);                                                                  \
    }                                                                                                                  \
    int fallocate##suffix(int fd, int mode, offset_type offset, offset_type size)                                      \
    {                                                                                                                  \
        count(BENCH_CALLS, 1);                                                                                         \
        return (int)syscall(SYS_fallocate, fd, mode, offset, size);                                                    \
    }
TRUNCATING(, off_t)
TRUNCATING(64, off64_t)

/* --- memory: -Wl,--wrap --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t number, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_memcpy(void *to, const void *from, size_t size);
void *__real_memmove(void *to, const void *from, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t number, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_memcpy(void *to, const void *from, size_t size);
void *__wrap_memmove(void *to, const void *from, size_t size);

void *__wrap_malloc(size_t size)
{
    count(BENCH_ALLOCATIONS, 1);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t number, size_t size)
{
    count(BENCH_ALLOCATIONS, 1);
    return __real_calloc(number, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    count(BENCH_ALLOCATIONS, 1);
    return __real_realloc(old, size);
}

void *__wrap_memcpy(void *to, const void *from, size_t size)
{
    count(BENCH_BYTES_COPIED, size);
    return __real_memcpy(to, from, size);
}

void *__wrap_memmove(void *to, const void *from, size_t size)
{
    count(BENCH_BYTES_COPIED, size);
    return __real_memmove(to, from, size);
}
