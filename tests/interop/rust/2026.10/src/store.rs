//! The journal of release 2026.10.0, and of 2026.9.0, which still has rewinds. An operation takes the journal, and gives it
//! back where it went well; so what is refused without a change is asked for before.

use crate::{
    entry::{Entry, Value},
    script::Setting,
};
#[cfg(not(feature = "release_2026_9"))]
pub use commonware_codec::Buf;
use commonware_codec::FixedSize;
#[cfg(feature = "release_2026_9")]
pub use commonware_runtime::Buf;
pub use commonware_runtime::BufMut;
use commonware_runtime::{buffer::paged::CacheRef, tokio, BlobLayout, Error as Failure, ReadOptions, Supervisor};
use commonware_storage::journal::segmented::oversized::{Config, Oversized, Replay};
pub use commonware_storage::journal::Error;
use std::num::{NonZeroU16, NonZeroUsize};

const REPLAY_BUFFER: usize = 4096;

/// How a journal is opened.
pub enum Opening {
    Inferred,
    AtMost { section: u64, size: u64 },
    Checkpoint { section: u64, size: u64 },
}

#[allow(deprecated)] // V0 is what release 2026.2.0 reads
pub fn with_layouts(config: tokio::Config, layouts: &str) -> Result<tokio::Config, String> {
    let layouts = match layouts {
        "v0" => BlobLayout::V0..=BlobLayout::V0,
        "v1" => BlobLayout::V1..=BlobLayout::V1,
        "all" => BlobLayout::V0..=BlobLayout::V1,
        _ => return Err(format!("no layouts are called {layouts}")),
    };
    Ok(config.with_storage_blob_layouts(layouts))
}

type Journal<const E: usize, V> = Oversized<tokio::Context, Entry<E>, V>;

pub struct Store<const E: usize, V: Value> {
    /// None: an operation has failed, and taken the journal with it.
    journal: Option<Journal<E, V>>,
}

impl<const E: usize, V: Value> Store<E, V> {
    pub async fn open(context: &tokio::Context, setting: &Setting, opening: Opening) -> Result<Self, Error> {
        let context = context.child("journal");
        let counts = format!("{}-counts", setting.id);
        let config = Config {
            index_partition: format!("{}-index", setting.id),
            value_partition: format!("{}-values", setting.id),
            index_page_cache: page_cache(
                &context,
                NonZeroU16::new(setting.page).expect("a page size"),
                NonZeroUsize::new(setting.cache).expect("a cache"),
            ),
            index_write_buffer: NonZeroUsize::new(setting.index_buffer).expect("a buffer"),
            value_write_buffer: NonZeroUsize::new(setting.value_buffer).expect("a buffer"),
            replay_buffer: NonZeroUsize::new(REPLAY_BUFFER).expect("a buffer"),
            compression: setting.zstd,
            codec_config: V::config(),
        };
        let journal = match opening {
            Opening::Inferred if setting.counts => counted(context, config, counts).await?,
            Opening::AtMost { section, size } if setting.counts => {
                counted_at_most(context, config, counts, section, size).await?
            }
            Opening::Inferred => Oversized::init(context, config).await?,
            Opening::AtMost { section, size } => at_most(context, config, section, size).await?,
            Opening::Checkpoint { section, size } => {
                Oversized::init_with_checkpoint(context, config, (section, size)).await?
            }
        };
        Ok(Self { journal: Some(journal) })
    }

    fn journal(&self) -> &Journal<E, V> {
        self.journal.as_ref().expect("an operation has failed before")
    }

    fn take(&mut self) -> Journal<E, V> {
        self.journal.take().expect("an operation has failed before")
    }

    /// What is below the prune line is refused.
    fn above_line(&self, section: u64) -> Result<(), Error> {
        match self.journal().pruned(section) {
            true => Err(Error::AlreadyPrunedToSection(section)),
            false => Ok(()),
        }
    }

    pub async fn append(&mut self, section: u64, entry: Entry<E>, value: &V) -> Result<(u64, u64, u32), Error> {
        self.above_line(section)?;
        let (journal, position, offset, size) = self.take().append(section, entry, value).await?;
        self.journal = Some(journal);
        Ok((position, offset, size))
    }

    pub async fn sync(&mut self, section: u64) -> Result<(), Error> {
        self.above_line(section)?;
        self.journal = Some(self.take().sync(section).await?);
        Ok(())
    }

    pub async fn sync_all(&mut self) -> Result<(), Error> {
        self.journal = Some(self.take().sync_all().await?);
        Ok(())
    }

    pub async fn prune(&mut self, section: u64) -> Result<bool, Error> {
        let (journal, pruned) = self.take().prune(section).await?;
        self.journal = Some(journal);
        Ok(pruned)
    }

    pub async fn get(&self, section: u64, position: u64) -> Result<Entry<E>, Error> {
        self.journal().get(section, position).await
    }

    pub async fn last(&self, section: u64) -> Result<Option<Entry<E>>, Error> {
        self.journal().last(section).await
    }

    pub async fn get_value(&self, section: u64, offset: u64, size: u32) -> Result<V, Error> {
        self.journal().get_value(section, offset, size).await
    }

    pub async fn size(&self, section: u64) -> Result<u64, Error> {
        self.journal().size(section)
    }

    pub async fn value_size(&self, section: u64) -> Result<u64, Error> {
        self.journal().value_size(section).await
    }

    pub fn oldest_section(&self) -> Option<u64> {
        self.journal().oldest_section()
    }

    pub fn newest_section(&self) -> Option<u64> {
        self.journal().newest_section()
    }

    pub async fn replay(&mut self, section: u64, position: u64) -> Result<Vec<(u64, u64, Entry<E>)>, Error> {
        if position > 0 && self.journal().last(section).await.is_ok() {
            let records = self.journal().size(section)? / Entry::<E>::SIZE as u64;
            if position > records {
                return Err(Error::ItemOutOfRange(position));
            }
        }
        let buffer = NonZeroUsize::new(REPLAY_BUFFER).expect("a buffer");
        let mut replay = self.take().replay(section, position, buffer, ReadOptions::default()).await?;
        let mut items = Vec::new();
        while let Some(item) = replay.next().await {
            items.push(item?);
        }
        self.journal = Some(replay.finish()?);
        Ok(items)
    }

    pub async fn destroy(mut self) -> Result<(), Error> {
        self.take().destroy().await
    }
}

#[cfg(not(feature = "release_2026_9"))]
impl<const E: usize, V: Value> Store<E, V> {
    pub async fn rewind(&mut self, _: u64, _: u64) -> Result<(), Error> {
        Err(Error::InvalidConfiguration("this release has no rewinds".to_string()))
    }

    pub async fn rewind_section(&mut self, _: u64, _: u64) -> Result<(), Error> {
        Err(Error::InvalidConfiguration("this release has no rewinds".to_string()))
    }
}

/// Recovery as an archive has it: all entries are visited.
async fn recovered<const E: usize, V: Value>(
    mut replay: Replay<tokio::Context, Entry<E>, V>,
) -> Result<Journal<E, V>, Error> {
    while let Some(item) = replay.next().await {
        item?;
    }
    replay.finish_tracked().await
}

#[cfg(not(feature = "release_2026_9"))]
async fn counted<const E: usize, V: Value>(
    context: tokio::Context,
    config: Config<V::Cfg>,
    counts: String,
) -> Result<Journal<E, V>, Error> {
    recovered(Oversized::init_with_metadata(context, config, counts, ReadOptions::default()).await?).await
}

#[cfg(not(feature = "release_2026_9"))]
async fn counted_at_most<const E: usize, V: Value>(
    context: tokio::Context,
    config: Config<V::Cfg>,
    counts: String,
    section: u64,
    size: u64,
) -> Result<Journal<E, V>, Error> {
    let options = ReadOptions::default();
    recovered(Oversized::init_with_metadata_at_most(context, config, counts, options, section, size).await?).await
}

#[cfg(feature = "release_2026_9")]
async fn counted<const E: usize, V: Value>(
    context: tokio::Context,
    config: Config<V::Cfg>,
    counts: String,
) -> Result<Journal<E, V>, Error> {
    recovered(Oversized::init_with_metadata(&context, config, counts, ReadOptions::default()).await?).await
}

#[cfg(feature = "release_2026_9")]
async fn counted_at_most<const E: usize, V: Value>(
    context: tokio::Context,
    config: Config<V::Cfg>,
    counts: String,
    section: u64,
    size: u64,
) -> Result<Journal<E, V>, Error> {
    let journal: Journal<E, V> = counted(context.child("whole"), config.clone(), counts.clone()).await?;
    drop(journal.rewind(section, size).await?);
    counted(context, config, counts).await
}

#[cfg(not(feature = "release_2026_9"))]
fn page_cache(_: &tokio::Context, page: NonZeroU16, pages: NonZeroUsize) -> CacheRef {
    CacheRef::new(page, pages)
}

#[cfg(feature = "release_2026_9")]
fn page_cache(context: &tokio::Context, page: NonZeroU16, pages: NonZeroUsize) -> CacheRef {
    CacheRef::from_pooler(context, page, pages)
}

#[cfg(not(feature = "release_2026_9"))]
async fn at_most<const E: usize, V: Value>(
    context: tokio::Context,
    config: Config<V::Cfg>,
    section: u64,
    size: u64,
) -> Result<Journal<E, V>, Error> {
    Oversized::init_at_most(context, config, section, size).await
}

#[cfg(feature = "release_2026_9")]
impl<const E: usize, V: Value> Store<E, V> {
    pub async fn rewind(&mut self, section: u64, size: u64) -> Result<(), Error> {
        self.journal = Some(self.take().rewind(section, size).await?);
        Ok(())
    }

    pub async fn rewind_section(&mut self, section: u64, size: u64) -> Result<(), Error> {
        self.journal = Some(self.take().rewind_section(section, size).await?);
        Ok(())
    }
}

/// There is no such open in this release. What ends there is looked at by the second one.
#[cfg(feature = "release_2026_9")]
async fn at_most<const E: usize, V: Value>(
    context: tokio::Context,
    config: Config<V::Cfg>,
    section: u64,
    size: u64,
) -> Result<Journal<E, V>, Error> {
    let journal: Journal<E, V> = Oversized::init(context.child("whole"), config.clone()).await?;
    drop(journal.rewind(section, size).await?);
    Oversized::init(context, config).await
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
