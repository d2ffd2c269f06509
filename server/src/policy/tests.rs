//! The built-in policy, route by route and scope by scope; an operator's policy; reloading.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use tempfile::TempDir;

use super::{Policy, PolicyError, Rego, Reload, ScopeSet, TABLE, Watch};
use crate::generated::scopes::Scope;

/// Every caller may do everything.
const OPEN: &str = "package authz\n\nallow := true\n";
/// Nobody may do anything.
const CLOSED: &str = "package authz\n\nallow := false\n";
const BROKEN: &str = "package authz\n\nallow if {\n\tinput.method ==\n}\n";

fn all() -> ScopeSet {
    ScopeSet::of(Scope::ALL)
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn refusal(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    Rego::of_folder(folder.path()).err().unwrap().to_string()
}

#[test]
fn the_built_in_policy_says_what_the_contract_says_for_every_route_and_scope() {
    let policy = Rego::built_in().unwrap();
    for (method, route, scopes) in TABLE {
        let needed = ScopeSet::of(scopes);
        assert_eq!(policy.required(method, route), needed, "{method} {route}");
        for scope in Scope::ALL {
            for held in [
                ScopeSet::EMPTY,
                ScopeSet::EMPTY.with(*scope),
                needed.without(*scope),
                needed.with(*scope),
                all().without(*scope),
                all(),
            ] {
                assert_eq!(
                    policy.allow(method, route, held),
                    held.contains_all(needed),
                    "{method} {route} with {held:?}"
                );
            }
        }
    }
}

#[test]
fn what_is_not_known_is_denied() {
    let policy = Rego::built_in().unwrap();
    for (method, route) in [
        ("GET", "/api/v1/nothing"),
        ("TRACE", "/api/v1/agents/:id"),
        ("get", "/api/v1/agents/:id"),
        ("GET", "/api/v1/agents/:id/"),
        ("", ""),
    ] {
        assert!(!policy.allow(method, route, all()), "{method} {route}");
        assert_eq!(policy.required(method, route), ScopeSet::EMPTY);
    }
    assert_eq!(policy.check(), Ok(()));
}

#[test]
fn scopes_alone_keep_the_built_in_rules() {
    let folder = folder(&[(
        "data/scopes.json",
        "{\"GET:/api/v1/agents\": [\"audit:read\"]}",
    )]);
    let policy = Rego::of_folder(folder.path()).unwrap();
    let audit = ScopeSet::of(&[Scope::AuditRead]);
    assert!(policy.allow("GET", "/api/v1/agents", audit));
    assert_eq!(policy.required("GET", "/api/v1/agents"), audit);
    assert!(!policy.allow("GET", "/api/v1/agents", all().without(Scope::AuditRead)));
    assert!(!policy.allow("GET", "/api/v1/agents/:id", all()));
}

#[test]
fn rules_alone_keep_the_built_in_scopes() {
    let rego = "package authz\n\nallow if \"agents:read\" in input.scopes\n";
    let folder = folder(&[("authz.rego", rego)]);
    let policy = Rego::of_folder(folder.path()).unwrap();
    let read = ScopeSet::of(&[Scope::AgentsRead]);
    assert!(policy.allow("DELETE", "/api/v1/agents/:id", read));
    assert!(!policy.allow("GET", "/api/v1/agents", all().without(Scope::AgentsRead)));
    assert_eq!(policy.required("GET", "/api/v1/agents"), read);
}

#[test]
fn an_answer_that_is_not_true_is_no() {
    for value in ["1", "\"true\"", "[true]", "{\"allow\": true}", "null"] {
        let rego = format!("package authz\n\nallow := {value}\n");
        let folder = folder(&[("authz.rego", &rego)]);
        let policy = Rego::of_folder(folder.path()).unwrap();
        assert!(!policy.allow("GET", "/api/v1/agents", all()), "{value}");
    }
}

#[test]
fn a_policy_that_cannot_be_used_is_refused_with_its_place() {
    let both_ways =
        "package authz\n\nallow := true if input.method\nallow := false if input.path\n";
    for (file, text, wanted) in [
        ("authz.rego", BROKEN, "authz.rego:5: "),
        ("authz.rego", "package authz\n\nallow = {\n", "authz.rego:"),
        (
            "authz.rego",
            "package other\n\nallow := true\n",
            "authz.rego: ",
        ),
        ("authz.rego", both_ways, "authz.rego:"),
        (
            "data/scopes.json",
            "{\n  \"GET:/x\": [\"a:b\"]\n}",
            "scopes.json:2: ",
        ),
        ("data/scopes.json", "{\n", "scopes.json:2: "),
    ] {
        let refusal = refusal(&[(file, text)]);
        assert!(refusal.contains(wanted), "{text:?}: {refusal}");
        assert!(!refusal.contains('\n'), "{refusal}");
    }
    assert!(refusal(&[]).contains("has neither authz.rego nor data/scopes.json"));
    let nowhere = tempfile::tempdir().unwrap().path().join("gone");
    let refusal = Rego::of_folder(nowhere).err().unwrap().to_string();
    assert!(refusal.contains("is not a folder"), "{refusal}");
}

#[test]
fn a_compiled_policy_is_refused_unless_its_source_is_there() {
    let sentence = "a compiled policy is not run";
    assert!(refusal(&[("authz.wasm", "\0asm")]).contains(sentence));
    assert!(refusal(&[("authz.wasm", "\0asm"), ("data/scopes.json", "{}")]).contains(sentence));
    let folder = folder(&[("authz.wasm", "\0asm"), ("authz.rego", CLOSED)]);
    assert!(Rego::of_folder(folder.path()).is_ok());
}

#[test]
fn a_good_change_holds_for_every_thread_and_a_broken_one_for_none() {
    let folder = folder(&[("authz.rego", CLOSED)]);
    let policy = Rego::of_folder(folder.path()).unwrap();
    let asked = || {
        let here = policy.allow("GET", "/api/v1/agents", all());
        let there = std::thread::scope(|scope| {
            let other = scope.spawn(|| policy.allow("GET", "/api/v1/agents", all()));
            other.join().unwrap()
        });
        (here, there)
    };
    assert_eq!(asked(), (false, false));
    assert_eq!(policy.reload(), Ok(Reload::Same));
    write(folder.path(), "authz.rego", OPEN);
    let before = policy.version();
    assert!(matches!(policy.reload(), Ok(Reload::Changed { version }) if version != before));
    assert_eq!(asked(), (true, true));
    let before = policy.version();
    write(folder.path(), "authz.rego", BROKEN);
    assert!(policy.reload().is_err());
    fs::remove_file(folder.path().join("authz.rego")).unwrap();
    assert!(policy.reload().is_err());
    assert_eq!((asked(), policy.version()), ((true, true), before));
}

#[test]
fn a_change_is_noticed_when_it_stands_still_and_a_broken_one_is_tried_once() {
    let folder = folder(&[("authz.rego", CLOSED)]);
    let policy = Rego::of_folder(folder.path()).unwrap();
    let mut watch = Watch::default();
    assert_eq!(watch.look(&policy), None);
    write(folder.path(), "authz.rego", BROKEN);
    assert_eq!(watch.look(&policy), None, "it may still be being written");
    assert!(matches!(watch.look(&policy), Some(Err(PolicyError { .. }))));
    assert_eq!(watch.look(&policy), None, "it was refused already");
    write(folder.path(), "authz.rego", OPEN);
    assert_eq!(watch.look(&policy), None);
    assert!(matches!(
        watch.look(&policy),
        Some(Ok(Reload::Changed { .. }))
    ));
    assert_eq!(watch.look(&policy), None);
    assert!(policy.allow("GET", "/api/v1/agents", ScopeSet::EMPTY));
}

/// What a subscriber wrote.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_decision_is_logged_with_its_circumstances() {
    // While one dispatcher is known, `tracing` asks the thread that first reaches an event
    // whether anybody listens, and keeps the answer for all: of another test's thread it is no.
    // With two it asks the dispatchers.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let policy = Rego::built_in().unwrap();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        policy.allow("GET", "/api/v1/agents/:id", all());
        policy.allow(
            "DELETE",
            "/api/v1/agents/:id",
            ScopeSet::of(&[Scope::AgentsRead]),
        );
        policy.check().unwrap();
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let logged: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(logged.len(), 2, "{text}");
    for (line, level, method, scopes, allow) in [
        (&logged[0], "DEBUG", "GET", all().to_string(), true),
        (
            &logged[1],
            "INFO",
            "DELETE",
            "agents:read".to_owned(),
            false,
        ),
    ] {
        assert_eq!(line["target"], "agentidp::decision");
        assert_eq!(line["level"], level);
        assert_eq!(line["method"], method);
        assert_eq!(line["path"], "/api/v1/agents/:id");
        assert_eq!(line["scopes"], scopes);
        assert_eq!(line["allow"], allow);
        assert_eq!(line["policy"], policy.version());
    }
}

#[test]
#[ignore = "a measurement: cargo test -p agentidp-server --lib -- --ignored --nocapture one_evaluation"]
fn one_evaluation() {
    const TIMES: u32 = 100_000;
    let policy = Rego::built_in().unwrap();
    let scopes = ScopeSet::of(&[Scope::AgentsRead, Scope::AgentsWrite]);
    let began = Instant::now();
    for _ in 0..TIMES {
        assert!(policy.allow("GET", "/api/v1/agents/:id", scopes));
    }
    let each = began.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES);
    println!("one evaluation: {each:.1} microseconds");
}
