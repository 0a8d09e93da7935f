/*
 * interop/edit.c: damage.
 */
#include "interop/edit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "interop/image.h"
#include "interop/play.h"

enum { TAIL_LIMIT = 300 };

/** A section's two files, before they are damaged. */
typedef struct victim {
    setting_t *setting;
    draw_t *draw;
    path_t index_path, values_path, index_partition, values_partition;
    size_t record;
    image_index_t index;
    bytes_t values;
    size_t values_header;
    compare_mode_t mode;
} victim_t;

static const char *const kinds[EDIT_KINDS] = {
    [EDIT_NOTHING] = "nothing",
    [EDIT_VALUES_AT_FRAME] = "values end behind a frame",
    [EDIT_VALUES_OFF_BY_ONE] = "values lack a byte",
    [EDIT_VALUES_TO_HEADER] = "values end behind the header",
    [EDIT_VALUES_REMOVED] = "values removed",
    [EDIT_VALUES_TAIL] = "garbage behind the values",
    [EDIT_VALUES_BYTE] = "a byte of the values",
    [EDIT_VALUES_NO_HEADER] = "values end within the header",
    [EDIT_ORPHAN] = "values without an index",
    [EDIT_INDEX_AT_PAGE] = "index ends behind a page",
    [EDIT_INDEX_ANYWHERE] = "index ends anywhere",
    [EDIT_INDEX_TO_HEADER] = "index ends behind the header",
    [EDIT_INDEX_NO_HEADER] = "index ends within the header",
    [EDIT_INDEX_REMOVED] = "index removed",
    [EDIT_INDEX_TAIL] = "garbage behind the index",
    [EDIT_LAST_SLOTS] = "both slots of the last page",
    [EDIT_LONGER_SLOT] = "the longer slot of the last page",
    [EDIT_INDEX_BYTE] = "a byte of the index",
    [EDIT_LAST_PAGES_ZERO] = "the last pages are zeros",
    [EDIT_PARTIAL_RECORD] = "a full page ends within a record",
    [EDIT_OTHER_RECORDS] = "a partial page ends within a record",
    [EDIT_LOCATION_BEYOND] = "a value behind the end",
    [EDIT_LOCATION_OVERFLOW] = "a location that overflows",
    [EDIT_NO_INDEX_PARTITION] = "no index partition",
    [EDIT_NO_VALUES_PARTITION] = "no values partition",
    [EDIT_OTHER_PAGE_SIZE] = "another page size",
    [EDIT_ZERO_HEADER] = "a header's size without its bytes",
    [EDIT_WEDGE] = "the last record ends in a damaged page",
    [EDIT_STOPPED] = "this library killed between two changes",
};

const char *edit_name(edit_kind_t kind)
{
    return kinds[kind];
}

static size_t records_of(const victim_t *victim)
{
    return victim->index.size / victim->record;
}

static const uint8_t *record_at(const victim_t *victim, size_t position)
{
    return victim->index.logical + position * victim->record;
}

/** A place in [least, size); size where that is none. */
static uint64_t draw_place(draw_t *draw, uint64_t least, uint64_t size)
{
    return size <= least ? size : least + draw_below(draw, size - least);
}

static void append_garbage(const char *path, draw_t *draw, size_t most)
{
    uint8_t garbage[TAIL_LIMIT];
    size_t size = (size_t)draw_between(draw, 1, most < TAIL_LIMIT ? most : TAIL_LIMIT);
    fill_bytes(draw_any(draw), garbage, size);
    write_file_at(path, file_size(path), garbage, size);
}

static void flip(const char *path, uint64_t offset, draw_t *draw)
{
    bytes_t file = read_file(path);
    if (offset < file.size) {
        uint8_t byte = (uint8_t)(file.data[offset] ^ draw_between(draw, 1, 255));
        write_file_at(path, offset, &byte, 1);
    }
    free_bytes(&file);
}

/* --- values --- */

static void cut_values_at_frame(victim_t *victim, uint64_t less)
{
    size_t records = records_of(victim);
    if (records == 0)
        return;
    const uint8_t *record = record_at(victim, (size_t)draw_below(victim->draw, records));
    uint64_t end = victim->values_header + image_offset(record, victim->record) + image_size(record, victim->record);
    if (end <= victim->values.size)
        resize_file(victim->values_path.text, end - less);
}

static void add_orphan(victim_t *victim)
{
    static const uint64_t numbers[] = {4, 5, 6, 99, 1001, UINT64_C(0xFFFFFFFFFFFFFFF0)};
    for (uint64_t i = draw_between(victim->draw, 1, 2); i > 0; i--) {
        char name[NAME_LIMIT];
        uint64_t number = numbers[draw_below(victim->draw, sizeof numbers / sizeof numbers[0])];
        snprintf(name, sizeof name, "%016" PRIx64, number);
        path_t path = join_path(victim->values_partition.text, name);
        write_file(path.text, victim->values.data, victim->values.size);
    }
}

static void damage_values(victim_t *victim, edit_kind_t kind)
{
    const char *path = victim->values_path.text;
    switch (kind) {
    case EDIT_VALUES_AT_FRAME:
        cut_values_at_frame(victim, 0);
        break;
    case EDIT_VALUES_OFF_BY_ONE:
        cut_values_at_frame(victim, 1);
        break;
    case EDIT_VALUES_TO_HEADER:
        resize_file(path, victim->values_header);
        break;
    case EDIT_VALUES_REMOVED:
        remove_file(path);
        break;
    case EDIT_VALUES_TAIL:
        append_garbage(path, victim->draw, TAIL_LIMIT);
        break;
    case EDIT_VALUES_BYTE: /* above the counts of an archive the crate looks at every value, and this library at the last */
        if (!victim->setting->counts)
            flip(path, draw_place(victim->draw, victim->values_header, victim->values.size), victim->draw);
        break;
    case EDIT_VALUES_NO_HEADER:
        resize_file(path, draw_below(victim->draw, victim->values_header));
        break;
    default:
        add_orphan(victim);
        break;
    }
}

/* --- the index --- */

static uint64_t page_offset(const victim_t *victim, size_t page)
{
    return victim->index.header + page * (victim->index.page_size + (uint64_t)IMAGE_SLOTS);
}

static void damage_last_slots(victim_t *victim, bool both)
{
    if (victim->index.pages == 0)
        return;
    size_t last = victim->index.pages - 1;
    uint64_t offset = page_offset(victim, last) + victim->index.page_size;
    uint8_t slots[IMAGE_SLOTS];
    memset(slots, 0xFF, sizeof slots);
    if (both) {
        write_file_at(victim->index_path.text, offset, slots, sizeof slots);
        return;
    }
    const uint8_t *page = image_page(&victim->index, last) + victim->index.page_size;
    bool second = get_u16(page) < get_u16(page + IMAGE_SLOTS / 2);
    offset += second ? 2 + IMAGE_SLOTS / 2 : 2;
    flip(victim->index_path.text, offset + draw_below(victim->draw, 4), victim->draw);
}

/** Damage to this page, behind which full ones are valid, is damage to the last whole record: release 2026.2.0 then refuses
 *  every open. */
static void note_wedge(victim_t *victim, size_t page)
{
    size_t page_size = victim->index.page_size, size = victim->index.size;
    size_t end = size / victim->record * victim->record;
    if (!victim->setting->newer && size % page_size == 0 && (page + 1) * page_size < size && end > page * page_size &&
        end <= (page + 1) * page_size)
        victim->mode = COMPARE_REFUSED_THERE;
}

/**
 * Changes a byte. In a page that is not the last, one that every slot covers: where only the longer slot is damaged the
 * crate takes the page for a lost one and this library reads what the older slot stands for.
 */
static void damage_byte(victim_t *victim)
{
    const image_index_t *index = &victim->index;
    uint64_t place = draw_place(victim->draw, index->header, index->file.size);
    size_t page =
        place < index->header ? 0 : (size_t)(place - index->header) / (index->page_size + (size_t)IMAGE_SLOTS);
    if (page + 1 < index->pages) {
        const uint8_t *slots = image_page(index, page) + index->page_size;
        uint16_t first = get_u16(slots), second = get_u16(slots + IMAGE_SLOTS / 2);
        uint16_t covered = second > 0 && second < first ? second : first;
        place = page_offset(victim, page) + draw_below(victim->draw, covered);
        note_wedge(victim, page);
        victim->setting->holed = !victim->setting->newer;
    }
    flip(victim->index_path.text, place, victim->draw);
}

static void zero_last_pages(victim_t *victim)
{
    size_t first = (size_t)draw_below(victim->draw, victim->index.pages + 1);
    uint64_t size = file_size(victim->index_path.text);
    if (page_offset(victim, first) >= size)
        return;
    resize_file(victim->index_path.text, page_offset(victim, first));
    resize_file(victim->index_path.text, size);
}

/** The last record's value is moved behind the values' end, or as far as a number goes. */
static void move_location(victim_t *victim, bool overflow)
{
    size_t records = records_of(victim);
    if (records == 0)
        return;
    uint8_t *record = victim->index.logical + (records - 1) * victim->record;
    uint64_t least = victim->values.size + image_offset(record, victim->record);
    uint64_t offset = overflow ? UINT64_MAX - draw_below(victim->draw, 8) : least + draw_below(victim->draw, 1000);
    put_u64(record + victim->record - IMAGE_LOCATION, offset);
    image_index_write(victim->index_path.text, victim->index.header, victim->index.page_size, victim->index.logical,
                      records * victim->record);
}

/** Valid pages that end within a record: with a full page, as a crash leaves them, or with a partial one, which no sync
 *  of such records writes. */
static void end_within_record(victim_t *victim, bool partial)
{
    size_t page_size = victim->index.page_size, size = (size_t)draw_below(victim->draw, victim->index.size + 1);
    if (!partial)
        size -= size % page_size;
    else if (size % page_size == 0 || size % victim->record == 0)
        return;
    image_index_write(victim->index_path.text, victim->index.header, victim->index.page_size, victim->index.logical,
                      size);
    if (partial)
        victim->mode = COMPARE_REFUSED_HERE;
}

/** Where the file ends between the two slots of its first page, that page may pass for a smaller one, which has its second
 *  slot there. */
static void cut_index(victim_t *victim)
{
    const image_index_t *index = &victim->index;
    uint64_t size = draw_place(victim->draw, index->header, index->file.size);
    size_t smaller = index->page_size - (size_t)IMAGE_SLOTS / 2;
    resize_file(victim->index_path.text, size);
    if (index->page_size > IMAGE_SLOTS / 2 && size == index->header + smaller + IMAGE_SLOTS &&
        decode_plain_page(image_page(index, 0), (uint16_t)smaller) > 0)
        victim->mode = COMPARE_REFUSED_HERE;
}

static void damage_index(victim_t *victim, edit_kind_t kind)
{
    const char *path = victim->index_path.text;
    switch (kind) {
    case EDIT_INDEX_AT_PAGE:
        resize_file(path, page_offset(victim, (size_t)draw_below(victim->draw, victim->index.pages + 1)));
        break;
    case EDIT_INDEX_ANYWHERE:
        cut_index(victim);
        break;
    case EDIT_INDEX_TO_HEADER:
        resize_file(path, victim->index.header);
        break;
    case EDIT_INDEX_NO_HEADER:
        resize_file(path, draw_below(victim->draw, victim->index.header));
        break;
    case EDIT_INDEX_REMOVED:
        remove_file(path);
        break;
    case EDIT_INDEX_TAIL:
        append_garbage(path, victim->draw, 2 * (size_t)victim->index.page_size + 30);
        break;
    case EDIT_LAST_SLOTS:
    case EDIT_LONGER_SLOT:
        damage_last_slots(victim, kind == EDIT_LAST_SLOTS);
        break;
    case EDIT_INDEX_BYTE:
        damage_byte(victim);
        break;
    case EDIT_LAST_PAGES_ZERO:
        zero_last_pages(victim);
        break;
    case EDIT_PARTIAL_RECORD:
    case EDIT_OTHER_RECORDS:
        end_within_record(victim, kind == EDIT_OTHER_RECORDS);
        break;
    default:
        move_location(victim, kind == EDIT_LOCATION_OVERFLOW);
        break;
    }
}

/* --- what the two sides judge differently --- */

/** The page before the last is damaged where the last whole record ends in it, and the last page is full. */
static void wedge(victim_t *victim)
{
    size_t page_size = victim->index.page_size, pages = victim->index.size / page_size;
    size_t end = pages * page_size / victim->record * victim->record;
    if (pages < 2 || end > (pages - 1) * page_size || end <= (pages - 2) * page_size)
        return;
    image_index_write(victim->index_path.text, victim->index.header, victim->index.page_size, victim->index.logical,
                      pages * page_size);
    flip(victim->index_path.text, page_offset(victim, pages - 2) + draw_below(victim->draw, page_size), victim->draw);
    victim->index.size = pages * page_size;
    note_wedge(victim, pages - 2);
}

/** A header of which the size was written alone, or its first bytes too: with 8 bytes, as this library makes new files,
 *  or up to 4096. Release 2026.2.0 takes neither for a new file. */
static void lose_header(victim_t *victim)
{
    uint8_t bytes[COMMONWARE_V1];
    size_t written = draw_percent(victim->draw, 50) ? 0 : (size_t)draw_below(victim->draw, 4);
    size_t size = COMMONWARE_V0;
    encode_commonware_header(bytes, COMMONWARE_V1, 0);
    if (victim->setting->newer && draw_percent(victim->draw, 70)) {
        size = (size_t)draw_between(victim->draw, COMMONWARE_V0 + 1, COMMONWARE_V1);
        written = (size_t)draw_below(victim->draw, COMMONWARE_V0 + 4);
    }
    memset(bytes + written, 0, sizeof bytes - written);
    write_file(draw_percent(victim->draw, 50) ? victim->index_path.text : victim->values_path.text, bytes, size);
    if (!victim->setting->newer)
        victim->mode = COMPARE_REFUSED_THERE;
}

static void damage_judged_apart(victim_t *victim, edit_kind_t kind)
{
    switch (kind) {
    case EDIT_NO_INDEX_PARTITION:
        remove_tree(victim->index_partition.text);
        victim->mode = COMPARE_REFUSED_HERE;
        break;
    case EDIT_NO_VALUES_PARTITION:
        remove_tree(victim->values_partition.text);
        victim->mode = COMPARE_REFUSED_HERE;
        break;
    case EDIT_OTHER_PAGE_SIZE: /* pages of one byte, of which few differ, may pass for others */
        if (victim->setting->page == 1 || victim->index.pages == 0 ||
            decode_plain_page(image_page(&victim->index, 0), victim->setting->page) == 0)
            break;
        victim->setting->page = victim->setting->page == 64 ? 103 : 64;
        victim->mode = COMPARE_REFUSED_HERE;
        break;
    case EDIT_ZERO_HEADER:
        lose_header(victim);
        break;
    default:
        wedge(victim);
        break;
    }
}

/* --- a tree --- */

static bool load_victim(draw_t *draw, setting_t *setting, const char *directory, victim_t *victim)
{
    partition_names_t names;
    char name[NAME_LIMIT];
    uint64_t sections[SETTING_SECTIONS];
    partition_names(setting, names);
    path_t partition = join_path(directory, names[0]);
    size_t count = image_sections(partition.text, sections);
    if (count == 0)
        return false;
    snprintf(name, sizeof name, "%016" PRIx64, sections[draw_below(draw, count)]);
    *victim = (victim_t){.setting = setting, .draw = draw, .record = setting->entry + (size_t)IMAGE_LOCATION};
    victim->index_partition = partition;
    victim->index_path = join_path(partition.text, name);
    victim->values_partition = join_path(directory, names[1]);
    victim->values_path = join_path(victim->values_partition.text, name);
    if (!path_exists(victim->values_path.text))
        return false;
    image_index_load(victim->index_path.text, setting->page, &victim->index);
    victim->values = read_file(victim->values_path.text);
    victim->values_header = image_header(&victim->values);
    return true;
}

edit_kind_t edit_tree(draw_t *draw, setting_t *setting, const char *directory, compare_mode_t *mode)
{
    victim_t victim;
    edit_kind_t kind = (edit_kind_t)draw_below(draw, EDIT_KINDS);
    if (kind == EDIT_NOTHING || !load_victim(draw, setting, directory, &victim))
        return EDIT_NOTHING;
    victim.mode = *mode;
    if (kind == EDIT_STOPPED)
        play_and_stop(draw, setting, directory);
    /* Now and then the values are damaged as well as the index. */
    if (kind > EDIT_ORPHAN && kind < EDIT_NO_INDEX_PARTITION && draw_percent(draw, 30))
        damage_values(&victim, (edit_kind_t)draw_between(draw, EDIT_VALUES_AT_FRAME, EDIT_ORPHAN));
    if (kind <= EDIT_ORPHAN)
        damage_values(&victim, kind);
    else if (kind < EDIT_NO_INDEX_PARTITION)
        damage_index(&victim, kind);
    else if (kind != EDIT_STOPPED)
        damage_judged_apart(&victim, kind);
    *mode = victim.mode;
    image_index_free(&victim.index);
    free_bytes(&victim.values);
    return kind;
}
