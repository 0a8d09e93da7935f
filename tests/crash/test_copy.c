/*
 * crash/test_copy.c: power cuts and failures in a copy, before each change of the copy's disk and in each call of either disk.
 * Whatever they leave: the copy is opened by nobody, or has all that an earlier copy had, or all that this one has; the next
 * copy completes it; and a copy that has returned survives every power cut. The journal is as it was; a copy from its files
 * changes nothing there, in any of the runs.
 *
 * LINK_WRAP: segj_process_word_make segj_process_word_free
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

enum { ENTRY = 8, DISKS = 4000, SELECTIONS = 5 };

/* The journal lies in the directory "journal" of one disk, the copy in "copy" of another. A simulated disk knows no
 * directories: these functions choose the disk. */
static simdisk_t *source_disk, *copy_disk;
static segj_storage_t both;

static void *context_of(const char *directory)
{
    return simdisk_storage(strcmp(directory, "copy") == 0 ? copy_disk : source_disk)->context;
}

static int both_partition_create(void *context, const char *directory, const char *partition)
{
    (void)context;
    return simdisk_storage(copy_disk)->partition_create(context_of(directory), directory, partition);
}

static int both_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    (void)context;
    return simdisk_storage(copy_disk)->partition_open(context_of(directory), directory, partition, opened);
}

static int both_partition_remove(void *context, const char *directory, const char *partition)
{
    (void)context;
    return simdisk_storage(copy_disk)->partition_remove(context_of(directory), directory, partition);
}

static int both_directory_sync(void *context, const char *directory)
{
    (void)context;
    return simdisk_storage(copy_disk)->directory_sync(context_of(directory), directory);
}

/* Nobody removes a section while its files are copied. */
static int both_file_refresh(segj_file_t *file, bool written)
{
    (void)file;
    (void)written;
    return 0;
}

/** A run: what there was, and what it becomes. */
typedef struct run {
    oversized_config_t config;
    oversized_t *journal;
    simdisk_t *disks[DISKS]; /* that power cuts have left */
    size_t count;
    uint64_t old, new; /* digests of what the copies have; 0: there was none */
    uint64_t cuts, states, refused, seed, calls, fail_at;
    int code;
    bool failed, beside; /* the copy is made from the files */
} run_t;

static void ok(segj_status_t status)
{
    if (status != SEGJ_OK)
        fail_msg("%s: %s", segj_status_name(status), segj_last_error());
}

/* --- what is in a journal --- */

static uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        digest = (digest ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    return digest;
}

static uint64_t digest_of(oversized_t *journal)
{
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    uint64_t section;
    oversized_replay_t *replay;
    segj_status_t status = oversized_oldest_section(journal, &section);
    for (; status == SEGJ_OK; status = oversized_next_section(journal, section, &section))
        digest = digest_bytes(digest, &section, sizeof section);
    ok(oversized_replay_open(journal, 0, 0, 4096, &replay));
    for (;;) {
        oversized_item_t item;
        const void *value;
        size_t size;
        status = oversized_replay_next(replay, &item);
        if (status == SEGJ_END)
            break;
        ok(status);
        ok(oversized_replay_value(replay, &value, &size));
        digest = digest_bytes(digest, &item.section, sizeof item.section);
        digest = digest_bytes(digest, &item.position, sizeof item.position);
        digest = digest_bytes(digest, item.entry, ENTRY);
        digest = digest_bytes(digest, value, size);
    }
    oversized_replay_close(replay);
    return digest;
}

/* Opens the copy as it is on a disk; false: every open refuses it. */
static bool open_copy(const run_t *run, simdisk_t *disk, uint64_t *digest)
{
    oversized_t *copy = NULL;
    oversized_config_t config = run->config;
    config.directory = "copy";
    config.strict = config.read_only = true;
    copy_disk = disk;
    segj_status_t status = oversized_open(&config, &copy);
    if (status == SEGJ_ERR_NOT_FOUND || (status == SEGJ_ERR_CORRUPT && strstr(segj_last_error(), "not completed")))
        return false;
    ok(status);
    *digest = digest_of(copy);
    ok(oversized_close(copy));
    oversized_inspection_t *found = NULL;
    ok(oversized_inspect(&config, &found));
    if (found->health != OVERSIZED_CLEAN)
        fail_msg("health %d: %s", (int)found->health, found->problem);
    oversized_inspection_free(found);
    return true;
}

/* --- power cuts --- */

static void note_disk(run_t *run, simdisk_t *disk)
{
    assert_in_range(run->count, 0, DISKS - 1);
    run->disks[run->count++] = disk;
}

/* Nothing is kept, everything, or what chance says. */
static void cut_power(run_t *run, simdisk_t *disk)
{
    size_t units = simdisk_units(disk);
    uint8_t *keep = calloc(units + 1, 1);
    assert_non_null(keep);
    for (unsigned selection = 0; selection < SELECTIONS; selection++) {
        for (size_t i = 0; i < units; i++) {
            run->seed = run->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            keep[i] = selection < 2 ? (uint8_t)selection : (uint8_t)(run->seed >> 63);
        }
        note_disk(run, simdisk_crash(disk, keep, (simdisk_fill_t)(selection % SIMDISK_FILLS)));
        if (units == 0)
            break;
    }
    free(keep);
    run->cuts++;
}

static void before_change(void *context, simdisk_t *disk, simdisk_call_t call)
{
    (void)call;
    cut_power(context, disk);
}

static void refuse_change(void *context, simdisk_t *disk, simdisk_call_t call)
{
    (void)context;
    (void)disk;
    fail_msg("the disk of the journal is changed, by call %d", (int)call);
}

/* Nothing of the journal is changed by a copy from its files. */
static segj_status_t copy_once(const run_t *run, simdisk_t *disk)
{
    copy_disk = disk;
    if (!run->beside)
        return oversized_copy(run->journal, "copy", NULL, NULL);
    simdisk_on_call(source_disk, refuse_change, NULL);
    segj_status_t status = oversized_copy_beside(&run->config, "copy", NULL, NULL);
    simdisk_on_call(source_disk, NULL, NULL);
    return status;
}

static uint64_t copy_onto(const run_t *run, simdisk_t *disk)
{
    uint64_t digest = 0;
    ok(copy_once(run, disk));
    assert_true(open_copy(run, disk, &digest));
    return digest;
}

static void check_durable(const run_t *run, simdisk_t *disk)
{
    uint64_t digest = 0;
    uint8_t *keep = calloc(simdisk_units(disk) + 1, 1);
    assert_non_null(keep);
    simdisk_t *after = simdisk_crash(disk, keep, SIMDISK_SHORT);
    free(keep);
    if (!open_copy(run, after, &digest))
        fail_msg("what has returned is refused: %s", segj_last_error());
    assert_true(digest == run->new);
    simdisk_free(after);
}

/* What a cut has left is the old copy or the new one or none, and the next copy completes it, durably. */
static void judge_disk(run_t *run, simdisk_t *disk)
{
    uint64_t digest = 0;
    bool opened = open_copy(run, disk, &digest);
    run->states++;
    run->refused += !opened;
    if (opened && digest != run->new && (run->old == 0 || digest != run->old))
        fail_msg("a copy that is neither the old one nor the new one");
    assert_true(copy_onto(run, disk) == run->new);
    check_durable(run, disk);
}

static void judge_disks(run_t *run)
{
    for (size_t i = 0; i < run->count; i++) {
        judge_disk(run, run->disks[i]);
        simdisk_free(run->disks[i]);
    }
    run->count = 0;
}

/* --- failures --- */

static void count_call(void *context, simdisk_call_t call, simdisk_fault_t *fault)
{
    run_t *run = context;
    (void)call;
    if (++run->calls != run->fail_at)
        return;
    fault->code = run->code;
    run->failed = true;
}

/* Each call of either disk fails once. A page that could not be read among others may be read alone. */
static void fail_each_call(run_t *run, const simdisk_t *before)
{
    for (run->fail_at = 1;; run->fail_at++) {
        simdisk_t *disk = simdisk_kill(before);
        run->calls = 0;
        run->failed = false;
        run->code = run->fail_at % 2 == 0 ? EIO : ENOSPC;
        simdisk_on_fault(disk, count_call, run);
        simdisk_on_fault(source_disk, count_call, run);
        segj_status_t status = copy_once(run, disk);
        simdisk_on_fault(disk, NULL, NULL);
        simdisk_on_fault(source_disk, NULL, NULL);
        if (status != SEGJ_OK)
            assert_true(status == (run->code == EIO ? SEGJ_ERR_IO : SEGJ_ERR_NO_SPACE));
        assert_null(oversized_error(run->journal));
        if (run->failed)
            judge_disk(run, disk);
        simdisk_free(disk);
        if (!run->failed)
            break;
    }
}

/* --- what is copied --- */

static void append(const run_t *run, uint64_t section, unsigned count, unsigned salt)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t value[300];
        uint8_t entry[ENTRY] = {(uint8_t)salt, (uint8_t)i, 3, 4, 5, 6, 7, 8};
        memset(value, (int)(salt * 31 + i), sizeof value);
        ok(oversized_append(run->journal, section, entry, value, i * 37 % sizeof value, NULL, NULL));
    }
}

static void make_first(const run_t *run)
{
    append(run, 1, 9, 0);
    append(run, 2, 40, 1);
    append(run, 3, 5, 2);
    ok(oversized_sync_all(run->journal));
}

static void grow(const run_t *run)
{
    append(run, 3, 11, 3);
    append(run, 5, 2, 4);
}

static void rewind_and_append(const run_t *run)
{
    ok(oversized_rewind_section_to(run->journal, 2, 17));
    append(run, 2, 23, 5);
    ok(oversized_prune(run->journal, 2, NULL));
}

static void nothing(const run_t *run)
{
    (void)run;
}

static void copy_through_failures(const char *name, const oversized_config_t *config, bool beside, bool copied_before,
                                  void (*change)(const run_t *run))
{
    run_t *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->config = *config;
    run->beside = beside;
    source_disk = simdisk_new();
    simdisk_t *disk = simdisk_new();
    copy_disk = disk;
    ok(oversized_open(&run->config, &run->journal));
    make_first(run);
    if (copied_before)
        run->old = copy_onto(run, disk);
    change(run);
    ok(oversized_sync_all(run->journal));
    simdisk_t *before = simdisk_kill(disk);
    run->new = digest_of(run->journal);
    simdisk_on_call(disk, before_change, run);
    assert_true(copy_onto(run, disk) == run->new);
    simdisk_on_call(disk, NULL, NULL);
    cut_power(run, disk);
    judge_disks(run);
    check_durable(run, disk);
    fail_each_call(run, before);
    print_message("  %s: %llu cuts, %llu states, %llu of them refused by open\n", name, (unsigned long long)run->cuts,
                  (unsigned long long)run->states, (unsigned long long)run->refused);
    assert_true(digest_of(run->journal) == run->new);
    ok(oversized_close(run->journal));
    simdisk_free(before);
    simdisk_free(disk);
    simdisk_free(source_disk);
    free(run);
}

static oversized_config_t config_of(segj_format_t format, uint8_t version)
{
    oversized_config_t config;
    oversized_config_init(&config);
    config.directory = "journal";
    config.entry_size = ENTRY;
    config.page_size = 64;
    config.page_cache_pages = 8;
    config.format = format;
    config.native_version = version;
    config.storage = &both;
    return config;
}

static void copy_all(const char *name, segj_format_t format, uint8_t version, bool beside)
{
    oversized_config_t config = config_of(format, version);
    char text[64];
    (void)snprintf(text, sizeof text, "%s, new", name);
    copy_through_failures(text, &config, beside, false, nothing);
    (void)snprintf(text, sizeof text, "%s, grown", name);
    copy_through_failures(text, &config, beside, true, grow);
    (void)snprintf(text, sizeof text, "%s, rewound and pruned", name);
    copy_through_failures(text, &config, beside, true, rewind_and_append);
    (void)snprintf(text, sizeof text, "%s, equal", name);
    copy_through_failures(text, &config, beside, true, nothing);
}

static void copies_of_version_1(void **state)
{
    (void)state;
    copy_all("version 1", SEGJ_FORMAT_NATIVE, 1, false);
}

static void copies_of_version_2(void **state)
{
    (void)state;
    copy_all("version 2", SEGJ_FORMAT_NATIVE, 2, false);
}

static void copies_of_commonware(void **state)
{
    (void)state;
    copy_all("commonware", SEGJ_FORMAT_COMMONWARE, 0, false);
}

static void copies_from_files_of_version_1(void **state)
{
    (void)state;
    copy_all("files of version 1", SEGJ_FORMAT_NATIVE, 1, true);
}

static void copies_from_files_of_version_2(void **state)
{
    (void)state;
    copy_all("files of version 2", SEGJ_FORMAT_NATIVE, 2, true);
}

int main(void)
{
    simdisk_t *any = simdisk_new();
    both = *simdisk_storage(any);
    simdisk_free(any);
    both.partition_create = both_partition_create;
    both.partition_open = both_partition_open;
    both.partition_remove = both_partition_remove;
    both.directory_sync = both_directory_sync;
    both.file_refresh = both_file_refresh;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_of_version_1),
        cmocka_unit_test(copies_of_version_2),
        cmocka_unit_test(copies_of_commonware),
        cmocka_unit_test(copies_from_files_of_version_1),
        cmocka_unit_test(copies_from_files_of_version_2),
    };
    return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
