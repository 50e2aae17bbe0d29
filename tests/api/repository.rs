//! What the repository promises about itself: generated files are current, migrations go both ways, and
//! the layers use only what is below them.

use std::{collections::BTreeMap, fs, path::Path};

use diesel_async::AsyncMigrationHarness;
use diesel_migrations::MigrationHarness;
use roster::store::{connect::ConnectionUrl, database::MIGRATIONS};

use crate::support::{Roster, database, empty_database, texts};

/// What every search reads through stays short (migration 13).
#[tokio::test(flavor = "multi_thread")]
async fn indexes_of_searches_keep_little_waiting() {
    let of_searches =
        "SELECT c.reloptions::text FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'gin'";
    let options = texts(&database().await, of_searches).await;
    assert!(
        options.len() >= 7 && options.iter().all(|options| options == "{gin_pending_list_limit=64}"),
        "{options:?}"
    );
}

/// Run with `UPDATE=1` to write the file anew.
#[test]
fn the_schema_file_is_what_the_server_speaks() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let sdl = roster::graphql::sdl();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, &sdl).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept == sdl, "schema.graphql is not current; run UPDATE=1 cargo test the_schema_file and read its diff");
}

#[tokio::test]
async fn everything_in_the_schema_is_described() {
    let query = "{ __schema { types { name description inputFields { name description } enumValues { name description } \
        fields { name description args { name description } } } } }";
    let answer = roster::graphql::schema().execute(query).await.into_result().unwrap();
    let answer = serde_json::to_value(answer.data).unwrap();
    let mut bare = Vec::new();
    let types = answer["__schema"]["types"].as_array().unwrap();
    for kind in types.iter().filter(|kind| !kind["name"].as_str().unwrap().starts_with("__")) {
        let name = kind["name"].as_str().unwrap();
        // The library's own scalars are described by the specification.
        if kind["description"].is_null() && !["ID", "Int", "Float", "String", "Boolean"].contains(&name) {
            bare.push(name.to_owned());
        }
        for part in ["inputFields", "enumValues", "fields"] {
            for member in kind[part].as_array().into_iter().flatten() {
                let path = format!("{name}.{}", member["name"].as_str().unwrap());
                let arguments = member["args"].as_array().into_iter().flatten();
                bare.extend(
                    arguments
                        .filter(|argument| argument["description"].is_null())
                        .map(|argument| format!("{path}({})", argument["name"])),
                );
                if member["description"].is_null() {
                    bare.push(path);
                }
            }
        }
    }
    assert_eq!(bare, Vec::<String>::new());
    assert!(types.len() > 80, "the schema was read");
}

async fn schema_of(url: &ConnectionUrl) -> String {
    let columns = texts(url, "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || COALESCE(column_default, '') \
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1").await;
    let indexes = texts(url, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1").await;
    let constraints = texts(url, "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1").await;
    [columns, indexes, constraints].concat().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_run_up_down_and_up_again() {
    let url = empty_database().await;
    let up = || async {
        AsyncMigrationHarness::new(url.connect().await.unwrap()).run_pending_migrations(MIGRATIONS).unwrap().len()
    };
    let steps = up().await;
    let first = schema_of(&url).await;
    AsyncMigrationHarness::new(url.connect().await.unwrap()).revert_all_migrations(MIGRATIONS).unwrap();
    let tables =
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> '__diesel_schema_migrations'";
    assert_eq!(texts(&url, tables).await, Vec::<String>::new());
    assert_eq!(up().await, steps);
    assert_eq!(schema_of(&url).await, first);
}

/// `src/store/schema.rs` is what diesel believes of the tables; this is what they are.
#[tokio::test(flavor = "multi_thread")]
async fn diesel_knows_the_tables_as_they_are() {
    let url = database().await;
    let columns = texts(&url, "SELECT table_name || ' ' || column_name || ' ' || udt_name || ' ' || is_nullable FROM information_schema.columns \
        WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations' ORDER BY table_name, ordinal_position").await;
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for column in &columns {
        let words: Vec<&str> = column.split(' ').collect();
        let kind = match words[2] {
            "uuid" => "Uuid",
            "text" => "Text",
            "bool" => "Bool",
            "timestamptz" => "Timestamptz",
            "int2" => "Int2",
            "int4" => "Int4",
            "int8" => "Int8",
            "bytea" => "Bytea",
            "jsonb" => "Jsonb",
            "_text" => "Array<Text>",
            other => panic!("a column of type {other}"),
        };
        let kind = if words[3] == "YES" { format!("Nullable<{kind}>") } else { kind.to_owned() };
        let name = if words[1] == "type" { "type_" } else { words[1] };
        tables.entry(words[0].to_owned()).or_default().push(format!("{name} -> {kind},"));
    }
    let source = include_str!("../../src/store/schema.rs");
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut table = String::new();
    for line in source.lines().map(str::trim) {
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            name.clone_into(&mut table);
        } else if line.contains(" -> ") {
            known.entry(table.clone()).or_default().push(line.to_owned());
        }
    }
    assert_eq!(known, tables);
}

/// What each layer may use of the others; `error` is used by all.
const LAYERS: [(&str, &[&str]); 12] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("access", &["store", "domain"]),
    ("consequences", &["access", "store", "domain", "app"]),
    ("operations", &["consequences", "access", "store", "domain", "app"]),
    ("graphql", &["operations", "consequences", "access", "store", "domain", "app", "feed"]),
    ("server", &["graphql", "operations", "consequences", "access", "store", "domain", "app", "feed", "mail"]),
    ("mail", &["store", "domain", "app"]),
    ("feed", &["store", "domain"]),
    ("postgres", &[]),
    ("app", &["access", "feed", "store", "domain"]),
    ("error", &[]),
];

/// Libraries that are at home in some layers only.
const LIBRARIES: [(&str, &[&str]); 4] = [
    ("diesel", &["store"]),
    ("diesel_async", &["store"]),
    ("async_graphql", &["graphql", "server"]),
    ("axum", &["server", "commands"]),
];

#[test]
fn layers_use_only_what_is_below_them() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&source, &mut files);
    let mut wrong = Vec::new();
    for file in &files {
        let path = file.strip_prefix(&source).unwrap().to_string_lossy().replace('\\', "/");
        let layer = path.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(file).unwrap();
        let used = modules_of_this_crate(&text);
        if let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) {
            let stray =
                used.iter().filter(|name| **name != layer && **name != "error" && !allowed.contains(&name.as_str()));
            wrong.extend(stray.map(|name| format!("{path} uses {name}")));
        }
        for (library, homes) in LIBRARIES {
            let uses = text.lines().any(|line| line.trim_start().starts_with(&format!("use {library}::")));
            // What loads a million rows of every table at once belongs to none of them.
            if uses && !homes.contains(&layer.as_str()) && !path.starts_with("commands/demo/") {
                wrong.push(format!("{path} uses {library}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(files.len() > 60, "the sources were looked at");
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The first words behind every `crate::`, in groups too.
fn modules_of_this_crate(text: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut modules = Vec::new();
    for (_, after) in text.match_indices("crate::").map(|(at, found)| (at, &text[at + found.len()..])) {
        let Some(group) = after.strip_prefix('{') else {
            modules.push(word(after));
            continue;
        };
        let mut depth = 1;
        let mut start = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => start = true,
                c if start && depth == 1 && c.is_alphabetic() => {
                    modules.push(word(&group[at..]));
                    start = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    modules
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_data_is_whole() {
    let roster = Roster::start().await;
    roster::commands::story::tell(&roster.app).await.unwrap();
    roster.assert_counters().await;
    let statuses = roster.texts("SELECT DISTINCT status FROM invitations ORDER BY 1").await;
    assert_eq!(statuses, ["ACCEPTED", "DECLINED", "EXPIRED", "PENDING", "REVOKED"]);
    assert_eq!(roster.texts("SELECT slug FROM organizations ORDER BY 1").await, ["acme", "globex"]);
    // Told once: a second start finds it there.
    let before = roster.content().await;
    roster::commands::story::tell(&roster.app).await.unwrap();
    assert_eq!(roster.content().await, before);
}

/// The sources below a folder of `src`, each with its path.
fn sources(folder: &str) -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&source.join(folder), &mut files);
    let path = |file: &Path| file.strip_prefix(&source).unwrap().to_string_lossy().replace('\\', "/");
    files.iter().map(|file| (path(file), fs::read_to_string(file).unwrap())).collect()
}

/// The functions of a source: their signatures and their bodies.
fn functions(text: &str) -> Vec<(&str, &str)> {
    let starts: Vec<usize> = text.match_indices("pub async fn ").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let cut = |(start, end): (&usize, usize)| {
        let function = &text[*start..end];
        // What follows a function belongs to the next.
        let function = &function[..function.find("\n}\n").map_or(function.len(), |at| at + 2)];
        function.split_once(" {\n").unwrap_or((function, ""))
    };
    starts.iter().zip(ends).map(cut).collect()
}

/// Tables of people, of the server itself, and of what is written last: nobody's rights hang on them.
const WITHOUT_PERMIT: [&str; 12] = [
    "store/api_keys.rs touch",
    "store/events.rs insert",
    "store/feed.rs dispatch",
    "store/feed.rs tell_signed_out",
    "store/idempotency.rs",
    "store/mails.rs",
    "store/organizations.rs advance",
    "store/organizations.rs insert",
    "store/organizations.rs touch_roles",
    "store/projects.rs count_members",
    "store/teams.rs count_members",
    "store/users.rs",
];

/// A write of an organization takes a permit; one that can take rights away takes the consequence.
#[test]
fn every_write_takes_its_proof() {
    let writes = ["insert_into(", "diesel::update(", "diesel::delete(", "\"INSERT ", "\"UPDATE ", "\"DELETE "];
    // Memberships that end, roles, states and what keys can do.
    let takes_away = [
        "diesel::delete(",
        "\"DELETE ",
        "role_id",
        "::role.eq",
        "permissions.eq",
        "status.eq",
        "revoked_at.eq",
        "responsible_id.eq",
    ];
    // What gives, or puts back what was there.
    let gives =
        ["store/invitations.rs renew", "store/invitations.rs set_terms", "store/invitation_", "store/roles.rs add"];
    let (mut found, mut wrong) = (0, Vec::new());
    for (path, text) in sources("store") {
        for (signature, body) in functions(&text) {
            let name = signature["pub async fn ".len()..].split(['(', '<']).next().unwrap();
            let function = format!("{path} {name}");
            if !writes.iter().any(|write| body.contains(write))
                || WITHOUT_PERMIT.iter().any(|known| function.starts_with(known))
            {
                continue;
            }
            found += 1;
            let takes_rights = takes_away.iter().any(|sign| body.contains(sign))
                && !gives.iter().any(|known| function.starts_with(known));
            let is_insert = body.contains("insert_into(") && !body.contains("do_update");
            let needed = if takes_rights && !is_insert { "&dyn Consequence" } else { "permit: &dyn " };
            if !signature.contains(needed) {
                wrong.push(format!("{function} takes no {needed}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(found > 30, "{found} writes were looked at");
}

/// The proofs are made where the checks are, and where consequences follow.
#[test]
fn proofs_are_made_in_one_place_each() {
    let mut makers = Vec::new();
    for (path, text) in sources("") {
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            let makes = line.starts_with("impl permit::Permit for ")
                || line.starts_with("impl Consequence for ")
                || line.contains("Permit for ")
                || line.contains("Consequence for ");
            if makes {
                makers.push(format!("{path}: {line}"));
            }
        }
    }
    makers.sort_unstable();
    insta::assert_snapshot!(makers.join("\n"), @r"
    access/permit.rs: impl permit::Permit for Permit {
    consequences/mod.rs: impl Consequence for Following<'_> {}
    consequences/mod.rs: impl permit::Permit for Following<'_> {
    ");
}

/// The paths that a `use` names, groups written out.
fn used_paths(tree: &str) -> Vec<String> {
    let Some((prefix, group)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let group = &group[..group.rfind('}').expect("the end of the group")];
    let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
    for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let items = used_paths(&group[start..at]);
                paths.extend(
                    items.iter().filter(|item| !item.is_empty()).map(|item| format!("{}{item}", prefix.trim())),
                );
                start = at + 1;
            }
            _ => {}
        }
    }
    paths
}

/// What areas have in common, or what follows from a change in another, stands in `consequences`.
#[test]
fn areas_of_operations_do_not_use_each_other() {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operations");
    let areas: Vec<String> = fs::read_dir(folders)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (path, text) in sources("operations") {
        let parts: Vec<&str> = path.split('/').collect();
        let [_, area, _file] = parts[..] else { continue };
        // From the file of an area, the areas are two steps up; from its `mod.rs`, one.
        let up = if path.ends_with("/mod.rs") { "super::" } else { "super::super::" };
        let statements = ["\nuse ", "\npub use "].into_iter().flat_map(|word| text.split(word).skip(1));
        let statements = statements.filter_map(|rest| rest.split(';').next());
        let paths: Vec<String> =
            statements.flat_map(|tree| used_paths(&tree.replace(char::is_whitespace, ""))).collect();
        seen += paths.iter().filter(|path| path.starts_with(up)).count();
        for other in areas.iter().filter(|other| *other != area) {
            let beside = [format!("{up}{other}"), format!("crate::operations::{other}")];
            let uses =
                |path: &&String| beside.iter().any(|name| *path == name || path.starts_with(&format!("{name}::")));
            wrong.extend(paths.iter().filter(uses).map(|used| format!("{path} uses {used}")));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(areas.len() >= 9 && seen > 100, "{} areas and {seen} names were looked at", areas.len());
}
