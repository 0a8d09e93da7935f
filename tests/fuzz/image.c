/* fuzz/image.c: images out of bytes; see fuzz/image.h. */
#include "fuzz/image.h"

#include <stdlib.h>
#include <string.h>

#include "checksum/checksum.h"
#include "support/commonware.h"

static const uint16_t page_sizes[] = {1, 13, 32, 64, 100, 255, 256, 1000, 4084};
static const uint16_t entry_sizes[] = {0, 1, 8, IMAGE_ENTRY_MOST};
static const uint64_t numbers[] = {0, 1, 2, 7, (uint64_t)1 << 32, UINT64_MAX};

static bool is_new(const image_t *image, uint64_t number)
{
    for (size_t i = 0; i < image->count; i++)
        if (image->sections[i].number == number)
            return false;
    return true;
}

static void take_section(image_t *image, fuzz_input_t *input)
{
    image_section_t section = {.number = numbers[fuzz_take(input, 1) % (sizeof numbers / sizeof numbers[0])]};
    size_t taken;
    section.flags = (uint8_t)fuzz_take(input, 1);
    section.index_identity = (size_t)(fuzz_take_bytes(input, 32, &taken) - image->data);
    section.slots = (size_t)(fuzz_take_bytes(input, 32, &taken) - image->data);
    section.values_identity = (size_t)(fuzz_take_bytes(input, 32, &taken) - image->data);
    section.first = (uint16_t)fuzz_take(input, 2);
    section.second = (uint16_t)fuzz_take(input, 2);
    size_t index_size = (size_t)fuzz_take(input, 2);
    size_t values_size = (size_t)fuzz_take(input, 2);
    section.index = (size_t)(fuzz_take_bytes(input, index_size, &section.index_size) - image->data);
    section.values = (size_t)(fuzz_take_bytes(input, values_size, &section.values_size) - image->data);
    if (is_new(image, section.number))
        image->sections[image->count++] = section;
}

image_t image_parse(const uint8_t *data, size_t size)
{
    fuzz_input_t input = {data, size < IMAGE_MOST ? size : IMAGE_MOST};
    image_t image = {.data = data};
    image.commonware = fuzz_take(&input, 1) % 2 == 1;
    image.page_size = page_sizes[fuzz_take(&input, 1) % (sizeof page_sizes / sizeof page_sizes[0])];
    image.entry_size = entry_sizes[fuzz_take(&input, 1) % (sizeof entry_sizes / sizeof entry_sizes[0])];
    image.record_size = image.entry_size + LOCATION_BYTES;
    image.how = (uint8_t)fuzz_take(&input, 1);
    size_t wanted = fuzz_take(&input, 1) % (IMAGE_SECTIONS + 1);
    for (size_t i = 0; i < wanted && input.left >= IMAGE_SECTION_FIELDS; i++)
        take_section(&image, &input);
    return image;
}

/* --- files --- */

size_t image_header_size(const image_t *image, const image_section_t *section, bool values)
{
    if (image->commonware)
        return section->flags & (values ? IMAGE_V1_VALUES : IMAGE_V1_INDEX) ? COMMONWARE_V1 : COMMONWARE_V0;
    return values ? VALUES_DATA_OFFSET : INDEX_DATA_OFFSET;
}

uint32_t image_page_checksum(const image_t *image, uint64_t section, uint64_t page, const uint8_t *bytes, uint16_t size)
{
    return image->commonware ? segj_crc32c(0, bytes, size) : page_checksum(section, page, bytes, size);
}

uint32_t image_frame_checksum(const image_t *image, uint64_t section, uint64_t offset, const uint8_t *bytes,
                              size_t size)
{
    return image->commonware ? segj_crc32c(0, bytes, size) : frame_checksum(section, offset, bytes, size);
}

/* A file with its identity and its data, and zeros between. */
static bytes_t make_file(const image_t *image, size_t header, size_t identity, size_t data, size_t size)
{
    bytes_t file = {fuzz_allocate(header + size), header + size};
    memcpy(file.data, image->data + identity, header < 32 ? header : 32);
    memcpy(file.data + header, image->data + data, size);
    return file;
}

static void cut(bytes_t *file, bool wanted, uint16_t where, size_t header)
{
    if (wanted && where % (header + 1) < file->size)
        file->size = where % (header + 1);
}

bytes_t image_index(const image_t *image, const image_section_t *section)
{
    size_t header = image_header_size(image, section, false);
    if (section->flags & IMAGE_NO_INDEX)
        return (bytes_t){NULL, 0};
    bytes_t file = make_file(image, header, section->index_identity, section->index, section->index_size);
    if (!image->commonware) {
        memcpy(file.data + HEADER_BLOCK, image->data + section->slots, 16);
        memcpy(file.data + (size_t)2 * HEADER_BLOCK, image->data + section->slots + 16, 16);
    }
    if (section->flags & IMAGE_POKE)
        file.data[section->first % header] ^= (uint8_t)(section->second | 1);
    cut(&file, (section->flags & IMAGE_CUT_INDEX) != 0, section->first, header);
    return file;
}

bytes_t image_values(const image_t *image, const image_section_t *section)
{
    size_t header = image_header_size(image, section, true);
    if (section->flags & IMAGE_NO_VALUES)
        return (bytes_t){NULL, 0};
    bytes_t file = make_file(image, header, section->values_identity, section->values, section->values_size);
    cut(&file, (section->flags & IMAGE_CUT_VALUES) != 0, section->second, header);
    return file;
}

/* --- a journal as it should be --- */

typedef struct sample {
    image_t image; /* what its fields say */
    uint8_t *data;
    size_t most, size;
    fuzz_random_t *random;
} sample_t;

static uint8_t *reserve(sample_t *sample, size_t size)
{
    uint8_t *at = sample->data + sample->size;
    if (sample->most - sample->size < size)
        return NULL;
    sample->size += size;
    return at;
}

/* Records and their frames, in memory of the caller: at most `most` bytes each. */
static uint32_t make_records(const sample_t *sample, uint64_t section, bytes_t *records, bytes_t *frames, size_t most)
{
    uint32_t count = 0;
    uint8_t entry[IMAGE_ENTRY_MOST];
    uint8_t value[300];
    uint32_t wanted = fuzz_below(sample->random, 20);
    for (; count < wanted; count++) {
        uint32_t size = fuzz_below(sample->random, fuzz_below(sample->random, 4) == 0 ? sizeof value : 24);
        oversized_location_t location = {frames->size, size + FRAME_CHECKSUM};
        if (frames->size + location.size > most || records->size + sample->image.entry_size + LOCATION_BYTES > most)
            break;
        for (size_t i = 0; i < sizeof entry; i++)
            entry[i] = (uint8_t)(fuzz_next(sample->random) & 15);
        memset(value, (int)(0x40 + count), sizeof value);
        encode_record(records->data + records->size, entry, sample->image.entry_size, location);
        uint8_t *frame = frames->data + frames->size;
        memcpy(frame, value, size);
        put_u32(frame + size, image_frame_checksum(&sample->image, section, frames->size, frame, size));
        records->size += sample->image.entry_size + LOCATION_BYTES;
        frames->size += location.size;
    }
    return count;
}

static page_slot_t slot_of(const sample_t *sample, uint64_t section, uint64_t page, const uint8_t *bytes, uint32_t size)
{
    uint16_t length = (uint16_t)size;
    return (page_slot_t){length, image_page_checksum(&sample->image, section, page, bytes, length)};
}

/* Both slots of the last page are used, as by two syncs; others have their first. */
static bool add_pages(sample_t *sample, uint64_t section, const bytes_t *records)
{
    size_t physical = (size_t)sample->image.page_size + PAGE_CHECKSUMS;
    for (size_t from = 0, page = 0; from < records->size; from += sample->image.page_size, page++) {
        uint8_t *at = reserve(sample, physical);
        size_t left = records->size - from;
        uint16_t length = left < sample->image.page_size ? (uint16_t)left : sample->image.page_size;
        if (at == NULL)
            return false;
        const uint8_t *bytes = records->data + from;
        page_slot_t slot = slot_of(sample, section, page, bytes, length);
        page_slot_t other = {0, 0};
        if (length > 1 && fuzz_below(sample->random, 2) == 0)
            other = slot_of(sample, section, page, bytes, 1 + fuzz_below(sample->random, length - 1u));
        bool first = fuzz_below(sample->random, 2) == 0;
        encode_page(at, sample->image.page_size, bytes, length, first ? slot : other, first ? other : slot);
    }
    return true;
}

static void put_header(const sample_t *sample, uint8_t *fields, uint64_t section, uint32_t count, bool compressed)
{
    uint8_t block[HEADER_BLOCK];
    uint32_t record_size = sample->image.entry_size + LOCATION_BYTES;
    encode_identity(block, &(identity_t){1, IDENTITY_INDEX, 0, sample->image.page_size, record_size, section});
    memcpy(fields + 2, block, 32);
    encode_watermark(block, section, (watermark_t){fuzz_below(sample->random, count + 1), 6});
    memcpy(fields + 34, block, 16);
    memset(fields + 50, 0, 16);
    encode_watermark(block, section, (watermark_t){fuzz_below(sample->random, count + 1), 7});
    if (fuzz_below(sample->random, 2) == 0)
        memcpy(fields + 50, block, 16);
    encode_identity(block, &(identity_t){1, IDENTITY_VALUES, compressed ? 1 : 0, 0, 0, section});
    memcpy(fields + 66, block, 32);
    memset(fields + 98, 0, 8);
    if (!sample->image.commonware)
        return;
    fields[1] |= fuzz_below(sample->random, 4) == 0 ? IMAGE_V1_INDEX : 0;
    fields[1] |= fuzz_below(sample->random, 4) == 0 ? IMAGE_V1_VALUES : 0;
    encode_commonware_header(block, fields[1] & IMAGE_V1_INDEX ? COMMONWARE_V1 : COMMONWARE_V0, 0);
    memcpy(fields + 2, block, fields[1] & IMAGE_V1_INDEX ? 32 : COMMONWARE_V0);
    encode_commonware_header(block, fields[1] & IMAGE_V1_VALUES ? COMMONWARE_V1 : COMMONWARE_V0, 0);
    memcpy(fields + 66, block, fields[1] & IMAGE_V1_VALUES ? 32 : COMMONWARE_V0);
}

static bool add_section(sample_t *sample, uint8_t selector)
{
    uint64_t section = numbers[selector];
    uint8_t *fields = reserve(sample, IMAGE_SECTION_FIELDS);
    bytes_t records = {fuzz_allocate(4000), 0};
    bytes_t frames = {fuzz_allocate(4000), 0};
    bool good = fields != NULL;
    if (good) {
        uint32_t count = make_records(sample, section, &records, &frames, 4000);
        size_t before = sample->size;
        fields[0] = selector;
        fields[1] = fuzz_below(sample->random, 16) == 0 ? (uint8_t)fuzz_below(sample->random, 4) : 0;
        put_header(sample, fields, section, count, fuzz_below(sample->random, 8) == 0);
        good = add_pages(sample, section, &records);
        put_u16(fields + 102, (uint16_t)(sample->size - before));
        uint8_t *at = good ? reserve(sample, frames.size) : NULL;
        good = at != NULL;
        if (good)
            memcpy(at, frames.data, frames.size);
        put_u16(fields + 104, (uint16_t)frames.size);
    }
    free_bytes(&records);
    free_bytes(&frames);
    return good;
}

size_t image_sample(uint8_t *data, size_t most, fuzz_random_t *random)
{
    sample_t sample = {.data = data, .most = most < IMAGE_MOST ? most : IMAGE_MOST, .random = random};
    uint8_t *fields = reserve(&sample, IMAGE_FIELDS);
    if (fields == NULL)
        return 0;
    fields[0] = (uint8_t)(fuzz_below(random, 3) == 0);
    fields[1] = (uint8_t)fuzz_below(random, sizeof page_sizes / sizeof page_sizes[0]);
    fields[2] = (uint8_t)fuzz_below(random, sizeof entry_sizes / sizeof entry_sizes[0]);
    fields[3] = (uint8_t)fuzz_below(random, 64);
    fields[4] = (uint8_t)(1 + fuzz_below(random, IMAGE_SECTIONS));
    sample.image = image_parse(data, IMAGE_FIELDS);
    uint8_t selector = (uint8_t)fuzz_below(random, 3);
    for (uint8_t i = 0; i < fields[4]; i++)
        if (!add_section(&sample, (uint8_t)(selector + i)))
            return 0;
    return sample.size;
}
