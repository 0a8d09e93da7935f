//! Plays scripts of journal operations on commonware-storage and prints what it sees, in the text that play.c prints of
//! libsegjournal. The language is told in ../README.md.
//!
//!     segj-interop play BATCH ROOT      plays every script of the file BATCH below the directory ROOT

mod entry;
mod journal;
mod script;

use commonware_runtime::{tokio, Runner};
use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [command, batch, root] if command == "play" => answer(play(batch, root)),
        _ => {
            eprintln!("usage: segj-interop play BATCH ROOT");
            ExitCode::from(2)
        }
    }
}

fn answer(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("error: {sentence}");
            ExitCode::from(1)
        }
    }
}

/// One runtime plays all scripts: each has two partitions of its own below the root.
fn play(batch: &str, root: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(batch).map_err(|error| format!("{batch}: {error}"))?;
    let scripts = script::parse(&text)?;
    let config = tokio::Config::new().with_worker_threads(1).with_storage_directory(root);
    tokio::Runner::new(config).start(|context| async move {
        for script in &scripts {
            let told = journal::play(&context, script).await?;
            io::stdout().write_all(told.as_bytes()).map_err(|error| format!("output: {error}"))?;
        }
        Ok(())
    })
}
