//! One look at one part.

use std::time::Duration;

use tokio::time::Instant;

use crate::generated::types::{ServiceHealth, ServiceStatus};

/// Slower than that is degraded.
const SLOW: Duration = Duration::from_secs(1);
/// Slower than that does not answer.
const GONE: Duration = Duration::from_secs(3);

/// Asks once, in bounded time.
pub async fn run<E>(question: impl Future<Output = Result<(), E>>) -> ServiceHealth {
    let began = Instant::now();
    let answer = tokio::time::timeout(GONE, question).await;
    let took = began.elapsed();
    let status = match answer {
        Ok(Ok(())) if took <= SLOW => ServiceStatus::Healthy,
        Ok(Ok(())) => ServiceStatus::Degraded,
        Ok(Err(_)) | Err(_) => ServiceStatus::Unreachable,
    };
    ServiceHealth {
        status,
        latency_ms: (took.as_secs_f64() * 1e6).round() / 1e3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_that_hangs_is_gone() {
        let hanging = run(std::future::pending::<Result<(), ()>>()).await;
        assert_eq!(hanging.status, ServiceStatus::Unreachable);
        assert_eq!(
            run(async { Err::<(), _>(()) }).await.status,
            ServiceStatus::Unreachable
        );
        assert_eq!(
            run(async { Ok::<_, ()>(()) }).await.status,
            ServiceStatus::Healthy
        );
        let slow = async {
            tokio::time::sleep(SLOW + Duration::from_millis(1)).await;
            Ok::<_, ()>(())
        };
        assert_eq!(run(slow).await.status, ServiceStatus::Degraded);
    }
}
