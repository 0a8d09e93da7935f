/*
 * promises/test_geometry.c: entries and pages of every size, their extremes combined: the same life of a section on
 * each.
 */
#include "promises/fixture.h"

/** How many records a test of this geometry takes: those of 65,547 bytes on pages of one byte are slow to read. */
static uint64_t fitting_count(const oversized_config_t *config)
{
    return config->entry_size > 1000 ? 2 : 24;
}

/* Written, read while buffered, synced, written on, killed, closed, rewound: the records are there, bit by bit. */
static void live(fixture_t *f)
{
    uint64_t count = fitting_count(&f->config);
    uint64_t record = f->config.entry_size + LOCATION_BYTES;
    open_journal(f);
    append_samples(f->journal, 1, count, 0);
    check_section(f->journal, 1, count, 0);
    assert_ok(oversized_sync(f->journal, 1));
    check_files(f, 1, count, 0);
    append_samples(f->journal, 1, 1, 0);
    assert_ok(oversized_sync(f->journal, 1));
    append_samples(f->journal, 1, 1, 0);
    abandon_and_open(f);
    uint64_t kept = count_of(f->journal, 1);
    assert_in_range(kept, count + 1, count + 2);
    check_replay_of(f->journal, 1, 0, kept, 1000, 0);
    append_samples(f->journal, 1, 1, 0);
    close_and_open(f);
    check_section(f->journal, 1, kept + 1, 0);
    assert_ok(oversized_rewind(f->journal, 1, (count / 2) * record));
    append_samples(f->journal, 1, 1, 0);
    close_and_open(f);
    check_section(f->journal, 1, count / 2 + 1, 0);
    check_files(f, 1, count / 2 + 1, 0);
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_ok(oversized_destroy(journal));
}

static void live_on_every_page_size(fixture_t *f, uint32_t entry_size)
{
    static const uint16_t pages[] = {1, 20, 64, 4084, 65535};
    f->config.entry_size = entry_size;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        f->config.page_size = pages[i];
        live(f);
    }
}

static void test_entries_of_no_bytes(void **state)
{
    live_on_every_page_size(*state, 0);
}

static void test_entries_of_one_byte(void **state)
{
    live_on_every_page_size(*state, 1);
}

static void test_entries_of_eight_bytes(void **state)
{
    live_on_every_page_size(*state, 8);
}

/* Records of 64 and of 4084 bytes: pages end where records do. */
static void test_entries_that_fill_a_page(void **state)
{
    live_on_every_page_size(*state, 64 - OVERSIZED_LOCATION_SIZE);
    live_on_every_page_size(*state, 4084 - OVERSIZED_LOCATION_SIZE);
}

static void test_entries_of_65535_bytes(void **state)
{
    fixture_t *f = *state;
    not_on_cluster("records of 65,547 bytes on pages of one byte are 1.3 million reads of a cluster");
    f->config.page_cache_pages = 16;
    live_on_every_page_size(f, 65535);
}

/* A record of 65,535 bytes with its location: the page is full. */
static void test_a_record_as_long_as_the_largest_page(void **state)
{
    fixture_t *f = *state;
    f->config.entry_size = 65535 - OVERSIZED_LOCATION_SIZE;
    f->config.page_size = 65535;
    live(f);
    f->config.page_size = 65534;
    live(f);
}

/* Both sides of lengths of which the high byte changes, in slots of two bytes. */
static void test_pages_around_256_bytes(void **state)
{
    fixture_t *f = *state;
    f->config.entry_size = 1;
    for (uint16_t page_size = 254; page_size <= 258; page_size++) {
        f->config.page_size = page_size;
        live(f);
    }
}

/* Each record is synced, so that each length of the page is written over a synced one. */
static void test_a_page_that_grows_record_by_record(void **state)
{
    fixture_t *f = *state;
    for (uint16_t page_size = 60; page_size <= 70; page_size += 5) {
        f->config.page_size = page_size;
        open_journal(f);
        for (uint64_t count = 1; count <= 30; count++) {
            append_sample(f->journal, 1, 0);
            assert_ok(oversized_sync(f->journal, 1));
            if (count % 3 == 0)
                abandon_and_open(f);
            check_section(f->journal, 1, count, 0);
            check_files(f, 1, count, 0);
        }
        oversized_t *journal = f->journal;
        f->journal = NULL;
        assert_ok(oversized_destroy(journal));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_entries_of_no_bytes),    PROMISE(test_entries_of_one_byte),
        PROMISE(test_entries_of_eight_bytes), PROMISE(test_entries_that_fill_a_page),
        PROMISE(test_entries_of_65535_bytes), PROMISE(test_a_record_as_long_as_the_largest_page),
        PROMISE(test_pages_around_256_bytes), PROMISE(test_a_page_that_grows_record_by_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
