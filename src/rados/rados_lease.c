/* rados/rados_lease.c: see the header. Here: making, ending, changes, and what went wrong. */
#include "rados/rados_lease.h"
#include "rados/rados_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int segj_rados_lease_make(segj_rados_t *store, const char *object, segj_rados_lease_t **lease)
{
    const segj_rados_seam_t *seam = &store->seam;
    char id[SEGJ_RADOS_VALUE];
    char epoch[SEGJ_RADOS_VALUE];
    uint64_t cookie = 0;
    segj_rados_lease_t *made = calloc(1, sizeof *made);
    if (made == NULL)
        return ENOMEM;
    int code = seam->get(seam->context, object, SEGJ_RADOS_ID, id);
    if (code == 0)
        code = seam->get(seam->context, object, SEGJ_RADOS_EPOCH, epoch);
    if (code == 0)
        code = seam->random(seam->context, &cookie);
    if (code == 0 && (strlen(id) != SEGJ_RADOS_DIGITS - 1 || strlen(epoch) != SEGJ_RADOS_DIGITS - 1))
        code = EIO;
    if (code != 0) {
        free(made);
        return code == ENODATA ? ENOENT : code; /* what a lock has made of a removed one */
    }
    made->store = store;
    made->references = 1;
    made->attached = true;
    memcpy(made->object, object, strlen(object) + 1);
    memcpy(made->id, id, sizeof made->id);
    memcpy(made->epoch, epoch, sizeof made->epoch);
    segj_rados_digits(made->cookie, cookie);
    *lease = made;
    return 0;
}

void segj_rados_lease_keep(segj_rados_lease_t *lease)
{
    lease->references++;
}

void segj_rados_lease_drop(segj_rados_lease_t *lease)
{
    if (--lease->references == 0)
        free(lease);
}

int segj_rados_lease_named(segj_rados_lease_t *lease)
{
    const segj_rados_seam_t *seam = &lease->store->seam;
    char id[SEGJ_RADOS_VALUE];
    int code = seam->get(seam->context, lease->object, SEGJ_RADOS_ID, id);
    if (code == ENODATA)
        return ENOENT;
    if (code == 0 && strcmp(id, lease->id) != 0)
        return ESTALE;
    return code;
}

/* --- what went wrong --- */

/* Codes after which it is known that nothing was done. */
static bool is_definite(int code)
{
    return code == ENOSPC || code == EDQUOT || code == ENOMEM || code == ENOENT || code == EEXIST || code == EPERM ||
           code == EACCES || code == EROFS;
}

int segj_rados_lease_failed(segj_rados_lease_t *lease, int code)
{
    if (lease->code == 0 && !is_definite(code))
        lease->code = code;
    return lease->code != 0 ? lease->code : code;
}

/* Why a comparison has failed, and the epoch there is. */
static int look_at_epoch(segj_rados_lease_t *lease, segj_rados_digits_t found)
{
    const segj_rados_seam_t *seam = &lease->store->seam;
    char epoch[SEGJ_RADOS_VALUE];
    int code = segj_rados_lease_named(lease);
    if (code == 0)
        code = seam->get(seam->context, lease->object, SEGJ_RADOS_EPOCH, epoch);
    if (code == 0)
        memcpy(found, epoch, sizeof(segj_rados_digits_t));
    return code;
}

int segj_rados_lease_missed(segj_rados_lease_t *lease)
{
    segj_rados_digits_t found;
    int code = look_at_epoch(lease, found);
    segj_lock(&lease->store->mutex);
    if (code == 0 && strcmp(found, lease->epoch) != 0)
        lease->code = ECANCELED;
    code = lease->code != 0 ? lease->code : ESTALE;
    segj_unlock(&lease->store->mutex);
    return code;
}

int segj_rados_lease_prove(segj_rados_lease_t *lease)
{
    segj_rados_digits_t found;
    int code = look_at_epoch(lease, found);
    segj_lock(&lease->store->mutex);
    if (code == ENOENT || code == ESTALE || (code == 0 && strcmp(found, lease->epoch) != 0))
        code = ECANCELED;
    if (code == ECANCELED && lease->code == 0)
        lease->code = code;
    code = lease->code != 0 ? lease->code : code;
    segj_unlock(&lease->store->mutex);
    return code;
}

/* Of a change that a comparison has refused: another owner, another partition under the name, or the key. Who holds no lock
 * is no owner, and goes on with the number there is: *again. */
static int refused(segj_rados_lease_t *lease, const segj_rados_digits_t tried, bool *again)
{
    segj_rados_digits_t found;
    int code = look_at_epoch(lease, found);
    if (code != 0)
        return code == ESTALE ? ENOENT : code;
    if (strcmp(found, tried) == 0)
        return EEXIST;
    segj_lock(&lease->store->mutex);
    if (lease->held == SEGJ_RADOS_EXCLUSIVE)
        code = lease->code = ECANCELED;
    else
        memcpy(lease->epoch, found, sizeof lease->epoch);
    segj_unlock(&lease->store->mutex);
    *again = code == 0;
    return code;
}

static int change_it(segj_rados_lease_t *lease, segj_rados_change_t *change, int tries)
{
    segj_rados_t *store = lease->store;
    bool again = true;
    int code = 0;
    for (int i = 0; i < tries && again; i++) {
        segj_rados_digits_t epoch;
        again = false;
        segj_lock(&store->mutex);
        code = lease->code;
        memcpy(epoch, lease->epoch, sizeof epoch);
        segj_unlock(&store->mutex);
        if (code != 0)
            return code;
        change->object = lease->object;
        change->compare[0] = (segj_rados_compare_t){.name = SEGJ_RADOS_ID, .value = lease->id};
        change->compare[1] = (segj_rados_compare_t){.name = SEGJ_RADOS_EPOCH, .value = epoch};
        code = store->seam.change(store->seam.context, change);
        if (code == ECANCELED) {
            code = tries == 1 ? code : refused(lease, epoch, &again);
        } else if (code != 0) {
            segj_lock(&store->mutex);
            code = segj_rados_lease_failed(lease, code);
            segj_unlock(&store->mutex);
        }
    }
    return again ? EBUSY : code; /* others come and go */
}

int segj_rados_lease_change(segj_rados_lease_t *lease, segj_rados_change_t *change)
{
    return change_it(lease, change, 8);
}

/* --- keys that have served --- */

/* Whether it marks a file that is being opened again while another thread closes it. */
static bool is_wanted(const segj_rados_lease_t *lease, const char *key)
{
    const segj_rados_node_t *node = segj_rados_node_find(lease->store, lease->object, key + 2);
    return strncmp(key, SEGJ_RADOS_WRITTEN, 2) == 0 && node != NULL && node->writers + node->marking > 0;
}

/* Removes those that there are. A failure leaves keys that the next owner finds, who has a little more to do. With the
 * mutex, which is given up. */
static void remove_idle(segj_rados_lease_t *lease)
{
    segj_rados_t *store = lease->store;
    segj_rados_key_t keys[SEGJ_RADOS_IDLE];
    const char *names[SEGJ_RADOS_IDLE + 1];
    segj_rados_change_t change = {.keys_removed = names};
    size_t count = 0;
    if (lease->removing)
        return;
    for (size_t i = 0; i < lease->idle_count; i++) {
        if (is_wanted(lease, lease->idle[i]))
            continue; /* its last writer says so again */
        memcpy(keys[count], lease->idle[i], sizeof *keys);
        names[count] = keys[count];
        count++;
    }
    names[count] = NULL;
    lease->idle_count = 0;
    if (count == 0)
        return;
    lease->removing = true;
    segj_unlock(&store->mutex);
    (void)change_it(lease, &change, 1); /* another owner has looked at them itself, and its own are not touched */
    segj_lock(&store->mutex);
    lease->removing = false;
    segj_wake_all(&store->changed);
}

static void wait_for_removal(segj_rados_lease_t *lease)
{
    while (lease->removing)
        segj_wait(&lease->store->changed, &lease->store->mutex);
}

void segj_rados_lease_idle(segj_rados_lease_t *lease, const char *kind, const char *id)
{
    segj_lock(&lease->store->mutex);
    while (lease->idle_count == SEGJ_RADOS_IDLE) { /* who has filled it may not have had its turn yet */
        wait_for_removal(lease);
        remove_idle(lease);
    }
    char *key = lease->idle[lease->idle_count++];
    memcpy(key, kind, 2);
    memcpy(key + 2, id, SEGJ_RADOS_DIGITS);
    if (!lease->attached || lease->idle_count == SEGJ_RADOS_IDLE) {
        wait_for_removal(lease);
        remove_idle(lease);
    }
    segj_unlock(&lease->store->mutex);
}

void segj_rados_lease_wanted(segj_rados_lease_t *lease, const char *key)
{
    segj_lock(&lease->store->mutex);
    wait_for_removal(lease);
    for (size_t i = 0; i < lease->idle_count; i++)
        if (strcmp(lease->idle[i], key) == 0)
            memmove(lease->idle[i--], lease->idle[--lease->idle_count], sizeof *lease->idle);
    segj_unlock(&lease->store->mutex);
}

int segj_rados_lease_unlock(segj_rados_lease_t *lease)
{
    segj_rados_t *store = lease->store;
    segj_lock(&store->mutex);
    wait_for_removal(lease);
    remove_idle(lease);
    while (lease->busy)
        segj_wait(&store->changed, &store->mutex);
    bool held = lease->held != SEGJ_RADOS_FREE;
    lease->held = SEGJ_RADOS_FREE;
    for (segj_rados_lease_t **at = &store->leases; *at != NULL; at = &(*at)->next) {
        if (*at == lease) {
            *at = lease->next;
            lease->listed = false;
            break;
        }
    }
    segj_unlock(&store->mutex);
    if (!held)
        return 0;
    int code = store->seam.unlock(store->seam.context, lease->object, lease->cookie);
    return code == ENOENT ? 0 : code; /* it has run out, or the partition is gone */
}

void segj_rados_lease_detach(segj_rados_lease_t *lease)
{
    segj_rados_t *store = lease->store;
    (void)segj_rados_lease_unlock(lease);
    segj_lock(&store->mutex);
    lease->attached = false;
    segj_rados_lease_drop(lease);
    segj_unlock(&store->mutex);
}
