//! `roster migrate`

use secrecy::ExposeSecret;

use super::Failure;
use crate::{
    config::DatabaseUrl,
    store::{connect::ConnectionUrl, database},
};

/// Brings the database to the newest version.
pub async fn run(database: &DatabaseUrl) -> Result<(), Failure> {
    let url = ConnectionUrl::parse(database.database_url.expose_secret())
        .map_err(|why| Failure::Usage(format!("DATABASE_URL: {why}")))?;
    match database::migrate(&url).await {
        Ok(0) => println!("The database is up to date."),
        Ok(steps) => println!("The database was brought up to date in {steps} steps."),
        Err(error) => return Err(Failure::failed(format!("The database could not be migrated: {error:?}"))),
    }
    Ok(())
}
