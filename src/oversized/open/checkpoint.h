/*
 * oversized/open/checkpoint.h: an open at a checkpoint.
 */
#ifndef SEGJ_OVERSIZED_OPEN_CHECKPOINT_H
#define SEGJ_OVERSIZED_OPEN_CHECKPOINT_H

#include "oversized/open/recover.h"

/** Plans what the checkpoint asks for: SEGJ_ERR_CORRUPT where the journal lacks any of it. */
SEGJ_MUST_CHECK segj_status_t segj_checkpoint_apply(segj_recovery_t *recovery,
                                                    const oversized_checkpoint_t *checkpoint);

#endif
