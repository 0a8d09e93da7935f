/*
 * interop/play.h: a script played on this library, told in the text that rust/ prints of the crate.
 */
#ifndef INTEROP_PLAY_H
#define INTEROP_PLAY_H

#include "interop/script.h"

/** Plays the script on the partitions ID-index and ID-values of the directory. */
void play_script(const script_t *script, const char *directory, FILE *output);

/** The partitions' names. */
void partition_names(const setting_t *setting, char index[NAME_LIMIT + 8], char values[NAME_LIMIT + 8]);

#endif /* INTEROP_PLAY_H */
