//! Care of data, done by an operator from the command line, most of it while servers run on the same store.
//!
//! Owns what these commands mean: backup and restore, copying to PostgreSQL, erasing what is held of a person, walking the log's chains. Refuses
//! SQL, and printing.

mod audit;
mod backup;
mod copy;
mod erase;
mod postgres;

pub use audit::{ChainReport, Explanation, ExportError, Link, chains, explain, export, knows};
pub use backup::{BackupError, FinishError, Held, backup, finish, restore};
pub use copy::{Copied, CopyError, copy};
pub use erase::{EraseError, Erased, erase};
pub use postgres::{dump_command, restore_commands};
