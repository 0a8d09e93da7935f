/*
 * The file that says who has a journal open fails: it cannot be made, read, written or synced, and who claims late
 * finds who has come meanwhile.
 */
#include "failure/owner_place.h"

#include <errno.h>
#include <string.h>

typedef enum fails { FAIL_OPEN, FAIL_CREATE, FAIL_SIZE, FAIL_READ, FAIL_WRITE, FAIL_REFRESH, FAILS } fails_t;

static fails_t failing = FAILS;
static int failure_code;
static segj_file_t *owner_file;

static int fail_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    bool owner = strcmp(name, ".owner") == 0;
    if (owner && failing == (mode == SEGJ_OPEN_CREATE ? FAIL_CREATE : FAIL_OPEN))
        return failure_code;
    int code = segj_storage_posix()->file_open(partition, name, mode, opened);
    if (owner && code == 0)
        owner_file = *opened;
    return code;
}

static int fail_size(segj_file_t *file, uint64_t *size)
{
    return file == owner_file && failing == FAIL_SIZE ? failure_code : segj_storage_posix()->file_size(file, size);
}

static int fail_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    return file == owner_file && failing == FAIL_READ
               ? failure_code
               : segj_storage_posix()->file_read(file, offset, buffer, size, done);
}

static int fail_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    if (file != owner_file || failing != FAIL_WRITE)
        return segj_storage_posix()->file_write(file, offset, slices, count, done);
    *done = 0;
    return failure_code;
}

static bool fails_claims_alone; /* of the refreshes */

static int fail_refresh(segj_file_t *file, bool written)
{
    return failing == FAIL_REFRESH && (written || !fails_claims_alone)
               ? failure_code
               : segj_storage_posix()->file_refresh(file, written);
}

static void with_failures(owner_place_t *place)
{
    owner_storage.file_open = fail_open;
    owner_storage.file_size = fail_size;
    owner_storage.file_read = fail_read;
    owner_storage.file_write = fail_write;
    owner_storage.file_refresh = fail_refresh;
    place->config.storage = &owner_storage;
    failing = FAILS;
    fails_claims_alone = false;
    owner_file = NULL;
}

static void an_open_that_cannot_claim_fails_and_changes_nothing(void **state)
{
    owner_place_t *place = *state;
    with_failures(place);
    for (fails_t i = FAIL_OPEN; i < FAILS; i++) {
        oversized_t *journal = NULL;
        assert_ok(oversized_close(owner_fill(place)));
        if (i == FAIL_CREATE)
            remove_file(place->owner.text);
        copy_tree(place->directory.text, place->before.text);
        failing = i;
        failure_code = EIO;
        assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_IO);
        assert_says(".owner");
        failure_code = EROFS;
        assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_IO);
        if (i == FAIL_OPEN || i == FAIL_CREATE)
            assert_says("config.read_only");
        failing = FAILS;
        assert_trees_equal(place->directory.text, place->before.text);
        remove_tree(place->before.text);
        owner_check(place);
        remove_tree(place->directory.text);
    }
}

/* Neither for the file nor for its bytes: it is claimed when there is, and until then nobody is noticed, which is
 * said once. */
static void without_room_it_goes_on(void **state)
{
    owner_place_t *place = *state;
    with_failures(place);
    for (int i = 0; i < 4; i++) {
        assert_ok(oversized_close(owner_fill(place)));
        if (i % 2 == 1)
            remove_file(place->owner.text);
        bytes_t before = {NULL, 0};
        if (i % 2 == 0)
            before = read_file(place->owner.text);
        place->warnings = 0;
        failing = i % 2 == 1 && i < 2 ? FAIL_CREATE : FAIL_WRITE;
        failure_code = ENOSPC;
        oversized_t *journal = owner_open(place);
        append_filled(journal, 1, RECORDS, RECORDS, 30, NULL);
        assert_ok(oversized_sync(journal, 1));
        assert_int_equal(place->warnings, 1);
        failing = FAILS;
        append_filled(journal, 2, RECORDS, RECORDS, 30, NULL); /* which wakes a section */
        assert_int_equal(file_size(place->owner.text), TOKEN);
        if (i % 2 == 0) {
            bytes_t after = read_file(place->owner.text);
            assert_memory_not_equal(before.data, after.data, TOKEN);
            free_bytes(&after);
            free_bytes(&before);
        }
        owner_claim_elsewhere(place);
        assert_status(oversized_sync(journal, 2), SEGJ_ERR_POISONED);
        oversized_abandon(journal);
        remove_tree(place->directory.text);
    }
}

/* Who finds room only when somebody else has claimed it has lost it. */
static void who_claims_late_finds_who_came_before(void **state)
{
    owner_place_t *place = *state;
    with_failures(place);
    assert_ok(oversized_close(owner_fill(place)));
    failing = FAIL_WRITE;
    failure_code = ENOSPC;
    oversized_t *journal = owner_open(place);
    owner_claim_elsewhere(place);
    failing = FAILS;
    uint8_t entry[SMALL_ENTRY] = {0};
    assert_status(oversized_append(journal, 1, entry, entry, 8, NULL, NULL), SEGJ_ERR_POISONED);
    assert_says("process 4711 on elsewhere");
    oversized_abandon(journal);
}

/* Likewise where there was no file before, and where there was no room for one. */
static void who_claims_late_finds_who_has_made_or_filled_the_file(void **state)
{
    owner_place_t *place = *state;
    with_failures(place);
    for (int i = 0; i < 2; i++) {
        uint8_t entry[SMALL_ENTRY] = {0};
        uint8_t token[TOKEN];
        assert_ok(oversized_close(owner_fill(place)));
        remove_file(place->owner.text);
        failing = i == 0 ? FAIL_CREATE : FAIL_WRITE;
        failure_code = ENOSPC;
        oversized_t *journal = owner_open(place);
        assert_int_equal(path_exists(place->owner.text), i == 1);
        owner_make_token(token);
        write_file(place->owner.text, token, sizeof token);
        failing = FAILS;
        assert_status(oversized_append(journal, 1, entry, entry, 8, NULL, NULL), SEGJ_ERR_POISONED);
        assert_says("process 4711 on elsewhere");
        bytes_t found = read_file(place->owner.text);
        assert_int_equal(found.size, TOKEN);
        assert_memory_equal(found.data, token, TOKEN);
        free_bytes(&found);
        oversized_abandon(journal);
        remove_tree(place->directory.text);
    }
}

/* A server may tell of a lack of room when the claim is synced: the token is in the file then, and is its own. */
static void a_claim_that_is_there_although_it_failed_is_nobody_elses(void **state)
{
    owner_place_t *place = *state;
    with_failures(place);
    assert_ok(oversized_close(owner_fill(place)));
    failing = FAIL_REFRESH;
    fails_claims_alone = true;
    failure_code = ENOSPC;
    oversized_t *journal = owner_open(place);
    failing = FAILS;
    append_filled(journal, 1, RECORDS, RECORDS, 30, NULL);
    assert_ok(oversized_sync(journal, 1));
    assert_ok(oversized_close(journal));
    owner_check(place);
}

/* A look that fails is a failure of what was to be done, which may be done again. */
static void a_look_that_fails_is_a_failure(void **state)
{
    owner_place_t *place = *state;
    with_failures(place);
    for (int i = 0; i < 2; i++) {
        oversized_t *journal = owner_fill(place);
        failing = i == 0 ? FAIL_READ : FAIL_REFRESH;
        failure_code = EIO;
        assert_status(oversized_sync(journal, 1), SEGJ_ERR_IO);
        assert_says(".owner");
        assert_null(oversized_error(journal));
        failing = FAILS;
        assert_ok(oversized_sync(journal, 1));
        check_filled(journal, 1, RECORDS + 1, RECORDS + 1, RECORDS + 1, 30);
        assert_ok(oversized_close(journal));
        remove_tree(place->directory.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OWNER_TEST(an_open_that_cannot_claim_fails_and_changes_nothing),
        OWNER_TEST(without_room_it_goes_on),
        OWNER_TEST(who_claims_late_finds_who_came_before),
        OWNER_TEST(who_claims_late_finds_who_has_made_or_filled_the_file),
        OWNER_TEST(a_claim_that_is_there_although_it_failed_is_nobody_elses),
        OWNER_TEST(a_look_that_fails_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
