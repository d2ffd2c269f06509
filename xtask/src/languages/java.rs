//! Java.

use std::{path::PathBuf, process::Command};

use super::{Counts, Language, Runner};
use crate::sh::Result;

/// The Java SDK.
pub struct Java;

impl Language for Java {
    fn name(&self) -> &'static str {
        "java"
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
