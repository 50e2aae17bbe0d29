//! How much is made: everything follows from the two numbers of the command line.

/// How many organizations can be asked for.
pub const ORGANIZATIONS: std::ops::RangeInclusive<u32> = 1..=1_000_000;
/// How many members of the largest organization can be asked for.
pub const MEMBERS: std::ops::RangeInclusive<u32> = 1..=10_000_000;

/// Most invitations of one organization.
const INVITATIONS_MAX: u64 = 50_000;
/// Most projects of one organization.
const PROJECTS_MAX: u64 = 500;
/// Members that also a small project has, if there are so many.
const PROJECT_MEMBERS_MIN: u64 = 12;

/// Sizes of all.
pub struct Plan {
    /// People; half of them are in the largest organization.
    pub people: u64,
    /// The largest organization.
    pub largest: Size,
    /// All organizations, the largest first.
    pub organizations: Vec<Size>,
}

/// Size of one organization.
#[derive(Clone, Copy)]
pub struct Size {
    /// Place of the organization among all, the largest being the 0th.
    pub index: u64,
    /// Members.
    pub members: u64,
    /// Projects.
    pub projects: u64,
    /// Invitations in all states.
    pub invitations: u64,
    /// How many invitations the organizations before have.
    pub invitations_before: u64,
}

impl Plan {
    /// By Zipf's law: the n-th organization has an n-th of the members of the first.
    pub fn new(organizations: u32, members: u32) -> Self {
        let (count, members) = (u64::from(organizations), u64::from(members));
        let largest = Size::new(0, members, 0);
        let next = |before: &Size| {
            let index = before.index + 1;
            Some(Size::new(index, (members / (index + 1)).max(1), before.invitations_before + before.invitations))
        };
        let sizes = std::iter::successors(Some(largest), next);
        // So many that there are people to invite who have signed in and are no members.
        let people = members * 2 + count + 5;
        Self { people, largest, organizations: sizes.take(organizations as usize).collect() }
    }

    /// Memberships of organizations.
    pub fn members(&self) -> u64 {
        self.organizations.iter().map(|size| size.members).sum()
    }

    /// Projects.
    pub fn projects(&self) -> u64 {
        self.organizations.iter().map(|size| size.projects).sum()
    }

    /// Invitations in all states.
    pub fn invitations(&self) -> u64 {
        self.organizations.iter().map(|size| size.invitations).sum()
    }

    /// Rows of all tables, but for the few that mails and grants are more or less than invitations.
    pub fn rows(&self) -> u64 {
        let of = |size: &Size| (0..size.projects).map(|project| size.project_members(project)).sum::<u64>();
        let project_members: u64 = self.organizations.iter().map(of).sum();
        self.people + self.organizations.len() as u64 * 11 + self.members() + project_members + self.invitations() * 2
    }
}

impl Size {
    fn new(index: u64, members: u64, invitations_before: u64) -> Self {
        let projects = (members / 200).clamp(1, PROJECTS_MAX);
        Self { index, members, projects, invitations: (members / 2).min(INVITATIONS_MAX), invitations_before }
    }

    /// Members of a project: a tenth of the organization in the first, by Zipf's law fewer in the others.
    pub fn project_members(&self, project: u64) -> u64 {
        (self.members / 10 / (project + 1)).max(PROJECT_MEMBERS_MIN).min(self.members)
    }
}
