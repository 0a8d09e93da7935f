/*
 * support/log_section.h: the files of a section of version 2 that is at rest.
 */
#ifndef SUPPORT_LOG_SECTION_H
#define SUPPORT_LOG_SECTION_H

#include "support/support.h"

/** load_section() for a section of version 2: that its index says what the frames say, up to W; and W all of them
 *  where the section is at rest. */
void load_log_section(const oversized_config_t *config, uint64_t section, section_image_t *image);

/** W as the newest slot of an index file of version 2 says it; 0 where there is none. */
uint64_t log_watermark(const bytes_t *index, uint64_t section);

#endif
