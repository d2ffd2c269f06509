//! Rust.

use std::{path::PathBuf, process::Command};

use super::{Counts, Language, Runner};
use crate::sh::Result;

/// The Rust SDK.
pub struct Rust;

impl Language for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }
    fn toolchain(&self) -> Result<String> {
        Err("not built yet".into())
    }
    fn build(&self) -> Result<()> {
        Err("not built yet".into())
    }
    fn lint(&self) -> Result<()> {
        Err("not built yet".into())
    }
    fn test(&self) -> Result<Counts> {
        Err("not built yet".into())
    }
    fn package(&self) -> Result<PathBuf> {
        Err("not built yet".into())
    }
    fn packaged(&self) -> Result<Command> {
        Err("not built yet".into())
    }
    fn example(&self) -> Result<Command> {
        Err("not built yet".into())
    }
    fn runners(&self) -> Result<Vec<Runner>> {
        Err("not built yet".into())
    }
}
