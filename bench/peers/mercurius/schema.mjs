import { idOf, placeOf } from './forms.mjs'

/** What the workloads read of Roster's schema. */
export const schema = `
  type Query {
    organization(by: OrganizationRefInput!): Organization
  }
  input OrganizationRefInput {
    slug: String!
  }
  type Organization {
    id: ID!
    name: String!
    viewerPermissions: [String!]!
    members(first: Int = 25, after: String, filter: OrganizationMemberFilter): OrganizationMemberConnection
    projects(first: Int = 25): ProjectConnection!
  }
  input OrganizationMemberFilter {
    search: String
  }
  type OrganizationMemberConnection {
    nodes: [OrganizationMember!]!
    totalCount: Int!
  }
  type OrganizationMember {
    id: ID!
    role: Role!
    user: User!
  }
  type Role {
    key: String!
    name: String!
  }
  type User {
    displayName: String!
    email: String!
  }
  type ProjectConnection {
    nodes: [Project!]!
  }
  type Project {
    name: String!
    members(first: Int = 25): ProjectMemberConnection
  }
  type ProjectMemberConnection {
    nodes: [ProjectMember!]!
  }
  type ProjectMember {
    user: User!
  }
`

/** Nobody is signed in here: the owner's, as Roster answers them to the owner. */
const OWNERS = [
  'organization.update', 'organization.delete', 'organization.transfer', 'members.read', 'members.manage',
  'invitations.read', 'invitations.manage', 'roles.manage', 'teams.manage', 'api_keys.manage', 'projects.create',
  'projects.read', 'projects.manage', 'projects.own',
]

/** Part of a statement's text, so that plans are made for the size of the page. */
function limit(first) {
  if (first < 0 || first > 100) throw new Error('`first` is 0 to 100')
  return `LIMIT ${first}`
}

const fold = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
const pattern = (term) => `%${fold(term).replace(/[%_\\]/g, '\\$&')}%`

// A row is the member, the role and the user at once.
const itself = (row) => row

export function resolvers(database, searching) {
  return {
    Query: {
      async organization(_, { by }) {
        const [row] = await database.rows('SELECT id, name, member_count FROM organizations WHERE slug = $1', [by.slug])
        return row
      },
    },
    Organization: {
      id: ({ id }) => idOf('org', id),
      viewerPermissions: () => OWNERS,
      members: (organization, page) => ({ organization, page }),
      projects: (organization, page) => ({ organization, page }),
    },
    OrganizationMemberConnection: {
      nodes({ organization, page: { first, after, filter } }) {
        const values = [organization.id]
        let where = ''
        if (after) {
          where += ' AND (m.sort_name, m.id) > ($2, $3)'
          values.push(...placeOf(after))
        }
        if (filter?.search) {
          values.push(pattern(filter.search))
          where += ` AND m.search_text LIKE $${values.length}`
        }
        const text = `
          SELECT m.id, r.key, r.name, m.display_name AS "displayName", m.email
          FROM organization_members m
          JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id
          WHERE m.organization_id = $1${where} ORDER BY m.sort_name, m.id ${limit(first)}`
        return (filter?.search ? searching : database).rows(text, values)
      },
      async totalCount({ organization, page: { filter } }) {
        if (!filter?.search) return organization.member_count
        const text = 'SELECT count(*)::int FROM organization_members WHERE organization_id = $1 AND search_text LIKE $2'
        const [{ count }] = await searching.rows(text, [organization.id, pattern(filter.search)])
        return count
      },
    },
    OrganizationMember: { id: ({ id }) => idOf('mem', id), role: itself, user: itself },
    ProjectConnection: {
      nodes: ({ organization, page }) =>
        database.rows(
          `SELECT organization_id, id, name FROM projects WHERE organization_id = $1 ORDER BY sort_name, id ${limit(page.first)}`,
          [organization.id],
        ),
    },
    Project: {
      members: (project, page) => ({ project, page }),
    },
    ProjectMember: { user: itself },
  }
}

/** Only projects come by the dozen: their members are read in one statement, for each size of page asked for. */
export function loaders(database) {
  return {
    ProjectMemberConnection: {
      nodes: {
        opts: { cache: false },
        async loader(queries) {
          const connections = queries.map(({ obj }) => obj)
          const sizes = new Set(connections.map(({ page }) => page.first))
          await Promise.all(Array.from(sizes, async (first) => {
            const some = connections.filter(({ page }) => page.first === first)
            for (const connection of some) connection.nodes = []
            const text = `
              SELECT parent.index::int - 1 AS parent, m.display_name AS "displayName", m.email
              FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS parent (organization_id, id, index)
              CROSS JOIN LATERAL (
                SELECT m.display_name, m.email, m.sort_name, m.id FROM project_members m
                WHERE m.organization_id = parent.organization_id AND m.project_id = parent.id
                ORDER BY m.sort_name, m.id ${limit(first)}
              ) m
              ORDER BY parent.index, m.sort_name, m.id`
            const projects = some.map(({ project }) => project)
            const parents = [projects.map((project) => project.organization_id), projects.map((project) => project.id)]
            for (const row of await database.rows(text, parents)) some[row.parent].nodes.push(row)
          }))
          return connections.map(({ nodes }) => nodes)
        },
      },
    },
  }
}
