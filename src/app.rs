//! What all requests of a server share.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, SubsecRound, Utc};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use url::Url;
use uuid::{NoContext, Timestamp, Uuid};

use crate::{
    access::{KnownRoles, Policy, SignIns},
    domain::{
        id::InvitationId,
        id::OrganizationId,
        secret::{InvitationToken, TokenKey},
    },
    error::{Error, Result},
    feed::Feed,
    store::database::Database,
};

/// What all requests of a server share.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Database,
    /// What time it is.
    pub clock: Clock,
    /// What invitation links are derived from.
    pub token_key: TokenKey,
    /// Page of the operator's product that takes the token of an invitation in its fragment.
    pub accept_url: Url,
    /// Days that a new organization may try paid features; `None` where plans are off.
    pub trial_days: Option<u32>,
    /// What roles give.
    pub policy: Arc<Policy>,
    /// The roles of organizations, as far as they were read lately.
    pub roles: Arc<KnownRoles>,
    /// Who signed in lately.
    pub sign_ins: Arc<SignIns>,
    /// Sizes that requests are held to.
    pub limits: Limits,
    /// Rung when mails were queued, so that they need not wait for the next look.
    pub mail_bell: Arc<Notify>,
    /// Who wants to hear of changes.
    pub feed: Arc<Feed>,
    /// Changes under way. They are finished whether or not the client still waits.
    pub tasks: TaskTracker,
}

/// Sizes that requests are held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Organizations one person may own.
    pub owned_organizations: i32,
    /// Projects of one organization.
    pub projects: i32,
    /// Teams of one organization.
    pub teams: i32,
    /// Roles of one organization's own, of both levels.
    pub custom_roles: i32,
    /// API keys of one organization that are neither expired nor revoked.
    pub api_keys: i32,
    /// How long a change may take until it is committed.
    pub change: Duration,
    /// How long a request may take.
    pub request: Duration,
    /// Requests that are answered at the same time. A server of two cores answers so many reads in a sixtieth of a second.
    pub max_requests: usize,
    /// Largest body of a request, in bytes.
    pub max_body: usize,
    /// Deepest nesting of fields in a document. GraphiQL's introspection query needs 13.
    pub max_depth: usize,
    /// Most that an operation may cost: a field costs one, a list its size times what one item costs.
    pub max_cost: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            owned_organizations: 100,
            projects: 10_000,
            teams: 1_000,
            custom_roles: 100,
            api_keys: 50,
            change: Duration::from_secs(10),
            request: Duration::from_secs(15),
            max_requests: 64,
            max_body: 256 * 1024,
            max_depth: 15,
            max_cost: 5_000,
        }
    }
}

impl App {
    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new id: sorted by time, random otherwise.
    pub fn id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
    }

    /// Random bytes for a secret.
    ///
    /// # Errors
    /// When the machine gives none.
    pub fn random(&self) -> Result<[u8; 32]> {
        let mut bytes = [0; 32];
        #[expect(clippy::disallowed_methods, reason = "the one place of the server that asks the machine")]
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_error| Error::internal("the machine gives no random numbers"))?;
        Ok(bytes)
    }

    /// A link that accepts an invitation, by its number.
    pub fn invitation_link(&self, organization: OrganizationId, invitation: InvitationId, number: i32) -> Url {
        self.accept_link(&self.token(organization, invitation, number))
    }

    /// The token of a link of an invitation.
    pub fn token(&self, organization: OrganizationId, invitation: InvitationId, version: i32) -> String {
        InvitationToken { organization, invitation, version }.sign(&self.token_key)
    }

    /// The link that accepts an invitation. The token stands in the fragment, which browsers do not send to
    /// servers and referrers.
    pub fn accept_link(&self, token: &str) -> Url {
        let mut url = self.accept_url.clone();
        url.set_fragment(Some(token));
        url
    }
}

/// Tells the time: that of the machine, or in tests one that is set.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The time of the machine.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
        Self::new(Utc::now)
    }

    /// A time of one's own.
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now, in microseconds as PostgreSQL keeps it.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)().trunc_subsecs(6)
    }
}
