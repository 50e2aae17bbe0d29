//! PostgreSQL with the data set, and what the workloads need to know of it.

use std::{path::Path, process::Command};

use roster::postgres::{Cluster, Settings};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// PostgreSQL as on a server of its own: what matters on two cores and a data set that fits into memory.
const SETTINGS: [&str; 6] = [
    "shared_buffers = '4GB'",
    "effective_cache_size = '12GB'",
    "work_mem = '16MB'",
    "max_wal_size = '8GB'",
    "random_page_cost = 1.1",
    "jit = off",
];

/// PostgreSQL under way.
pub struct Data {
    cluster: Cluster,
}

impl Data {
    /// Starts it in a folder that keeps the data sets from run to run.
    pub async fn start(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("the folder");
        let settings = Settings::kept(folder.join("postgres"));
        let cluster = Cluster::start(&settings).await.unwrap_or_else(|error| panic!("{error}"));
        let client = connect(&cluster.url("roster")).await;
        for setting in SETTINGS {
            client.batch_execute(&format!("ALTER SYSTEM SET {setting}")).await.expect(setting);
        }
        drop(client);
        cluster.stop().await;
        let cluster = Cluster::start(&settings).await.unwrap_or_else(|error| panic!("{error}"));
        Self { cluster }
    }

    /// The process of all of it.
    pub fn process(&self) -> u32 {
        let file = self.cluster.folder().join("postgres/postmaster.pid");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        text.lines().next().and_then(|line| line.parse().ok()).expect("a process")
    }

    /// The address of a database.
    pub fn url(&self, database: &str) -> String {
        self.cluster.url(database)
    }

    /// The data set of this size, to be read only; made when it is asked for first. Answers its name.
    pub async fn kept(&self, roster: &Path, organizations: u32, members: u32) -> String {
        self.loaded("data", roster, organizations, members).await
    }

    async fn loaded(&self, prefix: &str, roster: &Path, organizations: u32, members: u32) -> String {
        let admin = connect(&self.url("roster")).await;
        let name = format!("{prefix}_{organizations}_{members}");
        let found = admin.query("SELECT FROM pg_database WHERE datname = $1", &[&name]).await.expect("databases");
        if found.is_empty() {
            println!("loading {organizations} organizations, the largest of {members} members …");
            let making = format!("{name}_making");
            admin.batch_execute(&format!("DROP DATABASE IF EXISTS {making}")).await.expect("a database");
            admin.batch_execute(&format!("CREATE DATABASE {making}")).await.expect("a database");
            let (organizations, members) = (organizations.to_string(), members.to_string());
            self.run(roster, &["migrate"], &making);
            self.run(roster, &["demo", "--organizations", &organizations, "--members", &members], &making);
            connect(&self.url(&making)).await.batch_execute("VACUUM (ANALYZE)").await.expect("a vacuum");
            admin.batch_execute(&format!("ALTER DATABASE {making} RENAME TO {name}")).await.expect("a name");
        }
        self.run(roster, &["migrate"], &name);
        name
    }

    /// A fresh copy of it, to be changed.
    pub async fn fresh(&self, roster: &Path, organizations: u32, members: u32) -> String {
        let name = self.kept(roster, organizations, members).await;
        self.copy(&name, "run").await
    }

    /// Two fresh copies of what the older of two builds loads: one for the older, and one for the newer.
    pub async fn twice(&self, older: &Path, newer: &Path, organizations: u32, members: u32) -> [String; 2] {
        let name = self.loaded("before", older, organizations, members).await;
        let copies = [self.copy(&name, "before").await, self.copy(&name, "run").await];
        self.run(newer, &["migrate"], &copies[1]);
        connect(&self.url(&copies[1])).await.batch_execute("VACUUM (ANALYZE)").await.expect("a vacuum");
        copies
    }

    async fn copy(&self, name: &str, suffix: &str) -> String {
        let admin = connect(&self.url("roster")).await;
        let copy = format!("{name}_{suffix}");
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {copy} WITH (FORCE)")).await.expect("a drop");
        let clone = format!("CREATE DATABASE {copy} TEMPLATE {name} STRATEGY file_copy");
        admin.batch_execute(&clone).await.expect("a copy");
        admin.batch_execute("CHECKPOINT").await.expect("a checkpoint");
        copy
    }

    fn run(&self, roster: &Path, arguments: &[&str], database: &str) {
        let mut command = Command::new(roster);
        let done = command.args(arguments).env("DATABASE_URL", self.url(database)).status();
        assert!(done.is_ok_and(|status| status.success()), "{command:?}");
    }

    /// Ends it.
    pub async fn stop(self) {
        self.cluster.stop().await;
    }
}

/// A connection to a database.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap_or_else(|error| panic!("{error}"));
    tokio::spawn(connection);
    client
}

/// An organization, and who owns it.
#[derive(Clone, Debug)]
pub struct Organization {
    /// The organization.
    pub id: Uuid,
    /// Its slug.
    pub slug: String,
    /// Members.
    pub members: i32,
    /// Of the owner.
    pub email: String,
    /// Of the owner.
    pub name: String,
    /// Name and id of the member 90 % deep in the order of names.
    pub deep: (String, Uuid),
}

/// The organization whose number of members is nearest.
pub async fn organization(client: &Client, members: i32) -> Organization {
    let row = client
        .query_one(
            "SELECT o.id, o.slug, o.member_count, u.email, u.display_name FROM organizations o \
             JOIN organization_members m ON m.organization_id = o.id AND m.is_owner JOIN users u ON u.id = m.user_id \
             ORDER BY abs(o.member_count - $1) LIMIT 1",
            &[&members],
        )
        .await
        .expect("an organization");
    let (id, count): (Uuid, i32) = (row.get(0), row.get(2));
    let deep = client
        .query_one(
            "SELECT sort_name, id FROM organization_members WHERE organization_id = $1 ORDER BY sort_name, id OFFSET $2 LIMIT 1",
            &[&id, &i64::from(count / 10 * 9)],
        )
        .await
        .expect("a member");
    Organization {
        id,
        slug: row.get(1),
        members: count,
        email: row.get(3),
        name: row.get(4),
        deep: (deep.get(0), deep.get(1)),
    }
}
