//! A release of commonware-storage as an engine of segj_bench: answers the commands that ../../engine_external.c describes. The
//! releases have a store.rs each.

use crate::store::Store;
use commonware_runtime::{tokio, Runner};
use std::{
    io::{BufRead, Write},
    process::ExitCode,
};

/// Threads that run the crate's tasks; its reads and writes of files have threads of their own.
pub const WORKERS: usize = 2;

pub fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let [_, directory, random, json] = words.as_slice() else {
        eprintln!("usage: segj-bench-commonware-RELEASE DIRECTORY RANDOM-POOL JSON-POOL");
        return ExitCode::from(2);
    };
    let pools = match (std::fs::read(random), std::fs::read(json)) {
        (Ok(random), Ok(json)) => [random.into(), json.into()],
        (random, json) => {
            eprintln!("the pools cannot be read: {:?} {:?}", random.err(), json.err());
            return ExitCode::from(2);
        }
    };
    let config = tokio::Config::new().with_worker_threads(WORKERS).with_storage_directory(directory);
    tokio::Runner::new(config).start(|context| serve(Store::new(context, pools)));
    ExitCode::SUCCESS
}

async fn serve(mut store: Store) {
    let mut lines = std::io::stdin().lock().lines();
    while let Some(Ok(line)) = lines.next() {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == "quit" {
            return;
        }
        let answer = match command(&mut store, &words).await {
            Ok(answer) => answer,
            Err(reason) => format!("error {}", reason.replace('\n', " ")),
        };
        let mut output = std::io::stdout().lock();
        if writeln!(output, "{answer}").and_then(|()| output.flush()).is_err() {
            return;
        }
    }
}

fn number(words: &[&str], at: usize) -> Result<u64, String> {
    let word = words.get(at).ok_or_else(|| format!("{} lacks a number", words[0]))?;
    word.parse().map_err(|_| format!("{word} is no number"))
}

fn time(seconds: f64) -> String {
    format!("time {seconds:.9}")
}

async fn command(store: &mut Store, words: &[&str]) -> Result<String, String> {
    let n = |at| number(words, at);
    Ok(match words[0] {
        "options" => format!("ok {}", store.options()),
        "pool" => {
            store.choose_pool(words.get(1) == Some(&"json"));
            "ok".to_string()
        }
        "compress" => {
            store.choose_compression(n(1)? != 0);
            "ok".to_string()
        }
        "create" => {
            store.create(n(1)? as usize).await?;
            "ok".to_string()
        }
        "append" => time(store.append(n(1)?, n(2)?, n(3)? as usize, n(4)?).await?),
        "close" => {
            store.close().await?;
            "ok".to_string()
        }
        "open" => time(store.open().await?),
        "first" => time(store.first(n(1)?).await?),
        "warm" => {
            store.scan(n(1)?).await?;
            "ok".to_string()
        }
        "random" => time(store.random(n(1)?, n(2)?, n(3)?, n(4)?).await?),
        "scan" => time(store.scan(n(1)?).await?),
        "replay" => time(store.replay(n(1)?).await?),
        "verify" => {
            store.verify(n(1)?, n(2)? as usize).await?;
            "ok".to_string()
        }
        word => format!("none {word} is not for this engine"),
    })
}
