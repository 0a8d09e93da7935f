/*
 * interop/test_golden.c: journals that commonware-storage 2026.2.0 and 2026.10.0 have made (golden/, see README.md), so that
 * the format is tested where the crate itself cannot be built. A release's scripts made its files, and its `made` is what
 * the crate told on the way; its `opened` is what it told when it opened them again.
 */
#include <stdlib.h>
#include <string.h>

#include "interop/generate.h"
#include "interop/image.h"
#include "interop/play.h"
#include "interop/trees.h"

typedef struct golden {
    const char *folder;
    uint64_t trees; /* whose files are compared */
} golden_t;

static const golden_t releases[] = {{INTEROP_GOLDEN "/2026.2", 7}, {INTEROP_GOLDEN "/2026.10", 5}};

static FILE *open_in(const golden_t *golden, const char *name)
{
    path_t path = join_path(golden->folder, name);
    FILE *file = fopen(path.text, "r");
    assert_non_null(file);
    return file;
}

/** `told` holds just what the file `name` holds; the first line that differs is printed otherwise. */
static void check_told(const golden_t *golden, FILE *told, const char *name)
{
    char expected[SCRIPT_LINE], line[SCRIPT_LINE], script[SCRIPT_LINE] = "";
    FILE *file = open_in(golden, name);
    rewind(told);
    while (fgets(expected, sizeof expected, file) != NULL) {
        if (strncmp(expected, "script ", 7) == 0)
            memcpy(script, expected, sizeof script);
        if (fgets(line, sizeof line, told) == NULL)
            line[0] = 0;
        if (strcmp(line, expected) != 0) {
            print_error("%s  the crate: %s  this library: %s", script, expected, line);
            fail();
        }
    }
    assert_null(fgets(line, sizeof line, told));
    fclose(file);
}

static void play_opening(const setting_t *setting, const char *directory, FILE *told)
{
    script_t opening = {.setting = *setting};
    script_add(&opening, OPERATION_OPEN, 0, 0, 0);
    script_add(&opening, OPERATION_DUMP, 0, 0, 0);
    script_add(&opening, OPERATION_REPLAY, 0, 0, 0);
    script_add(&opening, OPERATION_CLOSE, 0, 0, 0);
    play_script(&opening, directory, told);
    script_free(&opening);
}

static void check_read(const golden_t *golden)
{
    path_t root = make_temp_directory(), directory = join_path(root.text, "copy"),
           files = join_path(golden->folder, "files");
    FILE *scripts = open_in(golden, "scripts"), *told = tmpfile();
    assert_non_null(told);
    copy_tree(files.text, directory.text);
    for (script_t script; script_read(scripts, &script); script_free(&script))
        play_opening(&script.setting, directory.text, told);
    check_told(golden, told, "opened");
    fclose(told);
    fclose(scripts);
    remove_tree(root.text);
}

static void test_what_the_crate_wrote_is_read(void **state)
{
    for (size_t i = 0; i < sizeof releases / sizeof releases[0]; i++)
        check_read(&releases[i]);
}

static void check_made(const golden_t *golden)
{
    path_t root = make_temp_directory(), files = join_path(golden->folder, "files");
    tally_t tally = {0};
    FILE *scripts = open_in(golden, "scripts"), *told = tmpfile();
    assert_non_null(told);
    for (script_t script; script_read(scripts, &script); script_free(&script)) {
        play_script(&script, root.text, told);
        if (!compare_trees(&script.setting, root.text, files.text, &tally))
            fail();
    }
    check_told(golden, told, "made");
    fclose(told);
    fclose(scripts);
    assert_int_equal(tally.trees, golden->trees);
    remove_tree(root.text);
}

/** Byte for byte where a script's name begins with x, page by page with p, record by record with z. */
static void test_the_same_scripts_leave_the_same_files(void **state)
{
    for (size_t i = 0; i < sizeof releases / sizeof releases[0]; i++)
        check_made(&releases[i]);
}

static void check_file(const char *partition, const char *expected)
{
    path_t directory = join_path(INTEROP_GOLDEN "/2026.2/files", partition);
    path_t path = section_path(directory.text, ".", 1);
    bytes_t file = read_file(path.text);
    char *text = calloc(2, file.size + 1);
    assert_non_null(text);
    for (size_t i = 0; i < file.size; i++)
        snprintf(text + 2 * i, 3, "%02x", file.data[i]);
    assert_string_equal(text, expected);
    free(text);
    free_bytes(&file);
}

#define TWICE(text) text text
#define ZEROS_8 "0000000000000000"
#define RECORD(number, offset) "00000000000000" number "00000000000000" offset "00000014"
#define VALUE(byte) TWICE(TWICE(TWICE(TWICE(byte))))

/** Four records with a sync after each: the bytes that were worked out by hand from the rules of the format. */
static void test_the_crate_writes_the_vectors(void **state)
{
    check_file("x-slots-values", "4357494300000000" VALUE("01") "459cffc2" VALUE("02") "4da850ba" VALUE(
                                     "03") "4a443592" VALUE("04") "5dc10e4a");
    check_file("x-slots-index", "4357494300000000" RECORD("01", "00") RECORD("02", "14")
                                    RECORD("03", "28") "00000000"
                                                       "003c98765c87"
                                                       "0040dc687cd3"
                                                       "00000004"
                                                       "000000000000003c"
                                                       "00000014" TWICE(TWICE(ZEROS_8)) TWICE(ZEROS_8) "0010e7544aab"
                                                                                                       "000000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_crate_wrote_is_read),
        cmocka_unit_test(test_the_same_scripts_leave_the_same_files),
        cmocka_unit_test(test_the_crate_writes_the_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
