/*
 * oversized/read/train.h: dictionaries from values, by zstd's trainer.
 */
#ifndef SEGJ_OVERSIZED_READ_TRAIN_H
#define SEGJ_OVERSIZED_READ_TRAIN_H

#include "oversized/section/trainer.h"

/** For the journal's trainer. Sizes were checked. */
segj_train_t segj_train_section;

#endif
