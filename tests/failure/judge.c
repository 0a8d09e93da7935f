/* failure/judge.c: see judge.h. */
#include "failure/judge.h"

#include <string.h>

bool opens(const step_t *step)
{
    return step->kind == DO_OPEN || step->kind == DO_OPEN_READ_ONLY || step->kind == DO_OPEN_ANY_PAGE_SIZE ||
           step->kind == DO_OPEN_CHECKPOINT;
}

static bool ends(const step_t *step)
{
    return step->kind == DO_CLOSE || step->kind == DO_DESTROY;
}

/* --- attempts --- */

void begin_attempt(world_t *w, const step_t *step, attempt_t *attempt)
{
    attempt->step = step;
    attempt->done = w->faulty.done;
    attempt->changes = w->faulty.changes;
    attempt->image.count = 0;
    if (opens(step))
        take_image(w->disk, w->config.directory, &attempt->image);
}

void end_attempt(attempt_t *attempt)
{
    free_image(&attempt->image);
}

/* Bytes or names of files were changed, or may have been. */
static bool has_written(const world_t *w, const attempt_t *attempt)
{
    fault_mode_t mode = w->faulty.fault.mode;
    bool worked = w->faulty.fired && (mode == FAULT_AFTER_WORK || mode == FAULT_TORN);
    static const call_kind_t kinds[] = {CALL_FILE_CREATE, CALL_FILE_REMOVE, CALL_FILE_WRITE, CALL_FILE_TRUNCATE};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if ((worked && w->faulty.first.kind == kinds[i]) ||
            w->faulty.done.calls[kinds[i]] != attempt->done.calls[kinds[i]])
            return true;
    }
    return false;
}

/* --- known failures --- */

/* Without memory nothing changes at all; other failures may come when open already repairs. */
static void check_failed_open(world_t *w, const attempt_t *attempt, bool no_memory)
{
    image_t image = {.count = 0};
    assert_null(w->journal);
    assert_int_equal(w->faulty.open_files, 0);
    assert_int_equal(w->faulty.open_partitions, 0);
    if (!no_memory && has_written(w, attempt))
        return;
    take_image(w->disk, w->config.directory, &image);
    assert_images_equal(&attempt->image, &image);
    free_image(&image);
}

/* As it was: now, after other changes, and after a kill. */
static outcome_t go_on(world_t *w)
{
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
        const step_t append = {.kind = DO_APPEND, .section = i, .size = i % 2 == 0 ? 11 : 301};
        if (w->model.sections[i].listed)
            assert_ok(take_step(w, &append));
    }
    const step_t sync = {.kind = DO_SYNC_ALL};
    assert_ok(take_step(w, &sync));
    check_world(w);
    oversized_abandon(w->journal);
    w->journal = NULL;
    reopen(w);
    return OUTCOME_ENDED;
}

static outcome_t judge_known(world_t *w, const attempt_t *attempt, const failure_t *failure, bool repeat)
{
    const step_t *step = attempt->step;
    failure->disarm(w);
    if (w->journal != NULL) {
        assert_null(oversized_error(w->journal));
        check_world(w);
        if (failure->go_on && !w->read_only)
            return go_on(w);
    }
    if (repeat)
        assert_ok(take_step(w, step));
    return OUTCOME_REPEATED;
}

/* --- unknown ones --- */

static void check_refusals(world_t *w)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    uint64_t position = 77;
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
        assert_status(oversized_append(w->journal, i, entry, "x", 1, &position, NULL), SEGJ_ERR_POISONED);
        assert_status(oversized_sync(w->journal, i), SEGJ_ERR_POISONED);
        assert_status(oversized_rewind_section(w->journal, i, 0), SEGJ_ERR_POISONED);
    }
    assert_int_equal(position, 77);
    assert_status(oversized_sync_all(w->journal), SEGJ_ERR_POISONED);
    assert_status(oversized_rewind(w->journal, 0, 0), SEGJ_ERR_POISONED);
    assert_status(oversized_prune(w->journal, MODEL_SECTIONS, NULL), SEGJ_ERR_POISONED);
}

static void leave_poisoned(world_t *w, unsigned ending)
{
    if (ending % 3 == 0)
        assert_status(oversized_close(w->journal), SEGJ_ERR_POISONED);
    else if (ending % 3 == 1)
        assert_status(oversized_destroy(w->journal), SEGJ_ERR_POISONED);
    else
        oversized_abandon(w->journal);
    w->journal = NULL;
    assert_int_equal(w->faulty.open_files, 0);
    assert_int_equal(w->faulty.open_partitions, 0);
}

static outcome_t judge_poisoned(world_t *w, const attempt_t *attempt, const failure_t *failure)
{
    const char *cause = oversized_error(w->journal);
    assert_true(w->errors > 0);
    assert_non_null(cause);
    if (failure->path != NULL && !failure->lasts)
        assert_non_null(strstr(cause, failure->path));
    /* The flush of the other file was under way. */
    uint64_t beside = w->config.parallel_flush && w->faulty.first.kind == CALL_FILE_SYNC ? 1 : 0;
    if (failure->silent)
        assert_in_range(w->faulty.changes - w->faulty.first.changes, 0, beside);
    failure->disarm(w);
    uint64_t changes = w->faulty.changes;
    allow_partial(w, attempt->step);
    check_world(w);
    check_refusals(w);
    check_world(w);
    leave_poisoned(w, failure->ending);
    assert_int_equal(w->faulty.changes, changes);
    allow_loss(w, attempt->step);
    reopen(w);
    return OUTCOME_ENDED;
}

/* A close or destroy frees in any case; what is there is for the next open to say. */
static outcome_t judge_ended(world_t *w, const attempt_t *attempt, const failure_t *failure)
{
    assert_null(w->journal);
    assert_int_equal(w->faulty.open_files, 0);
    assert_int_equal(w->faulty.open_partitions, 0);
    failure->disarm(w);
    allow_loss(w, failure->verdict == MUST_STAY ? NULL : attempt->step);
    reopen(w);
    return OUTCOME_ENDED;
}

/* --- both --- */

static bool is_poisoned(const world_t *w)
{
    return w->journal != NULL && oversized_error(w->journal) != NULL;
}

/* A call that reads many values speaks of the first in its order that failed, which need not have failed first. */
static void check_sentence(const world_t *w, const step_t *step, segj_status_t status, const failure_t *failure)
{
    /* So does a walk that is asked again. */
    bool of_another = (step->kind == DO_READ_TOGETHER || step->kind == DO_SCAN) && failure->lasts;
    check_status(status, failure->expected, "the step", __FILE__, __LINE__);
    /* So does what had two copies to read, and what is tried once more without the zeros that were kept ahead. */
    of_another = of_another || failure->idle ||
                 (w->config.preallocate > 0 && failure->lasts && failure->expected == SEGJ_ERR_NO_SPACE);
    if (failure->path != NULL && !of_another && strstr(segj_last_error(), failure->path) == NULL) {
        print_error("the sentence does not name %s:\n  %s\n", failure->path, segj_last_error());
        fail();
    }
    assert_true(strlen(segj_last_error()) > 0);
}

static bool rewinds(const step_t *step)
{
    return step->kind == DO_REWIND || step->kind == DO_REWIND_SECTION;
}

/* While the failure lasts the step fails again, twice. But an append may find room in memory, and an open whose last
 * sync of names failed has left sections with which nothing is to be done: true. */
static bool tries_again(world_t *w, const step_t *step)
{
    /* In version 2 what is made again of the index may be there then, and need not be durable. */
    /* What a removal has looked for in vain it does not look for again: counts of an archive. */
    bool looked = w->config.format == SEGJ_FORMAT_COMMONWARE && (rewinds(step) || step->kind == DO_PRUNE);
    bool names = opens(step) && (w->faulty.first.kind == CALL_PARTITION_SYNC || w->config.native_version == 2);
    /* Of a commonware section whose headers are whole by now nothing is cut, and then open sets no size. */
    bool whole =
        opens(step) && w->config.format == SEGJ_FORMAT_COMMONWARE && w->faulty.first.kind == CALL_FILE_TRUNCATE;
    /* The records were durable, and only the other journal's last watermark was not: it does without. */
    bool marked = step->kind == DO_COPY_INTO && w->faulty.first.kind == CALL_FILE_SYNC;
    for (int i = 0; i < 2 && !is_poisoned(w); i++) {
        segj_status_t status = take_step(w, step);
        if (status == SEGJ_OK && (appends(step) || names || whole || looked || marked))
            return true;
        assert_int_not_equal(status, SEGJ_OK);
    }
    return false;
}

outcome_t judge_failure(world_t *w, attempt_t *attempt, segj_status_t status, const failure_t *failure)
{
    const step_t *step = attempt->step;
    check_sentence(w, step, status, failure);
    if (opens(step))
        check_failed_open(w, attempt, status == SEGJ_ERR_MEMORY);
    if (ends(step))
        return judge_ended(w, attempt, failure);
    if (failure->lasts && tries_again(w, step))
        return judge_known(w, attempt, failure, false);
    bool poisoned = is_poisoned(w);
    if ((failure->verdict == MUST_POISON && !poisoned) || (failure->verdict == MUST_STAY && poisoned)) {
        print_error("the journal is %s\n", poisoned ? "poisoned, and should not be" : "not poisoned, and should be");
        fail();
    }
    return poisoned ? judge_poisoned(w, attempt, failure) : judge_known(w, attempt, failure, true);
}

void final_exam(world_t *w)
{
    w->under_test = false;
    w->faulty.paused = false;
    if (w->journal != NULL && w->read_only) {
        assert_ok(oversized_close(w->journal));
        w->journal = NULL;
    }
    if (w->journal == NULL)
        reopen(w);
    check_world(w);
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
        const step_t append = {.kind = DO_APPEND, .section = i, .size = 21};
        if (w->model.sections[i].listed || i == MODEL_SECTIONS - 1)
            assert_ok(take_step(w, &append));
    }
    const step_t close = {.kind = DO_CLOSE};
    const step_t destroy = {.kind = DO_DESTROY};
    assert_ok(take_step(w, &close));
    reopen(w);
    assert_ok(take_step(w, &destroy));
}

uint64_t rehearse(world_t *w, const scenario_t *scenario)
{
    take_steps(w, scenario->before);
    begin_test(w, (fault_t){FAULT_NONE, 0, 0, 0});
    take_steps(w, scenario->under);
    uint64_t digest = model_digest(&w->model);
    return digest;
}
