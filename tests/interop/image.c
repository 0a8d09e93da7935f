/*
 * interop/image.c: the files of commonware-storage as bytes.
 */
#include "interop/image.h"

#include <stdlib.h>
#include <string.h>

size_t image_header(const bytes_t *file)
{
    return file->size >= 4 && memcmp(file->data, "CWIK", 4) == 0 ? COMMONWARE_V1 : COMMONWARE_V0;
}

const uint8_t *image_page(const image_index_t *image, size_t page)
{
    return image->file.data + image->header + page * (image->page_size + (size_t)IMAGE_SLOTS);
}

void image_index_load(const char *path, uint16_t page_size, image_index_t *image)
{
    *image = (image_index_t){.header = COMMONWARE_V0, .page_size = page_size};
    if (!path_exists(path))
        return;
    image->file = read_file(path);
    image->header = image_header(&image->file);
    if (image->file.size < image->header)
        return;
    image->pages = (image->file.size - image->header) / (page_size + (size_t)IMAGE_SLOTS);
    while (image->pages > 0 && decode_plain_page(image_page(image, image->pages - 1), page_size) == 0)
        image->pages--;
    image->logical = interop_need(calloc(image->pages + 1, page_size));
    for (size_t page = 0; page < image->pages; page++) {
        uint16_t length = decode_plain_page(image_page(image, page), page_size);
        if (length > 0)
            memcpy(image->logical + page * page_size, image_page(image, page), length);
        image->size = page * page_size + length;
    }
}

void image_index_free(image_index_t *image)
{
    free_bytes(&image->file);
    free(image->logical);
    *image = (image_index_t){0};
}

uint64_t image_offset(const uint8_t *record, size_t record_size)
{
    return get_u64(record + record_size - IMAGE_LOCATION);
}

uint32_t image_size(const uint8_t *record, size_t record_size)
{
    return get_u32(record + record_size - 4);
}

void image_index_write(const char *path, size_t header, uint16_t page_size, const uint8_t *logical, size_t size)
{
    size_t pages = (size + page_size - 1) / page_size, physical = page_size + (size_t)IMAGE_SLOTS;
    uint8_t *file = interop_need(calloc(1, header + pages * physical));
    encode_commonware_header(file, header, 0);
    for (size_t page = 0; page < pages; page++) {
        uint8_t *at = file + header + page * physical;
        size_t rest = size - page * page_size;
        uint16_t length = rest < page_size ? (uint16_t)rest : page_size;
        memcpy(at, logical + page * page_size, length);
        put_u16(at + page_size, length);
        put_u32(at + page_size + 2, plain_checksum(at, length));
    }
    write_file(path, file, header + pages * physical);
    free(file);
}

size_t image_sections(const char *partition, uint64_t sections[SETTING_SECTIONS])
{
    if (!path_exists(partition))
        return 0;
    names_t names = list_directory(partition);
    size_t count = names.count < SETTING_SECTIONS ? names.count : SETTING_SECTIONS;
    for (size_t i = 0; i < count; i++)
        sections[i] = strtoull(names.names[i], NULL, 16);
    free_names(&names);
    return count;
}
