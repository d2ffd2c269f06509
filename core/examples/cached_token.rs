//! How long reading a cached token takes, inline, on a thread without a runtime:
//! `cargo run --release -p sentryagent-idp --example cached_token`.

use std::{
    error::Error,
    hint::black_box,
    io::{Read as _, Write as _},
    net::TcpListener,
    time::Instant,
};

use sentryagent_idp::TokenManager;

const ROUNDS: u32 = 20;
const READS: u32 = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    // Answers the one request that the whole run makes.
    let server = std::thread::spawn(move || -> std::io::Result<()> {
        let (mut socket, _) = listener.accept()?;
        let mut seen = [0; 4096];
        let _ = socket.read(&mut seen)?;
        // As long as a token signed with RS256 is.
        let token = "x".repeat(900);
        let body = format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3600,"scope":""}}"#
        );
        let length = body.len();
        write!(
            socket,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    });
    let manager = TokenManager::new(url, "client", "secret", "agents:read")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(manager.get_token())?;
    drop(runtime);
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..READS {
            black_box(manager.cached_token().ok_or("the token is gone")?);
        }
        times.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(READS));
    }
    times.sort_by(f64::total_cmp);
    println!(
        "a cached token: {:.0} ns (median of {ROUNDS} x {READS} reads)",
        times[times.len() / 2]
    );
    server.join().map_err(|_| "the server panicked")??;
    Ok(())
}
