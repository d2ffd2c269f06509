//! `agentidp migrate` and `agentidp bootstrap`: what is done to a store while no server runs on it.

use std::sync::Arc;

use super::{Flags, print, run_once};
use crate::{
    app::{self, StartError},
    bootstrap,
    clock::SystemClock,
    config::Config,
    keys,
    secrets::{Secrets, SystemRandom},
    storage, vault,
};

/// Brings the schema up to date.
pub fn migrate(flags: &Flags) -> Result<(), StartError> {
    let (config, _) = flags.config()?;
    run_once(async {
        storage::migrate(&config, Arc::new(SystemClock))
            .await
            .map_err(StartError::failed)
    })?;
    print("The database has this version's schema.\n");
    Ok(())
}

/// Founds, or gives the admin a new secret.
pub fn bootstrap(flags: &Flags, reset: bool) -> Result<(), StartError> {
    let (config, _) = flags.config()?;
    app::prepare(&config.data_dir)?;
    run_once(async {
        let clock = Arc::new(SystemClock);
        let storage = app::open(&config, clock.clone()).await?;
        app::refuse_lost_key(&config, &*storage).await?;
        let secrets = secrets(&config).await?;
        keys::refuse_other_encryption_key(&*storage, &secrets)
            .await
            .map_err(|error| app::unusable_key(error, &config))?;
        let base_url = config.public_url();
        let parts = bootstrap::Parts {
            data_dir: &config.data_dir,
            base_url: &base_url,
            storage: &*storage,
            secrets: &secrets,
            keeper: &*vault::connect(&config)?,
            clock: &*clock,
        };
        let done = if reset {
            bootstrap::reset(parts).await.map(Some)
        } else {
            bootstrap::ensure(parts).await
        };
        storage.close().await;
        let file = config.data_dir.join(bootstrap::BOOTSTRAP_FILE_NAME);
        match done.map_err(StartError::failed)? {
            Some(admin) => print(&format!(
                "The credentials of {} are in {}.\n",
                admin.client_id,
                file.display()
            )),
            None => {
                print("This server has its first admin already; --reset gives it a new secret.\n")
            }
        }
        Ok(())
    })
}

/// What encrypts: see [`vault::secrets`].
pub(super) async fn secrets(config: &Config) -> Result<Secrets, StartError> {
    let keeper = vault::connect(config)?;
    vault::secrets(config, &keeper, Arc::new(SystemRandom)).await
}
