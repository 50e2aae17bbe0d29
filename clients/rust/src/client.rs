use std::env;

use anyhow::{Context, Result, bail};
use cynic::{GraphQlResponse, Operation, http::ReqwestExt};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What Roster says about an error beyond its message.
#[derive(Debug, Deserialize)]
pub struct Extensions {
    pub code: String,
}

pub struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    pub fn from_env() -> Result<Self> {
        let accept = "application/graphql-response+json, application/json;q=0.9";
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
        Ok(Self {
            http: reqwest::Client::builder().default_headers(headers).build()?,
            url: format!("{}/graphql", env::var("ROSTER_URL").context("ROSTER_URL")?),
            token: env::var("ROSTER_TOKEN").context("ROSTER_TOKEN")?,
        })
    }

    /// The answer as it is: data, and the errors of fields that are missing in it.
    pub async fn ask<Data, Variables>(
        &self,
        operation: Operation<Data, Variables>,
    ) -> Result<GraphQlResponse<Data, Extensions>>
    where
        Data: DeserializeOwned + 'static,
        Variables: Serialize,
    {
        let request = self.http.post(&self.url).bearer_auth(&self.token);
        Ok(request.run_graphql(operation).retain_extensions().await?)
    }

    /// The data of an answer without errors.
    pub async fn get<Data, Variables>(&self, operation: Operation<Data, Variables>) -> Result<Data>
    where
        Data: DeserializeOwned + 'static,
        Variables: Serialize,
    {
        let GraphQlResponse { data, errors } = self.ask(operation).await?;
        if let Some(error) = errors.into_iter().flatten().next() {
            bail!(error);
        }
        data.context("an answer without data")
    }
}
