use cynic::{Enum, Id, InputObject, QueryFragment, QueryVariables};
use jiff::Timestamp;

#[cynic::schema("roster")]
mod schema {}

cynic::impl_scalar!(Timestamp, schema::DateTime);

#[derive(QueryVariables)]
pub struct MembersVariables<'a> {
    pub slug: &'a str,
    pub after: Option<String>,
}

#[derive(QueryFragment)]
#[cynic(graphql_type = "Query", variables = "MembersVariables")]
pub struct MembersQuery {
    #[arguments(by: { slug: $slug })]
    pub organization: Option<Organization>,
}

#[derive(QueryFragment)]
#[cynic(variables = "MembersVariables")]
pub struct Organization {
    pub owner: Option<Owner>,
    #[arguments(first: 2, after: $after)]
    pub members: Option<OrganizationMemberConnection>,
}

#[derive(QueryFragment)]
#[cynic(graphql_type = "OrganizationMember")]
pub struct Owner {
    pub id: Id,
    pub user: User,
}

#[derive(QueryFragment)]
pub struct OrganizationMemberConnection {
    pub total_count: i32,
    pub nodes: Vec<OrganizationMember>,
    pub page_info: PageInfo,
}

#[derive(QueryFragment)]
pub struct OrganizationMember {
    pub user: User,
}

#[derive(QueryFragment)]
pub struct User {
    pub display_name: String,
    pub email: Option<String>,
}

#[derive(QueryFragment)]
pub struct PageInfo {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

#[derive(QueryVariables)]
pub struct InviteVariables<'a> {
    pub input: OrganizationInviteInput<'a>,
}

#[derive(InputObject)]
pub struct OrganizationInviteInput<'a> {
    pub organization: OrganizationRefInput<'a>,
    pub emails: Vec<&'a str>,
}

#[derive(InputObject)]
pub enum OrganizationRefInput<'a> {
    Slug(&'a str),
}

#[derive(QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "InviteVariables")]
pub struct InviteMutation {
    #[arguments(input: $input)]
    pub organization_invite: Option<OrganizationInvitePayload>,
}

#[derive(QueryFragment)]
pub struct OrganizationInvitePayload {
    pub results: Option<Vec<InvitationResult>>,
    pub user_errors: Vec<UserError>,
}

#[derive(QueryFragment)]
pub struct InvitationResult {
    pub email: String,
    pub status: BulkItemStatus,
    pub invitation: Option<Invitation>,
    pub user_errors: Vec<UserError>,
}

#[derive(QueryFragment)]
pub struct Invitation {
    pub status: InvitationStatus,
    pub expires_at: Timestamp,
}

#[derive(QueryFragment)]
pub struct UserError {
    pub code: UserErrorCode,
    pub message: String,
}

#[derive(Enum)]
#[cynic(non_exhaustive)]
pub enum UserErrorCode {
    AlreadyMember,
    OwnerProtected,
    #[cynic(fallback)]
    Other(String),
}

#[derive(Enum)]
pub enum BulkItemStatus {
    Failed,
    Skipped,
    Succeeded,
}

#[derive(Enum)]
pub enum InvitationStatus {
    Accepted,
    Declined,
    Expired,
    Pending,
    Revoked,
}

#[derive(QueryVariables)]
pub struct RemoveVariables {
    pub input: OrganizationMemberRemoveInput,
}

#[derive(InputObject)]
pub struct OrganizationMemberRemoveInput {
    pub member: OrganizationMemberRefInput,
}

#[derive(InputObject)]
pub enum OrganizationMemberRefInput {
    Id(Id),
}

#[derive(QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RemoveVariables")]
pub struct RemoveMutation {
    #[arguments(input: $input)]
    pub organization_member_remove: Option<OrganizationMemberRemovePayload>,
}

#[derive(QueryFragment)]
pub struct OrganizationMemberRemovePayload {
    pub user_errors: Vec<UserError>,
}

#[derive(QueryVariables)]
pub struct SlugVariables<'a> {
    pub slug: &'a str,
}

#[derive(QueryFragment)]
#[cynic(graphql_type = "Query", variables = "SlugVariables")]
pub struct ApiKeysQuery {
    #[arguments(by: { slug: $slug })]
    pub organization: Option<OrganizationWithApiKeys>,
}

#[derive(QueryFragment)]
#[cynic(graphql_type = "Organization")]
pub struct OrganizationWithApiKeys {
    pub name: String,
    pub api_keys: Option<ApiKeyConnection>,
}

#[derive(QueryFragment)]
pub struct ApiKeyConnection {
    pub total_count: i32,
}
