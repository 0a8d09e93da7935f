/* rados/rados_file.h: the storage's functions of files and partitions (storage.h says what each does). */
#ifndef SEGJ_RADOS_FILE_H
#define SEGJ_RADOS_FILE_H

#include "rados/rados_node.h"

struct segj_partition {
    segj_rados_lease_t *lease;
    segj_rados_name_t directory; /* its list's object */
    segj_rados_name_t name;
};

int segj_rados_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened);
int segj_rados_file_remove(segj_partition_t *partition, const char *name);
int segj_rados_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done);
int segj_rados_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done);
int segj_rados_file_size(segj_file_t *file, uint64_t *size);
int segj_rados_file_truncate(segj_file_t *file, uint64_t size);
int segj_rados_file_sync(segj_file_t *file);
int segj_rados_file_refresh(segj_file_t *file, bool written);
void segj_rados_file_close(segj_file_t *file);

int segj_rados_partition_create(void *context, const char *directory, const char *partition);
int segj_rados_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened);
int segj_rados_partition_lock(segj_partition_t *partition, bool exclusive);
int segj_rados_partition_unlock(segj_partition_t *partition);
int segj_rados_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context);
int segj_rados_partition_sync(segj_partition_t *partition);
void segj_rados_partition_close(segj_partition_t *partition);
int segj_rados_partition_remove(void *context, const char *directory, const char *partition);
int segj_rados_partition_beside(segj_partition_t *partition, segj_partition_t *other);
int segj_rados_partition_named(segj_partition_t *partition);
int segj_rados_partition_remove_open(segj_partition_t *partition);
int segj_rados_partition_sync_directory(segj_partition_t *partition);
int segj_rados_directory_sync(void *context, const char *directory);

#endif
