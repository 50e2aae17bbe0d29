//! What was measured, as a table, as JSON and as a chart.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use serde::Serialize;

use crate::load::Measured;

/// Everything that was measured in a run.
#[derive(Default, Serialize)]
pub struct Report {
    /// At 32 connections: workload, system, the median of the rounds.
    pub under_load: Vec<(String, String, Measured)>,
    /// At one connection.
    pub alone: Vec<(String, String, Measured)>,
    /// Processor time of Roster, in microseconds: workload, in an organization of a thousand, in one of a million.
    pub sizes: Vec<(String, f64, f64)>,
    /// Memory of the server in MiB, and how many WebSockets are open.
    pub sockets: Option<(f64, usize)>,
    /// At twice the rate it can answer: that rate, what was accepted, what was sent away.
    pub overload: Option<(f64, Measured, u64)>,
    /// Every ten seconds of reads and writes together.
    pub mixed: Vec<Measured>,
}

impl Report {
    /// All of it as a Markdown table.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let mut limits: BTreeMap<&str, f64> = BTreeMap::new();
        let mut line = |text_line: String| writeln!(text, "{text_line}").expect("text");
        if !self.under_load.is_empty() {
            line("| workload | system | CPU: server + PostgreSQL | × limit | req/s at 32 | p50, p99 at 32 | p50, p99 alone | memory |".to_owned());
            line("| --- | --- | --- | --- | --- | --- | --- | --- |".to_owned());
        }
        for (workload, system, at) in &self.under_load {
            if system == "limit" {
                limits.insert(workload, at.cpu());
            }
            let ratio = limits
                .get(workload.as_str())
                .map_or_else(|| "–".to_owned(), |limit| format!("{:.1}", at.cpu() / limit));
            let alone = self.alone.iter().find(|(w, s, _)| (w, s) == (workload, system));
            let alone = alone.map_or_else(|| "–".to_owned(), |(_, _, at)| format!("{:.2}, {:.2} ms", at.p50, at.p99));
            let failed = if at.failed > 0 { format!(" ({} failed)", at.failed) } else { String::new() };
            line(format!(
                "| {workload} | {system} | {:.0} + {:.0} = {:.0} µs | {ratio} | {:.0}{failed} | {:.1}, {:.1} ms | {alone} | {:.0} MiB |",
                at.server_cpu,
                at.database_cpu,
                at.cpu(),
                at.rate,
                at.p50,
                at.p99,
                at.memory
            ));
        }
        if !self.sizes.is_empty() {
            line("\n| workload | of 1 000 members | of 1 000 000 | ratio |\n| --- | --- | --- | --- |".to_owned());
        }
        for (workload, small, large) in &self.sizes {
            line(format!("| {workload} | {small:.0} µs | {large:.0} µs | {:.2} |", large / small));
        }
        if let Some((memory, count)) = self.sockets {
            line(format!("\n{count} idle WebSockets: {memory:.0} MiB"));
        }
        if let Some((rate, at, refused)) = &self.overload {
            line(format!(
                "\nAsked {rate:.0} times a second, twice what it can answer: {:.0}/s answered, p50 {:.0} ms, p99 {:.0} ms; {refused} sent away with 503; {:.0} MiB",
                at.rate, at.p50, at.p99, at.memory
            ));
        }
        if let (Some(first), Some(last)) = (self.mixed.first(), self.mixed.last()) {
            let seconds = self.mixed.len() * 10;
            let failed: u64 = self.mixed.iter().map(|at| at.failed).sum();
            let most = |of: fn(&Measured) -> f64| self.mixed.iter().map(of).fold(0.0, f64::max);
            line(format!(
                "\nFour reads to one write for {seconds} s: first {:.0}/s, p99 {:.0} ms, {:.0} MiB; last {:.0}/s, p99 {:.0} ms, {:.0} MiB; worst p99 {:.0} ms, most {:.0} MiB; {failed} failed",
                first.rate,
                first.p99,
                first.memory,
                last.rate,
                last.p99,
                last.memory,
                most(|at| at.p99),
                most(|at| at.memory)
            ));
        }
        text
    }

    /// Processor time of each system for each workload, as bars.
    pub fn chart(&self, workloads: &[&str]) -> String {
        const COLORS: [(&str, &str); 6] = [
            ("limit", "#94a3b8"),
            ("limit-copies", "#cbd5e1"),
            ("roster", "#2563eb"),
            ("mercurius", "#f59e0b"),
            ("postgraphile", "#10b981"),
            ("better-auth", "#ef4444"),
        ];
        let (mut body, mut y) = (String::new(), 16);
        for workload in workloads {
            let bars: Vec<_> = self.under_load.iter().filter(|(of, ..)| of == workload).collect();
            let most = bars.iter().map(|(_, _, at)| at.cpu()).fold(1.0, f64::max);
            writeln!(body, "<text x='8' y='{}' font-weight='600'>{workload}</text>", y + 4).expect("text");
            y += 14;
            for (_, system, at) in bars {
                let color = COLORS.iter().find(|(name, _)| name == system).map_or("#64748b", |(_, color)| color);
                let (server, all) = (at.server_cpu / most * 380.0, at.cpu() / most * 380.0);
                writeln!(body, "<text x='108' y='{}' text-anchor='end'>{system}</text>", y + 11).expect("text");
                writeln!(body, "<rect x='116' y='{y}' width='{all:.1}' height='14' fill='{color}' opacity='0.55'/>")
                    .expect("text");
                writeln!(body, "<rect x='116' y='{y}' width='{server:.1}' height='14' fill='{color}'/>").expect("text");
                writeln!(body, "<text x='{:.1}' y='{}'>{:.0} µs</text>", 122.0 + all, y + 11, at.cpu()).expect("text");
                y += 18;
            }
            y += 18;
        }
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='600' height='{0}' viewBox='0 0 600 {0}' font-family='system-ui, sans-serif' font-size='12'>\n\
             <rect width='600' height='{0}' fill='#ffffff'/>\n{body}<text x='8' y='{1}' fill='#475569'>processor time of a request: the server's, and lighter PostgreSQL's</text>\n</svg>\n",
            y + 16,
            y + 4
        )
    }

    /// Writes `results.json` and `chart.svg` into a folder.
    pub fn write(&self, folder: &Path, workloads: &[&str]) {
        let json = serde_json::to_string_pretty(self).expect("JSON");
        std::fs::write(folder.join("results.json"), json + "\n").expect("the results");
        std::fs::write(folder.join("chart.svg"), self.chart(workloads)).expect("the chart");
        std::fs::write(folder.join("results.md"), self.table()).expect("the table");
    }
}
