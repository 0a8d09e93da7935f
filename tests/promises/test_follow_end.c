/*
 * promises/test_follow_end.c: who follows from the end on is shown nothing that was there before, whatever is damaged of
 * that; nor is who follows from a place on shown what comes before it.
 */
#include "promises/fixture.h"
#include "segjournal/follow.h"

static void make(fixture_t *f)
{
    f->config.native_version = 2;
    f->config.format = SEGJ_FORMAT_NATIVE;
    open_journal(f);
    oversized_location_t tenth = {0, 0};
    for (unsigned i = 0; i < 100; i++) {
        oversized_location_t location;
        assert_ok(oversized_append(f->journal, 1, "12345678", "value", 5, NULL, &location));
        assert_ok(oversized_sync(f->journal, 1));
        tenth = i == 10 ? location : tenth;
    }
    flip_byte(values_path(f, 1).text, VALUES_DATA_OFFSET + tenth.offset + OVERSIZED_FRAME_HEAD + SMALL_ENTRY + 1);
}

static void nothing_of_before_is_shown(void **state)
{
    fixture_t *f = *state;
    oversized_followed_t followed;
    oversized_follow_options_t options;
    oversized_follower_t *follower;
    make(f);
    oversized_follow_options_init(&options);
    options.from = OVERSIZED_FOLLOW_END;
    oversized_config_t config = config_of_place(f);
    assert_ok(oversized_follow_open(&config, &options, &follower));
    segj_status_t status = oversized_follow_next(follower, &followed);
    print_message("status %d, position %llu\n", (int)status, (unsigned long long)followed.position);
    assert_int_equal(status, SEGJ_END);
    oversized_follow_close(follower);
}

static void nothing_before_the_place_is_told(void **state)
{
    fixture_t *f = *state;
    oversized_followed_t followed;
    oversized_follow_options_t options;
    oversized_follower_t *follower;
    make(f);
    oversized_follow_options_init(&options);
    options.from = OVERSIZED_FOLLOW_PLACE;
    options.section = 1;
    options.position = 50;
    oversized_config_t config = config_of_place(f);
    assert_ok(oversized_follow_open(&config, &options, &follower));
    segj_status_t status = oversized_follow_next(follower, &followed);
    print_message("status %d, position %llu\n", (int)status, (unsigned long long)followed.position);
    assert_int_equal(status, SEGJ_OK);
    assert_int_equal(followed.position, 50);
    oversized_follow_close(follower);
}

/* More than a window of records that no watermark covers. */
static void make_long(fixture_t *f, uint8_t version)
{
    static uint8_t value[1000];
    f->config.native_version = version;
    f->config.format = SEGJ_FORMAT_NATIVE;
    f->config.page_size = 4084;
    open_journal(f);
    for (unsigned i = 0; i < 900; i++) {
        assert_ok(oversized_append(f->journal, 1, "12345678", value, sizeof value, NULL, NULL));
        if (i % 10 == 9)
            assert_ok(oversized_sync(f->journal, 1));
    }
}

static void a_long_end(fixture_t *f, uint8_t version, oversized_follow_from_t from)
{
    oversized_followed_t followed;
    oversized_follow_options_t options;
    oversized_follower_t *follower;
    make_long(f, version);
    oversized_follow_options_init(&options);
    options.from = from;
    options.section = 1;
    options.position = 890;
    oversized_config_t config = config_of_place(f);
    assert_ok(oversized_follow_open(&config, &options, &follower));
    segj_status_t status = oversized_follow_next(follower, &followed);
    print_message("status %d, position %llu\n", (int)status, (unsigned long long)followed.position);
    if (from == OVERSIZED_FOLLOW_END)
        assert_int_equal(status, SEGJ_END);
    else
        assert_true(status == SEGJ_OK && followed.position == 890);
    oversized_follow_close(follower);
}

static void a_long_end_1(void **state)
{
    a_long_end(*state, 1, OVERSIZED_FOLLOW_END);
}

static void a_long_end_2(void **state)
{
    a_long_end(*state, 2, OVERSIZED_FOLLOW_END);
}

static void a_far_place_1(void **state)
{
    a_long_end(*state, 1, OVERSIZED_FOLLOW_PLACE);
}

static void a_far_place_2(void **state)
{
    a_long_end(*state, 2, OVERSIZED_FOLLOW_PLACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(nothing_of_before_is_shown),
        PROMISE(nothing_before_the_place_is_told),
        PROMISE(a_long_end_1),
        PROMISE(a_long_end_2),
        PROMISE(a_far_place_1),
        PROMISE(a_far_place_2),
    };
    return cmocka_run_group_tests_name("follow_end", tests, NULL, NULL);
}
