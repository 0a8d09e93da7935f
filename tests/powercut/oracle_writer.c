/* powercut/oracle_writer.c: see kill/oracle_model.c. */
#include "kill/writer.c"
