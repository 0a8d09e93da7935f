/*
 * interop/chain.h: scripts that are played in parts, each part by another program in what the one before has left.
 */
#ifndef INTEROP_CHAIN_H
#define INTEROP_CHAIN_H

#include "interop/random.h"
#include "interop/script.h"

/** Part `link` of the chain; it opens, tells what it finds, changes and closes. */
void chain_script(uint64_t seed, uint64_t index, uint64_t link, release_t release, script_t *script);

/** A long script of appends and syncs, to be killed in. */
void busy_script(uint64_t seed, uint64_t index, release_t release, script_t *script);

#endif /* INTEROP_CHAIN_H */
