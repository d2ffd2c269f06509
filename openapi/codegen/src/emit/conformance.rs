//! Skeletons of conformance cases: one for the success of each operation and one for each error
//! that the contract lists. The suite fails while a case is missing; its author begins here.

use serde_json::Value;

use crate::{
    Result,
    model::{Contract, Operation},
    output::{File, marker},
    writer::Writer,
};

/// What this target owns.
pub const OWNS: &[&str] = &["tests/conformance/generated/"];

/// Emits one file of skeletons for each section.
pub fn emit(contract: &Contract) -> Result<Vec<File>> {
    Ok(contract
        .sections
        .iter()
        .map(|section| {
            let mut w = Writer::new("  ");
            w.line(format!("# {}", marker()));
            w.line(format!(
                "# Skeletons: copy what is missing into tests/conformance/{}/ and fill it in.",
                section.name
            ));
            for operation in &section.operations {
                success(&mut w, operation);
                for error in &operation.errors {
                    for code in &error.codes {
                        failure(&mut w, operation, error.status, code);
                    }
                }
            }
            File::new(format!("{}{}.yaml", OWNS[0], section.name), w.finish())
        })
        .collect())
}

fn success(w: &mut Writer, operation: &Operation) {
    let answer = &operation.answers[0];
    let example = operation.example.clone().unwrap_or(Value::Null);
    w.line(format!("- name: {} succeeds", operation.id));
    w.line(format!("  covers: [{} success]", operation.id));
    w.line("  server: scripted");
    w.line(format!(
        "  answers: [{{status: {}, json: {example}}}]",
        answer.status
    ));
    call(w, operation);
    w.line(format!("  expect: {{value: {example}}}"));
}

fn failure(w: &mut Writer, operation: &Operation, status: u16, code: &str) {
    w.line(format!("- name: {} answers {code}", operation.id));
    w.line(format!("  covers: [{} {code}]", operation.id));
    w.line("  server: real");
    call(w, operation);
    w.line(format!(
        "  expect: {{error: {{code: {code}, httpStatus: {status}}}}}"
    ));
}

fn call(w: &mut Writer, operation: &Operation) {
    let path: Vec<String> = operation
        .path_params
        .iter()
        .map(|p| format!("{}: {}", p.name, p.example.clone().unwrap_or("…".into())))
        .collect();
    let mut args = vec![format!("path: {{{}}}", path.join(", "))];
    if operation.body.is_some() {
        args.push("body: {}".into());
    }
    w.line(format!(
        "  call: {{operation: {}, args: {{{}}}}}",
        operation.id,
        args.join(", ")
    ));
}
