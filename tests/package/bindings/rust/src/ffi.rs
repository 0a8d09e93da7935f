//! What main.rs uses of oversized.h, declared by hand. The library never writes more of a configuration than its own version of
//! it has, so one of which only the beginning is known has room behind it.
#![allow(non_camel_case_types)]

use std::ffi::{c_char, c_int, c_uint, c_void};

pub type segj_status_t = c_uint;
pub const SEGJ_OK: segj_status_t = 0;
pub const SEGJ_ERR_LOCKED: segj_status_t = 14;
pub const SEGJ_ERR_NO_SECTION: segj_status_t = 20;

#[repr(C)]
pub struct oversized_t {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct segj_error_t {
    pub code: c_int,
    pub status: segj_status_t,
    pub text: [c_char; 1024],
}

#[repr(C)]
pub struct segj_buffer_t {
    pub data: *mut c_void,
    pub size: usize,
    capacity: usize,
}

#[repr(C)]
pub struct oversized_config_t {
    struct_size: usize,
    pub directory: *const c_char,
    index_partition: *const c_char,
    value_partition: *const c_char,
    pub entry_size: u32,
    _rest: [u64; 256],
}

extern "C" {
    pub fn segj_status_name(status: segj_status_t) -> *const c_char;
    pub fn segj_last_error() -> *const c_char;
    pub fn segj_last_errno() -> c_int;
    pub fn segj_buffer_free(buffer: *mut segj_buffer_t);
    pub fn oversized_config_init(config: *mut oversized_config_t);
    pub fn oversized_open(config: *const oversized_config_t, journal: *mut *mut oversized_t) -> segj_status_t;
    pub fn oversized_close(journal: *mut oversized_t) -> segj_status_t;
    pub fn oversized_caller_open(journal: *mut oversized_t, caller: *mut *mut oversized_t) -> segj_status_t;
    pub fn oversized_caller_error(caller: *const oversized_t) -> *const segj_error_t;
    pub fn oversized_caller_close(caller: *mut oversized_t);
    pub fn oversized_append(
        journal: *mut oversized_t,
        section: u64,
        entry: *const c_void,
        value: *const c_void,
        size: usize,
        position: *mut u64,
        location: *mut c_void,
    ) -> segj_status_t;
    pub fn oversized_read(
        journal: *mut oversized_t,
        section: u64,
        position: u64,
        entry: *mut c_void,
        value: *mut segj_buffer_t,
    ) -> segj_status_t;
    pub fn oversized_sync(journal: *mut oversized_t, section: u64) -> segj_status_t;
}
