/*
 * cpp/test_streams.cpp: values in pieces, by handles and as std::ostream and std::istream: what goes in comes out, what is
 * not finished is not there, and a wrong value never comes to its end.
 */
#include <algorithm>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "cpp/cases.hpp"

namespace
{

using cases::directory;

std::string large()
{
    std::string value(300000, ' ');
    std::uint32_t state = 1;
    for (char &each : value)
        each = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return value;
}

std::string all_of(std::istream &stream)
{
    return std::string(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
}

void test_writers_and_readers()
{
    directory home;
    segj::journal journal(home.config());
    const std::string value = large();
    segj::writer writer(journal, 7, "entry-00", value.size());
    writer.write(value.substr(0, 100000));
    check(journal.try_append(7, "entry-01", "v").status() == SEGJ_ERR_BUSY);
    segj::writer moved = std::move(writer);
    check(!writer && moved && moved.handle() != nullptr && writer.try_write("x").status() == SEGJ_ERR_INVALID);
    check(moved.try_write(std::string_view(value).substr(100000)));
    oversized_location_t location = {};
    check(moved.finish(&location) == 0 && !moved);
    check_throws(moved.finish(), SEGJ_ERR_INVALID);

    segj::reader reader(journal, 7, location);
    check(reader.size() == value.size() && reader);
    std::string found(static_cast<std::size_t>(reader.size()), ' ');
    check(reader.read({found.data(), 1000}) == 1000);
    segj::reader rest = std::move(reader);
    check(!reader && reader.size() == 0 && reader.try_read(found).status() == SEGJ_ERR_INVALID);
    std::size_t at = 1000;
    while (const std::size_t done = rest.read({found.data() + at, 70000}))
        at += done;
    check(at == value.size() && found == value && *rest.try_read(found) == 0);
    reader = std::move(rest);
    reader.close();
    check_throws(reader.read(found), SEGJ_ERR_INVALID);
    check((*segj::reader::try_open(journal, 7, location, true)).size() == value.size());
}

void test_what_is_not_finished()
{
    directory home;
    segj::journal journal(home.config());
    {
        segj::writer writer(journal, 7, "entry-00", 10);
        writer.write("five.");
    }
    segj::writer writer(journal, 7, "entry-00", 10);
    writer.write("five.");
    writer = segj::writer(journal, 8, "entry-00", 3); // the one before is abandoned
    check(journal.append(7, "entry-00", "v") == 0);
    check_throws(writer.write("four"), SEGJ_ERR_INVALID);
    check_throws(writer.finish(), SEGJ_ERR_INVALID);
    writer = *segj::writer::try_open(journal, 8, "entry-00", 3);
    writer.abandon();
    check(!writer && journal.count(8) == 0);
}

void test_streams()
{
    directory home;
    segj::config config = home.config();
    for (int level = 0; level <= 3; level += 3) {
        config.compression = level;
        segj::journal journal(config);
        const std::uint64_t section = 7 + static_cast<std::uint64_t>(level);
        const std::string value = large();
        segj::ostream out(segj::writer(journal, section, "entry-00", value.size()));
        std::istringstream from(value.substr(10));
        out << value.substr(0, 3);
        for (std::size_t i = 3; i < 10; i++)
            out.put(value[i]);
        out << from.rdbuf() << std::flush;
        check(out.good());
        oversized_location_t location = {};
        check(out.finish(&location) == 0);

        segj::istream in(segj::reader(journal, section, location));
        check(in.size() == value.size() && in.rdbuf()->in_avail() == static_cast<std::streamsize>(value.size()));
        std::string head(10, ' ');
        check(in.read(head.data(), 10) && head == value.substr(0, 10) && in.peek() == (value[10] & 0xff));
        check(head + all_of(in) == value && in.why().status() == SEGJ_OK);
        check(in.rdbuf()->in_avail() == -1);
        segj::istream whole(segj::reader(journal, section, location, true));
        std::string found(value.size() + 1, ' ');
        whole.read(found.data(), static_cast<std::streamsize>(found.size()));
        check(whole.eof() && !whole.bad() && static_cast<std::size_t>(whole.gcount()) == value.size());
        check(found.compare(0, value.size(), value) == 0);
    }
}

void test_lines()
{
    directory home;
    segj::journal journal(home.config());
    const std::string text = "one\ntwo words\nthree\n";
    segj::ostream out(segj::writer(journal, 7, "entry-00", text.size()));
    out << "one\n"
        << "two words\n"
        << "three" << '\n';
    check(*out.try_finish() == 0);
    segj::istream in(segj::reader(journal, 7, journal.get(7, 0)));
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    check((lines == std::vector<std::string>{"one", "two words", "three"}) && in.eof() && !in.bad());
}

void test_a_stream_that_is_too_long_or_too_short()
{
    directory home;
    segj::journal journal(home.config());
    segj::ostream out(segj::writer(journal, 7, "entry-00", 4));
    out << "five." << std::flush;
    check(out.bad() && out.why().status() == SEGJ_ERR_INVALID);
    check(out.try_finish().status() == SEGJ_ERR_INVALID);
    segj::ostream short_one(segj::writer(journal, 8, "entry-00", 4));
    short_one << "abc";
    check_throws(short_one.finish(), SEGJ_ERR_INVALID);
    {
        segj::ostream left(segj::writer(journal, 9, "entry-00", 4));
        left << "abcd"; // and no finish
    }
    check(journal.append(9, "entry-00", "v") == 0 && journal.count(8) == 0);
}

void test_a_wrong_value_has_no_end()
{
    directory home;
    const std::string value = large();
    {
        segj::journal journal(home.config());
        journal.append(7, "entry-00", value);
    }
    directory::spoil(home.file("values", 7), 150000);
    segj::journal journal(home.config());
    const oversized_location_t location = journal.get(7, 0);
    segj::istream in(segj::reader(journal, 7, location));
    std::string found(value.size(), ' ');
    in.read(found.data(), static_cast<std::streamsize>(found.size()));
    check(in.bad() && !in.eof() && in.why().status() == SEGJ_ERR_CHECKSUM);
    segj::istream thrown(segj::reader(journal, 7, location));
    check_throws(all_of(thrown), SEGJ_ERR_CHECKSUM);
    segj::istream strict(segj::reader(journal, 7, location));
    strict.exceptions(std::ios::badbit);
    std::ostringstream sink;
    check_throws(strict.read(found.data(), static_cast<std::streamsize>(found.size())), SEGJ_ERR_CHECKSUM);
    check(segj::reader::try_open(journal, 7, location, true).status() == SEGJ_ERR_CHECKSUM);
    check_throws(segj::reader(journal, 7, location, true), SEGJ_ERR_CHECKSUM);
}

} // namespace

int main()
{
    const cases::test tests[] = {
        {"test_writers_and_readers", test_writers_and_readers},
        {"test_what_is_not_finished", test_what_is_not_finished},
        {"test_streams", test_streams},
        {"test_lines", test_lines},
        {"test_a_stream_that_is_too_long_or_too_short", test_a_stream_that_is_too_long_or_too_short},
        {"test_a_wrong_value_has_no_end", test_a_wrong_value_has_no_end},
    };
    return cases::run(tests);
}
