/*
 * crash/test_ends.c: power cuts and kills in what ends a journal early: an open with a bound, in both formats, and prunes,
 * rewinds and opens of an archive whose records commonware-storage counts. Before each changing call of the storage, with
 * every subset of what is not durable (or a selection): each section is a beginning of what it was, no shorter than what
 * was to stay; the counts are no more than there is, so that the program opens the archive; and the same call made again
 * ends as if nothing had happened.
 *
 * LINK_WRAP: segj_process_word_make segj_process_word_free
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "segjournal/oversized.h"
#include "support/commonware.h"
#include "support/simdisk.h"

enum { SECTIONS = 3, RECORDS = 9, VALUE = 50, FRAME = VALUE + 4, COUNTED = 7, NAME = 96, RECORD = 20 };

#define COUNTS "counts"

typedef enum what { BOUNDED, PRUNED, REWOUND, REWOUND_ALONE, CHECKPOINTED, LOST } what_t;

typedef struct run {
    oversized_config_t config;
    what_t what;
    oversized_bound_t bound;
    oversized_checkpoint_t checkpoint;
    bool counted;
    uint64_t cuts, states, whole, ended;
} run_t;

/* What of a section stays in the end. */
static uint64_t rest_of(const run_t *run, uint64_t section)
{
    switch (run->what) {
    case PRUNED:
        return section < 2 ? 0 : RECORDS;
    case LOST:
        return section == 1 ? 4 : RECORDS;
    case REWOUND_ALONE:
        return section == 1 ? 4 : RECORDS;
    default:
        return section == 0 ? RECORDS : section == 1 ? 4 : 0;
    }
}

static segj_status_t try_open(const run_t *run, simdisk_t *disk, bool ending, oversized_t **journal)
{
    oversized_config_t config = run->config;
    config.storage = simdisk_storage(disk);
    if (ending && run->what == BOUNDED)
        config.bound = &run->bound;
    if (ending && run->what == CHECKPOINTED)
        config.checkpoint = &run->checkpoint;
    return oversized_open(&config, journal);
}

static oversized_t *open_on(const run_t *run, simdisk_t *disk, bool ending)
{
    oversized_t *journal = NULL;
    segj_status_t status = try_open(run, disk, ending, &journal);
    if (status != SEGJ_OK)
        print_error("%s\n", segj_last_error());
    assert_int_equal(status, SEGJ_OK);
    return journal;
}

/* --- the counts, as the crate reads them --- */

static void write_counts(simdisk_t *disk)
{
    static const char *const names[2] = {"6c656674", "7269676874"};
    const segj_storage_t *storage = simdisk_storage(disk);
    segj_partition_t *partition;
    segj_file_t *file;
    assert_int_equal(storage->partition_create(storage->context, "disk", COUNTS), 0);
    assert_int_equal(storage->partition_open(storage->context, "disk", COUNTS, &partition), 0);
    for (unsigned side = 0; side < 2; side++) {
        uint8_t bytes[COMMONWARE_V1 + 12 + 16 * SECTIONS];
        size_t done = 0;
        segj_slice_t slice = {bytes, sizeof bytes};
        encode_commonware_header(bytes, COMMONWARE_V1, 0);
        put_u64(bytes + COMMONWARE_V1, 5 + side);
        for (uint64_t i = 0; i < SECTIONS; i++) {
            put_u64(bytes + COMMONWARE_V1 + 8 + 16 * i, i);
            put_u64(bytes + COMMONWARE_V1 + 16 + 16 * i, COUNTED);
        }
        put_u32(bytes + sizeof bytes - 4, plain_checksum(bytes + COMMONWARE_V1, sizeof bytes - COMMONWARE_V1 - 4));
        assert_int_equal(storage->file_open(partition, names[side], SEGJ_OPEN_CREATE, &file), 0);
        assert_int_equal(storage->file_write(file, 0, &slice, 1, &done), 0);
        assert_int_equal(storage->file_sync(file), 0);
        storage->file_close(file);
    }
    assert_int_equal(storage->partition_sync(partition), 0);
    storage->partition_close(partition);
    assert_int_equal(storage->directory_sync(storage->context, "disk"), 0);
}

static uint64_t counted_of(simdisk_t *disk, uint64_t section)
{
    uint64_t newest = 0;
    uint64_t records = 0;
    int whole = 0;
    for (int side = 0; side < 2; side++) {
        uint64_t size;
        const uint8_t *file = simdisk_visible(disk, COUNTS, side == 0 ? "6c656674" : "7269676874", &size);
        assert_non_null(file);
        assert_true(size >= COMMONWARE_V1 && memcmp(file, "CWIK", 4) == 0);
        const uint8_t *data = file + COMMONWARE_V1;
        size_t left = (size_t)size - COMMONWARE_V1;
        if (left > 0 && (left < 12 || get_u32(data + left - 4) != plain_checksum(data, left - 4)))
            continue;
        whole++;
        if (left == 0 || get_u64(data) <= newest)
            continue;
        newest = get_u64(data);
        records = 0;
        for (size_t at = 8; at + 4 < left; at += 16)
            if (get_u64(data + at) == section)
                records = get_u64(data + at + 8);
    }
    assert_true(whole > 0);
    return records;
}

/* The archive is one that the program opens: there is what it counts. */
static void judge_counts(const run_t *run, simdisk_t *disk, bool mended)
{
    for (uint64_t section = 0; run->counted && section < SECTIONS; section++) {
        char name[NAME];
        uint64_t size = 0;
        uint64_t counted = counted_of(disk, section);
        bool lost = run->what == LOST && section == 1 && !mended; /* it has less since before */
        (void)snprintf(name, sizeof name, "%016" PRIx64, section);
        if (counted == 0 || lost)
            continue;
        const uint8_t *index = simdisk_visible(disk, "index", name, &size);
        if (index == NULL)
            fail_msg("section %d is counted and has no index", (int)section);
        uint64_t bytes = 0;
        for (uint64_t at = 8; at + 76 <= size && bytes % 64 == 0; at += 76)
            bytes += decode_plain_page(index + at, 64);
        if (bytes < counted * RECORD)
            fail_msg("section %d has %d records, counted are %d", (int)section, (int)(bytes / RECORD), (int)counted);
        assert_non_null(simdisk_visible(disk, "values", name, &size));
        if (size < 8 + counted * FRAME)
            fail_msg("section %d has values of %d bytes, counted are %d records", (int)section, (int)size,
                     (int)counted);
    }
}

/* --- the journal --- */

static void make_sections(run_t *run, simdisk_t *disk)
{
    uint8_t value[VALUE];
    oversized_t *journal = open_on(run, disk, false);
    for (uint64_t section = 0; section < SECTIONS; section++)
        for (uint64_t i = 0; i < RECORDS; i++) {
            memset(value, (int)(16 * section + i), sizeof value);
            assert_int_equal(oversized_append(journal, section, value, value, sizeof value, NULL, NULL), SEGJ_OK);
        }
    assert_int_equal(oversized_close(journal), SEGJ_OK);
}

/* The values of section 1 end early. */
static void lose_values(simdisk_t *disk)
{
    const segj_storage_t *storage = simdisk_storage(disk);
    segj_partition_t *partition;
    segj_file_t *file;
    assert_int_equal(storage->partition_open(storage->context, "disk", "values", &partition), 0);
    assert_int_equal(storage->file_open(partition, "0000000000000001", SEGJ_OPEN_WRITE, &file), 0);
    assert_int_equal(storage->file_truncate(file, 8 + 4 * FRAME + 9), 0);
    assert_int_equal(storage->file_sync(file), 0);
    storage->file_close(file);
    storage->partition_close(partition);
}

static simdisk_t *make_disk(run_t *run, segj_format_t format, uint8_t version, what_t what)
{
    simdisk_t *disk = simdisk_new();
    *run = (run_t){.what = what, .bound = {1, 4}, .checkpoint = {0, 1, 4 * RECORD}};
    run->counted = format == SEGJ_FORMAT_COMMONWARE;
    oversized_config_init(&run->config);
    run->config.directory = "disk";
    run->config.entry_size = 8;
    run->config.page_size = 64;
    run->config.format = format;
    run->config.native_version = version;
    run->config.counts_partition = run->counted ? COUNTS : NULL;
    make_sections(run, disk);
    if (run->counted)
        write_counts(disk);
    if (what == LOST)
        lose_values(disk);
    return disk;
}

/* What is under test. */
static void end_early(const run_t *run, simdisk_t *disk)
{
    oversized_t *journal = open_on(run, disk, true);
    if (run->what == PRUNED)
        assert_int_equal(oversized_prune(journal, 2, NULL), SEGJ_OK);
    else if (run->what == REWOUND || run->what == REWOUND_ALONE) {
        uint64_t count = 0;
        assert_int_equal(oversized_count(journal, 1, &count), SEGJ_OK);
        if (count >= 4 && run->what == REWOUND)
            assert_int_equal(oversized_rewind_to(journal, 1, 4), SEGJ_OK);
        else if (count >= 4)
            assert_int_equal(oversized_rewind_section_to(journal, 1, 4), SEGJ_OK);
    }
    oversized_abandon(journal);
}

/* --- after a cut --- */

static uint64_t check_records(oversized_t *journal, uint64_t section)
{
    segj_buffer_t value = {NULL, 0, 0};
    uint64_t count = 0;
    assert_int_equal(oversized_count(journal, section, &count), SEGJ_OK);
    assert_true(count <= RECORDS);
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(oversized_read(journal, section, i, NULL, &value), SEGJ_OK);
        assert_int_equal(value.size, VALUE);
        assert_int_equal(((const uint8_t *)value.data)[VALUE - 1], 16 * section + i);
    }
    segj_buffer_free(&value);
    return count;
}

static void judge(run_t *run, simdisk_t *disk, bool ended)
{
    run->states++;
    judge_counts(run, disk, ended);
    if (!ended) { /* as it was found, by an open that ends nothing */
        simdisk_t *copy = simdisk_kill(disk);
        oversized_t *journal = open_on(run, copy, false);
        for (uint64_t section = 0; section < SECTIONS; section++) {
            uint64_t count = check_records(journal, section);
            assert_true(count >= rest_of(run, section));
            run->whole += count == RECORDS;
            run->ended += count < RECORDS;
        }
        bool loses = run->what == LOST;
        assert_true(loses || oversized_recovery(journal)->synced_records_lost == 0);
        assert_true(loses || oversized_recovery(journal)->unacknowledged_records == 0);
        oversized_abandon(journal);
        judge_counts(run, copy, true);
        simdisk_free(copy);
    }
    end_early(run, disk);
    oversized_t *journal = open_on(run, disk, false);
    for (uint64_t section = 0; section < SECTIONS; section++)
        assert_int_equal(check_records(journal, section), rest_of(run, section));
    if (run->what == LOST)
        assert_int_equal(oversized_recovery(journal)->unacknowledged_records, COUNTED - 4);
    oversized_abandon(journal);
    judge_counts(run, disk, true);
}

static void on_call(void *context, simdisk_t *disk, simdisk_call_t call)
{
    enum { MANY = 6, SOME = 8 };
    run_t *run = context;
    size_t units = simdisk_units(disk);
    uint8_t *keep = calloc(units + 1, 1);
    uint32_t random = (uint32_t)++run->cuts * 2654435761u + 1;
    uint32_t states = units <= MANY ? (uint32_t)1 << units : SOME;
    (void)call;
    assert_non_null(keep);
    for (int fill = 0; fill < SIMDISK_FILLS; fill++)
        for (uint32_t state = 0; state < states; state++) {
            for (size_t i = 0; i < units; i++) {
                random = random * 1664525u + 1013904223u;
                keep[i] = (uint8_t)(units <= MANY ? state >> i & 1 : state < 2 ? state : random >> 31);
            }
            simdisk_t *after = simdisk_crash(disk, keep, (simdisk_fill_t)fill);
            judge(run, after, false);
            simdisk_free(after);
        }
    free(keep);
    simdisk_t *killed = simdisk_kill(disk);
    judge(run, killed, false);
    simdisk_free(killed);
}

static void cut_the_power(segj_format_t format, uint8_t version, what_t what)
{
    run_t run;
    simdisk_t *disk = make_disk(&run, format, version, what);
    simdisk_on_call(disk, on_call, &run);
    end_early(&run, disk);
    simdisk_on_call(disk, NULL, NULL);
    uint8_t *keep = calloc(simdisk_units(disk) + 1, 1);
    assert_non_null(keep);
    simdisk_t *after = simdisk_crash(disk, keep, SIMDISK_SHORT); /* what has returned is durable */
    oversized_t *journal = open_on(&run, after, false);
    for (uint64_t section = 0; section < SECTIONS; section++)
        assert_int_equal(check_records(journal, section), rest_of(&run, section));
    oversized_abandon(journal);
    judge(&run, after, true);
    free(keep);
    simdisk_free(after);
    simdisk_free(disk);
    print_message("  %llu calls, %llu states; sections: %llu times whole, %llu times ended\n",
                  (unsigned long long)run.cuts, (unsigned long long)run.states, (unsigned long long)run.whole,
                  (unsigned long long)run.ended);
    assert_true(run.cuts > 8 && run.states > 60 && run.whole > 40 && run.ended > 20);
}

static void power_cuts_in_an_open_with_a_bound(void **state)
{
    cut_the_power(SEGJ_FORMAT_NATIVE, 1, BOUNDED);
}

static void power_cuts_in_an_open_with_a_bound_of_version_2(void **state)
{
    cut_the_power(SEGJ_FORMAT_NATIVE, 2, BOUNDED);
}

static void power_cuts_in_an_open_with_a_bound_of_an_archive(void **state)
{
    cut_the_power(SEGJ_FORMAT_COMMONWARE, 0, BOUNDED);
}

static void power_cuts_in_a_prune_of_an_archive(void **state)
{
    cut_the_power(SEGJ_FORMAT_COMMONWARE, 0, PRUNED);
}

static void power_cuts_in_a_rewind_of_an_archive(void **state)
{
    cut_the_power(SEGJ_FORMAT_COMMONWARE, 0, REWOUND);
}

static void power_cuts_in_a_rewind_of_a_section_of_an_archive(void **state)
{
    cut_the_power(SEGJ_FORMAT_COMMONWARE, 0, REWOUND_ALONE);
}

static void power_cuts_in_an_open_of_an_archive_to_a_checkpoint(void **state)
{
    cut_the_power(SEGJ_FORMAT_COMMONWARE, 0, CHECKPOINTED);
}

static void power_cuts_in_an_open_of_an_archive_that_has_lost_records(void **state)
{
    cut_the_power(SEGJ_FORMAT_COMMONWARE, 0, LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_cuts_in_an_open_with_a_bound),
        cmocka_unit_test(power_cuts_in_an_open_with_a_bound_of_version_2),
        cmocka_unit_test(power_cuts_in_an_open_with_a_bound_of_an_archive),
        cmocka_unit_test(power_cuts_in_a_prune_of_an_archive),
        cmocka_unit_test(power_cuts_in_a_rewind_of_an_archive),
        cmocka_unit_test(power_cuts_in_a_rewind_of_a_section_of_an_archive),
        cmocka_unit_test(power_cuts_in_an_open_of_an_archive_to_a_checkpoint),
        cmocka_unit_test(power_cuts_in_an_open_of_an_archive_that_has_lost_records),
    };
    return cmocka_run_group_tests_name("ends", tests, NULL, NULL);
}
