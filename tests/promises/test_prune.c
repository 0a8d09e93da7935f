/*
 * promises/test_prune.c: what oversized_prune() promises: sections below the line are gone, with their files, and
 * answer SEGJ_ERR_PRUNED as long as the journal is open; nothing else changes.
 */
#include "promises/fixture.h"

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

/* Sections 2, 4, 6 and 8 with ten samples each. */
static void open_four(fixture_t *f)
{
    open_journal(f);
    for (uint64_t section = 2; section <= 8; section += 2)
        append_samples(f->journal, section, 10, 0);
}

static void assert_files(const fixture_t *f, uint64_t section, bool there)
{
    assert_int_equal(path_exists(index_path(f, section).text), there);
    assert_int_equal(path_exists(values_path(f, section).text), there);
}

/* Every call that names the section says so; those that only ask for sizes say 0. */
static void assert_pruned(fixture_t *f, uint64_t section)
{
    oversized_replay_t *replay = NULL;
    oversized_location_t location = {0, 4};
    uint64_t size = 77;
    assert_status(oversized_append(f->journal, section, entry, "a", 1, NULL, NULL), SEGJ_ERR_PRUNED);
    assert_status(oversized_get(f->journal, section, 0, NULL, NULL), SEGJ_ERR_PRUNED);
    assert_status(oversized_last(f->journal, section, NULL, NULL), SEGJ_ERR_PRUNED);
    assert_status(oversized_read(f->journal, section, 0, NULL, &f->value), SEGJ_ERR_PRUNED);
    assert_status(oversized_get_value(f->journal, section, location, &f->value), SEGJ_ERR_PRUNED);
    assert_status(oversized_replay_open(f->journal, section, 1, 0, &replay), SEGJ_ERR_PRUNED);
    assert_status(oversized_sync(f->journal, section), SEGJ_ERR_PRUNED);
    assert_status(oversized_rewind(f->journal, section, 0), SEGJ_ERR_PRUNED);
    assert_status(oversized_rewind_section(f->journal, section, 0), SEGJ_ERR_PRUNED);
    assert_ok(oversized_size(f->journal, section, &size));
    assert_int_equal(size, 0);
    assert_int_equal(count_of(f->journal, section), 0);
    assert_int_equal(value_size_of(f->journal, section), 0);
    assert_files(f, section, false);
}

static void test_sections_below_the_line_are_gone(void **state)
{
    fixture_t *f = *state;
    bool pruned = false;
    open_four(f);
    assert_ok(oversized_prune(f->journal, 6, &pruned));
    assert_true(pruned);
    assert_sections(f->journal, 6, 8);
    for (uint64_t section = 0; section < 6; section++)
        assert_pruned(f, section);
    for (uint64_t section = 6; section <= 8; section += 2) {
        assert_files(f, section, true);
        check_section(f->journal, section, 10, 0);
    }
    assert_status(oversized_get(f->journal, 7, 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
    /* The refused rewinds have removed nothing. */
    assert_sections(f->journal, 6, 8);
}

static void test_the_answer_may_be_null(void **state)
{
    fixture_t *f = *state;
    open_four(f);
    assert_ok(oversized_prune(f->journal, 3, NULL));
    assert_sections(f->journal, 4, 6, 8);
}

static void test_the_answer_tells_whether_anything_was_removed(void **state)
{
    fixture_t *f = *state;
    bool pruned = true;
    open_four(f);
    assert_ok(oversized_prune(f->journal, 0, &pruned));
    assert_false(pruned);
    pruned = true;
    assert_ok(oversized_prune(f->journal, 2, &pruned));
    assert_false(pruned);
    assert_ok(oversized_prune(f->journal, 3, &pruned));
    assert_true(pruned);
    assert_ok(oversized_prune(f->journal, 3, &pruned));
    assert_false(pruned);
    pruned = true;
    assert_ok(oversized_prune(f->journal, 1, &pruned));
    assert_false(pruned);
    assert_sections(f->journal, 4, 6, 8);
}

static void test_a_prune_of_nothing_changes_no_byte(void **state)
{
    fixture_t *f = *state;
    open_four(f);
    path_t before = snapshot(f);
    assert_ok(oversized_prune(f->journal, 2, NULL));
    assert_untouched(f, before);
    check_section(f->journal, 2, 10, 0);
}

/* The line holds for sections that were never there, too. */
static void test_the_line_stays_where_nothing_was_removed(void **state)
{
    fixture_t *f = *state;
    bool pruned = true;
    open_journal(f);
    assert_ok(oversized_prune(f->journal, 10, &pruned));
    assert_false(pruned);
    assert_pruned(f, 3);
    assert_pruned(f, 9);
    assert_no_sections(f->journal);
    append_samples(f->journal, 10, 3, 0);
    assert_sections(f->journal, 10);
}

static void test_the_line_never_goes_back(void **state)
{
    fixture_t *f = *state;
    open_four(f);
    assert_ok(oversized_prune(f->journal, 6, NULL));
    assert_ok(oversized_prune(f->journal, 3, NULL));
    assert_ok(oversized_prune(f->journal, 0, NULL));
    assert_pruned(f, 5);
    assert_pruned(f, 0);
    check_section(f->journal, 6, 10, 0);
}

/* It is of this run: a journal opened again knows what there is, and no line. */
static void test_the_line_ends_with_the_journal(void **state)
{
    fixture_t *f = *state;
    open_four(f);
    assert_ok(oversized_prune(f->journal, 6, NULL));
    for (int left = 0; left < 2; left++) {
        if (left == 0)
            close_and_open(f);
        else
            abandon_and_open(f);
        assert_sections(f->journal, 6, 8);
        assert_status(oversized_get(f->journal, 2, 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
        assert_ok(oversized_sync(f->journal, 2));
        append_samples(f->journal, 2, 3, 1);
        check_section(f->journal, 2, 3, 1);
        assert_sections(f->journal, 2, 6, 8);
        assert_ok(oversized_prune(f->journal, 6, NULL));
    }
}

/* No open brings a pruned section back, whether or not it had been synced. */
static void test_a_prune_is_there_after_an_abandon(void **state)
{
    fixture_t *f = *state;
    open_four(f);
    assert_ok(oversized_sync_all(f->journal));
    append_samples(f->journal, 4, 1, 0);
    assert_ok(oversized_prune(f->journal, 6, NULL));
    abandon_and_open(f);
    assert_sections(f->journal, 6, 8);
    assert_int_equal(oversized_recovery(f->journal)->orphan_sections_removed, 0);
    check_section(f->journal, 6, 10, 0);
}

static void test_a_whole_journal_may_be_pruned(void **state)
{
    fixture_t *f = *state;
    bool pruned = false;
    open_four(f);
    assert_ok(oversized_prune(f->journal, 9, &pruned));
    assert_true(pruned);
    assert_no_sections(f->journal);
    for (uint64_t section = 0; section < 9; section++)
        assert_pruned(f, section);
    append_samples(f->journal, 9, 3, 0);
    assert_sections(f->journal, 9);
    close_and_open(f);
    assert_sections(f->journal, 9);
    check_section(f->journal, 9, 3, 0);
}

static void test_the_largest_section_is_never_below_the_line(void **state)
{
    fixture_t *f = *state;
    bool pruned = false;
    open_four(f);
    append_samples(f->journal, UINT64_MAX, 3, 0);
    append_samples(f->journal, UINT64_MAX - 1, 3, 0);
    assert_ok(oversized_prune(f->journal, UINT64_MAX, &pruned));
    assert_true(pruned);
    assert_sections(f->journal, UINT64_MAX);
    assert_pruned(f, UINT64_MAX - 1);
    check_section(f->journal, UINT64_MAX, 3, 0);
    append_samples(f->journal, UINT64_MAX, 3, 0);
    check_section(f->journal, UINT64_MAX, 6, 0);
}

/* Empty sections, and sections that are idle, synced, or in buffers only, go alike. */
static void test_sections_in_every_state_are_pruned(void **state)
{
    fixture_t *f = *state;
    f->config.max_open_files = 8; /* three sections at a time are written */
    open_four(f);
    assert_ok(oversized_rewind_section(f->journal, 2, 0));
    assert_ok(oversized_sync(f->journal, 4));
    append_samples(f->journal, 6, 1, 0);
    check_section(f->journal, 4, 10, 0);
    assert_ok(oversized_prune(f->journal, 8, NULL));
    assert_sections(f->journal, 8);
    close_and_open(f);
    assert_sections(f->journal, 8);
    check_section(f->journal, 8, 10, 0);
}

static void test_a_prune_of_a_read_only_journal(void **state)
{
    fixture_t *f = *state;
    bool pruned = true;
    open_four(f);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    path_t before = snapshot(f);
    assert_status(oversized_prune(f->journal, 0, &pruned), SEGJ_ERR_READ_ONLY);
    assert_status(oversized_prune(f->journal, 6, &pruned), SEGJ_ERR_READ_ONLY);
    assert_true(pruned);
    check_section(f->journal, 2, 10, 0);
    assert_untouched(f, before);
    assert_status(oversized_prune(NULL, 6, &pruned), SEGJ_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_sections_below_the_line_are_gone),
        PROMISE(test_the_answer_may_be_null),
        PROMISE(test_the_answer_tells_whether_anything_was_removed),
        PROMISE(test_a_prune_of_nothing_changes_no_byte),
        PROMISE(test_the_line_stays_where_nothing_was_removed),
        PROMISE(test_the_line_never_goes_back),
        PROMISE(test_the_line_ends_with_the_journal),
        PROMISE(test_a_prune_is_there_after_an_abandon),
        PROMISE(test_a_whole_journal_may_be_pruned),
        PROMISE(test_the_largest_section_is_never_below_the_line),
        PROMISE(test_sections_in_every_state_are_pruned),
        PROMISE(test_a_prune_of_a_read_only_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
