//! Pages: every item once, in every order, forward, backward and numbered, and "is there more" exact
//! wherever a page is taken from. What a page shall be is told by a list in memory that is cut by hand.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use roster::{
    domain::id::{OrganizationId, OrganizationMemberId, UserId},
    error::Error,
    store::{
        api_keys, invitations, organization_members, organizations,
        paging::{self, End, Key, Position},
        project_members, roles, team_members, teams,
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Actor, Roster, id};

/// A list as a client pages through it, and where its rows are stored.
struct List {
    actor: Actor,
    /// The fields around it, from the root.
    within: Vec<String>,
    field: &'static str,
    /// Arguments that are no page arguments.
    narrowed: String,
    /// What its ids start with.
    prefix: &'static str,
    rows: String,
    /// What it can be ordered by, and the column of that.
    orders: &'static [(&'static str, &'static str)],
}

const MEMBER_ORDERS: &[(&str, &str)] =
    &[("NAME", "sort_name"), ("EMAIL", "email"), ("JOINED_AT", "joined_at"), ("ROLE", "role_rank")];
const PROJECT_ORDERS: &[(&str, &str)] = &[("NAME", "sort_name"), ("CREATED_AT", "created_at")];
const INVITATION_ORDERS: &[(&str, &str)] =
    &[("CREATED_AT", "created_at"), ("EMAIL", "email"), ("EXPIRES_AT", "expires_at"), ("STATUS", "status_rank")];
const ROLE_ORDERS: &[(&str, &str)] = &[("CREATED_AT", "created_at"), ("NAME", "sort_name"), ("RANK", "rank")];
const ORGANIZATION_ORDERS: &[(&str, &str)] =
    &[("CREATED_AT", "created_at"), ("NAME", "sort_name"), ("SLUG", "slug COLLATE \"C\"")];

/// One page, as it was answered.
#[derive(Debug, PartialEq)]
struct Page {
    ids: Vec<String>,
    cursors: Vec<String>,
    previous: bool,
    next: bool,
    total: usize,
}

impl List {
    fn members(actor: &Actor) -> Self {
        Self {
            actor: actor.clone(),
            within: vec!["organization(by: {slug: \"acme\"})".to_owned()],
            field: "members",
            narrowed: String::new(),
            prefix: "mem",
            rows: "organization_members WHERE organization_id = (SELECT id FROM organizations WHERE slug = 'acme')"
                .to_owned(),
            orders: MEMBER_ORDERS,
        }
    }

    /// The page, which is the same whatever is asked for of it.
    async fn page(&self, order: &str, arguments: &str) -> Page {
        let list = format!("{}(orderBy: {order} {} {arguments})", self.field, self.narrowed);
        let lists = format!(
            "all: {list} {{ edges {{ cursor node {{ id }} }} nodes {{ id }} totalCount \
             pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} \
             items: {list} {{ nodes {{ id }} }} places: {list} {{ edges {{ cursor }} }}"
        );
        let query = self.within.iter().rev().fold(lists, |inner, field| format!("{field} {{ {inner} }}"));
        let data = self.actor.data(&format!("{{ {query} }}"), json!({})).await;
        let parents = self.within.iter().map(|field| field.split('(').next().unwrap());
        let lists = parents.fold(&data, |data, field| &data[field]);
        let page = read(&lists["all"]);
        assert_eq!(texts(&lists["items"]["nodes"], "/id"), page.ids);
        assert_eq!(texts(&lists["places"]["edges"], "/cursor"), page.cursors);
        page
    }

    /// The ids in an order, lowest first, as the table says.
    async fn ids(&self, column: &str) -> Vec<String> {
        let ids = self.actor.roster.texts(&format!("SELECT id FROM {} ORDER BY {column}, id", self.rows)).await;
        // The part behind the prefix is made in the same way for all kinds of objects.
        let text = |id: String| OrganizationMemberId(id.parse().unwrap()).to_string();
        ids.into_iter().map(|id| text(id).replacen("mem", self.prefix, 1)).collect()
    }

    /// Every order with the ids in that order.
    async fn all_orders(&self) -> Vec<(String, Vec<String>)> {
        let mut orders = Vec::new();
        for (field, column) in self.orders {
            let mut ids = self.ids(column).await;
            orders.push((format!("{{field: {field}, direction: ASC}}"), ids.clone()));
            ids.reverse();
            orders.push((format!("{{field: {field}, direction: DESC}}"), ids));
        }
        orders
    }

    async fn forward(&self, order: &str, size: usize) -> Vec<String> {
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.page(order, &format!("first: {size} {after}")).await;
            assert_eq!(page.previous, !seen.is_empty());
            seen.extend(page.ids);
            if !page.next {
                return seen;
            }
            after = format!("after: \"{}\"", page.cursors.last().unwrap());
        }
    }

    async fn backward(&self, order: &str, size: usize) -> Vec<String> {
        let mut seen = Vec::new();
        let mut before = String::new();
        loop {
            let page = self.page(order, &format!("last: {size} {before}")).await;
            assert_eq!(page.next, !seen.is_empty());
            seen.splice(0..0, page.ids);
            if !page.previous {
                return seen;
            }
            before = format!("before: \"{}\"", page.cursors[0]);
        }
    }

    async fn numbered(&self, order: &str, size: usize) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            let page = self.page(order, &format!("first: {size} offset: {}", seen.len())).await;
            assert_eq!(page.previous, !seen.is_empty());
            seen.extend(page.ids);
            if !page.next {
                return seen;
            }
        }
    }

    /// Visits everything in all ways and takes `pages` pages at random.
    async fn check(&self, sizes: &[usize], pages: usize) {
        let mut random = Random(0x5eed);
        for (order, ids) in self.all_orders().await {
            for size in sizes {
                assert_eq!(self.forward(&order, *size).await, ids, "{} by {order}", self.field);
                assert_eq!(self.backward(&order, *size).await, ids, "{} by {order}", self.field);
                assert_eq!(self.numbered(&order, *size).await, ids, "{} by {order}", self.field);
            }
            let cursors = self.page(&order, "first: 100").await.cursors;
            assert_eq!(cursors.len(), ids.len());
            for _ in 0..pages {
                let arguments = Arguments::any(&mut random, ids.len());
                self.check_page(&order, &arguments, &ids, &cursors, &vec![true; ids.len()]).await;
            }
        }
    }

    /// A page is the one that is cut out of the list of those `ids` that are `there`.
    async fn check_page(&self, order: &str, arguments: &Arguments, ids: &[String], cursors: &[String], there: &[bool]) {
        let page = self.page(order, &arguments.text(cursors)).await;
        let (wanted, previous, next) = arguments.cut(there);
        let wanted: Vec<_> = wanted.into_iter().map(|index| ids[index].clone()).collect();
        let total = there.iter().filter(|there| **there).count();
        assert_eq!(
            (page.ids, page.previous, page.next, page.total),
            (wanted, previous, next, total),
            "{} by {order}: {arguments:?} of {there:?}",
            self.field
        );
    }
}

fn texts(list: &Value, path: &str) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item.pointer(path).unwrap().as_str().unwrap().to_owned()).collect()
}

fn read(list: &Value) -> Page {
    let cursors = texts(&list["edges"], "/cursor");
    let ids = texts(&list["edges"], "/node/id");
    assert_eq!(ids, texts(&list["nodes"], "/id"));
    let info = &list["pageInfo"];
    assert_eq!(info["startCursor"].as_str(), cursors.first().map(String::as_str));
    assert_eq!(info["endCursor"].as_str(), cursors.last().map(String::as_str));
    Page {
        ids,
        cursors,
        previous: info["hasPreviousPage"].as_bool().unwrap(),
        next: info["hasNextPage"].as_bool().unwrap(),
        total: list["totalCount"].as_u64().unwrap().try_into().unwrap(),
    }
}

/// Numbers without a pattern, the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 1).unwrap() % end
    }

    /// A number, or nothing once in `once_in` times.
    fn maybe_below(&mut self, once_in: usize, end: usize) -> Option<usize> {
        (self.below(once_in) != 0).then(|| self.below(end))
    }
}

/// Page arguments; cursors are named by the index of their item.
#[derive(Debug)]
struct Arguments {
    size: usize,
    last: bool,
    offset: Option<usize>,
    after: Option<usize>,
    before: Option<usize>,
}

impl Arguments {
    fn any(random: &mut Random, items: usize) -> Self {
        let last = random.below(2) == 0;
        Self {
            // Small sizes, none at all, and now and then more than there is.
            size: if random.below(8) == 0 { items + 1 } else { random.below(6) }.min(100),
            last,
            offset: if last || random.below(3) != 0 { None } else { Some(random.below(items + 2)) },
            after: if random.below(2) == 0 { None } else { random.maybe_below(10, items) },
            before: if random.below(2) == 0 { None } else { random.maybe_below(10, items) },
        }
    }

    fn text(&self, cursors: &[String]) -> String {
        let mut text = format!("{}: {}", if self.last { "last" } else { "first" }, self.size);
        if let Some(offset) = self.offset {
            text += &format!(" offset: {offset}");
        }
        for (name, cursor) in [("after", self.after), ("before", self.before)] {
            if let Some(cursor) = cursor {
                text += &format!(" {name}: \"{}\"", cursors[cursor]);
            }
        }
        text
    }

    /// The indices of the page, and whether something comes before and behind it.
    fn cut(&self, there: &[bool]) -> (Vec<usize>, bool, bool) {
        let all: Vec<usize> = (0..there.len()).filter(|index| there[*index]).collect();
        let is_behind = |index: &usize| self.after.is_none_or(|after| *index > after);
        let is_before = |index: &usize| self.before.is_none_or(|before| *index < before);
        let between: Vec<usize> = all.iter().copied().filter(|index| is_behind(index) && is_before(index)).collect();
        let (start, end) = if self.last {
            (between.len().saturating_sub(self.size), between.len())
        } else {
            let start = self.offset.unwrap_or(0).min(between.len());
            (start, (start + self.size).min(between.len()))
        };
        let previous = start > 0 || !all.iter().all(is_behind);
        let next = end < between.len() || !all.iter().all(is_before);
        (between[start..end].to_vec(), previous, next)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_members_that_are_all_alike_are_each_visited_once() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    roster.crowd("acme", 1000, "'Same'").await;
    let members = List::members(&alice);
    let orders = members.all_orders().await;
    let checks = orders.iter().map(|(order, ids)| {
        let members = &members;
        async move {
            assert_eq!(ids.len(), 1001);
            for size in [7, 100] {
                assert_eq!(members.forward(order, size).await, *ids, "forward by {order}");
                assert_eq!(members.backward(order, size).await, *ids, "backward by {order}");
            }
            assert_eq!(members.numbered(order, 100).await, *ids, "numbered by {order}");
        }
    });
    futures_util::future::join_all(checks).await;
    roster.assert_counters().await;
}

/// Of some sizes more rows are read than are asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_as_many_items_as_are_asked_for() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    roster.crowd("acme", 120, "'Name ' || n % 5").await;
    let members = List::members(&alice);
    let ids = members.ids("sort_name").await;
    let order = "{field: NAME, direction: ASC}";
    for size in 0..=100 {
        let first = members.page(order, &format!("first: {size}")).await;
        let last = members.page(order, &format!("last: {size}")).await;
        assert_eq!((&first.ids[..], first.previous, first.next), (&ids[..size], false, true), "first {size}");
        assert_eq!((&last.ids[..], last.previous, last.next), (&ids[121 - size..], true, false), "last {size}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_what_a_list_cut_by_hand_is() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    roster.crowd("acme", 23, "'Name ' || n % 5").await;
    List::members(&alice).check(&[1, 24, 25], 60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_stay_exact_while_members_go() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    roster.crowd("acme", 23, "'Name ' || n % 5").await;
    let members = List::members(&alice);
    let owner = alice.data("{ organization(by: {slug: \"acme\"}) { owner { id } } }", json!({})).await;
    let owner = id(&owner["organization"]["owner"]);
    let mut random = Random(0xdead);
    for (order, ids) in members.all_orders().await {
        let cursors = members.page(&order, "first: 100").await.cursors;
        let mut there = vec![true; ids.len()];
        roster.sql("CREATE TABLE kept AS SELECT * FROM organization_members").await;
        for _ in 0..10 {
            let gone = random.below(ids.len());
            if ids[gone] == owner {
                continue;
            }
            let uuid = OrganizationMemberId::parse(&ids[gone]).unwrap().0;
            roster.sql(&format!("DELETE FROM organization_members WHERE id = '{uuid}'")).await;
            there[gone] = false;
            let count = there.iter().filter(|there| **there).count();
            roster.sql(&format!("UPDATE organizations SET member_count = {count}")).await;
            // From the very place that is empty now, in both directions, and from anywhere.
            for (last, after, before) in [(false, Some(gone), None), (true, None, Some(gone))] {
                let arguments = Arguments { size: 3, last, offset: None, after, before };
                members.check_page(&order, &arguments, &ids, &cursors, &there).await;
            }
            let arguments = Arguments::any(&mut random, ids.len());
            members.check_page(&order, &arguments, &ids, &cursors, &there).await;
        }
        roster.sql("INSERT INTO organization_members SELECT * FROM kept ON CONFLICT DO NOTHING; DROP TABLE kept; UPDATE organizations SET member_count = 24").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_count_what_passes_the_filter() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    roster.crowd("acme", 23, "'Name ' || n % 5").await;
    let members = List { narrowed: "filter: {search: \"name 4\"}".to_owned(), ..List::members(&alice) };
    let page = members.page("{field: NAME}", "first: 3").await;
    assert_eq!((page.ids.len(), page.next, page.total), (3, true, 4));
    let page = members.page("{field: NAME}", "first: 0 offset: 2").await;
    assert_eq!((page.ids.len(), page.previous, page.next, page.total), (0, true, true, 4));
    let nobody = List { narrowed: "filter: {search: \"nobody\"}".to_owned(), ..List::members(&alice) };
    let page = nobody.page("{field: NAME}", "last: 5").await;
    assert_eq!((page.ids.len(), page.previous, page.next, page.total), (0, false, false, 0));
    // Selected in a fragment, under another name.
    let query = "query($seen: Boolean!) { organization(by: {slug: \"acme\"}) { members(filter: {search: \"name 1\"}) { ...Outer } } } fragment Outer on OrganizationMemberConnection { ... on OrganizationMemberConnection { ...Inner } } fragment Inner on OrganizationMemberConnection { total: totalCount @include(if: $seen) }";
    let counted = alice.data(query, json!({ "seen": true })).await;
    assert_eq!(counted["organization"]["members"], json!({ "total": 5 }));
    assert_eq!(alice.data(query, json!({ "seen": false })).await["organization"]["members"], json!({}));
    assert_eq!(List::members(&alice).page("{field: NAME}", "first: 0").await.total, 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_and_their_members_are_paged_like_members() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    roster.crowd("acme", 11, "'Name ' || n % 3").await;
    roster.projects("acme", 10, "'Plan ' || n % 3").await;
    let projects = List {
        field: "projects",
        prefix: "prj",
        rows: "projects".to_owned(),
        orders: PROJECT_ORDERS,
        ..List::members(&alice)
    };
    projects.check(&[3], 20).await;
    let members = List {
        within: vec!["project(by: {path: {organization: \"acme\", project: \"project-2\"}})".to_owned()],
        prefix: "pme",
        rows: "project_members WHERE project_id = (SELECT id FROM projects WHERE slug = 'project-2')".to_owned(),
        ..List::members(&alice)
    };
    members.check(&[5], 20).await;
    let own = List {
        within: vec![
            "organization(by: {slug: \"acme\"})".to_owned(),
            "member(user: {email: \"alice@example.com\"})".to_owned(),
        ],
        field: "projectMemberships",
        prefix: "pme",
        rows: "project_members WHERE is_owner".to_owned(),
        ..List::members(&alice)
    };
    own.check(&[4], 20).await;
    roster.assert_counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_are_paged_like_members() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let acme = roster.organization(&alice, "Acme").await;
    let apollo = roster.project(&alice, &acme, "Apollo").await;
    let emails: Vec<_> = (0..12).map(|n| format!("guest{n}@example.com")).collect();
    alice
        .data(
            "mutation($organization: ID!, $project: ID!, $emails: [String!]!) { organizationInvite(input: {organization: {id: $organization}, emails: $emails, projects: [{project: {id: $project}}]}) { summary { succeeded } userErrors { code } } }",
            json!({ "organization": acme, "project": apollo, "emails": emails }),
        )
        .await;
    roster.sql("UPDATE invitations SET status = 'REVOKED', status_rank = 3, resolved_at = created_at WHERE email < 'guest3'; UPDATE organizations SET pending_invitation_count = (SELECT count(*) FROM invitations WHERE status = 'PENDING')").await;
    roster.assert_counters().await;
    for within in ["organization(by: {slug: \"acme\"})".to_owned(), format!("project(by: {{id: \"{apollo}\"}})")] {
        let invitations = List {
            actor: alice.clone(),
            within: vec![within],
            field: "invitations",
            narrowed: "statuses: null".to_owned(),
            prefix: "inv",
            rows: "invitations".to_owned(),
            orders: INVITATION_ORDERS,
        };
        invitations.check(&[5], 15).await;
        let pending =
            List { narrowed: String::new(), rows: "invitations WHERE status = 'PENDING'".to_owned(), ..invitations };
        pending.check(&[5], 5).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_organizations_memberships_and_received_invitations_are_paged_like_members() {
    let roster = Roster::start().await;
    let (alice, bob) = (roster.person("alice"), roster.person("bob"));
    for name in ["Same", "Same", "Same", "Other", "Same", "Ångström", "angstrom", "Zoo"] {
        let organization = roster.organization(&alice, name).await;
        roster.invite(&alice, &organization, "bob@example.com", "viewer").await;
    }
    let root = |field, prefix, rows: &str, orders| List {
        actor: alice.clone(),
        within: Vec::new(),
        field,
        narrowed: String::new(),
        prefix,
        rows: rows.to_owned(),
        orders,
    };
    root("organizations", "org", "organizations", ORGANIZATION_ORDERS).check(&[3], 20).await;
    let memberships = root("memberships", "mem", "organization_members", MEMBER_ORDERS);
    List { within: vec!["viewer".to_owned()], ..memberships }.check(&[3], 20).await;
    let roles = "roles WHERE organization_id = (SELECT id FROM organizations WHERE slug = 'zoo')";
    let roles = root("roles", "rol", roles, ROLE_ORDERS);
    List { within: vec!["organization(by: {slug: \"zoo\"})".to_owned()], ..roles }.check(&[3], 20).await;
    let received = root("invitations", "inv", "invitations", INVITATION_ORDERS);
    List { actor: bob, within: vec!["viewer".to_owned()], ..received }.check(&[3], 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_arguments_fail_their_field_alone() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    roster.crowd("acme", 3, "'Name ' || n").await;
    let members = List::members(&alice);
    let cursor = members.page("{field: NAME}", "first: 2").await.cursors[0].clone();
    let narrowed = List { narrowed: "filter: {search: \"name\"}".to_owned(), ..List::members(&alice) };
    let of_filter = narrowed.page("{field: NAME}", "first: 1").await.cursors[0].clone();
    let of_order = members.page("{field: EMAIL}", "first: 1").await.cursors[0].clone();
    let of_direction = members.page("{field: NAME, direction: DESC}", "first: 1").await.cursors[0].clone();
    let roles = List { field: "roles", prefix: "rol", orders: ROLE_ORDERS, ..List::members(&alice) };
    let of_list = roles.page("{field: NAME}", "first: 1").await.cursors[0].clone();

    let mut bad: Vec<String> = [
        "first: -1",
        "first: 101",
        "last: -1",
        "last: 101",
        "first: 1 last: 1",
        "first: 1 offset: -1",
        "first: 1 offset: 10001",
        "last: 1 offset: 0",
        "after: \"\"",
        "after: \"garbage\"",
        "before: \"%%%\"",
        "before: \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
    ]
    .map(str::to_owned)
    .to_vec();
    bad.extend([&of_filter, &of_order, &of_direction, &of_list].map(|cursor| format!("after: \"{cursor}\"")));
    // The cursor is changed in one place after the other: it may lead elsewhere, but never to a fault.
    for place in 0..cursor.len() {
        for letter in ["A", "t", "-"] {
            let mut changed = cursor.clone();
            changed.replace_range(place..=place, letter);
            let query = format!(
                "{{ organization(by: {{slug: \"acme\"}}) {{ members(after: \"{changed}\") {{ totalCount }} }} }}"
            );
            let codes = alice.error_codes(&query, json!({})).await;
            assert!(codes.iter().all(|code| code == "BAD_USER_INPUT"), "{codes:?} for {changed}");
        }
    }
    // Well-formed, but of a kind that this list is not sorted by, or of a time that no calendar has.
    let place = URL_SAFE_NO_PAD.decode(&cursor).unwrap()[..20].to_vec();
    for key in [
        &b"r\0\x01"[..],
        b"d\0\0\0\0\0\0\0\0",
        b"d\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"d\x80\0\0\0\0\0\0\0",
        b"t\0",
        b"x",
    ] {
        bad.push(format!("after: \"{}\"", URL_SAFE_NO_PAD.encode([&place, key].concat())));
    }
    for arguments in bad {
        let query = format!(
            "{{ organization(by: {{slug: \"acme\"}}) {{ name bad: members({arguments}) {{ totalCount }} members(first: 0) {{ totalCount }} }} viewer {{ user {{ displayName }} }} }}"
        );
        let answer = alice.post(&query, json!({})).await;
        assert_eq!(
            answer.body["data"],
            json!({
                "organization": { "name": "Acme", "bad": null, "members": { "totalCount": 4 } },
                "viewer": { "user": { "displayName": "Alice" } }
            }),
            "{arguments}"
        );
        let errors = answer.body["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{arguments}");
        assert_eq!(errors[0]["extensions"]["code"], "BAD_USER_INPUT", "{arguments}");
        assert_eq!(errors[0]["path"], json!(["organization", "bad"]), "{arguments}");
    }
    // The widest that is allowed.
    let page = members.page("{field: NAME}", "first: 100 offset: 10000").await;
    assert_eq!((page.ids.len(), page.previous, page.next), (0, true, false));
}

/// Typed clients leave out what is optional.
#[tokio::test(flavor = "multi_thread")]
async fn variables_for_page_arguments_may_be_left_out() {
    const MEMBERS: &str = "query($first: Int, $after: String, $last: Int, $before: String, $offset: Int, $filter: OrganizationMemberFilter, $orderBy: OrganizationMemberOrder) { organization(by: {slug: \"acme\"}) { ...Members } } fragment Members on Organization { ... on Organization { members(first: $first, after: $after, last: $last, before: $before, offset: $offset, filter: $filter, orderBy: $orderBy) { nodes { id } } } }";
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    roster.organization(&alice, "Acme").await;
    roster.crowd("acme", 40, "'Name ' || n").await;
    for (variables, size) in
        [(json!({}), 25), (json!({ "first": 3 }), 3), (json!({ "last": 2 }), 2), (json!({ "first": null }), 25)]
    {
        let data = alice.data(MEMBERS, variables.clone()).await;
        assert_eq!(data["organization"]["members"]["nodes"].as_array().unwrap().len(), size, "{variables}");
    }
    // What is needed is still missed, and what costs too much is still too much.
    let needed = MEMBERS.replace("$first: Int,", "$first: Int!,");
    assert_eq!(alice.error_codes(&needed, json!({})).await, ["BAD_USER_INPUT"]);
    let nested = "query($n: Int) { organizations(first: $n) { nodes { members(first: $n) { nodes { projectMemberships(first: $n) { nodes { id } } } } } } }";
    assert_eq!(alice.error_codes(nested, json!({})).await, ["QUERY_TOO_COMPLEX"]);
}

/// Every order of every list of the store, after a position of every kind: one kind is the order's own, and the
/// database takes that; the others are refused as what a cursor made by hand tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_position_of_another_kind_is_refused_by_every_list() {
    let roster = Roster::start().await;
    let conn = &roster.connection().await;
    let (organization, person) = (OrganizationId(Uuid::nil()), UserId(Uuid::nil()));
    let now = roster.now();
    let keys = [Key::Text(String::new()), Key::Time(now), Key::Rank(0), Key::Number(0)];
    let mut refused = 0;
    for key in keys {
        let position = Some(Position { key, id: Uuid::nil() });
        let page = paging::Page {
            limit: 1,
            end: End::First,
            offset: 0,
            after: None,
            before: None,
            ends: true,
            places: true,
            entries: false,
        };
        let behind = paging::Page { after: position.clone(), ..page.clone() };
        let before = paging::Page { before: position, end: End::Last, ..page };
        macro_rules! orders {
            ($list:ident: $($field:ident)*; $of:expr, $filter:expr) => {
                for page in [&behind, &before] {
                    $(match $list::pages(conn, &$of, &$filter, $list::OrderField::$field, false, page).await {
                        Ok(_) => {}
                        Err(Error::BadInput(_)) => refused += 1,
                        Err(other) => panic!("{} {}: {other:?}", stringify!($list), stringify!($field)),
                    })*
                }
            };
        }
        orders!(api_keys: CreatedAt LastUsedAt Name; [api_keys::Of(organization)], api_keys::Filter::default());
        let members = [organization_members::Of::Organization(organization)];
        orders!(organization_members: Email JoinedAt Name Role; members, organization_members::Filter::default());
        orders!(organizations: CreatedAt Name Slug; [organizations::Of::Everyone], organizations::Filter::default());
        let members = [project_members::Of::User(organization, person)];
        orders!(project_members: Email JoinedAt Name Role; members, project_members::Filter::default());
        orders!(roles: CreatedAt Name Rank; [roles::Of::Organization(organization)], roles::Filter::default());
        let of = teams::Of { organization, viewer: None };
        orders!(teams: CreatedAt MemberCount Name; [of], teams::Filter::default());
        let filter = team_members::Filter { now, search: None, roles: None, statuses: None };
        orders!(team_members: AddedAt Email Name Role; [team_members::Of::User(organization, person)], filter);
        let filter = invitations::Filter {
            statuses: None,
            now,
            search: None,
            to_project: None,
            roles: None,
            projects: None,
            teams: None,
            created: invitations::TimeRange::default(),
            expires: invitations::TimeRange::default(),
        };
        orders!(invitations: CreatedAt Email ExpiresAt Status; [invitations::Of::Organization(organization)], filter);
    }
    // Of four kinds, three are wrong, in both directions.
    assert_eq!(refused, 28 * 3 * 2);
}
