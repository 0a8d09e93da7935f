/*
 * crash/test_set_aside.c: power cuts in an open that has lost synced records, before each of its storage calls, every
 * subset of what is not durable (or a selection), and again in the open behind that. Whatever the cut leaves: of each
 * section the bytes that are to be cut are still in their place, or set aside whole; the open behind it ends with one
 * copy of them, and the loss is known from then on. The same for acknowledging, and for discarding; and for an open of the
 * commonware format that ends sections before damaged pages.
 *
 *     SEGJ_EVERY=1   in version 2, too, cuts in the open behind a cut
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
#include "support/simdisk.h"

enum { SECTIONS = 2, RECORDS = 12, ENTRY = 8, VALUE = 50, KEPT = 5, MANY = 5, DEPTH = 2, NAME = 96 };

#define LOST ".index.lost"

typedef struct original {
    uint64_t index_from, values_from, index_size, values_size;
    uint8_t *index, *values;
} original_t;

typedef struct run {
    oversized_config_t config;
    original_t originals[SECTIONS];
    uint64_t kept[SECTIONS];
    uint64_t index_data, values_data; /* where the data of the files begin */
    uint64_t frame;                   /* bytes of a record's */
    int depth, levels;                /* cuts one after the other, and how many there may be */
    bool acknowledges, discards;      /* what is under way, behind the open */
    uint64_t cuts, states, uncut, whole;
} run_t;

static oversized_t *open_on(const run_t *run, simdisk_t *disk)
{
    oversized_t *journal = NULL;
    oversized_config_t config = run->config;
    config.storage = simdisk_storage(disk);
    segj_status_t status = oversized_open(&config, &journal);
    if (status != SEGJ_OK)
        print_error("%s\n", segj_last_error());
    assert_int_equal(status, SEGJ_OK);
    return journal;
}

static void section_name(uint64_t section, char name[NAME])
{
    (void)snprintf(name, NAME, "%016" PRIx64, section);
}

/* --- the files --- */

/* Ends the values early, or (commonware) spoils the index page that record kept[section] begins in or goes on in. */
static void spoil(const run_t *run, simdisk_t *disk, uint64_t section)
{
    bool hole = run->config.format == SEGJ_FORMAT_COMMONWARE;
    uint64_t page = (run->kept[section] + 1) * 20 / 64;
    static const uint8_t wrong[2] = {0xEE, 0xEE};
    segj_slice_t bytes = {wrong, sizeof wrong};
    size_t done = 0;
    const segj_storage_t *storage = simdisk_storage(disk);
    segj_partition_t *partition;
    segj_file_t *file;
    char name[NAME];
    section_name(section, name);
    assert_int_equal(storage->partition_open(storage->context, "disk", hole ? "index" : "values", &partition), 0);
    assert_int_equal(storage->file_open(partition, name, SEGJ_OPEN_WRITE, &file), 0);
    if (hole)
        assert_int_equal(storage->file_write(file, run->index_data + page * 76 + 5, &bytes, 1, &done), 0);
    else
        assert_int_equal(storage->file_truncate(file, run->values_data + run->kept[section] * run->frame + 17), 0);
    assert_int_equal(storage->file_sync(file), 0);
    storage->file_close(file);
    storage->partition_close(partition);
}

static uint8_t *copy_of(simdisk_t *disk, const char *partition, uint64_t section, uint64_t *size)
{
    char name[NAME];
    section_name(section, name);
    const uint8_t *bytes = simdisk_visible(disk, partition, name, size);
    assert_non_null(bytes);
    uint8_t *copy = malloc((size_t)*size + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, (size_t)*size);
    return copy;
}

/* Closed sections of which the values end within record KEPT, or one more; or (commonware) with a damaged page that is not
 * the last. */
static simdisk_t *make_disk(run_t *run, segj_format_t format, uint8_t version)
{
    bool native = format == SEGJ_FORMAT_NATIVE;
    simdisk_t *disk = simdisk_new();
    uint8_t value[VALUE];
    oversized_config_init(&run->config);
    run->config.directory = "disk";
    run->config.entry_size = ENTRY;
    run->config.page_size = 64;
    run->config.format = format;
    run->config.native_version = version;
    run->config.hole = native ? OVERSIZED_HOLE_REFUSE : OVERSIZED_HOLE_CUT;
    run->index_data = native ? 12288 : 8;
    run->values_data = native ? 4096 : 8;
    run->frame = VALUE + 4 + (version == 2 ? ENTRY + OVERSIZED_FRAME_HEAD : 0);
    for (uint64_t section = 0; section < SECTIONS; section++)
        run->kept[section] = native ? KEPT + section : 3 * (section + 1); /* before page 1, and before page 2 */
    oversized_t *journal = open_on(run, disk);
    for (uint64_t section = 0; section < SECTIONS; section++) {
        for (uint64_t i = 0; i < RECORDS; i++) {
            memset(value, (int)(16 * section + i), sizeof value);
            assert_int_equal(oversized_append(journal, section, value, value, sizeof value, NULL, NULL), SEGJ_OK);
        }
    }
    assert_int_equal(oversized_close(journal), SEGJ_OK);
    for (uint64_t section = 0; section < SECTIONS; section++) {
        original_t *original = &run->originals[section];
        spoil(run, disk, section);
        original->index = copy_of(disk, "index", section, &original->index_size);
        original->values = copy_of(disk, "values", section, &original->values_size);
        original->index_from = run->index_data + run->kept[section] * 20 / 64 * 76;
        original->values_from = run->values_data + run->kept[section] * run->frame;
    }
    return disk;
}

static void drop_originals(run_t *run)
{
    for (int section = 0; section < SECTIONS; section++) {
        free(run->originals[section].index);
        free(run->originals[section].values);
    }
}

static bool holds(simdisk_t *disk, const char *partition, const char *name, const uint8_t *bytes, uint64_t from,
                  uint64_t size, uint64_t at)
{
    uint64_t found;
    const uint8_t *visible = simdisk_visible(disk, partition, name, &found);
    return visible != NULL && found >= at + size - from &&
           memcmp(visible + at, bytes + from, (size_t)(size - from)) == 0;
}

static bool is_uncut(simdisk_t *disk, const run_t *run, uint64_t section)
{
    const original_t *original = &run->originals[section];
    char name[NAME];
    section_name(section, name);
    return holds(disk, "index", name, original->index, original->index_from, original->index_size,
                 original->index_from) &&
           holds(disk, "values", name, original->values, original->values_from, original->values_size,
                 original->values_from);
}

static unsigned copies(simdisk_t *disk, const run_t *run, uint64_t section, bool values)
{
    const original_t *original = &run->originals[section];
    unsigned count = 0;
    for (unsigned ordinal = 0; ordinal < 64; ordinal++) {
        char name[NAME];
        uint64_t size = 0;
        (void)snprintf(name, sizeof name, "%016" PRIx64 ".%s.%u.%" PRIu64, section, values ? "values" : "index",
                       ordinal, values ? original->values_from : original->index_from);
        if (simdisk_visible(disk, LOST, name, &size) == NULL)
            continue;
        uint64_t expected =
            values ? original->values_size - original->values_from : original->index_size - original->index_from;
        bool whole = values ? holds(disk, LOST, name, original->values, original->values_from, original->values_size, 0)
                            : holds(disk, LOST, name, original->index, original->index_from, original->index_size, 0);
        count += size == expected && whole;
    }
    return count;
}

static bool is_set_aside(simdisk_t *disk, const run_t *run, uint64_t section)
{
    return copies(disk, run, section, false) > 0 && copies(disk, run, section, true) > 0;
}

/* --- after a cut --- */

static uint64_t lost_of(const run_t *run, uint64_t section)
{
    return RECORDS - run->kept[section];
}

static void judge_files(run_t *run, simdisk_t *disk)
{
    for (uint64_t section = 0; section < SECTIONS; section++) {
        bool uncut = is_uncut(disk, run, section);
        bool whole = is_set_aside(disk, run, section);
        run->uncut += uncut;
        run->whole += whole;
        if (!uncut && !whole && !run->discards)
            fail_msg("section %d is cut and not set aside", (int)section);
    }
}

static void judge_records(const run_t *run, oversized_t *journal)
{
    segj_buffer_t value = {NULL, 0, 0};
    for (uint64_t section = 0; section < SECTIONS; section++) {
        uint64_t count = 0;
        assert_int_equal(oversized_count(journal, section, &count), SEGJ_OK);
        assert_int_equal(count, run->kept[section]);
        for (uint64_t i = 0; i < count; i++) {
            assert_int_equal(oversized_read(journal, section, i, NULL, &value), SEGJ_OK);
            assert_int_equal(((const uint8_t *)value.data)[0], 16 * section + i);
        }
    }
    segj_buffer_free(&value);
}

/* Both sections are known to have lost; each has one copy, and there is nothing else. */
static void judge_opened(const run_t *run, simdisk_t *disk, const oversized_t *journal)
{
    const oversized_recovery_t *found = oversized_recovery(journal);
    bool known =
        found->unacknowledged_records == lost_of(run, 0) + lost_of(run, 1) && found->unacknowledged_sections == 2;
    bool acknowledged = found->unacknowledged_records == 0;
    known = known && !run->discards; /* then it was acknowledged before */
    if (!known && !(acknowledged && run->acknowledges))
        fail_msg("%d unacknowledged records", (int)found->unacknowledged_records);
    assert_int_equal(found->sections_unrepaired, 0);
    if (run->discards)
        return;
    uint64_t bytes = 0;
    for (uint64_t section = 0; section < SECTIONS; section++) {
        const original_t *original = &run->originals[section];
        assert_int_equal(copies(disk, run, section, false), 1);
        assert_int_equal(copies(disk, run, section, true), 1);
        bytes += original->index_size - original->index_from + original->values_size - original->values_from;
    }
    assert_int_equal(found->quarantine_bytes, bytes);
    assert_in_range(simdisk_names(disk, LOST), 5, 6);
}

static void on_call(void *context, simdisk_t *disk, simdisk_call_t call);

static void look(run_t *run, simdisk_t *disk)
{
    run->states++;
    judge_files(run, disk);
    if (run->depth + 1 < run->levels)
        simdisk_on_call(disk, on_call, run);
    run->depth++;
    oversized_t *journal = open_on(run, disk);
    run->depth--;
    simdisk_on_call(disk, NULL, NULL);
    judge_opened(run, disk, journal);
    judge_records(run, journal);
    oversized_abandon(journal);
}

static void look_at(run_t *run, simdisk_t *disk, const uint8_t *keep, simdisk_fill_t fill)
{
    simdisk_t *after = simdisk_crash(disk, keep, fill);
    look(run, after);
    simdisk_free(after);
}

static void on_call(void *context, simdisk_t *disk, simdisk_call_t call)
{
    run_t *run = context;
    size_t units = simdisk_units(disk);
    uint8_t *keep = calloc(units + 1, 1);
    uint32_t random = (uint32_t)++run->cuts * 2654435761u + 1;
    (void)call;
    assert_non_null(keep);
    for (int fill = 0; fill < (run->depth == 0 ? 2 : 1); fill++) {
        if (units <= MANY && run->depth == 0) {
            for (uint32_t mask = 0; mask < (uint32_t)1 << units; mask++) {
                for (size_t i = 0; i < units; i++)
                    keep[i] = (uint8_t)(mask >> i & 1);
                look_at(run, disk, keep, (simdisk_fill_t)fill);
            }
            continue;
        }
        for (int which = 0; which < (run->depth == 0 ? 5 : 2); which++) {
            for (size_t i = 0; i < units; i++) {
                random = random * 1664525u + 1013904223u;
                keep[i] = (uint8_t)(which == 0 ? 0 : which == 1 ? 1 : random >> 31);
            }
            look_at(run, disk, keep, (simdisk_fill_t)fill);
        }
    }
    free(keep);
    simdisk_t *killed = simdisk_kill(disk);
    look(run, killed);
    simdisk_free(killed);
}

static void end(const run_t *run)
{
    print_message("  %llu calls, %llu states; sections: %llu times uncut, %llu times set aside\n",
                  (unsigned long long)run->cuts, (unsigned long long)run->states, (unsigned long long)run->uncut,
                  (unsigned long long)run->whole);
}

static void open_in_power_cuts(segj_format_t format, uint8_t version, int levels, uint64_t least)
{
    run_t run = {.levels = levels};
    simdisk_t *disk = make_disk(&run, format, version);
    simdisk_on_call(disk, on_call, &run);
    oversized_t *journal = open_on(&run, disk);
    simdisk_on_call(disk, NULL, NULL);
    on_call(&run, disk, SIMDISK_CALLS);
    judge_opened(&run, disk, journal);
    oversized_abandon(journal);
    simdisk_free(disk);
    drop_originals(&run);
    end(&run);
    assert_true(run.cuts > least / 10 && run.states > least && run.uncut > least / 2 && run.whole > least / 2);
}

static void power_cuts_in_an_open_that_sets_aside(void **state)
{
    open_in_power_cuts(SEGJ_FORMAT_NATIVE, 1, DEPTH, 1000);
}

static void power_cuts_in_an_open_that_sets_aside_of_version_2(void **state)
{
    const char *every = getenv("SEGJ_EVERY");
    open_in_power_cuts(SEGJ_FORMAT_NATIVE, 2, every != NULL && every[0] == '1' ? DEPTH : 1, 300);
}

static void power_cuts_in_an_open_that_cuts_at_damaged_pages(void **state)
{
    open_in_power_cuts(SEGJ_FORMAT_COMMONWARE, 0, 1, 300);
}

/* What was acknowledged is so when the call has succeeded, and nothing that was set aside goes. */
static void power_cuts_in_an_acknowledgement(void **state)
{
    run_t run = {.depth = DEPTH - 1, .acknowledges = true};
    simdisk_t *disk = make_disk(&run, SEGJ_FORMAT_NATIVE, 1);
    oversized_t *journal = open_on(&run, disk);
    simdisk_on_call(disk, on_call, &run);
    assert_int_equal(oversized_acknowledge_losses(journal), SEGJ_OK);
    simdisk_on_call(disk, NULL, NULL);
    oversized_abandon(journal);
    uint8_t *keep = calloc(simdisk_units(disk) + 1, 1);
    assert_non_null(keep);
    simdisk_t *after = simdisk_crash(disk, keep, SIMDISK_SHORT);
    journal = open_on(&run, after);
    assert_int_equal(oversized_recovery(journal)->unacknowledged_records, 0);
    assert_true(oversized_recovery(journal)->quarantine_bytes > 0);
    oversized_abandon(journal);
    free(keep);
    simdisk_free(after);
    simdisk_free(disk);
    drop_originals(&run);
    end(&run);
    assert_true(run.states > 10);
}

/* Nothing comes back as a loss that is not acknowledged, and the records stay. */
static void power_cuts_in_a_discard(void **state)
{
    run_t run = {.depth = DEPTH - 1, .acknowledges = true, .discards = true};
    simdisk_t *disk = make_disk(&run, SEGJ_FORMAT_NATIVE, 1);
    oversized_t *journal = open_on(&run, disk);
    assert_int_equal(oversized_acknowledge_losses(journal), SEGJ_OK);
    simdisk_on_call(disk, on_call, &run);
    assert_int_equal(oversized_discard_quarantine(journal), SEGJ_OK);
    simdisk_on_call(disk, NULL, NULL);
    assert_int_equal(simdisk_names(disk, LOST), 0);
    oversized_abandon(journal);
    simdisk_free(disk);
    drop_originals(&run);
    end(&run);
    assert_true(run.states > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_cuts_in_an_open_that_sets_aside),
        cmocka_unit_test(power_cuts_in_an_open_that_sets_aside_of_version_2),
        cmocka_unit_test(power_cuts_in_an_open_that_cuts_at_damaged_pages),
        cmocka_unit_test(power_cuts_in_an_acknowledgement),
        cmocka_unit_test(power_cuts_in_a_discard),
    };
    return cmocka_run_group_tests_name("set_aside", tests, NULL, NULL);
}
