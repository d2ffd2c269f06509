//! The storage conformance suite: what every backend has to do, written against the traits alone.
//!
//! A backend runs it with `run_suite!(<its Backend>)` in a test module of its own; every case gets a fresh, empty store.
//! Nothing here knows which backend it tests. What only one backend can show (triggers of SQLite, two connections to one
//! file) is tested beside that backend.

pub mod agents;
pub mod audit;
pub mod audit_queries;
pub mod credentials;
pub mod erasure;
pub mod idempotency;
pub mod in_vault;
pub mod jobs;
pub mod materials;
pub mod organizations;
pub mod revocation;
pub mod rotation;
pub mod rules;
pub mod signing_keys;
pub mod tiers;
pub mod usage;

use std::{future::Future, sync::Arc, time::Duration};

use uuid::Uuid;

use super::{
    AgentEvents, AgentPatch, AgentRecord, CredentialRecord, NewAgent, NewCredential,
    OrganizationRecord, OrganizationStatus, Reach, Storage, StorageResult, Tier, UpdateAgent,
};
use crate::{
    audit::{AuditAction, NewEvent},
    clock::{Clock as _, ManualClock, Timestamp},
    generated::types::{AgentRole, AgentStatus, AgentType, DeploymentEnv},
};

/// A backend under test.
pub trait Backend: Send + Sync + Sized {
    /// A fresh and empty store that takes its time from `clock`.
    fn fresh(clock: Arc<ManualClock>) -> impl Future<Output = Self> + Send;
    /// The store.
    fn storage(&self) -> &dyn Storage;
    /// A second store on the same data, as another process would open it.
    fn again(&self) -> impl Future<Output = Arc<dyn Storage>> + Send;
}

/// Every case, by file. A case that is not named here does not run, and the compiler says that it is unused.
macro_rules! run_suite {
    ($backend:ty) => {
        crate::storage::suite::run_suite! { @cases $backend;
            organizations { founding_happens_once, an_organization_that_may_not_act_raises_its_generation, slugs_are_unique, all_are_gone_through_once }
            agents {
                an_agent_reads_back_as_written, an_email_is_taken_without_regard_to_case, lists_are_newest_first_and_paged, filters_hold_together,
                an_agent_of_another_organization_is_unknown, an_unknown_organization_takes_no_agent, two_registrations_of_one_email_make_one_agent,
            }
            tiers { registrations_at_once_stop_at_what_the_tier_allows, an_agent_that_ended_makes_room, the_system_organization_is_enterprise }
            usage { counts_of_instances_add_up, a_repeated_batch_adds_nothing, a_batch_that_cannot_be_written_leaves_nothing }
            rules {
                an_unchanged_agent_makes_no_event, suspending_raises_the_generation_and_reactivating_keeps_it, the_last_admin_stays,
                two_admins_that_end_each_other_leave_one, only_an_active_admin_changes_others, decommissioning_ends_everything_at_once,
                a_decommissioned_agent_changes_no_more, refusals_leave_nothing_behind,
            }
            credentials {
                a_credential_reads_back_as_written, ten_active_credentials_at_most, an_inactive_agent_gets_none, a_client_shows_what_authentication_needs,
                lists_can_be_narrowed, the_last_use_never_goes_back, those_that_expire_soon_are_counted,
            }
            rotation {
                rotation_stops_the_old_secret_at_once, rotation_keeps_the_old_secret_for_its_grace, a_second_rotation_ends_the_first_grace,
                revocation_is_final, a_hash_is_replaced_only_while_it_is_the_same,
            }
            in_vault { what_is_left_there_is_found_until_it_is_replaced }
            revocation {
                every_raise_is_found_whole_and_since, the_observer_knows_before_the_caller, a_revoked_token_is_remembered_until_it_expires,
                a_grace_that_ended_stays_ended, another_process_sees_it,
                all_tokens_end_whatever_another_store_counted,
            }
            signing_keys { a_rotation_is_all_or_nothing, two_rotations_at_once_make_one, two_publications_at_once_make_one, private_halves_are_reencrypted_only_while_they_are_the_same }
            materials { the_first_value_stays, a_value_is_replaced_only_while_it_is_as_expected }
            idempotency { a_key_is_claimed_once, an_answer_is_kept_until_it_expires, a_claim_left_behind_is_taken_over, a_claim_is_renewed_by_its_claimant_alone, a_change_whose_claim_was_lost_is_refused, a_released_key_may_be_claimed_again, a_change_notes_the_claim_it_belongs_to, a_change_keeps_its_answer_in_its_transaction, an_answer_is_not_kept_without_its_change }
            jobs { a_turn_is_taken_once, a_turn_that_nobody_renews_ends, a_turn_of_a_wrong_clock_does_not_last, what_is_kept_reads_back, a_lost_turn_writes_nothing }
            audit {
                a_chain_has_no_gaps_and_verifies, concurrent_events_make_one_chain_each, times_never_go_back_along_a_chain, events_read_back_as_written,
                closing_drains_what_nobody_waited_for, a_change_and_its_events_are_one,
            }
            erasure {
                erased_events_keep_their_place_and_proof, an_agent_that_lives_is_not_erased, an_erased_agent_keeps_its_id_alone,
                chains_are_listed_with_their_ends,
            }
            audit_queries {
                pages_and_cursors_show_the_same, filters_by_time_are_half_open, totals_stop_counting, an_event_of_another_organization_is_unknown,
            }
        }
    };
    (@cases $backend:ty; $($file:ident { $($case:ident),+ $(,)? })+) => {
        $(
            mod $file {
                use super::*;
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        let bench = crate::storage::suite::Bench::<$backend>::new().await;
                        crate::storage::suite::$file::$case(&bench).await;
                    }
                )+
            }
        )+
    };
}
pub(crate) use run_suite;

/// When every case begins.
const BEGINNING: Timestamp = Timestamp::from_ms(1_774_688_400_000);

/// A fresh store and the hands to fill it.
pub struct Bench<B> {
    /// The backend.
    pub backend: B,
    /// Its time.
    pub clock: Arc<ManualClock>,
}

impl<B: Backend> Bench<B> {
    /// Opens a fresh store.
    pub async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(BEGINNING));
        Self {
            backend: B::fresh(Arc::clone(&clock)).await,
            clock,
        }
    }

    fn storage(&self) -> &dyn Storage {
        self.backend.storage()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn later(&self, seconds: u64) -> Timestamp {
        self.now().plus(Duration::from_secs(seconds))
    }

    /// An organization that may act.
    pub async fn organization(&self) -> Uuid {
        self.organization_of(Tier::Free).await
    }

    async fn organization_of(&self, tier: Tier) -> Uuid {
        let id = Uuid::now_v7();
        let record = OrganizationRecord {
            organization_id: id,
            name: "An organization".to_owned(),
            slug: id.to_string(),
            status: OrganizationStatus::Active,
            tier,
            is_system: false,
            created_at: self.now(),
            updated_at: self.now(),
        };
        self.storage()
            .organizations()
            .insert(record, Vec::new())
            .await
            .unwrap();
        id
    }

    fn new_agent(&self, organization: Uuid, role: AgentRole) -> NewAgent {
        let id = Uuid::now_v7();
        NewAgent {
            agent_id: id,
            organization_id: organization,
            role,
            email: format!("Agent-{}@Example.com", id.simple()),
            agent_type: AgentType::Monitor,
            version: "1.2.3".to_owned(),
            capabilities: vec!["read".to_owned(), "data:write".to_owned()],
            owner: "somebody".to_owned(),
            deployment_env: DeploymentEnv::Staging,
            is_public: true,
            created_at: self.now(),
        }
    }

    /// An active agent.
    pub async fn agent(&self, organization: Uuid, role: AgentRole) -> AgentRecord {
        let new = self.new_agent(organization, role);
        self.storage()
            .agents()
            .insert(new, |_| None, Vec::new())
            .await
            .unwrap()
    }

    fn new_credential(&self, agent: Uuid) -> NewCredential {
        NewCredential {
            credential_id: Uuid::now_v7(),
            agent_id: agent,
            secret_hash: "hash-0".to_owned(),
            scopes: Some(vec!["agents:read".to_owned()]),
            created_at: self.now(),
            expires_at: None,
        }
    }

    /// A credential of it.
    pub async fn credential(&self, agent: Uuid) -> CredentialRecord {
        self.try_credential(agent).await.unwrap()
    }

    async fn try_credential(&self, agent: Uuid) -> StorageResult<CredentialRecord> {
        let new = self.new_credential(agent);
        self.storage()
            .credentials()
            .insert(Reach::Everywhere, None, new, Vec::new())
            .await
    }

    async fn set_status(
        &self,
        agent: &AgentRecord,
        actor: Option<Uuid>,
        status: AgentStatus,
    ) -> StorageResult<AgentRecord> {
        self.patch(
            agent,
            actor,
            AgentPatch {
                status: Some(status),
                ..AgentPatch::default()
            },
        )
        .await
    }

    async fn patch(
        &self,
        agent: &AgentRecord,
        actor: Option<Uuid>,
        patch: AgentPatch,
    ) -> StorageResult<AgentRecord> {
        let update = UpdateAgent {
            reach: Reach::Organization(agent.organization_id),
            agent: agent.agent_id,
            actor,
            patch,
            at: self.now(),
            events: AgentEvents::new(|change| {
                vec![event(
                    change.after.organization_id,
                    Some(change.after.agent_id),
                    AuditAction::AgentUpdated,
                )]
            }),
        };
        self.storage().agents().update(update).await
    }

    async fn actions(&self, organization: Uuid) -> Vec<String> {
        let events = self
            .storage()
            .audit()
            .chain(organization, 1, 1000)
            .await
            .unwrap();
        events.into_iter().map(|event| event.action).collect()
    }
}

/// An event of the server itself.
fn event(organization: Uuid, agent: Option<Uuid>, action: AuditAction) -> NewEvent {
    NewEvent::of_server(organization, agent, action)
}
