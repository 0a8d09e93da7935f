/*
 * The file that says who has a journal open (FORMAT.md, "Owner"): what it holds, what becomes of who finds somebody
 * else's token in it, and that it may hold anything at open. Its own failures are failure/test_owner_failures.c's.
 */
#include "failure/owner_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- what it holds --- */

static void a_writer_says_who_it_is(void **state)
{
    owner_place_t *place = *state;
    oversized_t *journal = owner_open(place);
    bytes_t first = read_file(place->owner.text);
    assert_int_equal(first.size, TOKEN);
    assert_memory_equal(first.data, "SEGO\0\1\0\0", 8);
    assert_int_equal(get_u64(first.data + 24), (uint64_t)getpid());
    char host[64] = "";
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    assert_int_equal(strncmp((const char *)first.data + 32, host, 59), 0);
    assert_ok(oversized_close(journal));
    journal = owner_open(place);
    bytes_t second = read_file(place->owner.text);
    assert_int_equal(second.size, TOKEN);
    assert_memory_not_equal(first.data + 8, second.data + 8, 16);
    free_bytes(&first);
    free_bytes(&second);
    assert_ok(oversized_close(journal));
}

static void a_reader_leaves_it_alone(void **state)
{
    owner_place_t *place = *state;
    assert_ok(oversized_close(owner_fill(place)));
    copy_tree(place->directory.text, place->before.text);
    place->config.read_only = true;
    assert_ok(oversized_close(owner_open(place)));
    assert_trees_equal(place->directory.text, place->before.text);
    remove_file(place->owner.text);
    assert_ok(oversized_close(owner_open(place)));
    assert_false(path_exists(place->owner.text));
}

/* Its partitions are shared with a program that takes no other name in them. */
static void a_commonware_journal_has_it_in_a_partition_beside(void **state)
{
    owner_place_t *place = *state;
    place->config.format = SEGJ_FORMAT_COMMONWARE;
    place->config.native_version = 0;
    oversized_t *journal = owner_open(place);
    append_filled(journal, 1, 1, 1, 30, NULL);
    assert_ok(oversized_close(journal));
    assert_false(path_exists(join_path(join_path(place->directory.text, "test_index").text, ".owner").text));
    assert_int_equal(file_size(join_path(join_path(place->directory.text, ".test_index.owner").text, ".owner").text),
                     TOKEN);
    journal = owner_open(place);
    assert_ok(oversized_destroy(journal));
    assert_false(path_exists(join_path(place->directory.text, ".test_index.owner").text));
}

/* An open that is refused leaves no trace of it. */
static void a_refused_open_makes_no_partition_beside(void **state)
{
    owner_place_t *place = *state;
    place->config.format = SEGJ_FORMAT_COMMONWARE;
    place->config.native_version = 0;
    oversized_t *journal = owner_open(place);
    append_filled(journal, 1, 1, 1, 30, NULL);
    assert_ok(oversized_close(journal));
    remove_tree(join_path(place->directory.text, ".test_index.owner").text);
    copy_tree(place->directory.text, place->before.text);
    place->config.entry_size += 3;
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_MISMATCH);
    assert_trees_equal(place->directory.text, place->before.text);
}

static char said[1024];

static void keep_warning(void *context, segj_log_level_t level, const char *message)
{
    (void)context;
    if (level == SEGJ_LOG_WARNING)
        (void)snprintf(said, sizeof said, "%s", message);
}

/* What may be changed is the two partitions, and no more; or something else has the name. */
static void a_directory_without_room_for_it_keeps_a_journal(void **state)
{
    owner_place_t *place = *state;
    place->config.format = SEGJ_FORMAT_COMMONWARE;
    place->config.native_version = 0;
    oversized_t *journal = owner_open(place);
    append_filled(journal, 1, 1, 1, 30, NULL);
    assert_ok(oversized_close(journal));
    path_t beside = join_path(place->directory.text, ".test_index.owner");
    remove_tree(beside.text);
    write_file(beside.text, "x", 1);
    place->config.log = keep_warning;
    journal = owner_open(place);
    assert_non_null(strstr(said, "would not be noticed"));
    append_filled(journal, 1, 2, 1, 30, NULL);
    assert_ok(oversized_sync(journal, 1));
    assert_ok(oversized_close(journal));
}

static void a_destroy_removes_it(void **state)
{
    owner_place_t *place = *state;
    oversized_t *journal = owner_fill(place);
    assert_ok(oversized_destroy(journal));
    assert_false(path_exists(join_path(place->directory.text, "test_index").text));
}

/* What a destroy leaves that was cut off before the partition went. */
static void alone_in_its_partition_it_is_a_new_journal(void **state)
{
    owner_place_t *place = *state;
    assert_ok(oversized_close(owner_open(place)));
    assert_int_equal(rmdir(join_path(place->directory.text, "test_values").text), 0);
    oversized_t *journal = owner_open(place);
    uint64_t section = 0;
    assert_status(oversized_newest_section(journal, &section), SEGJ_END);
    assert_ok(oversized_destroy(journal));
}

/* It is not synced, so that a crash may leave anything of it. */
static void whatever_it_holds_at_open_means_nothing(void **state)
{
    static const size_t sizes[] = {0, 1, 8, 95, 96, 97, 5000};
    owner_place_t *place = *state;
    uint8_t bytes[5000];
    assert_ok(oversized_close(owner_fill(place)));
    for (size_t i = 0; i < 3 * (sizeof sizes / sizeof sizes[0]); i++) {
        memset(bytes, 0xa5, sizeof bytes);
        if (i % 3 == 1)
            memset(bytes, 0, sizeof bytes);
        else if (i % 3 == 2)
            owner_make_token(bytes);
        write_file(place->owner.text, bytes, sizes[i / 3]);
        owner_check(place);
    }
    remove_file(place->owner.text);
    owner_check(place);
    assert_true(path_exists(place->owner.text));
}

/* --- who finds somebody else's --- */

static oversized_ticket_t ticket;

static segj_status_t do_sync(oversized_t *journal)
{
    return oversized_sync(journal, 1);
}

static segj_status_t do_sync_all(oversized_t *journal)
{
    return oversized_sync_all(journal);
}

static segj_status_t do_sync_start(oversized_t *journal)
{
    return oversized_sync_start(journal, 1, &ticket);
}

static segj_status_t do_append_much(oversized_t *journal)
{
    static const uint8_t bytes[4096] = {0};
    return oversized_append(journal, 1, bytes, bytes, sizeof bytes, NULL, NULL);
}

static segj_status_t do_append_many(oversized_t *journal)
{
    static const uint8_t bytes[64] = {0};
    segj_status_t status = SEGJ_OK;
    for (int i = 0; i < 100 && status == SEGJ_OK; i++)
        status = oversized_append(journal, 1, bytes, bytes, sizeof bytes, NULL, NULL);
    return status;
}

static segj_status_t do_new_section(oversized_t *journal)
{
    static const uint8_t bytes[64] = {0};
    return oversized_append(journal, 7, bytes, bytes, 10, NULL, NULL);
}

static segj_status_t do_rewind(oversized_t *journal)
{
    return oversized_rewind_section(journal, 2, 2 * (uint64_t)SMALL_RECORD);
}

static segj_status_t do_rewind_all(oversized_t *journal)
{
    return oversized_rewind(journal, 1, 2 * (uint64_t)SMALL_RECORD);
}

static segj_status_t do_prune(oversized_t *journal)
{
    return oversized_prune(journal, 2, NULL);
}

/* Whatever would change a file finds it, and changes none; afterwards nothing does. */
static void who_finds_another_ones_token_writes_no_more(void **state)
{
    static segj_status_t (*const calls[])(oversized_t *) = {
        do_sync,   do_sync_all,   do_sync_start, do_append_much,  do_append_many,    do_new_section,
        do_rewind, do_rewind_all, do_prune,      oversized_close, oversized_destroy,
    };
    enum { CALLS = sizeof calls / sizeof calls[0] };
    owner_place_t *place = *state;
    for (size_t i = 0; i < CALLS; i++) {
        oversized_t *journal = owner_fill(place);
        owner_claim_elsewhere(place);
        copy_tree(place->directory.text, place->before.text);
        assert_status(calls[i](journal), SEGJ_ERR_POISONED);
        assert_says("process 4711 on elsewhere");
        assert_says("locks do not exclude here");
        if (i + 2 < CALLS) {
            assert_non_null(oversized_error(journal));
            assert_status(oversized_sync(journal, 1), SEGJ_ERR_POISONED);
            assert_status(oversized_close(journal), SEGJ_ERR_POISONED);
        }
        assert_trees_equal(place->directory.text, place->before.text);
        remove_tree(place->before.text);
        owner_check(place);
        remove_tree(place->directory.text);
    }
}

/* Claims it between the flush and the answer. */
static owner_place_t *claiming;
static unsigned syncs_before_claim;

static int sync_and_claim(segj_file_t *file)
{
    int code = segj_storage_posix()->file_sync(file);
    if (syncs_before_claim > 0 && --syncs_before_claim == 0)
        owner_claim_elsewhere(claiming);
    return code;
}

static void nothing_is_acknowledged_behind_a_claim(void **state)
{
    owner_place_t *place = *state;
    owner_storage.file_sync = sync_and_claim;
    place->config.storage = &owner_storage;
    claiming = place;
    syncs_before_claim = 0;
    oversized_t *journal = owner_fill(place);
    syncs_before_claim = tested_version() == 2 ? 1 : 2; /* the last flush of a sync */
    assert_status(oversized_sync(journal, 1), SEGJ_ERR_POISONED);
    assert_int_equal(syncs_before_claim, 0);
    oversized_abandon(journal);
}

/* A second view of the directory, whose locks exclude nobody, and which fails when it has cut what the first one had
 * not yet synced: the first one is told all the same. */
static unsigned syncs_before_failure;

static int sync_or_fail(segj_file_t *file)
{
    return syncs_before_failure > 0 && --syncs_before_failure == 0 ? EIO : segj_storage_posix()->file_sync(file);
}

static int lock_nobody_out(segj_partition_t *partition, bool exclusive)
{
    return 0;
}

static int lock_no_file(segj_file_t *file, bool exclusive)
{
    return ENOLCK;
}

static void a_failed_open_that_has_changed_files_does_not_give_its_claim_back(void **state)
{
    owner_place_t *place = *state;
    unsigned failed = 0;
    for (unsigned at = 1; at < 20; at++) {
        oversized_t *first = owner_fill(place);
        oversized_t *second = NULL;
        append_filled(first, 1, 98, 98, 5000, NULL); /* its value is in the file and its record is not: that is cut */
        owner_storage = *segj_storage_posix();
        owner_storage.partition_lock = lock_nobody_out;
        owner_storage.file_lock = lock_no_file;
        owner_storage.file_sync = sync_or_fail;
        oversized_config_t config = place->config;
        config.storage = &owner_storage;
        syncs_before_failure = at;
        segj_status_t status = oversized_open(&config, &second);
        failed += status != SEGJ_OK;
        oversized_abandon(second);
        append_filled(first, 1, 99, 99, 30, NULL);
        assert_status(oversized_sync(first, 1), SEGJ_ERR_POISONED);
        oversized_abandon(first);
        remove_tree(place->directory.text);
        if (status == SEGJ_OK)
            break;
    }
    assert_true(failed > 0);
}

/* With its directory, or by somebody who replaces it: what is written then nobody finds. */
static void a_file_that_is_gone_is_noticed(void **state)
{
    owner_place_t *place = *state;
    oversized_t *journal = owner_fill(place);
    remove_file(place->owner.text);
    assert_status(oversized_sync(journal, 1), SEGJ_ERR_POISONED);
    assert_says("removed or replaced");
    oversized_abandon(journal);
    remove_tree(place->directory.text);
    journal = owner_fill(place);
    remove_tree(place->directory.text);
    assert_status(oversized_sync(journal, 1), SEGJ_ERR_POISONED);
    assert_status(oversized_close(journal), SEGJ_ERR_POISONED);
}

static void what_is_no_token_is_somebody_elses_too(void **state)
{
    owner_place_t *place = *state;
    for (int i = 0; i < 2; i++) {
        oversized_t *journal = owner_fill(place);
        if (i == 0)
            resize_file(place->owner.text, 0);
        else
            write_file_at(place->owner.text, 20, "garbage", 7);
        assert_status(oversized_sync(journal, 1), SEGJ_ERR_POISONED);
        assert_says("another writer has written to it");
        oversized_abandon(journal);
        remove_tree(place->directory.text);
    }
}

/* In either format: an idle section is as long as it was left. */
static void a_section_that_another_one_has_changed_is_not_written_to(void **state)
{
    owner_place_t *place = *state;
    for (int i = 0; i < 8; i++) {
        const char *partition = i % 2 == 0 ? "test_index" : "test_values";
        place->config.format = i < 4 ? SEGJ_FORMAT_NATIVE : SEGJ_FORMAT_COMMONWARE;
        place->config.native_version = i < 4 ? tested_version() : 0;
        oversized_t *journal = owner_fill(place);
        path_t path = section_path(place->directory.text, partition, 2);
        resize_file(path.text, i / 2 % 2 == 0 ? file_size(path.text) + 76 : file_size(path.text) - 10);
        copy_tree(place->directory.text, place->before.text);
        uint8_t entry[SMALL_ENTRY] = {0};
        assert_status(oversized_append(journal, 2, entry, entry, 8, NULL, NULL), SEGJ_ERR_POISONED);
        assert_says(path.text);
        assert_says("another writer has written to it");
        assert_status(oversized_close(journal), SEGJ_ERR_POISONED);
        assert_trees_equal(place->directory.text, place->before.text);
        remove_tree(place->before.text);
        remove_tree(place->directory.text);
    }
}

static const char *meddled;

static int sync_and_meddle(segj_file_t *file)
{
    int code = segj_storage_posix()->file_sync(file);
    if (syncs_before_claim > 0 && --syncs_before_claim == 0) {
        path_t path = section_path(claiming->directory.text, meddled, 1);
        resize_file(path.text, file_size(path.text) + 76);
    }
    return code;
}

/* Where no file says who writes, lengths tell before a sync is acknowledged. */
static void a_commonware_sync_looks_at_lengths(void **state)
{
    owner_place_t *place = *state;
    place->config.format = SEGJ_FORMAT_COMMONWARE;
    place->config.native_version = 0;
    place->config.storage = &owner_storage;
    owner_storage.file_sync = sync_and_meddle;
    claiming = place;
    for (int i = 0; i < 2; i++) {
        meddled = i == 0 ? "test_index" : "test_values";
        syncs_before_claim = 0;
        oversized_t *journal = owner_fill(place);
        syncs_before_claim = tested_version() == 2 ? 1 : 2; /* the last flush of a sync */
        assert_status(oversized_sync(journal, 1), SEGJ_ERR_POISONED);
        assert_says("another writer has written to it");
        oversized_abandon(journal);
        remove_tree(place->directory.text);
    }
}

/* --- refused opens --- */

static void a_refused_open_leaves_it_as_it_was(void **state)
{
    owner_place_t *place = *state;
    oversized_t *journal = NULL;
    assert_ok(oversized_close(owner_fill(place)));
    for (int i = 0; i < 4; i++) {
        oversized_config_t other = place->config;
        other.entry_size++;
        if (i == 1)
            remove_file(place->owner.text);
        else if (i == 2)
            write_file(place->owner.text, "short", 5);
        else if (i == 3)
            write_file(place->owner.text, &owner_storage, 150);
        copy_tree(place->directory.text, place->before.text);
        assert_status(oversized_open(&other, &journal), SEGJ_ERR_MISMATCH);
        assert_trees_equal(place->directory.text, place->before.text);
        remove_tree(place->before.text);
    }
}

/* --- its locks --- */

static int lock_nobody(segj_partition_t *partition, bool exclusive)
{
    (void)partition;
    (void)exclusive;
    return 0;
}

static void its_lock_holds_where_the_partitions_do_not(void **state)
{
    owner_place_t *place = *state;
    owner_storage.partition_lock = lock_nobody;
    place->config.storage = &owner_storage;
    oversized_t *second = NULL;
    oversized_t *journal = owner_fill(place);
    oversized_config_t reader = place->config;
    reader.read_only = true;
    bytes_t before = read_file(place->owner.text);
    assert_status(oversized_open(&place->config, &second), SEGJ_ERR_LOCKED);
    assert_says(".owner");
    assert_status(oversized_open(&reader, &second), SEGJ_ERR_LOCKED);
    bytes_t after = read_file(place->owner.text);
    assert_memory_equal(before.data, after.data, TOKEN);
    free_bytes(&before);
    free_bytes(&after);
    assert_ok(oversized_close(journal));
    assert_ok(oversized_open(&reader, &journal));
    assert_ok(oversized_open(&reader, &second));
    assert_ok(oversized_close(second));
    assert_status(oversized_open(&place->config, &second), SEGJ_ERR_LOCKED);
    assert_ok(oversized_close(journal));
    owner_check(place);
}

static int lock_code;

static int lock_lacking(segj_file_t *file, bool exclusive)
{
    (void)file;
    (void)exclusive;
    return lock_code;
}

static void without_such_locks_it_goes_on(void **state)
{
    static const int codes[] = {EINVAL, EBADF, ENOLCK, ENOSYS, EOPNOTSUPP};
    owner_place_t *place = *state;
    owner_storage.file_lock = lock_lacking;
    place->config.storage = &owner_storage;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        lock_code = codes[i];
        assert_ok(oversized_close(owner_fill(place)));
        owner_check(place);
        remove_tree(place->directory.text);
    }
    lock_code = EIO;
    oversized_t *journal = NULL;
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_IO);
    assert_says(".owner: lock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OWNER_TEST(a_writer_says_who_it_is),
        OWNER_TEST(a_reader_leaves_it_alone),
        OWNER_TEST(a_commonware_journal_has_it_in_a_partition_beside),
        OWNER_TEST(a_refused_open_makes_no_partition_beside),
        OWNER_TEST(a_directory_without_room_for_it_keeps_a_journal),
        OWNER_TEST(a_destroy_removes_it),
        OWNER_TEST(alone_in_its_partition_it_is_a_new_journal),
        OWNER_TEST(whatever_it_holds_at_open_means_nothing),
        OWNER_TEST(who_finds_another_ones_token_writes_no_more),
        OWNER_TEST(nothing_is_acknowledged_behind_a_claim),
        OWNER_TEST(a_failed_open_that_has_changed_files_does_not_give_its_claim_back),
        OWNER_TEST(a_file_that_is_gone_is_noticed),
        OWNER_TEST(what_is_no_token_is_somebody_elses_too),
        OWNER_TEST(a_section_that_another_one_has_changed_is_not_written_to),
        OWNER_TEST(a_commonware_sync_looks_at_lengths),
        OWNER_TEST(a_refused_open_leaves_it_as_it_was),
        OWNER_TEST(its_lock_holds_where_the_partitions_do_not),
        OWNER_TEST(without_such_locks_it_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
