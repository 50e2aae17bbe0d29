//! The demo data of `roster dev`: two organizations, told as what their people did in the last days.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::{
    access::{OrganizationRef, ProjectRef, TeamRef, Viewer},
    app::{App, Clock},
    domain::{
        email::Email,
        id::{InvitationId, OrganizationId, ProjectId, TeamId},
        organization::{PlanTier, Visibility},
        team::TeamMemberRole,
    },
    error::{Error, Result},
    operations::{
        self, Operation,
        input::{BulkMode, RoleRef, UserRef},
        invitations::{Accept, Decline, GrantInput, InvitationRef, Letter, OrganizationInvite, ProjectInvite, Revoke},
        organizations, project_members, projects,
        sign_in::{Profile, sign_in},
        team_members, teams,
    },
    server::tokens::DEVELOPMENT_ISSUER,
    store::{
        organizations::{self as stored, Filter},
        users::User,
    },
};

/// Somebody to sign in as.
pub struct Person {
    /// Address.
    pub email: &'static str,
    /// Name.
    pub name: &'static str,
    /// What they are here.
    pub part: &'static str,
}

const fn person(email: &'static str, name: &'static str, part: &'static str) -> Person {
    Person { email, name, part }
}

/// Everybody of the demo data who has an account.
pub const PEOPLE: [Person; 13] = [
    person("alice@example.com", "Alice Andersson", "owns Acme"),
    person("bob@example.com", "Bob Baker", "admin of Acme"),
    person("carol@example.com", "Carol Çelik", "member of Acme and Globex"),
    person("dave@example.com", "Dave Dubois", "viewer of Acme"),
    person("erin@example.com", "Erin Eze", "member of Acme"),
    person("frank@example.com", "Frank Fischer", "member of Acme"),
    person("grace@example.com", "Grace García", "member of Acme"),
    person("heidi@example.com", "Heidi Hansen", "owns Globex"),
    person("ivan@example.com", "Ivan Ivanov", "admin of Globex"),
    person("judy@example.com", "Judy Jansen", "member of Globex"),
    person("wendy@example.com", "Wendy Weber", "guest of Globex, in Hydra"),
    person("mallory@example.com", "Mallory Müller", "in no organization"),
    person("olivia@example.com", "Olivia Öztürk", "invited to Acme"),
];

/// Who is invited to an organization still. Nobody else has use for a mail that was answered, withdrawn or
/// too late long ago.
const INVITED: [&str; 3] = ["olivia@example.com", "sybil@example.com", "victor@example.com"];

/// Who runs the server; everybody else of the story is a person.
const OPERATOR: &str = "the operator";

/// A first query with something real to show.
pub const QUERY: &str = r#"# Alice's organization: try also as
# somebody else (top right).
query Team {
  organization(by: { slug: "acme" }) {
    name
    viewerMembership { role { name } }
    members(first: 4) {
      totalCount
      nodes {
        role { name }
        user { displayName email }
      }
    }
    projects(first: 2) {
      nodes {
        name
        members(first: 2) {
          nodes { user { displayName } }
        }
      }
    }
    teams(first: 2) {
      nodes {
        name
        members(first: 3) {
          nodes { status role email }
        }
      }
    }
    invitations(first: 2) {
      nodes { email status expiresAt }
    }
  }
}
"#;

/// The person's claims, as `roster token` signs them.
pub fn profile(email: &str, name: &str) -> Profile {
    Profile {
        issuer: DEVELOPMENT_ISSUER.to_owned(),
        subject: email.to_owned(),
        email: Email::parse(email),
        email_verified: true,
        name: Some(name.to_owned()),
        first_name: None,
        last_name: None,
        avatar_url: None,
        issued_at: None,
    }
}

/// Makes the demo data in a database that has no organization yet.
///
/// # Errors
/// When the database fails.
pub async fn tell(app: &Arc<App>) -> Result<()> {
    let organizations = {
        let mut conn = app.db.read().await?;
        stored::counts(&mut conn, &[stored::Of::Everyone], &Filter::default()).await?
    };
    if organizations != [0] {
        return Ok(());
    }
    let mut people = Vec::with_capacity(PEOPLE.len());
    for person in &PEOPLE {
        people.push(sign_in(app, profile(person.email, person.name)).await?.ok_or_else(unlikely)?);
    }
    let teller = Teller { app, people };
    teller.acme().await?;
    teller.globex().await
}

fn unlikely() -> Error {
    Error::internal("the demo data names somebody who is not there")
}

struct Teller<'a> {
    app: &'a Arc<App>,
    people: Vec<User>,
}

impl Teller<'_> {
    async fn acme(&self) -> Result<()> {
        let acme = self.found(9, "alice", "Acme", "Makers of everything.", Visibility::Public).await?;
        let apollo = self.project(9, "alice", acme, "Apollo", "To the moon.").await?;
        for (who, role) in [
            ("bob", "admin"),
            ("carol", "member"),
            ("dave", "viewer"),
            ("erin", "member"),
            ("frank", "member"),
            ("grace", "member"),
        ] {
            self.join(8, "alice", acme, who, role).await?;
        }
        // Acme pays, so that inviting goes on working; Globex is in its trial.
        let paid = organizations::PlanUpdate {
            organization: OrganizationRef::Id(acme),
            tier: PlanTier::Starter,
            seats: Some(1000),
            trial_ends_at: None,
        };
        self.run(7, OPERATOR, paid).await?;
        let borealis = self.project(6, "bob", acme, "Borealis", "Northern lights for everybody.").await?;
        self.project(5, "carol", acme, "Comet", "Comes back every 76 years.").await?;
        self.add(6, "alice", apollo, &[("bob", "admin"), ("carol", "member"), ("dave", "viewer"), ("erin", "member")])
            .await?;
        self.add(5, "bob", borealis, &[("frank", "member"), ("grace", "viewer")]).await?;

        let design = "How everything looks and feels.";
        self.team(
            5,
            "alice",
            acme,
            "Design",
            design,
            &[("frank", TeamMemberRole::Lead), ("grace", TeamMemberRole::Member)],
        )
        .await?;
        let launch = "Whoever is awake when it goes up.";
        let launch = self.team(4, "bob", acme, "Launch", launch, &[("carol", TeamMemberRole::Lead)]).await?;
        self.add_to_team(3, "carol", launch, &["bob@example.com", "erin@example.com"]).await?;

        // Expired, declined, taken back, and still open.
        self.invite(8, "alice", acme, "peggy@example.com", "member", 1).await?;
        let declined = self.invite(4, "bob", acme, "mallory@example.com", "member", 7).await?;
        self.run(3, "mallory", Decline { invitation: InvitationRef::Id(declined) }).await?;
        let revoked = self.invite(4, "bob", acme, "rupert@example.com", "admin", 7).await?;
        self.run(3, "alice", Revoke { invitation: Some(revoked) }).await?;
        let project = Some(GrantInput { project: ProjectRef::Id(apollo), role: Some(key("member")) });
        self.invite_to(
            2,
            "alice",
            acme,
            "olivia@example.com",
            "member",
            7,
            project,
            Some("We would love to have you on Apollo!"),
        )
        .await?;
        self.invite(1, "bob", acme, "sybil@example.com", "viewer", 14).await?;
        self.add_to_team(1, "carol", launch, &["olivia@example.com", "sybil@example.com"]).await?;
        let letter = letter("trent@example.com", 7, Some("Come and see the lights."));
        let to_project =
            ProjectInvite { project: ProjectRef::Id(borealis), role: None, organization_role: None, letter };
        self.run(0, "bob", to_project).await.map(|_| ())
    }

    async fn globex(&self) -> Result<()> {
        let globex = self.found(7, "heidi", "Globex", "Nobody outside needs to know.", Visibility::Private).await?;
        let hydra = self.project(7, "heidi", globex, "Hydra", "Cut one head off, two grow back.").await?;
        for (who, role) in [("ivan", "admin"), ("judy", "member"), ("carol", "member")] {
            self.join(6, "heidi", globex, who, role).await?;
        }
        self.add(5, "heidi", hydra, &[("ivan", "admin"), ("judy", "member")]).await?;
        self.bring_in(4, "ivan", hydra, "wendy").await?;
        self.invite(1, "ivan", globex, "victor@example.com", "member", 7).await.map(|_| ())
    }

    fn user(&self, name: &str) -> Result<&User> {
        let address = format!("{name}@example.com");
        self.people.iter().find(|user| user.email.as_str() == address).ok_or_else(unlikely)
    }

    /// What somebody did some days ago.
    async fn run<O: Operation>(&self, days_ago: i64, who: &str, operation: O) -> Result<O::Output> {
        let clock = self.app.clock.clone();
        let then = App { clock: Clock::new(move || clock.now() - TimeDelta::days(days_ago)), ..App::clone(self.app) };
        let viewer = match who {
            OPERATOR => Viewer::Operator,
            person => Viewer::Person(self.user(person)?.clone()),
        };
        operations::execute(&Arc::new(then), &Arc::new(viewer), operation).await
    }

    async fn found(
        &self,
        days_ago: i64,
        who: &str,
        name: &str,
        description: &str,
        visibility: Visibility,
    ) -> Result<OrganizationId> {
        let create = organizations::Create {
            name: name.to_owned(),
            slug: None,
            description: Some(description.to_owned()),
            logo_url: None,
            website: Some(format!("https://{}.example", name.to_lowercase())),
            industry: None,
            email: None,
            phone: None,
            visibility,
            owner: None,
        };
        self.run(days_ago, who, create).await
    }

    async fn project(
        &self,
        days_ago: i64,
        who: &str,
        organization: OrganizationId,
        name: &str,
        description: &str,
    ) -> Result<ProjectId> {
        let create = projects::Create {
            organization: OrganizationRef::Id(organization),
            name: name.to_owned(),
            slug: None,
            description: Some(description.to_owned()),
        };
        self.run(days_ago, who, create).await
    }

    async fn team(
        &self,
        days_ago: i64,
        who: &str,
        organization: OrganizationId,
        name: &str,
        description: &str,
        members: &[(&str, TeamMemberRole)],
    ) -> Result<TeamId> {
        let mut inputs = Vec::new();
        for (name, role) in members {
            inputs.push(team_members::MemberInput { user: UserRef::Id(self.user(name)?.id), role: *role });
        }
        let create = teams::Create {
            organization: OrganizationRef::Id(organization),
            name: name.to_owned(),
            slug: None,
            description: Some(description.to_owned()),
            color: None,
            members: inputs,
        };
        self.run(days_ago, who, create).await
    }

    async fn add_to_team(&self, days_ago: i64, who: &str, team: TeamId, emails: &[&str]) -> Result<()> {
        let named = |email: &&str| Email::parse(email).map(UserRef::Email);
        let member = |user| team_members::MemberInput { user, role: TeamMemberRole::Member };
        let members = emails.iter().filter_map(named).map(member);
        let add = team_members::Add { team: TeamRef::Id(team), members: members.collect(), mode: BulkMode::Atomic };
        self.run(days_ago, who, add).await.map(|_| ())
    }

    async fn invite(
        &self,
        days_ago: i64,
        who: &str,
        organization: OrganizationId,
        email: &str,
        role: &str,
        days: i32,
    ) -> Result<InvitationId> {
        self.invite_to(days_ago, who, organization, email, role, days, None, None).await
    }

    #[expect(clippy::too_many_arguments, reason = "a sentence of the story")]
    async fn invite_to(
        &self,
        days_ago: i64,
        who: &str,
        organization: OrganizationId,
        email: &str,
        role: &str,
        days: i32,
        project: Option<GrantInput>,
        message: Option<&str>,
    ) -> Result<InvitationId> {
        let invite = OrganizationInvite {
            organization: OrganizationRef::Id(organization),
            role: Some(key(role)),
            teams: Vec::new(),
            projects: project.into_iter().collect(),
            letter: Letter { send_email: INVITED.contains(&email), ..letter(email, days, message) },
        };
        let invited = self.run(days_ago, who, invite).await?;
        invited.items.into_iter().find_map(|item| item.invitation).ok_or_else(unlikely)
    }

    async fn join(
        &self,
        days_ago: i64,
        inviter: &str,
        organization: OrganizationId,
        who: &str,
        role: &str,
    ) -> Result<()> {
        let email = self.user(who)?.email.as_str().to_owned();
        let invitation = self.invite(days_ago, inviter, organization, &email, role, 7).await?;
        self.run(days_ago - 1, who, Accept { invitation: InvitationRef::Id(invitation) }).await.map(|_| ())
    }

    /// Somebody from outside, for one project alone.
    async fn bring_in(&self, days_ago: i64, inviter: &str, project: ProjectId, who: &str) -> Result<()> {
        let email = self.user(who)?.email.as_str().to_owned();
        let invite = ProjectInvite {
            project: ProjectRef::Id(project),
            role: Some(key("member")),
            organization_role: Some(key("guest")),
            letter: Letter { send_email: false, ..letter(&email, 7, None) },
        };
        let invited = self.run(days_ago, inviter, invite).await?;
        let invitation = invited.items.into_iter().find_map(|item| item.invitation).ok_or_else(unlikely)?;
        self.run(days_ago - 1, who, Accept { invitation: InvitationRef::Id(invitation) }).await.map(|_| ())
    }

    async fn add(&self, days_ago: i64, who: &str, project: ProjectId, members: &[(&str, &str)]) -> Result<()> {
        let mut inputs = Vec::new();
        for (name, role) in members {
            inputs.push(project_members::MemberInput { user: UserRef::Id(self.user(name)?.id), role: Some(key(role)) });
        }
        let add = project_members::Add { project: ProjectRef::Id(project), members: inputs, mode: BulkMode::Atomic };
        self.run(days_ago, who, add).await.map(|_| ())
    }
}

fn key(role: &str) -> RoleRef {
    RoleRef::Key(role.to_owned())
}

fn letter(email: &str, days: i32, message: Option<&str>) -> Letter {
    Letter {
        emails: vec![email.to_owned()],
        message: message.map(str::to_owned),
        expires_in_days: days,
        send_email: true,
        mode: BulkMode::Partial,
        dry_run: false,
    }
}
