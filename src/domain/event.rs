//! Kinds of things that happen.

text_enum! {
    /// What happened.
    pub enum EventKind {
        /// An organization was created.
        OrganizationCreated = "organization.created",
        /// The profile of an organization changed.
        OrganizationUpdated = "organization.updated",
        /// An organization was deleted, with everything in it.
        OrganizationDeleted = "organization.deleted",
        /// An organization got another owner.
        OrganizationOwnershipTransferred = "organization.ownership_transferred",
        /// The operator recorded another plan.
        OrganizationPlanUpdated = "organization.plan_updated",
        /// A person joined an organization.
        MemberJoined = "member.joined",
        /// A person left an organization or was removed.
        MemberRemoved = "member.removed",
        /// The role of an organization member changed.
        MemberRoleUpdated = "member.role_updated",
        /// A project was created.
        ProjectCreated = "project.created",
        /// Name, slug or description of a project changed.
        ProjectUpdated = "project.updated",
        /// A project was deleted, with everything in it.
        ProjectDeleted = "project.deleted",
        /// A member was added to a project.
        ProjectMemberAdded = "project_member.added",
        /// A member left a project or was removed.
        ProjectMemberRemoved = "project_member.removed",
        /// The role of a project member changed.
        ProjectMemberRoleUpdated = "project_member.role_updated",
        /// A project got another owner.
        ProjectOwnershipTransferred = "project.ownership_transferred",
        /// A team was created.
        TeamCreated = "team.created",
        /// Name, slug, description or colour of a team changed.
        TeamUpdated = "team.updated",
        /// A team was deleted.
        TeamDeleted = "team.deleted",
        /// A person or an invitee was added to a team.
        TeamMemberAdded = "team_member.added",
        /// A person or an invitee is no longer in a team.
        TeamMemberRemoved = "team_member.removed",
        /// A team member became lead, or is one no more.
        TeamMemberRoleUpdated = "team_member.role_updated",
        /// A custom role was created.
        RoleCreated = "role.created",
        /// A custom role changed.
        RoleUpdated = "role.updated",
        /// A custom role was deleted.
        RoleDeleted = "role.deleted",
        /// An API key was created.
        ApiKeyCreated = "api_key.created",
        /// An API key got a new secret.
        ApiKeyRotated = "api_key.rotated",
        /// Somebody else answers for an API key.
        ApiKeyTakenOver = "api_key.taken_over",
        /// An API key was ended.
        ApiKeyRevoked = "api_key.revoked",
        /// Somebody was invited.
        InvitationCreated = "invitation.created",
        /// What an invitation grants changed.
        InvitationUpdated = "invitation.updated",
        /// An invitation was sent again.
        InvitationResent = "invitation.resent",
        /// An invitation was accepted.
        InvitationAccepted = "invitation.accepted",
        /// An invitation was declined.
        InvitationDeclined = "invitation.declined",
        /// An invitation was taken back.
        InvitationRevoked = "invitation.revoked",
        /// An invitation ran out of time.
        InvitationExpired = "invitation.expired",
    }
}
