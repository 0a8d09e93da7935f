/*
 * journal/dictionary_file.c: see the header.
 */
#include "journal/dictionary_file.h"

#include "checksum/checksum.h"

segj_dictionary_id_t segj_dictionary_identify(const void *bytes, uint32_t size)
{
    return (segj_dictionary_id_t){size, size > 0 ? segj_crc32(0, bytes, size) : 0};
}

static uint64_t dictionary_place(segj_kind_t kind)
{
    return segj_data_offset(kind, (segj_dictionary_id_t){0, 0});
}

segj_status_t segj_dictionary_read(const segj_io_file_t *file, segj_kind_t kind, segj_dictionary_id_t dictionary,
                                   uint8_t *to, bool *right)
{
    size_t got = 0;
    segj_status_t status = segj_io_read(file, dictionary_place(kind), to, dictionary.size, &got);
    *right = status == SEGJ_OK && got == dictionary.size &&
             segj_dictionary_same(segj_dictionary_identify(to, dictionary.size), dictionary);
    return status;
}

segj_status_t segj_dictionary_write(const segj_io_file_t *file, segj_kind_t kind, const uint8_t *bytes, uint32_t size)
{
    static const uint8_t zeros[SEGJ_BLOCK_SIZE];
    uint64_t place = dictionary_place(kind);
    uint64_t end = segj_data_offset(kind, (segj_dictionary_id_t){size, 0});
    segj_slice_t slices[2] = {{bytes, size}, {zeros, (size_t)(end - place) - size}};
    return segj_io_write_slices(file, place, slices, slices[1].size > 0 ? 2 : 1);
}
