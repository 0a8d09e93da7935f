/* rados/rados_node.c: see the header. Here: opening, sizes, the end. */
#include "rados/rados_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rados/rados_batch.h"

segj_rados_node_t *segj_rados_node_find(segj_rados_t *store, const char *partition, const char *id)
{
    segj_rados_node_t *node = store->nodes;
    while (node != NULL && (strcmp(node->id, id) != 0 || strcmp(node->partition, partition) != 0))
        node = node->next;
    return node;
}

int segj_rados_node_open(segj_rados_lease_t *lease, const char *value, segj_rados_node_t **node)
{
    segj_rados_t *store = lease->store;
    segj_rados_digits_t id;
    uint64_t number = 0;
    uint64_t chunk_size = 0;
    int code = segj_rados_read_two(value, &number, &chunk_size);
    if (code != 0 || chunk_size == 0)
        return EIO;
    segj_rados_digits(id, number);
    segj_rados_node_t *made = calloc(1, sizeof *made);
    if (made == NULL)
        return ENOMEM;
    segj_lock(&store->mutex);
    segj_rados_node_t *found = segj_rados_node_find(store, lease->object, id);
    if (found == NULL) {
        made->store = store;
        memcpy(made->partition, lease->object, sizeof made->partition);
        memcpy(made->id, id, sizeof made->id);
        made->chunk_size = chunk_size;
        made->next = store->nodes;
        store->nodes = made;
        found = made;
        made = NULL;
    }
    found->references++;
    segj_unlock(&store->mutex);
    free(made);
    *node = found;
    return 0;
}

void segj_rados_node_drop(segj_rados_node_t *node)
{
    segj_rados_t *store = node->store;
    if (--node->references > 0)
        return;
    segj_rados_node_t **at = &store->nodes;
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    if (node->removed) {
        segj_unlock(&store->mutex);
        (void)segj_rados_sweep(store, node->partition, node->id); /* else the next owner does it */
        segj_lock(&store->mutex);
    }
    free(node->known);
    free(node);
}

/* --- sizes --- */

static int ask_chunks(const segj_rados_node_t *node, uint64_t *end, uint64_t *bound)
{
    const segj_rados_seam_t *seam = &node->store->seam;
    segj_rados_name_t head;
    char chunks[SEGJ_RADOS_VALUE];
    segj_rados_chunk_name(head, node->partition, node->id, 0);
    int code = seam->get(seam->context, head, SEGJ_RADOS_CHUNKS, chunks);
    if (code == ENODATA)
        return EIO;
    return code == 0 ? segj_rados_read_two(chunks, end, bound) : code;
}

/* The last object that has bytes has the last ones. */
static int ask_size(const segj_rados_node_t *node, uint64_t end, uint64_t *size)
{
    const segj_rados_seam_t *seam = &node->store->seam;
    segj_rados_name_t object;
    for (uint64_t number = end; number-- > 0;) {
        uint64_t found = 0;
        segj_rados_chunk_name(object, node->partition, node->id, number);
        int code = seam->size(seam->context, object, &found);
        if (code != 0 && (code != ENOENT || number == 0))
            return code;
        if (code == 0 && found > 0) {
            *size = number * node->chunk_size + found;
            return 0;
        }
    }
    *size = 0;
    return 0;
}

int segj_rados_node_ask_size(segj_rados_node_t *node, uint64_t *size)
{
    uint64_t end = 0;
    uint64_t bound = 0;
    int code = ask_chunks(node, &end, &bound);
    return code == 0 ? ask_size(node, end, size) : code;
}

/* --- writers --- */

bool segj_rados_node_make_known(segj_rados_node_t *node, uint64_t count)
{
    if (count <= node->known_room)
        return true;
    uint64_t room = count + count / 2 + 16;
    uint8_t *larger = room <= SIZE_MAX ? realloc(node->known, (size_t)room) : NULL;
    if (larger == NULL)
        return false;
    memset(larger + node->known_room, SEGJ_RADOS_NONE, (size_t)(room - node->known_room));
    node->known = larger;
    node->known_room = room;
    return true;
}

/* Below the bound there may be objects of whoever wrote before. */
static void know_nothing(segj_rados_node_t *node, const segj_rados_digits_t epoch, uint64_t bound)
{
    memset(node->known, SEGJ_RADOS_NONE, (size_t)node->known_room);
    memset(node->known, SEGJ_RADOS_UNKNOWN, (size_t)bound);
    memcpy(node->epoch, epoch, sizeof node->epoch);
}

/* The first object of a file that was just named; a cut that was not ended is ended. Without the mutex. */
static int adopt(segj_rados_node_t *node, const char *epoch, uint64_t *bound, uint64_t *size)
{
    const segj_rados_seam_t *seam = &node->store->seam;
    segj_rados_name_t head;
    char chunks[SEGJ_RADOS_VALUE];
    uint64_t end = 0;
    segj_rados_chunk_name(head, node->partition, node->id, 0);
    segj_rados_write_two(chunks, 1, 1);
    int code = ask_chunks(node, &end, bound);
    if (code == ENOENT) {
        const segj_rados_change_t change = {
            .object = head, .create = true, .set = {{SEGJ_RADOS_EPOCH, epoch}, {SEGJ_RADOS_CHUNKS, chunks}}};
        code = seam->change(seam->context, &change);
        *bound = 1;
        *size = 0;
        return code == EEXIST ? ECANCELED : code;
    }
    if (code == 0)
        code = ask_size(node, end, size);
    if (code != 0 || end >= *bound)
        return code;
    code = segj_rados_empty_chunks(node->store, node->partition, node->id, epoch, end, *bound);
    segj_rados_write_two(chunks, *bound, *bound);
    const segj_rados_change_t change = {.object = head,
                                        .compare[0] = {.name = SEGJ_RADOS_EPOCH, .value = epoch, .at_most = true},
                                        .set = {{SEGJ_RADOS_EPOCH, epoch}, {SEGJ_RADOS_CHUNKS, chunks}}};
    return code == 0 ? seam->change(seam->context, &change) : code;
}

/* Another writer of this process may have done it meanwhile. */
int segj_rados_node_write(segj_rados_node_t *node, segj_rados_lease_t *lease, bool made)
{
    segj_rados_t *store = node->store;
    segj_rados_digits_t epoch;
    uint64_t bound = 1;
    uint64_t size = 0;
    int code = 0;
    memcpy(epoch, lease->epoch, sizeof epoch);
    if (node->writers == 0 && !made) {
        segj_unlock(&store->mutex);
        code = adopt(node, epoch, &bound, &size);
        segj_lock(&store->mutex);
    }
    if (code == 0 && node->writers == 0) {
        if (!segj_rados_node_make_known(node, bound + 2))
            return ENOMEM;
        know_nothing(node, epoch, made ? 0 : bound);
        node->bound = bound;
        node->inherited = made ? 0 : bound;
        node->size = size;
        node->code = 0;
        node->doubtful = UINT64_MAX;
        node->made += !made && size == 0 ? 1 : 0; /* the first object may have been missing */
    }
    if (code == 0)
        node->writers++;
    return code;
}

/* --- objects --- */

/* An object that may be there is stamped: from then on only owners that come later can take it away. */
static int stamp(segj_rados_node_t *node, const segj_rados_digits_t epoch, uint64_t number, bool *made)
{
    const segj_rados_seam_t *seam = &node->store->seam;
    segj_rados_name_t object;
    int code = EEXIST;
    segj_rados_chunk_name(object, node->partition, node->id, number);
    for (int i = 0; i < 4 && code == EEXIST; i++) {
        segj_rados_change_t change = {.object = object,
                                      .compare[0] = {.name = SEGJ_RADOS_EPOCH, .value = epoch, .at_most = true},
                                      .set[0] = {SEGJ_RADOS_EPOCH, epoch}};
        code = seam->change(seam->context, &change);
        if (code != ENOENT || number == 0)
            continue;
        change = (segj_rados_change_t){.object = object, .create = true, .set[0] = {SEGJ_RADOS_EPOCH, epoch}};
        code = seam->change(seam->context, &change);
        *made = code == 0;
    }
    return code;
}

int segj_rados_node_prepare(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t number)
{
    segj_rados_t *store = node->store;
    for (;;) {
        segj_rados_digits_t epoch;
        int code = lease->code != 0 ? lease->code : node->code;
        if (code == 0 && !segj_rados_node_make_known(node, number + 1))
            code = ENOMEM;
        if (code != 0)
            return code;
        if (strcmp(node->epoch, lease->epoch) != 0)
            know_nothing(node, lease->epoch, node->bound);
        if (number > 0 && number >= node->bound) {
            code = segj_rados_node_raise(node, lease, number, true);
        } else if (node->known[number] != SEGJ_RADOS_UNKNOWN) {
            return 0;
        } else {
            memcpy(epoch, lease->epoch, sizeof epoch);
            bool made = false;
            segj_unlock(&store->mutex);
            code = stamp(node, epoch, number, &made);
            segj_lock(&store->mutex);
            node->made += made ? 1 : 0;
            if (code == 0 && strcmp(epoch, node->epoch) == 0)
                node->known[number] = SEGJ_RADOS_OURS;
            else if (code != 0) /* a missing first object: as in rados_flight.c */
                code = code == ENOENT || code == EEXIST ? ESTALE : segj_rados_lease_failed(lease, code);
        }
        if (code != 0)
            return code;
    }
}

int segj_rados_node_cut(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t end)
{
    segj_rados_t *store = node->store;
    segj_rados_name_t head;
    segj_rados_digits_t epoch;
    char chunks[SEGJ_RADOS_VALUE];
    bool any = false;
    segj_rados_node_settle(node, UINT64_MAX);
    for (uint64_t number = end; number < node->bound && !any; number++)
        any = node->known[number] != SEGJ_RADOS_NONE;
    if (!any) /* what is above was never made */
        return 0;
    uint64_t bound = node->bound;
    uint64_t kept = node->inherited < bound ? node->inherited : bound; /* below this they are emptied */
    kept = kept > end ? kept : end;
    node->generation++;
    memcpy(epoch, lease->epoch, sizeof epoch);
    segj_rados_chunk_name(head, node->partition, node->id, 0);
    segj_rados_write_two(chunks, end, bound);
    segj_rados_change_t change = {.object = head,
                                  .compare[0] = {.name = SEGJ_RADOS_EPOCH, .value = epoch, .at_most = true},
                                  .set[0] = {SEGJ_RADOS_CHUNKS, chunks}};
    segj_unlock(&store->mutex);
    int code = store->seam.change(store->seam.context, &change);
    if (code == 0)
        code = segj_rados_empty_chunks(store, node->partition, node->id, epoch, end, kept);
    if (code == 0)
        code = segj_rados_remove_chunks(store, node->partition, node->id, epoch, kept, bound);
    segj_rados_write_two(chunks, kept, kept);
    if (code == 0)
        code = store->seam.change(store->seam.context, &change);
    segj_lock(&store->mutex);
    if (code != 0) {
        node->code = code == ENOENT || code == EEXIST ? ESTALE : segj_rados_lease_failed(lease, code);
        node->doubtful = 0;
        return node->code;
    }
    node->bound = kept;
    memset(node->known + end, SEGJ_RADOS_OURS, (size_t)(kept - end));
    memset(node->known + kept, SEGJ_RADOS_NONE, (size_t)(node->known_room - kept));
    return 0;
}
