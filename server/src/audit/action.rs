//! The words of an event: what happened, and whether it succeeded.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant),+
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// As an event shows it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }

            /// The value of that text.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// What happened.
    AuditAction {
        AgentCreated = "agent.created",
        AgentUpdated = "agent.updated",
        AgentSuspended = "agent.suspended",
        AgentReactivated = "agent.reactivated",
        AgentDecommissioned = "agent.decommissioned",
        TokenIssued = "token.issued",
        TokenRevoked = "token.revoked",
        TokenIntrospected = "token.introspected",
        CredentialGenerated = "credential.generated",
        CredentialRotated = "credential.rotated",
        CredentialRevoked = "credential.revoked",
        AuthFailed = "auth.failed",
        OrgCreated = "org.created",
        OrgUpdated = "org.updated",
        OrgDeleted = "org.deleted",
        KeyRotated = "key.rotated",
    }
}

words! {
    /// Whether what the event tells of succeeded.
    AuditOutcome {
        Success = "success",
        Failure = "failure",
    }
}
