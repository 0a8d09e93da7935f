/*
 * powercut/recorded.h: a disk that records what the system does with it. It is a file that a FUSE server in this
 * process shows; a loop device on it is a block device, a file system on that is a real one. Every write and every
 * flush that reaches the device is in the record, in its order; from the record an image is built as a power cut at any
 * moment leaves it: what was written before the last flush is there, of what came behind each piece of 4096 bytes is
 * there or not.
 */
#ifndef POWERCUT_RECORDED_H
#define POWERCUT_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDED_FILE "disk"

typedef struct recorded recorded_t;

/** Called in the server's thread behind each entry of the record, before whoever waits for it goes on. */
typedef void (*recorded_hook_t)(void *context, size_t entries);

/** Shows the image (a file, which stays as it is) as RECORDED_FILE in a directory. NULL: errno says why. */
recorded_t *recorded_start(const char *image, const char *directory, recorded_hook_t hook, void *context);
/** Nothing uses the disk any more. The record stays until recorded_free(). */
void recorded_stop(recorded_t *recorded, const char *directory);
void recorded_free(recorded_t *recorded);

size_t recorded_entries(const recorded_t *recorded);
size_t recorded_flushes(const recorded_t *recorded);

/** From so many entries on, as many as there are before the next flush. */
size_t recorded_before_flush(const recorded_t *recorded, size_t entries);

typedef enum recorded_fate {
    PIECES_NONE,
    PIECES_ALL,
    PIECES_SOME,
    PIECES_FEW,
    PIECES_MOST,
    PIECES_FATES
} recorded_fate_t;

/** Writes the image as a power cut behind so many entries leaves it. Gives the number of pieces that were not flushed;
 *  *lost: of them. */
size_t recorded_cut(const recorded_t *recorded, size_t entries, recorded_fate_t fate, uint64_t seed, const char *image,
                    size_t *lost);

/** Copies a file, with its holes. False: errno. */
bool copy_image(const char *from, const char *to);

#endif /* POWERCUT_RECORDED_H */
