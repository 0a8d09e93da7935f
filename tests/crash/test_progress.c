/*
 * crash/test_progress.c: an open, a prune and a destroy that are cancelled at each call of their progress, with power cuts
 * before each change that they make, and with each call of the disk failing once. A cancelled open has changed nothing; the
 * removals have removed what they say, durably, and whatever a cut or a failure leaves is a journal without some of its
 * oldest sections.
 *
 * LINK_WRAP: segj_process_time segj_process_word_make segj_process_word_free
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "segjournal/tools.h"
#include "support/simdisk.h"

enum { ENTRY = 8, SECTIONS = 5, DISKS = 2000, SELECTIONS = 4 };

/* Each look at the clock takes a fifth of a second, so that each step is told of, and is one section. */
static uint64_t clock_now;

uint64_t __wrap_segj_process_time(void);

uint64_t __wrap_segj_process_time(void)
{
    return clock_now += 200000000;
}

/** A format, and what is tried in it. */
typedef struct trial {
    oversized_config_t config;
    simdisk_t *disks[DISKS]; /* that power cuts have left */
    size_t count;
    unsigned calls, cancel_at; /* of the progress */
    uint64_t seed, disk_calls, fail_at;
    uint64_t states;
    bool failed;
} trial_t;

static void ok(segj_status_t status)
{
    if (status != SEGJ_OK)
        fail_msg("%s: %s", segj_status_name(status), segj_last_error());
}

static bool cancel(void *context, const oversized_progress_t *progress)
{
    trial_t *trial = context;
    (void)progress;
    return ++trial->calls == trial->cancel_at;
}

/* --- the journal --- */

static unsigned records_of(uint64_t section)
{
    return 3 + 4 * (unsigned)section;
}

static void make_value(uint64_t section, unsigned position, uint8_t *value, size_t *size)
{
    *size = (size_t)(section * 31 + position * 7) % 90;
    memset(value, (int)(section * 16 + position), *size);
}

/* The newest section has records that no sync has covered. */
static simdisk_t *make_disk(trial_t *trial)
{
    oversized_t *journal;
    simdisk_t *disk = simdisk_new();
    trial->config.storage = simdisk_storage(disk);
    ok(oversized_open(&trial->config, &journal));
    for (uint64_t section = 1; section <= SECTIONS; section++) {
        for (unsigned i = 0; i < records_of(section); i++) {
            uint8_t value[100];
            uint8_t entry[ENTRY] = {(uint8_t)section, (uint8_t)i};
            size_t size;
            make_value(section, i, value, &size);
            ok(oversized_append(journal, section, entry, value, size, NULL, NULL));
        }
        if (section < SECTIONS)
            ok(oversized_sync(journal, section));
        else
            ok(oversized_flush(journal, section));
    }
    oversized_abandon(journal);
    simdisk_t *made = simdisk_kill(disk);
    simdisk_free(disk);
    return made;
}

static oversized_t *open_disk(trial_t *trial, simdisk_t *disk)
{
    oversized_t *journal;
    trial->config.storage = simdisk_storage(disk);
    trial->config.progress = NULL;
    ok(oversized_open(&trial->config, &journal));
    return journal;
}

/* The sections from the oldest one on are there, whole; of the newest what was synced, which is nothing. Gives the oldest;
 * SECTIONS + 1: there is none. */
static uint64_t check_sections(oversized_t *journal, bool whole)
{
    uint64_t oldest = SECTIONS + 1;
    segj_status_t status = oversized_oldest_section(journal, &oldest);
    if (status == SEGJ_END)
        return SECTIONS + 1;
    ok(status);
    for (uint64_t section = oldest; section <= SECTIONS; section++) {
        uint64_t count;
        ok(oversized_count(journal, section, &count));
        if (section < SECTIONS || whole)
            assert_int_equal(count, records_of(section));
        for (unsigned i = 0; i < count; i++) {
            segj_buffer_t found = SEGJ_ZERO;
            uint8_t value[100];
            size_t size;
            make_value(section, i, value, &size);
            status = oversized_read(journal, section, i, NULL, &found);
            if (status == SEGJ_ERR_CHECKSUM && section == SECTIONS && !whole) { /* commonware: no sync has covered it */
                segj_buffer_free(&found);
                continue;
            }
            ok(status);
            assert_int_equal(found.size, size);
            if (size > 0)
                assert_memory_equal(found.data, value, size);
            segj_buffer_free(&found);
        }
    }
    return oldest;
}

/* --- power cuts --- */

static simdisk_t *crash(trial_t *trial, simdisk_t *disk, unsigned selection)
{
    size_t units = simdisk_units(disk);
    uint8_t *keep = calloc(units + 1, 1);
    assert_non_null(keep);
    for (size_t i = 0; i < units; i++) {
        trial->seed = trial->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        keep[i] = selection < 2 ? (uint8_t)selection : (uint8_t)(trial->seed >> 63);
    }
    simdisk_t *left = simdisk_crash(disk, keep, (simdisk_fill_t)(selection % SIMDISK_FILLS));
    free(keep);
    return left;
}

static void before_change(void *context, simdisk_t *disk, simdisk_call_t call)
{
    trial_t *trial = context;
    (void)call;
    for (unsigned selection = 0; selection < SELECTIONS; selection++) {
        assert_in_range(trial->count, 0, DISKS - 1);
        trial->disks[trial->count++] = crash(trial, disk, selection);
    }
}

/* At least `removed` sections are gone, and no others but the oldest: at most `most`. */
static void judge_disk(trial_t *trial, simdisk_t *disk, uint64_t removed, uint64_t most)
{
    oversized_t *journal = open_disk(trial, disk);
    uint64_t oldest = check_sections(journal, false);
    if (oldest <= removed || oldest > most + 1)
        fail_msg("the oldest section is %llu, of %llu that were removed, %llu at most", (unsigned long long)oldest,
                 (unsigned long long)removed, (unsigned long long)most);
    ok(oversized_close(journal));
    trial->states++;
}

static void judge_disks(trial_t *trial, uint64_t most)
{
    for (size_t i = 0; i < trial->count; i++) {
        judge_disk(trial, trial->disks[i], 0, most);
        simdisk_free(trial->disks[i]);
    }
    trial->count = 0;
}

/* --- removals --- */

typedef segj_status_t remove_t(oversized_t **journal, const oversized_removal_options_t *options,
                               oversized_removed_t *removed);

static segj_status_t prune(oversized_t **journal, const oversized_removal_options_t *options,
                           oversized_removed_t *removed)
{
    return oversized_prune_with(*journal, SECTIONS, options, removed);
}

static segj_status_t destroy(oversized_t **journal, const oversized_removal_options_t *options,
                             oversized_removed_t *removed)
{
    segj_status_t status = oversized_destroy_with(*journal, options, removed);
    if (status != SEGJ_ERR_CANCELLED && status != SEGJ_ERR_BUSY)
        *journal = NULL;
    return status;
}

static segj_status_t run_removal(trial_t *trial, remove_t *call, oversized_t **journal, oversized_removed_t *removed)
{
    oversized_removal_options_t options;
    oversized_removal_options_init(&options);
    options.progress = cancel;
    options.context = trial;
    trial->calls = 0;
    return call(journal, &options, removed);
}

static void check_durable(trial_t *trial, simdisk_t *disk, uint64_t removed)
{
    for (unsigned selection = 0; selection < 2; selection++) {
        simdisk_t *left = crash(trial, disk, selection);
        judge_disk(trial, left, removed, removed);
        simdisk_free(left);
    }
}

static void cancel_removal(trial_t *trial, const simdisk_t *before, remove_t *call, unsigned sections)
{
    for (trial->cancel_at = 1; trial->cancel_at <= sections; trial->cancel_at++) {
        simdisk_t *disk = simdisk_kill(before);
        oversized_removed_t removed;
        oversized_t *journal = open_disk(trial, disk);
        simdisk_on_call(disk, before_change, trial);
        segj_status_t status = run_removal(trial, call, &journal, &removed);
        simdisk_on_call(disk, NULL, NULL);
        assert_int_equal(removed.sections, trial->cancel_at);
        assert_int_equal(status, trial->cancel_at < sections ? SEGJ_ERR_CANCELLED : SEGJ_OK);
        if (journal != NULL)
            assert_int_equal(check_sections(journal, true), trial->cancel_at + 1);
        check_durable(trial, disk, removed.sections);
        oversized_abandon(journal);
        judge_disks(trial, removed.sections);
        simdisk_free(disk);
    }
}

static void count_call(void *context, simdisk_call_t call, simdisk_fault_t *fault)
{
    trial_t *trial = context;
    (void)call;
    if (++trial->disk_calls != trial->fail_at)
        return;
    fault->code = EIO;
    trial->failed = true;
}

/* Each call of the disk fails once, of a removal that is cancelled after so many steps, or not (0). What is said to be removed
 * is removed, and of the rest one step's. */
static void fail_removal(trial_t *trial, const simdisk_t *before, remove_t *call, unsigned cancel_at)
{
    trial->cancel_at = cancel_at;
    for (trial->fail_at = 1;; trial->fail_at++) {
        simdisk_t *disk = simdisk_kill(before);
        oversized_removed_t removed;
        oversized_t *journal = open_disk(trial, disk);
        trial->disk_calls = 0;
        trial->failed = false;
        simdisk_on_fault(disk, count_call, trial);
        segj_status_t status = run_removal(trial, call, &journal, &removed);
        simdisk_on_fault(disk, NULL, NULL);
        if (status != SEGJ_OK && (cancel_at == 0 || status != SEGJ_ERR_CANCELLED))
            assert_int_equal(status, SEGJ_ERR_IO);
        if (status == SEGJ_ERR_CANCELLED)
            assert_int_equal(removed.sections, cancel_at);
        oversized_abandon(journal);
        for (unsigned selection = 0; selection < SELECTIONS && trial->failed; selection++) {
            simdisk_t *left = crash(trial, disk, selection);
            judge_disk(trial, left, removed.sections, removed.sections + 1);
            simdisk_free(left);
        }
        simdisk_free(disk);
        if (!trial->failed)
            break;
    }
}

/* --- open --- */

static void cancel_open(trial_t *trial, const simdisk_t *before)
{
    segj_status_t status = SEGJ_ERR_CANCELLED;
    for (trial->cancel_at = 1; status != SEGJ_OK; trial->cancel_at++) {
        simdisk_t *disk = simdisk_kill(before);
        oversized_t *journal = NULL;
        trial->calls = 0;
        trial->config.storage = simdisk_storage(disk);
        trial->config.progress = cancel;
        trial->config.progress_context = trial;
        simdisk_on_call(disk, before_change, trial);
        status = oversized_open(&trial->config, &journal);
        simdisk_on_call(disk, NULL, NULL);
        assert_int_equal(status, journal == NULL ? SEGJ_ERR_CANCELLED : SEGJ_OK);
        if (journal == NULL) {
            for (uint64_t section = 1; section <= SECTIONS; section++) {
                char name[17];
                uint64_t size[2];
                uint64_t hash[2];
                (void)snprintf(name, sizeof name, "%016llx", (unsigned long long)section);
                for (unsigned part = 0; part < 2; part++) {
                    const char *partition = part == 0 ? "index" : "values";
                    assert_true(simdisk_stat(before, partition, name, &size[0], &hash[0]));
                    assert_true(simdisk_stat(disk, partition, name, &size[1], &hash[1]));
                    assert_true(size[0] == size[1] && hash[0] == hash[1]);
                }
            }
        }
        oversized_abandon(journal);
        judge_disks(trial, 0);
        simdisk_free(disk);
    }
    assert_true(trial->cancel_at > SECTIONS);
}

/* Each call of the disk fails once, of an open that is cancelled at each call of its progress, or not at all. Whichever
 * comes first: afterwards everything is there. */
static void fail_open(trial_t *trial, const simdisk_t *before)
{
    for (unsigned cancel_at = 0; cancel_at <= SECTIONS + 1; cancel_at++)
        for (trial->fail_at = 1;; trial->fail_at++) {
            simdisk_t *disk = simdisk_kill(before);
            oversized_t *journal = NULL;
            trial->calls = 0;
            trial->cancel_at = cancel_at;
            trial->disk_calls = 0;
            trial->failed = false;
            trial->config.storage = simdisk_storage(disk);
            trial->config.progress = cancel;
            trial->config.progress_context = trial;
            simdisk_on_fault(disk, count_call, trial);
            segj_status_t status = oversized_open(&trial->config, &journal);
            simdisk_on_fault(disk, NULL, NULL);
            if (status != SEGJ_OK && (cancel_at == 0 || status != SEGJ_ERR_CANCELLED))
                assert_int_equal(status, SEGJ_ERR_IO);
            oversized_abandon(journal);
            for (unsigned selection = 0; selection < 2; selection++) {
                simdisk_t *left = crash(trial, disk, selection);
                judge_disk(trial, left, 0, 0);
                simdisk_free(left);
            }
            simdisk_free(disk);
            if (!trial->failed)
                break;
        }
}

/* --- formats --- */

static void cancel_all(const char *name, segj_format_t format, uint8_t version)
{
    trial_t *trial = calloc(1, sizeof *trial);
    assert_non_null(trial);
    oversized_config_init(&trial->config);
    trial->config.directory = "journal";
    trial->config.entry_size = ENTRY;
    trial->config.page_size = 64;
    trial->config.page_cache_pages = 8;
    trial->config.format = format;
    trial->config.native_version = version;
    simdisk_t *before = make_disk(trial);
    cancel_open(trial, before);
    cancel_removal(trial, before, prune, SECTIONS - 1);
    cancel_removal(trial, before, destroy, SECTIONS);
    fail_open(trial, before);
    for (unsigned cancel_at = 0; cancel_at <= 2; cancel_at += 2) {
        fail_removal(trial, before, prune, cancel_at);
        fail_removal(trial, before, destroy, cancel_at);
    }
    print_message("  %s: %llu states\n", name, (unsigned long long)trial->states);
    simdisk_free(before);
    free(trial);
}

static void native_journals(void **state)
{
    (void)state;
    cancel_all("version 1", SEGJ_FORMAT_NATIVE, 1);
    cancel_all("version 2", SEGJ_FORMAT_NATIVE, 2);
}

static void commonware_journals(void **state)
{
    (void)state;
    cancel_all("commonware", SEGJ_FORMAT_COMMONWARE, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(native_journals), cmocka_unit_test(commonware_journals)};
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
