/*
 * oversized/tools/salvage_headers.c: see the header.
 */
#include "oversized/tools/salvage_headers.h"

#include <string.h>

#include "base/bytes.h"
#include "journal/commonware_format.h"

/* The first bytes of a file; *size: how many there are. */
static const uint8_t *seen_head(segj_salvage_input_t *input, size_t *size)
{
    *size = (size_t)segj_min_u64(input->length, SEGJ_BLOCK_SIZE);
    return *size > 0 ? segj_salvage_input_look(input, 0, *size) : NULL;
}

bool segj_salvage_headers_identity(const uint8_t *bytes, size_t size, segj_identity_t *identity)
{
    const char *why;
    return size >= 6 && size >= segj_identity_fields(bytes[5]) &&
           segj_identity_decode(bytes, segj_identity_fields(bytes[5]), identity, &why) == SEGJ_HEADER_VALID;
}

static bool same_guess(const segj_guess_t *a, const segj_guess_t *b)
{
    return a->version == b->version && a->binding == b->binding && a->page_size == b->page_size &&
           a->record_size == b->record_size && a->sector == b->sector && a->index_data == b->index_data &&
           a->values_data == b->values_data && segj_dictionary_same(a->dictionary, b->dictionary);
}

static void seen_add(segj_salvage_headers_t *seen, const segj_guess_t *guess)
{
    for (size_t i = 0; i < seen->count; i++)
        if (same_guess(&seen->guesses[i], guess))
            return;
    if (seen->count < SEGJ_GUESSES)
        seen->guesses[seen->count++] = *guess;
}

/* --- native --- */

/* What an identity makes the section, with its own number and with the one of its name. */
static void seen_add_identity(segj_salvage_headers_t *seen, const segj_guess_t *usual, uint64_t section,
                              const segj_identity_t *identity)
{
    segj_guess_t guess = *usual;
    seen->headers++;
    guess.version = identity->version;
    if (identity->page_size != 0) {
        guess.page_size = identity->page_size;
        guess.record_size = identity->record_size;
    }
    guess.dictionary = identity->dictionary;
    guess.sector = identity->sector;
    guess.index_data = segj_data_offset(SEGJ_KIND_INDEX, identity->dictionary);
    guess.values_data = segj_data_offset(SEGJ_KIND_VALUES, identity->dictionary);
    guess.binding = section ^ identity->salt;
    seen_add(seen, &guess);
    guess.binding = segj_binding(identity);
    seen_add(seen, &guess);
}

static void seen_read_native(segj_salvage_headers_t *seen, const segj_guess_t *usual, uint64_t section,
                             segj_salvage_input_t *index, segj_salvage_input_t *values)
{
    segj_identity_t identity;
    size_t size;
    const uint8_t *bytes = seen_head(index, &size);
    if (segj_salvage_headers_identity(bytes, size, &identity))
        seen_add_identity(seen, usual, section, &identity);
    bytes = seen_head(values, &size);
    if (segj_salvage_headers_identity(bytes, size, &identity)) {
        segj_guess_t guess = *usual;
        if (identity.version == 1 && seen->count > 0) /* the sizes are the index file's */
            guess = seen->guesses[0];
        seen_add_identity(seen, &guess, section, &identity);
        seen->tells_compression = identity.kind == SEGJ_KIND_VALUES;
        seen->compressed = identity.compressed;
    }
    seen_add(seen, usual); /* version 1 has no salt */
}

/* --- commonware --- */

/* Where the data of a file may begin. */
static size_t seen_commonware_data(segj_salvage_input_t *input, uint64_t data[2])
{
    size_t size;
    const char *why;
    const uint8_t *bytes = seen_head(input, &size);
    data[0] = SEGJ_COMMONWARE_V0_SIZE;
    data[1] = SEGJ_COMMONWARE_V1_SIZE;
    if (size == 0)
        return 1;
    return segj_commonware_decode(bytes, size, input->size, &data[0], &why) == SEGJ_HEADER_VALID ? 1 : 2;
}

static void seen_read_commonware(segj_salvage_headers_t *seen, const segj_guess_t *usual, segj_salvage_input_t *index,
                                 segj_salvage_input_t *values)
{
    uint64_t begins[2][2];
    size_t index_count = seen_commonware_data(index, begins[0]);
    size_t values_count = seen_commonware_data(values, begins[1]);
    for (size_t i = 0; i < index_count; i++)
        for (size_t j = 0; j < values_count; j++) {
            segj_guess_t guess = *usual;
            guess.index_data = begins[0][index_count == 1 ? 0 : i];
            guess.values_data = begins[1][values_count == 1 ? 0 : j];
            if (index_count == 2)
                guess.index_data = i == 0 ? SEGJ_COMMONWARE_V0_SIZE : SEGJ_COMMONWARE_V1_SIZE;
            if (values_count == 2)
                guess.values_data = j == 0 ? SEGJ_COMMONWARE_V0_SIZE : SEGJ_COMMONWARE_V1_SIZE;
            seen_add(seen, &guess);
        }
}

/* --- both --- */

void segj_salvage_headers_read(segj_salvage_headers_t *seen, const segj_sizes_found_t *sizes, uint64_t section,
                               segj_salvage_input_t *index, segj_salvage_input_t *values)
{
    bool native = sizes->format == SEGJ_FORMAT_NATIVE;
    const segj_guess_t usual = {.version = native ? 1 : 0,
                                .binding = section,
                                .page_size = sizes->page_size,
                                .record_size = sizes->entry_size + OVERSIZED_LOCATION_SIZE,
                                .index_data = SEGJ_INDEX_DATA_OFFSET,
                                .values_data = SEGJ_VALUES_DATA_OFFSET};
    *seen = (segj_salvage_headers_t){.tells_compression = !native, .compressed = sizes->compressed};
    if (native)
        seen_read_native(seen, &usual, section, index, values);
    else
        seen_read_commonware(seen, &usual, index, values);
    if (!seen->tells_compression && sizes->tells_compression) {
        seen->tells_compression = true;
        seen->compressed = sizes->compressed;
    }
}

void segj_salvage_headers_read_marks(segj_salvage_headers_marks_t *found, const segj_guess_t *guess,
                                     segj_salvage_input_t *index)
{
    *found = (segj_salvage_headers_marks_t){.counts = -1};
    for (unsigned i = 0; i < 2 && guess->version != 0; i++) {
        size_t size = segj_slot_size(guess->version);
        if (!segj_salvage_input_has(index, segj_mark_offset(i), size))
            continue;
        const uint8_t *bytes = segj_salvage_input_look(index, segj_mark_offset(i), size);
        found->marks[i] = guess->version == 2 ? segj_mark_decode_2(bytes, guess->binding, i)
                                              : segj_mark_decode(bytes, guess->binding);
        bool newer = found->counts < 0 || found->marks[i].sequence > found->marks[found->counts].sequence;
        if (found->marks[i].valid && newer)
            found->counts = (int)i;
    }
}
