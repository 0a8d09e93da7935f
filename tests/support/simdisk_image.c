/*
 * support/simdisk_image.c: see the header.
 */
#include "support/simdisk_image.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t zeros[SIMDISK_SECTOR];

void *simdisk_need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

uint64_t simdisk_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

/* --- sectors --- */

/* Four lanes, so that the multiplications of one need not wait for those of another. */
static uint64_t hash_bytes(const uint8_t bytes[SIMDISK_SECTOR])
{
    uint64_t lanes[4] = {1, 2, 3, 4};
    for (size_t at = 0; at < SIMDISK_SECTOR; at += sizeof lanes) {
        uint64_t words[4];
        memcpy(words, bytes + at, sizeof words);
        for (int i = 0; i < 4; i++)
            lanes[i] = simdisk_mix(lanes[i], words[i]);
    }
    return simdisk_mix(simdisk_mix(lanes[0], lanes[1]), simdisk_mix(lanes[2], lanes[3]));
}

static sector_t *new_sector(void)
{
    sector_t *sector = simdisk_need(malloc(sizeof *sector));
    sector->references = 1;
    return sector;
}

/* The bytes are there: NULL where they are zeros. */
static sector_t *finish(sector_t *sector)
{
    if (memcmp(sector->bytes, zeros, SIMDISK_SECTOR) == 0) {
        free(sector);
        return NULL;
    }
    sector->hash = hash_bytes(sector->bytes);
    return sector;
}

sector_t *simdisk_sector_new(size_t from, const uint8_t *bytes, size_t size)
{
    if (memcmp(bytes, zeros, size) == 0)
        return NULL;
    sector_t *sector = new_sector();
    memset(sector->bytes, 0, from);
    memcpy(sector->bytes + from, bytes, size);
    memset(sector->bytes + from + size, 0, SIMDISK_SECTOR - from - size);
    sector->hash = hash_bytes(sector->bytes);
    return sector;
}

sector_t *simdisk_sector_share(sector_t *sector)
{
    if (sector != NULL)
        sector->references++;
    return sector;
}

void simdisk_sector_free(sector_t *sector)
{
    if (sector != NULL && --sector->references == 0)
        free(sector);
}

/* --- images --- */

image_t *simdisk_image_share(image_t *image)
{
    if (image != NULL)
        image->references++;
    return image;
}

void simdisk_image_free(image_t *image)
{
    if (image == NULL || --image->references > 0)
        return;
    for (size_t i = 0; i < image->count; i++)
        simdisk_sector_free(image->sectors[i]);
    free(image->sectors);
    free(image);
}

uint64_t simdisk_image_size(const image_t *image)
{
    return image != NULL ? image->size : 0;
}

uint64_t simdisk_image_hash(const image_t *image)
{
    return image != NULL ? simdisk_mix(image->sum, image->size) : 0;
}

/* An image of one's own, with room for so many sectors. */
static image_t *own(image_t **image, size_t room)
{
    image_t *old = *image;
    if (old != NULL && old->references == 1 && old->capacity >= room)
        return old;
    image_t *mine = simdisk_need(calloc(1, sizeof *mine));
    mine->references = 1;
    mine->capacity = room + 8;
    if (old != NULL && old->count > room)
        mine->capacity = old->count;
    mine->sectors = simdisk_need(malloc(mine->capacity * sizeof(sector_t *)));
    if (old != NULL) {
        mine->size = old->size;
        mine->sum = old->sum;
        mine->count = old->count;
        for (size_t i = 0; i < old->count; i++)
            mine->sectors[i] = simdisk_sector_share(old->sectors[i]);
    }
    simdisk_image_free(old);
    *image = mine;
    return mine;
}

static uint64_t term(const sector_t *sector, size_t at)
{
    return sector != NULL ? simdisk_mix(simdisk_mix(7, at), sector->hash) : 0;
}

/* Takes the reference. */
static void set_sector(image_t *image, size_t at, sector_t *sector)
{
    image->sum += term(sector, at) - term(image->sectors[at], at);
    simdisk_sector_free(image->sectors[at]);
    image->sectors[at] = sector;
}

static size_t sectors_of(uint64_t size)
{
    return (size_t)((size + SIMDISK_SECTOR - 1) / SIMDISK_SECTOR);
}

void simdisk_image_resize(image_t **image, uint64_t size)
{
    if (size == simdisk_image_size(*image))
        return;
    size_t count = sectors_of(size);
    image_t *mine = own(image, count);
    while (mine->count > count) {
        set_sector(mine, mine->count - 1, NULL);
        mine->count--;
    }
    while (mine->count < count)
        mine->sectors[mine->count++] = NULL;
    size_t left = (size_t)(size % SIMDISK_SECTOR);
    if (size < mine->size && left > 0 && mine->sectors[count - 1] != NULL)
        set_sector(mine, count - 1, simdisk_sector_new(0, mine->sectors[count - 1]->bytes, left));
    mine->size = size;
}

void simdisk_image_put(image_t **image, uint64_t offset, size_t size, sector_t *content)
{
    if (offset + size > simdisk_image_size(*image))
        simdisk_image_resize(image, offset + size);
    image_t *mine = own(image, sectors_of(offset + size));
    size_t at = (size_t)(offset / SIMDISK_SECTOR);
    size_t from = (size_t)(offset % SIMDISK_SECTOR);
    const sector_t *old = mine->sectors[at];
    if (old == NULL || (from == 0 && offset + size == mine->size) || size == SIMDISK_SECTOR) {
        set_sector(mine, at,
                   simdisk_sector_share(content)); /* what is around the piece is zeros, or no part of the file */
        return;
    }
    const uint8_t *bytes = content != NULL ? content->bytes : zeros;
    if (memcmp(old->bytes + from, bytes + from, size) == 0)
        return;
    sector_t *sector = new_sector();
    memcpy(sector->bytes, old->bytes, SIMDISK_SECTOR);
    memcpy(sector->bytes + from, bytes + from, size);
    set_sector(mine, at, finish(sector));
}

void simdisk_image_fill(image_t **image, uint64_t from, uint64_t to, uint8_t byte)
{
    uint8_t bytes[SIMDISK_SECTOR];
    sector_t *whole = NULL;
    memset(bytes, byte, sizeof bytes);
    while (from < to) {
        size_t within = (size_t)(from % SIMDISK_SECTOR);
        size_t part = SIMDISK_SECTOR - within;
        if (part > to - from)
            part = (size_t)(to - from);
        if (part == SIMDISK_SECTOR && whole == NULL)
            whole = simdisk_sector_new(0, bytes, SIMDISK_SECTOR);
        sector_t *content =
            part == SIMDISK_SECTOR ? simdisk_sector_share(whole) : simdisk_sector_new(within, bytes, part);
        simdisk_image_put(image, from, part, content);
        simdisk_sector_free(content);
        from += part;
    }
    simdisk_sector_free(whole);
}

void simdisk_image_read(const image_t *image, uint64_t offset, uint8_t *to, size_t size)
{
    while (size > 0) {
        size_t from = (size_t)(offset % SIMDISK_SECTOR);
        size_t part = SIMDISK_SECTOR - from < size ? SIMDISK_SECTOR - from : size;
        const sector_t *sector = image->sectors[offset / SIMDISK_SECTOR];
        if (sector != NULL)
            memcpy(to, sector->bytes + from, part);
        else
            memset(to, 0, part);
        offset += part;
        to += part;
        size -= part;
    }
}

bool simdisk_image_holds(const image_t *image, uint64_t offset, const uint8_t *bytes, size_t size)
{
    if (offset + size > simdisk_image_size(image))
        return false;
    const sector_t *sector = image->sectors[offset / SIMDISK_SECTOR];
    return memcmp(sector != NULL ? sector->bytes + offset % SIMDISK_SECTOR : zeros, bytes, size) == 0;
}
