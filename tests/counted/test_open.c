/*
 * What an open costs where there is nothing to repair.
 * LINK_WRAP: malloc calloc realloc memcpy memmove
 */
#include "counted/rig.h"

enum { SMALL = 5, HEADERS = 3 * 4096 + 4096 };

static void fill_sections(rig_t *rig, uint64_t sections)
{
    for (uint64_t section = 0; section < sections; section++)
        append_many(rig, section, SMALL, 100);
    assert_ok(oversized_close(rig->journal));
    rig->journal = NULL;
}

/* Both headers and the last page of each section are read; nothing is written, and nothing synced. */
static void of_clean_sections_reads_headers_and_a_page_each(void **state)
{
    rig_t *rig = *state;
    enum { SECTIONS = 20 };
    fill_sections(rig, SECTIONS);
    costs_t before = costs();
    assert_ok(oversized_open(&rig->config, &rig->journal));
    costs_t cost = costs_since(before);
    assert_int_equal(oversized_recovery(rig->journal)->sections, SECTIONS);
    assert_int_equal(cost.reads, 3 * SECTIONS);
    assert_int_equal(cost.read_bytes, SECTIONS * (HEADERS + PAGE));
    assert_int_equal(cost.opens, 2 * SECTIONS);
    assert_int_equal(cost.closes, 2 * SECTIONS - 2); /* the newest one's stay open */
    /* Sizes; both partitions opened, locked and listed; and a look for what was lost and set aside. */
    assert_int_equal(cost.others, 2 * SECTIONS + 7);
    assert_int_equal(cost.writes, 0);
    assert_int_equal(cost.syncs, 0);
}

/* In version 2 the last page makes room for four bytes of the log, which confirm the watermark: as many calls. */
static void of_clean_sections_of_version_2_reads_headers_and_confirms_them(void **state)
{
    rig_t *rig = *state;
    enum { SECTIONS = 20 };
    assert_ok(oversized_close(rig->journal));
    rig->config.native_version = 2;
    assert_ok(oversized_open(&rig->config, &rig->journal));
    fill_sections(rig, SECTIONS);
    costs_t before = costs();
    assert_ok(oversized_open(&rig->config, &rig->journal));
    costs_t cost = costs_since(before);
    assert_int_equal(oversized_recovery(rig->journal)->sections, SECTIONS);
    assert_int_equal(cost.reads, 3 * SECTIONS);
    assert_int_equal(cost.read_bytes, SECTIONS * (HEADERS + 4));
    assert_int_equal(cost.opens, 2 * SECTIONS);
    assert_int_equal(cost.closes, 2 * SECTIONS - 2);
    assert_int_equal(cost.others, 2 * SECTIONS + 7);
    assert_int_equal(cost.writes, 0);
    assert_int_equal(cost.syncs, 0);
}

/* The first section that is made after such an open waits for the names of removed ones, once. */
static void after_clean_sections_the_first_new_one_syncs_names(void **state)
{
    rig_t *rig = *state;
    fill_sections(rig, 2);
    assert_ok(oversized_open(&rig->config, &rig->journal));
    for (uint64_t section = 2; section < 5; section++) {
        costs_t before = costs();
        append_many(rig, section, 1, 100);
        assert_int_equal(costs_since(before).syncs, section == 2 ? 3 : 2); /* of both headers */
    }
}

/* One that is to be repaired has the names of both partitions synced, and is synced itself. */
static void of_a_section_to_be_repaired_it_and_the_names_are_synced(void **state)
{
    rig_t *rig = *state;
    append_many(rig, 1, SMALL, 100);
    append_many(rig, 2, SMALL, 100);
    assert_ok(oversized_sync(rig->journal, 1)); /* of which the watermark is not yet written */
    assert_ok(oversized_sync(rig->journal, 2));
    oversized_abandon(rig->journal);
    costs_t before = costs();
    assert_ok(oversized_open(&rig->config, &rig->journal));
    /* The partitions, the directory above them, which no watermark says to be durable, and both files of both. */
    assert_int_equal(costs_since(before).syncs, 2 + 1 + 2 * 2);
}

/* A section without records is made durable once: the next open leaves it alone, and syncs names only, which its slot does
 * not speak of. */
static void of_sections_without_records_makes_them_durable_once(void **state)
{
    rig_t *rig = *state;
    append_many(rig, 1, SMALL, 100);
    append_many(rig, 2, SMALL, 100);
    append_many(rig, 3, SMALL, 100);
    assert_ok(oversized_rewind_section(rig->journal, 2, 0));
    oversized_abandon(rig->journal); /* section 2 was rewound, of 1 and 3 nothing but the headers was written */
    for (int opens = 0; opens < 3; opens++) {
        costs_t before = costs();
        assert_ok(oversized_open(&rig->config, &rig->journal));
        costs_t cost = costs_since(before);
        const oversized_recovery_t *found = oversized_recovery(rig->journal);
        assert_int_equal(found->sections, 3);
        assert_int_equal(found->records, 0);
        assert_int_equal(found->sections_repaired, opens == 0 ? 2 : 0);
        assert_int_equal(cost.syncs, 3 + (opens == 0 ? 2 * 2 : 0));
        assert_int_equal(cost.writes > 0, opens == 0);
        oversized_abandon(rig->journal);
    }
    assert_ok(oversized_open(&rig->config, &rig->journal));
    append_many(rig, 1, SMALL, 100);
    append_many(rig, 2, SMALL, 100);
    assert_ok(oversized_sync_all(rig->journal));
    oversized_abandon(rig->journal);
    assert_ok(oversized_open(&rig->config, &rig->journal));
    assert_int_equal(oversized_recovery(rig->journal)->records, 2 * SMALL);
}

/* Files that were opened for reading are opened once more, for the first change of their section, and never again. */
static void a_first_change_opens_the_files_of_its_section_once_more(void **state)
{
    rig_t *rig = *state;
    enum { SECTIONS = 4 };
    fill_sections(rig, SECTIONS);
    assert_ok(oversized_open(&rig->config, &rig->journal));
    for (uint64_t section = SECTIONS; section-- > 0;) {
        bool newest = section == SECTIONS - 1; /* whose files open has kept */
        costs_t before = costs();
        for (uint64_t position = 0; position < SMALL; position++)
            assert_ok(oversized_read(rig->journal, section, position, NULL, &rig->value));
        assert_int_equal(costs_since(before).opens, newest ? 0 : 2);
        before = costs();
        append_many(rig, section, 1, 100);
        assert_int_equal(costs_since(before).opens, 2);
        assert_int_equal(costs_since(before).closes, 2);
        before = costs();
        append_many(rig, section, 10, 100);
        assert_ok(oversized_sync(rig->journal, section));
        assert_ok(oversized_rewind_section(rig->journal, section, SMALL * RECORD)); /* the section rests */
        append_many(rig, section, 10, 100);
        assert_ok(oversized_read(rig->journal, section, 0, NULL, &rig->value));
        assert_int_equal(costs_since(before).opens + costs_since(before).closes, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COUNTED(of_clean_sections_reads_headers_and_a_page_each),
        COUNTED(of_clean_sections_of_version_2_reads_headers_and_confirms_them),
        COUNTED(after_clean_sections_the_first_new_one_syncs_names),
        COUNTED(of_a_section_to_be_repaired_it_and_the_names_are_synced),
        COUNTED(of_sections_without_records_makes_them_durable_once),
        COUNTED(a_first_change_opens_the_files_of_its_section_once_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
