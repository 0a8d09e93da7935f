/*
 * orders/test_crash.c: every order in which two threads append to one section and sync it, on a disk that is cut at
 * each of its calls: whatever of the changes in flight is kept, what was acknowledged is there, and nothing else is
 * shown than what was appended, whole and in its order.
 *
 * LINK_WRAP: pthread_mutex_lock pthread_mutex_trylock pthread_mutex_unlock pthread_cond_wait pthread_cond_broadcast
 * LINK_WRAP: segj_park_wait segj_park_wait_for segj_process_time segj_process_sleep
 * LINK_WRAP: segj_gate_enter segj_gate_try segj_gate_leave segj_gate_leave_for_long segj_gate_is_wanted
 * LINK_WRAP: segj_word_sleep segj_word_sleep_for segj_word_wake
 */
#include "crash/seen.h"
#include "orders/schedule.h"
#include "support/simdisk.h"
#include "threads/samples.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECTION = 3,
    BEFORE = 1,
    THREADS = 2,
    EACH = 3, /* records of a thread */
    UNITS_MOST = 12,
    RECORDS_MOST = BEFORE + THREADS * EACH,
    TOLD_NOTHING = -1
};

/** What is played. */
typedef struct scene {
    const char *name;
    uint8_t version;
    size_t buffer; /* of values: 1 hands each over at once */
    bool batches;  /* a thread's last two records are one */
    bool late;     /* it syncs the last one alone */
    bool full;     /* buffers are full, and written behind the appends */
    int preemptions;
    simdisk_t *disk;
    oversized_config_t config;
    oversized_t *journal;
    int64_t position[RECORDS_MOST]; /* of a record by its id, once it was told */
    bool begun[RECORDS_MOST];
    uint64_t acknowledged; /* records that are durable */
    seen_t seen;
    uint64_t cuts, states, largest; /* states: different ones; the most units of a cut */
} scene_t;

/* --- what a cut leaves --- */

static uint64_t first_of_batch(int actor)
{
    return (uint64_t)(BEFORE + actor * EACH + EACH - 2);
}

/* What has come back of record `id` at `position`. */
static void judge_record(const scene_t *scene, uint64_t id, uint64_t position, bool *there)
{
    if (id >= RECORDS_MOST || !scene->begun[id])
        schedule_fail("record %llu was never appended", (unsigned long long)id);
    if (there[id])
        schedule_fail("record %llu is there twice", (unsigned long long)id);
    if (scene->position[id] != TOLD_NOTHING && (uint64_t)scene->position[id] != position)
        schedule_fail("record %llu lies at %llu", (unsigned long long)id, (unsigned long long)position);
    if (id > BEFORE && (id - BEFORE) % EACH != 0 && !there[id - 1])
        schedule_fail("record %llu comes before the one that its thread appended before", (unsigned long long)id);
    there[id] = true;
}

static void judge(const scene_t *scene, oversized_t *journal)
{
    bool there[RECORDS_MOST] = {false};
    uint8_t entry[SMALL_ENTRY] = {0};
    segj_buffer_t value = {0};
    uint64_t count = 0;
    if (oversized_count(journal, SECTION, &count) != SEGJ_OK || count < scene->acknowledged)
        schedule_fail("%llu records are there, %llu were acknowledged", (unsigned long long)count,
                      (unsigned long long)scene->acknowledged);
    for (uint64_t position = 0; position < count; position++) {
        if (oversized_read(journal, SECTION, position, entry, &value) != SEGJ_OK || !is_sample(SECTION, entry, &value))
            schedule_fail("position %llu: %s", (unsigned long long)position, segj_last_error());
        judge_record(scene, get_u64(entry), position, there);
    }
    segj_buffer_free(&value);
    for (int actor = 0; scene->batches && scene->version == 2 && actor < THREADS; actor++)
        if (there[first_of_batch(actor)] != there[first_of_batch(actor) + 1])
            schedule_fail("half a batch is there");
    if (oversized_recovery(journal)->synced_records_lost > 0)
        schedule_fail("%llu synced records count as lost",
                      (unsigned long long)oversized_recovery(journal)->synced_records_lost);
}

static void open_and_judge(scene_t *scene, simdisk_t *after)
{
    oversized_config_t config = scene->config;
    oversized_t *journal = NULL;
    config.storage = simdisk_storage(after);
    scene->states++;
    if (oversized_open(&config, &journal) != SEGJ_OK)
        schedule_fail("open: %s", segj_last_error());
    judge(scene, journal);
    oversized_abandon(journal);
}

static void cut_once(scene_t *scene, simdisk_cut_t *cut, const uint8_t *keep, simdisk_fill_t fill)
{
    const simdisk_fill_t fills[2] = {fill, fill};
    /* What was told is a part of the state. */
    uint64_t told = scene->acknowledged;
    for (int id = 0; id < RECORDS_MOST; id++)
        told = told * 31 + (uint64_t)(scene->position[id] + 1) * 2 + scene->begun[id];
    if (seen_note(&scene->seen, simdisk_cut_hash(cut, keep, fills) ^ told * UINT64_C(0x9E3779B97F4A7C15), 0) ==
        SEEN_ENOUGH)
        return;
    simdisk_t *after = simdisk_cut_build(cut, keep, fills);
    open_and_judge(scene, after);
    simdisk_free(after);
}

static void cut_here(void *context, simdisk_t *disk, simdisk_call_t call)
{
    scene_t *scene = context;
    uint8_t keep[UNITS_MOST] = {0};
    (void)call;
    schedule_pause();
    simdisk_cut_t *cut = simdisk_cut_new(disk);
    size_t units = simdisk_cut_units(cut);
    if (units > UNITS_MOST)
        schedule_fail("%zu units, there is room for %d", units, UNITS_MOST);
    scene->cuts++;
    scene->largest = units > scene->largest ? units : scene->largest;
    for (uint32_t mask = 0; mask < (uint32_t)1 << units; mask++) {
        for (size_t i = 0; i < units; i++)
            keep[i] = (uint8_t)(mask >> i & 1);
        for (int fill = 0; fill < SIMDISK_FILLS; fill++)
            cut_once(scene, cut, keep, (simdisk_fill_t)fill);
    }
    simdisk_cut_free(cut);
    schedule_resume();
}

/* --- what the threads do --- */

static segj_status_t append_one(scene_t *scene, uint64_t id)
{
    uint64_t position = 0;
    scene->begun[id] = true;
    segj_status_t status = append_sample(scene->journal, SECTION, id, &position);
    scene->position[id] = status == SEGJ_OK ? (int64_t)position : TOLD_NOTHING;
    return status;
}

static segj_status_t append_two(scene_t *scene, uint64_t id)
{
    uint8_t entries[2][SMALL_ENTRY] = {{0}};
    uint8_t values[2][SAMPLE_MAX];
    oversized_record_t records[2];
    uint64_t position = 0;
    for (uint64_t i = 0; i < 2; i++) {
        put_u64(entries[i], id + i);
        make_sample(SECTION, id + i, values[i]);
        records[i] = (oversized_record_t){entries[i], values[i], sample_size(id + i)};
        scene->begun[id + i] = true;
    }
    segj_status_t status = oversized_append_batch(scene->journal, SECTION, records, 2, &position, NULL);
    for (uint64_t i = 0; i < 2 && status == SEGJ_OK; i++)
        scene->position[id + i] = (int64_t)(position + i);
    return status;
}

static segj_status_t sync_up_to(scene_t *scene, uint64_t id)
{
    segj_status_t status = oversized_sync(scene->journal, SECTION);
    uint64_t durable = (uint64_t)scene->position[id] + 1;
    if (status == SEGJ_OK && durable > scene->acknowledged)
        scene->acknowledged = durable;
    return status;
}

/* A record and a sync, and two more and another one. */
static void act(void *context, int actor)
{
    scene_t *scene = context;
    uint64_t id = (uint64_t)(BEFORE + actor * EACH);
    segj_status_t status = append_one(scene, id);
    if (status == SEGJ_OK && !scene->late)
        status = sync_up_to(scene, id);
    if (status == SEGJ_OK && scene->batches) {
        status = append_two(scene, id + 1);
    } else {
        for (uint64_t i = 1; i < EACH && status == SEGJ_OK; i++)
            status = append_one(scene, id + i);
    }
    if (status == SEGJ_OK)
        status = sync_up_to(scene, id + EACH - 1);
    if (status != SEGJ_OK)
        schedule_fail("%c: %s: %s", 'A' + actor, segj_status_name(status), segj_last_error());
}

static void begin(void *context)
{
    scene_t *scene = context;
    scene->disk = simdisk_new();
    simdisk_set_grain(scene->disk, 512);
    small_config(&scene->config, "anywhere");
    scene->config.native_version = scene->version;
    scene->config.value_write_buffer = scene->buffer;
    scene->config.storage = schedule_storage(simdisk_storage(scene->disk));
    scene->acknowledged = 0;
    for (int id = 0; id < RECORDS_MOST; id++) {
        scene->position[id] = TOLD_NOTHING;
        scene->begun[id] = false;
    }
    assert_ok(oversized_open(&scene->config, &scene->journal));
    assert_ok(append_one(scene, 0));
    assert_ok(sync_up_to(scene, 0));
    simdisk_on_call(scene->disk, cut_here, scene);
}

static void end(void *context)
{
    scene_t *scene = context;
    uint64_t count = 0;
    cut_here(scene, scene->disk, SIMDISK_FILE_SYNC);
    assert_int_equal(scene->acknowledged, RECORDS_MOST);
    assert_ok(oversized_count(scene->journal, SECTION, &count));
    assert_int_equal(count, RECORDS_MOST);
    simdisk_on_call(scene->disk, NULL, NULL);
    oversized_abandon(scene->journal);
    simdisk_free(scene->disk);
}

static void play(scene_t scene)
{
    uint64_t behind = schedule_leaves_for_long();
    const schedule_play_t what = {scene.name, THREADS, scene.preemptions, begin, act, end, &scene, false};
    schedule_explore(&what);
    print_message("    %llu cuts, of %llu changes at most; %llu states\n", (unsigned long long)scene.cuts,
                  (unsigned long long)scene.largest, (unsigned long long)scene.states);
    assert_true(scene.largest >= 2);
    assert_true(!scene.full || schedule_leaves_for_long() > behind);
    seen_free(&scene.seen);
}

static void two_who_append_and_sync(void **state)
{
    (void)state;
    play((scene_t){.name = "version 1", .version = 1, .buffer = 4096, .preemptions = 2});
    play((scene_t){.name = "version 2", .version = 2, .buffer = 4096, .preemptions = 2});
}

/* Values are written while another thread syncs. */
static void two_whose_values_are_written_at_once(void **state)
{
    (void)state;
    play((scene_t){.name = "version 1, no buffer", .version = 1, .buffer = 1, .preemptions = 2});
    play((scene_t){.name = "version 2, no buffer", .version = 2, .buffer = 1, .preemptions = 2});
}

static void two_who_append_batches(void **state)
{
    (void)state;
    play((scene_t){.name = "version 1, batches", .version = 1, .buffer = 64, .batches = true, .preemptions = 2});
    play((scene_t){.name = "version 2, batches", .version = 2, .buffer = 64, .batches = true, .preemptions = 2});
}

/* One writes a full buffer while the other one appends, and syncs. */
static void two_who_fill_buffers(void **state)
{
    (void)state;
    play((scene_t){
        .name = "version 1, full", .version = 1, .buffer = 256, .late = true, .full = true, .preemptions = 2});
    play((scene_t){
        .name = "version 2, full", .version = 2, .buffer = 256, .late = true, .full = true, .preemptions = 2});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_who_append_and_sync),
        cmocka_unit_test(two_whose_values_are_written_at_once),
        cmocka_unit_test(two_who_append_batches),
        cmocka_unit_test(two_who_fill_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
