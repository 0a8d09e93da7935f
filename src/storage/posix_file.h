/*
 * storage/posix_file.h: the files of storage/posix.c, as segj_storage_t wants them (segjournal/storage.h says what each
 * call does). Answers are 0 or errno.
 */
#ifndef SEGJ_STORAGE_POSIX_FILE_H
#define SEGJ_STORAGE_POSIX_FILE_H

#include "segjournal/storage.h"
#include "storage/posix_system.h"

/** A name in a directory that is open; EINVAL where it is no regular file. */
int segj_posix_file_open(int directory, const char *name, segj_open_mode_t mode, segj_file_t **opened);
int segj_posix_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done);
int segj_posix_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done);
int segj_posix_file_size(segj_file_t *file, uint64_t *size);
int segj_posix_file_truncate(segj_file_t *file, uint64_t size);
int segj_posix_file_sync(segj_file_t *file);
int segj_posix_file_lock(segj_file_t *file, bool exclusive);
int segj_posix_file_refresh(segj_file_t *file, bool written);
void segj_posix_file_close(segj_file_t *file);
int segj_posix_file_mode(segj_file_t *file, unsigned mode);

#if defined(SEGJ_POSIX_COPIES)
int segj_posix_file_copy(segj_file_t *from, segj_file_t *to, uint64_t offset, size_t size, size_t *done);
#endif

#if defined(SEGJ_POSIX_DEVICE)
int segj_posix_file_read_device(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done);
#endif

/* Where <fcntl.h> has what they ask for. */
void segj_posix_file_write_back(segj_file_t *file, uint64_t offset, uint64_t size);
void segj_posix_file_evict(segj_file_t *file, uint64_t offset, uint64_t size);

/** One memory serves mappings, reads and writes: a mapping shows what was written. */
#if defined(__linux__) || defined(__APPLE__) || defined(__FreeBSD__)
#define SEGJ_POSIX_MAPS
int segj_posix_file_map(segj_file_t *file, uint64_t offset, size_t size, const void **address, size_t *mapped);
void segj_posix_file_unmap(void *context, const void *address, size_t mapped);
#endif

#endif
