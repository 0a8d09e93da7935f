/*
 * interop/trees.h: the files that two sides have left of the same script, compared as the script's name says.
 */
#ifndef INTEROP_TREES_H
#define INTEROP_TREES_H

#include "interop/script.h"

/** What the comparisons found, for the report. */
typedef struct tally {
    uint64_t trees, files, pages; /* compared */
    uint64_t equal_trees;         /* byte for byte */
    uint64_t slots;               /* pages that stand for the same bytes, with other checksum slots */
    uint64_t padding;             /* pages that stand for the same bytes, with other bytes behind them */
    uint64_t empty;               /* values files that hold nothing, where the other side has none */
    uint64_t headers;             /* files of different containers */
    uint64_t slots_inner;         /* of `slots`, pages that are not their file's last */
} tally_t;

/** Prints what differs, and answers false, where that is more than the script's mode allows. */
bool compare_trees(const setting_t *setting, const char *left, const char *right, tally_t *tally);

#endif /* INTEROP_TREES_H */
