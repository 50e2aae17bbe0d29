mod client;
mod operations;

use std::env;

use anyhow::{Context, Result, bail};
use cynic::{GraphQlResponse, Id, MutationBuilder, QueryBuilder};
use serde_json::{Value, json};

use crate::client::Client;
use crate::operations::{
    ApiKeysQuery, InviteMutation, InviteVariables, MembersQuery, MembersVariables, Organization,
    OrganizationInviteInput, OrganizationMemberRefInput, OrganizationMemberRemoveInput, OrganizationRefInput, Owner,
    RemoveMutation, RemoveVariables, SlugVariables, User, UserErrorCode,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let [slug, email] = &env::args().skip(1).collect::<Vec<_>>()[..] else {
        bail!("usage: roster-client ORGANIZATION EMAIL");
    };
    let client = Client::from_env()?;

    let (owner, members, total_count) = list_members(&client, slug).await?;
    let emails = std::iter::once(&email[..]).chain(owner.user.email.as_deref()).collect();
    let (organization, api_keys) = count_api_keys(&client, slug).await?;
    let seen = json!({
        "members": members,
        "totalCount": total_count,
        "organization": organization,
        "apiKeys": api_keys,
        "invited": invite(&client, slug, emails).await?,
        "removed": remove(&client, owner.id).await?,
    });
    println!("{seen}");
    Ok(())
}

async fn list_members(client: &Client, slug: &str) -> Result<(Owner, Vec<String>, i32)> {
    let mut members = Vec::new();
    let mut after = None;
    loop {
        let query = MembersQuery::build(MembersVariables { slug, after });
        let Some(Organization { owner: Some(owner), members: Some(page) }) = client.get(query).await?.organization
        else {
            bail!("There is no organization {slug} that you may see.");
        };
        members.extend(page.nodes.into_iter().map(|node| line(node.user)));
        if !page.page_info.has_next_page {
            return Ok((owner, members, page.total_count));
        }
        after = page.page_info.end_cursor;
    }
}

fn line(user: User) -> String {
    match user.email {
        Some(email) => format!("{} <{email}>", user.display_name),
        None => user.display_name,
    }
}

async fn invite(client: &Client, slug: &str, emails: Vec<&str>) -> Result<Vec<Value>> {
    let input = OrganizationInviteInput { organization: OrganizationRefInput::Slug(slug), emails };
    let data = client.get(InviteMutation::build(InviteVariables { input })).await?;
    let payload = data.organization_invite.context("no payload")?;
    let Some(results) = payload.results else {
        let messages: Vec<_> = payload.user_errors.into_iter().map(|error| error.message).collect();
        bail!(messages.join(" "));
    };
    let results = results.into_iter().map(|result| {
        json!({
            "email": result.email,
            "status": result.status,
            "invitation": result.invitation.map(|invitation| json!({
                "status": invitation.status,
                "expiresOn": invitation.expires_at.strftime("%F").to_string(),
            })),
            "codes": result.user_errors.into_iter().map(|error| error.code).collect::<Vec<_>>(),
        })
    });
    Ok(results.collect())
}

async fn remove(client: &Client, id: Id) -> Result<Vec<UserErrorCode>> {
    let input = OrganizationMemberRemoveInput { member: OrganizationMemberRefInput::Id(id) };
    let data = client.get(RemoveMutation::build(RemoveVariables { input })).await?;
    let payload = data.organization_member_remove.context("no payload")?;
    Ok(payload.user_errors.into_iter().map(|error| error.code).collect())
}

async fn count_api_keys(client: &Client, slug: &str) -> Result<(String, Value)> {
    let GraphQlResponse { data, errors } = client.ask(ApiKeysQuery::build(SlugVariables { slug })).await?;
    let organization = data.and_then(|data| data.organization).context("no organization")?;
    let code = errors.into_iter().flatten().find_map(|error| error.extensions).map(|extensions| extensions.code);
    let api_keys = organization.api_keys.map_or_else(|| json!(code), |keys| json!(keys.total_count));
    Ok((organization.name, api_keys))
}
