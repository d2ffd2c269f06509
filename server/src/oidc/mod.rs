//! Section oidc: discovery and JWKS.
