//! Records of the store, and what is done with values. They are `Bytes`, which the crate's codec copies in one piece (a
//! Vec<u8> it writes and reads byte by byte).

use crate::store::{Buf, BufMut};
use bytes::Bytes;
use commonware_codec::{Error as CodecError, FixedSize, Read, ReadExt, Write};
use commonware_storage::journal::segmented::oversized::Record;
use std::num::NonZeroUsize;

pub const SECTION: u64 = 1;
pub const PAGE_SIZE: u16 = 4084;
pub const PAGE_CACHE: usize = 65536;
pub const WRITE_BUFFER: usize = 1 << 20;
pub const REPLAY_BUFFER: usize = 1 << 20;
pub const ZSTD: u8 = 3;
pub const RANDOM_CHECKS: u64 = 10_000;

#[derive(Clone)]
pub struct Entry {
    pub id: u64,
    pub offset: u64,
    pub size: u32,
}

impl Write for Entry {
    fn write(&self, buf: &mut impl BufMut) {
        self.id.write(buf);
        self.offset.write(buf);
        self.size.write(buf);
    }
}

impl Read for Entry {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self { id: u64::read(buf)?, offset: u64::read(buf)?, size: u32::read(buf)? })
    }
}

impl FixedSize for Entry {
    const SIZE: usize = 2 * u64::SIZE + u32::SIZE;
}

impl Record for Entry {
    fn value_location(&self) -> (u64, u32) {
        (self.offset, self.size)
    }

    fn with_location(mut self, offset: u64, size: u32) -> Self {
        self.offset = offset;
        self.size = size;
        self
    }
}

pub fn size(bytes: usize) -> NonZeroUsize {
    NonZeroUsize::new(bytes).expect("a size")
}

/// Where record i's value begins in a pool.
fn pool_offset(i: u64) -> usize {
    ((i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 47) * 8) as usize
}

/// The two pools that values are cut from.
pub struct Pools {
    pools: [Bytes; 2],
    chosen: usize,
}

impl Pools {
    pub fn new(pools: [Bytes; 2]) -> Self {
        Self { pools, chosen: 0 }
    }

    pub fn choose(&mut self, json: bool) {
        self.chosen = usize::from(json);
    }

    pub fn value(&self, i: u64, size: usize) -> Bytes {
        let offset = pool_offset(i);
        self.pools[self.chosen].slice(offset..offset + size)
    }
}

/// The exclusive or of a value's words.
pub fn consume(value: &[u8]) -> u64 {
    let mut words = value.chunks_exact(8);
    let mut sum = 0;
    for word in &mut words {
        sum ^= u64::from_ne_bytes(word.try_into().expect("8 bytes"));
    }
    let mut last = [0; 8];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    sum ^ u64::from_ne_bytes(last)
}

/// Where random reads go.
pub struct Positions(pub u64);

impl Positions {
    pub fn next(&mut self, total: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % total
    }
}
