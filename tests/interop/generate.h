/*
 * interop/generate.h: random scripts.
 *
 * A script's name begins with the letter of how the files of both sides are compared when it has been played:
 *
 *     x   byte for byte
 *     p   pages: contents and authoritative lengths, values byte for byte
 *     z   compressed: entries only, because the bytes depend on the version of zstd
 *     a   not at all: it ends without a sync, and what is left then depends on when buffers were written
 *     r   not at all: this library refuses to open, the crate opens (and destroys)
 *     h   not at all: the crate refuses to open, this library opens
 */
#ifndef INTEROP_GENERATE_H
#define INTEROP_GENERATE_H

#include "interop/random.h"
#include "interop/script.h"

typedef enum compare_mode {
    COMPARE_EXACT = 'x',
    COMPARE_PAGES = 'p',
    COMPARE_ENTRIES = 'z',
    COMPARE_NOTHING = 'a',
    COMPARE_REFUSED_HERE = 'r',
    COMPARE_REFUSED_THERE = 'h'
} compare_mode_t;

/** For a crate of 2026.9.0 or later scripts have opens up to a place instead of rewinds, which 2026.10.0 has not. */
void generate_script(uint64_t seed, uint64_t index, release_t release, script_t *script);

#endif /* INTEROP_GENERATE_H */
