//! The store: one section of the journal of release 2026.2.0.

use crate::{
    data::{
        consume, size, Entry, Pools, Positions, PAGE_CACHE, PAGE_SIZE, RANDOM_CHECKS, REPLAY_BUFFER, SECTION,
        WRITE_BUFFER, ZSTD,
    },
    program::WORKERS,
};
use bytes::Bytes;
use commonware_codec::RangeCfg;
use commonware_runtime::{buffer::paged::CacheRef, tokio::Context, Metrics, Spawner};
pub use commonware_runtime::{Buf, BufMut};
use commonware_storage::journal::segmented::oversized::{Config, Oversized};
use futures::StreamExt;
use std::{hint::black_box, num::NonZeroU16, sync::Arc, time::Instant};

type Journal = Oversized<Context, Entry, Bytes>;

pub struct Store {
    context: Context,
    pools: Pools,
    compression: Option<u8>,
    opened: usize,
    journal: Option<Journal>,
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

async fn read(journal: &Journal, position: u64) -> Result<(Entry, Bytes), String> {
    let entry = journal.get(SECTION, position).await.map_err(text)?;
    let value = journal.get_value(SECTION, entry.offset, entry.size).await.map_err(text)?;
    Ok((entry, value))
}

async fn read_some(journal: &Journal, count: u64, total: u64, seed: u64) -> Result<u64, String> {
    let mut positions = Positions(seed);
    let mut sum = 0;
    for _ in 0..count {
        sum ^= consume(&read(journal, positions.next(total)).await?.1);
    }
    Ok(sum)
}

impl Store {
    pub fn new(context: Context, pools: [Bytes; 2]) -> Self {
        Self { context, pools: Pools::new(pools), compression: None, opened: 0, journal: None }
    }

    pub fn options(&self) -> String {
        format!(
            "commonware-storage 2026.2.0, tokio runtime, {} workers, pages of {PAGE_SIZE}, cache of {PAGE_CACHE} pages, \
             write buffers of {} KiB, one section, values as Bytes, a sync is an fsync of each of two files at the same time",
            WORKERS,
            WRITE_BUFFER >> 10
        )
    }

    pub fn choose_pool(&mut self, json: bool) {
        self.pools.choose(json);
    }

    pub fn choose_compression(&mut self, on: bool) {
        self.compression = on.then_some(ZSTD);
    }

    fn journal(&self) -> Result<&Journal, String> {
        self.journal.as_ref().ok_or_else(|| "the store is not open".to_string())
    }

    pub async fn open(&mut self) -> Result<f64, String> {
        let start = Instant::now();
        self.opened += 1;
        let config = Config {
            index_partition: "index".to_string(),
            value_partition: "values".to_string(),
            index_page_cache: CacheRef::new(NonZeroU16::new(PAGE_SIZE).expect("a size"), size(PAGE_CACHE)),
            index_write_buffer: size(WRITE_BUFFER),
            value_write_buffer: size(WRITE_BUFFER),
            compression: self.compression,
            codec_config: RangeCfg::from(..),
        };
        let context = self.context.with_label(&format!("open{}", self.opened));
        self.journal = Some(Journal::init(context, config).await.map_err(text)?);
        Ok(start.elapsed().as_secs_f64())
    }

    /// A store that is closed already stays it.
    pub async fn close(&mut self) -> Result<(), String> {
        match self.journal.take() {
            Some(journal) => journal.sync_all().await.map_err(text),
            None => Ok(()),
        }
    }

    pub async fn create(&mut self, size: usize) -> Result<(), String> {
        self.open().await?;
        self.append(0, 1, size, 0).await.map(|_| ())
    }

    pub async fn append(&mut self, first: u64, count: u64, size: usize, every: u64) -> Result<f64, String> {
        let mut journal = self.journal.take().ok_or("the store is not open")?;
        let start = Instant::now();
        for i in 0..count {
            let entry = Entry { id: first + i, offset: 0, size: 0 };
            let (position, _, _) =
                journal.append(SECTION, entry, &self.pools.value(first + i, size)).await.map_err(text)?;
            if position != first + i {
                return Err(format!("record {} went to position {position}", first + i));
            }
            if every > 0 && (i + 1) % every == 0 {
                journal.sync(SECTION).await.map_err(text)?;
            }
        }
        if every == 0 || count % every != 0 {
            journal.sync(SECTION).await.map_err(text)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        self.journal = Some(journal);
        Ok(seconds)
    }

    pub async fn first(&mut self, position: u64) -> Result<f64, String> {
        let start = Instant::now();
        self.open().await?;
        let (_, value) = read(self.journal()?, position).await?;
        black_box(consume(&value));
        let seconds = start.elapsed().as_secs_f64();
        self.close().await?;
        Ok(seconds)
    }

    /// Threads are tasks of the runtime; one reader is the caller itself.
    pub async fn random(&mut self, count: u64, total: u64, seed: u64, threads: u64) -> Result<f64, String> {
        if threads < 2 {
            let start = Instant::now();
            black_box(read_some(self.journal()?, count, total, seed).await?);
            return Ok(start.elapsed().as_secs_f64());
        }
        let journal = Arc::new(self.journal.take().ok_or("the store is not open")?);
        let start = Instant::now();
        let mut readers = Vec::new();
        for thread in 0..threads {
            let journal = journal.clone();
            let seed = seed.wrapping_add(thread * 1_000_003);
            readers.push(self.context.clone().spawn(move |_| async move {
                let sum = read_some(&journal, count / threads, total, seed).await;
                drop(journal); // before the answer, so that the journal can be taken back
                sum
            }));
        }
        for reader in readers {
            black_box(reader.await.map_err(text)??);
        }
        let seconds = start.elapsed().as_secs_f64();
        self.journal = Some(Arc::into_inner(journal).ok_or("a reader has kept the store")?);
        Ok(seconds)
    }

    pub async fn scan(&mut self, total: u64) -> Result<f64, String> {
        let start = Instant::now();
        let journal = self.journal()?;
        let stream = journal.replay(SECTION, 0, size(REPLAY_BUFFER)).await.map_err(text)?;
        futures::pin_mut!(stream);
        let (mut count, mut sum) = (0, 0);
        while let Some(item) = stream.next().await {
            let (_, _, entry) = item.map_err(text)?;
            let value = journal.get_value(SECTION, entry.offset, entry.size).await.map_err(text)?;
            sum ^= consume(&value);
            count += 1;
        }
        black_box(sum);
        if count != total {
            return Err(format!("{count} values where {total} were expected"));
        }
        Ok(start.elapsed().as_secs_f64())
    }

    pub async fn replay(&mut self, total: u64) -> Result<f64, String> {
        let start = Instant::now();
        let stream = self.journal()?.replay(SECTION, 0, size(REPLAY_BUFFER)).await.map_err(text)?;
        futures::pin_mut!(stream);
        let (mut ids, mut sizes) = (0u64, 0u64);
        while let Some(item) = stream.next().await {
            let (_, _, entry) = item.map_err(text)?;
            ids = ids.wrapping_add(entry.id);
            sizes = sizes.wrapping_add(u64::from(entry.size));
        }
        let seconds = start.elapsed().as_secs_f64();
        black_box(sizes);
        if ids != total.wrapping_mul(total.wrapping_sub(1)) / 2 {
            return Err(format!("the entries add up to {ids}"));
        }
        Ok(seconds)
    }

    pub async fn verify(&mut self, total: u64, size: usize) -> Result<(), String> {
        if self.journal.is_none() {
            self.open().await?;
        }
        let mut positions = Positions(total);
        for i in 0..total + RANDOM_CHECKS {
            let position = if i < total { i } else { positions.next(total) };
            let (entry, value) = read(self.journal()?, position).await?;
            if entry.id != position || value != self.pools.value(position, size) {
                return Err(format!("record {position} is not what it was"));
            }
        }
        Ok(())
    }
}
