/*
 * promises/test_sectors.c: values that are kept apart (oversized_config_t.sector_size): a value that follows a sync
 * begins a sector of its own, nothing is written to a sector with synced values any more, and everything that reads
 * values finds them.
 */
#include "journal/record_format.h"
#include "promises/copies.h"
#include "promises/following.h"
#include "promises/watch.h"
#include "support/layered.h"
#include "support/log.h"
#include "support/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512 /* the run's, as main() says */, LARGE = 5000, HEAD = LOG_HEAD + SMALL_ENTRY };

/* Loses an index file: open makes it again of the frames. */
static void lose_index(fixture_t *f)
{
    remove_file(index_path(f, 1).text);
    f->config.orphans = OVERSIZED_ORPHANS_REBUILD;
}

static oversized_location_t location_of(oversized_t *journal, uint64_t section, uint64_t position)
{
    oversized_location_t location;
    assert_ok(oversized_get(journal, section, position, NULL, &location));
    return location;
}

static uint64_t end_of(oversized_location_t location)
{
    return location.offset + HEAD + location.size;
}

/* Where a value begins that is kept apart from one that ends there. */
static uint64_t apart(uint64_t end, uint64_t sector)
{
    uint64_t taken = end % sector;
    return taken == 0 ? end : end - taken + sector + FRAME_CHECKSUM;
}

static void sync_it(fixture_t *f, uint64_t section)
{
    assert_ok(oversized_sync(f->journal, section));
}

/* --- where values lie --- */

static void test_a_value_after_a_sync_begins_a_sector(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    put_samples(f->journal, 1, 3, 0);
    sync_it(f, 1);
    put_samples(f->journal, 1, 3, 0);
    assert_int_equal(location_of(f->journal, 1, 0).offset, 0);
    for (uint64_t i = 1; i < 6; i++) {
        uint64_t end = end_of(location_of(f->journal, 1, i - 1));
        assert_int_equal(location_of(f->journal, 1, i).offset, i == 3 ? apart(end, SECTOR) : end);
    }
    assert_int_equal(value_size_of(f->journal, 1), end_of(location_of(f->journal, 1, 5)));
    check_section(f->journal, 1, 6, 0);
    check_replay_of(f->journal, 1, 0, 6, 0, 0);
}

/* A sync of what is synced, and a flush, begin nothing. */
static void test_nothing_else_begins_one(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    put_samples(f->journal, 1, 1, 0);
    assert_ok(oversized_flush(f->journal, 1));
    put_samples(f->journal, 1, 1, 0);
    assert_int_equal(location_of(f->journal, 1, 1).offset, end_of(location_of(f->journal, 1, 0)));
    sync_it(f, 1);
    sync_it(f, 1);
    put_samples(f->journal, 1, 1, 0);
    assert_int_equal(location_of(f->journal, 1, 2).offset, apart(end_of(location_of(f->journal, 1, 1)), SECTOR));
}

/* Where a frame ends with its sector, the next one follows it. */
static void test_a_sector_that_is_full_is_followed(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    (void)append_filled(f->journal, 1, 1, 'a', SECTOR - HEAD - FRAME_CHECKSUM, NULL);
    sync_it(f, 1);
    oversized_location_t next = append_filled(f->journal, 1, 2, 'b', 10, NULL);
    assert_int_equal(next.offset, SECTOR);
    sync_it(f, 1);
    close_and_open(f);
    check_filled(f->journal, 1, 0, 1, 'a', SECTOR - HEAD - FRAME_CHECKSUM);
    check_filled(f->journal, 1, 1, 2, 'b', 10);
}

/* What is synced when a section is written to again is what open has found, a rewind has left, or a rest has. */
static void test_what_is_found_is_synced(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    put_samples(f->journal, 1, 2, 0);
    assert_ok(oversized_flush(f->journal, 1));
    abandon_and_open(f);
    put_samples(f->journal, 1, 2, 0);
    assert_int_equal(location_of(f->journal, 1, 2).offset, apart(end_of(location_of(f->journal, 1, 1)), SECTOR));
    assert_ok(oversized_rewind_section(f->journal, 1, 3 * SMALL_RECORD));
    put_samples(f->journal, 1, 1, 0);
    assert_int_equal(location_of(f->journal, 1, 3).offset, apart(end_of(location_of(f->journal, 1, 2)), SECTOR));
    check_section(f->journal, 1, 4, 0);
    close_and_open(f);
    put_samples(f->journal, 1, 1, 0);
    assert_int_equal(location_of(f->journal, 1, 4).offset, apart(end_of(location_of(f->journal, 1, 3)), SECTOR));
    check_section(f->journal, 1, 5, 0);
}

/* What is before a frame is the checksum of the frame before, wherever it lies. */
static void test_a_checksum_stands_before_each_value(void **state)
{
    fixture_t *f = *state;
    oversized_writer_t *writer;
    open_journal(f);
    put_samples(f->journal, 1, 2, 0);
    sync_it(f, 1);
    put_samples(f->journal, 1, 2, 0);
    sync_it(f, 1);
    assert_ok(oversized_writer_open(f->journal, 1, "entry...", 3, &writer));
    assert_ok(oversized_writer_write(writer, "abc", 3));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
    sync_it(f, 1);
    (void)append_filled(f->journal, 1, 7, 'x', LARGE, NULL);
    sync_it(f, 1);
    bytes_t values = read_file(values_path(f, 1).text);
    const uint8_t *data = values.data + VALUES_DATA_OFFSET;
    for (uint64_t i = 1; i < 6; i++) {
        uint64_t end = end_of(location_of(f->journal, 1, i - 1));
        uint64_t begin = location_of(f->journal, 1, i).offset;
        assert_int_equal(begin, i == 1 || i == 3 ? end : apart(end, SECTOR));
        assert_memory_equal(data + begin - FRAME_CHECKSUM, data + end - FRAME_CHECKSUM, FRAME_CHECKSUM);
    }
    free_bytes(&values);
}

static uint64_t size_on_disk(const fixture_t *f)
{
    return file_size(values_path(f, 1).text) - VALUES_DATA_OFFSET;
}

static uint64_t padded(uint64_t end)
{
    return (end + SECTOR - 1) / SECTOR * SECTOR;
}

/* A file that ends within a sector would have the file system write that once more when it becomes longer. */
static void test_a_file_ends_with_a_sector(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (uint64_t i = 0; i < 5; i++) {
        put_samples(f->journal, 1, 1, 0);
        sync_it(f, 1);
        assert_int_equal(size_on_disk(f), padded(value_size_of(f->journal, 1)));
    }
    assert_ok(oversized_rewind_section_to(f->journal, 1, 3));
    assert_int_equal(size_on_disk(f), padded(value_size_of(f->journal, 1)));
    uint64_t end = value_size_of(f->journal, 1);
    close_journal(f);
    assert_int_equal(size_on_disk(f), padded(end));
    /* That is how a close leaves it: an open finds nothing to do, and strict nothing to refuse. */
    f->config.strict = true;
    open_journal(f);
    assert_int_equal(oversized_recovery(f->journal)->sections_repaired, 0);
    assert_int_equal(oversized_recovery(f->journal)->value_bytes_truncated, 0);
    assert_int_equal(oversized_recovery(f->journal)->values_verified, 0);
    assert_int_equal(value_size_of(f->journal, 1), end);
    close_journal(f);
    /* And one that has no room for the zeros does without. */
    resize_file(values_path(f, 1).text, VALUES_DATA_OFFSET + end);
    open_journal(f);
    check_section(f->journal, 1, 3, 0);
    put_samples(f->journal, 1, 1, 0);
    sync_it(f, 1);
    check_section(f->journal, 1, 4, 0);
    /* What was refused is cut, and the file ends so again. */
    recorder_t *recorder = recorder_new(tested_storage());
    close_journal(f);
    f->config.storage = recorder_storage(recorder);
    open_journal(f);
    static const uint8_t large[LARGE];
    recorder_fail(recorder, RECORD_FILE_WRITE, 0, 1, ENOSPC);
    assert_status(oversized_append(f->journal, 1, "entries.", large, LARGE, NULL, NULL), SEGJ_ERR_NO_SPACE);
    assert_int_equal(size_on_disk(f), padded(value_size_of(f->journal, 1)));
    check_section(f->journal, 1, 4, 0);
    close_journal(f);
    f->config.storage = NULL;
    recorder_free(recorder);
}

/* --- no write to a sector that holds synced values --- */

/** Looks at the writes of a values file. */
typedef struct guard {
    uint64_t synced; /* where the values end that a sync covers, in the file */
    uint64_t sector;
    unsigned writes, wrong;
} guard_t;

static void on_call(void *context, const record_t *call)
{
    guard_t *guard = context;
    if (call->kind != RECORD_FILE_WRITE || strncmp(call->place, "test_values/", strlen("test_values/")) != 0)
        return;
    uint64_t end = (guard->synced + guard->sector - 1) / guard->sector * guard->sector;
    guard->writes++;
    guard->wrong += call->offset < end;
}

static void set_guard(const fixture_t *f, guard_t *guard)
{
    guard->synced = VALUES_DATA_OFFSET + value_size_of(f->journal, 1);
}

/* What is before the stream is synced while it writes. */
static void write_stream(fixture_t *f, size_t size, guard_t *guard)
{
    uint8_t piece[100];
    oversized_writer_t *writer;
    memset(piece, 's', sizeof piece);
    assert_ok(oversized_writer_open(f->journal, 1, "entry...", size, &writer));
    for (size_t done = 0; done < size; done += sizeof piece) {
        assert_ok(oversized_writer_write(writer, piece, sizeof piece));
        if (done > 0)
            continue;
        sync_it(f, 1);
        set_guard(f, guard);
    }
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
}

/* Appends, batches, values that are larger than a buffer, streams with a sync within, zeros ahead. */
static void guard_sectors(fixture_t *f, size_t preallocate, uint32_t sector)
{
    static const uint8_t large[LARGE];
    const oversized_record_t batch[3] = {{"entry..1", large, 20}, {"entry..2", large, LARGE}, {"entry..3", large, 20}};
    guard_t guard = {.sector = sector};
    recorder_t *recorder = recorder_new(tested_storage());
    f->config.storage = recorder_storage(recorder);
    f->config.preallocate = preallocate;
    f->config.sector_size = sector;
    open_journal(f);
    put_samples(f->journal, 1, 1, 0);
    sync_it(f, 1);
    set_guard(f, &guard);
    recorder_watch(recorder, on_call, &guard);
    for (unsigned round = 0; round < 20; round++) {
        put_samples(f->journal, 1, round % 3 == 0 ? 40 : 1, 0);
        if (round % 4 == 1)
            assert_ok(oversized_append_batch(f->journal, 1, batch, 3, NULL, NULL));
        if (round % 4 == 2)
            (void)append_filled(f->journal, 1, 7, 'x', LARGE, NULL);
        if (round % 5 == 3)
            write_stream(f, LARGE, &guard);
        sync_it(f, 1);
        set_guard(f, &guard);
    }
    recorder_watch(recorder, NULL, NULL);
    assert_true(guard.writes > 20);
    assert_int_equal(guard.wrong, 0);
    uint64_t count = count_of(f->journal, 1);
    close_and_open(f);
    assert_int_equal(count_of(f->journal, 1), count);
    for (uint64_t i = 0; i < count; i++)
        assert_ok(oversized_get_value(f->journal, 1, location_of(f->journal, 1, i), &f->value));
    assert_ok(oversized_close(f->journal));
    f->journal = NULL;
    f->config.storage = NULL;
    recorder_free(recorder);
}

static void test_nothing_is_written_to_a_sector_with_synced_values(void **state)
{
    guard_sectors(*state, SEGJ_PREALLOCATE_AUTO, SECTOR);
}

static void test_nor_where_zeros_are_kept_ahead(void **state)
{
    guard_sectors(*state, 3000, SECTOR);
}

static void test_nor_in_sectors_of_other_sizes(void **state)
{
    fixture_t *f = *state;
    guard_sectors(f, 3000, 4096);
    remove_tree(f->directory.text);
    guard_sectors(f, 100000, 65536);
}

/* The guard would see it. */
static void test_without_it_such_a_sector_is_written(void **state)
{
    fixture_t *f = *state;
    guard_t guard = {.sector = SECTOR};
    recorder_t *recorder = recorder_new(tested_storage());
    f->config.storage = recorder_storage(recorder);
    f->config.sector_size = 0;
    open_journal(f);
    put_samples(f->journal, 1, 1, 0);
    sync_it(f, 1);
    set_guard(f, &guard);
    recorder_watch(recorder, on_call, &guard);
    put_samples(f->journal, 1, 1, 0);
    sync_it(f, 1);
    assert_true(guard.wrong > 0);
    close_journal(f);
    f->config.storage = NULL;
    recorder_free(recorder);
}

/* --- everything finds them --- */

static void make_journal(fixture_t *f, uint64_t syncs)
{
    open_journal(f);
    for (uint64_t i = 0; i < syncs; i++) {
        put_samples(f->journal, 1, 1 + i % 3, 0);
        sync_it(f, 1);
    }
}

static void check_all(oversized_t *journal, uint64_t count)
{
    oversized_verify_options_t options;
    oversized_verified_t verified;
    assert_int_equal(count_of(journal, 1), count);
    check_section(journal, 1, count, 0);
    check_replay_of(journal, 1, 0, count, 0, 0);
    check_replay_of(journal, 1, count / 2, count, 100, 0);
    oversized_verify_options_init(&options);
    assert_ok(oversized_verify(journal, &options, &verified));
    assert_int_equal(verified.records, count);
    assert_int_equal(verified.records_damaged, 0);
}

/* The index is made again from the frames: of a journal that was closed, and of one that was killed. */
static void test_an_index_is_made_again(void **state)
{
    fixture_t *f = *state;
    for (int killed = 0; killed < 2; killed++) {
        make_journal(f, 30);
        uint64_t count = count_of(f->journal, 1);
        if (killed)
            abandon_journal(f);
        else
            close_journal(f);
        lose_index(f);
        open_journal(f);
        check_all(f->journal, count);
        put_samples(f->journal, 1, 2, 0);
        close_and_open(f);
        check_all(f->journal, count + 2);
        close_journal(f);
        remove_tree(f->directory.text);
    }
}

static void check_read_only(fixture_t *f, uint64_t count)
{
    f->config.read_only = true;
    open_journal(f);
    check_section(f->journal, 1, count, 0);
    close_journal(f);
    f->config.read_only = false;
}

/* A page that is damaged is made again where it is read, and where open repairs. */
static void test_a_page_is_made_again(void **state)
{
    fixture_t *f = *state;
    make_journal(f, 30);
    uint64_t count = count_of(f->journal, 1);
    close_journal(f);
    flip_byte(index_path(f, 1).text, INDEX_DATA_OFFSET + 2 * (SMALL_PAGE + PAGE_CHECKSUMS) + 3);
    check_read_only(f, count);
    open_journal(f);
    check_section(f->journal, 1, count, 0);
}

static void test_a_killed_journal_is_shown_and_mended(void **state)
{
    fixture_t *f = *state;
    make_journal(f, 30);
    put_samples(f->journal, 1, 5, 0);
    assert_ok(oversized_flush(f->journal, 1));
    uint64_t count = count_of(f->journal, 1);
    abandon_journal(f);
    check_read_only(f, count);
    open_journal(f);
    check_all(f->journal, count);
}

/* A batch begins a sector as a whole, and survives as a whole. */
static void test_batches(void **state)
{
    fixture_t *f = *state;
    static const uint8_t bytes[200];
    oversized_record_t batch[5];
    open_journal(f);
    for (unsigned i = 0; i < 5; i++)
        batch[i] = (oversized_record_t){"entries.", bytes, 10 * i};
    for (unsigned i = 0; i < 6; i++) {
        assert_ok(oversized_append_batch(f->journal, 1, batch, 5, NULL, NULL));
        sync_it(f, 1);
    }
    abandon_journal(f);
    lose_index(f);
    f->config.strict = true; /* nothing is lost */
    open_journal(f);
    assert_int_equal(count_of(f->journal, 1), 30);
    for (uint64_t i = 1; i < 30; i++) {
        uint64_t end = end_of(location_of(f->journal, 1, i - 1));
        assert_int_equal(location_of(f->journal, 1, i).offset, i % 5 == 0 ? apart(end, SECTOR) : end);
    }
}

/* A failed append is taken back, and the next one begins where it did. */
static void test_a_refused_append_leaves_nothing(void **state)
{
    fixture_t *f = *state;
    recorder_t *recorder = recorder_new(tested_storage());
    f->config.storage = recorder_storage(recorder);
    make_journal(f, 3);
    uint64_t count = count_of(f->journal, 1);
    uint64_t end = value_size_of(f->journal, 1);
    static const uint8_t large[LARGE];
    oversized_location_t location;
    for (int i = 0; i < 2; i++) {
        recorder_fail(recorder, RECORD_FILE_WRITE, 0, 1, ENOSPC);
        assert_status(oversized_append(f->journal, 1, "entries.", large, LARGE, NULL, NULL), SEGJ_ERR_NO_SPACE);
        assert_int_equal(value_size_of(f->journal, 1), end);
    }
    /* A stream writes its copy of the checksum first. */
    oversized_writer_t *writer;
    recorder_fail(recorder, RECORD_FILE_WRITE, 0, 1, ENOSPC);
    assert_status(oversized_writer_open(f->journal, 1, "entries.", 10, &writer), SEGJ_ERR_NO_SPACE);
    assert_ok(oversized_append(f->journal, 1, "entries.", large, 5, NULL, &location));
    assert_int_equal(location.offset, apart(end, SECTOR));
    sync_it(f, 1);
    close_and_open(f);
    assert_int_equal(count_of(f->journal, 1), count + 1);
    close_journal(f);
    f->config.storage = NULL;
    recorder_free(recorder);
}

/* A rewind into a batch raises the watermark to where it is to end, and frames follow that in its sector until they are
 * cut. */
static void test_a_rewind_that_was_cut_off(void **state)
{
    fixture_t *f = *state;
    oversized_record_t batch[3] = {{"entry..1", "a", 1}, {"entry..2", "b", 1}, {"entry..3", "c", 1}};
    recorder_t *recorder = recorder_new(tested_storage());
    f->config.storage = recorder_storage(recorder);
    open_journal(f);
    assert_ok(oversized_append_batch(f->journal, 1, batch, 3, NULL, NULL));
    sync_it(f, 1);
    recorder_fail(recorder, RECORD_FILE_TRUNCATE, 0, RECORD_FOR_GOOD, EIO);
    assert_status(oversized_rewind_section_to(f->journal, 1, 1), SEGJ_ERR_IO);
    abandon_journal(f);
    recorder_fail(recorder, RECORD_FILE_TRUNCATE, 0, 0, 0);
    open_journal(f);
    uint64_t count = count_of(f->journal, 1);
    assert_true(count == 1 || count == 3);
    assert_ok(oversized_append(f->journal, 1, "entry..4", "d", 1, NULL, NULL));
    sync_it(f, 1);
    close_journal(f);
    lose_index(f);
    open_journal(f);
    assert_int_equal(count_of(f->journal, 1), count + 1);
    uint8_t entry[SMALL_ENTRY];
    assert_ok(oversized_get(f->journal, 1, count, entry, NULL));
    assert_memory_equal(entry, "entry..4", SMALL_ENTRY);
    close_journal(f);
    f->config.storage = NULL;
    recorder_free(recorder);
}

static void test_followers(void **state)
{
    fixture_t *f = *state;
    make_journal(f, 1);
    oversized_follower_t *follower = follow(f);
    expect_samples(follower, 1, 0, 1, 0);
    for (uint64_t count = 1; count < 40; count += 2) {
        put_samples(f->journal, 1, 2, 0);
        sync_it(f, 1);
        expect_samples(follower, 1, count, count + 2, 0);
        expect_end(follower);
    }
    oversized_follow_close(follower);
    follower = follow(f);
    expect_samples(follower, 1, 0, 41, 0);
    oversized_follow_close(follower);
    follower = follow_from(f, OVERSIZED_FOLLOW_PLACE, 1, 17);
    expect_samples(follower, 1, 17, 41, 0);
    expect_end(follower);
    oversized_follow_close(follower);
}

/* More files than are kept open: a section is known again when it is opened anew. */
static void test_many_sections_are_followed(void **state)
{
    fixture_t *f = *state;
    enum { MANY = 60 };
    f->config.max_open_files = 32;
    open_journal(f);
    oversized_follower_t *follower = follow(f);
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t section = 0; section < MANY; section++)
            append_and_sync(f, section, 1, 0);
        for (uint64_t section = 0; section < MANY; section++)
            (void)expect(follower, OVERSIZED_FOLLOW_RECORD, section, round);
        expect_end(follower);
    }
    oversized_follow_close(follower);
}

/* What keeps values apart is no value, and counts nowhere. */
static void test_bytes_between_are_not_counted(void **state)
{
    fixture_t *f = *state;
    static const uint8_t zeros[1000];
    const oversized_record_t batch[2] = {{"entry..1", zeros, 30}, {"entry..2", zeros, 1000}};
    oversized_stats_t stats = {.struct_size = sizeof stats};
    oversized_writer_t *writer;
    for (int compression = 0; compression < 4; compression += 3) {
        f->config.compression = compression;
        open_journal(f);
        (void)append_filled(f->journal, 1, 1, 'a', 100, NULL);
        sync_it(f, 1);
        (void)append_filled(f->journal, 1, 2, 'b', 50, NULL);
        assert_ok(oversized_stats(f->journal, &stats));
        assert_int_equal(stats.unsynced_records, 1);
        assert_int_equal(stats.unsynced_bytes, location_of(f->journal, 1, 1).size);
        sync_it(f, 1);
        assert_ok(oversized_append_batch(f->journal, 1, batch, 2, NULL, NULL));
        sync_it(f, 1);
        assert_ok(oversized_writer_open(f->journal, 1, "entry..3", sizeof zeros, &writer));
        assert_ok(oversized_writer_write(writer, zeros, sizeof zeros));
        assert_ok(oversized_writer_finish(writer, NULL, NULL));
        (void)append_filled(f->journal, 1, 3, 'c', 20, NULL);
        uint64_t stored = 0;
        for (uint64_t i = 0; i < 6; i++)
            stored += location_of(f->journal, 1, i).size;
        for (int rewound = 0; rewound < 2; rewound++) {
            assert_ok(oversized_stats(f->journal, &stats));
            assert_int_equal(stats.records, 6);
            assert_int_equal(stats.stored_bytes, stored);
            assert_int_equal(stats.value_bytes, 100 + 50 + 30 + 1000 + 1000 + 20);
            assert_ok(oversized_rewind_section_to(f->journal, 1, 1));
        }
        close_journal(f);
        remove_tree(f->directory.text);
    }
}

static void test_copies_and_salvages(void **state)
{
    fixture_t *f = *state;
    oversized_salvaged_t salvaged;
    make_journal(f, 30);
    uint64_t count = count_of(f->journal, 1);
    put_samples(f->journal, 1, 2, 0);
    for (int files = 0; files < 2; files++) {
        from_files = files;
        pair_t pair = pair_of(f);
        assert_ok(copy_journal(&pair));
        oversized_t *copy;
        pair.config.directory = pair.directory.text;
        assert_ok(oversized_open(&pair.config, &copy));
        assert_int_equal(location_of(copy, 1, 1).offset, location_of(f->journal, 1, 1).offset);
        check_section(copy, 1, count_of(copy, 1), 0);
        assert_true(count_of(copy, 1) >= count);
        assert_ok(oversized_close(copy));
        remove_tree(pair.directory.text);
    }
    from_files = false;
    close_journal(f);
    oversized_config_t from = f->config;
    oversized_config_t to = f->config;
    path_t rescued = join_path(f->root.text, "rescued");
    to.directory = rescued.text;
    flip_byte(index_path(f, 1).text, INDEX_DATA_OFFSET + 3);
    assert_ok(oversized_salvage(&from, &to, NULL, &salvaged));
    assert_int_equal(salvaged.records, count + 2);
    assert_int_equal(salvaged.gaps, 0);
    oversized_t *journal;
    assert_ok(oversized_open(&to, &journal));
    check_section(journal, 1, count + 2, 0);
    assert_ok(oversized_close(journal));
}

static void test_compressed_values_and_dictionaries(void **state)
{
    fixture_t *f = *state;
    char words[100];
    memset(words, 'w', sizeof words);
    f->config.compression = 3;
    f->config.dictionary = words;
    f->config.dictionary_size = sizeof words;
    make_journal(f, 30);
    uint64_t count = count_of(f->journal, 1);
    close_journal(f);
    lose_index(f);
    open_journal(f);
    put_samples(f->journal, 1, 1, 0); /* the index gets the dictionary back */
    check_all(f->journal, count + 1);
}

/* --- which sections --- */

/* A section keeps what it has, and sections of both kinds lie in one journal. */
static void test_a_section_keeps_what_it_has(void **state)
{
    fixture_t *f = *state;
    make_journal(f, 2);
    close_journal(f);
    f->config.sector_size = 0;
    open_journal(f);
    uint64_t end = value_size_of(f->journal, 1);
    put_samples(f->journal, 1, 1, 0);
    assert_int_equal(location_of(f->journal, 1, 3).offset, apart(end, SECTOR));
    for (int i = 0; i < 2; i++) {
        put_samples(f->journal, 3, 1, 0);
        sync_it(f, 3);
    }
    assert_int_equal(location_of(f->journal, 3, 1).offset, end_of(location_of(f->journal, 3, 0)));
    close_journal(f);
    f->config.sector_size = 4096;
    open_journal(f);
    put_samples(f->journal, 3, 1, 0);
    assert_int_equal(location_of(f->journal, 3, 2).offset, end_of(location_of(f->journal, 3, 1)));
    check_section(f->journal, 1, 4, 0);
    check_section(f->journal, 3, 3, 0);
}

/* What is asked of the files is what a new journal is made by. */
static void test_an_inspection_tells(void **state)
{
    fixture_t *f = *state;
    oversized_inspection_t *found;
    make_journal(f, 1);
    close_journal(f);
    oversized_config_t config = config_of_place(f);
    config.native_version = 0;
    assert_ok(oversized_inspect(&config, &found));
    assert_int_equal(found->config.sector_size, SECTOR);
    assert_int_equal(found->sections[0].sector_size, SECTOR);
    oversized_inspection_free(found);
    config.native_version = 1; /* which has none */
    assert_ok(oversized_inspect(&config, &found));
    assert_int_equal(found->config.sector_size, 0);
    assert_int_equal(found->sections[0].sector_size, SECTOR);
    oversized_inspection_free(found);
}

static void test_sizes_that_there_are_not(void **state)
{
    fixture_t *f = *state;
    const uint32_t wrong[] = {1, 256, 511, 513, 1000, 65535, 131072, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        f->config.sector_size = wrong[i];
        refuse_open(f, SEGJ_ERR_INVALID);
        assert_non_null(strstr(segj_last_error(), "config.sector_size is"));
    }
    f->config.sector_size = 512;
    f->config.native_version = 1;
    refuse_open(f, SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "native_version is 1"));
    f->config.native_version = 0;
    f->config.format = SEGJ_FORMAT_COMMONWARE;
    refuse_open(f, SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "commonware"));
}

int main(void)
{
    (void)setenv("SEGJ_TEST_FORMAT", "native2", 1);
    (void)setenv("SEGJ_TEST_SECTOR", "512", 1);
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_value_after_a_sync_begins_a_sector),
        PROMISE(test_nothing_else_begins_one),
        PROMISE(test_a_sector_that_is_full_is_followed),
        PROMISE(test_what_is_found_is_synced),
        PROMISE(test_a_checksum_stands_before_each_value),
        PROMISE(test_a_file_ends_with_a_sector),
        PROMISE(test_nothing_is_written_to_a_sector_with_synced_values),
        PROMISE(test_nor_where_zeros_are_kept_ahead),
        PROMISE(test_nor_in_sectors_of_other_sizes),
        PROMISE(test_without_it_such_a_sector_is_written),
        PROMISE(test_an_index_is_made_again),
        PROMISE(test_a_page_is_made_again),
        PROMISE(test_a_killed_journal_is_shown_and_mended),
        PROMISE(test_batches),
        PROMISE(test_a_refused_append_leaves_nothing),
        PROMISE(test_a_rewind_that_was_cut_off),
        PROMISE(test_followers),
        PROMISE(test_many_sections_are_followed),
        PROMISE(test_bytes_between_are_not_counted),
        PROMISE(test_copies_and_salvages),
        PROMISE(test_compressed_values_and_dictionaries),
        PROMISE(test_a_section_keeps_what_it_has),
        PROMISE(test_an_inspection_tells),
        PROMISE(test_sizes_that_there_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
