/* command/json.c: see the header. */
#include "command/json.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "command/command.h"

/* One of the calls below found no memory: what is printed would not be whole. */
static bool json_lacks;

static json_t *made(json_t *value)
{
    json_lacks = json_lacks || value == NULL;
    return value;
}

/* Names are constants of the program, and each is given once: json-c needs no copy of one, and no look for it. */
static bool put(json_t *object, const char *name, json_t *value)
{
    return object != NULL &&
           json_object_object_add_ex(object, name, value,
                                     JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT) == 0;
}

static void add(json_t *object, const char *name, json_t *value)
{
    if (value == NULL || !put(object, name, value))
        json_lacks = true;
}

json_t *json_new(void)
{
    return made(json_object_new_object());
}

void json_number(json_t *object, const char *name, uint64_t value)
{
    add(object, name, json_object_new_uint64(value));
}

void json_signed(json_t *object, const char *name, int64_t value)
{
    add(object, name, json_object_new_int64(value));
}

void json_flag(json_t *object, const char *name, bool value)
{
    add(object, name, json_object_new_boolean(value));
}

/* Bytes of the UTF-8 sequence at `text`; 0: it is none. Overlong ones and halves of pairs are none. */
static size_t sequence(const unsigned char *text)
{
    static const struct {
        unsigned char from, to;  /* of the first byte */
        unsigned char low, high; /* of the second */
        unsigned char size;
    } kinds[] = {{0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                 {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                 {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (text[0] < kinds[i].from || text[0] > kinds[i].to)
            continue;
        bool good = kinds[i].size == 1 || (text[1] >= kinds[i].low && text[1] <= kinds[i].high);
        for (size_t at = 2; at < kinds[i].size && good; at++)
            good = (text[at] & 0xc0) == 0x80;
        return good ? kinds[i].size : 0;
    }
    return 0;
}

/* A copy in which every byte that is no UTF-8 is U+FFFD. */
static char *valid_text(const char *text)
{
    char *copy = malloc(3 * strlen(text) + 1);
    char *to = copy;
    if (copy == NULL)
        return NULL;
    for (const unsigned char *from = (const unsigned char *)text; *from != '\0';) {
        size_t size = sequence(from);
        memcpy(to, size > 0 ? (const char *)from : "\xef\xbf\xbd", size > 0 ? size : 3);
        to += size > 0 ? size : 3;
        from += size > 0 ? size : 1;
    }
    *to = '\0';
    return copy;
}

static bool is_ascii(const char *text)
{
    unsigned char all = 0;
    for (const char *at = text; *at != '\0'; at++)
        all |= (unsigned char)*at;
    return all < 0x80;
}

/* The text, or a valid copy of it, which *copy says; NULL: out of memory. */
static const char *text_of(const char *text, char **copy)
{
    *copy = NULL;
    return is_ascii(text) ? text : (*copy = valid_text(text));
}

void json_text(json_t *object, const char *name, const char *text)
{
    char *copy;
    if (text == NULL) {
        json_lacks = json_lacks || !put(object, name, NULL);
        return;
    }
    const char *valid = text_of(text, &copy);
    add(object, name, valid != NULL ? json_object_new_string(valid) : NULL);
    free(copy);
}

/* --- once more --- */

static json_t *member(json_t *object, const char *name)
{
    json_t *found = NULL;
    (void)json_object_object_get_ex(object, name, &found);
    return found;
}

static void exchange(json_t *object, const char *name, json_t *value)
{
    if (value != NULL && json_object_object_add(object, name, value) == 0)
        return;
    json_object_put(value);
    json_lacks = true;
}

void json_set_number(json_t *object, const char *name, uint64_t value)
{
    json_lacks = json_lacks || json_object_set_uint64(member(object, name), value) == 0;
}

void json_set_flag(json_t *object, const char *name, bool value)
{
    json_lacks = json_lacks || json_object_set_boolean(member(object, name), value) == 0;
}

void json_set_text(json_t *object, const char *name, const char *text)
{
    char *copy = NULL;
    const char *valid = text != NULL ? text_of(text, &copy) : NULL;
    if (valid != NULL && *valid == '\0') /* json-c 0.16 would lose the memory of a longer text */
        exchange(object, name, json_object_new_string(""));
    else if (valid == NULL || json_object_set_string(member(object, name), valid) == 0)
        json_lacks = true;
    free(copy);
}

json_t *json_array(json_t *object, const char *name)
{
    json_t *array = made(json_object_new_array());
    add(object, name, array);
    return array;
}

json_t *json_inner(json_t *outer, const char *name)
{
    json_t *inner = json_new();
    if (name != NULL)
        add(outer, name, inner);
    else if (outer == NULL || inner == NULL || json_object_array_add(outer, inner) != 0)
        json_lacks = true;
    return inner;
}

bool json_line(json_t *object)
{
    size_t size = 0;
    const char *text =
        object != NULL && !json_lacks
            ? json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size)
            : NULL;
    if (text == NULL)
        return false;
    print_bytes(text, size);
    print_bytes("\n", 1);
    return true;
}

void json_free(json_t *object)
{
    (void)json_object_put(object);
}

bool json_print(json_t *object)
{
    bool printed = json_line(object);
    json_free(object);
    return printed;
}
