/*
 * support/files.h: temporary directories and raw files. Where something is not as it must be, these print what and where, and
 * fail the running test.
 */
#ifndef TESTS_SUPPORT_FILES_H
#define TESTS_SUPPORT_FILES_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

/** Zeroed memory, for free(). */
void *need_memory(size_t size);

enum { PATH_LIMIT = 1024 };

typedef struct path {
    char text[PATH_LIMIT];
} path_t;

/** A file's bytes, to be given back to free_bytes(). */
typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes_t;

/** A directory's names in byte order, without "." and "..", to be given back to free_names(). */
typedef struct names {
    char **names;
    size_t count;
} names_t;

path_t join_path(const char *directory, const char *name);
/** directory/partition/<section as 16 lower-case hex digits> */
path_t section_path(const char *directory, const char *partition, uint64_t section);

/** Makes an empty directory below $TMPDIR, or below /tmp where that is not set. */
path_t make_temp_directory(void);
void make_directory(const char *path);
/** Removes a file, or a directory with all that it holds. A path that does not exist is fine. */
void remove_tree(const char *path);
/** Copies a directory of plain files and directories; `to` must not exist yet. */
void copy_tree(const char *from, const char *to);
/** Removes the file that says who has opened the journal last, which every open for writing changes. */
void forget_owner(const char *directory, const char *index_partition);
/** Gives the copy of a directory, whose journal may be open, that directory's owner's file, or none. */
void share_owner(const char *directory, const char *copy, const char *index_partition);
/** Both directories hold the same names and each file the same bytes; prints the first difference otherwise. */
void assert_trees_equal(const char *left, const char *right);

/** All names but `.hold`, which a journal of the commonware format makes and never removes (test_hold.c has it). */
names_t list_directory(const char *path);
void free_names(names_t *names);

bool path_exists(const char *path);
uint64_t file_size(const char *path);
bytes_t read_file(const char *path);
void free_bytes(bytes_t *bytes);
/** Makes the file, or replaces what it held. */
void write_file(const char *path, const void *data, size_t size);
/** Overwrites, and lengthens where it reaches behind the end, a file that exists. */
void write_file_at(const char *path, uint64_t offset, const void *data, size_t size);
/** Cuts a file, or lengthens it with zeros. */
void resize_file(const char *path, uint64_t size);
void remove_file(const char *path);
/** Told of each file that was written to, resized or removed by these; NULL: nobody is. Where files are shadows of something
 *  else (rados/suite/shadow.c), that follows. */
extern void (*file_was_changed)(const char *path);

#endif
