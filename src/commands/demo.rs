//! `roster demo`
use super::Failure;
use crate::config::Demo;
pub async fn run(_demo: &Demo) -> Result<(), Failure> {
    Ok(())
}
