/*
 * promises/test_sync_start.c: oversized_sync_start() and oversized_sync_wait(): what a start hands over, what a wait
 * promises, and how waits share the work.
 */
#include "promises/fixture.h"
#include "promises/watch.h"
#include "support/recorder.h"

#include <string.h>

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

/* What a wait promises of the storage: nothing that was written waits for a sync, neither bytes nor names. */
static void test_a_wait_covers_what_was_appended_before_the_start(void **state)
{
    fixture_t *f = *state;
    oversized_ticket_t ticket;
    open_journal(f);
    for (unsigned round = 0; round < 50; round++) {
        append_samples(f->journal, 1, round % 7 + 1, 0);
        assert_ok(oversized_sync_start(f->journal, 1, &ticket));
        assert_ok(oversized_sync_wait(f->journal, &ticket));
        assert_true(watch_seen()->unsynced == 0 || tested_version() == 2); /* there the index follows later */
        check_files(f, 1, count_of(f->journal, 1), 0);
    }
    assert_true(watch_seen()->names_synced >= 2);
}

static void test_appends_go_on_between_start_and_wait(void **state)
{
    fixture_t *f = *state;
    oversized_ticket_t tickets[30];
    open_journal(f);
    for (unsigned round = 0; round < 30; round++) {
        append_samples(f->journal, 1, 20, 0);
        assert_ok(oversized_sync_start(f->journal, 1, &tickets[round]));
        append_samples(f->journal, 1, 3, 0);
        if (round % 3 == 2)
            assert_ok(oversized_sync_wait(f->journal, &tickets[round - 1]));
    }
    for (unsigned round = 0; round < 30; round++)
        assert_ok(oversized_sync_wait(f->journal, &tickets[round]));
    check_section(f->journal, 1, 690, 0);
    abandon_and_open(f);
    assert_true(count_of(f->journal, 1) >= 687);
    check_section(f->journal, 1, count_of(f->journal, 1), 0);
}

/* A start hands the values to the storage and asks it to write them back; it syncs nothing. */
static void test_a_start_writes_values_and_syncs_nothing(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    recorder_t *recorder = recorder_new(f->config.storage);
    oversized_ticket_t ticket;
    f->config.storage = recorder_storage(recorder);
    open_journal(f);
    assert_ok(oversized_append(f->journal, 1, entry, "0123456789", 10, NULL, NULL));
    assert_ok(oversized_sync(f->journal, 1));
    assert_ok(oversized_append(f->journal, 1, entry, "0123456789", 10, NULL, NULL));
    recorder_clear(recorder);
    assert_ok(oversized_sync_start(f->journal, 1, &ticket));
    assert_changes(recorder, "write test_values/1 4110+14");
    recorder_clear(recorder);
    assert_ok(oversized_sync_wait(f->journal, &ticket));
    assert_changes(recorder, "write test_index/1 12288+76; sync test_index/1; sync test_values/1");
    recorder_clear(recorder);
    assert_ok(oversized_sync_wait(f->journal, &ticket));
    assert_changes(recorder, "");
    oversized_abandon(f->journal);
    f->journal = NULL;
    recorder_free(recorder);
}

static void test_any_sync_covers_a_ticket(void **state)
{
    fixture_t *f = *state;
    recorder_t *recorder = recorder_new(f->config.storage);
    oversized_ticket_t first;
    oversized_ticket_t second;
    f->config.storage = recorder_storage(recorder);
    open_journal(f);
    append_sample(f->journal, 1, 0);
    assert_ok(oversized_sync_start(f->journal, 1, &first));
    append_sample(f->journal, 1, 0);
    assert_ok(oversized_sync_start(f->journal, 1, &second));
    assert_ok(oversized_sync_wait(f->journal, &second));
    recorder_clear(recorder);
    assert_ok(oversized_sync_wait(f->journal, &first));
    assert_changes(recorder, "");
    append_sample(f->journal, 1, 0);
    assert_ok(oversized_sync_start(f->journal, 1, &first));
    assert_ok(oversized_sync_all(f->journal));
    recorder_clear(recorder);
    assert_ok(oversized_sync_wait(f->journal, &first));
    assert_changes(recorder, "");
    oversized_abandon(f->journal);
    f->journal = NULL;
    recorder_free(recorder);
}

static void test_tickets_of_sections_that_are_not_there(void **state)
{
    fixture_t *f = *state;
    oversized_ticket_t ticket;
    open_journal(f);
    assert_ok(oversized_sync_start(f->journal, 9, &ticket));
    assert_ok(oversized_sync_wait(f->journal, &ticket));
    append_sample(f->journal, 1, 0);
    append_sample(f->journal, 3, 0);
    assert_ok(oversized_sync_start(f->journal, 1, &ticket));
    assert_ok(oversized_prune(f->journal, 2, NULL));
    assert_status(oversized_sync_wait(f->journal, &ticket), SEGJ_ERR_PRUNED);
    assert_status(oversized_sync_start(f->journal, 1, &ticket), SEGJ_ERR_PRUNED);
    append_samples(f->journal, 5, 4, 0);
    assert_ok(oversized_sync_start(f->journal, 5, &ticket));
    assert_ok(oversized_rewind(f->journal, 3, SMALL_RECORD));
    assert_ok(oversized_sync_wait(f->journal, &ticket));
    append_sample(f->journal, 5, 0);
    assert_ok(oversized_sync_wait(f->journal, &ticket));
}

/* The section that has the number now was changed less often than the one that the ticket is of, and is at rest. */
static void test_a_ticket_of_a_section_that_was_made_again_and_rests(void **state)
{
    fixture_t *f = *state;
    oversized_ticket_t ticket;
    f->config.max_open_files = 4; /* one section is active at a time */
    open_journal(f);
    append_sample(f->journal, 3, 0);
    for (int i = 0; i < 4; i++)
        append_sample(f->journal, 5, 0);
    assert_ok(oversized_sync_start(f->journal, 5, &ticket));
    assert_ok(oversized_rewind(f->journal, 3, SMALL_RECORD));
    append_sample(f->journal, 5, 0);
    assert_ok(oversized_sync_wait(f->journal, &ticket));
    append_sample(f->journal, 3, 0);
    assert_ok(oversized_sync_wait(f->journal, &ticket));
    check_section(f->journal, 5, 1, 0);
}

static void test_a_start_without_space_may_be_made_again(void **state)
{
    fixture_t *f = *state;
    oversized_ticket_t ticket = {77, 77};
    open_journal(f);
    append_samples(f->journal, 1, 10, 0);
    watch_seen()->full = true;
    assert_status(oversized_sync_start(f->journal, 1, &ticket), SEGJ_ERR_NO_SPACE);
    assert_non_null(strstr(segj_last_error(), "; 0 records are durable, a rewind to 0 or fewer needs no space"));
    assert_int_equal(ticket.section, 77);
    watch_seen()->full = false;
    assert_ok(oversized_sync_start(f->journal, 1, &ticket));
    assert_ok(oversized_sync_wait(f->journal, &ticket));
    check_files(f, 1, 10, 0);
}

/* A ticket that was covered before a failure stays covered; one that was not cannot be any more. */
static void test_a_failed_flush_poisons_and_fails_the_wait(void **state)
{
    fixture_t *f = *state;
    recorder_t *recorder = recorder_new(f->config.storage);
    oversized_ticket_t covered;
    oversized_ticket_t lost;
    f->config.storage = recorder_storage(recorder);
    open_journal(f);
    append_sample(f->journal, 1, 0);
    assert_ok(oversized_sync_start(f->journal, 1, &covered));
    assert_ok(oversized_sync_wait(f->journal, &covered));
    append_sample(f->journal, 1, 0);
    assert_ok(oversized_sync_start(f->journal, 1, &lost));
    recorder_fail(recorder, RECORD_FILE_SYNC, 0, 1, 5);
    assert_status(oversized_sync_wait(f->journal, &lost), SEGJ_ERR_IO);
    assert_status(oversized_sync_wait(f->journal, &lost), SEGJ_ERR_POISONED);
    assert_status(oversized_sync_start(f->journal, 1, &lost), SEGJ_ERR_POISONED);
    assert_ok(oversized_sync_wait(f->journal, &covered));
    oversized_abandon(f->journal);
    f->journal = NULL;
    recorder_free(recorder);
}

static void test_bad_arguments_are_refused(void **state)
{
    fixture_t *f = *state;
    oversized_ticket_t ticket = {1, 0};
    open_journal(f);
    append_sample(f->journal, 1, 0);
    assert_status(oversized_sync_start(NULL, 1, &ticket), SEGJ_ERR_INVALID);
    assert_status(oversized_sync_start(f->journal, 1, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_sync_wait(NULL, &ticket), SEGJ_ERR_INVALID);
    assert_status(oversized_sync_wait(f->journal, NULL), SEGJ_ERR_INVALID);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    assert_status(oversized_sync_start(f->journal, 1, &ticket), SEGJ_ERR_READ_ONLY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_wait_covers_what_was_appended_before_the_start),
        PROMISE(test_appends_go_on_between_start_and_wait),
        PROMISE(test_a_start_writes_values_and_syncs_nothing),
        PROMISE(test_any_sync_covers_a_ticket),
        PROMISE(test_tickets_of_sections_that_are_not_there),
        PROMISE(test_a_ticket_of_a_section_that_was_made_again_and_rests),
        PROMISE(test_a_start_without_space_may_be_made_again),
        PROMISE(test_a_failed_flush_poisons_and_fails_the_wait),
        PROMISE(test_bad_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
