/*
 * oversized/write/payload.h: values are compressed by the thread that appends them, before it takes the change lock, so
 * that others can append at the same time. Without locks.
 */
#ifndef SEGJ_OVERSIZED_WRITE_PAYLOAD_H
#define SEGJ_OVERSIZED_WRITE_PAYLOAD_H

#include "oversized/section/dictionary.h"

/** Which section payloads are for: a dictionary packs for those alone that have it. */
typedef struct segj_payload_for {
    bool packed;    /* with a dictionary: */
    bool exists;    /* that of the section that is there, */
    uint64_t salt;  /* whose files have this salt; */
    uint64_t stamp; /* or of one that will be made, with this stamp */
} segj_payload_for_t;

/** The payloads of the first `count` values of an append; those of a batch that are too many for that are compressed,
 *  so many at a time, under the change lock. */
typedef struct segj_payloads {
    segj_encoder_t *encoder; /* that holds those made last, or NULL: there are none */
    segj_slice_t *slices;    /* of a batch; else `one` */
    segj_slice_t one;
    size_t count;
    segj_payload_for_t made_for;
    segj_packing_t packing;
    segj_dictionary_t *dictionary; /* that it packs with, taken; NULL: none */
} segj_payloads_t;

/** Whether payloads of `made_for` are those of a section; NULL: of one that will be made. Under change. */
SEGJ_UNDER_CHANGE static inline bool segj_payload_fits(const oversized_t *journal, const segj_section_t *section,
                                                       segj_payload_for_t made_for)
{
    const segj_dictionary_t *next = journal->codec.dictionaries.next;
    if (section == NULL)
        return !made_for.exists && made_for.stamp == (next != NULL ? next->stamp : 0);
    if (section->values.dictionary.size == 0)
        return !made_for.packed;
    return made_for.packed &&
           (made_for.exists ? made_for.salt == section->values.salt : made_for.stamp == section->born_with);
}

/** Whether any value may have to be compressed. */
static inline bool segj_payloads_may_be(const oversized_t *journal)
{
    return journal->codec.level != 0 || journal->codec.mixed;
}

/** Compresses a value, if its section is one of compressed values, or will be. On failure there is nothing to free. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_LOCKS segj_status_t segj_payloads_make(segj_payloads_t *payloads, oversized_t *journal,
                                                                    uint64_t section, const segj_slice_t *pieces,
                                                                    size_t pieces_count, size_t size);
/** The same of several values. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_LOCKS segj_status_t segj_payloads_make_many(segj_payloads_t *payloads,
                                                                         oversized_t *journal, uint64_t section,
                                                                         const oversized_record_t *records,
                                                                         size_t count);
/** Compresses the next values of a batch; the payloads of those before are gone. */
SEGJ_MUST_CHECK segj_status_t segj_payloads_more(segj_payloads_t *payloads, const oversized_record_t *records,
                                                 size_t count);
SEGJ_WITHOUT_STATE void segj_payloads_free(segj_payloads_t *payloads, oversized_t *journal);

/** The payload of the value of this number, or NULL. */
static inline const segj_slice_t *segj_payloads_get(const segj_payloads_t *payloads, size_t number)
{
    if (number >= payloads->count)
        return NULL;
    return payloads->slices != NULL ? &payloads->slices[number] : &payloads->one;
}

#endif
