/*
 * kill/oracle_model.c: a part of the oracle of the simulated crashes, for this folder's programs: each is linked with
 * the sources of its own folder.
 */
#include "crash/model.c"
