//! Where values come from: flags before the environment before the `.env` file.

use std::{collections::BTreeMap, ffi::OsString, fs, io, path::Path};

use super::error::ConfigError;

/// The server's own variables with the prefix that makes a typo worth a warning.
const OWN: &[&str] = &["AGENTIDP_DATA_DIR", "AGENTIDP_ENV"];

/// Those of the SDKs, which may stand in the same environment.
const OF_THE_SDKS: &[&str] = &[
    "AGENTIDP_BASE_URL",
    "AGENTIDP_CLIENT_ID",
    "AGENTIDP_CLIENT_SECRET",
    "AGENTIDP_SCOPES",
    "AGENTIDP_CA_BUNDLE",
    "AGENTIDP_LIBRARY",
    "AGENTIDP_BIN",
];

/// Variables of parts that this version does not have. To ignore one silently could leave a
/// server less protected than its operator believes.
const NOT_THERE_YET: &[&str] = &["KAFKA_BROKERS"];

/// Variables and their values; an empty value counts as absent.
#[derive(Clone, Debug, Default)]
pub struct Source(BTreeMap<String, String>);

impl Source {
    /// The process's environment over the `.env` file of the working directory, if there is one.
    pub fn of_process() -> Result<Self, ConfigError> {
        let mut all = Self::dotenv(Path::new(".env"))?;
        all.add(std::env::vars_os());
        Ok(all)
    }

    /// A name that is no Unicode cannot be one of ours. A value that is none is kept with a mark in it that no value may
    /// have: whoever reads it refuses it under its name, where passing over it would take a default instead.
    fn add(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) {
        for (name, value) in variables {
            if let Ok(name) = name.into_string() {
                self.0.insert(name, value.to_string_lossy().into_owned());
            }
        }
    }

    /// These alone: for tests and for processes that embed the server.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self(
            pairs
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
        )
    }

    /// A flag wins over what was there.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// The value, unless it is absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|v| v.trim()).filter(|v| !v.is_empty())
    }

    /// Names with our prefix that nobody reads.
    pub fn unknown(&self) -> Vec<&str> {
        self.0
            .keys()
            .map(String::as_str)
            .filter(|name| {
                name.starts_with("AGENTIDP_") && !OWN.contains(name) && !OF_THE_SDKS.contains(name)
            })
            .collect()
    }

    /// Fails for a variable of a part that does not exist yet.
    pub(super) fn refuse_what_is_not_there_yet(&self) -> Result<(), ConfigError> {
        match NOT_THERE_YET.iter().find(|name| self.get(name).is_some()) {
            None => Ok(()),
            Some(name) => Err(ConfigError::new(
                *name,
                "what it configures is not part of this version; leave it empty",
                "",
            )),
        }
    }

    fn dotenv(path: &Path) -> Result<Self, ConfigError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(ConfigError::new(
                    ".env",
                    format!("cannot be read ({error})"),
                    "…",
                ));
            }
        };
        let mut all = Self::default();
        // Some editors begin a file with a mark that would be part of the first name.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                return Err(ConfigError::new(
                    ".env",
                    format!("line {} is not NAME=value", index + 1),
                    "PORT=3000",
                ));
            };
            all.set(name.trim(), unquoted(value.trim()));
        }
        Ok(all)
    }
}

/// Quotes around the whole value are not part of it; a comment may follow it.
fn unquoted(value: &str) -> String {
    let inside = ['"', '\'']
        .into_iter()
        .find_map(|quote| quoted(value.strip_prefix(quote)?, quote));
    let value = inside.unwrap_or_else(|| value.split(" #").next().unwrap_or_default().trim_end());
    value.to_owned()
}

/// What stands before the quote that closes it: the first one behind which there is nothing but a comment.
fn quoted(opened: &str, quote: char) -> Option<&str> {
    let closes = |at: usize| {
        let rest = &opened[at + quote.len_utf8()..];
        rest.is_empty()
            || rest.starts_with(char::is_whitespace) && rest.trim_start().starts_with('#')
    };
    let (end, _) = opened.match_indices(quote).find(|(at, _)| closes(*at))?;
    Some(&opened[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_unicode_is_refused_and_not_passed_over() {
        use std::os::unix::ffi::OsStringExt as _;
        for (name, value) in [
            ("PORT", b"3000\xff".as_slice()),
            ("AGENTIDP_DATA_DIR", b"/data\xff"),
            ("DATABASE_URL", b"sqlite:///data\xff"),
            ("ENCRYPTION_KEY", b"ab\xff"),
            ("RUST_LOG", b"info\xff"),
        ] {
            let mut source = Source::default();
            let value = OsString::from_vec(value.to_vec());
            source.add([(name.into(), value)].into_iter());
            let refused = crate::config::Config::load(&source).unwrap_err();
            assert_eq!(refused.variable(), name);
        }
    }

    #[test]
    fn reads_a_dotenv_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        fs::write(
            &path,
            "# comment\nexport PORT=4000 # here\nHOST='::1'\nEMPTY=\n\nA=\"b # c\"\n\
             B=\"/data\" # it is \"there\"\nC='d' e\nD='it's'\t# so\nE=\"\" # none\n",
        )
        .unwrap();
        let source = Source::dotenv(&path).unwrap();
        assert_eq!(source.get("PORT"), Some("4000"));
        assert_eq!(source.get("HOST"), Some("::1"));
        assert_eq!(source.get("EMPTY"), None);
        assert_eq!(source.get("A"), Some("b # c"));
        assert_eq!(source.get("B"), Some("/data"));
        assert_eq!(source.get("C"), Some("'d' e"));
        assert_eq!(source.get("D"), Some("it's"));
        assert_eq!(source.get("E"), None);
        fs::write(&path, "\u{feff}PORT=4000\n").unwrap();
        assert_eq!(Source::dotenv(&path).unwrap().get("PORT"), Some("4000"));
        fs::write(&path, "nonsense\n").unwrap();
        assert!(
            Source::dotenv(&path)
                .unwrap_err()
                .to_string()
                .contains("line 1")
        );
    }

    #[test]
    fn a_misspelt_name_is_noticed() {
        let source = Source::of(&[
            ("AGENTIDP_DATADIR", "x"),
            ("AGENTIDP_CLIENT_ID", "x"),
            ("AGENTIDP_BIN", "x"),
            ("PATH", "x"),
        ]);
        assert_eq!(source.unknown(), ["AGENTIDP_DATADIR"]);
    }
}
