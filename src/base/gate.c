/*
 * base/gate.c: see the header. What it holds to:
 *
 * A thread that leaves while others wait, with none in front of them, calls one of them. A thread steps back from the
 * front only while the gate is shut: then another thread is inside and will leave. So no thread sleeps at an open gate
 * without one in front of it.
 *
 * The one in front may be passed by others, but not for longer than GATE_PATIENCE and the stay of the thread that is in
 * then. (Go's mutex has its woken waiters compete in the same way, and hands over after a millisecond. That it pays to
 * keep most of a crowd asleep is from Dice, Malthusian locks, 2017.)
 */
#include "base/gate.h"

#if defined(__linux__)

#include <assert.h>
#include <stdint.h>

#include "base/park.h"
#include "base/process.h"

#if defined(__SANITIZE_THREAD__)
#define GATE_IS_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GATE_IS_WATCHED 1
#endif
#endif

/* ThreadSanitizer sees the order of memory accesses by itself. When told that this is a lock, it also reports locks
 * taken in a wrong order. */
#if defined(GATE_IS_WATCHED)
#include <sanitizer/tsan_interface.h>
#define gate_tell(what, gate, ...) __tsan_mutex_##what((gate), __VA_ARGS__)
#else
#define gate_tell(what, gate, ...) ((void)0)
#endif

/* The word. The one in front was called from sleep; it is still counted among those that wait. */
#define SHUT 1u
#define FRONT 2u
#define RESERVED 4u /* only the one in front shuts it */
#define ONE_WAITS 8u

/* How often a thread looks before it goes to sleep: about as long as sleeping and waking take. */
#define LOOKS 64
/* A gate is crowded when it was found shut so many times more often than open. */
#define CROWD 16
/* The one in front lets others pass while they pass faster than one in so many nanoseconds: at each hand-over the data
 * that the gate guards would have to move from one processor to another. */
#define SHORT UINT64_C(700)
/* Nanoseconds until the first look at whether they do, between the next ones, and until it waits no longer. */
#define MOMENT UINT64_C(2000)
#define NAP UINT64_C(100000)
#define GATE_PATIENCE UINT64_C(1000000)

bool segj_gate_init(segj_gate_t *gate)
{
    atomic_init(&gate->word, 0);
    atomic_init(&gate->call, 0);
    atomic_init(&gate->passed, 0);
    atomic_init(&gate->called, 0);
    atomic_init(&gate->crowd, 0);
    atomic_init(&gate->away, 0);
    gate->waited = 0;
    segj_note_held(gate, false);
    gate_tell(create, gate, 0);
    return true;
}

void segj_gate_destroy(segj_gate_t *gate)
{
    assert(atomic_load(&gate->word) == 0);
    gate_tell(destroy, gate, 0);
    (void)gate;
}

static void gate_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static unsigned gate_word(const segj_gate_t *gate)
{
    return atomic_load_explicit(&gate->word, memory_order_relaxed);
}

static unsigned gate_passed(const segj_gate_t *gate)
{
    return atomic_load_explicit(&gate->passed, memory_order_relaxed);
}

static bool gate_change(segj_gate_t *gate, unsigned from, unsigned to)
{
    return atomic_compare_exchange_weak_explicit(&gate->word, &from, to, memory_order_acquire, memory_order_relaxed);
}

/* By the thread that has just shut it. */
static void gate_count(segj_gate_t *gate)
{
    atomic_store_explicit(&gate->passed, gate_passed(gate) + 1, memory_order_relaxed);
}

static bool gate_shut(segj_gate_t *gate)
{
    unsigned word = gate_word(gate);
    if ((word & (SHUT | RESERVED)) != 0 ||
        !atomic_compare_exchange_strong_explicit(&gate->word, &word, word | SHUT, memory_order_acquire,
                                                 memory_order_relaxed))
        return false;
    gate_count(gate);
    return true;
}

/* By a thread that is in and had to wait: those that came in since the last such one found it open. */
static void note_crowd(segj_gate_t *gate)
{
    unsigned passed = gate_passed(gate);
    unsigned open = passed - gate->waited - 1;
    unsigned crowd = atomic_load_explicit(&gate->crowd, memory_order_relaxed);
    crowd = open < crowd ? crowd - open : 0;
    atomic_store_explicit(&gate->crowd, crowd < CROWD ? crowd + 1 : CROWD, memory_order_relaxed);
    gate->waited = passed;
}

/* Looks for a while whether it opens. */
static bool enter_soon(segj_gate_t *gate)
{
    if (atomic_load_explicit(&gate->crowd, memory_order_relaxed) == CROWD)
        return false;
    for (unsigned looks = 0; looks < LOOKS && (gate_word(gate) & RESERVED) == 0; looks++) {
        if ((gate_word(gate) & SHUT) == 0 && gate_shut(gate)) {
            note_crowd(gate);
            return true;
        }
        gate_relax();
    }
    return false;
}

/* Counts the thread among those that wait. False: it was open, and the thread is in. */
static bool join_the_waiting(segj_gate_t *gate)
{
    unsigned word;
    bool open;
    do {
        word = gate_word(gate);
        open = (word & (SHUT | RESERVED)) == 0;
    } while (!gate_change(gate, word, open ? word | SHUT : word + ONE_WAITS));
    if (open)
        gate_count(gate);
    return !open;
}

/* Afterwards the thread is the one in front. */
static void sleep_until_called(segj_gate_t *gate)
{
    unsigned called = 1;
    while (
        !atomic_compare_exchange_strong_explicit(&gate->call, &called, 0, memory_order_acquire, memory_order_relaxed)) {
        segj_word_sleep(&gate->call, 0);
        called = 1;
    }
}

/* By the one in front: it is in, unless the gate stays shut for long. */
static bool enter_from_front(segj_gate_t *gate)
{
    for (unsigned looks = 0; looks < LOOKS; looks++) {
        unsigned word = gate_word(gate);
        if ((word & SHUT) == 0 && gate_change(gate, word, ((word | SHUT) & ~(FRONT | RESERVED)) - ONE_WAITS)) {
            gate_count(gate);
            atomic_store_explicit(&gate->crowd, 0, memory_order_relaxed);
            gate->waited = gate_passed(gate);
            return true;
        }
        gate_relax();
    }
    return false;
}

/* The one in front goes back to sleep, so that whoever leaves calls; not where the gate has opened. */
static void step_back(segj_gate_t *gate)
{
    unsigned word;
    while (((word = gate_word(gate)) & SHUT) != 0) {
        if (gate_change(gate, word, word & ~FRONT)) {
            sleep_until_called(gate);
            return;
        }
    }
}

/* Looks at the clock alone: a look at the gate would take it from the processor where others pass. */
static uint64_t wait_a_moment(uint64_t begun)
{
    uint64_t now;
    while ((now = segj_process_time()) - begun < MOMENT)
        gate_relax();
    return now;
}

/* The one in front lets others pass, as long as they do so fast. */
static void let_pass(segj_gate_t *gate)
{
    unsigned away = atomic_load_explicit(&gate->away, memory_order_relaxed);
    unsigned from = gate_passed(gate);
    if (from == atomic_load_explicit(&gate->called, memory_order_relaxed))
        return; /* no thread has, since it was called */
    uint64_t begun = segj_process_time();
    uint64_t before = begun;
    uint64_t now = wait_a_moment(begun);
    while ((gate_passed(gate) - from) * SHORT > now - before) {
        if (now - begun > GATE_PATIENCE) {
            (void)atomic_fetch_or_explicit(&gate->word, RESERVED, memory_order_relaxed);
            return;
        }
        from = gate_passed(gate);
        before = now;
        segj_word_sleep_for(&gate->away, away, NAP);
        if (atomic_load_explicit(&gate->away, memory_order_relaxed) != away)
            return;
        now = segj_process_time();
    }
}

static void wait_to_enter(segj_gate_t *gate)
{
    if (enter_soon(gate) || !join_the_waiting(gate))
        return;
    sleep_until_called(gate);
    let_pass(gate);
    while (!enter_from_front(gate))
        step_back(gate);
}

/* Clang checks the callers of the following: the gate is a word to it. */

SEGJ_NO_THREAD_SAFETY_ANALYSIS void segj_gate_enter(segj_gate_t *gate)
{
    gate_tell(pre_lock, gate, 0);
    if (!gate_shut(gate))
        wait_to_enter(gate);
    segj_note_held(gate, true);
    gate_tell(post_lock, gate, 0, 0);
}

SEGJ_NO_THREAD_SAFETY_ANALYSIS bool segj_gate_try(segj_gate_t *gate)
{
    gate_tell(pre_lock, gate, __tsan_mutex_try_lock);
    bool shut = gate_shut(gate);
    if (shut)
        segj_note_held(gate, true);
    gate_tell(post_lock, gate, shut ? __tsan_mutex_try_lock : __tsan_mutex_try_lock | __tsan_mutex_try_lock_failed, 0);
    return shut;
}

static void call_one(segj_gate_t *gate)
{
    unsigned word;
    do {
        word = gate_word(gate);
        if ((word & (SHUT | FRONT)) != 0 || word < ONE_WAITS)
            return; /* whoever is in calls when it leaves */
    } while (!gate_change(gate, word, word | FRONT));
    atomic_store_explicit(&gate->called, gate_passed(gate), memory_order_relaxed);
    atomic_store_explicit(&gate->call, 1, memory_order_release);
    segj_word_wake(&gate->call);
}

/* Gives the word as it was before. */
SEGJ_NO_THREAD_SAFETY_ANALYSIS static inline unsigned gate_open(segj_gate_t *gate)
{
    gate_tell(pre_unlock, gate, 0);
    segj_note_held(gate, false);
    unsigned word = atomic_fetch_sub_explicit(&gate->word, SHUT, memory_order_release);
    if (word >= ONE_WAITS && (word & FRONT) == 0)
        call_one(gate);
    gate_tell(post_unlock, gate, 0);
    return word;
}

SEGJ_NO_THREAD_SAFETY_ANALYSIS void segj_gate_leave(segj_gate_t *gate)
{
    (void)gate_open(gate);
}

bool segj_gate_is_wanted(const segj_gate_t *gate)
{
    return gate_word(gate) >= ONE_WAITS;
}

SEGJ_NO_THREAD_SAFETY_ANALYSIS void segj_gate_leave_for_long(segj_gate_t *gate)
{
    if ((gate_open(gate) & FRONT) == 0)
        return;
    (void)atomic_fetch_add_explicit(&gate->away, 1, memory_order_relaxed);
    segj_word_wake(&gate->away);
}

#else

bool segj_gate_init(segj_gate_t *gate)
{
    return segj_mutex_init(&gate->mutex);
}

void segj_gate_destroy(segj_gate_t *gate)
{
    segj_mutex_destroy(&gate->mutex);
}

SEGJ_NO_THREAD_SAFETY_ANALYSIS void segj_gate_enter(segj_gate_t *gate)
{
    segj_lock(&gate->mutex);
    segj_note_held(gate, true);
}

SEGJ_NO_THREAD_SAFETY_ANALYSIS bool segj_gate_try(segj_gate_t *gate)
{
    if (!segj_try_lock(&gate->mutex))
        return false;
    segj_note_held(gate, true);
    return true;
}

SEGJ_NO_THREAD_SAFETY_ANALYSIS void segj_gate_leave(segj_gate_t *gate)
{
    segj_note_held(gate, false);
    segj_unlock(&gate->mutex);
}

bool segj_gate_is_wanted(const segj_gate_t *gate)
{
    (void)gate;
    return false;
}

SEGJ_NO_THREAD_SAFETY_ANALYSIS void segj_gate_leave_for_long(segj_gate_t *gate)
{
    segj_gate_leave(gate);
}

#endif
