//! Section agents: the registry.
