/*
 * base/process.h: which process this is, and how an object tells the one that made it from a child of fork without a
 * call of the system: by a word in memory that the system shows to children as zeros.
 */
#ifndef SEGJ_BASE_PROCESS_H
#define SEGJ_BASE_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef atomic_uint_fast64_t segj_process_word_t;

/** The process's number. A call of the system. */
int64_t segj_process_id(void);

/** Nanoseconds of a clock that never goes back: no two processes that follow each other see the same. */
uint64_t segj_process_time(void);

/** Waits that many nanoseconds, or less where a signal comes. */
void segj_process_sleep(uint64_t nanoseconds);

/** Lets threads run that wait for this processor. */
void segj_process_yield(void);

/** Makes such a word, 0 at first; NULL where the system has none, or no memory. */
segj_process_word_t *segj_process_word_make(void);
void segj_process_word_free(segj_process_word_t *word); /**< NULL is fine */

#endif
