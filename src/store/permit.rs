//! What writes take: proof that whoever asked was judged, with the organization locked.
//!
//! The layers above implement these traits once each, behind checks; a test holds that nothing else does. So a change
//! that forgets its check has nothing to hand over, and does not compile:
//!
//! ```compile_fail
//! use roster::{error::Result, operations::{Operation, Transaction}, store::projects::{self, Project}};
//!
//! struct Rename(Project);
//!
//! impl Operation for Rename {
//!     type Output = ();
//!
//!     async fn run(&self, tx: &mut Transaction<'_>) -> Result<()> {
//!         projects::update(tx.conn, &self.0).await
//!     }
//! }
//! ```
//!
//! The same change with its check, for whose sake the project has to be locked and found:
//!
//! ```
//! use roster::{
//!     access::{Permission, ProjectAccess, ProjectRef},
//!     error::Result,
//!     operations::{Locked, Operation, Transaction},
//!     store::projects::{self, Project},
//! };
//!
//! struct Rename(ProjectRef, String);
//!
//! impl Operation for Rename {
//!     type Output = ();
//!
//!     async fn run(&self, tx: &mut Transaction<'_>) -> Result<()> {
//!         let project = Locked::<ProjectAccess>::lock(tx, &self.0).await?;
//!         let permit = project.permit(project.may(Permission::ProjectUpdate))?;
//!         let renamed = Project { name: self.1.clone(), ..project.project.clone() };
//!         projects::update(tx.conn, &permit, &renamed).await
//!     }
//! }
//! ```
//!
//! A change that takes rights away is written with a [`Consequence`], which the permit alone is not:
//!
//! ```compile_fail
//! use roster::{
//!     access::{Permission, ProjectAccess, ProjectRef},
//!     error::Result,
//!     operations::{Locked, Operation, Transaction},
//!     store::project_members,
//! };
//!
//! struct Empty(ProjectRef);
//!
//! impl Operation for Empty {
//!     type Output = ();
//!
//!     async fn run(&self, tx: &mut Transaction<'_>) -> Result<()> {
//!         let project = Locked::<ProjectAccess>::lock(tx, &self.0).await?;
//!         let permit = project.permit(project.may(Permission::ProjectMembersManage))?;
//!         project_members::delete(tx.conn, &permit, &[]).await
//!     }
//! }
//! ```

use crate::{
    domain::id::OrganizationId,
    error::{Error, Result},
};

/// Proof that whoever asked may change an organization, as they were judged after it was locked.
pub trait Permit: Sync {
    /// The organization.
    fn organization(&self) -> OrganizationId;
}

/// A permit in the hands of what also sees to everything that follows from losing rights.
pub trait Consequence: Permit {}

/// Rows are written with the permit of their own organization.
///
/// # Errors
/// A fault of ours otherwise.
pub(super) fn check(
    permit: &(impl Permit + ?Sized),
    organizations: impl IntoIterator<Item = OrganizationId>,
) -> Result<()> {
    let allowed = permit.organization();
    match organizations.into_iter().find(|organization| *organization != allowed) {
        None => Ok(()),
        Some(other) => Err(Error::internal(format!("a permit of {allowed} does not cover a row of {other}"))),
    }
}
