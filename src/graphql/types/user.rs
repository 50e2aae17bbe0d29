//! `User`.

use std::borrow::Cow;

use async_graphql::{Context, ID, Object, parser::types::Field};

use crate::{
    access::{Permission, Viewer},
    domain::{email::Email, id::UserId},
    error::Result,
    graphql::{
        at_hand::{AtHand, Writer},
        context::RequestContext,
        loaders::{MemberOf, SharesOrganization, UserById},
        scalars::{DateTime, Url},
    },
    store::users::{self, Listed, Person},
};

/// A person.
#[derive(Clone, Debug)]
pub enum User<'a> {
    /// All that is shown of them.
    Whole(Box<Person>),
    /// What a membership says of them: id, address and name. Whoever asks for more has it loaded.
    Named(UserId, &'a Email, &'a String),
}

impl From<Person> for User<'_> {
    fn from(person: Person) -> Self {
        Self::Whole(Box::new(person))
    }
}

impl From<users::User> for User<'_> {
    fn from(user: users::User) -> Self {
        Person::from(user).into()
    }
}

impl<'a, T: Listed> From<&'a T> for User<'a> {
    fn from(member: &'a T) -> Self {
        let (id, email, name) = member.shown();
        Self::Named(id, email, name)
    }
}

impl Listed for User<'_> {
    fn shown(&self) -> (UserId, &Email, &String) {
        match self {
            Self::Whole(person) => person.shown(),
            Self::Named(id, email, name) => (*id, email, name),
        }
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

    /// All of them.
    async fn whole(&self, ctx: &Context<'_>) -> Result<Cow<'_, Person>> {
        match self {
            Self::Whole(person) => Ok(Cow::Borrowed(person)),
            Self::Named(id, ..) => ctx.load_present(UserById(*id)).await.map(Cow::Owned),
        }
    }
}

impl AtHand for User<'_> {
    fn write(&self, field: &Field, to: &mut Writer<'_>) -> Option<()> {
        let (id, email, name) = self.shown();
        match field.name.node.as_str() {
            "id" => to.word(id),
            "displayName" => to.value(name),
            "email" => to.value(email.as_str()),
            _ => None,
        }
    }
}

/// A person. Visible to people who share an organization with them.
#[Object]
impl User<'_> {
    /// Opaque ID, `usr_…`.
    pub async fn id(&self) -> ID {
        self.shown().0.to_string().into()
    }

    /// Full name, or the email when no name is set.
    pub async fn display_name(&self) -> &String {
        self.shown().2
    }

    /// Given name.
    async fn first_name(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.whole(ctx).await.map(|person| person.first_name.clone()).transpose()
    }

    /// Family name.
    async fn last_name(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.whole(ctx).await.map(|person| person.last_name.clone()).transpose()
    }

    /// Primary email, as the identity provider tells it.
    async fn email(&self) -> &str {
        self.shown().1.as_str()
    }

    /// Picture.
    async fn avatar_url(&self, ctx: &Context<'_>) -> Option<Result<Url>> {
        self.whole(ctx).await.map(|person| person.avatar_url.clone().map(Url)).transpose()
    }

    /// This is the viewer.
    async fn is_viewer(&self, ctx: &Context<'_>) -> bool {
        ctx.viewer().user_id() == Some(self.shown().0)
    }

    /// When the account was first seen here.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(self.whole(ctx).await?.created_at.into())
    }
}
