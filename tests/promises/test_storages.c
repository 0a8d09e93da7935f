/*
 * promises/test_storages.c: the two storages that the library brings: a journal lives the same life on both.
 */
#include "promises/fixture.h"

static segj_storage_t *memory;

/* A fixture whose journal lies in memory. */
static int set_up_memory(void **state)
{
    if (segj_storage_memory_create(&memory) != SEGJ_OK || set_up(state) != 0)
        return -1;
    fixture_t *f = *state;
    f->config.storage = memory;
    f->config.directory = "anywhere";
    return 0;
}

static int tear_down_memory(void **state)
{
    int result = tear_down(state);
    segj_storage_memory_destroy(memory);
    memory = NULL;
    return result;
}

/* A fixture whose journal lies in files, by name instead of by default. */
static int set_up_posix(void **state)
{
    if (set_up(state) != 0)
        return -1;
    fixture_t *f = *state;
    f->config.storage = segj_storage_posix();
    return 0;
}

#define ON_BOTH(test)                                                                                                  \
    {#test "_in_memory", test, set_up_memory, tear_down_memory, NULL},                                                 \
    {                                                                                                                  \
#test "_in_files", test, set_up_posix, tear_down, NULL                                                         \
    }

static void test_records_are_there_after_a_close(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 200, 0);
    append_samples(f->journal, UINT64_MAX, 5, 0);
    check_section(f->journal, 1, 200, 0);
    close_and_open(f);
    assert_sections(f->journal, 1, UINT64_MAX);
    check_section(f->journal, 1, 200, 0);
    check_section(f->journal, UINT64_MAX, 5, 0);
    check_replay_of(f->journal, UINT64_MAX, 0, 5, 1024, 0);
}

static void test_synced_records_are_there_after_an_abandon(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 200, 0);
    assert_ok(oversized_sync(f->journal, 1));
    append_samples(f->journal, 1, 3, 0);
    abandon_and_open(f);
    check_section(f->journal, 1, 200, 0);
    append_samples(f->journal, 1, 10, 0);
    close_and_open(f);
    check_section(f->journal, 1, 210, 0);
}

static void test_sections_are_cut_and_removed(void **state)
{
    fixture_t *f = *state;
    bool pruned = false;
    open_journal(f);
    for (uint64_t section = 1; section <= 5; section++)
        append_samples(f->journal, section, 20, 0);
    assert_ok(oversized_prune(f->journal, 2, &pruned));
    assert_true(pruned);
    assert_ok(oversized_rewind_section(f->journal, 3, 7 * SMALL_RECORD));
    assert_ok(oversized_rewind(f->journal, 4, 11 * SMALL_RECORD));
    append_samples(f->journal, 4, 3, 0);
    for (int opened = 0; opened < 2; opened++) {
        assert_sections(f->journal, 2, 3, 4);
        check_section(f->journal, 2, 20, 0);
        check_section(f->journal, 3, 7, 0);
        check_section(f->journal, 4, 14, 0);
        close_and_open(f);
    }
}

static void test_a_journal_is_locked(void **state)
{
    fixture_t *f = *state;
    oversized_t *second = NULL;
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    refuse_open(f, SEGJ_ERR_LOCKED);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    assert_ok(oversized_open(&f->config, &second));
    f->config.read_only = false;
    refuse_open(f, SEGJ_ERR_LOCKED);
    check_section(second, 1, 20, 0);
    assert_ok(oversized_close(second));
    close_and_open(f);
}

static void test_a_journal_that_is_missing_is_not_made(void **state)
{
    fixture_t *f = *state;
    f->config.must_exist = true;
    refuse_open(f, SEGJ_ERR_NOT_FOUND);
    f->config.must_exist = false;
    f->config.read_only = true;
    refuse_open(f, SEGJ_ERR_NOT_FOUND);
    f->config.read_only = false;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    close_journal(f);
    f->config.must_exist = true;
    open_journal(f);
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_ok(oversized_destroy(journal));
    refuse_open(f, SEGJ_ERR_NOT_FOUND);
}

static void test_a_journal_of_another_geometry_is_a_mismatch(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    close_journal(f);
    f->config.page_size++;
    refuse_open(f, SEGJ_ERR_MISMATCH);
    f->config.page_size = 0;
    open_journal(f);
    check_section(f->journal, 1, 5, 0);
}

static void test_few_descriptors_and_compression(void **state)
{
    fixture_t *f = *state;
    f->config.max_open_files = 4;
    f->config.compression = 3;
    f->config.write_memory = 1;
    open_journal(f);
    for (uint64_t round = 0; round < 3; round++)
        for (uint64_t section = 0; section < 12; section++)
            append_samples(f->journal, section, 2, 0);
    close_and_open(f);
    for (uint64_t section = 0; section < 12; section++)
        check_section(f->journal, section, 6, 0);
}

/* Two storages in memory are two worlds, and so are two directories of one. */
static void test_storages_and_directories_are_apart(void **state)
{
    fixture_t *f = *state;
    segj_storage_t *other = NULL;
    assert_ok(segj_storage_memory_create(&other));
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    oversized_config_t config = f->config;
    oversized_t *journal = NULL;
    config.storage = other;
    assert_ok(oversized_open(&config, &journal));
    assert_no_sections(journal);
    assert_ok(oversized_close(journal));
    config.storage = memory;
    config.directory = "elsewhere";
    assert_ok(oversized_open(&config, &journal));
    assert_no_sections(journal);
    append_samples(journal, 1, 3, 1);
    assert_ok(oversized_close(journal));
    check_section(f->journal, 1, 5, 0);
    segj_storage_memory_destroy(other);
    segj_storage_memory_destroy(NULL);
    assert_status(segj_storage_memory_create(NULL), SEGJ_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_records_are_there_after_a_close),
        ON_BOTH(test_synced_records_are_there_after_an_abandon),
        ON_BOTH(test_sections_are_cut_and_removed),
        ON_BOTH(test_a_journal_is_locked),
        ON_BOTH(test_a_journal_that_is_missing_is_not_made),
        ON_BOTH(test_a_journal_of_another_geometry_is_a_mismatch),
        ON_BOTH(test_few_descriptors_and_compression),
        cmocka_unit_test_setup_teardown(test_storages_and_directories_are_apart, set_up_memory, tear_down_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
