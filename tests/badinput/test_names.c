/*
 * badinput/test_names.c: what else may lie in a partition, in its place, or not lie there at all.
 *
 * A name that no journal makes is refused with an error that says which; nothing is opened, followed or changed. Names
 * that begin with a dot and lost+found are the file system's and the administrator's, and stay.
 */
#include "badinput/badinput.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static path_t partition_path(const place_t *place, bool in_values)
{
    return join_path(place->directory.text, in_values ? place->config.value_partition : place->config.index_partition);
}

typedef enum kind {
    KIND_FILE,
    KIND_EMPTY_FILE,
    KIND_DIRECTORY,
    KIND_LINK,
    KIND_DANGLING_LINK,
    KIND_FIFO,
    KINDS
} kind_t;

/* Links lead to a section file that is whole. */
static void make_entry(const place_t *place, const char *path, kind_t kind)
{
    path_t target = section_path(place->directory.text, place->config.index_partition, 1);
    switch (kind) {
    case KIND_FILE: {
        bytes_t content = read_file(target.text);
        write_file(path, content.data, content.size);
        free_bytes(&content);
        break;
    }
    case KIND_EMPTY_FILE:
        write_file(path, "", 0);
        break;
    case KIND_DIRECTORY:
        make_directory(path);
        break;
    case KIND_LINK:
        assert_int_equal(symlink(target.text, path), 0);
        break;
    case KIND_DANGLING_LINK:
        assert_int_equal(symlink("nowhere", path), 0);
        break;
    default:
        assert_int_equal(mkfifo(path, 0666), 0);
        break;
    }
}

/* The entry, in each partition in turn, is refused by its name. */
static void refuse_entry(place_t *place, const char *name, kind_t kind)
{
    for (int in_values = 0; in_values < 2; in_values++) {
        path_t partition = partition_path(place, in_values != 0);
        path_t path = join_path(partition.text, name);
        make_entry(place, path.text, kind);
        assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
        assert_sentence(partition.text, name);
        remove_tree(path.text);
    }
    check_journal(&place->config, 2, 3);
}

static void names_that_are_no_section_are_refused(void **state)
{
    place_t *place = *state;
    const char *names[] = {
        "000000000000000A",
        "00000000000000AB",
        "000000000000000F", /* upper case */
        "1",
        "000000000000001",
        "00000000000000001",
        "0000000000000001.bak",
        "0000000000000001~",
        "000000000000000g",
        "000000000000000-",
        "-000000000000001",
        "+000000000000001",
        " 000000000000001",
        "0x00000000000001",
        "00000000 0000001",
        "000000000000001\n",
        "00000000000000\xC3\xA9",
        "\xFF",
        "index",
        "values",
        "LOST+FOUND",
        "lost+found2",
        "lost+foun",
        "LOCK",
        "a",
        "journal.db",
        "%s%n%99999d",
        "%",
    };
    fill_journal(&place->config, 2, 3);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        refuse_entry(place, names[i], i % 2 == 0 ? KIND_FILE : KIND_EMPTY_FILE);
}

static void a_name_as_long_as_names_can_be_is_refused(void **state)
{
    place_t *place = *state;
    char name[256];
    memset(name, '0', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fill_journal(&place->config, 2, 3);
    refuse_entry(place, name, KIND_EMPTY_FILE);
}

/* A canonical name is no section when it is not a regular file: it is not entered, not read from and not followed. */
static void sections_that_are_no_regular_files_are_refused(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, 2, 3);
    for (kind_t kind = KIND_DIRECTORY; kind < KINDS; kind++)
        refuse_entry(place, "0000000000000009", kind);
}

/* A link in the place of a section's file, to that very file: links are never followed. */
static void a_section_behind_a_link_is_refused(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, 2, 3);
    for (int in_values = 0; in_values < 2; in_values++) {
        path_t partition = partition_path(place, in_values != 0);
        path_t path = join_path(partition.text, "0000000000000002");
        path_t away = join_path(place->root.text, "away");
        assert_int_equal(rename(path.text, away.text), 0);
        assert_int_equal(symlink(away.text, path.text), 0);
        assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
        assert_sentence(path.text);
        remove_file(path.text);
        assert_int_equal(rename(away.text, path.text), 0);
    }
    check_journal(&place->config, 2, 3);
}

static void foreign_entries_of_every_kind_are_refused(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, 2, 3);
    for (kind_t kind = KIND_FILE; kind < KINDS; kind++)
        refuse_entry(place, "foreign", kind);
}

/* A path is text, whatever signs are in it: in sentences, and in what is logged. */
static void check_message(void *context, segj_log_level_t level, const char *message)
{
    assert_non_null(strstr(message, context));
    assert_true(level <= SEGJ_LOG_ERROR);
}

static void paths_with_signs_of_formats_are_named_as_they_are(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    path_t directory = join_path(place->root.text, "%s%n%99999d%%");
    place->config.directory = directory.text;
    place->config.log = check_message;
    place->config.log_context = directory.text;
    fill_journal(&place->config, 2, 3);
    path_t values = section_path(directory.text, place->config.value_partition, 1);
    write_file_at(values.text, VALUES_DATA_OFFSET, "x", 1);
    assert_ok(oversized_open(&place->config, &journal));
    segj_buffer_t value = {NULL, 0, 0};
    assert_status(oversized_read(journal, 1, 0, NULL, &value), SEGJ_ERR_CHECKSUM);
    assert_sentence(values.text);
    assert_ok(oversized_close(journal));
    resize_file(values.text, VALUES_DATA_OFFSET + 1);
    place->config.strict = true;
    assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
    assert_sentence(directory.text);
    place->config.strict = false;
    assert_ok(oversized_open(&place->config, &journal)); /* which logs the loss */
    assert_ok(oversized_close(journal));
    segj_buffer_free(&value);
}

/* Names are judged before anything is opened: also before a header that would be refused. */
static void names_are_judged_before_headers(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, 2, 3);
    path_t path = join_path(partition_path(place, true).text, "foreign");
    write_file(path.text, "x", 1);
    write_file_at(section_path(place->directory.text, place->config.index_partition, 1).text, 0, "CWIC", 4);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
    assert_sentence("foreign");
}

static void dot_names_and_lost_found_are_passed_over(void **state)
{
    place_t *place = *state;
    const char *names[] = {".hidden", ".0000000000000001", "...", ".nfs000000000000000100000002", "lost+found"};
    oversized_config_t read_only = place->config;
    read_only.read_only = true;
    fill_journal(&place->config, 2, 3);
    for (kind_t kind = KIND_FILE; kind < KINDS; kind++) {
        for (size_t i = 0; i < COUNT_OF(names); i++)
            for (int in_values = 0; in_values < 2; in_values++)
                make_entry(place, join_path(partition_path(place, in_values != 0).text, names[i]).text, kind);
        forget_owner(place->directory.text, place->config.index_partition);
        manifest_t before = take_manifest(place->root.text);
        check_journal(&place->config, 2, 3);
        check_journal(&read_only, 2, 3);
        forget_owner(place->directory.text, place->config.index_partition);
        assert_unchanged(place->root.text, &before);
        free_manifest(&before);
        for (size_t i = 0; i < COUNT_OF(names); i++)
            for (int in_values = 0; in_values < 2; in_values++)
                remove_tree(join_path(partition_path(place, in_values != 0).text, names[i]).text);
    }
}

/* They are not removed with the journal either, and then their partition stays, which destroy says. */
static void destroy_leaves_what_is_not_the_journals(void **state)
{
    place_t *place = *state;
    for (int in_values = 0; in_values < 2; in_values++) {
        oversized_t *journal;
        fill_journal(&place->config, 2, 3);
        path_t partition = partition_path(place, in_values != 0);
        path_t kept = join_path(partition.text, "lost+found");
        make_directory(kept.text);
        assert_ok(oversized_open(&place->config, &journal));
        assert_status(oversized_destroy(journal), SEGJ_ERR_IO);
        assert_sentence(partition.text);
        names_t left = list_directory(partition.text);
        assert_int_equal(left.count, 1);
        free_names(&left);
        remove_tree(place->directory.text);
    }
}

/* --- partitions that are not there --- */

static void refuse_missing(place_t *place, const char *missing, const char *other)
{
    oversized_config_t config = place->config;
    assert_refused(&config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_sentence(missing, other, "missing");
    config.must_exist = true;
    assert_refused(&config, place->root.text, SEGJ_ERR_MISMATCH);
    assert_false(path_exists(join_path(place->directory.text, missing).text));
}

/* A mistyped name, or a volume that is not mounted: without the one partition the other is not touched. */
static void a_partition_that_is_missing_while_the_other_holds_sections(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, 2, 3);
    path_t away = join_path(place->root.text, "away");
    for (int in_values = 0; in_values < 2; in_values++) {
        path_t partition = partition_path(place, in_values != 0);
        path_t other = partition_path(place, in_values == 0);
        assert_int_equal(rename(partition.text, away.text), 0);
        refuse_missing(place, strrchr(partition.text, '/') + 1, strrchr(other.text, '/') + 1);
        assert_int_equal(rename(away.text, partition.text), 0);
    }
    check_journal(&place->config, 2, 3);
}

static void mistyped_partition_names(void **state)
{
    place_t *place = *state;
    oversized_config_t right = place->config;
    fill_journal(&right, 2, 3);
    place->config.index_partition = "test_indx";
    refuse_missing(place, "test_indx", "test_values");
    place->config.index_partition = "Test_index";
    refuse_missing(place, "Test_index", "test_values");
    place->config = right;
    place->config.value_partition = "test-values";
    refuse_missing(place, "test-values", "test_index");
    check_journal(&right, 2, 3);
}

/* What must exist is not made where it was looked for in vain. */
static void a_journal_that_must_exist_is_not_made(void **state)
{
    place_t *place = *state;
    oversized_config_t config = place->config;
    config.must_exist = true;
    assert_refused(&config, place->root.text, SEGJ_ERR_NOT_FOUND);
    assert_sentence(place->directory.text);
    make_directory(place->directory.text);
    assert_refused(&config, place->root.text, SEGJ_ERR_NOT_FOUND);
    make_directory(partition_path(place, false).text);
    assert_refused(&config, place->root.text, SEGJ_ERR_NOT_FOUND);
    assert_sentence(place->config.value_partition);
    make_directory(join_path(partition_path(place, false).text, "lost+found").text);
    assert_refused(&config, place->root.text, SEGJ_ERR_NOT_FOUND);
    config.must_exist = false;
    config.read_only = true;
    oversized_t *journal = NULL;
    manifest_t before = take_manifest(place->root.text);
    assert_status(oversized_open(&config, &journal), SEGJ_ERR_NOT_FOUND);
    assert_null(journal);
    assert_unchanged(place->root.text, &before);
    free_manifest(&before);
}

/* A partition without sections is no reason to refuse: the other one is made. */
static void a_partition_is_made_where_the_other_holds_no_section(void **state)
{
    place_t *place = *state;
    for (int in_values = 0; in_values < 2; in_values++) {
        make_directory(place->directory.text);
        path_t partition = partition_path(place, in_values != 0);
        make_directory(partition.text);
        write_file(join_path(partition.text, ".hidden").text, "x", 1);
        fill_journal(&place->config, 2, 3);
        check_journal(&place->config, 2, 3);
        remove_tree(place->directory.text);
    }
}

/* One level is made and no more. */
static void a_directory_whose_parent_is_missing_is_not_made(void **state)
{
    place_t *place = *state;
    path_t deep = join_path(place->directory.text, "deep");
    oversized_t *journal = NULL;
    place->config.directory = deep.text;
    manifest_t before = take_manifest(place->root.text);
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_IO);
    assert_sentence(deep.text);
    assert_null(journal);
    assert_unchanged(place->root.text, &before);
    free_manifest(&before);
}

/* --- partitions that are something else --- */

static void partitions_that_are_no_directories_are_refused(void **state)
{
    place_t *place = *state;
    path_t away = join_path(place->root.text, "away");
    fill_journal(&place->config, 2, 3);
    for (int in_values = 0; in_values < 2; in_values++) {
        path_t partition = partition_path(place, in_values != 0);
        assert_int_equal(rename(partition.text, away.text), 0);
        for (int kind = 0; kind < 4; kind++) {
            if (kind == 0)
                write_file(partition.text, "text", 4);
            else if (kind == 1)
                assert_int_equal(mkfifo(partition.text, 0666), 0);
            else
                assert_int_equal(symlink(kind == 2 ? away.text : "nowhere", partition.text), 0);
            assert_refused(&place->config, place->root.text, SEGJ_ERR_IO);
            assert_sentence(partition.text);
            remove_file(partition.text);
        }
        assert_int_equal(rename(away.text, partition.text), 0);
    }
    check_journal(&place->config, 2, 3);
}

static void a_directory_that_is_a_file_is_refused(void **state)
{
    place_t *place = *state;
    write_file(place->directory.text, "text", 4);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_IO);
    assert_sentence(place->directory.text);
    place->config.must_exist = true;
    assert_refused(&place->config, place->root.text, SEGJ_ERR_IO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, drop_place)
    const struct CMUnitTest tests[] = {
        TEST(names_that_are_no_section_are_refused),
        TEST(a_name_as_long_as_names_can_be_is_refused),
        TEST(sections_that_are_no_regular_files_are_refused),
        TEST(a_section_behind_a_link_is_refused),
        TEST(foreign_entries_of_every_kind_are_refused),
        TEST(paths_with_signs_of_formats_are_named_as_they_are),
        TEST(names_are_judged_before_headers),
        TEST(dot_names_and_lost_found_are_passed_over),
        TEST(destroy_leaves_what_is_not_the_journals),
        TEST(a_partition_that_is_missing_while_the_other_holds_sections),
        TEST(mistyped_partition_names),
        TEST(a_journal_that_must_exist_is_not_made),
        TEST(a_partition_is_made_where_the_other_holds_no_section),
        TEST(a_directory_whose_parent_is_missing_is_not_made),
        TEST(partitions_that_are_no_directories_are_refused),
        TEST(a_directory_that_is_a_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
