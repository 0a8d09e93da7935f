/* threads/samples.c: see the header. */
#include "threads/samples.h"

#include <inttypes.h>
#include <string.h>

size_t sample_size(uint64_t id)
{
    return id % 8 == 7 ? (size_t)(SAMPLE_MAX - id % 101) : (size_t)(SAMPLE_SMALLEST + id * 37 % 200);
}

void make_sample(uint64_t section, uint64_t id, uint8_t *value)
{
    size_t size = sample_size(id);
    put_u64(value, section);
    put_u64(value + 8, id);
    for (size_t i = 16; i < size; i++)
        value[i] = (uint8_t)((section * 31 + id * 7 + i / 16) & 0xff);
}

segj_status_t append_sample(oversized_t *journal, uint64_t section, uint64_t id, uint64_t *position)
{
    uint8_t entry[SMALL_ENTRY];
    uint8_t value[SAMPLE_MAX];
    put_u64(entry, id);
    make_sample(section, id, value);
    return oversized_append(journal, section, entry, value, sample_size(id), position, NULL);
}

bool is_sample(uint64_t section, const uint8_t *entry, const segj_buffer_t *value)
{
    uint8_t expected[SAMPLE_MAX];
    uint64_t id = get_u64(entry);
    if (value->size != sample_size(id))
        return false;
    make_sample(section, id, expected);
    return memcmp(value->data, expected, value->size) == 0;
}

void append_samples(oversized_t *journal, uint64_t section, uint64_t first, uint64_t count)
{
    for (uint64_t id = first; id < first + count; id++) {
        uint64_t position = UINT64_MAX;
        assert_ok(append_sample(journal, section, id, &position));
        assert_int_equal(position, id);
    }
}

static void check_record(oversized_t *journal, uint64_t section, uint64_t position, segj_buffer_t *value)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_location_t location = {UINT64_MAX, 0};
    assert_ok(oversized_get(journal, section, position, entry, &location));
    assert_int_equal(get_u64(entry), position);
    assert_ok(oversized_get_value(journal, section, location, value));
    assert_true(is_sample(section, entry, value));
    memset(entry, 0xff, sizeof entry);
    assert_ok(oversized_read(journal, section, position, entry, value));
    assert_int_equal(get_u64(entry), position);
    assert_true(is_sample(section, entry, value));
}

static void check_replay_back(oversized_t *journal, uint64_t section, uint64_t count)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    assert_ok(oversized_replay_open_back(journal, section, count, 256, &replay));
    while (count-- > 0) {
        segj_buffer_t value = {NULL, 0, 0};
        const void *bytes = NULL;
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(item.section, section);
        assert_int_equal(item.position, count);
        assert_int_equal(get_u64(item.entry), count);
        assert_ok(oversized_replay_value(replay, &bytes, &value.size));
        value.data = (void *)(uintptr_t)bytes;
        assert_true(is_sample(section, item.entry, &value));
    }
    oversized_replay_close(replay);
}

void check_replay(oversized_t *journal, uint64_t section, uint64_t position, uint64_t count)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    segj_buffer_t value = {NULL, 0, 0};
    assert_ok(oversized_replay_open(journal, section, position, 256, &replay));
    for (; position < count; position++) {
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(item.section, section);
        assert_int_equal(item.position, position);
        assert_int_equal(get_u64(item.entry), position);
        assert_ok(oversized_get_value(journal, section, item.location, &value));
        assert_true(is_sample(section, item.entry, &value));
    }
    segj_status_t end = oversized_replay_next(replay, &item);
    assert_true(end == SEGJ_END || (end == SEGJ_OK && item.section != section));
    oversized_replay_close(replay);
    segj_buffer_free(&value);
    check_replay_back(journal, section, count);
}

void check_samples(oversized_t *journal, uint64_t section, uint64_t count)
{
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t entry[SMALL_ENTRY] = {0};
    uint64_t found = UINT64_MAX;
    assert_ok(oversized_count(journal, section, &found));
    assert_int_equal(found, count);
    assert_ok(oversized_size(journal, section, &found));
    assert_int_equal(found, count * SMALL_RECORD);
    for (uint64_t position = 0; position < count; position++)
        check_record(journal, section, position, &value);
    assert_status(oversized_get(journal, section, count, entry, NULL),
                  count > 0 ? SEGJ_ERR_NO_RECORD : SEGJ_ERR_NO_SECTION);
    if (count > 0) {
        oversized_location_t location = {UINT64_MAX, 0};
        uint64_t end = 0;
        assert_ok(oversized_last(journal, section, entry, &location));
        assert_int_equal(get_u64(entry), count - 1);
        assert_ok(oversized_value_size(journal, section, &end));
        assert_int_equal(end, tested_frame_end(location, SMALL_ENTRY));
        check_replay(journal, section, 0, count);
    }
    segj_buffer_free(&value);
}
