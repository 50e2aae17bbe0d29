import { cursorOf } from './forms.mjs'

const { SLUG, TERM_RARE, TERM_COMMON, DEEP_SORT_NAME, DEEP_ID } = process.env

const ITEM = 'nodes { id role { key name } user { displayName email } }'

function operation(query, variables) {
  const body = { query, variables: { slug: SLUG, ...variables } }
  return { method: 'POST', path: '/graphql', headers: { 'content-type': 'application/json' }, body }
}
const search = (term) =>
  operation(`query($slug: String!, $term: String!) { organization(by: {slug: $slug}) { members(first: 25, filter: {search: $term}) { ${ITEM} } } }`, { term })

const operations = {
  organization: operation('query($slug: String!) { organization(by: {slug: $slug}) { id name viewerPermissions } }'),
  members: operation(`query($slug: String!) { organization(by: {slug: $slug}) { members(first: 25) { ${ITEM} } } }`),
  deep: operation(
    `query($slug: String!, $after: String!) { organization(by: {slug: $slug}) { members(first: 25, after: $after) { ${ITEM} } } }`,
    { after: cursorOf(DEEP_SORT_NAME, DEEP_ID) },
  ),
  nested: operation('query($slug: String!) { organization(by: {slug: $slug}) { projects(first: 20) { nodes { name members(first: 10) { nodes { user { displayName } } } } } } }'),
  total: operation('query($slug: String!) { organization(by: {slug: $slug}) { members { totalCount } } }'),
  'search-rare': search(TERM_RARE),
  'search-common': search(TERM_COMMON),
}
console.log(JSON.stringify(operations))
