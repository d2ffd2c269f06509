//! A token request, parsed: after this no rule of its form is left to check.

use crate::call::ClientCredentials;
use crate::error::ApiError;
use crate::generated::codes::Code;
use crate::generated::scopes::Scope;
use crate::generated::types::IssueTokenRequest;
use crate::policy::ScopeSet;

use super::resource;

const CLIENT_CREDENTIALS: &str = "client_credentials";

/// What a client asks for (RFC 6749 section 4.4).
#[derive(Debug)]
pub(super) struct TokenRequest {
    pub(super) client: ClientCredentials,
    /// What was named, else `agents:read`. Not yet compared with what the client may have.
    pub(super) scopes: ScopeSet,
    /// `resource`, which becomes `aud`.
    pub(super) audience: Option<String>,
    pub(super) nonce: Option<String>,
}

impl TokenRequest {
    /// Judges in this order: grant type, client, scope, resource. A parameter without a value
    /// counts as left out (RFC 6749 section 3.2).
    pub(super) fn parse(
        client: Option<ClientCredentials>,
        form: IssueTokenRequest,
    ) -> Result<Self, ApiError> {
        match form.grant_type.as_str() {
            CLIENT_CREDENTIALS => {}
            "" => return Err(missing("grant_type")),
            _ => {
                return Err(ApiError::new(Code::UnsupportedGrantType)
                    .message("Only client_credentials is offered."));
            }
        }
        Ok(Self {
            client: presented(client, &form)?,
            scopes: scopes(&form.scope)?,
            audience: given(form.resource).map(resource::parse).transpose()?,
            nonce: given(form.nonce),
        })
    }
}

/// Half a client is a missing parameter; no client at all is a failed authentication (RFC 6749
/// section 5.2).
fn presented(
    client: Option<ClientCredentials>,
    form: &IssueTokenRequest,
) -> Result<ClientCredentials, ApiError> {
    let id = form.client_id.as_deref().filter(|id| !id.is_empty());
    let has_secret = form
        .client_secret
        .as_ref()
        .is_some_and(|secret| !secret.expose().is_empty());
    match (client, id, has_secret) {
        (_, None, true) => Err(missing("client_id")),
        (None, Some(_), false) => Err(missing("client_secret")),
        (None, ..) => Err(ApiError::new(Code::InvalidClient)),
        (Some(client), Some(id), _) if client.client_id != id => {
            Err(ApiError::new(Code::InvalidRequest)
                .message("client_id differs from the one of HTTP Basic."))
        }
        (Some(_), Some(_), false) if form.client_secret.is_some() => Err(missing("client_secret")),
        (Some(client), ..) => Ok(client),
    }
}

fn scopes(text: &str) -> Result<ScopeSet, ApiError> {
    let scopes = ScopeSet::parse(text).map_err(|unknown| {
        ApiError::new(Code::InvalidScope)
            .message(format!("The scope {} is unknown.", unknown.scope))
    })?;
    if scopes.is_empty() {
        Ok(ScopeSet::of(&[Scope::AgentsRead]))
    } else {
        Ok(scopes)
    }
}

fn given(value: Option<String>) -> Option<String> {
    value.filter(|text| !text.is_empty())
}

fn missing(name: &'static str) -> ApiError {
    ApiError::new(Code::InvalidRequest).message(format!("{name} is missing."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Secret;

    fn form() -> IssueTokenRequest {
        IssueTokenRequest {
            grant_type: CLIENT_CREDENTIALS.to_owned(),
            client_id: Some("a".to_owned()),
            client_secret: Some(Secret::new("s")),
            scope: "agents:read".to_owned(),
            resource: None,
            nonce: None,
        }
    }

    fn client() -> Option<ClientCredentials> {
        Some(ClientCredentials {
            client_id: "a".to_owned(),
            client_secret: Secret::new("s"),
        })
    }

    fn code(client: Option<ClientCredentials>, form: IssueTokenRequest) -> Code {
        TokenRequest::parse(client, form).unwrap_err().code()
    }

    #[test]
    fn what_is_left_out_or_empty_has_its_default() {
        let empty = IssueTokenRequest {
            scope: String::new(),
            resource: Some(String::new()),
            nonce: Some(String::new()),
            ..form()
        };
        let request = TokenRequest::parse(client(), empty).unwrap();
        assert_eq!(request.scopes.to_string(), "agents:read");
        assert_eq!((request.audience, request.nonce), (None, None));
    }

    #[test]
    fn each_fault_has_its_code() {
        let grant = |grant_type: &str| IssueTokenRequest {
            grant_type: grant_type.to_owned(),
            ..form()
        };
        assert_eq!(code(client(), grant("")), Code::InvalidRequest);
        assert_eq!(
            code(client(), grant("password")),
            Code::UnsupportedGrantType
        );
        let scope = IssueTokenRequest {
            scope: "agents:read agents:fly".to_owned(),
            ..form()
        };
        assert_eq!(code(client(), scope), Code::InvalidScope);
        let resource = IssueTokenRequest {
            resource: Some("/relative".to_owned()),
            ..form()
        };
        assert_eq!(code(client(), resource), Code::InvalidTarget);
    }

    #[test]
    fn half_a_client_is_a_missing_parameter_and_none_is_no_authentication() {
        let without = |id: bool, secret: bool| IssueTokenRequest {
            client_id: id.then(|| "a".to_owned()),
            client_secret: secret.then(|| Secret::new("s")),
            ..form()
        };
        assert_eq!(code(None, without(true, false)), Code::InvalidRequest);
        assert_eq!(code(client(), without(false, true)), Code::InvalidRequest);
        assert_eq!(code(None, without(false, false)), Code::InvalidClient);
        // HTTP Basic, alone or with the id repeated in the form.
        assert!(TokenRequest::parse(client(), without(false, false)).is_ok());
        assert!(TokenRequest::parse(client(), without(true, false)).is_ok());
        let other = IssueTokenRequest {
            client_id: Some("b".to_owned()),
            client_secret: None,
            ..form()
        };
        assert_eq!(code(client(), other), Code::InvalidRequest);
    }
}
