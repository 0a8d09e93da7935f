/*
 * journal/glob.c: frames in buffers and in the values file. A frame is in one buffer whole or in the file whole;
 * offsets are handed out once.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "unit/values_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit/random.h"
#include "unit/wrapped_memory.h"

enum { CAPACITY = 100 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- the header --- */

static void a_header_says_whether_values_are_compressed(void **state)
{
    for (int compressed = 0; compressed < 2; compressed++) {
        values_file_t *values = values_new(CAPACITY);
        uint8_t expected[VALUES_DATA_OFFSET];
        values->glob.compressed = compressed != 0;
        assert_ok(segj_glob_write_header(&values->glob, &values->rig->shared, values_handle(values)));
        assert_changes(values->rig->recorder, "write values/9 0+4096"); /* not synced */
        encode_identity(expected, &(identity_t){.version = 1,
                                                .kind = IDENTITY_VALUES,
                                                .compression = (uint8_t)compressed,
                                                .section = VALUES_SECTION});
        bytes_t file = values_bytes(values);
        assert_int_equal(file.size, sizeof expected);
        assert_memory_equal(file.data, expected, sizeof expected);
        free_bytes(&file);
        values_free(values);
    }
}

/* --- placing in buffers --- */

static void small_frames_gather_in_a_buffer(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 40);
    values_put(values, 4); /* of an empty value */
    values_put(values, 56);
    assert_changes(values->rig->recorder, "");
    check_frames(values);
    assert_ok(values_drain(values));
    assert_calls(values->rig->recorder, RECORD_CHANGES | RECORD_BIT(RECORD_FILE_WRITE_BACK), "write values/9 4096+100");
    check_file(values);
    values_free(values);
}

/* 40 + 40 leave room for 20: the third goes into a buffer of its own, and what was full is written. */
static void a_frame_never_spans_buffers(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 40);
    values_put(values, 40);
    values_put(values, 21);
    assert_changes(values->rig->recorder, "write values/9 4096+80");
    values_put(values, 79); /* to the last byte */
    assert_changes(values->rig->recorder, "");
    values_put(values, 4);
    assert_changes(values->rig->recorder, "write values/9 4176+100");
    check_frames(values);
    assert_ok(values_drain(values));
    check_file(values);
    values_free(values);
}

static void a_placed_frame_is_seen_by_nobody_until_it_is_published(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    oversized_location_t placed;
    values_put(values, 20);
    assert_ok(values_place(values, "dropped", 7, &placed));
    assert_int_equal(placed.offset, 20);
    assert_int_equal(placed.size, 11);
    assert_int_equal(values->glob.size, 20);
    assert_null(segj_chain_find(&values->glob.chain, 20));
    segj_glob_roll_back(&values->glob, &values->rig->shared);
    values_put(values, 30); /* another one in its place */
    assert_ok(values_drain(values));
    check_file(values);
    values_free(values);
}

/* A frame placed in an empty buffer and not published leaves nothing behind. */
static void an_empty_buffer_is_given_back(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    oversized_location_t placed;
    assert_ok(values_place(values, "dropped", 7, &placed));
    segj_glob_roll_back(&values->glob, &values->rig->shared);
    segj_glob_capture_t capture = values_capture(values);
    assert_null(capture.first);
    assert_null(values->glob.chain.first);
    assert_ok(values_place(values, "dropped", 7, &placed));
    segj_glob_roll_back(&values->glob, &values->rig->shared);
    assert_ok(values_drain(values));
    assert_changes(values->rig->recorder, "");
    values_put(values, 10);
    assert_ok(values_drain(values));
    check_file(values);
    values_free(values);
}

/* Its payload may be NULL: the frame is its checksum, of the place alone. */
static void an_empty_value_has_a_frame(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    for (int i = 0; i < 2; i++) {
        oversized_location_t placed;
        uint8_t expected[FRAME_CHECKSUM];
        uint8_t frame[FRAME_CHECKSUM];
        assert_ok(values_place(values, i == 0 ? "" : NULL, 0, &placed));
        assert_int_equal(placed.size, FRAME_CHECKSUM);
        segj_glob_publish(&values->glob, &values->rig->shared);
        assert_ok(values_drain(values));
        put_u32(expected, frame_checksum(VALUES_SECTION, placed.offset, "", 0));
        assert_ok(segj_glob_read(&values->rig->shared, values_handle(values), false, placed, frame));
        assert_memory_equal(frame, expected, sizeof expected);
    }
    values_free(values);
}

static void a_file_ends_at_the_largest_offset(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    oversized_location_t placed;
    values->glob.size = SEGJ_FILE_SIZE_MAX - VALUES_DATA_OFFSET - 9;
    assert_status(values_place(values, "123456", 6, &placed), SEGJ_ERR_TOO_LARGE);
    assert_null(values->glob.chain.first);
    assert_ok(values_place(values, "12345", 5, &placed));
    values_free(values);
}

/* --- direct writes --- */

static void a_frame_larger_than_a_buffer_is_written_at_once(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, CAPACITY); /* this one just fits */
    assert_changes(values->rig->recorder, "");
    assert_ok(values_drain(values));
    recorder_clear(values->rig->recorder);
    values_put(values, CAPACITY + 1);
    assert_calls(values->rig->recorder, RECORD_CHANGES | RECORD_BIT(RECORD_FILE_WRITE_BACK), "write values/9 4196+101");
    check_file(values);
    values_put(values, 5000);
    values_put(values, 10);
    values_put(values, 300);
    check_file(values);
    values_free(values);
}

/* Together with what the buffer holds, in one write, and the buffer is free again. */
static void a_direct_write_takes_the_buffer_along(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 30);
    values_put(values, 40);
    values_put(values, 200);
    assert_changes(values->rig->recorder, "write values/9 4096+270");
    check_file(values);
    values_put(values, 10); /* begins a new one behind it */
    values_put(values, 101);
    assert_changes(values->rig->recorder, "write values/9 4366+111");
    check_file(values);
    values_free(values);
}

/* Buffers that a sync writes are its own, and are in the file before or after. */
static void a_direct_write_leaves_a_syncs_buffers_alone(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 30);
    segj_glob_capture_t capture = values_capture(values);
    values_put(values, 20);
    values_put(values, 200);
    assert_changes(values->rig->recorder, "write values/9 4126+220");
    check_frames(values);
    assert_ok(values_write(values, &capture));
    assert_changes(values->rig->recorder, "write values/9 4096+30");
    values_finish(values, &capture, true);
    check_file(values);
    values_free(values);
}

/* Buffers that an earlier failure has left go first. */
static void a_direct_write_comes_after_what_was_left(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 60);
    recorder_fail(values->rig->recorder, RECORD_FILE_WRITE, 0, 2, ENOSPC);
    assert_status(values_drain(values), SEGJ_ERR_NO_SPACE);
    assert_status(values_try_put(values, 200), SEGJ_ERR_NO_SPACE);
    check_frames(values);
    recorder_clear(values->rig->recorder);
    values_put(values, 200);
    assert_changes(values->rig->recorder, "write values/9 4096+60; write values/9 4156+200");
    check_file(values);
    values_free(values);
}

/* --- offsets are handed out once --- */

/*
 * A direct write answers with a failure although all of its bytes are there. The frame is not published; the next
 * value has the same size and gets the same offset. If the power went after its record was written and before its
 * bytes were, the old frame would verify in its place: so the file is cut, durably, before.
 */
static void a_frame_that_was_not_to_be_is_cut_before_its_offset_is_used_again(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 50);
    assert_ok(values_drain(values));
    recorder_tear(values->rig->recorder, 0, 200, EIO);
    assert_status(values_try_put(values, 200), SEGJ_ERR_IO);
    assert_true(values->glob.tail_dirty);
    recorder_clear(values->rig->recorder);
    values_put(values, 200);
    assert_changes(values->rig->recorder, "cut values/9 4146; sync values/9; write values/9 4146+200");
    assert_false(values->glob.tail_dirty);
    check_file(values);
    assert_false(atomic_load(&values->rig->shared.poisoned));
    values_free(values);
}

/* The same where the next value is small, and waits in a buffer. */
static void a_spoiled_tail_is_cut_for_a_buffered_frame_too(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 50); /* in the buffer: the failing write takes it along */
    recorder_tear(values->rig->recorder, 0, 150, ENOSPC);
    assert_status(values_try_put(values, 200), SEGJ_ERR_NO_SPACE);
    check_frames(values);
    recorder_clear(values->rig->recorder);
    values_put(values, 10);
    assert_changes(values->rig->recorder, "cut values/9 4146; sync values/9");
    values_put(values, 10); /* once */
    assert_changes(values->rig->recorder, "");
    assert_ok(values_drain(values));
    check_file(values);
    values_free(values);
}

/* However much of the failed write is there: behind the end nothing stays of it. */
static void a_write_torn_at_any_byte_is_mended(void **state)
{
    for (size_t bytes = 0; bytes <= 170; bytes += 10) {
        values_file_t *values = values_new(CAPACITY);
        values_put(values, 50);
        recorder_tear(values->rig->recorder, 0, bytes, EIO);
        assert_status(values_try_put(values, 120), SEGJ_ERR_IO);
        recorder_clear(values->rig->recorder);
        assert_ok(segj_glob_truncate_tail(&values->glob, &values->rig->shared));
        if (bytes > 50)
            assert_changes(values->rig->recorder, "cut values/9 4146; sync values/9");
        recorder_clear(values->rig->recorder);
        assert_ok(segj_glob_truncate_tail(&values->glob, &values->rig->shared)); /* nothing more to do */
        assert_changes(values->rig->recorder, "");
        bytes_t file = values_bytes(values);
        assert_true(file.size <= VALUES_DATA_OFFSET + 50);
        free_bytes(&file);
        values_put(values, 120);
        check_file(values);
        values_free(values);
    }
}

/* The cut was made, and whether it is durable is unknown: nothing may be written any more. */
static void a_tail_whose_cut_is_not_durable_poisons(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    recorder_tear(values->rig->recorder, 0, 200, EIO);
    assert_status(values_try_put(values, 200), SEGJ_ERR_IO);
    recorder_fail(values->rig->recorder, RECORD_FILE_SYNC, 0, 1, EIO);
    recorder_clear(values->rig->recorder);
    assert_status(values_try_put(values, 200), SEGJ_ERR_IO);
    assert_changes(values->rig->recorder, "cut values/9 4096; sync values/9 !");
    assert_true(atomic_load(&values->rig->shared.poisoned));
    assert_non_null(strstr(values->rig->shared.poison, "rig/values/0000000000000009: sync"));
    assert_int_equal(values->rig->logged, 1);
    assert_true(values->glob.tail_dirty);
    values_free(values);
}

/* The tail could not be looked at, or not be cut: nothing has happened yet, and the append may be made again. */
static void a_tail_that_cannot_be_cut_waits(void **state)
{
    static const record_kind_t kinds[] = {RECORD_FILE_SIZE, RECORD_FILE_TRUNCATE};
    for (size_t i = 0; i < 2 * COUNT_OF(kinds); i++) {
        values_file_t *values = values_new(CAPACITY);
        size_t frame = i % 2 == 0 ? 20 : 200;
        recorder_tear(values->rig->recorder, 0, 200, EIO);
        assert_status(values_try_put(values, 200), SEGJ_ERR_IO);
        recorder_fail(values->rig->recorder, kinds[i / 2], 0, 2, EIO);
        for (int j = 0; j < 2; j++)
            assert_status(values_try_put(values, frame), SEGJ_ERR_IO);
        assert_int_equal(recorder_count(values->rig->recorder, RECORD_FILE_WRITE), 1);
        assert_false(atomic_load(&values->rig->shared.poisoned));
        recorder_clear(values->rig->recorder);
        values_put(values, frame);
        assert_changes(values->rig->recorder, frame == 20
                                                  ? "cut values/9 4096; sync values/9"
                                                  : "cut values/9 4096; sync values/9; write values/9 4096+200");
        assert_ok(values_drain(values));
        check_file(values);
        values_free(values);
    }
}

/* Cuts the file, though the call that asks for it will be answered with a failure. */
static void cut_all_the_same(void *context, const record_t *call)
{
    values_file_t *values = context;
    if (call->kind == RECORD_FILE_TRUNCATE && call->code != 0)
        rig_cut(values->rig, &values->rig->shared.values, VALUES_SECTION, call->size);
    if (call->kind == RECORD_FILE_WRITE)
        assert_true(recorder_count(values->rig->recorder, RECORD_FILE_SYNC) > 0);
}

/* A cut that answers with a failure may have been made, and not be durable: that the file is short enough afterwards
 * does not make its offsets free. They are after a sync, or never. */
static void a_cut_that_was_made_all_the_same_is_made_durable(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    recorder_tear(values->rig->recorder, 0, 200, EIO);
    assert_status(values_try_put(values, 200), SEGJ_ERR_IO);
    recorder_clear(values->rig->recorder);
    recorder_fail(values->rig->recorder, RECORD_FILE_TRUNCATE, 0, 1, EIO);
    recorder_watch(values->rig->recorder, cut_all_the_same, values);
    assert_status(values_try_put(values, 200), SEGJ_ERR_IO);
    segj_status_t status = values_try_put(values, 200);
    assert_true(status == SEGJ_OK || atomic_load(&values->rig->shared.poisoned));
    recorder_watch(values->rig->recorder, NULL, NULL);
    values_free(values);
}

/* --- draining --- */

static void a_drain_that_fails_keeps_everything(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 60);
    for (int i = 0; i < 3; i++) {
        recorder_tear(values->rig->recorder, 0, 30, EIO);
        assert_status(values_drain(values), SEGJ_ERR_IO);
        check_frames(values);
    }
    recorder_clear(values->rig->recorder);
    assert_ok(values_drain(values));
    assert_changes(values->rig->recorder, "write values/9 4096+60"); /* whole again */
    check_file(values);
    values_free(values);
}

/* A full disk refuses what does not fit, holds no more memory each time, and loses nothing. */
static void a_full_disk_refuses_frames_and_loses_nothing(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    recorder_fail(values->rig->recorder, RECORD_FILE_WRITE, 0, RECORD_FOR_GOOD, ENOSPC);
    int refused = 0;
    for (int i = 0; i < 50; i++)
        refused += values_try_put(values, 30) == SEGJ_ERR_NO_SPACE;
    assert_true(refused > 40);
    assert_true(values->rig->shared.budget.used <= 2 * 4096); /* one that waits, one that is filled */
    check_frames(values);
    recorder_fail(values->rig->recorder, RECORD_FILE_WRITE, 0, 0, 0);
    values_put(values, 30);
    assert_ok(values_drain(values));
    check_file(values);
    values_free(values);
}

static void no_memory_changes_nothing(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 90);
    oversized_location_t placed;
    uint64_t size = values->glob.size;
    segj_glob_capture_t capture = values_capture(values);
    allocations_left = 0;
    segj_status_t status = values_place(values, "payload", 7, &placed);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    assert_int_equal(values->glob.size, size);
    check_frames(values);
    assert_ok(values_write(values, &capture));
    values_finish(values, &capture, true);
    values_put(values, 11);
    assert_ok(values_drain(values));
    check_file(values);
    values_free(values);
}

/* --- syncs --- */

static void appends_go_on_beside_a_sync(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 60);
    segj_glob_capture_t capture = values_capture(values);
    values_put(values, 30); /* there is room in that buffer; it is the sync's now */
    values_put(values, 80);
    assert_changes(values->rig->recorder, "write values/9 4156+30"); /* a drain passes it by */
    check_frames(values);
    assert_ok(values_write(values, &capture));
    assert_changes(values->rig->recorder, "write values/9 4096+60");
    check_frames(values);
    values_finish(values, &capture, true);
    check_frames(values);
    assert_ok(values_drain(values));
    check_file(values);
    values_free(values);
}

static void a_sync_takes_over_what_failures_have_left(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 60);
    recorder_fail(values->rig->recorder, RECORD_FILE_WRITE, 0, 1, ENOSPC);
    assert_status(values_drain(values), SEGJ_ERR_NO_SPACE);
    values_put(values, 50);
    recorder_clear(values->rig->recorder);
    segj_glob_capture_t capture = values_capture(values);
    assert_ok(values_write(values, &capture));
    assert_changes(values->rig->recorder, "write values/9 4096+60; write values/9 4156+50"); /* in order */
    values_finish(values, &capture, true);
    check_file(values);
    values_free(values);
}

/* What a sync could not write is written by whoever comes next. */
static void a_sync_that_fails_gives_its_buffers_back(void **state)
{
    for (int next = 0; next < 2; next++) {
        values_file_t *values = values_new(CAPACITY);
        values_put(values, 60);
        segj_glob_capture_t capture = values_capture(values);
        values_put(values, 30);
        recorder_tear(values->rig->recorder, 0, 20, ENOSPC);
        assert_status(values_write(values, &capture), SEGJ_ERR_NO_SPACE);
        values_finish(values, &capture, false);
        check_frames(values);
        recorder_clear(values->rig->recorder);
        if (next == 0) {
            assert_ok(values_drain(values));
        } else {
            capture = values_capture(values);
            assert_ok(values_write(values, &capture));
            values_finish(values, &capture, true);
        }
        assert_changes(values->rig->recorder, "write values/9 4096+60; write values/9 4156+30");
        check_file(values);
        values_free(values);
    }
}

static void a_sync_of_nothing_writes_nothing(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    segj_glob_capture_t capture = values_capture(values);
    assert_null(capture.first);
    assert_ok(values_write(values, &capture));
    values_finish(values, &capture, true);
    assert_changes(values->rig->recorder, "");
    values_free(values);
}

/* --- cutting and reading --- */

static void a_cut_is_durable(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 150);
    recorder_clear(values->rig->recorder);
    assert_ok(segj_glob_cut(values_handle(values), 70, false));
    assert_changes(values->rig->recorder, "cut values/9 4166; sync values/9");
    recorder_fail(values->rig->recorder, RECORD_FILE_SYNC, 0, 1, EIO);
    assert_status(segj_glob_cut(values_handle(values), 0, false), SEGJ_ERR_IO);
    recorder_fail(values->rig->recorder, RECORD_FILE_TRUNCATE, 0, 1, EIO);
    assert_status(segj_glob_cut(values_handle(values), 0, false), SEGJ_ERR_IO);
    assert_changes(values->rig->recorder, "cut values/9 4096; sync values/9 !; cut values/9 4096 !");
    values_free(values);
}

static segj_status_t read_frame(const values_file_t *values, uint64_t offset, uint32_t size)
{
    uint8_t *frame = malloc(size);
    assert_non_null(frame);
    segj_status_t status =
        segj_glob_read(&values->rig->shared, values_handle(values), false, (oversized_location_t){offset, size}, frame);
    if (status == SEGJ_OK) {
        uint8_t *payload = values_payload(offset, size - FRAME_CHECKSUM);
        assert_memory_equal(frame, payload, size - FRAME_CHECKSUM);
        free(payload);
    }
    free(frame);
    return status;
}

static void a_frame_is_read_where_it_is_and_nowhere_else(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 150);
    values_put(values, 150);
    assert_ok(read_frame(values, 0, 150));
    assert_ok(read_frame(values, 150, 150));
    assert_status(read_frame(values, 0, 149), SEGJ_ERR_CHECKSUM);
    assert_status(read_frame(values, 0, 151), SEGJ_ERR_CHECKSUM);
    assert_status(read_frame(values, 0, 300), SEGJ_ERR_CHECKSUM);
    assert_status(read_frame(values, 1, 150), SEGJ_ERR_CHECKSUM);
    assert_status(read_frame(values, 10, 4), SEGJ_ERR_CHECKSUM);
    assert_status(read_frame(values, 150, 151), SEGJ_ERR_IO); /* the file ends before */
    recorder_fail(values->rig->recorder, RECORD_FILE_READ, 0, 1, EIO);
    assert_status(read_frame(values, 0, 150), SEGJ_ERR_IO);
    values_free(values);
}

static void every_bit_of_a_frame_counts(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 110);
    bytes_t file = values_bytes(values);
    for (size_t bit = 0; bit < 8 * 110; bit++) {
        uint8_t *byte = file.data + VALUES_DATA_OFFSET + bit / 8;
        const uint8_t wrong = (uint8_t)(*byte ^ 1u << bit % 8);
        rig_write(values->rig, &values->rig->shared.values, VALUES_SECTION, VALUES_DATA_OFFSET + bit / 8, &wrong, 1);
        assert_status(read_frame(values, 0, 110), SEGJ_ERR_CHECKSUM);
        rig_write(values->rig, &values->rig->shared.values, VALUES_SECTION, VALUES_DATA_OFFSET + bit / 8, byte, 1);
    }
    assert_ok(read_frame(values, 0, 110));
    free_bytes(&file);
    values_free(values);
}

/* The same bytes at another place of the file, and in another section, are no frame. */
static void a_frame_is_bound_to_its_place(void **state)
{
    values_file_t *values = values_new(CAPACITY);
    values_put(values, 110);
    values_put(values, 110);
    bytes_t file = values_bytes(values);
    rig_write(values->rig, &values->rig->shared.values, VALUES_SECTION, VALUES_DATA_OFFSET + 110,
              file.data + VALUES_DATA_OFFSET, 110);
    assert_status(read_frame(values, 110, 110), SEGJ_ERR_CHECKSUM);
    segj_io_file_t other = *values_handle(values);
    uint8_t frame[110];
    other.binding++;
    assert_status(segj_glob_read(&values->rig->shared, &other, false, (oversized_location_t){0, 110}, frame),
                  SEGJ_ERR_CHECKSUM);
    free_bytes(&file);
    values_free(values);
}

/* --- anything, in any order --- */

static void any_order_keeps_every_frame(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        values_file_t *values = values_new(CAPACITY);
        segj_glob_capture_t capture = {0};
        uint64_t random = seed;
        bool flying = false;
        for (int i = 0; i < 200; i++) {
            if (random_below(&random, 4) == 0)
                recorder_tear(values->rig->recorder, (uint32_t)random_below(&random, 2),
                              (size_t)random_below(&random, 300), EIO);
            uint64_t what = random_below(&random, 8);
            if (what < 5) {
                (void)values_try_put(values, FRAME_CHECKSUM + (size_t)random_below(&random, what == 0 ? 200 : 50));
            } else if (what == 5) {
                (void)values_drain(values);
            } else if (!flying) {
                capture = values_capture(values);
                flying = true;
            } else {
                values_finish(values, &capture, values_write(values, &capture) == SEGJ_OK);
                flying = false;
            }
            recorder_fail(values->rig->recorder, RECORD_FILE_WRITE, 0, 0, 0);
            check_frames(values);
        }
        if (flying)
            values_finish(values, &capture, false);
        assert_ok(segj_glob_truncate_tail(&values->glob, &values->rig->shared));
        assert_ok(values_drain(values));
        check_file(values);
        values_free(values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_says_whether_values_are_compressed),
        cmocka_unit_test(small_frames_gather_in_a_buffer),
        cmocka_unit_test(a_frame_never_spans_buffers),
        cmocka_unit_test(a_placed_frame_is_seen_by_nobody_until_it_is_published),
        cmocka_unit_test(an_empty_buffer_is_given_back),
        cmocka_unit_test(an_empty_value_has_a_frame),
        cmocka_unit_test(a_file_ends_at_the_largest_offset),
        cmocka_unit_test(a_frame_larger_than_a_buffer_is_written_at_once),
        cmocka_unit_test(a_direct_write_takes_the_buffer_along),
        cmocka_unit_test(a_direct_write_leaves_a_syncs_buffers_alone),
        cmocka_unit_test(a_direct_write_comes_after_what_was_left),
        cmocka_unit_test(a_frame_that_was_not_to_be_is_cut_before_its_offset_is_used_again),
        cmocka_unit_test(a_spoiled_tail_is_cut_for_a_buffered_frame_too),
        cmocka_unit_test(a_write_torn_at_any_byte_is_mended),
        cmocka_unit_test(a_tail_whose_cut_is_not_durable_poisons),
        cmocka_unit_test(a_tail_that_cannot_be_cut_waits),
        cmocka_unit_test(a_cut_that_was_made_all_the_same_is_made_durable),
        cmocka_unit_test(a_drain_that_fails_keeps_everything),
        cmocka_unit_test(a_full_disk_refuses_frames_and_loses_nothing),
        cmocka_unit_test(no_memory_changes_nothing),
        cmocka_unit_test(appends_go_on_beside_a_sync),
        cmocka_unit_test(a_sync_takes_over_what_failures_have_left),
        cmocka_unit_test(a_sync_that_fails_gives_its_buffers_back),
        cmocka_unit_test(a_sync_of_nothing_writes_nothing),
        cmocka_unit_test(a_cut_is_durable),
        cmocka_unit_test(a_frame_is_read_where_it_is_and_nowhere_else),
        cmocka_unit_test(every_bit_of_a_frame_counts),
        cmocka_unit_test(a_frame_is_bound_to_its_place),
        cmocka_unit_test(any_order_keeps_every_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
