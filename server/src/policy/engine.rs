//! One Rego engine: a prepared policy that one thread asks.
//!
//! Not shared between threads: what an evaluation counts references of is then nobody else's.

use std::{cell::RefCell, collections::BTreeMap, num::NonZeroU32, sync::Arc, time::Duration};

use regorus::{Engine, Value, utils::limits::ExecutionTimerConfig};

use super::{PolicyError, ScopeSet, needs::Needs, source::Texts};
use crate::generated::{policy::TABLE, scopes::Scope};

const RULE: &str = "data.authz.allow";
/// No policy needs this long; one that does must not hold a thread for good.
const EVALUATION_TIME_MAX: Duration = Duration::from_secs(1);
/// Steps between two looks at the clock.
const STEPS_BETWEEN_CHECKS: NonZeroU32 = NonZeroU32::new(512).unwrap();

/// A policy that was read, understood and tried. Its engines are made where they are needed.
#[derive(Debug)]
pub(super) struct Loaded {
    texts: Texts,
    pub needs: Needs,
}

impl Loaded {
    /// Reads the text and asks the policy about every route once with every scope and once with
    /// none, so that what would fail at a request fails here.
    pub fn new(texts: Texts) -> Result<Self, PolicyError> {
        let needs = serde_json::from_str(&texts.scopes.text)
            .map_err(|error| PolicyError::of_json(&texts.scopes.file, &error))?;
        let loaded = Self { texts, needs };
        let mut prepared = Prepared::new(&loaded)?;
        let unknown = ("GET", "/api/v1/:unknown", &[][..]);
        for (method, route, _) in TABLE.iter().chain([&unknown]) {
            for scopes in [ScopeSet::of(Scope::ALL), ScopeSet::EMPTY] {
                prepared.allow(method, route, scopes)?;
            }
        }
        Ok(loaded)
    }

    /// Names the text in logs.
    pub fn version(&self) -> &str {
        &self.texts.version
    }

    /// Asks this thread's engine, which is made when it is of another policy or not there.
    pub fn allow(
        self: &Arc<Self>,
        method: &str,
        route: &str,
        scopes: ScopeSet,
    ) -> Result<bool, PolicyError> {
        thread_local! {
            static HELD: RefCell<Option<(Arc<Loaded>, Prepared)>> = const { RefCell::new(None) };
        }
        HELD.with_borrow_mut(|held| {
            let prepared = match held {
                Some((of, prepared)) if Arc::ptr_eq(of, self) => prepared,
                _ => &mut held.insert((Arc::clone(self), Prepared::new(self)?)).1,
            };
            prepared.allow(method, route, scopes)
        })
    }
}

/// The engine, and the values that every input is made of.
struct Prepared {
    engine: Engine,
    file: String,
    method: Value,
    path: Value,
    scopes: Value,
    names: Vec<(Scope, Value)>,
}

impl Prepared {
    fn new(loaded: &Loaded) -> Result<Self, PolicyError> {
        let Texts { rego, scopes, .. } = &loaded.texts;
        let wrong =
            |error: &dyn std::fmt::Display| PolicyError::of_rego(&rego.file, &error.to_string());
        let mut engine = Engine::new();
        engine.set_execution_timer_config(ExecutionTimerConfig {
            limit: EVALUATION_TIME_MAX,
            check_interval: STEPS_BETWEEN_CHECKS,
        });
        engine
            .add_policy(rego.file.clone(), rego.text.clone())
            .map_err(|error| wrong(&error))?;
        engine
            .add_data_json(&format!("{{\"scopes\":{}}}", scopes.text))
            .map_err(|error| wrong(&error))?;
        Ok(Self {
            engine,
            file: rego.file.clone(),
            method: Value::from("method"),
            path: Value::from("path"),
            scopes: Value::from("scopes"),
            names: Scope::ALL
                .iter()
                .map(|scope| (*scope, Value::from(scope.as_str())))
                .collect(),
        })
    }

    /// Anything but `true`, undefined included, is no.
    fn allow(&mut self, method: &str, route: &str, scopes: ScopeSet) -> Result<bool, PolicyError> {
        let held: Vec<Value> = self
            .names
            .iter()
            .filter(|(scope, _)| scopes.contains(*scope))
            .map(|(_, name)| name.clone())
            .collect();
        let input = BTreeMap::from([
            (self.method.clone(), Value::from(method)),
            (self.path.clone(), Value::from(route)),
            (self.scopes.clone(), Value::from(held)),
        ]);
        self.engine.set_input(Value::from(input));
        let answer = self
            .engine
            .eval_rule(RULE.to_owned())
            .map_err(|error| PolicyError::of_rego(&self.file, &error.to_string()))?;
        Ok(matches!(answer, Value::Bool(true)))
    }
}
