/*
 * base/guard.h: which lock a function wants held, said so that it is checked.
 *
 * When clang compiles (-Wthread-safety) it checks every call of a function that says SEGJ_UNDER_CHANGE,
 * SEGJ_UNDER_STATE or SEGJ_REQUIRES(lock): the caller has taken that lock, or says the same of itself.
 * SEGJ_WITHOUT_STATE and SEGJ_WITHOUT_LOCKS say that it has not. Other compilers see nothing of this.
 *
 * Clang compares the expressions that name a lock, and does not follow pointers: shared->state and
 * journal->shared.state would be two locks to it. So the two locks of a journal, `change` and `state`, have one name
 * each, whatever journal they belong to. That it is the right journal's lock, and this thread's, is checked when a
 * Debug build runs (segj_assert_held in base/thread.h and base/gate.h). A Release build has nothing of either.
 */
#ifndef SEGJ_BASE_GUARD_H
#define SEGJ_BASE_GUARD_H

#if defined(__clang__)
#define SEGJ_GUARD(what) __attribute__((what))
#else
#define SEGJ_GUARD(what)
#endif

/** A type that is a lock. */
#define SEGJ_LOCK_TYPE SEGJ_GUARD(capability("lock"))
/** Of a function: the caller has the lock. */
#define SEGJ_REQUIRES(lock) SEGJ_GUARD(requires_capability(lock))
/** The caller does not have it. */
#define SEGJ_EXCLUDES(lock) SEGJ_GUARD(locks_excluded(lock))
/** The function takes it, gives it back, or takes it where it returns `taken`. */
#define SEGJ_TAKES(lock) SEGJ_GUARD(acquire_capability(lock))
#define SEGJ_GIVES(lock) SEGJ_GUARD(release_capability(lock))
#define SEGJ_TRIES(lock, taken) SEGJ_GUARD(try_acquire_capability(taken, lock))
/** From this call on the thread counts as one that has the lock. */
#define SEGJ_ASSUMES(lock) SEGJ_GUARD(assert_capability(lock))
/** Clang cannot follow the locks of this function: a comment beside it says why. */
#define SEGJ_NO_THREAD_SAFETY_ANALYSIS SEGJ_GUARD(no_thread_safety_analysis)

#if defined(__clang__)
/* Names for clang alone, that no object defines. */
typedef struct SEGJ_LOCK_TYPE segj_role {
    int unused;
} segj_role_t;
extern const segj_role_t segj_role_change;
extern const segj_role_t segj_role_state;
#endif

/** The change lock of a journal (a gate): every change holds it. */
#define SEGJ_UNDER_CHANGE SEGJ_REQUIRES(segj_role_change)
/** The state lock of a journal (a segj_state_t): it guards what readers see. The function may give it up while the
 *  storage works, and has it again when it returns. */
#define SEGJ_UNDER_STATE SEGJ_REQUIRES(segj_role_state)
#define SEGJ_WITHOUT_STATE SEGJ_EXCLUDES(segj_role_state)
#define SEGJ_WITHOUT_LOCKS SEGJ_EXCLUDES(segj_role_change) SEGJ_EXCLUDES(segj_role_state)
/** Under the change lock, and without the state lock, which the function takes where it wants it. */
#define SEGJ_UNDER_CHANGE_ALONE SEGJ_UNDER_CHANGE SEGJ_WITHOUT_STATE

/* Who has a lock, for segj_assert_held(). Each thread has an errno of its own: its address tells threads apart. */
#if !defined(NDEBUG)
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct segj_holder {
    atomic_uintptr_t thread;
} segj_holder_t;
#define SEGJ_HOLDER segj_holder_t holder;

static inline void segj_holder_set(segj_holder_t *holder, bool held)
{
    atomic_store_explicit(&holder->thread, held ? (uintptr_t)&errno : 0, memory_order_relaxed);
}

static inline bool segj_holder_is_self(const segj_holder_t *holder)
{
    return atomic_load_explicit(&holder->thread, memory_order_relaxed) == (uintptr_t)&errno;
}

#define segj_note_held(lock, held) segj_holder_set(&(lock)->holder, held)
/** A Debug build ends here unless this thread holds the lock: a segj_mutex_t, segj_state_t or segj_gate_t. */
#define segj_assert_held(lock) assert(segj_holder_is_self(&(lock)->holder))
#else
#define SEGJ_HOLDER
#define segj_note_held(lock, held) ((void)0)
#define segj_assert_held(lock) ((void)0)
#endif

#endif
