/*
 * interop/go_on.c: scripts that go on in what there is.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "interop/edit.h"
#include "interop/image.h"
#include "interop/play.h"

enum { AFTER_NUMBER = 7000000 };

/** Counts them to the records that there are, and leaves those out that are damaged, unless that is NULL. Release 2026.2.0
 *  appends behind a damaged page, and this library does not. */
static void add_appends(draw_t *draw, const setting_t *setting, const bool *damaged, uint64_t *records,
                        script_t *script)
{
    for (size_t i = 0; i < setting->section_count; i++) {
        uint64_t times = damaged != NULL && damaged[i] ? 0 : draw_below(draw, 5);
        if (records != NULL)
            records[i] += times;
        for (; times > 0; times--)
            script_add(script, OPERATION_APPEND, setting->sections[i], AFTER_NUMBER + draw_below(draw, 100000),
                       draw_below(draw, 50));
    }
}

void script_after_damage(draw_t *draw, const setting_t *setting, script_t *script)
{
    uint64_t section = setting->sections[draw_below(draw, setting->section_count)];
    *script = (script_t){.setting = *setting};
    script_add(script, OPERATION_OPEN, 0, 0, 0);
    script_add(script, OPERATION_DUMP, 0, 0, 0);
    script_add(script, OPERATION_VALUE, section, draw_below(draw, 40), draw_below(draw, 40));
    if (!setting->holed && draw_percent(draw, 70))
        add_appends(draw, setting, NULL, NULL, script);
    if (draw_percent(draw, 50))
        script_add(script, OPERATION_SYNC_ALL, 0, 0, 0);
    script_add(script, OPERATION_REPLAY, 0, 0, 0);
    script_add(script, OPERATION_DUMP, 0, 0, 0);
    script_add(script, OPERATION_CLOSE, 0, 0, 0);
}

static bool has_damaged_page(const image_index_t *image)
{
    for (size_t page = 0; page + 1 < image->pages; page++)
        if (decode_plain_page(image_page(image, page), image->page_size) != image->page_size)
            return true;
    return false;
}

/** Not where there is no record: old bytes of values then stay here, as they do with any rewind to the size that there
 *  is, and go there. And not where a page is damaged: a rewind that ends in it changes nothing here, and half there. */
static uint64_t records_left(const setting_t *setting, const char *directory, uint64_t section, bool *damaged)
{
    partition_names_t names;
    char name[NAME_LIMIT];
    partition_names(setting, names);
    path_t partition = join_path(directory, names[0]);
    snprintf(name, sizeof name, "%016" PRIx64, section);
    path_t path = join_path(partition.text, name);
    image_index_t image;
    image_index_load(path.text, setting->page, &image);
    uint64_t records = image.size / (setting->entry + (size_t)IMAGE_LOCATION);
    *damaged = has_damaged_page(&image);
    image_index_free(&image);
    return records;
}

void script_of_changes(draw_t *draw, const setting_t *setting, const char *directory, script_t *script)
{
    uint64_t section = setting->sections[draw_below(draw, setting->section_count)];
    bool damaged;
    uint64_t records = records_left(setting, directory, section, &damaged);
    *script = (script_t){.setting = *setting};
    script_add(script, OPERATION_OPEN, 0, 0, 0);
    if (draw_percent(draw, 40)) {
        add_appends(draw, setting, NULL, NULL, script);
        script_add(script, OPERATION_SYNC_ALL, 0, 0, 0);
    }
    if (records > 0 && draw_percent(draw, 80))
        script_add(script, draw_percent(draw, 70) ? OPERATION_REWIND_SECTION : OPERATION_REWIND, section,
                   draw_below(draw, records), 0);
    if (draw_percent(draw, 30))
        script_add(script, OPERATION_PRUNE, setting->sections[draw_below(draw, setting->section_count)], 0, 0);
    add_appends(draw, setting, NULL, NULL, script);
    script_add(script, OPERATION_CLOSE, 0, 0, 0);
}

static void add_rewinds(draw_t *draw, const setting_t *setting, const bool *damaged, uint64_t *records,
                        script_t *script)
{
    for (size_t i = 0; i < setting->section_count; i++) {
        if (records[i] == 0 || damaged[i] || !draw_percent(draw, 40))
            continue;
        records[i] = draw_below(draw, records[i] + 1);
        script_add(script, OPERATION_REWIND_SECTION, setting->sections[i], records[i], 0);
    }
}

/** An open up to a place in one section, behind which there are no later ones. */
static void add_open_at(draw_t *draw, const setting_t *setting, uint64_t *records, script_t *script)
{
    size_t at = (size_t)draw_below(draw, setting->section_count);
    if (records[at] == 0)
        return;
    records[at] = draw_below(draw, records[at] + 1);
    script_add(script, OPERATION_CLOSE, 0, 0, 0);
    script_add(script, OPERATION_OPEN_AT, setting->sections[at], records[at], 0);
    for (size_t i = 0; i < setting->section_count; i++)
        if (setting->sections[i] > setting->sections[at])
            records[i] = 0;
}

/** The last section that has records is checkpointed somewhere: newer releases see then that in all sections before it the
 *  values end with the last record. */
static void add_checkpoint(draw_t *draw, const setting_t *setting, const uint64_t *records, script_t *script)
{
    size_t last = setting->section_count;
    for (size_t i = 0; i < setting->section_count; i++)
        if (records[i] > 0 && (last == setting->section_count || setting->sections[i] > setting->sections[last]))
            last = i;
    if (last == setting->section_count)
        return;
    script_add(script, OPERATION_OPEN_CHECKPOINT, setting->sections[last], draw_below(draw, records[last] + 1), 0);
    script_add(script, OPERATION_DUMP, 0, 0, 0);
    script_add(script, OPERATION_CLOSE, 0, 0, 0);
}

void script_after_swap(draw_t *draw, const setting_t *setting, const char *directory, script_t *script)
{
    uint64_t records[SETTING_SECTIONS] = {0};
    bool damaged[SETTING_SECTIONS] = {false};
    *script = (script_t){.setting = *setting};
    script_add(script, OPERATION_OPEN, 0, 0, 0);
    script_add(script, OPERATION_DUMP, 0, 0, 0);
    for (size_t i = 0; i < setting->section_count; i++)
        records[i] = records_left(setting, directory, setting->sections[i], &damaged[i]);
    if (!setting->newer)
        add_rewinds(draw, setting, damaged, records, script);
    else if (draw_percent(draw, 40))
        add_open_at(draw, setting, records, script);
    add_appends(draw, setting, setting->newer ? NULL : damaged, records, script);
    script_add(script, OPERATION_SYNC_ALL, 0, 0, 0);
    script_add(script, OPERATION_CLOSE, 0, 0, 0);
    script_add(script, OPERATION_OPEN, 0, 0, 0);
    script_add(script, OPERATION_REPLAY, 0, 0, 0);
    script_add(script, OPERATION_DUMP, 0, 0, 0);
    script_add(script, OPERATION_CLOSE, 0, 0, 0);
    if (setting->newer)
        add_checkpoint(draw, setting, records, script);
}
