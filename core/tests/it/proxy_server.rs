//! A forward proxy for one test: `CONNECT` tunnels and absolute URLs, with or without a password.

use std::{io, sync::Arc};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

/// The proxy. Each head is one connection's first request.
pub struct Proxy {
    pub port: u16,
    heads: watch::Sender<Vec<String>>,
    password: Option<&'static str>,
}

impl Proxy {
    pub async fn start() -> Arc<Self> {
        Self::with(None, None).await
    }

    /// `password` is the credentials in base64; `tls` makes it one that is reached by https.
    pub async fn with(password: Option<&'static str>, tls: Option<Arc<ServerConfig>>) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let proxy = Arc::new(Self {
            port: listener.local_addr().expect("its address").port(),
            heads: watch::Sender::default(),
            password,
        });
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (proxy, tls) = (serving.clone(), tls.clone());
                // How a connection ends is its two sides' business.
                tokio::spawn(async move {
                    match tls {
                        None => proxy.serve(tcp).await,
                        Some(tls) => {
                            let stream = TlsAcceptor::from(tls).accept(tcp).await?;
                            proxy.serve(stream).await
                        }
                    }
                });
            }
        });
        proxy
    }

    pub fn heads(&self) -> Vec<String> {
        self.heads.borrow().clone()
    }

    async fn serve<S>(&self, mut client: S) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await?);
        }
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        self.heads.send_modify(|heads| heads.push(head.clone()));
        let sent = format!(
            "proxy-authorization: Basic {}",
            self.password.unwrap_or_default()
        );
        if self.password.is_some() && !head.lines().any(|line| line.eq_ignore_ascii_case(&sent)) {
            let answer = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
            client.write_all(answer.as_bytes()).await?;
            return client.shutdown().await;
        }
        let mut words = head.split(' ');
        let (method, target) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        if method == "CONNECT" {
            let mut server = TcpStream::connect(target).await?;
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
            copy_bidirectional(&mut client, &mut server).await?;
            return Ok(());
        }
        let place = target.strip_prefix("http://").unwrap_or_default();
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let mut server = TcpStream::connect(authority).await?;
        // What is meant for the proxy stays here.
        let passed: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.to_ascii_lowercase().starts_with("proxy-"))
            .collect();
        let passed = passed.join("\r\n").replacen(target, &format!("/{path}"), 1);
        server.write_all(passed.as_bytes()).await?;
        copy_bidirectional(&mut client, &mut server).await?;
        Ok(())
    }
}
