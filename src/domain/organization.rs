//! What an organization can be.

text_enum! {
    /// Who can see the profile of an organization.
    pub enum Visibility {
        /// Members only.
        Private = "PRIVATE",
        /// Everyone; its members, teams and projects stay visible to members only.
        Public = "PUBLIC",
    }
}

text_enum! {
    /// Subscription plan.
    pub enum PlanTier {
        /// No invitations outside a trial.
        Free = "FREE",
        /// Small teams.
        Starter = "STARTER",
        /// Larger teams.
        Premium = "PREMIUM",
        /// Tailored limits.
        Enterprise = "ENTERPRISE",
    }
}

text_enum! {
    /// What kind of actor did something.
    pub enum ActorKind {
        /// A person.
        User = "USER",
        /// An API key.
        ApiKey = "API_KEY",
        /// The operator of this server.
        Operator = "OPERATOR",
        /// The server on its own.
        System = "SYSTEM",
    }
}
