/*
 * rados/rados_file.c: files: reads, writes, sizes and syncs. A file is objects of one size, of which any but the first may
 * be missing or shorter: what it lacks below the file's end reads as zeros.
 */
#include "rados/rados_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rados/rados_ahead.h"
#include "rados/rados_batch.h"

/* A write of so many bytes is one of many: its end is gathered with the next one. Smaller ones are started at once. */
#define FOLLOWED ((uint64_t)256 << 10)

/* --- opening --- */

/* The name, with a mark that the file may be open for writing, in one step. */
static int name_file(segj_rados_lease_t *lease, const char *key, char value[SEGJ_RADOS_VALUE])
{
    segj_rados_t *store = lease->store;
    segj_rados_digits_t id;
    segj_rados_key_t mark;
    uint64_t number = 0;
    int code = store->seam.random(store->seam.context, &number);
    if (code != 0)
        return code;
    segj_rados_digits(id, number);
    segj_rados_write_two(value, number, store->object_size);
    memcpy(mark, SEGJ_RADOS_WRITTEN, 2);
    memcpy(mark + 2, id, sizeof id);
    segj_rados_change_t change = {.key_compare = {key, ""}, .key_set = {{key, value}, {mark, "1"}}};
    return segj_rados_lease_change(lease, &change);
}

static int mark_written(segj_rados_lease_t *lease, const segj_rados_node_t *node, const char *key, const char *value)
{
    segj_rados_key_t mark;
    memcpy(mark, SEGJ_RADOS_WRITTEN, 2);
    memcpy(mark + 2, node->id, sizeof node->id);
    segj_rados_change_t change = {.key_compare = {key, value}, .key_set = {{mark, "1"}}};
    segj_rados_lease_wanted(lease, mark);
    int code = segj_rados_lease_change(lease, &change);
    return code == EEXIST ? ENOENT : code; /* it was removed, or replaced, just now */
}

/* The first object of a new file is made at once, and not waited for. */
static int begin_writing(segj_file_t *file, bool made)
{
    segj_rados_node_t *node = file->node;
    segj_rados_t *store = node->store;
    segj_lock(&store->mutex);
    int code = segj_rados_node_write(node, file->lease, made);
    if (code == 0 && made) {
        code = segj_rados_node_resize(node, file->lease, 0, false, 0);
        if (code != 0)
            node->writers--;
    }
    segj_unlock(&store->mutex);
    return code;
}

static void free_file(segj_file_t *file)
{
    segj_rados_t *store = file->lease->store;
    segj_lock(&store->mutex);
    if (file->node != NULL)
        segj_rados_node_drop(file->node);
    segj_rados_lease_drop(file->lease);
    segj_unlock(&store->mutex);
    free(file);
}

static int open_found(segj_file_t *file, const char *value, bool made)
{
    segj_rados_t *store = file->lease->store;
    int code = segj_rados_node_open(file->lease, value, &file->node);
    if (code == 0 && file->writable) {
        segj_lock(&store->mutex);
        file->node->marking++;
        segj_unlock(&store->mutex);
        code = made ? 0 : mark_written(file->lease, file->node, file->key, value);
        if (code == 0)
            code = begin_writing(file, made);
        segj_lock(&store->mutex);
        file->node->marking--;
        segj_unlock(&store->mutex);
    }
    if (code == ENOMEM && made) { /* made by this call, which fails; without a mark nobody makes its first object */
        segj_rados_key_t mark = SEGJ_RADOS_WRITTEN;
        memcpy(mark + 2, value, SEGJ_RADOS_DIGITS - 1);
        segj_rados_change_t change = {.key_compare = {file->key, value},
                                      .keys_removed = (const char *const[]){file->key, mark, NULL}};
        (void)segj_rados_lease_change(file->lease, &change);
    }
    return code;
}

int segj_rados_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    segj_rados_t *store = partition->lease->store;
    char value[SEGJ_RADOS_VALUE];
    segj_file_t *file = calloc(1, sizeof *file);
    if (file == NULL)
        return ENOMEM;
    file->lease = partition->lease;
    file->writable = mode != SEGJ_OPEN_READ;
    segj_lock(&store->mutex);
    segj_rados_lease_keep(file->lease);
    segj_unlock(&store->mutex);
    int code = segj_rados_file_key(file->key, name);
    if (code == 0 && mode == SEGJ_OPEN_CREATE) {
        code = name_file(file->lease, file->key, value);
    } else if (code == 0) {
        code = segj_rados_lease_named(file->lease);
        if (code == 0)
            code = store->seam.key(store->seam.context, file->lease->object, file->key, value);
        code = code == ENODATA || code == ESTALE ? ENOENT : code;
    }
    if (code == 0)
        code = open_found(file, value, mode == SEGJ_OPEN_CREATE);
    if (code == 0)
        *opened = file;
    else
        free_file(file);
    return code;
}

/* --- reading --- */

/* Whether the file is there at all: it may have been removed by who had it open elsewhere. */
static int look_for_name(const segj_file_t *file)
{
    const segj_rados_node_t *node = file->node;
    const segj_rados_seam_t *seam = &node->store->seam;
    char value[SEGJ_RADOS_VALUE];
    int code = seam->key(seam->context, node->partition, file->key, value);
    if (code == ENOENT || code == ENODATA)
        return ESTALE;
    return code == 0 && strncmp(value, node->id, SEGJ_RADOS_DIGITS - 1) != 0 ? ESTALE : code;
}

static int ask_size(const segj_file_t *file, uint64_t *size)
{
    int code = segj_rados_node_ask_size(file->node, size);
    if (code != ENOENT)
        return code;
    *size = 0;
    return look_for_name(file); /* named, and not begun */
}

/* What one object gives of a piece of the file that lies in it. removed: by this process, which keeps the objects. Else
 * one that is missing says nothing as long as the name is there, which goes before any object does. */
static int read_object(const segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *got, bool removed)
{
    const segj_rados_node_t *node = file->node;
    const segj_rados_seam_t *seam = &node->store->seam;
    segj_rados_name_t object;
    *got = 0;
    segj_rados_chunk_name(object, node->partition, node->id, offset / node->chunk_size);
    int code = seam->read(seam->context, object, offset % node->chunk_size, buffer, size, got);
    return code == ENOENT ? (removed ? 0 : look_for_name(file)) : code;
}

/* The file's end where this process writes to it, and so knows; and a failure of what was written. With the mutex. */
static int look_at_node(segj_rados_node_t *node, uint64_t offset, bool *known, uint64_t *end)
{
    segj_rados_node_settle(node, offset / node->chunk_size);
    *known = node->writers > 0;
    *end = *known ? node->size : UINT64_MAX;
    if (!*known || node->code == 0 || offset >= *end)
        return 0;
    if (offset >= node->doubtful)
        return node->code;
    *end = *end < node->doubtful ? *end : node->doubtful;
    return 0;
}

/* What the object does not have of a piece: zeros, up to the file's end. */
static int fill_piece(const segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *got, bool known)
{
    uint64_t end = 0;
    int code = 0;
    if (*got < size && !known) {
        code = ask_size(file, &end);
        size_t most = end <= offset ? 0 : end - offset < size ? (size_t)(end - offset) : size;
        size = most > *got ? most : *got;
    }
    if (code != 0)
        return code;
    memset((char *)buffer + *got, 0, size - *got);
    *got = size;
    return 0;
}

int segj_rados_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    segj_rados_node_t *node = file->node;
    segj_rados_t *store = node->store;
    bool known = false;
    uint64_t end = 0;
    size_t got = 0;
    if (size == 0 || offset / node->chunk_size >= SEGJ_RADOS_CHUNKS_MOST) {
        *done = 0;
        return 0;
    }
    if (size > node->chunk_size - offset % node->chunk_size)
        size = (size_t)(node->chunk_size - offset % node->chunk_size);
    segj_lock(&store->mutex);
    int code = look_at_node(node, offset, &known, &end);
    bool removed = node->removed;
    size = offset >= end ? 0 : size < end - offset ? size : (size_t)(end - offset);
    if (code == 0 && size > 0) {
        segj_rados_ahead_follow(file, offset, size, end);
        got = segj_rados_ahead_take(file, offset, buffer, size);
    }
    segj_unlock(&store->mutex);
    if (code == 0 && size > 0 && got == 0) {
        code = read_object(file, offset, buffer, size, &got, removed);
        if (code == 0)
            code = fill_piece(file, offset, buffer, size, &got, known);
    }
    if (code == 0)
        *done = got; /* fewer, where no more was read ahead */
    return code;
}

int segj_rados_file_size(segj_file_t *file, uint64_t *size)
{
    segj_rados_node_t *node = file->node;
    segj_lock(&node->store->mutex);
    bool known = node->writers > 0;
    uint64_t found = node->size;
    segj_unlock(&node->store->mutex);
    int code = known ? 0 : ask_size(file, &found);
    if (code == 0)
        *size = found;
    return code;
}

/* --- writing --- */

/* The slices from `skip` bytes on. */
static size_t skip_slices(const segj_slice_t **slices, size_t *count, size_t skip)
{
    while (*count > 0 && skip >= (*slices)->size) {
        skip -= (*slices)->size;
        ++*slices;
        --*count;
    }
    return skip;
}

/* Gathers the slices of a piece, of which the first one may be begun. */
static int start_piece(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t skip,
                       size_t size)
{
    segj_rados_node_t *node = file->node;
    uint64_t number = offset / node->chunk_size;
    segj_slice_t first;
    int code = segj_rados_node_prepare(node, file->lease, number);
    if (code != 0)
        return code;
    if (skip == 0)
        return segj_rados_node_start(node, file->lease, number, offset % node->chunk_size, slices, count, size);
    first = (segj_slice_t){(const char *)slices[0].data + skip, slices[0].size - skip};
    size = size < first.size ? size : first.size;
    return segj_rados_node_start(node, file->lease, number, offset % node->chunk_size, &first, 1, size);
}

/* The bound is raised when half of its lead is used up; of a small file not before it has a sixteenth of an object. */
static void raise_ahead(segj_file_t *file, uint64_t end)
{
    segj_rados_node_t *node = file->node;
    uint64_t number = end / node->chunk_size;
    if (end >= node->chunk_size / 16 &&
        end + segj_rados_lead(number) * node->chunk_size / 2 > node->bound * node->chunk_size && !node->raising)
        (void)segj_rados_node_raise(node, file->lease, number, false);
}

static int write_pieces(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, uint64_t total,
                        size_t *done)
{
    segj_rados_node_t *node = file->node;
    size_t skip = 0;
    while (*done < total) {
        uint64_t at = offset + *done;
        uint64_t room = node->chunk_size - at % node->chunk_size;
        size_t size = total - *done < room ? (size_t)(total - *done) : (size_t)room;
        skip = skip_slices(&slices, &count, skip);
        if (skip > 0 && size > slices[0].size - skip)
            size = slices[0].size - skip;
        int code = start_piece(file, at, slices, count, skip, size);
        if (code != 0)
            return code;
        *done += size;
        skip += size;
        if (at + size > node->size)
            node->size = at + size;
    }
    raise_ahead(file, offset + total);
    if (total < FOLLOWED)
        segj_rados_node_push(node);
    return 0;
}

int segj_rados_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    segj_rados_node_t *node = file->node;
    uint64_t total = 0;
    *done = 0;
    if (!file->writable)
        return EBADF;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].size > (uint64_t)INT64_MAX - total)
            return EFBIG;
        total += slices[i].size;
    }
    if (total > SIZE_MAX || offset > (uint64_t)INT64_MAX || total > (uint64_t)INT64_MAX - offset ||
        (offset + total) / node->chunk_size >= SEGJ_RADOS_CHUNKS_MOST)
        return EFBIG;
    segj_lock(&node->store->mutex);
    int code = write_pieces(file, offset, slices, count, total, done);
    bool missed = code == ESTALE;
    segj_unlock(&node->store->mutex);
    return missed ? segj_rados_lease_missed(file->lease) : code;
}

int segj_rados_file_truncate(segj_file_t *file, uint64_t size)
{
    segj_rados_node_t *node = file->node;
    uint64_t number = size == 0 ? 0 : (size - 1) / node->chunk_size;
    if (!file->writable)
        return EBADF;
    if (size > (uint64_t)INT64_MAX || number + 1 >= SEGJ_RADOS_CHUNKS_MOST)
        return EFBIG;
    segj_lock(&node->store->mutex);
    int code = segj_rados_node_prepare(node, file->lease, number);
    if (code == 0 && number + 1 < node->bound)
        code = segj_rados_node_cut(node, file->lease, number + 1);
    if (code == 0)
        code = segj_rados_node_resize(node, file->lease, number, true, size - number * node->chunk_size);
    if (code == 0)
        node->size = size;
    segj_unlock(&node->store->mutex);
    return code == ESTALE ? segj_rados_lease_missed(file->lease) : code;
}

/* What others see has been acknowledged by all: a file that was opened for reading has nothing to wait for. Where the
 * next owner has removed the file, nothing refuses an object that is made: it is looked whether there is a next owner. */
int segj_rados_file_sync(segj_file_t *file)
{
    segj_rados_node_t *node = file->node;
    if (!file->writable)
        return 0;
    segj_lock(&node->store->mutex);
    segj_rados_node_settle(node, UINT64_MAX);
    int code = file->lease->code != 0 ? file->lease->code : node->code;
    uint64_t made = node->made;
    bool prove = code == 0 && made > node->proven && file->lease->held == SEGJ_RADOS_EXCLUSIVE;
    segj_unlock(&node->store->mutex);
    if (prove) {
        code = segj_rados_lease_prove(file->lease);
        segj_lock(&node->store->mutex);
        if (code == 0 && made > node->proven)
            node->proven = made;
        segj_unlock(&node->store->mutex);
    }
    return code == ESTALE ? segj_rados_lease_missed(file->lease) : code;
}

int segj_rados_file_refresh(segj_file_t *file, bool written)
{
    if (written) {
        int code = segj_rados_file_sync(file);
        if (code != 0)
            return code;
    }
    segj_lock(&file->node->store->mutex);
    segj_rados_ahead_forget(file);
    segj_unlock(&file->node->store->mutex);
    return look_for_name(file);
}

/* --- the end --- */

void segj_rados_file_close(segj_file_t *file)
{
    segj_rados_node_t *node = file->node;
    segj_rados_lease_t *lease = file->lease;
    segj_rados_t *store = node->store;
    segj_rados_digits_t id;
    if (segj_rados_is_childs(store)) {
        free(file);
        return;
    }
    segj_lock(&store->mutex);
    bool last = false;
    segj_rados_ahead_end(file);
    if (file->writable) {
        segj_rados_node_settle(node, UINT64_MAX);
        last = --node->writers == 0;
        /* What may still be under way is another owner's to fence. */
        last = last && lease->code == 0;
    }
    memcpy(id, node->id, sizeof id);
    segj_unlock(&store->mutex);
    if (last)
        segj_rados_lease_idle(lease, SEGJ_RADOS_WRITTEN, id);
    free_file(file);
}

/* The name goes, and a note comes that the objects are to go, in one step. They go with the last who has the file open here,
 * or at once. */
int segj_rados_file_remove(segj_partition_t *partition, const char *name)
{
    segj_rados_lease_t *lease = partition->lease;
    segj_rados_t *store = lease->store;
    segj_rados_name_t key;
    segj_rados_key_t dropped;
    char value[SEGJ_RADOS_VALUE];
    int code = segj_rados_file_key(key, name);
    if (code == 0)
        code = segj_rados_lease_named(lease);
    if (code == 0)
        code = store->seam.key(store->seam.context, lease->object, key, value);
    if (code != 0)
        return code == ENODATA || code == ESTALE ? ENOENT : code;
    value[SEGJ_RADOS_DIGITS - 1] = '\0'; /* its id */
    memcpy(dropped, SEGJ_RADOS_DROPPED, 2);
    memcpy(dropped + 2, value, SEGJ_RADOS_DIGITS);
    segj_rados_change_t change = {.key_set = {{dropped, "1"}}, .keys_removed = (const char *const[]){key, NULL}};
    code = segj_rados_lease_change(lease, &change);
    if (code != 0)
        return code;
    segj_lock(&store->mutex);
    segj_rados_node_t *node = segj_rados_node_find(store, lease->object, value);
    if (node != NULL)
        node->removed = true;
    segj_unlock(&store->mutex);
    /* A failure leaves the note, and the objects, to the next owner. */
    if (node == NULL && segj_rados_sweep(store, lease->object, value) == 0)
        segj_rados_lease_idle(lease, SEGJ_RADOS_DROPPED, value);
    return 0;
}
