//! Clients: so many connections that ask again as soon as they are answered, or as often as they are told to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use crate::cpu::{Usage, usage};

/// The n-th request of a workload, as long as there is one.
pub type Requests = Arc<dyn Fn(u64) -> Option<Request<Full<Bytes>>> + Send + Sync>;

/// What was measured.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Measured {
    /// Requests answered.
    pub requests: u64,
    /// Answers that were no success.
    pub failed: u64,
    /// Successes a second.
    pub rate: f64,
    /// Median of the successes, in milliseconds.
    pub p50: f64,
    /// All but one in a hundred, in milliseconds.
    pub p99: f64,
    /// Processor time of the server for a request, in microseconds.
    pub server_cpu: f64,
    /// That of PostgreSQL.
    pub database_cpu: f64,
    /// Memory of the server, in MiB.
    pub memory: f64,
}

impl Measured {
    /// Processor time of both for a request, in microseconds.
    pub fn cpu(&self) -> f64 {
        self.server_cpu + self.database_cpu
    }
}

/// How to ask.
#[derive(Clone)]
pub struct Load {
    /// Where.
    pub port: u16,
    /// What.
    pub requests: Requests,
    /// Goes on from run to run, so that nothing is asked twice.
    pub counter: Arc<AtomicU64>,
    /// How many clients.
    pub connections: usize,
    /// All of them, a second; as often as they are answered when absent.
    pub rate: Option<f64>,
    /// How long.
    pub time: Duration,
    /// The processes of the server and of PostgreSQL.
    pub processes: [u32; 2],
}

impl Load {
    /// Asks.
    pub async fn run(&self) -> Measured {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        let (begun, before) = (Instant::now(), usage(&self.processes));
        for client in 0..self.connections {
            clients.spawn(self.clone().client(client, stop.clone()));
        }
        let (mut latencies, mut failed) = (Vec::new(), 0);
        let end = tokio::time::sleep(self.time);
        tokio::pin!(end);
        // Over when the time is, or when there is nothing left to ask for.
        loop {
            tokio::select! {
                () = &mut end, if !stop.load(Ordering::Relaxed) => stop.store(true, Ordering::Relaxed),
                done = clients.join_next() => match done {
                    Some(done) => {
                        let (of_client, failures) = done.expect("a client");
                        latencies.extend(of_client);
                        failed += failures;
                    }
                    None => break,
                },
            }
        }
        let (after, elapsed) = (usage(&self.processes), begun.elapsed());
        latencies.sort_unstable();
        measured(&latencies, failed, elapsed, &before, &after)
    }

    async fn client(self, client: usize, stop: Arc<AtomicBool>) -> (Vec<Duration>, u64) {
        let (mut latencies, mut failed) = (Vec::new(), 0);
        let mut sender = connect(self.port).await;
        let pause = self.rate.map(|rate| Duration::from_secs_f64(self.connections as f64 / rate));
        if let Some(pause) = pause {
            tokio::time::sleep(pause.mul_f64(client as f64 / self.connections as f64)).await;
        }
        let mut ticks = pause.map(tokio::time::interval);
        while !stop.load(Ordering::Relaxed) {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            let Some(request) = (self.requests)(self.counter.fetch_add(1, Ordering::Relaxed)) else { break };
            let asked = Instant::now();
            if sender.ready().await.is_err() {
                sender = connect(self.port).await;
            }
            match sender.send_request(request).await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    let body = answer.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                    if succeeded(status, &body) {
                        latencies.push(asked.elapsed());
                    } else {
                        failed += 1;
                    }
                }
                Err(_) => failed += 1,
            }
        }
        (latencies, failed)
    }
}

/// Whether an answer is a success.
pub fn succeeded(status: u16, body: &[u8]) -> bool {
    let has = |part: &[u8]| body.windows(part.len()).any(|at| at == part);
    status == 200 && !has(b"\"errors\"") && !has(b"userErrors\":[{")
}

fn measured(latencies: &[Duration], failed: u64, elapsed: Duration, before: &[Usage], after: &[Usage]) -> Measured {
    let requests = latencies.len() as u64;
    let at = |share: f64| {
        let index = ((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1));
        latencies.get(index).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    };
    let cpu = |index: usize| {
        (after[index].cpu.saturating_sub(before[index].cpu)).as_secs_f64() * 1e6 / requests.max(1) as f64
    };
    Measured {
        requests: requests + failed,
        failed,
        rate: requests as f64 / elapsed.as_secs_f64(),
        p50: at(0.5),
        p99: at(0.99),
        server_cpu: cpu(0),
        database_cpu: cpu(1),
        memory: after[0].memory as f64 / f64::from(1 << 20),
    }
}

async fn connect(port: u16) -> http1::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the server");
    stream.set_nodelay(true).ok();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    sender
}

/// One answer: its status and its body.
pub async fn ask(port: u16, request: Request<Full<Bytes>>) -> (u16, Bytes) {
    let mut sender = connect(port).await;
    let answer = sender.send_request(request).await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.into_body().collect().await.expect("a body").to_bytes())
}
