/* rados/rados_librados.h: the seam over librados. */
#ifndef SEGJ_RADOS_LIBRADOS_H
#define SEGJ_RADOS_LIBRADOS_H

#include "rados/rados_seam.h"
#include "segjournal/storage_rados.h"

/** Connects; the options have been checked. */
SEGJ_MUST_CHECK segj_status_t segj_rados_connect(const segj_storage_rados_options_t *options, segj_rados_seam_t *seam);

#endif
