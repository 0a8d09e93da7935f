/*
 * command/json.h: objects of JSON, a thin layer over json-c. Numbers are whole, and exact up to 2^64 - 1. Texts are
 * made valid UTF-8.
 */
#ifndef SEGJ_COMMAND_JSON_H
#define SEGJ_COMMAND_JSON_H

#include <stdbool.h>
#include <stdint.h>

typedef struct json_object json_t;

json_t *json_new(void); /**< an object; NULL: out of memory */
/* A name is a constant of the program, and new to the object. */
void json_number(json_t *object, const char *name, uint64_t value);
void json_signed(json_t *object, const char *name, int64_t value);
void json_flag(json_t *object, const char *name, bool value);
void json_text(json_t *object, const char *name, const char *text); /**< NULL: null */
/** Adds an array, which the object owns. */
json_t *json_array(json_t *object, const char *name);
/** Adds an object to an array, or under a name to an object; the outer one owns it. */
json_t *json_inner(json_t *outer, const char *name);
void json_free(json_t *object);
/** Changes what the object has under a name, where the same call without `set` has put it. A text is not NULL. */
void json_set_number(json_t *object, const char *name, uint64_t value);
void json_set_flag(json_t *object, const char *name, bool value);
void json_set_text(json_t *object, const char *name, const char *text);
/** Prints it in a line. False: something was out of memory. */
bool json_line(json_t *object);
/** Prints it in a line, and frees it. */
bool json_print(json_t *object);

#endif
