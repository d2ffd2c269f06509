//! What a caller may hand out: no more than its own credential may ask for.
//!
//! Without this rule a credential with an allow-list would be no limit at all: its holder could
//! make a credential without one - or take over an agent's wider one by rotating it - and ask for
//! everything with that. Whether the caller may manage the agent is another question.

use crate::{
    call::Caller,
    error::ApiError,
    generated::{codes::Code, scopes::Scope},
    policy::ScopeSet,
    storage::Storage,
};

/// What the caller's own credential is limited to.
pub struct Allowance {
    /// As stored; `None`: whatever the agent may.
    list: Option<Vec<String>>,
}

impl Allowance {
    /// Reads the credential under which the caller acts. 401 when it is no longer there.
    pub async fn of(caller: &Caller, storage: &dyn Storage) -> Result<Self, ApiError> {
        let (agent, credential) = (caller.agent_id, caller.credential_id);
        let found = storage
            .credentials()
            .get(caller.reach(), agent, credential)
            .await
            .map_err(|error| ApiError::storage(error, Code::Unauthorized))?;
        let found = found.ok_or_else(|| ApiError::new(Code::Unauthorized))?;
        Ok(Self { list: found.scopes })
    }

    /// The allow-list of a new credential: the one that was asked for, else the caller's own.
    /// `FORBIDDEN` when it is wider than the caller's.
    pub fn for_new(self, asked: Option<Vec<Scope>>) -> Result<Option<Vec<String>>, ApiError> {
        let Some(asked) = asked else {
            return Ok(self.list);
        };
        self.must_cover(ScopeSet::of(&asked))?;
        Ok(Some(asked.iter().map(|s| s.as_str().to_owned()).collect()))
    }

    /// `FORBIDDEN` when a credential with that allow-list may ask for more than the caller's.
    pub fn for_existing(&self, list: Option<&[String]>) -> Result<(), ApiError> {
        self.must_cover(list.map_or_else(|| ScopeSet::of(Scope::ALL), known))
    }

    fn must_cover(&self, wanted: ScopeSet) -> Result<(), ApiError> {
        let Some(own) = self.list.as_deref().map(known) else {
            return Ok(());
        };
        let more: Vec<&str> = wanted
            .iter()
            .filter(|scope| !own.contains(*scope))
            .map(Scope::as_str)
            .collect();
        if more.is_empty() {
            return Ok(());
        }
        Err(ApiError::new(Code::Forbidden).message(format!(
            "Your own credential is limited to other scopes and cannot hand out {}.",
            more.join(" ")
        )))
    }
}

/// A scope that this version does not know any more grants nothing.
fn known(names: &[String]) -> ScopeSet {
    let scopes = names.iter().filter_map(|name| Scope::parse(name));
    scopes.fold(ScopeSet::EMPTY, ScopeSet::with)
}
