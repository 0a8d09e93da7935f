/* rados/rados_flight.c: changes of a file's objects that are under way (rados_node.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rados/rados_node.h"

/* What may be under way at a time, of all files: librados itself blocks at 100 MiB, and at 1024. */
#define FLYING_BYTES ((uint64_t)64 << 20)
#define FLYING_MOST 768
/* Objects that a large file may have beyond its last one, so that nobody waits for the bound to be raised. */
#define LEAD_LEAST 4
#define LEAD_MOST 16

/** A change that is under way. Its data lie behind it. */
struct segj_rados_flight {
    segj_rados_flight_t *previous, *next;
    segj_rados_node_t *node;
    segj_rados_lease_t *lease;
    uint64_t sequence;
    uint64_t number;   /* the object's */
    uint64_t raise_to; /* the bound that it sets, 0: none */
    segj_rados_change_t change;
    segj_rados_name_t object;
    segj_rados_digits_t epoch;
    char chunks[SEGJ_RADOS_VALUE];
    unsigned char data[];
};

static void take_off(segj_rados_flight_t *flight)
{
    segj_rados_node_t *node = flight->node;
    if (flight->previous != NULL)
        flight->previous->next = flight->next;
    else
        node->first = flight->next;
    if (flight->next != NULL)
        flight->next->previous = flight->previous;
    else
        node->last = flight->previous;
    node->store->flying_bytes -= flight->change.size;
    node->store->flying--;
}

static void end_flight(segj_rados_flight_t *flight)
{
    segj_rados_lease_drop(flight->lease);
    segj_rados_node_drop(flight->node);
    free(flight);
}

/* An object that is missing, or is there against expectation, is another owner's doing, or a removal's: what it was is asked
 * when somebody wants to know. */
static int fail(const segj_rados_flight_t *flight, int code)
{
    if (code == ENOENT || code == EEXIST)
        return ESTALE;
    return segj_rados_lease_failed(flight->lease, code);
}

static void landed(void *argument, int code)
{
    segj_rados_flight_t *flight = argument;
    segj_rados_node_t *node = flight->node;
    segj_rados_t *store = node->store;
    segj_lock(&store->mutex);
    take_off(flight);
    if (flight->raise_to > 0) {
        node->raising = false;
        if (code == 0)
            node->bound = flight->raise_to;
    }
    if (code != 0 && node->code == 0)
        node->code = fail(flight, code);
    end_flight(flight);
    segj_wake_all(&store->changed);
    segj_unlock(&store->mutex);
}

/* With the mutex, so that changes of one object are started in their order. */
static int start(segj_rados_flight_t *flight)
{
    segj_rados_node_t *node = flight->node;
    segj_rados_t *store = node->store;
    node->references++;
    segj_rados_lease_keep(flight->lease);
    flight->sequence = ++node->started;
    flight->previous = node->last;
    if (node->last != NULL)
        node->last->next = flight;
    else
        node->first = flight;
    node->last = flight;
    store->flying_bytes += flight->change.size;
    store->flying++;
    int code = store->seam.start(store->seam.context, &flight->change, landed, flight);
    if (code != 0) {
        take_off(flight);
        end_flight(flight);
    }
    return code;
}

static segj_rados_flight_t *make(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t number, size_t size)
{
    segj_rados_flight_t *flight = malloc(sizeof *flight + size);
    if (flight == NULL)
        return NULL;
    memset(flight, 0, sizeof *flight);
    flight->node = node;
    flight->lease = lease;
    flight->number = number;
    segj_rados_chunk_name(flight->object, node->partition, node->id, number);
    memcpy(flight->epoch, lease->epoch, sizeof flight->epoch);
    flight->change.object = flight->object;
    return flight;
}

static void compare_epoch(segj_rados_flight_t *flight)
{
    flight->change.compare[0] =
        (segj_rados_compare_t){.name = SEGJ_RADOS_EPOCH, .value = flight->epoch, .at_most = true};
}

/* The object is made with it where it is known to be missing: who was fenced meets one that the next owner has made. */
static void describe(segj_rados_flight_t *flight)
{
    segj_rados_node_t *node = flight->node;
    if (node->known[flight->number] != SEGJ_RADOS_NONE) {
        compare_epoch(flight);
        return;
    }
    flight->change.create = true;
    flight->change.set[0] = (segj_rados_pair_t){SEGJ_RADOS_EPOCH, flight->epoch};
    if (flight->number == 0) {
        segj_rados_write_two(flight->chunks, 1, 1);
        flight->change.set[1] = (segj_rados_pair_t){SEGJ_RADOS_CHUNKS, flight->chunks};
    }
}

static bool has_room(const segj_rados_t *store, size_t size)
{
    return store->flying == 0 || (store->flying_bytes + size <= FLYING_BYTES && store->flying < FLYING_MOST);
}

int segj_rados_node_start(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t number, uint64_t offset,
                          const segj_slice_t *slices, size_t count, size_t size, bool truncate)
{
    while (!has_room(node->store, size))
        segj_rados_wait(node->store);
    int code = lease->code != 0 ? lease->code : node->code;
    if (code != 0)
        return code;
    segj_rados_flight_t *flight = make(node, lease, number, size);
    if (flight == NULL)
        return ENOMEM;
    size_t filled = 0;
    for (size_t i = 0; i < count && filled < size; i++) {
        size_t part = slices[i].size < size - filled ? slices[i].size : size - filled;
        if (part > 0)
            memcpy(flight->data + filled, slices[i].data, part);
        filled += part;
    }
    describe(flight);
    flight->change.truncate = truncate;
    flight->change.size_set = offset;
    flight->change.offset = truncate ? 0 : offset;
    flight->change.data = flight->data;
    flight->change.size = size;
    node->generation++;
    code = start(flight);
    if (code == 0)
        node->known[number] = SEGJ_RADOS_OURS;
    return code;
}

uint64_t segj_rados_lead(uint64_t number)
{
    return number + LEAD_LEAST < LEAD_MOST ? number + LEAD_LEAST : LEAD_MOST;
}

int segj_rados_node_raise(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t number, bool wait)
{
    uint64_t bound = number + 1 + segj_rados_lead(number);
    int code = lease->code != 0 ? lease->code : node->code;
    if (!segj_rados_node_make_known(node, bound))
        return ENOMEM;
    if (!node->raising && code == 0) {
        segj_rados_flight_t *flight = make(node, lease, 0, 0);
        if (flight == NULL)
            return ENOMEM;
        compare_epoch(flight);
        segj_rados_write_two(flight->chunks, bound, bound);
        flight->change.set[0] = (segj_rados_pair_t){SEGJ_RADOS_CHUNKS, flight->chunks};
        flight->raise_to = bound;
        node->raising = true;
        code = start(flight);
        if (code != 0)
            node->raising = false;
    }
    while (wait && node->raising && code == 0) {
        segj_rados_wait(node->store);
        code = lease->code != 0 ? lease->code : node->code;
    }
    return code;
}

static bool is_under_way(const segj_rados_node_t *node, uint64_t number, uint64_t sequence)
{
    for (const segj_rados_flight_t *flight = node->first; flight != NULL && flight->sequence <= sequence;
         flight = flight->next)
        if (number == UINT64_MAX || flight->number == number)
            return true;
    return false;
}

void segj_rados_node_settle(segj_rados_node_t *node, uint64_t number)
{
    uint64_t sequence = node->started;
    while (is_under_way(node, number, sequence))
        segj_rados_wait(node->store);
}
