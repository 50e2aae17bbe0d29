//! Pages of lists: keyed by parent and page arguments, one statement for all parents.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

use async_graphql::{Context, dataloader::Loader};

use crate::{
    domain::id::{OrganizationId, UserId},
    error::{Error, Result},
    graphql::{
        connection::{Asked, Rows},
        context::{Reader, RequestContext},
    },
    store::{
        Connection, api_keys, invitations, organization_members, organizations,
        paging::{Page, Slice},
        project_members, projects, roles, team_members, teams,
    },
};

/// A page of the list of one parent.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// What is asked for of it.
    pub asked: Asked,
}

impl<L: Of> Listed<L> {
    /// Whether one statement can read both: they differ in nothing but whose list it is.
    fn goes_with(&self, other: &Self) -> bool {
        std::mem::discriminant(&self.of) == std::mem::discriminant(&other.of)
            && self.filter == other.filter
            && self.field == other.field
            && self.descending == other.descending
            && self.page == other.page
            && self.asked == other.asked
    }
}

/// Pages that are asked for at the same time hardly differ but in whose they are.
impl<L: Of> Hash for Listed<L> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.of.hash(state);
    }
}

/// A page and, where it was asked for, the length of the list.
#[derive(Clone, Debug)]
pub struct PageOf<T> {
    /// The page.
    pub slice: Slice<T>,
    /// How long the list is.
    pub total: Option<i64>,
}

/// A page of a list, as far as the field that is being resolved asks for it. `known` is how long the list is, if that
/// need not be counted.
pub async fn page_of<L: Of>(
    ctx: &Context<'_>,
    of: L,
    filter: L::Filter,
    (field, descending): (L::Field, bool),
    page: Page,
    known: Option<i64>,
) -> Result<PageOf<L::Row>> {
    let asked = Asked::by(ctx, L::ENTRY);
    let asked = Asked { total: asked.total && known.is_none(), ..asked };
    if asked.rows == Rows::None && !asked.total {
        return Ok(PageOf { slice: Slice::empty(), total: known });
    }
    let (ends, places, entries) = (asked.page_info, asked.cursors, asked.rows == Rows::Entries);
    let page = Page { ends, places, entries, ..page };
    let found = ctx.load_present(Listed { of, filter: Arc::new(filter), field, descending, page, asked }).await?;
    // Most often nobody else asked for it.
    let found = Arc::unwrap_or_clone(found);
    Ok(PageOf { total: known.or(found.total), ..found })
}

/// Whose list, for each kind of list.
pub trait Of: Clone + std::fmt::Debug + Eq + Hash + Send + Sync + 'static {
    /// What it can be narrowed to.
    type Filter: Clone + std::fmt::Debug + Eq + Send + Sync + 'static;
    /// What it can be sorted by.
    type Field: Copy + std::fmt::Debug + Eq + Send + Sync + 'static;
    /// What it consists of.
    type Row: Clone + Send + Sync + 'static;

    /// Fields of an item that need only a part of its row, if there is such a part.
    const ENTRY: &[&str] = &[];

    /// Whether all of the list is asked for, so that an index leads to each page.
    fn is_whole(_filter: &Self::Filter) -> bool {
        false
    }

    /// One page of each of these lists, in their order.
    fn pages(
        conn: &Connection,
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
    type Value = Arc<PageOf<L::Row>>;
    type Error = Error;

    async fn load(&self, keys: &[Listed<L>]) -> Result<HashMap<Listed<L>, Arc<PageOf<L::Row>>>> {
        let db = &self.app.db;
        let mut loaded = HashMap::with_capacity(keys.len());
        for group in groups(keys) {
            let Some(first) = group.first() else { continue };
            let of: Vec<L> = group.iter().map(|key| key.of.clone()).collect();
            let slices = if first.asked.rows == Rows::None {
                of.iter().map(|_| Slice::empty()).collect()
            } else if L::is_whole(&first.filter) && first.page.offset == 0 {
                L::pages(&*db.shared().await?, &of, first).await?
            } else {
                L::pages(&*db.read().await?, &of, first).await?
            };
            let totals: Vec<Option<i64>> = if first.asked.total {
                L::counts(&mut *db.read().await?, &of, &first.filter).await?.into_iter().map(Some).collect()
            } else {
                vec![None; of.len()]
            };
            let pages = slices.into_iter().zip(totals).map(|(slice, total)| Arc::new(PageOf { slice, total }));
            loaded.extend(group.into_iter().cloned().zip(pages));
        }
        Ok(loaded)
    }
}

/// What can be read together.
fn groups<L: Of>(keys: &[Listed<L>]) -> Vec<Vec<&Listed<L>>> {
    let mut groups: Vec<Vec<&Listed<L>>> = Vec::new();
    for key in keys {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| first.goes_with(key))) {
            Some(group) => group.push(key),
            None => groups.push(vec![key]),
        }
    }
    groups
}

impl Of for organization_members::Of {
    type Filter = organization_members::Filter;
    type Field = organization_members::OrderField;
    type Row = organization_members::Found;

    fn is_whole(filter: &Self::Filter) -> bool {
        filter.is_empty()
    }

    const ENTRY: &[&str] = &["id", "organization", "user", "role"];

    async fn pages(conn: &Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        organization_members::pages(conn, of, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        organization_members::counts(conn, of, filter).await
    }
}

impl Of for organizations::Of {
    type Filter = organizations::Filter;
    type Field = organizations::OrderField;
    type Row = organizations::Organization;

    async fn pages(conn: &Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        organizations::pages(conn, of, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        organizations::counts(conn, of, filter).await
    }
}

impl Of for project_members::Of {
    type Filter = project_members::Filter;
    type Field = project_members::OrderField;
    type Row = project_members::Found;

    fn is_whole(filter: &Self::Filter) -> bool {
        filter.is_empty()
    }

    const ENTRY: &[&str] = &["id", "project", "organizationMember", "user", "role"];

    async fn pages(conn: &Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        project_members::pages(conn, of, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        project_members::counts(conn, of, filter).await
    }
}

impl Of for team_members::Of {
    type Filter = team_members::Filter;
    type Field = team_members::OrderField;
    type Row = team_members::TeamMember;

    async fn pages(conn: &Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
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

    fn is_whole(filter: &Self::Filter) -> bool {
        filter.is_empty()
    }

    async fn pages(conn: &Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
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

    async fn pages(conn: &Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
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

    fn is_whole(filter: &Self::Filter) -> bool {
        filter.is_empty()
    }

    async fn pages(conn: &Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
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

    async fn pages(conn: &Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
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

    async fn pages(conn: &Connection, of: &[Self], key: &Listed<Self>) -> Result<Vec<Slice<Self::Row>>> {
        api_keys::pages(conn, of, &key.filter, key.field, key.descending, &key.page).await
    }

    async fn counts(conn: &mut Connection, of: &[Self], filter: &Self::Filter) -> Result<Vec<i64>> {
        api_keys::counts(conn, of, filter).await
    }
}
