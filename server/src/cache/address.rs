//! Where Redis is: the value of `REDIS_URL`.

use std::fmt;

use redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo,
};

/// A `redis://` or `rediss://` URL. It may hold a password and is never printed whole.
#[derive(Clone)]
pub struct Address {
    info: ConnectionInfo,
}

/// What is wrong with a URL; never repeats it. Its text follows the variable's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Another scheme, or no URL at all.
    #[error("is not a redis:// or rediss:// URL")]
    Scheme,
    /// Nobody to connect to.
    #[error("names no host")]
    Host,
    /// The path is not a number.
    #[error("has a path that is not the number of a database")]
    Database,
    /// Options would go unnoticed, and `#insecure` would switch off the check of certificates.
    #[error("has a query or a fragment, which have no meaning here")]
    Options,
}

impl Address {
    /// Parses the variable's value.
    ///
    /// # Errors
    /// What is wrong, without repeating it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = url::Url::parse(text).map_err(|error| match error {
            url::ParseError::EmptyHost => AddressError::Host,
            _ => AddressError::Scheme,
        })?;
        if !matches!(url.scheme(), "redis" | "rediss") {
            return Err(AddressError::Scheme);
        }
        if url.host_str().unwrap_or_default().is_empty() {
            return Err(AddressError::Host);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Options);
        }
        let database = url.path().trim_matches('/');
        if !database.is_empty() && database.parse::<u16>().is_err() {
            return Err(AddressError::Database);
        }
        let info = url.into_connection_info().map_err(|_| AddressError::Host)?;
        // Answers and messages of the other instances come over one connection.
        let settings = info.redis_settings().clone();
        let settings = settings
            .set_protocol(ProtocolVersion::RESP3)
            .set_lib_name("agentidp", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            info: info.set_redis_settings(settings),
        })
    }

    /// Host, port, and whether TLS is spoken.
    pub(super) fn endpoint(&self) -> (&str, u16, bool) {
        match self.info.addr() {
            ConnectionAddr::Tcp(host, port) => (host, *port, false),
            ConnectionAddr::TcpTls { host, port, .. } => (host, *port, true),
            // `parse` lets no other scheme pass.
            _ => ("", 0, false),
        }
    }

    pub(super) fn settings(&self) -> &RedisConnectionInfo {
        self.info.redis_settings()
    }
}

/// Without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port, tls) = self.endpoint();
        let scheme = if tls { "rediss" } else { "redis" };
        let database = self.settings().db();
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}/{database}")
        } else {
            write!(f, "{scheme}://{host}:{port}/{database}")
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_is_no_address_of_redis() {
        for (text, fault) in [
            ("localhost:6379", AddressError::Scheme),
            ("http://localhost", AddressError::Scheme),
            ("redis+unix:///tmp/redis.sock", AddressError::Scheme),
            ("redis://", AddressError::Host),
            ("redis:///1", AddressError::Host),
            ("redis://localhost/users", AddressError::Database),
            ("redis://localhost/-1", AddressError::Database),
            ("rediss://localhost/#insecure", AddressError::Options),
            ("redis://localhost/?protocol=2", AddressError::Options),
        ] {
            assert_eq!(Address::parse(text).err(), Some(fault), "{text}");
        }
    }

    #[test]
    fn never_prints_who_it_is() {
        for (text, printed) in [
            (
                "redis://agentidp:hunter2@cache.example.com/3",
                "redis://cache.example.com:6379/3",
            ),
            ("rediss://:hunter2@[::1]:7000", "rediss://[::1]:7000/0"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(format!("{address:?}"), printed);
            assert_eq!(address.settings().password(), Some("hunter2"));
        }
    }
}
