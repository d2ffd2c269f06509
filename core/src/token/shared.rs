//! One token for all clients of this process that would ask for the same one.
//!
//! Owns: which clients those are. A key is a hash over server, client, secret, scopes and what changes
//! the way there: headers, certificates, proxy. The scopes' order does not count.
//! Refuses: keeping a token alive - it ends with its last client -, keeping a secret, and crossing a
//! `fork`: a child has a table of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use aws_lc_rs::digest::{Context, SHA256};

use super::TokenCache;
use crate::{config::Config, process::PerProcess};

/// Entries of clients that are gone are swept out when there are this many in all, and then whenever
/// the table has doubled.
const SWEEP_MIN: usize = 32;

type Key = [u8; 32];

static TABLE: PerProcess<Mutex<Table>> = PerProcess::new();

#[derive(Default)]
struct Table {
    caches: HashMap<Key, Weak<TokenCache>>,
    sweep_at: usize,
}

/// The cache that clients of this configuration share.
pub(crate) fn cache_of(config: &Config) -> Arc<TokenCache> {
    let key = key(config);
    let table = TABLE.get_or_init(Mutex::default);
    let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
    table.cache(key)
}

impl Table {
    fn cache(&mut self, key: Key) -> Arc<TokenCache> {
        if let Some(living) = self.caches.get(&key).and_then(Weak::upgrade) {
            return living;
        }
        if self.caches.len() >= self.sweep_at.max(SWEEP_MIN) {
            self.caches.retain(|_, cache| cache.strong_count() > 0);
            self.sweep_at = 2 * self.caches.len();
        }
        let made = Arc::default();
        self.caches.insert(key, Arc::downgrade(&made));
        made
    }
}

fn key(config: &Config) -> Key {
    let mut context = Context::new(&SHA256);
    // Each part with its length, so that two lists never read the same.
    let mut add = |part: &[u8]| {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    };
    add(config.base().as_bytes());
    add(config.client_id.value.as_bytes());
    add(config.client_secret.value.expose_secret().as_bytes());
    let mut scopes: Vec<&str> = config.scopes.value.iter().map(String::as_str).collect();
    scopes.sort_unstable();
    scopes.dedup();
    add(scopes.join(" ").as_bytes());
    let network = &config.network;
    let identity = network.client_identity.as_ref();
    for path in [
        network.ca_bundle.as_ref().map(|path| path.value.as_path()),
        identity.map(|identity| identity.certificate.as_path()),
        identity.map(|identity| identity.key.as_path()),
    ] {
        add(path.map_or(&[], |path| path.as_os_str().as_encoded_bytes()));
    }
    let proxy = network.proxy.as_ref().map(|proxy| proxy.0.as_str());
    add(proxy.unwrap_or_default().as_bytes());
    let mut headers: Vec<(&str, &[u8])> = network
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    headers.sort_unstable();
    for (name, value) in headers {
        add(name.as_bytes());
        add(value);
    }
    let mut key = Key::default();
    key.copy_from_slice(context.finish().as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Secret, config::Arguments};

    fn given() -> Arguments {
        Arguments {
            base_url: Some("https://idp.example.com".into()),
            client_id: Some("agent-1".into()),
            client_secret: Some("sk_live_1".into()),
            scopes: Some(vec!["agents:read".into(), "audit:read".into()]),
            ..Arguments::default()
        }
    }

    fn key_with(change: impl FnOnce(&mut Arguments)) -> Key {
        let mut arguments = given();
        change(&mut arguments);
        key(&Config::resolve(arguments, &|_| None).expect("a configuration"))
    }

    #[test]
    fn the_same_values_are_the_same_token() {
        let same = key_with(|_| {});
        assert_eq!(same, key_with(|_| {}));
        assert_eq!(same, key_with(|a| a.retries = Some(7)));
        assert_eq!(
            same,
            key_with(|a| a.base_url = Some("https://IDP.example.com/".into()))
        );
        let turned = ["audit:read", "agents:read", "audit:read"].map(str::to_owned);
        assert_eq!(same, key_with(|a| a.scopes = Some(turned.to_vec())));
    }

    #[test]
    fn whatever_changes_the_token_or_the_way_to_it_is_another_one() {
        let header = |name: &str, value: &str| (name.to_owned(), Secret::from(value));
        let keys = [
            key_with(|_| {}),
            key_with(|a| a.base_url = Some("https://idp.example.com/eu".into())),
            key_with(|a| a.client_id = Some("agent-2".into())),
            key_with(|a| a.client_secret = Some("sk_live_2".into())),
            key_with(|a| a.scopes = Some(vec!["agents:read".into()])),
            key_with(|a| a.network.proxy = Some("http://proxy.example.com:3128".into())),
            key_with(|a| a.network.proxy = Some("http://u:p@proxy.example.com:3128".into())),
            key_with(|a| a.network.ca_bundle = Some("ca.pem".into())),
            key_with(|a| {
                a.network.client_certificate = Some("one.pem".into());
                a.network.client_key = Some("key.pem".into());
            }),
            key_with(|a| {
                a.network.client_certificate = Some("two.pem".into());
                a.network.client_key = Some("key.pem".into());
            }),
            key_with(|a| a.network.headers = vec![header("x-tenant", "a")]),
            key_with(|a| a.network.headers = vec![header("x-tenant", "b")]),
        ];
        let mut different = keys.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), keys.len());
    }

    #[test]
    fn clients_that_are_gone_leave_nothing_behind() {
        let mut table = Table::default();
        let kept = table.cache([1; 32]);
        for number in 0..10_000_u32 {
            let mut key = Key::default();
            key[..4].copy_from_slice(&number.to_be_bytes());
            drop(table.cache(key));
        }
        assert!(table.caches.len() <= SWEEP_MIN, "{}", table.caches.len());
        assert!(Arc::ptr_eq(&kept, &table.cache([1; 32])));
    }

    #[cfg(all(unix, feature = "bridge"))]
    #[test]
    fn a_forked_child_has_a_table_of_its_own() {
        crate::process::watch_forks();
        let config = Config::resolve(given(), &|_| None).expect("a configuration");
        let ours = cache_of(&config);
        assert!(Arc::ptr_eq(&ours, &cache_of(&config)));
        // Some thread of the parent may be inside when it forks: the child must not wait for it.
        let table = TABLE.get_or_init(Mutex::default);
        let inside = table.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the child allocates, compares and leaves without unwinding.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let theirs = cache_of(&config);
            let fresh = !Arc::ptr_eq(&ours, &theirs) && Arc::ptr_eq(&theirs, &cache_of(&config));
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(i32::from(!fresh)) };
        }
        drop(inside);
        let mut status = 0;
        // SAFETY: waits for the child that was just made.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(status, 0);
        assert!(Arc::ptr_eq(&ours, &cache_of(&config)));
    }
}
