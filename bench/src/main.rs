//! Roster beside the limit and its peers, in one run: the same machine, the same data, turn by turn.

mod cpu;
mod data;
mod limit;
mod load;
mod mail;
mod report;
mod sockets;
mod systems;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clap::Parser;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    data::{Data, Organization, connect, organization},
    load::{Load, Measured, Requests, ask, succeeded},
    report::Report,
    systems::{Peer, Running, Workload},
};

/// Measures Roster beside the limit and its peers.
#[derive(Parser)]
struct Arguments {
    /// Folder that keeps PostgreSQL and its data sets from run to run.
    #[arg(long, default_value = "../target/bench")]
    folder: PathBuf,
    /// The server to measure.
    #[arg(long, default_value = "../target/release/roster")]
    roster: PathBuf,
    /// An older build, measured turn by turn with the server on the same data, as the system `before`.
    #[arg(long)]
    before: Option<PathBuf>,
    /// Organizations of the data set.
    #[arg(long, default_value_t = 1_000)]
    organizations: u32,
    /// Members of the largest organization.
    #[arg(long, default_value_t = 100_000)]
    members: u32,
    /// Members of the largest organization of the second data set; 0 to leave that out.
    #[arg(long, default_value_t = 1_000_000)]
    many_members: u32,
    /// Only these workloads.
    #[arg(long, value_enum, value_delimiter = ',')]
    workloads: Vec<Workload>,
    /// Only these systems.
    #[arg(long, value_delimiter = ',', default_value = "limit,limit-copies,roster,mercurius,postgraphile,better-auth")]
    systems: Vec<String>,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long each time.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// WebSockets that are open; 0 to leave them and twice the load out.
    #[arg(long, default_value_t = 10_000)]
    sockets: usize,
    /// How long reads and writes are mixed; 0 to leave that out.
    #[arg(long, default_value_t = 600)]
    mixed_seconds: u64,
    /// Where the results are written; nowhere when absent.
    #[arg(long)]
    results: Option<PathBuf>,
    #[arg(long, hide = true)]
    serve_limit: Option<u16>,
    #[arg(long, hide = true)]
    copies: bool,
    #[arg(long, hide = true)]
    url: Option<String>,
}

/// What the chart shows.
const CHART: [Workload; 5] =
    [Workload::Members, Workload::Nested, Workload::SearchRare, Workload::Invite, Workload::Accept];

struct System {
    name: String,
    running: Running,
    operations: Map<String, Value>,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    if let (Some(port), Some(url)) = (arguments.serve_limit, &arguments.url) {
        return limit::serve(url, port, arguments.copies).await;
    }
    let mut bench = Bench {
        data: Data::start(&arguments.folder).await,
        mail: mail::serve().await,
        report: Report::default(),
        arguments,
    };
    bench.compare().await;
    bench.sizes().await;
    bench.pressure().await;
    let report = &bench.report;
    println!("\n{}", report.table());
    if let Some(folder) = &bench.arguments.results {
        report.write(folder, &CHART.map(Workload::name));
    }
    bench.data.stop().await;
}

struct Bench {
    arguments: Arguments,
    data: Data,
    mail: SocketAddr,
    report: Report,
}

impl Bench {
    /// All systems, all workloads, turn by turn.
    async fn compare(&mut self) {
        let arguments = &self.arguments;
        let workloads = match arguments.workloads.as_slice() {
            [] => [&Workload::READS[..], &Workload::WRITES[..]].concat(),
            some => some.to_vec(),
        };
        let (organizations, members) = (arguments.organizations, arguments.members);
        let (older, database) = match &arguments.before {
            Some(before) => {
                let [older, database] = self.data.twice(before, &arguments.roster, organizations, members).await;
                (Some(self.data.url(&older)), database)
            }
            None => (None, self.data.fresh(&arguments.roster, organizations, members).await),
        };
        let url = self.data.url(&database);
        let client = connect(&url).await;
        let of = organization(&client, i32::MAX).await;
        let systems = self.start(&url, older.as_deref(), &of).await;
        for workload in workloads {
            let mut asked = Vec::new();
            for system in &systems {
                let requests = match system.name.as_str() {
                    "limit" => systems::of_limit(workload, &of),
                    "limit-copies" if workload.shows_people() => systems::of_limit(workload, &of),
                    "limit-copies" => None,
                    "roster" | "before" => Some(systems::of_roster(workload, &of, &client, system.running.port).await),
                    _ => systems::of_peer(workload, &system.operations),
                };
                if let Some(requests) = requests {
                    asked.push((system, requests, Arc::new(AtomicU64::new(0))));
                }
            }
            same_answers(workload, &asked).await;
            let mut results = vec![Vec::new(); asked.len()];
            let writes = Workload::WRITES.contains(&workload);
            // The first is for warming up.
            for round in 0..=self.arguments.rounds {
                for ((system, requests, counter), results) in asked.iter().zip(&mut results) {
                    // What can be asked for only so often is asked for less long.
                    let seconds = if round == 0 || writes { 1.0 } else { self.arguments.seconds };
                    let measured =
                        self.load(system.running.port, requests, counter, seconds, &system.running).run().await;
                    if round > 0 {
                        results.push(measured);
                    }
                }
            }
            for ((system, requests, counter), results) in asked.iter().zip(&results) {
                let under_load = median(results);
                let alone =
                    Load { connections: 1, ..self.load(system.running.port, requests, counter, 1.0, &system.running) };
                let alone = alone.run().await;
                println!(
                    "{:<26} {:<13} {:>7.0}/s  server {:>6.0} µs  PostgreSQL {:>6.0} µs  sum {:>6.0} µs  p50 {:>6.2} ms  p99 {:>6.2} ms  {:>4.0} MiB  {} failed",
                    workload.name(),
                    system.name,
                    under_load.rate,
                    under_load.server_cpu,
                    under_load.database_cpu,
                    under_load.cpu(),
                    under_load.p50,
                    under_load.p99,
                    under_load.memory,
                    under_load.failed
                );
                self.report.under_load.push((workload.name().to_owned(), system.name.clone(), under_load));
                if alone.requests > 0 {
                    self.report.alone.push((workload.name().to_owned(), system.name.clone(), alone));
                }
            }
        }
    }

    async fn start(&self, url: &str, older: Option<&str>, of: &Organization) -> Vec<System> {
        let mut systems = Vec::new();
        let names = self.arguments.systems.iter().cloned().chain(older.map(|_| "before".to_owned()));
        for (name, port) in names.zip(7_001..) {
            let (running, operations) = match (name.as_str(), &self.arguments.before, older) {
                ("limit", ..) => (systems::limit(url, port, false), Map::new()),
                ("limit-copies", ..) => (systems::limit(url, port, true), Map::new()),
                ("roster", ..) => (systems::roster(&self.arguments.roster, url, port, self.mail), Map::new()),
                ("before", Some(build), Some(older)) => (systems::roster(build, older, port, self.mail), Map::new()),
                (name, ..) => {
                    let peer = Peer::ALL.into_iter().find(|peer| peer.0 == name);
                    let peer = peer.unwrap_or_else(|| panic!("{name} is no system"));
                    let operations = peer.prepare(url, of);
                    (peer.start(url, port), operations)
                }
            };
            running.ready().await;
            systems.push(System { name, running, operations });
        }
        systems
    }

    fn load(&self, port: u16, requests: &Requests, counter: &Arc<AtomicU64>, seconds: f64, running: &Running) -> Load {
        Load {
            port,
            requests: requests.clone(),
            counter: counter.clone(),
            connections: self.arguments.connections,
            rate: None,
            time: Duration::from_secs_f64(seconds),
            processes: [running.process(), self.data.process()],
        }
    }

    /// The same of an organization of a thousand and of one of a million.
    async fn sizes(&mut self) {
        let arguments = &self.arguments;
        if arguments.many_members == 0 {
            return;
        }
        // Nothing is written but an API key, so that no copy is needed.
        let database = self.data.kept(&arguments.roster, arguments.organizations, arguments.many_members).await;
        let url = self.data.url(&database);
        let client = connect(&url).await;
        let running = systems::roster(&arguments.roster, &url, 7_011, self.mail);
        running.ready().await;
        let organizations = [organization(&client, 1_000).await, organization(&client, i32::MAX).await];
        println!("\norganizations of {} and {} members", organizations[0].members, organizations[1].members);
        for workload in Workload::READS {
            if !arguments.workloads.is_empty() && !arguments.workloads.contains(&workload) {
                continue;
            }
            let mut requests = Vec::new();
            for of in &organizations {
                requests.push(systems::of_roster(workload, of, &client, running.port).await);
            }
            let mut results = vec![Vec::new(); requests.len()];
            for round in 0..=arguments.rounds {
                for (requests, results) in requests.iter().zip(&mut results) {
                    let measured = self.load(running.port, requests, &Arc::default(), 2.0, &running).run().await;
                    assert_eq!(measured.failed, 0, "{}", workload.name());
                    if round > 0 {
                        results.push(measured.cpu());
                    }
                }
            }
            let medians: Vec<f64> = results.iter_mut().map(|results| middle(results)).collect();
            println!(
                "{:<26} {:>6.0} µs {:>6.0} µs  {:.2}",
                workload.name(),
                medians[0],
                medians[1],
                medians[1] / medians[0]
            );
            self.report.sizes.push((workload.name().to_owned(), medians[0], medians[1]));
        }
    }

    /// Many idle WebSockets, twice the load, and reads and writes together for long.
    async fn pressure(&mut self) {
        let (sockets, mixed_seconds) = (self.arguments.sockets, self.arguments.mixed_seconds);
        if sockets == 0 && mixed_seconds == 0 {
            return;
        }
        let arguments = &self.arguments;
        let database = self.data.fresh(&arguments.roster, arguments.organizations, arguments.members).await;
        let url = self.data.url(&database);
        let client = connect(&url).await;
        let of = organization(&client, i32::MAX).await;
        if sockets > 0 {
            let running = systems::roster(&arguments.roster, &url, 7_021, self.mail);
            running.ready().await;
            let held = sockets::open(running.port, &systems::token(&of.email, &of.name), sockets).await;
            let memory = cpu::usage(&[running.process()])[0].memory as f64 / f64::from(1 << 20);
            println!("\n{} idle WebSockets: {memory:.0} MiB", held.len());
            self.report.sockets = Some((memory, held.len()));
        }
        let running = systems::roster(&self.arguments.roster, &url, 7_022, self.mail);
        running.ready().await;
        if mixed_seconds > 0 {
            let requests = systems::mixed(&of, &client, running.port).await;
            let counter = Arc::default();
            for _ in 0..mixed_seconds / 10 {
                let measured = self.load(running.port, &requests, &counter, 10.0, &running).run().await;
                self.report.mixed.push(measured);
            }
        }
        if sockets > 0 {
            let requests = systems::of_roster(Workload::Members, &of, &client, running.port).await;
            let can = self.load(running.port, &requests, &Arc::default(), 5.0, &running).run().await.rate;
            let rate = 2.0 * can;
            let counter = Arc::default();
            let load = Load {
                connections: 1_024,
                rate: Some(rate),
                ..self.load(running.port, &requests, &counter, 10.0, &running)
            };
            let measured = load.run().await;
            println!("\nasked {rate:.0}/s: {measured:?}, {} sent", counter.load(Ordering::Relaxed));
            self.report.overload = Some((rate, measured, measured.failed));
        }
    }
}

/// The measurement with the median rate.
fn median(results: &[Measured]) -> Measured {
    let mut sorted = results.to_vec();
    sorted.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn middle(results: &mut [f64]) -> f64 {
    results.sort_by(f64::total_cmp);
    results.get(results.len() / 2).copied().unwrap_or(f64::NAN)
}

/// All systems answer the same: what is in their answers, in the same order, however they call it.
async fn same_answers(workload: Workload, asked: &[(&System, Requests, Arc<AtomicU64>)]) {
    let mut first: Option<(&str, Vec<Value>)> = None;
    for (system, requests, counter) in asked {
        let request = requests(counter.fetch_add(1, Ordering::Relaxed)).expect("a request");
        let (status, body) = ask(system.running.port, request).await;
        assert!(succeeded(status, &body), "{} {}: {status} {body:?}", system.name, workload.name());
        if !workload.is_compared(&system.name) {
            continue;
        }
        let mut values = Vec::new();
        flatten(serde_json::from_slice(&body).expect("JSON"), &mut values);
        match &first {
            None => first = Some((&system.name, values)),
            Some((name, known)) => {
                assert_eq!(*known, values, "{name} and {} differ on {}", system.name, workload.name())
            }
        }
    }
}

fn flatten(value: Value, values: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.into_iter().for_each(|item| flatten(item, values)),
        Value::Object(fields) => fields.into_iter().for_each(|(_, field)| flatten(field, values)),
        Value::String(text) => values.push(Value::String(plain(&text))),
        other => values.push(other),
    }
}

/// An id of Roster's as the UUID that it is.
fn plain(text: &str) -> String {
    let id = text.split_once('_').filter(|(prefix, _)| prefix.len() == 3);
    id.and_then(|(_, id)| ulid::Ulid::from_string(&id.to_ascii_uppercase()).ok())
        .map_or_else(|| text.to_owned(), |id| Uuid::from_u128(id.0).to_string())
}
