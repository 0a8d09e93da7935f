/*
 * rados/rados_ahead.h: what follows is read before it is asked for, where a file is read from one place on: several requests
 * are under way then. A write through this process, or a refresh, makes what was read so be forgotten.
 */
#ifndef SEGJ_RADOS_AHEAD_H
#define SEGJ_RADOS_AHEAD_H

#include "rados/rados_node.h"

/** A read of so many bytes begins: starts what is to follow, up to the file's end, UINT64_MAX where that is not known. With the
 *  mutex. */
void segj_rados_ahead_follow(segj_file_t *file, uint64_t offset, size_t size, uint64_t end);
/** Gives of the bytes those that were read ahead, none where that is not so. With the mutex, which is given up. */
size_t segj_rados_ahead_take(segj_file_t *file, uint64_t offset, void *buffer, size_t size);
/** What was read ahead may be old. With the mutex. */
void segj_rados_ahead_forget(segj_file_t *file);
/** The file is closed. With the mutex, which is given up. */
void segj_rados_ahead_end(segj_file_t *file);

#endif
