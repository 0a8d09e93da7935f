/*
 * interop/edit.h: the second and third round: what a script has left on one side is copied, damaged as a crash or a bad
 * disk may damage it, and opened by both sides; and then each side opens what the other one has made of it.
 */
#ifndef INTEROP_EDIT_H
#define INTEROP_EDIT_H

#include "interop/generate.h"
#include "interop/random.h"
#include "interop/script.h"

typedef enum edit_kind {
    EDIT_NOTHING,
    EDIT_VALUES_AT_FRAME, /* the values end behind a record's frame: a rewind that was interrupted, a lost tail */
    EDIT_VALUES_OFF_BY_ONE,
    EDIT_VALUES_TO_HEADER,
    EDIT_VALUES_REMOVED,
    EDIT_VALUES_TAIL,      /* garbage behind the last frame */
    EDIT_VALUES_BYTE,      /* one byte of a value is another */
    EDIT_VALUES_NO_HEADER, /* fewer than 8 bytes */
    EDIT_ORPHAN,           /* values sections that have no index */
    EDIT_INDEX_AT_PAGE,
    EDIT_INDEX_ANYWHERE,
    EDIT_INDEX_TO_HEADER,
    EDIT_INDEX_NO_HEADER,
    EDIT_INDEX_REMOVED,
    EDIT_INDEX_TAIL,
    EDIT_LAST_SLOTS,  /* the last page's slots are FF */
    EDIT_LONGER_SLOT, /* the last page's authoritative slot is damaged, so that the other one counts */
    EDIT_INDEX_BYTE,
    EDIT_LAST_PAGES_ZERO,
    EDIT_PARTIAL_RECORD,  /* the last valid page is full and ends within a record */
    EDIT_OTHER_RECORDS,   /* the last valid page is partial and ends within a record: records of another size */
    EDIT_LOCATION_BEYOND, /* a valid record whose value would lie behind the file's end */
    EDIT_LOCATION_OVERFLOW,
    EDIT_NO_INDEX_PARTITION, /* gone, beside values: an unmounted volume, another directory */
    EDIT_NO_VALUES_PARTITION,
    EDIT_OTHER_PAGE_SIZE, /* asked for, that is; the files stay as they are */
    EDIT_ZERO_HEADER,     /* 8 zeros: what an interrupted creation leaves */
    EDIT_WEDGE,           /* the last whole record ends in a damaged page, behind which a full page is valid */
    EDIT_STOPPED,         /* this library was killed between two changes of files */
    EDIT_KINDS
} edit_kind_t;

const char *edit_name(edit_kind_t kind);

/** Damages the two partitions of a script below `directory`, or, for another page size, what it asks for; answers which
 *  way. *mode stays where both sides do the same with it. */
edit_kind_t edit_tree(draw_t *draw, setting_t *setting, const char *directory, compare_mode_t *mode);

/** Plays a script that changes what is there, in a process that is killed before one of its changes of files. */
void play_and_stop(draw_t *draw, const setting_t *setting, const char *directory);

/** A script that appends, rewinds, removes and closes. */
void script_of_changes(draw_t *draw, const setting_t *setting, const char *directory, script_t *script);
/** A script that opens what is there, looks at it and goes on in it. */
void script_after_damage(draw_t *draw, const setting_t *setting, script_t *script);
/** The same, with rewinds, which need to know how many records there are: read from the files below `directory`. */
void script_after_swap(draw_t *draw, const setting_t *setting, const char *directory, script_t *script);

#endif /* INTEROP_EDIT_H */
