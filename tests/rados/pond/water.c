/* rados/pond/water.c: see pond_inner.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rados/pond/pond_inner.h"
#include "support/simdisk_image.h"

static char *text_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(simdisk_need(malloc(size)), text, size);
}

/* --- words --- */

static size_t words_place(const words_t *words, const char *name, bool *found)
{
    size_t at = 0;
    while (at < words->count && strcmp(words->words[at].name, name) < 0)
        at++;
    *found = at < words->count && strcmp(words->words[at].name, name) == 0;
    return at;
}

const char *words_get(const words_t *words, const char *name)
{
    bool found;
    size_t at = words_place(words, name, &found);
    return found ? words->words[at].value : NULL;
}

static void words_set(words_t *words, const char *name, const char *value)
{
    bool found;
    size_t at = words_place(words, name, &found);
    if (found) {
        free(words->words[at].value);
        words->words[at].value = text_copy(value);
        return;
    }
    if (words->count == words->room) {
        words->room = words->room * 2 + 4;
        words->words = simdisk_need(realloc(words->words, words->room * sizeof(word_t)));
    }
    memmove(words->words + at + 1, words->words + at, (words->count - at) * sizeof(word_t));
    words->words[at] = (word_t){text_copy(name), text_copy(value)};
    words->count++;
}

static void words_remove(words_t *words, const char *name)
{
    bool found;
    size_t at = words_place(words, name, &found);
    if (!found)
        return;
    free(words->words[at].name);
    free(words->words[at].value);
    words->count--;
    memmove(words->words + at, words->words + at + 1, (words->count - at) * sizeof(word_t));
}

static void words_free(words_t *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->words[i].name);
        free(words->words[i].value);
    }
    free(words->words);
    *words = (words_t){0};
}

static void words_copy(words_t *to, const words_t *from)
{
    *to = (words_t){0};
    for (size_t i = 0; i < from->count; i++)
        words_set(to, from->words[i].name, from->words[i].value);
}

/* --- objects --- */

static size_t water_place(const water_t *water, const char *name, bool *found)
{
    size_t low = 0;
    size_t high = water->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(water->objects[middle].name, name);
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
            *found = *found || order == 0;
        }
    }
    return low;
}

object_t *water_find(const water_t *water, const char *name)
{
    bool found;
    size_t at = water_place(water, name, &found);
    return found ? &water->objects[at] : NULL;
}

object_t *water_make(water_t *water, const char *name)
{
    bool found;
    size_t at = water_place(water, name, &found);
    if (found)
        return &water->objects[at];
    if (water->count == water->room) {
        water->room = water->room * 2 + 8;
        water->objects = simdisk_need(realloc(water->objects, water->room * sizeof(object_t)));
    }
    memmove(water->objects + at + 1, water->objects + at, (water->count - at) * sizeof(object_t));
    water->objects[at] = (object_t){.name = text_copy(name)};
    water->count++;
    return &water->objects[at];
}

static void object_free(object_t *object)
{
    words_free(&object->attributes);
    words_free(&object->keys);
    free(object->bytes);
    free(object->name);
}

static void water_remove(water_t *water, const char *name)
{
    bool found;
    size_t at = water_place(water, name, &found);
    if (!found)
        return;
    object_free(&water->objects[at]);
    water->count--;
    memmove(water->objects + at, water->objects + at + 1, (water->count - at) * sizeof(object_t));
}

void water_free(water_t *water)
{
    for (size_t i = 0; i < water->count; i++)
        object_free(&water->objects[i]);
    free(water->objects);
    *water = (water_t){0};
}

void water_copy(water_t *to, const water_t *from)
{
    *to = (water_t){.count = from->count, .room = from->count};
    to->objects = simdisk_need(calloc(from->count + 1, sizeof(object_t)));
    for (size_t i = 0; i < from->count; i++) {
        const object_t *object = &from->objects[i];
        object_t *copy = &to->objects[i];
        copy->name = text_copy(object->name);
        words_copy(&copy->attributes, &object->attributes);
        words_copy(&copy->keys, &object->keys);
        copy->size = object->size;
        copy->bytes = simdisk_need(malloc(object->size + 1));
        if (object->size > 0)
            memcpy(copy->bytes, object->bytes, object->size);
    }
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = simdisk_mix(hash, (uint64_t)(unsigned char)*text);
    return simdisk_mix(hash, 256);
}

static uint64_t hash_words(uint64_t hash, const words_t *words, bool epochs)
{
    for (size_t i = 0; i < words->count; i++) {
        hash = hash_text(hash, words->words[i].name);
        if (epochs || strcmp(words->words[i].name, SEGJ_RADOS_EPOCH) != 0)
            hash = hash_text(hash, words->words[i].value);
    }
    return hash;
}

uint64_t water_hash(const water_t *water, bool epochs)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < water->count; i++) {
        const object_t *object = &water->objects[i];
        hash = hash_text(hash, object->name);
        hash = hash_words(hash, &object->attributes, epochs);
        hash = hash_words(hash, &object->keys, epochs);
        hash = simdisk_mix(hash, object->size);
        for (size_t at = 0; at < object->size; at += 8) {
            uint64_t word = 0;
            memcpy(&word, object->bytes + at, object->size - at < 8 ? object->size - at : 8);
            hash = simdisk_mix(hash, word);
        }
    }
    return hash;
}

/* --- changes --- */

static void object_resize(object_t *object, size_t size)
{
    uint8_t *bytes = simdisk_need(realloc(object->bytes, size + 1));
    if (size > object->size)
        memset(bytes + object->size, 0, size - object->size);
    object->bytes = bytes;
    object->size = size;
}

static int compare(const object_t *object, const segj_rados_change_t *change)
{
    for (size_t i = 0; i < 2 && change->compare[i].name != NULL; i++) {
        const char *found = object == NULL ? NULL : words_get(&object->attributes, change->compare[i].name);
        if (object == NULL)
            return ENOENT;
        int order = strcmp(change->compare[i].value, found == NULL ? "" : found);
        if (order < 0 || (order > 0 && !change->compare[i].at_most))
            return ECANCELED;
    }
    if (change->key_compare.name != NULL) {
        if (object == NULL)
            return ENOENT;
        const char *found = words_get(&object->keys, change->key_compare.name);
        if (strcmp(change->key_compare.value, found == NULL ? "" : found) != 0)
            return ECANCELED;
    }
    return 0;
}

int water_change(water_t *water, const segj_rados_change_t *change)
{
    object_t *object = water_find(water, change->object);
    int code = compare(object, change);
    if (code != 0)
        return code;
    if (change->create && object != NULL)
        return EEXIST;
    if (!change->create && !change->make && object == NULL)
        return ENOENT;
    object = water_make(water, change->object);
    for (size_t i = 0; i < 3 && change->set[i].name != NULL; i++)
        words_set(&object->attributes, change->set[i].name, change->set[i].value);
    for (size_t i = 0; i < 2 && change->key_set[i].name != NULL; i++)
        words_set(&object->keys, change->key_set[i].name, change->key_set[i].value);
    for (const char *const *key = change->keys_removed; key != NULL && *key != NULL; key++)
        words_remove(&object->keys, *key);
    if (change->truncate)
        object_resize(object, (size_t)change->size_set);
    if (change->size > 0) {
        if (change->offset + change->size > object->size)
            object_resize(object, (size_t)change->offset + change->size);
        memcpy(object->bytes + change->offset, change->data, change->size);
    }
    if (change->remove)
        water_remove(water, change->object);
    return 0;
}

/* --- copies of changes --- */

static const char *copy_or_null(const char *text)
{
    return text == NULL ? NULL : text_copy(text);
}

segj_rados_change_t *change_copy(const segj_rados_change_t *change)
{
    segj_rados_change_t *copy = simdisk_need(malloc(sizeof *copy));
    *copy = *change;
    copy->object = text_copy(change->object);
    for (size_t i = 0; i < 2; i++) {
        copy->compare[i].name = copy_or_null(change->compare[i].name);
        copy->compare[i].value = copy_or_null(change->compare[i].value);
        copy->key_set[i] =
            (segj_rados_pair_t){copy_or_null(change->key_set[i].name), copy_or_null(change->key_set[i].value)};
    }
    for (size_t i = 0; i < 3; i++)
        copy->set[i] = (segj_rados_pair_t){copy_or_null(change->set[i].name), copy_or_null(change->set[i].value)};
    copy->key_compare =
        (segj_rados_pair_t){copy_or_null(change->key_compare.name), copy_or_null(change->key_compare.value)};
    if (change->keys_removed != NULL) {
        size_t count = 0;
        while (change->keys_removed[count] != NULL)
            count++;
        const char **keys = simdisk_need(calloc(count + 1, sizeof *keys));
        for (size_t i = 0; i < count; i++)
            keys[i] = text_copy(change->keys_removed[i]);
        copy->keys_removed = keys;
    }
    uint8_t *data = simdisk_need(malloc(change->size + 1));
    if (change->size > 0)
        memcpy(data, change->data, change->size);
    copy->data = data;
    return copy;
}

static void drop(const char *text)
{
    free((void *)(uintptr_t)text);
}

void change_free(segj_rados_change_t *change)
{
    drop(change->object);
    for (size_t i = 0; i < 2; i++) {
        drop(change->compare[i].name);
        drop(change->compare[i].value);
        drop(change->key_set[i].name);
        drop(change->key_set[i].value);
    }
    for (size_t i = 0; i < 3; i++) {
        drop(change->set[i].name);
        drop(change->set[i].value);
    }
    drop(change->key_compare.name);
    drop(change->key_compare.value);
    for (const char *const *key = change->keys_removed; key != NULL && *key != NULL; key++)
        drop(*key);
    free((void *)(uintptr_t)change->keys_removed);
    free((void *)(uintptr_t)change->data);
    free(change);
}
