/*
 * promises/test_raw_values.c: values that would not become smaller are stored as they are in compressed sections of
 * version 2, and read back by every way; damage of the flag that says so is found.
 */
#include "promises/events.h"

#include <stdlib.h>
#include <string.h>

#include "support/log.h"

enum { MANY = 120, SECTION = 3, BLOCK = 4096 };

static void test_what_gains_nothing_is_stored_as_it_is(void **state)
{
    fixture_t *f = *state;
    uint8_t value[EVENT_MOST];
    f->config.native_version = 2;
    f->config.compression = 3;
    open_journal(f);
    append_events(f, SECTION, 0, MANY);
    check_events(f, SECTION, MANY);
    close_and_open(f);
    check_events(f, SECTION, MANY);
    check_verified(f, 0);
    check_events_followed(f, SECTION, MANY);
    bytes_t file = read_file(values_path(f, SECTION).text);
    for (uint64_t i = 0; i < MANY; i++) {
        oversized_location_t location;
        assert_ok(oversized_get(f->journal, SECTION, i, NULL, &location));
        const uint8_t *frame = file.data + BLOCK + location.offset;
        size_t size = make_event(i, value);
        bool raw = (frame[4] & LOG_RAW) != 0;
        assert_true(location.size - FRAME_CHECKSUM <= size || i % 9 == 4); /* that one was streamed */
        if (is_event_noise(i) && i % 9 != 4)
            assert_true(raw);
        if (raw) {
            assert_int_equal(location.size, size + FRAME_CHECKSUM);
            if (size > 0)
                assert_memory_equal(frame + LOG_HEAD + SMALL_ENTRY, value, size);
        }
    }
    free_bytes(&file);
}

/* Whoever changes the flag alone makes the frame wrong, not the value another one. */
static void test_a_flipped_flag_is_found(void **state)
{
    fixture_t *f = *state;
    f->config.native_version = 2;
    f->config.compression = 3;
    open_journal(f);
    append_events(f, SECTION, 0, MANY);
    assert_ok(oversized_sync(f->journal, SECTION));
    for (uint64_t i = 0; i < MANY; i += 3) {
        oversized_location_t location;
        oversized_reader_t *reader = NULL;
        uint8_t bytes[EVENT_MOST];
        size_t done;
        assert_ok(oversized_get(f->journal, SECTION, i, NULL, &location));
        uint64_t at = BLOCK + location.offset + 4;
        bytes_t file = read_file(values_path(f, SECTION).text);
        uint8_t other = file.data[at] ^ LOG_RAW;
        write_file_at(values_path(f, SECTION).text, at, &other, 1);
        assert_status(oversized_read(f->journal, SECTION, i, NULL, &f->value), SEGJ_ERR_CHECKSUM);
        segj_status_t status = oversized_reader_open(f->journal, SECTION, location, false, &reader);
        while (status == SEGJ_OK)
            status = oversized_reader_read(reader, bytes, sizeof bytes, &done);
        assert_true(status == SEGJ_ERR_CHECKSUM || status == SEGJ_ERR_COMPRESSION);
        oversized_reader_close(reader);
        write_file_at(values_path(f, SECTION).text, at, file.data + at, 1);
        free_bytes(&file);
    }
    check_events(f, SECTION, MANY);
}

static void test_a_raw_value_beyond_max_value_size_is_refused(void **state)
{
    fixture_t *f = *state;
    uint8_t noise[100];
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_value_t item = {.position = 0};
    oversized_replay_t *replay = NULL;
    oversized_reader_t *reader = NULL;
    oversized_item_t given;
    oversized_location_t location;
    const void *value;
    size_t size;
    fill_noise(noise, sizeof noise, 3);
    f->config.native_version = 2;
    f->config.compression = 3;
    open_journal(f);
    assert_ok(oversized_append(f->journal, SECTION, entry, noise, sizeof noise, NULL, &location));
    close_journal(f);
    f->config.max_value_size = sizeof noise - 1; /* its zstd frame could be of a value that is not too large */
    open_journal(f);
    assert_status(oversized_read(f->journal, SECTION, 0, NULL, &f->value), SEGJ_ERR_TOO_LARGE);
    assert_status(oversized_read_values(f->journal, SECTION, &item, 1, &f->value), SEGJ_ERR_TOO_LARGE);
    assert_status(oversized_reader_open(f->journal, SECTION, location, false, &reader), SEGJ_ERR_TOO_LARGE);
    assert_ok(oversized_replay_open(f->journal, SECTION, 0, 1000, &replay));
    assert_ok(oversized_replay_next(replay, &given));
    assert_status(oversized_replay_value(replay, &value, &size), SEGJ_ERR_TOO_LARGE);
    oversized_replay_close(replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_what_gains_nothing_is_stored_as_it_is),
        PROMISE(test_a_flipped_flag_is_found),
        PROMISE(test_a_raw_value_beyond_max_value_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
