/*
 * command/tar.h: members of a tar stream in the ustar format, and names that may be those of files.
 */
#ifndef SEGJ_COMMAND_TAR_H
#define SEGJ_COMMAND_TAR_H

#include <stdio.h>

#include "command/command.h"

#define TAR_BLOCK 512
#define TAR_NAME 257 /* bytes of a name, its NUL included: a prefix, "/", and the rest */

/** A member. */
typedef struct tar_member {
    char name[TAR_NAME];
    uint64_t size;
    bool is_file; /* and otherwise a directory */
} tar_member_t;

/** Whether a name stays below the directory it is given to: relative, without "..", and without empty parts. */
bool tar_name_is_tame(const char *name);
/** Makes a header; false: the name is too long for the format. */
bool tar_make(const tar_member_t *member, uint8_t *block);
/** Reads a header. NULL: it is one; else why it is none, in a sentence. *end: it is the end of the stream. */
const char *tar_read(const uint8_t *block, tar_member_t *member, bool *end);
/** Bytes of zeros after so many bytes of a member. */
size_t tar_padding(uint64_t size);

#endif
