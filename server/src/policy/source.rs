//! Where a policy's text comes from: this program, or the files of a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};

use super::PolicyError;

const REGO: &str = "authz.rego";
const SCOPES: &str = "data/scopes.json";
const WASM: &str = "authz.wasm";
const BUILT_IN_REGO: &str = include_str!("../../policy/authz.rego");
const BUILT_IN_SCOPES: &str = include_str!("../../policy/data/scopes.json");
/// How much of the hash names a version, in hexadecimal digits.
const VERSION_DIGITS: usize = 16;

/// One file, as an error and the log name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub file: String,
    pub text: String,
}

impl Text {
    fn built_in(file: &str, text: &str) -> Self {
        Self {
            file: format!("{file} (built in)"),
            text: text.to_owned(),
        }
    }
}

/// The text of a whole policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Texts {
    pub rego: Text,
    pub scopes: Text,
    /// The same for the same text, wherever it lies.
    pub version: String,
}

/// Where to read.
#[derive(Clone, Debug)]
pub(super) enum Source {
    BuiltIn,
    Folder(PathBuf),
}

impl Source {
    /// Reads. Blocks.
    pub fn read(&self) -> Result<Texts, PolicyError> {
        let (rego, scopes) = match self {
            Self::BuiltIn => (None, None),
            Self::Folder(folder) => of_folder(folder)?,
        };
        let rego = rego.unwrap_or_else(|| Text::built_in(REGO, BUILT_IN_REGO));
        let scopes = scopes.unwrap_or_else(|| Text::built_in(SCOPES, BUILT_IN_SCOPES));
        Ok(Texts {
            version: version(&rego.text, &scopes.text),
            rego,
            scopes,
        })
    }
}

/// Either file may be missing, not both; a compiled policy is not run, so nothing may suggest that
/// it was.
fn of_folder(folder: &Path) -> Result<(Option<Text>, Option<Text>), PolicyError> {
    if !folder.is_dir() {
        return Err(PolicyError::of_file(folder, "is not a folder"));
    }
    let rego = file(&folder.join(REGO))?;
    let wasm = folder.join(WASM);
    if rego.is_none() && wasm.exists() {
        return Err(PolicyError::of_file(
            &wasm,
            "a compiled policy is not run; put the authz.rego that it was made from beside it",
        ));
    }
    let scopes = file(&folder.join(SCOPES))?;
    if rego.is_none() && scopes.is_none() {
        return Err(PolicyError::of_file(
            folder,
            "has neither authz.rego nor data/scopes.json",
        ));
    }
    Ok((rego, scopes))
}

fn file(path: &Path) -> Result<Option<Text>, PolicyError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Text {
            file: path.display().to_string(),
            text,
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PolicyError::of_file(
            path,
            format_args!("cannot be read ({error})"),
        )),
    }
}

/// The lengths keep a byte that moves from one file to the other from going unseen.
fn version(rego: &str, scopes: &str) -> String {
    let whole = format!("{}\n{rego}{scopes}", rego.len());
    digest(&SHA256, whole.as_bytes())
        .as_ref()
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .take(VERSION_DIGITS)
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}
