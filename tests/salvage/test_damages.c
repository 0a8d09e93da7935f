/*
 * salvage/test_damages.c: of a journal that is damaged in each of many ways, a salvage brings back exactly the records that
 * can be, in both native versions and the commonware format. src/SALVAGE.md has the counts, and they are compared here.
 */
#include "salvage/wreck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A way to damage section 1, and what cannot come back of it: by the version of the files. */
typedef struct damage {
    const char *name;
    void (*spoil)(wreck_t *wreck);
    unsigned missing[3]; /* version 1, version 2, commonware */
    unsigned values;     /* version 1: of these, whose values are found without their entries */
} damage_t;

enum { V1, V2, CW };

static unsigned column(const make_t *make)
{
    return make->format == SEGJ_FORMAT_COMMONWARE ? CW : make->version - 1u;
}

static uint64_t page_offset(const wreck_t *wreck, uint64_t page)
{
    return wreck->index_data + page * (SMALL_PAGE + PAGE_CHECKSUMS);
}

/* --- headers --- */

static void nothing(wreck_t *wreck)
{
    (void)wreck;
}

static size_t header_size(const wreck_t *wreck)
{
    return wreck->make->format == SEGJ_FORMAT_NATIVE ? HEADER_BLOCK : 8;
}

static void index_header_zeros(wreck_t *wreck)
{
    wreck_zero(wreck_index(wreck, 1), 0, header_size(wreck));
}

static void values_header_noise(wreck_t *wreck)
{
    wreck_noise(wreck_values(wreck, 1), 0, header_size(wreck), 5);
}

static void both_headers_noise(wreck_t *wreck)
{
    wreck_noise(wreck_index(wreck, 1), 0, (size_t)wreck->index_data, 7);
    wreck_noise(wreck_values(wreck, 1), 0, (size_t)wreck->values_data, 8);
}

static void copy_header(path_t from, path_t to, size_t size)
{
    bytes_t bytes = read_file(from.text);
    write_file_at(to.text, 0, bytes.data, size);
    free_bytes(&bytes);
}

static void headers_of_another_section(wreck_t *wreck)
{
    copy_header(wreck_index(wreck, 2), wreck_index(wreck, 1), header_size(wreck));
    if (wreck->make->version != 2) /* where both have another's salt its own is lost */
        copy_header(wreck_values(wreck, 2), wreck_values(wreck, 1), header_size(wreck));
}

static void watermarks_noise(wreck_t *wreck)
{
    if (wreck->make->format == SEGJ_FORMAT_NATIVE)
        wreck_noise(wreck_index(wreck, 1), HEADER_BLOCK, (size_t)2 * HEADER_BLOCK, 9);
}

/* --- the index --- */

static void a_page_zeros(wreck_t *wreck)
{
    wreck_zero(wreck_index(wreck, 1), page_offset(wreck, 4), SMALL_PAGE + PAGE_CHECKSUMS);
}

static void a_page_flipped(wreck_t *wreck)
{
    wreck_flip(wreck_index(wreck, 1), page_offset(wreck, 0) + 3);
}

static void index_cut(wreck_t *wreck)
{
    resize_file(wreck_index(wreck, 1).text, page_offset(wreck, 5) + 7);
}

static void all_pages_noise(wreck_t *wreck)
{
    wreck_noise(wreck_index(wreck, 1), page_offset(wreck, 0), (size_t)(page_offset(wreck, 13) - page_offset(wreck, 0)),
                11);
}

static void index_emptied(wreck_t *wreck)
{
    resize_file(wreck_index(wreck, 1).text, 0);
}

static void index_removed(wreck_t *wreck)
{
    remove_file(wreck_index(wreck, 1).text);
}

static void index_partition_removed(wreck_t *wreck)
{
    remove_tree(join_path(wreck->source.text, "index").text);
}

/* --- the values --- */

static void a_payload_flipped(wreck_t *wreck)
{
    wreck_flip(wreck_values(wreck, 1), wreck_frame(wreck, 1, 10) + wreck->head + 2);
}

static void a_trailer_flipped(wreck_t *wreck)
{
    wreck_flip(wreck_values(wreck, 1), wreck_frame_end(wreck, 1, 10) - 1);
}

static void a_payload_and_its_trailer_flipped(wreck_t *wreck)
{
    a_payload_flipped(wreck);
    a_trailer_flipped(wreck);
}

static void a_head_flipped(wreck_t *wreck)
{
    if (wreck->make->version == 2)
        wreck_flip(wreck_values(wreck, 1), wreck_frame(wreck, 1, 10) + 7);
}

static void three_frames_zeros(wreck_t *wreck)
{
    uint64_t begin = wreck_frame(wreck, 1, 10);
    wreck_zero(wreck_values(wreck, 1), begin, (size_t)(wreck_frame_end(wreck, 1, 12) - begin));
}

static void a_sector_noise(wreck_t *wreck)
{
    uint64_t begin = wreck_frame(wreck, 1, 20) + 5;
    uint64_t end = wreck_frame_end(wreck, 1, 22) - 30;
    wreck_noise(wreck_values(wreck, 1), begin, (size_t)(end - begin), 12);
}

static void values_cut(wreck_t *wreck)
{
    resize_file(wreck_values(wreck, 1).text, wreck_frame_end(wreck, 1, 30) + 3);
}

static void values_cut_and_index_removed(wreck_t *wreck)
{
    values_cut(wreck);
    index_removed(wreck);
}

static void three_frames_zeros_and_index_removed(wreck_t *wreck)
{
    three_frames_zeros(wreck);
    index_removed(wreck);
}

static void a_sector_noise_and_index_removed(wreck_t *wreck)
{
    a_sector_noise(wreck);
    index_removed(wreck);
}

static void values_removed(wreck_t *wreck)
{
    remove_file(wreck_values(wreck, 1).text);
}

static void zeros_follow(wreck_t *wreck)
{
    resize_file(wreck_values(wreck, 1).text, file_size(wreck_values(wreck, 1).text) + 70000);
}

static void noise_follows(wreck_t *wreck)
{
    wreck_noise(wreck_values(wreck, 1), file_size(wreck_values(wreck, 1).text), 3000, 13);
}

/* --- names --- */

static void foreign_names(wreck_t *wreck)
{
    write_file(join_path(join_path(wreck->source.text, "index").text, "notes.txt").text, "x", 1);
    make_directory(join_path(join_path(wreck->source.text, "values").text, "0000000000000009").text);
}

static const damage_t damages[] = {
    {"nothing", nothing, {0, 0, 0}, 0},
    {"the index file's header is zeros", index_header_zeros, {0, 0, 0}, 0},
    {"the values file's header is noise", values_header_noise, {0, 0, 0}, 0},
    {"both headers and the watermarks are noise", both_headers_noise, {0, 40, 0}, 0},
    {"headers of another section (version 2: the index file's)", headers_of_another_section, {0, 0, 0}, 0},
    {"the watermarks are noise", watermarks_noise, {0, 0, 0}, 0},
    {"an index page is zeros", a_page_zeros, {4, 0, 4}, 4},
    {"a bit of the first index page", a_page_flipped, {4, 0, 4}, 4},
    {"the index file is cut after 5 of 13 pages", index_cut, {24, 0, 24}, 24},
    {"all index pages are noise", all_pages_noise, {40, 0, 40}, 40},
    {"the index file is empty", index_emptied, {40, 0, 40}, 40},
    {"the index file is missing", index_removed, {40, 0, 40}, 40},
    {"the index partition is missing", index_partition_removed, {40, 0, 40}, 40},
    {"a bit of a value", a_payload_flipped, {1, 1, 1}, 0},
    {"a bit of a frame's trailer", a_trailer_flipped, {1, 0, 1}, 0},
    {"both of these", a_payload_and_its_trailer_flipped, {1, 1, 1}, 0},
    {"a bit of a frame's head (version 2)", a_head_flipped, {0, 0, 0}, 0},
    {"three frames are zeros", three_frames_zeros, {3, 3, 3}, 0},
    {"noise over the parts of three frames", a_sector_noise, {3, 3, 3}, 0},
    {"the values file is cut after 31 frames", values_cut, {9, 9, 9}, 0},
    {"the same, and the index file is missing", values_cut_and_index_removed, {40, 9, 40}, 30},
    {"three frames are zeros, and the index file is missing", three_frames_zeros_and_index_removed, {40, 4, 40}, 9},
    {"noise over the parts of three frames, and the index file is missing",
     a_sector_noise_and_index_removed,
     {40, 3, 40},
     19},
    {"the values file is missing", values_removed, {40, 40, 40}, 0},
    {"zeros follow the last frame", zeros_follow, {0, 0, 0}, 0},
    {"noise follows the last frame", noise_follows, {0, 0, 0}, 0},
    {"foreign names in both partitions", foreign_names, {0, 0, 0}, 0},
};

enum { DAMAGES = sizeof damages / sizeof damages[0] };

/* What an open keeps and what a salvage brings back, of 40: filled by the first test. */
static char cells[DAMAGES][3][2][24];

/* Values of section 1 whose entries are lost. */
static unsigned values_found(const haul_seen_t *seen)
{
    unsigned values = 0;
    for (size_t i = 0; i < seen->gap_count && i < WRECK_GAPS; i++)
        values += seen->gaps[i].section == 1 ? (unsigned)seen->gaps[i].values : 0;
    return values;
}

static void check_damage(wreck_t *wreck, size_t at)
{
    const damage_t *damage = &damages[at];
    unsigned which = column(wreck->make);
    damage->spoil(wreck);
    haul_seen_t seen = wreck_salvage(wreck, NULL);
    unsigned back = WRECK_RECORDS - damage->missing[which];
    if (seen.records[1] != back)
        fail_msg("%s, %s: %u records came back, expected %u", wreck->make->name, damage->name, seen.records[1], back);
    unsigned values = values_found(&seen);
    if (values != (which == V1 ? damage->values : 0))
        fail_msg("%s, %s: %u values without entries", wreck->make->name, damage->name, values);
    /* What is missing is told; what no file tells of cannot be. */
    if (damage->spoil != index_partition_removed)
        assert_int_equal(seen.records[2], WRECK_RECORDS);
    if (damage->missing[which] > 0 && path_exists(wreck_index(wreck, 1).text))
        for (unsigned i = 0; i < WRECK_RECORDS; i++)
            assert_true(seen.back[1][i] || wreck_in_gap(&seen, 1, i));
    bool rest = damage->spoil == noise_follows && which == CW; /* no file says that it was never synced */
    if ((seen.told.gaps > 0) != (damage->missing[which] > 0 || rest))
        fail_msg("%s, %s: %llu gaps", wreck->make->name, damage->name, (unsigned long long)seen.told.gaps);
    if (wreck->make->compression == 0) {
        int kept = wreck_opened(wreck);
        (void)snprintf(cells[at][which][0], 24, kept < 0 ? "refused" : "%d", kept);
        (void)snprintf(cells[at][which][1], 24, which == V1 && damage->values > 0 ? "%u (%u)" : "%u", seen.records[1],
                       damage->values);
    }
}

static void each_damage_costs_what_it_must(void **state)
{
    for (size_t m = 0; m < 6; m++) {
        wreck_t wreck;
        wreck_make(&wreck, &makes[m]);
        for (size_t i = 0; i < DAMAGES; i++) {
            check_damage(&wreck, i);
            wreck_mend(&wreck);
        }
        wreck_free(&wreck);
    }
}

/* The document has a row for each damage. */
static void the_table_is_what_was_measured(void **state)
{
    bytes_t text = read_file(SALVAGE_TABLE);
    char *document = calloc(1, text.size + 1);
    bool same = true;
    assert_non_null(document);
    memcpy(document, text.data, text.size);
    for (size_t i = 0; i < DAMAGES; i++) {
        char row[4096];
        (void)snprintf(row, sizeof row, "\n| %s | %s | %s | %s | %s | %s | %s |\n", damages[i].name, cells[i][V1][0],
                       cells[i][V1][1], cells[i][V2][0], cells[i][V2][1], cells[i][CW][0], cells[i][CW][1]);
        if (strstr(document, row) != NULL)
            continue;
        print_message("the table lacks: %s", row + 1);
        same = false;
    }
    free(document);
    free_bytes(&text);
    assert_true(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_damage_costs_what_it_must),
        cmocka_unit_test(the_table_is_what_was_measured),
    };
    return cmocka_run_group_tests_name("damages", tests, NULL, NULL);
}
