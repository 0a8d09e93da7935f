/*
 * lessons/test_refusals.c: journals that must not be opened as asked, files that must be left alone, and bounds.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "lessons/story.h"

/* Sections 1 and 2 with three records each, closed. */
static void begin_closed(story_t *story)
{
    story_begin(story);
    assert_true(story_open(story));
    assert_true(story_append_many(story, 1, 3));
    assert_true(story_append_many(story, 2, 3));
    assert_true(story_close(story));
}

/* The open answers this, and no byte and no name changes. */
static void expect_refused(story_t *story, segj_status_t status)
{
    crashdisk_t *before = disk_snapshot(story->disk);
    assert_status(oversized_open(&story->config, &story->journal), status);
    assert_null(story->journal);
    assert_disks_equal(story->disk, before);
    disk_free(before);
}

/* --- a18, b11 --- */

/*
 * The reference implementation listed a file under a name that was not how it would have written it, opened the name
 * that it would have written, and so made an empty file beside the real one; or opened a stray file before it looked at
 * the name, and gave it a header. Names are judged first: a wrong one is named, and nothing is opened or made.
 */
static void a18_a_name_that_is_not_canonical_is_refused_unopened(void **state)
{
    static const char *const wrong[] = {"000000000000000A", "a",    "0000000000000001x", "00000000000000001",
                                        "000000000000000g", "note", "0x00000000000001",  "0000000000000001.tmp"};
    static const char *const partitions[] = {"test_index", "test_values"};
    for (size_t i = 0; i < 16; i++) {
        story_t story;
        begin_closed(&story);
        disk_put_name(story.disk, partitions[i % 2], wrong[i / 2], SEGJ_ENTRY_FILE);
        unsigned opened = disk_count(story.disk, CALL_OPEN, ON_ANYTHING);
        expect_refused(&story, SEGJ_ERR_CORRUPT);
        assert_non_null(strstr(segj_last_error(), wrong[i / 2]));
        assert_non_null(strstr(segj_last_error(), ": move it away"));
        assert_int_equal(disk_count(story.disk, CALL_OPEN, ON_ANYTHING), opened);
        story_end(&story);
    }
}

/* The same for a directory that is named like a section; dot names and lost+found are nobody's business. */
static void b11_only_what_can_be_a_section_blocks_the_open(void **state)
{
    story_t story;
    begin_closed(&story);
    disk_put_name(story.disk, "test_index", ".snapshot", SEGJ_ENTRY_OTHER);
    disk_put_name(story.disk, "test_values", "lost+found", SEGJ_ENTRY_OTHER);
    assert_ok(oversized_open(&story.config, &story.journal));
    story_kill(&story);
    disk_put_name(story.disk, "test_values", "0000000000000007", SEGJ_ENTRY_OTHER);
    expect_refused(&story, SEGJ_ERR_CORRUPT);
    story_end(&story);
}

/* --- b05 --- */

/*
 * To the reference implementation a partition that could not be listed was one without sections: without its index
 * every values file was an orphan and was removed; without its values every index was cut to nothing. Only a partition
 * that does not exist is missing, and one that is missing beside sections is an error; nothing is made in its place.
 */
static void b05_a_missing_partition_beside_sections_is_an_error(void **state)
{
    static const char *const partitions[] = {"test_index", "test_values"};
    for (size_t i = 0; i < 2; i++) {
        story_t story;
        begin_closed(&story);
        disk_remove(story.disk, (disk_target_t){partitions[i], -1});
        expect_refused(&story, SEGJ_ERR_MISMATCH);
        assert_non_null(strstr(segj_last_error(), "2 sections: mount or bring back that partition"));
        assert_false(disk_has_partition(story.disk, partitions[i]));
        story_end(&story);
    }
}

/* A partition's name that is mistyped is a missing partition. */
static void b05_a_mistyped_partition_removes_nothing(void **state)
{
    story_t story;
    begin_closed(&story);
    story.config.value_partition = "test_value";
    expect_refused(&story, SEGJ_ERR_MISMATCH);
    story.config.value_partition = "test_values";
    story.config.index_partition = "tost_index";
    expect_refused(&story, SEGJ_ERR_MISMATCH);
    story_end(&story);
}

static void b05_a_partition_that_cannot_be_read_is_an_error(void **state)
{
    static const int codes[] = {EACCES, EIO, EMFILE, ESTALE, ENOTDIR};
    static const disk_call_t calls[] = {CALL_PARTITION_OPEN, CALL_PARTITION_LIST};
    for (size_t i = 0; i < 20; i++) {
        story_t story;
        begin_closed(&story);
        disk_target_t on = i % 2 == 0 ? ON_INDEX(-1) : ON_VALUES(-1);
        disk_inject(story.disk, (disk_fault_t){calls[i / 2 % 2], on, 0, 0, ACTION_FAIL, codes[i / 4], 0});
        expect_refused(&story, SEGJ_ERR_IO);
        disk_heal(story.disk);
        assert_true(story_open(&story));
        story_expect(&story, 1, 3);
        story_expect(&story, 2, 3);
        story_end(&story);
    }
}

/* --- b06 --- */

/*
 * With another page size than the files' no page of them is valid, and the reference implementation cut the index to
 * nothing. The files say what they are: another page size, another record size, or the partitions exchanged, is
 * refused.
 */
static void b06_another_configuration_than_the_files_is_refused(void **state)
{
    story_t story;
    begin_closed(&story);
    for (uint16_t page_size = 1; page_size < 4100; page_size = (uint16_t)(page_size * 2 + 1)) {
        story.config.page_size = page_size;
        expect_refused(&story, SEGJ_ERR_MISMATCH);
    }
    story.config.page_size = SMALL_PAGE;
    story.config.entry_size = SMALL_ENTRY + 1;
    expect_refused(&story, SEGJ_ERR_MISMATCH);
    story.config.entry_size = SMALL_ENTRY;
    story.config.index_partition = "test_values";
    story.config.value_partition = "test_index";
    expect_refused(&story, SEGJ_ERR_MISMATCH);
    story.config.index_partition = "test_index";
    story.config.value_partition = "test_values";
    story.config.page_size = 0; /* what the files have */
    assert_ok(oversized_open(&story.config, &story.journal));
    story_check(&story);
    story_end(&story);
}

/* --- b15 --- */

/*
 * Nothing kept two openers of the reference implementation apart; both cut, both appended at their own idea of the end.
 * The second one is refused, from the same process too, and touches nothing; a reader keeps a writer out, not a reader.
 */
static void b15_a_second_opener_is_refused(void **state)
{
    story_t story;
    oversized_t *second = NULL;
    oversized_t *third = NULL;
    begin_closed(&story);
    assert_true(story_open(&story));
    assert_true(story_append_many(&story, 1, 3)); /* would be cut by another's open */
    oversized_config_t config = story.config;
    unsigned changes = disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING);
    assert_status(oversized_open(&config, &second), SEGJ_ERR_LOCKED);
    config.read_only = true;
    assert_status(oversized_open(&config, &second), SEGJ_ERR_LOCKED);
    assert_int_equal(disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING), changes);
    assert_true(story_close(&story));
    assert_ok(oversized_open(&config, &second));
    assert_ok(oversized_open(&config, &third));
    config.read_only = false;
    assert_status(oversized_open(&config, &story.journal), SEGJ_ERR_LOCKED);
    assert_ok(oversized_close(second));
    assert_status(oversized_open(&config, &story.journal), SEGJ_ERR_LOCKED);
    assert_ok(oversized_close(third));
    assert_true(story_open(&story));
    story_expect(&story, 1, 6);
    story_end(&story);
}

/* Whatever an opener's end is, it leaves no lock. */
static void b15_every_end_of_a_journal_gives_the_lock_back(void **state)
{
    story_t story;
    begin_closed(&story);
    for (int end = 0; end < 3; end++) {
        assert_true(story_open(&story));
        oversized_t *journal = story.journal;
        story.journal = NULL;
        if (end == 0)
            assert_ok(oversized_close(journal));
        else if (end == 1)
            oversized_abandon(journal);
        else
            assert_ok(oversized_destroy(journal));
    }
    for (size_t i = 0; i < story.chapter_count; i++)
        story.chapters[i] = (chapter_t){.section = story.chapters[i].section, .gone = true};
    assert_true(story_open(&story));
    story_kill(&story);
    disk_put_name(story.disk, "test_index", "stray", SEGJ_ENTRY_FILE);
    expect_refused(&story, SEGJ_ERR_CORRUPT);
    expect_refused(&story, SEGJ_ERR_CORRUPT); /* not SEGJ_ERR_LOCKED */
    story_end(&story);
}

/* --- b16 --- */

/*
 * The reference implementation held two descriptors a section for life. Here their number is bounded, also while more
 * sections than that are written and read, and what was not synced when a descriptor was given up is not lost by it.
 */
static void b16_descriptors_stay_within_their_bound(void **state)
{
    static const uint32_t limits[] = {4, 5, 8};
    for (size_t i = 0; i < 3; i++) {
        story_t story;
        story_begin(&story);
        story.config.max_open_files = limits[i];
        assert_true(story_open(&story));
        for (size_t round = 0; round < 4; round++) {
            for (uint64_t section = 1; section <= STORY_SECTIONS; section++)
                assert_true(story_append(&story, section));
            story_check(&story);
        }
        assert_ok(oversized_sync_all(story.journal));
        for (uint64_t section = 1; section <= STORY_SECTIONS; section++)
            assert_true(story_sync(&story, section));
        assert_in_range(disk_open_peak(story.disk), 1, limits[i]);
        story_crash(&story, crash_keep_none());
        assert_true(story_open(&story));
        assert_in_range(disk_open_peak(story.disk), 1, limits[i]);
        story_end(&story);
    }
}

/* And a long tail of zeros, as a preallocated or cut off file has, cost it a read a page, backwards. */
static void b16_a_long_tail_of_zeros_costs_few_reads(void **state)
{
    for (int closed = 0; closed < 2; closed++) {
        story_t story;
        story_begin(&story);
        assert_true(story_open(&story));
        assert_true(story_append_many(&story, 1, 3));
        assert_true(story_sync(&story, 1));
        if (closed)
            assert_true(story_close(&story));
        story_crash(&story, crash_keep_none());
        disk_resize(story.disk, ON_INDEX(1), (uint64_t)1 << 20); /* 13,000 pages */
        disk_resize(story.disk, ON_VALUES(1), (uint64_t)1 << 20);
        assert_ok(oversized_open(&story.config, &story.journal));
        assert_in_range(disk_count(story.disk, CALL_READ, ON_ANYTHING), 1, 32);
        story_kill(&story);
        story_verify(&story);
        story_end(&story);
    }
}

/* --- b17 --- */

/*
 * Whether values are compressed was known to the reference implementation's caller alone: opened the other way, none
 * could be read. Here each file knows; old sections go on as they are and new ones follow the configuration.
 */
static void b17_compression_is_the_files_and_not_the_callers(void **state)
{
    story_t story;
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t expected[300];
    story_begin(&story);
    for (int boot = 0; boot < 4; boot++) {
        story.config.compression = boot % 2 == 0 ? 3 : 0;
        assert_ok(oversized_open(&story.config, &story.journal));
        memset(expected, boot + 1, sizeof expected);
        for (uint64_t section = 1; section <= (uint64_t)boot + 1; section++)
            assert_ok(oversized_append(story.journal, section, "entry-01", expected, sizeof expected, NULL, NULL));
        for (uint64_t section = 1; section <= (uint64_t)boot + 1; section++) {
            for (uint64_t i = 0; i <= (uint64_t)boot + 1 - section; i++) {
                assert_ok(oversized_read(story.journal, section, i, NULL, &value));
                memset(expected, (int)(section + i), sizeof expected);
                assert_int_equal(value.size, sizeof expected);
                assert_memory_equal(value.data, expected, sizeof expected);
            }
        }
        oversized_t *journal = story.journal;
        story.journal = NULL;
        assert_ok(oversized_close(journal));
        uint64_t newest = (uint64_t)boot + 1;
        identity_t identity = {0};
        assert_true(decode_identity(disk_peek(story.disk, ON_VALUES((int64_t)newest), NULL), &identity));
        assert_int_equal(identity.compression, boot % 2 == 0);
    }
    segj_buffer_free(&value);
    story_end(&story);
}

/* A journal of one compressed record whose payload is given. */
static void begin_with_payload(story_t *story, const void *payload, size_t size)
{
    uint8_t header[INDEX_DATA_OFFSET] = {0};
    uint8_t record[SMALL_RECORD];
    uint8_t page[SMALL_PAGE + PAGE_CHECKSUMS];
    uint8_t *frame = malloc(size + FRAME_CHECKSUM);
    assert_non_null(frame);
    story_begin(story);
    identity_t index = {1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, 1};
    identity_t values = {1, IDENTITY_VALUES, 1, 0, 0, 1};
    oversized_location_t location = {0, (uint32_t)(size + FRAME_CHECKSUM)};
    encode_identity(header, &index);
    disk_put(story->disk, ON_INDEX(1), header, sizeof header);
    encode_record(record, "entry-01", SMALL_ENTRY, location);
    encode_page(page, SMALL_PAGE, record, sizeof record, make_slot(1, 0, record, sizeof record), (page_slot_t){0, 0});
    disk_poke(story->disk, ON_INDEX(1), INDEX_DATA_OFFSET, page, sizeof page);
    encode_identity(header, &values);
    disk_put(story->disk, ON_VALUES(1), header, VALUES_DATA_OFFSET);
    encode_frame(frame, 1, 0, payload, size);
    disk_poke(story->disk, ON_VALUES(1), VALUES_DATA_OFFSET, frame, size + FRAME_CHECKSUM);
    free(frame);
}

/*
 * And decompression had no bound there: two frames for one, frames of no content, a length that is claimed or left out.
 * A payload is one frame that says its length and keeps it, and a length beyond the configured one takes no memory.
 */
static void b17_a_payload_that_is_not_one_honest_frame_is_refused(void **state)
{
    uint8_t text[100], frame[400];
    memset(text, 'x', sizeof text);
    size_t size = ZSTD_compress(frame, sizeof frame, text, sizeof text, 3);
    assert_false(ZSTD_isError(size));
    static const uint8_t skippable[] = {0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
    for (int kind = 0; kind < 6; kind++) {
        story_t story;
        segj_buffer_t value = {NULL, 0, 0};
        uint8_t payload[800];
        memcpy(payload, frame, size);
        size_t length = size;
        if (kind == 1) { /* two frames */
            memcpy(payload + size, frame, size);
            length = 2 * size;
        } else if (kind == 2) { /* a frame of no content behind it */
            memcpy(payload + size, skippable, sizeof skippable);
            length = size + sizeof skippable;
        } else if (kind == 3) { /* one alone */
            memcpy(payload, skippable, sizeof skippable);
            length = sizeof skippable;
        } else if (kind == 4) { /* cut off */
            length = size - 1;
        }
        begin_with_payload(&story, payload, length);
        story.config.max_value_size = kind == 5 ? 99 : 100;
        assert_ok(oversized_open(&story.config, &story.journal));
        segj_status_t expected = kind == 0 ? SEGJ_OK : kind == 5 ? SEGJ_ERR_TOO_LARGE : SEGJ_ERR_COMPRESSION;
        assert_status(oversized_read(story.journal, 1, 0, NULL, &value), expected);
        assert_int_equal(value.size, kind == 0 ? 100 : 0);
        assert_true(kind == 0 || value.capacity < 1000);
        segj_buffer_free(&value);
        story_end(&story);
    }
}

/* A value that is too long was found out after it had been compressed. It is refused before anything happens. */
static void b17_a_value_beyond_the_limit_is_refused_unread(void **state)
{
    story_t story;
    uint8_t byte = 0;
    begin_closed(&story);
    assert_true(story_open(&story));
    unsigned changes = disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING);
    if (SIZE_MAX > UINT32_MAX) /* not a byte of it exists */
        assert_status(
            oversized_append(story.journal, 1, "entry-01", &byte, (size_t)OVERSIZED_VALUE_MAX + 1, NULL, NULL),
            SEGJ_ERR_TOO_LARGE);
    assert_status(oversized_append(story.journal, 3, "entry-01", &byte, SIZE_MAX, NULL, NULL), SEGJ_ERR_TOO_LARGE);
    assert_int_equal(disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING), changes);
    story_check(&story);
    story_end(&story);
}

/* --- b18 --- */

/*
 * A prune that found nothing to remove left no line in the reference implementation: sections below it could be begun
 * afterwards. The line holds whether or not anything was removed, and never goes back.
 */
static void b18_a_prune_line_holds_where_nothing_was_removed(void **state)
{
    story_t story;
    bool pruned = true;
    story_begin(&story);
    assert_true(story_open(&story));
    assert_ok(oversized_prune(story.journal, 10, &pruned));
    assert_false(pruned);
    assert_ok(oversized_prune(story.journal, 4, &pruned));
    assert_status(oversized_append(story.journal, 9, "entry-01", "v", 1, NULL, NULL), SEGJ_ERR_PRUNED);
    assert_status(oversized_sync(story.journal, 3), SEGJ_ERR_PRUNED);
    assert_true(story_append(&story, 10));
    assert_true(story_sync(&story, 10));
    assert_false(disk_exists(story.disk, ON_INDEX(9)) || disk_exists(story.disk, ON_INDEX(3)));
    story_end(&story);
}

/*
 * A section whose file could not be removed was gone from the reference implementation's memory all the same. Where the
 * first removal fails nothing has happened: the sections are there, and can be read, written and pruned.
 */
static void b18_a_prune_that_could_not_begin_keeps_the_sections(void **state)
{
    story_t story;
    bool pruned = true;
    begin_closed(&story);
    assert_true(story_open(&story));
    disk_inject(story.disk, (disk_fault_t){CALL_REMOVE, ON_ANYTHING, 0, 1, ACTION_FAIL, EACCES, 0});
    assert_status(oversized_prune(story.journal, 3, &pruned), SEGJ_ERR_IO);
    assert_true(pruned);
    assert_null(oversized_error(story.journal));
    disk_heal(story.disk);
    story_check(&story);
    story_expect(&story, 2, 3);
    assert_true(story_append(&story, 1));
    assert_true(story_sync(&story, 1));
    assert_true(story_prune(&story, 3));
    story_crash(&story, crash_keep_none());
    story_verify(&story);
    story_end(&story);
}

/* Where a later one fails the journal is poisoned, and the next open finds each section whole or gone. */
static void b18_a_prune_that_failed_half_way_leaves_sections_whole_or_gone(void **state)
{
    for (unsigned skip = 1; skip < 6; skip++) {
        story_t story;
        begin_closed(&story);
        assert_true(story_open(&story));
        disk_call_t call = skip < 4 ? CALL_REMOVE : CALL_PARTITION_SYNC;
        disk_inject(story.disk, (disk_fault_t){call, ON_ANYTHING, skip % 4, 1, ACTION_FAIL, EIO, 0});
        assert_false(story_prune(&story, 3));
        assert_non_null(oversized_error(story.journal));
        assert_status(oversized_append(story.journal, 7, "entry-01", "v", 1, NULL, NULL), SEGJ_ERR_POISONED);
        story_kill(&story);
        story_verify(&story);
        story_end(&story);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a18_a_name_that_is_not_canonical_is_refused_unopened),
        cmocka_unit_test(b11_only_what_can_be_a_section_blocks_the_open),
        cmocka_unit_test(b05_a_missing_partition_beside_sections_is_an_error),
        cmocka_unit_test(b05_a_mistyped_partition_removes_nothing),
        cmocka_unit_test(b05_a_partition_that_cannot_be_read_is_an_error),
        cmocka_unit_test(b06_another_configuration_than_the_files_is_refused),
        cmocka_unit_test(b15_a_second_opener_is_refused),
        cmocka_unit_test(b15_every_end_of_a_journal_gives_the_lock_back),
        cmocka_unit_test(b16_descriptors_stay_within_their_bound),
        cmocka_unit_test(b16_a_long_tail_of_zeros_costs_few_reads),
        cmocka_unit_test(b17_compression_is_the_files_and_not_the_callers),
        cmocka_unit_test(b17_a_payload_that_is_not_one_honest_frame_is_refused),
        cmocka_unit_test(b17_a_value_beyond_the_limit_is_refused_unread),
        cmocka_unit_test(b18_a_prune_line_holds_where_nothing_was_removed),
        cmocka_unit_test(b18_a_prune_that_could_not_begin_keeps_the_sections),
        cmocka_unit_test(b18_a_prune_that_failed_half_way_leaves_sections_whole_or_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
