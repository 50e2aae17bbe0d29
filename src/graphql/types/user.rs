//! `User`.

use std::borrow::Cow;

use async_graphql::{Context, ID, Object, parser::types::Field};

use crate::{
    domain::{
        email::{Address, Email},
        id::UserId,
    },
    error::Result,
    graphql::{
        at_hand::{AtHand, Writer},
        context::RequestContext,
        loaders::{Sees, UserById},
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
    Named(UserId, &'a Address, &'a String),
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
    fn shown(&self) -> (UserId, &Address, &String) {
        match self {
            Self::Whole(person) => person.shown(),
            Self::Named(id, email, name) => (*id, email, name),
        }
    }
}

impl User<'_> {
    /// A person whom the viewer may see: themselves, whom an organization or a project of theirs shows them and, for the
    /// operator, everybody.
    pub async fn find(ctx: &Context<'_>, id: UserId) -> Result<Option<User<'static>>> {
        let visible = ctx.viewer().user_id() == Some(id) || ctx.load(Sees(id)).await?.is_some();
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
            "email" => to.value(&email.get().map(Email::as_str)),
            _ => None,
        }
    }
}

/// A person. Visible to those who may list the members of an organization or a project that they are in.
#[Object]
impl User<'_> {
    /// Opaque ID, `usr_…`.
    pub async fn id(&self) -> ID {
        self.shown().0.to_string().into()
    }

    /// Full name, or the email when no name is set; `No name` when there is neither.
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

    /// Primary email, as the identity provider tells it. Null for somebody whose email was verified for another person
    /// since, until they sign in with another one.
    async fn email(&self) -> Option<&str> {
        self.shown().1.get().map(Email::as_str)
    }

    /// Whether the identity provider vouches for the email. Only then it names the person: in input, and to invitations.
    async fn email_verified(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.whole(ctx).await?.email_verified)
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
