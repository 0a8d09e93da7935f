/* segjournal/version.h: the version of the library, at compile time and at run time. */
#ifndef SEGJOURNAL_VERSION_H
#define SEGJOURNAL_VERSION_H

#define SEGJ_VERSION_MAJOR 0
#define SEGJ_VERSION_MINOR 1
#define SEGJ_VERSION_PATCH 0

#include "segjournal/status.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** The version of the linked library as "MAJOR.MINOR.PATCH". Static text, never NULL; any thread. */
const char *segj_version(void);

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_VERSION_H */
