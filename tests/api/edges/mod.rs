//! An edge shows what `node(id:)` shows: a crawler goes along every edge of the schema from every root, as every
//! kind of actor, and what `node(id:)` shows is judged by a table written from the documents.

mod crawl;
mod oracle;
mod schema;
mod stage;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::Arc,
};

use futures_util::{StreamExt, stream};
use tokio::sync::OnceCell;

use self::{
    crawl::{Crawl, crawl},
    oracle::Oracle,
    schema::Schema,
    stage::{Rows, TABLES, Who, World},
};
use crate::support::Roster;

/// Where an edge may show something else than `node(id:)`: actor, what is told of it, and why.
const REASONS: [(&str, &str, &str); 0] = [];
/// Edges that lead nowhere on this stage, and why.
const UNTRODDEN: [(&str, &str); 0] = [];
/// Actors that walk at the same time: each of their requests takes several connections.
const MAX_WALKERS: usize = 2;
/// How many edges lead an actor to what `node(id:)` shows them too, over all actors, and to how many objects.
const LEAST_WALKS: usize = 900;
const LEAST_OBJECTS: usize = 4_000;

/// What one kind of actor found.
struct Found {
    name: &'static str,
    who: Who,
    crawl: Crawl,
}

/// What all found, while the organizations were private and when they were public.
struct Crawled {
    edges: BTreeSet<String>,
    now: chrono::DateTime<chrono::Utc>,
    visibilities: [(&'static str, Rows, Vec<Found>); 2],
}

static CRAWLED: OnceCell<Crawled> = OnceCell::const_new();

async fn crawled() -> &'static Crawled {
    CRAWLED.get_or_init(crawl_all).await
}

async fn crawl_all() -> Crawled {
    let roster = Roster::start_with(|app| {
        app.limits.max_cost = usize::MAX;
        app.limits.max_depth = 100;
        app.limits.request = std::time::Duration::from_mins(5);
    })
    .await;
    let world = World::set(roster).await;
    let roster = &world.roster;
    let rows = world.rows().await;
    let mut schema = Schema::read(&roster.operator()).await;
    schema.values = world.values(&rows).await;
    let (edges, schema) = (schema.edges(), Arc::new(schema));
    let private = crawl_as_all(&world, &schema, &rows).await;
    roster.sql("UPDATE organizations SET visibility = 'PUBLIC'").await;
    let public_rows = world.rows().await;
    let public = crawl_as_all(&world, &schema, &public_rows).await;
    Crawled { edges, now: roster.now(), visibilities: [("private", rows, private), ("public", public_rows, public)] }
}

async fn crawl_as_all(world: &World, schema: &Arc<Schema>, rows: &Rows) -> Vec<Found> {
    let ids = Arc::new(World::ids(rows));
    let walks = stream::iter(&world.walkers).map(|walker| {
        let (schema, ids, actor) = (schema.clone(), ids.clone(), walker.actor.clone());
        let (name, who) = (walker.name, walker.who.clone());
        tokio::spawn(async move { Found { name, who, crawl: crawl(&schema, &actor, &ids).await } })
    });
    walks.buffered(MAX_WALKERS).map(Result::unwrap).collect().await
}

/// What is wrong: for whom, and while the organizations were what.
type Wrong = BTreeMap<String, BTreeMap<&'static str, Vec<&'static str>>>;

fn print(wrong: &Wrong) -> String {
    let mut text = String::new();
    for (what, by) in wrong {
        writeln!(text, "{what}").unwrap();
        let mut together: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (actor, visibilities) in by {
            together.entry(visibilities.join(" and ")).or_default().push(actor);
        }
        for (visibilities, actors) in together {
            writeln!(text, "    {visibilities}: {}", actors.join(", ")).unwrap();
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_shows_what_node_shows() {
    let mut wrong = Wrong::new();
    let mut excused = BTreeSet::new();
    for (visibility, _, found) in &crawled().await.visibilities {
        for Found { name, crawl, .. } in found {
            for violation in &crawl.violations {
                match REASONS.iter().find(|(actor, what, _)| actor == name && what == violation) {
                    Some((actor, what, _)) => _ = excused.insert((*actor, *what)),
                    None => wrong.entry(violation.clone()).or_default().entry(name).or_default().push(visibility),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} times an edge and node(id:) differ:\n{}", wrong.len(), print(&wrong));
    assert_eq!(excused.len(), REASONS.len(), "a reason excuses nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_edge_is_walked() {
    let crawled = crawled().await;
    let found = || crawled.visibilities.iter().flat_map(|(.., found)| found);
    let walks: Vec<(&String, usize)> =
        found().flat_map(|found| &found.crawl.reached).map(|(edge, objects)| (edge, *objects)).collect();
    let walked: BTreeSet<&String> = walks.iter().map(|(edge, _)| *edge).collect();
    let untrodden: Vec<&String> = crawled.edges.iter().filter(|edge| !walked.contains(edge)).collect();
    assert_eq!(untrodden, UNTRODDEN.map(|(edge, _)| edge), "nobody comes to anything by these edges");
    let (walks, objects) = (walks.len(), walks.iter().map(|(_, objects)| objects).sum::<usize>());
    assert!(walks >= LEAST_WALKS, "{walks} edges led an actor to something");
    assert!(objects >= LEAST_OBJECTS, "edges led to {objects} objects");
    let nothing: Vec<&str> = found().filter(|found| found.crawl.shown.is_empty()).map(|found| found.name).collect();
    let ended = ["removed key", "left key", "revoked key"];
    assert_eq!(nothing, [&["anonymous"][..], &ended, &ended].concat(), "these see nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn node_shows_what_the_documents_allow() {
    let crawled = crawled().await;
    let mut wrong = Wrong::new();
    for (visibility, rows, found) in &crawled.visibilities {
        for Found { name, who, crawl } in found {
            let oracle = Oracle { rows, who, now: crawled.now };
            for (what, objects) in oracle.judge(&crawl.shown, &TABLES) {
                let (some, more) = objects.split_at(objects.len().min(3));
                let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
                let what = format!("{what}: {}{more}", some.join(", "));
                wrong.entry(what).or_default().entry(name).or_default().push(visibility);
            }
        }
    }
    assert!(wrong.is_empty(), "node(id:) shows too much or too little {} times:\n{}", wrong.len(), print(&wrong));
}
