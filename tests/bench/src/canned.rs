//! What the server answers: an agent of 476 bytes, a page of a hundred such agents, a token.

use bytes::Bytes;

/// Agents on the page.
pub const PAGE: usize = 100;
/// The path of agents, without the id.
pub const AGENTS: &str = "/api/v1/agents";
/// The token endpoint.
pub const TOKEN: &str = "/api/v1/token";

/// The id of the agent at this place of the page.
pub fn id(place: usize) -> String {
    format!("0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8{place:03}")
}

/// One agent, always of the same size.
pub fn agent(place: usize) -> String {
    format!(
        concat!(
            r#"{{"agentId":"{}","organizationId":"0192f8c4-7d1e-7c3a-9f5b-000000000001","#,
            r#""role":"member","email":"screener-{:03}@talent.example.com","#,
            r#""agentType":"screener","version":"1.4.2","#,
            r#""capabilities":["resume:read","resume:score","candidate:write"],"#,
            r#""owner":"talent-acquisition-team","deploymentEnv":"production","status":"active","#,
            r#""isPublic":false,"did":null,"didCreatedAt":null,"#,
            r#""createdAt":"2026-03-01T12:00:00.000Z","updatedAt":"2026-03-02T08:30:00.000Z"}}"#
        ),
        id(place),
        place
    )
}

/// A page of agents.
pub fn page() -> Bytes {
    let agents: Vec<String> = (0..PAGE).map(agent).collect();
    Bytes::from(format!(
        r#"{{"data":[{}],"total":{PAGE},"page":1,"limit":{PAGE}}}"#,
        agents.join(",")
    ))
}

/// An access token as long as a real one, good for the whole run.
pub fn token() -> Bytes {
    let token = "t".repeat(700);
    Bytes::from(format!(
        r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":86400,"scope":"agents:read"}}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_has_the_size_that_the_report_tells() {
        assert_eq!([0, 99].map(|place| agent(place).len()), [476, 476]);
    }

    #[test]
    fn the_page_is_what_the_sdk_reads() {
        let page: sentryagent_idp::models::PaginatedAgents =
            serde_json::from_slice(&page()).unwrap();
        assert_eq!(page.data.len(), PAGE);
    }
}
