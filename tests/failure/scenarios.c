/*
 * failure/scenarios.c: see scenarios.h. Records have 20 bytes and pages 64: three records and a bit a page, and every
 * sixteenth record ends with its page. Index buffers hold two pages, value buffers 128 bytes.
 */
#include "failure/scenarios.h"

#include "support/wanted.h"

static void zeros_ahead(oversized_config_t *config)
{
    config->preallocate = 300;
}

static void kept_apart(oversized_config_t *config)
{
    config->native_version = 2;
    config->sector_size = 512;
    config->preallocate = 300;
}

static void zeros_ahead_four_descriptors(oversized_config_t *config)
{
    config->preallocate = 300;
    config->max_open_files = 4;
}

static void in_parallel(oversized_config_t *config)
{
    config->parallel_flush = true;
}

static void in_parallel_four_descriptors(oversized_config_t *config)
{
    config->parallel_flush = true;
    config->max_open_files = 4;
}

static void commonware_in_parallel(oversized_config_t *config)
{
    config->format = SEGJ_FORMAT_COMMONWARE;
    config->native_version = 0;
    config->parallel_flush = true;
}

static void four_descriptors(oversized_config_t *config)
{
    config->max_open_files = 4; /* one section at a time is written */
}

static void little_set_aside(oversized_config_t *config)
{
    config->quarantine = 300;
}

static void compressed(oversized_config_t *config)
{
    config->compression = 3;
}

static void compressed_and_kept(oversized_config_t *config)
{
    config->compression = 3;
    config->value_cache = 64 << 10;
}

/* Full buffers are written behind the appends. */
static void wanted(oversized_config_t *config)
{
    (void)config;
    gates_are_wanted = true;
}

static void wanted_of_version_2(oversized_config_t *config)
{
    config->native_version = 2;
    gates_are_wanted = true;
}

static void viewing(oversized_config_t *config)
{
    config->map_values = true;
    config->page_cache_pages = 1;
    config->max_open_files = 4;
}

static void little_memory(oversized_config_t *config)
{
    config->write_memory = 1200; /* the buffers of two sections are more than that */
    config->index_write_buffer = 2000;
    config->value_write_buffer = 2000;
}

static void commonware(oversized_config_t *config)
{
    config->format = SEGJ_FORMAT_COMMONWARE;
    config->native_version = 0;
}

static void commonware_that_cuts(oversized_config_t *config)
{
    config->format = SEGJ_FORMAT_COMMONWARE;
    config->native_version = 0;
    config->hole = OVERSIZED_HOLE_CUT;
}

static void commonware_archive(oversized_config_t *config)
{
    config->format = SEGJ_FORMAT_COMMONWARE;
    config->native_version = 0;
    config->counts_partition = "counts";
}

static void version_2(oversized_config_t *config)
{
    config->native_version = 2;
}

static void version_2_four_descriptors(oversized_config_t *config)
{
    config->native_version = 2;
    config->max_open_files = 4;
    config->page_cache_pages = 1;
}

static void version_2_compressed(oversized_config_t *config)
{
    config->native_version = 2;
    config->compression = 3;
}

static void dictionary(oversized_config_t *config)
{
    static const char words[] = "what many values of a journal have in common";
    config->native_version = 2;
    config->compression = 3;
    config->dictionary = words;
    config->dictionary_size = sizeof words;
}

static void one_page_cached(oversized_config_t *config)
{
    config->page_cache_pages = 1;
    config->max_open_files = 4;
}

#define OPEN                                                                                                           \
    {                                                                                                                  \
        .kind = DO_OPEN                                                                                                \
    }
#define CLOSE                                                                                                          \
    {                                                                                                                  \
        .kind = DO_CLOSE                                                                                               \
    }
#define ABANDON                                                                                                        \
    {                                                                                                                  \
        .kind = DO_ABANDON                                                                                             \
    }
#define APPEND(to, bytes, count)                                                                                       \
    {                                                                                                                  \
        .kind = DO_APPEND, .section = (to), .size = (bytes), .times = (count)                                          \
    }
#define SYNC(which)                                                                                                    \
    {                                                                                                                  \
        .kind = DO_SYNC, .section = (which)                                                                            \
    }
#define SYNC_ALL                                                                                                       \
    {                                                                                                                  \
        .kind = DO_SYNC_ALL                                                                                            \
    }
#define SYNC_SECTIONS(which)                                                                                           \
    {                                                                                                                  \
        .kind = DO_SYNC_SECTIONS, .section = (which)                                                                   \
    }
#define REWIND(which, records)                                                                                         \
    {                                                                                                                  \
        .kind = DO_REWIND, .section = (which), .size = (records)                                                       \
    }
#define READ                                                                                                           \
    {                                                                                                                  \
        .kind = DO_READ                                                                                                \
    }
#define REPLAY(from, record, ahead)                                                                                    \
    {                                                                                                                  \
        .kind = DO_REPLAY, .section = (from), .size = (record), .extra = (ahead)                                       \
    }
#define STEP_BACK(number, ahead)                                                                                       \
    {                                                                                                                  \
        .kind = DO_SCAN_BACK, .section = (number), .extra = (ahead)                                                    \
    }
#define SCAN(from, record, ahead)                                                                                      \
    {                                                                                                                  \
        .kind = DO_SCAN, .section = (from), .size = (record), .extra = (ahead)                                         \
    }
#define STEP(what, which, records)                                                                                     \
    {                                                                                                                  \
        .kind = (what), .section = (which), .size = (records)                                                          \
    }
#define RESTORE(from, which, records)                                                                                  \
    {                                                                                                                  \
        .kind = DO_OPEN_CHECKPOINT, .section = (which), .size = (records), .extra = (from)                             \
    }
#define PIECES(to, bytes, pieces)                                                                                      \
    {                                                                                                                  \
        .kind = DO_APPENDV, .section = (to), .size = (bytes), .extra = (pieces)                                        \
    }
#define BATCH(to, bytes, records)                                                                                      \
    {                                                                                                                  \
        .kind = DO_BATCH, .section = (to), .size = (bytes), .extra = (records)                                         \
    }
#define STREAM(to, bytes, piece)                                                                                       \
    {                                                                                                                  \
        .kind = DO_STREAM, .section = (to), .size = (bytes), .extra = (piece)                                          \
    }
/* Two sections with records that are synced and records that are not. */
#define TWO_SECTIONS OPEN, APPEND(1, 20, 5), APPEND(2, 30, 4), SYNC_ALL, APPEND(1, 20, 3), APPEND(2, 30, 2)

const scenario_t scenarios[] = {
    {"a new journal", NULL, {{0}}, {OPEN, CLOSE}},
    {"a new journal of which the values are there", NULL, {STEP(HARM_NO_INDEX, 0, 0)}, {OPEN, CLOSE}},
    {"a first append", NULL, {OPEN}, {APPEND(3, 20, 1), SYNC(3)}},
    {"a first append beyond the buffer", NULL, {OPEN, APPEND(1, 9, 1)}, {APPEND(3, 500, 1), SYNC(3)}},
    {"appends across pages", NULL, {OPEN, APPEND(1, 20, 2), SYNC(1)}, {APPEND(1, 20, 30)}},
    {"appends beyond the buffer",
     NULL,
     {OPEN, APPEND(1, 20, 2), SYNC(1), APPEND(1, 20, 1)},
     {APPEND(1, 300, 2), APPEND(1, 0, 1), APPEND(1, 20, 1), APPEND(1, 400, 1)}},
    {"full buffers written behind appends",
     wanted,
     {OPEN, APPEND(1, 20, 2), SYNC(1), APPEND(1, 20, 1)},
     {APPEND(1, 60, 7), APPEND(1, 60, 3), SYNC(1), APPEND(1, 60, 5)}},
    {"full buffers written behind appends in version 2",
     wanted_of_version_2,
     {OPEN, APPEND(1, 20, 2), SYNC(1), APPEND(1, 20, 1)},
     {APPEND(1, 60, 7), SYNC(1), APPEND(1, 60, 5), CLOSE}},
    {"compressed appends",
     compressed,
     {OPEN, APPEND(1, 20, 2), SYNC(1)},
     {APPEND(1, 30, 5), APPEND(2, 30, 1), APPEND(1, 300, 2), READ, SYNC_ALL, READ}},
    {"a first compressed append", compressed, {OPEN}, {APPEND(1, 300, 1), READ}},
    {"an append after a torn one",
     NULL,
     {OPEN, APPEND(1, 20, 2), SYNC(1), APPEND(1, 20, 1), STEP(DO_TEAR, 1, 300)},
     {APPEND(1, 300, 1), APPEND(1, 20, 1), SYNC(1)}},
    {"a close after a torn append",
     NULL,
     {OPEN, APPEND(1, 20, 2), SYNC(1), APPEND(1, 20, 1), STEP(DO_TEAR, 1, 900)},
     {CLOSE}},
    {"values in pieces",
     NULL,
     {OPEN, APPEND(1, 20, 2), SYNC(1), APPEND(1, 20, 1)},
     {PIECES(1, 50, 3), PIECES(1, 400, 2), PIECES(1, 700, 40), PIECES(2, 0, 1), SYNC(1)}},
    {"compressed values in pieces",
     compressed,
     {OPEN, APPEND(1, 20, 1)},
     {PIECES(1, 300, 5), PIECES(2, 20, 2), SYNC(1)}},
    {"batches", NULL, {OPEN, APPEND(1, 20, 2), SYNC(1)}, {BATCH(1, 10, 4), BATCH(1, 60, 6), BATCH(1, 10, 16), SYNC(1)}},
    {"a batch beyond the buffers",
     NULL,
     {OPEN, APPEND(1, 20, 2), SYNC(1), APPEND(1, 20, 1)},
     {BATCH(1, 125, 5), APPEND(1, 20, 1), BATCH(1, 300, 3)}},
    {"compressed batches", compressed, {OPEN, APPEND(1, 20, 2), SYNC(1)}, {BATCH(1, 300, 6), BATCH(2, 30, 3), SYNC(1)}},
    {"a first batch", four_descriptors, {OPEN, APPEND(1, 20, 1)}, {BATCH(3, 100, 5), BATCH(1, 20, 2), SYNC(3)}},
    {"a value streamed in",
     NULL,
     {OPEN, APPEND(1, 20, 2), SYNC(1), APPEND(1, 20, 1)},
     {STREAM(1, 90, 40), APPEND(1, 20, 1), STREAM(1, 600000, 250000), SYNC(1)}},
    {"a section that begins with a streamed value",
     four_descriptors,
     {OPEN, APPEND(1, 20, 1)},
     {STREAM(3, 30, 7), SYNC(3)}},
    {"a compressed value streamed in",
     compressed,
     {OPEN, APPEND(1, 20, 2), SYNC(1)},
     {STREAM(1, 600000, 200000), STREAM(2, 0, 1), SYNC_ALL}},
    {"a value streamed in after a torn append",
     NULL,
     {OPEN, APPEND(1, 20, 2), SYNC(1), APPEND(1, 20, 1), STEP(DO_TEAR, 1, 300)},
     {STREAM(1, 300, 100), SYNC(1)}},
    {"appends to idle sections",
     NULL,
     {OPEN, APPEND(1, 20, 5), APPEND(2, 20, 16), CLOSE, OPEN},
     {APPEND(1, 20, 1), APPEND(2, 20, 1), SYNC_ALL}},
    {"appends with few descriptors",
     four_descriptors,
     {OPEN, APPEND(1, 20, 3)},
     {APPEND(2, 20, 2), APPEND(1, 20, 1), APPEND(3, 300, 1), APPEND(2, 20, 1)}},
    {"appends with little write memory",
     little_memory,
     {OPEN, APPEND(1, 20, 3), APPEND(2, 20, 3), APPEND(3, 20, 1), SYNC(2)},
     {APPEND(1, 20, 2), APPEND(2, 20, 2), APPEND(3, 20, 2)}},
    {"syncs", NULL, {OPEN, APPEND(1, 20, 4)}, {SYNC(1), APPEND(1, 20, 9), SYNC(1), SYNC(1)}},
    {"a sync that was started",
     NULL,
     {OPEN, APPEND(1, 20, 4)},
     {STEP(DO_SYNC_START, 1, 0), APPEND(1, 20, 9), STEP(DO_SYNC_WAIT, 1, 0), STEP(DO_SYNC_START, 1, 0),
      STEP(DO_SYNC_WAIT, 1, 0)}},
    {"flushes",
     NULL,
     {OPEN, APPEND(1, 20, 4), SYNC(1)},
     {APPEND(1, 20, 2), STEP(DO_FLUSH, 1, 0), APPEND(1, 20, 9), STEP(DO_FLUSH, 1, 0), APPEND(1, 300, 1),
      STEP(DO_FLUSH, 1, 0), STEP(DO_FLUSH, 1, 0), SYNC(1)}},
    {"a flush of a new section",
     NULL,
     {OPEN},
     {APPEND(2, 20, 3), STEP(DO_FLUSH, 2, 0), APPEND(2, 20, 1), STEP(DO_FLUSH, 2, 0), SYNC(2)}},
    {"commonware: flushes",
     commonware,
     {OPEN, APPEND(1, 20, 4), SYNC(1)},
     {APPEND(1, 20, 2), STEP(DO_FLUSH, 1, 0), APPEND(1, 20, 9), STEP(DO_FLUSH, 1, 0), SYNC(1)}},
    {"rewinds over records that no sync has covered",
     NULL,
     {OPEN, APPEND(1, 20, 20), SYNC(1), APPEND(1, 20, 9)},
     {STEP(DO_REWIND_SECTION, 1, 20), APPEND(1, 300, 1), STEP(DO_FLUSH, 1, 0), APPEND(1, 20, 3),
      STEP(DO_REWIND_SECTION, 1, 7), SYNC(1)}},
    {"a rewind over records of several sections",
     four_descriptors,
     {OPEN, APPEND(1, 20, 5), SYNC(1), APPEND(2, 20, 2), APPEND(3, 20, 1)},
     {REWIND(1, 3), APPEND(1, 20, 2), REWIND(1, 3)}},
    {"commonware: rewinds over records that no sync has covered",
     commonware,
     {OPEN, APPEND(1, 20, 20), SYNC(1), APPEND(1, 20, 9)},
     {STEP(DO_REWIND_SECTION, 1, 20), APPEND(1, 20, 3), STEP(DO_REWIND_SECTION, 1, 7), SYNC(1)}},
    {"a sync that was started for a new section",
     NULL,
     {OPEN},
     {APPEND(2, 300, 1), APPEND(2, 20, 1), STEP(DO_SYNC_START, 2, 0), STEP(DO_SYNC_WAIT, 2, 0)}},
    {"a sync that raises the watermark",
     NULL,
     {OPEN, APPEND(1, 20, 1), SYNC(1), APPEND(1, 1100000, 1)},
     {SYNC(1), APPEND(1, 20, 1), SYNC(1)}},
    {"syncs with zeros kept ahead",
     zeros_ahead,
     {OPEN, APPEND(1, 20, 4), SYNC(1)},
     {APPEND(1, 20, 1), SYNC(1), APPEND(1, 20, 20), SYNC(1), CLOSE}},
    {"a section that rests with zeros kept ahead",
     zeros_ahead_four_descriptors,
     {OPEN, APPEND(1, 20, 4), SYNC(1), APPEND(1, 20, 1), SYNC(1)},
     {APPEND(2, 20, 1), SYNC(2), APPEND(1, 20, 1), SYNC(1)}},
    {"syncs that flush both files at once",
     in_parallel,
     {OPEN, APPEND(1, 20, 4)},
     {SYNC(1), APPEND(1, 20, 9), APPEND(2, 300, 1), SYNC_ALL, APPEND(1, 1100000, 1), SYNC(1), CLOSE}},
    {"a rewind that begins by flushing both files at once",
     in_parallel,
     {OPEN, APPEND(1, 20, 9)},
     {REWIND(1, 5), APPEND(1, 20, 1), SYNC(1)}},
    {"a section that rests by flushing both files at once",
     in_parallel_four_descriptors,
     {OPEN, APPEND(1, 20, 4), SYNC(1), APPEND(1, 20, 1)},
     {APPEND(2, 20, 1), APPEND(1, 20, 1), SYNC(1)}},
    {"a sync of all", NULL, {TWO_SECTIONS, APPEND(4, 300, 1)}, {SYNC_ALL}},
    {"a sync of two sections", NULL, {TWO_SECTIONS, APPEND(4, 300, 1)}, {SYNC_SECTIONS(1)}},
    {"a close", NULL, {TWO_SECTIONS}, {CLOSE}},
    {"a clean open", NULL, {TWO_SECTIONS, CLOSE}, {OPEN}},
    {"an open with any page size", NULL, {TWO_SECTIONS, CLOSE}, {{.kind = DO_OPEN_ANY_PAGE_SIZE}, APPEND(1, 20, 1)}},
    {"an open read only", NULL, {TWO_SECTIONS, ABANDON}, {{.kind = DO_OPEN_READ_ONLY}, READ, CLOSE}},
    {"an open after a kill", NULL, {TWO_SECTIONS, APPEND(1, 20, 20), APPEND(5, 20, 1), ABANDON}, {OPEN}},
    {"an open after a kill behind a close",
     NULL,
     {TWO_SECTIONS, CLOSE, OPEN, APPEND(1, 20, 9), SYNC(1), ABANDON},
     {OPEN}},
    {"an open that cuts",
     NULL,
     {TWO_SECTIONS, SYNC_ALL, APPEND(1, 20, 20), ABANDON, STEP(HARM_JUNK, 1, 0), STEP(HARM_VALUES, 2, 5)},
     {OPEN}},
    {"an open that lost synced records",
     NULL,
     {TWO_SECTIONS, CLOSE, STEP(HARM_VALUES, 1, 7)},
     {OPEN, APPEND(1, 20, 1), SYNC(1)}},
    {"an open of which little can be set aside",
     little_set_aside,
     {TWO_SECTIONS, CLOSE, STEP(HARM_VALUES, 1, 7), OPEN, STEP(DO_ACKNOWLEDGE, 0, 0), CLOSE,
      STEP(HARM_VALUES_HEADER, 2, 0)},
     {OPEN, APPEND(2, 20, 1), SYNC(2)}},
    {"losses that are acknowledged and discarded",
     NULL,
     {TWO_SECTIONS, CLOSE, STEP(HARM_VALUES, 1, 7), STEP(HARM_VALUES_HEADER, 2, 0), OPEN},
     {STEP(DO_ACKNOWLEDGE, 0, 0), STEP(DO_DISCARD, 0, 0)}},
    {"what was set aside of two losses, of which one is acknowledged, is discarded",
     NULL,
     {TWO_SECTIONS, CLOSE, STEP(HARM_VALUES, 1, 7), OPEN, STEP(DO_ACKNOWLEDGE, 0, 0), CLOSE,
      STEP(HARM_VALUES_HEADER, 2, 0), OPEN},
     {STEP(DO_DISCARD, 0, 0), STEP(DO_ACKNOWLEDGE, 0, 0)}},
    {"a destroy of what was set aside too",
     NULL,
     {TWO_SECTIONS, CLOSE, STEP(HARM_VALUES, 1, 7), OPEN},
     {STEP(DO_DESTROY, 0, 0)}},
    {"an open without a values file",
     NULL,
     {OPEN, APPEND(1, 20, 4), APPEND(2, 20, 1), SYNC_ALL, REWIND(2, 0), CLOSE, STEP(HARM_NO_VALUES, 2, 0)},
     {OPEN, APPEND(2, 20, 1)}},
    {"an open that makes a header whole",
     NULL,
     {OPEN, APPEND(1, 20, 4), APPEND(2, 20, 1), SYNC_ALL, REWIND(2, 0), CLOSE, STEP(HARM_HEADER, 2, 8000)},
     {OPEN, APPEND(2, 20, 1), SYNC(2)}},
    {"a new section behind a clean open",
     NULL,
     {TWO_SECTIONS, CLOSE, OPEN},
     {APPEND(3, 20, 2), SYNC(3), APPEND(4, 20, 1), SYNC(4)}},
    {"an open with orphans", NULL, {TWO_SECTIONS, CLOSE, STEP(HARM_ORPHAN, 0, 0), STEP(HARM_ORPHAN, 6, 0)}, {OPEN}},
    {"an open to a checkpoint",
     NULL,
     {OPEN, APPEND(1, 20, 2), APPEND(2, 20, 3), APPEND(3, 20, 9), SYNC_ALL, APPEND(3, 20, 8), APPEND(4, 20, 2), CLOSE},
     {RESTORE(2, 3, 8)}},
    {"an open to a checkpoint above zeros that were kept ahead",
     zeros_ahead,
     {OPEN, APPEND(2, 20, 3), SYNC(2), APPEND(2, 20, 1), SYNC(2), APPEND(3, 20, 9), SYNC(3), ABANDON},
     {RESTORE(2, 3, 8)}},
    {"reads with few descriptors",
     one_page_cached,
     {OPEN, APPEND(1, 20, 9), APPEND(2, 300, 2), APPEND(3, 20, 1), APPEND(4, 20, 1), CLOSE, OPEN},
     {READ}},
    {"reads of what is being written", one_page_cached, {OPEN, APPEND(1, 20, 20), SYNC(1), APPEND(1, 20, 9)}, {READ}},
    {"compressed reads", compressed, {OPEN, APPEND(1, 20, 3), APPEND(2, 300, 2), CLOSE, OPEN}, {READ}},
    {"compressed reads of values that are kept",
     compressed_and_kept,
     {OPEN, APPEND(1, 20, 3), APPEND(2, 300, 2), CLOSE},
     {OPEN, APPEND(1, 20, 2), READ, READ}},
    {"a replay",
     one_page_cached,
     {OPEN, APPEND(1, 20, 17), APPEND(2, 20, 5), CLOSE, OPEN, APPEND(2, 20, 9)},
     {REPLAY(1, 2, 160), REPLAY(0, 0, 0)}},
    {"a scan of values",
     one_page_cached,
     {OPEN, APPEND(1, 20, 17), APPEND(2, 300, 5), CLOSE, OPEN, APPEND(2, 20, 9)},
     {SCAN(1, 0, 160), SCAN(0, 0, 0)}},
    {"a scan of compressed values",
     compressed,
     {OPEN, APPEND(1, 20, 9), APPEND(2, 300, 3), CLOSE, OPEN},
     {SCAN(0, 0, 100)}},
    {"a scan backwards",
     one_page_cached,
     {OPEN, APPEND(1, 20, 17), APPEND(2, 300, 5), CLOSE, OPEN, APPEND(2, 20, 9)},
     {STEP_BACK(2, 160), STEP_BACK(2, 0), STEP_BACK(2, 4000)}},
    {"a scan of compressed values backwards",
     compressed,
     {OPEN, APPEND(1, 20, 9), APPEND(2, 300, 3), CLOSE, OPEN},
     {STEP_BACK(2, 100)}},
    {"many values at once",
     one_page_cached,
     {OPEN, APPEND(1, 20, 17), APPEND(2, 300, 5), CLOSE, OPEN, APPEND(2, 20, 9)},
     {{.kind = DO_READ_TOGETHER}}},
    {"many compressed values at once",
     compressed,
     {OPEN, APPEND(1, 20, 9), APPEND(2, 300, 3), CLOSE, OPEN},
     {{.kind = DO_READ_TOGETHER}}},
    {"values in pieces",
     one_page_cached,
     {OPEN, APPEND(1, 20, 4), APPEND(2, 700, 2), APPEND(3, 0, 1), CLOSE, OPEN, APPEND(2, 20, 2)},
     {{.kind = DO_READ_IN_PIECES, .size = 300}, {.kind = DO_READ_IN_PIECES, .size = 1000, .extra = 1}}},
    {"compressed values in pieces",
     compressed,
     {OPEN, APPEND(1, 20, 4), APPEND(2, 700, 2), APPEND(3, 0, 1), CLOSE, OPEN},
     {{.kind = DO_READ_IN_PIECES, .size = 300}, {.kind = DO_READ_IN_PIECES, .size = 1000, .extra = 1}}},
    {"views",
     viewing,
     {OPEN, APPEND(1, 20, 17), APPEND(2, 300, 5), CLOSE, OPEN, APPEND(2, 20, 9)},
     {{.kind = DO_VIEW}, REWIND(2, 3), APPEND(2, 20, 1), {.kind = DO_VIEW}}},
    {"compressed views", compressed, {OPEN, APPEND(1, 20, 3), APPEND(2, 300, 2), CLOSE, OPEN}, {{.kind = DO_VIEW}}},
    {"a prune",
     NULL,
     {OPEN, APPEND(1, 20, 2), APPEND(2, 20, 3), APPEND(3, 20, 4), SYNC_ALL, APPEND(2, 20, 3), APPEND(4, 20, 2)},
     {STEP(DO_PRUNE, 3, 0), APPEND(3, 20, 1)}},
    {"a rewind within a page", NULL, {OPEN, APPEND(1, 20, 9), SYNC(1)}, {REWIND(1, 5), APPEND(1, 20, 1), SYNC(1)}},
    {"a rewind to the end of a page",
     NULL,
     {OPEN, APPEND(1, 20, 21), SYNC(1), APPEND(1, 20, 1)},
     {REWIND(1, 16), APPEND(1, 20, 1)}},
    {"a rewind to nothing", NULL, {OPEN, APPEND(1, 20, 4), SYNC(1)}, {REWIND(1, 0), APPEND(1, 20, 1)}},
    {"a rewind of what was never synced",
     NULL,
     {OPEN, APPEND(1, 20, 9), APPEND(2, 20, 2)},
     {STEP(DO_REWIND_SECTION, 1, 4), APPEND(1, 20, 2), SYNC(1)}},
    {"a rewind of an idle section",
     NULL,
     {OPEN, APPEND(1, 20, 9), CLOSE, OPEN},
     {STEP(DO_REWIND_SECTION, 1, 7), APPEND(1, 20, 2)}},
    {"a rewind with later sections",
     NULL,
     {TWO_SECTIONS, APPEND(4, 20, 1), SYNC(4)},
     {REWIND(1, 3), APPEND(2, 20, 1), APPEND(1, 20, 1)}},
    {"a rewind of a section that does not exist", NULL, {TWO_SECTIONS}, {REWIND(0, 0), APPEND(1, 20, 1)}},
    {"a destroy", NULL, {TWO_SECTIONS}, {{.kind = DO_DESTROY}}},
    {"version 2: a first append",
     version_2,
     {OPEN},
     {APPEND(3, 20, 1), SYNC(3), APPEND(3, 500, 1), APPEND(3, 20, 30), SYNC(3), CLOSE}},
    {"version 2: batches and a streamed value",
     version_2,
     {OPEN, APPEND(1, 20, 2), SYNC(1)},
     {BATCH(1, 10, 4), BATCH(1, 125, 5), STREAM(1, 90, 40), PIECES(1, 700, 40), SYNC(1), STREAM(2, 600000, 250000),
      SYNC_ALL}},
    {"version 2: values that are kept apart",
     kept_apart,
     {OPEN, APPEND(1, 20, 2), SYNC(1)},
     {APPEND(1, 20, 1), SYNC(1), BATCH(1, 10, 4), SYNC(1), STREAM(1, 90, 40), SYNC(1), APPEND(1, 500, 1), SYNC_ALL}},
    {"version 2: a rewind of values that are kept apart",
     kept_apart,
     {OPEN, APPEND(1, 20, 4), SYNC(1), APPEND(1, 20, 4), SYNC(1)},
     {REWIND(1, 6), APPEND(1, 20, 1), SYNC(1), REWIND(1, 2)}},
    {"version 2: a clean open of values that are kept apart",
     kept_apart,
     {OPEN, APPEND(1, 20, 4), SYNC(1), CLOSE},
     {OPEN, APPEND(1, 20, 1), SYNC(1)}},
    {"version 2: an open after a kill, of values that are kept apart",
     kept_apart,
     {OPEN, APPEND(1, 20, 4), SYNC(1), APPEND(1, 20, 9), ABANDON},
     {OPEN, APPEND(1, 20, 1), SYNC(1)}},
    {"version 2: a read-only open of values that are kept apart",
     kept_apart,
     {OPEN, APPEND(1, 20, 4), SYNC(1), APPEND(1, 20, 4), SYNC(1), APPEND(1, 20, 1), ABANDON},
     {{.kind = DO_OPEN_READ_ONLY}, READ, CLOSE}},
    {"version 2: a copy of values that are kept apart",
     kept_apart,
     {OPEN, APPEND(1, 20, 4), SYNC(1)},
     {STEP(DO_COPY, 0, 0)}},
    {"version 2: compressed values",
     version_2_compressed,
     {OPEN, APPEND(1, 20, 2), SYNC(1)},
     {APPEND(1, 300, 3), STREAM(1, 600000, 200000), READ, SYNC_ALL, SCAN(0, 0, 100)}},
    {"version 2: an append after a torn one",
     version_2,
     {OPEN, APPEND(1, 20, 2), SYNC(1), APPEND(1, 20, 1), STEP(DO_TEAR, 1, 300)},
     {APPEND(1, 300, 1), APPEND(1, 20, 1), SYNC(1)}},
    {"version 2: a sync which the index follows",
     version_2,
     {OPEN, APPEND(1, 20, 1), SYNC(1), APPEND(1, 4300000, 1)},
     {SYNC(1), APPEND(1, 20, 1), SYNC(1), CLOSE}},
    {"version 2: sections that rest",
     version_2_four_descriptors,
     {OPEN, APPEND(1, 20, 5), SYNC(1)},
     {APPEND(2, 20, 2), APPEND(1, 20, 1), APPEND(3, 300, 1), APPEND(2, 20, 1), READ, SYNC_ALL}},
    {"version 2: a flush", version_2, {OPEN, APPEND(1, 20, 4), SYNC(1)}, {APPEND(1, 20, 9), STEP(DO_FLUSH, 1, 0)}},
    {"version 2: a clean open", version_2, {TWO_SECTIONS, CLOSE}, {OPEN, APPEND(1, 20, 1), SYNC(1)}},
    {"version 2: an open read only",
     version_2_four_descriptors,
     {OPEN, APPEND(1, 20, 20), SYNC(1), ABANDON},
     {{.kind = DO_OPEN_READ_ONLY}, READ, SCAN(0, 0, 160), CLOSE}},
    {"version 2: an open after a kill",
     version_2,
     {TWO_SECTIONS, CLOSE, OPEN, APPEND(1, 20, 20), APPEND(5, 20, 1), SYNC(1), ABANDON},
     {OPEN, APPEND(1, 20, 1), SYNC(1)}},
    {"version 2: an open that cuts", version_2, {TWO_SECTIONS, SYNC_ALL, CLOSE, STEP(HARM_JUNK, 1, 0)}, {OPEN}},
    {"version 2: an open without a values file",
     version_2,
     {OPEN, APPEND(1, 20, 4), APPEND(2, 20, 1), SYNC_ALL, REWIND(2, 0), CLOSE, STEP(HARM_NO_VALUES, 2, 0)},
     {OPEN, APPEND(2, 20, 1)}},
    {"version 2: an open that makes a header whole",
     version_2,
     {OPEN, APPEND(1, 20, 4), APPEND(2, 20, 1), SYNC_ALL, REWIND(2, 0), CLOSE, STEP(HARM_HEADER, 2, 12000)},
     {OPEN, APPEND(2, 20, 1), SYNC(2)}},
    {"version 2: an open to a checkpoint",
     version_2,
     {OPEN, APPEND(1, 20, 2), APPEND(2, 20, 3), BATCH(3, 20, 9), SYNC_ALL, ABANDON},
     {RESTORE(2, 3, 5)}},
    {"version 2: rewinds",
     version_2,
     {OPEN, APPEND(1, 20, 20), SYNC(1), BATCH(1, 20, 4), APPEND(1, 20, 5)},
     {STEP(DO_REWIND_SECTION, 1, 26), STEP(DO_REWIND_SECTION, 1, 22), APPEND(1, 300, 1), STEP(DO_REWIND_SECTION, 1, 7),
      APPEND(1, 20, 1), SYNC(1), REWIND(1, 0)}},
    {"version 2: a rewind of an idle section",
     version_2,
     {OPEN, APPEND(1, 20, 9), CLOSE, OPEN},
     {STEP(DO_REWIND_SECTION, 1, 2), APPEND(1, 20, 2), READ}},
    {"version 2: reads of long values",
     version_2_four_descriptors,
     {OPEN, APPEND(1, 40000, 2), APPEND(2, 20, 1), CLOSE, OPEN},
     {READ}},
    {"version 2: an open that finds a page of the index damaged",
     version_2,
     {OPEN, APPEND(1, 20, 12), SYNC(1), CLOSE, STEP(HARM_HEADER, 1, 30)},
     {OPEN, APPEND(1, 20, 1)}},
    {"version 2: an open that makes an index file again",
     version_2,
     {OPEN, APPEND(1, 20, 12), APPEND(2, 20, 5), SYNC_ALL, CLOSE, STEP(HARM_INDEX, 1, 0)},
     {OPEN, READ, APPEND(1, 20, 1), SYNC(1)}},
    {"version 2: an open behind a removal that was cut off",
     version_2,
     {OPEN, APPEND(1, 20, 12), APPEND(2, 20, 5), SYNC_ALL, CLOSE, STEP(HARM_REMOVAL, 1, 0)},
     {OPEN, READ, STEP(DO_PRUNE, 3, 0), APPEND(3, 20, 1), SYNC(3)}},
    {"a dictionary: a new journal",
     dictionary,
     {{0}},
     {OPEN, APPEND(1, 200, 3), SYNC(1), STREAM(1, 300, 100), BATCH(2, 100, 3), STREAM(3, 200, 100), SYNC(2), SYNC(3),
      READ, CLOSE}},
    {"a dictionary: sections that are read and woken",
     dictionary,
     {OPEN, APPEND(1, 200, 5), APPEND(2, 200, 2), STREAM(3, 300, 100), CLOSE, OPEN},
     {READ, STEP(DO_READ_IN_PIECES, 3, 100), SCAN(0, 0, 1000), STREAM(3, 200, 50), APPEND(1, 200, 1),
      STEP(DO_READ_TOGETHER, 1, 0), APPEND(2, 200, 1), SYNC_ALL, READ}},
    {"a dictionary: sections that are written to first",
     dictionary,
     {OPEN, APPEND(1, 200, 5), STREAM(3, 300, 100), CLOSE, OPEN},
     {STREAM(3, 200, 50), APPEND(1, 200, 1), SYNC_ALL}},
    {"a dictionary: a batch wakes its section", dictionary, {OPEN, APPEND(1, 200, 5), CLOSE, OPEN}, {BATCH(1, 200, 4)}},
    {"a dictionary: the values file's is damaged",
     dictionary,
     {OPEN, APPEND(1, 200, 5), SYNC(1), CLOSE, {.kind = HARM_DICTIONARY, .section = 1, .extra = 1}},
     {OPEN, READ, APPEND(1, 200, 1), SYNC(1)}},
    {"a dictionary: the index file's is damaged",
     dictionary,
     {OPEN, APPEND(1, 200, 5), SYNC(1), CLOSE, {.kind = HARM_DICTIONARY, .section = 1, .extra = 2}},
     {OPEN, READ, APPEND(1, 200, 1), SYNC(1)}},
    {"a dictionary: an open after a kill",
     dictionary,
     {OPEN, APPEND(1, 200, 5), APPEND(2, 20, 1), ABANDON},
     {OPEN, READ, APPEND(1, 200, 1), APPEND(2, 200, 1), SYNC_ALL}},
    {"a dictionary: an open after a creation that was cut off",
     dictionary,
     {OPEN, APPEND(1, 20, 1), ABANDON, STEP(HARM_CREATION, 1, 0)},
     {OPEN, APPEND(1, 200, 2), SYNC(1), READ}},
    {"a dictionary: a copy and a look at everything",
     dictionary,
     {OPEN, APPEND(1, 200, 5), SYNC(1), CLOSE, OPEN},
     {STEP(DO_COPY, 0, 0), STEP(DO_VERIFY, 0, 0), STEP(DO_SALVAGE, 0, 0), STEP(DO_COPY, 0, 0)}},
    {"commonware: a new journal",
     commonware,
     {{0}},
     {OPEN, APPEND(1, 20, 5), SYNC(1), APPEND(1, 300, 2), BATCH(2, 30, 4), CLOSE}},
    {"commonware: syncs that flush both files at once",
     commonware_in_parallel,
     {OPEN, APPEND(1, 20, 4)},
     {SYNC(1), APPEND(1, 20, 9), APPEND(2, 300, 1), SYNC_ALL, CLOSE}},
    {"commonware: a clean open", commonware, {TWO_SECTIONS, CLOSE}, {OPEN, APPEND(1, 20, 1), SYNC(1)}},
    {"commonware: an open after a kill",
     commonware,
     {TWO_SECTIONS, APPEND(3, 20, 20), ABANDON},
     {OPEN, APPEND(1, 20, 1), REWIND(2, 1), APPEND(3, 20, 1), SYNC_ALL}},
    {"commonware: an open that cuts",
     commonware,
     {TWO_SECTIONS, SYNC_ALL, APPEND(1, 20, 20), ABANDON, STEP(HARM_JUNK, 1, 0), STEP(HARM_VALUES, 2, 5)},
     {OPEN}},
    {"an inspection",
     NULL,
     {TWO_SECTIONS, SYNC_ALL, APPEND(1, 20, 20), ABANDON, STEP(HARM_ORPHAN, 5, 0), STEP(HARM_JUNK, 2, 0)},
     {STEP(DO_INSPECT, 0, 0)}},
    {"a verification",
     one_page_cached,
     {TWO_SECTIONS, SYNC_ALL, APPEND(1, 20, 40), APPEND(3, 500, 3), SYNC_ALL, APPEND(1, 20, 1), CLOSE, OPEN},
     {STEP(DO_VERIFY, 0, 0)}},
    {"version 2: a verification", version_2, {TWO_SECTIONS, CLOSE, OPEN}, {STEP(DO_VERIFY, 0, 0)}},
    {"a verification of compressed values", compressed, {TWO_SECTIONS, CLOSE, OPEN}, {STEP(DO_VERIFY, 0, 0)}},
    {"a copy",
     four_descriptors,
     {TWO_SECTIONS, SYNC_ALL, APPEND(1, 20, 40), APPEND(3, 500, 3), SYNC_ALL},
     {STEP(DO_COPY, 0, 0)}},
    {"a copy of sections at rest",
     one_page_cached,
     {TWO_SECTIONS, SYNC_ALL, APPEND(1, 20, 40), CLOSE, OPEN},
     {STEP(DO_COPY, 0, 0), STEP(DO_COPY, 0, 0)}},
    {"a copy of version 2 that has grown",
     version_2_four_descriptors,
     {TWO_SECTIONS, SYNC_ALL, STEP(DO_COPY, 0, 0), APPEND(1, 20, 40), APPEND(3, 500, 3), SYNC_ALL},
     {STEP(DO_COPY, 0, 0)}},
    {"a copy of its files",
     four_descriptors,
     {TWO_SECTIONS, SYNC_ALL, APPEND(1, 20, 40), APPEND(3, 500, 3), SYNC_ALL},
     {STEP(DO_COPY_BESIDE, 0, 0), STEP(DO_COPY_BESIDE, 0, 0)}},
    {"a copy of its files that has grown",
     one_page_cached,
     {TWO_SECTIONS, SYNC_ALL, STEP(DO_COPY_BESIDE, 0, 0), APPEND(1, 20, 40), APPEND(3, 500, 3), SYNC_ALL},
     {STEP(DO_COPY_BESIDE, 0, 0)}},
    {"a copy of files of version 2 that has grown",
     version_2_four_descriptors,
     {TWO_SECTIONS, SYNC_ALL, STEP(DO_COPY_BESIDE, 0, 0), APPEND(1, 20, 40), APPEND(3, 500, 3), SYNC_ALL},
     {STEP(DO_COPY_BESIDE, 0, 0)}},
    {"a dictionary: a copy of its files", dictionary, {OPEN, APPEND(1, 200, 5), SYNC(1)}, {STEP(DO_COPY_BESIDE, 0, 0)}},
    {"commonware: a copy that has grown, and was pruned",
     commonware,
     {TWO_SECTIONS, SYNC_ALL, STEP(DO_COPY, 0, 0), APPEND(2, 20, 10), SYNC_ALL, STEP(DO_PRUNE, 2, 0)},
     {STEP(DO_COPY, 0, 0)}},
    {"a copy into another journal",
     four_descriptors,
     {TWO_SECTIONS, SYNC_ALL, APPEND(1, 20, 40), APPEND(3, 500, 3), SYNC_ALL},
     {STEP(DO_COPY_INTO, 0, 0)}},
    {"version 2: a copy into another journal that has some",
     version_2,
     {TWO_SECTIONS, SYNC_ALL, STEP(DO_COPY_INTO, 0, 0), APPEND(1, 20, 40), SYNC_ALL},
     {STEP(DO_COPY_INTO, 0, 0)}},
    {"an inspection beside a writer", NULL, {TWO_SECTIONS, SYNC_ALL}, {STEP(DO_INSPECT, 0, 0)}},
    {"an inspection of losses, set aside and not",
     NULL,
     {TWO_SECTIONS, CLOSE, STEP(HARM_VALUES, 1, 7), OPEN, CLOSE, STEP(HARM_VALUES, 2, 5)},
     {STEP(DO_INSPECT, 0, 0)}},
    {"a salvage",
     NULL,
     {TWO_SECTIONS, SYNC_ALL, APPEND(1, 20, 20), ABANDON, STEP(HARM_VALUES, 2, 5)},
     {STEP(DO_SALVAGE, 0, 0)}},
    {"a salvage of version 2, compressed", version_2_compressed, {TWO_SECTIONS, CLOSE}, {STEP(DO_SALVAGE, 0, 0)}},
    {"commonware: a salvage", commonware, {TWO_SECTIONS, SYNC_ALL, CLOSE}, {STEP(DO_SALVAGE, 0, 0)}},
    {"commonware: an inspection",
     commonware,
     {TWO_SECTIONS, SYNC_ALL, CLOSE, STEP(HARM_JUNK, 2, 0)},
     {STEP(DO_INSPECT, 0, 0)}},
    {"commonware: an open that finds no page",
     commonware,
     {OPEN, APPEND(1, 20, 4), APPEND(2, 20, 1), SYNC_ALL, REWIND(2, 0), CLOSE, STEP(HARM_INDEX_JUNK, 2, 0)},
     {OPEN, APPEND(2, 20, 1)}},
    {"commonware: an open that makes headers whole",
     commonware,
     {OPEN, APPEND(1, 20, 4), APPEND(2, 20, 1), SYNC_ALL, REWIND(2, 0), CLOSE, STEP(HARM_HEADER, 2, 5)},
     {OPEN, APPEND(2, 20, 1), SYNC(2)}},
    {"commonware: an open to a checkpoint",
     commonware,
     {OPEN, APPEND(1, 20, 2), APPEND(2, 20, 3), APPEND(3, 20, 9), SYNC_ALL, APPEND(3, 20, 8), APPEND(4, 20, 2), CLOSE},
     {RESTORE(2, 3, 8)}},
    {"commonware: rewinds and a prune",
     commonware,
     {TWO_SECTIONS, APPEND(4, 20, 21), SYNC(4)},
     {REWIND(4, 16), STEP(DO_REWIND_SECTION, 1, 3), APPEND(1, 20, 1), STEP(DO_PRUNE, 2, 0), APPEND(4, 20, 1)}},
    {"commonware: an open that cuts before a damaged page",
     commonware_that_cuts,
     {OPEN,
      APPEND(1, 20, 12),
      APPEND(2, 20, 3),
      SYNC_ALL,
      CLOSE,
      {.kind = HARM_HOLE, .section = 1, .size = 6, .extra = 2}},
     {OPEN, APPEND(1, 20, 1), SYNC(1)}},
    {"commonware: a first append to a section of several pages",
     commonware,
     {OPEN, APPEND(1, 20, 12), APPEND(2, 20, 3), SYNC_ALL, CLOSE},
     {OPEN, APPEND(1, 20, 1), SYNC(1)}},
    {"commonware: a rewind and a prune of an archive",
     commonware_archive,
     {OPEN, APPEND(1, 20, 5), APPEND(2, 20, 9), APPEND(3, 20, 4), SYNC_ALL, CLOSE, {.kind = MAKE_COUNTS}},
     {OPEN, REWIND(2, 4), STEP(DO_PRUNE, 2, 0), APPEND(2, 20, 1), SYNC(2)}},
    {"commonware: a destroy of an archive",
     commonware_archive,
     {OPEN, APPEND(1, 20, 5), APPEND(2, 20, 9), SYNC_ALL, CLOSE, {.kind = MAKE_COUNTS, .size = 1}},
     {OPEN, {.kind = DO_DESTROY}}},
    {"commonware: a prune beside another journal's archive",
     commonware,
     {OPEN, APPEND(1, 20, 5), APPEND(2, 20, 9), SYNC_ALL, CLOSE, {.kind = MAKE_COUNTS, .extra = 100}},
     {OPEN, STEP(DO_PRUNE, 2, 0), REWIND(2, 4)}},
    {"commonware: an append after a torn one",
     commonware,
     {OPEN, APPEND(1, 20, 2), SYNC(1), APPEND(1, 20, 1), STEP(DO_TEAR, 1, 300)},
     {APPEND(1, 300, 1), APPEND(1, 20, 1), SYNC(1)}},
};

bool is_native(const scenario_t *scenario)
{
    return scenario->configure != commonware && scenario->configure != commonware_in_parallel &&
           scenario->configure != commonware_that_cuts && scenario->configure != commonware_archive;
}

const size_t scenario_count = sizeof scenarios / sizeof scenarios[0];
