//! Release 2026.10.0 of commonware-storage, or 2026.9.0 (../../2026.9), and the sources that all releases share.

#[path = "../../common/entry.rs"]
mod entry;
#[path = "../../common/player.rs"]
mod player;
#[path = "../../common/program.rs"]
mod program;
#[path = "../../common/script.rs"]
mod script;
mod store;

fn main() -> std::process::ExitCode {
    program::main()
}
