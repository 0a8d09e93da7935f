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
        assert_true(location.size - FRAME_CHECKSUM <= size);
        if (is_event_noise(i))
            assert_true(raw);
        if (raw) {
            assert_int_equal(location.size, size + FRAME_CHECKSUM);
            if (size > 0)
                assert_memory_equal(frame + LOG_HEAD + SMALL_ENTRY, value, size);
        }
    }
    free_bytes(&file);
}

static void stream_value(fixture_t *f, const uint8_t *value, size_t size, uint64_t announced, size_t piece)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_writer_t *writer = NULL;
    assert_ok(oversized_writer_open(f->journal, SECTION, entry, announced, &writer));
    for (size_t at = 0; at < size; at += piece)
        assert_ok(oversized_writer_write(writer, value + at, size - at < piece ? size - at : piece));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
}

/* As far as it is kept until it is whole: FORMAT.md says how far that is. */
static void test_a_streamed_value_that_gains_nothing_is_stored_as_it_is(void **state)
{
    fixture_t *f = *state;
    enum { KEPT = 126 << 10, MOST = 400 << 10 };
    static const size_t sizes[] = {0, 1, 2, 40, 5000, KEPT - 1, KEPT, KEPT + 1, 200 << 10, MOST};
    static const size_t pieces[] = {1 << 10, 7001, MOST};
    uint8_t *noise = malloc(MOST);
    uint8_t *words = malloc(MOST);
    uint64_t at = 0;
    assert_true(noise != NULL && words != NULL);
    fill_noise(noise, MOST, 11);
    for (size_t i = 0; i < MOST; i++)
        words[i] = (uint8_t) "to be or not to be, "[i % 20];
    f->config.native_version = 2;
    f->config.compression = 3;
    open_journal(f);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t piece = 0; piece < sizeof pieces / sizeof pieces[0]; piece++)
            for (int way = 0; way < 4; way++) {
                const uint8_t *value = way / 2 == 0 ? noise : words;
                bool gains = value == words && sizes[i] >= 40;
                oversized_location_t location;
                stream_value(f, value, sizes[i], way % 2 == 0 ? sizes[i] : OVERSIZED_SIZE_UNKNOWN, pieces[piece]);
                assert_ok(oversized_get(f->journal, SECTION, at, NULL, &location));
                size_t stored = location.size - FRAME_CHECKSUM;
                if (gains)
                    assert_true(stored < sizes[i]);
                else if (sizes[i] <= KEPT)
                    assert_int_equal(stored, sizes[i]);
                else
                    assert_true(stored > sizes[i]); /* it was compressed as it came */
                assert_ok(oversized_read(f->journal, SECTION, at, NULL, &f->value));
                assert_int_equal(f->value.size, sizes[i]);
                if (sizes[i] > 0)
                    assert_memory_equal(f->value.data, value, sizes[i]);
                at++;
            }
    close_and_open(f);
    assert_int_equal(oversized_recovery(f->journal)->sections_repaired, 0);
    check_verified(f, 0);
    free(noise);
    free(words);
}

/* A view shows it where it lies, and one that is compressed unpacked; both keep their section. */
static void test_views_of_raw_values_are_no_copies(void **state)
{
    fixture_t *f = *state;
    uint8_t value[EVENT_MOST];
    not_on_cluster("a cluster shows no mappings");
    f->config.native_version = 2;
    f->config.compression = 3;
    f->config.map_values = true;
    open_journal(f);
    append_events(f, SECTION, 0, MANY);
    for (int turn = 0; turn < 3; turn++) { /* in memory; from the files; without a lock */
        unsigned raw = 0;
        for (uint64_t i = 0; i < MANY; i++) {
            oversized_location_t location;
            oversized_view_t view = {0};
            size_t size = make_event(i, value);
            assert_ok(oversized_get(f->journal, SECTION, i, NULL, &location));
            assert_ok(oversized_view(f->journal, SECTION, i, NULL, &view));
            assert_int_equal(view.size, size);
            if (size > 0)
                assert_memory_equal(view.data, value, size);
            if (location.size != size + FRAME_CHECKSUM)
                assert_ptr_equal(view.data, view.copy.data);
            else if (turn > 0 || view.copy.data == NULL) {
                assert_null(view.copy.data);
                raw++;
            }
            assert_status(oversized_rewind_to(f->journal, SECTION, 0), SEGJ_ERR_BUSY);
            oversized_view_release(&view);
        }
        assert_true(turn == 0 || raw > MANY / 10);
        if (turn == 0)
            close_and_open(f);
    }
}

/* Damage of a value that is shown where it lies is found as any other's. */
static void test_a_view_finds_damage(void **state)
{
    fixture_t *f = *state;
    f->config.native_version = 2;
    f->config.compression = 3;
    f->config.map_values = true;
    open_journal(f);
    append_events(f, SECTION, 0, MANY);
    close_and_open(f);
    for (uint64_t i = 0; i < MANY; i++) {
        static const unsigned places[] = {4, LOG_HEAD + SMALL_ENTRY - 1, LOG_HEAD + SMALL_ENTRY};
        oversized_location_t location;
        oversized_view_t view = {0};
        assert_ok(oversized_get(f->journal, SECTION, i, NULL, &location));
        uint64_t at = BLOCK + location.offset + places[i % 3];
        bytes_t file = read_file(values_path(f, SECTION).text);
        uint8_t other = file.data[at] ^ LOG_RAW;
        write_file_at(values_path(f, SECTION).text, at, &other, 1);
        assert_status(oversized_view(f->journal, SECTION, i, NULL, &view), SEGJ_ERR_CHECKSUM);
        assert_true(view.data == NULL && view.size == 0);
        write_file_at(values_path(f, SECTION).text, at, file.data + at, 1);
        assert_ok(oversized_view(f->journal, SECTION, i, NULL, &view));
        oversized_view_release(&view);
        free_bytes(&file);
    }
    assert_ok(oversized_rewind_to(f->journal, SECTION, 0)); /* nothing counts any more */
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
        PROMISE(test_a_streamed_value_that_gains_nothing_is_stored_as_it_is),
        PROMISE(test_views_of_raw_values_are_no_copies),
        PROMISE(test_a_view_finds_damage),
        PROMISE(test_a_flipped_flag_is_found),
        PROMISE(test_a_raw_value_beyond_max_value_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
