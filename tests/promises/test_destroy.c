/*
 * promises/test_destroy.c: oversized_destroy() removes both partitions with all that is the journal's, and nothing
 * else.
 */
#include "promises/fixture.h"
#include "promises/watch.h"

static void destroy(fixture_t *f, segj_status_t status)
{
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_status(oversized_destroy(journal), status);
}

static void assert_empty(const char *directory)
{
    names_t list = list_directory(directory);
    assert_int_equal(list.count, 0);
    free_names(&list);
}

static void test_both_partitions_go_and_the_directory_stays(void **state)
{
    fixture_t *f = *state;
    f->config.storage = watch_begin();
    open_journal(f);
    for (uint64_t section = 1; section <= 5; section++)
        append_samples(f->journal, section, 30, 0);
    assert_ok(oversized_sync(f->journal, 3));
    assert_ok(oversized_rewind_section(f->journal, 4, 0));
    destroy(f, SEGJ_OK);
    assert_int_equal(watch_seen()->files_open, 0);
    assert_true(path_exists(f->directory.text));
    assert_empty(f->directory.text);
}

static void test_a_journal_without_sections_is_destroyed(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    destroy(f, SEGJ_OK);
    assert_empty(f->directory.text);
    assert_ok(oversized_destroy(NULL));
}

static void test_what_else_is_in_the_directory_stays(void **state)
{
    fixture_t *f = *state;
    path_t other = join_path(f->directory.text, "other_index");
    path_t file = join_path(f->directory.text, "notes");
    oversized_config_t second = f->config;
    oversized_t *journal = NULL;
    second.index_partition = "other_index";
    second.value_partition = "other_values";
    assert_ok(oversized_open(&second, &journal));
    append_samples(journal, 1, 10, 0);
    assert_ok(oversized_close(journal));
    write_file(file.text, "text", 4);
    path_t before = snapshot(f);
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    destroy(f, SEGJ_OK);
    assert_true(path_exists(other.text));
    assert_untouched(f, before);
    assert_ok(oversized_open(&second, &journal));
    check_section(journal, 1, 10, 0);
    assert_ok(oversized_close(journal));
}

/* Names that begin with a dot are ignored by an open. A partition that holds one cannot be removed, which is said. */
static void test_a_foreign_name_in_a_partition_stays_and_is_an_error(void **state)
{
    fixture_t *f = *state;
    for (int part = 0; part < 2; part++) {
        const char *partition = part == 0 ? f->config.index_partition : f->config.value_partition;
        open_journal(f);
        append_samples(f->journal, 1, 30, 0);
        path_t foreign = join_path(join_path(f->directory.text, partition).text, ".keep");
        write_file(foreign.text, "text", 4);
        destroy(f, SEGJ_ERR_IO);
        assert_int_equal(file_size(foreign.text), 4);
        remove_file(foreign.text);
        assert_empty(join_path(f->directory.text, partition).text);
        remove_tree(f->directory.text);
    }
}

static void test_a_destroyed_journal_may_be_made_again(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    destroy(f, SEGJ_OK);
    f->config.must_exist = true;
    refuse_open_untouched(f, SEGJ_ERR_NOT_FOUND);
    f->config.must_exist = false;
    f->config.page_size = 100;
    open_journal(f);
    assert_no_sections(f->journal);
    append_samples(f->journal, 1, 3, 1);
    close_and_open(f);
    check_section(f->journal, 1, 3, 1);
}

static void test_after_a_prune_and_a_rewind_a_destroy_finds_the_rest(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (uint64_t section = 1; section <= 5; section++)
        append_samples(f->journal, section, 3, 0);
    assert_ok(oversized_prune(f->journal, 2, NULL));
    assert_ok(oversized_rewind(f->journal, 4, SMALL_RECORD));
    destroy(f, SEGJ_OK);
    assert_empty(f->directory.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_both_partitions_go_and_the_directory_stays),
        PROMISE(test_a_journal_without_sections_is_destroyed),
        PROMISE(test_what_else_is_in_the_directory_stays),
        PROMISE(test_a_foreign_name_in_a_partition_stays_and_is_an_error),
        PROMISE(test_a_destroyed_journal_may_be_made_again),
        PROMISE(test_after_a_prune_and_a_rewind_a_destroy_finds_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
