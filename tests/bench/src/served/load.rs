//! The generator of load: a process of its own with one thread, which obeys orders of one line.
//!
//! At full load every connection sends its next request when the answer to its last has come. At a given rate every
//! request has a time at which it is due, and its latency counts from there: a server that stalls cannot hide the
//! requests that would have come meanwhile.

use std::{
    cell::RefCell,
    io::{BufRead as _, Write as _},
    rc::Rc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::LocalSet,
};

use super::http;
use crate::{
    Result,
    machine::{self, Who},
};

/// Stands in a request for a number that is another one each time.
pub const NUMBER: &str = "@@@@@@@@";

/// What to send, and for how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub port: u16,
    /// Sent in turns.
    pub requests: Vec<String>,
    /// The status that every answer must have.
    pub status: u16,
    /// What every answer must hold.
    pub mark: String,
    pub connections: u32,
    pub until: Until,
    /// Requests a second; none: as many as there are answers.
    pub rate: Option<f64>,
}

/// When a turn is over.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Until {
    Seconds(f64),
    Calls(u64),
}

/// What came of it. An answer that is not the wanted one ends the generator: a failure has no rate.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Taken {
    pub calls: u64,
    pub seconds: f64,
    /// CPU seconds of the generator.
    pub cpu: f64,
    /// Milliseconds.
    pub p50: f64,
    pub p99: f64,
}

/// Obeys until the orders end.
pub fn obey() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for line in std::io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let taken = LocalSet::new().block_on(&runtime, turn(order))?;
        println!("{}", serde_json::to_string(&taken)?);
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// What all connections of a turn share.
struct Turn {
    order: Order,
    began: Instant,
    next: u64,
    latencies: Vec<u32>,
}

impl Turn {
    /// The number of the next request and when it is due; none when the turn is over.
    fn next(&mut self) -> Option<(u64, Option<Instant>)> {
        let number = self.next;
        let due = self
            .order
            .rate
            .map(|rate| self.began + Duration::from_secs_f64(number as f64 / rate));
        let over = match self.order.until {
            Until::Calls(calls) => number >= calls,
            Until::Seconds(seconds) => {
                let now = due.unwrap_or_else(Instant::now);
                now.duration_since(self.began).as_secs_f64() >= seconds
            }
        };
        self.next += u64::from(!over);
        (!over).then_some((number, due))
    }
}

async fn turn(order: Order) -> Result<Taken> {
    let mut connections = Vec::new();
    for _ in 0..order.connections {
        let stream = TcpStream::connect(("127.0.0.1", order.port)).await?;
        stream.set_nodelay(true)?;
        connections.push(stream);
    }
    let before = machine::cpu_seconds(Who::This);
    let began = Instant::now();
    let turn = Rc::new(RefCell::new(Turn {
        order,
        began,
        next: 0,
        latencies: Vec::new(),
    }));
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|stream| tokio::task::spawn_local(connection(stream, Rc::clone(&turn))))
        .collect();
    for task in tasks {
        task.await??;
    }
    let seconds = began.elapsed().as_secs_f64();
    let cpu = machine::cpu_seconds(Who::This) - before;
    let mut latencies = std::mem::take(&mut turn.borrow_mut().latencies);
    latencies.sort_unstable();
    let at = |part: f64| {
        let place = (latencies.len() as f64 * part) as usize;
        let found = latencies.get(place.min(latencies.len().saturating_sub(1)));
        f64::from(found.copied().unwrap_or_default()) / 1e3
    };
    Ok(Taken {
        calls: latencies.len() as u64,
        seconds,
        cpu,
        p50: at(0.5),
        p99: at(0.99),
    })
}

/// A request as it is sent, and where its number stands.
struct Ready {
    bytes: Vec<u8>,
    place: Option<usize>,
}

impl Ready {
    fn of(text: &str) -> Self {
        Self {
            bytes: text.as_bytes().to_vec(),
            place: text.find(NUMBER),
        }
    }

    fn number(&mut self, number: u64) {
        let width = NUMBER.len();
        if let Some(place) = self.place {
            self.bytes[place..place + width]
                .copy_from_slice(format!("{number:0width$}").as_bytes());
        }
    }
}

async fn connection(mut stream: TcpStream, turn: Rc<RefCell<Turn>>) -> Result<()> {
    let (mut requests, status, mark) = {
        let order = &turn.borrow().order;
        let ready: Vec<_> = order.requests.iter().map(|text| Ready::of(text)).collect();
        (ready, order.status, order.mark.clone().into_bytes())
    };
    let count = requests.len() as u64;
    let mut answer = Vec::with_capacity(16 * 1024);
    loop {
        let Some((number, due)) = turn.borrow_mut().next() else {
            return Ok(());
        };
        let request = &mut requests[(number % count) as usize];
        request.number(number);
        if let Some(due) = due {
            tokio::time::sleep_until(due.into()).await;
        }
        let since = due.unwrap_or_else(Instant::now);
        stream.write_all(&request.bytes).await?;
        read(&mut stream, &mut answer, status, &mark).await?;
        let micros = u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX);
        turn.borrow_mut().latencies.push(micros);
    }
}

async fn read(
    stream: &mut TcpStream,
    answer: &mut Vec<u8>,
    status: u16,
    mark: &[u8],
) -> Result<()> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err("the server closed a connection".into());
        }
        let Some(head) = http::head(answer)? else {
            continue;
        };
        if answer.len() < head.body_at + head.length {
            continue;
        }
        let body = &answer[head.body_at..];
        let marked = body.windows(mark.len()).any(|window| window == mark);
        if head.status == status && marked {
            return Ok(());
        }
        let text = String::from_utf8_lossy(body);
        return Err(format!("an answer of {}: {text}", head.status).into());
    }
}
