import { createHmac } from 'node:crypto'

import { getMigrations } from 'better-auth/db/migration'

import { ORIGIN, open } from './auth.mjs'

const { DATABASE_URL, SLUG } = process.env
/** How many can accept. */
const INVITEES = 5000

const { auth, pool } = open(DATABASE_URL)

await pool.query('DROP SCHEMA IF EXISTS better_auth CASCADE; CREATE SCHEMA better_auth')
await (await getMigrations(auth.options)).runMigrations()

// What better-auth looks for together: it makes an index for each column alone.
await pool.query(`
  CREATE UNIQUE INDEX ON member ("organizationId", "userId");
  CREATE INDEX ON member ("organizationId", "createdAt");
  CREATE INDEX ON invitation ("organizationId", email, status);
`)

const { rows: [{ id: organizationId }] } = await pool.query(
  `INSERT INTO organization (id, name, slug, "createdAt")
   SELECT id, name, slug, created_at FROM public.organizations WHERE slug = $1 RETURNING id`,
  [SLUG],
)
const { rows: [{ id: owner }] } = await pool.query(
  'SELECT user_id AS id FROM public.organization_members WHERE organization_id = $1 AND is_owner',
  [organizationId],
)
await pool.query(
  `INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
   SELECT u.id, u.display_name, u.email, true, u.created_at, u.updated_at
   FROM public.organization_members m JOIN public.users u ON u.id = m.user_id WHERE m.organization_id = $1`,
  [organizationId],
)
await pool.query(
  `INSERT INTO member (id, "organizationId", "userId", role, "createdAt")
   SELECT m.id, m.organization_id, m.user_id,
     CASE r.built_in WHEN 'OWNER' THEN 'owner' WHEN 'ADMIN' THEN 'admin' ELSE 'member' END, m.joined_at
   FROM public.organization_members m
   JOIN public.roles r ON r.organization_id = m.organization_id AND r.id = m.role_id WHERE m.organization_id = $1`,
  [organizationId],
)
await pool.query(
  `INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
   SELECT gen_random_uuid(), 'Invitee ' || n, 'invitee-' || n || '@bench.example', true, now(), now()
   FROM generate_series(1, $1::int) n`,
  [INVITEES],
)
const { rows: invitations } = await pool.query(
  `INSERT INTO invitation (id, "organizationId", email, role, status, "expiresAt", "createdAt", "inviterId")
   SELECT gen_random_uuid(), $1, email, 'member', 'pending', now() + interval '1 week', now(), $2
   FROM "user" WHERE email LIKE 'invitee-%@bench.example' RETURNING id, email`,
  [organizationId, owner],
)
const { rows: sessions } = await pool.query(
  `INSERT INTO session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
   SELECT gen_random_uuid(), md5(random()::text), id, now() + interval '1 week', now(), now()
   FROM "user" WHERE id = $1 OR email LIKE 'invitee-%@bench.example'
   RETURNING token, "userId" = $1 AS owns, (SELECT email FROM "user" WHERE id = "userId")`,
  [owner],
)
await pool.query('VACUUM (ANALYZE) "user", session, organization, member, invitation')

/** Both cookies of a session, as a browser would have them: the token, and the session itself. */
async function cookiesOf({ token }) {
  const signature = createHmac('sha256', auth.options.secret).update(token).digest('base64')
  const cookie = `better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}`
  const { headers, response } = await auth.api.getSession({ headers: new Headers({ cookie }), returnHeaders: true })
  if (!response) throw new Error('better-auth does not accept its own session')
  return [cookie, ...headers.getSetCookie().map((set) => set.split(';')[0])].join('; ')
}

function operation(method, path, cookie, body) {
  const headers = { cookie, origin: ORIGIN, ...(body && { 'content-type': 'application/json' }) }
  return { method, path: `/api/auth/organization/${path}`, headers, body: body ?? null }
}

const cookie = await cookiesOf(sessions.find(({ owns }) => owns))
const invitationOf = new Map(invitations.map(({ id, email }) => [email, id]))
const accept = []
for (const session of sessions.filter(({ owns }) => !owns)) {
  const body = { invitationId: invitationOf.get(session.email) }
  accept.push(operation('POST', 'accept-invitation', await cookiesOf(session), body))
}
const operations = {
  members: operation('GET', `list-members?organizationId=${organizationId}&limit=25&sortBy=createdAt&sortDirection=asc`, cookie),
  invite: operation('POST', 'invite-member', cookie, { email: 'bench-{n}@example.com', role: 'member', organizationId }),
  accept,
}
console.log(JSON.stringify(operations))
await pool.end()
