/*
 * promises/following.h: followers of a journal, and what they are expected to show.
 */
#ifndef TESTS_PROMISES_FOLLOWING_H
#define TESTS_PROMISES_FOLLOWING_H

#include "promises/fixture.h"
#include "segjournal/follow.h"

/** By a configuration that knows nothing but where the journal lies. */
oversized_follower_t *follow_with(fixture_t *f, const oversized_follow_options_t *options);
/** From the first record. */
oversized_follower_t *follow(fixture_t *f);
oversized_follower_t *follow_from(fixture_t *f, oversized_follow_from_t from, uint64_t section, uint64_t position);

/* What comes next: nothing for now; something of this kind; samples, by their positions. */
void expect_end(oversized_follower_t *follower);
oversized_followed_t expect(oversized_follower_t *follower, oversized_follow_kind_t kind, uint64_t section,
                            uint64_t position);
void expect_sample(oversized_follower_t *follower, uint64_t section, uint64_t position, unsigned salt);
void expect_samples(oversized_follower_t *follower, uint64_t section, uint64_t first, uint64_t last, unsigned salt);

/** Appends samples and syncs the section. */
void append_and_sync(fixture_t *f, uint64_t section, uint64_t count, unsigned salt);
/** All of a record's bytes are the same size, whatever the salt. */
void append_alike(fixture_t *f, uint64_t section, uint64_t count, uint8_t fill);

#endif /* TESTS_PROMISES_FOLLOWING_H */
