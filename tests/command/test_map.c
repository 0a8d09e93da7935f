/*
 * command/test_map.c: `segj map` draws every section once, of few and of many, whole and damaged, in well-formed SVG.
 */
#include "command/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_journal(shell_t *shell, unsigned sections)
{
    path_t directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory.text;
    shell->config.storage = NULL;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    for (unsigned i = 1; i <= sections; i++)
        for (unsigned j = 0; j < i % 7 + 1; j++)
            assert_ok(oversized_append(shell->journal, i, "12345678", "valuevalue", i % 10 + 1, NULL, NULL));
    assert_ok(oversized_close(shell->journal));
    shell->journal = NULL;
}

/* Every tag that is opened is closed, in its order, and there is one text without markup in a text element. */
static void check_markup(const char *svg)
{
    char open[32][16];
    size_t depth = 0;
    for (const char *at = strchr(svg, '<'); at != NULL; at = strchr(at + 1, '<')) {
        char name[16];
        const char *end = strchr(at, '>');
        assert_non_null(end);
        size_t size = strcspn(at + 1 + (at[1] == '/'), " />\n");
        assert_in_range(size, 1, sizeof name - 1);
        memcpy(name, at + 1 + (at[1] == '/'), size);
        name[size] = '\0';
        if (at[1] == '/') {
            assert_true(depth > 0);
            assert_string_equal(name, open[--depth]);
        } else if (end[-1] != '/') {
            assert_in_range(depth, 0, 31);
            (void)strcpy(open[depth++], name);
        }
    }
    assert_int_equal(depth, 0);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

static void check_map(const shell_t *shell, int answer, size_t sections, const char *expected)
{
    said_t said = shell_run(shell, "segj map journal");
    const char *svg = (const char *)said.out.data;
    assert_int_equal(said.answer, answer);
    assert_string_equal((const char *)said.err.data, "");
    check_markup(svg);
    assert_int_equal(strncmp(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1000\"", 51), 0);
    assert_int_equal(count_of(svg, "<title>section "), sections);
    if (strstr(svg, expected) == NULL)
        fail_msg("there is no \"%s\" in\n%s", expected, svg);
    shell_free(&said);
}

static void sections_are_drawn_once(void **state)
{
    shell_t *shell = *state;
    static const unsigned counts[] = {0, 1, 64, 65, 431};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char expected[64];
        remove_tree(join_path(shell->root.text, "journal").text);
        make_journal(shell, counts[i]);
        (void)snprintf(expected, sizeof expected, " in %u section%s; ", counts[i], counts[i] == 1 ? "" : "s");
        check_map(shell, 0, counts[i], expected);
    }
}

static void what_is_wrong_is_drawn(void **state)
{
    shell_t *shell = *state;
    path_t directory = join_path(shell->root.text, "journal");
    make_journal(shell, 90);
    path_t values = section_path(directory.text, "values", 7);
    write_file_at(values.text, file_size(values.text), "xyz", 3);
    check_map(shell, 3, 90, "fill=\"url(#cut)\"/><rect");
    resize_file(section_path(directory.text, "values", 8).text,
                file_size(section_path(directory.text, "values", 8).text) - 1);
    check_map(shell, 4, 90, "section 8: 1 of 2 records that were synced are gone, 1 are left</text>");
    write_file_at(section_path(directory.text, "index", 9).text, 0, "garbage", 7);
    check_map(shell, 4, 90, "fill=\"url(#refused)\"/><rect");
    check_map(shell, 4, 90, ">damaged</text>");
}

/* The commonware format does not say what was synced. */
static void commonware_journals_are_drawn(void **state)
{
    shell_t *shell = *state;
    shell->config.format = SEGJ_FORMAT_COMMONWARE;
    shell->config.native_version = 0;
    make_journal(shell, 3);
    check_map(shell, 0, 3, "commonware format, version 0, pages of 4084 bytes, entries of 8 bytes</text>");
}

/* A directory's name is text, whatever is in it. */
static void names_are_escaped(void **state)
{
    shell_t *shell = *state;
    make_journal(shell, 2);
    shell_expect(shell,
                 "mv journal '<a & \"b\">' && segj map '<a & \"b\">' | grep -c '>&lt;a &amp; &quot;b&quot;&gt;</text>'",
                 0, "1\n", NULL);
}

int main(void)
{
#ifndef SEGJ_COMMAND_BUILT
    print_message("SKIPPED: %s\n", "the command segj is left out");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        SHELL_TEST(sections_are_drawn_once),
        SHELL_TEST(what_is_wrong_is_drawn),
        SHELL_TEST(commonware_journals_are_drawn),
        SHELL_TEST(names_are_escaped),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
