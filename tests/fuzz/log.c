/*
 * fuzz/log.c: see the header. Mutations change fields, frames and pages, and then make checksums right again, most of
 * them most of the time, so that what lies behind a checksum is reached.
 */
#include "fuzz/log.h"

#include <string.h>
#include <zlib.h>

static const uint16_t page_sizes[] = {13, 32, 64, 100, 256, 1000, 4084};
static const uint16_t entry_sizes[] = {0, 1, 8, LOG_ENTRY_MOST};
static const uint64_t salt = UINT64_C(0x1122334455667788);

bool log_parse(const uint8_t *data, size_t size, log_image_t *image)
{
    fuzz_input_t input = {data, size < LOG_MOST ? size : LOG_MOST};
    size_t taken;
    if (size < LOG_FIELDS)
        return false;
    *image = (log_image_t){.data = data};
    image->page_size = page_sizes[fuzz_take(&input, 1) % (sizeof page_sizes / sizeof page_sizes[0])];
    image->entry_size = entry_sizes[fuzz_take(&input, 1) % (sizeof entry_sizes / sizeof entry_sizes[0])];
    image->how = (uint8_t)fuzz_take(&input, 1);
    image->index_identity = (size_t)(fuzz_take_bytes(&input, 64, &taken) - data);
    image->slots = (size_t)(fuzz_take_bytes(&input, (size_t)2 * LOG_SLOT, &taken) - data);
    image->values_identity = (size_t)(fuzz_take_bytes(&input, 64, &taken) - data);
    size_t index_size = (size_t)fuzz_take(&input, 2);
    size_t values_size = (size_t)fuzz_take(&input, 2);
    image->index = (size_t)(fuzz_take_bytes(&input, index_size, &image->index_size) - data);
    image->values = (size_t)(fuzz_take_bytes(&input, values_size, &image->values_size) - data);
    return true;
}

static const uint8_t words[] = "what values have in common";

static size_t room(const log_image_t *image)
{
    return (image->how & LOG_DICTIONARY) != 0 ? HEADER_BLOCK : 0;
}

size_t log_data_of(const bytes_t *file, size_t usual)
{
    log_identity_t identity;
    if (file->size < 64 || !decode_log_identity(file->data, &identity) || identity.dictionary_size > 1 << 18)
        return usual;
    return usual + (identity.dictionary_size + (size_t)HEADER_BLOCK - 1) / HEADER_BLOCK * HEADER_BLOCK;
}

/* A file with its identity, and what comes before its data. */
static bytes_t begin_file(const log_image_t *image, size_t identity, size_t usual, size_t size)
{
    size_t data = usual + room(image);
    bytes_t file = {fuzz_allocate(data + size), data + size};
    memcpy(file.data, image->data + identity, 64);
    if (room(image) > 0)
        memcpy(file.data + usual, words, sizeof words);
    return file;
}

bytes_t log_index(const log_image_t *image)
{
    bytes_t file = begin_file(image, image->index_identity, INDEX_DATA_OFFSET, image->index_size);
    for (size_t slot = 0; slot < 2; slot++)
        memcpy(file.data + (slot + 1) * HEADER_BLOCK, image->data + image->slots + slot * LOG_SLOT, LOG_SLOT);
    memcpy(file.data + INDEX_DATA_OFFSET + room(image), image->data + image->index, image->index_size);
    if ((image->how & LOG_SHORT_INDEX) != 0)
        file.size = (size_t)2 * HEADER_BLOCK;
    return file;
}

bytes_t log_values(const log_image_t *image)
{
    if ((image->how & LOG_NO_VALUES) != 0)
        return (bytes_t){NULL, 0};
    bytes_t file = begin_file(image, image->values_identity, VALUES_DATA_OFFSET, image->values_size);
    memcpy(file.data + VALUES_DATA_OFFSET + room(image), image->data + image->values, image->values_size);
    if (room(image) > 0 && (image->how & LOG_SPOILT_DICTIONARY) != 0)
        file.data[VALUES_DATA_OFFSET] ^= 1;
    return file;
}

/* --- mutations --- */

typedef struct change {
    uint8_t *data;
    size_t size, most;
    fuzz_random_t *random;
    log_image_t image;
    uint64_t binding;
} change_t;

static bool one_in(change_t *change, uint32_t times)
{
    return fuzz_below(change->random, times) == 0;
}

static void mend_identity(change_t *change, size_t at, uint8_t kind)
{
    uint8_t block[HEADER_BLOCK];
    uint8_t *identity = change->data + at;
    if (one_in(change, 20))
        return;
    if (one_in(change, 20)) { /* other fields under a right checksum */
        put_u32(identity + 60, (uint32_t)crc32(0, identity, 60));
        return;
    }
    log_identity_t fields = {.kind = kind,
                             .page_size = change->image.page_size,
                             .record_size = change->image.entry_size + LOCATION_BYTES,
                             .section = LOG_SECTION,
                             .salt = salt};
    fields.salt ^= one_in(change, 40);
    fields.section ^= one_in(change, 60);
    fields.compression = kind == IDENTITY_VALUES && one_in(change, 20);
    if ((change->image.how & LOG_DICTIONARY) != 0 && !one_in(change, 60)) {
        fields.compression = kind == IDENTITY_VALUES;
        fields.dictionary_size = sizeof words;
        fields.dictionary_crc = (uint32_t)crc32(0, words, sizeof words);
    }
    encode_log_identity(block, &fields);
    memcpy(identity, block, 64);
}

/* Frames as their heads say, one behind the other; a mark at one of their ends. */
static void mend_frames(change_t *change, log_mark_t *marks)
{
    const log_image_t *image = &change->image;
    size_t head = LOG_HEAD + image->entry_size;
    size_t at = 0;
    uint32_t before = 0;
    uint64_t records = 0;
    while (image->values_size - at >= head + FRAME_CHECKSUM) {
        uint8_t *frame = change->data + image->values + at;
        uint32_t size = get_u32(frame);
        uint8_t copy[LOG_MOST];
        size_t room = image->values_size - at - head - FRAME_CHECKSUM;
        if (frame[4] == 0 && !one_in(change, 200))
            break; /* zeros ahead */
        if (size > room)
            size = one_in(change, 20) ? size : (uint32_t)(size % (room + 1));
        if (size > room)
            break;
        uint8_t known = (image->how & LOG_DICTIONARY) != 0 ? LOG_GOES_ON | LOG_RAW : LOG_GOES_ON;
        uint8_t flags = one_in(change, 60) ? frame[4] : (uint8_t)(LOG_FRAME | (frame[4] & known));
        if (!one_in(change, 40)) {
            (void)encode_log_frame(copy, change->binding, at, before, flags, frame[5], frame + 6, image->entry_size,
                                   frame + head, size);
            memcpy(frame, copy, head + size + FRAME_CHECKSUM);
        }
        before = get_u32(frame + head + size);
        at += head + size + FRAME_CHECKSUM;
        records++;
        for (size_t i = 0; i < 2; i++)
            if (one_in(change, 4))
                marks[i] = (log_mark_t){records, at, marks[i].sequence, before};
    }
}

static void mend_slots(change_t *change, const log_mark_t *marks)
{
    for (unsigned slot = 0; slot < 2; slot++) {
        uint8_t *at = change->data + change->image.slots + slot * (size_t)LOG_SLOT;
        if (one_in(change, 4))
            continue;
        log_mark_t mark = marks[slot];
        mark.sequence = one_in(change, 40) ? get_u64(at + 20) : 1 + fuzz_below(change->random, 4);
        mark.records += one_in(change, 60);
        encode_log_mark(at, change->binding, slot, mark);
    }
}

/* Pages of the records that the frames are, as far as there are pages; or the checksums of what they hold. */
static void mend_pages(change_t *change)
{
    const log_image_t *image = &change->image;
    size_t physical = (size_t)image->page_size + PAGE_CHECKSUMS;
    bool anew = one_in(change, 2);
    uint8_t records[4096];
    size_t size = 0;
    uint32_t before = 0;
    log_frame_t frame;
    const uint8_t *values = change->data + image->values;
    for (uint64_t at = 0;
         anew && size + image->entry_size + LOCATION_BYTES <= sizeof records &&
         decode_log_frame(values, image->values_size, change->binding, at, before, image->entry_size, &frame);
         at += frame.size, before = frame.trailer) {
        encode_record(records + size, frame.entry, image->entry_size,
                      (oversized_location_t){at, frame.stored + FRAME_CHECKSUM});
        size += image->entry_size + LOCATION_BYTES;
    }
    for (size_t page = 0; (page + 1) * physical <= image->index_size; page++) {
        uint8_t *bytes = change->data + image->index + page * physical;
        size_t from = page * image->page_size;
        uint16_t length = get_u16(bytes + image->page_size);
        if (anew && from < size) {
            length = size - from < image->page_size ? (uint16_t)(size - from) : image->page_size;
            memcpy(bytes, records + from, length);
            put_u16(bytes + image->page_size, length);
        }
        if (length <= image->page_size && !one_in(change, 30))
            put_u32(bytes + image->page_size + 2, page_checksum(change->binding, page, bytes, length));
    }
}

static bool reparse(change_t *change)
{
    return log_parse(change->data, change->size, &change->image);
}

static void mend(change_t *change)
{
    log_mark_t marks[2] = {{0}};
    if (!reparse(change))
        return;
    mend_identity(change, change->image.index_identity, IDENTITY_INDEX);
    mend_identity(change, change->image.values_identity, IDENTITY_VALUES);
    mend_frames(change, marks);
    mend_slots(change, marks);
    mend_pages(change);
}

/* A section that is as it should be, or nearly; mend() does the rest. */
static size_t sample(uint8_t *data, size_t most, fuzz_random_t *random)
{
    uint32_t entry = fuzz_below(random, sizeof entry_sizes / sizeof entry_sizes[0]);
    size_t head = LOG_HEAD + (size_t)entry_sizes[entry];
    if (most < 2500)
        return 0;
    memset(data, 0, most);
    data[0] = (uint8_t)fuzz_below(random, sizeof page_sizes / sizeof page_sizes[0]);
    data[1] = (uint8_t)entry;
    data[2] = (uint8_t)(fuzz_below(random, 8) | (fuzz_below(random, 8) == 0 ? fuzz_next(random) & 0x18 : 0));
    if (fuzz_below(random, 4) == 0)
        data[2] = (uint8_t)(data[2] | LOG_DICTIONARY | (fuzz_next(random) & LOG_SPOILT_DICTIONARY));
    uint32_t physical = page_sizes[data[0]] + (uint32_t)PAGE_CHECKSUMS;
    size_t index_size = (size_t)fuzz_below(random, 1 + 800 / physical) * physical;
    size_t values = LOG_FIELDS + index_size;
    size_t size = values;
    for (uint32_t count = fuzz_below(random, 12); count > 0 && size + head + 64 < 2400; count--) {
        uint32_t stored = fuzz_below(random, 50);
        put_u32(data + size, stored);
        data[size + 4] =
            (uint8_t)(LOG_FRAME | (fuzz_below(random, 4) == 0) | (fuzz_below(random, 4) > 0 ? LOG_RAW : 0));
        data[size + 5] = (uint8_t)fuzz_below(random, 3);
        memset(data + size + 6, (int)count, head - LOG_HEAD);
        memset(data + size + head, (int)(0x40 + count), stored);
        size += head + stored + FRAME_CHECKSUM;
    }
    size += fuzz_below(random, 3) == 0 ? 40 : 0;
    put_u16(data + LOG_FIELDS - 4, (uint16_t)index_size);
    put_u16(data + LOG_FIELDS - 2, (uint16_t)(size - values));
    return size;
}

/* Bytes over others, or zeros: what lies in another's place. */
static void copy_within(change_t *change)
{
    const log_image_t *image = &change->image;
    uint32_t from = fuzz_below(change->random, (uint32_t)image->values_size);
    uint32_t to = fuzz_below(change->random, (uint32_t)image->values_size);
    size_t longest = image->values_size - (from > to ? from : to);
    size_t size = longest > 0 ? 1 + fuzz_below(change->random, (uint32_t)longest) : 0;
    uint8_t *values = change->data + image->values;
    if (size > 0 && one_in(change, 2))
        memset(values + to, 0, size);
    else if (size > 0)
        memmove(values + to, values + from, size);
}

static void change_size(change_t *change)
{
    const log_image_t *image = &change->image;
    size_t by = 1 + fuzz_below(change->random, 64);
    if (one_in(change, 2) && change->size + by <= change->most) {
        memset(change->data + change->size, 0, by);
        change->size += by;
        put_u16(change->data + LOG_FIELDS - 2, (uint16_t)(image->values_size + by));
    } else {
        by = by < image->values_size ? by : image->values_size;
        change->size = image->values + image->values_size - by;
        put_u16(change->data + LOG_FIELDS - 2, (uint16_t)(image->values_size - by));
    }
}

size_t log_mutate(uint8_t *data, size_t size, size_t most, uint32_t seed, fuzz_mutate_t bytes)
{
    fuzz_random_t random = {seed};
    change_t change = {.data = data, .most = most < LOG_MOST ? most : LOG_MOST, .random = &random};
    change.binding = LOG_SECTION ^ salt;
    change.size = size < change.most ? size : change.most;
    if (!reparse(&change) || one_in(&change, 40)) {
        change.size = sample(data, change.most, &random);
        if (change.size == 0)
            return bytes(data, size < change.most ? size : change.most, change.most);
        mend(&change);
    }
    (void)reparse(&change);
    bool mended = !one_in(&change, 3); /* what is spoilt behind it stays so */
    if (mended)
        mend(&change);
    switch (fuzz_below(&random, 6)) {
    case 0:
        change_size(&change);
        break;
    case 1:
        copy_within(&change);
        break;
    case 2:
        change.size = bytes(data, change.size, change.most);
        break;
    case 3:
        (void)bytes(data, LOG_FIELDS, LOG_FIELDS);
        break;
    case 4:
        if (change.image.values_size > 0)
            (void)bytes(data + change.image.values, change.image.values_size, change.image.values_size);
        break;
    default:
        if (change.image.index_size > 0)
            (void)bytes(data + change.image.index, change.image.index_size, change.image.index_size);
        break;
    }
    if (!mended)
        mend(&change);
    return change.size;
}
