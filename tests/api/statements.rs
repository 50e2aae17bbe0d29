//! How many SQL statements a request takes: as many for a page of twenty as for a page of one.

use serde_json::{Value, json};

use crate::support::{Actor, Roster};

const NESTED: &str = "{ organization(by: {slug: \"acme\"}) { projects(first: 20) { nodes { name members(first: 10) { nodes { role { name } user { name: displayName email } } } } } } }";
const INVITE: &str = "mutation($organization: ID!, $project: ID!, $emails: [String!]!) { organizationInvite(input: {organization: {id: $organization}, emails: $emails, projects: [{project: {id: $project}}]}) { summary { succeeded } results { acceptUrl invitation { email role { name } invitedBy { displayName } projects { project { name } role { name } } } } userErrors { code } } }";

/// What an answer cost, sign-in included, and the answer. Whoever asks has been here before.
async fn cost(actor: &Actor, query: &str, variables: Value) -> (u64, Value) {
    actor.data("{ viewer { user { id } } }", json!({})).await;
    let before = actor.roster.app.db.statements();
    let data = actor.data(query, variables).await;
    (actor.roster.app.db.statements() - before, data)
}

fn count(list: &Value) -> usize {
    list.as_array().unwrap_or_else(|| panic!("no list but {list}")).len()
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_with_members_roles_and_people_take_three_statements() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let (bob, _) = roster.member(&alice, &acme, "bob", "member").await;
    roster.crowd("acme", 18, "'Name ' || n").await;
    roster.projects("acme", 1, "'Plan ' || n").await;
    // The roles of an organization are read once.
    alice.data(NESTED, json!({})).await;
    for person in [&alice, &bob] {
        let (statements, data) = cost(person, NESTED, json!({})).await;
        let projects = &data["organization"]["projects"]["nodes"];
        assert_eq!((count(projects), count(&projects[0]["members"]["nodes"])), (1, 10));
        assert_eq!(statements, 3, "{}", person.name);
    }
    roster.projects("acme", 19, "'Plan ' || n").await;
    for person in [&alice, &bob] {
        let (statements, data) = cost(person, NESTED, json!({})).await;
        let projects = data["organization"]["projects"]["nodes"].as_array().unwrap();
        assert_eq!(projects.len(), 20);
        assert!(projects.iter().all(|project| count(&project["members"]["nodes"]) == 10));
        assert_eq!(statements, 3, "{}", person.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_members_takes_as_many_statements_as_one_member() {
    const MEMBERS: &str = "{ organization(by: {slug: \"acme\"}) { members(first: 100) { nodes { role { name } user { displayName email } invitedBy { displayName } } } } }";
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    roster.member(&alice, &acme, "bob", "member").await;
    let (of_two, data) = cost(&alice, MEMBERS, json!({})).await;
    assert_eq!(count(&data["organization"]["members"]["nodes"]), 2);
    for name in ["carol", "dave", "erin"] {
        roster.member(&alice, &acme, name, "viewer").await;
    }
    roster.crowd("acme", 50, "'Name ' || n").await;
    let (of_many, data) = cost(&alice, MEMBERS, json!({})).await;
    assert_eq!(count(&data["organization"]["members"]["nodes"]), 55);
    assert_eq!(of_many, of_two);
    assert!(of_two <= 5, "{of_two}");
    // The organization with what the viewer may do there, and the page; what it knows of itself needs no page.
    let page = "{ organization(by: {slug: \"acme\"}) { members { nodes { role { name } user { displayName } } } } }";
    assert_eq!(cost(&alice, page, json!({})).await.0, 2);
    // Memberships have the name and the address; all else that is shown of people is read for all of them.
    let people = "{ organization(by: {slug: \"acme\"}) { members(first: 100) { nodes { isOwner user { displayName avatarUrl createdAt } } } } }";
    assert_eq!(cost(&alice, people, json!({})).await.0, 3);
    let total = "{ organization(by: {slug: \"acme\"}) { members { totalCount } } }";
    assert_eq!(cost(&alice, total, json!({})).await.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships_take_as_many_statements_in_ten_organizations_as_in_one() {
    const MEMBERSHIPS: &str = "{ viewer { memberships(first: 20) { nodes { role { name } organization { name owner { user { displayName } } roles(first: 20) { nodes { name memberCount } } projects(first: 2) { nodes { name } } members(first: 5) { totalCount nodes { role { name } user { displayName } projectMemberships(first: 2) { nodes { project { name } role { name } } } } } } } } } }";
    let roster = Roster::start().await;
    let (alice, bob) = (roster.person("alice"), roster.person("bob"));
    let acme = roster.organization(&alice, "Acme").await;
    roster.project(&alice, &acme, "Apollo").await;
    let (of_one, data) = cost(&alice, MEMBERSHIPS, json!({})).await;
    assert_eq!(count(&data["viewer"]["memberships"]["nodes"]), 1);
    for n in 0..9 {
        let name = format!("Group {n}");
        let group = roster.organization(&bob, &name).await;
        roster.member(&bob, &group, "alice", ["admin", "member", "viewer"][n % 3]).await;
        roster.crowd(&format!("group-{n}"), 8, "'Name ' || n").await;
        roster.projects(&format!("group-{n}"), 3, "'Plan ' || n").await;
    }
    let (of_ten, data) = cost(&alice, MEMBERSHIPS, json!({})).await;
    let memberships = data["viewer"]["memberships"]["nodes"].as_array().unwrap();
    assert_eq!(memberships.len(), 10);
    let groups = memberships.iter().filter(|membership| membership["organization"]["name"] != "Acme");
    assert_eq!(groups.filter(|membership| membership["organization"]["members"]["totalCount"] == 10).count(), 9);
    // Alice may see all projects of some organizations, and of the others those that she is in: two kinds of lists of
    // projects and of memberships of them, and so one statement more of each. It does not grow with the organizations.
    assert!(of_ten <= of_one + 2, "{of_one} grew to {of_ten}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_invitations_takes_as_many_statements_as_two() {
    const INVITATIONS: &str = "{ organization(by: {slug: \"acme\"}) { invitations(first: 60) { nodes { email invitedBy { displayName } invitee { displayName } role { name } delivery { status } projects { project { name } role { name } } } } } }";
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let projects = [roster.project(&alice, &acme, "Apollo").await, roster.project(&alice, &acme, "Gemini").await];
    // Two known and two unknown people are invited from the start.
    for name in ["bob", "carol"] {
        let person = roster.person(name);
        let own = roster.organization(&person, name).await;
        roster.member(&person, &own, "alice", "member").await;
    }
    let emails = |range: std::ops::Range<usize>| {
        let known = ["bob@example.com".to_owned(), "carol@example.com".to_owned()];
        known
            .into_iter()
            .filter(|_| range.start == 0)
            .chain(range.clone().map(|n| format!("guest{n}@example.com")))
            .collect::<Vec<_>>()
    };
    let variables =
        |project: &str, emails: Vec<String>| json!({ "organization": acme, "project": project, "emails": emails });
    alice.data(INVITE, variables(&projects[0], emails(0..2))).await;
    let (of_few, data) = cost(&alice, INVITATIONS, json!({})).await;
    assert_eq!(count(&data["organization"]["invitations"]["nodes"]), 4);
    alice.data(INVITE, variables(&projects[1], emails(2..50))).await;
    let (of_many, data) = cost(&alice, INVITATIONS, json!({})).await;
    let invitations = data["organization"]["invitations"]["nodes"].as_array().unwrap();
    assert_eq!(invitations.len(), 52);
    assert_eq!(invitations.iter().filter(|invitation| invitation["invitee"] != json!(null)).count(), 2);
    assert_eq!(of_many, of_few);
}

#[tokio::test(flavor = "multi_thread")]
async fn inviting_fifty_takes_as_many_statements_as_inviting_two() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let project = roster.project(&alice, &acme, "Apollo").await;
    let mut statements = Vec::new();
    // The roles of the organization are read with the first.
    for range in [0..1, 1..3, 3..53] {
        let emails: Vec<_> = range.map(|n| format!("guest{n}@example.com")).collect();
        let variables = json!({ "organization": acme, "project": project, "emails": emails });
        let (taken, data) = cost(&alice, INVITE, variables).await;
        assert_eq!(data["organizationInvite"]["summary"]["succeeded"], json!(emails.len()));
        statements.push(taken);
    }
    assert_eq!(statements[1], statements[2]);
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_totals_of_filtered_lists_are_counted() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    roster.crowd("acme", 5, "'Name ' || n").await;
    roster.projects("acme", 5, "'Plan ' || n").await;
    let within = |list: &str| format!("{{ organization(by: {{slug: \"acme\"}}) {{ {list} }} }}");
    for (list, total) in
        [("members(first: 2)", 6), ("projects(first: 2)", 5), ("project(slug: \"project-1\") { members(first: 2)", 6)]
    {
        let close = if list.contains('{') { "}" } else { "" };
        let (without, _) = cost(&alice, &within(&format!("{list} {{ nodes {{ id }} }} {close}")), json!({})).await;
        let (with, data) =
            cost(&alice, &within(&format!("{list} {{ nodes {{ id }} totalCount }} {close}")), json!({})).await;
        assert!(data.to_string().contains(&format!("\"totalCount\":{total}")), "{data}");
        assert_eq!(with, without, "{list}");
    }
    let filtered = "members(first: 2, filter: {search: \"name\"})";
    let (without, _) = cost(&alice, &within(&format!("{filtered} {{ nodes {{ id }} }}")), json!({})).await;
    let (with, _) = cost(&alice, &within(&format!("{filtered} {{ nodes {{ id }} totalCount }}")), json!({})).await;
    assert_eq!(with, without + 1);
}
