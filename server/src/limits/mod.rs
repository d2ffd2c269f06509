//! Request rate limits.
