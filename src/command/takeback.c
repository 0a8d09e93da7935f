/*
 * command/takeback.c: `segj rewind`: the newest records are taken back. What would go is printed; it goes where --yes
 * was given, or where the user at a terminal says so.
 */
#include <inttypes.h>

#include "command/command.h"
#include "command/json.h"

/** What goes. */
typedef struct taken {
    uint64_t section, left;  /* that is cut, and the records that it keeps */
    uint64_t cut;            /* records of that section */
    uint64_t sections;       /* later ones */
    uint64_t records, bytes; /* of all these together; bytes of values as they are stored */
} taken_t;

/* Of the section that is cut. */
static segj_status_t measure_cut(oversized_t *journal, taken_t *taken)
{
    uint64_t count = 0;
    oversized_location_t location = {0};
    segj_status_t status = oversized_count(journal, taken->section, &count);
    if (status != SEGJ_OK || taken->left >= count)
        return status;
    taken->cut = taken->records = count - taken->left;
    status = oversized_get(journal, taken->section, taken->left, NULL, &location);
    if (status == SEGJ_OK)
        status = oversized_value_size(journal, taken->section, &taken->bytes);
    taken->bytes -= taken->bytes > location.offset ? location.offset : taken->bytes;
    return status;
}

static segj_status_t measure_later(oversized_t *journal, taken_t *taken)
{
    uint64_t section = taken->section;
    for (;;) {
        uint64_t records;
        uint64_t bytes;
        segj_status_t status = oversized_next_section(journal, section, &section);
        if (status == SEGJ_OK)
            status = oversized_count(journal, section, &records);
        if (status == SEGJ_OK)
            status = oversized_value_size(journal, section, &bytes);
        if (status != SEGJ_OK)
            return status == SEGJ_END ? SEGJ_OK : status;
        taken->sections++;
        taken->records += records;
        taken->bytes += bytes;
    }
}

static bool rewind_json(const options_t *options, const taken_t *taken, bool done)
{
    json_t *object = json_new();
    json_text(object, "directory", options->directory);
    json_flag(object, "rewound", done);
    json_number(object, "section", taken->section);
    json_number(object, "records_left", taken->left);
    json_number(object, "sections", taken->sections);
    json_number(object, "records", taken->records);
    json_number(object, "bytes", taken->bytes);
    return json_print(object);
}

static void rewind_text(const taken_t *taken, const char *how)
{
    if (taken->records == 0 && taken->sections == 0)
        print("nothing is to be taken back\n");
    else
        print("%" PRIu64 " records from %" PRIu64 ":%" PRIu64 " on, of these %" PRIu64 " in %" PRIu64
              " later sections, %s taken back: %" PRIu64 " bytes of values\n",
              taken->records, taken->section, taken->left, taken->records - taken->cut, taken->sections, how,
              taken->bytes);
}

/* A section that is not there, or has no such record, is refused by the library, before anything is asked. */
static segj_status_t check_place(oversized_t *journal, const taken_t *taken)
{
    uint64_t count = 0;
    bool exists = false;
    segj_status_t status = oversized_section_exists(journal, taken->section, &exists);
    if (status == SEGJ_OK && !exists)
        return oversized_get(journal, taken->section, 0, NULL, NULL);
    if (status == SEGJ_OK)
        status = oversized_count(journal, taken->section, &count);
    if (status == SEGJ_OK && taken->left > count)
        status = oversized_get(journal, taken->section, taken->left, NULL, NULL);
    return status;
}

static answer_t rewind_opened(const options_t *options, oversized_t *journal, taken_t *taken)
{
    segj_status_t status = check_place(journal, taken);
    if (status == SEGJ_OK)
        status = measure_cut(journal, taken);
    if (status == SEGJ_OK)
        status = measure_later(journal, taken);
    if (status != SEGJ_OK)
        return complain_of(options, status);
    bool any = taken->records > 0 || taken->sections > 0;
    bool agreed = !any || options->yes ||
                  is_agreed("Take back %" PRIu64 " records from %" PRIu64 ":%" PRIu64 " on, and %" PRIu64
                            " later sections, %" PRIu64 " bytes?",
                            taken->records, taken->section, taken->left, taken->sections, taken->bytes);
    if (agreed && any)
        status = oversized_rewind_to(journal, taken->section, taken->left);
    if (status != SEGJ_OK)
        return complain_of(options, status);
    if (options->json && !rewind_json(options, taken, agreed && any))
        return complain(ANSWER_FAILED, "out of memory");
    if (!options->json)
        rewind_text(taken, agreed ? "were" : "would be");
    return agreed ? ANSWER_FINE : complain(ANSWER_USAGE, "nothing was taken back: --yes does it");
}

answer_t command_rewind(const options_t *options)
{
    range_t range;
    taken_t taken = {.section = 0};
    oversized_t *journal = NULL;
    if (!range_read(options->range, &range) ||
        (range.last != range.first && !(range.first == 0 && range.last == UINT64_MAX)))
        return complain(ANSWER_USAGE, "\"%s\" is no place: N:P, or N", options->range);
    taken.section = range.section;
    taken.left = range.first;
    answer_t answer = open_for_writing(options, &journal);
    if (answer != ANSWER_FINE)
        return answer;
    answer = rewind_opened(options, journal, &taken);
    segj_status_t status = oversized_close(journal);
    return status != SEGJ_OK && answer == ANSWER_FINE ? complain_of(options, status) : answer;
}
