//! The server's binary. Everything is in the library, so that tests can run it in their process.

use std::process::ExitCode;

/// Saves a fifth of the CPU time of reads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    agentidp_server::cli::main()
}
