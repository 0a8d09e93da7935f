/*
 * cpp/test_no_exceptions.cpp: with -fno-exceptions the C++ headers compile, and results tell everything: a program opens,
 * appends, syncs, reads, walks, streams and meets failures.
 *
 * COMPILE: -fno-exceptions
 */
#include <iterator>
#include <string>

#include "cpp/cases.hpp"

#if SEGJ_CPP_THROWS
#error "exceptions are on"
#endif

namespace
{

using cases::directory;

/* Whether there is a call that throws. */
template <class T, class = void> struct throws : std::false_type {
};
template <class T> struct throws<T, std::void_t<decltype(std::declval<T &>().sync(1))>> : std::true_type {
};
static_assert(!throws<segj::journal>::value, "the calls that throw are not declared");

void test_a_program_of_results()
{
    directory home;
    segj::result<segj::journal> opened = segj::journal::try_open(home.config());
    check(opened);
    segj::journal journal = *std::move(opened);
    const segj::result<std::uint64_t> position = journal.try_append(7, "entry-00", "a value");
    check(position && *position == 0 && journal.try_sync(7));
    check(*journal.try_view(7, 0) == "a value" && *journal.try_read(7, 0) == "a value");
    segj::batch batch(8);
    check(batch.try_add("entry-01", "one") && batch.try_refer("entry-02", "two") && journal.try_append(7, batch));
    check(!batch.try_add("short", "one") && batch.size() == 2);

    segj::result<segj::records> records = journal.try_records();
    check(records);
    std::string all;
    for (const segj::record &record : *records) {
        const segj::result<std::string_view> value = record.try_value();
        check(value);
        all.append(*value).append(" ");
    }
    check(!records->failed() && all == "a value one two ");
    check(journal.try_close() && !journal);
}

void test_failures()
{
    directory home;
    segj::journal journal = *segj::journal::try_open(home.config());
    const segj::result<segj::journal> second = segj::journal::try_open(home.config());
    check(!second && second.status() == SEGJ_ERR_LOCKED && second.message()[0] != '\0');
    check(journal.try_append(7, "short", "v").status() == SEGJ_ERR_INVALID);
    check(journal.try_append(7, "entry-00", "v") && journal.try_append(8, "entry-00", "v"));
    segj::records records = *journal.try_records();
    std::size_t found = 0;
    for (const segj::record &record : records) {
        found += record.section();
        check(journal.try_prune(9));
    }
    check(found == 7 && records.failed() && records.why().status() == SEGJ_ERR_PRUNED);
    check(journal.try_append(9, "entry-00", "v"));
    segj::section_records of_one = *journal.try_records_of(9);
    check(std::distance(of_one.begin(), of_one.end()) == 1);
    segj::sections sections = *journal.try_sections();
    check(sections.begin() != sections.end() && *sections.begin() == 9);
}

void test_streams_of_results()
{
    directory home;
    const std::string value(100000, 'v');
    {
        segj::journal journal = *segj::journal::try_open(home.config());
        segj::ostream out(*segj::writer::try_open(journal, 7, "entry-00", value.size()));
        out << value;
        check(out.good() && out.try_finish());
        segj::istream in(*segj::reader::try_open(journal, 7, *journal.try_get(7, 0)));
        check(std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()) == value && !in.bad());
        segj::ostream long_one(*segj::writer::try_open(journal, 7, "entry-01", 3));
        long_one << "four" << std::flush;
        check(long_one.bad() && long_one.try_finish().status() == SEGJ_ERR_INVALID);
    }
    directory::spoil(home.file("values", 7), 50000);
    segj::journal journal = *segj::journal::try_open(home.config());
    segj::istream in(*segj::reader::try_open(journal, 7, *journal.try_get(7, 0)));
    std::string found(value.size(), ' ');
    in.read(found.data(), static_cast<std::streamsize>(found.size()));
    check(in.bad() && in.why().status() == SEGJ_ERR_CHECKSUM);
}

} // namespace

int main()
{
    const cases::test tests[] = {
        {"test_a_program_of_results", test_a_program_of_results},
        {"test_failures", test_failures},
        {"test_streams_of_results", test_streams_of_results},
    };
    return cases::run(tests);
}
