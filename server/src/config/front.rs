//! How the server meets its clients: TLS, and which pages of other origins may call it.

use std::path::PathBuf;

use super::{ConfigError, Source, parse};

/// `CORS_ORIGIN`, `ENFORCE_TLS`, `TLS_CERT` and `TLS_KEY`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Front {
    /// `CORS_ORIGIN`: who may read answers in a browser; nobody when absent.
    pub origins: Option<Origins>,
    /// `ENFORCE_TLS`, default true with `NODE_ENV=production` or `AGENTIDP_ENV=production`, else false.
    pub enforce_tls: bool,
    /// `TLS_CERT` and `TLS_KEY`: TLS is served here, not by a proxy.
    pub tls: Option<TlsFiles>,
}

/// Pages of which origins may call from a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// `*`.
    Any,
    /// `https://console.example.com`, as browsers spell it.
    These(Vec<String>),
}

/// Two PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead from it to a trusted one.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Reads all of it.
pub fn read(source: &Source) -> Result<Front, ConfigError> {
    let production = ["NODE_ENV", "AGENTIDP_ENV"]
        .into_iter()
        .any(|name| source.get(name) == Some("production"));
    Ok(Front {
        origins: origins(source)?,
        enforce_tls: parse::flag(source, "ENFORCE_TLS", production)?,
        tls: tls(source)?,
    })
}

fn origins(source: &Source) -> Result<Option<Origins>, ConfigError> {
    const NAME: &str = "CORS_ORIGIN";
    let all = parse::list(source, NAME);
    if all.is_empty() {
        return Ok(None);
    }
    if all == ["*"] {
        return Ok(Some(Origins::Any));
    }
    match all.iter().find(|text| !is_origin(text)) {
        None => Ok(Some(Origins::These(all))),
        Some(text) => Err(ConfigError::new(
            NAME,
            format!(
                "{text:?} is neither an origin - scheme, host and port, nothing more - nor * alone"
            ),
            "https://console.example.com,http://localhost:5173",
        )),
    }
}

/// Browsers spell an origin in one way only.
fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        // A star inside would match nothing.
        matches!(url.scheme(), "http" | "https")
            && url.origin().ascii_serialization() == text
            && !text.contains('*')
    })
}

fn tls(source: &Source) -> Result<Option<TlsFiles>, ConfigError> {
    const CERTIFICATE: &str = "TLS_CERT";
    const KEY: &str = "TLS_KEY";
    let file = |name, example| match source.get(name) {
        // It may be the key itself: it is not repeated.
        Some(text) if text.contains("-----BEGIN") => Err(ConfigError::new(
            name,
            "is a PEM document, not the name of a file with one",
            example,
        )),
        text => Ok(text.map(PathBuf::from)),
    };
    let certificate = file(CERTIFICATE, "/etc/agentidp/tls.crt")?;
    let key = file(KEY, "/etc/agentidp/tls.key")?;
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (Some(_), None) => Err(ConfigError::new(
            KEY,
            "is required with TLS_CERT",
            "/etc/agentidp/tls.key",
        )),
        (None, Some(_)) => Err(ConfigError::new(
            CERTIFICATE,
            "is required with TLS_KEY",
            "/etc/agentidp/tls.crt",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(pairs: &[(&str, &str)]) -> Result<Front, String> {
        read(&Source::of(pairs)).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_open_unless_it_is_said() {
        assert_eq!(front(&[]), Ok(Front::default()));
        let these = front(&[("CORS_ORIGIN", "https://a.example, http://localhost:5173")]);
        assert_eq!(
            these.unwrap().origins,
            Some(Origins::These(vec![
                "https://a.example".to_owned(),
                "http://localhost:5173".to_owned()
            ]))
        );
        let any = front(&[("CORS_ORIGIN", "*")]).unwrap();
        assert_eq!(any.origins, Some(Origins::Any));
    }

    #[test]
    fn production_enforces_tls_unless_told_otherwise() {
        for name in ["NODE_ENV", "AGENTIDP_ENV"] {
            let production = (name, "production");
            assert!(front(&[production]).unwrap().enforce_tls, "{name}");
            let off = front(&[production, ("ENFORCE_TLS", "false")]).unwrap();
            assert!(!off.enforce_tls);
        }
        assert!(!front(&[("NODE_ENV", "test")]).unwrap().enforce_tls);
    }

    #[test]
    fn a_wrong_value_is_named_and_a_key_is_not_repeated() {
        let pem = "-----BEGIN PRIVATE KEY----- hunter2";
        for (pairs, fault) in [
            (vec![("CORS_ORIGIN", "https://a.example/")], "CORS_ORIGIN: "),
            (vec![("CORS_ORIGIN", "a.example")], "CORS_ORIGIN: "),
            (vec![("CORS_ORIGIN", "https://*.example")], "CORS_ORIGIN: "),
            (
                vec![("CORS_ORIGIN", "*,https://a.example")],
                "CORS_ORIGIN: ",
            ),
            (vec![("TLS_CERT", "a")], "TLS_KEY: is required"),
            (vec![("TLS_KEY", "a")], "TLS_CERT: is required"),
            (
                vec![("TLS_KEY", pem), ("TLS_CERT", "a")],
                "TLS_KEY: is a PEM",
            ),
            (vec![("ENFORCE_TLS", "maybe")], "ENFORCE_TLS: "),
        ] {
            let error = front(&pairs).unwrap_err();
            assert!(error.starts_with(fault), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
