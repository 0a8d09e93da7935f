/*
 * storage/posix_system.h: what storage/posix.c asks of the system about descriptors and paths: syncs, locks of files,
 * what kind of file system it is, and who opens. Answers are 0 or errno.
 */
#ifndef SEGJ_STORAGE_POSIX_SYSTEM_H
#define SEGJ_STORAGE_POSIX_SYSTEM_H

#include "segjournal/storage.h"

/** 0 for success, else errno: what most system calls answer, in the words of storage.h. */
int segj_posix_result(int answer);
/** A text, and "directory/name"; to be freed, NULL without memory. */
char *segj_posix_copy(const char *text);
char *segj_posix_join(const char *directory, const char *name);
/** The directory that holds the name by which `directory` is reached; to be freed, NULL without memory. */
char *segj_posix_parent_of(const char *directory);

int segj_posix_sync_all(int fd);
int segj_posix_sync_data(int fd);
int segj_posix_sync_path(const char *path);
int segj_posix_sync_unreadable_parent(const char *directory);

/** Without waiting: EWOULDBLOCK. The lock belongs to the open file, as flock's does. */
int segj_posix_lock_file(int fd, bool exclusive);
void segj_posix_unlock_file(int fd);

/** Marks a directory whose flock this process has taken through `fd`, or gives back. A lock that ends with `fd` or with
 *  the process takes its mark along. */
void segj_posix_mark(int fd, bool locked);
/** Whether another open file of the directory has marked it; true where the system does not tell. */
bool segj_posix_is_marked(int fd);
/** The process that holds a flock of the file, or one of them; ENOENT, ENOTSUP where the system does not tell. */
int segj_posix_holder(int fd, int64_t *process);

/** What the file system of an open file or directory has left for who is not its administrator, in bytes. */
int segj_posix_space(int fd, uint64_t *bytes);

/** Whether others may write to the file without this system's caches knowing. */
bool segj_posix_is_remote(int fd);
/** What was `written` goes out; what is read next is not from this system's cache. */
int segj_posix_refresh(int fd, bool written);

int segj_posix_directory_hold(void *context, const char *directory, const char *name, const char *mark, bool make,
                              bool *marked, segj_held_t **held);
void segj_posix_directory_release(segj_held_t *held);

#if defined(__linux__)
#define SEGJ_POSIX_COPIES
/** Within the kernel, or by sharing the space where the file system can. */
int segj_posix_copy_range(int from, int to, uint64_t offset, size_t size, size_t *done);
#endif

#if defined(__linux__)
#define SEGJ_POSIX_DEVICE
/** Past the page cache; ENOTSUP where the file system does not say that such reads reach the device. */
int segj_posix_read_device(int fd, uint64_t offset, void *buffer, size_t size, size_t *done);
#endif

/** The descriptor of an open partition, which stays the partition's; -1 where the storage opens others. posix.c */
int segj_posix_partition_descriptor(const segj_storage_t *storage, const segj_partition_t *partition);

int segj_posix_opener(void *context, segj_opener_t *opener);

#endif
