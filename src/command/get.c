/*
 * command/get.c: `segj get`: the values of records, as they are unless it is asked otherwise, one after the other. A
 * value is read in pieces, so that none has to fit into memory; it is checked before its first byte is printed.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "command/command.h"

#define GET_PIECE ((size_t)192 << 10) /* a multiple of 3: pieces in base64 join */

static segj_status_t print_value(const options_t *options, oversized_reader_t *reader, uint8_t *piece)
{
    for (;;) {
        size_t done = 0;
        segj_status_t status = oversized_reader_read(reader, piece, GET_PIECE, &done);
        if (status != SEGJ_OK)
            return status == SEGJ_END ? SEGJ_OK : status;
        print_shown(piece, done, options->value);
    }
}

static segj_status_t get_one(const options_t *options, oversized_t *journal, uint64_t section, uint64_t position,
                             uint8_t *piece)
{
    oversized_location_t location;
    oversized_reader_t *reader = NULL;
    segj_status_t status = oversized_get(journal, section, position, NULL, &location);
    if (status != SEGJ_OK)
        return status;
    status = oversized_reader_open(journal, section, location, true, &reader);
    if (status == SEGJ_OK && options->value != SHOW_NONE)
        status = print_value(options, reader, piece);
    oversized_reader_close(reader);
    if (status == SEGJ_OK && options->value != SHOW_RAW && options->value != SHOW_NONE)
        print("\n");
    return status;
}

static answer_t get_all(const options_t *options, oversized_t *journal, const range_t *range, uint8_t *piece)
{
    uint64_t last = range->last;
    uint64_t count = 0;
    if (last == UINT64_MAX) { /* to the end */
        segj_status_t status = oversized_count(journal, range->section, &count);
        if (status != SEGJ_OK)
            return complain_of(options, status);
        last = count > range->first ? count - 1 : range->first;
    }
    for (uint64_t position = range->first; position <= last; position++) {
        segj_status_t status = get_one(options, journal, range->section, position, piece);
        if (status != SEGJ_OK)
            return complain_of(options, status);
    }
    return ANSWER_FINE;
}

answer_t command_get(const options_t *options)
{
    range_t range;
    oversized_t *journal = NULL;
    oversized_config_t config;
    if (!range_read(options->range, &range))
        return complain(ANSWER_USAGE, "no records are named by \"%s\": N, N:P, N:P-Q or N:P-", options->range);
    uint8_t *piece = malloc(GET_PIECE);
    if (piece == NULL)
        return complain(ANSWER_FAILED, "out of memory");
    answer_t answer = open_for_reading(options, &journal, &config);
    if (answer == ANSWER_FINE) {
        answer = get_all(options, journal, &range, piece);
        oversized_abandon(journal);
    }
    free(piece);
    return answer;
}
