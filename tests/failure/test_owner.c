/*
 * The file that says who has a journal open (FORMAT.md, "Owner"): what it holds, what becomes of who finds somebody
 * else's token in it, that it may hold anything at open, and that its own failures do what they should.
 */
#include "failure/faulty.h"
#include "support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { TOKEN = 96, RECORDS = 6 };

typedef struct place {
    path_t root, directory, owner, before;
    oversized_config_t config;
    unsigned warnings;
} place_t;

static segj_storage_t storage; /* the system's, with calls of this test */

static void count_line(void *context, segj_log_level_t level, const char *message)
{
    place_t *place = context;
    place->warnings += level == SEGJ_LOG_WARNING && strstr(message, "another writer") != NULL;
}

static int set_up(void **state)
{
    static place_t place;
    place.root = make_temp_directory();
    place.directory = join_path(place.root.text, "journal");
    place.before = join_path(place.root.text, "before");
    bool native = tested_format() == SEGJ_FORMAT_NATIVE;
    place.owner =
        join_path(join_path(place.directory.text, native ? "test_index" : ".test_index.owner").text, ".owner");
    place.warnings = 0;
    small_config(&place.config, place.directory.text);
    place.config.log = count_line;
    place.config.log_context = &place;
    storage = *segj_storage_posix();
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    remove_tree(place->root.text);
    return 0;
}

static oversized_t *open_it(const place_t *place)
{
    oversized_t *journal = NULL;
    assert_ok(oversized_open(&place->config, &journal));
    return journal;
}

/* Section 1 is synced and has a record behind that, section 2 is at rest. */
static oversized_t *fill(const place_t *place)
{
    oversized_t *journal = open_it(place);
    for (uint64_t i = 0; i < RECORDS; i++) {
        append_filled(journal, 1, i, (uint8_t)i, 30, NULL);
        append_filled(journal, 2, i, (uint8_t)i, 30, NULL);
    }
    assert_ok(oversized_close(journal));
    journal = open_it(place);
    append_filled(journal, 1, RECORDS, RECORDS, 30, NULL);
    assert_ok(oversized_sync(journal, 1));
    append_filled(journal, 1, RECORDS + 1, RECORDS + 1, 30, NULL);
    return journal;
}

static void check_it(const place_t *place)
{
    oversized_t *journal = open_it(place);
    for (uint64_t i = 0; i <= RECORDS; i++)
        check_filled(journal, 1, i, i, (uint8_t)i, 30);
    for (uint64_t i = 0; i < RECORDS; i++)
        check_filled(journal, 2, i, i, (uint8_t)i, 30);
    assert_ok(oversized_close(journal));
}

/* As another process on another machine would write it. */
static void make_token(uint8_t token[TOKEN])
{
    memset(token, 0, TOKEN);
    memcpy(token, "SEGO", 4);
    put_u16(token + 4, 1);
    memset(token + 8, 0x5a, 16);
    put_u64(token + 24, 4711);
    memcpy(token + 32, "elsewhere", 9);
    put_u32(token + 92, (uint32_t)crc32(0, token, 92));
}

#define assert_says(text) assert_non_null(strstr(segj_last_error(), (text)))

static void claim_elsewhere(const place_t *place)
{
    uint8_t token[TOKEN];
    make_token(token);
    write_file_at(place->owner.text, 0, token, sizeof token);
}

/* --- what it holds --- */

static void a_writer_says_who_it_is(void **state)
{
    place_t *place = *state;
    oversized_t *journal = open_it(place);
    bytes_t first = read_file(place->owner.text);
    assert_int_equal(first.size, TOKEN);
    assert_memory_equal(first.data, "SEGO\0\1\0\0", 8);
    assert_int_equal(get_u64(first.data + 24), (uint64_t)getpid());
    char host[64] = "";
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    assert_int_equal(strncmp((const char *)first.data + 32, host, 59), 0);
    assert_ok(oversized_close(journal));
    journal = open_it(place);
    bytes_t second = read_file(place->owner.text);
    assert_int_equal(second.size, TOKEN);
    assert_memory_not_equal(first.data + 8, second.data + 8, 16);
    free_bytes(&first);
    free_bytes(&second);
    assert_ok(oversized_close(journal));
}

static void a_reader_leaves_it_alone(void **state)
{
    place_t *place = *state;
    assert_ok(oversized_close(fill(place)));
    copy_tree(place->directory.text, place->before.text);
    place->config.read_only = true;
    assert_ok(oversized_close(open_it(place)));
    assert_trees_equal(place->directory.text, place->before.text);
    remove_file(place->owner.text);
    assert_ok(oversized_close(open_it(place)));
    assert_false(path_exists(place->owner.text));
}

/* Its partitions are shared with a program that takes no other name in them. */
static void a_commonware_journal_has_it_in_a_partition_beside(void **state)
{
    place_t *place = *state;
    place->config.format = SEGJ_FORMAT_COMMONWARE;
    place->config.native_version = 0;
    oversized_t *journal = open_it(place);
    append_filled(journal, 1, 1, 1, 30, NULL);
    assert_ok(oversized_close(journal));
    assert_false(path_exists(join_path(join_path(place->directory.text, "test_index").text, ".owner").text));
    assert_int_equal(file_size(join_path(join_path(place->directory.text, ".test_index.owner").text, ".owner").text),
                     TOKEN);
    journal = open_it(place);
    assert_ok(oversized_destroy(journal));
    assert_false(path_exists(join_path(place->directory.text, ".test_index.owner").text));
}

/* An open that is refused leaves no trace of it. */
static void a_refused_open_makes_no_partition_beside(void **state)
{
    place_t *place = *state;
    place->config.format = SEGJ_FORMAT_COMMONWARE;
    place->config.native_version = 0;
    oversized_t *journal = open_it(place);
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
    place_t *place = *state;
    place->config.format = SEGJ_FORMAT_COMMONWARE;
    place->config.native_version = 0;
    oversized_t *journal = open_it(place);
    append_filled(journal, 1, 1, 1, 30, NULL);
    assert_ok(oversized_close(journal));
    path_t beside = join_path(place->directory.text, ".test_index.owner");
    remove_tree(beside.text);
    write_file(beside.text, "x", 1);
    place->config.log = keep_warning;
    journal = open_it(place);
    assert_non_null(strstr(said, "would not be noticed"));
    append_filled(journal, 1, 2, 1, 30, NULL);
    assert_ok(oversized_sync(journal, 1));
    assert_ok(oversized_close(journal));
}

static void a_destroy_removes_it(void **state)
{
    place_t *place = *state;
    oversized_t *journal = fill(place);
    assert_ok(oversized_destroy(journal));
    assert_false(path_exists(join_path(place->directory.text, "test_index").text));
}

/* What a destroy leaves that was cut off before the partition went. */
static void alone_in_its_partition_it_is_a_new_journal(void **state)
{
    place_t *place = *state;
    assert_ok(oversized_close(open_it(place)));
    assert_int_equal(rmdir(join_path(place->directory.text, "test_values").text), 0);
    oversized_t *journal = open_it(place);
    uint64_t section = 0;
    assert_status(oversized_newest_section(journal, &section), SEGJ_END);
    assert_ok(oversized_destroy(journal));
}

/* It is not synced, so that a crash may leave anything of it. */
static void whatever_it_holds_at_open_means_nothing(void **state)
{
    static const size_t sizes[] = {0, 1, 8, 95, 96, 97, 5000};
    place_t *place = *state;
    uint8_t bytes[5000];
    assert_ok(oversized_close(fill(place)));
    for (size_t i = 0; i < 3 * (sizeof sizes / sizeof sizes[0]); i++) {
        memset(bytes, 0xa5, sizeof bytes);
        if (i % 3 == 1)
            memset(bytes, 0, sizeof bytes);
        else if (i % 3 == 2)
            make_token(bytes);
        write_file(place->owner.text, bytes, sizes[i / 3]);
        check_it(place);
    }
    remove_file(place->owner.text);
    check_it(place);
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
    place_t *place = *state;
    for (size_t i = 0; i < CALLS; i++) {
        oversized_t *journal = fill(place);
        claim_elsewhere(place);
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
        check_it(place);
        remove_tree(place->directory.text);
    }
}

/* Claims it between the flush and the answer. */
static place_t *claiming;
static unsigned syncs_before_claim;

static int sync_and_claim(segj_file_t *file)
{
    int code = segj_storage_posix()->file_sync(file);
    if (syncs_before_claim > 0 && --syncs_before_claim == 0)
        claim_elsewhere(claiming);
    return code;
}

static void nothing_is_acknowledged_behind_a_claim(void **state)
{
    place_t *place = *state;
    storage.file_sync = sync_and_claim;
    place->config.storage = &storage;
    claiming = place;
    syncs_before_claim = 0;
    oversized_t *journal = fill(place);
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
    place_t *place = *state;
    unsigned failed = 0;
    for (unsigned at = 1; at < 20; at++) {
        oversized_t *first = fill(place);
        oversized_t *second = NULL;
        append_filled(first, 1, 98, 98, 5000, NULL); /* its value is in the file and its record is not: that is cut */
        storage = *segj_storage_posix();
        storage.partition_lock = lock_nobody_out;
        storage.file_lock = lock_no_file;
        storage.file_sync = sync_or_fail;
        oversized_config_t config = place->config;
        config.storage = &storage;
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
    place_t *place = *state;
    oversized_t *journal = fill(place);
    remove_file(place->owner.text);
    assert_status(oversized_sync(journal, 1), SEGJ_ERR_POISONED);
    assert_says("removed or replaced");
    oversized_abandon(journal);
    remove_tree(place->directory.text);
    journal = fill(place);
    remove_tree(place->directory.text);
    assert_status(oversized_sync(journal, 1), SEGJ_ERR_POISONED);
    assert_status(oversized_close(journal), SEGJ_ERR_POISONED);
}

static void what_is_no_token_is_somebody_elses_too(void **state)
{
    place_t *place = *state;
    for (int i = 0; i < 2; i++) {
        oversized_t *journal = fill(place);
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
    place_t *place = *state;
    for (int i = 0; i < 8; i++) {
        const char *partition = i % 2 == 0 ? "test_index" : "test_values";
        place->config.format = i < 4 ? SEGJ_FORMAT_NATIVE : SEGJ_FORMAT_COMMONWARE;
        place->config.native_version = i < 4 ? tested_version() : 0;
        oversized_t *journal = fill(place);
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
    place_t *place = *state;
    place->config.format = SEGJ_FORMAT_COMMONWARE;
    place->config.native_version = 0;
    place->config.storage = &storage;
    storage.file_sync = sync_and_meddle;
    claiming = place;
    for (int i = 0; i < 2; i++) {
        meddled = i == 0 ? "test_index" : "test_values";
        syncs_before_claim = 0;
        oversized_t *journal = fill(place);
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
    place_t *place = *state;
    oversized_t *journal = NULL;
    assert_ok(oversized_close(fill(place)));
    for (int i = 0; i < 4; i++) {
        oversized_config_t other = place->config;
        other.entry_size++;
        if (i == 1)
            remove_file(place->owner.text);
        else if (i == 2)
            write_file(place->owner.text, "short", 5);
        else if (i == 3)
            write_file(place->owner.text, &storage, 150);
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
    place_t *place = *state;
    storage.partition_lock = lock_nobody;
    place->config.storage = &storage;
    oversized_t *second = NULL;
    oversized_t *journal = fill(place);
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
    check_it(place);
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
    place_t *place = *state;
    storage.file_lock = lock_lacking;
    place->config.storage = &storage;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        lock_code = codes[i];
        assert_ok(oversized_close(fill(place)));
        check_it(place);
        remove_tree(place->directory.text);
    }
    lock_code = EIO;
    oversized_t *journal = NULL;
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_IO);
    assert_says(".owner: lock");
}

/* --- its failures --- */

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

static void with_failures(place_t *place)
{
    storage.file_open = fail_open;
    storage.file_size = fail_size;
    storage.file_read = fail_read;
    storage.file_write = fail_write;
    storage.file_refresh = fail_refresh;
    place->config.storage = &storage;
    failing = FAILS;
    fails_claims_alone = false;
    owner_file = NULL;
}

static void an_open_that_cannot_claim_fails_and_changes_nothing(void **state)
{
    place_t *place = *state;
    with_failures(place);
    for (fails_t i = FAIL_OPEN; i < FAILS; i++) {
        oversized_t *journal = NULL;
        assert_ok(oversized_close(fill(place)));
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
        check_it(place);
        remove_tree(place->directory.text);
    }
}

/* Neither for the file nor for its bytes: it is claimed when there is, and until then nobody is noticed, which is
 * said once. */
static void without_room_it_goes_on(void **state)
{
    place_t *place = *state;
    with_failures(place);
    for (int i = 0; i < 4; i++) {
        assert_ok(oversized_close(fill(place)));
        if (i % 2 == 1)
            remove_file(place->owner.text);
        bytes_t before = {NULL, 0};
        if (i % 2 == 0)
            before = read_file(place->owner.text);
        place->warnings = 0;
        failing = i % 2 == 1 && i < 2 ? FAIL_CREATE : FAIL_WRITE;
        failure_code = ENOSPC;
        oversized_t *journal = open_it(place);
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
        claim_elsewhere(place);
        assert_status(oversized_sync(journal, 2), SEGJ_ERR_POISONED);
        oversized_abandon(journal);
        remove_tree(place->directory.text);
    }
}

/* Who finds room only when somebody else has claimed it has lost it. */
static void who_claims_late_finds_who_came_before(void **state)
{
    place_t *place = *state;
    with_failures(place);
    assert_ok(oversized_close(fill(place)));
    failing = FAIL_WRITE;
    failure_code = ENOSPC;
    oversized_t *journal = open_it(place);
    claim_elsewhere(place);
    failing = FAILS;
    uint8_t entry[SMALL_ENTRY] = {0};
    assert_status(oversized_append(journal, 1, entry, entry, 8, NULL, NULL), SEGJ_ERR_POISONED);
    assert_says("process 4711 on elsewhere");
    oversized_abandon(journal);
}

/* Likewise where there was no file before, and where there was no room for one. */
static void who_claims_late_finds_who_has_made_or_filled_the_file(void **state)
{
    place_t *place = *state;
    with_failures(place);
    for (int i = 0; i < 2; i++) {
        uint8_t entry[SMALL_ENTRY] = {0};
        uint8_t token[TOKEN];
        assert_ok(oversized_close(fill(place)));
        remove_file(place->owner.text);
        failing = i == 0 ? FAIL_CREATE : FAIL_WRITE;
        failure_code = ENOSPC;
        oversized_t *journal = open_it(place);
        assert_int_equal(path_exists(place->owner.text), i == 1);
        make_token(token);
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
    place_t *place = *state;
    with_failures(place);
    assert_ok(oversized_close(fill(place)));
    failing = FAIL_REFRESH;
    fails_claims_alone = true;
    failure_code = ENOSPC;
    oversized_t *journal = open_it(place);
    failing = FAILS;
    append_filled(journal, 1, RECORDS, RECORDS, 30, NULL);
    assert_ok(oversized_sync(journal, 1));
    assert_ok(oversized_close(journal));
    check_it(place);
}

/* A look that fails is a failure of what was to be done, which may be done again. */
static void a_look_that_fails_is_a_failure(void **state)
{
    place_t *place = *state;
    with_failures(place);
    for (int i = 0; i < 2; i++) {
        oversized_t *journal = fill(place);
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
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_writer_says_who_it_is),
        TEST(a_reader_leaves_it_alone),
        TEST(a_commonware_journal_has_it_in_a_partition_beside),
        TEST(a_refused_open_makes_no_partition_beside),
        TEST(a_directory_without_room_for_it_keeps_a_journal),
        TEST(a_destroy_removes_it),
        TEST(alone_in_its_partition_it_is_a_new_journal),
        TEST(whatever_it_holds_at_open_means_nothing),
        TEST(who_finds_another_ones_token_writes_no_more),
        TEST(nothing_is_acknowledged_behind_a_claim),
        TEST(a_failed_open_that_has_changed_files_does_not_give_its_claim_back),
        TEST(a_file_that_is_gone_is_noticed),
        TEST(what_is_no_token_is_somebody_elses_too),
        TEST(a_section_that_another_one_has_changed_is_not_written_to),
        TEST(a_commonware_sync_looks_at_lengths),
        TEST(a_refused_open_leaves_it_as_it_was),
        TEST(its_lock_holds_where_the_partitions_do_not),
        TEST(without_such_locks_it_goes_on),
        TEST(an_open_that_cannot_claim_fails_and_changes_nothing),
        TEST(without_room_it_goes_on),
        TEST(who_claims_late_finds_who_came_before),
        TEST(who_claims_late_finds_who_has_made_or_filled_the_file),
        TEST(a_claim_that_is_there_although_it_failed_is_nobody_elses),
        TEST(a_look_that_fails_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
