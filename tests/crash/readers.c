/*
 * crash/readers.c: see the header.
 */
#include "crash/readers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/script.h"

#define THREADS 2
#define READS_A_STEP 8
#define READS_AHEAD 24 /* that may be left when the writer goes on */
#define SERIALS 65536

typedef struct home {
    uint32_t id;
    uint16_t slot, position;
} home_t;

struct readers {
    pthread_mutex_t lock; /* what follows, but for the atomics */
    model_t model;
    uint64_t epoch; /* odd: a step moves records */
    home_t homes[SERIALS];
    char wrong[1024];
    pthread_mutex_t pace; /* the next three */
    pthread_cond_t paced;
    int due; /* reads that the writer has granted */
    bool stop;
    atomic_uint_fast64_t reads;
    oversized_t *journal;
    pthread_t threads[THREADS];
    bool running;
    uint64_t seed;
    unsigned started;
};

/** A place to look at, and what was there when it was chosen. */
typedef struct glance {
    size_t slot;
    uint64_t number, position, epoch;
    uint32_t id; /* 0: nothing that is known */
} glance_t;

static void lock(readers_t *readers)
{
    if (pthread_mutex_lock(&readers->lock) != 0)
        abort();
}

static void unlock(readers_t *readers)
{
    if (pthread_mutex_unlock(&readers->lock) != 0)
        abort();
}

static void complain(readers_t *readers, const glance_t *glance, const char *what, segj_status_t status, uint32_t found)
{
    lock(readers);
    if (readers->wrong[0] == '\0')
        (void)snprintf(readers->wrong, sizeof readers->wrong,
                       "a reader of section %llu, record %llu, where %u is: %s: %s, record %u: %s",
                       (unsigned long long)glance->number, (unsigned long long)glance->position, (unsigned)glance->id,
                       what, segj_status_name(status), (unsigned)found, status == SEGJ_OK ? "" : segj_last_error());
    unlock(readers);
}

static glance_t choose(readers_t *readers, uint64_t random)
{
    glance_t glance = {0};
    lock(readers);
    glance.slot = (size_t)(random % MODEL_SECTIONS);
    for (size_t i = 0; i < MODEL_SECTIONS && readers->model.sections[glance.slot].count == 0; i++)
        glance.slot = (glance.slot + 1) % MODEL_SECTIONS;
    const model_section_t *section = &readers->model.sections[glance.slot];
    glance.number = model_number(&readers->model, glance.slot);
    glance.position = section->count > 0 ? (random >> 8) % section->count : 0;
    glance.epoch = readers->epoch;
    if (section->count > 0)
        glance.id = section->ids[glance.position];
    unlock(readers);
    return glance;
}

/* Whether nothing can have moved since the choice. */
static bool is_steady(readers_t *readers, const glance_t *glance)
{
    lock(readers);
    bool steady = glance->epoch % 2 == 0 && readers->epoch == glance->epoch && glance->id != 0;
    unlock(readers);
    return steady;
}

static bool was_there(readers_t *readers, const glance_t *glance, uint32_t id)
{
    lock(readers);
    home_t home = readers->homes[id & (SERIALS - 1)];
    unlock(readers);
    return id != 0 && home.id == id && home.slot == glance->slot && home.position == glance->position;
}

/* `value` NULL: only the entry was read. */
static void judge(readers_t *readers, const glance_t *glance, const char *what, segj_status_t status,
                  const uint8_t *entry, const segj_buffer_t *value, uint8_t *expected)
{
    bool steady = is_steady(readers, glance);
    if (status != SEGJ_OK) {
        bool explained = status == SEGJ_ERR_PRUNED || status == SEGJ_ERR_NO_SECTION || status == SEGJ_ERR_NO_RECORD ||
                         status == SEGJ_ERR_IO || status == SEGJ_END;
        if (steady || !explained)
            complain(readers, glance, what, status, 0);
        return;
    }
    uint32_t id = model_entry_id(entry);
    if (steady ? id != glance->id : !was_there(readers, glance, id))
        complain(readers, glance, what, status, id);
    if (value == NULL)
        return;
    size_t size = model_value(id, expected, MODEL_VALUE_MAX);
    if (value->size != size || (size > 0 && memcmp(value->data, expected, size) != 0))
        complain(readers, glance, "a foreign value", status, id);
}

static void walk(readers_t *readers, glance_t glance)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    uint8_t entry[MODEL_ENTRY];
    segj_status_t status = oversized_replay_open(readers->journal, glance.number, glance.position, 256, &replay);
    for (int i = 0; i < 4 && status == SEGJ_OK; i++) {
        status = oversized_replay_next(replay, &item);
        if (i == 0 && (status != SEGJ_OK || item.section == glance.number)) {
            if (status == SEGJ_OK)
                memcpy(entry, item.entry, sizeof entry);
            judge(readers, &glance, "replay", status, entry, NULL, NULL);
        }
    }
    if (replay == NULL)
        judge(readers, &glance, "replay_open", status, entry, NULL, NULL);
    oversized_replay_close(replay);
}

static void look(readers_t *readers, uint64_t random, segj_buffer_t *value, uint8_t *expected)
{
    glance_t glance = choose(readers, random);
    uint8_t entry[MODEL_ENTRY];
    oversized_location_t location;
    segj_status_t status;
    switch (random >> 32 & 7) {
    case 0:
        if (glance.id != 0)
            walk(readers, glance);
        return;
    case 1:
        status = oversized_get(readers->journal, glance.number, glance.position, entry, &location);
        if (glance.id != 0)
            judge(readers, &glance, "get", status, entry, NULL, NULL);
        return;
    default:
        status = oversized_read(readers->journal, glance.number, glance.position, entry, value);
        if (glance.id != 0)
            judge(readers, &glance, "read", status, entry, value, expected);
    }
}

typedef struct worker {
    readers_t *readers;
    uint64_t seed;
} worker_t;

/* Readers go with the writer's steps, so that what they cost does not depend on the machine. False: the end. */
static bool may_read(readers_t *readers)
{
    if (pthread_mutex_lock(&readers->pace) != 0)
        abort();
    while (readers->due == 0 && !readers->stop)
        (void)pthread_cond_wait(&readers->paced, &readers->pace);
    bool go = !readers->stop;
    if (go && --readers->due <= READS_AHEAD)
        (void)pthread_cond_broadcast(&readers->paced);
    (void)pthread_mutex_unlock(&readers->pace);
    return go;
}

static void *work(void *argument)
{
    worker_t worker = *(worker_t *)argument;
    readers_t *readers = worker.readers;
    segj_buffer_t value = {0};
    uint8_t *expected = malloc(MODEL_VALUE_MAX + 8);
    free(argument);
    if (expected == NULL)
        abort();
    for (uint64_t i = 1; may_read(readers); i++) {
        look(readers, script_mix(worker.seed, i), &value, expected);
        atomic_fetch_add(&readers->reads, 1);
    }
    free(expected);
    segj_buffer_free(&value);
    return NULL;
}

readers_t *readers_new(uint64_t seed)
{
    readers_t *readers = calloc(1, sizeof *readers);
    if (readers == NULL || pthread_mutex_init(&readers->lock, NULL) != 0 ||
        pthread_mutex_init(&readers->pace, NULL) != 0 || pthread_cond_init(&readers->paced, NULL) != 0)
        abort();
    readers->seed = seed;
    return readers;
}

void readers_free(readers_t *readers)
{
    if (readers == NULL)
        return;
    readers_stop(readers);
    (void)pthread_mutex_destroy(&readers->lock);
    (void)pthread_mutex_destroy(&readers->pace);
    (void)pthread_cond_destroy(&readers->paced);
    free(readers);
}

void readers_start(readers_t *readers, oversized_t *journal, const model_t *model)
{
    readers->journal = journal;
    readers->model = *model;
    readers->epoch = 0;
    for (size_t slot = 0; slot < MODEL_SECTIONS; slot++)
        for (size_t i = 0; i < model->sections[slot].count; i++)
            readers_note(readers, model->sections[slot].ids[i], slot, i);
    readers->stop = false;
    readers->due = READS_A_STEP;
    for (unsigned i = 0; i < THREADS; i++) {
        worker_t *worker = malloc(sizeof *worker);
        if (worker == NULL)
            abort();
        *worker = (worker_t){readers, script_mix(readers->seed, ++readers->started)};
        if (pthread_create(&readers->threads[i], NULL, work, worker) != 0)
            abort();
    }
    readers->running = true;
}

void readers_stop(readers_t *readers)
{
    if (!readers->running)
        return;
    if (pthread_mutex_lock(&readers->pace) != 0)
        abort();
    readers->stop = true;
    (void)pthread_cond_broadcast(&readers->paced);
    (void)pthread_mutex_unlock(&readers->pace);
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(readers->threads[i], NULL);
    readers->running = false;
}

void readers_before(readers_t *readers, bool moves)
{
    lock(readers);
    if (moves && readers->epoch % 2 == 0)
        readers->epoch++;
    unlock(readers);
}

void readers_after(readers_t *readers, const model_t *model)
{
    lock(readers);
    readers->model = *model;
    if (readers->epoch % 2 != 0)
        readers->epoch++;
    unlock(readers);
}

void readers_note(readers_t *readers, uint32_t id, size_t slot, size_t position)
{
    lock(readers);
    readers->homes[id & (SERIALS - 1)] = (home_t){id, (uint16_t)slot, (uint16_t)position};
    unlock(readers);
}

void readers_pace(readers_t *readers)
{
    if (!readers->running)
        return;
    if (pthread_mutex_lock(&readers->pace) != 0)
        abort();
    readers->due += READS_A_STEP;
    (void)pthread_cond_broadcast(&readers->paced);
    while (readers->due > READS_AHEAD)
        (void)pthread_cond_wait(&readers->paced, &readers->pace);
    (void)pthread_mutex_unlock(&readers->pace);
}

const char *readers_wrong(readers_t *readers)
{
    lock(readers);
    const char *wrong = readers->wrong[0] != '\0' ? readers->wrong : NULL;
    unlock(readers);
    return wrong;
}

uint64_t readers_reads(readers_t *readers)
{
    return atomic_load(&readers->reads);
}
