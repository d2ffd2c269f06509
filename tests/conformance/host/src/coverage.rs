//! What the contract demands of the cases: for each operation its success, and every error code
//! that the contract lists for it.

use agentidp_codegen::{Contract, model::PagingStyle};

use crate::case::Case;

/// Codes that no request can provoke on purpose in a running server, or that are answered before
/// an operation is known; the server's own tests provoke them.
const NOT_PER_OPERATION: [&str; 7] = [
    "INTERNAL_SERVER_ERROR",
    "SERVICE_UNAVAILABLE",
    "REQUEST_TIMEOUT",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "RATE_LIMIT_EXCEEDED",
    "tier_limit_exceeded",
];

/// Every `<operation> <aspect>` that needs a case.
pub fn required(contract: &Contract) -> Vec<String> {
    let mut out = Vec::new();
    for operation in contract.operations() {
        out.push(format!("{} success", operation.id));
        for code in operation.errors.iter().flat_map(|e| &e.codes) {
            if !NOT_PER_OPERATION.contains(&code.as_str()) {
                out.push(format!("{} {code}", operation.id));
            }
        }
        match operation.paging.as_ref().map(|p| p.style) {
            Some(PagingStyle::Page | PagingStyle::Cursor) => {
                out.push(format!("{} paging", operation.id))
            }
            None => {}
        }
    }
    out
}

/// What is required and no case covers, and what a case claims to cover and nothing requires.
pub fn compare(contract: &Contract, cases: &[Case]) -> (Vec<String>, Vec<String>) {
    let required = required(contract);
    let covered: Vec<&String> = cases.iter().flat_map(|c| &c.covers).collect();
    let missing = required
        .iter()
        .filter(|r| !covered.contains(r))
        .cloned()
        .collect();
    let operations: Vec<&str> = contract.operations().map(|o| o.id.as_str()).collect();
    let unknown = covered
        .into_iter()
        .filter(|c| {
            let operation = c.split(' ').next().unwrap_or_default();
            !operations.contains(&operation)
        })
        .cloned()
        .collect();
    (missing, unknown)
}
