/*
 * support/processor.h: for tests whose threads run one at a time.
 */
#ifndef SUPPORT_PROCESSOR_H
#define SUPPORT_PROCESSOR_H

/** The calling thread, and those that it makes from here on, stay on the processor it is on: handing over there takes a
 *  quarter of the time. Does nothing where the system has no such call. */
void stay_on_one_processor(void);

#endif
