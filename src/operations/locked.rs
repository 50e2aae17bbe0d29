//! What a change is about, with its organization locked.

use std::{ops::Deref, sync::Arc};

use super::Transaction;
use crate::{
    access::{Allowed, OrganizationAccess, OrganizationRef, Permit, ProjectAccess, ProjectRef, TeamAccess, TeamRef},
    domain::id::OrganizationId,
    error::{Error, Refusal, Result},
    store::{Connection, organizations::Lock, projects, teams},
};

/// Something of an organization as the viewer finds it, read after the organization was locked.
#[derive(Debug)]
pub struct Locked<T> {
    /// The organization.
    pub organization: Arc<OrganizationAccess>,
    /// What the change is about.
    pub target: T,
    lock: Lock,
}

/// What can be locked, by what input names it by.
pub trait Target: Sized + Send {
    /// How input names it.
    type By: Sync;

    /// The refusal where there is none, or none that the viewer may know of: the one answer to both.
    fn missing() -> Refusal;

    /// Which organization it is of: what to lock, and nothing else that is decided by.
    fn organization_of(conn: &Connection, by: &Self::By)
    -> impl Future<Output = Result<Option<OrganizationId>>> + Send;

    /// What is there once the organization is locked, if the viewer may know of it.
    fn find(
        tx: &mut Transaction<'_>,
        organization: &Arc<OrganizationAccess>,
        by: &Self::By,
    ) -> impl Future<Output = Result<Option<Self>>> + Send;
}

impl<T: Target> Locked<T> {
    /// Locks the organization of something, reads again who asks, and finds it as they do.
    ///
    /// # Errors
    /// Refused as missing; `Unauthenticated`.
    pub async fn lock(tx: &mut Transaction<'_>, by: &T::By) -> Result<Self> {
        let missing = || Error::from(T::missing());
        let id = T::organization_of(tx.conn, by).await?.ok_or_else(missing)?;
        let lock = tx.lock(id).await?.ok_or_else(missing)?;
        let by_id = OrganizationRef::Id(id);
        let organization = OrganizationAccess::find(tx.conn, &tx.app.policy, &tx.viewer, &by_id).await?;
        let organization = organization.ok_or_else(missing)?;
        let target = T::find(tx, &organization, by).await?.ok_or_else(missing)?;
        Ok(Self { organization, target, lock })
    }
}

impl<T> Locked<T> {
    /// The permit to write, for a check that was passed.
    ///
    /// # Errors
    /// What the check was refused with.
    pub fn permit(&self, checked: Result<Allowed, Refusal>) -> Result<Permit> {
        checked?.under(&self.lock)
    }
}

impl<T> Deref for Locked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.target
    }
}

impl Target for Arc<OrganizationAccess> {
    type By = OrganizationRef;

    fn missing() -> Refusal {
        Refusal::not_found("organization")
    }

    async fn organization_of(conn: &Connection, by: &OrganizationRef) -> Result<Option<OrganizationId>> {
        by.id(conn).await
    }

    async fn find(
        _tx: &mut Transaction<'_>,
        organization: &Arc<OrganizationAccess>,
        _by: &OrganizationRef,
    ) -> Result<Option<Self>> {
        Ok(Some(organization.clone()))
    }
}

impl Target for ProjectAccess {
    type By = ProjectRef;

    fn missing() -> Refusal {
        Refusal::not_found("project")
    }

    async fn organization_of(conn: &Connection, by: &ProjectRef) -> Result<Option<OrganizationId>> {
        match by.id(conn).await? {
            Some(id) => projects::organization_of(conn, id).await,
            None => Ok(None),
        }
    }

    async fn find(
        tx: &mut Transaction<'_>,
        organization: &Arc<OrganizationAccess>,
        by: &ProjectRef,
    ) -> Result<Option<Self>> {
        let Some(id) = by.id(tx.conn).await? else { return Ok(None) };
        Ok(Self::in_locked(tx.conn, &tx.viewer, organization, &[id]).await?.pop())
    }
}

impl Target for TeamAccess {
    type By = TeamRef;

    fn missing() -> Refusal {
        Refusal::not_found("team")
    }

    async fn organization_of(conn: &Connection, by: &TeamRef) -> Result<Option<OrganizationId>> {
        match by.id(conn).await? {
            Some(id) => teams::organization_of(conn, id).await,
            None => Ok(None),
        }
    }

    async fn find(
        tx: &mut Transaction<'_>,
        organization: &Arc<OrganizationAccess>,
        by: &TeamRef,
    ) -> Result<Option<Self>> {
        let Some(id) = by.id(tx.conn).await? else { return Ok(None) };
        Ok(Self::in_locked(tx.conn, &tx.viewer, organization, &[id]).await?.pop())
    }
}
