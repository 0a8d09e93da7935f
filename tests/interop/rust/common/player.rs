//! A script played on the crate's journal.

use crate::{
    entry::{digest, entry_bytes, fill, Entry, Value},
    script::{Operation, Script, Setting},
    store::{is_no_section, word, Error, Opening, Store},
};
use commonware_codec::FixedSize;
use commonware_runtime::tokio::Context;
use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

/// Tells what the journal answers, each operation when it has ended.
pub async fn play(context: &Context, script: &Script) -> Result<(), String> {
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
    journal: Option<Store<E, V>>,
    told: String,
}

impl<'a, const E: usize, V: Value> Player<'a, E, V> {
    async fn play(context: &'a Context, script: &'a Script) -> Result<(), String> {
        let setting = &script.setting;
        let told = format!("script {}\n", setting.id);
        let mut player = Self { context, setting, journal: None, told };
        for (line, operation) in &script.operations {
            player.tell(line);
            player.step(operation).await;
            player.print().map_err(|error| format!("output: {error}"))?;
        }
        Ok(())
    }

    fn print(&mut self) -> io::Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(self.told.as_bytes())?;
        self.told.clear();
        output.flush()
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

    async fn step(&mut self, operation: &Operation) {
        let record = Entry::<E>::SIZE as u64;
        match *operation {
            Operation::Open => return self.open(Opening::Inferred).await,
            Operation::OpenAt { section, records } => {
                return self.open(Opening::AtMost { section, size: records * record }).await
            }
            Operation::OpenCheckpoint { section, records } => {
                return self.open(Opening::Checkpoint { section, size: records * record }).await
            }
            _ => {}
        }
        let Some(mut journal) = self.journal.take() else {
            return self.tell("  not open");
        };
        match operation {
            Operation::Close => {
                let result = journal.sync_all().await;
                drop(journal);
                return self.answer(result);
            }
            Operation::Abandon => {
                drop(journal);
                return self.tell("  ok");
            }
            Operation::Destroy => {
                let result = journal.destroy().await;
                return self.answer(result);
            }
            operation => self.change(&mut journal, operation).await,
        }
        self.journal = Some(journal);
    }

    async fn open(&mut self, opening: Opening) {
        match Store::open(self.context, self.setting, opening).await {
            Ok(journal) => {
                self.journal = Some(journal);
                self.tell("  ok");
            }
            Err(error) => {
                eprintln!("script {}: {error}", self.setting.id);
                self.tell("  refused");
            }
        }
    }

    async fn change(&mut self, journal: &mut Store<E, V>, operation: &Operation) {
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
            _ => {}
        }
    }

    async fn append(&mut self, journal: &mut Store<E, V>, section: u64, number: u64, size: usize) {
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
    async fn value_at(&self, journal: &Store<E, V>, section: u64, offset: u64, size: u32) -> String {
        let result = journal.get_value(section, offset, size).await;
        if let (Err(error), Ok(_)) = (&result, journal.last(section).await) {
            if is_no_section(error) {
                return "range".to_string();
            }
        }
        value_text(result)
    }

    /// Of a replay that fails the error alone is told: how many records come before it depends on what was read ahead.
    async fn replay(&mut self, journal: &mut Store<E, V>, section: u64, position: u64) {
        let items = match journal.replay(section, position).await {
            Ok(items) => items,
            Err(error) => return self.answer::<()>(Err(error)),
        };
        for (section, position, entry) in items {
            let place = self.place(entry.offset, entry.size);
            let _ = writeln!(self.told, "  {section}/{position} {:016x}{place}", digest(&entry.bytes));
        }
        self.tell("  end");
    }

    async fn dump(&mut self, journal: &Store<E, V>) {
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
    async fn dump_section(&mut self, journal: &Store<E, V>, section: u64) {
        let last = match journal.last(section).await {
            Err(error) if matches!(word(&error), "no section" | "pruned") => return,
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

    async fn record_text(&self, journal: &Store<E, V>, section: u64, position: u64) -> String {
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
