/*
 * oversized/tools/salvage_input.c: see the header.
 */
#include "oversized/tools/salvage_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* What cannot be read in one go is read in pieces of this size. */
#define LENS_BLOCK ((size_t)4096)

segj_status_t segj_salvage_input_init(segj_salvage_input_t *input, segj_salvage_input_want_t *want)
{
    *input = (segj_salvage_input_t){.window = malloc(SEGJ_SALVAGE_INPUT_WINDOW), .want = want};
    return input->window != NULL ? SEGJ_OK : segj_fail_memory(SEGJ_SALVAGE_INPUT_WINDOW);
}

void segj_salvage_input_free(segj_salvage_input_t *input)
{
    segj_io_close(&input->file);
    free(input->window);
    input->window = NULL;
}

/* Want of memory is no damage: it is kept, and fails the salvage of the section. */
static void input_note(segj_salvage_input_t *input, segj_status_t status)
{
    if (status != SEGJ_ERR_MEMORY || input->want->lacks)
        return;
    input->want->lacks = true;
    segj_keep(&input->want->what);
}

static bool input_lacks_descriptors(void)
{
    return segj_last_errno() == EMFILE || segj_last_errno() == ENFILE;
}

segj_status_t segj_salvage_input_open(segj_salvage_input_t *input, const segj_io_partition_t *partition,
                                      uint64_t section)
{
    bool missing = false;
    segj_io_close(&input->file);
    input->size = 0;
    segj_status_t status = SEGJ_OK;
    if (partition->opened != NULL)
        status = segj_io_open(&input->file, partition, section, SEGJ_OPEN_READ, &missing);
    if (status == SEGJ_ERR_MEMORY || (status != SEGJ_OK && input_lacks_descriptors()))
        return status;
    input->unreadable_files += status != SEGJ_OK;
    bool there = partition->opened != NULL && status == SEGJ_OK && !missing;
    if (!there)
        input->file = (segj_io_file_t){.partition = partition, .section = section}; /* for sentences */
    if (there)
        status = segj_io_size(&input->file, &input->size);
    if (there && status != SEGJ_OK) {
        input_note(input, status);
        input->unreadable_files++;
        input->size = 0;
    }
    segj_salvage_input_set_data(input, 0);
    return SEGJ_OK;
}

void segj_salvage_input_set_data(segj_salvage_input_t *input, uint64_t data)
{
    input->file.data = data;
    input->length = input->size - segj_min_u64(input->size, data);
    input->loaded = 0;
}

/* One read; what is missing at its end, because the file was cut since, is zeros. */
static bool input_read(segj_salvage_input_t *input, uint64_t offset, uint8_t *to, size_t size)
{
    size_t got = 0;
    segj_status_t status = segj_io_read(&input->file, input->file.data + offset, to, size, &got);
    if (status != SEGJ_OK) {
        input_note(input, status);
        return false;
    }
    memset(to + got, 0, size - got);
    return true;
}

static void input_load(segj_salvage_input_t *input, uint64_t offset)
{
    size_t size = (size_t)segj_min_u64(input->length - offset, SEGJ_SALVAGE_INPUT_WINDOW);
    input->offset = offset;
    input->loaded = size;
    if (input_read(input, offset, input->window, size))
        return;
    for (size_t at = 0; at < size;) {
        size_t part = LENS_BLOCK - (size_t)((input->file.data + offset + at) % LENS_BLOCK);
        part = part < size - at ? part : size - at;
        if (!input_read(input, offset + at, input->window + at, part)) {
            memset(input->window + at, 0, part);
            input->unreadable += part;
        }
        at += part;
    }
}

const uint8_t *segj_salvage_input_span(segj_salvage_input_t *input, uint64_t offset, size_t least, size_t *count)
{
    bool in_window = offset >= input->offset && offset - input->offset <= input->loaded &&
                     least <= input->loaded - (size_t)(offset - input->offset);
    if (!in_window)
        input_load(input, offset);
    size_t at = (size_t)(offset - input->offset);
    *count = input->loaded - at;
    return input->window + at;
}

const uint8_t *segj_salvage_input_look(segj_salvage_input_t *input, uint64_t offset, size_t size)
{
    size_t count;
    return segj_salvage_input_span(input, offset, size, &count);
}

uint32_t segj_salvage_input_sum(segj_salvage_input_t *input, segj_checksum_kind_t kind, uint32_t crc, uint64_t offset,
                                uint64_t size)
{
    if (size > 0 && size <= SEGJ_SALVAGE_INPUT_WINDOW)
        return segj_checksum_continue(kind, crc, segj_salvage_input_look(input, offset, (size_t)size), (size_t)size);
    while (size > 0) {
        size_t count;
        const uint8_t *bytes = segj_salvage_input_span(input, offset, 1, &count);
        count = (size_t)segj_min_u64(count, size);
        crc = segj_checksum_continue(kind, crc, bytes, count);
        offset += count;
        size -= count;
    }
    return crc;
}

bool segj_salvage_input_is_zero(segj_salvage_input_t *input, uint64_t offset)
{
    while (offset < input->length) {
        size_t count;
        const uint8_t *bytes = segj_salvage_input_span(input, offset, 1, &count);
        if (bytes[0] != 0 || memcmp(bytes, bytes + 1, count - 1) != 0)
            return false;
        offset += count;
    }
    return true;
}
