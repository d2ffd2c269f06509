//! The labels of each metric. A field's name is the label's.

use prometheus_client::encoding::EncodeLabelSet;

/// Granted scopes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ScopeLabel {
    pub scope: String,
}

/// Where an agent runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EnvironmentLabel {
    pub deployment_env: &'static str,
}

/// An answered request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct HttpLabels {
    pub method: &'static str,
    pub route: &'static str,
    pub status_code: u16,
}

/// What the store was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OperationLabel {
    pub operation: &'static str,
}

/// What Redis was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CommandLabel {
    pub command: &'static str,
}

/// Who was limited; bounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ClientLabel {
    pub client_id: String,
}

/// Whose agent called; bounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantLabels {
    pub org_id: String,
    pub tier: &'static str,
}

/// Whose tier refused what; bounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LimitLabels {
    pub org_id: String,
    pub limit_type: &'static str,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct JobLabels {
    pub job: &'static str,
    pub outcome: &'static str,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct JobNameLabel {
    pub job: &'static str,
}
