//! Watchkeeper: logs in, findings out, and the record that proves it.
//!
//! * The only place where words of a command line, real clocks, disks and networks meet.
//! * A command is a sentence: it reads its words, asks the engine and prints the answer.

mod api;
mod arenas;
mod cli;
mod clock;
mod config;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    arenas::keep_few();
    cli::main()
}
