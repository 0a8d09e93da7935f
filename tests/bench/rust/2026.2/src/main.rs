//! Release 2026.2.0 of commonware-storage, and the sources that the releases share.

#[path = "../../common/data.rs"]
mod data;
#[path = "../../common/program.rs"]
mod program;
mod store;

fn main() -> std::process::ExitCode {
    program::main()
}
