/*
 * storage/posix.c: the storage of the system's files; it and posix_system.c alone know system calls. One call here is
 * one attempt: interruptions, short transfers and sentences are storage/io.c's.
 *
 * The path of a directory is resolved once, when a partition in it is opened: a partition is a descriptor of the
 * directory and one of its own, and every name is resolved from these two, so renaming or replacing a directory above
 * cannot move an open journal. The directory's path may lead through links; the partition and the files may not be
 * links.
 */
/* flock, F_FULLFSYNC, sync_file_range and d_type are beyond POSIX; each system has its own word for "show everything",
   on the BSDs it is to ask for no standard at all. */
#if defined(__linux__)
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE
#else
#undef _POSIX_C_SOURCE
#endif

#include "segjournal/storage.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "storage/posix_system.h"

static_assert(sizeof(off_t) == 8, "segjournal needs 64-bit file offsets: define _FILE_OFFSET_BITS=64");

/** What one system call transfers at most: every system takes 16 slices, and counts below 2^31. */
#define SLICES_MAX 16
#define TRANSFER_MAX ((size_t)1 << 30)

/** What makes a directory this one and no other. */
typedef struct identity {
    dev_t device;
    ino_t inode;
} identity_t;

struct segj_partition {
    int fd;
    int parent; /* the directory it lies in; may be without the right to read it */
    identity_t self, above;
    atomic_bool listed; /* Linux: the descriptor's position has been used */
    pid_t locked_by;    /* the process that took the lock, 0: not locked */
    bool refused;       /* its lock was found taken */
    char *directory;    /* the path by which the parent was found */
    char *name;
};

struct segj_file {
    int fd;
    pid_t locked_by; /* the process that took its lock, 0: not locked */
    atomic_int away; /* whether others may write to it past this system's cache: 0 not known yet, 1 no, 2 yes */
    /* Truncations made, and how many of them had been made when the last completed full sync began. */
    atomic_uint truncated;
    atomic_uint truncated_synced;
};

/** The path of a partition. An empty directory is refused: "" and a name would make a path below the root. */
static int partition_path(const char *directory, const char *partition, char **path)
{
    if (directory[0] == '\0')
        return EINVAL;
    *path = segj_posix_join(directory, partition);
    return *path == NULL ? ENOMEM : 0;
}

/* --- durability --- */

static int posix_directory_sync(void *context, const char *directory)
{
    (void)context;
    if (directory[0] == '\0')
        return EINVAL;
    int code = segj_posix_sync_path(directory);
    if (code != 0)
        return code;
    char *parent = segj_posix_parent_of(directory);
    if (parent == NULL)
        return ENOMEM;
    code = segj_posix_sync_path(parent);
    free(parent);
    return code == EACCES ? segj_posix_sync_unreadable_parent(directory) : code;
}

/* --- partitions --- */

/** Of a directory that has just been made; the bit by which what is made in it gets its group is inherited, and
 *  stays. */
static int set_directory_mode(const char *path, unsigned mode)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return errno;
    return segj_posix_result(chmod(path, (mode_t)mode | (found.st_mode & S_ISGID)));
}

/** Makes a directory; one that is there is success, whatever mkdir says of it (EEXIST, EROFS, EACCES, EISDIR). */
static int make_directory(const char *path, int stat_flags, unsigned mode)
{
    struct stat found;
    if (mkdir(path, 0777) == 0) {
        int code = mode != 0 ? set_directory_mode(path, mode) : 0;
        if (code != 0)
            (void)rmdir(path);
        return code;
    }
    int code = errno;
    if (code == EINTR)
        return code;
    if (fstatat(AT_FDCWD, path, &found, stat_flags) == 0 && S_ISDIR(found.st_mode))
        return 0;
    return code == EEXIST ? ENOTDIR : code;
}

static int posix_partition_create_mode(void *context, const char *directory, const char *partition, unsigned mode)
{
    char *path;
    (void)context;
    int code = partition_path(directory, partition, &path);
    if (code != 0)
        return code;
    code = make_directory(directory, 0, mode);
    if (code == 0)
        code = make_directory(path, AT_SYMLINK_NOFOLLOW, mode);
    free(path);
    return code;
}

static int posix_partition_create(void *context, const char *directory, const char *partition)
{
    return posix_partition_create_mode(context, directory, partition, 0);
}

static int identify(int fd, identity_t *identity)
{
    struct stat found;
    if (fstat(fd, &found) != 0)
        return errno;
    *identity = (identity_t){found.st_dev, found.st_ino};
    return 0;
}

static bool is_same(identity_t left, identity_t right)
{
    return left.device == right.device && left.inode == right.inode;
}

/* A descriptor to resolve names from: the directory need not be readable. */
#if defined(O_PATH)
#define OPEN_PARENT (O_PATH | O_DIRECTORY | O_CLOEXEC)
#elif defined(O_SEARCH)
#define OPEN_PARENT (O_SEARCH | O_DIRECTORY | O_CLOEXEC)
#else
#define OPEN_PARENT (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

static void close_partition(segj_partition_t *partition)
{
    if (partition->fd >= 0)
        (void)close(partition->fd); /* never again after EINTR: the number may be another file's by then */
    if (partition->parent >= 0)
        (void)close(partition->parent);
    free(partition->directory);
    free(partition->name);
    free(partition);
}

/* ELOOP where the name is a link: the system itself returns ENOTDIR where it wants a directory. */
static int open_in_parent(segj_partition_t *partition)
{
    struct stat found;
    partition->fd = openat(partition->parent, partition->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (partition->fd >= 0)
        return identify(partition->fd, &partition->self);
    int code = errno;
    if (code == ENOTDIR && fstatat(partition->parent, partition->name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(found.st_mode))
        return ELOOP;
    return code;
}

static int posix_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    (void)context;
    if (directory[0] == '\0')
        return EINVAL;
    segj_partition_t *result = malloc(sizeof *result);
    if (result == NULL)
        return ENOMEM;
    *result = (segj_partition_t){
        .fd = -1, .parent = -1, .directory = segj_posix_copy(directory), .name = segj_posix_copy(partition)};
    atomic_init(&result->listed, false);
    int code = result->directory == NULL || result->name == NULL ? ENOMEM : 0;
    if (code == 0) {
        result->parent = open(directory, OPEN_PARENT);
        code = result->parent < 0 ? errno : identify(result->parent, &result->above);
    }
    if (code == 0)
        code = open_in_parent(result);
    if (code == 0)
        *opened = result;
    else
        close_partition(result);
    return code;
}

/** 0 where the partition's name still stands for the directory that is open. */
static int posix_partition_named(segj_partition_t *partition)
{
    struct stat named;
    struct stat mine;
    if (fstatat(partition->parent, partition->name, &named, AT_SYMLINK_NOFOLLOW) == 0)
        return is_same(partition->self, (identity_t){named.st_dev, named.st_ino}) ? 0 : ESTALE;
    if (errno != ENOENT && errno != ENOTDIR)
        return errno;
    return fstat(partition->fd, &mine) == 0 && mine.st_nlink == 0 ? ENOENT : ESTALE;
}

/** Whether the path still leads to the directory in which the partition was opened. */
static int still_led_to(const segj_partition_t *partition)
{
    struct stat found;
    if (stat(partition->directory, &found) != 0)
        return errno == ENOENT || errno == ENOTDIR ? ESTALE : errno;
    return is_same(partition->above, (identity_t){found.st_dev, found.st_ino}) ? 0 : ESTALE;
}

/** The whole path: a directory to which it no longer leads must be looked up again. */
static int still_named(segj_partition_t *partition)
{
    int code = still_led_to(partition);
    if (code == 0)
        code = posix_partition_named(partition);
    return code == ENOENT ? ESTALE : code;
}

static int posix_partition_beside(segj_partition_t *partition, segj_partition_t *other)
{
    return is_same(partition->above, other->above) ? 0 : ESTALE;
}

static int posix_partition_unlock(segj_partition_t *partition)
{
    segj_posix_mark(partition->fd, false);
    int code = segj_posix_result(flock(partition->fd, LOCK_UN));
    if (code == 0)
        partition->locked_by = 0;
    return code;
}

/* flock belongs to the open directory, not to the process: two journals in one process keep each other out, and closing
   some other descriptor of the directory does not give the lock away, as it would with fcntl's locks. */
static int posix_partition_lock(segj_partition_t *partition, bool exclusive)
{
    int code = segj_posix_result(flock(partition->fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB));
    partition->refused = code == EWOULDBLOCK;
    if (code != 0)
        return code;
    segj_posix_mark(partition->fd, true);
    partition->locked_by = getpid();
    code = still_named(partition);
    if (code != 0)
        (void)posix_partition_unlock(partition);
    return code;
}

/* Programs that are not this library take locks without a mark: they are looked for where a lock was refused. */
static int posix_partition_holder(segj_partition_t *partition, int64_t *process)
{
    if (!partition->refused && !segj_posix_is_marked(partition->fd))
        return ENOENT;
    return segj_posix_holder(partition->fd, process);
}

static int posix_partition_space(segj_partition_t *partition, uint64_t *bytes)
{
    return segj_posix_space(partition->fd, bytes);
}

/* A child of fork shares the open directory, and the lock with it. So the process that took the lock gives it back by
   name (its children may hold the descriptor for a while yet), and a child's close leaves it alone. */
static void posix_partition_close(segj_partition_t *partition)
{
    if (partition->locked_by != 0 && partition->locked_by == getpid())
        (void)posix_partition_unlock(partition);
    close_partition(partition);
}

/** Visits an entry; its kind is asked of the system where the listing does not tell. An entry that is gone is none. */
static int visit_entry(int fd, const char *name, bool told, bool regular, segj_list_visit_t visit, void *visit_context)
{
    struct stat found;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    if (!told) {
        if (fstatat(fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
            return errno == ENOENT ? 0 : errno;
        regular = S_ISREG(found.st_mode);
    }
    return visit(visit_context, name, regular ? SEGJ_ENTRY_FILE : SEGJ_ENTRY_OTHER);
}

#if defined(__linux__)

/* getdents64(2): a stream of readdir()'s would take five calls more, and 32 KiB. */
#define ENTRIES_BYTES 8192
#define ENTRY_LENGTH_OFFSET 16
#define ENTRY_KIND_OFFSET 18
#define ENTRY_NAME_OFFSET 19

static int visit_entries(int fd, segj_list_visit_t visit, void *visit_context)
{
    for (;;) {
        _Alignas(uint64_t) char entries[ENTRIES_BYTES];
        long size = syscall(SYS_getdents64, fd, entries, sizeof entries);
        if (size <= 0)
            return size == 0 || errno == ENOENT ? 0 : errno; /* a directory that was removed has no entries */
        uint16_t length;
        for (long at = 0; at < size; at += length) {
            const char *entry = entries + at;
            unsigned char kind = (unsigned char)entry[ENTRY_KIND_OFFSET];
            memcpy(&length, entry + ENTRY_LENGTH_OFFSET, sizeof length);
            int code =
                visit_entry(fd, entry + ENTRY_NAME_OFFSET, kind != DT_UNKNOWN, kind == DT_REG, visit, visit_context);
            if (code != 0)
                return code;
        }
    }
}

/* Listings may repeat and may run at the same time: after the first one the directory is opened anew, for a position
 * of its own. */
static int posix_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    if (!atomic_exchange(&partition->listed, true))
        return visit_entries(partition->fd, visit, visit_context);
    int fd = openat(partition->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int code = visit_entries(fd, visit, visit_context);
    (void)close(fd);
    return code;
}

#else

static int visit_entries(DIR *stream, segj_list_visit_t visit, void *visit_context)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream); /* NOLINT(concurrency-mt-unsafe): a stream of this call's own */
        if (entry == NULL)
            return errno;
#if defined(DT_UNKNOWN) && defined(DT_REG)
        bool told = entry->d_type != DT_UNKNOWN;
        bool regular = entry->d_type == DT_REG;
#else
        bool told = false;
        bool regular = false;
#endif
        int code = visit_entry(dirfd(stream), entry->d_name, told, regular, visit, visit_context);
        if (code != 0)
            return code;
    }
}

/* The directory is opened anew, for a position of its own: listings may repeat and may run at the same time. */
static int posix_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    int fd = openat(partition->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        int code = errno;
        (void)close(fd);
        return code;
    }
    int code = visit_entries(stream, visit, visit_context);
    (void)closedir(stream);
    return code;
}

#endif

static int posix_partition_sync(segj_partition_t *partition)
{
    return segj_posix_sync_all(partition->fd);
}

static int removed(int answer)
{
    int code = segj_posix_result(answer);
    return code == EEXIST ? ENOTEMPTY : code; /* POSIX leaves the choice between the two */
}

static int posix_partition_remove(void *context, const char *directory, const char *partition)
{
    char *path;
    (void)context;
    int code = partition_path(directory, partition, &path);
    if (code != 0)
        return code;
    code = removed(rmdir(path));
    free(path);
    return code;
}

/* Between the look and the removal the name may still be given to another directory; of those only an empty one
 * would be
   removed. No system has a call that removes the directory that is open. */
static int posix_partition_remove_open(segj_partition_t *partition)
{
    int code = posix_partition_named(partition);
    return code == 0 ? removed(unlinkat(partition->parent, partition->name, AT_REMOVEDIR)) : code;
}

/** Syncs the directory `name`, seen from another one. */
static int sync_at(int fd, const char *name)
{
    int found = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (found < 0)
        return errno;
    int code = segj_posix_sync_all(found);
    (void)close(found);
    return code;
}

/* As long as the path leads to the directory, the path says where the directory's name lies, which may be a link;
 * afterwards the
   directory above it is where its name is. */
static int posix_partition_sync_directory(segj_partition_t *partition)
{
    if (still_led_to(partition) == 0)
        return posix_directory_sync(NULL, partition->directory);
    int code = sync_at(partition->parent, ".");
    return code == 0 ? sync_at(partition->parent, "..") : code;
}

static int posix_directory_check(void *context, const char *directory)
{
    struct stat found;
    (void)context;
    if (stat(directory, &found) == 0)
        return S_ISDIR(found.st_mode) ? 0 : ENOTDIR;
    if (errno != ENOENT && errno != ENOTDIR)
        return errno;
    char *parent = segj_posix_parent_of(directory);
    if (parent == NULL)
        return ENOMEM;
    int code = stat(parent, &found) == 0 && S_ISDIR(found.st_mode) ? ENOENT : ENOTDIR;
    free(parent);
    return code;
}

/* --- files --- */

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

static int posix_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
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
    int code = open_regular(partition->fd, name, flags, &result->fd);
    if (code != 0)
        free(result);
    else
        *opened = result;
    return code;
}

static int posix_file_remove(segj_partition_t *partition, const char *name)
{
    return segj_posix_result(unlinkat(partition->fd, name, 0));
}

static int posix_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    if (size > TRANSFER_MAX)
        size = TRANSFER_MAX;
    ssize_t count = pread(file->fd, buffer, size, (off_t)offset);
    if (count < 0)
        return errno;
    *done = (size_t)count;
    return 0;
}

static int posix_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
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
static int posix_file_copy(segj_file_t *from, segj_file_t *to, uint64_t offset, size_t size, size_t *done)
{
    return segj_posix_copy_range(from->fd, to->fd, offset, size < TRANSFER_MAX ? size : TRANSFER_MAX, done);
}
#endif

static int posix_file_mode(segj_file_t *file, unsigned mode)
{
    return segj_posix_result(fchmod(file->fd, (mode_t)mode));
}

static int posix_file_size(segj_file_t *file, uint64_t *size)
{
    struct stat found;
    if (fstat(file->fd, &found) != 0)
        return errno;
    *size = (uint64_t)found.st_size;
    return 0;
}

/* Counted after the call, so that a sync which began before cannot pass for one that covers it, and counted when it
   failed too: what it did then is unknown. */
static int posix_file_truncate(segj_file_t *file, uint64_t size)
{
    int code = segj_posix_result(ftruncate(file->fd, (off_t)size));
    (void)atomic_fetch_add(&file->truncated, 1);
    return code;
}

/* POSIX has fdatasync write what is needed to read the written bytes back. A size that became smaller is not needed for
   that, and a file system may keep it in memory: after a power cut the bytes that were cut off would be back. So the
   first sync after a truncation is a full one, and stays one until it has succeeded. Of two syncs at the same time both
   are full, as neither knows when the other will be through. */
static int posix_file_sync(segj_file_t *file)
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
static int posix_file_lock(segj_file_t *file, bool exclusive)
{
    int code = segj_posix_lock_file(file->fd, exclusive);
    if (code == 0)
        file->locked_by = getpid();
    return code;
}

/* Where this system's cache is the file, reads see everything. */
static int posix_file_refresh(segj_file_t *file, bool written)
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

static void posix_file_close(segj_file_t *file)
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
static void posix_file_write_back(segj_file_t *file, uint64_t offset, uint64_t size)
{
    if (size > 0)
        (void)sync_file_range(file->fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
}
#endif

#if defined(POSIX_FADV_DONTNEED)
static void posix_file_evict(segj_file_t *file, uint64_t offset, uint64_t size)
{
    if (size > 0)
        (void)posix_fadvise(file->fd, (off_t)offset, (off_t)size, POSIX_FADV_DONTNEED);
}
#endif

/* --- mappings: where one memory serves mappings, reads and writes, so that a mapping shows what was written --- */

#if defined(__linux__) || defined(__APPLE__) || defined(__FreeBSD__)
#define HAS_MAPPINGS

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

static int posix_file_map(segj_file_t *file, uint64_t offset, size_t size, const void **address, size_t *mapped)
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

static void posix_file_unmap(void *context, const void *address, size_t mapped)
{
    (void)context;
    (void)munmap((void *)(uintptr_t)address, mapped); /* the system's type has no const */
}
#endif

/* --- bounds --- */

/** Descriptors that are counted. A process that has more of them open is rare, and finds out what is left when it
 *  opens. */
#define COUNTED_MOST 65536

/* They are counted one by one, for which no descriptor is wanted and nothing mounted, where few are left beside those
 * that are
   asked for; usual limits are several times that. */
static int posix_files_limit(void *context, uint64_t wanted, uint64_t *limit, uint64_t *left)
{
    struct rlimit found;
    (void)context;
    if (getrlimit(RLIMIT_NOFILE, &found) != 0)
        return errno;
    *limit = found.rlim_cur == RLIM_INFINITY ? UINT64_MAX : found.rlim_cur;
    *left = *limit;
    if (*limit / 4 >= wanted)
        return 0;
    int counted = *limit < COUNTED_MOST ? (int)*limit : COUNTED_MOST;
    for (int fd = 0; fd < counted; fd++)
        *left -= fcntl(fd, F_GETFD) != -1;
    return 0;
}

const segj_storage_t *segj_storage_posix(void)
{
    static const segj_storage_t storage = {
        .struct_size = sizeof storage,
        .context = NULL,
        .partition_create = posix_partition_create,
        .partition_open = posix_partition_open,
        .partition_lock = posix_partition_lock,
        .partition_unlock = posix_partition_unlock,
        .partition_list = posix_partition_list,
        .partition_sync = posix_partition_sync,
        .partition_close = posix_partition_close,
        .partition_remove = posix_partition_remove,
        .directory_sync = posix_directory_sync,
        .file_open = posix_file_open,
        .file_remove = posix_file_remove,
        .file_read = posix_file_read,
        .file_write = posix_file_write,
        .file_size = posix_file_size,
        .file_truncate = posix_file_truncate,
        .file_sync = posix_file_sync,
        .file_close = posix_file_close,
#if defined(SYNC_FILE_RANGE_WRITE)
        .file_write_back = posix_file_write_back,
#endif
#if defined(POSIX_FADV_DONTNEED)
        .file_evict = posix_file_evict,
#endif
#if defined(HAS_MAPPINGS)
        .file_map = posix_file_map,
        .file_unmap = posix_file_unmap,
#endif
        .files_limit = posix_files_limit,
        .partition_beside = posix_partition_beside,
        .partition_named = posix_partition_named,
        .partition_remove_open = posix_partition_remove_open,
        .partition_sync_directory = posix_partition_sync_directory,
        .directory_check = posix_directory_check,
        .opener = segj_posix_opener,
        .file_lock = posix_file_lock,
        .file_refresh = posix_file_refresh,
        .directory_hold = segj_posix_directory_hold,
        .directory_release = segj_posix_directory_release,
        .partition_holder = posix_partition_holder,
#if defined(SEGJ_POSIX_COPIES)
        .file_copy = posix_file_copy,
#endif
        .partition_create_mode = posix_partition_create_mode,
        .file_mode = posix_file_mode,
        .partition_space = posix_partition_space,
    };
    return &storage;
}

int segj_posix_partition_descriptor(const segj_storage_t *storage, const segj_partition_t *partition)
{
    return storage->partition_open == posix_partition_open ? partition->fd : -1;
}
