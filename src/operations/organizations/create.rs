//! Creates an organization with its roles and its owner.

use chrono::Days;
use serde_json::json;
use url::Url;

use super::super::{
    Operation, Transaction,
    input::{UserRef, text_refusal, user_by_ref, wanted_slug},
};
use crate::{
    access::Viewer,
    domain::{
        email::Email,
        event::EventKind,
        id::{OrganizationId, OrganizationMemberId, RoleId},
        organization::{PlanTier, Visibility},
        role::{BuiltInRole, RoleScope},
        slug::Slug,
        text::{self, fold},
    },
    error::{Code, Detail, Error, Refusal, Result},
    store::{
        organization_members::{self, OrganizationMember},
        organizations::{self, Counts, Organization},
        roles::{self, Role},
        users::{self, User},
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
    pub email: Option<String>,
    pub visibility: Visibility,
    pub owner: Option<UserRef>,
}

impl Operation for Create {
    type Output = OrganizationId;

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<OrganizationId> {
        let owner = self.owner(tx).await?;
        let mut organization = self.checked(tx)?;
        let id = organization.id;

        users::lock(tx.conn, owner.id).await?;
        let (limit, owned) = (tx.app.limits.owned_organizations, users::owned_organizations(tx.conn, owner.id).await?);
        if owned >= i64::from(limit) {
            let actual = i32::try_from(owned).unwrap_or(i32::MAX);
            let refusal = Refusal::new(Code::LimitReached, format!("One person may own {limit} organizations."));
            return Err(refusal.with(Detail::Limit { limit, actual }).into());
        }

        let slug = self.free_slug(tx).await?;
        organization.slug = slug.to_string();
        organization.search_text = Organization::searched_by(&organization.name, &slug);
        organizations::insert(tx.conn, &organization).await?;
        if !organizations::take_slug(tx.conn, &slug, id).await? {
            return Err(taken(&slug).into());
        }

        let roles = built_in_roles(tx, id);
        roles::insert(tx.conn, &roles).await?;
        let owner_role = roles.first().ok_or_else(|| Error::internal("an organization has no owner role"))?;
        let member = OrganizationMember::new(OrganizationMemberId(tx.id()), &owner, owner_role, tx.now);
        organization_members::insert(tx.conn, std::slice::from_ref(&member)).await?;

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
            json!({ "user": owner.id.to_string(), "role": owner_role.key }),
        )
        .map(|()| id)
    }
}

impl Create {
    async fn owner(&self, tx: &mut Transaction<'_>) -> Result<User> {
        match (tx.viewer, &self.owner) {
            (Viewer::Person(user), None) => Ok(user.clone()),
            (Viewer::Operator, Some(owner)) => {
                let found = user_by_ref(tx.conn, owner).await?;
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
            (Viewer::Key(_), _) => {
                Err(Refusal::new(Code::Forbidden, "An API key belongs to one organization and creates no others.")
                    .into())
            }
            (Viewer::Nobody, _) => Err(Error::Unauthenticated),
        }
    }

    /// The new row, but for its slug; all problems of the input are reported together.
    fn checked(&self, tx: &Transaction<'_>) -> Result<Organization> {
        let mut refusals = Vec::new();
        let mut check = |field: &'static str, result: Result<String, Refusal>| match result {
            Ok(value) => Some(value),
            Err(refusal) => {
                refusals.push(refusal.at([field]));
                None
            }
        };
        let name = check("name", text::name(&self.name).map_err(|error| text_refusal(&error))).unwrap_or_default();
        let description = self.description.as_ref().and_then(|description| {
            check(
                "description",
                text::paragraph(description, text::DESCRIPTION_MAX).map_err(|error| text_refusal(&error)),
            )
        });
        let logo_url = self.logo_url.as_ref().and_then(|logo| check("logoUrl", web_address(logo)));
        let website = self.website.as_ref().and_then(|website| check("website", web_address(website)));
        let email = self.email.as_ref().and_then(|email| {
            let read = Email::parse(email).map(|email| email.to_string());
            check("email", read.ok_or_else(|| Refusal::new(Code::Invalid, "This is no e-mail address.")))
        });
        if let Some(slug) = &self.slug {
            check("slug", free_to_take(slug).map(|slug| slug.to_string()));
        }
        if !refusals.is_empty() {
            return Err(Error::Refused(refusals));
        }
        let trial_ends_at = tx.app.trial_days.and_then(|days| tx.now.checked_add_days(Days::new(days.into())));
        Ok(Organization {
            id: OrganizationId(tx.id()),
            slug: String::new(),
            sort_name: fold(&name),
            search_text: String::new(),
            name,
            description,
            logo_url,
            website,
            industry: None,
            email: email.as_deref().and_then(Email::parse),
            phone: None,
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
        })
    }

    /// The slug that is wanted, or a free one made from the name.
    async fn free_slug(&self, tx: &mut Transaction<'_>) -> Result<Slug> {
        if let Some(wanted) = &self.slug {
            let slug = free_to_take(wanted)?;
            return if organizations::is_taken(tx.conn, &slug).await? { Err(taken(&slug).into()) } else { Ok(slug) };
        }
        let plain = Slug::from_name(&self.name, "organization", "");
        if !plain.is_reserved() && !organizations::is_taken(tx.conn, &plain).await? {
            return Ok(plain);
        }
        Ok(Slug::from_name(&self.name, "organization", &super::super::suffix(tx.id())))
    }
}

/// A slug that an organization may have.
fn free_to_take(text: &str) -> Result<Slug, Refusal> {
    let slug = wanted_slug(text)?;
    if slug.is_reserved() {
        return Err(Refusal::new(Code::Invalid, format!("{slug} is reserved; take another.")).at(["slug"]));
    }
    Ok(slug)
}

fn taken(slug: &Slug) -> Refusal {
    Refusal::new(Code::Taken, format!("{slug} is or was the slug of an organization.")).at(["slug"])
}

fn web_address(text: &str) -> Result<String, Refusal> {
    let refused = || Refusal::new(Code::Invalid, "Give an absolute address that starts with https:// or http://.");
    let url = Url::parse(text.trim()).map_err(|_not_a_url| refused())?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.as_str().len() <= 2048;
    if is_web { Ok(url.into()) } else { Err(refused()) }
}

/// The roles every organization has, at both levels; Owner of the organization comes first.
fn built_in_roles(tx: &Transaction<'_>, organization: OrganizationId) -> Vec<Role> {
    let levels = [RoleScope::Organization, RoleScope::Project];
    levels
        .into_iter()
        .flat_map(|scope| BuiltInRole::ALL.iter().map(move |role| (scope, *role)))
        .map(|(scope, role)| Role::built_in(organization, RoleId(tx.id()), scope, role, tx.now))
        .collect()
}
