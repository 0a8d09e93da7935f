/*
 * cpp/test_handles.cpp: what becomes of handles in C++ and of their failures: moves, ends, exceptions on the way, sentences
 * that stay, results that are moved, and error codes.
 */
#include <cstring>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "cpp/cases.hpp"

namespace
{

using cases::directory;

void test_an_end_closes()
{
    directory home;
    {
        segj::journal journal(home.config());
        journal.append(7, "entry-00", "value");
        check(segj::journal::try_open(home.config()).status() == SEGJ_ERR_LOCKED);
    }
    segj::journal journal(home.config());
    check(journal.count(7) == 1 && journal.recovery().sections_repaired == 0);
    journal.append(7, "entry-01", "value");
    try {
        segj::journal taken = std::move(journal);
        taken.append(7, "entry-02", "value");
        taken.append(7, "short", "value");
        check(false);
    } catch (const segj::error &error) {
        check(error.status() == SEGJ_ERR_INVALID);
    }
    segj::config config = home.config();
    config.read_only = true;
    journal = segj::journal(config);
    check(journal.count(7) == 3 && journal.recovery().sections_repaired == 0);
    check(journal.try_append(7, "entry-03", "value").status() == SEGJ_ERR_READ_ONLY);
    journal.close();
    check(!journal);
}

void test_an_assignment_closes_what_was_there()
{
    directory first;
    directory second;
    segj::journal journal(first.config());
    journal = segj::journal(second.config());
    segj::journal again(first.config()); // its lock is free
    segj::journal &same = again;
    again = std::move(same);
    check(again.append(7, "entry-00", "value") == 0);
    oversized_t *handle = again.release();
    check(handle != nullptr && !again);
    segj::journal owner(handle);
    check(owner.count(7) == 1 && owner.entry_size() == 8);
    owner.abandon();
    check(!owner);
    check(segj::journal(first.config()).recovery().records == 0); // nothing was flushed
}

void test_destroy()
{
    directory home;
    segj::journal journal(home.config());
    journal.append(7, "entry-00", "value");
    segj::view view = journal.view(7, 0);
    check(journal.try_destroy().status() == SEGJ_ERR_BUSY && journal && view == "value");
    check_throws(journal.destroy(), SEGJ_ERR_BUSY);
    view.release();
    journal.destroy();
    check(!journal && !std::filesystem::exists(std::string(home.path()) + "/index"));
}

void test_references_and_callers()
{
    directory home;
    segj::journal journal(home.config());
    segj::journal_ref reference = journal;
    check(reference.append(7, "entry-00", "value") == 0 && reference.entry_size() == 8);
    segj::journal_ref from_c(journal.handle());
    check(from_c.append(7, "entry-01", "value") == 1);
    segj::caller caller(journal);
    segj::caller other = *segj::caller::try_open(journal);
    check(caller.last_error() != nullptr && caller.last_error()->status == SEGJ_OK && caller.entry_size() == 8);
    const segj::result<segj::buffer> answer = caller.try_read(7, 99);
    check(answer.status() == SEGJ_ERR_NO_RECORD && caller.last_error()->status == SEGJ_ERR_NO_RECORD);
    check(std::strcmp(caller.last_error()->text, answer.message()) == 0 && other.last_error()->status == SEGJ_OK);
    check(caller.append(7, "entry-02", "value") == 2);
    other = std::move(caller);
    check(!caller && caller.last_error() == nullptr && other.last_error()->status == SEGJ_ERR_NO_RECORD);
    segj::writer writer(other, 8, "entry-00", 1);
    writer.abandon();
    journal.close();
    check(other.try_count(7).status() == SEGJ_ERR_INVALID);
}

void test_caches_and_storages()
{
    segj::memory_storage storage;
    segj::page_cache cache(4084, 16);
    segj::config config("anywhere", 0);
    config.storage = storage.get();
    config.page_cache = cache.get();
    segj::journal journal(config);
    check(journal.append(7, {}, "value") == 0 && journal.read(7, 0) == "value");
    segj::memory_storage moved = std::move(storage);
    check(storage.get() == nullptr && moved.get() == config.storage);
    segj::page_cache kept = std::move(cache);
    check(cache.get() == nullptr && kept.get() == config.page_cache);
    kept = *segj::page_cache::try_create(100, 4); // the journal holds a reference to the first
    check(journal.read(7, 0) == "value");
    check_throws(segj::page_cache(0, 16), SEGJ_ERR_INVALID);
    check(segj::memory_storage::try_create().ok() && segj::posix_storage() == segj_storage_posix());
    check(std::strcmp(segj::version(), segj_version()) == 0);
    journal.close();
}

void test_the_log()
{
    directory home;
    std::vector<std::string> lines;
    auto sink = [&lines](segj_log_level_t level, const char *text) {
        if (level >= SEGJ_LOG_INFO)
            lines.emplace_back(text);
    };
    segj::config config = home.config();
    config.log_to(sink);
    {
        segj::journal journal(config);
        check(!lines.empty());
    }
    static_assert(!std::is_constructible_v<segj::config, std::string, std::uint32_t>, "it must stay until the open");
    const std::string path = home.path();
    check(segj::config(path, 8).directory == path.c_str());
}

void test_errors_are_codes()
{
    directory home;
    segj::journal journal(home.config());
    try {
        segj::journal second(home.config());
        check(false);
    } catch (const std::system_error &error) {
        check(error.code() == SEGJ_ERR_LOCKED && error.code() == std::errc::device_or_resource_busy);
        check(error.code() != SEGJ_ERR_BUSY && error.code().category() == segj::category());
        check(std::strstr(error.what(), home.path()) != nullptr);
        check(error.code().message() == "SEGJ_ERR_LOCKED" && std::strcmp(segj::category().name(), "segjournal") == 0);
    }
    const std::pair<segj_status_t, std::errc> same[] = {
        {SEGJ_ERR_INVALID, std::errc::invalid_argument},
        {SEGJ_ERR_MEMORY, std::errc::not_enough_memory},
        {SEGJ_ERR_IO, std::errc::io_error},
        {SEGJ_ERR_NO_SPACE, std::errc::no_space_on_device},
        {SEGJ_ERR_BUSY, std::errc::device_or_resource_busy},
        {SEGJ_ERR_NOT_FOUND, std::errc::no_such_file_or_directory},
        {SEGJ_ERR_TOO_LARGE, std::errc::value_too_large},
        {SEGJ_ERR_READ_ONLY, std::errc::read_only_file_system},
    };
    for (const auto &[status, code] : same)
        check(make_error_code(status) == code);
    check(make_error_code(SEGJ_ERR_CORRUPT) != std::errc::io_error);
    const std::error_code pruned = SEGJ_ERR_PRUNED;
    check(pruned.value() == SEGJ_ERR_PRUNED);
}

void test_sentences_stay()
{
    directory home;
    segj::journal journal(home.config());
    segj::result<std::uint64_t> first = journal.try_size(7);
    check(first.ok() && *first == 0);
    segj::result<segj::buffer> second = journal.try_read(7, 1);
    check(!second && second.status() == SEGJ_ERR_NO_SECTION);
    const std::string sentence = second.message();
    check(!journal.try_append(7, "short", "v") && second.message() == sentence);
    check(segj::journal::try_open(home.config()).status() == SEGJ_ERR_LOCKED && second.message() == sentence);
    std::string elsewhere;
    std::thread([&] { elsewhere = second.message(); }).join();
    check(elsewhere == sentence);
    segj::result<segj::buffer> moved = std::move(second);
    check(moved.message() == sentence && second.status() == SEGJ_ERR_NO_SECTION);
    segj::failure copy = moved.why();
    check(std::strcmp(copy.message(), sentence.c_str()) == 0 && copy.code() == SEGJ_ERR_NO_SECTION);
    copy = segj::failure(SEGJ_ERR_IO, "another", 5);
    check(std::strcmp(copy.message(), "another") == 0 && copy.storage_errno() == 5);
    const segj::error error(copy);
    const segj::error same = error; // NOLINT: a copy is what is tested
    check(std::strcmp(same.what(), "another") == 0 && same.storage_errno() == 5 && same.status() == SEGJ_ERR_IO);
    check(segj::failure().status() == SEGJ_OK && std::strcmp(segj::failure().message(), "SEGJ_OK") == 0);
}

void test_results_are_moved()
{
    segj::result<std::unique_ptr<int>> one = std::make_unique<int>(1);
    segj::result<std::unique_ptr<int>> two = segj::failure(SEGJ_ERR_IO, "two");
    check(one && **one == 1 && !two);
    two = std::move(one);
    check(two && **two == 1 && one.ok() && *one == nullptr);
    one = segj::failure(SEGJ_ERR_BUSY, "one");
    check(one.status() == SEGJ_ERR_BUSY);
    two = std::move(one);
    check(two.status() == SEGJ_ERR_BUSY && std::strcmp(two.message(), "one") == 0);
    check(*std::move(two).value_or(std::make_unique<int>(3)) == 3);
    check_throws(two.value(), SEGJ_ERR_BUSY);
    segj::result<std::string> text = std::string("text");
    check(text->size() == 4 && text.value() == "text" && std::move(text).value() == "text");
    segj::result<void> nothing = segj::failure(SEGJ_ERR_IO, "no");
    check_throws(nothing.value(), SEGJ_ERR_IO);
    nothing = segj::result<void>();
    nothing.value();
    check(nothing.ok() && std::strcmp(std::move(nothing).why().message(), "SEGJ_OK") == 0);
}

void test_a_sync_that_fails()
{
    directory home;
    cases::failing_syncs storage;
    segj::config config = home.config();
    config.storage = &storage.table;
    {
        segj::journal journal(config);
        journal.append(7, "entry-00", "value");
        journal.sync(7);
        journal.append(7, "entry-01", "value");
        cases::failing_syncs::fails = true;
        try {
            journal.sync(7);
            check(false);
        } catch (const segj::error &error) {
            check(error.status() == SEGJ_ERR_IO && error.storage_errno() == EIO);
            check(journal.poison() != nullptr && std::strcmp(journal.poison(), error.what()) == 0);
        }
        check_throws(journal.append(7, "entry-02", "value"), SEGJ_ERR_POISONED);
        check(journal.read(7, 1) == "value");
    } // the end of a poisoned journal throws nothing
    {
        cases::failing_syncs::fails = false;
        segj::journal journal(config);
        journal.append(7, "entry-02", "value");
        cases::failing_syncs::fails = true;
        check_throws(journal.close(), SEGJ_ERR_IO);
        check(!journal);
    }
    cases::failing_syncs::fails = false;
    check(segj::journal(config).read(7, 0) == "value");
}

void test_opens_that_fail()
{
    directory home;
    segj::config config = home.config();
    config.must_exist = true;
    check_throws(segj::journal(config), SEGJ_ERR_NOT_FOUND);
    check_throws(segj::journal(segj::config()), SEGJ_ERR_INVALID);
    {
        segj::journal journal(home.config());
        journal.append(7, "entry-00", "value");
    }
    check_throws(segj::journal(segj::config(home.path(), 9)), SEGJ_ERR_MISMATCH);
    check(segj::journal(home.config()).count(7) == 1); // the lock was given back
}

void test_threads()
{
    directory home;
    segj::journal journal(home.config());
    std::vector<std::thread> threads;
    for (std::uint64_t section = 0; section < 4; section++)
        threads.emplace_back([&journal, section] {
            for (int i = 0; i < 50; i++) {
                journal.append(section, "entry-00", std::string(static_cast<std::size_t>(i), 'v'));
                const segj::result<segj::buffer> missing = journal.try_read(section, 1000 + section);
                const std::string name = std::to_string(1000 + section);
                check(missing.status() == SEGJ_ERR_NO_RECORD &&
                      std::strstr(missing.message(), name.c_str()) != nullptr);
            }
            journal.sync(section);
        });
    for (std::thread &thread : threads)
        thread.join();
    for (std::uint64_t section = 0; section < 4; section++)
        check(journal.count(section) == 50);
}

} // namespace

int main()
{
    const cases::test tests[] = {
        {"test_an_end_closes", test_an_end_closes},
        {"test_an_assignment_closes_what_was_there", test_an_assignment_closes_what_was_there},
        {"test_destroy", test_destroy},
        {"test_references_and_callers", test_references_and_callers},
        {"test_caches_and_storages", test_caches_and_storages},
        {"test_the_log", test_the_log},
        {"test_errors_are_codes", test_errors_are_codes},
        {"test_sentences_stay", test_sentences_stay},
        {"test_results_are_moved", test_results_are_moved},
        {"test_a_sync_that_fails", test_a_sync_that_fails},
        {"test_opens_that_fail", test_opens_that_fail},
        {"test_threads", test_threads},
    };
    return cases::run(tests);
}
