/*
 * paged/page_format.c: see the header and FORMAT.md, "Pages".
 */
#include "paged/page_format.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

uint32_t segj_page_checksum(segj_checksum_kind_t kind, uint64_t section, uint64_t page, const uint8_t *bytes,
                            uint16_t length)
{
    return segj_checksum_continue(kind, segj_checksum_begin(kind, section, page), bytes, length);
}

segj_page_state_t segj_page_slot(segj_checksum_kind_t kind, const uint8_t *physical, uint16_t page_size,
                                 uint64_t section, uint64_t page, unsigned slot)
{
    const segj_page_state_t none = {0, 0, 0};
    const uint8_t *at = physical + segj_page_slot_offset(page_size, slot);
    uint16_t length = segj_get_u16(at);
    uint32_t crc = segj_get_u32(at + 2);
    if (length == 0 || length > page_size || segj_page_checksum(kind, section, page, physical, length) != crc)
        return none;
    return (segj_page_state_t){(uint8_t)slot, length, crc};
}

segj_page_state_t segj_page_verify(segj_checksum_kind_t kind, const uint8_t *physical, uint16_t page_size,
                                   uint64_t section, uint64_t page)
{
    uint16_t first = segj_get_u16(physical + segj_page_slot_offset(page_size, 1));
    uint16_t second = segj_get_u16(physical + segj_page_slot_offset(page_size, 2));
    unsigned longer = second > first ? 2 : 1;
    segj_page_state_t state = segj_page_slot(kind, physical, page_size, section, page, longer);
    if (state.slot == 0)
        state = segj_page_slot(kind, physical, page_size, section, page, 3 - longer);
    return state;
}

void segj_page_put_slot(uint8_t to[SEGJ_PAGE_SLOT_SIZE], uint16_t length, uint32_t crc)
{
    segj_put_u16(to, length);
    segj_put_u32(to + 2, crc);
}

segj_page_state_t segj_page_complete(segj_checksum_kind_t kind, uint8_t *physical, uint16_t page_size, uint64_t section,
                                     uint64_t page, uint16_t length, segj_page_state_t synced)
{
    assert(length >= 1 && length <= page_size && synced.length < length);
    memset(physical + length, 0, segj_page_physical(page_size) - length);
    segj_page_state_t state = {synced.slot == 1 ? 2 : 1, length,
                               segj_page_checksum(kind, section, page, physical, length)};
    segj_page_put_slot(physical + segj_page_slot_offset(page_size, state.slot), state.length, state.crc);
    if (synced.slot != 0)
        segj_page_put_slot(physical + segj_page_slot_offset(page_size, synced.slot), synced.length, synced.crc);
    return state;
}
