//! Who meets whom, in what, and how often: the one table of the benchmarks.

use clap::ValueEnum;

use crate::protocol::{Operation, Turn};

/// A contest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    Rust,
    PythonAsync,
    PythonSync,
    Node,
    GoCgo,
    GoPurego,
    Java,
    VerifyRust,
    VerifyPython,
    VerifyNode,
    VerifyGo,
    VerifyJava,
}

/// The project's client of one language and its peers.
pub struct Contest {
    pub name: Name,
    pub title: &'static str,
    /// The project's client first.
    pub clients: &'static [Entrant],
    pub cases: &'static [Case],
}

/// A client of the contest.
pub struct Entrant {
    /// How a worker is asked for it.
    pub name: &'static str,
    /// Calls of a turn, a number for each case: enough for about a second, and so fewer for slower
    /// clients.
    pub calls: &'static [u32],
    /// What the project wants of its own rate over this one's, a number for each case; 0 for no wish.
    pub targets: &'static [f64],
}

/// What is called and how many at a time.
pub struct Case {
    pub title: &'static str,
    pub operation: Operation,
    pub in_flight: u32,
}

impl Contest {
    /// Whether it is meant by that name: its own, or the beginning that it shares with others, such as `go`.
    pub fn is_named(&self, wanted: &str) -> bool {
        self.name.to_possible_value().is_some_and(|own| {
            own.get_name()
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    }

    /// The turn of this client in this case.
    pub fn turn(&self, client: usize, case: usize) -> Turn {
        let Case {
            operation,
            in_flight,
            ..
        } = self.cases[case];
        Turn {
            operation,
            in_flight,
            calls: self.clients[client].calls[case] / in_flight * in_flight,
        }
    }
}

const fn case(title: &'static str, operation: Operation, in_flight: u32) -> Case {
    Case {
        title,
        operation,
        in_flight,
    }
}

const fn entrant(name: &'static str, calls: &'static [u32], targets: &'static [f64]) -> Entrant {
    Entrant {
        name,
        calls,
        targets,
    }
}

const ASYNC_CASES: &[Case] = &[
    case("getAgent, 64 in flight", Operation::Get, 64),
    case("getAgent, one at a time", Operation::Get, 1),
    case("listAgents of 100, 64 in flight", Operation::List, 64),
];

const THREAD_CASES: &[Case] = &[
    case("getAgent, 16 threads", Operation::Get, 16),
    case("getAgent, 1 thread", Operation::Get, 1),
    case("listAgents of 100, 16 threads", Operation::List, 16),
];

const VERIFY_CASES: &[Case] = &[
    case("RS256, key at hand", Operation::Rs256, 1),
    case("ES256, key at hand", Operation::Es256, 1),
];

/// Every contest.
pub const ALL: &[Contest] = &[
    Contest {
        name: Name::Rust,
        title: "Rust",
        clients: &[
            entrant("core", &[32_000, 8_000, 3_200], &[]),
            entrant("reqwest", &[32_000, 8_000, 3_200], &[0.95, 0.95, 0.95]),
        ],
        cases: ASYNC_CASES,
    },
    Contest {
        name: Name::PythonAsync,
        title: "Python, asyncio",
        clients: &[
            entrant("project-async", &[16_000, 4_000, 1_600], &[]),
            entrant("aiohttp", &[4_000, 2_500, 640], &[4.0, 1.2, 1.5]),
            entrant("httpx-async", &[1_280, 800, 320], &[20.0, 0.0, 0.0]),
        ],
        cases: ASYNC_CASES,
    },
    Contest {
        name: Name::PythonSync,
        title: "Python, threads",
        clients: &[
            entrant("project-sync", &[16_000, 5_000, 1_600], &[]),
            entrant("http.client", &[3_200, 3_000, 640], &[4.0, 1.2, 2.0]),
            entrant("httpx", &[1_280, 1_000, 320], &[15.0, 0.0, 0.0]),
            entrant("requests", &[1_280, 1_000, 320], &[15.0, 0.0, 0.0]),
        ],
        cases: THREAD_CASES,
    },
    Contest {
        name: Name::Node,
        title: "Node.js",
        clients: &[
            entrant("project-node", &[32_000, 6_000, 3_200], &[]),
            entrant("undici", &[32_000, 6_000, 3_200], &[1.1, 1.0, 1.2]),
            entrant("fetch", &[4_000, 2_000, 1_280], &[8.0, 0.0, 0.0]),
        ],
        cases: ASYNC_CASES,
    },
    Contest {
        name: Name::GoCgo,
        title: "Go, cgo",
        clients: &[
            entrant("project-go", &[32_000, 6_000, 3_200], &[]),
            entrant("net/http", &[16_000, 6_000, 1_920], &[1.0, 0.9, 1.0]),
        ],
        cases: ASYNC_CASES,
    },
    Contest {
        name: Name::GoPurego,
        title: "Go, purego",
        clients: &[
            entrant("project-go", &[32_000, 6_000, 3_200], &[]),
            entrant("net/http", &[16_000, 6_000, 1_920], &[0.9, 0.9, 1.0]),
        ],
        cases: ASYNC_CASES,
    },
    Contest {
        name: Name::Java,
        title: "Java",
        clients: &[
            entrant("project-java", &[32_000, 6_000, 3_200], &[]),
            entrant("java.net.http", &[8_000, 5_000, 1_920], &[4.0, 1.2, 1.0]),
        ],
        cases: ASYNC_CASES,
    },
    Contest {
        name: Name::VerifyRust,
        title: "Verification, Rust",
        clients: &[
            entrant("verify-core", &[30_000, 12_000], &[]),
            entrant("jsonwebtoken", &[25_000, 12_000], &[0.0, 0.0]),
        ],
        cases: VERIFY_CASES,
    },
    Contest {
        name: Name::VerifyPython,
        title: "Verification, Python",
        clients: &[
            entrant("verify-project", &[20_000, 10_000], &[]),
            entrant("pyjwt", &[10_000, 6_000], &[0.0, 0.0]),
        ],
        cases: VERIFY_CASES,
    },
    Contest {
        name: Name::VerifyNode,
        title: "Verification, Node.js",
        clients: &[
            entrant("verify-project", &[20_000, 10_000], &[]),
            entrant("jose", &[10_000, 6_000], &[0.0, 0.0]),
        ],
        cases: VERIFY_CASES,
    },
    Contest {
        name: Name::VerifyGo,
        title: "Verification, Go",
        clients: &[
            entrant("verify-project", &[20_000, 10_000], &[]),
            entrant("golang-jwt", &[20_000, 10_000], &[0.0, 0.0]),
        ],
        cases: VERIFY_CASES,
    },
    Contest {
        name: Name::VerifyJava,
        title: "Verification, Java",
        clients: &[
            entrant("verify-project", &[20_000, 10_000], &[]),
            entrant("nimbus", &[10_000, 1_000], &[0.0, 0.0]),
        ],
        cases: VERIFY_CASES,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_a_number_for_every_case() {
        for contest in ALL {
            for (place, client) in contest.clients.iter().enumerate() {
                assert_eq!(client.calls.len(), contest.cases.len());
                let targets = if place == 0 { 0 } else { contest.cases.len() };
                assert_eq!(client.targets.len(), targets);
            }
        }
    }

    #[test]
    fn a_name_means_one_contest_or_those_of_a_language() {
        let meant = |wanted| ALL.iter().filter(|c| c.is_named(wanted)).count();
        assert_eq!(
            ["go-cgo", "go", "python", "node", "verify-go"].map(meant),
            [1, 2, 2, 1, 1]
        );
        assert_eq!(["g", "cgo", "go-", ""].map(meant), [0, 0, 0, 0]);
    }

    #[test]
    fn a_turn_gives_every_task_the_same_number_of_calls() {
        for contest in ALL {
            for client in 0..contest.clients.len() {
                for case in 0..contest.cases.len() {
                    let turn = contest.turn(client, case);
                    assert_eq!(turn.calls % turn.in_flight, 0);
                    assert!(turn.calls >= turn.in_flight * 2);
                }
            }
        }
    }
}
