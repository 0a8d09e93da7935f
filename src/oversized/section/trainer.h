/*
 * oversized/section/trainer.h: trains the dictionary of sections to come from one that is being written, by a thread of
 * the journal's own, where the configuration asks for it (auto_dictionary). A sync asks for that once its section holds
 * enough, and does not wait. A section gets the dictionary that is there when it is made: no append waits for one.
 */
#ifndef SEGJ_OVERSIZED_SECTION_TRAINER_H
#define SEGJ_OVERSIZED_SECTION_TRAINER_H

#include <stdatomic.h>

#include "base/thread.h"
#include "journal/shared.h"

/** Trains a dictionary from a section's values; *ending: it may give up. */
typedef segj_status_t segj_train_t(oversized_t *journal, uint64_t section, size_t size, const atomic_bool *ending,
                                   segj_buffer_t *dictionary);

typedef enum segj_trainer_state {
    SEGJ_TRAINER_UNMADE, /* there is no thread yet */
    SEGJ_TRAINER_FREE,   /* it waits for a section */
    SEGJ_TRAINER_ASKED,  /* it has one */
    SEGJ_TRAINER_ENDING, /* it is asked to end */
    SEGJ_TRAINER_ENDED   /* it could not be made, or has ended for good */
} segj_trainer_state_t;

typedef struct segj_trainer {
    size_t size;         /* of dictionaries, the configuration's; 0: nothing below is used */
    segj_train_t *train; /* read/train.h */
    segj_mutex_t lock;
    segj_cond_t asked;
    segj_trainer_state_t state; /* under the lock, as these: */
    segj_thread_t thread;
    uint64_t section; /* which it is to look at */
    atomic_bool ending;
} segj_trainer_t;

/** False: no memory, and nothing to free. */
bool segj_trainer_init(segj_trainer_t *trainer);
void segj_trainer_free(segj_trainer_t *trainer); /**< the thread has ended */

/** Asks for a dictionary from a section; where the thread is at work nothing happens. False: that was so. */
bool segj_trainer_ask(oversized_t *journal, uint64_t section);

/** Ends the thread, if there is one, and waits for that; without locks. for_good: there will be none again. */
void segj_trainer_stop(segj_trainer_t *trainer, bool for_good);

#endif
