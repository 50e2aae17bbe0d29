//! `Viewer`.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::{
    actor::Actor,
    api_key::ApiKey,
    invitation::{self, InvitationConnection, InvitationOrder, InvitationStatus},
    organization_member::{self, OrganizationMemberConnection, OrganizationMemberOrder},
    user::User,
};
use crate::{
    access,
    error::Result,
    graphql::{connection::PageArguments, context::RequestContext},
    store::{invitations, organization_members, users},
};

/// Who asks.
pub struct Viewer(pub Arc<access::Viewer>);

/// The authenticated actor.
#[Object]
impl Viewer {
    /// The person, null when an API key is used.
    async fn user(&self) -> Option<User<'_>> {
        self.0.person().map(|user| users::Person::from(user.clone()).into())
    }

    /// The API key, null when a person is signed in.
    async fn api_key(&self) -> Option<ApiKey> {
        if let access::Viewer::Key(key) = self.0.as_ref() { Some(ApiKey(Arc::new(key.clone()))) } else { None }
    }

    /// Whichever of the two.
    async fn actor(&self) -> Actor {
        match self.0.as_ref() {
            access::Viewer::Person(user) => Actor::User(users::Person::from(user.clone()).into()),
            access::Viewer::Key(key) => Actor::ApiKey(ApiKey(Arc::new(key.clone()))),
            access::Viewer::Operator | access::Viewer::Nobody => Actor::operator(),
        }
    }

    /// Organizations the viewer belongs to, with the role in each.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn memberships(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "First *n* items, 0–100 (0: just count). 25 when neither `first` nor `last` is given.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Last *n* items, 0–100. Not with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Skip *n* items (0–10000) counted from the start or from `after`: numbered pages. Not with `last`."
        )]
        offset: Option<i32>,
        #[graphql(desc = "Order.", default_with = "Some(OrganizationMemberOrder::by_joining())")] order_by: Option<
            OrganizationMemberOrder,
        >,
    ) -> Result<OrganizationMemberConnection> {
        let page = PageArguments { first, after, last, before, offset };
        // A nil id is nobody's: keys and the operator have no memberships.
        let of =
            organization_members::Of::User(self.0.user_id().unwrap_or(crate::domain::id::UserId(uuid::Uuid::nil())));
        let order_by = order_by.unwrap_or(OrganizationMemberOrder::by_joining());
        organization_member::list(ctx, of, None, organization_members::Filter::default(), Some(order_by), &page).await
    }

    /// Invitations sent to the viewer's verified emails.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "First *n* items, 0–100 (0: just count). 25 when neither `first` nor `last` is given.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Last *n* items, 0–100. Not with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Skip *n* items (0–10000) counted from the start or from `after`: numbered pages. Not with `last`."
        )]
        offset: Option<i32>,
        #[graphql(desc = "Only these statuses.", default_with = "Some(vec![InvitationStatus::Pending])")]
        statuses: Option<Vec<InvitationStatus>>,
        #[graphql(desc = "Order.", default_with = "Some(InvitationOrder::default())")] order_by: Option<
            InvitationOrder,
        >,
    ) -> Result<InvitationConnection> {
        let page = PageArguments { first, after, last, before, offset };
        let filter = invitation::filter(ctx, None, statuses, None).await?;
        match self.0.verified_email() {
            Some(email) => {
                invitation::list(ctx, invitations::Of::Invitee(email.clone()), filter, order_by, &page).await
            }
            None => invitation::none(ctx, &page),
        }
    }
}

impl Viewer {
    /// The viewer of a request; nobody when nobody is signed in.
    pub fn of(ctx: &Context<'_>) -> Option<Self> {
        let viewer = ctx.viewer();
        (!matches!(viewer.as_ref(), access::Viewer::Nobody)).then(|| Self(viewer.clone()))
    }
}
