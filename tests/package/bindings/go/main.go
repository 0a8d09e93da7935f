// A Go program on the installed header, by cgo: opens, appends, syncs, reads, and fails 128,000 times from 64 goroutines,
// of which each must read its own sentence. Run by tests/package/bindings.sh with the directory as its argument.
package main

/*
#include <stdlib.h>
#include <segjournal/oversized.h>
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	goroutines = 64
	calls      = 2000
	section    = 7
)

// Error is how a call failed.
type Error struct {
	Status C.segj_status_t
	Errno  int
	Text   string
}

func (e *Error) Error() string {
	return C.GoString(C.segj_status_name(e.Status)) + ": " + e.Text
}

func taken(failure *C.segj_error_t) error {
	return &Error{failure.status, int(failure.code), C.GoString(&failure.text[0])}
}

// Journal is a journal and a caller of it: for one goroutine at a time. Others have one of their own, by Caller.
type Journal struct {
	handle *C.oversized_t
}

// open: what C keeps, or looks at through a pointer of the configuration, lies in C's memory.
func open(directory string, entrySize int) (*C.oversized_t, error) {
	var config C.oversized_config_t
	var journal *C.oversized_t
	C.oversized_config_init(&config)
	config.directory = C.CString(directory)
	defer C.free(unsafe.Pointer(config.directory))
	config.entry_size = C.uint32_t(entrySize)
	config.error = (*C.segj_error_t)(C.calloc(1, C.sizeof_segj_error_t))
	defer C.free(unsafe.Pointer(config.error))
	if C.oversized_open(&config, &journal) != C.SEGJ_OK {
		return nil, taken(config.error)
	}
	return journal, nil
}

func caller(journal *C.oversized_t) Journal {
	var made *C.oversized_t
	if C.oversized_caller_open(journal, &made) != C.SEGJ_OK {
		fail("no caller was to be had")
	}
	return Journal{made}
}

func (j Journal) check(status C.segj_status_t) error {
	if status == C.SEGJ_OK {
		return nil
	}
	return taken(C.oversized_caller_error(j.handle))
}

func (j Journal) Append(number uint64, entry, value []byte) (position uint64, err error) {
	var at C.uint64_t
	status := C.oversized_append(j.handle, C.uint64_t(number), unsafe.Pointer(&entry[0]), unsafe.Pointer(&value[0]),
		C.size_t(len(value)), &at, nil)
	return uint64(at), j.check(status)
}

func (j Journal) Sync(number uint64) error {
	return j.check(C.oversized_sync(j.handle, C.uint64_t(number)))
}

func (j Journal) Read(number, position uint64) ([]byte, error) {
	var buffer C.segj_buffer_t
	defer C.segj_buffer_free(&buffer)
	status := C.oversized_read(j.handle, C.uint64_t(number), C.uint64_t(position), nil, &buffer)
	if err := j.check(status); err != nil {
		return nil, err
	}
	return C.GoBytes(buffer.data, C.int(buffer.size)), nil
}

func (j Journal) Close() {
	C.oversized_caller_close(j.handle)
}

func fail(format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

// failing makes calls that fail, and lets others run between a call and its sentence.
func failing(journal *C.oversized_t, first uint64, foreign, foreignOfThread *int64) {
	mine := caller(journal)
	defer mine.Close()
	for i := uint64(0); i < calls; i++ {
		number := first + i
		_, err := mine.Read(number, 0)
		runtime.Gosched()
		expected := fmt.Sprintf("there is no section %d", number)
		failure, is := err.(*Error)
		if !is || failure.Status != C.SEGJ_ERR_NO_SECTION || failure.Text != expected {
			atomic.AddInt64(foreign, 1)
		}
		if C.GoString(C.segj_last_error()) != expected {
			atomic.AddInt64(foreignOfThread, 1)
		}
	}
}

func main() {
	runtime.GOMAXPROCS(4)
	directory := os.Args[1]
	journal, err := open(directory, 8)
	must(err)
	mine := caller(journal)
	position, err := mine.Append(section, []byte("an entry"), []byte("a value"))
	must(err)
	must(mine.Sync(section))
	value, err := mine.Read(section, position)
	must(err)
	if string(value) != "a value" {
		fail("read %q", value)
	}

	var foreign, foreignOfThread int64
	var group sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		group.Add(1)
		go func(first uint64) {
			defer group.Done()
			failing(journal, first, &foreign, &foreignOfThread)
		}(uint64(1000 + g*calls))
	}
	group.Wait()
	fmt.Printf("go: %d failing calls of %d goroutines: %d foreign sentences; segj_last_error() gave %d\n",
		goroutines*calls, goroutines, foreign, foreignOfThread)
	if foreign != 0 {
		fail("a goroutine has read another one's sentence")
	}

	if _, err := open(directory, 8); err == nil || err.(*Error).Status != C.SEGJ_ERR_LOCKED || err.(*Error).Errno == 0 {
		fail("a second open answered %v", err)
	}
	if C.oversized_close(journal) != C.SEGJ_OK {
		fail("close failed")
	}
	if err := mine.Sync(section); err == nil {
		fail("a caller outlived its journal")
	}
	mine.Close()
}
