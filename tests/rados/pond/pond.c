/* rados/pond/pond.c: clients of the cluster in memory, and the face of a simulated disk. */
#include "rados/pond/pond.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rados/pond/pond_inner.h"
#include "rados/rados_store.h"
#include "support/simdisk_image.h"

/* A change that is under way, a copy of its own. `done` is NULL when its client was answered already. */
typedef struct underway {
    segj_rados_change_t *change;
    segj_rados_done_t done;
    void *argument;
    bool refused; /* for want of room */
} underway_t;

typedef struct client {
    pond_t *pond;
    segj_rados_t *store;
    underway_t *queue; /* in the order of their starts */
    size_t count, room;
    struct {
        segj_rados_done_t done;
        void *argument;
        int code;
    } reads[64]; /* which have seen what there was when they began */
    size_t read_count;
    int answer;
    bool full;
    void (*hook)(void *context);
    void *hook_context;
} client_t;

struct pond {
    water_t water;
    uint64_t random;
    struct simdisk *disk; /* whose client is the first one; NULL: none */
};

struct simdisk {
    pond_t *pond;
    client_t *client;
    segj_storage_t *storage;
    simdisk_hook_t hook;
    void *hook_context;
    flush_order_t *order;
    uint8_t *shown; /* what simdisk_visible gave last, by partition */
    uint8_t *shown_beside;
};

static void call_hook(client_t *client, simdisk_call_t call)
{
    struct simdisk *disk = client->pond->disk;
    if (client->hook != NULL)
        client->hook(client->hook_context);
    if (disk != NULL && disk->client == client && disk->hook != NULL)
        disk->hook(disk->hook_context, disk, call);
}

/* --- queues --- */

static underway_t take_first(client_t *client)
{
    underway_t first = client->queue[0];
    client->count--;
    memmove(client->queue, client->queue + 1, client->count * sizeof(underway_t));
    return first;
}

/* Does the oldest change. */
static int do_first(client_t *client)
{
    underway_t first = take_first(client);
    int code = first.refused ? ENOSPC : water_change(&client->pond->water, first.change);
    change_free(first.change);
    if (first.done != NULL)
        first.done(first.argument, code);
    return code;
}

/* The client waits: all that is under way is done, object after object in their orders. */
static void answer_all(client_t *client)
{
    while (client->read_count > 0) {
        client->read_count--;
        client->reads[client->read_count].done(client->reads[client->read_count].argument,
                                               client->reads[client->read_count].code);
    }
    if (client->answer == 0) {
        while (client->count > 0)
            (void)do_first(client);
        return;
    }
    for (size_t i = 0; i < client->count; i++) {
        segj_rados_done_t done = client->queue[i].done;
        client->queue[i].done = NULL;
        if (done != NULL)
            done(client->queue[i].argument, client->answer);
    }
}

static void enqueue(client_t *client, const segj_rados_change_t *change, segj_rados_done_t done, void *argument)
{
    if (client->count == client->room) {
        client->room = client->room * 2 + 8;
        client->queue = simdisk_need(realloc(client->queue, client->room * sizeof(underway_t)));
    }
    client->queue[client->count++] =
        (underway_t){change_copy(change), done, argument, client->full && change->size > 0};
}

/* --- the seam --- */

static int pond_start(void *context, const segj_rados_change_t *change, segj_rados_done_t done, void *argument)
{
    client_t *client = context;
    call_hook(client, SIMDISK_WRITE);
    enqueue(client, change, done, argument);
    return 0;
}

static void pond_progress(void *context)
{
    client_t *client = context;
    call_hook(client, SIMDISK_FILE_SYNC);
    answer_all(client);
}

static int pond_change(void *context, const segj_rados_change_t *change)
{
    client_t *client = context;
    call_hook(client, change->remove ? SIMDISK_REMOVE : SIMDISK_CREATE);
    if (client->full && change->create)
        return ENOSPC;
    if (client->answer != 0) {
        enqueue(client, change, NULL, NULL);
        return client->answer;
    }
    for (size_t i = 0; i < client->count; i++) /* what was started of the same object comes before */
        if (strcmp(client->queue[i].change->object, change->object) == 0) {
            answer_all(client);
            break;
        }
    return water_change(&client->pond->water, change);
}

static int pond_read(void *context, const char *object, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    const client_t *client = context;
    const object_t *found = water_find(&client->pond->water, object);
    if (found == NULL)
        return ENOENT;
    *done = offset >= found->size ? 0 : found->size - (size_t)offset < size ? found->size - (size_t)offset : size;
    if (*done > 0)
        memcpy(buffer, found->bytes + offset, *done);
    return 0;
}

static int pond_read_start(void *context, const char *object, uint64_t offset, void *buffer, size_t size, size_t *got,
                           segj_rados_done_t done, void *argument)
{
    client_t *client = context;
    if (client->read_count == sizeof client->reads / sizeof client->reads[0])
        return ENOMEM;
    client->reads[client->read_count].done = done;
    client->reads[client->read_count].argument = argument;
    client->reads[client->read_count++].code = pond_read(context, object, offset, buffer, size, got);
    return 0;
}

static int pond_size(void *context, const char *object, uint64_t *size)
{
    const client_t *client = context;
    const object_t *found = water_find(&client->pond->water, object);
    if (found == NULL)
        return ENOENT;
    *size = found->size;
    return 0;
}

static int give(const char *found, char value[SEGJ_RADOS_VALUE])
{
    if (found == NULL)
        return ENODATA;
    (void)snprintf(value, SEGJ_RADOS_VALUE, "%s", found);
    return 0;
}

static int pond_get(void *context, const char *object, const char *name, char value[SEGJ_RADOS_VALUE])
{
    const client_t *client = context;
    const object_t *found = water_find(&client->pond->water, object);
    return found == NULL ? ENOENT : give(words_get(&found->attributes, name), value);
}

static int pond_key(void *context, const char *object, const char *key, char value[SEGJ_RADOS_VALUE])
{
    const client_t *client = context;
    const object_t *found = water_find(&client->pond->water, object);
    return found == NULL ? ENOENT : give(words_get(&found->keys, key), value);
}

/* The visitor may change the object: the next key is looked for anew. */
static int pond_keys(void *context, const char *object, const char *prefix, segj_rados_visit_t visit, void *argument)
{
    const client_t *client = context;
    char after[SEGJ_RADOS_NAME] = "";
    for (;;) {
        char value[SEGJ_RADOS_VALUE];
        const object_t *found = water_find(&client->pond->water, object);
        size_t at = 0;
        if (found == NULL)
            return after[0] == '\0' ? ENOENT : 0;
        while (at < found->keys.count && (strcmp(found->keys.words[at].name, after) <= 0 ||
                                          strncmp(found->keys.words[at].name, prefix, strlen(prefix)) != 0))
            at++;
        if (at == found->keys.count)
            return 0;
        (void)snprintf(after, sizeof after, "%s", found->keys.words[at].name);
        (void)snprintf(value, sizeof value, "%s", found->keys.words[at].value);
        int code = visit(argument, after, value);
        if (code != 0)
            return code;
    }
}

static int pond_remove_empty(void *context, const char *object, const char *id, const char *prefix)
{
    client_t *client = context;
    call_hook(client, SIMDISK_REMOVE);
    const object_t *found = water_find(&client->pond->water, object);
    if (found == NULL)
        return ENOENT;
    for (size_t i = 0; i < found->keys.count; i++)
        if (strncmp(found->keys.words[i].name, prefix, strlen(prefix)) == 0)
            return ENOTEMPTY;
    const segj_rados_change_t change = {
        .object = object, .compare[0] = {.name = SEGJ_RADOS_ID, .value = id}, .remove = true};
    int code = water_change(&client->pond->water, &change);
    return code == ECANCELED ? ESTALE : code;
}

static int pond_lock(void *context, const char *object, const char *cookie, bool exclusive, uint32_t seconds,
                     bool renew, bool must)
{
    client_t *client = context;
    object_t *found = water_make(&client->pond->water, object);
    bool mine = strcmp(found->locker, cookie) == 0;
    (void)seconds;
    (void)renew;
    if (must && !mine)
        return ENOENT;
    if (found->locker[0] != '\0' && !mine && (exclusive || found->exclusive))
        return EBUSY;
    if (exclusive && found->sharers > (mine && !found->exclusive ? 1u : 0u))
        return EBUSY;
    if (!exclusive && !(mine && !found->exclusive))
        found->sharers++;
    if (exclusive && mine && !found->exclusive)
        found->sharers--;
    found->exclusive = exclusive;
    (void)snprintf(found->locker, sizeof found->locker, "%s", cookie);
    return 0;
}

static int pond_unlock(void *context, const char *object, const char *cookie)
{
    client_t *client = context;
    object_t *found = water_find(&client->pond->water, object);
    if (found == NULL || found->locker[0] == '\0')
        return ENOENT;
    if (found->exclusive && strcmp(found->locker, cookie) != 0)
        return ENOENT;
    if (!found->exclusive && --found->sharers > 0)
        return 0;
    found->locker[0] = '\0';
    found->exclusive = false;
    return 0;
}

static int pond_random(void *context, uint64_t *number)
{
    client_t *client = context;
    *number = ++client->pond->random;
    return 0;
}

/* --- clients --- */

static client_t *client_new(pond_t *pond)
{
    client_t *client = simdisk_need(calloc(1, sizeof *client));
    client->pond = pond;
    const segj_rados_seam_t seam = {.context = client,
                                    .start = pond_start,
                                    .progress = pond_progress,
                                    .change = pond_change,
                                    .read = pond_read,
                                    .read_start = pond_read_start,
                                    .size = pond_size,
                                    .get = pond_get,
                                    .key = pond_key,
                                    .keys = pond_keys,
                                    .remove_empty = pond_remove_empty,
                                    .lock = pond_lock,
                                    .unlock = pond_unlock,
                                    .random = pond_random};
    client->store = simdisk_need(segj_rados_make(&seam, POND_CHUNK, 0));
    return client;
}

static void client_free(client_t *client)
{
    while (client->count > 0)
        change_free(take_first(client).change);
    free(client->queue);
    segj_rados_free(client->store);
    free(client);
}

static client_t *client_of(const segj_storage_t *storage)
{
    return ((const segj_rados_t *)(const void *)storage)->seam.context;
}

pond_t *pond_new(void)
{
    return simdisk_need(calloc(1, sizeof(pond_t)));
}

void pond_free(pond_t *pond)
{
    water_free(&pond->water);
    free(pond);
}

segj_storage_t *pond_client(pond_t *pond)
{
    return &client_new(pond)->store->storage;
}

void pond_client_free(segj_storage_t *client)
{
    client_free(client_of(client));
}

void pond_stop(segj_storage_t *client)
{
    const client_t *stopped = client_of(client);
    for (size_t i = 0; i < stopped->pond->water.count; i++) {
        object_t *object = &stopped->pond->water.objects[i];
        object->locker[0] = '\0';
        object->exclusive = false;
        object->sharers = 0;
    }
}

size_t pond_under_way(const segj_storage_t *client)
{
    return client_of(client)->count;
}

size_t pond_deliver(segj_storage_t *client, size_t count)
{
    client_t *late = client_of(client);
    size_t refused = 0;
    for (size_t i = 0; i < count && late->count > 0; i++)
        refused += do_first(late) != 0;
    return refused;
}

void pond_answer(segj_storage_t *client, int code)
{
    client_of(client)->answer = code;
}

void pond_full(segj_storage_t *client, bool full)
{
    client_of(client)->full = full;
}

void pond_on_change(segj_storage_t *client, void (*hook)(void *context), void *context)
{
    client_of(client)->hook = hook;
    client_of(client)->hook_context = context;
}

size_t pond_orphans(const pond_t *pond)
{
    size_t count = 0;
    for (size_t i = 0; i < pond->water.count; i++) {
        const char *name = pond->water.objects[i].name;
        const char *id = strrchr(name, ':') + 1;
        char partition[256];
        bool known = strchr(id, '.') == NULL; /* a partition, a directory */
        (void)snprintf(partition, sizeof partition, "%.*s", (int)(id - 1 - name), name);
        const object_t *keys = known ? NULL : water_find(&pond->water, partition);
        for (size_t j = 0; keys != NULL && j < keys->keys.count; j++)
            known = known || (keys->keys.words[j].name[0] == 'n' && strncmp(keys->keys.words[j].value, id, 16) == 0) ||
                    (keys->keys.words[j].name[0] == 'd' && strncmp(keys->keys.words[j].name + 2, id, 16) == 0);
        count += !known;
    }
    return count;
}

uint64_t pond_hash(const pond_t *pond)
{
    return water_hash(&pond->water, true);
}

/* --- the face of a disk --- */

static simdisk_t *disk_over(pond_t *pond)
{
    simdisk_t *disk = simdisk_need(calloc(1, sizeof *disk));
    disk->pond = pond;
    disk->client = client_new(pond);
    disk->storage = &disk->client->store->storage;
    pond->disk = disk;
    return disk;
}

simdisk_t *simdisk_new(void)
{
    return disk_over(pond_new());
}

void simdisk_free(simdisk_t *disk)
{
    if (disk == NULL)
        return;
    client_free(disk->client);
    pond_free(disk->pond);
    free(disk->shown);
    free(disk->shown_beside);
    free(disk);
}

const segj_storage_t *simdisk_storage(simdisk_t *disk)
{
    return disk->storage;
}

void simdisk_on_call(simdisk_t *disk, simdisk_hook_t hook, void *context)
{
    disk->hook = hook;
    disk->hook_context = context;
}

void simdisk_order_flushes(simdisk_t *disk, flush_order_t *order)
{
    disk->order = order; /* flushes are one after the other here */
}

void simdisk_forget_idle(simdisk_t *disk)
{
    (void)disk;
}

void simdisk_sync_whole_files(simdisk_t *disk)
{
    (void)disk;
}

void simdisk_set_grain(simdisk_t *disk, size_t grain)
{
    (void)disk;
    (void)grain;
}

uint64_t simdisk_hash(const simdisk_t *disk)
{
    uint64_t hash = water_hash(&disk->pond->water, false);
    return simdisk_mix(hash, disk->client->count);
}

size_t simdisk_objects(const simdisk_t *disk)
{
    return disk->pond->water.count;
}

struct simdisk_cut {
    const simdisk_t *disk;
    size_t units;
};

simdisk_cut_t *simdisk_cut_new(simdisk_t *disk)
{
    simdisk_cut_t *cut = simdisk_need(calloc(1, sizeof *cut));
    cut->disk = disk;
    cut->units = disk->client->count;
    return cut;
}

void simdisk_cut_free(simdisk_cut_t *cut)
{
    free(cut);
}

size_t simdisk_cut_units(const simdisk_cut_t *cut)
{
    return cut->units;
}

bool simdisk_cut_truncates(const simdisk_cut_t *cut, size_t unit)
{
    (void)cut;
    (void)unit;
    return false;
}

bool simdisk_cut_growth(const simdisk_cut_t *cut, int part)
{
    (void)cut;
    (void)part;
    return false;
}

/* Of each object's queue a beginning. */
static void keep_some(water_t *water, const client_t *client, const uint8_t *keep)
{
    for (size_t i = 0; i < client->count; i++) {
        bool kept = keep == NULL || keep[i] != SIMDISK_LOST;
        for (size_t j = 0; j < i && kept; j++)
            kept = keep == NULL || keep[j] != SIMDISK_LOST ||
                   strcmp(client->queue[i].change->object, client->queue[j].change->object) != 0;
        if (kept)
            (void)water_change(water, client->queue[i].change);
    }
}

static simdisk_t *left_by_crash(const simdisk_t *disk, const uint8_t *keep)
{
    pond_t *pond = pond_new();
    water_copy(&pond->water, &disk->pond->water);
    pond->random = disk->pond->random;
    keep_some(&pond->water, disk->client, keep);
    return disk_over(pond);
}

uint64_t simdisk_cut_hash(simdisk_cut_t *cut, const uint8_t *keep, const simdisk_fill_t fill[2])
{
    water_t water;
    (void)fill;
    water_copy(&water, &cut->disk->pond->water);
    keep_some(&water, cut->disk->client, keep);
    uint64_t hash = simdisk_mix(water_hash(&water, false), 0);
    water_free(&water);
    return hash;
}

simdisk_t *simdisk_cut_build(simdisk_cut_t *cut, const uint8_t *keep, const simdisk_fill_t fill[2])
{
    (void)fill;
    return left_by_crash(cut->disk, keep);
}

simdisk_t *simdisk_kill(const simdisk_t *disk)
{
    return left_by_crash(disk, NULL);
}

/* --- what files show --- */

/* The objects in a row, as the format has it: read here by another rule than the storage's own. */
static uint8_t *file_bytes(const simdisk_t *disk, const char *partition, const char *name, uint64_t *size)
{
    char object[256];
    char key[64];
    const water_t *water = &disk->pond->water;
    (void)snprintf(object, sizeof object, "disk:%s", partition);
    (void)snprintf(key, sizeof key, "n:%s", name);
    const object_t *names = water_find(water, object);
    const char *value = names == NULL ? NULL : words_get(&names->keys, key);
    uint8_t *bytes = simdisk_need(calloc(1, 1));
    *size = 0;
    if (value == NULL) {
        free(bytes);
        return NULL;
    }
    (void)snprintf(object, sizeof object, "disk:%s:%.16s.%08x", partition, value, 0u);
    const object_t *head = water_find(water, object);
    const char *chunks = head == NULL ? NULL : words_get(&head->attributes, SEGJ_RADOS_CHUNKS);
    uint64_t end = chunks == NULL ? 0 : strtoull(chunks, NULL, 16);
    for (unsigned i = 0; i < end; i++) {
        (void)snprintf(object, sizeof object, "disk:%s:%.16s.%08x", partition, value, i);
        const object_t *found = water_find(water, object);
        if (found == NULL || found->size == 0)
            continue;
        uint64_t until = (uint64_t)i * POND_CHUNK + found->size;
        bytes = simdisk_need(realloc(bytes, (size_t)until + 1));
        memset(bytes + *size, 0, (size_t)(until - *size));
        memcpy(bytes + (size_t)i * POND_CHUNK, found->bytes, found->size);
        *size = until;
    }
    return bytes;
}

const uint8_t *simdisk_visible(simdisk_t *disk, const char *partition, const char *name, uint64_t *size)
{
    uint8_t **shown = strcmp(partition, "index") == 0 ? &disk->shown : &disk->shown_beside;
    free(*shown);
    *shown = file_bytes(disk, partition, name, size);
    return *shown;
}

bool simdisk_stat(const simdisk_t *disk, const char *partition, const char *name, uint64_t *size, uint64_t *hash)
{
    uint8_t *bytes = file_bytes(disk, partition, name, size);
    if (bytes == NULL)
        return false;
    *hash = *size;
    for (size_t i = 0; i < *size; i++)
        *hash = simdisk_mix(*hash, bytes[i]);
    free(bytes);
    return true;
}
