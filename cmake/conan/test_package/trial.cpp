// One record into a journal in memory, and out of it.
#include <iostream>

#include <segjournal/oversized.hpp>

int main()
try {
    segj::memory_storage storage;
    segj::config config("trial", 8);
    config.storage = storage.get();
    config.compression = 3;
    segj::journal journal(config);
    const std::uint64_t position = journal.append(7, "an entry", "a value");
    journal.sync(7);
    std::cout << "segjournal " << segj::version() << ": " << journal.read(7, position) << '\n';
} catch (const segj::error &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
