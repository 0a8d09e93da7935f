// A user of segjournal in C++17, by the C headers and by the C++ ones: appends, syncs, reads back, closes, opens again and
// reads once more.
// consumer DIRECTORY, which must not exist yet.
#include <cstring>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <segjournal/oversized.h>
#include <segjournal/oversized.hpp>
#include <segjournal/version.h>

namespace
{

struct Close {
    void operator()(oversized_t *journal) const
    {
        oversized_abandon(journal); // after a failure; a good end closes, and looks at the answer
    }
};
using Journal = std::unique_ptr<oversized_t, Close>;

void check(segj_status_t status)
{
    if (status != SEGJ_OK)
        throw std::runtime_error(std::string(segj_status_name(status)) + ": " + segj_last_error());
}

Journal open(const oversized_config_t &config)
{
    oversized_t *journal = nullptr;
    check(oversized_open(&config, &journal));
    return Journal(journal);
}

std::string read(const Journal &journal, std::uint64_t position, std::string entry)
{
    segj_buffer_t buffer{};
    check(oversized_read(journal.get(), 7, position, entry.data(), &buffer));
    std::string value(static_cast<const char *>(buffer.data), buffer.size);
    segj_buffer_free(&buffer);
    return entry + value;
}

std::string view(const Journal &journal, std::uint64_t position, std::string entry)
{
    oversized_view_t shown{};
    check(oversized_view(journal.get(), 7, position, entry.data(), &shown));
    std::string value(static_cast<const char *>(shown.data), shown.size);
    oversized_view_release(&shown);
    return entry + value;
}

std::string pieces(const Journal &journal, std::uint64_t position, std::string entry)
{
    segj_buffer_t memory{};
    oversized_value_t value{};
    value.position = position;
    value.entry = entry.data();
    check(oversized_read_values(journal.get(), 7, &value, 1, &memory));
    check(oversized_get_values(journal.get(), 7, &value, 1, &memory));
    std::string all(value.size, '\0');
    segj_buffer_free(&memory);

    oversized_reader_t *reader = nullptr;
    std::size_t at = 0;
    std::size_t done = 0;
    check(oversized_reader_open(journal.get(), 7, value.location, true, &reader));
    all.resize(static_cast<std::size_t>(oversized_reader_size(reader)));
    while (oversized_reader_read(reader, &all[at], 4096, &done) == SEGJ_OK && at + done < all.size())
        at += done;
    oversized_reader_close(reader);
    return entry + all;
}

std::string scan(const Journal &journal)
{
    oversized_replay_t *replay = nullptr;
    oversized_item_t item{};
    const void *value = nullptr;
    std::size_t size = 0;
    check(oversized_replay_open(journal.get(), 7, 0, 65536, &replay));
    std::string all;
    while (oversized_replay_next(replay, &item) == SEGJ_OK) {
        check(oversized_replay_value(replay, &value, &size));
        all.append(static_cast<const char *>(item.entry), 8);
        all.append(static_cast<const char *>(value), size);
    }
    oversized_replay_close(replay);
    return all;
}

void use(const char *directory)
{
    const std::string entry = "entry-01";
    const std::string value(100000, 'v');

    oversized_config_t config;
    oversized_config_init(&config);
    config.directory = directory;
    config.entry_size = static_cast<std::uint32_t>(entry.size());

    std::uint64_t position = 0;
    Journal journal = open(config);
    check(oversized_append(journal.get(), 7, entry.data(), value.data(), value.size(), &position, nullptr));
    check(oversized_sync(journal.get(), 7));
    if (read(journal, position, entry) != entry + value)
        throw std::runtime_error("the record differs");
    check(oversized_close(journal.release()));

    config.must_exist = true;
    config.map_values = true;
    journal = open(config);
    if (view(journal, position, entry) != entry + value || scan(journal) != entry + value)
        throw std::runtime_error("the record looks different");
    if (pieces(journal, position, entry) != entry + value)
        throw std::runtime_error("the record differs in pieces");
    if (read(journal, position, entry) != entry + value)
        throw std::runtime_error("the record differs after opening again");
    check(oversized_close(journal.release()));
}

// The same journal by the C++ headers.
void use_again(const char *directory)
{
    segj::journal journal(segj::config(directory, 8));
    std::uint64_t records = 0;
    for (const segj::record &record : journal.records())
        if (record.entry() == "entry-01" && record.value() == std::string(100000, 'v'))
            records++;
    if (records != 1 || journal.append(7, "entry-02", "value") != 1 || journal.view(7, 1) != "value")
        throw std::runtime_error("the record differs by the C++ headers");
    journal.close();
    try {
        segj::journal none(segj::config(directory, 9));
        throw std::runtime_error("a wrong size of entries is not refused");
    } catch (const segj::error &error) {
        if (error.code() != SEGJ_ERR_MISMATCH)
            throw;
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: consumer DIRECTORY\n";
        return 2;
    }
    try {
        use(argv[1]);
        use_again(argv[1]);
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    std::cout << "C++17 consumer of segjournal " << segj_version() << ": ok\n";
    return 0;
}
