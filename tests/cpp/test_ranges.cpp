/*
 * cpp/test_ranges.cpp: records and sections are ranges, for loops and for algorithms: they give what the C walk gives, go
 * on behind damage, and end or throw where a step fails.
 */
#include <algorithm>
#include <cstring>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "cpp/cases.hpp"

#if defined(__cpp_lib_ranges)
#include <ranges>
#endif

namespace
{

using cases::directory;

/* Sections 2, 4 and 6, with 3 records each. */
segj::journal three_sections(const directory &home)
{
    segj::journal journal(home.config());
    for (std::uint64_t section = 2; section <= 6; section += 2)
        for (std::uint64_t i = 0; i < 3; i++) {
            const std::uint64_t number = section * 10 + i;
            journal.append(section, segj::bytes_of(number), "value " + std::to_string(number));
        }
    journal.sync_all();
    return journal;
}

std::string names(segj::records records)
{
    std::string all;
    for (const segj::record &record : records)
        all += std::to_string(record.section()) + "/" + std::to_string(record.position()) + " ";
    return all;
}

void test_loops_over_records()
{
    directory home;
    segj::journal journal = three_sections(home);
    std::size_t count = 0;
    for (const segj::record &record : journal.records()) {
        const std::uint64_t number = record.section() * 10 + record.position();
        check(record.entry_as<std::uint64_t>() == number && record.entry().size() == 8);
        check(record.entry_as<std::uint32_t>() == 0); // of another size
        check(record.value() == "value " + std::to_string(number) && record.try_value()->size() == 8);
        check(record.location().size == 12);
        count++;
    }
    check(count == 9);
    check(names(journal.records()) == "2/0 2/1 2/2 4/0 4/1 4/2 6/0 6/1 6/2 ");
    check(names(journal.records(4, 2)) == "4/2 6/0 6/1 6/2 ");
    check(names(journal.records_back()) == "6/2 6/1 6/0 4/2 4/1 4/0 2/2 2/1 2/0 ");
    check(names(journal.records_back(4, 1)) == "4/0 2/2 2/1 2/0 ");
    check(names(*journal.try_records(6)) == "6/0 6/1 6/2 ");
    check(names(*journal.try_records_back(2)) == "2/2 2/1 2/0 ");
    check_throws(journal.records(4, 9), SEGJ_ERR_NO_RECORD);
    check(journal.try_records_of(4, 9).status() == SEGJ_ERR_NO_RECORD);
}

void test_records_of_one_section()
{
    directory home;
    segj::journal journal = three_sections(home);
    std::vector<std::uint64_t> found;
    for (const segj::record &record : journal.records_of(4, 1))
        found.push_back(record.entry_as<std::uint64_t>());
    check((found == std::vector<std::uint64_t>{41, 42}));
    for (const segj::record &record : journal.records_of(5)) // there is none
        check(record.section() == 5);
    segj::section_records last = *journal.try_records_of(6, 3);
    check(last.begin() == last.end() && !last.failed());
}

void test_loops_over_sections()
{
    directory home;
    segj::journal journal = three_sections(home);
    std::vector<std::uint64_t> found;
    for (const std::uint64_t section : journal.sections())
        found.push_back(section);
    for (const std::uint64_t section : journal.sections_back())
        found.push_back(section);
    check((found == std::vector<std::uint64_t>{2, 4, 6, 6, 4, 2}));
    segj::sections all = *journal.try_sections_back();
    check(std::accumulate(all.begin(), all.end(), std::uint64_t{0}) == 12);
    check(std::distance(all.begin(), all.end()) == 3 && !all.failed()); // again
    directory empty;
    const segj::journal nothing(empty.config());
    segj::sections none = nothing.sections();
    check(none.begin() == none.end());
    segj::records no_records = nothing.records();
    check(no_records.begin() == no_records.end());
}

void test_algorithms()
{
    directory home;
    segj::journal journal = three_sections(home);
    segj::records records = journal.records();
    const auto found = std::find_if(records.begin(), records.end(),
                                    [](const segj::record &record) { return record.value() == "value 41"; });
    check(found != records.end() && found->section() == 4 && found->position() == 1);
    check(std::count_if(++segj::records::iterator(found), records.end(), [](const segj::record &) { return true; }) ==
          4);
    segj::records again = journal.records();
    std::vector<std::string> values;
    std::transform(again.begin(), again.end(), std::back_inserter(values),
                   [](const segj::record &record) { return std::string(record.value()); });
    check(values.size() == 9 && values.front() == "value 20" && values.back() == "value 62");
    using traits = std::iterator_traits<segj::records::iterator>;
    static_assert(std::is_same_v<traits::value_type, segj::record>, "what algorithms ask");
    static_assert(std::is_same_v<traits::iterator_category, std::input_iterator_tag>, "it is read once");
#if defined(__cpp_lib_ranges) && !defined(__clang__) // clang 14 cannot compile all of libstdc++'s views
    static_assert(std::ranges::input_range<segj::records> && std::ranges::common_range<segj::records>);
    static_assert(std::ranges::input_range<segj::section_records> && std::ranges::input_range<segj::sections>);
    segj::records third = journal.records();
    check(std::ranges::count_if(third, [](const segj::record &record) { return record.position() == 0; }) == 3);
    std::uint64_t sum = 0;
    for (const std::uint64_t number :
         journal.records() | std::views::filter([](const auto &record) { return record.position() < 2; }) |
             std::views::transform([](const auto &record) { return record.template entry_as<std::uint64_t>(); }) |
             std::views::take(3))
        sum += number;
    check(sum == 20 + 21 + 40);
#endif
#if defined(__cpp_lib_span)
    const segj::buffer value = journal.read(4, 1);
    const std::span<const std::byte> bytes = value.span();
    check(bytes.size() == 8 && static_cast<char>(bytes.front()) == 'v');
    std::vector<std::byte> into(8);
    check(journal.get(4, 1, std::span<std::byte>(into)).size == 12 && into[0] == std::byte{41});
    check(journal.append(4, std::span<const std::byte>(into), bytes) == 3 && journal.read(4, 3) == "value 41");
#endif
}

void test_the_handle_of_a_walk()
{
    directory home;
    segj::journal journal = three_sections(home);
    segj::replay walk = segj::replay::open(journal, 4, 0);
    check(walk && walk.handle() != nullptr && walk.next()->position() == 0);
    segj::replay moved = std::move(walk);
    check(!walk && walk.try_next().status() == SEGJ_ERR_INVALID && moved.next()->position() == 1);
    check(moved.now().position() == 1 && moved.now().value() == "value 41");
    walk = std::move(moved);
    check(walk.step() == SEGJ_OK && walk.now().position() == 2);
    walk.close();
    check_throws(walk.next(), SEGJ_ERR_INVALID);
    check(walk.now().try_value().status() == SEGJ_ERR_INVALID);
    segj::replay back = segj::replay::open_back(journal, 2, 1);
    check(back.next()->entry_as<std::uint64_t>() == 20 && !back.next() && !*back.try_next());
    check((*segj::replay::try_open(journal, 6, 2)).next()->position() == 2);
    check((*segj::replay::try_open_back(journal, 6, 2)).next()->position() == 1);
}

/* A journal of many records, whose second page of one section is damaged. In version 2 nothing of it would be lost. */
segj::journal damaged(const directory &home)
{
    {
        segj::config config = home.config();
        config.native_version = 1;
        segj::journal journal(config);
        for (std::uint64_t i = 0; i < 1000; i++)
            journal.append(7, segj::bytes_of(i), "v");
    }
    directory::spoil(home.file("index", 7), 8192 + 2000);
    return segj::journal(home.config());
}

void test_a_damaged_page()
{
    directory home;
    segj::journal journal = damaged(home);
    std::vector<bool> seen(1000);
    segj::records records = journal.records();
    std::size_t failures = 0;
    for (bool more = true; more;) {
        try {
            for (const segj::record &record : records)
                seen[static_cast<std::size_t>(record.position())] = true;
            more = false;
        } catch (const segj::error &error) {
            check(error.status() == SEGJ_ERR_CORRUPT && records.failed());
            check(!seen[static_cast<std::size_t>(records.now().position())] && records.now().entry().empty());
            failures++;
        }
    }
    check(failures == 1 && !records.failed() && seen.front() && seen.back());
    const auto missing = std::count(seen.begin(), seen.end(), false);
    check(missing >= 203 && missing <= 206);

    segj::records quiet = *journal.try_records();
    std::size_t found = 0;
    for (const segj::record &record : quiet)
        found += record.section() == 7 ? 1u : 0u;
    check(quiet.failed() && quiet.why().status() == SEGJ_ERR_CORRUPT);
    check(std::strstr(quiet.why().message(), "0000000000000007") != nullptr);
    for (const segj::record &record : quiet) // goes on behind it
        found += record.section() == 7 ? 1u : 0u;
    check(!quiet.failed() && found == 1000 - static_cast<std::size_t>(missing));
}

void test_a_walk_that_a_prune_ends()
{
    directory home;
    segj::journal journal = three_sections(home);
    segj::records records = *journal.try_records();
    segj::records thrown = journal.records();
    auto at = records.begin();
    auto other = thrown.begin();
    journal.prune(4);
    ++at;
    check(at == records.end() && records.why().status() == SEGJ_ERR_PRUNED);
    check_throws(++other, SEGJ_ERR_PRUNED);
}

} // namespace

int main()
{
    const cases::test tests[] = {
        {"test_loops_over_records", test_loops_over_records},
        {"test_records_of_one_section", test_records_of_one_section},
        {"test_loops_over_sections", test_loops_over_sections},
        {"test_algorithms", test_algorithms},
        {"test_the_handle_of_a_walk", test_the_handle_of_a_walk},
        {"test_a_damaged_page", test_a_damaged_page},
        {"test_a_walk_that_a_prune_ends", test_a_walk_that_a_prune_ends},
    };
    return cases::run(tests);
}
