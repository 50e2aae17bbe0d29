//! The rows of an organization, its members and its projects.

use std::rc::Rc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    super::Failure,
    fixed::{Of, Shuffle, first_day, id, milliseconds, number, today},
    invitations::status,
    people::People,
    plan::Size,
};
use crate::{
    domain::{
        email::Email,
        event::EventKind,
        id::{OrganizationId, OrganizationMemberId, ProjectId, ProjectMemberId, RoleId, UserId},
        industry::INDUSTRIES,
        invitation::InvitationStatus,
        organization::{ActorKind, PlanTier, Visibility},
        role::{BuiltInRole, RoleScope},
        slug::Slug,
        text::fold,
    },
    store::{
        events::Event, organization_members::OrganizationMember, organizations, project_members::ProjectMember,
        projects::Project, roles::Role, users::User,
    },
};

/// Every so many members, one is an admin; the first of them is in this place.
const ADMIN_EVERY: u64 = 50;
const FIRST_ADMIN: u64 = 7;

/// An organization of the data set. Members, projects and invitations are counted from 0; member 0 owns it.
pub struct Organization<'a> {
    /// How large it is.
    pub size: Size,
    /// Id.
    pub id: OrganizationId,
    /// Name.
    pub name: String,
    /// Slug.
    pub slug: Slug,
    /// When its owner made it.
    pub created_at: DateTime<Utc>,
    /// Roles in the organization, but for Guest.
    pub roles: Roles,
    /// The role of those who are there for a project alone.
    pub guest: Role,
    /// Roles in its projects.
    pub project_roles: Roles,
    people: &'a People,
    /// Who of all people is in which place: members first, then everybody else.
    places: Shuffle,
}

/// The built-in roles of one level.
pub struct Roles {
    /// Owner.
    pub owner: Role,
    /// Admin.
    pub admin: Role,
    /// Member.
    pub member: Role,
    /// Viewer.
    pub viewer: Role,
}

/// Where an organization is found.
pub struct OrganizationSlug {
    /// Slug.
    pub slug: String,
    /// Whose it is.
    pub organization_id: OrganizationId,
}

impl<'a> Organization<'a> {
    /// The organization of this size, among these people.
    pub fn new(size: Size, people: &'a People) -> Self {
        let of_year = milliseconds(number(Of::Organization, size.index, 2) % (365 * 86_400_000));
        let created_at = first_day() + TimeDelta::days(365) + of_year;
        let organization = OrganizationId(id(Of::Organization, size.index, 0, created_at));
        let (plain_name, name) = people.names.organization(size.index);
        let roles = |scope, first| Roles {
            owner: role(organization, size.index, scope, first, BuiltInRole::Owner, created_at),
            admin: role(organization, size.index, scope, first, BuiltInRole::Admin, created_at),
            member: role(organization, size.index, scope, first, BuiltInRole::Member, created_at),
            viewer: role(organization, size.index, scope, first, BuiltInRole::Viewer, created_at),
        };
        Self {
            size,
            id: organization,
            slug: Slug::from_name(&plain_name, "organization", ""),
            roles: roles(RoleScope::Organization, 0),
            guest: role(organization, size.index, RoleScope::Organization, 0, BuiltInRole::Guest, created_at),
            project_roles: roles(RoleScope::Project, 8),
            people,
            places: Shuffle::new(people.count, number(Of::Member, size.index, u64::from(u32::MAX))),
            name,
            created_at,
        }
    }

    /// Its row.
    pub fn row(&self) -> organizations::Organization {
        let pending = (0..self.size.invitations).filter(|index| status(*index) == InvitationStatus::Pending).count();
        let drawn = number(Of::Organization, self.size.index, 3);
        let visibility = if drawn.is_multiple_of(3) { Visibility::Public } else { Visibility::Private };
        let plan_tier = self.plan_tier();
        let in_trial = plan_tier == PlanTier::Free;
        organizations::Organization {
            id: self.id,
            slug: self.slug.to_string(),
            name: self.name.clone(),
            sort_name: fold(&self.name),
            search_text: organizations::Organization::searched_by(&self.name, &self.slug),
            description: (!drawn.is_multiple_of(5)).then(|| format!("{} and those who work with us.", self.name)),
            logo_url: drawn.is_multiple_of(7).then(|| format!("https://example.com/logos/{}.png", self.slug)),
            website: (!drawn.is_multiple_of(4)).then(|| format!("https://{}.example.com/", self.slug)),
            industry: INDUSTRIES
                .get(usize::try_from(drawn).unwrap_or_default() % INDUSTRIES.len())
                .map(|industry| industry.key.to_owned()),
            email: if drawn.is_multiple_of(2) {
                Email::parse(&format!("hello@{}.example.com", self.slug))
            } else {
                None
            },
            phone: None,
            visibility,
            plan_tier,
            trial_ends_at: in_trial.then(|| self.created_at + TimeDelta::days(14)),
            seat_limit: (plan_tier == PlanTier::Starter).then(|| count(self.size.members * 2 + 10)),
            member_count: count(self.size.members),
            project_count: count(self.size.projects),
            team_count: 0,
            pending_invitation_count: count(pending as u64),
            last_event: 1,
            version: 1,
            created_at: self.created_at,
            updated_at: self.created_at,
            roles_version: 1,
        }
    }

    /// The row that keeps its slug.
    pub fn slug_row(&self) -> OrganizationSlug {
        OrganizationSlug { slug: self.slug.to_string(), organization_id: self.id }
    }

    /// Its roles, Owner of the organization first.
    pub fn role_rows(&self) -> impl Iterator<Item = Role> + use<> {
        let level = |roles: &Roles| [&roles.owner, &roles.admin, &roles.member, &roles.viewer].map(Role::clone);
        level(&self.roles).into_iter().chain([self.guest.clone()]).chain(level(&self.project_roles))
    }

    /// All that is in its log.
    pub fn event(&self) -> Event {
        Event {
            organization_id: self.id,
            version: 1,
            id: id(Of::Event, self.size.index, 1, self.created_at),
            kind: EventKind::OrganizationCreated.as_str().to_owned(),
            actor_kind: ActorKind::User,
            actor_id: Some(self.user_id(0).0),
            subject_id: self.id.0,
            project_id: None,
            data: json!({ "slug": self.slug.as_str(), "name": self.name }),
            occurred_at: self.created_at,
        }
    }

    /// Larger ones pay more.
    fn plan_tier(&self) -> PlanTier {
        match self.size.members {
            1000.. => PlanTier::Enterprise,
            100.. => PlanTier::Premium,
            20.. => PlanTier::Starter,
            _ => PlanTier::Free,
        }
    }

    /// The person in a place: a member, or behind them somebody who is none.
    pub fn user(&self, place: u64) -> Result<User, Failure> {
        self.people.user(self.places.at(place))
    }

    /// As [`Self::user`], only the address.
    pub fn email(&self, place: u64) -> Result<Email, Failure> {
        self.people.email(self.places.at(place))
    }

    /// As [`Self::user`], only the id.
    pub fn user_id(&self, place: u64) -> UserId {
        self.people.user_id(self.places.at(place))
    }

    /// The address of somebody who never signed in.
    pub fn outsider(&self, index: u64) -> Result<Email, Failure> {
        self.people.email(self.people.count + self.size.invitations_before + index)
    }

    /// The role of a member.
    pub fn member_role(&self, member: u64) -> &Role {
        match member {
            0 => &self.roles.owner,
            _ if member % ADMIN_EVERY == FIRST_ADMIN => &self.roles.admin,
            _ if member % 10 == 3 => &self.roles.viewer,
            _ if member % 100 == 9 => &self.guest,
            _ => &self.roles.member,
        }
    }

    /// The member who invited around the time when this one joined: the owner, or an admin of before.
    pub fn inviter_of(&self, member: u64) -> u64 {
        let admins = (member + ADMIN_EVERY - 1 - FIRST_ADMIN) / ADMIN_EVERY;
        match number(Of::Invitation, self.size.index, member) % (admins + 1) {
            0 => 0,
            chosen => FIRST_ADMIN + ADMIN_EVERY * (chosen - 1),
        }
    }

    /// When a member joined: one after the other, until a month ago.
    pub fn joined_at(&self, member: u64) -> DateTime<Utc> {
        let time = today() - TimeDelta::days(30) - self.created_at;
        let pause = u64::try_from(time.num_milliseconds()).unwrap_or_default() / self.size.members;
        let wait = if member == 0 { 0 } else { number(Of::Member, self.size.index, member) % pause.max(1) };
        self.created_at + milliseconds(pause * member + wait)
    }

    /// A membership.
    pub fn member(&self, member: u64) -> Result<OrganizationMember, Failure> {
        let (user, role, joined_at) = (self.user(member)?, self.member_role(member), self.joined_at(member));
        let id = OrganizationMemberId(id(Of::Member, self.size.index, member, joined_at));
        let inviter = self.was_invited(member).then(|| self.user_id(self.inviter_of(member)).0);
        Ok(OrganizationMember {
            invited_by_kind: inviter.map(|_| ActorKind::User),
            invited_by_id: inviter,
            ..OrganizationMember::new(id, &user, role, joined_at)
        })
    }

    /// The members whose projects these are, the owner of the project first.
    fn project_places(&self, project: u64) -> Shuffle {
        Shuffle::new(self.size.members, number(Of::ProjectMember, self.size.index, project))
    }

    /// Made by its owner when they had joined.
    pub fn project_created_at(&self, project: u64) -> DateTime<Utc> {
        self.joined_at(self.project_places(project).at(0)) + TimeDelta::hours(1)
    }

    /// The id of a project.
    pub fn project_id(&self, project: u64) -> ProjectId {
        ProjectId(id(Of::Project, self.size.index, project, self.project_created_at(project)))
    }

    /// A project.
    pub fn project(&self, project: u64) -> Project {
        let name = self.people.names.project(self.size.index, project);
        let slug = Slug::from_name(&name, "project", "");
        let created_at = self.project_created_at(project);
        Project {
            organization_id: self.id,
            id: self.project_id(project),
            slug: slug.to_string(),
            sort_name: fold(&name),
            search_text: Project::searched_by(&name, &slug),
            description: (!project.is_multiple_of(3)).then(|| format!("What {name} is about.")),
            name,
            member_count: count(self.size.project_members(project)),
            version: 1,
            created_at,
            updated_at: created_at,
        }
    }

    /// Memberships of a project.
    pub fn project_members(
        self: Rc<Self>,
        project: u64,
    ) -> impl Iterator<Item = Result<ProjectMember, Failure>> + use<'a> {
        let (places, project_id) = (self.project_places(project), self.project_id(project));
        let created_at = self.project_created_at(project);
        (0..self.size.project_members(project)).map(move |index| {
            let (member, role) = (places.at(index), self.project_role(index));
            let joined_at = created_at.max(self.joined_at(member)) + milliseconds(index * 250);
            // So that places of one project do not reach into the next.
            let id = ProjectMemberId(id(Of::ProjectMember, self.size.index, project << 22 | index, joined_at));
            Ok(ProjectMember::new(id, project_id, &self.user(member)?, role, joined_at))
        })
    }

    fn project_role(&self, index: u64) -> &Role {
        match index {
            0 => &self.project_roles.owner,
            _ if index % 20 == 5 => &self.project_roles.admin,
            _ if index % 5 == 3 => &self.project_roles.viewer,
            _ => &self.project_roles.member,
        }
    }
}

fn role(
    organization: OrganizationId,
    index: u64,
    scope: RoleScope,
    first: u64,
    role: BuiltInRole,
    now: DateTime<Utc>,
) -> Role {
    Role::built_in(organization, RoleId(id(Of::Role, index, first + role as u64, now)), scope, role, now)
}

/// A counter of the schema; the command line keeps them small enough.
fn count(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
