//! Creates an organization with its roles and its owner.

use chrono::Days;
use serde_json::json;

use super::{
    super::{
        Operation, Transaction,
        input::{UserRef, description, name},
        patch::Problems,
    },
    may, profile,
};
use crate::{
    access::Viewer,
    domain::{
        event::EventKind,
        id::{OrganizationId, OrganizationMemberId, RoleId, UserId},
        organization::{PlanTier, Visibility},
        role::{BuiltInRole, RoleScope},
        slug::Slug,
        text::fold,
    },
    error::{Code, Error, Refusal, Result},
    store::{
        organization_members::{self, OrganizationMember},
        organizations::{self, Counts, Organization},
        roles::{self, Role},
        users::{self, Listed},
    },
};

/// Creates an organization owned by the viewer or, for the operator, by whom they name.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Create {
    pub name: String,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub logo_url: Option<String>,
    pub website: Option<String>,
    pub industry: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub visibility: Visibility,
    pub owner: Option<UserRef>,
}

impl Operation for Create {
    type Output = OrganizationId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<OrganizationId> {
        tx.see_again().await?;
        let id = OrganizationId(tx.id());
        let allowed = tx.viewer.may_found(id)?;
        let owner = self.owner(tx).await?;
        let mut organization = self.checked(tx, id)?;

        users::lock(tx.conn, owner).await?;
        may::own(&tx.app.limits, users::owned_organizations(tx.conn, owner).await?)?;
        let owner = users::pin_one(tx.conn, owner).await?;

        let slug = self.free_slug(tx).await?;
        organization.slug = slug.to_string();
        organization.search_text = Organization::searched_by(&organization.name, &slug);
        let permit = allowed.under(&organizations::insert(tx.conn, &organization).await?)?;
        if !organizations::take_slug(tx.conn, &permit, &slug).await? {
            return Err(profile::taken(&slug).into());
        }

        let roles = built_in_roles(tx, id);
        roles::insert(tx.conn, &permit, &roles).await?;
        let owner_role = roles.first().ok_or_else(|| Error::internal("an organization has no owner role"))?;
        let member = OrganizationMember::new(OrganizationMemberId(tx.id()), &owner, owner_role, tx.now);
        organization_members::insert(tx.conn, &permit, std::slice::from_ref(&member)).await?;

        tx.count(id, Counts { members: 1, ..Counts::default() });
        tx.happened(
            id,
            EventKind::OrganizationCreated,
            id.0,
            None,
            json!({ "slug": slug.as_str(), "name": organization.name }),
        )?;
        tx.happened(
            id,
            EventKind::MemberJoined,
            member.id.0,
            None,
            json!({ "user": owner.id().to_string(), "role": owner_role.key }),
        )
        .map(|()| id)
    }
}

impl Create {
    /// Who will own it; keys, which own nothing, are refused before.
    async fn owner(&self, tx: &mut Transaction<'_>) -> Result<UserId> {
        match (&tx.viewer, &self.owner) {
            (Viewer::Person(user), None) => Ok(user.id),
            (Viewer::Operator, Some(owner)) => {
                let found = owner.find(tx.conn).await?.map(|user| user.id);
                found.ok_or_else(|| Refusal::not_found("person").at(["owner"]).into())
            }
            (Viewer::Operator, None) => {
                Err(Refusal::new(Code::Invalid, "Name the person who will own it.").at(["owner"]).into())
            }
            (Viewer::Person(_), Some(_)) => {
                Err(Refusal::new(Code::Forbidden, "Only the operator creates organizations for others.")
                    .at(["owner"])
                    .into())
            }
            (Viewer::Key(_) | Viewer::Nobody, _) => Err(Error::Unauthenticated),
        }
    }

    /// The new row, but for its slug; all problems of the input are reported together.
    fn checked(&self, tx: &Transaction<'_>, id: OrganizationId) -> Result<Organization> {
        let mut problems = Problems::default();
        let name = problems.check("name", name(&self.name)).unwrap_or_default();
        let description = self.description.as_deref().and_then(|text| problems.check("description", description(text)));
        let logo_url = self.logo_url.as_deref().and_then(|text| problems.check("logoUrl", profile::web_address(text)));
        let website = self.website.as_deref().and_then(|text| problems.check("website", profile::web_address(text)));
        let industry = self.industry.as_deref().and_then(|key| problems.check("industry", profile::industry(key)));
        let email = self.email.as_deref().and_then(|text| problems.check("email", profile::email(text)));
        let phone = self.phone.as_deref().and_then(|text| problems.check("phone", profile::phone(text)));
        if let Some(slug) = &self.slug {
            problems.check("slug", profile::slug(slug));
        }
        problems.none()?;
        let trial_ends_at = tx.app.trial_days.and_then(|days| tx.now.checked_add_days(Days::new(days.into())));
        Ok(Organization {
            id,
            slug: String::new(),
            sort_name: fold(&name),
            search_text: String::new(),
            name,
            description,
            logo_url,
            website,
            industry,
            email,
            phone,
            visibility: self.visibility,
            plan_tier: PlanTier::Free,
            trial_ends_at,
            seat_limit: None,
            member_count: 0,
            project_count: 0,
            team_count: 0,
            pending_invitation_count: 0,
            last_event: 0,
            version: 1,
            created_at: tx.now,
            updated_at: tx.now,
            roles_version: 1,
        })
    }

    /// The slug that is wanted, or a free one made from the name.
    async fn free_slug(&self, tx: &mut Transaction<'_>) -> Result<Slug> {
        if let Some(wanted) = &self.slug {
            let slug = profile::slug(wanted)?;
            return if organizations::is_taken(tx.conn, &slug).await? {
                Err(profile::taken(&slug).into())
            } else {
                Ok(slug)
            };
        }
        let plain = Slug::from_name(&self.name, "organization", "");
        if !plain.is_reserved() && !organizations::is_taken(tx.conn, &plain).await? {
            return Ok(plain);
        }
        Ok(Slug::from_name(&self.name, "organization", &super::super::suffix(tx.id())))
    }
}

/// The roles every organization has, at both levels; Owner of the organization comes first.
fn built_in_roles(tx: &Transaction<'_>, organization: OrganizationId) -> Vec<Role> {
    let levels = [RoleScope::Organization, RoleScope::Project];
    levels
        .into_iter()
        .flat_map(|scope| BuiltInRole::of(scope).map(move |role| (scope, role)))
        .map(|(scope, role)| Role::built_in(organization, RoleId(tx.id()), scope, role, tx.now))
        .collect()
}
