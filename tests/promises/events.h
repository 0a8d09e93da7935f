/*
 * promises/events.h: small values that resemble each other, some that do not compress, and every way in and out of a
 * journal for them.
 */
#ifndef TESTS_PROMISES_EVENTS_H
#define TESTS_PROMISES_EVENTS_H

#include "promises/fixture.h"

enum { EVENT_MOST = 4000 };

/** The value of a number: mostly an event of some 100 bytes, now and then noise, nothing, or a long text. */
size_t make_event(uint64_t number, uint8_t *value);
/** Whether it is one that is stored as it is. */
bool is_event_noise(uint64_t number);

/** What events have in common, as text. */
extern const char event_words[];
size_t event_words_size(void);

/** A configuration of version 2 that compresses with a dictionary. */
void want_dictionary(fixture_t *f, const void *dictionary, size_t size);

/** Appends the events first to first + count - 1: by each of the calls in turn. */
void append_events(fixture_t *f, uint64_t section, uint64_t first, uint64_t count);
/** The section has the events 0 to count - 1, by each way of reading them. */
void check_events(fixture_t *f, uint64_t section, uint64_t count);
/** The same of a journal in another directory, opened for reading; its config may be changed. */
void check_events_in(fixture_t *f, const char *directory, uint64_t section, uint64_t count);
/** The same by a follower. */
void check_events_followed(fixture_t *f, uint64_t section, uint64_t count);
/** An oversized_verify() finds so many damages. */
void check_verified(fixture_t *f, uint64_t damages);

#endif /* TESTS_PROMISES_EVENTS_H */
