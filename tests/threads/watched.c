/* threads/watched.c: see the header. */
#include "threads/watched.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GATES = 8, WRITES = 32, OVERLAP_TEXT = 256 };

/** A file, as long as the watched storage lives, with or without its name. */
typedef struct node {
    struct node *next;
    watched_part_t part;
    uint64_t section;
    bool named, name_durable;
    uint8_t *durable; /* NULL: nothing is, not even its size */
    uint64_t durable_size;
} node_t;

typedef struct event {
    watched_call_t call;
    watched_part_t part;
    uint64_t section, offset, size;
} event_t;

/** A write under way. */
typedef struct transfer {
    const node_t *node; /* NULL: a free place */
    uint64_t offset, size;
} transfer_t;

struct gate {
    watched_t *watched; /* NULL: a free place */
    event_t what;
    uint32_t limit, came, passes;
    uint32_t standing; /* calls that have come and not yet gone on */
    int code;
};

struct watched {
    segj_storage_t table;
    const segj_storage_t *below;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    gate_t gates[GATES];
    int codes[WATCHED_CALLS][2];
    uint64_t codes_section[WATCHED_CALLS][2];
    atomic_size_t most_read; /* 0: no bound */
    int (*refuse)(watched_part_t part, uint64_t offset);
    event_t *events;
    size_t events_count, events_capacity;
    transfer_t writes[WRITES];
    char overlap[OVERLAP_TEXT]; /* of two writes */
    node_t *nodes;
};

struct segj_partition {
    watched_t *watched;
    segj_partition_t *below;
    watched_part_t part;
};

struct segj_file {
    watched_t *watched;
    segj_file_t *below;
    node_t *node;
};

/* --- gates and notes; the mutex is held unless said otherwise --- */

static bool matches(const event_t *what, const event_t *event)
{
    return what->call == event->call && what->part == event->part &&
           (what->section == ANY_SECTION || what->section == event->section);
}

/* Without the mutex. Stops the call where it must; an answer other than 0 is the call's. */
static int enter(watched_t *watched, const event_t *event)
{
    pthread_mutex_lock(&watched->mutex);
    int code = 0;
    uint64_t section = watched->codes_section[event->call][event->part];
    if (section == ANY_SECTION || section == event->section)
        code = watched->codes[event->call][event->part];
    for (gate_t *gate = watched->gates; gate < watched->gates + GATES; gate++) {
        if (gate->watched == NULL || gate->came >= gate->limit || !matches(&gate->what, event))
            continue;
        uint32_t ticket = gate->came++;
        gate->standing++;
        pthread_cond_broadcast(&watched->changed);
        while (gate->passes <= ticket)
            test_wait(&watched->changed, &watched->mutex);
        gate->standing--;
        if (gate->code != 0)
            code = gate->code;
        break;
    }
    pthread_mutex_unlock(&watched->mutex);
    return code;
}

/* Without the mutex. */
static void note(watched_t *watched, const event_t *event)
{
    pthread_mutex_lock(&watched->mutex);
    if (watched->events_count == watched->events_capacity) {
        size_t capacity = watched->events_capacity * 2 + 256;
        event_t *larger = realloc(watched->events, capacity * sizeof *larger);
        if (larger == NULL)
            abort();
        watched->events = larger;
        watched->events_capacity = capacity;
    }
    watched->events[watched->events_count++] = *event;
    pthread_mutex_unlock(&watched->mutex);
}

watched_part_t part_of_sync(void)
{
    return tested_version() == 2 ? PART_VALUES : PART_INDEX;
}

gate_t *gate_close(watched_t *watched, watched_call_t call, watched_part_t part, uint64_t section, uint32_t limit)
{
    pthread_mutex_lock(&watched->mutex);
    gate_t *gate = watched->gates;
    while (gate < watched->gates + GATES && (gate->watched != NULL || gate->standing > 0))
        gate++;
    if (gate < watched->gates + GATES)
        *gate = (gate_t){watched, {call, part, section, 0, 0}, limit, 0, 0, 0, 0};
    pthread_mutex_unlock(&watched->mutex);
    assert_true(gate < watched->gates + GATES);
    return gate;
}

void gate_await(gate_t *gate, uint32_t count)
{
    watched_t *watched = gate->watched;
    pthread_mutex_lock(&watched->mutex);
    while (gate->came < count)
        test_wait(&watched->changed, &watched->mutex);
    pthread_mutex_unlock(&watched->mutex);
}

void gate_pass(gate_t *gate, int code)
{
    watched_t *watched = gate->watched;
    pthread_mutex_lock(&watched->mutex);
    gate->passes++;
    gate->code = code;
    pthread_cond_broadcast(&watched->changed);
    pthread_mutex_unlock(&watched->mutex);
}

/* The place is free when the last call that stood there has gone on. */
void gate_open(gate_t *gate, int code)
{
    watched_t *watched = gate->watched;
    pthread_mutex_lock(&watched->mutex);
    gate->passes = UINT32_MAX;
    gate->code = code;
    gate->watched = NULL;
    pthread_cond_broadcast(&watched->changed);
    pthread_mutex_unlock(&watched->mutex);
}

bool watched_gated(watched_t *watched)
{
    bool gated = false;
    pthread_mutex_lock(&watched->mutex);
    for (const gate_t *gate = watched->gates; gate < watched->gates + GATES; gate++)
        gated = gated || gate->watched != NULL || gate->standing > 0;
    pthread_mutex_unlock(&watched->mutex);
    return gated;
}

void watched_fail(watched_t *watched, watched_call_t call, watched_part_t part, uint64_t section, int code)
{
    pthread_mutex_lock(&watched->mutex);
    watched->codes[call][part] = code;
    watched->codes_section[call][part] = section;
    pthread_mutex_unlock(&watched->mutex);
}

void watched_short_reads(watched_t *watched, size_t most)
{
    atomic_store(&watched->most_read, most);
}

void watched_refuse_writes(watched_t *watched, int (*refuse)(watched_part_t part, uint64_t offset))
{
    watched->refuse = refuse;
}

void watched_forget(watched_t *watched)
{
    pthread_mutex_lock(&watched->mutex);
    watched->events_count = 0;
    pthread_mutex_unlock(&watched->mutex);
}

size_t watched_count(watched_t *watched, watched_call_t call, watched_part_t part, uint64_t section)
{
    event_t what = {call, part, section, 0, 0};
    size_t count = 0;
    pthread_mutex_lock(&watched->mutex);
    for (size_t i = 0; i < watched->events_count; i++)
        count += matches(&what, &watched->events[i]);
    pthread_mutex_unlock(&watched->mutex);
    return count;
}

size_t watched_touched(watched_t *watched, watched_part_t part, uint64_t section, uint64_t offset, uint64_t size)
{
    size_t touched = 0;
    pthread_mutex_lock(&watched->mutex);
    for (size_t i = 0; i < watched->events_count; i++) {
        const event_t *event = &watched->events[i];
        if (event->part != part || event->section != section)
            continue;
        if (event->call == CALL_TRUNCATE && event->size < offset + size)
            touched++;
        uint64_t end = event->offset + event->size;
        if (event->call == CALL_WRITE && event->offset < offset + size && end > offset)
            touched++;
    }
    pthread_mutex_unlock(&watched->mutex);
    return touched;
}

size_t watched_changes(watched_t *watched, uint64_t section)
{
    static const watched_call_t changes[] = {CALL_WRITE, CALL_SYNC, CALL_TRUNCATE, CALL_REMOVE, CALL_CLOSE};
    size_t count = 0;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        count += watched_count(watched, changes[i], PART_INDEX, section) +
                 watched_count(watched, changes[i], PART_VALUES, section);
    return count;
}

void assert_writes_apart(watched_t *watched)
{
    pthread_mutex_lock(&watched->mutex);
    bool apart = watched->overlap[0] == '\0';
    if (!apart)
        print_error("%s\n", watched->overlap);
    pthread_mutex_unlock(&watched->mutex);
    assert_true(apart);
}

/* --- writes under way: without the mutex --- */

static void note_overlap(watched_t *watched, const transfer_t *here, const transfer_t *there)
{
    if (watched->overlap[0] != '\0')
        return;
    (void)snprintf(watched->overlap, sizeof watched->overlap,
                   "%s file of section %" PRIu64 ": a write of %" PRIu64 "+%" PRIu64 " while one of %" PRIu64
                   "+%" PRIu64 " is under way",
                   here->node->part == PART_INDEX ? "index" : "values", here->node->section, here->offset, here->size,
                   there->offset, there->size);
}

static transfer_t *begin_write(segj_file_t *file, uint64_t offset, uint64_t size)
{
    watched_t *watched = file->watched;
    transfer_t begun = {file->node, offset, size};
    transfer_t *mine = NULL;
    pthread_mutex_lock(&watched->mutex);
    for (transfer_t *at = watched->writes; at < watched->writes + WRITES; at++) {
        if (at->node == NULL && mine == NULL)
            mine = at;
        if (at->node == file->node && offset < at->offset + at->size && at->offset < offset + size)
            note_overlap(watched, &begun, at);
    }
    if (mine == NULL)
        abort();
    *mine = begun;
    pthread_mutex_unlock(&watched->mutex);
    return mine;
}

static void end_write(watched_t *watched, transfer_t *transfer)
{
    pthread_mutex_lock(&watched->mutex);
    transfer->node = NULL;
    pthread_mutex_unlock(&watched->mutex);
}

/* --- partitions --- */

static int partition_create(void *context, const char *directory, const char *partition)
{
    watched_t *watched = context;
    return watched->below->partition_create(watched->below->context, directory, partition);
}

static int partition_open(void *context, const char *directory, const char *name, segj_partition_t **opened)
{
    watched_t *watched = context;
    segj_partition_t *partition = malloc(sizeof *partition);
    if (partition == NULL)
        return ENOMEM;
    partition->watched = watched;
    partition->part = strstr(name, "values") != NULL ? PART_VALUES : PART_INDEX;
    int code = watched->below->partition_open(watched->below->context, directory, name, &partition->below);
    if (code == 0)
        *opened = partition;
    else
        free(partition);
    return code;
}

static int partition_lock(segj_partition_t *partition, bool exclusive)
{
    return partition->watched->below->partition_lock(partition->below, exclusive);
}

static int partition_unlock(segj_partition_t *partition)
{
    return partition->watched->below->partition_unlock(partition->below);
}

static int partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    return partition->watched->below->partition_list(partition->below, visit, visit_context);
}

/* Names that come or go while the sync is under way are not covered: `after` remembers which there were. */
static int partition_sync(segj_partition_t *partition)
{
    watched_t *watched = partition->watched;
    event_t event = {CALL_SYNC_NAMES, partition->part, ANY_SECTION, 0, 0};
    pthread_mutex_lock(&watched->mutex);
    size_t count = 0;
    for (node_t *node = watched->nodes; node != NULL; node = node->next)
        count++;
    bool *after = calloc(count + 1, sizeof *after);
    if (after == NULL)
        abort();
    node_t *first = watched->nodes;
    size_t at = 0;
    for (node_t *node = first; node != NULL; node = node->next)
        after[at++] = node->named;
    pthread_mutex_unlock(&watched->mutex);
    int code = enter(watched, &event);
    if (code == 0)
        code = watched->below->partition_sync(partition->below);
    pthread_mutex_lock(&watched->mutex);
    at = 0;
    for (node_t *node = first; node != NULL && code == 0; node = node->next, at++)
        if (node->part == partition->part)
            node->name_durable = after[at];
    pthread_mutex_unlock(&watched->mutex);
    free(after);
    note(watched, &event);
    return code;
}

static void partition_close(segj_partition_t *partition)
{
    watched_t *watched = partition->watched;
    event_t event = {CALL_UNLOCK, partition->part, ANY_SECTION, 0, 0};
    (void)enter(watched, &event);
    watched->below->partition_close(partition->below);
    free(partition);
    note(watched, &event);
}

static int partition_remove(void *context, const char *directory, const char *partition)
{
    watched_t *watched = context;
    return watched->below->partition_remove(watched->below->context, directory, partition);
}

static int directory_sync(void *context, const char *directory)
{
    watched_t *watched = context;
    return watched->below->directory_sync(watched->below->context, directory);
}

/* --- names --- */

static uint64_t section_of(const char *name)
{
    return strtoull(name, NULL, 16);
}

/* The named node; a new one where there is none. With the mutex. */
static node_t *find_node(watched_t *watched, watched_part_t part, uint64_t section)
{
    for (node_t *node = watched->nodes; node != NULL; node = node->next)
        if (node->part == part && node->section == section && node->named)
            return node;
    node_t *node = calloc(1, sizeof *node);
    if (node == NULL)
        abort();
    *node = (node_t){.next = watched->nodes, .part = part, .section = section, .named = true};
    watched->nodes = node;
    return node;
}

static int file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    watched_t *watched = partition->watched;
    event_t event = {CALL_OPEN, partition->part, section_of(name), 0, 0};
    segj_file_t *file = malloc(sizeof *file);
    if (file == NULL)
        return ENOMEM;
    int code = enter(watched, &event);
    if (code == 0)
        code = watched->below->file_open(partition->below, name, mode, &file->below);
    if (code != 0) {
        free(file);
        return code;
    }
    pthread_mutex_lock(&watched->mutex);
    file->watched = watched;
    file->node = find_node(watched, partition->part, event.section);
    pthread_mutex_unlock(&watched->mutex);
    note(watched, &event);
    *opened = file;
    return 0;
}

static int file_remove(segj_partition_t *partition, const char *name)
{
    watched_t *watched = partition->watched;
    event_t event = {CALL_REMOVE, partition->part, section_of(name), 0, 0};
    int code = enter(watched, &event);
    if (code == 0)
        code = watched->below->file_remove(partition->below, name);
    if (code == 0) {
        pthread_mutex_lock(&watched->mutex);
        find_node(watched, partition->part, event.section)->named = false;
        pthread_mutex_unlock(&watched->mutex);
    }
    note(watched, &event);
    return code;
}

/* --- files --- */

static int file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    watched_t *watched = file->watched;
    size_t most = atomic_load(&watched->most_read);
    if (most > 0 && size > most)
        size = most;
    event_t event = {CALL_READ, file->node->part, file->node->section, offset, size};
    int code = enter(watched, &event);
    if (code == 0)
        code = watched->below->file_read(file->below, offset, buffer, size, done);
    note(watched, &event);
    return code;
}

static int file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    watched_t *watched = file->watched;
    event_t event = {CALL_WRITE, file->node->part, file->node->section, offset, 0};
    for (size_t i = 0; i < count; i++)
        event.size += slices[i].size;
    transfer_t *transfer = begin_write(file, offset, event.size);
    *done = 0;
    int code = enter(watched, &event);
    if (code == 0 && watched->refuse != NULL)
        code = watched->refuse(event.part, offset);
    if (code == 0)
        code = watched->below->file_write(file->below, offset, slices, count, done);
    end_write(watched, transfer);
    note(watched, &event);
    return code;
}

static int file_size_of(segj_file_t *file, uint64_t *size)
{
    return file->watched->below->file_size(file->below, size);
}

static int file_truncate(segj_file_t *file, uint64_t size)
{
    watched_t *watched = file->watched;
    event_t event = {CALL_TRUNCATE, file->node->part, file->node->section, 0, size};
    int code = enter(watched, &event);
    if (code == 0)
        code = watched->below->file_truncate(file->below, size);
    note(watched, &event);
    return code;
}

/* What the file holds now; a truncation that comes between is fine, what was written then is in the copy or not. */
static uint8_t *copy_file(segj_file_t *file, uint64_t *size)
{
    const segj_storage_t *below = file->watched->below;
    if (below->file_size(file->below, size) != 0)
        abort();
    uint8_t *copy = calloc(1, (size_t)*size + 1);
    if (copy == NULL)
        abort();
    size_t done = 0;
    for (uint64_t at = 0; at < *size; at += done)
        if (below->file_read(file->below, at, copy + at, (size_t)(*size - at), &done) != 0 || done == 0)
            break;
    return copy;
}

static int file_sync(segj_file_t *file)
{
    watched_t *watched = file->watched;
    node_t *node = file->node;
    event_t event = {CALL_SYNC, node->part, node->section, 0, 0};
    uint64_t size = 0;
    uint8_t *copy = copy_file(file, &size);
    int code = enter(watched, &event);
    if (code == 0)
        code = watched->below->file_sync(file->below);
    if (code == 0) {
        pthread_mutex_lock(&watched->mutex);
        free(node->durable);
        node->durable = copy;
        node->durable_size = size;
        pthread_mutex_unlock(&watched->mutex);
    } else {
        free(copy);
    }
    note(watched, &event);
    return code;
}

static void file_close(segj_file_t *file)
{
    watched_t *watched = file->watched;
    event_t event = {CALL_CLOSE, file->node->part, file->node->section, 0, 0};
    watched->below->file_close(file->below);
    free(file);
    note(watched, &event);
}

/* --- the storage --- */

static const segj_storage_t watched_table = {
    .struct_size = sizeof(segj_storage_t),
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
    .file_size = file_size_of,
    .file_truncate = file_truncate,
    .file_sync = file_sync,
    .file_close = file_close,
};

watched_t *watched_new(const segj_storage_t *below)
{
    watched_t *watched = calloc(1, sizeof *watched);
    assert_non_null(watched);
    watched->table = watched_table;
    watched->table.context = watched;
    watched->below = below;
    assert_int_equal(pthread_mutex_init(&watched->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&watched->changed, NULL), 0);
    return watched;
}

void watched_free(watched_t *watched)
{
    while (watched->nodes != NULL) {
        node_t *next = watched->nodes->next;
        free(watched->nodes->durable);
        free(watched->nodes);
        watched->nodes = next;
    }
    pthread_cond_destroy(&watched->changed);
    pthread_mutex_destroy(&watched->mutex);
    free(watched->events);
    free(watched);
}

const segj_storage_t *watched_storage(const watched_t *watched)
{
    return &watched->table;
}

/* --- the power cut --- */

static void put_file(const segj_storage_t *storage, segj_partition_t *partition, const node_t *node)
{
    char name[32];
    segj_file_t *file = NULL;
    size_t done = 0;
    (void)snprintf(name, sizeof name, "%016" PRIx64, node->section);
    assert_int_equal(storage->file_open(partition, name, SEGJ_OPEN_CREATE, &file), 0);
    segj_slice_t slice = {node->durable, (size_t)node->durable_size};
    if (node->durable_size > 0) {
        assert_int_equal(storage->file_write(file, 0, &slice, 1, &done), 0);
        assert_int_equal(done, slice.size);
    }
    storage->file_close(file);
}

segj_storage_t *watched_crash(watched_t *watched, const char *directory, const char *index, const char *values)
{
    const char *names[2] = {index, values};
    segj_storage_t *storage = NULL;
    assert_ok(segj_storage_memory_create(&storage));
    pthread_mutex_lock(&watched->mutex);
    for (int part = 0; part < 2; part++) {
        segj_partition_t *partition = NULL;
        assert_int_equal(storage->partition_create(storage->context, directory, names[part]), 0);
        assert_int_equal(storage->partition_open(storage->context, directory, names[part], &partition), 0);
        for (const node_t *node = watched->nodes; node != NULL; node = node->next)
            if ((int)node->part == part && node->name_durable)
                put_file(storage, partition, node);
        storage->partition_close(partition);
    }
    pthread_mutex_unlock(&watched->mutex);
    return storage;
}
