/*
 * promises/test_dictionary_damage.c: what a damaged dictionary costs, in either file and in both; creations that were cut off
 * while one was written; forged ones.
 */
#include "promises/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "segjournal/tools.h"
#include "support/log.h"

enum { MANY = 120, SECTION = 3, BLOCK = 4096 };

static void begin(fixture_t *f, uint64_t count)
{
    want_dictionary(f, event_words, event_words_size());
    open_journal(f);
    append_events(f, SECTION, 0, count);
}

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

/* Reads of the dictionary fail, in the one file or in both. */
static struct {
    segj_storage_t storage;
    bool values, index;
} unreadable;

static int read_or_fail(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    bool hit = size == event_words_size() &&
               ((unreadable.values && offset == BLOCK) || (unreadable.index && offset == 3 * BLOCK));
    return hit ? EIO : segj_storage_posix()->file_read(file, offset, buffer, size, done);
}

/* A sector that cannot be read costs no more than one that is damaged. */
static void test_one_unreadable_copy_costs_nothing(void **state)
{
    fixture_t *f = *state;
    for (int kind = 0; kind < 2; kind++) {
        unreadable.storage = *segj_storage_posix();
        unreadable.storage.file_read = read_or_fail;
        unreadable.values = unreadable.index = false;
        begin(f, 0);
        append_events(f, (uint64_t)kind, 0, MANY);
        close_journal(f);
        f->config.dictionary_size = 0;
        f->config.storage = &unreadable.storage;
        unreadable.values = kind == 0;
        unreadable.index = kind == 1;
        f->config.read_only = true;
        open_journal(f);
        check_events(f, (uint64_t)kind, MANY);
        close_journal(f);
        f->config.read_only = false;
        f->config.strict = true;
        open_journal(f);
        append_events(f, (uint64_t)kind, MANY, 20);
        check_events(f, (uint64_t)kind, MANY + 20);
        close_journal(f);
        /* Both: it may be read another time, and nothing is given up. */
        unreadable.values = unreadable.index = true;
        open_journal(f);
        uint64_t packed = 1;
        while (is_event_noise(packed))
            packed++;
        uint8_t entry[SMALL_ENTRY] = {0};
        assert_status(oversized_read(f->journal, (uint64_t)kind, packed, NULL, &f->value), SEGJ_ERR_IO);
        assert_status(oversized_append(f->journal, (uint64_t)kind, entry, event_words, 100, NULL, NULL), SEGJ_ERR_IO);
        unreadable.values = unreadable.index = false;
        check_events(f, (uint64_t)kind, MANY + 20);
        append_events(f, (uint64_t)kind, MANY + 20, 5);
        check_events(f, (uint64_t)kind, MANY + 25);
        close_journal(f);
        f->config.strict = false;
        f->config.storage = NULL;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_one_damaged_copy_costs_nothing),
        PROMISE(test_one_unreadable_copy_costs_nothing),
        PROMISE(test_both_damaged_cost_the_values_that_want_it),
        PROMISE(test_a_creation_that_was_cut_off_is_made_anew),
        PROMISE(test_a_creation_with_one_whole_copy_keeps_it),
        PROMISE(test_a_lost_index_file_has_it_again),
        PROMISE(test_every_byte_of_a_dictionary_is_found),
        PROMISE(test_forged_dictionaries_are_refused_or_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
