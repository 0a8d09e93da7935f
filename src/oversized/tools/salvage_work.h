/*
 * oversized/tools/salvage_work.h: what a salvage works with: the files of the section that it reads, and the journal
 * into which it puts what it finds. What is put there was verified before.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_SALVAGE_WORK_H
#define SEGJ_OVERSIZED_TOOLS_SALVAGE_WORK_H

#include "journal/header_format.h"
#include "oversized/section/codec.h"
#include "oversized/tools/salvage_input.h"
#include "oversized/tools/salvage_report.h"

/** How many values are looked at in a section of which no file tells whether they are compressed. */
#define SEGJ_SALVAGE_WORK_PROBES 16

/** A frame that lies within the values file. */
typedef struct segj_frame {
    uint64_t offset;  /* of the frame, in the data */
    uint64_t payload; /* of its payload */
    uint64_t size;    /* of the payload */
    segj_checksum_kind_t checksum;
    uint32_t begun; /* the checksum of what comes before the payload */
    bool followed;  /* and, in version 2, these bytes come after it */
    bool raw;       /* and, in version 2, it is the value as it is, though the section may be compressed */
    uint8_t after[4];
    bool mended; /* the trailer is damaged, and what follows says that it was this */
    uint32_t trailer;
} segj_frame_t;

typedef struct segj_salvage_work {
    oversized_t *made; /* the new journal */
    bool values_without_entries;
    segj_salvage_report_t report;
    segj_salvage_input_want_t want;
    segj_salvage_input_t index, values;
    bool compressed;
    /* Only looking: nothing is written or told, and SEGJ_END says that enough was seen. */
    bool probing;
    unsigned probes_wanted, probes, packed; /* frames that verify, and those of them that are zstd frames */
    segj_decoder_t *decoder;
    ZSTD_DDict *dictionary; /* of the section, or NULL; owned */
    bool dictionary_lost;   /* it has one, and that is damaged in both files */
    uint8_t *zeros;         /* an entry */
    uint8_t *entry;         /* the one that is being written */
    uint32_t entry_size;
    uint8_t *unpacked; /* SEGJ_SALVAGE_INPUT_WINDOW bytes */
    /* Progress. */
    uint64_t bytes_before, bytes_total; /* of the files of sections that are done, and of all */
    uint64_t told;                      /* time */
} segj_salvage_work_t;

/** Makes the memory. segj_salvage_work_free() ends it, after a failure too. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_work_init(segj_salvage_work_t *work);
/** Says how large entries are, once. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_work_set_entry(segj_salvage_work_t *work, uint32_t entry_size);
void segj_salvage_work_free(segj_salvage_work_t *work);

/** Takes the section's dictionary from whichever of its files has it; of a size of 0: it has none. The inputs have
 *  their data at 0. One that neither file has is noted. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_work_set_dictionary(segj_salvage_work_t *work,
                                                               segj_dictionary_id_t dictionary);

/** Whether a frame has the right checksum. `sum` may be NULL: what the checksum should be. */
bool segj_salvage_work_verify(segj_salvage_work_t *work, const segj_frame_t *frame, uint32_t *sum);

/**
 * Appends a record of a frame that was verified, or tells why its value does not unpack. entry: NULL for one that is
 * lost. `position`: in the source, or OVERSIZED_UNKNOWN. Failures are those of the new journal.
 */
SEGJ_MUST_CHECK segj_status_t segj_salvage_work_take(segj_salvage_work_t *work, const uint8_t *entry,
                                                     const segj_frame_t *frame, uint64_t position);

/** Tells of records that are lost: the thread's sentence says why. `offset` is in the data. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_work_lose(segj_salvage_work_t *work, uint64_t first, uint64_t last,
                                                     uint64_t offset, uint64_t bytes, segj_status_t why);

/** Tells of a record whose value was verified, and whose entry is lost; and writes it where that is wanted. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_work_half(segj_salvage_work_t *work, const segj_frame_t *frame,
                                                     uint64_t position);

/** Tells how far it is; `at` is in the values file. SEGJ_ERR_CANCELLED. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_work_progress(segj_salvage_work_t *work, uint64_t at, bool now);

#endif
