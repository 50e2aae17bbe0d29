//! Kinds of things that happen.

text_enum! {
    /// What happened.
    pub enum EventKind {
        /// An organization was created.
        OrganizationCreated = "organization.created",
        /// A person joined an organization.
        MemberJoined = "member.joined",
        /// A person left an organization or was removed.
        MemberRemoved = "member.removed",
        /// The role of an organization member changed.
        MemberRoleUpdated = "member.role_updated",
        /// A project was created.
        ProjectCreated = "project.created",
        /// A member was added to a project.
        ProjectMemberAdded = "project_member.added",
        /// A member left a project or was removed.
        ProjectMemberRemoved = "project_member.removed",
        /// The role of a project member changed.
        ProjectMemberRoleUpdated = "project_member.role_updated",
        /// A project got another owner.
        ProjectOwnershipTransferred = "project.ownership_transferred",
        /// Somebody was invited.
        InvitationCreated = "invitation.created",
        /// An invitation grants more than before.
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
