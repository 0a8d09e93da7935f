/*
 * failure/test_no_room.c: disks that write nothing where it was and have room for so many blocks (support/simdisk.h): what a
 * rewind answers there, what is said of losses that cannot be noted, and that a loss outlives the prune of its section.
 */
#include "failure/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/simdisk.h"

enum { SECTION = 7, RECORDS = 9, VALUE = 40, FRAME = VALUE + FRAME_CHECKSUM, BLOCK = 4096 };

static const char directory[] = "journal";

typedef struct place {
    simdisk_t *disk;
    oversized_config_t config;
    oversized_t *journal;
    char log[8192]; /* what was said since it was emptied, a line each */
} place_t;

static void listen(void *context, segj_log_level_t level, const char *message)
{
    place_t *place = context;
    size_t used = strlen(place->log);
    if (level >= SEGJ_LOG_WARNING)
        (void)snprintf(place->log + used, sizeof place->log - used, "%s\n", message);
}

static int set_up(void **state)
{
    place_t *place = calloc(1, sizeof *place);
    if (place == NULL)
        return -1;
    place->disk = simdisk_new();
    small_config(&place->config, directory);
    place->config.storage = simdisk_storage(place->disk);
    place->config.log = listen;
    place->config.log_context = place;
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    oversized_abandon(place->journal);
    simdisk_free(place->disk);
    free(place);
    return 0;
}

static void open_it(place_t *place)
{
    place->log[0] = '\0';
    assert_null(place->journal);
    assert_ok(oversized_open(&place->config, &place->journal));
}

static void drop_it(place_t *place)
{
    oversized_abandon(place->journal);
    place->journal = NULL;
}

static void close_it(place_t *place)
{
    oversized_t *journal = place->journal;
    place->journal = NULL;
    assert_ok(oversized_close(journal));
}

static void fill(place_t *place, uint64_t section, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++)
        append_filled(place->journal, section, i, (uint8_t)(section + i), VALUE, NULL);
}

static void check_section(place_t *place, uint64_t section, uint64_t records)
{
    uint64_t count = UINT64_MAX;
    assert_ok(oversized_count(place->journal, section, &count));
    assert_int_equal(count, records);
    for (uint64_t i = 0; i < records; i++)
        check_filled(place->journal, section, i, i, (uint8_t)(section + i), VALUE);
}

static void expect_log(const place_t *place, const char *text, bool said)
{
    if ((strstr(place->log, text) != NULL) != said)
        fail_msg("\"%s\" is %sin the log:\n%s", text, said ? "not " : "", place->log);
}

/* Closed sections, of the first of which the values file then ends within record 4. */
static void make_loss(place_t *place, uint64_t first, uint64_t last)
{
    open_it(place);
    for (uint64_t section = first; section <= last; section++)
        fill(place, section, RECORDS);
    close_it(place);
    shorten_file(place->config.storage, directory, "test_values", first, (RECORDS - 4) * FRAME - 11);
}

/* --- rewinds --- */

/* The last page goes out before anything else: where it does not, nothing has changed. */
static void rewind_with_room_for(place_t *place, uint64_t blocks, unsigned *refused)
{
    uint64_t section = SECTION + blocks;
    open_it(place);
    fill(place, section, RECORDS);
    assert_ok(oversized_sync(place->journal, section));
    uint64_t before = simdisk_hash(place->disk);
    simdisk_set_room(place->disk, blocks * BLOCK);
    segj_status_t status = oversized_rewind_to(place->journal, section, 2);
    bool poisoned = oversized_error(place->journal) != NULL;
    simdisk_set_room(place->disk, SIZE_MAX);
    if (status == SEGJ_OK) {
        check_section(place, section, 2);
    } else {
        assert_status(status, SEGJ_ERR_NO_SPACE);
        *refused += !poisoned;
        assert_true(blocks > 0 || (!poisoned && simdisk_hash(place->disk) == before));
        check_section(place, section, poisoned ? 2 : RECORDS);
    }
    if (!poisoned) {
        append_filled(place->journal, section, 100, 1, VALUE, NULL);
        assert_ok(oversized_sync(place->journal, section));
        check_filled(place->journal, section, status == SEGJ_OK ? 2 : RECORDS, 100, 1, VALUE);
    }
    drop_it(place);
}

static void a_rewind_without_room_changes_nothing(void **state)
{
    place_t *place = *state;
    unsigned refused = 0;
    for (uint64_t blocks = 0; blocks < 8; blocks++)
        rewind_with_room_for(place, blocks, &refused);
    /* A page, and the slots of the watermark where there is one. */
    assert_int_equal(refused, place->config.format == SEGJ_FORMAT_NATIVE ? 3 : 1);
}

/* A rewind to the end of a page writes none; it needs room for the marks alone. */
static void a_rewind_to_whole_pages_needs_no_room_for_a_page(void **state)
{
    place_t *place = *state;
    open_it(place);
    fill(place, SECTION, 3 * SMALL_PAGE / 4);
    assert_ok(oversized_sync(place->journal, SECTION));
    simdisk_set_room(place->disk, place->config.format == SEGJ_FORMAT_NATIVE ? 3 * BLOCK : 0);
    assert_ok(oversized_rewind_to(place->journal, SECTION, SMALL_PAGE / 4));
    check_section(place, SECTION, SMALL_PAGE / 4);
}

/* A mark that there is no room to clear costs the next open a look, and no more: the cut is durable. */
static void a_rewind_ends_without_room_for_its_last_step(void **state)
{
    place_t *place = *state;
    if (place->config.format != SEGJ_FORMAT_NATIVE)
        return;
    for (uint64_t records = 0; records < RECORDS; records += 4) {
        uint64_t section = SECTION + records;
        open_it(place);
        fill(place, section, RECORDS);
        assert_ok(oversized_sync(place->journal, section));
        /* Both slots; and where a page is shortened its own write, and those of its two slots. */
        simdisk_set_room(place->disk, (records == 0 ? 2 : 5) * BLOCK);
        place->log[0] = '\0';
        assert_ok(oversized_rewind_section_to(place->journal, section, records));
        expect_log(place, "could not be cleared", true);
        assert_null(oversized_error(place->journal));
        check_section(place, section, records);
        simdisk_set_room(place->disk, SIZE_MAX);
        append_filled(place->journal, section, records, (uint8_t)(section + records), VALUE, NULL);
        assert_ok(oversized_sync(place->journal, section));
        drop_it(place);
        place->config.strict = true;
        open_it(place);
        check_section(place, section, records + 1);
        assert_int_equal(oversized_recovery(place->journal)->records_dropped, 0);
        place->config.strict = false;
        close_it(place);
    }
}

/* The next open takes two equal slots for a cut that may not be durable, and ends it. */
static void what_is_left_of_a_rewind_without_room_is_ended_by_open(void **state)
{
    place_t *place = *state;
    if (place->config.format != SEGJ_FORMAT_NATIVE)
        return;
    open_it(place);
    fill(place, SECTION, RECORDS);
    assert_ok(oversized_sync(place->journal, SECTION));
    simdisk_set_room(place->disk, 5 * BLOCK);
    assert_ok(oversized_rewind_to(place->journal, SECTION, 4));
    drop_it(place);
    simdisk_set_room(place->disk, SIZE_MAX);
    for (unsigned repaired = 2; repaired-- > 0;) {
        open_it(place);
        assert_int_equal(oversized_recovery(place->journal)->sections_repaired, repaired);
        check_section(place, SECTION, 4);
        close_it(place);
    }
}

/* --- losses --- */

/* Nothing was cut, and nothing will be until the loss can be noted. */
static void without_room_nothing_is_said_to_be_cut(void **state)
{
    place_t *place = *state;
    if (place->config.format != SEGJ_FORMAT_NATIVE)
        return;
    place->config.quarantine = 0;
    make_loss(place, SECTION, SECTION);
    for (uint64_t blocks = 0; blocks < 2; blocks++) { /* with two the loss is noted, and not yet cut */
        simdisk_set_room(place->disk, blocks * BLOCK);
        open_it(place);
        assert_int_equal(oversized_recovery(place->journal)->sections_unrepaired, 1);
        assert_int_equal(oversized_recovery(place->journal)->unacknowledged_records, 0);
        expect_log(place, "there is no room", true);
        expect_log(place, "are cut", false);
        expect_log(place, "not set aside", false);
        drop_it(place);
    }
    simdisk_set_room(place->disk, SIZE_MAX);
    open_it(place);
    assert_int_equal(oversized_recovery(place->journal)->unacknowledged_records, RECORDS - 4);
    expect_log(place, "not set aside", true);
}

/* Also by a change that repairs the section later. */
static void a_repair_without_room_does_not_say_that_it_has_cut(void **state)
{
    place_t *place = *state;
    if (place->config.format != SEGJ_FORMAT_NATIVE)
        return;
    place->config.quarantine = 0;
    make_loss(place, SECTION, SECTION);
    simdisk_set_room(place->disk, 0);
    open_it(place);
    place->log[0] = '\0';
    assert_status(oversized_append(place->journal, SECTION, "12345678", "value", 5, NULL, NULL), SEGJ_ERR_NO_SPACE);
    expect_log(place, "not set aside", false);
    simdisk_set_room(place->disk, SIZE_MAX);
    assert_ok(oversized_append(place->journal, SECTION, "12345678", "value", 5, NULL, NULL));
    expect_log(place, "not set aside", true);
}

static void exhaust(void *context, simdisk_call_t call, simdisk_fault_t *fault)
{
    (void)context;
    if (call == SIMDISK_OPEN)
        fault->code = EMFILE;
}

/* Nor where the system has no descriptor for its files: what the repair has reserved for them nobody gives back. */
static void a_repair_without_descriptors_fails_and_is_made_again(void **state)
{
    place_t *place = *state;
    if (place->config.format != SEGJ_FORMAT_NATIVE)
        return;
    make_loss(place, SECTION, SECTION);
    simdisk_set_room(place->disk, 0);
    open_it(place);
    assert_int_equal(oversized_recovery(place->journal)->sections_unrepaired, 1);
    simdisk_set_room(place->disk, SIZE_MAX);
    simdisk_on_fault(place->disk, exhaust, NULL);
    assert_status(oversized_append(place->journal, SECTION, "12345678", "value", 5, NULL, NULL), SEGJ_ERR_IO);
    simdisk_on_fault(place->disk, NULL, NULL);
    assert_null(oversized_error(place->journal));
    check_section(place, SECTION, 4);
    assert_ok(oversized_append(place->journal, SECTION, "12345678", "value", 5, NULL, NULL));
    assert_ok(oversized_sync(place->journal, SECTION));
}

static void expect_told(const place_t *place, uint64_t records, bool anything_missed)
{
    const oversized_recovery_t *found = oversized_recovery(place->journal);
    assert_int_equal(found->unacknowledged_records, records);
    assert_int_equal(found->unacknowledged_sections, records > 0);
    assert_int_equal(found->unacknowledged_bytes_missed > 0, anything_missed);
    expect_log(place, "not yet acknowledged", records > 0);
}

/* What is pruned to make room was lost all the same: later opens say so until it is acknowledged. */
static void a_loss_is_told_when_its_section_was_pruned(void **state)
{
    place_t *place = *state;
    if (place->config.format != SEGJ_FORMAT_NATIVE)
        return;
    make_loss(place, SECTION, SECTION + 1);
    simdisk_set_room(place->disk, 0);
    open_it(place);
    assert_int_equal(oversized_recovery(place->journal)->sections_unrepaired, 1);
    simdisk_set_room(place->disk, SIZE_MAX); /* the simulated disk gets nothing back from removals */
    assert_ok(oversized_prune(place->journal, SECTION + 1, NULL));
    close_it(place);
    for (int i = 0; i < 2; i++) {
        open_it(place);
        assert_int_equal(oversized_recovery(place->journal)->sections, 1);
        expect_told(place, RECORDS - 4, true);
        check_section(place, SECTION + 1, RECORDS);
        close_it(place);
    }
    open_it(place);
    assert_ok(oversized_acknowledge_losses(place->journal));
    close_it(place);
    open_it(place);
    expect_told(place, 0, false);
}

/** A removal that the power cuts off, before each of its changes. */
typedef struct cuts {
    place_t *place;
    unsigned cuts, gone; /* places where it was cut; states in which the section is not there any more */
    unsigned untold;     /* states whose open does not tell of the loss once; counted, as a change is under way */
} cuts_t;

/* The section is there with its loss, or the loss is told: once. */
static void judge_cut(cuts_t *cuts, simdisk_t *disk)
{
    oversized_config_t config = cuts->place->config;
    oversized_t *journal = NULL;
    bool there = false;
    config.storage = simdisk_storage(disk);
    config.log = NULL;
    config.must_exist = true;
    assert_ok(oversized_open(&config, &journal));
    cuts->untold += oversized_recovery(journal)->unacknowledged_records != RECORDS - 4;
    assert_ok(oversized_section_exists(journal, SECTION, &there));
    cuts->gone += !there;
    assert_ok(oversized_close(journal));
}

static void cut_removal(void *context, simdisk_t *disk, simdisk_call_t call)
{
    cuts_t *cuts = context;
    (void)call;
    size_t units = simdisk_units(disk);
    uint8_t *keep = calloc(units + 1, 1);
    assert_non_null(keep);
    for (int kept = 0; kept < 2; kept++) {
        memset(keep, kept ? SIMDISK_KEPT : SIMDISK_LOST, units);
        simdisk_t *left = simdisk_crash(disk, keep, SIMDISK_ZEROS);
        judge_cut(cuts, left);
        simdisk_free(left);
    }
    simdisk_t *killed = simdisk_kill(disk);
    judge_cut(cuts, killed);
    simdisk_free(killed);
    cuts->cuts++;
    free(keep);
}

/* With room for it, the notice is durable before the section goes. */
static void no_power_cut_takes_the_notice_of_a_loss(void **state)
{
    place_t *place = *state;
    if (place->config.format != SEGJ_FORMAT_NATIVE)
        return;
    for (int rewinds = 0; rewinds < 2; rewinds++) {
        cuts_t cuts = {.place = place};
        simdisk_free(place->disk);
        place->disk = simdisk_new();
        place->config.storage = simdisk_storage(place->disk);
        open_it(place);
        fill(place, SECTION - 1, RECORDS);
        close_it(place);
        make_loss(place, SECTION, SECTION);
        simdisk_set_room(place->disk, 0);
        open_it(place);
        assert_int_equal(oversized_recovery(place->journal)->sections_unrepaired, 1);
        simdisk_set_room(place->disk, SIZE_MAX);
        simdisk_on_call(place->disk, cut_removal, &cuts);
        if (rewinds == 1)
            assert_ok(oversized_rewind_to(place->journal, SECTION - 1, 3));
        else
            assert_ok(oversized_prune(place->journal, SECTION + 1, NULL));
        simdisk_on_call(place->disk, NULL, NULL);
        assert_true(cuts.cuts > 8 && cuts.gone > 0);
        assert_int_equal(cuts.untold, 0);
        drop_it(place);
        open_it(place);
        expect_told(place, RECORDS - 4, true);
        drop_it(place);
    }
}

/* A removal that is refused leaves the section, whose loss is set aside later as if nothing had been. */
static void fail_removals(void *context, simdisk_call_t call, simdisk_fault_t *fault)
{
    (void)context;
    if (call == SIMDISK_REMOVE)
        fault->code = EIO;
}

static void a_loss_whose_section_stays_is_noted_once_and_set_aside(void **state)
{
    place_t *place = *state;
    if (place->config.format != SEGJ_FORMAT_NATIVE)
        return;
    make_loss(place, SECTION, SECTION + 1);
    simdisk_set_room(place->disk, 0);
    open_it(place);
    simdisk_set_room(place->disk, SIZE_MAX);
    for (int i = 0; i < 2; i++) {
        simdisk_on_fault(place->disk, fail_removals, NULL);
        assert_status(oversized_prune(place->journal, SECTION + 1, NULL), SEGJ_ERR_IO);
        simdisk_on_fault(place->disk, NULL, NULL);
        assert_null(oversized_error(place->journal));
        check_section(place, SECTION, 4);
    }
    assert_ok(oversized_sync(place->journal, SECTION));
    close_it(place);
    open_it(place);
    expect_told(place, RECORDS - 4, false);
    assert_true(oversized_recovery(place->journal)->quarantine_bytes > 0);
}

/* A rewind removes later sections by the same rules. */
static void a_loss_is_told_when_a_rewind_has_removed_its_section(void **state)
{
    place_t *place = *state;
    if (place->config.format != SEGJ_FORMAT_NATIVE)
        return;
    open_it(place);
    fill(place, SECTION - 1, RECORDS);
    close_it(place);
    make_loss(place, SECTION, SECTION);
    simdisk_set_room(place->disk, 0);
    open_it(place);
    simdisk_set_room(place->disk, SIZE_MAX);
    assert_ok(oversized_rewind_to(place->journal, SECTION - 1, 3));
    check_section(place, SECTION - 1, 3);
    drop_it(place);
    open_it(place);
    expect_told(place, RECORDS - 4, true);
}

/* Where there is no room for the notice either, the prune makes its removals, and the log says what is not noted. */
static void a_prune_without_room_for_the_notice_goes_on(void **state)
{
    place_t *place = *state;
    if (place->config.format != SEGJ_FORMAT_NATIVE)
        return;
    make_loss(place, SECTION, SECTION + 1);
    simdisk_set_room(place->disk, 0);
    open_it(place);
    place->log[0] = '\0';
    assert_ok(oversized_prune(place->journal, SECTION + 1, NULL));
    assert_null(oversized_error(place->journal));
    expect_log(place, "could not be noted", true);
    check_section(place, SECTION + 1, RECORDS);
    /* The next notice has room, and takes it along. */
    simdisk_set_room(place->disk, SIZE_MAX);
    close_it(place);
    open_it(place);
    expect_told(place, RECORDS - 4, true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_rewind_without_room_changes_nothing),
        TEST(a_rewind_to_whole_pages_needs_no_room_for_a_page),
        TEST(a_rewind_ends_without_room_for_its_last_step),
        TEST(what_is_left_of_a_rewind_without_room_is_ended_by_open),
        TEST(without_room_nothing_is_said_to_be_cut),
        TEST(a_repair_without_room_does_not_say_that_it_has_cut),
        TEST(a_repair_without_descriptors_fails_and_is_made_again),
        TEST(a_loss_is_told_when_its_section_was_pruned),
        TEST(a_loss_is_told_when_a_rewind_has_removed_its_section),
        TEST(a_prune_without_room_for_the_notice_goes_on),
        TEST(no_power_cut_takes_the_notice_of_a_loss),
        TEST(a_loss_whose_section_stays_is_noted_once_and_set_aside),
    };
    return cmocka_run_group_tests_name("no_room", tests, NULL, NULL);
}
