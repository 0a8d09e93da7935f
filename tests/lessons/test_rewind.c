/*
 * lessons/test_rewind.c: what taking records back can do to those that stay and to those that come after.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "lessons/story.h"

/* --- a01: freed offsets --- */

static bool reuse_offsets(story_t *story)
{
    return story_open(story) && story_append(story, 1) && story_sync(story, 1) && story_rewind_section(story, 1, 0) &&
           story_append(story, 1) && story_sync(story, 1);
}

static bool reuse_later_offsets(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 3) && story_sync(story, 1) && story_append(story, 1) &&
           story_rewind(story, 1, 1) && story_append_many(story, 1, 3) && story_sync(story, 1);
}

/*
 * The reference implementation cut the index in memory only and gave the freed offsets out again. With the new value
 * durable and the new index not, the old record came back over a frame of equal size and read another record's value.
 * Here nothing is appended before both cuts are durable, so whatever a power cut keeps, a record has its own value.
 */
static void a01_rewind_is_durable_before_its_offsets_are_reused(void **state)
{
    const act_t all = {reuse_offsets, POWER_ANYWHERE, false};
    tell_new(&all, 1);
    const act_t some = {reuse_later_offsets, POWER_ANYWHERE, false};
    tell_new(&some, 1);
}

static bool rewind_and_append(story_t *story)
{
    return story_open(story) && story_rewind_section(story, 1, 1) && story_append(story, 1) && story_sync(story, 1);
}

static bool append_two(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 2) && story_sync(story, 1);
}

/* Three records, closed. */
static void begin_with_three(story_t *story)
{
    story_begin(story);
    assert_true(story_open(story));
    assert_true(story_append_many(story, 1, 3));
    assert_true(story_close(story));
    assert_true(story_open(story));
}

/*
 * The same where the process dies in the middle: the next one finds a cut that it did not make and that is not durable,
 * and gives the freed offsets out again. It must make the cut durable first, be the bytes on their way to the disk or
 * lost by the device without a word.
 */
static void a01_a_cut_that_was_inherited_is_durable_before_its_offsets_are_reused(void **state)
{
    static const act_end_t ends[] = {KILL_ANYWHERE, LOST_ANYWHERE};
    for (size_t i = 0; i < 2; i++) {
        story_t story;
        const act_t acts[] = {{rewind_and_append, ends[i], false}, {append_two, POWER_ANYWHERE, false}};
        begin_with_three(&story);
        assert_true(story_close(&story));
        tell(&story, acts, 2);
        story_end(&story);
    }
}

static bool remove_the_second(story_t *story)
{
    return story_open(story) && story_rewind(story, 1, 2);
}

static bool make_the_second_again(story_t *story)
{
    return story_open(story) && story_append_many(story, 2, 2) && story_sync(story, 2);
}

/*
 * The same with a section that is removed as a whole. What the next process finds may be a section as a close leaves
 * it, and nothing beside it: then open has no reason to sync anything. But the removed values file may come back until
 * its name's removal is durable, and with it, under a new index, an old value in the place of a new one.
 */
static void a01_a_removal_that_was_inherited_is_durable_before_the_section_is_made_again(void **state)
{
    static const act_end_t ends[] = {KILL_ANYWHERE, LOST_ANYWHERE};
    for (size_t i = 0; i < 2; i++) {
        story_t story;
        const act_t acts[] = {{remove_the_second, ends[i], false}, {make_the_second_again, POWER_ANYWHERE, false}};
        story_begin(&story);
        assert_true(story_open(&story));
        assert_true(story_append_many(&story, 1, 2) && story_append_many(&story, 2, 3));
        assert_true(story_close(&story));
        tell(&story, acts, 2);
        story_end(&story);
    }
}

/*
 * The same story where the disk refuses the second of the two cuts. The reference implementation went on. The rewind
 * must fail and nothing more may be appended, because the index has given up records whose values still lie there; the
 * next open finishes the cut.
 */
static void a01_a_rewind_that_could_not_sync_the_values_fails_and_ends_the_changes(void **state)
{
    static const disk_call_t calls[] = {CALL_SYNC, CALL_TRUNCATE};
    for (size_t i = 0; i < 2; i++) {
        story_t story;
        begin_with_three(&story);
        disk_inject(story.disk, (disk_fault_t){calls[i], ON_VALUES(1), 0, 0, ACTION_FAIL, EIO, 0});
        assert_false(story_rewind_section(&story, 1, 1));
        assert_non_null(oversized_error(story.journal));
        assert_status(oversized_append(story.journal, 1, "entry-01", "v", 1, NULL, NULL), SEGJ_ERR_POISONED);
        assert_status(oversized_sync(story.journal, 1), SEGJ_ERR_POISONED);
        story_crash(&story, crash_keep_none());
        assert_true(story_open(&story)); /* looks at the sizes of the files, too */
        assert_int_equal(story_chapter(&story, 1)->count, 1);
        story_end(&story);
    }
}

/* --- a06: the page that becomes shorter --- */

static size_t rewind_target;

static bool rewind_once(story_t *story)
{
    return story_open(story) && story_rewind_section(story, 1, rewind_target);
}

static bool rewind_and_go_on(story_t *story)
{
    return rewind_once(story) && story_append_many(story, 1, 2) && story_sync(story, 1);
}

/* `records` records, closed. */
static void begin_with(story_t *story, uint16_t page_size, uint32_t record_size, size_t records)
{
    story_begin(story);
    story->config.page_size = page_size;
    story->config.entry_size = record_size - LOCATION_BYTES;
    story->value_size = 1;
    assert_true(story_open(story));
    assert_true(story_append_many(story, 1, records));
    assert_true(story_close(story));
}

/*
 * The reference implementation shortened a page by an ordinary rewrite with one fresh checksum: torn, no checksum
 * fitted and synced records before the cut were lost with it; lost, the old length came back. Here the shorter length
 * must be durable before the longer one goes. Page sizes put a sector's end inside each slot at every byte; lengths lie
 * on both sides of 255, where a torn length would be another one.
 */
static void a06_a_page_torn_while_it_shrinks_keeps_the_old_or_the_new_length(void **state)
{
    for (uint16_t page_size = 500; page_size <= 512; page_size++) {
        for (uint32_t record_size = 15; record_size <= 16; record_size++) {
            story_t story;
            const act_t act = {rewind_once, POWER_ANYWHERE, true};
            begin_with(&story, page_size, record_size, 20);
            rewind_target = record_size == 15 ? 17 : 15; /* 255 and 240 bytes */
            tell(&story, &act, 1);
            rewind_target++; /* 270 and 256 bytes */
            tell(&story, &act, 1);
            story_end(&story);
        }
    }
}

/* The same with the cut in another page than the end, at a page's end, and in a page that was full. */
static void a06_a_cut_across_pages_keeps_every_record_before_it(void **state)
{
    static const uint16_t page_sizes[] = {64, 60, 33};
    static const size_t targets[] = {0, 1, 3, 4, 6, 9};
    for (size_t i = 0; i < 3; i++) {
        story_t story;
        begin_with(&story, page_sizes[i], 20, 10);
        for (size_t k = 0; k < 6; k++) {
            const act_t act = {rewind_and_go_on, POWER_ANYWHERE, true};
            rewind_target = targets[k];
            tell(&story, &act, 1);
        }
        story_end(&story);
    }
}

static bool rewind_with_unsynced_end(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 6) && story_rewind_section(story, 1, rewind_target) &&
           story_append(story, 1) && story_sync(story, 1);
}

/* And with an end that no sync has covered, cut above and below what one had. */
static void a06_a_cut_above_the_last_sync_is_durable_too(void **state)
{
    story_t story;
    const act_t act = {rewind_with_unsynced_end, POWER_ANYWHERE, false};
    begin_with(&story, 64, 20, 5);
    for (rewind_target = 2; rewind_target <= 8; rewind_target += 3)
        tell(&story, &act, 1);
    story_end(&story);
}

static bool lose_a_page_and_restore(story_t *story)
{
    static const oversized_checkpoint_t wanted = {0, 1, 3 * SMALL_RECORD};
    if (!story_open(story) || !story_append_many(story, 1, 3))
        return false;
    disk_inject(story->disk, (disk_fault_t){CALL_SYNC, ON_INDEX(1), 0, 1, ACTION_DROP, EIO, 0});
    (void)story_sync(story, 1);
    story_kill(story);
    if (!disk_powered(story->disk))
        return false;
    story_chapter(story, 1)->floor = 3;
    story->config.checkpoint = &wanted;
    bool open = story_open(story);
    story->config.checkpoint = NULL;
    return open;
}

/*
 * And with a page whose newest state is seen and was never written, because a sync of it failed: shrunk in place, the
 * one state that is on the disk could tear, and what is seen would be nowhere. The page goes out whole before it
 * shrinks.
 */
static void a06_a_page_that_never_reached_the_disk_is_written_before_it_shrinks(void **state)
{
    for (uint16_t page_size = 506; page_size <= 512; page_size++) {
        story_t story;
        const act_t act = {lose_a_page_and_restore, POWER_ANYWHERE, true};
        begin_with(&story, page_size, SMALL_RECORD, 5);
        tell(&story, &act, 1);
        story_end(&story);
    }
}

/* --- a07 --- */

/*
 * In the reference implementation a rewind to the current size took the way of a shrinking page and dropped the
 * protected checksum. It must not touch a byte, whether the end is synced or not.
 */
static void a07_a_rewind_to_the_current_size_changes_nothing(void **state)
{
    story_t story;
    begin_with_three(&story);
    assert_true(story_append(&story, 1));
    unsigned changes = disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING);
    assert_true(story_rewind_section(&story, 1, 4));
    assert_true(story_rewind(&story, 1, 4));
    assert_int_equal(disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING), changes);
    story_expect(&story, 1, 4);
    assert_true(story_sync(&story, 1));
    changes = disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING);
    assert_true(story_rewind_section(&story, 1, 4));
    assert_int_equal(disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING), changes);
    story_expect(&story, 1, 4);
    story_end(&story);
}

/* --- a15: pages in memory --- */

/*
 * Cached pages of a section outlived its rewind in the reference implementation and were served for the records that
 * took their place. Every read after a rewind must come from what was appended after it, also where two journals share
 * the cache and number their sections alike.
 */
static void a15_pages_cached_before_a_rewind_are_not_served_after_it(void **state)
{
    story_t story, other;
    segj_page_cache_t *cache = NULL;
    assert_ok(segj_page_cache_create(SMALL_PAGE, 64, &cache));
    begin_with_three(&other);
    story_begin(&story);
    story.config.page_cache = other.config.page_cache = cache;
    assert_true(story_close(&other));
    assert_true(story_open(&other));
    assert_true(story_open(&story));
    for (size_t round = 0; round < 3; round++) {
        assert_true(story_append_many(&story, 1, 12));
        assert_true(story_close(&story));
        assert_true(story_open(&story)); /* reads every page into the cache */
        story_check(&other);
        assert_true(story_rewind_section(&story, 1, round));
        assert_true(story_append_many(&story, 1, 12 - round));
        assert_true(story_sync(&story, 1));
        story_check(&story);
        assert_true(story_rewind(&story, 0, 0));
        assert_true(story_append_many(&story, 1, 4));
        story_check(&story);
    }
    story_end(&story);
    story_end(&other);
    segj_page_cache_release(cache);
}

typedef struct reader {
    oversized_t *journal;
    segj_status_t status;
    uint8_t entry[SMALL_ENTRY];
} reader_t;

static void *read_first(void *argument)
{
    reader_t *reader = argument;
    reader->status = oversized_get(reader->journal, 1, 0, reader->entry, NULL);
    return NULL;
}

/*
 * The same by a reader that is slow: it began before the rewind and gets its page after it. It may not answer with the
 * record that is gone, nor leave its page in the cache for others.
 */
static void a15_a_slow_reader_does_not_bring_a_rewound_page_back(void **state)
{
    story_t story;
    pthread_t thread;
    story_begin(&story);
    assert_true(story_open(&story));
    assert_true(story_append_many(&story, 1, 8));
    assert_true(story_close(&story));
    assert_ok(oversized_open(&story.config, &story.journal));
    /* Written to since it was opened: a first change opens its files anew, and waits for who reads them. */
    assert_true(story_append_many(&story, 1, 1));
    assert_true(story_rewind_section(&story, 1, 8));
    disk_inject(story.disk, (disk_fault_t){CALL_READ, ON_INDEX(1), 0, 1, ACTION_LATE, 0, 0});
    reader_t reader = {story.journal, SEGJ_OK, {0}};
    assert_int_equal(pthread_create(&thread, NULL, read_first, &reader), 0);
    disk_await_parked(story.disk);
    assert_true(story_rewind_section(&story, 1, 0));
    assert_true(story_append_many(&story, 1, 8));
    assert_true(story_sync(&story, 1));
    disk_release(story.disk);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_ok(reader.status);
    assert_int_equal(reader.entry[0], story_chapter(&story, 1)->ids[0]);
    story_check(&story);
    story_end(&story);
}

static void *rewind_to_four(void *argument)
{
    reader_t *rewinder = argument;
    rewinder->status = oversized_rewind_section(rewinder->journal, 1, 4 * SMALL_RECORD);
    return NULL;
}

/* And by a reader who comes while the file is being cut: the page that it reads still has what goes. */
static void a15_a_page_read_while_its_section_is_cut_is_not_served_later(void **state)
{
    static const disk_target_t cuts[] = {{"test_index", 1}, {"test_values", 1}};
    for (size_t i = 0; i < 2; i++) {
        story_t story;
        pthread_t thread;
        story_begin(&story);
        story.config.max_open_files = 4; /* one section is written at a time */
        assert_true(story_open(&story));
        assert_true(story_append_many(&story, 1, 8));
        assert_true(story_close(&story));
        assert_ok(oversized_open(&story.config, &story.journal));
        disk_inject(story.disk, (disk_fault_t){CALL_TRUNCATE, cuts[i], 0, 1, ACTION_PARK, 0, 0});
        reader_t rewinder = {story.journal, SEGJ_END, {0}};
        assert_int_equal(pthread_create(&thread, NULL, rewind_to_four, &rewinder), 0);
        disk_await_parked(story.disk);
        assert_ok(oversized_get(story.journal, 1, 3, NULL, NULL));
        disk_release(story.disk);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_ok(rewinder.status);
        story_chapter(&story, 1)->count = story_chapter(&story, 1)->floor = 4;
        assert_true(story_append_many(&story, 1, 4));
        assert_true(story_append(&story, 2)); /* section 1 is read from the cache and the file again */
        story_check(&story);
        story_end(&story);
    }
}

/* --- a16 --- */

/*
 * The reference implementation answered a rewind of a section that does not exist with an error, after it had removed
 * the later ones. Here 0 is fine and removes them; anything else is refused first and removes nothing.
 */
static void a16_a_rewind_of_a_missing_section_removes_later_ones_or_nothing(void **state)
{
    story_t story;
    begin_with_three(&story);
    assert_true(story_append(&story, 5));
    assert_status(oversized_rewind(story.journal, 3, SMALL_RECORD), SEGJ_ERR_NO_RECORD);
    assert_status(oversized_rewind(story.journal, 3, SMALL_RECORD - 1), SEGJ_ERR_INVALID);
    assert_status(oversized_rewind_section(story.journal, 3, SMALL_RECORD), SEGJ_ERR_NO_RECORD);
    story_expect(&story, 5, 1);
    assert_true(story_rewind_section(&story, 3, 0));
    story_expect(&story, 5, 1);
    assert_true(story_rewind(&story, 3, 0));
    story_check(&story);
    story_crash(&story, crash_keep_none());
    assert_true(story_open(&story));
    story_expect(&story, 1, 3);
    story_expect(&story, 5, 0);
    story_end(&story);
}

/* And it reached for the section behind the last one there can be. */
static void a16_the_last_section_number_can_be_rewound(void **state)
{
    story_t story;
    begin_with_three(&story);
    assert_true(story_append_many(&story, UINT64_MAX, 2));
    assert_true(story_rewind(&story, UINT64_MAX, 1));
    story_expect(&story, 1, 3);
    assert_true(story_rewind(&story, UINT64_MAX, 0));
    assert_true(story_rewind(&story, UINT64_MAX - 1, 0));
    story_crash(&story, crash_keep_none());
    story_verify(&story);
    story_end(&story);
}

/* --- b08 --- */

static bool rewind_and_fill_pages(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 12) && story_sync(story, 1) &&
           story_rewind_section(story, 1, 4) && story_append_many(story, 1, 13);
}

/*
 * In the reference implementation a cut at a page's end was a truncation that nobody synced. Lost in a power cut that
 * kept pages written after it, it left old pages, new pages and old pages again, each with a right checksum. Here no
 * page follows a cut that is not durable.
 */
static void b08_pages_written_after_a_rewind_never_mix_with_those_before(void **state)
{
    story_t story;
    const act_t acts[] = {{rewind_and_fill_pages, POWER_ANYWHERE, false}};
    story_begin(&story);
    story.config.page_size = 60;
    story.config.index_write_buffer = 1; /* two pages: pages go out unsynced */
    story.config.value_write_buffer = 50;
    tell(&story, acts, 1);
    story_end(&story);
}

/* --- b11 --- */

/*
 * A rewind whose end fell into a damaged page failed half way in the reference implementation, and so did every open
 * from then on. It must be refused with nothing changed; one that ends in a sound page goes through.
 */
static void b11_a_rewind_that_would_end_in_a_damaged_page_changes_nothing(void **state)
{
    story_t story;
    begin_with(&story, 64, 20, 10);
    disk_flip(story.disk, ON_INDEX(1), INDEX_DATA_OFFSET + 5);
    assert_ok(oversized_open(&story.config, &story.journal));
    crashdisk_t *before = disk_snapshot(story.disk);
    uint64_t count = 0;
    assert_status(oversized_rewind_section(story.journal, 1, 2 * SMALL_RECORD), SEGJ_ERR_CORRUPT);
    assert_status(oversized_rewind(story.journal, 1, 1 * SMALL_RECORD), SEGJ_ERR_CORRUPT);
    assert_disks_equal(story.disk, before);
    assert_null(oversized_error(story.journal));
    assert_ok(oversized_count(story.journal, 1, &count));
    assert_int_equal(count, 10);
    assert_ok(oversized_rewind_section(story.journal, 1, 8 * SMALL_RECORD));
    assert_ok(oversized_rewind_section(story.journal, 1, 0));
    disk_free(before);
    story_end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOLD(a01_rewind_is_durable_before_its_offsets_are_reused),
        TOLD(a01_a_cut_that_was_inherited_is_durable_before_its_offsets_are_reused),
        TOLD(a01_a_removal_that_was_inherited_is_durable_before_the_section_is_made_again),
        cmocka_unit_test(a01_a_rewind_that_could_not_sync_the_values_fails_and_ends_the_changes),
        TOLD(a06_a_page_torn_while_it_shrinks_keeps_the_old_or_the_new_length),
        TOLD(a06_a_cut_across_pages_keeps_every_record_before_it),
        TOLD(a06_a_cut_above_the_last_sync_is_durable_too),
        TOLD(a06_a_page_that_never_reached_the_disk_is_written_before_it_shrinks),
        cmocka_unit_test(a07_a_rewind_to_the_current_size_changes_nothing),
        cmocka_unit_test(a15_pages_cached_before_a_rewind_are_not_served_after_it),
        cmocka_unit_test(a15_a_slow_reader_does_not_bring_a_rewound_page_back),
        cmocka_unit_test(a15_a_page_read_while_its_section_is_cut_is_not_served_later),
        cmocka_unit_test(a16_a_rewind_of_a_missing_section_removes_later_ones_or_nothing),
        cmocka_unit_test(a16_the_last_section_number_can_be_rewound),
        TOLD(b08_pages_written_after_a_rewind_never_mix_with_those_before),
        cmocka_unit_test(b11_a_rewind_that_would_end_in_a_damaged_page_changes_nothing),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("%lu disks verified\n", tell_verified());
    return failed;
}
