/*
 * commonware/test_counts.c: a third partition in which commonware-storage counts the synced records of an archive's
 * sections. What it counts was synced: less is a loss. And that program refuses a journal that has less, so the counts go
 * first, durably, before anything that they count.
 *
 * LINK_WRAP: realloc
 */
#include "commonware/story.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTS_MOST = 8 };

#define COUNTS "archive-metadata"

static bool no_memory;

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_realloc(void *memory, size_t size)
{
    return no_memory ? NULL : __real_realloc(memory, size);
}

/** The store as this test reads and writes it: from the crate's description of its files. */
typedef struct store {
    uint64_t version;
    size_t count;
    struct {
        uint64_t section, records;
    } each[COUNTS_MOST];
} store_t;

static path_t copy_path(const story_t *story, const char *partition, int side)
{
    return join_path(join_path(story->directory.text, partition).text, side == 0 ? "6c656674" : "7269676874");
}

static void write_copy(const story_t *story, const char *partition, int side, size_t data, const store_t *store)
{
    uint8_t file[COMMONWARE_V1 + 12 + 16 * COUNTS_MOST];
    size_t at = data;
    encode_commonware_header(file, data, 0);
    if (store != NULL) {
        put_u64(file + at, store->version);
        at += 8;
        for (size_t i = 0; i < store->count; i++, at += 16) {
            put_u64(file + at, store->each[i].section);
            put_u64(file + at + 8, store->each[i].records);
        }
        put_u32(file + at, plain_checksum(file + data, at - data));
        at += 4;
    }
    write_file(copy_path(story, partition, side).text, file, at);
}

static void make_store(const story_t *story, const char *partition, const store_t *older, const store_t *newer)
{
    path_t path = join_path(story->directory.text, partition);
    if (!path_exists(path.text))
        make_directory(path.text);
    write_copy(story, partition, (int)(1 - newer->version % 2), COMMONWARE_V1, newer);
    write_copy(story, partition, (int)(newer->version % 2), COMMONWARE_V1, older);
}

/* As the crate opens it: the newer copy that is whole. */
static store_t read_store(const story_t *story, const char *partition)
{
    store_t newest = {0, 0, {{0, 0}}};
    int whole = 0;
    for (int side = 0; side < 2; side++) {
        bytes_t file = read_file(copy_path(story, partition, side).text);
        size_t data = memcmp(file.data, "CWIC", 4) == 0 ? COMMONWARE_V0 : COMMONWARE_V1;
        assert_true(file.size >= data);
        size_t size = file.size - data;
        const uint8_t *from = file.data + data;
        bool right = size == 0 || (size >= 12 && get_u32(from + size - 4) == plain_checksum(from, size - 4));
        whole += right;
        if (right && size > 0 && get_u64(from) > newest.version) {
            assert_int_equal((size - 12) % 16, 0);
            newest.version = get_u64(from);
            newest.count = (size - 12) / 16;
            assert_true(newest.count <= COUNTS_MOST);
            for (size_t i = 0; i < newest.count; i++) {
                newest.each[i].section = get_u64(from + 8 + 16 * i);
                newest.each[i].records = get_u64(from + 16 + 16 * i);
            }
        }
        free_bytes(&file);
    }
    assert_true(whole > 0);
    return newest;
}

static void check_store(const story_t *story, const store_t *expected)
{
    store_t found = read_store(story, COUNTS);
    assert_int_equal(found.version, expected->version);
    assert_int_equal(found.count, expected->count);
    for (size_t i = 0; i < found.count; i++) {
        assert_int_equal(found.each[i].section, expected->each[i].section);
        assert_int_equal(found.each[i].records, expected->each[i].records);
    }
}

/* Sections 7, 8 and 9 of ten records, and counts of 8 of each; the journal is not open. */
static void make_archive(story_t *story)
{
    const store_t older = {3, 1, {{7, 2}}};
    const store_t newer = {4, 3, {{7, 8}, {8, 8}, {9, 8}}};
    story->config.counts_partition = NULL;
    story_open(story);
    for (uint64_t section = 7; section <= 9; section++)
        story_append(story, section, 0, 9);
    assert_ok(oversized_sync_all(story->journal));
    story_drop(story);
    make_store(story, COUNTS, &older, &newer);
    story->config.counts_partition = COUNTS;
}

static path_t file_of(const story_t *story, bool values, uint64_t section)
{
    return section_path(story->directory.text, values ? story->config.value_partition : story->config.index_partition,
                        section);
}

/* --- as a floor --- */

static void what_is_there_as_counted_is_left_alone(void **state)
{
    story_t *story = *state;
    make_archive(story);
    path_t copy = join_path(story->root.text, "copy");
    copy_tree(story->directory.text, copy.text);
    story->config.strict = true;
    for (int read_only = 0; read_only < 2; read_only++) {
        story->config.read_only = read_only == 1;
        story_open(story);
        assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 0);
        for (uint64_t section = 7; section <= 9; section++)
            story_check(story, section, 0, 9);
        story_drop(story);
        assert_trees_equal(story->directory.text, copy.text);
    }
    remove_tree(copy.text);
}

/* Appends, syncs and rewinds to no less than is counted leave the counts as they are. */
static void counts_are_never_raised_and_lowered_only_where_they_must(void **state)
{
    story_t *story = *state;
    const store_t same = {4, 3, {{7, 8}, {8, 8}, {9, 8}}};
    make_archive(story);
    story_open(story);
    story_append(story, 9, 10, 20);
    assert_ok(oversized_sync_all(story->journal));
    assert_ok(oversized_rewind_section_to(story->journal, 9, 12));
    assert_ok(oversized_rewind_section_to(story->journal, 9, 8));
    assert_ok(oversized_rewind_to(story->journal, 9, 8));
    story_append(story, 10, 0, 3);
    assert_ok(oversized_sync(story->journal, 10));
    assert_ok(oversized_rewind_to(story->journal, 9, 8));
    assert_ok(oversized_close(story->journal));
    story->journal = NULL;
    check_store(story, &same);
}

static void less_than_is_counted_is_a_loss(void **state)
{
    story_t *story = *state;
    /* Records 7 to 9 of section 8 have no values. */
    const store_t lowered = {5, 3, {{7, 8}, {8, 7}, {9, 8}}};
    make_archive(story);
    resize_file(file_of(story, true, 8).text, COMMONWARE_V0 + 7 * STORY_FRAME + 5);
    story->config.strict = true;
    story_refuse(story, SEGJ_ERR_CORRUPT, "section 8 has lost 1 of 8 synced records (strict)");
    story->config.strict = false;
    story->config.read_only = true;
    story_open(story);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 1);
    assert_int_equal(oversized_recovery(story->journal)->records_dropped, 2);
    story_drop(story);
    story->config.read_only = false;
    story_open(story);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 1);
    assert_int_equal(oversized_recovery(story->journal)->sections_damaged, 1);
    assert_int_equal(oversized_recovery(story->journal)->unacknowledged_records, 1);
    assert_true(oversized_recovery(story->journal)->quarantine_bytes > 0);
    assert_int_equal(story_count(story, 8), 7);
    check_store(story, &lowered);
    story_drop(story);
    story_open(story); /* told until it is acknowledged */
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 0);
    assert_int_equal(oversized_recovery(story->journal)->unacknowledged_records, 1);
    assert_ok(oversized_acknowledge_losses(story->journal));
    story_drop(story);
    story->config.strict = true;
    story_open(story);
    assert_int_equal(oversized_recovery(story->journal)->unacknowledged_records, 0);
    check_store(story, &lowered);
}

/* Nothing lies behind the records that are left: the counts are lowered all the same. */
static void less_than_is_counted_without_anything_to_cut(void **state)
{
    story_t *story = *state;
    const store_t lowered = {5, 3, {{7, 3}, {8, 8}, {9, 8}}};
    make_archive(story);
    story->config.counts_partition = "";
    story_open(story);
    assert_ok(oversized_rewind_section_to(story->journal, 7, 3));
    story_drop(story);
    story->config.counts_partition = COUNTS;
    story_open(story);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 5);
    check_store(story, &lowered);
}

static void a_counted_section_without_an_index_is_a_loss(void **state)
{
    story_t *story = *state;
    const store_t lowered = {5, 2, {{7, 8}, {9, 8}}};
    make_archive(story);
    remove_file(file_of(story, false, 8).text);
    remove_file(file_of(story, true, 8).text);
    story->config.strict = true;
    story_refuse(story, SEGJ_ERR_CORRUPT, "section 8 has no index file in test_index, and archive-metadata counts 8");
    story->config.strict = false;
    story_open(story);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 8);
    assert_int_equal(oversized_recovery(story->journal)->sections_damaged, 1);
    assert_int_equal(oversized_recovery(story->journal)->unacknowledged_records, 8);
    check_store(story, &lowered);
    story_drop(story);
    story_open(story);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 0);
    assert_int_equal(oversized_recovery(story->journal)->unacknowledged_records, 8);
    check_store(story, &lowered);
}

/* The last value's checksum does not take what is counted. */
static void a_wrong_value_below_the_count_stays(void **state)
{
    story_t *story = *state;
    segj_buffer_t value = {NULL, 0, 0};
    make_archive(story);
    for (uint64_t i = 6; i < 10; i++)
        spoil(file_of(story, true, 7).text, COMMONWARE_V0 + i * STORY_FRAME + 2);
    story->config.verify = OVERSIZED_VERIFY_TAIL;
    story_open(story);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 0);
    assert_int_equal(story_count(story, 7), 8);
    assert_status(oversized_read(story->journal, 7, 7, NULL, &value), SEGJ_ERR_CHECKSUM);
    story_drop(story);
    story->config.counts_partition = "";
    story_open(story);
    assert_int_equal(story_count(story, 7), 6);
    segj_buffer_free(&value);
}

/* --- lowered first --- */

/* The copy that counts is made durable, the other one is written. */
#define LOWERED(size, end)                                                                                             \
    "sync " COUNTS "/7269676874; write " COUNTS "/6c656674 4096+" #size "; cut " COUNTS "/6c656674 " #end              \
    "; sync " COUNTS "/6c656674; sync " COUNTS

static void a_prune_takes_the_counts_first(void **state)
{
    story_t *story = *state;
    const store_t lowered = {5, 1, {{9, 8}}};
    make_archive(story);
    story_open(story);
    recorder_clear(story->recorder);
    assert_ok(oversized_prune(story->journal, 9, NULL));
    assert_changes(story->recorder, LOWERED(28, 4124) "; remove test_index/7; remove test_index/8; sync test_index; "
                                                      "remove test_values/7; remove test_values/8; sync test_values");
    check_store(story, &lowered);
    story_drop(story);
    story_open(story);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 0);
    check_store(story, &lowered);
}

static void a_rewind_lowers_the_counts_first(void **state)
{
    story_t *story = *state;
    const store_t lowered = {5, 2, {{7, 8}, {8, 3}}};
    const store_t none = {6, 1, {{7, 8}}};
    make_archive(story);
    story_open(story);
    assert_ok(oversized_sync_all(story->journal));
    recorder_clear(story->recorder);
    assert_ok(oversized_rewind_to(story->journal, 8, 3));
    assert_changes(story->recorder,
                   "write test_index/8 8+76; " LOWERED(
                       44, 4140) "; remove test_index/9; sync test_index; remove test_values/9; "
                                 "sync test_values; cut test_index/8 84; sync test_index/8; "
                                 "write test_index/8 78+6; sync test_index/8; write test_index/8 72+6; "
                                 "sync test_index/8; cut test_values/8 68; sync test_values/8");
    check_store(story, &lowered);
    assert_ok(oversized_rewind_section_to(story->journal, 8, 0));
    check_store(story, &none);
    story_append(story, 8, 0, 9);
    assert_ok(oversized_sync(story->journal, 8));
    check_store(story, &none);
}

/* The section itself stays as it is, and later ones go. */
static void later_sections_alone_take_their_counts(void **state)
{
    story_t *story = *state;
    const store_t lowered = {5, 1, {{7, 8}}};
    make_archive(story);
    story_open(story);
    assert_ok(oversized_rewind_to(story->journal, 7, 10));
    check_store(story, &lowered);
}

static void a_checkpoint_lowers_them(void **state)
{
    story_t *story = *state;
    const store_t restored = {6, 1, {{8, 5}}};
    oversized_checkpoint_t checkpoint = {8, 8, 5 * SMALL_RECORD};
    make_archive(story);
    story->config.checkpoint = &checkpoint;
    story->config.strict = true;
    story_open(story);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 0);
    assert_int_equal(story_count(story, 8), 5);
    check_store(story, &restored);
}

static void a_destroy_empties_them(void **state)
{
    story_t *story = *state;
    const store_t none = {5, 0, {{0, 0}}};
    make_archive(story);
    story_open(story);
    assert_ok(oversized_destroy(story->journal));
    story->journal = NULL;
    check_store(story, &none);
    assert_false(path_exists(join_path(story->directory.text, story->config.index_partition).text));
}

/* A change that cannot happen leaves what it would have removed, and mostly the counts. */
static void a_prune_of_a_viewed_section_changes_nothing(void **state)
{
    story_t *story = *state;
    const store_t same = {4, 3, {{7, 8}, {8, 8}, {9, 8}}};
    oversized_view_t view = {0};
    make_archive(story);
    story_open(story);
    assert_ok(oversized_view(story->journal, 7, 0, NULL, &view));
    assert_status(oversized_prune(story->journal, 9, NULL), SEGJ_ERR_BUSY);
    assert_status(oversized_rewind_to(story->journal, 7, 1), SEGJ_ERR_BUSY);
    check_store(story, &same);
    oversized_view_release(&view);
}

/* --- the copies --- */

static void either_copy_may_be_damaged_and_not_both(void **state)
{
    story_t *story = *state;
    for (int side = 0; side < 2; side++) {
        const store_t lowered = {5, 2, {{8, 8}, {9, 8}}};
        const store_t newer = {4, 3, {{7, 8}, {8, 8}, {9, 8}}};
        make_archive(story);
        write_copy(story, COUNTS, 1, COMMONWARE_V1, &newer);
        spoil(copy_path(story, COUNTS, 0).text, COMMONWARE_V1 + 9);
        if (side == 1) {
            write_copy(story, COUNTS, 0, COMMONWARE_V0, &newer);
            spoil(copy_path(story, COUNTS, 1).text, COMMONWARE_V1 + 9);
        }
        story_open(story);
        assert_ok(oversized_prune(story->journal, 8, NULL));
        check_store(story, &lowered);
        story_drop(story);
        remove_tree(story->directory.text);
    }
    make_archive(story);
    for (int side = 0; side < 2; side++)
        spoil(copy_path(story, COUNTS, side).text, COMMONWARE_V1 + 9);
    story_refuse(story, SEGJ_ERR_CORRUPT, "both copies of the counts are damaged");
}

/* One that is empty, new, or missing is the older one. */
static void a_copy_that_was_never_written_is_written(void **state)
{
    story_t *story = *state;
    const store_t lowered = {5, 2, {{8, 8}, {9, 8}}};
    for (size_t size = 0; size <= COMMONWARE_V1 + 1; size += size < 10 ? 1 : COMMONWARE_V1 - 11) {
        make_archive(story);
        remove_file(copy_path(story, COUNTS, 0).text);
        if (size <= COMMONWARE_V1) {
            uint8_t zeros[COMMONWARE_V1] = {0};
            write_file(copy_path(story, COUNTS, 0).text, zeros, size);
        }
        story_open(story);
        assert_ok(oversized_prune(story->journal, 8, NULL));
        check_store(story, &lowered);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

static void another_store_is_refused(void **state)
{
    story_t *story = *state;
    const store_t unordered = {4, 2, {{9, 8}, {7, 8}}};
    uint8_t bytes[COMMONWARE_V1 + 8 + 3 + 4];
    make_archive(story);
    write_copy(story, COUNTS, 1, COMMONWARE_V1, &unordered);
    story_refuse(story, SEGJ_ERR_MISMATCH, "a store of something else than counts of records");
    encode_commonware_header(bytes, COMMONWARE_V1, 0);
    put_u64(bytes + COMMONWARE_V1, 4);
    memcpy(bytes + COMMONWARE_V1 + 8, "abc", 3);
    put_u32(bytes + COMMONWARE_V1 + 11, plain_checksum(bytes + COMMONWARE_V1, 11));
    write_file(copy_path(story, COUNTS, 1).text, bytes, sizeof bytes);
    story_refuse(story, SEGJ_ERR_MISMATCH, "a store of something else than counts of records");
}

static void a_partition_that_is_missing_is_refused(void **state)
{
    story_t *story = *state;
    make_archive(story);
    story->config.counts_partition = "mistyped";
    story_refuse(story, SEGJ_ERR_MISMATCH, "mistyped, which config.counts_partition names, is missing");
    remove_tree(story->directory.text);
    story_open(story); /* a new journal has no counts */
    story_append(story, 7, 0, 3);
    assert_ok(oversized_prune(story->journal, 8, NULL));
}

static void two_openers_of_the_counts_exclude_each_other(void **state)
{
    story_t *story = *state;
    oversized_t *other = NULL;
    oversized_config_t config = story->config;
    make_archive(story);
    story_open(story);
    config.counts_partition = COUNTS;
    config.index_partition = "other_index";
    config.value_partition = "other_values";
    assert_status(oversized_open(&config, &other), SEGJ_ERR_LOCKED);
    assert_null(other);
}

/* --- one that is not named --- */

static void check_guarded(story_t *story, const char *text)
{
    const store_t same = {4, 3, {{7, 8}, {8, 8}, {9, 8}}};
    assert_status(oversized_prune(story->journal, 8, NULL), SEGJ_ERR_MISMATCH);
    if (strstr(segj_last_error(), text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, segj_last_error());
    assert_status(oversized_rewind_to(story->journal, 8, 10), SEGJ_ERR_MISMATCH);
    assert_status(oversized_rewind_section_to(story->journal, 8, 7), SEGJ_ERR_MISMATCH);
    check_store(story, &same);
    for (uint64_t section = 7; section <= 9; section++)
        story_check(story, section, 0, 9);
}

static void what_an_unnamed_one_counts_is_not_removed(void **state)
{
    story_t *story = *state;
    make_archive(story);
    make_directory(join_path(story->directory.text, "empty").text);
    write_file(join_path(story->directory.text, "a-file").text, "", 0);
    story->config.counts_partition = NULL;
    story_open(story);
    check_guarded(story, "journal/" COUNTS " counts records of sections that this would take");
    assert_ok(oversized_rewind_section_to(story->journal, 8, 8)); /* this does not */
    story_append(story, 8, 8, 9);
    assert_ok(oversized_sync_all(story->journal));
    check_guarded(story, "Name that partition in config.counts_partition");
    assert_status(oversized_destroy(story->journal), SEGJ_ERR_MISMATCH);
    story->journal = NULL;
    story->config.counts_partition = "";
    story_open(story);
    assert_ok(oversized_prune(story->journal, 8, NULL));
}

static void an_open_does_not_take_it_either(void **state)
{
    story_t *story = *state;
    oversized_checkpoint_t checkpoint = {8, 8, 10 * SMALL_RECORD};
    make_archive(story);
    story->config.counts_partition = NULL;
    story->config.checkpoint = &checkpoint;
    assert_status(oversized_open(&story->config, &story->journal), SEGJ_ERR_MISMATCH);
    story->config.checkpoint = NULL;
    resize_file(file_of(story, true, 8).text, COMMONWARE_V0 + 7 * STORY_FRAME + 5);
    assert_status(oversized_open(&story->config, &story->journal), SEGJ_ERR_MISMATCH);
    resize_file(file_of(story, true, 7).text, COMMONWARE_V0 + 9 * STORY_FRAME);
    story->config.counts_partition = COUNTS;
    story_open(story);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 1);
}

/* What cannot be looked at may count records: nothing is removed. */
static void a_look_that_fails_removes_nothing(void **state)
{
    story_t *story = *state;
    const struct {
        record_kind_t kind;
        uint32_t skip;
    } cases[] = {{RECORD_PARTITION_OPEN, 0}, {RECORD_PARTITION_OPEN, 1}, {RECORD_PARTITION_LIST, 0},
                 {RECORD_PARTITION_LIST, 1}, {RECORD_FILE_OPEN, 0},      {RECORD_FILE_OPEN, 1},
                 {RECORD_FILE_SIZE, 0},      {RECORD_FILE_READ, 0},      {RECORD_FILE_READ, 1}};
    make_archive(story);
    story->config.counts_partition = NULL;
    story_open(story);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        recorder_fail(story->recorder, cases[i].kind, cases[i].skip, 1, EIO);
        assert_status(oversized_prune(story->journal, 8, NULL), SEGJ_ERR_IO);
        if (strstr(segj_last_error(), "looked through for counts of an archive") == NULL)
            fail_msg("\"%s\"", segj_last_error());
        assert_null(oversized_error(story->journal));
        story_check(story, 7, 0, 9);
    }
    no_memory = true;
    segj_status_t status = oversized_prune(story->journal, 8, NULL);
    no_memory = false;
    assert_status(status, SEGJ_ERR_MEMORY);
    story_check(story, 7, 0, 9);
    assert_status(oversized_prune(story->journal, 8, NULL), SEGJ_ERR_MISMATCH);
}

/* A call that fails has removed nothing, and no more is counted than there is; a sync that fails poisons. */
static void a_lowering_that_fails_removes_nothing(void **state)
{
    story_t *story = *state;
    const struct {
        record_kind_t kind;
        uint32_t skip;
        bool poisons;
    } cases[] = {{RECORD_FILE_OPEN, 0, false},    {RECORD_FILE_SYNC, 0, true},      {RECORD_FILE_OPEN, 1, false},
                 {RECORD_FILE_WRITE, 0, false},   {RECORD_FILE_TRUNCATE, 0, false}, {RECORD_FILE_SYNC, 1, true},
                 {RECORD_PARTITION_SYNC, 0, true}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        make_archive(story);
        story_open(story);
        recorder_fail(story->recorder, cases[i].kind, cases[i].skip, 1, EIO);
        assert_status(oversized_prune(story->journal, 9, NULL), SEGJ_ERR_IO);
        if ((oversized_error(story->journal) != NULL) != cases[i].poisons)
            fail_msg("case %d", (int)i);
        for (uint64_t section = 7; section <= 9; section++)
            story_check(story, section, 0, 9);
        if (!cases[i].poisons)
            assert_ok(oversized_prune(story->journal, 9, NULL));
        story_drop(story);
        store_t left = read_store(story, COUNTS);
        assert_int_equal(left.each[left.count - 1].records, 8);
        story_open(story);
        assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 0);
        story_check(story, 9, 0, 9);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

/* Stores of other things, and of other journals' sections, hinder nothing. */
static void other_partitions_hinder_nothing(void **state)
{
    story_t *story = *state;
    const store_t others = {4, 2, {{7, 8}, {700, 1}}};
    make_archive(story);
    make_store(story, COUNTS, NULL, &others);
    story->config.counts_partition = NULL;
    story_open(story);
    assert_ok(oversized_prune(story->journal, 8, NULL));
    story_drop(story);
    remove_tree(story->directory.text);
    make_archive(story);
    write_file(join_path(join_path(story->directory.text, COUNTS).text, "0000000000000007").text, "", 0);
    story->config.counts_partition = NULL;
    story_open(story);
    assert_ok(oversized_prune(story->journal, 8, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(what_is_there_as_counted_is_left_alone),
        STORY(counts_are_never_raised_and_lowered_only_where_they_must),
        STORY(less_than_is_counted_is_a_loss),
        STORY(less_than_is_counted_without_anything_to_cut),
        STORY(a_counted_section_without_an_index_is_a_loss),
        STORY(a_wrong_value_below_the_count_stays),
        STORY(a_prune_takes_the_counts_first),
        STORY(a_rewind_lowers_the_counts_first),
        STORY(later_sections_alone_take_their_counts),
        STORY(a_checkpoint_lowers_them),
        STORY(a_destroy_empties_them),
        STORY(a_prune_of_a_viewed_section_changes_nothing),
        STORY(either_copy_may_be_damaged_and_not_both),
        STORY(a_copy_that_was_never_written_is_written),
        STORY(another_store_is_refused),
        STORY(a_partition_that_is_missing_is_refused),
        STORY(two_openers_of_the_counts_exclude_each_other),
        STORY(what_an_unnamed_one_counts_is_not_removed),
        STORY(an_open_does_not_take_it_either),
        STORY(a_look_that_fails_removes_nothing),
        STORY(a_lowering_that_fails_removes_nothing),
        STORY(other_partitions_hinder_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
