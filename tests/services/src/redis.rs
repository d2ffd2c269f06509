//! A Redis server that keeps nothing on disk.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    Result, ServiceError,
    keeper::{Keeper, User, free_port},
};

/// How long it may take to come up on a busy machine.
const START_TIME_MAX: Duration = Duration::from_secs(30);

/// A running Redis.
pub struct Redis {
    keeper: Mutex<Keeper>,
    port: u16,
    tls_port: Option<u16>,
}

impl Redis {
    /// Starts one.
    ///
    /// # Errors
    /// It is not installed, or it does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(None)
    }

    /// Starts one that speaks TLS too, with the certificate and the key of these PEM files.
    ///
    /// # Errors
    /// It is not installed, or it does not start.
    pub fn start_with_tls(certificate: &Path, key: &Path) -> Result<Self> {
        Self::start_with(Some((certificate, key)))
    }

    fn start_with(tls: Option<(&Path, &Path)>) -> Result<Self> {
        let program = "redis-server";
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|folder| folder.join(program).exists()) {
            return Err(ServiceError::Missing {
                program: "Redis",
                package: "redis-server",
            });
        }
        let port = free_port()?;
        let mut words: Vec<String> = [program, "--port", &port.to_string(), "--bind", "127.0.0.1"]
            .into_iter()
            .chain(["--save", "", "--appendonly", "no", "--dir", "@"])
            .map(str::to_owned)
            .collect();
        let tls_port = tls.map(|_| free_port()).transpose()?;
        if let (Some((certificate, key)), Some(tls_port)) = (tls, tls_port) {
            let [certificate, key] = [certificate, key].map(|path| path.display().to_string());
            words.extend(["--tls-port".to_owned(), tls_port.to_string()]);
            words.extend(["--tls-cert-file".to_owned(), certificate]);
            words.extend(["--tls-key-file".to_owned(), key]);
            words.extend(["--tls-auth-clients", "no"].map(str::to_owned));
        }
        let mut keeper = Keeper::new("redis", User::ourselves(), "TERM", &words)?;
        keeper.order("start")?;
        let this = Self {
            keeper: Mutex::new(keeper),
            port,
            tls_port,
        };
        this.wait_until_ready()?;
        Ok(this)
    }

    /// `REDIS_URL`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `REDIS_URL` with TLS, when it speaks that.
    pub fn tls_url(&self) -> Option<String> {
        self.tls_port
            .map(|port| format!("rediss://localhost:{port}"))
    }

    /// Its port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it.
    ///
    /// # Errors
    /// The shell that looks after it is gone.
    pub fn kill(&self) -> Result<()> {
        self.order("kill")
    }

    /// Starts it again, empty.
    ///
    /// # Errors
    /// It does not come up.
    pub fn restart(&self) -> Result<()> {
        self.order("start")?;
        self.wait_until_ready()
    }

    fn order(&self, order: &str) -> Result<()> {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        keeper.order(order).map(drop)
    }

    fn wait_until_ready(&self) -> Result<()> {
        let since = Instant::now();
        while !self.answers() {
            if since.elapsed() > START_TIME_MAX {
                let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
                let log = keeper.log();
                return Err(ServiceError::Failed(format!(
                    "Redis does not come up; its log: {log}"
                )));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        let mut answer = [0; 7];
        stream.write_all(b"PING\r\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && &answer == b"+PONG\r\n"
    }
}
