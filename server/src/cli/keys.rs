//! `agentidp keys`: what is done to the keys of a store, with or without servers running on it.

use std::sync::Arc;

use clap::Subcommand;

use super::{Flags, maintain, print, run_once};
use crate::{
    app::{self, StartError},
    clock::SystemClock,
    keys::{Reencrypted, reencrypt},
};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Bring all that is encrypted under the first key of `ENCRYPTION_KEY`, so that an old key can be
    /// taken out of the list; may be interrupted and repeated
    Reencrypt(Flags),
}

/// Runs one of them.
pub(super) fn run(action: &Action) -> Result<(), StartError> {
    match action {
        Action::Reencrypt(flags) => {
            let (config, _) = flags.config()?;
            app::prepare(&config.data_dir)?;
            let done = run_once(async {
                let storage = app::open(&config, Arc::new(SystemClock)).await?;
                let secrets = maintain::secrets(&config)?;
                let done = reencrypt(&*storage, &secrets).await;
                storage.close().await;
                done.map_err(StartError::failed)
            })?;
            print(&report(&done));
            if done.unreadable.is_empty() {
                Ok(())
            } else {
                Err(StartError::failed(format!(
                    "no key of ENCRYPTION_KEY decrypts the private half of {}",
                    done.unreadable.join(", ")
                )))
            }
        }
    }
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
    use super::*;

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
