/*
 * badinput/test_lost_index.c: of sections of version 2 an index file is missing, or all are, or a partition is: the index
 * is made again from the values, or the open is refused with nothing changed. What a removal has left is removed, which
 * only its mark tells.
 */
#include "badinput/badinput.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segjournal/tools.h"
#include "support/recorder.h"

enum { SECTIONS = 3, RECORDS = 7 };

static path_t index_of(const place_t *place, uint64_t section)
{
    return section_path(place->directory.text, place->config.index_partition, section);
}

static path_t values_of(const place_t *place, uint64_t section)
{
    return section_path(place->directory.text, place->config.value_partition, section);
}

static path_t mark_of(const place_t *place)
{
    return join_path(join_path(place->directory.text, place->config.value_partition).text, ".removing");
}

static int make_log_place(void **state)
{
    int status = make_place(state);
    if (status == 0)
        ((place_t *)*state)->config.native_version = 2;
    return status;
}

static void remove_indexes(const place_t *place)
{
    for (uint64_t section = 1; section <= SECTIONS; section++)
        remove_file(index_of(place, section).text);
}

typedef struct listener {
    unsigned warnings, errors;
    char last[1024];
} listener_t;

static void listen(void *context, segj_log_level_t level, const char *message)
{
    listener_t *listener = context;
    listener->warnings += level == SEGJ_LOG_WARNING;
    listener->errors += level == SEGJ_LOG_ERROR;
    if (level == SEGJ_LOG_WARNING)
        (void)snprintf(listener->last, sizeof listener->last, "%s", message);
}

/* Opens, has `sections` of RECORDS each, repairs `repaired` of them, and loses nothing. */
static void check_repaired(const oversized_config_t *config, uint64_t sections, uint64_t repaired)
{
    oversized_t *journal;
    assert_ok(oversized_open(config, &journal));
    const oversized_recovery_t *found = oversized_recovery(journal);
    assert_int_equal(found->sections, sections);
    assert_int_equal(found->records, sections * RECORDS);
    assert_int_equal(found->sections_repaired, repaired);
    assert_int_equal(found->orphan_sections_removed, 0);
    assert_int_equal(found->synced_records_lost, 0);
    assert_int_equal(found->unacknowledged_records, 0);
    for (uint64_t section = 1; section <= sections; section++)
        for (size_t i = 0; i < RECORDS; i++)
            check_sample(journal, section, i);
    assert_ok(oversized_close(journal));
}

/* --- one of several --- */

static void a_missing_index_file_is_made_again(void **state)
{
    place_t *place = *state;
    for (uint64_t section = 1; section <= SECTIONS; section++) {
        listener_t listener = {0};
        remove_tree(place->directory.text);
        fill_journal(&place->config, SECTIONS, RECORDS);
        path_t path = index_of(place, section);
        bytes_t before = read_file(path.text);
        remove_file(path.text);
        oversized_config_t config = place->config;
        config.log = listen;
        config.log_context = &listener;
        config.strict = true;
        config.read_only = true;
        check_repaired(&config, SECTIONS, 1);
        assert_false(path_exists(path.text));
        assert_int_equal(listener.warnings, 1);
        assert_non_null(strstr(listener.last, path.text));
        assert_non_null(strstr(listener.last, "would be made again from 7 records"));
        config.read_only = false;
        check_repaired(&config, SECTIONS, 1);
        assert_non_null(strstr(listener.last, "is made again from 7 records"));
        assert_int_equal(listener.errors, 0);
        bytes_t after = read_file(path.text);
        assert_int_equal(after.size, before.size);
        assert_memory_equal(after.data, before.data, HEADER_BLOCK); /* the salt is the values file's */
        free_bytes(&before);
        free_bytes(&after);
        check_repaired(&config, SECTIONS, 0);
    }
}

/* Before a watermark says that the section's names are durable. */
static void an_index_file_that_is_made_again_gets_a_durable_name(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    recorder_t *recorder = recorder_new(segj_storage_posix());
    fill_journal(&place->config, SECTIONS, RECORDS);
    remove_file(index_of(place, 2).text);
    oversized_config_t config = place->config;
    config.storage = recorder_storage(recorder);
    assert_ok(oversized_open(&config, &journal));
    assert_calls(recorder, RECORD_BIT(RECORD_PARTITION_SYNC) | RECORD_BIT(RECORD_FILE_CREATE),
                 "sync test_index; sync test_values; create test_index/2; sync test_index");
    assert_ok(oversized_close(journal));
    recorder_free(recorder);
}

/* Two of three, with what was never synced behind a kill, and appended to afterwards. */
static void what_comes_behind_a_missing_index_file_goes_on(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    fill_journal(&place->config, SECTIONS, RECORDS - 2);
    assert_ok(oversized_open(&place->config, &journal));
    for (uint64_t section = 1; section <= SECTIONS; section++)
        for (uint64_t i = RECORDS - 2; i < RECORDS - 1; i++)
            (void)append_filled(journal, section, 100 + i, (uint8_t)(0x40 + i), SAMPLE_SIZE, NULL);
    for (uint64_t section = 1; section <= SECTIONS; section++)
        assert_ok(oversized_flush(journal, section));
    oversized_abandon(journal);
    remove_file(index_of(place, 1).text);
    remove_file(index_of(place, 3).text);
    assert_ok(oversized_open(&place->config, &journal));
    for (uint64_t section = 1; section <= SECTIONS; section++)
        (void)append_filled(journal, section, 100 + RECORDS - 1, (uint8_t)(0x40 + RECORDS - 1), SAMPLE_SIZE, NULL);
    assert_ok(oversized_sync_all(journal));
    oversized_abandon(journal);
    check_repaired(&place->config, SECTIONS, SECTIONS);
    check_journal(&place->config, SECTIONS, RECORDS);
}

static void a_checkpoint_takes_what_is_made_again(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    uint64_t count;
    oversized_checkpoint_t checkpoint;
    assert_ok(oversized_checkpoint_at(&place->config, 1, 2, RECORDS - 3, &checkpoint));
    for (uint64_t missing = 1; missing <= SECTIONS; missing++) {
        remove_tree(place->directory.text);
        fill_journal(&place->config, SECTIONS, RECORDS);
        remove_file(index_of(place, missing).text);
        oversized_config_t config = place->config;
        config.checkpoint = &checkpoint;
        assert_ok(oversized_open(&config, &journal));
        assert_ok(oversized_count(journal, 1, &count));
        assert_int_equal(count, RECORDS);
        assert_ok(oversized_count(journal, 2, &count));
        assert_int_equal(count, RECORDS - 3);
        check_sample(journal, 2, RECORDS - 4);
        assert_int_equal(oversized_recovery(journal)->sections, 2);
        assert_ok(oversized_close(journal));
        assert_false(path_exists(values_of(place, 3).text));
        assert_false(path_exists(mark_of(place).text));
    }
}

/* A values file whose first record is not there has none, and is no section: nothing is made of it. */
static void values_without_a_record_are_removed(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    static const uint8_t zeros[64];
    fill_journal(&place->config, SECTIONS, RECORDS);
    remove_file(index_of(place, 2).text);
    write_file_at(values_of(place, 2).text, VALUES_DATA_OFFSET, zeros, sizeof zeros);
    oversized_config_t config = place->config;
    config.strict = true;
    assert_status(oversized_open(&config, &journal), SEGJ_ERR_CORRUPT);
    assert_sentence(values_of(place, 2).text, "strict");
    assert_ok(oversized_open(&place->config, &journal));
    assert_int_equal(oversized_recovery(journal)->orphan_sections_removed, 1);
    assert_int_equal(oversized_recovery(journal)->sections, SECTIONS - 1);
    assert_ok(oversized_close(journal));
    assert_false(path_exists(values_of(place, 2).text));
}

/* What a crash in the making of a section leaves. */
static void values_without_data_are_removed(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    fill_journal(&place->config, SECTIONS, RECORDS);
    for (uint64_t section = 1; section <= SECTIONS; section++)
        resize_file(values_of(place, section).text, VALUES_DATA_OFFSET);
    remove_indexes(place);
    place->config.strict = true;
    assert_ok(oversized_open(&place->config, &journal));
    assert_int_equal(oversized_recovery(journal)->orphan_sections_removed, SECTIONS);
    assert_ok(oversized_close(journal));
}

/* Values of another configuration are somebody else's, with an index file or without. */
static void values_of_another_record_size_are_refused(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, SECTIONS, RECORDS);
    for (uint64_t section = 1; section < SECTIONS; section++) {
        remove_file(index_of(place, section).text);
        remove_file(values_of(place, section).text);
    }
    remove_file(index_of(place, SECTIONS).text);
    place->config.entry_size++;
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence("entry_size");
}

/* --- all of them --- */

static void an_empty_index_partition_is_refused(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, SECTIONS, RECORDS);
    remove_indexes(place);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(place->config.index_partition, "holds records of 3", "mount or bring back that partition",
                    "OVERSIZED_ORPHANS_REBUILD", "OVERSIZED_ORPHANS_REMOVE");
    /* So is one that somebody has made, and nothing but the names of a file system in it. */
    path_t partition = join_path(place->directory.text, place->config.index_partition);
    remove_tree(partition.text);
    make_directory(partition.text);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    place->config.orphans = OVERSIZED_ORPHANS_REBUILD;
    check_repaired(&place->config, SECTIONS, SECTIONS);
    place->config.orphans = OVERSIZED_ORPHANS_JUDGE;
    check_repaired(&place->config, SECTIONS, 0);
}

static void a_missing_index_partition_is_refused(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, SECTIONS, RECORDS);
    remove_tree(join_path(place->directory.text, place->config.index_partition).text);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_MISMATCH);
    place->config.orphans = OVERSIZED_ORPHANS_REBUILD;
    place->config.read_only = true;
    manifest_t before = take_manifest(place->root.text);
    oversized_t *journal;
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_MISMATCH); /* nothing can be made */
    assert_unchanged(place->root.text, &before);
    free_manifest(&before);
    place->config.read_only = false;
    place->config.must_exist = true;
    check_repaired(&place->config, SECTIONS, SECTIONS);
    place->config.orphans = OVERSIZED_ORPHANS_JUDGE;
    check_repaired(&place->config, SECTIONS, 0);
}

static void an_empty_index_partition_is_read_where_that_is_asked_for(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, SECTIONS, RECORDS);
    remove_indexes(place);
    manifest_t before = take_manifest(place->root.text);
    place->config.orphans = OVERSIZED_ORPHANS_REBUILD;
    place->config.read_only = true;
    check_repaired(&place->config, SECTIONS, SECTIONS);
    assert_unchanged(place->root.text, &before);
    free_manifest(&before);
}

static void values_are_removed_where_that_is_asked_for(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    for (int missing = 0; missing < 2; missing++) {
        oversized_config_t config = place->config;
        fill_journal(&config, SECTIONS, RECORDS);
        remove_indexes(place);
        if (missing == 1)
            remove_tree(join_path(place->directory.text, config.index_partition).text);
        config.orphans = OVERSIZED_ORPHANS_REMOVE;
        config.strict = true; /* they are not missed */
        assert_ok(oversized_open(&config, &journal));
        assert_int_equal(oversized_recovery(journal)->orphan_sections_removed, SECTIONS);
        assert_int_equal(oversized_recovery(journal)->sections, 0);
        assert_ok(oversized_close(journal));
        assert_false(path_exists(mark_of(place).text));
        fill_journal(&place->config, SECTIONS, RECORDS);
        check_journal(&place->config, SECTIONS, RECORDS);
        remove_tree(place->directory.text);
    }
}

/* --- values partitions --- */

static void a_lost_values_partition_is_refused(void **state)
{
    place_t *place = *state;
    for (uint64_t sections = 1; sections <= SECTIONS; sections++) {
        oversized_config_t config = place->config;
        fill_journal(&config, sections, RECORDS);
        for (uint64_t section = 1; section <= sections; section++)
            remove_file(values_of(place, section).text);
        for (int orphans = 0; orphans <= OVERSIZED_ORPHANS_REMOVE; orphans++) {
            config.orphans = (oversized_orphans_t)orphans;
            assert_refused(&config, place->root.text, SEGJ_ERR_MISMATCH);
        }
        remove_tree(join_path(place->directory.text, config.value_partition).text);
        for (int orphans = 0; orphans <= OVERSIZED_ORPHANS_REMOVE; orphans++) {
            config.orphans = (oversized_orphans_t)orphans;
            assert_refused(&config, place->root.text, SEGJ_ERR_MISMATCH);
        }
        remove_tree(place->directory.text);
    }
}

/* --- removals --- */

static void what_a_removal_has_left_is_removed(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    for (uint64_t left = 0; left < SECTIONS; left++) {
        fill_journal(&place->config, SECTIONS, RECORDS);
        write_file(mark_of(place).text, "", 0);
        for (uint64_t section = 1; section <= SECTIONS - left; section++)
            remove_file(index_of(place, section).text);
        oversized_config_t config = place->config;
        config.strict = true; /* nobody misses them */
        config.read_only = true;
        assert_ok(oversized_open(&config, &journal));
        assert_int_equal(oversized_recovery(journal)->sections, left);
        assert_int_equal(oversized_recovery(journal)->orphan_sections_removed, SECTIONS - left);
        assert_ok(oversized_close(journal));
        config.read_only = false;
        assert_ok(oversized_open(&config, &journal));
        assert_int_equal(oversized_recovery(journal)->sections, left);
        assert_int_equal(oversized_recovery(journal)->orphan_sections_removed, SECTIONS - left);
        assert_ok(oversized_close(journal));
        assert_false(path_exists(mark_of(place).text));
        for (uint64_t section = 1; section <= SECTIONS - left; section++)
            assert_false(path_exists(values_of(place, section).text));
        remove_tree(place->directory.text);
    }
}

static void what_a_removal_has_left_comes_back_where_that_is_asked_for(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, SECTIONS, RECORDS);
    write_file(mark_of(place).text, "", 0);
    remove_file(index_of(place, 1).text);
    place->config.orphans = OVERSIZED_ORPHANS_REBUILD;
    check_repaired(&place->config, SECTIONS, 1);
    assert_false(path_exists(mark_of(place).text));
}

/* One that a power cut has brought back: it is taken away by the next open, after which a file that is lost is missed. */
static void a_mark_that_has_nothing_to_tell_goes(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, SECTIONS, RECORDS);
    write_file(mark_of(place).text, "", 0);
    check_repaired(&place->config, SECTIONS, 0);
    assert_false(path_exists(mark_of(place).text));
    remove_file(index_of(place, 2).text);
    check_repaired(&place->config, SECTIONS, 1);
}

static void removals_leave_no_mark(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    bool pruned;
    fill_journal(&place->config, SECTIONS, RECORDS);
    assert_ok(oversized_open(&place->config, &journal));
    assert_ok(oversized_prune(journal, 2, &pruned));
    assert_false(path_exists(mark_of(place).text));
    assert_ok(oversized_rewind_to(journal, 2, 3));
    assert_false(path_exists(mark_of(place).text));
    assert_ok(oversized_prune(journal, 3, &pruned)); /* all that there is */
    assert_false(path_exists(mark_of(place).text));
    append_samples(journal, 4, RECORDS);
    assert_ok(oversized_destroy(journal));
    assert_false(path_exists(join_path(place->directory.text, place->config.value_partition).text));
}

/* A removal whose first file could not be removed has changed nothing: no mark tells a later open that it goes on. */
static void a_removal_that_was_refused_leaves_no_mark(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    recorder_t *recorder = recorder_new(segj_storage_posix());
    fill_journal(&place->config, SECTIONS, RECORDS);
    oversized_config_t config = place->config;
    config.storage = recorder_storage(recorder);
    for (int rewinds = 0; rewinds < 2; rewinds++) {
        assert_ok(oversized_open(&config, &journal));
        recorder_fail(recorder, RECORD_FILE_REMOVE, 0, 1, EIO);
        assert_status(rewinds ? oversized_rewind_to(journal, 1, RECORDS) : oversized_prune(journal, 3, NULL),
                      SEGJ_ERR_IO);
        assert_null(oversized_error(journal));
        assert_ok(oversized_close(journal));
        bool marked = path_exists(mark_of(place).text);
        remove_file(index_of(place, 2).text);
        config.strict = true;
        check_repaired(&config, SECTIONS, 1);
        assert_false(marked);
    }
    recorder_free(recorder);
}

/* What a checkpoint does without goes as in a prune. */
static void an_open_to_a_checkpoint_marks_what_it_removes(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    oversized_checkpoint_t checkpoint;
    recorder_t *recorder = recorder_new(segj_storage_posix());
    fill_journal(&place->config, SECTIONS, RECORDS);
    assert_ok(oversized_checkpoint_at(&place->config, 1, 2, RECORDS, &checkpoint));
    oversized_config_t config = place->config;
    config.storage = recorder_storage(recorder);
    config.checkpoint = &checkpoint;
    assert_ok(oversized_open(&config, &journal));
    assert_calls(recorder,
                 RECORD_BIT(RECORD_PARTITION_SYNC) | RECORD_BIT(RECORD_FILE_CREATE) | RECORD_BIT(RECORD_FILE_REMOVE),
                 "sync test_index; sync test_values; create test_values/.removing; "
                 "sync test_values; remove test_index/3; sync test_index; remove test_values/3; sync test_values; "
                 "remove test_values/.removing");
    assert_ok(oversized_close(journal));
    recorder_free(recorder);
}

/* --- told beforehand --- */

static void check_looked(const place_t *place, oversized_health_t health, uint64_t repaired, uint64_t removed,
                         const char *problem)
{
    oversized_inspection_t *inspection;
    oversized_config_t config = place->config;
    assert_ok(oversized_inspect(&config, &inspection));
    assert_int_equal(inspection->health, health);
    assert_int_equal(inspection->recovery.sections_repaired, repaired);
    assert_int_equal(inspection->recovery.orphan_sections_removed, removed);
    assert_non_null(strstr(inspection->problem, problem));
    oversized_inspection_free(inspection);
}

static void an_inspection_tells_what_open_will_do(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, SECTIONS, RECORDS);
    remove_file(index_of(place, 2).text);
    check_looked(place, OVERSIZED_REPAIR, 1, 0, "section 2: the index file is missing, and would be made again from 7");
    write_file(mark_of(place).text, "", 0);
    check_looked(place, OVERSIZED_REPAIR, 0, 1, "as a removal of sections was to do");
    remove_file(mark_of(place).text);
    remove_file(index_of(place, 1).text);
    remove_file(index_of(place, 3).text);
    check_looked(place, OVERSIZED_REFUSED, SECTIONS, 0, "mount or bring back that partition");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_log_place, drop_place)
    const struct CMUnitTest tests[] = {
        TEST(a_missing_index_file_is_made_again),
        TEST(an_index_file_that_is_made_again_gets_a_durable_name),
        TEST(what_comes_behind_a_missing_index_file_goes_on),
        TEST(a_checkpoint_takes_what_is_made_again),
        TEST(values_without_a_record_are_removed),
        TEST(values_without_data_are_removed),
        TEST(values_of_another_record_size_are_refused),
        TEST(an_empty_index_partition_is_refused),
        TEST(a_missing_index_partition_is_refused),
        TEST(an_empty_index_partition_is_read_where_that_is_asked_for),
        TEST(values_are_removed_where_that_is_asked_for),
        TEST(a_lost_values_partition_is_refused),
        TEST(what_a_removal_has_left_is_removed),
        TEST(what_a_removal_has_left_comes_back_where_that_is_asked_for),
        TEST(a_mark_that_has_nothing_to_tell_goes),
        TEST(a_removal_that_was_refused_leaves_no_mark),
        TEST(removals_leave_no_mark),
        TEST(an_open_to_a_checkpoint_marks_what_it_removes),
        TEST(an_inspection_tells_what_open_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
