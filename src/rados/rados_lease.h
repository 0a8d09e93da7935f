/*
 * rados/rados_lease.h: who may change a partition: locks with a duration, which a thread renews, and epochs, which the
 * cluster compares in every change.
 */
#ifndef SEGJ_RADOS_LEASE_H
#define SEGJ_RADOS_LEASE_H

#include "rados/rados_store.h"

/** Of a partition that is there: ENOENT. */
int segj_rados_lease_make(segj_rados_t *store, const char *object, segj_rados_lease_t **lease);
/** With the mutex. */
void segj_rados_lease_keep(segj_rados_lease_t *lease);
void segj_rados_lease_drop(segj_rados_lease_t *lease);

/** Whether the partition that is there is this one: 0, ENOENT, ESTALE. Without the mutex. */
int segj_rados_lease_named(segj_rados_lease_t *lease);

/** EWOULDBLOCK, ESTALE. An exclusive one comes with a higher epoch: what former owners may still change is refused to
 *  them. Without the mutex. */
int segj_rados_lease_lock(segj_rados_lease_t *lease, bool exclusive);
int segj_rados_lease_unlock(segj_rados_lease_t *lease);
/** The partition is closed: gives the lock back. */
void segj_rados_lease_detach(segj_rados_lease_t *lease);

/** Changes the partition itself, comparing id and epoch: ECANCELED where the lock is lost, EEXIST where the comparison of the
 *  key fails, ENOENT where the partition is gone. Fills in the rest of `change`. Without the mutex. */
int segj_rados_lease_change(segj_rados_lease_t *lease, segj_rados_change_t *change);

/** A key has served; it is removed with others. Without the mutex. */
void segj_rados_lease_idle(segj_rados_lease_t *lease, const char *kind, const char *id);

/** A key is made again: it is not removed with others. Without the mutex. */
void segj_rados_lease_wanted(segj_rados_lease_t *lease, const char *key);

/** Notes how a change with this epoch has failed, and gives what its caller is told. With the mutex. */
int segj_rados_lease_failed(segj_rados_lease_t *lease, int code);
/** Looks whether an object that is missing was removed by another owner: ECANCELED, else ESTALE. Without the mutex. */
int segj_rados_lease_missed(segj_rados_lease_t *lease);

/** Looks whether there has been another owner until now, whose lock is exclusive: ECANCELED. Without the mutex. */
int segj_rados_lease_prove(segj_rados_lease_t *lease);

/** The thread that renews. */
void *segj_rados_renew(void *argument);

#endif
