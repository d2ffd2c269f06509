//! `agentidp audit`: the log as its operator sees it, every organization's and without a retention window.

use std::{fmt::Write as _, sync::Arc};

use clap::Subcommand;
use uuid::Uuid;

use super::{Flags, print, run_once};
use crate::{
    app::{self, StartError},
    audit::to_hex,
    care::{self, ChainReport, Explanation, Link},
    clock::SystemClock,
    storage::Storage,
};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Recompute the hash chains; exit code 1 when one is broken
    Verify {
        #[command(flatten)]
        flags: Flags,
        /// Only this organization's
        #[arg(long)]
        organization: Option<Uuid>,
    },
    /// Write every event to standard output, a line of JSON each, oldest first within its chain
    Export {
        #[command(flatten)]
        flags: Flags,
        /// Only this organization's
        #[arg(long)]
        organization: Option<Uuid>,
    },
    /// Say what one event holds, and what proves it
    Explain {
        #[command(flatten)]
        flags: Flags,
        /// The event's id
        event: Uuid,
    },
}

/// Runs one of them.
pub(super) fn run(action: &Action) -> Result<(), StartError> {
    match action {
        Action::Verify {
            flags,
            organization,
        } => verify(flags, *organization),
        Action::Export {
            flags,
            organization,
        } => export(flags, *organization),
        Action::Explain { flags, event } => explain(flags, *event),
    }
}

fn verify(flags: &Flags, organization: Option<Uuid>) -> Result<(), StartError> {
    let reports = with_storage(flags, async |storage| {
        known(storage, organization).await?;
        care::chains(storage, organization)
            .await
            .map_err(StartError::failed)
    })?;
    for report in &reports {
        print(&line(report));
    }
    let broken = reports.iter().filter(|r| !r.found.verified).count();
    match broken {
        0 => Ok(()),
        _ => Err(StartError::failed(format!(
            "{broken} of {} chains are broken",
            reports.len()
        ))),
    }
}

async fn known(storage: &dyn Storage, organization: Option<Uuid>) -> Result<(), StartError> {
    match organization {
        Some(id) if !care::knows(storage, id).await? => {
            Err(StartError::failed(format!("there is no organization {id}")))
        }
        _ => Ok(()),
    }
}

fn line(report: &ChainReport) -> String {
    let ChainReport {
        organization,
        found,
    } = report;
    let checked = found.checked_count;
    match found.broken_at {
        None if found.verified => format!("{organization}: {checked} events, the chain holds\n"),
        Some(event) => {
            format!("{organization}: BROKEN at event {event}, after {checked} events\n")
        }
        None => format!("{organization}: BROKEN, its events are missing\n"),
    }
}

fn export(flags: &Flags, organization: Option<Uuid>) -> Result<(), StartError> {
    with_storage(flags, async |storage| {
        known(storage, organization).await?;
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        care::export(storage, organization, &mut out)
            .await
            .map(drop)
            .map_err(StartError::failed)
    })
}

fn explain(flags: &Flags, event: Uuid) -> Result<(), StartError> {
    let found = with_storage(flags, async |storage| {
        care::explain(storage, event)
            .await
            .map_err(StartError::failed)
    })?;
    match found {
        Some(explanation) => {
            print(&text(&explanation));
            Ok(())
        }
        None => Err(StartError::failed(format!("there is no event {event}"))),
    }
}

fn text(explanation: &Explanation) -> String {
    let event = &explanation.event;
    let mut text = format!(
        "event         {}\norganization  {}\nplace         {} in its chain\ntime          {}\naction        {}\noutcome       {}\n",
        event.event_id,
        event.organization_id,
        event.sequence,
        event.timestamp,
        event.action,
        event.outcome.as_str()
    );
    if event.is_erased() {
        text.push_str("payload       erased; action and outcome are labels that nothing proves\n");
    } else {
        let agent = event
            .agent_id
            .map_or("nobody".to_owned(), |id| id.to_string());
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "agent         {agent}\naddress       {}\nuser agent    {}\nmetadata      {}\nsalt          {}\n",
            said(&event.ip_address),
            said(&event.user_agent),
            event.metadata,
            to_hex(&event.salt)
        );
    }
    let _ = write!(
        text,
        "payload hash  {}  {}\nhash          {}  {}\nbefore        {}  {}\nafter         {}\n",
        to_hex(&event.payload_hash),
        payload(explanation),
        to_hex(&event.hash),
        holds(explanation.hash_holds),
        said(&to_hex(&event.previous_hash)),
        link(explanation.before, "the first event"),
        link(explanation.after, "the newest event"),
    );
    text
}

fn payload(explanation: &Explanation) -> &'static str {
    match (explanation.payload_holds, explanation.event.is_erased()) {
        (true, true) => "kept; what it covered was erased",
        (holds_, _) => holds(holds_),
    }
}

const fn holds(holds: bool) -> &'static str {
    if holds { "holds" } else { "BROKEN" }
}

const fn link(link: Link, end: &'static str) -> &'static str {
    match link {
        Link::End => end,
        Link::Holds => "holds",
        Link::Broken => "BROKEN",
        Link::Missing => "MISSING",
    }
}

fn said(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn with_storage<T>(
    flags: &Flags,
    work: impl AsyncFnOnce(&dyn Storage) -> Result<T, StartError>,
) -> Result<T, StartError> {
    let (config, _) = flags.config()?;
    run_once(async {
        let storage = app::open(&config, Arc::new(SystemClock)).await?;
        let done = work(&*storage).await;
        storage.close().await;
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{AuditOutcome, Verification},
        clock::Timestamp,
        storage::StoredEvent,
    };

    fn explanation() -> Explanation {
        Explanation {
            event: StoredEvent {
                position: 7,
                event_id: Uuid::nil(),
                sequence: 7,
                organization_id: Uuid::nil(),
                agent_id: None,
                action: "token.issued".to_owned(),
                outcome: AuditOutcome::Success,
                ip_address: String::new(),
                user_agent: String::new(),
                metadata: "{}".to_owned(),
                timestamp: Timestamp::from_ms(0),
                salt: Vec::new(),
                payload_hash: vec![1; 32],
                previous_hash: vec![2; 32],
                hash: vec![3; 32],
            },
            payload_holds: true,
            hash_holds: true,
            before: Link::Holds,
            after: Link::Missing,
        }
    }

    #[test]
    fn an_erased_event_and_a_missing_neighbour_are_named() {
        let mut explanation = explanation();
        let said = text(&explanation);
        assert!(said.contains("payload       erased;"), "{said}");
        assert!(said.contains("kept; what it covered was erased"), "{said}");
        assert!(said.ends_with("after         MISSING\n"), "{said}");
        explanation.event.user_agent = "put back".to_owned();
        explanation.payload_holds = false;
        explanation.hash_holds = false;
        explanation.before = Link::Broken;
        assert_eq!(text(&explanation).matches("  BROKEN\n").count(), 3);
    }

    #[test]
    fn a_broken_chain_names_its_place() {
        let report = |broken_at| ChainReport {
            organization: Uuid::nil(),
            found: Verification {
                verified: false,
                checked_count: 4,
                broken_at,
            },
        };
        let said = line(&report(Some(Uuid::max())));
        assert!(said.contains("BROKEN at event ffffffff"), "{said}");
        assert!(line(&report(None)).contains("events are missing"));
    }
}
