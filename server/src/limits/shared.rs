//! Counters of sliding windows in Redis, which instances share. One round trip, whatever is counted.

use std::sync::Arc;

use super::{Counted, Standing, window::Window};
use crate::cache::{Cache, CacheError, Script};

/// Numbers that the script answers for each window.
const NUMBERS: usize = 5;

/// The counters of every instance.
pub(super) struct Shared {
    cache: Arc<Cache>,
    script: Script,
}

impl Shared {
    pub fn new(cache: Arc<Cache>) -> Self {
        Self {
            cache,
            script: Script::new(include_str!("sliding_window.lua")),
        }
    }

    /// Counts in all of them, or in those before the first that denies; answers for each of these.
    pub async fn count(&self, counted: &[Counted<'_>]) -> Result<Vec<Standing>, CacheError> {
        self.count_at(counted, None).await
    }

    /// The same at a given time in milliseconds instead of Redis's own.
    pub async fn count_at(
        &self,
        counted: &[Counted<'_>],
        now_ms: Option<i64>,
    ) -> Result<Vec<Standing>, CacheError> {
        let keys: Vec<String> = counted.iter().map(Counted::shared_key).collect();
        let mut arguments = vec![now_ms.map(|ms| ms.to_string()).unwrap_or_default()];
        for one in counted {
            arguments.extend([one.max.to_string(), one.window_ms.to_string()]);
        }
        let numbers: Vec<i64> = self
            .cache
            .run_script(&self.script, &keys, &arguments)
            .await?;
        let standings = numbers.chunks_exact(NUMBERS).zip(counted);
        Ok(standings.map(|(numbers, one)| read(numbers, one)).collect())
    }
}

fn read(numbers: &[i64], counted: &Counted<'_>) -> Standing {
    let number = |position: usize| numbers.get(position).copied().unwrap_or_default();
    let count = |position| u32::try_from(number(position)).unwrap_or(u32::MAX);
    let window = Window {
        index: number(1),
        current: count(3),
        previous: count(4),
    };
    window.standing(number(0) == 1, counted.max, counted.window_ms, number(2))
}
