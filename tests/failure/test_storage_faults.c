/*
 * Every call that a journal makes of its storage fails once: in each scenario, the first, the second, ... the last one;
 * with every error that it may have; having done nothing, its work, or half of it; alone, or with all calls behind it.
 * What must be true afterwards is in judge.h. In the end every place in the sources that calls the storage must have
 * seen its call fail.
 *
 * LINK_SITES
 * LINK_WRAP: segj_gate_is_wanted
 */
#include "failure/judge.h"
#include "failure/sites.h"
#include "support/wanted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODES_MAX = 8 };

/** What a call may answer. The first is its most usual failure. */
static const int codes[CALL_FALLIBLE][CODES_MAX] = {
    [CALL_PARTITION_CREATE] = {EIO, ENOSPC, EDQUOT, EACCES, EROFS, ENOMEM},
    [CALL_PARTITION_OPEN] = {EIO, EMFILE, ENFILE, EACCES, ENOMEM},
    [CALL_PARTITION_LOCK] = {EIO, EWOULDBLOCK, ENOLCK},
    [CALL_PARTITION_UNLOCK] = {EIO},
    [CALL_PARTITION_LIST] = {EIO, EMFILE, ENOMEM},
    [CALL_PARTITION_SYNC] = {EIO, ENOSPC, EDQUOT, ENOMEM},
    [CALL_PARTITION_REMOVE] = {EIO, ENOTEMPTY, EBUSY, EACCES},
    [CALL_DIRECTORY_SYNC] = {EIO, EMFILE, EACCES, ENOMEM},
    [CALL_FILE_OPEN] = {EIO, EMFILE, ENFILE, EACCES, ENOMEM},
    [CALL_FILE_CREATE] = {EIO, ENOSPC, EDQUOT, EMFILE, EACCES, EROFS, ENOMEM},
    [CALL_FILE_REMOVE] = {EIO, EACCES, EBUSY, EROFS, ENOMEM},
    [CALL_FILE_READ] = {EIO, ENOMEM},
    [CALL_FILE_READ_DEVICE] = {EIO, ENOTSUP},
    [CALL_FILE_WRITE] = {EIO, ENOSPC, EDQUOT, EFBIG, ENOMEM},
    [CALL_FILE_SIZE] = {EIO, ENOMEM},
    [CALL_FILE_TRUNCATE] = {EIO, ENOSPC, EDQUOT, EFBIG, ENOMEM},
    [CALL_FILE_SYNC] = {EIO, ENOSPC, EDQUOT, ENOMEM},
};

static world_t world;
static uint64_t failures[CALL_FALLIBLE], calls[CALL_KINDS], faults;

/** Where we are, for the report of a failure. */
static const char *scenario_name;
static fault_t current;
static call_kind_t current_kind;

typedef struct trial {
    const scenario_t *scenario;
    fault_mode_t mode;
} trial_t;

/* --- one fault --- */

static void disarm(world_t *w)
{
    faulty_disarm(&w->faulty);
}

/* "Out of memory" says that nothing has changed; of a journal that is now poisoned, or that open was repairing,
 * nobody can say that. */
static segj_status_t status_of(const failed_call_t *failed, const world_t *w, const step_t *step, segj_status_t answer)
{
    /* A journal that is gone cannot be asked. */
    bool ended = step->kind == DO_CLOSE || step->kind == DO_DESTROY || step->kind == DO_COPY_INTO || opens(step);
    bool poisoned = w->journal != NULL && oversized_error(w->journal) != NULL;
    switch (failed->code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return SEGJ_ERR_NO_SPACE;
    case ENOMEM:
        return poisoned || (ended && answer == SEGJ_ERR_IO) ? SEGJ_ERR_IO : SEGJ_ERR_MEMORY;
    case EWOULDBLOCK:
        return SEGJ_ERR_LOCKED;
    default:
        return SEGJ_ERR_IO;
    }
}

static uint64_t done_before(const faulty_t *faulty, const attempt_t *attempt, call_kind_t kind)
{
    return faulty->first.done.calls[kind] - attempt->done.calls[kind];
}

static bool is_sync(call_kind_t kind)
{
    return kind == CALL_FILE_SYNC || kind == CALL_PARTITION_SYNC;
}

/* Of a prune or a rewind. */
static verdict_t verdict_of_removal(const faulty_t *faulty, const attempt_t *attempt)
{
    uint64_t marks = faulty->first.done.slot_writes - attempt->done.slot_writes;
    /* In version 2 W may be raised before, where that is to end within a batch. */
    bool marked = world.config.native_version == 2 && faulty->first.slot_write ? marks >= 3 : marks >= 2;
    if (is_sync(faulty->first.kind) || done_before(faulty, attempt, CALL_FILE_REMOVE) > 0 || marked)
        return MUST_POISON;
    /* A first removal that failed has changed nothing. But where it may have worked and nobody can be asked, or
     * where it did work, it is right to say that nothing is known. */
    if (faulty->first.kind == CALL_FILE_REMOVE)
        return faulty->fault.mode == FAULT_ONCE ? MUST_STAY : EITHER;
    /* Without marks a cut begins with its first transfer. So does that of records above W in version 2. */
    call_kind_t kind = faulty->first.kind;
    if ((faulty->no_slots || world.config.native_version == 2) &&
        (kind == CALL_FILE_TRUNCATE || kind == CALL_FILE_WRITE || kind == CALL_FILE_READ))
        return EITHER;
    /* What stays is synced, and that the rest is cut is being marked: a mark too low costs time and no data. */
    return marks > 0 && !faulty->first.slot_write ? EITHER : MUST_STAY;
}

static verdict_t verdict_of(const faulty_t *faulty, const attempt_t *attempt)
{
    const failed_call_t *first = &faulty->first;
    /* A repair that is made now, and fails again, may be made once more. */
    if (world.unrepaired && (first->code == ENOSPC || first->code == EDQUOT))
        return EITHER;
    switch (attempt->step->kind) {
    case DO_APPEND:
    case DO_APPENDV:
    case DO_BATCH:
    case DO_STREAM:
    case DO_SYNC:
    case DO_SYNC_START:
    case DO_SYNC_WAIT:
    case DO_SYNC_ALL:
    case DO_SYNC_SECTIONS:
    case DO_FLUSH:
        if (is_sync(first->kind))
            return MUST_POISON;
        /* A creation is taken back; where that fails too, nobody knows. */
        if (faulty->fault.mode == FAULT_DEVICE_GONE &&
            (first->kind == CALL_FILE_CREATE || done_before(faulty, attempt, CALL_FILE_CREATE) > 0))
            return EITHER;
        /* In version 2 what was refused is cut before that is said. */
        if (faulty->fault.mode == FAULT_DEVICE_GONE && world.config.native_version == 2 && appends(attempt->step))
            return EITHER;
        return MUST_STAY;
    case DO_PRUNE:
    case DO_REWIND:
    case DO_REWIND_SECTION:
        return verdict_of_removal(faulty, attempt);
    case DO_CLOSE:
    case DO_DESTROY:
        return EITHER;
    default:
        return MUST_STAY;
    }
}

/* Only a watermark may fail to be written without that the call fails, and zeros kept ahead for which there is no
 * room, and sections for whose repair open finds none; and it says so. And for want of a descriptor the call is made
 * again, once there is one. */
static void check_swallowed(const world_t *w, const step_t *step)
{
    const failed_call_t *first = &w->faulty.first;
    bool descriptors = first->code == EMFILE || first->code == ENFILE;
    /* Pages that could not be read together are read one by one: a failure that has gone is none. */
    bool again = w->faulty.made.calls[first->kind] > first->made;
    if (again && (descriptors || step->kind == DO_VERIFY))
        return;
    /* What was read in one go with others is read once more, by itself. */
    bool bulk = step->kind == DO_REPLAY || step->kind == DO_SCAN || step->kind == DO_SCAN_BACK ||
                step->kind == DO_READ_TOGETHER || step->kind == DO_COPY_INTO;
    if (again && bulk && first->kind == CALL_FILE_READ)
        return;
    /* What cannot be read of a damaged journal is not there. */
    if (step->kind == DO_SALVAGE &&
        (first->kind == CALL_FILE_OPEN || first->kind == CALL_FILE_READ || first->kind == CALL_FILE_SIZE))
        return;
    /* A buffer that is full is written behind the append that needed the next one, or else later. */
    if (gates_are_wanted && appends(step) && first->kind == CALL_FILE_WRITE)
        return;
    bool full = first->code == ENOSPC || first->code == EDQUOT || first->code == EFBIG;
    bool has_zeros = w->config.preallocate > 0 || w->config.sector_size > 0;
    /* What finds no room is tried once more without the zeros that were kept ahead; the buffer that an append could not
     * write is written later. */
    if (full && has_zeros && (again || (appends(step) && first->kind == CALL_FILE_WRITE)))
        return;
    /* A partition in which nothing is seen is tried once more. */
    if (first->kind == CALL_PARTITION_REMOVE && first->code == ENOTEMPTY &&
        (step->kind == DO_DESTROY || step->kind == DO_DISCARD))
        return;
    if (first->idle)
        return;
    bool syncs = step->kind == DO_SYNC || step->kind == DO_SYNC_ALL;
    bool zeros = has_zeros && first->kind == CALL_FILE_WRITE && syncs && full;
    bool later = opens(step) && w->unrepaired && full;
    /* What was set aside of acknowledged losses made room. */
    bool roomy = opens(step) && full && oversized_recovery(w->journal)->quarantine != NULL;
    if (roomy && !w->unrepaired)
        return;
    /* One catalogue is enough to go on with. */
    if ((full && (step->kind == DO_ACKNOWLEDGE || step->kind == DO_DISCARD)) ||
        (step->kind == DO_ACKNOWLEDGE && w->warnings > 0))
        return;
    /* Who only reads does without the losses of before. */
    bool reads = (opens(step) && w->read_only) || step->kind == DO_INSPECT;
    bool odd = reads && first->kind == CALL_PARTITION_OPEN;
    /* In version 2 a sync, or a close, is good whose index could not be written. */
    bool log = w->config.native_version == 2;
    bool follows = step->kind == DO_SYNC || step->kind == DO_CLOSE || step->kind == DO_COPY_INTO;
    bool index = log && follows && first->kind == CALL_FILE_WRITE;
    /* A close leaves to the next open what it has no room to cut. */
    bool tail = step->kind == DO_CLOSE && first->kind == CALL_FILE_TRUNCATE && full;
    if ((!first->slot_write && !zeros && !later && !odd && !index && !tail) || w->warnings == 0) {
        print_error("%s failed, and the step succeeded\n", call_name(w->faulty.first.kind));
        fail();
    }
    /* A rewind does without clearing its last slot, where there is no room to; in version 2 that of one section does
     * without what its log does not need. */
    if (step->kind == DO_REWIND || (step->kind == DO_REWIND_SECTION && !log))
        assert_true(full && first->slot_write);
}

/* Takes one step; true when the scenario goes on. */
static bool try_step(world_t *w, const step_t *step, bool *scanned)
{
    attempt_t attempt;
    if (*scanned) {
        assert_ok(take_step(w, step));
        return true;
    }
    begin_attempt(w, step, &attempt);
    segj_status_t status = take_step(w, step);
    fault_mode_t mode = w->faulty.fault.mode;
    bool lasts = mode == FAULT_LASTING || mode == FAULT_DEVICE_GONE || mode == FAULT_DEVICE_FULL;
    outcome_t outcome = OUTCOME_REPEATED;
    if (!w->faulty.fired) {
        assert_ok(status);
    } else if (status == SEGJ_OK) {
        check_swallowed(w, step);
        *scanned = !lasts;
        w->faulty.fired = false;
    } else {
        static failed_call_t first;
        first = w->faulty.first;
        const failure_t failure = {.expected = status_of(&first, w, step, status),
                                   .path = first.path,
                                   .verdict = verdict_of(&w->faulty, &attempt),
                                   .lasts = lasts,
                                   .idle = first.idle || (lasts && w->faulty.two_copies),
                                   .silent = !lasts,
                                   .go_on = (current.at + (uint64_t)current.code) % 2 == 0,
                                   .ending = (unsigned)current.at,
                                   .disarm = disarm};
        *scanned = true;
        outcome = judge_failure(w, &attempt, status, &failure);
    }
    end_attempt(&attempt);
    return outcome == OUTCOME_REPEATED;
}

static void count_calls_made(const world_t *w)
{
    for (int i = 0; i < CALL_FALLIBLE; i++)
        failures[i] += w->faulty.failures[i];
    for (int i = 0; i < CALL_KINDS; i++)
        calls[i] += w->faulty.made.calls[i];
}

static void try_fault(const scenario_t *scenario, fault_t fault, uint64_t digest)
{
    segj_storage_t *memory;
    bool scanned = false;
    bool whole = true;
    current = fault;
    faults++;
    assert_ok(segj_storage_memory_create(&memory));
    world_init(&world, memory, scenario->configure);
    take_steps(&world, scenario->before);
    begin_test(&world, fault);
    for (const step_t *step = scenario->under; step->kind != DO_END && whole; step++)
        for (uint32_t i = 0; (i == 0 || i < step->times) && whole; i++)
            whole = try_step(&world, step, &scanned);
    if (whole)
        assert_int_equal(model_digest(&world.model), digest);
    disarm(&world);
    final_exam(&world);
    count_calls_made(&world);
    world_free(&world);
    segj_storage_memory_destroy(memory);
}

/* --- all of a scenario --- */

/* Gives the number of calls that can fail, and their kinds. */
static uint64_t count_calls(const scenario_t *scenario, uint8_t *kinds, uint64_t *digest)
{
    segj_storage_t *memory;
    current = (fault_t){FAULT_NONE, 0, 0, 0};
    assert_ok(segj_storage_memory_create(&memory));
    world_init(&world, memory, scenario->configure);
    *digest = rehearse(&world, scenario);
    uint64_t number = world.faulty.number;
    assert_in_range(number, 0, NUMBERED_MAX);
    memcpy(kinds, world.faulty.numbered, (size_t)number);
    final_exam(&world);
    count_calls_made(&world);
    world_free(&world);
    segj_storage_memory_destroy(memory);
    return number;
}

static bool applies(fault_mode_t mode, call_kind_t kind)
{
    if (mode == FAULT_TORN)
        return kind == CALL_FILE_WRITE;
    return mode != FAULT_DEVICE_FULL || kind == CALL_FILE_WRITE || kind == CALL_FILE_CREATE ||
           kind == CALL_PARTITION_CREATE;
}

static void fail_each_call(void **state)
{
    const trial_t *trial = *state;
    static uint8_t kinds[NUMBERED_MAX];
    uint64_t digest;
    scenario_name = trial->scenario->name;
    uint64_t number = count_calls(trial->scenario, kinds, &digest);
    assert_true(number > 0);
    for (uint64_t at = 1; at <= number; at++) {
        current_kind = (call_kind_t)kinds[at - 1];
        if (!applies(trial->mode, current_kind))
            continue;
        if (trial->mode == FAULT_DEVICE_FULL) {
            try_fault(trial->scenario, (fault_t){trial->mode, at, ENOSPC, 0}, digest);
            continue;
        }
        for (int i = 0; i < CODES_MAX && codes[current_kind][i] != 0; i++)
            if (i == 0 || trial->mode == FAULT_ONCE || trial->mode == FAULT_LASTING)
                try_fault(trial->scenario, (fault_t){trial->mode, at, codes[current_kind][i], 0}, digest);
    }
    scenario_name = NULL;
}

static int tell_where(void **state)
{
    if (scenario_name != NULL)
        print_error("  in \"%s\", call %llu, %s, fails with %s\n", scenario_name, (unsigned long long)current.at,
                    call_name(current_kind), strerror(current.code));
    scenario_name = NULL;
    library_running = faulty_working = false;
    return 0; /* what a failed test leaves behind is not tidied up */
}

/* --- the closing test --- */

/* A method that no scenario makes fail would be a gap in this suite; methods that the library never calls are named. */
static void every_method_of_the_storage_has_failed(void **state)
{
    for (int i = 0; i < CALL_FALLIBLE; i++) {
        print_message("  %-20s called %8llu times, failed %6llu times\n", call_name((call_kind_t)i),
                      (unsigned long long)calls[i], (unsigned long long)failures[i]);
        assert_true(failures[i] > 0 || i == CALL_PARTITION_UNLOCK);
    }
    print_message("  %llu faults injected in %zu scenarios\n", (unsigned long long)faults, scenario_count);
    /* Closing a partition ends its lock. */
    assert_int_equal(calls[CALL_PARTITION_UNLOCK], 0);
    assert_true(calls[CALL_PARTITION_CLOSE] > 0 && calls[CALL_FILE_CLOSE] > 0 && calls[CALL_FILE_WRITE_BACK] > 0);
}

static void every_call_site_has_failed(void **state)
{
    static const site_excuse_t excuses[] = {
        {"journal/counts.c", "counts_list_directory", "segj_partition_visit",
         "the storage in memory has no directory to list; commonware/counts fails it"},
        {"journal/counts.c", "counts_look_into", "segj_partition_open",
         "the storage in memory has no directory to list; commonware/counts fails it"},
        {"journal/counts.c", "counts_look_into", "segj_partition_visit",
         "the storage in memory has no directory to list; commonware/counts fails it"},
        {"journal/copied.c", NULL, NULL, "of a copy that was opened for writing alone"},
        {"oversized/tools/copy_files.c", "files_compare", "segj_io_read",
         "only where a value is damaged; promises/copy_refused fails it"},
        {"oversized/tools/copy_files.c", "files_is_covered", "segj_io_read",
         "only where a value is damaged; promises/copy_refused fails it"},
        {"oversized/tools/verify_heads.c", "verify_read_trailer", "segj_io_read", "only behind a damaged record"},
        {"oversized/section/remake.c", "read_trusted", "segj_io_read", "the frames are there; recovery/log fails it"},
        {"oversized/section/remake.c", "segj_section_remake_page", "segj_io_size", "promises/sectors_damage fails it"},
        {"journal/fixed.c", "restart_sequence", "segj_io_sync", "after 2^32 marks; unit/fixed_cut fails it"},
        {"journal/owner.c", NULL, NULL, "only where a storage says who opens; failure/owner fails them"},
        {"oversized/tools/sizes.c", "native_page_size", "segj_io_read", "promises/inspect fails it"},
        {"oversized/tools/follow_list.c", NULL, NULL, "failure/follow fails them"},
        {"oversized/tools/follow_alone.c", NULL, NULL, "failure/follow fails them"},
        {"oversized/tools/copy_beside.c", "beside_has", "segj_io_open_named",
         "only where an index file is missing; promises/copy_refused fails it"},
        {"oversized/tools/copy_beside.c", "beside_has", "segj_io_open",
         "only where an index file is missing; promises/copy_refused fails it"},
        {"oversized/tools/follow_place.c", NULL, NULL, "failure/follow fails them"},
        {"oversized/tools/follow_log.c", NULL, NULL, "failure/follow fails them"},
        {"oversized/tools/follow_section.c", NULL, NULL, "failure/follow fails them"},
        {"oversized/tools/salvage.c", "salvage_check_absent", "segj_partition_open",
         "of the new journal's storage; salvage/salvage fails it"},
        {"oversized/section/writers.c", "undo_create", "segj_partition_unlink",
         "behind another failure; promises/append fails it"},
        {"oversized/section/writers.c", "undo_create", "segj_partition_sync",
         "behind another failure; promises/append fails it"},
    };
    assert_true(sites_all_failed(SITE_STORAGE, excuses, sizeof excuses / sizeof excuses[0]));
}

int main(void)
{
    static const struct {
        fault_mode_t mode;
        const char *text;
    } modes[] = {{FAULT_ONCE, "each call fails once"},
                 {FAULT_AFTER_WORK, "each call fails after its work"},
                 {FAULT_TORN, "each write fails after half of it"},
                 {FAULT_LASTING, "each call fails for good"},
                 {FAULT_DEVICE_GONE, "the device is gone from each call on"},
                 {FAULT_DEVICE_FULL, "the device is full from each call on"}};
    enum { MODES = sizeof modes / sizeof modes[0], TESTS_MAX = 1024 };
    static struct CMUnitTest tests[TESTS_MAX];
    static char names[TESTS_MAX][120];
    static trial_t trials[TESTS_MAX];
    size_t count = 0;
    assert_true(scenario_count * MODES + 2 < TESTS_MAX);
    for (size_t i = 0; i < scenario_count * MODES; i++, count++) {
        trials[i] = (trial_t){&scenarios[i / MODES], modes[i % MODES].mode};
        (void)snprintf(names[i], sizeof names[i], "%s: %s", trials[i].scenario->name, modes[i % MODES].text);
        tests[i] = (struct CMUnitTest){names[i], fail_each_call, NULL, tell_where, &trials[i]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_method_of_the_storage_has_failed);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_call_site_has_failed);
    return _cmocka_run_group_tests("storage_faults", tests, count, NULL, NULL);
}
