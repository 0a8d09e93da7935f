/* counted/counting.c: see the header. */
#include "counted/counting.h"

#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_memcpy(void *restrict to, const void *restrict from, size_t size);
void *__real_memmove(void *to, const void *from, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_memcpy(void *restrict to, const void *restrict from, size_t size);
void *__wrap_memmove(void *to, const void *from, size_t size);

static costs_t now;
static _Thread_local unsigned paused; /* how deep in the storage */
static segj_storage_t *below;
static segj_storage_t table;

/* By any thread. */
static void add(uint64_t *counter, uint64_t number)
{
    (void)__atomic_fetch_add(counter, number, __ATOMIC_RELAXED);
}

costs_t costs(void)
{
    return now;
}

/* --- memory --- */

void *__wrap_malloc(size_t size)
{
    add(&now.allocations, paused == 0);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    add(&now.allocations, paused == 0);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    add(&now.allocations, paused == 0);
    return __real_realloc(old, size);
}

static void count_copy(size_t size)
{
    if (paused == 0 && size >= COPY_COUNTED)
        add(&now.copied, size);
}

void *__wrap_memcpy(void *restrict to, const void *restrict from, size_t size)
{
    count_copy(size);
    return __real_memcpy(to, from, size);
}

void *__wrap_memmove(void *to, const void *from, size_t size)
{
    count_copy(size);
    return __real_memmove(to, from, size);
}

/* --- the storage: objects are those of the one below --- */

static int leave(int code)
{
    paused--;
    return code;
}

static int partition_create(void *context, const char *directory, const char *partition)
{
    add(&now.others, 1);
    paused++;
    return leave(below->partition_create(below->context, directory, partition));
}

static int partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    add(&now.others, 1);
    paused++;
    return leave(below->partition_open(below->context, directory, partition, opened));
}

static int partition_lock(segj_partition_t *partition, bool exclusive)
{
    add(&now.others, 1);
    paused++;
    return leave(below->partition_lock(partition, exclusive));
}

static int partition_unlock(segj_partition_t *partition)
{
    add(&now.others, 1);
    paused++;
    return leave(below->partition_unlock(partition));
}

/* What the visitor does is the library's. */
typedef struct visit {
    segj_list_visit_t visit;
    void *context;
} visit_t;

static int visit_counted(void *context, const char *name, segj_entry_kind_t kind)
{
    const visit_t *visit = context;
    unsigned depth = paused;
    paused = 0;
    int code = visit->visit(visit->context, name, kind);
    paused = depth;
    return code;
}

static int partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    visit_t counted = {visit, visit_context};
    add(&now.others, 1);
    paused++;
    return leave(below->partition_list(partition, visit_counted, &counted));
}

static int partition_sync(segj_partition_t *partition)
{
    add(&now.syncs, 1);
    paused++;
    return leave(below->partition_sync(partition));
}

static void partition_close(segj_partition_t *partition)
{
    add(&now.others, 1);
    paused++;
    below->partition_close(partition);
    paused--;
}

static int partition_remove(void *context, const char *directory, const char *partition)
{
    add(&now.others, 1);
    paused++;
    return leave(below->partition_remove(below->context, directory, partition));
}

static int directory_sync(void *context, const char *directory)
{
    add(&now.syncs, 1);
    paused++;
    return leave(below->directory_sync(below->context, directory));
}

static int file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    add(&now.opens, 1);
    paused++;
    return leave(below->file_open(partition, name, mode, opened));
}

static int file_remove(segj_partition_t *partition, const char *name)
{
    add(&now.others, 1);
    paused++;
    return leave(below->file_remove(partition, name));
}

static int file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    paused++;
    int code = below->file_read(file, offset, buffer, size, done);
    add(&now.reads, 1);
    add(&now.read_bytes, code == 0 ? *done : 0);
    return leave(code);
}

static int file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    paused++;
    int code = below->file_write(file, offset, slices, count, done);
    add(&now.writes, 1);
    add(&now.written_bytes, *done);
    return leave(code);
}

static int file_size_counted(segj_file_t *file, uint64_t *size)
{
    add(&now.others, 1);
    paused++;
    return leave(below->file_size(file, size));
}

static int file_truncate(segj_file_t *file, uint64_t size)
{
    add(&now.others, 1);
    paused++;
    return leave(below->file_truncate(file, size));
}

static int file_sync(segj_file_t *file)
{
    add(&now.syncs, 1);
    paused++;
    return leave(below->file_sync(file));
}

static void file_close(segj_file_t *file)
{
    add(&now.closes, 1);
    paused++;
    below->file_close(file);
    paused--;
}

/* A hint, and the storage in memory has none. */
static void file_write_back(segj_file_t *file, uint64_t offset, uint64_t size)
{
    add(&now.write_backs, 1);
}

const segj_storage_t *counting_begin(void)
{
    assert_ok(segj_storage_memory_create(&below));
    table = (segj_storage_t){.struct_size = sizeof table,
                             .partition_create = partition_create,
                             .partition_open = partition_open,
                             .partition_lock = partition_lock,
                             .partition_unlock = partition_unlock,
                             .partition_list = partition_list,
                             .partition_sync = partition_sync,
                             .partition_close = partition_close,
                             .partition_remove = partition_remove,
                             .directory_sync = directory_sync,
                             .file_open = file_open,
                             .file_remove = file_remove,
                             .file_read = file_read,
                             .file_write = file_write,
                             .file_size = file_size_counted,
                             .file_truncate = file_truncate,
                             .file_sync = file_sync,
                             .file_close = file_close,
                             .file_write_back = file_write_back};
    return &table;
}

void counting_end(void)
{
    segj_storage_memory_destroy(below);
    below = NULL;
}

/* --- the verdict --- */

#if defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define COPIES_UNSEEN 1 /* clang calls the sanitizer's own memcpy */
#endif
#endif
#ifndef COPIES_UNSEEN
#define COPIES_UNSEEN 0
#endif

static unsigned compare(const char *name, uint64_t found, uint64_t expected)
{
    if (found == expected)
        return 0;
    print_error("%s: %llu, expected %llu\n", name, (unsigned long long)found, (unsigned long long)expected);
    return 1;
}

costs_t costs_since(costs_t before)
{
    return (costs_t){.reads = now.reads - before.reads,
                     .read_bytes = now.read_bytes - before.read_bytes,
                     .writes = now.writes - before.writes,
                     .written_bytes = now.written_bytes - before.written_bytes,
                     .syncs = now.syncs - before.syncs,
                     .write_backs = now.write_backs - before.write_backs,
                     .opens = now.opens - before.opens,
                     .closes = now.closes - before.closes,
                     .others = now.others - before.others,
                     .allocations = now.allocations - before.allocations,
                     .copied = now.copied - before.copied};
}

void check_costs(costs_t before, costs_t expected, const char *file, int line)
{
    costs_t found = costs_since(before);
    unsigned wrong = 0;
    wrong += compare("reads", found.reads, expected.reads);
    wrong += compare("bytes read", found.read_bytes, expected.read_bytes);
    wrong += compare("writes", found.writes, expected.writes);
    wrong += compare("bytes written", found.written_bytes, expected.written_bytes);
    wrong += compare("syncs", found.syncs, expected.syncs);
    wrong += compare("write-backs", found.write_backs, expected.write_backs);
    wrong += compare("files opened", found.opens, expected.opens);
    wrong += compare("files closed", found.closes, expected.closes);
    wrong += compare("other calls of the storage", found.others, expected.others);
    wrong += compare("allocations", found.allocations, expected.allocations);
    if (!COPIES_UNSEEN)
        wrong += compare("bytes copied", found.copied, expected.copied);
    if (wrong > 0)
        _fail(file, line);
}
