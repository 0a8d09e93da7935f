/*
 * fuzz/vessel.h: a storage in memory whose files can be put in and taken out as bytes.
 */
#ifndef FUZZ_VESSEL_H
#define FUZZ_VESSEL_H

#include "segjournal/storage.h"
#include "support/support.h"

/** The file becomes these bytes; without data: there is none. */
void vessel_put(const segj_storage_t *storage, const char *partition, uint64_t section, const bytes_t *bytes);
/** To be freed; without data where there is no such file. */
bytes_t vessel_take(const segj_storage_t *storage, const char *partition, uint64_t section);
/** Files in a partition; 0 where it does not exist. */
size_t vessel_count(const segj_storage_t *storage, const char *partition);

/** Directory of every vessel. */
extern const char vessel_directory[];

#endif
