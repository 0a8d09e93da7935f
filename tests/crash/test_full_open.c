/*
 * crash/test_full_open.c: a disk that is full, and writes nothing where it was (btrfs), after a crash.
 *
 * Each script of operations is crashed before each storage call of its last one. What that leaves is opened with room
 * for none, one, two, ... blocks: the open comes through, and shows what it would show with room. Then reads and a
 * prune work, a change of what could not be repaired says that there is no space, and a close succeeds. With room again
 * a sync repairs, with a crash before each of its calls, and what it has made durable stays; and the journal goes on.
 *
 *     SEGJ_EVERY=1   scripts of two operations behind the first ones; otherwise of one
 *
 * LINK_WRAP: segj_process_word_make segj_process_word_free
 */
#include "crash/application.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/simdisk.h"
#include "support/strict.h"

enum { BLOCKS_MOST = 7, BLOCK = 4096 };

typedef struct run {
    const operation_t *script;
    size_t length, call;
    uint64_t blocks;
    const char *doing;
    application_t application;
    segj_format_t format;
    uint8_t version;
    uint64_t states, opens, unrepaired, refused, repairs, crashes;
} run_t;

static void give_up(const run_t *run, const char *what)
{
    print_error("%s: %s\n  script:", run->doing, what);
    for (size_t i = 0; i < run->length; i++)
        print_error(" %s", operation_name(run->script[i]));
    print_error("; call %zu, room for %llu blocks\n", run->call, (unsigned long long)run->blocks);
    fail();
}

static void expect(const run_t *run, const char *wrong)
{
    if (wrong != NULL)
        give_up(run, wrong);
}

static void expect_ok(const run_t *run, segj_status_t status)
{
    if (status != SEGJ_OK)
        give_up(run, segj_last_error());
}

static oversized_t *open_on(run_t *run, simdisk_t *disk)
{
    oversized_t *journal = NULL;
    oversized_config_t config = run->application.config;
    config.storage = simdisk_storage(disk);
    expect_ok(run, open_behind_a_crash(&config, &journal));
    run->opens++;
    return journal;
}

/* The disk after a power cut that keeps every unit, none, or every other one. */
static simdisk_t *cut(simdisk_t *disk, int which, simdisk_fill_t fill)
{
    size_t units = simdisk_units(disk);
    uint8_t *keep = malloc(units + 1);
    assert_non_null(keep);
    for (size_t i = 0; i < units; i++)
        keep[i] = (uint8_t)(which == 0 ? SIMDISK_LOST : which == 1 ? SIMDISK_KEPT : (i + (size_t)which) % 2);
    simdisk_t *after = simdisk_crash(disk, keep, fill);
    free(keep);
    return after;
}

/* --- with room again --- */

typedef struct repairing {
    run_t *run;
    const model_t *model;
} repairing_t;

/* What open has shown may go, but for what was synced. */
static void crash_in_repair(void *context, simdisk_t *disk, simdisk_call_t call)
{
    repairing_t *repairing = context;
    run_t *run = repairing->run;
    (void)call;
    for (int which = 0; which < 3; which++) {
        simdisk_t *after = cut(disk, which, SIMDISK_ZEROS);
        oversized_t *journal = open_on(run, after);
        expect(run, model_judge(repairing->model, journal, NULL));
        oversized_abandon(journal);
        simdisk_free(after);
        run->crashes++;
    }
}

/* A sync repairs; what it has made durable is there after a power cut that loses the rest, and the journal goes on. */
static void repair_and_go_on(run_t *run, const model_t *model, simdisk_t *disk, oversized_t *journal)
{
    repairing_t repairing = {run, model};
    model_t seen;
    const char *wrong = NULL;
    run->doing = "repair";
    simdisk_on_call(disk, crash_in_repair, &repairing);
    expect_ok(run, oversized_sync_all(journal));
    simdisk_on_call(disk, NULL, NULL);
    run->repairs++;
    expect(run, model_judge(model, journal, &seen));
    oversized_abandon(journal);
    simdisk_t *after = cut(disk, 0, SIMDISK_SHORT);
    run->doing = "a power cut behind the repair";
    application_t application = run->application;
    application.journal = open_on(run, after);
    expect(run, model_judge(&seen, application.journal, NULL));
    application.model = seen;
    run->doing = "going on";
    if (!application_go_on(&application, &wrong))
        give_up(run, wrong);
    oversized_abandon(application.journal);
    simdisk_free(after);
}

/* --- without room --- */

static void check_changes(run_t *run, oversized_t *journal, bool unrepaired)
{
    static const uint8_t entry[MODEL_ENTRY] = {0};
    run->doing = "changes without room";
    for (uint64_t section = 1; section < MODEL_SECTIONS; section++) {
        uint64_t before = 0;
        uint64_t behind = 0;
        expect_ok(run, oversized_count(journal, section, &before));
        segj_status_t status = oversized_append(journal, section, entry, "x", 1, NULL, NULL);
        run->refused += status == SEGJ_ERR_NO_SPACE;
        if (status != SEGJ_OK && status != SEGJ_ERR_NO_SPACE)
            give_up(run, segj_last_error());
        expect_ok(run, oversized_count(journal, section, &behind));
        if (behind != before + (status == SEGJ_OK))
            give_up(run, "a refused append has changed the count");
        if (oversized_error(journal) != NULL)
            give_up(run, oversized_error(journal));
    }
    if (unrepaired && oversized_sync_all(journal) == SEGJ_OK)
        give_up(run, "a sync without room says that it has repaired");
}

/* Looks at a copy of the state, each time with another end. */
static void look(run_t *run, const model_t *model, simdisk_t *state, uint64_t blocks)
{
    run->blocks = blocks;
    run->states++;
    for (int end = 0; end < 4; end++) {
        simdisk_t *disk = simdisk_kill(state);
        run->doing = "open without room";
        simdisk_set_room(disk, blocks * BLOCK);
        oversized_t *journal = open_on(run, disk);
        bool unrepaired = oversized_recovery(journal)->sections_unrepaired > 0;
        run->unrepaired += unrepaired;
        expect(run, model_judge(model, journal, NULL));
        if (end == 0) {
            simdisk_set_room(disk, SIZE_MAX);
            repair_and_go_on(run, model, disk, journal);
        } else if (end == 1) {
            run->doing = "close without room";
            expect_ok(run, oversized_close(journal));
            journal = open_on(run, disk);
            expect(run, model_judge(model, journal, NULL));
            oversized_abandon(journal);
        } else if (end == 2) {
            simdisk_set_room(disk, 0);
            check_changes(run, journal, unrepaired);
            oversized_abandon(journal);
        } else {
            run->doing = "prune without room";
            simdisk_set_room(disk, 0);
            expect_ok(run, oversized_prune(journal, MODEL_SECTIONS, NULL));
            expect_ok(run, oversized_close(journal));
            simdisk_t *after = cut(disk, 0, SIMDISK_SHORT);
            journal = open_on(run, after);
            if (oversized_recovery(journal)->sections > 0)
                give_up(run, "a pruned section has come back");
            oversized_abandon(journal);
            simdisk_free(after);
        }
        simdisk_free(disk);
    }
}

static void look_at_each_room(run_t *run, simdisk_t *state)
{
    const model_t model = run->application.model;
    for (uint64_t blocks = 0; blocks <= BLOCKS_MOST; blocks += blocks < 3 ? 1 : 4)
        look(run, &model, state, blocks);
    simdisk_free(state);
}

static void on_call(void *context, simdisk_t *disk, simdisk_call_t call)
{
    run_t *run = context;
    (void)call;
    /* Commonware headers have no checksum: garbage in the place of one is refused. */
    simdisk_fill_t worst = run->format == SEGJ_FORMAT_NATIVE ? SIMDISK_GARBAGE : SIMDISK_SHORT;
    run->call++;
    for (int which = 0; which < 3; which++)
        look_at_each_room(run, cut(disk, which, which == 2 ? worst : SIMDISK_ZEROS));
    look_at_each_room(run, simdisk_kill(disk));
}

static void run_script(run_t *run, const operation_t *script, size_t length)
{
    simdisk_t *disk = simdisk_new();
    const char *wrong;
    run->script = script;
    run->length = length;
    run->call = 0;
    application_init(&run->application, run->format, 64, 0, simdisk_storage(disk));
    if (run->version == 2)
        run->application.config.native_version = 2;
    run->application.model.head = run->version == 2 ? OVERSIZED_FRAME_HEAD + MODEL_ENTRY : 0;
    run->doing = "the script";
    assert_true(application_open(&run->application));
    for (size_t i = 0; i < length; i++) {
        if (i + 1 == length)
            simdisk_on_call(disk, on_call, run);
        run->doing = "the script";
        if (!application_perform(&run->application, script[i], &wrong))
            give_up(run, wrong);
    }
    simdisk_on_call(disk, NULL, NULL);
    on_call(run, disk, SIMDISK_CALLS);
    oversized_abandon(run->application.journal);
    simdisk_free(disk);
}

static void every_script_on_a_full_disk(run_t *run)
{
    const char *every = getenv("SEGJ_EVERY");
    bool two = every != NULL && every[0] == '1';
    operation_t script[4] = {OP_APPEND_MANY, OP_SYNC};
    for (int first = 0; first < OPERATIONS; first++) {
        script[2] = (operation_t)first;
        run_script(run, script, 3);
        for (int second = 0; two && second < OPERATIONS; second++) {
            script[3] = (operation_t)second;
            run_script(run, script, 4);
        }
    }
    static const operation_t others[][3] = {{OP_APPEND_NEW},
                                            {OP_APPEND, OP_APPEND_NEW, OP_PRUNE},
                                            {OP_APPEND_MANY, OP_SYNC_ALL, OP_REOPEN},
                                            {OP_APPEND, OP_REWIND, OP_APPEND}};
    run_script(run, others[0], 1);
    for (size_t i = 1; i < sizeof others / sizeof others[0]; i++)
        run_script(run, others[i], 3);
    print_message("  %llu states, %llu opens, %llu without room for a repair, %llu appends refused, %llu repairs, "
                  "%llu crashes in them\n",
                  (unsigned long long)run->states, (unsigned long long)run->opens, (unsigned long long)run->unrepaired,
                  (unsigned long long)run->refused, (unsigned long long)run->repairs, (unsigned long long)run->crashes);
    assert_true(run->states > 300 && run->unrepaired > 200 && run->refused > 100 && run->crashes > 1000);
}

/** Calls of an open. */
typedef struct order {
    unsigned writes, removals;
    bool wrong; /* something was removed behind a write */
} order_t;

static void watch(void *context, simdisk_t *disk, simdisk_call_t call)
{
    order_t *order = context;
    (void)disk;
    order->writes += call == SIMDISK_WRITE;
    order->removals += call == SIMDISK_REMOVE;
    order->wrong = order->wrong || (call == SIMDISK_REMOVE && order->writes > 0);
}

/* What a checkpoint does without goes before anything is written: it is what makes room. */
static void removals_come_before_repairs(void **state)
{
    run_t *run = calloc(1, sizeof *run);
    simdisk_t *disk = simdisk_new();
    const char *wrong;
    order_t order = {0};
    static const operation_t script[] = {OP_APPEND_MANY, OP_APPEND_NEW, OP_APPEND_NEW, OP_SYNC_ALL, OP_APPEND_NEW};
    assert_non_null(run);
    application_init(&run->application, SEGJ_FORMAT_NATIVE, 64, 0, simdisk_storage(disk));
    assert_true(application_open(&run->application));
    for (size_t i = 0; i < sizeof script / sizeof script[0]; i++)
        assert_true(application_perform(&run->application, script[i], &wrong));
    oversized_abandon(run->application.journal);
    oversized_checkpoint_t checkpoint = {3, 3, 0};
    run->application.config.checkpoint = &checkpoint;
    simdisk_on_call(disk, watch, &order);
    oversized_t *journal = open_on(run, disk);
    assert_int_equal(order.removals, 6);
    assert_true(order.writes > 0);
    assert_false(order.wrong);
    oversized_abandon(journal);
    simdisk_free(disk);
    free(run);
}

static void native(void **state)
{
    run_t *run = calloc(1, sizeof *run);
    assert_non_null(run);
    every_script_on_a_full_disk(run);
    free(run);
}

static void version_2(void **state)
{
    run_t *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->version = 2;
    every_script_on_a_full_disk(run);
    free(run);
}

static void commonware(void **state)
{
    run_t *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->format = SEGJ_FORMAT_COMMONWARE;
    every_script_on_a_full_disk(run);
    free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removals_come_before_repairs),
        cmocka_unit_test(native),
        cmocka_unit_test(version_2),
        cmocka_unit_test(commonware),
    };
    return cmocka_run_group_tests_name("full_open", tests, NULL, NULL);
}
