/*
 * interop/play.h: a script played on this library, told in the text that rust/ prints of the crate.
 */
#ifndef INTEROP_PLAY_H
#define INTEROP_PLAY_H

#include "interop/script.h"
#include "segjournal/storage.h"

/** Plays the script on the partitions ID-index and ID-values of the directory. Each operation is told when it has
 *  ended: what a killed process has told is what it has done. */
void play_script(const script_t *script, const char *directory, FILE *output);

/** The same through a storage. */
void play_script_on(const segj_storage_t *storage, const script_t *script, const char *directory, FILE *output);

/** Of the index, the values, and the counts of an archive. */
enum { PARTITIONS = 3 };
typedef char partition_names_t[PARTITIONS][NAME_LIMIT + 8];
void partition_names(const setting_t *setting, partition_names_t names);

#endif /* INTEROP_PLAY_H */
