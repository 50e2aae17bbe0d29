import '../production.mjs'

import { createServer } from 'node:http'

import { toNodeHandler } from 'better-auth/node'

import { inWorkers } from '../workers.mjs'
import { open } from './auth.mjs'

await inWorkers(({ url, port, host }) => {
  createServer(toNodeHandler(open(url).auth)).listen(port, host)
})
