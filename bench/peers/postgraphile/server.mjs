import '../production.mjs'

import { createServer } from 'node:http'

import { grafserv } from 'postgraphile/grafserv/node'
import { postgraphile } from 'postgraphile'

import { inWorkers } from '../workers.mjs'
import { preset } from './graphile.config.mjs'

await inWorkers(async ({ url, port, host }) => {
  const server = createServer()
  await postgraphile(preset(url)).createServ(grafserv).addTo(server)
  server.listen(port, host)
})
