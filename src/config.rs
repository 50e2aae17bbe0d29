//! The command line. Every flag is also an environment variable; each is read once, here.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, builder::FalseyValueParser};
use secrecy::SecretString;

/// Organizations, projects, members, roles and invitations over GraphQL, on PostgreSQL.
#[derive(Parser)]
#[command(name = "roster", version, about, long_about = None, max_term_width = 100)]
pub struct CommandLine {
    /// What is logged: error, warn, info, debug or trace, also per module (`roster=debug`).
    #[arg(long, env = "ROSTER_LOG", default_value = "warn,roster=info", global = true, value_name = "FILTER")]
    pub log: String,
    /// Log in JSON, a line per event.
    #[arg(long, env = "ROSTER_LOG_JSON", value_parser = FalseyValueParser::new(), global = true)]
    pub log_json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run everything on this machine: a PostgreSQL of its own, demo data, GraphiQL and a mailbox.
    Dev(Dev),
    /// Run the server in production.
    Serve(Box<Serve>),
    /// Bring the database to the newest version.
    Migrate(DatabaseUrl),
    /// Print the GraphQL schema.
    Schema,
    /// Print a token that signs in to `roster dev` as a person.
    Token(Token),
    /// Load a large, reproducible data set into the database.
    Demo(Demo),
}

/// `roster dev`
#[derive(Args)]
pub struct Dev {
    /// Address to listen on. Whoever reaches it can sign in as anybody.
    #[arg(long, env = "ROSTER_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Folder that keeps the database and the keys between runs.
    #[arg(long, env = "ROSTER_DATA_DIR", default_value = ".roster", value_name = "FOLDER")]
    pub data_dir: PathBuf,
    /// Folder with PostgreSQL's programs; found by itself in the usual places.
    #[arg(long, env = "ROSTER_PG_BIN", value_name = "FOLDER")]
    pub pg_bin: Option<PathBuf>,
    /// Page that takes the token of an invitation in its fragment; the mailbox when absent.
    #[arg(long, env = "ROSTER_ACCEPT_URL", value_name = "URL")]
    pub accept_url: Option<String>,
    /// Mail settings; without a server, mails are shown at /dev/mailbox.
    #[command(flatten)]
    pub mail: Mail,
    /// Days that new organizations may try paid features; 0 switches plans off.
    #[arg(long, env = "ROSTER_TRIAL_DAYS", default_value_t = 14, value_name = "DAYS")]
    pub trial_days: u32,
    /// File (TOML) with the permissions of your own product, which roles and API keys can hold.
    #[arg(long, env = "ROSTER_PERMISSIONS", value_name = "FILE")]
    pub permissions: Option<PathBuf>,
    /// Start without demo data.
    #[arg(long, env = "ROSTER_EMPTY", value_parser = FalseyValueParser::new())]
    pub empty: bool,
}

/// How mail is sent.
#[derive(Args)]
pub struct Mail {
    /// Mail server: `smtps://user:password@host`, or `smtp://` for STARTTLS.
    #[arg(long, env = "ROSTER_SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub smtp_url: Option<SecretString>,
    /// Sender of invitations.
    #[arg(long, env = "ROSTER_MAIL_FROM", default_value = "Roster <roster@localhost>", value_name = "MAILBOX")]
    pub mail_from: String,
}

/// `roster serve`
#[derive(Args)]
pub struct Serve {
    /// Address to listen on.
    #[arg(long, env = "ROSTER_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// The database, migrated: `postgres://user:password@host/name`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<SecretString>,
    /// Most connections to the database, 2–500. One in eight is shared by all who read what an index leads to.
    #[arg(long, env = "ROSTER_POOL_SIZE", default_value_t = 16, value_parser = clap::value_parser!(u32).range(2..=500), value_name = "N")]
    pub pool_size: u32,
    /// Key that invitation links are derived from: at least 32 random bytes in base64. Changing it ends all links.
    #[arg(long, env = "ROSTER_TOKEN_KEY", hide_env_values = true, value_name = "BASE64")]
    pub token_key: Option<SecretString>,
    /// Page of your product that takes the token of an invitation in its fragment.
    #[arg(long, env = "ROSTER_ACCEPT_URL", value_name = "URL")]
    pub accept_url: Option<String>,
    /// Issuer (`iss`) of people's tokens: your identity provider.
    #[arg(long, env = "ROSTER_JWT_ISSUER", value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,
    /// Audience (`aud`) that people's tokens must be made for.
    #[arg(long, env = "ROSTER_JWT_AUDIENCE", value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,
    /// Key set that people's tokens are checked with.
    #[arg(long, env = "ROSTER_JWT_JWKS_URL", value_name = "URL")]
    pub jwt_jwks_url: Option<String>,
    /// File with the public key (PEM) that people's tokens are checked with.
    #[arg(long, env = "ROSTER_JWT_PUBLIC_KEY", value_name = "FILE")]
    pub jwt_public_key: Option<PathBuf>,
    /// Secret that people's tokens are signed with (HS256), at least 32 bytes.
    #[arg(long, env = "ROSTER_JWT_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub jwt_secret: Option<SecretString>,
    /// Key of the operator, who may do everything: at least 32 characters.
    #[arg(long, env = "ROSTER_OPERATOR_KEY", hide_env_values = true, value_name = "KEY")]
    pub operator_key: Option<SecretString>,
    /// Mail settings.
    #[command(flatten)]
    pub mail: Mail,
    /// Days that new organizations may try paid features; 0 switches plans off.
    #[arg(long, env = "ROSTER_TRIAL_DAYS", default_value_t = 14, value_name = "DAYS")]
    pub trial_days: u32,
    /// File (TOML) with the permissions of your own product, which roles and API keys can hold.
    #[arg(long, env = "ROSTER_PERMISSIONS", value_name = "FILE")]
    pub permissions: Option<PathBuf>,
    /// Origins whose pages may call from a browser: `https://app.example.com`, separated by commas.
    #[arg(long, env = "ROSTER_ALLOWED_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub allowed_origins: Vec<String>,
    /// What requests and connections are held to.
    #[command(flatten)]
    pub requests: Requests,
    /// Serve GraphiQL at /graphiql.
    #[arg(long, env = "ROSTER_GRAPHIQL", value_parser = FalseyValueParser::new())]
    pub graphiql: bool,
}

/// What requests and connections are held to.
#[derive(Args)]
pub struct Requests {
    /// Answer only the operations in this folder: a document each in .graphql and .gql files, and in .json files
    /// objects from ids to documents, as generators write them.
    #[arg(long, env = "ROSTER_PERSISTED_ONLY", value_name = "FOLDER")]
    pub persisted_only: Option<PathBuf>,
    /// Most that an operation may cost: a field costs one, a list its size times what one item costs. A request
    /// with `"extensions": {"cost": true}` is told its own.
    #[arg(long, env = "ROSTER_MAX_COST", default_value_t = 5_000, value_name = "N")]
    pub max_cost: usize,
    /// Deepest nesting of fields. GraphiQL needs 13.
    #[arg(long, env = "ROSTER_MAX_DEPTH", default_value_t = 15, value_name = "N")]
    pub max_depth: usize,
    /// Largest body of a request.
    #[arg(long, env = "ROSTER_MAX_BODY", default_value_t = 256 * 1024, value_name = "BYTES")]
    pub max_body: usize,
    /// Most requests that are answered at the same time; more are answered with 503 and `Retry-After`, so that the
    /// others need not wait for them. WebSockets do not count.
    #[arg(long, env = "ROSTER_MAX_REQUESTS", default_value_t = 64, value_name = "N")]
    pub max_requests: usize,
    /// Most connections at the same time, WebSockets included; more are answered with 503.
    #[arg(long, env = "ROSTER_MAX_CONNECTIONS", default_value_t = 20_000, value_name = "N")]
    pub max_connections: usize,
    /// How long a connection may be idle, or take to send the head of a request. Behind a load balancer, longer
    /// than that keeps idle connections.
    #[arg(long, env = "ROSTER_IDLE", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "SECONDS")]
    pub idle: u64,
    /// How long everything is answered as before once the server is asked to stop and /health/ready says so; longer
    /// than your load balancer takes to notice.
    #[arg(long, env = "ROSTER_NOTICE", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=600), value_name = "SECONDS")]
    pub notice: u64,
}

/// A database to work on.
#[derive(Args)]
pub struct DatabaseUrl {
    /// The database: `postgres://user:password@host/name`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: SecretString,
}

/// `roster token`
#[derive(Args)]
pub struct Token {
    /// Address of the person; it counts as verified.
    #[arg(long, env = "ROSTER_EMAIL", value_name = "ADDRESS")]
    pub email: String,
    /// Name of the person.
    #[arg(long, env = "ROSTER_NAME", value_name = "NAME")]
    pub name: Option<String>,
    /// Data folder of the `roster dev` to sign in to.
    #[arg(long, env = "ROSTER_DATA_DIR", default_value = ".roster", value_name = "FOLDER")]
    pub data_dir: PathBuf,
    /// Hours until the token expires.
    #[arg(long, env = "ROSTER_HOURS", default_value_t = 24 * 7, value_parser = clap::value_parser!(u32).range(1..=24 * 365), value_name = "HOURS")]
    pub hours: u32,
}

/// `roster demo`
#[derive(Args)]
pub struct Demo {
    /// The database, migrated.
    #[command(flatten)]
    pub database: DatabaseUrl,
    /// Organizations to make.
    #[arg(long, env = "ROSTER_ORGANIZATIONS", default_value_t = 100, value_name = "N")]
    pub organizations: u32,
    /// Members of the largest organization; the others are smaller, most of them much.
    #[arg(long, env = "ROSTER_MEMBERS", default_value_t = 1000, value_name = "N")]
    pub members: u32,
}
