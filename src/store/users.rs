//! People.

use std::{collections::HashMap, ops::Deref};

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{Connection, query::Query, schema::users};
use crate::{
    domain::{
        email::{Address, Email},
        id::UserId,
        role::BuiltInRole,
        text::fold,
    },
    error::{Error, Result},
};

/// A person.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = users, treat_none_as_null = true)]
pub struct User {
    /// The person.
    pub id: UserId,
    /// Identity provider.
    pub issuer: String,
    /// Who they are there.
    pub subject: String,
    /// Address; none since it passed to somebody else.
    pub email: Address,
    /// Whether the identity provider vouches for the address.
    pub email_verified: bool,
    /// Full name, or the address.
    pub display_name: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Picture.
    pub avatar_url: Option<String>,
    /// First seen.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
    /// When the identity provider said what is stored here.
    pub claims_at: DateTime<Utc>,
}

/// What others see of a person.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = users)]
#[expect(missing_docs, reason = "as of `User`")]
pub struct Person {
    pub id: UserId,
    pub email: Address,
    pub email_verified: bool,
    pub display_name: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub avatar_url: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl From<User> for Person {
    fn from(user: User) -> Self {
        let User { id, email, email_verified, display_name, first_name, last_name, avatar_url, created_at, .. } = user;
        Self { id, email, email_verified, display_name, first_name, last_name, avatar_url, created_at }
    }
}

/// Somebody whom lists of members show.
pub trait Listed {
    /// The person, the address, and the full name or the address again.
    fn shown(&self) -> (UserId, &Address, &String);

    /// The person.
    fn id(&self) -> UserId {
        self.shown().0
    }

    /// Address.
    fn email(&self) -> &Address {
        self.shown().1
    }

    /// Full name, or the address.
    fn display_name(&self) -> &String {
        self.shown().2
    }

    /// The name as member lists sort it.
    fn sort_name(&self) -> String {
        fold(self.shown().2)
    }

    /// What member lists are searched by.
    fn search_text(&self) -> String {
        let (_, email, name) = self.shown();
        format!("{} {}", fold(name), fold(email.as_str())).trim_end().to_owned()
    }
}

/// A membership, as far as it was read: what lists mostly show of it, and what is shown besides.
#[derive(Clone, Debug)]
pub struct Found<E, R> {
    /// What lists mostly show.
    pub entry: E,
    /// What is shown besides, if it was read.
    pub rest: Option<R>,
}

impl<E, R> Found<E, R> {
    /// What a list read that shows no more.
    pub fn of(entry: E) -> Self {
        Self { entry, rest: None }
    }
}

impl<E, R> Deref for Found<E, R> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.entry
    }
}

impl Listed for User {
    fn shown(&self) -> (UserId, &Address, &String) {
        (self.id, &self.email, &self.display_name)
    }
}

impl Listed for Person {
    fn shown(&self) -> (UserId, &Address, &String) {
        (self.id, &self.email, &self.display_name)
    }
}

/// Whom the identity provider knows as `subject`.
pub async fn by_subject(conn: &mut Connection, issuer: &str, subject: &str) -> Result<Option<User>> {
    let found = users::table.filter(users::issuer.eq(issuer)).filter(users::subject.eq(subject));
    Ok(found.select(User::as_select()).first(conn).await.optional()?)
}

/// Who is meant by these addresses: each names the person for whom their identity provider verified it last, or nobody.
/// The one place that answers this; copies of addresses in memberships are there to be shown, sorted and searched.
pub async fn holders(mut conn: &Connection, emails: &[Email]) -> Result<HashMap<Email, User>> {
    let found = users::table.filter(users::email_verified).select(User::as_select());
    let holders: Vec<User> = match emails {
        [] => Vec::new(),
        // One is most often asked for, and PostgreSQL keeps the plan of that.
        [email] => found.filter(users::email.eq(email)).load(&mut conn).await?,
        _ => found.filter(users::email.eq_any(emails)).load(&mut conn).await?,
    };
    Ok(holders.into_iter().filter_map(|user| Some((user.email.get()?.clone(), user))).collect())
}

/// Who is meant by an address, as [`holders`] has it.
pub async fn holder(conn: &Connection, email: &Email) -> Result<Option<User>> {
    Ok(holders(conn, std::slice::from_ref(email)).await?.remove(email))
}

/// People by id.
pub async fn by_ids(mut conn: &Connection, ids: &[UserId]) -> Result<Vec<User>> {
    Ok(users::table.filter(users::id.eq_any(ids)).select(User::as_select()).load(&mut conn).await?)
}

/// Roles that show something, as PostgreSQL finds them: built-in ones by name, custom ones by what they store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shows {
    /// Built-in roles.
    pub built_in: Vec<BuiltInRole>,
    /// Keys of the permissions of custom roles.
    pub permissions: Vec<String>,
}

impl Shows {
    /// The condition that a role `r` is one of them: a custom one whose permissions `overlap` with the keys, by `&&`, or
    /// hold all of them, by `@>`.
    pub(super) fn push(&self, query: &mut Query, overlap: &'static str) {
        query.sql("(r.built_in = ANY(").bind::<Array<Text>, _>(self.built_in.clone());
        query.sql(") OR r.built_in IS NULL AND r.permissions ").sql(overlap).sql(" ");
        query.bind::<Array<Text>, _>(self.permissions.clone()).sql(")");
    }
}

/// What shows somebody other people.
#[derive(Clone, Debug)]
pub struct Sight {
    /// Organization roles that show the members of the organization.
    pub members: Shows,
    /// Organization roles that show the members of all its projects: custom ones by any of the permissions.
    pub all_project_members: Shows,
    /// Project roles that show the members of their project: custom ones by all of the permissions.
    pub project_members: Shows,
}

/// Which of these people `viewer` sees: those in an organization or a project whose members their role there shows.
pub async fn seen_by(conn: &mut Connection, viewer: UserId, sight: &Sight, ids: &[UserId]) -> Result<Vec<UserId>> {
    #[derive(QueryableByName)]
    struct Seen {
        #[diesel(sql_type = SqlUuid)]
        id: UserId,
    }
    let mut query = Query::new("SELECT seen.id FROM unnest(");
    query.bind::<Array<SqlUuid>, _>(ids.to_vec());
    query.sql(
        ") AS seen(id) WHERE EXISTS (SELECT FROM organization_members o JOIN roles r ON r.organization_id = o.organization_id \
         AND r.id = o.role_id WHERE o.user_id = ",
    );
    query.bind::<SqlUuid, _>(viewer).sql(" AND ");
    sight.members.push(&mut query, "&&");
    query.sql(
        " AND EXISTS (SELECT FROM organization_members m WHERE m.organization_id = o.organization_id AND m.user_id = seen.id)) \
         OR EXISTS (SELECT FROM organization_members o JOIN roles r ON r.organization_id = o.organization_id \
         AND r.id = o.role_id WHERE o.user_id = ",
    );
    query.bind::<SqlUuid, _>(viewer).sql(" AND ");
    sight.all_project_members.push(&mut query, "&&");
    query.sql(
        " AND EXISTS (SELECT FROM project_members m WHERE m.organization_id = o.organization_id AND m.user_id = seen.id)) \
         OR EXISTS (SELECT FROM organization_members o JOIN project_members p ON p.organization_id = o.organization_id \
         AND p.user_id = o.user_id JOIN roles r ON r.organization_id = p.organization_id AND r.id = p.role_id WHERE o.user_id = ",
    );
    query.bind::<SqlUuid, _>(viewer).sql(" AND ");
    sight.project_members.push(&mut query, "@>");
    query.sql(
        " AND EXISTS (SELECT FROM project_members m WHERE m.organization_id = p.organization_id AND m.project_id = p.project_id \
         AND m.user_id = seen.id))",
    );
    let seen: Vec<Seen> = query.load(conn).await?;
    Ok(seen.into_iter().map(|seen| seen.id).collect())
}

/// Adds a person; `false` when the identity provider's subject, or the verified address, is there already.
pub async fn insert(conn: &mut Connection, user: &User) -> Result<bool> {
    let inserted = diesel::insert_into(users::table).values(user).on_conflict_do_nothing();
    Ok(inserted.execute(conn).await? == 1)
}

/// Locks a person, and whoever has their new address, in an order that all keep. Nobody changes them until the
/// transaction ends.
pub async fn lock_for_claims(conn: &mut Connection, ids: &[UserId]) -> Result<Vec<User>> {
    let rows = users::table.filter(users::id.eq_any(ids)).order(users::id).for_no_key_update();
    Ok(rows.select(User::as_select()).load(conn).await?)
}

/// Notes that a newer token says of a person what is stored already.
pub async fn note_claims(conn: &mut Connection, id: UserId, at: DateTime<Utc>) -> Result<()> {
    let row = users::table.find(id).filter(users::claims_at.lt(at));
    diesel::update(row).set(users::claims_at.eq(at)).execute(conn).await?;
    Ok(())
}

/// What lists show of a person, held against changes until the transaction ends: a profile that is refreshed at the same
/// time waits, and then finds the membership that was made of this.
#[derive(Clone, Debug)]
pub struct Pinned(Person);

impl Pinned {
    /// The address that the identity provider vouches for.
    pub fn verified_email(&self) -> Option<&Email> {
        self.0.email.get().filter(|_| self.0.email_verified)
    }
}

impl Listed for Pinned {
    fn shown(&self) -> (UserId, &Address, &String) {
        self.0.shown()
    }
}

/// Pins people, to make memberships of them.
pub async fn pin(conn: &mut Connection, ids: &[UserId]) -> Result<HashMap<UserId, Pinned>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = users::table.filter(users::id.eq_any(ids)).order(users::id).for_share();
    let people: Vec<Person> = rows.select(Person::as_select()).load(conn).await?;
    Ok(people.into_iter().map(|person| (person.id, Pinned(person))).collect())
}

/// Pins a person who is there.
pub async fn pin_one(conn: &mut Connection, id: UserId) -> Result<Pinned> {
    pin(conn, &[id]).await?.remove(&id).ok_or_else(|| Error::internal("a member is no person"))
}

/// Stores a changed profile, and with it the copies that member lists show, and are sorted and searched by.
pub async fn update(conn: &mut Connection, user: &User) -> Result<()> {
    diesel::update(user).set(user).execute(conn).await?;
    for table in ["organization_members", "project_members", "team_members"] {
        let mut query = Query::new("UPDATE ");
        query.sql(table).sql(" SET sort_name = ").bind::<Text, _>(user.sort_name());
        query.sql(", email = ").bind::<Text, _>(user.email.clone());
        query.sql(", search_text = ").bind::<Text, _>(user.search_text());
        query.sql(", display_name = ").bind::<Text, _>(user.display_name.clone());
        query.sql(" WHERE (organization_id, user_id) IN (SELECT organization_id, user_id FROM organization_members WHERE user_id = ");
        query.bind::<SqlUuid, _>(user.id).sql(")");
        query.execute(conn).await?;
    }
    Ok(())
}

/// Locks a person's row, so that what is counted per person is counted by one transaction at a time.
pub async fn lock(conn: &mut Connection, id: UserId) -> Result<()> {
    users::table.find(id).for_no_key_update().select(users::id).first::<UserId>(conn).await?;
    Ok(())
}

/// How many organizations a person owns.
pub async fn owned_organizations(conn: &mut Connection, id: UserId) -> Result<i64> {
    Ok(owned_counts(conn, &[id]).await?.pop().map_or(0, |(_, count)| count))
}

/// How many organizations each of these people owns; whoever owns none is left out.
pub async fn owned_counts(conn: &mut Connection, ids: &[UserId]) -> Result<Vec<(UserId, i64)>> {
    use super::schema::organization_members as members;
    let owned = members::table.filter(members::user_id.eq_any(ids)).filter(members::is_owner);
    Ok(owned.group_by(members::user_id).select((members::user_id, diesel::dsl::count_star())).load(conn).await?)
}
