//! What is said of the pool of readers.

use super::*;

#[tokio::test]
async fn the_pool_tells_how_many_connections_work_and_who_waits_for_one() {
    let database = migrated().await;
    let storage = PostgresStorage::open(options(&database, clock()))
        .await
        .unwrap();
    assert_eq!(storage.pool().waiting, 0);
    let mut looks = Vec::new();
    for _ in 0..4 {
        looks.push(storage.look(Reach::Everywhere).await.unwrap());
    }
    assert_eq!((storage.pool().active, storage.pool().waiting), (4, 0));
    let late = storage.look(Reach::Everywhere);
    tokio::pin!(late);
    // It gets nowhere: every connection is in use.
    let got = tokio::time::timeout(std::time::Duration::from_millis(20), &mut late).await;
    assert!(got.is_err());
    assert_eq!((storage.pool().active, storage.pool().waiting), (4, 1));
    looks.pop();
    drop(late.await.unwrap());
    assert_eq!(storage.pool().waiting, 0);
    drop(looks);
    storage.close().await;
}
