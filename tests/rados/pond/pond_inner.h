/* rados/pond/pond_inner.h: objects of the cluster in memory, and what changes do to them. */
#ifndef TESTS_RADOS_POND_INNER_H
#define TESTS_RADOS_POND_INNER_H

#include "rados/rados_seam.h"

/** A text under a name: an attribute or a key. */
typedef struct word {
    char *name;
    char *value;
} word_t;

typedef struct words {
    word_t *words; /* sorted by name */
    size_t count, room;
} words_t;

typedef struct object {
    char *name;
    words_t attributes, keys;
    uint8_t *bytes;
    size_t size;
    char locker[40]; /* a cookie, "" none */
    bool exclusive;
    unsigned sharers;
} object_t;

typedef struct water {
    object_t *objects; /* sorted by name */
    size_t count, room;
} water_t;

object_t *water_find(const water_t *water, const char *name);
object_t *water_make(water_t *water, const char *name);
/** Without the locks: their holders are gone. */
void water_copy(water_t *to, const water_t *from);
void water_free(water_t *water);
/** A number for what is there; `epochs`: with the epochs, which grow with each opening. */
uint64_t water_hash(const water_t *water, bool epochs);
const char *words_get(const words_t *words, const char *name);

/** Does a change, or refuses it. */
int water_change(water_t *water, const segj_rados_change_t *change);

/** A copy of a change that stands alone. */
segj_rados_change_t *change_copy(const segj_rados_change_t *change);
void change_free(segj_rados_change_t *change);

#endif
