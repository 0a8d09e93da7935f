/*
 * interop/survived.h: what a killed process had told of syncs, held against what is found afterwards.
 */
#ifndef INTEROP_SURVIVED_H
#define INTEROP_SURVIVED_H

#include "interop/script.h"

/** `told` is what the process had told when it was killed, behind its first line; `found`, what those have told that
 *  went on afterwards, from some place before this script on. Prints what is missing, and answers how many synced records that are; counts the
 *  synced ones. */
uint64_t missing_records(const script_t *script, FILE *told, FILE *found, uint64_t *synced);

#endif /* INTEROP_SURVIVED_H */
