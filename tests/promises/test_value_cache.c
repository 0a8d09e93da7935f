/*
 * promises/test_value_cache.c: values of compressed sections that are kept unpacked (oversized_config_t.value_cache): they
 * are read from there, never after a rewind or a prune, and take no more memory than they may.
 */
#include "promises/fixture.h"

#include <string.h>

#include "oversized/read/value_cache.h"

enum { SECTION = 4, TEXT = 1000, KEPT = 1 << 20, PARTS = 16 };

static const uint8_t entry[SMALL_ENTRY] = {1};

static void fill_text(uint8_t *bytes, uint64_t number)
{
    for (size_t i = 0; i < TEXT; i++)
        bytes[i] = (uint8_t)('a' + (i / 9 + number) % 7);
    memcpy(bytes, &number, sizeof number);
}

static void append_text(fixture_t *f, uint64_t number)
{
    uint8_t text[TEXT];
    fill_text(text, number);
    assert_ok(oversized_append(f->journal, SECTION, entry, text, TEXT, NULL, NULL));
}

static void check_text(fixture_t *f, uint64_t position, uint64_t number)
{
    uint8_t text[TEXT];
    fill_text(text, number);
    assert_ok(oversized_read(f->journal, SECTION, position, NULL, &f->value));
    assert_int_equal(f->value.size, TEXT);
    assert_memory_equal(f->value.data, text, TEXT);
}

static segj_value_cache_counts_t counts_of(const fixture_t *f)
{
    return segj_value_cache_count(f->journal->value_cache);
}

static void begin(fixture_t *f, size_t kept, uint64_t count)
{
    f->config.compression = 3;
    f->config.value_cache = kept;
    open_journal(f);
    for (uint64_t i = 0; i < count; i++)
        append_text(f, i);
}

static void a_value_is_unpacked_once(void **state)
{
    fixture_t *f = *state;
    begin(f, KEPT, 20);
    assert_ok(oversized_sync(f->journal, SECTION));
    for (int round = 0; round < 3; round++)
        for (uint64_t i = 0; i < 20; i++)
            check_text(f, i, i);
    assert_int_equal(counts_of(f).misses, 20);
    assert_int_equal(counts_of(f).hits, 40);
    assert_int_equal(counts_of(f).values, 20);
    close_and_open(f);
    assert_int_equal(counts_of(f).values, 0);
    check_text(f, 7, 7);
    assert_int_equal(counts_of(f).misses, 1);
}

static void its_bytes_need_not_be_in_the_file_any_more(void **state)
{
    fixture_t *f = *state;
    begin(f, KEPT, 3);
    close_and_open(f);
    check_text(f, 1, 1);
    oversized_location_t location;
    assert_ok(oversized_get(f->journal, SECTION, 1, NULL, &location));
    flip_byte(values_path(f, SECTION).text, 4096 + location.offset + 5);
    check_text(f, 1, 1); /* it is not read again */
    assert_ok(oversized_get_value(f->journal, SECTION, location, &f->value));
    location.size--; /* which no value has */
    assert_int_equal(oversized_get_value(f->journal, SECTION, location, &f->value), SEGJ_ERR_CHECKSUM);
}

static void what_was_rewound_is_never_shown_again(void **state)
{
    fixture_t *f = *state;
    begin(f, KEPT, 6);
    /* So many that some lie in one list of the cache with what was at their place before. */
    for (uint64_t round = 1; round < 80; round++) {
        for (uint64_t i = 0; i < 6; i++)
            check_text(f, i, i < 2 ? i : (round - 1) * 100 * (round > 1) + i);
        assert_ok(oversized_rewind_section(f->journal, SECTION, 2 * SMALL_RECORD));
        assert_int_equal(oversized_read(f->journal, SECTION, 2, NULL, &f->value), SEGJ_ERR_NO_RECORD);
        for (uint64_t i = 2; i < 6; i++)
            append_text(f, round * 100 + i); /* as large as what was there */
    }
}

static void a_section_that_is_made_again_has_its_own(void **state)
{
    fixture_t *f = *state;
    begin(f, KEPT, 3);
    check_text(f, 0, 0);
    assert_ok(oversized_rewind(f->journal, SECTION - 1, 0)); /* takes the section away */
    assert_int_equal(oversized_read(f->journal, SECTION, 0, NULL, &f->value), SEGJ_ERR_NO_SECTION);
    append_text(f, 50);
    check_text(f, 0, 50);
    assert_ok(oversized_prune(f->journal, SECTION + 1, NULL));
    assert_int_equal(oversized_read(f->journal, SECTION, 0, NULL, &f->value), SEGJ_ERR_PRUNED);
}

static void no_more_is_kept_than_may_be(void **state)
{
    fixture_t *f = *state;
    begin(f, PARTS * 4000, 200); /* three or so in each part */
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 200; i++) {
            check_text(f, i, i);
            assert_true(counts_of(f).bytes <= PARTS * 4000);
        }
    assert_in_range(counts_of(f).values, 20, PARTS * 3);
    uint64_t hits = counts_of(f).hits;
    check_text(f, 199, 199); /* the last one is the last to go */
    assert_int_equal(counts_of(f).hits, hits + 1);
}

static void what_is_used_stays(void **state)
{
    fixture_t *f = *state;
    begin(f, PARTS * 4000, 200);
    for (uint64_t i = 0; i < 200; i++) {
        check_text(f, i, i);
        check_text(f, 0, 0);
    }
    assert_int_equal(counts_of(f).misses, 200);
}

static void what_is_too_large_is_not_kept(void **state)
{
    fixture_t *f = *state;
    begin(f, PARTS * (2 * TEXT - 2), 3);
    for (uint64_t i = 0; i < 3; i++)
        check_text(f, i, i);
    assert_int_equal(counts_of(f).values, 0);
    close_journal(f);
    f->config.value_cache = 1;
    open_journal(f);
    check_text(f, 2, 2);
    assert_int_equal(counts_of(f).bytes, 0);
}

static void plain_values_and_no_cache_keep_none(void **state)
{
    fixture_t *f = *state;
    f->config.value_cache = KEPT;
    open_journal(f);
    append_text(f, 0);
    check_text(f, 0, 0);
    assert_int_equal(counts_of(f).misses, 0);
    close_journal(f);
    f->config.value_cache = 0;
    open_journal(f);
    assert_null(f->journal->value_cache);
}

static void views_are_made_of_what_is_kept(void **state)
{
    fixture_t *f = *state;
    oversized_view_t view = {0};
    uint8_t text[TEXT];
    begin(f, KEPT, 2);
    check_text(f, 1, 1);
    fill_text(text, 1);
    assert_ok(oversized_view(f->journal, SECTION, 1, NULL, &view));
    assert_int_equal(view.size, TEXT);
    assert_memory_equal(view.data, text, TEXT);
    oversized_view_release(&view);
    assert_int_equal(counts_of(f).hits, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(a_value_is_unpacked_once),
        PROMISE(its_bytes_need_not_be_in_the_file_any_more),
        PROMISE(what_was_rewound_is_never_shown_again),
        PROMISE(a_section_that_is_made_again_has_its_own),
        PROMISE(no_more_is_kept_than_may_be),
        PROMISE(what_is_used_stays),
        PROMISE(what_is_too_large_is_not_kept),
        PROMISE(plain_values_and_no_cache_keep_none),
        PROMISE(views_are_made_of_what_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
