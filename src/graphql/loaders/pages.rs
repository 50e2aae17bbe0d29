//! Pages of lists: keyed by parent and page arguments, one statement for all parents.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use async_graphql::dataloader::Loader;

use crate::{
    domain::id::{OrganizationId, UserId},
    error::{Error, Result},
    graphql::context::Reader,
    store::{
        Connection, api_keys, invitations, organization_members,
        paging::{Page, Slice},
        project_members, projects, roles, team_members, teams,
    },
};

/// A page of the list of one parent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listed<L: Of> {
    /// Whose list.
    pub of: L,
    /// What it is narrowed to.
    pub filter: Arc<L::Filter>,
    /// What it is sorted by.
    pub field: L::Field,
    /// Whether the highest come first.
    pub descending: bool,
    /// Which rows.
    pub page: Page,
    /// Whether the list is counted as well.
    pub count: bool,
}

/// A page and, where it was asked for, the length of the list.
#[derive(Clone, Debug)]
pub struct PageOf<T> {
    /// The page.
    pub slice: Slice<T>,
    /// How long the list is.
    pub total: Option<i64>,
}

/// Whose list, for each kind of list.
pub trait Of: Clone + std::fmt::Debug + Eq + Hash + Send + Sync + 'static {
    /// What it can be narrowed to.
    type Filter: Clone + std::fmt::Debug + Eq + Hash + Send + Sync + 'static;
    /// What it can be sorted by.
    type Field: Copy + std::fmt::Debug + Eq + Hash + Send + Sync + 'static;
    /// What it consists of.
    type Row: Clone + Send + Sync + 'static;

    /// One page of each of these lists, in their order.
    fn pages(
        conn: &mut Connection,
        of: &[Self],
        key: &Listed<Self>,
    ) -> impl Future<Output = Result<Vec<Slice<Self::Row>>>> + Send;

    /// How long each of these lists is.
    fn counts(
        conn: &mut Connection,
        of: &[Self],
        filter: &Self::Filter,
    ) -> impl Future<Output = Result<Vec<i64>>> + Send;
}

impl<L: Of> Loader<Listed<L>> for Reader {
    type Value = PageOf<L::Row>;
    type Error = Error;

    async fn load(&self, keys: &[Listed<L>]) -> Result<HashMap<Listed<L>, PageOf<L::Row>>> {
        let mut conn = self.app.db.read().await?;
        let mut loaded = HashMap::with_capacity(keys.len());
        for group in groups(keys) {
            let Some(first) = group.first() else { continue };
            let of: Vec<L> = group.iter().map(|key| key.of.clone()).collect();
            let slices = L::pages(&mut conn, &of, first).await?;
            let totals: Vec<Option<i64>> = if first.count {
                L::counts(&mut conn, &of, &first.filter).await?.into_iter().map(Some).collect()
            } else {
                vec![None; of.len()]
            };
            let pages = slices.into_iter().zip(totals).map(|(slice, total)| PageOf { slice, total });
            loaded.extend(group.into_iter().cloned().zip(pages));
        }
        Ok(loaded)
    }
}

/// Keys that differ in nothing but whose list it is, and agree in what kind of parent that is.
fn groups<L: Of>(keys: &[Listed<L>]) -> Vec<Vec<&Listed<L>>> {
    let mut groups: Vec<Vec<&Listed<L>>> = Vec::new();
    for key in keys {
        let belongs = |group: &&mut Vec<&Listed<L>>| {
            group.first().is_some_and(|first| {
                Listed { of: key.of.clone(), ..(*first).clone() } == *key
                    && std::mem::discriminant(&first.of) == std::mem::discriminant(&key.of)
            })
        };
        match groups.iter_mut().find(belongs) {
            Some(group) => group.push(key),
            None => groups.push(vec![key]),
        }
    }
    groups
}

impl Of for organization_members::Of {
    type Filter = organization_members::Filter;
    type Field = organization_members::OrderField;
    type Row = organization_members::MemberAndUser;

    async fn pages(conn: &mut Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        organization_members::pages(conn, of, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        organization_members::counts(conn, of, filter).await
    }
}

impl Of for project_members::Of {
    type Filter = project_members::Filter;
    type Field = project_members::OrderField;
    type Row = project_members::MemberAndUser;

    async fn pages(conn: &mut Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        project_members::pages(conn, of, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        project_members::counts(conn, of, filter).await
    }
}

impl Of for team_members::Of {
    type Filter = team_members::Filter;
    type Field = team_members::OrderField;
    type Row = team_members::MemberAndUser;

    async fn pages(conn: &mut Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        team_members::pages(conn, of, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        team_members::counts(conn, of, filter).await
    }
}

/// The teams of an organization, with the roles that a person has in them.
impl Of for teams::Of {
    type Filter = teams::Filter;
    type Field = teams::OrderField;
    type Row = teams::TeamAndRole;

    async fn pages(conn: &mut Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        teams::pages(conn, of, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        teams::counts(conn, of, filter).await
    }
}

impl Of for invitations::Of {
    type Filter = invitations::Filter;
    type Field = invitations::OrderField;
    type Row = invitations::InvitationAndMail;

    async fn pages(conn: &mut Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        invitations::pages(conn, of, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        invitations::counts(conn, of, filter).await
    }
}

/// The projects of an organization, with the roles that a person has in them.
impl Of for (OrganizationId, Option<UserId>) {
    type Filter = projects::Filter;
    type Field = projects::OrderField;
    type Row = projects::ProjectAndRole;

    async fn pages(conn: &mut Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        let organizations: Vec<OrganizationId> = of.iter().map(|(organization, _)| *organization).collect();
        projects::pages(conn, &organizations, key.of.1, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        let organizations: Vec<OrganizationId> = of.iter().map(|(organization, _)| *organization).collect();
        projects::counts(conn, &organizations, filter).await
    }
}

impl Of for roles::Of {
    type Filter = roles::Filter;
    type Field = roles::OrderField;
    type Row = roles::Role;

    async fn pages(conn: &mut Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        roles::pages(conn, of, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        roles::counts(conn, of, filter).await
    }
}

impl Of for api_keys::Of {
    type Filter = api_keys::Filter;
    type Field = api_keys::OrderField;
    type Row = api_keys::ApiKey;

    async fn pages(conn: &mut Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        api_keys::pages(conn, of, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        api_keys::counts(conn, of, filter).await
    }
}
