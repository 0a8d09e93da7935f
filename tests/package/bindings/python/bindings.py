"""A Python program on the installed header, by cffi: opens, appends, syncs, reads, and fails in many tasks and threads at once, of
which each must read its own sentence.

    bindings.py DECLARATIONS LIBRARY DIRECTORY

DECLARATIONS is the header as tests/package/bindings.sh has the preprocessor write it for cffi; LIBRARY a shared object of the
archive. Python gives the interpreter to another thread while a call is in the library.
"""

import asyncio
import concurrent.futures
import sys

import cffi

TASKS, CALLS, THREADS, SECTION = 64, 300, 4, 7

ffi = cffi.FFI()
with open(sys.argv[1]) as declarations:
    ffi.cdef(declarations.read())
lib = ffi.dlopen(sys.argv[2])


class Error(Exception):
    def __init__(self, failure):
        self.status = failure.status
        self.errno = failure.code
        self.text = ffi.string(failure.text).decode()
        super().__init__(ffi.string(lib.segj_status_name(self.status)).decode() + ": " + self.text)


def open_journal(directory, entry_size):
    config = ffi.new("oversized_config_t *")
    error = ffi.new("segj_error_t *")
    name = ffi.new("char[]", directory.encode())
    opened = ffi.new("oversized_t **")
    lib.oversized_config_init(config)
    config.directory = name
    config.entry_size = entry_size
    config.error = error
    if lib.oversized_open(config, opened) != lib.SEGJ_OK:
        raise Error(error)
    return opened[0]


class Caller:
    """A journal as one task, or one thread, has it."""

    def __init__(self, journal):
        made = ffi.new("oversized_t **")
        if lib.oversized_caller_open(journal, made) != lib.SEGJ_OK:
            raise MemoryError
        self.handle = ffi.gc(made[0], lib.oversized_caller_close)

    def check(self, status):
        if status != lib.SEGJ_OK:
            raise Error(lib.oversized_caller_error(self.handle))

    def append(self, section, entry, value):
        position = ffi.new("uint64_t *")
        self.check(lib.oversized_append(self.handle, section, entry, value, len(value), position, ffi.NULL))
        return position[0]

    def sync(self, section):
        self.check(lib.oversized_sync(self.handle, section))

    def read(self, section, position):
        value = ffi.new("segj_buffer_t *")
        try:
            self.check(lib.oversized_read(self.handle, section, position, ffi.NULL, value))
            return ffi.buffer(value.data, value.size)[:]
        finally:
            lib.segj_buffer_free(value)

    def get(self, section):
        """Fails without a word: the sentence is asked for elsewhere."""
        return lib.oversized_get(self.handle, section, 0, ffi.NULL, ffi.NULL)


async def fail_in_a_task(loop, pool, journal, first, seen):
    caller = Caller(journal)
    for section in range(first, first + CALLS):
        status = await loop.run_in_executor(pool, caller.get, section)
        await asyncio.sleep(0)
        expected = "there is no section %d" % section
        failure = lib.oversized_caller_error(caller.handle)
        seen["foreign"] += status != failure.status or ffi.string(failure.text).decode() != expected
        seen["thread's"] += ffi.string(lib.segj_last_error()).decode() != expected
        seen["calls"] += 1


async def fail_in_tasks(journal, seen):
    loop = asyncio.get_running_loop()
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        await asyncio.gather(
            *(fail_in_a_task(loop, pool, journal, 1000 + task * CALLS, seen) for task in range(TASKS))
        )


def fail_in_a_thread(journal, first):
    caller = Caller(journal)
    foreign = 0
    for section in range(first, first + CALLS):
        try:
            caller.read(section, 0)
            foreign += 1
        except Error as error:
            foreign += error.text != "there is no section %d" % section
    return foreign


def main(directory):
    journal = open_journal(directory, 8)
    caller = Caller(journal)
    position = caller.append(SECTION, b"an entry", b"a value")
    caller.sync(SECTION)
    assert caller.read(SECTION, position) == b"a value"

    seen = {"foreign": 0, "thread's": 0, "calls": 0}
    asyncio.run(fail_in_tasks(journal, seen))
    with concurrent.futures.ThreadPoolExecutor(TASKS) as pool:
        starts = [1000000 + thread * CALLS for thread in range(TASKS)]
        seen["foreign"] += sum(pool.map(lambda first: fail_in_a_thread(journal, first), starts))
    print(
        "python: %d failing calls of %d tasks, as many of threads: %d foreign sentences; segj_last_error() gave the tasks %d"
        % (seen["calls"], TASKS, seen["foreign"], seen["thread's"])
    )
    assert seen["calls"] == TASKS * CALLS and seen["foreign"] == 0

    try:
        open_journal(directory, 8)
        raise AssertionError("a second open succeeded")
    except Error as error:
        assert error.status == lib.SEGJ_ERR_LOCKED and error.errno != 0, error
    assert lib.oversized_close(journal) == lib.SEGJ_OK
    try:
        caller.sync(SECTION)
        raise AssertionError("a caller outlived its journal")
    except Error as error:
        assert error.status == lib.SEGJ_ERR_INVALID, error


main(sys.argv[3])
