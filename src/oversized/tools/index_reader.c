/*
 * oversized/tools/index_reader.c: see the header.
 */
#include "oversized/tools/index_reader.h"

#include <stdlib.h>
#include <string.h>

#include "journal/record_format.h"
#include "paged/page_format.h"

/* A page's bytes, and how many of them are valid. */
static const uint8_t *reader_page(segj_index_reader_t *reader, uint64_t page, uint16_t *valid)
{
    size_t physical = segj_page_physical(reader->page_size);
    const uint8_t *bytes = segj_salvage_input_look(reader->input, page * physical, physical);
    if (reader->page != page) {
        reader->valid = segj_page_verify(reader->checksum, bytes, reader->page_size, reader->binding, page).length;
        reader->page = page;
    }
    *valid = reader->valid;
    return bytes;
}

segj_status_t segj_index_reader_init(segj_index_reader_t *reader, segj_salvage_input_t *input,
                                     segj_checksum_kind_t checksum, uint64_t binding, uint16_t page_size,
                                     uint32_t record_size)
{
    uint16_t valid = 0;
    uint64_t pages = input->length / segj_page_physical(page_size);
    *reader = (segj_index_reader_t){.input = input,
                                    .checksum = checksum,
                                    .binding = binding,
                                    .page_size = page_size,
                                    .record_size = record_size,
                                    .page = UINT64_MAX,
                                    .record = malloc(record_size)};
    if (reader->record == NULL)
        return segj_fail_memory(record_size);
    if (pages > 0)
        (void)reader_page(reader, pages - 1, &valid);
    reader->complete = valid > 0;
    reader->records =
        reader->complete ? ((pages - 1) * page_size + valid) / record_size : pages * page_size / record_size;
    return SEGJ_OK;
}

void segj_index_reader_free(segj_index_reader_t *reader)
{
    free(reader->record);
    reader->record = NULL;
}

bool segj_index_reader_read(segj_index_reader_t *reader, uint64_t number, oversized_location_t *location)
{
    uint64_t at = number * reader->record_size;
    uint32_t done = 0;
    if (number >= reader->records)
        return false;
    while (done < reader->record_size) {
        uint16_t valid;
        uint32_t begin = (uint32_t)((at + done) % reader->page_size);
        const uint8_t *bytes = reader_page(reader, (at + done) / reader->page_size, &valid);
        uint32_t part = (uint32_t)segj_min_u64(reader->record_size - done, reader->page_size - begin);
        if (begin + part > valid)
            return false;
        memcpy(reader->record + done, bytes + begin, part);
        done += part;
    }
    *location = segj_location_decode(reader->record + reader->record_size - OVERSIZED_LOCATION_SIZE);
    return true;
}
