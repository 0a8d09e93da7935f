/*
 * storage/posix_system.c: see the header.
 */
/* F_FULLFSYNC, syncfs, locks of open files and getentropy are beyond POSIX; each system has its own word for "show
 * everything",
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

#include "storage/posix_system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/utsname.h>
#if defined(__linux__)
#include <sys/vfs.h>
#endif
#include <unistd.h>

/** 0 for success, else errno: what most system calls answer, in the words of storage.h. */
int segj_posix_result(int answer)
{
    return answer == 0 ? 0 : errno;
}

/** To be freed; NULL without memory. */
char *segj_posix_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *made = malloc(size);
    if (made != NULL)
        memcpy(made, text, size);
    return made;
}

/** "directory/name", to be freed; NULL without memory. */
char *segj_posix_join(const char *directory, const char *name)
{
    size_t length = strlen(directory);
    size_t room = strlen(name) + 1;
    char *path = malloc(length + 1 + room);
    if (path == NULL)
        return NULL;
    memcpy(path, directory, length);
    path[length] = '/';
    memcpy(path + length + 1, name, room);
    return path;
}

int segj_posix_space(int fd, uint64_t *bytes)
{
    struct statvfs found;
    if (fstatvfs(fd, &found) != 0)
        return errno;
    *bytes = (uint64_t)found.f_bavail * found.f_frsize;
    return 0;
}

/* --- durability --- */

/** Everything about a file or directory. */
int segj_posix_sync_all(int fd)
{
#if defined(F_FULLFSYNC)
    /* fsync leaves the bytes in the drive's cache here; a file system without the stronger call says ENOTSUP. */
    if (fcntl(fd, F_FULLFSYNC) != -1)
        return 0;
    if (errno != ENOTSUP)
        return errno;
#endif
    return segj_posix_result(fsync(fd));
}

/** The bytes of a file, and as much about it as is needed to read them back. */
int segj_posix_sync_data(int fd)
{
#if defined(__linux__)
    return segj_posix_result(fdatasync(fd));
#else
    return segj_posix_sync_all(fd);
#endif
}

/** Syncs the directory at a path; it may be reached through links. */
int segj_posix_sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int code = segj_posix_sync_all(fd);
    (void)close(fd);
    return code;
}

/**
 * The directory that holds the name by which `directory` is reached, to be freed; NULL without memory.
 *
 * Asking the system for "directory/.." would be wrong for a link: that is where the link's target lives, and the
 * name in `directory` lives where the link is. So the last name is taken off the text. Only "." and ".." are no names
 * that a parent could be read from, and are never links: there, and only there, the system's ".." is right. "/" is its
 * own parent. A link's target has a name of its own already: mkdir makes nothing through a link.
 */
char *segj_posix_parent_of(const char *directory)
{
    size_t end = strlen(directory);
    while (end > 1 && directory[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && directory[start - 1] != '/')
        start--;
    const char *last = directory + start;
    size_t length = end - start;
    if ((length == 1 && last[0] == '.') || (length == 2 && last[0] == '.' && last[1] == '.'))
        return segj_posix_join(directory, "..");
    char *parent = malloc(start + 2);
    if (parent == NULL)
        return NULL;
    memcpy(parent, directory, start); /* with its slash, so that "/name" gives "/." */
    memcpy(parent + start, ".", 2);
    return parent;
}

/**
 * Syncs a parent that may be entered but not read, so that it cannot be opened and synced: by way of the whole file
 * system of `directory`. If the parent is on another one, `directory` is the root of a mount or a link, and its name
 * was not made by the library.
 */
int segj_posix_sync_unreadable_parent(const char *directory)
{
#if defined(__linux__)
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int code = segj_posix_result(syncfs(fd));
    (void)close(fd);
    return code;
#else
    (void)directory;
    return EACCES;
#endif
}

/* --- locks of files --- */

/* A lock of the open file where the system has those: as with flock, another descriptor's close does not give it
 * away. */
int segj_posix_lock_file(int fd, bool exclusive)
{
#if defined(F_OFD_SETLK)
    struct flock range = {.l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &range) == 0)
        return 0;
    return errno == EAGAIN || errno == EACCES ? EWOULDBLOCK : errno;
#else
    return segj_posix_result(flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB));
#endif
}

void segj_posix_unlock_file(int fd)
{
#if defined(F_OFD_SETLK)
    struct flock range = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    (void)fcntl(fd, F_OFD_SETLK, &range);
#else
    (void)flock(fd, LOCK_UN);
#endif
}

/* --- what others write --- */

bool segj_posix_is_remote(int fd)
{
#if defined(__linux__)
    static const unsigned long kinds[] = {
        0x65735546, /* FUSE, virtiofs */
        0x6969,     /* NFS */
        0x517b,     /* SMB */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB2 */
        0x01021997, /* 9p */
        0x00c36400, /* Ceph */
        0x5346414f, /* AFS */
        0x6b414653, /* kAFS */
        0x73757245, /* Coda */
        0x01161970, /* GFS2 */
        0x7461636f, /* OCFS2 */
        0x0bd00bd0, /* Lustre */
        0x786f4256, /* VirtualBox's shared folders */
        0x794c7630, /* overlay, which may lie above any of these */
    };
    struct statfs found;
    if (fstatfs(fd, &found) != 0)
        return true;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (((unsigned long)found.f_type & 0xffffffffUL) == kinds[i])
            return true;
    return false;
#else
    (void)fd;
    return false;
#endif
}

int segj_posix_refresh(int fd, bool written)
{
    int code = written ? segj_posix_sync_data(fd) : 0;
#if defined(POSIX_FADV_DONTNEED)
    if (code == 0)
        code = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
#endif
    return code;
}

/* --- who opens --- */

int segj_posix_opener(void *context, segj_opener_t *opener)
{
    struct utsname system;
    segj_opener_t made = {.process = (uint64_t)getpid()};
    (void)context;
    if (getentropy(made.random, sizeof made.random) != 0)
        return errno;
    if (uname(&system) == 0)
        memcpy(made.host, system.nodename, strnlen(system.nodename, sizeof made.host - 1));
    *opener = made;
    return 0;
}

/* --- copies --- */

#if defined(SEGJ_POSIX_COPIES)
int segj_posix_copy_range(int from, int to, uint64_t offset, size_t size, size_t *done)
{
    off_t places[2] = {(off_t)offset, (off_t)offset};
    ssize_t copied = copy_file_range(from, &places[0], to, &places[1], size, 0);
    if (copied < 0)
        return errno;
    *done = (size_t)copied;
    return 0;
}
#endif

/* --- what the device has --- */

#if defined(SEGJ_POSIX_DEVICE)

#define DEVICE_ALIGN 4096

/* An open with O_DIRECT succeeds, and reads come from the page cache all the same, where a file system cannot do better
 * for a file (ext4 with data=journal, btrfs with compression). So only those are asked that say that they can, and how
 * the reads must be aligned (since Linux 6.1). */
static bool is_read_directly(int fd)
{
#if defined(STATX_DIOALIGN)
    struct statx found;
    return statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &found) == 0 && (found.stx_mask & STATX_DIOALIGN) != 0 &&
           found.stx_dio_mem_align > 0 && found.stx_dio_offset_align > 0 &&
           DEVICE_ALIGN % found.stx_dio_mem_align == 0 && DEVICE_ALIGN % found.stx_dio_offset_align == 0;
#else
    (void)fd;
    return false;
#endif
}

int segj_posix_read_device(int fd, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    if (!is_read_directly(fd))
        return ENOTSUP;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_DIRECT) != 0)
        return errno;
    ssize_t count = pread(fd, buffer, size, (off_t)offset);
    int code = count < 0 ? errno : 0;
    if (fcntl(fd, F_SETFL, flags) != 0)
        return errno;
    if (code == 0)
        *done = (size_t)count;
    return code;
}
#endif
