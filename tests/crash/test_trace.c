/*
 * crash/test_trace.c: the order of the calls that a journal makes of its storage (crash/trace.h), in every script of up
 * to three operations, in the open behind each of them (after a close, a kill, and power cuts), and in a destroy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crash/application.h"
#include "crash/trace.h"
#include "support/log.h"

#define LENGTH 3

/** How a script ends, and what the trace goes on with. */
typedef enum ending { CLOSED, KILLED, CUT_ALL_LOST, CUT_ALL_KEPT, CUT_HALF, DESTROYED, ENDINGS } ending_t;

typedef struct setting {
    uint16_t page_size;
    uint8_t version; /* of the native format */
} setting_t;

typedef struct scene {
    application_t application;
    simdisk_t *disk;
    trace_t *trace;
    const operation_t *script;
    size_t length;
    bool nested;      /* appends come while the index is being synced */
    uint64_t appends; /* that did */
} scene_t;

static void check(scene_t *scene, const char *when)
{
    const char *wrong = trace_wrong(scene->trace);
    if (wrong == NULL)
        return;
    print_error("page size %u, script:", (unsigned)scene->application.config.page_size);
    for (size_t i = 0; i < scene->length; i++)
        print_error(" %s", operation_name(scene->script[i]));
    fail_msg("%s: %s", when, wrong);
}

static void require(bool done, const char *what)
{
    if (!done)
        fail_msg("%s: %s", what, segj_last_error());
}

/* --- one script --- */

static trace_call_t call_of(operation_t operation)
{
    switch (operation) {
    case OP_APPEND:
    case OP_APPEND_MANY:
    case OP_APPEND_LARGE:
    case OP_APPEND_NEW:
    case OP_FLUSH:
        return TRACE_APPEND;
    case OP_SYNC:
        return TRACE_SYNC;
    default:
        return TRACE_SYNC_ALL;
    }
}

/* Other sections than the one that a rewind is of stay as they are. */
static bool is_of_one_section(operation_t operation)
{
    return operation == OP_SYNC || operation == OP_REWIND || operation == OP_REWIND_HALF;
}

/* Enough to fill the page that is being synced, and the buffer. */
static void append_meanwhile(void *context)
{
    scene_t *scene = context;
    const char *wrong;
    trace_during_sync(scene->trace, NULL, NULL);
    for (int i = 0; i < 3; i++)
        if (!application_perform(&scene->application, OP_APPEND_MANY, &wrong))
            fail_msg("append: %s", wrong);
    scene->appends++;
}

static void perform(scene_t *scene, operation_t operation)
{
    const char *wrong;
    application_t *application = &scene->application;
    /* A sync holds no lock while the storage works; close and rewind do. */
    bool nested = scene->nested && operation == OP_SYNC;
    if (operation == OP_REOPEN) {
        trace_close(scene->trace);
        require(oversized_close(application->journal) == SEGJ_OK, "close");
        trace_returned(scene->trace, TRACE_SYNC_ALL, 0);
        trace_open(scene->trace);
        require(application_open(application), "open");
    } else {
        if (nested)
            trace_during_sync(scene->trace, append_meanwhile, scene);
        if (!application_perform(application, operation, &wrong))
            fail_msg("%s: %s", operation_name(operation), wrong);
        trace_during_sync(scene->trace, NULL, NULL);
    }
    trace_call_t call = is_of_one_section(operation) ? TRACE_SYNC : call_of(operation);
    bool nothing_left = operation == OP_PRUNE || (nested && scene->appends > 0);
    trace_returned(scene->trace, nothing_left ? TRACE_APPEND : call, 1);
    check(scene, operation_name(operation));
}

static void begin(scene_t *scene, simdisk_t *disk, setting_t setting)
{
    scene->disk = disk;
    scene->trace = trace_new(disk, setting.page_size, setting.version == 2);
    application_init(&scene->application, SEGJ_FORMAT_NATIVE, setting.page_size, 0, trace_storage(scene->trace));
    scene->application.config.native_version = setting.version;
    scene->application.model.head = setting.version == 2 ? LOG_HEAD + MODEL_ENTRY : 0;
    trace_open(scene->trace);
    require(application_open(&scene->application), "open");
    trace_returned(scene->trace, TRACE_SYNC_ALL, 0);
    check(scene, "open");
}

static simdisk_t *disk_after(simdisk_t *disk, ending_t ending)
{
    if (ending == KILLED)
        return simdisk_kill(disk);
    size_t units = simdisk_units(disk);
    uint8_t *keep = calloc(units + 1, 1);
    assert_non_null(keep);
    for (size_t i = 0; i < units; i++)
        keep[i] = ending == CUT_ALL_KEPT || (ending == CUT_HALF && i % 2 == 1);
    simdisk_t *after = simdisk_crash(disk, keep, ending == CUT_HALF ? SIMDISK_GARBAGE : SIMDISK_ZEROS);
    free(keep);
    return after;
}

static void end_life(scene_t *scene)
{
    trace_killed(scene->trace);
    oversized_abandon(scene->application.journal);
    trace_free(scene->trace);
}

/* The journal ends as it is to, and what is left is opened, written to and closed. */
static void finish(scene_t *scene, ending_t ending, setting_t setting)
{
    if (ending == CLOSED || ending == DESTROYED) {
        trace_close(scene->trace);
        segj_status_t status = ending == CLOSED ? oversized_close(scene->application.journal)
                                                : oversized_destroy(scene->application.journal);
        require(status == SEGJ_OK, ending == CLOSED ? "close" : "destroy");
        trace_returned(scene->trace, TRACE_SYNC_ALL, 0);
        check(scene, ending == CLOSED ? "close" : "destroy");
        trace_free(scene->trace);
        simdisk_free(scene->disk);
        return;
    }
    simdisk_t *after = disk_after(scene->disk, ending);
    end_life(scene);
    simdisk_free(scene->disk);
    model_t model = scene->application.model;
    begin(scene, after, setting);
    const char *wrong = model_judge(&model, scene->application.journal, &scene->application.model);
    if (wrong != NULL)
        fail_msg("after a crash: %s", wrong);
    if (!application_go_on(&scene->application, &wrong))
        fail_msg("going on: %s", wrong);
    trace_returned(scene->trace, TRACE_SYNC, 1);
    check(scene, "going on after a crash");
    finish(scene, CLOSED, setting);
}

static uint64_t run(const operation_t *script, size_t length, setting_t setting, ending_t ending, bool nested)
{
    scene_t scene = {.script = script, .length = length, .nested = nested};
    simdisk_t *disk = simdisk_new();
    begin(&scene, disk, setting);
    for (size_t i = 0; i < length; i++)
        perform(&scene, script[i]);
    finish(&scene, ending, setting);
    return scene.appends;
}

/* --- all scripts --- */

static uint64_t run_all(operation_t *script, size_t at, setting_t setting, ending_t ending, bool nested)
{
    uint64_t appends = 0;
    for (int operation = 0; operation < OPERATIONS; operation++) {
        script[at] = (operation_t)operation;
        appends += run(script, at + 1, setting, ending, nested);
        if (at + 1 < LENGTH)
            appends += run_all(script, at + 1, setting, ending, nested);
    }
    return appends;
}

static void every_call_keeps_its_order(setting_t setting)
{
    operation_t script[LENGTH];
    for (int ending = 0; ending < ENDINGS; ending++)
        (void)run_all(script, 0, setting, (ending_t)ending, false);
}

static void calls_keep_their_order_with_pages_of_20_bytes(void **state)
{
    (void)state;
    every_call_keeps_its_order((setting_t){20, 1});
}

static void calls_keep_their_order_with_pages_of_64_bytes(void **state)
{
    (void)state;
    every_call_keeps_its_order((setting_t){64, 1});
}

static void calls_keep_their_order_with_pages_of_4084_bytes(void **state)
{
    (void)state;
    every_call_keeps_its_order((setting_t){4084, 1});
}

static void calls_of_version_2_keep_their_order(void **state)
{
    (void)state;
    every_call_keeps_its_order((setting_t){20, 2});
    every_call_keeps_its_order((setting_t){64, 2});
    every_call_keeps_its_order((setting_t){4084, 2});
}

static void a_page_under_sync_is_not_written(void **state)
{
    (void)state;
    operation_t script[LENGTH];
    assert_true(run_all(script, 0, (setting_t){64, 1}, CLOSED, true) > 50);
    assert_true(run_all(script, 0, (setting_t){20, 1}, DESTROYED, true) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_keep_their_order_with_pages_of_20_bytes),
        cmocka_unit_test(calls_keep_their_order_with_pages_of_64_bytes),
        cmocka_unit_test(calls_keep_their_order_with_pages_of_4084_bytes),
        cmocka_unit_test(calls_of_version_2_keep_their_order),
        cmocka_unit_test(a_page_under_sync_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
