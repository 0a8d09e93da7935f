/* recovery/fixture.c: see recovery/fixture.h. */
#include "recovery/fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

variant_t native_dropped = {LEAVE_DROPPED, SEGJ_FORMAT_NATIVE};
variant_t native_closed = {LEAVE_CLOSED, SEGJ_FORMAT_NATIVE};
variant_t commonware_dropped = {LEAVE_DROPPED, SEGJ_FORMAT_COMMONWARE};

bool is_commonware(const fixture_t *f)
{
    return f->config.format == SEGJ_FORMAT_COMMONWARE;
}

/* --- set-up --- */

static void count_errors(void *context, segj_log_level_t level, const char *message)
{
    fixture_t *f = context;
    (void)message;
    if (level == SEGJ_LOG_ERROR)
        f->errors_logged++;
}

int set_up(void **state)
{
    const variant_t *variant = *state;
    fixture_t *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    f->leave = variant->leave;
    f->root = make_temp_directory();
    f->directory = join_path(f->root.text, "journal");
    small_config(&f->config, f->directory.text);
    f->config.format = variant->format;
    f->config.native_version = is_commonware(f) ? 0 : 1;
    f->index_data = is_commonware(f) ? COMMONWARE_V0 : INDEX_DATA_OFFSET;
    f->values_data = is_commonware(f) ? COMMONWARE_V0 : VALUES_DATA_OFFSET;
    f->config.log = count_errors;
    f->config.log_context = f;
    *state = f;
    return 0;
}

int tear_down(void **state)
{
    fixture_t *f = *state;
    oversized_abandon(f->journal);
    segj_buffer_free(&f->value);
    remove_tree(f->root.text);
    free(f);
    return 0;
}

/* --- the model --- */

/* The model of a section, or NULL. */
static section_model_t *find_model(fixture_t *f, uint64_t section)
{
    for (size_t i = 0; i < f->section_count; i++)
        if (f->sections[i].section == section)
            return &f->sections[i];
    return NULL;
}

static section_model_t *model_of(fixture_t *f, uint64_t section)
{
    section_model_t *model = find_model(f, section);
    if (model == NULL)
        fail_msg("the model has no section %" PRIu64, section);
    return model;
}

static section_model_t *insert_model(fixture_t *f, uint64_t section)
{
    assert_true(f->section_count < MODEL_SECTIONS);
    size_t at = f->section_count++;
    for (; at > 0 && f->sections[at - 1].section > section; at--)
        f->sections[at] = f->sections[at - 1];
    f->sections[at] = (section_model_t){.section = section};
    return &f->sections[at];
}

void keep_records(fixture_t *f, uint64_t section, size_t kept, uint64_t found)
{
    section_model_t *model = model_of(f, section);
    assert_true(kept <= model->count && kept <= found);
    model->count = kept;
    model->found = found;
    model->disturbed = true;
}

uint64_t keep_no_records(fixture_t *f, uint64_t section, uint64_t bytes)
{
    keep_records(f, section, 0, 0);
    model_of(f, section)->base = is_commonware(f) ? bytes : 0;
    return is_commonware(f) ? 0 : bytes;
}

page_slot_t slot_of(const fixture_t *f, uint64_t section, uint64_t page, const void *bytes, uint16_t length)
{
    return is_commonware(f) ? plain_slot(bytes, length) : make_slot(section, page, bytes, length);
}

void forget_section(fixture_t *f, uint64_t section)
{
    section_model_t *end = f->sections + f->section_count;
    for (section_model_t *at = model_of(f, section) + 1; at < end; at++)
        at[-1] = *at;
    f->section_count--;
}

/* Synced records that a section has lost: those below its watermark that it does not keep. */
static uint64_t lost_records(const section_model_t *model)
{
    return model->watermark > model->count ? model->watermark - model->count : 0;
}

/* Whole records behind what the section keeps that no watermark covers. */
static uint64_t dropped_records(const section_model_t *model)
{
    uint64_t covered = model->watermark > model->count ? model->watermark : model->count;
    return model->found > covered ? model->found - covered : 0;
}

/* --- writing --- */

void use_record_pages(fixture_t *f)
{
    f->config.page_size = SMALL_RECORD;
}

void open_new(fixture_t *f)
{
    assert_ok(oversized_open(&f->config, &f->journal));
    oversized_recovery_t nothing = {0};
    assert_memory_equal(oversized_recovery(f->journal), &nothing, sizeof nothing);
    assert_int_equal(oversized_record_size(f->journal), SMALL_RECORD);
}

oversized_location_t append_record(fixture_t *f, uint64_t section, uint64_t id, uint8_t fill)
{
    section_model_t *model = find_model(f, section);
    if (model == NULL)
        model = insert_model(f, section);
    assert_true(model->count < MODEL_RECORDS);
    uint64_t position = UINT64_MAX;
    oversized_location_t location = append_filled(f->journal, section, id, fill, VALUE_SIZE, &position);
    assert_int_equal(position, model->count);
    assert_int_equal(location.offset, model->base + model->count * FRAME_SIZE);
    assert_int_equal(location.size, FRAME_SIZE);
    model->samples[model->count++] = (sample_t){id, fill};
    check_record(f, section, position, id, fill);
    return location;
}

void append_records(fixture_t *f, uint64_t section, uint8_t first, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append_record(f, section, first + i, (uint8_t)(first + i));
}

void sync_section(fixture_t *f, uint64_t section)
{
    assert_ok(oversized_sync(f->journal, section));
}

/* --- files at rest --- */

/* The files of a section hold the model's records, and nothing else. */
static void check_section_files(const fixture_t *f, const section_model_t *model)
{
    section_image_t image;
    load_section(&f->config, model->section, &image);
    assert_int_equal(image.records, model->count);
    assert_int_equal(image.watermark, model->watermark);
    for (size_t i = 0; i < model->count; i++) {
        const uint8_t *record = image.logical.data + i * SMALL_RECORD;
        oversized_location_t location = decode_location(record, SMALL_ENTRY);
        assert_int_equal(get_u64(record), model->samples[i].id);
        assert_int_equal(location.offset, model->base + i * FRAME_SIZE);
        assert_int_equal(location.size, FRAME_SIZE);
        for (size_t k = 0; k < VALUE_SIZE; k++)
            assert_int_equal(image.frames.data[location.offset + k], model->samples[i].fill);
    }
    size_t page = f->config.page_size;
    size_t pages = (model->count * SMALL_RECORD + page - 1) / page;
    assert_int_equal(index_data_size(f, model->section), pages * (page + PAGE_CHECKSUMS));
    if (image.has_values_file)
        assert_int_equal(values_data_size(f, model->section), model->base + model->count * FRAME_SIZE);
    free_section(&image);
}

/* A partition holds the files of the model's sections alone; of empty ones the values file may be missing. */
static void check_names(const fixture_t *f, const char *partition, bool empty_may_miss)
{
    names_t list = list_directory(join_path(f->directory.text, partition).text);
    size_t next = list.count > 0 && strcmp(list.names[0], ".owner") == 0 ? 1 : 0; /* the journal's own */
    for (size_t i = 0; i < f->section_count; i++) {
        char name[17];
        snprintf(name, sizeof name, "%016" PRIx64, f->sections[i].section);
        if (next < list.count && strcmp(list.names[next], name) == 0)
            next++;
        else if (!empty_may_miss || f->sections[i].count > 0)
            fail_msg("%s has no file %s", partition, name);
    }
    if (next < list.count)
        fail_msg("%s has a file %s too many", partition, list.names[next]);
    free_names(&list);
}

static void check_files(const fixture_t *f)
{
    check_names(f, f->config.index_partition, false);
    check_names(f, f->config.value_partition, true);
    for (size_t i = 0; i < f->section_count; i++)
        check_section_files(f, &f->sections[i]);
}

/* Drops the journal, which must not change a byte. */
static void drop_journal(fixture_t *f)
{
    path_t before = join_path(f->root.text, "before");
    copy_tree(f->directory.text, before.text);
    oversized_abandon(f->journal);
    f->journal = NULL;
    assert_trees_equal(f->directory.text, before.text);
    remove_tree(before.text);
}

static void close_journal(fixture_t *f)
{
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_ok(oversized_close(journal));
    for (size_t i = 0; i < f->section_count; i++)
        f->sections[i].watermark = is_commonware(f) ? 0 : f->sections[i].count;
}

void leave_journal(fixture_t *f)
{
    if (f->leave == LEAVE_CLOSED)
        close_journal(f);
    else
        drop_journal(f);
    for (size_t i = 0; i < f->section_count; i++)
        f->sections[i].found = f->sections[i].count;
    check_files(f);
}

void drop_unsynced(fixture_t *f, uint64_t section, size_t synced)
{
    keep_records(f, section, synced, synced);
    drop_journal(f);
    check_files(f);
}

void destroy_journal(fixture_t *f)
{
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_ok(oversized_destroy(journal));
    names_t list = list_directory(f->directory.text);
    assert_int_equal(list.count, 0);
    free_names(&list);
}

/* --- damage --- */

path_t index_path(const fixture_t *f, uint64_t section)
{
    return section_path(f->directory.text, f->config.index_partition, section);
}

path_t values_path(const fixture_t *f, uint64_t section)
{
    return section_path(f->directory.text, f->config.value_partition, section);
}

uint64_t index_data_size(const fixture_t *f, uint64_t section)
{
    return file_size(index_path(f, section).text) - f->index_data;
}

uint64_t values_data_size(const fixture_t *f, uint64_t section)
{
    return file_size(values_path(f, section).text) - f->values_data;
}

void resize_index(const fixture_t *f, uint64_t section, uint64_t size)
{
    resize_file(index_path(f, section).text, f->index_data + size);
}

void resize_values(const fixture_t *f, uint64_t section, uint64_t size)
{
    resize_file(values_path(f, section).text, f->values_data + size);
}

void write_orphan(const fixture_t *f, uint64_t section, uint8_t fill)
{
    uint8_t bytes[VALUE_SIZE];
    memset(bytes, fill, sizeof bytes);
    segj_slice_t value = {bytes, sizeof bytes};
    if (is_commonware(f))
        write_commonware_values(values_path(f, section).text, COMMONWARE_V0, &value, 1);
    else
        write_values_file(values_path(f, section).text, section, &value, 1);
    assert_int_equal(values_data_size(f, section), FRAME_SIZE);
}

/* --- what a journal shows --- */

static void check_section(oversized_t *journal, const section_model_t *model)
{
    uint64_t number = UINT64_MAX;
    assert_ok(oversized_count(journal, model->section, &number));
    assert_int_equal(number, model->count);
    assert_ok(oversized_size(journal, model->section, &number));
    assert_int_equal(number, model->count * SMALL_RECORD);
    assert_ok(oversized_value_size(journal, model->section, &number));
    assert_int_equal(number, model->count > 0 ? model->base + model->count * FRAME_SIZE : 0);
    for (size_t i = 0; i < model->count; i++) {
        oversized_location_t location = {UINT64_MAX, 0};
        assert_ok(oversized_get(journal, model->section, i, NULL, &location));
        assert_int_equal(location.offset, model->base + i * FRAME_SIZE);
        assert_int_equal(location.size, FRAME_SIZE);
        check_filled(journal, model->section, i, model->samples[i].id, model->samples[i].fill, VALUE_SIZE);
    }
    assert_status(oversized_get(journal, model->section, model->count, NULL, NULL), SEGJ_ERR_NO_RECORD);
    uint8_t entry[SMALL_ENTRY];
    if (model->count == 0) {
        assert_status(oversized_last(journal, model->section, entry, NULL), SEGJ_END);
        return;
    }
    assert_ok(oversized_last(journal, model->section, entry, NULL));
    assert_int_equal(get_u64(entry), model->samples[model->count - 1].id);
}

/* The journal lists the model's sections, and no other. */
static void check_walk(const fixture_t *f, oversized_t *journal)
{
    uint64_t section = 0;
    if (f->section_count == 0) {
        assert_status(oversized_oldest_section(journal, &section), SEGJ_END);
        assert_status(oversized_newest_section(journal, &section), SEGJ_END);
        return;
    }
    assert_ok(oversized_newest_section(journal, &section));
    assert_int_equal(section, f->sections[f->section_count - 1].section);
    assert_ok(oversized_oldest_section(journal, &section));
    assert_int_equal(section, f->sections[0].section);
    for (size_t i = 1; i < f->section_count; i++) {
        assert_ok(oversized_next_section(journal, section, &section));
        assert_int_equal(section, f->sections[i].section);
    }
    assert_status(oversized_next_section(journal, section, &section), SEGJ_END);
}

/* A replay from the start yields the model's records in order. */
static void check_replay(const fixture_t *f, oversized_t *journal)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    assert_ok(oversized_replay_open(journal, 0, 0, 1024, &replay));
    for (size_t i = 0; i < f->section_count; i++) {
        for (size_t k = 0; k < f->sections[i].count; k++) {
            assert_ok(oversized_replay_next(replay, &item));
            assert_int_equal(item.section, f->sections[i].section);
            assert_int_equal(item.position, k);
            assert_int_equal(get_u64(item.entry), f->sections[i].samples[k].id);
            assert_int_equal(item.location.offset, f->sections[i].base + k * FRAME_SIZE);
            assert_int_equal(item.location.size, FRAME_SIZE);
        }
    }
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
}

static void check_journal(const fixture_t *f, oversized_t *journal)
{
    check_walk(f, journal);
    for (size_t i = 0; i < f->section_count; i++)
        check_section(journal, &f->sections[i]);
    check_replay(f, journal);
}

/* --- recovery --- */

/* A read-only open shows what recovery will give, and a strict one refuses where synced data is lost; neither
 * writes. */
static void check_untouched_opens(const fixture_t *f, uint64_t lost)
{
    path_t before = join_path(f->root.text, "before");
    copy_tree(f->directory.text, before.text);
    oversized_config_t config = f->config;
    oversized_t *journal = NULL;
    config.log = NULL;
    config.read_only = true;
    assert_ok(oversized_open(&config, &journal));
    check_journal(f, journal);
    assert_ok(oversized_close(journal));
    assert_trees_equal(f->directory.text, before.text);
    if (lost > 0) {
        config.read_only = false;
        config.strict = true;
        assert_status(oversized_open(&config, &journal), SEGJ_ERR_CORRUPT);
        assert_null(journal);
        assert_trees_equal(f->directory.text, before.text);
    }
    remove_tree(before.text);
}

static void check_numbers(const fixture_t *f, const oversized_recovery_t *found, const oversized_recovery_t *expected,
                          damage_t damage)
{
    assert_int_equal(found->sections, expected->sections);
    assert_int_equal(found->records, expected->records);
    assert_int_equal(found->synced_records_lost, expected->synced_records_lost);
    assert_int_equal(found->sections_damaged, expected->sections_damaged);
    assert_int_equal(found->values_verified, expected->values_verified);
    assert_int_equal(found->orphan_sections_removed, damage.orphans);
    assert_int_equal(found->value_bytes_truncated, damage.value_bytes);
    assert_in_range(found->index_bytes_truncated, damage.index_bytes, damage.index_bytes + damage.index_slack);
    uint64_t unreadable = expected->synced_records_lost > 0 ? 0 : damage.unreadable_records;
    assert_in_range(found->records_dropped, expected->records_dropped, expected->records_dropped + unreadable);
    uint64_t empty = 0;
    for (size_t i = 0; i < f->section_count; i++)
        empty += f->sections[i].count == 0;
    /* Without a watermark a section is repaired where it is cut. */
    uint64_t least = is_commonware(f) ? damage.index_bytes + damage.value_bytes > 0 : expected->sections_repaired;
    assert_in_range(found->sections_repaired, least, expected->sections_repaired + empty);
}

/* The report follows from what the sections' watermarks cover, what their files hold and what they keep. */
static oversized_recovery_t expected_report(const fixture_t *f)
{
    oversized_recovery_t report = {.sections = f->section_count};
    for (size_t i = 0; i < f->section_count; i++) {
        const section_model_t *model = &f->sections[i];
        uint64_t lost = lost_records(model);
        bool clean = model->watermark == model->count && !model->disturbed;
        report.records += model->count;
        report.records_dropped += dropped_records(model);
        report.synced_records_lost += lost;
        report.sections_damaged += lost > 0;
        report.values_verified += lost > 0 || is_commonware(f) ? 0 : model->count - model->watermark;
        report.sections_repaired += model->count > 0 && !clean;
    }
    return report;
}

/* The same files, opened again and strictly: nothing is lost any more, nothing is repaired, no byte changes. */
static void check_second_open(const fixture_t *f)
{
    path_t copy = join_path(f->root.text, "copy");
    copy_tree(f->directory.text, copy.text);
    oversized_config_t config = f->config;
    oversized_t *journal = NULL;
    config.directory = copy.text;
    config.strict = true;
    config.log = NULL;
    assert_ok(oversized_open(&config, &journal));
    oversized_recovery_t expected = expected_report(f);
    check_numbers(f, oversized_recovery(journal), &expected, (damage_t){0});
    check_journal(f, journal);
    oversized_abandon(journal);
    share_owner(f->directory.text, copy.text, f->config.index_partition);
    assert_trees_equal(f->directory.text, copy.text);
    remove_tree(copy.text);
}

void recover(fixture_t *f, damage_t damage)
{
    oversized_recovery_t expected = expected_report(f);
    check_untouched_opens(f, expected.synced_records_lost);
    f->errors_logged = 0;
    assert_ok(oversized_open(&f->config, &f->journal));
    check_numbers(f, oversized_recovery(f->journal), &expected, damage);
    f->unacknowledged += expected.synced_records_lost;
    assert_int_equal(oversized_recovery(f->journal)->unacknowledged_records, f->unacknowledged);
    assert_int_equal(oversized_recovery(f->journal)->unacknowledged_bytes_missed, 0);
    assert_int_equal(f->errors_logged > 0, f->unacknowledged > 0);
    check_journal(f, f->journal);
    for (size_t i = 0; i < f->section_count; i++) {
        section_model_t *model = &f->sections[i];
        model->watermark = is_commonware(f) ? 0 : model->count;
        model->found = model->count;
        model->disturbed = false;
    }
    check_files(f);
    check_second_open(f);
}

/* --- single looks --- */

void check_record(const fixture_t *f, uint64_t section, uint64_t position, uint64_t id, uint8_t fill)
{
    check_filled(f->journal, section, position, id, fill, VALUE_SIZE);
}

void check_records(const fixture_t *f, uint64_t section, uint64_t position, uint8_t first, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_record(f, section, position + i, first + i, (uint8_t)(first + i));
}

void check_answer(const fixture_t *f, uint64_t section, uint64_t position, segj_status_t status)
{
    assert_status(oversized_get(f->journal, section, position, NULL, NULL), status);
}

void check_value(fixture_t *f, uint64_t section, oversized_location_t location, uint8_t fill)
{
    assert_ok(oversized_get_value(f->journal, section, location, &f->value));
    assert_int_equal(f->value.size, VALUE_SIZE);
    const uint8_t *bytes = f->value.data;
    for (size_t i = 0; i < VALUE_SIZE; i++)
        assert_int_equal(bytes[i], fill);
}

void check_ends(const fixture_t *f, uint64_t oldest, uint64_t newest)
{
    uint64_t section = 0;
    assert_ok(oversized_oldest_section(f->journal, &section));
    assert_int_equal(section, oldest);
    assert_ok(oversized_newest_section(f->journal, &section));
    assert_int_equal(section, newest);
}

uint64_t byte_end(oversized_location_t location)
{
    return location.offset + location.size;
}
