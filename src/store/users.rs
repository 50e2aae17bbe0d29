//! People.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{Connection, query::Query, schema::users};
use crate::{
    domain::{email::Email, id::UserId, text::fold},
    error::Result,
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
    /// Address.
    pub email: Email,
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
}

/// What others see of a person.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = users)]
#[expect(missing_docs, reason = "as of `User`")]
pub struct Person {
    pub id: UserId,
    pub email: Email,
    pub display_name: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub avatar_url: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl From<User> for Person {
    fn from(user: User) -> Self {
        let User { id, email, display_name, first_name, last_name, avatar_url, created_at, .. } = user;
        Self { id, email, display_name, first_name, last_name, avatar_url, created_at }
    }
}

/// Somebody whom lists of members show.
pub trait Listed {
    /// The person, the address, and the full name or the address again.
    fn shown(&self) -> (UserId, &Email, &String);

    /// The person.
    fn id(&self) -> UserId {
        self.shown().0
    }

    /// Address.
    fn email(&self) -> &Email {
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
        format!("{} {}", fold(name), fold(email.as_str()))
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
    fn shown(&self) -> (UserId, &Email, &String) {
        (self.id, &self.email, &self.display_name)
    }
}

impl Listed for Person {
    fn shown(&self) -> (UserId, &Email, &String) {
        (self.id, &self.email, &self.display_name)
    }
}

/// Whom the identity provider knows as `subject`.
pub async fn by_subject(conn: &mut Connection, issuer: &str, subject: &str) -> Result<Option<User>> {
    let found = users::table.filter(users::issuer.eq(issuer)).filter(users::subject.eq(subject));
    Ok(found.select(User::as_select()).first(conn).await.optional()?)
}

/// Whose verified address this is.
pub async fn by_email(mut conn: &Connection, email: &Email) -> Result<Option<User>> {
    let found = users::table.filter(users::email.eq(email)).filter(users::email_verified);
    Ok(found.select(User::as_select()).first(&mut conn).await.optional()?)
}

/// Whose verified addresses these are.
pub async fn by_emails(mut conn: &Connection, emails: &[Email]) -> Result<Vec<User>> {
    if let [email] = emails {
        return Ok(by_email(conn, email).await?.into_iter().collect());
    }
    let found = users::table.filter(users::email.eq_any(emails)).filter(users::email_verified);
    Ok(found.select(User::as_select()).load(&mut conn).await?)
}

/// People by id.
pub async fn by_ids(mut conn: &Connection, ids: &[UserId]) -> Result<Vec<User>> {
    Ok(users::table.filter(users::id.eq_any(ids)).select(User::as_select()).load(&mut conn).await?)
}

/// Which of these people share an organization with `viewer`.
pub async fn sharing_organization(conn: &mut Connection, viewer: UserId, ids: &[UserId]) -> Result<Vec<UserId>> {
    use super::schema::organization_members as own;
    let others = diesel::alias!(own as others);
    let shared = own::table
        .inner_join(others.on(others.field(own::organization_id).eq(own::organization_id)))
        .filter(own::user_id.eq(viewer))
        .filter(others.field(own::user_id).eq_any(ids));
    Ok(shared.select(others.field(own::user_id)).distinct().load(conn).await?)
}

/// Adds a person; `false` when the identity provider's subject, or the verified address, is there already.
pub async fn insert(conn: &mut Connection, user: &User) -> Result<bool> {
    let inserted = diesel::insert_into(users::table).values(user).on_conflict_do_nothing();
    Ok(inserted.execute(conn).await? == 1)
}

/// Takes an address away from whoever had it, and tells who that was: the identity provider now vouches for it elsewhere.
pub async fn release_email(conn: &mut Connection, email: &Email, new_holder: UserId) -> Result<Vec<UserId>> {
    let previous =
        users::table.filter(users::email.eq(email)).filter(users::email_verified).filter(users::id.ne(new_holder));
    let change = users::email_verified.eq(false);
    Ok(diesel::update(previous).set(change).returning(users::id).get_results(conn).await?)
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
