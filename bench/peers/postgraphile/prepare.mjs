import '../production.mjs'

import { postgraphile } from 'postgraphile'
import { grafast } from 'postgraphile/grafast'

import { preset } from './graphile.config.mjs'

const { DATABASE_URL, SLUG, TERM_RARE, TERM_COMMON, DEEP_ID } = process.env

const ORDER = 'orderBy: [SORT_NAME_ASC, ROW_ID_ASC]'
const ITEM = 'nodes { rowId roleByOrganizationIdAndRoleId { key name } userByUserId { displayName email } }'

function members({ declared = '', page = `first: 25, ${ORDER}`, selected = ITEM }) {
  return `query($slug: String!${declared}) { organizationBySlug(slug: $slug) { organizationMembersByOrganizationId(${page}) { ${selected} } } }`
}

/** PostGraphile's own cursor of the row that the deep page starts after. */
async function deepCursor() {
  const instance = postgraphile(preset(DATABASE_URL))
  const { schema, resolvedPreset } = await instance.getSchemaResult()
  const { data, errors } = await grafast({
    schema,
    resolvedPreset,
    requestContext: {},
    source: members({ declared: ', $id: UUID!', page: `first: 1, filter: {rowId: {equalTo: $id}}, ${ORDER}`, selected: 'pageInfo { endCursor }' }),
    variableValues: { slug: SLUG, id: DEEP_ID },
  })
  await instance.release()
  if (errors) throw new AggregateError(errors)
  return data.organizationBySlug.organizationMembersByOrganizationId.pageInfo.endCursor
}

function operation(query, variables) {
  const body = { query, variables: { slug: SLUG, ...variables } }
  return { method: 'POST', path: '/graphql', headers: { 'content-type': 'application/json' }, body }
}
const search = (term) =>
  operation(members({ declared: ', $term: String!', page: `first: 25, filter: {searchText: {includes: $term}}, ${ORDER}` }), { term })

// No `organization`: what the viewer may do is no column.
const operations = {
  members: operation(members({})),
  deep: operation(members({ declared: ', $after: Cursor!', page: `first: 25, after: $after, ${ORDER}` }), { after: await deepCursor() }),
  nested: operation(`query($slug: String!) { organizationBySlug(slug: $slug) { projectsByOrganizationId(first: 20, ${ORDER}) { nodes { name projectMembersByOrganizationIdAndProjectId(first: 10, ${ORDER}) { nodes { userByUserId { displayName } } } } } } }`),
  total: operation('query($slug: String!) { organizationBySlug(slug: $slug) { organizationMembersByOrganizationId { totalCount } } }'),
  'search-rare': search(TERM_RARE),
  'search-common': search(TERM_COMMON),
}
console.log(JSON.stringify(operations))
