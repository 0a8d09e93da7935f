/*
 * promises/test_dictionary.c: dictionaries of sections of version 2 and values that are stored as they are: every way in and
 * out, sections with several, and what a damaged dictionary costs, in either file and in both.
 */
#include "promises/events.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/thread.h"
#include "oversized/write/payload.h"
#include "segjournal/follow.h"
#include "segjournal/tools.h"
#include "support/log.h"

enum { MANY = 120, SECTION = 3, BLOCK = 4096 };

static void begin(fixture_t *f, uint64_t count)
{
    want_dictionary(f, event_words, event_words_size());
    open_journal(f);
    append_events(f, SECTION, 0, count);
}

static void reopen_without(fixture_t *f)
{
    f->config.dictionary = NULL;
    f->config.dictionary_size = 0;
    close_and_open(f);
}

static uint64_t stored(const fixture_t *f, uint64_t section)
{
    return file_size(values_path(f, section).text);
}

/* --- raw values --- */

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

/* --- dictionaries --- */

static void test_values_with_a_dictionary_go_in_and_out(void **state)
{
    fixture_t *f = *state;
    for (int way = 0; way < 4; way++) {
        f->config.map_values = way % 2 == 1;
        f->config.value_cache = way >= 2 ? 1 << 20 : 0;
        begin(f, 0);
        append_events(f, (uint64_t)way, 0, MANY);
        check_events(f, (uint64_t)way, MANY);
        assert_ok(oversized_sync(f->journal, (uint64_t)way));
        check_events(f, (uint64_t)way, MANY);
        check_events_followed(f, (uint64_t)way, MANY);
        reopen_without(f);
        append_events(f, (uint64_t)way, MANY, MANY);
        check_events(f, (uint64_t)way, 2 * MANY);
        check_verified(f, 0);
        abandon_and_open(f);
        check_events(f, (uint64_t)way, count_of(f->journal, (uint64_t)way));
        close_journal(f);
    }
}

static void test_the_files_have_the_dictionary_both(void **state)
{
    fixture_t *f = *state;
    begin(f, 5);
    close_journal(f);
    uint32_t size = (uint32_t)event_words_size();
    oversized_inspection_t *found = NULL;
    assert_ok(oversized_inspect(&f->config, &found));
    assert_int_equal(found->sections[0].dictionary, size);
    oversized_inspection_free(found);
    for (int kind = 0; kind < 2; kind++) {
        log_identity_t identity;
        bytes_t file = read_file(kind == 0 ? index_path(f, SECTION).text : values_path(f, SECTION).text);
        size_t place = kind == 0 ? 3 * BLOCK : BLOCK;
        assert_true(decode_log_identity(file.data, &identity));
        assert_int_equal(identity.dictionary_size, size);
        assert_int_equal(identity.dictionary_crc, crc32_z(0, (const uint8_t *)event_words, size));
        assert_memory_equal(file.data + place, event_words, size);
        for (size_t i = size; i < BLOCK; i++)
            assert_int_equal(file.data[place + i], 0);
        free_bytes(&file);
    }
}

static void test_a_dictionary_makes_small_values_smaller(void **state)
{
    fixture_t *f = *state;
    begin(f, MANY);
    close_journal(f);
    uint64_t with = stored(f, SECTION);
    f->config.dictionary_size = 0;
    open_journal(f);
    append_events(f, SECTION + 1, 0, MANY);
    close_journal(f);
    assert_true(with - 2 * BLOCK < (stored(f, SECTION + 1) - BLOCK) * 3 / 4);
}

static void test_sections_of_a_journal_have_several(void **state)
{
    fixture_t *f = *state;
    static char words[3][600];
    for (uint64_t section = 0; section < 100; section++) {
        char *own = words[section % 3];
        size_t size = 100 + section * 5;
        memset(own, 'a' + (int)(section % 26), size);
        memcpy(own, event_words + section % 50, 100);
        want_dictionary(f, own, section % 5 == 4 ? 0 : size);
        open_journal(f);
        append_events(f, section, 0, 12);
        close_journal(f);
    }
    f->config.dictionary_size = 0;
    open_journal(f);
    for (int round = 0; round < 2; round++)
        for (uint64_t section = 0; section < 100; section += 1 + (uint64_t)round * 2) {
            check_events(f, section, 12);
        }
    for (uint64_t section = 0; section < 100; section++)
        append_events(f, section, 12, 6);
    for (uint64_t section = 0; section < 100; section++)
        check_events(f, section, 18);
    check_verified(f, 0);
}

static void test_a_section_made_again_gets_the_one_that_is_configured(void **state)
{
    fixture_t *f = *state;
    begin(f, 30);
    append_events(f, SECTION + 1, 0, 10);
    reopen_without(f);
    assert_ok(oversized_rewind(f->journal, SECTION, 0));
    append_events(f, SECTION, 0, 20);
    append_events(f, SECTION + 1, 0, 20);
    check_events(f, SECTION, 20);
    check_events(f, SECTION + 1, 20);
    close_and_open(f);
    check_events(f, SECTION, 20);
    check_events(f, SECTION + 1, 20);
    log_identity_t identity;
    bytes_t file = read_file(values_path(f, SECTION + 1).text);
    assert_true(decode_log_identity(file.data, &identity));
    assert_int_equal(identity.dictionary_size, 0);
    free_bytes(&file);
}

static void test_the_largest_and_the_smallest(void **state)
{
    fixture_t *f = *state;
    uint8_t *large = malloc(OVERSIZED_DICTIONARY_MAX + 1);
    assert_non_null(large);
    for (size_t i = 0; i <= OVERSIZED_DICTIONARY_MAX; i++)
        large[i] = (uint8_t)event_words[(i * 31 + i / 97) % event_words_size()];
    static const size_t sizes[] = {OVERSIZED_DICTIONARY_MAX, 8, 4096, 4097};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        want_dictionary(f, large, sizes[i]);
        open_journal(f);
        append_events(f, i, 0, 30);
        check_events(f, i, 30);
        close_journal(f);
        check_events_in(f, f->config.directory, i, 30);
    }
    free(large);
}

static void test_copies_and_salvages_have_it(void **state)
{
    fixture_t *f = *state;
    oversized_copy_options_t options;
    oversized_copied_t copied;
    oversized_salvaged_t salvaged;
    path_t copy = join_path(f->root.text, "copy");
    begin(f, MANY);
    assert_ok(oversized_sync_all(f->journal));
    oversized_copy_options_init(&options);
    assert_ok(oversized_copy(f->journal, copy.text, &options, &copied));
    check_events_in(f, copy.text, SECTION, MANY);
    append_events(f, SECTION, MANY, MANY);
    assert_ok(oversized_sync_all(f->journal));
    assert_ok(oversized_copy(f->journal, copy.text, &options, &copied));
    check_events_in(f, copy.text, SECTION, 2 * MANY);
    /* A damaged dictionary of the copy is made good by the next one. */
    flip_byte(join_path(copy.text, "test_values/0000000000000003").text, BLOCK + 7);
    assert_ok(oversized_copy(f->journal, copy.text, &options, &copied));
    bytes_t file = read_file(join_path(copy.text, "test_values/0000000000000003").text);
    assert_memory_equal(file.data + BLOCK, event_words, event_words_size());
    free_bytes(&file);
    close_journal(f);
    /* The values file's dictionary is damaged: the index file has it. */
    flip_byte(values_path(f, SECTION).text, BLOCK + 7);
    oversized_config_t from = f->config;
    oversized_config_t to = f->config;
    from.storage = to.storage = NULL;
    path_t made = join_path(f->root.text, "made");
    to.directory = made.text;
    assert_ok(oversized_salvage(&from, &to, NULL, &salvaged));
    assert_int_equal(salvaged.records, 2 * MANY);
    assert_int_equal(salvaged.gaps, 0);
    check_events_in(f, made.text, SECTION, 2 * MANY);
}

/* --- damage --- */

/* Of the events that are read those fail that are compressed. */
static void check_lost(fixture_t *f, uint64_t count)
{
    uint8_t value[EVENT_MOST];
    unsigned lost = 0;
    unsigned kept = 0;
    for (uint64_t i = 0; i < count; i++) {
        oversized_location_t location;
        oversized_reader_t *reader = NULL;
        segj_status_t status = oversized_read(f->journal, SECTION, i, NULL, &f->value);
        assert_ok(oversized_get(f->journal, SECTION, i, NULL, &location));
        segj_status_t streamed = oversized_reader_open(f->journal, SECTION, location, false, &reader);
        assert_status(streamed, status);
        oversized_reader_close(reader);
        if (status != SEGJ_OK) {
            assert_status(status, SEGJ_ERR_COMPRESSION);
            lost++;
            continue;
        }
        assert_int_equal(f->value.size, make_event(i, value));
        if (f->value.size > 0)
            assert_memory_equal(f->value.data, value, f->value.size);
        kept++;
    }
    assert_true(lost > count / 3 && kept > count / 8);
}

static void test_one_damaged_copy_costs_nothing(void **state)
{
    fixture_t *f = *state;
    for (int kind = 0; kind < 2; kind++) {
        begin(f, 0);
        append_events(f, (uint64_t)kind, 0, MANY);
        close_journal(f);
        path_t path = kind == 0 ? values_path(f, 0) : index_path(f, 1);
        uint64_t place = kind == 0 ? BLOCK : 3 * BLOCK;
        flip_byte(path.text, place + 11);
        f->config.dictionary_size = 0;
        f->config.read_only = true;
        open_journal(f);
        check_events(f, (uint64_t)kind, MANY);
        check_verified(f, 1);
        check_events_followed(f, (uint64_t)kind, MANY);
        close_journal(f);
        f->config.read_only = false;
        f->config.strict = true;
        open_journal(f);
        check_events(f, (uint64_t)kind, MANY);
        append_events(f, (uint64_t)kind, MANY, 20); /* mends it first */
        check_events(f, (uint64_t)kind, MANY + 20);
        check_verified(f, 0);
        bytes_t file = read_file(path.text);
        assert_memory_equal(file.data + place, event_words, event_words_size());
        free_bytes(&file);
        close_journal(f);
        f->config.strict = false;
    }
}

static void test_both_damaged_cost_the_values_that_want_it(void **state)
{
    fixture_t *f = *state;
    begin(f, MANY);
    close_journal(f);
    flip_byte(values_path(f, SECTION).text, BLOCK + 11);
    flip_byte(index_path(f, SECTION).text, 3 * BLOCK + 12);
    f->config.strict = true;
    open_journal(f);
    check_lost(f, MANY);
    assert_int_equal(count_of(f->journal, SECTION), MANY);
    append_events(f, SECTION, MANY, 60); /* as they are */
    close_and_open(f);
    uint8_t value[EVENT_MOST];
    for (uint64_t i = MANY; i < MANY + 60; i++) {
        assert_ok(oversized_read(f->journal, SECTION, i, NULL, &f->value));
        assert_int_equal(f->value.size, make_event(i, value));
    }
    append_events(f, SECTION, MANY + 60, 5);
    check_lost(f, MANY);
    close_journal(f);
    /* What was lost comes back with the dictionary. */
    write_file_at(values_path(f, SECTION).text, BLOCK, (const uint8_t *)event_words, event_words_size());
    open_journal(f);
    check_events(f, SECTION, MANY + 65);
}

/* A section without records of which both copies are damaged was never used: it goes on without. */
static void test_a_creation_that_was_cut_off_is_made_anew(void **state)
{
    fixture_t *f = *state;
    for (int way = 0; way < 4; way++) {
        uint64_t section = (uint64_t)way;
        want_dictionary(f, event_words, event_words_size());
        open_journal(f);
        append_events(f, section, 0, 1);
        abandon_journal(f);
        /* as a crash leaves it: identities, and something of the dictionaries */
        resize_file(index_path(f, section).text, way < 2 ? 3 * BLOCK : 3 * BLOCK + 50);
        resize_file(values_path(f, section).text, way % 2 == 0 ? BLOCK : BLOCK + 70);
        uint8_t zeros[2 * BLOCK] = {0};
        write_file_at(index_path(f, section).text, BLOCK, zeros, sizeof zeros);
        f->config.dictionary_size = 0;
        f->config.strict = true;
        open_journal(f);
        assert_int_equal(count_of(f->journal, section), 0);
        append_events(f, section, 0, 40);
        check_events(f, section, 40);
        close_and_open(f);
        check_events(f, section, 40);
        close_journal(f);
        log_identity_t identity;
        for (int kind = 0; kind < 2; kind++) {
            bytes_t file = read_file(kind == 0 ? index_path(f, section).text : values_path(f, section).text);
            assert_true(decode_log_identity(file.data, &identity));
            assert_int_equal(identity.dictionary_size, 0);
            free_bytes(&file);
        }
        f->config.strict = false;
    }
}

/* With one copy whole it keeps it. */
static void test_a_creation_with_one_whole_copy_keeps_it(void **state)
{
    fixture_t *f = *state;
    for (int kind = 0; kind < 2; kind++) {
        uint64_t section = (uint64_t)kind;
        want_dictionary(f, event_words, event_words_size());
        open_journal(f);
        append_events(f, section, 0, 1);
        abandon_journal(f);
        resize_file(index_path(f, section).text, kind == 0 ? 3 * BLOCK + 20 : 4 * BLOCK);
        resize_file(values_path(f, section).text, kind == 1 ? BLOCK + 20 : 2 * BLOCK);
        f->config.dictionary_size = 0;
        open_journal(f);
        append_events(f, section, 0, 40);
        check_events(f, section, 40);
        check_verified(f, 0);
        close_journal(f);
        bytes_t file = read_file(kind == 0 ? index_path(f, section).text : values_path(f, section).text);
        assert_memory_equal(file.data + (kind == 0 ? 3 * BLOCK : BLOCK), event_words, event_words_size());
        free_bytes(&file);
    }
}

/* An index file that is lost is made again, with the dictionary. */
static void test_a_lost_index_file_has_it_again(void **state)
{
    fixture_t *f = *state;
    begin(f, MANY);
    close_journal(f);
    bytes_t index = read_file(index_path(f, SECTION).text);
    memset(index.data, 0, index.size);
    write_file_at(index_path(f, SECTION).text, 0, index.data, index.size);
    free_bytes(&index);
    f->config.dictionary_size = 0;
    open_journal(f);
    check_events(f, SECTION, MANY);
    append_events(f, SECTION, MANY, 10);
    check_verified(f, 0);
    close_journal(f);
    index = read_file(index_path(f, SECTION).text);
    assert_memory_equal(index.data + 3 * BLOCK, event_words, event_words_size());
    free_bytes(&index);
}

/* Whichever byte of whichever copy: nothing is lost by one, and nothing wrong is given by two. */
static void test_every_byte_of_a_dictionary_is_found(void **state)
{
    fixture_t *f = *state;
    uint8_t value[EVENT_MOST];
    begin(f, 20);
    close_journal(f);
    f->config.dictionary_size = 0;
    f->config.read_only = true;
    for (uint64_t byte = 0; byte < event_words_size(); byte += 3)
        for (int both = 0; both < 2; both++) {
            flip_byte(values_path(f, SECTION).text, BLOCK + byte);
            if (both)
                flip_byte(index_path(f, SECTION).text, 3 * BLOCK + event_words_size() - 1 - byte);
            open_journal(f);
            for (uint64_t i = 0; i < 20; i++) {
                segj_status_t status = oversized_read(f->journal, SECTION, i, NULL, &f->value);
                if (both && status == SEGJ_ERR_COMPRESSION)
                    continue;
                assert_ok(status);
                assert_int_equal(f->value.size, make_event(i, value));
                if (f->value.size > 0)
                    assert_memory_equal(f->value.data, value, f->value.size);
            }
            close_journal(f);
            flip_byte(values_path(f, SECTION).text, BLOCK + byte);
            if (both)
                flip_byte(index_path(f, SECTION).text, 3 * BLOCK + event_words_size() - 1 - byte);
        }
}

/* Writes a section's identities anew, by another dictionary. */
static void forge(const fixture_t *f, const uint8_t *bytes, uint32_t size, uint32_t told)
{
    for (int kind = 0; kind < 2; kind++) {
        uint8_t block[HEADER_BLOCK];
        log_identity_t identity;
        path_t path = kind == 0 ? index_path(f, SECTION) : values_path(f, SECTION);
        bytes_t file = read_file(path.text);
        assert_true(decode_log_identity(file.data, &identity));
        identity.dictionary_size = told;
        identity.dictionary_crc = told > 0 ? (uint32_t)crc32_z(0, bytes, size) : 0;
        encode_log_identity(block, &identity);
        write_file_at(path.text, 0, block, sizeof block);
        write_file_at(path.text, kind == 0 ? 3 * BLOCK : BLOCK, bytes, size);
        free_bytes(&file);
    }
}

/* Identities whose checksums are right, over what nobody writes. */
static void test_forged_dictionaries_are_refused_or_lost(void **state)
{
    fixture_t *f = *state;
    oversized_salvaged_t salvaged;
    uint8_t broken[300] = {0x37, 0xA4, 0x30, 0xEC, 1, 2, 3}; /* begins as a trained one */
    begin(f, MANY);
    close_journal(f);
    f->config.dictionary_size = 0;
    forge(f, broken, sizeof broken, sizeof broken);
    open_journal(f);
    check_lost(f, MANY);
    append_events(f, SECTION, MANY, 10);
    check_lost(f, MANY);
    close_journal(f);
    oversized_config_t from = f->config;
    oversized_config_t to = f->config;
    from.storage = to.storage = NULL;
    path_t made = join_path(f->root.text, "made");
    to.directory = made.text;
    assert_ok(oversized_salvage(&from, &to, NULL, &salvaged));
    assert_true(salvaged.records >= 10 + MANY / 8 && salvaged.records < MANY);
    assert_true(salvaged.gaps > 0);
    forge(f, broken, sizeof broken, OVERSIZED_DICTIONARY_MAX); /* the file has frames there */
    f->config.strict = true;
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    f->config.strict = false;
    forge(f, broken, sizeof broken, OVERSIZED_DICTIONARY_MAX + 1);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    forge(f, broken, sizeof broken, UINT32_MAX);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
}

/* A follower that was there before the section. */
static void test_a_follower_sees_a_section_with_a_dictionary_come(void **state)
{
    fixture_t *f = *state;
    oversized_follower_t *follower = NULL;
    oversized_followed_t followed;
    uint8_t value[EVENT_MOST];
    uint64_t seen = 0;
    oversized_config_t config;
    begin(f, 0);
    append_events(f, 1, 0, 3);
    assert_ok(oversized_sync_all(f->journal));
    oversized_config_init(&config);
    config.directory = f->config.directory;
    config.index_partition = f->config.index_partition;
    config.value_partition = f->config.value_partition;
    assert_ok(oversized_follow_open(&config, NULL, &follower));
    for (uint64_t i = 0; i < 3; i++)
        assert_ok(oversized_follow_next(follower, &followed));
    for (uint64_t round = 0; round < 10; round++) {
        append_events(f, SECTION, round * 7, 7);
        assert_ok(round % 2 == 0 ? oversized_flush(f->journal, SECTION) : oversized_sync(f->journal, SECTION));
        segj_status_t status;
        while ((status = oversized_follow_next(follower, &followed)) == SEGJ_OK) {
            assert_int_equal(followed.position, seen);
            assert_int_equal(followed.value_size, make_event(seen++, value));
            if (followed.value_size > 0)
                assert_memory_equal(followed.value, value, followed.value_size);
        }
        assert_status(status, SEGJ_END);
        assert_int_equal(seen, (round + 1) * 7);
    }
    oversized_follow_close(follower);
}

/* --- training --- */

enum { SAMPLES = 2000 };

static segj_slice_t *make_samples(size_t count, uint8_t **memory)
{
    segj_slice_t *samples = calloc(count, sizeof *samples);
    *memory = malloc(count * EVENT_MOST);
    assert_true(samples != NULL && *memory != NULL);
    for (size_t i = 0; i < count; i++)
        samples[i] = (segj_slice_t){*memory + i * EVENT_MOST, make_event(i, *memory + i * EVENT_MOST)};
    return samples;
}

static void test_a_dictionary_is_trained_from_values(void **state)
{
    fixture_t *f = *state;
    uint8_t *memory;
    segj_slice_t *samples = make_samples(SAMPLES, &memory);
    segj_buffer_t made = SEGJ_ZERO;
    static const size_t sizes[] = {256, 1024, 4096, 20000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_ok(oversized_train_dictionary(samples, SAMPLES, sizes[i], &made));
        assert_in_range(made.size, 200, sizes[i]);
        want_dictionary(f, made.data, made.size);
        open_journal(f);
        append_events(f, i, 0, MANY);
        check_events(f, i, MANY);
        close_journal(f);
    }
    /* It does more than words do. */
    want_dictionary(f, event_words, event_words_size());
    open_journal(f);
    append_events(f, 9, 0, MANY);
    close_journal(f);
    assert_true(stored(f, 2) < stored(f, 9));
    segj_buffer_free(&made);
    free(samples);
    free(memory);
}

static void test_a_section_is_trained_from(void **state)
{
    fixture_t *f = *state;
    segj_buffer_t made = SEGJ_ZERO;
    static const int levels[] = {0, 3};
    for (size_t i = 0; i < 2; i++) {
        f->config.native_version = i == 0 ? 1 : 2;
        f->config.compression = levels[i];
        f->config.dictionary_size = 0;
        open_journal(f);
        append_events(f, i, 0, SAMPLES);
        assert_ok(oversized_train_section(f->journal, i, 4096, &made));
        assert_true(made.size > 1000);
        close_journal(f);
        want_dictionary(f, made.data, made.size);
        open_journal(f);
        append_events(f, 10 + i, 0, MANY);
        check_events(f, 10 + i, MANY);
        close_journal(f);
    }
    segj_buffer_free(&made);
}

static void test_what_cannot_be_trained_is_said(void **state)
{
    fixture_t *f = *state;
    uint8_t *memory;
    segj_slice_t *samples = make_samples(100, &memory);
    segj_buffer_t made = SEGJ_ZERO;
    open_journal(f);
    append_events(f, 1, 0, 3);
    assert_ok(oversized_prune(f->journal, 1, NULL));
    assert_status(oversized_train_dictionary(samples, 100, 255, &made), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "size is 255, expected 256 to 262144 bytes"));
    assert_status(oversized_train_dictionary(samples, 100, OVERSIZED_DICTIONARY_MAX + 1, &made), SEGJ_ERR_INVALID);
    assert_status(oversized_train_dictionary(samples, 100, 4096, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_train_dictionary(NULL, 100, 4096, &made), SEGJ_ERR_INVALID);
    assert_status(oversized_train_dictionary(&(segj_slice_t){NULL, 5}, 1, 4096, &made), SEGJ_ERR_INVALID);
    assert_status(oversized_train_dictionary(NULL, 0, 4096, &made), SEGJ_ERR_COMPRESSION);
    assert_status(oversized_train_dictionary(samples, 7, 4096, &made), SEGJ_ERR_COMPRESSION);
    assert_non_null(strstr(segj_last_error(), "too few"));
    assert_status(oversized_train_section(f->journal, 1, 4096, &made), SEGJ_ERR_COMPRESSION);
    assert_status(oversized_train_section(f->journal, 0, 4096, &made), SEGJ_ERR_PRUNED);
    assert_status(oversized_train_section(f->journal, 2, 4096, &made), SEGJ_ERR_NO_SECTION);
    assert_status(oversized_train_section(f->journal, 1, 4096, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_train_section(f->journal, 1, 9, &made), SEGJ_ERR_INVALID);
    assert_int_equal(made.size, 0);
    segj_buffer_free(&made);
    free(samples);
    free(memory);
}

/* The bytes of a section's dictionary on the disk. */
static uint32_t dictionary_on_disk(const fixture_t *f, uint64_t section)
{
    log_identity_t identity;
    bytes_t file = read_file(values_path(f, section).text);
    assert_true(decode_log_identity(file.data, &identity));
    free_bytes(&file);
    return identity.dictionary_size;
}

/* How often new sections have come to get another dictionary. */
static uint64_t stamps_of(fixture_t *f)
{
    segj_lock(&f->journal->shared.state);
    uint64_t stamps = f->journal->codec.dictionaries.stamps;
    segj_unlock(&f->journal->shared.state);
    return stamps;
}

static segj_trainer_state_t trainer_of(fixture_t *f)
{
    segj_lock(&f->journal->trainer.lock);
    segj_trainer_state_t state = f->journal->trainer.state;
    segj_unlock(&f->journal->trainer.lock);
    return state;
}

/* Waits for the thread. */
static void await_dictionary(fixture_t *f)
{
    for (int i = 0; i < 20000 && (stamps_of(f) == 0 || trainer_of(f) != SEGJ_TRAINER_FREE); i++)
        segj_pause(1);
    assert_int_equal(stamps_of(f), 1);
    assert_int_equal(trainer_of(f), SEGJ_TRAINER_FREE);
}

static void test_new_sections_get_one_that_is_trained_meanwhile(void **state)
{
    fixture_t *f = *state;
    f->config.native_version = 2;
    f->config.compression = 3;
    f->config.auto_dictionary = 2048;
    f->config.log = NULL; /* the fixture's is for one thread */
    open_journal(f);
    append_events(f, 1, 0, SAMPLES);
    append_events(f, 2, 0, MANY); /* before any sync */
    assert_ok(oversized_sync(f->journal, 1));
    await_dictionary(f);
    append_events(f, 3, 0, MANY);
    append_events(f, 2, MANY, MANY);
    check_events(f, 3, MANY);
    check_events(f, 2, 2 * MANY);
    append_events(f, 1, 0, 1);
    assert_ok(oversized_sync(f->journal, 1)); /* not again */
    assert_int_equal(trainer_of(f), SEGJ_TRAINER_FREE);
    close_journal(f);
    assert_int_equal(dictionary_on_disk(f, 1), 0);
    assert_int_equal(dictionary_on_disk(f, 2), 0);
    assert_in_range(dictionary_on_disk(f, 3), 1000, 2048);
    /* A journal that is closed while the thread works. */
    for (uint64_t i = 0; i < 10; i++) {
        open_journal(f);
        append_events(f, 4 + i, 0, SAMPLES);
        assert_ok(oversized_sync(f->journal, 4 + i));
        i % 2 == 0 ? close_journal(f) : abandon_journal(f);
    }
    open_journal(f);
    append_events(f, 20, 0, SAMPLES);
    assert_ok(oversized_sync(f->journal, 20));
    assert_ok(oversized_destroy(f->journal));
    f->journal = NULL;
}

/* A payload is made before the lock is taken; where the section turns out to be another one it is made again. */
static void test_payloads_fit_their_section_alone(void **state)
{
    fixture_t *f = *state;
    segj_section_t other = {.values = {.salt = 7, .dictionary = {100, 1}}, .born_with = 3};
    segj_section_t none = {.values = {.salt = 7}};
    want_dictionary(f, event_words, event_words_size());
    open_journal(f);
    uint64_t next = f->journal->codec.dictionaries.next->stamp;
    const segj_payload_for_t plain = {.packed = false};
    const segj_payload_for_t fresh = {.packed = true, .stamp = next};
    const segj_payload_for_t older = {.packed = true, .stamp = next + 1};
    const segj_payload_for_t same = {.packed = true, .exists = true, .salt = 7};
    const segj_payload_for_t another = {.packed = true, .exists = true, .salt = 8};
    assert_true(segj_payload_fits(f->journal, NULL, fresh));
    assert_false(segj_payload_fits(f->journal, NULL, plain));
    assert_false(segj_payload_fits(f->journal, NULL, older));
    assert_false(segj_payload_fits(f->journal, NULL, same));
    assert_true(segj_payload_fits(f->journal, &none, plain));
    assert_false(segj_payload_fits(f->journal, &none, fresh));
    assert_false(segj_payload_fits(f->journal, &none, same));
    assert_true(segj_payload_fits(f->journal, &other, same));
    assert_false(segj_payload_fits(f->journal, &other, another));
    assert_false(segj_payload_fits(f->journal, &other, plain));
    assert_false(segj_payload_fits(f->journal, &other, (segj_payload_for_t){.packed = true, .stamp = 4}));
    assert_true(segj_payload_fits(f->journal, &other, (segj_payload_for_t){.packed = true, .stamp = 3}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_what_gains_nothing_is_stored_as_it_is),
        PROMISE(test_a_flipped_flag_is_found),
        PROMISE(test_a_raw_value_beyond_max_value_size_is_refused),
        PROMISE(test_values_with_a_dictionary_go_in_and_out),
        PROMISE(test_the_files_have_the_dictionary_both),
        PROMISE(test_a_dictionary_makes_small_values_smaller),
        PROMISE(test_sections_of_a_journal_have_several),
        PROMISE(test_a_section_made_again_gets_the_one_that_is_configured),
        PROMISE(test_the_largest_and_the_smallest),
        PROMISE(test_copies_and_salvages_have_it),
        PROMISE(test_one_damaged_copy_costs_nothing),
        PROMISE(test_both_damaged_cost_the_values_that_want_it),
        PROMISE(test_a_creation_that_was_cut_off_is_made_anew),
        PROMISE(test_a_creation_with_one_whole_copy_keeps_it),
        PROMISE(test_a_lost_index_file_has_it_again),
        PROMISE(test_every_byte_of_a_dictionary_is_found),
        PROMISE(test_forged_dictionaries_are_refused_or_lost),
        PROMISE(test_a_follower_sees_a_section_with_a_dictionary_come),
        PROMISE(test_a_dictionary_is_trained_from_values),
        PROMISE(test_a_section_is_trained_from),
        PROMISE(test_what_cannot_be_trained_is_said),
        PROMISE(test_new_sections_get_one_that_is_trained_meanwhile),
        PROMISE(test_payloads_fit_their_section_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
