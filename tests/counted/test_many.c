/*
 * Costs do not grow with what the journal holds.
 * LINK_WRAP: malloc calloc realloc memcpy memmove
 */
#include "counted/rig.h"

enum { LAST = 1000000 /* the section that is looked at, behind all others */ };

/* Appends, syncs, and reads of what is in memory and of what is in the files. */
static void a_day(rig_t *rig, uint64_t section)
{
    oversized_location_t location;
    append_many(rig, section, 300, 200);
    assert_ok(oversized_sync(rig->journal, section));
    append_many(rig, section, 1, 200);
    assert_ok(oversized_get(rig->journal, section, 30, NULL, &location));
    assert_ok(oversized_read(rig->journal, section, 31, NULL, &rig->value));
    assert_ok(oversized_last(rig->journal, section, NULL, &location));
    assert_ok(oversized_get_value(rig->journal, section, location, &rig->value));
    assert_ok(oversized_sync(rig->journal, section));
    assert_ok(oversized_sync(rig->journal, section));
}

static void make_sections(rig_t *rig, const char *directory, uint64_t count)
{
    open_other(rig, directory);
    for (uint64_t section = 0; section < count; section++)
        append_many(rig, section, 1, 1);
    assert_ok(oversized_sync_all(rig->journal));
    reserve(rig, 4096);
}

/* Of 1, 10 and 10,000 sections. Those that were written last are the same in number: what else is in memory is not. */
static void sections(void **state)
{
    rig_t *rig = *state;
    make_sections(rig, "one", 0);
    warm(rig, LAST);
    costs_t before = costs();
    a_day(rig, LAST);
    costs_t alone = costs_since(before);
    assert_true(alone.writes == 4 && alone.allocations == 0);
    static const struct {
        const char *directory;
        uint64_t others;
    } journals[] = {{"ten", 9}, {"many", 9999}};
    for (size_t i = 0; i < 2; i++) {
        make_sections(rig, journals[i].directory, journals[i].others);
        warm(rig, LAST);
        before = costs();
        a_day(rig, LAST);
        assert_costs(before, alone);
    }
}

/* The same in a section of 7,000 records and in one of 204,200 more: 1000 pages, so that the last one is as full. */
static void records(void **state)
{
    rig_t *rig = *state;
    make_sections(rig, "few", 0);
    warm(rig, LAST);
    costs_t before = costs();
    a_day(rig, LAST);
    costs_t few = costs_since(before);
    make_sections(rig, "many", 0);
    append_many(rig, LAST, 204200, 60);
    warm(rig, LAST);
    before = costs();
    a_day(rig, LAST);
    assert_costs(before, few);
}

static costs_t cost_of_open(rig_t *rig, const char *directory, uint64_t count)
{
    make_sections(rig, directory, count);
    assert_ok(oversized_close(rig->journal));
    costs_t before = costs();
    assert_ok(oversized_open(&rig->config, &rig->journal));
    return costs_since(before);
}

/* What each section adds to an open that has nothing to do: both files opened, measured and closed, both headers and
 * the last page read. One piece of memory a section; two more are the table's and the verdicts'. */
static void an_open_by_the_section(void **state)
{
    rig_t *rig = *state;
    costs_t some = cost_of_open(rig, "some", 100);
    costs_t more = cost_of_open(rig, "more", 200);
    assert_int_equal(more.reads - some.reads, 100 * 3);
    assert_int_equal(more.read_bytes - some.read_bytes, 100 * (INDEX_DATA_OFFSET + VALUES_DATA_OFFSET + PAGE));
    assert_int_equal(more.opens - some.opens, 100 * 2);
    assert_int_equal(more.closes - some.closes, 100 * 2);
    assert_int_equal(more.others - some.others, 100 * 2);
    assert_int_equal(more.allocations - some.allocations, 100 + 2);
    assert_int_equal(more.writes, 0);
    assert_int_equal(more.syncs, some.syncs);
    assert_int_equal(more.copied, some.copied);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COUNTED(sections),
        COUNTED(records),
        COUNTED(an_open_by_the_section),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
