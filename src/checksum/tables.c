/*
 * checksum/tables.c: "slicing by 8". Row k of a table holds what each value of a byte makes of the register when k more
 * bytes follow it; eight bytes are then eight look-ups, independent of each other. A row is linear in its index, so the
 * compiler computes all 256 entries from the eight whose index is a power of two.
 */
#include "checksum/tables.h"

#define BIT(i, b, entry) (((i) >> (b)&1u) != 0 ? (entry) : 0u)
#define ENTRY(i, e0, e1, e2, e3, e4, e5, e6, e7)                                                                       \
    (BIT(i, 0, e0) ^ BIT(i, 1, e1) ^ BIT(i, 2, e2) ^ BIT(i, 3, e3) ^ BIT(i, 4, e4) ^ BIT(i, 5, e5) ^ BIT(i, 6, e6) ^   \
     BIT(i, 7, e7))
#define FOUR(i, ...)                                                                                                   \
    ENTRY((i), __VA_ARGS__), ENTRY((i) + 1u, __VA_ARGS__), ENTRY((i) + 2u, __VA_ARGS__), ENTRY((i) + 3u, __VA_ARGS__)
#define SIXTEEN(i, ...)                                                                                                \
    FOUR((i), __VA_ARGS__), FOUR((i) + 4u, __VA_ARGS__), FOUR((i) + 8u, __VA_ARGS__), FOUR((i) + 12u, __VA_ARGS__)
#define SIXTY_FOUR(i, ...)                                                                                             \
    SIXTEEN((i), __VA_ARGS__), SIXTEEN((i) + 16u, __VA_ARGS__), SIXTEEN((i) + 32u, __VA_ARGS__),                       \
        SIXTEEN((i) + 48u, __VA_ARGS__)
#define ROW(...)                                                                                                       \
    {                                                                                                                  \
        SIXTY_FOUR(0u, __VA_ARGS__), SIXTY_FOUR(64u, __VA_ARGS__), SIXTY_FOUR(128u, __VA_ARGS__),                      \
            SIXTY_FOUR(192u, __VA_ARGS__)                                                                              \
    }

/* Polynomial 0x04C11DB7, reflected: EDB88320. */
const segj_crc_table_t segj_crc32_table = {
    ROW(0x77073096u, 0xEE0E612Cu, 0x076DC419u, 0x0EDB8832u, 0x1DB71064u, 0x3B6E20C8u, 0x76DC4190u, 0xEDB88320u),
    ROW(0x191B3141u, 0x32366282u, 0x646CC504u, 0xC8D98A08u, 0x4AC21251u, 0x958424A2u, 0xF0794F05u, 0x3B83984Bu),
    ROW(0x01C26A37u, 0x0384D46Eu, 0x0709A8DCu, 0x0E1351B8u, 0x1C26A370u, 0x384D46E0u, 0x709A8DC0u, 0xE1351B80u),
    ROW(0xB8BC6765u, 0xAA09C88Bu, 0x8F629757u, 0xC5B428EFu, 0x5019579Fu, 0xA032AF3Eu, 0x9B14583Du, 0xED59B63Bu),
    ROW(0x3D6029B0u, 0x7AC05360u, 0xF580A6C0u, 0x30704BC1u, 0x60E09782u, 0xC1C12F04u, 0x58F35849u, 0xB1E6B092u),
    ROW(0xCB5CD3A5u, 0x4DC8A10Bu, 0x9B914216u, 0xEC53826Du, 0x03D6029Bu, 0x07AC0536u, 0x0F580A6Cu, 0x1EB014D8u),
    ROW(0xA6770BB4u, 0x979F1129u, 0xF44F2413u, 0x33EF4E67u, 0x67DE9CCEu, 0xCFBD399Cu, 0x440B7579u, 0x8816EAF2u),
    ROW(0xCCAA009Eu, 0x4225077Du, 0x844A0EFAu, 0xD3E51BB5u, 0x7CBB312Bu, 0xF9766256u, 0x299DC2EDu, 0x533B85DAu)};

/* Polynomial 0x1EDC6F41 (Castagnoli), reflected: 82F63B78. */
static const segj_crc_table_t crc32c_table = {
    ROW(0xF26B8303u, 0xE13B70F7u, 0xC79A971Fu, 0x8AD958CFu, 0x105EC76Fu, 0x20BD8EDEu, 0x417B1DBCu, 0x82F63B78u),
    ROW(0x13A29877u, 0x274530EEu, 0x4E8A61DCu, 0x9D14C3B8u, 0x3FC5F181u, 0x7F8BE302u, 0xFF17C604u, 0xFBC3FAF9u),
    ROW(0xA541927Eu, 0x4F6F520Du, 0x9EDEA41Au, 0x38513EC5u, 0x70A27D8Au, 0xE144FB14u, 0xC76580D9u, 0x8B277743u),
    ROW(0xDD45AAB8u, 0xBF672381u, 0x7B2231F3u, 0xF64463E6u, 0xE964B13Du, 0xD725148Bu, 0xABA65FE7u, 0x52A0C93Fu),
    ROW(0x38116FACu, 0x7022DF58u, 0xE045BEB0u, 0xC5670B91u, 0x8F2261D3u, 0x1BA8B557u, 0x37516AAEu, 0x6EA2D55Cu),
    ROW(0xEF306B19u, 0xDB8CA0C3u, 0xB2F53777u, 0x6006181Fu, 0xC00C303Eu, 0x85F4168Du, 0x0E045BEBu, 0x1C08B7D6u),
    ROW(0x68032CC8u, 0xD0065990u, 0xA5E0C5D1u, 0x4E2DFD53u, 0x9C5BFAA6u, 0x3D5B83BDu, 0x7AB7077Au, 0xF56E0EF4u),
    ROW(0x493C7D27u, 0x9278FA4Eu, 0x211D826Du, 0x423B04DAu, 0x847609B4u, 0x0D006599u, 0x1A00CB32u, 0x34019664u)};

static inline uint32_t by_tables(const segj_crc_table_t table, uint32_t crc, const uint8_t *from, size_t size)
{
    crc = ~crc;
    for (; size >= 8; from += 8, size -= 8)
        crc = segj_crc_step(table, crc ^ segj_crc_load(from), segj_crc_load(from + 4));
    if (size >= 4) {
        crc = segj_crc_half_step(table, crc ^ segj_crc_load(from));
        from += 4;
        size -= 4;
    }
    if (size >= 2) {
        crc = segj_crc_quarter_step(table, crc, (uint32_t)from[0] | (uint32_t)from[1] << 8);
        from += 2;
        size -= 2;
    }
    if (size > 0)
        crc = crc >> 8 ^ table[0][(crc ^ *from) & 0xFF];
    return ~crc;
}

uint32_t segj_crc32_by_tables(uint32_t crc, const void *data, size_t size)
{
    return by_tables(segj_crc32_table, crc, data, size);
}

uint32_t segj_crc32c_by_tables(uint32_t crc, const void *data, size_t size)
{
    return by_tables(crc32c_table, crc, data, size);
}
