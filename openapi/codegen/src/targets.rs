//! The only list of what the contract is turned into.

use crate::{Result, emit, model::Contract, output::File};

/// One surface.
pub struct Target {
    /// What `generate` calls it.
    pub name: &'static str,
    /// Folders (with a trailing `/`) and files that belong to this target alone. Whatever else
    /// lies there is an orphan.
    pub owns: &'static [&'static str],
    /// The emitter.
    pub emit: fn(&Contract) -> Result<Vec<File>>,
}

/// Every target, in the order in which they are written.
pub const TARGETS: &[Target] = &[
    Target {
        name: "bundle",
        owns: emit::bundle::OWNS,
        emit: emit::bundle::emit,
    },
    Target {
        name: "core",
        owns: emit::core::OWNS,
        emit: emit::core::emit,
    },
    Target {
        name: "server",
        owns: emit::server::OWNS,
        emit: emit::server::emit,
    },
    Target {
        name: "python",
        owns: emit::python::OWNS,
        emit: emit::python::emit,
    },
    Target {
        name: "node",
        owns: emit::node::OWNS,
        emit: emit::node::emit,
    },
    Target {
        name: "java",
        owns: emit::java::OWNS,
        emit: emit::java::emit,
    },
    Target {
        name: "c",
        owns: emit::c::OWNS,
        emit: emit::c::emit,
    },
    Target {
        name: "go",
        owns: emit::go::OWNS,
        emit: emit::go::emit,
    },
    Target {
        name: "conformance",
        owns: emit::conformance::OWNS,
        emit: emit::conformance::emit,
    },
    Target {
        name: "docs",
        owns: emit::docs::OWNS,
        emit: emit::docs::emit,
    },
];
