/*
 * recovery/test_quarantine.c: what an open that loses synced records sets aside before it cuts: the very bytes, in
 * files whose names say where they were; and that later opens go on saying so until it is acknowledged.
 */
#include "support/recorder.h"
#include "support/support.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTION = 7, RECORDS = 9, VALUE = 40, FRAME = VALUE + FRAME_CHECKSUM };

typedef struct place {
    path_t root, directory;
    oversized_config_t config;
    oversized_t *journal;
    unsigned errors;
    char error[1024], said[8192];
} place_t;

static void listen(void *context, segj_log_level_t level, const char *message)
{
    place_t *place = context;
    if (level == SEGJ_LOG_WARNING)
        (void)snprintf(place->said + strlen(place->said), sizeof place->said - strlen(place->said), "%s\n", message);
    if (level != SEGJ_LOG_ERROR)
        return;
    place->errors++;
    (void)snprintf(place->error, sizeof place->error, "%s", message);
}

static int set_up(void **state)
{
    place_t *place = calloc(1, sizeof *place);
    if (place == NULL)
        return -1;
    place->root = make_temp_directory();
    place->directory = join_path(place->root.text, "journal");
    small_config(&place->config, place->directory.text);
    place->config.log = listen;
    place->config.log_context = place;
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    oversized_abandon(place->journal);
    remove_tree(place->root.text);
    free(place);
    return 0;
}

static path_t index_of(const place_t *place, uint64_t section)
{
    return section_path(place->directory.text, place->config.index_partition, section);
}

static path_t values_of(const place_t *place, uint64_t section)
{
    return section_path(place->directory.text, place->config.value_partition, section);
}

static path_t quarantine_of(const place_t *place)
{
    return join_path(place->directory.text, ".test_index.lost");
}

static path_t item_of(const place_t *place, uint64_t section, const char *kind, unsigned ordinal, uint64_t offset)
{
    char name[96];
    (void)snprintf(name, sizeof name, "%016" PRIx64 ".%s.%u.%" PRIu64, section, kind, ordinal, offset);
    return join_path(quarantine_of(place).text, name);
}

static void open_it(place_t *place)
{
    place->errors = 0;
    assert_null(place->journal);
    assert_ok(oversized_open(&place->config, &place->journal));
}

static void close_it(place_t *place)
{
    oversized_t *journal = place->journal;
    place->journal = NULL;
    assert_ok(oversized_close(journal));
}

static void fill(place_t *place, uint64_t section, size_t records)
{
    for (size_t i = 0; i < records; i++)
        append_filled(place->journal, section, i, (uint8_t)(section + i), VALUE, NULL);
}

/* A closed journal of one section, whose values file then ends within record `kept`. */
static void make_loss(place_t *place, uint64_t section, size_t kept)
{
    open_it(place);
    fill(place, section, RECORDS);
    close_it(place);
    resize_file(values_of(place, section).text, VALUES_DATA_OFFSET + kept * FRAME + 11);
}

static void expect_report(const place_t *place, uint64_t records, uint64_t sections, uint64_t bytes, uint64_t missed)
{
    const oversized_recovery_t *found = oversized_recovery(place->journal);
    assert_int_equal(found->unacknowledged_records, records);
    assert_int_equal(found->unacknowledged_sections, sections);
    assert_int_equal(found->quarantine_bytes, bytes);
    assert_int_equal(found->unacknowledged_bytes_missed, missed);
    if (found->quarantine != NULL)
        assert_string_equal(found->quarantine, quarantine_of(place).text);
    assert_int_equal(place->errors > 0, records > 0);
}

static void expect_item(const path_t *path, const bytes_t *original, uint64_t offset, size_t size)
{
    bytes_t item = read_file(path->text);
    assert_int_equal(item.size, size);
    assert_memory_equal(item.data, original->data + offset, size);
    free_bytes(&item);
}

/* The page that is shortened, or the first that goes, and all behind it; and the values from the end that stays. */
static void what_is_cut_is_set_aside_byte_for_byte(void **state)
{
    place_t *place = *state;
    for (size_t kept = 0; kept < RECORDS; kept++) {
        remove_tree(place->directory.text);
        make_loss(place, SECTION, kept);
        bytes_t index = read_file(index_of(place, SECTION).text);
        bytes_t values = read_file(values_of(place, SECTION).text);
        open_it(place);
        uint64_t page = INDEX_DATA_OFFSET + kept * SMALL_RECORD / SMALL_PAGE * (SMALL_PAGE + PAGE_CHECKSUMS);
        uint64_t end = VALUES_DATA_OFFSET + kept * FRAME;
        path_t index_item = item_of(place, SECTION, "index", 0, page);
        path_t values_item = item_of(place, SECTION, "values", 0, end);
        expect_item(&index_item, &index, page, (size_t)(index.size - page));
        expect_item(&values_item, &values, end, (size_t)(values.size - end));
        assert_int_equal(oversized_recovery(place->journal)->synced_records_lost, RECORDS - kept);
        expect_report(place, RECORDS - kept, 1, index.size - page + values.size - end, 0);
        assert_non_null(oversized_recovery(place->journal)->quarantine);
        assert_non_null(strstr(place->error, quarantine_of(place).text));
        for (size_t i = 0; i < kept; i++)
            check_filled(place->journal, SECTION, i, i, (uint8_t)(SECTION + i), VALUE);
        close_it(place);
        free_bytes(&index);
        free_bytes(&values);
    }
}

/* Put back, the bytes are the files as they were. */
static void what_was_set_aside_gives_the_files_back(void **state)
{
    place_t *place = *state;
    make_loss(place, SECTION, 4);
    bytes_t index = read_file(index_of(place, SECTION).text);
    open_it(place);
    close_it(place);
    uint64_t page = INDEX_DATA_OFFSET + SMALL_PAGE + PAGE_CHECKSUMS;
    bytes_t item = read_file(item_of(place, SECTION, "index", 0, page).text);
    write_file_at(index_of(place, SECTION).text, page, item.data, item.size);
    bytes_t back = read_file(index_of(place, SECTION).text);
    assert_int_equal(back.size, index.size);
    assert_memory_equal(back.data + INDEX_DATA_OFFSET, index.data + INDEX_DATA_OFFSET, index.size - INDEX_DATA_OFFSET);
    free_bytes(&item);
    free_bytes(&back);
    free_bytes(&index);
}

static void a_journal_that_lost_nothing_has_no_quarantine(void **state)
{
    place_t *place = *state;
    open_it(place);
    fill(place, SECTION, RECORDS);
    assert_ok(oversized_sync(place->journal, SECTION));
    fill(place, SECTION, 2);
    oversized_abandon(place->journal);
    place->journal = NULL;
    open_it(place);
    expect_report(place, 0, 0, 0, 0);
    assert_null(oversized_recovery(place->journal)->quarantine);
    assert_ok(oversized_acknowledge_losses(place->journal));
    assert_ok(oversized_discard_quarantine(place->journal));
    assert_false(path_exists(quarantine_of(place).text));
}

/* Until somebody has said that he knows. */
static void later_opens_go_on_saying_it(void **state)
{
    place_t *place = *state;
    make_loss(place, SECTION, 5);
    open_it(place);
    uint64_t bytes = oversized_recovery(place->journal)->quarantine_bytes;
    fill(place, SECTION, 3);
    close_it(place);
    for (int i = 0; i < 3; i++) {
        place->config.read_only = i == 1;
        open_it(place);
        assert_int_equal(oversized_recovery(place->journal)->synced_records_lost, 0);
        expect_report(place, RECORDS - 5, 1, bytes, 0);
        close_it(place);
    }
    place->config.read_only = false;
    open_it(place);
    assert_ok(oversized_acknowledge_losses(place->journal));
    assert_ok(oversized_acknowledge_losses(place->journal));
    oversized_abandon(place->journal);
    place->journal = NULL;
    open_it(place);
    expect_report(place, 0, 0, bytes, 0);
    assert_non_null(oversized_recovery(place->journal)->quarantine);
    assert_ok(oversized_discard_quarantine(place->journal));
    assert_false(path_exists(quarantine_of(place).text));
    close_it(place);
    open_it(place);
    expect_report(place, 0, 0, 0, 0);
    assert_null(oversized_recovery(place->journal)->quarantine);
}

/* Whatever of it fails: the answer says what later opens say. */
static void what_acknowledging_answers_is_so(void **state)
{
    static const record_kind_t kinds[] = {RECORD_FILE_OPEN, RECORD_FILE_WRITE, RECORD_FILE_TRUNCATE, RECORD_FILE_SYNC,
                                          RECORD_PARTITION_SYNC};
    place_t *place = *state;
    recorder_t *recorder = recorder_new(segj_storage_posix());
    place->config.storage = recorder_storage(recorder);
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        remove_tree(place->directory.text);
        make_loss(place, SECTION, 6);
        open_it(place);
        recorder_fail(recorder, kinds[kind], 1, 1, EIO); /* of the second catalogue */
        segj_status_t status = oversized_acknowledge_losses(place->journal);
        recorder_fail(recorder, kinds[kind], 0, 0, 0);
        close_it(place);
        open_it(place);
        assert_int_equal(oversized_recovery(place->journal)->unacknowledged_records,
                         status == SEGJ_OK ? 0 : RECORDS - 6);
        close_it(place);
    }
    place->config.storage = NULL;
    recorder_free(recorder);
}

/* Of two losses one is acknowledged: the other one stays, with its bytes. */
static void what_is_not_acknowledged_is_not_discarded(void **state)
{
    place_t *place = *state;
    make_loss(place, 1, 5);
    open_it(place);
    uint64_t first = oversized_recovery(place->journal)->quarantine_bytes;
    assert_ok(oversized_acknowledge_losses(place->journal));
    close_it(place);
    make_loss(place, 2, 3);
    open_it(place);
    uint64_t second = oversized_recovery(place->journal)->quarantine_bytes - first;
    expect_report(place, RECORDS - 3, 1, first + second, 0);
    assert_ok(oversized_discard_quarantine(place->journal));
    close_it(place);
    open_it(place);
    expect_report(place, RECORDS - 3, 1, second, 0);
    assert_true(path_exists(item_of(place, 2, "values", 1, VALUES_DATA_OFFSET + 3 * FRAME).text));
    names_t names = list_directory(quarantine_of(place).text);
    assert_int_equal(names.count, 4);
    free_names(&names);
}

static void a_section_that_loses_twice_is_counted_once(void **state)
{
    place_t *place = *state;
    make_loss(place, SECTION, 6);
    open_it(place);
    fill(place, SECTION, 3);
    close_it(place);
    resize_file(values_of(place, SECTION).text, VALUES_DATA_OFFSET + 2 * FRAME);
    open_it(place);
    expect_report(place, RECORDS - 6 + 7, 1, oversized_recovery(place->journal)->quarantine_bytes, 0);
}

/* --- the bound --- */

static void without_a_quarantine_the_loss_is_said_all_the_same(void **state)
{
    place_t *place = *state;
    place->config.quarantine = 0;
    make_loss(place, SECTION, 4);
    uint64_t values = 11;
    uint64_t index = file_size(index_of(place, SECTION).text) - INDEX_DATA_OFFSET - SMALL_PAGE - PAGE_CHECKSUMS;
    open_it(place);
    expect_report(place, RECORDS - 4, 1, 0, values + index);
    close_it(place);
    open_it(place);
    expect_report(place, RECORDS - 4, 1, 0, values + index);
    assert_ok(oversized_acknowledge_losses(place->journal));
    close_it(place);
    open_it(place);
    expect_report(place, 0, 0, 0, 0);
}

/* The index first, then the values from their start. */
static void what_does_not_fit_is_cut_all_the_same_and_said(void **state)
{
    place_t *place = *state;
    enum { HELD = RECORDS * SMALL_RECORD / SMALL_PAGE + 1, WANTED = HELD * (SMALL_PAGE + PAGE_CHECKSUMS) };
    for (uint64_t bound = 0; bound <= WANTED + 13; bound += bound < WANTED - 1 ? 29 : 1) {
        remove_tree(place->directory.text);
        place->config.quarantine = bound;
        make_loss(place, SECTION, 0);
        resize_file(values_of(place, SECTION).text, VALUES_DATA_OFFSET + 11);
        bytes_t values = read_file(values_of(place, SECTION).text);
        uint64_t index = file_size(index_of(place, SECTION).text) - INDEX_DATA_OFFSET;
        open_it(place);
        uint64_t taken = bound < index + 11 ? bound : index + 11;
        expect_report(place, RECORDS, 1, taken, index + 11 - taken);
        uint64_t of_values = taken > index ? taken - index : 0;
        path_t item = item_of(place, SECTION, "values", 0, VALUES_DATA_OFFSET);
        assert_int_equal(path_exists(item.text), of_values > 0);
        if (of_values > 0)
            expect_item(&item, &values, VALUES_DATA_OFFSET, (size_t)of_values);
        close_it(place);
        free_bytes(&values);
    }
}

static void acknowledged_losses_make_room_the_oldest_first(void **state)
{
    place_t *place = *state;
    place->config.quarantine = 900;
    uint64_t each = 0;
    for (uint64_t section = 1; section <= 4; section++) {
        make_loss(place, section, 0);
        open_it(place);
        each = section == 1 ? oversized_recovery(place->journal)->quarantine_bytes : each;
        expect_report(place, RECORDS, 1, section * each <= 900 ? section * each : 900 / each * each, 0);
        assert_ok(oversized_acknowledge_losses(place->journal));
        close_it(place);
    }
    assert_true(each > 225 && each <= 450);
    assert_false(path_exists(item_of(place, 1, "index", 0, INDEX_DATA_OFFSET).text));
    assert_true(path_exists(item_of(place, 4, "index", 3, INDEX_DATA_OFFSET).text));
}

/* --- who may --- */

static void a_read_only_open_tells_and_writes_nothing(void **state)
{
    place_t *place = *state;
    make_loss(place, SECTION, 5);
    path_t before = join_path(place->root.text, "before");
    copy_tree(place->directory.text, before.text);
    place->config.read_only = true;
    open_it(place);
    assert_int_equal(oversized_recovery(place->journal)->synced_records_lost, RECORDS - 5);
    assert_int_equal(oversized_recovery(place->journal)->unacknowledged_records, 0);
    assert_true(place->errors > 0);
    assert_status(oversized_acknowledge_losses(place->journal), SEGJ_ERR_READ_ONLY);
    assert_status(oversized_discard_quarantine(place->journal), SEGJ_ERR_READ_ONLY);
    close_it(place);
    assert_trees_equal(place->directory.text, before.text);
    assert_status(oversized_acknowledge_losses(NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_discard_quarantine(NULL), SEGJ_ERR_INVALID);
}

static void a_destroy_takes_it_along(void **state)
{
    place_t *place = *state;
    make_loss(place, SECTION, 5);
    open_it(place);
    assert_true(path_exists(quarantine_of(place).text));
    oversized_t *journal = place->journal;
    place->journal = NULL;
    assert_ok(oversized_destroy(journal));
    names_t names = list_directory(place->directory.text);
    assert_int_equal(names.count, 0);
    free_names(&names);
}

/* What a checkpoint does without is no loss; but that the storage has lost it is said. */
static void nothing_is_set_aside_for_a_checkpoint(void **state)
{
    place_t *place = *state;
    oversized_checkpoint_t checkpoint = {SECTION, SECTION, 2 * SMALL_RECORD};
    make_loss(place, SECTION, 5);
    place->config.checkpoint = &checkpoint;
    place->config.strict = true;
    open_it(place);
    expect_report(place, 0, 0, 0, 0);
    assert_int_equal(oversized_recovery(place->journal)->synced_records_lost, 0);
    assert_false(path_exists(quarantine_of(place).text));
    assert_non_null(strstr(place->said, "section 7 has lost 4 records that were synced; the checkpoint"));
}

static void long_names_are_shortened(void **state)
{
    place_t *place = *state;
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    for (int length = 255; length >= 249; length -= 6) {
        name[length] = '\0';
        place->config.index_partition = name;
        remove_tree(place->directory.text);
        make_loss(place, SECTION, 5);
        open_it(place);
        const char *path = oversized_recovery(place->journal)->quarantine;
        assert_non_null(path);
        assert_true(path_exists(path));
        assert_int_equal(strlen(path) - strlen(place->directory.text) - 1, 255);
        close_it(place);
    }
}

/* --- damage to the quarantine itself --- */

static void flip(const char *path)
{
    bytes_t bytes = read_file(path);
    bytes.data[bytes.size / 2] ^= 1;
    write_file(path, bytes.data, bytes.size);
    free_bytes(&bytes);
}

/* The other catalogue is the state before; with neither what was set aside stays where it is. */
static void a_damaged_catalogue_costs_no_item(void **state)
{
    place_t *place = *state;
    make_loss(place, 1, 5);
    open_it(place);
    close_it(place);
    make_loss(place, 2, 5);
    open_it(place);
    close_it(place);
    path_t items[2] = {item_of(place, 1, "values", 0, VALUES_DATA_OFFSET + 5 * FRAME),
                       item_of(place, 2, "values", 1, VALUES_DATA_OFFSET + 5 * FRAME)};
    flip(join_path(quarantine_of(place).text, "catalogue.0").text);
    flip(join_path(quarantine_of(place).text, "catalogue.1").text);
    open_it(place);
    assert_int_equal(oversized_recovery(place->journal)->unacknowledged_records, 0);
    assert_true(place->errors > 0);
    assert_non_null(strstr(place->error, "damaged"));
    close_it(place);
    make_loss(place, 3, 5);
    open_it(place);
    assert_int_equal(oversized_recovery(place->journal)->unacknowledged_records, RECORDS - 5);
    close_it(place);
    assert_true(path_exists(items[0].text));
    assert_true(path_exists(items[1].text));
    assert_true(path_exists(item_of(place, 3, "values", 2, VALUES_DATA_OFFSET + 5 * FRAME).text));
}

/* Both say the same when an open has ended: either one may be lost. */
static void one_catalogue_is_enough(void **state)
{
    place_t *place = *state;
    static const char *const names[] = {"catalogue.0", "catalogue.1"};
    for (size_t i = 0; i < 2; i++) {
        make_loss(place, SECTION + i, 5);
        open_it(place);
        close_it(place);
        resize_file(join_path(quarantine_of(place).text, names[i]).text, 0);
        open_it(place);
        assert_int_equal(oversized_recovery(place->journal)->unacknowledged_records, (RECORDS - 5) * (i + 1));
        assert_int_equal(oversized_recovery(place->journal)->unacknowledged_sections, i + 1);
        close_it(place);
    }
}

/* What somebody has put there stays, and is named where that keeps the partition. */
static void what_is_not_ours_stays(void **state)
{
    place_t *place = *state;
    make_loss(place, SECTION, 5);
    open_it(place);
    path_t saved = join_path(quarantine_of(place).text, "saved.bin");
    write_file(saved.text, (const uint8_t *)"mine", 4);
    path_t item = item_of(place, SECTION, "values", 0, VALUES_DATA_OFFSET + 5 * FRAME);
    char copy_name[sizeof item.text + 8];
    (void)snprintf(copy_name, sizeof copy_name, "%s.bak", item.text);
    write_file(copy_name, (const uint8_t *)"mine", 4);
    assert_ok(oversized_acknowledge_losses(place->journal));
    assert_ok(oversized_discard_quarantine(place->journal));
    assert_true(path_exists(saved.text));
    assert_true(path_exists(copy_name));
    assert_false(path_exists(item.text));
    remove_file(copy_name);
    oversized_t *journal = place->journal;
    place->journal = NULL;
    assert_status(oversized_destroy(journal), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "saved.bin"));
    assert_true(path_exists(saved.text));
}

/* Something else has the quarantine's name: a writer is told what to do, and reading goes on. */
static void a_name_that_is_taken(void **state)
{
    place_t *place = *state;
    open_it(place);
    fill(place, SECTION, RECORDS);
    close_it(place);
    write_file(quarantine_of(place).text, (const uint8_t *)"?", 1);
    assert_status(oversized_open(&place->config, &place->journal), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "move it away"));
    place->config.read_only = true;
    open_it(place);
    check_filled(place->journal, SECTION, RECORDS - 1, RECORDS - 1, (uint8_t)(SECTION + RECORDS - 1), VALUE);
    close_it(place);
    place->config.read_only = false;
    remove_file(quarantine_of(place).text);
    open_it(place);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_cut_is_set_aside_byte_for_byte),
        TEST(what_was_set_aside_gives_the_files_back),
        TEST(a_journal_that_lost_nothing_has_no_quarantine),
        TEST(later_opens_go_on_saying_it),
        TEST(what_acknowledging_answers_is_so),
        TEST(what_is_not_acknowledged_is_not_discarded),
        TEST(a_section_that_loses_twice_is_counted_once),
        TEST(without_a_quarantine_the_loss_is_said_all_the_same),
        TEST(what_does_not_fit_is_cut_all_the_same_and_said),
        TEST(acknowledged_losses_make_room_the_oldest_first),
        TEST(a_read_only_open_tells_and_writes_nothing),
        TEST(a_destroy_takes_it_along),
        TEST(one_catalogue_is_enough),
        TEST(what_is_not_ours_stays),
        TEST(a_name_that_is_taken),
        TEST(nothing_is_set_aside_for_a_checkpoint),
        TEST(long_names_are_shortened),
        TEST(a_damaged_catalogue_costs_no_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
