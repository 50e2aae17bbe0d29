//! Questions that are answered by one row, or by a few.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use chrono::{DateTime, Utc};

use crate::{
    access::{Backend, OrganizationAccess, Permission, ProjectAccess, TeamAccess, Viewer},
    domain::{
        email::Email,
        id::{
            ApiKeyId, InvitationId, OrganizationId, OrganizationMemberId, ProjectId, ProjectMemberId, RoleId, TeamId,
            TeamMemberId, UserId,
        },
    },
    error::{Error, Refusal, Result},
    graphql::context::Reader,
    operations::invitations::ReceivedInvitation,
    store::{
        Connection,
        api_keys::{self, Which},
        invitation_projects::{self, ProjectGrant},
        invitation_teams::{self, TeamGrant},
        invitations::{self, InvitationAndMail, Revival},
        mails, organization_members,
        organizations::{self, OrganizationName},
        project_members, projects,
        roles::{self, Role},
        team_members, teams,
        users::{self, Person, User},
    },
};

/// Loaders on `shared` connections, or on connections that are `read` from by one at a time.
macro_rules! loaders {
    ($lent:ident: $($(#[$doc:meta])* $key:ident($($part:ty),+) -> $value:ty { |$reader:ident, $conn:ident, $keys:ident| $body:expr })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Hash)]
            pub struct $key($(pub $part),+);

            impl Loader<$key> for Reader {
                type Value = $value;
                type Error = Error;

                async fn load(&self, $keys: &[$key]) -> Result<HashMap<$key, $value>> {
                    let $reader = self;
                    loaders!(@lend $lent, self.app.db, $conn, $body)
                }
            }
        )*
    };
    (@lend shared, $db:expr, $conn:ident, $body:expr) => {{
        let connection = $db.shared().await?;
        let $conn = &*connection;
        Ok($body)
    }};
    (@lend read, $db:expr, $conn:ident, $body:expr) => {{
        let mut connection = $db.read().await?;
        let $conn = &mut *connection;
        Ok($body)
    }};
}

/// Organizations as the viewer finds them, as far as they may know of them.
async fn organizations_of(
    reader: &Reader,
    conn: &Connection,
    ids: impl Iterator<Item = OrganizationId>,
) -> Result<HashMap<OrganizationId, Arc<OrganizationAccess>>> {
    let mut ids: Vec<OrganizationId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let found = organizations::with_membership(conn, &ids, reader.viewer.user_id()).await?;
    let visible = found.into_iter().filter_map(|row| OrganizationAccess::of(&reader.app.policy, &reader.viewer, row));
    Ok(visible.map(|access| (access.organization.id, access)).collect())
}

fn firsts<K: Copy, T>(keys: &[T], of: impl Fn(&T) -> K) -> Vec<K> {
    keys.iter().map(of).collect()
}

// What an index leads to.
loaders! { shared:
    /// An organization, if the viewer may know of it.
    OrganizationById(OrganizationId) -> Arc<OrganizationAccess> { |reader, conn, keys| {
        let found = organizations::with_membership(conn, &firsts(keys, |key| key.0), reader.viewer.user_id()).await?;
        let visible = found.into_iter().filter_map(|row| OrganizationAccess::of(&reader.app.policy, &reader.viewer, row));
        visible.map(|access| (OrganizationById(access.organization.id), access)).collect()
    }}

    /// What the invitees of an organization are told of it, whether or not they may know more.
    OrganizationNameOf(OrganizationId) -> OrganizationName { |_reader, conn, keys| {
        let found = organizations::names(conn, &firsts(keys, |key| key.0)).await?;
        found.into_iter().map(|name| (OrganizationNameOf(name.id), name)).collect()
    }}

    /// The name of a project, as its invitees are told it.
    ProjectNameOf(ProjectId) -> String { |_reader, conn, keys| {
        let found = projects::names(conn, &firsts(keys, |key| key.0)).await?;
        found.into_iter().map(|(id, name)| (ProjectNameOf(id), name)).collect()
    }}

    /// The name of a team, as its invitees are told it.
    TeamNameOf(TeamId) -> String { |_reader, conn, keys| {
        let found = teams::names(conn, &firsts(keys, |key| key.0)).await?;
        found.into_iter().map(|(id, name)| (TeamNameOf(id), name)).collect()
    }}

    /// The roles of an organization: few, so all of them.
    RolesOf(OrganizationId) -> Arc<Vec<Role>> { |_reader, conn, keys| {
        let mut roles: HashMap<RolesOf, Vec<Role>> = keys.iter().map(|key| (key.clone(), Vec::new())).collect();
        for role in roles::of_organizations(conn, &firsts(keys, |key| key.0)).await? {
            roles.entry(RolesOf(role.organization_id)).or_default().push(role);
        }
        roles.into_iter().map(|(key, roles)| (key, Arc::new(roles))).collect()
    }}

    /// A role, of whatever organization.
    RoleById(RoleId) -> Role { |_reader, conn, keys| {
        roles::by_ids(conn, &firsts(keys, |key| key.0)).await?.into_iter().map(|role| (RoleById(role.id), role)).collect()
    }}

    /// Which roles the viewer has in the projects of an organization.
    ViewerProjectRoles(OrganizationId) -> Vec<RoleId> { |reader, conn, keys| {
        let mut roles: HashMap<ViewerProjectRoles, Vec<RoleId>> = keys.iter().map(|key| (key.clone(), Vec::new())).collect();
        if let Some(viewer) = reader.viewer.user_id() {
            for (organization, role) in project_members::roles_of_user(conn, &firsts(keys, |key| key.0), viewer).await? {
                roles.entry(ViewerProjectRoles(organization)).or_default().push(role);
            }
        }
        roles
    }}

    /// A person.
    UserById(UserId) -> Person { |_reader, conn, keys| {
        users::by_ids(conn, &firsts(keys, |key| key.0)).await?.into_iter().map(|user| (UserById(user.id), user.into())).collect()
    }}

    /// Who has an address, verified.
    InviteeOf(Email) -> User { |_reader, conn, keys| {
        let emails: Vec<Email> = keys.iter().map(|key| key.0.clone()).collect();
        users::holders(conn, &emails).await?.into_iter().map(|(email, user)| (InviteeOf(email), user)).collect()
    }}

    /// A membership of an organization.
    MemberById(OrganizationMemberId) -> organization_members::Membership { |_reader, conn, keys| {
        let found = organization_members::by_ids(conn, &firsts(keys, |key| key.0)).await?;
        found.into_iter().map(|found| (MemberById(found.id), found)).collect()
    }}

    /// Somebody's membership of an organization.
    MemberOf(OrganizationId, UserId) -> organization_members::Membership { |_reader, conn, keys| {
        let found = organization_members::by_users(conn, &firsts(keys, |key| (key.0, key.1))).await?;
        found.into_iter().map(|found| (MemberOf(found.organization_id, found.user_id), found)).collect()
    }}

    /// The owner of an organization.
    OwnerOf(OrganizationId) -> organization_members::Membership { |_reader, conn, keys| {
        let found = organization_members::owners(conn, &firsts(keys, |key| key.0)).await?;
        found.into_iter().map(|found| (OwnerOf(found.organization_id), found)).collect()
    }}

    /// A project with its organization, if the viewer may know of it.
    ProjectById(ProjectId) -> Arc<ProjectAccess> { |reader, conn, keys| {
        let user = reader.viewer.user_id();
        let found = projects::with_membership(conn, &firsts(keys, |key| key.0), user).await?;
        let organizations = organizations_of(reader, conn, found.iter().map(|(project, ..)| project.organization_id)).await?;
        let visible = found.into_iter().filter_map(|(project, _, role)| {
            let organization = organizations.get(&project.organization_id)?;
            ProjectAccess::of(organization, project, role.as_ref().map(|role| reader.app.policy.of_role(role)))
        });
        visible.map(|access| (ProjectById(access.project.id), Arc::new(access))).collect()
    }}

    /// A membership of a project.
    ProjectMemberById(ProjectMemberId) -> project_members::Membership { |_reader, conn, keys| {
        let found = project_members::by_ids(conn, &firsts(keys, |key| key.0)).await?;
        found.into_iter().map(|found| (ProjectMemberById(found.id), found)).collect()
    }}

    /// Somebody's membership of a project.
    ProjectMemberOf(ProjectId, UserId) -> project_members::Membership { |_reader, conn, keys| {
        let found = project_members::by_users(conn, &firsts(keys, |key| (key.0, key.1))).await?;
        found.into_iter().map(|found| (ProjectMemberOf(found.project_id, found.user_id), found)).collect()
    }}

    /// The owner of a project.
    ProjectOwnerOf(OrganizationId, ProjectId) -> project_members::Membership { |_reader, conn, keys| {
        let found = project_members::owners(conn, &firsts(keys, |key| (key.0, key.1))).await?;
        found.into_iter().map(|found| (ProjectOwnerOf(found.organization_id, found.project_id), found)).collect()
    }}

    /// A team with its organization, if the viewer may know of it.
    TeamById(TeamId) -> Arc<TeamAccess> { |reader, conn, keys| {
        let user = reader.viewer.user_id();
        let found = teams::with_membership(conn, &firsts(keys, |key| key.0), user).await?;
        let organizations = organizations_of(reader, conn, found.iter().map(|found| found.team.organization_id)).await?;
        let visible = found.into_iter().filter_map(|found| {
            let organization = organizations.get(&found.team.organization_id)?;
            TeamAccess::of(organization, found)
        });
        visible.map(|access| (TeamById(access.team.id), Arc::new(access))).collect()
    }}

    /// A membership of a team.
    TeamMemberById(TeamMemberId) -> team_members::TeamMember { |_reader, conn, keys| {
        let found = team_members::by_ids(conn, &firsts(keys, |key| key.0)).await?;
        found.into_iter().map(|found| (TeamMemberById(found.id), found)).collect()
    }}

    /// Somebody's membership of a team.
    TeamMemberOf(TeamId, UserId) -> team_members::TeamMember { |_reader, conn, keys| {
        let found = team_members::by_users(conn, &firsts(keys, |key| (key.0, key.1))).await?;
        found.into_iter().filter_map(|found| Some((TeamMemberOf(found.team_id, found.user_id?), found))).collect()
    }}

    /// The teams that an invitation grants.
    TeamGrantsOf(OrganizationId, InvitationId) -> Vec<TeamGrant> { |_reader, conn, keys| {
        let mut grants: HashMap<TeamGrantsOf, Vec<TeamGrant>> = keys.iter().map(|key| (key.clone(), Vec::new())).collect();
        for grant in invitation_teams::of(conn, &firsts(keys, |key| key.0), &firsts(keys, |key| key.1)).await? {
            grants.entry(TeamGrantsOf(grant.organization_id, grant.invitation_id)).or_default().push(grant);
        }
        grants
    }}

    /// An invitation, of whatever organization.
    InvitationById(InvitationId) -> InvitationAndMail { |_reader, conn, keys| {
        let found = invitations::by_ids(conn, &firsts(keys, |key| key.0)).await?;
        found.into_iter().map(|found| (InvitationById(found.invitation.id), found)).collect()
    }}

    /// The projects that an invitation grants.
    GrantsOf(OrganizationId, InvitationId) -> Vec<ProjectGrant> { |_reader, conn, keys| {
        let mut grants: HashMap<GrantsOf, Vec<ProjectGrant>> = keys.iter().map(|key| (key.clone(), Vec::new())).collect();
        for grant in invitation_projects::of(conn, &firsts(keys, |key| key.0), &firsts(keys, |key| key.1)).await? {
            grants.entry(GrantsOf(grant.organization_id, grant.invitation_id)).or_default().push(grant);
        }
        grants
    }}

    /// An API key, of whatever organization, with what it may do now.
    ApiKeyById(ApiKeyId) -> Arc<Backend> { |reader, conn, keys| {
        let found = api_keys::with_roles(conn, Which::Ids(&firsts(keys, |key| key.0))).await?;
        let keys = found.into_iter().map(|found| Backend::of(&reader.app.policy, found));
        keys.map(|key| (ApiKeyById(key.id), Arc::new(key))).collect()
    }}
}

// What is counted, or looked for.
loaders! { read:
    /// How many members have a role.
    RoleMembers(OrganizationId, RoleId) -> i64 { |_reader, conn, keys| {
        let counts = roles::member_counts(conn, &firsts(keys, |key| (key.0, key.1))).await?;
        keys.iter().cloned().zip(counts).collect()
    }}

    /// How much a role is in use.
    RoleUses(OrganizationId, RoleId) -> roles::Uses { |reader, conn, keys| {
        let uses = roles::uses(conn, &firsts(keys, |key| (key.0, key.1)), reader.now).await?;
        keys.iter().cloned().zip(uses).collect()
    }}

    /// Whether the viewer sees somebody beside themselves, as a member of an organization or of a project of theirs.
    Sees(UserId) -> () { |reader, conn, keys| {
        let ids = firsts(keys, |key| key.0);
        let seen = match reader.viewer.as_ref() {
            Viewer::Operator => ids,
            Viewer::Person(viewer) => users::seen_by(conn, viewer.id, &reader.app.policy.sight(), &ids).await?,
            Viewer::Key(key) => {
                let shows = |permissions: &[Permission]| permissions.iter().all(|needed| key.effective.has(*needed));
                let everywhere = reader.app.policy.in_projects(key.effective).union(key.effective);
                let in_projects = [Permission::ProjectRead, Permission::ProjectMembersRead];
                if shows(&[Permission::MembersRead]) && key.project_id.is_none() {
                    organization_members::among(conn, key.organization_id, &ids).await?
                } else if in_projects.iter().all(|needed| everywhere.has(*needed)) {
                    project_members::people_among(conn, key.organization_id, key.project_id, &ids).await?
                } else {
                    Vec::new()
                }
            }
            Viewer::Nobody => Vec::new(),
        };
        seen.into_iter().map(|user| (Sees(user), ())).collect()
    }}

    /// How many organizations somebody owns; absent when none.
    OwnedBy(UserId) -> i64 { |_reader, conn, keys| {
        let counts = users::owned_counts(conn, &firsts(keys, |key| key.0)).await?;
        counts.into_iter().map(|(user, count)| (OwnedBy(user), count)).collect()
    }}

    /// How many active API keys an organization has; absent when none.
    ActiveKeysOf(OrganizationId) -> i64 { |reader, conn, keys| {
        let counts = api_keys::active_counts(conn, &firsts(keys, |key| key.0), reader.now).await?;
        counts.into_iter().map(|(organization, count)| (ActiveKeysOf(organization), count)).collect()
    }}

    /// When the mails of an invitation were asked for, newest first.
    RequestsOf(OrganizationId, InvitationId) -> Vec<(InvitationId, i32, DateTime<Utc>)> { |_reader, conn, keys| {
        let mut requests: HashMap<RequestsOf, Vec<_>> = keys.iter().map(|key| (key.clone(), Vec::new())).collect();
        let organizations: HashMap<InvitationId, OrganizationId> = keys.iter().map(|key| (key.1, key.0)).collect();
        let found = mails::requested_at(conn, &firsts(keys, |key| key.0), &firsts(keys, |key| key.1)).await?;
        for request in found {
            if let Some(organization) = organizations.get(&request.0) {
                requests.entry(RequestsOf(*organization, request.0)).or_default().push(request);
            }
        }
        requests
    }}

    /// What stands in the way of opening an expired invitation to an address again: whether it names a member by now,
    /// and the rest.
    RevivalOf(OrganizationId, Email) -> (bool, Revival) { |reader, conn, keys| {
        let wanted: Vec<_> = keys.iter().map(|key| (key.0, key.1.clone())).collect();
        let members = organization_members::by_addresses(conn, &wanted).await?;
        let found = invitations::revivals(conn, &wanted, reader.now).await?;
        let is_member = wanted.iter().map(|key| members.contains_key(key));
        keys.iter().cloned().zip(is_member.zip(found)).collect()
    }}

    /// Why the viewer cannot accept an invitation that was sent to them, if they cannot. An inbox is short: each
    /// is judged by itself, as the mutation does.
    AcceptanceOf(InvitationId) -> Option<Refusal> { |reader, conn, keys| {
        let mut judged = HashMap::new();
        for found in invitations::by_ids(conn, &firsts(keys, |key| key.0)).await? {
            let id = found.invitation.id;
            let refusal = match ReceivedInvitation::of(&reader.viewer, found.invitation, None) {
                Ok(received) => match received.may_accept(conn, &reader.app.policy, reader.now).await {
                    Ok(_) => None,
                    Err(Error::Refused(refusals)) => refusals.into_iter().next(),
                    Err(error) => return Err(error),
                },
                Err(refusal) => Some(refusal),
            };
            judged.insert(AcceptanceOf(id), refusal);
        }
        judged
    }}
}
