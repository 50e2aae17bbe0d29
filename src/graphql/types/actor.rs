//! `Actor`: who did something.

use async_graphql::{Context, Interface, SimpleObject};

use super::{api_key::ApiKey, user::User};
use crate::{
    domain::{
        id::{ApiKeyId, UserId},
        organization::ActorKind,
    },
    error::Result,
    graphql::{
        context::RequestContext,
        loaders::{ApiKeyById, UserById},
    },
    store::users::Listed,
};

/// Who did something: a person, an API key or the system itself.
#[derive(Interface)]
#[graphql(field(name = "display_name", ty = "&String", desc = "Name to show."))]
pub enum Actor {
    /// A person.
    User(User<'static>),
    /// An API key.
    ApiKey(ApiKey),
    /// A person or an API key that the viewer may not see.
    NamedActor(NamedActor),
    /// The system.
    SystemActor(SystemActor),
}

/// A person or an API key of whom the viewer is told the name alone: who has left, who invites from an organization that
/// the viewer is not in, a key for those who do not manage keys.
#[derive(SimpleObject)]
pub struct NamedActor {
    /// Name to show.
    pub display_name: String,
}

/// The system acting on its own, for example when an invitation expires.
#[derive(SimpleObject)]
pub struct SystemActor {
    /// Name to show.
    pub display_name: String,
}

impl Actor {
    /// Whoever is stored as having done something, as far as the viewer may see them.
    pub async fn find(ctx: &Context<'_>, kind: ActorKind, id: Option<uuid::Uuid>) -> Result<Self> {
        let id = id.unwrap_or_default();
        Ok(match kind {
            ActorKind::User => match User::find(ctx, UserId(id)).await? {
                Some(user) => Self::User(user),
                None => Self::named(ctx.load_present(UserById(UserId(id))).await?.display_name),
            },
            ActorKind::ApiKey => match ApiKey::find(ctx, ApiKeyId(id)).await? {
                Some(key) => Self::ApiKey(key),
                None => Self::named(ctx.load_present(ApiKeyById(ApiKeyId(id))).await?.name.clone()),
            },
            ActorKind::Operator => Self::operator(),
            ActorKind::System => Self::SystemActor(SystemActor { display_name: "Roster".to_owned() }),
        })
    }

    fn named(display_name: String) -> Self {
        Self::NamedActor(NamedActor { display_name })
    }

    /// The operator of this server.
    pub fn operator() -> Self {
        Self::SystemActor(SystemActor { display_name: "Operator".to_owned() })
    }

    /// Name to show.
    pub fn name(&self) -> &str {
        match self {
            Self::User(user) => user.shown().2,
            Self::ApiKey(key) => &key.0.name,
            Self::NamedActor(named) => &named.display_name,
            Self::SystemActor(system) => &system.display_name,
        }
    }
}
