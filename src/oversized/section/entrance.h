/*
 * oversized/section/entrance.h: what every public call does first. A handle has a badge that says what it is; its end
 * wipes the badge out, so that a handle that is used after its end is refused instead of led into locks that are gone.
 * A journal also knows the process that opened it: a child of fork is refused before any lock is looked at, because a
 * lock may be held there by a thread that the child does not have.
 *
 * A caller (oversized_caller_open) has a badge of its own: a call that is given one is made on the caller's journal,
 * and how it failed is left in the caller.
 *
 * What a journal's end frees is what it holds; the struct itself goes with its last reference, which its callers and
 * the handles made from it have, so that these find out safely that it has ended.
 */
#ifndef SEGJ_OVERSIZED_SECTION_ENTRANCE_H
#define SEGJ_OVERSIZED_SECTION_ENTRANCE_H

#include "base/error.h"
#include "base/process.h"
#include "segjournal/oversized.h"

/* Allocators write to the first bytes of what is given back to them; glibc to 32. */
#define SEGJ_BADGE_APART 64

typedef enum segj_badge {
    SEGJ_BADGE_ENDED = 0x656e6465,
    SEGJ_BADGE_JOURNAL = 0x6a6f7572,
    SEGJ_BADGE_CALLER = 0x63616c6c,
    SEGJ_BADGE_WRITER = 0x77726974,
    SEGJ_BADGE_READER = 0x72656164,
    SEGJ_BADGE_REPLAY = 0x7265706c,
    SEGJ_BADGE_FOLLOWER = 0x666f6c6c
} segj_badge_t;

/** The beginning of everything that a handle leads to. */
typedef struct segj_badged {
    uint8_t apart[SEGJ_BADGE_APART];
    volatile _Atomic(uint32_t)
        badge; /* a segj_badge_t; volatile, so that wiping it out before it is freed is no waste */
} segj_badged_t;

/** The beginning of a journal. */
typedef struct segj_entrance {
    segj_badged_t badged;
    const segj_process_word_t *word; /* says `token` in the process that opened it */
    uint64_t token;
    segj_process_word_t no_word; /* 0: `word` leads here where there is none */
    int64_t process;             /* that opened it */
    atomic_uint references;      /* its own, and one of each caller and of each handle made from it */
} segj_entrance_t;

/** A caller. */
typedef struct segj_caller {
    segj_badged_t badged;
    oversized_t *journal;
    atomic_uint references; /* its own, and one of each handle made through it */
    segj_error_t error;
} segj_caller_t;

/** The beginning of a handle that was made from a journal. */
typedef struct segj_lease {
    segj_badged_t badged;
    oversized_t *journal;
    segj_caller_t *caller; /* that it was made through, or NULL */
} segj_lease_t;

#if defined(__GNUC__) || defined(__clang__)
#define SEGJ_SELDOM(condition) __builtin_expect(!!(condition), 0)
#define SEGJ_COLD __attribute__((cold, noinline))
#else
#define SEGJ_SELDOM(condition) (condition)
#define SEGJ_COLD
#endif

static inline uint32_t segj_badge_of(const segj_badged_t *badged)
{
    return atomic_load_explicit(&badged->badge, memory_order_relaxed);
}

/** A journal that is open, in the process that opened it. A journal begins with its entrance. */
static inline bool segj_is_live(const oversized_t *journal)
{
    const segj_entrance_t *entrance = (const segj_entrance_t *)(const void *)journal;
    return entrance != NULL && segj_badge_of(&entrance->badged) == SEGJ_BADGE_JOURNAL &&
           atomic_load_explicit(entrance->word, memory_order_relaxed) == entrance->token;
}

/** What is no such journal: SEGJ_OK and a caller, *journal being the caller's; SEGJ_OK and none, where that it is
 *  this process's had to be asked of the system; or why the call is refused, which a caller is told. */
SEGJ_MUST_CHECK segj_status_t segj_enter(const char *call, oversized_t **journal, segj_caller_t **caller) SEGJ_COLD;

/** Leaves the thread's last error in the caller, where the status is one; gives it back. */
segj_status_t segj_deliver(segj_caller_t *caller, segj_status_t status) SEGJ_COLD;

/** Begins a public function that is given a journal, in a variable of that name; `call` is what it does then for a
 *  `caller`: the function's call of itself, mostly. */
#define SEGJ_ENTER(journal, call) SEGJ_ENTER_AS(__func__, journal, call)

/** The same in a function that has another name. */
#define SEGJ_ENTER_AS(name, journal, call)                                                                             \
    do {                                                                                                               \
        if (SEGJ_SELDOM(!segj_is_live(journal))) {                                                                     \
            segj_caller_t *caller = NULL;                                                                              \
            segj_status_t entered = segj_enter((name), &(journal), &caller);                                           \
            if (entered != SEGJ_OK)                                                                                    \
                return entered;                                                                                        \
            if (caller != NULL)                                                                                        \
                return segj_deliver(caller, (call));                                                                   \
        }                                                                                                              \
    } while (0)

/** The journal, or a caller's journal, for questions that need no lock, in a child too; NULL: it has
 *  ended. */
const oversized_t *segj_journal_of(const oversized_t *journal);

/** How a journal ends. */
typedef enum segj_ending {
    SEGJ_ENDING_HERE,  /* as it should */
    SEGJ_ENDING_CHILD, /* in a child of fork: what is in this process goes, and nothing else is touched */
    SEGJ_ENDING_TWICE  /* it has ended before; said */
} segj_ending_t;

/** Decides who ends a journal: from here on every other call is refused. Takes a caller's place, which is given. */
segj_ending_t segj_begin_ending(const char *call, oversized_t **journal, segj_caller_t **caller);

/** An ending that was refused: the journal is open to calls again. */
void segj_go_on(segj_entrance_t *entrance);

/** Makes the beginning of a journal, not yet open. */
void segj_entrance_init(segj_entrance_t *entrance);
/** Opens it to calls: `word`, which says what it says now in this process alone; NULL: the system must be asked. */
void segj_entrance_open(segj_entrance_t *entrance, const segj_process_word_t *word);
/** SEGJ_ERR_INVALID, with the process that opened it. */
segj_status_t segj_fail_child(const char *call, const oversized_t *journal, const char *what);
/** Gives a reference back; the last one frees the struct. */
void segj_journal_drop(oversized_t *journal);

/* Handles made from a journal. */
void segj_lease_take(segj_lease_t *lease, segj_badge_t badge, oversized_t *journal);
/** From now on the handle's failures are left in the caller. */
void segj_lease_bind(segj_lease_t *lease, segj_caller_t *caller);
/** Why a call of a handle is refused, a caller is told; SEGJ_OK where that had to be asked of the system. `what` is the
 *  handle's name in sentences. */
SEGJ_MUST_CHECK segj_status_t segj_lease_check(const segj_lease_t *lease, segj_badge_t badge, const char *what,
                                               const char *call) SEGJ_COLD;
/** Whether the handle is one whose memory may be looked at: a call of its end continues. NULL and one that has ended:
 *  not. */
bool segj_lease_ends(const segj_lease_t *lease, segj_badge_t badge);
/** Whether the journal is open, and this process's: what a handle has borrowed there is given back then. */
bool segj_lease_holds(const segj_lease_t *lease);
/** Ends the lease: the memory is about to be freed. */
void segj_lease_end(segj_lease_t *lease);

/** Begins a public function of a handle. */
static inline segj_status_t segj_lease_enter(const segj_lease_t *lease, segj_badge_t badge, const char *what,
                                             const char *call)
{
    if (SEGJ_SELDOM(lease == NULL))
        return segj_fail(SEGJ_ERR_INVALID, "%s: %s is NULL", call, what);
    if (SEGJ_SELDOM(segj_badge_of(&lease->badged) != (uint32_t)badge || !segj_is_live(lease->journal)))
        return segj_lease_check(lease, badge, what, call);
    return SEGJ_OK;
}

/** Ends it. */
static inline segj_status_t segj_lease_leave(const segj_lease_t *lease, segj_status_t status)
{
    return SEGJ_SELDOM(lease->caller != NULL) ? segj_deliver(lease->caller, status) : status;
}

#endif
