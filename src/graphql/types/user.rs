//! `User`.

use std::borrow::Cow;

use async_graphql::{Context, ID, Object};

use crate::{
    access::{Permission, Viewer},
    domain::id::UserId,
    error::Result,
    graphql::{
        context::RequestContext,
        loaders::{MemberOf, SharesOrganization, UserById},
        scalars::{DateTime, Url},
    },
    store::users,
};

/// A person.
#[derive(Clone, Debug)]
pub struct User<'a>(pub Cow<'a, users::Person>);

impl From<users::Person> for User<'_> {
    fn from(person: users::Person) -> Self {
        Self(Cow::Owned(person))
    }
}

impl<'a> From<&'a users::Person> for User<'a> {
    fn from(person: &'a users::Person) -> Self {
        Self(Cow::Borrowed(person))
    }
}

impl User<'_> {
    /// A person whom the viewer may see: themselves, whom they share an organization with and, for the
    /// operator, everybody.
    pub async fn find(ctx: &Context<'_>, id: UserId) -> Result<Option<User<'static>>> {
        let visible = match ctx.viewer().as_ref() {
            Viewer::Operator => true,
            Viewer::Person(viewer) => viewer.id == id || ctx.load(SharesOrganization(id)).await?.is_some(),
            Viewer::Key(key) => {
                let sees_members = ctx.app().policy.of_key(key).has(Permission::MembersRead);
                sees_members && ctx.load(MemberOf(key.organization_id, id)).await?.is_some()
            }
            Viewer::Nobody => false,
        };
        if visible { Ok(ctx.load(UserById(id)).await?.map(Into::into)) } else { Ok(None) }
    }
}

/// A person. Visible to people who share an organization with them.
#[Object]
impl User<'_> {
    /// Opaque ID, `usr_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Full name, or the email when no name is set.
    pub async fn display_name(&self) -> &String {
        &self.0.display_name
    }

    /// Given name.
    async fn first_name(&self) -> Option<&str> {
        self.0.first_name.as_deref()
    }

    /// Family name.
    async fn last_name(&self) -> Option<&str> {
        self.0.last_name.as_deref()
    }

    /// Primary email, as the identity provider tells it.
    async fn email(&self) -> &str {
        self.0.email.as_str()
    }

    /// Picture.
    async fn avatar_url(&self) -> Option<Url> {
        self.0.avatar_url.clone().map(Url)
    }

    /// This is the viewer.
    async fn is_viewer(&self, ctx: &Context<'_>) -> bool {
        ctx.viewer().user_id() == Some(self.0.id)
    }

    /// When the account was first seen here.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}
