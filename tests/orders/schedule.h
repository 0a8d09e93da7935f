/*
 * orders/schedule.h: plays what several threads do in every order, within a bound, without sleeping. One thread runs at
 * a time; before it takes a lock, waits, or calls the storage to write or to sync, the schedule decides who goes on. It
 * remembers its decisions and tries the others next time, until none is left. For programs with
 *     LINK_WRAP: pthread_mutex_lock pthread_mutex_trylock pthread_mutex_unlock pthread_cond_wait pthread_cond_broadcast
 *     LINK_WRAP: segj_park_wait segj_park_wait_for segj_process_time segj_process_sleep
 *     LINK_WRAP: segj_gate_enter segj_gate_try segj_gate_leave segj_gate_leave_for_long segj_gate_is_wanted
 *     LINK_WRAP: segj_word_sleep segj_word_sleep_for segj_word_wake
 * in their first lines.
 *
 * A thread that could go on and is held back counts as a preemption; orders with more of them than the bound are left
 * out (Musuvathi and Qadeer, Iterative context bounding for systematic testing of multithreaded programs, 2007). Choices
 * behind a thread that has to wait are free.
 */
#ifndef TESTS_ORDERS_SCHEDULE_H
#define TESTS_ORDERS_SCHEDULE_H

#include "segjournal/storage.h"
#include "support/support.h"

enum { SCHEDULE_ACTORS = 4 };

typedef struct schedule_play {
    const char *name;
    int actors;
    int preemptions;
    void (*begin)(void *context); /* by the test's own thread: everything anew */
    void (*act)(void *context, int actor);
    void (*end)(void *context); /* when all have ended */
    void *context;
    bool within_gates; /* what happens within a gate is played, too: else it is a lock as others */
} schedule_play_t;

/** Plays it in every order; gives their number. Where no thread can go on, it prints what has happened and fails. */
uint64_t schedule_explore(const schedule_play_t *play);
/** How often an actor has given a gate up for long, in all orders so far. */
uint64_t schedule_leaves_for_long(void);
/** For a complaint of an actor: fails the test, with what has happened in this order. */
void schedule_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/** A step of an actor's own: others may go on. */
void schedule_step(const char *what);
/** Between these an actor's locks and waits are its own: others do not run. */
void schedule_pause(void);
void schedule_resume(void);
/** `storage`, whose writes and syncs of files are steps. One at a time. */
const segj_storage_t *schedule_storage(const segj_storage_t *below);
/** The `number`th of the calls to come is answered with `code` and does not happen; 0: none. */
void schedule_refuse_write(uint32_t number, int code);
void schedule_refuse_sync(uint32_t number, int code);
/** Syncs of files since the order began. */
uint32_t schedule_syncs(void);

#endif
