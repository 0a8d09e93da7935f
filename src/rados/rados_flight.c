/* rados/rados_flight.c: changes of a file's objects that are under way (rados_node.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rados/rados_node.h"

/* What may be under way at a time, of all files: librados itself blocks at 100 MiB, and at 1024. */
#define FLYING_BYTES ((uint64_t)64 << 20)
#define FLYING_MOST 768
/* Writes that follow each other are gathered up to whole multiples of this: the cluster is slow with pieces that begin and
 * end anywhere. A power of two, and no more than an object. */
#define GATHERED ((uint64_t)2 << 20)
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
    size_t room;       /* for data */
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

/* From the first byte that it was about on nothing is known; what lies below is as it was. */
static void note_failure(const segj_rados_flight_t *flight, int code)
{
    segj_rados_node_t *node = flight->node;
    uint64_t offset = flight->change.truncate ? flight->change.size_set : flight->change.offset;
    offset += flight->number * node->chunk_size;
    if (flight->change.size == 0 && !flight->change.truncate)
        offset = UINT64_MAX; /* an object without bytes, a bound */
    code = fail(flight, code);
    if (node->code == 0)
        node->code = code;
    node->doubtful = offset < node->doubtful ? offset : node->doubtful;
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
    if (code != 0)
        note_failure(flight, code);
    else if (flight->change.create)
        node->made++; /* not before: who asks now for the owner asks for none that is still under way */
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

/* --- gathering --- */

/* Starts what was gathered. A failure is the node's: the write that it belongs to has been taken. */
static void start_held(segj_rados_node_t *node)
{
    while (node->held != NULL && !has_room(node->store, node->held->change.size))
        segj_rados_wait(node->store);
    segj_rados_flight_t *flight = node->held;
    if (flight == NULL)
        return;
    node->held = NULL;
    flight->change.data = flight->data;
    describe(flight);
    node->generation++;
    uint64_t number = flight->number;
    uint64_t offset = number * node->chunk_size + flight->change.offset;
    int code = start(flight);
    if (code == 0) {
        node->known[number] = SEGJ_RADOS_OURS;
        return;
    }
    node->code = node->code == 0 ? code : node->code;
    node->doubtful = offset < node->doubtful ? offset : node->doubtful;
}

void segj_rados_node_push(segj_rados_node_t *node)
{
    start_held(node);
}

/* Where the piece that begins there has its end. */
static uint64_t gathered_end(const segj_rados_node_t *node, uint64_t offset)
{
    uint64_t whole = node->chunk_size < GATHERED ? node->chunk_size : GATHERED;
    return (offset / whole + 1) * whole;
}

static bool goes_on(const segj_rados_flight_t *held, const segj_rados_lease_t *lease, uint64_t number, uint64_t offset)
{
    return held->number == number && held->lease == lease && strcmp(held->epoch, lease->epoch) == 0 &&
           held->change.offset + held->change.size == offset;
}

/* Has what is gathered end at `offset` of the object, with room for more; else begins anew. NULL without memory. */
static segj_rados_flight_t *hold(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t number, uint64_t offset,
                                 size_t size)
{
    while (node->held != NULL && !goes_on(node->held, lease, number, offset))
        start_held(node); /* another thread may have begun one meanwhile */
    segj_rados_flight_t *held = node->held;
    size_t most = (size_t)(gathered_end(node, offset) - (held != NULL ? held->change.offset : offset));
    size_t wanted = (held != NULL ? held->change.size : 0) + size;
    wanted = wanted < most ? wanted : most;
    if (held != NULL && held->room >= wanted)
        return held;
    size_t room = wanted + wanted / 2 < most ? wanted + wanted / 2 : most;
    if (held == NULL) {
        held = make(node, lease, number, room);
        if (held == NULL)
            return NULL;
        held->change.offset = offset;
    } else {
        segj_rados_flight_t *larger = realloc(held, sizeof *held + room);
        if (larger == NULL)
            return NULL;
        held = larger;
        held->change.object = held->object;
    }
    held->room = room;
    node->held = held;
    return held;
}

/* Copies at most so many bytes of the slices, from `skip` on. */
static void gather(unsigned char *to, size_t size, const segj_slice_t *slices, size_t count, size_t skip)
{
    for (size_t i = 0; i < count && size > 0; i++) {
        size_t left = slices[i].size > skip ? slices[i].size - skip : 0;
        size_t part = left < size ? left : size;
        if (part > 0)
            memcpy(to, (const unsigned char *)slices[i].data + skip, part);
        skip = slices[i].size > skip ? 0 : skip - slices[i].size;
        to += part;
        size -= part;
    }
}

int segj_rados_node_start(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t number, uint64_t offset,
                          const segj_slice_t *slices, size_t count, size_t size)
{
    int code = lease->code != 0 ? lease->code : node->code;
    for (size_t done = 0; done < size && code == 0;) {
        segj_rados_flight_t *held = hold(node, lease, number, offset + done, size - done);
        if (held == NULL)
            return ENOMEM;
        size_t part = held->room - held->change.size < size - done ? held->room - held->change.size : size - done;
        gather(held->data + held->change.size, part, slices, count, done);
        held->change.size += part;
        done += part;
        node->generation++;
        if (held->change.offset + held->change.size == gathered_end(node, held->change.offset))
            start_held(node);
        code = lease->code != 0 ? lease->code : node->code;
    }
    return code;
}

int segj_rados_node_resize(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t number, bool truncate,
                           uint64_t size)
{
    start_held(node);
    int code = lease->code != 0 ? lease->code : node->code;
    if (code != 0)
        return code;
    segj_rados_flight_t *flight = make(node, lease, number, 0);
    if (flight == NULL)
        return ENOMEM;
    describe(flight);
    flight->change.truncate = truncate;
    flight->change.size_set = size;
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
    start_held(node);
    uint64_t sequence = node->started;
    while (is_under_way(node, number, sequence))
        segj_rados_wait(node->store);
}
