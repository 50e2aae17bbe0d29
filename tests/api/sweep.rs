//! What time brings about by itself.

use chrono::TimeDelta;
use futures_util::future::join_all;
use roster::operations::sweep::sweep;
use serde_json::json;

use crate::support::Roster;

#[tokio::test(flavor = "multi_thread")]
async fn invitations_lapse_once_whoever_sweeps() {
    let roster = Roster::start().await;
    let alice = roster.person("alice");
    let mut organizations = Vec::new();
    for name in ["Acme", "Beta"] {
        let organization = roster.organization(&alice, name).await;
        roster.invite(&alice, &organization, "a@example.com", "viewer").await;
        roster.invite(&alice, &organization, "b@example.com", "viewer").await;
        organizations.push(organization);
    }
    let before = roster.content().await;
    sweep(&roster.app).await.unwrap();
    assert_eq!(roster.content().await, before, "nothing has lapsed yet");

    roster.wait(TimeDelta::days(7));
    let sweeps = join_all((0..8).map(|_| {
        let app = roster.app.clone();
        tokio::spawn(async move { sweep(&app).await.unwrap() })
    }));
    sweeps.await.into_iter().for_each(Result::unwrap);
    let states = roster
        .texts("SELECT status || ' ' || resolved_by_kind || ' ' || (resolved_at = expires_at) FROM invitations")
        .await;
    assert_eq!(states, vec!["EXPIRED SYSTEM true"; 4]);
    let happened = roster.texts("SELECT actor_kind FROM events WHERE type = 'invitation.expired'").await;
    assert_eq!(happened, vec!["SYSTEM"; 4], "each once");
    roster.assert_counters().await;

    let alice = roster.person("alice");
    let query = "query($id: ID!) { organization(by: {id: $id}) { plan { seats { pending } } invitations(statuses: [EXPIRED]) { totalCount nodes { status resolvedBy { displayName } } } } }";
    let seen = alice.data(query, json!({ "id": organizations[0] })).await;
    assert_eq!(seen["organization"]["plan"]["seats"]["pending"], 0);
    assert_eq!(
        seen["organization"]["invitations"]["nodes"],
        json!(vec![json!({ "status": "EXPIRED", "resolvedBy": { "displayName": "Roster" } }); 2])
    );
}
