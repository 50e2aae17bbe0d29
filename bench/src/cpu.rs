//! What processes have used, by what the kernel says.

use std::{collections::HashMap, fs, time::Duration};

/// Processor time and memory of a process and all below it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Processor time, that of children that have ended included.
    pub cpu: Duration,
    /// Resident memory, in bytes; what processes share is counted for each.
    pub memory: u64,
}

struct Process {
    parent: u32,
    usage: Usage,
}

/// The usage of each of these and of all below them.
pub fn usage(roots: &[u32]) -> Vec<Usage> {
    let processes = processes();
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for (id, process) in &processes {
        children.entry(process.parent).or_default().push(*id);
    }
    roots
        .iter()
        .map(|root| {
            let mut sum = Usage::default();
            let mut next = vec![*root];
            while let Some(id) = next.pop() {
                if let Some(process) = processes.get(&id) {
                    sum.cpu += process.usage.cpu;
                    sum.memory += process.usage.memory;
                }
                next.extend(children.get(&id).into_iter().flatten());
            }
            sum
        })
        .collect()
}

fn processes() -> HashMap<u32, Process> {
    let ids =
        fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // Behind the name, which may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
        let usage = Usage { cpu: Duration::from_millis(ticks * 10), memory: number(21)? * 4_096 };
        Some((id, Process { parent: u32::try_from(number(1)?).ok()?, usage }))
    })
    .collect()
}
