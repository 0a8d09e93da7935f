/* rados/rados_lock.c: taking and renewing the locks of partitions (rados_lease.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rados/rados_batch.h"
#include "rados/rados_lease.h"

/* Others raise the epoch, too. */
#define EPOCH_TRIES 16
/* Seconds of a lock that nobody renews. */
#define UNRENEWED 3600

/* --- taking over --- */

/* Keys of one kind. */
struct keys {
    segj_rados_key_t *found;
    size_t count;
    size_t room;
};

static int gather(void *argument, const char *key, const char *value)
{
    struct keys *keys = argument;
    (void)value;
    if (strlen(key) != sizeof *keys->found - 1)
        return EIO;
    if (keys->count == keys->room) {
        size_t room = keys->room == 0 ? 16 : keys->room * 2;
        segj_rados_key_t *larger = realloc(keys->found, room * sizeof *larger);
        if (larger == NULL)
            return ENOMEM;
        keys->found = larger;
        keys->room = room;
    }
    memcpy(keys->found[keys->count++], key, sizeof *keys->found);
    return 0;
}

/* Does a thing about each file of a kind of key, and removes the keys. */
static int about_each(segj_rados_lease_t *lease, const char *kind, const char *epoch)
{
    segj_rados_t *store = lease->store;
    struct keys keys = {0};
    int code = store->seam.keys(store->seam.context, lease->object, kind, gather, &keys);
    for (size_t i = 0; i < keys.count && code == 0; i++) {
        const char *id = keys.found[i] + 2;
        code = kind[0] == 'w' ? segj_rados_fence(store, lease->object, id, epoch)
                              : segj_rados_sweep(store, lease->object, id);
        if (code != 0)
            break;
        const char *names[] = {keys.found[i], NULL};
        segj_rados_change_t change = {
            .object = lease->object, .compare[0] = {.name = SEGJ_RADOS_EPOCH, .value = epoch}, .keys_removed = names};
        code = store->seam.change(store->seam.context, &change);
    }
    free(keys.found);
    return code;
}

/* A higher epoch, which a former owner's changes of the partition itself do not pass. */
static int raise_epoch(segj_rados_lease_t *lease, segj_rados_digits_t epoch)
{
    const segj_rados_seam_t *seam = &lease->store->seam;
    int code = ECANCELED;
    for (int i = 0; i < EPOCH_TRIES && code == ECANCELED; i++) {
        char before[SEGJ_RADOS_VALUE];
        uint64_t number = 0;
        code = segj_rados_lease_named(lease);
        if (code == 0)
            code = seam->get(seam->context, lease->object, SEGJ_RADOS_EPOCH, before);
        if (code == 0)
            code = segj_rados_number(before, &number);
        if (code != 0)
            return code;
        segj_rados_digits(epoch, number + 1);
        const segj_rados_change_t change = {
            .object = lease->object,
            .compare = {{.name = SEGJ_RADOS_ID, .value = lease->id}, {.name = SEGJ_RADOS_EPOCH, .value = before}},
            .set[0] = {SEGJ_RADOS_EPOCH, epoch}};
        code = seam->change(seam->context, &change);
    }
    return code;
}

/* First the partition, which ends openings for writing, then the files that were open for it. */
static int take_over(segj_rados_lease_t *lease, segj_rados_digits_t epoch)
{
    int code = raise_epoch(lease, epoch);
    if (code == 0)
        code = about_each(lease, SEGJ_RADOS_WRITTEN, epoch);
    return code == 0 ? about_each(lease, SEGJ_RADOS_DROPPED, epoch) : code;
}

static int see_one(void *argument, const char *key, const char *value)
{
    (void)key;
    (void)value;
    *(bool *)argument = true;
    return EEXIST;
}

/* A reader may meet files that a killed owner had open for writing, whose last changes may still be under way. A
 * reader that may not write does without. */
static int quieten(segj_rados_lease_t *lease, segj_rados_digits_t epoch)
{
    bool written = false;
    int code =
        lease->store->seam.keys(lease->store->seam.context, lease->object, SEGJ_RADOS_WRITTEN, see_one, &written);
    if (!written)
        return code;
    code = take_over(lease, epoch);
    return code == EPERM || code == EACCES || code == ECANCELED ? 0 : code;
}

/* --- locks --- */

static int ask_for_lock(segj_rados_lease_t *lease, bool exclusive, bool renew, bool must)
{
    const segj_rados_t *store = lease->store;
    uint32_t seconds = store->lock_seconds > 0 ? store->lock_seconds : UNRENEWED;
    return store->seam.lock(store->seam.context, lease->object, lease->cookie, exclusive, seconds, renew, must);
}

/* A lock makes an object where there is none: then the partition was removed just before. */
static void remove_ghost(segj_rados_lease_t *lease)
{
    const segj_rados_change_t change = {
        .object = lease->object, .compare[0] = {.name = SEGJ_RADOS_ID, .value = ""}, .remove = true};
    (void)lease->store->seam.change(lease->store->seam.context, &change);
}

/* Of a lock that was taken, also in the place of a shared one, and is of no use: nobody renews it any more. */
static void give_back(segj_rados_lease_t *lease)
{
    segj_lock(&lease->store->mutex);
    lease->held = SEGJ_RADOS_SHARED;
    segj_unlock(&lease->store->mutex);
    (void)segj_rados_lease_unlock(lease);
}

static int take(segj_rados_lease_t *lease, bool exclusive)
{
    int code = segj_rados_lease_named(lease);
    if (code != 0)
        return code == ENOENT ? ESTALE : code;
    code = ask_for_lock(lease, exclusive, true, false);
    if (code != 0)
        return code == EBUSY ? EWOULDBLOCK : code;
    code = segj_rados_lease_named(lease);
    if (code == 0)
        return 0;
    give_back(lease);
    if (code == ENOENT)
        remove_ghost(lease);
    return code == ENOENT ? ESTALE : code;
}

/* Starts the renewals with the first lock. With the mutex. */
static int list_lease(segj_rados_lease_t *lease)
{
    segj_rados_t *store = lease->store;
    if (store->lock_seconds > 0 && !store->renews) {
        int code = segj_thread_start(&store->renewer, segj_rados_renew, store);
        if (code != 0)
            return code;
        store->renews = true;
    }
    if (!lease->listed) {
        lease->next = store->leases;
        store->leases = lease;
        lease->listed = true;
    }
    return 0;
}

int segj_rados_lease_lock(segj_rados_lease_t *lease, bool exclusive)
{
    segj_rados_t *store = lease->store;
    segj_rados_digits_t epoch;
    segj_lock(&store->mutex);
    segj_rados_held_t held = lease->held;
    bool lost = lease->code != 0;
    memcpy(epoch, lease->epoch, sizeof epoch);
    segj_unlock(&store->mutex);
    if (held == SEGJ_RADOS_EXCLUSIVE && exclusive && !lost)
        return segj_rados_lease_named(lease) == 0 ? 0 : ESTALE;
    int code = held == SEGJ_RADOS_EXCLUSIVE ? segj_rados_lease_unlock(lease) : 0;
    if (code == 0)
        code = take(lease, exclusive);
    if (code != 0)
        return code;
    code = exclusive ? take_over(lease, epoch) : quieten(lease, epoch);
    segj_lock(&store->mutex);
    if (code == 0)
        code = list_lease(lease);
    if (code == 0) {
        lease->held = exclusive ? SEGJ_RADOS_EXCLUSIVE : SEGJ_RADOS_SHARED;
        lease->code = 0;
        memcpy(lease->epoch, epoch, sizeof epoch);
    }
    segj_unlock(&store->mutex);
    if (code != 0)
        give_back(lease);
    if (code == ECANCELED) /* another opener was quicker */
        return EWOULDBLOCK;
    return code == ENOENT ? ESTALE : code;
}

/* --- renewing --- */

/* ECANCELED: there has been another owner, or there is another partition. */
static int look_for_successor(segj_rados_lease_t *lease, bool exclusive, const segj_rados_digits_t epoch)
{
    const segj_rados_seam_t *seam = &lease->store->seam;
    char found[SEGJ_RADOS_VALUE];
    int code = segj_rados_lease_named(lease);
    if (code != 0)
        return code == ENOENT || code == ESTALE ? ECANCELED : code;
    if (!exclusive)
        return 0;
    code = seam->get(seam->context, lease->object, SEGJ_RADOS_EPOCH, found);
    return code == 0 && strcmp(found, epoch) != 0 ? ECANCELED : code;
}

/* Where the lock has run out and nobody else has been there since, which the epoch tells, it is taken again. The epoch is
 * looked at before too: a successor whose own lock has just run out must not meet this one's. */
static int renew(segj_rados_lease_t *lease, bool exclusive, const segj_rados_digits_t epoch)
{
    const segj_rados_seam_t *seam = &lease->store->seam;
    int code = ask_for_lock(lease, exclusive, true, true);
    if (code != ENOENT)
        return code;
    code = look_for_successor(lease, exclusive, epoch);
    if (code == 0)
        code = ask_for_lock(lease, exclusive, true, false);
    if (code == EBUSY)
        return ECANCELED;
    if (code == 0)
        code = look_for_successor(lease, exclusive, epoch);
    else
        return code;
    if (code == ECANCELED)
        (void)seam->unlock(seam->context, lease->object, lease->cookie);
    return code;
}

/* With the mutex, which is given up meanwhile. What fails otherwise is tried again with the next tick. */
static void renew_one(segj_rados_lease_t *lease)
{
    segj_rados_t *store = lease->store;
    segj_rados_digits_t epoch;
    bool exclusive = lease->held == SEGJ_RADOS_EXCLUSIVE;
    memcpy(epoch, lease->epoch, sizeof epoch);
    lease->busy = true;
    segj_unlock(&store->mutex);
    int code = renew(lease, exclusive, epoch);
    segj_lock(&store->mutex);
    lease->busy = false;
    if (code == ECANCELED && strcmp(epoch, lease->epoch) == 0 && lease->code == 0)
        lease->code = ECANCELED;
    segj_wake_all(&store->changed);
}

static void wait_for_tick(segj_rados_t *store)
{
    struct timespec until;
    long part = (long)store->lock_seconds * 1000 / 3; /* milliseconds */
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += part / 1000;
    until.tv_nsec += part % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    bool early = true;
    while (!store->ends && early)
        early = segj_wait_until(&store->tick, &store->mutex, &until);
}

/* Others may take leases off the list while one is renewed: the list is begun anew after each, up to those that were. */
void *segj_rados_renew(void *argument)
{
    segj_rados_t *store = argument;
    segj_lock(&store->mutex);
    while (!store->ends) {
        wait_for_tick(store);
        size_t count = 0;
        for (segj_rados_lease_t *lease = store->leases; lease != NULL; lease = lease->next)
            count++;
        for (size_t i = 0; i < count && !store->ends; i++) {
            segj_rados_lease_t *lease = store->leases;
            for (size_t j = 0; j < i && lease != NULL; j++)
                lease = lease->next;
            if (lease == NULL)
                break;
            if (lease->code == 0)
                renew_one(lease);
        }
    }
    segj_unlock(&store->mutex);
    return NULL;
}
