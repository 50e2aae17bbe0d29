//! The families, and the chance that they grow by.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::support::http::post;

/// Numbers that are the same in every run.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// Sizes from one to `most`, small and large ones as often.
    fn size(&mut self, most: usize) -> usize {
        let bits = self.below(most.ilog2() as usize + 1) + 1;
        (self.below(1 << bits) + 1).min(most)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn text(&mut self, length: usize, of: &[&str]) -> String {
        (0..length).map(|_| self.pick(of)).collect()
    }
}

/// A name, and a generator of requests.
pub type Family = (&'static str, fn(&mut Random) -> Request<Body>);

fn document(text: impl Into<String>) -> Request<Body> {
    post(json!({ "query": text.into() }).to_string())
}

fn with_variables(text: impl Into<String>, variables: Value) -> Request<Body> {
    post(json!({ "query": text.into(), "variables": variables }).to_string())
}

fn nested(random: &mut Random, open: &str, inside: &str, close: &str) -> String {
    let depth = random.size(60_000);
    let closed = if random.below(4) == 0 { 0 } else { depth };
    format!("{}{inside}{}", open.repeat(depth), close.repeat(closed))
}

fn numbered(count: usize, of: impl Fn(usize) -> String) -> String {
    (0..count).map(of).collect::<Vec<_>>().join(" ")
}

const GOOD: &str = "query A($slug: String = \"acme\", $first: Int) { organization(by: {slug: $slug}) { id name ...F @include(if: true) projects(first: $first) { nodes { id ... on Node { id } } } } } fragment F on Organization { members(first: 3) { totalCount edges { cursor node { role { name } user { displayName } } } } }";
const PARTS: [&str; 36] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ":",
    "!",
    "$",
    "@",
    "...",
    "on",
    "query",
    "mutation",
    "subscription",
    "fragment",
    "organization",
    "members",
    "first",
    "nodes",
    "id",
    "__schema",
    "__typename",
    "null",
    "true",
    "1",
    "-1.5e9",
    "\"a\"",
    "\"\"\"b\"\"\"",
    "&",
    "=",
    "|",
    "#\n",
    ",",
    " ",
    "\u{feff}",
];
const ODD: [&str; 14] = [
    "\u{0}",
    "\u{7}",
    "\u{1b}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{fffe}",
    "é",
    "日本",
    "😀",
    "\u{1f468}\u{200d}\u{1f469}",
    "ﷺ",
    "\\u0000",
    "\\u{1f600}",
];

/// All families.
#[expect(clippy::too_many_lines, reason = "a table, one entry after another")]
pub fn families() -> Vec<Family> {
    vec![
        ("lists in lists", |r| document(format!("{{ node(id: {}) {{ id }} }}", nested(r, "[", "1", "]")))),
        ("objects in objects", |r| document(format!("{{ node(id: {}) {{ id }} }}", nested(r, "{a:", "1", "}")))),
        ("fields in fields", |r| document(nested(r, "{viewer", "{id}", "}"))),
        ("real fields in real fields", |r| {
            document(format!(
                "{{ viewer {{ memberships {} }} }}",
                nested(r, "{nodes{organization{members", "{totalCount}", "}}}")
            ))
        }),
        ("lists of types", |r| document(format!("query($a: {}) {{ __typename }}", nested(r, "[", "Int", "]")))),
        ("parentheses", |r| document(nested(r, "(", "a", ")"))),
        ("brackets of all kinds", |r| {
            let length = r.size(20_000);
            document(r.text(length, &["{", "[", "(", "{a(b:", "[[", "}", "]"]))
        }),
        ("brackets behind strings", |r| {
            let before =
                r.pick(&["\"\"\"x\"", "\"\"", "\"\\\"", "\"\"\"\\\"\"\"", "#\"\n", "\"\\", "\"\"\"\"", "\"\n"]);
            document(format!("{{ node(id: [{before} {}", nested(r, "[", "1", "]")))
        }),
        ("inline fragments in inline fragments", |r| document(format!("{{{}", nested(r, "...{", "id", "}")))),
        ("strings without an end", |r| {
            let size = r.size(200_000);
            let quote = r.pick(&["\"", "\"\"\"", "\"\\", "\"\"\"\\"]);
            document(format!("{{ node(id: {quote}{}", "x".repeat(size)))
        }),
        ("long strings", |r| {
            let size = r.size(250_000);
            document(format!("{{ node(id: \"{}\") {{ id }} }}", "x".repeat(size)))
        }),
        ("long block strings", |r| {
            let lines = r.size(60_000);
            document(format!("{{ node(id: \"\"\"{}\"\"\") {{ id }} }}", " x\n".repeat(lines)))
        }),
        ("escapes", |r| {
            let size = r.size(30_000);
            let text = r.text(size, &["\\n", "\\u0041", "\\uD83D\\uDE00", "\\uD83D", "\\x", "\\\"", "\\\\"]);
            document(format!("{{ node(id: \"{text}\") {{ id }} }}"))
        }),
        ("long numbers", |r| {
            let size = r.size(200_000);
            let number = r.pick(&["9", "0", "1.", "1e", "-", "0x", "1.5e-"]);
            document(format!("{{ organizations(first: {number}{}) {{ totalCount }} }}", "9".repeat(size)))
        }),
        ("long names", |r| {
            let size = r.size(200_000);
            let name = "a".repeat(size);
            document(match r.below(5) {
                0 => format!("{{ {name} }}"),
                1 => format!("{{ {name}: __typename }}"),
                2 => format!("{{ ...{name} }}"),
                3 => format!("query {name} {{ __typename @{name} }}"),
                _ => format!("query(${name}: {name}) {{ __typename }}"),
            })
        }),
        ("many fields", |r| document(format!("{{ {} }}", "viewer { actor { displayName } } ".repeat(r.size(5_000))))),
        ("many fields that are not there", |r| {
            document(format!("{{ {} }}", numbered(r.size(5_000), |n| format!("field{n}"))))
        }),
        ("many aliases", |r| document(format!("{{ {} }}", numbered(r.size(5_000), |n| format!("a{n}: __typename"))))),
        ("aliases of pages", |r| {
            let page = "organizations(first: 100) { nodes { id } }";
            document(format!("{{ {} }}", numbered(r.size(100), |n| format!("a{n}: {page}"))))
        }),
        ("the same field again and again", |r| {
            let field = r.pick(&[
                "__typename",
                "viewer { actor { displayName } }",
                "organization(by: {slug: \"acme\"}) { id name }",
            ]);
            document(format!("{{ {} }}", format!("{field} ").repeat(r.size(4_000))))
        }),
        ("fields that have to be merged", |r| {
            let width = r.size(40);
            let inner = "members { nodes { user { id } } } ".repeat(width);
            let outer = r.size(40);
            document(format!("{{ {} }}", format!("organization(by: {{slug: \"a\"}}) {{ {inner} }} ").repeat(outer)))
        }),
        ("fields that conflict", |r| {
            document(format!(
                "{{ {} }}",
                numbered(r.size(1_000), |n| format!(
                    "a: organization(by: {{slug: \"s{n}\"}}) {{ b{}: id c: name }}",
                    n % 7
                ))
            ))
        }),
        ("fragments that conflict", |r| {
            let count = r.size(60);
            let fragments = numbered(count, |n| {
                format!(
                    "fragment F{n} on Organization {{ a: {} ...F{} }}",
                    if n % 2 == 0 { "id" } else { "name" },
                    (n + 1) % count
                )
            });
            document(format!(
                "{{ organization(by: {{slug: \"a\"}}) {{ {} }} }} {fragments}",
                numbered(count, |n| format!("...F{n}"))
            ))
        }),
        ("bombs of fragments", |r| {
            let count = r.size(120);
            let spreads = r.below(9) + 2;
            let fragments = numbered(count, |n| {
                format!("fragment F{n} on Query {{ {} }}", format!("...F{} ", n + 1).repeat(spreads))
            });
            document(format!("{{ ...F0 }} {fragments} fragment F{count} on Query {{ __typename }}"))
        }),
        ("bombs of fragments in fields", |r| {
            let count = r.size(60);
            let fragments = numbered(count, |n| {
                format!(
                    "fragment F{n} on OrganizationMember {{ a{n}: organization {{ viewerMembership {{ ...F{m} ...F{m} }} }} }}",
                    m = n + 1
                )
            });
            document(format!(
                "{{ viewer {{ memberships {{ nodes {{ ...F0 }} }} }} }} {fragments} fragment F{count} on OrganizationMember {{ id }}"
            ))
        }),
        ("fragments in circles", |r| {
            let count = r.size(200);
            document(format!(
                "{{ ...F0 }} {}",
                numbered(count, |n| format!("fragment F{n} on Query {{ __typename ...F{} }}", (n + 1) % count))
            ))
        }),
        ("fragments that nobody uses", |r| {
            document(format!(
                "{{ __typename }} {}",
                numbered(r.size(2_000), |n| format!("fragment F{n} on Query {{ __typename }}"))
            ))
        }),
        ("fragments that are not there", |r| {
            document(format!("{{ {} }}", numbered(r.size(3_000), |n| format!("...F{n}"))))
        }),
        ("fragments of the same name", |r| {
            document(format!("{{ ...F }} {}", "fragment F on Query { __typename } ".repeat(r.size(3_000))))
        }),
        ("chains of fragments", |r| {
            let count = r.size(2_000);
            document(format!(
                "{{ ...F0 }} {} fragment F{count} on Query {{ __typename }}",
                numbered(count, |n| format!("fragment F{n} on Query {{ ...F{} }}", n + 1))
            ))
        }),
        ("fragments on types where they cannot be", |r| {
            let kind = r.pick(&[
                "Query",
                "Mutation",
                "Node",
                "User",
                "String",
                "Nothing",
                "OrganizationRefInput",
                "__Type",
                "Actor",
            ]);
            document(format!(
                "{{ node(id: \"a\") {{ {} }} }}",
                format!("... on {kind} {{ id }} ").repeat(r.size(1_500))
            ))
        }),
        ("many directives", |r| {
            document(format!(
                "{{ __typename {} }}",
                r.pick(&["@skip(if: false) ", "@include(if: true) ", "@nothing ", "@deprecated ", "@skip "])
                    .repeat(r.size(3_000))
            ))
        }),
        ("directives on many fields", |r| {
            document(format!("{{ {} }}", "__typename @skip(if: false) @include(if: true) ".repeat(r.size(800))))
        }),
        ("directives on everything else", |r| {
            let many = r.pick(&["@a ", "@include(if: true) "]).repeat(r.size(1_000));
            document(format!(
                "query A($v: Int {many}) {many} {{ ...F {many} ... on Query {many} {{ __typename }} }} fragment F on Query {many} {{ __typename }}"
            ))
        }),
        ("many variables", |r| {
            let count = r.size(2_000);
            document(format!("query({}) {{ __typename }}", numbered(count, |n| format!("$v{n}: Int = {n}"))))
        }),
        ("variables that are used and not defined", |r| {
            document(format!(
                "{{ {} }}",
                numbered(r.size(1_500), |n| format!("organizations(first: $v{n}) {{ totalCount }}"))
            ))
        }),
        ("variables in variables", |r| {
            let depth = r.size(40);
            document(format!(
                "query($v: OrganizationRefInput = {}) {{ organization(by: $v) {{ id }} }}",
                ["{slug: ".repeat(depth), "$v".to_owned(), "}".repeat(depth)].concat()
            ))
        }),
        ("variables of depth", |r| {
            let depth = r.size(120);
            let mut value = json!(1);
            for _ in 0..depth {
                value = if r.below(2) == 0 { json!([value]) } else { json!({ "a": value }) };
            }
            with_variables("query($id: ID!) { node(id: $id) { id } }", json!({ "id": value }))
        }),
        ("variables of width", |r| {
            let ids: Vec<String> = (0..r.size(20_000)).map(|n| format!("org_{n}")).collect();
            with_variables("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids }))
        }),
        ("variables nobody asked for", |r| {
            let variables: BTreeMap<String, usize> = (0..r.size(15_000)).map(|n| (format!("v{n}"), n)).collect();
            with_variables("{ __typename }", json!(variables))
        }),
        ("long variables", |r| {
            let text = r.pick(&["x", "é", "\u{0}", "\\", "%", "_", "\"", "'"]).repeat(r.size(60_000));
            with_variables(
                "query($slug: String!, $id: ID!) { organization(by: {slug: $slug}) { id } node(id: $id) { id } }",
                json!({ "slug": text, "id": text }),
            )
        }),
        ("variables of other types", |r| {
            let values = [
                json!(null),
                json!(true),
                json!(-1),
                json!(1e300),
                json!(u64::MAX),
                json!("x"),
                json!([]),
                json!([[]]),
                json!({}),
                json!({ "id": null }),
                json!({ "id": "a", "slug": "b" }),
                json!({ "x": 1 }),
            ];
            let value = |r: &mut Random| values[r.below(values.len())].clone();
            let query = "query($by: OrganizationRefInput!, $first: Int, $order: OrganizationMemberOrder, $search: String, $at: DateTimeRangeInput) { organization(by: $by) { members(first: $first, orderBy: $order, filter: {search: $search}) { totalCount } invitations(filter: {createdAt: $at}) { totalCount } } }";
            with_variables(
                query,
                json!({ "by": value(r), "first": value(r), "order": value(r), "search": value(r), "at": value(r) }),
            )
        }),
        ("many operations", |r| document(numbered(r.size(1_500), |n| format!("query Q{n} {{ __typename }}")))),
        ("operations of the same name", |r| {
            document(r.pick(&["query Q { __typename } ", "{ __typename } "]).repeat(r.size(1_000)))
        }),
        ("names of operations", |r| {
            let name = r.pick(&["A", "", "x", "\u{0}", "😀"]).repeat(r.size(50_000));
            post(json!({ "query": "query A { __typename } query B { __typename }", "operationName": name }).to_string())
        }),
        ("the schema through itself", |r| {
            let step = r.pick(&[
                "fields{type",
                "possibleTypes",
                "interfaces",
                "fields{args{type",
                "ofType",
                "inputFields{type",
                "types",
            ]);
            let closing = step.matches('{').count() + 1;
            let depth = r.size(60);
            document(format!(
                "{{__schema{{types{{{}name{}}}}}}}",
                format!("{step}{{").repeat(depth),
                "}".repeat(closing * depth)
            ))
        }),
        ("the schema under many names", |r| {
            let what = r.pick(&[
                "__schema { types { name } }",
                "__type(name: \"Organization\") { fields { name args { name } } }",
                "__type(name: \"x\") { name }",
            ]);
            document(format!("{{ {} }}", numbered(r.size(300), |n| format!("a{n}: {what}"))))
        }),
        ("marks and letters", |r| {
            let size = r.size(20_000);
            let text = r.text(size, &ODD);
            document(match r.below(4) {
                0 => text,
                1 => format!("{{ {text} }}"),
                2 => format!("{{ node(id: \"{text}\") {{ id }} }}"),
                _ => format!("# {text}\n{{ __typename }}"),
            })
        }),
        ("long comments", |r| {
            let size = r.size(200_000);
            document(format!("#{}\n{{ __typename }}", r.pick(&["x", "#", "{", "\"", "\\"]).repeat(size)))
        }),
        ("nothing but white space", |r| {
            document(r.pick(&[" ", ",", "\n", "\t", "\u{feff}", "#\n"]).repeat(r.size(60_000)))
        }),
        ("white space between", |r| {
            let space = r.pick(&[" ", ",", "\n", "\r\n", "#\n"]).repeat(r.size(40_000));
            document(format!("{{{space}__typename{space}}}"))
        }),
        ("JSON that is none", |r| {
            let good = json!({ "query": GOOD, "variables": { "a": [1, 2, { "b": null }] } }).to_string();
            let mut bytes = good.into_bytes();
            for _ in 0..r.size(20) {
                let at = r.below(bytes.len());
                match r.below(3) {
                    0 => bytes[at] = u8::try_from(r.below(256)).unwrap(),
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, b"{}[]\",:\\"[r.below(8)]),
                }
            }
            post(bytes)
        }),
        ("JSON of depth", |r| {
            let (open, close) = if r.below(2) == 0 { ("[", "]") } else { ("{\"a\":", "}") };
            post(nested(r, open, "1", close))
        }),
        ("JSON with depth beside the query", |r| {
            let deep = nested(r, "[", "1", "]");
            post(format!("{{\"query\":\"{{ __typename }}\",\"{}\":{deep}}}", r.pick(&["x", "variables", "extensions"])))
        }),
        ("JSON that says things twice", |r| {
            post(format!(
                "{{{}\"query\":\"{{ __typename }}\"}}",
                "\"query\":\"{ id }\",\"variables\":{},".repeat(r.size(4_000))
            ))
        }),
        ("JSON that is no object", |r| {
            post(
                r.pick(&[
                    "null",
                    "7",
                    "\"{ __typename }\"",
                    "[]",
                    "true",
                    "[{\"query\":\"{__typename}\"}]",
                    "1e999",
                    "-",
                ])
                .repeat(r.below(3)),
            )
        }),
        ("batches", |r| post(format!("[{}]", vec!["{\"query\":\"{ __typename }\"}"; r.size(8_000)].join(",")))),
        ("bytes that are no text", |r| {
            let bytes: Vec<u8> = (0..r.size(100_000)).map(|_| u8::try_from(r.below(256)).unwrap()).collect();
            post(bytes)
        }),
        ("parameters of other types", |r| {
            let values = [json!(7), json!([]), json!({}), json!(true), json!("x"), json!(null), json!([[[]]])];
            let value = |r: &mut Random| values[r.below(values.len())].clone();
            post(json!({ "query": value(r), "operationName": value(r), "variables": value(r), "extensions": value(r), "documentId": value(r) }).to_string())
        }),
        ("types of content", |r| {
            let kind = r.pick(&[
                "text/plain",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "application/graphql",
                "application/json;;;",
                "a/b/c",
                "",
                "application/json, text/html",
                "\"",
                "application/*",
            ]);
            let mut request = document("{ __typename }");
            request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
            request
        }),
        ("forms of answers", |r| {
            let size = r.size(5_000);
            let accept = r.text(
                size,
                &["application/json", "text/event-stream", ",", ";q=", "0", ".", "1", "*/*", ";", " ", "é", "=", "\""],
            );
            let mut request = document("{ __typename }");
            request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_bytes(accept.as_bytes()).unwrap());
            request
        }),
        ("credentials", |r| {
            let size = r.size(9_000);
            let token = r.text(size, &["a", ".", "eyJ", "rk_", "-", "_", "=", "Bearer ", "é"]);
            let mut request = document("{ __typename }");
            request.headers_mut().insert(
                header::AUTHORIZATION,
                header::HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).unwrap(),
            );
            request
        }),
        ("methods", |r| {
            let mut request = document("{ __typename }");
            *request.method_mut() =
                r.pick(&["PUT", "DELETE", "PATCH", "HEAD", "TRACE", "CONNECT", "BREW", "OPTIONS"]).parse().unwrap();
            request
        }),
        ("bodies that are too large", |r| {
            let size = r.size(2_000_000);
            post(format!("{{\"query\":\"{{ __typename }}\",\"x\":\"{}\"}}", "x".repeat(size)))
        }),
        ("addresses", |r| {
            let size = r.size(8_000);
            let query = r.text(
                size,
                &[
                    "query=",
                    "&",
                    "%7B",
                    "%",
                    "__typename",
                    "%7D",
                    "=",
                    "variables=",
                    "extensions=",
                    "%22",
                    "+",
                    "%00",
                    "%ff",
                ],
            );
            Request::get(format!("/graphql?{query}")).body(Body::empty()).unwrap()
        }),
        ("hashes", |r| {
            let size = r.size(5_000);
            let hash = r.text(size, &["0", "f", "F", "g", "é", "sha256:", ""]);
            let extensions = [
                json!({ "persistedQuery": { "sha256Hash": hash, "version": 1 } }),
                json!({ "persistedQuery": hash }),
                json!({ "persistedQuery": {} }),
                json!({ "cost": hash }),
            ];
            post(json!({ "documentId": if r.below(2) == 0 { Some(&hash) } else { None }, "extensions": extensions[r.below(4)] }).to_string())
        }),
        ("cursors", |r| {
            let size = r.size(5_000);
            let cursor = r.text(size, &["A", "_", "-", "z", "0", "=", "+", "é", " "]);
            with_variables(
                "query($after: String) { organizations(after: $after) { totalCount } viewer { memberships(before: $after) { totalCount } } }",
                json!({ "after": cursor }),
            )
        }),
        ("ids", |r| {
            let size = r.size(60);
            let tail = r.text(size, &["0", "1", "z", "Z", "_", "é", "-", "7"]);
            let id = format!("{}{tail}", r.pick(&["org_", "mem_", "inv_", "usr_", "prj_", "tme_", "", "_", "rol_"]));
            with_variables(
                "query($id: ID!) { node(id: $id) { id __typename } nodes(ids: [$id, $id]) { id } project(by: {id: $id}) { id } team(by: {id: $id}) { id } }",
                json!({ "id": id }),
            )
        }),
        ("sizes of pages", |r| {
            let sizes = [json!(-1), json!(0), json!(100), json!(101), json!(i32::MAX), json!(i32::MIN), json!(null)];
            let size = |r: &mut Random| sizes[r.below(sizes.len())].clone();
            let query = "query($a: Int, $b: Int, $c: Int) { organizations(first: $a, last: $b, offset: $c) { totalCount nodes { name members(first: $c) { totalCount } } } }";
            with_variables(query, json!({ "a": size(r), "b": size(r), "c": size(r) }))
        }),
        ("searches", |r| {
            let size = r.size(3_000);
            let search = r.text(size, &["%", "_", "\\", "a", "'", "\"", "é", "\u{0}", " ", ".*", "("]);
            with_variables(
                "query($search: String) { organizations(filter: {search: $search}) { totalCount nodes { name } } organization(by: {slug: \"acme\"}) { members(filter: {search: $search}) { totalCount } } }",
                json!({ "search": search }),
            )
        }),
        ("mutations by the dozen", |r| {
            let field = "invitationRevoke(input: {invitationId: \"inv_0\"}) { userErrors { code } }";
            document(format!("mutation {{ {} }}", numbered(r.size(200), |n| format!("a{n}: {field}"))))
        }),
        ("items by the thousand", |r| {
            let emails: Vec<String> = (0..r.size(8_000)).map(|n| format!("p{n}@example.com")).collect();
            let query = "mutation($emails: [String!]!) { organizationInvite(input: {organization: {slug: \"acme\"}, emails: $emails, dryRun: true}) { results { status } userErrors { code } } }";
            with_variables(query, json!({ "emails": emails }))
        }),
        ("addresses of mail", |r| {
            let size = r.size(2_000);
            let email =
                r.text(size, &["a", "@", ".", "é", "\r\n", "\u{202e}", "<", ">", "\"", " ", "xn--", "-", "日本"]);
            let query = "mutation($emails: [String!]!) { organizationInvite(input: {organization: {slug: \"acme\"}, emails: $emails, dryRun: true}) { results { status userErrors { code } } } }";
            with_variables(query, json!({ "emails": [email] }))
        }),
        ("subscriptions where there are none", |r| {
            document(format!("subscription {{ {} }}", "viewerInvitationChanged { id } ".repeat(r.size(500))))
        }),
        ("enums and choices", |r| {
            let by = r.pick(&[
                "{}",
                "{slug: \"a\", id: \"b\"}",
                "{slug: null}",
                "null",
                "[]",
                "ACME",
                "{slug: ACME}",
                "\"acme\"",
                "{nothing: 1}",
                "{slug: \"a\", slug: \"b\"}",
            ]);
            let order = r.pick(&[
                "{field: NAME}",
                "{field: \"NAME\"}",
                "{field: NOTHING}",
                "{direction: ASC}",
                "NAME",
                "{field: NAME, direction: 7}",
            ]);
            document(format!("{{ organization(by: {by}) {{ members(orderBy: {order}) {{ totalCount }} }} }}"))
        }),
        ("a good document, damaged", |r| {
            let mut words: Vec<&str> = GOOD.split(' ').collect();
            for _ in 0..r.size(8) {
                let (a, b) = (r.below(words.len()), r.below(words.len()));
                match r.below(4) {
                    0 => words.swap(a, b),
                    1 => drop(words.remove(a)),
                    2 => words.insert(a, words[b]),
                    _ => words.insert(a, r.pick(&PARTS)),
                }
            }
            with_variables(words.join(" "), json!({ "slug": "acme", "first": r.below(200) }))
        }),
        ("words by chance", |r| {
            let length = r.size(2_000);
            document(r.text(length, &PARTS))
        }),
    ]
}
