/*
 * crash/application.h: an application that does short scripts of operations to a journal, and keeps account
 * (crash/model.h) of what it was told. Section 1 is the one that most is done to; others come by OP_APPEND_NEW.
 */
#ifndef CRASH_APPLICATION_H
#define CRASH_APPLICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crash/model.h"
#include "support/flush_order.h"

typedef enum operation {
    OP_APPEND,       /* a small value to section 1 */
    OP_APPEND_MANY,  /* four small values, so that records cross pages */
    OP_APPEND_LARGE, /* a value larger than the buffer */
    OP_SYNC,         /* of section 1 */
    OP_SYNC_ALL,     /* */
    OP_REWIND,       /* to one record less, and without later sections */
    OP_REWIND_HALF,  /* section 1 alone, to half its records */
    OP_PRUNE,        /* section 1 */
    OP_APPEND_NEW,   /* a small value to a section that does not exist */
    OP_REOPEN,       /* close and open */
    OP_FLUSH,        /* of section 1 */
    OPERATIONS
} operation_t;

typedef struct application {
    oversized_config_t config;
    oversized_t *journal; /* NULL: closed */
    model_t model;
    flush_order_t flushes; /* where there are two at a time */
} application_t;

const char *operation_name(operation_t operation);

/** Small buffers and few descriptors, so that little is enough to reach every path; strict, because a power cut
 *  never loses what was synced, so that W must never claim that it has. */
void application_init(application_t *application, segj_format_t format, uint16_t page_size, int compression,
                      const segj_storage_t *storage);
bool application_open(application_t *application);

/** False: *wrong says why. */
bool application_perform(application_t *application, operation_t operation, const char **wrong);

/** A small record more at the end of section 1, synced. */
bool application_go_on(application_t *application, const char **wrong);

#endif
