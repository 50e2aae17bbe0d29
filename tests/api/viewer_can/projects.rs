//! Of projects and their members.

use serde_json::json;

use super::{acme, answers, said};
use crate::support::Roster;

const PROJECT: &str = "{ project(by: {path: {organization: \"acme\", project: \"apollo\"}}) { viewerCan {
  update { ...all } delete { ...all } leave { ...all } transferOwnership { ...all } inviteMembers { ...all } addMembers { ...all } } } }
  fragment all on Capability { allowed code message requiredPermission }";

#[tokio::test(flavor = "multi_thread")]
async fn of_a_project() {
    let roster = Roster::start().await;
    let actors = acme(&roster).await;
    let apollo = "project: {path: {organization: \"acme\", project: \"apollo\"}}";
    let mutations = [
        (
            "update",
            format!("projectUpdate(input: {{{apollo}, name: null}}) {{ userErrors {{ code }} }}"),
            &["BLANK"][..],
        ),
        (
            "delete",
            format!("projectDelete(input: {{{apollo}, expectedVersion: 99}}) {{ userErrors {{ code }} }}"),
            &["STALE_VERSION"],
        ),
        (
            "transferOwnership",
            format!(
                "projectOwnershipTransfer(input: {{{apollo}, newOwner: {{email: \"olga@example.com\"}}}}) {{ userErrors {{ code }} }}"
            ),
            &[],
        ),
        (
            "inviteMembers",
            format!(
                "projectInvite(input: {{{apollo}, emails: [\"new@example.com\"], role: {{key: \"nothing\"}}}}) {{ userErrors {{ code }} }}"
            ),
            &["NOT_FOUND"],
        ),
        (
            "addMembers",
            format!("projectMembersAdd(input: {{{apollo}, members: []}}) {{ userErrors {{ code }} }}"),
            &["INVALID"],
        ),
    ];
    let (before, mut seen) = (roster.content().await, Vec::new());
    for actor in &actors {
        let project = actor.data(PROJECT, json!({})).await["project"].clone();
        for (capability, mutation, input) in &mutations {
            let answer = answers(actor, mutation, if project.is_null() { &[] } else { input }).await;
            if project.is_null() {
                // What is hidden has no capabilities.
                assert!(["NOT_FOUND", "FORBIDDEN"].contains(&answer.as_str()), "{} {capability} {answer}", actor.name);
            } else {
                assert_eq!(said(&project["viewerCan"][*capability]), answer, "{} {capability}", actor.name);
            }
        }
        if !project.is_null() {
            let leave = said(&project["viewerCan"]["leave"]);
            seen.push(format!("{} {leave}", actor.name));
            let mutation = format!("projectLeave(input: {{{apollo}}}) {{ userErrors {{ code }} }}");
            if leave != "allowed" {
                assert_eq!(answers(actor, &mutation, &[]).await, leave, "{}", actor.name);
            }
        }
    }
    assert_eq!(
        seen,
        [
            "operator NOT_FOUND",
            "alice NOT_FOUND",
            "olga OWNER_PROTECTED",
            "ada NOT_FOUND",
            "mel allowed",
            "pam allowed",
            "victor allowed",
            "gus allowed",
            "key NOT_FOUND",
            "key NOT_FOUND",
            "key NOT_FOUND"
        ]
    );
    assert_eq!(roster.content().await, before);
    let leave = format!("mutation {{ projectLeave(input: {{{apollo}}}) {{ userErrors {{ code }} }} }}");
    assert_eq!(roster.person("pam").refusals(&leave, json!({})).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_project_members() {
    const MEMBERS: &str = "{ project(by: {path: {organization: \"acme\", project: \"apollo\"}}) { members { nodes { id user { email } viewerCan { updateRole { ...all } remove { ...all } } } } } }
        fragment all on Capability { allowed code message requiredPermission }";
    let roster = Roster::start().await;
    let actors = acme(&roster).await;
    let (before, mut pairs, mut removable) = (roster.content().await, 0, None);
    for actor in &actors {
        let answer = actor.post(MEMBERS, json!({})).await;
        for member in answer.body["data"]["project"]["members"]["nodes"].as_array().into_iter().flatten() {
            let (id, can) = (member["id"].as_str().unwrap(), &member["viewerCan"]);
            let who = format!("{} with {}", actor.name, member["user"]["email"]);
            let update = format!(
                "projectMemberUpdateRole(input: {{member: {{id: \"{id}\"}}, role: {{key: \"viewer\"}}, expectedVersion: 99}}) {{ userErrors {{ code }} }}"
            );
            assert_eq!(
                said(&can["updateRole"]),
                answers(actor, &update, &["STALE_VERSION", "ROLE_NOT_ASSIGNABLE"]).await,
                "{who}"
            );
            let remove =
                format!("projectMemberRemove(input: {{member: {{id: \"{id}\"}}}}) {{ userErrors {{ code }} }}");
            if can["remove"]["allowed"] == true {
                removable.get_or_insert((actor.clone(), remove));
            } else {
                assert_eq!(said(&can["remove"]), answers(actor, &remove, &[]).await, "{who}");
            }
            pairs += 1;
        }
    }
    // Five members, seen by themselves, the owner, the admin, the operator and the keys.
    assert_eq!(pairs, 5 * 11);
    assert_eq!(roster.content().await, before);
    let (actor, remove) = removable.unwrap();
    assert_eq!(actor.refusals(&format!("mutation {{ {remove} }}"), json!({})).await, Vec::<String>::new());
}
