import { betterAuth } from 'better-auth'
import { organization } from 'better-auth/plugins/organization'
import pg from 'pg'

/** Where the peer believes itself to be, whatever port it is given: the origin that its cookies are accepted from. */
export const ORIGIN = 'http://127.0.0.1'

export function open(url) {
  const pool = new pg.Pool({ connectionString: url, options: '-c search_path=better_auth' })
  const auth = betterAuth({
    database: pool,
    baseURL: ORIGIN,
    secret: 'what the cookies of the benchmark are signed with',
    plugins: [
      organization({
        membershipLimit: Number.MAX_SAFE_INTEGER,
        invitationLimit: Number.MAX_SAFE_INTEGER,
        sendInvitationEmail: async () => {},
      }),
    ],
    session: {
      // A day, so that the cookies that were prepared are good for the whole run: always as if just signed in.
      cookieCache: { enabled: true, maxAge: 24 * 60 * 60 },
    },
    advanced: { database: { generateId: 'uuid', joins: true } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { level: 'error' },
  })
  return { auth, pool }
}
