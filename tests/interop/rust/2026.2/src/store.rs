//! The journal of release 2026.2.0.

use crate::{
    entry::{Entry, Value},
    script::Setting,
};
use commonware_runtime::{buffer::paged::CacheRef, tokio, Error as Failure, Metrics};
pub use commonware_runtime::{Buf, BufMut};
use commonware_storage::journal::segmented::oversized::{Config, Oversized};
pub use commonware_storage::journal::Error;
use futures::StreamExt;
use std::{
    num::{NonZeroU16, NonZeroUsize},
    sync::atomic::{AtomicUsize, Ordering},
};

const REPLAY_BUFFER: usize = 4096;

/// The container is V0, whatever is said: there is no other.
pub fn with_layouts(config: tokio::Config, layouts: &str) -> Result<tokio::Config, String> {
    match layouts {
        "v0" => Ok(config),
        _ => Err(format!("release 2026.2.0 has no layouts {layouts}")),
    }
}

/// How a journal is opened.
pub enum Opening {
    Inferred,
    AtMost { section: u64, size: u64 },
    Checkpoint { section: u64, size: u64 },
}

pub struct Store<const E: usize, V: Value> {
    journal: Oversized<tokio::Context, Entry<E>, V>,
}

impl<const E: usize, V: Value> Store<E, V> {
    /// What is bounded in later releases is opened, and taken back.
    pub async fn open(context: &tokio::Context, setting: &Setting, opening: Opening) -> Result<Self, Error> {
        assert!(!setting.counts, "release 2026.2.0 has no counts");
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        let config = Config {
            index_partition: format!("{}-index", setting.id),
            value_partition: format!("{}-values", setting.id),
            index_page_cache: CacheRef::new(
                NonZeroU16::new(setting.page).expect("a page size"),
                NonZeroUsize::new(setting.cache).expect("a cache"),
            ),
            index_write_buffer: NonZeroUsize::new(setting.index_buffer).expect("a buffer"),
            value_write_buffer: NonZeroUsize::new(setting.value_buffer).expect("a buffer"),
            compression: setting.zstd,
            codec_config: V::config(),
        };
        // A label is good for one journal.
        let context = context.with_label(&format!("journal{}", OPENED.fetch_add(1, Ordering::Relaxed)));
        let mut journal = Oversized::init(context, config).await?;
        if let Opening::AtMost { section, size } | Opening::Checkpoint { section, size } = opening {
            journal.rewind(section, size).await?;
        }
        Ok(Self { journal })
    }

    pub async fn append(&mut self, section: u64, entry: Entry<E>, value: &V) -> Result<(u64, u64, u32), Error> {
        self.journal.append(section, entry, value).await
    }

    pub async fn sync(&mut self, section: u64) -> Result<(), Error> {
        self.journal.sync(section).await
    }

    pub async fn sync_all(&mut self) -> Result<(), Error> {
        self.journal.sync_all().await
    }

    pub async fn prune(&mut self, section: u64) -> Result<bool, Error> {
        self.journal.prune(section).await
    }

    pub async fn rewind(&mut self, section: u64, size: u64) -> Result<(), Error> {
        self.journal.rewind(section, size).await
    }

    pub async fn rewind_section(&mut self, section: u64, size: u64) -> Result<(), Error> {
        self.journal.rewind_section(section, size).await
    }

    pub async fn get(&self, section: u64, position: u64) -> Result<Entry<E>, Error> {
        self.journal.get(section, position).await
    }

    pub async fn last(&self, section: u64) -> Result<Option<Entry<E>>, Error> {
        self.journal.last(section).await
    }

    pub async fn get_value(&self, section: u64, offset: u64, size: u32) -> Result<V, Error> {
        self.journal.get_value(section, offset, size).await
    }

    pub async fn size(&self, section: u64) -> Result<u64, Error> {
        self.journal.size(section).await
    }

    pub async fn value_size(&self, section: u64) -> Result<u64, Error> {
        self.journal.value_size(section).await
    }

    pub fn oldest_section(&self) -> Option<u64> {
        self.journal.oldest_section()
    }

    pub fn newest_section(&self) -> Option<u64> {
        self.journal.newest_section()
    }

    pub async fn replay(&mut self, section: u64, position: u64) -> Result<Vec<(u64, u64, Entry<E>)>, Error> {
        let buffer = NonZeroUsize::new(REPLAY_BUFFER).expect("not zero");
        let stream = self.journal.replay(section, position, buffer).await?;
        futures::pin_mut!(stream);
        let mut items = Vec::new();
        while let Some(item) = stream.next().await {
            items.push(item?);
        }
        Ok(items)
    }

    pub async fn destroy(self) -> Result<(), Error> {
        self.journal.destroy().await
    }
}

pub fn is_no_section(error: &Error) -> bool {
    matches!(error, Error::SectionOutOfRange(_))
}

/// One word for what both sides call differently.
pub fn word(error: &Error) -> &'static str {
    match error {
        Error::AlreadyPrunedToSection(_) => "pruned",
        Error::SectionOutOfRange(_) => "no section",
        Error::ItemOutOfRange(_) => "no record",
        Error::ChecksumMismatch(_, _) => "checksum",
        Error::DecompressionFailed | Error::CompressionFailed => "compression",
        Error::Codec(_) => "codec",
        Error::Runtime(Failure::BlobInsufficientLength) | Error::OffsetOverflow => "range",
        Error::Runtime(Failure::OffsetOverflow) => "range",
        Error::Runtime(Failure::ReadFailed) | Error::Runtime(Failure::InvalidChecksum) => "corrupt",
        _ => "other",
    }
}
