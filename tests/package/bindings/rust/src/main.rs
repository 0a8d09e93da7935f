// A Rust program on the installed header: opens, appends, syncs, reads, and fails in many users at once, which change threads
// between a call and its sentence, as tasks of an executor do; each must read its own. Run by tests/package/bindings.sh with
// the directory as its argument. With `--cfg plain` it declares by hand what it uses, and needs no crate.

#[cfg(not(plain))]
#[allow(non_camel_case_types, non_upper_case_globals, non_snake_case, dead_code)]
mod ffi {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}
#[cfg(plain)]
mod ffi;

use std::collections::VecDeque;
use std::ffi::{c_void, CStr, CString};
use std::fmt;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Arc, Mutex};
use std::thread;

const USERS: u64 = 64;
const CALLS: u64 = 2000;
const THREADS: usize = 4;
const SECTION: u64 = 7;

#[derive(Debug)]
struct Error {
    status: ffi::segj_status_t,
    errno: i32,
    text: String,
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = unsafe { CStr::from_ptr(ffi::segj_status_name(self.status)) };
        write!(to, "{}: {}", name.to_string_lossy(), self.text)
    }
}

impl std::error::Error for Error {}

impl From<&ffi::segj_error_t> for Error {
    fn from(failure: &ffi::segj_error_t) -> Error {
        let text = unsafe { CStr::from_ptr(failure.text.as_ptr()) };
        Error { status: failure.status, errno: failure.code, text: text.to_string_lossy().into_owned() }
    }
}

/// The journal itself, of which users have callers. Closing it ends them, so each of them keeps it.
struct Journal(*mut ffi::oversized_t);

// Any call may be made from any thread.
unsafe impl Send for Journal {}
unsafe impl Sync for Journal {}

impl Journal {
    fn open(directory: &str, entry_size: u32) -> Result<Arc<Journal>, Error> {
        let directory = CString::new(directory).expect("a path without a NUL");
        let mut journal = ptr::null_mut();
        unsafe {
            let mut failure: ffi::segj_error_t = MaybeUninit::zeroed().assume_init();
            let mut config: ffi::oversized_config_t = MaybeUninit::zeroed().assume_init();
            ffi::oversized_config_init(&mut config);
            config.directory = directory.as_ptr();
            config.entry_size = entry_size;
            #[cfg(not(plain))] // declared by hand is the beginning alone
            {
                config.error = &mut failure;
            }
            failure.status = ffi::oversized_open(&config, &mut journal);
            if failure.status != ffi::SEGJ_OK {
                #[cfg(plain)]
                return Err(Error { status: failure.status, errno: ffi::segj_last_errno(), text: last_error() });
                #[cfg(not(plain))]
                return Err(Error::from(&failure));
            }
        }
        Ok(Arc::new(Journal(journal)))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let status = unsafe { ffi::oversized_close(self.0) };
        assert_eq!(status, ffi::SEGJ_OK);
    }
}

/// A journal as one user has it: it goes from thread to thread, and is in one at a time.
struct Caller {
    handle: *mut ffi::oversized_t,
    _journal: Arc<Journal>,
}

unsafe impl Send for Caller {}

impl Caller {
    fn new(journal: &Arc<Journal>) -> Caller {
        let mut handle = ptr::null_mut();
        let status = unsafe { ffi::oversized_caller_open(journal.0, &mut handle) };
        assert_eq!(status, ffi::SEGJ_OK);
        Caller { handle, _journal: journal.clone() }
    }

    fn failure(&self) -> Error {
        Error::from(unsafe { &*ffi::oversized_caller_error(self.handle) })
    }

    fn check(&self, status: ffi::segj_status_t) -> Result<(), Error> {
        if status == ffi::SEGJ_OK { Ok(()) } else { Err(self.failure()) }
    }

    fn append(&self, section: u64, entry: &[u8], value: &[u8]) -> Result<u64, Error> {
        let mut position = 0;
        let (entry, data) = (entry.as_ptr() as *const c_void, value.as_ptr() as *const c_void);
        self.check(unsafe {
            ffi::oversized_append(self.handle, section, entry, data, value.len() as _, &mut position, ptr::null_mut())
        })?;
        Ok(position)
    }

    fn sync(&self, section: u64) -> Result<(), Error> {
        self.check(unsafe { ffi::oversized_sync(self.handle, section) })
    }

    fn read(&self, section: u64, position: u64) -> Result<Vec<u8>, Error> {
        unsafe {
            let mut value: ffi::segj_buffer_t = MaybeUninit::zeroed().assume_init();
            let status = ffi::oversized_read(self.handle, section, position, ptr::null_mut(), &mut value);
            let read = self.check(status).map(|()| match value.size {
                0 => Vec::new(),
                size => std::slice::from_raw_parts(value.data as *const u8, size as usize).to_vec(),
            });
            ffi::segj_buffer_free(&mut value);
            read
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        unsafe { ffi::oversized_caller_close(self.handle) }
    }
}

/// A user between two steps: it calls, and when it is taken up again, by whichever thread, it asks why that failed.
struct User {
    caller: Caller,
    section: u64,
    last: u64,
    asking: bool,
}

fn last_error() -> String {
    unsafe { CStr::from_ptr(ffi::segj_last_error()) }.to_string_lossy().into_owned()
}

fn serve(users: &Mutex<VecDeque<User>>) -> (u64, u64, u64) {
    let (mut calls, mut foreign, mut foreign_of_thread) = (0, 0, 0);
    loop {
        let Some(mut user) = users.lock().unwrap().pop_front() else { return (calls, foreign, foreign_of_thread) };
        if user.asking {
            let expected = format!("there is no section {}", user.section);
            let failure = user.caller.failure();
            foreign += u64::from(failure.status != ffi::SEGJ_ERR_NO_SECTION || failure.text != expected);
            foreign_of_thread += u64::from(last_error() != expected);
            user.section += 1;
        } else {
            calls += u64::from(user.caller.read(user.section, 0).is_err());
        }
        user.asking = !user.asking;
        if user.section < user.last {
            users.lock().unwrap().push_back(user);
        }
    }
}

fn fail_much(journal: &Arc<Journal>) -> (u64, u64, u64) {
    let users: VecDeque<User> = (0..USERS)
        .map(|user| 1000 + user * CALLS)
        .map(|first| User { caller: Caller::new(journal), section: first, last: first + CALLS, asking: false })
        .collect();
    let users = Mutex::new(users);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| serve(&users))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).fold((0, 0, 0), |sum, one| {
            (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2)
        })
    })
}

fn main() -> Result<(), Error> {
    let directory = std::env::args().nth(1).expect("a directory");
    let journal = Journal::open(&directory, 8)?;
    let caller = Caller::new(&journal);
    let position = caller.append(SECTION, b"an entry", b"a value")?;
    caller.sync(SECTION)?;
    assert_eq!(caller.read(SECTION, position)?, b"a value");

    let (calls, foreign, foreign_of_thread) = fail_much(&journal);
    println!(
        "rust: {calls} failing calls of {USERS} users: {foreign} foreign sentences; segj_last_error() gave {foreign_of_thread}"
    );
    assert_eq!((calls, foreign), (USERS * CALLS, 0));

    let locked = Journal::open(&directory, 8).err().expect("a second open is refused");
    assert_eq!(locked.status, ffi::SEGJ_ERR_LOCKED);
    assert_ne!(locked.errno, 0);
    Ok(())
}
