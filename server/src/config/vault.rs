//! `VAULT_*` and `ENCRYPTION_KEY_VAULT_PATH`.

use super::{ConfigError, Source, parse};
use crate::wire::Secret;

/// A Vault with a KV version 2 mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vault {
    /// `VAULT_ADDR`, without a trailing slash.
    pub address: String,
    /// `VAULT_TOKEN`.
    pub token: Secret,
    /// `VAULT_MOUNT` or `VAULT_KV_MOUNT`, default `secret`.
    pub mount: String,
    /// `ENCRYPTION_KEY_VAULT_PATH`: where the encryption keys are, if they are there.
    pub encryption_key_path: Option<String>,
}

const PATH: &str = "ENCRYPTION_KEY_VAULT_PATH";
const PATH_EXAMPLE: &str = "secret/data/agentidp/encryption-key";

impl Vault {
    /// `None` without `VAULT_ADDR`; the token and the mount alone mean nothing.
    pub(super) fn read(source: &Source) -> Result<Option<Self>, ConfigError> {
        let path = source.get(PATH);
        let Some(address) = parse::url(source, "VAULT_ADDR")? else {
            return match path {
                None => Ok(None),
                Some(_) => Err(required("VAULT_ADDR", "https://vault.example.com:8200")),
            };
        };
        let token = source
            .get("VAULT_TOKEN")
            .ok_or_else(|| required("VAULT_TOKEN", "hvs.…"))?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = "holds a character that no token has";
            return Err(ConfigError::new("VAULT_TOKEN", problem, "hvs.…"));
        }
        if path.is_some() && source.get("ENCRYPTION_KEY").is_some() {
            let problem = "is given beside ENCRYPTION_KEY; leave one of them empty";
            return Err(ConfigError::new(PATH, problem, PATH_EXAMPLE));
        }
        Ok(Some(Self {
            address,
            token: Secret::new(token),
            mount: mount(source)?,
            encryption_key_path: path.map(key_path).transpose()?,
        }))
    }
}

fn required(name: &str, example: &str) -> ConfigError {
    let problem = "is required: VAULT_ADDR, VAULT_TOKEN and ENCRYPTION_KEY_VAULT_PATH go together";
    ConfigError::new(name, problem, example)
}

fn mount(source: &Source) -> Result<String, ConfigError> {
    const NAMES: [&str; 2] = ["VAULT_MOUNT", "VAULT_KV_MOUNT"];
    let [one, other] = NAMES.map(|name| source.get(name).map(|text| text.trim_matches('/')));
    let (name, mount) = match (one, other) {
        (Some(one), Some(other)) if one != other => {
            let problem = "says something else than VAULT_MOUNT; they mean the same";
            return Err(ConfigError::new(NAMES[1], problem, one));
        }
        (Some(one), _) => (NAMES[0], one),
        (None, Some(other)) => (NAMES[1], other),
        (None, None) => (NAMES[0], "secret"),
    };
    if is_path(mount) {
        return Ok(mount.to_owned());
    }
    let problem = format!("{mount:?} is not the path of a mount");
    Err(ConfigError::new(name, problem, "secret"))
}

/// The API's path of an entry, with the `data` that KV version 2 puts behind the mount.
fn key_path(text: &str) -> Result<String, ConfigError> {
    let path = text.trim_matches('/');
    let has_data = path.split('/').skip(1).any(|part| part == "data");
    if is_path(path) && has_data {
        return Ok(path.to_owned());
    }
    let problem = format!("{text:?} is not a path of KV version 2, <mount>/data/<path>");
    Err(ConfigError::new(PATH, problem, PATH_EXAMPLE))
}

fn is_path(text: &str) -> bool {
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain)
    };
    text.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: (&str, &str) = ("VAULT_ADDR", "https://vault.example.com:8200/");
    const TOKEN: (&str, &str) = ("VAULT_TOKEN", "hvs.hunter2");

    #[test]
    fn the_two_names_of_the_mount_mean_the_same() {
        for name in ["VAULT_MOUNT", "VAULT_KV_MOUNT"] {
            let source = Source::of(&[ADDRESS, TOKEN, (name, "teams/idp/")]);
            let vault = Vault::read(&source).unwrap().unwrap();
            assert_eq!(vault.mount, "teams/idp");
            assert_eq!(vault.address, "https://vault.example.com:8200");
            assert!(!format!("{vault:?}").contains("hunter2"));
        }
        let default = Vault::read(&Source::of(&[ADDRESS, TOKEN]))
            .unwrap()
            .unwrap();
        assert_eq!(default.mount, "secret");
        assert_eq!(Vault::read(&Source::of(&[TOKEN])).unwrap(), None);
    }

    #[test]
    fn a_wrong_one_is_named_and_the_token_is_not_repeated() {
        let key = "5e".repeat(32);
        let path = (PATH, PATH_EXAMPLE);
        for (pairs, variable) in [
            (vec![ADDRESS], "VAULT_TOKEN"),
            (
                vec![ADDRESS, ("VAULT_TOKEN", "hunter2\u{e9}")],
                "VAULT_TOKEN",
            ),
            (vec![("VAULT_ADDR", "vault:8200"), TOKEN], "VAULT_ADDR"),
            (vec![path], "VAULT_ADDR"),
            (vec![path, ADDRESS], "VAULT_TOKEN"),
            (vec![path, ADDRESS, TOKEN, ("ENCRYPTION_KEY", &key)], PATH),
            (vec![ADDRESS, TOKEN, (PATH, "secret/agentidp")], PATH),
            (vec![ADDRESS, TOKEN, (PATH, "secret/data/../x")], PATH),
            (vec![ADDRESS, TOKEN, ("VAULT_MOUNT", "a b")], "VAULT_MOUNT"),
            (
                vec![
                    ADDRESS,
                    TOKEN,
                    ("VAULT_MOUNT", "a"),
                    ("VAULT_KV_MOUNT", "b"),
                ],
                "VAULT_KV_MOUNT",
            ),
        ] {
            let error = Vault::read(&Source::of(&pairs)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{variable}: ")), "{error}");
            assert!(
                !error.contains("hunter2") && !error.contains('\n'),
                "{error}"
            );
        }
    }
}
