/* rados/rados_batch.c: see the header. */
#include "rados/rados_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Changes under way at a time. */
#define AT_ONCE 64

struct batch;

struct piece {
    struct batch *batch;
    segj_rados_change_t change;
    segj_rados_name_t object;
    uint64_t number;
    int code;
    bool flies;
};

struct batch {
    segj_rados_t *store;
    const char *partition;
    const char *id;
    const char *epoch;
    bool remove; /* else they are stamped */
    bool empty;  /* and emptied */
    unsigned flying;
    int code;
};

static void piece_done(void *argument, int code)
{
    struct piece *piece = argument;
    segj_rados_t *store = piece->batch->store;
    segj_lock(&store->mutex);
    piece->code = code;
    piece->flies = false;
    piece->batch->flying--;
    segj_wake_all(&store->changed);
    segj_unlock(&store->mutex);
}

static void describe(struct piece *piece, uint64_t number)
{
    const struct batch *batch = piece->batch;
    piece->number = number;
    segj_rados_chunk_name(piece->object, batch->partition, batch->id, number);
    piece->change = (segj_rados_change_t){.object = piece->object, .remove = batch->remove};
    if (batch->epoch != NULL)
        piece->change.compare[0] =
            (segj_rados_compare_t){.name = SEGJ_RADOS_EPOCH, .value = batch->epoch, .at_most = true};
    if (!batch->remove)
        piece->change.set[0] = (segj_rados_pair_t){SEGJ_RADOS_EPOCH, batch->epoch};
    piece->change.truncate = batch->empty; /* to nothing */
}

/* A stamp: whatever comes late and makes the object meets it. */
static int make_stamped(const struct batch *batch, const char *object, const char *chunks)
{
    segj_rados_change_t change = {.object = object, .create = true, .set[0] = {SEGJ_RADOS_EPOCH, batch->epoch}};
    if (chunks != NULL)
        change.set[1] = (segj_rados_pair_t){SEGJ_RADOS_CHUNKS, chunks};
    return batch->store->seam.change(batch->store->seam.context, &change);
}

/* Of a piece that has ended. An object that is missing has nothing to be removed; to be stamped it is made. */
static void judge(struct batch *batch, struct piece *piece)
{
    int code = piece->code;
    if (code == ENOENT)
        code = batch->remove ? 0 : make_stamped(batch, piece->object, NULL);
    if (code == EEXIST) /* made since: by a change that came just before */
        code = batch->store->seam.change(batch->store->seam.context, &piece->change);
    if (batch->code == 0)
        batch->code = code;
}

static void wait_for(struct piece *piece)
{
    segj_rados_t *store = piece->batch->store;
    segj_lock(&store->mutex);
    while (piece->flies)
        segj_rados_wait(store);
    segj_unlock(&store->mutex);
}

static int start(struct piece *piece, uint64_t number)
{
    struct batch *batch = piece->batch;
    segj_rados_t *store = batch->store;
    describe(piece, number);
    segj_lock(&store->mutex);
    piece->flies = true;
    batch->flying++;
    int code = store->seam.start(store->seam.context, &piece->change, piece_done, piece);
    if (code != 0) {
        piece->flies = false;
        batch->flying--;
    }
    segj_unlock(&store->mutex);
    return code;
}

/* From the last number to the first. */
static int run(struct batch *batch, uint64_t from, uint64_t to)
{
    if (from >= to)
        return 0;
    size_t most = to - from < AT_ONCE ? (size_t)(to - from) : AT_ONCE;
    struct piece *pieces = calloc(most, sizeof *pieces);
    if (pieces == NULL)
        return ENOMEM;
    uint64_t started = 0;
    uint64_t judged = 0;
    for (; started < to - from && batch->code == 0; started++) {
        struct piece *piece = &pieces[started % most];
        if (started >= most) {
            wait_for(piece);
            judge(batch, piece);
            judged++;
        }
        piece->batch = batch;
        int code = start(piece, to - 1 - started);
        if (code != 0) {
            batch->code = code;
            break;
        }
    }
    for (; judged < started; judged++) {
        wait_for(&pieces[judged % most]);
        judge(batch, &pieces[judged % most]);
    }
    free(pieces);
    return batch->code;
}

int segj_rados_remove_chunks(segj_rados_t *store, const char *partition, const char *id, const char *epoch,
                             uint64_t from, uint64_t to)
{
    struct batch batch = {.store = store, .partition = partition, .id = id, .epoch = epoch, .remove = true};
    return run(&batch, from, to);
}

int segj_rados_empty_chunks(segj_rados_t *store, const char *partition, const char *id, const char *epoch,
                            uint64_t from, uint64_t to)
{
    struct batch batch = {.store = store, .partition = partition, .id = id, .epoch = epoch, .empty = true};
    return run(&batch, from, to);
}

int segj_rados_fence(segj_rados_t *store, const char *partition, const char *id, const char *epoch)
{
    struct batch batch = {.store = store, .partition = partition, .id = id, .epoch = epoch};
    struct piece head = {.batch = &batch};
    char chunks[SEGJ_RADOS_VALUE];
    char one[SEGJ_RADOS_VALUE];
    uint64_t end = 0;
    uint64_t bound = 0;
    segj_rados_write_two(one, 1, 1);
    describe(&head, 0);
    int code = store->seam.change(store->seam.context, &head.change);
    if (code == ENOENT) { /* its maker has named it and come no further */
        code = make_stamped(&batch, head.object, one);
        if (code == EEXIST)
            code = store->seam.change(store->seam.context, &head.change);
    }
    if (code == 0)
        code = store->seam.get(store->seam.context, head.object, SEGJ_RADOS_CHUNKS, chunks);
    if (code == 0)
        code = segj_rados_read_two(chunks, &end, &bound);
    return code == 0 ? run(&batch, 1, bound) : code;
}

int segj_rados_sweep(segj_rados_t *store, const char *partition, const char *id)
{
    segj_rados_name_t head;
    char chunks[SEGJ_RADOS_VALUE];
    uint64_t end = 0;
    uint64_t bound = 0;
    segj_rados_chunk_name(head, partition, id, 0);
    int code = store->seam.get(store->seam.context, head, SEGJ_RADOS_CHUNKS, chunks);
    if (code == ENOENT)
        return 0;
    if (code == 0)
        code = segj_rados_read_two(chunks, &end, &bound);
    if (code == 0)
        code = segj_rados_remove_chunks(store, partition, id, NULL, 1, bound);
    return code == 0 ? segj_rados_remove_chunks(store, partition, id, NULL, 0, 1) : code;
}
