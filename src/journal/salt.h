/*
 * journal/salt.h: the random number that the two files of a section of version 2 share with no others. It goes into
 * every checksum, so that a block of another file, or of an older one of the same name, is not taken for this one's.
 */
#ifndef SEGJ_JOURNAL_SALT_H
#define SEGJ_JOURNAL_SALT_H

#include "journal/shared.h"

/** A new one. Under change, and in open. */
uint64_t segj_salt_make(segj_shared_t *shared);

/** For tests, which want the same files each time: where salts of this thread's calls come from instead; NULL: from
 *  where they came before. */
void segj_salt_set_source(uint64_t (*source)(void));

#endif
