/*
 * promises/test_dictionary.c: dictionaries of sections of version 2: every way in and out, sections with several, in copies,
 * beside followers.
 */
#include "promises/events.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

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
        size_t size = 100 + (size_t)section * 5;
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

/* A follower that was there before the section. */
static void test_a_follower_sees_a_section_with_a_dictionary_come(void **state)
{
    fixture_t *f = *state;
    oversized_follower_t *follower = NULL;
    oversized_followed_t followed;
    uint8_t value[EVENT_MOST];
    uint64_t seen = 0;
    begin(f, 0);
    append_events(f, 1, 0, 3);
    assert_ok(oversized_sync_all(f->journal));
    const oversized_config_t config = config_of_place(f);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_values_with_a_dictionary_go_in_and_out),
        PROMISE(test_the_files_have_the_dictionary_both),
        PROMISE(test_a_dictionary_makes_small_values_smaller),
        PROMISE(test_sections_of_a_journal_have_several),
        PROMISE(test_a_section_made_again_gets_the_one_that_is_configured),
        PROMISE(test_the_largest_and_the_smallest),
        PROMISE(test_copies_and_salvages_have_it),
        PROMISE(test_a_follower_sees_a_section_with_a_dictionary_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
