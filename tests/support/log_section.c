/* support/log_section.c: see the header. */
#include "support/log_section.h"

#include <stdlib.h>
#include <string.h>

#include "support/log.h"

static void check_log_identity(const bytes_t *file, const oversized_config_t *config, uint64_t section, bool values,
                               log_identity_t *found)
{
    assert_true(file->size >= HEADER_BLOCK);
    assert_true(decode_log_identity(file->data, found));
    assert_int_equal(found->kind, values ? IDENTITY_VALUES : IDENTITY_INDEX);
    assert_int_equal(found->page_size, config->page_size);
    assert_int_equal(found->record_size, config->entry_size + LOCATION_BYTES);
    assert_int_equal(found->section, section);
}

static bool is_all_zeros(const uint8_t *bytes, size_t size)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* The frames, to the end of the file, or to zeros that were kept ahead; the record of each is put together. */
static log_mark_t load_log_frames(const oversized_config_t *config, uint64_t section, uint64_t salt,
                                  section_image_t *image)
{
    path_t path = section_path(config->directory, config->value_partition, section);
    bytes_t file = read_file(path.text);
    log_identity_t identity;
    log_mark_t end = {0};
    log_frame_t frame = {0};
    size_t record_size = config->entry_size + LOCATION_BYTES;
    check_log_identity(&file, config, section, true, &identity);
    assert_true(identity.salt == salt);
    image->has_values_file = true;
    image->frames.size = file.size - VALUES_DATA_OFFSET;
    image->frames.data = malloc(image->frames.size + 1);
    image->logical.data = malloc((image->frames.size / (LOG_HEAD + 4) + 1) * record_size);
    assert_non_null(image->frames.data);
    assert_non_null(image->logical.data);
    memcpy(image->frames.data, file.data + VALUES_DATA_OFFSET, image->frames.size);
    while (end.end < image->frames.size &&
           !is_all_zeros(image->frames.data + end.end, image->frames.size - (size_t)end.end)) {
        assert_true(decode_next_log_frame(image->frames.data, image->frames.size, section ^ salt, VALUES_DATA_OFFSET,
                                          identity.sector, end.end, end.trailer, config->entry_size, &frame));
        assert_true(frame.right);
        encode_record(image->logical.data + image->logical.size, frame.entry, config->entry_size,
                      (oversized_location_t){frame.offset, frame.stored + FRAME_CHECKSUM});
        image->logical.size += record_size;
        end.records++;
        end.end += frame.size;
        end.trailer = frame.trailer;
    }
    image->frames.size = (size_t)end.end;
    image->records = end.records;
    free_bytes(&file);
    return end;
}

/* W may lag behind, and then the other slot does too. */
static uint64_t check_log_slots(const uint8_t *slots, uint64_t binding, const log_mark_t *end)
{
    log_mark_t marks[2] = {{0}};
    bool valid[2];
    for (unsigned slot = 0; slot < 2; slot++)
        valid[slot] = decode_log_mark(slots + (size_t)slot * HEADER_BLOCK, binding, slot, &marks[slot]);
    if (!valid[0] && !valid[1])
        return 0;
    unsigned newest = valid[1] && (!valid[0] || marks[1].sequence > marks[0].sequence);
    assert_true(marks[newest].records <= end->records);
    assert_true(marks[newest].records < end->records ||
                (marks[newest].end == end->end && marks[newest].trailer == end->trailer));
    assert_true(!valid[1 - newest] || marks[1 - newest].records < marks[newest].records);
    return marks[newest].records;
}

uint64_t log_watermark(const bytes_t *index, uint64_t section)
{
    log_identity_t identity;
    log_mark_t newest = {0};
    assert_true(decode_log_identity(index->data, &identity));
    for (unsigned slot = 0; slot < 2; slot++) {
        log_mark_t mark;
        if (decode_log_mark(index->data + (size_t)(slot + 1) * HEADER_BLOCK, section ^ identity.salt, slot, &mark) &&
            mark.sequence >= newest.sequence)
            newest = mark;
    }
    return newest.records;
}

void load_log_section(const oversized_config_t *config, uint64_t section, section_image_t *image)
{
    path_t path = section_path(config->directory, config->index_partition, section);
    bytes_t file = read_file(path.text);
    log_identity_t identity;
    size_t physical = (size_t)config->page_size + PAGE_CHECKSUMS;
    *image = (section_image_t){0};
    check_log_identity(&file, config, section, false, &identity);
    log_mark_t end = load_log_frames(config, section, identity.salt, image);
    image->watermark = check_log_slots(file.data + HEADER_BLOCK, section ^ identity.salt, &end);
    size_t covered = (size_t)image->watermark * (config->entry_size + LOCATION_BYTES);
    size_t pages = (covered + config->page_size - 1) / config->page_size;
    assert_true(file.size >= INDEX_DATA_OFFSET + pages * physical);
    for (size_t page = 0; page < pages; page++) {
        const uint8_t *at = file.data + INDEX_DATA_OFFSET + page * physical;
        size_t left = covered - page * config->page_size;
        size_t wanted = left < config->page_size ? left : config->page_size;
        assert_true(decode_page(at, config->page_size, section ^ identity.salt, page) >= wanted);
        assert_memory_equal(at, image->logical.data + page * config->page_size, wanted);
    }
    free_bytes(&file);
}
