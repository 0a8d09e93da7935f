/* promises/following.c: see the header. */
#include "promises/following.h"

#include <string.h>

oversized_follower_t *follow_with(fixture_t *f, const oversized_follow_options_t *options)
{
    oversized_follower_t *follower = NULL;
    oversized_config_t config = config_of_place(f);
    assert_ok(oversized_follow_open(&config, options, &follower));
    assert_non_null(follower);
    return follower;
}

oversized_follower_t *follow(fixture_t *f)
{
    return follow_with(f, NULL);
}

oversized_follower_t *follow_from(fixture_t *f, oversized_follow_from_t from, uint64_t section, uint64_t position)
{
    oversized_follow_options_t options;
    oversized_follow_options_init(&options);
    options.from = from;
    options.section = section;
    options.position = position;
    return follow_with(f, &options);
}

void expect_end(oversized_follower_t *follower)
{
    oversized_followed_t followed;
    assert_status(oversized_follow_next(follower, &followed), SEGJ_END);
}

oversized_followed_t expect(oversized_follower_t *follower, oversized_follow_kind_t kind, uint64_t section,
                            uint64_t position)
{
    oversized_followed_t followed;
    assert_ok(oversized_follow_next(follower, &followed));
    assert_int_equal(followed.kind, kind);
    assert_int_equal(followed.section, section);
    assert_int_equal(followed.position, position);
    return followed;
}

void expect_sample(oversized_follower_t *follower, uint64_t section, uint64_t position, unsigned salt)
{
    uint8_t entry[SMALL_ENTRY];
    uint8_t value[SAMPLE_VALUE_LIMIT];
    oversized_followed_t followed = expect(follower, OVERSIZED_FOLLOW_RECORD, section, position);
    sample_entry(section, position, salt, entry, sizeof entry);
    sample_value(section, position, salt, value);
    assert_int_equal(followed.entry_size, sizeof entry);
    assert_memory_equal(followed.entry, entry, sizeof entry);
    assert_int_equal(followed.value_size, sample_value_size(section, position, salt));
    assert_non_null(followed.value);
    assert_memory_equal(followed.value, value, followed.value_size);
}

void expect_samples(oversized_follower_t *follower, uint64_t section, uint64_t first, uint64_t last, unsigned salt)
{
    for (uint64_t i = first; i < last; i++)
        expect_sample(follower, section, i, salt);
}

void append_and_sync(fixture_t *f, uint64_t section, uint64_t count, unsigned salt)
{
    append_samples(f->journal, section, count, salt);
    assert_ok(oversized_sync(f->journal, section));
}

/* All of a record's bytes are the same size, whatever the salt. */
void append_alike(fixture_t *f, uint64_t section, uint64_t count, uint8_t fill)
{
    for (uint64_t i = 0; i < count; i++)
        append_filled(f->journal, section, 7, fill, 20, NULL);
    assert_ok(oversized_sync(f->journal, section));
}
