/*
 * cpp/cases.hpp: what the tests in C++ share. A case is a function that checks; the first check that does not hold prints
 * where and ends the program. What is printed is what cmocka prints. Works with -fno-exceptions.
 */
#ifndef TESTS_CPP_CASES_HPP
#define TESTS_CPP_CASES_HPP

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <fnmatch.h>
#include <stdlib.h>

#include <segjournal/oversized.hpp>

/** Ends the program where `condition` does not hold. */
#define check(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            cases::failed(#condition, __FILE__, __LINE__);                                                             \
    } while (false)

#if SEGJ_CPP_THROWS
/** Ends the program where the expression does not throw segj::error with this status and a sentence. */
#define check_throws(expression, expected)                                                                             \
    do {                                                                                                               \
        bool check_thrown = false;                                                                                     \
        try {                                                                                                          \
            static_cast<void>(expression);                                                                             \
        } catch (const segj::error &error) {                                                                           \
            check_thrown = error.status() == (expected) && error.what()[0] != '\0';                                    \
        }                                                                                                              \
        if (!check_thrown)                                                                                             \
            cases::failed(#expression " throws " #expected, __FILE__, __LINE__);                                       \
    } while (false)
#endif

namespace cases
{

[[noreturn]] inline void failed(const char *what, const char *file, int line)
{
    std::printf("%s:%d: does not hold: %s\n", file, line, what);
    std::printf("the last sentence of the library: %s\n", segj_last_error());
    std::fflush(stdout);
    std::_Exit(1);
}

struct test {
    const char *name;
    void (*run)();
};

/** Runs the cases, or those that SEGJ_TEST_ONLY names. */
template <std::size_t Count> int run(const test (&tests)[Count])
{
    const char *only = std::getenv("SEGJ_TEST_ONLY");
    std::printf("[==========] Running %zu test(s).\n", Count);
    for (const test &each : tests) {
        if (only != nullptr && fnmatch(only, each.name, 0) != 0)
            continue;
        std::printf("[ RUN      ] %s\n", each.name);
        std::fflush(stdout);
        each.run();
        std::printf("[       OK ] %s\n", each.name);
    }
    std::printf("[==========] %zu test(s) run.\n", Count);
    return 0;
}

/** A directory that is new, and goes with its object. */
class directory
{
  public:
    directory()
    {
        const char *parent = std::getenv("TMPDIR");
        std::string name = std::string(parent != nullptr ? parent : "/tmp") + "/segj_cpp_XXXXXX";
        check(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }

    ~directory()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    directory(const directory &) = delete;
    directory &operator=(const directory &) = delete;

    const char *path() const
    {
        return path_.c_str();
    }

    /** A configuration of a journal there, with entries of 8 bytes. */
    segj::config config() const
    {
        return segj::config(path(), 8);
    }

    /** The file of a section. */
    std::string file(const char *partition, std::uint64_t section) const
    {
        char name[32];
        std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(section));
        return path_ + "/" + partition + "/" + name;
    }

    /** Changes one byte of a file, so many bytes before its end. */
    static void spoil(const std::string &file, std::uintmax_t before_end)
    {
        std::error_code missing;
        const std::uintmax_t size = std::filesystem::file_size(file, missing);
        check(!missing && size >= before_end);
        std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekg(static_cast<std::streamoff>(size - before_end));
        const int byte = stream.get();
        stream.seekp(static_cast<std::streamoff>(size - before_end));
        stream.put(static_cast<char>(byte ^ 0x55));
        stream.flush();
        check(stream.good());
    }

  private:
    std::string path_;
};

/** The files of the system, whose syncs fail while `fails` says so. */
struct failing_syncs {
    segj_storage_t table;
    static inline bool fails = false;

    failing_syncs() : table(*segj_storage_posix())
    {
        table.file_sync = [](segj_file_t *file) -> int { return fails ? EIO : segj_storage_posix()->file_sync(file); };
    }
};

} // namespace cases

#endif
