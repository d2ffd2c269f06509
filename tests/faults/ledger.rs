//! What a killed process had acknowledged: lines that it wrote after each success, read by the process that kills it.

use uuid::Uuid;

/// One acknowledged change. Each is known by what it must have left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ack {
    /// This agent was registered in this organization.
    Registered(Uuid, Uuid),
    /// An event whose metadata has this tag was appended to this organization's chain.
    Recorded(Uuid, Uuid),
    /// A token with this id was revoked.
    Revoked(Uuid),
    /// This agent's credential reached this generation.
    Rotated(Uuid, i64),
    /// This agent was decommissioned.
    Decommissioned(Uuid),
}

const PREFIX: &str = "ack";

impl Ack {
    /// Writes it where the killer reads, whole or not at all: a pipe takes a short line at once.
    pub fn say(&self) {
        use std::io::Write as _;
        let line = match self {
            Self::Registered(organization, agent) => {
                format!("{PREFIX} registered {organization} {agent}\n")
            }
            Self::Recorded(organization, tag) => {
                format!("{PREFIX} recorded {organization} {tag}\n")
            }
            Self::Revoked(token) => format!("{PREFIX} revoked {token}\n"),
            Self::Rotated(agent, generation) => format!("{PREFIX} rotated {agent} {generation}\n"),
            Self::Decommissioned(agent) => format!("{PREFIX} decommissioned {agent}\n"),
        };
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).unwrap();
        out.flush().unwrap();
    }

    /// Reads a line back; `None` for a line of somebody else, or one that was cut off.
    pub fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let id = |text: &str| Uuid::try_parse(text).ok();
        match words.as_slice() {
            [PREFIX, "registered", organization, agent] => {
                Some(Self::Registered(id(organization)?, id(agent)?))
            }
            [PREFIX, "recorded", organization, tag] => {
                Some(Self::Recorded(id(organization)?, id(tag)?))
            }
            [PREFIX, "revoked", token] => Some(Self::Revoked(id(token)?)),
            [PREFIX, "rotated", agent, generation] => {
                Some(Self::Rotated(id(agent)?, generation.parse().ok()?))
            }
            [PREFIX, "decommissioned", agent] => Some(Self::Decommissioned(id(agent)?)),
            _ => None,
        }
    }
}
