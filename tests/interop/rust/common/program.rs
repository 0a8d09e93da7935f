//! Plays scripts of journal operations on commonware-storage and prints what it sees, in the text that play.c prints of
//! libsegjournal. The language is told in ../../README.md. Each release has a program of its own, of these sources and of
//! a store.rs for what is called otherwise there.
//!
//!     segj-interop play LAYOUTS BATCH ROOT    plays every script of the file BATCH below the directory ROOT
//!     segj-interop hold ROOT                  has ROOT for itself from the line "held" on until its input ends
//!
//! LAYOUTS are the containers that are read, the last of which new files get: v0, v1 or all.

use crate::{player, script, store};
use commonware_runtime::{tokio, Runner};
use std::{
    io::{self, Read, Write},
    process::ExitCode,
};

pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["play", layouts, batch, root] => answer(play(layouts, batch, root)),
        ["hold", root] => answer(hold(root)),
        _ => {
            eprintln!("usage: segj-interop play LAYOUTS BATCH ROOT, or hold ROOT");
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

fn config(root: &str) -> tokio::Config {
    tokio::Config::new().with_worker_threads(1).with_storage_directory(root)
}

/// One runtime plays all scripts: each has two partitions of its own below the root.
fn play(layouts: &str, batch: &str, root: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(batch).map_err(|error| format!("{batch}: {error}"))?;
    let scripts = script::parse(&text)?;
    let config = store::with_layouts(config(root), layouts)?;
    tokio::Runner::new(config).start(|context| async move {
        for script in &scripts {
            player::play(&context, script).await?;
        }
        Ok(())
    })
}

fn hold(root: &str) -> Result<(), String> {
    tokio::Runner::new(config(root)).start(|context| async move {
        println!("held");
        let result = io::stdout().flush().and_then(|()| io::stdin().read_to_end(&mut Vec::new()));
        drop(context); // which has the directory
        result.map(drop).map_err(|error| error.to_string())
    })
}
