//! The teams that an invitation is to grant, as input names them.

use std::collections::HashSet;

use super::super::{Transaction, input::check_most};
use crate::{
    access::{OrganizationAccess, TeamAccess, TeamRef},
    domain::{id::TeamId, invitation::BULK_MAX, team::TeamMemberRole},
    error::{Code, Error, Refusal, Result},
};

/// A team that an invitation grants, in input.
#[derive(Clone, Debug)]
pub struct TeamGrantInput {
    /// The team.
    pub team: TeamRef,
    /// Role in it.
    pub role: TeamMemberRole,
}

/// The teams, which the viewer may all give.
///
/// # Errors
/// All that is wrong, with the path of each.
pub async fn team_grants(
    tx: &mut Transaction<'_>,
    access: &std::sync::Arc<OrganizationAccess>,
    inputs: &[TeamGrantInput],
) -> Result<Vec<(TeamId, TeamMemberRole)>> {
    if inputs.is_empty() {
        return Ok(Vec::new());
    }
    check_most("teams", inputs.len(), BULK_MAX)?;
    let mut named = Vec::with_capacity(inputs.len());
    for input in inputs {
        named.push(input.team.id(tx.conn).await?);
    }
    let ids: Vec<TeamId> = named.iter().flatten().copied().collect();
    let known = TeamAccess::in_locked(tx.conn, &tx.viewer, access, &ids).await?;
    let mut seen = HashSet::new();
    let (mut grants, mut refusals) = (Vec::with_capacity(inputs.len()), Vec::new());
    for (index, (id, input)) in named.into_iter().zip(inputs).enumerate() {
        let team = known.iter().find(|team| Some(team.team.id) == id);
        let checked = match team {
            None => Err(Refusal::not_found("team")),
            Some(team) => team.may_manage_members().and_then(|_allowed| {
                if seen.insert(team.team.id) {
                    Ok((team.team.id, input.role))
                } else {
                    Err(Refusal::new(Code::Duplicate, "This team is already in the list."))
                }
            }),
        };
        match checked {
            Ok(grant) => grants.push(grant),
            Err(refusal) => refusals.push(refusal.at(["teams".to_owned(), index.to_string(), "team".to_owned()])),
        }
    }
    if refusals.is_empty() { Ok(grants) } else { Err(Error::Refused(refusals)) }
}
