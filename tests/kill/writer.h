/*
 * kill/writer.h: a process that writes a journal until it is killed, with threads that read beside it. What it does,
 * and what it has been told, it keeps in memory that it shares with its parent: a store that was made before the kill
 * is there behind it.
 */
#ifndef KILL_WRITER_H
#define KILL_WRITER_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "crash/model.h"

#define LEDGER_NOTES 24

typedef struct ledger {
    model_t states[2]; /* one is being written while the other counts */
    atomic_uint current;
    atomic_uint_fast64_t version; /* goes up each time another one counts */
    atomic_uint opened;           /* the journal was opened, and judged */
    atomic_uint_fast64_t operations, reads;
    char wrong[1024];
    char notes[LEDGER_NOTES][80]; /* the last calls, note number n at n % LEDGER_NOTES */
    unsigned noted;
} ledger_t;

/** What a writer is to do. */
typedef struct order {
    const char *directory;
    uint64_t setting; /* of the journal */
    uint64_t seed;
    pid_t parent;
    unsigned call;       /* it kills itself before this changing call of the storage; 0: it does not */
    unsigned operations; /* so many, and then it kills itself, or */
    int report;          /* writes a byte here, and goes on; -1: kills itself */
} order_t;

/** Never comes back. Exits only when something is wrong. */
_Noreturn void writer_run(const order_t *order, ledger_t *ledger);

/** One of the settings that there are. The journals 0, 2, 4 ... of a run have new sections of version 2 of the native format;
 *  in every other of those half of the opens make sections of version 1 all the same. */
uint64_t writer_setting(uint64_t random, uint64_t journal);
void writer_config(oversized_config_t *config, const char *directory, uint64_t setting);
/** The model of a journal that nobody has made yet. */
model_t writer_model(uint64_t setting);
extern const uint64_t writer_numbers[MODEL_SECTIONS];

/** The model that counts. */
const model_t *ledger_model(ledger_t *ledger);
void ledger_set(ledger_t *ledger, const model_t *model);
/** The same, while the writer goes on. */
void ledger_copy(ledger_t *ledger, model_t *model);

#endif
