/*
 * storage/posix.c: the storage of the system's files: its partitions; posix_file.c has the files. storage/posix*.c
 * alone know system calls. One call here is one attempt: interruptions, short transfers and sentences are storage/io.c's.
 *
 * The path of a directory is resolved once, when a partition in it is opened: a partition is a descriptor of the
 * directory and one of its own, and every name is resolved from these two, so renaming or replacing a directory above
 * cannot move an open journal. The directory's path may lead through links; the partition and the files may not be
 * links.
 */
/* flock, F_FULLFSYNC and d_type are beyond POSIX; each system has its own word for "show everything",
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

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif
#include <sys/types.h>
#include <unistd.h>

#include "storage/posix_file.h"
#include "storage/posix_system.h"

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

static int posix_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    return segj_posix_file_open(partition->fd, name, mode, opened);
}

static int posix_file_remove(segj_partition_t *partition, const char *name)
{
    return segj_posix_result(unlinkat(partition->fd, name, 0));
}

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
        .file_read = segj_posix_file_read,
        .file_write = segj_posix_file_write,
        .file_size = segj_posix_file_size,
        .file_truncate = segj_posix_file_truncate,
        .file_sync = segj_posix_file_sync,
        .file_close = segj_posix_file_close,
#if defined(SYNC_FILE_RANGE_WRITE)
        .file_write_back = segj_posix_file_write_back,
#endif
#if defined(POSIX_FADV_DONTNEED)
        .file_evict = segj_posix_file_evict,
#endif
#if defined(SEGJ_POSIX_MAPS)
        .file_map = segj_posix_file_map,
        .file_unmap = segj_posix_file_unmap,
#endif
        .files_limit = posix_files_limit,
        .partition_beside = posix_partition_beside,
        .partition_named = posix_partition_named,
        .partition_remove_open = posix_partition_remove_open,
        .partition_sync_directory = posix_partition_sync_directory,
        .directory_check = posix_directory_check,
        .opener = segj_posix_opener,
        .file_lock = segj_posix_file_lock,
        .file_refresh = segj_posix_file_refresh,
        .directory_hold = segj_posix_directory_hold,
        .directory_release = segj_posix_directory_release,
        .partition_holder = posix_partition_holder,
#if defined(SEGJ_POSIX_COPIES)
        .file_copy = segj_posix_file_copy,
#endif
        .partition_create_mode = posix_partition_create_mode,
        .file_mode = segj_posix_file_mode,
        .partition_space = posix_partition_space,
#if defined(SEGJ_POSIX_DEVICE)
        .file_read_device = segj_posix_file_read_device,
#endif
    };
    return &storage;
}

int segj_posix_partition_descriptor(const segj_storage_t *storage, const segj_partition_t *partition)
{
    return storage->partition_open == posix_partition_open ? partition->fd : -1;
}
