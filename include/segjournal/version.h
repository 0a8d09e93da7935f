/**
 * @file segjournal/version.h
 * The version of the library, at compile time and at run time.
 */
#ifndef SEGJOURNAL_VERSION_H
#define SEGJOURNAL_VERSION_H

/** @defgroup segj_versions The version
 *  @{ */

/** The version of this header: three numbers. */
#define SEGJ_VERSION_MAJOR 0
/** See SEGJ_VERSION_MAJOR. */
#define SEGJ_VERSION_MINOR 1
/** See SEGJ_VERSION_MAJOR. */
#define SEGJ_VERSION_PATCH 0

#include "segjournal/status.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** Returns the version of the linked library as "MAJOR.MINOR.PATCH". Static text, never NULL. Any thread. */
const char *segj_version(void);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_VERSION_H */
