/*
 * crash/test_follow.c: a follower on whatever a power cut or a kill leaves, before each change that a writer makes: it shows
 * records that were appended at their place, in order, and all that was synced. Then the journal is opened, and the same
 * follower has what that has.
 *
 * LINK_WRAP: segj_process_word_make segj_process_word_free
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segjournal/follow.h"
#include "support/mirror.h"
#include "support/simdisk.h"

enum { SECTIONS = 4, SELECTIONS = 5, VALUE_LEAST = 20 };

/** A writer, and what of its records is synced. */
typedef struct run {
    oversized_config_t config;
    oversized_t *journal;
    uint64_t synced[SECTIONS]; /* of each section, as long as nothing takes them away */
    uint64_t number;           /* of the last record */
    uint64_t seed, states;
} run_t;

/* Nobody removes an index file from under a follower here. */
static int file_refresh(segj_file_t *file, bool written)
{
    (void)file;
    (void)written;
    return 0;
}

static segj_storage_t storage_of(simdisk_t *disk)
{
    segj_storage_t storage = *simdisk_storage(disk);
    storage.struct_size = sizeof storage;
    storage.file_refresh = file_refresh;
    return storage;
}

/* --- records --- */

static size_t make_value(uint64_t number, uint8_t value[64])
{
    size_t size = VALUE_LEAST + (size_t)(number % 3) * 10;
    memset(value, (int)(number & 0xFF), size);
    put_u64(value, number);
    return size;
}

static void make_entry(uint64_t section, uint64_t number, uint8_t entry[SMALL_ENTRY])
{
    put_u64(entry, section << 32 | number);
}

static void append(run_t *run, uint64_t section, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t entry[SMALL_ENTRY];
        uint8_t value[64];
        size_t size = make_value(++run->number, value);
        make_entry(section, run->number, entry);
        assert_ok(oversized_append(run->journal, section, entry, value, size, NULL, NULL));
    }
}

static void append_batch(run_t *run, uint64_t section)
{
    oversized_record_t records[5];
    uint8_t entries[5][SMALL_ENTRY];
    uint8_t values[5][64];
    for (unsigned i = 0; i < 5; i++) {
        size_t size = make_value(++run->number, values[i]);
        make_entry(section, run->number, entries[i]);
        records[i] = (oversized_record_t){entries[i], values[i], size};
    }
    assert_ok(oversized_append_batch(run->journal, section, records, 5, NULL, NULL));
}

static void sync_section(run_t *run, uint64_t section)
{
    assert_ok(oversized_sync(run->journal, section));
    assert_ok(oversized_count(run->journal, section, &run->synced[section]));
}

static void rewind_to(run_t *run, uint64_t section, uint64_t records)
{
    for (uint64_t later = section + 1; later < SECTIONS; later++)
        run->synced[later] = 0;
    if (records < run->synced[section])
        run->synced[section] = records;
    assert_ok(oversized_rewind_to(run->journal, section, records));
}

static void check_record(const oversized_followed_t *followed)
{
    uint8_t value[64];
    uint64_t entry = get_u64(followed->entry);
    size_t size = make_value(entry & UINT32_MAX, value);
    assert_int_equal(entry >> 32, followed->section);
    assert_int_equal(followed->value_size, size);
    assert_memory_equal(followed->value, value, size);
}

/* --- states --- */

static void look(oversized_follower_t *follower, mirror_t *mirror)
{
    oversized_followed_t followed;
    for (segj_status_t status; (status = oversized_follow_next(follower, &followed)) != SEGJ_END;) {
        assert_status(status, SEGJ_OK);
        if (followed.kind == OVERSIZED_FOLLOW_RECORD)
            check_record(&followed);
        assert_null(mirror_take(mirror, &followed));
    }
}

static void judge(run_t *run, simdisk_t *disk)
{
    segj_storage_t storage = storage_of(disk);
    oversized_config_t config = run->config;
    oversized_follower_t *follower = NULL;
    oversized_t *journal = NULL;
    mirror_t mirror = {0};
    config.storage = &storage;
    segj_status_t status = oversized_follow_open(&config, NULL, &follower);
    run->states++;
    if (status == SEGJ_ERR_NOT_FOUND) { /* it was being made */
        for (uint64_t section = 0; section < SECTIONS; section++)
            assert_int_equal(run->synced[section], 0);
    } else {
        assert_status(status, SEGJ_OK);
        look(follower, &mirror);
        for (uint64_t section = 0; section < SECTIONS; section++)
            if (mirror_count(&mirror, section) < run->synced[section])
                fail_msg("of section %llu %llu records are shown, %llu were synced", (unsigned long long)section,
                         (unsigned long long)mirror_count(&mirror, section), (unsigned long long)run->synced[section]);
        assert_ok(oversized_open(&config, &journal));
        look(follower, &mirror);
        mirror_check(&mirror, journal);
        assert_ok(oversized_close(journal));
    }
    oversized_follow_close(follower);
    mirror_free(&mirror);
    simdisk_free(disk);
}

/* A kill; and a power cut that keeps nothing, everything, or what chance says. */
static void before_change(void *context, simdisk_t *disk, simdisk_call_t call)
{
    run_t *run = context;
    size_t units = simdisk_units(disk);
    uint8_t *keep = calloc(units + 1, 1);
    (void)call;
    assert_non_null(keep);
    judge(run, simdisk_kill(disk));
    for (unsigned selection = 0; selection < SELECTIONS && (units > 0 || selection == 0); selection++) {
        for (size_t i = 0; i < units; i++) {
            run->seed = run->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            keep[i] = selection < 2 ? (uint8_t)selection : (uint8_t)(run->seed >> 63);
        }
        judge(run, simdisk_crash(disk, keep, (simdisk_fill_t)(selection % SIMDISK_FILLS)));
    }
    free(keep);
}

static void write_all(run_t *run)
{
    append(run, 1, 3);
    sync_section(run, 1);
    append(run, 1, 20);
    append(run, 2, 4);
    assert_ok(oversized_flush(run->journal, 2));
    sync_section(run, 2);
    sync_section(run, 1);
    rewind_to(run, 1, 12);
    append(run, 1, 2);
    append_batch(run, 1);
    sync_section(run, 1);
    append(run, 1, 3);
    run->synced[1] = 16;
    assert_ok(oversized_rewind_section_to(run->journal, 1, 16)); /* in the batch */
    append(run, 2, 2);
    sync_section(run, 2);
    append(run, 3, 1);
    rewind_to(run, 1, 15);
    append(run, 1, 5);
    assert_ok(oversized_close(run->journal));
    run->journal = NULL;
}

static void play(uint8_t version)
{
    run_t run = {.seed = 7};
    simdisk_t *disk = simdisk_new();
    for_native_only();
    segj_storage_t storage = storage_of(disk);
    small_config(&run.config, "journal");
    run.config.native_version = version;
    run.config.storage = &storage;
    assert_ok(oversized_open(&run.config, &run.journal));
    simdisk_on_call(disk, before_change, &run);
    write_all(&run);
    simdisk_on_call(disk, NULL, NULL);
    judge(&run, simdisk_kill(disk));
    print_message("  %llu states\n", (unsigned long long)run.states);
    assert_true(run.states > 100);
    simdisk_free(disk);
}

static void version_1(void **state)
{
    play(1);
}

static void version_2(void **state)
{
    play(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(version_1), cmocka_unit_test(version_2)};
    return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
