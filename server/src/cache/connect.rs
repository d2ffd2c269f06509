//! One connection to Redis, from the name of its host to the first answer.

use std::{io, sync::Arc};

use redis::{AsyncConnectionConfig, PushInfo, RedisError, aio::MultiplexedConnection};
use rustls::{ClientConfig, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{Address, CONNECT_TIME_MAX, Cache, keeper::CHANGES};

/// What may wait for the connection at once; more wait for their turn within their own time.
const PIPELINE_COMMANDS_MAX: usize = 1024;

/// A connection that worked when it was made. Closed when the last one lets go of it.
pub(super) struct Link {
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    broken: Notify,
}

/// A new connection, and what Redis says there without being asked.
pub(super) struct Fresh {
    pub link: Arc<Link>,
    pub pushes: mpsc::UnboundedReceiver<PushInfo>,
}

impl Cache {
    /// Connects, authenticates and listens to the other instances, in bounded time.
    pub(super) async fn connect(&self) -> Result<Fresh, RedisError> {
        timeout(CONNECT_TIME_MAX, open(&self.address))
            .await
            .unwrap_or_else(|late| Err(io::Error::from(late).into()))
    }
}

impl Link {
    pub fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// Tells whoever keeps it.
    pub fn break_off(&self) {
        self.broken.notify_one();
    }

    /// Waits until somebody found it of no use.
    pub async fn broken(&self) {
        self.broken.notified().await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn open(address: &Address) -> Result<Fresh, RedisError> {
    let (host, port, tls) = address.endpoint();
    let stream = TcpStream::connect((host, port)).await?;
    // A command is small and somebody waits for it.
    stream.set_nodelay(true)?;
    if tls {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::new(trust()?))
            .connect(name, stream)
            .await?;
        talk(address, stream).await
    } else {
        talk(address, stream).await
    }
}

/// The machine's certificate authorities; the provider is named, so that no other crate's choice counts.
fn trust() -> Result<ClientConfig, RedisError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(io::Error::other)?;
    Ok(config.with_no_client_auth())
}

async fn talk<S>(address: &Address, stream: S) -> Result<Fresh, RedisError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, pushes) = mpsc::unbounded_channel();
    let config = AsyncConnectionConfig::new()
        .set_pipeline_buffer_size(PIPELINE_COMMANDS_MAX)
        // `Cache` has a limit of its own around each command.
        .set_response_timeout(None)
        .set_push_sender(sender);
    let (mut connection, driver) =
        MultiplexedConnection::new_with_config(address.settings(), stream, config).await?;
    let driver = tokio::spawn(driver);
    let link = Link {
        connection: connection.clone(),
        driver,
        broken: Notify::new(),
    };
    connection.subscribe(CHANGES).await?;
    Ok(Fresh {
        link: Arc::new(link),
        pushes,
    })
}
