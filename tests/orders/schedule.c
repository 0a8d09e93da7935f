/* orders/schedule.c: see the header. */
#include "orders/schedule.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/gate.h"
#include "base/park.h"
#include "support/processor.h"

enum { DEPTH_MOST = 4000, LOCKS_MOST = 32, TRACE_MOST = 4000, NOBODY = -1 };

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __real_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __real_pthread_cond_broadcast(pthread_cond_t *condition);
unsigned __wrap_segj_park_wait(segj_park_t *park);
unsigned __real_segj_park_wait(segj_park_t *park);
unsigned __wrap_segj_park_wait_for(segj_park_t *park, uint64_t nanoseconds);
unsigned __real_segj_park_wait_for(segj_park_t *park, uint64_t nanoseconds);
uint64_t __wrap_segj_process_time(void);
uint64_t __real_segj_process_time(void);
void __wrap_segj_process_sleep(uint64_t nanoseconds);
void __real_segj_process_sleep(uint64_t nanoseconds);
void __wrap_segj_gate_enter(segj_gate_t *gate);
void __real_segj_gate_enter(segj_gate_t *gate);
bool __wrap_segj_gate_try(segj_gate_t *gate);
bool __real_segj_gate_try(segj_gate_t *gate);
void __wrap_segj_gate_leave(segj_gate_t *gate);
void __real_segj_gate_leave(segj_gate_t *gate);
bool __wrap_segj_gate_is_wanted(const segj_gate_t *gate);
bool __real_segj_gate_is_wanted(const segj_gate_t *gate);
void __wrap_segj_gate_leave_for_long(segj_gate_t *gate);
void __real_segj_gate_leave_for_long(segj_gate_t *gate);
void __wrap_segj_word_sleep(atomic_uint *word, unsigned expected);
void __real_segj_word_sleep(atomic_uint *word, unsigned expected);
void __wrap_segj_word_sleep_for(atomic_uint *word, unsigned expected, uint64_t nanoseconds);
void __real_segj_word_sleep_for(atomic_uint *word, unsigned expected, uint64_t nanoseconds);
void __wrap_segj_word_wake(atomic_uint *word);
void __real_segj_word_wake(atomic_uint *word);

typedef enum state { READY, WANTS_LOCK, PARKED, PARKED_FOR, WAITS, SLEEPS, ENDED } state_t;

typedef struct actor {
    pthread_t thread;
    pthread_cond_t turn;
    state_t state;
    const void *object; /* the lock, park, condition or word */
    const void *mutex;  /* of the condition */
    bool signalled;
} actor_t;

typedef struct lock {
    const void *mutex; /* or gate */
    int owner;
} lock_t;

typedef struct event {
    int actor;
    const char *what;
    const void *object;
} event_t;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_ended = PTHREAD_COND_INITIALIZER;
static const schedule_play_t *play;
static actor_t actors[SCHEDULE_ACTORS];
static lock_t locks[LOCKS_MOST];
static size_t lock_count;
static int turn;
static int preempted;
static uint64_t now;
static uint64_t leaves_for_long;
static event_t trace[TRACE_MOST];
static size_t events;

/* The decisions of this order, and how many there were to choose from. */
static struct {
    uint8_t chosen[DEPTH_MOST], of[DEPTH_MOST];
    size_t depth, known;
} path;

static _Thread_local int me = NOBODY;
static _Thread_local int paused;

/* --- complaints --- */

static void note(const char *what, const void *object)
{
    if (events < TRACE_MOST)
        trace[events++] = (event_t){me, what, object};
}

static int number_of(const void *object)
{
    for (size_t i = 0; i < lock_count; i++)
        if (locks[i].mutex == object)
            return (int)i;
    return -1;
}

static void print_trace(void)
{
    print_error("%s, in this order:\n", play->name);
    for (size_t i = 0; i < events; i++)
        print_error("  %c: %s %d\n", 'A' + trace[i].actor, trace[i].what, number_of(trace[i].object));
}

/* Other threads stand still in the library: nothing can be tidied up. */
void schedule_fail(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    print_trace();
    print_error("%s\n[  FAILED  ] %s\n", text, play->name);
    (void)fflush(NULL);
    _Exit(1);
}

/* --- who goes on --- */

static int *owner_of(const void *mutex)
{
    for (size_t i = 0; i < lock_count; i++)
        if (locks[i].mutex == mutex)
            return &locks[i].owner;
    if (lock_count == LOCKS_MOST)
        schedule_fail("more than %d locks", LOCKS_MOST);
    locks[lock_count] = (lock_t){mutex, NOBODY};
    return &locks[lock_count++].owner;
}

static bool is_said(const actor_t *actor)
{
    const segj_park_t *park = actor->object;
    return atomic_load(&park->word) != 0;
}

static bool can_go_on(const actor_t *actor)
{
    switch (actor->state) {
    case READY:
        return true;
    case WANTS_LOCK:
        return *owner_of(actor->object) == NOBODY;
    case PARKED:
    case PARKED_FOR:
        return is_said(actor);
    case WAITS:
        return actor->signalled && *owner_of(actor->mutex) == NOBODY;
    case SLEEPS:
        return actor->signalled;
    case ENDED:
        break;
    }
    return false;
}

/* Those who can go on, the one that has run first; and, as if it were held back, one whose time may be over. */
static int find_options(int options[SCHEDULE_ACTORS], int *free_of_charge)
{
    int count = 0;
    bool current = me != NOBODY && can_go_on(&actors[me]);
    if (current)
        options[count++] = me;
    for (int i = 0; i < play->actors; i++)
        if (i != me && can_go_on(&actors[i]))
            options[count++] = i;
    *free_of_charge = current ? 1 : count;
    for (int i = 0; i < play->actors; i++)
        if (actors[i].state == PARKED_FOR && !is_said(&actors[i]))
            options[count++] = i;
    if (*free_of_charge == 0)
        *free_of_charge = count;
    return count;
}

static int decide(void)
{
    int options[SCHEDULE_ACTORS * 2];
    int cheap;
    int count = find_options(options, &cheap);
    if (count == 0)
        return NOBODY;
    if (preempted >= play->preemptions)
        count = cheap;
    if (count == 1)
        return options[0];
    if (path.depth == DEPTH_MOST)
        schedule_fail("more than %d decisions", DEPTH_MOST);
    if (path.depth == path.known) {
        path.chosen[path.known] = 0;
        path.of[path.known++] = (uint8_t)count;
    }
    int chosen = path.chosen[path.depth];
    if (path.of[path.depth++] != count)
        schedule_fail("the same decisions do not lead to the same place");
    if (chosen >= cheap)
        preempted++;
    return options[chosen];
}

/* Under the gate. */
static void hand_over(void)
{
    int next = decide();
    bool ended = true;
    for (int i = 0; i < play->actors; i++)
        ended = ended && actors[i].state == ENDED;
    if (next == NOBODY && !ended)
        schedule_fail("nobody can go on");
    turn = next;
    (void)__real_pthread_cond_broadcast(ended ? &all_ended : &actors[next].turn);
}

static void step(state_t state, const char *what, const void *object, const void *mutex)
{
    actor_t *self = &actors[me];
    (void)__real_pthread_mutex_lock(&gate);
    note(what, object);
    self->state = state;
    self->object = object;
    self->mutex = mutex;
    hand_over();
    while (turn != me)
        (void)__real_pthread_cond_wait(&self->turn, &gate);
    self->state = READY;
    (void)__real_pthread_mutex_unlock(&gate);
}

static bool is_played(void)
{
    return me != NOBODY && paused == 0;
}

void schedule_pause(void)
{
    paused++;
}

void schedule_resume(void)
{
    paused--;
}

void schedule_step(const char *what)
{
    if (is_played())
        step(READY, what, NULL, NULL);
}

/* --- locks and waits --- */

static void take(const void *lock)
{
    (void)owner_of(lock);
    step(WANTS_LOCK, "lock", lock, NULL);
    *owner_of(lock) = me;
}

static bool try_to_take(const void *lock)
{
    if (*owner_of(lock) != NOBODY)
        return false;
    *owner_of(lock) = me;
    return true;
}

static void give(const void *lock)
{
    if (*owner_of(lock) != me)
        schedule_fail("an unlock of a lock that the thread does not have");
    *owner_of(lock) = NOBODY;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (!is_played())
        return __real_pthread_mutex_lock(mutex);
    take(mutex);
    return 0;
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    if (!is_played())
        return __real_pthread_mutex_trylock(mutex);
    return try_to_take(mutex) ? 0 : EBUSY;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (!is_played())
        return __real_pthread_mutex_unlock(mutex);
    give(mutex);
    return 0;
}

void __wrap_segj_gate_enter(segj_gate_t *lock)
{
    if (is_played() && !play->within_gates) {
        take(lock);
        segj_note_held(lock, true);
    } else {
        __real_segj_gate_enter(lock);
    }
}

bool __wrap_segj_gate_try(segj_gate_t *lock)
{
    if (!is_played() || play->within_gates)
        return __real_segj_gate_try(lock);
    if (!try_to_take(lock))
        return false;
    segj_note_held(lock, true);
    return true;
}

void __wrap_segj_gate_leave(segj_gate_t *lock)
{
    if (is_played() && !play->within_gates) {
        segj_note_held(lock, false);
        give(lock);
    } else {
        __real_segj_gate_leave(lock);
    }
}

bool __wrap_segj_gate_is_wanted(const segj_gate_t *lock)
{
    if (!is_played() || play->within_gates)
        return __real_segj_gate_is_wanted(lock);
    for (int i = 0; i < play->actors; i++)
        if (actors[i].state == WANTS_LOCK && actors[i].object == lock)
            return true;
    return false;
}

void __wrap_segj_gate_leave_for_long(segj_gate_t *lock)
{
    leaves_for_long += is_played();
    if (is_played() && !play->within_gates)
        __wrap_segj_gate_leave(lock);
    else
        __real_segj_gate_leave_for_long(lock);
}

uint64_t schedule_leaves_for_long(void)
{
    return leaves_for_long;
}

/* The system looks at the word before it lets the thread sleep. */
void __wrap_segj_word_sleep(atomic_uint *word, unsigned expected)
{
    if (!is_played()) {
        __real_segj_word_sleep(word, expected);
        return;
    }
    step(READY, "look at the word", word, NULL);
    if (atomic_load(word) != expected)
        return;
    actors[me].signalled = false;
    step(SLEEPS, "sleep on the word", word, NULL);
}

/* Until it is woken, or the time is over: it makes no difference to what others do. */
void __wrap_segj_word_sleep_for(atomic_uint *word, unsigned expected, uint64_t nanoseconds)
{
    if (!is_played()) {
        __real_segj_word_sleep_for(word, expected, nanoseconds);
        return;
    }
    now += nanoseconds;
    step(READY, "nap", word, NULL);
}

void __wrap_segj_word_wake(atomic_uint *word)
{
    if (!is_played()) {
        __real_segj_word_wake(word);
        return;
    }
    step(READY, "wake", word, NULL);
    for (int i = 0; i < play->actors; i++) {
        if (actors[i].state == SLEEPS && actors[i].object == word && !actors[i].signalled) {
            actors[i].signalled = true;
            return;
        }
    }
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    if (!is_played())
        return __real_pthread_cond_wait(condition, mutex);
    *owner_of(mutex) = NOBODY;
    actors[me].signalled = false;
    step(WAITS, "wait", condition, mutex);
    *owner_of(mutex) = me;
    return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
    if (!is_played())
        return __real_pthread_cond_broadcast(condition);
    for (int i = 0; i < play->actors; i++)
        if (actors[i].state == WAITS && actors[i].object == condition)
            actors[i].signalled = true;
    return 0;
}

unsigned __wrap_segj_park_wait(segj_park_t *park)
{
    if (!is_played())
        return __real_segj_park_wait(park);
    step(PARKED, "sleep", park, NULL);
    return atomic_load(&park->word);
}

unsigned __wrap_segj_park_wait_for(segj_park_t *park, uint64_t nanoseconds)
{
    if (!is_played())
        return __real_segj_park_wait_for(park, nanoseconds);
    step(PARKED_FOR, "sleep for a while", park, NULL);
    return atomic_load(&park->word);
}

/* What takes time takes a millisecond. */
uint64_t __wrap_segj_process_time(void)
{
    return is_played() ? now += 1000000 : __real_segj_process_time();
}

void __wrap_segj_process_sleep(uint64_t nanoseconds)
{
    if (!is_played()) {
        __real_segj_process_sleep(nanoseconds);
        return;
    }
    now += nanoseconds;
    step(READY, "nap", NULL, NULL);
}

/* --- the storage --- */

static segj_storage_t storage;
static int (*write_below)(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done);
static int (*sync_below)(segj_file_t *file);
static uint32_t writes_until, syncs_until, syncs;
static int write_code, sync_code;

static bool is_refused(uint32_t *until)
{
    bool refused = *until == 1;
    if (*until > 0)
        (*until)--;
    return refused;
}

static int schedule_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    if (is_played()) {
        step(READY, "write", NULL, NULL);
        if (is_refused(&writes_until))
            return write_code;
    }
    paused++;
    int code = write_below(file, offset, slices, count, done);
    paused--;
    return code;
}

/* Others may go on before it, while it works, and when it is through. */
static int schedule_sync(segj_file_t *file)
{
    if (is_played()) {
        step(READY, "sync begins", NULL, NULL);
        syncs++;
        if (is_refused(&syncs_until))
            return sync_code;
    }
    paused++;
    int code = sync_below(file);
    paused--;
    if (is_played())
        step(READY, "sync ends", NULL, NULL);
    return code;
}

const segj_storage_t *schedule_storage(const segj_storage_t *below)
{
    storage = *below;
    write_below = below->file_write;
    sync_below = below->file_sync;
    storage.file_write = schedule_write;
    storage.file_sync = schedule_sync;
    return &storage;
}

void schedule_refuse_write(uint32_t number, int code)
{
    writes_until = number;
    write_code = code;
}

void schedule_refuse_sync(uint32_t number, int code)
{
    syncs_until = number;
    sync_code = code;
}

uint32_t schedule_syncs(void)
{
    return syncs;
}

/* --- orders --- */

static void *run_actor(void *argument)
{
    actor_t *self = argument;
    me = (int)(self - actors);
    (void)__real_pthread_mutex_lock(&gate);
    while (turn != me)
        (void)__real_pthread_cond_wait(&self->turn, &gate);
    (void)__real_pthread_mutex_unlock(&gate);
    play->act(play->context, me);
    (void)__real_pthread_mutex_lock(&gate);
    note("has ended", NULL);
    self->state = ENDED;
    hand_over();
    (void)__real_pthread_mutex_unlock(&gate);
    return NULL;
}

static void run_order(void)
{
    lock_count = events = 0;
    path.depth = 0;
    preempted = 0;
    syncs = writes_until = syncs_until = 0;
    now = 0;
    turn = NOBODY;
    play->begin(play->context);
    for (int i = 0; i < play->actors; i++) {
        actors[i] = (actor_t){.turn = PTHREAD_COND_INITIALIZER};
        assert_int_equal(pthread_create(&actors[i].thread, NULL, run_actor, &actors[i]), 0);
    }
    (void)__real_pthread_mutex_lock(&gate);
    hand_over();
    bool running = true;
    while (running) {
        running = false;
        for (int i = 0; i < play->actors; i++)
            running = running || actors[i].state != ENDED;
        if (running)
            (void)__real_pthread_cond_wait(&all_ended, &gate);
    }
    (void)__real_pthread_mutex_unlock(&gate);
    for (int i = 0; i < play->actors; i++)
        (void)pthread_join(actors[i].thread, NULL);
    play->end(play->context);
}

/* The next order: the last decision that has another answer gets it. */
static bool next_order(void)
{
    while (path.known > 0 && path.chosen[path.known - 1] + 1 >= path.of[path.known - 1])
        path.known--;
    if (path.known == 0)
        return false;
    path.chosen[path.known - 1]++;
    return true;
}

/* SEGJ_ORDERS_MORE=N: so many preemptions more. */
static int more_preemptions(void)
{
    const char *more = getenv("SEGJ_ORDERS_MORE");
    return more != NULL ? (int)strtol(more, NULL, 10) : 0;
}

uint64_t schedule_explore(const schedule_play_t *what)
{
    uint64_t orders = 0;
    schedule_play_t deeper = *what;
    deeper.preemptions += more_preemptions();
    play = &deeper;
    path.known = 0;
    stay_on_one_processor();
    do {
        run_order();
        orders++;
    } while (next_order());
    print_message("  %s: %llu orders\n", what->name, (unsigned long long)orders);
    return orders;
}
