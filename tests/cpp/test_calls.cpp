/*
 * cpp/test_calls.cpp: each call of a journal in C++ does what its C call does, by exceptions and by results, and refuses
 * entries of a wrong size and journals that are gone.
 */
#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "cpp/cases.hpp"

namespace
{

using cases::directory;

struct key {
    std::uint32_t high;
    std::uint32_t low;
};

void test_appends_and_reads()
{
    directory home;
    segj::journal journal(home.config());
    oversized_location_t location = {};
    check(journal.append(7, "entry-00", "value") == 0);
    check(journal.append(7, std::string("entry-01"), std::string(1000, 'b'), &location) == 1);
    check(location.size == 1004);
    check(*journal.try_append(7, "entry-02", std::vector<unsigned char>(5, 'c')) == 2);
    check(journal.append_pieces(7, "entry-03", {"in ", std::string_view("pieces"), "!"}) == 3);
    const std::array<segj::bytes, 2> two = {segj::bytes("x"), segj::bytes("y")};
    check(*journal.try_append_pieces(7, "entry-04", two) == 4);

    check(journal.read(7, 0) == "value");
    segj::buffer value;
    std::array<char, 8> entry = {};
    journal.read(7, 1, value, entry);
    check(value == std::string(1000, 'b') && std::string_view(entry.data(), 8) == "entry-01");
    const std::size_t capacity = value.capacity();
    check(journal.try_read(7, 3, value) && value == "in pieces!" && value.capacity() == capacity);
    check(*journal.try_read(7, 4, entry) == "xy" && std::string_view(entry.data(), 8) == "entry-04");

    check(journal.get(7, 1).offset == location.offset);
    check(journal.get_value(7, location) == std::string(1000, 'b'));
    check(journal.try_get_value(7, location, value) && value.size() == 1000);
    journal.get_value(7, location, value);
    check(*journal.try_get_value(7, location) == value);
    std::string last(8, ' ');
    check(journal.last(7, last)->size == 6 && last == "entry-04");
    check((*journal.try_last(7))->size == 6);
    check_throws(journal.last(8), SEGJ_ERR_NO_SECTION);
    journal.rewind_to(7, 0);
    check(!journal.last(7) && !*journal.try_last(7));
}

void test_views()
{
    directory home;
    segj::config config = home.config();
    config.map_values = true;
    segj::journal journal(config);
    journal.append(7, "entry-00", "zero");
    const std::uint64_t position = journal.append(7, "entry-01", "one");
    journal.sync(7);
    char entry[8];
    segj::view view = journal.view(7, position, entry);
    check(view == "one" && "one" == view && view != "two" && std::memcmp(entry, "entry-01", 8) == 0);
    check(std::string_view(view) == "one" && view.str() == "one" && view.size() == 3 && !view.empty());
    check_throws(journal.rewind_to(7, 0), SEGJ_ERR_BUSY);
    journal.view(7, 0, view);
    check(view == "zero");
    const oversized_location_t at = journal.get(7, 1);
    check(journal.try_view_value(7, at, view) && view == "one");
    journal.view_value(7, at, view);
    check(journal.view_value(7, at) == view && *journal.try_view_value(7, at) == view);
    check(*journal.try_view(7, 0) == "zero" && journal.try_view(7, 1, view));
    segj::view other = std::move(view);
    check(other == "one" && view.empty());
    other = journal.view(7, 0); // gives back the one
    check(other == "zero");
    other.release();
    check(other.empty());
    journal.rewind_to(7, 0);
    check(journal.count(7) == 0);
}

void test_batches()
{
    directory home;
    segj::journal journal(home.config());
    segj::batch batch(journal.entry_size());
    const std::string large(100000, 'l');
    for (int i = 0; i < 100; i++) {
        std::string entry = "entry-" + std::string(i < 10 ? "0" : "") + std::to_string(i);
        batch.add(entry, i == 50 ? large : "value " + std::to_string(i));
        std::fill(entry.begin(), entry.end(), '?'); // a copy was taken
    }
    static const char kept[] = "kept";
    batch.refer("entry-ab", kept);
    check(batch.size() == 101 && batch.data()[100].value == kept);
    std::vector<oversized_location_t> locations(batch.size());
    check(journal.append(7, batch, locations.data()) == 0);
    check(journal.append(8, batch) == 0 && *journal.try_append(8, batch) == 101);
    std::string entry(8, ' ');
    check(journal.read(7, 42, entry) == "value 42" && entry == "entry-42");
    check(journal.get_value(7, locations[50]) == large && journal.read(7, 100) == "kept");
    check_throws(batch.add("short", "value"), SEGJ_ERR_INVALID);
    check(batch.try_refer("entry-much-longer", "value").status() == SEGJ_ERR_INVALID && batch.size() == 101);
    batch.clear();
    check(batch.empty());
    batch.add("entry-00", "");
    check(journal.append(9, batch) == 0 && journal.read(9, 0) == "");
    segj::batch others(4);
    others.add("four", "value");
    check_throws(journal.append(7, others), SEGJ_ERR_INVALID);
    segj::batch moved = std::move(batch);
    check(moved.size() == 1 && batch.empty());
    batch = std::move(moved);
    check(batch.size() == 1);
}

void test_values()
{
    directory home;
    segj::journal journal(home.config());
    for (int i = 0; i < 20; i++)
        journal.append(7, "entry-0" + std::to_string(i % 10), "value " + std::to_string(i));
    segj::values values;
    std::vector<key> keys(20);
    for (std::size_t i = 0; i < 20; i++)
        values.want(19 - i, segj::space_of(keys[i]));
    check(values.size() == 20 && !values.empty());
    journal.read_values(7, values);
    std::size_t at = 0;
    for (const segj::value &value : values) {
        check(value.ok() && value.position == 19 - at && value.text() == "value " + std::to_string(19 - at));
        check(std::memcmp(&keys[at], "entry-0", 7) == 0);
        at++;
    }
    check(at == 20);
    const oversized_location_t third = values[3].location;
    values.clear();
    values.want_value(third);
    check(values.try_want_value({third.offset, 2}));
    check(journal.try_get_values(7, values).status() == SEGJ_ERR_RANGE);
    check(values[0].ok() && values[0].text() == "value 16" && values[1].status == SEGJ_ERR_RANGE);
    check_throws(journal.get_values(7, values), SEGJ_ERR_RANGE);
    values.clear();
    values.want(99);
    check_throws(journal.read_values(7, values), SEGJ_ERR_NO_RECORD);
    check(!values[0].ok() && values[0].text().empty());
    char small[4];
    values.clear();
    check(values.try_want(0, small));
    check(values.try_want(0, segj::space_of(keys[0])).status() == SEGJ_ERR_INVALID);
    check(journal.try_read_values(7, values).status() == SEGJ_ERR_INVALID);
}

void test_making_durable()
{
    directory home;
    segj::journal journal(home.config());
    for (std::uint64_t section = 1; section <= 4; section++)
        journal.append(section, "entry-00", "value");
    journal.flush(1);
    journal.sync(1);
    journal.sync_sections({2, 3});
    const std::vector<std::uint64_t> numbers = {3, 4};
    check(journal.try_sync_sections(numbers));
    const oversized_ticket_t ticket = journal.sync_start(4);
    journal.append(4, "entry-01", "value");
    journal.sync_wait(ticket);
    check(ticket.section == 4);
    journal.sync_all();
    check(journal.try_flush(1) && journal.try_sync(1) && journal.try_sync_all());
    check(journal.try_sync_wait(*journal.try_sync_start(1)));
    journal.abandon(); // as if it were killed
    segj::journal again(home.config());
    check(again.count(4) == 2 && again.recovery().records == 5 && again.recovery().synced_records_lost == 0);
}

void test_removing_and_asking()
{
    directory home;
    segj::config config = home.config();
    config.native_version = 1; // whose sizes of values are those of their frames
    segj::journal journal(config);
    check(!journal.oldest_section() && !journal.newest_section());
    for (std::uint64_t section = 2; section <= 8; section += 2)
        for (int i = 0; i < 5; i++)
            journal.append(section, "entry-00", "value");
    check(journal.entry_size() == 8 && journal.record_size() == 20);
    check(journal.size(4) == 100 && journal.count(4) == 5 && journal.value_size(4) == 45);
    check(*journal.try_size(4) == 100 && *journal.try_count(4) == 5 && *journal.try_value_size(4) == 45);
    check(journal.section_exists(4) && !journal.section_exists(5) && *journal.try_section_exists(4));
    check(journal.oldest_section() == 2 && journal.newest_section() == 8);
    check(journal.next_section(4) == 6 && journal.prev_section(4) == 2 && !journal.next_section(8));
    check(**journal.try_oldest_section() == 2 && **journal.try_newest_section() == 8);
    check(**journal.try_next_section(2) == 4 && !*journal.try_prev_section(2));
    check(journal.prune(4) && !journal.prune(4) && !*journal.try_prune(4));
    check(journal.try_section_exists(2).status() == SEGJ_ERR_PRUNED);
    journal.rewind(8, 80);
    check(journal.count(8) == 4);
    journal.rewind_section(6, 80);
    journal.rewind_section_to(6, 3);
    check(journal.count(6) == 3 && journal.count(8) == 4);
    journal.rewind_to(6, 2);
    check(journal.count(6) == 2 && journal.newest_section() == 6);
    check(journal.try_rewind(6, 20) && journal.try_rewind_to(6, 1) && journal.try_rewind_section(6, 20) &&
          journal.try_rewind_section_to(6, 0));
    check(journal.poison() == nullptr);
    journal.acknowledge_losses();
    journal.discard_quarantine();
    check(journal.try_acknowledge_losses() && journal.try_discard_quarantine());
}

void test_a_checkpoint_by_its_count()
{
    directory home;
    segj::config config = home.config();
    {
        segj::journal journal(config);
        for (std::uint64_t section = 1; section <= 3; section++)
            for (int i = 0; i < 4; i++)
                journal.append(section, "entry-00", "value");
    }
    const oversized_checkpoint_t state = config.checkpoint_at(2, 3, 2);
    check(state.index_size == 40 && config.try_checkpoint_at(2, 3, 2)->index_size == 40);
    check_throws(config.checkpoint_at(2, 3, UINT64_MAX), SEGJ_ERR_INVALID);
    config.checkpoint = &state;
    segj::journal journal(config);
    check(journal.oldest_section() == 2 && journal.count(3) == 2);
}

void test_entries_of_a_wrong_size()
{
    directory home;
    segj::journal journal(home.config());
    journal.append(7, "entry-00", "value");
    try {
        journal.append(7, "short", "value");
        check(false);
    } catch (const segj::error &error) {
        check(std::strcmp(error.what(), "segj::append: the entry has 5 bytes, expected 8 bytes (config.entry_size)") ==
              0);
    }
    char small[7];
    segj::values values;
    values.want(0, small);
    const segj_status_t refused[] = {
        journal.try_append(7, "nine char", "v").status(),
        journal.try_append(7, {}, "v").status(),
        journal.try_append_pieces(7, "short", {"v"}).status(),
        journal.try_append(7, segj::batch(9)).status(),
        journal.try_read(7, 0, small).status(),
        journal.try_get(7, 0, small).status(),
        journal.try_last(7, small).status(),
        journal.try_view(7, 0, small).status(),
        journal.try_read_values(7, values).status(),
        segj::writer::try_open(journal, 7, "short", 3).status(),
    };
    for (const segj_status_t status : refused)
        check(status == SEGJ_ERR_INVALID);
    check(journal.count(7) == 1);
}

void test_trained_dictionaries()
{
    directory home;
    segj::journal journal(home.config());
    std::vector<std::string> texts;
    std::vector<segj_slice_t> values;
    for (unsigned i = 0; i < 2000; i++)
        texts.push_back("{\"event\":\"purchase\",\"user\":" + std::to_string(i * 7919u) + ",\"path\":\"/api/v1/items/" +
                        std::to_string(i * 104729u % 9973u) + "\"}");
    for (const std::string &text : texts) {
        values.push_back({text.data(), text.size()});
        journal.append(7, "entry-00", text);
    }
    const segj::buffer made = segj::train_dictionary(values.data(), values.size(), 1024);
    check(made.size() > 200 && made.size() <= 1024);
    check(segj::try_train_section(journal, 7, 1024)->size() > 200);
    check(segj::train_section(journal, 7, 2048).size() > 200);
    check(segj::try_train_dictionary(values.data(), 3, 1024).status() == SEGJ_ERR_COMPRESSION);
    check(segj::try_train_section(journal, 8, 1024).status() == SEGJ_ERR_NO_SECTION);
    check_throws(segj::train_dictionary(nullptr, 0, 1), SEGJ_ERR_INVALID);
    check_throws(segj::train_section(journal, 8, 1024), SEGJ_ERR_NO_SECTION);
}

void test_what_bytes_are_made_of()
{
    const char literal[] = "with\0nul";
    check(segj::bytes(literal).size == 8);
    check(segj::bytes("abc").size == 3 && segj::bytes("").size == 0);
    const char no_end[3] = {'a', 'b', 'c'};
    check(segj::bytes(no_end).size == 3);
    const char *text = "text";
    check(segj::bytes(text).size == 4 && segj::bytes(text).data == text);
    const unsigned char raw[6] = {};
    check(segj::bytes(raw).size == 6);
    const std::vector<std::byte> vector(9);
    check(segj::bytes(vector).size == 9 && segj::bytes(vector).data == vector.data());
    const key object = {1, 2};
    check(segj::bytes_of(object).size == sizeof object && segj::bytes_of(object).data == &object);
    segj::buffer none;
    check(segj::bytes(none).size == 0);
    std::string memory(5, ' ');
    check(segj::space(memory).size == 5 && segj::space(memory).data == memory.data() && segj::space().data == nullptr);
    static_assert(!std::is_constructible_v<segj::bytes, char(&)[4]>, "how much of it is meant?");
    static_assert(!std::is_constructible_v<segj::bytes, const std::vector<int> &>, "these are no bytes");
    static_assert(!std::is_constructible_v<segj::space, const std::string &>, "that cannot be written to");
    static_assert(!std::is_constructible_v<segj::space, std::string>, "that is gone before it is read");
}

/* Of each call, what it answers. */
std::vector<segj_status_t> all_answers(segj::journal &journal)
{
    segj::buffer buffer;
    segj::view view;
    segj::values values;
    check(values.try_want(0));
    const oversized_ticket_t ticket = {};
    return {journal.try_append(7, {}, "v").status(),
            journal.try_append_pieces(7, {}, {"v"}).status(),
            journal.try_append(7, segj::batch(0)).status(),
            journal.try_sync(7).status(),
            journal.try_sync_all().status(),
            journal.try_sync_sections({7}).status(),
            journal.try_sync_start(7).status(),
            journal.try_sync_wait(ticket).status(),
            journal.try_flush(7).status(),
            journal.try_read(7, 0).status(),
            journal.try_read(7, 0, buffer).status(),
            journal.try_get(7, 0).status(),
            journal.try_last(7).status(),
            journal.try_get_value(7, {}).status(),
            journal.try_get_value(7, {}, buffer).status(),
            journal.try_read_values(7, values).status(),
            journal.try_get_values(7, values).status(),
            journal.try_view(7, 0).status(),
            journal.try_view(7, 0, view).status(),
            journal.try_view_value(7, {}).status(),
            journal.try_view_value(7, {}, view).status(),
            journal.try_records().status(),
            journal.try_records_back().status(),
            journal.try_records_of(7).status(),
            journal.try_prune(7).status(),
            journal.try_rewind(7, 0).status(),
            journal.try_rewind_section(7, 0).status(),
            journal.try_rewind_to(7, 0).status(),
            journal.try_rewind_section_to(7, 0).status(),
            journal.try_size(7).status(),
            journal.try_count(7).status(),
            journal.try_section_exists(7).status(),
            journal.try_value_size(7).status(),
            journal.try_oldest_section().status(),
            journal.try_newest_section().status(),
            journal.try_next_section(7).status(),
            journal.try_prev_section(7).status(),
            journal.try_acknowledge_losses().status(),
            journal.try_discard_quarantine().status(),
            segj::writer::try_open(journal, 7, {}, 0).status(),
            segj::reader::try_open(journal, 7, {}).status(),
            segj::replay::try_open(journal, 7, 0).status(),
            segj::replay::try_open_back(journal, 7, 0).status(),
            segj::caller::try_open(journal).status()};
}

void test_a_journal_that_is_gone()
{
    directory home;
    segj::journal journal(home.config());
    segj::journal owner = std::move(journal);
    segj::journal closed(segj::config(std::string(home.path()).append("/closed").c_str(), 0));
    closed.close();
    segj::journal none;
    for (segj::journal *gone : {&journal, &closed, &none}) {
        check(!*gone && gone->handle() == nullptr && gone->entry_size() == 0 && gone->record_size() == 0);
        check(gone->poison() == nullptr && gone->recovery().records == 0);
        for (const segj_status_t status : all_answers(*gone))
            check(status == SEGJ_ERR_INVALID);
        check(std::strcmp(gone->try_append(7, "entry-00", "v").message(),
                          "segj::append: there is no journal: it was moved away or closed") == 0);
        segj::sections sections = *gone->try_sections();
        for (const std::uint64_t section : sections)
            check(section != section);
        check(sections.failed() && sections.why().status() == SEGJ_ERR_INVALID);
        check(gone->try_close() && gone->try_destroy()); // as free(NULL)
        gone->abandon();
    }
    check(owner.append(7, "entry-00", "value") == 0);
}

void test_calls_that_throw_for_a_journal_that_is_gone()
{
    segj::journal none;
    segj::buffer buffer;
    segj::view view;
    segj::values values;
    const std::function<void()> calls[] = {[&] { none.append(7, {}, "v"); },
                                           [&] { none.append_pieces(7, {}, {"v"}); },
                                           [&] { none.append(7, segj::batch(0)); },
                                           [&] { none.sync(7); },
                                           [&] { none.sync_all(); },
                                           [&] { none.sync_sections({7}); },
                                           [&] { none.sync_start(7); },
                                           [&] { none.sync_wait({}); },
                                           [&] { none.flush(7); },
                                           [&] { none.read(7, 0); },
                                           [&] { none.read(7, 0, buffer); },
                                           [&] { none.get(7, 0); },
                                           [&] { none.last(7); },
                                           [&] { none.get_value(7, {}); },
                                           [&] { none.get_value(7, {}, buffer); },
                                           [&] { none.read_values(7, values); },
                                           [&] { none.get_values(7, values); },
                                           [&] { none.view(7, 0); },
                                           [&] { none.view(7, 0, view); },
                                           [&] { none.view_value(7, {}); },
                                           [&] { none.view_value(7, {}, view); },
                                           [&] { none.records(); },
                                           [&] { none.records_back(); },
                                           [&] { none.records_of(7); },
                                           [&] { none.prune(7); },
                                           [&] { none.rewind(7, 0); },
                                           [&] { none.rewind_section(7, 0); },
                                           [&] { none.rewind_to(7, 0); },
                                           [&] { none.rewind_section_to(7, 0); },
                                           [&] { none.size(7); },
                                           [&] { none.count(7); },
                                           [&] { none.section_exists(7); },
                                           [&] { none.value_size(7); },
                                           [&] { none.oldest_section(); },
                                           [&] { none.newest_section(); },
                                           [&] { none.next_section(7); },
                                           [&] { none.prev_section(7); },
                                           [&] { none.sections().begin(); },
                                           [&] { none.sections_back().begin(); },
                                           [&] { none.acknowledge_losses(); },
                                           [&] { none.discard_quarantine(); },
                                           [&] { segj::writer(none, 7, {}, 0); },
                                           [&] { segj::reader(none, 7, {}); },
                                           [&] { segj::replay::open(none, 7, 0); },
                                           [&] { segj::replay::open_back(none, 7, 0); },
                                           [&] { segj::caller{none}; }};
    for (const std::function<void()> &call : calls)
        check_throws(call(), SEGJ_ERR_INVALID);
}

} // namespace

int main()
{
    const cases::test tests[] = {
        {"test_appends_and_reads", test_appends_and_reads},
        {"test_views", test_views},
        {"test_batches", test_batches},
        {"test_values", test_values},
        {"test_making_durable", test_making_durable},
        {"test_removing_and_asking", test_removing_and_asking},
        {"test_a_checkpoint_by_its_count", test_a_checkpoint_by_its_count},
        {"test_entries_of_a_wrong_size", test_entries_of_a_wrong_size},
        {"test_trained_dictionaries", test_trained_dictionaries},
        {"test_what_bytes_are_made_of", test_what_bytes_are_made_of},
        {"test_a_journal_that_is_gone", test_a_journal_that_is_gone},
        {"test_calls_that_throw_for_a_journal_that_is_gone", test_calls_that_throw_for_a_journal_that_is_gone},
    };
    return cases::run(tests);
}
