//! The states of an invitation and of its mail.

text_enum! {
    /// State of an invitation. Only `PENDING` changes, and only once.
    pub enum InvitationStatus {
        /// Waiting for the invitee.
        Pending = "PENDING",
        /// The invitee joined.
        Accepted = "ACCEPTED",
        /// The invitee refused.
        Declined = "DECLINED",
        /// Taken back by the organization.
        Revoked = "REVOKED",
        /// Time ran out.
        Expired = "EXPIRED",
    }
}

impl InvitationStatus {
    /// Place in lists: pending first.
    pub fn rank(self) -> i16 {
        self as i16
    }
}

text_enum! {
    /// State of a mail.
    pub enum MailStatus {
        /// Waiting to be sent or retried.
        Queued = "QUEUED",
        /// Accepted by the mail server.
        Sent = "SENT",
        /// Given up.
        Failed = "FAILED",
    }
}

/// Days until an invitation expires.
pub const EXPIRY_DAYS: std::ops::RangeInclusive<i32> = 1..=90;
/// Most addresses of one call.
pub const BULK_MAX: usize = 100;
/// Seconds between two sendings of one invitation.
pub const RESEND_PAUSE_SECONDS: i64 = 60;
/// Most resends of one invitation in 24 hours.
pub const RESENDS_A_DAY: usize = 5;
