/*
 * journal/beside.h: names of the partitions that the library keeps beside a journal's own two, for what is not a
 * section: what was lost, and who has the journal open.
 */
#ifndef SEGJ_JOURNAL_BESIDE_H
#define SEGJ_JOURNAL_BESIDE_H

/** The longest name of a partition. */
#define SEGJ_BESIDE_NAME_MAX 255

/** "." INDEX SUFFIX, to be freed; a name that leaves no room for that is shortened, and a checksum tells it from others
 *  that begin alike. The suffix has at most 6 bytes. NULL without memory. */
char *segj_beside_name(const char *index, const char *suffix);

/** The same in memory that is there. */
void segj_beside_put(char name[SEGJ_BESIDE_NAME_MAX + 1], const char *index, const char *suffix);

#endif
