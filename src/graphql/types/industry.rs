//! `Industry`.

use async_graphql::Object;

use crate::domain::industry;

/// An industry.
#[derive(Clone, Copy, Debug)]
pub struct Industry(pub industry::Industry);

impl Industry {
    /// The industry with this key.
    pub fn find(key: &str) -> Option<Self> {
        industry::find(key).map(Self)
    }

    /// All industries, by name.
    pub fn all() -> Vec<Self> {
        industry::INDUSTRIES.into_iter().map(Self).collect()
    }
}

/// Industry an organization can choose.
#[Object]
impl Industry {
    /// Stable key for input, for example `ai-ml`.
    async fn key(&self) -> &str {
        self.0.key
    }

    /// Name to show.
    async fn name(&self) -> &str {
        self.0.name
    }
}
