/*
 * quickstart_cpp: one record into a journal, looked at, and all of them read. Run it again: the journal goes on.
 */
#include <iostream>

#include <segjournal/oversized.hpp>

int main()
try {
    segj::journal journal(segj::config("quickstart_cpp.journal", 8)); // a directory, and the bytes of an entry
    const std::uint64_t position = journal.append(7, "an entry", "a value");
    journal.sync(7); // from here on it survives a power cut
    std::cout << "record " << position << " is \"" << journal.view(7, position) << "\"\n";
    for (const segj::record &record : journal.records())
        std::cout << record.section() << '/' << record.position() << ": " << record.entry() << ": " << record.value()
                  << '\n';
    journal.close();
} catch (const segj::error &error) {
    std::cerr << "quickstart_cpp: " << error.what() << '\n';
    return 1;
}
