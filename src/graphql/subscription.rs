//! What happens, told as it happens.
//!
//! A subscription is run once to learn whether it may be and what it is about, and again for each notice of the feed:
//! with the viewer as they are then, and loads of its own. A resolver says both, the topic and what of a notice it
//! shows.

use std::sync::{Arc, OnceLock};

use async_graphql::{Context, Response, Subscription};
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use tokio::time::timeout;

use super::{
    context::{RequestContext, reader, with_batches},
    document::Operation,
    error::finish,
    schema,
    types::invitation::Invitation,
};
use crate::{
    access::Viewer,
    app::App,
    domain::id::InvitationId,
    error::{Error, Result},
    feed::{Lagged, Topic},
    store::feed::Notice,
};

/// Root of all subscriptions.
pub struct Subscription;

/// What happens, as it happens. A subscription ends when the viewer may no longer see what it is about.
#[Subscription]
impl Subscription {
    /// Invitations to the viewer, when created or changed.
    async fn viewer_invitation_changed(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<Invitation>> + use<>> {
        let email = ctx.viewer().signed_in()?.verified_email().ok_or(Error::Forbidden { permission: None })?.clone();
        let invitation = match told(ctx, Topic::InvitationsTo(email)) {
            Some(notice) => Invitation::find_own(ctx, InvitationId(notice.subject_id)).await?,
            None => None,
        };
        Ok(stream::iter(invitation.map(Ok)))
    }
}

/// One run of a subscription.
struct Run {
    notice: Option<Arc<Notice>>,
    topic: OnceLock<Topic>,
}

/// Says what a subscription is about; answers the notice to show, if it is run for one.
fn told(ctx: &Context<'_>, topic: Topic) -> Option<Arc<Notice>> {
    let run = ctx.data_unchecked::<Arc<Run>>();
    run.topic.get_or_init(|| topic);
    run.notice.clone()
}

/// Starts a subscription for `viewer`. It ends well when it may not go on, and with [`Lagged`] when its reader is too
/// slow.
///
/// # Errors
/// The answer that says why it may not be.
pub async fn subscribe(
    app: &Arc<App>,
    viewer: Arc<Viewer>,
    operation: Operation,
    request_id: String,
) -> Result<BoxStream<'static, Result<Response, Lagged>>, Response> {
    let (topic, refusal) = run(app, viewer.clone(), &operation, &request_id, None).await;
    let Some(topic) = topic.filter(|_| refusal.is_none()) else {
        return Err(refusal.unwrap_or_default());
    };
    let notices = app.feed.subscribe(topic.clone());
    let (app, operation) = (app.clone(), Arc::new(operation));
    let answers = stream::unfold(Some(notices), move |notices| {
        let (app, viewer, operation) = (app.clone(), viewer.clone(), operation.clone());
        let (topic, request_id) = (topic.clone(), request_id.clone());
        async move {
            let mut notices = notices?;
            loop {
                let notice = match notices.next().await {
                    Ok(notice) => notice,
                    Err(lagged) => return Some((Err(lagged), None)),
                };
                let viewer = viewer_now(&app, &viewer).await?;
                match run(&app, viewer, &operation, &request_id, Some(notice)).await {
                    (Some(of), answer) if of == topic => {
                        if let Some(answer) = answer {
                            return Some((Ok(answer), Some(notices)));
                        }
                    }
                    (_, answer) => return answer.map(|answer| (Ok(answer), None)),
                }
            }
        }
    });
    Ok(answers.boxed())
}

/// The viewer as they are now. Whoever cannot be asked about is told nothing more.
async fn viewer_now(app: &App, viewer: &Viewer) -> Option<Arc<Viewer>> {
    let found = async { viewer.again(&*app.db.read().await?, &app.policy, app.now()).await };
    found.await.ok().flatten().map(Arc::new)
}

/// What the subscription is about, if it may be, and what it answers, if anything.
async fn run(
    app: &Arc<App>,
    viewer: Arc<Viewer>,
    operation: &Operation,
    request_id: &str,
    notice: Option<Arc<Notice>>,
) -> (Option<Topic>, Option<Response>) {
    let run = Arc::new(Run { notice, topic: OnceLock::new() });
    let (reader, spawned) = reader(app, viewer, operation);
    let mut answers = schema().execute_stream(operation.clone().into_request().data(reader).data(run.clone()));
    let answer = timeout(app.limits.request, with_batches(answers.next(), spawned)).await;
    let mut answer = answer.unwrap_or_else(|_elapsed| {
        let error = async_graphql::Error::from(Error::Timeout).into_server_error(async_graphql::Pos::default());
        Some(Response::from_errors(vec![error]))
    });
    if let Some(answer) = &mut answer {
        finish(answer, &operation.text, request_id);
    }
    (run.topic.get().cloned(), answer)
}
