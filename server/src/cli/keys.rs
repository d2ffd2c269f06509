//! `agentidp keys`: what is done to the keys of a store, with or without servers running on it.

use std::{fmt::Write as _, sync::Arc};

use clap::Subcommand;

use super::{Flags, maintain, print, run_once};
use crate::{
    app::{self, StartError},
    clock::{Clock, SystemClock, Timestamp},
    keys::{KeyError, KeySettings, Reencrypted, Revoked, Rotated, Schedule, Steward, reencrypt},
    storage::{KeyState, SigningKeyRecord},
};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Show the signing keys: which signs, which is published to sign next, which only verify
    List(Flags),
    /// Begin a rotation: publish a new signing key - the one of `JWT_PRIVATE_KEY` when that is set and
    /// does not sign - which signs after twice `JWKS_CACHE_TTL_SECONDS`
    Rotate {
        #[command(flatten)]
        flags: Flags,
        /// Let it sign at once: services that keep the published keys meet one that they have to fetch
        #[arg(long)]
        now: bool,
    },
    /// End a signing key and every token that it signed; when it is the one that signs, another signs at once
    Revoke {
        #[command(flatten)]
        flags: Flags,
        // A thumbprint may begin with a hyphen.
        /// The key's name, as `keys list` shows it
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
    /// Bring all that is encrypted under the first key of `ENCRYPTION_KEY`, so that an old key can be
    /// taken out of the list; may be interrupted and repeated
    Reencrypt(Flags),
}

/// Runs one of them.
pub(super) fn run(action: &Action) -> Result<(), StartError> {
    match action {
        Action::List(flags) => with_steward(flags, async |steward| {
            let keys = steward.keys().await?;
            Ok(list(&keys, steward.schedule(), SystemClock.now()))
        }),
        Action::Rotate { flags, now } => with_steward(flags, async |steward| {
            Ok(match steward.rotate(*now).await? {
                Rotated::Signs(kid) => format!("{kid} signs now.\n"),
                Rotated::Published(kid, from) => {
                    format!("{kid} is published now and signs from {from} on.\n")
                }
                Rotated::UnderWay(kid, from) => format!(
                    "A rotation is under way: {kid} is published and signs from {from} on.\n"
                ),
            })
        }),
        Action::Revoke { flags, kid } => with_steward(flags, async |steward| {
            Ok(match steward.revoke(kid).await? {
                Revoked::Done => format!("{kid} is revoked; what it signed is refused.\n"),
                Revoked::Replaced(by) => {
                    format!("{kid} is revoked; what it signed is refused, and {by} signs now.\n")
                }
                Revoked::Already => format!("{kid} was revoked before.\n"),
                Revoked::Unknown => return Err(KeyError::Unknown(kid.clone())),
            })
        }),
        Action::Reencrypt(flags) => reencrypt_all(flags),
    }
}

fn with_steward(
    flags: &Flags,
    work: impl AsyncFnOnce(&Steward) -> Result<String, KeyError>,
) -> Result<(), StartError> {
    let (config, _) = flags.config()?;
    app::prepare(&config.data_dir)?;
    let text = run_once(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let storage = app::open(&config, Arc::clone(&clock)).await?;
        app::refuse_lost_key(&config, &*storage).await?;
        let secrets = maintain::secrets(&config).await?;
        let settings = KeySettings::from(&config);
        let done = async {
            let steward = Steward::new(settings, Arc::clone(&storage), secrets, clock)?;
            work(&steward).await
        };
        let done = done.await;
        storage.close().await;
        done.map_err(|error| app::unusable_key(error, &config))
    })?;
    print(&text);
    Ok(())
}

/// One line a key, newest first.
fn list(keys: &[SigningKeyRecord], schedule: Schedule, now: Timestamp) -> String {
    let mut text = format!("{:<43}  {:<5}  {:<8}  \n", "KID", "ALG", "STATE");
    for key in keys {
        let (state, note) = match (key.state, key.expires_at, key.revoked_at) {
            (KeyState::Next, ..) => {
                let from = schedule.signs_from(key.published_at);
                ("next", format!("signs from {from} on"))
            }
            (KeyState::Active, ..) => {
                let since = key.activated_at.unwrap_or(key.created_at);
                ("active", format!("signs since {since}"))
            }
            (KeyState::Retiring, Some(until), _) if until <= now => {
                ("expired", format!("was published until {until}"))
            }
            (KeyState::Retiring, Some(until), _) => {
                ("retiring", format!("is published until {until}"))
            }
            (KeyState::Retiring, None, _) => ("retiring", "is published".to_owned()),
            (KeyState::Revoked, _, Some(at)) => ("revoked", format!("since {at}")),
            (KeyState::Revoked, _, None) => ("revoked", String::new()),
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<43}  {:<5}  {state:<8}  {note}",
            key.kid, key.algorithm
        );
    }
    text
}

fn reencrypt_all(flags: &Flags) -> Result<(), StartError> {
    let (config, _) = flags.config()?;
    app::prepare(&config.data_dir)?;
    let done = run_once(async {
        let storage = app::open(&config, Arc::new(SystemClock)).await?;
        let secrets = maintain::secrets(&config).await?;
        let done = reencrypt(&*storage, &secrets).await;
        storage.close().await;
        done.map_err(StartError::failed)
    })?;
    print(&report(&done));
    if done.unreadable.is_empty() {
        return Ok(());
    }
    Err(StartError::failed(format!(
        "no key of ENCRYPTION_KEY decrypts the private half of {}",
        done.unreadable.join(", ")
    )))
}

fn report(done: &Reencrypted) -> String {
    let secrets = done.secrets;
    let mut text = format!(
        "Signing keys: {} re-encrypted, {} under the first key already, {} that no key decrypts.\n\
         Credentials whose secret still needs an old key: {} (each changes at its next use, or is rotated).\n\
         Credentials with an imported hash, which needs no key: {}; with a hash that nothing here verifies: {}.\n\
         Answers kept for repeated requests stay under the key they have; the last is forgotten after a day.\n",
        done.changed,
        done.unchanged,
        done.unreadable.len(),
        secrets.older_key,
        secrets.imported,
        secrets.unusable,
    );
    text.push_str(if secrets.older_key == 0 && done.unreadable.is_empty() {
        "A day after every server has the new list, the old keys can be taken out of it.\n"
    } else {
        "Keep the old keys in the list.\n"
    });
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn a_key_may_be_named_whatever_a_thumbprint_begins_with() {
        #[derive(Parser)]
        struct Line {
            #[command(subcommand)]
            action: Action,
        }
        for name in ["-yk3Q", "--k3Q", "_k3Q", "k3Q"] {
            let line = ["keys", "revoke", "--data-dir", "x", name];
            match Line::try_parse_from(line).map(|line| line.action) {
                Ok(Action::Revoke { kid, .. }) => assert_eq!(kid, name),
                other => panic!("{name}: {other:?}"),
            }
        }
        let flag_last = ["keys", "revoke", "-yk3Q", "--port", "1"];
        assert!(Line::try_parse_from(flag_last).is_ok());
    }

    #[test]
    fn the_list_says_what_each_key_is_for() {
        let at = |hours: i64| Timestamp::from_ms(1_774_688_400_000 + hours * 3_600_000);
        let key = |kid: &str, state| SigningKeyRecord {
            kid: kid.to_owned(),
            algorithm: "ES256".to_owned(),
            state,
            public_jwk: "{}".to_owned(),
            private_encrypted: None,
            imported: false,
            created_at: at(0),
            published_at: at(1),
            activated_at: Some(at(2)),
            retired_at: None,
            expires_at: Some(at(3)),
            revoked_at: Some(at(4)),
        };
        let keys = [
            key("a", KeyState::Next),
            key("b", KeyState::Active),
            key("c", KeyState::Retiring),
            key("d", KeyState::Revoked),
        ];
        let schedule = Schedule {
            cache_for: std::time::Duration::from_secs(3600),
            automatic: true,
        };
        let shown = list(&keys, schedule, at(2));
        let rows: Vec<Vec<&str>> = shown
            .lines()
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|word| !word.is_empty())
                    .collect()
            })
            .collect();
        assert_eq!(
            rows,
            [
                vec!["KID", "ALG", "STATE"],
                vec![
                    "a",
                    "ES256",
                    "next",
                    "signs from 2026-03-28T12:00:00.000Z on"
                ],
                vec![
                    "b",
                    "ES256",
                    "active",
                    "signs since 2026-03-28T11:00:00.000Z"
                ],
                vec![
                    "c",
                    "ES256",
                    "retiring",
                    "is published until 2026-03-28T12:00:00.000Z"
                ],
                vec!["d", "ES256", "revoked", "since 2026-03-28T13:00:00.000Z"],
            ]
        );
        assert!(list(&keys, schedule, at(3)).contains("expired   was published until"));
    }

    #[test]
    fn the_report_keeps_old_keys_while_anything_needs_them() {
        let mut done = Reencrypted {
            changed: 2,
            ..Reencrypted::default()
        };
        assert!(report(&done).contains("2 re-encrypted"));
        assert!(report(&done).contains("can be taken out"));
        done.secrets.older_key = 3;
        assert!(report(&done).contains("still needs an old key: 3 "));
        assert!(report(&done).ends_with("Keep the old keys in the list.\n"));
        done.secrets.older_key = 0;
        done.unreadable.push("kid".to_owned());
        assert!(report(&done).ends_with("Keep the old keys in the list.\n"));
    }
}
