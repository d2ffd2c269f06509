//! Small named values.

use super::{Backend, Bench};
use crate::storage::StorageError;

pub async fn the_first_value_stays<B: Backend>(bench: &Bench<B>) {
    let materials = bench.storage().materials();
    assert_eq!(materials.get("a").await.unwrap(), None);
    let (one, two) = tokio::join!(
        materials.get_or_insert("a", b"1"),
        materials.get_or_insert("a", b"2")
    );
    assert_eq!(one, two);
    assert_eq!(materials.get("a").await.unwrap(), Some(one.unwrap()));
    assert_eq!(materials.get("b").await.unwrap(), None);
}

pub async fn a_value_is_replaced_only_while_it_is_as_expected<B: Backend>(bench: &Bench<B>) {
    let materials = bench.storage().materials();
    assert_eq!(
        materials.replace("a", Some(b"x"), b"1").await,
        Err(StorageError::Conflict)
    );
    materials.replace("a", None, b"1").await.unwrap();
    assert_eq!(
        materials.replace("a", None, b"2").await,
        Err(StorageError::Conflict)
    );
    materials.replace("a", Some(b"1"), b"2").await.unwrap();
    assert_eq!(materials.get("a").await.unwrap(), Some(b"2".to_vec()));
}
