/*
 * journal/owner.h: who has the journal open, said in a file of the index partition, or, in the commonware format, whose
 * partitions hold nothing but sections, of a partition beside (FORMAT.md, "Owner"). Locks may fail to exclude: two
 * mounts of one directory, two machines. So a writer claims the journal, once it holds the locks and before it looks at
 * anything, by writing a token that no other opener has; and before it changes a file, and before it acknowledges, it
 * reads the token back. Another token there means that another opener has claimed the journal since: this one is
 * poisoned.
 *
 * DESIGN.md, "Owners", says what this keeps from being lost, and what it does not.
 */
#ifndef SEGJ_JOURNAL_OWNER_H
#define SEGJ_JOURNAL_OWNER_H

#include <stdatomic.h>

#include "base/guard.h"
#include "storage/io.h"

#define SEGJ_OWNER_SIZE 96
#define SEGJ_OWNER_NAME ".owner"

typedef struct segj_shared segj_shared_t;

typedef struct segj_owner {
    segj_guard_t guard;        /* of both partitions */
    segj_io_partition_t place; /* where the file lies: the index partition, not open here, or one of its own, open */
    char *place_name;          /* of that one; NULL: it is the index partition */
    bool place_made;           /* by this opener */
    segj_io_file_t file;       /* pinned for good; not open: there is none, or none is needed */
    atomic_bool claimed;       /* the file says so; set under the change lock */
    bool wanted;               /* it is to say so */
    bool made;                 /* by this opener */
    bool tried;                /* its bytes may have been written */
    bool seen;                 /* what it held before this opener is known: `before` */
    atomic_bool used;          /* a change of a section's file or name was allowed, which other openers must notice */
    bool contended;            /* another opener has its lock */
    bool lost;                 /* another opener's token was found; under state */
    uint64_t size_before;
    size_t before_size; /* of what the file held: to be put back where the open is refused */
    uint8_t before[SEGJ_OWNER_SIZE];
    uint8_t token[SEGJ_OWNER_SIZE];
} segj_owner_t;

/** Claims the journal, under the locks of both partitions and before anything in them is looked at. That there is no
 *  room for the token is no failure. SEGJ_ERR_LOCKED: another view of the directory, or another machine, has it
 *  open. */
SEGJ_MUST_CHECK segj_status_t segj_owner_claim(segj_shared_t *shared);

/** Has a reader hold a lock that keeps writers out, where there is a file for it. */
SEGJ_MUST_CHECK segj_status_t segj_owner_share(segj_shared_t *shared);

/** Whether the journal is still this opener's; poisons it otherwise. Any thread, without the state lock. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_owner_check(segj_shared_t *shared);

/** Claims it now where there was no room for the token before. Under the change lock. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_owner_claim_again(segj_shared_t *shared);

/** A refused open: puts the file back as it was, byte for byte, unless the open has changed something else: what a
 *  former owner has in memory is no longer what the files hold then, and it is to find that out. */
void segj_owner_withdraw(segj_shared_t *shared);

/** Removes the file, after everything else. */
SEGJ_MUST_CHECK segj_status_t segj_owner_remove(segj_shared_t *shared);

/** Closes the file. What it says is of no meaning afterwards. */
void segj_owner_close(segj_shared_t *shared);

#endif
