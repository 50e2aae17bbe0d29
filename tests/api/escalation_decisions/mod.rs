//! A search for escalation over the decisions: whether a person and an accomplice can come to more than both were given.
//!
//! Organizations are made from seeds; in each, sequences of up to three moves are tried of a person P, their
//! accomplice A, and the API keys whose secrets they know. What decides are the functions that the server itself asks,
//! on rows as it loads them. After each move the permissions of P, of A and of the keys together, in the organization and
//! in each project, have to be among those that all of these held at the beginning; so has the right to manage the team.
//! What invitations of others promise them counts as held. In a second search the owner does something in between, such
//! as demoting P: then the bound is what P and A hold after that.
//!
//! Every move is tried in every world that is reached; of the new worlds of each length, so many go on as
//! `ESCALATION_MOST` says, and the search tells in how many organizations some did not. With a number that leaves none
//! out, all sequences are tried, which takes some 15 s for one organization.
//!
//! `ESCALATION_STATES` is the number of organizations, `ESCALATION_SEED` one of them. Hours of it:
//! `ESCALATION_STATES=100000 cargo test --test api escalation_decisions -- --nocapture`.

mod actors;
mod attempt;
mod generate;
mod moves;
mod rules;
mod world;

use std::{
    collections::{HashMap, HashSet},
    fmt::Write,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use roster::{
    access::{Policy, catalogue},
    domain::{invitation::InvitationStatus, role::RoleScope},
};

use actors::Rights;
use attempt::{Outcome, Quick, Stage};
use generate::Dice;
use moves::{KINDS, Move};
use rules::Rules;
use world::{A, By, OWNER, P, Readable, World, email, fingerprint, name};

/// The operator's own permissions, of both levels.
const CATALOGUE: &str = r#"
[[permission]]
key = "billing.view"
scope = "organization"
name = "View bills"
description = "See what was paid."
group = "Billing"
roles = ["admin"]

[[permission]]
key = "dataset.read"
scope = "project"
name = "Read datasets"
description = "Open datasets."
group = "Datasets"
roles = ["admin", "member", "viewer"]

[[permission]]
key = "dataset.write"
scope = "project"
name = "Write datasets"
description = "Create and change datasets."
group = "Datasets"
roles = ["admin", "member"]
"#;

/// Organizations that are searched without being asked for more.
const USUAL: u64 = 40;
/// Most worlds of each length from which the sequences of an organization go on, unless `ESCALATION_MOST` asks for more.
const MOST: usize = 12;
/// Moves of P, A and their keys in a sequence.
const LENGTH: usize = 3;

/// Moves of who makes them, from the first on.
type Path = Vec<(By, Move)>;

/// What a search has found in one or more organizations.
#[derive(Default)]
struct Found {
    worlds: u64,
    sequences: u64,
    distinct: u64,
    /// Searches in which not every world went on.
    cut: u64,
    counts: Vec<[u64; 2]>,
    /// Each with its seed and in words, the shortest sequences first.
    escalations: Vec<(usize, String)>,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.sequences += other.sequences;
        self.distinct += other.distinct;
        self.cut += other.cut;
        self.counts.resize(KINDS.len(), [0; 2]);
        for (mine, more) in self.counts.iter_mut().zip(other.counts) {
            mine[0] += more[0];
            mine[1] += more[1];
        }
        self.escalations.extend(other.escalations);
        self.escalations.sort_by_key(|(length, _)| *length);
    }

    fn told(&self) -> String {
        let (worlds, sequences, distinct) = (self.worlds, self.sequences, self.distinct);
        let escalations = self.escalations.len();
        let cut = if self.cut == 0 { String::new() } else { format!("; {} searches were cut", self.cut) };
        format!(
            "{worlds} worlds, {sequences} sequences of up to {LENGTH} moves ({distinct} distinct), {escalations} escalations{cut}"
        )
    }
}

/// The search in the organization of one seed.
struct Search<'a> {
    stage: &'a Stage<'a>,
    start: World,
    seed: u64,
    singles: [u8; 2],
    /// Most worlds of each length that go on.
    most: usize,
    found: Found,
}

/// A world with how it was reached: from which of those before, by whom, by what; and where one comes from it.
struct Node {
    world: World,
    print: u64,
    from: Option<(usize, By, Move)>,
    next: Vec<u64>,
}

fn path_to(nodes: &[Node], mut place: usize) -> Path {
    let mut path = Path::new();
    while let Some((from, by, what)) = nodes[place].from {
        path.push((by, what));
        place = from;
    }
    path.reverse();
    path
}

/// Where a search begins: the world, the moves that led there, and what P and A may hold at most.
struct Root {
    world: World,
    path: Path,
    bound: Rights,
}

impl Search<'_> {
    /// P, A and the keys whose secrets they know, as far as these let them in.
    fn actors(&self, world: &World) -> Vec<By> {
        let keys = world.keys().filter(|(_, key)| key.is_known).map(|(number, _)| By::Key(number));
        let let_in = |by: &By| matches!(by, By::Person(_)) || self.stage.actor(world, *by).is_let_in();
        [By::Person(P), By::Person(A)].into_iter().chain(keys).filter(let_in).collect()
    }

    /// What all of them hold.
    fn rights(&self, world: &World) -> Rights {
        let all = self.actors(world).into_iter().map(|by| self.stage.actor(world, by).rights);
        all.fold(Rights::default(), Rights::union)
    }

    fn is_theirs(world: &World, by: By) -> bool {
        match by {
            By::Person(number) => number == P || number == A,
            By::Key(number) => world.keys[usize::from(number)].is_known,
        }
    }

    /// Whether an address is P's or A's, as far as an identity provider vouches for it.
    fn is_address_theirs(&self, address: u8) -> bool {
        [P, A].into_iter().any(|person| {
            let user = self.stage.base.user(person);
            user.email_verified && user.email.get() == Some(&email(address))
        })
    }

    /// What they would hold if they accepted all that others had invited them to at the beginning and that still stands.
    fn promised(&self, world: &World) -> Rights {
        let mut rights = Rights::default();
        let all = world.invites.iter().zip(&self.start.invites).enumerate();
        let pending = all.filter(|(_, (invite, _))| invite.status == InvitationStatus::Pending);
        for (place, (invite, first)) in pending {
            let mut given = world.clone();
            let promise = &mut given.invites[place];
            let is_others = |added: Option<By>| !Self::is_theirs(world, added.unwrap_or(invite.by));
            for grant in &mut promise.grants {
                *grant = grant.filter(|grant| is_others(grant.added));
            }
            let of_others = first.team.filter(|(_, added)| is_others(*added));
            promise.team = promise.team.and(of_others);
            promise.in_team = promise.in_team.and(of_others.map(|(role, _)| role));
            for person in [P, A] {
                let number = u8::try_from(place).unwrap();
                let mut given = given.clone();
                // Whoever leaves a project or the team first comes back as the invitation has it.
                given.in_project.iter_mut().for_each(|members| members[usize::from(person)] = None);
                given.in_team[usize::from(person)] = None;
                let actor = self.stage.actor(&given, By::Person(person));
                let answer = Move::Accept { invite: number };
                if let Outcome::Changed(after, _) = self.stage.attempt((&given, given.fingerprint()), &actor, answer) {
                    rights = rights.union(self.stage.actor(&after, By::Person(person)).rights);
                }
            }
        }
        rights
    }

    /// What they may hold after the owner did something: what both are as persons, the keys of others, and what they are
    /// promised.
    fn bound_after(&self, world: &World) -> Rights {
        let persons = [P, A].map(|person| self.stage.actor(world, By::Person(person)).rights);
        let others = self.of_others(world).union(self.promised(world));
        persons.into_iter().fold(others, Rights::union)
    }

    /// What the keys hold that others answer for and that did not end.
    fn of_others(&self, world: &World) -> Rights {
        let mut rights = Rights::default();
        for (number, key) in world.keys().filter(|(_, key)| key.is_known) {
            let is_others = key.responsible.is_none_or(|person| person != P && person != A);
            let mut line = vec![number];
            while let Some(parent) = line.last().and_then(|last| world.keys[usize::from(*last)].parent) {
                line.push(parent);
            }
            let has_ended = line.iter().any(|key| !world.is_active(&world.keys[usize::from(*key)]));
            // What was made by a key does not outlive it, whether or not that is noted. The owner may take keys over.
            let is_made = usize::from(number) >= self.start.keys.len() && key.responsible != Some(OWNER);
            if is_others && !has_ended && !is_made {
                rights = rights.union(self.stage.actor(world, By::Key(number)).rights);
            }
        }
        rights
    }

    /// Judges a world.
    fn judge(&mut self, world: &World, bound: Rights, path: impl FnOnce() -> Path) {
        let rights = self.rights(world);
        if bound.covers(rights) {
            return;
        }
        let path = path();
        let policy = &self.stage.base.policy;
        let mut text = format!("ESCALATION_SEED={}\n", self.seed);
        let start = Readable(self.stage.base, &self.start, &self.stage.lists.borrow()).to_string();
        text.push_str(&start);
        for (by, what) in &path {
            let who = match by {
                By::Person(number) => name(*number).to_owned(),
                By::Key(number) => format!("key {number}"),
            };
            writeln!(text, "  → {who}: {what:?}").unwrap();
        }
        let places = ["the organization", "project 0", "project 1"];
        for (place, (now, most)) in places.into_iter().zip(rights.sets.into_iter().zip(bound.sets)) {
            let more: Vec<&str> = policy.held(now.without(most)).map(|held| held.key.as_ref()).collect();
            if !more.is_empty() {
                writeln!(text, "  more in {place}: {}", more.join(" ")).unwrap();
            }
        }
        if rights.is_inside && !bound.is_inside {
            writeln!(text, "  sees what all members see").unwrap();
        }
        if rights.leads && !bound.leads {
            text.push_str("  more: the team's members\n");
        }
        self.found.escalations.push((path.len(), text));
    }

    /// All sequences of up to `length` moves from here, in breadth, so that every world is met by its shortest sequence.
    /// Of each length no more than `most` worlds go on, those with the least fingerprints.
    fn explore(&mut self, root: Root, length: usize, most: usize) {
        let mut is_cut = false;
        let mut seen: HashSet<u64, Quick> = HashSet::from_iter([root.world.fingerprint()]);
        let mut nodes = vec![Node { print: root.world.fingerprint(), world: root.world, from: None, next: Vec::new() }];
        let mut layer = vec![0];
        for step in 1..=length {
            if layer.len() > most {
                layer.sort_by_key(|place: &usize| nodes[*place].print);
                layer.truncate(most);
                is_cut = true;
            }
            let before = nodes.len();
            for place in layer {
                let (world, print) = (nodes[place].world.clone(), nodes[place].print);
                for by in self.actors(&world) {
                    let actor = self.stage.actor(&world, by);
                    for what in moves::of(&world, by, self.singles) {
                        let outcome = self.stage.attempt((&world, print), &actor, what);
                        let Outcome::Changed(after, print) = outcome else { continue };
                        nodes[place].next.push(print);
                        if !seen.insert(print) {
                            continue;
                        }
                        self.judge(&after, root.bound, || {
                            let moves = path_to(&nodes, place).into_iter().chain([(by, what)]);
                            root.path.iter().copied().chain(moves).collect()
                        });
                        if step < length {
                            nodes.push(Node { world: after, print, from: Some((place, by, what)), next: Vec::new() });
                        }
                    }
                }
            }
            layer = (before..nodes.len()).collect();
        }
        // How many sequences these stand for: those of length n from a world are those of length n - 1 from the next.
        let places: HashMap<u64, usize, Quick> =
            nodes.iter().enumerate().map(|(place, node)| (node.print, place)).collect();
        let mut ways: Vec<u64> = vec![1; nodes.len()];
        for _ in 0..length {
            let onward = |print: &u64| places.get(print).map_or(1, |place| ways[*place]);
            let longer: Vec<u64> = nodes.iter().map(|node| 1 + node.next.iter().map(onward).sum::<u64>()).collect();
            ways = longer;
        }
        self.found.cut += u64::from(is_cut);
        self.found.sequences += ways[0] - 1;
        self.found.distinct += seen.len() as u64 - 1;
    }

    /// The first search: nobody else does anything.
    fn alone(&mut self) {
        let world = self.start.clone();
        let bound = self.rights(&world).union(self.promised(&world));
        self.explore(Root { world, path: Path::new(), bound }, LENGTH, self.most);
    }

    /// The second search: the owner does something first, or after a first move.
    fn with_the_owner(&mut self) {
        let world = self.start.clone();
        let bound = self.rights(&world).union(self.promised(&world));
        let mut roots = vec![(world.clone(), Path::new(), LENGTH - 1)];
        let mut seen: HashSet<(u64, u64), Quick> = HashSet::from_iter([(world.fingerprint(), 0)]);
        let print = world.fingerprint();
        for by in self.actors(&world) {
            let actor = self.stage.actor(&world, by);
            for what in moves::of(&world, by, self.singles) {
                let Outcome::Changed(after, print) = self.stage.attempt((&world, print), &actor, what) else {
                    continue;
                };
                if seen.insert((print, 0)) {
                    roots.push((after, vec![(by, what)], 1));
                }
            }
        }
        let mut after = Vec::new();
        for (before, path, length) in roots {
            for what in moves::of_the_owner(&before, |address| self.is_address_theirs(address)) {
                let owner = self.stage.actor(&before, By::Person(OWNER));
                let outcome = self.stage.attempt((&before, before.fingerprint()), &owner, what);
                let Outcome::Changed(world, print) = outcome else { continue };
                let bound = match what {
                    // What goes to the address of another does not go to P and A, but perhaps to who answers for a key.
                    Move::Invite { .. } | Move::ProjectInvite { .. } => bound.union(self.of_others(&world)),
                    _ => self.bound_after(&world),
                };
                let held =
                    bound.sets.map(|set| self.stage.base.policy.held(set).map(|held| &*held.key).collect::<Vec<_>>());
                if !seen.insert((print, fingerprint(&(held, bound.leads, bound.is_inside, length)))) {
                    continue;
                }
                let path: Path = path.iter().copied().chain([(By::Person(OWNER), what)]).collect();
                self.judge(&world, bound, || path.clone());
                after.push((print, Root { world, path, bound }, length));
            }
        }
        if after.len() > self.most {
            after.sort_by_key(|(print, ..)| *print);
            after.truncate(self.most);
            self.found.cut += 1;
        }
        let most = self.most.isqrt();
        for (_, root, length) in after {
            self.explore(root, length, most);
        }
    }
}

/// Searches the organization of a seed.
fn search(policy: &Arc<Policy>, rules: &Rules, seed: u64, with_the_owner: bool, most: usize) -> Found {
    let mut dice = Dice::new(seed);
    let base = generate::base(policy, &mut dice);
    let stage = Stage::new(&base, rules);
    let start = generate::world(&stage, &mut dice);
    let of_scope = |scope| policy.definitions().filter(|definition| definition.scope == scope).count();
    let singles = [RoleScope::Organization, RoleScope::Project].map(|scope| u8::try_from(of_scope(scope)).unwrap());
    let mut search =
        Search { stage: &stage, start, seed, singles, most, found: Found { worlds: 1, ..Found::default() } };
    if with_the_owner {
        search.with_the_owner();
    } else {
        search.alone();
    }
    search.found.counts = stage.counts.borrow().to_vec();
    search.found
}

/// Searches the organizations of these seeds, on as many threads as there are processors, until something is found if
/// that is all that is wanted.
fn search_all(rules: &Rules, seeds: Range<u64>, with_the_owner: bool, is_first_enough: bool, most: usize) -> Found {
    let policy = Arc::new(Policy::with_own(catalogue::read(CATALOGUE).unwrap()));
    let (next, found) = (AtomicU64::new(seeds.start), Mutex::new(Found::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || is_first_enough && !found.lock().unwrap().escalations.is_empty() {
                        return;
                    }
                    let more = search(&policy, rules, seed, with_the_owner, most);
                    found.lock().unwrap().add(more);
                }
            });
        }
    });
    found.into_inner().unwrap()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// Most worlds of each length that go on.
fn most() -> usize {
    number("ESCALATION_MOST").map_or(MOST, |most| usize::try_from(most).unwrap())
}

fn seeds() -> Range<u64> {
    match number("ESCALATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("ESCALATION_STATES").unwrap_or(USUAL),
    }
}

/// Fails with the shortest sequence of each of the first organizations.
fn assert_none(found: &Found) {
    let mut told: Vec<&str> = Vec::new();
    for (_, text) in &found.escalations {
        let seed = text.lines().next().unwrap();
        if !told.iter().any(|known| known.starts_with(seed)) {
            told.push(text);
        }
    }
    told.truncate(5);
    assert!(found.escalations.is_empty(), "{}\n{}", found.told(), told.join("\n"));
}

#[test]
fn nobody_comes_to_more_than_they_were_given() {
    let found = search_all(&rules::OF_THE_SERVER, seeds(), false, false, most());
    println!("decisions: {}", found.told());
    assert_none(&found);
    if found.worlds < USUAL {
        return;
    }
    let per_world = found.sequences / found.worlds;
    assert!(per_world > 1_000, "{per_world} sequences in a world");
    for (kind, [allowed, refused]) in KINDS.iter().zip(&found.counts).filter(|(kind, _)| **kind != "wait") {
        assert!(*allowed > 0 && *refused > 0, "{kind}: {allowed} times allowed, {refused} times refused");
    }
}

#[test]
fn nobody_keeps_what_the_owner_took() {
    let found = search_all(&rules::OF_THE_SERVER, seeds(), true, false, most());
    println!("decisions with the owner in between: {}", found.told());
    assert_none(&found);
}

/// With each decision put back to what it was, the search finds what it let through, in organizations in which the
/// decisions of the server let nothing through. These are noted by their seeds; with `ESCALATION_STATES` they are looked
/// for again, which takes minutes.
#[test]
fn the_faults_that_there_were_are_found() {
    // Each with whether the owner does something in between, with the seed, and with how many worlds have to go on.
    let faults = [
        ("A1: a claim names", rules::CLAIMS_NAME, true, 6, MOST),
        ("A3: plain roles are free", rules::PLAIN_ROLES_ARE_FREE, false, 1, MOST),
        ("A4: keys keep", rules::KEYS_KEEP, true, 1, MOST),
        ("A9: ended invitations become Member", rules::ENDED_BECOME_MEMBER, true, 25_242, 5_000),
        ("A9: teams stand", rules::TEAMS_STAND, true, 1_233, MOST),
    ];
    for (name, rules, with_the_owner, seed, needed) in faults {
        let (seeds, most) = match number("ESCALATION_STATES") {
            Some(states) => (0..states, most()),
            None => (seed..seed + 1, needed),
        };
        let found = search_all(&rules, seeds.clone(), with_the_owner, true, most);
        let first = found.escalations.first();
        let (length, text) = first.unwrap_or_else(|| panic!("{name} was not found"));
        println!("{name}: found in {} organizations, by {length} moves:\n{text}", found.worlds);
        if number("ESCALATION_STATES").is_none() {
            assert_none(&search_all(&rules::OF_THE_SERVER, seeds, with_the_owner, false, most));
        }
    }
}
