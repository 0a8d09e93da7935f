/*
 * interop/trees.c: the files that two sides have left of the same script.
 */
#include "interop/trees.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "interop/generate.h"
#include "interop/image.h"
#include "interop/play.h"

typedef struct pair {
    const setting_t *setting;
    compare_mode_t mode;
    tally_t *tally;
    uint64_t section;
    path_t left, right;
    bool equal;
} pair_t;

static bool differs(const pair_t *pair, const char *what, uint64_t left, uint64_t right)
{
    printf("script %s: %s and %s: %s: %" PRIu64 " and %" PRIu64 "\n", pair->setting->id, pair->left.text,
           pair->right.text, what, left, right);
    return false;
}

/** Where two buffers of the same size begin to differ. */
static size_t first_difference(const uint8_t *left, const uint8_t *right, size_t size)
{
    size_t at = 0;
    while (at < size && left[at] == right[at])
        at++;
    return at;
}

static bool compare_page(pair_t *pair, const image_index_t *left, const image_index_t *right, size_t page)
{
    uint16_t page_size = left->page_size;
    const uint8_t *a = image_page(left, page), *b = image_page(right, page);
    uint16_t length = decode_plain_page(a, page_size);
    if (length != decode_plain_page(b, page_size))
        return differs(pair, "the lengths of a page", length, decode_plain_page(b, page_size));
    if (memcmp(a, b, length == 0 ? page_size : length) != 0)
        return differs(pair, "the contents of a page", page, page);
    pair->tally->pages++;
    if (memcmp(a + page_size, b + page_size, IMAGE_SLOTS) != 0) {
        pair->tally->slots++;
        pair->tally->slots_inner += page + 1 < left->pages;
    }
    if (memcmp(a + length, b + length, (size_t)(page_size - length)) != 0)
        pair->tally->padding++;
    return true;
}

static bool compare_pages(pair_t *pair, const image_index_t *left, const image_index_t *right)
{
    if (left->pages != right->pages)
        return differs(pair, "pages", left->pages, right->pages);
    for (size_t page = 0; page < left->pages; page++)
        if (!compare_page(pair, left, right, page))
            return false;
    return true;
}

/** Records without their locations. */
static bool compare_entries(pair_t *pair, const image_index_t *left, const image_index_t *right)
{
    size_t record = pair->setting->entry + (size_t)IMAGE_LOCATION;
    if (left->size != right->size)
        return differs(pair, "index bytes", left->size, right->size);
    for (size_t at = 0; at + record <= left->size; at += record)
        if (memcmp(left->logical + at, right->logical + at, pair->setting->entry) != 0)
            return differs(pair, "records", at / record, at / record);
    return true;
}

/** Where a file has lost its header, the crate makes it anew in the container of new files, and this library in that of the
 *  newest section. */
static void skip_headers(pair_t *pair, const bytes_t *left, const bytes_t *right, size_t from[2])
{
    size_t headers[2] = {image_header(left), image_header(right)};
    bool skipped = headers[0] != headers[1] && left->size >= headers[0] && right->size >= headers[1] &&
                   pair->mode != COMPARE_EXACT;
    from[0] = skipped ? headers[0] : 0;
    from[1] = skipped ? headers[1] : 0;
    pair->equal = pair->equal && !skipped;
    pair->tally->headers += skipped;
}

static bool compare_bytes(pair_t *pair, bool needed)
{
    bytes_t left = read_file(pair->left.text), right = read_file(pair->right.text);
    bool good = true;
    size_t from[2];
    skip_headers(pair, &left, &right, from);
    size_t sizes[2] = {left.size - from[0], right.size - from[1]};
    if (sizes[0] != sizes[1]) {
        pair->equal = false;
        good = !needed || differs(pair, "sizes", sizes[0], sizes[1]);
    } else if (memcmp(left.data + from[0], right.data + from[1], sizes[0]) != 0) {
        size_t at = first_difference(left.data + from[0], right.data + from[1], sizes[0]);
        pair->equal = false;
        good = !needed || differs(pair, "bytes at an offset", from[0] + at, from[1] + at);
    }
    free_bytes(&left);
    free_bytes(&right);
    return good;
}

static bool compare_index(pair_t *pair)
{
    image_index_t left, right;
    if (!compare_bytes(pair, pair->mode == COMPARE_EXACT))
        return false;
    image_index_load(pair->left.text, pair->setting->page, &left);
    image_index_load(pair->right.text, pair->setting->page, &right);
    bool good = pair->mode == COMPARE_ENTRIES ? compare_entries(pair, &left, &right)
                : left.file.size - left.header == right.file.size - right.header
                    ? compare_pages(pair, &left, &right)
                    : differs(pair, "sizes", left.file.size - left.header, right.file.size - right.header);
    image_index_free(&left);
    image_index_free(&right);
    return good;
}

/** Where values are lost this library makes an empty file at open, and the crate with the next append. */
static size_t without_empty_files(pair_t *pair, const char *partition, uint64_t sections[SETTING_SECTIONS],
                                  size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        char name[NAME_LIMIT];
        snprintf(name, sizeof name, "%016" PRIx64, sections[i]);
        path_t path = join_path(partition, name);
        bytes_t file = read_file(path.text);
        if (file.size > image_header(&file))
            sections[kept++] = sections[i];
        else
            pair->tally->empty++;
        free_bytes(&file);
    }
    return kept;
}

/** Both directories hold the same files; a missing one is an empty one. */
static bool compare_partition(pair_t *pair, const char *left, const char *right, bool index)
{
    uint64_t sections[SETTING_SECTIONS], others[SETTING_SECTIONS];
    size_t count = image_sections(left, sections), other = image_sections(right, others);
    if (!index && count != other && pair->mode != COMPARE_EXACT) {
        pair->equal = false;
        count = without_empty_files(pair, left, sections, count);
        other = without_empty_files(pair, right, others, other);
    }
    snprintf(pair->left.text, sizeof pair->left.text, "%s", left);
    snprintf(pair->right.text, sizeof pair->right.text, "%s", right);
    if (count != other)
        return differs(pair, "files", count, other);
    for (size_t i = 0; i < count; i++) {
        char name[NAME_LIMIT];
        if (sections[i] != others[i])
            return differs(pair, "sections", sections[i], others[i]);
        snprintf(name, sizeof name, "%016" PRIx64, sections[i]);
        pair->left = join_path(left, name);
        pair->right = join_path(right, name);
        pair->tally->files++;
        if (!(index ? compare_index(pair) : compare_bytes(pair, pair->mode != COMPARE_ENTRIES)))
            return false;
    }
    return true;
}

bool compare_trees(const setting_t *setting, const char *left, const char *right, tally_t *tally)
{
    pair_t pair = {.setting = setting, .mode = (compare_mode_t)setting->id[0], .tally = tally, .equal = true};
    if (pair.mode != COMPARE_EXACT && pair.mode != COMPARE_PAGES && pair.mode != COMPARE_ENTRIES)
        return true;
    partition_names_t names;
    partition_names(setting, names);
    for (int i = 0; i < 2; i++) {
        path_t a = join_path(left, names[i]), b = join_path(right, names[i]);
        if (!compare_partition(&pair, a.text, b.text, i == 0))
            return false;
    }
    tally->trees++;
    tally->equal_trees += pair.equal;
    return true;
}
