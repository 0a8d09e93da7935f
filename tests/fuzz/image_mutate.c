/*
 * fuzz/image_mutate.c: changes to an image (fuzz/image.h) that mean something: fields, records, pages and frames, made
 * longer, shorter, swapped or spoilt; and then checksums made right again, most of them most of the time, so that what
 * lies behind a checksum is reached.
 */
#include <string.h>
#include <zlib.h>

#include "fuzz/image.h"
#include "support/commonware.h"

typedef struct mutation {
    uint8_t *data;
    size_t size, most;
    fuzz_random_t *random;
    image_t image;
} mutation_t;

static bool one_in(mutation_t *mutation, uint32_t times)
{
    return fuzz_below(mutation->random, times) == 0;
}

static size_t physical_size(const mutation_t *mutation)
{
    return (size_t)mutation->image.page_size + PAGE_CHECKSUMS;
}

/* --- repairs --- */

/* Now and then other fields than the right ones, under a right checksum. */
static void repair_identity(mutation_t *mutation, const image_section_t *section, size_t at, bool values)
{
    uint8_t block[HEADER_BLOCK];
    const image_t *image = &mutation->image;
    uint8_t *identity = mutation->data + at;
    if (one_in(mutation, 30))
        return;
    if (image->commonware) {
        size_t header = image_header_size(image, section, values);
        encode_commonware_header(block, header, one_in(mutation, 30) ? 1 : 0);
        memcpy(identity, block, header < 32 ? header : 32);
        return;
    }
    if (one_in(mutation, 30)) {
        put_u32(identity + 28, (uint32_t)crc32(0, identity, 28));
        return;
    }
    identity_t fields = {1, IDENTITY_INDEX, 0, image->page_size, image->record_size, section->number};
    if (values)
        fields = (identity_t){1, IDENTITY_VALUES, identity[7] & 1, 0, 0, section->number};
    encode_identity(block, &fields);
    memcpy(identity, block, 32);
}

static void repair_slots(mutation_t *mutation, const image_section_t *section)
{
    uint8_t block[HEADER_BLOCK];
    for (size_t slot = 0; slot < 2; slot++) {
        uint8_t *at = mutation->data + section->slots + slot * 16;
        if (one_in(mutation, 3))
            continue;
        watermark_t watermark = {get_u64(at), get_u32(at + 8)};
        if (watermark.records > 1000 && !one_in(mutation, 20))
            watermark.records %= 24;
        encode_watermark(block, section->number, watermark);
        memcpy(at, block, 16);
    }
}

static uint8_t *logical_byte(mutation_t *mutation, const image_section_t *section, uint64_t at)
{
    uint64_t page = at / mutation->image.page_size;
    size_t place = (size_t)(page * physical_size(mutation) + at % mutation->image.page_size);
    return place < section->index_size ? mutation->data + section->index + place : NULL;
}

/* A record's location, gathered from its pages; or put there. False: it is not there. */
static bool move_location(mutation_t *mutation, const image_section_t *section, uint64_t record, uint8_t *bytes,
                          bool put)
{
    uint64_t at = record * mutation->image.record_size + mutation->image.entry_size;
    for (size_t i = 0; i < LOCATION_BYTES; i++) {
        uint8_t *byte = logical_byte(mutation, section, at + i);
        if (byte == NULL)
            return false;
        *(put ? byte : bytes + i) = *(put ? bytes + i : byte);
    }
    return true;
}

static void repair_frames(mutation_t *mutation, const image_section_t *section, bool contiguous)
{
    uint64_t end = 0;
    uint8_t bytes[LOCATION_BYTES];
    for (uint64_t record = 0; move_location(mutation, section, record, bytes, false); record++) {
        oversized_location_t location = decode_location(bytes, 0);
        if (contiguous && location.offset != end) {
            put_u64(bytes, location.offset = end);
            (void)move_location(mutation, section, record, bytes, true);
        }
        if (location.size < FRAME_CHECKSUM || location.offset > section->values_size ||
            section->values_size - location.offset < location.size)
            continue;
        end = location.offset + location.size;
        uint8_t *frame = mutation->data + section->values + location.offset;
        if (!one_in(mutation, 40))
            put_u32(frame + location.size - FRAME_CHECKSUM,
                    image_frame_checksum(&mutation->image, section->number, location.offset, frame,
                                         location.size - FRAME_CHECKSUM));
    }
}

static void repair_pages(mutation_t *mutation, const image_section_t *section)
{
    size_t physical = physical_size(mutation);
    for (size_t page = 0; (page + 1) * physical <= section->index_size; page++) {
        uint8_t *bytes = mutation->data + section->index + page * physical;
        for (size_t slot = 0; slot < 2; slot++) {
            uint8_t *at = bytes + mutation->image.page_size + slot * 6;
            uint16_t length = get_u16(at);
            if (length <= mutation->image.page_size && !one_in(mutation, 40))
                put_u32(at + 2, image_page_checksum(&mutation->image, section->number, page, bytes, length));
        }
    }
}

static void repair(mutation_t *mutation)
{
    mutation->image = image_parse(mutation->data, mutation->size);
    for (size_t i = 0; i < mutation->image.count; i++) {
        const image_section_t *section = &mutation->image.sections[i];
        repair_identity(mutation, section, section->index_identity, false);
        repair_identity(mutation, section, section->values_identity, true);
        repair_slots(mutation, section);
        repair_frames(mutation, section, one_in(mutation, 3));
        repair_pages(mutation, section);
    }
}

/* --- changes --- */

/* Makes room for, or takes away, bytes of a section's data; its size field is the two bytes at `field`. */
static void resize(mutation_t *mutation, size_t field, size_t start, size_t old_size, size_t new_size)
{
    size_t end = start + old_size;
    if (new_size > UINT16_MAX || (new_size > old_size && mutation->size + (new_size - old_size) > mutation->most))
        return;
    memmove(mutation->data + start + new_size, mutation->data + end, mutation->size - end);
    if (new_size > old_size)
        for (size_t i = end; i < start + new_size; i++)
            mutation->data[i] = one_in(mutation, 2) ? 0 : (uint8_t)fuzz_next(mutation->random);
    mutation->size = mutation->size - old_size + new_size;
    put_u16(mutation->data + field, (uint16_t)new_size);
}

static void change_size(mutation_t *mutation, const image_section_t *section)
{
    uint32_t physical = (uint32_t)physical_size(mutation);
    if (one_in(mutation, 2)) {
        uint32_t by = one_in(mutation, 2) ? physical : fuzz_below(mutation->random, physical);
        size_t size = one_in(mutation, 2) ? section->index_size + by
                                          : section->index_size - (by < section->index_size ? by : section->index_size);
        resize(mutation, section->index - 4, section->index, section->index_size, size);
        return;
    }
    size_t by = fuzz_below(mutation->random, 64);
    size_t size = one_in(mutation, 2) ? section->values_size + by
                                      : section->values_size - (by < section->values_size ? by : section->values_size);
    resize(mutation, section->values - section->index_size - 2, section->values, section->values_size, size);
}

/* One page over another, or both in each other's place. */
static void move_pages(mutation_t *mutation, const image_section_t *section)
{
    size_t physical = physical_size(mutation);
    uint32_t pages = (uint32_t)(section->index_size / physical);
    uint8_t *one = mutation->data + section->index + fuzz_below(mutation->random, pages) * physical;
    uint8_t *other = mutation->data + section->index + fuzz_below(mutation->random, pages) * physical;
    bool swap = one_in(mutation, 2);
    for (size_t i = 0; pages > 0 && i < physical; i++) {
        uint8_t byte = one[i];
        one[i] = other[i];
        other[i] = swap ? byte : other[i];
    }
}

static void change_location(mutation_t *mutation, const image_section_t *section)
{
    static const uint64_t offsets[] = {0, 1, 4, UINT32_MAX, (uint64_t)1 << 63, UINT64_MAX, UINT64_MAX - 3};
    static const uint32_t sizes[] = {0, 3, 4, 5, 20, 1 << 20, UINT32_MAX};
    uint8_t bytes[LOCATION_BYTES];
    uint64_t records = section->index_size / mutation->image.record_size;
    uint64_t record = fuzz_below(mutation->random, (uint32_t)records);
    if (!move_location(mutation, section, record, bytes, false))
        return;
    oversized_location_t location = decode_location(bytes, 0);
    switch (fuzz_below(mutation->random, 4)) {
    case 0:
        location.offset = offsets[fuzz_below(mutation->random, sizeof offsets / sizeof offsets[0])];
        break;
    case 1:
        location.size = sizes[fuzz_below(mutation->random, sizeof sizes / sizeof sizes[0])];
        break;
    case 2:
        location.offset += fuzz_below(mutation->random, 9) - UINT64_C(4);
        break;
    default:
        location.size += fuzz_below(mutation->random, 9) - UINT32_C(4);
        break;
    }
    put_u64(bytes, location.offset);
    put_u32(bytes + 8, location.size);
    (void)move_location(mutation, section, record, bytes, true);
}

/* The lengths of a page's slots, and the watermark. */
static void change_lengths(mutation_t *mutation, const image_section_t *section)
{
    size_t physical = physical_size(mutation);
    uint32_t pages = (uint32_t)(section->index_size / physical);
    if (pages == 0 || one_in(mutation, 3)) {
        put_u64(mutation->data + section->slots + 16 * fuzz_below(mutation->random, 2),
                fuzz_below(mutation->random, 24));
        return;
    }
    uint8_t *slots =
        mutation->data + section->index + fuzz_below(mutation->random, pages) * physical + mutation->image.page_size;
    uint32_t length = fuzz_below(mutation->random, mutation->image.page_size + 2u);
    if (one_in(mutation, 2))
        length = mutation->image.page_size;
    put_u16(slots + 6 * (size_t)fuzz_below(mutation->random, 2), (uint16_t)length);
}

static void change_part(mutation_t *mutation, const image_section_t *section, fuzz_mutate_t bytes)
{
    uint8_t *data = mutation->data;
    switch (fuzz_below(mutation->random, 4)) {
    case 0: /* flags, the header, where it is changed */
        (void)bytes(data + section->index_identity - 1, 101, 101);
        break;
    case 1:
        if (section->index_size > 0)
            (void)bytes(data + section->index, section->index_size, section->index_size);
        break;
    case 2:
        if (section->values_size > 0)
            (void)bytes(data + section->values, section->values_size, section->values_size);
        break;
    default:
        (void)bytes(data, IMAGE_FIELDS, IMAGE_FIELDS);
        break;
    }
}

static void change(mutation_t *mutation, fuzz_mutate_t bytes)
{
    const image_section_t *section =
        &mutation->image.sections[fuzz_below(mutation->random, (uint32_t)mutation->image.count)];
    switch (fuzz_below(mutation->random, 8)) {
    case 0:
        change_size(mutation, section);
        break;
    case 1:
        move_pages(mutation, section);
        break;
    case 2:
        change_location(mutation, section);
        break;
    case 3:
        change_lengths(mutation, section);
        break;
    case 4:
        mutation->size = bytes(mutation->data, mutation->size, mutation->most);
        break;
    default:
        change_part(mutation, section, bytes);
        break;
    }
}

size_t image_mutate(uint8_t *data, size_t size, size_t most, uint32_t seed, fuzz_mutate_t bytes)
{
    fuzz_random_t random = {seed};
    mutation_t mutation = {.data = data, .most = most < IMAGE_MOST ? most : IMAGE_MOST, .random = &random};
    mutation.size = size < mutation.most ? size : mutation.most;
    mutation.image = image_parse(data, mutation.size);
    if (mutation.image.count == 0 || one_in(&mutation, 40)) {
        size_t made = image_sample(data, mutation.most, &random);
        if (made == 0)
            return bytes(data, mutation.size, mutation.most);
        mutation.size = made;
        mutation.image = image_parse(data, made);
    }
    change(&mutation, bytes);
    if (!one_in(&mutation, 8))
        repair(&mutation);
    return mutation.size;
}
