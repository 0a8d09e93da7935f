/*
 * promises/test_limits.c: a journal within little: few descriptors, little memory, small buffers, caches of a page, and
 * caches that journals share.
 */
#include "promises/fixture.h"
#include "promises/watch.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

enum { SECTIONS = 25 };

/* Appends to all sections in turn and reads from others in between. */
static void append_to_many_sections(fixture_t *f, uint64_t rounds)
{
    for (uint64_t round = 0; round < rounds; round++) {
        for (uint64_t section = 0; section < SECTIONS; section++) {
            append_samples(f->journal, section, section % 3 + 1, 0);
            uint64_t other = (section * 11 + round) % SECTIONS;
            if (count_of(f->journal, other) > 0)
                check_sample(f->journal, other, count_of(f->journal, other) - 1, 0);
        }
    }
}

static void check_many_sections(fixture_t *f, uint64_t rounds)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    assert_ok(oversized_replay_open(f->journal, 0, 0, 1024, &replay));
    for (uint64_t section = 0; section < SECTIONS; section++) {
        uint64_t count = rounds * (section % 3 + 1);
        check_section(f->journal, section, count, 0);
        for (uint64_t position = 0; position < count; position++) {
            assert_ok(oversized_replay_next(replay, &item));
            check_item(f->journal, &item, section, position, 0);
        }
    }
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
}

/* The whole life of many sections; the journal is gone in the end. */
static void live_with_many_sections(fixture_t *f)
{
    open_journal(f);
    append_to_many_sections(f, 4);
    check_many_sections(f, 4);
    assert_ok(oversized_sync_all(f->journal));
    abandon_and_open(f);
    check_many_sections(f, 4);
    append_to_many_sections(f, 2);
    close_and_open(f);
    check_many_sections(f, 6);
    assert_ok(oversized_rewind_section(f->journal, 3, 2 * SMALL_RECORD));
    assert_ok(oversized_rewind(f->journal, 10, SMALL_RECORD));
    assert_ok(oversized_prune(f->journal, 2, NULL));
    append_samples(f->journal, 10, 3, 0);
    check_section(f->journal, 3, 2, 0);
    check_section(f->journal, 10, 4, 0);
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_ok(oversized_destroy(journal));
}

/* --- descriptors --- */

static void test_no_more_files_are_open_than_configured(void **state)
{
    fixture_t *f = *state;
    static const uint32_t limits[] = {4, 5, 6, 9, 16};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        f->config.max_open_files = limits[i];
        f->config.storage = watch_begin();
        watch_seen()->quick = true;
        live_with_many_sections(f);
        assert_in_range(watch_seen()->files_open_most, 2, limits[i]);
        assert_int_equal(watch_seen()->files_open, 0);
    }
}

static void test_a_read_only_journal_keeps_within_its_descriptors(void **state)
{
    fixture_t *f = *state;
    f->config.max_open_files = 4;
    open_journal(f);
    append_to_many_sections(f, 2);
    close_journal(f);
    f->config.storage = watch_begin();
    f->config.read_only = true;
    open_journal(f);
    check_many_sections(f, 2);
    close_journal(f);
    assert_in_range(watch_seen()->files_open_most, 1, 4);
}

static void test_many_replays_at_once_need_no_descriptor_each(void **state)
{
    fixture_t *f = *state;
    oversized_replay_t *replays[SECTIONS];
    oversized_item_t item;
    f->config.max_open_files = 4;
    open_journal(f);
    append_to_many_sections(f, 2);
    for (uint64_t section = 0; section < SECTIONS; section++)
        assert_ok(oversized_replay_open(f->journal, section, 0, 0, &replays[section]));
    for (uint64_t position = 0; position < 2; position++) {
        for (uint64_t section = 0; section < SECTIONS; section++) {
            assert_ok(oversized_replay_next(replays[section], &item));
            check_item(f->journal, &item, section, position, 0);
            append_sample(f->journal, section, 0);
        }
    }
    for (uint64_t section = 0; section < SECTIONS; section++)
        oversized_replay_close(replays[section]);
    assert_in_range(watch_seen()->files_open_most, 2, 4);
}

/* --- memory --- */

static void test_little_write_memory_is_enough(void **state)
{
    fixture_t *f = *state;
    static const size_t sizes[] = {1, 100, 5000, 20000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        f->config.write_memory = sizes[i];
        live_with_many_sections(f);
    }
}

static void test_small_buffers_are_enough(void **state)
{
    fixture_t *f = *state;
    static const size_t sizes[] = {1, 77, 300};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        f->config.index_write_buffer = sizes[i];
        f->config.value_write_buffer = sizes[i];
        live_with_many_sections(f);
    }
}

static void test_compressed_sections_live_within_little(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 1;
    f->config.max_open_files = 4;
    f->config.write_memory = 1;
    f->config.page_cache_pages = 1;
    live_with_many_sections(f);
}

static void test_a_value_larger_than_all_write_memory(void **state)
{
    fixture_t *f = *state;
    const size_t size = 300000;
    uint8_t *value = malloc(size);
    assert_non_null(value);
    f->config.write_memory = 1000;
    open_journal(f);
    for (uint64_t i = 0; i < 6; i++) {
        fill_noise(value, size, i);
        assert_ok(oversized_append(f->journal, i % 2, entry, value, size, NULL, NULL));
    }
    for (int opened = 0; opened < 2; opened++) {
        for (uint64_t i = 0; i < 6; i++) {
            fill_noise(value, size, i);
            assert_ok(oversized_read(f->journal, i % 2, i / 2, NULL, &f->value));
            assert_int_equal(f->value.size, size);
            assert_memory_equal(f->value.data, value, size);
        }
        close_and_open(f);
    }
    free(value);
}

/* The largest values of all fields that are only bounds. */
static void test_the_largest_bounds_are_accepted(void **state)
{
    fixture_t *f = *state;
    f->config.max_open_files = UINT32_MAX;
    f->config.index_write_buffer = (size_t)1 << 30;
    f->config.value_write_buffer = (size_t)1 << 30;
    f->config.max_value_size = OVERSIZED_VALUE_MAX;
    f->config.write_memory = (size_t)1 << 20; /* to which the buffers are lowered */
    open_journal(f);
    append_samples(f->journal, 1, 100, 0);
    close_and_open(f);
    check_section(f->journal, 1, 100, 0);
}

/* --- page caches --- */

static void test_a_private_cache_of_one_page_is_enough(void **state)
{
    fixture_t *f = *state;
    f->config.page_cache_pages = 1;
    live_with_many_sections(f);
}

static void test_a_page_read_twice_comes_from_the_cache(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    close_journal(f);
    f->config.storage = watch_begin();
    open_journal(f);
    assert_ok(oversized_get(f->journal, 1, 0, NULL, NULL));
    uint64_t reads = watch_seen()->reads;
    for (uint64_t position = 0; position < 3; position++)
        assert_ok(oversized_get(f->journal, 1, position, NULL, NULL));
    assert_int_equal(watch_seen()->reads, reads);
}

/* Two journals with the same sections and other records, over one cache of four pages. */
static void test_journals_that_share_a_cache_do_not_mix_their_pages(void **state)
{
    fixture_t *f = *state;
    path_t directory = join_path(f->root.text, "second");
    oversized_t *second = NULL;
    assert_ok(segj_page_cache_create(SMALL_PAGE, 4, &f->config.page_cache));
    f->config.page_cache_pages = 0; /* ignored beside a cache */
    oversized_config_t config = f->config;
    config.directory = directory.text;
    open_journal(f);
    assert_ok(oversized_open(&config, &second));
    append_samples(f->journal, 1, 30, 0);
    append_samples(second, 1, 30, 1);
    close_and_open(f);
    assert_ok(oversized_close(second));
    assert_ok(oversized_open(&config, &second));
    segj_page_cache_release(f->config.page_cache); /* the journals hold references of their own */
    for (uint64_t position = 0; position < 30; position++) {
        check_sample(f->journal, 1, position, 0);
        check_sample(second, 1, position, 1);
    }
    assert_ok(oversized_rewind_section(f->journal, 1, 5 * SMALL_RECORD));
    append_samples(f->journal, 1, 25, 2);
    assert_ok(oversized_sync(f->journal, 1));
    check_samples(second, 1, 0, 30, 1);
    check_samples(f->journal, 1, 0, 5, 0);
    check_samples(f->journal, 1, 5, 30, 2);
    close_journal(f);
    check_section(second, 1, 30, 1);
    assert_ok(oversized_close(second));
}

/* A cache outlives its journals, and what one has read does not answer for the next one. */
static void test_a_cache_does_not_remember_a_journal_that_is_gone(void **state)
{
    fixture_t *f = *state;
    assert_ok(segj_page_cache_create(SMALL_PAGE, 64, &f->config.page_cache));
    for (unsigned salt = 0; salt < 3; salt++) {
        open_journal(f);
        append_samples(f->journal, 1, 30, salt);
        close_and_open(f);
        check_section(f->journal, 1, 30, salt);
        oversized_t *journal = f->journal;
        f->journal = NULL;
        assert_ok(oversized_destroy(journal));
    }
    segj_page_cache_release(f->config.page_cache);
}

static void test_a_cache_of_another_page_size_is_refused(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    close_journal(f);
    assert_ok(segj_page_cache_create(SMALL_PAGE + 1, 4, &f->config.page_cache));
    refuse_open_untouched(f, SEGJ_ERR_INVALID);
    f->config.page_size = 0; /* what the files have: it does not fit either */
    refuse_open_untouched(f, SEGJ_ERR_INVALID);
    segj_page_cache_release(f->config.page_cache);
    assert_ok(segj_page_cache_create(SMALL_PAGE, 4, &f->config.page_cache));
    open_journal(f);
    check_section(f->journal, 1, 30, 0);
    segj_page_cache_release(f->config.page_cache);
}

static void test_bounds_of_a_cache(void **state)
{
    (void)state;
    static const uint32_t pages[] = {1, 0, ((uint32_t)1 << 28) + 1};
    segj_page_cache_t *cache;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        cache = (segj_page_cache_t *)(void *)&state;
        assert_status(segj_page_cache_create(i == 0 ? 0 : 64, pages[i], &cache), SEGJ_ERR_INVALID);
        assert_null(cache);
    }
    assert_status(segj_page_cache_create(64, 1, NULL), SEGJ_ERR_INVALID);
    assert_ok(segj_page_cache_create(1, 1, &cache));
    segj_page_cache_release(cache);
    assert_ok(segj_page_cache_create(65535, 2, &cache));
    segj_page_cache_release(cache);
    segj_page_cache_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_no_more_files_are_open_than_configured),
        PROMISE(test_a_read_only_journal_keeps_within_its_descriptors),
        PROMISE(test_many_replays_at_once_need_no_descriptor_each),
        PROMISE(test_little_write_memory_is_enough),
        PROMISE(test_small_buffers_are_enough),
        PROMISE(test_compressed_sections_live_within_little),
        PROMISE(test_a_value_larger_than_all_write_memory),
        PROMISE(test_the_largest_bounds_are_accepted),
        PROMISE(test_a_private_cache_of_one_page_is_enough),
        PROMISE(test_a_page_read_twice_comes_from_the_cache),
        PROMISE(test_journals_that_share_a_cache_do_not_mix_their_pages),
        PROMISE(test_a_cache_does_not_remember_a_journal_that_is_gone),
        PROMISE(test_a_cache_of_another_page_size_is_refused),
        cmocka_unit_test(test_bounds_of_a_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
