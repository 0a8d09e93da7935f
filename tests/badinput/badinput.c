/* badinput/badinput.c: sentences, trees and journals in directories; see badinput/badinput.h. */
#include "badinput/badinput.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* --- sentences --- */

void check_sentence(const char *file, int line, ...)
{
    va_list texts;
    va_start(texts, line);
    for (const char *text = va_arg(texts, const char *); text != NULL; text = va_arg(texts, const char *)) {
        if (strstr(segj_last_error(), text) != NULL)
            continue;
        print_error("the last error does not name \"%s\":\n  %s\n", text, segj_last_error());
        va_end(texts);
        _fail(file, line);
        return;
    }
    va_end(texts);
}

/* --- trees --- */

static void add_line(manifest_t *manifest, const char *line)
{
    size_t length = strlen(line);
    char *text = realloc(manifest->text, manifest->size + length + 1);
    assert_non_null(text);
    memcpy(text + manifest->size, line, length + 1);
    manifest->text = text;
    manifest->size += length;
}

static void add_file(manifest_t *manifest, const char *path, uint64_t size)
{
    char line[PATH_LIMIT + 64];
    bytes_t content = read_file(path);
    snprintf(line, sizeof line, "file %s %" PRIu64 " %08lx\n", path, size,
             crc32(crc32(0, NULL, 0), content.data, (uInt)content.size));
    free_bytes(&content);
    add_line(manifest, line);
}

static void add_tree(manifest_t *manifest, const char *path)
{
    char line[2 * PATH_LIMIT + 64];
    char target[PATH_LIMIT] = "";
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    if (S_ISREG(status.st_mode)) {
        add_file(manifest, path, (uint64_t)status.st_size);
        return;
    }
    if (S_ISLNK(status.st_mode))
        assert_true(readlink(path, target, sizeof target - 1) > 0);
    snprintf(line, sizeof line, "%o %s %s\n", (unsigned)status.st_mode, path, target);
    add_line(manifest, line);
    if (!S_ISDIR(status.st_mode))
        return;
    names_t list = list_directory(path);
    for (size_t i = 0; i < list.count; i++)
        add_tree(manifest, join_path(path, list.names[i]).text);
    free_names(&list);
}

manifest_t take_manifest(const char *directory)
{
    manifest_t manifest = {NULL, 0};
    add_tree(&manifest, directory);
    return manifest;
}

void free_manifest(manifest_t *manifest)
{
    free(manifest->text);
    *manifest = (manifest_t){NULL, 0};
}

void assert_unchanged(const char *directory, const manifest_t *before)
{
    manifest_t now = take_manifest(directory);
    if (strcmp(now.text, before->text) != 0) {
        print_error("the tree has changed. Before:\n%sNow:\n%s", before->text, now.text);
        fail();
    }
    free_manifest(&now);
}

static void refuse_once(const oversized_config_t *config, segj_status_t expected, const char *file, int line)
{
    static char nothing;
    oversized_t *journal = (oversized_t *)(void *)&nothing;
    segj_status_t status = oversized_open(config, &journal);
    if (status != expected && status == SEGJ_OK)
        oversized_abandon(journal);
    const char *how = config->read_only ? "oversized_open, read-only" : "oversized_open";
    check_status(status, expected, config->strict ? "oversized_open, strict" : how, file, line);
    assert_null(journal);
}

void check_refused(const oversized_config_t *config, const char *root, segj_status_t expected, const char *file,
                   int line)
{
    manifest_t before = take_manifest(root);
    oversized_config_t other = *config;
    other.read_only = true;
    refuse_once(&other, expected, file, line);
    assert_unchanged(root, &before);
    other = *config;
    other.strict = true;
    refuse_once(&other, expected, file, line);
    assert_unchanged(root, &before);
    refuse_once(config, expected, file, line);
    assert_unchanged(root, &before);
    free_manifest(&before);
}

/* --- a journal in a directory of its own --- */

int make_place(void **state)
{
    place_t *place = calloc(1, sizeof *place);
    if (place == NULL)
        return -1;
    place->root = make_temp_directory();
    place->directory = join_path(place->root.text, "journal");
    small_config(&place->config, place->directory.text);
    *state = place;
    return 0;
}

int drop_place(void **state)
{
    place_t *place = *state;
    remove_tree(place->root.text);
    free(place);
    return 0;
}

void append_samples(oversized_t *journal, uint64_t section, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append_filled(journal, section, 100 + i, (uint8_t)(0x40 + i), SAMPLE_SIZE, NULL);
}

void check_sample(oversized_t *journal, uint64_t section, uint64_t position)
{
    check_filled(journal, section, position, 100 + position, (uint8_t)(0x40 + position), SAMPLE_SIZE);
}

void fill_journal(const oversized_config_t *config, uint64_t sections, size_t count)
{
    oversized_t *journal;
    assert_ok(oversized_open(config, &journal));
    for (uint64_t section = 1; section <= sections; section++)
        append_samples(journal, section, count);
    assert_ok(oversized_close(journal));
}

void check_journal(const oversized_config_t *config, uint64_t sections, size_t count)
{
    oversized_t *journal;
    uint64_t number;
    assert_ok(oversized_open(config, &journal));
    assert_int_equal(oversized_recovery(journal)->sections, sections);
    assert_int_equal(oversized_recovery(journal)->synced_records_lost, 0);
    for (uint64_t section = 1; section <= sections; section++) {
        assert_ok(oversized_count(journal, section, &number));
        assert_int_equal(number, count);
        for (size_t i = 0; i < count; i++)
            check_sample(journal, section, i);
    }
    assert_ok(oversized_close(journal));
}
