/*
 * journal/owner.h: who has the journal open, said in a file of the index partition (FORMAT.md, "Owner"). Locks may fail
 * to exclude: two mounts of one directory, two machines. So a writer claims the journal, behind the locks and before it
 * looks at anything, by writing a token that no other opener has; and before it changes a file, and before it
 * acknowledges, it reads the token back. Another one's there means that somebody else has claimed the journal since:
 * this one is poisoned.
 *
 * DESIGN.md, "Owners", says what this keeps from being lost, and what it does not.
 */
#ifndef SEGJ_JOURNAL_OWNER_H
#define SEGJ_JOURNAL_OWNER_H

#include <stdatomic.h>

#include "storage/io.h"

#define SEGJ_OWNER_SIZE 96
#define SEGJ_OWNER_NAME ".owner"

typedef struct segj_env segj_env_t;

typedef struct segj_owner {
    segj_guard_t guard;  /* of both partitions */
    segj_io_file_t file; /* pinned for good; not open: there is none, or none is needed */
    atomic_bool claimed; /* the file says so; set under the change lock */
    bool wanted;         /* it is to say so */
    bool made;           /* by this opener */
    bool tried;          /* its bytes may have been written */
    atomic_bool used; /* a change of a section's file or name was allowed: others cannot go on as if nothing had been */
    bool contended;   /* somebody else has its lock */
    bool lost;        /* somebody else's token was found; under state */
    uint64_t size_before;
    size_t before_size; /* of what the file held: to be put back where the open is refused */
    uint8_t before[SEGJ_OWNER_SIZE];
    uint8_t token[SEGJ_OWNER_SIZE];
} segj_owner_t;

/** Claims the journal: behind the locks of both partitions, before anything in them is looked at. That there is no room
 *  for the token is no failure. SEGJ_ERR_LOCKED: another view of the directory, or another machine, has it open. */
SEGJ_MUST_CHECK segj_status_t segj_owner_claim(segj_env_t *env);

/** Has a reader hold a lock that keeps writers out, where there is a file for it. */
SEGJ_MUST_CHECK segj_status_t segj_owner_share(segj_env_t *env);

/** Whether the journal is still this opener's; poisons it otherwise. Any thread, without the state lock. */
SEGJ_MUST_CHECK segj_status_t segj_owner_check(segj_env_t *env);

/** Claims it now where there was no room for the token before. Under the change lock. */
SEGJ_MUST_CHECK segj_status_t segj_owner_claim_again(segj_env_t *env);

/** A refused open: puts the file back as it was, byte for byte, unless the open has changed something else: what a former
 *  owner has in memory is no longer what the files hold then, and it is to find that out. */
void segj_owner_withdraw(segj_env_t *env);

/** Removes the file, behind everything else. */
SEGJ_MUST_CHECK segj_status_t segj_owner_remove(segj_env_t *env);

/** Closes the file. What it says is of no meaning afterwards. */
void segj_owner_close(segj_env_t *env);

#endif
