//! Connections whose other end falls silent, neither closed nor refused: a firewall forgot them, a machine is gone, a
//! process stands still. Nothing ever comes of them, not even an error.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};

use super::*;
use crate::{
    keys::{KeySettings, Keys, SigningAlgorithm},
    revocation::Revocation,
    secrets::{EncryptionKeys, Secrets, SystemRandom},
};

const IN_TIME: Duration = Duration::from_secs(20);
/// What a question with parameters begins with, known to the database (Bind) or new to it (Parse): neither a ping nor the
/// beginning of a transaction.
const QUESTION: [u8; 2] = [b'B', b'P'];

/// Between a store and its database. New connections are good ones.
struct Line {
    address: SocketAddr,
    cut: watch::Sender<()>,
    armed: Arc<AtomicBool>,
}

impl Line {
    async fn to(database: &Database) -> (Self, Database) {
        let mut url = url::Url::parse(&database.server_url).unwrap();
        let target = format!("127.0.0.1:{}", url.port().unwrap());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let this = Self {
            address: listener.local_addr().unwrap(),
            cut: watch::Sender::new(()),
            armed: Arc::default(),
        };
        url.set_port(Some(this.address.port())).unwrap();
        let (cut, armed) = (this.cut.clone(), Arc::clone(&this.armed));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&target).await.unwrap();
                tokio::spawn(connection(
                    client,
                    server,
                    cut.subscribe(),
                    Arc::clone(&armed),
                ));
            }
        });
        let through = Database {
            server_url: url.into(),
            ..database.clone()
        };
        (this, through)
    }

    /// Every connection that there is falls silent.
    fn cut(&self) {
        self.cut.send_replace(());
    }

    /// The next connection over which a question comes falls silent instead of passing it on.
    fn cut_at_a_question(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    fn waits_for_a_question(&self) -> bool {
        self.armed.load(Ordering::SeqCst)
    }
}

async fn connection(
    mut client: TcpStream,
    mut server: TcpStream,
    mut cut: watch::Receiver<()>,
    armed: Arc<AtomicBool>,
) {
    let (mut asked, mut answered) = ([0; 4096], [0; 4096]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(count) if count > 0 => {
                    if QUESTION.contains(&asked[0]) && armed.swap(false, Ordering::SeqCst) {
                        break;
                    }
                    server.write_all(&asked[..count]).await.unwrap();
                }
                _ => return,
            },
            read = server.read(&mut answered) => match read {
                Ok(count) if count > 0 => client.write_all(&answered[..count]).await.unwrap(),
                _ => return,
            },
            _ = cut.changed() => break,
        }
    }
    // Both ends stay open.
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn connections_that_fell_silent_give_their_places_back_and_keep_nobody_from_writing() {
    let (line, database) = Line::to(&migrated().await).await;
    let clock = clock();
    let storage = PostgresStorage::open(options(&database, Arc::clone(&clock)))
        .await
        .unwrap();
    let one = OneDatabase {
        database,
        storage,
        clock,
    };
    let organization = one.organization().await;
    let mut looks = Vec::new();
    for _ in 0..4 {
        looks.push(one.storage.look(Reach::Everywhere).await.unwrap());
    }
    line.cut();
    // Whoever used them gives up, as at the end of a request's time.
    drop(looks);
    let agents = one.storage.agents();
    let found = agents.get(Reach::Everywhere, Uuid::nil()).await;
    assert_eq!(found, Ok(None));
    // That took longer than the writer's connection is believed to live without a word.
    one.event(&one.storage, organization).await.unwrap();
}

#[tokio::test]
async fn a_follower_whose_connection_fell_silent_asks_over_another_one() {
    let (line, database) = Line::to(&migrated().await).await;
    let clock = clock();
    let storage = PostgresStorage::open(options(&database, Arc::clone(&clock)))
        .await
        .unwrap();
    let storage: Arc<dyn Storage> = Arc::new(storage);
    let keys = EncryptionKeys::parse(&"5a".repeat(32)).unwrap();
    let secrets = Secrets::new(&keys, Arc::new(SystemRandom)).unwrap();
    let settings = KeySettings {
        algorithm: SigningAlgorithm::Es256,
        ..KeySettings::default()
    };
    let keys = Keys::load(settings, Arc::clone(&storage), secrets, clock.clone()).await;
    let revocation = Revocation::start(storage, clock, Arc::new(keys.unwrap()), Vec::new())
        .await
        .unwrap();
    line.cut_at_a_question();
    let recovered = async {
        while line.waits_for_a_question() || revocation.refresh().await.is_err() {
            let _ = revocation.refresh().await;
        }
    };
    timeout(IN_TIME, recovered).await.expect("it asks again");
    assert_eq!(revocation.ensure_fresh(), Ok(()));
    revocation.stop().await;
}

/// Whoever waits for a lock does so for five seconds.
#[tokio::test]
async fn an_instance_that_stands_still_in_a_transaction_does_not_keep_its_locks_for_long() {
    let storage = PostgresStorage::open(options(&migrated().await, clock()))
        .await
        .unwrap();
    let mut look = storage.look(Reach::Everywhere).await.unwrap();
    let limit: String = sqlx::query_scalar("SHOW idle_in_transaction_session_timeout")
        .fetch_one(&mut *look)
        .await
        .unwrap();
    assert_eq!(limit, "10s");
}
