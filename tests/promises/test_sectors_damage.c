/*
 * promises/test_sectors_damage.c: values that are kept apart, where a place between them is close to a bound: of a
 * window, of the file, of a buffer; and where what keeps them apart, or a frame beside it, is damaged.
 */
#include "promises/following.h"
#include "promises/watch.h"
#include "segjournal/tools.h"
#include "support/layered.h"
#include "support/log.h"
#include "support/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, HEAD = LOG_HEAD + SMALL_ENTRY, WINDOW = 256 << 10 };

static int set_up_sectors(void **state)
{
    int answer = set_up(state);
    fixture_t *f = *state;
    f->config.sector_size = SECTOR;
    f->config.max_value_size = 4 << 20;
    return answer;
}

#define APART(test) cmocka_unit_test_setup_teardown(test, set_up_sectors, tear_down)

static void sync_it(fixture_t *f)
{
    assert_ok(oversized_sync(f->journal, 1));
}

static void append_and_sync_filled(fixture_t *f, uint64_t id, size_t size)
{
    (void)append_filled(f->journal, 1, id, (uint8_t)('a' + id), size, NULL);
    sync_it(f);
}

static uint64_t place_of(fixture_t *f, uint64_t position, uint64_t *end)
{
    oversized_location_t location;
    assert_ok(oversized_get(f->journal, 1, position, NULL, &location));
    *end = VALUES_DATA_OFFSET + location.offset + HEAD + location.size;
    return VALUES_DATA_OFFSET + location.offset;
}

/* --- bounds --- */

/* A repair goes past values that are larger than its window. */
static void test_a_repair_passes_large_values(void **state)
{
    fixture_t *f = *state;
    for (int lose = 0; lose < 2; lose++) {
        open_journal(f);
        append_and_sync_filled(f, 1, 10);
        append_and_sync_filled(f, 2, 3 * WINDOW);
        append_and_sync_filled(f, 3, WINDOW - 100);
        append_and_sync_filled(f, 4, WINDOW + 700);
        append_and_sync_filled(f, 5, 10);
        abandon_journal(f);
        if (lose) {
            remove_file(index_path(f, 1).text);
            f->config.orphans = OVERSIZED_ORPHANS_REBUILD;
        }
        f->config.strict = true;
        open_journal(f);
        check_filled(f->journal, 1, 1, 2, 'c', 3 * WINDOW);
        check_filled(f->journal, 1, 3, 4, 'e', WINDOW + 700);
        check_filled(f->journal, 1, 4, 5, 'f', 10);
        close_journal(f);
        remove_tree(f->directory.text);
    }
}

/* A page is made again while the next sector is in memory alone: the file ends before it. */
static void test_a_page_is_made_again_while_the_next_sector_is_in_memory(void **state)
{
    fixture_t *f = *state;
    recorder_t *recorder = recorder_new(tested_storage());
    f->config.storage = recorder_storage(recorder);
    open_journal(f);
    for (int i = 0; i < 30; i++) {
        put_samples(f->journal, 1, 1, 0);
        sync_it(f);
    }
    close_journal(f);
    open_journal(f);
    put_samples(f->journal, 1, 1, 0);
    flip_byte(index_path(f, 1).text, INDEX_DATA_OFFSET + 2 * (SMALL_PAGE + PAGE_CHECKSUMS) + 3);
    recorder_fail(recorder, RECORD_FILE_SIZE, 0, 1, EIO); /* how far the file has them is not told */
    assert_status(oversized_get(f->journal, 1, 2 * SMALL_PAGE / SMALL_RECORD + 1, NULL, NULL), SEGJ_ERR_IO);
    check_samples(f->journal, 1, 0, 31, 0);
    close_journal(f);
    f->config.storage = NULL;
    recorder_free(recorder);
}

/* A follower's window begins where the last frame ends, and the next one lies at its end, or reaches over it. */
static void test_a_follower_finds_what_its_window_has_in_part(void **state)
{
    fixture_t *f = *state;
    for (uint32_t sector = 512; sector <= 65536; sector *= 128) {
        f->config.sector_size = sector;
        for (size_t less = 0; less < 600; less += less < 40 ? 1 : 50) {
            open_journal(f);
            append_and_sync_filled(f, 1, 10);
            append_and_sync_filled(f, 2, WINDOW - HEAD - FRAME_CHECKSUM - less);
            append_and_sync_filled(f, 3, 10);
            oversized_follower_t *follower = follow(f);
            for (uint64_t i = 0; i < 3; i++)
                (void)expect(follower, OVERSIZED_FOLLOW_RECORD, 1, i);
            expect_end(follower);
            oversized_follow_close(follower);
            close_journal(f);
            remove_tree(f->directory.text);
        }
    }
}

static void count_read(void *context, const record_t *call)
{
    if (call->kind == RECORD_FILE_READ && strncmp(call->place, "test_values/", strlen("test_values/")) == 0)
        ++*(unsigned *)context;
}

/* A replay reads ahead across gaps, in both directions. */
static void test_a_replay_reads_ahead(void **state)
{
    fixture_t *f = *state;
    recorder_t *recorder = recorder_new(tested_storage());
    f->config.storage = recorder_storage(recorder);
    open_journal(f);
    for (uint64_t i = 0; i < 60; i++)
        append_and_sync_filled(f, i, 10);
    close_and_open(f);
    for (int back = 0; back < 2; back++) {
        unsigned reads = 0;
        oversized_replay_t *replay;
        oversized_item_t item;
        const void *value;
        size_t size;
        recorder_watch(recorder, count_read, &reads);
        if (back)
            assert_ok(oversized_replay_open_back(f->journal, 1, 60, 1 << 20, &replay));
        else
            assert_ok(oversized_replay_open(f->journal, 1, 0, 1 << 20, &replay));
        for (uint64_t i = 0; i < 60; i++) {
            assert_ok(oversized_replay_next(replay, &item));
            assert_ok(oversized_replay_value(replay, &value, &size));
        }
        oversized_replay_close(replay);
        recorder_watch(recorder, NULL, NULL);
        assert_in_range(reads, 1, 4);
    }
    close_journal(f);
    f->config.storage = NULL;
    recorder_free(recorder);
}

/* --- salvage --- */

typedef struct gaps {
    unsigned count;
    oversized_gap_t last;
} gaps_t;

static bool note_gap(void *context, const oversized_gap_t *gap)
{
    gaps_t *gaps = context;
    gaps->count++;
    gaps->last = *gap;
    return false;
}

static oversized_salvaged_t rescue(fixture_t *f, gaps_t *gaps)
{
    oversized_salvage_options_t options;
    oversized_salvaged_t salvaged;
    oversized_config_t from = f->config;
    oversized_config_t to = f->config;
    path_t rescued = join_path(f->root.text, "rescued");
    to.directory = rescued.text;
    *gaps = (gaps_t){.count = 0};
    oversized_salvage_options_init(&options);
    options.on_gap = note_gap;
    options.context = gaps;
    assert_ok(oversized_salvage(&from, &to, &options, &salvaged));
    remove_tree(rescued.text);
    return salvaged;
}

static void make_three(fixture_t *f, uint64_t ends[6], uint64_t begins[6])
{
    open_journal(f);
    for (uint64_t i = 0; i < 6; i++) {
        (void)append_filled(f->journal, 1, i, (uint8_t)('a' + i), 50, NULL);
        if (i % 2 == 1)
            sync_it(f);
    }
    for (uint64_t i = 0; i < 6; i++)
        begins[i] = place_of(f, i, &ends[i]);
    close_journal(f);
}

/* With that byte of the values damaged a salvage brings back all, with the index and without it. */
static void check_rescue_after(fixture_t *f, uint64_t offset)
{
    gaps_t gaps;
    flip_byte(values_path(f, 1).text, offset);
    for (int lose = 0; lose < 2; lose++) {
        if (lose)
            remove_file(index_path(f, 1).text);
        oversized_salvaged_t salvaged = rescue(f, &gaps);
        assert_int_equal(salvaged.records, 6);
        assert_int_equal(gaps.count, 0);
    }
}

/* The copy of the checksum is damaged: nothing is lost. */
static void test_a_salvage_does_without_the_copy(void **state)
{
    fixture_t *f = *state;
    uint64_t begins[6], ends[6];
    make_three(f, ends, begins);
    check_rescue_after(f, begins[2] - 1);
}

/* The checksum itself is damaged: the copy has it. */
static void test_a_salvage_takes_the_copy(void **state)
{
    fixture_t *f = *state;
    uint64_t begins[6], ends[6];
    make_three(f, ends, begins);
    check_rescue_after(f, ends[1] - 1);
}

/* The first head of a sector is damaged, and the index has its record: nothing is lost. */
static void test_a_salvage_takes_the_index_across_a_gap(void **state)
{
    fixture_t *f = *state;
    uint64_t begins[6], ends[6];
    gaps_t gaps;
    make_three(f, ends, begins);
    flip_byte(values_path(f, 1).text, begins[2] + 1);
    oversized_salvaged_t salvaged = rescue(f, &gaps);
    assert_int_equal(salvaged.records, 6);
    assert_int_equal(gaps.count, 0);
}

/* The last head before a gap is damaged, and no index tells of its record: that is told, and not passed over. */
static void test_a_salvage_tells_what_is_lost_before_a_gap(void **state)
{
    fixture_t *f = *state;
    uint64_t begins[6], ends[6];
    gaps_t gaps;
    make_three(f, ends, begins);
    flip_byte(values_path(f, 1).text, begins[3] + 1);
    remove_file(index_path(f, 1).text);
    oversized_salvaged_t salvaged = rescue(f, &gaps);
    assert_int_equal(salvaged.records, 5);
    assert_int_equal(gaps.count, 1);
    assert_int_equal(gaps.last.first, 3);
    assert_int_equal(gaps.last.offset, begins[3]);
    assert_int_equal(gaps.last.bytes, begins[4] - begins[3]);
}

/* The last frame before a gap is lost with its pages; the watermark tells the position of what comes after the gap. */
static void test_a_salvage_knows_positions_by_the_watermark(void **state)
{
    fixture_t *f = *state;
    uint64_t begins[6], ends[6], end;
    gaps_t gaps;
    make_three(f, ends, begins); /* W is 6 records now */
    open_journal(f);
    append_and_sync_filled(f, 6, 50);
    uint64_t place = place_of(f, 6, &end);
    assert_true(place > ends[5]);
    abandon_journal(f);
    flip_byte(values_path(f, 1).text, begins[5] + 1); /* record 5 is lost */
    for (unsigned page = 0; page < 2; page++)
        flip_byte(index_path(f, 1).text, INDEX_DATA_OFFSET + page * (SMALL_PAGE + PAGE_CHECKSUMS) + 3);
    oversized_salvaged_t salvaged = rescue(f, &gaps);
    assert_int_equal(salvaged.records, 6);
    assert_int_equal(gaps.count, 1);
    assert_int_equal(gaps.last.first, 5);
    assert_int_equal(gaps.last.last, 5);
}

int main(void)
{
    (void)setenv("SEGJ_TEST_FORMAT", "native2", 1); /* frames have heads */
    const struct CMUnitTest tests[] = {
        APART(test_a_repair_passes_large_values),
        APART(test_a_page_is_made_again_while_the_next_sector_is_in_memory),
        APART(test_a_follower_finds_what_its_window_has_in_part),
        APART(test_a_replay_reads_ahead),
        APART(test_a_salvage_does_without_the_copy),
        APART(test_a_salvage_takes_the_copy),
        APART(test_a_salvage_takes_the_index_across_a_gap),
        APART(test_a_salvage_tells_what_is_lost_before_a_gap),
        APART(test_a_salvage_knows_positions_by_the_watermark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
