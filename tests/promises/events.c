/*
 * promises/events.c: see the header.
 */
#include "promises/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "segjournal/follow.h"
#include "segjournal/tools.h"

const char event_words[] =
    "{\"time\":\"2026-11-29T20:30:51Z\",\"level\":\"info\",\"event\":\"purchase\",\"user\":\"u00\","
    "\"agent\":\"Mozilla/5.0\",\"path\":\"/api/v1/items/\",\"status\":200,\"bytes\":1000}";

size_t event_words_size(void)
{
    return strlen(event_words);
}

bool is_event_noise(uint64_t number)
{
    return number % 7 == 3;
}

size_t make_event(uint64_t number, uint8_t *value)
{
    if (is_event_noise(number)) {
        fill_noise(value, 40 + (size_t)(number % 30), number + 1);
        return 40 + (size_t)(number % 30);
    }
    if (number % 11 == 5)
        return 0;
    if (number % 23 == 20) {
        for (size_t i = 0; i < 3000; i++)
            value[i] = (uint8_t)event_words[(i / 5 + number) % event_words_size()];
        return 3000;
    }
    uint64_t mixed = number * UINT64_C(0x9E3779B97F4A7C15);
    int size =
        snprintf((char *)value, EVENT_MOST,
                 "{\"time\":\"2026-11-29T20:%02u:%02uZ\",\"level\":\"info\",\"event\":\"purchase\","
                 "\"user\":\"u%08" PRIx64 "\",\"agent\":\"Mozilla/5.0\",\"path\":\"/api/v1/items/%u\",\"bytes\":%u}",
                 (unsigned)(mixed % 60), (unsigned)(mixed / 64 % 60), mixed >> 32, (unsigned)(mixed / 4096 % 100000),
                 (unsigned)(mixed / 777 % 5000));
    return (size_t)size;
}

void want_dictionary(fixture_t *f, const void *dictionary, size_t size)
{
    f->config.native_version = 2;
    f->config.compression = 3;
    f->config.dictionary = dictionary;
    f->config.dictionary_size = size;
}

/* --- in --- */

static void stream_event(fixture_t *f, uint64_t section, const uint8_t *entry, const uint8_t *value, size_t size,
                         bool unknown)
{
    oversized_writer_t *writer = NULL;
    assert_ok(oversized_writer_open(f->journal, section, entry, unknown ? OVERSIZED_SIZE_UNKNOWN : size, &writer));
    assert_ok(oversized_writer_write(writer, value, size / 2));
    assert_ok(oversized_writer_write(writer, value + size / 2, size - size / 2));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
}

static void batch_events(fixture_t *f, uint64_t section, uint64_t first, uint64_t count)
{
    static uint8_t values[8][EVENT_MOST];
    static uint8_t entries[8][SMALL_ENTRY];
    oversized_record_t records[8];
    for (uint64_t i = 0; i < count; i++) {
        size_t size = make_event(first + i, values[i]);
        put_u64(entries[i], first + i);
        records[i] = (oversized_record_t){.entry = entries[i], .value = values[i], .size = size};
    }
    assert_ok(oversized_append_batch(f->journal, section, records, (size_t)count, NULL, NULL));
}

void append_events(fixture_t *f, uint64_t section, uint64_t first, uint64_t count)
{
    uint8_t value[EVENT_MOST];
    uint8_t entry[SMALL_ENTRY];
    for (uint64_t i = first; i < first + count; i++) {
        size_t size = make_event(i, value);
        put_u64(entry, i);
        uint64_t left = first + count - i;
        if (i % 9 == 4) {
            stream_event(f, section, entry, value, size, i % 2 == 0);
        } else if (i % 13 == 6) {
            uint64_t batch = left < 5 ? left : 5;
            batch_events(f, section, i, batch);
            i += batch - 1;
        } else if (i % 5 == 1) {
            const segj_slice_t pieces[] = {{value, size / 3}, {value + size / 3, size - size / 3}};
            assert_ok(oversized_appendv(f->journal, section, entry, pieces, 2, NULL, NULL));
        } else {
            assert_ok(oversized_append(f->journal, section, entry, value, size, NULL, NULL));
        }
    }
}

/* --- out --- */

static void check_event(uint64_t number, const void *found, size_t size)
{
    uint8_t value[EVENT_MOST];
    assert_int_equal(size, make_event(number, value));
    if (size > 0)
        assert_memory_equal(found, value, size);
}

static void check_one_by_one(fixture_t *f, oversized_t *journal, uint64_t section, uint64_t count)
{
    oversized_view_t view = {0};
    for (uint64_t i = 0; i < count; i++) {
        uint8_t entry[SMALL_ENTRY];
        oversized_location_t location;
        assert_ok(oversized_read(journal, section, i, entry, &f->value));
        assert_int_equal(get_u64(entry), i);
        check_event(i, f->value.data, f->value.size);
        assert_ok(oversized_get(journal, section, i, NULL, &location));
        assert_ok(oversized_get_value(journal, section, location, &f->value));
        check_event(i, f->value.data, f->value.size);
        assert_ok(oversized_view(journal, section, i, NULL, &view));
        check_event(i, view.data, view.size);
    }
    oversized_view_release(&view);
}

static void check_streams(oversized_t *journal, uint64_t section, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint8_t found[EVENT_MOST + 1];
        size_t size = 0;
        size_t done = 0;
        oversized_location_t location;
        oversized_reader_t *reader = NULL;
        assert_ok(oversized_get(journal, section, i, NULL, &location));
        assert_ok(oversized_reader_open(journal, section, location, i % 2 == 0, &reader));
        segj_status_t status;
        while ((status = oversized_reader_read(reader, found + size, 100, &done)) == SEGJ_OK)
            size += done;
        assert_status(status, SEGJ_END);
        assert_int_equal(oversized_reader_size(reader), size);
        check_event(i, found, size);
        oversized_reader_close(reader);
    }
}

static void check_many(fixture_t *f, oversized_t *journal, uint64_t section, uint64_t count)
{
    oversized_value_t values[20];
    for (uint64_t first = 0; first < count; first += 20) {
        size_t part = count - first < 20 ? (size_t)(count - first) : 20;
        memset(values, 0, sizeof values);
        for (size_t i = 0; i < part; i++)
            values[i].position = first + (i * 7) % part;
        assert_ok(oversized_read_values(journal, section, values, part, &f->value));
        for (size_t i = 0; i < part; i++)
            check_event(values[i].position, values[i].data, values[i].size);
    }
}

static void check_walks(oversized_t *journal, uint64_t section, uint64_t count)
{
    for (int back = 0; back < 2; back++)
        for (size_t ahead = 0; ahead < 2; ahead++) {
            oversized_replay_t *replay = NULL;
            assert_ok(back ? oversized_replay_open_back(journal, section, OVERSIZED_END, ahead * 5000, &replay)
                           : oversized_replay_open(journal, section, 0, ahead * 5000, &replay));
            for (uint64_t i = 0; i < count; i++) {
                oversized_item_t item;
                const void *value;
                size_t size;
                assert_ok(oversized_replay_next(replay, &item));
                assert_int_equal(item.position, back ? count - 1 - i : i);
                assert_ok(oversized_replay_value(replay, &value, &size));
                check_event(item.position, value, size);
            }
            oversized_replay_close(replay);
        }
}

static void check_all_ways(fixture_t *f, oversized_t *journal, uint64_t section, uint64_t count)
{
    assert_int_equal(count_of(journal, section), count);
    check_one_by_one(f, journal, section, count);
    check_streams(journal, section, count);
    check_many(f, journal, section, count);
    check_walks(journal, section, count);
}

void check_events(fixture_t *f, uint64_t section, uint64_t count)
{
    check_all_ways(f, f->journal, section, count);
}

void check_events_in(fixture_t *f, const char *directory, uint64_t section, uint64_t count)
{
    oversized_t *journal = NULL;
    oversized_config_t config = f->config;
    config.directory = directory;
    config.storage = NULL;
    config.read_only = true;
    config.dictionary_size = 0;
    assert_ok(oversized_open(&config, &journal));
    check_all_ways(f, journal, section, count);
    assert_ok(oversized_close(journal));
}

void check_events_followed(fixture_t *f, uint64_t section, uint64_t count)
{
    oversized_follower_t *follower = NULL;
    oversized_config_t config = config_of_place(f);
    assert_ok(oversized_follow_open(&config, NULL, &follower));
    uint64_t seen = 0;
    for (;;) {
        oversized_followed_t followed;
        segj_status_t status = oversized_follow_next(follower, &followed);
        if (status == SEGJ_END)
            break;
        assert_ok(status);
        assert_int_equal(followed.kind, OVERSIZED_FOLLOW_RECORD);
        if (followed.section != section)
            continue;
        assert_int_equal(followed.position, seen);
        check_event(seen++, followed.value, followed.value_size);
    }
    assert_int_equal(seen, count);
    oversized_follow_close(follower);
}

void check_verified(fixture_t *f, uint64_t damages)
{
    oversized_verify_options_t options;
    oversized_verified_t verified;
    oversized_verify_options_init(&options);
    assert_status(oversized_verify(f->journal, &options, &verified), damages > 0 ? SEGJ_ERR_CHECKSUM : SEGJ_OK);
    assert_int_equal(verified.damages, damages);
}
