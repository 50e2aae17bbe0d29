//! What a request carries to its resolvers, and how its loads are batched.

use std::{collections::HashMap, hash::Hash, pin::Pin, sync::Arc, time::Duration};

use async_graphql::{
    Context, Name, Response, ServerError, Value,
    dataloader::{DataLoader, Loader},
    runtime::Timer,
};
use chrono::{DateTime, Utc};
use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::FuturesUnordered,
    task::{FutureObj, Spawn, SpawnError},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

use super::{
    document::Operation,
    error::{finish, with_code},
    schema,
};
use crate::{
    access::Viewer,
    app::App,
    error::{Error, Result},
};

/// Who reads, from what, at which moment: what every load of a request shares.
pub struct Reader {
    /// What all requests share.
    pub app: Arc<App>,
    /// Who asks.
    pub viewer: Arc<Viewer>,
    /// The moment at which states are judged.
    pub now: DateTime<Utc>,
    /// Whether something may be asked for twice, whose answers the library merges.
    pub merges: bool,
}

/// Shorthands for resolvers.
pub trait RequestContext {
    /// Who asks, from what, when.
    fn reader(&self) -> &Reader;

    /// What all requests share.
    fn app(&self) -> &Arc<App> {
        &self.reader().app
    }

    /// Who asks.
    fn viewer(&self) -> &Arc<Viewer> {
        &self.reader().viewer
    }

    /// Answers a question, together with all others of its kind that are asked just now.
    fn load<K>(&self, key: K) -> impl Future<Output = Result<Option<<Reader as Loader<K>>::Value>>> + Send
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = Error>;

    /// Answers several questions of a kind.
    fn load_many<K>(
        &self,
        keys: Vec<K>,
    ) -> impl Future<Output = Result<HashMap<K, <Reader as Loader<K>>::Value>>> + Send
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = Error>;

    /// Answers a question that always has an answer.
    fn load_present<K>(&self, key: K) -> impl Future<Output = Result<<Reader as Loader<K>>::Value>> + Send
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = Error>;
}

impl RequestContext for Context<'_> {
    fn reader(&self) -> &Reader {
        self.data_unchecked::<DataLoader<Reader>>().loader()
    }

    async fn load<K>(&self, key: K) -> Result<Option<<Reader as Loader<K>>::Value>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = Error>,
    {
        self.data_unchecked::<DataLoader<Reader>>().load_one(key).await
    }

    async fn load_many<K>(&self, keys: Vec<K>) -> Result<HashMap<K, <Reader as Loader<K>>::Value>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = Error>,
    {
        self.data_unchecked::<DataLoader<Reader>>().load_many(keys).await
    }

    async fn load_present<K>(&self, key: K) -> Result<<Reader as Loader<K>>::Value>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Reader: Loader<K, Error = Error>,
    {
        let missing = || Error::internal(format!("nothing to load by {}", std::any::type_name::<K>()));
        self.load(key).await?.ok_or_else(missing)
    }
}

/// Runs a query or a mutation for `viewer`.
///
/// Its batches run within its own task: they start when no resolver can go on without them, so that a
/// level of the answer is loaded by one statement, always, and without waiting for a timer.
///
/// # Errors
/// When it takes too long. Whatever it began to change is finished all the same.
pub async fn execute(
    app: &Arc<App>,
    viewer: Arc<Viewer>,
    operation: Operation,
    request_id: &str,
) -> Result<Response, ServerError> {
    let told = operation.tells_cost.then(|| cost(app, operation.cost));
    let (reader, spawned) = reader(app, viewer, &operation);
    let text = operation.text.clone();
    let request = operation.into_request().data(reader);
    let execution = with_batches(schema().execute(request), spawned);
    let mut response = timeout(app.limits.request, execution).await.map_err(|_elapsed| {
        let message = "This took too long and was given up. What it changes may be changed still.";
        with_code(message, None, "TIMEOUT")
    })?;
    response.extensions.extend(told.map(|cost| ("cost".to_owned(), cost)));
    finish(&mut response, &text, request_id);
    Ok(response)
}

/// What `extensions.cost` tells.
fn cost(app: &App, cost: usize) -> Value {
    let number = |size: usize| Value::Number(size.into());
    let known = [("requested", number(cost)), ("limit", number(app.limits.max_cost))];
    Value::Object(known.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
}

/// A loader for one execution, and the batches that it starts.
pub fn reader(
    app: &Arc<App>,
    viewer: Arc<Viewer>,
    operation: &Operation,
) -> (DataLoader<Reader>, UnboundedReceiver<Batch>) {
    let (spawner, spawned) = unbounded_channel();
    let reader = Reader { app: app.clone(), viewer, now: app.now(), merges: operation.merges };
    (DataLoader::new(reader, BatchSpawner(spawner), NoDelay), spawned)
}

/// Runs an execution and the batches it waits for.
pub async fn with_batches<T>(execution: impl Future<Output = T>, mut spawned: UnboundedReceiver<Batch>) -> T {
    let mut execution = std::pin::pin!(execution);
    let mut batches = FuturesUnordered::new();
    loop {
        tokio::select! {
            // In this order: batches wait until the execution waits.
            biased;
            done = &mut execution => return done,
            Some(batch) = spawned.recv() => batches.push(batch),
            Some(()) = batches.next() => {}
        }
    }
}

/// Loads that belong together.
pub type Batch = Pin<Box<dyn Future<Output = ()> + Send>>;

struct BatchSpawner(UnboundedSender<Batch>);

impl Spawn for BatchSpawner {
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.0.send(Box::pin(future)).map_err(|_closed| SpawnError::shutdown())
    }
}

struct NoDelay;

impl Timer for NoDelay {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        std::future::ready(()).boxed()
    }
}
