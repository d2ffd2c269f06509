//! The host's logger: a `tracing` subscriber that keeps what the SDK says.

use std::{
    collections::VecDeque,
    fmt::Debug,
    sync::{LazyLock, Mutex, PoisonError},
};

use serde_json::{Map, Value, json};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Older ones are forgotten: a long run must not grow by its log.
const KEPT_MAX: usize = 5_000;

static KEPT: LazyLock<Mutex<VecDeque<Value>>> = LazyLock::new(Mutex::default);

/// Keeps every event of the SDK, down to the lowest level.
struct Keeper;

/// From now on everything is kept.
pub fn install() {
    // Nobody else has installed one: this is the program's first line.
    let _ = tracing::subscriber::set_global_default(Keeper);
}

/// What was kept: `[{level, message, fields}]`.
pub fn kept() -> Value {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.iter().cloned().collect()
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sentryagent_idp")
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let message = fields.0.remove("message").unwrap_or_default();
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(json!({"level": level, "message": message, "fields": fields.0}));
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0
            .insert(field.name().into(), format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
}
