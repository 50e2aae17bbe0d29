//! `roster demo`: a large data set that is the same at every run, for benchmarks and for looking around.

mod bulk;
mod fixed;
mod insert;
mod invitations;
mod names;
mod organization;
mod people;
mod plan;

use std::{ops::RangeInclusive, rc::Rc, time::Duration};

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::ExposeSecret;

use self::{
    insert::Row,
    names::Names,
    organization::Organization,
    people::People,
    plan::{MEMBERS, ORGANIZATIONS, Plan},
};
use super::Failure;
use crate::{
    config::Demo,
    error::Error,
    store::{
        Connection,
        connect::ConnectionUrl,
        database::{self, Database},
    },
};

/// Rows of one statement.
const BATCH: usize = 8192;

/// Loads the data set and says what there is then.
pub async fn run(demo: &Demo) -> Result<(), Failure> {
    let url = ConnectionUrl::parse(demo.database.database_url.expose_secret())
        .map_err(|why| Failure::Usage(format!("DATABASE_URL: {why}")))?;
    println!("{}", load(&url, demo.organizations, demo.members).await?);
    Ok(())
}

/// Loads the data set into a database that is migrated and has no organizations: all of it, or nothing when
/// that fails. Tells what there is.
pub async fn load(url: &ConnectionUrl, organizations: u32, members: u32) -> Result<String, Failure> {
    check("--organizations", organizations, &ORGANIZATIONS)?;
    check("--members", members, &MEMBERS)?;
    match database::is_migrated(url).await {
        Ok(true) => {}
        Ok(false) => {
            return Err(Failure::failed("The database is not at the newest version; run `roster migrate` first."));
        }
        Err(error) => return Err(Failure::failed(format!("The database cannot be used: {error:?}"))),
    }
    let plan = Plan::new(organizations, members);
    let people = People { count: plan.people, names: Names::new() };

    let database = Database::open(url, 1);
    let mut conn = database.begin().await.map_err(failed)?;
    fill(&mut conn, &plan, &people).await?;
    database::commit(&mut conn).await.map_err(failed)?;
    let analyzed = bulk::analyze(&mut conn).await;
    analyzed
        .map_err(|error| Failure::failed(format!("The data set is there, but could not be analyzed: {error:?}")))?;
    made(&plan, &people)
}

fn check(flag: &str, value: u32, allowed: &RangeInclusive<u32>) -> Result<(), Failure> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(Failure::Usage(format!("{flag} is a number from {} to {}.", allowed.start(), allowed.end())))
}

fn failed(error: impl Into<Error>) -> Failure {
    let error = error.into();
    Failure::failed(format!("The data set could not be loaded, and nothing of it is there: {error:?}"))
}

/// Fills all tables, in the transaction that is open.
async fn fill(conn: &mut Connection, plan: &Plan, people: &People) -> Result<(), Failure> {
    let Some(indexes) = bulk::prepare(conn).await.map_err(failed)? else {
        return Err(Failure::failed("The database has organizations already; the data set needs one without."));
    };
    let organizations = || plan.organizations.iter().map(|size| Rc::new(Organization::new(*size, people)));
    let mut tables = Tables { conn: &mut *conn, bar: progress(plan.rows(), "rows") };
    tables.add((0..people.count).map(|index| people.user(index))).await?;
    tables.add(organizations().map(|of| Ok(of.row()))).await?;
    tables.add(organizations().map(|of| Ok(of.slug_row()))).await?;
    tables.add(organizations().flat_map(|of| of.role_rows()).map(Ok)).await?;
    tables.add(organizations().map(|of| Ok(of.event()))).await?;
    tables.add(organizations().flat_map(|of| (0..of.size.members).map(move |index| of.member(index)))).await?;
    tables.add(organizations().flat_map(|of| (0..of.size.projects).map(move |index| Ok(of.project(index))))).await?;
    let project_members =
        organizations().flat_map(|of| (0..of.size.projects).flat_map(move |index| of.clone().project_members(index)));
    tables.add(project_members).await?;
    tables.add(organizations().flat_map(|of| (0..of.size.invitations).map(move |index| of.invitation(index)))).await?;
    let grants = organizations().flat_map(|of| (0..of.size.invitations).flat_map(move |index| of.grants(index)));
    tables.add(grants.map(Ok)).await?;
    let mails = organizations().flat_map(|of| (0..of.size.invitations).flat_map(move |index| of.mails(index)));
    tables.add(mails.map(Ok)).await?;
    tables.bar.finish();

    let bar = progress(indexes.len() as u64, "indexes and references");
    for index in bar.wrap_iter(indexes.iter()) {
        conn.batch_execute(index).await.map_err(failed)?;
    }
    Ok(())
}

/// The tables while they are filled.
struct Tables<'a> {
    conn: &'a mut Connection,
    bar: ProgressBar,
}

impl Tables<'_> {
    /// Adds rows to their table.
    async fn add<T: Row>(&mut self, mut rows: impl Iterator<Item = Result<T, Failure>>) -> Result<(), Failure> {
        loop {
            let batch: Vec<T> = rows.by_ref().take(BATCH).collect::<Result<_, _>>()?;
            if batch.is_empty() {
                return Ok(());
            }
            T::insert(&batch).execute(self.conn).await.map_err(failed)?;
            self.bar.inc(batch.len() as u64);
        }
    }
}

/// Shown on a terminal only.
fn progress(len: u64, of: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} {msg}, {elapsed}");
    let bar = ProgressBar::new(len).with_style(style.unwrap_or_else(|_error| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_message(of)
}

/// What there is now.
fn made(plan: &Plan, people: &People) -> Result<String, Failure> {
    let largest = Organization::new(plan.largest, people);
    Ok(format!(
        "Loaded {} organizations, {} people, {} memberships, {} projects and {} invitations.\n\
         The largest organization is {} with {} members; {} owns it.",
        plan.organizations.len(),
        plan.people,
        plan.members(),
        plan.projects(),
        plan.invitations(),
        largest.slug,
        largest.size.members,
        largest.email(0)?,
    ))
}
