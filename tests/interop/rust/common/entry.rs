//! The records and values of the scripts: an entry of E bytes with the value's location last, as the crate's own archive
//! and freezer have it; values with a length before them (Vec<u8>), or of a fixed size ([u8; N]).

use crate::store::{Buf, BufMut};
use commonware_codec::{CodecShared, Error, FixedSize, RangeCfg, Read, ReadExt, Write};
use commonware_storage::journal::segmented::oversized::Record;

#[derive(Clone)]
pub struct Entry<const E: usize> {
    pub bytes: [u8; E],
    pub offset: u64,
    pub size: u32,
}

impl<const E: usize> Write for Entry<E> {
    fn write(&self, buf: &mut impl BufMut) {
        self.bytes.write(buf);
        self.offset.write(buf);
        self.size.write(buf);
    }
}

impl<const E: usize> Read for Entry<E> {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        let bytes = <[u8; E]>::read(buf)?;
        let offset = u64::read(buf)?;
        let size = u32::read(buf)?;
        Ok(Self { bytes, offset, size })
    }
}

impl<const E: usize> FixedSize for Entry<E> {
    const SIZE: usize = E + u64::SIZE + u32::SIZE;
}

impl<const E: usize> Record for Entry<E> {
    fn value_location(&self) -> (u64, u32) {
        (self.offset, self.size)
    }

    fn with_location(mut self, offset: u64, size: u32) -> Self {
        self.offset = offset;
        self.size = size;
        self
    }
}

/// A kind of value that scripts may ask for.
pub trait Value: CodecShared {
    fn config() -> Self::Cfg;
    /// Takes the first bytes of what `fill` gives, as many as it has room for.
    fn from_bytes(bytes: Vec<u8>) -> Self;
    fn bytes(&self) -> &[u8];
}

impl Value for Vec<u8> {
    fn config() -> Self::Cfg {
        (RangeCfg::from(..), ())
    }

    fn from_bytes(bytes: Vec<u8>) -> Self {
        bytes
    }

    fn bytes(&self) -> &[u8] {
        self
    }
}

impl<const N: usize> Value for [u8; N] {
    fn config() {}

    fn from_bytes(bytes: Vec<u8>) -> Self {
        bytes.try_into().expect("a value of the fixed size")
    }

    fn bytes(&self) -> &[u8] {
        self
    }
}

/// The value that a number and a size stand for. A number below 256 gives that byte again and again, every fourth one
/// bytes that compress well.
pub fn fill(number: u64, size: usize) -> Vec<u8> {
    if number < 256 {
        return vec![number as u8; size];
    }
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x1234_5678_9ABC_DEF1);
    let step = if number % 4 == 0 { 16 } else { 1 };
    let mut bytes = Vec::with_capacity(size);
    for i in 0..size {
        if i % step == 0 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        bytes.push((state >> 32) as u8);
    }
    bytes
}

/// The entry of a number: its last bytes, the number itself at the end.
pub fn entry_bytes<const E: usize>(number: u64) -> [u8; E] {
    let mut bytes = fill(number ^ 0x5555_0000, E);
    for (byte, digit) in bytes.iter_mut().rev().zip(number.to_be_bytes().iter().rev()) {
        *byte = *digit;
    }
    bytes.try_into().expect("an entry")
}

/// FNV-1a.
pub fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}
