/*
 * failure/turns.h: two actors on one storage, in every order in which their calls of the storage can follow each other.
 *
 * Each actor is a thread that stops before every call of the storage (but for those that the other one cannot tell from
 * none: syncs of a storage in memory, closings of files). Whose call is made next is decided by the schedule alone, so
 * that a run is the same whenever it is made again. turns_all() makes runs until every order has been had: it goes back
 * to the last point at which the other actor could have been next. Orders that lead to the same point, the same bytes
 * and names in the storage and the same answers to both actors so far, go on in the same way, and are followed once.
 *
 * The storage is one in memory. Actors must not assert (they are not the test's thread): they keep what they were told,
 * and the judge looks at it.
 */
#ifndef TESTS_FAILURE_TURNS_H
#define TESTS_FAILURE_TURNS_H

#include "support/support.h"

typedef struct turns_play {
    /** Alone, before the actors begin; NULL: nothing. May assert. */
    void (*prepare)(void *context, const segj_storage_t *storage);
    /** What an actor does. */
    void (*act[2])(void *context, const segj_storage_t *storage);
    /** Alone, when both have ended. false, having printed why: the order of calls is printed, and the test fails. */
    bool (*judge)(void *context, const segj_storage_t *storage);
    void *context;
    /** Locks are granted to everybody. */
    bool locks_exclude_nobody;
} turns_play_t;

/** Plays all orders; gives the number of runs that it took. */
uint64_t turns_all(const turns_play_t *play);

/** Of the run that was made last: whether the actor wrote or cut something while `.owner` said what the other one had
 *  written there. */
bool turns_wrote_behind(int actor);

#endif
