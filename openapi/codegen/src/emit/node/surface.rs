//! The client class, and the lists of what the package exports in each of its forms.

use super::{
    docs, file,
    naming::{self, TYPES, VALUES, section_member, type_name},
};
use crate::model::Contract;

/// Why the package cannot be used where there is no Node-API, and what can.
const UNSUPPORTED: &str = "@sentryagent/idp-sdk runs on Node.js, Bun and Deno, not in browsers, Workers or edge runtimes: call the HTTP API with fetch there (see openapi.json of your server), or call from a backend; a client secret has no place in a browser.";

/// `client.ts`.
pub fn client(contract: &Contract) -> String {
    let mut w = file();
    w.line("import { ClientBase } from '../base.js';");
    w.line("import { connect } from '../connection.js';");
    w.line("import type { AgentIdPClientConfig } from '../options.js';");
    for section in &contract.sections {
        w.line(format!(
            "import {{ {} }} from './sections/{}.js';",
            section.service.node, section.name
        ));
    }
    w.blank();
    docs::comment(
        &mut w,
        &[
            "The whole API, one member per section. One client serves any number of concurrent calls.".into(),
            String::new(),
            "@example".into(),
            "const client = new AgentIdPClient({ baseUrl, clientId, clientSecret });".into(),
        ],
    );
    w.block("export class AgentIdPClient extends ClientBase {", "}", |w| {
        for section in &contract.sections {
            docs::comment(w, std::slice::from_ref(&section.description));
            w.line(format!(
                "readonly {}: {};",
                section_member(section),
                section.service.node
            ));
        }
        w.blank();
        docs::comment(
            w,
            &[
                "@param config What is left out comes from the `AGENTIDP_*` variables, then from the defaults.".into(),
                "@throws {ConfigurationError} naming what is missing or wrong.".into(),
            ],
        );
        w.block("constructor(config: AgentIdPClientConfig = {}) {", "}", |w| {
            w.line("const connection = connect(config, AgentIdPClient);");
            w.line("super(connection);");
            for section in &contract.sections {
                w.line(format!(
                    "this.{} = new {}(connection);",
                    section_member(section),
                    section.service.node
                ));
            }
        });
    });
    w.finish()
}

/// `index.ts`: what the contract adds to the exports.
pub fn index(contract: &Contract) -> String {
    let mut w = file();
    w.line("export { AgentIdPClient } from './client.js';");
    w.line("export * from './enums.js';");
    w.line("export * from './models.js';");
    for section in &contract.sections {
        w.line(format!(
            "export {{ {} }} from './sections/{}.js';",
            section.service.node, section.name
        ));
    }
    w.finish()
}

/// `esm.mts`: the same classes for `import`, listed one by one so that every tool sees them.
pub fn esm(contract: &Contract) -> String {
    let mut w = file();
    w.line("// One CommonJS core serves both forms: one class, one runtime.");
    w.block("export {", "} from '../index.js';", |w| {
        for name in values(contract) {
            w.line(format!("{name},"));
        }
        for name in types(contract) {
            w.line(format!("type {name},"));
        }
    });
    w.finish()
}

/// `unsupported.mts`: what a bundler for browsers and Workers gets.
pub fn unsupported(contract: &Contract) -> String {
    let mut w = file();
    w.line("// Every name is there, so that linking succeeds and the sentence is what is seen.");
    for name in values(contract) {
        w.line(format!("export const {name} = undefined;"));
    }
    w.blank();
    w.line(format!("throw new Error({});", naming::quoted(UNSUPPORTED)));
    w.finish()
}

/// Everything that exists at run time.
fn values(contract: &Contract) -> Vec<String> {
    let mut out: Vec<String> = VALUES.iter().map(|&v| v.to_owned()).collect();
    out.push("AgentIdPClient".into());
    out.extend(contract.sections.iter().map(|s| s.service.node.clone()));
    out.extend(contract.enums.iter().map(|e| type_name(contract, &e.name)));
    out.extend(
        naming::used(contract)
            .filter(|m| m.usage.output)
            .map(|m| type_name(contract, &m.name)),
    );
    out.sort();
    out
}

/// Everything that is a type alone.
fn types(contract: &Contract) -> Vec<String> {
    let mut out: Vec<String> = TYPES.iter().map(|&t| t.to_owned()).collect();
    out.extend(
        naming::used(contract)
            .filter(|m| !m.usage.output)
            .map(|m| type_name(contract, &m.name)),
    );
    out.sort();
    out
}
