/*
 * promises/test_follow_damage.c: a follower tells what is damaged and goes on; of version 2 it shows a section whose
 * index file is missing, or has a damaged header, and nothing of what a removal has left.
 */
#include "promises/following.h"

#include <stdlib.h>
#include <string.h>

/* --- damage --- */

static void test_a_damaged_value_is_told_and_passed_over(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_filled(f->journal, 3, 1, 'a', 20, NULL);
    oversized_location_t location = append_filled(f->journal, 3, 2, 'b', 20, NULL);
    append_filled(f->journal, 3, 3, 'c', 20, NULL);
    close_journal(f);
    flip_byte(values_path(f, 3).text,
              tested_values_data() + location.offset + location.size - 8 + (tested_version() == 2 ? 18 : 0));
    oversized_follower_t *follower = follow(f);
    oversized_followed_t followed;
    (void)expect(follower, OVERSIZED_FOLLOW_RECORD, 3, 0);
    assert_status(oversized_follow_next(follower, &followed), SEGJ_ERR_CHECKSUM);
    assert_int_equal(followed.section, 3);
    assert_int_equal(followed.position, 1);
    assert_non_null(strstr(segj_last_error(), "record 1"));
    (void)expect(follower, OVERSIZED_FOLLOW_RECORD, 3, 2);
    expect_end(follower);
    oversized_follow_close(follower);
}

static void test_a_damaged_page_or_head_is_told_each_time(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_and_sync(f, 3, 10, 0);
    append_and_sync(f, 4, 10, 0);
    close_journal(f);
    if (tested_version() == 2)
        flip_byte(values_path(f, 3).text, tested_values_data() + 2);
    else
        flip_byte(index_path(f, 3).text, tested_index_data());
    oversized_follower_t *follower = follow(f);
    oversized_followed_t followed;
    for (unsigned i = 0; i < 2; i++) {
        assert_status(oversized_follow_next(follower, &followed), SEGJ_ERR_CORRUPT);
        assert_int_equal(followed.section, 3);
        if (i == 0)
            expect_samples(follower, 4, 0, 10, 0); /* the others have their turn */
    }
    oversized_follow_close(follower);
}

static void test_a_value_beyond_the_limit_is_told_and_passed_over(void **state)
{
    fixture_t *f = *state;
    oversized_follower_t *follower = NULL;
    oversized_followed_t followed;
    open_journal(f);
    append_filled(f->journal, 3, 1, 'a', 600000, NULL);
    append_filled(f->journal, 3, 2, 'b', 100, NULL);
    append_filled(f->journal, 3, 3, 'c', 10, NULL);
    close_journal(f);
    f->config.max_value_size = 50;
    assert_ok(oversized_follow_open(&f->config, NULL, &follower));
    for (uint64_t i = 0; i < 2; i++) {
        assert_status(oversized_follow_next(follower, &followed), SEGJ_ERR_TOO_LARGE);
        assert_int_equal(followed.position, i);
    }
    (void)expect(follower, OVERSIZED_FOLLOW_RECORD, 3, 2);
    expect_end(follower);
    oversized_follow_close(follower);
}

/* --- an index file that is missing --- */

/* Of version 2 an open makes it again. Nothing is told twice, or taken back, whoever brings or takes it meanwhile. */
static void test_a_section_whose_index_file_is_missing_is_shown(void **state)
{
    fixture_t *f = *state;
    if (tested_version() != 2)
        SKIP("version 1 trusts no values without their index");
    open_journal(f);
    append_and_sync(f, 3, 30, 0);
    append_and_sync(f, 4, 5, 0);
    append_and_sync(f, 5, 2, 0);
    oversized_follower_t *follower = follow(f);
    expect_samples(follower, 3, 0, 10, 0);
    close_journal(f);
    remove_file(index_path(f, 3).text);
    remove_file(index_path(f, 4).text);
    oversized_follower_t *later = follow_from(f, OVERSIZED_FOLLOW_PLACE, 3, 28);
    for (unsigned i = 0; i < 2; i++) {
        oversized_follower_t *either = i == 0 ? follower : later;
        expect_samples(either, 3, i == 0 ? 10 : 28, 30, 0);
        expect_samples(either, 4, 0, 5, 0);
        expect_samples(either, 5, 0, 2, 0);
        expect_end(either);
    }
    open_journal(f); /* which makes both again */
    append_and_sync(f, 4, 2, 0);
    append_and_sync(f, 3, 3, 0);
    expect_samples(follower, 3, 30, 33, 0);
    expect_samples(follower, 4, 5, 7, 0);
    expect_end(follower);
    close_journal(f);
    remove_file(index_path(f, 3).text);
    expect_end(follower);
    remove_file(values_path(f, 3).text);
    (void)expect(follower, OVERSIZED_FOLLOW_REMOVED, 3, 33);
    expect_end(follower);
    oversized_follow_close(follower);
    oversized_follow_close(later);
}

/* The rest of a removal, and values of version 1, are no sections. */
static void test_values_that_an_open_removes_are_not_shown(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_and_sync(f, 3, 2, 0);
    append_and_sync(f, 4, 2, 0);
    oversized_follower_t *follower = follow(f);
    expect_samples(follower, 3, 0, 2, 0);
    expect_samples(follower, 4, 0, 2, 0);
    path_t mark = values_path(f, 3);
    memcpy(strrchr(mark.text, '/') + 1, ".removing", sizeof ".removing");
    if (tested_version() == 2)
        write_file(mark.text, "", 0);
    remove_file(index_path(f, 3).text);
    (void)expect(follower, OVERSIZED_FOLLOW_REMOVED, 3, 2);
    expect_end(follower);
    oversized_follower_t *later = follow(f);
    expect_samples(later, 4, 0, 2, 0);
    expect_end(later);
    remove_file(values_path(f, 3).text);
    expect_end(later);
    if (tested_version() == 2)
        remove_file(mark.text);
    append_and_sync(f, 4, 1, 0);
    expect_sample(follower, 4, 2, 0);
    expect_end(follower);
    expect_sample(later, 4, 2, 0);
    expect_end(later);
    oversized_follow_close(follower);
    oversized_follow_close(later);
}

static void test_a_damaged_header_of_an_index_file_hides_no_record(void **state)
{
    fixture_t *f = *state;
    if (tested_version() != 2)
        SKIP("version 1 trusts no values without their index");
    open_journal(f);
    append_and_sync(f, 3, 30, 0);
    close_journal(f);
    flip_byte(index_path(f, 3).text, 20);
    oversized_follower_t *follower = follow(f);
    expect_samples(follower, 3, 0, 30, 0);
    expect_end(follower);
    oversized_follow_close(follower);
    flip_byte(values_path(f, 3).text, 20);
    follower = follow(f);
    oversized_followed_t followed;
    assert_status(oversized_follow_next(follower, &followed), SEGJ_ERR_CORRUPT);
    oversized_follow_close(follower);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_damaged_value_is_told_and_passed_over),
        PROMISE(test_a_damaged_page_or_head_is_told_each_time),
        PROMISE(test_a_value_beyond_the_limit_is_told_and_passed_over),
        PROMISE(test_a_section_whose_index_file_is_missing_is_shown),
        PROMISE(test_values_that_an_open_removes_are_not_shown),
        PROMISE(test_a_damaged_header_of_an_index_file_hides_no_record),
    };
    return cmocka_run_group_tests_name("follow_damage", tests, NULL, NULL);
}
