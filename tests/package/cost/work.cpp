/*
 * package/cost/work.cpp: the same in C++, and the program that does both.
 */
#include <cstdlib>
#include <iostream>

#include <segjournal/oversized.hpp>

#include "work.h"

namespace
{

const char bytes[WORK_VALUE] = {'v'};
volatile std::size_t sink;

segj::bytes entry_bytes()
{
    return {bytes, WORK_ENTRY};
}

segj::bytes value_bytes()
{
    return {bytes, WORK_VALUE};
}

} // namespace

void cpp_append(oversized_t *handle, unsigned long times)
{
    segj::journal_ref journal(handle);
    for (unsigned long i = 0; i < times; i++)
        journal.append(WORK_SECTION + 1, entry_bytes(), value_bytes());
}

void cpp_get(oversized_t *handle, unsigned long times)
{
    const segj::journal_ref journal(handle);
    char entry[WORK_ENTRY];
    for (unsigned long i = 0; i < times; i++)
        journal.get(WORK_SECTION, i, entry);
}

void cpp_read(oversized_t *handle, unsigned long times)
{
    const segj::journal_ref journal(handle);
    char entry[WORK_ENTRY];
    segj::buffer value;
    for (unsigned long i = 0; i < times; i++) {
        journal.read(WORK_SECTION, i, value, entry);
        sink = value.size();
    }
}

void cpp_view(oversized_t *handle, unsigned long times)
{
    const segj::journal_ref journal(handle);
    segj::view view;
    for (unsigned long i = 0; i < times; i++) {
        journal.view(WORK_SECTION, i, view);
        sink = view.size();
    }
}

void cpp_walk(oversized_t *handle, unsigned long times)
{
    std::size_t sum = 0;
    for (const segj::record &record : segj::journal_ref(handle).records_of(WORK_SECTION))
        sum += static_cast<std::size_t>(record.position());
    sink = sum + times;
}

void cpp_walk_values(oversized_t *handle, unsigned long times)
{
    std::size_t sum = 0;
    for (const segj::record &record : segj::journal_ref(handle).records_of(WORK_SECTION))
        sum += record.value().size();
    sink = sum + times;
}

/* Used before, as the array of C is there before: one that grows moves its records. */
static segj::batch batch(WORK_ENTRY);

void cpp_batch(oversized_t *handle, unsigned long times)
{
    segj::journal_ref journal(handle);
    for (unsigned long i = 0; i < times; i++)
        batch.refer(entry_bytes(), value_bytes());
    journal.append(WORK_SECTION + 2, batch);
}

namespace
{

/* A journal of its own for each, so that both find the same. */
void work(unsigned long times, void (*const (&parts)[7])(oversized_t *, unsigned long))
{
    segj::memory_storage storage;
    segj::config config("cost", WORK_ENTRY);
    config.storage = storage.get();
    segj::journal journal(config);
    for (unsigned long i = 0; i < times; i++)
        journal.append(WORK_SECTION, entry_bytes(), value_bytes());
    journal.sync_all();
    for (const auto part : parts)
        part(journal.handle(), times);
}

} // namespace

int main(int argc, char **argv)
try {
    const unsigned long times = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
    for (unsigned long i = 0; i < times; i++)
        batch.refer(entry_bytes(), value_bytes());
    batch.clear();
    work(times, {c_append, c_get, c_read, c_view, c_walk, c_walk_values, c_batch});
    work(times, {cpp_append, cpp_get, cpp_read, cpp_view, cpp_walk, cpp_walk_values, cpp_batch});
    return 0;
} catch (const segj::error &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
