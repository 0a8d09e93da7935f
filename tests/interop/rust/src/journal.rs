//! A script played on the crate's journal.

use crate::{
    entry::{digest, entry_bytes, fill, Entry, Value},
    script::{Operation, Script, Setting},
};
use commonware_codec::FixedSize;
use commonware_runtime::{buffer::paged::CacheRef, tokio::Context, Error as Failure, Metrics};
use commonware_storage::journal::{
    segmented::oversized::{Config, Oversized},
    Error,
};
use futures::StreamExt;
use std::{
    fmt::Write,
    num::{NonZeroU16, NonZeroUsize},
};

type Journal<const E: usize, V> = Oversized<Context, Entry<E>, V>;

const REPLAY_BUFFER: usize = 4096;

pub async fn play(context: &Context, script: &Script) -> Result<String, String> {
    let setting = &script.setting;
    match (setting.entry, setting.value) {
        (1, None) => Player::<1, Vec<u8>>::play(context, script).await,
        (8, None) => Player::<8, Vec<u8>>::play(context, script).await,
        (8, Some(0)) => Player::<8, [u8; 0]>::play(context, script).await,
        (8, Some(16)) => Player::<8, [u8; 16]>::play(context, script).await,
        (8, Some(300)) => Player::<8, [u8; 300]>::play(context, script).await,
        (40, None) => Player::<40, Vec<u8>>::play(context, script).await,
        (40, Some(16)) => Player::<40, [u8; 16]>::play(context, script).await,
        (entry, value) => Err(format!("script {}: entry {entry} with value {value:?} is not built in", setting.id)),
    }
}

struct Player<'a, const E: usize, V: Value> {
    context: &'a Context,
    setting: &'a Setting,
    opened: usize,
    journal: Option<Journal<E, V>>,
    told: String,
}

impl<'a, const E: usize, V: Value> Player<'a, E, V> {
    async fn play(context: &'a Context, script: &'a Script) -> Result<String, String> {
        let setting = &script.setting;
        let told = format!("script {}\n", setting.id);
        let mut player = Self { context, setting, opened: 0, journal: None, told };
        for (line, operation) in &script.operations {
            player.tell(line);
            player.step(operation).await?;
        }
        Ok(player.told)
    }

    fn tell(&mut self, line: &str) {
        self.told.push_str(line);
        self.told.push('\n');
    }

    fn answer<T>(&mut self, result: Result<T, Error>) {
        match result {
            Ok(_) => self.tell("  ok"),
            Err(error) => self.tell(&format!("  {}", word(&error))),
        }
    }

    async fn step(&mut self, operation: &Operation) -> Result<(), String> {
        if let Operation::Open = operation {
            self.open().await;
            return Ok(());
        }
        let Some(mut journal) = self.journal.take() else {
            self.tell("  not open");
            return Ok(());
        };
        match operation {
            Operation::Close => {
                let result = journal.sync_all().await;
                drop(journal);
                self.answer(result);
                return Ok(());
            }
            Operation::Abandon => {
                drop(journal);
                self.tell("  ok");
                return Ok(());
            }
            Operation::Destroy => {
                let result = journal.destroy().await;
                self.answer(result);
                return Ok(());
            }
            operation => self.change(&mut journal, operation).await,
        }
        self.journal = Some(journal);
        Ok(())
    }

    async fn open(&mut self) {
        let setting = self.setting;
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
        self.opened += 1;
        let label = format!("script{}_{}", setting.id.replace('-', "_"), self.opened);
        match Journal::init(self.context.with_label(&label), config).await {
            Ok(journal) => {
                self.journal = Some(journal);
                self.tell("  ok");
            }
            Err(error) => {
                eprintln!("script {}: {error}", setting.id);
                self.tell("  refused");
            }
        }
    }

    async fn change(&mut self, journal: &mut Journal<E, V>, operation: &Operation) {
        let record = Entry::<E>::SIZE as u64;
        match *operation {
            Operation::Append { section, number, size } => self.append(journal, section, number, size).await,
            Operation::Sync(section) => {
                let result = journal.sync(section).await;
                self.answer(result);
            }
            Operation::SyncAll => {
                let result = journal.sync_all().await;
                self.answer(result);
            }
            Operation::Prune(section) => match journal.prune(section).await {
                Ok(pruned) => self.tell(if pruned { "  pruned" } else { "  nothing" }),
                Err(error) => self.answer::<()>(Err(error)),
            },
            Operation::Rewind { section, records } => {
                let result = journal.rewind(section, records * record).await;
                self.answer(result);
            }
            Operation::RewindSection { section, records } => {
                let result = journal.rewind_section(section, records * record).await;
                self.answer(result);
            }
            Operation::Replay { section, position } => self.replay(journal, section, position).await,
            Operation::Value { section, offset, size } => {
                let text = self.value_at(journal, section, offset, size).await;
                self.tell(&format!("  {text}"));
            }
            Operation::Dump => self.dump(journal).await,
            Operation::Open | Operation::Close | Operation::Abandon | Operation::Destroy => {}
        }
    }

    async fn append(&mut self, journal: &mut Journal<E, V>, section: u64, number: u64, size: usize) {
        let entry = Entry { bytes: entry_bytes::<E>(number), offset: 0, size: 0 };
        let value = V::from_bytes(fill(number, self.setting.value.unwrap_or(size)));
        match journal.append(section, entry, &value).await {
            Ok((position, offset, size)) => {
                let place = self.place(offset, size);
                self.tell(&format!("  {position}{place}"));
            }
            Err(error) => self.answer::<()>(Err(error)),
        }
    }

    /// Compressed sizes depend on the version of zstd, so they are not told.
    fn place(&self, offset: u64, size: u32) -> String {
        match self.setting.zstd {
            None => format!(" at {offset}+{size}"),
            Some(_) => String::new(),
        }
    }

    /// Where a section has lost its values file the crate has no such section of values; what is asked for is then out
    /// of its range all the same.
    async fn value_at(&self, journal: &Journal<E, V>, section: u64, offset: u64, size: u32) -> String {
        let result = journal.get_value(section, offset, size).await;
        match (&result, journal.last(section).await) {
            (Err(Error::SectionOutOfRange(_)), Ok(_)) => "range".to_string(),
            _ => value_text(result),
        }
    }

    /// Of a replay that fails the error alone is told: how many records come before it depends on what was read ahead.
    async fn replay(&mut self, journal: &Journal<E, V>, section: u64, position: u64) {
        let buffer = NonZeroUsize::new(REPLAY_BUFFER).expect("not zero");
        let stream = match journal.replay(section, position, buffer).await {
            Ok(stream) => stream,
            Err(error) => return self.answer::<()>(Err(error)),
        };
        futures::pin_mut!(stream);
        let mut lines = String::new();
        while let Some(item) = stream.next().await {
            match item {
                Ok((section, position, entry)) => {
                    let place = self.place(entry.offset, entry.size);
                    let _ = writeln!(lines, "  {section}/{position} {:016x}{place}", digest(&entry.bytes));
                }
                Err(error) => return self.answer::<()>(Err(error)),
            }
        }
        self.told.push_str(&lines);
        self.tell("  end");
    }

    async fn dump(&mut self, journal: &Journal<E, V>) {
        let (oldest, newest) = (journal.oldest_section(), journal.newest_section());
        let text = match (oldest, newest) {
            (Some(oldest), Some(newest)) => format!("  sections {oldest} to {newest}"),
            _ => "  no sections".to_string(),
        };
        self.tell(&text);
        for &section in &self.setting.sections {
            self.dump_section(journal, section).await;
        }
    }

    /// A section that does not exist, or was pruned, says nothing.
    async fn dump_section(&mut self, journal: &Journal<E, V>, section: u64) {
        let last = match journal.last(section).await {
            Err(Error::SectionOutOfRange(_)) | Err(Error::AlreadyPrunedToSection(_)) => return,
            Ok(None) => "empty".to_string(),
            Ok(Some(entry)) => format!("last {:016x}", digest(&entry.bytes)),
            Err(error) => word(&error).to_string(),
        };
        let size = journal.size(section).await.unwrap_or(u64::MAX);
        let end = match (self.setting.zstd, journal.value_size(section).await) {
            (None, Ok(end)) => format!("{end}"),
            (Some(_), Ok(_)) => "compressed".to_string(),
            (_, Err(error)) => word(&error).to_string(),
        };
        self.tell(&format!("  section {section}: index {size}, values {end}, {last}"));
        for position in 0..size / Entry::<E>::SIZE as u64 {
            let line = self.record_text(journal, section, position).await;
            self.tell(&line);
        }
    }

    async fn record_text(&self, journal: &Journal<E, V>, section: u64, position: u64) -> String {
        let mut line = format!("    {position} ");
        match journal.get(section, position).await {
            Ok(entry) => {
                let place = self.place(entry.offset, entry.size);
                let value = value_text(journal.get_value(section, entry.offset, entry.size).await);
                let _ = write!(line, "{:016x}{place}: {value}", digest(&entry.bytes));
            }
            Err(error) => line.push_str(word(&error)),
        }
        line
    }
}

fn value_text<V: Value>(result: Result<V, Error>) -> String {
    match result {
        Ok(value) => format!("{} bytes {:016x}", value.bytes().len(), digest(value.bytes())),
        Err(error) => word(&error).to_string(),
    }
}

/// One word for what both sides call differently.
fn word(error: &Error) -> &'static str {
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
